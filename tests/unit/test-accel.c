/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * accel.c: which accelerator a list of names gives, and the errors; and the
 * qtest accelerator's interrupt controller. One type of ours never works.
 */

#include "accel/qtest.h"
#include "util/main-loop.h"

static unsigned finished;

static bool broken_init(Accel *accel, uint64_t guest_phys_end, Error **errp)
{
    error_setg(errp, "broken: out of order");
    return false;
}

static void broken_finish(Accel *accel)
{
    finished++;
}

static void broken_class_init(ObjectClass *klass)
{
    ACCEL_CLASS(klass)->init = broken_init;
    ACCEL_CLASS(klass)->finish = broken_finish;
}

static const TypeInfo broken_type = {
    .name = ACCEL_TYPE_NAME("broken"),
    .parent = TYPE_ACCEL,
    .class_init = broken_class_init,
};
TYPE_REGISTER(broken_type)

static void test_order(void)
{
    g_autoptr(Error) err = NULL;
    Accel *accel = accel_create("broken:nonesuch:qtest:broken", 0, &err);

    g_assert_null(err);
    g_assert_true(accel == accel_current());
    g_assert_cmpstr(object_get_typename(OBJECT(accel)), ==, TYPE_QTEST_ACCEL);
    g_assert_true(ACCEL_GET_CLASS(accel)->is_qtest);
    accel_destroy(accel);
    g_assert_null(accel_current());
    accel_destroy(NULL);
}

static void check_error(const char *names, const char *message)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(accel_create(names, 0, &err));
    g_assert_null(accel_current());
    g_assert_cmpstr(error_get_pretty(err), ==, message);
}

static void test_errors(void)
{
    check_error("brokem", "accelerator 'brokem': there is none of that name; "
                          "try: -accel broken");
    check_error("zzz", "accelerator 'zzz': there is none of that name; "
                       "try: -accel help");
    check_error("", "no accelerator is named; try: -accel help");
    finished = 0;
    check_error("broken", "broken: out of order");
    g_assert_cmpuint(finished, ==, 1);
    check_error("broken:zzz", "broken: out of order; accelerator 'zzz': there "
                              "is none of that name; try: -accel help");
    g_assert_null(accel_create("broken", 0, NULL));
}

static void count(void *opaque)
{
    ++*(unsigned *)opaque;
}

static QtestGic *create_gic(Accel *accel, GicConfig *config)
{
    g_autoptr(Error) err = NULL;
    DeviceState *dev = ACCEL_GET_CLASS(accel)->create_gic(accel, config, &err);

    g_assert_null(err);
    g_assert_nonnull(dev);
    return QTEST_GIC(dev);
}

static void check_eoi(QtestGic *gic)
{
    IrqLine *line = qdev_get_gpio_in(DEVICE(gic), 31);
    g_autoptr(Error) err = NULL;
    unsigned eois = 0;

    irq_set_trigger(line, IRQ_TRIGGER_EDGE);
    g_assert_cmpint(gic->inputs[31].trigger, ==, IRQ_TRIGGER_EDGE);
    g_assert_false(irq_can_attach_fd(line));
    g_assert_true(irq_can_attach_eoi(line));
    g_assert_true(irq_attach_eoi(line, count, &eois, NULL));
    g_assert_false(irq_attach_eoi(line, count, &eois, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "qtest-gic gic: input 31 is attached already");
    irq_raise(line);
    g_assert_cmpint(gic->inputs[31].level, ==, 1);
    g_assert_true(qtest_gic_eoi(gic, 31));
    g_assert_cmpint(gic->inputs[31].level, ==, 0);
    g_assert_cmpuint(eois, ==, 1);
    irq_detach_eoi(line);
    g_assert_true(qtest_gic_eoi(gic, 31));
    g_assert_cmpuint(eois, ==, 1);
    g_assert_false(qtest_gic_eoi(gic, 32));
}

static void test_gic(void)
{
    Accel *accel = accel_create("qtest", 0, NULL);
    Object *machine = object_new(TYPE_OBJECT);
    GicConfig config = {.version = GIC_VERSION_MAX, .num_spis = 32};
    QtestGic *gic;

    object_add_child(object_root(), "machine", machine, NULL);
    object_unref(machine);
    gic = create_gic(accel, &config);
    g_assert_cmpint(config.version, ==, GIC_VERSION_3);
    g_assert_nonnull(qdev_get_gpio_in(DEVICE(gic), 31));
    g_assert_null(qdev_get_gpio_in(DEVICE(gic), 32));
    check_eoi(gic);
    /* There is one controller. */
    g_assert_null(ACCEL_GET_CLASS(accel)->create_gic(accel, &config, NULL));
    object_unparent(OBJECT(gic));
    object_unref(OBJECT(gic));
    config.version = GIC_VERSION_2;
    gic = create_gic(accel, &config);
    g_assert_cmpint(config.version, ==, GIC_VERSION_2);
    object_unref(OBJECT(gic));
    object_root_free();
    accel_destroy(accel);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/accel/order", test_order);
    g_test_add_func("/accel/errors", test_errors);
    g_test_add_func("/accel/gic", test_gic);
    g_assert_true(main_loop_init(NULL));
    status = g_test_run();
    main_loop_finish();
    return status;
}
