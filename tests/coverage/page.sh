#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# page.sh PROGRAM SOURCE [--write]: doc/COVERAGE.md is what PROGRAM prints now. Without the histogram its last column is not compared.
program=$1 page=$2/doc/COVERAGE.md histogram=$2/../shared/corpus/HISTOGRAM.md

without_uses() {
	sed -E '/^\|/s/\|[^|]*\|$/|/' "$1"
}
compare() {
	if test -f "$histogram"; then
		"$program" "$histogram" >page.new
		test "$3" = --write && exec cp page.new "$page"
		diff -u "$page" page.new
	else
		"$program" >page.new
		without_uses "$page" >page.old
		without_uses page.new >page.cut
		diff -u page.old page.cut
	fi
}
compare "$@" || { echo "doc/COVERAGE.md is stale: cmake --build --preset dev --target coverage-page"; exit 1; }
