# SPDX-License-Identifier: GPL-2.0-or-later
# variants: irqfd eoi trap no-mmap
# seconds: 300
# 50 resets of the guest, each at a bad moment for the line: raised before the
# guest listens, in flight, being handled. It works after every one of them.
bind_vfio $RTC
payload reset "n=50" -device "vfio-platform,host=$RTC,$(route_options)"
vm_wait 280
field_is boots 51
field_is ok 51
field_is stuck 0
note "$(field leftover) left over, $(field spurious) spurious"
pass
