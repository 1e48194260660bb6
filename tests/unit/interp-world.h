/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <string.h>

#include "../../accel/interp/block.h"
#include "../../accel/interp/interp.h"
#include "../../accel/interp/mem.h"
#include "../../accel/interp/sctlr.h"
#include "../../accel/interp/tlb.h"
#include "../../accel/interp/work.h"
#include "util/main-loop.h"

/*
 * A machine for tests of the software CPU's parts: two vCPUs that nothing runs,
 * memory, and an operation at hand, the third instruction of its block.
 */
#define RAM_BASE UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(16) << 20)
#define TABLES RAM_BASE /* the first MiB: translation tables */
#define OP_BLOCK UINT64_C(0x40800000)
#define OP_PC (OP_BLOCK + 8)

typedef struct World {
    InterpAccel accel;
    InterpCpu *cpus[2];
    InterpCpu *cpu; /* the first of them */
    MemoryRegion ram;
    Block *block;
    const Op *op;
} World;

static inline uint8_t *world_ram(World *w, uint64_t pa)
{
    g_assert_true(pa >= RAM_BASE && pa < RAM_BASE + RAM_SIZE);
    return w->ram.ram + (pa - RAM_BASE);
}

static inline void world_make_block(World *w)
{
    static const uint8_t insn_of[] = {0, 0, 1, 2, 2, 3};

    w->block = g_malloc0(sizeof(Block) + sizeof(insn_of) * sizeof(Op));
    w->block->pc = OP_BLOCK;
    w->block->insn_of = insn_of;
    w->block->num_ops = sizeof(insn_of);
    w->op = &w->block->ops[4];
}

static inline void world_init(World *w)
{
    memset(w, 0, sizeof(*w));
    g_assert_true(main_loop_init(NULL));
    g_assert_true(memory_region_init_ram(&w->ram, NULL, "ram", RAM_SIZE, NULL));
    memory_region_add_subregion(get_system_memory(), RAM_BASE, &w->ram);
    w->accel.phys_bits = 40;
    interp_ram_init(&w->accel);
    world_make_block(w);
    for (unsigned i = 0; i < 2; i++) {
        w->cpus[i] = cpu_new(&w->accel, i);
        w->cpus[i]->block = w->block;
        w->cpus[i]->sys.vbar_el1 = 0x40900000;
    }
    w->cpu = w->cpus[0];
    w->accel.cpus = w->cpus;
    w->accel.num_cpus = 2;
}

static inline void world_finish(World *w)
{
    for (unsigned i = 0; i < 2; i++) {
        work_leave_guest(w->cpus[i]);
    }
    interp_ram_finish(&w->accel);
    for (unsigned i = 0; i < 2; i++) {
        cpu_free(w->cpus[i]);
    }
    memory_region_del_subregion(get_system_memory(), &w->ram);
    memory_region_finish(&w->ram);
    g_free(w->block);
    main_loop_finish();
}
