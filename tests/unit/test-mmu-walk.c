/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of translation tables, on tables that each test builds in a buffer
 * which plays physical memory. What is expected is written down from the Arm
 * ARM's tables (D5.3 and D5.4), not computed as the walk computes it.
 */
#include "accel/mmu-walk.h"

#include <string.h>

#define MEMORY_BASE UINT64_C(0x40000000)
#define MEMORY_SIZE (2u * 1024 * 1024)

#define SCTLR_M 1
#define SCTLR_WXN (1u << 19)
#define AF (1u << 10)
#define NG (1u << 11)
#define TABLE 3
#define PAGE 3
#define BLOCK 1
#define R MMU_PERM_READ
#define W MMU_PERM_WRITE
#define X MMU_PERM_EXEC

typedef struct Granule {
    unsigned bits;
    unsigned tg0;
    unsigned tg1;
    unsigned stride;
    bool block_at[4];
} Granule;

static const Granule granules[] = {
    {12, 0, 2, 9, {false, true, true, false}},
    {14, 2, 1, 11, {false, false, true, false}},
    {16, 1, 3, 13, {false, false, true, false}},
};

typedef struct World {
    uint64_t memory[MEMORY_SIZE / 8];
    uint64_t used;
    uint64_t abort_at; /* a descriptor that cannot be read */
    MmuRegs regs;
    const Granule *granule;
    unsigned input_bits;
    bool upper;
} World;

static World world;

static bool read_memory(void *opaque, hwaddr pa, uint64_t *desc)
{
    World *w = opaque;

    g_assert_cmphex(pa & 7, ==, 0);
    if (pa < MEMORY_BASE || pa >= MEMORY_BASE + MEMORY_SIZE ||
        pa == w->abort_at) {
        return false;
    }
    *desc = w->memory[(pa - MEMORY_BASE) / 8];
    return true;
}

static uint64_t *word(World *w, uint64_t pa)
{
    g_assert_true(pa >= MEMORY_BASE && pa < MEMORY_BASE + MEMORY_SIZE);
    return &w->memory[(pa - MEMORY_BASE) / 8];
}

static uint64_t new_table(World *w)
{
    uint64_t size = UINT64_C(1) << w->granule->bits;
    uint64_t pa = MEMORY_BASE + w->used;

    w->used += size;
    g_assert_cmpuint(w->used, <=, MEMORY_SIZE);
    return pa;
}

static unsigned first_level(const World *w)
{
    unsigned level = 3;
    unsigned bits = w->granule->bits + w->granule->stride;

    while (bits < w->input_bits) {
        bits += w->granule->stride;
        level--;
    }
    return level;
}

/* An empty world: the MMU on, one table, 48-bit output. */
static World *begin(unsigned granule, unsigned input_bits, bool upper)
{
    World *w = &world;
    uint64_t tsz = 64 - input_bits;
    uint64_t table;

    memset(w, 0, sizeof(*w));
    w->granule = &granules[granule];
    w->input_bits = input_bits;
    w->upper = upper;
    table = new_table(w);
    w->regs = (MmuRegs){
        .sctlr = SCTLR_M,
        .ttbr0 = upper ? 0 : table,
        .ttbr1 = upper ? table : 0,
        .tcr = tsz | tsz << 16 | (uint64_t)w->granule->tg0 << 14 |
               (uint64_t)w->granule->tg1 << 30 | UINT64_C(5) << 32 |
               (upper ? 1u << 7 : 1u << 23),
        .mair = 0xff4400,
        .phys_bits = 48,
    };
    return w;
}

static uint64_t root(const World *w)
{
    return w->upper ? w->regs.ttbr1 : w->regs.ttbr0;
}

static unsigned shift_at(const World *w, unsigned level)
{
    return w->granule->bits + (3 - level) * w->granule->stride;
}

/* The descriptor's place for @va at @level; makes the tables on the way. */
static uint64_t *slot(World *w, uint64_t va, unsigned level)
{
    uint64_t table = root(w);
    unsigned top = w->input_bits;

    for (unsigned l = first_level(w);; l++) {
        unsigned shift = shift_at(w, l);
        uint64_t index = (va & ((UINT64_C(1) << top) - 1)) >> shift;
        uint64_t *desc = word(w, table + index * 8);

        if (l == level) {
            return desc;
        }
        if (!(*desc & 1)) {
            *desc = new_table(w) | TABLE;
        }
        table = *desc & UINT64_C(0xfffffffff000);
        top = shift;
    }
}

