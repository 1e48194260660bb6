/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-tlb: after maintenance nothing of what was is left, in the TLB and in
 * whatever keeps instructions. Every page under test has a number, which is
 * read from it and which its code returns. What the architecture leaves open,
 * the time before TLBI and IC, is not looked at. Arm ARM, D8 and B2.
 */
#include "el1.h"

#define INSN_MOVZ 0xd2800000u
#define INSN_RET 0xd65f03c0u

CODE(code_load, "ldr x2, [x0]");
CODE(code_store, "str x1, [x0]");
CODE(code_call, "blr x0");
/* Calls x0 x1 times and adds up what it returns. */
CODE(code_call_often, "mov x2, x0\n\tmov x3, #0\n1:\tblr x2\n\t"
                      "add x3, x3, x0\n\tsub x1, x1, #1\n\tcbnz x1, 1b");
/* Writes instruction w1 to x0 through x2, and executes it at once. */
CODE(code_patch, "str w1, [x2]\n\tdc cvau, x0\n\tdsb ish\n\tic ivau, x0\n\t"
                 "dsb ish\n\tisb\n\tblr x0");
CODE(code_patch_all, "str w1, [x2]\n\tdc cvau, x0\n\tdsb ish\n\tic iallu\n\t"
                     "dsb ish\n\tisb\n\tblr x0");

static Space low, high;
static uint64_t pages[3]; /* physical */

static void barrier(void)
{
    __asm__ volatile("dsb sy\n\tisb" ::: "memory");
}

/* Code that returns n, and n itself. */
static void number_page(uint64_t pa, unsigned n)
{
    write32(pa, INSN_MOVZ | n << 5);
    write32(pa + 4, INSN_RET);
    write64(pa + 8, n);
    barrier();
    __asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
}

/* The number that is read at va, and that its code returns; or the fault. */
static void put_page(unsigned mode, uint64_t va)
{
    const El1 *t = run(mode, code_load, va + 8, 0);

    if (is_done(t)) {
        print(" %lu", t->x[2]);
    } else {
        print(" ec=%x,fsc=%x", esr_class(t), (unsigned)t->esr & 0x3f);
    }
    t = run(mode, code_call, va, 0);
    if (is_done(t)) {
        print("/%lu", t->x[0]);
    } else {
        print("/ec=%x,fsc=%x", esr_class(t), (unsigned)t->esr & 0x3f);
    }
}

static void show_page(const char *name, unsigned mode, uint64_t va)
{
    print("%s: %s:", el1_name, name);
    put_page(mode, va);
    print("\n");
}

/* ---- each TLBI ---- */

typedef void Tlbi(uint64_t va, unsigned asid);

#define TLBI_VA(name, insn)                                    \
    static void name(uint64_t va, unsigned asid)               \
    {                                                          \
        uint64_t arg = (va << 8 >> 20) | (uint64_t)asid << 48; \
                                                               \
        __asm__ volatile("dsb ishst\n\ttlbi " insn             \
                         ", %0\n\tdsb ish\n\tisb" ::"r"(arg)   \
                         : "memory");                          \
    }
#define TLBI_ALL(name, insn)                                               \
    static void name(uint64_t va, unsigned asid)                           \
    {                                                                      \
        __asm__ volatile("dsb ishst\n\ttlbi " insn "\n\tdsb ish\n\tisb" :: \
                             : "memory");                                  \
    }

TLBI_VA(vae1, "vae1")
TLBI_VA(vae1is, "vae1is")
TLBI_VA(vaae1, "vaae1")
TLBI_VA(vaae1is, "vaae1is")
TLBI_VA(vale1, "vale1")
TLBI_VA(vale1is, "vale1is")
TLBI_VA(vaale1, "vaale1")
TLBI_VA(vaale1is, "vaale1is")
TLBI_VA(aside1, "aside1")
TLBI_VA(aside1is, "aside1is")
TLBI_ALL(vmalle1, "vmalle1")
TLBI_ALL(vmalle1is, "vmalle1is")

