/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pl031.c on the virtual clock, which the test moves; and on the host's, as
 * far as that can be known.
 */

#include "hw/core/reset.h"
#include "hw/rtc/pl031.h"
#include "util/main-loop.h"
#include "util/timer.h"

enum {
    DR = 0x00,
    MR = 0x04,
    LR = 0x08,
    CR = 0x0c,
    IMSC = 0x10,
    RIS = 0x14,
    MIS = 0x18,
    ICR = 0x1c,
};

typedef struct Fixture {
    PL031State *rtc;
    MemoryRegion *mr;
    IrqLine line;
    int level;
    int64_t start_ns;
} Fixture;

static void on_line(void *opaque, int n, int level)
{
    ((Fixture *)opaque)->level = level;
}

static void set_up(Fixture *f, gconstpointer clock)
{
    *f = (Fixture){0};
    g_assert_true(main_loop_init(NULL));
    clock_virtual_set_manual();
    clock_virtual_start();
    f->start_ns = clock_get_ns(CLOCK_VIRTUAL);
    f->rtc = PL031(object_new(TYPE_PL031));
    g_assert_true(object_add_child(object_root(), "rtc", OBJECT(f->rtc), NULL));
    if (clock) {
        g_assert_true(
            object_set_property(OBJECT(f->rtc), "clock", clock, NULL));
    }
    g_assert_true(qdev_realize(DEVICE(f->rtc), NULL));
    irq_init_handler(&f->line, on_line, f, 0);
    sysbus_connect_irq(SYS_BUS_DEVICE(f->rtc), 0, &f->line);
    f->mr = sysbus_mmio_region(SYS_BUS_DEVICE(f->rtc), 0);
}

static void tear_down(Fixture *f, gconstpointer clock)
{
    object_unparent(OBJECT(f->rtc));
    object_unref(OBJECT(f->rtc));
    irq_finish(&f->line);
    object_root_free();
    clock_virtual_stop();
    main_loop_finish();
}

static uint32_t rd(Fixture *f, hwaddr addr)
{
    uint64_t value;

    g_assert_cmpint(memory_region_dispatch(f->mr, addr, &value, 4, false), ==,
                    MEMTX_OK);
    return value;
}

static void wr(Fixture *f, hwaddr addr, uint32_t value)
{
    uint64_t wide = value;

    g_assert_cmpint(memory_region_dispatch(f->mr, addr, &wide, 4, true), ==,
                    MEMTX_OK);
}

/* Moves the virtual clock to @ms after the start of the test. */
static void at_ms(Fixture *f, int64_t ms)
{
    clock_virtual_advance_to(f->start_ns + ms * NS_PER_MS);
}

static void test_registers(Fixture *f, gconstpointer unused)
{
    static const uint8_t ids[] = {0x31, 0x10, 0x04, 0x00,
                                  0x0d, 0xf0, 0x05, 0xb1};
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmphex(rd(f, 0xfe0 + 4 * i), ==, ids[i]);
    }
    g_assert_cmphex(rd(f, CR), ==, 1);
    wr(f, CR, 0);
    g_assert_cmphex(rd(f, CR), ==, 1);
    g_assert_cmphex(rd(f, ICR), ==, 0);
    g_assert_cmphex(rd(f, 0x20), ==, 0);
    wr(f, 0x20, 1);
    wr(f, IMSC, 0xffffffff);
    g_assert_cmphex(rd(f, IMSC), ==, 1);
    wr(f, DR, 5);
    g_assert_cmphex(rd(f, DR), !=, 5);
    wr(f, MR, 77);
    g_assert_cmphex(rd(f, MR), ==, 77);
    g_assert_cmpint(memory_region_dispatch(f->mr, DR, &value, 2, false), !=,
                    MEMTX_OK);
}

static void test_counts(Fixture *f, gconstpointer unused)
{
    wr(f, LR, 1000);
    g_assert_cmpuint(rd(f, LR), ==, 1000);
    g_assert_cmpuint(rd(f, DR), ==, 1000);
    at_ms(f, 3000);
    g_assert_cmpuint(rd(f, DR), ==, 1003);
    wr(f, LR, UINT32_MAX);
    at_ms(f, 4000);
    g_assert_cmpuint(rd(f, DR), ==, 0);
}

