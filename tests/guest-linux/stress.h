/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the guest's program "stress" share; stress.c has it. */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define THREADS 4
#define PAGE 4096UL

extern atomic_bool stop;  /* the time is over */
extern atomic_ulong done; /* what the test has done; none is a failure */

/* Prints why this test has failed, and ends its process. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define CHECK(cond, ...)       \
    do {                       \
        if (!(cond)) {         \
            fail(__VA_ARGS__); \
        }                      \
    } while (0)

/* Zeroed memory that a fork shares. */
void *map(size_t size, int prot);

pthread_t start(void *(*fn)(void *), uintptr_t arg);
void run_threads(void *(*fn)(void *), unsigned n);
void handle(int sig, void (*fn)(int, siginfo_t *, void *));
uint64_t scramble(uint64_t x);

void test_futex(void);
void test_mutex(void);
void test_atomic(void);
void test_order(void);
void test_stores(void);
void test_threads(void);
void test_fork(void);
void test_signals(void);
void test_mappings(void);
void test_protect(void);
void test_code(void);
void test_registers(void);

#endif
