/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt commands of the qtest protocol. Interrupts under observation
 * go on to whom they were for. A device's output is watched at the input that
 * it leads to, so that both see one line; what leads nowhere gets an input of
 * ours for as long as the session lasts.
 */

#include <string.h>

#include "accel/qtest.h"
#include "hw/core/sysbus.h"
#include "qtest-session.h"

/* Watch: an interceptor on one line. */
typedef struct Watch {
    QtestSession *session;
    IrqLine *line;
    IrqLine **slot; /* an output that was not connected: holds @own */
    IrqLine own;
    int level;
} Watch;

static void watch_set(void *opaque, int n, int level)
{
    Watch *watch = opaque;

    if (watch->level != level) {
        watch->level = level;
        qtest_reply(watch->session, "IRQ %s %d", level ? "raise" : "lower", n);
    }
    watch->line->ops->set(watch->line, level);
}

static void watch_add(QtestSession *s, IrqLine *line, int n)
{
    Watch *watch = g_new0(Watch, 1);

    watch->session = s;
    watch->line = line;
    line->intercept = watch_set;
    line->intercept_opaque = watch;
    line->intercept_n = n;
    g_ptr_array_add(s->watches, watch);
}

static void nobody_listens(void *opaque, int n, int level)
{
}

/* An output is watched at the input it leads to, or at one of ours. */
static void watch_add_slot(QtestSession *s, IrqLine **slot, int n)
{
    Watch *watch;

    if (*slot) {
        watch_add(s, *slot, n);
        return;
    }
    watch = g_new0(Watch, 1);
    irq_init_handler(&watch->own, nobody_listens, NULL, n);
    watch->session = s;
    watch->line = &watch->own;
    watch->line->intercept = watch_set;
    watch->line->intercept_opaque = watch;
    watch->line->intercept_n = n;
    watch->slot = slot;
    *slot = watch->line;
    g_ptr_array_add(s->watches, watch);
}

void qtest_watch_free(gpointer data)
{
    Watch *watch = data;

    watch->line->intercept = NULL;
    if (watch->slot) {
        *watch->slot = NULL;
        irq_finish(&watch->own);
    }
    g_free(watch);
}

static DeviceState *find_device(const char *path)
{
    return (DeviceState *)object_dynamic_cast(object_resolve_path(path),
                                              TYPE_DEVICE);
}

/* The device to watch; NULL when the answer has been given. */
static DeviceState *start_watching(QtestSession *s, const char *path)
{
    DeviceState *dev = find_device(path);

    if (!dev) {
        qtest_reply(s, "FAIL Unknown device");
        return NULL;
    }
    if (s->watched) {
        qtest_reply(s, s->watched == OBJECT(dev)
                           ? "OK"
                           : "FAIL IRQ intercept is in use");
        return NULL;
    }
    return dev;
}

void qtest_cmd_irq_intercept_in(QtestSession *s, char **words)
{
    DeviceState *dev = start_watching(s, words[1]);
    IrqLine *line;

    if (dev) {
        for (unsigned n = 0; (line = qdev_get_gpio_in(dev, n)); n++) {
            watch_add(s, line, n);
        }
        s->watched = OBJECT(dev);
        qtest_reply(s, "OK");
    }
}

/* The slots that QEMU's @name stands for; NULL if the device has no such. */
static GPtrArray *output_slots(DeviceState *dev, const char *name)
{
    if (!name) {
        return dev->gpio_out;
    }
    if (strcmp(name, "sysbus-irq") == 0 &&
        object_dynamic_cast(OBJECT(dev), TYPE_SYS_BUS_DEVICE)) {
        return SYS_BUS_DEVICE(dev)->irqs;
    }
    return NULL;
}

void qtest_cmd_irq_intercept_out(QtestSession *s, char **words)
{
    DeviceState *dev = start_watching(s, words[1]);
    GPtrArray *slots;

    if (!dev) {
        return;
    }
    slots = output_slots(dev, words[2]);
    if (!slots || !slots->len) {
        qtest_reply(s, "FAIL No such outputs");
        return;
    }
    for (guint n = 0; n < slots->len; n++) {
        watch_add_slot(s, g_ptr_array_index(slots, n), n);
    }
    s->watched = OBJECT(dev);
    qtest_reply(s, "OK");
}

void qtest_cmd_set_irq_in(QtestSession *s, char **words)
{
    char *numbers_at[] = {words[0], words[3], words[4]};
    uint64_t numbers[2];
    DeviceState *dev = find_device(words[1]);
    IrqLine *line = NULL;

    if (!dev) {
        qtest_reply(s, "FAIL Unknown device");
        return;
    }
    if (!qtest_get_numbers(s, numbers_at, numbers, 2)) {
        return;
    }
    if (strcmp(words[2], "unnamed-gpio-in") == 0 && numbers[0] <= INT_MAX) {
        line = qdev_get_gpio_in(dev, numbers[0]);
    }
    if (!line) {
        qtest_reply(s, "FAIL Unknown input");
        return;
    }
    irq_set(line, numbers[1] != 0);
    qtest_reply(s, "OK");
}

static void find_gic(Object *obj, void *opaque)
{
    QtestGic **gic = opaque;

    if (object_dynamic_cast(obj, TYPE_QTEST_GIC)) {
        *gic = QTEST_GIC(obj);
    }
}

void qtest_cmd_irq_eoi(QtestSession *s, char **words)
{
    QtestGic *gic = NULL;
    uint64_t n;

    if (!qtest_get_numbers(s, words, &n, 1)) {
        return;
    }
    object_foreach_descendant(object_root(), find_gic, &gic);
    if (!gic || n > INT_MAX || !qtest_gic_eoi(gic, n)) {
        qtest_reply(s, "FAIL Unknown input");
        return;
    }
    qtest_reply(s, "OK");
}
