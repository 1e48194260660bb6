# SPDX-License-Identifier: GPL-2.0-or-later
vm_start greet
vm_expect 5 '^hello'
vm_wait 5
before=$(host_irqs $RTC)
[ "$before" = 0 ] || fail "irqs $before"
bind_vfio $RTC
bind_vfio $GPIO
[ -e /dev/vfio/vfio ] || fail "no vfio"
unbind $GPIO
pass
