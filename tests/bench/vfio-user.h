/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

/*
 * What tests/bench/vfio-user.c asks of its model by a socket of their own, so
 * that nothing of it goes over what is measured. A command is answered by the
 * time in ns that it tells of, but for BENCH_RAISE, whose answer would disturb
 * the interrupt: it goes with the next BENCH_LOWER.
 */
typedef enum BenchAction {
    BENCH_RAISE, /* the line, when everybody has gone to sleep */
    BENCH_LOWER, /* the line, if it is a level; when it was raised */
    BENCH_DMA,   /* moves all of RAM in pieces; how long a piece took */
    BENCH_COPY,  /* the same without the library */
} BenchAction;

typedef struct BenchCommand {
    uint32_t action; /* BenchAction */
    uint32_t line;
    uint32_t piece; /* bytes */
    uint32_t write; /* to guest memory */
} BenchCommand;

enum { BENCH_LEVEL, BENCH_EDGE, BENCH_LINES };

#define BENCH_RAM 0x40000000ULL
#define BENCH_RAM_SIZE (64u << 20)
#define BENCH_MIN_PIECE (64u << 10)
#define BENCH_MAX_PIECE (1u << 20)
/* How long BENCH_RAISE waits. */
#define BENCH_SETTLE_US 100

static inline int64_t bench_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
