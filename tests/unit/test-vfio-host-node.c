/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host-node*.c, on a device tree made of files and on the same tree made a
 * blob: which properties refer to other nodes, and what the clocks are.
 */

#include <glib.h>
#include <glib/gstdio.h>
#include <libfdt.h>
#include <string.h>
#include <unistd.h>

#include "hw/vfio/host.h"
#include "temp-tree.h"

#define DEVICE "soc/ethernet@c000000"

#define BLOB_SIZE 65536

/* ---- the same as a blob ---- */

static void write_node(void *fdt, const char *folder, const char *skip);

static void write_entry(void *fdt, const char *folder, const char *name,
                        const char *skip)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *data = NULL;
    gsize size;

    if (g_strcmp0(path, skip) == 0) {
        return;
    }
    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        g_assert_cmpint(fdt_begin_node(fdt, name), ==, 0);
        write_node(fdt, path, skip);
        g_assert_cmpint(fdt_end_node(fdt), ==, 0);
    } else if (strcmp(name, "name") != 0) {
        g_assert_true(g_file_get_contents(path, &data, &size, NULL));
        g_assert_cmpint(fdt_property(fdt, name, data, size), ==, 0);
    }
}

/* Properties first, as it must be. */
static void write_node(void *fdt, const char *folder, const char *skip)
{
    for (int want_nodes = 0; want_nodes <= 1; want_nodes++) {
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(dir))) {
            g_autofree char *path = g_build_filename(folder, name, NULL);

            if (g_file_test(path, G_FILE_TEST_IS_DIR) == want_nodes) {
                write_entry(fdt, folder, name, skip);
            }
        }
    }
}

static void *blob_new(void)
{
    void *fdt = g_malloc0(BLOB_SIZE);

    g_assert_cmpint(fdt_create(fdt, BLOB_SIZE), ==, 0);
    g_assert_cmpint(fdt_finish_reservemap(fdt), ==, 0);
    g_assert_cmpint(fdt_begin_node(fdt, ""), ==, 0);
    return fdt;
}

static void blob_end(void *fdt)
{
    g_assert_cmpint(fdt_end_node(fdt), ==, 0);
    g_assert_cmpint(fdt_finish(fdt), ==, 0);
}

