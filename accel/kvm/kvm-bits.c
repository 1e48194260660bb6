/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arithmetic of the KVM accelerator, and what a reset of the in-kernel
 * interrupt controller writes. KVM has no operation for that reset. Three of
 * its answers to user space differ from what a guest would see: GICv3 ignores
 * ICPENDR, where a write to ISPENDR clears the bits that are zero instead;
 * SGIs come up enabled; and GICv2 ignores IGROUPR, which a guest can write,
 * until user space has shown by a write to IIDR that it knows of groups.
 * Values are those of a fresh controller of Linux 6.12, but for ICFGR:
 * software expects level, as a GIC's registers come up.
 */

#include <stddef.h>

#include "accel/kvm-bits.h"

#define GIC_PRIVATE_IRQS 32

#define GICD_CTLR 0x0000
#define GICD_IIDR 0x0008
#define GICD_IGROUPR 0x0080
#define GICD_ISENABLER 0x0100
#define GICD_ICENABLER 0x0180
#define GICD_ISPENDR 0x0200
#define GICD_ICPENDR 0x0280
#define GICD_ICACTIVER 0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR 0x0800
#define GICD_ICFGR 0x0c00
#define GICD_IROUTER 0x6000

#define GICR_SGI_FRAME 0x10000

#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_BPR 0x08
#define GICC_ABPR 0x1c
#define GICC_APR0 0xd0

#define ICC(crn, crm, op2) (3 << 14 | (crn) << 7 | (crm) << 3 | (op2))
#define ICC_PMR ICC(4, 6, 0)
#define ICC_BPR0 ICC(12, 8, 3)
#define ICC_AP0R(n) ICC(12, 8, 4 + (n))
#define ICC_AP1R(n) ICC(12, 9, (n))
#define ICC_BPR1 ICC(12, 12, 3)
#define ICC_CTLR ICC(12, 12, 4)
#define ICC_IGRPEN0 ICC(12, 12, 6)
#define ICC_IGRPEN1 ICC(12, 12, 7)
#define ICC_CTLR_CBPR (1u << 0)
#define ICC_CTLR_EOIMODE (1u << 1)

bool kvm_range_of_pages(uint64_t gpa, uint64_t size, uint64_t host,
                        uint64_t page, KvmRange *range)
{
    uint64_t skip = -gpa & (page - 1);

    if (((gpa ^ host) & (page - 1)) || size < skip) {
        return false;
    }
    *range = (KvmRange){
        .gpa = gpa + skip,
        .size = (size - skip) & ~(page - 1),
        .host = host + skip,
    };
    return range->size > 0;
}

unsigned kvm_address_bits(uint64_t end)
{
    return end > 1 ? 64 - __builtin_clzll(end - 1) : 0;
}

uint32_t kvm_vcpu_affinity(unsigned index)
{
    return (index & 0xf) | (index >> 4 & 0xff) << 8 |
           (index >> 12 & 0xff) << 16;
}

/* Of both kinds: E, and both exception levels. */
#define DBG_ENABLE (1u << 0 | 3u << 1)
#define DBGWCR_LSC_LOAD (1u << 3)
#define DBGWCR_LSC_STORE (1u << 4)
#define DBG_BAS 5
#define DBGWCR_MASK 24
#define DBGWCR_MASK_MAX 31

KvmDebugReg kvm_break_reg(uint64_t addr)
{
    return (KvmDebugReg){
        .value = addr & ~3ull,
        .control = DBG_ENABLE | 0xf << DBG_BAS,
    };
}

