/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gic-v3-cpu.c and with it what gic-core.c has of taking, preempting and ending
 * interrupts: ICC_*_EL1, register by register, and SGIs.
 */
#include "gic-fixture.h"

#define CPUS 3
#define NONE 1023
#define SGI_ALL_OTHERS (1ull << 40)

static void set_up(GicFixture *f, gconstpointer unused)
{
    gic_fixture_start(f, true, CPUS, 32, &gic_fixture_ops);
    gicd_write(f, GICD_CTLR, 3);
    gicd_write(f, GICD_IGROUPR + 4, ~0u);
    gicd_write(f, GICD_ISENABLER + 4, ~0u);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        gicr_write(f, cpu, GICR_SGI + GICD_IGROUPR, ~0u);
        gicr_write(f, cpu, GICR_SGI + GICD_ISENABLER, ~0u);
        msr(f, cpu, PMR, 0xff);
        msr(f, cpu, IGRPEN0, 1);
        msr(f, cpu, IGRPEN1, 1);
    }
}

static void tear_down(GicFixture *f, gconstpointer unused)
{
    gic_fixture_stop(f);
}

static void set_priority(GicFixture *f, unsigned intid, uint8_t priority)
{
    gicd_write_n(f, 0, GICD_IPRIORITYR + intid, priority, 1);
}

/* SPI @intid to group 0. */
static void to_group0(GicFixture *f, unsigned intid)
{
    gicd_write(f, GICD_IGROUPR + 4,
               gicd_read(f, GICD_IGROUPR + 4) & ~(1u << intid % 32));
}

static void test_registers(GicFixture *f, gconstpointer unused)
{
    static const struct {
        uint32_t reg;
        uint64_t write, read;
    } values[] = {
        {PMR, 0xff, 0xf8},
        {PMR, 0x17, 0x10},
        {PMR, 0x100, 0},
        {BPR0, 0, 2},
        {BPR0, 3, 3},
        {BPR0, 15, 7},
        {BPR1, 0, 3},
        {BPR1, 2, 3},
        {BPR1, 4, 4},
        {BPR1, 7, 7},
        {AP0R0, 0x1234, 0x1234},
        {AP0R0, 0, 0},
        {AP1R0, 0x80000000, 0x80000000},
        {AP1R0, 0, 0},
        {ICC_CTLR, 3, 0x403},
        {ICC_CTLR, ~0ull, 0x403},
        {ICC_CTLR, 0, 0x400},
        {SRE, 0, 7},
        {SRE, ~0ull, 7},
        {IGRPEN0, ~0ull, 1},
        {IGRPEN0, 0, 0},
        {IGRPEN1, 0, 0},
        {IGRPEN1, 3, 1},
        {IGRPEN1, 2, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        msr(f, 1, values[i].reg, values[i].write);
        g_assert_cmphex(mrs(f, 1, values[i].reg), ==, values[i].read);
    }
    /* Each CPU has its own. */
    g_assert_cmphex(mrs(f, 0, PMR), ==, 0xf8);
    g_assert_cmphex(mrs(f, 0, IGRPEN1), ==, 1);
    g_assert_cmphex(mrs(f, 0, BPR1), ==, 3);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0xff);
    /* Both groups share one binary point; the other one keeps its value. */
    msr(f, 0, BPR1, 5);
    msr(f, 0, BPR0, 6);
    msr(f, 0, ICC_CTLR, 1);
    g_assert_cmphex(mrs(f, 0, BPR1), ==, 7);
    msr(f, 0, BPR0, 7);
    g_assert_cmphex(mrs(f, 0, BPR1), ==, 7);
    msr(f, 0, BPR0, 4);
    msr(f, 0, BPR1, 3);
    g_assert_cmphex(mrs(f, 0, BPR1), ==, 5);
    msr(f, 0, ICC_CTLR, 0);
    g_assert_cmphex(mrs(f, 0, BPR1), ==, 5);
    g_assert_cmphex(mrs(f, 0, BPR0), ==, 4);
}

