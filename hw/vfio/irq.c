/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interrupt, from the host's eventfd to the guest's controller and back.
 *
 * Relies on: a registration of an eventfd at the host or the controller stays
 * for the line's life (a second one is EBUSY); the host unmasks a level line
 * when asked, whether it was masked or not. The order at arming is controller,
 * unmask eventfd, trigger eventfd, unmask: an event finds everything in place,
 * and one that came before is signalled again.
 *
 * What would surprise: on route irqfd an edge line gets a resample eventfd
 * too, and we only drain it. Without one, KVM turns an edge into a level while
 * the guest still has the line set to level, and one event becomes dozens.
 */

#include <errno.h>

#include "hw/vfio/irq.h"
#include "trace.h"
#include "util/log.h"
#include "util/main-loop.h"

const char *const vfio_irq_route_names[] = {
    [VFIO_IRQ_ROUTE_AUTO] = "auto",
    [VFIO_IRQ_ROUTE_IRQFD] = "irqfd",
    [VFIO_IRQ_ROUTE_EOI] = "eoi",
    [VFIO_IRQ_ROUTE_TRAP] = "trap",
    NULL,
};

/* One call to the host; @why completes "vfio X: line 0: cannot ...". */
static bool vfio_irq_set(VFIOIrq *irq, VFIOIrqAction action, int fd,
                         const char *why, Error **errp)
{
    VFIOHost *host = irq->host;
    int ret = host->ops->set_irq(host, irq->index, action, fd);

    trace_vfio_irq_host(host->name, irq->index, vfio_irq_action_name(action),
                        ret);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "vfio %s: line %u: cannot %s", host->name,
                         irq->index, why);
        return false;
    }
    return true;
}

static bool vfio_irq_unmask(VFIOIrq *irq, Error **errp)
{
    return vfio_irq_set(irq, VFIO_IRQ_UNMASK_NOW, -1,
                        "unmask it, so it stays silent", errp);
}

static bool vfio_irq_get_info(const VFIOIrq *irq, VFIOIrqInfo *info,
                              Error **errp)
{
    VFIOHost *host = irq->host;
    int ret = host->ops->get_irq(host, irq->index, info);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "vfio %s: line %u: cannot get info",
                         host->name, irq->index);
        return false;
    }
    return true;
}

static bool vfio_irq_probe(VFIOIrq *irq, Error **errp)
{
    return vfio_irq_set(irq, VFIO_IRQ_PROBE, -1,
                        "be had (another driver of the host may hold it, see "
                        "/proc/interrupts)",
                        errp);
}

bool vfio_irq_init(VFIOIrq *irq, VFIOHost *host, unsigned index,
                   const VFIOIrqClient *client, void *opaque, Error **errp)
{
    irq->host = host;
    irq->index = index;
    irq->client = client;
    irq->opaque = opaque;
    if (!vfio_irq_get_info(irq, &irq->info, errp)) {
        return false;
    }
    if (irq->info.count != 1 || !irq->info.eventfd) {
        error_setg(errp, "vfio %s: line %u: %u interrupts%s, which is no line",
                   host->name, index, irq->info.count,
                   irq->info.eventfd ? "" : " without an eventfd");
        return false;
    }
    return vfio_irq_probe(irq, errp);
}

bool vfio_irq_back(VFIOIrq *irq, Error **errp)
{
    VFIOIrqInfo now = {0};

    if (!vfio_irq_get_info(irq, &now, errp)) {
        return false;
    }
    if (now.count != 1 || !now.eventfd ||
        now.automasked != irq->info.automasked) {
        error_setg(errp,
                   "vfio %s: line %u: not the device that it was: %u %s "
                   "interrupts%s, where there was one %s interrupt",
                   irq->host->name, irq->index, now.count,
                   now.automasked ? "level" : "edge",
                   now.eventfd ? "" : " without an eventfd",
                   irq->info.automasked ? "level" : "edge");
        return false;
    }
    irq->info = now;
    return vfio_irq_probe(irq, errp);
}

