/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-ldst.c: loads and stores of one or two SIMD&FP registers (Arm ARM C4.1,
 * "Loads and stores", with V = 1).
 *
 * An address is x[rn] plus the datum, or plus x[rm] << sub in the functions
 * whose names end in x. The base is written back by an operation of its own,
 * which a fault does not reach. Whatever is less than a register clears the
 * rest of it.
 */

#include "mem.h"
#include "simd.h"

static inline bool load_16(InterpCpu *cpu, const Op *op, uint64_t va, VReg *v)
{
    const void *p = mem_fast_read(cpu->tlb, va, sizeof(*v));

    if (G_UNLIKELY(!p)) {
        return mem_check_align(cpu, op, va, sizeof(*v), MEM_READ) &&
               mem_load_block(cpu, op, va, v, sizeof(*v));
    }
    memcpy(v, p, sizeof(*v));
    return true;
}

static inline bool store_16(InterpCpu *cpu, const Op *op, uint64_t va,
                            const VReg *v)
{
    void *p = mem_fast_write(cpu->tlb, va, sizeof(*v));

    if (G_UNLIKELY(!p)) {
        return mem_check_align(cpu, op, va, sizeof(*v), MEM_WRITE) &&
               mem_store_block(cpu, op, va, v, sizeof(*v));
    }
    memcpy(p, v, sizeof(*v));
    return true;
}

static inline bool load(InterpCpu *cpu, const Op *op, uint64_t va,
                        unsigned bytes)
{
    VReg r = {{0}};

    if (!(bytes == 16 ? load_16(cpu, op, va, &r)
                      : mem_load(cpu, op, va, bytes, &r.d[0]))) {
        return false;
    }
    cpu->v[op->rd] = r;
    return true;
}

static inline bool store(InterpCpu *cpu, const Op *op, uint64_t va,
                         unsigned bytes)
{
    const VReg *v = &cpu->v[op->rd];

    return bytes == 16 ? store_16(cpu, op, va, v)
                       : mem_store(cpu, op, va, bytes, v->d[0]);
}

/* Vt and Vt2, the latter in ra; a page that has both is looked up once. */
static inline bool load_pair(InterpCpu *cpu, const Op *op, uint64_t va,
                             unsigned bytes)
{
    const uint8_t *p = mem_fast_read(cpu->tlb, va, 2 * bytes);
    VReg r = {{0}}, r2 = {{0}};

    if (G_LIKELY(p)) {
        memcpy(&r, p, bytes);
        memcpy(&r2, p + bytes, bytes);
    } else if (!mem_check_align(cpu, op, va, bytes, MEM_READ) ||
               !mem_load_block(cpu, op, va, &r, bytes) ||
               !mem_load_block(cpu, op, va + bytes, &r2, bytes)) {
        return false;
    }
    cpu->v[op->rd] = r;
    cpu->v[op->ra] = r2;
    return true;
}

static inline bool store_pair(InterpCpu *cpu, const Op *op, uint64_t va,
                              unsigned bytes)
{
    uint8_t *p = mem_fast_write(cpu->tlb, va, 2 * bytes);
    const VReg *v = &cpu->v[op->rd], *v2 = &cpu->v[op->ra];

    if (G_LIKELY(p)) {
        memcpy(p, v, bytes);
        memcpy(p + bytes, v2, bytes);
        return true;
    }
    return mem_check_align(cpu, op, va, bytes, MEM_WRITE) &&
           mem_probe(cpu, op, cpu->mmu_idx, va, 2 * bytes, MEM_WRITE) &&
           mem_store_block(cpu, op, va, v, bytes) &&
           mem_store_block(cpu, op, va + bytes, v2, bytes);
}

#define ACCESS(fn, how, bytes, address)                         \
    static bool fn(InterpCpu *cpu, const Op *op)                \
    {                                                           \
        return how(cpu, op, cpu->x[op->rn] + (address), bytes); \
    }
#define OFFSET op[1].imm
#define INDEX (cpu->x[op->rm] << op->sub)

ACCESS(ldr_b, load, 1, OFFSET)
ACCESS(ldr_h, load, 2, OFFSET)
ACCESS(ldr_s, load, 4, OFFSET)
ACCESS(ldr_d, load, 8, OFFSET)
ACCESS(ldr_q, load, 16, OFFSET)
ACCESS(str_b, store, 1, OFFSET)
ACCESS(str_h, store, 2, OFFSET)
ACCESS(str_s, store, 4, OFFSET)
ACCESS(str_d, store, 8, OFFSET)
ACCESS(str_q, store, 16, OFFSET)
ACCESS(ldr_bx, load, 1, INDEX)
ACCESS(ldr_hx, load, 2, INDEX)
ACCESS(ldr_sx, load, 4, INDEX)
ACCESS(ldr_dx, load, 8, INDEX)
ACCESS(ldr_qx, load, 16, INDEX)
ACCESS(str_bx, store, 1, INDEX)
ACCESS(str_hx, store, 2, INDEX)
ACCESS(str_sx, store, 4, INDEX)
ACCESS(str_dx, store, 8, INDEX)
ACCESS(str_qx, store, 16, INDEX)
ACCESS(ldp_s, load_pair, 4, OFFSET)
ACCESS(ldp_d, load_pair, 8, OFFSET)
ACCESS(ldp_q, load_pair, 16, OFFSET)
ACCESS(stp_s, store_pair, 4, OFFSET)
ACCESS(stp_d, store_pair, 8, OFFSET)
ACCESS(stp_q, store_pair, 16, OFFSET)

