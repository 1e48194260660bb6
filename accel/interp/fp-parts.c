/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp-parts.c: taking floating-point numbers apart and putting them together.
 *
 * What the architecture leaves to each implementation of IEEE 754 is decided
 * here: tininess is found before rounding, a quiet NaN keeps its payload, and
 * flush to zero is of single and double only. The alternative half precision
 * has neither infinities nor NaNs; its highest exponent is one more of numbers.
 */

#include "fp-parts.h"

static bool alternative_half(FpSize size, const FpEnv *env)
{
    return size == FP_HALF && (env->fpcr & FPCR_AHP);
}

void fp_normalize(FpParts *x)
{
    uint64_t high = x->mant >> 64, low = (uint64_t)x->mant;
    int shift;

    if (x->mant == 0) {
        x->type = FP_TYPE_ZERO;
        x->exp = FP_EXP_ZERO;
        return;
    }
    shift = high ? __builtin_clzll(high) : 64 + __builtin_clzll(low);
    x->type = FP_TYPE_NONZERO;
    x->mant <<= shift;
    x->exp -= shift;
}

FpParts fp_unpack(FpSize size, uint64_t a, FpEnv *env)
{
    unsigned exp = fp_exp_field(size, a);
    uint64_t frac = a & fp_frac_mask(size);
    FpParts x = {.sign = a & fp_sign_bit(size)};

    if (exp == fp_exp_ones(size) && !alternative_half(size, env)) {
        uint64_t quiet = (fp_frac_mask(size) + 1) >> 1;

        x.exp = FP_EXP_INF;
        x.mant = FP_MANT_TOP;
        x.type = frac == 0      ? FP_TYPE_INF
                 : frac & quiet ? FP_TYPE_QNAN
                                : FP_TYPE_SNAN;
        return x;
    }
    if (exp == 0 && frac && (env->fpcr & FPCR_FZ) && size != FP_HALF) {
        env->fpsr |= FPSR_IDC;
        frac = 0;
    }
    if (exp) {
        frac |= fp_frac_mask(size) + 1;
    } else {
        exp = 1;
    }
    x.exp = (int)exp - 1 + fp_min_exp(size);
    x.mant = (FpMant)frac << (127 - fp_frac_bits(size));
    fp_normalize(&x);
    return x;
}

uint64_t fp_process_nan(FpSize size, FpType type, uint64_t a, FpEnv *env)
{
    uint64_t value = a & (fp_sign_bit(size) * 2 - 1);

    if (type == FP_TYPE_SNAN) {
        env->fpsr |= FPSR_IOC;
        value |= fp_default_nan(size);
    }
    return env->fpcr & FPCR_DN ? fp_default_nan(size) : value;
}

bool fp_process_nans(FpSize size, FpType type_a, FpType type_b, uint64_t a,
                     uint64_t b, uint64_t *result, FpEnv *env)
{
    if (type_a < FP_TYPE_QNAN && type_b < FP_TYPE_QNAN) {
        return false;
    }
    /* A signalling NaN before a quiet one, then the first before the second. */
    if (type_a >= FP_TYPE_QNAN && type_a >= type_b) {
        *result = fp_process_nan(size, type_a, a, env);
    } else {
        *result = fp_process_nan(size, type_b, b, env);
    }
    return true;
}

FpMant fp_shift_jam(FpMant a, unsigned n)
{
    if (n == 0) {
        return a;
    }
    if (n > 127) {
        return a != 0;
    }
    return a >> n | (a << (128 - n) != 0);
}

bool fp_rounds_up(FpRounding rounding, bool sign, bool odd, FpMant rest)
{
    switch (rounding) {
    case FP_ROUND_TIE_EVEN:
        return rest > FP_MANT_TOP || (rest == FP_MANT_TOP && odd);
    case FP_ROUND_TIE_AWAY:
        return rest >= FP_MANT_TOP;
    case FP_ROUND_POS_INF:
        return rest && !sign;
    case FP_ROUND_NEG_INF:
        return rest && sign;
    case FP_ROUND_ZERO:
    case FP_ROUND_ODD:
        break;
    }
    return false;
}

static uint64_t overflow(FpSize size, bool sign, FpRounding rounding,
                         FpEnv *env)
{
    if (alternative_half(size, env)) {
        env->fpsr |= FPSR_IOC;
        return fp_zero(size, sign) | (fp_sign_bit(size) - 1);
    }
    env->fpsr |= FPSR_OFC | FPSR_IXC;
    /* An infinity where anything above the largest number rounds away. */
    if (fp_rounds_up(rounding, sign, true, FP_MANT_TOP)) {
        return fp_inf(size, sign);
    }
    return fp_max_normal(size, sign);
}

uint64_t fp_round(FpSize size, const FpParts *x, FpRounding rounding,
                  FpEnv *env)
{
    unsigned frac_bits = fp_frac_bits(size);
    unsigned limit = fp_exp_ones(size) + alternative_half(size, env);
    int below = fp_min_exp(size) - x->exp;
    FpMant mant = x->mant, rest;
    uint64_t value;

    if (below > 0) {
        if ((env->fpcr & FPCR_FZ) && size != FP_HALF) {
            env->fpsr |= FPSR_UFC;
            return fp_zero(size, x->sign);
        }
        mant = fp_shift_jam(mant, below);
    }
    value = mant >> (127 - frac_bits);
    rest = mant << (frac_bits + 1);
    if (below > 0 && rest) {
        env->fpsr |= FPSR_UFC;
    }
    if (rounding == FP_ROUND_ODD) {
        value |= rest != 0;
    } else {
        value += fp_rounds_up(rounding, x->sign, value & 1, rest);
    }
    /* The leading bit, or a carry out of the fraction, counts the exponent. */
    if (below <= 0) {
        value += (uint64_t)-below << frac_bits;
    }
    if (value >> frac_bits >= limit) {
        return overflow(size, x->sign, rounding, env);
    }
    if (rest) {
        env->fpsr |= FPSR_IXC;
    }
    return value | fp_zero(size, x->sign);
}
