/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/sysbus.h"

/*
 * The platform bus: a window of guest addresses and a range of interrupt
 * lines from which user-created sysbus devices are served. Regions are placed
 * first fit, each aligned to its size rounded up to a power of two (at least
 * a page); lines in the order of the devices. Realize maps the window at its
 * base; the bus keeps a reference to each device until it is unrealized itself.
 */
#define TYPE_PLATFORM_BUS "platform-bus"
OBJECT_DECLARE_SIMPLE_TYPE(PlatformBus, PLATFORM_BUS)

struct PlatformBus {
    SysBusDevice parent_obj;
    /* set before realize */
    hwaddr base; /* base and size: multiples of a page */
    uint64_t size;
    unsigned num_irqs;
    unsigned first_spi; /* SPI number of line 0 */
    IrqLine **lines;    /* num_irqs inputs of the controller; g_free()d here */
    struct {
        hwaddr base;
        uint64_t size;
    } rooms[2]; /* where a larger window could be, for advice; the best first.
                   None: at base, of any size */
    /* its own */
    MemoryRegion window;
    GPtrArray *devices; /* of SysBusDevice *, in the order of linking */
    unsigned irqs_used;
};

/**
 * Places every region of @sbd (realized) in the window and connects every
 * line, or fails, leaving nothing mapped, with an error that says how much is
 * asked for, how much there is and which option makes room.
 */
bool platform_bus_link(PlatformBus *bus, SysBusDevice *sbd, Error **errp);

/**
 * Writes the bus's node with the nodes of its devices; child addresses count
 * from the window's base.
 */
bool platform_bus_write_fdt(PlatformBus *bus, FdtWriter *fdt,
                            uint32_t gic_phandle, Error **errp);
