/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data processing, immediate and register: the integer arithmetic. Nearly
 * every operation has its opcode, and the one for 32 bits follows it, so that
 * the bit sf chooses between them by a sum.
 *
 * An instruction whose only effect is on XZR makes no operation at all.
 */

#include "cpu.h"
#include "decode.h"

static bool is64(uint32_t insn)
{
    return insn >> 31;
}

static unsigned width(uint32_t insn)
{
    return is64(insn) ? 64 : 32;
}

/* The opcode @op or, for 32 bits, the next one. */
static OpCode by_sf(uint32_t insn, OpCode op)
{
    return op + !is64(insn);
}

static uint64_t mask_of(unsigned bits)
{
    return UINT64_MAX >> (64 - bits);
}

static unsigned rd_of(uint32_t insn)
{
    return bits(insn, 4, 0);
}

static unsigned rn_of(uint32_t insn)
{
    return bits(insn, 9, 5);
}

static unsigned rm_of(uint32_t insn)
{
    return bits(insn, 20, 16);
}

static void emit_movi(Translator *t, unsigned rd, uint64_t imm)
{
    emit_dni(t, OP_MOVI, rd, X_ZR, imm);
}

/* The last operation, of the instruction before, has set @rd to a constant. */
static bool last_is_movi(const Translator *t, unsigned rd)
{
    const Op *last = t->num_ops ? &t->ops[t->num_ops - 1] : NULL;

    return last && last->code == OP_MOVI && last->rd == rd;
}

/* ---- shifted operands ---- */

enum { SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, SHIFT_ROR };

static void emit_shift(Translator *t, unsigned type, unsigned rd, unsigned rn,
                       unsigned amount)
{
    static const OpCode shifts[] = {OP_LSLI, OP_LSRI, OP_ASRI, OP_RORI};
    OpCode code = by_sf(t->insn, amount ? shifts[type] : OP_MOV);

    emit_dnm(t, code, rd, rn, 0)->sub = amount;
}

/* The register with Rm, shifted: X_TMP if there is something to do. */
static unsigned shifted_rm(Translator *t, uint32_t insn)
{
    unsigned rm = xr(rm_of(insn));
    unsigned amount = bits(insn, 15, 10);

    if (!amount || rm == X_ZR) {
        return rm;
    }
    emit_shift(t, bits(insn, 23, 22), X_TMP, rm, amount);
    return X_TMP;
}

static bool shift_is_reserved(uint32_t insn)
{
    return !is64(insn) && bits(insn, 15, 15);
}

/* ---- sums ---- */

bool translate_adr(Translator *t, uint32_t insn)
{
    uint64_t offset = (uint64_t)sbits(insn, 23, 5) << 2 | bits(insn, 30, 29);
    uint64_t base = t->pc;

    if (insn >> 31) {
        offset <<= 12;
        base &= ~UINT64_C(0xfff);
    }
    if (rd_of(insn) != 31) {
        emit_movi(t, rd_of(insn), base + offset);
    }
    return true;
}

static uint64_t add_operand(uint32_t insn)
{
    return (uint64_t)bits(insn, 21, 10) << (bits(insn, 22, 22) ? 12 : 0);
}

/* What is written to SP may not be a multiple of 16. */
static void sp_changed(Translator *t, unsigned rd)
{
    if (rd == X_SP) {
        t->sp_checked = false;
    }
}

bool translate_add_imm(Translator *t, uint32_t insn)
{
    bool sub = bits(insn, 30, 30);
    uint64_t imm = sub ? -add_operand(insn) : add_operand(insn);
    unsigned rd = rd_of(insn);
    unsigned rn = rn_of(insn);

    if (is64(insn) && last_is_movi(t, rn)) {
        /* ADRP and the lower bits of an address */
        imm += t->ops[t->num_ops - 1].imm;
        t->num_ops -= rd == rn;
        emit_movi(t, rd, imm);
    } else if (imm) {
        emit_dni(t, by_sf(insn, OP_ADDI), rd, rn, imm & mask_of(width(insn)));
    } else {
        emit_dnm(t, by_sf(insn, OP_MOV), rd, rn, 0);
    }
    if (rn != X_SP || imm & 15 || !is64(insn)) {
        sp_changed(t, rd);
    }
    return true;
}

