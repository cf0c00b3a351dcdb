#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# opaque.sh PROGRAM SOURCE [--write]: what the rulesets of others ask that is not decided, how often; the table of doc/CONFIDENCE.md. A host is what
# iptables-save, ip6tables-save and ipset printed of it, or else its nft ruleset. Without --write: prints the table.
program=$1 page=$2/doc/CONFIDENCE.md corpus=$2/../shared/corpus

test -d "$corpus" || { echo "SKIPPED: no corpus at $corpus"; exit 77; }
hosts() {
	find "$corpus/managers" "$corpus/real-ipt" -name '*.rules[46]' | sed 's/\.rules[46]$//' | LC_ALL=C sort -u | while read -r base; do
		list=
		for file in "$base.rules4" "$base.rules6" "$base.ipset"; do
			test -f "$file" && list="$list${list:+,}$file"
		done
		echo "$list"
	done
	find "$corpus/managers" -name '*.json' | LC_ALL=C sort | while read -r file; do
		base=${file%.json}
		test -f "$base.rules4" || test -f "$base.rules6" || echo "$file"
	done
	find "$corpus/real-nft" -name '*.nft' | LC_ALL=C sort
}
hosts >hosts.list
xargs -d '\n' "$program" <hosts.list >opaque.md || exit 1
if test "$3" = --write; then
	sed '/^<!-- opaque/q' "$page" >page.new
	{ echo; cat opaque.md; } >>page.new
	cp page.new "$page"
else
	cat opaque.md
fi
