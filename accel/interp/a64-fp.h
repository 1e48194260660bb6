/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */

/*
 * Scalar floating point. Of the field `ftype` 00 is single, 01 double, 11 half;
 * `sz` is its low bit where a half would take FEAT_FP16.
 */

/* Conversion between floating-point and fixed-point */
A64_FP("SCVTF (scalar, fixed-point)", fp_from_fixed,
       "sf:1 0 0 11110 0 sz:1 0 00 010 scale:6 Rn:5 Rd:5")
A64_FP("UCVTF (scalar, fixed-point)", fp_from_fixed,
       "sf:1 0 0 11110 0 sz:1 0 00 011 scale:6 Rn:5 Rd:5")
A64_FP("FCVTZS (scalar, fixed-point)", fp_to_fixed,
       "sf:1 0 0 11110 0 sz:1 0 11 000 scale:6 Rn:5 Rd:5")
A64_FP("FCVTZU (scalar, fixed-point)", fp_to_fixed,
       "sf:1 0 0 11110 0 sz:1 0 11 001 scale:6 Rn:5 Rd:5")

/* Conversion between floating-point and integer */
A64_FP("FCVTNS (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 00 000 000000 Rn:5 Rd:5")
A64_FP("FCVTNU (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 00 001 000000 Rn:5 Rd:5")
A64_FP("FCVTAS (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 00 100 000000 Rn:5 Rd:5")
A64_FP("FCVTAU (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 00 101 000000 Rn:5 Rd:5")
A64_FP("FCVTPS (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 01 000 000000 Rn:5 Rd:5")
A64_FP("FCVTPU (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 01 001 000000 Rn:5 Rd:5")
A64_FP("FCVTMS (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 10 000 000000 Rn:5 Rd:5")
A64_FP("FCVTMU (scalar)", fp_to_int, "sf:1 0 0 11110 0 sz:1 1 10 001 000000 Rn:5 Rd:5")
A64_FP("FCVTZS (scalar, integer)", fp_to_int,
       "sf:1 0 0 11110 0 sz:1 1 11 000 000000 Rn:5 Rd:5")
A64_FP("FCVTZU (scalar, integer)", fp_to_int,
       "sf:1 0 0 11110 0 sz:1 1 11 001 000000 Rn:5 Rd:5")
A64_FP("SCVTF (scalar, integer)", fp_from_int,
       "sf:1 0 0 11110 0 sz:1 1 00 010 000000 Rn:5 Rd:5")
A64_FP("UCVTF (scalar, integer)", fp_from_int,
       "sf:1 0 0 11110 0 sz:1 1 00 011 000000 Rn:5 Rd:5")
A64_FP("FMOV (general), S to W", fmov_to_general, "0 0 0 11110 00 1 00 110 000000 Rn:5 Rd:5")
A64_FP("FMOV (general), W to S", fmov_from_general, "0 0 0 11110 00 1 00 111 000000 Rn:5 Rd:5")
A64_FP("FMOV (general), D to X", fmov_to_general, "1 0 0 11110 01 1 00 110 000000 Rn:5 Rd:5")
A64_FP("FMOV (general), X to D", fmov_from_general, "1 0 0 11110 01 1 00 111 000000 Rn:5 Rd:5")
A64_FP("FMOV (general), V.D[1] to X", fmov_to_general,
       "1 0 0 11110 10 1 01 110 000000 Rn:5 Rd:5")
A64_FP("FMOV (general), X to V.D[1]", fmov_from_general,
       "1 0 0 11110 10 1 01 111 000000 Rn:5 Rd:5")

