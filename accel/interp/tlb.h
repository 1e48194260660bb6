/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/*
 * The software TLB: a direct-mapped table for each of the MmuIdx, of 4 KiB
 * pages whatever the granule. It holds entries of one ASID only: a change of
 * ASID drops those of the lower half of the address space. Each flush also
 * begins a new epoch (InterpCpu.epoch) for the half that it concerns, so that
 * chained blocks are looked up again. The vCPU's own thread, or parked.
 */
void tlb_flush_all(InterpCpu *cpu);
/** Addresses below 2^63: what TTBR0_EL1 translates. */
void tlb_flush_low(InterpCpu *cpu);
/** The page at @va; of a block entry of the tables, the whole of it. */
void tlb_flush_va(InterpCpu *cpu, uint64_t va);
/** Writes to this page of host memory take the slow path from now on. */
void tlb_protect_code(InterpCpu *cpu, const void *host_page);
