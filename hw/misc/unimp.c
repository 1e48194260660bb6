/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for a device that nobody has modelled: it takes up addresses,
 * reads as zero, ignores writes, and logs both (rate limited) under the name
 * that it was given. It is also the model for a new device:
 * docs/device-guide.md walks through this file.
 */

#include "hw/core/sysbus.h"
#include "util/log.h"

#define TYPE_UNIMPLEMENTED_DEVICE "unimplemented-device"
OBJECT_DECLARE_SIMPLE_TYPE(UnimplementedDevice, UNIMPLEMENTED_DEVICE)

struct UnimplementedDevice {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    LogLimit log_limit;
    /* properties */
    char *name;
    uint64_t size;
};

static MemTxResult unimp_read(void *opaque, hwaddr addr, uint64_t *value,
                              unsigned size)
{
    UnimplementedDevice *s = opaque;

    warn_report_limited(&s->log_limit,
                        "%s: unimplemented read of %u bytes at 0x%" PRIx64,
                        s->name, size, addr);
    *value = 0;
    return MEMTX_OK;
}

static MemTxResult unimp_write(void *opaque, hwaddr addr, uint64_t value,
                               unsigned size)
{
    UnimplementedDevice *s = opaque;

    warn_report_limited(&s->log_limit,
                        "%s: unimplemented write of 0x%0*" PRIx64
                        " (%u bytes) at 0x%" PRIx64,
                        s->name, (int)size * 2, value, size, addr);
    return MEMTX_OK;
}

static const MemoryRegionOps unimp_ops = {
    .read = unimp_read,
    .write = unimp_write,
    .unaligned = true,
};

static bool unimp_realize(DeviceState *dev, Error **errp)
{
    UnimplementedDevice *s = UNIMPLEMENTED_DEVICE(dev);

    if (!s->name || !s->size) {
        error_setg(errp, "%s: property '%s' must be set", qdev_name(dev),
                   s->name ? "size" : "name");
        return false;
    }
    memory_region_init_io(&s->iomem, OBJECT(dev), &unimp_ops, s, s->name,
                          s->size);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
    return true;
}

static void unimp_unrealize(DeviceState *dev)
{
    UnimplementedDevice *s = UNIMPLEMENTED_DEVICE(dev);

    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&s->iomem);
}

static const Property unimp_properties[] = {
    PROP_STRING("name", UnimplementedDevice, name, NULL, "name in the log"),
    PROP("size", property_size, UnimplementedDevice, size, NULL,
         "bytes of guest addresses", .max = 1ULL << 40),
    {},
};

static void unimp_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "reads as zero, ignores writes, logs both";
    klass->properties = unimp_properties;
    dc->realize = unimp_realize;
    dc->unrealize = unimp_unrealize;
    dc->user_creatable = true;
}

static const TypeInfo unimp_type = {
    .name = TYPE_UNIMPLEMENTED_DEVICE,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(UnimplementedDevice),
    .class_init = unimp_class_init,
};
TYPE_REGISTER(unimp_type)
