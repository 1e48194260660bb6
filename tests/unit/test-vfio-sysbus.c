/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysbus-device.c, sysbus-fdt.c and platform.c: the device types on a platform
 * bus with a scripted host below, their properties, and the node in the guest's
 * tree, as libfdt reads it.
 */

#include <glib.h>
#include <libfdt.h>
#include <string.h>

#include "hw/core/platform-bus.h"
#include "hw/vfio/sysbus-device.h"
#include "scripted-host.h"
#include "temp-tree.h"
#include "util/log.h"
#include "util/main-loop.h"

#define BUS_BASE 0x0c000000ULL
#define BUS_IRQS 8
#define RTC "soc/rtc@9010000"

typedef struct Fixture {
    TempTree *tree;
    PlatformBus *bus;
    ScriptedInput input[BUS_IRQS];
    DeviceState *dev;
    void *fdt;
} Fixture;

static void setup(Fixture *f)
{
    *f = (Fixture){.tree = temp_tree_new()};
    f->bus = PLATFORM_BUS(qdev_new(TYPE_PLATFORM_BUS));
    f->bus->base = BUS_BASE;
    f->bus->size = 0x2000000;
    f->bus->num_irqs = BUS_IRQS;
    f->bus->first_spi = 112;
    f->bus->lines = g_new0(IrqLine *, BUS_IRQS);
    for (unsigned i = 0; i < BUS_IRQS; i++) {
        scripted_input_init(&f->input[i], true, true, NULL);
        f->bus->lines[i] = &f->input[i].line;
    }
    object_add_child(object_root(), "bus", OBJECT(f->bus), NULL);
    g_assert_true(qdev_realize(DEVICE(f->bus), NULL));
    f->dev = qdev_new("vfio-scripted");
    object_add_child(object_root(), "dev", OBJECT(f->dev), NULL);
}

static void teardown(Fixture *f)
{
    qdev_unrealize(f->dev);
    qdev_unrealize(DEVICE(f->bus));
    object_unparent(OBJECT(f->dev));
    object_unref(OBJECT(f->dev));
    object_unparent(OBJECT(f->bus));
    object_unref(OBJECT(f->bus));
    temp_tree_free(f->tree);
    g_free(f->fdt);
}

