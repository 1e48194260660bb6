/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <string.h>

#include "cpu.h"
#include "decode.h"

/*
 * What the files simd-*.c share. Each holds one group of the Advanced SIMD
 * instructions: the OpFns, of one element size each, and below them the
 * translate functions that choose among them.
 *
 * Operands of an OpFn here: rd, rn and rm are vector registers, ra is a lane's
 * number or a shift's amount. The low byte of sub says how many bytes of a
 * register take part: 16, or 8 if Q is 0, or a scalar's size; the rest of the
 * destination is cleared. So the vector and the scalar form of an instruction
 * are one function. The high byte of sub is another amount, or the half of a
 * register (0 or 1) that has the narrow elements of an instruction whose
 * elements differ in size.
 */

/** The functions of an instruction by element size; NULL: reserved. */
typedef OpFn *const SimdFns[4];

static inline unsigned simd_bytes(const Op *op)
{
    return op->sub & 0xff;
}

static inline unsigned simd_amount(const Op *op)
{
    return op->sub >> 8;
}

/* 16 bytes of ones, then 16 of zeros. */
extern const uint8_t simd_ones_zeros[32];

/** The lowest @bytes of @v, the rest zero. */
static inline VReg simd_low(VReg v, unsigned bytes)
{
    VReg mask;

    memcpy(&mask, simd_ones_zeros + 16 - bytes, sizeof(mask));
    v.d[0] &= mask.d[0];
    v.d[1] &= mask.d[1];
    return v;
}

/** The narrow elements of @v: its half, as the low half of the result. */
static inline VReg simd_half(VReg v, const Op *op)
{
    return simd_low((VReg){.d = {v.d[simd_amount(op)]}}, simd_bytes(op));
}

/** An OpFn's last words: Vd = @r, as much of it as the instruction says. */
static inline bool simd_write(InterpCpu *cpu, const Op *op, VReg r)
{
    cpu->v[op->rd] = simd_low(r, simd_bytes(op));
    return true;
}

/** The same of a result with elements of twice the size. */
static inline bool simd_write_wide(InterpCpu *cpu, const Op *op, VReg r)
{
    cpu->v[op->rd] = simd_low(r, 2 * simd_bytes(op));
    return true;
}

/** The same of a narrow result, in the low half of @r. */
static inline bool simd_write_narrow(InterpCpu *cpu, const Op *op, VReg r)
{
    VReg *d = &cpu->v[op->rd];

    r = simd_low(r, simd_bytes(op));
    *d = simd_amount(op) ? (VReg){.d = {d->d[0], r.d[0]}} : r;
    return true;
}

/* ---- saturation ---- */

/** SatQ(): @value in @bits bits; *@qc is set if it was not. */
static inline uint64_t simd_saturate(__int128 value, unsigned bits,
                                     bool is_signed, bool *qc)
{
    unsigned n = is_signed ? bits - 1 : bits;
    __int128 max = ((__int128)1 << n) - 1;
    __int128 min = is_signed ? -max - 1 : 0;

    if (value > max || value < min) {
        *qc = true;
        return value > max ? max : min;
    }
    return value;
}

/* In an expression of the macros below: to the type of the lanes. */
#define SAT(value) simd_saturate(value, BITS, SIGNED, &qc)
/* To the other kind of integer, of the same size. */
#define SAT_SIGNED(value) simd_saturate(value, BITS, true, &qc)
#define SAT_UNSIGNED(value) simd_saturate(value, BITS, false, &qc)

/* The floating-point format of the lanes. */
#define FP_SIZE (BITS == 64 ? FP_DOUBLE : FP_SINGLE)

static inline void simd_set_qc(InterpCpu *cpu, bool qc)
{
    if (qc) {
        cpu->fp.fpsr |= FPSR_QC;
    }
}

/**
 * @value << @shift, or shifted right by -@shift, and then rounded if so asked.
 * Of what leaves the upper end enough is kept to saturate any lane: the low 64
 * bits are zero then.
 */
static inline __int128 simd_shift(__int128 value, int shift, bool round)
{
    if (shift > 63) {
        return value ? (value < 0 ? -((__int128)1 << 126) : (__int128)1 << 126)
                     : 0;
    }
    if (shift >= 0) {
        return value * ((__int128)1 << shift);
    }
    shift = MIN(-shift, 66);
    return (value + (round ? (__int128)1 << (shift - 1) : 0)) >> shift;
}

