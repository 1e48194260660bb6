/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's state: made, reset, freed. What is derived from other state (the
 * mode's TLB, whether FP is trapped) is cpu_mode_changed()'s.
 */
#include "cpu.h"

#include <string.h>

#include "block.h"
#include "debug.h"
#include "interp.h"
#include "timer.h"
#include "tlb.h"
#include "work.h"

/* SCTLR_EL1: the bits that are 1 in Armv8.0, and SPAN. */
#define SCTLR_RESET 0x30d00800
#define OSLSR_RESET 0x0a /* implemented, locked */

const uint16_t cond_table[16] = {
    [COND_EQ] = 0xf0f0,     [COND_NE] = 0x0f0f, [COND_CS] = 0xcccc,
    [COND_CC] = 0x3333,     [COND_MI] = 0xff00, [COND_PL] = 0x00ff,
    [COND_VS] = 0xaaaa,     [COND_VC] = 0x5555, [COND_HI] = 0x0c0c,
    [COND_LS] = 0xf3f3,     [COND_GE] = 0xaa55, [COND_LT] = 0x55aa,
    [COND_GT] = 0x0a05,     [COND_LE] = 0xf5fa, [COND_AL] = 0xffff,
    [COND_AL + 1] = 0xffff,
};

InterpCpu *cpu_new(InterpAccel *accel, unsigned index)
{
    InterpCpu *cpu = g_aligned_alloc0(1, sizeof(*cpu), 64);

    cpu->accel = accel;
    cpu->index = index;
    cpu->tlbs = cpu->tlb_state.contexts[0].tables;
    cpu->cache = block_cache_new();
    cpu->work = cpu_work_new();
    cpu->debug = cpu_debug_new();
    cpu_timers_init(cpu);
    cpu_reset(cpu);
    return cpu;
}

void cpu_free(InterpCpu *cpu)
{
    if (cpu) {
        cpu_timers_finish(cpu);
        cpu_debug_free(cpu->debug);
        cpu_work_free(cpu->work);
        block_cache_free(cpu->cache);
        g_aligned_free(cpu);
    }
}

void cpu_reset(InterpCpu *cpu)
{
    memset(cpu->x, 0, sizeof(cpu->x));
    memset(cpu->v, 0, sizeof(cpu->v));
    cpu->pc = 0;
    cpu_set_nzcv(cpu, 0);
    cpu->fp = (FpEnv){0};
    cpu->sys = (SysRegs){
        .sctlr_el1 = SCTLR_RESET,
        .oslsr_el1 = OSLSR_RESET,
    };
    cpu->monitor = (Monitor){0};
    cpu->el = 1;
    cpu->spsel = 1;
    cpu->daif = DAIF_ALL;
    cpu->pan = false;
    cpu->ss = false;
    cpu->il = false;
    cpu_timers_reset(cpu);
    cpu_mode_changed(cpu);
    debug_step_changed(cpu);
    debug_points_changed(cpu);
}
