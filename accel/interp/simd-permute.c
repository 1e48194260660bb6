/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-permute.c: Advanced SIMD instructions that put elements elsewhere: ZIP,
 * UZP, TRN, EXT, TBL and TBX, and the reversals REV16, REV32 and REV64.
 *
 * The results depend on how many lanes take part, so Q = 0 is not the lower
 * half of Q = 1 here.
 */

#include "simd.h"

/* Lane i of the result is `source`; lanes is their number. */
#define PERMUTE(fn, type, field, unused, source)                         \
    static bool fn(InterpCpu *cpu, const Op *op)                         \
    {                                                                    \
        const VReg n = cpu->v[op->rn], m G_GNUC_UNUSED = cpu->v[op->rm]; \
        unsigned lanes = simd_bytes(op) / sizeof(type);                  \
        VReg r = {{0}};                                                  \
                                                                         \
        for (unsigned i = 0; i < lanes; i++) {                           \
            r.field[i] = (source);                                       \
        }                                                                \
        cpu->v[op->rd] = r;                                              \
        return true;                                                     \
    }

/* `at` in terms of lane number i, and `from` as well: which register. */
#define PERMUTE_ALL(name, from_n, at)                                     \
    PERMUTE(name##_b, uint8_t, b, , ((from_n) ? n : m).b[(at)&15])        \
    PERMUTE(name##_h, uint16_t, h, , ((from_n) ? n : m).h[(at)&7])        \
    PERMUTE(name##_s, uint32_t, s, , ((from_n) ? n : m).s[(at)&3])        \
    PERMUTE(name##_d, uint64_t, d, , ((from_n) ? n : m).d[(at)&1])        \
    static SimdFns name##_fns = {name##_b, name##_h, name##_s, name##_d}; \
    SIMD_TRANSLATE(name, simd_vector, name##_fns)

PERMUTE_ALL(zip1, i % 2 == 0, i / 2)
PERMUTE_ALL(zip2, i % 2 == 0, (lanes + i) / 2)
PERMUTE_ALL(uzp1, i < lanes / 2, 2 * i % lanes)
PERMUTE_ALL(uzp2, i < lanes / 2, 2 * i % lanes + 1)
PERMUTE_ALL(trn1, i % 2 == 0, i & ~1u)
PERMUTE_ALL(trn2, i % 2 == 0, i | 1)

/* Within containers of so many lanes; the lanes' numbers differ in low bits. */
PERMUTE(rev16_b, uint8_t, b, , n.b[i ^ 1])
PERMUTE(rev32_b, uint8_t, b, , n.b[i ^ 3])
PERMUTE(rev32_h, uint16_t, h, , n.h[i ^ 1])
PERMUTE(rev64_b, uint8_t, b, , n.b[i ^ 7])
PERMUTE(rev64_h, uint16_t, h, , n.h[i ^ 3])
PERMUTE(rev64_s, uint32_t, s, , n.s[i ^ 1])

static SimdFns rev16 = {rev16_b};
static SimdFns rev32 = {rev32_b, rev32_h};
static SimdFns rev64 = {rev64_b, rev64_h, rev64_s};

SIMD_TRANSLATE(rev16_v, simd_vector, rev16)
SIMD_TRANSLATE(rev32_v, simd_vector, rev32)
SIMD_TRANSLATE(rev64_v, simd_vector, rev64)

static bool ext(InterpCpu *cpu, const Op *op)
{
    unsigned bytes = simd_bytes(op);
    uint8_t both[32];
    VReg r = {{0}};

    memcpy(both, &cpu->v[op->rn], bytes);
    memcpy(both + bytes, &cpu->v[op->rm], bytes);
    memcpy(&r, both + simd_amount(op), bytes);
    cpu->v[op->rd] = r;
    return true;
}

bool translate_ext(Translator *t, uint32_t insn)
{
    unsigned q = bits(insn, 30, 30), position = bits(insn, 14, 11);

    if (!q && position >= 8) {
        return false;
    }
    simd_emit(t, insn, ext, 8 << q, position);
    return true;
}

/* ---- tables: of so many registers (the amount), from Vn on ---- */

static inline bool look_up(InterpCpu *cpu, const Op *op, VReg r)
{
    unsigned n = simd_amount(op);
    const VReg m = cpu->v[op->rm];
    VReg table[4];

    for (unsigned i = 0; i < n; i++) {
        table[i] = cpu->v[(op->rn + i) % 32];
    }
    for (unsigned i = 0; i < 16; i++) {
        if (m.b[i] < 16 * n) {
            r.b[i] = table[m.b[i] / 16].b[m.b[i] % 16];
        }
    }
    return simd_write(cpu, op, r);
}

static bool tbl(InterpCpu *cpu, const Op *op)
{
    return look_up(cpu, op, (VReg){{0}});
}

static bool tbx(InterpCpu *cpu, const Op *op)
{
    return look_up(cpu, op, cpu->v[op->rd]);
}

static bool table(Translator *t, uint32_t insn, OpFn *fn)
{
    simd_emit(t, insn, fn, 8 << bits(insn, 30, 30), bits(insn, 14, 13) + 1);
    return true;
}

SIMD_TRANSLATE(tbl, table, tbl)
SIMD_TRANSLATE(tbx, table, tbx)
