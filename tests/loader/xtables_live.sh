#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules of iptables in the kernel: those of firewall managers, loaded with iptables-nft-restore and with iptables-legacy-restore into
# a network namespace of this script. Both must be read whole, say the same as their files, and name the ports that packets reach.
# Usage: xtables_live.sh PORTAUDIT SOURCE-FOLDER
for program in ip nft iptables-nft-restore ip6tables-nft-restore iptables-legacy-restore ip6tables-legacy-restore ipset; do
	command -v "$program" >/dev/null || missing=$program
done
if [ "$(id -u)" != 0 ] || [ -n "$missing" ]; then
	echo "SKIPPED: needs ${missing:-root}"
	exit 77
fi
portaudit=$(realpath "$1")
corpus=$2/../shared/corpus/managers
own=$(cd "$(dirname "$0")" && pwd)/xtables
folder=$(mktemp -d "${TMPDIR:-/tmp}/pa-xtables.XXXXXX") || exit 1
host=pa-xt-$$ wire=pa-xw-$$
failures=0
cases=0
cleanup() {
	ip netns del "$host" 2>/dev/null
	ip netns del "$wire" 2>/dev/null
	rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder" || exit 1

fail() {
	failures=$((failures + 1))
	printf 'FAILED: %s: %s\n' "$name" "$1"
	[ -z "$2" ] || head -n 20 "$2" | sed 's/^/    /'
}

on_host() { ip netns exec "$host" "$@"; }
on_wire() { ip netns exec "$wire" "$@"; }

# A host with eth0 towards the wire, a bridge of containers, and forwarding on. No link-local addresses: they are drawn by lot.
new_host() {
	ip netns del "$host" 2>/dev/null
	ip netns del "$wire" 2>/dev/null
	ip netns add "$host" && ip netns add "$wire" || exit 1
	ip -n "$host" link set lo up
	ip -n "$host" link add eth0 type veth peer name wire0
	ip -n "$host" link add docker0 type veth peer name docker1
	for link in eth0 wire0 docker0 docker1; do ip -n "$host" link set "$link" addrgenmode none; done
	ip -n "$host" link set wire0 netns "$wire"
	ip -n "$host" link set eth0 address 02:00:00:00:00:01
	ip -n "$wire" link set wire0 address 02:00:00:00:00:02
	on_host sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0
	ip -n "$host" addr add 192.0.2.1/24 dev eth0
	ip -n "$host" addr add 2001:db8::1/64 dev eth0 nodad
	ip -n "$host" addr add 172.17.0.1/16 dev docker0
	for link in eth0 docker0 docker1; do ip -n "$host" link set "$link" up; done
	ip -n "$wire" link set wire0 addrgenmode none
	ip -n "$wire" addr add 192.0.2.77/24 dev wire0
	ip -n "$wire" addr add 203.0.113.5/32 dev wire0
	ip -n "$wire" addr add 2001:db8::77/64 dev wire0 nodad
	ip -n "$wire" link set wire0 up
	ip -n "$host" route add default via 192.0.2.77 dev eth0
	for address in 192.0.2.1 2001:db8::1; do # rules may refuse to answer who has the address
		ip -n "$wire" neigh add "$address" lladdr 02:00:00:00:00:01 dev wire0 nud permanent
	done
}

# load KIND STEM: the files STEM.ipset, STEM.rules4, STEM.rules6.
load() {
	if [ -e "$2.ipset" ]; then on_host ipset restore <"$2.ipset" || fail "ipset restore"; fi
	if [ -e "$2.rules4" ]; then on_host "iptables-$1-restore" <"$2.rules4" || fail "iptables-$1-restore"; fi
	if [ -e "$2.rules6" ]; then on_host "ip6tables-$1-restore" <"$2.rules6" || fail "ip6tables-$1-restore"; fi
}

# The exposures without what differs between a file and the kernel: the places of rules.
exposures() {
	grep '^{"path"' "$1" | sed -E 's/"rules":\[.*\],"service"/"service"/; s/(,|\]\})$//; s/"condition":"([^"\\]|\\.)*"/"condition":"*"/' | sort
}

# What arrives and what is forwarded, by the original port: at the very end of both ways, and no further.
observe() {
	on_host nft -f - <<-'END' || fail "the observer was not loaded"
		table inet observer {
			set tcp_arrived { type inet_service; flags dynamic; size 65535; }
			set udp_arrived { type inet_service; flags dynamic; size 65535; }
			set tcp_forwarded { type inet_service; flags dynamic; size 65535; }
			set udp_forwarded { type inet_service; flags dynamic; size 65535; }
			chain input {
				type filter hook input priority 2147483646;
				iifname != "eth0" accept
				ct state new meta l4proto tcp add @tcp_arrived { ct original proto-dst } drop
				ct state new meta l4proto udp add @udp_arrived { ct original proto-dst } drop
			}
			chain forward {
				type filter hook forward priority 2147483646;
				ct state new meta l4proto tcp add @tcp_forwarded { ct original proto-dst } drop
				ct state new meta l4proto udp add @udp_forwarded { ct original proto-dst } drop
			}
		}
	END
}

# observed SET: "tcp/22 udp/53" in lines, sorted.
observed() {
	local protocol
	for protocol in tcp udp; do
		on_host nft -n list set inet observer "${protocol}_$1" | tr -d '\n' | sed -n 's/.*elements = {\([^}]*\)}.*/\1/p' | tr -d ' \t' |
			tr ',' '\n' | sed "/./s,^,$protocol/,; s/\$//"
		echo
	done | sed '/^$/d' | sort
}

# packets SOURCE PORTS...: packets to the host, for trace.
packets() {
	local source=$1 destination=192.0.2.1 family=4 port
	shift
	case $source in *:*) destination=2001:db8::1 family=6 ;; esac
	for port; do
		printf '{"id":"%s","iif":"eth0","family":%d,"proto":"%s","src":"%s","sport":40000,"dst":"%s","dport":%d}\n' \
			"$port" "$family" "${port%/*}" "$source" "$destination" "${port#*/}"
	done
}

