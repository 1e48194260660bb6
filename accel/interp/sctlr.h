/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Bits of SCTLR_EL1 that are in effect here. */
#define SCTLR_M (1u << 0)   /* MMU */
#define SCTLR_A (1u << 1)   /* every access is to be aligned */
#define SCTLR_C (1u << 2)   /* data cache */
#define SCTLR_SA (1u << 3)  /* SP is to be aligned at EL1 */
#define SCTLR_SA0 (1u << 4) /* and at EL0 */
#define SCTLR_SED (1u << 8)
#define SCTLR_UMA (1u << 9)   /* DAIF at EL0 */
#define SCTLR_I (1u << 12)    /* instruction cache */
#define SCTLR_DZE (1u << 14)  /* DC ZVA at EL0 */
#define SCTLR_UCT (1u << 15)  /* CTR_EL0 at EL0 */
#define SCTLR_NTWI (1u << 16) /* WFI at EL0 is not trapped */
#define SCTLR_NTWE (1u << 18) /* WFE */
#define SCTLR_WXN (1u << 19)  /* what may be written is not executed */
#define SCTLR_SPAN (1u << 23) /* PAN is left alone by exceptions */
#define SCTLR_UCI (1u << 26)  /* cache maintenance at EL0 */
