#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: run.sh PROGRAM. A ruleset with findings becomes the baseline; then it is changed in one respect after the other.
program=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
bad=0

# ruleset PORTS [MORE-RULES]
ruleset() {
	cat << NFT
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iifname "lo" accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, packet-too-big } accept
		$2
		tcp dport { $1 } accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
NFT
}
# expect STATUS TEXT ARGUMENTS...: the status of `check`, and what its report says
expect() {
	wanted=$1
	text=$2
	shift 2
	"$program" check --now 2026-03-01 "$@" > out 2>&1
	status=$?
	[ $status -eq "$wanted" ] && grep -qe "$text" out && return
	echo "status $status, not $wanted, or not '$text': check $*"
	cat out
	bad=1
}
refuse() {
	! grep -qe "$1" out && return
	echo "'$1' is said"
	cat out
	bad=1
}

printf 'allow ping, icmpv6-essential from any { owner a; reason "b" }\nallow ssh from any { owner a; reason "b" }\n' > allow.conf
ruleset "22, 3306" > fw.nft
expect 1 "2 findings\|1 finding" -p allow.conf fw.nft
"$program" check --now 2026-03-01 -p allow.conf -f json -o base.json fw.nft

# the same: nothing counts, all is known, lines may move and rules get other handles
expect 0 "no new findings; [0-9]* known (-v" -p allow.conf --baseline base.json fw.nft
ruleset "22, 3306" "tcp dport 22 counter" > fw.nft
expect 0 "no new findings; [0-9]* known (-v" -p allow.conf --baseline base.json fw.nft
expect 0 "known from base.json" -v -p allow.conf --baseline base.json fw.nft
grep -q "PA-PER-004" out && grep -q "its findings are known, and others are new: PA-PER-004" out || bad=1

# one more hole is new; that the known one became wider is new as well
ruleset "22, 3306, 5432" > fw.nft
expect 1 "5432/tcp" -p allow.conf --baseline base.json fw.nft
ruleset "22" "ip saddr 192.0.2.0/24 tcp dport 3306 accept" > fw.nft
"$program" check --now 2026-03-01 -p allow.conf -f json -o narrow.json fw.nft
ruleset "22, 3306" > fw.nft
expect 1 "3306/tcp" -p allow.conf --baseline narrow.json fw.nft

# what is gone is named
ruleset "22" > fw.nft
expect 0 "gone since base.json" -p allow.conf --baseline base.json fw.nft
grep -A3 "gone since" out | grep -q "PA-EXP-001.*3306/tcp" || { echo "3306 is not named"; bad=1; }
expect 0 "no findings" -q -p allow.conf --baseline base.json fw.nft

# a check that is not done does not say that what it found is gone
expect 0 "no findings" -p allow.conf --check PA-DEN-001 --baseline base.json fw.nft
refuse "gone"

# a finding that got worse is new
ruleset "22, 3306" > fw.nft
{ cat allow.conf; echo "check PA-EXP-001 severity critical"; } > severe.conf
expect 1 "CRITICAL" -p severe.conf --baseline base.json fw.nft

# what was waived comes back with the end of its waiver
{ cat allow.conf; printf 'waive PA-EXP-001 for 3306/tcp until 2026-02-28 {\n\towner a\n\treason "b"\n}\n'; } > waived.conf
"$program" check --now 2026-02-01 -p waived.conf -f json -o waived.json fw.nft
expect 1 "3306/tcp" -p waived.conf --baseline waived.json fw.nft

# what cannot be decided stays that
printf 'table inet filter {\n\tchain input {\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport 8080 socket transparent 1 accept\n\t}\n}\n' > odd.nft
"$program" check --now 2026-03-01 -f json -o odd.json odd.nft
status=$?
expect $status "known" --baseline odd.json odd.nft
[ $status -eq 3 ] || { echo "socket: status $status"; bad=1; }

# every format says it
ruleset "22, 3306" "tcp dport 5432 accept" > fw.nft
for format in json junit junit-ext sarif github csv html prom; do
	expect 1 "known\|unchanged" -f $format -p allow.conf --baseline base.json fw.nft
done
ruleset "22" > fw.nft
for format in json sarif github html; do
	expect 0 "vanished\|absent\|gone\|Gone" -f $format -p allow.conf --baseline base.json fw.nft
done

# what is no result of check
"$program" list -f json -o list.json fw.nft
expect 2 "this result has no findings" -p allow.conf --baseline list.json fw.nft
printf '{"schema":"portaudit/1","findings":[{"check":"PA-EXP-001"}]}' > cut.json
expect 2 "finding 1 of this result has no" -p allow.conf --baseline cut.json fw.nft
printf '{"schema":"portaudit/1","findings":[' > torn.json
expect 2 "torn.json:1:1: error: this is no JSON document" -p allow.conf --baseline torn.json fw.nft
# a ruleset is a baseline as before
ruleset "22, 3306" > old.nft
expect 1 "PA-PER-004" --check PA-PER-004 --baseline old.nft fw.nft
[ "$bad" -eq 0 ]
