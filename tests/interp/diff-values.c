/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the registers of a case of the differential test hold; see
 * diff-values.h. A vector register is filled element by element with numbers
 * of one format, which most of a case's registers share, so that the operands
 * of one instruction have something to do with each other.
 */

#include "diff-values.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

typedef enum Format {
    HALF,
    SINGLE,
    DOUBLE,
    INT8,
    INT16,
    INT32,
    INT64,
    NOISE,
    NUM_FORMATS,
} Format;

static const unsigned format_bits[NUM_FORMATS] = {
    [HALF] = 16,  [SINGLE] = 32, [DOUBLE] = 64, [INT8] = 8,
    [INT16] = 16, [INT32] = 32,  [INT64] = 64,  [NOISE] = 64,
};

/* Bits of the fraction, of HALF, SINGLE and DOUBLE. */
static const unsigned fraction_bits[] = {10, 23, 52};

uint64_t diff_integer(uint64_t *random)
{
    uint64_t r = diff_random(random);

    switch (diff_below(random, 8)) {
    case 0:
        return r & 1 ? ~0ull : 0;
    case 1:
        return (r >> 8 & 0x1f) - 8;
    case 2: /* a power of two, and next to it */
        return (1ull << (r >> 58)) + (r >> 8) % 3 - 1;
    case 3:
        return -((1ull << (r >> 58)) + (r >> 8) % 3 - 1);
    case 4:
        return (r >> 63 ? INT64_MIN : INT32_MIN) + (r >> 8) % 3 - 1;
    case 5: /* a run of ones */
        return (~0ull >> (r >> 58)) << (r >> 8 & 63);
    case 6:
        return r >> 32;
    default:
        return r;
    }
}

/* Zero, infinity, one, the ends of normal and denormal, and NaNs. */
static uint64_t special_float(Format format, uint64_t *random)
{
    unsigned f = fraction_bits[format];
    uint64_t implied = 1ull << f;
    uint64_t exponents = (1ull << (format_bits[format] - 1)) - implied;
    uint64_t one = exponents >> 1 & exponents;
    const uint64_t table[] = {
        0,
        exponents, /* infinity */
        one,
        one + 1,
        one - 1,
        one + implied,
        one - implied,
        1,           /* the least denormal */
        implied - 1, /* the greatest */
        implied >> 1,
        implied, /* the least normal */
        implied + 1,
        implied * 2,
        exponents - 1, /* the greatest finite */
        exponents - implied,
        exponents | implied >> 1, /* quiet NaN */
        exponents | implied >> 1 | (diff_random(random) & (implied - 1)),
        exponents | 1, /* signalling NaNs */
        exponents | implied >> 2,
        exponents | ((diff_random(random) & (implied / 2 - 1)) | 1),
    };
    uint64_t sign = diff_random(random) >> 63;

    return table[diff_below(random, COUNT(table))] |
           sign << (format_bits[format] - 1);
}

/* A number @exponent, with few bits set in its fraction as often as not. */
static uint64_t plain_float(Format format, unsigned exponent, uint64_t *random)
{
    unsigned f = fraction_bits[format];
    uint64_t mask = (1ull << f) - 1;
    uint64_t r = diff_random(random);
    uint64_t fraction = diff_random(random);
    uint64_t exponents = (1ull << (format_bits[format] - 1 - f)) - 1;

    switch (r & 7) {
    case 0:
        fraction = 0;
        break;
    case 1:
        fraction = mask - (fraction & 1);
        break;
    case 2: /* ends early: ties when an integer, or a shorter format */
    case 3:
        fraction &= ~(mask >> (r >> 8) % (f + 1));
        break;
    case 4:
        fraction = 1ull << (r >> 8) % f;
        break;
    default:
        break;
    }
    return (fraction & mask) | (exponent & exponents) << f |
           r >> 63 << (format_bits[format] - 1);
}

/* An exponent around one of those where something changes. */
static unsigned interesting_exponent(Format format, uint64_t *random)
{
    unsigned bits = format_bits[format] - 1 - fraction_bits[format];
    unsigned bias = (1u << (bits - 1)) - 1;
    const unsigned centres[] = {
        bias,         bias + 8,  bias + 16,
        bias + 31,    bias + 63, bias + fraction_bits[format],
        2 * bias - 2, 3,         bias + bias / 2,
        bias / 2,     bias - 14, /* where halves become denormal */
        bias - 126,              /* where singles do */
        bias + 127,
    };

    return centres[diff_below(random, COUNT(centres))] + diff_below(random, 7) -
           3;
}

