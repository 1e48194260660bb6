/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include "util/error.h"

/**
 * EventNotifier: an eventfd (non-blocking, close-on-exec) embedded in its
 * owner. A zeroed one counts as not initialised; event_notifier_finish()
 * accepts it. Any thread may set; one reader clears.
 */
typedef struct EventNotifier {
    int fd_plus_one; /* so that zeroed memory means "none" */
} EventNotifier;

bool event_notifier_init(EventNotifier *e, Error **errp);
void event_notifier_finish(EventNotifier *e);

/** The descriptor, or -1; still owned by @e. */
int event_notifier_get_fd(const EventNotifier *e);

void event_notifier_set(EventNotifier *e);

/** Empties the counter; true if it had been set. */
bool event_notifier_test_and_clear(EventNotifier *e);
