/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qdev.c: a device's one life, and that a realize which fails at any step is
 * taken back by unrealize. The test device acquires its parts one by one.
 */
#include "hw/core/qdev.h"

#define TYPE_PART "test-part"
OBJECT_DECLARE_SIMPLE_TYPE(PartState, PART)

#define STEPS 3

struct PartState {
    DeviceState parent_obj;
    uint32_t fail_at; /* step, from 1 */
    char *step[STEPS];
    IrqLine *out[2];
    unsigned unrealized;
};

static GString *journal;

static bool part_realize(DeviceState *dev, Error **errp)
{
    PartState *s = PART(dev);

    for (unsigned i = 0; i < STEPS; i++) {
        if (s->fail_at == i + 1) {
            error_setg(errp, "%s: step %u failed", qdev_name(dev), i + 1);
            return false;
        }
        s->step[i] = g_strdup("acquired");
    }
    return true;
}

static void part_unrealize(DeviceState *dev)
{
    PartState *s = PART(dev);

    s->unrealized++;
    for (unsigned i = 0; i < STEPS; i++) {
        g_clear_pointer(&s->step[i], g_free);
    }
}

static const Property part_properties[] = {
    PROP_UINT32("fail-at", PartState, fail_at, NULL, STEPS, "step to fail at"),
    {},
};

static void part_class_init(ObjectClass *klass)
{
    klass->properties = part_properties;
    DEVICE_CLASS(klass)->realize = part_realize;
    DEVICE_CLASS(klass)->unrealize = part_unrealize;
}

static void part_finalize(Object *obj)
{
    g_string_append_printf(journal, "finalize:%u ", PART(obj)->unrealized);
}

static const TypeInfo part_type = {
    .name = TYPE_PART,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(PartState),
    .class_init = part_class_init,
    .instance_finalize = part_finalize,
};
TYPE_REGISTER(part_type)

static const TypeInfo bare_type = {
    .name = "test-bare",
    .parent = TYPE_DEVICE,
};
TYPE_REGISTER(bare_type)

static void expect_journal(const char *expected)
{
    g_assert_cmpstr(journal->str, ==, expected);
    g_string_truncate(journal, 0);
}

static DeviceState *new_in_tree(const char *type, const char *name)
{
    DeviceState *dev = qdev_new(type);

    g_assert_true(object_add_child(object_root(), name, OBJECT(dev), NULL));
    return dev;
}

static void test_life(void)
{
    g_autoptr(DeviceState) dev = new_in_tree(TYPE_PART, "part");
    g_autoptr(Error) err = NULL;

    g_assert_false(dev->realized);
    qdev_unrealize(dev);
    g_assert_cmpuint(PART(dev)->unrealized, ==, 0);
    g_assert_true(qdev_realize(dev, &err));
    g_assert_null(err);
    g_assert_true(dev->realized);
    g_assert_cmpstr(PART(dev)->step[STEPS - 1], ==, "acquired");
    qdev_unrealize(dev);
    g_assert_false(dev->realized);
    qdev_unrealize(dev);
    g_assert_cmpuint(PART(dev)->unrealized, ==, 1);
    object_unparent(OBJECT(dev));
    g_assert_cmpuint(PART(dev)->unrealized, ==, 1);
    object_unref(OBJECT(g_steal_pointer(&dev)));
    expect_journal("finalize:1 ");
    object_root_free();
}

static void test_failing_steps(void)
{
    for (unsigned step = 1; step <= STEPS; step++) {
        DeviceState *dev = new_in_tree(TYPE_PART, "part");
        g_autoptr(Error) err = NULL;
        g_autofree char *number = g_strdup_printf("%u", step);
        g_autofree char *message =
            g_strdup_printf("test-part part: step %u failed", step);

        g_assert_true(
            object_set_property(OBJECT(dev), "fail-at", number, NULL));
        g_assert_false(qdev_realize(dev, &err));
        g_assert_cmpstr(error_get_pretty(err), ==, message);
        g_assert_false(dev->realized);
        g_assert_null(PART(dev)->step[0]);
        object_unref(OBJECT(dev));
        object_root_free();
        expect_journal("finalize:1 ");
    }
}

static void test_fail_without_errp(void)
{
    g_autoptr(DeviceState) dev = new_in_tree(TYPE_PART, "part");

    g_assert_true(object_set_property(OBJECT(dev), "fail-at", "1", NULL));
    g_assert_false(qdev_realize(dev, NULL));
    object_root_free();
}

/* Taking the tree down unrealizes what is left in it. */
static void test_unparent(void)
{
    DeviceState *dev = new_in_tree(TYPE_PART, "part");

    g_assert_true(qdev_realize(dev, NULL));
    object_unref(OBJECT(dev));
    g_string_truncate(journal, 0);
    object_root_free();
    expect_journal("finalize:1 ");
}

