#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# One case: run.sh PROGRAM NAME. NAME.nft, NAME.rules4, NAME.rules6 (those that exist are one host), perhaps NAME.conf, and NAME.expected: what
# `check --suggest` says of each finding. PORTAUDIT_ACCEPT=1 writes it; read it before you commit it.
set -eu
program=$1 name=$2
set --
if [ -f "$name.conf" ]; then
	set -- -p "$name.conf"
fi
for file in "$name.nft" "$name.rules4" "$name.rules6"; do
	if [ -f "$file" ]; then
		set -- "$@" "$file"
	fi
done
text=$("$program" check --suggest --quiet --color never --now 2026-01-01 "$@" 2>&1 |
	sed -n 's/^  \(PA-[A-Z0-9]*-[0-9]*\)  /\1 /p; /^    repair/,/^$/p; s/^[a-z].*error: /&/p')
if [ "${PORTAUDIT_ACCEPT:-}" = 1 ]; then
	printf '%s\n' "$text" > "$name.expected"
	exit 0
fi
printf '%s\n' "$text" | diff -u "$name.expected" -
