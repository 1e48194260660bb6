/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/sysbus.h"

/*
 * What a software interrupt controller and the CPUs of an accelerator know of
 * each other. The controllers are devices (hw/intc/) of a type derived from
 * this one; an accelerator without a controller of its own creates one by the
 * type's name, tells it the CPUs, realizes it and maps its regions: 0 is the
 * distributor, 1 the CPU interface (GICv2) or the redistributors (GICv3).
 * GPIO input i is SPI i (INTID 32 + i).
 */
#define TYPE_SOFT_GIC "soft-gic"
OBJECT_DECLARE_TYPE(SoftGic, SoftGicClass, SOFT_GIC)

#define TYPE_SOFT_GICV2 "arm-gicv2"
#define TYPE_SOFT_GICV3 "arm-gicv3"
#define SOFT_GIC_MAX_CPUS 8

/** SoftGicCpuOps: the interrupt inputs of the CPUs. */
typedef struct SoftGicCpuOps {
    /*
     * Input IRQ of CPU @cpu changes to @level. Any thread, with the
     * controller's lock held: may take leaf locks only and never call back.
     */
    void (*set_irq)(void *opaque, unsigned cpu, bool level);
    void (*set_fiq)(void *opaque, unsigned cpu, bool level);
} SoftGicCpuOps;

/**
 * The CPU on whose behalf the calling thread accesses memory: GICv2 has
 * registers of which each CPU has its own at the same address. A vCPU's thread
 * sets it once, before its first access; any other thread counts as CPU 0.
 */
unsigned soft_gic_current_cpu(void);
void soft_gic_set_current_cpu(unsigned cpu);

/** The encoding of a system register, as in MRS and MSR. */
#define SYSREG(op0, op1, crn, crm, op2) \
    ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

struct SoftGicClass {
    SysBusDeviceClass parent_class;
    /*
     * Level of private interrupt @intid (16 to 31) of CPU @cpu: the timers'.
     * Any thread, without the machine lock if need be. A reset of the machine
     * leaves these levels alone: whoever drives them is reset too.
     */
    void (*set_ppi)(SoftGic *gic, unsigned cpu, unsigned intid, bool level);
    /*
     * GICv3 only (else NULL): CPU @cpu, at EL1, reads or writes system
     * register @reg (SYSREG()), one of ICC_*. False: the access is UNDEFINED.
     * The CPU's own thread, without the machine lock.
     */
    bool (*sysreg)(SoftGic *gic, unsigned cpu, uint32_t reg, uint64_t *value,
                   bool is_write);
};

struct SoftGic {
    SysBusDevice parent_obj;
    /* Set before realize, which refuses what the architecture has not. */
    uint32_t num_cpus;            /* property */
    uint32_t num_spis;            /* property; a multiple of 32 */
    const SoftGicCpuOps *cpu_ops; /* mandatory; stays the caller's */
    void *cpu_opaque;
};

/** Affinity of CPU @cpu, as MPIDR_EL1 and GICR_TYPER show it. */
static inline uint32_t soft_gic_affinity(unsigned cpu)
{
    return (cpu & 15) | (cpu >> 4) << 8;
}
