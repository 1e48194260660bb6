/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a debugger sees of the vCPUs, all of which are parked (accel/debug.h).
 */
#include <string.h>

#include "debug.h"
#include "id.h"
#include "interp.h"
#include "tlb.h"

static InterpCpu *cpu_of(Accel *accel, unsigned n)
{
    return INTERP_ACCEL(accel)->cpus[n];
}

static bool interp_read_regs(Accel *accel, unsigned n, GuestRegs *regs,
                             Error **errp)
{
    const InterpCpu *cpu = cpu_of(accel, n);

    memcpy(regs->x, cpu->x, sizeof(regs->x));
    memcpy(regs->v, cpu->v, sizeof(regs->v));
    regs->sp = cpu->x[X_SP];
    regs->pc = cpu->pc;
    regs->cpsr = cpu_get_pstate(cpu);
    regs->fpsr = cpu->fp.fpsr;
    regs->fpcr = cpu->fp.fpcr;
    return true;
}

/* PSTATE says which stack pointer it is. */
static bool interp_write_regs(Accel *accel, unsigned n, const GuestRegs *regs,
                              Error **errp)
{
    InterpCpu *cpu = cpu_of(accel, n);

    cpu_set_pstate(cpu, regs->cpsr);
    memcpy(cpu->x, regs->x, sizeof(regs->x));
    memcpy(cpu->v, regs->v, sizeof(regs->v));
    cpu->x[X_SP] = regs->sp;
    cpu->pc = regs->pc;
    cpu->fp.fpsr = regs->fpsr & FPSR_MASK;
    cpu->fp.fpcr = regs->fpcr & FPCR_MASK;
    return true;
}

static bool interp_translate(Accel *accel, unsigned n, uint64_t va, hwaddr *pa)
{
    InterpAccel *interp = INTERP_ACCEL(accel);
    MmuRegs regs = tlb_regs(interp->cpus[n]);
    MmuPage page;

    if (!mmu_walk(&regs, va, tlb_read_descriptor, atomic_load(&interp->ram),
                  &page)) {
        return false;
    }
    *pa = page.pa;
    return true;
}

static bool interp_insert(Accel *accel, const DebugPoint *point, Error **errp)
{
    InterpAccel *interp = INTERP_ACCEL(accel);

    for (unsigned n = 0; n < interp->num_cpus; n++) {
        debug_add_point(interp->cpus[n], point);
    }
    return true;
}

static void interp_remove(Accel *accel, const DebugPoint *point)
{
    InterpAccel *interp = INTERP_ACCEL(accel);

    for (unsigned n = 0; n < interp->num_cpus; n++) {
        debug_remove_point(interp->cpus[n], point);
    }
}

static bool interp_set_resume(Accel *accel, unsigned n, DebugResume resume,
                              Error **errp)
{
    InterpCpu *cpu = cpu_of(accel, n);

    cpu->debug->resume = resume;
    debug_step_changed(cpu);
    return true;
}

const AccelDebugOps interp_debug_ops = {
    .read_regs = interp_read_regs,
    .write_regs = interp_write_regs,
    .translate = interp_translate,
    .insert = interp_insert,
    .remove = interp_remove,
    .set_resume = interp_set_resume,
};
