# SPDX-License-Identifier: GPL-2.0-or-later
# variants: mapped no-mmap
# seconds: 60
# Accesses a guest should not make: to nothing, of odd sizes, without a
# syndrome. They read as ones or abort in the guest; the machine goes on.
bind_vfio $RTC
option=
[ "$VARIANT" = mapped ] || option=,x-no-mmap=on
payload probe "" -device "vfio-platform,host=$RTC$option"
vm_wait 40
console_has '^probe: done' || fail "it did not come to its end"
for size in 1:ff 2:ffff 4:ffffffff 8:ffffffffffffffff; do
    console_has "^probe: hole-read${size%:*} addr=df00000 value=${size#*:}\b" ||
        fail "$(grep -m1 "hole-read${size%:*}" "$T/console")"
done
console_has '^probe: last-read4 .* value=31\b' ||
    fail "$(grep '^probe: last-read4' "$T/console")"
pass
