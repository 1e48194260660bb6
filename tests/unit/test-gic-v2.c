/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gic-v2.c: what is each CPU's own at one address, targets, SGIs with their
 * senders, and the CPU interface with both groups.
 */
#include "gic-fixture.h"

#define CPUS 3
#define NONE 1023
#define HAS_GROUP1 1022

#define ACK_CTL (1 << 2)
#define FIQ_EN (1 << 3)
#define CBPR (1 << 4)
#define EOIMODE (1 << 9)

static void set_up(GicFixture *f, gconstpointer cpus)
{
    gic_fixture_start(f, false, GPOINTER_TO_UINT(cpus), 64, &gic_fixture_ops);
    gicd_write(f, GICD_CTLR, 3);
    for (unsigned cpu = 0; cpu < f->gic->num_cpus; cpu++) {
        gicc_write(f, cpu, GICC_PMR, 0xff);
        gicc_write(f, cpu, GICC_CTLR, 1);
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

/* Enables SPI @intid and has it at a set of CPUs. */
static void enable(GicFixture *f, unsigned intid, uint8_t targets)
{
    gicd_write(f, GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
    gicd_write_n(f, 0, GICD_ITARGETSR + intid, targets, 1);
}

static void to_group1(GicFixture *f, unsigned intid)
{
    hwaddr reg = GICD_IGROUPR + intid / 32 * 4;

    gicd_write(f, reg, gicd_read(f, reg) | 1u << intid % 32);
}

static void test_identity(GicFixture *f, gconstpointer unused)
{
    static const uint8_t ids[] = {0x04, 0, 0,    0,    0x90, 0xb4,
                                  0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};

    g_assert_cmphex(gicd_read(f, GICD_TYPER), ==, 2 << 5 | 2);
    g_assert_cmphex(gicd_read(f, GICD_IIDR), ==, 0x5000043b);
    g_assert_cmphex(gicc_read(f, 1, GICC_IIDR), ==, 0x0502043b);
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_assert_cmphex(gicd_read(f, 0xfd0 + 4 * i), ==, ids[i]);
    }
    gicd_write(f, GICD_CTLR, ~0u);
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 3);
    gicd_write(f, GICD_CTLR, 0);
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 0);
    g_assert_cmpuint(f->dist->size, ==, 0x1000);
    g_assert_cmpuint(f->cpuif->size, ==, 0x2000);
}

static void test_banked(GicFixture *f, gconstpointer unused)
{
    static const hwaddr regs[] = {GICD_IGROUPR, GICD_ISENABLER, GICD_ISPENDR,
                                  GICD_ISACTIVER};

    for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
        uint32_t before = gicd_read_n(f, 1, regs[i], 4);

        gicd_write_n(f, 1, regs[i], 0x12340000, 4);
        g_assert_cmphex(gicd_read_n(f, 1, regs[i], 4) & ~before, ==,
                        0x12340000);
        g_assert_cmphex(gicd_read_n(f, 2, regs[i], 4), ==, before);
        g_assert_cmphex(gicd_read_n(f, 0, regs[i], 4), ==, before);
        gicd_write_n(f, 2, regs[i] + 4, 0xabcd, 4);
        g_assert_cmphex(gicd_read_n(f, 0, regs[i] + 4, 4), ==, 0xabcd);
    }
    gicd_write_n(f, 2, GICD_IPRIORITYR + 31, 0x50, 1);
    gicd_write_n(f, 2, GICD_IPRIORITYR + 32, 0x60, 1);
    g_assert_cmphex(gicd_read_n(f, 2, GICD_IPRIORITYR + 28, 4), ==, 0x50000000);
    g_assert_cmphex(gicd_read_n(f, 0, GICD_IPRIORITYR + 28, 4), ==, 0);
    g_assert_cmphex(gicd_read_n(f, 0, GICD_IPRIORITYR + 32, 4), ==, 0x60);
    gicd_write_n(f, 1, GICD_ICFGR + 4, ~0u, 4);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_ICFGR + 4, 4), ==, 0xaaaaaaaa);
    g_assert_cmphex(gicd_read_n(f, 0, GICD_ICFGR + 4, 4), ==, 0);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        gicd_write_n(f, cpu, GICD_ITARGETSR, 0, 4);
        g_assert_cmphex(gicd_read_n(f, cpu, GICD_ITARGETSR, 4), ==,
                        0x01010101u << cpu);
        g_assert_cmphex(gicd_read_n(f, cpu, GICD_ITARGETSR + 31, 1), ==,
                        1u << cpu);
        gicc_write(f, cpu, GICC_PMR, 0x10 * cpu);
    }
    g_assert_cmphex(gicc_read(f, 1, GICC_PMR), ==, 0x10);
    g_assert_cmphex(gicc_read(f, 2, GICC_PMR), ==, 0x20);
}

