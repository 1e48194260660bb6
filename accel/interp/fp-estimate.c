/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp-estimate.c: reciprocals and reciprocal square roots to eight bits, which
 * programs refine by the step instructions.
 *
 * The architecture says what each bit of an estimate is, so they are as exact
 * as everything else: nine bits of the operand go in, RecipEstimate and
 * RecipSqrtEstimate are computed as the Arm ARM defines them.
 */

#include "fp-parts.h"

/* Of a in 256..511, as a fraction of 512; the result is in 256..511. */
static unsigned recip_estimate(unsigned a)
{
    unsigned b = (1u << 19) / (a * 2 + 1);

    return (b + 1) / 2;
}

/* Of a in 128..511, as a fraction of 512; the result is in 256..511. */
static unsigned rsqrt_estimate(unsigned a)
{
    unsigned b = 512;

    a = a < 256 ? a * 2 + 1 : ((a & ~1u) + 1) * 2;
    while (a * (b + 1) * (b + 1) < 1u << 28) {
        b++;
    }
    return (b + 1) / 2;
}

uint32_t fp_unsigned_recip_estimate(uint32_t a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : UINT32_MAX;
}

uint32_t fp_unsigned_rsqrt_estimate(uint32_t a)
{
    return a >> 30 ? rsqrt_estimate(a >> 23) << 23 : UINT32_MAX;
}

/* The reciprocal is beyond the largest number. */
static uint64_t recip_overflow(FpSize size, bool sign, FpEnv *env)
{
    env->fpsr |= FPSR_OFC | FPSR_IXC;
    if (fp_rounds_up(fp_rounding(env), sign, true, FP_MANT_TOP)) {
        return fp_inf(size, sign);
    }
    return fp_max_normal(size, sign);
}

uint64_t fp_recip_estimate(FpSize size, uint64_t a, FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env);
    int min_exp = fp_min_exp(size), exp;
    uint64_t frac;

    if (fp_is_nan(&x)) {
        return fp_process_nan(size, x.type, a, env);
    }
    if (x.type == FP_TYPE_INF) {
        return fp_zero(size, x.sign);
    }
    if (x.type == FP_TYPE_ZERO) {
        env->fpsr |= FPSR_DZC;
        return fp_inf(size, x.sign);
    }
    if (x.exp < min_exp - 2) {
        return recip_overflow(size, x.sign, env);
    }
    if ((env->fpcr & FPCR_FZ) && x.exp >= -min_exp) {
        env->fpsr |= FPSR_UFC;
        return fp_zero(size, x.sign);
    }
    /* The exponent field; a result that is denormal is cut, not rounded. */
    exp = -x.exp - min_exp;
    frac = (uint64_t)recip_estimate(x.mant >> 119) << (fp_frac_bits(size) - 8);
    if (exp <= 0) {
        frac >>= 1 - exp;
        exp = 1;
    }
    return fp_zero(size, x.sign) |
           (((uint64_t)(exp - 1) << fp_frac_bits(size)) + frac);
}

uint64_t fp_rsqrt_estimate(FpSize size, uint64_t a, FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env);
    unsigned odd = x.exp & 1, estimate;
    int exp;

    if (fp_is_nan(&x)) {
        return fp_process_nan(size, x.type, a, env);
    }
    if (x.type == FP_TYPE_ZERO) {
        env->fpsr |= FPSR_DZC;
        return fp_inf(size, x.sign);
    }
    if (x.sign) {
        return fp_invalid(size, env);
    }
    if (x.type == FP_TYPE_INF) {
        return fp_zero(size, false);
    }
    /* a / 512 is x / 4^n in 1/4..1, and the estimate is the root's, 1..2. */
    estimate = rsqrt_estimate(x.mant >> (odd ? 119 : 120));
    exp = -(x.exp - (int)odd) / 2 - 1 - fp_min_exp(size);
    return ((uint64_t)exp << fp_frac_bits(size)) +
           ((uint64_t)estimate << (fp_frac_bits(size) - 8));
}

uint64_t fp_recpx(FpSize size, uint64_t a, FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env);
    unsigned exp = fp_exp_field(size, a), ones = fp_exp_ones(size);

    if (fp_is_nan(&x)) {
        return fp_process_nan(size, x.type, a, env);
    }
    exp = exp ? ~exp & ones : ones - 1;
    return fp_zero(size, x.sign) | (uint64_t)exp << fp_frac_bits(size);
}
