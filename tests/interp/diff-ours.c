/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our side of the differential test: runs the cases of diff-format.h on the
 * software CPU. The machine is one vCPU without a thread and without a bus of
 * devices: RAM where the cases have theirs, and tables that map it for EL0 and
 * nothing else. A case begins by an exception return and ends by the exception
 * that takes it back to EL1, of which not an instruction is run.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff-format.h"
#include "hw/core/memory.h"
#include "../../accel/interp/block.h"
#include "../../accel/interp/cpu.h"
#include "../../accel/interp/interp.h"
#include "../../accel/interp/work.h"
#include "util/error.h"
#include "util/log.h"
#include "util/main-loop.h"

#define RAM DIFF_CODE
#define RAM_SIZE (DIFF_ROM + DIFF_ROM_SIZE - DIFF_CODE)
#define TABLES 0x40000000ull
#define TABLES_SIZE 0x3000u
#define VECTORS 0x60000000ull /* nothing is there */

/* Descriptors: valid, a table or page; AF, inner shareable, EL0 may. */
#define TABLE 3ull
#define PAGE (3ull | 3ull << 8 | 1ull << 10 | 1ull << 6)
#define READ_ONLY (1ull << 7)
#define NO_EXECUTE (3ull << 53)

/* M, C, I, DZE, UCT, nTWI, nTWE, SPAN, UCI, and what is always 1 */
#define SCTLR 0x34d5d805ull
#define FPEN (3ull << 20)
/* 32 bits of address, no upper half. */
#define TCR (32ull | 1ull << 23)
#define CLASS_OF(esr) ((unsigned)((esr) >> 26))
#define FSC_ALIGNMENT 0x21
/* A case branches forward only, so it has no more blocks than words. */
#define MAX_BLOCKS 100

typedef struct Machine {
    InterpAccel accel;
    InterpCpu *cpu;
    MemoryRegion ram;
    MemoryRegion tables;
    uint64_t templates[DIFF_TEMPLATES][DIFF_DATA_WORDS];
} Machine;

static Machine machine;

static uint8_t *host(uint64_t address)
{
    return machine.ram.ram + (address - RAM);
}

static void add_ram(MemoryRegion *mr, const char *name, uint64_t at,
                    uint64_t size)
{
    Error *err = NULL;

    if (!memory_region_init_ram(mr, NULL, name, size, &err)) {
        error_report_err(err);
        exit(1);
    }
    memory_region_add_subregion(get_system_memory(), at, mr);
}

static void make_tables(void)
{
    uint64_t *l1 = (uint64_t *)machine.tables.ram;
    uint64_t *l2 = l1 + 512, *l3 = l2 + 512;

    l1[RAM >> 30] = (TABLES + 0x1000) | TABLE;
    l2[RAM >> 21 & 511] = (TABLES + 0x2000) | TABLE;
    for (uint64_t at = RAM; at < RAM + RAM_SIZE; at += 0x1000) {
        uint64_t page = at | PAGE;

        if (at >= DIFF_DATA) {
            page |= NO_EXECUTE;
        }
        if (at >= DIFF_ROM) {
            page |= READ_ONLY;
        }
        l3[at >> 12 & 511] = page;
    }
}

static void fill_memory(void)
{
    for (unsigned i = 0; i < DIFF_CODE_SIZE; i += 4) {
        memcpy(host(DIFF_CODE + i), &(uint32_t){DIFF_BRK}, 4);
    }
    for (unsigned i = 0; i < DIFF_TEMPLATES; i++) {
        diff_template(machine.templates[i], i);
    }
    memcpy(host(DIFF_ROM), machine.templates[0], DIFF_ROM_SIZE);
}

static void make_machine(void)
{
    Error *err = NULL;
    InterpCpu *cpu;

    /* That an instruction is undefined is an answer, and no news. */
    if (!log_open("/dev/null", &err) || !main_loop_init(&err)) {
        error_report_err(err);
        exit(1);
    }
    add_ram(&machine.ram, "ram", RAM, RAM_SIZE);
    add_ram(&machine.tables, "tables", TABLES, TABLES_SIZE);
    make_tables();
    fill_memory();
    machine.accel.phys_bits = 40;
    interp_ram_init(&machine.accel);
    cpu = cpu_new(&machine.accel, 0);
    cpu->sys.sctlr_el1 = SCTLR;
    cpu->sys.tcr_el1 = TCR;
    cpu->sys.ttbr0_el1 = TABLES;
    cpu->sys.mair_el1 = 0xff;
    cpu->sys.cpacr_el1 = FPEN;
    cpu->sys.vbar_el1 = VECTORS;
    cpu_mode_changed(cpu);
    machine.cpu = cpu;
    machine.accel.cpus = &machine.cpu;
    machine.accel.num_cpus = 1;
    work_enter_guest(cpu);
}