/* By size: B, H, S, D, Q. */
typedef OpFn *const AccessFns[5];

static AccessFns ldr = {ldr_b, ldr_h, ldr_s, ldr_d, ldr_q};
static AccessFns str = {str_b, str_h, str_s, str_d, str_q};
static AccessFns ldr_x = {ldr_bx, ldr_hx, ldr_sx, ldr_dx, ldr_qx};
static AccessFns str_x = {str_bx, str_hx, str_sx, str_dx, str_qx};
static AccessFns ldp = {NULL, NULL, ldp_s, ldp_d, ldp_q};
static AccessFns stp = {NULL, NULL, stp_s, stp_d, stp_q};

/* ---- translation ---- */

/* log2 of the bytes: opc's high bit above size; 5 or more: reserved. */
static unsigned access_size(uint32_t insn)
{
    return bits(insn, 23, 23) << 2 | bits(insn, 31, 30);
}

/* Where the base changes, if it does. */
typedef enum Indexing { INDEX_NONE, INDEX_PRE, INDEX_POST } Indexing;

static Op *emit_access(Translator *t, uint32_t insn, OpFn *fn, uint64_t offset,
                       Indexing indexing)
{
    unsigned rn = bits(insn, 9, 5);
    Op *op;

    emit_check_sp(t, rn);
    op = emit_call_datum(t, fn, indexing == INDEX_POST ? 0 : offset);
    op->rd = bits(insn, 4, 0);
    op->rn = rn;
    if (indexing != INDEX_NONE) {
        emit_writeback(t, rn, offset);
    }
    return op;
}

static bool single(Translator *t, uint32_t insn, AccessFns fns, uint64_t offset,
                   Indexing indexing)
{
    unsigned size = access_size(insn);

    if (size > 4) {
        return false;
    }
    emit_access(t, insn, fns[size], offset, indexing);
    return true;
}

#define SINGLE(name, fns, offset, indexing)             \
    bool translate_##name(Translator *t, uint32_t insn) \
    {                                                   \
        return single(t, insn, fns, offset, indexing);  \
    }
#define IMM9 sbits(insn, 20, 12)
#define IMM12 ((uint64_t)bits(insn, 21, 10) << access_size(insn))

SINGLE(ldr_imm_simd, ldr, IMM12, INDEX_NONE)
SINGLE(str_imm_simd, str, IMM12, INDEX_NONE)
SINGLE(ldr_pre_simd, ldr, IMM9, INDEX_PRE)
SINGLE(str_pre_simd, str, IMM9, INDEX_PRE)
SINGLE(ldr_post_simd, ldr, IMM9, INDEX_POST)
SINGLE(str_post_simd, str, IMM9, INDEX_POST)
SINGLE(ldur_simd, ldr, IMM9, INDEX_NONE)
SINGLE(stur_simd, str, IMM9, INDEX_NONE)

static bool indexed(Translator *t, uint32_t insn, AccessFns fns)
{
    unsigned size = access_size(insn), option = bits(insn, 15, 13);
    unsigned shift = bits(insn, 12, 12) ? size : 0;
    unsigned rn = bits(insn, 9, 5), rm = xr(bits(insn, 20, 16));
    Op *op;

    if (size > 4 || !(option & 2)) {
        return false;
    }
    emit_check_sp(t, rn);
    if (!(option & 1)) {
        op = emit(t, option & 4 ? OP_SXTW_LSL : OP_UXTW_LSL);
        op->rd = X_TMP;
        op->rn = rm;
        op->sub = shift;
        rm = X_TMP;
        shift = 0;
    }
    op = emit_call(t, fns[size]);
    op->rd = bits(insn, 4, 0);
    op->rn = rn;
    op->rm = rm;
    op->sub = shift;
    return true;
}

SIMD_TRANSLATE(ldr_reg_simd, indexed, ldr_x)
SIMD_TRANSLATE(str_reg_simd, indexed, str_x)

bool translate_ldr_lit_simd(Translator *t, uint32_t insn)
{
    unsigned opc = bits(insn, 31, 30);
    Op *op;

    if (opc == 3) {
        return false;
    }
    op = emit_call_datum(t, ldr[2 + opc], t->pc + sbits(insn, 23, 5) * 4);
    op->rd = bits(insn, 4, 0);
    op->rn = X_ZR;
    return true;
}

static bool pair(Translator *t, uint32_t insn, AccessFns fns, Indexing indexing)
{
    unsigned opc = bits(insn, 31, 30);
    uint64_t offset = (uint64_t)sbits(insn, 21, 15) << (2 + opc);
    Op *op;

    if (opc == 3) {
        return false;
    }
    op = emit_access(t, insn, fns[2 + opc], offset, indexing);
    op->ra = bits(insn, 14, 10);
    return true;
}

#define PAIR(name, fns, indexing)                       \
    bool translate_##name(Translator *t, uint32_t insn) \
    {                                                   \
        return pair(t, insn, fns, indexing);            \
    }

PAIR(ldp_simd, ldp, INDEX_NONE)
PAIR(stp_simd, stp, INDEX_NONE)
PAIR(ldp_pre_simd, ldp, INDEX_PRE)
PAIR(stp_pre_simd, stp, INDEX_PRE)
PAIR(ldp_post_simd, ldp, INDEX_POST)
PAIR(stp_post_simd, stp, INDEX_POST)
