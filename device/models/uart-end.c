/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of uart16550's line: a pty, or standard input and output.
 *
 * A pty that nobody has open reports a hang-up for as long as that lasts, so
 * it is not watched then, but looked at a few times a second. The first time
 * is brought about by opening and closing it. What is written to it meanwhile
 * would wait for whoever comes next, and is dropped instead.
 *
 * Standard input and output belong to others, too, and stay blocking: each
 * read and write is preceded by a poll. Of what cannot be polled for (a
 * regular file) there is always more, and the model asks on its own.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>
#include "model.h"
#include "uart-end.h"

#define LOOK_NS 100000000

struct UartEnd {
    PlatypusDevice *dev;
    UartEndReady *ready;
    bool pty;
    int in; /* of a pty: out, too */
    int out;
    int timer_fd; /* runs while nobody has the pty open */
    bool present;
    bool ended; /* standard input */
    short watched_in;
    short watched_out;
    char name[64];
    char *link;
    bool is_raw;
    struct termios saved; /* of standard input */
};

static UartEnd *end_new(PlatypusDevice *dev, UartEndReady *ready)
{
    UartEnd *end = calloc(1, sizeof(*end));

    if (!end) {
        model_error("uart16550: no memory");
        return NULL;
    }
    end->dev = dev;
    end->ready = ready;
    end->in = -1;
    end->out = -1;
    end->timer_fd = -1;
    return end;
}

static short poll_now(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

/* What cannot be watched is a file, which is always ready. */
static void watch(UartEnd *end, int fd, short events, short *watched)
{
    if (events != *watched) {
        platypus_device_watch(end->dev, fd, events, end->ready);
        *watched = events;
    }
}

static void set_present(UartEnd *end, bool present)
{
    struct itimerspec when = {0};

    end->present = present;
    if (!present) {
        watch(end, end->in, 0, &end->watched_in);
        when.it_value.tv_nsec = LOOK_NS;
        when.it_interval.tv_nsec = LOOK_NS;
    }
    timerfd_settime(end->timer_fd, 0, &when, NULL);
}

void uart_end_update(UartEnd *end)
{
    uint64_t expired;
    short now;

    if (!end->pty) {
        return;
    }
    /* If it was the timer that called. */
    (void)!read(end->timer_fd, &expired, sizeof(expired));
    now = poll_now(end->in, POLLIN);
    if (!end->present && !(now & POLLHUP)) {
        set_present(end, true);
    } else if (end->present && now & POLLHUP && !(now & POLLIN)) {
        /* What was written before the hang-up has been read. */
        set_present(end, false);
    }
}

bool uart_end_present(const UartEnd *end)
{
    return end->present;
}

unsigned uart_end_read(UartEnd *end, uint8_t *bytes, unsigned room)
{
    ssize_t n;

    if (!room || !end->present || end->ended || !poll_now(end->in, POLLIN)) {
        return 0;
    }
    n = read(end->in, bytes, room);
    if (n > 0) {
        return n;
    }
    if (end->pty && n < 0 && errno == EIO) {
        set_present(end, false);
    } else if (!end->pty && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
        end->ended = true;
    }
    return 0;
}

bool uart_end_write(UartEnd *end, uint8_t byte)
{
    short now;

    if (!end->present) {
        return true;
    }
    now = poll_now(end->out, POLLOUT);
    if (now & (POLLHUP | POLLERR)) {
        return true;
    }
    if (!(now & POLLOUT)) {
        return false;
    }
    return write(end->out, &byte, 1) == 1 || errno != EAGAIN;
}

void uart_end_want(UartEnd *end, bool input, bool output)
{
    short in = input && end->present && !end->ended ? POLLIN : 0;
    short out = output && end->present ? POLLOUT : 0;

    if (end->pty) {
        watch(end, end->in, in | out, &end->watched_in);
    } else {
        watch(end, end->in, in, &end->watched_in);
        watch(end, end->out, out, &end->watched_out);
    }
}

/* ---- a pty ---- */

/* Opens and closes it: from now on it says whether it is open. */
static bool make_raw(UartEnd *end)
{
    int fd = open(end->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios mode;
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = tcgetattr(fd, &mode) == 0;
    if (ok) {
        cfmakeraw(&mode);
        ok = tcsetattr(fd, TCSANOW, &mode) == 0;
    }
    close(fd);
    return ok;
}

static bool open_pty(UartEnd *end)
{
    end->in = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    end->out = end->in;
    if (end->in < 0 || grantpt(end->in) < 0 || unlockpt(end->in) < 0 ||
        ptsname_r(end->in, end->name, sizeof(end->name)) != 0 ||
        !make_raw(end)) {
        model_error("uart16550: no pty: %s", strerror(errno));
        return false;
    }
    return true;
}

static bool is_link(const char *path)
{
    char target[2];

    return readlink(path, target, sizeof(target)) >= 0;
}

static bool make_link(UartEnd *end, const char *path)
{
    if (is_link(path)) {
        unlink(path);
    }
    if (symlink(end->name, path) < 0) {
        model_error("uart16550: %s: %s", path, strerror(errno));
        return false;
    }
    end->link = strdup(path);
    return true;
}

/* Not one that somebody else has put there since. */
static void remove_link(UartEnd *end)
{
    char target[sizeof(end->name)];
    ssize_t n = readlink(end->link, target, sizeof(target));

    if (n == (ssize_t)strlen(end->name) && !memcmp(target, end->name, n)) {
        unlink(end->link);
    }
}

UartEnd *uart_end_pty(PlatypusDevice *dev, const char *link,
                      UartEndReady *ready)
{
    UartEnd *end = end_new(dev, ready);

    if (!end) {
        return NULL;
    }
    end->pty = true;
    end->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (end->timer_fd < 0 ||
        platypus_device_watch(dev, end->timer_fd, POLLIN, ready) < 0) {
        model_error("uart16550: no timer");
        uart_end_free(end);
        return NULL;
    }
    if (!open_pty(end) || (link && !make_link(end, link))) {
        uart_end_free(end);
        return NULL;
    }
    set_present(end, false);
    printf("uart16550: %s\n", end->name);
    fflush(stdout);
    return end;
}

/* ---- standard input and output ---- */

UartEnd *uart_end_stdio(PlatypusDevice *dev, UartEndReady *ready)
{
    UartEnd *end = end_new(dev, ready);
    struct termios mode;

    if (!end) {
        return NULL;
    }
    end->in = STDIN_FILENO;
    end->out = STDOUT_FILENO;
    end->present = true;
    if (tcgetattr(end->in, &end->saved) == 0) {
        mode = end->saved;
        cfmakeraw(&mode);
        mode.c_lflag |= ISIG;
        end->is_raw = tcsetattr(end->in, TCSANOW, &mode) == 0;
    }
    return end;
}

void uart_end_free(UartEnd *end)
{
    if (!end) {
        return;
    }
    watch(end, end->in, 0, &end->watched_in);
    watch(end, end->out, 0, &end->watched_out);
    if (end->is_raw) {
        tcsetattr(end->in, TCSANOW, &end->saved);
    }
    if (end->link) {
        remove_link(end);
    }
    if (end->timer_fd >= 0) {
        platypus_device_watch(end->dev, end->timer_fd, 0, end->ready);
        close(end->timer_fd);
    }
    if (end->pty && end->in >= 0) {
        close(end->in);
    }
    free(end->link);
    free(end);
}
