/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * platform-bus.c: where regions and lines end up, what a device that does not
 * fit is told, and that it leaves nothing behind. The test device has regions
 * of the sizes that a property lists.
 */
#include "hw/core/platform-bus.h"

#include <libfdt.h>
#include <string.h>
#include <unistd.h>

#include "util/main-loop.h"

#define TYPE_MULTI "test-multi"
OBJECT_DECLARE_SIMPLE_TYPE(MultiState, MULTI)

#define MAX_REGIONS 4
#define MAX_LINES 8

struct MultiState {
    SysBusDevice parent_obj;
    char *sizes; /* "0x1000 0x2000" */
    uint32_t lines;
    MemoryRegion mr[MAX_REGIONS];
    IrqLine *irq[MAX_LINES];
    bool fail_fdt;
    bool fail_fdt_root;
    bool fail_connected;
};

static const MemoryRegionOps no_ops;

static bool multi_realize(DeviceState *dev, Error **errp)
{
    MultiState *s = MULTI(dev);
    g_auto(GStrv) sizes = g_strsplit(s->sizes ? s->sizes : "", " ", 0);

    for (unsigned i = 0; sizes[i]; i++) {
        memory_region_init_io(&s->mr[i], OBJECT(dev), &no_ops, s, "multi",
                              g_ascii_strtoull(sizes[i], NULL, 0));
        sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->mr[i]);
    }
    for (unsigned i = 0; i < s->lines; i++) {
        sysbus_init_irq(SYS_BUS_DEVICE(dev), &s->irq[i]);
    }
    return true;
}

static void multi_unrealize(DeviceState *dev)
{
    MultiState *s = MULTI(dev);

    sysbus_release(SYS_BUS_DEVICE(dev));
    for (unsigned i = 0; i < MAX_REGIONS; i++) {
        memory_region_finish(&s->mr[i]);
    }
}

static bool multi_write_fdt_root(SysBusDevice *sbd, FdtWriter *fdt,
                                 Error **errp)
{
    if (MULTI(sbd)->fail_fdt_root) {
        error_setg(errp, "no root node");
        return false;
    }
    fdt_writer_begin_node(fdt, qdev_name(DEVICE(sbd)));
    fdt_writer_end_node(fdt);
    return true;
}

static bool multi_write_fdt(SysBusDevice *sbd, FdtWriter *fdt,
                            const SysBusPlace *place, Error **errp)
{
    g_autofree FdtReg *regs = g_new0(FdtReg, place->n_mmio);

    if (MULTI(sbd)->fail_fdt) {
        error_setg(errp, "no node");
        return false;
    }
    for (unsigned i = 0; i < place->n_mmio; i++) {
        regs[i].addr = place->mmio[i] - place->bus_base;
        regs[i].size = MULTI(sbd)->mr[i].size;
    }
    fdt_writer_begin_node_at(fdt, "multi", regs[0].addr);
    fdt_writer_reg(fdt, regs, place->n_mmio);
    fdt_writer_cells(fdt, "interrupts", place->irqs, place->n_irqs);
    fdt_writer_end_node(fdt);
    return true;
}

/* Called with every line there. */
static bool multi_connected(SysBusDevice *sbd, Error **errp)
{
    for (unsigned n = 0; n < sysbus_num_irqs(sbd); n++) {
        g_assert_nonnull(sysbus_get_connected_irq(sbd, n));
    }
    if (MULTI(sbd)->fail_connected) {
        error_setg(errp, "%s: no such route", qdev_name(DEVICE(sbd)));
        return false;
    }
    return true;
}

static const Property multi_properties[] = {
    PROP_STRING("sizes", MultiState, sizes, NULL, "of the regions"),
    PROP_UINT32("lines", MultiState, lines, NULL, MAX_LINES, "how many"),
    {},
};

static void multi_class_init(ObjectClass *klass)
{
    SysBusDeviceClass *sbc = SYS_BUS_DEVICE_CLASS(klass);

    klass->properties = multi_properties;
    DEVICE_CLASS(klass)->realize = multi_realize;
    DEVICE_CLASS(klass)->unrealize = multi_unrealize;
    sbc->write_fdt = multi_write_fdt;
    sbc->write_fdt_root = multi_write_fdt_root;
    sbc->connected = multi_connected;
}

static const TypeInfo multi_type = {
    .name = TYPE_MULTI,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(MultiState),
    .class_init = multi_class_init,
};
TYPE_REGISTER(multi_type)

static void plain_class_init(ObjectClass *klass)
{
    SYS_BUS_DEVICE_CLASS(klass)->write_fdt = NULL;
    SYS_BUS_DEVICE_CLASS(klass)->write_fdt_root = NULL;
}

