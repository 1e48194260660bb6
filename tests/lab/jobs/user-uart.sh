# SPDX-License-Identifier: GPL-2.0-or-later
# variants: irqfd eoi trap wide
# seconds: 120
# Somebody logs in to a Linux guest by a serial port that is a process beside
# the emulator: Linux's 8250 driver on one side, a pty on the other.
node=uart16550
option=x-irq-route=auto
case $VARIANT in
wide) node=uart16550-wide ;;
*) option=$(route_options) ;;
esac
model_start uart16550 --link "$T/tty" \
    $([ "$VARIANT" != wide ] || echo --reg-shift 2)
exec 8<> "$T/tty"
cat <&8 > "$T/serial" &
reader=$!
vm_start $vm_args -smp 2 -kernel /lab/Image -initrd /lab/guest.cpio \
    -append "console=ttyAMA0 quiet panic=-1 guest=login" \
    -device "vfio-user-platform,socket=$T/socket,dtb-node=/lab/nodes/$node.dtb,$option"
serial_has() { grep -q -e "$1" "$T/serial"; }
serial_expect()
{
    eventually 20 serial_has "$1" ||
        fail "no '$1' on the line, but: $(tail -n 3 "$T/serial")"
}
vm_expect 60 '^guest: login'
console_has '^guest: ttyS0 at MMIO' || fail "no ttyS0"
serial_expect 'guest login: '
echo root >&8
serial_expect '# $'
echo 'echo up $((6 * 7)) in $(tty)' >&8
serial_expect '^up 42 in /dev/ttyS0'
# More than FIFOs and buffers hold, and every byte of it.
echo 'n=0; while [ $n -lt 2000 ]; do echo line $n; n=$((n + 1)); done' >&8
serial_expect '^line 1999'
lines=$(tr -d '\r' < "$T/serial" | grep -c '^line [0-9]*$')
[ "$lines" = 2000 ] || fail "$lines of 2000 lines came"
echo exit >&8
vm_wait 30
field_at_least irqs 10
note "$(field irqs) interrupts"
kill $reader
exec 8>&-
model_stop
pass
