/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region of the device: a trapping memory region and, over it, one
 * RAM-device region for each part that the host lets us map. Accesses are
 * lockless; only while a line is ACTIVE on the trap route does an access take
 * the machine lock afterwards, to be counted as its EOI.
 *
 * With the fast path off no ioeventfd is in force either: on the trap route the
 * guest's next access counts as its EOI, also if a write is all that it does.
 *
 * Relies on: memory_region_finish() returns when no access is in the region,
 * so that a host which is lost can be let go of, and its mappings with it.
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

/* Priorities in the container. */
enum {
    LAYER_TRAP,
    LAYER_QUICK,
    LAYER_MAPS,
};

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

/* Of a host that is lost, by this access maybe, lost() tells, and once. */
static MemTxResult vfio_region_result(const VFIORegion *region, int ret)
{
    if (ret >= 0) {
        return MEMTX_OK;
    }
    return atomic_load(&region->host->lost) ? MEMTX_GONE : MEMTX_ERROR;
}

static MemTxResult vfio_region_read(void *opaque, hwaddr addr, uint64_t *value,
                                    unsigned size)
{
    VFIORegion *region = opaque;
    VFIOHost *host = region->host;
    uint64_t data = 0;
    int ret;

    if (atomic_load(&region->access->failed)) {
        return MEMTX_GONE;
    }
    ret = size == 8
              ? vfio_region_read8(region, addr, &data)
              : host->ops->region_read(host, region->index, addr, &data, size);
    *value = GUINT64_FROM_LE(data);
    trace_vfio_region_read(host->name, region->index, addr, size, *value, ret);
    if (atomic_load(&region->access->active)) {
        vfio_region_trapped(region);
    }
    return vfio_region_result(region, ret);
}

static MemTxResult vfio_region_write(void *opaque, hwaddr addr, uint64_t value,
                                     unsigned size)
{
    VFIORegion *region = opaque;
    VFIOHost *host = region->host;
    uint64_t data = GUINT64_TO_LE(value);
    int ret;

    if (atomic_load(&region->access->failed)) {
        return MEMTX_GONE;
    }
    ret = size == 8
              ? vfio_region_write8(region, addr, data)
              : host->ops->region_write(host, region->index, addr, &data, size);
    trace_vfio_region_write(host->name, region->index, addr, size, value, ret);
    if (atomic_load(&region->access->active)) {
        vfio_region_trapped(region);
    }
    return vfio_region_result(region, ret);
}

/* By what the host allows: bit 0 read, bit 1 write. */
static const MemoryRegionOps vfio_region_ops[4] = {
    {.lockless = true},
    {.read = vfio_region_read, .lockless = true},
    {.write = vfio_region_write, .lockless = true},
    {.read = vfio_region_read, .write = vfio_region_write, .lockless = true},
};

static void vfio_region_init_trap(VFIORegion *region, MemoryRegion *mr)
{
    const VFIORegionInfo *info = &region->info;

    memory_region_init_io(
        mr, region->mr.owner,
        &vfio_region_ops[info->readable | info->writable << 1], region,
        region->mr.name, info->size);
}

/* ---- mappings ---- */

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
    memory_region_set_enabled(&map->mr, !atomic_load(&region->access->failed));
    memory_region_add_subregion_overlap(&region->mr, part->offset, &map->mr,
                                        LAYER_MAPS);
    trace_vfio_region_map(host->name, region->index, part->offset, part->size);
    return true;
}

static bool vfio_region_map(VFIORegion *region, Error **errp)
{
    /* A mapping can be read always, hence not of a write-only region. */
    if (region->no_mmap || !region->info.readable) {
        return true;
    }
    region->maps = g_new0(VFIOMap, region->info.num_maps);
    for (unsigned i = 0; i < region->info.num_maps; i++) {
        if (!vfio_region_map_part(region, &region->info.maps[i], errp)) {
            return false;
        }
    }
    return true;
}

static bool vfio_region_get_info(const VFIORegion *region, VFIORegionInfo *info,
                                 Error **errp)
{
    VFIOHost *host = region->host;
    int ret = host->ops->get_region(host, region->index, info);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "vfio %s: region %u: cannot get info",
                         host->name, region->index);
        return false;
    }
    trace_vfio_region_info(host->name, region->index, info->size,
                           info->readable, info->writable, info->num_maps);
    return true;
}

