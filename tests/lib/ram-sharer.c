/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device type ram-sharer: does nothing but want the guest's RAM to be
 * shared, and says in a read-only property whether it is. It is to virt, where
 * RAM starts at 1 GiB, what a device of another process is, without a process.
 */

#include "hw/core/sysbus.h"

#define TYPE_RAM_SHARER "ram-sharer"
OBJECT_DECLARE_SIMPLE_TYPE(RamSharer, RAM_SHARER)

#define RAM_START 0x40000000

enum { RAM_PRIVATE, RAM_SHARED };

static const char *const ram_names[] = {"private", "shared", NULL};

struct RamSharer {
    SysBusDevice parent_obj;
    int ram;
};

static bool ram_sharer_realize(DeviceState *dev, Error **errp)
{
    MemoryRegionSection ram =
        address_space_find(address_space_memory(), RAM_START);

    if (!ram.mr || ram.mr->kind != MEMORY_REGION_RAM) {
        error_setg(errp, "%s: no RAM at 1 GiB", qdev_name(dev));
        return false;
    }
    RAM_SHARER(dev)->ram = ram.mr->ram_fd >= 0 ? RAM_SHARED : RAM_PRIVATE;
    return true;
}

static void ram_sharer_unrealize(DeviceState *dev)
{
    sysbus_release(SYS_BUS_DEVICE(dev));
}

static const Property ram_sharer_properties[] = {
    PROP_ENUM_RO("ram", RamSharer, ram, ram_names, "what the RAM is"),
    {},
};

static void ram_sharer_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "shares the guest's RAM, for tests";
    klass->properties = ram_sharer_properties;
    dc->realize = ram_sharer_realize;
    dc->unrealize = ram_sharer_unrealize;
    dc->user_creatable = true;
    dc->shares_ram = true;
}

static const TypeInfo ram_sharer_type = {
    .name = TYPE_RAM_SHARER,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(RamSharer),
    .class_init = ram_sharer_class_init,
};
TYPE_REGISTER(ram_sharer_type)
