/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysbus.c: regions appear where they are mapped and go with the device, and
 * lines reach what they are connected to.
 */
#include "hw/core/sysbus.h"

#include "util/main-loop.h"

#define TYPE_BOX "test-box"
OBJECT_DECLARE_SIMPLE_TYPE(BoxState, BOX)

struct BoxState {
    SysBusDevice parent_obj;
    MemoryRegion mr[2];
    IrqLine *irq[2];
    bool fail;
};

static MemTxResult box_read(void *opaque, hwaddr addr, uint64_t *value,
                            unsigned size)
{
    *value = addr;
    return MEMTX_OK;
}

static const MemoryRegionOps box_ops = {.read = box_read};

static bool box_realize(DeviceState *dev, Error **errp)
{
    BoxState *s = BOX(dev);

    memory_region_init_io(&s->mr[0], OBJECT(dev), &box_ops, s, "box", 0x1000);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->mr[0]);
    if (s->fail) {
        error_setg(errp, "%s: half a box", qdev_name(dev));
        return false;
    }
    memory_region_init_io(&s->mr[1], OBJECT(dev), &box_ops, s, "box", 0x100);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->mr[1]);
    sysbus_init_irq(SYS_BUS_DEVICE(dev), &s->irq[0]);
    sysbus_init_irq(SYS_BUS_DEVICE(dev), &s->irq[1]);
    return true;
}

static void box_unrealize(DeviceState *dev)
{
    BoxState *s = BOX(dev);

    sysbus_release(SYS_BUS_DEVICE(dev));
    g_assert_null(s->irq[0]);
    memory_region_finish(&s->mr[0]);
    memory_region_finish(&s->mr[1]);
}

static const Property box_properties[] = {
    PROP_BOOL("fail", BoxState, fail, false, "fail in the middle"),
    {},
};

static void box_class_init(ObjectClass *klass)
{
    klass->properties = box_properties;
    DEVICE_CLASS(klass)->realize = box_realize;
    DEVICE_CLASS(klass)->unrealize = box_unrealize;
}

static const TypeInfo box_type = {
    .name = TYPE_BOX,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(BoxState),
    .class_init = box_class_init,
};
TYPE_REGISTER(box_type)

static GString *journal;

static void on_line(void *opaque, int n, int level)
{
    g_string_append_printf(journal, "%d=%d ", n, level);
}

static void expect_journal(const char *expected)
{
    g_assert_cmpstr(journal->str, ==, expected);
    g_string_truncate(journal, 0);
}

static SysBusDevice *new_box(void)
{
    SysBusDevice *sbd = SYS_BUS_DEVICE(qdev_new(TYPE_BOX));

    g_assert_true(object_add_child(object_root(), "box", OBJECT(sbd), NULL));
    return sbd;
}

static void expect_at(hwaddr addr, MemoryRegion *mr)
{
    MemoryRegionSection section =
        address_space_find(address_space_memory(), addr);

    g_assert_true(section.mr == mr);
}

static void test_mmio(void)
{
    g_autoptr(SysBusDevice) sbd = new_box();
    BoxState *s = BOX(sbd);
    uint8_t byte = 0;

    g_assert_cmpuint(sysbus_num_mmio(sbd), ==, 0);
    g_assert_true(qdev_realize(DEVICE(sbd), NULL));
    g_assert_cmpuint(sysbus_num_mmio(sbd), ==, 2);
    g_assert_true(sysbus_mmio_region(sbd, 1) == &s->mr[1]);
    expect_at(0x10000, NULL);
    sysbus_mmio_map(sbd, 0, 0x10000);
    sysbus_mmio_map(sbd, 1, 0x20000);
    expect_at(0x10fff, &s->mr[0]);
    expect_at(0x20000, &s->mr[1]);
    address_space_read(address_space_memory(), 0x10042, &byte, 1);
    g_assert_cmphex(byte, ==, 0x42);
    sysbus_mmio_unmap(sbd, 0);
    sysbus_mmio_unmap(sbd, 0);
    expect_at(0x10000, NULL);
    expect_at(0x20000, &s->mr[1]);
    sysbus_mmio_map(sbd, 0, 0x30000);
    expect_at(0x30000, &s->mr[0]);
    qdev_unrealize(DEVICE(sbd));
    expect_at(0x20000, NULL);
    expect_at(0x30000, NULL);
    g_assert_cmpuint(sysbus_num_mmio(sbd), ==, 0);
    g_assert_cmpuint(sysbus_num_irqs(sbd), ==, 0);
    object_root_free();
}

static void test_container(void)
{
    g_autoptr(SysBusDevice) sbd = new_box();
    MemoryRegion window;

    memory_region_init(&window, NULL, "window", 0x10000);
    memory_region_add_subregion(get_system_memory(), 0x80000, &window);
    g_assert_true(qdev_realize(DEVICE(sbd), NULL));
    sysbus_mmio_map_in(sbd, 0, &window, 0x2000, 0x82000);
    expect_at(0x82000, &BOX(sbd)->mr[0]);
    g_assert_cmphex(g_array_index(sbd->mmio, SysBusMMIO, 0).addr, ==, 0x82000);
    object_root_free();
    expect_at(0x82000, NULL);
    memory_region_del_subregion(get_system_memory(), &window);
    memory_region_finish(&window);
}

