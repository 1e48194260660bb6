/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-mmu: stage 1 of translation. Each line is what every kind of access to an
 * address comes to: "ok", or the fault (translation, permission, flag of
 * access, address size) and its level. Tables under test are mostly
 * TTBR1_EL1's, while the program itself goes by TTBR0_EL1. Arm ARM, D8.
 */
#include "el1.h"

#define PATTERN 0x1122334455667788ull
#define INSN_DONE 0xd401a1c1u /* svc #0xd0e */

CODE(code_load, "ldr x2, [x0]");
CODE(code_store, "str x1, [x0]");
CODE(code_ldtr, "ldtr x2, [x0]");
CODE(code_sttr, "sttr x1, [x0]");
CODE(code_branch, "br x0");
CODE(code_blr, "blr x0");
CODE(code_ret, "ret x0");
CODE(code_load_word, "ldr w2, [x0]");
CODE(code_load_pair, "ldp x2, x3, [x0]");
CODE(code_store_half, "strh w1, [x0]");
CODE(code_ldxr, "ldxr x2, [x0]");
CODE(code_ldar, "ldar x2, [x0]");
CODE(code_stlr, "stlr x1, [x0]");
CODE(code_zva, "dc zva, x0");
CODE(code_civac, "dc civac, x0");
CODE(code_ivac, "dc ivac, x0");

/* Run by TTBR1_EL1: AT of x0 with the bits x1 in TCR_EL1. */
CODE(code_at_tcr, "mrs x3, tcr_el1\n\torr x4, x3, x1\n\tmsr tcr_el1, x4\n\t"
                  "isb\n\ttlbi vmalle1\n\tdsb ish\n\tisb\n\t"
                  "at s1e1r, x0\n\tisb\n\tmrs x2, par_el1\n\t"
                  "msr tcr_el1, x3\n\tisb\n\ttlbi vmalle1\n\tdsb ish\n\t"
                  "isb");

static Space low, high;
static uint64_t page; /* physical: INSN_DONE, and PATTERN at 8 */

/* ---- one line of accesses ---- */

static void put_fault(unsigned fsc)
{
    static const char kinds[] = "stfp";

    if (fsc < 16) {
        print("%c%u", kinds[fsc >> 2], fsc & 3);
    } else {
        print("%x", fsc);
    }
}

/* A fault of data: by its class, WnR and FAR, else all that is known. */
static void put_data(const El1 *t, unsigned mode, uint64_t va, bool write)
{
    unsigned ec = mode & 4 ? 0x25 : 0x24;
    unsigned iss = t->esr & 0x1ffffff;

    if (is_done(t)) {
        print(write || t->x[2] == PATTERN ? "ok" : "wrong");
    } else if (esr_class(t) == ec && (iss & ~0x3fu) == (write ? 0x40 : 0) &&
               t->far == va && t->elr == t->pc) {
        put_fault(iss & 0x3f);
    } else {
        print("esr=%lx,far=%lx", t->esr, t->far);
    }
}

static void put_fetch(const El1 *t, unsigned mode, uint64_t va)
{
    unsigned ec = mode & 4 ? 0x21 : 0x20;
    unsigned iss = t->esr & 0x1ffffff;

    if (is_done(t) && t->elr == va + 4) {
        print("ok");
    } else if (esr_class(t) == ec && iss < 0x40 && t->far == va &&
               t->elr == va) {
        put_fault(iss);
    } else {
        print("esr=%lx,far=%lx,elr=%lx", t->esr, t->far, t->elr);
    }
}

static void put_level(const char *name, unsigned mode, uint64_t va)
{
    uint64_t data = va + 8;

    print(" %s ", name);
    put_data(run(mode, code_load, data, 0), mode, data, false);
    print(" ");
    put_data(run(mode, code_store, data, PATTERN), mode, data, true);
    print(" ");
    put_fetch(run_at(mode, va, other_stack(), 0, 0), mode, va);
}

static void put_unprivileged(uint64_t va)
{
    uint64_t data = va + 8;

    print(" ldtr ");
    put_data(run(MODE_EL1H, code_ldtr, data, 0), MODE_EL1H, data, false);
    print(" sttr ");
    put_data(run(MODE_EL1H, code_sttr, data, PATTERN), MODE_EL1H, data, true);
}

static void put_par(void)
{
    uint64_t par = SYSREG_READ(par_el1);

    print(" ");
    if (!(par & 1)) {
        print((par & 0xfffffffff000) == page ? "ok" : "wrong");
    } else if ((par & ~0x7full) == 0x800) {
        put_fault(par >> 1 & 0x3f);
    } else {
        print("%lx", par);
    }
}

