/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * decode.c and the table of instructions: every line can be found, no two are
 * to be confused, every translate function accepts something, and a word finds
 * the instruction that the manual gives it. Random words come from a seed.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "../../accel/interp/decode.h"
#include "interp-program.h"
#include "util/log.h"

enum { TRIES = 20000 };

typedef struct Key {
    uint32_t mask;
    uint32_t value;
} Key;

static Key key_of(const A64Insn *line)
{
    Key key;

    if (!a64_parse_pattern(line->pattern, &key.mask, &key.value)) {
        g_error("%s: not 32 bits: %s", line->name, line->pattern);
    }
    return key;
}

/* ---- patterns ---- */

static void check_pattern(const char *pattern, uint32_t mask, uint32_t value)
{
    uint32_t m;
    uint32_t v;

    g_assert_true(a64_parse_pattern(pattern, &m, &v));
    g_assert_cmphex(m, ==, mask);
    g_assert_cmphex(v, ==, value);
}

static void test_pattern(void)
{
    static const char *const bad[] = {
        "",
        "0000000000000000 imm16:15",
        "0000000000000000 imm16:17",
        "0000000000000000 imm16:99",
        "0000000000000000 imm16:",
        "0000000000000000 imm16:0 0000000000000000",
        "0000000000000000 imm16:-1 00000000000000000",
        "0000000000000002 imm16:16",
        "0000000000000000 imm16",
        "00000000000000000000000000000000 0",
        "000000000000000000000000000000000",
    };
    uint32_t m;
    uint32_t v;

    check_pattern("0000000000000000 imm16:16", 0xffff0000, 0);
    check_pattern("1 x 10 01 imm:25 1", 0xbc000001, 0xa4000001 & 0xbc000001);
    check_pattern("  11111111111111111111111111111111 ", UINT32_MAX,
                  UINT32_MAX);
    check_pattern("a:31 1", 1, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(a64_parse_pattern(bad[i], &m, &v));
    }
}

static void test_not_ambiguous(void)
{
    g_autofree Key *keys = g_new(Key, num_a64_insns);

    for (unsigned i = 0; i < num_a64_insns; i++) {
        keys[i] = key_of(&a64_insns[i]);
        for (unsigned j = 0; j < i; j++) {
            uint32_t common = keys[i].mask & keys[j].mask;
            bool overlap = !((keys[i].value ^ keys[j].value) & common);

            if (overlap && __builtin_popcount(keys[i].mask) ==
                               __builtin_popcount(keys[j].mask)) {
                g_error("%s or %s?", a64_insns[i].name, a64_insns[j].name);
            }
        }
    }
}

/* ---- lines ---- */

static Translator translator(Op *ops, uint8_t *insn_of)
{
    return (Translator){.pc = 0x40001000, .ops = ops, .insn_of = insn_of};
}

static uint32_t random_of(GRand *rand, const Key *key)
{
    return (g_rand_int(rand) & ~key->mask) | key->value;
}

/* Some word is of this line, and its function wants it. */
static bool is_reached(GRand *rand, const A64Insn *line)
{
    Key key = key_of(line);
    Op ops[OPS_PER_INSN];
    uint8_t insn_of[OPS_PER_INSN];

    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t insn = random_of(rand, &key);
        Translator t = translator(ops, insn_of);

        t.insn = insn;
        if (a64_find(insn) == line &&
            (!line->translate || line->translate(&t, insn))) {
            return true;
        }
    }
    return false;
}

static void test_every_line(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    for (unsigned i = 0; i < num_a64_insns; i++) {
        const A64Insn *line = &a64_insns[i];

        g_assert_true((line->translate == NULL) == (line->feature != NULL));
        if (!is_reached(rand, line)) {
            g_error("%s: %s is never decoded", line->name, line->pattern);
        }
    }
}

/* Whatever the word, no more operations than there is room for. */
static void test_room(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(2);
    Op ops[OPS_PER_INSN + 1];
    uint8_t insn_of[OPS_PER_INSN + 1];

    for (unsigned i = 0; i < num_a64_insns * 200; i++) {
        Key key = key_of(&a64_insns[i / 200]);
        uint32_t insn = random_of(rand, &key);
        Translator t = translator(ops, insn_of);

        memset(ops, 0xff, sizeof(ops));
        t.num_insns = 7;
        a64_translate(&t, insn);
        g_assert_cmpuint(t.num_ops, <=, OPS_PER_INSN);
        g_assert_cmpuint(ops[OPS_PER_INSN].code, ==, 0xffff);
        for (unsigned j = 0; j < t.num_ops; j++) {
            g_assert_cmpuint(ops[j].code, <, NUM_OPS);
            g_assert_cmpuint(insn_of[j], ==, 7);
        }
    }
}

