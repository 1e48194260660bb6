/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp.c: floating-point arithmetic: sums, products, quotients, roots, minima and
 * comparisons.
 *
 * A product of two significands fits in 128 bits, and so does a sum with a
 * sticky bit, so each operation is computed once and rounded once. The order of
 * the special cases is that of the pseudocode, since it decides which NaN and
 * which flag is seen.
 */

#include "fp-parts.h"

/* Of the magnitudes: less than, equal to, or greater than 0. */
static int compare_abs(const FpParts *x, const FpParts *y)
{
    if (x->exp != y->exp) {
        return x->exp < y->exp ? -1 : 1;
    }
    return x->mant < y->mant ? -1 : x->mant > y->mant;
}

static int compare(const FpParts *x, const FpParts *y)
{
    if (x->type == FP_TYPE_ZERO && y->type == FP_TYPE_ZERO) {
        return 0;
    }
    if (x->sign != y->sign) {
        return x->sign ? -1 : 1;
    }
    return x->sign ? -compare_abs(x, y) : compare_abs(x, y);
}

/*
 * Of finite numbers. The low bits of a significand are free, so making room
 * for a carry loses nothing; and where the jam loses anything, the difference
 * has at most one leading zero, so that the sticky bit stays below the unit.
 */
static FpParts sum(FpParts x, FpParts y)
{
    if (compare_abs(&x, &y) < 0) {
        FpParts t = x;

        x = y;
        y = t;
    }
    if (y.type == FP_TYPE_ZERO) {
        return x;
    }
    y.mant = fp_shift_jam(y.mant, x.exp - y.exp + 1);
    x.mant >>= 1;
    x.exp++;
    x.mant = x.sign == y.sign ? x.mant + y.mant : x.mant - y.mant;
    fp_normalize(&x);
    return x;
}

/* Of finite numbers with at most 64 significant bits each. */
static FpParts product(const FpParts *x, const FpParts *y)
{
    FpParts p = {.sign = x->sign ^ y->sign, .exp = x->exp + y->exp + 1};

    p.mant = (FpMant)(uint64_t)(x->mant >> 64) * (uint64_t)(y->mant >> 64);
    fp_normalize(&p);
    return p;
}

static uint64_t fp_two(FpSize size)
{
    return (uint64_t)(fp_exp_ones(size) / 2 + 1) << fp_frac_bits(size);
}

/* What a product makes no sense of. */
static bool inf_by_zero(const FpParts *x, const FpParts *y)
{
    return (x->type == FP_TYPE_INF && y->type == FP_TYPE_ZERO) ||
           (x->type == FP_TYPE_ZERO && y->type == FP_TYPE_INF);
}

static bool either_inf(const FpParts *x, const FpParts *y)
{
    return x->type == FP_TYPE_INF || y->type == FP_TYPE_INF;
}

/* A sum that is exactly zero takes its sign from the rounding mode. */
static uint64_t round_sum(FpSize size, const FpParts *x, FpEnv *env)
{
    FpRounding rounding = fp_rounding(env);

    if (x->type == FP_TYPE_ZERO) {
        return fp_zero(size, rounding == FP_ROUND_NEG_INF);
    }
    return fp_round(size, x, rounding, env);
}

static uint64_t add(FpSize size, uint64_t a, uint64_t b, bool subtract,
                    FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env), y = fp_unpack(size, b, env);
    uint64_t result;

    /* Not FPAdd of the negated operand: a NaN keeps its sign. */
    if (fp_process_nans(size, x.type, y.type, a, b, &result, env)) {
        return result;
    }
    y.sign ^= subtract;
    if (x.type == FP_TYPE_INF && y.type == FP_TYPE_INF && x.sign != y.sign) {
        return fp_invalid(size, env);
    }
    if (either_inf(&x, &y)) {
        return fp_inf(size, x.type == FP_TYPE_INF ? x.sign : y.sign);
    }
    if (x.type == FP_TYPE_ZERO && y.type == FP_TYPE_ZERO && x.sign == y.sign) {
        return fp_zero(size, x.sign);
    }
    x = sum(x, y);
    return round_sum(size, &x, env);
}

uint64_t fp_add(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return add(size, a, b, false, env);
}

uint64_t fp_sub(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return add(size, a, b, true, env);
}

