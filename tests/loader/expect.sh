# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the scripts here share: run pa-load, say what must come of it. Sourced with the path of pa-load in $1.
failures=0
cases=0
folder=$(mktemp -d "${TMPDIR:-/tmp}/pa-loader.XXXXXX")
[ -d "$folder" ] || exit 1
chmod 755 "$folder"
cp "$1" "$folder/pa-load"
load=$folder/pa-load
identity=() # a command that the runs are prefixed with
trap 'cleanup; rm -rf "$folder"' EXIT
cleanup() { :; }
cd "$folder" || exit 1

# run ARGUMENTS...: status, $folder/out and $folder/err are of this run.
run() {
	command="pa-load $*"
	"${identity[@]}" "$load" "$@" >"$folder/out" 2>"$folder/err" </dev/null
	status=$?
}

fail() {
	failures=$((failures + 1))
	printf 'FAILED: %s (%s) as %s: %s\n' "$name" "$command" "${identity[*]:-$(id -un)}" "$1"
	sed 's/^/    out: /' "$folder/out" | head -n 20
	sed 's/^/    err: /' "$folder/err" | head -n 20
}

# gives STATUS [TEXT...]: the exit status, and texts that standard output or error hold.
gives() {
	local wanted=$1 text
	shift
	cases=$((cases + 1))
	[ "$status" = "$wanted" ] || fail "status $status, not $wanted"
	for text in "$@"; do
		grep -qF -- "$text" "$folder/out" "$folder/err" || fail "nowhere: $text"
	done
}

# lacks TEXT...: texts that are in neither.
lacks() {
	local text
	for text in "$@"; do
		! grep -qF -- "$text" "$folder/out" "$folder/err" || fail "there: $text"
	done
}

# The ruleset as printed, without what differs from load to load.
printed() { sed 's/ # handle [0-9]*//' "$folder/out"; }

finish() {
	printf '%d cases, %d failures\n' "$cases" "$failures"
	[ "$failures" = 0 ]
	exit
}