static void put_at(uint64_t va)
{
    print(" at");
    __asm__ volatile("at s1e1r, %0\n\tisb" ::"r"(va) : "memory");
    put_par();
    __asm__ volatile("at s1e1w, %0\n\tisb" ::"r"(va) : "memory");
    put_par();
    __asm__ volatile("at s1e0r, %0\n\tisb" ::"r"(va) : "memory");
    put_par();
    __asm__ volatile("at s1e0w, %0\n\tisb" ::"r"(va) : "memory");
    put_par();
}

/* Read, write and execute at each level; LDTR, STTR; AT. */
static void probe(const char *name, uint64_t va)
{
    tlbi_all();
    print("%s: %s:", el1_name, name);
    put_level("el0", MODE_EL0, va);
    put_level("el1", MODE_EL1H, va);
    put_level("pan", MODE_EL1H | PSTATE_PAN, va);
    put_unprivileged(va);
    put_at(va);
    print("\n");
}

static void probe_level(const char *what, unsigned granule, unsigned tsz,
                        unsigned level, uint64_t va)
{
    print("%s: granule %u tsz %u level %u\n", el1_name, 1u << (granule - 10),
          tsz, level);
    probe(what, va);
}

/* ---- granules, sizes, levels ---- */

static bool is_leaf_level(unsigned granule, unsigned level)
{
    return level >= 2 || (level == 1 && granule == 12);
}

/* The lowest address of the upper half. */
static uint64_t high_base(const Space *space)
{
    return ~0ull << (64 - space->tsz);
}

/* Where the page is in a leaf of @level at the @index-th multiple of its size
 */
static uint64_t map_leaf(Space *space, uint64_t base, unsigned level,
                         uint64_t flags)
{
    uint64_t size = page_base(space, level);

    map(space, base, page & -size, level, flags);
    return base + (page & (size - 1));
}

static void levels_of(unsigned granule, unsigned tsz)
{
    uint64_t va, base;

    space_init(&high, granule, tsz);
    mmu_use(&low, &high, 0);
    for (unsigned level = high.level; level <= 3; level++) {
        base = high_base(&high);
        if (is_leaf_level(granule, level)) {
            /* The last of the table: all index bits are used. */
            base += (1ull << (64 - tsz)) - page_base(&high, level);
            va = map_leaf(&high, base, level, PTE_RAM | PTE_EL0);
            probe_level("read-write for el0", granule, tsz, level, va);
            map_leaf(&high, base, level, PTE_RAM | PTE_RO | PTE_UXN);
            probe_level("read-only for el1", granule, tsz, level, va);
            map_leaf(&high, base, level, (PTE_RAM & ~PTE_AF) | PTE_EL0);
            probe_level("without AF", granule, tsz, level, va);
            *descriptor(&high, base, level) &= ~1ull;
        } else {
            va = base + (page & 0xffff);
            *descriptor(&high, base, level) = page | PTE_RAM | PTE_EL0 | 1;
            probe_level("no block", granule, tsz, level, va);
            *descriptor(&high, base, level) = 0;
        }
        probe_level("invalid", granule, tsz, level, va);
    }
    probe("below the upper half", high_base(&high) - 0x10000);
}

static void levels(void)
{
    static const uint8_t granules[] = {12, 14, 16};
    static const uint8_t sizes[] = {16, 17, 20, 25, 28, 31, 33, 34, 39};

    for (unsigned g = 0; g < sizeof(granules); g++) {
        for (unsigned i = 0; i < sizeof(sizes); i++) {
            levels_of(granules[g], sizes[i]);
        }
    }
}

/* The program itself by another granule. */
static void low_levels(void)
{
    static const uint8_t granules[] = {12, 14, 16};
    static const uint8_t sizes[] = {16, 20, 25, 28, 32};
    static Space space;

    for (unsigned g = 0; g < sizeof(granules); g++) {
        for (unsigned i = 0; i < sizeof(sizes); i++) {
            uint64_t end = 1ull << (64 - sizes[i]);
            uint64_t va;

            space_init(&space, granules[g], sizes[i]);
            map_machine(&space);
            mmu_use(&space, NULL, 0);
            va = map_leaf(&space, end - page_base(&space, 3), 3,
                          PTE_RAM | PTE_EL0 | PTE_RO);
            probe_level("low, read-only for el0", granules[g], sizes[i], 3, va);
            probe("low, too high", end + (va & 0xffff));
            probe("in the upper half with EPD1", -(int64_t)0x10000);
        }
    }
}

