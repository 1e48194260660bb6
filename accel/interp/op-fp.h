/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "fp.h"
#include "op.h"

/*
 * What the scalar floating-point instructions call, by FpSize: FP_SINGLE, then
 * FP_DOUBLE. rd, rn, rm and ra are vector registers, unless it says otherwise.
 * A result in a vector register clears the rest of it. Where one function does
 * many things, `sub` says which, and is made here.
 */
typedef OpFn *const FpFns[2];

/* FMUL, FDIV, FADD, FSUB, FMAX, FMIN, FMAXNM, FMINNM, FNMUL: by their opcode */
#define FP_NUM_2SOURCE 9
extern FpFns fp_2source_fns[FP_NUM_2SOURCE];
/* FMADD, FMSUB, FNMADD, FNMSUB: by o1:o0. ra is the addend. */
extern FpFns fp_3source_fns[4];
/* FMOV, FABS, FNEG, FSQRT: by their opcode */
extern FpFns fp_1source_fns[4];

/* FRINT*: ra is an FpRounding, or FP_ROUND_FPCR; rm whether IXC is raised. */
#define FP_ROUND_FPCR 8
extern FpFns fp_round_int_fns;

/* FCVT: [from][to], each an FpSize; NULL: not allocated. */
extern OpFn *const fp_convert_fns[4][4];

/* FCMP and FCMPE: sub says which, and whether rm or zero is compared with. */
#define FP_COMPARE_ZERO (1u << 0)
#define FP_COMPARE_SIGNAL (1u << 1) /* FCMPE, FCCMPE */
extern FpFns fp_compare_fns;
/* FCCMP and FCCMPE: ra is cond, and sub has nzcv above the same. */
#define FP_COMPARE_NZCV_SHIFT 4
extern FpFns fp_compare_if_fns;
/* FCSEL: ra is cond. */
extern FpFns fp_select_fns;

/* FMOV of a datum, whatever its size. */
OpFn op_fmov_imm;
/*
 * FMOV (general), its name's first letter being the destination's: w and x are
 * general registers, v1 is the upper half of a vector register.
 */
OpFn op_fmov_w_s, op_fmov_s_w, op_fmov_x_d, op_fmov_d_x, op_fmov_x_v1,
    op_fmov_v1_x;

/*
 * Between a general register and a vector register. sub is what FpFixed is;
 * that of fp_to_fixed_fns has the rounding in ra.
 */
static inline uint16_t fp_fixed_to_sub(FpFixed fixed)
{
    return fixed.fbits | (fixed.width == 64) << 8 | fixed.is_unsigned << 9;
}

static inline FpFixed fp_fixed_from_sub(uint16_t sub)
{
    return (FpFixed){sub & 0x100 ? 64 : 32, sub & 0xff, sub & 0x200};
}

extern FpFns fp_to_fixed_fns;
extern FpFns fp_from_fixed_fns;
/* The same for fbits 0, and FP_ROUND_ZERO. */
extern FpFns fp_to_int_fns;
extern FpFns fp_from_int_fns;
