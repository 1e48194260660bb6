/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow path of the guest's memory accesses, see mem.h: what tlb.c does not
 * let the fast path do.
 *
 * The order of checks is the architecture's: alignment that every access has to
 * have, the walk, alignment that the memory's type wants, permissions. An
 * access across two pages is checked on both before either is touched. What a
 * device does not answer reads as ones and raises nothing. A device is accessed
 * outside of the guest (work.h), after which no TlbPage is valid any more.
 */
#include "mem.h"

#include <string.h>

#include "accel/mmu-walk.h"
#include "debug.h"
#include "interp.h"
#include "sctlr.h"
#include "tlb.h"
#include "work.h"

#define FSC_SYNC_EXTERNAL 0x10

/* ---- faults ---- */

static bool data_abort(InterpCpu *cpu, const Op *op, uint64_t va,
                       MemAccess access, unsigned fault)
{
    cpu->sys.far_el1 = va;
    return cpu_raise(cpu, op, EC_DABT_LOWER + cpu->el,
                     (access == MEM_WRITE ? ISS_WNR : 0) | fault);
}

bool mem_unaligned(InterpCpu *cpu, const Op *op, uint64_t va, MemAccess access)
{
    return data_abort(cpu, op, va, access, MMU_FAULT_ALIGNMENT);
}

static bool permitted(const TlbPage *page, MemAccess access)
{
    return page->perms & (access == MEM_WRITE ? MMU_PERM_WRITE : MMU_PERM_READ);
}

/* The page of an access, aligned or not to its elements; NULL: raised. */
static const TlbPage *find_any(InterpCpu *cpu, const Op *op, MmuIdx idx,
                               uint64_t va, bool aligned, MemAccess access)
{
    unsigned fault;
    const TlbPage *page = tlb_lookup(cpu, idx, va, access, &fault);

    if (!page) {
        data_abort(cpu, op, va, access, fault);
    } else if (!aligned && page->device) {
        mem_unaligned(cpu, op, va, access);
        page = NULL;
    } else if (!permitted(page, access)) {
        data_abort(cpu, op, va, access, MMU_FAULT_PERMISSION + page->level);
        page = NULL;
    }
    return page;
}

static const TlbPage *find_page(InterpCpu *cpu, const Op *op, MmuIdx idx,
                                uint64_t va, bool aligned, MemAccess access)
{
    if (!aligned && cpu->sys.sctlr_el1 & SCTLR_A) {
        mem_unaligned(cpu, op, va, access);
        return NULL;
    }
    return find_any(cpu, op, idx, va, aligned, access);
}

/* ---- accesses within a page ---- */

static void *host_of(const TlbPage *page, uint64_t va)
{
    return page->ram->host + (page->pa - page->ram->start) +
           (va & TLB_PAGE_MASK);
}

static void io_rw(InterpCpu *cpu, const TlbPage *page, uint64_t va, void *buf,
                  unsigned size, bool is_write)
{
    hwaddr pa = page->pa + (va & TLB_PAGE_MASK);

    work_leave_guest(cpu);
    address_space_rw(address_space_memory(), pa, buf, size, is_write);
    work_enter_guest(cpu);
}

/* After a write to the page, which may have held code. */
static void written(InterpCpu *cpu, const TlbPage *page, uint64_t va,
                    unsigned size)
{
    const struct RamBlock *ram = page->ram;
    uint64_t offset =
        ram->offset + (page->pa - ram->start) + (va & TLB_PAGE_MASK);

    if (ram->code && atomic_load(ram_code_flag(ram, page->pa))) {
        interp_ram_written(cpu->accel, ram->mr, offset, size);
    }
}

static uint64_t load_page(InterpCpu *cpu, const TlbPage *page, uint64_t va,
                          unsigned size)
{
    uint64_t value = 0;

    if (page->ram) {
        return mem_get(host_of(page, va), size);
    }
    io_rw(cpu, page, va, &value, size, false);
    return value;
}

static void store_page(InterpCpu *cpu, const TlbPage *page, uint64_t va,
                       unsigned size, uint64_t value)
{
    if (page->ram && !page->ram->readonly) {
        mem_put(host_of(page, va), size, value);
        written(cpu, page, va, size);
    } else {
        io_rw(cpu, page, va, &value, size, true);
    }
}

/* ---- accesses across two pages ---- */

/*
 * Bytes within a page, which was checked before. False: it is gone, since a
 * device was accessed in between.
 */
