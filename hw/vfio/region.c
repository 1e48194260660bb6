/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region of the device: a trapping memory region and, over it, one
 * RAM-device region for each part that the host lets us map. Accesses are
 * lockless; only while a line is ACTIVE on the trap route does an access take
 * the machine lock afterwards, to be counted as its EOI.
 *
 * What would surprise: the host's kernel makes two 4-byte accesses of an
 * 8-byte one, so there such an access goes through the mapping if there is one,
 * even with the fast path off: a 64-bit register must not tear there only.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hw/vfio/region.h"
#include "trace.h"
#include "util/log.h"
#include "util/main-loop.h"

/* The host's view of [addr, addr + 8), or NULL if it is not mapped. */
static volatile uint64_t *vfio_region_mapped8(const VFIORegion *region,
                                              hwaddr addr)
{
    for (unsigned i = 0; i < region->num_maps; i++) {
        const VFIOMap *map = &region->maps[i];

        if (addr >= map->part.offset &&
            addr - map->part.offset + 8 <= map->part.size) {
            return (void *)((char *)map->addr + (addr - map->part.offset));
        }
    }
    return NULL;
}

static int vfio_region_read8(VFIORegion *region, hwaddr addr, uint64_t *data)
{
    VFIOHost *host = region->host;
    volatile uint64_t *mapped = vfio_region_mapped8(region, addr);
    char *bytes = (char *)data;
    int ret;

    if (host->ops->access8) {
        return host->ops->region_read(host, region->index, addr, data, 8);
    }
    if (mapped) {
        *data = *mapped;
        return 0;
    }
    ret = host->ops->region_read(host, region->index, addr, bytes, 4);
    return ret < 0 ? ret
                   : host->ops->region_read(host, region->index, addr + 4,
                                            bytes + 4, 4);
}

static int vfio_region_write8(VFIORegion *region, hwaddr addr, uint64_t data)
{
    VFIOHost *host = region->host;
    volatile uint64_t *mapped = vfio_region_mapped8(region, addr);
    const char *bytes = (const char *)&data;
    int ret;

    if (host->ops->access8) {
        return host->ops->region_write(host, region->index, addr, &data, 8);
    }
    if (mapped && region->info.writable) {
        *mapped = data;
        return 0;
    }
    ret = host->ops->region_write(host, region->index, addr, bytes, 4);
    return ret < 0 ? ret
                   : host->ops->region_write(host, region->index, addr + 4,
                                             bytes + 4, 4);
}

static void vfio_region_trapped(VFIORegion *region)
{
    bool locked = machine_locked();

    if (!locked) {
        machine_lock();
    }
    region->access->trapped(region->access->opaque);
    if (!locked) {
        machine_unlock();
    }
}

static MemTxResult vfio_region_read(void *opaque, hwaddr addr, uint64_t *value,
                                    unsigned size)
{
    VFIORegion *region = opaque;
    VFIOHost *host = region->host;
    uint64_t data = 0;
    int ret;

    if (atomic_load(&region->access->failed)) {
        return MEMTX_ERROR;
    }
    ret = size == 8
              ? vfio_region_read8(region, addr, &data)
              : host->ops->region_read(host, region->index, addr, &data, size);
    *value = GUINT64_FROM_LE(data);
    trace_vfio_region_read(host->name, region->index, addr, size, *value, ret);
    if (atomic_load(&region->access->active)) {
        vfio_region_trapped(region);
    }
    return ret < 0 ? MEMTX_ERROR : MEMTX_OK;
}

static MemTxResult vfio_region_write(void *opaque, hwaddr addr, uint64_t value,
                                     unsigned size)
{
    VFIORegion *region = opaque;
    VFIOHost *host = region->host;
    uint64_t data = GUINT64_TO_LE(value);
    int ret;

    if (atomic_load(&region->access->failed)) {
        return MEMTX_ERROR;
    }
    ret = size == 8
              ? vfio_region_write8(region, addr, data)
              : host->ops->region_write(host, region->index, addr, &data, size);
    trace_vfio_region_write(host->name, region->index, addr, size, value, ret);
    if (atomic_load(&region->access->active)) {
        vfio_region_trapped(region);
    }
    return ret < 0 ? MEMTX_ERROR : MEMTX_OK;
}

/* By what the host allows: bit 0 read, bit 1 write. */
static const MemoryRegionOps vfio_region_ops[4] = {
    {.lockless = true},
    {.read = vfio_region_read, .lockless = true},
    {.write = vfio_region_write, .lockless = true},
    {.read = vfio_region_read, .write = vfio_region_write, .lockless = true},
};

