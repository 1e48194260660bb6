# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# variants: icfgr other-cpu wfi small-timeout
# seconds: 120
# The same by the default route, in other ways: the guest writes GICD_ICFGR,
# another CPU takes the interrupts, the CPU sleeps in WFI until they come, and
# the fast path comes and goes as quickly as it can.
bind_vfio $RTC
device="vfio-platform,host=$RTC"
smp=1 route=irqfd
case $VARIANT in
icfgr) args=icfgr=1 ;;
other-cpu) args=cpu=1 smp=2 ;;
wfi) args=wfi=1 ;;
small-timeout)
    args= route=trap
    device="$device,x-irq-route=trap,mmap-timeout-ms=1" ;;
esac
payload irqs "n=1000 $args" -smp $smp -device "$device"
vm_wait 100
field_is raised 1000
field_is handled 1000
field_is lost 0
field_is double 0
found_clear spurious $route
pass
