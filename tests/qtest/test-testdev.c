/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test device on virt's platform bus: registers, its interrupt seen at
 * both ends of its line, resets, the clock, and access sizes that it refuses.
 */

#include <stdbool.h>

#include "../lib/qtest-client.h"

#define BASE 0x0c000000
#define ID (BASE + 0x00)
#define SCRATCH (BASE + 0x04)
#define LINE (BASE + 0x08)
#define RESETS (BASE + 0x0c)
#define SECOND 0x1000 /* from one device's registers to the next one's */
#define SPI 112

static void test_registers(void)
{
    QtestClient *c =
        qtest_client_new("-M virt -device testdev -device testdev");

    g_assert_cmphex(qtest_readl(c, ID), ==, 0x54534554);
    g_assert_cmphex(qtest_readl(c, ID + SECOND), ==, 0x54534554);
    qtest_writel(c, SCRATCH, 0xcafe);
    g_assert_cmphex(qtest_readl(c, SCRATCH), ==, 0xcafe);
    g_assert_cmphex(qtest_readl(c, SCRATCH + SECOND), ==, 0);
    qtest_client_quit(c);
}

/* What it refuses reads as ones, and the machine goes on. */
static void test_refused(void)
{
    QtestClient *c = qtest_client_new("-M virt -device testdev -D /dev/null");

    qtest_expect(c, "OK 0x00000000000000ff", "readb 0x%x", ID);
    g_assert_cmphex(qtest_readl(c, BASE + 0x10), ==, UINT32_MAX);
    qtest_expect(c, "OK", "writeb 0x%x 1", SCRATCH);
    g_assert_cmphex(qtest_readl(c, SCRATCH), ==, 0);
    qtest_client_quit(c);
}

static void test_intercept_in(void)
{
    QtestClient *c =
        qtest_client_new("-M virt -device testdev -device testdev");

    qtest_expect(c, "OK", "irq_intercept_in /machine/gic");
    qtest_writel(c, LINE + SECOND, 1);
    g_assert_cmpint(qtest_irq_level(c, SPI), ==, 0);
    g_assert_cmpint(qtest_irq_level(c, SPI + 1), ==, 1);
    qtest_writel(c, LINE, 2);
    g_assert_cmpint(qtest_irq_level(c, SPI), ==, 0);
    g_assert_cmpuint(qtest_irq_count(c, SPI), ==, 1);
    qtest_writel(c, LINE + SECOND, 0);
    g_assert_cmpint(qtest_irq_level(c, SPI + 1), ==, 0);
    qtest_client_quit(c);
}

static void test_intercept_out(void)
{
    QtestClient *c = qtest_client_new("-M virt -device testdev,id=t");

    qtest_expect(c, "FAIL Unknown device",
                 "irq_intercept_out /machine/peripheral/u sysbus-irq");
    qtest_expect(c, "OK", "irq_intercept_out /machine/peripheral/t sysbus-irq");
    qtest_writel(c, LINE, 1);
    g_assert_cmpint(qtest_irq_level(c, 0), ==, 1);
    qtest_client_quit(c);
}

static void test_reset(void)
{
    QtestClient *c = qtest_client_new("-M virt -device testdev");
    uint32_t resets = qtest_readl(c, RESETS);

    /* Once before the machine first ran. */
    g_assert_cmpuint(resets, ==, 1);
    qtest_expect(c, "OK", "irq_intercept_in /machine/gic");
    qtest_writel(c, SCRATCH, 1);
    qtest_writel(c, LINE, 1);
    json_object_put(qtest_qmp(c, "{\"execute\": \"system_reset\"}"));
    json_object_put(qtest_qmp_event(c, "RESET"));
    g_assert_cmpuint(qtest_readl(c, RESETS), ==, 2);
    g_assert_cmpuint(qtest_readl(c, SCRATCH), ==, 0);
    g_assert_cmpint(qtest_irq_level(c, SPI), ==, 0);
    qtest_client_quit(c);
}

/* The clock is the test's alone, stopped or not. */
static void test_clock(void)
{
    QtestClient *c = qtest_client_new("-M virt");

    qtest_expect(c, "OK 0", "clock_step 0");
    qtest_expect(c, "OK 250", "clock_step 250");
    json_object_put(qtest_qmp(c, "{\"execute\": \"stop\"}"));
    g_usleep(10000);
    json_object_put(qtest_qmp(c, "{\"execute\": \"cont\"}"));
    qtest_expect(c, "OK 250", "clock_step 0");
    qtest_expect(c, "OK 1000000000", "clock_set 1000000000");
    qtest_expect(c, "OK 1000000000", "clock_set 1");
    qtest_client_quit(c);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_test_add_func("/testdev/registers", test_registers);
    g_test_add_func("/testdev/refused", test_refused);
    g_test_add_func("/testdev/intercept-in", test_intercept_in);
    g_test_add_func("/testdev/intercept-out", test_intercept_out);
    g_test_add_func("/testdev/reset", test_reset);
    g_test_add_func("/testdev/clock", test_clock);
    return g_test_run();
}