/* Floating-point data-processing (1 source) */
A64_FP("FMOV (register)", fp_1source, "0 0 0 11110 0 sz:1 1 000000 10000 Rn:5 Rd:5")
A64_FP("FABS (scalar)", fp_1source, "0 0 0 11110 0 sz:1 1 000001 10000 Rn:5 Rd:5")
A64_FP("FNEG (scalar)", fp_1source, "0 0 0 11110 0 sz:1 1 000010 10000 Rn:5 Rd:5")
A64_FP("FSQRT (scalar)", fp_1source, "0 0 0 11110 0 sz:1 1 000011 10000 Rn:5 Rd:5")
A64_FP("FCVT", fcvt, "0 0 0 11110 ftype:2 1 0001 opc:2 10000 Rn:5 Rd:5")
A64_FP("FRINTN (scalar)", frint, "0 0 0 11110 0 sz:1 1 001000 10000 Rn:5 Rd:5")
A64_FP("FRINTP (scalar)", frint, "0 0 0 11110 0 sz:1 1 001001 10000 Rn:5 Rd:5")
A64_FP("FRINTM (scalar)", frint, "0 0 0 11110 0 sz:1 1 001010 10000 Rn:5 Rd:5")
A64_FP("FRINTZ (scalar)", frint, "0 0 0 11110 0 sz:1 1 001011 10000 Rn:5 Rd:5")
A64_FP("FRINTA (scalar)", frint, "0 0 0 11110 0 sz:1 1 001100 10000 Rn:5 Rd:5")
A64_FP("FRINTX (scalar)", frint, "0 0 0 11110 0 sz:1 1 001110 10000 Rn:5 Rd:5")
A64_FP("FRINTI (scalar)", frint, "0 0 0 11110 0 sz:1 1 001111 10000 Rn:5 Rd:5")

/* Floating-point compare */
A64_FP("FCMP", fcmp, "0 0 0 11110 0 sz:1 1 Rm:5 00 1000 Rn:5 00 000")
A64_FP("FCMP (zero)", fcmp, "0 0 0 11110 0 sz:1 1 xxxxx 00 1000 Rn:5 01 000")
A64_FP("FCMPE", fcmp, "0 0 0 11110 0 sz:1 1 Rm:5 00 1000 Rn:5 10 000")
A64_FP("FCMPE (zero)", fcmp, "0 0 0 11110 0 sz:1 1 xxxxx 00 1000 Rn:5 11 000")

/* Floating-point immediate, conditional compare and conditional select */
A64_FP("FMOV (scalar, immediate)", fmov_imm, "0 0 0 11110 0 sz:1 1 imm8:8 100 00000 Rd:5")
A64_FP("FCCMP", fccmp, "0 0 0 11110 0 sz:1 1 Rm:5 cond:4 01 Rn:5 0 nzcv:4")
A64_FP("FCCMPE", fccmp, "0 0 0 11110 0 sz:1 1 Rm:5 cond:4 01 Rn:5 1 nzcv:4")
A64_FP("FCSEL", fcsel, "0 0 0 11110 0 sz:1 1 Rm:5 cond:4 11 Rn:5 Rd:5")

/* Floating-point data-processing (2 source) */
A64_FP("FMUL (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0000 10 Rn:5 Rd:5")
A64_FP("FDIV (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0001 10 Rn:5 Rd:5")
A64_FP("FADD (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0010 10 Rn:5 Rd:5")
A64_FP("FSUB (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0011 10 Rn:5 Rd:5")
A64_FP("FMAX (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0100 10 Rn:5 Rd:5")
A64_FP("FMIN (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0101 10 Rn:5 Rd:5")
A64_FP("FMAXNM (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0110 10 Rn:5 Rd:5")
A64_FP("FMINNM (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 0111 10 Rn:5 Rd:5")
A64_FP("FNMUL (scalar)", fp_2source, "0 0 0 11110 0 sz:1 1 Rm:5 1000 10 Rn:5 Rd:5")

/* Floating-point data-processing (3 source) */
A64_FP("FMADD", fp_3source, "0 0 0 11111 0 sz:1 0 Rm:5 0 Ra:5 Rn:5 Rd:5")
A64_FP("FMSUB", fp_3source, "0 0 0 11111 0 sz:1 0 Rm:5 1 Ra:5 Rn:5 Rd:5")
A64_FP("FNMADD", fp_3source, "0 0 0 11111 0 sz:1 1 Rm:5 0 Ra:5 Rn:5 Rd:5")
A64_FP("FNMSUB", fp_3source, "0 0 0 11111 0 sz:1 1 Rm:5 1 Ra:5 Rn:5 Rd:5")

