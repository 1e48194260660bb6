/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-misc.c: Advanced SIMD, two registers, of integers (Arm ARM C4.1,
 * "Advanced SIMD two-register miscellaneous" and its scalar form). The
 * reversals are in simd-permute.c.
 */

#include "simd.h"

/* There is no second operand. */
#define SECOND_NONE(field) 0

#define UNARY(name, kind, expr)                    \
    SIMD_##kind(SIMD_INT, name, SECOND_NONE, expr) \
        SIMD_TRANSLATE(name##_v, simd_vector, name##_fns)
/* With a scalar form, of 64 bits. */
#define UNARY_D(name, kind, expr)                                \
    UNARY(name, kind, expr)                                      \
    static SimdFns name##_only_d = {NULL, NULL, NULL, name##_d}; \
    SIMD_TRANSLATE(name##_sc, simd_scalar, name##_only_d)
/* With scalar forms of all sizes. */
#define UNARY_SAT(name, kind, expr)                       \
    SIMD_##kind(SIMD_SOME, name, SECOND_NONE, expr)       \
        SIMD_TRANSLATE(name##_v, simd_vector, name##_fns) \
            SIMD_TRANSLATE(name##_sc, simd_scalar, name##_fns)

UNARY_D(abs, S_BHSD, a < 0 ? -1ull * a : 1ull * a)
UNARY_D(neg, U_BHSD, -1ull * a)
UNARY_D(cmgt_zero, S_BHSD, SIMD_ONES(a > 0))
UNARY_D(cmge_zero, S_BHSD, SIMD_ONES(a >= 0))
UNARY_D(cmeq_zero, S_BHSD, SIMD_ONES(a == 0))
UNARY_D(cmle_zero, S_BHSD, SIMD_ONES(a <= 0))
UNARY_D(cmlt_zero, S_BHSD, SIMD_ONES(a < 0))
UNARY_SAT(sqabs, S_BHSD, SAT(a < 0 ? -(__int128)a : a))
UNARY_SAT(sqneg, S_BHSD, SAT(-(__int128)a))
/* An unsigned lane, read as a signed one. */
#define SIGNED_LANE(x) \
    ((__int128)((int64_t)((uint64_t)(x) << (64 - BITS)) >> (64 - BITS)))

/* Of an accumulator of the one kind and an addend of the other. */
UNARY_SAT(suqadd, U_BHSD, SAT_SIGNED(SIGNED_LANE(d) + a))
UNARY_SAT(usqadd, U_BHSD, SAT(SIGNED_LANE(a) + d))

/* ---- bits ---- */

static inline unsigned leading_zeros(uint32_t a, unsigned bits)
{
    return a ? __builtin_clz(a) - (32 - bits) : bits;
}

UNARY(clz, U_BHS, leading_zeros(a, BITS))
UNARY(cls, S_BHS, __builtin_clrsb(a) - (32 - BITS))

static inline uint8_t reverse_bits(uint8_t a)
{
    a = a >> 4 | a << 4;
    a = (a & 0xcc) >> 2 | (a & 0x33) << 2;
    return (a & 0xaa) >> 1 | (a & 0x55) << 1;
}

static inline uint8_t count_bits(uint8_t a)
{
    a -= a >> 1 & 0x55;
    a = (a & 0x33) + (a >> 2 & 0x33);
    return (a + (a >> 4)) & 0xf;
}

SIMD_U_B(SIMD_INT, cnt, SECOND_NONE, count_bits(a))
SIMD_U_B(SIMD_INT, not, SECOND_NONE, ~a)
SIMD_U_B(SIMD_INT, rbit, SECOND_NONE, reverse_bits(a))

static SimdFns cnt = {cnt_b};
/* size is a part of the opcode. */
static SimdFns not_rbit = {not_b, rbit_b};

SIMD_TRANSLATE(cnt_v, simd_vector, cnt)
SIMD_TRANSLATE(not_rbit_v, simd_vector, not_rbit)

/* ---- sums of pairs, to lanes of twice the size ---- */

#define PAIRS(fn, ntype, nfield, type, field, initial)                \
    static bool fn(InterpCpu *cpu, const Op *op)                      \
    {                                                                 \
        const VReg n = cpu->v[op->rn];                                \
        VReg r = cpu->v[op->rd];                                      \
                                                                      \
        for (unsigned i = 0; i < 16 / sizeof(type); i++) {            \
            const type d G_GNUC_UNUSED = r.field[i];                  \
            const ntype a = n.nfield[2 * i], b = n.nfield[2 * i + 1]; \
                                                                      \
            r.field[i] = (type)(0ull + (initial) + a + b);            \
        }                                                             \
        return simd_write(cpu, op, r);                                \
    }

#define PAIRS_S(name, initial)                                  \
    PAIRS(name##_b, int8_t, sb, int16_t, sh, initial)           \
    PAIRS(name##_h, int16_t, sh, int32_t, ss, initial)          \
    PAIRS(name##_s, int32_t, ss, int64_t, sd, initial)          \
    static SimdFns name##_fns = {name##_b, name##_h, name##_s}; \
    SIMD_TRANSLATE(name##_v, simd_vector, name##_fns)
#define PAIRS_U(name, initial)                                  \
    PAIRS(name##_b, uint8_t, b, uint16_t, h, initial)           \
    PAIRS(name##_h, uint16_t, h, uint32_t, s, initial)          \
    PAIRS(name##_s, uint32_t, s, uint64_t, d, initial)          \
    static SimdFns name##_fns = {name##_b, name##_h, name##_s}; \
    SIMD_TRANSLATE(name##_v, simd_vector, name##_fns)

PAIRS_S(saddlp, 0)
PAIRS_U(uaddlp, 0)
PAIRS_S(sadalp, d)
PAIRS_U(uadalp, d)

/* ---- half the size, and twice ---- */

#define NARROW(name, kind, expr)                \
    SIMD_NARROW_##kind(name, SECOND_NONE, expr) \
        SIMD_TRANSLATE(name##_v, simd_halves, name##_fns)

NARROW(xtn, U, a)
NARROW(sqxtn, S, SAT(a))
NARROW(uqxtn, U, SAT(a))
NARROW(sqxtun, SU, SAT(a))
SIMD_TRANSLATE(sqxtn_sc, simd_scalar, sqxtn_fns)
SIMD_TRANSLATE(uqxtn_sc, simd_scalar, uqxtn_fns)
SIMD_TRANSLATE(sqxtun_sc, simd_scalar, sqxtun_fns)

/* By the size of a narrow lane. */
SIMD_LONG_U(shll, SECOND_NONE, (uint64_t)a << BITS / 2)
SIMD_TRANSLATE(shll_v, simd_halves, shll_fns)

/* ---- estimates of integers, of 32 bits ---- */

SIMD_U_S(SIMD_INT, urecpe, SECOND_NONE, fp_unsigned_recip_estimate(a))
SIMD_U_S(SIMD_INT, ursqrte, SECOND_NONE, fp_unsigned_rsqrt_estimate(a))

static SimdFns urecpe = {NULL, NULL, urecpe_s};
static SimdFns ursqrte = {NULL, NULL, ursqrte_s};

SIMD_TRANSLATE(urecpe_v, simd_vector, urecpe)
SIMD_TRANSLATE(ursqrte_v, simd_vector, ursqrte)
