/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp.c: arithmetic, held against the host's in the four rounding modes that
 * IEEE 754 has, and against the manual where the standard leaves a choice or
 * the architecture has modes of its own.
 *
 * Hosts do not agree on which NaN comes out, nor on whether a result that
 * rounds up to the smallest normal number was tiny: both are in the vectors.
 */

#include <fenv.h>
#include <inttypes.h>

#include "../../accel/interp/fp-fast.h"
#include "fp-operands.h"

#define ROUNDS 100000

#define S FP_SINGLE
#define D FP_DOUBLE

static const int host_modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
                                 FE_TOWARDZERO};

static uint32_t host_flags(void)
{
    int raised = fetestexcept(FE_ALL_EXCEPT);

    return (raised & FE_INVALID ? FPSR_IOC : 0) |
           (raised & FE_DIVBYZERO ? FPSR_DZC : 0) |
           (raised & FE_OVERFLOW ? FPSR_OFC : 0) |
           (raised & FE_UNDERFLOW ? FPSR_UFC : 0) |
           (raised & FE_INEXACT ? FPSR_IXC : 0);
}

typedef enum HostOp { ADD, SUB, MUL, DIV, SQRT, MUL_ADD, NUM_HOST_OPS } HostOp;

static const char *const op_names[] = {"add", "sub",  "mul",
                                       "div", "sqrt", "mul-add"};

/* volatile: each at run time, between the two looks at the flags */
static uint64_t host_double(HostOp op, uint64_t a, uint64_t b, uint64_t c)
{
    volatile double x = fp64_host(a), y = fp64_host(b), z = fp64_host(c), r;

    feclearexcept(FE_ALL_EXCEPT);
    r = op == ADD    ? x + y
        : op == SUB  ? x - y
        : op == MUL  ? x * y
        : op == DIV  ? x / y
        : op == SQRT ? __builtin_sqrt(x)
                     : __builtin_fma(x, y, z);
    return fp64_guest(r);
}

static uint64_t host_single(HostOp op, uint64_t a, uint64_t b, uint64_t c)
{
    volatile float x = fp32_host(a), y = fp32_host(b), z = fp32_host(c), r;

    feclearexcept(FE_ALL_EXCEPT);
    r = op == ADD    ? x + y
        : op == SUB  ? x - y
        : op == MUL  ? x * y
        : op == DIV  ? x / y
        : op == SQRT ? __builtin_sqrtf(x)
                     : __builtin_fmaf(x, y, z);
    return fp32_guest(r);
}

static uint64_t ours(HostOp op, FpSize size, uint64_t a, uint64_t b, uint64_t c,
                     FpEnv *env)
{
    static FpBinary *const binary[] = {fp_add, fp_sub, fp_mul, fp_div};

    return op == SQRT      ? fp_sqrt(size, a, env)
           : op == MUL_ADD ? fp_mul_add(size, c, a, b, env)
                           : binary[op](size, a, b, env);
}

static bool is_nan(FpSize size, uint64_t a)
{
    return fp_abs(size, a) > fp_inf(size, false);
}

/* Of what both agree on. */
static bool same(FpSize size, uint64_t a, uint32_t flags_a, uint64_t b,
                 uint32_t flags_b)
{
    uint64_t min_normal = fp_frac_mask(size) + 1;

    if (is_nan(size, a) && is_nan(size, b)) {
        return true;
    }
    if (fp_abs(size, a) == min_normal) {
        flags_a &= ~FPSR_UFC;
        flags_b &= ~FPSR_UFC;
    }
    return a == b && flags_a == flags_b;
}

static void check_host(GRand *rand, HostOp op, FpSize size, FpRounding mode)
{
    uint64_t a = random_operand(rand, size);
    uint64_t b = random_second(rand, size, a);
    FpEnv env = {mode << FPCR_RMODE_SHIFT, 0}, ignored = {0, 0};
    uint64_t c = random_second(rand, size, fp_mul(size, a, b, &ignored));
    uint64_t result = ours(op, size, a, b, c, &env), expected;
    uint32_t flags;

    fesetround(host_modes[mode]);
    expected = (size == D ? host_double : host_single)(op, a, b, c);
    flags = host_flags();
    fesetround(FE_TONEAREST);
    if (!same(size, result, env.fpsr, expected, flags)) {
        g_error("%s of %" PRIx64 ", %" PRIx64 ", %" PRIx64 ", mode %d: %" PRIx64
                ", FPSR %x, not %" PRIx64 ", FPSR %x",
                op_names[op], a, b, c, mode, result, env.fpsr, expected, flags);
    }
}