static uint64_t random_float(Format format, unsigned exponent, uint64_t *random)
{
    switch (diff_below(random, 8)) {
    case 0:
    case 1:
        return special_float(format, random);
    case 2:
    case 3:
    case 4: /* close to the case's others */
        return plain_float(format, exponent + diff_below(random, 5) - 2,
                           random);
    case 5:
        return plain_float(format, interesting_exponent(format, random),
                           random);
    default:
        return plain_float(format, diff_random(random) >> 48, random);
    }
}

static uint64_t random_element(Format format, unsigned exponent,
                               uint64_t *random)
{
    unsigned bits = format_bits[format];
    uint64_t r = diff_random(random);

    switch (format) {
    case HALF:
    case SINGLE:
    case DOUBLE:
        return random_float(format, exponent, random);
    case NOISE:
        return r;
    default:
        break;
    }
    /* Integers: the ends of their own format, too. */
    switch (r & 3) {
    case 0:
        return diff_integer(random);
    case 1:
        return (1ull << (bits - 1)) + (r >> 8) % 5 - 2;
    case 2: /* a shift's amount */
        return (r >> 8) % (2 * bits + 4) - bits - 2;
    default:
        return r >> 8;
    }
}

static void fill(uint64_t v[2], Format format, unsigned exponent,
                 uint64_t *random)
{
    unsigned bits = format_bits[format];
    uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1;

    v[0] = v[1] = 0;
    for (unsigned at = 0; at < 128; at += bits) {
        v[at / 64] |= (random_element(format, exponent, random) & mask)
                      << at % 64;
    }
}

/*
 * Numbers of which products, quotients and sums lie at the edges: one rounding
 * away from the least normal number, from the greatest, or from a tie.
 */
static void fill_edges(DiffState *state, Format format, uint64_t *random)
{
    unsigned f = fraction_bits[format], bits = format_bits[format];
    unsigned bias = (1u << (bits - 2 - f)) - 1;
    const unsigned exponents[][2] = {
        {bias / 2, bias / 2 + 1},               /* a product underflows */
        {bias + bias / 2, bias + bias / 2 + 2}, /* overflows */
        {2 * bias, 2 * bias - f - 1},           /* a sum overflows */
        {1, f + 1},                             /* a difference is denormal */
        {bias, bias + f + 1},                   /* a sum rounds */
    };
    const unsigned *pair = exponents[diff_below(random, COUNT(exponents))];
    uint64_t mask = (1ull << f) - 1;
    const uint64_t fractions[] = {0,        0, mask,           mask,
                                  mask - 1, 1, 1ull << (f - 1)};

    for (unsigned at = 0; at < 32 * 128; at += bits) {
        uint64_t r = diff_random(random);
        uint64_t value = fractions[(r >> 8) % COUNT(fractions)] |
                         (uint64_t)(pair[r >> 62 & 1] + (r >> 61 & 1)) << f |
                         (r >> 60 & 1) << (bits - 1);

        if (at % 64 == 0) {
            state->v[at / 128][at / 64 % 2] = 0;
        }
        state->v[at / 128][at / 64 % 2] |= value << at % 64;
    }
}

static void fill_vectors(DiffState *state, bool floats, uint64_t *random)
{
    Format format = diff_below(random, NUM_FORMATS);
    unsigned exponent = 0;

    if (floats && !diff_one_in(random, 4)) {
        format = SINGLE + diff_below(random, 2);
    }
    if (format <= DOUBLE && diff_one_in(random, 2)) {
        fill_edges(state, format, random);
        return;
    }

    if (format <= DOUBLE) {
        exponent = interesting_exponent(format, random);
    }
    for (unsigned i = 0; i < 32; i++) {
        Format own =
            diff_one_in(random, 5) ? diff_below(random, NUM_FORMATS) : format;

        fill(state->v[i], own, exponent, random);
    }
}

void diff_random_state(DiffState *state, bool floats, uint64_t *random)
{
    uint64_t modes = diff_random(random);

    memset(state, 0, sizeof(*state));
    for (unsigned i = 0; i < COUNT(state->x); i++) {
        state->x[i] = diff_integer(random);
    }
    state->sp = diff_integer(random);
    state->tpidr = diff_random(random);
    fill_vectors(state, floats, random);
    state->nzcv = diff_random(random) >> 60 << 28;
    /* RMode, FZ, DN and AHP, half of the time. */
    if (modes >> 63) {
        state->fpcr = modes >> 32 & 0x07c00000;
    }
    if (modes >> 61 & 3) {
        state->fpsr = modes >> 16 & 0x0800009f;
    }
    /* With IXC set an emulator need not know whether a result is exact. */
    if (modes >> 60 & 1) {
        state->fpsr |= 0x10;
    }
}
