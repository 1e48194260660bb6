/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software TLB, see tlb.h.
 *
 * A fill puts a page in two places: TlbState.pages, a small cache of anything
 * that was walked, for the slow path; and, as far as it is RAM that may be
 * accessed at once, the table that the fast path looks at. The former goes
 * stale as a whole, by its stamp. Of the latter the halves of the address space
 * are flushed apart, along bitmaps of what was filled, so that a change of ASID
 * costs as much as was used in the meantime.
 */
#include "tlb.h"

#include <string.h>

#include "debug.h"
#include "interp.h"
#include "sctlr.h"

#define PAGE_MASK ((uint64_t)TLB_PAGE_SIZE - 1)
#define VA_BITS 56 /* the rest may be a tag */
/* Large pages less than this apart are flushed as one range. */
#define LARGE_GAP (UINT64_C(1) << 30)

#define TCR_A1 (1u << 22)
#define TCR_AS (UINT64_C(1) << 36)
#define TTBR_ASID 48

static unsigned half_of(uint64_t va)
{
    return va >> 55 & 1;
}

static unsigned index_of(uint64_t va)
{
    return va >> TLB_PAGE_BITS & (TLB_SIZE - 1);
}

/* ---- flushing ---- */

static void clear_entry(InterpCpu *cpu, MmuIdx idx, unsigned index)
{
    uint64_t never = tlb_never(index);

    cpu->tlbs[idx][index] = (TlbEntry){never, never, never, 0};
}

static void clear_filled(InterpCpu *cpu, MmuIdx idx, TlbHalf *half)
{
    for (unsigned i = 0; i < TLB_SIZE / 64; i++) {
        uint64_t left = half->filled[idx][i];

        for (; left; left &= left - 1) {
            clear_entry(cpu, idx, i * 64 + __builtin_ctzll(left));
        }
    }
}

static void flush_half(InterpCpu *cpu, unsigned n)
{
    TlbHalf *half = &cpu->tlb_state.half[n];

    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        clear_filled(cpu, idx, half);
    }
    memset(half->filled, 0, sizeof(half->filled));
    memset(half->exec, 0, sizeof(half->exec));
    half->num_large = 0;
    half->ng = false;
    cpu->tlb_state.stamp++;
    cpu->epoch[n]++;
}

void tlb_flush_low(InterpCpu *cpu)
{
    flush_half(cpu, 0);
}

/* A new vCPU's table is all zeroes, which is no empty one. */
static void clear_table(InterpCpu *cpu)
{
    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            clear_entry(cpu, idx, i);
        }
    }
}

void tlb_flush_all(InterpCpu *cpu)
{
    if (!cpu->tlb_state.stamp) {
        clear_table(cpu);
    }
    flush_half(cpu, 0);
    flush_half(cpu, 1);
}

void tlb_asid_changed(InterpCpu *cpu)
{
    flush_half(cpu, 0);
    if (cpu->tlb_state.half[1].ng) {
        flush_half(cpu, 1);
    }
}

/* An ASID has 8 or 16 bits. */
static unsigned asid_mask(const InterpCpu *cpu)
{
    return cpu->sys.tcr_el1 & TCR_AS ? 0xffff : 0xff;
}

void tlb_flush_asid(InterpCpu *cpu, unsigned asid)
{
    uint64_t ttbr =
        cpu->sys.tcr_el1 & TCR_A1 ? cpu->sys.ttbr1_el1 : cpu->sys.ttbr0_el1;

    if (!((ttbr >> TTBR_ASID ^ asid) & asid_mask(cpu))) {
        tlb_asid_changed(cpu);
    }
}

/* True if @tag is of @size bytes, a power of two, at @va, whatever its tag. */
static bool tag_within(uint64_t tag, uint64_t va, uint64_t size)
{
    return !((tag ^ va) << (64 - VA_BITS) >> (64 - VA_BITS) & -size);
}

static void clear_within(InterpCpu *cpu, unsigned index, uint64_t va,
                         uint64_t size)
{
    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        const TlbEntry *e = &cpu->tlbs[idx][index];

        if (tag_within(e->read, va, size) || tag_within(e->write, va, size) ||
            tag_within(e->exec, va, size)) {
            clear_entry(cpu, idx, index);
        }
    }
}

