/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cases of a class, see diff-gen.h. The bits of an encoding that its line
 * leaves open are drawn at random, with a liking for what decoders get wrong:
 * register 31, one register in several roles, fields of all zeroes or ones. An
 * encoding is used for a few sets of operands in a row, which costs either
 * side less than a new one.
 */

#include "diff-gen.h"

#include <glib.h>
#include <string.h>

#include "diff-arrange.h"
#include "diff-values.h"

enum {
    NOP = 0xd503201f,
    CLREX = 0xd503305f,
    SETS_PER_WORD = 4,
    TRIES = 1000, /* of a line, until a word fits */
};

/* Where a register's number may be. */
static const unsigned register_fields[] = {0, 5, 10, 16};

static uint32_t put(uint32_t word, uint32_t fixed, unsigned at, unsigned width,
                    uint32_t value)
{
    uint32_t mask = ((1u << width) - 1) << at & ~fixed;

    return (word & ~mask) | (value << at & mask);
}

/* Random bits where @fixed has none, @value's elsewhere. */
static uint32_t random_word(uint32_t fixed, uint32_t value, uint64_t *random)
{
    uint32_t word = (diff_random(random) >> 32 & ~fixed) | value;

    if (diff_one_in(random, 4)) {
        unsigned at = diff_below(random, 26);

        word = put(word, fixed, at, 2 + diff_below(random, 5),
                   diff_one_in(random, 2) ? ~0u : 0);
    }
    if (diff_one_in(random, 4)) {
        unsigned from = register_fields[diff_below(random, 4)];
        unsigned to = register_fields[diff_below(random, 4)];

        word = put(word, fixed, to, 5, word >> from);
    }
    if (diff_one_in(random, 6)) {
        word = put(word, fixed, register_fields[diff_below(random, 4)], 5, 31);
    }
    return word;
}

/* A word of @line for @place in @c; false if none was found. */
static bool line_word(const DiffLine *line, DiffCase *c, DiffPlace *place,
                      uint64_t *random)
{
    uint32_t fixed = line->mask;

    for (unsigned i = 0; i < TRIES; i++) {
        uint32_t word = random_word(fixed, line->value, random);
        DiffPlace tried = *place;
        DiffState state = c->state;

        if (diff_find(word) == line &&
            diff_arrange(&word, fixed, &tried, &state, random) &&
            diff_find(word) == line) {
            c->code[place->index] = word;
            c->state = state;
            *place = tried;
            return true;
        }
    }
    return false;
}

static bool single(const DiffClass *class, DiffCase *c, uint64_t *random)
{
    DiffPlace place = {.words = 1, .template = c->template};

    return line_word(class->line, c, &place, random);
}

/* A word of a line that our CPU has not got; there is no oracle for it. */
static void missing(DiffCase *c, uint64_t *random)
{
    const DiffLine *line;
    uint32_t word;

    do {
        line = &diff_lines[diff_below(random, num_diff_lines)];
        word = random_word(line->mask, line->value, random);
    } while (!line->missing || diff_find(word) != line);
    c->code[0] = word;
}

static void unallocated(DiffCase *c, uint64_t *random)
{
    uint32_t word;
    DiffPlace place;

    do {
        /* One bit away from a line, or anything at all. */
        const DiffLine *near = &diff_lines[diff_below(random, num_diff_lines)];
        uint32_t fixed = 0, value = 0;

        if (!diff_one_in(random, 4)) {
            fixed = near->mask;
            value = near->value ^ (fixed & 1u << diff_below(random, 32));
        }
        word = random_word(fixed, value, random);
        place = (DiffPlace){.words = 1, .template = c->template};
    } while (diff_find(word) ||
             !diff_arrange(&word, 0, &place, &c->state, random) ||
             diff_find(word));
    c->code[0] = word;
}

/* A good word of any line, at @place in @c. */
static bool good_word(DiffCase *c, DiffPlace *place, uint64_t *random)
{
    const DiffLine *line = &diff_lines[diff_below(random, num_diff_lines)];
    uint32_t word, writes;

    if (!line->num_good) {
        return false;
    }
    word = line->good[diff_below(random, line->num_good)];
    if (!diff_arrange(&word, line->mask, place, &c->state, random)) {
        return false;
    }
    writes = diff_may_write(word);
    if (writes & place->used) {
        return false;
    }
    place->written |= writes;
    c->code[place->index] = word;
    return true;
}

