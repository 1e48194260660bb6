/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/*
 * Blocks: runs of instructions that are entered at the start and left at the
 * end, decoded once. Each vCPU has its own cache of them, keyed by virtual
 * address and by host address of the code (hence physical page). A block never
 * crosses a page. docs/engine.md tells how they are found and forgotten.
 */
typedef struct BlockLink {
    Block *to;
    uint64_t epoch; /* of the target's half, when it was found */
} BlockLink;

struct Block {
    uint64_t pc;
    uint64_t end_pc;      /* of the instruction after it */
    const uint32_t *code; /* host address */
    uint8_t el;           /* that it runs at */
    Block *next;          /* of the same hash */
    Block *page_next;     /* of the same page's hash */
    uint16_t num_ops;
    uint16_t num_insns;
    const uint8_t *insn_of; /* per operation, the number of its instruction */
    BlockLink links[2];     /* after it: not taken (0), taken (1) */
    Op ops[];
};

BlockCache *block_cache_new(void);
void block_cache_free(BlockCache *cache);

/**
 * The block at @cpu's pc, decoded if need be. NULL: an instruction abort or a
 * PC alignment fault was taken, pc is at its vector.
 */
Block *block_find(InterpCpu *cpu);
/**
 * The same, for the block that follows @from by its link @i; the link is set.
 * @from may be gone after this.
 */
Block *block_find_linked(InterpCpu *cpu, Block *from, unsigned i);
/** One instruction alone, not cached; valid until the next of these calls. */
Block *block_single(InterpCpu *cpu);

/** No block of the page at @host_page, or none at all, is run any more. */
void block_forget_page(InterpCpu *cpu, const void *host_page);
void block_forget_all(InterpCpu *cpu);

/**
 * Runs blocks, from cpu->pc on, until an event is posted or was there before.
 * With @first (at cpu->pc) that one is run in any case. cpu->pc is valid on
 * return.
 */
void cpu_execute(InterpCpu *cpu, Block *first);
