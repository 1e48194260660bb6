/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virt.c on the qtest accelerator: the map as accesses see it, the tree as a
 * guest reads it, and each configuration that is refused, which must leave
 * nothing behind.
 */

#include <libfdt.h>
#include <string.h>

#include "accel/qtest.h"
#include "hw/core/machine.h"
#include "hw/core/reset.h"
#include "util/main-loop.h"
#include "util/timer.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

typedef struct Fixture {
    Accel *accel;
    MachineState *machine;
    MachineClass *mc;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused)
{
    g_assert_true(main_loop_init(NULL));
    f->accel = accel_create("qtest", 1ull << 40, NULL);
    g_assert_nonnull(f->accel);
    f->mc = machine_class_find("virt");
    g_assert_nonnull(f->mc);
    f->machine = MACHINE(object_new("virt-machine"));
    f->machine->accel = f->accel;
    f->machine->config.ram_size = 16 * MIB;
    f->machine->config.smp = 1;
    g_assert_true(
        object_add_child(object_root(), "machine", OBJECT(f->machine), NULL));
}

static void tear_down(Fixture *f, gconstpointer unused)
{
    f->mc->finish(f->machine);
    object_unparent(OBJECT(f->machine));
    g_assert_cmpuint(OBJECT(f->machine)->refs, ==, 1);
    object_unref(OBJECT(f->machine));
    accel_destroy(f->accel);
    object_root_free();
    g_assert_null(address_space_find(address_space_memory(), 0x40000000).mr);
    main_loop_finish();
}

static void set(Fixture *f, const char *name, const char *text)
{
    g_assert_true(object_set_property(OBJECT(f->machine), name, text, NULL));
}

