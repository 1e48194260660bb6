/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/debug.h"

/*
 * The registers in gdb's order, which is that of the target description: the
 * features org.gnu.gdb.aarch64.core (x0 to x30, sp, pc, cpsr) and .fpu (v0 to
 * v31, fpsr, fpcr).
 */
#define GDB_NUM_REGS 68

/** Register @n of @regs, and its size in bytes; NULL: there is none. */
void *gdb_reg(GuestRegs *regs, unsigned n, size_t *size);

/** The target description; static. */
extern const char gdb_target_xml[];
