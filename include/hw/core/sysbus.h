/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/fdt.h"
#include "hw/core/memory.h"
#include "hw/core/qdev.h"

/*
 * Devices of the system bus: any number of MMIO regions and of interrupt
 * lines, nothing else.
 */
#define TYPE_SYS_BUS_DEVICE "sys-bus-device"
OBJECT_DECLARE_TYPE(SysBusDevice, SysBusDeviceClass, SYS_BUS_DEVICE)

/** SysBusPlace: where a device ended up, for its device-tree node. */
typedef struct SysBusPlace {
    hwaddr bus_base; /* guest address of the bus's window */
    unsigned n_mmio;
    const hwaddr *mmio; /* guest addresses, by MMIO index */
    unsigned n_irqs;
    const unsigned *irqs; /* SPI numbers (INTID - 32), by line index */
} SysBusPlace;

struct SysBusDeviceClass {
    DeviceClass parent_class;
    /*
     * Optional: writes the device's node (begin to end) as a child of the
     * platform bus's node, which has as many address and size cells as
     * @place needs (fdt_writer_reg() knows). Whatever cannot be expressed is
     * left out with one warning; false is for the writer's own failure.
     */
    bool (*write_fdt)(SysBusDevice *sbd, FdtWriter *fdt,
                      const SysBusPlace *place, Error **errp);
    /*
     * Optional: nodes that write_fdt() refers to and that stand at the tree's
     * root (fixed clocks). Called before the bus's node is begun.
     */
    bool (*write_fdt_root)(SysBusDevice *sbd, FdtWriter *fdt, Error **errp);
    /*
     * Optional: the platform bus has connected all lines; nothing is mapped
     * yet. For what depends on what the controller offers. After a failure
     * the lines are disconnected again.
     */
    bool (*connected)(SysBusDevice *sbd, Error **errp);
};

typedef struct SysBusMMIO {
    MemoryRegion *mr;
    bool mapped;
    hwaddr addr; /* guest address; valid while mapped */
} SysBusMMIO;

struct SysBusDevice {
    DeviceState parent_obj;
    GArray *mmio;    /* of SysBusMMIO */
    GPtrArray *irqs; /* of IrqLine **, slots in the device */
};

/** In realize: adds a region (index 0, 1, ...) that stays the device's. */
void sysbus_init_mmio(SysBusDevice *sbd, MemoryRegion *mr);
/** In realize: adds a line; *@slot is NULL until it is connected. */
void sysbus_init_irq(SysBusDevice *sbd, IrqLine **slot);
/** In unrealize: takes all regions out of the bus and forgets the lines. */
void sysbus_release(SysBusDevice *sbd);

unsigned sysbus_num_mmio(const SysBusDevice *sbd);
unsigned sysbus_num_irqs(const SysBusDevice *sbd);
MemoryRegion *sysbus_mmio_region(SysBusDevice *sbd, unsigned n);

/** Maps region @n (not mapped yet) at a guest address, in the system memory. */
void sysbus_mmio_map(SysBusDevice *sbd, unsigned n, hwaddr addr);
/** The same in a container; @addr is the guest address it results in. */
void sysbus_mmio_map_in(SysBusDevice *sbd, unsigned n, MemoryRegion *container,
                        hwaddr offset, hwaddr addr);
/** Takes region @n out again; nothing happens if it is not mapped. */
void sysbus_mmio_unmap(SysBusDevice *sbd, unsigned n);
void sysbus_connect_irq(SysBusDevice *sbd, unsigned n, IrqLine *line);
IrqLine *sysbus_get_connected_irq(SysBusDevice *sbd, unsigned n);

/** Realize, map region 0 at @addr and connect line 0 (if @line); for boards. */
bool sysbus_realize_at(SysBusDevice *sbd, hwaddr addr, IrqLine *line,
                       Error **errp);
