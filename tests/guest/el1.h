/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the payloads el1-*.c share: code that is run at a chosen exception level
 * until it takes an exception, translation tables of any granule, and lines of
 * output that are the same on every CPU that follows the manual.
 */
#ifndef EL1_H
#define EL1_H

#include "guest.h"

/* -- running code until an exception -------------------------------------- */

/* SPSR values: exception level and stack pointer, with DAIF masked. */
#define MODE_EL0 0x3c0u
#define MODE_EL1T 0x3c4u
#define MODE_EL1H 0x3c5u
#define MODE_MASK 0x1fu
#define PSTATE_D (1u << 9)
#define PSTATE_I (1u << 7)
#define PSTATE_SS (1u << 21)
#define PSTATE_PAN (1u << 22)

enum {
    VECTOR_EL1T = 0,
    VECTOR_EL1H = 4,
    VECTOR_EL0 = 8,
    VECTOR_SYNC = 0,
    VECTOR_IRQ = 1,
    VECTOR_FIQ = 2,
};

/* Layout known to el1-run.S. */
typedef struct El1 {
    uint64_t saved[14]; /* of the caller: x19 to x30, sp, VBAR_EL1 */
    uint64_t x[31];     /* before and, as the exception found them, after */
    uint64_t vector, esr, elr, far, spsr, sp;
    uint64_t pc; /* where it was begun */
} El1;

/* Runs ctx->x at pc; back at EL1h with DAIF masked. See el1-run.S. */
void el1_run(El1 *ctx, uint64_t pc, uint64_t spsr, uint64_t sp);

/*
 * Runs a CODE() with its first arguments. For EL0 it is entered where EL0 can
 * execute it. The result is this CPU's, until the next run.
 */
El1 *run(unsigned spsr, const uint32_t *code, uint64_t x0, uint64_t x1);
El1 *run3(unsigned spsr, const uint32_t *code, uint64_t x0, uint64_t x1,
          uint64_t x2);
/* The same at an address, with another stack pointer. */
El1 *run_at(unsigned spsr, uint64_t pc, uint64_t sp, uint64_t x0, uint64_t x1);

/* A stack for what runs by SP_EL0. */
uint64_t other_stack(void);

/* Instructions, which end by an exception: DONE when nothing went wrong. */
#define CODE(name, insns)                                            \
    extern const uint32_t name[];                                    \
    __asm__(".pushsection .text\n\t.balign 16\n" #name ":\n\t" insns \
            "\n\tsvc #0xd0e\n\t.popsection")

static inline bool is_done(const El1 *t)
{
    return !(t->vector & 3) && (uint32_t)t->esr == (0x56000000 | 0xd0e);
}

static inline unsigned esr_class(const El1 *t)
{
    return t->esr >> 26 & 0x3f;
}

/* The beginning of a line. */
void begin_line(const char *name);
/* One line: what came of it; with SPSR, or with FAR relative to @far. */
void show(const char *name, const El1 *t);
void show_fault(const char *name, const El1 *t, uint64_t far);
/* One line with a number. */
void show_number(const char *name, uint64_t value);
/* One line, false where a condition should have been met. */
void show_bool(const char *name, bool ok);

/* The prefix of lines; what follows it, or NULL. */
extern const char *el1_name;
extern const char *el1_context;

/* -- translation ----------------------------------------------------------- */

/* Physical memory at PHYS_RAM is at its own address for EL1 alone. */
#define PHYS_RAM 0x40000000UL
#define RAM_SIZE 0x10000000UL
/* And here for EL0. */
#define USER_OFFSET 0x40000000UL

#define PTE_ATTR(n) ((uint64_t)(n) << 2)
#define PTE_DEVICE PTE_ATTR(0)
#define PTE_NORMAL PTE_ATTR(1)
#define PTE_NC PTE_ATTR(2)
#define PTE_EL0 (1ull << 6)
#define PTE_RO (1ull << 7)
#define PTE_SH (3ull << 8)
#define PTE_AF (1ull << 10)
#define PTE_NG (1ull << 11)
#define PTE_PXN (1ull << 53)
#define PTE_UXN (1ull << 54)
#define TABLE_PXN (1ull << 59)
#define TABLE_UXN (1ull << 60)
#define TABLE_NO_EL0 (1ull << 61)
#define TABLE_RO (1ull << 62)
#define PTE_TABLE 3ull
#define PTE_RAM (PTE_NORMAL | PTE_SH | PTE_AF)

#define SCTLR_M (1u << 0)
#define SCTLR_A (1u << 1)
#define SCTLR_SA (1u << 3)
#define SCTLR_SA0 (1u << 4)
#define SCTLR_UMA (1u << 9)
#define SCTLR_DZE (1u << 14)
#define SCTLR_UCT (1u << 15)
#define SCTLR_NTWI (1u << 16)
#define SCTLR_WXN (1u << 19)
#define SCTLR_SPAN (1u << 23)
#define SCTLR_UCI (1u << 26)
/* RES1, C, I, SPAN, nTWE, nTWI, UCI, DZE, UCT, SA, SA0 */
#define SCTLR_BASE 0x34d5d91cu

#define TCR_EPD0 (1ull << 7)
#define TCR_EPD1 (1ull << 23)
#define TCR_A1 (1ull << 22)
#define TCR_IPS(n) ((uint64_t)(n) << 32)
#define TCR_AS (1ull << 36)
#define TCR_TBI0 (1ull << 37)
#define TCR_TBI1 (1ull << 38)

typedef struct Space {
    unsigned granule; /* 12, 14, 16 */
    unsigned tsz;
    unsigned level; /* of the first table */
    uint64_t root;
} Space;

void space_init(Space *space, unsigned granule, unsigned tsz);
/* A page or block of that level; flags are the descriptor's attributes. */
void map(Space *space, uint64_t va, uint64_t pa, unsigned level,
         uint64_t flags);
/* The descriptor of @va at @level; tables on the way are made. */
volatile uint64_t *descriptor(Space *space, uint64_t va, unsigned level);
/* All that the payload needs, in blocks of level 2. */
void map_machine(Space *space);
/* The payload in pages, its code read-only: what SCTLR_EL1.WXN wants. */
void map_text(Space *space);
/* Physical memory for pages, 64 KiB of it, zeroed. */
uint64_t new_page(void);

/* TCR_EL1 for TTBR0 = low and TTBR1 = high, which may be NULL: EPD1. */
uint64_t tcr_for(const Space *low, const Space *high);
/* Turns on the MMU with these and flushes the TLB. */
void mmu_use(const Space *low, const Space *high, uint64_t more_tcr);
/* A space of 4K and 39 bits with what map_machine() has; the MMU on. */
void mmu_start(Space *space);

static inline void tlbi_all(void)
{
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::
                         : "memory");
}

static inline uint64_t page_base(const Space *space, unsigned level)
{
    return 1ull << (space->granule + (3 - level) * (space->granule - 3));
}

#endif
