/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-fp.c: Advanced SIMD of floating-point numbers: three registers of the
 * same size, two registers, and the scalar forms of both (Arm ARM C4.1).
 *
 * fp.h computes, fp-fast.h where it can. Lanes are computed from the lowest on
 * and only those that take part, since each may raise a flag in FPSR.
 */

#include "fp-fast.h"
#include "simd.h"

#define SECOND_NONE(field) 0

#define VECTOR(name, second, expr_s, expr_d) \
    SIMD_FP(name, second, expr_s, expr_d)    \
    SIMD_TRANSLATE(name##_v, simd_vector_fp, name##_fns)
#define WITH_SCALAR(name, second, expr_s, expr_d) \
    VECTOR(name, second, expr_s, expr_d)          \
    SIMD_TRANSLATE(name##_sc, simd_scalar_fp, name##_fns)

/* ---- three registers ---- */

#define SAME(name, expr_s, expr_d) VECTOR(name, SECOND_REG, expr_s, expr_d)
#define SAME_SC(name, expr) WITH_SCALAR(name, SECOND_REG, expr, expr)

SAME(fadd, fp32_add(a, b, env), fp64_add(a, b, env))
SAME(fsub, fp32_sub(a, b, env), fp64_sub(a, b, env))
SAME(fmul, fp32_mul(a, b, env), fp64_mul(a, b, env))
SAME(fdiv, fp32_div(a, b, env), fp64_div(a, b, env))
SAME(fmla, fp32_mul_add(d, a, b, env), fp64_mul_add(d, a, b, env))
SAME(fmls, fp32_mul_add(d, fp_neg(FP_SIZE, a), b, env),
     fp64_mul_add(d, fp_neg(FP_SIZE, a), b, env))

#define SAME_GENERIC(name, operation) \
    SAME(name, operation(FP_SIZE, a, b, env), operation(FP_SIZE, a, b, env))

SAME_GENERIC(fmax, fp_max)
SAME_GENERIC(fmin, fp_min)
SAME_GENERIC(fmaxnm, fp_max_num)
SAME_GENERIC(fminnm, fp_min_num)

SAME_SC(fmulx, fp_mulx(FP_SIZE, a, b, env))
SAME_SC(frecps, fp_recip_step(FP_SIZE, a, b, env))
SAME_SC(frsqrts, fp_rsqrt_step(FP_SIZE, a, b, env))
WITH_SCALAR(fabd, SECOND_REG, fp_abs(FP_SIZE, fp32_sub(a, b, env)),
            fp_abs(FP_SIZE, fp64_sub(a, b, env)))

/* ---- pairs: those of Vn, then those of Vm ---- */

#define PAIRS(fn, type, field, second, operation)                       \
    static bool fn(InterpCpu *cpu, const Op *op)                        \
    {                                                                   \
        enum { BITS = 8 * sizeof(type) };                               \
        const VReg n = cpu->v[op->rn], m = cpu->v[op->rm];              \
        unsigned half = simd_bytes(op) / sizeof(type) / 2;              \
        VReg r = {{0}};                                                 \
                                                                        \
        for (unsigned i = 0; i < 2 * half; i++) {                       \
            const VReg *source = i < half ? &n : &m;                    \
            unsigned first = 2 * (i % half);                            \
                                                                        \
            r.field[i] = operation(FP_SIZE, source->field[first],       \
                                   source->field[first + 1], &cpu->fp); \
        }                                                               \
        cpu->v[op->rd] = r;                                             \
        return true;                                                    \
    }

#define PAIRWISE(name, operation)                                 \
    SIMD_U_S(PAIRS, name, , operation)                            \
    SIMD_U_D(PAIRS, name, , operation)                            \
    static SimdFns name##_fns = {NULL, NULL, name##_s, name##_d}; \
    SIMD_TRANSLATE(name##_v, simd_vector_fp, name##_fns)

PAIRWISE(faddp, fp_add)
PAIRWISE(fmaxp, fp_max)
PAIRWISE(fminp, fp_min)
PAIRWISE(fmaxnmp, fp_max_num)
PAIRWISE(fminnmp, fp_min_num)

/* ---- two registers ---- */

#define UNARY(name, expr) VECTOR(name, SECOND_NONE, expr, expr)
#define UNARY_SC(name, expr) WITH_SCALAR(name, SECOND_NONE, expr, expr)

UNARY(fabs, fp_abs(FP_SIZE, a))
UNARY(fneg, fp_neg(FP_SIZE, a))
VECTOR(fsqrt, SECOND_NONE, fp32_sqrt(a, env), fp64_sqrt(a, env))

UNARY_SC(frecpe, fp_recip_estimate(FP_SIZE, a, env))
UNARY_SC(frsqrte, fp_rsqrt_estimate(FP_SIZE, a, env))

/* FRECPX has only the scalar form. */
SIMD_FP(frecpx, SECOND_NONE, fp_recpx(FP_SIZE, a, env),
        fp_recpx(FP_SIZE, a, env))
SIMD_TRANSLATE(frecpx_sc, simd_scalar_fp, frecpx_fns)

#define ROUND(name, rounding, exact) \
    UNARY(name, fp_round_int(FP_SIZE, a, rounding, exact, env))

ROUND(frintn, FP_ROUND_TIE_EVEN, false)
ROUND(frintm, FP_ROUND_NEG_INF, false)
ROUND(frintp, FP_ROUND_POS_INF, false)
ROUND(frintz, FP_ROUND_ZERO, false)
ROUND(frinta, FP_ROUND_TIE_AWAY, false)
ROUND(frintx, fp_rounding(env), true)
ROUND(frinti, fp_rounding(env), false)

#define TO_INTEGER(name, rounding)                                       \
    UNARY_SC(name##s, fp_to_fixed(FP_SIZE, a, (FpFixed){BITS, 0, false}, \
                                  rounding, env))                        \
    UNARY_SC(name##u,                                                    \
             fp_to_fixed(FP_SIZE, a, (FpFixed){BITS, 0, true}, rounding, env))

TO_INTEGER(fcvtn, FP_ROUND_TIE_EVEN)
TO_INTEGER(fcvtm, FP_ROUND_NEG_INF)
TO_INTEGER(fcvtp, FP_ROUND_POS_INF)
TO_INTEGER(fcvtz, FP_ROUND_ZERO)
TO_INTEGER(fcvta, FP_ROUND_TIE_AWAY)
UNARY_SC(scvtf, fp_from_fixed(FP_SIZE, a, (FpFixed){BITS, 0, false}, env))
UNARY_SC(ucvtf, fp_from_fixed(FP_SIZE, a, (FpFixed){BITS, 0, true}, env))

/* ---- comparisons: `holds` is said of NZCV, of x and y ---- */

#define COMPARE(name, second, x, y, signal_nans, holds)                 \
    WITH_SCALAR(name, second,                                           \
                SIMD_ONES(holds(fp32_compare(x, y, signal_nans, env))), \
                SIMD_ONES(holds(fp64_compare(x, y, signal_nans, env))))

#define IS_EQ(nzcv) ((nzcv) == 0x6)
#define IS_GT(nzcv) ((nzcv) == 0x2)
#define IS_GE(nzcv) (!((nzcv)&0x9))

#define MAGNITUDE(x) fp_abs(FP_SIZE, x)

COMPARE(fcmeq, SECOND_REG, a, b, false, IS_EQ)
COMPARE(fcmge, SECOND_REG, a, b, true, IS_GE)
COMPARE(fcmgt, SECOND_REG, a, b, true, IS_GT)
COMPARE(facge, SECOND_REG, MAGNITUDE(a), MAGNITUDE(b), true, IS_GE)
COMPARE(facgt, SECOND_REG, MAGNITUDE(a), MAGNITUDE(b), true, IS_GT)
COMPARE(fcmeq_zero, SECOND_NONE, a, 0, false, IS_EQ)
COMPARE(fcmge_zero, SECOND_NONE, a, 0, true, IS_GE)
COMPARE(fcmgt_zero, SECOND_NONE, a, 0, true, IS_GT)
COMPARE(fcmle_zero, SECOND_NONE, 0, a, true, IS_GE)
COMPARE(fcmlt_zero, SECOND_NONE, 0, a, true, IS_GT)

/* ---- formats of two sizes: half and single, single and double ---- */

SIMD_LONG(fcvtl_h, uint16_t, h, uint32_t, s, SECOND_NONE,
          fp_convert(FP_SINGLE, FP_HALF, a, &cpu->fp))
SIMD_LONG(fcvtl_s, uint32_t, s, uint64_t, d, SECOND_NONE,
          fp64_from_single(a, &cpu->fp))
SIMD_NARROW(fcvtn_h, uint32_t, s, uint16_t, h, SECOND_NONE,
            fp_convert(FP_HALF, FP_SINGLE, a, &cpu->fp))
SIMD_NARROW(fcvtn_s, uint64_t, d, uint32_t, s, SECOND_NONE,
            fp32_from_double(a, &cpu->fp))
SIMD_NARROW(fcvtxn_s, uint64_t, d, uint32_t, s, SECOND_NONE,
            fp_convert_odd(a, &cpu->fp))

#define BY_SZ(name, half_fn, single_fn)                                 \
    bool translate_##name(Translator *t, uint32_t insn)                 \
    {                                                                   \
        simd_emit(t, insn, bits(insn, 22, 22) ? single_fn : half_fn, 8, \
                  bits(insn, 30, 30));                                  \
        return true;                                                    \
    }

BY_SZ(fcvtl_v, fcvtl_h, fcvtl_s)
BY_SZ(fcvtn_v, fcvtn_h, fcvtn_s)
BY_SZ(fcvtxn_v, fcvtxn_s, fcvtxn_s)

/* The upper lane of Vn is taken as zero, which raises nothing. */
bool translate_fcvtxn_sc(Translator *t, uint32_t insn)
{
    simd_emit(t, insn, fcvtxn_s, 4, 0);
    return true;
}
