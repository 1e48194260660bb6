# SPDX-License-Identifier: GPL-2.0-or-later
# boards: gic=3 bus=platform
# variants: irqfd eoi trap
# seconds: 180
# The process that is the RTC is killed 20 times, each at another moment,
# while the guest uses it without a pause. While it is gone the guest reads
# ones; each time it is back its interrupt works. The emulator keeps no
# descriptor of the dead.
model_start pl031
payload lost "n=20" -device \
    "vfio-user-platform,socket=$T/socket,compatible=arm,,pl031,reconnect-ms=50,$(route_options)"
vm_expect 20 '^lost: back=0'
descriptors() { ls "/proc/$(cat "$T/pid")/fd" | wc -l; }
before=$(descriptors)
for n in $(seq 20); do
    usleep $((n * 7919 % 50 * 1000))
    model_kill
    usleep $((n * 104729 % 200 * 1000))
    [ "$n" -lt 20 ] || after=$(descriptors)
    model_start pl031
    vm_expect 20 "^lost: back=$n\b"
done
vm_wait 30
field_is bad 0
field_is silent 0
[ "$after" -le "$before" ] || fail "$before descriptors became $after"
note "$(field handled) interrupts, $(field spurious) spurious"
model_stop
pass
