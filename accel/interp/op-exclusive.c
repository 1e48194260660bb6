/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exclusive accesses, load-acquire and store-release.
 *
 * A load-exclusive records the address and the value; the store-exclusive is a
 * compare-and-swap with that value, so it fails when somebody else has stored
 * anything else meanwhile. That the value was another one in between and is
 * back goes unnoticed: a program that relies on a store-exclusive for that, as
 * a list without tags may, is not served here.
 */

#include "atomic.h"
#include "decode.h"

bool atomic_check_aligned(InterpCpu *cpu, const Op *op, uint64_t va,
                          unsigned size, MemAccess access)
{
    return !(va & (size - 1)) || mem_unaligned(cpu, op, va, access);
}

/* A fault that a read would have raised, too, says that it was a read. */
void *atomic_host_slow(InterpCpu *cpu, const Op *op, unsigned size)
{
    uint64_t va = cpu->x[op->rn];
    void *host;

    return atomic_check_aligned(cpu, op, va, size, MEM_READ) &&
                   mem_probe(cpu, op, cpu->mmu_idx, va, size, MEM_READ) &&
                   mem_host(cpu, op, va, size, MEM_WRITE, &host)
               ? host
               : NULL;
}

static uint64_t load_seq(const void *p, unsigned size)
{
    switch (size) {
    case 1:
        return __atomic_load_n((const uint8_t *)p, __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_load_n((const uint32_t *)p, __ATOMIC_SEQ_CST);
    default:
        return __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST);
    }
}

static void store_seq(void *p, unsigned size, uint64_t value)
{
    switch (size) {
    case 1:
        __atomic_store_n((uint8_t *)p, value, __ATOMIC_SEQ_CST);
        break;
    case 2:
        __atomic_store_n((uint16_t *)p, value, __ATOMIC_SEQ_CST);
        break;
    case 4:
        __atomic_store_n((uint32_t *)p, value, __ATOMIC_SEQ_CST);
        break;
    default:
        __atomic_store_n((uint64_t *)p, value, __ATOMIC_SEQ_CST);
        break;
    }
}

/* ---- exclusives: rd is Rt, ra is Rt2, rm is Rs; sub has the bytes ---- */

/* Reads @size bytes at @va and records them. */
static bool load_exclusive(InterpCpu *cpu, const Op *op, unsigned size)
{
    uint64_t va = cpu->x[op->rn];
    Monitor *m = &cpu->monitor;
    void *p;

    if (!atomic_check_aligned(cpu, op, va, size, MEM_READ)) {
        return false;
    }
    p = mem_fast_read(cpu->tlb, va, size);
    if (!p && !mem_host(cpu, op, va, size, MEM_READ, &p)) {
        return false;
    }
    *m = (Monitor){.valid = true, .size = size, .va = va};
    m->value[0] = load_seq(p, MIN(size, 8));
    m->value[1] = size == 16 ? load_seq((char *)p + 8, 8) : 0;
    return true;
}

static bool op_ldxr(InterpCpu *cpu, const Op *op)
{
    if (!load_exclusive(cpu, op, op->sub)) {
        return false;
    }
    cpu->x[op->rd] = cpu->monitor.value[0];
    return true;
}

static bool op_ldxp(InterpCpu *cpu, const Op *op)
{
    const uint64_t *value = cpu->monitor.value;

    if (!load_exclusive(cpu, op, op->sub)) {
        return false;
    }
    if (op->sub == 8) {
        cpu->x[op->rd] = (uint32_t)value[0];
        cpu->x[op->ra] = value[0] >> 32;
    } else {
        cpu->x[op->rd] = value[0];
        cpu->x[op->ra] = value[1];
    }
    return true;
}

