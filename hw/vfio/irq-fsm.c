/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transition tables of a line and of the fast path. Every cell is filled
 * in, also those that no sequence of events reaches (an edge line is never
 * ACTIVE, a level line never has an event to remember): they lead back to
 * where the line should be. The test walks all of it.
 */

#include <glib.h>

#include "hw/vfio/irq-fsm.h"

#define STEP(_next, _actions)                           \
    {                                                   \
        .next = VFIO_IRQ_##_next, .actions = (_actions) \
    }
#define NOTHING VFIO_IRQ_DO_NOTHING
#define ACTIVATED VFIO_IRQ_DO_ACTIVATED
#define LOWER VFIO_IRQ_DO_LOWER
#define RAISE VFIO_IRQ_DO_RAISE
#define PULSE VFIO_IRQ_DO_PULSE
#define UNMASK_HOST VFIO_IRQ_DO_UNMASK_HOST
#define ENDED VFIO_IRQ_DO_ENDED

typedef VFIOIrqStep VFIOIrqTable[VFIO_IRQ_STATES][VFIO_IRQ_EVENTS];

/*
 * A trigger of a masked line is forgotten: the host has masked the line by
 * itself, and unmasking makes a device that still asks signal again.
 */
static const VFIOIrqTable level_table = {
    [VFIO_IRQ_MASKED] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_EOI] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_UNMASK] = STEP(INACTIVE, UNMASK_HOST),
            [VFIO_IRQ_EV_RESET] = STEP(MASKED, NOTHING),
        },
    [VFIO_IRQ_MASKED_AGAIN] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_EOI] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_UNMASK] = STEP(INACTIVE, UNMASK_HOST),
            [VFIO_IRQ_EV_RESET] = STEP(MASKED, NOTHING),
        },
    [VFIO_IRQ_INACTIVE] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(ACTIVE, ACTIVATED | RAISE),
            [VFIO_IRQ_EV_EOI] = STEP(INACTIVE, NOTHING),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_UNMASK] = STEP(INACTIVE, UNMASK_HOST),
            [VFIO_IRQ_EV_RESET] = STEP(INACTIVE, NOTHING),
        },
    [VFIO_IRQ_ACTIVE] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(ACTIVE, NOTHING),
            [VFIO_IRQ_EV_EOI] = STEP(INACTIVE, LOWER | UNMASK_HOST | ENDED),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED, LOWER | ENDED),
            [VFIO_IRQ_EV_UNMASK] = STEP(ACTIVE, NOTHING),
            [VFIO_IRQ_EV_RESET] = STEP(INACTIVE, LOWER | UNMASK_HOST | ENDED),
        },
};

static const VFIOIrqTable edge_table = {
    [VFIO_IRQ_MASKED] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(MASKED_AGAIN, NOTHING),
            [VFIO_IRQ_EV_EOI] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_UNMASK] = STEP(INACTIVE, NOTHING),
            [VFIO_IRQ_EV_RESET] = STEP(MASKED, NOTHING),
        },
    [VFIO_IRQ_MASKED_AGAIN] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(MASKED_AGAIN, NOTHING),
            [VFIO_IRQ_EV_EOI] = STEP(MASKED_AGAIN, NOTHING),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED_AGAIN, NOTHING),
            [VFIO_IRQ_EV_UNMASK] = STEP(INACTIVE, PULSE),
            [VFIO_IRQ_EV_RESET] = STEP(MASKED, NOTHING),
        },
    [VFIO_IRQ_INACTIVE] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(INACTIVE, PULSE),
            [VFIO_IRQ_EV_EOI] = STEP(INACTIVE, NOTHING),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED, NOTHING),
            [VFIO_IRQ_EV_UNMASK] = STEP(INACTIVE, NOTHING),
            [VFIO_IRQ_EV_RESET] = STEP(INACTIVE, NOTHING),
        },
    [VFIO_IRQ_ACTIVE] =
        {
            [VFIO_IRQ_EV_TRIGGER] = STEP(INACTIVE, LOWER | PULSE | ENDED),
            [VFIO_IRQ_EV_EOI] = STEP(INACTIVE, LOWER | ENDED),
            [VFIO_IRQ_EV_MASK] = STEP(MASKED, LOWER | ENDED),
            [VFIO_IRQ_EV_UNMASK] = STEP(INACTIVE, LOWER | ENDED),
            [VFIO_IRQ_EV_RESET] = STEP(INACTIVE, LOWER | ENDED),
        },
};

