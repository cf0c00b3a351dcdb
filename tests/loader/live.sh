#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The live ruleset, in network namespaces of this script.
. "$(dirname "$0")/expect.sh" || exit 1

if [ "$(id -u)" != 0 ] || ! command -v nft >/dev/null; then
	echo "SKIPPED: needs root and nft"
	exit 77
fi

netns=pa-live-$$
writer=
cleanup() {
	[ -z "$writer" ] || kill "$writer" 2>/dev/null
	ip netns del "$netns" 2>/dev/null
}
ip netns add "$netns" || exit 1
inside=(ip netns exec "$netns")
identity=("${inside[@]}")

# A fresh ruleset from standard input.
ruleset() {
	"${inside[@]}" nft flush ruleset
	"${inside[@]}" nft -f - || fail "the ruleset was not loaded"
}

name="an empty ruleset"
run
gives 0
[ -s out ] && fail "it prints something"

name="it is what nft's JSON says"
ruleset <<'END'
table inet filter {
	set hosts { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1-192.0.2.9 }
	}
	map ports { type inet_service : verdict; elements = { 22 : accept, 80 : jump web, 25 : drop }
	}
	chain web {
		ip saddr @hosts accept comment "a comment"
	}
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related accept
		tcp dport { 1000-2000, 3000 } accept
		tcp dport vmap @ports
		udp dport 53 jump {
			ip saddr @hosts accept
			drop
		}
		udp dport 99 counter goto web
	}
}
END
"${inside[@]}" nft -j list ruleset >live.json 2>/dev/null
run
gives 0 'policy drop' 'ct state'
printed >ours
identity=()
run live.json
printed | diff - ours >differences || fail "$(head -n 5 differences)"
identity=("${inside[@]}")

name="a dormant table, a chain on a device, sets that packets change"
ruleset <<'END'
table ip asleep {
	flags dormant
	set plain { type ipv4_addr; size 10; timeout 1h; }
	chain c {
		type filter hook input priority 0; policy drop;
		add @plain { ip saddr }
	}
}
table netdev n {
	chain i {
		type filter hook ingress devices = { lo } priority 0;
	}
}
END
run
gives 0 'flags dormant' 'dynamic' 'device'

name="names that are not UTF-8"
printf 'table ip t { set s { type ifname; elements = { "eth0", "\xfe\xff" }\n}\n}\n' | ruleset
run
gives 3 'an element in table t s is not UTF-8: "\xfe\xff"' 'lost in the JSON'
printf 'table ip t { set s { type inet_service . ifname; elements = { 22 . "\xfe" }\n}\n}\n' | ruleset
run
gives 3 'an element in table t s is not UTF-8: "\xfe"'
printf 'table ip t { set s { type ifname . inet_service; flags interval; elements = { "eth0" . 22, "br-*" . 23 }\n}\n}\n' | ruleset
run
gives 0 'eth0'
printf 'table ip t { set s { type ifname; flags interval; elements = { "br-*", "eth0" }\n}\n}\n' | ruleset
run
gives 0 'br-'
printf 'table ip t { chain c { iifname "\xfe" accept\n}\n}\n' | ruleset
run
gives 3 'live ruleset could not be read'
printf 'table ip t { chain c { accept comment "\xfc"\n}\n}\n' | ruleset
run
gives 3 'the comment of a rule in table t c is not UTF-8: "\xfc"'
printf 'table ip t { chain c { log prefix "\xfc" accept\n}\n}\n' | ruleset
run
gives 3 'a log prefix is not UTF-8: "\xfc"'
printf 'table ip t { set s { type ipv4_addr; elements = { 192.0.2.1 comment "\xfc" }\n}\n}\n' | ruleset
run
gives 3 'the comment of an element in table t s is not UTF-8'
printf 'table ip t { chain c { accept comment "gr\xc3\xbc\xc3\x9fe"\n}\n}\n' | ruleset
run
gives 0 'grüße'

name="without the capability"
identity=("${inside[@]}" setpriv --reuid 65534 --regid 65534 --clear-groups)
run
gives 3 'reading the live ruleset needs the capability CAP_NET_ADMIN' 'run as root (sudo), or audit a file'
# shellcheck disable=SC2034
identity=("${inside[@]}")