static bool walk(World *w, uint64_t va, MmuPage *page)
{
    memset(page, 0xaa, sizeof(*page));
    return mmu_walk(&w->regs, va, read_memory, w, page);
}

static void assert_fault(World *w, uint64_t va, unsigned fault)
{
    MmuPage page;

    g_assert_false(walk(w, va, &page));
    g_assert_cmphex(page.fault, ==, fault);
}

static void assert_pa(World *w, uint64_t va, uint64_t pa)
{
    MmuPage page;

    g_assert_true(walk(w, va, &page));
    g_assert_cmphex(page.pa, ==, pa);
}

static uint64_t sample_va(const World *w)
{
    uint64_t va =
        UINT64_C(0x0000123456789abc) & ((UINT64_C(1) << w->input_bits) - 1);

    return w->upper ? va | -(UINT64_C(1) << w->input_bits) : va;
}

/* ---- off ---- */

static void test_off(void)
{
    World *w = begin(0, 48, false);
    MmuPage page;

    w->regs.sctlr = 0;
    w->regs.phys_bits = 40;
    g_assert_true(walk(w, 0xffedcba987, &page));
    g_assert_cmphex(page.pa, ==, 0xffedcba987);
    g_assert_true(page.device);
    g_assert_false(page.ng);
    g_assert_cmphex(page.attr, ==, 0);
    g_assert_cmpuint(page.sh, ==, 2);
    g_assert_cmphex(page.el0, ==, R | W | X);
    g_assert_cmphex(page.el1, ==, R | W | X);
    g_assert_cmphex(page.el1_pan, ==, R | W | X);
    assert_fault(w, UINT64_C(1) << 40, MMU_FAULT_ADDRESS_SIZE);
    assert_fault(w, UINT64_C(0x1200000000001000), MMU_FAULT_ADDRESS_SIZE);
    w->regs.tcr |= UINT64_C(1) << 37;
    assert_pa(w, UINT64_C(0x1200000000001000), 0x1000);
    /* TBI0 is no matter of addresses with bit 55. */
    assert_fault(w, UINT64_C(0x0080000000001000), MMU_FAULT_ADDRESS_SIZE);
}

/* ---- sizes and levels ---- */

static void check_leaf(World *w, unsigned level)
{
    uint64_t va = sample_va(w);
    uint64_t size = UINT64_C(1) << shift_at(w, level);
    uint64_t pa = UINT64_C(0x0000876543210000) & -size;
    bool allowed = level == 3 || w->granule->block_at[level];
    MmuPage page;

    *slot(w, va, level) = pa | AF | (level == 3 ? PAGE : BLOCK);
    if (!allowed) {
        assert_fault(w, va, MMU_FAULT_TRANSLATION + level);
        return;
    }
    g_assert_true(walk(w, va, &page));
    g_assert_cmphex(page.pa, ==, pa | (va & (size - 1)));
    g_assert_cmphex(page.page_size, ==, size);
    g_assert_cmpuint(page.level, ==, level);
    g_assert_cmphex(page.fault, ==, 0);
    /* The last byte, and the next page. */
    assert_pa(w, va | (size - 1), pa | (size - 1));
    assert_fault(w, va ^ size, MMU_FAULT_TRANSLATION + level);
    /* Reserved at level 3; a bit 0 of 0 is no descriptor at any. */
    *slot(w, va, level) = pa | AF | (level == 3 ? BLOCK : 2);
    assert_fault(w, va, MMU_FAULT_TRANSLATION + level);
}

static void test_levels(void)
{
    static const unsigned input_bits[] = {25, 30, 32, 36, 39, 42, 47, 48};
    unsigned seen[3] = {0};

    for (unsigned i = 0; i < 3 * G_N_ELEMENTS(input_bits) * 2; i++) {
        unsigned bits = input_bits[i / 6];
        unsigned granule = i / 2 % 3;
        World *w = begin(granule, bits, i & 1);

        for (unsigned level = first_level(w); level < 4; level++) {
            w = begin(granule, bits, i & 1);
            check_leaf(w, level);
            seen[granule] |= 1u << level;
        }
    }
    g_assert_cmphex(seen[0], ==, 0xf);
    g_assert_cmphex(seen[1], ==, 0xf);
    g_assert_cmphex(seen[2], ==, 0xe);
}

/* A small first table may lie anywhere that its own size allows. */
static void test_small_table(void)
{
    World *w = begin(0, 32, false);

    w->regs.ttbr0 = MEMORY_BASE + 0x1020;
    *word(w, MEMORY_BASE + 0x1020 + 3 * 8) = 0x80000000 | AF | BLOCK;
    assert_pa(w, 0xc0001234, 0x80001234);
    /* Bits below that are not part of the address; nor is the ASID. */
    w->regs.ttbr0 |= 0x1 | UINT64_C(0xabcd) << 48;
    assert_pa(w, 0xc0001234, 0x80001234);
}

