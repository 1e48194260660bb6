/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-struct.c: LD1 to LD4, ST1 to ST4, of whole registers and of one lane,
 * and LD1R to LD4R (Arm ARM C4.1, "Advanced SIMD load/store").
 *
 * The bytes in memory are one piece, so they are read or written at once, and
 * the lanes are sorted before or after that: a fault changes nothing. Register
 * numbers wrap around after 31.
 */

#include "mem.h"
#include "simd.h"

#define MAX_BYTES 64

/* @align: the size of an element. */
static inline bool load(InterpCpu *cpu, const Op *op, void *buf, unsigned bytes,
                        unsigned align)
{
    uint64_t va = cpu->x[op->rn];
    const void *p = mem_fast_read(cpu->tlb, va, bytes);

    if (G_UNLIKELY(!p)) {
        return mem_check_align(cpu, op, va, align, MEM_READ) &&
               mem_load_block(cpu, op, va, buf, bytes);
    }
    memcpy(buf, p, bytes);
    return true;
}

static inline bool store(InterpCpu *cpu, const Op *op, const void *buf,
                         unsigned bytes, unsigned align)
{
    uint64_t va = cpu->x[op->rn];
    void *p = mem_fast_write(cpu->tlb, va, bytes);

    if (G_UNLIKELY(!p)) {
        return mem_check_align(cpu, op, va, align, MEM_WRITE) &&
               mem_store_block(cpu, op, va, buf, bytes);
    }
    memcpy(p, buf, bytes);
    return true;
}

static inline VReg *reg(InterpCpu *cpu, const Op *op, unsigned i)
{
    return &cpu->v[(op->rd + i) % 32];
}

/* ---- whole registers, one after the other: LD1 and ST1 of n of them ---- */

/* The amount is the size of an element, which matters to alignment alone. */
#define CONSECUTIVE(n, bytes)                                     \
    static bool ld1_##n##x##bytes(InterpCpu *cpu, const Op *op)   \
    {                                                             \
        uint8_t buf[n * bytes];                                   \
                                                                  \
        if (!load(cpu, op, buf, sizeof(buf), simd_amount(op))) {  \
            return false;                                         \
        }                                                         \
        for (unsigned i = 0; i < n; i++) {                        \
            VReg r = {{0}};                                       \
                                                                  \
            memcpy(&r, buf + i * bytes, bytes);                   \
            *reg(cpu, op, i) = r;                                 \
        }                                                         \
        return true;                                              \
    }                                                             \
                                                                  \
    static bool st1_##n##x##bytes(InterpCpu *cpu, const Op *op)   \
    {                                                             \
        uint8_t buf[n * bytes];                                   \
                                                                  \
        for (unsigned i = 0; i < n; i++) {                        \
            memcpy(buf + i * bytes, reg(cpu, op, i), bytes);      \
        }                                                         \
        return store(cpu, op, buf, sizeof(buf), simd_amount(op)); \
    }

CONSECUTIVE(1, 8)
CONSECUTIVE(2, 8)
CONSECUTIVE(3, 8)
CONSECUTIVE(4, 8)
CONSECUTIVE(1, 16)
CONSECUTIVE(2, 16)
CONSECUTIVE(3, 16)
CONSECUTIVE(4, 16)

/* ---- whole registers, lane by lane: LD2 to LD4, ST2 to ST4 ---- */

