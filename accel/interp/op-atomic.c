/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FEAT_LSE: atomic instructions, one function for each operation and size.
 * They read and write RAM in place; what is not RAM raises a data abort. The
 * acquire and release bits are not looked at, see atomic.h.
 */

#include "atomic.h"
#include "decode.h"

/* rd is Rt, rm is Rs. Defines op_NAMEBITS(); p and s stand in @operation. */
#define ATOMIC(name, bits, operation)                         \
    static bool op_##name##bits(InterpCpu *cpu, const Op *op) \
    {                                                         \
        uint##bits##_t *p = atomic_host(cpu, op, bits / 8);   \
        uint##bits##_t s = cpu->x[op->rm];                    \
                                                              \
        if (!p) {                                             \
            return false;                                     \
        }                                                     \
        cpu->x[op->rd] = operation;                           \
        return true;                                          \
    }

#define ATOMIC_ALL(name, operation) \
    ATOMIC(name, 8, operation)      \
    ATOMIC(name, 16, operation)     \
    ATOMIC(name, 32, operation)     \
    ATOMIC(name, 64, operation)

/* *@p becomes *@p @better @s ? *@p : @s, both as @type; what was there. */
#define KEEP_BETTER(name, bits, type, better)                               \
    static uint64_t fetch_##name##bits(uint##bits##_t *p, uint##bits##_t s) \
    {                                                                       \
        uint##bits##_t old = __atomic_load_n(p, __ATOMIC_RELAXED);          \
        uint##bits##_t kept;                                                \
                                                                            \
        do {                                                                \
            kept = (type##bits##_t)old better(type##bits##_t) s ? old : s;  \
        } while (!__atomic_compare_exchange_n(                              \
            p, &old, kept, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));      \
        return old;                                                         \
    }                                                                       \
    ATOMIC(name, bits, fetch_##name##bits(p, s))

#define KEEP_BETTER_ALL(name, type, better) \
    KEEP_BETTER(name, 8, type, better)      \
    KEEP_BETTER(name, 16, type, better)     \
    KEEP_BETTER(name, 32, type, better)     \
    KEEP_BETTER(name, 64, type, better)

ATOMIC_ALL(ldadd, __atomic_fetch_add(p, s, __ATOMIC_SEQ_CST))
ATOMIC_ALL(ldclr, __atomic_fetch_and(p, ~s, __ATOMIC_SEQ_CST))
ATOMIC_ALL(ldeor, __atomic_fetch_xor(p, s, __ATOMIC_SEQ_CST))
ATOMIC_ALL(ldset, __atomic_fetch_or(p, s, __ATOMIC_SEQ_CST))
ATOMIC_ALL(swp, __atomic_exchange_n(p, s, __ATOMIC_SEQ_CST))
KEEP_BETTER_ALL(ldsmax, int, >)
KEEP_BETTER_ALL(ldsmin, int, <)
KEEP_BETTER_ALL(ldumax, uint, >)
KEEP_BETTER_ALL(ldumin, uint, <)

#define SIZES(name)                                               \
    {                                                             \
        op_##name##8, op_##name##16, op_##name##32, op_##name##64 \
    }

bool translate_atomic(Translator *t, uint32_t insn)
{
    /* By o3 and opc. */
    static OpFn *const fns[][4] = {
        SIZES(ldadd),  SIZES(ldclr),  SIZES(ldeor),
        SIZES(ldset),  SIZES(ldsmax), SIZES(ldsmin),
        SIZES(ldumax), SIZES(ldumin), SIZES(swp),
    };
    Op *op;

    emit_check_sp(t, bits(insn, 9, 5));
    op = emit_call(t, fns[bits(insn, 15, 12)][bits(insn, 31, 30)]);
    op->rd = xw(bits(insn, 4, 0));
    op->rn = bits(insn, 9, 5);
    op->rm = xr(bits(insn, 20, 16));
    return true;
}

/* ---- CAS: rd is Rt, rm is Rs to be read, ra is Rs to be written ---- */

#define CAS(bits)                                                            \
    static bool op_cas##bits(InterpCpu *cpu, const Op *op)                   \
    {                                                                        \
        uint##bits##_t *p = atomic_host(cpu, op, bits / 8);                  \
        uint##bits##_t old = cpu->x[op->rm];                                 \
                                                                             \
        if (!p) {                                                            \
            return false;                                                    \
        }                                                                    \
        __atomic_compare_exchange_n(p, &old, (uint##bits##_t)cpu->x[op->rd], \
                                    false, __ATOMIC_SEQ_CST,                 \
                                    __ATOMIC_SEQ_CST);                       \
        cpu->x[op->ra] = old;                                                \
        return true;                                                         \
    }

CAS(8)
CAS(16)
CAS(32)
CAS(64)

static bool op_casp32(InterpCpu *cpu, const Op *op)
{
    uint64_t *p = atomic_host(cpu, op, 8);
    uint64_t old = (uint32_t)cpu->x[op->rm] | cpu->x[xr(op->rm + 1)] << 32;
    uint64_t new = (uint32_t)cpu->x[op->rd] | cpu->x[xr(op->rd + 1)] << 32;

    if (!p) {
        return false;
    }
    __atomic_compare_exchange_n(p, &old, new, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    cpu->x[op->rm] = (uint32_t)old;
    cpu->x[xw(op->rm + 1)] = old >> 32;
    return true;
}

static bool op_casp64(InterpCpu *cpu, const Op *op)
{
    void *p = atomic_host(cpu, op, 16);
    uint64_t old[2] = {cpu->x[op->rm], cpu->x[xr(op->rm + 1)]};
    const uint64_t new[2] = {cpu->x[op->rd], cpu->x[xr(op->rd + 1)]};

    if (!p) {
        return false;
    }
    atomic_cas128(p, old, new);
    cpu->x[op->rm] = old[0];
    cpu->x[xw(op->rm + 1)] = old[1];
    return true;
}

bool translate_cas(Translator *t, uint32_t insn)
{
    static OpFn *const fns[] = SIZES(cas);
    Op *op;

    emit_check_sp(t, bits(insn, 9, 5));
    op = emit_call(t, fns[bits(insn, 31, 30)]);
    op->rd = xr(bits(insn, 4, 0));
    op->rn = bits(insn, 9, 5);
    op->rm = xr(bits(insn, 20, 16));
    op->ra = xw(bits(insn, 20, 16));
    return true;
}

/* The registers of a pair are an even one and the next. */
bool translate_casp(Translator *t, uint32_t insn)
{
    Op *op;

    if (bits(insn, 16, 16) || bits(insn, 0, 0)) {
        return false;
    }
    emit_check_sp(t, bits(insn, 9, 5));
    op = emit_call(t, bits(insn, 30, 30) ? op_casp64 : op_casp32);
    op->rd = bits(insn, 4, 0);
    op->rn = bits(insn, 9, 5);
    op->rm = bits(insn, 20, 16);
    return true;
}
