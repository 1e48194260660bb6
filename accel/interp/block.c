/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache of one vCPU. Blocks lie one after the other in an arena and
 * are never freed alone: forgetting them takes them out of the table and
 * begins new epochs, after which no link or jump leads to them; when the arena
 * is full all are forgotten and it starts anew. A block that forgets itself
 * (it writes to its own page) therefore runs to its end unharmed.
 */
#include "block.h"

#include <string.h>
#include <sys/mman.h>

#include "cache.h"
#include "debug.h"
#include "decode.h"
#include "interp.h"
#include "mem.h"
#include "ram.h"
#include "tlb.h"
#include "trace.h"
#include "work.h"

#define ARENA_SIZE (48u << 20)
#define NUM_BUCKETS (1u << 17)
#define NUM_PAGES (1u << 12)
/* The largest block's room in the arena. */
#define BLOCK_MAX_SIZE \
    (sizeof(Block) + BLOCK_MAX_OPS * (sizeof(Op) + sizeof(uint8_t)))

BlockCache *block_cache_new(void)
{
    BlockCache *cache = g_new0(BlockCache, 1);

    cache->buckets = g_new0(Block *, NUM_BUCKETS);
    cache->pages = g_new0(Block *, NUM_PAGES);
    cache->single = g_malloc(BLOCK_MAX_SIZE);
    cache->arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g_assert(cache->arena != MAP_FAILED);
    return cache;
}

void block_cache_free(BlockCache *cache)
{
    if (cache) {
        munmap(cache->arena, ARENA_SIZE);
        g_free(cache->single);
        g_free(cache->pages);
        g_free(cache->buckets);
        g_free(cache);
    }
}

static unsigned mix(uint64_t value, unsigned size)
{
    return value * UINT64_C(0x9e3779b97f4a7c15) >> 40 & (size - 1);
}

/* A program is at other addresses each time that it is run. */
static Block **bucket_of(BlockCache *cache, const void *code, uint64_t pc)
{
    uint64_t page = pc >> TLB_PAGE_BITS;

    return &cache->buckets[mix((uintptr_t)code + (page << 20), NUM_BUCKETS)];
}

/* Those that are decoded from the page. */
static Block **page_of(BlockCache *cache, const void *code)
{
    return &cache->pages[mix((uintptr_t)code >> TLB_PAGE_BITS, NUM_PAGES)];
}

static bool on_page(const Block *block, const void *host_page)
{
    return ((uintptr_t)block->code ^ (uintptr_t)host_page) < TLB_PAGE_SIZE;
}

static void unlink_block(BlockCache *cache, const Block *block)
{
    Block **link = bucket_of(cache, block->code, block->pc);

    while (*link != block) {
        link = &(*link)->next;
    }
    *link = block->next;
}

void block_forget_page(InterpCpu *cpu, const void *host_page)
{
    Block **link = page_of(cpu->cache, host_page);

    trace_interp_forget_page(cpu->index, (uintptr_t)host_page);
    while (*link) {
        if (on_page(*link, host_page)) {
            unlink_block(cpu->cache, *link);
            *link = (*link)->page_next;
        } else {
            link = &(*link)->page_next;
        }
    }
    tlb_begin_epochs(cpu);
}

void block_forget_all(InterpCpu *cpu)
{
    memset(cpu->cache->buckets, 0, NUM_BUCKETS * sizeof(Block *));
    memset(cpu->cache->pages, 0, NUM_PAGES * sizeof(Block *));
    tlb_begin_epochs(cpu);
}

/* ---- decoding ---- */

/* From now on a write to the page is seen by everyone who may write. */
static void watch_page(InterpCpu *cpu, const uint32_t *code)
{
    const void *page = (void *)((uintptr_t)code & -(uintptr_t)TLB_PAGE_SIZE);
    const RamBlock *ram = ram_find_host(atomic_load(&cpu->accel->ram), page);
    _Atomic uint8_t *flag;

    if (!ram || ram->is_device) {
        return;
    }
    flag = ram_code_flag(ram, ram->start + ((uint8_t *)page - ram->host));
    /* Whoever set it before has asked us, too; nothing is filled since. */
    if (atomic_load_explicit(flag, memory_order_relaxed) != CODE_HERE &&
        atomic_exchange(flag, CODE_HERE) != CODE_HERE) {
        tlb_protect_code(cpu, page);
        work_post(cpu->accel, cpu, WORK_PROTECT, (uintptr_t)page);
    }
}

