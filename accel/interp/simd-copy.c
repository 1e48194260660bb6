/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simd-copy.c: Advanced SIMD instructions that move and do not compute: DUP,
 * INS, SMOV, UMOV, and those with a modified immediate (Arm ARM C4.1,
 * "Advanced SIMD copy" and "Advanced SIMD modified immediate").
 *
 * imm5 holds an element's size and its number at once: the lowest set bit is
 * the size, what is above it the number. Lanes are in ra here, and for INS
 * (element) the source's lane is in the amount.
 */

#include "simd.h"

#define COPIES(name, type, field)                                             \
    static bool dup_element_##name(InterpCpu *cpu, const Op *op)              \
    {                                                                         \
        const type value = cpu->v[op->rn].field[op->ra];                      \
        VReg r;                                                               \
                                                                              \
        for (unsigned i = 0; i < 16 / sizeof(type); i++) {                    \
            r.field[i] = value;                                               \
        }                                                                     \
        return simd_write(cpu, op, r);                                        \
    }                                                                         \
                                                                              \
    static bool dup_general_##name(InterpCpu *cpu, const Op *op)              \
    {                                                                         \
        const type value = cpu->x[op->rn];                                    \
        VReg r;                                                               \
                                                                              \
        for (unsigned i = 0; i < 16 / sizeof(type); i++) {                    \
            r.field[i] = value;                                               \
        }                                                                     \
        return simd_write(cpu, op, r);                                        \
    }                                                                         \
                                                                              \
    static bool ins_element_##name(InterpCpu *cpu, const Op *op)              \
    {                                                                         \
        cpu->v[op->rd].field[op->ra] = cpu->v[op->rn].field[simd_amount(op)]; \
        return true;                                                          \
    }                                                                         \
                                                                              \
    static bool ins_general_##name(InterpCpu *cpu, const Op *op)              \
    {                                                                         \
        cpu->v[op->rd].field[op->ra] = cpu->x[op->rn];                        \
        return true;                                                          \
    }                                                                         \
                                                                              \
    static bool umov_##name(InterpCpu *cpu, const Op *op)                     \
    {                                                                         \
        cpu->x[op->rd] = cpu->v[op->rn].field[op->ra];                        \
        return true;                                                          \
    }

COPIES(b, uint8_t, b)
COPIES(h, uint16_t, h)
COPIES(s, uint32_t, s)
COPIES(d, uint64_t, d)

/* To the size of the general register, the lane's sign extended. */
#define SMOV(fn, type, field)                                \
    static bool fn(InterpCpu *cpu, const Op *op)             \
    {                                                        \
        cpu->x[op->rd] = (type)cpu->v[op->rn].field[op->ra]; \
        return true;                                         \
    }

SMOV(smov_b, int64_t, sb)
SMOV(smov_h, int64_t, sh)
SMOV(smov_s, int64_t, ss)
SMOV(smov_w_b, uint32_t, sb)
SMOV(smov_w_h, uint32_t, sh)

#define SIZES(name)                            \
    {                                          \
        name##_b, name##_h, name##_s, name##_d \
    }

static SimdFns dup_element = SIZES(dup_element);
static SimdFns dup_general = SIZES(dup_general);
static SimdFns ins_element = SIZES(ins_element);
static SimdFns ins_general = SIZES(ins_general);
/* By Q. */
static SimdFns umov[2] = {{umov_b, umov_h, umov_s}, {[3] = umov_d}};
static SimdFns smov[2] = {{smov_w_b, smov_w_h}, {smov_b, smov_h, smov_s}};

/* Size and lane of imm5; false: neither. */
static bool parse_imm5(uint32_t insn, unsigned *size, unsigned *lane)
{
    unsigned imm5 = bits(insn, 20, 16);

    if (!(imm5 & 15)) {
        return false;
    }
    *size = __builtin_ctz(imm5);
    *lane = imm5 >> (*size + 1);
    return true;
}

static Op *emit_copy(Translator *t, uint32_t insn, SimdFns fns, unsigned bytes)
{
    unsigned size, lane;
    Op *op;

    if (!parse_imm5(insn, &size, &lane) || !fns[size]) {
        return NULL;
    }
    op = simd_emit(t, insn, fns[size], bytes, 0);
    op->ra = lane;
    return op;
}

/* Lanes of 64 bits need Q. */
static Op *emit_dup(Translator *t, uint32_t insn, SimdFns fns)
{
    unsigned q = bits(insn, 30, 30);

    if (bits(insn, 19, 16) == 8 && !q) {
        return NULL;
    }
    return emit_copy(t, insn, fns, 8 << q);
}

bool translate_dup_element(Translator *t, uint32_t insn)
{
    return emit_dup(t, insn, dup_element);
}

