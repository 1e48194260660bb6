/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/memory.h"

/*
 * RAM as the vCPUs reach it without a lock: what the flat view shows of RAM
 * and of mapped device registers, and which of its pages hold decoded code. A
 * change of the view makes a new map; the old one goes when every vCPU has
 * emptied its TLB.
 */
typedef struct RamBlock {
    hwaddr start; /* physical, a multiple of the TLB's page */
    uint64_t size;
    uint8_t *host;
    bool readonly;
    bool is_device; /* mapped registers: no code, no atomics */
    /* A byte a page, CODE_*; of the whole region. */
    _Atomic uint8_t *code;
    MemoryRegion *mr;
    uint64_t offset; /* of start within mr */
} RamBlock;

/* The code flag of a page. */
enum {
    CODE_NONE,
    CODE_HERE,    /* blocks were decoded from it */
    CODE_LEAVING, /* they are to be forgotten; not all vCPUs know it so far */
};

typedef struct RamMap {
    unsigned n;
    RamBlock blocks[]; /* by address */
} RamMap;

/** The block with @addr, or NULL. */
const RamBlock *ram_find(const RamMap *map, hwaddr addr);
/** The block whose host memory has @host, or NULL. */
const RamBlock *ram_find_host(const RamMap *map, const void *host);

/** Of the page at @addr, which is in @block. Any thread. */
static inline _Atomic uint8_t *ram_code_flag(const RamBlock *block, hwaddr addr)
{
    return &block->code[(block->offset + (addr - block->start)) >> 12];
}