static bool copy_part(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                      void *buf, unsigned size, MemAccess access)
{
    const TlbPage *page = find_page(cpu, op, idx, va, true, access);

    if (!page) {
        return false;
    }
    if (!page->ram || page->ram->is_device || page->ram->readonly) {
        io_rw(cpu, page, va, buf, size, access == MEM_WRITE);
    } else if (access == MEM_WRITE) {
        memcpy(host_of(page, va), buf, size);
        written(cpu, page, va, size);
    } else {
        memcpy(buf, host_of(page, va), size);
    }
    return true;
}

static unsigned first_part(uint64_t va, unsigned size)
{
    return MIN(size, TLB_PAGE_SIZE - (va & TLB_PAGE_MASK));
}

/* @aligned: to its elements' size. */
static bool probe(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                  unsigned size, bool aligned, MemAccess access)
{
    unsigned first = first_part(va, size);

    return find_page(cpu, op, idx, va, aligned, access) &&
           (first == size ||
            find_page(cpu, op, idx, va + first, aligned, access));
}

static bool copy_split(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                       void *buf, unsigned size, MemAccess access)
{
    unsigned first = first_part(va, size);

    return copy_part(cpu, op, idx, va, buf, first, access) &&
           (first == size ||
            copy_part(cpu, op, idx, va + first, (uint8_t *)buf + first,
                      size - first, access));
}

static bool crosses(uint64_t va, unsigned size)
{
    return first_part(va, size) != size;
}

static bool is_aligned(uint64_t va, unsigned size)
{
    return !(va & (size - 1));
}

/* ---- mem.h ---- */

bool mem_load_slow(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                   unsigned size, uint64_t *value)
{
    const TlbPage *page;
    uint64_t whole = 0;

    if (crosses(va, size)) {
        if (!probe(cpu, op, idx, va, size, false, MEM_READ) ||
            !debug_check_watch(cpu, op, idx, va, size, MEM_READ) ||
            !copy_split(cpu, op, idx, va, &whole, size, MEM_READ)) {
            return false;
        }
        *value = whole;
        return true;
    }
    page = find_page(cpu, op, idx, va, is_aligned(va, size), MEM_READ);
    if (!page || !debug_check_watch(cpu, op, idx, va, size, MEM_READ)) {
        return false;
    }
    *value = load_page(cpu, page, va, size);
    return true;
}

bool mem_store_slow(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                    unsigned size, uint64_t value)
{
    const TlbPage *page;

    if (crosses(va, size)) {
        return probe(cpu, op, idx, va, size, false, MEM_WRITE) &&
               debug_check_watch(cpu, op, idx, va, size, MEM_WRITE) &&
               copy_split(cpu, op, idx, va, &value, size, MEM_WRITE);
    }
    page = find_page(cpu, op, idx, va, is_aligned(va, size), MEM_WRITE);
    if (!page || !debug_check_watch(cpu, op, idx, va, size, MEM_WRITE)) {
        return false;
    }
    store_page(cpu, page, va, size, value);
    return true;
}

/* In pieces of 8 bytes, so that RAM and registers see no smaller ones. */
static bool load_pieces(InterpCpu *cpu, const Op *op, uint64_t va, uint8_t *buf,
                        unsigned size)
{
    for (unsigned i = 0; i < size; i += 8) {
        unsigned n = MIN(size - i, 8);

        if (!copy_split(cpu, op, cpu->mmu_idx, va + i, buf + i, n, MEM_READ)) {
            return false;
        }
    }
    return true;
}

/* Each half of a vector in one access. */
static void copy_block(void *to, const void *from, unsigned size)
{
    if (size == 16) {
        mem_put(to, 8, mem_get(from, 8));
        mem_put((uint8_t *)to + 8, 8, mem_get((const uint8_t *)from + 8, 8));
    } else {
        memcpy(to, from, size);
    }
}

bool mem_load_block(InterpCpu *cpu, const Op *op, uint64_t va, void *buf,
                    unsigned size)
{
    const void *host = mem_fast_read(cpu->tlb, va, size);
    uint8_t whole[64];

    if (G_LIKELY(host)) {
        copy_block(buf, host, size);
        return true;
    }
    if (!probe(cpu, op, cpu->mmu_idx, va, size, true, MEM_READ) ||
        !debug_check_watch(cpu, op, cpu->mmu_idx, va, size, MEM_READ) ||
        !load_pieces(cpu, op, va, whole, size)) {
        return false;
    }
    memcpy(buf, whole, size);
    return true;
}

