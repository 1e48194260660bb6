/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp-convert.c: integral values, fixed point and other formats. Where the host
 * has the conversion, it is asked in each of its rounding modes; a half is
 * tried in all its encodings; what saturates is in vectors.
 */

#include <fenv.h>
#include <inttypes.h>

#include "../../accel/interp/fp-fast.h"
#include "fp-operands.h"

#define ROUNDS 100000

#define S FP_SINGLE
#define D FP_DOUBLE
#define H FP_HALF

static const int host_modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
                                 FE_TOWARDZERO};

static bool is_nan(FpSize size, uint64_t a)
{
    return fp_abs(size, a) > fp_inf(size, false);
}

/* Whether the host was inexact in it; volatile keeps it between the two. */
#define HOST(mode, to, from, expression)    \
    do {                                    \
        volatile from x = (from)value;      \
        volatile to r;                      \
                                            \
        fesetround(host_modes[mode]);       \
        feclearexcept(FE_ALL_EXCEPT);       \
        r = expression;                     \
        inexact = fetestexcept(FE_INEXACT); \
        fesetround(FE_TONEAREST);           \
        host = r;                           \
    } while (0)

static void check(uint64_t a, FpRounding mode, uint64_t result,
                  const FpEnv *env, uint64_t expected, bool inexact)
{
    if (result != expected || !(env->fpsr & FPSR_IXC) == inexact) {
        g_error("of %" PRIx64 ", mode %d: %" PRIx64 ", FPSR %x, not %" PRIx64
                ", %sexact",
                a, mode, result, env->fpsr, expected, inexact ? "in" : "");
    }
}

static void test_round_int(void)
{
    GRand *rand = g_rand_new_with_seed(5);

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = random_operand(rand, D), result;
        FpRounding mode = i & 3;
        FpEnv env = {0, 0};
        double value = fp64_host(a), host;
        bool inexact;

        HOST(mode, double, double, __builtin_rint(x));
        result = fp_round_int(D, a, mode, true, &env);
        if (!is_nan(D, a)) {
            check(a, mode, result, &env, fp64_guest(host), inexact);
        }
    }
    g_rand_free(rand);
}

static void test_round_int_ties(void)
{
    FpEnv env = {0, 0};

    /* 2.5, -2.5, 0.5 and what is just below it */
    g_assert_cmphex(fp_round_int(S, 0x40200000, FP_ROUND_TIE_AWAY, false, &env),
                    ==, 0x40400000);
    g_assert_cmphex(fp_round_int(S, 0xc0200000, FP_ROUND_TIE_AWAY, false, &env),
                    ==, 0xc0400000);
    g_assert_cmphex(fp_round_int(S, 0xc0200000, FP_ROUND_TIE_EVEN, false, &env),
                    ==, 0xc0000000);
    g_assert_cmphex(fp_round_int(S, 0x3f000000, FP_ROUND_TIE_AWAY, false, &env),
                    ==, 0x3f800000);
    g_assert_cmphex(fp_round_int(S, 0xbeffffff, FP_ROUND_TIE_AWAY, false, &env),
                    ==, 0x80000000);
    g_assert_cmphex(env.fpsr, ==, 0);
    g_assert_cmphex(fp_round_int(S, 0x7f800001, FP_ROUND_ZERO, false, &env), ==,
                    0x7fc00001);
    g_assert_cmphex(env.fpsr, ==, FPSR_IOC);
    env = (FpEnv){FPCR_FZ, 0};
    g_assert_cmphex(fp_round_int(S, 1, FP_ROUND_POS_INF, true, &env), ==, 0);
    g_assert_cmphex(env.fpsr, ==, FPSR_IDC);
}

