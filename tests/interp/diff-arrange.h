/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "diff-format.h"

/*
 * Makes of a random word and random registers a case that means something: an
 * address register points at the data, a branch stays near, a system register
 * is one that EL0 may know. What the architecture calls UNPREDICTABLE is
 * avoided, and so is what belongs to the machine rather than to the CPU.
 */
typedef struct DiffPlace {
    unsigned index;    /* of the word in the case's code */
    unsigned words;    /* how many the code will have */
    unsigned template; /* the case's, for what is in memory */
    uint32_t used;     /* general registers (bit 31: SP) that address memory */
    uint32_t written;  /* those that words before may have changed */
} DiffPlace;

/**
 * Gives @word, for @place, operands in @state, and changes its immediate where
 * it addresses memory; bits of @fixed stay as they are. Returns false if the
 * word, or this use of it, is to be avoided.
 */
bool diff_arrange(uint32_t *word, uint32_t fixed, DiffPlace *place,
                  DiffState *state, uint64_t *random);

/**
 * General registers that @word may write, as bits; 31 is SP. An address that
 * it steps is not among them.
 */
uint32_t diff_may_write(uint32_t word);