bool kvm_watch_reg(uint64_t addr, uint64_t size, bool read, bool write,
                   KvmDebugReg *reg)
{
    unsigned offset = addr & 7;

    reg->value = addr & ~7ull;
    reg->control = DBG_ENABLE | (read ? DBGWCR_LSC_LOAD : 0) |
                   (write ? DBGWCR_LSC_STORE : 0);
    if (size > 0 && size <= 8 - offset) {
        reg->control |= ((1ull << size) - 1) << (DBG_BAS + offset);
        return true;
    }
    if (size <= 8 || size > 1ull << DBGWCR_MASK_MAX || size & (size - 1) ||
        addr & (size - 1)) {
        return false;
    }
    reg->control |= 0xff << DBG_BAS | (uint64_t)__builtin_ctzll(size)
                                          << DBGWCR_MASK;
    return true;
}

uint32_t kvm_icfgr_offset(unsigned intid)
{
    return GICD_ICFGR + intid / 16 * 4;
}

uint32_t kvm_icfgr_with(uint32_t icfgr, unsigned intid, bool edge)
{
    uint32_t bit = 2u << intid % 16 * 2;

    return edge ? icfgr | bit : icfgr & ~bit;
}

unsigned kvm_gic_priority_bits(uint32_t icc_ctlr)
{
    return (icc_ctlr >> 8 & 7) + 1;
}

enum { V2 = 1, V3 = 2 };

/* A register array of the distributor, as far as it serves SPIs. */
typedef struct SpiRegs {
    uint32_t reg;
    unsigned bits;   /* an interrupt */
    unsigned stride; /* bytes from one write to the next */
    uint32_t value;
    unsigned versions;
} SpiRegs;

static const SpiRegs level_regs = {GICD_ICFGR, 2, 4, 0, V2 | V3};

static const SpiRegs spi_regs[] = {
    {GICD_ICENABLER, 1, 4, 0xffffffff, V2 | V3},
    {GICD_ICPENDR, 1, 4, 0xffffffff, V2},
    {GICD_ISPENDR, 1, 4, 0, V3},
    {GICD_ICACTIVER, 1, 4, 0xffffffff, V2 | V3},
    {GICD_IPRIORITYR, 8, 4, 0, V2 | V3},
    {GICD_ITARGETSR, 8, 4, 0, V2},
    {GICD_IGROUPR, 1, 4, 0, V2},
    {GICD_IGROUPR, 1, 4, 0xffffffff, V3},
    {GICD_IROUTER, 64, 8, 0, V3},
};

/* A register of each CPU. */
typedef struct CpuReg {
    uint32_t reg;
    uint32_t value;
    uint32_t keep;
} CpuReg;

static const CpuReg private_regs_v2[] = {
    {GICD_IGROUPR},
    {GICD_ICENABLER, 0xffff0000},
    {GICD_ISENABLER, 0x0000ffff},
    {GICD_ICPENDR, 0xffffffff},
    {GICD_ICACTIVER, 0xffffffff},
    {GICD_IPRIORITYR + 0x00},
    {GICD_IPRIORITYR + 0x04},
    {GICD_IPRIORITYR + 0x08},
    {GICD_IPRIORITYR + 0x0c},
    {GICD_IPRIORITYR + 0x10},
    {GICD_IPRIORITYR + 0x14},
    {GICD_IPRIORITYR + 0x18},
    {GICD_IPRIORITYR + 0x1c},
};

static const CpuReg private_regs_v3[] = {
    {GICR_SGI_FRAME + GICD_ICENABLER, 0xffff0000},
    {GICR_SGI_FRAME + GICD_ISENABLER, 0x0000ffff},
    {GICR_SGI_FRAME + GICD_ISPENDR, 0},
    {GICR_SGI_FRAME + GICD_ICACTIVER, 0xffffffff},
    {GICR_SGI_FRAME + GICD_IGROUPR, 0xffffffff},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x00},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x04},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x08},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x0c},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x10},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x14},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x18},
    {GICR_SGI_FRAME + GICD_IPRIORITYR + 0x1c},
};

static const CpuReg cpu_regs_v2[] = {
    {GICC_CTLR}, {GICC_PMR}, {GICC_BPR}, {GICC_ABPR}, {GICC_APR0},
};

