/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every VFIO device on the system bus is, however its host is reached:
 * properties in, a VFIODevice out. Wiring only; what the device does is in
 * device.c and below.
 */

#include "hw/vfio/sysbus-device.h"

static bool vfio_sysbus_config(VFIOSysBusDevice *vsd, VFIODeviceConfig *config,
                               Error **errp)
{
    if (!vsd->irqfd && vsd->irq_route == VFIO_IRQ_ROUTE_IRQFD) {
        error_setg(errp,
                   "%s: x-irqfd=off and x-irq-route=irqfd contradict each "
                   "other; leave one out",
                   object_get_typename(OBJECT(vsd)));
        return false;
    }
    *config = (VFIODeviceConfig){
        .no_mmap = vsd->no_mmap,
        .mmap_timeout_ms = vsd->mmap_timeout_ms,
        .route = vsd->irq_route,
        .allow_irqfd = vsd->irqfd,
    };
    return true;
}

static bool vfio_sysbus_realize(DeviceState *dev, Error **errp)
{
    VFIOSysBusDevice *vsd = VFIO_SYSBUS_DEVICE(dev);
    SysBusDevice *sbd = SYS_BUS_DEVICE(dev);
    VFIODevice *vdev = &vsd->vdev;
    VFIODeviceConfig config;
    VFIOHost *host;

    if (!vfio_sysbus_config(vsd, &config, errp)) {
        return false;
    }
    host = VFIO_SYSBUS_DEVICE_GET_CLASS(vsd)->open_host(vsd, errp);
    if (host && !dev->id && !dev->pretty_name) {
        /* What the bus says of it begins as what we say. */
        dev->pretty_name = g_strdup_printf("vfio %s", host->name);
    }
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
static bool vfio_sysbus_connected(SysBusDevice *sbd, Error **errp)
{
    return vfio_device_connected(&VFIO_SYSBUS_DEVICE(sbd)->vdev, errp);
}

static void vfio_sysbus_unrealize(DeviceState *dev)
{
    VFIOSysBusDevice *vsd = VFIO_SYSBUS_DEVICE(dev);

    vfio_device_quiesce(&vsd->vdev);
    sysbus_release(SYS_BUS_DEVICE(dev));
    vfio_device_finish(&vsd->vdev);
    g_clear_pointer(&vsd->clock_phandles, g_free);
}

static const Property vfio_sysbus_properties[] = {
    PROP_STRING("compatible", VFIOSysBusDevice, compatible, NULL,
                "what the guest's tree calls it, strings with ';' between"),
    PROP_BOOL("x-no-mmap", VFIOSysBusDevice, no_mmap, false,
              "trap every access"),
    PROP_UINT32("mmap-timeout-ms", VFIOSysBusDevice, mmap_timeout_ms, "1100",
                INT32_MAX, "route trap: from the last EOI to the fast path"),
    PROP_BOOL("x-irqfd", VFIOSysBusDevice, irqfd, true,
              "off: interrupts do not go by irqfd"),
    PROP_ENUM("x-irq-route", VFIOSysBusDevice, irq_route, "auto",
              vfio_irq_route_names, "the way of its interrupts"),
    {}};

static void vfio_sysbus_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SysBusDeviceClass *sbc = SYS_BUS_DEVICE_CLASS(klass);

    klass->properties = vfio_sysbus_properties;
    dc->realize = vfio_sysbus_realize;
    dc->unrealize = vfio_sysbus_unrealize;
    dc->user_creatable = true;
    sbc->connected = vfio_sysbus_connected;
    sbc->write_fdt = vfio_sysbus_write_fdt;
    sbc->write_fdt_root = vfio_sysbus_write_fdt_root;
}

static const TypeInfo vfio_sysbus_type = {
    .name = TYPE_VFIO_SYSBUS_DEVICE,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(VFIOSysBusDevice),
    .class_size = sizeof(VFIOSysBusDeviceClass),
    .abstract = true,
    .class_init = vfio_sysbus_class_init,
};
TYPE_REGISTER(vfio_sysbus_type)
