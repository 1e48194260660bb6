/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controller of the qtest accelerator. With no CPU there is
 * nobody to interrupt: an input keeps its level and its trigger type, and the
 * guest's end of interrupt comes from the test. It offers the route eoi, and
 * not irqfd, since there is no kernel to hand an eventfd to.
 */

#include "accel/qtest.h"

#define NUM_INPUTS_MAX 988 /* SPIs that a GIC has */

static QtestGicInput *input_of(IrqLine *line)
{
    return &QTEST_GIC(line->opaque)->inputs[line->n];
}

static void input_set(IrqLine *line, int level)
{
    input_of(line)->level = level;
}

static void input_set_trigger(IrqLine *line, IrqTrigger trigger)
{
    input_of(line)->trigger = trigger;
}

static bool input_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque,
                             Error **errp)
{
    QtestGicInput *input = input_of(line);

    if (input->eoi) {
        error_setg(errp, "%s: input %d is attached already",
                   qdev_name(line->opaque), line->n);
        return false;
    }
    input->eoi = fn;
    input->eoi_opaque = opaque;
    return true;
}

static void input_detach_eoi(IrqLine *line)
{
    input_of(line)->eoi = NULL;
}

static const IrqLineOps input_ops = {
    .set = input_set,
    .set_trigger = input_set_trigger,
    .attach_eoi = input_attach_eoi,
    .detach_eoi = input_detach_eoi,
};

bool qtest_gic_eoi(QtestGic *gic, unsigned n)
{
    QtestGicInput *input;

    if (n >= gic->num_inputs) {
        return false;
    }
    input = &gic->inputs[n];
    /* As a wire, so that a test which watches it sees it fall. */
    irq_lower(qdev_get_gpio_in(DEVICE(gic), n));
    if (input->eoi) {
        input->eoi(input->eoi_opaque);
    }
    return true;
}

static bool qtest_gic_realize(DeviceState *dev, Error **errp)
{
    QtestGic *gic = QTEST_GIC(dev);

    gic->inputs = g_new0(QtestGicInput, gic->num_inputs);
    qdev_init_gpio_in_ops(dev, &input_ops, gic->num_inputs);
    return true;
}

static void qtest_gic_unrealize(DeviceState *dev)
{
    const QtestGic *gic = QTEST_GIC(dev);

    for (uint32_t i = 0; i < gic->num_inputs; i++) {
        g_assert(!gic->inputs[i].eoi);
    }
}

static void qtest_gic_finalize(Object *obj)
{
    g_free(QTEST_GIC(obj)->inputs);
}

static const Property qtest_gic_properties[] = {
    PROP_UINT32("num-inputs", QtestGic, num_inputs, "0", NUM_INPUTS_MAX,
                "shared peripheral interrupts"),
    {0},
};

static void qtest_gic_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "interrupt controller for tests";
    klass->properties = qtest_gic_properties;
    dc->realize = qtest_gic_realize;
    dc->unrealize = qtest_gic_unrealize;
}

static const TypeInfo qtest_gic_type = {
    .name = TYPE_QTEST_GIC,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(QtestGic),
    .class_init = qtest_gic_class_init,
    .instance_finalize = qtest_gic_finalize,
};
TYPE_REGISTER(qtest_gic_type)
