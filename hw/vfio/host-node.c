/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device tree's node says of a device, wherever the tree is: which of
 * its properties refer to other nodes, and what its clocks are.
 *
 * A tree does not say which of its properties refer to other nodes; only
 * bindings do. So a property refers when its name is one that the standard
 * bindings use for it; and a vendor's ("vendor,name") refers when its first
 * cell is some node's phandle, unless the name speaks of a quantity. That may
 * take a small number for a phandle: then the property is left out, and named
 * in a warning, where the other mistake would point the guest at a wrong node.
 * Cells behind the first are not looked at: phandles are small numbers, and
 * nearly every list of numbers has one.
 */

#include <string.h>

#include "host-node.h"

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

static uint32_t cell_at(const void *data, size_t n)
{
    uint32_t cell;

    memcpy(&cell, (const char *)data + 4 * n, 4);
    return GUINT32_FROM_BE(cell);
}

/* ---- properties ---- */

static bool property_refers(HostTree *tree, const char *name, const void *data,
                            size_t size)
{
    /* "pinctrl-1;" is a state in which nothing is to be done. */
    if (matches(name, reference_globs, G_N_ELEMENTS(reference_globs))) {
        return size > 0;
    }
    return strchr(name, ',') && size >= 4 && size % 4 == 0 &&
           !matches(name, quantity_globs, G_N_ELEMENTS(quantity_globs)) &&
           tree->ops->has(tree, cell_at(data, 0));
}

void host_node_take(VFIOHostNode *node, HostTree *tree, const char *name,
                    const void *data, size_t size)
{
    vfio_host_node_add(node, name, data, size,
                       property_refers(tree, name, data, size));
}

static int compare_properties(const void *a, const void *b)
{
    const VFIOHostProperty *const *x = a;
    const VFIOHostProperty *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* ---- clocks ---- */

/* The cell in property @name of the node; false if there is none. */
static bool read_cell(HostTree *tree, uint32_t phandle, const char *name,
                      uint32_t *cell)
{
    size_t size;
    g_autofree char *data = tree->ops->get(tree, phandle, name, &size);

    if (!data || size != 4) {
        return false;
    }
    *cell = cell_at(data, 0);
    return true;
}

static bool is_fixed_clock(HostTree *tree, uint32_t phandle)
{
    size_t size;
    g_autofree char *data = tree->ops->get(tree, phandle, "compatible", &size);

    if (!data) {
        return false;
    }
    for (const char *s = data; s < data + size; s += strlen(s) + 1) {
        if (strcmp(s, "fixed-clock") == 0) {
            return true;
        }
    }
    return false;
}

/* Specifiers are a phandle and as many cells as its node says. */
static void read_clocks(VFIOHostNode *node, HostTree *tree)
{
    const VFIOHostProperty *prop = vfio_host_node_find(node, "clocks");
    size_t cells = prop ? prop->size / 4 : 0;

    for (size_t i = 0; i < cells;) {
        uint32_t phandle = cell_at(prop->data, i);
        g_autofree char *path = NULL;
        VFIOHostClock clock = {0};
        uint32_t args;

        if (!tree->ops->has(tree, phandle) ||
            !read_cell(tree, phandle, "#clock-cells", &args)) {
            vfio_host_node_add_clock(node, &clock);
            return;
        }
        path = tree->ops->path(tree, phandle);
        clock.provider = path;
        clock.fixed =
            is_fixed_clock(tree, phandle) &&
            read_cell(tree, phandle, "clock-frequency", &clock.frequency_hz);
        vfio_host_node_add_clock(node, &clock);
        i += 1 + (size_t)args;
    }
}

void host_node_complete(VFIOHostNode *node, HostTree *tree)
{
    GPtrArray *properties = node->properties;

    /* Stable; of two with the same name libfdt and Linux take the first. */
    g_ptr_array_sort(properties, compare_properties);
    for (guint i = properties->len; i > 1; i--) {
        if (compare_properties(&properties->pdata[i - 2],
                               &properties->pdata[i - 1]) == 0) {
            g_ptr_array_remove_index(properties, i - 1);
        }
    }
    read_clocks(node, tree);
}
