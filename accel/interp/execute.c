/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs blocks: the interpreter's one loop. An operation ends in a jump of its
 * own to the next, by the table of labels, so that the host's predictor sees
 * which operation follows which. A block ends in a jump to the block that was
 * found to follow it, as long as the epoch is the one of that time; only when
 * nothing is known does control go to block_find().
 *
 * Whatever runs here may change the epoch, the TLB and the mode, so nothing of
 * them is kept in a variable across operations. A translator to host code
 * would take the place of this file and of nothing else.
 */

#include "block.h"
#include "cache.h"
#include "id.h"
#include "mem.h"
#include "sctlr.h"

static inline uint64_t ror64(uint64_t value, unsigned n)
{
    return value >> (n & 63) | value << (-n & 63);
}

static inline uint32_t ror32(uint32_t value, unsigned n)
{
    return value >> (n & 31) | value << (-n & 31);
}

/* ---- flags ---- */

static inline void set_nz(InterpCpu *cpu, int64_t result)
{
    cpu->nf = result;
    cpu->zf = result;
}

static inline uint64_t adds(InterpCpu *cpu, uint64_t a, uint64_t b)
{
    int64_t result;

    cpu->vf = __builtin_add_overflow((int64_t)a, (int64_t)b, &result);
    cpu->cf = (uint64_t)result < a;
    set_nz(cpu, result);
    return result;
}

static inline uint64_t addsw(InterpCpu *cpu, uint32_t a, uint32_t b)
{
    int32_t result;

    cpu->vf = __builtin_add_overflow((int32_t)a, (int32_t)b, &result);
    cpu->cf = (uint32_t)result < a;
    set_nz(cpu, result);
    return (uint32_t)result;
}

static inline uint64_t subs(InterpCpu *cpu, uint64_t a, uint64_t b)
{
    int64_t result;

    cpu->vf = __builtin_sub_overflow((int64_t)a, (int64_t)b, &result);
    cpu->cf = a >= b;
    set_nz(cpu, result);
    return result;
}

static inline uint64_t subsw(InterpCpu *cpu, uint32_t a, uint32_t b)
{
    int32_t result;

    cpu->vf = __builtin_sub_overflow((int32_t)a, (int32_t)b, &result);
    cpu->cf = a >= b;
    set_nz(cpu, result);
    return (uint32_t)result;
}

static inline uint64_t adcs(InterpCpu *cpu, uint64_t a, uint64_t b)
{
    unsigned __int128 wide = (unsigned __int128)a + b + cpu->cf;
    uint64_t result = wide;

    cpu->cf = wide >> 64;
    cpu->vf = (a ^ result) >> 63 & (b ^ result) >> 63;
    set_nz(cpu, result);
    return result;
}

static inline uint64_t adcsw(InterpCpu *cpu, uint32_t a, uint32_t b)
{
    uint64_t wide = (uint64_t)a + b + cpu->cf;
    uint32_t result = wide;

    cpu->cf = wide >> 32;
    cpu->vf = (a ^ result) >> 31 & (b ^ result) >> 31;
    set_nz(cpu, (int32_t)result);
    return result;
}

static inline uint64_t ands(InterpCpu *cpu, int64_t result)
{
    set_nz(cpu, result);
    cpu->cf = 0;
    cpu->vf = 0;
    return result;
}

/* ---- arithmetic that C leaves open ---- */

static inline uint64_t divide(int64_t n, int64_t m)
{
    if (!m) {
        return 0;
    }
    return m == -1 ? -(uint64_t)n : (uint64_t)(n / m);
}

static inline uint32_t dividew(int32_t n, int32_t m)
{
    if (!m) {
        return 0;
    }
    return m == -1 ? -(uint32_t)n : (uint32_t)(n / m);
}

static inline unsigned leading_zeros(uint64_t value)
{
    return value ? __builtin_clzll(value) : 64;
}

