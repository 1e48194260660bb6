# SPDX-License-Identifier: GPL-2.0-or-later
# variants: irqfd eoi trap no-mmap
# seconds: 300
# 10,000 interrupts on demand: none lost, none twice, and by irqfd and eoi
# none with the status already clear. The guest never writes GICD_ICFGR.
bind_vfio $RTC
payload irqs "n=10000" -device "vfio-platform,host=$RTC,$(route_options)"
vm_wait 280
field_is raised 10000
field_is handled 10000
field_is lost 0
field_is double 0
field_is unclaimed 0
found_clear spurious $VARIANT
pass
