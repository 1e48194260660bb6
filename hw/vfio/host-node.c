/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a device's node from the host's device tree as sysfs shows it: a
 * folder for a node, a file for a property.
 *
 * A tree does not say which of its properties refer to other nodes; only
 * bindings do. So a property refers when its name is one that the standard
 * bindings use for it; and a vendor's ("vendor,name") refers when its first
 * cell is some node's phandle, unless the name speaks of a quantity. That may
 * take a small number for a phandle: then the property is left out, and named
 * in a warning, where the other mistake would point the guest at a wrong node.
 *
 * A tree has thousands of nodes, so phandles are only collected if needed.
 */

#include <errno.h>
#include <string.h>

#include "hw/vfio/host.h"

static const char *const reference_globs[] = {
    "*-gpio",
    "*-gpios",
    "*-handle",
    "*-i2c-bus",
    "*-parent-bus",
    "*-phy",
    "*-supply",
    "*syscon*",
    "access-controllers",
    "assigned-clock*",
    "backlight",
    "clocks",
    "cooling-device",
    "cpus",
    "devfreq",
    "dmas",
    "ethernet",
    "extcon",
    "gpio",
    "gpios",
    "gpio-ranges",
    "hwlocks",
    "hwmods",
    "interconnects",
    "interrupt-affinity",
    "interrupt-map",
    "interrupt-parent",
    "interrupts-extended",
    "io-backends",
    "io-channels",
    "iommu-addresses",
    "iommu-map",
    "iommus",
    "leds",
    "mboxes",
    "memory-region",
    "mmc-pwrseq",
    "msi-map",
    "msi-parent",
    "mux-controls",
    "mux-states",
    "next-level-cache",
    "nvmem",
    "nvmem-cells",
    "operating-points-v2",
    "opp-table",
    "panel",
    "performance-domains",
    "phy",
    "phys",
    "pinctrl-?",
    "pinctrl-??",
    "power-domains",
    "power-supplies",
    "pwms",
    "regulators",
    "remote-endpoint",
    "required-opps",
    "resets",
    "sfp",
    "sound-dai",
    "sram",
    "thermal-sensors",
    "timers",
    "trigger-sources",
    "trip",
};

static const char *const quantity_globs[] = {
    "*-addr",      "*-bits",     "*-burst",     "*-bytes",     "*-count",
    "*-delay",     "*-depth",    "*-div",       "*-frequency", "*-hz",
    "*-id",        "*-khz",      "*-len",       "*-level",     "*-mask",
    "*-mhz",       "*-microamp", "*-microvolt", "*-mode",      "*-ms",
    "*-ns",        "*-num",      "*-offset",    "*-ohms",      "*-percent",
    "*-ps",        "*-rate",     "*-ratio",     "*-shift",     "*-size",
    "*-threshold", "*-timeout",  "*-us",        "*-version",   "*-width",
    "*,num-*",     "*,max-*",    "*,min-*",
};

static bool matches(const char *name, const char *const *globs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (g_pattern_match_simple(globs[i], name)) {
            return true;
        }
    }
    return false;
}

/* ---- the tree's phandles ---- */

typedef struct Tree {
    const char *root;
    GHashTable *phandles; /* phandle to path below root; NULL: not read */
} Tree;

static void tree_finish(Tree *tree)
{
    g_clear_pointer(&tree->phandles, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_finish)

static uint32_t cell_at(const void *data, size_t n)
{
    uint32_t cell;

    memcpy(&cell, (const char *)data + 4 * n, 4);
    return GUINT32_FROM_BE(cell);
}

/* The cell in property @name of the node at @path; false if there is none. */
static bool read_cell(const char *path, const char *name, uint32_t *cell)
{
    g_autofree char *file = g_build_filename(path, name, NULL);
    g_autofree char *data = NULL;
    gsize size;

    if (!g_file_get_contents(file, &data, &size, NULL) || size != 4) {
        return false;
    }
    *cell = cell_at(data, 0);
    return true;
}

static void tree_collect(Tree *tree, const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    uint32_t phandle;

    if (!dir) {
        return;
    }
    if (read_cell(path, "phandle", &phandle)) {
        g_hash_table_replace(tree->phandles, GUINT_TO_POINTER(phandle),
                             g_strdup(path));
    }
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) &&
            !g_file_test(child, G_FILE_TEST_IS_SYMLINK)) {
            tree_collect(tree, child);
        }
    }
}

