/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * translate-branch.c: what branches become, and where they go when they run.
 */

#include "interp-program.h"
#include "translate-cases.h"

static const Case branch_cases[] = {
    {"b .-4", 0x17ffffff, 1, {{.code = OP_B, .imm = 0x40000ffc}}},
    {"bl .+0x100", 0x94000040, 1, {{.code = OP_BL, .imm = 0x40001100}}},
    {"b.le .+8", 0x5400004d, 1, {{.code = OP_B_LE, .imm = 0x40001008}}},
    {"b.al .+8", 0x5400004e, 1, {{.code = OP_B, .imm = 0x40001008}}},
    {"b.nv .+8", 0x5400004f, 1, {{.code = OP_B, .imm = 0x40001008}}},
    {"cbz w1, .+8",
     0x34000041,
     1,
     {{.code = OP_CBZW, .rn = 1, .imm = 0x40001008}}},
    {"cbnz xzr, .-8",
     0xb5ffffdf,
     1,
     {{.code = OP_CBNZ, .rn = X_ZR, .imm = 0x40000ff8}}},
    {"tbz x1, #35, .+8",
     0xb6180041,
     1,
     {{.code = OP_TBZ, .rn = 1, .sub = 35, .imm = 0x40001008}}},
    {"tbnz w1, #3, .-8",
     0x371fffc1,
     1,
     {{.code = OP_TBNZ, .rn = 1, .sub = 3, .imm = 0x40000ff8}}},
    {"br x1", 0xd61f0020, 1, {{.code = OP_BR, .rn = 1}}},
    {"blr x30", 0xd63f03c0, 1, {{.code = OP_BLR, .rn = 30}}},
    {"ret", 0xd65f03c0, 1, {{.code = OP_BR, .rn = 30}}},
    {"ret xzr", 0xd65f03e0, 1, {{.code = OP_BR, .rn = X_ZR}}},
};

static void test_operations(void)
{
    check_cases(branch_cases, G_N_ELEMENTS(branch_cases), true);
}

static void test_udf(void)
{
    World w;

    world_init(&w);
    g_assert_cmphex(PROGRAM_RUN(&w, 0xd503201f, 0x00001234), ==, EC_UNKNOWN);
    g_assert_cmpuint(program_stopped_at(&w), ==, 1);
    world_finish(&w);
}

/* BLR of the link register goes to where that was before. */
static void test_calls(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    g_assert_cmphex(
        PROGRAM_RUN(
            &w, 0x94000003 /* bl .+12 */, 0x91000463 /* add x3, x3, #1 */,
            0x14000008 /* b .+32 */, 0xaa1e03e2 /* mov x2, x30 */,
            0x910043de /* add x30, x30, #16 */, 0xd63f03c0 /* blr x30 */,
            0xaa1e03e4 /* mov x4, x30 */, 0xd61f0040 /* br x2 */),
        ==, EC_UNKNOWN);
    g_assert_cmphex(cpu->sys.elr_el1, ==, PROGRAM + 40);
    g_assert_cmphex(cpu->x[3], ==, 1);
    world_finish(&w);
}

/* Each condition for each of the flags, against the manual's formula. */
static bool holds(unsigned cond, unsigned nzcv)
{
    bool n = nzcv & 8;
    bool z = nzcv & 4;
    bool c = nzcv & 2;
    bool v = nzcv & 1;
    const bool results[] = {z, c, n, v, c && !z, n == v, n == v && !z, true};

    return cond == 15 || results[cond >> 1] != (cond & 1);
}

static void test_conditions(void)
{
    World w;

    world_init(&w);
    for (unsigned i = 0; i < 256; i++) {
        uint32_t b_cond = 0x54000040 | i >> 4; /* to the one after the next */
        uint32_t code[] = {b_cond, 0x52800020 /* mov w0, #1 */};

        w.cpu->x[0] = 0;
        cpu_set_nzcv(w.cpu, i & 15);
        g_assert_cmphex(program_run(&w, code, 2), ==, EC_BRK);
        g_assert_cmpuint(w.cpu->x[0], ==, !holds(i >> 4, i & 15));
    }
    world_finish(&w);
}

static void test_loop(void)
{
    World w;

    world_init(&w);
    w.cpu->x[1] = 100;
    g_assert_cmphex(PROGRAM_RUN(&w, 0x8b010000 /* add x0, x0, x1 */,
                                0xd1000421 /* sub x1, x1, #1 */,
                                0xb5ffffc1 /* cbnz x1, .-8 */,
                                0xb6f80040 /* tbz x0, #63, .+8 */,
                                0xd4200020 /* brk #1 */),
                    ==, EC_BRK);
    g_assert_cmphex(w.cpu->sys.esr_el1 & 0xffff, ==, 0);
    g_assert_cmpuint(w.cpu->x[0], ==, 5050);
    world_finish(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/translate-branch/operations", test_operations);
    g_test_add_func("/translate-branch/udf", test_udf);
    g_test_add_func("/translate-branch/calls", test_calls);
    g_test_add_func("/translate-branch/conditions", test_conditions);
    g_test_add_func("/translate-branch/loop", test_loop);
    return g_test_run();
}
