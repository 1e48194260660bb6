/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */

/* Exceptions and system instructions. C4.1, "Branches, Exception Generating and System". */
A64("SVC", svc, "11010100 000 imm16:16 000 01")
A64("HVC", hvc, "11010100 000 imm16:16 000 10")
A64("SMC", hvc, "11010100 000 imm16:16 000 11")
A64("BRK", brk, "11010100 001 imm16:16 000 00")
A64("HINT", hint, "1101010100 0 00 011 0010 CRm:4 op2:3 11111")
A64("CLREX", clrex, "1101010100 0 00 011 0011 CRm:4 010 11111")
A64("DSB", dsb, "1101010100 0 00 011 0011 CRm:4 100 11111")
A64("DMB", dmb, "1101010100 0 00 011 0011 CRm:4 101 11111")
A64("ISB", isb, "1101010100 0 00 011 0011 CRm:4 110 11111")
A64("MSR (immediate)", msr_imm, "1101010100 0 00 op1:3 0100 CRm:4 op2:3 11111")
A64("SYS", sys, "1101010100 0 01 op1:3 CRn:4 CRm:4 op2:3 Rt:5")
A64("MSR (register)", msr_reg, "1101010100 0 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5")
A64("MRS", mrs, "1101010100 1 1 o0:1 op1:3 CRn:4 CRm:4 op2:3 Rt:5")
A64("ERET", eret, "1101011 0100 11111 000000 11111 00000")