typedef struct Word {
    uint32_t insn;
    const char *name; /* NULL: no line */
} Word;

static void test_words(void)
{
    static const Word words[] = {
        {0x00000000, "UDF"},
        {0x91000421, "ADD (immediate)"},
        {0xd1400421, "SUB (immediate)"},
        {0x8b0203e0, "ADD (shifted register)"},
        {0xeb2063ff, "SUBS (extended register)"},
        {0x92401c20, "AND (immediate)"},
        {0xaa0103e0, "ORR (shifted register)"},
        {0xd2800020, "MOVZ"},
        {0xf2a00020, "MOVK"},
        {0x90000000, "ADRP"},
        {0xd3607c20, "UBFM"},
        {0x93c20820, "EXTR"},
        {0x9ac20820, "UDIV"},
        {0x9ac24c20, "CRC32X"},
        {0xdac00c20, "REV (64-bit)"},
        {0x5ac00820, "REV (32-bit)"},
        {0x9b027c20, "MADD"},
        {0x9bc27c20, "UMULH"},
        {0x14000001, "B"},
        {0x54000041, "B.cond"},
        {0x54000051, "BC.cond"},
        {0xd65f03c0, "RET"},
        {0xd65f0bff, "RETAA, RETAB"},
        {0xb4000040, "CBZ"},
        {0xf9400020, "LDR (immediate)"},
        {0xb9800020, "LDRSW (immediate)"},
        {0xa9bf7bfd, "STP (pre-indexed)"},
        {0x69400020, "LDPSW (offset)"},
        {0xf8408420, "LDR (indexed)"},
        {0xf8408820, "LDTR"},
        {0xf8626820, "LDR (register)"},
        {0x58000040, "LDR (literal)"},
        {0xf9800020, "PRFM (immediate)"},
        {0xc85f7c20, "LDXR"},
        {0xc87f0420, "LDXP"},
        {0x08dffc20, "LDARB"},
        {0x48207c82, "CASP"},
        {0xc8a07c41, "CAS"},
        {0xf8200041, "LDADD"},
        {0xf8208041, "SWP"},
        {0xf8bfc020, "LDAPRB, LDAPRH, LDAPR"},
        {0xd503201f, "HINT"},
        {0xd5033f9f, "DSB"},
        {0xd4000001, "SVC"},
        {0x4e284820, "AESE, AESD, AESMC, AESIMC"},
        {0x25208020, "SVE instructions"},
        {0xc0000000, "SME instructions"},
        {0xffffffff, NULL},
        {0x5ac00c20, NULL}, /* REV of 64 bits, of a W register */
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        const A64Insn *line = a64_find(words[i].insn);

        g_assert_cmpstr(line ? line->name : NULL, ==, words[i].name);
    }
}

/* ---- what is not there ---- */

static void test_not_there(void)
{
    /* missing; a reserved field; no line */
    static const uint32_t insns[] = {0x4e284820, 0x8bc203e0, 0xffffffff};
    Op ops[OPS_PER_INSN];
    uint8_t insn_of[OPS_PER_INSN];

    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        Translator t = translator(ops, insn_of);

        a64_translate(&t, insns[i]);
        g_assert_cmpuint(t.num_ops, ==, 3);
        g_assert_cmpuint(ops[0].code, ==, OP_CALLD);
        g_assert_cmpuint(ops[1].code, ==, OP_DATUM);
        g_assert_cmphex(ops[1].imm, ==, insns[i]);
        g_assert_cmpuint(ops[2].code, ==, OP_LEAVE);
        g_assert_true(t.ends);
        g_assert_false(t.fp_checked);
    }
}