static void sequence_word(DiffCase *c, DiffPlace *place, uint64_t *random)
{
    for (unsigned i = 0; i < 100; i++) {
        DiffCase tried = *c;
        DiffPlace then = *place;

        if (good_word(&tried, &then, random)) {
            *c = tried;
            *place = then;
            return;
        }
    }
    c->code[place->index] = NOP;
}

static void sequence(DiffCase *c, uint64_t *random)
{
    DiffPlace place = {.words = 2 + diff_below(random, 7),
                       .template = c->template};

    c->words = place.words;
    for (; place.index < place.words; place.index++) {
        sequence_word(c, &place, random);
    }
}

/* Different registers for the roles of an exclusive access. */
static void draw_registers(unsigned *r, unsigned n, uint64_t *random)
{
    uint32_t taken = 0;

    for (unsigned i = 0; i < n; i++) {
        do {
            r[i] = diff_below(random, 31);
        } while (taken >> r[i] & 1);
        taken |= 1u << r[i];
    }
}

/*
 * LDXR, LDXP and the like; perhaps a CLREX, a change of the value by the same
 * CPU's registers only, or a different address; STXR, STXP; and once more.
 */
static void exclusive(DiffCase *c, uint64_t *random)
{
    unsigned r[6];
    unsigned size = diff_below(random, 4), align = diff_below(random, 4);
    bool pair = size >= 2 && diff_one_in(random, 2);
    uint32_t load, store;

    draw_registers(r, G_N_ELEMENTS(r), random);
    load = 0x085f0000 | size << 30 | r[0] << 5 | r[1];
    store = 0x08000000 | size << 30 | r[2] << 16 | r[0] << 5 | r[3];
    load |= pair << 21 | (pair ? r[4] : 31) << 10;
    store |= pair << 21 | (pair ? r[5] : 31) << 10;
    load |= (uint32_t)diff_one_in(random, 2) << 15;
    store |= (uint32_t)diff_one_in(random, 2) << 15;
    c->words = 4;
    c->code[0] = diff_one_in(random, 6) ? NOP : load;
    c->code[1] = diff_one_in(random, 6) ? CLREX : NOP;
    c->code[2] = store;
    /* A second store never succeeds, a second pair of them does. */
    c->code[3] = NOP;
    if (diff_one_in(random, 2)) {
        c->code[3] = put(store, 0, 16, 5, r[1]);
    } else if (diff_one_in(random, 2)) {
        c->code[3] = load;
        c->code[4] = put(store, 0, 16, 5, r[2]);
        c->words = 5;
    }
    c->state.x[r[0]] = DIFF_DATA + diff_below(random, DIFF_DATA_SIZE / 32) * 32;
    if (align == 0 && c->code[0] == load) {
        c->state.x[r[0]] += diff_below(random, 32) &
                            (diff_one_in(random, 4) ? ~0u : -(1u << size));
    }
}

/* By its name; of SCVTF and the like the operands are integers. */
static bool is_float(const DiffClass *class)
{
    return class->name[0] == 'F';
}

static bool one(const DiffClass *class, DiffCase *c, uint64_t *random)
{
    *c = (DiffCase){.template = diff_below(random, DIFF_TEMPLATES), .words = 1};
    diff_random_state(&c->state, is_float(class), random);
    switch (class->kind) {
    case DIFF_LINE:
        return single(class, c, random);
    case DIFF_SEQUENCE:
        sequence(c, random);
        break;
    case DIFF_EXCLUSIVE:
        exclusive(c, random);
        break;
    case DIFF_UNALLOCATED:
        unallocated(c, random);
        break;
    case DIFF_MISSING:
        missing(c, random);
        break;
    }
    return true;
}

/* The code of @c again with other operands; false if it is not to be had. */
static bool again(const DiffClass *class, const DiffCase *c, DiffCase *next,
                  uint64_t *random)
{
    unsigned template = diff_below(random, DIFF_TEMPLATES);
    DiffPlace place = {.words = 1, .template = template};

    *next = *c;
    next->template = template;
    diff_random_state(&next->state, is_float(class), random);
    return c->words == 1 &&
           diff_arrange(&next->code[0], ~0u, &place, &next->state, random);
}

bool diff_generate(const DiffClass *class, DiffCase *cases, unsigned n,
                   uint64_t *random)
{
    for (unsigned i = 0; i < n; i++) {
        bool same = i % SETS_PER_WORD && class->kind == DIFF_LINE;

        if (!(same && again(class, &cases[i - 1], &cases[i], random)) &&
            !one(class, &cases[i], random)) {
            return false;
        }
    }
    return true;
}
