/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fp-fast.h: the host's FPU changes no result and no flag, whatever the
 * operands, the mode and the flags before. The exact functions beside which it
 * is held have tests of their own.
 */

#include <inttypes.h>

#include "../../accel/interp/fp-fast.h"
#include "fp-operands.h"

#define ROUNDS 50000

typedef struct Operands {
    uint64_t a, b, c;
} Operands;

typedef uint64_t Operation(const Operands *o, FpEnv *env);

typedef struct FastCase {
    const char *name;
    FpSize size;
    Operation *fast;
    Operation *exact;
} FastCase;

#define CASE(function, fast_call, exact_call)                       \
    static uint64_t fast_##function(const Operands *o, FpEnv *env)  \
    {                                                               \
        return fast_call;                                           \
    }                                                               \
    static uint64_t exact_##function(const Operands *o, FpEnv *env) \
    {                                                               \
        return exact_call;                                          \
    }

#define BINARY(name)                              \
    CASE(name##_32, fp32_##name(o->a, o->b, env), \
         fp_##name(FP_SINGLE, o->a, o->b, env))   \
    CASE(name##_64, fp64_##name(o->a, o->b, env), \
         fp_##name(FP_DOUBLE, o->a, o->b, env))

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
CASE(sqrt_32, fp32_sqrt(o->a, env), fp_sqrt(FP_SINGLE, o->a, env))
CASE(sqrt_64, fp64_sqrt(o->a, env), fp_sqrt(FP_DOUBLE, o->a, env))
CASE(mul_add_32, fp32_mul_add(o->c, o->a, o->b, env),
     fp_mul_add(FP_SINGLE, o->c, o->a, o->b, env))
CASE(mul_add_64, fp64_mul_add(o->c, o->a, o->b, env),
     fp_mul_add(FP_DOUBLE, o->c, o->a, o->b, env))
CASE(compare_32, fp32_compare(o->a, o->b, o->c & 1, env),
     fp_compare(FP_SINGLE, o->a, o->b, o->c & 1, env))
CASE(compare_64, fp64_compare(o->a, o->b, o->c & 1, env),
     fp_compare(FP_DOUBLE, o->a, o->b, o->c & 1, env))
CASE(from_single, fp64_from_single(o->a, env),
     fp_convert(FP_DOUBLE, FP_SINGLE, o->a, env))
CASE(from_double, fp32_from_double(o->a, env),
     fp_convert(FP_SINGLE, FP_DOUBLE, o->a, env))
/* Of each kind, by the third operand; encodings make odd integers, too. */
static FpFixed any_int(const Operands *o)
{
    return (FpFixed){o->c & 2 ? 64 : 32, 0, o->c & 1};
}

CASE(from_int_32, fp32_from_int(o->a, any_int(o), env),
     fp_from_fixed(FP_SINGLE, o->a, any_int(o), env))
CASE(from_int_64, fp64_from_int(o->a, any_int(o), env),
     fp_from_fixed(FP_DOUBLE, o->a, any_int(o), env))
CASE(to_int_32, fp32_to_int(o->a, any_int(o), env),
     fp_to_fixed(FP_SINGLE, o->a, any_int(o), FP_ROUND_ZERO, env))
CASE(to_int_64, fp64_to_int(o->a, any_int(o), env),
     fp_to_fixed(FP_DOUBLE, o->a, any_int(o), FP_ROUND_ZERO, env))

#define FAST(function, size)                               \
    {                                                      \
#function, size, fast_##function, exact_##function \
    }

static const FastCase cases[] = {
    FAST(add_32, FP_SINGLE),      FAST(add_64, FP_DOUBLE),
    FAST(sub_32, FP_SINGLE),      FAST(sub_64, FP_DOUBLE),
    FAST(mul_32, FP_SINGLE),      FAST(mul_64, FP_DOUBLE),
    FAST(div_32, FP_SINGLE),      FAST(div_64, FP_DOUBLE),
    FAST(sqrt_32, FP_SINGLE),     FAST(sqrt_64, FP_DOUBLE),
    FAST(mul_add_32, FP_SINGLE),  FAST(mul_add_64, FP_DOUBLE),
    FAST(compare_32, FP_SINGLE),  FAST(compare_64, FP_DOUBLE),
    FAST(from_single, FP_SINGLE), FAST(from_double, FP_DOUBLE),
    FAST(from_int_32, FP_DOUBLE), FAST(from_int_64, FP_DOUBLE),
    FAST(to_int_32, FP_SINGLE),   FAST(to_int_64, FP_DOUBLE),
};

/* Half of the time the mode in which the host is asked at all. */
static FpEnv random_env(GRand *rand)
{
    FpEnv env = {0, g_rand_int(rand) & (FPSR_IXC | FPSR_QC | FPSR_DZC)};

    if (g_rand_boolean(rand)) {
        env.fpsr |= FPSR_IXC;
    } else {
        env.fpcr = random_fpcr(rand);
    }
    return env;
}

/* Often as large as a * b, so that the sum is small or rounds either way. */
static uint64_t random_addend(GRand *rand, FpSize size, const Operands *o)
{
    FpEnv env = {0, 0};
    uint64_t product = fp_mul(size, o->a, o->b, &env);

    if (g_rand_boolean(rand)) {
        return random_operand(rand, size);
    }
    return random_second(rand, size, fp_neg(size, product));
}

static void test_same(gconstpointer data)
{
    const FastCase *test = data;
    GRand *rand = g_rand_new_with_seed(3);

    for (int i = 0; i < ROUNDS; i++) {
        FpEnv before = random_env(rand), fast = before, exact = before;
        Operands o = {.a = random_operand(rand, test->size)};
        uint64_t result, expected;

        o.b = random_second(rand, test->size, o.a);
        o.c = random_addend(rand, test->size, &o);
        result = test->fast(&o, &fast);
        expected = test->exact(&o, &exact);
        if (result != expected || fast.fpsr != exact.fpsr) {
            g_error("%s of %" PRIx64 ", %" PRIx64 ", %" PRIx64
                    ", FPCR %x, FPSR %x: %" PRIx64 ", FPSR %x, not %" PRIx64
                    ", FPSR %x",
                    test->name, o.a, o.b, o.c, before.fpcr, before.fpsr, result,
                    fast.fpsr, expected, exact.fpsr);
        }
    }
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/fp-fast/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_same);
    }
    return g_test_run();
}
