/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gic-v3.c: the registers of the distributor and of the redistributors, where
 * an SPI goes, and interrupts by a write.
 */
#include "gic-fixture.h"

#define CPUS 3
#define SPIS 64

#define GICD_SETSPI_NSR 0x40
#define GICD_CLRSPI_NSR 0x48
#define IRM (1ull << 31)

static void set_up(GicFixture *f, gconstpointer unused)
{
    gic_fixture_start(f, true, CPUS, SPIS, &gic_fixture_ops);
}

static void tear_down(GicFixture *f, gconstpointer unused)
{
    gic_fixture_stop(f);
}

/* All of group 1 and with the highest priority, at every CPU. */
static void open_all(GicFixture *f)
{
    gicd_write(f, GICD_CTLR, 3);
    gicd_write(f, GICD_IGROUPR + 4, ~0u);
    gicd_write(f, GICD_IGROUPR + 8, ~0u);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        gicr_write(f, cpu, GICR_SGI + GICD_IGROUPR, ~0u);
        msr(f, cpu, PMR, 0xff);
        msr(f, cpu, IGRPEN1, 1);
    }
}

static void enable(GicFixture *f, unsigned intid)
{
    gicd_write(f, GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

static void test_identity(GicFixture *f, gconstpointer unused)
{
    static const uint8_t ids[] = {0x44, 0, 0,    0,    0x92, 0xb4,
                                  0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

    /* ARE and DS are on; ten bits of INTID, messages, 96 interrupts. */
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 0x50);
    g_assert_cmphex(gicd_read(f, GICD_TYPER), ==, 9 << 19 | 1 << 16 | 2);
    g_assert_cmphex(gicd_read(f, GICD_IIDR), ==, 0x5000043b);
    g_assert_cmphex(gicr_read(f, 1, 4), ==, 0x5000043b);
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_assert_cmphex(gicd_read(f, 0xffd0 + 4 * i), ==, ids[i]);
        g_assert_cmphex(gicr_read(f, 1, 0xffd0 + 4 * i), ==,
                        i == 4 ? 0x93 : ids[i]);
    }
    gicd_write(f, GICD_TYPER, 0);
    gicd_write(f, 0xffe8, 0);
    g_assert_cmphex(gicd_read(f, GICD_TYPER) & 0x1f, ==, 2);
    g_assert_cmphex(gicd_read(f, 0xffe8), ==, 0x3b);
    gicd_write(f, GICD_CTLR, ~0u);
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 0x53);
    gicd_write(f, GICD_CTLR, 0);
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 0x50);
}

static void test_redistributors(GicFixture *f, gconstpointer unused)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        uint64_t typer =
            (uint64_t)cpu << 32 | cpu << 8 | (cpu == CPUS - 1 ? 1 << 4 : 0);

        g_assert_cmphex(cpuif_read_n(f, 0, cpu * GICR_STRIDE + 8, 8), ==,
                        typer);
        g_assert_cmphex(gicr_read(f, cpu, 8), ==, (uint32_t)typer);
        g_assert_cmphex(gicr_read(f, cpu, 12), ==, cpu);
        g_assert_cmphex(gicr_read(f, cpu, 0), ==, 0);
        g_assert_cmphex(gicr_read(f, cpu, 0x14), ==, 6);
    }
    gicr_write(f, 1, 0x14, 0);
    g_assert_cmphex(gicr_read(f, 1, 0x14), ==, 0);
    g_assert_cmphex(gicr_read(f, 2, 0x14), ==, 6);
    gicr_write(f, 1, 0x14, ~0u);
    g_assert_cmphex(gicr_read(f, 1, 0x14), ==, 6);
    g_assert_cmpuint(f->cpuif->size, ==, CPUS * GICR_STRIDE);
    g_assert_cmpuint(f->dist->size, ==, 0x10000);
}

