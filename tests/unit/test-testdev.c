/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * testdev.c: its registers, its line, its reset and its node.
 */
#include <libfdt.h>

#include "hw/core/reset.h"
#include "hw/core/sysbus.h"
#include "util/main-loop.h"

#define BASE 0xa000000
#define ID 0x00
#define SCRATCH 0x04
#define LINE 0x08
#define RESETS 0x0c

static GString *journal;
static IrqLine line;

static void on_line(void *opaque, int n, int level)
{
    g_string_append_printf(journal, "%d", level);
}

static void expect_levels(const char *expected)
{
    g_assert_cmpstr(journal->str, ==, expected);
    g_string_truncate(journal, 0);
}

static SysBusDevice *start(void)
{
    SysBusDevice *sbd = SYS_BUS_DEVICE(qdev_new("testdev"));
    Error *err = NULL;

    irq_init_handler(&line, on_line, NULL, 0);
    g_assert_true(object_add_child(object_root(), "t", OBJECT(sbd), NULL));
    object_unref(OBJECT(sbd));
    g_assert_true(sysbus_realize_at(sbd, BASE, &line, &err));
    g_assert_null(err);
    return sbd;
}

static void stop(void)
{
    object_root_free();
    irq_finish(&line);
    reset_all();
    g_assert_null(address_space_find(address_space_memory(), BASE).mr);
}

static MemTxResult access_word(hwaddr offset, uint64_t *value, bool is_write)
{
    MemoryRegionSection section =
        address_space_find(address_space_memory(), BASE);

    return memory_region_dispatch(section.mr, offset, value, 4, is_write);
}

static uint32_t get(hwaddr offset)
{
    uint64_t value = 0;

    g_assert_cmpint(access_word(offset, &value, false), ==, MEMTX_OK);
    return value;
}

static void put(hwaddr offset, uint64_t value)
{
    g_assert_cmpint(access_word(offset, &value, true), ==, MEMTX_OK);
}

static void test_registers(void)
{
    uint64_t value = 5;

    start();
    g_assert_cmphex(get(ID), ==, 0x54534554);
    g_assert_cmphex(get(SCRATCH), ==, 0);
    put(SCRATCH, 0xfedcba98);
    g_assert_cmphex(get(SCRATCH), ==, 0xfedcba98);
    g_assert_cmpint(access_word(ID, &value, true), ==, MEMTX_ERROR);
    g_assert_cmpint(access_word(RESETS, &value, true), ==, MEMTX_ERROR);
    g_assert_cmpint(access_word(0x10, &value, true), ==, MEMTX_ERROR);
    g_assert_cmpint(access_word(0xffc, &value, false), ==, MEMTX_ERROR);
    stop();
}

static void test_line(void)
{
    uint64_t value = 3;

    start();
    g_assert_cmpuint(get(LINE), ==, 0);
    put(LINE, 1);
    g_assert_cmpuint(get(LINE), ==, 1);
    expect_levels("1");
    put(LINE, 0);
    g_assert_cmpuint(get(LINE), ==, 0);
    expect_levels("0");
    put(LINE, 2);
    g_assert_cmpuint(get(LINE), ==, 0);
    expect_levels("10");
    g_assert_cmpint(access_word(LINE, &value, true), ==, MEMTX_ERROR);
    expect_levels("");
    stop();
}

static void test_reset(void)
{
    start();
    g_assert_cmpuint(get(RESETS), ==, 0);
    put(SCRATCH, 1);
    put(LINE, 1);
    expect_levels("1");
    reset_all();
    g_assert_cmpuint(get(RESETS), ==, 1);
    g_assert_cmpuint(get(SCRATCH), ==, 0);
    g_assert_cmpuint(get(LINE), ==, 0);
    expect_levels("0");
    stop();
    expect_levels("");
}

static void expect_cells(const void *blob, int node, const char *name,
                         const uint32_t *cells, int n)
{
    int length = 0;
    const fdt32_t *found = fdt_getprop(blob, node, name, &length);

    g_assert_cmpint(length, ==, n * 4);
    for (int i = 0; i < n; i++) {
        g_assert_cmphex(fdt32_ld(&found[i]), ==, cells[i]);
    }
}

static void test_fdt(void)
{
    SysBusDevice *sbd = start();
    g_autoptr(FdtWriter) fdt = fdt_writer_new();
    g_autofree void *blob = NULL;
    hwaddr mmio = BASE;
    unsigned irq = 113;
    SysBusPlace place = {BASE - 0x2000, 1, &mmio, 1, &irq};
    size_t size;
    int node;

    fdt_writer_begin_node(fdt, "");
    fdt_writer_address_cells(fdt, 1, 1);
    g_assert_true(
        SYS_BUS_DEVICE_GET_CLASS(sbd)->write_fdt(sbd, fdt, &place, NULL));
    fdt_writer_end_node(fdt);
    blob = fdt_writer_finish(fdt, &size, NULL);
    node = fdt_path_offset(blob, "/testdev@2000");
    g_assert_cmpint(node, >, 0);
    g_assert_cmpstr(fdt_getprop(blob, node, "compatible", NULL), ==,
                    "platypus,testdev");
    expect_cells(blob, node, "reg", (uint32_t[]){0x2000, 0x1000}, 2);
    expect_cells(blob, node, "interrupts", (uint32_t[]){0, 113, 4}, 3);
    stop();
}

static void test_class(void)
{
    g_assert_true(
        DEVICE_CLASS(object_class_by_name("testdev"))->user_creatable);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    journal = g_string_new(NULL);
    g_test_add_func("/testdev/registers", test_registers);
    g_test_add_func("/testdev/line", test_line);
    g_test_add_func("/testdev/reset", test_reset);
    g_test_add_func("/testdev/fdt", test_fdt);
    g_test_add_func("/testdev/class", test_class);
    status = g_test_run();
    g_string_free(journal, TRUE);
    machine_unlock();
    return status;
}
