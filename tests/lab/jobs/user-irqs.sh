# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# variants: irqfd eoi trap
# seconds: 120
# 1,000 interrupts on demand of an RTC in another process: none lost, none
# twice, and by irqfd and eoi none with the status already clear.
model_start pl031
payload irqs "n=1000" -device \
    "vfio-user-platform,socket=$T/socket,compatible=arm,,pl031,$(route_options)"
vm_wait 100
field_is raised 1000
field_is handled 1000
field_is lost 0
field_is double 0
field_is unclaimed 0
if [ "$VARIANT" = trap ]; then
    note "$(field spurious) spurious entries"
else
    field_is spurious 0
fi
model_stop
pass
