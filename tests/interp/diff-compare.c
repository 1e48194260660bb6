/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verdicts of the differential test; see diff-compare.h.
 */

#include "diff-compare.h"

#include <string.h>

#include "diff-show.h"

/* For the self-test: one bit of one part of a result. */
static void spoil(DiffResult *result, const char *what)
{
    DiffState *state = &result->state;

    if (strcmp(what, "x") == 0) {
        state->x[17] ^= 1;
    } else if (strcmp(what, "sp") == 0) {
        state->sp ^= 1ull << 63;
    } else if (strcmp(what, "v") == 0) {
        state->v[31][1] ^= 1;
    } else if (strcmp(what, "nzcv") == 0) {
        state->nzcv ^= 1u << 28;
    } else if (strcmp(what, "fpcr") == 0) {
        state->fpcr ^= 1u << 24;
    } else if (strcmp(what, "fpsr") == 0) {
        state->fpsr ^= 1u << 27;
    } else if (strcmp(what, "tpidr") == 0) {
        state->tpidr ^= 1;
    } else if (strcmp(what, "pc") == 0) {
        state->pc ^= 4;
    } else if (strcmp(what, "stop") == 0) {
        result->stop ^= DIFF_STOP_ILL;
    } else if (strcmp(what, "memory") == 0) {
        result->hash ^= 1;
    } else {
        result->fault ^= 0x1000;
    }
}

static uint32_t word_at_pc(const DiffCase *c, const DiffResult *result)
{
    uint64_t index = (result->state.pc - DIFF_START) / 4;

    return index < c->words ? c->code[index] : 0;
}

/* FEAT_LSE is ours and not the second oracle's: it knows nothing of that. */
static bool is_lse(uint32_t word)
{
    bool pair_or_cas = (word & 0x3f207c00) == 0x08207c00;
    bool atomic = (word & 0x3f200c00) == 0x38200000;

    return pair_or_cas || atomic;
}

/*
 * Where one of several accesses of an instruction faults, the registers that
 * it loads are UNKNOWN (Arm ARM, D1, "Definition of a precise exception"), and
 * which of the accesses is made first, hence faults, is open (B2.2.1).
 */
static void forget_unknown(const DiffCase *c, DiffResult *result)
{
    uint32_t word = word_at_pc(c, result);
    bool pair = (word & 0x3a000000) == 0x28000000;
    bool structure = (word & 0xbe000000) == 0x0c000000;
    unsigned rt = word & 31, rt2 = word >> 10 & 31;

    if ((result->stop != DIFF_STOP_SEGV && result->stop != DIFF_STOP_BUS) ||
        (!pair && !structure)) {
        return;
    }
    result->fault = 0;
    for (unsigned i = 0; i < 32; i++) {
        if ((structure && ((i - rt) & 31) < 4) ||
            (pair && (word >> 26 & 1) && (i == rt || i == rt2))) {
            memset(result->state.v[i], 0, sizeof(result->state.v[i]));
        }
    }
}

/* The fault's address is the oracle's host's where an access has two pages. */
static bool equal(const DiffResult *a, const DiffResult *b)
{
    return memcmp(&a->state, &b->state, sizeof(a->state)) == 0 &&
           a->stop == b->stop && a->fault >> 12 == b->fault >> 12 &&
           a->changed == b->changed && a->hash == b->hash &&
           memcmp(a->change, b->change, sizeof(a->change)) == 0;
}

static bool same(const DiffCase *c, DiffResult a, DiffResult b)
{
    forget_unknown(c, &a);
    forget_unknown(c, &b);
    return equal(&a, &b);
}

/* Asks the second oracle about those cases that differ. */
static bool ask_again(DiffJudge *judge, const DiffCase *cases, unsigned n,
                      DiffVerdict *verdicts, DiffResult *oracle,
                      const DiffResult *ours, Error **errp)
{
    static DiffCase open[DIFF_BATCH];
    static DiffResult answers[DIFF_BATCH];
    unsigned which[DIFF_BATCH], num = 0;
    DiffRunner *runner = &judge->v8_0;
    DiffResult *to = answers;

    for (unsigned i = 0; i < n; i++) {
        if (verdicts[i] == DIFF_DIFFERENT) {
            open[num] = cases[i];
            which[num++] = i;
        }
    }
    if (num == 0 || judge->undefined) {
        return true;
    }
    if (!diff_run(&runner, 1, open, num, &to, errp)) {
        return false;
    }
    for (unsigned i = 0; i < num; i++) {
        bool knows = answers[i].stop != DIFF_STOP_ILL ||
                     !is_lse(word_at_pc(&open[i], &answers[i]));

        if (knows && same(&open[i], answers[i], ours[which[i]])) {
            verdicts[which[i]] = DIFF_LATER;
            oracle[which[i]] = answers[i];
        }
    }
    return true;
}

/* What an undefined instruction is to do. */
static void expect_undefined(const DiffCase *cases, unsigned n,
                             DiffResult *results)
{
    for (unsigned i = 0; i < n; i++) {
        results[i] =
            (DiffResult){.state = cases[i].state, .stop = DIFF_STOP_ILL};
        results[i].state.pc = DIFF_START;
    }
}

static bool run(DiffJudge *judge, const DiffCase *cases, unsigned n,
                DiffResult *oracle, DiffResult *ours, Error **errp)
{
    DiffRunner *runners[] = {&judge->ours, &judge->oracle};
    DiffResult *results[] = {ours, oracle};
    unsigned num = judge->undefined ? 1 : 2;

    if (!diff_run(runners, num, cases, n, results, errp)) {
        /* What they have read and not answered must not be answered later. */
        diff_runner_finish(&judge->oracle);
        diff_runner_finish(&judge->ours);
        return false;
    }
    if (judge->undefined) {
        expect_undefined(cases, n, oracle);
    }
    return true;
}

bool diff_judge(DiffJudge *judge, const DiffCase *cases, unsigned n,
                DiffVerdict *verdicts, DiffResult *oracle, DiffResult *ours,
                Error **errp)
{
    if (!run(judge, cases, n, oracle, ours, errp)) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        if (judge->spoil) {
            spoil(&ours[i], judge->spoil);
        }
        verdicts[i] =
            same(&cases[i], oracle[i], ours[i]) ? DIFF_EQUAL : DIFF_DIFFERENT;
    }
    return ask_again(judge, cases, n, verdicts, oracle, ours, errp);
}