bool translate_adds_imm(Translator *t, uint32_t insn)
{
    OpCode code = bits(insn, 30, 30) ? OP_SUBSI : OP_ADDSI;

    emit_dni(t, by_sf(insn, code), xw(rd_of(insn)), rn_of(insn),
             add_operand(insn));
    return true;
}

/* By the bits op and S. */
static OpCode sum_op(uint32_t insn)
{
    static const OpCode codes[] = {OP_ADD, OP_ADDS, OP_SUB, OP_SUBS};

    return by_sf(insn, codes[bits(insn, 30, 29)]);
}

bool translate_add_reg(Translator *t, uint32_t insn)
{
    unsigned shift = bits(insn, 23, 22);
    unsigned amount = bits(insn, 15, 10);
    unsigned rd = xw(rd_of(insn));
    unsigned rn = xr(rn_of(insn));
    unsigned rm = xr(rm_of(insn));

    if (shift == SHIFT_ROR || shift_is_reserved(insn)) {
        return false;
    }
    if (rd == X_SINK && !bits(insn, 29, 29)) {
        return true;
    }
    if (shift == SHIFT_LSL && amount && !bits(insn, 30, 29)) {
        emit_dnm(t, by_sf(insn, OP_ADDL), rd, rn, rm)->sub = amount;
        return true;
    }
    rm = shifted_rm(t, insn);
    emit_dnm(t, sum_op(insn), rd, rn, rm);
    return true;
}

/* ExtendReg() of Rm into X_TMP, where there is something to do. */
static unsigned extended_rm(Translator *t, uint32_t insn)
{
    unsigned rm = xr(rm_of(insn));
    unsigned option = bits(insn, 15, 13);
    unsigned shift = bits(insn, 12, 10);
    unsigned len = 8u << (option & 3);
    Op *op;

    if (len >= width(insn)) {
        if (!shift) {
            return rm;
        }
        emit_shift(t, SHIFT_LSL, X_TMP, rm, shift);
    } else if (len == 32) {
        emit_dnm(t, option & 4 ? OP_SXTW_LSL : OP_UXTW_LSL, X_TMP, rm, 0)->sub =
            shift;
    } else if (option & 4) {
        op = emit_dnm(t, by_sf(insn, OP_SBFM), X_TMP, rm, 0);
        op->ra = width(insn) - len;
        op->rm = op->ra - shift;
    } else {
        emit_dni(t, by_sf(insn, OP_UBFM), X_TMP, rm, mask_of(len) << shift)
            ->sub = -shift & (width(insn) - 1);
    }
    return X_TMP;
}

bool translate_add_ext(Translator *t, uint32_t insn)
{
    bool set_flags = bits(insn, 29, 29);
    unsigned rd = set_flags ? xw(rd_of(insn)) : rd_of(insn);
    unsigned rm;

    if (bits(insn, 12, 10) > 4) {
        return false;
    }
    rm = extended_rm(t, insn);
    emit_dnm(t, sum_op(insn), rd, rn_of(insn), rm);
    sp_changed(t, rd);
    return true;
}

/* SBC is ADC of the complement. */
bool translate_adc(Translator *t, uint32_t insn)
{
    bool set_flags = bits(insn, 29, 29);
    unsigned rd = xw(rd_of(insn));
    unsigned rm = xr(rm_of(insn));

    if (rd == X_SINK && !set_flags) {
        return true;
    }
    if (bits(insn, 30, 30)) {
        emit_dnm(t, OP_ORN, X_TMP, X_ZR, rm);
        rm = X_TMP;
    }
    emit_dnm(t, by_sf(insn, set_flags ? OP_ADCS : OP_ADC), rd, xr(rn_of(insn)),
             rm);
    return true;
}

