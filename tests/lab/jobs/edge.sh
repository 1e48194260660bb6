# SPDX-License-Identifier: GPL-2.0-or-later
# variants: irqfd eoi trap
# seconds: 60
# An edge line: each time the kernel is made to signal it (SET_IRQS, TRIGGER,
# DATA_NONE, through a copy of the machine's own file descriptor), the guest
# takes one interrupt, no fewer and no more.
bind_vfio $VIRTIO
payload edge "n=100 icfgr=1 dots=1" \
    -device "vfio-platform,host=$VIRTIO,$(route_options)"
vm_expect 20 '^edge: ready'
# The end of that line is no answer to anything.
sleep 1
vfio-raise "$(cat "$T/pid")" 100 "$T/console" || fail "cannot raise the line"
vm_wait 30
field_is got 100
pass
