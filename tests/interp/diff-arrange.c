/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an encoding needs of its operands; see diff-arrange.h. It goes by the
 * groups of the Arm ARM's C4.1 and not by the emulator's own decoder, which
 * may be wrong: `the pattern a, b` is `(word & a) == b` throughout.
 */

#include "diff-arrange.h"

#include <string.h>

#include "diff-values.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static unsigned field(uint32_t word, unsigned at, unsigned width)
{
    return word >> at & ((1u << width) - 1);
}

static int64_t signed_field(uint32_t word, unsigned at, unsigned width)
{
    int64_t value = field(word, at, width);

    return value >> (width - 1) ? value - (1ll << width) : value;
}

/* False if that would change a fixed bit. */
static bool set_field(uint32_t *word, uint32_t fixed, unsigned at,
                      unsigned width, uint32_t value)
{
    uint32_t mask = ((1u << width) - 1) << at;
    uint32_t changed = (*word & ~mask) | (value << at & mask);

    if ((changed ^ *word) & fixed) {
        return false;
    }
    *word = changed;
    return true;
}

static bool is(uint32_t word, uint32_t mask, uint32_t value)
{
    return (word & mask) == value;
}

/*
 * An address for a load or store: mostly in the data and aligned, else not
 * aligned, over the boundary of the two pages, or where it faults.
 */
static uint64_t data_address(uint64_t *random)
{
    uint64_t at = DIFF_DATA + 128 + diff_below(random, DIFF_DATA_SIZE - 256);
    unsigned kind = diff_below(random, 100);

    if (kind < 55) {
        return at & -64 >> diff_below(random, 3);
    }
    if (kind < 65) {
        return at & -8;
    }
    if (kind < 85) {
        return at;
    }
    if (kind < 94) { /* from one page into the other */
        return DIFF_DATA + DIFF_DATA_SIZE / 2 - diff_below(random, 70);
    }
    if (kind < 97) {
        return DIFF_ROM + diff_below(random, 0x800);
    }
    return DIFF_ROM + DIFF_ROM_SIZE - diff_below(random, 20);
}

static uint64_t *x_or_sp(DiffState *state, unsigned r)
{
    return r == 31 ? &state->sp : &state->x[r];
}

/*
 * The address register of @word becomes an address less @offset. In a sequence
 * it may be another word's already; then that must do.
 */
static bool set_base(uint32_t word, uint64_t offset, DiffPlace *place,
                     DiffState *state, uint64_t *random)
{
    unsigned rn = field(word, 5, 5);

    if (place->used >> rn & 1) {
        return place->words > 1 && offset + 256 < 512;
    }
    if (place->written >> rn & 1) {
        return false;
    }
    *x_or_sp(state, rn) = data_address(random) - offset;
    place->used |= 1u << rn;
    return true;
}

/* ---- loads and stores ---- */

/*
 * A store-exclusive that finds no reservation may fail or fault, as the
 * implementation likes (Arm ARM, B2.9.2), so its address must be good.
 */
static bool set_exclusive_base(uint32_t word, DiffPlace *place,
                               DiffState *state, uint64_t *random)
{
    unsigned rn = field(word, 5, 5);

    if (!set_base(word, 0, place, state, random)) {
        return false;
    }
    *x_or_sp(state, rn) = DIFF_DATA + diff_below(random, 256) * 32;
    return place->words == 1;
}

static const uint8_t *template_data(unsigned number)
{
    static uint64_t data[DIFF_TEMPLATES][DIFF_DATA_WORDS];

    if (!data[DIFF_TEMPLATES - 1][DIFF_DATA_WORDS - 1]) {
        for (unsigned i = 0; i < DIFF_TEMPLATES; i++) {
            diff_template(data[i], i);
        }
    }
    return (const uint8_t *)data[number];
}

/*
 * CAS and CASP: as often as not, what they compare with is what is there, and
 * something above it that does not matter.
 */
static void expect_memory(uint32_t word, bool pair, const DiffPlace *place,
                          DiffState *state, uint64_t *random)
{
    unsigned rn = field(word, 5, 5), rs = field(word, 16, 5);
    unsigned size = 1u << (pair ? 2 + field(word, 30, 1) : word >> 30);
    uint64_t at = *x_or_sp(state, rn) - DIFF_DATA;

    if (at > DIFF_DATA_SIZE - 16 || diff_one_in(random, 3)) {
        return;
    }
    for (unsigned i = 0; i <= pair; i++) {
        if (rs + i >= 31 || rs + i == rn || place->used >> (rs + i) & 1) {
            return;
        }
        state->x[rs + i] = diff_random(random);
        memcpy(&state->x[rs + i],
               template_data(place->template) + at + i * size, size);
    }
}