static inline uint64_t reverse_bits(uint64_t v)
{
    v = (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    return __builtin_bswap64(v);
}

static inline uint64_t swap_bytes_of_halves(uint64_t v)
{
    return (v >> 8 & 0x00ff00ff00ff00ff) | (v & 0x00ff00ff00ff00ff) << 8;
}

static inline uint64_t swap_bytes_of_words(uint64_t v)
{
    v = __builtin_bswap64(v);
    return v >> 32 | v << 32;
}

/* ---- the loop ---- */

static inline bool has_event(const InterpCpu *cpu)
{
    return atomic_load_explicit(&cpu->event, memory_order_relaxed);
}

#define D cpu->x[op->rd]
#define N cpu->x[op->rn]
#define M cpu->x[op->rm]
#define A cpu->x[op->ra]
#define DW(value) (D = (uint32_t)(value))

#define RUN goto *labels[op->code]
#define NEXT  \
    do {      \
        op++; \
        RUN;  \
    } while (0)

/* An operation that is one expression; OPW is for its 32 bits. */
#define OPX(name, expression)     \
    do_##name : D = (expression); \
    NEXT
#define OPW(name, expression)   \
    do_##name : DW(expression); \
    NEXT

/* Runs @next, which is known to be good. */
#define ENTER(next)                       \
    do {                                  \
        block = (next);                   \
        cpu->block = block;               \
        if (G_UNLIKELY(has_event(cpu))) { \
            goto event;                   \
        }                                 \
        cpu->insns += block->num_insns;   \
        op = block->ops;                  \
        RUN;                              \
    } while (0)

/* To @target, by link @i of the block. */
#define FOLLOW(i, target)                                          \
    do {                                                           \
        const BlockLink *link = &block->links[i];                  \
                                                                   \
        if (G_LIKELY(link->epoch == cpu->epoch[(target) >> 63])) { \
            ENTER(link->to);                                       \
        }                                                          \
        cpu->pc = (target);                                        \
        way = (i);                                                 \
        goto follow;                                               \
    } while (0)

#define BRANCH_IF(condition)      \
    do {                          \
        if (condition) {          \
            FOLLOW(1, op->imm);   \
        }                         \
        FOLLOW(0, block->end_pc); \
    } while (0)

#define JUMP(target)                                         \
    do {                                                     \
        const Jump *jump;                                    \
                                                             \
        cpu->pc = (target);                                  \
        jump = block_jump(cpu, cpu->pc);                     \
        if (G_LIKELY(block_jump_fits(cpu, jump, cpu->pc))) { \
            ENTER(jump->block);                              \
        }                                                    \
        goto look_up;                                        \
    } while (0)

#define LOAD(name, address, size, convert)                                    \
    do_##name:                                                                \
    {                                                                         \
        uint64_t va = (address);                                              \
        const void *p = mem_fast_read(cpu->tlb, va, size);                    \
        uint64_t value;                                                       \
                                                                              \
        if (G_LIKELY(p)) {                                                    \
            value = mem_get(p, size);                                         \
        } else if (!mem_load_slow(cpu, op, cpu->mmu_idx, va, size, &value)) { \
            goto look_up;                                                     \
        }                                                                     \
        D = convert value;                                                    \
        NEXT;                                                                 \
    }

#define STORE(name, address, size)                                        \
    do_##name:                                                            \
    {                                                                     \
        uint64_t va = (address);                                          \
        void *p = mem_fast_write(cpu->tlb, va, size);                     \
                                                                          \
        if (G_LIKELY(p)) {                                                \
            mem_put(p, size, D);                                          \
        } else if (!mem_store_slow(cpu, op, cpu->mmu_idx, va, size, D)) { \
            goto look_up;                                                 \
        }                                                                 \
        NEXT;                                                             \
    }

#define LOAD_BOTH(name, size, convert)     \
    LOAD(name, N + op->imm, size, convert) \
    LOAD(name##X, N + (M << op->sub), size, convert)

#define STORE_BOTH(name, size)     \
    STORE(name, N + op->imm, size) \
    STORE(name##X, N + (M << op->sub), size)

#define LOAD_PAIR(name, size, convert)                         \
    do_##name:                                                 \
    {                                                          \
        uint64_t va = N + op->imm;                             \
        const char *p = mem_fast_read(cpu->tlb, va, 2 * size); \
        uint64_t value[2];                                     \
                                                               \
        if (G_LIKELY(p)) {                                     \
            value[0] = mem_get(p, size);                       \
            value[1] = mem_get(p + size, size);                \
        } else if (!load_pair(cpu, op, va, size, value)) {     \
            goto look_up;                                      \
        }                                                      \
        D = convert value[0];                                  \
        A = convert value[1];                                  \
        NEXT;                                                  \
    }

#define STORE_PAIR(name, size)                            \
    do_##name:                                            \
    {                                                     \
        uint64_t va = N + op->imm;                        \
        char *p = mem_fast_write(cpu->tlb, va, 2 * size); \
                                                          \
        if (G_LIKELY(p)) {                                \
            mem_put(p, size, D);                          \
            mem_put(p + size, size, A);                   \
        } else if (!store_pair(cpu, op, va, size)) {      \
            goto look_up;                                 \
        }                                                 \
        NEXT;                                             \
    }

static G_GNUC_NO_INLINE bool load_pair(InterpCpu *cpu, const Op *op,
                                       uint64_t va, unsigned size,
                                       uint64_t *value)
{
    return mem_load(cpu, op, va, size, &value[0]) &&
           mem_load(cpu, op, va + size, size, &value[1]);
}

/* Nothing is written unless all can be. */
static G_GNUC_NO_INLINE bool store_pair(InterpCpu *cpu, const Op *op,
                                        uint64_t va, unsigned size)
{
    return mem_probe(cpu, op, cpu->mmu_idx, va + size, size, MEM_WRITE) &&
           mem_store(cpu, op, va, size, cpu->x[op->rd]) &&
           mem_store(cpu, op, va + size, size, cpu->x[op->ra]);
}

/* The flags of a comparison whose condition does not hold. */
static inline void set_flags_of(InterpCpu *cpu, const Op *op)
{
    cpu_set_nzcv(cpu, op->sub >> 4);
}

/* One label per operation: long, but each is on its own. */
void cpu_execute(InterpCpu *cpu, Block *first)
{
    static const void *const labels[NUM_OPS] = {
#define OP(name) [OP_##name] = &&do_##name,
#include "ops.h"
#undef OP
    };
    Block *block;
    const Op *op;
    unsigned way; /* out of the block */

    if (first) {
        block = first;
        cpu->block = first;
        cpu->insns += first->num_insns;
        op = first->ops;
        RUN;
    }

look_up:
    if (has_event(cpu)) {
        return;
    }
    block = block_find(cpu);
    if (!block) {
        goto look_up;
    }
    ENTER(block);

event:
    cpu->pc = block->pc;
    return;

    /* The block that follows is looked up, and remembered. */
follow:
    if (has_event(cpu)) {
        return;
    }
    block = block_find_linked(cpu, block, way);
    if (!block) {
        goto look_up;
    }
    ENTER(block);

    OPX(MOVI, op->imm);
    OPX(MOV, N);
    OPW(MOVW, N);
    OPX(ADDI, N + op->imm);
    OPW(ADDIW, N + op->imm);
    OPX(ADDSI, adds(cpu, N, op->imm));
    OPX(ADDSIW, addsw(cpu, N, op->imm));
    OPX(SUBSI, subs(cpu, N, op->imm));
    OPX(SUBSIW, subsw(cpu, N, op->imm));
    OPX(ADD, N + M);
    OPW(ADDW, N + M);
    OPX(SUB, N - M);
    OPW(SUBW, N - M);
    OPX(ADDS, adds(cpu, N, M));
    OPX(ADDSW, addsw(cpu, N, M));
    OPX(SUBS, subs(cpu, N, M));
    OPX(SUBSW, subsw(cpu, N, M));
    OPX(ADDL, N + (M << op->sub));
    OPW(ADDLW, N + (M << op->sub));
    OPX(ADC, N + M + cpu->cf);
    OPW(ADCW, N + M + cpu->cf);
    OPX(ADCS, adcs(cpu, N, M));
    OPX(ADCSW, adcsw(cpu, N, M));
    OPX(ANDI, N & op->imm);
    OPX(ORRI, N | op->imm);
    OPW(ORRIW, N | op->imm);
    OPX(EORI, N ^ op->imm);
    OPW(EORIW, N ^ op->imm);
    OPX(ANDSI, ands(cpu, N & op->imm));
    OPW(ANDSIW, ands(cpu, (int32_t)(N & op->imm)));
    OPX(AND, N & M);
    OPW(ANDW, N & M);
    OPX(ORR, N | M);
    OPW(ORRW, N | M);
    OPX(EOR, N ^ M);
    OPW(EORW, N ^ M);
    OPX(BIC, N & ~M);
    OPW(BICW, N & ~M);
    OPX(ORN, N | ~M);
    OPW(ORNW, N | ~M);
    OPX(EON, N ^ ~M);
    OPW(EONW, N ^ ~M);
    OPX(ANDS, ands(cpu, N & M));
    OPW(ANDSW, ands(cpu, (int32_t)(N & M)));
    OPX(BICS, ands(cpu, N & ~M));
    OPW(BICSW, ands(cpu, (int32_t)(N & ~M)));

    OPX(LSLI, N << op->sub);
    OPW(LSLIW, N << op->sub);
    OPX(LSRI, N >> op->sub);
    OPW(LSRIW, (uint32_t)N >> op->sub);
    OPX(ASRI, (int64_t)N >> op->sub);
    OPW(ASRIW, (int32_t)N >> op->sub);
    OPX(RORI, ror64(N, op->sub));
    OPW(RORIW, ror32(N, op->sub));
    OPX(LSLV, N << (M & 63));
    OPW(LSLVW, N << (M & 31));
    OPX(LSRV, N >> (M & 63));
    OPW(LSRVW, (uint32_t)N >> (M & 31));
    OPX(ASRV, (int64_t)N >> (M & 63));
    OPW(ASRVW, (int32_t)N >> (M & 31));
    OPX(RORV, ror64(N, M));
    OPW(RORVW, ror32(N, M));
    OPX(UBFM, ror64(N, op->sub) & op->imm);
    OPW(UBFMW, ror32(N, op->sub) & op->imm);
    OPX(SBFM, (int64_t)(N << op->ra) >> op->rm);
    OPW(SBFMW, (int32_t)((uint32_t)N << op->ra) >> op->rm);
    OPX(BFM, (D & ~op->imm) | (ror64(N, op->sub) & op->imm));
    OPW(BFMW, (D & ~op->imm) | (ror32(N, op->sub) & op->imm));
    OPX(EXTR, N << (64 - op->sub) | M >> op->sub);
    OPW(EXTRW, (uint32_t)N << (32 - op->sub) | (uint32_t)M >> op->sub);
    OPX(UXTW_LSL, (uint64_t)(uint32_t)N << op->sub);
    OPX(SXTW_LSL, (uint64_t)(int32_t)N << op->sub);

    OPX(MADD, A + N * M);
    OPW(MADDW, A + N * M);
    OPX(MSUB, A - N * M);
    OPW(MSUBW, A - N * M);
    OPX(SMADDL, A + (uint64_t)((int64_t)(int32_t)N * (int32_t)M));
    OPX(UMADDL, A + (uint64_t)(uint32_t)N * (uint32_t)M);
    OPX(SMSUBL, A - (uint64_t)((int64_t)(int32_t)N * (int32_t)M));
    OPX(UMSUBL, A - (uint64_t)(uint32_t)N * (uint32_t)M);
    OPX(SMULH, ((__int128)(int64_t)N * (int64_t)M) >> 64);
    OPX(UMULH, ((unsigned __int128)N * M) >> 64);
    OPX(UDIV, M ? N / M : 0);
    OPW(UDIVW, (uint32_t)M ? (uint32_t)N / (uint32_t)M : 0);
    OPX(SDIV, divide(N, M));
    OPW(SDIVW, dividew(N, M));

    OPX(CLZ, leading_zeros(N));
    OPX(CLZW, leading_zeros((uint32_t)N) - 32);
    OPX(CLS, leading_zeros(N ^ (uint64_t)((int64_t)N >> 1)) - 1);
    OPX(CLSW, leading_zeros((uint32_t)N ^ (uint32_t)((int32_t)N >> 1)) - 33);
    OPX(RBIT, reverse_bits(N));
    OPX(RBITW, reverse_bits(N) >> 32);
    OPX(REV, __builtin_bswap64(N));
    OPX(REV32, swap_bytes_of_words(N));
    OPX(REV16, swap_bytes_of_halves(N));
    OPX(REVW, __builtin_bswap32(N));
    OPW(REV16W, swap_bytes_of_halves(N));

    OPX(CSEL, cpu_cond(cpu, op->sub) ? N : M);
    OPW(CSELW, cpu_cond(cpu, op->sub) ? N : M);
    OPX(CSINC, cpu_cond(cpu, op->sub) ? N : M + 1);
    OPW(CSINCW, cpu_cond(cpu, op->sub) ? N : M + 1);
    OPX(CSINV, cpu_cond(cpu, op->sub) ? N : ~M);
    OPW(CSINVW, cpu_cond(cpu, op->sub) ? N : ~M);
    OPX(CSNEG, cpu_cond(cpu, op->sub) ? N : -M);
    OPW(CSNEGW, cpu_cond(cpu, op->sub) ? N : -M);

#define COMPARE_IF(name, expression)        \
    do_##name : if (cpu_cond(cpu, op->sub)) \
    {                                       \
        expression;                         \
    }                                       \
    else                                    \
    {                                       \
        set_flags_of(cpu, op);              \
    }                                       \
    NEXT
    COMPARE_IF(CCMP, subs(cpu, N, M));
    COMPARE_IF(CCMPW, subsw(cpu, N, M));
    COMPARE_IF(CCMN, adds(cpu, N, M));
    COMPARE_IF(CCMNW, addsw(cpu, N, M));
    COMPARE_IF(CCMPI, subs(cpu, N, op->imm));
    COMPARE_IF(CCMPIW, subsw(cpu, N, op->imm));
    COMPARE_IF(CCMNI, adds(cpu, N, op->imm));
    COMPARE_IF(CCMNIW, addsw(cpu, N, op->imm));

    LOAD_BOTH(LDR8, 1, )
    LOAD_BOTH(LDR16, 2, )
    LOAD_BOTH(LDR32, 4, )
    LOAD_BOTH(LDR64, 8, )
    LOAD_BOTH(LDRS8, 1, (int8_t))
    LOAD_BOTH(LDRS16, 2, (int16_t))
    LOAD_BOTH(LDRS32, 4, (int32_t))
    LOAD_BOTH(LDRS8W, 1, (uint32_t)(int8_t))
    LOAD_BOTH(LDRS16W, 2, (uint32_t)(int16_t))
    STORE_BOTH(STR8, 1)
    STORE_BOTH(STR16, 2)
    STORE_BOTH(STR32, 4)
    STORE_BOTH(STR64, 8)
    LOAD_PAIR(LDP64, 8, )
    LOAD_PAIR(LDP32, 4, )
    LOAD_PAIR(LDPSW, 4, (int32_t))
    STORE_PAIR(STP64, 8)
    STORE_PAIR(STP32, 4)

do_CALL:
    if (G_UNLIKELY(!((OpFn *)(uintptr_t)op->imm)(cpu, op))) {
        goto look_up;
    }
    NEXT;
do_CALLD:
    if (G_UNLIKELY(!((OpFn *)(uintptr_t)op->imm)(cpu, op))) {
        goto look_up;
    }
    op++;
    NEXT;
do_DATUM:
    g_assert_not_reached();
do_FPCHECK:
    if (G_UNLIKELY(cpu->fp_trapped)) {
        cpu_raise(cpu, op, EC_FP, FP_TRAP_ISS);
        goto look_up;
    }
    NEXT;
do_SPCHECK:
    if (G_UNLIKELY(cpu->x[X_SP] & 15) &&
        cpu->sys.sctlr_el1 & (cpu->el ? SCTLR_SA : SCTLR_SA0)) {
        cpu_raise(cpu, op, EC_SP_ALIGN, 0);
        goto look_up;
    }
    NEXT;

do_END:
    FOLLOW(0, block->end_pc);
do_LEAVE:
    cpu->pc = block->end_pc;
    goto look_up;
do_B:
    FOLLOW(1, op->imm);
do_BL:
    cpu->x[X_LR] = block->end_pc;
    FOLLOW(1, op->imm);
do_BR:
    JUMP(N);
do_BLR:
    cpu->pc = N; /* which may be the link register */
    cpu->x[X_LR] = block->end_pc;
    JUMP(cpu->pc);
do_B_EQ:
    BRANCH_IF(cpu->zf == 0);
do_B_NE:
    BRANCH_IF(cpu->zf != 0);
do_B_CS:
    BRANCH_IF(cpu->cf);
do_B_CC:
    BRANCH_IF(!cpu->cf);
do_B_MI:
    BRANCH_IF(cpu->nf < 0);
do_B_PL:
    BRANCH_IF(cpu->nf >= 0);
do_B_VS:
    BRANCH_IF(cpu->vf);
do_B_VC:
    BRANCH_IF(!cpu->vf);
do_B_HI:
    BRANCH_IF(cpu->cf && cpu->zf != 0);
do_B_LS:
    BRANCH_IF(!(cpu->cf && cpu->zf != 0));
do_B_GE:
    BRANCH_IF((cpu->nf < 0) == cpu->vf);
do_B_LT:
    BRANCH_IF((cpu->nf < 0) != cpu->vf);
do_B_GT:
    BRANCH_IF(cpu->zf != 0 && (cpu->nf < 0) == cpu->vf);
do_B_LE:
    BRANCH_IF(!(cpu->zf != 0 && (cpu->nf < 0) == cpu->vf));
do_CBZ:
    BRANCH_IF(N == 0);
do_CBZW:
    BRANCH_IF((uint32_t)N == 0);
do_CBNZ:
    BRANCH_IF(N != 0);
do_CBNZW:
    BRANCH_IF((uint32_t)N != 0);
do_TBZ:
    BRANCH_IF(!(N >> op->sub & 1));
do_TBNZ:
    BRANCH_IF(N >> op->sub & 1);
}
