#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# init and check on the live kernel, in a network namespace of their own: with forwarding off, what would be forwarded is not declared, and
# no finding that counts; with forwarding on it is declared.
# Usage: live.sh PROGRAM SOURCE. Status 77: not root, or no nft.
if [ "$(id -u)" -ne 0 ] || ! command -v nft > /dev/null || ! command -v unshare > /dev/null; then
	echo "SKIPPED: needs root, nft and unshare"
	exit 77
fi
if [ -z "$3" ]; then
	exec unshare -n "$0" "$1" "$2" inside
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
nft -f "$2/doc/examples/web-server.nft" || exit 1
bad=0
for forward in 0 1; do
	echo "$forward" > /proc/sys/net/ipv4/ip_forward || exit 1
	"$1" init -o "$folder/allow.conf" 2> "$folder/warnings" || { echo "init, forwarding $forward"; bad=1; }
	cat "$folder/warnings"
	[ -s "$folder/warnings" ] && bad=1
	declared=$(grep -c '^allow forward' "$folder/allow.conf")
	[ "$((declared > 0))" -eq "$forward" ] || { echo "$declared forwards are declared, forwarding $forward"; bad=1; }
	"$1" check --quiet --check EXP-001,EXP-004,FWD-001,FWD-002,POL-003 --policy "$folder/allow.conf" > "$folder/report" || {
		echo "check, forwarding $forward"
		cat "$folder/report"
		bad=1
	}
done
[ "$bad" -eq 0 ]
