/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "../../accel/interp/fp-parts.h"

/*
 * Operands for tests of arithmetic: drawn evenly from all encodings they would
 * hardly ever be close enough to each other, or to an edge, to matter. The
 * sequence is the same in every run. Every function here is used by its
 * includer or left alone, hence `inline`.
 */
static inline uint64_t random64(GRand *rand)
{
    return (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
}

static inline uint64_t random_fraction(GRand *rand, FpSize size)
{
    uint64_t mask = fp_frac_mask(size), half = (mask >> 1) + 1;
    uint64_t any = random64(rand) & mask;
    unsigned bit = g_rand_int_range(rand, 0, (int)fp_frac_bits(size));

    switch (g_rand_int_range(rand, 0, 9)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return mask;
    case 3:
        return half;
    case 4:
        return half - 1;
    case 5:
        return half + 1;
    case 6:
        return UINT64_C(1) << bit;
    case 7:
        return any >> bit << bit;
    default:
        return any;
    }
}

/* The exponent's field: edges, and what makes operands meet each other. */
static inline uint64_t random_exponent(GRand *rand, FpSize size)
{
    int ones = (int)fp_exp_ones(size), bias = ones / 2;
    int frac_bits = (int)fp_frac_bits(size);
    int near = g_rand_int_range(rand, -3, 4);

    switch (g_rand_int_range(rand, 0, 9)) {
    case 0:
        return 0;
    case 1:
        return 4 + near;
    case 2:
        return ones;
    case 3:
        return ones - 4 + near;
    case 4:
        return bias + near;
    case 5:
        return bias / 2 + near;
    case 6:
        return bias + g_rand_int_range(rand, -frac_bits - 3, frac_bits + 4);
    case 7:
        return bias + frac_bits + near;
    default:
        return g_rand_int_range(rand, 0, ones + 1);
    }
}

static inline uint64_t random_operand(GRand *rand, FpSize size)
{
    uint64_t exp = random_exponent(rand, size) & fp_exp_ones(size);

    return fp_zero(size, g_rand_boolean(rand)) | exp << fp_frac_bits(size) |
           random_fraction(rand, size);
}

/* One that is often an ulp or two from @a, or from its negative. */
static inline uint64_t random_second(GRand *rand, FpSize size, uint64_t a)
{
    uint64_t mask = fp_sign_bit(size) * 2 - 1;

    switch (g_rand_int_range(rand, 0, 6)) {
    case 0:
        return (a + g_rand_int_range(rand, -2, 3)) & mask;
    case 1:
        return fp_neg(size, a + g_rand_int_range(rand, -2, 3)) & mask;
    default:
        return random_operand(rand, size);
    }
}

static inline uint32_t random_fpcr(GRand *rand)
{
    return g_rand_int(rand) & (FPCR_RMODE | FPCR_FZ | FPCR_DN | FPCR_AHP);
}
