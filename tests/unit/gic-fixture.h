/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/soft-gic.h"
#include "hw/core/reset.h"
#include "util/main-loop.h"

/*
 * A software GIC with CPUs that only remember their inputs. GICv2's registers
 * are accessed as CPU @cpu; GICv3's CPU interface by the class's method.
 */
typedef struct GicFixture {
    SoftGic *gic;
    MemoryRegion *dist;
    MemoryRegion *cpuif; /* GICv3: the redistributors */
    bool irq[SOFT_GIC_MAX_CPUS];
    bool fiq[SOFT_GIC_MAX_CPUS];
    unsigned changes; /* of any input */
} GicFixture;

enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IIDR = 0x008,
    GICD_IGROUPR = 0x080,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ISACTIVER = 0x300,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_SGIR = 0xf00,
    GICD_CPENDSGIR = 0xf10,
    GICD_SPENDSGIR = 0xf20,
    GICD_IROUTER = 0x6000,

    GICC_CTLR = 0x00,
    GICC_PMR = 0x04,
    GICC_BPR = 0x08,
    GICC_IAR = 0x0c,
    GICC_EOIR = 0x10,
    GICC_RPR = 0x14,
    GICC_HPPIR = 0x18,
    GICC_ABPR = 0x1c,
    GICC_AIAR = 0x20,
    GICC_AEOIR = 0x24,
    GICC_AHPPIR = 0x28,
    GICC_APR0 = 0xd0,
    GICC_NSAPR0 = 0xe0,
    GICC_IIDR = 0xfc,
    GICC_DIR = 0x1000,

    GICR_STRIDE = 0x20000,
    GICR_SGI = 0x10000,

    PMR = SYSREG(3, 0, 4, 6, 0),
    IAR0 = SYSREG(3, 0, 12, 8, 0),
    EOIR0 = SYSREG(3, 0, 12, 8, 1),
    HPPIR0 = SYSREG(3, 0, 12, 8, 2),
    BPR0 = SYSREG(3, 0, 12, 8, 3),
    AP0R0 = SYSREG(3, 0, 12, 8, 4),
    AP1R0 = SYSREG(3, 0, 12, 9, 0),
    ICC_DIR = SYSREG(3, 0, 12, 11, 1),
    RPR = SYSREG(3, 0, 12, 11, 3),
    SGI1R = SYSREG(3, 0, 12, 11, 5),
    ASGI1R = SYSREG(3, 0, 12, 11, 6),
    SGI0R = SYSREG(3, 0, 12, 11, 7),
    IAR1 = SYSREG(3, 0, 12, 12, 0),
    EOIR1 = SYSREG(3, 0, 12, 12, 1),
    HPPIR1 = SYSREG(3, 0, 12, 12, 2),
    BPR1 = SYSREG(3, 0, 12, 12, 3),
    ICC_CTLR = SYSREG(3, 0, 12, 12, 4),
    SRE = SYSREG(3, 0, 12, 12, 5),
    IGRPEN0 = SYSREG(3, 0, 12, 12, 6),
    IGRPEN1 = SYSREG(3, 0, 12, 12, 7),
};

static inline void gic_fixture_irq(void *opaque, unsigned cpu, bool level)
{
    GicFixture *f = opaque;

    g_assert_true(f->irq[cpu] != level); /* changes only */
    f->irq[cpu] = level;
    f->changes++;
}

static inline void gic_fixture_fiq(void *opaque, unsigned cpu, bool level)
{
    GicFixture *f = opaque;

    g_assert_true(f->fiq[cpu] != level);
    f->fiq[cpu] = level;
    f->changes++;
}

static const SoftGicCpuOps gic_fixture_ops = {
    .set_irq = gic_fixture_irq,
    .set_fiq = gic_fixture_fiq,
};

static inline SoftGic *gic_fixture_new(GicFixture *f, bool v3, unsigned cpus,
                                       unsigned spis, const SoftGicCpuOps *ops)
{
    SoftGic *gic = SOFT_GIC(object_new(v3 ? TYPE_SOFT_GICV3 : TYPE_SOFT_GICV2));

    g_assert_true(object_add_child(object_root(), "gic", OBJECT(gic), NULL));
    gic->num_cpus = cpus;
    gic->num_spis = spis;
    gic->cpu_ops = ops;
    gic->cpu_opaque = f;
    return gic;
}

static inline void gic_fixture_start(GicFixture *f, bool v3, unsigned cpus,
                                     unsigned spis, const SoftGicCpuOps *ops)
{
    *f = (GicFixture){0};
    g_assert_true(main_loop_init(NULL));
    f->gic = gic_fixture_new(f, v3, cpus, spis, ops);
    g_assert_true(qdev_realize(DEVICE(f->gic), NULL));
    f->dist = sysbus_mmio_region(SYS_BUS_DEVICE(f->gic), 0);
    f->cpuif = sysbus_mmio_region(SYS_BUS_DEVICE(f->gic), 1);
}

