/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op-exclusive.c: the monitor, pairs, acquire and release, and what is not
 * aligned or not RAM. Two vCPUs' threads count together in test-op-atomic.c.
 */

#include "interp-program.h"

#define FSC_ALIGNMENT 0x21
#define FSC_ATOMIC 0x35 /* unsupported exclusive or atomic access */
#define NOT_RAM UINT64_C(0x10000000)

static void check_abort(World *w, const uint32_t *insn, uint64_t va,
                        uint32_t iss)
{
    g_assert_cmphex(program_run(w, insn, 1), ==, EC_DABT);
    g_assert_cmphex(w->cpu->sys.esr_el1 & 0x7f, ==, iss);
    g_assert_cmphex(w->cpu->sys.far_el1, ==, va);
    g_assert_cmpuint(program_stopped_at(w), ==, 0);
}

/* ---- exclusives ---- */

static void test_sizes(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[2] = DATA;
    cpu->x[3] = UINT64_C(0x1122334455667788);
    program_set_data(&w, 0, UINT64_C(0x8182838485868788));
    g_assert_cmphex(PROGRAM_RUN(&w, 0xc85f7c44 /* ldxr x4, [x2] */,
                                0xc80a7c43 /* stxr w10, x3, [x2] */,
                                0x885ffc45 /* ldaxr w5, [x2] */,
                                0x880bfc44 /* stlxr w11, w4, [x2] */,
                                0x485f7c46 /* ldxrh w6, [x2] */,
                                0x480c7c42 /* stxrh w12, w2, [x2] */,
                                0x085f7c47 /* ldxrb w7, [x2] */,
                                0x080d7c43 /* stxrb w13, w3, [x2] */,
                                0xc85f7c48 /* ldxr x8, [x2] */),
                    ==, EC_BRK);
    g_assert_cmphex(cpu->x[4], ==, 0x8182838485868788);
    g_assert_cmphex(cpu->x[5], ==, 0x55667788);
    g_assert_cmphex(cpu->x[6], ==, 0x8788);
    g_assert_cmphex(cpu->x[7], ==, 0x00);
    g_assert_cmphex(cpu->x[8], ==, 0x1122334485860088);
    for (unsigned i = 10; i <= 13; i++) {
        g_assert_cmphex(cpu->x[i], ==, 0);
    }
    world_finish(&w);
}

static void test_pairs(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[2] = DATA;
    cpu->x[3] = UINT64_C(0x1122334455667788);
    program_set_data(&w, 0, UINT64_C(0x8182838485868788));
    program_set_data(&w, 8, UINT64_C(0x9192939495969798));
    g_assert_cmphex(PROGRAM_RUN(&w, 0xc87f1444 /* ldxp x4, x5, [x2] */,
                                0xc82a7c43 /* stxp w10, x3, xzr, [x2] */,
                                0x887f9c46 /* ldaxp w6, w7, [x2] */,
                                0x882b9043 /* stlxp w11, w3, w4, [x2] */,
                                0xc87f7c48 /* ldxp x8, xzr, [x2] */,
                                0xf9000442 /* str x2, [x2, #8] */,
                                0xc82c0c43 /* stxp w12, x3, x3, [x2] */),
                    ==, EC_BRK);
    g_assert_cmphex(cpu->x[4], ==, 0x8182838485868788);
    g_assert_cmphex(cpu->x[5], ==, 0x9192939495969798);
    g_assert_cmphex(cpu->x[6], ==, 0x55667788);
    g_assert_cmphex(cpu->x[7], ==, 0x11223344);
    g_assert_cmphex(cpu->x[8], ==, 0x8586878855667788);
    g_assert_cmphex(cpu->x[10] | cpu->x[11], ==, 0);
    g_assert_cmphex(cpu->x[12], ==, 1); /* the other half has changed */
    g_assert_cmphex(program_data(&w, 0), ==, 0x8586878855667788);
    g_assert_cmphex(program_data(&w, 8), ==, DATA);
    world_finish(&w);
}

/* Why a store-exclusive fails. */
static void test_monitor(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[1] = DATA + 8;
    cpu->x[2] = DATA;
    cpu->x[3] = 7;
    g_assert_cmphex(
        PROGRAM_RUN(
            &w, 0xc80a7c43 /* stxr w10, x3, [x2] */,
            0xc85f7c44 /* ldxr x4, [x2] */, 0xc80b7c23 /* stxr w11, x3, [x1] */,
            0xc80c7c43 /* stxr w12, x3, [x2] */, 0x885f7c44 /* ldxr w4, [x2] */,
            0xc80d7c43 /* stxr w13, x3, [x2] */, 0xc85f7c44 /* ldxr x4, [x2] */,
            0xf9000043 /* str x3, [x2] */, 0xc80e7c44 /* stxr w14, x4, [x2] */,
            0xc85f7c44 /* ldxr x4, [x2] */, 0xd5033f5f /* clrex */,
            0xc80f7c44 /* stxr w15, x4, [x2] */, 0xc85f7c44 /* ldxr x4, [x2] */,
            0xc8107c5f /* stxr w16, xzr, [x2] */,
            0xc8117c43 /* stxr w17, x3, [x2] */),
        ==, EC_BRK);
    for (unsigned i = 10; i <= 17; i++) {
        g_assert_cmpuint(cpu->x[i], ==, i != 16);
    }
    g_assert_cmphex(program_data(&w, 0), ==, 0);
    g_assert_cmphex(program_data(&w, 8), ==, 0);
    world_finish(&w);
}

