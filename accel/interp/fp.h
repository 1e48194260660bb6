/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp.h: the floating-point arithmetic of the architecture as pure functions.
 *
 * Each function computes one operation of the shared pseudocode of the Arm ARM
 * (DDI 0487, "Floating-point" under shared/functions/float), whose name stands
 * beside it: the result to the bit, and the cumulative flags of FPSR, which are
 * only ever set. Operands and results are encodings in the low bits of a
 * uint64_t; the higher bits of an operand are ignored, those of a result are
 * zero. What is read of FPCR is RMode, FZ, DN and AHP: there is no FEAT_FP16 (a
 * half is only converted), no FEAT_AFP, and no trapped exception.
 *
 * No function can fail, keeps state, or looks at the host's FPU or its modes:
 * any thread may call any of them. fp-fast.h has the same results sooner.
 */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The fields of FPCR that matter here (Arm ARM, C5.2). */
#define FPCR_RMODE_SHIFT 22
#define FPCR_RMODE (3u << FPCR_RMODE_SHIFT)
#define FPCR_FZ (1u << 24)
#define FPCR_DN (1u << 25)
#define FPCR_AHP (1u << 26)

/* The cumulative flags of FPSR. */
#define FPSR_IOC (1u << 0)
#define FPSR_DZC (1u << 1)
#define FPSR_OFC (1u << 2)
#define FPSR_UFC (1u << 3)
#define FPSR_IXC (1u << 4)
#define FPSR_IDC (1u << 7)
#define FPSR_QC (1u << 27)

/* The two registers that an operation reads and writes. */
typedef struct FpEnv {
    uint32_t fpcr;
    uint32_t fpsr;
} FpEnv;

/* As the field `ftype` of the instructions; the bit `sz` is its low bit. */
typedef enum FpSize {
    FP_SINGLE = 0,
    FP_DOUBLE = 1,
    FP_HALF = 3,
} FpSize;

/* The first four as FPCR.RMode and as the field `rmode` have them. */
typedef enum FpRounding {
    FP_ROUND_TIE_EVEN,
    FP_ROUND_POS_INF,
    FP_ROUND_NEG_INF,
    FP_ROUND_ZERO,
    FP_ROUND_TIE_AWAY,
    FP_ROUND_ODD,
} FpRounding;

/* An integer or fixed-point number: `fbits` of its bits are the fraction. */
typedef struct FpFixed {
    uint8_t width; /* 32 or 64 */
    uint8_t fbits; /* 0 to width */
    bool is_unsigned;
} FpFixed;

/* FPRoundingMode(FPCR) */
static inline FpRounding fp_rounding(const FpEnv *env)
{
    return (FpRounding)((env->fpcr & FPCR_RMODE) >> FPCR_RMODE_SHIFT);
}

/* What most operations look like, for tables of them. */
typedef uint64_t FpUnary(FpSize size, uint64_t a, FpEnv *env);
typedef uint64_t FpBinary(FpSize size, uint64_t a, uint64_t b, FpEnv *env);
typedef bool FpCompare(FpSize size, uint64_t a, uint64_t b, FpEnv *env);

/*
 * The arithmetic of single and double: FPAdd, FPSub, FPMul, FPDiv, FPMulX,
 * FPMax, FPMin, FPMaxNum, FPMinNum, FPSqrt. Rounded as FPCR says.
 */
FpBinary fp_add, fp_sub, fp_mul, fp_div, fp_mulx;
FpBinary fp_max, fp_min, fp_max_num, fp_min_num;
FpUnary fp_sqrt;

/*
 * FPMulAdd: addend + a * b, rounded once. FMSUB and its kin negate operands
 * first, with fp_neg().
 */
uint64_t fp_mul_add(FpSize size, uint64_t addend, uint64_t a, uint64_t b,
                    FpEnv *env);

/*
 * FPRecipStepFused: 2 - a * b, and FPRSqrtStepFused: (3 - a * b) / 2, each
 * rounded once. A NaN in a leaves with its sign turned, as the pseudocode has
 * it.
 */
FpBinary fp_recip_step, fp_rsqrt_step;

/* FPRecipEstimate, FPRSqrtEstimate and FPRecpX, of single and double. */
FpUnary fp_recip_estimate, fp_rsqrt_estimate, fp_recpx;

/* UnsignedRecipEstimate and UnsignedRSqrtEstimate: URECPE and URSQRTE. */
uint32_t fp_unsigned_recip_estimate(uint32_t a);
uint32_t fp_unsigned_rsqrt_estimate(uint32_t a);

/*
 * FPCompare: NZCV as four bits, N the highest. `signal_nans` is FCMPE: a quiet
 * NaN is an invalid operation, too.
 */
unsigned fp_compare(FpSize size, uint64_t a, uint64_t b, bool signal_nans,
                    FpEnv *env);

/* FPCompareEQ (a quiet NaN is silent), FPCompareGE, FPCompareGT. */
FpCompare fp_compare_eq, fp_compare_ge, fp_compare_gt;

/*
 * FPRoundInt: to an integral value in the format of the operand. `exact` sets
 * IXC when the value changes (FRINTX). The rounding is any but FP_ROUND_ODD.
 */
uint64_t fp_round_int(FpSize size, uint64_t a, FpRounding rounding, bool exact,
                      FpEnv *env);

/*
 * FPToFixed: saturates, IOC; a NaN is 0, IOC. The result has `to.width` bits,
 * zero-extended. The rounding is any but FP_ROUND_ODD; FCVTZ* has
 * FP_ROUND_ZERO.
 */
uint64_t fp_to_fixed(FpSize size, uint64_t a, FpFixed to, FpRounding rounding,
                     FpEnv *env);

/* FixedToFP: of the low `from.width` bits of a, rounded as FPCR says. */
uint64_t fp_from_fixed(FpSize size, uint64_t a, FpFixed from, FpEnv *env);

/*
 * FPConvert: between any two formats, rounded as FPCR says; FPCR.AHP chooses
 * what a half is. FZ leaves halves alone, as without FEAT_FP16 it must.
 */
uint64_t fp_convert(FpSize to, FpSize from, uint64_t a, FpEnv *env);

/* FPConvert of a double to a single, rounded to odd: FCVTXN. */
uint64_t fp_convert_odd(uint64_t a, FpEnv *env);

/* FPNeg and FPAbs: bits only, of any operand, without a flag. */
static inline uint64_t fp_sign_bit(FpSize size)
{
    return size == FP_DOUBLE   ? UINT64_C(1) << 63
           : size == FP_SINGLE ? UINT64_C(1) << 31
                               : UINT64_C(1) << 15;
}

static inline uint64_t fp_neg(FpSize size, uint64_t a)
{
    return a ^ fp_sign_bit(size);
}

static inline uint64_t fp_abs(FpSize size, uint64_t a)
{
    return a & ~fp_sign_bit(size);
}
