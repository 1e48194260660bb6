/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gdb is told of the registers. Values travel in the guest's byte order,
 * which is little endian, as hosts are; so a register is just its bytes.
 */

#include "gdbstub-regs.h"

enum {
    REG_SP = 31,
    REG_PC,
    REG_CPSR,
    REG_V0,
    REG_FPSR = REG_V0 + 32,
    REG_FPCR
};
G_STATIC_ASSERT(REG_FPCR + 1 == GDB_NUM_REGS);
G_STATIC_ASSERT(G_BYTE_ORDER == G_LITTLE_ENDIAN);

void *gdb_reg(GuestRegs *regs, unsigned n, size_t *size)
{
    *size = n < REG_CPSR ? 8 : 4;
    switch (n) {
    case 0 ... REG_SP - 1:
        return &regs->x[n];
    case REG_SP:
        return &regs->sp;
    case REG_PC:
        return &regs->pc;
    case REG_CPSR:
        return &regs->cpsr;
    case REG_V0 ... REG_FPSR - 1:
        *size = sizeof(regs->v[0]);
        return regs->v[n - REG_V0];
    case REG_FPSR:
        return &regs->fpsr;
    case REG_FPCR:
        return &regs->fpcr;
    default:
        return NULL;
    }
}

#define X(n) "<reg name=\"x" #n "\" bitsize=\"64\"/>"
#define V(n) "<reg name=\"v" #n "\" bitsize=\"128\" type=\"aarch64v\"/>"
#define EIGHT(R, a, b, c, d, e, f, g, h) R(a) R(b) R(c) R(d) R(e) R(f) R(g) R(h)
#define FLAG(name, bit) \
    "<field name=\"" name "\" start=\"" #bit "\" end=\"" #bit "\"/>"
#define VECTOR(id, type, count) \
    "<vector id=\"" id "\" type=\"" type "\" count=\"" #count "\"/>"
#define FIELD(name, type) "<field name=\"" name "\" type=\"" type "\"/>"

/* clang-format off */
const char gdb_target_xml[] =
    "<?xml version=\"1.0\"?>"
    "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
    "<target version=\"1.0\">"
    "<architecture>aarch64</architecture>"
    "<feature name=\"org.gnu.gdb.aarch64.core\">"
    "<flags id=\"cpsr_flags\" size=\"4\">"
    FLAG("SP", 0) "<field name=\"EL\" start=\"2\" end=\"3\"/>"
    FLAG("nRW", 4) FLAG("F", 6) FLAG("I", 7) FLAG("A", 8) FLAG("D", 9)
    FLAG("IL", 20) FLAG("SS", 21) FLAG("PAN", 22)
    FLAG("V", 28) FLAG("C", 29) FLAG("Z", 30) FLAG("N", 31)
    "</flags>"
    EIGHT(X, 0, 1, 2, 3, 4, 5, 6, 7)
    EIGHT(X, 8, 9, 10, 11, 12, 13, 14, 15)
    EIGHT(X, 16, 17, 18, 19, 20, 21, 22, 23)
    X(24) X(25) X(26) X(27) X(28) X(29) X(30)
    "<reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>"
    "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/>"
    "<reg name=\"cpsr\" bitsize=\"32\" type=\"cpsr_flags\"/>"
    "</feature>"
    "<feature name=\"org.gnu.gdb.aarch64.fpu\">"
    VECTOR("v2d", "ieee_double", 2) VECTOR("v2u", "uint64", 2)
    VECTOR("v4f", "ieee_single", 4) VECTOR("v4u", "uint32", 4)
    VECTOR("v8u", "uint16", 8) VECTOR("v16u", "uint8", 16)
    VECTOR("v1u", "uint128", 1)
    "<union id=\"vnd\">" FIELD("f", "v2d") FIELD("u", "v2u") "</union>"
    "<union id=\"vns\">" FIELD("f", "v4f") FIELD("u", "v4u") "</union>"
    "<union id=\"aarch64v\">"
    FIELD("d", "vnd") FIELD("s", "vns") FIELD("h", "v8u")
    FIELD("b", "v16u") FIELD("q", "v1u")
    "</union>"
    EIGHT(V, 0, 1, 2, 3, 4, 5, 6, 7)
    EIGHT(V, 8, 9, 10, 11, 12, 13, 14, 15)
    EIGHT(V, 16, 17, 18, 19, 20, 21, 22, 23)
    EIGHT(V, 24, 25, 26, 27, 28, 29, 30, 31)
    "<reg name=\"fpsr\" bitsize=\"32\"/>"
    "<reg name=\"fpcr\" bitsize=\"32\"/>"
    "</feature>"
    "</target>";
/* clang-format on */
