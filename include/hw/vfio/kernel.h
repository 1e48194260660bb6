/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/vfio/host.h"

/*
 * Devices of this machine's kernel (vfio-platform, vfio-amba): found in sysfs,
 * reached through their IOMMU group and the process's one container. Machine
 * lock. Every error names the device and the way out.
 */

/** Where the kernel shows itself; tests put trees of their own there. */
typedef struct VFIOKernelPaths {
    const char *sysfs; /* "/sys" */
    const char *dev;   /* "/dev" */
} VFIOKernelPaths;

extern const VFIOKernelPaths vfio_kernel_paths;

/**
 * The sysfs folder of device @name: on the platform bus, else on the AMBA bus.
 * Caller frees.
 */
char *vfio_host_kernel_find(const VFIOKernelPaths *paths, const char *name,
                            Error **errp);

/**
 * Opens the device with sysfs folder @path, such as
 * /sys/bus/platform/devices/9010000.pl031. End with host->ops->close().
 */
VFIOHost *vfio_host_kernel_open(const VFIOKernelPaths *paths, const char *path,
                                Error **errp);

/**
 * VFIOContainer: the process's IOMMU address space (type1v2), which the groups
 * share. It comes with the first group and goes with the last.
 */
typedef struct VFIOContainer VFIOContainer;

VFIOContainer *vfio_container_get(const VFIOKernelPaths *paths, Error **errp);
/** NULL is fine. */
void vfio_container_put(VFIOContainer *container);
/**
 * Puts the group behind @group_fd in; the first one decides that type1v2 is
 * set. @group is its number, for messages.
 */
bool vfio_container_attach(VFIOContainer *container, int group_fd,
                           const char *group, Error **errp);
void vfio_container_detach(VFIOContainer *container, int group_fd);
/**
 * 0 or -errno. Devices map the same RAM, each for itself: a range is mapped
 * with the first of them and unmapped with the last.
 */
int vfio_container_map(VFIOContainer *container, uint64_t iova, uint64_t size,
                       void *vaddr, bool readonly);
/** Adds to @errp what a person can do when mapping fails with @err. */
void vfio_container_explain_map(int err, Error **errp);
int vfio_container_unmap(VFIOContainer *container, uint64_t iova,
                         uint64_t size);

/** VFIOGroup: an IOMMU group, opened once and shared by its devices. */
typedef struct VFIOGroup {
    char *id; /* "3": the name of /dev/vfio/3 */
    int fd;
    unsigned refs;
    bool attached; /* to the container */
    bool known_to_accel;
    VFIOContainer *container;
} VFIOGroup;

VFIOGroup *vfio_group_get(const VFIOKernelPaths *paths, const char *id,
                          Error **errp);
/** NULL is fine. */
void vfio_group_put(VFIOGroup *group);