/* The size of what a TLBI of @va is to flush. */
static uint64_t large_size(const TlbHalf *half, uint64_t va)
{
    for (unsigned i = 0; i < half->num_large; i++) {
        const TlbLarge *large = &half->large[i];

        if (va >= large->start && va <= large->last) {
            return large->page_size;
        }
    }
    return TLB_PAGE_SIZE;
}

static bool in_blocks(const TlbHalf *half, unsigned index)
{
    return half->exec[index / 64] >> (index % 64) & 1;
}

void tlb_flush_va(InterpCpu *cpu, uint64_t va)
{
    unsigned n = half_of(va);
    TlbHalf *half = &cpu->tlb_state.half[n];
    uint64_t mask = (UINT64_C(1) << VA_BITS) - 1;
    uint64_t size = large_size(half, va & mask);
    bool code = false;

    if (size >= TLB_SIZE * TLB_PAGE_SIZE) {
        flush_half(cpu, n);
        return;
    }
    va &= -size;
    for (uint64_t at = va; at - va < size; at += TLB_PAGE_SIZE) {
        clear_within(cpu, index_of(at), va, size);
        code |= in_blocks(half, index_of(at));
    }
    cpu->tlb_state.stamp++;
    if (code) {
        cpu->epoch[n]++;
    }
}

void tlb_protect_code(InterpCpu *cpu, const void *host_page)
{
    uint64_t host = (uintptr_t)host_page & ~PAGE_MASK;

    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            TlbEntry *e = &cpu->tlbs[idx][i];

            if (e->write + e->host == host) {
                e->write = tlb_never(i);
            }
        }
    }
}

/* ---- filling ---- */

static void add_large(TlbHalf *half, uint64_t va, uint64_t size)
{
    uint64_t start = va & ((UINT64_C(1) << VA_BITS) - 1) & -size;
    uint64_t last = start + size - 1;
    TlbLarge *large = half->large;
    unsigned i = 0;

    while (i < half->num_large && (start + LARGE_GAP < large[i].start ||
                                   start > large[i].last + LARGE_GAP)) {
        i++;
    }
    if (i == TLB_LARGE) {
        /* As many ranges as there may be: the last takes what is left. */
        i--;
    }
    if (i == half->num_large) {
        large[half->num_large++] = (TlbLarge){start, last, size};
        return;
    }
    large[i].start = MIN(large[i].start, start);
    large[i].last = MAX(large[i].last, last);
    large[i].page_size = MAX(large[i].page_size, size);
}

static void mark_filled(InterpCpu *cpu, MmuIdx idx, uint64_t va, bool exec)
{
    unsigned n = half_of(va);
    unsigned index = index_of(va);
    uint64_t bit = UINT64_C(1) << (index % 64);
    TlbHalf *half = cpu->tlb_state.half;

    half[n].filled[idx][index / 64] |= bit;
    half[!n].filled[idx][index / 64] &= ~bit;
    if (exec) {
        half[n].exec[index / 64] |= bit;
    }
}

static bool has_code(const TlbPage *page)
{
    return page->ram->code &&
           atomic_load_explicit(ram_code_flag(page->ram, page->pa),
                                memory_order_relaxed);
}

/* Tagged addresses are not for blocks. */
static bool is_canonical(uint64_t va)
{
    return (int64_t)va >> (VA_BITS - 1) == -(int64_t)half_of(va);
}

static void fill_fast(InterpCpu *cpu, MmuIdx idx, uint64_t va,
                      const TlbPage *page)
{
    const struct RamBlock *ram = page->ram;
    uint64_t never = tlb_never(index_of(va));
    TlbEntry e = {never, never, never, 0};
    bool exec;

    va &= ~PAGE_MASK;
    e.host = (uintptr_t)ram->host + (page->pa - ram->start) - va;
    exec = page->perms & MMU_PERM_EXEC && !ram->is_device && is_canonical(va);
    if (exec) {
        e.exec = va;
    }
    if (page->fast && page->perms & MMU_PERM_READ) {
        e.read = va;
    }
    if (page->fast && page->perms & MMU_PERM_WRITE && !ram->readonly &&
        !has_code(page)) {
        e.write = va;
    }
    cpu->tlbs[idx][index_of(va)] = e;
    mark_filled(cpu, idx, va, exec);
}

