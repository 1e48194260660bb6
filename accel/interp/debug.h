/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/debug.h"
#include "cpu.h"
#include "mem.h"

/*
 * Breakpoints, watchpoints and single steps: the guest's own (self-hosted
 * debug, Arm ARM D2) and those of a debugger outside (accel/debug.h). The
 * vCPU's own thread, or parked.
 */
struct CpuDebug {
    bool breaks;        /* some instruction is to be looked at */
    bool watches;       /* some access is */
    GArray *points;     /* of DebugPoint: the debugger's */
    DebugResume resume; /* the debugger's */
    uint32_t step_iss;  /* of the step exception to come */
};

/** For cpu_new() and cpu_free(). */
CpuDebug *cpu_debug_new(void);
void cpu_debug_free(CpuDebug *debug);

/** After a change of the DBG* registers or of points: decodes anew. */
void debug_points_changed(InterpCpu *cpu);
/** After a change of MDSCR_EL1 or of CpuDebug.resume. */
void debug_step_changed(InterpCpu *cpu);

/** Whether an instruction at @pc has to be preceded by debug_op_break. */
bool debug_breaks_at(const InterpCpu *cpu, uint64_t pc);
/** How many of the @n instructions from cpu->pc on come before the next one
 * that debug_breaks_at(), the first not counted. */
unsigned debug_insns_to_break(const InterpCpu *cpu, unsigned n);
OpFn debug_op_break;

/** Whether accesses to the page at @va have to take the slow path. */
bool debug_watches_page(const InterpCpu *cpu, uint64_t va);
/** False: the access is not to be made, a watchpoint was met. */
bool debug_check_watch(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                       unsigned size, MemAccess access);

/** In place of cpu_execute() while EVENT_STEP is posted: one instruction. */
void debug_step(InterpCpu *cpu);
/** A debugger's step is not to end in an interrupt's handler. */
static inline bool debug_holds_interrupts(const InterpCpu *cpu)
{
    return cpu->debug->resume == DEBUG_STEP;
}

/** Parked: takes a point in or out. */
void debug_add_point(InterpCpu *cpu, const DebugPoint *point);
void debug_remove_point(InterpCpu *cpu, const DebugPoint *point);

extern const AccelDebugOps interp_debug_ops;
