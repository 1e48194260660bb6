/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/*
 * Two pure transition tables: what one line does, and whether the device's
 * fast path is on. No I/O, no lock, no allocation; the caller carries the
 * actions out, in the order of their bits. docs/architecture.md tells why.
 *
 * A level line (the host masks it when it signals) stays up until the guest
 * ends it, so only it is ever ACTIVE; a trigger meanwhile says nothing new.
 * An edge line is pulsed at once: from then on the controller remembers the
 * event, also while the guest is still at the one before, and KVM reports no
 * EOI of an edge. Nothing waits, so nothing can be lost by waiting.
 */
typedef enum VFIOIrqState {
    VFIO_IRQ_MASKED,       /* not armed yet, in reset, or failed */
    VFIO_IRQ_MASKED_AGAIN, /* the same, with an edge to deliver on unmask */
    VFIO_IRQ_INACTIVE,
    VFIO_IRQ_ACTIVE, /* level lines: up, EOI outstanding */
    VFIO_IRQ_STATES,
} VFIOIrqState;

typedef enum VFIOIrqEvent {
    VFIO_IRQ_EV_TRIGGER, /* the host signalled */
    VFIO_IRQ_EV_EOI,     /* the guest ended this interrupt */
    VFIO_IRQ_EV_MASK,    /* before a reset, and when the device failed */
    VFIO_IRQ_EV_UNMASK,  /* armed, and after a reset */
    VFIO_IRQ_EV_RESET,   /* forget what was remembered; masked stays masked */
    VFIO_IRQ_EVENTS,
} VFIOIrqEvent;

typedef enum VFIOIrqDo {
    VFIO_IRQ_DO_NOTHING = 0,
    VFIO_IRQ_DO_ACTIVATED = 1 << 0, /* trap route: before the line goes up */
    VFIO_IRQ_DO_LOWER = 1 << 1,
    VFIO_IRQ_DO_RAISE = 1 << 2,
    VFIO_IRQ_DO_PULSE = 1 << 3,
    VFIO_IRQ_DO_UNMASK_HOST = 1 << 4,
    VFIO_IRQ_DO_ENDED = 1 << 5, /* trap route: one line less ACTIVE */
} VFIOIrqDo;

typedef struct VFIOIrqStep {
    VFIOIrqState next;
    unsigned actions; /* of VFIOIrqDo */
} VFIOIrqStep;

/** What @event does in @state; @automasked is a level line. Total function. */
VFIOIrqStep vfio_irq_fsm_step(VFIOIrqState state, VFIOIrqEvent event,
                              bool automasked);

const char *vfio_irq_state_name(VFIOIrqState state);
const char *vfio_irq_event_name(VFIOIrqEvent event);

/** The fast path of a device: are its host mappings in the guest's view? */
typedef enum VFIOPathState {
    VFIO_PATH_FAST,
    VFIO_PATH_SLOW,    /* some line is ACTIVE on the trap route */
    VFIO_PATH_WAITING, /* none is any more; the timer counts */
    VFIO_PATH_STATES,
} VFIOPathState;

typedef enum VFIOPathEvent {
    VFIO_PATH_EV_ACTIVE, /* a line is about to become ACTIVE */
    VFIO_PATH_EV_EOI,    /* lines ended, and none is ACTIVE now */
    VFIO_PATH_EV_TIMER,
    VFIO_PATH_EV_RESET, /* no line is ACTIVE */
    VFIO_PATH_EVENTS,
} VFIOPathEvent;

typedef enum VFIOPathDo {
    VFIO_PATH_DO_NOTHING = 0,
    VFIO_PATH_DO_UNMAP = 1 << 0,
    VFIO_PATH_DO_MAP = 1 << 1,
    VFIO_PATH_DO_START_TIMER = 1 << 2, /* or start it over */
    VFIO_PATH_DO_STOP_TIMER = 1 << 3,
} VFIOPathDo;

typedef struct VFIOPathStep {
    VFIOPathState next;
    unsigned actions; /* of VFIOPathDo */
} VFIOPathStep;

VFIOPathStep vfio_path_fsm_step(VFIOPathState state, VFIOPathEvent event);

const char *vfio_path_state_name(VFIOPathState state);
