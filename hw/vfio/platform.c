/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device type vfio-platform: a platform or AMBA device of the host's
 * kernel. It only finds the device; all else is the base type's.
 */

#include "hw/vfio/kernel.h"
#include "hw/vfio/sysbus-device.h"

#define TYPE_VFIO_PLATFORM "vfio-platform"
OBJECT_DECLARE_SIMPLE_TYPE(VFIOPlatformDevice, VFIO_PLATFORM)

struct VFIOPlatformDevice {
    VFIOSysBusDevice parent_obj;
    char *host;
    char *sysfsdev;
};

static VFIOHost *vfio_platform_open_host(VFIOSysBusDevice *vsd, Error **errp)
{
    VFIOPlatformDevice *vpd = VFIO_PLATFORM(vsd);
    g_autofree char *path = NULL;
    bool by_name = vpd->host && *vpd->host;
    bool by_path = vpd->sysfsdev && *vpd->sysfsdev;

    if (by_name && by_path) {
        error_setg(errp,
                   "vfio-platform: host=%s and sysfsdev=%s both say "
                   "which device; leave one out",
                   vpd->host, vpd->sysfsdev);
        return NULL;
    }
    if (!by_name && !by_path) {
        error_setg(errp, "vfio-platform: which device? try: host=NAME, with a "
                         "name from /sys/bus/platform/devices or "
                         "/sys/bus/amba/devices");
        return NULL;
    }
    path = by_path ? g_strdup(vpd->sysfsdev)
                   : vfio_host_kernel_find(&vfio_kernel_paths, vpd->host, errp);
    return path ? vfio_host_kernel_open(&vfio_kernel_paths, path, errp) : NULL;
}

static const Property vfio_platform_properties[] = {
    PROP_STRING("host", VFIOPlatformDevice, host, NULL,
                "name of the device on the host's platform or AMBA bus"),
    PROP_STRING("sysfsdev", VFIOPlatformDevice, sysfsdev, NULL,
                "its folder in sysfs, instead of host="),
    {}};

static void vfio_platform_class_init(ObjectClass *klass)
{
    klass->desc = "platform or AMBA device of the host, by VFIO";
    klass->properties = vfio_platform_properties;
    VFIO_SYSBUS_DEVICE_CLASS(klass)->open_host = vfio_platform_open_host;
}

static const TypeInfo vfio_platform_type = {
    .name = TYPE_VFIO_PLATFORM,
    .parent = TYPE_VFIO_SYSBUS_DEVICE,
    .instance_size = sizeof(VFIOPlatformDevice),
    .class_init = vfio_platform_class_init,
};
TYPE_REGISTER(vfio_platform_type)