/* The folder of the node with @phandle, or NULL. */
static const char *tree_find(Tree *tree, uint32_t phandle)
{
    if (!tree->phandles) {
        tree->phandles = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        tree_collect(tree, tree->root);
    }
    return g_hash_table_lookup(tree->phandles, GUINT_TO_POINTER(phandle));
}

/* ---- properties ---- */

static bool property_refers(Tree *tree, const char *name, const char *data,
                            size_t size)
{
    /* "pinctrl-1;" is a state in which nothing is to be done. */
    if (matches(name, reference_globs, G_N_ELEMENTS(reference_globs))) {
        return size > 0;
    }
    return strchr(name, ',') && size >= 4 && size % 4 == 0 &&
           !matches(name, quantity_globs, G_N_ELEMENTS(quantity_globs)) &&
           tree_find(tree, cell_at(data, 0)) != NULL;
}

static bool read_property(VFIOHostNode *node, Tree *tree, const char *path,
                          const char *name, Error **errp)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) gerr = NULL;
    gsize size;

    if (!g_file_get_contents(path, &data, &size, &gerr)) {
        error_setg(errp, "%s", gerr->message);
        return false;
    }
    vfio_host_node_add(node, name, data, size,
                       property_refers(tree, name, data, size));
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *list_names(const char *folder, Error **errp)
{
    g_autoptr(GError) gerr = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &gerr);
    GPtrArray *names;
    const char *name;

    if (!dir) {
        error_setg(errp, "%s", gerr->message);
        return NULL;
    }
    names = g_ptr_array_new_with_free_func(g_free);
    while ((name = g_dir_read_name(dir))) {
        g_ptr_array_add(names, g_strdup(name));
    }
    g_ptr_array_sort(names, compare_names);
    return names;
}

/* ---- clocks ---- */

static bool is_fixed_clock(const char *path)
{
    g_autofree char *file = g_build_filename(path, "compatible", NULL);
    g_autofree char *data = NULL;
    gsize size;

    if (!g_file_get_contents(file, &data, &size, NULL)) {
        return false;
    }
    /* GLib puts a zero behind the data, so that each string ends. */
    for (const char *s = data; s < data + size; s += strlen(s) + 1) {
        if (strcmp(s, "fixed-clock") == 0) {
            return true;
        }
    }
    return false;
}

/* Specifiers are a phandle and as many cells as its node says. */
static void read_clocks(VFIOHostNode *node, Tree *tree)
{
    const VFIOHostProperty *prop = vfio_host_node_find(node, "clocks");
    size_t cells = prop ? prop->size / 4 : 0;

    for (size_t i = 0; i < cells;) {
        const char *path = tree_find(tree, cell_at(prop->data, i));
        VFIOHostClock clock = {0};
        uint32_t args;

        if (!path || !read_cell(path, "#clock-cells", &args)) {
            vfio_host_node_add_clock(node, &clock);
            return;
        }
        clock.provider = (char *)path + strlen(tree->root);
        clock.fixed = is_fixed_clock(path) &&
                      read_cell(path, "clock-frequency", &clock.frequency_hz);
        vfio_host_node_add_clock(node, &clock);
        i += 1 + (size_t)args;
    }
}

VFIOHostNode *vfio_host_node_read(const char *of_node, const char *tree_root,
                                  Error **errp)
{
    g_auto(Tree) tree = {.root = tree_root};
    g_autoptr(GPtrArray) names = list_names(of_node, errp);
    g_autoptr(VFIOHostNode) node = NULL;
    const VFIOHostProperty *name;

    if (!names) {
        return NULL;
    }
    node = vfio_host_node_new(NULL);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path =
            g_build_filename(of_node, names->pdata[i], NULL);

        if (g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
            !read_property(node, &tree, path, names->pdata[i], errp)) {
            return NULL;
        }
    }
    name = vfio_host_node_find(node, "name");
    node->name = g_strdup(name ? vfio_host_property_string(name, 0) : NULL);
    read_clocks(node, &tree);
    return g_steal_pointer(&node);
}