/* LDXR and the like, LDAR, CAS: the address is aligned or it faults. */
static bool arrange_exclusive(uint32_t *word, uint32_t fixed, DiffPlace *place,
                              DiffState *state, uint64_t *random)
{
    unsigned rt = field(*word, 0, 5), rn = field(*word, 5, 5);
    unsigned rt2 = field(*word, 10, 5), rs = field(*word, 16, 5);
    bool ordered = *word >> 23 & 1, load = *word >> 22 & 1;
    bool pair = *word >> 21 & 1;

    if (ordered || !pair || !(*word >> 31)) {
        if (!set_field(word, fixed, 10, 5, 31)) {
            return false;
        }
    } else if (load && rt == rt2) {
        return false;
    }
    if (ordered ? !pair : load && (!pair || *word >> 31)) {
        if (!set_field(word, fixed, 16, 5, 31)) {
            return false;
        }
    }
    if (!ordered && !load && (!pair || *word >> 31)) {
        if (rs == rt || (rs == rn && rn != 31) || (pair && rs == rt2)) {
            return false;
        }
    }
    if (!ordered && !load && (!pair || *word >> 31)) {
        return set_exclusive_base(*word, place, state, random);
    }
    if (!set_base(*word, 0, place, state, random)) {
        return false;
    }
    if (pair && (ordered || !(*word >> 31))) {
        expect_memory(*word, !ordered, place, state, random);
    }
    return true;
}

static bool arrange_literal(uint32_t *word, uint32_t fixed, DiffPlace *place,
                            uint64_t *random)
{
    uint64_t pc = DIFF_START + place->index * 4;

    return diff_one_in(random, 20) ||
           set_field(word, fixed, 5, 19, (data_address(random) - pc) / 4);
}

static bool arrange_pair(uint32_t *word, DiffPlace *place, DiffState *state,
                         uint64_t *random)
{
    unsigned rt = field(*word, 0, 5), rn = field(*word, 5, 5);
    unsigned rt2 = field(*word, 10, 5), opc = *word >> 30;
    bool vector = *word >> 26 & 1, load = *word >> 22 & 1;
    unsigned mode = field(*word, 23, 2);
    unsigned scale = vector ? 2 + opc : opc == 1 ? 2 : 2 + (opc >> 1);
    int64_t offset = signed_field(*word, 15, 7) * (1 << scale);

    if (load && rt == rt2) {
        return false;
    }
    if ((mode & 1) && !vector && rn != 31 && (rt == rn || rt2 == rn)) {
        return false;
    }
    return set_base(*word, mode == 1 ? 0 : offset, place, state, random);
}

static uint64_t extended(uint64_t value, unsigned option)
{
    switch (option) {
    case 2:
        return (uint32_t)value;
    case 6:
        return (int64_t)(int32_t)value;
    default:
        return value;
    }
}

static bool arrange_register_offset(uint32_t word, DiffPlace *place,
                                    DiffState *state, unsigned scale,
                                    uint64_t *random)
{
    unsigned rn = field(word, 5, 5), rm = field(word, 16, 5);
    unsigned shift = word >> 12 & 1 ? scale : 0;
    uint64_t offset = 0;

    if (rm != 31) {
        if (rm == rn || place->words > 1) {
            return false;
        }
        offset = extended(state->x[rm], field(word, 13, 3)) << shift;
        place->used |= 1u << rm;
    }
    return set_base(word, offset, place, state, random);
}

static bool arrange_register(uint32_t word, DiffPlace *place, DiffState *state,
                             uint64_t *random)
{
    unsigned rt = field(word, 0, 5), rn = field(word, 5, 5);
    unsigned size = word >> 30, mode = field(word, 10, 2);
    bool vector = word >> 26 & 1;
    unsigned scale = vector ? (word >> 23 & 1) << 2 | size : size;

    if (word >> 24 & 1) {
        return set_base(word, (uint64_t)field(word, 10, 12) << scale, place,
                        state, random);
    }
    if (word >> 21 & 1) {
        return mode == 2
                   ? arrange_register_offset(word, place, state, scale, random)
                   : set_base(word, 0, place, state, random);
    }
    if ((mode & 1) && !vector && rt == rn && rn != 31) {
        return false;
    }
    return set_base(word, mode == 1 ? 0 : signed_field(word, 12, 9), place,
                    state, random);
}

static bool arrange_load_store(uint32_t *word, uint32_t fixed, DiffPlace *place,
                               DiffState *state, uint64_t *random)
{
    if (is(*word, 0x3f000000, 0x08000000)) {
        return arrange_exclusive(word, fixed, place, state, random);
    }
    if (is(*word, 0x3b000000, 0x18000000)) {
        return arrange_literal(word, fixed, place, random);
    }
    if (is(*word, 0x3a000000, 0x28000000)) {
        return arrange_pair(word, place, state, random);
    }
    if (is(*word, 0x3a000000, 0x38000000)) {
        return arrange_register(*word, place, state, random);
    }
    /* A structure. Its step may be a register of any value, which is nothing
     * for a word behind it. */
    if (place->words > 1 && (*word >> 23 & 1) && field(*word, 16, 5) != 31) {
        return false;
    }
    return set_base(*word, 0, place, state, random);
}

