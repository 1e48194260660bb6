/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The GIC as a device: its inputs, who hears of an interrupt's end, and reset.
 *
 * A vCPU ends an interrupt without the machine lock; whoever waits for that
 * hears of it in the main thread, soon after. Several ends of one line between
 * may become one. The line is lowered at once, under the controller's lock, or
 * the CPU would take the same interrupt again before anybody had heard of its
 * end.
 */

#include "gic-core.h"
#include "trace.h"
#include "util/container-of.h"
#include "util/main-loop.h"

/* -- inputs ---------------------------------------------------------------- */

static GicWord *word_of(const IrqLine *line)
{
    return gic_word(line->opaque, 0, 1 + line->n / 32);
}

static uint32_t bit_of(const IrqLine *line)
{
    return 1u << line->n % 32;
}

static void line_set(IrqLine *line, int level)
{
    GicCore *gic = line->opaque;

    MUTEX_GUARD(&gic->lock);
    gic_set_line(gic, 0, GIC_PRIVATE + line->n, level);
}

static void line_set_trigger(IrqLine *line, IrqTrigger trigger)
{
    GicCore *gic = line->opaque;
    GicWord *word = word_of(line);
    uint32_t bit = bit_of(line);

    MUTEX_GUARD(&gic->lock);
    if (trigger == IRQ_TRIGGER_EDGE) {
        word->edge_source |= bit;
    } else {
        word->edge_source &= ~bit;
    }
    word->edge = (word->edge & ~bit) | (word->edge_source & bit);
    gic_update_all(gic);
}

static bool line_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque,
                            Error **errp)
{
    GicCore *gic = line->opaque;
    GicListener *listener = &gic->listeners[line->n];

    if (listener->fn) {
        error_setg(errp, "%s: SPI %d is attached already",
                   qdev_name(DEVICE(gic)), line->n);
        return false;
    }
    *listener = (GicListener){fn, opaque};
    MUTEX_GUARD(&gic->lock);
    word_of(line)->notify |= bit_of(line);
    return true;
}

static void line_detach_eoi(IrqLine *line)
{
    GicCore *gic = line->opaque;

    gic->listeners[line->n] = (GicListener){0};
    MUTEX_GUARD(&gic->lock);
    word_of(line)->notify &= ~bit_of(line);
    word_of(line)->ended &= ~bit_of(line);
}

static const IrqLineOps line_ops = {
    .set = line_set,
    .set_trigger = line_set_trigger,
    .attach_eoi = line_attach_eoi,
    .detach_eoi = line_detach_eoi,
};

static void gic_set_ppi(SoftGic *soft, unsigned cpu, unsigned intid, bool level)
{
    GicCore *gic = GIC_CORE(soft);

    g_assert(cpu < soft->num_cpus && intid >= GIC_SGIS && intid < GIC_PRIVATE);
    MUTEX_GUARD(&gic->lock);
    gic_set_line(gic, cpu, intid, level);
}

/* -- ends ------------------------------------------------------------------ */

/* Locked for each alone: a listener may well raise its line again. */
static bool take_end(GicCore *gic, unsigned w, uint32_t bit)
{
    MUTEX_GUARD(&gic->lock);
    GicWord *word = gic_word(gic, 0, w);
    bool ended = word->ended & bit;

    word->ended &= ~bit;
    return ended;
}

static uint32_t ends_of(GicCore *gic, unsigned w)
{
    MUTEX_GUARD(&gic->lock);

    return gic_word(gic, 0, w)->ended;
}

/* What ends meanwhile schedules another call. */
static void gic_tell_ends(void *opaque)
{
    GicCore *gic = opaque;

    mutex_lock(&gic->lock);
    gic->telling = false;
    mutex_unlock(&gic->lock);
    for (unsigned w = 1; w < gic->num_words; w++) {
        for (uint32_t ends = ends_of(gic, w); ends; ends &= ends - 1) {
            unsigned i = __builtin_ctz(ends);
            GicListener listener = gic->listeners[w * 32 + i - GIC_PRIVATE];

            /* The listener before may have detached this one. */
            if (take_end(gic, w, 1u << i)) {
                listener.fn(listener.opaque);
            }
        }
    }
}

