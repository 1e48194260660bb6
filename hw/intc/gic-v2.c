/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2 (Arm IHI 0048B): the distributor and the CPU interfaces, with both
 * groups and without the Security Extensions. Each CPU has registers of its own
 * at the same addresses; soft_gic_current_cpu() says which are meant.
 *
 * An SGI is pending from each CPU that sent it, but active only once: what the
 * second of two senders sent waits until the first one's is deactivated.
 */

#include "gic-core.h"

#define DIST_SIZE 0x1000
#define CPU_SIZE 0x2000

/* Distributor */
#define GICD_CTLR 0x000
#define GICD_TYPER 0x004
#define GICD_IIDR 0x008
#define GICD_ITARGETSR 0x800 /* a byte each */
#define GICD_ITARGETSR_END 0xc00
#define GICD_SGIR 0xf00
#define GICD_CPENDSGIR 0xf10 /* a byte each */
#define GICD_SPENDSGIR 0xf20
#define GICD_SPENDSGIR_END 0xf30
#define GICD_ID 0xfd0

#define GICD_IIDR_VALUE 0x5000043b

/* CPU interface */
#define GICC_CTLR 0x000
#define GICC_PMR 0x004
#define GICC_BPR 0x008
#define GICC_IAR 0x00c
#define GICC_EOIR 0x010
#define GICC_RPR 0x014
#define GICC_HPPIR 0x018
#define GICC_ABPR 0x01c
#define GICC_AIAR 0x020
#define GICC_AEOIR 0x024
#define GICC_AHPPIR 0x028
#define GICC_APR0 0x0d0
#define GICC_NSAPR0 0x0e0
#define GICC_IIDR 0x0fc
#define GICC_DIR 0x1000

#define CTLR_ACK (1 << 2)
#define CTLR_FIQ (1 << 3)
#define CTLR_CBPR (1 << 4)
#define CTLR_EOIMODE (1 << 9)
#define GICC_IIDR_VALUE 0x0502043b /* architecture version 2 */
#define SOURCE_SHIFT 10
#define INTID_MASK 0x3ff

#define TYPE_GIC_V2 TYPE_SOFT_GICV2
OBJECT_DECLARE_SIMPLE_TYPE(GicV2, GIC_V2)

struct GicV2 {
    GicCore parent_obj;
    GicRegion dist;
    GicRegion cpu;
};

/* -- distributor ----------------------------------------------------------- */

static unsigned all_cpus(const GicCore *gic)
{
    return (1u << gic->parent_obj.num_cpus) - 1;
}

/* A private interrupt's target is whoever asks; with one CPU all read as 0. */
static uint8_t access_target(GicCore *gic, const GicAccess *a, unsigned intid,
                             uint8_t value)
{
    GicWord *word = gic_word(gic, a->cpu, intid / 32);

    if (gic->parent_obj.num_cpus == 1 || !gic_intid_valid(gic, intid)) {
        return 0;
    }
    if (intid < GIC_PRIVATE) {
        return 1u << a->cpu;
    }
    if (a->is_write) {
        word->targets[intid % 32] = value & all_cpus(gic);
    }
    return word->targets[intid % 32];
}

/* The senders of an SGI that is pending. */
static uint8_t access_sources(GicCore *gic, const GicAccess *a, unsigned sgi,
                              uint8_t value)
{
    GicCpu *c = &gic->cpus[a->cpu];
    uint8_t *sources = &c->sgi_sources[sgi];

    if (a->is_write) {
        *sources = a->addr >= GICD_SPENDSGIR
                       ? *sources | (value & all_cpus(gic))
                       : *sources & ~value;
        c->priv.latch =
            *sources ? c->priv.latch | 1u << sgi : c->priv.latch & ~(1u << sgi);
    }
    return *sources;
}

/* One or four of registers of a byte each, the first being number @first. */
static MemTxResult access_bytes(GicCore *gic, GicAccess *a, unsigned first,
                                uint8_t (*access)(GicCore *gic,
                                                  const GicAccess *a,
                                                  unsigned n, uint8_t value))
{
    uint64_t result = 0;

    if (a->size != 1 && a->size != 4) {
        return MEMTX_DECODE_ERROR;
    }
    for (unsigned i = 0; i < a->size; i++) {
        result |= (uint64_t)access(gic, a, first + i, a->value >> 8 * i)
                  << 8 * i;
    }
    a->value = result;
    if (a->is_write) {
        gic_update_all(gic);
    }
    return MEMTX_OK;
}

