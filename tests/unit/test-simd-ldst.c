/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-ldst.c and simd-struct.c: what loads and stores of vector registers
 * move, where the base register ends up, and that a fault in the middle of an
 * access leaves registers and memory alone.
 */

#include "interp-program.h"
#include "translate-cases.h"

/* The last 16 bytes of what is mapped; behind them is nothing. */
#define END (UINT64_C(0x40600000) - 16)
#define JUNK UINT64_C(0x1122334455667788)

/* Tables that map the RAM below END + 16, and nothing else; for EL1. */
static void map_ram(World *w)
{
    InterpCpu *cpu = w->cpu;
    uint64_t table = (TABLES + 0x1000) | 3;

    memcpy(world_ram(w, TABLES + 8), &table, 8);
    for (uint64_t at = RAM_BASE; at < END; at += 0x200000) {
        uint64_t block = at | 1 | 3 << 8 | 1 << 10; /* AF, inner shareable */

        memcpy(world_ram(w, TABLES + 0x1000 + (at - RAM_BASE) / 0x200000 * 8),
               &block, 8);
    }
    cpu->sys.ttbr0_el1 = TABLES;
    cpu->sys.tcr_el1 = 32 | 1ull << 23;
    cpu->sys.mair_el1 = 0xff;
    cpu->sys.sctlr_el1 |= SCTLR_M;
    tlb_flush_all(cpu);
}

/* Bytes counted up at DATA, junk in the registers, x2 = DATA. */
static InterpCpu *start(World *w)
{
    InterpCpu *cpu;

    world_init(w);
    map_ram(w);
    cpu = w->cpu;
    cpu->sys.cpacr_el1 = 3 << 20;
    cpu_mode_changed(cpu);
    for (unsigned i = 0; i < 128; i++) {
        world_ram(w, DATA)[i] = i;
    }
    for (unsigned i = 0; i < 32; i++) {
        cpu->v[i] = (VReg){.d = {JUNK + i, ~JUNK}};
    }
    cpu->x[2] = DATA;
    return cpu;
}

static void check_v(const InterpCpu *cpu, unsigned i, uint64_t low,
                    uint64_t high)
{
    if (cpu->v[i].d[0] != low || cpu->v[i].d[1] != high) {
        g_error("v%u: 0x%" PRIx64 " 0x%" PRIx64, i, cpu->v[i].d[0],
                cpu->v[i].d[1]);
    }
}

static void check_untouched(const InterpCpu *cpu)
{
    for (unsigned i = 0; i < 32; i++) {
        check_v(cpu, i, JUNK + i, ~JUNK);
    }
}

static void test_loads(void)
{
    World w;
    InterpCpu *cpu = start(&w);

    cpu->x[3] = UINT64_C(0xffffffff00000002);
    cpu->x[4] = UINT64_C(0x00000000ffffffff);
    cpu->x[5] = DATA + 32;
    g_assert_cmphex(PROGRAM_RUN(&w, 0x3d40044e /* ldr b14, [x2, #1] */,
                                0x7d400441 /* ldr h1, [x2, #2] */,
                                0xbc40d042 /* ldur s2, [x2, #13] */,
                                0xfc408443 /* ldr d3, [x2], #8 */,
                                0x3cdf8c44 /* ldr q4, [x2, #-8]! */,
                                0x3ce35845 /* ldr q5, [x2, w3, uxtw #4] */,
                                0x3c64c8a6 /* ldr b6, [x5, w4, sxtw] */,
                                0x6d412847 /* ldp d7, d10, [x2, #16] */,
                                0x2cc12448 /* ldp s8, s9, [x2], #8 */,
                                0xad7faca0 /* ldp q0, q11, [x5, #-16] */,
                                0x5c00004c /* ldr d12, .+8 */,
                                0x14000003 /* b .+12 */, 0x55667788,
                                0x11223344),
                    ==, EC_BRK);
    check_v(cpu, 1, 0x0302, 0);
    check_v(cpu, 2, 0x100f0e0d, 0);
    check_v(cpu, 3, 0x0706050403020100, 0);
    check_v(cpu, 4, 0x0706050403020100, 0x0f0e0d0c0b0a0908);
    check_v(cpu, 5, 0x2726252423222120, 0x2f2e2d2c2b2a2928);
    check_v(cpu, 6, 0x1f, 0);
    check_v(cpu, 7, 0x1716151413121110, 0);
    check_v(cpu, 10, 0x1f1e1d1c1b1a1918, 0);
    check_v(cpu, 8, 0x03020100, 0);
    check_v(cpu, 9, 0x07060504, 0);
    check_v(cpu, 0, 0x1716151413121110, 0x1f1e1d1c1b1a1918);
    check_v(cpu, 11, 0x2726252423222120, 0x2f2e2d2c2b2a2928);
    check_v(cpu, 12, 0x1122334455667788, 0);
    check_v(cpu, 14, 0x01, 0);
    g_assert_cmphex(cpu->x[2], ==, DATA + 8);
    world_finish(&w);
}

