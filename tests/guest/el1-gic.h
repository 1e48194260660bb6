/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controller of either version, a function for each of its
 * registers that the payloads el1-*.c look at. INTIDs below 32 are this CPU's.
 * GICv2 uses group 0 and GICv3 group 1, where nothing else is said.
 */
#ifndef EL1_GIC_H
#define EL1_GIC_H

#include "el1.h"

#define GICD_BASE 0x08000000UL
#define GICC_BASE 0x08010000UL
#define GICR_BASE 0x080a0000UL

enum {
    GIC_IGROUPR = 0x080,
    GIC_ISENABLER = 0x100,
    GIC_ICENABLER = 0x180,
    GIC_ISPENDR = 0x200,
    GIC_ICPENDR = 0x280,
    GIC_ISACTIVER = 0x300,
    GIC_ICACTIVER = 0x380,
    GIC_IPRIORITYR = 0x400,
    GIC_ITARGETSR = 0x800,
    GIC_ICFGR = 0xc00,
    GIC_SGIR = 0xf00,
    GIC_IROUTER = 0x6000,
};

#define GIC_SPURIOUS 1023u

/* The distributor, or this CPU's part of it. */
static inline uint64_t gic_frame(unsigned intid)
{
    return gic_version == 2 || intid >= 32
               ? GICD_BASE
               : GICR_BASE + this_cpu() * 0x20000 + 0x10000;
}

/* Registers of a bit each: writes 1, reads. */
static inline void gic_set(unsigned reg, unsigned intid)
{
    write32(gic_frame(intid) + reg + intid / 32 * 4, 1u << intid % 32);
}

static inline unsigned gic_get(unsigned reg, unsigned intid)
{
    return read32(gic_frame(intid) + reg + intid / 32 * 4) >> intid % 32 & 1;
}

static inline void gic_priority(unsigned intid, unsigned priority)
{
    *(volatile uint8_t *)(gic_frame(intid) + GIC_IPRIORITYR + intid) = priority;
}

static inline void gic_edge(unsigned intid, bool edge)
{
    uint64_t reg = gic_frame(intid) + GIC_ICFGR + intid / 16 * 4;
    uint32_t bit = 2u << intid % 16 * 2;

    write32(reg, edge ? read32(reg) | bit : read32(reg) & ~bit);
}

/* Which CPU an SPI goes to. */
static inline void gic_route(unsigned intid, unsigned cpu)
{
    if (gic_version == 2) {
        *(volatile uint8_t *)(GICD_BASE + GIC_ITARGETSR + intid) = 1u << cpu;
    } else {
        write64(GICD_BASE + GIC_IROUTER + intid * 8, cpu);
    }
}

static inline void gic_sgi(unsigned intid, unsigned cpus)
{
    if (gic_version == 2) {
        write32(GICD_BASE + GIC_SGIR, cpus << 16 | intid);
    } else {
        SYSREG_WRITE(S3_0_C12_C11_5, (uint64_t)intid << 24 | cpus);
    }
}

#define GIC_CPU_REG(name, offset, icc)                       \
    static inline uint64_t gic_read_##name(void)             \
    {                                                        \
        return gic_version == 2 ? read32(GICC_BASE + offset) \
                                : SYSREG_READ(icc);          \
    }

#define GIC_CPU_REG_WRITE(name, offset, icc)              \
    static inline void gic_write_##name(uint64_t value)   \
    {                                                     \
        if (gic_version == 2) {                           \
            write32(GICC_BASE + offset, (uint32_t)value); \
        } else {                                          \
            SYSREG_WRITE(icc, value);                     \
        }                                                 \
    }

GIC_CPU_REG(pmr, 0x04, S3_0_C4_C6_0)
GIC_CPU_REG_WRITE(pmr, 0x04, S3_0_C4_C6_0)
GIC_CPU_REG(bpr, 0x08, S3_0_C12_C12_3)
GIC_CPU_REG_WRITE(bpr, 0x08, S3_0_C12_C12_3)
GIC_CPU_REG(iar, 0x0c, S3_0_C12_C12_0)
GIC_CPU_REG_WRITE(eoir, 0x10, S3_0_C12_C12_1)
GIC_CPU_REG_WRITE(dir, 0x1000, S3_0_C12_C11_1)
GIC_CPU_REG(rpr, 0x14, S3_0_C12_C11_3)
GIC_CPU_REG(hppir, 0x18, S3_0_C12_C12_2)

#endif
