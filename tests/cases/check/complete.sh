#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every check that this version assesses has a case in which it fires and one that says it passes.
# Usage: complete.sh PROGRAM
assessed=$("$1" check --format json --policy good-server-policy.conf --saved good-server-policy.nft \
	--baseline good-server-policy.nft good-server-policy.nft |
	sed -n 's/.*"check": *"\(PA-[A-Z0-9]*-[0-9]*\)", *"status": *"passed".*/\1/p')
count=0
bad=0
for check in $assessed; do
	count=$((count + 1))
	grep -q "^$check " ./*.expected || { echo "$check fires in no case"; bad=1; }
	grep -q "^passed $check\$" ./*.expected || { echo "$check passes in no case"; bad=1; }
done
echo "$count checks"
[ "$count" -ge 25 ] && [ "$bad" -eq 0 ]
