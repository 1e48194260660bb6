/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.c and null-machine.c: finding a machine, where user-created devices
 * stand, and that one which cannot be had is gone without a trace.
 */
#include "hw/core/machine.h"

#include "util/main-loop.h"

#define MIB 0x100000

typedef struct BusMachine {
    MachineState parent_obj;
} BusMachine;

static bool bus_machine_init(MachineState *machine, Error **errp)
{
    PlatformBus *bus = PLATFORM_BUS(qdev_new(TYPE_PLATFORM_BUS));

    bus->base = 0xc000000;
    bus->size = MIB;
    object_add_child(OBJECT(machine), "bus", OBJECT(bus), NULL);
    machine->bus = bus;
    object_unref(OBJECT(bus));
    return qdev_realize(DEVICE(bus), errp);
}

static void bus_machine_class_init(ObjectClass *klass)
{
    MACHINE_CLASS(klass)->alias = "test-alias";
    MACHINE_CLASS(klass)->init = bus_machine_init;
}

static const TypeInfo bus_machine_type = {
    .name = MACHINE_TYPE_NAME("test-bus"),
    .parent = TYPE_MACHINE,
    .class_init = bus_machine_class_init,
};
TYPE_REGISTER(bus_machine_type)

static const TypeInfo base_machine_type = {
    .name = MACHINE_TYPE_NAME("test-base"),
    .parent = TYPE_MACHINE,
    .abstract = true,
};
TYPE_REGISTER(base_machine_type)

static const TypeInfo no_machine_type = {
    .name = "test-no-machine",
};
TYPE_REGISTER(no_machine_type)

#define TYPE_GADGET "test-gadget"
OBJECT_DECLARE_SIMPLE_TYPE(Gadget, GADGET)

struct Gadget {
    SysBusDevice parent_obj;
    uint64_t size;
    MemoryRegion mr;
};

static const MemoryRegionOps no_ops;

static bool gadget_realize(DeviceState *dev, Error **errp)
{
    Gadget *s = GADGET(dev);

    if (!s->size) {
        error_setg(errp, "%s: no size", qdev_name(dev));
        return false;
    }
    memory_region_init_io(&s->mr, OBJECT(dev), &no_ops, s, "gadget", s->size);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->mr);
    return true;
}

static void gadget_unrealize(DeviceState *dev)
{
    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&GADGET(dev)->mr);
}

static const Property gadget_properties[] = {
    PROP_SIZE("size", Gadget, size, NULL, "of the region"),
    {},
};

static void gadget_class_init(ObjectClass *klass)
{
    klass->properties = gadget_properties;
    DEVICE_CLASS(klass)->realize = gadget_realize;
    DEVICE_CLASS(klass)->unrealize = gadget_unrealize;
    DEVICE_CLASS(klass)->user_creatable = true;
}

static const TypeInfo gadget_type = {
    .name = TYPE_GADGET,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Gadget),
    .class_init = gadget_class_init,
};
TYPE_REGISTER(gadget_type)

static void loose_class_init(ObjectClass *klass)
{
    DEVICE_CLASS(klass)->user_creatable = true;
}

/* A device that is on no bus. */
static const TypeInfo loose_type = {
    .name = "test-loose",
    .parent = TYPE_DEVICE,
    .class_init = loose_class_init,
};
TYPE_REGISTER(loose_type)

static MachineState *machine_new(const char *name)
{
    MachineClass *mc = machine_class_find(name);
    MachineState *machine = MACHINE(object_new(mc->parent_class.type->name));

    g_assert_true(
        object_add_child(object_root(), "machine", OBJECT(machine), NULL));
    object_unref(OBJECT(machine));
    return machine;
}

static void test_find(void)
{
    MachineClass *bus = machine_class_find("test-bus");

    g_assert_nonnull(bus);
    g_assert_true(machine_class_find("test-alias") == bus);
    g_assert_nonnull(machine_class_find("none"));
    g_assert_true(machine_class_find("none")->no_cpus);
    g_assert_null(machine_class_find("test-base"));
    g_assert_null(machine_class_find("test-bus-machine"));
    g_assert_null(machine_class_find("test-nothing"));
    g_assert_null(machine_class_find("test-no"));
    g_assert_null(machine_class_find(""));
}

static void expect_place(MachineState *machine, const char *id,
                         const char *expected)
{
    g_autoptr(DeviceState) dev = qdev_new(TYPE_GADGET);
    g_autofree char *path = NULL;
    Error *err = NULL;

    g_assert_true(machine_place_device(machine, dev, id, &err));
    g_assert_null(err);
    path = object_get_path(OBJECT(dev));
    g_assert_cmpstr(path, ==, expected);
    g_assert_cmpstr(dev->id, ==, id);
}

