/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scalar floating-point instructions at work. What programs are made of
 * goes by fp-fast.h; the rest, by fp.h, is as exact and slower.
 *
 * No function here can fail: whether FP may be used at all is FPCHECK's
 * question, asked once in a block, and no exception of arithmetic is trapped.
 */

#include "cpu.h"
#include "fp-fast.h"
#include "op-fp.h"

static inline uint32_t get_s(const InterpCpu *cpu, unsigned reg)
{
    return cpu->v[reg].s[0];
}

static inline uint64_t get_d(const InterpCpu *cpu, unsigned reg)
{
    return cpu->v[reg].d[0];
}

/* An OpFn's last words, of a result of any size in the low bits. */
static inline bool put(InterpCpu *cpu, const Op *op, uint64_t value)
{
    cpu->v[op->rd].d[0] = value;
    cpu->v[op->rd].d[1] = 0;
    return true;
}

/* An OpFn for each size: `result` of a, of a and b, or of a, b and addend. */
#define FP_OP(name, result_s, result_d)                \
    static bool name##_s(InterpCpu *cpu, const Op *op) \
    {                                                  \
        uint32_t a = get_s(cpu, op->rn);               \
                                                       \
        return put(cpu, op, result_s);                 \
    }                                                  \
    static bool name##_d(InterpCpu *cpu, const Op *op) \
    {                                                  \
        uint64_t a = get_d(cpu, op->rn);               \
                                                       \
        return put(cpu, op, result_d);                 \
    }

#define BOTH(name)         \
    {                      \
        name##_s, name##_d \
    }

/* The other operands, and what most functions want last. */
#define B_S get_s(cpu, op->rm)
#define B_D get_d(cpu, op->rm)
#define C_S get_s(cpu, op->ra)
#define C_D get_d(cpu, op->ra)
#define ENV (&cpu->fp)

#define NEG_S(a) ((uint32_t)fp_neg(FP_SINGLE, a))
#define NEG_D(a) fp_neg(FP_DOUBLE, a)

/* ---- arithmetic ---- */

FP_OP(fmul, fp32_mul(a, B_S, ENV), fp64_mul(a, B_D, ENV))
FP_OP(fdiv, fp32_div(a, B_S, ENV), fp64_div(a, B_D, ENV))
FP_OP(fadd, fp32_add(a, B_S, ENV), fp64_add(a, B_D, ENV))
FP_OP(fsub, fp32_sub(a, B_S, ENV), fp64_sub(a, B_D, ENV))
FP_OP(fnmul, NEG_S(fp32_mul(a, B_S, ENV)), NEG_D(fp64_mul(a, B_D, ENV)))
FP_OP(fmax, fp_max(FP_SINGLE, a, B_S, ENV), fp_max(FP_DOUBLE, a, B_D, ENV))
FP_OP(fmin, fp_min(FP_SINGLE, a, B_S, ENV), fp_min(FP_DOUBLE, a, B_D, ENV))
FP_OP(fmaxnm, fp_max_num(FP_SINGLE, a, B_S, ENV),
      fp_max_num(FP_DOUBLE, a, B_D, ENV))
FP_OP(fminnm, fp_min_num(FP_SINGLE, a, B_S, ENV),
      fp_min_num(FP_DOUBLE, a, B_D, ENV))

FpFns fp_2source_fns[FP_NUM_2SOURCE] = {
    BOTH(fmul), BOTH(fdiv),   BOTH(fadd),   BOTH(fsub),  BOTH(fmax),
    BOTH(fmin), BOTH(fmaxnm), BOTH(fminnm), BOTH(fnmul),
};

FP_OP(fmadd, fp32_mul_add(C_S, a, B_S, ENV), fp64_mul_add(C_D, a, B_D, ENV))
FP_OP(fmsub, fp32_mul_add(C_S, NEG_S(a), B_S, ENV),
      fp64_mul_add(C_D, NEG_D(a), B_D, ENV))
FP_OP(fnmadd, fp32_mul_add(NEG_S(C_S), NEG_S(a), B_S, ENV),
      fp64_mul_add(NEG_D(C_D), NEG_D(a), B_D, ENV))
FP_OP(fnmsub, fp32_mul_add(NEG_S(C_S), a, B_S, ENV),
      fp64_mul_add(NEG_D(C_D), a, B_D, ENV))

FpFns fp_3source_fns[4] = {BOTH(fmadd), BOTH(fmsub), BOTH(fnmadd),
                           BOTH(fnmsub)};

FP_OP(fmov, a, a)
FP_OP(fabs, fp_abs(FP_SINGLE, a), fp_abs(FP_DOUBLE, a))
FP_OP(fneg, NEG_S(a), NEG_D(a))
FP_OP(fsqrt, fp32_sqrt(a, ENV), fp64_sqrt(a, ENV))

FpFns fp_1source_fns[4] = {BOTH(fmov), BOTH(fabs), BOTH(fneg), BOTH(fsqrt)};

static FpRounding rounding_of(const InterpCpu *cpu, const Op *op)
{
    return op->ra == FP_ROUND_FPCR ? fp_rounding(&cpu->fp) : op->ra;
}

FP_OP(frint, fp_round_int(FP_SINGLE, a, rounding_of(cpu, op), op->rm, ENV),
      fp_round_int(FP_DOUBLE, a, rounding_of(cpu, op), op->rm, ENV))

FpFns fp_round_int_fns = BOTH(frint);

/* ---- between formats ---- */

FP_OP(fcvt_to_half, fp_convert(FP_HALF, FP_SINGLE, a, ENV),
      fp_convert(FP_HALF, FP_DOUBLE, a, ENV))
