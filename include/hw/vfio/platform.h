/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/sysbus.h"
#include "hw/vfio/host.h"

/*
 * The device type vfio-platform: a platform or AMBA device of the host as a
 * sysbus device of the guest. A subclass may set defaults (class_init:
 * object_class_set_default) and replace open_host.
 */
#define TYPE_VFIO_PLATFORM "vfio-platform"
OBJECT_DECLARE_TYPE(VFIOPlatformDevice, VFIOPlatformClass, VFIO_PLATFORM)

struct VFIOPlatformClass {
    SysBusDeviceClass parent_class;
    /* How the properties lead to a host; the kernel's, unless replaced. */
    VFIOHost *(*open_host)(VFIOPlatformDevice *vdev, Error **errp);
};
