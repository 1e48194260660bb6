/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software TLB, see tlb.h.
 *
 * A fill puts a page in two places: TlbState.pages, a small cache of anything
 * that was walked, for the slow path; and, as far as it is RAM that may be
 * accessed at once, the table that the fast path looks at. The former goes
 * stale as a whole, by its stamp. Of the latter there are several, one for an
 * ASID: a kernel with page table isolation changes the ASID at each exception.
 * Their halves are flushed apart, along bitmaps of what was filled. As long as
 * the upper half is global, a new context begins with that of the one before,
 * and the epoch of it is that of all contexts.
 */
#include "tlb.h"

#include <string.h>

#include "debug.h"
#include "interp.h"
#include "sctlr.h"

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

static TlbContext *current(InterpCpu *cpu)
{
    return &cpu->tlb_state.contexts[cpu->tlb_state.current];
}

/* ---- contexts ---- */

static void set_epoch(InterpCpu *cpu, TlbContext *c, unsigned n, uint64_t epoch)
{
    c->epoch[n] = epoch;
    if (c == current(cpu)) {
        cpu->epoch[n] = epoch;
    }
}

static void new_epoch(InterpCpu *cpu, TlbContext *c, unsigned n)
{
    set_epoch(cpu, c, n, ++cpu->tlb_state.epoch);
}

/* For the upper half of all contexts. */
static void new_upper_epochs(InterpCpu *cpu)
{
    uint64_t shared = ++cpu->tlb_state.epoch;

    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        TlbContext *c = &cpu->tlb_state.contexts[i];

        if (c->half[1].ng) {
            new_epoch(cpu, c, 1);
        } else {
            set_epoch(cpu, c, 1, shared);
        }
    }
}

void tlb_begin_epochs(InterpCpu *cpu)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        new_epoch(cpu, &cpu->tlb_state.contexts[i], 0);
    }
    new_upper_epochs(cpu);
}

static unsigned asid_mask(const InterpCpu *cpu)
{
    return cpu->sys.tcr_el1 & TCR_AS ? 0xffff : 0xff;
}

static unsigned current_asid(const InterpCpu *cpu)
{
    uint64_t ttbr =
        cpu->sys.tcr_el1 & TCR_A1 ? cpu->sys.ttbr1_el1 : cpu->sys.ttbr0_el1;

    return ttbr >> TTBR_ASID & asid_mask(cpu);
}

static void use_context(InterpCpu *cpu, TlbContext *c)
{
    TlbState *state = &cpu->tlb_state;

    c->used = ++state->clock;
    state->current = c - state->contexts;
    cpu->tlbs = c->tables;
    cpu->tlb = cpu->tlbs[cpu->mmu_idx];
    cpu->epoch[0] = c->epoch[0];
    cpu->epoch[1] = c->epoch[1];
}

/* ---- flushing ---- */

static void clear_entry(TlbContext *c, MmuIdx idx, unsigned index)
{
    uint64_t never = tlb_never(index);

    c->tables[idx][index] = (TlbEntry){never, never, never, 0};
}

static void clear_filled(TlbContext *c, MmuIdx idx, const TlbHalf *half)
{
    for (unsigned i = 0; i < TLB_SIZE / 64; i++) {
        uint64_t left = half->filled[idx][i];

        for (; left; left &= left - 1) {
            clear_entry(c, idx, i * 64 + __builtin_ctzll(left));
        }
    }
}

static void clear_half(TlbContext *c, unsigned n)
{
    TlbHalf *half = &c->half[n];

    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        clear_filled(c, idx, half);
    }
    *half = (TlbHalf){0};
}

static void flush_half(InterpCpu *cpu, TlbContext *c, unsigned n)
{
    clear_half(c, n);
    cpu->tlb_state.stamp++;
    new_epoch(cpu, c, n);
}

/* A new vCPU's tables are all zeroes, which is no empty one. */
static void clear_tables(InterpCpu *cpu)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
            for (unsigned j = 0; j < TLB_SIZE; j++) {
                clear_entry(&cpu->tlb_state.contexts[i], idx, j);
            }
        }
    }
}

void tlb_flush_all(InterpCpu *cpu)
{
    TlbState *state = &cpu->tlb_state;

    if (!state->stamp) {
        clear_tables(cpu);
    }
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        clear_half(&state->contexts[i], 0);
        clear_half(&state->contexts[i], 1);
        state->contexts[i].asid = TLB_NO_ASID;
    }
    state->stamp++;
    tlb_begin_epochs(cpu);
    current(cpu)->asid = current_asid(cpu);
    use_context(cpu, current(cpu));
}

static TlbContext *find_context(InterpCpu *cpu, unsigned asid)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        if (cpu->tlb_state.contexts[i].asid == asid) {
            return &cpu->tlb_state.contexts[i];
        }
    }
    return NULL;
}

void tlb_flush_asid(InterpCpu *cpu, unsigned asid)
{
    TlbContext *c = find_context(cpu, asid & asid_mask(cpu));

    if (c) {
        flush_half(cpu, c, 0);
        if (c->half[1].ng) {
            flush_half(cpu, c, 1);
        }
    }
}

