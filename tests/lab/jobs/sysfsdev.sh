# SPDX-License-Identifier: GPL-2.0-or-later
# seconds: 60
# The device named by its sysfs path, as is and through the class of links
# that /sys/bus has.
bind_vfio $RTC
for path in /sys/bus/$BUS/devices/$RTC "$(device_dir $RTC)"; do
    payload irqs "n=10" -device "vfio-platform,sysfsdev=$path"
    vm_wait 30
    field_is handled 10
done
pass
