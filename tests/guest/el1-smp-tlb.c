/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * el1-smp-tlb: one CPU takes a page away, or changes its code, while the others
 * use it. When DSB is over nobody has the page any more. Arm ARM, D8 and B2.
 */
#include "el1-cpus.h"

#define DEAD 0xdeadu
#define INSN_MOVZ 0xd2800000u
#define INSN_RET 0xd65f03c0u

/* Loads from x0, x1 times: x3 counts those of DEAD. */
CODE(code_reads, "mov x3, #0\n\tmov x4, #0xdead\n1:\tldr x2, [x0]\n\t"
                 "cmp x2, x4\n\tcinc x3, x3, eq\n\tsub x1, x1, #1\n\t"
                 "cbnz x1, 1b");
CODE(code_writes, "mov x4, #0xdead\n1:\tstr x4, [x0]\n\t"
                  "sub x1, x1, #1\n\tcbnz x1, 1b");
/* Calls x0, likewise. */
CODE(code_calls, "mov x3, #0\n\tmov x4, #0xdead\n\tmov x5, x0\n1:\tblr x5\n\t"
                 "cmp x0, x4\n\tcinc x3, x3, eq\n\tsub x1, x1, #1\n\t"
                 "cbnz x1, 1b");

static Space space;
static uint64_t page; /* physical */

#define VA 0xc0000000ul

static void tlbi_broadcast(unsigned kind)
{
    uint64_t arg = VA >> 12;

    __asm__ volatile("dsb ishst" ::: "memory");
    switch (kind % 3) {
    case 0:
        __asm__ volatile("tlbi vae1is, %0" ::"r"(arg));
        break;
    case 1:
        __asm__ volatile("tlbi vaale1is, %0" ::"r"(arg));
        break;
    default:
        __asm__ volatile("tlbi vmalle1is");
    }
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

static void map_page(void)
{
    map(&space, VA, page, 3, PTE_RAM | PTE_EL0);
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

static void map_code(void)
{
    map(&space, VA, page, 3, PTE_RAM | PTE_EL0 | PTE_RO);
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

static void unmap_page(unsigned kind)
{
    *descriptor(&space, VA, 3) = 0;
    tlbi_broadcast(kind);
}

static void patch(uint64_t at, uint32_t insn)
{
    write32(at, insn);
    __asm__ volatile(
        "dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at)
        : "memory");
}

/* What the others do until the first CPU is through. */
static void disturb(unsigned cpu, const uint32_t *code)
{
    while (!load_acquire(&flag[0])) {
        const El1 *t = run(cpu & 1 ? MODE_EL1H : MODE_EL0, code, VA, 500);

        if (t->x[3]) {
            add_exclusive(&wrong.v, t->x[3]);
        }
        if (!is_done(t) && (t->esr & 0x3f) != 7) {
            add_exclusive(&wrong.v, 1u << 20);
        }
        add_exclusive(&answer[cpu].v, 1);
    }
}

/* Everybody has got somewhere, so that there is something to see. */
static void let_others_run(void)
{
    for (unsigned i = 1; i < CPUS; i++) {
        uint64_t v = answer[i].v;

        while (load_acquire(&answer[i]) < v + 2) {
            relax();
        }
    }
}

static void task_unmap_reads(unsigned cpu)
{
    if (cpu) {
        disturb(cpu, code_reads);
        return;
    }
    for (unsigned i = 0; i < rounds; i++) {
        write64(page, i);
        map_page();
        if (i % 32 == 0) {
            let_others_run();
        }
        unmap_page(i);
        write64(page, DEAD);
    }
    store_release(&flag[0], 1);
}

/* After the DSB nobody writes to the page, either. */
static void task_unmap_writes(unsigned cpu)
{
    if (cpu) {
        disturb(cpu, code_writes);
        return;
    }
    for (unsigned i = 0; i < rounds; i++) {
        map_page();
        if (i % 32 == 0) {
            let_others_run();
        }
        unmap_page(i);
        write64(page, 0);
        if (i % 32 == 0) {
            let_others_run();
        }
        if (read64(page)) {
            add_exclusive(&wrong.v, 1);
        }
    }
    store_release(&flag[0], 1);
}

static void task_unmap_code(unsigned cpu)
{
    if (cpu) {
        disturb(cpu, code_calls);
        return;
    }
    for (unsigned i = 0; i < rounds; i++) {
        patch(page, INSN_MOVZ | (i & 0xff) << 5);
        write32(page + 4, INSN_RET);
        map_code();
        if (i % 32 == 0) {
            let_others_run();
        }
        unmap_page(i);
        patch(page, INSN_MOVZ | DEAD << 5);
    }
    store_release(&flag[0], 1);
}

CODE(code_call, "isb\n\tblr x0");

/* Code that is never older than what its writer has said. */
static void task_patch_code(unsigned cpu)
{
    if (cpu == 0) {
        for (unsigned i = 1; i <= rounds; i++) {
            patch(page, INSN_MOVZ | i << 5);
            store_release(&data[0], i);
            if (i % 32 == 0) {
                let_others_run();
            }
        }
        store_release(&flag[0], 1);
        return;
    }
    while (!load_acquire(&flag[0])) {
        uint64_t least = load_acquire(&data[0]);

        if (run(cpu & 1 ? MODE_EL1H : MODE_EL0, code_call, VA, 0)->x[0] <
            least) {
            add_exclusive(&wrong.v, 1);
        }
        add_exclusive(&answer[cpu].v, 1);
    }
}

/* Everybody waits for everybody, and for the machine. */
static void task_storm(unsigned cpu)
{
    for (unsigned i = 0; i < rounds / 4; i++) {
        tlbi_broadcast(i + cpu);
        read32(UART_FR);
        gic_read_iar();
        add_exclusive(&counter.v, 1);
    }
}

void payload_main(void)
{
    el1_name = "el1-smp-tlb";
    cpus_init(&space);
    page = new_page();
    /* All tables are there before anybody walks them. */
    *descriptor(&space, VA, 3) = 0;
    for (unsigned cpu = 1; cpu < CPUS; cpu++) {
        show_bool("on", cpu_start(cpu, cpus_follow));
    }
    cpus_enter();
    ordered("reads of a page that goes", task_unmap_reads);
    ordered("writes to a page that goes", task_unmap_writes);
    ordered("calls of a page that goes", task_unmap_code);
    patch(page, INSN_MOVZ);
    map_code();
    ordered("code that changes", task_patch_code);
    counted("tlbi storm", task_storm);
    print("%s: done\n", el1_name);
}
