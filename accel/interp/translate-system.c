/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception-generating and system instructions. A block ends behind whatever
 * may change how the next instruction is fetched, translated, masked or
 * trapped; the outer loop then looks for events, too.
 */
#include "block.h"
#include "decode.h"
#include "id.h"
#include "interp.h"
#include "maintenance.h"
#include "mem.h"
#include "psci.h"
#include "sctlr.h"
#include "sysreg.h"
#include "thread.h"
#include "work.h"

static bool ends_block(Translator *t)
{
    t->ends = true;
    return true;
}

/* ---- exceptions ---- */

static bool op_svc(InterpCpu *cpu, const Op *op)
{
    cpu_take_exception(cpu, cpu_pc(cpu, op) + 4, EC_SVC64, op->sub);
    return false;
}

bool translate_svc(Translator *t, uint32_t insn)
{
    emit_call(t, op_svc)->sub = bits(insn, 20, 5);
    return ends_block(t);
}

/* The firmware's side of HVC and SMC; neither is there for EL0. */
static bool op_hvc(InterpCpu *cpu, const Op *op)
{
    if (cpu->el == 0) {
        return cpu_undefined(cpu, op);
    }
    cpu->pc = cpu_pc(cpu, op) + 4;
    return psci_call(cpu);
}

bool translate_hvc(Translator *t, uint32_t insn)
{
    emit_call(t, op_hvc);
    return ends_block(t);
}

static bool op_brk(InterpCpu *cpu, const Op *op)
{
    return cpu_raise(cpu, op, EC_BRK, op->sub);
}

bool translate_brk(Translator *t, uint32_t insn)
{
    emit_call(t, op_brk)->sub = bits(insn, 20, 5);
    return ends_block(t);
}

static bool op_eret(InterpCpu *cpu, const Op *op)
{
    if (cpu->el == 0) {
        return cpu_undefined(cpu, op);
    }
    cpu_exception_return(cpu);
    return false;
}

bool translate_eret(Translator *t, uint32_t insn)
{
    emit_call(t, op_eret);
    return ends_block(t);
}

/* ---- hints and barriers ---- */

enum { HINT_YIELD = 1, HINT_WFE = 2, HINT_WFI = 3 };

static bool op_wfi(InterpCpu *cpu, const Op *op)
{
    if (cpu->el == 0 && !(cpu->sys.sctlr_el1 & SCTLR_NTWI) &&
        !cpu_has_interrupt(cpu)) {
        return cpu_raise(cpu, op, EC_WFX, WFX_ISS);
    }
    cpu_wait_for_interrupt(cpu);
    return true;
}

/* Never waits, so that there is nothing to trap and no event to send. */
static bool op_yield(InterpCpu *cpu, const Op *op)
{
    cpu_yield(cpu);
    return true;
}

/* Those that are not known do nothing, by definition. */
bool translate_hint(Translator *t, uint32_t insn)
{
    switch (bits(insn, 11, 5)) {
    case HINT_YIELD:
    case HINT_WFE:
        emit_call(t, op_yield);
        return ends_block(t);
    case HINT_WFI:
        emit_call(t, op_wfi);
        return ends_block(t);
    default:
        return true;
    }
}

static bool op_clrex(InterpCpu *cpu, const Op *op)
{
    cpu->monitor.valid = false;
    return true;
}

bool translate_clrex(Translator *t, uint32_t insn)
{
    emit_call(t, op_clrex);
    return true;
}

static bool op_dmb(InterpCpu *cpu, const Op *op)
{
    atomic_thread_fence(memory_order_seq_cst);
    return true;
}

bool translate_dmb(Translator *t, uint32_t insn)
{
    emit_call(t, op_dmb);
    return true;
}

/* What was broadcast is done everywhere when DSB is over. */
static bool op_dsb(InterpCpu *cpu, const Op *op)
{
    atomic_thread_fence(memory_order_seq_cst);
    work_wait(cpu);
    return true;
}

bool translate_dsb(Translator *t, uint32_t insn)
{
    emit_call(t, op_dsb);
    return true;
}

