/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of RAM that vCPUs use without a lock, and its code flags.
 *
 * The map follows the flat view by a listener. The flags belong to the memory
 * region, not to the map: who writes by address_space_rw() has no map, only
 * the region, whose write watch they are part of. So they live as long as the
 * region, or longer than this accelerator, which they forget then. Where a
 * host mapping does not start at a page, vCPUs go by address_space_rw().
 */
#include "ram.h"

#include <string.h>

#include "block.h"
#include "interp.h"
#include "tlb.h"
#include "util/container-of.h"
#include "work.h"

/* ---- code flags ---- */

typedef struct RamCode {
    MemoryWriteWatch watch;
    _Atomic(InterpAccel *) accel; /* NULL: gone */
    MemoryRegion *mr;
    _Atomic uint8_t flags[];
} RamCode;

/*
 * The flag goes only when everybody has word, or another who finds it gone
 * would go on with the old code. Who decodes the new code meanwhile sets it
 * again, and it stays.
 */
void interp_ram_forget(InterpAccel *accel, InterpCpu *self,
                       _Atomic uint8_t *flag, void *page)
{
    uint8_t state = CODE_HERE;

    if (atomic_load(flag) == CODE_NONE) {
        return;
    }
    MUTEX_GUARD(&accel->code_lock);
    if (!atomic_compare_exchange_strong(flag, &state, CODE_LEAVING)) {
        return;
    }
    if (self) {
        block_forget_page(self, page);
    }
    work_post(accel, self, WORK_FORGET, (uintptr_t)page);
    state = CODE_LEAVING;
    atomic_compare_exchange_strong(flag, &state, CODE_NONE);
}

static void forget_written(RamCode *code, InterpAccel *accel, uint64_t offset,
                           uint64_t size)
{
    uint64_t last = (offset + size - 1) >> TLB_PAGE_BITS;

    for (uint64_t i = offset >> TLB_PAGE_BITS; i <= last; i++) {
        interp_ram_forget(accel, NULL, &code->flags[i],
                          code->mr->ram + (i << TLB_PAGE_BITS));
    }
}

static void code_written(MemoryWriteWatch *watch, uint64_t offset,
                         uint64_t size)
{
    RamCode *code = (RamCode *)watch;
    InterpAccel *accel = atomic_load(&code->accel);

    if (accel && size) {
        forget_written(code, accel, offset, size);
    }
}

static void code_free(MemoryWriteWatch *watch)
{
    RamCode *code = (RamCode *)watch;
    InterpAccel *accel = atomic_load(&code->accel);

    if (accel) {
        g_ptr_array_remove_fast(accel->ram_code, code);
    }
    g_free(code);
}

void interp_ram_written(InterpAccel *accel, MemoryRegion *mr, uint64_t offset,
                        uint64_t size)
{
    code_written(memory_region_write_watch(mr), offset, size);
}

/* The flags of @mr, of kind RAM, made when it is seen first. */
static RamCode *code_of(InterpAccel *accel, MemoryRegion *mr)
{
    RamCode *code = (RamCode *)memory_region_write_watch(mr);
    uint64_t pages = (mr->size + TLB_PAGE_MASK) >> TLB_PAGE_BITS;

    if (!code) {
        code = g_malloc0(sizeof(*code) + pages);
        code->watch = (MemoryWriteWatch){code_written, code_free};
        code->mr = mr;
        memory_region_set_write_watch(mr, &code->watch);
    }
    g_assert(code->watch.written == code_written);
    if (!atomic_exchange(&code->accel, accel)) {
        g_ptr_array_add(accel->ram_code, code);
    }
    return code;
}

/* ---- the map ---- */

