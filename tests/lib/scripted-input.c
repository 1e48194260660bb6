/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller's end of a line, with the routes that the in-kernel ones
 * offer. It is driven by the test, which says what the guest does.
 */

#include "scripted-input.h"

static ScriptedInput *to_input(IrqLine *line)
{
    return line->opaque;
}

static void input_log(ScriptedInput *input, const char *text)
{
    if (input->log) {
        g_string_append_printf(input->log, "input %s\n", text);
    }
}

static void input_set(IrqLine *line, int level)
{
    ScriptedInput *input = to_input(line);

    input_log(input, level ? "up" : "down");
    input->rises += level > input->level;
    input->level = level;
}

static void input_set_trigger(IrqLine *line, IrqTrigger trigger)
{
    to_input(line)->trigger = trigger;
    to_input(line)->triggers_set++;
}

static bool input_attach_fd(IrqLine *line, const IrqFd *fd, Error **errp)
{
    ScriptedInput *input = to_input(line);

    input_log(input, "attach-fd");
    if (input->refuse) {
        error_setg(errp, "refused");
        return false;
    }
    g_assert(!input->fd && !input->eoi);
    input->attached = *fd;
    input->fd = &input->attached;
    return true;
}

static void input_detach_fd(IrqLine *line)
{
    ScriptedInput *input = to_input(line);

    input_log(input, "detach-fd");
    g_assert(input->fd);
    input->fd = NULL;
    input->level = 0;
}

static bool input_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque,
                             Error **errp)
{
    ScriptedInput *input = to_input(line);

    input_log(input, "attach-eoi");
    if (input->refuse) {
        error_setg(errp, "refused");
        return false;
    }
    g_assert(!input->fd && !input->eoi);
    input->eoi = fn;
    input->eoi_opaque = opaque;
    return true;
}

static void input_detach_eoi(IrqLine *line)
{
    ScriptedInput *input = to_input(line);

    input_log(input, "detach-eoi");
    g_assert(input->eoi);
    input->eoi = NULL;
}

void scripted_input_init(ScriptedInput *input, bool irqfd, bool eoi,
                         GString *log)
{
    *input = (ScriptedInput){.log = log};
    input->ops = (IrqLineOps){
        .set = input_set,
        .set_trigger = input_set_trigger,
        .attach_fd = irqfd ? input_attach_fd : NULL,
        .detach_fd = irqfd ? input_detach_fd : NULL,
        .attach_eoi = eoi ? input_attach_eoi : NULL,
        .detach_eoi = eoi ? input_detach_eoi : NULL,
    };
    irq_init(&input->line, &input->ops, input, 0);
}

bool scripted_input_deliver(ScriptedInput *input)
{
    if (!event_notifier_test_and_clear(input->fd->trigger)) {
        return false;
    }
    input->rises++;
    input->level = input->trigger == IRQ_TRIGGER_LEVEL;
    return true;
}

void scripted_input_eoi(ScriptedInput *input)
{
    if (input->fd) {
        input->level = 0;
        event_notifier_set(input->fd->resample);
    } else if (input->eoi) {
        input->level = 0;
        input->eoi(input->eoi_opaque);
    }
}
