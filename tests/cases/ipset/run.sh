#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Files of ip sets beside the rules that ask them: NAME.case holds the arguments, NAME.expected the status and all that is printed.
# Usage: run.sh PROGRAM; PORTAUDIT_ACCEPT=1 writes what is expected.
program=$1
cd "$(dirname "$0")" || exit 1
bad=0
count=0
for case in *.case; do
	name=${case%.case}
	# shellcheck disable=SC2046 # words are wanted
	said=$("$program" $(cat "$case") --color never 2>&1 </dev/null; echo "status $?")
	count=$((count + 1))
	[ -z "$PORTAUDIT_ACCEPT" ] || printf '%s\n' "$said" >"$name.expected"
	printf '%s\n' "$said" | diff "$name.expected" - || { echo "$name: differs"; bad=1; }
done
echo "$count cases"
[ "$count" -ge 10 ] && [ "$bad" = 0 ]