static void test_host(gconstpointer data)
{
    GRand *rand = g_rand_new_with_seed(1);

    for (int i = 0; i < ROUNDS; i++) {
        check_host(rand, GPOINTER_TO_INT(data), i & 1 ? D : S, i >> 1 & 3);
    }
    g_rand_free(rand);
}

/* ---- what the manual says ---- */

#define RP ((uint32_t)FP_ROUND_POS_INF << FPCR_RMODE_SHIFT)
#define RM ((uint32_t)FP_ROUND_NEG_INF << FPCR_RMODE_SHIFT)
#define RZ ((uint32_t)FP_ROUND_ZERO << FPCR_RMODE_SHIFT)

#define ONE 0x3f800000
#define TWO 0x40000000
#define THREE 0x40400000
#define INF 0x7f800000
#define LARGEST 0x7f7fffff
#define QNAN 0x7fc00001
#define SNAN 0x7f800002
#define DEFAULT 0x7fc00000
#define MINUS 0x80000000
#define TINY 0x00000001   /* the smallest of the denormal numbers */
#define NORMAL 0x00800000 /* the smallest of the others */

typedef struct Vector {
    FpBinary *function;
    FpSize size;
    uint32_t fpcr;
    uint64_t a, b, result;
    uint32_t fpsr;
} Vector;