/* Carries out what the table says; the order is that of the actions' bits. */
static bool vfio_irq_step(VFIOIrq *irq, VFIOIrqEvent event, Error **errp)
{
    VFIOIrqStep step =
        vfio_irq_fsm_step(irq->state, event, irq->info.automasked);
    bool ok = true;

    trace_vfio_irq_state(
        irq->host->name, irq->index, vfio_irq_event_name(event),
        vfio_irq_state_name(irq->state), vfio_irq_state_name(step.next));
    irq->state = step.next;
    if (step.actions & VFIO_IRQ_DO_ACTIVATED &&
        irq->route == VFIO_IRQ_ROUTE_TRAP) {
        irq->client->activated(irq->opaque);
    }
    /* A controller that reports an EOI has lowered the line by then. */
    if (step.actions & VFIO_IRQ_DO_LOWER &&
        !(irq->route == VFIO_IRQ_ROUTE_EOI && event == VFIO_IRQ_EV_EOI)) {
        irq_lower(irq->line);
    }
    if (step.actions & VFIO_IRQ_DO_RAISE) {
        irq_raise(irq->line);
    }
    if (step.actions & VFIO_IRQ_DO_PULSE) {
        irq_pulse(irq->line);
    }
    if (step.actions & VFIO_IRQ_DO_UNMASK_HOST) {
        ok = vfio_irq_unmask(irq, errp);
    }
    if (step.actions & VFIO_IRQ_DO_ENDED && irq->route == VFIO_IRQ_ROUTE_TRAP) {
        irq->client->ended(irq->opaque);
    }
    return ok;
}

static void vfio_irq_event(VFIOIrq *irq, VFIOIrqEvent event)
{
    Error *err = NULL;

    if (!vfio_irq_step(irq, event, &err)) {
        irq->client->failed(irq->opaque, err);
    }
}

static void vfio_irq_on_trigger(void *opaque)
{
    VFIOIrq *irq = opaque;

    if (event_notifier_test_and_clear(&irq->trigger)) {
        trace_vfio_irq_trigger(irq->host->name, irq->index);
        vfio_irq_event(irq, VFIO_IRQ_EV_TRIGGER);
    }
}

/* Route irqfd, where the host does not take the resample eventfd. */
static void vfio_irq_on_resample(void *opaque)
{
    VFIOIrq *irq = opaque;
    Error *err = NULL;

    if (!event_notifier_test_and_clear(&irq->resample)) {
        return;
    }
    trace_vfio_irq_eoi(irq->host->name, irq->index);
    if (irq->info.automasked && !vfio_irq_unmask(irq, &err)) {
        irq->client->failed(irq->opaque, err);
    }
}

/* Route eoi: the controller tells. */
static void vfio_irq_on_eoi(void *opaque)
{
    VFIOIrq *irq = opaque;

    trace_vfio_irq_eoi(irq->host->name, irq->index);
    vfio_irq_event(irq, VFIO_IRQ_EV_EOI);
}

void vfio_irq_trapped(VFIOIrq *irq)
{
    if (irq->route == VFIO_IRQ_ROUTE_TRAP && irq->state == VFIO_IRQ_ACTIVE) {
        trace_vfio_irq_eoi(irq->host->name, irq->index);
        vfio_irq_event(irq, VFIO_IRQ_EV_EOI);
    }
}

static void vfio_irq_watch(EventNotifier *notifier, MainLoopFdFn fn,
                           VFIOIrq *irq, bool *watching)
{
    main_loop_set_fd(event_notifier_get_fd(notifier), fn, NULL, irq);
    *watching = true;
}

static void vfio_irq_unwatch(EventNotifier *notifier, bool *watching)
{
    if (*watching) {
        main_loop_set_fd(event_notifier_get_fd(notifier), NULL, NULL, NULL);
        *watching = false;
    }
}

void vfio_irq_set_trigger(VFIOIrq *irq)
{
    irq_set_trigger(irq->line, irq->info.automasked ? IRQ_TRIGGER_LEVEL
                                                    : IRQ_TRIGGER_EDGE);
}

static bool vfio_irq_offers(const VFIOIrq *irq, VFIOIrqRoute route)
{
    switch (route) {
    case VFIO_IRQ_ROUTE_IRQFD:
        return irq_can_attach_fd(irq->line);
    case VFIO_IRQ_ROUTE_EOI:
        return irq_can_attach_eoi(irq->line);
    case VFIO_IRQ_ROUTE_AUTO:
    case VFIO_IRQ_ROUTE_TRAP:
        break;
    }
    return true;
}