#define STRUCTURE(n, name, type, field)                                \
    static bool ld##n##_##name(InterpCpu *cpu, const Op *op)           \
    {                                                                  \
        unsigned bytes = simd_bytes(op), lanes = bytes / sizeof(type); \
        type buf[MAX_BYTES / sizeof(type)];                            \
        VReg r[n] = {{{0}}};                                           \
                                                                       \
        if (!load(cpu, op, buf, n * bytes, sizeof(type))) {            \
            return false;                                              \
        }                                                              \
        for (unsigned i = 0; i < lanes; i++) {                         \
            for (unsigned k = 0; k < n; k++) {                         \
                r[k].field[i] = buf[n * i + k];                        \
            }                                                          \
        }                                                              \
        for (unsigned k = 0; k < n; k++) {                             \
            *reg(cpu, op, k) = r[k];                                   \
        }                                                              \
        return true;                                                   \
    }                                                                  \
                                                                       \
    static bool st##n##_##name(InterpCpu *cpu, const Op *op)           \
    {                                                                  \
        unsigned bytes = simd_bytes(op), lanes = bytes / sizeof(type); \
        type buf[MAX_BYTES / sizeof(type)];                            \
                                                                       \
        for (unsigned k = 0; k < n; k++) {                             \
            VReg r = *reg(cpu, op, k);                                 \
                                                                       \
            for (unsigned i = 0; i < lanes; i++) {                     \
                buf[n * i + k] = r.field[i];                           \
            }                                                          \
        }                                                              \
        return store(cpu, op, buf, n * bytes, sizeof(type));           \
    }

#define STRUCTURES(n)                                                    \
    STRUCTURE(n, b, uint8_t, b)                                          \
    STRUCTURE(n, h, uint16_t, h)                                         \
    STRUCTURE(n, s, uint32_t, s)                                         \
    STRUCTURE(n, d, uint64_t, d)                                         \
    static SimdFns ld##n = {ld##n##_b, ld##n##_h, ld##n##_s, ld##n##_d}; \
    static SimdFns st##n = {st##n##_b, st##n##_h, st##n##_s, st##n##_d};

STRUCTURES(2)
STRUCTURES(3)
STRUCTURES(4)

/* ---- one lane (ra) of several registers (the amount) ---- */

/* A single element is one access, which another CPU sees all of or nothing. */
static inline bool load_elements(InterpCpu *cpu, const Op *op, void *buf,
                                 unsigned bytes)
{
    uint64_t value;

    if (simd_amount(op) != 1) {
        return load(cpu, op, buf, simd_amount(op) * bytes, bytes);
    }
    if (!mem_load(cpu, op, cpu->x[op->rn], bytes, &value)) {
        return false;
    }
    memcpy(buf, &value, bytes);
    return true;
}

#define LANE(name, type, field)                                         \
    static bool ld_lane_##name(InterpCpu *cpu, const Op *op)            \
    {                                                                   \
        type buf[4];                                                    \
                                                                        \
        if (!load_elements(cpu, op, buf, sizeof(type))) {               \
            return false;                                               \
        }                                                               \
        for (unsigned i = 0; i < simd_amount(op); i++) {                \
            reg(cpu, op, i)->field[op->ra] = buf[i];                    \
        }                                                               \
        return true;                                                    \
    }                                                                   \
                                                                        \
    static bool ld_all_##name(InterpCpu *cpu, const Op *op)             \
    {                                                                   \
        type buf[4];                                                    \
                                                                        \
        if (!load_elements(cpu, op, buf, sizeof(type))) {               \
            return false;                                               \
        }                                                               \
        for (unsigned i = 0; i < simd_amount(op); i++) {                \
            VReg r;                                                     \
                                                                        \
            for (unsigned lane = 0; lane < 16 / sizeof(type); lane++) { \
                r.field[lane] = buf[i];                                 \
            }                                                           \
            *reg(cpu, op, i) = simd_low(r, simd_bytes(op));             \
        }                                                               \
        return true;                                                    \
    }                                                                   \
                                                                        \
    static bool st_lane_##name(InterpCpu *cpu, const Op *op)            \
    {                                                                   \
        type buf[4];                                                    \
                                                                        \
        if (simd_amount(op) == 1) {                                     \
            return mem_store(cpu, op, cpu->x[op->rn], sizeof(type),     \
                             reg(cpu, op, 0)->field[op->ra]);           \
        }                                                               \
        for (unsigned i = 0; i < simd_amount(op); i++) {                \
            buf[i] = reg(cpu, op, i)->field[op->ra];                    \
        }                                                               \
        return store(cpu, op, buf, simd_amount(op) * sizeof(type),      \
                     sizeof(type));                                     \
    }

LANE(b, uint8_t, b)
LANE(h, uint16_t, h)
LANE(s, uint32_t, s)
LANE(d, uint64_t, d)