static void test_log(void)
{
    g_autofree char *path = g_strdup_printf("%s/test-decode-%d.log",
                                            g_get_tmp_dir(), (int)getpid());
    /* The second one is of the first one's line: once is enough. */
    static const uint32_t insns[] = {0x4e284820, 0x4e284821, 0x8bc203e0,
                                     0xffffffff};
    g_autofree char *text = NULL;
    World w;

    world_init(&w);
    g_assert_true(log_open(path, NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        g_assert_cmphex(PROGRAM_RUN(&w, 0xd503201f, insns[i]), ==, EC_UNKNOWN);
        g_assert_cmpuint(program_stopped_at(&w), ==, 1);
        g_assert_cmphex(w.cpu->sys.esr_el1, ==, 1u << 25);
    }
    log_close();
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(
        text, ==,
        "platypus: warning: interp: CPU 0 at pc 0x40400004: instruction "
        "0x4e284820 (AESE, AESD, AESMC, AESIMC, FEAT_AES) is not implemented\n"
        "platypus: warning: interp: CPU 0 at pc 0x40400004: instruction "
        "0x8bc203e0 (ADD (shifted register)) is not allocated\n"
        "platypus: warning: interp: CPU 0 at pc 0x40400004: instruction "
        "0xffffffff is not allocated\n");
    g_unlink(path);
    world_finish(&w);
}

/* The check is made once, and not at all for what is not there. */
static void test_fp_check(void)
{
    Op ops[3 * OPS_PER_INSN];
    uint8_t insn_of[3 * OPS_PER_INSN];
    Translator t = translator(ops, insn_of);
    unsigned checks = 0;

    a64_translate(&t, 0x1e622820); /* FADD D0, D1, D2 */
    a64_translate(&t, 0x1e622820);
    g_assert_cmpuint(ops[0].code, ==, OP_FPCHECK);
    for (unsigned i = 0; i < t.num_ops; i++) {
        checks += ops[i].code == OP_FPCHECK;
    }
    g_assert_cmpuint(checks, ==, 1);
}

/* ---- DecodeBitMasks() ---- */

/* By the manual's words: an element of esize bits, s + 1 ones, rotated. */
static uint64_t slow_mask(unsigned esize, unsigned ones, unsigned rotate)
{
    uint64_t result = 0;

    for (unsigned i = 0; i < 64; i++) {
        unsigned bit = (i % esize + rotate) % esize;

        result |= (uint64_t)(bit < ones) << i;
    }
    return result;
}

static void test_bit_masks(void)
{
    unsigned valid = 0;

    for (unsigned esize = 2; esize <= 64; esize *= 2) {
        for (unsigned s = 0; s < esize; s++) {
            for (unsigned r = 0; r < esize; r++) {
                unsigned imms = (~(esize * 2 - 1) & 0x3f) | s;
                unsigned n = esize == 64;
                uint64_t w_mask;
                uint64_t t_mask;

                g_assert_true(
                    decode_bit_masks(n, imms, r, false, 64, &w_mask, &t_mask));
                g_assert_cmphex(w_mask, ==, slow_mask(esize, s + 1, r));
                g_assert_cmphex(t_mask, ==,
                                slow_mask(esize, (s - r) % esize + 1, 0));
                g_assert_true(decode_bit_masks(n, imms, r, true, 64, NULL,
                                               NULL) == (s != esize - 1));
                valid += s != esize - 1;
            }
        }
    }
    g_assert_cmpuint(valid, ==, 5334);
}

static void test_bit_masks_reserved(void)
{
    uint64_t mask;

    g_assert_false(decode_bit_masks(0, 0x3f, 0, true, 64, &mask, NULL));
    g_assert_false(decode_bit_masks(0, 0x3e, 0, true, 64, &mask, NULL));
    g_assert_false(decode_bit_masks(1, 0x3f, 0, true, 64, &mask, NULL));
    g_assert_false(decode_bit_masks(1, 0, 0, true, 32, &mask, NULL));
    g_assert_true(decode_bit_masks(0, 0, 0, true, 32, &mask, NULL));
    g_assert_cmphex(mask, ==, 1);
    g_assert_true(decode_bit_masks(0, 0x3c, 1, true, 32, &mask, NULL));
    g_assert_cmphex(mask, ==, 0xaaaaaaaa);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decode/pattern", test_pattern);
    g_test_add_func("/decode/not-ambiguous", test_not_ambiguous);
    g_test_add_func("/decode/every-line", test_every_line);
    g_test_add_func("/decode/room", test_room);
    g_test_add_func("/decode/words", test_words);
    g_test_add_func("/decode/not-there", test_not_there);
    g_test_add_func("/decode/log", test_log);
    g_test_add_func("/decode/fp-check", test_fp_check);
    g_test_add_func("/decode/bit-masks", test_bit_masks);
    g_test_add_func("/decode/bit-masks-reserved", test_bit_masks_reserved);
    return g_test_run();
}
