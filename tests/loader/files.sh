#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rulesets from files: what is read, what is refused and in which words. Run by root, everything is done twice: as root and
# as an ordinary user.
. "$(dirname "$0")/expect.sh" || exit 1

if ! command -v nft >/dev/null || ! unshare -Urn true 2>/dev/null; then
	echo "SKIPPED: needs nft and user namespaces"
	exit 77
fi

file() { cat >"$folder/$1" && chmod 644 "$folder/$1"; }

# --- scripts that load ---------------------------------------------------------------------------------------

scripts_that_load() {
	name="a plain script"
	file plain.nft <<'END'
table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		tcp dport { 22, 80 } accept
	}
}
END
	run -l plain.nft
	gives 0 'type filter hook input priority 0; policy drop' 'tcp dport { 22, 80 } accept' 'rule filter input 0: plain.nft:4'

	name="empty files, comments, no newline at the end"
	file empty.nft </dev/null
	run empty.nft
	gives 0
	printf 'table ip t\n# the last line is a comment' | file comment.nft
	run comment.nft
	gives 0 'table ip t'

	name="several scripts are one host"
	echo 'add rule inet filter input udp dport 53 accept' | file more.nft
	run -l plain.nft more.nft
	gives 0 'rule filter input 0: plain.nft:4' 'rule filter input 1: more.nft:1'

	name="JSON and a script are one host"
	unshare -Urn sh -c 'nft add table ip fromjson && nft -j list ruleset' | file json.json
	run json.json plain.nft
	gives 0 'table ip fromjson' 'table inet filter'

	name="standard input"
	command="pa-load - < plain.nft"
	"${identity[@]}" "$load" - <plain.nft >out 2>err
	status=$?
	gives 0 'table inet filter'
	command="pa-load - < json.json"
	"${identity[@]}" "$load" - <json.json >out 2>err
	status=$?
	gives 0 'table ip fromjson'
	run - -
	gives 2 'standard input can be read only once'

	name="30 nested defines"
	{
		echo 'define v0 = 22'
		for i in $(seq 30); do echo "define v$i = \$v$((i - 1))"; done
		echo 'add table ip t; add chain ip t c; add rule ip t c tcp dport $v30 accept'
	} | file defines.nft
	run defines.nft
	gives 0 'tcp dport 22 accept'

	name="interfaces that do not exist here"
	{
		echo 'define wan = "wan0"'
		echo 'table ip t { chain c {'
		for i in $(seq 25); do echo "	iif \"stub$i\" accept"; done
		echo '	oif $wan drop'
		echo '	iif { dmz0, "dmz1" } drop'
		echo '	iif vmap { map0 : accept, map1 : drop }'
		echo '	dup to 192.0.2.1 device "dup0"'
		echo '} }'
	} | sed 's/^} }/}\n}/' | file interfaces.nft
	run interfaces.nft
	gives 0 'iif "stub25" accept' 'wan0' 'dmz1' 'map1'

	name="a table that is dormant, a chain on a device, a set that packets feed"
	file facts.nft <<'END'
table ip t {
	flags dormant
	set s { type ipv4_addr; flags dynamic; size 10; }
	chain c { type filter hook input priority 0;
		add @s { ip saddr }
	}
}
table netdev n {
	chain i { type filter hook ingress devices = { lo } priority 0; }
}
END
	run facts.nft
	gives 0 'dormant' 'dynamic' 'lo'

	name="jumps that nothing reaches may loop; diamonds"
	printf 'table ip t { chain a { jump b\n}\nchain b { jump a\n}\n}\n' | file loop-unreached.nft
	run loop-unreached.nft
	gives 0
	{
		echo 'table ip t { chain c14 { accept'
		echo '}'
		for i in $(seq 13 -1 0); do
			printf 'chain c%d { %s' "$i" "$([ "$i" = 0 ] && echo 'type filter hook input priority 0;')"
			for _ in 1 2 3 4; do printf ' jump c%d;' $((i + 1)); done
			echo '}'
		done
		echo '}'
	} | file diamonds.nft
	run diamonds.nft
	gives 0 'jump c14'
}

# --- includes -------------------------------------------------------------------------------------------------

