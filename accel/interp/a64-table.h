/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The A64 instruction set, one line an instruction, group after group as
 * chapter C4 of the Arm ARM has them. decode.h says how a line is read.
 * Included several times, each time with other macros, hence no guard.
 */
/* clang-format off */
#ifndef A64_FP
#define A64_FP(name, fn, pattern) A64(name, fn, pattern)
#endif
#ifndef A64_MISSING
#define A64_MISSING(name, feature, pattern)
#endif

#include "a64-dp.h"
#include "a64-branch.h"
#include "a64-system.h"
#include "a64-ldst.h"
#include "a64-fp.h"
#include "a64-simd.h"
#include "a64-simd-ldst.h"
#include "a64-missing.h"

#undef A64
#undef A64_FP
#undef A64_MISSING
/* clang-format on */
