/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/**
 * Error: why a call failed, as one line for a person.
 *
 * The rule of the whole tree: a call that can fail for a reason that a person
 * should read takes `Error **errp` as its last parameter AND returns bool,
 * pointer or fd. @errp may be NULL (the reason is dropped); otherwise *@errp
 * must be NULL on entry and is set exactly when the call failed. The caller
 * owns what it received and ends with error_free(), error_report_err() or by
 * handing it on with error_propagate().
 *
 * A message names the object first and the way out last, has no newline and
 * no full stop: "vfio 9010000.pl031: not bound to vfio-platform; try: ...".
 * All calls keep errno.
 * Thread: any; an Error belongs to one thread at a time.
 */
typedef struct Error Error;

/** Sets *@errp to the formatted message; nothing if @errp is NULL. */
void error_setg(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** The same, with ": " and the text of @os_errno (positive) at the end. */
void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
    G_GNUC_PRINTF(3, 4);

/** Puts text before the message of *@errp, if there is one. */
void error_prepend(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** Puts text (a way out) behind the message of *@errp, if there is one. */
void error_append(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** Moves @err (may be NULL) to *@errp, or frees it when @errp is NULL. */
void error_propagate(Error **errp, Error *err);

/** The message; valid as long as @err. */
const char *error_get_pretty(const Error *err);

/** Logs the message as an error and frees @err. */
void error_report_err(Error *err);

/** Logs the message as a warning and frees @err. */
void warn_report_err(Error *err);

/** Frees @err; NULL is fine. */
void error_free(Error *err);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Error, error_free)
