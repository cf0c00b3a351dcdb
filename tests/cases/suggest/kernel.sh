#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands that `check --suggest` prints, run on the kernel: kernel.sh PROGRAM. Each case is loaded in a network namespace of its own and audited
# live; each repair is then carried out on a fresh copy by running its commands in a shell. Afterwards the finding must be gone, no other may be
# there that was not told, and `diff` must show just what was promised. Needs root, network namespaces and python3 (else 77).
set -eu
for tool in unshare nft iptables-nft-restore ip6tables-nft-restore iptables-legacy-restore ip python3; do
	command -v $tool >/dev/null || { echo "needs $tool"; exit 77; }
done
if [ "$(id -u)" -ne 0 ] || ! unshare -n true 2>/dev/null; then
	echo "needs root and network namespaces"
	exit 77
fi
here=$(cd "$(dirname "$0")" && pwd)
exec python3 "$here/kernel.py" "$1" "$here"
