/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "mem.h"

/*
 * What the exclusive and the atomic accesses share. Guest atomics are host
 * atomics, all of them sequentially consistent: release then acquire keeps its
 * order, and the guest's weaker forms ask for no more.
 */

/** Raises an alignment fault unless @va is a multiple of @size. */
bool atomic_check_aligned(InterpCpu *cpu, const Op *op, uint64_t va,
                          unsigned size, MemAccess access);

/** Host memory to read and write at x[rn], aligned; NULL after a fault. */
void *atomic_host_slow(InterpCpu *cpu, const Op *op, unsigned size);

static inline void *atomic_host(InterpCpu *cpu, const Op *op, unsigned size)
{
    uint64_t va = cpu->x[op->rn];
    void *p = va & (size - 1) ? NULL : mem_fast_write(cpu->tlb, va, size);

    return G_LIKELY(p) ? p : atomic_host_slow(cpu, op, size);
}

/** *@expected becomes what was there; true if that was equal to it. */
static inline bool atomic_cas128(void *p, uint64_t expected[2],
                                 const uint64_t desired[2])
{
    uint64_t low = expected[0];
    uint64_t high = expected[1];
    bool equal;

#if defined(__x86_64__)
    __asm__ volatile("lock cmpxchg16b %[p]"
                     : [p] "+m"(*(unsigned __int128 *)p), "+a"(low), "+d"(high),
                       "=@ccz"(equal)
                     : "b"(desired[0]), "c"(desired[1])
                     : "memory");
#elif defined(__aarch64__)
    uint64_t new_low;
    uint64_t new_high;
    uint32_t failed;

    /* What is read is only known to be one value once it is written back. */
    __asm__ volatile("0: ldaxp %[low], %[high], %[p]\n"
                     "cmp %[low], %[e0]\n"
                     "ccmp %[high], %[e1], #0, eq\n"
                     "csel %[n0], %[d0], %[low], eq\n"
                     "csel %[n1], %[d1], %[high], eq\n"
                     "stlxp %w[failed], %[n0], %[n1], %[p]\n"
                     "cbnz %w[failed], 0b"
                     : [p] "+Q"(*(unsigned __int128 *)p), [low] "=&r"(low),
                       [high] "=&r"(high), [n0] "=&r"(new_low),
                       [n1] "=&r"(new_high), [failed] "=&r"(failed)
                     : [e0] "r"(expected[0]), [e1] "r"(expected[1]),
                       [d0] "r"(desired[0]), [d1] "r"(desired[1])
                     : "cc", "memory");
    equal = low == expected[0] && high == expected[1];
#else
#error "a host that compares and swaps 128 bits is needed"
#endif
    expected[0] = low;
    expected[1] = high;
    return equal;
}