/* To and from 64 bits, where every double in range is an exact question. */
static void test_int64(void)
{
    GRand *rand = g_rand_new_with_seed(6);

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = random64(rand) >> g_rand_int_range(rand, 0, 64);
        FpRounding mode = i & 3;
        FpEnv env = {mode << FPCR_RMODE_SHIFT, 0};
        FpFixed fixed = {64, 0, i & 4};
        bool inexact;
        double host;

        if (fixed.is_unsigned) {
            uint64_t value = a;

            HOST(mode, double, uint64_t, (double)x);
        } else {
            int64_t value = a = -a;

            HOST(mode, double, int64_t, (double)x);
        }
        /* Hosts without an instruction for it make it of two, inexactly. */
        inexact =
            host >= 0x1p64 || host < -0x1p63 ||
            (fixed.is_unsigned ? (uint64_t)host : (uint64_t)(int64_t)host) != a;
        check(a, mode, fp_from_fixed(D, a, fixed, &env), &env, fp64_guest(host),
              inexact);
    }
    g_rand_free(rand);
}

static void test_to_int32(void)
{
    GRand *rand = g_rand_new_with_seed(7);

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = random_operand(rand, D), result;
        FpRounding mode = i & 3;
        FpEnv env = {0, 0};
        double value = fp64_host(a), host;
        bool inexact;

        HOST(mode, double, double, __builtin_rint(x));
        result = fp_to_fixed(D, a, (FpFixed){32, 0, false}, mode, &env);
        if (host >= INT32_MIN && host <= INT32_MAX) {
            check(a, mode, result, &env, (uint32_t)(int32_t)host, inexact);
        } else {
            uint32_t limit = value > 0 ? INT32_MAX : 0x80000000;

            g_assert_cmphex(result, ==, is_nan(D, a) ? 0 : limit);
            g_assert_cmphex(env.fpsr, ==, FPSR_IOC);
        }
    }
    g_rand_free(rand);
}

typedef struct FixedVector {
    uint64_t a;
    FpFixed to;
    FpRounding rounding;
    uint64_t result;
    uint32_t fpsr;
} FixedVector;

static const FixedVector fixed_vectors[] = {
    /* 2^64, 2^64 - 2^11, -0.5, -1, 2^63, -2^63 */
    {0x43f0000000000000, {64, 0, true}, 3, UINT64_MAX, FPSR_IOC},
    {0x43efffffffffffff, {64, 0, true}, 3, UINT64_MAX - 0x7ff, 0},
    {0xbfe0000000000000, {64, 0, true}, 3, 0, FPSR_IXC},
    {0xbfe0000000000000, {64, 0, true}, FP_ROUND_TIE_AWAY, 0, FPSR_IOC},
    {0xbff0000000000000, {32, 0, true}, 3, 0, FPSR_IOC},
    {0x8000000000000000, {32, 0, true}, 3, 0, 0},
    {0x43e0000000000000, {64, 0, false}, 3, INT64_MAX, FPSR_IOC},
    {0xc3e0000000000000, {64, 0, false}, 3, UINT64_C(1) << 63, 0},
    {0xc1e0000000000000, {32, 0, false}, 3, 0x80000000, 0},
    {0x7ff0000000000000, {32, 0, true}, 3, UINT32_MAX, FPSR_IOC},
    {0xfff0000000000000, {64, 0, false}, 3, UINT64_C(1) << 63, FPSR_IOC},
    {0x7ff8000000000000, {64, 0, false}, 3, 0, FPSR_IOC},
    {0xfff0000000000001, {32, 0, true}, 3, 0, FPSR_IOC},
    /* Fractions: 0.75, 2^-64, 1 - 2^-53, 1, the smallest number */
    {0x3fe8000000000000, {32, 1, false}, 3, 1, FPSR_IXC},
    {0x3fe8000000000000, {32, 2, false}, 3, 3, 0},
    {0x3bf0000000000000, {64, 64, true}, 3, 1, 0},
    {0x3fefffffffffffff, {64, 64, true}, 3, UINT64_MAX - 0x7ff, 0},
    {0x3ff0000000000000, {64, 64, true}, 3, UINT64_MAX, FPSR_IOC},
    {1, {64, 64, true}, FP_ROUND_POS_INF, 1, FPSR_IXC},
};

