/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's device-tree node for an assigned device, whatever it is: where
 * it is in the guest, and what the host's node says of it. No list of known
 * devices: a property is copied if it refers to no other node, and is named in
 * a warning otherwise.
 *
 * What would surprise: a clock whose host provider is a fixed-clock becomes a
 * guest clock of its own at the root of the tree, since an AMBA device without
 * its apb_pclk is never probed. A `xyz-names` goes with its `xyz`.
 */

#include <string.h>

#include "hw/vfio/sysbus-device.h"
#include "util/log.h"

/* GIC interrupt specifier (arm,gic binding): type, number, flags. */
#define GIC_SPI 0
#define GIC_EDGE_RISING 1
#define GIC_LEVEL_HIGH 4

/* Not copied: written by us, or about the host's tree alone. */
static const char *const own_properties[] = {
    "#address-cells",
    "#size-cells",
    "clock-names",
    "clocks",
    "compatible",
    "dma-ranges",
    "interrupt-names",
    "interrupt-parent",
    "interrupts",
    "interrupts-extended",
    "linux,phandle",
    "name",
    "phandle",
    "ranges",
    "reg",
    "reg-names",
    "status",
    NULL,
};

static const VFIOHostNode *host_node(VFIOHost *host)
{
    return host->ops->get_node ? host->ops->get_node(host) : NULL;
}

/* What a node's name may have (Devicetree Specification 2.2.1). */
static void sanitize(char *text)
{
    g_strcanon(text,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
               "0123456789,._+-",
               '-');
}

/*
 * The host's name for the node; else the last part of the device's name that
 * can be one: "c000000.6800000.ethernet" is an ethernet, "serial8250.0" and
 * "ARMH0011:00" are what they begin with.
 */
static char *node_name(VFIOHost *host)
{
    const VFIOHostNode *node = host_node(host);
    g_auto(GStrv) parts = NULL;
    char *name = NULL;

    if (node && node->name && g_ascii_isalpha(node->name[0])) {
        name = g_strdup(node->name);
        sanitize(name);
        return name;
    }
    parts = g_strsplit_set(host->name, ".:", -1);
    for (unsigned i = g_strv_length(parts); i > 0 && !name; i--) {
        if (g_ascii_isalpha(parts[i - 1][0])) {
            name = g_strdup(parts[i - 1]);
        }
    }
    name = name ? name : g_strdup("device");
    sanitize(name);
    return name;
}

/* ---- clocks ---- */

/*
 * Without names a driver counts, so nothing can be taken out before a clock
 * that stays.
 */
static bool clock_kept(const VFIOHostNode *node, guint n)
{
    guint first = vfio_host_node_find(node, "clock-names") ? n : 0;

    for (guint i = first; i <= n; i++) {
        const VFIOHostClock *clock = node->clocks->pdata[i];

        if (!clock->fixed) {
            return false;
        }
    }
    return true;
}

static void write_clock_node(FdtWriter *fdt, const char *name,
                             const VFIOHostClock *clock, uint32_t phandle)
{
    fdt_writer_begin_node(fdt, name);
    fdt_writer_string(fdt, "compatible", "fixed-clock");
    fdt_writer_cell(fdt, "#clock-cells", 0);
    fdt_writer_cell(fdt, "clock-frequency", clock->frequency_hz);
    fdt_writer_phandle(fdt, phandle);
    fdt_writer_end_node(fdt);
}

bool vfio_sysbus_write_fdt_root(SysBusDevice *sbd, FdtWriter *fdt, Error **errp)
{
    VFIOSysBusDevice *vsd = VFIO_SYSBUS_DEVICE(sbd);
    VFIOHost *host = vsd->vdev.host;
    const VFIOHostNode *node = host_node(host);
    guint n = node ? node->clocks->len : 0;

    g_free(vsd->clock_phandles);
    vsd->clock_phandles = g_new0(uint32_t, n);
    for (guint i = 0; i < n; i++) {
        g_autofree char *name = NULL;

        if (clock_kept(node, i)) {
            name = g_strdup_printf("clock-%s-%u", host->name, i);
            sanitize(name);
            vsd->clock_phandles[i] = fdt_writer_new_phandle(fdt);
            write_clock_node(fdt, name, node->clocks->pdata[i],
                             vsd->clock_phandles[i]);
        }
    }
    return true;
}

