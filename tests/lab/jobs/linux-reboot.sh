# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 240
# Linux reboots five times; the RTC's alarm works after each.
bind_vfio $RTC
case $BUS in
amba) guest="guest=rtc,alarm,restart" ;;
*) guest="guest=uio,restart uio_pdrv_genirq.of_id=lab,pl031" ;;
esac
vm_start $vm_args $vm_qmp -smp 2 -kernel /lab/Image -initrd /lab/guest.cpio \
    -append "console=ttyAMA0 quiet panic=-1 $guest" \
    -device "vfio-platform,host=$RTC"
alarms=6
[ $BUS = amba ] || alarms=12
vm_expect 200 '^guest: alarm' $alarms
qmp quit
vm_wait 20
bad=$(grep '^guest: alarm' "$T/console" | grep -v -m1 'counted=[1-3]')
[ -z "$bad" ] || fail "$bad"
pass
