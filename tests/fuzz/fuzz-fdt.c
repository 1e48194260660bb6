/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of fdt_complete(): the input is a -dtb file. Beyond not crashing
 * it checks that what comes out is a valid tree that says where RAM is, once,
 * and that it can be completed again.
 */

#include <libfdt.h>
#include <string.h>

#include "fuzz.h"
#include "hw/core/fdt.h"

static const FdtBootInfo boot_info = {
    .ram_base = 0x40000000,
    .ram_size = 0x8000000,
    .initrd_start = 0x44000000,
    .initrd_end = 0x44001000,
    .bootargs = "console=ttyAMA0",
    .stdout_path = "/pl011@9000000",
};

static unsigned count_memory(const void *fdt)
{
    unsigned count = 0;
    int node;

    fdt_for_each_subnode(node, fdt, 0)
    {
        int len;
        const char *type = fdt_getprop(fdt, node, "device_type", &len);

        count += type && len == sizeof("memory") && !memcmp(type, "memory", 7);
    }
    return count;
}

static void check_tree(const void *fdt, size_t size)
{
    int chosen = fdt_path_offset(fdt, "/chosen");
    size_t again_size;
    g_autofree void *again = NULL;

    g_assert_cmpint(fdt_check_full(fdt, size), ==, 0);
    g_assert_cmpuint(count_memory(fdt), ==, 1);
    g_assert_cmpint(chosen, >, 0);
    g_assert_cmpstr(fdt_getprop(fdt, chosen, "bootargs", NULL), ==,
                    boot_info.bootargs);
    again = fdt_complete(fdt, size, &boot_info, "again", &again_size, NULL);
    g_assert_nonnull(again);
    g_assert_cmpuint(count_memory(again), ==, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A heap copy of the exact size: aligned, and ASan sees its end. */
    g_autofree uint8_t *blob = g_malloc(size + !size);
    g_autoptr(Error) err = NULL;
    g_autofree void *fdt = NULL;
    size_t out_size;

    memcpy(blob, data, size);
    fdt = fdt_complete(blob, size, &boot_info, "fuzz", &out_size, &err);
    g_assert_true(!fdt == !!err);
    if (fdt) {
        check_tree(fdt, out_size);
    }
    return 0;
}
