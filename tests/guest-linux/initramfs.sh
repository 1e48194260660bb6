#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Packs the initramfs of a guest:
#
#     initramfs.sh off|demo|userland|stress OUT.cpio
#
# "off" is the lab's guest, which powers off when nothing is asked of it. The
# rest have init-NAME as their /init. Plain cpio, for the kernel unpacks no
# other as fast; status 77 says that a package cannot be had.
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../../scripts/lib.sh"

here=$top/tests/guest-linux
[ $# = 2 ] || die "usage: initramfs.sh off|demo|userland|stress OUT.cpio"
what=$1 out=$(realpath -m "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp}
init=$here/init-$what
base=

cached()
{
    folder=$("$here/packages.sh" "$1") || exit $?
}

case $what in
off) init=$top/tests/lab/guest/init ;;
demo) ;;
userland)
    cached userland
    base=$folder/root.cpio
    mkdir "$root/work"
    cp "$here"/compute.{py,c} "$root/work"
    ;;
stress)
    need_tools aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu
    sysroot=$("$top/tests/lab/sysroot.sh")
    aarch64-linux-gnu-gcc --sysroot="$sysroot" -static -O2 -std=gnu11 -Wall \
        -Wextra -Werror -o "$root/stress" "$here"/stress*.c
    ;;
*) die "there is no guest $what" ;;
esac
cached kernel
cp "$folder/bin/busybox" "$root/bin/busybox"
cp "$init" "$root/init"
"$top/tests/lab/mkinitramfs.sh" "$root" "$work/root.cpio"
# The kernel unpacks one archive after the other.
cat ${base:+"$base"} "$work/root.cpio" > "$out"
