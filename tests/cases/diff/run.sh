#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# One change: run.sh PROGRAM CASE. CASE/old.nft and CASE/new.nft (or .rules4, .rules6, .json), perhaps CASE/allow.conf, and
# CASE/expected: all that `diff` must print, and its exit status in the last line. PORTAUDIT_ACCEPT=1 writes it; read it before you commit it.
set -eu
program=$1
cd "$2"
self=192.0.2.1,192.0.2.2,198.51.100.1,10.0.0.1,2001:db8::1,2001:db8::2,2001:db8:1::1,fd00::1
set --
if [ -f allow.conf ]; then
	set -- -p allow.conf
fi
status=0
text=$("$program" diff "$@" --color never --self "$self" old.* new.* 2>&1) || status=$?
text="$text
exit $status"
if [ "${PORTAUDIT_ACCEPT:-}" = 1 ]; then
	printf '%s\n' "$text" > expected
	exit 0
fi
printf '%s\n' "$text" | diff -u expected -