static void test_stores(void)
{
    World w;
    InterpCpu *cpu = start(&w);

    cpu->x[3] = 0;
    g_assert_cmphex(PROGRAM_RUN(&w, 0x3d000040 /* str b0, [x2] */,
                                0x7d000441 /* str h1, [x2, #2] */,
                                0xbc004042 /* stur s2, [x2, #4] */,
                                0xfd000443 /* str d3, [x2, #8] */,
                                0x3c810c44 /* str q4, [x2, #16]! */,
                                0x3c810445 /* str q5, [x2], #16 */,
                                0xac81304b /* stp q11, q12, [x2], #32 */,
                                0x3ca37846 /* str q6, [x2, x3, lsl #4] */,
                                0x2d022047 /* stp s7, s8, [x2, #16] */,
                                0x6d01a849 /* stp d9, d10, [x2, #24] */),
                    ==, EC_BRK);
    g_assert_cmphex(program_data(&w, 0), ==, 0x5566778a77890188);
    g_assert_cmphex(program_data(&w, 8), ==, JUNK + 3);
    g_assert_cmphex(program_data(&w, 16), ==, JUNK + 5);
    g_assert_cmphex(program_data(&w, 24), ==, ~JUNK);
    g_assert_cmphex(program_data(&w, 32), ==, JUNK + 11);
    g_assert_cmphex(program_data(&w, 40), ==, ~JUNK);
    g_assert_cmphex(program_data(&w, 48), ==, JUNK + 12);
    g_assert_cmphex(program_data(&w, 56), ==, ~JUNK);
    g_assert_cmphex(program_data(&w, 64), ==, JUNK + 6);
    g_assert_cmphex(program_data(&w, 72), ==, ~JUNK);
    g_assert_cmphex(program_data(&w, 80), ==, 0x556677905566778f);
    g_assert_cmphex(program_data(&w, 88), ==, JUNK + 9);
    g_assert_cmphex(program_data(&w, 96), ==, JUNK + 10);
    g_assert_cmphex(program_data(&w, 104), ==, 0x6f6e6d6c6b6a6968);
    g_assert_cmphex(cpu->x[2], ==, DATA + 64);
    check_untouched(cpu);
    world_finish(&w);
}

/* v31 and v0 are neighbours. */
static void test_structure_loads(void)
{
    World w;
    InterpCpu *cpu = start(&w);

    cpu->x[3] = 0x100;
    g_assert_cmphex(
        PROGRAM_RUN(&w, 0x0cdf805f /* ld2 {v31.8b, v0.8b}, [x2], #16 */,
                    0x4c404442 /* ld3 {v2.8h - v4.8h}, [x2] */,
                    0x4c400c45 /* ld4 {v5.2d - v8.2d}, [x2] */,
                    0x0c406049 /* ld1 {v9.8b - v11.8b}, [x2] */,
                    0x4d401c4c /* ld1 {v12.b}[15], [x2] */,
                    0x0dff904d /* ld2 {v13.s, v14.s}[1], [x2], #8 */,
                    0x4d40e84f /* ld3r {v15.4s - v17.4s}, [x2] */,
                    0x0dc3cc52 /* ld1r {v18.1d}, [x2], x3 */),
        ==, EC_BRK);
    check_v(cpu, 31, 0x0e0c0a0806040200, 0);
    check_v(cpu, 0, 0x0f0d0b0907050301, 0);
    check_v(cpu, 2, 0x23221d1c17161110, 0x3b3a35342f2e2928);
    check_v(cpu, 3, 0x25241f1e19181312, 0x3d3c373631302b2a);
    check_v(cpu, 4, 0x272621201b1a1514, 0x3f3e393833322d2c);
    check_v(cpu, 5, 0x1716151413121110, 0x3736353433323130);
    check_v(cpu, 8, 0x2f2e2d2c2b2a2928, 0x4f4e4d4c4b4a4948);
    check_v(cpu, 9, 0x1716151413121110, 0);
    check_v(cpu, 11, 0x2726252423222120, 0);
    check_v(cpu, 12, JUNK + 12, 0x10ddccbbaa998877);
    check_v(cpu, 13, 0x1312111055667795, ~JUNK);
    check_v(cpu, 14, 0x1716151455667796, ~JUNK);
    check_v(cpu, 15, 0x1b1a19181b1a1918, 0x1b1a19181b1a1918);
    check_v(cpu, 17, 0x2322212023222120, 0x2322212023222120);
    check_v(cpu, 18, 0x1f1e1d1c1b1a1918, 0);
    check_v(cpu, 19, JUNK + 19, ~JUNK);
    g_assert_cmphex(cpu->x[2], ==, DATA + 24 + 0x100);
    world_finish(&w);
}