static inline void gic_fixture_stop(GicFixture *f)
{
    soft_gic_set_current_cpu(0);
    object_unparent(OBJECT(f->gic));
    object_unref(OBJECT(f->gic));
    object_root_free();
    reset_all(); /* nobody is left to hear of it */
    main_loop_finish();
}

/* -- distributor, and with it what is private of GICv2's CPU @cpu ---------- */

static inline MemTxResult gicd_access(GicFixture *f, unsigned cpu, hwaddr addr,
                                      uint64_t *value, unsigned size,
                                      bool is_write)
{
    soft_gic_set_current_cpu(cpu);
    return memory_region_dispatch(f->dist, addr, value, size, is_write);
}

static inline uint64_t gicd_read_n(GicFixture *f, unsigned cpu, hwaddr addr,
                                   unsigned size)
{
    uint64_t value = 0xdead;

    g_assert_cmpint(gicd_access(f, cpu, addr, &value, size, false), ==,
                    MEMTX_OK);
    return value;
}

static inline void gicd_write_n(GicFixture *f, unsigned cpu, hwaddr addr,
                                uint64_t value, unsigned size)
{
    g_assert_cmpint(gicd_access(f, cpu, addr, &value, size, true), ==,
                    MEMTX_OK);
}

static inline uint32_t gicd_read(GicFixture *f, hwaddr addr)
{
    return gicd_read_n(f, 0, addr, 4);
}

static inline void gicd_write(GicFixture *f, hwaddr addr, uint32_t value)
{
    gicd_write_n(f, 0, addr, value, 4);
}

/* -- GICC and GICR --------------------------------------------------------- */

static inline uint64_t cpuif_read_n(GicFixture *f, unsigned cpu, hwaddr addr,
                                    unsigned size)
{
    uint64_t value = 0xdead;

    soft_gic_set_current_cpu(cpu);
    g_assert_cmpint(memory_region_dispatch(f->cpuif, addr, &value, size, false),
                    ==, MEMTX_OK);
    return value;
}

static inline void cpuif_write_n(GicFixture *f, unsigned cpu, hwaddr addr,
                                 uint64_t value, unsigned size)
{
    soft_gic_set_current_cpu(cpu);
    g_assert_cmpint(memory_region_dispatch(f->cpuif, addr, &value, size, true),
                    ==, MEMTX_OK);
}

static inline uint32_t gicc_read(GicFixture *f, unsigned cpu, hwaddr addr)
{
    return cpuif_read_n(f, cpu, addr, 4);
}

static inline void gicc_write(GicFixture *f, unsigned cpu, hwaddr addr,
                              uint32_t value)
{
    cpuif_write_n(f, cpu, addr, value, 4);
}

static inline uint32_t gicr_read(GicFixture *f, unsigned cpu, hwaddr addr)
{
    return cpuif_read_n(f, 0, cpu * GICR_STRIDE + addr, 4);
}

static inline void gicr_write(GicFixture *f, unsigned cpu, hwaddr addr,
                              uint32_t value)
{
    cpuif_write_n(f, 0, cpu * GICR_STRIDE + addr, value, 4);
}

/* -- ICC ------------------------------------------------------------------- */

static inline bool icc_access(GicFixture *f, unsigned cpu, uint32_t reg,
                              uint64_t *value, bool is_write)
{
    return SOFT_GIC_GET_CLASS(f->gic)->sysreg(f->gic, cpu, reg, value,
                                              is_write);
}

static inline uint64_t mrs(GicFixture *f, unsigned cpu, uint32_t reg)
{
    uint64_t value = 0xdead;

    g_assert_true(icc_access(f, cpu, reg, &value, false));
    return value;
}

static inline void msr(GicFixture *f, unsigned cpu, uint32_t reg,
                       uint64_t value)
{
    g_assert_true(icc_access(f, cpu, reg, &value, true));
}

/* -- inputs ---------------------------------------------------------------- */

static inline IrqLine *gic_spi(GicFixture *f, unsigned intid)
{
    return qdev_get_gpio_in(DEVICE(f->gic), intid - 32);
}

static inline void set_ppi(GicFixture *f, unsigned cpu, unsigned intid,
                           bool level)
{
    SOFT_GIC_GET_CLASS(f->gic)->set_ppi(f->gic, cpu, intid, level);
}

static inline void run_main_loop(void)
{
    for (unsigned i = 0; i < 3; i++) {
        main_loop_iterate(false);
    }
}