static void start(Fixture *f)
{
    g_autoptr(Error) err = NULL;
    bool ok = f->mc->init(f->machine, &err) && f->mc->done(f->machine, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_true(ok);
    reset_all();
}

static uint32_t rd(hwaddr addr)
{
    uint32_t value = 0;

    g_assert_cmpint(
        address_space_read(address_space_memory(), addr, &value, sizeof(value)),
        ==, MEMTX_OK);
    return GUINT32_FROM_LE(value);
}

/* Without a kernel the tree is at the start of RAM. */
static const void *tree(void)
{
    const void *fdt =
        address_space_ram(address_space_memory(), 0x40000000, 65536);

    g_assert_nonnull(fdt);
    g_assert_cmpint(fdt_check_full(fdt, 65536), ==, 0);
    return fdt;
}

static int node(const char *path)
{
    return fdt_path_offset(tree(), path);
}

static void assert_cells(const char *path, const char *name,
                         const uint32_t *cells, int n)
{
    int len;
    const uint8_t *value = fdt_getprop(tree(), node(path), name, &len);

    g_assert_nonnull(value);
    g_assert_cmpint(len, ==, n * 4);
    for (int i = 0; i < n; i++) {
        g_assert_cmphex(fdt32_ld((const fdt32_t *)(value + 4 * i)), ==,
                        cells[i]);
    }
}

#define ASSERT_CELLS(path, name, ...)                         \
    assert_cells(path, name, (const uint32_t[]){__VA_ARGS__}, \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static const char *text(const char *path, const char *name)
{
    const char *value = fdt_getprop(tree(), node(path), name, NULL);

    g_assert_nonnull(value);
    return value;
}

static void test_map(Fixture *f, gconstpointer unused)
{
    start(f);
    g_assert_cmphex(rd(0x09000fe0), ==, 0x11);
    g_assert_cmphex(rd(0x09000fe4), ==, 0x10);
    g_assert_cmphex(rd(0x09010fe0), ==, 0x31);
    g_assert_true(address_space_find(address_space_memory(), 0x40ffffff).mr ==
                  address_space_find(address_space_memory(), 0x40000000).mr);
    g_assert_null(address_space_find(address_space_memory(), 0x41000000).mr);
    g_assert_cmphex(f->machine->bus->base, ==, 0x0c000000);
    g_assert_cmphex(f->machine->bus->size, ==, 0x02000000);
    g_assert_cmpuint(f->machine->bus->num_irqs, ==, 64);
    g_assert_cmphex(f->mc->phys_end(f->machine), ==, 0x41000000);
}

/* The UART and the RTC are where a guest looks for their interrupts. */
static void test_lines(Fixture *f, gconstpointer unused)
{
    QtestGic *gic;
    uint32_t one = GUINT32_TO_LE(1), tx = GUINT32_TO_LE(0x20), zero = 0;

    start(f);
    address_space_write(address_space_memory(), 0x09000038, &tx, 4);
    address_space_write(address_space_memory(), 0x09000000, &one, 4);
    gic = QTEST_GIC(object_resolve_path("/machine/gic"));
    g_assert_cmpint(gic->inputs[1].level, ==, 1);
    address_space_write(address_space_memory(), 0x09010010, &one, 4);
    address_space_write(address_space_memory(), 0x09010008, &zero, 4);
    g_assert_cmpint(gic->inputs[2].level, ==, 1);
    g_assert_true(f->machine->bus->lines[0] ==
                  qdev_get_gpio_in(DEVICE(gic), 112));
    g_assert_true(f->machine->bus->lines[63] ==
                  qdev_get_gpio_in(DEVICE(gic), 175));
}

static void test_tree(Fixture *f, gconstpointer unused)
{
    uint32_t gic, clock;

    f->machine->config.smp = 18;
    f->machine->config.append = "console=ttyAMA0";
    start(f);
    g_assert_cmpstr(text("/", "compatible"), ==, "linux,dummy-virt");
    gic = fdt_get_phandle(tree(), node("/intc@8000000"));
    clock = fdt_get_phandle(tree(), node("/apb-pclk"));
    ASSERT_CELLS("/", "interrupt-parent", gic);
    g_assert_cmpstr(text("/chosen", "stdout-path"), ==, "/pl011@9000000");
    g_assert_cmpstr(text("/chosen", "bootargs"), ==, "console=ttyAMA0");
    g_assert_null(
        fdt_getprop(tree(), node("/chosen"), "linux,initrd-start", NULL));
    ASSERT_CELLS("/memory@40000000", "reg", 0, 0x40000000, 0, 0x1000000);
    g_assert_cmpstr(text("/cpus/cpu@0", "enable-method"), ==, "psci");
    ASSERT_CELLS("/cpus/cpu@f", "reg", 0xf);
    ASSERT_CELLS("/cpus/cpu@101", "reg", 0x101);
    g_assert_cmpint(node("/cpus/cpu@102"), <, 0);
    g_assert_cmpstr(text("/psci", "compatible"), ==, "arm,psci-1.0");
    g_assert_cmpstr(text("/psci", "method"), ==, "hvc");
    ASSERT_CELLS("/timer", "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10,
                 4);
    g_assert_cmpstr(text("/intc@8000000", "compatible"), ==, "arm,gic-v3");
    ASSERT_CELLS("/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000,
                 0, 18 * 0x20000);
    ASSERT_CELLS("/apb-pclk", "clock-frequency", 24000000);
    ASSERT_CELLS("/pl011@9000000", "interrupts", 0, 1, 4);
    ASSERT_CELLS("/pl011@9000000", "clocks", clock, clock);
    g_assert_cmpstr(text("/pl011@9000000", "clock-names"), ==, "uartclk");
    ASSERT_CELLS("/pl031@9010000", "reg", 0, 0x9010000, 0, 0x1000);
    ASSERT_CELLS("/pl031@9010000", "interrupts", 0, 2, 4);
    ASSERT_CELLS("/platform-bus@c000000", "ranges", 0, 0, 0xc000000, 0x2000000);
    ASSERT_CELLS("/platform-bus@c000000", "interrupt-parent", gic);
}

static void test_gicv2(Fixture *f, gconstpointer unused)
{
    f->machine->config.smp = 8;
    set(f, "gic-version", "2");
    start(f);
    g_assert_cmpstr(text("/intc@8000000", "compatible"), ==,
                    "arm,cortex-a15-gic");
    ASSERT_CELLS("/intc@8000000", "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000,
                 0, 0x10000);
    ASSERT_CELLS("/timer", "interrupts", 1, 13, 0xff04, 1, 14, 0xff04, 1, 11,
                 0xff04, 1, 10, 0xff04);
}

static void test_without_rtc(Fixture *f, gconstpointer unused)
{
    set(f, "rtc", "off");
    start(f);
    g_assert_cmpint(node("/pl031@9010000"), <, 0);
    g_assert_null(address_space_find(address_space_memory(), 0x09010000).mr);
}

static void test_high_bus(Fixture *f, gconstpointer unused)
{
    set(f, "platform-bus-base", "0x8000000000");
    set(f, "platform-bus-size", "8G");
    start(f);
    ASSERT_CELLS("/platform-bus@8000000000", "ranges", 0, 0, 0x80, 0, 2, 0);
    g_assert_cmphex(f->mc->phys_end(f->machine), ==, 0x8000000000 + 8 * GIB);
}

/* The seeds differ from one start to the next. */
static void test_seed(Fixture *f, gconstpointer unused)
{
    uint8_t first[32];
    int len;
    const void *seed;

    start(f);
    seed = fdt_getprop(tree(), node("/chosen"), "rng-seed", &len);
    g_assert_cmpint(len, ==, 32);
    memcpy(first, seed, 32);
    tear_down(f, NULL);
    set_up(f, NULL);
    start(f);
    seed = fdt_getprop(tree(), node("/chosen"), "rng-seed", &len);
    g_assert_cmpint(len, ==, 32);
    g_assert_cmpint(memcmp(seed, first, 32), !=, 0);
    fdt_getprop(tree(), node("/chosen"), "kaslr-seed", &len);
    g_assert_cmpint(len, ==, 8);
}

typedef struct Refusal {
    const char *name; /* in the test's path */
    unsigned smp;
    uint64_t ram_size;
    const char *properties[3][2];
    const char *message;
} Refusal;

static const Refusal refusals[] = {
    {"cpus",
     9,
     16 * MIB,
     {{"gic-version", "2"}},
     "-smp 9: a GICv2 has at most 8 CPUs; try: -M virt,gic-version=3"},
    {"no-ram", 1, 0, {{NULL}}, "-m: 0 KiB of RAM*whole MiB*"},
    {"odd-ram", 1, 4096, {{NULL}}, "-m: 4 KiB of RAM*whole MiB*"},
    {"much-ram", 1, 1ull << 51, {{NULL}}, "-m: *at most 1024 TiB"},
    {"host-memory", 1, 1ull << 50, {{NULL}}, "ram: cannot get *"},
    {"bus-in-ram",
     1,
     16 * MIB,
     {{"platform-bus-base", "0x40ff0000"}},
     "platform-bus-base=0x40ff0000,platform-bus-size=0x2000000: the window "
     "overlaps RAM (0x40000000 to 0x40ffffff); try: -M "
     "virt,platform-bus-base=0x8000000000"},
    {"bus-on-uart",
     1,
     16 * MIB,
     {{"platform-bus-base", "0x08800000"}},
     "*overlaps the GIC's redistributors*"},
    {"bus-on-gic",
     1,
     16 * MIB,
     {{"platform-bus-base", "0x8000000"}, {"platform-bus-size", "4K"}},
     "*overlaps the GIC's distributor (0x8000000 to 0x800ffff)*"},
    {"bus-around-ram",
     1,
     16 * MIB,
     {{"platform-bus-size", "1G"}},
     "*overlaps RAM*"},
    {"bus-too-high",
     1,
     16 * MIB,
     {{"platform-bus-base", "0x10000000000000"}},
     "*the window ends beyond 52 bits*"},
    {"bus-too-large",
     1,
     16 * MIB,
     {{"platform-bus-size", "0xffffffffffffffff"}},
     "*the window ends beyond 52 bits*"},
    {"bus-empty",
     1,
     16 * MIB,
     {{"platform-bus-size", "0"}},
     "*platform-bus-size=32M"},
};

static void test_refused(Fixture *f, gconstpointer data)
{
    const Refusal *r = data;
    g_autoptr(Error) err = NULL;

    f->machine->config.smp = r->smp;
    f->machine->config.ram_size = r->ram_size;
    for (size_t i = 0; i < 3 && r->properties[i][0]; i++) {
        set(f, r->properties[i][0], r->properties[i][1]);
    }
    g_assert_false(f->mc->init(f->machine, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_pattern_match_simple(r->message, error_get_pretty(err)));
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/virt/map", test_map);
    add("/virt/lines", test_lines);
    add("/virt/tree", test_tree);
    add("/virt/gicv2", test_gicv2);
    add("/virt/without-rtc", test_without_rtc);
    add("/virt/high-bus", test_high_bus);
    add("/virt/seed", test_seed);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path =
            g_strdup_printf("/virt/refused/%s", refusals[i].name);

        g_test_add(path, Fixture, &refusals[i], set_up, test_refused,
                   tear_down);
    }
    return g_test_run();
}
