/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine virt from outside: where its devices answer, the device tree
 * that it writes, and the wrong command lines that it is there to refuse.
 */

#include <libfdt.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "../lib/qtest-client.h"

#define UART 0x09000000
#define RTC 0x09010000
#define BUS 0x0c000000
#define RAM 0x40000000
#define PERIPHID0 0xfe0

/* A directory with files for -kernel and the like. */
typedef struct Files {
    char *dir;
    char *dtb;   /* not there at first */
    char *small; /* one byte */
    char *big;   /* 256 MiB, without a block */
} Files;

static void make_file(const char *path, off_t size)
{
    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
    g_assert_no_errno(truncate(path, size));
}

static void setup(Files *f, const void *data)
{
    f->dir = g_dir_make_tmp("virt-XXXXXX", NULL);
    f->dtb = g_build_filename(f->dir, "dtb", NULL);
    f->small = g_build_filename(f->dir, "small", NULL);
    f->big = g_build_filename(f->dir, "big", NULL);
    make_file(f->small, 1);
    make_file(f->big, 256 << 20);
}

static void teardown(Files *f, const void *data)
{
    unlink(f->dtb);
    unlink(f->small);
    unlink(f->big);
    g_assert_no_errno(rmdir(f->dir));
    g_free(f->dir);
    g_free(f->dtb);
    g_free(f->small);
    g_free(f->big);
}

static void test_map(Files *f, const void *data)
{
    QtestClient *c = qtest_client_new("-M virt -m 64M");

    g_assert_cmphex(qtest_readl(c, UART + PERIPHID0), ==, 0x11);
    g_assert_cmphex(qtest_readl(c, RTC + PERIPHID0), ==, 0x31);
    qtest_writel(c, RAM, 0x12345678);
    g_assert_cmphex(qtest_readl(c, RAM), ==, 0x12345678);
    qtest_writel(c, RAM + (64 << 20) - 4, 0x9abcdef0);
    g_assert_cmphex(qtest_readl(c, RAM + (64 << 20) - 4), ==, 0x9abcdef0);
    qtest_client_quit(c);
}

static void test_holes(Files *f, const void *data)
{
    QtestClient *c = qtest_client_new("-M virt,rtc=off -m 64M -D /dev/null");

    g_assert_cmphex(qtest_readl(c, RTC + PERIPHID0), ==, UINT32_MAX);
    g_assert_cmphex(qtest_readl(c, BUS), ==, UINT32_MAX);
    g_assert_cmphex(qtest_readl(c, RAM + (64 << 20)), ==, UINT32_MAX);
    qtest_client_quit(c);
}

/* The UART's output goes to the chardev of -serial. */
static void test_serial(Files *f, const void *data)
{
    g_autofree char *path = g_build_filename(f->dir, "dtb", NULL);
    g_autofree char *text = NULL;
    QtestClient *c = qtest_client_new("-M virt -serial file:%s", path);

    qtest_writel(c, UART + 0x30, 0x301);
    qtest_writel(c, UART, 'h');
    qtest_writel(c, UART, 'i');
    qtest_client_quit(c);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "hi");
}

/* An interrupt of a device of the machine arrives at its SPI. */
static void test_rtc_interrupt(Files *f, const void *data)
{
    QtestClient *c = qtest_client_new("-M virt");
    uint32_t now;

    qtest_expect(c, "OK", "irq_intercept_in /machine/gic");
    now = qtest_readl(c, RTC);
    qtest_writel(c, RTC + 0x10, 1);
    /* A time that has passed matches at once when the counter is loaded. */
    qtest_writel(c, RTC + 0x04, now + 1000);
    qtest_writel(c, RTC + 0x08, now + 1000);
    g_assert_cmphex(qtest_readl(c, RTC + 0x18), ==, 1);
    g_assert_cmpint(qtest_irq_level(c, 2), ==, 1);
    qtest_writel(c, RTC + 0x1c, 1);
    g_assert_cmpint(qtest_irq_level(c, 2), ==, 0);
    qtest_client_quit(c);
}

/* The tree that @args give; the caller frees. */
static void *dump_tree(Files *f, const char *args)
{
    g_autoptr(EmulatorResult) result =
        emulator_run("-M virt,dumpdtb=%s -accel qtest %s", f->dtb, args);
    char *blob;
    gsize size;

    g_assert_cmpstr(result->err, ==, "");
    g_assert_cmpstr(result->out, ==, "");
    g_assert_cmpint(result->status, ==, 0);
    g_assert_true(g_file_get_contents(f->dtb, &blob, &size, NULL));
    g_assert_cmpint(fdt_check_full(blob, size), ==, 0);
    return blob;
}

static const char *tree_text(const void *blob, const char *node,
                             const char *property)
{
    int offset = fdt_path_offset(blob, node);

    g_assert_cmpint(offset, >=, 0);
    return fdt_getprop(blob, offset, property, NULL);
}

static void test_tree(Files *f, const void *data)
{
    g_autofree void *blob = dump_tree(f, "-smp 2");

    g_assert_cmpstr(tree_text(blob, "/", "compatible"), ==, "linux,dummy-virt");
    g_assert_cmpstr(tree_text(blob, "/intc@8000000", "compatible"), ==,
                    "arm,gic-v3");
    g_assert_cmpstr(tree_text(blob, "/pl011@9000000", "compatible"), ==,
                    "arm,pl011");
    g_assert_cmpstr(tree_text(blob, "/pl031@9010000", "compatible"), ==,
                    "arm,pl031");
    g_assert_cmpstr(tree_text(blob, "/memory@40000000", "device_type"), ==,
                    "memory");
    g_assert_cmpint(fdt_path_offset(blob, "/cpus/cpu@1"), >=, 0);
    g_assert_cmpint(fdt_path_offset(blob, "/cpus/cpu@2"), <, 0);
}