static void test_properties_fixed(void)
{
    g_autoptr(DeviceState) dev = new_in_tree(TYPE_PART, "part");
    g_autoptr(Error) err = NULL;
    g_autofree char *value = NULL;

    g_assert_true(object_set_property(OBJECT(dev), "fail-at", "0", &err));
    g_assert_true(qdev_realize(dev, &err));
    g_assert_false(object_set_property(OBJECT(dev), "fail-at", "1", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "test-part part: property 'fail-at' is fixed once the "
                    "device is realized");
    value = object_get_property(OBJECT(dev), "fail-at", NULL);
    g_assert_cmpstr(value, ==, "0");
    object_root_free();
}

static void test_name(void)
{
    g_autoptr(DeviceState) dev = qdev_new(TYPE_PART);

    g_assert_cmpstr(qdev_name(dev), ==, "test-part");
    g_assert_true(object_add_child(object_root(), "uart", OBJECT(dev), NULL));
    g_assert_cmpstr(qdev_name(dev), ==, "test-part uart");
    g_assert_true(qdev_name(dev) == qdev_name(dev));
    dev->id = g_strdup("net0");
    g_assert_cmpstr(qdev_name(dev), ==, "net0");
    object_root_free();
}

static PartState *input_owner;

static void on_input(void *opaque, int n, int level)
{
    g_assert_true(PART(opaque) == input_owner);
    g_string_append_printf(journal, "in%d=%d ", n, level);
}

static void on_set(IrqLine *line, int level)
{
    g_assert_true(PART(line->opaque) == input_owner);
    g_string_append_printf(journal, "ops%d=%d ", line->n, level);
}

static void test_gpio_in(void)
{
    static const IrqLineOps ops = {.set = on_set};
    g_autoptr(DeviceState) dev = qdev_new(TYPE_PART);
    IrqLine *held;

    g_string_truncate(journal, 0);
    input_owner = PART(dev);
    g_assert_null(qdev_get_gpio_in(dev, 0));
    qdev_init_gpio_in(dev, on_input, 2);
    held = qdev_get_gpio_in(dev, 1);
    qdev_init_gpio_in_ops(dev, &ops, 1);
    g_assert_true(qdev_get_gpio_in(dev, 1) == held);
    irq_raise(qdev_get_gpio_in(dev, 0));
    irq_raise(qdev_get_gpio_in(dev, 1));
    irq_raise(qdev_get_gpio_in(dev, 2));
    expect_journal("in0=1 in1=1 ops2=1 ");
    g_assert_null(qdev_get_gpio_in(dev, 3));
}

static void test_gpio_out(void)
{
    g_autoptr(DeviceState) from = qdev_new(TYPE_PART);
    g_autoptr(DeviceState) to = qdev_new(TYPE_PART);
    PartState *s = PART(from);

    g_string_truncate(journal, 0);
    input_owner = PART(to);
    qdev_init_gpio_in(to, on_input, 2);
    qdev_init_gpio_out(from, s->out, 2);
    irq_raise(s->out[0]);
    expect_journal("");
    qdev_connect_gpio_out(from, 1, qdev_get_gpio_in(to, 0));
    qdev_connect_gpio_out(from, 0, qdev_get_gpio_in(to, 1));
    irq_raise(s->out[1]);
    irq_pulse(s->out[0]);
    expect_journal("in0=1 in1=1 in1=0 ");
    qdev_connect_gpio_out(from, 1, NULL);
    irq_raise(s->out[1]);
    expect_journal("");
}

static void abort_not_in_tree(void)
{
    qdev_realize(qdev_new(TYPE_PART), NULL);
}

static void abort_realize_twice(void)
{
    DeviceState *dev = new_in_tree(TYPE_PART, "part");

    qdev_realize(dev, NULL);
    qdev_unrealize(dev);
    qdev_realize(dev, NULL);
}

static void abort_no_realize(void)
{
    qdev_realize(new_in_tree("test-bare", "bare"), NULL);
}

static void abort_no_output(void)
{
    qdev_connect_gpio_out(qdev_new(TYPE_PART), 0, NULL);
}

static void abort_not_a_device(void)
{
    qdev_new(TYPE_OBJECT);
}

static const struct {
    const char *path;
    void (*fn)(void);
    const char *message;
} aborts[] = {
    {"/qdev/abort/not-in-tree", abort_not_in_tree, "*->parent*"},
    {"/qdev/abort/realize-twice", abort_realize_twice, "*!dev->tried*"},
    {"/qdev/abort/no-realize", abort_no_realize, "*dc->realize*"},
    {"/qdev/abort/no-output", abort_no_output, "*gpio_out*"},
    {"/qdev/abort/not-a-device", abort_not_a_device,
     "*DEVICE(): a 'object' is not a 'device'*"},
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
    journal = g_string_new(NULL);
    g_test_add_func("/qdev/life", test_life);
    g_test_add_func("/qdev/failing-steps", test_failing_steps);
    g_test_add_func("/qdev/fail-without-errp", test_fail_without_errp);
    g_test_add_func("/qdev/unparent", test_unparent);
    g_test_add_func("/qdev/properties-fixed", test_properties_fixed);
    g_test_add_func("/qdev/name", test_name);
    g_test_add_func("/qdev/gpio-in", test_gpio_in);
    g_test_add_func("/qdev/gpio-out", test_gpio_out);
    for (unsigned i = 0; i < G_N_ELEMENTS(aborts); i++) {
        g_test_add_data_func(aborts[i].path, GUINT_TO_POINTER(i), test_abort);
    }
    status = g_test_run();
    g_string_free(journal, TRUE);
    return status;
}
