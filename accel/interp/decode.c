/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder. The patterns of a64-table.h are text; the first search turns
 * them into masks and sorts them into buckets by the highest 11 bits of the
 * instruction, the most specific first. A bucket holds every line that could
 * fit, so a line with fields up there is in several.
 *
 * Surprise: an instruction of a feature that this CPU has not got has a line,
 * too. It is UNDEFINED like a word without a line, but the log can name it.
 */

#include <pthread.h>
#include <string.h>

#include "cpu.h"
#include "decode.h"
#include "util/log.h"

const A64Insn a64_insns[] = {
#define A64(name, fn, pattern) {name, translate_##fn, pattern, NULL, false},
#define A64_FP(name, fn, pattern) {name, translate_##fn, pattern, NULL, true},
#define A64_MISSING(name, feature, pattern) \
    {name, NULL, pattern, feature, false},
#include "a64-table.h"
};

const unsigned num_a64_insns = G_N_ELEMENTS(a64_insns);

#define BUCKET_BITS 11
#define NUM_BUCKETS (1u << BUCKET_BITS)

typedef struct Key {
    uint32_t mask;
    uint32_t value;
} Key;

static Key keys[G_N_ELEMENTS(a64_insns)];
/* Of each bucket, the numbers of its lines. */
static GArray *buckets[NUM_BUCKETS];
/* The log has had this line. */
static _Atomic bool logged[G_N_ELEMENTS(a64_insns)];

/* ---- patterns ---- */

/* One part of a pattern; the number of bits that it stands for, or 0. */
static unsigned parse_token(const char *token, uint32_t *mask, uint32_t *value)
{
    const char *colon = strchr(token, ':');
    unsigned n = 0;

    *mask = 0;
    *value = 0;
    if (colon) {
        guint64 width;

        return g_ascii_string_to_unsigned(colon + 1, 10, 1, 31, &width, NULL)
                   ? width
                   : 0;
    }
    for (; token[n]; n++) {
        if (n == 32 || !strchr("01x", token[n])) {
            return 0;
        }
        *mask = *mask << 1 | (token[n] != 'x');
        *value = *value << 1 | (token[n] == '1');
    }
    return n;
}

bool a64_parse_pattern(const char *pattern, uint32_t *mask, uint32_t *value)
{
    g_auto(GStrv) tokens = g_strsplit(pattern, " ", -1);
    uint64_t all_mask = 0;
    uint64_t all_value = 0;
    unsigned total = 0;

    for (char **token = tokens; *token; token++) {
        uint32_t m;
        uint32_t v;
        unsigned n = **token ? parse_token(*token, &m, &v) : 0;

        if (**token && !n) {
            return false;
        }
        if (n) {
            all_mask = all_mask << n | m;
            all_value = all_value << n | v;
            total += n;
        }
        if (total > 32) {
            return false;
        }
    }
    *mask = all_mask;
    *value = all_value;
    return total == 32;
}

/* ---- the search ---- */

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    unsigned i = *(const uint16_t *)a;
    unsigned j = *(const uint16_t *)b;
    int fixed_i = __builtin_popcount(keys[i].mask);
    int fixed_j = __builtin_popcount(keys[j].mask);

    return fixed_i != fixed_j ? fixed_j - fixed_i : (int)i - (int)j;
}

static void add_to_buckets(uint16_t line)
{
    uint32_t mask = keys[line].mask >> (32 - BUCKET_BITS);
    uint32_t value = keys[line].value >> (32 - BUCKET_BITS);

    for (unsigned i = 0; i < NUM_BUCKETS; i++) {
        if ((i & mask) == value) {
            g_array_append_val(buckets[i], line);
        }
    }
}

static void make_buckets(void)
{
    for (unsigned i = 0; i < NUM_BUCKETS; i++) {
        buckets[i] = g_array_new(false, false, sizeof(uint16_t));
    }
    for (unsigned i = 0; i < num_a64_insns; i++) {
        bool good = a64_parse_pattern(a64_insns[i].pattern, &keys[i].mask,
                                      &keys[i].value);

        g_assert(good);
        add_to_buckets(i);
    }
    for (unsigned i = 0; i < NUM_BUCKETS; i++) {
        g_array_sort(buckets[i], compare_lines);
    }
}

const A64Insn *a64_find(uint32_t insn)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const GArray *bucket;

    pthread_once(&once, make_buckets);
    bucket = buckets[insn >> (32 - BUCKET_BITS)];
    for (unsigned i = 0; i < bucket->len; i++) {
        uint16_t line = g_array_index(bucket, uint16_t, i);

        if ((insn & keys[line].mask) == keys[line].value) {
            return &a64_insns[line];
        }
    }
    return NULL;
}

