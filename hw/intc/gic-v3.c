/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3: the distributor and the redistributors (Arm IHI 0069, chapter on the
 * GIC programmers' model), with affinity routing always on and one security
 * state. No LPIs. Interrupts that any CPU may take (GICD_IROUTER.IRM) go to the
 * first whose CPU interface wants their group.
 *
 * GICR_WAKER only answers: nothing is withheld from a CPU that software has
 * not marked as awake. Hardware would ask for its power instead, and here that
 * is always on.
 */

#include "gic-v3.h"

#define DIST_SIZE 0x10000
#define SGI_FRAME 0x10000 /* after that of GICR_CTLR and others */
#define REDIST_SIZE 0x20000

/* Distributor */
#define GICD_CTLR 0x0000
#define GICD_TYPER 0x0004
#define GICD_IIDR 0x0008
#define GICD_SETSPI_NSR 0x0040
#define GICD_CLRSPI_NSR 0x0048
#define GICD_IROUTER 0x6000 /* by INTID, 8 bytes each */
#define GICD_IROUTER_END 0x7fe0
#define ID_REGISTERS 0xffd0 /* in each frame */

#define CTLR_ARE (1 << 4)
#define CTLR_DS (1 << 6)
#define TYPER_MBIS (1 << 16)
#define TYPER_ID_BITS (9 << 19) /* ten */
#define IIDR_VALUE 0x5000043b
#define IROUTER_IRM (1ull << 31)
#define IROUTER_MASK 0x80ffffffull /* no affinity 3 */

/* Redistributor */
#define GICR_IIDR 0x0004
#define GICR_TYPER 0x0008
#define GICR_WAKER 0x0014

#define TYPER_LAST (1 << 4)
#define WAKER_SLEEP (1 << 1)
#define WAKER_ASLEEP (1 << 2)

#define TYPE_GIC_V3 TYPE_SOFT_GICV3
OBJECT_DECLARE_SIMPLE_TYPE(GicV3, GIC_V3)

struct GicV3 {
    GicCore parent_obj;
    GicRegion dist;
    GicRegion redist;
    uint64_t *routes; /* GICD_IROUTER, by SPI */
};

/* PIDR4 to 7, PIDR0 to 3, CIDR0 to 3; PIDR2 says GICv3. */
static MemTxResult access_id(GicAccess *a, uint8_t part)
{
    const uint8_t ids[] = {0x44, 0, 0,    0,    part, 0xb4,
                           0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

    return gic_access_constant(a, ids[(a->addr - ID_REGISTERS) / 4]);
}

/* -- distributor ----------------------------------------------------------- */

static void route(GicV3 *v3, unsigned spi, uint64_t value)
{
    GicCore *gic = &v3->parent_obj;
    GicWord *word = gic_word(gic, 0, 1 + spi / 32);
    uint32_t bit = 1u << spi % 32;

    v3->routes[spi] = value & IROUTER_MASK;
    word->targets[spi % 32] = 0;
    word->one_of_n &= ~bit;
    if (value & IROUTER_IRM) {
        word->one_of_n |= bit;
        return;
    }
    for (unsigned cpu = 0; cpu < gic->parent_obj.num_cpus; cpu++) {
        if (soft_gic_affinity(cpu) == v3->routes[spi]) {
            word->targets[spi % 32] = 1u << cpu;
        }
    }
}

/* Both halves also by themselves. */
static MemTxResult access_route(GicCore *gic, GicAccess *a)
{
    GicV3 *v3 = GIC_V3(gic);
    unsigned intid = (a->addr - GICD_IROUTER) / 8;
    unsigned shift = a->addr % 8 * 8;
    uint64_t mask = a->size == 8 ? ~0ull : 0xffffffffull << shift;
    uint64_t *old;

    if (a->size < 4) {
        return MEMTX_DECODE_ERROR;
    }
    if (intid < GIC_PRIVATE || !gic_intid_valid(gic, intid)) {
        a->value = 0;
        return MEMTX_OK;
    }
    old = &v3->routes[intid - GIC_PRIVATE];
    if (a->is_write) {
        route(v3, intid - GIC_PRIVATE,
              (*old & ~mask) | (a->value << shift & mask));
        gic_update_all(gic);
    } else {
        a->value = (*old & mask) >> shift;
    }
    return MEMTX_OK;
}

/*
 * An interrupt by a write. A level-sensitive one is as if its line was driven,
 * until it is cleared or whoever has the line drives that.
 */
static MemTxResult message(GicCore *gic, GicAccess *a, bool level)
{
    unsigned intid = a->value & 0x3ff;
    uint32_t bit = 1u << intid % 32;
    GicWord *word;

    if (a->size != 2 && a->size != 4) {
        return MEMTX_DECODE_ERROR;
    }
    a->value = 0;
    if (!a->is_write || intid < GIC_PRIVATE || !gic_intid_valid(gic, intid)) {
        return MEMTX_OK;
    }
    word = gic_word(gic, 0, intid / 32);
    if (!(word->edge & bit)) {
        gic_set_line(gic, 0, intid, level);
        return MEMTX_OK;
    }
    word->latch = level ? word->latch | bit : word->latch & ~bit;
    gic_update_all(gic);
    return MEMTX_OK;
}

static MemTxResult access_dist_ctlr(GicCore *gic, GicAccess *a)
{
    if (a->is_write && a->size == 4) {
        gic->groups = a->value & GIC_GROUPS;
        gic_update_all(gic);
    }
    return gic_access_constant(a, CTLR_ARE | CTLR_DS | gic->groups);
}

static MemTxResult access_dist(GicCore *gic, GicAccess *a)
{
    switch (a->addr) {
    case GICD_CTLR:
        return access_dist_ctlr(gic, a);
    case GICD_TYPER:
        return gic_access_constant(a, TYPER_ID_BITS | TYPER_MBIS |
                                          (gic->num_words - 1));
    case GICD_IIDR:
        return gic_access_constant(a, IIDR_VALUE);
    case GICD_SETSPI_NSR:
    case GICD_CLRSPI_NSR:
        return message(gic, a, a->addr == GICD_SETSPI_NSR);
    case GICD_IROUTER ... GICD_IROUTER_END - 1:
        return access_route(gic, a);
    case ID_REGISTERS ... DIST_SIZE - 1:
        return access_id(a, 0x92);
    default:
        a->first_word = 1;
        a->end_word = gic->num_words;
        return gic_access_common(gic, a);
    }
}

/* -- redistributors -------------------------------------------------------- */

static MemTxResult access_typer(GicCore *gic, GicAccess *a)
{
    bool last = a->cpu + 1 == gic->parent_obj.num_cpus;
    uint64_t value = (uint64_t)soft_gic_affinity(a->cpu) << 32 | a->cpu << 8 |
                     (last ? TYPER_LAST : 0);

    a->value = value >> a->addr % 8 * 8;
    if (a->size == 4) {
        a->value &= UINT32_MAX;
    }
    return a->size < 4 ? MEMTX_DECODE_ERROR : MEMTX_OK;
}

static MemTxResult access_waker(GicCpu *c, GicAccess *a)
{
    if (a->is_write && a->size == 4) {
        c->asleep = a->value & WAKER_SLEEP;
    }
    return gic_access_constant(a, c->asleep ? WAKER_SLEEP | WAKER_ASLEEP : 0);
}

/* The first frame. */
static MemTxResult access_rd(GicCore *gic, GicAccess *a)
{
    switch (a->addr) {
    case GICR_IIDR:
        return gic_access_constant(a, IIDR_VALUE);
    case GICR_TYPER:
    case GICR_TYPER + 4:
        return access_typer(gic, a);
    case GICR_WAKER:
        return access_waker(&gic->cpus[a->cpu], a);
    case ID_REGISTERS ... SGI_FRAME - 1:
        return access_id(a, 0x93);
    default:
        a->value = 0;
        return MEMTX_OK;
    }
}

static MemTxResult access_redist(GicCore *gic, GicAccess *a)
{
    a->cpu = a->addr / REDIST_SIZE;
    a->addr %= REDIST_SIZE;
    if (a->addr < SGI_FRAME) {
        return access_rd(gic, a);
    }
    a->addr -= SGI_FRAME;
    a->end_word = 1;
    return gic_access_common(gic, a);
}

/* -- the device ------------------------------------------------------------ */

static void gic_v3_reset(GicCore *gic)
{
    GicV3 *v3 = GIC_V3(gic);

    for (unsigned spi = 0; spi < gic->parent_obj.num_spis; spi++) {
        route(v3, spi, soft_gic_affinity(0));
    }
    for (unsigned cpu = 0; cpu < gic->parent_obj.num_cpus; cpu++) {
        gic->cpus[cpu].group0_fiq = true;
        gic->cpus[cpu].asleep = true;
    }
}

static bool gic_v3_realize(DeviceState *dev, Error **errp)
{
    GicV3 *v3 = GIC_V3(dev);
    GicCore *gic = &v3->parent_obj;

    if (!gic_core_realize(gic, errp)) {
        return false;
    }
    v3->routes = g_new0(uint64_t, gic->parent_obj.num_spis);
    gic_reset(gic);
    gic_region_init(&v3->dist, gic, "gicv3-dist", DIST_SIZE, access_dist);
    gic_region_init(&v3->redist, gic, "gicv3-redist",
                    (uint64_t)gic->parent_obj.num_cpus * REDIST_SIZE,
                    access_redist);
    return true;
}

static void gic_v3_unrealize(DeviceState *dev)
{
    GicV3 *v3 = GIC_V3(dev);

    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&v3->redist.mr);
    memory_region_finish(&v3->dist.mr);
    gic_core_unrealize(&v3->parent_obj);
}

static void gic_v3_finalize(Object *obj)
{
    g_free(GIC_V3(obj)->routes);
}

static void gic_v3_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "Arm GICv3 without LPIs, in software";
    dc->realize = gic_v3_realize;
    dc->unrealize = gic_v3_unrealize;
    SOFT_GIC_CLASS(klass)->sysreg = gic_v3_sysreg;
    GIC_CORE_CLASS(klass)->reset = gic_v3_reset;
}

static const TypeInfo gic_v3_type = {
    .name = TYPE_GIC_V3,
    .parent = TYPE_GIC_CORE,
    .instance_size = sizeof(GicV3),
    .class_init = gic_v3_class_init,
    .instance_finalize = gic_v3_finalize,
};
TYPE_REGISTER(gic_v3_type)