static const Vector vectors[] = {
    /* Which NaN: a signalling one first, of two alike the first. */
    {fp_add, S, 0, QNAN, QNAN + 1, QNAN, 0},
    {fp_add, S, 0, ONE, QNAN | MINUS, QNAN | MINUS, 0},
    {fp_add, S, 0, QNAN, SNAN, SNAN | DEFAULT, FPSR_IOC},
    {fp_add, S, 0, SNAN | MINUS, SNAN + 1, SNAN | DEFAULT | MINUS, FPSR_IOC},
    {fp_add, S, FPCR_DN, QNAN | MINUS, ONE, DEFAULT, 0},
    {fp_add, S, FPCR_DN, ONE, SNAN, DEFAULT, FPSR_IOC},
    {fp_sub, S, 0, ONE, QNAN, QNAN, 0},
    {fp_add, D, 0, 0xfff0000000000001, 0, 0xfff8000000000001, FPSR_IOC},
    /* Nothing to answer. */
    {fp_add, S, 0, INF, INF | MINUS, DEFAULT, FPSR_IOC},
    {fp_sub, S, 0, INF, INF, DEFAULT, FPSR_IOC},
    {fp_sub, S, 0, INF, INF | MINUS, INF, 0},
    {fp_mul, S, 0, INF, MINUS, DEFAULT, FPSR_IOC},
    {fp_mulx, S, 0, INF, MINUS, TWO | MINUS, 0},
    {fp_mulx, D, 0, 0, 0x7ff0000000000000, 0x4000000000000000, 0},
    {fp_mulx, S, 0, THREE, ONE, THREE, 0},
    {fp_div, S, 0, 0, MINUS, DEFAULT, FPSR_IOC},
    {fp_div, S, 0, INF, INF, DEFAULT, FPSR_IOC},
    {fp_div, S, 0, ONE, MINUS, INF | MINUS, FPSR_DZC},
    {fp_div, S, 0, INF, 0, INF, 0},
    /* The sign of an exact zero. */
    {fp_add, S, 0, ONE, ONE | MINUS, 0, 0},
    {fp_add, S, RM, ONE, ONE | MINUS, MINUS, 0},
    {fp_add, S, RM, 0, 0, 0, 0},
    {fp_add, S, 0, MINUS, MINUS, MINUS, 0},
    {fp_sub, S, RM, MINUS, 0, MINUS, 0},
    /* Too large, by the rounding mode. */
    {fp_add, S, 0, LARGEST, LARGEST, INF, FPSR_OFC | FPSR_IXC},
    {fp_add, S, RZ, LARGEST, LARGEST, LARGEST, FPSR_OFC | FPSR_IXC},
    {fp_add, S, RM, LARGEST, LARGEST, LARGEST, FPSR_OFC | FPSR_IXC},
    {fp_add, S, RM, LARGEST | MINUS, LARGEST | MINUS, INF | MINUS,
     FPSR_OFC | FPSR_IXC},
    {fp_add, S, RP, LARGEST, TINY, INF, FPSR_OFC | FPSR_IXC},
    /* Tiny before rounding, although not after it. */
    {fp_mul, S, 0, 0x20000001, 0x1ffffffe, NORMAL, FPSR_UFC | FPSR_IXC},
    {fp_mul, S, FPCR_FZ, 0x20000001, 0x1ffffffe, 0, FPSR_UFC},
    /* Flush to zero: what goes in, what comes out, and what is no number. */
    {fp_add, S, FPCR_FZ, TINY | MINUS, MINUS, MINUS, FPSR_IDC},
    {fp_add, S, FPCR_FZ, NORMAL, NORMAL + 1 + MINUS, MINUS, FPSR_UFC},
    {fp_add, S, 0, NORMAL, NORMAL + 1 + MINUS, TINY | MINUS, 0},
    {fp_div, S, FPCR_FZ, ONE, TINY, INF, FPSR_DZC | FPSR_IDC},
    {fp_add, S, FPCR_FZ, QNAN, TINY, QNAN, FPSR_IDC},
    /* Zeros have an order here. */
    {fp_max, S, 0, MINUS, 0, 0, 0},
    {fp_max, S, 0, MINUS, MINUS, MINUS, 0},
    {fp_min, S, 0, 0, MINUS, MINUS, 0},
    {fp_min, S, 0, ONE, TWO, ONE, 0},
    {fp_max, S, 0, ONE | MINUS, TWO | MINUS, ONE | MINUS, 0},
    {fp_max, S, 0, INF | MINUS, ONE, ONE, 0},
    {fp_min, S, FPCR_FZ, TINY, ONE, 0, FPSR_IDC},
    {fp_max, S, 0, TINY, 0, TINY, 0},
    {fp_max, S, 0, ONE, QNAN, QNAN, 0},
    {fp_max_num, S, 0, ONE | MINUS, QNAN, ONE | MINUS, 0},
    {fp_min_num, S, 0, QNAN, INF, INF, 0},
    {fp_max_num, S, 0, QNAN, QNAN + 1, QNAN, 0},
    {fp_max_num, S, 0, QNAN, SNAN, SNAN | DEFAULT, FPSR_IOC},
    {fp_min_num, S, 0, ONE, SNAN, SNAN | DEFAULT, FPSR_IOC},
    /* Steps: a NaN is negated with its operand, infinity by zero is zero. */
    {fp_recip_step, S, 0, THREE, ONE, ONE | MINUS, 0},
    {fp_recip_step, S, 0, INF, 0, TWO, 0},
    {fp_recip_step, S, 0, INF, ONE, INF | MINUS, 0},
    {fp_recip_step, S, 0, QNAN, ONE, QNAN | MINUS, 0},
    {fp_recip_step, S, RM, TWO, ONE, MINUS, 0},
    {fp_rsqrt_step, S, 0, THREE, ONE, 0, 0},
    {fp_rsqrt_step, S, 0, ONE, ONE, ONE, 0},
    {fp_rsqrt_step, S, 0, 0, INF, 0x3fc00000, 0},
    {fp_rsqrt_step, S, 0, TINY, ONE, 0x3fc00000, FPSR_IXC},
    {fp_rsqrt_step, S, RZ, TINY, ONE, 0x3fbfffff, FPSR_IXC},
};

static void test_vectors(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++) {
        const Vector *v = &vectors[i];
        FpEnv env = {v->fpcr, 0};
        uint64_t result = v->function(v->size, v->a, v->b, &env);

        if (result != v->result || env.fpsr != v->fpsr) {
            g_error("line %zu: %" PRIx64 ", FPSR %x", i, result, env.fpsr);
        }
    }
}

static void check_mul_add(uint32_t addend, uint32_t a, uint32_t b, uint32_t is,
                          uint32_t fpsr)
{
    FpEnv env = {0, 0};

    g_assert_cmphex(fp_mul_add(S, addend, a, b, &env), ==, is);
    g_assert_cmphex(env.fpsr, ==, fpsr);
}

static void test_mul_add(void)
{
    check_mul_add(QNAN, INF, 0, DEFAULT, FPSR_IOC);
    check_mul_add(SNAN, INF, 0, SNAN | DEFAULT, FPSR_IOC);
    check_mul_add(QNAN, ONE, SNAN, SNAN | DEFAULT, FPSR_IOC);
    check_mul_add(QNAN, QNAN + 1, QNAN + 2, QNAN, 0);
    check_mul_add(ONE, QNAN + 1, QNAN + 2, QNAN + 1, 0);
    check_mul_add(ONE, INF, 0, DEFAULT, FPSR_IOC);
    check_mul_add(INF | MINUS, INF, ONE, DEFAULT, FPSR_IOC);
    check_mul_add(INF, INF, ONE, INF, 0);
    check_mul_add(MINUS, MINUS, ONE, MINUS, 0);
    check_mul_add(MINUS, 0, ONE, 0, 0);
    /* (1 + e)^2 - (1 + 2e) is e^2, which two roundings would lose. */
    check_mul_add(0x3f800002 | MINUS, 0x3f800001, 0x3f800001, 0x28800000, 0);
}

