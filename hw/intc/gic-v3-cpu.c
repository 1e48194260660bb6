/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3's CPU interface, the system registers ICC_*_EL1 (Arm IHI 0069, chapter
 * on the AArch64 system registers): five bits of priority, 16 of INTID, one
 * security state, no way back to the memory-mapped interface. Group 0 is FIQ
 * and group 1 IRQ. Called by the vCPUs' threads, without the machine lock.
 */

#include "gic-v3.h"

#define ICC_PMR SYSREG(3, 0, 4, 6, 0)
#define ICC_IAR0 SYSREG(3, 0, 12, 8, 0)
#define ICC_EOIR0 SYSREG(3, 0, 12, 8, 1)
#define ICC_HPPIR0 SYSREG(3, 0, 12, 8, 2)
#define ICC_BPR0 SYSREG(3, 0, 12, 8, 3)
#define ICC_AP0R0 SYSREG(3, 0, 12, 8, 4)
#define ICC_AP1R0 SYSREG(3, 0, 12, 9, 0)
#define ICC_DIR SYSREG(3, 0, 12, 11, 1)
#define ICC_RPR SYSREG(3, 0, 12, 11, 3)
#define ICC_SGI1R SYSREG(3, 0, 12, 11, 5)
#define ICC_ASGI1R SYSREG(3, 0, 12, 11, 6)
#define ICC_SGI0R SYSREG(3, 0, 12, 11, 7)
#define ICC_IAR1 SYSREG(3, 0, 12, 12, 0)
#define ICC_EOIR1 SYSREG(3, 0, 12, 12, 1)
#define ICC_HPPIR1 SYSREG(3, 0, 12, 12, 2)
#define ICC_BPR1 SYSREG(3, 0, 12, 12, 3)
#define ICC_CTLR SYSREG(3, 0, 12, 12, 4)
#define ICC_SRE SYSREG(3, 0, 12, 12, 5)
#define ICC_IGRPEN0 SYSREG(3, 0, 12, 12, 6)
#define ICC_IGRPEN1 SYSREG(3, 0, 12, 12, 7)

#define CTLR_CBPR (1 << 0)
#define CTLR_EOIMODE (1 << 1)
#define CTLR_PRI_BITS ((GIC_PRIORITY_BITS - 1) << 8)
#define SRE_VALUE 7 /* system registers, neither IRQ nor FIQ bypassed */
#define INTID_MASK 0xffffff
#define SGIR_IRM (1ull << 40)

/* The affinities 3 to 1 of ICC_SGI*R, where GICR_TYPER has them. */
static uint32_t sgi_cluster(uint64_t value)
{
    return (value >> 48 & 0xff) << 24 | (value >> 32 & 0xff) << 16 |
           (value >> 16 & 0xff) << 8;
}

/*
 * With one security state ICC_SGI1R sends an SGI of either group, and the other
 * two registers send those of group 0 only, as each target has it configured.
 */
static void send_sgi(GicCore *gic, unsigned cpu, unsigned groups,
                     uint64_t value)
{
    unsigned intid = value >> 24 & 15;
    unsigned targets = 0;

    for (unsigned i = 0; i < gic->parent_obj.num_cpus; i++) {
        uint32_t affinity = soft_gic_affinity(i);
        bool named = value & SGIR_IRM
                         ? i != cpu
                         : sgi_cluster(value) == (affinity & ~0xffu) &&
                               value >> (affinity & 15) & 1;
        unsigned group = gic->cpus[i].priv.group1 >> intid & 1;

        targets |= named && groups >> group & 1 ? 1u << i : 0;
    }
    gic_send_sgi(gic, cpu, intid, targets);
}

static unsigned acknowledge(GicCore *gic, unsigned cpu, unsigned group)
{
    if (gic_can_signal(gic, cpu) && gic->cpus[cpu].pick.group == group) {
        return gic_acknowledge(gic, cpu, NULL);
    }
    return GIC_INTID_NONE;
}