/* Which of the accesses are UNDEFINED. */
static void test_undefined(GicFixture *f, gconstpointer unused)
{
    static const uint32_t readonly[] = {IAR0, IAR1, HPPIR0, HPPIR1, RPR};
    static const uint32_t writeonly[] = {EOIR0, EOIR1, ICC_DIR,
                                         SGI0R, SGI1R, ASGI1R};
    static const uint32_t absent[] = {AP0R0 + 1,
                                      AP0R0 + 3,
                                      AP1R0 + 1,
                                      AP1R0 + 3,
                                      SYSREG(3, 0, 12, 11, 0),
                                      SYSREG(3, 0, 12, 9, 4),
                                      SYSREG(3, 6, 12, 12, 4),
                                      SYSREG(3, 4, 12, 9, 5),
                                      SYSREG(3, 0, 4, 6, 1)};

    for (unsigned i = 0; i < G_N_ELEMENTS(readonly); i++) {
        uint64_t value = 0;

        g_assert_true(icc_access(f, 0, readonly[i], &value, false));
        g_assert_false(icc_access(f, 0, readonly[i], &value, true));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(writeonly); i++) {
        uint64_t value = NONE;

        g_assert_false(icc_access(f, 0, writeonly[i], &value, false));
        g_assert_true(icc_access(f, 0, writeonly[i], &value, true));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(absent); i++) {
        uint64_t value = 0;

        g_assert_false(icc_access(f, 0, absent[i], &value, false));
        g_assert_false(icc_access(f, 0, absent[i], &value, true));
    }
}

static void test_level(GicFixture *f, gconstpointer unused)
{
    IrqLine *line = gic_spi(f, 40);

    irq_raise(line);
    g_assert_true(f->irq[0] && !f->fiq[0]);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 1 << 8);
    /* A level that falls is pending no more; ICPENDR does not clear it. */
    gicd_write(f, GICD_ICPENDR + 4, ~0u);
    g_assert_true(f->irq[0]);
    irq_lower(line);
    g_assert_false(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, NONE);
    irq_raise(line);
    g_assert_cmpuint(mrs(f, 0, HPPIR1), ==, 40);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    /* Active and still pending: not taken again until it is ended. */
    g_assert_false(f->irq[0]);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 1 << 8);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 1 << 8);
    g_assert_cmpuint(mrs(f, 0, HPPIR1), ==, NONE);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, NONE);
    msr(f, 0, EOIR1, 40);
    g_assert_true(f->irq[0]);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 0);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    irq_lower(line);
    msr(f, 0, EOIR1, 40);
    g_assert_false(f->irq[0]);
    /* The latch of ISPENDR holds beside the line, and until it is taken. */
    gicd_write(f, GICD_ISPENDR + 4, 1 << 8);
    irq_raise(line);
    irq_lower(line);
    g_assert_true(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 0);
    msr(f, 0, EOIR1, 40);
    gicd_write(f, GICD_ISPENDR + 4, 1 << 8);
    gicd_write(f, GICD_ICPENDR + 4, 1 << 8);
    g_assert_false(f->irq[0]);
}