static MemTxResult access_sgir(GicCore *gic, GicAccess *a)
{
    unsigned targets = a->value >> 16 & all_cpus(gic);
    unsigned intid = a->value & 15;

    if (a->is_write && a->size == 4) {
        switch (a->value >> 24 & 3) {
        case 1:
            targets = all_cpus(gic) & ~(1u << a->cpu);
            break;
        case 2:
            targets = 1u << a->cpu;
            break;
        case 3:
            targets = 0;
            break;
        }
        gic_send_sgi(gic, a->cpu, intid, targets);
    }
    return gic_access_constant(a, 0);
}

static MemTxResult access_dist_ctlr(GicCore *gic, GicAccess *a)
{
    if (a->is_write && a->size == 4) {
        gic->groups = a->value & GIC_GROUPS;
        gic_update_all(gic);
    }
    return gic_access_constant(a, gic->groups);
}

/* PIDR4 to 7, PIDR0 to 3, CIDR0 to 3; PIDR2 says GICv2. */
static MemTxResult access_id(GicAccess *a)
{
    static const uint8_t ids[] = {0x04, 0, 0,    0,    0x90, 0xb4,
                                  0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};

    return gic_access_constant(a, ids[(a->addr - GICD_ID) / 4]);
}

static MemTxResult access_dist(GicCore *gic, GicAccess *a)
{
    a->cpu = soft_gic_current_cpu();
    g_assert(a->cpu < gic->parent_obj.num_cpus);
    switch (a->addr) {
    case GICD_CTLR:
        return access_dist_ctlr(gic, a);
    case GICD_TYPER:
        return gic_access_constant(a, (gic->parent_obj.num_cpus - 1) << 5 |
                                          (gic->num_words - 1));
    case GICD_IIDR:
        return gic_access_constant(a, GICD_IIDR_VALUE);
    case GICD_ITARGETSR ... GICD_ITARGETSR_END - 1:
        return access_bytes(gic, a, a->addr - GICD_ITARGETSR, access_target);
    case GICD_SGIR:
        return access_sgir(gic, a);
    case GICD_CPENDSGIR ... GICD_SPENDSGIR_END - 1:
        return access_bytes(gic, a, a->addr % GIC_SGIS, access_sources);
    case GICD_ID ... DIST_SIZE - 1:
        return access_id(a);
    default:
        a->end_word = gic->num_words;
        return gic_access_common(gic, a);
    }
}

/* -- CPU interface --------------------------------------------------------- */

static uint32_t read_ctlr(const GicCpu *c)
{
    return c->groups | (c->ack_any ? CTLR_ACK : 0) |
           (c->group0_fiq ? CTLR_FIQ : 0) | (c->cbpr ? CTLR_CBPR : 0) |
           (c->split_eoi ? CTLR_EOIMODE : 0);
}

static void write_ctlr(GicCpu *c, uint32_t value)
{
    c->groups = value & GIC_GROUPS;
    c->ack_any = value & CTLR_ACK;
    c->group0_fiq = value & CTLR_FIQ;
    c->cbpr = value & CTLR_CBPR;
    c->split_eoi = value & CTLR_EOIMODE;
}

/* The groups that GICC_IAR, GICC_EOIR and GICC_HPPIR are for. */
static unsigned groups_of_iar(const GicCpu *c)
{
    return c->ack_any ? GIC_GROUPS : GIC_GROUP0;
}

/* GICC_IAR says that there is one of group 1, GICC_AIAR nothing of group 0. */
static unsigned refusal(unsigned groups)
{
    return groups & GIC_GROUP0 ? GIC_INTID_GROUP1 : GIC_INTID_NONE;
}

static uint32_t acknowledge(GicCore *gic, unsigned cpu, unsigned groups)
{
    unsigned source, intid;

    if (!gic_can_signal(gic, cpu)) {
        return GIC_INTID_NONE;
    }
    if (!(groups >> gic->cpus[cpu].pick.group & 1)) {
        return refusal(groups);
    }
    intid = gic_acknowledge(gic, cpu, &source);
    return intid | source << SOURCE_SHIFT;
}

static uint32_t highest_pending(const GicCpu *c, unsigned groups)
{
    unsigned intid = c->pick.intid;

    if (intid != GIC_INTID_NONE && !(groups >> c->pick.group & 1)) {
        return refusal(groups);
    }
    if (intid < GIC_SGIS && c->sgi_sources[intid]) {
        intid |= __builtin_ctz(c->sgi_sources[intid]) << SOURCE_SHIFT;
    }
    return intid;
}