static void set(Fixture *f, const char *name, const char *text)
{
    g_autoptr(Error) err = NULL;

    object_set_property(OBJECT(f->dev), name, text, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
}

/* The host's node is that of RTC in the temporary tree. */
static void set_node(Fixture *f)
{
    g_autofree char *path = temp_tree_path(f->tree, RTC);

    set(f, "of-node", path);
    set(f, "tree", f->tree->root);
    set(f, "compatible", "");
}

static void plug(Fixture *f)
{
    g_autoptr(Error) err = NULL;

    qdev_realize(f->dev, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_true(platform_bus_link(f->bus, SYS_BUS_DEVICE(f->dev), &err));
}

static void write_tree(Fixture *f)
{
    g_autoptr(FdtWriter) fdt = fdt_writer_new();
    uint32_t gic = fdt_writer_new_phandle(fdt);
    size_t size;

    fdt_writer_begin_node(fdt, "");
    fdt_writer_address_cells(fdt, 2, 2);
    g_assert_true(platform_bus_write_fdt(f->bus, fdt, gic, NULL));
    fdt_writer_end_node(fdt);
    f->fdt = fdt_writer_finish(fdt, &size, NULL);
    g_assert_nonnull(f->fdt);
}

/* With what is left out, all of it in one warning. */
static void write_tree_without(Fixture *f, const char *left_out)
{
    g_autofree char *path = temp_tree_path(f->tree, "log");
    g_autofree char *text = NULL;
    g_autofree char *expect = g_strdup_printf(
        "warning: vfio 1000000.scripted: left out of the guest's device tree, "
        "since it refers to the host's: %s; the guest's driver must do "
        "without\n",
        left_out);

    g_assert_true(log_open(path, NULL));
    write_tree(f);
    log_close();
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_true(g_str_has_suffix(text, expect));
    g_assert_true(strchr(text, '\n') == text + strlen(text) - 1);
}

static int node_at(Fixture *f, const char *path)
{
    int node = fdt_path_offset(f->fdt, path);

    g_test_message("%s", path);
    g_assert_cmpint(node, >=, 0);
    return node;
}

static void expect_bytes(Fixture *f, const char *path, const char *name,
                         const void *data, int size)
{
    int len;
    const void *value = fdt_getprop(f->fdt, node_at(f, path), name, &len);

    g_test_message("%s", name);
    g_assert_nonnull(value);
    g_assert_cmpmem(value, len, data, size);
}

static void expect_cells(Fixture *f, const char *path, const char *name,
                         const uint32_t *cells, unsigned n)
{
    g_autofree uint32_t *swapped = g_new(uint32_t, n);

    for (unsigned i = 0; i < n; i++) {
        swapped[i] = GUINT32_TO_BE(cells[i]);
    }
    expect_bytes(f, path, name, swapped, 4 * n);
}
#define EXPECT_CELLS(f, path, name, ...)                   \
    expect_cells(f, path, name, (uint32_t[]){__VA_ARGS__}, \
                 sizeof((uint32_t[]){__VA_ARGS__}) / 4)

static void expect_none(Fixture *f, const char *path, const char *name)
{
    g_test_message("no %s", name);
    g_assert_null(fdt_getprop(f->fdt, node_at(f, path), name, NULL));
}

/* ---- the node ---- */

#define NODE "/platform-bus@c000000/rtc@0"

static void test_no_node(void)
{
    Fixture f;

    setup(&f);
    set(&f, "name", "c000000.6800000.ethernet");
    set(&f, "regions", "0x1000:map;0;0x200");
    set(&f, "lines", "level;edge");
    set(&f, "compatible", "a,b;c,d");
    plug(&f);
    write_tree(&f);
    expect_bytes(&f, "/platform-bus@c000000/ethernet@0", "compatible",
                 "a,b\0c,d", 8);
    EXPECT_CELLS(&f, "/platform-bus@c000000/ethernet@0", "reg", 0, 0x1000,
                 0x1000, 0x200);
    EXPECT_CELLS(&f, "/platform-bus@c000000/ethernet@0", "interrupts", 0, 112,
                 4, 0, 113, 1);
    expect_none(&f, "/platform-bus@c000000/ethernet@0", "clocks");
    teardown(&f);
}

/* Empty strings say nothing; nor does a host's empty property. */
static void test_compatible(void)
{
    static const struct {
        const char *given, *expect;
        int size;
    } cases[] = {{"", NULL, 0}, {";;", NULL, 0}, {";a,b;;c,d;", "a,b\0c,d", 8}};

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        Fixture f;

        setup(&f);
        temp_tree_string(f.tree, RTC "/name", "rtc");
        temp_tree_bytes(f.tree, RTC "/compatible", "", 0);
        set_node(&f);
        set(&f, "compatible", cases[i].given);
        set(&f, "regions", "0x1000");
        plug(&f);
        write_tree(&f);
        if (cases[i].expect) {
            expect_bytes(&f, NODE, "compatible", cases[i].expect,
                         cases[i].size);
        } else {
            expect_none(&f, NODE, "compatible");
        }
        teardown(&f);
    }
}

static void test_names(void)
{
    static const char *const cases[][2] = {
        {"9010000.pl031", "pl031"},
        {"c000000.6800000.ethernet", "ethernet"},
        {"serial8250.0", "serial8250"},
        {"ARMH0011:00", "ARMH0011"},
        {"0.1", "device"},
        {"1.we ird/name", "we-ird-name"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path =
            g_strdup_printf("/platform-bus@c000000/%s@0", cases[i][1]);
        Fixture f;

        setup(&f);
        set(&f, "name", cases[i][0]);
        set(&f, "regions", "0x1000");
        plug(&f);
        write_tree(&f);
        node_at(&f, path);
        teardown(&f);
    }
}

static void test_no_mmio(void)
{
    Fixture f;

    setup(&f);
    set(&f, "name", "1.timer");
    set(&f, "lines", "edge");
    plug(&f);
    write_tree(&f);
    expect_none(&f, "/platform-bus@c000000/timer-1.timer", "reg");
    EXPECT_CELLS(&f, "/platform-bus@c000000/timer-1.timer", "interrupts", 0,
                 112, 1);
    teardown(&f);
}

/* A window that needs two cells: reg has as many. */
static void test_wide_window(void)
{
    Fixture f;

    setup(&f);
    f.bus->size = 0x400000000;
    set(&f, "name", "1.gpu");
    set(&f, "regions", "0x1000;0x100000000");
    plug(&f);
    write_tree(&f);
    EXPECT_CELLS(&f, "/platform-bus@c000000/gpu@0", "reg", 0, 0, 0, 0x1000, 0,
                 0xf4000000, 1, 0);
    teardown(&f);
}

static void test_copied(void)
{
    Fixture f;
    TempTree *t;

    setup(&f);
    t = f.tree;
    temp_tree_string(t, RTC "/name", "rtc");
    temp_tree_bytes(t, RTC "/compatible", "lab,rtc\0arm,primecell", 22);
    temp_tree_cells(t, RTC "/reg", (uint32_t[]){9, 9}, 2);
    temp_tree_bytes(t, RTC "/reg-names", "one\0empty\0two", 14);
    temp_tree_bytes(t, RTC "/interrupt-names", "irq\0more", 9);
    temp_tree_cells(t, RTC "/interrupts", (uint32_t[]){0, 3, 4}, 3);
    temp_tree_bytes(t, RTC "/dma-coherent", "", 0);
    temp_tree_cells(t, RTC "/phandle", (uint32_t[]){5}, 1);
    temp_tree_string(t, RTC "/status", "okay");
    temp_tree_cells(t, RTC "/arm,scalar", (uint32_t[]){0x11131}, 1);
    temp_tree_string(t, RTC "/phy-mode", "rgmii");
    temp_tree_cells(t, RTC "/resets", (uint32_t[]){5, 1}, 2);
    temp_tree_string(t, RTC "/reset-names", "bus");
    temp_tree_cells(t, RTC "/pinctrl-0", (uint32_t[]){5}, 1);
    temp_tree_string(t, RTC "/pinctrl-names", "default");
    set_node(&f);
    set(&f, "regions", "0x1000;0;0x1000");
    set(&f, "lines", "level");
    plug(&f);
    write_tree_without(&f, "pinctrl-0, resets");
    expect_bytes(&f, NODE, "compatible", "lab,rtc\0arm,primecell", 22);
    expect_bytes(&f, NODE, "reg-names", "one\0two", 8);
    expect_bytes(&f, NODE, "interrupt-names", "irq", 4);
    expect_bytes(&f, NODE, "dma-coherent", "", 0);
    EXPECT_CELLS(&f, NODE, "arm,scalar", 0x11131);
    EXPECT_CELLS(&f, NODE, "reg", 0, 0x1000, 0x1000, 0x1000);
    expect_bytes(&f, NODE, "phy-mode", "rgmii", 6);
    expect_none(&f, NODE, "phandle");
    expect_none(&f, NODE, "status");
    expect_none(&f, NODE, "name");
    expect_none(&f, NODE, "resets");
    expect_none(&f, NODE, "reset-names");
    expect_none(&f, NODE, "pinctrl-0");
    expect_none(&f, NODE, "pinctrl-names");
    teardown(&f);
}

/* Phandle 1 is a fixed clock of 24 MHz, 2 some other provider with one cell. */
static void add_clocks(TempTree *t, const uint32_t *cells, size_t n)
{
    temp_tree_string(t, RTC "/name", "rtc");
    temp_tree_string(t, RTC "/compatible", "lab,rtc");
    temp_tree_string(t, "osc/compatible", "fixed-clock");
    temp_tree_cells(t, "osc/phandle", (uint32_t[]){1}, 1);
    temp_tree_cells(t, "osc/#clock-cells", (uint32_t[]){0}, 1);
    temp_tree_cells(t, "osc/clock-frequency", (uint32_t[]){24000000}, 1);
    temp_tree_string(t, "cc/compatible", "vendor,cc");
    temp_tree_cells(t, "cc/phandle", (uint32_t[]){2}, 1);
    temp_tree_cells(t, "cc/#clock-cells", (uint32_t[]){1}, 1);
    temp_tree_cells(t, RTC "/clocks", cells, n);
}

static uint32_t clock_phandle(Fixture *f, unsigned n)
{
    g_autofree char *path = g_strdup_printf("/clock-1000000.scripted-%u", n);

    expect_bytes(f, path, "compatible", "fixed-clock", 12);
    EXPECT_CELLS(f, path, "clock-frequency", 24000000);
    EXPECT_CELLS(f, path, "#clock-cells", 0);
    return fdt_get_phandle(f->fdt, node_at(f, path));
}

/* One that is not fixed goes, with its name; the others keep theirs. */
static void test_clocks_named(void)
{
    Fixture f;

    setup(&f);
    add_clocks(f.tree, (uint32_t[]){1, 2, 7, 1}, 4);
    temp_tree_bytes(f.tree, RTC "/clock-names", "core\0bus\0apb_pclk", 18);
    set_node(&f);
    set(&f, "regions", "0x1000");
    plug(&f);
    write_tree_without(&f, "clock bus (/cc)");
    EXPECT_CELLS(&f, NODE, "clocks", clock_phandle(&f, 0),
                 clock_phandle(&f, 2));
    expect_bytes(&f, NODE, "clock-names", "core\0apb_pclk", 14);
    g_assert_cmpint(fdt_path_offset(f.fdt, "/clock-1000000.scripted-1"), <, 0);
    teardown(&f);
}

/* Nobody knows how long the entry of an unknown provider is. */
static void test_clocks_unknown(void)
{
    Fixture f;

    setup(&f);
    add_clocks(f.tree, (uint32_t[]){1, 99, 1}, 3);
    temp_tree_bytes(f.tree, RTC "/clock-names", "core\0bus\0apb_pclk", 18);
    set_node(&f);
    set(&f, "regions", "0x1000");
    plug(&f);
    write_tree_without(&f, "clock bus (of no known node), clock apb_pclk (of "
                           "no known node)");
    EXPECT_CELLS(&f, NODE, "clocks", clock_phandle(&f, 0));
    expect_bytes(&f, NODE, "clock-names", "core", 5);
    teardown(&f);
}

/* A fixed clock that does not say how fast is none for the guest. */
static void test_clocks_quiet(void)
{
    Fixture f;

    setup(&f);
    add_clocks(f.tree, (uint32_t[]){3, 1}, 2);
    temp_tree_string(f.tree, "quiet/compatible", "fixed-clock");
    temp_tree_cells(f.tree, "quiet/phandle", (uint32_t[]){3}, 1);
    temp_tree_cells(f.tree, "quiet/#clock-cells", (uint32_t[]){0}, 1);
    temp_tree_bytes(f.tree, RTC "/clock-names", "core\0apb_pclk", 14);
    set_node(&f);
    set(&f, "regions", "0x1000");
    plug(&f);
    write_tree_without(&f, "clock core (/quiet)");
    EXPECT_CELLS(&f, NODE, "clocks", clock_phandle(&f, 1));
    expect_bytes(&f, NODE, "clock-names", "apb_pclk", 9);
    teardown(&f);
}

/* Without names a driver counts: none after the first that goes. */
static void test_clocks_counted(void)
{
    Fixture f;

    setup(&f);
    add_clocks(f.tree, (uint32_t[]){1, 2, 7, 1}, 4);
    set_node(&f);
    set(&f, "regions", "0x1000");
    plug(&f);
    write_tree(&f);
    EXPECT_CELLS(&f, NODE, "clocks", clock_phandle(&f, 0));
    expect_none(&f, NODE, "clock-names");
    teardown(&f);
}

static void test_clocks_none(void)
{
    Fixture f;

    setup(&f);
    add_clocks(f.tree, (uint32_t[]){2, 7}, 2);
    temp_tree_string(f.tree, RTC "/clock-names", "core");
    set_node(&f);
    set(&f, "regions", "0x1000");
    plug(&f);
    write_tree(&f);
    expect_none(&f, NODE, "clocks");
    expect_none(&f, NODE, "clock-names");
    teardown(&f);
}

/* ---- the type ---- */

static void test_bad_properties(void)
{
    static const struct {
        const char *name, *value, *text;
    } cases[] = {
        {"x-irqfd", "off", "x-irqfd=off and x-irq-route=irqfd contradict"},
        {"regions", "0x1000:huh", "'huh' is none of ro, wo, map"},
        {"fail", "get-info", "vfio 1000000.scripted: cannot get info"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        Fixture f;

        setup(&f);
        set(&f, "x-irq-route", "irqfd");
        set(&f, cases[i].name, cases[i].value);
        g_assert_false(qdev_realize(f.dev, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), cases[i].text));
        teardown(&f);
    }
}

static DeviceState *new_platform(Fixture *f)
{
    DeviceState *dev = qdev_new("vfio-platform");

    object_add_child(object_root(), "real", OBJECT(dev), NULL);
    return dev;
}

static void platform_fails(const char *host, const char *sysfsdev,
                           const char *text)
{
    g_autoptr(Error) err = NULL;
    Fixture f;
    DeviceState *dev;

    setup(&f);
    dev = new_platform(&f);
    if (host) {
        object_set_property(OBJECT(dev), "host", host, NULL);
    }
    if (sysfsdev) {
        object_set_property(OBJECT(dev), "sysfsdev", sysfsdev, NULL);
    }
    g_assert_false(qdev_realize(dev, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), text));
    object_unparent(OBJECT(dev));
    object_unref(OBJECT(dev));
    teardown(&f);
}

static void test_which_device(void)
{
    platform_fails(NULL, NULL, "which device? try: host=NAME");
    platform_fails("", "", "which device? try: host=NAME");
    platform_fails("a", "/b", "host=a and sysfsdev=/b both say which device");
    platform_fails("no.such.thing", NULL, "vfio no.such.thing: no such device");
    platform_fails(NULL, "/no/such/thing", "vfio: no device /no/such/thing");
}

/* Realized, run, reset and unrealized. */
static void test_life(void)
{
    Fixture f;

    setup(&f);
    set(&f, "regions", "0x1000:map;0x2000");
    set(&f, "lines", "level;edge");
    plug(&f);
    g_assert_cmpuint(sysbus_num_mmio(SYS_BUS_DEVICE(f.dev)), ==, 2);
    g_assert_cmpuint(sysbus_num_irqs(SYS_BUS_DEVICE(f.dev)), ==, 2);
    reset_all();
    run_state_set(true);
    g_assert_nonnull(f.input[0].fd);
    g_assert_nonnull(f.input[1].fd);
    run_state_set(false);
    reset_all();
    run_state_set(true);
    run_state_set(false);
    qdev_unrealize(f.dev);
    g_assert_null(f.input[0].fd);
    g_assert_null(f.input[1].fd);
    teardown(&f);
}

/* A window that has no room: nothing of the device stays mapped. */
static void test_no_room(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f;

    setup(&f);
    set(&f, "regions", "0x4000000");
    g_assert_true(qdev_realize(f.dev, NULL));
    g_assert_false(platform_bus_link(f.bus, SYS_BUS_DEVICE(f.dev), &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "platform-bus-size="));
    g_assert_true(
        g_str_has_prefix(error_get_pretty(err), "vfio 1000000.scripted: "));
    teardown(&f);
}

/* A route that was asked for and is not there: known before anything runs. */
static void test_no_route(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f;

    setup(&f);
    scripted_input_init(&f.input[1], false, true, NULL);
    set(&f, "regions", "0x1000");
    set(&f, "lines", "level;edge");
    set(&f, "x-irq-route", "irqfd");
    g_assert_true(qdev_realize(f.dev, NULL));
    g_assert_false(platform_bus_link(f.bus, SYS_BUS_DEVICE(f.dev), &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio 1000000.scripted: line 1: x-irq-route=irqfd cannot "
                    "be had: with this interrupt controller there is eoi, "
                    "trap; try: x-irq-route=auto, which takes the best");
    g_assert_null(sysbus_get_connected_irq(SYS_BUS_DEVICE(f.dev), 0));
    g_assert_null(sysbus_get_connected_irq(SYS_BUS_DEVICE(f.dev), 1));
    teardown(&f);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/vfio-sysbus/fdt/no-node", test_no_node);
    g_test_add_func("/vfio-sysbus/fdt/compatible", test_compatible);
    g_test_add_func("/vfio-sysbus/fdt/names", test_names);
    g_test_add_func("/vfio-sysbus/fdt/no-mmio", test_no_mmio);
    g_test_add_func("/vfio-sysbus/fdt/wide-window", test_wide_window);
    g_test_add_func("/vfio-sysbus/fdt/copied", test_copied);
    g_test_add_func("/vfio-sysbus/fdt/clocks/named", test_clocks_named);
    g_test_add_func("/vfio-sysbus/fdt/clocks/unknown", test_clocks_unknown);
    g_test_add_func("/vfio-sysbus/fdt/clocks/quiet", test_clocks_quiet);
    g_test_add_func("/vfio-sysbus/fdt/clocks/counted", test_clocks_counted);
    g_test_add_func("/vfio-sysbus/fdt/clocks/none", test_clocks_none);
    g_test_add_func("/vfio-sysbus/bad-properties", test_bad_properties);
    g_test_add_func("/vfio-sysbus/which-device", test_which_device);
    g_test_add_func("/vfio-sysbus/life", test_life);
    g_test_add_func("/vfio-sysbus/no-room", test_no_room);
    g_test_add_func("/vfio-sysbus/no-route", test_no_route);
    status = g_test_run();
    object_root_free();
    main_loop_finish();
    return status;
}
