/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices: the one place where realize and unrealize are called.
 *
 * A realize that fails is followed by unrealize at once, so a device's error
 * paths are its unrealize and nothing else. A device has one life: nothing is
 * brought back to the state before a first realize. Its input lines stay until
 * the object goes, because others may still hold them when it is unrealized.
 */

#include "hw/core/qdev.h"

DeviceState *qdev_new(const char *type_name)
{
    return DEVICE(object_new(type_name));
}

bool qdev_realize(DeviceState *dev, Error **errp)
{
    DeviceClass *dc = DEVICE_GET_CLASS(dev);

    g_assert(dc->realize && dc->unrealize);
    g_assert(OBJECT(dev)->parent);
    g_assert(!dev->tried);
    dev->tried = true;
    if (!dc->realize(dev, errp)) {
        dc->unrealize(dev);
        return false;
    }
    dev->realized = true;
    return true;
}

void qdev_unrealize(DeviceState *dev)
{
    if (dev->realized) {
        dev->realized = false;
        DEVICE_GET_CLASS(dev)->unrealize(dev);
    }
}

const char *qdev_name(const DeviceState *dev)
{
    const Object *obj = OBJECT(dev);

    if (dev->id) {
        return dev->id;
    }
    if (!dev->pretty_name && obj->name) {
        ((DeviceState *)dev)->pretty_name =
            g_strdup_printf("%s %s", object_get_typename(obj), obj->name);
    }
    return dev->pretty_name ? dev->pretty_name : object_get_typename(obj);
}

/*
 * The inputs of one call, in one piece: a controller has hundreds, and they
 * must not move once somebody holds them.
 */
struct GpioInputs {
    GpioInputs *next;
    unsigned n;
    IrqLine lines[];
};

/* @n more lines, all zeroes, the first of which is input *@first. */
static IrqLine *add_gpio_in(DeviceState *dev, unsigned n, unsigned *first)
{
    GpioInputs **end = &dev->gpio_in;
    GpioInputs *inputs = g_malloc0(sizeof(*inputs) + n * sizeof(IrqLine));

    for (*first = 0; *end; end = &(*end)->next) {
        *first += (*end)->n;
    }
    inputs->n = n;
    *end = inputs;
    return inputs->lines;
}

static void gpio_inputs_free(GpioInputs *inputs)
{
    for (unsigned i = 0; i < inputs->n; i++) {
        irq_finish(&inputs->lines[i]);
    }
    g_free(inputs);
}

void qdev_init_gpio_in(DeviceState *dev,
                       void (*handler)(void *opaque, int n, int level),
                       unsigned n)
{
    unsigned first;
    IrqLine *lines = add_gpio_in(dev, n, &first);

    for (unsigned i = 0; i < n; i++) {
        irq_init_handler(&lines[i], handler, dev, first + i);
    }
}

void qdev_init_gpio_in_ops(DeviceState *dev, const IrqLineOps *ops, unsigned n)
{
    unsigned first;
    IrqLine *lines = add_gpio_in(dev, n, &first);

    for (unsigned i = 0; i < n; i++) {
        irq_init(&lines[i], ops, dev, first + i);
    }
}

IrqLine *qdev_get_gpio_in(DeviceState *dev, unsigned n)
{
    for (GpioInputs *inputs = dev->gpio_in; inputs; inputs = inputs->next) {
        if (n < inputs->n) {
            return &inputs->lines[n];
        }
        n -= inputs->n;
    }
    return NULL;
}

void qdev_init_gpio_out(DeviceState *dev, IrqLine **slots, unsigned n)
{
    if (!dev->gpio_out) {
        dev->gpio_out = g_ptr_array_new();
    }
    for (unsigned i = 0; i < n; i++) {
        slots[i] = NULL;
        g_ptr_array_add(dev->gpio_out, &slots[i]);
    }
}

void qdev_connect_gpio_out(DeviceState *dev, unsigned n, IrqLine *line)
{
    IrqLine **slot;

    g_assert(dev->gpio_out && n < dev->gpio_out->len);
    slot = g_ptr_array_index(dev->gpio_out, n);
    *slot = line;
}

static bool device_may_set(const Object *obj, const Property *prop,
                           Error **errp)
{
    const DeviceState *dev = DEVICE(obj);

    if (dev->tried) {
        error_setg(errp,
                   "%s: property '%s' is fixed once the device is realized",
                   qdev_name(dev), prop->name);
    }
    return !dev->tried;
}

static void device_before_unparent(Object *obj)
{
    qdev_unrealize(DEVICE(obj));
}

static void device_finalize(Object *obj)
{
    DeviceState *dev = DEVICE(obj);

    g_assert(!dev->realized);
    while (dev->gpio_in) {
        GpioInputs *inputs = dev->gpio_in;

        dev->gpio_in = inputs->next;
        gpio_inputs_free(inputs);
    }
    g_clear_pointer(&dev->gpio_out, g_ptr_array_unref);
    g_free(dev->pretty_name);
    g_free(dev->id);
}

static void device_class_init(ObjectClass *klass)
{
    klass->may_set = device_may_set;
    klass->before_unparent = device_before_unparent;
}

static const TypeInfo device_type = {
    .name = TYPE_DEVICE,
    .instance_size = sizeof(DeviceState),
    .class_size = sizeof(DeviceClass),
    .abstract = true,
    .class_init = device_class_init,
    .instance_finalize = device_finalize,
};
TYPE_REGISTER(device_type)
