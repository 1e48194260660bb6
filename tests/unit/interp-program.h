/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "interp-world.h"

/*
 * Programs for tests of instructions: run by the engine on a World's first
 * vCPU, until the exception that they end with.
 */
#define PROGRAM UINT64_C(0x40400000)
#define DATA UINT64_C(0x40500000)
#define BRK 0xd4200000u

static inline bool program_ended(const InterpCpu *cpu)
{
    return cpu->el == 1 && (cpu->pc & ~UINT64_C(0x7ff)) == cpu->sys.vbar_el1;
}

/**
 * Runs @n words at PROGRAM, and a BRK after them, at the present exception
 * level; registers are the caller's. Returns ESR_EL1.EC.
 */
static inline unsigned program_run(World *w, const uint32_t *code, unsigned n)
{
    InterpCpu *cpu = w->cpu;

    memcpy(world_ram(w, PROGRAM), code, n * 4);
    memcpy(world_ram(w, PROGRAM + n * 4), &(uint32_t){BRK}, 4);
    work_enter_guest(cpu);
    interp_ram_written(&w->accel, &w->ram, PROGRAM - RAM_BASE, n * 4 + 4);
    work_run(cpu);
    cpu->pc = PROGRAM;
    cpu_post(cpu, EVENT_STOP);
    while (!program_ended(cpu)) {
        Block *block = block_find(cpu);

        g_assert_nonnull(block);
        cpu_execute(cpu, block);
    }
    work_leave_guest(cpu);
    return cpu->sys.esr_el1 >> 26;
}

#define PROGRAM_RUN(w, ...)                           \
    program_run((w), (const uint32_t[]){__VA_ARGS__}, \
                sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/** Which instruction of the program raised the exception. */
static inline unsigned program_stopped_at(const World *w)
{
    return (w->cpu->sys.elr_el1 - PROGRAM) / 4;
}

static inline uint64_t program_data(World *w, unsigned offset)
{
    uint64_t value;

    memcpy(&value, world_ram(w, DATA + offset), 8);
    return value;
}

static inline void program_set_data(World *w, unsigned offset, uint64_t value)
{
    memcpy(world_ram(w, DATA + offset), &value, 8);
}
