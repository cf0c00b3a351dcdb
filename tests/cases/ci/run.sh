#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: run.sh PROGRAM SOURCE. Status 77: git is not here.
program=$1
source=$2
command -v git > /dev/null || { echo "SKIPPED: git is not here"; exit 77; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
bad=0
count=0

# What a repository has: a ruleset, the policy that fits it with its blanks filled in, and packets.
mkdir "$folder/bin" "$folder/repository" || exit 1
cp "$program" "$folder/bin/portaudit"
cat > "$folder/repository/firewall.nft" << 'NFT'
table inet filter {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iifname "lo" accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
		tcp dport { 22, 443 } accept
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
NFT
"$program" init "$folder/repository/firewall.nft" > "$folder/policy" || bad=1
sed 's/FIXME/netops/g' "$folder/policy" > "$folder/unaligned"
"$program" fmt -o "$folder/repository/allow.conf" "$folder/unaligned" || bad=1
cp "$folder/repository/firewall.nft" "$folder/repository/old.nft"
cat > "$folder/repository/packets.jsonl" << 'JSON'
{"id":"https","iif":"eth0","family":4,"proto":"tcp","src":"198.51.100.7","sport":40000,"dst":"192.0.2.1","dport":443,"path":"in","expect":"in-accept"}
{"id":"telnet","iif":"eth0","family":6,"proto":"tcp","src":"2001:db8::7","sport":40000,"dst":"2001:db8::1","dport":23,"path":"in","expect":"drop"}
JSON

as_user=
if [ "$(id -u)" -eq 0 ]; then
	as_user="setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=$folder/repository"
	chown -R 65534:65534 "$folder"
fi

# the commands of portaudit in a file: GitHub's "run: |" blocks and GitLab's script lists
commands() {
	sed -n 's/^ *\(- \)\{0,1\}\(portaudit [a-z].*\)$/\2/p' "$1"
}
# the hooks of pre-commit: entry and args
hooks() {
	awk '/^ *entry: /{ sub(/^ *entry: /, ""); entry = $0 }
		/^ *args: /{ gsub(/^ *args: \[|\]$/, ""); gsub(/, /, " "); args = $0 }
		/^ *files: /{ print entry, args ? args : "allow.conf"; args = "" }' "$1"
}
# expect STATUS COMMAND: as an ordinary user, in the repository
expect() {
	wanted=$1
	shift
	count=$((count + 1))
	# shellcheck disable=SC2086
	(cd "$folder/repository" && PATH=$folder/bin:$PATH $as_user sh -c "$*") > "$folder/out" 2>&1
	status=$?
	[ $status -eq "$wanted" ] && return
	echo "status $status, not $wanted: $*"
	cat "$folder/out"
	bad=1
}
{
	commands "$source/packaging/ci/github.yml"
	commands "$source/packaging/ci/gitlab.yml"
	hooks "$source/.pre-commit-hooks.yaml"
} > "$folder/commands"
while read -r line; do
	expect 0 "$line < /dev/null"
done < "$folder/commands"
for report in portaudit.sarif portaudit.xml packets.xml change.html; do
	[ -s "$folder/repository/$report" ] || { echo "$report was not written"; bad=1; }
done

grep -q '<testcase .*file=' "$folder/repository/portaudit.xml" || { echo "GitLab's report has no files"; bad=1; }
[ "$(find "$folder/repository" -name '*:*' | wc -l)" -eq 0 ] || { echo "a format was taken for a file"; bad=1; }

# a hole is opened: every gate that looks at the ruleset closes
sed -i 's/{ 22, 443 }/{ 22, 443, 8080 }/' "$folder/repository/firewall.nft"
grep 'portaudit check\|portaudit diff' "$folder/commands" > "$folder/gates"
while read -r line; do
	expect 1 "$line < /dev/null"
done < "$folder/gates"

# git's own hook, on what is to be committed
git_='git -c user.name=a -c user.email=a@example.org -c init.defaultBranch=main'
expect 0 "$git_ init -q . && cp '$source/packaging/ci/pre-commit' .git/hooks/pre-commit"
expect 1 "$git_ add firewall.nft allow.conf && $git_ commit -q -m 'a hole'"
grep -q 8080 "$folder/out" || { echo "the hook does not say what is wrong"; bad=1; }
expect 0 "sed -i 's/, 8080//' firewall.nft && $git_ add firewall.nft && $git_ commit -q -m 'no hole'"

# a gate costs less than half a second (of processor time: machines that run tests are busy)
expect 0 "portaudit check -q -p allow.conf firewall.nft && times > times.txt"
awk 'END { split($0, part, /[ms ]+/); seconds = part[1] * 60 + part[2] + part[3] * 60 + part[4];
	print "a gate: " seconds " s"; exit seconds >= 0.5 }' "$folder/repository/times.txt" || bad=1
echo "$count commands"
[ "$count" -ge 15 ] && [ "$bad" -eq 0 ]
