/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <string.h>

#include "fp.h"

/*
 * The same results as fp.h's, by the host's FPU where it is sure to agree:
 * rounding to nearest, no flush to zero, IXC set already (so that nobody has to
 * know whether a result is inexact), and a result that can have raised nothing
 * else. Anything else goes to fp.h. The host's FPU is in its default mode, as
 * every thread of ours leaves it; compile with -ffp-contract=off.
 *
 * A result at the edge of underflow is left to fp.h, since hosts differ in
 * whether they look before or after rounding.
 */

static inline float fp32_host(uint32_t a)
{
    float value;

    memcpy(&value, &a, sizeof(value));
    return value;
}

static inline uint32_t fp32_guest(float value)
{
    uint32_t a;

    memcpy(&a, &value, sizeof(a));
    return a;
}

static inline double fp64_host(uint64_t a)
{
    double value;

    memcpy(&value, &a, sizeof(value));
    return value;
}

static inline uint64_t fp64_guest(double value)
{
    uint64_t a;

    memcpy(&a, &value, sizeof(a));
    return a;
}

/* Encodings without their sign: numbers are below the infinity. */
#define FP32_ABS(a) ((uint32_t)((a) << 1))
#define FP64_ABS(a) ((uint64_t)((a) << 1))
#define FP32_ABS_INF (UINT32_C(0xff) << 24)
#define FP64_ABS_INF (UINT64_C(0x7ff) << 53)

static inline bool fp_fast_mode(const FpEnv *env)
{
    return !(env->fpcr & (FPCR_RMODE | FPCR_FZ)) && (env->fpsr & FPSR_IXC);
}

/* A number, if only a denormal one. */
static inline bool fp32_finite(uint32_t a)
{
    return FP32_ABS(a) < FP32_ABS_INF;
}

static inline bool fp64_finite(uint64_t a)
{
    return FP64_ABS(a) < FP64_ABS_INF;
}

/* Above the smallest normal number, below the infinity. */
static inline bool fp32_plain(uint32_t a)
{
    uint32_t min = (UINT32_C(1) << 24) + 1;

    return FP32_ABS(a) - min < FP32_ABS_INF - min;
}

static inline bool fp64_plain(uint64_t a)
{
    uint64_t min = (UINT64_C(1) << 53) + 1;

    return FP64_ABS(a) - min < FP64_ABS_INF - min;
}