/* Of a table of a larger granule, the bits below that are not its address. */
static void test_table_low_bits(void)
{
    for (unsigned granule = 1; granule < 3; granule++) {
        World *w = begin(granule, 47, false);
        uint64_t va = sample_va(w);

        *slot(w, va, 3) = AF | PAGE;
        *slot(w, va, 2) |= 0x3000;
        assert_pa(w, va, va & ((UINT64_C(1) << w->granule->bits) - 1));
    }
}

/* ---- which table ---- */

static void test_ranges(void)
{
    World *w = begin(0, 39, false);
    uint64_t last = (UINT64_C(1) << 39) - 1;

    *slot(w, last, 3) = 0x1000 | AF | PAGE;
    assert_pa(w, last, 0x1fff);
    assert_fault(w, last + 1, MMU_FAULT_TRANSLATION);
    assert_fault(w, last | UINT64_C(1) << 63, MMU_FAULT_TRANSLATION);
    /* EPD1 is set in this world. */
    assert_fault(w, UINT64_MAX, MMU_FAULT_TRANSLATION);
    w->regs.tcr |= 1u << 7;
    assert_fault(w, last, MMU_FAULT_TRANSLATION);

    w = begin(0, 39, true);
    *slot(w, UINT64_MAX, 3) = 0x1000 | AF | PAGE;
    assert_pa(w, UINT64_MAX, 0x1fff);
    assert_fault(w, ~last - 1, MMU_FAULT_TRANSLATION);
    w->regs.tcr |= 1u << 23;
    assert_fault(w, UINT64_MAX, MMU_FAULT_TRANSLATION);
}

static void set_t0sz(World *w, unsigned t0sz)
{
    w->regs.tcr = (w->regs.tcr & ~UINT64_C(0x3f)) | t0sz;
}

static void test_bad_sizes(void)
{
    World *w = begin(0, 25, false);

    *slot(w, 0, 3) = 0x1000 | AF | PAGE;
    assert_pa(w, 0, 0x1000);
    set_t0sz(w, 40);
    assert_fault(w, 0, MMU_FAULT_TRANSLATION);
    set_t0sz(w, 63);
    assert_fault(w, 0, MMU_FAULT_TRANSLATION);
    w = begin(0, 48, false);
    *slot(w, 0, 3) = 0x1000 | AF | PAGE;
    assert_pa(w, 0, 0x1000);
    set_t0sz(w, 15);
    assert_fault(w, 0, MMU_FAULT_TRANSLATION);
    set_t0sz(w, 0);
    assert_fault(w, 0, MMU_FAULT_TRANSLATION);
}

static void test_tags(void)
{
    World *w = begin(0, 48, false);
    uint64_t tag = UINT64_C(0xa5) << 56;

    *slot(w, 0x1000, 3) = 0x5000 | AF | PAGE;
    assert_fault(w, tag | 0x1234, MMU_FAULT_TRANSLATION);
    w->regs.tcr |= UINT64_C(1) << 38;
    assert_fault(w, tag | 0x1234, MMU_FAULT_TRANSLATION);
    w->regs.tcr |= UINT64_C(1) << 37;
    assert_pa(w, tag | 0x1234, 0x5234);
    g_assert_cmphex(mmu_untag(&w->regs, tag | 0x1234), ==, 0x1234);
    /* Bits 55 to 48 are no tag. */
    assert_fault(w, UINT64_C(1) << 48 | 0x1234, MMU_FAULT_TRANSLATION);

    w = begin(0, 48, true);
    *slot(w, UINT64_C(0xfffffffffffff000), 3) = 0x5000 | AF | PAGE;
    w->regs.tcr |= UINT64_C(1) << 38;
    assert_pa(w, UINT64_C(0x12fffffffffff123), 0x5123);
    g_assert_cmphex(mmu_untag(&w->regs, UINT64_C(0x12fffffffffff123)), ==,
                    UINT64_C(0xfffffffffffff123));
}

/* ---- faults on the way ---- */

static void test_walk_abort(void)
{
    for (unsigned level = 0; level < 4; level++) {
        World *w = begin(0, 48, false);
        uint64_t va = sample_va(w);
        uint64_t *desc = slot(w, va, level);

        w->abort_at = MEMORY_BASE + (desc - w->memory) * 8;
        assert_fault(w, va, MMU_FAULT_WALK_ABORT + level);
    }
}