static void leave_out_clock(GString *left_out, const char *name,
                            const char *provider)
{
    g_string_append_printf(left_out, "%sclock %s (%s)",
                           left_out->len ? ", " : "",
                           name ? name : "without a name",
                           provider ? provider : "of no known node");
}

static void write_clocks(VFIOSysBusDevice *vsd, FdtWriter *fdt,
                         const VFIOHostNode *node, GString *left_out)
{
    const VFIOHostProperty *names = vfio_host_node_find(node, "clock-names");
    g_autoptr(GArray) cells = g_array_new(false, false, sizeof(uint32_t));
    g_autoptr(GString) kept = g_string_new(NULL);

    for (guint i = 0; i < node->clocks->len; i++) {
        const VFIOHostClock *clock = node->clocks->pdata[i];
        const char *name = names ? vfio_host_property_string(names, i) : NULL;

        if (vsd->clock_phandles[i]) {
            g_array_append_val(cells, vsd->clock_phandles[i]);
            if (name) {
                g_string_append_len(kept, name, strlen(name) + 1);
            }
        } else {
            leave_out_clock(left_out, name, clock->provider);
        }
    }
    /* Those behind a clock of no known node were not found. */
    for (guint i = node->clocks->len;
         names && vfio_host_property_string(names, i); i++) {
        leave_out_clock(left_out, vfio_host_property_string(names, i), NULL);
    }
    if (cells->len > 0) {
        fdt_writer_cells(fdt, "clocks", (const uint32_t *)cells->data,
                         cells->len);
    }
    if (kept->len > 0) {
        fdt_writer_bytes(fdt, "clock-names", kept->str, kept->len);
    }
}

/* ---- what we know ---- */

/* The strings of the option, one behind the other; empty ones are none. */
static GString *given_compatible(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text ? text : "", ";", -1);
    GString *list = g_string_new(NULL);

    for (unsigned i = 0; words[i]; i++) {
        if (*words[i]) {
            g_string_append_len(list, words[i], strlen(words[i]) + 1);
        }
    }
    return list;
}

static void write_compatible(VFIOSysBusDevice *vsd, FdtWriter *fdt,
                             const VFIOHostNode *node)
{
    const VFIOHostProperty *prop =
        node ? vfio_host_node_find(node, "compatible") : NULL;
    g_autoptr(GString) given = given_compatible(vsd->compatible);

    if (given->len > 0) {
        fdt_writer_bytes(fdt, "compatible", given->str, given->len);
    } else if (prop && prop->size > 0) {
        fdt_writer_bytes(fdt, "compatible", prop->data, prop->size);
    } else {
        warn_report("vfio %s: the host does not tell what it is, so no driver "
                    "of the guest will find it; try: compatible=VENDOR,,CHIP",
                    vsd->vdev.host->name);
    }
}

/* Only regions with bytes in them are on the bus; their names go along. */
static void write_regs(VFIOSysBusDevice *vsd, FdtWriter *fdt,
                       const SysBusPlace *place, const VFIOHostNode *node)
{
    const VFIOHostProperty *prop =
        node ? vfio_host_node_find(node, "reg-names") : NULL;
    g_autofree FdtReg *regs = g_new0(FdtReg, place->n_mmio);
    g_autoptr(GString) names = g_string_new(NULL);
    unsigned n = 0;

    for (unsigned i = 0; i < vsd->vdev.info.num_regions; i++) {
        const VFIORegion *region = &vsd->vdev.regions[i];
        const char *name = prop ? vfio_host_property_string(prop, i) : NULL;

        if (!region->present) {
            continue;
        }
        if (name) {
            g_string_append_len(names, name, strlen(name) + 1);
        }
        regs[n].addr = place->mmio[n] - place->bus_base;
        regs[n].size = region->info.size;
        n++;
    }
    if (n > 0) {
        fdt_writer_reg(fdt, regs, n);
    }
    if (names->len > 0) {
        fdt_writer_bytes(fdt, "reg-names", names->str, names->len);
    }
}