static void test_edge(GicFixture *f, gconstpointer unused)
{
    IrqLine *line = gic_spi(f, 40);

    gicd_write(f, GICD_ICFGR + 8, 2u << 16);
    irq_pulse(line);
    g_assert_true(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    /* Once more while it is active, however often. */
    irq_pulse(line);
    irq_raise(line);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 1 << 8);
    msr(f, 0, EOIR1, 40);
    g_assert_true(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    msr(f, 0, EOIR1, 40);
    g_assert_false(f->irq[0]); /* though the line is high */
    irq_raise(line);
    g_assert_false(f->irq[0]);
    irq_lower(line);
    irq_raise(line);
    g_assert_true(f->irq[0]);
    gicd_write(f, GICD_ICPENDR + 4, 1 << 8);
    g_assert_false(f->irq[0]);
    /* Latched while it is disabled, too. */
    gicd_write(f, GICD_ICENABLER + 4, 1 << 8);
    irq_lower(line);
    irq_pulse(line);
    g_assert_false(f->irq[0]);
    gicd_write(f, GICD_ISENABLER + 4, 1 << 8);
    g_assert_true(f->irq[0]);
    gicd_write(f, GICD_ICPENDR + 4, 1 << 8);
    /* Level from now on: a high line is pending at once, and no edge after. */
    irq_raise(line);
    gicd_write(f, GICD_ICPENDR + 4, 1 << 8);
    g_assert_false(f->irq[0]);
    gicd_write(f, GICD_ICFGR + 8, 0);
    g_assert_true(f->irq[0]);
    gicd_write(f, GICD_ICFGR + 8, 2u << 16);
    g_assert_false(f->irq[0]);
}

static void test_gates(GicFixture *f, gconstpointer unused)
{
    irq_raise(gic_spi(f, 50));
    g_assert_true(f->irq[0]);
    gicd_write(f, GICD_CTLR, 1);
    g_assert_false(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, HPPIR1), ==, NONE);
    gicd_write(f, GICD_CTLR, 2);
    g_assert_true(f->irq[0]);
    msr(f, 0, IGRPEN1, 0);
    g_assert_false(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, NONE);
    msr(f, 0, IGRPEN1, 1);
    g_assert_true(f->irq[0]);
    gicd_write(f, GICD_ICENABLER + 4, 1u << 18);
    g_assert_false(f->irq[0]);
    gicd_write(f, GICD_ISENABLER + 4, 1u << 18);
    set_priority(f, 50, 0x80);
    msr(f, 0, PMR, 0x80); /* its own priority is masked */
    g_assert_false(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, NONE);
    g_assert_cmpuint(mrs(f, 0, HPPIR1), ==, 50);
    msr(f, 0, PMR, 0x88);
    g_assert_true(f->irq[0]);
    gicd_write(f, GICD_ISACTIVER + 4, 1u << 18);
    g_assert_false(f->irq[0]);
    gicd_write(f, GICD_ICACTIVER + 4, 1u << 18);
    g_assert_true(f->irq[0]);
}

static void test_priority(GicFixture *f, gconstpointer unused)
{
    for (unsigned intid = 32; intid < 64; intid++) {
        set_priority(f, intid, 0xa0);
    }
    set_priority(f, 45, 0x98);
    irq_raise(gic_spi(f, 41));
    irq_raise(gic_spi(f, 38));
    irq_raise(gic_spi(f, 45));
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 45);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x98);
    g_assert_cmphex(mrs(f, 0, AP1R0), ==, 1u << (0x98 >> 3));
    g_assert_false(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, NONE);
    g_assert_cmpuint(mrs(f, 0, HPPIR1), ==, 38); /* the lower of equals */
    irq_lower(gic_spi(f, 45));
    msr(f, 0, EOIR1, 45);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 38);
    set_priority(f, 41, 0x10);
    g_assert_true(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 41);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x10);
    /* The active one's group priority counts as it was when taken. */
    set_priority(f, 41, 0xf0);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x10);
    irq_lower(gic_spi(f, 41));
    irq_lower(gic_spi(f, 38));
    msr(f, 0, EOIR1, 41);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0xa0);
    msr(f, 0, EOIR1, 38);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0xff);
}

