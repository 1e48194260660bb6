/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-platform in the whole emulator (platypus-test, whose vfio-scripted has
 * a host of memory): an interrupt's way on the route trap, resets, a device
 * that fails, and every failure of its start as a line and status 1.
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../lib/qtest-client.h"

#define RAM 0x40000000
#define BASE 0x0c000000
#define DOORBELL 0x2000
#define LOWER 0x100
#define LOSE 0x200
#define SPI 112
#define DEVICE "-device vfio-scripted,doorbell=0x2000"

/* The interrupt comes through an eventfd: in one of the next rounds. */
static void wait_for_least(QtestClient *c, unsigned n, unsigned count)
{
    for (unsigned i = 0; i < 10000 && qtest_irq_count(c, n) < count; i++) {
        qtest_readl(c, RAM);
    }
    g_assert_cmpuint(qtest_irq_count(c, n), >=, count);
}

static void wait_for_count(QtestClient *c, unsigned n, unsigned count)
{
    wait_for_least(c, n, count);
    g_assert_cmpuint(qtest_irq_count(c, n), ==, count);
}

static QtestClient *start(const char *more)
{
    QtestClient *c = qtest_client_new(
        "-M virt %s,regions=0x3000:map=0+0x1000,lines=level\\;edge%s", DEVICE,
        more);

    qtest_expect(c, "OK", "irq_intercept_in /machine/gic");
    return c;
}

static void test_registers(void)
{
    QtestClient *c = start("");

    qtest_writel(c, BASE + 0x10, 0xcafe);
    qtest_writel(c, BASE + 0x1010, 0xbeef);
    g_assert_cmphex(qtest_readl(c, BASE + 0x10), ==, 0xcafe);
    g_assert_cmphex(qtest_readl(c, BASE + 0x1010), ==, 0xbeef);
    g_assert_cmphex(qtest_readl(c, BASE + 0x2ffc), ==, 0);
    qtest_client_quit(c);
}

static void test_trap(void)
{
    QtestClient *c = start(",x-irq-route=trap");

    qtest_writel(c, BASE + DOORBELL, 0);
    wait_for_count(c, SPI, 1);
    g_assert_cmpint(qtest_irq_level(c, SPI), ==, 1);
    /* The device still asks: the access ends it, and it comes again. */
    qtest_readl(c, BASE + 0x10);
    wait_for_count(c, SPI, 2);
    /* Quiet before the access that counts. */
    qtest_writel(c, BASE + DOORBELL, LOWER);
    qtest_readl(c, RAM);
    g_assert_cmpint(qtest_irq_level(c, SPI), ==, 0);
    qtest_writel(c, BASE + DOORBELL, 1);
    wait_for_count(c, SPI + 1, 1);
    g_assert_cmpint(qtest_irq_level(c, SPI + 1), ==, 0);
    qtest_client_quit(c);
}

static void test_reset(void)
{
    QtestClient *c = start(",x-irq-route=trap");
    json_object *answer;

    qtest_writel(c, BASE + DOORBELL, 0);
    wait_for_count(c, SPI, 1);
    answer = qtest_qmp(c, "{\"execute\": \"system_reset\"}");
    json_object_put(answer);
    json_object_put(qtest_qmp_event(c, "RESET"));
    qtest_readl(c, RAM);
    g_assert_cmpint(qtest_irq_level(c, SPI), ==, 0);
    qtest_writel(c, BASE + DOORBELL, 0);
    wait_for_count(c, SPI, 2);
    qtest_client_quit(c);
}

static void wait_for_ones(QtestClient *c, uint64_t addr)
{
    for (unsigned i = 0; i < 10000 && qtest_readl(c, addr) != UINT32_MAX; i++) {
        qtest_readl(c, RAM);
    }
    g_assert_cmphex(qtest_readl(c, addr), ==, UINT32_MAX);
}

/* The host goes, as a process may, and is back after 5 ms with other memory. */
static void lose_and_return(const char *more, bool reset_meanwhile)
{
    QtestClient *c = start(more);

    qtest_writel(c, BASE + 0x10, 0xcafe);
    qtest_writel(c, BASE + DOORBELL, 0);
    wait_for_count(c, SPI, 1);
    qtest_writel(c, BASE + DOORBELL, LOSE + 5);
    wait_for_ones(c, BASE + 0x10);
    g_assert_cmpint(qtest_irq_level(c, SPI), ==, 0);
    if (reset_meanwhile) {
        json_object_put(qtest_qmp(c, "{\"execute\": \"system_reset\"}"));
        json_object_put(qtest_qmp_event(c, "RESET"));
    }
    qtest_clock_step(c, 4000000);
    g_assert_cmphex(qtest_readl(c, BASE + 0x1010), ==, UINT32_MAX);
    qtest_clock_step(c, 1000000);
    g_assert_cmphex(qtest_readl(c, BASE + 0x10), ==, 0);
    qtest_writel(c, BASE + 0x10, 0xbeef);
    g_assert_cmphex(qtest_readl(c, BASE + 0x10), ==, 0xbeef);
    /*
     * Its line still asks, unless it was reset when it was back; and each of
     * those accesses may have been taken for an EOI.
     */
    if (reset_meanwhile) {
        qtest_writel(c, BASE + DOORBELL, 0);
        wait_for_count(c, SPI, 2);
    } else {
        wait_for_least(c, SPI, 2);
    }
    qtest_client_quit(c);
}

static void test_lost(void)
{
    lose_and_return(",x-irq-route=trap", false);
    lose_and_return(",x-irq-route=eoi", false);
    lose_and_return(",x-irq-route=trap", true);
    lose_and_return(",x-irq-route=eoi", true);
}

