/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-shift.c: Advanced SIMD, shift by immediate, and its scalar form (Arm ARM
 * C4.1); also the conversions to and from fixed point, which are encoded there.
 *
 * The highest bit of immh says the size of an element, narrow if there are two
 * sizes; the rest of immh:immb is the amount, counted up for shifts to the left
 * and down for those to the right, which may be by the whole size.
 */

#include "simd.h"

/* ---- translation ---- */

typedef enum Direction { LEFT, RIGHT } Direction;

static bool emit_shift(Translator *t, uint32_t insn, SimdFns fns,
                       Direction direction, bool is_scalar)
{
    unsigned imm = bits(insn, 22, 16), q = bits(insn, 30, 30);
    unsigned size = imm >= 8 ? 28 - __builtin_clz(imm) : 0;
    unsigned esize = 8 << size;

    if (imm < 8 || !fns[size] || (size == 3 && !q)) {
        return false;
    }
    simd_emit(t, insn, fns[size], is_scalar ? 1 << size : 8 << q, 0)->ra =
        direction == LEFT ? imm - esize : 2 * esize - imm;
    return true;
}

static bool left(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_shift(t, insn, fns, LEFT, false);
}

static bool right(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_shift(t, insn, fns, RIGHT, false);
}

static bool left_scalar(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_shift(t, insn, fns, LEFT, true);
}

static bool right_scalar(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_shift(t, insn, fns, RIGHT, true);
}

/* Elements of two sizes; Q is the half with the narrow ones. */
static bool emit_halves(Translator *t, uint32_t insn, SimdFns fns,
                        Direction direction, bool is_scalar)
{
    unsigned imm = bits(insn, 22, 16);
    unsigned size = imm >= 8 ? 28 - __builtin_clz(imm) : 0;
    unsigned esize = 8 << size;

    if (imm < 8 || !fns[size]) {
        return false;
    }
    simd_emit(t, insn, fns[size], is_scalar ? 1 << size : 8,
              is_scalar ? 0 : bits(insn, 30, 30))
        ->ra = direction == LEFT ? imm - esize : 2 * esize - imm;
    return true;
}

static bool left_halves(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_halves(t, insn, fns, LEFT, false);
}

static bool right_halves(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_halves(t, insn, fns, RIGHT, false);
}

static bool right_halves_scalar(Translator *t, uint32_t insn, SimdFns fns)
{
    return emit_halves(t, insn, fns, RIGHT, true);
}

/* ---- one size; the scalar forms are of 64 bits ---- */

#define SHIFT(name, kind, direction, expr)                              \
    SIMD_##kind(SIMD_INT, name, SECOND_AMOUNT,                          \
                expr) static SimdFns name##_only_d = {NULL, NULL, NULL, \
                                                      name##_d};        \
    SIMD_TRANSLATE(name##_imm_v, direction, name##_fns)                 \
    SIMD_TRANSLATE(name##_imm_sc, direction##_scalar, name##_only_d)

/* a >> b for b from 1 to BITS: in two steps, of which C can do each. */
#define SHIFTED_RIGHT (a >> (b - 1) >> 1)
/* The last bit that falls out rounds. */
#define ROUNDED_RIGHT (SHIFTED_RIGHT + (a >> (b - 1) & 1))

SHIFT(sshr, S_BHSD, right, SHIFTED_RIGHT)
SHIFT(ushr, U_BHSD, right, SHIFTED_RIGHT)
SHIFT(srshr, S_BHSD, right, ROUNDED_RIGHT)
SHIFT(urshr, U_BHSD, right, ROUNDED_RIGHT)
SHIFT(ssra, S_BHSD, right, 0ull + d + SHIFTED_RIGHT)
SHIFT(usra, U_BHSD, right, d + SHIFTED_RIGHT)
SHIFT(srsra, S_BHSD, right, 0ull + d + ROUNDED_RIGHT)
SHIFT(ursra, U_BHSD, right, d + ROUNDED_RIGHT)
SHIFT(shl, U_BHSD, left, a << b)
/* Where nothing of a ends up, d stays. */
SHIFT(sli, U_BHSD, left, (uint64_t)a << b | (d & ((UINT64_C(1) << b) - 1)))
SHIFT(sri, U_BHSD, right,
      SHIFTED_RIGHT | (d & ~(UINT64_MAX >> (64 - BITS) >> (b - 1) >> 1)))

#define SHIFT_SAT(name, kind, expr)                    \
    SIMD_##kind(SIMD_SOME, name, SECOND_AMOUNT, expr)  \
        SIMD_TRANSLATE(name##_imm_v, left, name##_fns) \
            SIMD_TRANSLATE(name##_imm_sc, left_scalar, name##_fns)

SHIFT_SAT(sqshl, S_BHSD, SAT(simd_shift(a, b, false)))
SHIFT_SAT(uqshl, U_BHSD, SAT(simd_shift(a, b, false)))
SHIFT_SAT(sqshlu, S_BHSD, SAT_UNSIGNED(simd_shift(a, b, false)))

/* ---- two sizes ---- */

#define NARROW(name, kind, expr)                  \
    SIMD_NARROW_##kind(name, SECOND_AMOUNT, expr) \
        SIMD_TRANSLATE(name##_v, right_halves, name##_fns)
#define NARROW_SAT(name, kind, expr) \
    NARROW(name, kind, expr)         \
    SIMD_TRANSLATE(name##_sc, right_halves_scalar, name##_fns)

NARROW(shrn, U, a >> b)
NARROW(rshrn, U, ROUNDED_RIGHT)
NARROW_SAT(sqshrn, S, SAT(SHIFTED_RIGHT))
NARROW_SAT(sqrshrn, S, SAT(ROUNDED_RIGHT))
NARROW_SAT(uqshrn, U, SAT(SHIFTED_RIGHT))
NARROW_SAT(uqrshrn, U, SAT(ROUNDED_RIGHT))
NARROW_SAT(sqshrun, SU, SAT(SHIFTED_RIGHT))
NARROW_SAT(sqrshrun, SU, SAT(ROUNDED_RIGHT))

SIMD_LONG_S(sshll, SECOND_AMOUNT, (uint64_t)a << b)
SIMD_LONG_U(ushll, SECOND_AMOUNT, (uint64_t)a << b)
SIMD_TRANSLATE(sshll_v, left_halves, sshll_fns)
SIMD_TRANSLATE(ushll_v, left_halves, ushll_fns)

/* ---- fixed point: the amount is the number of fraction bits ---- */

#define FIXED(name, expr)                             \
    SIMD_FP(name, SECOND_AMOUNT, expr, expr)          \
    SIMD_TRANSLATE(name##_fixed_v, right, name##_fns) \
    SIMD_TRANSLATE(name##_fixed_sc, right_scalar, name##_fns)

#define FORMAT(is_unsigned) ((FpFixed){BITS, b, is_unsigned})

FIXED(scvtf, fp_from_fixed(FP_SIZE, a, FORMAT(false), env))
FIXED(ucvtf, fp_from_fixed(FP_SIZE, a, FORMAT(true), env))
FIXED(fcvtzs, fp_to_fixed(FP_SIZE, a, FORMAT(false), FP_ROUND_ZERO, env))
FIXED(fcvtzu, fp_to_fixed(FP_SIZE, a, FORMAT(true), FP_ROUND_ZERO, env))
