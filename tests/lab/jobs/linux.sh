# SPDX-License-Identifier: GPL-2.0-or-later
# variants: irqfd eoi trap no-mmap
# seconds: 120
# A Linux guest has the board's RTC to itself: it reads the time, sets alarms
# two seconds ahead and counts an interrupt for each. On the AMBA bus its own
# rtc-pl031 driver does; on the platform bus nobody claims lab,pl031, so it is
# /dev/uio0.
rtc_set
bind_vfio $RTC
case $BUS in
amba) guest="guest=rtc,alarm,hold" alarms=1 counted=1 ;;
*)
    guest="guest=uio,hold uio_pdrv_genirq.of_id=lab,pl031"
    # an event too many may come with a handler that leaves the status set
    alarms=2 counted='[1-3]' ;;
esac
earliest=$(rtc_now)
vm_start $vm_args -smp 2 -kernel /lab/Image -initrd /lab/guest.cpio \
    -append "console=ttyAMA0 quiet panic=-1 $guest" \
    -device "vfio-platform,host=$RTC,$(route_options)"
vm_expect 90 '^guest: hold'
latest=$(rtc_now)
field_at_least time $((earliest - 1))
[ "$(field time)" -le $((latest + 1)) ] ||
    fail "the guest read $(field time) after $latest"
# On the trap route an entry may find its interrupt done already.
[ "$VARIANT" != trap ] || counted='[1-3]'
console_has '^guest: up .* 2 CPUs' || fail "not two CPUs"
[ $BUS = platform ] || console_has 'driver rtc-pl031 as rtc0' ||
    fail "rtc-pl031 did not bind"
console_has "^guest: alarm waited=[1-4] counted=$counted" $alarms ||
    fail "$(grep '^guest: alarm' "$T/console" || echo 'no alarm')"
irqs=$(host_irqs $RTC)
[ "$irqs" -ge $alarms ] || fail "the host took $irqs interrupts of the RTC"
echo go >&9
vm_wait 30
pass
