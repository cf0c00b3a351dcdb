#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The host of NAME.nft and NAME.conf with the sockets of NAME.services, in a network namespace of its own: `check` must report each mistake
# of NAME.expected once, and nothing else. Services: NAME UID SOCKETS...; the file of a `!NAME` is deleted once it runs.
# Usage: run.sh PROGRAM LISTEN NAME
if [ "$(id -u)" -ne 0 ] || ! unshare -n true 2>/dev/null; then
	echo "needs root and network namespaces"
	exit 77
fi
if [ -z "$HOST_TEST_INSIDE" ]; then
	exec env HOST_TEST_INSIDE=1 unshare -n "$0" "$@"
fi
program=$1
listen=$2
name=$3
here=$(dirname "$0")
folder=$(mktemp -d)
pids=
# shellcheck disable=SC2086 # several pids
trap 'kill $pids; rm -r "$folder"' EXIT

ip link set lo up
ip link add eth0 type veth peer name eth1 && ip address add 192.0.2.1/24 dev eth0 && ip link set eth0 up && ip link set eth1 up
ip address add 2001:db8::1/64 dev eth0 nodad
ip route add default via 192.0.2.254 && ip -6 route add default via 2001:db8::fe
for setting in ipv4.ip_unprivileged_port_start=1024 ipv4.ip_local_reserved_ports= ipv4.conf.all.route_localnet=1 \
	"ipv4.ip_local_port_range=60000 60009" ipv4.conf.all.rp_filter=0 ipv4.conf.eth0.rp_filter=1; do
	sysctl -q -w "net.$setting"
done
nft -f "$here/$name.nft" || exit 1
while read -r service user sockets; do
	file=$folder/${service#!}
	cp "$listen" "$file"
	# shellcheck disable=SC2086 # several sockets
	pid=$("$file" "$user" $sockets) || exit 1
	pids="$pids $pid"
	[ "$service" = "${service#!}" ] || rm "$file"
done <"$here/$name.services"

"$program" check --quiet --policy "$here/$name.conf" >"$folder/report" 2>"$folder/errors"
echo "exit status $?"
cat "$folder/errors"
sed -n 's/^  \(PA-[A-Z0-9]*-[0-9]*\)  /\1 /p' "$folder/report" >"$folder/found"
wrong=0
while read -r code piece; do
	grep "^$code " "$folder/found" | grep -qF -- "$piece" || { echo "missing: $code $piece"; wrong=1; }
done <"$here/$name.expected"
codes=$(cut -d " " -f 1 "$folder/found" | sort -u)
for code in $codes; do
	[ "$(grep -c "^$code " "$here/$name.expected")" -eq "$(grep -c "^$code " "$folder/found")" ] && continue
	echo "not expected, or more than once:"
	grep "^$code " "$folder/found"
	wrong=1
done
exit $wrong
