# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=amba
# seconds: 240
# Linux reboots five times; the RTC's alarm works after each.
bind_vfio $RTC
vm_start $vm_args $vm_qmp -smp 2 -kernel /lab/Image -initrd /lab/guest.cpio \
    -append "console=ttyAMA0 quiet panic=-1 guest=rtc,alarm,restart" \
    -device "vfio-platform,host=$RTC"
vm_expect 200 '^guest: alarm' 6
qmp quit
vm_wait 20
bad=$(grep '^guest: alarm' "$T/console" | grep -v -m1 'counted=[1-3]')
[ -z "$bad" ] || fail "$bad"
pass
