/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scalar floating point: from the fields of an instruction to a call of one of
 * op-fp.h. The lines of a64-fp.h let no half through but FCVT's, so bit 22 is
 * the FpSize everywhere else, and none has an opcode that is not allocated.
 */

#include "decode.h"
#include "op-fp.h"

static Op *emit_fp(Translator *t, uint32_t insn, OpFn *fn)
{
    Op *op = emit_call(t, fn);

    op->rd = bits(insn, 4, 0);
    op->rn = bits(insn, 9, 5);
    op->rm = bits(insn, 20, 16);
    return op;
}

static FpSize size_of(uint32_t insn)
{
    return bits(insn, 22, 22);
}

bool translate_fp_1source(Translator *t, uint32_t insn)
{
    emit_fp(t, insn, fp_1source_fns[bits(insn, 16, 15)][size_of(insn)]);
    return true;
}

bool translate_fp_2source(Translator *t, uint32_t insn)
{
    emit_fp(t, insn, fp_2source_fns[bits(insn, 15, 12)][size_of(insn)]);
    return true;
}

bool translate_fp_3source(Translator *t, uint32_t insn)
{
    unsigned opcode = bits(insn, 21, 21) << 1 | bits(insn, 15, 15);
    Op *op = emit_fp(t, insn, fp_3source_fns[opcode][size_of(insn)]);

    op->ra = bits(insn, 14, 10);
    return true;
}

bool translate_frint(Translator *t, uint32_t insn)
{
    static const uint8_t roundings[] = {
        FP_ROUND_TIE_EVEN, FP_ROUND_POS_INF,  FP_ROUND_NEG_INF,
        FP_ROUND_ZERO,     FP_ROUND_TIE_AWAY, 0,
        FP_ROUND_FPCR,     FP_ROUND_FPCR,
    };
    unsigned opcode = bits(insn, 17, 15);
    Op *op = emit_fp(t, insn, fp_round_int_fns[size_of(insn)]);

    op->ra = roundings[opcode];
    op->rm = opcode == 6; /* FRINTX */
    return true;
}

bool translate_fcvt(Translator *t, uint32_t insn)
{
    OpFn *fn = fp_convert_fns[bits(insn, 23, 22)][bits(insn, 16, 15)];

    if (!fn) {
        return false;
    }
    emit_fp(t, insn, fn);
    return true;
}

bool translate_fcmp(Translator *t, uint32_t insn)
{
    Op *op = emit_fp(t, insn, fp_compare_fns[size_of(insn)]);

    op->sub = (bits(insn, 3, 3) ? FP_COMPARE_ZERO : 0) |
              (bits(insn, 4, 4) ? FP_COMPARE_SIGNAL : 0);
    return true;
}

bool translate_fccmp(Translator *t, uint32_t insn)
{
    Op *op = emit_fp(t, insn, fp_compare_if_fns[size_of(insn)]);

    op->ra = bits(insn, 15, 12);
    op->sub = bits(insn, 3, 0) << FP_COMPARE_NZCV_SHIFT |
              (bits(insn, 4, 4) ? FP_COMPARE_SIGNAL : 0);
    return true;
}

bool translate_fcsel(Translator *t, uint32_t insn)
{
    Op *op = emit_fp(t, insn, fp_select_fns[size_of(insn)]);

    op->ra = bits(insn, 15, 12);
    return true;
}

/* VFPExpandImm(): a sign, an exponent of -3 to 4, and four bits of fraction. */
static uint64_t expand_imm(FpSize size, unsigned imm8)
{
    unsigned frac_bits = size == FP_DOUBLE ? 52 : 23;
    uint64_t bias = size == FP_DOUBLE ? 0x3ff : 0x7f;
    uint64_t exp = bias - 3 + ((imm8 >> 4 & 7) ^ 4);

    return (uint64_t)(imm8 >> 7) * fp_sign_bit(size) | exp << frac_bits |
           (uint64_t)(imm8 & 15) << (frac_bits - 4);
}

bool translate_fmov_imm(Translator *t, uint32_t insn)
{
    uint64_t value = expand_imm(size_of(insn), bits(insn, 20, 13));

    emit_call_datum(t, op_fmov_imm, value)->rd = bits(insn, 4, 0);
    return true;
}

bool translate_fmov_to_general(Translator *t, uint32_t insn)
{
    OpFn *fn = bits(insn, 23, 23)   ? op_fmov_x_v1
               : bits(insn, 22, 22) ? op_fmov_x_d
                                    : op_fmov_w_s;

    emit_fp(t, insn, fn)->rd = xw(bits(insn, 4, 0));
    return true;
}

bool translate_fmov_from_general(Translator *t, uint32_t insn)
{
    OpFn *fn = bits(insn, 23, 23)   ? op_fmov_v1_x
               : bits(insn, 22, 22) ? op_fmov_d_x
                                    : op_fmov_s_w;

    emit_fp(t, insn, fn)->rn = xr(bits(insn, 9, 5));
    return true;
}

static FpFixed integer_of(uint32_t insn)
{
    return (FpFixed){bits(insn, 31, 31) ? 64 : 32, 0, bits(insn, 16, 16)};
}

/* False: the integer has fewer bits than its fraction. */
static bool fixed_of(uint32_t insn, FpFixed *fixed)
{
    *fixed = integer_of(insn);
    fixed->fbits = 64 - bits(insn, 15, 10);
    return fixed->fbits <= fixed->width;
}

static Op *emit_to_x(Translator *t, uint32_t insn, OpFn *fn, FpFixed fixed)
{
    Op *op = emit_fp(t, insn, fn);

    op->rd = xw(bits(insn, 4, 0));
    op->sub = fp_fixed_to_sub(fixed);
    return op;
}

static void emit_from_x(Translator *t, uint32_t insn, OpFn *fn, FpFixed fixed)
{
    Op *op = emit_fp(t, insn, fn);

    op->rn = xr(bits(insn, 9, 5));
    op->sub = fp_fixed_to_sub(fixed);
}

bool translate_fp_to_int(Translator *t, uint32_t insn)
{
    unsigned rounding =
        bits(insn, 18, 18) ? FP_ROUND_TIE_AWAY : bits(insn, 20, 19);
    OpFn *const *fns =
        rounding == FP_ROUND_ZERO ? fp_to_int_fns : fp_to_fixed_fns;

    emit_to_x(t, insn, fns[size_of(insn)], integer_of(insn))->ra = rounding;
    return true;
}

bool translate_fp_to_fixed(Translator *t, uint32_t insn)
{
    FpFixed fixed;

    if (!fixed_of(insn, &fixed)) {
        return false;
    }
    emit_to_x(t, insn, fp_to_fixed_fns[size_of(insn)], fixed)->ra =
        FP_ROUND_ZERO;
    return true;
}

bool translate_fp_from_int(Translator *t, uint32_t insn)
{
    emit_from_x(t, insn, fp_from_int_fns[size_of(insn)], integer_of(insn));
    return true;
}

bool translate_fp_from_fixed(Translator *t, uint32_t insn)
{
    FpFixed fixed;

    if (!fixed_of(insn, &fixed)) {
        return false;
    }
    emit_from_x(t, insn, fp_from_fixed_fns[size_of(insn)], fixed);
    return true;
}
