#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Socket activation with the real systemd, as process 1 of namespaces of its own: before the first connection it keeps the socket for a
# service that does not run, afterwards the service has it. The policy's `listener` means the service both times.
# Usage: units.sh PROGRAM
systemd=/lib/systemd/systemd
if [ "$(id -u)" -ne 0 ] || [ ! -x "$systemd" ] || ! unshare -n -m -p -C -f --mount-proc true 2>/dev/null; then
	echo "NOT RUN: needs root, systemd and namespaces"
	exit 77
fi
program=$1
folder=$(mktemp -d)
first=
trap '[ -z "$first" ] || kill -9 "$first" 2>/dev/null; rm -r "$folder"' EXIT

cat >"$folder/start" <<'END'
mount --make-rprivate / && mount -t tmpfs none /run && mkdir -p /run/systemd/system && ip link set lo up || exit 1
cd /run/systemd/system || exit 1
printf '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=8099\nService=webapp.service\n' >web.socket
printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 100\n' >webapp.service
container=test exec /lib/systemd/systemd --system --unit=web.socket --log-target=null --show-status=0
END
unshare -n -m -p -C -f --mount-proc sh "$folder/start" >"$folder/log" 2>&1 &
outer=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	first=$(tr -d ' ' <"/proc/$outer/task/$outer/children" 2>/dev/null)
	[ -n "$first" ] && nsenter -t "$first" -n ss -Htln 2>/dev/null | grep -q 8099 && break
	sleep 0.5
done
inside="nsenter -t $first -n -m -p -C"
if ! $inside ss -Htln | grep -q 8099; then
	echo "NOT RUN: systemd does not start here"
	cat "$folder/log"
	exit 77
fi

echo "allow 8099/tcp from any { listener exe $(realpath /bin/sleep) user root unit webapp.service }" >"$folder/allow.conf"
wrong=0
check() { # WHEN LISTENER
	$inside "$program" check --policy "$folder/allow.conf" --check SOC-001,SOC-003,SOC-004 --color never >"$folder/report" 2>&1
	status=$?
	$inside "$program" list --color never >"$folder/list" 2>&1
	[ $status -eq 0 ] && grep -qF -- "$2" "$folder/list" && return
	echo "$1: status $status, wanted: $2"
	cat "$folder/report" "$folder/list"
	wrong=1
}
check "before the first connection" "webapp.service (on demand) 8099/tcp"
$inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/8099'
for _ in 1 2 3 4 5 6 7 8 9 10; do
	$inside ss -Htlnp | grep -q '"sleep"' && break
	sleep 0.3
done
check "while the service runs" "sleep (root) 8099/tcp"
exit $wrong