static void test_structure_stores(void)
{
    World w;
    InterpCpu *cpu = start(&w);

    cpu->x[3] = 0x40;
    g_assert_cmphex(
        PROGRAM_RUN(&w, 0x0c9f805f /* st2 {v31.8b, v0.8b}, [x2], #16 */,
                    0x4c9f4442 /* st3 {v2.8h - v4.8h}, [x2], #48 */,
                    0x4c000c45 /* st4 {v5.2d - v8.2d}, [x2] */,
                    0x0c837049 /* st1 {v9.8b}, [x2], x3 */,
                    0x0dbf2c4d /* st4 {v13.b - v16.b}[3], [x2], #4 */,
                    0x4d00584c /* st1 {v12.h}[7], [x2] */),
        ==, EC_BRK);
    g_assert_cmphex(program_data(&w, 0), ==, 0x55556666777788a7);
    g_assert_cmphex(program_data(&w, 8), ==, 0x1111222233334444);
    g_assert_cmphex(program_data(&w, 16), ==, 0x5566778c778b778a);
    g_assert_cmphex(program_data(&w, 24), ==, 0x3344334455665566);
    g_assert_cmphex(program_data(&w, 32), ==, 0x1122112211223344);
    g_assert_cmphex(program_data(&w, 64), ==, JUNK + 9);
    g_assert_cmphex(program_data(&w, 72), ==, JUNK + 6);
    g_assert_cmphex(program_data(&w, 88), ==, JUNK + 8);
    g_assert_cmphex(program_data(&w, 120), ==, ~JUNK);
    g_assert_cmphex(program_data(&w, 128), ==, 0xeedd55555555);
    g_assert_cmphex(cpu->x[2], ==, DATA + 132);
    check_untouched(cpu);
    world_finish(&w);
}

/* A register added to SP may leave it unaligned, and the next access sees. */
static void test_stack_pointer(void)
{
    World w;
    InterpCpu *cpu = start(&w);

    cpu->sys.sctlr_el1 |= 1 << 3; /* SA */
    cpu->x[X_SP] = DATA;
    cpu->x[3] = 8;
    g_assert_cmphex(PROGRAM_RUN(&w, 0x4d8387e1 /* st1 {v1.d}[1], [sp], x3 */,
                                0x4c4073e2 /* ld1 {v2.16b}, [sp] */),
                    ==, EC_SP_ALIGN);
    g_assert_cmpuint(program_stopped_at(&w), ==, 1);
    g_assert_cmphex(program_data(&w, 0), ==, ~JUNK);
    g_assert_cmphex(cpu->x[X_SP], ==, DATA + 8);
    check_untouched(cpu);
    world_finish(&w);
}

