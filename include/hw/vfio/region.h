/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdatomic.h>
#include "hw/core/memory.h"
#include "hw/vfio/host.h"

/*
 * VFIORegion: a region of the device in guest memory. The whole of it traps;
 * over that lies the fast path: its mappings, where the host grants them, and
 * for the rest writes that are but a signal (ioeventfds). All of it hangs in a
 * container, which is what the bus has: it goes with a host that is lost, and
 * comes anew with it.
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
    MemoryRegion mr;       /* the container; from below: */
    MemoryRegion traps[2]; /* one at a time */
    MemoryRegion *trap;    /* that one */
    MemoryRegion quick;    /* a trap with ioeventfds; zeroed: there are none */
    VFIOMap *maps;
    unsigned num_maps;
    MemoryRegionIoEventFd *ioeventfds;
    unsigned num_ioeventfds;
    bool no_mmap;
    bool present; /* it has bytes, hence a MemoryRegion */
} VFIORegion;

/** Asks the host and takes of the fast path what it grants, unless @no_mmap. */
bool vfio_region_init(VFIORegion *region, VFIOHost *host, unsigned index,
                      Object *owner, VFIOAccess *access, bool no_mmap,
                      Error **errp);
/** The region must be out of its container. Zeroed memory is fine. */
void vfio_region_finish(VFIORegion *region);

/**
 * The host is lost: gives up what it granted, and waits until no access is
 * under way. The region stays where it is and traps, and accesses must have
 * been failed.
 */
void vfio_region_lost(VFIORegion *region);
/**
 * After that the host is back: asks and maps anew, the fast path off. Fails if
 * it is another region now; vfio_region_lost() takes what there is then.
 */
bool vfio_region_back(VFIORegion *region, Error **errp);

/** Fast path on or off; within the caller's memory transaction. */
void vfio_region_set_mapped(VFIORegion *region, bool mapped);
