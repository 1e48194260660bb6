/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the differential test of the software CPU says to the programs that run
 * its cases, and what they answer: `oracle` under qemu-aarch64, `diff-ours` on
 * the software CPU. Both read DiffCase records from their standard input and
 * write one DiffResult for each to their standard output, little endian, until
 * the input ends.
 *
 * A case runs at EL0 in this address space, which is the same on both sides:
 *
 *     DIFF_CODE    DIFF_CODE_SIZE    read, execute  BRK #DIFF_END throughout
 *     DIFF_DATA    DIFF_DATA_SIZE    read, write    a template's contents
 *     DIFF_ROM     DIFF_ROM_SIZE     read           template 0's contents
 *
 * with nothing mapped around it. The case's words are at DIFF_START, so that
 * it ends by the BRK behind them, or by one that it branched to.
 *
 * Shared by a GLib-less arm64 program and the host's: plain C only.
 */

#ifndef TESTS_INTERP_DIFF_FORMAT_H
#define TESTS_INTERP_DIFF_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define DIFF_CODE 0x20000000ull
#define DIFF_CODE_SIZE 0x4000u
#define DIFF_START (DIFF_CODE + 0x2000)
#define DIFF_DATA (DIFF_CODE + DIFF_CODE_SIZE)
#define DIFF_DATA_SIZE 0x2000u
#define DIFF_ROM (DIFF_DATA + DIFF_DATA_SIZE)
#define DIFF_ROM_SIZE 0x1000u

/* The immediate of the BRK that ends a case, and its encoding. */
#define DIFF_END 0xd1ffu
#define DIFF_BRK (0xd4200000u | DIFF_END << 5)

enum {
    DIFF_WORDS = 16,     /* the longest sequence */
    DIFF_TEMPLATES = 16, /* of the data's contents */
    DIFF_CHANGES = 16,   /* those of the data that a result spells out */
    DIFF_DATA_WORDS = DIFF_DATA_SIZE / 8,
};

/* Registers, before and after. */
typedef struct DiffState {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc;
    uint64_t tpidr; /* TPIDR_EL0 */
    uint64_t v[32][2];
    uint32_t nzcv; /* in bits 31 to 28 */
    uint32_t fpcr;
    uint32_t fpsr;
    uint32_t reserved; /* 0 */
} DiffState;

typedef struct DiffCase {
    DiffState state;   /* its pc is not used */
    uint32_t template; /* of the data, below DIFF_TEMPLATES */
    uint32_t words;    /* 1 to DIFF_WORDS; the code after them is not used */
    uint32_t code[DIFF_WORDS];
} DiffCase;

/* Why it stopped, named by the signal that Linux sends. */
typedef enum DiffStop {
    DIFF_STOP_END,     /* at a BRK #DIFF_END, whose address is the pc */
    DIFF_STOP_ILL,     /* undefined, or may not be used at EL0 */
    DIFF_STOP_SEGV,    /* not mapped, or not permitted */
    DIFF_STOP_BUS,     /* data or pc not aligned */
    DIFF_STOP_TRAP,    /* another BRK */
    DIFF_STOP_TIMEOUT, /* does not end; ours only */
    DIFF_STOP_OTHER,   /* an exception that does not belong here; ours only */
} DiffStop;

typedef struct DiffChange {
    uint64_t offset; /* into the data, of 8 bytes */
    uint64_t value;
} DiffChange;

typedef struct DiffResult {
    DiffState state;
    uint64_t fault;   /* the address, for SEGV and BUS; else 0 */
    uint64_t changed; /* how many 8-byte words of the data differ now */
    uint64_t hash;    /* over all of them */
    uint32_t stop;    /* DiffStop */
    uint32_t reserved;
    DiffChange change[DIFF_CHANGES]; /* the first ones, zero-filled */
} DiffResult;

/* Marsaglia's xorshift64*; the state must not be 0. */
static inline uint64_t diff_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

/*
 * The contents of template @number: noise, with runs that mean something to a
 * floating-point load: zeroes, ones, exponents at their ends.
 */
static inline void diff_template(uint64_t *data, unsigned number)
{
    static const uint64_t special[] = {
        0,
        ~0ull,
        0x8000000000000000,
        0x7ff0000000000001,
        0x3ff0000000000000,
        0x7f8000007fc00000,
        0x0000000180000001,
        0x7c007e00fc010001,
    };
    uint64_t state = number * 0x9e3779b97f4a7c15ull + 1;

    for (unsigned i = 0; i < DIFF_DATA_WORDS; i++) {
        uint64_t r = diff_random(&state);

        data[i] = r % 4 ? diff_random(&state) : special[r >> 61];
    }
}

/* Fills in what of the @data is no longer as in its @template. */
static inline void diff_changes(DiffResult *result, const uint64_t *data,
                                const uint64_t *template)
{
    result->changed = 0;
    result->hash = 0;
    for (unsigned i = 0; i < DIFF_DATA_WORDS; i++) {
        if (data[i] == template[i]) {
            continue;
        }
        if (result->changed < DIFF_CHANGES) {
            result->change[result->changed].offset = i * 8ull;
            result->change[result->changed].value = data[i];
        }
        result->changed++;
        result->hash = (result->hash ^ i ^ data[i]) * 0x9e3779b97f4a7c15ull;
        result->hash ^= result->hash >> 29;
    }
}

#endif