/* Each of a pair of registers sets or clears what both read. */
static void check_pair(GicFixture *f, hwaddr set, hwaddr clear)
{
    gicd_write(f, set + 4, 0xf0f0);
    gicd_write(f, set + 4, 0x000f);
    g_assert_cmphex(gicd_read(f, set + 4), ==, 0xf0ff);
    g_assert_cmphex(gicd_read(f, clear + 4), ==, 0xf0ff);
    gicd_write(f, clear + 4, 0x00f1);
    g_assert_cmphex(gicd_read(f, set + 4), ==, 0xf00e);
    g_assert_cmphex(gicd_read(f, set + 8), ==, 0);
    gicd_write(f, set + 8, ~0u);
    g_assert_cmphex(gicd_read(f, clear + 8), ==, ~0u);
    g_assert_cmphex(gicd_read(f, clear + 4), ==, 0xf00e);

    /* What is private is a redistributor's, and each CPU's own. */
    gicd_write(f, set, ~0u);
    g_assert_cmphex(gicd_read(f, set), ==, 0);
    gicr_write(f, 1, GICR_SGI + set, 0x00ff00ff);
    gicr_write(f, 1, GICR_SGI + clear, 0x00010001);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + set), ==, 0x00fe00fe);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + clear), ==, 0x00fe00fe);
    g_assert_cmphex(gicr_read(f, 0, GICR_SGI + set), ==, 0);
    g_assert_cmphex(gicd_read(f, set), ==, 0);

    /* Beyond the last interrupt there is nothing, and nothing of an SPI here */
    gicd_write(f, set + 12, ~0u);
    g_assert_cmphex(gicd_read(f, set + 12), ==, 0);
    gicr_write(f, 1, GICR_SGI + set + 4, ~0u);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + set + 4), ==, 0);
    g_assert_cmphex(gicd_read(f, set + 4), ==, 0xf00e);
}

static void test_bits(GicFixture *f, gconstpointer unused)
{
    check_pair(f, GICD_ISENABLER, GICD_ICENABLER);
    check_pair(f, GICD_ISPENDR, GICD_ICPENDR);
    check_pair(f, GICD_ISACTIVER, GICD_ICACTIVER);
    gicd_write(f, GICD_IGROUPR + 8, 0x1234);
    g_assert_cmphex(gicd_read(f, GICD_IGROUPR + 8), ==, 0x1234);
    gicd_write(f, GICD_IGROUPR + 8, 0x4321);
    g_assert_cmphex(gicd_read(f, GICD_IGROUPR + 8), ==, 0x4321);
    gicr_write(f, 2, GICR_SGI + GICD_IGROUPR, 0x5678);
    g_assert_cmphex(gicr_read(f, 2, GICR_SGI + GICD_IGROUPR), ==, 0x5678);
    g_assert_cmphex(gicd_read(f, GICD_IGROUPR), ==, 0);
    g_assert_cmpuint(f->changes, ==, 0);
}

static void test_priorities(GicFixture *f, gconstpointer unused)
{
    gicd_write(f, GICD_IPRIORITYR + 32, 0xffa7089f);
    g_assert_cmphex(gicd_read(f, GICD_IPRIORITYR + 32), ==, 0xf8a00898);
    gicd_write_n(f, 0, GICD_IPRIORITYR + 33, 0x77, 1);
    g_assert_cmphex(gicd_read(f, GICD_IPRIORITYR + 32), ==, 0xf8a07098);
    g_assert_cmphex(gicd_read_n(f, 0, GICD_IPRIORITYR + 34, 1), ==, 0xa0);
    gicd_write_n(f, 0, GICD_IPRIORITYR + 95, 0xff, 1);
    g_assert_cmphex(gicd_read(f, GICD_IPRIORITYR + 92), ==, 0xf8000000);
    gicd_write(f, GICD_IPRIORITYR, ~0u);
    gicd_write(f, GICD_IPRIORITYR + 96, ~0u);
    g_assert_cmphex(gicd_read(f, GICD_IPRIORITYR), ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_IPRIORITYR + 96), ==, 0);
    gicr_write(f, 1, GICR_SGI + GICD_IPRIORITYR + 28, 0x11223344);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_IPRIORITYR + 28), ==,
                    0x10203040);
    g_assert_cmphex(gicr_read(f, 0, GICR_SGI + GICD_IPRIORITYR + 28), ==, 0);
    gicr_write(f, 1, GICR_SGI + GICD_IPRIORITYR + 32, ~0u);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_IPRIORITYR + 32), ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_IPRIORITYR + 32), ==, 0xf8a07098);
}

