# SPDX-License-Identifier: GPL-2.0-or-later
# Read by the other scripts: $root is the source folder; lists files, one in a line, in a stable order.
set -eu
root=$1
build=${2:-/nonexistent}
cd "$root"

# The product's C files; 'all_sources' has the tests' as well.
product_sources() {
	find include audit rules reports -name '*.[ch]' | LC_ALL=C sort
}
all_sources() {
	find include audit rules reports tests -name '*.[ch]' | LC_ALL=C sort
}

need() {
	command -v "$1" >/dev/null 2>&1 && return
	echo "SKIPPED: $1 is not installed"
	exit 77
}