static const TypeInfo plain_type = {
    .name = "test-plain",
    .parent = TYPE_MULTI,
    .class_init = plain_class_init,
};
TYPE_REGISTER(plain_type)

#define BASE 0xc000000
#define MIB 0x100000
#define LINES 8
#define FIRST_SPI 112

static IrqLine controller[LINES];
static unsigned raised;

static void on_line(void *opaque, int n, int level)
{
    raised = level ? raised | 1u << n : raised & ~(1u << n);
}

static PlatformBus *bus_new(hwaddr base, uint64_t size)
{
    PlatformBus *bus = PLATFORM_BUS(qdev_new(TYPE_PLATFORM_BUS));

    g_assert_true(object_add_child(object_root(), "bus", OBJECT(bus), NULL));
    bus->base = base;
    bus->size = size;
    bus->num_irqs = LINES;
    bus->first_spi = FIRST_SPI;
    bus->lines = g_new(IrqLine *, LINES);
    for (int i = 0; i < LINES; i++) {
        irq_init_handler(&controller[i], on_line, NULL, i);
        bus->lines[i] = &controller[i];
    }
    return bus;
}

static PlatformBus *bus_realized(hwaddr base, uint64_t size)
{
    PlatformBus *bus = bus_new(base, size);
    Error *err = NULL;

    g_assert_true(qdev_realize(DEVICE(bus), &err));
    g_assert_null(err);
    return bus;
}

/* The latest made goes first, so the bus outlives its devices. */
static void bus_free(PlatformBus *bus)
{
    object_root_free();
    object_unref(OBJECT(bus));
    g_assert_null(address_space_find(address_space_memory(), BASE).mr);
}

static SysBusDevice *add_type(const char *type, const char *name,
                              const char *sizes, unsigned lines)
{
    DeviceState *dev = qdev_new(type);
    g_autofree char *number = g_strdup_printf("%u", lines);

    g_assert_true(object_add_child(object_root(), name, OBJECT(dev), NULL));
    dev->id = g_strdup(name);
    g_assert_true(object_set_property(OBJECT(dev), "sizes", sizes, NULL));
    g_assert_true(object_set_property(OBJECT(dev), "lines", number, NULL));
    g_assert_true(qdev_realize(dev, NULL));
    object_unref(OBJECT(dev));
    return SYS_BUS_DEVICE(dev);
}

static SysBusDevice *add(const char *name, const char *sizes, unsigned lines)
{
    return add_type(TYPE_MULTI, name, sizes, lines);
}

static void expect_linked(PlatformBus *bus, SysBusDevice *sbd)
{
    Error *err = NULL;

    g_assert_true(platform_bus_link(bus, sbd, &err));
    g_assert_null(err);
}

/* Region @n is seen in the address space, whole, at @addr. */
static void expect_mapped(SysBusDevice *sbd, unsigned n, hwaddr addr)
{
    MemoryRegion *mr = sysbus_mmio_region(sbd, n);
    SysBusMMIO *mmio = &g_array_index(sbd->mmio, SysBusMMIO, n);
    MemoryRegionSection section =
        address_space_find(address_space_memory(), mmio->addr);

    g_assert_cmphex(mmio->addr, ==, addr);
    g_assert_true(section.mr == mr);
    g_assert_cmphex(section.size, ==, mr->size);
}

/* The same at the window's @offset. */
static void expect_at(SysBusDevice *sbd, unsigned n, hwaddr offset)
{
    expect_mapped(sbd, n, BASE + offset);
}