/* Gives up the mappings; no access may be at them, of either kind. */
static void vfio_region_unmap(VFIORegion *region)
{
    VFIOHost *host = region->host;

    memory_region_transaction_begin();
    for (unsigned i = 0; i < region->num_maps; i++) {
        memory_region_del_subregion(&region->mr, &region->maps[i].mr);
    }
    memory_region_transaction_commit();
    for (unsigned i = 0; i < region->num_maps; i++) {
        VFIOMap *map = &region->maps[i];

        memory_region_finish(&map->mr);
        host->ops->region_unmap(host, map->addr, map->part.size);
    }
    region->num_maps = 0;
    g_clear_pointer(&region->maps, g_free);
}

/* ---- ioeventfds ---- */

static bool vfio_region_is_mapped(const VFIORegion *region, uint64_t offset)
{
    for (unsigned i = 0; i < region->num_maps; i++) {
        const VFIORange *part = &region->maps[i].part;

        if (offset >= part->offset && offset - part->offset < part->size) {
            return true;
        }
    }
    return false;
}

/* A write that the guest can make, and that can have that value. */
static bool vfio_region_ioeventfd_fits(const VFIORegion *region,
                                       const VFIOIoEventFd *e)
{
    uint64_t size = MAX(e->size, 1);

    return region->info.writable && e->fd >= 0 && size <= 8 &&
           (size & (size - 1)) == 0 && e->offset % size == 0 &&
           e->offset <= region->info.size &&
           size <= region->info.size - e->offset &&
           !(e->match && e->size > 0 && e->size < 8 &&
             e->data >> (8 * e->size) != 0);
}

static void vfio_region_add_ioeventfd(VFIORegion *region,
                                      const VFIOIoEventFd *e)
{
    bool mapped = vfio_region_is_mapped(region, e->offset);

    if (!vfio_region_ioeventfd_fits(region, e)) {
        warn_report("vfio %s: region %u: trapping writes of %u bytes at "
                    "0x%" PRIx64 ", for which the host offers an ioeventfd: "
                    "there are no such writes",
                    region->host->name, region->index, e->size, e->offset);
        return;
    }
    trace_vfio_region_ioeventfd(region->host->name, region->index, e->offset,
                                e->size, mapped);
    /* The guest writes to a mapping itself: nobody would signal it. */
    if (!mapped) {
        region->ioeventfds[region->num_ioeventfds++] = (MemoryRegionIoEventFd){
            .offset = e->offset,
            .size = e->size,
            .match = e->match,
            .data = e->data,
            .fd = e->fd,
        };
    }
}

/* They only make it faster, so a host that fails here is no reason to fail. */
static void vfio_region_ask_ioeventfds(VFIORegion *region)
{
    VFIOHost *host = region->host;
    g_autofree VFIOIoEventFd *fds = NULL;
    g_autoptr(Error) err = NULL;
    unsigned n = 0;
    int ret = host->ops->get_ioeventfds(host, region->index, &fds, &n);

    if (atomic_load(&host->lost)) {
        return; /* the next call tells */
    }
    if (ret < 0) {
        error_setg_errno(&err, -ret,
                         "vfio %s: region %u: all writes are trapped, as its "
                         "ioeventfds cannot be had",
                         host->name, region->index);
        warn_report("%s", error_get_pretty(err));
        return;
    }
    region->ioeventfds = g_new(MemoryRegionIoEventFd, n);
    for (unsigned i = 0; i < n; i++) {
        vfio_region_add_ioeventfd(region, &fds[i]);
    }
}

/* After the mappings, which come first. */
static void vfio_region_add_quick(VFIORegion *region)
{
    if (region->no_mmap || !region->host->ops->get_ioeventfds) {
        return;
    }
    vfio_region_ask_ioeventfds(region);
    if (region->num_ioeventfds == 0) {
        return;
    }
    vfio_region_init_trap(region, &region->quick);
    memory_region_set_ioeventfds(&region->quick, region->ioeventfds,
                                 region->num_ioeventfds);
    memory_region_set_enabled(&region->quick,
                              !atomic_load(&region->access->failed));
    memory_region_add_subregion_overlap(&region->mr, 0, &region->quick,
                                        LAYER_QUICK);
}

