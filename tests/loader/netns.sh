#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --netns: named namespaces, those of processes, all of them; each gives the answer that it gives from the inside. The script runs in
# mount and process namespaces of its own, so that `all` are those that it makes.
# Usage: netns.sh PORTAUDIT
for program in ip nft python3 unshare; do
	command -v "$program" >/dev/null || missing=$program
done
if [ "$(id -u)" != 0 ] || [ -n "$missing" ]; then
	echo "SKIPPED: needs ${missing:-root}"
	exit 77
fi
portaudit=$(realpath "$1")
if [ "$2" != inside ]; then
	exec unshare --net --mount --pid --fork --mount-proc "$0" "$portaudit" inside
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/pa-netns.XXXXXX") || exit 1
mkdir -p /run/netns && mount -t tmpfs none /run/netns || exit 1
failures=0
cleanup() {
	cd /
	rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder" || exit 1
fail() {
	failures=$((failures + 1))
	printf 'FAILED: %s\n' "$1"
	[ -z "$2" ] || head -n 20 "$2" | sed 's/^/    /'
}
rules() { # PORT
	printf 'table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport %s accept\n\t}\n}\n' "$1"
}
rules 1 | nft -f - || exit 1
for number in 22 80; do
	ip netns add "web$number" || exit 1
	ip netns exec "web$number" ip link set lo up
	rules "$number" | ip netns exec "web$number" nft -f - || exit 1
done
rules 443 >rules.nft
unshare --net sh -c 'nft -f rules.nft && echo ready >ready && exec sleep 600' &
hidden=$!
for _ in $(seq 100); do
	[ -s ready ] && break
	sleep 0.1
done

for name in web22 web80 "$hidden"; do
	"$portaudit" list --now 0 -f json --netns "$name" >outside 2>said || fail "--netns $name" said
	if [ "$name" = "$hidden" ]; then
		nsenter --net="/proc/$hidden/ns/net" "$portaudit" list --now 0 -f json >inside
	else
		ip netns exec "$name" "$portaudit" list --now 0 -f json >inside
	fi
	cmp -s outside inside || fail "--netns $name: not the answer from the inside" outside
done
grep -q '"443"' outside || fail "the namespace of a process: not its ports" outside
"$portaudit" explain 80/tcp --netns web80 2>&1 | grep -qi accept || fail "explain --netns"

"$portaudit" list --now 0 --netns all >all.txt 2>said || fail "all: $?" said
headings=$(grep '^=== network namespace' all.txt)
[ "$(echo "$headings" | wc -l)" = 4 ] || fail "all: not four namespaces" all.txt
for name in web22 web80 "process 1 " "process $hidden (sleep)"; do
	[ "$(echo "$headings" | grep -c "$name")" = 1 ] || fail "all: not once $name"
done
"$portaudit" list --now 0 -f json --netns all >all.json || fail "all as JSON"
"$portaudit" snapshot --now 0 --netns all >snapshots.json || fail "snapshots of all"
python3 - <<'CHECK' || fail "all as JSON: not what was wanted"
import json
for name, schema in (("all.json", "portaudit/1"), ("snapshots.json", "portaudit/snapshot-1")):
    document = json.load(open(name))
    assert document["schema"] == "portaudit/namespaces-1"
    assert [row["status"] for row in document["namespaces"]] == [0] * 4
    assert all(row["report"]["schema"] == schema for row in document["namespaces"])
document = json.load(open("all.json"))
ports = {row["name"]: [e["dport"] for e in row["report"]["exposures"] if e["proto"] == "tcp"] for row in document["namespaces"]}
assert ports["web22"] and all(p == ["22"] for p in ports["web22"]), ports
CHECK

# The worst exit status counts.
printf 'deny 80/tcp from any\nallow 1,22,443/tcp from any\n' >policy.conf
"$portaudit" check -q --policy policy.conf --check PA-EXP-003 --netns web22 >/dev/null 2>said || fail "check --netns web22" said
"$portaudit" check -q --policy policy.conf --check PA-EXP-003 --netns all >/dev/null 2>said
[ $? = 1 ] || fail "check --netns all: not the status of web80" said
"$portaudit" list --netns none >/dev/null 2>said
[ $? = 2 ] || fail "a namespace that is not there" said
"$portaudit" list --netns ../../proc/self/ns/net >/dev/null 2>said
[ $? = 2 ] || fail "a path in place of a name" said
# What is left of a namespace that is gone is no answer, and the others are answered all the same.
: >/run/netns/gone
"$portaudit" list --now 0 --netns gone >all.txt 2>said
[ $? = 3 ] || fail "a namespace that is gone: not 3" said
grep -q "ip netns del" said || fail "a namespace that is gone: no help" said
[ ! -s all.txt ] || fail "a namespace that is gone has an answer" all.txt
"$portaudit" list --now 0 --netns all >all.txt 2>said
[ $? = 3 ] || fail "all with one that is gone: not 3" said
[ "$(grep -c '^=== network namespace' all.txt)" = 5 ] || fail "all with one that is gone: the others are missing" all.txt
grep -q "network namespace gone" said || fail "all with one that is gone: it is not named" said
kill "$hidden"
echo "$failures failures"
[ "$failures" = 0 ]