/* ---- branches ---- */

/* By words, to one of the BRKs around, or onward within the sequence. */
static bool set_branch(uint32_t *word, uint32_t fixed, unsigned at,
                       unsigned width, DiffPlace *place, uint64_t *random)
{
    int limit = width < 14 ? 30 : 500;
    int by = diff_below(random, 2 * limit + 1) - limit;

    if (place->words > 1) {
        by = 1 + diff_below(random, place->words - place->index);
    } else if (diff_one_in(random, 10)) {
        by = (int)signed_field(*word, at, width);
    }
    return by && set_field(word, fixed, at, width, by);
}

static bool arrange_branch_register(uint32_t word, DiffPlace *place,
                                    DiffState *state, uint64_t *random)
{
    unsigned rn = field(word, 5, 5);
    uint64_t to = DIFF_START + 4 + diff_below(random, 0x700) * 4;

    if (place->words > 1 || rn == 31) {
        return place->words == 1;
    }
    if (diff_one_in(random, 16)) {
        to += 1 + diff_below(random, 3);
    } else if (diff_one_in(random, 16)) {
        to = DIFF_ROM + DIFF_ROM_SIZE + diff_below(random, 0x100) * 4;
    } else if (diff_one_in(random, 16)) {
        to = DIFF_DATA + diff_below(random, 0x100) * 4;
    }
    state->x[rn] = to;
    return true;
}

static bool arrange_branch(uint32_t *word, uint32_t fixed, DiffPlace *place,
                           DiffState *state, uint64_t *random)
{
    if (is(*word, 0x7c000000, 0x14000000)) {
        return set_branch(word, fixed, 0, 26, place, random);
    }
    if (is(*word, 0x7e000000, 0x36000000)) {
        return set_branch(word, fixed, 5, 14, place, random);
    }
    if (is(*word, 0x7e000000, 0x34000000) ||
        is(*word, 0xfe000000, 0x54000000)) {
        return set_branch(word, fixed, 5, 19, place, random);
    }
    if (is(*word, 0xfe000000, 0xd6000000)) {
        return arrange_branch_register(*word, place, state, random);
    }
    if (is(*word, 0xff00001f, 0xd4000001)) {
        return false; /* SVC: the oracle would do what it asks for */
    }
    /* HLT #0xf000 is a call to qemu's semihosting. */
    return (*word & 0xffe0001f) != 0xd4400000 || field(*word, 5, 16) != 0xf000;
}

/* ---- the system instructions ---- */

/* op1, CRn, CRm, op2 in their places. */
#define SYSREG(op0, op1, n, m, op2) \
    ((op0 & 1u) << 19 | (op1) << 16 | (n) << 12 | (m) << 8 | (op2) << 5)
#define SYSREG_MASK 0x000fffe0u
#define DCZID_EL0 SYSREG(3, 3, 0, 0, 7)

/* clang-format off */
/* Those that matter more are there more than once. */
static const uint32_t el0_registers[] = {
    SYSREG(3, 3, 4, 2, 0),  /* NZCV */
    SYSREG(3, 3, 4, 2, 0),
    SYSREG(3, 3, 4, 4, 0),  /* FPCR */
    SYSREG(3, 3, 4, 4, 1),  /* FPSR */
    SYSREG(3, 3, 13, 0, 2), /* TPIDR_EL0 */
    SYSREG(3, 3, 4, 2, 1),  /* DAIF: not at EL0 */
    DCZID_EL0,              /* as the second oracle has it */
};

static const uint32_t el0_instructions[] = {
    SYSREG(1, 3, 7, 4, 1),  /* DC ZVA */
    SYSREG(1, 3, 7, 4, 1),
    SYSREG(1, 3, 7, 4, 1),
    SYSREG(1, 3, 7, 10, 1), /* DC CVAC */
    SYSREG(1, 3, 7, 11, 1), /* DC CVAU */
    SYSREG(1, 3, 7, 14, 1), /* DC CIVAC */
    SYSREG(1, 3, 7, 5, 1),  /* IC IVAU */
    SYSREG(1, 0, 7, 6, 1),  /* DC IVAC: not at EL0 */
    SYSREG(1, 0, 7, 8, 0),  /* AT S1E1R */
    SYSREG(1, 0, 8, 7, 0),  /* TLBI VMALLE1 */
    SYSREG(1, 0, 8, 7, 1),  /* TLBI VAE1 */
    SYSREG(1, 0, 7, 5, 0),  /* IC IALLU */
};
/* clang-format on */