static void test_irq(void)
{
    g_autoptr(SysBusDevice) sbd = new_box();
    BoxState *s = BOX(sbd);
    IrqLine line;

    irq_init_handler(&line, on_line, NULL, 4);
    g_assert_true(qdev_realize(DEVICE(sbd), NULL));
    g_assert_cmpuint(sysbus_num_irqs(sbd), ==, 2);
    g_assert_null(sysbus_get_connected_irq(sbd, 1));
    sysbus_connect_irq(sbd, 1, &line);
    g_assert_true(sysbus_get_connected_irq(sbd, 1) == &line);
    irq_raise(s->irq[0]);
    irq_raise(s->irq[1]);
    expect_journal("4=1 ");
    qdev_unrealize(DEVICE(sbd));
    g_assert_null(s->irq[1]);
    irq_finish(&line);
    object_root_free();
}

static void test_realize_at(void)
{
    SysBusDevice *sbd = new_box();
    IrqLine line;

    irq_init_handler(&line, on_line, NULL, 1);
    g_assert_true(sysbus_realize_at(sbd, 0x40000, &line, NULL));
    expect_at(0x40000, &BOX(sbd)->mr[0]);
    irq_pulse(BOX(sbd)->irq[0]);
    expect_journal("1=1 1=0 ");
    object_unref(OBJECT(sbd));
    object_root_free();
    expect_at(0x40000, NULL);

    sbd = new_box();
    g_assert_true(sysbus_realize_at(sbd, 0x50000, NULL, NULL));
    expect_at(0x50000, &BOX(sbd)->mr[0]);
    g_assert_null(BOX(sbd)->irq[0]);
    object_unref(OBJECT(sbd));
    object_root_free();
}

static void test_realize_at_fails(void)
{
    g_autoptr(SysBusDevice) sbd = new_box();
    g_autoptr(Error) err = NULL;

    g_assert_true(object_set_property(OBJECT(sbd), "fail", "on", NULL));
    g_assert_false(sysbus_realize_at(sbd, 0x40000, NULL, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "test-box box: half a box");
    expect_at(0x40000, NULL);
    g_assert_cmpuint(sysbus_num_mmio(sbd), ==, 0);
    object_root_free();
}

static void abort_map_twice(void)
{
    SysBusDevice *sbd = new_box();

    qdev_realize(DEVICE(sbd), NULL);
    sysbus_mmio_map(sbd, 0, 0x10000);
    sysbus_mmio_map(sbd, 0, 0x20000);
}

static void abort_no_region(void)
{
    sysbus_mmio_map(new_box(), 0, 0x10000);
}

static void abort_no_line(void)
{
    sysbus_connect_irq(new_box(), 0, NULL);
}

static void abort_null_region(void)
{
    sysbus_init_mmio(new_box(), NULL);
}

/* A device that forgets sysbus_release() leaves pointers into itself. */
static void abort_not_released(void)
{
    SysBusDevice *sbd = SYS_BUS_DEVICE(qdev_new(TYPE_BOX));

    sysbus_init_irq(sbd, &BOX(sbd)->irq[0]);
    object_unref(OBJECT(sbd));
}

static const struct {
    const char *path;
    void (*fn)(void);
    const char *message;
} aborts[] = {
    {"/sysbus/abort/map-twice", abort_map_twice, "*!mmio->mapped*"},
    {"/sysbus/abort/no-region", abort_no_region, "*sysbus_num_mmio*"},
    {"/sysbus/abort/no-line", abort_no_line, "*sysbus_num_irqs*"},
    {"/sysbus/abort/null-region", abort_null_region, "*(mr)*"},
    {"/sysbus/abort/not-released", abort_not_released, "*!sbd->irqs*"},
};

static void test_abort(const void *data)
{
    unsigned i = GPOINTER_TO_UINT(data);

    if (g_test_subprocess()) {
        aborts[i].fn();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(aborts[i].message);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    journal = g_string_new(NULL);
    g_test_add_func("/sysbus/mmio", test_mmio);
    g_test_add_func("/sysbus/container", test_container);
    g_test_add_func("/sysbus/irq", test_irq);
    g_test_add_func("/sysbus/realize-at", test_realize_at);
    g_test_add_func("/sysbus/realize-at-fails", test_realize_at_fails);
    for (unsigned i = 0; i < G_N_ELEMENTS(aborts); i++) {
        g_test_add_data_func(aborts[i].path, GUINT_TO_POINTER(i), test_abort);
    }
    status = g_test_run();
    g_string_free(journal, TRUE);
    machine_unlock();
    return status;
}
