/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-debug: self-hosted debug, that is breakpoints, watchpoints and software
 * step, at EL0 and EL1, by their registers. Arm ARM, D2.
 */
#include "el1.h"

#define MDSCR_SS (1u << 0)
#define MDSCR_KDE (1u << 13)
#define MDSCR_MDE (1u << 15)

#define BCR_E 1u
#define BCR_EL1 (1u << 1)
#define BCR_EL0 (2u << 1)
#define BCR_ANY (3u << 1)
#define BCR_BAS (15u << 5)
#define WCR_LOAD (1u << 3)
#define WCR_STORE (2u << 3)
#define WCR_BAS(n) ((n) << 5)
#define WCR_MASK(n) ((uint64_t)(n) << 24)

/* PSTATE.D is clear: what EL1 needs, and EL0 does not. */
#define EL1H_D (MODE_EL1H & ~PSTATE_D)

CODE(code_line, "nop\n\tadd x2, x2, #1\n\tadd x2, x2, #2\n\tadd x2, x2, #4");
CODE(code_loop, "mov x1, #10\n1:\tsub x1, x1, #1\n\tcbnz x1, 1b");
CODE(code_load, "nop\n\tldr x2, [x0]");
CODE(code_load_byte, "nop\n\tldrb w2, [x0]");
CODE(code_store, "nop\n\tstr x1, [x0]");
CODE(code_store_word, "nop\n\tstr w1, [x0]");
CODE(code_pair, "nop\n\tstp x1, x1, [x0]");
CODE(code_swap, ".arch_extension lse\n\tswp x1, x2, [x0]");

CODE(code_zva, "dc zva, x0");
CODE(code_ldtr, "ldtr x2, [x0]");
CODE(code_exclusive, "ldxr x2, [x0]\n\tnop");
CODE(code_svc, "nop\n\tsvc #5");
CODE(code_brk, "brk #6");
CODE(code_undefined, ".inst 0");
CODE(code_branch, "b 1f\n\tnop\n1:\tnop");

static Space space;
static uint64_t buffer; /* for EL0 and EL1, at the same address */

static void set_break(unsigned n, uint64_t address, uint64_t control)
{
    switch (n) {
    case 0:
        SYSREG_WRITE(dbgbvr0_el1, address);
        SYSREG_WRITE(dbgbcr0_el1, control);
        break;
    default:
        SYSREG_WRITE(dbgbvr1_el1, address);
        SYSREG_WRITE(dbgbcr1_el1, control);
    }
}

static void set_watch(uint64_t address, uint64_t control)
{
    SYSREG_WRITE(dbgwvr0_el1, address);
    SYSREG_WRITE(dbgwcr0_el1, control);
}

static void set_mdscr(uint64_t value)
{
    SYSREG_WRITE(mdscr_el1, value);
}

static void os_lock(bool on)
{
    SYSREG_WRITE(oslar_el1, on);
}

/* ---- breakpoints ---- */

static void breakpoint(const char *name, unsigned mode, uint64_t control)
{
    uint64_t at = (uint64_t)code_line + 8 + (mode & 4 ? 0 : USER_OFFSET);

    set_break(0, at, control);
    show(name, run(mode, code_line, 0, 0));
    set_break(0, 0, 0);
}

static void breakpoints(void)
{
    const uint64_t any = BCR_E | BCR_ANY | BCR_BAS;

    set_mdscr(MDSCR_MDE);
    breakpoint("break at el0", MODE_EL0, any);
    breakpoint("break at el0, for el0", MODE_EL0, BCR_E | BCR_EL0 | BCR_BAS);
    breakpoint("break at el0, for el1", MODE_EL0, BCR_E | BCR_EL1 | BCR_BAS);
    breakpoint("break at el0, D clear", MODE_EL0 & ~PSTATE_D, any);
    breakpoint("break at el0, not enabled", MODE_EL0, any & ~1ull);
    breakpoint("break at el1 without KDE", EL1H_D, any);
    set_mdscr(MDSCR_MDE | MDSCR_KDE);
    breakpoint("break at el1", EL1H_D, any);
    breakpoint("break at el1t", MODE_EL1T & ~PSTATE_D, any);
    breakpoint("break at el1, D set", MODE_EL1H, any);
    breakpoint("break at el1, for el0", EL1H_D, BCR_E | BCR_EL0 | BCR_BAS);
    breakpoint("break at el1, for el1", EL1H_D, BCR_E | BCR_EL1 | BCR_BAS);
    set_mdscr(MDSCR_KDE);
    breakpoint("break without MDE, el0", MODE_EL0, any);
    breakpoint("break without MDE, el1", EL1H_D, any);
    set_mdscr(MDSCR_MDE | MDSCR_KDE);
    os_lock(true);
    breakpoint("break with OS lock, el0", MODE_EL0, any);
    breakpoint("break with OS lock, el1", EL1H_D, any);
    show_number("OSLSR", SYSREG_READ(oslsr_el1) & 0xe);
    os_lock(false);
    show_number("OSLSR", SYSREG_READ(oslsr_el1) & 0xe);
    breakpoint("break again", EL1H_D, any);
}