# The same, as connections and datagrams.
send() {
	local source=$1 destination=192.0.2.1 port
	shift
	case $source in *:*) destination=2001:db8::1 ;; esac
	on_wire ip route replace "$destination" dev wire0 src "$source"
	for port; do
		on_wire timeout 0.4 bash -c "exec 3<>/dev/${port%/*}/$destination/${port#*/} && echo x >&3" 2>/dev/null &
	done
	wait
}

# ids FATE: the packets of the last trace with this fate, sorted.
ids() { grep "\"fate\":\"$1\"" trace.json | sed -E 's/.*"id":"([^"]*)".*/\1/' | sort; }

# reach SOURCE PORTS...: packets get where the trace says. What the machine was too slow to send is sent again.
reach() {
	local way turn
	cases=$((cases + 1))
	packets "$@" >packets.jsonl
	on_host "$portaudit" trace --packets packets.jsonl >trace.json 2>trace.err || fail "trace has no status of 0" trace.err
	observe
	for ((turn = 0; turn < 3; turn++)); do
		send "$@"
		observed arrived >in.last
		observed forwarded >forward.last
		[ -z "$(comm -23 <(ids in-accept) in.last)$(comm -23 <(ids forward-accept) forward.last)" ] && break
	done
	for way in in forward; do
		comm -23 <(ids $way-accept) $way.last >only.said
		comm -13 <({ ids $way-accept; ids depends; } | sort) $way.last >only.happened
		[ ! -s only.said ] || fail "$1: said to be accepted ($way), and no packet is" only.said
		[ ! -s only.happened ] || fail "$1: packets are accepted ($way) that were not said to be" only.happened
	done
	on_host nft delete table inet observer
}

# reached WAY PORTS...: exactly these were, in the last `reach`.
reached() {
	local way=$1
	shift
	printf '%s\n' "$@" | sort | sed '/^$/d' | diff - "$way.last" >differences || fail "other ports are $way" differences
}

# audit STATUS: list and check are whole, and check ends with the status.
audit() {
	cases=$((cases + 1))
	on_host "$portaudit" list >list.txt 2>list.err || fail "list ends with another status than 0" list.err
	on_host "$portaudit" list --sockets none --format json >list.json 2>list.err
	on_host "$portaudit" check --sockets none --allow-unknown >check.txt 2>check.err
	status=$?
	[ "$status" = "$1" ] || fail "check ends with status $status, not $1" check.err
	[ ! -s list.err ] || fail "list has something to tell" list.err
	on_host "$portaudit" explain 22/tcp from 192.0.2.77 on eth0 >explain.txt 2>explain.err ||
		fail "explain ends with another status than 0" explain.err
	grep -q '^verdict: ' explain.txt || fail "explain names no verdict" explain.txt
}

# says TEXT...: lines of the list that hold the texts, which are patterns.
says() {
	for text; do
		grep -qE -- "$text" list.txt || fail "list does not say: $text" list.txt
	done
}

# What the kernel says is what the files say of a host with these addresses.
same_as_files() {
	cases=$((cases + 1))
	on_host "$portaudit" list --sockets none --format json --self 127.0.0.1,192.0.2.1,172.17.0.1,::1,2001:db8::1 \
		--interfaces lo,eth0,docker0,docker1 "$1".* >files.json 2>files.err || fail "the files are not read" files.err
	exposures list.json >live.exposures
	exposures files.json >files.exposures
	[ -s live.exposures ] || fail "there are no exposures"
	diff files.exposures live.exposures >differences || fail "the kernel and the files say something else" differences
}