/* SGIs are always enabled, and pending because of their senders only. */
static void test_fixed(GicFixture *f, gconstpointer unused)
{
    g_assert_cmphex(gicd_read(f, GICD_ISENABLER), ==, 0xffff);
    gicd_write(f, GICD_ISENABLER, 0x00030000);
    gicd_write(f, GICD_ICENABLER, 0x0001ffff);
    g_assert_cmphex(gicd_read(f, GICD_ICENABLER), ==, 0x0002ffff);
    gicd_write(f, GICD_ISPENDR, 0x1ffff);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR), ==, 0x10000);
    gicd_write(f, GICD_ICPENDR, ~0u);
    gicd_write_n(f, 0, GICD_SPENDSGIR + 3, 2, 1);
    gicd_write(f, GICD_ICPENDR, ~0u);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR), ==, 1 << 3);
    gicd_write(f, GICD_ICFGR, 0);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR), ==, 0xaaaaaaaa);
}

static void test_targets(GicFixture *f, gconstpointer unused)
{
    g_assert_cmphex(gicd_read(f, GICD_ITARGETSR + 32), ==, 0);
    enable(f, 50, 0);
    irq_raise(gic_spi(f, 50));
    g_assert_true(!f->irq[0] && !f->irq[1] && !f->irq[2]);
    gicd_write(f, GICD_ITARGETSR + 48, 0xff060000);
    g_assert_cmphex(gicd_read(f, GICD_ITARGETSR + 48), ==, 0x07060000);
    g_assert_true(!f->irq[0] && f->irq[1] && f->irq[2]);
    /* The first one to take it has it. */
    g_assert_cmpuint(gicc_read(f, 2, GICC_IAR), ==, 50);
    g_assert_true(!f->irq[1] && !f->irq[2]);
    g_assert_cmpuint(gicc_read(f, 1, GICC_IAR), ==, NONE);
    gicc_write(f, 2, GICC_EOIR, 50);
    g_assert_true(!f->irq[0] && f->irq[1] && f->irq[2]);
    gicd_write_n(f, 0, GICD_ITARGETSR + 50, 1, 1);
    g_assert_true(f->irq[0] && !f->irq[1] && !f->irq[2]);
    /* Beyond the last. */
    gicd_write(f, GICD_ITARGETSR + 96, ~0u);
    g_assert_cmphex(gicd_read(f, GICD_ITARGETSR + 96), ==, 0);
}

static void test_one_cpu(GicFixture *f, gconstpointer unused)
{
    g_assert_cmphex(gicd_read(f, GICD_TYPER), ==, 2);
    g_assert_cmphex(gicd_read(f, GICD_ITARGETSR), ==, 0);
    gicd_write(f, GICD_ITARGETSR + 32, 0);
    g_assert_cmphex(gicd_read(f, GICD_ITARGETSR + 32), ==, 0);
    gicd_write(f, GICD_ISENABLER + 4, 1);
    irq_raise(gic_spi(f, 32));
    g_assert_true(f->irq[0]);
}

static void send(GicFixture *f, unsigned cpu, uint32_t sgir)
{
    gicd_write_n(f, cpu, GICD_SGIR, sgir, 4);
}

/* The pending SGI 7's senders, forgotten thereby. */
static void expect_senders(GicFixture *f, uint8_t cpu0, uint8_t cpu1,
                           uint8_t cpu2)
{
    const uint8_t senders[] = {cpu0, cpu1, cpu2};

    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        g_assert_cmphex(gicd_read_n(f, cpu, GICD_SPENDSGIR + 7, 1), ==,
                        senders[cpu]);
        g_assert_cmphex(gicd_read_n(f, cpu, GICD_CPENDSGIR + 4, 4), ==,
                        (uint32_t)senders[cpu] << 24);
        gicd_write_n(f, cpu, GICD_CPENDSGIR + 7, 0xff, 1);
        g_assert_false(f->irq[cpu]);
    }
}