/* Hit in a loop, and gone on from by taking it out. */
static void breaks_in_a_loop(void)
{
    uint64_t at = (uint64_t)code_loop + 4 + USER_OFFSET;
    const El1 *t;

    set_mdscr(MDSCR_MDE);
    show("before", run(MODE_EL0, code_loop, 0, 0));
    set_break(0, at, BCR_E | BCR_ANY | BCR_BAS);
    set_break(1, at + 4, BCR_E | BCR_ANY | BCR_BAS);
    for (unsigned i = 0; i < 3; i++) {
        t = run(MODE_EL0, code_loop, 0, 0);
        show("first", t);
        set_break(0, at, 0);
        t = run(MODE_EL0, code_loop, 0, 0);
        show("second", t);
        set_break(0, at, BCR_E | BCR_ANY | BCR_BAS);
    }
    set_break(0, 0, 0);
    set_break(1, 0, 0);
    show("after", run(MODE_EL0, code_loop, 0, 0));
}

/* ---- watchpoints ---- */

static void watch(const char *name, unsigned mode, const uint32_t *code,
                  int64_t offset)
{
    const El1 *t = run(mode, code, buffer + offset, 0x55);

    show(name, t);
    if (!is_done(t) && t->far != buffer + offset) {
        show_number("another FAR", t->far - buffer);
    }
}

static void watch_kinds(unsigned mode)
{
    write64(buffer, 0);
    set_watch(buffer, BCR_E | BCR_ANY | WCR_LOAD | WCR_BAS(0xff));
    watch("load, on loads", mode, code_load, 0);
    watch("store, on loads", mode, code_store, 0);
    write64(buffer, 0);
    set_watch(buffer, BCR_E | BCR_ANY | WCR_STORE | WCR_BAS(0xff));
    watch("load, on stores", mode, code_load, 0);
    watch("store, on stores", mode, code_store, 0);
    show_number("not stored", read64(buffer));
    watch("swp, on stores", mode, code_swap, 0);
    set_watch(buffer, BCR_E | BCR_ANY | WCR_LOAD | WCR_STORE | WCR_BAS(0xff));
    watch("load, on both", mode, code_load, 0);
    watch("store, on both", mode, code_store, 0);
    watch("exclusive load, on both", mode, code_exclusive, 0);
    watch("next word", mode, code_load, 8);
    watch("word before", mode, code_load, -8);
    watch("across its start", mode, code_load, -4);
}

static void watch_bytes(void)
{
    const unsigned mode = MODE_EL0;
    const uint64_t both = BCR_E | BCR_ANY | WCR_LOAD | WCR_STORE;

    for (unsigned i = 0; i < 8; i++) {
        set_watch(buffer, both | WCR_BAS(1u << i));
        for (unsigned at = 0; at < 8; at += 1 + (i & 1) * 2) {
            print("%s: byte %u watched, byte %u read: ", el1_name, i, at);
            print(is_done(run(mode, code_load_byte, buffer + at, 0)) ? "no\n"
                                                                     : "yes\n");
        }
    }
    set_watch(buffer, both | WCR_BAS(0xf0));
    watch("low word, high watched", mode, code_store_word, 0);
    watch("high word, high watched", mode, code_store_word, 4);
    watch("both, high watched", mode, code_store, 0);
    set_watch(buffer + 4, both | WCR_BAS(0x0f));
    watch("low word, at + 4", mode, code_store_word, 0);
    watch("high word, at + 4", mode, code_store_word, 4);
    set_watch(buffer + 8, both | WCR_BAS(0xff));
    watch("pair, its second half", mode, code_pair, 0);
    set_watch(buffer + 0x40, both | WCR_BAS(0xff) | WCR_MASK(6));
    watch("before the range", mode, code_load, 0x38);
    watch("range, first", mode, code_load, 0x40);
    watch("range, last", mode, code_load, 0x78);
    watch("behind the range", mode, code_load, 0x80);
    watch("dc zva of the range", mode, code_zva, 0x40);
}

