# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# seconds: 60
# The trap route under load: an interrupt every 10 ms, mmap-timeout-ms=5. At
# least half of the accesses are fast, and with nothing pending the fast path
# comes back. How soon is counted in instructions by tests/bench, since the
# board's clock runs on while the developer's machine is busy.
bind_vfio $RTC
payload trap-latency "" \
    -device "vfio-platform,host=$RTC,x-irq-route=trap,mmap-timeout-ms=5"
vm_wait 40
field_at_least fast_percent 50
field_at_least handled 1
field_at_least last_restore_us 1
note "$(field handled) of $(field raised) in time, $(field fast_percent)%" \
    "fast, back after $(field last_restore_us) us"
pass
