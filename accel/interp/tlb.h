/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/mmu-walk.h"
#include "cpu.h"
#include "mem.h"

/*
 * The software TLB: a direct-mapped table for each of the MmuIdx, of 4 KiB
 * pages whatever the granule; what is not for the fast path is in TlbState.
 * There is one of them for each of the ASIDs used last. Each flush also begins
 * a new epoch (InterpCpu.epoch) for the half of the address space that it
 * concerns, so that chained blocks are looked up again. The vCPU's own thread,
 * or parked.
 */
void tlb_flush_all(InterpCpu *cpu);
/** The page at @va; of a block entry of the tables, the whole of it. */
void tlb_flush_va(InterpCpu *cpu, uint64_t va);
/** What is of this ASID. */
void tlb_flush_asid(InterpCpu *cpu, unsigned asid);
/**
 * After a write to TTBR0_EL1 or TTBR1_EL1, which may have changed the ASID. A
 * change of address alone has no effect on what is in the TLB.
 */
void tlb_asid_changed(InterpCpu *cpu);
/** New epochs for all there is: blocks have changed, not translations. */
void tlb_begin_epochs(InterpCpu *cpu);
/** Writes to this page of host memory take the slow path from now on. */
void tlb_protect_code(InterpCpu *cpu, const void *host_page);

/**
 * The translation of @va's page for @idx, walked if need be, whatever its
 * permissions: those for @access are those of the tables if they are not
 * granted. Puts the page in the table for the fast path, too. NULL: *@fault is
 * the fault status. Valid until the guest is left or the TLB flushed.
 */
const TlbPage *tlb_lookup(InterpCpu *cpu, MmuIdx idx, uint64_t va,
                          MemAccess access, unsigned *fault);

/** For mmu_walk(): the registers as they are. */
MmuRegs tlb_regs(const InterpCpu *cpu);
/** Reads a descriptor for mmu_walk(); @opaque is the RamMap. */
bool tlb_read_descriptor(void *opaque, hwaddr pa, uint64_t *desc);
