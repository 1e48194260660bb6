# SPDX-License-Identifier: GPL-2.0-or-later
# boards: gic=3 bus=platform
# variants: irqfd eoi trap
# seconds: 120
# The RTC is a process beside the emulator. A Linux guest's own rtc-pl031
# binds to it, by the node that says what it is and what its clock is; the
# time is right, and an alarm two seconds ahead interrupts once.
model_start pl031
earliest=$(date +%s)
vm_start $vm_args -smp 2 -kernel /lab/Image -initrd /lab/guest.cpio \
    -append "console=ttyAMA0 quiet panic=-1 guest=rtc,alarm,alarm,hold" \
    -device "vfio-user-platform,socket=$T/socket,dtb-node=/lab/nodes/pl031.dtb,$(route_options)"
vm_expect 90 '^guest: hold'
latest=$(date +%s)
field_at_least time $((earliest - 1))
[ "$(field time)" -le $((latest + 1)) ] ||
    fail "the guest read $(field time) after $latest"
console_has 'driver rtc-pl031 as rtc0' || fail "rtc-pl031 did not bind"
# On the trap route an entry may find its interrupt done already.
counted=1
[ "$VARIANT" != trap ] || counted='[1-3]'
console_has "^guest: alarm waited=[1-4] counted=$counted" 2 ||
    fail "$(grep '^guest: alarm' "$T/console" || echo 'no alarm')"
echo go >&9
vm_wait 30
model_stop
pass