/* Gives the empty @c what @from has of the upper half, if that is global. */
static void copy_upper(InterpCpu *cpu, TlbContext *c, const TlbContext *from)
{
    if (from->half[1].ng) {
        new_epoch(cpu, c, 1);
        return;
    }
    c->half[1] = from->half[1];
    c->epoch[1] = from->epoch[1];
    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            if (c->half[1].filled[idx][i / 64] >> (i % 64) & 1) {
                c->tables[idx][i] = from->tables[idx][i];
            }
        }
    }
}

/* The context used longest ago is @asid's now. */
static TlbContext *new_context(InterpCpu *cpu, unsigned asid)
{
    TlbContext *c = cpu->tlb_state.contexts;

    for (unsigned i = 1; i < TLB_CONTEXTS; i++) {
        if (cpu->tlb_state.contexts[i].used < c->used) {
            c = &cpu->tlb_state.contexts[i];
        }
    }
    flush_half(cpu, c, 0);
    clear_half(c, 1);
    copy_upper(cpu, c, current(cpu));
    c->asid = asid;
    return c;
}

void tlb_asid_changed(InterpCpu *cpu)
{
    unsigned asid = current_asid(cpu);
    TlbContext *c;

    if (current(cpu)->asid != asid) {
        c = find_context(cpu, asid);
        use_context(cpu, c ? c : new_context(cpu, asid));
    }
}

/* True if @tag is of @size bytes, a power of two, at @va, whatever its tag. */
static bool tag_within(uint64_t tag, uint64_t va, uint64_t size)
{
    return !((tag ^ va) << (64 - VA_BITS) >> (64 - VA_BITS) & -size);
}

static void clear_within(TlbContext *c, unsigned index, uint64_t va,
                         uint64_t size)
{
    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        const TlbEntry *e = &c->tables[idx][index];

        if (tag_within(e->read, va, size) || tag_within(e->write, va, size) ||
            tag_within(e->exec, va, size)) {
            clear_entry(c, idx, index);
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

/* True if blocks may have been found by what is flushed. */
static bool flush_va_of(TlbContext *c, uint64_t va)
{
    unsigned n = half_of(va);
    TlbHalf *half = &c->half[n];
    uint64_t size = large_size(half, va & ((UINT64_C(1) << VA_BITS) - 1));
    bool code = false;

    if (size >= TLB_SIZE * TLB_PAGE_SIZE) {
        clear_half(c, n);
        return true;
    }
    va &= -size;
    for (uint64_t at = va; at - va < size; at += TLB_PAGE_SIZE) {
        clear_within(c, index_of(at), va, size);
        code |= in_blocks(half, index_of(at));
    }
    return code;
}

void tlb_flush_va(InterpCpu *cpu, uint64_t va)
{
    TlbState *state = &cpu->tlb_state;
    unsigned n = half_of(va);
    bool any = false;

    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        bool code = flush_va_of(&state->contexts[i], va);

        if (code && n == 0) {
            new_epoch(cpu, &state->contexts[i], 0);
        }
        any |= code;
    }
    if (any && n == 1) {
        new_upper_epochs(cpu);
    }
    state->stamp++;
}

static void protect_code_in(TlbContext *c, uint64_t host)
{
    for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            TlbEntry *e = &c->tables[idx][i];

            if (e->write + e->host == host) {
                e->write = tlb_never(i);
            }
        }
    }
}

void tlb_protect_code(InterpCpu *cpu, const void *host_page)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        TlbContext *c = &cpu->tlb_state.contexts[i];

        if (c->asid != TLB_NO_ASID) {
            protect_code_in(c, (uintptr_t)host_page & ~TLB_PAGE_MASK);
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
    TlbHalf *half = current(cpu)->half;

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

    va &= ~TLB_PAGE_MASK;
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
    TlbHalf *half = &current(cpu)->half[half_of(va)];

    if (found->ng && !half->ng) {
        half->ng = true;
        if (half_of(va) == 1) {
            /* It is like the other contexts' no more. */
            new_epoch(cpu, current(cpu), 1);
        }
    }
    if (found->page_size > TLB_PAGE_SIZE) {
        add_large(half, va, found->page_size);
    }
}

static uint64_t page_key(const InterpCpu *cpu, MmuIdx idx, uint64_t va)
{
    return (va & ~TLB_PAGE_MASK) | cpu->tlb_state.current << 4 | idx;
}

static TlbPage *page_slot(InterpCpu *cpu, uint64_t key)
{
    uint64_t hash = key >> TLB_PAGE_BITS ^ key >> (TLB_PAGE_BITS + 6);

    return &cpu->tlb_state.pages[hash % TLB_PAGES];
}

static const TlbPage *fill(InterpCpu *cpu, MmuIdx idx, uint64_t va,
                           unsigned *fault)
{
    TlbPage *page = page_slot(cpu, page_key(cpu, idx, va));
    RamMap *map = atomic_load_explicit(&cpu->accel->ram, memory_order_acquire);
    MmuRegs regs = tlb_regs(cpu);
    MmuPage found;

    if (!mmu_walk(&regs, va, tlb_read_descriptor, map, &found)) {
        *fault = found.fault;
        return NULL;
    }
    note_kind(cpu, va, &found);
    *page = (TlbPage){
        .va = page_key(cpu, idx, va),
        .stamp = cpu->tlb_state.stamp,
        .pa = found.pa & ~TLB_PAGE_MASK,
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
    uint64_t key = page_key(cpu, idx, va);
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