static uint64_t mul(FpSize size, uint64_t a, uint64_t b, bool extended,
                    FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env), y = fp_unpack(size, b, env);
    bool sign = x.sign ^ y.sign;
    uint64_t result;

    if (fp_process_nans(size, x.type, y.type, a, b, &result, env)) {
        return result;
    }
    if (inf_by_zero(&x, &y)) {
        return extended ? fp_zero(size, sign) | fp_two(size)
                        : fp_invalid(size, env);
    }
    if (either_inf(&x, &y)) {
        return fp_inf(size, sign);
    }
    if (x.type == FP_TYPE_ZERO || y.type == FP_TYPE_ZERO) {
        return fp_zero(size, sign);
    }
    x = product(&x, &y);
    return fp_round(size, &x, fp_rounding(env), env);
}

uint64_t fp_mul(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return mul(size, a, b, false, env);
}

uint64_t fp_mulx(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return mul(size, a, b, true, env);
}

/* FPProcessNaNs3: as fp_process_nans(), with the addend first. */
static bool process_nans3(FpSize size, const FpParts part[3],
                          const uint64_t operand[3], uint64_t *result,
                          FpEnv *env)
{
    for (FpType type = FP_TYPE_SNAN; type >= FP_TYPE_QNAN; type--) {
        for (int i = 0; i < 3; i++) {
            if (part[i].type == type) {
                *result = fp_process_nan(size, type, operand[i], env);
                return true;
            }
        }
    }
    return false;
}

uint64_t fp_mul_add(FpSize size, uint64_t addend, uint64_t a, uint64_t b,
                    FpEnv *env)
{
    const uint64_t operand[] = {addend, a, b};
    const FpParts part[] = {fp_unpack(size, addend, env),
                            fp_unpack(size, a, env), fp_unpack(size, b, env)};
    const FpParts *z = &part[0], *x = &part[1], *y = &part[2];
    bool sign = x->sign ^ y->sign;
    FpParts value;
    uint64_t result;

    if (z->type == FP_TYPE_QNAN && inf_by_zero(x, y)) {
        return fp_invalid(size, env);
    }
    if (process_nans3(size, part, operand, &result, env)) {
        return result;
    }
    if (inf_by_zero(x, y) ||
        (z->type == FP_TYPE_INF && either_inf(x, y) && z->sign != sign)) {
        return fp_invalid(size, env);
    }
    if (z->type == FP_TYPE_INF || either_inf(x, y)) {
        return fp_inf(size, z->type == FP_TYPE_INF ? z->sign : sign);
    }
    value = product(x, y);
    if (z->type == FP_TYPE_ZERO && value.type == FP_TYPE_ZERO &&
        z->sign == sign) {
        return fp_zero(size, sign);
    }
    value = sum(*z, value);
    return round_sum(size, &value, env);
}

/* (addend - a * b) / 2^halvings, where an addend is 2 or 3. */
static uint64_t step(FpSize size, uint64_t a, uint64_t b, int halvings,
                     FpEnv *env)
{
    const FpParts addend = {.type = FP_TYPE_NONZERO,
                            .exp = 1,
                            .mant =
                                halvings ? FP_MANT_TOP / 2 * 3 : FP_MANT_TOP};
    uint64_t minus_a = fp_neg(size, a), result;
    FpParts x = fp_unpack(size, minus_a, env), y = fp_unpack(size, b, env);

    if (fp_process_nans(size, x.type, y.type, minus_a, b, &result, env)) {
        return result;
    }
    if (either_inf(&x, &y) && !inf_by_zero(&x, &y)) {
        return fp_inf(size, x.sign ^ y.sign);
    }
    /* Infinity by zero counts as zero here, and raises nothing. */
    if (x.type == FP_TYPE_ZERO || y.type == FP_TYPE_ZERO) {
        x = addend;
    } else {
        x = sum(addend, product(&x, &y));
    }
    x.exp -= halvings;
    return round_sum(size, &x, env);
}

uint64_t fp_recip_step(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return step(size, a, b, 0, env);
}

uint64_t fp_rsqrt_step(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return step(size, a, b, 1, env);
}

/* Of nonzero numbers with at most 64 significant bits each. */
static FpParts quotient(const FpParts *x, const FpParts *y)
{
    FpParts q = {.sign = x->sign ^ y->sign, .exp = x->exp - y->exp + 63};
    FpMant divisor = y->mant >> 64;

    q.mant = x->mant / divisor;
    q.mant |= x->mant % divisor != 0;
    fp_normalize(&q);
    return q;
}

