/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * translate-dp.c: the operations that integer arithmetic becomes, constants
 * that are put together at once, and CRC32 by its published check values. That
 * the operations compute what the manual says is for tests/interp.
 */

#include <string.h>

#include "interp-program.h"
#include "translate-cases.h"

static const Case dp_cases[] = {
    {"adr x1, .+8",
     0x10000041,
     1,
     {{.code = OP_MOVI, .rd = 1, .rn = X_ZR, .imm = 0x40001008}}},
    {"adrp x1, .+0x2000",
     0xd0000001,
     1,
     {{.code = OP_MOVI, .rd = 1, .rn = X_ZR, .imm = 0x40003000}}},
    {"adr xzr, .", 0x1000001f, 0},
    {"add x1, x2, #0x123",
     0x91048c41,
     1,
     {{.code = OP_ADDI, .rd = 1, .rn = 2, .imm = 0x123}}},
    {"add w1, w2, #0x1, lsl #12",
     0x11400441,
     1,
     {{.code = OP_ADDIW, .rd = 1, .rn = 2, .imm = 0x1000}}},
    {"sub x1, x2, #1",
     0xd1000441,
     1,
     {{.code = OP_ADDI,
       .rd = 1,
       .rn = 2,
       .imm = UINT64_C(0xffffffffffffffff)}}},
    {"sub w1, w2, #1",
     0x51000441,
     1,
     {{.code = OP_ADDIW, .rd = 1, .rn = 2, .imm = 0xffffffff}}},
    {"mov sp, x1", 0x9100003f, 1, {{.code = OP_MOV, .rd = X_SP, .rn = 1}}},
    {"mov w1, wsp", 0x110003e1, 1, {{.code = OP_MOVW, .rd = 1, .rn = X_SP}}},
    {"cmp x1, #3",
     0xf1000c3f,
     1,
     {{.code = OP_SUBSI, .rd = X_SINK, .rn = 1, .imm = 3}}},
    {"cmn wsp, #3",
     0x31000fff,
     1,
     {{.code = OP_ADDSIW, .rd = X_SINK, .rn = X_SP, .imm = 3}}},
    {"and sp, x1, #-16",
     0x927cec3f,
     1,
     {{.code = OP_ANDI,
       .rd = X_SP,
       .rn = 1,
       .imm = UINT64_C(0xfffffffffffffff0)}}},
    {"and w1, w2, #0x80000001",
     0x12010441,
     1,
     {{.code = OP_ANDI, .rd = 1, .rn = 2, .imm = 0x80000001}}},
    {"orr w1, w2, #0xff",
     0x32001c41,
     1,
     {{.code = OP_ORRIW, .rd = 1, .rn = 2, .imm = 0xff}}},
    {"orr x1, xzr, #0x5555555555555555",
     0xb200f3e1,
     1,
     {{.code = OP_MOVI,
       .rd = 1,
       .rn = X_ZR,
       .imm = UINT64_C(0x5555555555555555)}}},
    {"eor x1, x2, #1",
     0xd2400041,
     1,
     {{.code = OP_EORI, .rd = 1, .rn = 2, .imm = 1}}},
    {"tst w1, #1",
     0x7200003f,
     1,
     {{.code = OP_ANDSIW, .rd = X_SINK, .rn = 1, .imm = 1}}},
    {"movz x1, #0x12, lsl #48",
     0xd2e00241,
     1,
     {{.code = OP_MOVI,
       .rd = 1,
       .rn = X_ZR,
       .imm = UINT64_C(0x12000000000000)}}},
    {"movn w1, #0",
     0x12800001,
     1,
     {{.code = OP_MOVI, .rd = 1, .rn = X_ZR, .imm = 0xffffffff}}},
    {"movn x1, #1",
     0x92800021,
     1,
     {{.code = OP_MOVI,
       .rd = 1,
       .rn = X_ZR,
       .imm = UINT64_C(0xfffffffffffffffe)}}},
    {"movz xzr, #1", 0xd280003f, 0},
    {"movk x1, #0x12, lsl #16",
     0xf2a00241,
     2,
     {{.code = OP_ANDI, .rd = 1, .rn = 1, .imm = UINT64_C(0xffffffff0000ffff)},
      {.code = OP_ORRI, .rd = 1, .rn = 1, .imm = 0x120000}}},
    {"movk w1, #0",
     0x72800001,
     1,
     {{.code = OP_ANDI, .rd = 1, .rn = 1, .imm = 0xffff0000}}},
    {"movk xzr, #3", 0xf280007f, 0},
    {"asr x1, x2, #3",
     0x9343fc41,
     1,
     {{.code = OP_ASRI, .rd = 1, .rn = 2, .sub = 3}}},
    {"asr w1, w2, #0", 0x13007c41, 1, {{.code = OP_MOVW, .rd = 1, .rn = 2}}},
    {"sxtw x1, w2",
     0x93407c41,
     1,
     {{.code = OP_SBFM, .rd = 1, .rn = 2, .rm = 32, .ra = 32}}},
    {"sbfx w1, w2, #3, #5",
     0x13031c41,
     1,
     {{.code = OP_SBFMW, .rd = 1, .rn = 2, .rm = 27, .ra = 24}}},
    {"sbfiz x1, x2, #3, #5",
     0x937d1041,
     1,
     {{.code = OP_SBFM, .rd = 1, .rn = 2, .rm = 56, .ra = 59}}},
    {"lsl x1, x2, #3",
     0xd37df041,
     1,
     {{.code = OP_LSLI, .rd = 1, .rn = 2, .sub = 3}}},
    {"lsl w1, w2, #31",
     0x53010041,
     1,
     {{.code = OP_LSLIW, .rd = 1, .rn = 2, .sub = 31}}},
    {"lsr w1, w2, #4",
     0x53047c41,
     1,
     {{.code = OP_LSRIW, .rd = 1, .rn = 2, .sub = 4}}},
    {"uxtb w1, w2",
     0x53001c41,
     1,
     {{.code = OP_ANDI, .rd = 1, .rn = 2, .imm = 0xff}}},
    {"ubfx x1, x2, #8, #16",
     0xd3485c41,
     1,
     {{.code = OP_UBFM, .rd = 1, .rn = 2, .sub = 8, .imm = 0xffff}}},
    {"ubfiz w1, w2, #8, #4",
     0x53180c41,
     1,
     {{.code = OP_UBFMW, .rd = 1, .rn = 2, .sub = 24, .imm = 0xf00}}},
    {"bfi x1, x2, #4, #8",
     0xb37c1c41,
     1,
     {{.code = OP_BFM, .rd = 1, .rn = 2, .sub = 60, .imm = 0xff0}}},
    {"bfxil w1, w2, #4, #8",
     0x33042c41,
     1,
     {{.code = OP_BFMW, .rd = 1, .rn = 2, .sub = 4, .imm = 0xff}}},
    {"bfi xzr, x2, #4, #8", 0xb37c1c5f, 0},
    {"extr x1, x2, x3, #7",
     0x93c31c41,
     1,
     {{.code = OP_EXTR, .rd = 1, .rn = 2, .rm = 3, .sub = 7}}},
    {"extr w1, w2, w3, #0",
     0x13830041,
     1,
     {{.code = OP_MOVW, .rd = 1, .rn = 3}}},
    {"ror x1, x2, #5",
     0x93c21441,
     1,
     {{.code = OP_RORI, .rd = 1, .rn = 2, .sub = 5}}},
    {"add x1, x2, x3",
     0x8b030041,
     1,
     {{.code = OP_ADD, .rd = 1, .rn = 2, .rm = 3}}},
    {"add x1, x2, x3, lsl #7",
     0x8b031c41,
     1,
     {{.code = OP_ADDL, .rd = 1, .rn = 2, .rm = 3, .sub = 7}}},
    {"add w1, w2, w3, lsr #7",
     0x0b431c41,
     2,
     {{.code = OP_LSRIW, .rd = X_TMP, .rn = 3, .sub = 7},
      {.code = OP_ADDW, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"sub x1, x2, x3, lsl #7",
     0xcb031c41,
     2,
     {{.code = OP_LSLI, .rd = X_TMP, .rn = 3, .sub = 7},
      {.code = OP_SUB, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"negs w1, w3, asr #7",
     0x6b831fe1,
     2,
     {{.code = OP_ASRIW, .rd = X_TMP, .rn = 3, .sub = 7},
      {.code = OP_SUBSW, .rd = 1, .rn = X_ZR, .rm = X_TMP}}},
    {"cmp x1, x2",
     0xeb02003f,
     1,
     {{.code = OP_SUBS, .rd = X_SINK, .rn = 1, .rm = 2}}},
    {"add xzr, x1, x2", 0x8b02003f, 0},
    {"adds x1, x2, xzr, lsl #3",
     0xab1f0c41,
     1,
     {{.code = OP_ADDS, .rd = 1, .rn = 2, .rm = X_ZR}}},
    {"add x1, sp, x3",
     0x8b2363e1,
     1,
     {{.code = OP_ADD, .rd = 1, .rn = X_SP, .rm = 3}}},
    {"add sp, sp, x3, lsl #2",
     0x8b236bff,
     2,
     {{.code = OP_LSLI, .rd = X_TMP, .rn = 3, .sub = 2},
      {.code = OP_ADD, .rd = X_SP, .rn = X_SP, .rm = X_TMP}}},
    {"add x1, x2, w3, uxtw #2",
     0x8b234841,
     2,
     {{.code = OP_UXTW_LSL, .rd = X_TMP, .rn = 3, .sub = 2},
      {.code = OP_ADD, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"sub x1, x2, w3, sxtw",
     0xcb23c041,
     2,
     {{.code = OP_SXTW_LSL, .rd = X_TMP, .rn = 3},
      {.code = OP_SUB, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"adds x1, x2, w3, sxtb #1",
     0xab238441,
     2,
     {{.code = OP_SBFM, .rd = X_TMP, .rn = 3, .rm = 55, .ra = 56},
      {.code = OP_ADDS, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"sub w1, w2, w3, uxth #4",
     0x4b233041,
     2,
     {{.code = OP_UBFMW, .rd = X_TMP, .rn = 3, .sub = 28, .imm = 0xffff0},
      {.code = OP_SUBW, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"add w1, w2, w3, sxtw",
     0x0b23c041,
     1,
     {{.code = OP_ADDW, .rd = 1, .rn = 2, .rm = 3}}},
    {"mov x1, x2", 0xaa0203e1, 1, {{.code = OP_MOV, .rd = 1, .rn = 2}}},
    {"mov w1, wzr", 0x2a1f03e1, 1, {{.code = OP_MOVW, .rd = 1, .rn = X_ZR}}},
    {"orr x1, xzr, x2, ror #7",
     0xaac21fe1,
     1,
     {{.code = OP_RORI, .rd = 1, .rn = 2, .sub = 7}}},
    {"orn w1, w2, w3, lsl #1",
     0x2a230441,
     2,
     {{.code = OP_LSLIW, .rd = X_TMP, .rn = 3, .sub = 1},
      {.code = OP_ORNW, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"bics x1, x2, x3",
     0xea230041,
     1,
     {{.code = OP_BICS, .rd = 1, .rn = 2, .rm = 3}}},
    {"tst w1, w2",
     0x6a02003f,
     1,
     {{.code = OP_ANDSW, .rd = X_SINK, .rn = 1, .rm = 2}}},
    {"eon xzr, x2, x3", 0xca23005f, 0},
    {"adc x1, x2, x3",
     0x9a030041,
     1,
     {{.code = OP_ADC, .rd = 1, .rn = 2, .rm = 3}}},
    {"sbcs w1, w2, wzr",
     0x7a1f0041,
     2,
     {{.code = OP_ORN, .rd = X_TMP, .rn = X_ZR, .rm = X_ZR},
      {.code = OP_ADCSW, .rd = 1, .rn = 2, .rm = X_TMP}}},
    {"adc xzr, x2, x3", 0x9a03005f, 0},
    {"ccmp x1, x2, #5, ne",
     0xfa421025,
     1,
     {{.code = OP_CCMP, .rn = 1, .rm = 2, .sub = 81}}},
    {"ccmn w1, #31, #15, al",
     0x3a5fe82f,
     1,
     {{.code = OP_CCMNIW, .rn = 1, .sub = 254, .imm = 0x1f}}},
    {"csel x1, x2, xzr, lt",
     0x9a9fb041,
     1,
     {{.code = OP_CSEL, .rd = 1, .rn = 2, .rm = X_ZR, .sub = 11}}},
    {"cset w1, eq",
     0x1a9f17e1,
     1,
     {{.code = OP_CSINCW, .rd = 1, .rn = X_ZR, .rm = X_ZR, .sub = 1}}},
    {"csneg xzr, x1, x2, eq", 0xda82043f, 0},
    {"udiv w1, w2, w3",
     0x1ac30841,
     1,
     {{.code = OP_UDIVW, .rd = 1, .rn = 2, .rm = 3}}},
    {"rorv x1, x2, x3",
     0x9ac32c41,
     1,
     {{.code = OP_RORV, .rd = 1, .rn = 2, .rm = 3}}},
    {"rev w1, w2", 0x5ac00841, 1, {{.code = OP_REVW, .rd = 1, .rn = 2}}},
    {"rev32 x1, x2", 0xdac00841, 1, {{.code = OP_REV32, .rd = 1, .rn = 2}}},
    {"rev x1, x2", 0xdac00c41, 1, {{.code = OP_REV, .rd = 1, .rn = 2}}},
    {"rev16 w1, w2", 0x5ac00441, 1, {{.code = OP_REV16W, .rd = 1, .rn = 2}}},
    {"cls x1, x2", 0xdac01441, 1, {{.code = OP_CLS, .rd = 1, .rn = 2}}},
    {"mul x1, x2, x3",
     0x9b037c41,
     1,
     {{.code = OP_MADD, .rd = 1, .rn = 2, .rm = 3, .ra = X_ZR}}},
    {"msub w1, w2, w3, w4",
     0x1b039041,
     1,
     {{.code = OP_MSUBW, .rd = 1, .rn = 2, .rm = 3, .ra = 4}}},
    {"umsubl x1, w2, w3, x4",
     0x9ba39041,
     1,
     {{.code = OP_UMSUBL, .rd = 1, .rn = 2, .rm = 3, .ra = 4}}},
    {"smulh x1, x2, x3",
     0x9b437c41,
     1,
     {{.code = OP_SMULH, .rd = 1, .rn = 2, .rm = 3, .ra = X_ZR}}},
    {"madd xzr, x2, x3, x4", 0x9b03105f, 0},
};

static void test_operations(void)
{
    check_cases(dp_cases, G_N_ELEMENTS(dp_cases), false);
}

static void test_reserved(void)
{
    static const uint32_t insns[] = {
        0x12400020,             /* AND of 32 bits with N */
        0x9240fc20,             /* a mask of ones */
        0x52c00000,             /* MOVZ Wd, lsl #32 */
        0x72c00000,             /* MOVK Wd, lsl #32 */
        0x13400020,             /* SBFM: N is not sf */
        0x93000020, 0x33400020, /* BFM */
        0x53200020,             /* UBFM of 32 bits: immr, imms */
        0x53008020, 0x13c00020, /* EXTR: N is not sf */
        0x13808020,             /* EXTR of 32 bits: imms */
        0x8bc00020,             /* ADD, ror */
        0x0b008020,             /* ADD of 32 bits, lsl #32 */
        0x0a008020,             /* AND of 32 bits, lsl #32 */
        0x8b201420,             /* ADD, extended, #5 */
    };

    check_reserved(insns, G_N_ELEMENTS(insns));
}

/* ---- several instructions at once ---- */

typedef struct Sequence {
    Translator t;
    Op ops[8 * OPS_PER_INSN];
    uint8_t insn_of[8 * OPS_PER_INSN];
} Sequence;

static void translate(Sequence *s, const uint32_t *insns, unsigned n)
{
    s->t = (Translator){.pc = CASE_PC, .ops = s->ops, .insn_of = s->insn_of};
    for (unsigned i = 0; i < n; i++) {
        a64_translate(&s->t, insns[i]);
        s->t.pc += 4;
        s->t.num_insns++;
    }
}

static void check_constant(const Sequence *s, unsigned i, unsigned rd,
                           uint64_t value)
{
    g_assert_cmpuint(s->ops[i].code, ==, OP_MOVI);
    g_assert_cmpuint(s->ops[i].rd, ==, rd);
    g_assert_cmphex(s->ops[i].imm, ==, value);
}

static void test_constant(void)
{
    static const uint32_t insns[] = {
        0xd2e22221 /* movz x1, #0x1111, lsl #48 */,
        0xf2c44441 /* movk x1, #0x2222, lsl #32 */,
        0xf2866661 /* movk x1, #0x3333 */,
        0x91048c22 /* add x2, x1, #0x123 */,
        0x91004042 /* add x2, x2, #0x10 */,
        0xd1000442 /* sub x2, x2, #0x1 */,
        0x72a00122 /* movk w2, #0x9, lsl #16 */,
        0xf2888881 /* movk x1, #0x4444 */
    };
    Sequence s;

    translate(&s, insns, G_N_ELEMENTS(insns));
    g_assert_cmpuint(s.t.num_ops, ==, 4);
    check_constant(&s, 0, 1, 0x1111222200003333);
    check_constant(&s, 1, 2, 0x93465);
    g_assert_cmpuint(s.ops[2].code, ==, OP_ANDI);
    g_assert_cmpuint(s.insn_of[2], ==, 7);
}

/* The datum of a call is not a constant of X0. */
static bool call_nothing(InterpCpu *cpu, const Op *op)
{
    return true;
}

static void test_datum(void)
{
    Sequence s;

    translate(&s, NULL, 0);
    emit_call_datum(&s.t, call_nothing, 0);
    a64_translate(&s.t, 0xf2800020); /* movk x0, #1 */
    g_assert_cmpuint(s.t.num_ops, ==, 4);
    g_assert_cmpuint(s.ops[2].code, ==, OP_ANDI);
}

/* ---- run ---- */

static void test_program(void)
{
    World w;

    world_init(&w);
    g_assert_cmphex(PROGRAM_RUN(&w, 0xd2e22221 /* movz x1, #0x1111, lsl #48 */,
                                0xf2866661 /* movk x1, #0x3333 */,
                                0x10000002 /* adr x2, . */,
                                0x91040042 /* add x2, x2, #0x100 */,
                                0x0b421023 /* add w3, w1, w2, lsr #4 */,
                                0x12800004 /* movn w4, #0 */,
                                0xcb2450c5 /* sub x5, x6, w4, uxtw #4 */),
                    ==, EC_BRK);
    g_assert_cmphex(w.cpu->x[1], ==, 0x1111000000003333);
    g_assert_cmphex(w.cpu->x[2], ==, PROGRAM + 0x108);
    g_assert_cmphex(w.cpu->x[3], ==, 0x3333 + ((PROGRAM + 0x108) >> 4));
    g_assert_cmphex(w.cpu->x[4], ==, 0xffffffff);
    g_assert_cmphex(w.cpu->x[5], ==, -UINT64_C(0xffffffff0));
    g_assert_cmphex(w.cpu->x[X_ZR], ==, 0);
    world_finish(&w);
}

/* "123456789" gives the check values of CRC-32 and CRC-32C. */
static void test_crc32(void)
{
    World w;
    InterpCpu *cpu;

    world_init(&w);
    cpu = w.cpu;
    memcpy(&cpu->x[1], "12345678", 8);
    cpu->x[2] = UINT64_C(0xffffffffffffff00) | '9';
    cpu->x[3] = UINT64_C(0xabcdef00ffffffff); /* the upper half is ignored */
    PROGRAM_RUN(
        &w, 0x9ac14c64 /* crc32x w4, w3, x1 */,
        0x1ac24084 /* crc32b w4, w4, w2 */, 0x9ac15c65 /* crc32cx w5, w3, x1 */,
        0x1ac250a5 /* crc32cb w5, w5, w2 */, 0xd360fc27 /* lsr x7, x1, #32 */,
        0x1ac14866 /* crc32w w6, w3, w1 */, 0x1ac744c6 /* crc32h w6, w6, w7 */,
        0xd350fce7 /* lsr x7, x7, #16 */, 0x1ac744c6 /* crc32h w6, w6, w7 */,
        0x1ac240c6 /* crc32b w6, w6, w2 */,
        0x1ac1587f /* crc32cw wzr, w3, w1 */, 0x2a2403e4 /* mvn w4, w4 */,
        0x2a2503e5 /* mvn w5, w5 */, 0x2a2603e6 /* mvn w6, w6 */);
    g_assert_cmphex(cpu->x[4], ==, 0xcbf43926);
    g_assert_cmphex(cpu->x[5], ==, 0xe3069283);
    g_assert_cmphex(cpu->x[6], ==, 0xcbf43926);
    g_assert_cmphex(cpu->x[X_ZR], ==, 0);
    world_finish(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/translate-dp/operations", test_operations);
    g_test_add_func("/translate-dp/reserved", test_reserved);
    g_test_add_func("/translate-dp/constant", test_constant);
    g_test_add_func("/translate-dp/datum", test_datum);
    g_test_add_func("/translate-dp/program", test_program);
    g_test_add_func("/translate-dp/crc32", test_crc32);
    return g_test_run();
}
