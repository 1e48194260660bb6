#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boots the board, its console on standard output, until it powers off:
#
#     run.sh IMAGE BOARD.dtb INITRAMFS [QEMU ARGUMENT...]
#
# The GIC's version is read from the device tree. LAB_APPEND adds to the
# kernel's command line, LAB_TIMEOUT (seconds) bounds the run, QEMU names the
# emulator. The exit status says nothing of what ran: look for a marker.
set -euo pipefail

[ $# -ge 3 ] || {
    echo "usage: run.sh IMAGE BOARD.dtb INITRAMFS [QEMU ARGUMENT...]" >&2
    exit 1
}
image=$1 dtb=$2 initrd=$3
shift 3
gic=2
! fdtget "$dtb" /intc@8000000 compatible | grep -q gic-v3 || gic=3

# Without the first two, type1 and iommufd want an IOMMU that isolates
# interrupts; without the third, vfio-platform refuses what it cannot reset.
append="console=ttyAMA0 quiet panic=-1 \
vfio_iommu_type1.allow_unsafe_interrupts=1 iommufd.allow_unsafe_interrupts=1 \
vfio_platform.reset_required=0"

exec timeout "${LAB_TIMEOUT:-300}" "${QEMU:-qemu-system-aarch64}" \
    -M "virt,virtualization=on,gic-version=$gic" -cpu cortex-a72 -m 2G -smp 2 \
    -nographic -nic none -no-reboot -dtb "$dtb" -kernel "$image" \
    -initrd "$initrd" -append "$append ${LAB_APPEND:-}" "$@"