FP_OP(fcvt, fp64_from_single(a, ENV), fp32_from_double(a, ENV))

static bool fcvt_half_to_s(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op,
               fp_convert(FP_SINGLE, FP_HALF, get_s(cpu, op->rn), ENV));
}

static bool fcvt_half_to_d(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op,
               fp_convert(FP_DOUBLE, FP_HALF, get_s(cpu, op->rn), ENV));
}

OpFn *const fp_convert_fns[4][4] = {
    [FP_SINGLE] = {[FP_DOUBLE] = fcvt_s, [FP_HALF] = fcvt_to_half_s},
    [FP_DOUBLE] = {[FP_SINGLE] = fcvt_d, [FP_HALF] = fcvt_to_half_d},
    [FP_HALF] = {[FP_SINGLE] = fcvt_half_to_s, [FP_DOUBLE] = fcvt_half_to_d},
};

/* ---- comparison ---- */

static unsigned compare_s(InterpCpu *cpu, const Op *op)
{
    uint32_t b = op->sub & FP_COMPARE_ZERO ? 0 : B_S;

    return fp32_compare(get_s(cpu, op->rn), b, op->sub & FP_COMPARE_SIGNAL,
                        ENV);
}

static unsigned compare_d(InterpCpu *cpu, const Op *op)
{
    uint64_t b = op->sub & FP_COMPARE_ZERO ? 0 : B_D;

    return fp64_compare(get_d(cpu, op->rn), b, op->sub & FP_COMPARE_SIGNAL,
                        ENV);
}

static bool fcmp_s(InterpCpu *cpu, const Op *op)
{
    cpu_set_nzcv(cpu, compare_s(cpu, op));
    return true;
}

static bool fcmp_d(InterpCpu *cpu, const Op *op)
{
    cpu_set_nzcv(cpu, compare_d(cpu, op));
    return true;
}

FpFns fp_compare_fns = BOTH(fcmp);

static bool fccmp_s(InterpCpu *cpu, const Op *op)
{
    cpu_set_nzcv(cpu, cpu_cond(cpu, op->ra) ? compare_s(cpu, op)
                                            : op->sub >> FP_COMPARE_NZCV_SHIFT);
    return true;
}

static bool fccmp_d(InterpCpu *cpu, const Op *op)
{
    cpu_set_nzcv(cpu, cpu_cond(cpu, op->ra) ? compare_d(cpu, op)
                                            : op->sub >> FP_COMPARE_NZCV_SHIFT);
    return true;
}

FpFns fp_compare_if_fns = BOTH(fccmp);

FP_OP(fcsel, cpu_cond(cpu, op->ra) ? a : B_S, cpu_cond(cpu, op->ra) ? a : B_D)

FpFns fp_select_fns = BOTH(fcsel);

/* ---- general registers ---- */

bool op_fmov_imm(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op, op[1].imm);
}

bool op_fmov_w_s(InterpCpu *cpu, const Op *op)
{
    cpu->x[op->rd] = get_s(cpu, op->rn);
    return true;
}

bool op_fmov_s_w(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op, (uint32_t)cpu->x[op->rn]);
}

bool op_fmov_x_d(InterpCpu *cpu, const Op *op)
{
    cpu->x[op->rd] = get_d(cpu, op->rn);
    return true;
}

bool op_fmov_d_x(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op, cpu->x[op->rn]);
}

bool op_fmov_x_v1(InterpCpu *cpu, const Op *op)
{
    cpu->x[op->rd] = cpu->v[op->rn].d[1];
    return true;
}

/* The one that leaves the other half alone. */
bool op_fmov_v1_x(InterpCpu *cpu, const Op *op)
{
    cpu->v[op->rd].d[1] = cpu->x[op->rn];
    return true;
}

/* ---- integers ---- */

/* An OpFn for each size, with a result in x[rd]. */
#define FP_TO_X(name, result_s, result_d)              \
    static bool name##_s(InterpCpu *cpu, const Op *op) \
    {                                                  \
        uint32_t a = get_s(cpu, op->rn);               \
                                                       \
        cpu->x[op->rd] = result_s;                     \
        return true;                                   \
    }                                                  \
    static bool name##_d(InterpCpu *cpu, const Op *op) \
    {                                                  \
        uint64_t a = get_d(cpu, op->rn);               \
                                                       \
        cpu->x[op->rd] = result_d;                     \
        return true;                                   \
    }

#define FIXED fp_fixed_from_sub(op->sub)

FP_TO_X(fcvt_fixed, fp_to_fixed(FP_SINGLE, a, FIXED, op->ra, ENV),
        fp_to_fixed(FP_DOUBLE, a, FIXED, op->ra, ENV))
FP_TO_X(fcvtz, fp32_to_int(a, FIXED, ENV), fp64_to_int(a, FIXED, ENV))

FpFns fp_to_fixed_fns = BOTH(fcvt_fixed);
FpFns fp_to_int_fns = BOTH(fcvtz);

static bool cvtf_fixed_s(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op, fp_from_fixed(FP_SINGLE, cpu->x[op->rn], FIXED, ENV));
}

static bool cvtf_fixed_d(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op, fp_from_fixed(FP_DOUBLE, cpu->x[op->rn], FIXED, ENV));
}

static bool cvtf_s(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op, fp32_from_int(cpu->x[op->rn], FIXED, ENV));
}

static bool cvtf_d(InterpCpu *cpu, const Op *op)
{
    return put(cpu, op, fp64_from_int(cpu->x[op->rn], FIXED, ENV));
}

FpFns fp_from_fixed_fns = BOTH(cvtf_fixed);
FpFns fp_from_int_fns = BOTH(cvtf);
