/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include "util/chardev.h"

/*
 * QMP, the JSON protocol that tools drive a machine by. Thread: machine lock.
 */

/** MonitorSession: the protocol for one peer, from its greeting on. */
typedef struct MonitorSession MonitorSession;
typedef void (*MonitorWriteFn)(void *opaque, const char *data, size_t size);

/** Writes the greeting; each answer and event is a line for @write. */
MonitorSession *monitor_session_new(MonitorWriteFn write, void *opaque);
/** Takes any bytes, in any pieces. */
void monitor_session_feed(MonitorSession *session, const uint8_t *data,
                          size_t size);
/** NULL is fine. */
void monitor_session_free(MonitorSession *session);

/** What one request may hold; a longer one is answered with an error. */
#define MONITOR_REQUEST_MAX (1u << 20)

/** Monitor: a session for each peer that @chr (not owned) meets. */
typedef struct Monitor Monitor;
Monitor *monitor_new(Chardev *chr);
/** NULL is fine. */
void monitor_free(Monitor *monitor);

/** What query-name answers (-name); stays the caller's; NULL for none. */
void monitor_set_guest_name(const char *name);