/* ---- logic ---- */

bool translate_logic_imm(Translator *t, uint32_t insn)
{
    unsigned opc = bits(insn, 30, 29);
    unsigned rd = opc == 3 ? xw(rd_of(insn)) : rd_of(insn);
    unsigned rn = xr(rn_of(insn));
    /* AND needs no other one for 32 bits: the mask clears the upper half. */
    const OpCode codes[] = {OP_ANDI, by_sf(insn, OP_ORRI), by_sf(insn, OP_EORI),
                            by_sf(insn, OP_ANDSI)};
    uint64_t imm;

    if (bits(insn, 22, 22) > is64(insn) ||
        !decode_bit_masks(bits(insn, 22, 22), bits(insn, 15, 10),
                          bits(insn, 21, 16), true, width(insn), &imm, NULL)) {
        return false;
    }
    if (opc == 1 && rn == X_ZR) {
        emit_movi(t, rd, imm);
    } else {
        emit_dni(t, codes[opc], rd, rn, imm);
    }
    sp_changed(t, rd);
    return true;
}

bool translate_logic_reg(Translator *t, uint32_t insn)
{
    /* By opc and N. */
    static const OpCode codes[] = {OP_AND, OP_BIC, OP_ORR,  OP_ORN,
                                   OP_EOR, OP_EON, OP_ANDS, OP_BICS};
    OpCode code = codes[bits(insn, 30, 29) << 1 | bits(insn, 21, 21)];
    unsigned rd = xw(rd_of(insn));
    unsigned rn = xr(rn_of(insn));
    unsigned rm;

    if (shift_is_reserved(insn)) {
        return false;
    }
    if (rd == X_SINK && code != OP_ANDS && code != OP_BICS) {
        return true;
    }
    if (code == OP_ORR && rn == X_ZR) {
        emit_shift(t, bits(insn, 23, 22), rd, xr(rm_of(insn)),
                   bits(insn, 15, 10));
        return true;
    }
    rm = shifted_rm(t, insn);
    emit_dnm(t, by_sf(insn, code), rd, rn, rm);
    return true;
}

/* ---- wide moves ---- */

bool translate_mov_wide(Translator *t, uint32_t insn)
{
    unsigned shift = bits(insn, 22, 21) * 16;
    uint64_t imm = (uint64_t)bits(insn, 20, 5) << shift;

    if (shift >= width(insn)) {
        return false;
    }
    if (!bits(insn, 30, 30)) {
        imm = ~imm;
    }
    if (rd_of(insn) != 31) {
        emit_movi(t, rd_of(insn), imm & mask_of(width(insn)));
    }
    return true;
}

bool translate_movk(Translator *t, uint32_t insn)
{
    unsigned shift = bits(insn, 22, 21) * 16;
    uint64_t imm = (uint64_t)bits(insn, 20, 5) << shift;
    uint64_t keep = mask_of(width(insn)) & ~((uint64_t)0xffff << shift);
    unsigned rd = rd_of(insn);

    if (shift >= width(insn)) {
        return false;
    }
    if (rd == 31) {
        return true;
    }
    if (last_is_movi(t, rd)) {
        /* A constant is made of one MOVZ and some MOVK. */
        t->ops[t->num_ops - 1].imm &= keep;
        t->ops[t->num_ops - 1].imm |= imm;
        return true;
    }
    emit_dni(t, OP_ANDI, rd, rd, keep);
    if (imm) {
        emit_dni(t, OP_ORRI, rd, rd, imm);
    }
    return true;
}

/* ---- bit fields ---- */

static bool bitfield_is_reserved(uint32_t insn)
{
    bool n = bits(insn, 22, 22);

    return n != is64(insn) ||
           (!n && (bits(insn, 21, 21) || bits(insn, 15, 15)));
}