static uint32_t cpu_read(GicCore *gic, unsigned cpu, hwaddr addr)
{
    const GicCpu *c = &gic->cpus[cpu];

    switch (addr) {
    case GICC_CTLR:
        return read_ctlr(c);
    case GICC_PMR:
        return c->pmr;
    case GICC_BPR:
        return gic_read_bpr(c, 0);
    case GICC_IAR:
        return acknowledge(gic, cpu, groups_of_iar(c));
    case GICC_RPR:
        return gic_running_priority(gic, cpu);
    case GICC_HPPIR:
        return highest_pending(c, groups_of_iar(c));
    case GICC_ABPR:
        return gic_read_bpr(c, 1);
    case GICC_AIAR:
        return acknowledge(gic, cpu, GIC_GROUP1);
    case GICC_AHPPIR:
        return highest_pending(c, GIC_GROUP1);
    case GICC_APR0:
        return c->apr[0];
    case GICC_NSAPR0:
        return c->apr[1];
    case GICC_IIDR:
        return GICC_IIDR_VALUE;
    default:
        return 0;
    }
}

static void cpu_write(GicCore *gic, unsigned cpu, hwaddr addr, uint32_t value)
{
    GicCpu *c = &gic->cpus[cpu];

    switch (addr) {
    case GICC_CTLR:
        write_ctlr(c, value);
        break;
    case GICC_PMR:
        c->pmr = value & GIC_PRIORITY_MASK;
        break;
    case GICC_BPR:
        gic_write_bpr(c, 0, value);
        break;
    case GICC_EOIR:
        gic_end(gic, cpu, groups_of_iar(c), value & INTID_MASK);
        return;
    case GICC_ABPR:
        gic_write_bpr(c, 1, value);
        break;
    case GICC_AEOIR:
        gic_end(gic, cpu, GIC_GROUP1, value & INTID_MASK);
        return;
    case GICC_APR0:
        c->apr[0] = value;
        break;
    case GICC_NSAPR0:
        c->apr[1] = value;
        break;
    case GICC_DIR:
        gic_deactivate(gic, cpu, value & INTID_MASK);
        return;
    default:
        return;
    }
    gic_update_cpu(gic, cpu);
}

static MemTxResult access_cpu(GicCore *gic, GicAccess *a)
{
    a->cpu = soft_gic_current_cpu();
    g_assert(a->cpu < gic->parent_obj.num_cpus);
    if (a->size != 4) {
        return MEMTX_DECODE_ERROR;
    }
    if (a->is_write) {
        cpu_write(gic, a->cpu, a->addr, a->value);
    } else {
        a->value = cpu_read(gic, a->cpu, a->addr);
    }
    return MEMTX_OK;
}

/* -- the device ------------------------------------------------------------ */

/* A single CPU is the target of all; otherwise nobody is until software says.
 */
static void gic_v2_reset(GicCore *gic)
{
    for (unsigned w = 1; w < gic->num_words; w++) {
        memset(gic_word(gic, 0, w)->targets, gic->parent_obj.num_cpus == 1, 32);
    }
}

static bool gic_v2_realize(DeviceState *dev, Error **errp)
{
    GicV2 *v2 = GIC_V2(dev);
    GicCore *gic = &v2->parent_obj;

    if (!gic_core_realize(gic, errp)) {
        return false;
    }
    gic->sgis_v2 = (1u << GIC_SGIS) - 1;
    gic_reset(gic);
    gic_region_init(&v2->dist, gic, "gicv2-dist", DIST_SIZE, access_dist);
    gic_region_init(&v2->cpu, gic, "gicv2-cpu", CPU_SIZE, access_cpu);
    return true;
}

static void gic_v2_unrealize(DeviceState *dev)
{
    GicV2 *v2 = GIC_V2(dev);

    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&v2->cpu.mr);
    memory_region_finish(&v2->dist.mr);
    gic_core_unrealize(&v2->parent_obj);
}

static void gic_v2_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "Arm GICv2, in software";
    dc->realize = gic_v2_realize;
    dc->unrealize = gic_v2_unrealize;
    GIC_CORE_CLASS(klass)->reset = gic_v2_reset;
}

static const TypeInfo gic_v2_type = {
    .name = TYPE_GIC_V2,
    .parent = TYPE_GIC_CORE,
    .instance_size = sizeof(GicV2),
    .class_init = gic_v2_class_init,
};
TYPE_REGISTER(gic_v2_type)
