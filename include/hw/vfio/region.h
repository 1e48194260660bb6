/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdatomic.h>
#include "hw/core/memory.h"
#include "hw/vfio/host.h"

/*
 * VFIORegion: a region of the device in guest memory. The whole of it traps;
 * over it, where the host grants it, lie its mappings (the fast path).
 * Thread: the machine lock, but for the accesses themselves.
 */

/** VFIOAccess: what the trapped accesses of all regions of a device share. */
typedef struct VFIOAccess {
    atomic_bool failed; /* the device is gone: reads are ones */
    atomic_uint active; /* lines ACTIVE on the trap route */
    /* Called after an access while @active, with the machine lock. */
    void (*trapped)(void *opaque);
    void *opaque;
} VFIOAccess;

typedef struct VFIOMap {
    MemoryRegion mr;
    VFIORange part;
    void *addr;
} VFIOMap;

typedef struct VFIORegion {
    VFIOHost *host;
    unsigned index;
    VFIORegionInfo info;
    VFIOAccess *access;
    MemoryRegion mr;
    VFIOMap *maps;
    unsigned num_maps;
    bool present; /* it has bytes, hence a MemoryRegion */
} VFIORegion;

/** Asks the host and maps what it grants, unless @no_mmap. */
bool vfio_region_init(VFIORegion *region, VFIOHost *host, unsigned index,
                      Object *owner, VFIOAccess *access, bool no_mmap,
                      Error **errp);
/** The region must be out of its container. Zeroed memory is fine. */
void vfio_region_finish(VFIORegion *region);

/** Fast path on or off; within the caller's memory transaction. */
void vfio_region_set_mapped(VFIORegion *region, bool mapped);
