# SPDX-License-Identifier: GPL-2.0-or-later
# boards: gic=3 bus=platform
# variants: irqfd eoi trap wide posted
# seconds: 180
# Somebody logs in to a Linux guest by a serial port that is a process beside
# the emulator: Linux's 8250 driver on one side, a pty on the other. By wide
# its registers are words; by posted the guest waits for no write.
node=uart16550
option=x-irq-route=auto
case $VARIANT in
wide) node=uart16550-wide ;;
posted) option=x-posted-writes=on ;;
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
    eventually 60 serial_has "$1" ||
        fail "no '$1' on the line, but: $(tail -n 3 "$T/serial")"
}
vm_expect 60 '^guest: login'
console_has '^guest: ttyS0 at MMIO' || fail "no ttyS0"
serial_expect 'guest login: '
echo root >&8
serial_expect '/ # '
echo 'echo up $((6 * 7)) in $(tty)' >&8
serial_expect '^up 42 in /dev/ttyS0'
# More than the FIFO holds, many times, and every byte of it.
echo 'seq 1001 1400; echo end of list' >&8
serial_expect '^end of list'
tr -d '\r' < "$T/serial" | grep -x '1[0-4][0-9][0-9]' > "$T/list"
seq 1001 1400 | cmp - "$T/list" || fail "the list came otherwise"
echo 'grep ttyS0 /proc/interrupts; echo end of counts' >&8
serial_expect '^end of counts'
irqs=$(tr -d '\r' < "$T/serial" |
    awk '/^ *[0-9]+:.*ttyS0$/ { print $2 + $3 }')
[ "${irqs:-0}" -ge 10 ] || fail "${irqs:-no} interrupts of ttyS0"
note "$irqs interrupts"
echo exit >&8
vm_wait 30
kill $reader
exec 8>&-
model_stop
pass
