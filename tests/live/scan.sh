#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The real nmap scans a host with a real ruleset from another network namespace: `check --scan` agrees with it. Then the ruleset is
# another one than the scan saw: PA-SCN-001.
# Usage: scan.sh PROGRAM
set -u
skip() {
	echo "skipped: $1"
	exit 77
}
if [ "${2:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || skip "not root"
	for tool in nmap nft ip unshare nsenter python3; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
	unshare -n true 2>/dev/null || skip "no network namespaces"
	exec unshare -n "$0" "$1" inside
fi

program=$1
folder=$(mktemp -d)
unshare -n sleep 300 &
scanner=$!
python3 - <<'E' &
import socket, time
kept = []
def listen(family, kind, address, port):
    s = socket.socket(family, kind)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((address, port))
    if kind == socket.SOCK_STREAM:
        s.listen()
    kept.append(s)
for port in (22, 80, 8080, 3306):
    listen(socket.AF_INET, socket.SOCK_STREAM, '0.0.0.0', port)
    listen(socket.AF_INET6, socket.SOCK_STREAM, '::', port)
listen(socket.AF_INET, socket.SOCK_DGRAM, '0.0.0.0', 53)
time.sleep(300)
E
listeners=$!
trap 'kill $scanner $listeners; rm -rf "$folder"' EXIT
status=0
fail() {
	echo "FAIL: $1"
	status=1
}

ip link set lo up
until [ "$(readlink /proc/$scanner/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
there() { nsenter -t "$scanner" -n "$@"; }
ip link add here type veth peer name there
ip link set there netns "$scanner"
ip addr add 192.0.2.1/24 dev here
ip addr add 2001:db8::1/64 dev here nodad
ip link set here up
there ip link set lo up
there ip addr add 192.0.2.2/24 dev there
there ip addr add 2001:db8::2/64 dev there nodad
there ip link set there up

cat >"$folder/rules.nft" <<'E'
flush ruleset
table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related accept
		ct state invalid drop
		iif lo accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
		icmp type echo-request accept
		tcp dport { 22, 80, 443 } accept
		ip saddr 192.0.2.2 tcp dport 8080 accept
		udp dport { 53, 123 } accept
		tcp dport 113 reject with tcp reset
		tcp dport 111 reject
		udp dport 111 reject
	}
}
table ip nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		tcp dport 2222 redirect to :22
	}
}
E
sed 's/22, 80, 443/22, 443, 444/; s/192.0.2.2 tcp/192.0.2.3 tcp/; /tcp dport 113/d' "$folder/rules.nft" >"$folder/changed.nft"
nft -f "$folder/rules.nft" || fail "nft"
until ss -Htln sport = 3306 | grep -q 3306; do :; done

scan() {
	name=$1
	shift
	there nmap -n -Pn --min-rate 500 --max-retries 2 -oX "$folder/$name.xml" "$@" >"$folder/$name.log" 2>&1 || fail "nmap $name"
}
scan syn -sS -p 20-120,443,444,2222,3306,8080 192.0.2.1
scan connect -sT -p 22,80,113,443,444,3306,8080 192.0.2.1
scan udp -sU -p 53,111,123,200 192.0.2.1
scan ack -sA -p 22,80,444,3306 192.0.2.1
scan six -6 -sS -p 22,80,113,443,444,3306,8080 2001:db8::1
nmap -n -sT -p 22,25,3306 -oX "$folder/itself.xml" 192.0.2.1 >/dev/null

# answers NAME STATUS PIECE: what `check --scan` says of the live ruleset.
answers() {
	"$program" check --check SCN-001 --scan-from "$4" --scan "$folder/$1.xml" >"$folder/answer" 2>&1
	got=$?
	[ "$got" = "$2" ] || fail "$1: exit $got, not $2: $(cat "$folder/answer")"
	grep -qF -- "$3" "$folder/answer" || fail "$1: no '$3' in: $(cat "$folder/answer")"
}
for name in syn connect udp ack itself; do
	answers $name 0 "1 check passed" 192.0.2.2
done
answers six 0 "1 check passed" 2001:db8::2
grep -q 'portid="22"><state state="open"' "$folder/syn.xml" || fail "the scan saw nothing open"
grep -q 'portid="2222"><state state="open"' "$folder/syn.xml" || fail "the redirected port is not open"
grep -q 'portid="53"><state state="open' "$folder/udp.xml" || fail "the scan saw no UDP"

nft -f "$folder/changed.nft" || fail "nft"
answers syn 1 "saw 80,8080/tcp of 192.0.2.1 open (syn-ack) from 192.0.2.2, but the rules let no such packet in" 192.0.2.2
answers syn 1 "saw 444/tcp of 192.0.2.1 filtered (no-response) from 192.0.2.2, but the rules let every such packet in" 192.0.2.2
grep -q "113/tcp of 192.0.2.1 closed (reset)" "$folder/answer" || fail "113: $(cat "$folder/answer")"
answers six 1 "saw 80/tcp of 2001:db8::1 open (syn-ack)" 2001:db8::2
answers ack 1 "80/tcp of 192.0.2.1 unfiltered (reset)" 192.0.2.2
answers udp 0 "1 check passed" 192.0.2.2
[ "$status" = 0 ] && echo "nmap and the analysis agree on 6 scans, and differ on the ports that were changed"
exit "$status"