name="names on this host do not stand for numbers"
printf 'table ip t { chain c { meta mark 0x1 ip protocol 22 tcp dport 22 accept\n}\n}\n' | ruleset
mkdir -p etc/iproute2
printf '1 secretname\n' >etc/iproute2/rt_marks
with_names() { unshare -m sh -c "mount --bind etc/iproute2 /etc/iproute2; exec ${inside[*]} $1" >out 2>err; }
if [ -d /etc/iproute2 ]; then
	with_names "nft list ruleset"
	status=$?
	gives 0 secretname
	with_names "$load"
	status=$?
	gives 0 'tcp dport 22'
	lacks secretname xns-idp ssh
fi

# --- while others write ---------------------------------------------------------------------------------------

rules() { seq "$2" | sed "s/.*/ip saddr 10.$1.0.0\/16 tcp dport & accept/"; }
addresses() { seq 0 "$2" | awk -v k="$1" '{ printf "%d.0.%d.%d,", k, int($1 / 256), $1 % 256 }'; }
prefixes() { seq 0 "$2" | awk -v k="$1" '{ printf "%d.%d.%d.0/25,", k, int($1 / 256), $1 % 256 }'; }
state() {
	echo 'table inet f {'
	printf 'set s { type ipv4_addr; elements = { %s }\n}\n' "$(addresses "$1" 1500)"
	printf 'set v { type ipv4_addr; flags interval; elements = { %s }\n}\n' "$(prefixes "$1" 1000)"
	printf 'chain a {\n%s\n}\nchain b { type filter hook input priority 0; policy drop; jump a\n%s\n}\n}\n' \
		"$(rules "$1" $((400 + 100 * $1)))" "$(rules "$1" 300)"
}

# torn SECONDS FILE...: while the files are loaded in turn, what is read is one of the states or nothing.
torn() {
	local seconds=$1 end read=0 refused=0 sum known=" "
	shift
	for each in "$@"; do
		"${inside[@]}" nft -f "$each" 2>/dev/null
		run
		gives 0
		sum=$(printed | grep -v 'table.*handle' | cksum)
		known="$known$sum "
	done
	"${inside[@]}" sh -c "while :; do for n in 1 2 3 4 5; do for f in $*; do nft -f \$f 2>/dev/null; done; done; sleep 0.7; done" &
	writer=$!
	end=$((SECONDS + seconds))
	while [ $SECONDS -lt $end ]; do
		run -t 10
		if [ "$status" = 0 ]; then
			read=$((read + 1))
			sum=$(printed | grep -v 'table.*handle' | cksum)
			case "$known" in *" $sum "*) ;; *) fail "a ruleset that never was" ;; esac
		else
			refused=$((refused + 1))
			gives 3 'the live ruleset'
		fi
	done
	kill "$writer"
	wait "$writer" 2>/dev/null
	writer=
	printf '%s: %d read, %d refused\n' "$name" "$read" "$refused"
	[ "$read" -gt 0 ] || fail "never read"
}

{ echo 'flush ruleset'; state 1; } >one.nft
{ echo 'flush ruleset'; state 2; } >two.nft
{ echo 'flush chain inet f a'; echo 'table inet f { chain a {'; rules 3 700; printf '}\n}\n'; } >chain-one.nft
{ echo 'flush chain inet f a'; echo 'table inet f { chain a {'; rules 4 300; printf '}\n}\n'; } >chain-two.nft
{ echo 'flush set inet f s'; echo "add element inet f s { $(addresses 5 3000) }"; } >set-one.nft
{ echo 'flush set inet f s'; echo "add element inet f s { $(addresses 6 2000) }"; } >set-two.nft

name="the whole ruleset is replaced all the time"
torn "${PA_TORN_SECONDS:-8}" one.nft two.nft
name="one chain is replaced all the time"
torn "${PA_TORN_SECONDS:-8}" chain-one.nft chain-two.nft
name="one set is replaced all the time"
torn "${PA_TORN_SECONDS:-8}" set-one.nft set-two.nft

# last: the tables stay as long as the namespace does
name="legacy tables"
if command -v iptables-legacy >/dev/null && "${inside[@]}" iptables-legacy -A INPUT -j ACCEPT 2>/dev/null; then
	run
	gives 0 '-A INPUT -j ACCEPT'
	lacks 'legacy tables exist'
else
	echo "SKIPPED: iptables-legacy does not work here"
fi

finish