/* ---- what there is not ---- */

static void log_undefined(uint64_t pc, unsigned index, uint32_t insn)
{
    static LogLimit limit;
    const A64Insn *line = a64_find(insn);

    if (!line) {
        warn_report_limited(&limit,
                            "interp: CPU %u at pc 0x%" PRIx64
                            ": instruction 0x%08x is not allocated",
                            index, pc, insn);
    } else if (!atomic_exchange(&logged[line - a64_insns], true)) {
        bool missing = !line->translate;

        warn_report_limited(&limit,
                            "interp: CPU %u at pc 0x%" PRIx64
                            ": instruction 0x%08x (%s%s%s) is not %s",
                            index, pc, insn, line->name, missing ? ", " : "",
                            missing ? line->feature : "",
                            missing ? "implemented" : "allocated");
    }
}

static bool op_not_there(InterpCpu *cpu, const Op *op)
{
    log_undefined(cpu_pc(cpu, op), cpu->index, op[1].imm);
    return cpu_undefined(cpu, op);
}

void a64_translate(Translator *t, uint32_t insn)
{
    const A64Insn *line = a64_find(insn);
    Translator before = *t;

    t->insn = insn;
    if (line && line->translate) {
        if (line->fp && !t->fp_checked) {
            emit(t, OP_FPCHECK);
            t->fp_checked = true;
        }
        if (line->translate(t, insn)) {
            return;
        }
    }
    *t = before;
    t->insn = insn;
    emit_call_datum(t, op_not_there, insn);
    emit(t, OP_LEAVE);
    t->ends = true;
}

/* ---- operations ---- */

Op *emit(Translator *t, OpCode code)
{
    Op *op = &t->ops[t->num_ops];

    *op = (Op){.code = code};
    t->insn_of[t->num_ops++] = t->num_insns;
    return op;
}

Op *emit_dnm(Translator *t, OpCode code, unsigned rd, unsigned rn, unsigned rm)
{
    Op *op = emit(t, code);

    op->rd = rd;
    op->rn = rn;
    op->rm = rm;
    return op;
}

Op *emit_dni(Translator *t, OpCode code, unsigned rd, unsigned rn, uint64_t imm)
{
    Op *op = emit(t, code);

    op->rd = rd;
    op->rn = rn;
    op->imm = imm;
    return op;
}

Op *emit_call(Translator *t, OpFn *fn)
{
    Op *op = emit(t, OP_CALL);

    op->imm = (uintptr_t)fn;
    return op;
}

Op *emit_call_datum(Translator *t, OpFn *fn, uint64_t datum)
{
    Op *op = emit_call(t, fn);

    op->code = OP_CALLD;
    /* Is skipped; it must not look like an end, nor like a constant. */
    emit(t, OP_DATUM)->imm = datum;
    return op;
}

void emit_check_sp(Translator *t, unsigned rn)
{
    if (rn == X_SP && !t->sp_checked) {
        emit(t, OP_SPCHECK);
        t->sp_checked = true;
    }
}

void emit_writeback(Translator *t, unsigned rn, uint64_t imm)
{
    emit_dni(t, OP_ADDI, rn, rn, imm);
    if (rn == X_SP && imm & 15) {
        t->sp_checked = false;
    }
}

/* ---- constants ---- */

static uint64_t low_ones(unsigned n)
{
    return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* @element, of @esize bits, rotated right by @r and repeated to @size bits. */
static uint64_t replicate(uint64_t element, unsigned esize, unsigned r,
                          unsigned size)
{
    uint64_t result = 0;

    if (r) {
        element = (element >> r | element << (esize - r)) & low_ones(esize);
    }
    for (unsigned i = 0; i < size; i += esize) {
        result |= element << i;
    }
    return result;
}

bool decode_bit_masks(unsigned n, unsigned imms, unsigned immr, bool immediate,
                      unsigned size, uint64_t *w_mask, uint64_t *t_mask)
{
    unsigned high = n << 6 | (~imms & 0x3f);
    unsigned esize;
    unsigned s;
    unsigned r;

    if (high < 2) {
        return false;
    }
    esize = 1u << (31 - __builtin_clz(high));
    s = imms & (esize - 1);
    r = immr & (esize - 1);
    if (esize > size || (immediate && s == esize - 1)) {
        return false;
    }
    if (w_mask) {
        *w_mask = replicate(low_ones(s + 1), esize, r, size);
    }
    if (t_mask) {
        *t_mask =
            replicate(low_ones(((s - r) & (esize - 1)) + 1), esize, 0, size);
    }
    return true;
}
