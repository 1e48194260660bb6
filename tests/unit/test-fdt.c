/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdt.c: what the writer writes, read back with libfdt's own functions; every
 * misuse sticks and is reported at the end; a foreign tree is completed or
 * refused.
 */

#include <libfdt.h>
#include <string.h>

#include "hw/core/fdt.h"

static void *finish(FdtWriter *w)
{
    g_autoptr(Error) err = NULL;
    size_t size;
    void *blob = fdt_writer_finish(w, &size, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_nonnull(blob);
    g_assert_cmpint(fdt_check_full(blob, size), ==, 0);
    g_assert_cmpuint(size, ==, fdt_totalsize(blob));
    return blob;
}

static void assert_cells(const void *fdt, int node, const char *name,
                         const uint32_t *cells, int n)
{
    int len;
    const fdt32_t *value = fdt_getprop(fdt, node, name, &len);

    g_assert_nonnull(value);
    g_assert_cmpint(len, ==, n * 4);
    for (int i = 0; i < n; i++) {
        g_assert_cmphex(fdt32_to_cpu(value[i]), ==, cells[i]);
    }
}

#define ASSERT_CELLS(fdt, node, name, ...)                         \
    assert_cells(fdt, node, name, (const uint32_t[]){__VA_ARGS__}, \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void test_writer(void)
{
    g_autoptr(FdtWriter) w = fdt_writer_new();
    g_autofree void *fdt = NULL;
    uint32_t phandle = fdt_writer_new_phandle(w);
    int node, len;

    g_assert_cmpuint(phandle, !=, 0);
    g_assert_cmpuint(fdt_writer_new_phandle(w), !=, phandle);
    fdt_writer_begin_node(w, "");
    fdt_writer_address_cells(w, 2, 2);
    fdt_writer_string(w, "model", "m");
    fdt_writer_begin_node_at(w, "dev", 0xc000000);
    g_assert_cmpuint(fdt_writer_reg_address_cells(w), ==, 2);
    g_assert_cmpuint(fdt_writer_reg_size_cells(w), ==, 2);
    fdt_writer_strings(w, "compatible", "a,b", "c", NULL);
    FDT_REG(w, {0x1c000000, 0x1000}, {2, 0x300000004});
    FDT_CELLS(w, "interrupts", 0, 112, 4);
    fdt_writer_cell(w, "one", 0x12345678);
    fdt_writer_u64(w, "two", 0x123456789abcdef0);
    fdt_writer_empty(w, "dma-coherent");
    fdt_writer_bytes(w, "bytes", "\1\2\3", 3);
    fdt_writer_phandle(w, phandle);
    fdt_writer_begin_node(w, "sub");
    fdt_writer_end_node(w);
    fdt_writer_end_node(w);
    fdt_writer_end_node(w);
    fdt = finish(w);

    node = fdt_path_offset(fdt, "/dev@c000000");
    g_assert_cmpint(node, >, 0);
    g_assert_cmpmem(fdt_getprop(fdt, node, "compatible", &len), len, "a,b\0c",
                    6);
    ASSERT_CELLS(fdt, node, "reg", 0, 0x1c000000, 0, 0x1000, 0, 2, 3, 4);
    ASSERT_CELLS(fdt, node, "interrupts", 0, 112, 4);
    ASSERT_CELLS(fdt, node, "one", 0x12345678);
    ASSERT_CELLS(fdt, node, "two", 0x12345678, 0x9abcdef0);
    g_assert_nonnull(fdt_getprop(fdt, node, "dma-coherent", &len));
    g_assert_cmpint(len, ==, 0);
    g_assert_cmpmem(fdt_getprop(fdt, node, "bytes", &len), len, "\1\2\3", 3);
    g_assert_cmpuint(fdt_get_phandle(fdt, node), ==, phandle);
    g_assert_cmpint(fdt_path_offset(fdt, "/dev@c000000/sub"), >, 0);
}

/* reg follows the parent's cells, also when it declared none. */
static void test_cells(void)
{
    g_autoptr(FdtWriter) w = fdt_writer_new();
    g_autofree void *fdt = NULL;

    fdt_writer_begin_node(w, "");
    fdt_writer_begin_node(w, "bus");
    fdt_writer_address_cells(w, 1, 0);
    fdt_writer_begin_node(w, "x");
    FDT_REG(w, {7, 0});
    fdt_writer_end_node(w);
    fdt_writer_end_node(w);
    fdt_writer_begin_node(w, "y");
    FDT_REG(w, {1ull << 32, 8});
    fdt_writer_end_node(w);
    fdt_writer_end_node(w);
    fdt = finish(w);
    ASSERT_CELLS(fdt, fdt_path_offset(fdt, "/bus/x"), "reg", 7);
    ASSERT_CELLS(fdt, fdt_path_offset(fdt, "/y"), "reg", 1, 0, 8);
}

static void test_growth(void)
{
    g_autoptr(FdtWriter) w = fdt_writer_new();
    g_autofree void *fdt = NULL;
    g_autofree char *big = g_malloc0(100000);
    int len;

    memset(big, 'x', 99999);
    fdt_writer_begin_node(w, "");
    for (int i = 0; i < 2000; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);

        fdt_writer_begin_node(w, name);
        fdt_writer_cell(w, name, i);
        fdt_writer_end_node(w);
    }
    fdt_writer_begin_node(w, "big");
    fdt_writer_string(w, "text", big);
    fdt_writer_end_node(w);
    fdt_writer_end_node(w);
    fdt = finish(w);
    ASSERT_CELLS(fdt, fdt_path_offset(fdt, "/n1999"), "n1999", 1999);
    g_assert_cmpstr(
        fdt_getprop(fdt, fdt_path_offset(fdt, "/big"), "text", &len), ==, big);
}

static void late_property(FdtWriter *w)
{
    fdt_writer_begin_node(w, "sub");
    fdt_writer_end_node(w);
    fdt_writer_cell(w, "late", 1);
}

static void wide_reg(FdtWriter *w)
{
    fdt_writer_address_cells(w, 1, 1);
    fdt_writer_begin_node(w, "sub");
    FDT_REG(w, {1ull << 32, 1});
    fdt_writer_end_node(w);
}

static void wide_size(FdtWriter *w)
{
    fdt_writer_address_cells(w, 2, 0);
    fdt_writer_begin_node(w, "sub");
    FDT_REG(w, {1ull << 32, 1});
    fdt_writer_end_node(w);
}

static void bad_cells(FdtWriter *w)
{
    fdt_writer_address_cells(w, 3, 1);
}

static void bad_size_cells(FdtWriter *w)
{
    fdt_writer_address_cells(w, 1, 3);
}

static void open_node(FdtWriter *w)
{
    fdt_writer_begin_node(w, "sub");
}

static void deep(FdtWriter *w)
{
    for (int i = 0; i < 100; i++) {
        fdt_writer_begin_node(w, "n");
    }
}

static void one_end_too_many(FdtWriter *w)
{
    fdt_writer_end_node(w);
    fdt_writer_end_node(w);
}

static void second_root(FdtWriter *w)
{
    fdt_writer_end_node(w);
    fdt_writer_begin_node(w, "");
    fdt_writer_end_node(w);
    fdt_writer_begin_node(w, "");
}

static void too_large(FdtWriter *w)
{
    g_autofree char *mib = g_malloc0(1 << 20);

    for (int i = 0; i < 17; i++) {
        fdt_writer_bytes(w, "mib", mib, 1 << 20);
    }
}

static void huge(FdtWriter *w)
{
    fdt_writer_bytes(w, "huge", w, (size_t)1 << 32);
}

static void test_misuse(void)
{
    static const struct {
        void (*misuse)(FdtWriter *w);
        const char *message;
    } cases[] = {
        {late_property, "*late: a property after a child*"},
        {wide_reg, "*reg: a number too large*"},
        {wide_size, "*reg: a number too large*"},
        {bad_cells, "*#address-cells: *"},
        {bad_size_cells, "*#size-cells: *"},
        {open_node, "*inside a node*"},
        {deep, "*nested too deep*"},
        {one_end_too_many, "*never began*"},
        {second_root, "*second root*"},
        {too_large, "*too large*"},
        {huge, "*huge: too large*"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FdtWriter) w = fdt_writer_new();
        g_autoptr(Error) err = NULL;
        size_t size;

        fdt_writer_begin_node(w, "");
        cases[i].misuse(w);
        /* later calls do no harm and mend nothing */
        fdt_writer_begin_node(w, "more");
        fdt_writer_cell(w, "x", 1);
        fdt_writer_end_node(w);
        fdt_writer_end_node(w);
        g_assert_null(fdt_writer_finish(w, &size, &err));
        g_assert_true(
            g_pattern_match_simple(cases[i].message, error_get_pretty(err)));
    }
    fdt_writer_free(NULL);
}

/* A foreign tree, with @address_cells at the root unless 0. */
static void *foreign(unsigned address_cells, const char *memories, size_t *size)
{
    g_autoptr(FdtWriter) w = fdt_writer_new();
    g_auto(GStrv) names = g_strsplit(memories, " ", 0);
    g_autoptr(Error) err = NULL;
    void *blob;

    fdt_writer_begin_node(w, "");
    fdt_writer_string(w, "compatible", "x,board");
    if (address_cells) {
        fdt_writer_address_cells(w, address_cells, address_cells);
    }
    fdt_writer_begin_node(w, "chosen");
    fdt_writer_string(w, "bootargs", "theirs");
    fdt_writer_u64(w, "linux,initrd-start", 1);
    fdt_writer_u64(w, "linux,initrd-end", 2);
    fdt_writer_end_node(w);
    for (char **name = names; *name && **name; name++) {
        fdt_writer_begin_node(w, *name);
        fdt_writer_string(w, "device_type", "memory");
        fdt_writer_end_node(w);
    }
    fdt_writer_end_node(w);
    blob = fdt_writer_finish(w, size, &err);
    g_assert_nonnull(blob);
    return blob;
}

static const FdtBootInfo boot_info = {
    .ram_base = 0x40000000,
    .ram_size = 0x8000000,
    .initrd_start = 0x44000000,
    .initrd_end = 0x44001000,
    .bootargs = "console=ttyAMA0",
    .stdout_path = "/pl011@9000000",
};

static void test_complete(void)
{
    size_t size, out_size;
    g_autofree void *blob = foreign(2, "memory@1 memory@2 memory@3", &size);
    g_autofree void *fdt =
        fdt_complete(blob, size, &boot_info, "x.dtb", &out_size, NULL);
    int node;

    g_assert_nonnull(fdt);
    g_assert_cmpint(fdt_check_full(fdt, out_size), ==, 0);
    node = fdt_path_offset(fdt, "/chosen");
    g_assert_cmpstr(fdt_getprop(fdt, node, "bootargs", NULL), ==,
                    "console=ttyAMA0");
    g_assert_cmpstr(fdt_getprop(fdt, node, "stdout-path", NULL), ==,
                    "/pl011@9000000");
    ASSERT_CELLS(fdt, node, "linux,initrd-start", 0, 0x44000000);
    ASSERT_CELLS(fdt, node, "linux,initrd-end", 0, 0x44001000);
    node = fdt_path_offset(fdt, "/memory@1");
    ASSERT_CELLS(fdt, node, "reg", 0, 0x40000000, 0, 0x8000000);
    g_assert_cmpint(fdt_path_offset(fdt, "/memory@2"), <, 0);
    g_assert_cmpint(fdt_path_offset(fdt, "/memory@3"), <, 0);
    g_assert_cmpstr(fdt_getprop(fdt, 0, "compatible", NULL), ==, "x,board");
}

/* Without texts and an initrd: bootargs stay, the blob's initrd goes. */
static void test_complete_less(void)
{
    static const FdtBootInfo info = {.ram_base = 0x40000000,
                                     .ram_size = 0x1000};
    size_t size, out_size;
    g_autofree void *blob = foreign(1, "", &size);
    g_autofree void *fdt =
        fdt_complete(blob, size, &info, "x.dtb", &out_size, NULL);
    int node;

    g_assert_nonnull(fdt);
    node = fdt_path_offset(fdt, "/chosen");
    g_assert_cmpstr(fdt_getprop(fdt, node, "bootargs", NULL), ==, "theirs");
    g_assert_null(fdt_getprop(fdt, node, "linux,initrd-start", NULL));
    g_assert_null(fdt_getprop(fdt, node, "linux,initrd-end", NULL));
    node = fdt_path_offset(fdt, "/memory@40000000");
    ASSERT_CELLS(fdt, node, "reg", 0x40000000, 0x1000);
    g_assert_cmpstr(fdt_getprop(fdt, node, "device_type", NULL), ==, "memory");
}

static void assert_refused(const void *blob, size_t size,
                           const FdtBootInfo *info, const char *pattern)
{
    g_autoptr(Error) err = NULL;
    size_t out_size;

    g_assert_null(fdt_complete(blob, size, info, "x.dtb", &out_size, &err));
    g_assert_true(g_pattern_match_simple(pattern, error_get_pretty(err)));
}

static void test_complete_refused(void)
{
    FdtBootInfo high = boot_info;
    size_t size;
    g_autofree void *blob = foreign(1, "memory", &size);
    g_autofree void *zeroes = g_malloc0(FDT_SIZE_MAX + 1);

    assert_refused(zeroes, 0, &boot_info, "dtb 'x.dtb': 0 bytes*2 MiB");
    assert_refused(zeroes, FDT_SIZE_MAX + 1, &boot_info, "*2097153 bytes*");
    assert_refused(zeroes, 4096, &boot_info, "*not a valid device tree*");
    assert_refused(blob, size - 1, &boot_info, "*not a valid device tree*");
    fdt_set_version(blob, 16);
    assert_refused(blob, size, &boot_info, "*version 16; give one of *17*");
    fdt_set_version(blob, 17);
    high.ram_base = 1ull << 32;
    assert_refused(blob, size, &high, "*cannot add /chosen and /memory*");
}

/* No single damaged byte does harm. */
static void test_complete_damaged(void)
{
    size_t size, out_size;
    g_autofree uint8_t *blob = foreign(2, "memory@1 memory@2", &size);

    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            g_autoptr(Error) err = NULL;
            g_autofree uint8_t *copy = g_malloc(size);
            g_autofree void *fdt = NULL;

            memcpy(copy, blob, size);
            copy[i] ^= 1 << bit;
            fdt = fdt_complete(copy, size, &boot_info, "x", &out_size, &err);
            g_assert_true(!fdt == !!err);
            g_assert_true(!fdt || !fdt_check_full(fdt, out_size));
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fdt/writer", test_writer);
    g_test_add_func("/fdt/cells", test_cells);
    g_test_add_func("/fdt/growth", test_growth);
    g_test_add_func("/fdt/misuse", test_misuse);
    g_test_add_func("/fdt/complete", test_complete);
    g_test_add_func("/fdt/complete-less", test_complete_less);
    g_test_add_func("/fdt/complete-refused", test_complete_refused);
    g_test_add_func("/fdt/complete-damaged", test_complete_damaged);
    return g_test_run();
}