bool translate_sbfm(Translator *t, uint32_t insn)
{
    unsigned immr = bits(insn, 21, 16);
    unsigned imms = bits(insn, 15, 10);
    unsigned w = width(insn);
    unsigned rd = rd_of(insn);
    unsigned rn = xr(rn_of(insn));
    Op *op;

    if (bitfield_is_reserved(insn)) {
        return false;
    }
    if (rd == 31) {
        return true;
    }
    if (imms == w - 1) {
        emit_shift(t, SHIFT_ASR, rd, rn, immr);
        return true;
    }
    op = emit_dnm(t, by_sf(insn, OP_SBFM), rd, rn, 0);
    op->ra = w - 1 - imms;
    op->rm = imms >= immr ? op->ra + immr : op->ra + immr - w;
    return true;
}

/* The bits of the destination that a bit field goes to. */
static uint64_t bitfield_mask(uint32_t insn)
{
    unsigned immr = bits(insn, 21, 16);
    unsigned imms = bits(insn, 15, 10);

    return imms >= immr ? mask_of(imms - immr + 1)
                        : mask_of(imms + 1) << (width(insn) - immr);
}

bool translate_bfm(Translator *t, uint32_t insn)
{
    if (bitfield_is_reserved(insn)) {
        return false;
    }
    if (rd_of(insn) != 31) {
        emit_dni(t, by_sf(insn, OP_BFM), rd_of(insn), xr(rn_of(insn)),
                 bitfield_mask(insn))
            ->sub = bits(insn, 21, 16);
    }
    return true;
}

bool translate_ubfm(Translator *t, uint32_t insn)
{
    unsigned immr = bits(insn, 21, 16);
    unsigned imms = bits(insn, 15, 10);
    unsigned rd = rd_of(insn);
    unsigned rn = xr(rn_of(insn));

    if (bitfield_is_reserved(insn)) {
        return false;
    }
    if (rd == 31) {
        return true;
    }
    if (imms == width(insn) - 1) {
        emit_shift(t, SHIFT_LSR, rd, rn, immr);
    } else if (imms + 1 == immr) {
        emit_shift(t, SHIFT_LSL, rd, rn, width(insn) - immr);
    } else if (!immr) {
        emit_dni(t, OP_ANDI, rd, rn, bitfield_mask(insn));
    } else {
        emit_dni(t, by_sf(insn, OP_UBFM), rd, rn, bitfield_mask(insn))->sub =
            immr;
    }
    return true;
}

bool translate_extr(Translator *t, uint32_t insn)
{
    unsigned lsb = bits(insn, 15, 10);
    unsigned rd = rd_of(insn);
    unsigned rn = xr(rn_of(insn));
    unsigned rm = xr(rm_of(insn));

    if (bits(insn, 22, 22) != is64(insn) || lsb >= width(insn)) {
        return false;
    }
    if (rd == 31) {
        return true;
    }
    if (!lsb || rn == rm) {
        emit_shift(t, SHIFT_ROR, rd, rm, lsb);
    } else {
        emit_dnm(t, by_sf(insn, OP_EXTR), rd, rn, rm)->sub = lsb;
    }
    return true;
}

/* ---- by condition ---- */

bool translate_ccmp(Translator *t, uint32_t insn)
{
    bool immediate = bits(insn, 11, 11);
    bool sub = bits(insn, 30, 30);
    Op *op;

    if (immediate) {
        op = emit_dni(t, by_sf(insn, sub ? OP_CCMPI : OP_CCMNI), 0,
                      xr(rn_of(insn)), rm_of(insn));
    } else {
        op = emit_dnm(t, by_sf(insn, sub ? OP_CCMP : OP_CCMN), 0,
                      xr(rn_of(insn)), xr(rm_of(insn)));
    }
    op->sub = bits(insn, 3, 0) << 4 | bits(insn, 15, 12);
    return true;
}

