/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error: one owned string behind an opaque type. errno survives every call
 * here, so that a caller may set an error first and still look at it.
 */

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "util/error.h"
#include "util/log.h"

struct Error {
    char *message;
};

static void set_message(Error **errp, char *message)
{
    g_assert(*errp == NULL);
    *errp = g_new(Error, 1);
    (*errp)->message = message;
}

void error_setg(Error **errp, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;

    if (errp) {
        va_start(ap, fmt);
        set_message(errp, g_strdup_vprintf(fmt, ap));
        va_end(ap);
    }
    errno = saved_errno;
}

void error_setg_errno(Error **errp, int os_errno, const char *fmt, ...)
{
    int saved_errno = errno;
    g_autofree char *text = NULL;
    char buffer[128];
    va_list ap;

    if (errp) {
        va_start(ap, fmt);
        text = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        set_message(errp,
                    g_strconcat(text, ": ",
                                strerror_r(os_errno, buffer, sizeof(buffer)),
                                NULL));
    }
    errno = saved_errno;
}

/* Replaces the message by @before + message + @after. */
static void extend(Error *err, const char *before, const char *after)
{
    char *longer = g_strconcat(before, err->message, after, NULL);

    g_free(err->message);
    err->message = longer;
}

void error_prepend(Error **errp, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;

    if (errp && *errp) {
        g_autofree char *text = NULL;

        va_start(ap, fmt);
        text = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        extend(*errp, text, "");
    }
    errno = saved_errno;
}

void error_append(Error **errp, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;

    if (errp && *errp) {
        g_autofree char *text = NULL;

        va_start(ap, fmt);
        text = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        extend(*errp, "", text);
    }
    errno = saved_errno;
}

void error_propagate(Error **errp, Error *err)
{
    if (err == NULL) {
        return;
    }
    if (errp == NULL) {
        error_free(err);
        return;
    }
    g_assert(*errp == NULL);
    *errp = err;
}

const char *error_get_pretty(const Error *err)
{
    return err->message;
}

void error_report_err(Error *err)
{
    error_report("%s", err->message);
    error_free(err);
}

void warn_report_err(Error *err)
{
    warn_report("%s", err->message);
    error_free(err);
}

void error_free(Error *err)
{
    if (err) {
        g_free(err->message);
        g_free(err);
    }
}