static void test_tree_options(Files *f, const void *data)
{
    g_autofree void *blob =
        dump_tree(f, "-M rtc=off,gic-version=2,platform-bus-base=0x8000000000,"
                     "platform-bus-size=1G -smp 8 -device testdev");

    g_assert_cmpstr(tree_text(blob, "/intc@8000000", "compatible"), ==,
                    "arm,cortex-a15-gic");
    g_assert_cmpint(fdt_path_offset(blob, "/pl031@9010000"), <, 0);
    g_assert_cmpstr(
        tree_text(blob, "/platform-bus@8000000000/testdev@0", "compatible"), ==,
        "platypus,testdev");
}

static void test_bad_options(Files *f, const void *data)
{
    emulator_expect_error("property 'gic-version': '4' is none of",
                          "-M virt,gic-version=4 -accel qtest");
    emulator_expect_error("at most 8 CPUs; try: -M virt,gic-version=3",
                          "-M virt,gic-version=2 -smp 9 -accel qtest");
    emulator_expect_error("-smp 124: the machine has at most 123 CPUs",
                          "-M virt -smp 124 -accel qtest");
    emulator_expect_error("overlaps RAM",
                          "-M virt,platform-bus-base=1G -accel qtest");
    emulator_expect_error("'1X' is not a size",
                          "-M virt,platform-bus-size=1X -accel qtest");
    emulator_expect_error("no property 'rtd'; did you mean 'rtc'?",
                          "-M virt,rtd=on -accel qtest");
    emulator_expect_error("-m: ", "-M virt -m 64k -accel qtest");
    emulator_expect_error("-serial null: the machine has one serial port",
                          "-M virt -accel qtest -serial null -serial null");
    emulator_expect_error("-serial file:/nonesuch/x: ",
                          "-M virt -accel qtest -serial file:/nonesuch/x");
}

static void test_bad_images(Files *f, const void *data)
{
    const char *const args = "-M virt -accel qtest";

    emulator_expect_error("kernel '/nonesuch': cannot open", "%s -kernel %s",
                          args, "/nonesuch");
    emulator_expect_error("not a regular file", "%s -kernel %s", args, f->dir);
    emulator_expect_error("do not fit in 128 MiB of RAM; try -m 512M",
                          "%s -kernel %s", args, f->big);
    emulator_expect_error("initrd '/nonesuch': cannot open",
                          "%s -kernel %s -initrd /nonesuch", args, f->small);
    emulator_expect_error("do not fit in 128 MiB of RAM",
                          "%s -kernel %s -initrd %s", args, f->small, f->big);
    emulator_expect_error("dtb '/nonesuch': cannot read",
                          "%s -kernel %s -dtb /nonesuch", args, f->small);
    emulator_expect_error("not the size of a device tree",
                          "%s -kernel %s -dtb %s", args, f->small, f->small);
    emulator_expect_error("not the size of a device tree",
                          "%s -kernel %s -dtb %s", args, f->small, f->big);
    emulator_expect_error("dumpdtb '/nonesuch/x': cannot write",
                          "%s -M dumpdtb=/nonesuch/x", args);
}

static void test_full_bus(Files *f, const void *data)
{
    g_autoptr(GString) devices = g_string_new("-M virt -accel qtest");

    for (int i = 0; i < 65; i++) {
        g_string_append(devices, " -device testdev");
    }
    emulator_expect_error("no room for 1 interrupt lines", "%s", devices->str);
    emulator_expect_error("t: no room for 4K of MMIO in the platform bus",
                          "-M virt,platform-bus-size=4k -accel qtest "
                          "-device testdev -device testdev,id=t");
    emulator_expect_error("x: no room for 64M of MMIO in the platform bus (32M "
                          "free, each region aligned to its size); try: -M "
                          "virt,platform-bus-size=64M",
                          "-M virt -accel qtest "
                          "-device unimplemented-device,id=x,name=x,size=64M");
    /* RAM is in the way. */
    emulator_expect_error("-M virt,platform-bus-base=0x8000000000,"
                          "platform-bus-size=1024M",
                          "-M virt -accel qtest "
                          "-device unimplemented-device,name=x,size=1G");
    emulator_expect_error("-M virt,platform-bus-base=0x18000000000,"
                          "platform-bus-size=1024M",
                          "-M virt -accel qtest -m 1T "
                          "-device unimplemented-device,name=x,size=1G");
}

/* What needs no device of the host to be found out. */
static void test_bad_vfio(Files *f, const void *data)
{
    emulator_expect_error("vfio-platform: which device? try: host=NAME",
                          "-M virt -accel qtest -device vfio-platform");
    emulator_expect_error("vfio nonesuch: no such device",
                          "-M virt -accel qtest "
                          "-device vfio-platform,host=nonesuch");
    emulator_expect_error("no property 'hots'; did you mean 'host'?",
                          "-M virt -accel qtest "
                          "-device vfio-platform,hots=x");
}

static void add(const char *path, void (*test)(Files *f, const void *data))
{
    g_test_add(path, Files, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    add("/virt/map", test_map);
    add("/virt/holes", test_holes);
    add("/virt/serial", test_serial);
    add("/virt/rtc-interrupt", test_rtc_interrupt);
    add("/virt/tree", test_tree);
    add("/virt/tree-options", test_tree_options);
    add("/virt/bad-options", test_bad_options);
    add("/virt/bad-images", test_bad_images);
    add("/virt/full-bus", test_full_bus);
    add("/virt/bad-vfio", test_bad_vfio);
    return g_test_run();
}
