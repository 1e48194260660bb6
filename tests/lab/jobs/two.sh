# SPDX-License-Identifier: GPL-2.0-or-later
# variants: irqfd-masked irqfd-active eoi-masked eoi-active trap-masked trap-active
# seconds: 120
# RTC and GPIO at once. The GPIO asserts its line and nobody services it: not
# enabled at the GIC (masked), or taken and never ended (active). The RTC
# works on; then the GPIO does, too.
bind_vfio $RTC
bind_vfio $GPIO
route=${VARIANT%-*}
payload two "n=1000 gpio_n=100 gpio=${VARIANT#*-}" \
    -device "vfio-platform,host=$RTC,x-irq-route=$route" \
    -device "vfio-platform,host=$GPIO,x-irq-route=$route"
vm_wait 100
field_is raised 1000
field_is handled 1000
field_is lost 0
field_is double 0
field_is held 1
field_is released 1
field_is gpio_handled 100
field_is gpio_lost 0
found_clear spurious $route
found_clear gpio_spurious $route
pass
