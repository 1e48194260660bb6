/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "diff-format.h"

/*
 * Operands that are likelier than noise to show an error: of integers those
 * around zero, the ends and powers of two; of floating-point numbers every
 * kind there is, ties, and exponents close to each other. All functions draw
 * from *@random (never 0), so that a seed repeats a run.
 */

/** True once in @n. */
static inline bool diff_one_in(uint64_t *random, unsigned n)
{
    return (diff_random(random) >> 33) % n == 0;
}

/** Below @n. */
static inline unsigned diff_below(uint64_t *random, unsigned n)
{
    return (diff_random(random) >> 33) % n;
}

/** For a general register. */
uint64_t diff_integer(uint64_t *random);
/** All of @state; with @floats more floating-point numbers than integers. */
void diff_random_state(DiffState *state, bool floats, uint64_t *random);
