#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# With the policy that `init` writes for a ruleset, nothing of that ruleset is undeclared.
# Usage: covers.sh PROGRAM FOLDER... Status 77: none of the folders is there.
program=$1
shift
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
checks=EXP-001,EXP-004,EXP-005,EXP-006,EXP-007,EXP-009,FWD-001,FWD-002,FWD-004,REQ-001,POL-003
bad=0
count=0
unread=0
find "$@" -type f \( -name '*.nft' -o -name '*.rules[46]' \) -size -300k > "$folder/list" 2> "$folder/missing"
while read -r ruleset; do
	rm -f "$folder/allow.conf"
	"$program" init --now 2026-01-01 -o "$folder/allow.conf" "$ruleset" 2> "$folder/diagnostics"
	status=$?
	if [ ! -s "$folder/allow.conf" ]; then # refused by its front end, which other tests look at
		unread=$((unread + 1))
		continue
	fi
	count=$((count + 1))
	if [ $status -ne 0 ] && [ $status -ne 3 ] || grep -E 'of the policy is wrong|could not be (written|held)' "$folder/diagnostics"; then
		echo "$ruleset: init, status $status"
		bad=$((bad + 1))
	fi
	"$program" check --now 2026-01-01 --check $checks --policy "$folder/allow.conf" "$ruleset" > "$folder/report" 2>&1
	status=$?
	if [ $status -ne 0 ] && [ $status -ne 3 ] || ! grep -q '^no findings' "$folder/report"; then
		echo "$ruleset: check, status $status"
		grep -E '^  PA-' "$folder/report" | head -n 3
		bad=$((bad + 1))
	fi
done < "$folder/list"
echo "$count rulesets, $bad wrong, $unread not read"
if [ "$count" -eq 0 ]; then
	echo "SKIPPED: no rulesets in $*"
	exit 77
fi
[ "$bad" -eq 0 ]
