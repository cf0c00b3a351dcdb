#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# corpus.sh PROGRAM SOURCE: every construct of the rulesets of others has a row; and a ruleset with constructs that nobody has is noticed.
program=$1 source=$2 corpus=$2/../shared/corpus

"$program" "$source/tests/coverage/unlisted.json" >unlisted.out
status=$?
cat unlisted.out
for name in 'meta mood' 'tcp taste' 'carrier pigeon wing' ponder 'ct karma' '"crystal"'; do
	grep -qF "$name" unlisted.out || { echo "not noticed: $name"; exit 1; }
done
test $status -eq 1 || { echo "unlisted constructs give status $status"; exit 1; }

test -d "$corpus" || { echo "SKIPPED: no corpus at $corpus"; exit 77; }
find "$corpus/nft-tests" -name '*.nft' | LC_ALL=C sort >files
find "$corpus/managers" -name '*.json' | LC_ALL=C sort >>files
find "$corpus/json-defects" -name '*.nft' | LC_ALL=C sort >>files
xargs "$program" -v <files >corpus.out
status=$?
grep -vE '^(not loaded|opaque):' corpus.out
loaded=$(sed -n 's/^\([0-9]*\) files loaded.*/\1/p' corpus.out)
if test $status -ne 0 || test "${loaded:-0}" -lt 200; then
	grep '^not loaded' corpus.out | head -n 20
	exit 1
fi