static void test_config(GicFixture *f, gconstpointer unused)
{
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 8), ==, 0);
    gicd_write(f, GICD_ICFGR + 8, 0xfff0000f);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 8), ==, 0xaaa0000a);
    gicd_write(f, GICD_ICFGR + 12, 0x2);
    gicd_write(f, GICD_ICFGR + 8, 0);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 8), ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 12), ==, 2);
    gicd_write(f, GICD_ICFGR, ~0u);
    gicd_write(f, GICD_ICFGR + 24, ~0u);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR), ==, 0);
    g_assert_cmphex(gicd_read(f, GICD_ICFGR + 24), ==, 0);
    /* SGIs always are edges. */
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ICFGR), ==, 0xaaaaaaaa);
    gicr_write(f, 1, GICR_SGI + GICD_ICFGR, 0);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ICFGR), ==, 0xaaaaaaaa);
    gicr_write(f, 1, GICR_SGI + GICD_ICFGR + 4, 0x80000000);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ICFGR + 4), ==, 0x80000000);
    g_assert_cmphex(gicr_read(f, 2, GICR_SGI + GICD_ICFGR + 4), ==, 0);
}

/* Nothing there: reads as zero and ignores writes, at each size. */
static void test_reserved(GicFixture *f, gconstpointer unused)
{
    static const hwaddr in_dist[] = {
        0x10,  0x50,   0x58,   0x800,  0xbf8,  0xd00,  0xe00,  0xf00, 0xf10,
        0xf20, 0x1000, 0x6000, 0x60f8, 0x6300, 0x7fd8, 0x8000, 0xffc8};
    static const hwaddr in_redist[] = {0,       0x10,    0x40,    0x70,
                                       0x78,    0xffc8,  0x10000, 0x10800,
                                       0x10d00, 0x10e00, 0x1ffe8};

    for (unsigned i = 0; i < G_N_ELEMENTS(in_dist); i++) {
        gicd_write_n(f, 0, in_dist[i], ~0ull, 8);
        g_assert_cmphex(gicd_read_n(f, 0, in_dist[i], 8), ==, 0);
        gicd_write(f, in_dist[i], ~0u);
        g_assert_cmphex(gicd_read(f, in_dist[i]), ==, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(in_redist); i++) {
        hwaddr addr = GICR_STRIDE + in_redist[i];

        cpuif_write_n(f, 0, addr, ~0ull, 8);
        g_assert_cmphex(cpuif_read_n(f, 0, addr, 8), ==, 0);
        gicr_write(f, 1, in_redist[i], ~0u);
        g_assert_cmphex(gicr_read(f, 1, in_redist[i]), ==, 0);
    }
    gicd_write(f, 0x0c, ~0u);
    g_assert_cmphex(gicd_read(f, 0x0c), ==, 0);
}

static void refuse(MemoryRegion *mr, hwaddr addr, unsigned size)
{
    for (unsigned is_write = 0; is_write < 2; is_write++) {
        uint64_t value = 0;

        g_assert_cmpint(
            memory_region_dispatch(mr, addr, &value, size, is_write), ==,
            MEMTX_DECODE_ERROR);
    }
}

static void test_sizes(GicFixture *f, gconstpointer unused)
{
    static const hwaddr words[] = {
        GICD_CTLR,      GICD_TYPER,     GICD_IIDR,         GICD_IGROUPR + 8,
        GICD_ISENABLER, GICD_ICPENDR,   GICD_ICFGR + 8,    0xffe8,
        GICD_ISACTIVER, GICD_ICACTIVER, GICD_ICENABLER + 8};
    static const hwaddr redist_words[] = {4, 0x14, 0xffe8, GICR_SGI + 0x80,
                                          GICR_SGI + GICD_ICFGR};

    open_all(f);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        refuse(f->dist, words[i], 1);
        refuse(f->dist, words[i], 2);
        if (words[i] % 8 == 0) {
            refuse(f->dist, words[i], 8);
        }
        refuse(f->dist, words[i] + 2, 4);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(redist_words); i++) {
        refuse(f->cpuif, redist_words[i], 1);
        refuse(f->cpuif, redist_words[i], 2);
    }
    refuse(f->dist, GICD_IPRIORITYR + 32, 2);
    refuse(f->dist, GICD_IPRIORITYR + 32, 8);
    refuse(f->dist, GICD_IROUTER + 8 * 32, 2);
    refuse(f->dist, GICD_SETSPI_NSR, 1);
    refuse(f->dist, GICD_SETSPI_NSR, 8);
    refuse(f->cpuif, 8, 2);
    /* None of the writes had an effect. */
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 0x53);
    g_assert_cmphex(gicr_read(f, 0, 0x14), ==, 6);
    g_assert_cmphex(gicd_read(f, GICD_IGROUPR + 8), ==, ~0u);
}

