/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Branches: each ends its block with the one operation that says where to go.
 * Targets are absolute, a block being of one virtual address.
 */

#include "cpu.h"
#include "decode.h"

/* A word offset in bits @hi to @lo, from the instruction. */
static uint64_t target(const Translator *t, uint32_t insn, unsigned hi,
                       unsigned lo)
{
    return t->pc + ((uint64_t)sbits(insn, hi, lo) << 2);
}

static Op *emit_branch(Translator *t, OpCode code, unsigned rn, uint64_t to)
{
    t->ends = true;
    return emit_dni(t, code, 0, rn, to);
}

bool translate_b(Translator *t, uint32_t insn)
{
    emit_branch(t, OP_B, 0, target(t, insn, 25, 0));
    return true;
}

bool translate_bl(Translator *t, uint32_t insn)
{
    emit_branch(t, OP_BL, 0, target(t, insn, 25, 0));
    return true;
}

bool translate_b_cond(Translator *t, uint32_t insn)
{
    unsigned cond = bits(insn, 3, 0);

    emit_branch(t, cond < COND_AL ? OP_B_EQ + cond : OP_B, 0,
                target(t, insn, 23, 5));
    return true;
}

bool translate_cbz(Translator *t, uint32_t insn)
{
    OpCode code = bits(insn, 24, 24) ? OP_CBNZ : OP_CBZ;

    emit_branch(t, code + !bits(insn, 31, 31), xr(bits(insn, 4, 0)),
                target(t, insn, 23, 5));
    return true;
}

bool translate_tbz(Translator *t, uint32_t insn)
{
    OpCode code = bits(insn, 24, 24) ? OP_TBNZ : OP_TBZ;

    emit_branch(t, code, xr(bits(insn, 4, 0)), target(t, insn, 18, 5))->sub =
        bits(insn, 31, 31) << 5 | bits(insn, 23, 19);
    return true;
}

/* RET, too: that it returns is a hint. */
bool translate_br(Translator *t, uint32_t insn)
{
    emit_branch(t, OP_BR, xr(bits(insn, 9, 5)), 0);
    return true;
}

bool translate_blr(Translator *t, uint32_t insn)
{
    emit_branch(t, OP_BLR, xr(bits(insn, 9, 5)), 0);
    return true;
}

/* UDF is UNDEFINED for good: nothing to tell the user. */
bool translate_udf(Translator *t, uint32_t insn)
{
    emit_call(t, cpu_undefined);
    emit(t, OP_LEAVE);
    t->ends = true;
    return true;
}
