#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What `nft -o` makes of a ruleset means the same: optimizer.sh PROGRAM FILE... Each file is loaded twice into a network namespace of
# its own, as it is and optimized, and listed. Needs root (else 77).
set -eu
program=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unshare -n true 2>/dev/null || { echo "NOT RUN: no network namespaces"; exit 77; }
compared=0
bad=0
for file; do
	# shellcheck disable=SC2016
	unshare -n sh -c 'for i in eth0 eth1 lan0; do ip link add $i type dummy; done
		nft -f "$1" && nft list ruleset > "$2/plain.nft" && nft flush ruleset &&
		nft -o -f "$1" > /dev/null && nft list ruleset > "$2/optimized.nft"' sh "$file" "$work" 2>/dev/null || continue
	cmp -s "$work/plain.nft" "$work/optimized.nft" && continue # nothing to merge
	compared=$((compared + 1))
	(cd "$work" && "$program" diff plain.nft optimized.nft > report) || { bad=1; echo "$file:"; cat "$work/report"; }
done
echo "$compared rulesets were merged by nft"
[ "$compared" -ge 10 ] && [ "$bad" -eq 0 ]
