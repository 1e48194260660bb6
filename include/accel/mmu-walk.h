/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/memory.h"

/*
 * The walk of a guest's translation tables: VMSAv8-64, stage 1 of the EL1&0
 * regime, 48-bit addresses, little endian, as Armv8.0 has it with FEAT_PAN
 * (Arm ARM, D5.2 to D5.4). It is a function of the registers below and of what
 * memory holds; it changes neither (no hardware update of the access flag, and
 * the contiguous hint is ignored).
 */
typedef struct MmuRegs {
    uint64_t sctlr; /* the registers SCTLR_EL1 ... MAIR_EL1 */
    uint64_t ttbr0;
    uint64_t ttbr1;
    uint64_t tcr;
    uint64_t mair;
    unsigned phys_bits; /* PAMax(), at most 48 */
} MmuRegs;

/**
 * Reads the descriptor (8 bytes, aligned) at physical address @pa; false if
 * that cannot be: an external abort on the walk.
 */
typedef bool MmuReadFn(void *opaque, hwaddr pa, uint64_t *desc);

/* Fault status codes as in ESR_ELx and PAR_EL1; those of MMU_HAS_LEVEL are
 * added to a level, 0 to 3. */
enum {
    MMU_FAULT_ADDRESS_SIZE = 0x00, /* and level */
    MMU_FAULT_TRANSLATION = 0x04,  /* and level */
    MMU_FAULT_ACCESS_FLAG = 0x08,  /* and level */
    MMU_FAULT_PERMISSION = 0x0c,   /* and level */
    MMU_FAULT_WALK_ABORT = 0x14,   /* and level */
    MMU_FAULT_ALIGNMENT = 0x21,
    MMU_FAULT_UNSUPPORTED = 0x35, /* exclusive or atomic access */
};

/* What may be done. */
enum {
    MMU_PERM_READ = 1 << 0,
    MMU_PERM_WRITE = 1 << 1,
    MMU_PERM_EXEC = 1 << 2,
};

/** MmuPage: what mmu_walk() found. */
typedef struct MmuPage {
    hwaddr pa;          /* of the address that was asked for */
    uint64_t page_size; /* bytes that the page or block descriptor maps */
    uint8_t el0;        /* MMU_PERM_*: at EL0, */
    uint8_t el1;        /* at EL1, */
    uint8_t el1_pan;    /* at EL1 with PSTATE.PAN set */
    uint8_t level;      /* of the descriptor, for permission faults */
    uint8_t attr;       /* the byte of MAIR_EL1 */
    uint8_t sh;         /* shareability, as PAR_EL1.SH shows it */
    bool device;        /* data accesses have to be aligned */
    bool ng;            /* of one ASID only */
    uint8_t fault;      /* a fault status code, after failure only */
} MmuPage;

/**
 * Translates @va; true if some page is there, whatever its permissions say.
 * False: page->fault is set and nothing else. With the MMU off every address
 * up to the physical size is itself, and Device memory. Any thread.
 */
bool mmu_walk(const MmuRegs *regs, uint64_t va, MmuReadFn *read, void *opaque,
              MmuPage *page);

/** @va without its tag (TCR_EL1.TBI0, TBI1), bit 55 copied upwards. */
uint64_t mmu_untag(const MmuRegs *regs, uint64_t va);

/** True when addresses of the half that bit 55 of @va says are tagged. */
static inline bool mmu_is_tagged(uint64_t tcr, uint64_t va)
{
    return tcr >> (va >> 55 & 1 ? 38 : 37) & 1;
}