/* CTLR first: with CBPR set, BPR1 would not take a value of its own. */
static const CpuReg cpu_regs_v3[] = {
    {ICC_CTLR, 0, ~(ICC_CTLR_CBPR | ICC_CTLR_EOIMODE)},
    {ICC_IGRPEN0},
    {ICC_IGRPEN1},
    {ICC_PMR},
    {ICC_BPR0},
    {ICC_BPR1},
};

static bool write_spis(const KvmGicShape *shape, const SpiRegs *regs,
                       KvmGicWriteFn fn, void *opaque)
{
    uint32_t start = regs->reg + GIC_PRIVATE_IRQS * regs->bits / 8;
    uint32_t end = regs->reg + shape->num_irqs * regs->bits / 8;

    if (!(regs->versions & (shape->v3 ? V3 : V2))) {
        return true;
    }
    for (uint32_t reg = start; reg < end; reg += regs->stride) {
        KvmGicWrite w = {KVM_GIC_DIST, 0, reg, 0, regs->value};

        if (!fn(opaque, &w)) {
            return false;
        }
    }
    return true;
}

static bool write_cpu(KvmGicSpace space, unsigned cpu, const CpuReg *regs,
                      size_t n, KvmGicWriteFn fn, void *opaque)
{
    for (size_t i = 0; i < n; i++) {
        KvmGicWrite w = {space, cpu, regs[i].reg, regs[i].keep, regs[i].value};

        if (!fn(opaque, &w)) {
            return false;
        }
    }
    return true;
}

#define WRITE_CPU(space, cpu, regs) \
    write_cpu(space, cpu, regs, sizeof(regs) / sizeof((regs)[0]), fn, opaque)

/* Five bits of priority make 32 bits of active priorities, six twice that. */
static bool write_active_priorities(const KvmGicShape *shape, unsigned cpu,
                                    KvmGicWriteFn fn, void *opaque)
{
    unsigned n =
        shape->priority_bits > 5 ? 1u << (shape->priority_bits - 5) : 1;

    for (unsigned i = 0; i < n; i++) {
        const CpuReg regs[] = {{ICC_AP0R(i)}, {ICC_AP1R(i)}};

        if (!WRITE_CPU(KVM_GIC_CPU, cpu, regs)) {
            return false;
        }
    }
    return true;
}

static bool reset_cpu(const KvmGicShape *shape, unsigned cpu, KvmGicWriteFn fn,
                      void *opaque)
{
    if (shape->v3) {
        return WRITE_CPU(KVM_GIC_REDIST, cpu, private_regs_v3) &&
               WRITE_CPU(KVM_GIC_CPU, cpu, cpu_regs_v3) &&
               write_active_priorities(shape, cpu, fn, opaque);
    }
    return WRITE_CPU(KVM_GIC_DIST, cpu, private_regs_v2) &&
           WRITE_CPU(KVM_GIC_CPU, cpu, cpu_regs_v2);
}

bool kvm_gic_level_writes(const KvmGicShape *shape, KvmGicWriteFn fn,
                          void *opaque)
{
    return write_spis(shape, &level_regs, fn, opaque);
}

bool kvm_gic_reset_writes(const KvmGicShape *shape, KvmGicWriteFn fn,
                          void *opaque)
{
    const KvmGicWrite off = {KVM_GIC_DIST, 0, GICD_CTLR, 0, 0};
    const KvmGicWrite groups = {KVM_GIC_DIST, 0, GICD_IIDR, UINT32_MAX, 0};

    if (!fn(opaque, &off) || (!shape->v3 && !fn(opaque, &groups)) ||
        !kvm_gic_level_writes(shape, fn, opaque)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(spi_regs) / sizeof(spi_regs[0]); i++) {
        if (!write_spis(shape, &spi_regs[i], fn, opaque)) {
            return false;
        }
    }
    for (unsigned cpu = 0; cpu < shape->num_cpus; cpu++) {
        if (!reset_cpu(shape, cpu, fn, opaque)) {
            return false;
        }
    }
    return true;
}
