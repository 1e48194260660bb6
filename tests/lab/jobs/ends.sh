# SPDX-License-Identifier: GPL-2.0-or-later
# boards: bus=platform
# variants: sigterm sigint quit kill peer
# seconds: 60
# However a machine ends, its device can be assigned again at once; and while
# it runs, a second machine is told that the device is in use.
bind_vfio $RTC
payload storm "" $vm_qmp -device "vfio-platform,host=$RTC"
vm_expect 20 '^storm: boot=1 irq=ok'
case $VARIANT in
sigterm) kill -TERM "$(cat "$T/pid")" ;;
sigint) kill -INT "$(cat "$T/pid")" ;;
quit) qmp quit ;;
kill) vm_kill ;;
peer)
    timeout 20 platypus $vm_args -kernel /lab/guest/off.bin \
        -device "vfio-platform,host=$RTC" > "$T/second" 2>&1 < /dev/null
    status=$?
    [ $status = 1 ] || fail "the second machine ended with $status"
    [ "$(grep -c . "$T/second")" = 1 ] && grep -q "$RTC" "$T/second" ||
        fail "the second machine said: $(cat "$T/second")"
    qmp quit ;;
esac
[ "$VARIANT" = kill ] || vm_wait 20
[ "$(host_irqs $RTC)" = 0 ] || fail "the host still has its line"
payload irqs "n=10" -device "vfio-platform,host=$RTC"
vm_wait 30
field_is handled 10
pass