static void test_sgi_targets(GicFixture *f, gconstpointer unused)
{
    send(f, 1, 5 << 16 | 7);
    g_assert_true(f->irq[0] && !f->irq[1] && f->irq[2]);
    expect_senders(f, 2, 0, 2);
    send(f, 1, 0xff << 16 | 7);
    expect_senders(f, 2, 2, 2);
    send(f, 1, 1 << 24 | 7);
    expect_senders(f, 2, 0, 2);
    send(f, 1, 2 << 24 | 0xff << 16 | 7);
    expect_senders(f, 0, 2, 0);
    send(f, 1, 3 << 24 | 0xff << 16 | 7);
    expect_senders(f, 0, 0, 0);
    send(f, 1, 7);
    expect_senders(f, 0, 0, 0);
    send(f, 0, 2 << 16 | 7);
    send(f, 1, 2 << 16 | 7);
    send(f, 2, 2 << 16 | 7);
    expect_senders(f, 0, 7, 0);
    g_assert_cmphex(gicd_read(f, GICD_SGIR), ==, 0);
}

static void test_sgi_senders(GicFixture *f, gconstpointer unused)
{
    send(f, 2, 2 << 16 | 9);
    send(f, 0, 2 << 16 | 9);
    g_assert_cmphex(gicc_read(f, 1, GICC_HPPIR), ==, 9);
    g_assert_cmphex(gicc_read(f, 1, GICC_IAR), ==, 9);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_SPENDSGIR + 9, 1), ==, 4);
    g_assert_false(f->irq[1]);
    gicc_write(f, 1, GICC_EOIR, 9);
    g_assert_true(f->irq[1]);
    g_assert_cmphex(gicc_read(f, 1, GICC_HPPIR), ==, 2 << 10 | 9);
    g_assert_cmphex(gicc_read(f, 1, GICC_IAR), ==, 2 << 10 | 9);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_ISPENDR, 4), ==, 0);
    gicc_write(f, 1, GICC_EOIR, 2 << 10 | 9);
    g_assert_false(f->irq[1]);
    g_assert_cmphex(gicc_read(f, 1, GICC_IAR), ==, NONE);
    /* By the registers, one sender of several. */
    gicd_write_n(f, 1, GICD_SPENDSGIR + 8, 0xff00 | 3, 4);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_ISPENDR, 4), ==, 0x300);
    gicd_write_n(f, 1, GICD_CPENDSGIR + 8, 0xfe02, 4);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_SPENDSGIR + 8, 4), ==, 0x101);
    gicd_write_n(f, 1, GICD_CPENDSGIR + 8, 1, 1);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_ISPENDR, 4), ==, 0x200);
}

static void test_taking(GicFixture *f, gconstpointer unused)
{
    enable(f, 40, 1);
    enable(f, 41, 1);
    set_priority(f, 40, 0xa0);
    set_priority(f, 41, 0x50);
    irq_raise(gic_spi(f, 40));
    g_assert_true(f->irq[0] && !f->fiq[0]);
    g_assert_cmpuint(gicc_read(f, 0, GICC_IAR), ==, 40);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0xa0);
    g_assert_cmphex(gicc_read(f, 0, GICC_APR0), ==, 1u << 20);
    irq_raise(gic_spi(f, 41));
    g_assert_true(f->irq[0]);
    gicc_write(f, 0, GICC_PMR, 0x50);
    g_assert_false(f->irq[0]);
    g_assert_cmpuint(gicc_read(f, 0, GICC_HPPIR), ==, 41);
    g_assert_cmpuint(gicc_read(f, 0, GICC_IAR), ==, NONE);
    gicc_write(f, 0, GICC_PMR, 0x5f);
    g_assert_cmphex(gicc_read(f, 0, GICC_PMR), ==, 0x58);
    g_assert_cmpuint(gicc_read(f, 0, GICC_IAR), ==, 41);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0x50);
    irq_lower(gic_spi(f, 41));
    gicc_write(f, 0, GICC_EOIR, NONE);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0x50);
    gicc_write(f, 0, GICC_EOIR, 41);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0xa0);
    gicc_write(f, 0, GICC_PMR, 0xff);
    g_assert_false(f->irq[0]);
    gicc_write(f, 0, GICC_EOIR, 40);
    g_assert_true(f->irq[0]);
    gicc_write(f, 0, GICC_CTLR, 0);
    g_assert_false(f->irq[0]);
    gicc_write(f, 0, GICC_CTLR, 1);
    gicd_write(f, GICD_CTLR, 2);
    g_assert_false(f->irq[0]);
}

static void test_split_eoi(GicFixture *f, gconstpointer unused)
{
    enable(f, 40, 1);
    gicc_write(f, 0, GICC_DIR, 40);
    gicc_write(f, 0, GICC_CTLR, 1 | EOIMODE);
    irq_raise(gic_spi(f, 40));
    g_assert_cmpuint(gicc_read(f, 0, GICC_IAR), ==, 40);
    gicc_write(f, 0, GICC_EOIR, 40);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0xff);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 1 << 8);
    g_assert_false(f->irq[0]);
    gicc_write(f, 1, GICC_DIR, 40); /* not in its mode */
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 1 << 8);
    gicc_write(f, 0, GICC_DIR, 40);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 0);
    g_assert_true(f->irq[0]);
}

