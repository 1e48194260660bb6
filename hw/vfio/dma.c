/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest RAM for the device's DMA: what is mapped at the host follows what the
 * guest has.
 *
 * What would surprise: sections of kind RAM_DEVICE are passed over, the
 * device's own registers above all. An IOMMU cannot always map them, and the
 * fast path would cost a map and an unmap each time that it comes and goes.
 */

#include <errno.h>
#include <unistd.h>

#include "hw/vfio/dma.h"
#include "trace.h"
#include "util/container-of.h"

/* What can be mapped of a section: its whole pages. False: nothing. */
static bool vfio_dma_map_of(const MemoryRegionSection *section, VFIODmaMap *map)
{
    uint64_t mask = (uint64_t)getpagesize() - 1;
    uint64_t start = (section->offset_within_address_space + mask) & ~mask;
    uint64_t end =
        (section->offset_within_address_space + section->size) & ~mask;
    uint64_t skip = start - section->offset_within_address_space;

    if (section->mr->kind != MEMORY_REGION_RAM || start >= end) {
        return false;
    }
    *map = (VFIODmaMap){
        .iova = start,
        .size = end - start,
        .vaddr = (char *)memory_region_section_ram(section) + skip,
        .fd = section->mr->ram_fd,
        .fd_offset = section->offset_within_region + skip,
        .readonly = section->readonly,
    };
    /* The IOMMU's pages are the host's: both ends must be on one. */
    return ((uintptr_t)map->vaddr & mask) == 0;
}

static void vfio_dma_fail(VFIODma *dma, Error *err)
{
    if (dma->running) {
        dma->failed(dma->opaque, err);
    } else if (!dma->err) {
        dma->err = err;
    } else {
        error_free(err);
    }
}

static void vfio_dma_region_add(MemoryListener *listener,
                                const MemoryRegionSection *section)
{
    VFIODma *dma = container_of(listener, VFIODma, listener);
    VFIOHost *host = dma->host;
    VFIODmaMap map;
    Error *err = NULL;
    int ret;

    /* One failure is enough to know; each try may take long. */
    if (dma->err || !vfio_dma_map_of(section, &map)) {
        return;
    }
    ret = host->ops->dma_map(host, &map);
    trace_vfio_dma_map(host->name, map.iova, map.size, map.readonly, ret);
    if (ret < 0) {
        error_setg_errno(&err, -ret,
                         "vfio %s: cannot map 0x%" PRIx64 " bytes of guest RAM "
                         "at 0x%" PRIx64 " for its DMA",
                         host->name, map.size, map.iova);
        if (host->ops->dma_explain) {
            host->ops->dma_explain(-ret, &err);
        }
        vfio_dma_fail(dma, err);
        return;
    }
    g_array_append_val(dma->mapped, map.iova);
}

static void vfio_dma_region_del(MemoryListener *listener,
                                const MemoryRegionSection *section)
{
    VFIODma *dma = container_of(listener, VFIODma, listener);
    VFIOHost *host = dma->host;
    VFIODmaMap map;
    int ret;

    if (!vfio_dma_map_of(section, &map)) {
        return;
    }
    for (guint i = 0; i < dma->mapped->len; i++) {
        if (g_array_index(dma->mapped, uint64_t, i) != map.iova) {
            continue;
        }
        g_array_remove_index_fast(dma->mapped, i);
        /* A host that fails here has lost the mapping, or is gone. */
        ret = host->ops->dma_unmap(host, map.iova, map.size);
        trace_vfio_dma_unmap(host->name, map.iova, map.size, ret);
        return;
    }
}

bool vfio_dma_start(VFIODma *dma, VFIOHost *host, AddressSpace *as,
                    void (*failed)(void *opaque, Error *err), void *opaque,
                    Error **errp)
{
    *dma = (VFIODma){
        .listener = {.name = "vfio-dma",
                     .region_add = vfio_dma_region_add,
                     .region_del = vfio_dma_region_del},
        .host = host,
        .mapped = g_array_new(false, false, sizeof(uint64_t)),
        .failed = failed,
        .opaque = opaque,
    };
    memory_listener_register(&dma->listener, as);
    dma->running = true;
    if (dma->err) {
        error_propagate(errp, g_steal_pointer(&dma->err));
        vfio_dma_stop(dma);
        return false;
    }
    return true;
}

void vfio_dma_stop(VFIODma *dma)
{
    if (dma->mapped) {
        memory_listener_unregister(&dma->listener);
        g_assert(dma->mapped->len == 0);
        g_clear_pointer(&dma->mapped, g_array_unref);
        dma->running = false;
    }
}