bool translate_isb(Translator *t, uint32_t insn)
{
    return ends_block(t);
}

/* ---- PSTATE by an immediate ---- */

static bool op_msr_spsel(InterpCpu *cpu, const Op *op)
{
    if (cpu->el == 0) {
        return cpu_undefined(cpu, op);
    }
    cpu_set_pstate(cpu, (cpu_get_pstate(cpu) & ~(uint64_t)1) | (op->sub & 1));
    return true;
}

static bool op_msr_pan(InterpCpu *cpu, const Op *op)
{
    if (cpu->el == 0) {
        return cpu_undefined(cpu, op);
    }
    cpu->pan = op->sub & 1;
    cpu_mode_changed(cpu);
    return true;
}

static bool may_mask(InterpCpu *cpu, const Op *op, uint32_t encoding)
{
    if (cpu->el == 0 && !(cpu->sys.sctlr_el1 & SCTLR_UMA)) {
        return sysreg_trap(cpu, op, encoding | op->sub << 3, 31, false);
    }
    return true;
}

static bool op_msr_daifset(InterpCpu *cpu, const Op *op)
{
    if (!may_mask(cpu, op, SYSREG(0, 3, 4, 0, 6))) {
        return false;
    }
    cpu->daif |= op->sub;
    return true;
}

static bool op_msr_daifclr(InterpCpu *cpu, const Op *op)
{
    if (!may_mask(cpu, op, SYSREG(0, 3, 4, 0, 7))) {
        return false;
    }
    cpu->daif &= ~op->sub;
    cpu_unmasked(cpu);
    return true;
}

/*
 * DAIFSet changes nothing that could come before the block's end. DAIFClr is
 * followed by the next block without a way round: an event is seen there.
 */
bool translate_msr_imm(Translator *t, uint32_t insn)
{
    unsigned field = bits(insn, 18, 16) << 3 | bits(insn, 7, 5);
    unsigned value = bits(insn, 11, 8);

    switch (field) {
    case 0 << 3 | 4:
        emit_call(t, op_msr_pan)->sub = value;
        return value < 2 && ends_block(t);
    case 0 << 3 | 5:
        emit_call(t, op_msr_spsel)->sub = value;
        return value < 2 && ends_block(t);
    case 3 << 3 | 6:
        emit_call(t, op_msr_daifset)->sub = value;
        return true;
    case 3 << 3 | 7:
        emit_call(t, op_msr_daifclr)->sub = value;
        emit(t, OP_END);
        return ends_block(t);
    default:
        return false;
    }
}

/* ---- registers ---- */

static uint32_t encoding_of(uint32_t insn)
{
    return bits(insn, 20, 5);
}

bool translate_mrs(Translator *t, uint32_t insn)
{
    uint32_t encoding = encoding_of(insn);
    const SysReg *reg = sysreg_find(encoding);
    Op *op;

    if (!reg) {
        return false;
    }
    op = emit_call_datum(t, sysreg_op_read, (uintptr_t)reg);
    op->rd = xw(bits(insn, 4, 0));
    op->sub = encoding;
    return true;
}

bool translate_msr_reg(Translator *t, uint32_t insn)
{
    uint32_t encoding = encoding_of(insn);
    const SysReg *reg = sysreg_find(encoding);
    Op *op;

    if (!reg) {
        return false;
    }
    op = emit_call_datum(t, sysreg_op_write, (uintptr_t)reg);
    op->rd = xr(bits(insn, 4, 0));
    op->sub = encoding;
    return reg->flags & REG_KEEP ? true : ends_block(t);
}

/* ---- maintenance ---- */

bool translate_sys(Translator *t, uint32_t insn)
{
    uint32_t encoding = SYSREG(1u, 0, 0, 0, 0) | bits(insn, 18, 5);
    const SysInsn *sys = sys_find(encoding);
    Op *op;

    if (!sys) {
        return false;
    }
    op = emit_call(t, sys->fn);
    op->rd = xr(bits(insn, 4, 0));
    op->sub = encoding;
    return true;
}
