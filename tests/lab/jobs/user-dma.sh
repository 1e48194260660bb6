# SPDX-License-Identifier: GPL-2.0-or-later
# boards: gic=3 bus=platform
# variants: irqfd eoi trap no-mmap no-share
# seconds: 180
# A DMA engine in another process moves 64 MiB, with equal checksums of both
# sides; 200 small copies interrupt once each; one to nowhere gives one edge.
# While the process is stopped its mapped pages can be used, and its doorbell
# be rung, which is an eventfd of KVM's; but by x-no-mmap=on, which traps all.
mib=64
options=
stopped=1
case $VARIANT in
no-share) mib=4 options=,x-dma-share=off ;;
no-mmap) stopped=0 options=,$(route_options) ;;
# Soon after an interrupt the fast path must be back.
trap) options=,$(route_options),mmap-timeout-ms=50 ;;
*) options=,$(route_options) ;;
esac
model_start dma-edu
payload dma "mib=$mib n=200 stopped=$stopped" -m 512M -trace kvm_ioeventfd \
    -device \
    "vfio-user-platform,socket=$T/socket,compatible=platypus,,dma-edu$options"
vm_expect 150 '^dma: hold'
[ "$VARIANT" != trap ] || sleep 2
if [ $stopped = 1 ]; then
    kill -STOP "$(cat "$T/model-pid")"
    # Not by us, who would signal what KVM does not take.
    grep -q 'kvm_ioeventfd.* on 1 result 0$' "$T/log" ||
        fail "KVM has no doorbell: $(tail -n 1 "$T/log")"
fi
echo go >&9
vm_expect 20 '^dma: rung'
kill -CONT "$(cat "$T/model-pid")"
vm_wait 20
field_is rung 1
field_is filled 1
field_is memory_ok 1
field_is large_ok 1
field_is moved $((mib << 20))
field_is small 200
field_is bad 0
field_is errors 1
field_is error_done 0
field_is error_ok 1
field_is unclaimed 0
if [ "$VARIANT" = trap ]; then
    note "$(field spurious) spurious entries"
else
    field_is spurious 0
fi
model_stop
pass
