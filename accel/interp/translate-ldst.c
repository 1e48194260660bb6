/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores of general registers. An access is one operation; its
 * write-back is another one after it, so that a fault leaves the base alone.
 *
 * Surprise: where the base is written back and is a register loaded as well,
 * the manual leaves the result open; here the write-back wins.
 */

#include "cpu.h"
#include "decode.h"
#include "mem.h"

/* By size and opc. PRFM, the last of them, does not come here. */
static const OpCode codes[4][4] = {
    {OP_STR8, OP_LDR8, OP_LDRS8, OP_LDRS8W},
    {OP_STR16, OP_LDR16, OP_LDRS16, OP_LDRS16W},
    {OP_STR32, OP_LDR32, OP_LDRS32},
    {OP_STR64, OP_LDR64},
};

static OpCode code_of(uint32_t insn)
{
    return codes[bits(insn, 31, 30)][bits(insn, 23, 22)];
}

static bool is_load(uint32_t insn)
{
    return bits(insn, 23, 22);
}

static unsigned rn_of(uint32_t insn)
{
    return bits(insn, 9, 5);
}

/* Rt as an operand of a load or of a store. */
static unsigned rt_of(uint32_t insn, bool load)
{
    unsigned rt = bits(insn, 4, 0);

    return load ? xw(rt) : xr(rt);
}

static bool emit_access(Translator *t, uint32_t insn, uint64_t offset)
{
    emit_check_sp(t, rn_of(insn));
    emit_dni(t, code_of(insn), rt_of(insn, is_load(insn)), rn_of(insn), offset);
    return true;
}

bool translate_ldst_unsigned(Translator *t, uint32_t insn)
{
    return emit_access(t, insn,
                       (uint64_t)bits(insn, 21, 10) << bits(insn, 31, 30));
}

bool translate_ldst_unscaled(Translator *t, uint32_t insn)
{
    return emit_access(t, insn, sbits(insn, 20, 12));
}

bool translate_ldst_indexed(Translator *t, uint32_t insn)
{
    uint64_t offset = sbits(insn, 20, 12);
    bool pre = bits(insn, 11, 11);
    bool load = is_load(insn);
    unsigned rn = rn_of(insn);
    unsigned rt = rt_of(insn, load);

    emit_check_sp(t, rn);
    emit_dni(t, code_of(insn), load && rt == rn ? X_SINK : rt, rn,
             pre ? offset : 0);
    emit_writeback(t, rn, offset);
    return true;
}

bool translate_ldst_register(Translator *t, uint32_t insn)
{
    unsigned option = bits(insn, 15, 13);
    unsigned shift = bits(insn, 12, 12) ? bits(insn, 31, 30) : 0;
    unsigned rm = xr(bits(insn, 20, 16));
    unsigned rn = rn_of(insn);
    bool extend = !(option & 1);

    if (!(option & 2)) {
        return false;
    }
    emit_check_sp(t, rn);
    if (extend) {
        emit_dnm(t, option & 4 ? OP_SXTW_LSL : OP_UXTW_LSL, X_TMP, rm, 0)->sub =
            shift;
        rm = X_TMP;
        shift = 0;
    }
    emit_dnm(t, code_of(insn) + (OP_LDR8X - OP_LDR8),
             rt_of(insn, is_load(insn)), rn, rm)
        ->sub = shift;
    return true;
}

bool translate_ldr_literal(Translator *t, uint32_t insn)
{
    static const OpCode literals[] = {OP_LDR32, OP_LDR64, OP_LDRS32};

    emit_dni(t, literals[bits(insn, 31, 30)], rt_of(insn, true), X_ZR,
             t->pc + ((uint64_t)sbits(insn, 23, 5) << 2));
    return true;
}

/* ---- pairs ---- */

static OpCode pair_code(uint32_t insn)
{
    unsigned opc = bits(insn, 31, 30);

    if (!bits(insn, 22, 22)) {
        return opc ? OP_STP64 : OP_STP32;
    }
    return opc == 1 ? OP_LDPSW : opc ? OP_LDP64 : OP_LDP32;
}

bool translate_ldst_pair(Translator *t, uint32_t insn)
{
    bool load = bits(insn, 22, 22);
    unsigned mode = bits(insn, 24, 23);
    bool post = mode == 1;
    bool writeback = mode & 1;
    unsigned rn = rn_of(insn);
    unsigned rt = rt_of(insn, load);
    unsigned rt2 = load ? xw(bits(insn, 14, 10)) : xr(bits(insn, 14, 10));
    uint64_t offset = (uint64_t)sbits(insn, 21, 15)
                      << (bits(insn, 31, 31) ? 3 : 2);

    if (load && writeback) {
        rt = rt == rn ? X_SINK : rt;
        rt2 = rt2 == rn ? X_SINK : rt2;
    }
    emit_check_sp(t, rn);
    emit_dni(t, pair_code(insn), rt, rn, post ? 0 : offset)->ra = rt2;
    if (writeback) {
        emit_writeback(t, rn, offset);
    }
    return true;
}

/* ---- prefetches: hints ---- */

bool translate_prfm(Translator *t, uint32_t insn)
{
    return true;
}

bool translate_prfm_register(Translator *t, uint32_t insn)
{
    return bits(insn, 14, 14);
}

/* ---- LDTR and STTR, by the permissions of EL0 ---- */

static bool op_ldtr(InterpCpu *cpu, const Op *op)
{
    unsigned size = op->ra;
    bool is_signed = op->rm & 2;
    uint64_t value;

    if (!mem_load_as(cpu, op, MMU_EL0, cpu->x[op->rn] + (int16_t)op->sub,
                     1u << size, &value)) {
        return false;
    }
    if (is_signed) {
        value = (uint64_t)((int64_t)(value << (64 - (8 << size))) >>
                           (64 - (8 << size)));
        if (op->rm & 1) {
            value = (uint32_t)value;
        }
    }
    cpu->x[op->rd] = value;
    return true;
}

static bool op_sttr(InterpCpu *cpu, const Op *op)
{
    return mem_store_as(cpu, op, MMU_EL0, cpu->x[op->rn] + (int16_t)op->sub,
                        1u << op->ra, cpu->x[op->rd]);
}

bool translate_ldst_unprivileged(Translator *t, uint32_t insn)
{
    bool load = is_load(insn);
    Op *op;

    emit_check_sp(t, rn_of(insn));
    op = emit_call(t, load ? op_ldtr : op_sttr);
    op->rd = rt_of(insn, load);
    op->rn = rn_of(insn);
    op->rm = bits(insn, 23, 22);
    op->ra = bits(insn, 31, 30);
    op->sub = sbits(insn, 20, 12);
    return true;
}
