/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-different.c: Advanced SIMD, three registers whose elements differ in
 * size (Arm ARM C4.1, "Advanced SIMD three different" and its scalar form).
 *
 * Q says which half of a register has the narrow elements. Wide lanes that are
 * summed are computed modulo 2^64 and cut, since they wrap.
 */

#include "simd.h"

#define LONG(name, kind, expr)                \
    SIMD_LONG_##kind(name, SECOND_HALF, expr) \
        SIMD_TRANSLATE(name##_v, simd_halves, name##_fns)

LONG(saddl, S, 1ull * a + b)
LONG(uaddl, U, 1ull * a + b)
LONG(ssubl, S, 1ull * a - b)
LONG(usubl, U, 1ull * a - b)
LONG(saddw, S, 1ull * wide + b)
LONG(uaddw, U, 1ull * wide + b)
LONG(ssubw, S, 1ull * wide - b)
LONG(usubw, U, 1ull * wide - b)
LONG(sabal, S, d + SIMD_DIFFERENCE(a, b))
LONG(uabal, U, d + SIMD_DIFFERENCE(a, b))
LONG(sabdl, S, SIMD_DIFFERENCE(a, b))
LONG(uabdl, U, SIMD_DIFFERENCE(a, b))
LONG(smull, S, SIMD_PRODUCT(a, b))
LONG(umull, U, SIMD_PRODUCT(a, b))
LONG(smlal, S, d + SIMD_PRODUCT(a, b))
LONG(umlal, U, d + SIMD_PRODUCT(a, b))
LONG(smlsl, S, d - SIMD_PRODUCT(a, b))
LONG(umlsl, U, d - SIMD_PRODUCT(a, b))

/* With a scalar form; the product saturates, and then the sum. */
#define DOUBLING(name, expr)                                \
    SIMD_LONG_S_HS(name, SECOND_HALF, expr)                 \
    static SimdFns name##_fns = {NULL, name##_h, name##_s}; \
    SIMD_TRANSLATE(name##_v, simd_halves, name##_fns)       \
    SIMD_TRANSLATE(name##_sc, simd_scalar, name##_fns)

DOUBLING(sqdmull, SIMD_DOUBLE_PRODUCT(a, b))
DOUBLING(sqdmlal, SAT((__int128)d + (int64_t)SIMD_DOUBLE_PRODUCT(a, b)))
DOUBLING(sqdmlsl, SAT((__int128)d - (int64_t)SIMD_DOUBLE_PRODUCT(a, b)))

/* PMULL of 64 bits is a cryptographic extension. */
SIMD_LONG(pmull_b, uint8_t, b, uint16_t, h, SECOND_HALF,
          simd_polynomial_product(a, b))
static SimdFns pmull = {pmull_b};
SIMD_TRANSLATE(pmull_v, simd_halves, pmull)

/* The upper halves of sums. */
#define NARROW(name, expr)                \
    SIMD_NARROW_U(name, SECOND_REG, expr) \
    SIMD_TRANSLATE(name##_v, simd_halves, name##_fns)

NARROW(addhn, (a + b) >> BITS)
NARROW(subhn, (a - b) >> BITS)
NARROW(raddhn, (a + b + (1u << (BITS - 1))) >> BITS)
NARROW(rsubhn, (a - b + (1u << (BITS - 1))) >> BITS)