uint64_t fp_div(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env), y = fp_unpack(size, b, env);
    bool sign = x.sign ^ y.sign;
    uint64_t result;

    if (fp_process_nans(size, x.type, y.type, a, b, &result, env)) {
        return result;
    }
    if (x.type == y.type && x.type != FP_TYPE_NONZERO) {
        return fp_invalid(size, env);
    }
    if (x.type == FP_TYPE_INF || y.type == FP_TYPE_ZERO) {
        env->fpsr |= x.type == FP_TYPE_INF ? 0 : FPSR_DZC;
        return fp_inf(size, sign);
    }
    if (x.type == FP_TYPE_ZERO || y.type == FP_TYPE_INF) {
        return fp_zero(size, sign);
    }
    x = quotient(&x, &y);
    return fp_round(size, &x, fp_rounding(env), env);
}

/* Of a positive number: 62 bits of the root, by the digits, and a sticky one.
 */
static FpParts root(const FpParts *x)
{
    FpMant rest = x->mant >> (x->exp & 1 ? 2 : 3), square = 0;
    FpParts r = {.exp = (x->exp - (x->exp & 1)) / 2};

    for (FpMant bit = (FpMant)1 << 124; bit; bit >>= 2) {
        if (rest >= square + bit) {
            rest -= square + bit;
            square = (square >> 1) + bit;
        } else {
            square >>= 1;
        }
    }
    r.mant = square << 65 | (rest != 0);
    fp_normalize(&r);
    return r;
}

uint64_t fp_sqrt(FpSize size, uint64_t a, FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env);

    if (fp_is_nan(&x)) {
        return fp_process_nan(size, x.type, a, env);
    }
    if (x.type == FP_TYPE_ZERO) {
        return fp_zero(size, x.sign);
    }
    if (x.sign) {
        return fp_invalid(size, env);
    }
    if (x.type == FP_TYPE_INF) {
        return fp_inf(size, false);
    }
    x = root(&x);
    return fp_round(size, &x, fp_rounding(env), env);
}

/* FPMax and FPMin: max is 1 or -1. */
static uint64_t extremum(FpSize size, uint64_t a, uint64_t b, int max,
                         FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env), y = fp_unpack(size, b, env);
    uint64_t value, result;
    bool first;

    if (fp_process_nans(size, x.type, y.type, a, b, &result, env)) {
        return result;
    }
    first = compare(&x, &y) * max > 0;
    if ((first ? x : y).type == FP_TYPE_ZERO) {
        return fp_zero(size, max > 0 ? x.sign && y.sign : x.sign || y.sign);
    }
    value = first ? a : b;
    return value & (fp_sign_bit(size) * 2 - 1);
}

/* FPMaxNum and FPMinNum: a quiet NaN loses against any number. */
static uint64_t extremum_num(FpSize size, uint64_t a, uint64_t b, int max,
                             FpEnv *env)
{
    FpType type_a = fp_unpack(size, a, env).type;
    FpType type_b = fp_unpack(size, b, env).type;

    if (type_a == FP_TYPE_QNAN && type_b != FP_TYPE_QNAN) {
        a = fp_inf(size, max > 0);
    } else if (type_a != FP_TYPE_QNAN && type_b == FP_TYPE_QNAN) {
        b = fp_inf(size, max > 0);
    }
    return extremum(size, a, b, max, env);
}

uint64_t fp_max(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return extremum(size, a, b, 1, env);
}

uint64_t fp_min(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return extremum(size, a, b, -1, env);
}

uint64_t fp_max_num(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return extremum_num(size, a, b, 1, env);
}

uint64_t fp_min_num(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return extremum_num(size, a, b, -1, env);
}

/* What a comparison says of numbers, or UNORDERED. */
#define UNORDERED 2

static int relation(FpSize size, uint64_t a, uint64_t b, bool signal_nans,
                    FpEnv *env)
{
    FpParts x = fp_unpack(size, a, env), y = fp_unpack(size, b, env);

    if (!fp_is_nan(&x) && !fp_is_nan(&y)) {
        return compare(&x, &y);
    }
    if (signal_nans || x.type == FP_TYPE_SNAN || y.type == FP_TYPE_SNAN) {
        env->fpsr |= FPSR_IOC;
    }
    return UNORDERED;
}

unsigned fp_compare(FpSize size, uint64_t a, uint64_t b, bool signal_nans,
                    FpEnv *env)
{
    switch (relation(size, a, b, signal_nans, env)) {
    case UNORDERED:
        return 0x3;
    case 0:
        return 0x6;
    case 1:
        return 0x2;
    default:
        return 0x8;
    }
}

bool fp_compare_eq(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return relation(size, a, b, false, env) == 0;
}

bool fp_compare_ge(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    int order = relation(size, a, b, true, env);

    return order == 0 || order == 1;
}

bool fp_compare_gt(FpSize size, uint64_t a, uint64_t b, FpEnv *env)
{
    return relation(size, a, b, true, env) == 1;
}