includes() {
	mkdir -p inc/sub
	echo 'add table ip included' | file inc/one.nft
	printf 'include "./inc/one.nft"\n' | file main.nft

	name="an include in the folder of the script"
	run main.nft
	gives 0 'table ip included'

	name="rules of an included file have its places"
	printf 'table ip t {\n chain c {\n }\n}\nadd rule ip t c tcp dport 1 accept\n\nadd rule ip t c tcp dport 2 accept\n' | file inc/rules.nft
	printf 'include "./inc/rules.nft"\nadd rule ip t c tcp dport 3 accept\n' | file places.nft
	run -l places.nft
	gives 0 'rule t c 0: ./inc/rules.nft:5' 'rule t c 1: ./inc/rules.nft:7' 'rule t c 2: places.nft:2'

	name="the place of a rule is not guessed"
	printf 'table ip t {\n chain c {\n tcp dport 1 accept\n}\n}\ninsert rule ip t c tcp dport 2 accept\n' | file insert.nft
	run -l insert.nft
	gives 0 'rule t c 0: -:0' 'rule t c 1: -:0'

	name="a pattern that matches nothing is nothing"
	echo 'include "./inc/none*.nft"' | file none.nft
	run none.nft
	gives 0

	name="a file that is missing"
	echo 'include "./inc/missing.nft"' | file missing.nft
	run missing.nft
	gives 2 'error input missing.nft:1:1' 'File not found: ./inc/missing.nft' 'working directory'

	name="relative to the working directory, as in nft"
	printf 'include "./one.nft"\n' | file inc/relative.nft
	run inc/relative.nft
	gives 2 'File not found: ./one.nft'

	name="folders that were not given"
	mkdir -p other
	chmod 755 other
	echo 'add table ip other' | file other/o.nft
	printf 'include "%s/other/o.nft"\n' "$folder" | file inc/outside.nft
	run inc/outside.nft
	gives 2 'Could not open file' 'Permission denied' 'only files in the folder of the script'
	lacks 'table ip other'
	printf 'include "%s/other/*.nft"\n' "$folder" | file inc/outside-glob.nft
	run inc/outside-glob.nft
	gives 2 "an include looks for files in $folder/other, which may not be read here"
	run -I "$folder/other" inc/outside-glob.nft
	gives 0 'table ip other'
	echo 'include "o.nft"' | file inc/searched.nft
	run -I "$folder/other" inc/searched.nft
	gives 0 'table ip other'

	name="/etc/shadow"
	echo 'include "/etc/shadow"' | file shadow.nft
	run shadow.nft
	gives 2 'Could not open file "/etc/shadow": Permission denied'
	lacks 'root:' 'daemon:'

	name="what is shown of an included file that is not nft"
	echo 'secret:word' | file inc/secret
	echo 'include "./inc/secret"' | file secret.nft
	run secret.nft
	gives 2 './inc/secret:1:7' 'syntax error'
	lacks 'word'

	name="a FIFO, a device, itself, seventeen deep"
	mkfifo -m 644 inc/fifo 2>/dev/null
	echo 'include "./inc/fifo"' | file fifo.nft
	run fifo.nft
	gives 2 './inc/fifo, which is no regular file'
	echo 'include "/dev/zero"' | file zero.nft
	run zero.nft
	gives 2 '/dev/zero, which is no regular file'
	echo 'include "./itself.nft"' | file itself.nft
	run itself.nft
	gives 2 'Include nested too deeply, max 16 levels'
}

# --- scripts that are refused ---------------------------------------------------------------------------------

