/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "block.h"

/*
 * The part of a vCPU's block cache that execute.c looks at itself: which block
 * an indirect branch went to the last time. The rest is block.c's.
 */
#define JUMP_BITS 12

typedef struct Jump {
    Block *block;
    uint64_t pc;
    uint64_t stamp; /* block_stamp() when it was found; 0: never */
} Jump;

struct BlockCache {
    Jump jumps[1 << JUMP_BITS];
    Block **buckets; /* by code and address */
    Block **pages;   /* by page of code */
    uint8_t *arena;  /* blocks, one after the other */
    size_t used;
    Block *single;
    unsigned resets; /* how often the arena was full */
};

/** Where a block at @pc would be remembered. */
static inline Jump *block_jump(InterpCpu *cpu, uint64_t pc)
{
    return &cpu->cache->jumps[(pc >> 2 ^ pc >> (JUMP_BITS + 2)) &
                              ((1 << JUMP_BITS) - 1)];
}

/** Present epoch of the half with @pc, and the exception level. Not 0. */
static inline uint64_t block_stamp(const InterpCpu *cpu, uint64_t pc)
{
    return cpu->epoch[pc >> 63] << 1 | cpu->el;
}

static inline bool block_jump_fits(const InterpCpu *cpu, const Jump *jump,
                                   uint64_t pc)
{
    return jump->pc == pc && jump->stamp == block_stamp(cpu, pc);
}