static void test_to_fixed(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixed_vectors); i++) {
        const FixedVector *v = &fixed_vectors[i];
        FpEnv env = {0, 0};

        g_assert_cmphex(fp_to_fixed(D, v->a, v->to, v->rounding, &env), ==,
                        v->result);
        g_assert_cmphex(env.fpsr, ==, v->fpsr);
    }
}

static void test_from_fixed(void)
{
    FpEnv env = {FPCR_FZ, 0};

    g_assert_cmphex(
        fp_from_fixed(S, 0xff00000001, (FpFixed){32, 32, true}, &env), ==,
        0x2f800000);
    g_assert_cmphex(fp_from_fixed(S, 1, (FpFixed){64, 64, false}, &env), ==,
                    0x1f800000);
    g_assert_cmphex(fp_from_fixed(D, 0x80000000, (FpFixed){32, 0, false}, &env),
                    ==, 0xc1e0000000000000);
    g_assert_cmphex(fp_from_fixed(D, 1ull << 63, (FpFixed){64, 0, false}, &env),
                    ==, 0xc3e0000000000000);
    g_assert_cmphex(fp_from_fixed(D, 1ull << 32, (FpFixed){32, 0, true}, &env),
                    ==, 0);
    g_assert_cmphex(env.fpsr, ==, 0);
}

static void test_double_to_single(void)
{
    GRand *rand = g_rand_new_with_seed(8);

    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = random_operand(rand, D), result;
        FpRounding mode = i & 3;
        FpEnv env = {mode << FPCR_RMODE_SHIFT, 0}, back = {0, 0};
        double value = fp64_host(a);
        bool inexact;
        float host;

        HOST(mode, float, double, (float)x);
        result = fp_convert(S, D, a, &env);
        if (!is_nan(D, a)) {
            check(a, mode, result, &env, fp32_guest(host), inexact);
            g_assert_cmphex(fp_convert(D, S, result, &back), ==,
                            fp64_guest(host));
        }
    }
    g_rand_free(rand);
}

/* Each half is a number of a known value, and comes back from either size. */
static void check_half(unsigned half, uint32_t fpcr, FpSize size)
{
    unsigned exp = half >> 10 & 0x1f, frac = half & 0x3ff;
    double value =
        exp ? (0x400 + frac) * 0x1p-25 * (1ull << exp) : frac * 0x1p-24;
    FpEnv env = {fpcr, 0};
    uint64_t wide = fp_convert(size, H, half, &env);

    value = half & 0x8000 ? -value : value;
    if (size == D) {
        g_assert_cmphex(wide, ==, fp64_guest(value));
    } else {
        g_assert_cmphex(wide, ==, fp32_guest((float)value));
    }
    g_assert_cmphex(fp_convert(H, size, wide, &env), ==, half);
    g_assert_cmphex(env.fpsr, ==, 0);
}

static void test_half(void)
{
    for (unsigned half = 0; half < 0x10000; half++) {
        /* Flush to zero is nothing to a half. */
        check_half(half, FPCR_AHP | FPCR_FZ, half & 1 ? S : D);
        if ((half & 0x7c00) != 0x7c00) {
            check_half(half, FPCR_FZ, S);
            check_half(half, 0, D);
        }
    }
}

typedef struct ConvertVector {
    FpSize to, from;
    uint32_t fpcr;
    uint64_t a, result;
    uint32_t fpsr;
} ConvertVector;

