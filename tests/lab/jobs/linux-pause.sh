# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# seconds: 90
# A guest that is stopped for five seconds does not notice: its clock stands
# still with it.
vm_start $vm_args $vm_qmp -smp 2 -kernel /lab/Image -initrd /lab/guest.cpio \
    -append "console=ttyAMA0 quiet panic=-1 guest=ticks"
vm_expect 60 '^guest: tick' 3
qmp stop +STOP
before=$(grep -c '^guest: tick' "$T/console")
sleep 5
[ "$(grep -c '^guest: tick' "$T/console")" = "$before" ] ||
    fail "the guest went on while it was stopped"
qmp cont +RESUME
vm_expect 20 '^guest: tick' $((before + 5))
qmp quit
vm_wait 20
gap=$(awk '/^guest: tick/ {
    if (last && $3 - last > max) max = $3 - last
    last = $3 } END { print int(max + 0) }' "$T/console")
[ "$gap" -lt 4 ] || fail "the guest's clock jumped by $gap s"
pass