/* What the binary points have of a priority. */
static void test_preemption(GicFixture *f, gconstpointer unused)
{
    set_priority(f, 40, 0x60);
    set_priority(f, 41, 0x58);
    set_priority(f, 42, 0x38);
    msr(f, 0, BPR1, 5); /* bits 7 to 5 */
    irq_pulse(gic_spi(f, 40));
    gicd_write(f, GICD_ICFGR + 8, ~0u);
    irq_pulse(gic_spi(f, 40));
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x60);
    irq_pulse(gic_spi(f, 41)); /* group priority 0x40 */
    g_assert_true(f->irq[0]);
    msr(f, 0, BPR1, 6);       /* bits 7 and 6 are the same */
    g_assert_true(f->irq[0]); /* for what runs was taken at 0x60 */
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 41);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x40);
    irq_pulse(gic_spi(f, 42));
    g_assert_true(f->irq[0]);
    msr(f, 0, BPR1, 7);
    g_assert_true(f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 42);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0);
    set_priority(f, 43, 0);
    irq_pulse(gic_spi(f, 43));
    g_assert_false(f->irq[0]);
    for (unsigned intid = 42; intid >= 40; intid--) {
        msr(f, 0, EOIR1, intid);
    }
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0xff);
    g_assert_true(f->irq[0]);

    /* Group 0 has a bit less with the same number. */
    to_group0(f, 44);
    to_group0(f, 45);
    set_priority(f, 43, 0xf0);
    set_priority(f, 44, 0x18);
    set_priority(f, 45, 0x10);
    msr(f, 0, BPR0, 2);
    irq_pulse(gic_spi(f, 44));
    g_assert_true(f->fiq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR0), ==, 44);
    irq_pulse(gic_spi(f, 45));
    g_assert_true(f->fiq[0]);
    msr(f, 0, BPR0, 3);
    g_assert_true(f->fiq[0]);
    msr(f, 0, AP0R0, 1u << 2);
    g_assert_false(f->fiq[0]);
    /* And group 1 by group 0's: nothing preempts anything. */
    msr(f, 0, BPR0, 7);
    msr(f, 0, ICC_CTLR, 1);
    msr(f, 0, AP0R0, 1);
    set_priority(f, 43, 0);
    g_assert_true(!f->irq[0] && !f->fiq[0]);
    msr(f, 0, AP0R0, 2);
    g_assert_true(f->irq[0]);
}

static void test_groups(GicFixture *f, gconstpointer unused)
{
    to_group0(f, 40);
    set_priority(f, 40, 0x40);
    set_priority(f, 41, 0x80);
    irq_raise(gic_spi(f, 40));
    irq_raise(gic_spi(f, 41));
    g_assert_true(f->fiq[0] && !f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, NONE);
    g_assert_cmpuint(mrs(f, 0, HPPIR1), ==, NONE);
    g_assert_cmpuint(mrs(f, 0, HPPIR0), ==, 40);
    g_assert_cmpuint(mrs(f, 0, IAR0), ==, 40);
    g_assert_true(!f->fiq[0] && !f->irq[0]);
    g_assert_cmphex(mrs(f, 0, AP0R0), ==, 1u << 8);
    g_assert_cmphex(mrs(f, 0, AP1R0), ==, 0);
    set_priority(f, 41, 0x20);
    g_assert_true(!f->fiq[0] && f->irq[0]);
    g_assert_cmpuint(mrs(f, 0, IAR0), ==, NONE);
    g_assert_cmpuint(mrs(f, 0, HPPIR0), ==, NONE);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 41);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x20);
    /* What runs is of group 1: group 0's register ends nothing. */
    msr(f, 0, EOIR0, 41);
    msr(f, 0, EOIR0, 40);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x20);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 3 << 8);
    irq_lower(gic_spi(f, 41));
    irq_lower(gic_spi(f, 40));
    msr(f, 0, EOIR1, 41);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x40);
    msr(f, 0, EOIR1, 40);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x40);
    /* The right priority of the wrong interrupt: dropped, and that is all. */
    msr(f, 0, EOIR0, 41);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0xff);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 1 << 8);
    /* No active priority: the interrupt is ended nevertheless. */
    msr(f, 0, EOIR0, 40);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 0);
    /* A group that changes while it is pending. */
    irq_raise(gic_spi(f, 41));
    g_assert_true(f->irq[0] && !f->fiq[0]);
    to_group0(f, 41);
    g_assert_true(!f->irq[0] && f->fiq[0]);
    msr(f, 0, IGRPEN0, 0);
    g_assert_true(!f->irq[0] && !f->fiq[0]);
}

