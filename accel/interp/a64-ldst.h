/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */

/* Loads and stores of general registers. */
A64("LDR (literal)", ldr_literal, "0 x 011 0 00 imm19:19 Rt:5")
A64("LDRSW (literal)", ldr_literal, "10 011 0 00 imm19:19 Rt:5")
A64("PRFM (literal)", prfm, "11 011 0 00 imm19:19 Rt:5")

/* Pairs: no-allocate, post-indexed, offset, pre-indexed. */
A64("STNP", ldst_pair, "opc:1 0 101 0 000 0 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("LDNP", ldst_pair, "opc:1 0 101 0 000 1 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("STP (post-indexed)", ldst_pair, "opc:1 0 101 0 001 0 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("LDP (post-indexed)", ldst_pair, "opc:1 0 101 0 001 1 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("LDPSW (post-indexed)", ldst_pair, "01 101 0 001 1 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("STP (offset)", ldst_pair, "opc:1 0 101 0 010 0 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("LDP (offset)", ldst_pair, "opc:1 0 101 0 010 1 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("LDPSW (offset)", ldst_pair, "01 101 0 010 1 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("STP (pre-indexed)", ldst_pair, "opc:1 0 101 0 011 0 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("LDP (pre-indexed)", ldst_pair, "opc:1 0 101 0 011 1 imm7:7 Rt2:5 Rn:5 Rt:5")
A64("LDPSW (pre-indexed)", ldst_pair, "01 101 0 011 1 imm7:7 Rt2:5 Rn:5 Rt:5")

/* Unscaled immediate. */
A64("STURB", ldst_unscaled, "00 111 0 00 00 0 imm9:9 00 Rn:5 Rt:5")
A64("LDURB", ldst_unscaled, "00 111 0 00 01 0 imm9:9 00 Rn:5 Rt:5")
A64("LDURSB", ldst_unscaled, "00 111 0 00 1x 0 imm9:9 00 Rn:5 Rt:5")
A64("STURH", ldst_unscaled, "01 111 0 00 00 0 imm9:9 00 Rn:5 Rt:5")
A64("LDURH", ldst_unscaled, "01 111 0 00 01 0 imm9:9 00 Rn:5 Rt:5")
A64("LDURSH", ldst_unscaled, "01 111 0 00 1x 0 imm9:9 00 Rn:5 Rt:5")
A64("STUR", ldst_unscaled, "1x 111 0 00 00 0 imm9:9 00 Rn:5 Rt:5")
A64("LDUR", ldst_unscaled, "1x 111 0 00 01 0 imm9:9 00 Rn:5 Rt:5")
A64("LDURSW", ldst_unscaled, "10 111 0 00 10 0 imm9:9 00 Rn:5 Rt:5")
A64("PRFUM", prfm, "11 111 0 00 10 0 imm9:9 00 Rn:5 Rt:5")

/* Immediate, post-indexed (01) and pre-indexed (11). */
A64("STRB (indexed)", ldst_indexed, "00 111 0 00 00 0 imm9:9 x1 Rn:5 Rt:5")
A64("LDRB (indexed)", ldst_indexed, "00 111 0 00 01 0 imm9:9 x1 Rn:5 Rt:5")
A64("LDRSB (indexed)", ldst_indexed, "00 111 0 00 1x 0 imm9:9 x1 Rn:5 Rt:5")
A64("STRH (indexed)", ldst_indexed, "01 111 0 00 00 0 imm9:9 x1 Rn:5 Rt:5")
A64("LDRH (indexed)", ldst_indexed, "01 111 0 00 01 0 imm9:9 x1 Rn:5 Rt:5")
A64("LDRSH (indexed)", ldst_indexed, "01 111 0 00 1x 0 imm9:9 x1 Rn:5 Rt:5")
A64("STR (indexed)", ldst_indexed, "1x 111 0 00 00 0 imm9:9 x1 Rn:5 Rt:5")
A64("LDR (indexed)", ldst_indexed, "1x 111 0 00 01 0 imm9:9 x1 Rn:5 Rt:5")
A64("LDRSW (indexed)", ldst_indexed, "10 111 0 00 10 0 imm9:9 x1 Rn:5 Rt:5")

/* Unprivileged. */
A64("STTRB", ldst_unprivileged, "00 111 0 00 00 0 imm9:9 10 Rn:5 Rt:5")
A64("LDTRB", ldst_unprivileged, "00 111 0 00 01 0 imm9:9 10 Rn:5 Rt:5")
A64("LDTRSB", ldst_unprivileged, "00 111 0 00 1x 0 imm9:9 10 Rn:5 Rt:5")
A64("STTRH", ldst_unprivileged, "01 111 0 00 00 0 imm9:9 10 Rn:5 Rt:5")
A64("LDTRH", ldst_unprivileged, "01 111 0 00 01 0 imm9:9 10 Rn:5 Rt:5")
A64("LDTRSH", ldst_unprivileged, "01 111 0 00 1x 0 imm9:9 10 Rn:5 Rt:5")
A64("STTR", ldst_unprivileged, "1x 111 0 00 00 0 imm9:9 10 Rn:5 Rt:5")
A64("LDTR", ldst_unprivileged, "1x 111 0 00 01 0 imm9:9 10 Rn:5 Rt:5")
A64("LDTRSW", ldst_unprivileged, "10 111 0 00 10 0 imm9:9 10 Rn:5 Rt:5")

/* Register offset. */
A64("STRB (register)", ldst_register, "00 111 0 00 00 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("LDRB (register)", ldst_register, "00 111 0 00 01 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("LDRSB (register)", ldst_register, "00 111 0 00 1x 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("STRH (register)", ldst_register, "01 111 0 00 00 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("LDRH (register)", ldst_register, "01 111 0 00 01 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("LDRSH (register)", ldst_register, "01 111 0 00 1x 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("STR (register)", ldst_register, "1x 111 0 00 00 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("LDR (register)", ldst_register, "1x 111 0 00 01 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("LDRSW (register)", ldst_register, "10 111 0 00 10 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")
A64("PRFM (register)", prfm_register, "11 111 0 00 10 1 Rm:5 option:3 S:1 10 Rn:5 Rt:5")

/* Unsigned offset. */
A64("STRB (immediate)", ldst_unsigned, "00 111 0 01 00 imm12:12 Rn:5 Rt:5")
A64("LDRB (immediate)", ldst_unsigned, "00 111 0 01 01 imm12:12 Rn:5 Rt:5")
A64("LDRSB (immediate)", ldst_unsigned, "00 111 0 01 1x imm12:12 Rn:5 Rt:5")
A64("STRH (immediate)", ldst_unsigned, "01 111 0 01 00 imm12:12 Rn:5 Rt:5")
A64("LDRH (immediate)", ldst_unsigned, "01 111 0 01 01 imm12:12 Rn:5 Rt:5")
A64("LDRSH (immediate)", ldst_unsigned, "01 111 0 01 1x imm12:12 Rn:5 Rt:5")
A64("STR (immediate)", ldst_unsigned, "1x 111 0 01 00 imm12:12 Rn:5 Rt:5")
A64("LDR (immediate)", ldst_unsigned, "1x 111 0 01 01 imm12:12 Rn:5 Rt:5")
A64("LDRSW (immediate)", ldst_unsigned, "10 111 0 01 10 imm12:12 Rn:5 Rt:5")
A64("PRFM (immediate)", prfm, "11 111 0 01 10 imm12:12 Rn:5 Rt:5")
