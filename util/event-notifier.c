/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EventNotifier over an eventfd. The kernel (KVM, VFIO) may write and read the
 * same descriptor behind our back, so neither a full counter on set nor an
 * empty one on clear is a failure. Another process that was given it may also
 * make it block, since O_NONBLOCK is of the file and not of the descriptor.
 */

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/event-notifier.h"
#include "util/fd.h"

bool event_notifier_init(EventNotifier *e, Error **errp)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (fd < 0) {
        e->fd_plus_one = 0;
        error_setg_errno(errp, errno, "cannot create an eventfd");
        return false;
    }
    e->fd_plus_one = fd + 1;
    return true;
}

void event_notifier_finish(EventNotifier *e)
{
    int fd = e->fd_plus_one - 1;

    /* In this order for a signal handler that sets @e. */
    e->fd_plus_one = 0;
    fd_close(&fd);
}

int event_notifier_get_fd(const EventNotifier *e)
{
    return e->fd_plus_one - 1;
}

void event_notifier_set(EventNotifier *e)
{
    const uint64_t one = 1;
    ssize_t n;

    g_assert(e->fd_plus_one);
    do {
        n = write(e->fd_plus_one - 1, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
    g_assert(n == sizeof(one) || errno == EAGAIN);
}

bool event_notifier_test_and_clear(EventNotifier *e)
{
    uint64_t count;
    struct iovec iov = {&count, sizeof(count)};
    ssize_t n;

    g_assert(e->fd_plus_one);
    do {
        n = preadv2(e->fd_plus_one - 1, &iov, 1, -1, RWF_NOWAIT);
        if (n < 0 && errno == EOPNOTSUPP) { /* before Linux 5.8 */
            n = read(e->fd_plus_one - 1, &count, sizeof(count));
        }
    } while (n < 0 && errno == EINTR);
    return n == sizeof(count);
}