/* A line that cannot be armed: the device is lost, the machine is not. */
static void test_arming_fails(void)
{
    QtestClient *c = qtest_client_new(
        "-M virt -D /dev/null %s,regions=0x1000:map,lines=level,"
        "fail='set-irq 0 trigger-fd'",
        DEVICE);

    g_assert_cmphex(qtest_readl(c, BASE), ==, UINT32_MAX);
    qtest_writel(c, RAM, 7);
    g_assert_cmphex(qtest_readl(c, RAM), ==, 7);
    qtest_client_quit(c);
}

/* Call n of the start fails: one line that names the device, status 1. */
static void test_sweep(void)
{
    for (unsigned n = 0; n < 6; n++) {
        emulator_expect_error(
            "vfio 1000000.scripted: ",
            "-accel qtest -M virt %s,regions=0x1000:map,lines=level,fail-at=%u",
            DEVICE, n);
    }
}

static void test_bad_options(void)
{
    emulator_expect_error("which device? try: host=NAME",
                          "-accel qtest -M virt -device vfio-platform");
    emulator_expect_error("'vfio-sysbus-device'",
                          "-accel qtest -M virt -device vfio-sysbus-device");
    emulator_expect_error("vfio no.such: no such device",
                          "-accel qtest -M virt "
                          "-device vfio-platform,host=no.such");
    emulator_expect_error("both say which device",
                          "-accel qtest -M virt "
                          "-device vfio-platform,host=a,sysfsdev=/b");
    emulator_expect_error("x-no-mmap",
                          "-accel qtest -M virt "
                          "-device vfio-platform,host=a,x-no-mmpa=on");
    emulator_expect_error("x-irq-route",
                          "-accel qtest -M virt "
                          "-device vfio-platform,host=a,x-irq-route=msi");
    emulator_expect_error("platform-bus-size=",
                          "-accel qtest -M virt %s,regions=0x4000000", DEVICE);
    emulator_expect_error("no room for 65 interrupt lines",
                          "-accel qtest -M virt %s,regions=0x1000,lines="
                          "edge%s%s%s%s",
                          DEVICE,
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge",
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge",
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge",
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge\\;edge"
                          "\\;edge\\;edge");
}

/*
 * Without KVM the controller takes no eventfds, but it reports EOIs. A route
 * that is asked for must be had; x-irqfd=off only says which one not to take.
 */
static void test_routes(void)
{
    static const char *const fine[] = {
        ",x-irqfd=off",
        ",x-irq-route=auto",
        ",x-irq-route=eoi",
        ",x-irq-route=trap,x-irqfd=off",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(fine); i++) {
        QtestClient *c = start(fine[i]);

        qtest_writel(c, BASE + DOORBELL, 0);
        wait_for_count(c, SPI, 1);
        qtest_client_quit(c);
    }
    emulator_expect_error(
        "vfio 1000000.scripted: line 0: x-irq-route=irqfd cannot be had: with "
        "this interrupt controller there is eoi, trap; try: x-irq-route=auto",
        "-accel qtest -M virt %s,regions=0x1000:map,lines=level,"
        "x-irq-route=irqfd",
        DEVICE);
}

/* The story of one interrupt, by its trace alone. */
static void test_trace(void)
{
    static const char *const story[] = {
        "vfio_irq_route 1000000.scripted line 0: trap, level",
        "vfio_irq_trigger 1000000.scripted line 0",
        "vfio_device_path 1000000.scripted: fast -> slow",
        "vfio_irq_eoi 1000000.scripted line 0",
        "vfio_irq_state 1000000.scripted line 0: eoi: active -> inactive",
        "vfio_irq_host 1000000.scripted line 0: unmask-now, result 0",
        "vfio_device_path 1000000.scripted: slow -> waiting",
        "vfio_device_path 1000000.scripted: waiting -> fast",
    };
    g_autofree char *dir = g_dir_make_tmp("vfio-XXXXXX", NULL);
    g_autofree char *log = g_build_filename(dir, "log", NULL);
    g_autofree char *text = NULL;
    const char *at;
    QtestClient *c = qtest_client_new(
        "-M virt -trace vfio_* -D %s %s,regions=0x3000:map=0+0x1000,"
        "lines=level,x-irq-route=trap,mmap-timeout-ms=5",
        log, DEVICE);

    qtest_expect(c, "OK", "irq_intercept_in /machine/gic");
    qtest_writel(c, BASE + DOORBELL, 0);
    wait_for_count(c, SPI, 1);
    qtest_writel(c, BASE + DOORBELL, LOWER);
    qtest_clock_step(c, 5000000);
    qtest_client_quit(c);
    g_assert_true(g_file_get_contents(log, &text, NULL, NULL));
    at = text;
    for (unsigned i = 0; i < G_N_ELEMENTS(story); i++) {
        g_test_message("%s", story[i]);
        at = strstr(at, story[i]);
        g_assert_nonnull(at);
    }
    g_assert_cmpint(remove(log), ==, 0);
    g_assert_cmpint(remove(dir), ==, 0);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_test_add_func("/vfio/registers", test_registers);
    g_test_add_func("/vfio/trap", test_trap);
    g_test_add_func("/vfio/reset", test_reset);
    g_test_add_func("/vfio/lost", test_lost);
    g_test_add_func("/vfio/arming-fails", test_arming_fails);
    g_test_add_func("/vfio/sweep", test_sweep);
    g_test_add_func("/vfio/bad-options", test_bad_options);
    g_test_add_func("/vfio/routes", test_routes);
    g_test_add_func("/vfio/trace", test_trace);
    return g_test_run();
}