bool mem_store_block(InterpCpu *cpu, const Op *op, uint64_t va, const void *buf,
                     unsigned size)
{
    void *host = mem_fast_write(cpu->tlb, va, size);

    if (G_LIKELY(host)) {
        copy_block(host, buf, size);
        return true;
    }
    if (!probe(cpu, op, cpu->mmu_idx, va, size, true, MEM_WRITE) ||
        !debug_check_watch(cpu, op, cpu->mmu_idx, va, size, MEM_WRITE)) {
        return false;
    }
    for (unsigned i = 0; i < size; i += 8) {
        if (!copy_split(cpu, op, cpu->mmu_idx, va + i, (uint8_t *)buf + i,
                        MIN(size - i, 8), MEM_WRITE)) {
            return false;
        }
    }
    return true;
}

bool mem_host(InterpCpu *cpu, const Op *op, uint64_t va, unsigned size,
              MemAccess access, void **host)
{
    const TlbPage *page;

    *host = access == MEM_WRITE ? mem_fast_write(cpu->tlb, va, size)
                                : (void *)mem_fast_read(cpu->tlb, va, size);
    if (G_LIKELY(*host)) {
        return true;
    }
    page = find_page(cpu, op, cpu->mmu_idx, va, true, access);
    if (!page) {
        return false;
    }
    if (!page->ram || page->ram->is_device ||
        (access == MEM_WRITE && page->ram->readonly)) {
        return data_abort(cpu, op, va, access, MMU_FAULT_UNSUPPORTED);
    }
    if (!debug_check_watch(cpu, op, cpu->mmu_idx, va, size, access)) {
        return false;
    }
    if (access == MEM_WRITE) {
        written(cpu, page, va, size);
    }
    *host = host_of(page, va);
    return true;
}

bool mem_zero(InterpCpu *cpu, const Op *op, uint64_t va, unsigned size)
{
    static const uint8_t zeroes[64];
    uint64_t start = va & -(uint64_t)size;
    void *host = mem_fast_write(cpu->tlb, start, size);

    if (G_UNLIKELY(!host)) {
        /* To Device memory it counts as not aligned; SCTLR_EL1.A is nothing
         * to it. A fault is at @va, not at the start. */
        return find_any(cpu, op, cpu->mmu_idx, va, false, MEM_WRITE) &&
               mem_store_block(cpu, op, start, zeroes, size);
    }
    memset(host, 0, size);
    return true;
}

bool mem_probe(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
               unsigned size, MemAccess access)
{
    return probe(cpu, op, idx, va, size, true, access) &&
           debug_check_watch(cpu, op, idx, va, size, access);
}

bool mem_check_align_slow(InterpCpu *cpu, const Op *op, uint64_t va,
                          unsigned align, MemAccess access)
{
    return find_page(cpu, op, cpu->mmu_idx, va, is_aligned(va, align), access);
}

/* ---- instructions ---- */

static const uint32_t *fetch_abort(InterpCpu *cpu, uint64_t va, unsigned fault)
{
    cpu->sys.far_el1 = va;
    cpu_take_exception(cpu, va, EC_IABT_LOWER + cpu->el, fault);
    return NULL;
}

static const uint32_t *exec_slow(InterpCpu *cpu, uint64_t va)
{
    const TlbPage *page;
    unsigned fault;

    if (va & 3) {
        cpu->sys.far_el1 = va;
        cpu_take_exception(cpu, va, EC_PC_ALIGN, 0);
        return NULL;
    }
    page = tlb_lookup(cpu, cpu->mmu_idx, va, MEM_EXEC, &fault);
    if (!page) {
        return fetch_abort(cpu, va, fault);
    }
    if (!(page->perms & MMU_PERM_EXEC)) {
        return fetch_abort(cpu, va, MMU_FAULT_PERMISSION + page->level);
    }
    if (!page->ram || page->ram->is_device) {
        return fetch_abort(cpu, va, FSC_SYNC_EXTERNAL);
    }
    return host_of(page, va);
}

const uint32_t *mem_exec(InterpCpu *cpu, uint64_t va)
{
    const TlbEntry *e = tlb_entry(cpu->tlb, va);

    if (G_LIKELY((va ^ e->exec) < TLB_PAGE_SIZE && !(va & 3))) {
        return (const uint32_t *)(va + e->host);
    }
    if (mmu_is_tagged(cpu->sys.tcr_el1, va)) {
        /* A branch takes the tag off; it matters here for the first time. */
        va = (int64_t)(va << 8) >> 8;
        cpu->pc = va;
    }
    return exec_slow(cpu, va);
}