static void write_interrupts(VFIOSysBusDevice *vsd, FdtWriter *fdt,
                             const SysBusPlace *place, const VFIOHostNode *node)
{
    const VFIOHostProperty *prop =
        node ? vfio_host_node_find(node, "interrupt-names") : NULL;
    g_autofree uint32_t *cells = g_new(uint32_t, 3 * place->n_irqs);
    g_autoptr(GString) names = g_string_new(NULL);

    for (unsigned i = 0; i < place->n_irqs; i++) {
        bool level = vsd->vdev.irqs[i].info.automasked;
        const char *name = prop ? vfio_host_property_string(prop, i) : NULL;

        cells[3 * i] = GIC_SPI;
        cells[3 * i + 1] = place->irqs[i];
        cells[3 * i + 2] = level ? GIC_LEVEL_HIGH : GIC_EDGE_RISING;
        if (name) {
            g_string_append_len(names, name, strlen(name) + 1);
        }
    }
    if (place->n_irqs > 0) {
        fdt_writer_cells(fdt, "interrupts", cells, 3 * place->n_irqs);
    }
    if (names->len > 0) {
        fdt_writer_bytes(fdt, "interrupt-names", names->str, names->len);
    }
}

/* ---- what the host's node says ---- */

/* Does "xyz-names" belong to a property that is left out? */
static bool names_left_out(const VFIOHostNode *node, const char *name)
{
    static const char *const endings[] = {"", "s", "es", "-0"};
    g_autofree char *stem = NULL;

    if (!g_str_has_suffix(name, "-names")) {
        return false;
    }
    stem = g_strndup(name, strlen(name) - strlen("-names"));
    for (unsigned i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *named = g_strconcat(stem, endings[i], NULL);
        const VFIOHostProperty *prop = vfio_host_node_find(node, named);

        if (prop && prop->refers) {
            return true;
        }
    }
    return false;
}

static void copy_properties(const VFIOHostNode *node, FdtWriter *fdt,
                            GString *left_out)
{
    for (guint i = 0; i < node->properties->len; i++) {
        const VFIOHostProperty *prop = node->properties->pdata[i];

        if (g_strv_contains(own_properties, prop->name)) {
            continue;
        }
        if (prop->refers) {
            g_string_append_printf(left_out, "%s%s", left_out->len ? ", " : "",
                                   prop->name);
        } else if (!names_left_out(node, prop->name)) {
            fdt_writer_bytes(fdt, prop->name, prop->data, prop->size);
        }
    }
}

bool vfio_sysbus_write_fdt(SysBusDevice *sbd, FdtWriter *fdt,
                           const SysBusPlace *place, Error **errp)
{
    VFIOSysBusDevice *vsd = VFIO_SYSBUS_DEVICE(sbd);
    VFIOHost *host = vsd->vdev.host;
    const VFIOHostNode *node = host_node(host);
    g_autoptr(GString) left_out = g_string_new(NULL);
    g_autofree char *name = node_name(host);

    if (place->n_mmio > 0) {
        fdt_writer_begin_node_at(fdt, name, place->mmio[0] - place->bus_base);
    } else {
        g_autofree char *unique = g_strdup_printf("%s-%s", name, host->name);

        sanitize(unique);
        fdt_writer_begin_node(fdt, unique);
    }
    write_compatible(vsd, fdt, node);
    write_regs(vsd, fdt, place, node);
    write_interrupts(vsd, fdt, place, node);
    if (node) {
        write_clocks(vsd, fdt, node, left_out);
        copy_properties(node, fdt, left_out);
    }
    fdt_writer_end_node(fdt);
    if (left_out->len > 0) {
        warn_report("vfio %s: left out of the guest's device tree, since it "
                    "refers to the host's: %s; the guest's driver must do "
                    "without",
                    host->name, left_out->str);
    }
    return true;
}
