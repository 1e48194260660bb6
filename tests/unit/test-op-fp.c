/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op-fp.c and translate-fp.c: instructions are decoded and run, one at a time,
 * on a CPU that is nothing but registers. Most are run as doubles and, with
 * bit 22 turned, as singles. That arithmetic is right is said elsewhere: here
 * each instruction finds its operands, its function and its destination.
 */

#include "../../accel/interp/cpu.h"
#include "../../accel/interp/decode.h"
#include "../../accel/interp/fp-fast.h"

#define SINGLE (1u << 22)
#define JUNK UINT64_C(0x1122334455667788)

/* What v1 to v4 hold; flags are those of "equal". */
static const double operands[] = {0, 2.5, -0.75, 10, 6.25};

static InterpCpu *start(bool single)
{
    InterpCpu *cpu = g_new0(InterpCpu, 1);

    for (unsigned i = 0; i < G_N_ELEMENTS(operands); i++) {
        cpu->v[i].d[0] = single ? fp32_guest((float)operands[i]) | JUNK << 32
                                : fp64_guest(operands[i]);
        cpu->v[i].d[1] = JUNK;
    }
    cpu->x[0] = JUNK;
    cpu_set_nzcv(cpu, 0x6);
    return cpu;
}

static void decode(Translator *t, uint32_t insn)
{
    static Op ops[OPS_PER_INSN];
    static uint8_t insn_of[OPS_PER_INSN];

    *t = (Translator){.ops = ops, .insn_of = insn_of, .fp_checked = true};
    a64_translate(t, insn);
}

static void run(InterpCpu *cpu, uint32_t insn)
{
    Translator t;

    decode(&t, insn);
    g_assert_false(t.ends);
    g_assert_true(t.ops[0].code == OP_CALL || t.ops[0].code == OP_CALLD);
    g_assert_cmpuint(t.num_ops, ==, t.ops[0].code == OP_CALL ? 1 : 2);
    g_assert_true(((OpFn *)(uintptr_t)t.ops[0].imm)(cpu, &t.ops[0]));
}

/* v0 after @insn, which clears what its result leaves. */
static void check_value(InterpCpu *cpu, uint32_t insn, bool single,
                        double expected)
{
    run(cpu, insn);
    g_assert_cmphex(cpu->v[0].d[0], ==,
                    single ? fp32_guest((float)expected)
                           : fp64_guest(expected));
    g_assert_cmphex(cpu->v[0].d[1], ==, 0);
    g_assert_cmphex(cpu->x[0], ==, JUNK);
}

typedef struct ToVector {
    uint32_t insn;
    double value;
    uint64_t x1;
} ToVector;

static const ToVector to_vector[] = {
    {0x1e622820, 1.75},                    /* fadd d0, d1, d2 */
    {0x1e623820, 3.25},                    /* fsub d0, d1, d2 */
    {0x1e620820, -1.875},                  /* fmul d0, d1, d2 */
    {0x1e611860, 4},                       /* fdiv d0, d3, d1 */
    {0x1e628820, 1.875},                   /* fnmul d0, d1, d2 */
    {0x1e624820, 2.5},                     /* fmax d0, d1, d2 */
    {0x1e625820, -0.75},                   /* fmin d0, d1, d2 */
    {0x1e626820, 2.5},                     /* fmaxnm d0, d1, d2 */
    {0x1e627820, -0.75},                   /* fminnm d0, d1, d2 */
    {0x1f420c20, 8.125},                   /* fmadd d0, d1, d2, d3 */
    {0x1f428c20, 11.875},                  /* fmsub d0, d1, d2, d3 */
    {0x1f620c20, -8.125},                  /* fnmadd d0, d1, d2, d3 */
    {0x1f628c20, -11.875},                 /* fnmsub d0, d1, d2, d3 */
    {0x1e604020, 2.5},                     /* fmov d0, d1 */
    {0x1e60c040, 0.75},                    /* fabs d0, d2 */
    {0x1e614020, -2.5},                    /* fneg d0, d1 */
    {0x1e61c080, 2.5},                     /* fsqrt d0, d4 */
    {0x1e644020, 2},                       /* frintn d0, d1 */
    {0x1e64c020, 3},                       /* frintp d0, d1 */
    {0x1e654040, -1},                      /* frintm d0, d2 */
    {0x1e65c040, -0.0},                    /* frintz d0, d2 */
    {0x1e664020, 3},                       /* frinta d0, d1 */
    {0x1e674020, 2},                       /* frintx d0, d1 */
    {0x1e67c020, 2},                       /* frinti d0, d1 */
    {0x1e620c20, 2.5},                     /* fcsel d0, d1, d2, eq */
    {0x1e621c20, -0.75},                   /* fcsel d0, d1, d2, ne */
    {0x1e6e1000, 1},                       /* fmov d0, #1.0 */
    {0x1e77f000, -31},                     /* fmov d0, #-31.0 */
    {0x1e681000, 0.125},                   /* fmov d0, #0.125 */
    {0x1e620020, -16, 0x1fffffff0},        /* scvtf d0, w1 */
    {0x1e630020, 0x80000000, 0x180000000}, /* ucvtf d0, w1 */
    {0x9e620020, -0x1p40, -(1ull << 40)},  /* scvtf d0, x1 */
    {0x9e630020, 0x1p63, 1ull << 63},      /* ucvtf d0, x1 */
    {0x1e42f020, -1.5, 0x1ffffffe8},       /* scvtf d0, w1, #4 */
    {0x9e430020, 0x1p-63, 2},              /* ucvtf d0, x1, #64 */
};

