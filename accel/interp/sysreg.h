/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/*
 * System registers, and the system instructions that are encoded like one
 * (SYS: IC, DC, AT, TLBI), by their encoding.
 */
typedef struct SysReg SysReg;

struct SysReg {
    const char *name;
    uint32_t encoding; /* SYSREG() */
    uint16_t offset;   /* in InterpCpu, of registers that are only storage */
    uint16_t flags;
    uint64_t value; /* what a constant reads as */
    /* NULL: by storage or constant. */
    uint64_t (*read)(InterpCpu *cpu, const SysReg *reg);
    /* NULL: to storage. */
    void (*write)(InterpCpu *cpu, const SysReg *reg, uint64_t value);
};

enum {
    REG_READ = 1 << 0,
    REG_WRITE = 1 << 1,
    REG_EL0_READ = 1 << 2,
    REG_EL0_WRITE = 1 << 3,
    REG_CONST = 1 << 4,
    REG_FP = 1 << 5,   /* trapped with FP and SIMD */
    REG_GIC = 1 << 6,  /* the interrupt controller's, ICC_* */
    REG_KEEP = 1 << 7, /* a write changes nothing that blocks depend on */
    /* EL0 may only if this bit of CNTKCTL_EL1, SCTLR_EL1 says so. */
    REG_EL0PCTEN = 1 << 8,
    REG_EL0VCTEN = 1 << 9,
    REG_EL0PTEN = 1 << 10,
    REG_EL0VTEN = 1 << 11,
    REG_UCT = 1 << 12,
    REG_UMA = 1 << 13,
};

/** The register of that encoding, or NULL. Any thread. */
const SysReg *sysreg_find(uint32_t encoding);

/* As an MRS or MSR at the present exception level; op[1].imm is the SysReg. */
bool sysreg_op_read(InterpCpu *cpu, const Op *op);
bool sysreg_op_write(InterpCpu *cpu, const Op *op);

/**
 * A trapped access from EL0: EC_SYSREG with the ISS of @encoding and @rt.
 * Returns false.
 */
bool sysreg_trap(InterpCpu *cpu, const Op *op, uint32_t encoding, unsigned rt,
                 bool is_read);