/* EPD0 takes away what the program itself goes by. */
static void no_low_walks(void)
{
    uint64_t pa = (uint64_t)code_at_tcr, va;
    const El1 *t;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    va = high_base(&high) + (pa & 0xfff);
    map(&high, high_base(&high), pa & -4096ul, 3, PTE_RAM | PTE_RO);
    map(&high, high_base(&high) + 4096, (pa & -4096ul) + 4096, 3,
        PTE_RAM | PTE_RO);
    t = run_at(MODE_EL1H, va, other_stack(), page, 0);
    show_bool("EPD0 0", is_done(t) && (t->x[2] & 0xfffffffff001) == page);
    t = run_at(MODE_EL1H, va, other_stack(), page, TCR_EPD0);
    show_number("EPD0 1, PAR", t->x[2]);
}

/* ---- permissions ---- */

static void permissions_of(const char *what)
{
    uint64_t va = high_base(&high);

    for (unsigned i = 0; i < 16; i++) {
        uint64_t flags = (i & 1 ? PTE_EL0 : 0) | (i & 2 ? PTE_RO : 0) |
                         (i & 4 ? PTE_UXN : 0) | (i & 8 ? PTE_PXN : 0);

        map(&high, va, page, 3, PTE_RAM | flags);
        print("%s: %s, AP %u UXN %u PXN %u\n", el1_name, what, i & 3,
              i >> 2 & 1, i >> 3);
        probe("page", va);
    }
}

static void table_bits(void)
{
    uint64_t va = high_base(&high);
    volatile uint64_t *entry;

    for (unsigned level = 1; level < 3; level++) {
        map(&high, va, page, 3, PTE_RAM | PTE_EL0);
        entry = descriptor(&high, va, level);
        for (unsigned i = 1; i < 16; i++) {
            *entry |= (uint64_t)i << 59;
            print("%s: table of level %u, APTable %u UXNTable %u PXNTable %u\n",
                  el1_name, level, i >> 2, i >> 1 & 1, i & 1);
            probe("read-write page", va);
            map(&high, va, page, 3, PTE_RAM | PTE_EL0 | PTE_RO);
            probe("read-only page", va);
            map(&high, va, page, 3, PTE_RAM | PTE_EL0);
            *entry &= ~(15ull << 59);
        }
    }
}

static void permissions(void)
{
    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    permissions_of("WXN 0");
    map(&high, high_base(&high), page, 3, PTE_RAM | PTE_EL0);
    tlbi_all();
    show_fault("ldtr with PAN",
               run(MODE_EL1H | PSTATE_PAN, code_ldtr, high_base(&high), 0),
               high_base(&high));
    table_bits();
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) | SCTLR_WXN);
    tlbi_all();
    permissions_of("WXN 1");
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) & ~(uint64_t)SCTLR_WXN);
    tlbi_all();
}

/* ---- what is wrong with a descriptor ---- */

static void bad_descriptors(void)
{
    uint64_t va;

    space_init(&high, 12, 16);
    mmu_use(&low, &high, 0);
    va = high_base(&high);
    map(&high, va, page, 3, PTE_RAM | PTE_EL0);
    probe("good", va);
    *descriptor(&high, va, 3) &= ~2ull;
    probe("level 3 with bit 1 clear", va);
    for (unsigned bits = 32, ips = 0; ips < 2; ips++, bits += 4) {
        mmu_use(&low, &high, 0);
        SYSREG_WRITE(tcr_el1,
                     (tcr_for(&low, &high) & ~TCR_IPS(7)) | TCR_IPS(ips));
        print("%s: %u bits of output\n", el1_name, bits);
        for (unsigned level = 0; level <= 3; level++) {
            volatile uint64_t *entry;

            map(&high, va, page, 3, PTE_RAM | PTE_EL0);
            entry = descriptor(&high, va, level);
            *entry |= 1ull << bits;
            probe("address size", va);
            *entry &= ~(1ull << bits);
        }
        map(&high, va, page & -page_base(&high, 2), 2, PTE_RAM | PTE_EL0);
        *descriptor(&high, va, 2) |= 1ull << bits;
        probe("address size of a block", va);
        *descriptor(&high, va, 2) = 0;
        SYSREG_WRITE(ttbr1_el1, high.root | 1ull << bits);
        probe("address size of TTBR1", va);
    }
}

/* Nothing is at this physical address on the machine. */
#define NOWHERE 0x0f800000ul