static void test_to_vector(void)
{
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(to_vector); i++) {
        const ToVector *v = &to_vector[i / 2];
        g_autofree InterpCpu *cpu = start(i & 1);

        cpu->x[1] = v->x1;
        check_value(cpu, v->insn ^ (i & 1 ? SINGLE : 0), i & 1, v->value);
    }
}

typedef struct ToX {
    uint32_t insn;
    uint64_t value;
} ToX;

static const ToX to_x[] = {
    {0x9e600020, 2},          /* fcvtns x0, d1 */
    {0x9e610020, 2},          /* fcvtnu x0, d1 */
    {0x1e680020, 3},          /* fcvtps w0, d1 */
    {0x1e700040, 0xffffffff}, /* fcvtms w0, d2 */
    {0x9e700040, UINT64_MAX}, /* fcvtms x0, d2 */
    {0x9e640020, 3},          /* fcvtas x0, d1 */
    {0x1e650040, 0},          /* fcvtau w0, d2 */
    {0x1e780040, 0},          /* fcvtzs w0, d2 */
    {0x9e790060, 10},         /* fcvtzu x0, d3 */
    {0x9e58f840, -3ull},      /* fcvtzs x0, d2, #2 */
    {0x1e59fc20, 5},          /* fcvtzu w0, d1, #1 */
};

static void test_to_x(void)
{
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(to_x); i++) {
        g_autofree InterpCpu *cpu = start(i & 1);

        run(cpu, to_x[i / 2].insn ^ (i & 1 ? SINGLE : 0));
        g_assert_cmphex(cpu->x[0], ==, to_x[i / 2].value);
        g_assert_cmphex(cpu->v[0].d[1], ==, JUNK);
    }
}

static const ToX to_flags[] = {
    {0x1e622020, 0x2}, /* fcmp d1, d2 */
    {0x1e602048, 0x8}, /* fcmp d2, #0.0 */
    {0x1e612030, 0x6}, /* fcmpe d1, d1 */
    {0x1e602038, 0x2}, /* fcmpe d1, #0.0 */
    {0x1e620425, 0x2}, /* fccmp d1, d2, #5, eq */
    {0x1e621425, 0x5}, /* fccmp d1, d2, #5, ne */
    {0x1e61e455, 0x8}, /* fccmpe d2, d1, #5, al */
};

static void test_to_flags(void)
{
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(to_flags); i++) {
        g_autofree InterpCpu *cpu = start(i & 1);

        run(cpu, to_flags[i / 2].insn ^ (i & 1 ? SINGLE : 0));
        g_assert_cmphex(cpu_nzcv(cpu), ==, to_flags[i / 2].value);
        g_assert_cmphex(cpu->fp.fpsr, ==, 0);
    }
}

/* Those with an E signal what those without do not. */
static void test_quiet_nan(void)
{
    static const uint32_t insns[] = {0x1e602028, 0x1e602038, 0x1e600424,
                                     0x1e600434};

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(insns); i++) {
        g_autofree InterpCpu *cpu = start(i & 1);

        cpu->v[1].d[0] = i & 1 ? 0x7fc00000 : 0x7ff8000000000000;
        run(cpu, insns[i / 2] ^ (i & 1 ? SINGLE : 0));
        g_assert_cmphex(cpu_nzcv(cpu), ==, 0x3);
        g_assert_cmphex(cpu->fp.fpsr, ==, i & 2 ? FPSR_IOC : 0);
    }
}

static void test_rounding(void)
{
    g_autofree InterpCpu *cpu = start(false);

    cpu->fp.fpcr = FP_ROUND_POS_INF << FPCR_RMODE_SHIFT;
    check_value(cpu, 0x1e67c020, false, 3); /* frinti d0, d1 */
    g_assert_cmphex(cpu->fp.fpsr, ==, 0);
    check_value(cpu, 0x1e674020, false, 3); /* frintx d0, d1 */
    g_assert_cmphex(cpu->fp.fpsr, ==, FPSR_IXC);
}

static void test_formats(void)
{
    g_autofree InterpCpu *d = start(false);
    g_autofree InterpCpu *s = start(true);

    check_value(d, 0x1e624020, true, 2.5);  /* fcvt s0, d1 */
    check_value(s, 0x1e22c020, false, 2.5); /* fcvt d0, s1 */
    run(d, 0x1e63c020);                     /* fcvt h0, d1 */
    g_assert_cmphex(d->v[0].d[0], ==, 0x4100);
    run(s, 0x1e23c020); /* fcvt h0, s1 */
    g_assert_cmphex(s->v[0].d[0], ==, 0x4100);
    d->v[1].d[0] = JUNK << 16 | 0xc100;
    check_value(d, 0x1ee24020, true, -2.5);  /* fcvt s0, h1 */
    check_value(d, 0x1ee2c020, false, -2.5); /* fcvt d0, h1 */
}

