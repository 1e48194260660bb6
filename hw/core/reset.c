/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System reset: one list of handlers a phase. The phases are the order that
 * the design depends on; within one, nobody may depend on another.
 */

#include <glib.h>
#include <stddef.h>

#include "hw/core/reset.h"

static ResetHandler *handlers[RESET_PHASES];

void reset_register(ResetHandler *handler, ResetPhase phase,
                    void (*reset)(ResetHandler *handler))
{
    ResetHandler **end = &handlers[phase];

    g_assert(!handler->reset);
    while (*end) {
        end = &(*end)->next;
    }
    *handler = (ResetHandler){.phase = phase, .reset = reset};
    *end = handler;
}

void reset_unregister(ResetHandler *handler)
{
    ResetHandler **p = &handlers[handler->phase];

    while (*p && *p != handler) {
        p = &(*p)->next;
    }
    if (*p) {
        *p = handler->next;
        *handler = (ResetHandler){0};
    }
}

void reset_all(void)
{
    for (ResetPhase phase = 0; phase < RESET_PHASES; phase++) {
        for (ResetHandler *h = handlers[phase]; h; h = h->next) {
            h->reset(h);
        }
    }
}
