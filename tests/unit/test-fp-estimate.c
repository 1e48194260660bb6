/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp-estimate.c: the estimates of some numbers as real CPUs give them, the
 * bounds of error that the manual promises for all, and the edges of the range.
 */

#include "../../accel/interp/fp-fast.h"
#include "fp-operands.h"

#define S FP_SINGLE
#define D FP_DOUBLE

typedef struct Vector {
    FpUnary *function;
    FpSize size;
    uint32_t fpcr;
    uint64_t a, result;
    uint32_t fpsr;
} Vector;

#define RM ((uint32_t)FP_ROUND_NEG_INF << FPCR_RMODE_SHIFT)
#define RZ ((uint32_t)FP_ROUND_ZERO << FPCR_RMODE_SHIFT)

static const Vector vectors[] = {
    {fp_recip_estimate, S, 0, 0x3f800000, 0x3f7f8000, 0},
    {fp_recip_estimate, S, 0, 0xc0000000, 0xbeff8000, 0},
    {fp_recip_estimate, S, 0, 0x40400000, 0x3eaa8000, 0},
    {fp_recip_estimate, D, 0, 0x3ff0000000000000, 0x3feff00000000000, 0},
    {fp_recip_estimate, S, 0, 0xff800000, 0x80000000, 0},
    {fp_recip_estimate, S, 0, 0x80000000, 0xff800000, FPSR_DZC},
    {fp_recip_estimate, S, 0, 0x7f800001, 0x7fc00001, FPSR_IOC},
    {fp_recip_estimate, S, FPCR_DN, 0xffc00001, 0x7fc00000, 0},
    /* Beyond the largest number, and the largest that is not. */
    {fp_recip_estimate, S, 0, 0x801fffff, 0xff800000, FPSR_OFC | FPSR_IXC},
    {fp_recip_estimate, S, RM, 0x001fffff, 0x7f7fffff, FPSR_OFC | FPSR_IXC},
    {fp_recip_estimate, S, RM, 0x801fffff, 0xff800000, FPSR_OFC | FPSR_IXC},
    {fp_recip_estimate, S, RZ, 0x801fffff, 0xff7fffff, FPSR_OFC | FPSR_IXC},
    {fp_recip_estimate, S, 0, 0x00200000, 0x7f7f8000, 0},
    {fp_recip_estimate, S, 0, 0x00400000, 0x7eff8000, 0},
    {fp_recip_estimate, S, FPCR_FZ, 0x00400000, 0x7f800000,
     FPSR_DZC | FPSR_IDC},
    /* Denormal results: cut, or flushed. */
    {fp_recip_estimate, S, 0, 0x7e800000, 0x007fc000, 0},
    {fp_recip_estimate, S, 0, 0x7f000000, 0x003fe000, 0},
    {fp_recip_estimate, S, FPCR_FZ, 0xfe800000, 0x80000000, FPSR_UFC},
    {fp_recip_estimate, S, FPCR_FZ, 0x7e7fffff, 0x00800000, 0},

    {fp_rsqrt_estimate, S, 0, 0x3f800000, 0x3f7f8000, 0},
    {fp_rsqrt_estimate, S, 0, 0x40000000, 0x3f348000, 0},
    {fp_rsqrt_estimate, S, 0, 0x40800000, 0x3eff8000, 0},
    {fp_rsqrt_estimate, D, 0, 0x4010000000000000, 0x3fdff00000000000, 0},
    {fp_rsqrt_estimate, S, 0, 0x00000001, 0x64b48000, 0},
    {fp_rsqrt_estimate, S, 0, 0x7f800000, 0, 0},
    {fp_rsqrt_estimate, S, 0, 0x80000000, 0xff800000, FPSR_DZC},
    {fp_rsqrt_estimate, S, 0, 0xbf800000, 0x7fc00000, FPSR_IOC},
    {fp_rsqrt_estimate, S, 0, 0xff800000, 0x7fc00000, FPSR_IOC},
    {fp_rsqrt_estimate, S, 0, 0xff800001, 0xffc00001, FPSR_IOC},
    {fp_rsqrt_estimate, S, FPCR_FZ, 0x00000001, 0x7f800000,
     FPSR_DZC | FPSR_IDC},

    {fp_recpx, S, 0, 0x3fc00000, 0x40000000, 0},
    {fp_recpx, S, 0, 0x80000000, 0xff000000, 0},
    {fp_recpx, S, 0, 0x00000001, 0x7f000000, 0},
    {fp_recpx, S, FPCR_FZ, 0x00000001, 0x7f000000, FPSR_IDC},
    {fp_recpx, S, 0, 0xff800000, 0x80000000, 0},
    {fp_recpx, D, 0, 0xfff0000000000001, 0xfff8000000000001, FPSR_IOC},
};