void gic_tell_later(GicCore *gic, unsigned intid)
{
    GicWord *word = gic_word(gic, 0, intid / 32);
    uint32_t bit = 1u << intid % 32;

    word->line &= ~bit;
    word->ended |= bit;
    if (!gic->telling) {
        gic->telling = true;
        main_loop_schedule(gic_tell_ends, gic);
    }
}

/* -- reset and life -------------------------------------------------------- */

static void gic_reset_controller(ResetHandler *handler)
{
    GicCore *gic = container_of(handler, GicCore, reset_controller);

    MUTEX_GUARD(&gic->lock);
    gic_reset(gic);
}

/*
 * An end from before the reset is nobody's any more: the listeners were reset,
 * too. Private lines belong to the CPUs, which come later.
 */
static void gic_reset_lines(ResetHandler *handler)
{
    GicCore *gic = container_of(handler, GicCore, reset_lines);

    MUTEX_GUARD(&gic->lock);
    for (unsigned w = 1; w < gic->num_words; w++) {
        gic_word(gic, 0, w)->line = 0;
        gic_word(gic, 0, w)->ended = 0;
    }
    gic_update_all(gic);
}

bool gic_core_realize(GicCore *gic, Error **errp)
{
    const SoftGic *soft = &gic->parent_obj;
    const char *name = qdev_name(DEVICE(gic));

    g_assert(soft->cpu_ops);
    if (!soft->num_cpus || soft->num_cpus > SOFT_GIC_MAX_CPUS) {
        error_setg(errp, "%s: num-cpus=%u; it has 1 to %d; try: -smp %d", name,
                   soft->num_cpus, SOFT_GIC_MAX_CPUS, SOFT_GIC_MAX_CPUS);
        return false;
    }
    if (!soft->num_spis || soft->num_spis % 32 ||
        soft->num_spis > GIC_MAX_INTIDS - GIC_PRIVATE) {
        error_setg(errp, "%s: num-spis=%u is no multiple of 32 from 32 to %d",
                   name, soft->num_spis, GIC_MAX_INTIDS - GIC_PRIVATE);
        return false;
    }
    gic->num_words = (GIC_PRIVATE + soft->num_spis) / 32;
    gic->spis = g_new0(GicWord, gic->num_words - 1);
    gic->listeners = g_new0(GicListener, soft->num_spis);
    qdev_init_gpio_in_ops(DEVICE(gic), &line_ops, soft->num_spis);
    reset_register(&gic->reset_controller, RESET_CONTROLLER,
                   gic_reset_controller);
    reset_register(&gic->reset_lines, RESET_LINES, gic_reset_lines);
    return true;
}

void gic_core_unrealize(GicCore *gic)
{
    reset_unregister(&gic->reset_lines);
    reset_unregister(&gic->reset_controller);
    for (unsigned n = 0; gic->spis && n < gic->parent_obj.num_spis; n++) {
        g_assert(!gic->listeners[n].fn);
    }
    main_loop_cancel(gic);
}

static void gic_core_init(Object *obj)
{
    mutex_init(&GIC_CORE(obj)->lock);
}

/* As the lines, what they lead to stays until the object goes. */
static void gic_core_finalize(Object *obj)
{
    GicCore *gic = GIC_CORE(obj);

    g_free(gic->spis);
    g_free(gic->listeners);
    mutex_finish(&gic->lock);
}

static void gic_core_class_init(ObjectClass *klass)
{
    SOFT_GIC_CLASS(klass)->set_ppi = gic_set_ppi;
}

static const TypeInfo gic_core_type = {
    .name = TYPE_GIC_CORE,
    .parent = TYPE_SOFT_GIC,
    .instance_size = sizeof(GicCore),
    .class_size = sizeof(GicCoreClass),
    .abstract = true,
    .class_init = gic_core_class_init,
    .instance_init = gic_core_init,
    .instance_finalize = gic_core_finalize,
};
TYPE_REGISTER(gic_core_type)
