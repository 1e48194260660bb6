#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the lab's arm64 kernel from Debian's linux-source-6.12:
#
#     build-kernel.sh OUT
#
# Six to seven minutes on two cores the first time; the tree (2 GB) stays in
# the cache (LAB_WORK, else that of scripts/lib.sh) and makes the next build
# one of seconds. The source comes from bookworm-backports through a private
# index, so apt's own configuration stays as it is and root is not needed.
set -euo pipefail
. "$(dirname "$(realpath "$0")")/../../scripts/lib.sh"

version=6.12
# Object files of a full build: only for the progress lines.
steps=1200

lab=$top/tests/lab
out=$(realpath -m "${1:?usage: build-kernel.sh OUT}")
work=${LAB_WORK:-$(cache_dir)}
tree=$work/linux-source-$version
log=$work/kernel.log

fetch()
{
    local apt text

    say "fetching linux-source-$version"
    private_apt "$work/apt" "$(dpkg --print-architecture)" bookworm-backports
    rm -rf "$work/unpack" "$work"/linux-source-"$version"_*.deb
    text=$(cd "$work" && "${apt[@]}" download "linux-source-$version" 2>&1) ||
        die "cannot download linux-source-$version:" \
            "$(grep -m1 '^E:' <<< "$text")"
    say "unpacking it"
    mkdir "$work/unpack"
    dpkg-deb --fsys-tarfile "$work"/linux-source-"$version"_*.deb |
        tar -xO "./usr/src/linux-source-$version.tar.xz" |
        tar -xJ -C "$work/unpack" || die "cannot unpack linux-source-$version"
    mv "$work/unpack/linux-source-$version" "$tree"
    rm -rf "$work/unpack" "$work"/linux-source-"$version"_*.deb "$work/apt"
}

# add_driver FOLDER FILE: puts one of our drivers into the tree
add_driver()
{
    cmp -s "$lab/$2" "$tree/$1/$2" || cp "$lab/$2" "$tree/$1/"
    grep -q "${2%.c}.o" "$tree/$1/Makefile" ||
        printf 'obj-y += %s.o\n' "${2%.c}" >> "$tree/$1/Makefile"
}

make_failed()
{
    grep -Em1 'error|Error|\*\*\*' "$log" >&2 || true
    die "$1 failed; see $log"
}

kmake()
{
    make -C "$tree" "$@" >> "$log" 2>&1 < /dev/null
}

configure()
{
    local want

    kmake tinyconfig || make_failed "configuring the kernel"
    (cd "$tree" && ./scripts/kconfig/merge_config.sh -m .config \
        "$lab/kernel.config") >> "$log" 2>&1 ||
        die "kernel.config cannot be merged; see $log"
    kmake olddefconfig || make_failed "configuring the kernel"
    for want in KVM VFIO_PLATFORM VFIO_AMBA VFIO_NOIOMMU VFIO_DEVICE_CDEV \
                IOMMUFD RTC_DRV_PL031 TCG_TIS SERIAL_8250_CONSOLE \
                UIO_PDRV_GENIRQ; do
        grep -q "^CONFIG_$want=y" "$tree/.config" ||
            die "CONFIG_$want was not taken from kernel.config"
    done
}

# A line every 15 seconds for as long as the build in the background runs.
watch_build()
{
    local pid=$1 n last=$SECONDS

    while kill -0 "$pid" 2>/dev/null; do
        sleep 1
        [ $((SECONDS - last)) -ge 15 ] || continue
        last=$SECONDS
        n=$(grep -Ec '^  (CC|AS) ' "$log" || true)
        say "building the kernel: $n of about $steps files"
    done
}

need_tools apt-get=apt dpkg-deb=dpkg make=make gcc=gcc flock=util-linux \
    aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu flex=flex bison=bison bc=bc \
    cpio=cpio rsync=rsync xz=xz-utils perl=perl
mkdir -p "$work" || die "cannot make $work"
exec 9> "$work/kernel.lock"
flock 9
[ -d "$tree" ] || fetch
: > "$log"
export ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-
add_driver drivers/iommu lab-iommu.c
add_driver drivers/vfio/platform lab-reset.c
configure
say "building the kernel with $(nproc) processors"
# make itself in the background, not a shell around it: it ends its children.
make -C "$tree" -j"$(nproc)" Image >> "$log" 2>&1 < /dev/null 9>&- &
build=$!
trap 'kill $build 2>/dev/null' EXIT
watch_build $build
wait $build || make_failed "building the kernel"
trap - EXIT
cp "$tree/arch/arm64/boot/Image" "$out" || die "cannot write $out"
say "the kernel is built"