static const struct {
    const char *name;
    Tlbi *tlbi;
    bool global; /* forgets global pages, too */
} tlbis[] = {
    {"vae1", vae1, true},       {"vae1is", vae1is, true},
    {"vaae1", vaae1, true},     {"vaae1is", vaae1is, true},
    {"vale1", vale1, true},     {"vale1is", vale1is, true},
    {"vaale1", vaale1, true},   {"vaale1is", vaale1is, true},
    {"aside1", aside1, false},  {"aside1is", aside1is, false},
    {"vmalle1", vmalle1, true}, {"vmalle1is", vmalle1is, true},
};
#define NUM_TLBIS (sizeof(tlbis) / sizeof(tlbis[0]))

/*
 * Break before make, over all pages. The TLBI names the page, or another
 * address within it: of its address the bits below the granule are ignored.
 */
static void remap(unsigned which, bool within, Space *space, unsigned level,
                  unsigned mode)
{
    uint64_t size = page_base(space, level), va = ~0ull << 44;
    uint64_t flags = PTE_RAM | PTE_EL0 | PTE_RO;

    flags |= tlbis[which].global ? 0 : PTE_NG;
    print("%s: tlbi %s%s, granule %u level %u:", el1_name, tlbis[which].name,
          within ? " within" : "", 1u << (space->granule - 10), level);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t page = pages[i % 3];
        uint64_t at = va + (page & (size - 1));

        map(space, va, page & -size, level, flags);
        barrier();
        put_page(mode, at);
        *descriptor(space, va, level) = 0;
        tlbis[which].tlbi(within ? va + ((i + 1) * 0x3456 & (size - 1)) : at,
                          0);
        put_page(mode, at);
    }
    print("\n");
}

static void each_tlbi(unsigned granule)
{
    space_init(&high, granule, 20);
    mmu_use(&low, &high, 0);
    for (unsigned i = 0; i < NUM_TLBIS; i++) {
        for (unsigned level = 2; level <= 3; level++) {
            for (unsigned within = 0; within < 2; within++) {
                remap(i, within, &high, level, MODE_EL0);
                remap(i, within, &high, level, MODE_EL1H);
            }
        }
    }
}

/* ---- what needs no TLBI, and what a TLBI of a table drops ---- */

static void tables(void)
{
    uint64_t va, table;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    va = ~0ull << 39;
    show_page("invalid", MODE_EL1H, va);
    map(&high, va, pages[0], 3, PTE_RAM & ~PTE_AF);
    barrier();
    show_page("valid, without AF", MODE_EL1H, va);
    *descriptor(&high, va, 3) |= PTE_AF;
    barrier();
    show_page("with AF", MODE_EL1H, va);
    *descriptor(&high, va, 3) |= PTE_RO;
    vae1(va, 0);
    show_fault("read-only: store", run(MODE_EL1H, code_store, va + 8, 0),
               va + 8);
    *descriptor(&high, va, 3) |= PTE_PXN;
    vae1(va, 0);
    show_page("PXN", MODE_EL1H, va);
    table = *descriptor(&high, va, 2);
    *descriptor(&high, va, 2) = 0;
    vae1(va, 0);
    show_page("without its table", MODE_EL1H, va);
    *descriptor(&high, va, 2) = table;
    map(&high, va, pages[1], 3, PTE_RAM);
    barrier();
    show_page("with its table", MODE_EL1H, va);
    map(&high, va, pages[0] & -page_base(&high, 2), 2, PTE_RAM);
    vae1(va, 0);
    show_page("by a block", MODE_EL1H,
              va + (pages[0] & (page_base(&high, 2) - 1)));
}

/* ---- ASIDs ---- */

#define VA_USER 0xc0000000ul   /* not global */
#define VA_SHARED 0xc0001000ul /* global */

static Space spaces[2];

static void use_space(unsigned n, unsigned asid)
{
    SYSREG_WRITE(ttbr0_el1, spaces[n].root | (uint64_t)asid << 48);
}

static void user_page(unsigned space, uint64_t pa)
{
    map(&spaces[space], VA_USER, pa, 3, PTE_RAM | PTE_EL0 | PTE_RO | PTE_NG);
}

static void asid_start(uint64_t tcr)
{
    for (unsigned i = 0; i < 2; i++) {
        space_init(&spaces[i], 12, 25);
        map_machine(&spaces[i]);
        user_page(i, pages[i]);
        map(&spaces[i], VA_SHARED, pages[2], 3, PTE_RAM | PTE_EL0 | PTE_RO);
    }
    mmu_use(&spaces[0], NULL, tcr);
}