refused_scripts() {
	name="a syntax error has its place and its line"
	printf 'table inet t {\n\tchain c {\n\t\ttcp dprt 22 accept\n\t}\n}\n' | file syntax.nft
	run syntax.nft
	gives 2 'error input syntax.nft:3:7+4: syntax error' '| 		tcp dprt 22 accept'

	name="a chain that does not exist"
	printf 'table ip t { chain c {\n jump nowhere\n}\n}\n' | file nowhere.nft
	run nowhere.nft
	gives 2 'nowhere.nft:2:7+7: Could not process rule: No such file or directory' 'does not exist'

	name="a loop of jumps that a base chain reaches, and seventeen jumps"
	printf 'table ip t { chain a { type filter hook input priority 0; jump b\n}\nchain b { jump a2\n}\nchain a2 { jump b\n}\n}\n' | file loop.nft
	run loop.nft
	gives 2 'Too many links' 'loops of jumps and more than 16'
	{
		echo 'table ip t { chain c18 { accept'
		echo '}'
		for i in $(seq 17 -1 0); do
			echo "chain c$i { $([ "$i" = 0 ] && echo 'type filter hook input priority 0;') jump c$((i + 1))"
			echo '}'
		done
		echo '}'
	} | file deep.nft
	run deep.nft
	gives 2 'Too many links'

	name="names that this host would have to know"
	printf 'table ip t { chain c {\n ip saddr host.example.org drop\n}\n}\n' | file host.nft
	run host.nft
	gives 3 'host.nft:2:11+16: Could not resolve hostname' 'names of hosts are not looked up'
	printf 'table ip t { chain c {\n meta skuid nosuchuser drop\n}\n}\n' | file user.nft
	run user.nft
	gives 3 'user.nft:2:13+10: User does not exist' 'write the number'
	printf 'table ip t { chain c {\n tcp dport nosuchservice drop\n}\n}\n' | file service.nft
	run service.nft
	gives 3 'service.nft:2:12+13: Could not resolve service' 'write the port'

	name="byte order mark, CR LF, NUL"
	printf '\xef\xbb\xbftable ip t\n' | file mark.nft
	run mark.nft
	gives 2 'mark.nft:1:1+0: begins with a byte order mark, which nft does not read'
	printf 'table ip t {\n}\r\n' | file crlf.nft
	run crlf.nft
	gives 2 'crlf.nft:2:1+0: the line ends with CR LF, which nft does not read' "sed -i"
	printf 'table ip t {\n\n}\0\n' | file nul.nft
	run nul.nft
	gives 2 'nul.nft:3:1+0: holds a NUL byte: this is no text'
	run /dev/zero
	gives 2 '/dev/zero:1:1+0: holds a NUL byte: this is no text'

	name="files that cannot be read"
	run not-there.nft
	gives 2 'error input not-there.nft:0:0+0: No such file or directory'
	run .
	gives 2 'error input .:0:0+0: Is a directory'

	name="what libnftables dies of"
	{
		printf 'table ip t { chain c {\n'
		for _ in $(seq 400); do printf 'jump { '; done
		printf 'accept;'
		for _ in $(seq 400); do printf ' };'; done
		printf '\n}\n}\n'
	} | file nested.nft
	run nested.nft
	gives 3 'the script could not be loaded: libnftables ended with signal'
	lacks 'table ip t'
	{
		printf 'table ip t { chain c {\n meta mark set 1'
		for _ in $(seq 200000); do printf '|1'; done
		printf '\n}\n}\n'
	} | file terms.nft
	run -t 60 terms.nft
	case $status in 0) gives 0 'meta mark set 0x00000001' ;; *) gives 3 'libnftables ended with signal' ;; esac

	name="the time is up"
	{
		echo 'table ip t { chain c {'
		seq 60000 | sed 's/.*/ip saddr 10.0.0.0\/8 tcp dport & accept/'
		printf '}\n}\n'
	} | file long.nft
	run -t 1 long.nft
	case $status in 0) ;; *) gives 3 'libnftables did not finish in the time given' ;; esac
}

# --- other formats --------------------------------------------------------------------------------------------

formats() {
	name="iptables-save"
	printf '# Generated by iptables-save v1.8.9 on Sun Nov 22\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -j ACCEPT\nCOMMIT\n' | file v4.save
	run v4.save
	gives 0 'table ip filter' 'type filter hook input priority 0; policy drop' '-A INPUT -p tcp -j ACCEPT'
	printf '\n*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n' | file nohead.save
	run nohead.save
	gives 0 'type nat hook prerouting priority -100; policy accept'
	printf '\xef\xbb\xbf# Generated by iptables-save v1\r\n*filter\r\n:INPUT DROP [0:0]\r\nCOMMIT\r\n' | file marked.save
	run marked.save
	gives 0 'type filter hook input priority 0; policy drop'
	run v4.save plain.nft
	gives 0 'table ip filter' 'table inet filter'
	run v4.save v4.save
	gives 2 'table ip filter was read from another file already'

	name="ip6tables-save"
	printf '# Generated by ip6tables-save v1.8.9\n*filter\nCOMMIT\n' | file v6.save
	run v6.save v4.save
	gives 0 'table ip6 filter' 'table ip filter'
	printf '*filter\n:INPUT DROP [0:0]\n-A INPUT -s fe80::/10 -j ACCEPT\nCOMMIT\n' | file v6-nohead.save
	run v6-nohead.save
	gives 0 'table ip6 filter' '-A INPUT -s fe80::/10 -j ACCEPT'

	name="ipset save"
	printf 'create banned hash:ip family inet hashsize 1024 maxelem 65536\nadd banned 192.0.2.1\n' | file sets.save
	printf '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set --match-set banned src -j DROP\nCOMMIT\n' | file asks.save
	run asks.save sets.save
	gives 0 '--match-set banned src -j DROP'
	run sets.save asks.save v6.save
	gives 0 'table ip filter' 'table ip6 filter'
	run asks.save
	gives 0 '--match-set banned src -j DROP'
	run sets.save
	gives 2 'error input sets.save:0:0+0: holds ip sets, and no rules were given that ask them' 'iptables-save'
	printf 'create banned hash:ip family inet\nadd banned 192.0.2.300\n' | file wrong.save
	run asks.save wrong.save
	gives 2 'error input wrong.save:2:12+11: no IPv4 address, prefix or range'
	run asks.save sets.save sets.save
	gives 2 'a set of this name was created before'
	printf '# a comment\ncreate table ip t\n' | file create.nft
	run create.nft
	gives 0 'table ip t'

	name="a report, which looks like a snapshot"
	printf '{"schema": "portaudit/1", "ruleset": {}}\n' | file snapshot.json
	run snapshot.json
	gives 2 'a snapshot cannot be given here'
}

