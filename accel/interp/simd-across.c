/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-across.c: Advanced SIMD instructions that make one element of several:
 * across lanes, and the scalar pairwise ones of floating point (Arm ARM C4.1,
 * "Advanced SIMD across lanes", "Advanced SIMD scalar pairwise").
 *
 * Floating-point minima and maxima are taken of the two halves' results, as
 * Reduce() does: it decides which NaN is seen.
 */

#include "simd.h"

/* From the first lane on, `acc` becomes `expr` of itself and the next, a. */
#define ACROSS(fn, type, field, result, expr)                          \
    static bool fn(InterpCpu *cpu, const Op *op)                       \
    {                                                                  \
        const VReg n = cpu->v[op->rn];                                 \
        int64_t acc = n.field[0];                                      \
                                                                       \
        for (unsigned i = 1; i < simd_bytes(op) / sizeof(type); i++) { \
            type a = n.field[i];                                       \
                                                                       \
            acc = (expr);                                              \
        }                                                              \
        cpu->v[op->rd] = (VReg){.d = {(result)acc}};                   \
        return true;                                                   \
    }

#define ACROSS_S(name, expr)                                    \
    ACROSS(name##_b, int8_t, sb, uint8_t, expr)                 \
    ACROSS(name##_h, int16_t, sh, uint16_t, expr)               \
    ACROSS(name##_s, int32_t, ss, uint32_t, expr)               \
    static SimdFns name##_fns = {name##_b, name##_h, name##_s}; \
    SIMD_TRANSLATE(name, across, name##_fns)
#define ACROSS_U(name, expr)                                    \
    ACROSS(name##_b, uint8_t, b, uint8_t, expr)                 \
    ACROSS(name##_h, uint16_t, h, uint16_t, expr)               \
    ACROSS(name##_s, uint32_t, s, uint32_t, expr)               \
    static SimdFns name##_fns = {name##_b, name##_h, name##_s}; \
    SIMD_TRANSLATE(name, across, name##_fns)

/* No two lanes of 32 bits: those would be a pair. */
static bool across(Translator *t, uint32_t insn, SimdFns fns)
{
    return (bits(insn, 23, 22) != 2 || bits(insn, 30, 30)) &&
           simd_vector(t, insn, fns);
}

ACROSS_U(addv, acc + a)
ACROSS_S(smaxv, MAX(acc, a))
ACROSS_S(sminv, MIN(acc, a))
ACROSS_U(umaxv, MAX(acc, a))
ACROSS_U(uminv, MIN(acc, a))

ACROSS(saddlv_b, int8_t, sb, uint16_t, acc + a)
ACROSS(saddlv_h, int16_t, sh, uint32_t, acc + a)
ACROSS(saddlv_s, int32_t, ss, uint64_t, acc + a)
ACROSS(uaddlv_b, uint8_t, b, uint16_t, acc + a)
ACROSS(uaddlv_h, uint16_t, h, uint32_t, acc + a)
ACROSS(uaddlv_s, uint32_t, s, uint64_t, acc + a)

static SimdFns saddlv = {saddlv_b, saddlv_h, saddlv_s};
static SimdFns uaddlv = {uaddlv_b, uaddlv_h, uaddlv_s};

SIMD_TRANSLATE(saddlv, across, saddlv)
SIMD_TRANSLATE(uaddlv, across, uaddlv)

/* ---- floating point: all four lanes, or a pair ---- */

#define REDUCE(name, operation)                                         \
    static bool name##v_s(InterpCpu *cpu, const Op *op)                 \
    {                                                                   \
        const VReg n = cpu->v[op->rn];                                  \
        uint64_t low = operation(FP_SINGLE, n.s[0], n.s[1], &cpu->fp);  \
        uint64_t high = operation(FP_SINGLE, n.s[2], n.s[3], &cpu->fp); \
                                                                        \
        low = operation(FP_SINGLE, low, high, &cpu->fp);                \
        cpu->v[op->rd] = (VReg){.d = {low}};                            \
        return true;                                                    \
    }                                                                   \
                                                                        \
    bool translate_##name##v(Translator *t, uint32_t insn)              \
    {                                                                   \
        simd_emit(t, insn, name##v_s, 16, 0);                           \
        return true;                                                    \
    }

#define PAIR(name, operation)                                              \
    static bool name##p_s(InterpCpu *cpu, const Op *op)                    \
    {                                                                      \
        const VReg n = cpu->v[op->rn];                                     \
                                                                           \
        cpu->v[op->rd] =                                                   \
            (VReg){.d = {operation(FP_SINGLE, n.s[0], n.s[1], &cpu->fp)}}; \
        return true;                                                       \
    }                                                                      \
                                                                           \
    static bool name##p_d(InterpCpu *cpu, const Op *op)                    \
    {                                                                      \
        const VReg n = cpu->v[op->rn];                                     \
                                                                           \
        cpu->v[op->rd] =                                                   \
            (VReg){.d = {operation(FP_DOUBLE, n.d[0], n.d[1], &cpu->fp)}}; \
        return true;                                                       \
    }                                                                      \
                                                                           \
    static SimdFns name##p_fns = {NULL, NULL, name##p_s, name##p_d};       \
    SIMD_TRANSLATE(name##p_sc, simd_scalar_fp, name##p_fns)

REDUCE(fmax, fp_max)
REDUCE(fmin, fp_min)
REDUCE(fmaxnm, fp_max_num)
REDUCE(fminnm, fp_min_num)
PAIR(fadd, fp_add)
PAIR(fmax, fp_max)
PAIR(fmin, fp_min)
PAIR(fmaxnm, fp_max_num)
PAIR(fminnm, fp_min_num)
