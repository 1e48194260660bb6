/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Four CPUs that do the same task at once, and what they count. The MMU is on,
 * since exclusives want normal memory.
 */
#ifndef EL1_CPUS_H
#define EL1_CPUS_H

#include "el1-gic.h"

#define CPUS 4u

/* Words of their own cache line. */
typedef struct Word {
    volatile uint64_t v;
    uint64_t pad[7];
} __attribute__((aligned(64))) Word;

static inline uint64_t load_acquire(const Word *w)
{
    uint64_t v;

    __asm__ volatile("ldar %0, [%1]" : "=r"(v) : "r"(&w->v) : "memory");
    return v;
}

static inline void store_release(Word *w, uint64_t v)
{
    __asm__ volatile("stlr %0, [%1]" ::"r"(v), "r"(&w->v) : "memory");
}

static inline uint64_t add_exclusive(volatile uint64_t *p, uint64_t n)
{
    uint64_t v;
    uint32_t failed;

    __asm__ volatile("1: ldaxr %0, [%2]\n\tadd %0, %0, %3\n\t"
                     "stlxr %w1, %0, [%2]\n\tcbnz %w1, 1b"
                     : "=&r"(v), "=&r"(failed)
                     : "r"(p), "r"(n)
                     : "memory");
    return v;
}

static inline void dmb(void)
{
    __asm__ volatile("dmb ish" ::: "memory");
}

static inline void relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

typedef void Task(unsigned cpu);

/* The boot argument n: how often a task does what it does, by and large. */
extern unsigned rounds;

/* What tasks count in; zero before ordered() runs one. */
extern Word counter, wrong, data[CPUS], flag[CPUS], answer[CPUS];

/* Sets up memory and the GIC for all, this CPU being the first. */
void cpus_init(Space *space);
/* What each CPU does when it comes, and for ever after. */
void cpus_enter(void);
void cpus_follow(void);
/* Nobody goes on before all are here. */
void meet(void);
/* Runs it on all CPUs, this one included. */
void all(Task *t);
/* And prints the counter, or how often something was wrong. */
void counted(const char *name, Task *t);
void ordered(const char *name, Task *t);

#endif
