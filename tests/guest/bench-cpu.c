/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-cpu: how fast a CPU executes three loops of a known number of
 * instructions: whole numbers, copying of memory, and floating point, each
 * m million (boot argument, 100). Their results are printed too, for they are
 * the same on every CPU. Under QEMU's -icount shift=0 a nanosecond is one
 * instruction, which is how the numbers here were checked.
 *
 * The MMU is on, with memory as normal memory: that is how programs run.
 */
#include "guest.h"

#define BLOCK_NORMAL 0x705u /* 1 GiB, AF, inner shareable, MAIR 1 */
#define BLOCK_DEVICE (0x401u | 3ull << 53) /* MAIR 0, never executed */
#define MAIR 0xff00u
/* 4K granule, 39 bits of address, cacheable walks, no TTBR1, 40 bits out */
#define TCR (25u | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23 | 2ull << 32)

#define COPY_SIZE 0x40000u

static uint64_t table[512] __attribute__((aligned(4096)));
static uint8_t source[COPY_SIZE] __attribute__((aligned(64)));
static uint8_t target[COPY_SIZE] __attribute__((aligned(64)));

static void mmu_on(void)
{
    table[0] = BLOCK_DEVICE;
    table[1] = 1ull << 30 | BLOCK_NORMAL;
    SYSREG_WRITE(mair_el1, MAIR);
    SYSREG_WRITE(tcr_el1, TCR);
    SYSREG_WRITE(ttbr0_el1, (uintptr_t)table);
    __asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
    SYSREG_WRITE(sctlr_el1, SYSREG_READ(sctlr_el1) | 1 | 1 << 2 | 1 << 12);
}

/* Eight instructions a turn. */
static uint64_t integers(uint64_t n)
{
    uint64_t x = 1, y = 0x9e3779b97f4a7c15;

    __asm__ volatile("1: eor %0, %0, %0, lsl #13\n\t"
                     "add %1, %1, %0, lsr #7\n\t"
                     "ubfx x9, %1, #5, #30\n\t"
                     "madd %0, x9, %1, %0\n\t"
                     "cmp x9, %0\n\t"
                     "csinc %1, %1, x9, hi\n\t"
                     "sub %2, %2, #8\n\t"
                     "cbnz %2, 1b"
                     : "+r"(x), "+r"(y), "+r"(n)
                     :
                     : "x9", "cc");
    return x ^ y;
}

/* Six instructions for 32 bytes. */
static void copy_once(const void *from, void *to, uint64_t size)
{
    __asm__ volatile("1: ldp x9, x10, [%0], #16\n\t"
                     "ldp x11, x12, [%0], #16\n\t"
                     "stp x9, x10, [%1], #16\n\t"
                     "stp x11, x12, [%1], #16\n\t"
                     "subs %2, %2, #32\n\t"
                     "b.ne 1b"
                     : "+r"(from), "+r"(to), "+r"(size)
                     :
                     : "x9", "x10", "x11", "x12", "cc", "memory");
}

static uint64_t copy(uint64_t n)
{
    for (; n >= COPY_SIZE / 32 * 6; n -= COPY_SIZE / 32 * 6) {
        copy_once(source, target, COPY_SIZE);
    }
    return n;
}

static uint64_t copied(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < COPY_SIZE; i += 8) {
        sum = sum * 31 + read64((uintptr_t)target + i);
    }
    return sum;
}

/* Ten instructions a turn. */
static uint64_t floats(uint64_t n)
{
    uint64_t x, y;

    __asm__ volatile("fmov d0, #1.0\n\t"
                     "fmov d1, #0.5\n\t"
                     "fmov d2, #3.0\n\t"
                     "1: fmul d3, d0, d1\n\t"
                     "fadd d3, d3, d2\n\t"
                     "fdiv d0, d2, d3\n\t"
                     "fmadd d1, d0, d1, d3\n\t"
                     "fsqrt d1, d1\n\t"
                     "fcmp d1, d0\n\t"
                     "fcsel d4, d0, d1, gt\n\t"
                     "fsub d1, d1, d4\n\t"
                     "sub %2, %2, #10\n\t"
                     "cbnz %2, 1b\n\t"
                     "fmov %0, d0\n\t"
                     "fmov %1, d3"
                     : "=&r"(x), "=&r"(y), "+r"(n)
                     :
                     : "cc");
    return x ^ y;
}

static void bench(const char *name, uint64_t (*loop)(uint64_t), uint64_t n)
{
    uint64_t start, ns, result;

    loop(COPY_SIZE / 32 * 6 * 10); /* what is translated once is by now */
    start = ticks();
    result = loop(n);
    ns = ticks_to_ns(ticks() - start);
    print("bench-cpu: %s n=%lu ns=%lu result=%lx\n", name, n, ns, result);
}

void payload_main(void)
{
    uint64_t n = arg("m", 100) * 1000000;

    for (unsigned i = 0; i < COPY_SIZE; i++) {
        source[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    mmu_on();
    bench("integer", integers, n - n % 8);
    bench("copy", copy, n - n % (COPY_SIZE / 32 * 6));
    bench("float", floats, n - n % 10);
    print("bench-cpu: copied=%lx\n", copied());
}
