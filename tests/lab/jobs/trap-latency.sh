# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 60
# The trap route's cost: an interrupt every 10 ms, mmap-timeout-ms=5. At least
# half of the accesses are fast, and with nothing pending the fast path is
# back within the timeout and a tenth.
bind_vfio $RTC
payload trap-latency "" \
    -device "vfio-platform,host=$RTC,x-irq-route=trap,mmap-timeout-ms=5"
vm_wait 40
field_is lost 0
field_at_least fast_percent 50
field_at_least last_restore_us 1
[ "$(field last_restore_us)" -le 5500 ] ||
    fail "the fast path was back after $(field last_restore_us) us"
note "$(field fast_percent)% fast, back after $(field last_restore_us) us"
pass
