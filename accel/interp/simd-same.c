/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-same.c: Advanced SIMD, three registers of the same size, of integers
 * (Arm ARM C4.1, "Advanced SIMD three same" and its scalar form).
 *
 * One line defines an instruction's functions and the translate functions of
 * its forms. Sums and products are of unsigned lanes, since those wrap;
 * products are computed in 64 bits, since C would take int for shorter lanes.
 */

#include "simd.h"

/* `kind` is one of U_BHS, S_BHSD and so on: the lanes that there are. */
#define SAME(name, kind, expr)                    \
    SIMD_##kind(SIMD_INT, name, SECOND_REG, expr) \
        SIMD_TRANSLATE(name##_v, simd_vector, name##_fns)

/* What saturates has scalar forms of all sizes. */
#define SAME_SAT(name, kind, expr)                        \
    SIMD_##kind(SIMD_SOME, name, SECOND_REG, expr)        \
        SIMD_TRANSLATE(name##_v, simd_vector, name##_fns) \
            SIMD_TRANSLATE(name##_sc, simd_scalar, name##_fns)

/* With a scalar form, of 64 bits. */
#define SAME_D(name, kind, expr)                                 \
    SAME(name, kind, expr)                                       \
    static SimdFns name##_only_d = {NULL, NULL, NULL, name##_d}; \
    SIMD_TRANSLATE(name##_sc, simd_scalar, name##_only_d)

/* ---- sums ---- */

SAME_D(add, U_BHSD, a + b)
SAME_D(sub, U_BHSD, a - b)
SAME(shadd, S_BHS, ((int64_t)a + b) >> 1)
SAME(uhadd, U_BHS, ((uint64_t)a + b) >> 1)
SAME(srhadd, S_BHS, ((int64_t)a + b + 1) >> 1)
SAME(urhadd, U_BHS, ((uint64_t)a + b + 1) >> 1)
SAME(shsub, S_BHS, ((int64_t)a - b) >> 1)
SAME(uhsub, U_BHS, ((uint64_t)a - b) >> 1)
SAME(sabd, S_BHS, SIMD_DIFFERENCE(a, b))
SAME(uabd, U_BHS, SIMD_DIFFERENCE(a, b))
SAME(saba, S_BHS, d + SIMD_DIFFERENCE(a, b))
SAME(uaba, U_BHS, d + SIMD_DIFFERENCE(a, b))
SAME_SAT(sqadd, S_BHSD, SAT((__int128)a + b))
SAME_SAT(uqadd, U_BHSD, SAT((__int128)a + b))
SAME_SAT(sqsub, S_BHSD, SAT((__int128)a - b))
SAME_SAT(uqsub, U_BHSD, SAT((__int128)a - b))

/* ---- comparisons ---- */

SAME_D(cmgt, S_BHSD, SIMD_ONES(a > b))
SAME_D(cmhi, U_BHSD, SIMD_ONES(a > b))
SAME_D(cmge, S_BHSD, SIMD_ONES(a >= b))
SAME_D(cmhs, U_BHSD, SIMD_ONES(a >= b))
SAME_D(cmtst, U_BHSD, SIMD_ONES((a & b) != 0))
SAME_D(cmeq, U_BHSD, SIMD_ONES(a == b))
SAME(smax, S_BHS, MAX(a, b))
SAME(umax, U_BHS, MAX(a, b))
SAME(smin, S_BHS, MIN(a, b))
SAME(umin, U_BHS, MIN(a, b))

/* ---- shifts by the lowest byte of a lane ---- */

SAME_D(sshl, S_BHSD, simd_shift(a, (int8_t)b, false))
SAME_D(ushl, U_BHSD, simd_shift(a, (int8_t)b, false))
SAME_D(srshl, S_BHSD, simd_shift(a, (int8_t)b, true))
SAME_D(urshl, U_BHSD, simd_shift(a, (int8_t)b, true))
SAME_SAT(sqshl, S_BHSD, SAT(simd_shift(a, (int8_t)b, false)))
SAME_SAT(uqshl, U_BHSD, SAT(simd_shift(a, (int8_t)b, false)))
SAME_SAT(sqrshl, S_BHSD, SAT(simd_shift(a, (int8_t)b, true)))
SAME_SAT(uqrshl, U_BHSD, SAT(simd_shift(a, (int8_t)b, true)))

/* ---- products ---- */

SAME(mul, U_BHS, SIMD_PRODUCT(a, b))
SAME(mla, U_BHS, d + SIMD_PRODUCT(a, b))
SAME(mls, U_BHS, d - SIMD_PRODUCT(a, b))
SIMD_U_B(SIMD_INT, pmul, SECOND_REG, simd_polynomial_product(a, b))
static SimdFns pmul = {pmul_b};
SIMD_TRANSLATE(pmul_v, simd_vector, pmul)
SAME_SAT(sqdmulh, S_HS, SIMD_HIGH_PRODUCT(a, b, 0))
SAME_SAT(sqrdmulh, S_HS, SIMD_HIGH_PRODUCT(a, b, 1ll << (BITS - 1)))

/* ---- logic: size says which instruction it is ---- */

#define LOGIC(name, expr)                                         \
    SIMD_U_D(SIMD_INT, name, SECOND_REG, expr)                    \
    bool translate_##name##_v(Translator *t, uint32_t insn)       \
    {                                                             \
        simd_emit(t, insn, name##_d, 8 << bits(insn, 30, 30), 0); \
        return true;                                              \
    }

LOGIC(and, a &b)
LOGIC(bic, a & ~b)
LOGIC(orn, a | ~b)
LOGIC(eor, a ^ b)
LOGIC(bsl, b ^ ((b ^ a) & d))
LOGIC(bit, d ^ ((d ^ a) & b))
LOGIC(bif, d ^ ((d ^ a) & ~b))

SIMD_U_D(SIMD_INT, orr, SECOND_REG, a | b)

/* MOV (vector), the alias of ORR that there is most of. */
static bool mov_16(InterpCpu *cpu, const Op *op)
{
    cpu->v[op->rd] = cpu->v[op->rn];
    return true;
}

bool translate_orr_v(Translator *t, uint32_t insn)
{
    unsigned q = bits(insn, 30, 30);
    bool is_move = q && bits(insn, 20, 16) == bits(insn, 9, 5);

    simd_emit(t, insn, is_move ? mov_16 : orr_d, 8 << q, 0);
    return true;
}

/* ---- pairs: those of Vn, then those of Vm ---- */

static VReg join_halves(const VReg *low, const VReg *high, unsigned half)
{
    if (half == 8) {
        return (VReg){.d = {low->d[0], high->d[0]}};
    }
    return (VReg){.s = {low->s[0], high->s[0]}};
}

#define PAIRS(fn, type, field, second, expr)                 \
    static bool fn(InterpCpu *cpu, const Op *op)             \
    {                                                        \
        const VReg n = cpu->v[op->rn], m = cpu->v[op->rm];   \
        unsigned half = simd_bytes(op) / 2;                  \
        VReg of_n = {{0}}, of_m = {{0}};                     \
                                                             \
        for (unsigned i = 0; i < half / sizeof(type); i++) { \
            type a = n.field[2 * i], b = n.field[2 * i + 1]; \
                                                             \
            of_n.field[i] = (expr);                          \
            a = m.field[2 * i], b = m.field[2 * i + 1];      \
            of_m.field[i] = (expr);                          \
        }                                                    \
        cpu->v[op->rd] = join_halves(&of_n, &of_m, half);    \
        return true;                                         \
    }

#define PAIRWISE(name, kind, expr)             \
    SIMD_##kind(PAIRS, name, SECOND_REG, expr) \
        SIMD_TRANSLATE(name##_v, simd_vector, name##_fns)

PAIRWISE(addp, U_BHSD, a + b)
PAIRWISE(smaxp, S_BHS, MAX(a, b))
PAIRWISE(umaxp, U_BHS, MAX(a, b))
PAIRWISE(sminp, S_BHS, MIN(a, b))
PAIRWISE(uminp, U_BHS, MIN(a, b))

/* ADDP (scalar): the two halves of Vn. */
static bool addp_pair(InterpCpu *cpu, const Op *op)
{
    const VReg n = cpu->v[op->rn];

    cpu->v[op->rd] = (VReg){.d = {n.d[0] + n.d[1]}};
    return true;
}

bool translate_addp_sc(Translator *t, uint32_t insn)
{
    simd_emit(t, insn, addp_pair, 16, 0);
    return true;
}