static void asid_switches(const char *name, unsigned asid0, unsigned asid1)
{
    uint64_t sums[2] = {0, 0};

    for (unsigned i = 0; i < 200; i++) {
        use_space(i & 1, i & 1 ? asid1 : asid0);
        sums[i & 1] += run(MODE_EL0, code_call, VA_USER, 0)->x[0];
        sums[i & 1] += run(MODE_EL0, code_load, VA_USER + 8, 0)->x[2] << 16;
        sums[i & 1] += run(MODE_EL0, code_call, VA_SHARED, 0)->x[0] << 32;
    }
    print("%s: %s: %lx %lx\n", el1_name, name, sums[0], sums[1]);
}

/* Changes the space that is not in use; the TLBI names its ASID. */
static void asid_other(const char *name, Tlbi *tlbi)
{
    print("%s: tlbi %s of another ASID:", el1_name, name);
    for (unsigned i = 0; i < 4; i++) {
        use_space(0, 1);
        user_page(0, pages[i % 3]);
        vmalle1(0, 0);
        put_page(MODE_EL0, VA_USER);
        use_space(1, 2);
        put_page(MODE_EL0, VA_USER);
        *descriptor(&spaces[0], VA_USER, 3) = 0;
        tlbi(VA_USER, 1);
        put_page(MODE_EL0, VA_USER);
        use_space(0, 1);
        put_page(MODE_EL0, VA_USER);
    }
    print("\n");
    user_page(0, pages[0]);
    barrier();
}

/* A global page has no ASID, so any names it. */
static void asid_global(void)
{
    use_space(0, 1);
    show_page("global", MODE_EL0, VA_SHARED);
    map(&spaces[0], VA_SHARED, pages[1], 3, PTE_RAM | PTE_EL0 | PTE_RO);
    map(&spaces[1], VA_SHARED, pages[1], 3, PTE_RAM | PTE_EL0 | PTE_RO);
    vae1(VA_SHARED, 7);
    show_page("global, after vae1 of ASID 7", MODE_EL0, VA_SHARED);
    use_space(1, 2);
    show_page("global, by another ASID", MODE_EL0, VA_SHARED);
}

static void asids(void)
{
    asid_start(0);
    asid_switches("ASIDs of 8 bits", 1, 2);
    for (unsigned i = 0; i < NUM_TLBIS; i++) {
        asid_other(tlbis[i].name, tlbis[i].tlbi);
    }
    asid_global();
    asid_start(TCR_AS);
    asid_switches("ASIDs of 16 bits", 0x101, 0x201);
    asid_start(TCR_AS);
    asid_switches("ASIDs of 16 bits, the highest", 0xffff, 0x7fff);
    mmu_use(&low, NULL, 0);
}

/* TTBR1's ASID, with TCR_EL1.A1: what is not global in TTBR0 is of that. */
static void asid_by_ttbr1(void)
{
    uint64_t sums[2] = {0, 0};

    asid_start(TCR_A1);
    for (unsigned i = 0; i < 100; i++) {
        use_space(i & 1, 0);
        SYSREG_WRITE(ttbr1_el1, (uint64_t)(i % 2 + 5) << 48);
        sums[i & 1] += run(MODE_EL0, code_call, VA_USER, 0)->x[0];
        sums[i & 1] += run(MODE_EL0, code_load, VA_USER + 8, 0)->x[2] << 16;
    }
    print("%s: ASID of TTBR1: %lx %lx\n", el1_name, sums[0], sums[1]);
    mmu_use(&low, NULL, 0);
}

/* ---- instructions ---- */

/* A loop that calls a page which is another each time. */
static void remapped_code(void)
{
    uint64_t va = ~0ull << 39, sum = 0;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    for (unsigned i = 0; i < 2000; i++) {
        map(&high, va, pages[i % 3], 3, PTE_RAM | PTE_EL0 | PTE_RO);
        barrier();
        sum += run(i % 2 ? MODE_EL1H : MODE_EL0, code_call_often, va, 3)->x[3];
        *descriptor(&high, va, 3) = 0;
        vae1is(va, 0);
    }
    show_number("code of remapped pages", sum);
}

