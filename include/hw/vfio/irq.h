/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/irq.h"
#include "hw/vfio/host.h"
#include "hw/vfio/irq-fsm.h"

/*
 * VFIOIrq: one interrupt of the device on its way to the line of the guest's
 * controller, by the best route that the line offers:
 *  irqfd  both eventfds are the controller's; we only arm and reset
 *  eoi    the main loop drives the line, the controller reports each EOI
 *  trap   the main loop drives the line, a trapped access counts as EOI
 * Thread: the machine lock.
 */
typedef enum VFIOIrqRoute {
    VFIO_IRQ_ROUTE_AUTO, /* a wish: the first of the others that can be had */
    VFIO_IRQ_ROUTE_IRQFD,
    VFIO_IRQ_ROUTE_EOI,
    VFIO_IRQ_ROUTE_TRAP,
} VFIOIrqRoute;

extern const char *const vfio_irq_route_names[]; /* ends with NULL */

typedef struct VFIOIrq VFIOIrq;

/** VFIOIrqClient: what a line tells its device. All are mandatory. */
typedef struct VFIOIrqClient {
    /* Trap route: a line is about to go up; accesses must be trapped. */
    void (*activated)(void *opaque);
    /* Trap route: a line that was ACTIVE is not any more. */
    void (*ended)(void *opaque);
    /* The line is lost. Takes @err. May call vfio_irq_finish(). */
    void (*failed)(void *opaque, Error *err);
} VFIOIrqClient;

struct VFIOIrq {
    VFIOHost *host;
    unsigned index;
    VFIOIrqInfo info;
    const VFIOIrqClient *client;
    void *opaque;
    IrqLine *line;          /* the sysbus slot; NULL: not connected */
    EventNotifier trigger;  /* the host signals it */
    EventNotifier resample; /* route irqfd: the controller signals it */
    VFIOIrqState state;
    VFIOIrqRoute route;    /* AUTO until the line is attached */
    bool watching_trigger; /* by the main loop */
    bool watching_resample;
    bool unmask_set;  /* the host has our unmask eventfd */
    bool trigger_set; /* the host has our trigger eventfd */
    bool armed;       /* by vfio_irq_arm() */
};

/** Asks the host for the line's nature and whether it can be had. */
bool vfio_irq_init(VFIOIrq *irq, VFIOHost *host, unsigned index,
                   const VFIOIrqClient *client, void *opaque, Error **errp);
/**
 * Switches off, detaches and closes, and forgets what the line had to say; it
 * may be armed again. NULL and zeroed are fine; repeatable.
 */
void vfio_irq_finish(VFIOIrq *irq);

/**
 * A host that was lost (and the line finished) is back: fails if this is not
 * the line that it was. vfio_irq_arm() may follow.
 */
bool vfio_irq_back(VFIOIrq *irq, Error **errp);

/** Tells the controller what the line is. Once it is connected. */
void vfio_irq_set_trigger(VFIOIrq *irq);

/**
 * Once it is connected: can @want be had, as far as the controller tells? AUTO
 * always can, and so can whatever a line that is not connected is asked for.
 */
bool vfio_irq_check_route(const VFIOIrq *irq, VFIOIrqRoute want, Error **errp);

/**
 * Attaches the line by route @want (AUTO: the best, irqfd only if
 * @allow_irqfd) and lets the host signal. A line that is not connected stays
 * silent. After a failure call vfio_irq_finish().
 */
bool vfio_irq_arm(VFIOIrq *irq, VFIOIrqRoute want, bool allow_irqfd,
                  Error **errp);

/** The guest ended the interrupt, as far as a trapped access tells. */
void vfio_irq_trapped(VFIOIrq *irq);

/** The phases RESET_DISARM, RESET_DEVICE and RESET_ARM of an armed line. */
bool vfio_irq_reset_disarm(VFIOIrq *irq, Error **errp);
void vfio_irq_reset(VFIOIrq *irq);
bool vfio_irq_reset_arm(VFIOIrq *irq, Error **errp);
