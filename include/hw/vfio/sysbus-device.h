/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/sysbus.h"
#include "hw/vfio/device.h"

/*
 * The abstract device type vfio-sysbus-device: a VFIO device, however it is
 * reached, as a sysbus device of the guest. A subclass says how its properties
 * lead to a host (open_host, mandatory), has a desc, and may set defaults
 * (class_init: object_class_set_default). All else is the same for all: the
 * properties below, the wiring, and the guest's node for it.
 */
#define TYPE_VFIO_SYSBUS_DEVICE "vfio-sysbus-device"
OBJECT_DECLARE_TYPE(VFIOSysBusDevice, VFIOSysBusDeviceClass, VFIO_SYSBUS_DEVICE)

struct VFIOSysBusDevice {
    SysBusDevice parent_obj;
    /* properties */
    char *compatible; /* for the node; strings separated by ';' */
    bool no_mmap;
    uint32_t mmap_timeout_ms;
    bool irqfd;
    int irq_route; /* VFIOIrqRoute */
    /* its own */
    VFIODevice vdev;
    uint32_t *clock_phandles; /* of the guest, by host clock; 0: none */
};

struct VFIOSysBusDeviceClass {
    SysBusDeviceClass parent_class;
    /*
     * Called once, by realize; what it returns is the device's from then on
     * and goes with unrealize. NULL with an error that names the device.
     */
    VFIOHost *(*open_host)(VFIOSysBusDevice *vsd, Error **errp);
};

/** SysBusDeviceClass's members for it; in sysbus-fdt. */
bool vfio_sysbus_write_fdt_root(SysBusDevice *sbd, FdtWriter *fdt,
                                Error **errp);
bool vfio_sysbus_write_fdt(SysBusDevice *sbd, FdtWriter *fdt,
                           const SysBusPlace *place, Error **errp);
