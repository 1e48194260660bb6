/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library of the payloads el1-*.c: running code at an exception level,
 * translation tables, and the lines they print. Tables and pages are taken from
 * RAM behind the payload and never given back.
 */
#include "el1.h"

#define POOL_BASE 0x4a000000UL
#define POOL_SIZE 0x04000000UL
#define CHUNK 0x10000u

/* NZCV, PAN, SS, IL, DAIF, M: what Armv8.0 with PAN has. */
#define SPSR_BITS 0xf07003dfu

#define MAIR 0x44ff00u
/* Walks by normal cacheable memory, inner shareable. */
#define TCR_WALK (1u << 8 | 1u << 10 | 3u << 12)

const char *el1_name = "el1", *el1_context;

static El1 contexts[MAX_CPUS];
static uint8_t stacks[MAX_CPUS][1024] __attribute__((aligned(16)));
static uint64_t pool = POOL_BASE;

/* ---- running ---- */

uint64_t other_stack(void)
{
    return (uint64_t)stacks[this_cpu()] + sizeof(stacks[0]);
}

static El1 *start(unsigned spsr, uint64_t pc, uint64_t sp, uint64_t x0,
                  uint64_t x1, uint64_t x2)
{
    El1 *t = &contexts[this_cpu()];

    for (unsigned i = 3; i < 31; i++) {
        t->x[i] = 0;
    }
    t->x[0] = x0;
    t->x[1] = x1;
    t->x[2] = x2;
    t->pc = pc;
    el1_run(t, pc, spsr, sp);
    return t;
}

El1 *run_at(unsigned spsr, uint64_t pc, uint64_t sp, uint64_t x0, uint64_t x1)
{
    return start(spsr, pc, sp, x0, x1, 0);
}

El1 *run3(unsigned spsr, const uint32_t *code, uint64_t x0, uint64_t x1,
          uint64_t x2)
{
    uint64_t offset = 0;

    if (!(spsr & 0xc) && SYSREG_READ(sctlr_el1) & SCTLR_M) {
        offset = USER_OFFSET;
    }
    return start(spsr, (uint64_t)code + offset, other_stack() + offset, x0, x1,
                 x2);
}

El1 *run(unsigned spsr, const uint32_t *code, uint64_t x0, uint64_t x1)
{
    return run3(spsr, code, x0, x1, 0);
}

/* ---- lines ---- */

static const char *class_name(unsigned ec)
{
    static const struct {
        unsigned ec;
        const char *name;
    } names[] = {
        {0x00, "undefined"},
        {0x01, "wfx"},
        {0x07, "fp"},
        {0x0e, "illegal state"},
        {0x15, "svc"},
        {0x18, "sysreg"},
        {0x20, "iabt lower"},
        {0x21, "iabt"},
        {0x22, "pc alignment"},
        {0x24, "dabt lower"},
        {0x25, "dabt"},
        {0x26, "sp alignment"},
        {0x30, "breakpoint lower"},
        {0x31, "breakpoint"},
        {0x32, "step lower"},
        {0x33, "step"},
        {0x34, "watchpoint lower"},
        {0x35, "watchpoint"},
        {0x3c, "brk"},
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].ec == ec) {
            return names[i].name;
        }
    }
    return "another class";
}

static void show_fsc(unsigned fsc)
{
    static const char *const kinds[] = {"address size", "translation",
                                        "access flag", "permission"};

    if (fsc < 16) {
        print(" level %u %s", fsc & 3, kinds[fsc >> 2]);
    } else if (fsc == 0x21) {
        print(" alignment");
    } else {
        print(" fsc=%x", fsc);
    }
}

static void show_vector(const El1 *t)
{
    static const char *const from[] = {"el1t", "el1h", "el0", "aarch32"};
    static const char *const kind[] = {"sync", "irq", "fiq", "serror"};

    print(" %s %s", from[t->vector >> 2 & 3], kind[t->vector & 3]);
}

static void show_syndrome(const El1 *t)
{
    unsigned ec = esr_class(t);

    show_vector(t);
    if ((t->vector & 3) != VECTOR_SYNC) {
        return;
    }
    print(", %s", class_name(ec));
    if (ec == 0x20 || ec == 0x21 || ec == 0x24 || ec == 0x25) {
        show_fsc(t->esr & 0x3f);
    }
    print(", il=%u iss=%x", (unsigned)t->esr >> 25 & 1,
          (unsigned)t->esr & 0x1ffffff);
}

void begin_line(const char *name)
{
    print("%s: ", el1_name);
    if (el1_context) {
        print("%s: ", el1_context);
    }
    print("%s:", name);
}

void show(const char *name, const El1 *t)
{
    begin_line(name);
    if (is_done(t)) {
        print(" no exception");
    } else {
        show_syndrome(t);
    }
    print(", elr=%ld spsr=%lx\n", (int64_t)(t->elr - t->pc),
          t->spsr & SPSR_BITS);
}