/* Of another CPU, or of the machine: its identity, counters, debugger. */
static bool is_machine_register(uint32_t word)
{
    unsigned op0 = 2 + (word >> 19 & 1), op1 = field(word, 16, 3);
    unsigned crn = field(word, 12, 4);

    return op0 == 2 || (op1 == 0 && crn == 0) ||
           (op1 == 3 && (crn == 0 || crn == 2 || crn == 9 || crn >= 13)) ||
           crn == 11 || crn == 15;
}

/*
 * FPCR.Len, FPCR.Stride and FPSR's flags are AArch32's (Arm ARM, C5.2): the
 * oracle keeps them, for a CPU without AArch32 they are RES0. In a sequence,
 * which may have other instructions of a later architecture than the second
 * oracle's, FPCR.FZ16 is one too many.
 */
static bool keep_to_aarch64(uint32_t word, const DiffPlace *place,
                            DiffState *state)
{
    unsigned rt = field(word, 0, 5);
    bool fpcr = is(word, 0xffffffe0, 0xd51b4400);
    bool fpsr = is(word, 0xffffffe0, 0xd51b4420);

    if ((!fpcr && !fpsr) || rt == 31) {
        return true;
    }
    state->x[rt] &= fpsr ? ~0xf0000000ull : ~0x370000ull;
    if (place->words > 1) {
        state->x[rt] &= ~0x80000ull;
    }
    return !((place->written | place->used) >> rt & 1);
}

static bool arrange_register_move(uint32_t *word, uint32_t fixed,
                                  const DiffPlace *place, DiffState *state,
                                  uint64_t *random)
{
    uint32_t r = el0_registers[diff_below(random, COUNT(el0_registers))];

    if (!(fixed & SYSREG_MASK & ~0x80000u) && !diff_one_in(random, 8)) {
        *word = (*word & ~SYSREG_MASK) | r;
    }
    if (!keep_to_aarch64(*word, place, state)) {
        return false;
    }
    if (place->words > 1 && (*word & SYSREG_MASK) == DCZID_EL0) {
        return false;
    }
    return !is_machine_register(*word) || (*word & SYSREG_MASK) == r;
}

static bool arrange_sys(uint32_t *word, uint32_t fixed, DiffPlace *place,
                        DiffState *state, uint64_t *random)
{
    unsigned rt = field(*word, 0, 5);
    bool load = *word >> 21 & 1;

    if (!load && !(fixed & SYSREG_MASK & ~0x80000u)) {
        *word = (*word & ~SYSREG_MASK) |
                el0_instructions[diff_below(random, COUNT(el0_instructions))];
    }
    /* The oracles' blocks are of different sizes. */
    if (is(*word, 0xffffffe0, 0xd50b7420) && place->words > 1) {
        return false;
    }
    if (rt != 31) {
        if ((place->used | place->written) >> rt & 1) {
            return false;
        }
        state->x[rt] = DIFF_DATA + diff_below(random, DIFF_DATA_SIZE);
        place->used |= 1u << rt;
    }
    return rt != 31;
}

static bool arrange_system(uint32_t *word, uint32_t fixed, DiffPlace *place,
                           DiffState *state, uint64_t *random)
{
    switch (field(*word, 19, 3)) {
    case 0: /* WFI waits for an interrupt that never comes */
        return (*word & 0xfff) != 0x07f || field(*word, 12, 4) != 2;
    case 1:
    case 5:
        return arrange_sys(word, fixed, place, state, random);
    case 4:
        return false;
    default:
        return arrange_register_move(word, fixed, place, state, random);
    }
}

bool diff_arrange(uint32_t *word, uint32_t fixed, DiffPlace *place,
                  DiffState *state, uint64_t *random)
{
    if (is(*word, 0x0a000000, 0x08000000)) {
        return arrange_load_store(word, fixed, place, state, random);
    }
    if (is(*word, 0xffc00000, 0xd5000000)) {
        return arrange_system(word, fixed, place, state, random);
    }
    if (is(*word, 0x1c000000, 0x14000000)) {
        return arrange_branch(word, fixed, place, state, random);
    }
    return true;
}

uint32_t diff_may_write(uint32_t word)
{
    uint32_t written = 1u << field(word, 0, 5);

    if (is(word, 0x0a000000, 0x08000000)) {
        /* A second register, a status, or CASP's, two each. */
        written |= 1u << field(word, 10, 5) | 1u << field(word, 16, 5);
        written |= written << 1;
    } else if (is(word, 0xfc000000, 0x94000000)) {
        written = 1u << 30;
    }
    return written;
}