/* The device's node stands first, and then all that the tree has beside it. */
static VFIOHostNode *read_as_blob(TempTree *tree, const char *device)
{
    g_autofree void *fdt = blob_new();
    g_autofree char *name = g_path_get_basename(device);
    g_autofree char *parent = g_path_get_dirname(device);
    g_autoptr(Error) err = NULL;
    VFIOHostNode *node;

    write_entry(fdt, parent, name, NULL);
    write_node(fdt, tree->root, device);
    blob_end(fdt);
    node = vfio_host_node_from_fdt(fdt, fdt_totalsize(fdt), "x", &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return node;
}

static void check_same_property(const VFIOHostProperty *a,
                                const VFIOHostProperty *b)
{
    g_assert_cmpstr(a->name, ==, b->name);
    g_assert_cmpmem(a->data, a->size, b->data, b->size);
    g_assert_cmpuint(a->refers, ==, b->refers);
}

static void check_same_clock(const VFIOHostClock *a, const VFIOHostClock *b)
{
    g_assert_cmpuint(a->fixed, ==, b->fixed);
    g_assert_cmpuint(a->frequency_hz, ==, b->frequency_hz);
    g_assert_cmpstr(a->provider, ==, b->provider);
}

/* But for the property "name", which a blob has not. */
static void check_same(const VFIOHostNode *files, const VFIOHostNode *blob)
{
    guint n = 0;

    for (guint i = 0; i < files->properties->len; i++) {
        const VFIOHostProperty *prop = files->properties->pdata[i];

        if (strcmp(prop->name, "name") != 0) {
            g_assert_cmpuint(n, <, blob->properties->len);
            check_same_property(prop, blob->properties->pdata[n++]);
        }
    }
    g_assert_cmpuint(n, ==, blob->properties->len);
    g_assert_cmpuint(files->clocks->len, ==, blob->clocks->len);
    for (guint i = 0; i < files->clocks->len; i++) {
        check_same_clock(files->clocks->pdata[i], blob->clocks->pdata[i]);
    }
}

static VFIOHostNode *read_device(TempTree *tree)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *path = temp_tree_path(tree, DEVICE);
    g_autoptr(VFIOHostNode) blob = read_as_blob(tree, path);
    VFIOHostNode *node = vfio_host_node_read(path, tree->root, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_cmpstr(blob->name, ==, "ethernet");
    check_same(node, blob);
    return node;
}

/* ---- both ---- */

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
    temp_tree_bytes(tree, DEVICE "/vendor,bytes", "\0\0\0\7x", 5);
    node = read_device(tree);
    g_assert_false(refers(node, "pinctrl-1"));
    g_assert_false(refers(node, "vendor,bytes"));
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

/* What only root may read is left out, and the rest is there. */
static void test_unreadable(void)
{
    g_autoptr(TempTree) tree = temp_tree_new();
    g_autofree char *path = temp_tree_path(tree, DEVICE);
    g_autofree char *secret = temp_tree_path(tree, DEVICE "/security-key");
    g_autoptr(VFIOHostNode) node = NULL;

    temp_tree_string(tree, DEVICE "/name", "ethernet");
    temp_tree_string(tree, DEVICE "/security-key", "x");
    temp_tree_string(tree, DEVICE "/status", "okay");
    /* To root every file is readable; what was made a loop is to nobody. */
    g_assert_cmpint(g_unlink(secret), ==, 0);
    g_assert_cmpint(symlink("/proc/self/mem", secret), ==, 0);
    node = vfio_host_node_read(path, tree->root, NULL);
    g_assert_nonnull(node);
    g_assert_cmpuint(node->properties->len, ==, 2);
    g_assert_null(vfio_host_node_find(node, "security-key"));
    g_assert_nonnull(vfio_host_node_find(node, "status"));
}

/* ---- blobs ---- */

static VFIOHostNode *read_blob(void *fdt, Error **errp)
{
    blob_end(fdt);
    return vfio_host_node_from_fdt(fdt, fdt_totalsize(fdt), "x.dtb", errp);
}

static void test_blob_root(void)
{
    g_autofree void *fdt = blob_new();
    g_autoptr(VFIOHostNode) node = NULL;

    fdt_property_string(fdt, "compatible", "a,b");
    fdt_begin_node(fdt, "child");
    fdt_property_string(fdt, "compatible", "c,d");
    fdt_end_node(fdt);
    node = read_blob(fdt, NULL);
    g_assert_null(node->name);
    g_assert_cmpstr(
        vfio_host_property_string(vfio_host_node_find(node, "compatible"), 0),
        ==, "a,b");
}

static void test_blob_no_node(void)
{
    g_autofree void *fdt = blob_new();
    g_autoptr(Error) err = NULL;

    fdt_property_string(fdt, "model", "x");
    g_assert_null(read_blob(fdt, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "x.dtb: no node for the device: there is none in its "
                    "root, and the root has no compatible");
}

/* The compiler would not write such a thing. */
static void test_blob_twice(void)
{
    g_autofree void *fdt = blob_new();
    g_autoptr(VFIOHostNode) node = NULL;

    fdt_begin_node(fdt, "uart@1000");
    fdt_property_u32(fdt, "reg-shift", 1);
    fdt_property_u32(fdt, "reg-io-width", 4);
    fdt_property_u32(fdt, "reg-shift", 2);
    fdt_property_u32(fdt, "reg-shift", 3);
    fdt_end_node(fdt);
    node = read_blob(fdt, NULL);
    g_assert_cmpstr(node->name, ==, "uart");
    g_assert_cmpuint(node->properties->len, ==, 2);
    g_assert_cmpuint(vfio_host_node_find(node, "reg-shift")->data[3], ==, 1);
}

/* Cut off anywhere, and with any one byte of it changed. */
static void test_blob_broken(void)
{
    g_autofree uint8_t *fdt = blob_new();
    size_t size;

    fdt_begin_node(fdt, "uart@1000");
    fdt_property_u32(fdt, "clocks", 1);
    fdt_property_u32(fdt, "v,x", 1);
    fdt_end_node(fdt);
    fdt_begin_node(fdt, "clk");
    fdt_property_u32(fdt, "phandle", 1);
    fdt_property_u32(fdt, "#clock-cells", 0);
    fdt_property_string(fdt, "compatible", "fixed-clock");
    fdt_end_node(fdt);
    blob_end(fdt);
    size = fdt_totalsize(fdt);
    for (size_t i = 0; i < size; i++) {
        g_autofree uint8_t *cut = g_memdup2(fdt, i);
        g_autoptr(Error) err = NULL;

        g_assert_null(vfio_host_node_from_fdt(cut, i, "x", &err));
        g_assert_true(g_str_has_prefix(error_get_pretty(err), "x: "));
    }
    for (size_t i = 0; i < 8 * size; i++) {
        g_autoptr(VFIOHostNode) node = NULL;
        g_autoptr(Error) err = NULL;

        fdt[i / 8] ^= 1 << (i % 8);
        node = vfio_host_node_from_fdt(fdt, size, "x", &err);
        g_assert_true(!node == !!err);
        fdt[i / 8] ^= 1 << (i % 8);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfio-host-node/properties", test_properties);
    g_test_add_func("/vfio-host-node/references", test_references);
    g_test_add_func("/vfio-host-node/clocks", test_clocks);
    g_test_add_func("/vfio-host-node/bad-clocks", test_bad_clocks);
    g_test_add_func("/vfio-host-node/missing", test_missing);
    g_test_add_func("/vfio-host-node/unreadable", test_unreadable);
    g_test_add_func("/vfio-host-node/blob/root", test_blob_root);
    g_test_add_func("/vfio-host-node/blob/no-node", test_blob_no_node);
    g_test_add_func("/vfio-host-node/blob/twice", test_blob_twice);
    g_test_add_func("/vfio-host-node/blob/broken", test_blob_broken);
    return g_test_run();
}