static const ConvertVector convert_vectors[] = {
    /* NaNs keep their payload from the top. */
    {D, S, 0, 0x7fc00001, 0x7ff8000020000000, 0},
    {D, S, 0, 0xff800001, 0xfff8000020000000, FPSR_IOC},
    {D, S, FPCR_DN, 0xffc00001, 0x7ff8000000000000, 0},
    {S, D, 0, 0x7ff8000020000000, 0x7fc00001, 0},
    {S, D, 0, 0x7ff0000000000001, 0x7fc00000, FPSR_IOC},
    {S, H, 0, 0x7c01, 0x7fc02000, FPSR_IOC},
    {H, S, 0, 0xffc02000, 0xfe01, 0},
    {D, H, 0, 0xfc00, 0xfff0000000000000, 0},
    {H, D, 0, 0xfff0000000000000, 0xfc00, 0},
    /* The alternative half has neither them nor infinities. */
    {H, S, FPCR_AHP, 0xffc02000, 0x8000, FPSR_IOC},
    {H, S, FPCR_AHP, 0x7f800001, 0, FPSR_IOC},
    {H, S, FPCR_AHP, 0xff800000, 0xffff, FPSR_IOC},
    {H, S, FPCR_AHP, 0x48000000, 0x7fff, FPSR_IOC},
    {H, S, FPCR_AHP, 0x47ffe000, 0x7fff, 0},
    {H, S, FPCR_AHP, 0x47fff000, 0x7fff, FPSR_IOC},
    /* Too large, and too small, for a half. */
    {H, S, 0, 0x477ff000, 0x7c00, FPSR_OFC | FPSR_IXC},
    {H, S, 0, 0x477fefff, 0x7bff, FPSR_IXC},
    {H, S, 0, 0x33000000, 0, FPSR_UFC | FPSR_IXC},
    {H, S, 0, 0x33000001, 1, FPSR_UFC | FPSR_IXC},
    {H, S, FPCR_FZ, 0x33800000, 1, 0},
    {H, S, FPCR_FZ, 1, 0, FPSR_IDC},
    /* Flush to zero is on both sides of the others. */
    {S, D, FPCR_FZ, 0x8000000000000001, 0x80000000, FPSR_IDC},
    {S, D, FPCR_FZ, 0x3800000000000000, 0, FPSR_UFC},
    {S, D, 0, 0x3800000000000000, 0x400000, 0},
    {D, S, FPCR_FZ, 0x80000001, 0x8000000000000000, FPSR_IDC},
};

static void test_convert(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(convert_vectors); i++) {
        const ConvertVector *v = &convert_vectors[i];
        FpEnv env = {v->fpcr, 0};

        g_assert_cmphex(fp_convert(v->to, v->from, v->a, &env), ==, v->result);
        g_assert_cmphex(env.fpsr, ==, v->fpsr);
    }
}

static void check_odd(uint64_t a, uint32_t result, uint32_t fpsr)
{
    FpEnv env = {0, 0};

    g_assert_cmphex(fp_convert_odd(a, &env), ==, result);
    g_assert_cmphex(env.fpsr, ==, fpsr);
}

static void test_convert_odd(void)
{
    check_odd(0x3ff0000000000000, 0x3f800000, 0);
    check_odd(0x3ff0000000000001, 0x3f800001, FPSR_IXC);
    check_odd(0x3ff000003fffffff, 0x3f800001, FPSR_IXC);
    check_odd(0x7fefffffffffffff, 0x7f7fffff, FPSR_OFC | FPSR_IXC);
    check_odd(0x8000000000000001, 0x80000001, FPSR_UFC | FPSR_IXC);
    check_odd(0xfff0000000000000, 0xff800000, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fp-convert/round-int", test_round_int);
    g_test_add_func("/fp-convert/round-int-ties", test_round_int_ties);
    g_test_add_func("/fp-convert/int64", test_int64);
    g_test_add_func("/fp-convert/to-int32", test_to_int32);
    g_test_add_func("/fp-convert/to-fixed", test_to_fixed);
    g_test_add_func("/fp-convert/from-fixed", test_from_fixed);
    g_test_add_func("/fp-convert/double-to-single", test_double_to_single);
    g_test_add_func("/fp-convert/half", test_half);
    g_test_add_func("/fp-convert/convert", test_convert);
    g_test_add_func("/fp-convert/convert-odd", test_convert_odd);
    return g_test_run();
}
