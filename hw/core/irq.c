/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IRQ lines: who drives a line calls these, and they call its listener. A line
 * keeps no level; that is the listener's. Only irq_set() can be intercepted:
 * what goes by eventfd or EOI never comes through here.
 */

#include "hw/core/irq.h"

static void handler_set(IrqLine *line, int level)
{
    line->handler(line->opaque, line->n, level);
}

static const IrqLineOps handler_ops = {
    .set = handler_set,
};

void irq_init(IrqLine *line, const IrqLineOps *ops, void *opaque, int n)
{
    g_assert(ops->set);
    g_assert(!ops->attach_fd == !ops->detach_fd);
    g_assert(!ops->attach_eoi == !ops->detach_eoi);
    *line = (IrqLine){.ops = ops, .opaque = opaque, .n = n};
}

void irq_init_handler(IrqLine *line,
                      void (*handler)(void *opaque, int n, int level),
                      void *opaque, int n)
{
    irq_init(line, &handler_ops, opaque, n);
    line->handler = handler;
}

void irq_finish(IrqLine *line)
{
    *line = (IrqLine){0};
}

void irq_set(IrqLine *line, int level)
{
    if (!line) {
        return;
    }
    if (line->intercept) {
        line->intercept(line->intercept_opaque, line->intercept_n, !!level);
    } else {
        line->ops->set(line, !!level);
    }
}

void irq_set_trigger(IrqLine *line, IrqTrigger trigger)
{
    if (line && line->ops->set_trigger) {
        line->ops->set_trigger(line, trigger);
    }
}

bool irq_can_attach_fd(const IrqLine *line)
{
    return line && line->ops->attach_fd;
}

bool irq_attach_fd(IrqLine *line, const IrqFd *fd, Error **errp)
{
    if (!irq_can_attach_fd(line)) {
        error_setg(errp, line ? "the interrupt controller takes no eventfds"
                              : "the line is not connected");
        return false;
    }
    return line->ops->attach_fd(line, fd, errp);
}

void irq_detach_fd(IrqLine *line)
{
    if (irq_can_attach_fd(line)) {
        line->ops->detach_fd(line);
    }
}

bool irq_can_attach_eoi(const IrqLine *line)
{
    return line && line->ops->attach_eoi;
}

bool irq_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque, Error **errp)
{
    if (!irq_can_attach_eoi(line)) {
        error_setg(errp, line ? "the interrupt controller reports no EOI"
                              : "the line is not connected");
        return false;
    }
    return line->ops->attach_eoi(line, fn, opaque, errp);
}

void irq_detach_eoi(IrqLine *line)
{
    if (irq_can_attach_eoi(line)) {
        line->ops->detach_eoi(line);
    }
}