bool translate_csel(Translator *t, uint32_t insn)
{
    /* By the bits op and o2. */
    static const OpCode codes[] = {OP_CSEL, OP_CSINC, OP_CSINV, OP_CSNEG};
    OpCode code = codes[bits(insn, 30, 30) << 1 | bits(insn, 10, 10)];

    if (rd_of(insn) != 31) {
        emit_dnm(t, by_sf(insn, code), rd_of(insn), xr(rn_of(insn)),
                 xr(rm_of(insn)))
            ->sub = bits(insn, 15, 12);
    }
    return true;
}

/* ---- one, two and three sources ---- */

bool translate_dp_1source(Translator *t, uint32_t insn)
{
    /* By opcode and sf. */
    static const OpCode codes[][2] = {
        {OP_RBITW, OP_RBIT}, {OP_REV16W, OP_REV16}, {OP_REVW, OP_REV32},
        {OP_REVW, OP_REV},   {OP_CLZW, OP_CLZ},     {OP_CLSW, OP_CLS},
    };

    if (rd_of(insn) != 31) {
        emit_dnm(t, codes[bits(insn, 12, 10)][is64(insn)], rd_of(insn),
                 xr(rn_of(insn)), 0);
    }
    return true;
}

bool translate_dp_2source(Translator *t, uint32_t insn)
{
    static const OpCode codes[] = {
        [2] = OP_UDIV, [3] = OP_SDIV,  [8] = OP_LSLV,
        [9] = OP_LSRV, [10] = OP_ASRV, [11] = OP_RORV,
    };

    if (rd_of(insn) != 31) {
        emit_dnm(t, by_sf(insn, codes[bits(insn, 13, 10)]), rd_of(insn),
                 xr(rn_of(insn)), xr(rm_of(insn)));
    }
    return true;
}

/*
 * One half of a byte at a time, bits reversed: polynomials 0x04C11DB7 and
 * 0x1EDC6F41.
 */
static const uint32_t crc_tables[2][16] = {
    {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
     0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c},
    {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
     0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
     0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75},
};

static bool op_crc32(InterpCpu *cpu, const Op *op)
{
    const uint32_t *table = crc_tables[op->sub >> 2 & 1];
    uint64_t value = cpu->x[op->rm];
    uint32_t crc = cpu->x[op->rn];

    for (unsigned i = 0; i < 2u << (op->sub & 3); i++, value >>= 4) {
        crc = table[(crc ^ value) & 15] ^ crc >> 4;
    }
    cpu->x[op->rd] = crc;
    return true;
}

bool translate_crc32(Translator *t, uint32_t insn)
{
    Op *op = emit_call(t, op_crc32);

    op->rd = xw(rd_of(insn));
    op->rn = xr(rn_of(insn));
    op->rm = xr(rm_of(insn));
    op->sub = bits(insn, 12, 10);
    return true;
}

static bool emit_3source(Translator *t, uint32_t insn, OpCode code)
{
    if (rd_of(insn) != 31) {
        emit_dnm(t, code, rd_of(insn), xr(rn_of(insn)), xr(rm_of(insn)))->ra =
            xr(bits(insn, 14, 10));
    }
    return true;
}

bool translate_madd(Translator *t, uint32_t insn)
{
    return emit_3source(t, insn,
                        by_sf(insn, bits(insn, 15, 15) ? OP_MSUB : OP_MADD));
}

bool translate_madd_long(Translator *t, uint32_t insn)
{
    /* By the bits U and o0. */
    static const OpCode codes[] = {OP_SMADDL, OP_SMSUBL, OP_UMADDL, OP_UMSUBL};

    return emit_3source(t, insn,
                        codes[bits(insn, 23, 23) << 1 | bits(insn, 15, 15)]);
}

bool translate_mul_high(Translator *t, uint32_t insn)
{
    return emit_3source(t, insn, bits(insn, 23, 23) ? OP_UMULH : OP_SMULH);
}
