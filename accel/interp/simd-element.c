/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-element.c: Advanced SIMD, vector by element, and its scalar form (Arm
 * ARM C4.1, "Advanced SIMD vector x indexed element").
 *
 * The same expressions as in simd-same.c, simd-same-fp.c and simd-different.c,
 * with one lane of Vm for all of Vn's.
 */

#include "fp-fast.h"
#include "simd.h"

/* Vm and its lane: index is H:L:M, H:L or H, and Rm has the other bits. */
static bool emit_element(Translator *t, uint32_t insn, SimdFns fns,
                         unsigned size, unsigned bytes, unsigned half)
{
    unsigned h = bits(insn, 11, 11), l = bits(insn, 21, 21);
    unsigned m = bits(insn, 20, 20);
    Op *op;

    if (!fns[size] || (size == 3 && l)) {
        return false;
    }
    op = simd_emit(t, insn, fns[size], bytes, half);
    if (size == 1) {
        op->rm = bits(insn, 19, 16);
        op->ra = h << 2 | l << 1 | m;
    } else {
        op->ra = size == 2 ? h << 1 | l : h;
    }
    return true;
}

static bool element(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_element(t, insn, fns, bits(insn, 23, 22),
                        8 << bits(insn, 30, 30), 0);
}

static bool element_fp(Translator *t, uint32_t insn, SimdFns fns)
{
    unsigned size = 2 + bits(insn, 22, 22), q = bits(insn, 30, 30);

    return !(size == 3 && !q) && emit_element(t, insn, fns, size, 8 << q, 0);
}

static bool element_long(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_element(t, insn, fns, bits(insn, 23, 22), 8,
                        bits(insn, 30, 30));
}

static bool element_scalar(Translator *t, uint32_t insn, SimdFns fns)
{
    unsigned size = bits(insn, 23, 22);

    return emit_element(t, insn, fns, size, 1 << size, 0);
}

static bool element_scalar_fp(Translator *t, uint32_t insn, SimdFns fns)
{
    unsigned size = 2 + bits(insn, 22, 22);

    return emit_element(t, insn, fns, size, 1 << size, 0);
}

#define SAME(name, expr)                         \
    SIMD_U_HS(SIMD_INT, name, SECOND_LANE, expr) \
    SIMD_TRANSLATE(name##_elem, element, name##_fns)

SAME(mul, SIMD_PRODUCT(a, b))
SAME(mla, d + SIMD_PRODUCT(a, b))
SAME(mls, d - SIMD_PRODUCT(a, b))

#define SAME_SAT(name, expr)                         \
    SIMD_S_HS(SIMD_SOME, name, SECOND_LANE, expr)    \
    SIMD_TRANSLATE(name##_elem, element, name##_fns) \
    SIMD_TRANSLATE(name##_elem_sc, element_scalar, name##_fns)

SAME_SAT(sqdmulh, SIMD_HIGH_PRODUCT(a, b, 0))
SAME_SAT(sqrdmulh, SIMD_HIGH_PRODUCT(a, b, 1ll << (BITS - 1)))

#define LONG_U(name, expr)                                           \
    SIMD_LONG(name##_h, uint16_t, h, uint32_t, s, SECOND_LANE, expr) \
    SIMD_LONG(name##_s, uint32_t, s, uint64_t, d, SECOND_LANE, expr) \
    static SimdFns name##_fns = {NULL, name##_h, name##_s};          \
    SIMD_TRANSLATE(name##_elem, element_long, name##_fns)
#define LONG_S(name, expr)                                  \
    SIMD_LONG_S_HS(name, SECOND_LANE, expr)                 \
    static SimdFns name##_fns = {NULL, name##_h, name##_s}; \
    SIMD_TRANSLATE(name##_elem, element_long, name##_fns)

LONG_S(smull, SIMD_PRODUCT(a, b))
LONG_U(umull, SIMD_PRODUCT(a, b))
LONG_S(smlal, d + SIMD_PRODUCT(a, b))
LONG_U(umlal, d + SIMD_PRODUCT(a, b))
LONG_S(smlsl, d - SIMD_PRODUCT(a, b))
LONG_U(umlsl, d - SIMD_PRODUCT(a, b))

#define DOUBLING(name, expr) \
    LONG_S(name, expr)       \
    SIMD_TRANSLATE(name##_elem_sc, element_scalar, name##_fns)

DOUBLING(sqdmull, SIMD_DOUBLE_PRODUCT(a, b))
DOUBLING(sqdmlal, SAT((__int128)d + (int64_t)SIMD_DOUBLE_PRODUCT(a, b)))
DOUBLING(sqdmlsl, SAT((__int128)d - (int64_t)SIMD_DOUBLE_PRODUCT(a, b)))

#define FP(name, expr_s, expr_d)                        \
    SIMD_FP(name, SECOND_LANE, expr_s, expr_d)          \
    SIMD_TRANSLATE(name##_elem, element_fp, name##_fns) \
    SIMD_TRANSLATE(name##_elem_sc, element_scalar_fp, name##_fns)

FP(fmul, fp32_mul(a, b, env), fp64_mul(a, b, env))
FP(fmulx, fp_mulx(FP_SIZE, a, b, env), fp_mulx(FP_SIZE, a, b, env))
FP(fmla, fp32_mul_add(d, a, b, env), fp64_mul_add(d, a, b, env))
FP(fmls, fp32_mul_add(d, fp_neg(FP_SIZE, a), b, env),
   fp64_mul_add(d, fp_neg(FP_SIZE, a), b, env))