bool vfio_irq_check_route(const VFIOIrq *irq, VFIOIrqRoute want, Error **errp)
{
    g_autoptr(GString) offer = g_string_new(NULL);

    if (!irq->line || vfio_irq_offers(irq, want)) {
        return true;
    }
    for (VFIOIrqRoute r = VFIO_IRQ_ROUTE_IRQFD; vfio_irq_route_names[r]; r++) {
        if (vfio_irq_offers(irq, r)) {
            g_string_append_printf(offer, "%s%s", offer->len ? ", " : "",
                                   vfio_irq_route_names[r]);
        }
    }
    error_setg(errp,
               "vfio %s: line %u: x-irq-route=%s cannot be had: with this "
               "interrupt controller there is %s; try: x-irq-route=auto, "
               "which takes the best",
               irq->host->name, irq->index, vfio_irq_route_names[want],
               offer->str);
    return false;
}

static bool vfio_irq_attach_irqfd(VFIOIrq *irq, Error **errp)
{
    const IrqFd fd = {.trigger = &irq->trigger, .resample = &irq->resample};

    if (!irq_attach_fd(irq->line, &fd, errp)) {
        return false;
    }
    irq->route = VFIO_IRQ_ROUTE_IRQFD;
    return true;
}

static bool vfio_irq_attach_eoi(VFIOIrq *irq, Error **errp)
{
    /* Nobody waits for the EOI of an edge; but the route must exist. */
    if (!irq_attach_eoi(irq->line, vfio_irq_on_eoi, irq, errp)) {
        return false;
    }
    irq->route = VFIO_IRQ_ROUTE_EOI;
    return true;
}

/* A route that the line offers but refuses is worth a warning, no more. */
static void vfio_irq_attach_best(VFIOIrq *irq, bool allow_irqfd)
{
    g_autoptr(Error) err = NULL;

    if (allow_irqfd && irq_can_attach_fd(irq->line)) {
        if (vfio_irq_attach_irqfd(irq, &err)) {
            return;
        }
        warn_report("vfio %s: line %u: no irqfd, so it is slower: %s",
                    irq->host->name, irq->index, error_get_pretty(err));
        g_clear_pointer(&err, error_free);
    }
    if (irq_can_attach_eoi(irq->line)) {
        if (vfio_irq_attach_eoi(irq, &err)) {
            return;
        }
        warn_report("vfio %s: line %u: accesses are trapped after each "
                    "interrupt: %s",
                    irq->host->name, irq->index, error_get_pretty(err));
    }
    irq->route = VFIO_IRQ_ROUTE_TRAP;
}

static bool vfio_irq_attach(VFIOIrq *irq, VFIOIrqRoute want, bool allow_irqfd,
                            Error **errp)
{
    bool ok = true;

    switch (want) {
    case VFIO_IRQ_ROUTE_AUTO:
        vfio_irq_attach_best(irq, allow_irqfd);
        break;
    case VFIO_IRQ_ROUTE_IRQFD:
        ok = vfio_irq_attach_irqfd(irq, errp);
        break;
    case VFIO_IRQ_ROUTE_EOI:
        ok = vfio_irq_attach_eoi(irq, errp);
        break;
    case VFIO_IRQ_ROUTE_TRAP:
        irq->route = VFIO_IRQ_ROUTE_TRAP;
        break;
    }
    if (!ok) {
        error_prepend(errp,
                      "vfio %s: line %u: x-irq-route=%s: ", irq->host->name,
                      irq->index, vfio_irq_route_names[want]);
        error_append(errp, "; x-irq-route=auto takes what there is");
        return false;
    }
    trace_vfio_irq_route(irq->host->name, irq->index,
                         vfio_irq_route_names[irq->route],
                         irq->info.automasked ? "level" : "edge");
    return true;
}

/* Whoever is to hear our eventfds: the host's kernel, or the main loop. */
static bool vfio_irq_listen(VFIOIrq *irq, Error **errp)
{
    if (irq->route != VFIO_IRQ_ROUTE_IRQFD) {
        vfio_irq_watch(&irq->trigger, vfio_irq_on_trigger, irq,
                       &irq->watching_trigger);
        return true;
    }
    if (!irq->info.automasked || !irq->host->ops->unmask_by_fd) {
        vfio_irq_watch(&irq->resample, vfio_irq_on_resample, irq,
                       &irq->watching_resample);
        return true;
    }
    irq->unmask_set = vfio_irq_set(irq, VFIO_IRQ_UNMASK_FD,
                                   event_notifier_get_fd(&irq->resample),
                                   "give the host its unmask eventfd", errp);
    return irq->unmask_set;
}

