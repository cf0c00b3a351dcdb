#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel on each change: kernel.sh PROGRAM JUDGE DIFF-PACKETS CASES. The example packets are sent through both rulesets and
# must fare as `diff` tells. Needs root and network namespaces (else 77).
set -eu
program=$1 judge=$2 packets=$3 cases=$4
self=192.0.2.1,192.0.2.2,198.51.100.1,10.0.0.1,2001:db8::1,2001:db8::2,2001:db8:1::1,fd00::1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
all=0
for case in "$cases"/*/; do
	name=$(basename "$case")
	[ -f "$case/old.json" ] && continue # what this kernel cannot load
	document=$(cd "$case" && "$program" diff -f json --self "$self" --interfaces lo,eth0,eth1,lan0 old.* new.* 2>/dev/null) || true
	[ -n "$document" ] || { echo "$name: no document"; exit 1; }
	count=$(printf '%s' "$document" | "$packets" "$work/$name-old.jsonl" "$work/$name-new.jsonl")
	all=$((all + count))
	for side in old new; do
		for file in "$case/$side".*; do
			cp "$file" "$work/$name-$side.${file##*.}"
		done
		[ -s "$work/$name-$side.jsonl" ] || rm "$work/$name-$side."*
	done
done
echo "$all packets of changes"
[ "$all" -ge 40 ] || { echo "too few to prove anything"; exit 1; }
"$judge" --verify "$work"
