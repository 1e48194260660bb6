/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time half of trace events; scripts/tracetool generates the table and
 * the inline functions. Time stamps are CLOCK_MONOTONIC, as the kernel's
 * tracer can be told to use (trace_clock=mono). Texts may quote what a guest
 * or a peer sent, hence the cleaning.
 */

#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "util/log.h"
#include "util/trace.h"

bool trace_enable(const char *pattern, Error **errp)
{
    bool found = false;

    for (TraceEvent *const *event = trace_events; *event; event++) {
        if (fnmatch(pattern, (*event)->name, 0) == 0) {
            (*event)->enabled = true;
            found = true;
        }
    }
    if (!found) {
        error_setg(errp, "no trace event matches '%s'; try: -trace help",
                   pattern);
    }
    return found;
}

void trace_print_help(void)
{
    for (TraceEvent *const *event = trace_events; *event; event++) {
        puts((*event)->name);
    }
}

void trace_log(const TraceEvent *event, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    struct timespec now;
    va_list ap;

    clock_gettime(CLOCK_MONOTONIC, &now);
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    line = g_strdup_printf("%" PRId64 ".%06ld %s %s", (int64_t)now.tv_sec,
                           now.tv_nsec / 1000, event->name, text);
    log_clean(line);
    log_line(line);
}
