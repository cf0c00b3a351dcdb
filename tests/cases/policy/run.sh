#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: run.sh PROGRAM. PORTAUDIT_ACCEPT=1 writes the expectations; read them.
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
bad=0
count=0
# expect STATUS FILE COMMAND...: the output (and the status in its last line) must be the file
expect() {
	file=$1
	shift
	"$@" > "$out" 2>&1
	echo "status $?" >> "$out"
	count=$((count + 1))
	[ -n "$PORTAUDIT_ACCEPT" ] && cp "$out" "$file"
	diff -u "$file" "$out" || bad=1
}
for policy in fmt-*.conf; do
	name=${policy%.conf}
	"$1" fmt "$policy" > "$out" || bad=1
	count=$((count + 1))
	[ -n "$PORTAUDIT_ACCEPT" ] && cp "$out" "$name.fmt"
	diff -u "$name.fmt" "$out" || bad=1
	if "$1" fmt --check "$policy" > "$out" || ! grep -qx "$policy" "$out"; then
		echo "$policy: --check"
		bad=1
	fi
	if ! "$1" fmt --check "$name.fmt" > "$out" || [ -s "$out" ]; then
		echo "$name.fmt: --check"
		bad=1
	fi
done
for policy in wrong-*.conf; do
	expect "${policy%.conf}.err" "$1" fmt "$policy"
done
for policy in lint-*.conf; do
	expect "${policy%.conf}.lint" "$1" lint --now 2026-01-01 "$policy"
done
"$1" fmt --check ../../../doc/examples/allow.conf || { echo "the example is not in canonical form"; bad=1; }
echo "$count cases"
[ "$count" -ge 6 ] && [ "$bad" -eq 0 ]
