#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unpacks what the Linux guests are made of, Debian bookworm's own arm64
# packages, and prints the folder:
#
#     packages.sh kernel      vmlinuz, and bin/busybox
#     packages.sh userland    root.cpio: bash, coreutils, python3, gcc
#
# The packages come through a private index and are only unpacked, so no root
# is needed and nothing is installed. A folder is made once and kept in the
# cache under a hash of its list; delete it there to get newer packages.
# Status 77 says that they cannot be had.
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../../scripts/lib.sh"

kernel=(linux-image-arm64 busybox-static)
userland=(bash coreutils debianutils libtinfo6 libc6 libgcc-s1 libacl1
          libattr1 libselinux1 libpcre2-8-0 libgmp10 libstdc++6
          python3-minimal python3.11-minimal libpython3.11-minimal libexpat1
          zlib1g gcc gcc-12 cpp-12 libgcc-12-dev libc6-dev linux-libc-dev
          binutils binutils-aarch64-linux-gnu libbinutils libctf-nobfd0
          libctf0 libjansson4 libisl23 libmpfr6 libmpc3 libzstd1)
# Of these packages the guest uses nothing of this; it is half of their size.
unused=('./usr/share/*' '*/gconv/*' '*/lto1' '*/lto-wrapper' '*lto-dump*'
        '*/lib[almtu]*san.*' '*/libhwasan*' '*/libgprofng*' '*gold' '*dwp'
        '*-gcov*' '*gp-*' '*/ldscripts/*' '*/lib[cm].a' '*/plugin/*'
        './lib/systemd/*' './usr/lib/systemd/*')

# download NAME...: into the current folder; a package that only names the
# present version of another is replaced by that
download()
{
    local p wanted=() log apt

    private_apt "$work/apt" arm64 bookworm
    for p in "$@"; do
        [ "$p" != linux-image-arm64 ] || {
            p=$(apt-cache "${apt[@]:2}" depends "$p" |
                sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p')
            [ -n "$p" ] || die "bookworm has no kernel for arm64"
        }
        wanted+=("$p")
    done
    log=$("${apt[@]}" download "${wanted[@]}" 2>&1) ||
        die "cannot download: $(grep -m1 '^E:' <<< "$log")"
}

# make_kernel OUT: 33 MB of a package of 60, with 300 MB of modules
make_kernel()
{
    local deb

    for deb in linux-image-*.deb; do
        dpkg-deb --fsys-tarfile "$deb" |
            tar -x -C "$1" --strip-components=2 --wildcards './boot/vmlinuz-*'
    done
    mv "$1"/vmlinuz-* "$1/vmlinuz"
    mkdir "$1/bin"
    dpkg-deb --fsys-tarfile busybox-static_*.deb | tar -xO ./bin/busybox \
        > "$1/bin/busybox"
    chmod +x "$1/bin/busybox"
}

make_userland()
{
    local deb root=$1/root

    mkdir "$root"
    for deb in *.deb; do
        dpkg-deb --fsys-tarfile "$deb" |
            tar -x -C "$root" "${unused[@]/#/--exclude=}"
    done
    "$top/tests/lab/mkinitramfs.sh" "$root" "$1/root.cpio"
    rm -rf "$root"
}

need_tools apt-get=apt apt-cache=apt dpkg-deb=dpkg flock=util-linux
set=${1:-}
case $set in
kernel) packages=("${kernel[@]}") ;;
userland) packages=("${userland[@]}"); need_tools cpio=cpio ;;
*) die "usage: packages.sh kernel|userland" ;;
esac
cache=$(cache_dir)
mkdir -p "$cache" || die "cannot make $cache"
key=$(printf '%s\n' bookworm arm64 "${packages[@]}" "${unused[@]}" |
      sha256sum | cut -c1-12)
out=$cache/debian-$set-$key
exec 9> "$cache/debian-$set.lock"
flock 9
if [ ! -d "$out" ]; then
    echo "$me: fetching Debian's arm64 packages for the $set (once)" >&2
    work=$out.new
    rm -rf "$work"
    mkdir -p "$work/debs" "$work/out"
    cd "$work/debs"
    (download "${packages[@]}") || exit 77
    "make_$set" "$work/out"
    cd /
    mv "$work/out" "$out"
    rm -rf "$work"
fi
echo "$out"