static void test_access_flag(void)
{
    for (unsigned level = 1; level < 4; level++) {
        World *w = begin(0, 48, false);
        uint64_t va = sample_va(w);

        *slot(w, va, level) = level == 3 ? PAGE : BLOCK;
        assert_fault(w, va, MMU_FAULT_ACCESS_FLAG + level);
    }
}

static void set_ips(World *w, unsigned ips)
{
    w->regs.tcr = (w->regs.tcr & ~(UINT64_C(7) << 32)) | (uint64_t)ips << 32;
}

static void test_address_size(void)
{
    static const unsigned bits[] = {32, 36, 40, 42, 44, 48, 48, 48};

    for (unsigned ips = 0; ips < 8; ips++) {
        World *w = begin(0, 48, false);
        uint64_t limit = UINT64_C(1) << bits[ips];

        set_ips(w, ips);
        *slot(w, 0x2000, 3) = (limit - 0x1000) | AF | PAGE;
        assert_pa(w, 0x2000, limit - 0x1000);
        if (bits[ips] == 48) {
            continue;
        }
        *slot(w, 0x1000, 3) = limit | AF | PAGE;
        assert_fault(w, 0x1000, MMU_FAULT_ADDRESS_SIZE + 3);
        /* Which comes before the access flag. */
        *slot(w, 0x1000, 3) = limit | PAGE;
        assert_fault(w, 0x1000, MMU_FAULT_ADDRESS_SIZE + 3);
        *slot(w, UINT64_C(0x40000000), 1) = limit | TABLE;
        assert_fault(w, UINT64_C(0x40000000), MMU_FAULT_ADDRESS_SIZE + 1);
        w->regs.ttbr0 |= limit;
        assert_fault(w, 0x2000, MMU_FAULT_ADDRESS_SIZE);
    }
}

static void test_phys_bits(void)
{
    World *w = begin(0, 48, false);

    w->regs.phys_bits = 40;
    *slot(w, 0x1000, 3) = UINT64_C(1) << 40 | AF | PAGE;
    *slot(w, 0x2000, 3) = UINT64_C(1) << 39 | AF | PAGE;
    assert_fault(w, 0x1000, MMU_FAULT_ADDRESS_SIZE + 3);
    assert_pa(w, 0x2000, UINT64_C(1) << 39);
}

/* ---- permissions ---- */

typedef struct Rights {
    uint64_t desc; /* AP[2:1] in bits 7:6, PXN, UXN */
    bool wxn;
    unsigned el0;
    unsigned el1;
    unsigned el1_pan;
} Rights;

#define AP(n) ((uint64_t)(n) << 6)
#define PXN (UINT64_C(1) << 53)
#define UXN (UINT64_C(1) << 54)

static const Rights rights[] = {
    {AP(0), false, X, R | W | X, R | W | X},
    {AP(1), false, R | W | X, R | W, 0},
    {AP(2), false, X, R | X, R | X},
    {AP(3), false, R | X, R | X, X},
    {AP(0) | UXN, false, 0, R | W | X, R | W | X},
    {AP(1) | UXN, false, R | W, R | W, 0},
    {AP(2) | UXN, false, 0, R | X, R | X},
    {AP(3) | UXN, false, R, R | X, X},
    {AP(0) | PXN, false, X, R | W, R | W},
    {AP(1) | PXN, false, R | W | X, R | W, 0},
    {AP(2) | PXN, false, X, R, R},
    {AP(3) | PXN, false, R | X, R, 0},
    {AP(0) | PXN | UXN, false, 0, R | W, R | W},
    {AP(3) | PXN | UXN, false, R, R, 0},
    {AP(0), true, X, R | W, R | W},
    {AP(1), true, R | W, R | W, 0},
    {AP(2), true, X, R | X, R | X},
    {AP(3), true, R | X, R | X, X},
};

static void assert_rights(World *w, uint64_t va, const Rights *r)
{
    MmuPage page;

    w->regs.sctlr = SCTLR_M | (r->wxn ? SCTLR_WXN : 0);
    g_assert_true(walk(w, va, &page));
    g_assert_cmphex(page.el0, ==, r->el0);
    g_assert_cmphex(page.el1, ==, r->el1);
    g_assert_cmphex(page.el1_pan, ==, r->el1_pan);
}

static void test_permissions(void)
{
    World *w = begin(0, 48, false);
    uint64_t va = sample_va(w);

    for (unsigned i = 0; i < G_N_ELEMENTS(rights); i++) {
        *slot(w, va, 3) = rights[i].desc | AF | PAGE;
        assert_rights(w, va, &rights[i]);
    }
}

