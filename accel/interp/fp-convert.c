/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp-convert.c: floating-point numbers to other formats, to integral values and
 * to fixed point, and back.
 *
 * A conversion that saturates is an invalid operation and nothing else: neither
 * overflow nor inexact is seen with it.
 */

#include "fp-parts.h"

/*
 * A finite number cut into an integer, returned, and rest / 2^128. Numbers of
 * 2^127 or more have no such integer: the caller has dealt with them.
 */
static FpMant split(const FpParts *x, FpMant *rest)
{
    if (x->exp < 0) {
        *rest = fp_shift_jam(x->mant, -1 - x->exp);
        return 0;
    }
    *rest = x->mant << (x->exp + 1);
    return x->mant >> (127 - x->exp);
}

uint64_t fp_round_int(FpSize size, uint64_t a, FpRounding rounding, bool exact,
                      FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env);
    FpMant rest;

    if (fp_is_nan(&x)) {
        return fp_process_nan(size, x.type, a, env);
    }
    if (x.type == FP_TYPE_INF) {
        return fp_inf(size, x.sign);
    }
    if (x.exp >= (int)fp_frac_bits(size)) {
        return fp_round(size, &x, FP_ROUND_ZERO, env);
    }
    x.mant = split(&x, &rest);
    x.mant += fp_rounds_up(rounding, x.sign, x.mant & 1, rest);
    x.exp = 127;
    fp_normalize(&x);
    if (rest && exact) {
        env->fpsr |= FPSR_IXC;
    }
    if (x.type == FP_TYPE_ZERO) {
        return fp_zero(size, x.sign);
    }
    return fp_round(size, &x, FP_ROUND_ZERO, env);
}

/* The largest magnitude that `to` has on this side of zero. */
static uint64_t fixed_limit(FpFixed to, bool sign)
{
    uint64_t top = UINT64_C(1) << (to.width - 1);

    if (to.is_unsigned) {
        return sign ? 0 : top | (top - 1);
    }
    return sign ? top : top - 1;
}

uint64_t fp_to_fixed(FpSize size, uint64_t a, FpFixed to, FpRounding rounding,
                     FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env);
    uint64_t limit = fixed_limit(to, x.sign), value;
    FpMant magnitude, rest;

    if (fp_is_nan(&x)) {
        env->fpsr |= FPSR_IOC;
        return 0;
    }
    x.exp += to.fbits;
    if (x.exp > 64) {
        magnitude = FP_MANT_TOP;
        rest = 0;
    } else {
        magnitude = split(&x, &rest);
        magnitude += fp_rounds_up(rounding, x.sign, magnitude & 1, rest);
    }
    if (magnitude > limit) {
        env->fpsr |= FPSR_IOC;
        magnitude = limit;
    } else if (rest) {
        env->fpsr |= FPSR_IXC;
    }
    value = x.sign ? -(uint64_t)magnitude : (uint64_t)magnitude;
    return to.width == 32 ? (uint32_t)value : value;
}

uint64_t fp_from_fixed(FpSize size, uint64_t a, FpFixed from, FpEnv *env)
{
    FpParts x = {.exp = 127 - from.fbits};
    uint64_t value = from.width == 32 ? (uint32_t)a : a;

    if (!from.is_unsigned && value >> (from.width - 1)) {
        x.sign = true;
        value = from.width == 32 ? (uint32_t)-value : -value;
    }
    x.mant = value;
    fp_normalize(&x);
    if (x.type == FP_TYPE_ZERO) {
        return fp_zero(size, false);
    }
    return fp_round(size, &x, fp_rounding(env), env);
}

/* FPConvertNaN: the payload is kept from its top bit on, and is quiet. */
static uint64_t convert_nan(FpSize to, FpSize from, uint64_t a, bool sign)
{
    uint64_t frac = (a & fp_frac_mask(from)) << (52 - fp_frac_bits(from));

    return fp_zero(to, sign) | fp_default_nan(to) |
           frac >> (52 - fp_frac_bits(to));
}

/* To the alternative half precision, of what it does not have. */
static uint64_t alternative_special(const FpParts *x, FpEnv *env)
{
    env->fpsr |= FPSR_IOC;
    return fp_zero(FP_HALF, x->sign) | (x->type == FP_TYPE_INF ? 0x7fff : 0);
}

static uint64_t convert(FpSize to, FpSize from, uint64_t a, FpRounding rounding,
                        FpEnv *env)
{
    FpParts x = fp_unpack(from, a, env);

    if (x.type == FP_TYPE_ZERO) {
        return fp_zero(to, x.sign);
    }
    if (x.type == FP_TYPE_NONZERO) {
        return fp_round(to, &x, rounding, env);
    }
    if (to == FP_HALF && (env->fpcr & FPCR_AHP)) {
        return alternative_special(&x, env);
    }
    if (x.type == FP_TYPE_INF) {
        return fp_inf(to, x.sign);
    }
    if (x.type == FP_TYPE_SNAN) {
        env->fpsr |= FPSR_IOC;
    }
    return env->fpcr & FPCR_DN ? fp_default_nan(to)
                               : convert_nan(to, from, a, x.sign);
}

uint64_t fp_convert(FpSize to, FpSize from, uint64_t a, FpEnv *env)
{
    return convert(to, from, a, fp_rounding(env), env);
}

uint64_t fp_convert_odd(uint64_t a, FpEnv *env)
{
    return convert(FP_SINGLE, FP_DOUBLE, a, FP_ROUND_ODD, env);
}
