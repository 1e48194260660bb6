/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The emulator's table of instructions (accel/interp/a64-table.h), read anew:
 * the test has the emulator's names and patterns, and none of its code.
 */
typedef struct DiffLine {
    const char *name;
    const char *pattern;
    bool missing;  /* our CPU has not got it */
    uint32_t mask; /* the bits that are fixed */
    uint32_t value;
    /* Words of it that both sides run: what sequences are made of. */
    uint32_t *good;
    unsigned num_good;
} DiffLine;

extern DiffLine diff_lines[];
extern const unsigned num_diff_lines;

/** Before anything else: masks and values. False: a pattern is wrong. */
bool diff_table_init(void);
/** The line with @word and the most fixed bits, or NULL. */
const DiffLine *diff_find(uint32_t word);
