/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The internal operations, OP(name) each. D, N, M, A are x[rd], x[rn], x[rm],
 * x[ra]. A name with W at its end works on 32 bits and clears the upper half
 * of D; the text is that of the 64-bit one. Flags are set where it says so.
 * Included several times, hence no guard.
 */

/* Moves, sums, logic. */
OP(MOVI) /* D = imm */
OP(MOV)  /* D = N */
OP(MOVW)
OP(ADDI) /* D = N + imm */
OP(ADDIW)
OP(ADDSI) /* D = N + imm, flags */
OP(ADDSIW)
OP(SUBSI) /* D = N - imm, flags */
OP(SUBSIW)
OP(ADD) /* D = N + M */
OP(ADDW)
OP(SUB) /* D = N - M */
OP(SUBW)
OP(ADDS)
OP(ADDSW)
OP(SUBS)
OP(SUBSW)
OP(ADDL) /* D = N + (M << sub) */
OP(ADDLW)
OP(ADC) /* D = N + M + C */
OP(ADCW)
OP(ADCS)
OP(ADCSW)
OP(ANDI) /* D = N & imm; 32 bits: imm's upper half is 0 */
OP(ORRI) /* D = N | imm */
OP(ORRIW)
OP(EORI)
OP(EORIW)
OP(ANDSI) /* flags; C = V = 0 */
OP(ANDSIW)
OP(AND) /* D = N & M */
OP(ANDW)
OP(ORR)
OP(ORRW)
OP(EOR)
OP(EORW)
OP(BIC) /* D = N & ~M; the rest likewise */
OP(BICW)
OP(ORN)
OP(ORNW)
OP(EON)
OP(EONW)
OP(ANDS)
OP(ANDSW)
OP(BICS)
OP(BICSW)

/* Shifts and bit fields. Amounts are less than the size. */
OP(LSLI) /* D = N << sub */
OP(LSLIW)
OP(LSRI)
OP(LSRIW)
OP(ASRI)
OP(ASRIW)
OP(RORI)
OP(RORIW)
OP(LSLV) /* D = N << (M mod size) */
OP(LSLVW)
OP(LSRV)
OP(LSRVW)
OP(ASRV)
OP(ASRVW)
OP(RORV)
OP(RORVW)
OP(UBFM) /* D = ror(N, sub) & imm */
OP(UBFMW)
OP(SBFM) /* D = signed (N << ra) >> rm; ra and rm are amounts */
OP(SBFMW)
OP(BFM) /* D = (D & ~imm) | (ror(N, sub) & imm) */
OP(BFMW)
OP(EXTR) /* D = low half of N:M >> sub; sub > 0 */
OP(EXTRW)
OP(UXTW_LSL) /* D = (32 bits of N) << sub, of 64 bits */
OP(SXTW_LSL)

/* Products and quotients. */
OP(MADD) /* D = A + N * M */
OP(MADDW)
OP(MSUB) /* D = A - N * M */
OP(MSUBW)
OP(SMADDL) /* D = A + N * M, of the lower halves */
OP(UMADDL)
OP(SMSUBL)
OP(UMSUBL)
OP(SMULH)
OP(UMULH)
OP(UDIV)
OP(UDIVW)
OP(SDIV)
OP(SDIVW)

/* One operand. */
OP(CLZ)
OP(CLZW)
OP(CLS)
OP(CLSW)
OP(RBIT)
OP(RBITW)
OP(REV)
OP(REV32) /* the bytes of each word */
OP(REV16)
OP(REVW)
OP(REV16W)

/* By condition; sub's lower 4 bits are an Arm condition code. */
OP(CSEL) /* D = cond ? N : M */
OP(CSELW)
OP(CSINC) /* D = cond ? N : M + 1 */
OP(CSINCW)
OP(CSINV) /* ~M */
OP(CSINVW)
OP(CSNEG) /* -M */
OP(CSNEGW)
OP(CCMP) /* flags = cond ? those of N - M : sub bits 7:4 */
OP(CCMPW)
OP(CCMN) /* of N + M */
OP(CCMNW)
OP(CCMPI) /* of N - imm */
OP(CCMPIW)
OP(CCMNI)
OP(CCMNIW)

/*
 * Loads and stores of a general register D at N + imm; at N + (M << sub) where
 * the name ends in X. A fault leaves the block and changes no register.
 */
OP(LDR8)
OP(LDR16)
OP(LDR32)
OP(LDR64)
OP(LDRS8) /* sign-extended to 64 bits */
OP(LDRS16)
OP(LDRS32)
OP(LDRS8W) /* to 32 bits */
OP(LDRS16W)
OP(STR8)
OP(STR16)
OP(STR32)
OP(STR64)
OP(LDR8X)
OP(LDR16X)
OP(LDR32X)
OP(LDR64X)
OP(LDRS8X)
OP(LDRS16X)
OP(LDRS32X)
OP(LDRS8WX)
OP(LDRS16WX)
OP(STR8X)
OP(STR16X)
OP(STR32X)
OP(STR64X)
OP(LDP64) /* D, A */
OP(LDP32)
OP(LDPSW)
OP(STP64)
OP(STP32)

/* Anything else: calls the OpFn at imm. */
OP(CALL)
OP(CALLD)   /* as CALL; the next operation is its DATUM */
OP(DATUM)   /* is never run; imm is what CALLD is about */
OP(FPCHECK) /* leaves by an exception unless FP and SIMD may be used */
OP(SPCHECK) /* leaves by an exception if SP is checked and not aligned */

/*
 * The end of a block, one of these. Branches go to imm; those that do not, and
 * END, go to the instruction that follows the block.
 */
OP(END)
OP(LEAVE) /* as END, by way of the outer loop: the CPU's state has changed */
OP(B)
OP(BL)
OP(BR) /* to N */
OP(BLR)
OP(B_EQ)
OP(B_NE)
OP(B_CS)
OP(B_CC)
OP(B_MI)
OP(B_PL)
OP(B_VS)
OP(B_VC)
OP(B_HI)
OP(B_LS)
OP(B_GE)
OP(B_LT)
OP(B_GT)
OP(B_LE)
OP(CBZ) /* N == 0 */
OP(CBZW)
OP(CBNZ)
OP(CBNZW)
OP(TBZ) /* bit sub of N */
OP(TBNZ)
