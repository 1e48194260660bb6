# SPDX-License-Identifier: GPL-2.0-or-later
# The board's part of scripts/demo --lab: gives the RTC to VFIO, starts a Linux
# guest with it and tells what happens. "lab: demo ok" only if all of it did.
T=/tmp/demo
mkdir -p $T
. /lab/lib.sh

fail()
{
    echo "    FAILED: $*"
    vm_kill
    poweroff -f
}

tell()
{
    echo
    echo "==> $*"
}

show() { sed 's/^/    /'; }

tell "An arm64 board with GICv$GIC: Linux $(uname -r), /dev/kvm and an RTC"
dir=$(device_dir $RTC)
echo "$RTC: driver $(basename "$(readlink "$dir/driver")")," \
    "$(cat "$dir"/rtc/rtc*/date) $(cat "$dir"/rtc/rtc*/time)" | show

tell "The host gives it away: bound to VFIO, it is nobody's but a guest's"
bind_vfio $RTC
driver=$(basename "$(readlink "$dir/driver")")
[ "$driver" = "vfio-$BUS" ] || fail "$RTC is bound to $driver"
echo "$RTC: driver $driver," \
    "IOMMU group $(basename "$(readlink "$dir/iommu_group")")" | show

tell "A Linux guest under KVM gets it, with its interrupt by irqfd"
args="$vm_args -smp 2 -kernel /lab/Image -initrd /lab/guest.cpio
 -device vfio-platform,host=$RTC,x-irq-route=irqfd"
echo "platypus $args" | sed 's/^ /         /' | show
earliest=$(rtc_now)
vm_start $args -append \
    "console=ttyAMA0 quiet panic=-1 guest=rtc,alarm,interrupts,hold" > /dev/null
tail -n 1000 -f $T/console 2> /dev/null | while read -r line; do
    echo "    $line"
done &
vm_expect 90 '^guest: hold'
latest=$(rtc_now)

tell "The host, meanwhile"
grep 'vfio-irq' /proc/interrupts | show
irqs=$(host_irqs $RTC)

tell "The guest powers off"
echo "the host" >&9
vm_wait 30
echo "platypus ended with status $(vm_status)" | show

console_has 'driver rtc-pl031 as rtc0' || fail "rtc-pl031 did not bind"
[ "$(field time)" -ge $((earliest - 1)) ] &&
    [ "$(field time)" -le $((latest + 1)) ] || fail "the time is wrong"
console_has '^guest: alarm waited=[1-4] counted=1' ||
    fail "the alarm's interrupt was not counted"
console_has '^guest: irq .*[1-9].* rtc-pl031' ||
    fail "/proc/interrupts does not count"
[ "$irqs" -ge 1 ] || fail "the host took no interrupt of the RTC"
echo "lab: demo ok"