static void test_not_aligned(void)
{
    static const uint32_t insns[] = {
        0xc85f7c44 /* ldxr x4, [x2] */,
        0x885ffc44 /* ldaxr w4, [x2] */,
        0x485f7c44 /* ldxrh w4, [x2] */,
        0xc87f1464 /* ldxp x4, x5, [x3] */,
        0x887f1464 /* ldxp w4, w5, [x3] */,
        0xc8dffc44 /* ldar x4, [x2] */,
        0xc8017c44 /* stxr w1, x4, [x2] */,
        0x4801fc44 /* stlxrh w1, w4, [x2] */,
        0xc8211464 /* stxp w1, x4, x5, [x3] */,
        0x889ffc44 /* stlr w4, [x2] */
    };
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[1] = 0x11;
    cpu->x[2] = DATA + 1;
    cpu->x[3] = DATA + 4;
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        unsigned rn = insns[i] >> 5 & 31;

        check_abort(&w, &insns[i], cpu->x[rn],
                    FSC_ALIGNMENT | (i < 6 ? 0 : ISS_WNR));
    }
    g_assert_cmphex(cpu->x[1], ==, 0x11);
    g_assert_cmphex(cpu->x[4], ==, 0);
    g_assert_cmphex(program_data(&w, 0), ==, 0);
    world_finish(&w);
}

static void test_not_ram(void)
{
    static const uint32_t ldxr[] = {0xc85f7c44 /* ldxr x4, [x2] */};
    static const uint32_t stxr[] = {0xc8017c44 /* stxr w1, x4, [x2] */};
    World w;

    world_init(&w);
    w.cpu->x[2] = NOT_RAM;
    check_abort(&w, ldxr, NOT_RAM, FSC_ATOMIC);
    /* Without a load before it, nothing is accessed. */
    g_assert_cmphex(program_run(&w, stxr, 1), ==, EC_BRK);
    g_assert_cmphex(w.cpu->x[1], ==, 1);
    w.cpu->monitor = (Monitor){.valid = true, .size = 8, .va = NOT_RAM};
    check_abort(&w, stxr, NOT_RAM, FSC_ATOMIC | ISS_WNR);
    world_finish(&w);
}

/* ---- acquire and release ---- */

static void test_ordered(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[2] = DATA;
    cpu->x[3] = DATA + 8;
    cpu->x[4] = UINT64_C(0x1122334455667788);
    g_assert_cmphex(
        PROGRAM_RUN(
            &w, 0xc89ffc44 /* stlr x4, [x2] */, 0x889ffc64 /* stlr w4, [x3] */,
            0xc8dffc45 /* ldar x5, [x2] */, 0x88dffc46 /* ldar w6, [x2] */,
            0x48dffc47 /* ldarh w7, [x2] */, 0x08dffc48 /* ldarb w8, [x2] */,
            0x489ffc5f /* stlrh wzr, [x2] */, 0x089ffc48 /* stlrb w8, [x2] */,
            0xc8dffc5f /* ldar xzr, [x2] */),
        ==, EC_BRK);
    g_assert_cmphex(cpu->x[5], ==, 0x1122334455667788);
    g_assert_cmphex(cpu->x[6], ==, 0x55667788);
    g_assert_cmphex(cpu->x[7], ==, 0x7788);
    g_assert_cmphex(cpu->x[8], ==, 0x88);
    g_assert_cmphex(program_data(&w, 0), ==, 0x1122334455660088);
    g_assert_cmphex(program_data(&w, 8), ==, 0x55667788);
    g_assert_cmphex(cpu->x[X_ZR], ==, 0);
    world_finish(&w);
}

/* A device may be read and written so; where there is none, ones are read. */
static void test_ordered_device(void)
{
    World w;

    world_init(&w);
    w.cpu->x[2] = NOT_RAM;
    g_assert_cmphex(PROGRAM_RUN(&w, 0x889ffc44 /* stlr w4, [x2] */,
                                0x88dffc45 /* ldar w5, [x2] */),
                    ==, EC_BRK);
    g_assert_cmphex(w.cpu->x[5], ==, UINT32_MAX);
    world_finish(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/op-exclusive/sizes", test_sizes);
    g_test_add_func("/op-exclusive/pairs", test_pairs);
    g_test_add_func("/op-exclusive/monitor", test_monitor);
    g_test_add_func("/op-exclusive/not-aligned", test_not_aligned);
    g_test_add_func("/op-exclusive/not-ram", test_not_ram);
    g_test_add_func("/op-exclusive/ordered", test_ordered);
    g_test_add_func("/op-exclusive/ordered-device", test_ordered_device);
    return g_test_run();
}