bool tlb_read_descriptor(void *opaque, hwaddr pa, uint64_t *desc)
{
    const RamBlock *ram = ram_find(opaque, pa);

    if (!ram || ram->is_device) {
        return false;
    }
    *desc = *(volatile uint64_t *)(ram->host + (pa - ram->start));
    return true;
}

static uint8_t perms_of(const MmuPage *found, MmuIdx idx)
{
    switch (idx) {
    case MMU_EL0:
        return found->el0;
    case MMU_EL1_PAN:
        return found->el1_pan;
    default:
        return found->el1;
    }
}

MmuRegs tlb_regs(const InterpCpu *cpu)
{
    return (MmuRegs){
        .sctlr = cpu->sys.sctlr_el1,
        .ttbr0 = cpu->sys.ttbr0_el1,
        .ttbr1 = cpu->sys.ttbr1_el1,
        .tcr = cpu->sys.tcr_el1,
        .mair = cpu->sys.mair_el1,
        .phys_bits = cpu->accel->phys_bits,
    };
}

static void note_kind(InterpCpu *cpu, uint64_t va, const MmuPage *found)
{
    TlbHalf *half = &cpu->tlb_state.half[half_of(va)];

    half->ng |= found->ng;
    if (found->page_size > TLB_PAGE_SIZE) {
        add_large(half, va, found->page_size);
    }
}

static uint64_t page_key(MmuIdx idx, uint64_t va)
{
    return (va & ~PAGE_MASK) | idx;
}

static TlbPage *page_slot(InterpCpu *cpu, uint64_t key)
{
    uint64_t hash = key >> TLB_PAGE_BITS ^ key >> (TLB_PAGE_BITS + 6);

    return &cpu->tlb_state.pages[hash % TLB_PAGES];
}

static const TlbPage *fill(InterpCpu *cpu, MmuIdx idx, uint64_t va,
                           unsigned *fault)
{
    TlbPage *page = page_slot(cpu, page_key(idx, va));
    RamMap *map = atomic_load_explicit(&cpu->accel->ram, memory_order_acquire);
    MmuRegs regs = tlb_regs(cpu);
    MmuPage found;

    if (!mmu_walk(&regs, va, tlb_read_descriptor, map, &found)) {
        *fault = found.fault;
        return NULL;
    }
    note_kind(cpu, va, &found);
    *page = (TlbPage){
        .va = page_key(idx, va),
        .stamp = cpu->tlb_state.stamp,
        .pa = found.pa & ~PAGE_MASK,
        .ram = ram_find(map, found.pa),
        .perms = perms_of(&found, idx),
        .level = found.level,
        .device = found.device,
        .fast = !found.device && !(regs.sctlr & SCTLR_A) &&
                !debug_watches_page(cpu, va),
    };
    if (page->ram) {
        fill_fast(cpu, idx, va, page);
    }
    return page;
}

static bool allows(const TlbPage *page, MemAccess access)
{
    static const uint8_t needed[] = {
        [MEM_READ] = MMU_PERM_READ,
        [MEM_WRITE] = MMU_PERM_WRITE,
        [MEM_EXEC] = MMU_PERM_EXEC,
    };

    return page->perms & needed[access];
}

const TlbPage *tlb_lookup(InterpCpu *cpu, MmuIdx idx, uint64_t va,
                          MemAccess access, unsigned *fault)
{
    uint64_t key = page_key(idx, va);
    const TlbPage *page = page_slot(cpu, key);

    if (page->va != key || page->stamp != cpu->tlb_state.stamp ||
        !allows(page, access)) {
        return fill(cpu, idx, va, fault);
    }
    if (page->ram) {
        fill_fast(cpu, idx, va, page);
    }
    return page;
}
