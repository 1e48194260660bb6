/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdLine: lines and DEVICE_SET_IRQS. A level line masks itself when it is
 * signalled; UNMASK is the client's EOI and signals again if the line is still
 * up. An edge cannot be masked.
 *
 * What would surprise: the eventfd is the client's, so a write to it could
 * block (a full counter) or raise SIGPIPE (if it were a pipe). Hence nothing
 * but an anonymous inode is taken, and poll() comes before each write.
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "irq.h"

#define PD_IRQ_DATA                                      \
    (VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_DATA_BOOL | \
     VFIO_USER_IRQ_DATA_EVENTFD)
#define PD_IRQ_ACTION                                          \
    (VFIO_USER_IRQ_ACTION_MASK | VFIO_USER_IRQ_ACTION_UNMASK | \
     VFIO_USER_IRQ_ACTION_TRIGGER)

void pd_line_init(PdLine *line, bool edge)
{
    *line = (PdLine){.edge = edge, .fd = -1};
}

static void pd_line_set_fd(PdLine *line, int fd)
{
    if (line->fd >= 0) {
        close(line->fd);
    }
    line->fd = fd;
}

void pd_line_forget_client(PdLine *line)
{
    pd_line_set_fd(line, -1);
    line->masked = false;
}

/* An eventfd that is full says already what we want to say. */
static void pd_line_signal(PdLine *line)
{
    struct pollfd poll_fd = {.fd = line->fd, .events = POLLOUT};
    const uint64_t one = 1;

    if (poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLOUT) {
        /* Nothing can be done about a descriptor that takes no events. */
        (void)!write(line->fd, &one, sizeof(one));
    }
}

/* Signals what there is to signal. */
static void pd_line_update(PdLine *line)
{
    if (line->fd < 0 || line->masked) {
        return;
    }
    if (line->level) {
        line->masked = true;
        pd_line_signal(line);
    } else if (line->latched) {
        line->latched = false;
        pd_line_signal(line);
    }
}

void pd_line_raise(PdLine *line)
{
    if (line->edge) {
        line->latched = true;
    } else if (line->level) {
        return;
    } else {
        line->level = true;
    }
    pd_line_update(line);
}

void pd_line_lower(PdLine *line)
{
    line->level = false;
}

/* ---- SET_IRQS ---- */

/* The client triggers the line itself; nobody who listens, nothing to do. */
static void pd_line_trigger(PdLine *line)
{
    if (line->fd < 0 || line->masked) {
        return;
    }
    line->masked = !line->edge;
    pd_line_signal(line);
}

static int pd_line_act(PdLine *line, uint32_t action)
{
    if (action == VFIO_USER_IRQ_ACTION_TRIGGER) {
        pd_line_trigger(line);
        return 0;
    }
    if (line->edge) {
        return -EINVAL;
    }
    line->masked = action == VFIO_USER_IRQ_ACTION_MASK;
    pd_line_update(line);
    return 0;
}

static int pd_line_listen(PdLine *line, uint32_t action, PdMessage *message)
{
    struct stat info;

    if (action != VFIO_USER_IRQ_ACTION_TRIGGER) {
        return -ENOTSUP;
    }
    if (message->num_fds > 1) {
        return -EINVAL;
    }
    if (message->num_fds == 1 &&
        (fstat(message->fds[0], &info) < 0 || (info.st_mode & S_IFMT) != 0)) {
        return -EINVAL;
    }
    pd_line_set_fd(line, pd_message_steal_fd(message));
    pd_line_update(line);
    return 0;
}

static bool pd_is_one_bit(uint32_t bits)
{
    return bits && !(bits & (bits - 1));
}

/*
 * argsz may be more than there is: some count the descriptor, as the kernel's
 * structure does.
 */
int pd_lines_set(PdLine *lines, unsigned num_lines, PdMessage *message)
{
    VFIOUserIrqSet set;
    uint32_t data, action;
    size_t bytes;
    PdLine *line;

    memcpy(&set, message->payload, sizeof(set));
    data = set.flags & PD_IRQ_DATA;
    action = set.flags & PD_IRQ_ACTION;
    bytes = data == VFIO_USER_IRQ_DATA_BOOL ? set.count : 0;
    if (set.flags & ~(PD_IRQ_DATA | PD_IRQ_ACTION) || !pd_is_one_bit(data) ||
        !pd_is_one_bit(action) || set.index >= num_lines || set.start != 0 ||
        set.count > 1 || message->size - sizeof(set) != bytes ||
        set.argsz < message->size) {
        return -EINVAL;
    }
    line = &lines[set.index];
    if (set.count == 0) {
        if (data != VFIO_USER_IRQ_DATA_NONE ||
            action != VFIO_USER_IRQ_ACTION_TRIGGER) {
            return -EINVAL;
        }
        pd_line_set_fd(line, -1);
        return 0;
    }
    if (data == VFIO_USER_IRQ_DATA_EVENTFD) {
        return pd_line_listen(line, action, message);
    }
    if (bytes > 0 && message->payload[sizeof(set)] == 0) {
        return 0;
    }
    return pd_line_act(line, action);
}