/* ---- lane by lane ---- */

/*
 * SIMD_LANES defines an OpFn: each of the first `count` lanes becomes `expr`,
 * of a (the lane of Vn), b (what `second` says, of VReg m and lane number i)
 * and d (the old lane of Vd). `type` is a lane's type, `field` its member in
 * VReg; BITS, SIGNED and FP_SIZE follow from it. An
 * expression that may saturate or raises floating-point flags sees no more
 * than the lanes that take part, or zeros.
 */
#define SIMD_LANES(fn, type, field, second, count, expr)               \
    static bool fn(InterpCpu *cpu, const Op *op)                       \
    {                                                                  \
        enum { BITS = 8 * sizeof(type), SIGNED = (type)-1 < (type)1 }; \
        const VReg n = simd_low(cpu->v[op->rn], simd_bytes(op));       \
        const VReg m G_GNUC_UNUSED = cpu->v[op->rm];                   \
        FpEnv *env G_GNUC_UNUSED = &cpu->fp;                           \
        VReg r = cpu->v[op->rd];                                       \
        bool qc = false;                                               \
                                                                       \
        for (unsigned i = 0; i < (count); i++) {                       \
            const type a G_GNUC_UNUSED = n.field[i];                   \
            const type b G_GNUC_UNUSED = (second);                     \
            const type d G_GNUC_UNUSED = r.field[i];                   \
                                                                       \
            r.field[i] = (type)(expr);                                 \
        }                                                              \
        simd_set_qc(cpu, qc);                                          \
        return simd_write(cpu, op, r);                                 \
    }

/* The second operand: the lane of Vm, one lane for all, or an amount. */
#define SECOND_REG(field) m.field[i]
#define SECOND_LANE(field) m.field[op->ra]
#define SECOND_AMOUNT(field) op->ra

/* Integers: all lanes that there are, so that the compiler can do them at once.
 */
#define SIMD_INT(fn, type, field, second, expr) \
    SIMD_LANES(fn, type, field, second(field), 16 / sizeof(type), expr)

/* Those that saturate, or are floating-point: only the lanes that count. */
#define SIMD_SOME(fn, type, field, second, expr)                              \
    SIMD_LANES(fn, type, field, second(field), simd_bytes(op) / sizeof(type), \
               expr)

#define SIMD_U_B(how, fn, second, expr) how(fn##_b, uint8_t, b, second, expr)
#define SIMD_U_H(how, fn, second, expr) how(fn##_h, uint16_t, h, second, expr)
#define SIMD_U_S(how, fn, second, expr) how(fn##_s, uint32_t, s, second, expr)
#define SIMD_U_D(how, fn, second, expr) how(fn##_d, uint64_t, d, second, expr)
#define SIMD_S_B(how, fn, second, expr) how(fn##_b, int8_t, sb, second, expr)
#define SIMD_S_H(how, fn, second, expr) how(fn##_h, int16_t, sh, second, expr)
#define SIMD_S_S(how, fn, second, expr) how(fn##_s, int32_t, ss, second, expr)
#define SIMD_S_D(how, fn, second, expr) how(fn##_d, int64_t, sd, second, expr)

/* By `how`, for each element size: functions fn_b to fn_d, and the table
 * fn_fns. */
#define SIMD_U_BHS(how, fn, second, expr) \
    SIMD_U_B(how, fn, second, expr)       \
    SIMD_U_H(how, fn, second, expr)       \
    SIMD_U_S(how, fn, second, expr)       \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s};
#define SIMD_S_BHS(how, fn, second, expr) \
    SIMD_S_B(how, fn, second, expr)       \
    SIMD_S_H(how, fn, second, expr)       \
    SIMD_S_S(how, fn, second, expr)       \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s};
#define SIMD_U_BHSD(how, fn, second, expr) \
    SIMD_U_B(how, fn, second, expr)        \
    SIMD_U_H(how, fn, second, expr)        \
    SIMD_U_S(how, fn, second, expr)        \
    SIMD_U_D(how, fn, second, expr)        \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s, fn##_d};
