/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSTATE, exceptions to EL1 and the way back (Arm ARM, D1.10 and D1.11).
 *
 * The stack pointer in use lives in x[X_SP] and the other one in SysRegs, so
 * every change of EL or SPSel goes through switch_stack(). Who lifts a mask
 * while an interrupt is asserted gets EVENT_IRQ posted.
 */
#include "block.h"
#include "id.h"
#include "mem.h"
#include "sctlr.h"

#define PSTATE_PAN (1u << 22)
#define PSTATE_IL (1u << 20)
#define PSTATE_DAIF 6
#define PSTATE_D (1u << 9)
#define PSTATE_MODE 0x1f
#define MODE_EL0T 0
#define MODE_EL1T 4
#define MODE_EL1H 5

#define ESR_IL (1u << 25)

#define MDSCR_KDE (1u << 13)

enum { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100 };

/* ---- PSTATE ---- */

static uint64_t *stack_slot(InterpCpu *cpu)
{
    return cpu->el && cpu->spsel ? &cpu->sys.sp_el1 : &cpu->sys.sp_el0;
}

static void switch_stack(InterpCpu *cpu, unsigned el, unsigned spsel)
{
    *stack_slot(cpu) = cpu->x[X_SP];
    cpu->el = el;
    cpu->spsel = spsel;
    cpu->x[X_SP] = *stack_slot(cpu);
}

uint64_t cpu_get_pstate(const InterpCpu *cpu)
{
    uint32_t mode = cpu->el ? MODE_EL1T | cpu->spsel : MODE_EL0T;

    return (uint32_t)cpu_nzcv(cpu) << 28 | (cpu->pan ? PSTATE_PAN : 0) |
           (cpu->ss ? PSTATE_SS : 0) | (cpu->il ? PSTATE_IL : 0) |
           (uint32_t)cpu->daif << PSTATE_DAIF | mode;
}

static bool mode_exists(unsigned mode)
{
    return mode == MODE_EL0T || mode == MODE_EL1T || mode == MODE_EL1H;
}

void cpu_set_pstate(InterpCpu *cpu, uint64_t spsr)
{
    unsigned mode = spsr & PSTATE_MODE;

    cpu_set_nzcv(cpu, spsr >> 28 & 15);
    cpu->pan = spsr & PSTATE_PAN;
    cpu->ss = spsr & PSTATE_SS;
    cpu->daif = spsr >> PSTATE_DAIF & DAIF_ALL;
    if (mode_exists(mode)) {
        cpu->il = spsr & PSTATE_IL;
        switch_stack(cpu, mode >> 2, mode & 1);
    } else {
        cpu->il = true;
    }
    cpu_mode_changed(cpu);
    cpu_unmasked(cpu);
}

void cpu_mode_changed(InterpCpu *cpu)
{
    uint64_t fpen = cpu->sys.cpacr_el1 & CPACR_FPEN;

    if (cpu->el == 0) {
        cpu->mmu_idx = MMU_EL0;
    } else {
        cpu->mmu_idx = cpu->pan ? MMU_EL1_PAN : MMU_EL1;
    }
    cpu->tlb = cpu->tlbs[cpu->mmu_idx];
    cpu->fp_trapped = fpen == CPACR_FPEN_EL1 ? !cpu->el : fpen != CPACR_FPEN;
}

/* ---- exceptions ---- */

uint64_t cpu_pc(const InterpCpu *cpu, const Op *op)
{
    const Block *block = cpu->block;

    return block->pc + block->insn_of[op - block->ops] * 4;
}

static void enter_vector(InterpCpu *cpu, uint64_t elr, unsigned vector)
{
    unsigned from = cpu->el == 0 ? 0x400 : cpu->spsel ? 0x200 : 0;

    cpu->sys.elr_el1 = elr;
    cpu->sys.spsr_el1 = cpu_get_pstate(cpu);
    switch_stack(cpu, 1, 1);
    cpu->daif = DAIF_ALL;
    cpu->ss = false;
    cpu->il = false;
    if (!(cpu->sys.sctlr_el1 & SCTLR_SPAN)) {
        cpu->pan = true;
    }
    cpu->pc = (cpu->sys.vbar_el1 & ~UINT64_C(0x7ff)) + from + vector;
    cpu_mode_changed(cpu);
}

void cpu_take_exception(InterpCpu *cpu, uint64_t elr, unsigned ec, uint32_t iss)
{
    cpu->sys.esr_el1 = (uint64_t)ec << ESR_EC | ESR_IL | iss;
    enter_vector(cpu, elr, VECTOR_SYNC);
}

bool cpu_raise(InterpCpu *cpu, const Op *op, unsigned ec, uint32_t iss)
{
    cpu_take_exception(cpu, cpu_pc(cpu, op), ec, iss);
    return false;
}

bool cpu_undefined(InterpCpu *cpu, const Op *op)
{
    return cpu_raise(cpu, op, EC_UNKNOWN, 0);
}

bool cpu_has_interrupt(const InterpCpu *cpu)
{
    return atomic_load(&cpu->irq) || atomic_load(&cpu->fiq);
}

void cpu_unmasked(InterpCpu *cpu)
{
    if (cpu_has_interrupt(cpu)) {
        cpu_post(cpu, EVENT_IRQ);
    }
}

bool cpu_take_interrupt(InterpCpu *cpu)
{
    if (atomic_load(&cpu->fiq) && !(cpu->daif & DAIF_F)) {
        enter_vector(cpu, cpu->pc, VECTOR_FIQ);
        return true;
    }
    if (atomic_load(&cpu->irq) && !(cpu->daif & DAIF_I)) {
        enter_vector(cpu, cpu->pc, VECTOR_IRQ);
        return true;
    }
    return false;
}

/* ---- the way back ---- */

bool cpu_debug_enabled(const InterpCpu *cpu, unsigned el, bool masked)
{
    if (cpu->sys.oslsr_el1 & OSLSR_OSLK) {
        return false;
    }
    return el == 0 || (cpu->sys.mdscr_el1 & MDSCR_KDE && !masked);
}

/* Whether PSTATE.SS is taken over; see DebugExceptionReturnSS(). */
static bool step_begins(const InterpCpu *cpu, uint64_t spsr, unsigned el)
{
    return cpu->sys.mdscr_el1 & MDSCR_SS &&
           !cpu_debug_enabled(cpu, cpu->el, cpu->daif >> 3) &&
           cpu_debug_enabled(cpu, el, spsr & PSTATE_D);
}

/* An illegal return stays where it is. */
static unsigned return_el(const InterpCpu *cpu, uint64_t spsr)
{
    unsigned mode = spsr & PSTATE_MODE;

    return mode_exists(mode) ? mode >> 2 : cpu->el;
}

void cpu_exception_return(InterpCpu *cpu)
{
    uint64_t spsr = cpu->sys.spsr_el1;

    if (!step_begins(cpu, spsr, return_el(cpu, spsr))) {
        spsr &= ~(uint64_t)PSTATE_SS;
    }
    cpu->monitor.valid = false;
    cpu->pc = cpu->sys.elr_el1;
    cpu_set_pstate(cpu, spsr);
    /* Whatever instruction is next; if it cannot be fetched, that is first. */
    if (cpu->il && mem_exec(cpu, cpu->pc)) {
        cpu_take_exception(cpu, cpu->pc, EC_ILLEGAL, 0);
    }
}