static void test_moves(void)
{
    g_autofree InterpCpu *cpu = start(false);

    cpu->x[1] = 0xa1a2a3a4b1b2b3b4;
    run(cpu, 0x1e270020); /* fmov s0, w1 */
    g_assert_cmphex(cpu->v[0].d[0], ==, 0xb1b2b3b4);
    g_assert_cmphex(cpu->v[0].d[1], ==, 0);
    run(cpu, 0x9eaf0020); /* fmov v0.d[1], x1 */
    g_assert_cmphex(cpu->v[0].d[0], ==, 0xb1b2b3b4);
    g_assert_cmphex(cpu->v[0].d[1], ==, cpu->x[1]);
    run(cpu, 0x9e670020); /* fmov d0, x1 */
    g_assert_cmphex(cpu->v[0].d[0], ==, cpu->x[1]);
    g_assert_cmphex(cpu->v[0].d[1], ==, 0);
    run(cpu, 0x9eae0020); /* fmov x0, v1.d[1] */
    g_assert_cmphex(cpu->x[0], ==, JUNK);
    cpu->v[1].d[0] = cpu->x[1];
    run(cpu, 0x1e260020); /* fmov w0, s1 */
    g_assert_cmphex(cpu->x[0], ==, 0xb1b2b3b4);
    run(cpu, 0x9e660020); /* fmov x0, d1 */
    g_assert_cmphex(cpu->x[0], ==, cpu->x[1]);
}

/* Register 31 is the zero register, and takes nothing. */
static void test_zero_register(void)
{
    g_autofree InterpCpu *cpu = start(false);

    cpu->x[X_SP] = JUNK;
    run(cpu, 0x9e6703e0); /* fmov d0, xzr */
    g_assert_cmphex(cpu->v[0].d[0], ==, 0);
    run(cpu, 0x9e6203e0); /* scvtf d0, xzr */
    g_assert_cmphex(cpu->v[0].d[0], ==, 0);
    run(cpu, 0x9e66003f); /* fmov xzr, d1 */
    run(cpu, 0x9e78003f); /* fcvtzs xzr, d1 */
    run(cpu, 0x9e60003f); /* fcvtns xzr, d1 */
    g_assert_cmphex(cpu->x[X_ZR], ==, 0);
    g_assert_cmphex(cpu->x[X_SP], ==, JUNK);
}

static void test_not_there(void)
{
    static const uint32_t insns[] = {
        0x1ee22820,          /* fadd h0, h1, h2: FEAT_FP16 */
        0x1ea22820,          /* ftype 10 */
        0x1e224020,          /* fcvt of a single to a single */
        0x1ea24020,          /* fcvt of ftype 10 */
        0x1ee34020,          /* fcvt of a double to ftype 10 */
        0x1e427c20,          /* scvtf d0, w1, #33 */
        0x1e587c20,          /* fcvtzs w0, d1, #33 */
        0x1e629820,          /* one of the six opcodes without an instruction */
        0x1e6e1020,          /* fmov with imm5 */
        0x9e660020 ^ SINGLE, /* fmov x0, s1 */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        Translator t;

        decode(&t, insns[i]);
        g_assert_true(t.ends);
        g_assert_cmpint(t.ops[0].code, ==, OP_CALLD);
        g_assert_cmpint(t.ops[2].code, ==, OP_LEAVE);
    }
}

/* Each line of the table asks first whether FP may be used. */
static void test_checked(void)
{
    unsigned lines = 0;

    for (unsigned i = 0; i < num_a64_insns; i++) {
        uint32_t mask, value;

        g_assert_true(a64_parse_pattern(a64_insns[i].pattern, &mask, &value));
        /* The groups of C4 that are scalar floating point */
        if ((value & 0x5f000000) == 0x1e000000 &&
            (mask & 0x5e000000) == 0x5e000000 && a64_insns[i].translate) {
            g_assert_true(a64_insns[i].fp);
            lines++;
        }
    }
    g_assert_cmpuint(lines, >=, 50);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op-fp/to-vector", test_to_vector);
    g_test_add_func("/op-fp/to-x", test_to_x);
    g_test_add_func("/op-fp/to-flags", test_to_flags);
    g_test_add_func("/op-fp/quiet-nan", test_quiet_nan);
    g_test_add_func("/op-fp/rounding", test_rounding);
    g_test_add_func("/op-fp/formats", test_formats);
    g_test_add_func("/op-fp/moves", test_moves);
    g_test_add_func("/op-fp/zero-register", test_zero_register);
    g_test_add_func("/op-fp/not-there", test_not_there);
    g_test_add_func("/op-fp/checked", test_checked);
    return g_test_run();
}
