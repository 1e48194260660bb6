/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system bus: what a device with MMIO regions and interrupt lines shows to
 * whoever places it. The bus owns neither; it keeps pointers from realize to
 * sysbus_release(), which the device calls before it finishes its regions.
 */

#include "hw/core/sysbus.h"

static SysBusMMIO *mmio_at(const SysBusDevice *sbd, unsigned n)
{
    g_assert(n < sysbus_num_mmio(sbd));
    return &g_array_index(sbd->mmio, SysBusMMIO, n);
}

static IrqLine **slot_at(const SysBusDevice *sbd, unsigned n)
{
    g_assert(n < sysbus_num_irqs(sbd));
    return g_ptr_array_index(sbd->irqs, n);
}

void sysbus_init_mmio(SysBusDevice *sbd, MemoryRegion *mr)
{
    SysBusMMIO mmio = {.mr = mr};

    g_assert(mr);
    if (!sbd->mmio) {
        sbd->mmio = g_array_new(false, false, sizeof(SysBusMMIO));
    }
    g_array_append_val(sbd->mmio, mmio);
}

void sysbus_init_irq(SysBusDevice *sbd, IrqLine **slot)
{
    if (!sbd->irqs) {
        sbd->irqs = g_ptr_array_new();
    }
    *slot = NULL;
    g_ptr_array_add(sbd->irqs, slot);
}

void sysbus_release(SysBusDevice *sbd)
{
    memory_region_transaction_begin();
    for (unsigned n = 0; n < sysbus_num_mmio(sbd); n++) {
        sysbus_mmio_unmap(sbd, n);
    }
    memory_region_transaction_commit();
    for (unsigned n = 0; n < sysbus_num_irqs(sbd); n++) {
        *slot_at(sbd, n) = NULL;
    }
    g_clear_pointer(&sbd->mmio, g_array_unref);
    g_clear_pointer(&sbd->irqs, g_ptr_array_unref);
}

unsigned sysbus_num_mmio(const SysBusDevice *sbd)
{
    return sbd->mmio ? sbd->mmio->len : 0;
}

unsigned sysbus_num_irqs(const SysBusDevice *sbd)
{
    return sbd->irqs ? sbd->irqs->len : 0;
}

MemoryRegion *sysbus_mmio_region(SysBusDevice *sbd, unsigned n)
{
    return mmio_at(sbd, n)->mr;
}

void sysbus_mmio_map(SysBusDevice *sbd, unsigned n, hwaddr addr)
{
    sysbus_mmio_map_in(sbd, n, get_system_memory(), addr, addr);
}

void sysbus_mmio_map_in(SysBusDevice *sbd, unsigned n, MemoryRegion *container,
                        hwaddr offset, hwaddr addr)
{
    SysBusMMIO *mmio = mmio_at(sbd, n);

    g_assert(!mmio->mapped);
    memory_region_add_subregion(container, offset, mmio->mr);
    mmio->mapped = true;
    mmio->addr = addr;
}

void sysbus_mmio_unmap(SysBusDevice *sbd, unsigned n)
{
    SysBusMMIO *mmio = mmio_at(sbd, n);

    if (mmio->mapped) {
        memory_region_del_subregion(mmio->mr->container, mmio->mr);
        mmio->mapped = false;
    }
}

void sysbus_connect_irq(SysBusDevice *sbd, unsigned n, IrqLine *line)
{
    *slot_at(sbd, n) = line;
}

IrqLine *sysbus_get_connected_irq(SysBusDevice *sbd, unsigned n)
{
    return *slot_at(sbd, n);
}

bool sysbus_realize_at(SysBusDevice *sbd, hwaddr addr, IrqLine *line,
                       Error **errp)
{
    if (!qdev_realize(DEVICE(sbd), errp)) {
        return false;
    }
    sysbus_mmio_map(sbd, 0, addr);
    if (line) {
        sysbus_connect_irq(sbd, 0, line);
    }
    return true;
}

static void sysbus_device_finalize(Object *obj)
{
    SysBusDevice *sbd = SYS_BUS_DEVICE(obj);

    g_assert(!sbd->mmio && !sbd->irqs);
}

static const TypeInfo sysbus_device_type = {
    .name = TYPE_SYS_BUS_DEVICE,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(SysBusDevice),
    .class_size = sizeof(SysBusDeviceClass),
    .abstract = true,
    .instance_finalize = sysbus_device_finalize,
};
TYPE_REGISTER(sysbus_device_type)