static void walk_aborts(void)
{
    uint64_t va;

    space_init(&high, 12, 16);
    mmu_use(&low, &high, 0);
    va = high_base(&high);
    for (unsigned level = 0; level < 3; level++) {
        uint64_t saved;

        map(&high, va, page, 3, PTE_RAM | PTE_EL0);
        saved = *descriptor(&high, va, level);
        *descriptor(&high, va, level) = NOWHERE | PTE_TABLE;
        tlbi_all();
        show_fault("table nowhere", run(MODE_EL1H, code_load, va, 0), va);
        show_fault("table nowhere", run(MODE_EL1H, code_store, va, 0), va);
        show_fault("table nowhere", run_at(MODE_EL0, va, 0, 0, 0), va);
        *descriptor(&high, va, level) = saved;
    }
}

/* ---- tags ---- */

static void branch(const char *name, unsigned mode, const uint32_t *code,
                   uint64_t to, uint64_t want)
{
    El1 *t =
        code ? run(mode, code, to, 0) : run_at(mode, to, other_stack(), 0, 0);
    bool done = is_done(t);

    print("%s: %s: %s at ", el1_name, name, done ? "went on" : "iabt");
    if (!done) {
        put_fault(t->esr & 0x3f);
        print(t->far == want ? " far" : " far=%lx", t->far);
    }
    print(t->elr == want + (done ? 4 : 0) ? " elr\n" : " elr=%lx\n", t->elr);
}

static void tagged_branches(uint64_t tagged, uint64_t want)
{
    static const unsigned modes[] = {MODE_EL0, MODE_EL1H};

    for (unsigned i = 0; i < 2; i++) {
        branch("br", modes[i], code_branch, tagged, want);
        branch("blr", modes[i], code_blr, tagged, want);
        branch("ret", modes[i], code_ret, tagged, want);
        branch("eret", modes[i], NULL, tagged, want);
    }
}

static void tags(void)
{
    uint64_t tag = 0x5aull << 56, mask = 0xffull << 56;
    uint64_t va, user = 0xc0000000;

    space_init(&high, 12, 25);
    va = high_base(&high);
    map(&high, va, page, 3, PTE_RAM | PTE_EL0 | PTE_RO);
    map(&low, user, page, 3, PTE_RAM | PTE_EL0 | PTE_RO);
    for (unsigned tbi = 0; tbi < 4; tbi++) {
        print("%s: TBI0 %u TBI1 %u\n", el1_name, tbi & 1, tbi >> 1);
        mmu_use(&low, &high,
                (tbi & 1 ? TCR_TBI0 : 0) | (tbi & 2 ? TCR_TBI1 : 0));
        show_fault("low", run(MODE_EL0, code_load, tag | user, 0), tag | user);
        show_fault("low", run(MODE_EL1H, code_load, tag | user, 0), tag | user);
        show_fault("low store", run(MODE_EL0, code_store, tag | user, 0),
                   tag | user);
        show_fault("high", run(MODE_EL0, code_load, (va & ~mask) | tag, 0),
                   (va & ~mask) | tag);
        show_fault("high", run(MODE_EL1H, code_load, (va & ~mask) | tag, 0),
                   (va & ~mask) | tag);
        show_fault("high, not mapped",
                   run(MODE_EL1H, code_load, ((va & ~mask) | tag) + 4096, 0),
                   ((va & ~mask) | tag) + 4096);
        show_fault("not canonical by bit 55",
                   run(MODE_EL1H, code_load, va & ~(1ull << 55), 0),
                   va & ~(1ull << 55));
        tagged_branches(tag | user, tbi & 1 ? user : tag | user);
        tagged_branches((va & ~mask) | tag, tbi & 2 ? va : (va & ~mask) | tag);
    }
    *descriptor(&low, user, 3) = 0;
}

/* ---- alignment ---- */

static void unaligned(const char *what, uint64_t va)
{
    static const struct {
        const char *name;
        const uint32_t *code;
    } insns[] = {
        {"ldr x", code_load},      {"ldr w", code_load_word},
        {"ldp", code_load_pair},   {"str", code_store},
        {"strh", code_store_half}, {"ldtr", code_ldtr},
        {"ldar", code_ldar},       {"stlr", code_stlr},
        {"ldxr", code_ldxr},
    };

    el1_context = what;
    for (unsigned i = 0; i < sizeof(insns) / sizeof(insns[0]); i++) {
        show_fault(insns[i].name, run(MODE_EL1H, insns[i].code, va, 0), va);
    }
    el1_context = NULL;
}