/* Both groups, and what each of the registers has of them. */
static void test_groups(GicFixture *f, gconstpointer unused)
{
    enable(f, 40, 1);
    enable(f, 41, 1);
    to_group1(f, 41);
    set_priority(f, 40, 0x80);
    set_priority(f, 41, 0x40);
    irq_raise(gic_spi(f, 41));
    g_assert_false(f->irq[0]); /* group 1 is off */
    g_assert_cmpuint(gicc_read(f, 0, GICC_HPPIR), ==, NONE);
    gicc_write(f, 0, GICC_CTLR, 3);
    g_assert_true(f->irq[0]);
    g_assert_cmpuint(gicc_read(f, 0, GICC_HPPIR), ==, HAS_GROUP1);
    g_assert_cmpuint(gicc_read(f, 0, GICC_IAR), ==, HAS_GROUP1);
    g_assert_cmpuint(gicc_read(f, 0, GICC_AHPPIR), ==, 41);
    g_assert_cmpuint(gicc_read(f, 0, GICC_AIAR), ==, 41);
    g_assert_cmphex(gicc_read(f, 0, GICC_NSAPR0), ==, 1u << 8);
    g_assert_cmphex(gicc_read(f, 0, GICC_APR0), ==, 0);
    gicc_write(f, 0, GICC_EOIR, 41);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0x40);
    irq_lower(gic_spi(f, 41));
    gicc_write(f, 0, GICC_AEOIR, 41);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0xff);
    g_assert_cmphex(gicd_read(f, GICD_ISACTIVER + 4), ==, 0);

    irq_raise(gic_spi(f, 40));
    g_assert_true(f->irq[0] && !f->fiq[0]);
    g_assert_cmpuint(gicc_read(f, 0, GICC_AHPPIR), ==, NONE);
    g_assert_cmpuint(gicc_read(f, 0, GICC_AIAR), ==, NONE);
    gicc_write(f, 0, GICC_CTLR, 3 | FIQ_EN);
    g_assert_true(!f->irq[0] && f->fiq[0]);
    irq_raise(gic_spi(f, 41));
    g_assert_true(f->irq[0] && !f->fiq[0]); /* it is the more urgent one */

    /* AckCtl: the first set of registers has all. */
    gicc_write(f, 0, GICC_CTLR, 3 | ACK_CTL);
    g_assert_cmpuint(gicc_read(f, 0, GICC_HPPIR), ==, 41);
    g_assert_cmpuint(gicc_read(f, 0, GICC_IAR), ==, 41);
    irq_lower(gic_spi(f, 41));
    gicc_write(f, 0, GICC_EOIR, 41);
    g_assert_cmpuint(gicc_read(f, 0, GICC_IAR), ==, 40);
    gicc_write(f, 0, GICC_AEOIR, 40);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0x80);
    gicc_write(f, 0, GICC_EOIR, 40);
    g_assert_cmphex(gicc_read(f, 0, GICC_RPR), ==, 0xff);
}

static void test_cpu_registers(GicFixture *f, gconstpointer unused)
{
    static const struct {
        hwaddr reg;
        uint32_t write, read;
    } values[] = {
        {GICC_CTLR, ~0u, 0x21f}, {GICC_CTLR, 0, 0},
        {GICC_CTLR, 0x1e0, 0},   {GICC_PMR, 0x1ff, 0xf8},
        {GICC_BPR, 0, 2},        {GICC_BPR, 0xff, 7},
        {GICC_ABPR, 0, 3},       {GICC_ABPR, 5, 5},
        {GICC_APR0, 0x10, 0x10}, {GICC_NSAPR0, 0x20, 0x20},
        {GICC_APR0, 0, 0},       {GICC_NSAPR0, 0, 0},
        {GICC_RPR, 0, 0xff},     {GICC_HPPIR, 0, NONE},
        {GICC_AHPPIR, 0, NONE},  {GICC_IAR, 0, NONE},
        {GICC_AIAR, 0, NONE},    {GICC_IIDR, 0, 0x0502043b},
        {GICC_EOIR, 0, 0},       {GICC_AEOIR, 0, 0},
        {GICC_DIR, 0, 0},        {0x2c, ~0u, 0},
        {0xd4, ~0u, 0},          {0xe4, ~0u, 0},
        {0x100, ~0u, 0},         {0x1ffc, ~0u, 0},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        gicc_write(f, 2, values[i].reg, values[i].write);
        g_assert_cmphex(gicc_read(f, 2, values[i].reg), ==, values[i].read);
    }
    g_assert_cmphex(gicc_read(f, 2, GICC_BPR), ==, 7);
    gicc_write(f, 2, GICC_BPR, 3);
    gicc_write(f, 2, GICC_CTLR, CBPR);
    g_assert_cmphex(gicc_read(f, 2, GICC_ABPR), ==, 4);
    gicc_write(f, 2, GICC_ABPR, 6);
    gicc_write(f, 2, GICC_CTLR, 0);
    g_assert_cmphex(gicc_read(f, 2, GICC_ABPR), ==, 5);
}