static void expect_refused(PlatformBus *bus, SysBusDevice *sbd,
                           const char *message)
{
    g_autoptr(Error) err = NULL;
    unsigned irqs_used = bus->irqs_used;
    unsigned devices = bus->devices->len;

    g_assert_false(platform_bus_link(bus, sbd, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    g_assert_false(platform_bus_link(bus, sbd, NULL));
    for (unsigned n = 0; n < sysbus_num_mmio(sbd); n++) {
        g_assert_false(g_array_index(sbd->mmio, SysBusMMIO, n).mapped);
    }
    for (unsigned n = 0; n < sysbus_num_irqs(sbd); n++) {
        g_assert_null(sysbus_get_connected_irq(sbd, n));
    }
    g_assert_cmpuint(bus->irqs_used, ==, irqs_used);
    g_assert_cmpuint(bus->devices->len, ==, devices);
}

/* First fit: what alignment leaves free is used by a later, smaller one. */
static void test_placement(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x10000 0x100000", 0);
    SysBusDevice *b = add("b", "0x300000 0x20000", 0);
    SysBusDevice *c = add("c", "0x10000", 0);
    SysBusDevice *d = add("d", "0x1000000", 0);

    expect_linked(bus, a);
    expect_at(a, 0, 0);
    expect_at(a, 1, 0x100000);
    expect_linked(bus, b);
    expect_at(b, 0, 0x400000);
    expect_at(b, 1, 0x20000);
    expect_linked(bus, c);
    expect_at(c, 0, 0x10000);
    expect_linked(bus, d);
    expect_at(d, 0, 0x1000000);
    bus_free(bus);
}

/* A window at address 0, which a map without flash has room for. */
static void test_at_zero(void)
{
    PlatformBus *bus = bus_realized(0, MIB);
    SysBusDevice *a = add("a", "0x10000 0x10000", 0);
    SysBusDevice *b = add("b", "0x80000 0x10000", 0);
    SysBusDevice *c = add("c", "0x100000", 0);

    expect_linked(bus, a);
    expect_linked(bus, b);
    expect_mapped(a, 0, 0);
    expect_mapped(a, 1, 0x10000);
    expect_mapped(b, 0, 0x80000);
    expect_mapped(b, 1, 0x20000);
    expect_refused(bus, c,
                   "c: no room for 1M of MMIO in the platform bus (320K free, "
                   "each region aligned to its size); try: -M "
                   "virt,platform-bus-size=2M");
    bus_free(bus);
}

/* Less than a page still takes one. */
static void test_small(void)
{
    PlatformBus *bus = bus_realized(BASE, MIB);
    SysBusDevice *a = add("a", "0x10 0x1", 0);
    hwaddr page = sysconf(_SC_PAGESIZE);

    expect_linked(bus, a);
    expect_at(a, 0, 0);
    expect_at(a, 1, page);
    bus_free(bus);
}

static void test_full(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x2000000", 0);
    SysBusDevice *b = add("b", "0x1", 0);
    hwaddr page = sysconf(_SC_PAGESIZE);
    g_autofree char *message = g_strdup_printf(
        "b: no room for %uK of MMIO in the platform bus (0K free, each region "
        "aligned to its size); try: -M virt,platform-bus-size=64M",
        (unsigned)page / 1024);

    expect_linked(bus, a);
    expect_at(a, 0, 0);
    expect_refused(bus, b, message);
    bus_free(bus);
}

static void test_no_room(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x10000", 1);
    SysBusDevice *large = add("large", "0x10000 0x4000000", 1);
    SysBusDevice *split = add("split", "0x1000000 0x1000000", 0);
    SysBusDevice *b = add("b", "0x1000000", 1);

    expect_linked(bus, a);
    expect_refused(bus, large,
                   "large: no room for 65600K of MMIO in the platform bus "
                   "(32704K free, each region aligned to its size); try: -M "
                   "virt,platform-bus-size=128M");
    /* The first of the two would fit; it must not stay. */
    expect_refused(bus, split,
                   "split: no room for 32M of MMIO in the platform bus "
                   "(32704K free, each region aligned to its size); try: -M "
                   "virt,platform-bus-size=64M");
    expect_linked(bus, b);
    expect_at(b, 0, 0x1000000);
    bus_free(bus);
}

/* The size that the error names is indeed one that suffices. */
static void test_way_out(void)
{
    PlatformBus *bus = bus_realized(BASE, 64 * MIB);
    SysBusDevice *a = add("a", "0x10000", 0);
    SysBusDevice *split = add("split", "0x1000000 0x1000000", 0);

    expect_linked(bus, a);
    expect_linked(bus, split);
    expect_at(split, 1, 0x2000000);
    bus_free(bus);
}

/* Where the window cannot grow far enough, it must move. */
static void test_rooms(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x10000", 0);
    SysBusDevice *b = add("b", "0x2000000", 0);
    SysBusDevice *c = add("c", "0x4000000", 0);
    SysBusDevice *d = add("d", "0x20000000", 0);

    bus->rooms[0].size = 127 * MIB;
    bus->rooms[1].base = 0x8000000000;
    bus->rooms[1].size = 1024 * MIB;
    expect_linked(bus, a);
    expect_refused(bus, b,
                   "b: no room for 32M of MMIO in the platform bus (32704K "
                   "free, each region aligned to its size); try: -M "
                   "virt,platform-bus-size=64M");
    expect_refused(bus, c,
                   "c: no room for 64M of MMIO in the platform bus (32704K "
                   "free, each region aligned to its size); try: -M "
                   "virt,platform-bus-base=0x8000000000,"
                   "platform-bus-size=128M");
    bus->rooms[1].size = 1023 * MIB;
    expect_refused(bus, d,
                   "d: no room for 512M of MMIO in the platform bus (32704K "
                   "free, each region aligned to its size)");
    bus_free(bus);
}

/* One byte more than the window. */
static void test_too_large(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x2000001", 0);
    g_autoptr(Error) err = NULL;

    g_assert_false(platform_bus_link(bus, a, &err));
    g_assert_nonnull(
        strstr(error_get_pretty(err), "-M virt,platform-bus-size=64M"));
    bus_free(bus);
}

/* No window is large enough: the host named sizes beyond all reason. */
static void test_absurd(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x8000000000000000 0x8000000000000000", 0);

    expect_refused(bus, a,
                   "a: no room for 8796093022208M of MMIO in the platform bus "
                   "(32M free, each region aligned to its size)");
    bus_free(bus);
}

static void test_lines(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x1000", 3);
    SysBusDevice *b = add("b", "0x1000", 6);
    SysBusDevice *c = add("c", "0x1000", 5);

    expect_linked(bus, a);
    expect_refused(bus, b,
                   "b: no room for 6 interrupt lines in the platform bus (5 "
                   "of 8 free); leave out another device");
    expect_linked(bus, c);
    irq_raise(MULTI(a)->irq[2]);
    irq_raise(MULTI(c)->irq[0]);
    irq_raise(MULTI(c)->irq[4]);
    g_assert_cmphex(raised, ==, 1u << 2 | 1u << 3 | 1u << 7);
    raised = 0;
    bus_free(bus);
}

/* A device that the controller does not suit leaves its lines to others. */
static void test_connected(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x1000", 3);
    SysBusDevice *b = add("b", "0x1000", 6);

    MULTI(a)->fail_connected = true;
    expect_refused(bus, a, "a: no such route");
    expect_linked(bus, b);
    expect_at(b, 0, 0);
    bus_free(bus);
}

/* A device that went leaves its room to others, and no node. */
static void test_unrealized(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x2000000", 0);
    SysBusDevice *b = add("b", "0x2000000", 0);

    expect_linked(bus, a);
    object_unparent(OBJECT(a));
    expect_linked(bus, b);
    expect_at(b, 0, 0);
    bus_free(bus);
}

static void expect_bad_window(hwaddr base, uint64_t size, const char *message)
{
    PlatformBus *bus = bus_new(base, size);
    g_autoptr(Error) err = NULL;

    g_assert_false(qdev_realize(DEVICE(bus), &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    bus_free(bus);
}

static void test_bad_window(void)
{
    expect_bad_window(BASE, 0,
                      "platform bus: the window (0x0 at 0xc000000) is not of "
                      "whole pages; try: -M virt,platform-bus-size=32M");
    expect_bad_window(BASE, 0x1001,
                      "platform bus: the window (0x1001 at 0xc000000) is not "
                      "of whole pages; try: -M virt,platform-bus-size=32M");
    expect_bad_window(BASE + 1, MIB,
                      "platform bus: the window (0x100000 at 0xc000001) is not "
                      "of whole pages; try: -M virt,platform-bus-size=32M");
}

static void *write_tree(PlatformBus *bus, unsigned address_cells)
{
    g_autoptr(FdtWriter) fdt = fdt_writer_new();
    Error *err = NULL;
    void *blob;
    size_t size;

    fdt_writer_begin_node(fdt, "");
    fdt_writer_address_cells(fdt, address_cells, 2);
    g_assert_true(platform_bus_write_fdt(bus, fdt, 0x8001, &err));
    g_assert_null(err);
    fdt_writer_end_node(fdt);
    blob = fdt_writer_finish(fdt, &size, &err);
    g_assert_null(err);
    g_assert_cmpint(fdt_check_full(blob, size), ==, 0);
    return blob;
}

static void expect_cells(const void *blob, const char *path, const char *name,
                         const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int length = 0;
    const fdt32_t *cells =
        fdt_getprop(blob, fdt_path_offset(blob, path), name, &length);

    g_assert_nonnull(cells);
    for (int i = 0; i < length / 4; i++) {
        g_string_append_printf(text, "%s%x", i ? " " : "", fdt32_ld(&cells[i]));
    }
    g_assert_cmpstr(text->str, ==, expected);
}

static void test_fdt(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x1000 0x100000", 2);
    SysBusDevice *b = add("b", "0x400000", 1);
    SysBusDevice *plain = add_type("test-plain", "plain", "0x2000", 1);
    SysBusDevice *gone = add("gone", "0x1000", 0);
    g_autofree void *blob = NULL;
    int length;
    const char *compatible;

    expect_linked(bus, a);
    expect_linked(bus, plain);
    expect_linked(bus, b);
    expect_linked(bus, gone);
    object_unparent(OBJECT(gone));
    blob = write_tree(bus, 2);
    compatible =
        fdt_getprop(blob, fdt_path_offset(blob, "/platform-bus@c000000"),
                    "compatible", &length);
    g_assert_cmpmem(compatible, length, "qemu,platform\0simple-bus", 25);
    expect_cells(blob, "/platform-bus@c000000", "#address-cells", "1");
    expect_cells(blob, "/platform-bus@c000000", "#size-cells", "1");
    expect_cells(blob, "/platform-bus@c000000", "ranges",
                 "0 0 c000000 2000000");
    expect_cells(blob, "/platform-bus@c000000", "interrupt-parent", "8001");
    expect_cells(blob, "/platform-bus@c000000/multi@0", "reg",
                 "0 1000 100000 100000");
    expect_cells(blob, "/platform-bus@c000000/multi@0", "interrupts", "70 71");
    expect_cells(blob, "/platform-bus@c000000/multi@400000", "interrupts",
                 "73");
    g_assert_cmpint(fdt_path_offset(blob, "/a"), >, 0);
    g_assert_cmpint(fdt_path_offset(blob, "/gone"), ==, -FDT_ERR_NOTFOUND);
    bus_free(bus);
}

static void test_fdt_cells(void)
{
    PlatformBus *bus = bus_realized(BASE, 0x100000000);
    g_autofree void *wide = NULL;
    g_autofree void *narrow_parent = NULL;
    g_autofree void *large = NULL;

    wide = write_tree(bus, 2);
    expect_cells(wide, "/platform-bus@c000000", "#address-cells", "2");
    expect_cells(wide, "/platform-bus@c000000", "#size-cells", "2");
    expect_cells(wide, "/platform-bus@c000000", "ranges", "0 0 0 c000000 1 0");
    bus_free(bus);

    bus = bus_realized(BASE, 0xfffff000 & -(hwaddr)sysconf(_SC_PAGESIZE));
    narrow_parent = write_tree(bus, 1);
    expect_cells(narrow_parent, "/platform-bus@c000000", "#size-cells", "1");
    expect_cells(narrow_parent, "/platform-bus@c000000", "ranges",
                 sysconf(_SC_PAGESIZE) == 4096 ? "0 c000000 fffff000"
                                               : "0 c000000 ffff0000");
    bus_free(bus);

    bus = bus_realized(0x1000000000, 0x200000000);
    large = write_tree(bus, 2);
    expect_cells(large, "/platform-bus@1000000000", "ranges", "0 0 10 0 2 0");
    bus_free(bus);
}

static void expect_fdt_error(PlatformBus *bus, const char *message)
{
    g_autoptr(FdtWriter) fdt = fdt_writer_new();
    g_autoptr(Error) err = NULL;

    fdt_writer_begin_node(fdt, "");
    g_assert_false(platform_bus_write_fdt(bus, fdt, 1, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
}

static void test_fdt_errors(void)
{
    PlatformBus *bus = bus_realized(BASE, 32 * MIB);
    SysBusDevice *a = add("a", "0x1000", 1);

    expect_linked(bus, a);
    MULTI(a)->fail_fdt = true;
    expect_fdt_error(bus, "no node");
    MULTI(a)->fail_fdt_root = true;
    expect_fdt_error(bus, "no root node");
    bus_free(bus);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/platform-bus/placement", test_placement);
    g_test_add_func("/platform-bus/at-zero", test_at_zero);
    g_test_add_func("/platform-bus/small", test_small);
    g_test_add_func("/platform-bus/full", test_full);
    g_test_add_func("/platform-bus/no-room", test_no_room);
    g_test_add_func("/platform-bus/way-out", test_way_out);
    g_test_add_func("/platform-bus/rooms", test_rooms);
    g_test_add_func("/platform-bus/too-large", test_too_large);
    g_test_add_func("/platform-bus/absurd", test_absurd);
    g_test_add_func("/platform-bus/lines", test_lines);
    g_test_add_func("/platform-bus/connected", test_connected);
    g_test_add_func("/platform-bus/unrealized", test_unrealized);
    g_test_add_func("/platform-bus/bad-window", test_bad_window);
    g_test_add_func("/platform-bus/fdt", test_fdt);
    g_test_add_func("/platform-bus/fdt-cells", test_fdt_cells);
    g_test_add_func("/platform-bus/fdt-errors", test_fdt_errors);
    status = g_test_run();
    machine_unlock();
    return status;
}