void show_fault(const char *name, const El1 *t, uint64_t far)
{
    begin_line(name);
    if (is_done(t)) {
        print(" no exception\n");
        return;
    }
    show_syndrome(t);
    if (t->far == far) {
        print(", far\n");
    } else {
        print(", far=%lx\n", t->far);
    }
}

void show_number(const char *name, uint64_t value)
{
    begin_line(name);
    print(" %lx\n", value);
}

void show_bool(const char *name, bool ok)
{
    begin_line(name);
    print(" %s\n", ok ? "yes" : "no");
}

/* ---- translation ---- */

static uint64_t new_chunk(void)
{
    uint64_t chunk = pool;

    if (pool >= POOL_BASE + POOL_SIZE) {
        print("%s: no memory for tables\n", el1_name);
        power_off();
    }
    pool += CHUNK;
    for (uint64_t i = 0; i < CHUNK; i += 8) {
        write64(chunk + i, 0);
    }
    return chunk;
}

uint64_t new_page(void)
{
    return new_chunk();
}

void space_init(Space *space, unsigned granule, unsigned tsz)
{
    unsigned stride = granule - 3;
    unsigned bits = 64 - tsz - granule;

    *space = (Space){
        .granule = granule,
        .tsz = tsz,
        .level = 4 - (bits + stride - 1) / stride,
        .root = new_chunk(),
    };
}

volatile uint64_t *descriptor(Space *space, uint64_t va, unsigned level)
{
    unsigned stride = space->granule - 3;
    volatile uint64_t *table = (volatile uint64_t *)space->root;
    uint64_t rest = va & ((1ull << (64 - space->tsz)) - 1);

    for (unsigned l = space->level;; l++) {
        unsigned shift = space->granule + (3 - l) * stride;
        volatile uint64_t *entry = &table[rest >> shift];

        if (l == level) {
            return entry;
        }
        if (!(*entry & 1)) {
            *entry = new_chunk() | 3;
        }
        table = (volatile uint64_t *)(*entry & 0xfffffffff000);
        rest &= (1ull << shift) - 1;
    }
}

void map(Space *space, uint64_t va, uint64_t pa, unsigned level, uint64_t flags)
{
    *descriptor(space, va, level) = pa | flags | (level == 3 ? 3 : 1);
}

void map_machine(Space *space)
{
    uint64_t size = page_base(space, 2);

    for (uint64_t pa = 0; pa < PHYS_RAM; pa += size) {
        map(space, pa, pa, 2, PTE_DEVICE | PTE_AF | PTE_PXN | PTE_UXN);
    }
    for (uint64_t i = 0; i < RAM_SIZE; i += size) {
        uint64_t pa = PHYS_RAM + i;

        map(space, pa, pa, 2, PTE_RAM | PTE_UXN);
        map(space, pa + USER_OFFSET, pa, 2, PTE_RAM | PTE_EL0 | PTE_PXN);
    }
}

extern const uint8_t __data_start[];

void map_text(Space *space)
{
    uint64_t size = page_base(space, 2);
    uint64_t page = page_base(space, 3);

    *descriptor(space, PHYS_RAM, 2) = 0;
    *descriptor(space, PHYS_RAM + USER_OFFSET, 2) = 0;
    for (uint64_t pa = PHYS_RAM; pa < PHYS_RAM + size; pa += page) {
        uint64_t ro = pa < (uint64_t)__data_start ? PTE_RO : 0;

        map(space, pa, pa, 3, PTE_RAM | PTE_UXN | ro);
        map(space, pa + USER_OFFSET, pa, 3, PTE_RAM | PTE_EL0 | PTE_PXN | ro);
    }
}

uint64_t tcr_for(const Space *low, const Space *high)
{
    static const uint8_t tg0[] = {[12] = 0, [14] = 2, [16] = 1};
    static const uint8_t tg1[] = {[12] = 2, [14] = 1, [16] = 3};
    uint64_t tcr = TCR_IPS(2) | TCR_WALK | TCR_WALK << 16 | low->tsz |
                   (uint64_t)tg0[low->granule] << 14;

    if (!high) {
        return tcr | TCR_EPD1;
    }
    return tcr | (uint64_t)high->tsz << 16 | (uint64_t)tg1[high->granule] << 30;
}

static void barrier_and_flush(void)
{
    __asm__ volatile("dsb sy\n\ttlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
}

void mmu_use(const Space *low, const Space *high, uint64_t more_tcr)
{
    SYSREG_WRITE(sctlr_el1, SCTLR_BASE);
    barrier_and_flush();
    SYSREG_WRITE(mair_el1, MAIR);
    SYSREG_WRITE(tcr_el1, tcr_for(low, high) | more_tcr);
    SYSREG_WRITE(ttbr0_el1, low->root);
    SYSREG_WRITE(ttbr1_el1, high ? high->root : 0);
    barrier_and_flush();
    SYSREG_WRITE(sctlr_el1, SCTLR_BASE | SCTLR_M);
}

void mmu_start(Space *space)
{
    space_init(space, 12, 25);
    map_machine(space);
    mmu_use(space, NULL, 0);
}
