#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A snapshot gives the answers of the host it was made on: a network namespace with rules of nft and of iptables, sets, addresses,
# routes and listeners is asked live and by its snapshot, and both must say the same, byte for byte. Snapshots that are cut off or
# wrong are exit status 2 with a place.
# Usage: snapshot.sh PORTAUDIT SOURCE-FOLDER
for program in ip nft iptables-nft-restore ipset python3; do
	command -v "$program" >/dev/null || missing=$program
done
if [ "$(id -u)" != 0 ] || [ -n "$missing" ]; then
	echo "SKIPPED: needs ${missing:-root}"
	exit 77
fi
portaudit=$(realpath "$1")
source=$(realpath "$2")
folder=$(mktemp -d "${TMPDIR:-/tmp}/pa-snapshot.XXXXXX") || exit 1
host=pa-snap-$$
failures=0
cases=0
file_option=()
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	ip netns del "$host" 2>/dev/null
	rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder" || exit 1

fail() {
	failures=$((failures + 1))
	printf 'FAILED: %s\n' "$1"
	[ -z "$2" ] || head -n 20 "$2" | sed 's/^/    /'
}
on_host() { ip netns exec "$host" "$@"; }

ip netns add "$host" || exit 1
on_host sh -e <<'COMMANDS' || exit 1
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode
echo 3306,8000-8080 >/proc/sys/net/ipv4/ip_local_reserved_ports
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
ip link add eth0 type veth peer name wire0
ip link set eth0 up
ip link set eth0 group 5
ip link set wire0 up
ip address add 192.0.2.1/24 broadcast 192.0.2.255 dev eth0
ip address add 2001:db8::1/64 dev eth0
ip route add 198.51.100.0/24 dev eth0
ip route add blackhole 203.0.113.0/24
COMMANDS
cat >rules.nft <<'RULES'
table inet filter {
	set ports {
		type inet_service
		elements = { 22, 80 }
		comment "of \342\202\254 services"
	}
	chain input {
		type filter hook input priority 10; policy drop;
		ct state established,related accept
		iif lo accept
		tcp dport @ports accept comment "web \\ ssh"
		ip saddr 192.0.2.0/24 udp dport 53 accept
		iifgroup 5 tcp dport 8000 accept
		meta iifkind != "veth" tcp dport 8001 accept
		ether saddr 02:00:00:00:00:09 tcp dport 8002 accept
		tcp sport >= 1024 tcp dport <= 2000 counter accept
	}
}
table netdev early {
	chain in {
		type filter hook ingress device eth0 priority 0;
		tcp dport 9 drop
	}
}
RULES
on_host nft -f rules.nft || exit 1
on_host ipset create friends hash:net && on_host ipset add friends 198.51.100.0/25
on_host iptables-nft-restore <<'RULES' || exit 1
*filter
:INPUT ACCEPT [0:0]
-A INPUT -p tcp -m multiport --dports 22,443 -j ACCEPT
-A INPUT -m set --match-set friends src -p tcp --dport 8443 -j ACCEPT
-A INPUT -m limit --limit 5/min -p icmp -j ACCEPT
COMMIT
RULES
cat >policy.conf <<'POLICY'
allow 22/tcp from any
POLICY
on_host python3 -c '
import socket, time
held = []
for family, address, port, kind in ((2, "0.0.0.0", 22, 1), (10, "::", 80, 1), (2, "127.0.0.1", 631, 1), (2, "0.0.0.0", 53, 2)):
    one = socket.socket(family, kind)
    one.bind((address, port))
    if kind == 1:
        one.listen(5)
    held.append(one)
print("ready", flush=True)
time.sleep(120)' >ready 2>ready.errors </dev/null &
server=$!
for _ in $(seq 100); do
	[ -s ready ] && break
	sleep 0.1
done
# ip netns exec is the process itself: the listeners are those of $server
on_host "$portaudit" snapshot -o whole.json 2>said || fail "snapshot: $?" said
[ -s said ] && fail "the snapshot was made with words" said
on_host "$portaudit" snapshot --now 1000000000 >one.json 2>said || fail "snapshot: $?" said
on_host "$portaudit" snapshot --now 1000000000 >two.json
sed -i '/^{"program"/s/ on [A-Z][a-z][a-z] [^\\]*\\n/\\n/g' one.json two.json
cmp -s one.json two.json || { diff one.json two.json | cut -c1-600 >difference; fail "two snapshots of one state differ" difference; }

if python3 -c 'import jsonschema' 2>/dev/null; then
	python3 - "$source/doc/snapshot.schema.json" whole.json <<'CHECK' || fail "the document does not fit its schema"
import json, jsonschema, sys
schema, document = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.Draft7Validator.check_schema(schema)
jsonschema.validate(document, schema)
assert [(row["protocol"], row["port"]) for row in document["sockets"]["listeners"]] == [(6, 22), (6, 80), (6, 631), (17, 53)]
assert all(row["processes"] for row in document["sockets"]["listeners"])
document["addresses"]["list"][0]["family"] = 5
try:
    jsonschema.validate(document, schema)
    sys.exit("the schema takes a family 5")
except jsonschema.ValidationError:
    pass
CHECK
else
	echo "not checked: the schema (python3-jsonschema is missing)"
fi

# --- live and snapshot ------------------------------------------------------------------------------------------------