static void test_route(GicFixture *f, gconstpointer unused)
{
    open_all(f);
    enable(f, 40);
    irq_raise(gic_spi(f, 40));
    g_assert_true(f->irq[0] && !f->irq[1] && !f->irq[2]);
    gicd_write_n(f, 0, GICD_IROUTER + 8 * 40, 2, 8);
    g_assert_true(!f->irq[0] && !f->irq[1] && f->irq[2]);
    g_assert_cmphex(gicd_read_n(f, 0, GICD_IROUTER + 8 * 40, 8), ==, 2);
    /* By halves. */
    gicd_write(f, GICD_IROUTER + 8 * 40 + 4, 0xff);
    g_assert_true(f->irq[2]);
    gicd_write(f, GICD_IROUTER + 8 * 40, 1);
    g_assert_true(!f->irq[0] && f->irq[1] && !f->irq[2]);
    g_assert_cmphex(gicd_read(f, GICD_IROUTER + 8 * 40), ==, 1);
    g_assert_cmphex(gicd_read(f, GICD_IROUTER + 8 * 40 + 4), ==, 0);
    /* To a CPU that is not there, in this cluster or in another. */
    gicd_write_n(f, 0, GICD_IROUTER + 8 * 40, 3, 8);
    g_assert_true(!f->irq[0] && !f->irq[1] && !f->irq[2]);
    gicd_write_n(f, 0, GICD_IROUTER + 8 * 40, 0x100, 8);
    g_assert_true(!f->irq[0] && !f->irq[1] && !f->irq[2]);
    g_assert_cmphex(gicd_read_n(f, 0, GICD_IROUTER + 8 * 40, 8), ==, 0x100);
    gicd_write_n(f, 0, GICD_IROUTER + 8 * 40, 0, 8);
    g_assert_true(f->irq[0]);
}

/* The first CPU that takes interrupts of its group gets it, nobody else. */
static void test_any_cpu(GicFixture *f, gconstpointer unused)
{
    open_all(f);
    gicd_write_n(f, 0, GICD_IROUTER + 8 * 95, IRM | 2, 8);
    g_assert_cmphex(gicd_read_n(f, 0, GICD_IROUTER + 8 * 95, 8), ==, IRM | 2);
    enable(f, 95);
    irq_raise(gic_spi(f, 95));
    g_assert_true(f->irq[0] && !f->irq[1] && !f->irq[2]);
    msr(f, 0, IGRPEN1, 0);
    g_assert_true(!f->irq[0] && f->irq[1] && !f->irq[2]);
    msr(f, 1, IGRPEN1, 0);
    g_assert_true(!f->irq[0] && !f->irq[1] && f->irq[2]);
    msr(f, 0, IGRPEN0, 1);
    g_assert_true(!f->irq[0] && f->irq[2]);
    g_assert_cmpuint(mrs(f, 2, IAR1), ==, 95);
    msr(f, 0, IGRPEN1, 1);
    g_assert_true(!f->irq[0] && !f->irq[1] && !f->irq[2]);
    msr(f, 2, EOIR1, 95);
    g_assert_true(f->irq[0] && !f->irq[2]);
    gicd_write_n(f, 0, GICD_IROUTER + 8 * 95, 2, 8);
    g_assert_true(!f->irq[0] && f->irq[2]);
}

