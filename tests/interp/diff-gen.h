/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "diff-format.h"
#include "diff-table.h"

/*
 * Cases of a class: a line of the emulator's own table of instructions, so
 * that what is added there is tested, or one of the kinds that are no line.
 */
typedef enum DiffKind {
    DIFF_LINE,        /* one instruction */
    DIFF_SEQUENCE,    /* two to eight of the lines' good words */
    DIFF_EXCLUSIVE,   /* a load-exclusive and its store */
    DIFF_UNALLOCATED, /* one word that no line has */
    DIFF_MISSING,     /* one that our CPU has not got: undefined */
} DiffKind;

typedef struct DiffClass {
    const char *name;
    DiffKind kind;
    const DiffLine *line; /* of DIFF_LINE */
} DiffClass;

/**
 * Fills in @n cases of @class; false if it has none, since every word of the
 * line is to be avoided (diff-arrange.h).
 */
bool diff_generate(const DiffClass *class, DiffCase *cases, unsigned n,
                   uint64_t *random);