static void test_split_eoi(GicFixture *f, gconstpointer unused)
{
    set_priority(f, 40, 0x80);
    set_priority(f, 41, 0x80);
    msr(f, 0, ICC_DIR, 40); /* EOImode 0: EOIR does it */
    msr(f, 0, ICC_CTLR, 2);
    irq_raise(gic_spi(f, 40));
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    irq_raise(gic_spi(f, 41));
    g_assert_false(f->irq[0]);
    msr(f, 0, EOIR1, 40);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0xff);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 1 << 8);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 41);
    /* In another order, and by another CPU. */
    msr(f, 0, ICC_DIR, 40);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 1 << 9);
    msr(f, 1, ICC_DIR, 41);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 1 << 9);
    msr(f, 1, ICC_CTLR, 2);
    msr(f, 1, ICC_DIR, 41);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 0);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0x80);
    msr(f, 0, EOIR1, 41);
    /* A private one is one's own. */
    set_ppi(f, 0, 27, true);
    set_ppi(f, 1, 27, true);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 27);
    g_assert_cmpuint(mrs(f, 1, IAR1), ==, 27);
    msr(f, 0, EOIR1, 27);
    msr(f, 0, ICC_DIR, 27);
    g_assert_cmphex(gicr_read(f, 0, GICR_SGI + GICD_ISACTIVER), ==, 0);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ISACTIVER), ==, 1 << 27);
    /* Nothing to deactivate. */
    msr(f, 1, ICC_DIR, 64);
    msr(f, 1, ICC_DIR, 1023);
    msr(f, 1, ICC_DIR, 0xffffff);
}

static void test_special(GicFixture *f, gconstpointer unused)
{
    irq_raise(gic_spi(f, 40));
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 40);
    /* No interrupts: not even a priority drop. */
    msr(f, 0, EOIR1, 1023);
    msr(f, 0, EOIR1, 1020);
    msr(f, 0, EOIR1, 64);
    msr(f, 0, EOIR1, 0xffffff);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0);
    /* The upper bits of the register are none of the INTID's. */
    msr(f, 0, EOIR1, 0xff000000 | 40);
    g_assert_cmphex(mrs(f, 0, RPR), ==, 0xff);
}

static void test_ppi(GicFixture *f, gconstpointer unused)
{
    set_ppi(f, 1, 30, true);
    g_assert_true(!f->irq[0] && f->irq[1] && !f->irq[2]);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ISPENDR), ==, 1 << 30);
    g_assert_cmpuint(mrs(f, 1, IAR1), ==, 30);
    set_ppi(f, 1, 30, false);
    msr(f, 1, EOIR1, 30);
    g_assert_false(f->irq[1]);
    gicr_write(f, 2, GICR_SGI + GICD_ICFGR + 4, 2u << 30);
    set_ppi(f, 2, 31, true);
    set_ppi(f, 2, 31, false);
    g_assert_cmpuint(mrs(f, 2, IAR1), ==, 31);
    msr(f, 2, EOIR1, 31);
    g_assert_false(f->irq[2]);
}

static uint32_t pending_sgis(GicFixture *f, unsigned cpu)
{
    uint32_t pending = gicr_read(f, cpu, GICR_SGI + GICD_ISPENDR);

    gicr_write(f, cpu, GICR_SGI + GICD_ICPENDR, ~0u);
    return pending;
}

static void expect_sgi(GicFixture *f, uint32_t cpu0, uint32_t cpu1,
                       uint32_t cpu2)
{
    g_assert_cmphex(pending_sgis(f, 0), ==, cpu0);
    g_assert_cmphex(pending_sgis(f, 1), ==, cpu1);
    g_assert_cmphex(pending_sgis(f, 2), ==, cpu2);
}