/* What later versions of the architecture put in between. */
A64_MISSING("FJCVTZS", "FEAT_JSCVT", "0 0 0 11110 01 1 11 110 000000 Rn:5 Rd:5")
A64_MISSING("BFCVT", "FEAT_BF16", "0 0 0 11110 01 1 000110 10000 Rn:5 Rd:5")
A64_MISSING("FRINT32Z (scalar)", "FEAT_FRINTTS", "0 0 0 11110 0 sz:1 1 010000 10000 Rn:5 Rd:5")
A64_MISSING("FRINT32X (scalar)", "FEAT_FRINTTS", "0 0 0 11110 0 sz:1 1 010001 10000 Rn:5 Rd:5")
A64_MISSING("FRINT64Z (scalar)", "FEAT_FRINTTS", "0 0 0 11110 0 sz:1 1 010010 10000 Rn:5 Rd:5")
A64_MISSING("FRINT64X (scalar)", "FEAT_FRINTTS", "0 0 0 11110 0 sz:1 1 010011 10000 Rn:5 Rd:5")

/* Arithmetic of halves */
A64_MISSING("SCVTF, UCVTF (scalar, fixed-point), half", "FEAT_FP16",
            "sf:1 0 0 11110 11 0 00 01 U:1 scale:6 Rn:5 Rd:5")
A64_MISSING("FCVTZS, FCVTZU (scalar, fixed-point), half", "FEAT_FP16",
            "sf:1 0 0 11110 11 0 11 00 U:1 scale:6 Rn:5 Rd:5")
A64_MISSING("FCVTNS, FCVTNU, FCVTPS, FCVTPU, FCVTMS, FCVTMU, FCVTZS, FCVTZU (scalar), half",
            "FEAT_FP16", "sf:1 0 0 11110 11 1 rmode:2 00 U:1 000000 Rn:5 Rd:5")
A64_MISSING("SCVTF, UCVTF (scalar, integer), half", "FEAT_FP16",
            "sf:1 0 0 11110 11 1 00 01 U:1 000000 Rn:5 Rd:5")
A64_MISSING("FCVTAS, FCVTAU (scalar), half", "FEAT_FP16",
            "sf:1 0 0 11110 11 1 00 10 U:1 000000 Rn:5 Rd:5")
A64_MISSING("FMOV (general), half", "FEAT_FP16",
            "sf:1 0 0 11110 11 1 00 11 x 000000 Rn:5 Rd:5")
A64_MISSING("FMOV (register), FABS, FNEG, FSQRT (scalar), half", "FEAT_FP16",
            "0 0 0 11110 11 1 0000 opc:2 10000 Rn:5 Rd:5")
A64_MISSING("FRINTN, FRINTP, FRINTM, FRINTZ (scalar), half", "FEAT_FP16",
            "0 0 0 11110 11 1 0010 rmode:2 10000 Rn:5 Rd:5")
A64_MISSING("FRINTA (scalar), half", "FEAT_FP16", "0 0 0 11110 11 1 001100 10000 Rn:5 Rd:5")
A64_MISSING("FRINTX, FRINTI (scalar), half", "FEAT_FP16",
            "0 0 0 11110 11 1 00111 x 10000 Rn:5 Rd:5")
A64_MISSING("FCMP, FCMPE, half", "FEAT_FP16", "0 0 0 11110 11 1 Rm:5 00 1000 Rn:5 E:1 Z:1 000")
A64_MISSING("FMOV (scalar, immediate), half", "FEAT_FP16",
            "0 0 0 11110 11 1 imm8:8 100 00000 Rd:5")
A64_MISSING("FCCMP, FCCMPE, half", "FEAT_FP16",
            "0 0 0 11110 11 1 Rm:5 cond:4 01 Rn:5 E:1 nzcv:4")
A64_MISSING("FCSEL, half", "FEAT_FP16", "0 0 0 11110 11 1 Rm:5 cond:4 11 Rn:5 Rd:5")
A64_MISSING("FMUL, FDIV, FADD, FSUB, FMAX, FMIN, FMAXNM, FMINNM (scalar), half",
            "FEAT_FP16", "0 0 0 11110 11 1 Rm:5 0 opcode:3 10 Rn:5 Rd:5")
A64_MISSING("FNMUL (scalar), half", "FEAT_FP16", "0 0 0 11110 11 1 Rm:5 1000 10 Rn:5 Rd:5")
A64_MISSING("FMADD, FMSUB, FNMADD, FNMSUB, half", "FEAT_FP16",
            "0 0 0 11111 11 o1:1 Rm:5 o0:1 Ra:5 Rn:5 Rd:5")