/* Compares *@p with the monitor's value and swaps it for @value. */
static bool swap_exclusive(Monitor *m, void *p, const uint64_t value[2])
{
    uint8_t old8 = m->value[0];
    uint16_t old16 = m->value[0];
    uint32_t old32 = m->value[0];

    switch (m->size) {
    case 1:
        return __atomic_compare_exchange_n((uint8_t *)p, &old8, value[0], false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_compare_exchange_n((uint16_t *)p, &old16, value[0],
                                           false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_compare_exchange_n((uint32_t *)p, &old32, value[0],
                                           false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    case 8:
        return __atomic_compare_exchange_n((uint64_t *)p, &m->value[0],
                                           value[0], false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST);
    default:
        return atomic_cas128(p, m->value, value);
    }
}

static bool store_exclusive(InterpCpu *cpu, const Op *op,
                            const uint64_t value[2])
{
    uint64_t va = cpu->x[op->rn];
    Monitor *m = &cpu->monitor;
    unsigned size = op->sub;
    bool stored = false;
    void *p;

    if (!atomic_check_aligned(cpu, op, va, size, MEM_WRITE)) {
        return false;
    }
    if (m->valid && m->va == va && m->size == size) {
        p = mem_fast_write(cpu->tlb, va, size);
        if (!p && !mem_host(cpu, op, va, size, MEM_WRITE, &p)) {
            return false;
        }
        stored = swap_exclusive(m, p, value);
    }
    m->valid = false;
    cpu->x[op->rm] = !stored;
    return true;
}

static bool op_stxr(InterpCpu *cpu, const Op *op)
{
    const uint64_t value[2] = {cpu->x[op->rd]};

    return store_exclusive(cpu, op, value);
}

static bool op_stxp(InterpCpu *cpu, const Op *op)
{
    uint64_t value[2] = {cpu->x[op->rd], cpu->x[op->ra]};

    if (op->sub == 8) {
        value[0] = (uint32_t)value[0] | value[1] << 32;
    }
    return store_exclusive(cpu, op, value);
}

static bool emit_exclusive(Translator *t, uint32_t insn, OpFn *load,
                           OpFn *store, unsigned size)
{
    bool is_load = bits(insn, 22, 22);
    unsigned rt = bits(insn, 4, 0);
    unsigned rt2 = bits(insn, 14, 10);
    Op *op;

    emit_check_sp(t, bits(insn, 9, 5));
    op = emit_call(t, is_load ? load : store);
    op->rd = is_load ? xw(rt) : xr(rt);
    op->ra = is_load ? xw(rt2) : xr(rt2);
    op->rm = xw(bits(insn, 20, 16));
    op->rn = bits(insn, 9, 5);
    op->sub = size;
    return true;
}

bool translate_exclusive(Translator *t, uint32_t insn)
{
    return emit_exclusive(t, insn, op_ldxr, op_stxr, 1u << bits(insn, 31, 30));
}

bool translate_exclusive_pair(Translator *t, uint32_t insn)
{
    return emit_exclusive(t, insn, op_ldxp, op_stxp,
                          bits(insn, 30, 30) ? 16 : 8);
}

/* ---- LDAR and STLR, which may be of a device ---- */

static bool op_ldar(InterpCpu *cpu, const Op *op)
{
    uint64_t va = cpu->x[op->rn];
    unsigned size = op->sub;
    uint64_t value;
    const void *p;

    if (!atomic_check_aligned(cpu, op, va, size, MEM_READ)) {
        return false;
    }
    p = mem_fast_read(cpu->tlb, va, size);
    if (p) {
        value = load_seq(p, size);
    } else if (mem_load_slow(cpu, op, cpu->mmu_idx, va, size, &value)) {
        atomic_thread_fence(memory_order_seq_cst);
    } else {
        return false;
    }
    cpu->x[op->rd] = value;
    return true;
}

static bool op_stlr(InterpCpu *cpu, const Op *op)
{
    uint64_t va = cpu->x[op->rn];
    unsigned size = op->sub;
    void *p;

    if (!atomic_check_aligned(cpu, op, va, size, MEM_WRITE)) {
        return false;
    }
    p = mem_fast_write(cpu->tlb, va, size);
    if (p) {
        store_seq(p, size, cpu->x[op->rd]);
        return true;
    }
    atomic_thread_fence(memory_order_seq_cst);
    if (!mem_store_slow(cpu, op, cpu->mmu_idx, va, size, cpu->x[op->rd])) {
        return false;
    }
    atomic_thread_fence(memory_order_seq_cst);
    return true;
}

bool translate_ordered(Translator *t, uint32_t insn)
{
    return emit_exclusive(t, insn, op_ldar, op_stlr, 1u << bits(insn, 31, 30));
}
