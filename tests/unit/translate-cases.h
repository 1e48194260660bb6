/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "../../accel/interp/decode.h"

/*
 * For tests of translate functions: an instruction at CASE_PC, the first of
 * its block, and the operations that it makes.
 */
#define CASE_PC UINT64_C(0x40001000)

typedef struct Case {
    const char *text;
    uint32_t insn;
    unsigned num_ops;
    Op ops[3];
} Case;

static inline void case_compare(const char *text, unsigned i, const Op *op,
                                const Op *expected)
{
    if (op->code != expected->code || op->rd != expected->rd ||
        op->rn != expected->rn || op->rm != expected->rm ||
        op->ra != expected->ra || op->sub != expected->sub ||
        op->imm != expected->imm) {
        g_error("%s, operation %u: code %u rd %u rn %u rm %u ra %u sub %u "
                "imm 0x%" PRIx64,
                text, i, op->code, op->rd, op->rn, op->rm, op->ra, op->sub,
                op->imm);
    }
}

static inline void check_cases(const Case *cases, unsigned n, bool ends)
{
    Op ops[OPS_PER_INSN];
    uint8_t insn_of[OPS_PER_INSN];

    for (unsigned i = 0; i < n; i++) {
        const Case *c = &cases[i];
        Translator t = {.pc = CASE_PC, .ops = ops, .insn_of = insn_of};

        a64_translate(&t, c->insn);
        if (t.num_ops != c->num_ops || t.ends != ends) {
            g_error("%s: %u operations", c->text, t.num_ops);
        }
        for (unsigned j = 0; j < t.num_ops; j++) {
            case_compare(c->text, j, &ops[j], &c->ops[j]);
        }
    }
}

/** Each of @insns has a line, whose function finds the fields reserved. */
static inline void check_reserved(const uint32_t *insns, unsigned n)
{
    Op ops[OPS_PER_INSN];
    uint8_t insn_of[OPS_PER_INSN];

    for (unsigned i = 0; i < n; i++) {
        const A64Insn *line = a64_find(insns[i]);
        Translator t = {.pc = CASE_PC, .ops = ops, .insn_of = insn_of};

        g_assert_true(line && line->translate);
        t.insn = insns[i];
        if (line->translate(&t, insns[i])) {
            g_error("0x%08x is a %s", insns[i], line->name);
        }
    }
}