static void expect_no_place(MachineState *machine, const char *id,
                            const char *message)
{
    g_autoptr(DeviceState) dev = qdev_new(TYPE_GADGET);
    g_autoptr(Error) err = NULL;

    g_assert_false(machine_place_device(machine, dev, id, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    g_assert_null(dev->id);
    g_assert_null(OBJECT(dev)->parent);
}

static void test_place(void)
{
    MachineState *machine = machine_new("none");

    expect_place(machine, "net0", "/machine/peripheral/net0");
    expect_place(machine, NULL, "/machine/peripheral-anon/device[0]");
    expect_place(machine, NULL, "/machine/peripheral-anon/device[1]");
    expect_place(machine, "a.b_c-1", "/machine/peripheral/a.b_c-1");
    object_unparent(object_resolve_path("/machine/peripheral-anon/device[0]"));
    expect_place(machine, NULL, "/machine/peripheral-anon/device[0]");
    expect_no_place(machine, "net0",
                    "/machine/peripheral: the name 'net0' is taken");
    expect_no_place(machine, "0net",
                    "test-gadget: '0net' is not an id: a letter, then "
                    "letters, digits, '-', '.' or '_'");
    expect_no_place(machine, "a/b",
                    "test-gadget: 'a/b' is not an id: a letter, then letters, "
                    "digits, '-', '.' or '_'");
    expect_no_place(machine, "",
                    "test-gadget: '' is not an id: a letter, then letters, "
                    "digits, '-', '.' or '_'");
    object_root_free();
}

static DeviceState *new_device(MachineState *machine, const char *type,
                               const char *size)
{
    DeviceState *dev = qdev_new(type);

    g_assert_true(machine_place_device(machine, dev, NULL, NULL));
    if (size) {
        g_assert_true(object_set_property(OBJECT(dev), "size", size, NULL));
    }
    object_unref(OBJECT(dev));
    return dev;
}

static void expect_not_added(MachineState *machine, const char *type,
                             const char *size, const char *message)
{
    DeviceState *dev = new_device(machine, type, size);
    g_autoptr(Error) err = NULL;

    g_assert_false(machine_add_device(machine, dev, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    g_assert_false(dev->realized);
    object_unparent(OBJECT(dev));
}

static void test_add(void)
{
    MachineState *machine = machine_new("test-bus");
    Error *err = NULL;
    DeviceState *dev;

    g_assert_true(MACHINE_GET_CLASS(machine)->init(machine, &err));
    dev = new_device(machine, TYPE_GADGET, "64k");
    g_assert_true(machine_add_device(machine, dev, &err));
    g_assert_null(err);
    g_assert_true(dev->realized);
    g_assert_true(address_space_find(address_space_memory(), 0xc000000).mr ==
                  &GADGET(dev)->mr);
    expect_not_added(machine, TYPE_GADGET, NULL,
                     "test-gadget device[1]: no size");
    expect_not_added(machine, TYPE_GADGET, "1M",
                     "test-gadget device[1]: no room for 1M of MMIO in the "
                     "platform bus (960K free, each region aligned to its "
                     "size); try: -M virt,platform-bus-size=2M");
    expect_not_added(machine, "test-loose", NULL,
                     "test-loose device[1]: a 'test-loose' cannot be created "
                     "with -device");
    expect_not_added(machine, TYPE_PLATFORM_BUS, NULL,
                     "platform-bus device[1]: a 'platform-bus' cannot be "
                     "created with -device");
    object_root_free();
}

static void test_add_without_bus(void)
{
    MachineState *machine = machine_new("none");

    expect_not_added(machine, TYPE_GADGET, "64k",
                     "test-gadget device[0]: the machine has no platform bus; "
                     "try: -M virt");
    object_root_free();
}

static void test_null_machine(void)
{
    MachineState *machine = machine_new("none");
    MachineClass *mc = MACHINE_GET_CLASS(machine);
    Error *err = NULL;
    uint32_t word = 0x12345678;

    machine->config.ram_size = 2 * MIB;
    g_assert_true(mc->init(machine, &err));
    g_assert_true(mc->done(machine, &err));
    g_assert_null(err);
    g_assert_cmpint(address_space_write(address_space_memory(), 0x1ffffc, &word,
                                        sizeof(word)),
                    ==, MEMTX_OK);
    word = 0;
    address_space_read(address_space_memory(), 0x1ffffc, &word, sizeof(word));
    g_assert_cmphex(word, ==, 0x12345678);
    g_assert_null(address_space_find(address_space_memory(), 2 * MIB).mr);
    mc->finish(machine);
    g_assert_null(address_space_find(address_space_memory(), 0).mr);
    object_root_free();
}

static void test_null_machine_no_ram(void)
{
    MachineState *machine = machine_new("none");
    MachineClass *mc = MACHINE_GET_CLASS(machine);

    g_assert_true(mc->init(machine, NULL));
    g_assert_null(address_space_find(address_space_memory(), 0).mr);
    mc->finish(machine);
    object_root_free();
}

static void expect_null_machine_error(MachineState *machine,
                                      const char *message)
{
    MachineClass *mc = MACHINE_GET_CLASS(machine);
    g_autoptr(Error) err = NULL;

    g_assert_false(mc->init(machine, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    mc->finish(machine);
    object_root_free();
}

static void test_null_machine_errors(void)
{
    const char *message = "machine none: it has nothing to boot and no device "
                          "tree; try: -M virt";
    MachineState *machine = machine_new("none");

    g_assert_true(object_set_property(OBJECT(machine), "dumpdtb", "x", NULL));
    expect_null_machine_error(machine, message);
    machine = machine_new("none");
    machine->config.kernel = "Image";
    expect_null_machine_error(machine, message);
    machine = machine_new("none");
    machine->config.dtb = "x.dtb";
    expect_null_machine_error(machine, message);
    machine = machine_new("none");
    machine->config.ram_size = 1ULL << 62;
    expect_null_machine_error(machine, "ram: cannot get 4398046511104 MiB of "
                                       "host memory: Cannot allocate memory");
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/machine/find", test_find);
    g_test_add_func("/machine/place", test_place);
    g_test_add_func("/machine/add", test_add);
    g_test_add_func("/machine/add-without-bus", test_add_without_bus);
    g_test_add_func("/machine/none", test_null_machine);
    g_test_add_func("/machine/none/no-ram", test_null_machine_no_ram);
    g_test_add_func("/machine/none/errors", test_null_machine_errors);
    status = g_test_run();
    machine_unlock();
    return status;
}