const RamBlock *ram_find(const RamMap *map, hwaddr addr)
{
    unsigned low = 0;
    unsigned high = map->n;

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (addr < map->blocks[mid].start) {
            high = mid;
        } else if (addr - map->blocks[mid].start < map->blocks[mid].size) {
            return &map->blocks[mid];
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

const RamBlock *ram_find_host(const RamMap *map, const void *host)
{
    for (unsigned i = 0; i < map->n; i++) {
        const RamBlock *block = &map->blocks[i];

        if ((uintptr_t)host - (uintptr_t)block->host < block->size) {
            return block;
        }
    }
    return NULL;
}

static RamMap *map_new(const GArray *blocks)
{
    RamMap *map = g_malloc0(sizeof(*map) + blocks->len * sizeof(RamBlock));

    map->n = blocks->len;
    if (map->n) {
        memcpy(map->blocks, blocks->data, map->n * sizeof(RamBlock));
    }
    return map;
}

/* Whole pages of @section; false if there is none. */
static bool trim(const MemoryRegionSection *section, RamBlock *block)
{
    hwaddr start = section->offset_within_address_space;
    uint64_t skip = -start & TLB_PAGE_MASK;
    uint8_t *host;

    if (!memory_region_is_ram(section->mr) || section->size <= skip) {
        return false;
    }
    host = (uint8_t *)memory_region_section_ram(section) + skip;
    *block = (RamBlock){
        .start = start + skip,
        .size = (section->size - skip) & ~TLB_PAGE_MASK,
        .host = host,
        .readonly = section->readonly,
        .is_device = memory_region_is_ram_device(section->mr),
        .mr = section->mr,
        .offset = section->offset_within_region + skip,
    };
    return block->size && !((uintptr_t)host & TLB_PAGE_MASK) &&
           !(block->offset & TLB_PAGE_MASK);
}

static void ram_begin(MemoryListener *listener)
{
    InterpAccel *accel = container_of(listener, InterpAccel, ram_listener);

    accel->ram_changed = false;
    accel->ram_lost = false;
}

static unsigned position(const GArray *blocks, hwaddr start)
{
    unsigned i = 0;

    while (i < blocks->len &&
           g_array_index(blocks, RamBlock, i).start < start) {
        i++;
    }
    return i;
}

static void ram_add(MemoryListener *listener,
                    const MemoryRegionSection *section)
{
    InterpAccel *accel = container_of(listener, InterpAccel, ram_listener);
    RamBlock block;

    if (!trim(section, &block)) {
        return;
    }
    if (!block.is_device) {
        block.code = code_of(accel, block.mr)->flags;
    }
    g_array_insert_val(accel->ram_next, position(accel->ram_next, block.start),
                       block);
    accel->ram_changed = true;
}

static void ram_del(MemoryListener *listener,
                    const MemoryRegionSection *section)
{
    InterpAccel *accel = container_of(listener, InterpAccel, ram_listener);
    RamBlock block;

    if (!trim(section, &block)) {
        return;
    }
    g_array_remove_index(accel->ram_next,
                         position(accel->ram_next, block.start));
    accel->ram_changed = true;
    accel->ram_lost |= !block.is_device;
}

static void ram_commit(MemoryListener *listener)
{
    InterpAccel *accel = container_of(listener, InterpAccel, ram_listener);
    RamMap *old;

    if (!accel->ram_changed) {
        return;
    }
    old = atomic_exchange(&accel->ram, map_new(accel->ram_next));
    work_post(accel, NULL, WORK_TLB_ALL, 0);
    if (accel->ram_lost) {
        work_post(accel, NULL, WORK_FORGET_ALL, 0);
    }
    work_wait_all(accel);
    g_free(old);
}

void interp_ram_init(InterpAccel *accel)
{
    accel->ram_next = g_array_new(false, false, sizeof(RamBlock));
    accel->ram_code = g_ptr_array_new();
    mutex_init(&accel->code_lock);
    atomic_store(&accel->ram, map_new(accel->ram_next));
    accel->ram_listener = (MemoryListener){
        .name = "interp",
        .begin = ram_begin,
        .region_add = ram_add,
        .region_del = ram_del,
        .commit = ram_commit,
    };
    memory_listener_register(&accel->ram_listener, address_space_memory());
}

void interp_ram_finish(InterpAccel *accel)
{
    memory_listener_unregister(&accel->ram_listener);
    for (unsigned i = 0; i < accel->ram_code->len; i++) {
        RamCode *code = g_ptr_array_index(accel->ram_code, i);

        atomic_store(&code->accel, NULL);
    }
    g_ptr_array_free(accel->ram_code, true);
    accel->ram_code = NULL;
    mutex_finish(&accel->code_lock);
    g_array_free(accel->ram_next, true);
    accel->ram_next = NULL;
    g_free(atomic_exchange(&accel->ram, NULL));
}
