/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/*
 * The state machine of one line on the routes eoi and trap (design: "An
 * interrupt, by the best of the routes"). A pure transition table: no I/O, no
 * lock, no allocation; the caller carries the actions out, in the order of
 * their bits.
 */
typedef enum VFIOIrqState {
    VFIO_IRQ_INACTIVE,
    VFIO_IRQ_ACTIVE,       /* asserted to the guest, EOI outstanding */
    VFIO_IRQ_ACTIVE_AGAIN, /* edge lines: another event came meanwhile */
    VFIO_IRQ_MASKED,       /* by us; an event is forgotten or remembered */
    VFIO_IRQ_MASKED_AGAIN, /* masked, with an edge to deliver on unmask */
    VFIO_IRQ_STATES,
} VFIOIrqState;

typedef enum VFIOIrqEvent {
    VFIO_IRQ_EV_TRIGGER, /* the host signalled */
    VFIO_IRQ_EV_EOI,     /* the guest ended this interrupt */
    VFIO_IRQ_EV_MASK,
    VFIO_IRQ_EV_UNMASK,
    VFIO_IRQ_EV_RESET, /* machine reset */
    VFIO_IRQ_EVENTS,
} VFIOIrqEvent;

typedef enum VFIOIrqDo {
    VFIO_IRQ_DO_NOTHING = 0,
    VFIO_IRQ_DO_SLOW_PATH = 1 << 0, /* trap route: before the line goes up */
    VFIO_IRQ_DO_LOWER = 1 << 1,
    VFIO_IRQ_DO_RAISE = 1 << 2,
    VFIO_IRQ_DO_UNMASK_HOST = 1 << 3, /* automasked lines */
    VFIO_IRQ_DO_MASK_HOST = 1 << 4,
    VFIO_IRQ_DO_START_TIMER = 1 << 5, /* the fast path comes back after it */
} VFIOIrqDo;

typedef struct VFIOIrqStep {
    VFIOIrqState next;
    unsigned actions; /* of VFIOIrqDo */
} VFIOIrqStep;

/** What @event does in @state; @automasked is a level line. Total function. */
VFIOIrqStep vfio_irq_fsm_step(VFIOIrqState state, VFIOIrqEvent event,
                              bool automasked);

const char *vfio_irq_state_name(VFIOIrqState state);
