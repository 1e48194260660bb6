/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * translate-ldst.c: what loads and stores become, when the stack pointer is
 * checked, and that a fault leaves registers alone.
 */

#include "interp-program.h"
#include "translate-cases.h"

/* Nothing is there. */
#define HOLE UINT64_C(0x10000000)

static const Case ldst_cases[] = {
    {"ldrb w1, [x2, #3]",
     0x39400c41,
     1,
     {{.code = OP_LDR8, .rd = 1, .rn = 2, .imm = 3}}},
    {"ldrsh x1, [x2, #6]",
     0x79800c41,
     1,
     {{.code = OP_LDRS16, .rd = 1, .rn = 2, .imm = 6}}},
    {"ldrsb w1, [x2]", 0x39c00041, 1, {{.code = OP_LDRS8W, .rd = 1, .rn = 2}}},
    {"ldrsw x1, [x2, #4]",
     0xb9800441,
     1,
     {{.code = OP_LDRS32, .rd = 1, .rn = 2, .imm = 4}}},
    {"str xzr, [x2, #32760]",
     0xf93ffc5f,
     1,
     {{.code = OP_STR64, .rd = X_ZR, .rn = 2, .imm = 0x7ff8}}},
    {"ldr xzr, [x2]",
     0xf940005f,
     1,
     {{.code = OP_LDR64, .rd = X_SINK, .rn = 2}}},
    {"ldur w1, [x2, #-1]",
     0xb85ff041,
     1,
     {{.code = OP_LDR32,
       .rd = 1,
       .rn = 2,
       .imm = UINT64_C(0xffffffffffffffff)}}},
    {"sturh w1, [x2, #255]",
     0x780ff041,
     1,
     {{.code = OP_STR16, .rd = 1, .rn = 2, .imm = 0xff}}},
    {"ldr x1, [sp, #8]",
     0xf94007e1,
     2,
     {{.code = OP_SPCHECK}, {.code = OP_LDR64, .rd = 1, .rn = X_SP, .imm = 8}}},
    {"str x1, [sp, #-16]!",
     0xf81f0fe1,
     3,
     {{.code = OP_SPCHECK},
      {.code = OP_STR64,
       .rd = 1,
       .rn = X_SP,
       .imm = UINT64_C(0xfffffffffffffff0)},
      {.code = OP_ADDI,
       .rd = X_SP,
       .rn = X_SP,
       .imm = UINT64_C(0xfffffffffffffff0)}}},
    {"ldr x1, [x2], #8",
     0xf8408441,
     2,
     {{.code = OP_LDR64, .rd = 1, .rn = 2},
      {.code = OP_ADDI, .rd = 2, .rn = 2, .imm = 8}}},
    {"ldr x1, [x1], #8",
     0xf8408421,
     2,
     {{.code = OP_LDR64, .rd = X_SINK, .rn = 1},
      {.code = OP_ADDI, .rd = 1, .rn = 1, .imm = 8}}},
    {"str x1, [x1, #-8]!",
     0xf81f8c21,
     2,
     {{.code = OP_STR64, .rd = 1, .rn = 1, .imm = UINT64_C(0xfffffffffffffff8)},
      {.code = OP_ADDI,
       .rd = 1,
       .rn = 1,
       .imm = UINT64_C(0xfffffffffffffff8)}}},
    {"ldr w1, [x2, x3]",
     0xb8636841,
     1,
     {{.code = OP_LDR32X, .rd = 1, .rn = 2, .rm = 3}}},
    {"ldr x1, [x2, x3, lsl #3]",
     0xf8637841,
     1,
     {{.code = OP_LDR64X, .rd = 1, .rn = 2, .rm = 3, .sub = 3}}},
    {"ldrsh w1, [x2, xzr, sxtx #1]",
     0x78fff841,
     1,
     {{.code = OP_LDRS16WX, .rd = 1, .rn = 2, .rm = X_ZR, .sub = 1}}},
    {"str w1, [x2, w3, uxtw #2]",
     0xb8235841,
     2,
     {{.code = OP_UXTW_LSL, .rd = X_TMP, .rn = 3, .sub = 2},
      {.code = OP_STR32X, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"ldrsb x1, [x2, w3, sxtw]",
     0x38a3c841,
     2,
     {{.code = OP_SXTW_LSL, .rd = X_TMP, .rn = 3},
      {.code = OP_LDRS8X, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"ldr w1, .+8",
     0x18000041,
     1,
     {{.code = OP_LDR32, .rd = 1, .rn = X_ZR, .imm = 0x40001008}}},
    {"ldrsw x1, .-8",
     0x98ffffc1,
     1,
     {{.code = OP_LDRS32, .rd = 1, .rn = X_ZR, .imm = 0x40000ff8}}},
    {"ldr xzr, .",
     0x5800001f,
     1,
     {{.code = OP_LDR64, .rd = X_SINK, .rn = X_ZR, .imm = 0x40001000}}},
    {"ldp x1, x2, [x3, #-16]",
     0xa97f0861,
     1,
     {{.code = OP_LDP64,
       .rd = 1,
       .rn = 3,
       .ra = 2,
       .imm = UINT64_C(0xfffffffffffffff0)}}},
    {"ldp w1, wzr, [x3, #4]",
     0x2940fc61,
     1,
     {{.code = OP_LDP32, .rd = 1, .rn = 3, .ra = X_SINK, .imm = 4}}},
    {"ldpsw x1, x2, [x3], #8",
     0x68c10861,
     2,
     {{.code = OP_LDPSW, .rd = 1, .rn = 3, .ra = 2},
      {.code = OP_ADDI, .rd = 3, .rn = 3, .imm = 8}}},
    {"ldp x1, x2, [x2], #16",
     0xa8c10841,
     2,
     {{.code = OP_LDP64, .rd = 1, .rn = 2, .ra = X_SINK},
      {.code = OP_ADDI, .rd = 2, .rn = 2, .imm = 0x10}}},
    {"stp x1, xzr, [sp, #16]!",
     0xa9817fe1,
     3,
     {{.code = OP_SPCHECK},
      {.code = OP_STP64, .rd = 1, .rn = X_SP, .ra = X_ZR, .imm = 0x10},
      {.code = OP_ADDI, .rd = X_SP, .rn = X_SP, .imm = 0x10}}},
    {"ldnp x1, x2, [x3, #16]",
     0xa8410861,
     1,
     {{.code = OP_LDP64, .rd = 1, .rn = 3, .ra = 2, .imm = 0x10}}},
    {"stnp w1, w2, [x3, #8]",
     0x28010861,
     1,
     {{.code = OP_STP32, .rd = 1, .rn = 3, .ra = 2, .imm = 8}}},
    {"prfm pldl1keep, [sp, #8]", 0xf98007e0, 0},
    {"prfum pldl1keep, [x1, #1]", 0xf8801020, 0},
    {"prfm pldl1keep, [x1, w2, uxtw]", 0xf8a24820, 0},
    {"prfm pldl1keep, .+8", 0xd8000040, 0},
};

static void test_operations(void)
{
    check_cases(ldst_cases, G_N_ELEMENTS(ldst_cases), false);
}

static void test_reserved(void)
{
    static const uint32_t insns[] = {
        0xf8620820, /* LDR, register, option 0 */
        0xf8628820, /* option 4 */
        0xf8a20820, /* PRFM */
    };

    check_reserved(insns, G_N_ELEMENTS(insns));
}

/* ---- CheckSPAlignment() ---- */

static unsigned count_checks(const uint32_t *insns, unsigned n)
{
    Op ops[16 * OPS_PER_INSN];
    uint8_t insn_of[16 * OPS_PER_INSN];
    Translator t = {.pc = CASE_PC, .ops = ops, .insn_of = insn_of};
    unsigned checks = 0;

    for (unsigned i = 0; i < n; i++) {
        a64_translate(&t, insns[i]);
    }
    for (unsigned i = 0; i < t.num_ops; i++) {
        checks += ops[i].code == OP_SPCHECK;
    }
    return checks;
}

static void test_sp_checks(void)
{
    static const uint32_t once[] = {
        0xa9be7bfd /* stp x29, x30, [sp, #-32]! */,
        0x910003fd /* mov x29, sp */,
        0xf90007e1 /* str x1, [sp, #8] */,
        0xd10103ff /* sub sp, sp, #64 */,
        0xf94007e1 /* ldr x1, [sp, #8] */,
        0x910103ff /* add sp, sp, #64 */,
        0xa8c27bfd /* ldp x29, x30, [sp], #32 */,
        0xf94003e1 /* ldr x1, [sp] */
    };
    static const uint32_t again[] = {
        0xf84087e1 /* ldr x1, [sp], #8 */,
        0xf84087e1 /* ldr x1, [sp], #8 */,
        0xf94003e1 /* ldr x1, [sp] */,
        0x910023ff /* add sp, sp, #8 */,
        0xf94003e1 /* ldr x1, [sp] */,
        0x110043ff /* add wsp, wsp, #16 */,
        0xf94003e1 /* ldr x1, [sp] */,
        0x9100003f /* mov sp, x1 */,
        0xf94003e1 /* ldr x1, [sp] */,
        0x927cec3f /* and sp, x1, #-16 */,
        0xf94003e1 /* ldr x1, [sp] */,
        0x8b2163ff /* add sp, sp, x1 */,
        0xf94003e1 /* ldr x1, [sp] */
    };

    g_assert_cmpuint(count_checks(once, G_N_ELEMENTS(once)), ==, 1);
    g_assert_cmpuint(count_checks(again, G_N_ELEMENTS(again)), ==, 8);
}

/* SCTLR_EL1.SA is for EL1, SA0 for EL0. */
static void check_sp_fault(unsigned el, uint64_t sctlr, unsigned ec)
{
    World w;

    world_init(&w);
    w.cpu->sys.sctlr_el1 |= sctlr;
    w.cpu->x[X_SP] = DATA;
    w.cpu->sys.sp_el0 = DATA;
    cpu_set_pstate(w.cpu, el ? 5 : 0);
    g_assert_cmphex(PROGRAM_RUN(&w, 0xf84087e1 /* ldr x1, [sp], #8 */,
                                0xf84087e2 /* ldr x2, [sp], #8 */),
                    ==, ec);
    if (ec == EC_SP_ALIGN) {
        g_assert_cmpuint(program_stopped_at(&w), ==, 1);
        g_assert_cmphex(w.cpu->sys.esr_el1 & 0x1ffffff, ==, 0);
    }
    world_finish(&w);
}

static void test_sp_fault(void)
{
    check_sp_fault(1, 1 << 3, EC_SP_ALIGN);
    check_sp_fault(1, 1 << 4, EC_BRK);
    check_sp_fault(0, 1 << 4, EC_SP_ALIGN);
    check_sp_fault(0, 1 << 3, EC_BRK);
}

/* ---- faults ---- */

static void check_abort(World *w, unsigned at, uint64_t far, uint32_t wnr)
{
    g_assert_cmpuint(program_stopped_at(w), ==, at);
    g_assert_cmphex(w->cpu->sys.far_el1, ==, far);
    g_assert_cmphex(w->cpu->sys.esr_el1 & ISS_WNR, ==, wnr);
}

/* Tables that map nothing but the lowest 2 GiB from 0x40000000 on. */
static void map_ram(World *w)
{
    InterpCpu *cpu = w->cpu;
    uint64_t block = RAM_BASE | 1 | 3 << 8 | 1 << 10; /* AF, EL1 only */

    memcpy(world_ram(w, TABLES + 8), &block, 8);
    cpu->sys.ttbr0_el1 = TABLES;
    cpu->sys.tcr_el1 = 32 | 1ull << 23;
    cpu->sys.mair_el1 = 0xff;
    cpu->sys.sctlr_el1 |= SCTLR_M;
    tlb_flush_all(cpu);
}

static void test_fault(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    map_ram(&w);
    cpu->x[1] = 0x11;
    cpu->x[2] = HOLE;
    g_assert_cmphex(PROGRAM_RUN(&w, 0xf8408441 /* ldr x1, [x2], #8 */), ==,
                    EC_DABT);
    check_abort(&w, 0, HOLE, 0);
    g_assert_cmphex(PROGRAM_RUN(&w, 0xf8008c41 /* str x1, [x2, #8]! */), ==,
                    EC_DABT);
    check_abort(&w, 0, HOLE + 8, ISS_WNR);
    g_assert_cmphex(PROGRAM_RUN(&w, 0xa9c10c41 /* ldp x1, x3, [x2, #16]! */),
                    ==, EC_DABT);
    check_abort(&w, 0, HOLE + 16, 0);
    g_assert_cmphex(PROGRAM_RUN(&w, 0xa9400841 /* ldp x1, x2, [x2] */), ==,
                    EC_DABT);
    g_assert_cmphex(PROGRAM_RUN(&w, 0x38614841 /* ldrb w1, [x2, w1, uxtw] */),
                    ==, EC_DABT);
    check_abort(&w, 0, HOLE + 0x11, 0);
    g_assert_cmphex(cpu->x[1], ==, 0x11);
    g_assert_cmphex(cpu->x[2], ==, HOLE);
    g_assert_cmphex(cpu->x[3], ==, 0);
    world_finish(&w);
}

/* ---- LDTR and STTR ---- */

static void test_unprivileged(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    cpu->x[2] = DATA + 8;
    cpu->x[3] = UINT64_C(0x1122334455667788);
    program_set_data(&w, 0, UINT64_C(0x8182838485868788));
    g_assert_cmphex(PROGRAM_RUN(&w, 0xf85f8844 /* ldtr x4, [x2, #-8] */,
                                0xb85f8845 /* ldtr w5, [x2, #-8] */,
                                0x385f8846 /* ldtrb w6, [x2, #-8] */,
                                0x38df8847 /* ldtrsb w7, [x2, #-8] */,
                                0x389f8848 /* ldtrsb x8, [x2, #-8] */,
                                0x78df8849 /* ldtrsh w9, [x2, #-8] */,
                                0x789f884a /* ldtrsh x10, [x2, #-8] */,
                                0xb89f884b /* ldtrsw x11, [x2, #-8] */,
                                0x785f884c /* ldtrh w12, [x2, #-8] */,
                                0xf8000843 /* sttr x3, [x2] */,
                                0xb8008843 /* sttr w3, [x2, #8] */,
                                0x78010843 /* sttrh w3, [x2, #16] */,
                                0x38018843 /* sttrb w3, [x2, #24] */,
                                0xf840085f /* ldtr xzr, [x2] */),
                    ==, EC_BRK);
    g_assert_cmphex(cpu->x[4], ==, 0x8182838485868788);
    g_assert_cmphex(cpu->x[5], ==, 0x85868788);
    g_assert_cmphex(cpu->x[6], ==, 0x88);
    g_assert_cmphex(cpu->x[7], ==, 0xffffff88);
    g_assert_cmphex(cpu->x[8], ==, UINT64_MAX - 0x77);
    g_assert_cmphex(cpu->x[9], ==, 0xffff8788);
    g_assert_cmphex(cpu->x[10], ==, 0xffffffffffff8788);
    g_assert_cmphex(cpu->x[11], ==, 0xffffffff85868788);
    g_assert_cmphex(cpu->x[12], ==, 0x8788);
    g_assert_cmphex(program_data(&w, 8), ==, 0x1122334455667788);
    g_assert_cmphex(program_data(&w, 16), ==, 0x55667788);
    g_assert_cmphex(program_data(&w, 24), ==, 0x7788);
    g_assert_cmphex(program_data(&w, 32), ==, 0x88);
    g_assert_cmphex(cpu->x[X_ZR], ==, 0);
    world_finish(&w);
}

/* EL1 may read the page, but not by LDTR. */
static void test_unprivileged_fault(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    map_ram(&w);
    cpu->x[2] = DATA;
    g_assert_cmphex(PROGRAM_RUN(&w, 0xf9400041 /* ldr x1, [x2] */,
                                0xf8400841 /* ldtr x1, [x2] */),
                    ==, EC_DABT);
    check_abort(&w, 1, DATA, 0);
    g_assert_cmphex(PROGRAM_RUN(&w, 0xf9000041 /* str x1, [x2] */,
                                0xf8000841 /* sttr x1, [x2] */),
                    ==, EC_DABT);
    check_abort(&w, 1, DATA, ISS_WNR);
    world_finish(&w);
}

/* Nothing is accessed, not even where nothing is. */
static void test_prefetch(void)
{
    World w;

    world_init(&w);
    map_ram(&w);
    w.cpu->x[2] = HOLE;
    g_assert_cmphex(PROGRAM_RUN(&w, 0xf9800040 /* prfm pldl1keep, [x2] */,
                                0xf8801040 /* prfum pldl1keep, [x2, #1] */,
                                0xf8a26850 /* prfm pstl1keep, [x2, x2] */),
                    ==, EC_BRK);
    world_finish(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/translate-ldst/operations", test_operations);
    g_test_add_func("/translate-ldst/reserved", test_reserved);
    g_test_add_func("/translate-ldst/sp-checks", test_sp_checks);
    g_test_add_func("/translate-ldst/sp-fault", test_sp_fault);
    g_test_add_func("/translate-ldst/fault", test_fault);
    g_test_add_func("/translate-ldst/unprivileged", test_unprivileged);
    g_test_add_func("/translate-ldst/unprivileged-fault",
                    test_unprivileged_fault);
    g_test_add_func("/translate-ldst/prefetch", test_prefetch);
    return g_test_run();
}