static void test_sgi(GicFixture *f, gconstpointer unused)
{
    msr(f, 0, SGI1R, 5ull << 24 | 6);
    g_assert_true(!f->irq[0] && f->irq[1] && f->irq[2]);
    g_assert_cmpuint(mrs(f, 1, IAR1), ==, 5);
    g_assert_cmpuint(mrs(f, 2, IAR1), ==, 5);
    /* Again while it is active, twice: that is once. */
    msr(f, 0, SGI1R, 5ull << 24 | 2);
    msr(f, 2, SGI1R, 5ull << 24 | 2);
    g_assert_false(f->irq[1]);
    msr(f, 1, EOIR1, 5);
    g_assert_cmpuint(mrs(f, 1, IAR1), ==, 5);
    msr(f, 1, EOIR1, 5);
    msr(f, 2, EOIR1, 5);
    g_assert_true(!f->irq[1] && !f->irq[2]);
    /* Oneself; all others; nobody; CPUs that are not there. */
    msr(f, 1, SGI1R, 15ull << 24 | 2);
    expect_sgi(f, 0, 1 << 15, 0);
    msr(f, 1, SGI1R, SGI_ALL_OTHERS | 1ull << 24);
    expect_sgi(f, 2, 0, 2);
    msr(f, 1, SGI1R, SGI_ALL_OTHERS | 1ull << 24 | 0xfffff1fff0ffffff);
    expect_sgi(f, 2, 0, 2);
    msr(f, 1, SGI1R, 1ull << 24);
    msr(f, 1, SGI1R, 0xfff8);
    expect_sgi(f, 0, 0, 0);
    msr(f, 1, SGI1R, 1ull << 16 | 7); /* other clusters */
    msr(f, 1, SGI1R, 1ull << 32 | 7);
    msr(f, 1, SGI1R, 1ull << 48 | 7);
    expect_sgi(f, 0, 0, 0);
    /* By the redistributor's register. */
    gicr_write(f, 1, GICR_SGI + GICD_ISPENDR, 1 << 3);
    g_assert_cmpuint(mrs(f, 1, IAR1), ==, 3);
    msr(f, 1, EOIR1, 3);
    g_assert_false(f->irq[1]);
}

static void test_sgi_groups(GicFixture *f, gconstpointer unused)
{
    gicr_write(f, 1, GICR_SGI + GICD_IGROUPR, ~(1u << 4));
    msr(f, 0, SGI0R, 4ull << 24 | 7);
    expect_sgi(f, 0, 1 << 4, 0);
    msr(f, 0, ASGI1R, 4ull << 24 | SGI_ALL_OTHERS);
    expect_sgi(f, 0, 1 << 4, 0);
    msr(f, 0, SGI1R, 4ull << 24 | 7);
    g_assert_true(f->fiq[1] && !f->irq[1] && f->irq[2]);
    expect_sgi(f, 1 << 4, 1 << 4, 1 << 4);
}

static void test_reset(GicFixture *f, gconstpointer unused)
{
    static const struct {
        uint32_t reg;
        uint64_t value;
    } values[] = {{PMR, 0},    {BPR0, 2},         {BPR1, 3},    {AP0R0, 0},
                  {AP1R0, 0},  {ICC_CTLR, 0x400}, {IGRPEN0, 0}, {IGRPEN1, 0},
                  {RPR, 0xff}, {HPPIR1, NONE},    {IAR1, NONE}};

    irq_raise(gic_spi(f, 40));
    mrs(f, 0, IAR1);
    set_ppi(f, 1, 20, true);
    g_assert_true(f->irq[1]);
    msr(f, 0, BPR0, 7);
    msr(f, 0, BPR1, 7);
    msr(f, 0, AP0R0, 7);
    msr(f, 0, ICC_CTLR, 3);
    reset_all();
    g_assert_false(f->irq[1]);
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        g_assert_cmphex(mrs(f, 0, values[i].reg), ==, values[i].value);
    }
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 0);
    /* A timer's level is the timer's. */
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ISPENDR), ==, 1 << 20);
}

static void add(const char *path, void (*test)(GicFixture *, gconstpointer))
{
    g_test_add(path, GicFixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/gic-v3-cpu/registers", test_registers);
    add("/gic-v3-cpu/undefined", test_undefined);
    add("/gic-v3-cpu/level", test_level);
    add("/gic-v3-cpu/edge", test_edge);
    add("/gic-v3-cpu/gates", test_gates);
    add("/gic-v3-cpu/priority", test_priority);
    add("/gic-v3-cpu/preemption", test_preemption);
    add("/gic-v3-cpu/groups", test_groups);
    add("/gic-v3-cpu/split-eoi", test_split_eoi);
    add("/gic-v3-cpu/special", test_special);
    add("/gic-v3-cpu/ppi", test_ppi);
    add("/gic-v3-cpu/sgi", test_sgi);
    add("/gic-v3-cpu/sgi-groups", test_sgi_groups);
    add("/gic-v3-cpu/reset", test_reset);
    return g_test_run();
}
