#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unpacks arm64 development packages into a folder for --sysroot builds:
#
#     sysroot.sh            make or find the cached one and print its path
#     sysroot.sh OUT PKG... put these packages into OUT instead
#
# The packages are downloaded through a private index and only unpacked, so no
# root is needed and nothing is installed: libfdt-dev, for one, cannot be
# installed for two architectures at once. The cached folder's name is a hash
# of this list, so a changed list makes a new one.
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../../scripts/lib.sh"

packages=(libc6 libc6-dev linux-libc-dev libcrypt1 libcrypt-dev libgcc-12-dev
          libglib2.0-0 libglib2.0-dev libpcre2-8-0 libpcre2-dev zlib1g
          zlib1g-dev libfdt1 libfdt-dev libjson-c5 libjson-c-dev
          busybox-static)

# unpack OUT PACKAGE...
unpack()
{
    local out=$1 apt log deb
    shift

    private_apt "$out.apt" arm64 bookworm
    mkdir -p "$out" "$out.apt/debs"
    log=$(cd "$out.apt/debs" && "${apt[@]}" download "$@" 2>&1) ||
        die "cannot download the sysroot: $(grep -m1 '^E:' <<< "$log")"
    for deb in "$out.apt/debs"/*.deb; do
        dpkg-deb -x "$deb" "$out" || die "cannot unpack $(basename "$deb")"
    done
    rm -rf "$out.apt"
}

need_tools apt-get=apt dpkg-deb=dpkg flock=util-linux
if [ $# -gt 0 ]; then
    [ $# -gt 1 ] || die "usage: sysroot.sh [OUT PACKAGE...]"
    unpack "$(realpath -m "$1")" "${@:2}"
    exit
fi

cache=$(cache_dir)
mkdir -p "$cache" || die "cannot make $cache"
key=$(printf '%s\n' bookworm arm64 "${packages[@]}" | sha256sum | cut -c1-12)
sysroot=$cache/sysroot-$key
exec 9> "$cache/sysroot.lock"
flock 9
if [ ! -d "$sysroot" ]; then
    echo "$me: unpacking the arm64 sysroot (once)" >&2
    rm -rf "$sysroot.new" "$sysroot.new.apt"
    unpack "$sysroot.new" "${packages[@]}"
    mv "$sysroot.new" "$sysroot"
fi
echo "$sysroot"
