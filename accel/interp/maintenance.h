/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/*
 * The instructions SYS: caches, TLB, address translation. @op: rd is the
 * register with the address or argument, sub the encoding (SYSREG(1, ...)).
 */
typedef struct SysInsn {
    const char *name;
    uint32_t encoding;
    OpFn *fn;
} SysInsn;

/** The instruction of that encoding, or NULL. Any thread. */
const SysInsn *sys_find(uint32_t encoding);