static void test_alarm(Fixture *f, gconstpointer unused)
{
    wr(f, LR, 1000);
    wr(f, IMSC, 1);
    wr(f, MR, 1002);
    at_ms(f, 1000);
    g_assert_cmpuint(rd(f, RIS), ==, 0);
    at_ms(f, 2000);
    g_assert_cmpuint(rd(f, DR), ==, 1002);
    g_assert_cmpuint(rd(f, RIS), ==, 1);
    g_assert_cmpuint(rd(f, MIS), ==, 1);
    g_assert_cmpint(f->level, ==, 1);
    wr(f, IMSC, 0);
    g_assert_cmpint(f->level, ==, 0);
    g_assert_cmpuint(rd(f, MIS), ==, 0);
    wr(f, IMSC, 1);
    g_assert_cmpint(f->level, ==, 1);
    wr(f, ICR, 1);
    g_assert_cmpint(f->level, ==, 0);
    at_ms(f, 5000);
    g_assert_cmpuint(rd(f, RIS), ==, 0);
}

/* The ways to have it at once. */
static void test_on_demand(Fixture *f, gconstpointer unused)
{
    wr(f, IMSC, 1);
    wr(f, LR, 0);
    wr(f, ICR, 1);
    wr(f, MR, 7);
    g_assert_cmpint(f->level, ==, 0);
    wr(f, LR, 7);
    g_assert_cmpint(f->level, ==, 1);
    wr(f, ICR, 1);
    wr(f, MR, 7);
    g_assert_cmpint(f->level, ==, 1);
}

/* A new match takes the place of the old one; a load moves it. */
static void test_rearm(Fixture *f, gconstpointer unused)
{
    wr(f, LR, 100);
    wr(f, MR, 102);
    wr(f, MR, 105);
    at_ms(f, 3000);
    g_assert_cmpuint(rd(f, RIS), ==, 0);
    wr(f, LR, 104);
    at_ms(f, 4000);
    g_assert_cmpuint(rd(f, RIS), ==, 1);
}

static void test_reset(Fixture *f, gconstpointer unused)
{
    wr(f, LR, 100);
    wr(f, IMSC, 1);
    wr(f, MR, 100);
    g_assert_cmpint(f->level, ==, 1);
    wr(f, MR, 103);
    reset_all();
    g_assert_cmpint(f->level, ==, 0);
    g_assert_cmpuint(rd(f, RIS), ==, 0);
    g_assert_cmpuint(rd(f, IMSC), ==, 0);
    g_assert_cmpuint(rd(f, MR), ==, 0);
    g_assert_cmpuint(rd(f, LR), ==, 0);
    at_ms(f, 3000);
    g_assert_cmpuint(rd(f, DR), ==, 103);
    g_assert_cmpuint(rd(f, RIS), ==, 0);
}

/* The host's seconds, on whatever clock, until the guest sets its own. */
static void test_host_time(Fixture *f, gconstpointer unused)
{
    int64_t before = clock_get_ns(CLOCK_HOST) / NS_PER_S;
    uint32_t now = rd(f, DR);
    int64_t after = clock_get_ns(CLOCK_HOST) / NS_PER_S;

    g_assert_cmpuint(now, >=, before - 1);
    g_assert_cmpuint(now, <=, after);
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer),
                const char *clock)
{
    g_test_add(path, Fixture, clock, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/pl031/registers", test_registers, NULL);
    add("/pl031/counts", test_counts, "virtual");
    add("/pl031/alarm", test_alarm, "virtual");
    add("/pl031/on-demand", test_on_demand, "virtual");
    add("/pl031/rearm", test_rearm, "virtual");
    add("/pl031/reset", test_reset, "virtual");
    add("/pl031/host-time", test_host_time, NULL);
    add("/pl031/host-time-on-real-clock", test_host_time, "real");
    return g_test_run();
}