static void watch_levels(void)
{
    const uint64_t any = WCR_LOAD | WCR_BAS(0xff) | BCR_E;

    set_watch(buffer, any | BCR_EL0);
    watch("for el0, at el0", MODE_EL0, code_load, 0);
    watch("for el0, at el1", EL1H_D, code_load, 0);
    watch("for el0, ldtr at el1", EL1H_D, code_ldtr, 0);
    set_watch(buffer, any | BCR_EL1);
    watch("for el1, at el0", MODE_EL0, code_load, 0);
    watch("for el1, at el1", EL1H_D, code_load, 0);
    watch("for el1, ldtr at el1", EL1H_D, code_ldtr, 0);
    watch("for el1, D set", MODE_EL1H, code_load, 0);
    set_mdscr(MDSCR_MDE);
    watch("for el1, without KDE", EL1H_D, code_load, 0);
    set_mdscr(MDSCR_KDE | MDSCR_MDE);
    os_lock(true);
    watch("OS lock", EL1H_D, code_load, 0);
    os_lock(false);
    set_watch(buffer, 0);
    watch("off", EL1H_D, code_load, 0);
}

static void watchpoints(void)
{
    set_mdscr(MDSCR_MDE | MDSCR_KDE);
    el1_context = "watch at el0";
    watch_kinds(MODE_EL0);
    el1_context = "watch at el1";
    watch_kinds(EL1H_D);
    el1_context = "watch";
    watch_bytes();
    watch_levels();
    el1_context = NULL;
}

/* ---- software step ---- */

static void step(const char *name, unsigned mode, const uint32_t *code)
{
    show(name, run(mode | PSTATE_SS, code, buffer, 1));
}

/* One instruction after the other, from where the last one ended. */
static void step_along(unsigned mode)
{
    uint64_t offset = mode & 4 ? 0 : USER_OFFSET;
    uint64_t pc = (uint64_t)code_loop + offset;
    unsigned n = 0;
    const El1 *t;
    uint64_t x1 = 0;

    do {
        t = run_at(mode | PSTATE_SS, pc, other_stack() + offset, 0, x1);
        x1 = t->x[1];
        pc = t->elr;
        n++;
        if (n < 4) {
            show("step along", t);
        }
    } while ((esr_class(t) & ~1u) == 0x32 && n < 100);
    show_number("instructions", n);
    show("the last", t);
}

static void steps(void)
{
    const unsigned modes[] = {MODE_EL0, EL1H_D};

    for (unsigned i = 0; i < 2; i++) {
        set_mdscr(MDSCR_SS | MDSCR_KDE);
        el1_context = i ? "el1" : "el0";
        step("step a nop", modes[i], code_line);
        show("step pending", run(modes[i], code_line, 0, 0));
        step("step a branch", modes[i], code_branch);
        step("step svc", modes[i], code_svc + 1);
        step("step brk", modes[i], code_brk);
        step("step undefined", modes[i], code_undefined);
        step("step ldxr", modes[i], code_exclusive);
        step("step a load", modes[i], code_load + 1);
        step_along(modes[i]);
        set_mdscr(MDSCR_KDE);
        step("SS without MDSCR.SS", modes[i], code_line);
        set_mdscr(MDSCR_SS);
        step("step without KDE", modes[i], code_line);
        set_mdscr(MDSCR_SS | MDSCR_KDE);
        os_lock(true);
        step("step with OS lock", modes[i], code_line);
        os_lock(false);
        if (i) {
            step("step with D", modes[i] | PSTATE_D, code_line);
        }
    }
    el1_context = NULL;
    /* A breakpoint on the instruction that is stepped comes first. */
    set_mdscr(MDSCR_SS | MDSCR_MDE | MDSCR_KDE);
    set_break(0, (uint64_t)code_line + USER_OFFSET, BCR_E | BCR_ANY | BCR_BAS);
    step("step to a breakpoint", MODE_EL0, code_line);
    show("pending step at a breakpoint", run(MODE_EL0, code_line, 0, 0));
    set_break(0, 0, 0);
    set_mdscr(0);
    show("no more", run(MODE_EL0, code_line, 0, 0));
}

static void registers(void)
{
    SYSREG_WRITE(dbgbvr0_el1, 0xfffffff012345677);
    show_number("DBGBVR0", SYSREG_READ(dbgbvr0_el1));
    SYSREG_WRITE(dbgbvr0_el1, 0);
    show_number("breakpoints, at least 2",
                (SYSREG_READ(id_aa64dfr0_el1) >> 12 & 15) >= 1);
    show_number("watchpoints, at least 2",
                (SYSREG_READ(id_aa64dfr0_el1) >> 20 & 15) >= 1);
    show_number("MDRAR", SYSREG_READ(mdrar_el1) & 3);
}

void payload_main(void)
{
    el1_name = "el1-debug";
    mmu_start(&space);
    buffer = 0xc0010000;
    map(&space, buffer, new_page(), 3, PTE_RAM | PTE_EL0);
    map(&space, buffer - 4096, new_page(), 3, PTE_RAM | PTE_EL0);
    tlbi_all();
    os_lock(false);
    registers();
    show("brk at el0", run(MODE_EL0, code_brk, 0, 0));
    breakpoints();
    breaks_in_a_loop();
    watchpoints();
    steps();
    print("%s: done\n", el1_name);
}