#define SIMD_S_BHSD(how, fn, second, expr) \
    SIMD_S_B(how, fn, second, expr)        \
    SIMD_S_H(how, fn, second, expr)        \
    SIMD_S_S(how, fn, second, expr)        \
    SIMD_S_D(how, fn, second, expr)        \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s, fn##_d};
#define SIMD_S_HS(how, fn, second, expr) \
    SIMD_S_H(how, fn, second, expr)      \
    SIMD_S_S(how, fn, second, expr)      \
    static SimdFns fn##_fns = {NULL, fn##_h, fn##_s};
#define SIMD_U_HS(how, fn, second, expr) \
    SIMD_U_H(how, fn, second, expr)      \
    SIMD_U_S(how, fn, second, expr)      \
    static SimdFns fn##_fns = {NULL, fn##_h, fn##_s};
/* Floating point; both expressions are the same where fp-fast.h has neither. */
#define SIMD_FP(fn, second, expr_s, expr_d) \
    SIMD_U_S(SIMD_SOME, fn, second, expr_s) \
    SIMD_U_D(SIMD_SOME, fn, second, expr_d) \
    static SimdFns fn##_fns = {NULL, NULL, fn##_s, fn##_d};

/* ---- elements of two sizes ---- */

/*
 * SIMD_LONG: each lane of a result of twice the size becomes `expr`, of a and b
 * (the narrow lanes of Vn and `second`, extended), wide (the lane of Vn, taken
 * as wide ones) and d. BITS and SIGNED are those of the wide lanes.
 */
#define SIMD_LONG(fn, ntype, nfield, type, field, second, expr)        \
    static bool fn(InterpCpu *cpu, const Op *op)                       \
    {                                                                  \
        enum { BITS = 8 * sizeof(type), SIGNED = (type)-1 < (type)1 }; \
        const VReg all G_GNUC_UNUSED = cpu->v[op->rn];                 \
        const VReg n = simd_half(all, op);                             \
        const VReg m G_GNUC_UNUSED = cpu->v[op->rm];                   \
        const VReg half_m G_GNUC_UNUSED = simd_half(m, op);            \
        VReg r = cpu->v[op->rd];                                       \
        bool qc = false;                                               \
                                                                       \
        for (unsigned i = 0; i < 16 / sizeof(type); i++) {             \
            const type a G_GNUC_UNUSED = n.nfield[i];                  \
            const type b G_GNUC_UNUSED = second(nfield);               \
            const type wide G_GNUC_UNUSED = all.field[i];              \
            const type d G_GNUC_UNUSED = r.field[i];                   \
                                                                       \
            r.field[i] = (type)(expr);                                 \
        }                                                              \
        simd_set_qc(cpu, qc);                                          \
        return simd_write_wide(cpu, op, r);                            \
    }

#define SECOND_HALF(nfield) half_m.nfield[i]

/*
 * SIMD_NARROW: each lane of a result of half the size becomes `expr`, of a and
 * b, wide lanes. BITS and SIGNED are those of the narrow lanes.
 */
#define SIMD_NARROW(fn, type, field, ntype, nfield, second, expr)         \
    static bool fn(InterpCpu *cpu, const Op *op)                          \
    {                                                                     \
        enum { BITS = 8 * sizeof(ntype), SIGNED = (ntype)-1 < (ntype)1 }; \
        const VReg n = simd_low(cpu->v[op->rn], 2 * simd_bytes(op));      \
        const VReg m G_GNUC_UNUSED = cpu->v[op->rm];                      \
        VReg r = {{0}};                                                   \
        bool qc = false;                                                  \
                                                                          \
        for (unsigned i = 0; i < 16 / sizeof(type); i++) {                \
            const type a = n.field[i];                                    \
            const type b G_GNUC_UNUSED = second(field);                   \
                                                                          \
            r.nfield[i] = (ntype)(expr);                                  \
        }                                                                 \
        simd_set_qc(cpu, qc);                                             \
        return simd_write_narrow(cpu, op, r);                             \
    }

/* Tables by the narrow element's size: unsigned, signed, or one to the other.
 */
