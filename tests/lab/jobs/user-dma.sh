# SPDX-License-Identifier: GPL-2.0-or-later
# variants: irqfd eoi trap no-mmap no-share
# seconds: 180
# A DMA engine in another process moves 64 MiB, with equal checksums of both
# sides; 200 small copies interrupt once each; one to nowhere gives one edge.
# Its scratch page and its sparse region are mapped but for the trapped page,
# and its doorbell is an eventfd of KVM's: no ring waits for the process.
mib=64
options=
case $VARIANT in
no-share) mib=4 options=,x-dma-share=off ;;
*) options=,$(route_options) ;;
esac
model_start dma-edu
payload dma "mib=$mib n=200" -m 512M -device \
    "vfio-user-platform,socket=$T/socket,compatible=platypus,,dma-edu$options"
vm_wait 150
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
# A mapped access is some 1,000 times faster than one that is answered.
trapped=$(field trapped_ns)
for memory in scratch_ns sparse_ns; do
    if [ "$VARIANT" = no-mmap ]; then
        [ $(($(field $memory) * 10)) -gt "$trapped" ] ||
            fail "$memory=$(field $memory) of $trapped: it is mapped"
    elif [ "$VARIANT" != trap ]; then
        [ $(($(field $memory) * 10)) -lt "$trapped" ] ||
            fail "$memory=$(field $memory) of $trapped: it is not mapped"
    fi
done
[ $(($(field doorbell_ns) * 2)) -lt "$(field write_ns)" ] ||
    fail "a ring takes $(field doorbell_ns) ns, a write $(field write_ns)"
note "a ring takes $(field doorbell_ns) ns, a write $(field write_ns)," \
    "a read of the mapped page $(field scratch_ns)"
model_stop
pass
