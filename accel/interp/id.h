/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the CPU says of itself, and the bits of control registers that it has.
 * Arm ARM, D19.2.
 */

/* No implementer's: 0 is reserved for software. */
#define MIDR 0x000f5040

/* EL0, EL1 in AArch64; FP and AdvSIMD without FP16; CSV2, CSV3. */
#define PFR0 0x1100000000000011
#define PFR0_GIC (1 << 24)
/* Self-hosted debug of v8.0: 6 breakpoints, 4 watchpoints, 2 by context. */
#define DFR0 0x10305006
/* CRC32, and LSE's atomics. */
#define ISAR0 0x00210000
/* ASIDs of 16 bits; granules of 4K, 16K, 64K. PARange is the machine's. */
#define MMFR0 0x00100020
/* PAN. */
#define MMFR1 0x00100000

/* Lines of 64 bytes, PIPT; data need no cleaning to be fetched (IDC). */
#define CTR 0x9444c004
/* DC ZVA of 64 bytes. */
#define DCZID 4
#define DCZ_SIZE 64

/* What can be written; C and I, since software looks for them. */
#define SCTLR_MASK 0x048dd21f
#define SCTLR_RES1 0x30500800

#define CPACR_FPEN (3u << 20)
#define CPACR_FPEN_EL1 (1u << 20) /* not at EL0 */
#define FP_TRAP_ISS (0x1eu << 20) /* CV, COND: always */
#define OSLSR_OSLK (1u << 1)
#define MDSCR_SS (1u << 0)
#define WFX_ISS (1u << 24 | 0xeu << 20) /* CV, COND: always; WFI */

/* Of fp.h's bits. */
#define FPCR_MASK (FPCR_AHP | FPCR_DN | FPCR_FZ | FPCR_RMODE)
#define FPSR_MASK \
    (FPSR_QC | FPSR_IDC | FPSR_IXC | FPSR_UFC | FPSR_OFC | FPSR_DZC | FPSR_IOC)