bool translate_dup_general(Translator *t, uint32_t insn)
{
    Op *op = emit_dup(t, insn, dup_general);

    if (op) {
        op->rn = xr(op->rn);
    }
    return op;
}

bool translate_dup_sc(Translator *t, uint32_t insn)
{
    unsigned size, lane;

    return parse_imm5(insn, &size, &lane) &&
           emit_copy(t, insn, dup_element, 1 << size);
}

bool translate_ins_general(Translator *t, uint32_t insn)
{
    Op *op = emit_copy(t, insn, ins_general, 16);

    if (op) {
        op->rn = xr(op->rn);
    }
    return op;
}

bool translate_ins_element(Translator *t, uint32_t insn)
{
    unsigned size, lane;

    if (!parse_imm5(insn, &size, &lane)) {
        return false;
    }
    simd_emit(t, insn, ins_element[size], 16, bits(insn, 14, 11) >> size)->ra =
        lane;
    return true;
}

static bool to_general(Translator *t, uint32_t insn, SimdFns fns)
{
    Op *op = emit_copy(t, insn, fns, 16);

    if (op) {
        op->rd = xw(op->rd);
    }
    return op;
}

SIMD_TRANSLATE(umov, to_general, umov[bits(insn, 30, 30)])
SIMD_TRANSLATE(smov, to_general, smov[bits(insn, 30, 30)])

/* ---- modified immediate: 64 bits, as a datum ---- */

static bool set_imm(InterpCpu *cpu, const Op *op)
{
    uint64_t imm = op[1].imm;

    return simd_write(cpu, op, (VReg){.d = {imm, imm}});
}

static bool orr_imm(InterpCpu *cpu, const Op *op)
{
    VReg d = cpu->v[op->rd];
    uint64_t imm = op[1].imm;

    return simd_write(cpu, op, (VReg){.d = {d.d[0] | imm, d.d[1] | imm}});
}

static bool bic_imm(InterpCpu *cpu, const Op *op)
{
    VReg d = cpu->v[op->rd];
    uint64_t imm = op[1].imm;

    return simd_write(cpu, op, (VReg){.d = {d.d[0] & ~imm, d.d[1] & ~imm}});
}

/* VFPExpandImm() */
static uint64_t expand_fp_imm(unsigned imm8, bool is_double)
{
    uint64_t sign = imm8 >> 7, b = imm8 >> 6 & 1, rest = imm8 & 0x3f;

    if (is_double) {
        return sign << 63 | (b ? UINT64_C(0xff) << 54 : UINT64_C(1) << 62) |
               rest << 48;
    }
    return sign << 31 | (b ? 0x1fu << 25 : 1u << 30) | rest << 19;
}

static uint64_t twice(uint64_t half)
{
    return half << 32 | half;
}

static uint64_t bytes_of_bits(unsigned imm8)
{
    uint64_t imm = 0;

    for (unsigned i = 0; i < 8; i++) {
        imm |= (imm8 >> i & 1) * (UINT64_C(0xff) << 8 * i);
    }
    return imm;
}

/* AdvSIMDExpandImm() */
static uint64_t expand_imm(bool op, unsigned cmode, unsigned imm8)
{
    unsigned shift = (cmode >> 1 & 3) * 8;

    switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
        return twice((uint64_t)imm8 << shift);
    case 4:
    case 5:
        return twice((imm8 << (cmode & 2) * 4) * 0x10001u);
    case 6:
        return twice(cmode & 1 ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff);
    default:
        break;
    }
    if (cmode == 14) {
        return op ? bytes_of_bits(imm8) : twice(imm8 * 0x01010101u);
    }
    return op ? expand_fp_imm(imm8, true) : twice(expand_fp_imm(imm8, false));
}

static bool modified_immediate(Translator *t, uint32_t insn, OpFn *fn,
                               uint64_t flip)
{
    unsigned imm8 = bits(insn, 18, 16) << 5 | bits(insn, 9, 5);
    uint64_t imm =
        expand_imm(bits(insn, 29, 29), bits(insn, 15, 12), imm8) ^ flip;
    Op *op = emit_call_datum(t, fn, imm);

    op->rd = bits(insn, 4, 0);
    op->sub = 8 << bits(insn, 30, 30);
    return true;
}

bool translate_movi(Translator *t, uint32_t insn)
{
    return modified_immediate(t, insn, set_imm, 0);
}

bool translate_mvni(Translator *t, uint32_t insn)
{
    return modified_immediate(t, insn, set_imm, UINT64_MAX);
}

bool translate_orr_imm_v(Translator *t, uint32_t insn)
{
    return modified_immediate(t, insn, orr_imm, 0);
}

bool translate_bic_imm_v(Translator *t, uint32_t insn)
{
    return modified_immediate(t, insn, bic_imm, 0);
}