VFIOIrqStep vfio_irq_fsm_step(VFIOIrqState state, VFIOIrqEvent event,
                              bool automasked)
{
    g_assert(state < VFIO_IRQ_STATES && event < VFIO_IRQ_EVENTS);
    return automasked ? level_table[state][event] : edge_table[state][event];
}

const char *vfio_irq_state_name(VFIOIrqState state)
{
    static const char *const names[VFIO_IRQ_STATES] = {
        [VFIO_IRQ_MASKED] = "masked",
        [VFIO_IRQ_MASKED_AGAIN] = "masked-again",
        [VFIO_IRQ_INACTIVE] = "inactive",
        [VFIO_IRQ_ACTIVE] = "active",
    };

    g_assert(state < VFIO_IRQ_STATES);
    return names[state];
}

const char *vfio_irq_event_name(VFIOIrqEvent event)
{
    static const char *const names[VFIO_IRQ_EVENTS] = {
        [VFIO_IRQ_EV_TRIGGER] = "trigger", [VFIO_IRQ_EV_EOI] = "eoi",
        [VFIO_IRQ_EV_MASK] = "mask",       [VFIO_IRQ_EV_UNMASK] = "unmask",
        [VFIO_IRQ_EV_RESET] = "reset",
    };

    g_assert(event < VFIO_IRQ_EVENTS);
    return names[event];
}

#define PATH(_next, _actions)                            \
    {                                                    \
        .next = VFIO_PATH_##_next, .actions = (_actions) \
    }
#define UNMAP VFIO_PATH_DO_UNMAP
#define MAP VFIO_PATH_DO_MAP
#define START_TIMER VFIO_PATH_DO_START_TIMER
#define STOP_TIMER VFIO_PATH_DO_STOP_TIMER

/* An interrupt does not touch the timer, an EOI starts it over. */
static const VFIOPathStep path_table[VFIO_PATH_STATES][VFIO_PATH_EVENTS] = {
    [VFIO_PATH_FAST] =
        {
            [VFIO_PATH_EV_ACTIVE] = PATH(SLOW, UNMAP),
            [VFIO_PATH_EV_EOI] = PATH(FAST, NOTHING),
            [VFIO_PATH_EV_TIMER] = PATH(FAST, NOTHING),
            [VFIO_PATH_EV_RESET] = PATH(FAST, NOTHING),
        },
    [VFIO_PATH_SLOW] =
        {
            [VFIO_PATH_EV_ACTIVE] = PATH(SLOW, NOTHING),
            [VFIO_PATH_EV_EOI] = PATH(WAITING, START_TIMER),
            [VFIO_PATH_EV_TIMER] = PATH(SLOW, NOTHING),
            [VFIO_PATH_EV_RESET] = PATH(FAST, MAP | STOP_TIMER),
        },
    [VFIO_PATH_WAITING] =
        {
            [VFIO_PATH_EV_ACTIVE] = PATH(SLOW, STOP_TIMER),
            [VFIO_PATH_EV_EOI] = PATH(WAITING, START_TIMER),
            [VFIO_PATH_EV_TIMER] = PATH(FAST, MAP),
            [VFIO_PATH_EV_RESET] = PATH(FAST, MAP | STOP_TIMER),
        },
};

VFIOPathStep vfio_path_fsm_step(VFIOPathState state, VFIOPathEvent event)
{
    g_assert(state < VFIO_PATH_STATES && event < VFIO_PATH_EVENTS);
    return path_table[state][event];
}

const char *vfio_path_state_name(VFIOPathState state)
{
    static const char *const names[VFIO_PATH_STATES] = {
        [VFIO_PATH_FAST] = "fast",
        [VFIO_PATH_SLOW] = "slow",
        [VFIO_PATH_WAITING] = "waiting",
    };

    g_assert(state < VFIO_PATH_STATES);
    return names[state];
}
