#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: text.sh PROGRAM. PORTAUDIT_ACCEPT=1 writes the expectations; read them.
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
bad=0
count=0
for ruleset in *.nft; do
	expected=${ruleset%.nft}.conf
	args=$(sed -n 's/^# args: //p' "$ruleset")
	count=$((count + 1))
	# shellcheck disable=SC2086
	if ! "$1" init --now 2026-01-01 $args "$ruleset" > "$out"; then
		echo "$ruleset: init failed"
		bad=1
	fi
	[ -n "$PORTAUDIT_ACCEPT" ] && cp "$out" "$expected"
	diff -u "$expected" "$out" || bad=1
done
echo "$count policies"
[ "$count" -ge 3 ] && [ "$bad" -eq 0 ]
