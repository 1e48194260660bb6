/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "diff-run.h"

/*
 * Compares what our CPU makes of cases with what the oracle does. The oracle
 * has instructions of later architectures; what it does and ours does not is
 * shown to a second one, of Armv8.0, and is no difference if that one agrees
 * with ours.
 */
typedef enum DiffVerdict {
    DIFF_EQUAL,
    DIFF_LATER, /* equal to the second oracle, not to the first */
    DIFF_DIFFERENT,
} DiffVerdict;

typedef struct DiffJudge {
    DiffRunner oracle;
    DiffRunner v8_0;
    DiffRunner ours;
    bool undefined;    /* no oracle is asked: each case is an undefined word */
    const char *spoil; /* self-test: what of our results to falsify, or NULL */
} DiffJudge;

enum { DIFF_BATCH = 128 };

/**
 * The verdicts on @n cases (at most DIFF_BATCH), and the results: @oracle's
 * are the second oracle's where that was asked. False if a program died.
 */
bool diff_judge(DiffJudge *judge, const DiffCase *cases, unsigned n,
                DiffVerdict *verdicts, DiffResult *oracle, DiffResult *ours,
                Error **errp);