# --- size -----------------------------------------------------------------------------------------------------

# A script through a user namespace is what the same script is through nft, however it was cut.
sizes() {
	name="batches that are cut"
	{
		echo 'table inet t {'
		echo 'set big { type ipv4_addr; flags interval; elements = {'
		seq 0 19999 | awk '{ printf "%d.%d.%d.0/25,\n", 20 + int($1 / 65536), int($1 / 256) % 256, $1 % 256 }'
		printf '}\n}\nchain other {\n}\nchain c {\n'
		seq 3000 | sed 's/.*/tcp dport { &, 4000 } ip saddr @big jump { udp dport { &, 5 } drop; accept; }/'
		seq 3000 | sed 's/.*/tcp dport vmap { &-&: jump other, 65000 : drop }/; s/&-&/&/'
		printf '}\n}\n'
	} | sed 's/&-&//' | file big.nft
	run big.nft
	gives 0 'table inet t'
	printed >ours
	if [ "$(id -u)" = 0 ]; then
		ip netns add "pa-loader-$$"
		ip netns exec "pa-loader-$$" sh -c 'nft -f big.nft && nft -j list ruleset' >in-one.json 2>/dev/null
		ip netns del "pa-loader-$$"
		run in-one.json
		gives 0
		printed | diff -q - ours >/dev/null || fail "the parts are not the whole"
	fi

	name="an anonymous set that no message can hold"
	{
		printf 'table ip t { chain c { ip saddr { '
		seq 0 59999 | awk '{ printf "10.%d.%d.1,", int($1 / 256), $1 % 256 }'
		printf ' 11.0.0.1 } accept\n}\n}\n'
	} | file anonymous.nft
	run anonymous.nft
	case $status in 0) ;; *) gives 3 'Message too long' 'give it a name' ;; esac
}

# --- namespaces -----------------------------------------------------------------------------------------------

namespaces() {
	name="user namespaces are refused"
	# In a namespace that may have no further ones; its root may do without.
	command="pa-load plain.nft where max_user_namespaces is 0"
	unshare -Ur sh -c "echo 0 >/proc/sys/user/max_user_namespaces && exec $load plain.nft" >out 2>err
	status=$?
	gives 0 'table inet filter'
	unshare -Ur sh -c "echo 0 >/proc/sys/user/max_user_namespaces
		exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin $load plain.nft" >out 2>err
	status=$?
	gives 3 'an nft script is loaded into a network namespace of its own' 'refused here' 'nft -j list ruleset'

	# shellcheck disable=SC2034
	name="the host is not touched" command="pa-load facts.nft interfaces.nft in a namespace with rules"
	unshare -Urn sh -c "nft -f plain.nft; nft list ruleset; ip -o link; cat /proc/net/dev | wc -l" >before
	unshare -Urn sh -c "nft -f plain.nft; $load facts.nft interfaces.nft >loaded 2>err; $load flush.nft >>loaded 2>>err
		nft list ruleset; ip -o link; cat /proc/net/dev | wc -l" >after
	cases=$((cases + 1))
	cmp -s before after || fail "$(diff before after | head -n 5)"
	grep -q 'tcp dport { 22, 80 } accept' after || fail "there was nothing to touch"
	grep -q 'flags dynamic' loaded || fail "nothing was loaded"
}

echo 'flush ruleset' | file flush.nft
as=("")
[ "$(id -u)" = 0 ] && as=("" "setpriv --reuid 65534 --regid 65534 --clear-groups")
for who in "${as[@]}"; do
	# shellcheck disable=SC2206
	identity=($who)
	scripts_that_load
	includes
	refused_scripts
	formats
	sizes
done
identity=()
namespaces
finish