static unsigned highest_pending(const GicCpu *c, unsigned group)
{
    return c->pick.group == group ? c->pick.intid : GIC_INTID_NONE;
}

static bool read_register(GicCore *gic, unsigned cpu, uint32_t reg,
                          uint64_t *value)
{
    const GicCpu *c = &gic->cpus[cpu];

    switch (reg) {
    case ICC_PMR:
        *value = c->pmr;
        break;
    case ICC_IAR0:
    case ICC_IAR1:
        *value = acknowledge(gic, cpu, reg == ICC_IAR1);
        break;
    case ICC_HPPIR0:
    case ICC_HPPIR1:
        *value = highest_pending(c, reg == ICC_HPPIR1);
        break;
    case ICC_BPR0:
    case ICC_BPR1:
        *value = gic_read_bpr(c, reg == ICC_BPR1);
        break;
    case ICC_AP0R0:
    case ICC_AP1R0:
        *value = c->apr[reg == ICC_AP1R0];
        break;
    case ICC_RPR:
        *value = gic_running_priority(gic, cpu);
        break;
    case ICC_CTLR:
        *value = CTLR_PRI_BITS | (c->split_eoi ? CTLR_EOIMODE : 0) |
                 (c->cbpr ? CTLR_CBPR : 0);
        break;
    case ICC_SRE:
        *value = SRE_VALUE;
        break;
    case ICC_IGRPEN0:
    case ICC_IGRPEN1:
        *value = c->groups >> (reg == ICC_IGRPEN1) & 1;
        break;
    default:
        return false;
    }
    return true;
}

/* Whether a group is on may also decide which CPU gets an interrupt. */
static void enable_group(GicCore *gic, unsigned cpu, unsigned group, bool on)
{
    GicCpu *c = &gic->cpus[cpu];

    c->groups = (c->groups & ~(1u << group)) | (unsigned)on << group;
    gic_update_all(gic);
}

static bool write_register(GicCore *gic, unsigned cpu, uint32_t reg,
                           uint64_t value)
{
    GicCpu *c = &gic->cpus[cpu];

    switch (reg) {
    case ICC_PMR:
        c->pmr = value & GIC_PRIORITY_MASK;
        break;
    case ICC_EOIR0:
    case ICC_EOIR1:
        gic_end(gic, cpu, reg == ICC_EOIR1 ? GIC_GROUP1 : GIC_GROUP0,
                value & INTID_MASK);
        return true;
    case ICC_BPR0:
    case ICC_BPR1:
        gic_write_bpr(c, reg == ICC_BPR1, value);
        break;
    case ICC_AP0R0:
    case ICC_AP1R0:
        c->apr[reg == ICC_AP1R0] = value;
        break;
    case ICC_DIR:
        gic_deactivate(gic, cpu, value & INTID_MASK);
        return true;
    case ICC_SGI1R:
    case ICC_ASGI1R:
    case ICC_SGI0R:
        send_sgi(gic, cpu, reg == ICC_SGI1R ? GIC_GROUPS : GIC_GROUP0, value);
        return true;
    case ICC_CTLR:
        c->cbpr = value & CTLR_CBPR;
        c->split_eoi = value & CTLR_EOIMODE;
        break;
    case ICC_SRE:
        return true;
    case ICC_IGRPEN0:
    case ICC_IGRPEN1:
        enable_group(gic, cpu, reg == ICC_IGRPEN1, value & 1);
        return true;
    default:
        return false;
    }
    gic_update_cpu(gic, cpu);
    return true;
}

bool gic_v3_sysreg(SoftGic *soft, unsigned cpu, uint32_t reg, uint64_t *value,
                   bool is_write)
{
    GicCore *gic = GIC_CORE(soft);

    g_assert(cpu < soft->num_cpus);
    MUTEX_GUARD(&gic->lock);
    return is_write ? write_register(gic, cpu, reg, *value)
                    : read_register(gic, cpu, reg, value);
}