static void vfio_region_drop_quick(VFIORegion *region)
{
    if (region->num_ioeventfds > 0) {
        memory_region_del_subregion(&region->mr, &region->quick);
        memory_region_finish(&region->quick);
        region->num_ioeventfds = 0;
    }
    g_clear_pointer(&region->ioeventfds, g_free);
}

/* ---- its life ---- */

/*
 * Has another trap in the place of the one there is, if any: afterwards no
 * access that began before is under way.
 */
static void vfio_region_renew_trap(VFIORegion *region)
{
    MemoryRegion *old = region->trap;

    region->trap = &region->traps[old == &region->traps[0]];
    vfio_region_init_trap(region, region->trap);
    memory_region_transaction_begin();
    if (old) {
        memory_region_del_subregion(&region->mr, old);
    }
    memory_region_add_subregion_overlap(&region->mr, 0, region->trap,
                                        LAYER_TRAP);
    memory_region_transaction_commit();
    if (old) {
        memory_region_finish(old);
    }
}

/* The fast path. */
static bool vfio_region_take(VFIORegion *region, Error **errp)
{
    if (!vfio_region_map(region, errp)) {
        return false;
    }
    vfio_region_add_quick(region);
    return true;
}

bool vfio_region_init(VFIORegion *region, VFIOHost *host, unsigned index,
                      Object *owner, VFIOAccess *access, bool no_mmap,
                      Error **errp)
{
    VFIORegionInfo *info = &region->info;
    g_autofree char *name = NULL;

    region->host = host;
    region->index = index;
    region->access = access;
    region->no_mmap = no_mmap;
    if (!vfio_region_get_info(region, info, errp)) {
        return false;
    }
    if (info->size == 0) {
        return true;
    }
    if (info->size > (uint64_t)INT64_MAX) {
        error_setg(errp, "vfio %s: region %u: impossible size 0x%" PRIx64,
                   host->name, index, info->size);
        return false;
    }
    name = g_strdup_printf("vfio %s region %u", host->name, index);
    memory_region_init(&region->mr, owner, name, info->size);
    region->present = true;
    vfio_region_renew_trap(region);
    return vfio_region_take(region, errp);
}

void vfio_region_finish(VFIORegion *region)
{
    if (region->present) {
        memory_region_del_subregion(&region->mr, region->trap);
        memory_region_finish(region->trap);
        vfio_region_drop_quick(region);
        vfio_region_unmap(region);
        memory_region_finish(&region->mr);
        region->present = false;
    }
    vfio_region_info_finish(&region->info);
}

void vfio_region_lost(VFIORegion *region)
{
    if (region->present) {
        g_assert(atomic_load(&region->access->failed));
        vfio_region_drop_quick(region);
        vfio_region_renew_trap(region);
        vfio_region_unmap(region);
    }
}

static bool vfio_region_same(const VFIORegion *region,
                             const VFIORegionInfo *now, Error **errp)
{
    const VFIORegionInfo *was = &region->info;

    if (now->size == was->size && now->readable == was->readable &&
        now->writable == was->writable) {
        return true;
    }
    error_setg(errp,
               "vfio %s: region %u: not the device that it was: 0x%" PRIx64
               " bytes%s%s, where there were 0x%" PRIx64 "%s%s",
               region->host->name, region->index, now->size,
               now->readable ? ", readable" : "",
               now->writable ? ", writable" : "", was->size,
               was->readable ? ", readable" : "",
               was->writable ? ", writable" : "");
    return false;
}

bool vfio_region_back(VFIORegion *region, Error **errp)
{
    VFIORegionInfo now = {0};

    if (!vfio_region_get_info(region, &now, errp)) {
        return false;
    }
    if (!vfio_region_same(region, &now, errp)) {
        vfio_region_info_finish(&now);
        return false;
    }
    /* What may be mapped of it is the host's to change. */
    vfio_region_info_finish(&region->info);
    region->info = now;
    return !region->present || vfio_region_take(region, errp);
}

void vfio_region_set_mapped(VFIORegion *region, bool mapped)
{
    if (region->num_ioeventfds > 0) {
        memory_region_set_enabled(&region->quick, mapped);
    }
    for (unsigned i = 0; i < region->num_maps; i++) {
        memory_region_set_enabled(&region->maps[i].mr, mapped);
    }
}