static bool vfio_irq_enable(VFIOIrq *irq, Error **errp)
{
    irq->trigger_set = vfio_irq_set(irq, VFIO_IRQ_TRIGGER_FD,
                                    event_notifier_get_fd(&irq->trigger),
                                    "give the host its trigger eventfd", errp);
    return irq->trigger_set;
}

bool vfio_irq_arm(VFIOIrq *irq, VFIOIrqRoute want, bool allow_irqfd,
                  Error **errp)
{
    if (!irq->line) {
        return true;
    }
    irq->armed = event_notifier_init(&irq->trigger, errp) &&
                 event_notifier_init(&irq->resample, errp) &&
                 vfio_irq_attach(irq, want, allow_irqfd, errp) &&
                 vfio_irq_listen(irq, errp) && vfio_irq_enable(irq, errp) &&
                 vfio_irq_step(irq, VFIO_IRQ_EV_UNMASK, errp);
    return irq->armed;
}

static void vfio_irq_detach(VFIOIrq *irq)
{
    switch (irq->route) {
    case VFIO_IRQ_ROUTE_IRQFD:
        irq_detach_fd(irq->line);
        break;
    case VFIO_IRQ_ROUTE_EOI:
        irq_detach_eoi(irq->line);
        break;
    case VFIO_IRQ_ROUTE_AUTO:
    case VFIO_IRQ_ROUTE_TRAP:
        break;
    }
    irq->route = VFIO_IRQ_ROUTE_AUTO;
}

/* A host that fails has nothing to switch off any more: the errors are moot. */
static void vfio_irq_host_off(VFIOIrq *irq)
{
    if (irq->trigger_set) {
        vfio_irq_set(irq, VFIO_IRQ_TRIGGER_OFF, -1, "switch it off", NULL);
        irq->trigger_set = false;
    }
    if (irq->unmask_set) {
        vfio_irq_set(irq, VFIO_IRQ_UNMASK_OFF, -1, "switch it off", NULL);
        irq->unmask_set = false;
    }
}

void vfio_irq_finish(VFIOIrq *irq)
{
    if (!irq || !irq->host) {
        return;
    }
    vfio_irq_host_off(irq);
    vfio_irq_step(irq, VFIO_IRQ_EV_MASK, NULL);
    vfio_irq_step(irq, VFIO_IRQ_EV_RESET, NULL);
    vfio_irq_unwatch(&irq->trigger, &irq->watching_trigger);
    vfio_irq_unwatch(&irq->resample, &irq->watching_resample);
    vfio_irq_detach(irq);
    irq->armed = false;
    event_notifier_finish(&irq->trigger);
    event_notifier_finish(&irq->resample);
}

bool vfio_irq_reset_disarm(VFIOIrq *irq, Error **errp)
{
    if (!irq->armed) {
        return true;
    }
    if (!irq->info.automasked) {
        if (!vfio_irq_set(irq, VFIO_IRQ_TRIGGER_OFF, -1,
                          "be silenced for a reset", errp)) {
            return false;
        }
        irq->trigger_set = false;
    }
    return vfio_irq_step(irq, VFIO_IRQ_EV_MASK, errp);
}

void vfio_irq_reset(VFIOIrq *irq)
{
    if (!irq->armed) {
        return;
    }
    if (irq->watching_trigger) {
        event_notifier_test_and_clear(&irq->trigger);
    }
    if (irq->watching_resample) {
        event_notifier_test_and_clear(&irq->resample);
    }
    vfio_irq_event(irq, VFIO_IRQ_EV_RESET);
}

bool vfio_irq_reset_arm(VFIOIrq *irq, Error **errp)
{
    if (!irq->armed) {
        return true;
    }
    if (!irq->info.automasked && !vfio_irq_enable(irq, errp)) {
        return false;
    }
    return vfio_irq_step(irq, VFIO_IRQ_EV_UNMASK, errp);
}