#define PXN_TABLE (UINT64_C(1) << 59)
#define UXN_TABLE (UINT64_C(1) << 60)
#define AP_TABLE(n) ((uint64_t)(n) << 61)

/* Each limit at each level of table, on a page that everyone may do all to. */
static void test_table_permissions(void)
{
    static const Rights limits[] = {
        {0, false, R | W | X, R | W, 0},
        {PXN_TABLE, false, R | W | X, R | W, 0},
        {UXN_TABLE, false, R | W, R | W, 0},
        {AP_TABLE(1), false, X, R | W | X, R | W | X},
        {AP_TABLE(1) | PXN_TABLE, false, X, R | W, R | W},
        {AP_TABLE(2), false, R | X, R | X, X},
        {AP_TABLE(2) | UXN_TABLE | PXN_TABLE, false, R, R, 0},
        {AP_TABLE(3), false, X, R | X, R | X},
    };

    for (unsigned level = 0; level < 3; level++) {
        World *w = begin(0, 48, true);
        uint64_t va = sample_va(w);
        uint64_t plain;

        *slot(w, va, 3) = AP(1) | AF | PAGE;
        plain = *slot(w, va, level);
        for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++) {
            *slot(w, va, level) = plain | limits[i].desc;
            assert_rights(w, va, &limits[i]);
        }
    }
}

/* ---- attributes ---- */

static void test_attributes(void)
{
    World *w = begin(0, 48, false);
    MmuPage page;

    w->regs.mair = UINT64_C(0xbb0c08044400ff04);
    /* Index 0: device; the descriptor's own shareability is nothing. */
    *slot(w, 0, 3) = 3u << 8 | NG | AF | PAGE;
    g_assert_true(walk(w, 0, &page));
    g_assert_true(page.device && page.ng);
    g_assert_cmphex(page.attr, ==, 0x04);
    g_assert_cmpuint(page.sh, ==, 2);
    /* 1: write-back; 3: not cacheable. */
    *slot(w, 0, 3) = 3u << 8 | 1 << 2 | AF | PAGE;
    g_assert_true(walk(w, 0, &page));
    g_assert_false(page.device || page.ng);
    g_assert_cmphex(page.attr, ==, 0xff);
    g_assert_cmpuint(page.sh, ==, 3);
    *slot(w, 0, 3) = 3u << 8 | 3 << 2 | AF | PAGE;
    g_assert_true(walk(w, 0, &page));
    g_assert_false(page.device);
    g_assert_cmphex(page.attr, ==, 0x44);
    g_assert_cmpuint(page.sh, ==, 2);
    for (unsigned i = 4; i < 8; i++) {
        *slot(w, 0, 3) = i << 2 | AF | PAGE;
        g_assert_true(walk(w, 0, &page));
        g_assert_cmpint(page.device, ==, i != 7);
    }
    g_assert_cmphex(page.attr, ==, 0xbb);
}

/* A contiguous hint maps no more than the page has. */
static void test_contiguous(void)
{
    World *w = begin(0, 48, false);
    MmuPage page;

    *slot(w, 0, 3) = UINT64_C(1) << 52 | 0x10000 | AF | PAGE;
    g_assert_true(walk(w, 0, &page));
    g_assert_cmphex(page.page_size, ==, 0x1000);
    assert_fault(w, 0x1000, MMU_FAULT_TRANSLATION + 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mmu-walk/off", test_off);
    g_test_add_func("/mmu-walk/levels", test_levels);
    g_test_add_func("/mmu-walk/small-table", test_small_table);
    g_test_add_func("/mmu-walk/table-low-bits", test_table_low_bits);
    g_test_add_func("/mmu-walk/ranges", test_ranges);
    g_test_add_func("/mmu-walk/bad-sizes", test_bad_sizes);
    g_test_add_func("/mmu-walk/tags", test_tags);
    g_test_add_func("/mmu-walk/walk-abort", test_walk_abort);
    g_test_add_func("/mmu-walk/access-flag", test_access_flag);
    g_test_add_func("/mmu-walk/address-size", test_address_size);
    g_test_add_func("/mmu-walk/phys-bits", test_phys_bits);
    g_test_add_func("/mmu-walk/permissions", test_permissions);
    g_test_add_func("/mmu-walk/table-permissions", test_table_permissions);
    g_test_add_func("/mmu-walk/attributes", test_attributes);
    g_test_add_func("/mmu-walk/contiguous", test_contiguous);
    return g_test_run();
}
