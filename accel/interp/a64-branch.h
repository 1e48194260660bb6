/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */

/* Branches. System instructions and exceptions are in a64-system.h. */
A64("UDF", udf, "0000000000000000 imm16:16")
A64("B.cond", b_cond, "0101010 0 imm19:19 0 cond:4")
A64("BR", br, "1101011 0000 11111 000000 Rn:5 00000")
A64("BLR", blr, "1101011 0001 11111 000000 Rn:5 00000")
A64("RET", br, "1101011 0010 11111 000000 Rn:5 00000")
A64("B", b, "0 00101 imm26:26")
A64("BL", bl, "1 00101 imm26:26")
A64("CBZ", cbz, "sf:1 011010 0 imm19:19 Rt:5")
A64("CBNZ", cbz, "sf:1 011010 1 imm19:19 Rt:5")
A64("TBZ", tbz, "b5:1 011011 0 b40:5 imm14:14 Rt:5")
A64("TBNZ", tbz, "b5:1 011011 1 b40:5 imm14:14 Rt:5")
