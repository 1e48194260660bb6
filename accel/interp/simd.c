/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd.c: what the translate functions of Advanced SIMD have in common: from
 * the fields size and Q to a function and the bytes that it works on.
 *
 * The table of patterns has already told vector and scalar forms apart; what
 * is left to reject is an element size that an instruction has not got.
 */

#include "simd.h"

const uint8_t simd_ones_zeros[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

Op *simd_emit(Translator *t, uint32_t insn, OpFn *fn, unsigned bytes,
              unsigned amount)
{
    Op *op = emit_call(t, fn);

    op->rd = bits(insn, 4, 0);
    op->rn = bits(insn, 9, 5);
    op->rm = bits(insn, 20, 16);
    op->sub = bytes | amount << 8;
    return op;
}

static bool vector(Translator *t, uint32_t insn, SimdFns fns, unsigned size)
{
    unsigned q = bits(insn, 30, 30);

    if (!fns[size] || (size == 3 && !q)) {
        return false;
    }
    simd_emit(t, insn, fns[size], 8 << q, 0);
    return true;
}

bool simd_vector(Translator *t, uint32_t insn, SimdFns fns)
{
    return vector(t, insn, fns, bits(insn, 23, 22));
}

bool simd_vector_fp(Translator *t, uint32_t insn, SimdFns fns)
{
    return vector(t, insn, fns, 2 + bits(insn, 22, 22));
}

static bool scalar(Translator *t, uint32_t insn, SimdFns fns, unsigned size)
{
    if (!fns[size]) {
        return false;
    }
    simd_emit(t, insn, fns[size], 1 << size, 0);
    return true;
}

bool simd_scalar(Translator *t, uint32_t insn, SimdFns fns)
{
    return scalar(t, insn, fns, bits(insn, 23, 22));
}

bool simd_scalar_fp(Translator *t, uint32_t insn, SimdFns fns)
{
    return scalar(t, insn, fns, 2 + bits(insn, 22, 22));
}

bool simd_halves(Translator *t, uint32_t insn, SimdFns fns)
{
    unsigned size = bits(insn, 23, 22);

    if (!fns[size]) {
        return false;
    }
    simd_emit(t, insn, fns[size], 8, bits(insn, 30, 30));
    return true;
}
