#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Packs a folder into an initramfs: mkinitramfs.sh FOLDER OUT.cpio[.gz]
# Plain cpio boots faster on the emulated board than a compressed one.
set -euo pipefail

[ $# = 2 ] || { echo "usage: mkinitramfs.sh FOLDER OUT.cpio[.gz]" >&2; exit 1; }
out=$(realpath -m "$2")
pack=cat
[ "${out%.gz}" = "$out" ] || pack="gzip -1"
cd "$1"
find . -print0 | LC_ALL=C sort -z |
    cpio --null -o -H newc -R 0:0 --quiet | $pack > "$out"
