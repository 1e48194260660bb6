#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes the board's device tree: mkboard.sh OUT.dtb [gic=3|2] [bus=platform|amba]
#
# It is that of QEMU's "virt" with EL2, changed in two ways. A "lab,iommu" node
# is there for lab-iommu.c, and the RTC, the GPIO and the first two
# virtio-mmio slots name it: each gets an IOMMU group of its own, the other
# slots have none. And with bus=platform the RTC and the GPIO are no longer
# "arm,primecell", which makes them plain platform devices, without a driver.
set -euo pipefail

out=${1:?usage: mkboard.sh OUT.dtb [gic=3|2] [bus=platform|amba]}
gic=3
bus=platform
for a in "${@:2}"; do
    case $a in
    gic=[23]) gic=${a#*=} ;;
    bus=platform | bus=amba) bus=${a#*=} ;;
    *) echo "mkboard.sh: $a is neither gic=3|2 nor bus=platform|amba" >&2
       exit 1 ;;
    esac
done

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${QEMU:-qemu-system-aarch64}" -cpu cortex-a72 -m 2G -smp 2 -display none \
    -nodefaults -M "virt,virtualization=on,gic-version=$gic,dumpdtb=$tmp/board" \
    > "$tmp/log" 2>&1 || { head -n 1 "$tmp/log" >&2; exit 1; }
# Through dtc and back: QEMU's tree leaves fdtput no room to grow in.
dtc -q -I dtb -O dtb -p 4096 -o "$out" "$tmp/board"

if [ "$bus" = platform ]; then
    fdtput -t s "$out" /pl031@9010000 compatible lab,pl031
    fdtput -t s "$out" /pl061@9030000 compatible lab,pl061
else
    # The GPIO gets an ID that no driver knows. The stock driver would claim its
    # interrupt for a chained handler, and the kernel then refuses the line to
    # vfio-amba (EINVAL), even after the driver is unbound.
    fdtput -t x "$out" /pl061@9030000 arm,primecell-periphid 41fff
fi
# Its only key is on the GPIO, which would keep that one's driver busy.
! fdtget -p "$out" /gpio-keys > /dev/null 2>&1 || fdtput -r "$out" /gpio-keys

phandle=9000
fdtput -c "$out" /lab-iommu
fdtput -t s "$out" /lab-iommu compatible lab,iommu
fdtput -t x "$out" /lab-iommu '#iommu-cells' 1
fdtput -t x "$out" /lab-iommu phandle $phandle
id=0
for node in /pl031@9010000 /pl061@9030000 \
            /virtio_mmio@a000000 /virtio_mmio@a000200; do
    id=$((id + 1))
    fdtput -t x "$out" "$node" iommus $phandle $id
done