static void alignment(void)
{
    uint64_t va, next, wild;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    va = high_base(&high);
    next = va + 4096;
    wild = va + 0x40000000;
    map(&high, va, page, 3, PTE_RAM | PTE_EL0);
    map(&high, va + 0x2000, page, 3, PTE_DEVICE | PTE_AF);
    map(&high, va + 0x3000, page, 3, PTE_NC | PTE_AF);
    unaligned("aligned", va + 16);
    unaligned("unaligned, 1", va + 17);
    unaligned("unaligned, 4", va + 20);
    unaligned("unaligned, not cacheable", va + 0x3011);
    unaligned("unaligned, not mapped", wild + 1);
    unaligned("across to an invalid page, 8", next - 8);
    show_fault("across, ldr", run(MODE_EL1H, code_load, next - 4, 0), next);
    show_fault("across, str", run(MODE_EL1H, code_store, next - 1, 0), next);
    show_fault("across, ldp", run(MODE_EL1H, code_load_pair, next - 8, 0),
               next);
    unaligned("aligned, device", va + 0x2010);
    unaligned("unaligned, device", va + 0x2011);
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) | SCTLR_A);
    unaligned("aligned, with A", va + 16);
    unaligned("unaligned, with A", va + 17);
    unaligned("unaligned by 4, with A", va + 20);
    unaligned("unaligned and not mapped, with A", wild + 1);
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) & ~(uint64_t)SCTLR_A);
    unaligned("unaligned again", va + 17);
}

/* ---- maintenance by address ---- */

static void maintenance(void)
{
    uint64_t va;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    va = high_base(&high);
    map(&high, va, new_page(), 3, PTE_RAM | PTE_EL0);
    map(&high, va + 0x1000, page, 3, PTE_RAM | PTE_EL0 | PTE_RO);
    map(&high, va + 0x2000, page, 3, PTE_DEVICE | PTE_AF | PTE_EL0);
    map(&high, va + 0x4000, page, 3, PTE_RAM);
    write64(va + 0x40, PATTERN);
    write64(va + 0x78, PATTERN);
    write64(va + 0x80, PATTERN);
    show_fault("dc zva", run(MODE_EL0, code_zva, va + 0x47, 0), va);
    show_number("zeroed", read64(va + 0x40) | read64(va + 0x78));
    show_number("kept", read64(va + 0x80));
    show_fault("dc zva, read-only", run(MODE_EL0, code_zva, va + 0x1047, 0),
               va + 0x1047);
    show_fault("dc zva, device", run(MODE_EL1H, code_zva, va + 0x2040, 0),
               va + 0x2040);
    show_fault("dc zva, not mapped", run(MODE_EL1H, code_zva, va + 0x3047, 0),
               va + 0x3047);
    show_fault("dc zva at el0, el1's", run(MODE_EL0, code_zva, va + 0x4040, 0),
               va + 0x4040);
    show_fault("dc civac", run(MODE_EL0, code_civac, va + 0x47, 0), va);
    show_fault("dc civac, not mapped",
               run(MODE_EL1H, code_civac, va + 0x3047, 0), va + 0x3047);
    show_fault("dc civac at el0, el1's",
               run(MODE_EL0, code_civac, va + 0x4040, 0), va + 0x4040);
    show_fault("dc ivac", run(MODE_EL1H, code_ivac, va + 0x4040, 0),
               va + 0x4040);
    show_fault("dc ivac, read-only", run(MODE_EL1H, code_ivac, va + 0x1047, 0),
               va + 0x1047);
    show_fault("dc civac, read-only",
               run(MODE_EL1H, code_civac, va + 0x1047, 0), va + 0x1047);
}

static void attributes(void)
{
    uint64_t va;

    space_init(&high, 12, 25);
    mmu_use(&low, &high, 0);
    va = high_base(&high);
    for (unsigned attr = 0; attr < 3; attr++) {
        for (unsigned sh = 0; sh < 4; sh += sh ? 1 : 2) {
            map(&high, va, page, 3,
                PTE_ATTR(attr) | PTE_AF | (uint64_t)sh << 8);
            tlbi_all();
            __asm__ volatile("at s1e1r, %0\n\tisb" ::"r"(va) : "memory");
            print("%s: attributes %u sh %u: attr=%lx sh=%lx\n", el1_name, attr,
                  sh, SYSREG_READ(par_el1) >> 56,
                  SYSREG_READ(par_el1) >> 7 & 3);
        }
    }
}

void payload_main(void)
{
    el1_name = "el1-mmu";
    page = new_page();
    write32(page, INSN_DONE);
    write64(page + 8, PATTERN);
    mmu_start(&low);
    map_text(&low);
    tlbi_all();
    levels();
    low_levels();
    no_low_walks();
    permissions();
    bad_descriptors();
    walk_aborts();
    tags();
    alignment();
    maintenance();
    attributes();
    print("%s: done\n", el1_name);
}