compare() {
	cases=$((cases + 1))
	on_host "$portaudit" "$@" >live 2>live.said
	live=$?
	"$portaudit" "$@" "${file_option[@]}" whole.json >file 2>file.said
	from_file=$?
	[ "$live" = "$from_file" ] || fail "$*: live $live, snapshot $from_file" file.said
	cmp -s live file || {
		diff live file >difference
		fail "$*: the answers differ" difference
	}
	cmp -s live.said file.said || fail "$*: other words: $(cat live.said)" file.said
	[ -s live ] || fail "$*: no answer" live.said
}
compare list --now 1000000000
compare list --now 1000000000 --format json
compare list --now 1000000000 --loopback -v
compare check --now 1000000000
compare check --now 1000000000 --format json
compare check --now 1000000000 --format junit
compare check --now 1000000000 --policy policy.conf --format json
compare list --now 1000000000 --self 192.0.2.7
compare list --print-rules
file_option=(--ruleset)
compare explain 22/tcp from 203.0.113.7 on eth0
compare explain 8443/tcp from 198.51.100.7 to 192.0.2.1 on eth0
compare explain 53/udp from 192.0.2.99
file_option=()
"$portaudit" list --now 1000000000 - <whole.json >from-input 2>said || fail "from standard input" said
on_host "$portaudit" list --now 1000000000 >live 2>/dev/null
cmp -s live from-input || fail "from standard input: another answer"
"$portaudit" list --sockets whole.json rules.nft >/dev/null 2>said || fail "--sockets SNAPSHOT" said

# What is known of eth0 decides; without it, as in a snapshot of a version that did not look, it stays a condition.
python3 -c 'import json
document = json.load(open("whole.json"))
assert [(link["type"], link["group"], link["kind"]) for link in document["links"] if link["name"] == "eth0"] == [(1, 5, "veth")]
for link in document["links"]:
    for key in "type", "group", "kind":
        del link[key]
json.dump(document, open("old.json", "w"))' || fail "what the snapshot says of eth0"
for asked in 8000:iifgroup 8001:iifkind 8002:iiftype; do
	cases=$((cases + 1))
	port=${asked%:*} property=${asked#*:}
	"$portaudit" explain --ruleset whole.json "$port/tcp" from 203.0.113.7 on eth0 >said 2>&1
	grep -q "on what:.*$property\|$property.*is assumed" said && fail "$property of eth0 is known" said
	"$portaudit" explain --ruleset old.json "$port/tcp" from 203.0.113.7 on eth0 >said 2>&1
	grep -q "on what:.*$property" said || fail "$property of eth0 is not in an old snapshot" said
done

# --- what is no snapshot -----------------------------------------------------------------------------------------------

refuse() { # WHAT FILE: the change, the words wanted
	cases=$((cases + 1))
	"$portaudit" list wrong.json >/dev/null 2>said
	status=$?
	[ "$status" = 2 ] || fail "$1: status $status" said
	grep -q "wrong.json:[0-9]*:[0-9]*" said || fail "$1: no place" said
	grep -q -- "$2" said || fail "$1: not '$2'" said
}
size=$(stat -c %s whole.json)
for part in 1 2 3 5 8 13 21 34 55 89; do
	head -c $((size * part / 100)) whole.json >wrong.json
	grep -q '"schema".*portaudit/' wrong.json || continue
	refuse "cut off at $part %" ""
done
change() { # PYTHON: what becomes of the document
	python3 -c 'import json, sys
document = json.load(open("whole.json"))
exec(sys.argv[1])
json.dump(document, open("wrong.json", "w"))' "$1"
}
change 'document["time"] = -1'
refuse "a time before 1970" "this is no time"
change 'document["schema"] = "portaudit/snapshot-9"'
refuse "another schema" "snapshot-9"
change 'document["schema"] = "portaudit/1"'
refuse "a report" "not a snapshot"
change 'del document["routes"]'
refuse "no routes" '"routes" is missing'
change 'del document["sockets"]["connections"]["complete"]'
refuse "connections of which it is not said whether they are all" '"complete" is missing'
change 'document["addresses"]["list"][0]["address"] = 7'
refuse "an address that is a number" "a string should stand here"
change 'document["addresses"]["list"][0]["prefix_length"] = 1e30'
refuse "a huge number" "should be a number"
change 'document["sockets"]["listeners"][0]["port"] = 65536'
refuse "a port that is too large" "too large"
change 'document["sockets"]["listeners"][0]["processes"] = [4294967296]'
refuse "a process id that is too large" "a process id"
change 'document["settings"]["ip_local_reserved_ports"] = [[5, 1]]'
refuse "ports in a wrong order" "two ports in their order"
change 'document["settings"]["source_checks"] = [{"interface": "eth0", "rp_filter": -1, "accept_local": False}]'
refuse "a negative rp_filter" "rp_filter"
change 'document["ruleset"]["messages"] = "AAA"'
refuse "no base64" "this is not base64"
change 'document["ruleset"]["messages"] = ""'
refuse "no messages of the kernel" "the kernel's messages do not hold"
change 'document["ruleset"]["nft"] = {"nftables": [{"rule": 7}]}'
refuse "a listing that is none" ""
change 'document["ruleset"]["programs"] = []'
"$portaudit" list wrong.json >/dev/null 2>said
[ $? = 3 ] || fail "a text that is missing is no gap" said
"$portaudit" list whole.json rules.nft >/dev/null 2>said
[ $? = 2 ] || fail "a snapshot beside another file" said

echo "$cases cases, $failures failures"
[ "$failures" = 0 ]