static SimdFns ld_lane = {ld_lane_b, ld_lane_h, ld_lane_s, ld_lane_d};
static SimdFns ld_all = {ld_all_b, ld_all_h, ld_all_s, ld_all_d};
static SimdFns st_lane = {st_lane_b, st_lane_h, st_lane_s, st_lane_d};

/* ---- translation ---- */

/* Post-indexed: Rm = 31 stands for the number of bytes. */
static void emit_post_index(Translator *t, uint32_t insn, unsigned bytes)
{
    unsigned rn = bits(insn, 9, 5), rm = bits(insn, 20, 16);

    if (!bits(insn, 23, 23)) {
        return;
    }
    if (rm == 31) {
        emit_writeback(t, rn, bytes);
        return;
    }
    emit_dnm(t, OP_ADD, rn, rn, rm);
    if (rn == X_SP) {
        t->sp_checked = false;
    }
}

static bool emit_structure(Translator *t, uint32_t insn, OpFn *fn, unsigned n)
{
    unsigned bytes = 8 << bits(insn, 30, 30);

    emit_check_sp(t, bits(insn, 9, 5));
    simd_emit(t, insn, fn, bytes, 1 << bits(insn, 11, 10));
    emit_post_index(t, insn, n * bytes);
    return true;
}

#define BY_Q(name, n)                                                        \
    bool translate_##name##_##n(Translator *t, uint32_t insn)                \
    {                                                                        \
        bool q = bits(insn, 30, 30);                                         \
                                                                             \
        return emit_structure(t, insn, q ? name##_##n##x16 : name##_##n##x8, \
                              n);                                            \
    }

BY_Q(ld1, 1)
BY_Q(ld1, 2)
BY_Q(ld1, 3)
BY_Q(ld1, 4)
BY_Q(st1, 1)
BY_Q(st1, 2)
BY_Q(st1, 3)
BY_Q(st1, 4)

#define INTERLEAVED(name, n)                            \
    bool translate_##name(Translator *t, uint32_t insn) \
    {                                                   \
        unsigned size = bits(insn, 11, 10);             \
                                                        \
        return !(size == 3 && !bits(insn, 30, 30)) &&   \
               emit_structure(t, insn, name[size], n);  \
    }

INTERLEAVED(ld2, 2)
INTERLEAVED(ld3, 3)
INTERLEAVED(ld4, 4)
INTERLEAVED(st2, 2)
INTERLEAVED(st3, 3)
INTERLEAVED(st4, 4)

/* How many registers: selem. */
static unsigned lane_registers(uint32_t insn)
{
    return (bits(insn, 13, 13) << 1 | bits(insn, 21, 21)) + 1;
}

static bool emit_lane(Translator *t, uint32_t insn, SimdFns fns, unsigned size,
                      unsigned lane)
{
    unsigned n = lane_registers(insn);

    emit_check_sp(t, bits(insn, 9, 5));
    simd_emit(t, insn, fns[size], 16, n)->ra = lane;
    emit_post_index(t, insn, n << size);
    return true;
}

/* Lanes of 1 << size bytes; what their number Q:S:size needs not is fixed. */
static bool one_lane(Translator *t, uint32_t insn, SimdFns fns)
{
    unsigned size = bits(insn, 15, 14);
    unsigned lane = bits(insn, 30, 30) << 3 | bits(insn, 12, 10);

    if (size == 2 && (lane & 1)) {
        size = 3;
        if (lane & 6) {
            return false;
        }
    }
    if (size < 3 && (lane & ((1u << size) - 1))) {
        return false;
    }
    return emit_lane(t, insn, fns, size, lane >> size);
}

SIMD_TRANSLATE(ld_lane, one_lane, ld_lane)
SIMD_TRANSLATE(st_lane, one_lane, st_lane)

/* LD1R to LD4R */
bool translate_ld_all(Translator *t, uint32_t insn)
{
    unsigned size = bits(insn, 11, 10), n = lane_registers(insn);

    emit_check_sp(t, bits(insn, 9, 5));
    simd_emit(t, insn, ld_all[size], 8 << bits(insn, 30, 30), n);
    emit_post_index(t, insn, n << size);
    return true;
}