static void test_sqrt(void)
{
    FpEnv env = {0, 0};

    g_assert_cmphex(fp_sqrt(S, MINUS, &env), ==, MINUS);
    g_assert_cmphex(fp_sqrt(S, INF, &env), ==, INF);
    g_assert_cmphex(fp_sqrt(S, QNAN | MINUS, &env), ==, QNAN | MINUS);
    g_assert_cmphex(env.fpsr, ==, 0);
    g_assert_cmphex(fp_sqrt(S, INF | MINUS, &env), ==, DEFAULT);
    g_assert_cmphex(env.fpsr, ==, FPSR_IOC);
}

static void check_compare(uint32_t a, uint32_t b, unsigned nzcv, bool eq,
                          bool ge, bool gt)
{
    FpEnv env = {0, 0};

    g_assert_cmphex(fp_compare(S, a, b, true, &env), ==, nzcv);
    g_assert_cmphex(fp_compare(S, a, b, false, &env), ==, nzcv);
    g_assert_true(fp_compare_eq(S, a, b, &env) == eq);
    g_assert_true(fp_compare_ge(S, a, b, &env) == ge);
    g_assert_true(fp_compare_gt(S, a, b, &env) == gt);
    g_assert_cmphex(env.fpsr, ==, 0);
}

static void test_compare(void)
{
    check_compare(ONE, TWO, 0x8, false, false, false);
    check_compare(TWO, ONE, 0x2, false, true, true);
    check_compare(ONE, ONE, 0x6, true, true, false);
    check_compare(0, MINUS, 0x6, true, true, false);
    check_compare(ONE | MINUS, TWO | MINUS, 0x2, false, true, true);
    check_compare(INF | MINUS, LARGEST | MINUS, 0x8, false, false, false);
    check_compare(TINY, 0, 0x2, false, true, true);
    check_compare(TINY | MINUS, MINUS, 0x8, false, false, false);
    check_compare(INF, INF, 0x6, true, true, false);
}

static void test_unordered(void)
{
    FpEnv env = {FPCR_DN, 0};

    g_assert_cmphex(fp_compare(S, QNAN, ONE, false, &env), ==, 0x3);
    g_assert_false(fp_compare_eq(S, ONE, QNAN, &env));
    g_assert_cmphex(env.fpsr, ==, 0);
    g_assert_cmphex(fp_compare(S, ONE, QNAN, true, &env), ==, 0x3);
    g_assert_cmphex(env.fpsr, ==, FPSR_IOC);
    for (int i = 0; i < 4; i++) {
        FpCompare *const compare[] = {fp_compare_eq, fp_compare_ge,
                                      fp_compare_gt, fp_compare_gt};

        env.fpsr = 0;
        g_assert_false(compare[i](S, i < 3 ? SNAN : QNAN, ONE, &env));
        g_assert_cmphex(env.fpsr, ==, FPSR_IOC);
    }
}

/* A flag that is set stays, and those of others are left alone. */
static void test_cumulative(void)
{
    FpEnv env = {FPCR_FZ, FPSR_QC | FPSR_DZC};

    g_assert_cmphex(fp_compare(S, TINY, 0, false, &env), ==, 0x6);
    g_assert_cmphex(env.fpsr, ==, FPSR_QC | FPSR_DZC | FPSR_IDC);
    g_assert_cmphex(env.fpcr, ==, FPCR_FZ);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int op = 0; op < NUM_HOST_OPS; op++) {
        g_autofree char *path = g_strdup_printf("/fp/host/%s", op_names[op]);

        g_test_add_data_func(path, GINT_TO_POINTER(op), test_host);
    }
    g_test_add_func("/fp/vectors", test_vectors);
    g_test_add_func("/fp/mul-add", test_mul_add);
    g_test_add_func("/fp/sqrt", test_sqrt);
    g_test_add_func("/fp/compare", test_compare);
    g_test_add_func("/fp/unordered", test_unordered);
    g_test_add_func("/fp/cumulative", test_cumulative);
    return g_test_run();
}