static void test_vectors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
        const Vector *v = &vectors[i];
        FpEnv env = {v->fpcr, 0};

        g_assert_cmphex(v->function(v->size, v->a, &env), ==, v->result);
        g_assert_cmphex(env.fpsr, ==, v->fpsr);
    }
}

/* Eight bits are right: relative to the answer, by all leading bits. */
static void test_error(void)
{
    for (uint64_t top = 0; top < 512; top++) {
        uint64_t a = (UINT64_C(1022) << 52) + (top << 44 | (top & 1));
        FpEnv env = {0, 0};
        double x = fp64_host(a);
        double recip = fp64_host(fp_recip_estimate(D, a, &env));
        double rsqrt = fp64_host(fp_rsqrt_estimate(D, a, &env));

        g_assert_cmpfloat(__builtin_fabs(recip * x - 1), <, 1.0 / 255);
        g_assert_cmpfloat(__builtin_fabs(rsqrt * __builtin_sqrt(x) - 1), <,
                          1.0 / 255);
        g_assert_cmphex(env.fpsr, ==, 0);
    }
}

/* A step of Newton's doubles the bits. */
static void test_refined(void)
{
    FpEnv env = {0, 0};
    uint64_t three = 0x4008000000000000;
    uint64_t x = fp_recip_estimate(D, three, &env);
    uint64_t y = fp_rsqrt_estimate(D, three, &env);

    for (int i = 0; i < 3; i++) {
        x = fp_mul(D, x, fp_recip_step(D, x, three, &env), &env);
        y = fp_mul(D, y, fp_rsqrt_step(D, fp_mul(D, y, y, &env), three, &env),
                   &env);
    }
    g_assert_cmpfloat(__builtin_fabs(fp64_host(x) * 3 - 1), <, 0x1p-51);
    g_assert_cmpfloat(__builtin_fabs(fp64_host(y) * fp64_host(y) * 3 - 1), <,
                      0x1p-51);
}

static void test_unsigned(void)
{
    g_assert_cmphex(fp_unsigned_recip_estimate(0x80000000), ==, 0xff800000);
    g_assert_cmphex(fp_unsigned_recip_estimate(0xffffffff), ==, 0x80000000);
    g_assert_cmphex(fp_unsigned_recip_estimate(0x7fffffff), ==, 0xffffffff);
    g_assert_cmphex(fp_unsigned_rsqrt_estimate(0x40000000), ==, 0xff800000);
    g_assert_cmphex(fp_unsigned_rsqrt_estimate(0x80000000), ==, 0xb4800000);
    g_assert_cmphex(fp_unsigned_rsqrt_estimate(0xffffffff), ==, 0x80000000);
    g_assert_cmphex(fp_unsigned_rsqrt_estimate(0x3fffffff), ==, 0xffffffff);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fp-estimate/vectors", test_vectors);
    g_test_add_func("/fp-estimate/error", test_error);
    g_test_add_func("/fp-estimate/refined", test_refined);
    g_test_add_func("/fp-estimate/unsigned", test_unsigned);
    return g_test_run();
}