static void load(const DiffState *state)
{
    InterpCpu *cpu = machine.cpu;

    memcpy(cpu->x, state->x, sizeof(state->x));
    memcpy(cpu->v, state->v, sizeof(state->v));
    cpu->fp = (FpEnv){state->fpcr, state->fpsr};
    cpu->sys.tpidr_el0 = state->tpidr;
    cpu->sys.sp_el0 = state->sp;
    cpu->sys.elr_el1 = DIFF_START;
    cpu->sys.spsr_el1 = state->nzcv;
    cpu_exception_return(cpu);
}

static void store(DiffState *state)
{
    const InterpCpu *cpu = machine.cpu;

    memcpy(state->x, cpu->x, sizeof(state->x));
    memcpy(state->v, cpu->v, sizeof(state->v));
    state->fpcr = cpu->fp.fpcr;
    state->fpsr = cpu->fp.fpsr;
    state->tpidr = cpu->sys.tpidr_el0;
    state->sp = cpu->sys.sp_el0;
    state->pc = cpu->sys.elr_el1;
    state->nzcv = cpu->sys.spsr_el1 & 0xf0000000;
}

/* By the signal that Linux makes of it. */
static DiffStop stop_of(uint64_t esr)
{
    switch (CLASS_OF(esr)) {
    case EC_UNKNOWN:
    case EC_SYSREG:
        return DIFF_STOP_ILL;
    case EC_BRK:
        return (esr & 0xffff) == DIFF_END ? DIFF_STOP_END : DIFF_STOP_TRAP;
    case EC_PC_ALIGN:
    case EC_SP_ALIGN:
        return DIFF_STOP_BUS;
    case EC_IABT_LOWER:
    case EC_DABT_LOWER:
        return (esr & 0x3f) == FSC_ALIGNMENT ? DIFF_STOP_BUS : DIFF_STOP_SEGV;
    default:
        return DIFF_STOP_OTHER;
    }
}

static void result_of(const DiffCase *c, DiffResult *result)
{
    const InterpCpu *cpu = machine.cpu;

    *result = (DiffResult){.stop = DIFF_STOP_TIMEOUT};
    store(&result->state);
    if (cpu->el == 1) {
        result->stop = stop_of(cpu->sys.esr_el1);
    }
    if (result->stop == DIFF_STOP_SEGV || result->stop == DIFF_STOP_BUS) {
        result->fault = cpu->sys.far_el1;
    }
    diff_changes(result, (uint64_t *)host(DIFF_DATA),
                 machine.templates[c->template]);
}

static void place_code(const DiffCase *c)
{
    uint32_t code[DIFF_WORDS];

    for (unsigned i = 0; i < DIFF_WORDS; i++) {
        code[i] = i < c->words ? c->code[i] : DIFF_BRK;
    }
    if (memcmp(host(DIFF_START), code, sizeof(code))) {
        memcpy(host(DIFF_START), code, sizeof(code));
        interp_ram_written(&machine.accel, &machine.ram, DIFF_START - RAM,
                           sizeof(code));
        work_run(machine.cpu);
    }
}

/* One block at a time, since there is an event at its end. */
static void run_blocks(InterpCpu *cpu)
{
    for (unsigned i = 0; cpu->el == 0 && i < MAX_BLOCKS; i++) {
        Block *block = block_find(cpu);

        if (block) {
            cpu_post(cpu, EVENT_STOP);
            cpu_execute(cpu, block);
        }
    }
}

static void run(const DiffCase *c, DiffResult *result)
{
    InterpCpu *cpu = machine.cpu;

    place_code(c);
    memcpy(host(DIFF_DATA), machine.templates[c->template], DIFF_DATA_SIZE);
    load(&c->state);
    run_blocks(cpu);
    result_of(c, result);
    if (cpu->el == 0) {
        /* Back to EL1 by an exception as any other. */
        cpu_take_exception(cpu, cpu->pc, EC_UNKNOWN, 0);
    }
}

static bool read_case(DiffCase *c)
{
    return fread(c, sizeof(*c), 1, stdin) == 1 && c->words <= DIFF_WORDS &&
           c->template <DIFF_TEMPLATES;
}

int main(void)
{
    DiffCase c;
    DiffResult result;

    make_machine();
    while (read_case(&c)) {
        run(&c, &result);
        if (fwrite(&result, sizeof(result), 1, stdout) != 1 || fflush(stdout)) {
            return 1;
        }
    }
    return ferror(stdin) ? 1 : 0;
}
