/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp-parts.h: a floating-point number taken apart, private to fp*.c.
 *
 * Every operation unpacks its operands, computes with 128-bit significands so
 * that nothing but a sticky lowest bit is lost, and packs once, by
 * fp_round(). Names follow the pseudocode of the Arm ARM.
 */

#pragma once

#include "fp.h"

typedef unsigned __int128 FpMant;

#define FP_MANT_TOP ((FpMant)1 << 127)

typedef enum FpType {
    FP_TYPE_ZERO,
    FP_TYPE_NONZERO,
    FP_TYPE_INF,
    FP_TYPE_QNAN,
    FP_TYPE_SNAN,
} FpType;

/*
 * The value of a nonzero number is mant / 2^127 * 2^exp, and the top bit of
 * mant is set. A zero has mant = 0 and the lowest exp, an infinity the highest,
 * so that (exp, mant) orders magnitudes. A NaN has its type and sign only.
 */
typedef struct FpParts {
    FpType type;
    bool sign;
    int exp;
    FpMant mant;
} FpParts;

#define FP_EXP_ZERO (-0x10000)
#define FP_EXP_INF 0x10000

static inline unsigned fp_frac_bits(FpSize size)
{
    return size == FP_DOUBLE ? 52 : size == FP_SINGLE ? 23 : 10;
}

/* The exponent field of infinities and NaNs. */
static inline unsigned fp_exp_ones(FpSize size)
{
    return size == FP_DOUBLE ? 0x7ff : size == FP_SINGLE ? 0xff : 0x1f;
}

/* Of the smallest normal number. */
static inline int fp_min_exp(FpSize size)
{
    return 1 - (int)(fp_exp_ones(size) >> 1);
}

static inline uint64_t fp_frac_mask(FpSize size)
{
    return (UINT64_C(1) << fp_frac_bits(size)) - 1;
}

static inline unsigned fp_exp_field(FpSize size, uint64_t a)
{
    return a >> fp_frac_bits(size) & fp_exp_ones(size);
}

static inline uint64_t fp_zero(FpSize size, bool sign)
{
    return sign ? fp_sign_bit(size) : 0;
}

static inline uint64_t fp_inf(FpSize size, bool sign)
{
    return fp_zero(size, sign) | (uint64_t)fp_exp_ones(size)
                                     << fp_frac_bits(size);
}

static inline uint64_t fp_max_normal(FpSize size, bool sign)
{
    return fp_inf(size, sign) - 1;
}

static inline uint64_t fp_default_nan(FpSize size)
{
    return fp_inf(size, false) | (fp_frac_mask(size) + 1) >> 1;
}

/* A default NaN for an operation that has no answer: IOC. */
static inline uint64_t fp_invalid(FpSize size, FpEnv *env)
{
    env->fpsr |= FPSR_IOC;
    return fp_default_nan(size);
}

static inline bool fp_is_nan(const FpParts *x)
{
    return x->type >= FP_TYPE_QNAN;
}

/* FPUnpack, and of a half FPUnpackCV: flushes to zero as FPCR says, IDC. */
FpParts fp_unpack(FpSize size, uint64_t a, FpEnv *env);

/* FPProcessNaN: of a NaN. */
uint64_t fp_process_nan(FpSize size, FpType type, uint64_t a, FpEnv *env);

/* FPProcessNaNs: whether there is one; then *result is what comes of it. */
bool fp_process_nans(FpSize size, FpType type_a, FpType type_b, uint64_t a,
                     uint64_t b, uint64_t *result, FpEnv *env);

/* a >> n; what falls out is kept as a set lowest bit. */
FpMant fp_shift_jam(FpMant a, unsigned n);

/* Sets the top bit of mant by shifting, or makes it a proper zero. */
void fp_normalize(FpParts *x);

/*
 * Whether `rest` / 2^128 above an integer, whose lowest bit is `odd`, rounds
 * away from zero.
 */
bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, FpMant rest);

/* FPRound and FPRoundCV: packs a nonzero number. */
uint64_t fp_round(FpSize size, const FpParts *x, FpRounding rounding,
                  FpEnv *env);
