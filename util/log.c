/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log. Every line goes out unbuffered, by one writev() under a lock, so
 * that nothing is lost in a crash and no two threads mix. What cannot be
 * written is dropped: there is nobody left to tell. Errors go to standard error
 * even when the log is a file: most of them end the process, and whoever
 * started it looks there. A non-blocking standard error (somebody shares the
 * terminal) is waited for like a blocking one.
 * Messages quote bytes from command lines, hosts and guests; control
 * characters in them become '?', or they could forge lines.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "util/lock.h"
#include "util/log.h"

static Mutex log_lock = MUTEX_INITIALIZER;
static int log_fd = STDERR_FILENO;
static Mutex limit_lock = MUTEX_INITIALIZER;

bool log_open(const char *path, Error **errp)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

    if (fd < 0) {
        error_setg_errno(errp, errno, "%s: cannot open the log", path);
        return false;
    }
    log_close();
    mutex_lock(&log_lock);
    log_fd = fd;
    mutex_unlock(&log_lock);
    return true;
}

void log_close(void)
{
    MUTEX_GUARD(&log_lock);

    if (log_fd != STDERR_FILENO) {
        close(log_fd);
        log_fd = STDERR_FILENO;
    }
}

/* False when the write must be given up. */
static bool wait_writable(int fd)
{
    struct pollfd pfd = {.fd = fd, .events = POLLOUT};

    return errno == EINTR ||
           (errno == EAGAIN && (poll(&pfd, 1, -1) > 0 || errno == EINTR));
}

static void write_line(int fd, const char *line, size_t length)
{
    struct iovec iov[2] = {
        {.iov_base = (void *)line, .iov_len = length},
        {.iov_base = (void *)"\n", .iov_len = 1},
    };

    while (iov[1].iov_len) {
        ssize_t n = writev(fd, iov, 2);

        if (n < 0) {
            if (!wait_writable(fd)) {
                return;
            }
            continue;
        }
        for (int i = 0; i < 2; i++) {
            size_t done = MIN((size_t)n, iov[i].iov_len);

            iov[i].iov_base = (char *)iov[i].iov_base + done;
            iov[i].iov_len -= done;
            n -= done;
        }
    }
}

static void write_log(const char *line, bool is_error)
{
    int saved_errno = errno;

    mutex_lock(&log_lock);
    write_line(log_fd, line, strlen(line));
    if (is_error && log_fd != STDERR_FILENO) {
        write_line(STDERR_FILENO, line, strlen(line));
    }
    mutex_unlock(&log_lock);
    errno = saved_errno;
}

void log_line(const char *line)
{
    write_log(line, false);
}

void log_clean(char *text)
{
    for (char *c = text; *c; c++) {
        if (g_ascii_iscntrl(*c)) {
            *c = '?';
        }
    }
}

/* Of no @kind are errors. */
G_GNUC_PRINTF(2, 0)
static void report(const char *kind, const char *fmt, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    g_autofree char *line = NULL;

    log_clean(text);
    line = g_strconcat("platypus: ", kind, text, NULL);
    write_log(line, !*kind);
}

void error_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("", fmt, ap);
    va_end(ap);
}

void warn_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("warning: ", fmt, ap);
    va_end(ap);
}

void info_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report("info: ", fmt, ap);
    va_end(ap);
}

bool log_limit_admit(LogLimit *limit, gint64 second, unsigned *held_back)
{
    MUTEX_GUARD(&limit_lock);

    *held_back = 0;
    if (limit->second != second) {
        *held_back = limit->held_back;
        limit->second = second;
        limit->count = 0;
        limit->held_back = 0;
    }
    if (limit->count >= LOG_LIMIT_PER_SECOND) {
        limit->held_back++;
        return false;
    }
    limit->count++;
    return true;
}

void warn_report_limited(LogLimit *limit, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    struct timespec now;
    unsigned held_back;
    va_list ap;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!log_limit_admit(limit, now.tv_sec, &held_back)) {
        return;
    }
    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (held_back) {
        warn_report("%s (%u more held back before)", text, held_back);
    } else {
        warn_report("%s", text);
    }
}
