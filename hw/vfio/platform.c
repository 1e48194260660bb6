/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device type vfio-platform: properties in, a VFIODevice on the system bus
 * out. Wiring only; what the device does is in device.c and below.
 */

#include <stdlib.h>

#include "hw/vfio/kernel.h"
#include "hw/vfio/platform.h"

static VFIOHost *vfio_platform_open_host(VFIOPlatformDevice *vpd, Error **errp)
{
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

static bool vfio_platform_config(VFIOPlatformDevice *vpd,
                                 VFIODeviceConfig *config, Error **errp)
{
    if (!vpd->irqfd && vpd->irq_route == VFIO_IRQ_ROUTE_IRQFD) {
        error_setg(errp, "vfio-platform: x-irqfd=off and x-irq-route=irqfd "
                         "contradict each other; leave one out");
        return false;
    }
    *config = (VFIODeviceConfig){
        .no_mmap = vpd->no_mmap,
        .mmap_timeout_ms = vpd->mmap_timeout_ms,
        .route = vpd->irq_route,
        .allow_irqfd = vpd->irqfd,
    };
    return true;
}

static bool vfio_platform_realize(DeviceState *dev, Error **errp)
{
    VFIOPlatformDevice *vpd = VFIO_PLATFORM(dev);
    SysBusDevice *sbd = SYS_BUS_DEVICE(dev);
    VFIODevice *vdev = &vpd->vdev;
    VFIODeviceConfig config;
    VFIOHost *host;

    if (!vfio_platform_config(vpd, &config, errp)) {
        return false;
    }
    host = VFIO_PLATFORM_GET_CLASS(vpd)->open_host(vpd, errp);
    if (!host || !vfio_device_init(vdev, host, OBJECT(dev), &config, errp)) {
        return false;
    }
    for (unsigned i = 0; i < vdev->info.num_regions; i++) {
        if (vdev->regions[i].present) {
            sysbus_init_mmio(sbd, &vdev->regions[i].mr);
        }
    }
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        sysbus_init_irq(sbd, &vdev->irqs[i].line);
    }
    return true;
}

/* The first moment that a line can tell what its controller offers. */
static bool vfio_platform_connected(SysBusDevice *sbd, Error **errp)
{
    return vfio_device_connected(&VFIO_PLATFORM(sbd)->vdev, errp);
}

static void vfio_platform_unrealize(DeviceState *dev)
{
    VFIOPlatformDevice *vpd = VFIO_PLATFORM(dev);

    vfio_device_quiesce(&vpd->vdev);
    sysbus_release(SYS_BUS_DEVICE(dev));
    vfio_device_finish(&vpd->vdev);
    g_clear_pointer(&vpd->clock_phandles, g_free);
}

static const Property vfio_platform_properties[] = {
    PROP_STRING("host", VFIOPlatformDevice, host, NULL,
                "name of the device on the host's platform or AMBA bus"),
    PROP_STRING("sysfsdev", VFIOPlatformDevice, sysfsdev, NULL,
                "its folder in sysfs, instead of host="),
    PROP_STRING("compatible", VFIOPlatformDevice, compatible, NULL,
                "what the guest's tree calls it, strings with ';' between"),
    PROP_BOOL("x-no-mmap", VFIOPlatformDevice, no_mmap, false,
              "trap every access"),
    PROP_UINT32("mmap-timeout-ms", VFIOPlatformDevice, mmap_timeout_ms, "1100",
                INT32_MAX, "route trap: from the last EOI to the fast path"),
    PROP_BOOL("x-irqfd", VFIOPlatformDevice, irqfd, true,
              "off: interrupts do not go by irqfd"),
    PROP_ENUM("x-irq-route", VFIOPlatformDevice, irq_route, "auto",
              vfio_irq_route_names, "the way of its interrupts"),
    {}};

static void vfio_platform_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SysBusDeviceClass *sbc = SYS_BUS_DEVICE_CLASS(klass);

    klass->desc = "platform or AMBA device of the host, by VFIO";
    klass->properties = vfio_platform_properties;
    dc->realize = vfio_platform_realize;
    dc->unrealize = vfio_platform_unrealize;
    dc->user_creatable = true;
    sbc->connected = vfio_platform_connected;
    sbc->write_fdt = vfio_platform_write_fdt;
    sbc->write_fdt_root = vfio_platform_write_fdt_root;
    VFIO_PLATFORM_CLASS(klass)->open_host = vfio_platform_open_host;
}

static const TypeInfo vfio_platform_type = {
    .name = TYPE_VFIO_PLATFORM,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(VFIOPlatformDevice),
    .class_size = sizeof(VFIOPlatformClass),
    .class_init = vfio_platform_class_init,
};
TYPE_REGISTER(vfio_platform_type)
