#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The host of host.nft and allow.conf with real sockets, in a network namespace of its own: `check` must report each mistake of `expected`
# once, and nothing else.
# Usage: run.sh PROGRAM LISTEN
[ "$(id -u)" -eq 0 ] && unshare -n true 2>/dev/null || { echo "needs root and network namespaces"; exit 77; }
if [ -z "$HOST_TEST_INSIDE" ]; then
	exec env HOST_TEST_INSIDE=1 unshare -n "$0" "$@"
fi
program=$1
listen=$2
here=$(dirname "$0")
folder=$(mktemp -d)
pids=
# shellcheck disable=SC2086 # several pids
trap 'kill $pids; rm -r "$folder"' EXIT

# NAME UID SOCKETS...: a service of that name and user
start()
{
	name=$1
	shift
	cp "$listen" "$folder/$name"
	pids="$pids $("$folder/$name" "$@")"
}

ip link set lo up
ip link add eth0 type veth peer name eth1 && ip address add 192.0.2.1/24 dev eth0 && ip link set eth0 up
for setting in ipv4.ip_unprivileged_port_start=1024 ipv4.ip_local_reserved_ports= ipv4.conf.all.route_localnet=1 \
	"ipv4.ip_local_port_range=60000 60009"; do
	sysctl -q -w "net.$setting"
done
nft -f "$here/host.nft" || exit 1
start sshd 0 tcp:0.0.0.0:22
start nginx 33 tcp:0.0.0.0:80 tcp:0.0.0.0:443
start chronyd 106 udp:0.0.0.0:123
rm "$folder/chronyd"
start app 1002 tcp:0.0.0.0:8080
start webmail 0 tcp:0.0.0.0:81
start job 0 tcp:0.0.0.0:9000
start redis-server 1003 tcp:0.0.0.0:6379
start forgotten 1004 tcp:0.0.0.0:7777
start postgres 105 tcp:0.0.0.0:5432
start mailer 8 tcp:127.0.0.1:10025
start miner 1001 tcp:127.0.0.1:3306
start one 1001 tcp:0.0.0.0:8081
start two 1001 tcp:127.0.0.1:8081
start late 1001 tcp:127.0.0.1:50000
start pool 1001 tcp:127.0.0.1:8099 connect:127.0.0.1:8099:9

"$program" check --quiet --policy "$here/allow.conf" >"$folder/report" 2>"$folder/errors"
echo "exit status $?"
cat "$folder/errors"
sed -n 's/^  \(PA-[A-Z0-9]*-[0-9]*\)  /\1 /p' "$folder/report" >"$folder/found"
wrong=0
while read -r code piece; do
	grep "^$code " "$folder/found" | grep -qF -- "$piece" || { echo "missing: $code $piece"; wrong=1; }
done <"$here/expected"
while read -r code message; do
	[ "$(grep -c "^$code " "$here/expected")" -eq "$(grep -c "^$code " "$folder/found")" ] && continue
	echo "not expected, or more than once: $code $message"
	wrong=1
done <"$folder/found"
exit $wrong
