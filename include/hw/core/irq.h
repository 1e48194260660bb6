/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include "util/error.h"
#include "util/event-notifier.h"

/*
 * An IRQ line: a wire from whoever raises it to an input of whoever listens.
 * The listener (an interrupt controller, as a rule) creates the line and says
 * by its ops how the line may be driven. A device that has its interrupts as
 * eventfds asks the line which routes it offers and so needs to know neither
 * the accelerator nor the controller.
 *
 * Thread: all calls with the machine lock.
 */
typedef struct IrqLine IrqLine;

typedef enum IrqTrigger { IRQ_TRIGGER_LEVEL, IRQ_TRIGGER_EDGE } IrqTrigger;

/** IrqFd: what irq_attach_fd() ties to the controller. The caller owns both. */
typedef struct IrqFd {
    EventNotifier *trigger;  /* a write raises (level) or pulses (edge) */
    EventNotifier *resample; /* written at the guest's EOI, level lowered */
} IrqFd;

typedef void (*IrqEoiFn)(void *opaque);

typedef struct IrqLineOps {
    /* Mandatory. Drives the input; @level is 0 or 1. */
    void (*set)(IrqLine *line, int level);

    /*
     * Optional: tells the controller what drives the line, so that it can
     * configure the input (GICD_ICFGR) now and at each reset, whatever the
     * guest's own configuration is until it writes one.
     */
    void (*set_trigger)(IrqLine *line, IrqTrigger trigger);

    /*
     * Optional: route irqfd. The kernel's controller takes both eventfds; it
     * also takes the resample eventfd of an edge line (to be drained only).
     * Not possible together with attach_eoi. False with a reason if this line
     * cannot be had.
     */
    bool (*attach_fd)(IrqLine *line, const IrqFd *fd, Error **errp);
    void (*detach_fd)(IrqLine *line); /* with attach_fd */

    /*
     * Optional: route eoi. From now on @fn(@opaque) is called in the main
     * thread, with the machine lock, each time that the guest has ended the
     * interrupt, and the line's level has been lowered by then.
     */
    bool (*attach_eoi)(IrqLine *line, IrqEoiFn fn, void *opaque, Error **errp);
    void (*detach_eoi)(IrqLine *line); /* with attach_eoi */
} IrqLineOps;

struct IrqLine {
    const IrqLineOps *ops;
    void *opaque; /* the listener's */
    int n;        /* the listener's number for its input */
    void (*handler)(void *opaque, int n, int level); /* irq_init_handler() */
    /* An interceptor sees (and replaces) irq_set(); qtest uses it. */
    void (*intercept)(void *opaque, int n, int level);
    void *intercept_opaque;
    int intercept_n;
};

/** Embedded lines; @ops stays the caller's. */
void irq_init(IrqLine *line, const IrqLineOps *ops, void *opaque, int n);
/** A line that only calls @handler(@opaque, @n, level). */
void irq_init_handler(IrqLine *line,
                      void (*handler)(void *opaque, int n, int level),
                      void *opaque, int n);
/** Nobody may drive or hold @line any more; zeroed memory is fine. */
void irq_finish(IrqLine *line);

/** Drives @line (NULL: not connected, nothing happens). */
void irq_set(IrqLine *line, int level);
static inline void irq_raise(IrqLine *line)
{
    irq_set(line, 1);
}
static inline void irq_lower(IrqLine *line)
{
    irq_set(line, 0);
}
static inline void irq_pulse(IrqLine *line)
{
    irq_set(line, 1);
    irq_set(line, 0);
}

/**
 * The optional operations. Attaching fails with an error on a line that lacks
 * the operation or is NULL; all others do nothing on such a line.
 */
void irq_set_trigger(IrqLine *line, IrqTrigger trigger);
bool irq_can_attach_fd(const IrqLine *line);
bool irq_attach_fd(IrqLine *line, const IrqFd *fd, Error **errp);
void irq_detach_fd(IrqLine *line);
bool irq_can_attach_eoi(const IrqLine *line);
bool irq_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque, Error **errp);
void irq_detach_eoi(IrqLine *line);