/* fp32_add() and so on: `good` says of which results r the host is believed. */
#define FP_FAST_BINARY(width, size, name, operator, good)         \
    static inline uint##width##_t fp##width##_##name(             \
        uint##width##_t a, uint##width##_t b, FpEnv *env)         \
    {                                                             \
        uint##width##_t r = fp##width##_guest(                    \
            fp##width##_host(a) operator fp##width##_host(b));    \
                                                                  \
        return G_LIKELY(fp_fast_mode(env) && (good))              \
                   ? r                                            \
                   : (uint##width##_t)fp_##name(size, a, b, env); \
    }

/* A sum that is denormal, or zero, is exact. */
FP_FAST_BINARY(32, FP_SINGLE, add, +, fp32_finite(r))
FP_FAST_BINARY(64, FP_DOUBLE, add, +, fp64_finite(r))
FP_FAST_BINARY(32, FP_SINGLE, sub, -, fp32_finite(r))
FP_FAST_BINARY(64, FP_DOUBLE, sub, -, fp64_finite(r))
/* A product of zero is exact if it is of a zero. */
FP_FAST_BINARY(32, FP_SINGLE, mul, *,
               fp32_plain(r) ||
                   (!FP32_ABS(r) && (!FP32_ABS(a) || !FP32_ABS(b))))
FP_FAST_BINARY(64, FP_DOUBLE, mul, *,
               fp64_plain(r) ||
                   (!FP64_ABS(r) && (!FP64_ABS(a) || !FP64_ABS(b))))
FP_FAST_BINARY(32, FP_SINGLE, div, /,
               fp32_plain(r) || (!FP32_ABS(r) && !FP32_ABS(a)))
FP_FAST_BINARY(64, FP_DOUBLE, div, /,
               fp64_plain(r) || (!FP64_ABS(r) && !FP64_ABS(a)))

#undef FP_FAST_BINARY

/* A root is never near underflow. */
static inline uint32_t fp32_sqrt(uint32_t a, FpEnv *env)
{
    uint32_t r = fp32_guest(__builtin_sqrtf(fp32_host(a)));

    return G_LIKELY(fp_fast_mode(env) && fp32_finite(r))
               ? r
               : (uint32_t)fp_sqrt(FP_SINGLE, a, env);
}

static inline uint64_t fp64_sqrt(uint64_t a, FpEnv *env)
{
    uint64_t r = fp64_guest(__builtin_sqrt(fp64_host(a)));

    return G_LIKELY(fp_fast_mode(env) && fp64_finite(r))
               ? r
               : fp_sqrt(FP_DOUBLE, a, env);
}

/* addend + a * b, rounded once */
static inline uint32_t fp32_mul_add(uint32_t addend, uint32_t a, uint32_t b,
                                    FpEnv *env)
{
    uint32_t r = fp32_guest(
        __builtin_fmaf(fp32_host(a), fp32_host(b), fp32_host(addend)));
    bool good =
        fp32_plain(r) || (!FP32_ABS(r) && (!FP32_ABS(a) || !FP32_ABS(b)));

    return G_LIKELY(fp_fast_mode(env) && good)
               ? r
               : (uint32_t)fp_mul_add(FP_SINGLE, addend, a, b, env);
}

static inline uint64_t fp64_mul_add(uint64_t addend, uint64_t a, uint64_t b,
                                    FpEnv *env)
{
    uint64_t r = fp64_guest(
        __builtin_fma(fp64_host(a), fp64_host(b), fp64_host(addend)));
    bool good =
        fp64_plain(r) || (!FP64_ABS(r) && (!FP64_ABS(a) || !FP64_ABS(b)));

    return G_LIKELY(fp_fast_mode(env) && good)
               ? r
               : fp_mul_add(FP_DOUBLE, addend, a, b, env);
}

/*
 * NZCV of FCMP or FCMPE. Numbers are ordered without a flag, in any rounding
 * mode, so only NaNs and operands that are flushed take the long way.
 */
static inline unsigned fp64_compare(uint64_t a, uint64_t b, bool signal_nans,
                                    FpEnv *env)
{
    double x = fp64_host(a), y = fp64_host(b);

    if (G_UNLIKELY(__builtin_isunordered(x, y) || (env->fpcr & FPCR_FZ))) {
        return fp_compare(FP_DOUBLE, a, b, signal_nans, env);
    }
    return x == y ? 0x6 : x < y ? 0x8 : 0x2;
}

static inline unsigned fp32_compare(uint32_t a, uint32_t b, bool signal_nans,
                                    FpEnv *env)
{
    float x = fp32_host(a), y = fp32_host(b);

    if (G_UNLIKELY(__builtin_isunordered(x, y) || (env->fpcr & FPCR_FZ))) {
        return fp_compare(FP_SINGLE, a, b, signal_nans, env);
    }
    return x == y ? 0x6 : x < y ? 0x8 : 0x2;
}

/* FCVT between single and double. To double, a number stays what it is. */
static inline uint64_t fp64_from_single(uint32_t a, FpEnv *env)
{
    uint64_t r = fp64_guest((double)fp32_host(a));

    return G_LIKELY(fp_fast_mode(env) && fp64_finite(r))
               ? r
               : fp_convert(FP_DOUBLE, FP_SINGLE, a, env);
}

static inline uint32_t fp32_from_double(uint64_t a, FpEnv *env)
{
    uint32_t r = fp32_guest((float)fp64_host(a));

    return G_LIKELY(fp_fast_mode(env) && (fp32_plain(r) || !FP64_ABS(a)))
               ? r
               : (uint32_t)fp_convert(FP_SINGLE, FP_DOUBLE, a, env);
}

/*
 * SCVTF and UCVTF, of `from` with fbits 0. A 32-bit integer fits in a double as
 * it is.
 */
static inline int64_t fp_int_operand(uint64_t a, FpFixed from)
{
    return from.width == 64   ? (int64_t)a
           : from.is_unsigned ? (int64_t)(uint32_t)a
                              : (int64_t)(int32_t)a;
}

static inline uint32_t fp32_from_int(uint64_t a, FpFixed from, FpEnv *env)
{
    int64_t value = fp_int_operand(a, from);

    return G_LIKELY(fp_fast_mode(env) && !(from.is_unsigned && value < 0))
               ? fp32_guest((float)value)
               : (uint32_t)fp_from_fixed(FP_SINGLE, a, from, env);
}

static inline uint64_t fp64_from_int(uint64_t a, FpFixed from, FpEnv *env)
{
    int64_t value = fp_int_operand(a, from);
    bool exact = from.width == 32;

    return G_LIKELY((exact || fp_fast_mode(env)) &&
                    !(from.is_unsigned && value < 0))
               ? fp64_guest((double)value)
               : fp_from_fixed(FP_DOUBLE, a, from, env);
}

/* FCVTZS and FCVTZU, to `to` with fbits 0. */
static inline uint64_t fp64_to_int(uint64_t a, FpFixed to, FpEnv *env)
{
    double value = fp64_host(a), limit = to.width == 64 ? 0x1p62 : 0x1p31;
    double low = to.is_unsigned ? -1 : -limit;

    if (G_UNLIKELY(!fp_fast_mode(env) || !(value > low && value < limit))) {
        return fp_to_fixed(FP_DOUBLE, a, to, FP_ROUND_ZERO, env);
    }
    return to.width == 64 ? (uint64_t)(int64_t)value : (uint32_t)(int64_t)value;
}

static inline uint64_t fp32_to_int(uint32_t a, FpFixed to, FpEnv *env)
{
    float value = fp32_host(a), limit = to.width == 64 ? 0x1p62f : 0x1p31f;
    float low = to.is_unsigned ? -1 : -limit;

    if (G_UNLIKELY(!fp_fast_mode(env) || !(value > low && value < limit))) {
        return fp_to_fixed(FP_SINGLE, a, to, FP_ROUND_ZERO, env);
    }
    return to.width == 64 ? (uint64_t)(int64_t)value : (uint32_t)(int64_t)value;
}