static void test_message(GicFixture *f, gconstpointer unused)
{
    open_all(f);
    enable(f, 33);
    enable(f, 34);
    gicd_write(f, GICD_ICFGR + 8, 2u << 2); /* 33 is an edge */
    gicd_write(f, GICD_SETSPI_NSR, 33);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 2);
    gicd_write_n(f, 0, GICD_CLRSPI_NSR, 33, 2);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 0);
    gicd_write_n(f, 0, GICD_SETSPI_NSR, 33, 2);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 33);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 0);
    gicd_write(f, GICD_SETSPI_NSR, 33);
    g_assert_cmphex(gicd_read(f, GICD_ISPENDR + 4), ==, 2);
    gicd_write(f, GICD_CLRSPI_NSR, 33);
    msr(f, 0, EOIR1, 33);
    g_assert_false(f->irq[0]);

    /* A level stays until it is cleared. */
    gicd_write(f, GICD_SETSPI_NSR, 34);
    g_assert_cmpuint(mrs(f, 0, IAR1), ==, 34);
    msr(f, 0, EOIR1, 34);
    g_assert_true(f->irq[0]);
    gicd_write(f, GICD_CLRSPI_NSR, 34);
    g_assert_false(f->irq[0]);
    g_assert_cmphex(gicd_read(f, GICD_SETSPI_NSR), ==, 0);

    /* No SPI, and none that there is. */
    gicd_write(f, GICD_SETSPI_NSR, 16);
    gicd_write(f, GICD_SETSPI_NSR, 96);
    gicd_write(f, GICD_SETSPI_NSR, 1023);
    g_assert_cmphex(gicr_read(f, 0, GICR_SGI + GICD_ISPENDR), ==, 0);
}

static void test_reset(GicFixture *f, gconstpointer unused)
{
    static const hwaddr words[] = {GICD_IGROUPR + 4,     GICD_ISENABLER + 4,
                                   GICD_ISPENDR + 4,     GICD_ISACTIVER + 4,
                                   GICD_IPRIORITYR + 32, GICD_ICFGR + 8};

    open_all(f);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        gicd_write(f, words[i], ~0u);
    }
    gicd_write_n(f, 0, GICD_IROUTER + 8 * 32, 1, 8);
    gicr_write(f, 1, 0x14, 0);
    gicr_write(f, 1, GICR_SGI + GICD_ISENABLER, ~0u);
    gicr_write(f, 1, GICR_SGI + GICD_ISPENDR, ~0u);
    gicr_write(f, 1, GICR_SGI + GICD_ICFGR + 4, ~0u);
    g_assert_true(f->irq[1]);
    reset_all();
    g_assert_true(!f->irq[0] && !f->irq[1] && !f->irq[2]);
    g_assert_cmphex(gicd_read(f, GICD_CTLR), ==, 0x50);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        g_assert_cmphex(gicd_read(f, words[i]), ==, 0);
    }
    g_assert_cmphex(gicd_read_n(f, 0, GICD_IROUTER + 8 * 32, 8), ==, 0);
    g_assert_cmphex(gicr_read(f, 1, 0x14), ==, 6);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ISENABLER), ==, 0);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ISPENDR), ==, 0);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_IGROUPR), ==, 0);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ICFGR), ==, 0xaaaaaaaa);
    g_assert_cmphex(gicr_read(f, 1, GICR_SGI + GICD_ICFGR + 4), ==, 0);
}

static void add(const char *path, void (*test)(GicFixture *, gconstpointer))
{
    g_test_add(path, GicFixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/gic-v3/identity", test_identity);
    add("/gic-v3/redistributors", test_redistributors);
    add("/gic-v3/bits", test_bits);
    add("/gic-v3/priorities", test_priorities);
    add("/gic-v3/config", test_config);
    add("/gic-v3/reserved", test_reserved);
    add("/gic-v3/sizes", test_sizes);
    add("/gic-v3/route", test_route);
    add("/gic-v3/any-cpu", test_any_cpu);
    add("/gic-v3/message", test_message);
    add("/gic-v3/reset", test_reset);
    return g_test_run();
}
