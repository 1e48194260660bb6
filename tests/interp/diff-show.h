/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "diff-compare.h"

/**
 * Makes @c, on which the verdict is DIFF_DIFFERENT (or a program dies of it),
 * smaller while that stays so.
 */
void diff_minimise(DiffJudge *judge, DiffCase *c);
/**
 * Prints @c: its words, disassembled; the registers that are not 0; and what
 * the two sides make of them where they differ. Each line begins with "# ".
 */
void diff_show(DiffJudge *judge, const DiffCase *c);
