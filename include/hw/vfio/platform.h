/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/sysbus.h"
#include "hw/vfio/device.h"

/*
 * The device type vfio-platform: a platform or AMBA device of the host as a
 * sysbus device of the guest. A subclass may set defaults (class_init:
 * object_class_set_default) and replace open_host.
 */
#define TYPE_VFIO_PLATFORM "vfio-platform"
OBJECT_DECLARE_TYPE(VFIOPlatformDevice, VFIOPlatformClass, VFIO_PLATFORM)

struct VFIOPlatformDevice {
    SysBusDevice parent_obj;
    /* properties */
    char *host;
    char *sysfsdev;
    char *compatible; /* for the node; strings separated by ';' */
    bool no_mmap;
    uint32_t mmap_timeout_ms;
    bool irqfd;
    int irq_route; /* VFIOIrqRoute */
    /* its own */
    VFIODevice vdev;
    uint32_t *clock_phandles; /* of the guest, by host clock; 0: none */
};

struct VFIOPlatformClass {
    SysBusDeviceClass parent_class;
    /* How the properties lead to a host; the kernel's, unless replaced. */
    VFIOHost *(*open_host)(VFIOPlatformDevice *vpd, Error **errp);
};

/** SysBusDeviceClass's members for it; in platform-fdt. */
bool vfio_platform_write_fdt_root(SysBusDevice *sbd, FdtWriter *fdt,
                                  Error **errp);
bool vfio_platform_write_fdt(SysBusDevice *sbd, FdtWriter *fdt,
                             const SysBusPlace *place, Error **errp);
