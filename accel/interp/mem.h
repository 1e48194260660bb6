/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/*
 * The guest's loads and stores. The inline part is the fast path: the page is
 * RAM and in the software TLB. The rest is mem.c: a walk of the tables by
 * mmu.c, device registers, accesses across a page, pages with code, faults.
 * All return false after an exception was taken (see OpFn). @op is the
 * operation at work. Vector registers and memory are little endian alike.
 */
typedef enum MemAccess { MEM_READ, MEM_WRITE, MEM_EXEC } MemAccess;

/* Unaligned, and never torn by the compiler. */
typedef struct __attribute__((packed, may_alias)) MemU16 {
    uint16_t v;
} MemU16;
typedef struct __attribute__((packed, may_alias)) MemU32 {
    uint32_t v;
} MemU32;
typedef struct __attribute__((packed, may_alias)) MemU64 {
    uint64_t v;
} MemU64;

static inline TlbEntry *tlb_entry(TlbEntry *tlb, uint64_t va)
{
    return &tlb[va >> TLB_PAGE_BITS & (TLB_SIZE - 1)];
}

/** The host's address of [@va, @va + @size), or NULL: the slow path. */
static inline void *mem_fast_read(TlbEntry *tlb, uint64_t va, unsigned size)
{
    const TlbEntry *e = tlb_entry(tlb, va);

    return G_LIKELY((va ^ e->read) <= TLB_PAGE_SIZE - size)
               ? (void *)(va + e->host)
               : NULL;
}

static inline void *mem_fast_write(TlbEntry *tlb, uint64_t va, unsigned size)
{
    const TlbEntry *e = tlb_entry(tlb, va);

    return G_LIKELY((va ^ e->write) <= TLB_PAGE_SIZE - size)
               ? (void *)(va + e->host)
               : NULL;
}

/** @size 1, 2, 4, 8; the value is zero-extended. By the permissions of @idx. */
bool mem_load_slow(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                   unsigned size, uint64_t *value);
bool mem_store_slow(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                    unsigned size, uint64_t value);

static inline uint64_t mem_get(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return *(const volatile uint8_t *)p;
    case 2:
        return ((const volatile MemU16 *)p)->v;
    case 4:
        return ((const volatile MemU32 *)p)->v;
    default:
        return ((const volatile MemU64 *)p)->v;
    }
}

static inline void mem_put(void *p, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)p = value;
        break;
    case 2:
        ((volatile MemU16 *)p)->v = value;
        break;
    case 4:
        ((volatile MemU32 *)p)->v = value;
        break;
    default:
        ((volatile MemU64 *)p)->v = value;
        break;
    }
}

static inline bool mem_load_as(InterpCpu *cpu, const Op *op, MmuIdx idx,
                               uint64_t va, unsigned size, uint64_t *value)
{
    const void *p = mem_fast_read(cpu->tlbs[idx], va, size);

    if (G_UNLIKELY(!p)) {
        return mem_load_slow(cpu, op, idx, va, size, value);
    }
    *value = mem_get(p, size);
    return true;
}

static inline bool mem_store_as(InterpCpu *cpu, const Op *op, MmuIdx idx,
                                uint64_t va, unsigned size, uint64_t value)
{
    void *p = mem_fast_write(cpu->tlbs[idx], va, size);

    if (G_UNLIKELY(!p)) {
        return mem_store_slow(cpu, op, idx, va, size, value);
    }
    mem_put(p, size, value);
    return true;
}

static inline bool mem_load(InterpCpu *cpu, const Op *op, uint64_t va,
                            unsigned size, uint64_t *value)
{
    return mem_load_as(cpu, op, cpu->mmu_idx, va, size, value);
}

static inline bool mem_store(InterpCpu *cpu, const Op *op, uint64_t va,
                             unsigned size, uint64_t value)
{
    return mem_store_as(cpu, op, cpu->mmu_idx, va, size, value);
}

/**
 * 16 bytes, or any number up to 64 (structure loads and stores); in pieces of
 * 8 bytes on the slow path, checked for faults before the first byte is
 * written or *@buf changed.
 */
bool mem_load_block(InterpCpu *cpu, const Op *op, uint64_t va, void *buf,
                    unsigned size);
bool mem_store_block(InterpCpu *cpu, const Op *op, uint64_t va, const void *buf,
                     unsigned size);

/**
 * Host memory for an atomic access: @va is aligned to @size, at most 4096.
 * Sets *@host, or raises: what is not RAM gives a data abort (unsupported
 * exclusive or atomic access). With MEM_WRITE the page counts as written: code
 * on it is forgotten.
 */
bool mem_host(InterpCpu *cpu, const Op *op, uint64_t va, unsigned size,
              MemAccess access, void **host);

/** DC ZVA: zeroes the @size bytes around @va, a power of two, at most 64. */
bool mem_zero(InterpCpu *cpu, const Op *op, uint64_t va, unsigned size);

/**
 * True if the access would be allowed; else raises. Changes no memory, and does
 * not look at alignment.
 */
bool mem_probe(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
               unsigned size, MemAccess access);

/**
 * Raises the alignment fault of an access at @va that has to be aligned
 * whatever the memory (exclusives, acquire and release). Returns false.
 */
bool mem_unaligned(InterpCpu *cpu, const Op *op, uint64_t va, MemAccess access);

/**
 * For what mem_load_block() and mem_store_block() do not check: the elements of
 * the access are of @align bytes. False if it is not aligned to that and has to
 * be (SCTLR_EL1.A, Device memory): raised.
 */
bool mem_check_align_slow(InterpCpu *cpu, const Op *op, uint64_t va,
                          unsigned align, MemAccess access);
static inline bool mem_check_align(InterpCpu *cpu, const Op *op, uint64_t va,
                                   unsigned align, MemAccess access)
{
    return G_LIKELY(!(va & (align - 1))) ||
           mem_check_align_slow(cpu, op, va, align, access);
}

/**
 * Host memory of the instruction at @va, a multiple of 4, by the permissions
 * of the present exception level; or NULL: an instruction abort was taken, with
 * ELR_EL1 = @va. Takes the tag off InterpCpu.pc. Code runs from RAM only. A hit
 * in the TLB costs a few instructions: this is on the way to every block that
 * is not chained.
 */
const uint32_t *mem_exec(InterpCpu *cpu, uint64_t va);