/* One page calls another by a direct branch; that one is remapped. */
static void remapped_target(void)
{
    uint64_t va = ~0ull << 39, caller = new_page(), sum = 0;

    write32(caller, 0x14000400); /* b +4096 */
    barrier();
    map(&high, va, caller, 3, PTE_RAM | PTE_EL0 | PTE_RO);
    for (unsigned i = 0; i < 2000; i++) {
        map(&high, va + 4096, pages[i % 3], 3, PTE_RAM | PTE_EL0 | PTE_RO);
        barrier();
        sum += run(MODE_EL0, code_call_often, va, 2)->x[3];
        *descriptor(&high, va + 4096, 3) = 0;
        vae1(va + 4096, 0);
    }
    show_number("target of a branch", sum);
    show_fault("without a target", run(MODE_EL0, code_call, va, 0), va + 4096);
    *descriptor(&high, va, 3) = 0;
    vae1(va, 0);
}

static void patched(const char *name, const uint32_t *code, unsigned mode,
                    uint64_t va, uint64_t alias)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 2000; i++) {
        uint32_t insn = INSN_MOVZ | (i & 0xfff) << 5;
        const El1 *t = run3(mode, code, va, insn, alias);

        sum += is_done(t) ? t->x[0] : 1000000;
    }
    show_number(name, sum);
}

static void patched_code(void)
{
    uint64_t va = ~0ull << 39, pa = new_page(), alias = va + 0x5000;
    uint64_t user = pa + USER_OFFSET;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    number_page(pa, 0);
    map(&high, va, pa, 3, PTE_RAM);
    map(&high, alias, pa, 3, PTE_RAM | PTE_PXN | PTE_UXN);
    barrier();
    patched("patched code at el1", code_patch, MODE_EL1H, va, va);
    patched("by IC IALLU", code_patch_all, MODE_EL1H, va, va);
    patched("through another address", code_patch, MODE_EL1H, va, alias);
    patched("by IC IALLU, too", code_patch_all, MODE_EL1H, va, alias);
    patched("through RAM's own", code_patch, MODE_EL1H, va, pa);
    patched("at el0", code_patch, MODE_EL0, user, user);
    *descriptor(&high, va, 3) |= PTE_EL0;
    *descriptor(&high, alias, 3) |= PTE_EL0;
    tlbi_all();
    patched("at el0, twice mapped", code_patch, MODE_EL0, va, alias);
}

/* Data beside code: a page that is written and executed in turns. */
static void mixed_page(void)
{
    uint64_t va = ~0ull << 39, pa = new_page(), sum = 0;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    number_page(pa, 3);
    map(&high, va, pa, 3, PTE_RAM);
    barrier();
    for (unsigned i = 0; i < 2000; i++) {
        run(MODE_EL1H, code_store, va + 8 + i % 500 * 8, i);
        sum += run(MODE_EL1H, code_call, va, 0)->x[0];
        sum += run(MODE_EL1H, code_load, va + 8 + i % 500 * 8, 0)->x[2];
    }
    show_number("data beside code", sum);
}

/* ---- regimes ---- */

static void regimes(void)
{
    uint64_t va = VA_USER;

    map(&low, va, pages[0], 3, PTE_RAM | PTE_EL0 | PTE_RO);
    mmu_use(&low, NULL, 0);
    show_page("MMU on", MODE_EL1H, va);
    SYSREG_WRITE(sctlr_el1, SCTLR_BASE);
    show_number("MMU off", read64(pages[1] + 8));
    SYSREG_WRITE(sctlr_el1, SCTLR_BASE | SCTLR_M);
    show_page("MMU on", MODE_EL1H, va);
    *descriptor(&low, va, 3) = 0;
    vae1(va, 0);
}

void payload_main(void)
{
    static const uint8_t granules[] = {12, 14, 16};

    el1_name = "el1-tlb";
    mmu_start(&low);
    for (unsigned i = 0; i < 3; i++) {
        pages[i] = new_page();
        number_page(pages[i], i + 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        each_tlbi(granules[i]);
    }
    tables();
    asids();
    asid_by_ttbr1();
    remapped_code();
    remapped_target();
    patched_code();
    mixed_page();
    regimes();
    print("%s: done\n", el1_name);
}