/* Whole pages within the region, behind what was mapped so far. */
static bool vfio_region_part_fits(const VFIORegion *region,
                                  const VFIORange *part)
{
    uint64_t page = getpagesize();
    uint64_t from = 0;

    if (region->num_maps > 0) {
        const VFIORange *last = &region->maps[region->num_maps - 1].part;

        from = last->offset + last->size;
    }
    return part->size > 0 && part->offset % page == 0 &&
           part->size % page == 0 && part->offset >= from &&
           part->offset <= region->info.size &&
           part->size <= region->info.size - part->offset;
}

static bool vfio_region_map_part(VFIORegion *region, const VFIORange *part,
                                 Error **errp)
{
    VFIOHost *host = region->host;
    VFIOMap *map = &region->maps[region->num_maps];
    g_autofree char *name = NULL;
    int err = 0;

    if (!vfio_region_part_fits(region, part)) {
        warn_report("vfio %s: region %u: trapping all of 0x%" PRIx64
                    "+0x%" PRIx64
                    ", which the host offers to map: not whole pages "
                    "of the region, in order",
                    host->name, region->index, part->offset, part->size);
        return true;
    }
    map->addr = host->ops->region_map(host, region->index, part,
                                      region->info.writable, &err);
    if (!map->addr) {
        error_setg_errno(errp, -err,
                         "vfio %s: region %u: cannot map 0x%" PRIx64
                         " bytes at 0x%" PRIx64 " (x-no-mmap=on does without)",
                         host->name, region->index, part->size, part->offset);
        return false;
    }
    map->part = *part;
    region->num_maps++;
    name = g_strdup_printf("vfio %s region %u map %u", host->name,
                           region->index, region->num_maps - 1);
    memory_region_init_ram_device(&map->mr, region->mr.owner, name, part->size,
                                  map->addr);
    memory_region_set_readonly(&map->mr, !region->info.writable);
    memory_region_add_subregion(&region->mr, part->offset, &map->mr);
    trace_vfio_region_map(host->name, region->index, part->offset, part->size);
    return true;
}

static bool vfio_region_map(VFIORegion *region, Error **errp)
{
    region->maps = g_new0(VFIOMap, region->info.num_maps);
    for (unsigned i = 0; i < region->info.num_maps; i++) {
        if (!vfio_region_map_part(region, &region->info.maps[i], errp)) {
            return false;
        }
    }
    return true;
}

bool vfio_region_init(VFIORegion *region, VFIOHost *host, unsigned index,
                      Object *owner, VFIOAccess *access, bool no_mmap,
                      Error **errp)
{
    VFIORegionInfo *info = &region->info;
    g_autofree char *name = NULL;
    int ret;

    region->host = host;
    region->index = index;
    region->access = access;
    ret = host->ops->get_region(host, index, info);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "vfio %s: region %u: cannot get info",
                         host->name, index);
        return false;
    }
    trace_vfio_region_info(host->name, index, info->size, info->readable,
                           info->writable, info->num_maps);
    if (info->size == 0) {
        return true;
    }
    if (info->size > (uint64_t)INT64_MAX) {
        error_setg(errp, "vfio %s: region %u: impossible size 0x%" PRIx64,
                   host->name, index, info->size);
        return false;
    }
    name = g_strdup_printf("vfio %s region %u", host->name, index);
    memory_region_init_io(
        &region->mr, owner,
        &vfio_region_ops[info->readable | info->writable << 1], region, name,
        info->size);
    region->present = true;
    /* A mapping can be read always, hence not of a write-only region. */
    return no_mmap || !info->readable || vfio_region_map(region, errp);
}

void vfio_region_finish(VFIORegion *region)
{
    for (unsigned i = 0; i < region->num_maps; i++) {
        VFIOMap *map = &region->maps[i];

        memory_region_del_subregion(&region->mr, &map->mr);
        memory_region_finish(&map->mr);
    }
    if (region->present) {
        memory_region_finish(&region->mr);
        region->present = false;
    }
    /* Only now is no 8-byte access at the mappings any more. */
    for (unsigned i = 0; i < region->num_maps; i++) {
        VFIOMap *map = &region->maps[i];

        region->host->ops->region_unmap(region->host, map->addr,
                                        map->part.size);
    }
    region->num_maps = 0;
    g_clear_pointer(&region->maps, g_free);
    vfio_region_info_finish(&region->info);
}

void vfio_region_set_mapped(VFIORegion *region, bool mapped)
{
    for (unsigned i = 0; i < region->num_maps; i++) {
        memory_region_set_enabled(&region->maps[i].mr, mapped);
    }
}
