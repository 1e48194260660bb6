/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "hw/core/irq.h"

/**
 * ScriptedInput: a controller's input with the routes that the test asks for,
 * as the in-kernel controllers offer them. It logs into @log.
 */
typedef struct ScriptedInput {
    IrqLine line;
    IrqLineOps ops;
    GString *log; /* not owned */
    int level;
    unsigned rises;
    IrqTrigger trigger;
    unsigned triggers_set;
    const IrqFd *fd; /* while attached; contents are copied */
    IrqFd attached;
    IrqEoiFn eoi;
    void *eoi_opaque;
    bool refuse; /* attaching fails */
} ScriptedInput;

void scripted_input_init(ScriptedInput *input, bool irqfd, bool eoi,
                         GString *log);
/** Route irqfd: what KVM does when the trigger was written; true if it was. */
bool scripted_input_deliver(ScriptedInput *input);
/** The guest ends the interrupt: the level falls and whoever wants hears. */
void scripted_input_eoi(ScriptedInput *input);
