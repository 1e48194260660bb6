# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# variants: one-cpu eight-cpus gic-max gzip dtb file-serial
# seconds: 90
# Linux boots without a device, in the ways the machine can be given, and its
# power-off ends the process with status 0.
append="console=ttyAMA0 quiet panic=-1"
kernel=/lab/Image
machine=virt,gic-version=host
smp=2
more=
cpus=2
case $VARIANT in
one-cpu) smp=1 cpus=1 ;;
eight-cpus) smp=8 cpus=8 ;;
gic-max) machine=virt,gic-version=max ;;
gzip) gzip -1 -c /lab/Image > "$T/Image.gz" && kernel=$T/Image.gz ;;
dtb)
    platypus -M $machine,dumpdtb=$T/dtb -accel kvm -cpu host -m 128M -smp 2 \
        -display none || fail "dumpdtb: status $?"
    [ "$(od -An -tx1 -N4 "$T/dtb")" = " d0 0d fe ed" ] ||
        fail "dumpdtb wrote no device tree"
    more="-dtb $T/dtb" ;;
file-serial) more="-serial file:$T/serial" ;;
esac
vm_start -M $machine -accel kvm -cpu host -m 128M -smp $smp -nographic $more \
    -kernel $kernel -initrd /lab/guest.cpio -append "$append"
vm_wait 80
[ "$VARIANT" != file-serial ] || cp "$T/serial" "$T/console"
console_has "^guest: up after .* $cpus CPU" || fail "it did not come up"
pass