/* The first bytes are there, the rest is not. */
static void test_faults(void)
{
    static const uint32_t insns[] = {
        0x3c808c41, /* str q1, [x2, #8]! */
        0x3cc08c41, /* ldr q1, [x2, #8]! */
        0x7c40fc41, /* ldr h1, [x2, #15]! */
        0x6d408841, /* ldp d1, d2, [x2, #8] */
        0xacc10841, /* ldp q1, q2, [x2], #32 */
        0xad000841, /* stp q1, q2, [x2] */
        0x4cdf0041, /* ld4 {v1.16b - v4.16b}, [x2], #64 */
        0x4c9f0041, /* st4 {v1.16b - v4.16b}, [x2], #64 */
        0x0ddfa441, /* ld3 {v1.d - v3.d}[0], [x2], #24 */
        0x0d9fa441, /* st3 {v1.d - v3.d}[0], [x2], #24 */
    };
    World w;
    InterpCpu *cpu = start(&w);

    cpu->x[2] = END;
    memset(world_ram(&w, END), 0x77, 16);
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        g_assert_cmphex(PROGRAM_RUN(&w, insns[i]), ==, EC_DABT);
        g_assert_cmphex(cpu->sys.far_el1, ==, END + 16);
        g_assert_cmphex(cpu->x[2], ==, END);
        check_untouched(cpu);
        for (unsigned j = 0; j < 16; j++) {
            g_assert_cmphex(world_ram(&w, END)[j], ==, 0x77);
        }
    }
    world_finish(&w);
}

/* SCTLR_EL1.A: to the size of an element, of which a Q register is one. */
static void test_alignment(void)
{
    static const struct {
        uint32_t insn;
        uint64_t offset;
        unsigned ec;
    } cases[] = {
        {0xfd400041, 8, EC_BRK},  /* ldr d1, [x2] */
        {0xfd400041, 4, EC_DABT}, /* ldr d1, [x2] */
        {0x3d800041, 0, EC_BRK},  /* str q1, [x2] */
        {0x3d800041, 8, EC_DABT}, /* str q1, [x2] */
        {0xad400841, 8, EC_DABT}, /* ldp q1, q2, [x2] */
        {0x6d000841, 8, EC_BRK},  /* stp d1, d2, [x2] */
        {0x6d000841, 4, EC_DABT}, /* stp d1, d2, [x2] */
        {0x4c407c41, 8, EC_BRK},  /* ld1 {v1.2d}, [x2] */
        {0x4c407c41, 4, EC_DABT}, /* ld1 {v1.2d}, [x2] */
        {0x4c00a841, 4, EC_BRK},  /* st1 {v1.4s, v2.4s}, [x2] */
        {0x4c00a841, 2, EC_DABT}, /* st1 {v1.4s, v2.4s}, [x2] */
        {0x0d604041, 2, EC_BRK},  /* ld2 {v1.h, v2.h}[0], [x2] */
        {0x0d604041, 1, EC_DABT}, /* ld2 {v1.h, v2.h}[0], [x2] */
    };
    World w;
    InterpCpu *cpu = start(&w);

    cpu->sys.sctlr_el1 |= SCTLR_A;
    tlb_flush_all(cpu);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        cpu->x[2] = DATA + cases[i].offset;
        g_assert_cmphex(PROGRAM_RUN(&w, cases[i].insn), ==, cases[i].ec);
        if (cases[i].ec == EC_DABT) {
            g_assert_cmphex(cpu->sys.esr_el1 & 0x3f, ==, 0x21);
        }
    }
    world_finish(&w);
}

static void test_reserved(void)
{
    static const uint32_t insns[] = {
        0x7d800041,           /* STR, size 1 with opc 2 */
        0xfd400041 | 1 << 23, /* LDR, size 3 with opc 3 */
        0x3ce30845,           /* LDR (register), option 0 */
        0x3ce38845,           /* option 4 */
        0xdc00006c,           /* LDR (literal), opc 3 */
        0xed400841,           /* LDP, opc 3 */
        0x0c408c41,           /* LD2, 1D */
        0x0d4005a1 | 1 << 14, /* LD1, a half, size 1 */
        0x0d408841,           /* LD1, a word, size 2 */
        0x0d409441,           /* LD1, a doubleword, S set */
    };

    check_reserved(insns, G_N_ELEMENTS(insns));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simd-ldst/loads", test_loads);
    g_test_add_func("/simd-ldst/stores", test_stores);
    g_test_add_func("/simd-ldst/structure-loads", test_structure_loads);
    g_test_add_func("/simd-ldst/structure-stores", test_structure_stores);
    g_test_add_func("/simd-ldst/stack-pointer", test_stack_pointer);
    g_test_add_func("/simd-ldst/faults", test_faults);
    g_test_add_func("/simd-ldst/alignment", test_alignment);
    g_test_add_func("/simd-ldst/reserved", test_reserved);
    return g_test_run();
}
