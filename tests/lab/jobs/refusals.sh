# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 120
# What cannot be had on this host gets one line that names it, and status 1.
machine="$vm_args -kernel /lab/guest/off.bin"
device="-device vfio-platform"

refuse 'nosuch.device' $machine $device,host=nosuch.device
refuse '/sys/nowhere' $machine $device,sysfsdev=/sys/nowhere
refuse 'host' $machine $device
refuse 'nosuchprop' $machine $device,host=$RTC,nosuchprop=1
refuse 'x-irq-route' $machine $device,host=$RTC,x-irq-route=sideways
refuse 'vfio-platfrom.*vfio-platform' $machine -device vfio-platfrom

# Bound to its own driver, or to none.
unbind $GPIO
refuse "$GPIO" $machine $device,host=$GPIO
own=$(readlink "$(device_dir $RTC)/driver")
refuse "$RTC.*${own##*/}" $machine $device,host=$RTC

# Given twice.
bind_vfio $RTC
refuse "$RTC" $machine $device,host=$RTC,id=a $device,host=$RTC,id=b

# Without permission.
group=$(basename "$(readlink "$(device_dir $RTC)/iommu_group")")
mv "/dev/vfio/$group" "/dev/vfio/away"
refuse "$group|$RTC" $machine $device,host=$RTC
mv "/dev/vfio/away" "/dev/vfio/$group"
mv /dev/kvm /dev/away
refuse '/dev/kvm' $machine
mv /dev/away /dev/kvm

# A window too small for both devices.
bind_vfio $VIRTIO
refuse "$VIRTIO: no room.*platform-bus-size" -M virt,gic-version=host,platform-bus-size=4K \
    -accel kvm -cpu host -nographic -kernel /lab/guest/off.bin \
    $device,host=$RTC $device,host=$VIRTIO

# A GIC that the host does not have.
if [ $GIC = 3 ]; then
    refuse 'gic-version|GICv2' -M virt,gic-version=2 -accel kvm -cpu host \
        -nographic -kernel /lab/guest/off.bin
else
    refuse 'gic-version|GICv3' -M virt,gic-version=3 -accel kvm -cpu host \
        -nographic -kernel /lab/guest/off.bin
fi

# After all that, it works.
payload irqs "n=10" $device,host=$RTC
vm_wait 30
field_is handled 10
pass
