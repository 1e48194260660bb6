/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host-node.c, on a device tree made of files: which properties refer to other
 * nodes, and what the clocks are.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "hw/vfio/host.h"
#include "temp-tree.h"

#define DEVICE "soc/ethernet@c000000"

static VFIOHostNode *read_device(TempTree *tree)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *path = temp_tree_path(tree, DEVICE);
    VFIOHostNode *node = vfio_host_node_read(path, tree->root, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return node;
}

static bool refers(const VFIOHostNode *node, const char *name)
{
    const VFIOHostProperty *prop = vfio_host_node_find(node, name);

    g_assert_nonnull(prop);
    return prop->refers;
}

static void test_properties(void)
{
    g_autoptr(TempTree) tree = temp_tree_new();
    g_autoptr(VFIOHostNode) node = NULL;

    temp_tree_string(tree, DEVICE "/name", "ethernet");
    temp_tree_bytes(tree, DEVICE "/compatible", "a,b\0c,d", 8);
    temp_tree_bytes(tree, DEVICE "/dma-coherent", "", 0);
    temp_tree_string(tree, DEVICE "/mdio/name", "mdio");
    node = read_device(tree);
    g_assert_cmpstr(node->name, ==, "ethernet");
    g_assert_cmpuint(node->properties->len, ==, 3);
    g_assert_cmpuint(vfio_host_node_find(node, "dma-coherent")->size, ==, 0);
    g_assert_null(vfio_host_node_find(node, "mdio"));
    g_assert_cmpstr(
        vfio_host_property_string(vfio_host_node_find(node, "compatible"), 1),
        ==, "c,d");
    g_assert_null(
        vfio_host_property_string(vfio_host_node_find(node, "compatible"), 2));
    g_assert_null(vfio_host_property_string(
        vfio_host_node_find(node, "dma-coherent"), 0));
}

static void test_references(void)
{
    static const char *const yes[] = {
        "resets",           "power-domains",       "iommus",
        "vmmc-supply",      "reset-gpios",         "phy-handle",
        "pinctrl-0",        "pinctrl-10",          "dmas",
        "interrupt-parent", "interrupts-extended", "memory-region",
        "nvmem-cells",      "assigned-clocks",     "assigned-clock-rates",
        "mdio-parent-bus",  "mmc-pwrseq",          "sram",
        "usb-phy",          "nvidia,bpmp",
    };
    static const char *const no[] = {
        "max-speed",     "pinctrl-names",     "reg-io-width",
        "tx-fifo-depth", "vendor,fifo-depth", "vendor,max-burst",
        "vendor,other",  "local-mac-address", "gpio-controller",
        "phy-mode",
    };
    g_autoptr(TempTree) tree = temp_tree_new();
    g_autoptr(VFIOHostNode) node = NULL;

    temp_tree_cells(tree, "bpmp/phandle", (uint32_t[]){7}, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(yes); i++) {
        g_autofree char *path = g_strconcat(DEVICE "/", yes[i], NULL);

        temp_tree_cells(tree, path, (uint32_t[]){7, 1}, 2);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(no); i++) {
        g_autofree char *path = g_strconcat(DEVICE "/", no[i], NULL);
        bool other = strcmp(no[i], "vendor,other") == 0;

        temp_tree_cells(tree, path, (uint32_t[]){other ? 8 : 7}, 1);
    }
    temp_tree_bytes(tree, DEVICE "/pinctrl-1", "", 0);
    node = read_device(tree);
    g_assert_false(refers(node, "pinctrl-1"));
    for (unsigned i = 0; i < G_N_ELEMENTS(yes); i++) {
        g_test_message("%s", yes[i]);
        g_assert_true(refers(node, yes[i]));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(no); i++) {
        g_test_message("%s", no[i]);
        g_assert_false(refers(node, no[i]));
    }
}

static const VFIOHostClock *clock_at(const VFIOHostNode *node, unsigned n)
{
    g_assert_cmpuint(n, <, node->clocks->len);
    return node->clocks->pdata[n];
}

static void test_clocks(void)
{
    g_autoptr(TempTree) tree = temp_tree_new();
    g_autoptr(VFIOHostNode) node = NULL;

    temp_tree_bytes(tree, "osc/compatible", "x,y\0fixed-clock", 16);
    temp_tree_cells(tree, "osc/phandle", (uint32_t[]){1}, 1);
    temp_tree_cells(tree, "osc/#clock-cells", (uint32_t[]){0}, 1);
    temp_tree_cells(tree, "osc/clock-frequency", (uint32_t[]){24000000}, 1);
    temp_tree_string(tree, "soc/cc@1/compatible", "vendor,clocks");
    temp_tree_cells(tree, "soc/cc@1/phandle", (uint32_t[]){2}, 1);
    temp_tree_cells(tree, "soc/cc@1/#clock-cells", (uint32_t[]){1}, 1);
    temp_tree_string(tree, "quiet/compatible", "fixed-clock");
    temp_tree_cells(tree, "quiet/phandle", (uint32_t[]){3}, 1);
    temp_tree_cells(tree, "quiet/#clock-cells", (uint32_t[]){0}, 1);
    temp_tree_cells(tree, DEVICE "/clocks", (uint32_t[]){2, 9, 1, 3, 77, 1}, 6);
    node = read_device(tree);
    g_assert_cmpuint(node->clocks->len, ==, 4);
    g_assert_false(clock_at(node, 0)->fixed);
    g_assert_cmpstr(clock_at(node, 0)->provider, ==, "/soc/cc@1");
    g_assert_true(clock_at(node, 1)->fixed);
    g_assert_cmpuint(clock_at(node, 1)->frequency_hz, ==, 24000000);
    /* A fixed clock that does not say how fast, and a phandle of nobody. */
    g_assert_false(clock_at(node, 2)->fixed);
    g_assert_false(clock_at(node, 3)->fixed);
    g_assert_null(clock_at(node, 3)->provider);
}

/* Cells that run into the end, or say absurd things, end the list. */
static void test_bad_clocks(void)
{
    g_autoptr(TempTree) tree = temp_tree_new();
    g_autoptr(VFIOHostNode) node = NULL;

    temp_tree_cells(tree, "cc/phandle", (uint32_t[]){2}, 1);
    temp_tree_cells(tree, "cc/#clock-cells", (uint32_t[]){UINT32_MAX}, 1);
    temp_tree_bytes(tree, DEVICE "/clocks", "\0\0\0\2\0\0\0\2\0", 9);
    node = read_device(tree);
    g_assert_cmpuint(node->clocks->len, ==, 1);
}

static void test_missing(void)
{
    g_autoptr(TempTree) tree = temp_tree_new();
    g_autoptr(Error) err = NULL;
    g_autofree char *path = temp_tree_path(tree, "nothing");

    g_assert_null(vfio_host_node_read(path, tree->root, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "No such file"));
    vfio_host_node_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfio-host-node/properties", test_properties);
    g_test_add_func("/vfio-host-node/references", test_references);
    g_test_add_func("/vfio-host-node/clocks", test_clocks);
    g_test_add_func("/vfio-host-node/bad-clocks", test_bad_clocks);
    g_test_add_func("/vfio-host-node/missing", test_missing);
    return g_test_run();
}
