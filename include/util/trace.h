/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include "util/error.h"

/*
 * Trace events. The file trace-events at the top of the tree has one line per
 * event; scripts/tracetool makes "trace.h" of it with an inline function
 * trace_NAME(...) each. A disabled event costs a load and a branch; an enabled
 * one writes "SECONDS.MICROSECONDS NAME TEXT" to the log, on CLOCK_MONOTONIC.
 */
typedef struct TraceEvent {
    const char *name;
    bool enabled; /* read without a lock; written before vCPUs start */
} TraceEvent;

/** All events of the build, ends with NULL (generated). */
extern TraceEvent *const trace_events[];

/** Enables the events that match the glob @pattern; an error if none does. */
bool trace_enable(const char *pattern, Error **errp);

/** Prints the names of all events to standard output. */
void trace_print_help(void);

/** Used by the generated functions. Any thread. */
void trace_log(const TraceEvent *event, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);