static void decode_insns(Translator *t, const uint32_t *code, unsigned max)
{
    for (unsigned i = 0; i < max && !t->ends; i++) {
        a64_translate(t, code[i]);
        t->pc += 4;
        t->num_insns++;
    }
}

/* What OP_END stands for, unless the last instruction was a branch. */
static void end_block(Translator *t, bool leave)
{
    OpCode last = t->num_ops ? t->ops[t->num_ops - 1].code : OP_MOVI;

    if (last < OP_END) {
        emit(t, leave ? OP_LEAVE : OP_END);
    }
}

/* Decodes at most @max instructions into @block. */
static void decode_block(InterpCpu *cpu, Block *block, const uint32_t *code,
                         unsigned max)
{
    uint8_t insn_of[BLOCK_MAX_OPS];
    Translator t = {.pc = cpu->pc, .ops = block->ops, .insn_of = insn_of};
    unsigned left = (TLB_PAGE_SIZE - (cpu->pc & (TLB_PAGE_SIZE - 1))) / 4;

    *block = (Block){.pc = cpu->pc, .code = code, .el = cpu->el};
    if (debug_breaks_at(cpu, cpu->pc)) {
        emit_call(&t, debug_op_break);
    }
    decode_insns(&t, code, debug_insns_to_break(cpu, MIN(max, left)));
    end_block(&t, t.ends || max == 1);
    block->end_pc = t.pc;
    block->num_ops = t.num_ops;
    block->num_insns = t.num_insns;
    block->insn_of = (uint8_t *)&block->ops[t.num_ops];
    memcpy(&block->ops[t.num_ops], insn_of, t.num_ops);
}

static size_t block_size(const Block *block)
{
    size_t size = sizeof(Block) + block->num_ops * (sizeof(Op) + 1);

    return (size + 15) & ~(size_t)15;
}

static void link_block(BlockCache *cache, Block *block)
{
    Block **bucket = bucket_of(cache, block->code, block->pc);
    Block **page = page_of(cache, block->code);

    block->next = *bucket;
    *bucket = block;
    block->page_next = *page;
    *page = block;
}

static Block *new_block(InterpCpu *cpu, const uint32_t *code)
{
    BlockCache *cache = cpu->cache;
    Block *block;

    if (ARENA_SIZE - cache->used < BLOCK_MAX_SIZE) {
        trace_interp_cache_full(cpu->index);
        block_forget_all(cpu);
        cache->used = 0;
        cache->resets++;
    }
    watch_page(cpu, code);
    block = (Block *)(cache->arena + cache->used);
    decode_block(cpu, block, code, BLOCK_MAX_INSNS);
    cache->used += block_size(block);
    link_block(cache, block);
    trace_interp_decode(cpu->index, block->pc, block->num_insns);
    return block;
}

/* ---- finding ---- */

Block *block_find(InterpCpu *cpu)
{
    Jump *jump = block_jump(cpu, cpu->pc);
    const uint32_t *code;
    Block *block;

    if (block_jump_fits(cpu, jump, cpu->pc)) {
        return jump->block;
    }
    code = mem_exec(cpu, cpu->pc);
    if (!code) {
        return NULL;
    }
    block = *bucket_of(cpu->cache, code, cpu->pc);
    while (block && (block->pc != cpu->pc || block->code != code ||
                     block->el != cpu->el)) {
        block = block->next;
    }
    if (!block) {
        block = new_block(cpu, code);
    }
    *jump = (Jump){block, cpu->pc, block_stamp(cpu, cpu->pc)};
    return block;
}

Block *block_find_linked(InterpCpu *cpu, Block *from, unsigned i)
{
    unsigned resets = cpu->cache->resets;
    Block *block = block_find(cpu);

    if (block && cpu->cache->resets == resets) {
        from->links[i] = (BlockLink){block, cpu->epoch[block->pc >> 63]};
    }
    return block;
}

Block *block_single(InterpCpu *cpu)
{
    const uint32_t *code = mem_exec(cpu, cpu->pc);
    Block *block = cpu->cache->single;

    if (!code) {
        return NULL;
    }
    decode_block(cpu, block, code, 1);
    return block;
}
