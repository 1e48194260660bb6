/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "op.h"

/*
 * The decoder: from an instruction word, by the table of a64-table.h, to the
 * translate function that emits operations into the block being made.
 *
 * A line of the table:  A64("ADD (immediate)", add_imm,
 *                           "sf:1 0 0 100010 sh:1 imm12:12 Rn:5 Rd:5")
 * The name and the fields are those of the Arm ARM, C4 and C6/C7; a field is
 * name:width, anything else is bits, 0, 1, or x for either. Of several lines
 * that fit, the one with the most fixed bits is meant. add_imm stands for the
 * function translate_add_imm(). A64_FP is for instructions that are trapped
 * while FP and SIMD are disabled. A64_MISSING(name, feature, pattern) lists an
 * encoding of the architecture that this CPU has not got.
 */
typedef struct Translator {
    uint64_t pc;     /* of the instruction at hand */
    uint32_t insn;   /* the instruction at hand */
    bool ends;       /* set by the translate function: no instruction follows */
    bool fp_checked; /* in this block */
    bool sp_checked; /* SP is known to be aligned, see emit_check_sp() */
    unsigned num_ops;
    unsigned num_insns;
    Op *ops;          /* room for the largest block */
    uint8_t *insn_of; /* per operation, the number of its instruction */
} Translator;

/* Limits of a block; an instruction makes at most OPS_PER_INSN operations. */
#define BLOCK_MAX_INSNS 64
#define OPS_PER_INSN 8
#define BLOCK_MAX_OPS (BLOCK_MAX_INSNS * OPS_PER_INSN + 2)

/** False: the encoding is not allocated, whatever was emitted is dropped. */
typedef bool A64TranslateFn(Translator *t, uint32_t insn);

typedef struct A64Insn {
    const char *name;
    A64TranslateFn *translate; /* NULL: missing */
    const char *pattern;
    const char *feature; /* of a missing one */
    bool fp;
} A64Insn;

extern const A64Insn a64_insns[];
extern const unsigned num_a64_insns;

/** The line that @insn is of, or NULL. Any thread. */
const A64Insn *a64_find(uint32_t insn);
/** Mask and value of @pattern; false if it is not 32 bits. */
bool a64_parse_pattern(const char *pattern, uint32_t *mask, uint32_t *value);

/**
 * Emits the operations of one instruction; what is unallocated or missing
 * becomes an UNDEFINED exception (and, when run, one log line).
 */
void a64_translate(Translator *t, uint32_t insn);

/* For translate functions. */

/** Bits @hi to @lo of @insn; sbits() sign-extends. */
static inline uint32_t bits(uint32_t insn, unsigned hi, unsigned lo)
{
    return insn >> lo & (0xffffffffu >> (31 - (hi - lo)));
}

static inline int64_t sbits(uint32_t insn, unsigned hi, unsigned lo)
{
    return (int64_t)((uint64_t)insn << (63 - hi)) >> (63 - hi + lo);
}

/* Register number 31 as the zero register, read or written, or as SP. */
static inline uint8_t xr(unsigned r)
{
    return r == 31 ? X_ZR : r;
}

static inline uint8_t xw(unsigned r)
{
    return r == 31 ? X_SINK : r;
}

/** A new operation, all else zero; the pointer is valid until the next. */
Op *emit(Translator *t, OpCode code);
Op *emit_dnm(Translator *t, OpCode code, unsigned rd, unsigned rn, unsigned rm);
Op *emit_dni(Translator *t, OpCode code, unsigned rd, unsigned rn,
             uint64_t imm);
/** A call; the caller fills in the operands, but not imm. */
Op *emit_call(Translator *t, OpFn *fn);
/** A call with a datum, op[1].imm for @fn. */
Op *emit_call_datum(Translator *t, OpFn *fn, uint64_t datum);

/**
 * Before an access by Xn|SP: CheckSPAlignment() if @rn is SP, unless that was
 * done in this block and SP has changed by multiples of 16 only.
 */
void emit_check_sp(Translator *t, unsigned rn);
/** Xn|SP += @imm, after the access. */
void emit_writeback(Translator *t, unsigned rn, uint64_t imm);

/** DecodeBitMasks(): false if reserved. @w_mask or @t_mask may be NULL. */
bool decode_bit_masks(unsigned n, unsigned imms, unsigned immr, bool immediate,
                      unsigned size, uint64_t *w_mask, uint64_t *t_mask);

/* The translate functions of all lines. */
#define A64(name, fn, pattern) A64TranslateFn translate_##fn;
#include "a64-table.h"
