#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: packets.sh PROGRAM. PORTAUDIT_ACCEPT=1 writes the expectation; read it.
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
bad=0
"$1" trace --packets packets.jsonl --format text ../../../doc/examples/web-server.nft > "$out"
echo "status $?" >> "$out"
[ -n "$PORTAUDIT_ACCEPT" ] && cp "$out" packets.tap
diff -u packets.tap "$out" || bad=1
"$1" trace --now 2026-01-01 --packets packets.jsonl -o junit:"$out" ../../../doc/examples/web-server.nft > /dev/null 2>&1
[ $? -eq 1 ] || { echo "status of junit"; bad=1; }
grep -q 'failures="2" errors="0" skipped="1"' "$out" || { echo "counts of junit"; cat "$out"; bad=1; }
"$1" trace --packets packets.jsonl ../../../doc/examples/web-server.nft 2> /dev/null | grep -c '"fate"' | grep -qx 4 || {
	echo "JSON lines"
	bad=1
}
[ "$bad" -eq 0 ]
