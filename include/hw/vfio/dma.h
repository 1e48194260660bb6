/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/memory.h"
#include "hw/vfio/host.h"

/*
 * VFIODma: keeps the guest's RAM, and nothing else, mapped for the device's
 * DMA. Device registers never are, so the fast path may come and go without
 * the IOMMU. Thread: the machine lock.
 */
typedef struct VFIODma {
    MemoryListener listener;
    VFIOHost *host;
    GArray *mapped; /* of uint64_t, where each begins; NULL: not started */
    Error *err;     /* the first failure while starting */
    bool running;
    void (*failed)(void *opaque, Error *err);
    void *opaque;
} VFIODma;

/**
 * Maps what is there now, or fails; later changes that fail are told to
 * @failed, which takes the error. It is called within a memory commit, so it
 * must not change the memory tree.
 */
bool vfio_dma_start(VFIODma *dma, VFIOHost *host, AddressSpace *as,
                    void (*failed)(void *opaque, Error *err), void *opaque,
                    Error **errp);
/** Unmaps everything; zeroed memory is fine. */
void vfio_dma_stop(VFIODma *dma);