static void test_bad(GicFixture *f, gconstpointer unused)
{
    static const struct {
        bool cpu;
        hwaddr addr;
        unsigned size;
    } refused[] = {
        {false, GICD_CTLR, 1},      {false, GICD_CTLR, 8},
        {false, GICD_ISENABLER, 2}, {false, GICD_ITARGETSR + 32, 2},
        {false, GICD_SGIR, 1},      {false, GICD_SPENDSGIR, 2},
        {false, GICD_SPENDSGIR, 8}, {false, GICD_IPRIORITYR, 2},
        {false, GICD_ICFGR + 8, 1}, {false, 0xfe8, 1},
        {true, GICC_IAR, 1},        {true, GICC_PMR, 2},
        {true, GICC_CTLR, 8},       {true, GICC_DIR, 8},
    };
    static const hwaddr reserved[] = {0x0c, 0x40, 0xd00, 0xe00, 0xf04, 0xf30};

    for (unsigned i = 0; i < G_N_ELEMENTS(refused); i++) {
        for (unsigned is_write = 0; is_write < 2; is_write++) {
            uint64_t value = 0;

            g_assert_cmpint(
                memory_region_dispatch(refused[i].cpu ? f->cpuif : f->dist,
                                       refused[i].addr, &value, refused[i].size,
                                       is_write),
                ==, MEMTX_DECODE_ERROR);
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(reserved); i++) {
        gicd_write(f, reserved[i], ~0u);
        g_assert_cmphex(gicd_read(f, reserved[i]), ==, 0);
    }
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 3);
    g_assert_cmphex(gicc_read(f, 0, GICC_PMR), ==, 0xf8);
}

static void test_reset(GicFixture *f, gconstpointer unused)
{
    enable(f, 40, 7);
    gicd_write(f, GICD_ISPENDR + 4, ~0u);
    gicd_write_n(f, 1, GICD_ISENABLER, ~0u, 4);
    send(f, 0, 2 << 16 | 3);
    gicc_write(f, 1, GICC_CTLR, 0x21f);
    g_assert_true(f->irq[0] && f->irq[2] && f->fiq[1]);
    reset_all();
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        g_assert_true(!f->irq[cpu] && !f->fiq[cpu]);
    }
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_ITARGETSR + 40), ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 0);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_ISENABLER, 4), ==, 0xffff);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_SPENDSGIR, 4), ==, 0);
    g_assert_cmphex(gicd_read_n(f, 1, GICD_ISPENDR, 4), ==, 0);
    g_assert_cmphex(gicc_read(f, 1, GICC_CTLR), ==, 0);
    g_assert_cmphex(gicc_read(f, 1, GICC_PMR), ==, 0);
    g_assert_cmphex(gicc_read(f, 1, GICC_BPR), ==, 2);
    g_assert_cmphex(gicc_read(f, 1, GICC_ABPR), ==, 3);
}

static void add(const char *path, unsigned cpus,
                void (*test)(GicFixture *, gconstpointer))
{
    g_test_add(path, GicFixture, GUINT_TO_POINTER(cpus), set_up, test,
               tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/gic-v2/identity", CPUS, test_identity);
    add("/gic-v2/banked", CPUS, test_banked);
    add("/gic-v2/fixed", CPUS, test_fixed);
    add("/gic-v2/targets", CPUS, test_targets);
    add("/gic-v2/one-cpu", 1, test_one_cpu);
    add("/gic-v2/sgi-targets", CPUS, test_sgi_targets);
    add("/gic-v2/sgi-senders", CPUS, test_sgi_senders);
    add("/gic-v2/taking", CPUS, test_taking);
    add("/gic-v2/split-eoi", CPUS, test_split_eoi);
    add("/gic-v2/groups", CPUS, test_groups);
    add("/gic-v2/cpu-registers", CPUS, test_cpu_registers);
    add("/gic-v2/bad", CPUS, test_bad);
    add("/gic-v2/reset", CPUS, test_reset);
    return g_test_run();
}