#define SIMD_LONG_U(fn, second, expr)                         \
    SIMD_LONG(fn##_b, uint8_t, b, uint16_t, h, second, expr)  \
    SIMD_LONG(fn##_h, uint16_t, h, uint32_t, s, second, expr) \
    SIMD_LONG(fn##_s, uint32_t, s, uint64_t, d, second, expr) \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s};
#define SIMD_LONG_S(fn, second, expr)                        \
    SIMD_LONG(fn##_b, int8_t, sb, int16_t, sh, second, expr) \
    SIMD_LONG_S_HS(fn, second, expr)                         \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s};
#define SIMD_LONG_S_HS(fn, second, expr)                      \
    SIMD_LONG(fn##_h, int16_t, sh, int32_t, ss, second, expr) \
    SIMD_LONG(fn##_s, int32_t, ss, int64_t, sd, second, expr)
#define SIMD_NARROW_U(fn, second, expr)                         \
    SIMD_NARROW(fn##_b, uint16_t, h, uint8_t, b, second, expr)  \
    SIMD_NARROW(fn##_h, uint32_t, s, uint16_t, h, second, expr) \
    SIMD_NARROW(fn##_s, uint64_t, d, uint32_t, s, second, expr) \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s};
#define SIMD_NARROW_S(fn, second, expr)                         \
    SIMD_NARROW(fn##_b, int16_t, sh, int8_t, sb, second, expr)  \
    SIMD_NARROW(fn##_h, int32_t, ss, int16_t, sh, second, expr) \
    SIMD_NARROW(fn##_s, int64_t, sd, int32_t, ss, second, expr) \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s};
#define SIMD_NARROW_SU(fn, second, expr)                        \
    SIMD_NARROW(fn##_b, int16_t, sh, uint8_t, b, second, expr)  \
    SIMD_NARROW(fn##_h, int32_t, ss, uint16_t, h, second, expr) \
    SIMD_NARROW(fn##_s, int64_t, sd, uint32_t, s, second, expr) \
    static SimdFns fn##_fns = {fn##_b, fn##_h, fn##_s};

/* ---- in expressions ---- */

#define SIMD_ONES(condition) ((condition) ? -1 : 0)
/* |x - y| and x * y, modulo 2^64. */
#define SIMD_DIFFERENCE(x, y) \
    ((x) > (y) ? 1ull * (x)-1ull * (y) : 1ull * (y)-1ull * (x))
#define SIMD_PRODUCT(x, y) (1ull * (x) * (y))
/* SQDMULL's, of narrow lanes extended; and SQDMULH's and SQRDMULH's. */
#define SIMD_DOUBLE_PRODUCT(x, y) SAT(2 * (__int128)(x) * (y))
#define SIMD_HIGH_PRODUCT(x, y, rounding) \
    SAT((2 * (__int128)(x) * (y) + (rounding)) >> BITS)

/* PolynomialMult() of bytes. */
static inline unsigned simd_polynomial_product(unsigned a, unsigned b)
{
    unsigned product = 0;

    for (unsigned i = 0; i < 8; i++) {
        product ^= (a >> i & 1) * (b << i);
    }
    return product;
}

/* ---- translation ---- */

/** A call of @fn with Rd, Rn and Rm of @insn. */
Op *simd_emit(Translator *t, uint32_t insn, OpFn *fn, unsigned bytes,
              unsigned amount);

/**
 * A vector instruction with size at bits 23:22 and Q at bit 30; no elements of
 * 64 bits if Q is 0. False if reserved.
 */
bool simd_vector(Translator *t, uint32_t insn, SimdFns fns);
/** The same of floating point: sz at bit 22. */
bool simd_vector_fp(Translator *t, uint32_t insn, SimdFns fns);
/** Scalar: as many bytes as an element has. */
bool simd_scalar(Translator *t, uint32_t insn, SimdFns fns);
bool simd_scalar_fp(Translator *t, uint32_t insn, SimdFns fns);
/** The narrow elements' size is at bits 23:22, their half at bit 30. */
bool simd_halves(Translator *t, uint32_t insn, SimdFns fns);

/* A translate function: translate_NAME by one of the above. */
#define SIMD_TRANSLATE(name, how, fns)                  \
    bool translate_##name(Translator *t, uint32_t insn) \
    {                                                   \
        return how(t, insn, fns);                       \
    }
