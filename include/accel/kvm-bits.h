/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What the KVM accelerator computes without asking the kernel: no system call
 * and no kernel header, so that it is tested on any host.
 */

/** Part of guest memory that a KVM slot can hold: whole pages on both sides. */
typedef struct KvmRange {
    uint64_t gpa;
    uint64_t size;
    uint64_t host;
} KvmRange;

/**
 * The largest range of whole pages within @size bytes at guest address @gpa,
 * backed by host address @host. False if there is none, or if the offset
 * within a page differs on the two sides. @page is a power of two.
 */
bool kvm_range_of_pages(uint64_t gpa, uint64_t size, uint64_t host,
                        uint64_t page, KvmRange *range);

/** Bits that an address needs for everything below @end to have one. */
unsigned kvm_address_bits(uint64_t end);

/** MPIDR affinity that KVM gives vCPU @index: 16 to an Aff1, 256 of those. */
uint32_t kvm_vcpu_affinity(unsigned index);

/** KvmDebugReg: a debug register pair, DBGBVR and DBGBCR or DBGWVR, DBGWCR. */
typedef struct KvmDebugReg {
    uint64_t value;
    uint64_t control;
} KvmDebugReg;

/** A breakpoint at @addr, at EL0 and EL1. */
KvmDebugReg kvm_break_reg(uint64_t addr);
/**
 * A watchpoint on @size bytes at @addr. False: one register cannot look at
 * just these, which are to be within an aligned 8, or a power of two, aligned.
 */
bool kvm_watch_reg(uint64_t addr, uint64_t size, bool read, bool write,
                   KvmDebugReg *reg);

/** Offset of the GICD_ICFGR register that has @intid. */
uint32_t kvm_icfgr_offset(unsigned intid);
/** @icfgr with the field of @intid changed to edge or level. */
uint32_t kvm_icfgr_with(uint32_t icfgr, unsigned intid, bool edge);

/** Register spaces of the in-kernel controllers (Linux, arm-vgic*.rst). */
typedef enum KvmGicSpace {
    KVM_GIC_DIST,   /* GICD_*; on GICv2 banked by CPU below INTID 32 */
    KVM_GIC_REDIST, /* GICR_*, GICv3 */
    KVM_GIC_CPU,    /* GICC_* offset, or the encoding of an ICC_*_EL1 */
} KvmGicSpace;

typedef struct KvmGicShape {
    bool v3;
    unsigned num_cpus;
    unsigned num_irqs;      /* SGIs, PPIs and SPIs; a multiple of 32 */
    unsigned priority_bits; /* GICv3: of the CPU interface */
} KvmGicShape;

typedef struct KvmGicWrite {
    KvmGicSpace space;
    unsigned cpu;
    uint32_t reg;
    uint32_t keep; /* bits whose value stays; the rest becomes @value */
    uint32_t value;
} KvmGicWrite;

/** Makes one write; false ends the whole. */
typedef bool (*KvmGicWriteFn)(void *opaque, const KvmGicWrite *write);

/**
 * The writes that bring an in-kernel controller that has run back to its first
 * state, but with every SPI level. Line levels are not its registers' and stay
 * on GICv2. False if @fn gave up.
 */
bool kvm_gic_reset_writes(const KvmGicShape *shape, KvmGicWriteFn fn,
                          void *opaque);
/** Only the part that makes every SPI level: KVM's come up edge. */
bool kvm_gic_level_writes(const KvmGicShape *shape, KvmGicWriteFn fn,
                          void *opaque);

/** KVM_GIC_CPU register of GICv3 that has the priority bits. */
#define KVM_GIC_ICC_CTLR 0xc664
unsigned kvm_gic_priority_bits(uint32_t icc_ctlr);