probes=(tcp/22 tcp/25 tcp/53 tcp/80 tcp/443 tcp/445 tcp/2222 tcp/3306 tcp/5432 tcp/7000 tcp/8080 tcp/8443 udp/53 udp/123 udp/443 udp/5353)

published() {
	name="published ports, $1"
	new_host
	load "$1" "$own/published"
	audit 1
	same_as_files "$own/published"
	says '22/tcp ssh +192.0.2.0/24 +any +in ' '8080/tcp .*anywhere.* forward ' '5432/tcp .*192.0.2.0/24.* forward ' \
		'-> 172.17.0.2:80' '-> 172.17.0.2:5432' '443/tcp https +anywhere \(IPv6\) +any +in '
	reach 192.0.2.77 "${probes[@]}"
	reached in tcp/22
	reached forward tcp/8080 tcp/5432
	reach 203.0.113.5 "${probes[@]}"
	reached in ''
	reached forward tcp/8080
	reach 2001:db8::77 tcp/22 tcp/443
	reached in tcp/443
}

banned() {
	name="ip sets, $1"
	new_host
	load "$1" "$own/banned"
	audit 1
	same_as_files "$own/banned"
	says '22,2222/tcp .*any.* but 198.51.100.9, 203.0.113.5 +any +in ' '8443/tcp' '123/udp'
	reach 192.0.2.77 "${probes[@]}"
	reached in tcp/22 tcp/2222 tcp/8443 udp/123
	reach 203.0.113.5 "${probes[@]}"
	reached in tcp/8443 udp/123
}

# Chains of nft and of iptables-legacy with one hook and priority: the kernel runs the one that was registered last, and nobody can see
# which that was. Both ways are answered, with the condition in words.
orders() {
	name="chains of one priority, $1 first"
	new_host
	cat >order.nft <<-'END'
		table inet t {
			chain c { type filter hook input priority 0; tcp dport 80 meta mark set 1; }
			chain n { type nat hook prerouting priority -100; tcp dport 8080 redirect to :25; }
		}
	END
	cat >order.rules4 <<-'END'
		*nat
		-A PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 443
		COMMIT
		*filter
		-A INPUT -m mark --mark 0x1 -j DROP
		-A INPUT -p tcp -m tcp --dport 25 -j DROP
		COMMIT
	END
	[ "$1" = nft ] && { on_host nft -f order.nft || fail "nft"; }
	on_host iptables-legacy-restore <order.rules4 || fail "iptables-legacy-restore"
	[ "$1" = nft ] || { on_host nft -f order.nft || fail "nft"; }
	reach 192.0.2.77 tcp/80 tcp/443 tcp/8080
	if [ "$1" = nft ]; then reached in tcp/80 tcp/443 tcp/8080; else reached in tcp/443; fi
	[ ! -s trace.err ] || fail "trace has something to tell" trace.err
	ids depends | tr '\n' ' ' | grep -q '^tcp/80 tcp/8080 $' || fail "trace does not leave open what is open" trace.json
	grep '"id":"tcp/80"' trace.json | grep -q 'chain INPUT of iptables-legacy.s table ip filter runs before chain c of table inet t' ||
		fail "the order is not named" trace.json
	grep '"id":"tcp/8080"' trace.json | grep -q 'chain PREROUTING of iptables-legacy.s table ip nat runs before chain n of table inet t' ||
		fail "the order of NAT is not named" trace.json
	on_host "$portaudit" list >list.txt 2>list.err || fail "list ends with another status than 0" list.err
	says '80/tcp .*' 'runs before chain c of table inet t'
}

# of_manager STEM STATUS: what a firewall manager wrote.
of_manager() {
	local kind
	for kind in nft legacy; do
		name="$1, $kind"
		new_host
		load $kind "$corpus/$1"
		audit "$2"
		exposures list.json >$kind.exposures
		reach 192.0.2.77 "${probes[@]}"
		case $1 in fail2ban/*) reach 203.0.113.5 "${probes[@]}" ;; *) reach 2001:db8::77 "${probes[@]}" ;; esac
	done
	[ -s nft.exposures ] || fail "there are no exposures"
	diff nft.exposures legacy.exposures >differences || fail "both kinds say something else" differences
}

for kind in nft legacy; do
	published $kind
	banned $kind
done
orders nft
orders legacy
if [ -d "$corpus" ]; then
	of_manager ufw/webserver 0
	of_manager ufw/nat-gateway 1
	of_manager docker/published 1
	of_manager docker/docker-user 1
	of_manager fail2ban/iptables_ipset_proto6 1
	of_manager fail2ban/iptables_multiport 1
else
	echo "SKIPPED: rulesets of firewall managers, which are not at $corpus"
fi
printf '%d cases, %d failures\n' "$cases" "$failures"
[ "$failures" = 0 ]
