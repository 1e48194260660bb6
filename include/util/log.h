/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/error.h"

/*
 * The log: one line a message on standard error, or in the file of `-D`;
 * errors stand in both.
 * Lines look like "platypus: warning: TEXT". Any thread may write; a line is
 * never torn by another. Control characters in a report's text become '?'.
 * All calls keep errno.
 */

/** Sends the log to @path (truncated) from now on. Main thread, at start. */
bool log_open(const char *path, Error **errp);

/** Closes the file; later lines go to standard error again. */
void log_close(void);

void error_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
void warn_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
void info_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/** Writes @line and a newline to the log as it is (traces use this). */
void log_line(const char *line);

/** Replaces each control character in @text by '?'. */
void log_clean(char *text);

/**
 * LogLimit: what a guest can provoke is logged at most LOG_LIMIT_PER_SECOND
 * times a second; the first line of a later second says how many were held
 * back. A static or embedded LogLimit starts as zeroes.
 */
typedef struct LogLimit {
    gint64 second;
    unsigned count;
    unsigned held_back;
} LogLimit;

#define LOG_LIMIT_PER_SECOND 5

/**
 * The decision alone: may a line be logged in @second (any clock's)? If so,
 * *@held_back is how many were not since the last one. Any thread.
 */
bool log_limit_admit(LogLimit *limit, gint64 second, unsigned *held_back);

/** Logs a warning unless @limit is exhausted for this second. Any thread. */
void warn_report_limited(LogLimit *limit, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);
