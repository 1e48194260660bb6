# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# variants: irqfd eoi trap
# seconds: 180
# system_reset, and stop and cont, in the middle of trapped accesses: no value
# read is ever another's, and the interrupt works after every reset.
bind_vfio $RTC
payload storm "mark=500" $vm_qmp \
    -device "vfio-platform,host=$RTC,x-no-mmap=on,$(route_options)"
vm_expect 20 '^storm: boot=1 .*reads='
for n in 2 3 4 5 6 7 8 9 10 11; do
    qmp stop cont stop +STOP cont +RESUME system_reset +RESET
    vm_expect 20 "^storm: boot=$n irq=ok"
    usleep $((n * 37000))
    vm_expect 20 "^storm: boot=$n reads="
done
qmp quit
vm_wait 20
# A line that a reset tore says nothing.
bad=$(grep -E '^storm: .*reads=[0-9]+ bad=[0-9]+ lost=[0-9]' "$T/console" |
    grep -v -m1 'bad=0 lost=0')
[ -z "$bad" ] || fail "$bad"
! grep -q '^start: entered' "$T/console" || fail "$(grep '^start:' "$T/console")"
pass
