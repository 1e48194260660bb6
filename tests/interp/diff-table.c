/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of instructions as the differential test has it; diff-table.h. A
 * pattern is words: `name:width`, or bits, of which x is any.
 */

#include "diff-table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DiffLine diff_lines[] = {
#define A64(insn, fn, bits) {.name = insn, .pattern = bits},
#define A64_FP(insn, fn, bits) A64(insn, fn, bits)
#define A64_MISSING(insn, feature, bits) \
    {.name = insn, .pattern = bits, .missing = true},
#include "../../accel/interp/a64-table.h"
};

const unsigned num_diff_lines = sizeof(diff_lines) / sizeof(*diff_lines);

/* Adds the word at *@at, which is moved on; the number of its bits. */
static unsigned parse_word(const char **at, uint32_t *mask, uint32_t *value)
{
    size_t length = strcspn(*at, " ");
    const char *colon = memchr(*at, ':', length);
    unsigned width = colon ? strtoul(colon + 1, NULL, 10) : length;

    for (unsigned i = 0; i < width; i++) {
        char bit = colon ? 'x' : (*at)[i];

        *mask = *mask << 1 | (bit == '0' || bit == '1');
        *value = *value << 1 | (bit == '1');
    }
    *at += length + strspn(*at + length, " ");
    return width;
}

bool diff_table_init(void)
{
    for (unsigned i = 0; i < num_diff_lines; i++) {
        DiffLine *line = &diff_lines[i];
        const char *at = line->pattern;
        unsigned total = 0;

        while (*at) {
            total += parse_word(&at, &line->mask, &line->value);
        }
        if (total != 32) {
            fprintf(stderr, "%s: %u bits\n", line->name, total);
            return false;
        }
    }
    return true;
}

const DiffLine *diff_find(uint32_t word)
{
    const DiffLine *best = NULL;

    for (unsigned i = 0; i < num_diff_lines; i++) {
        const DiffLine *line = &diff_lines[i];

        if ((word & line->mask) == line->value &&
            (!best ||
             __builtin_popcount(line->mask) > __builtin_popcount(best->mask))) {
            best = line;
        }
    }
    return best;
}
