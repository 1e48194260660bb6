/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdStream and PdMessage: framing. A message arrives in any number of pieces,
 * many messages in one; what the socket does not take waits in a list.
 *
 * What would surprise: the kernel ends a recvmsg() behind the bytes that
 * descriptors were sent with, so these belong to the message that holds the
 * last byte. And a handler may receive while it still reads its own payload
 * (it waits for DMA): the buffer is lent then, and what comes goes to another.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

#define PD_BUFFER 65536
#define PD_MIN_ROOM 4096 /* worth a system call */

typedef union PdControl {
    struct cmsghdr align;
    char data[CMSG_SPACE(VFIO_USER_MAX_FDS * sizeof(int))];
} PdControl;

struct PdOut {
    PdOut *next;
    size_t size;
    size_t done;
    unsigned num_fds;
    int fds[VFIO_USER_MAX_FDS]; /* ours, go with the first byte */
    uint8_t data[];
};

/* ---- messages ---- */

void pd_message_finish(PdMessage *message)
{
    for (unsigned i = 0; i < message->num_fds; i++) {
        close(message->fds[i]);
    }
    message->num_fds = 0;
}

int pd_message_steal_fd(PdMessage *message)
{
    int fd;

    if (message->num_fds == 0) {
        return -1;
    }
    fd = message->fds[0];
    message->num_fds--;
    memmove(message->fds, message->fds + 1, message->num_fds * sizeof(int));
    return fd;
}

bool pd_message_is_command(const PdMessage *message)
{
    return (message->header.flags & VFIO_USER_FLAG_TYPE) == 0;
}

bool pd_message_wants_reply(const PdMessage *message)
{
    return !(message->header.flags & VFIO_USER_FLAG_NO_REPLY);
}

/* ---- receiving ---- */

void pd_stream_init(PdStream *stream, int fd)
{
    *stream = (PdStream){.fd = fd};
}

static void pd_out_free(PdOut *out)
{
    for (unsigned i = 0; i < out->num_fds; i++) {
        close(out->fds[i]);
    }
    free(out);
}

void pd_stream_finish(PdStream *stream)
{
    PdOut *next;

    for (PdOut *out = stream->out; out; out = next) {
        next = out->next;
        pd_out_free(out);
    }
    for (unsigned i = 0; i < stream->num_fds; i++) {
        close(stream->fds[i].fd);
    }
    if (stream->fd >= 0) {
        close(stream->fd);
    }
    free(stream->in);
    pd_stream_init(stream, -1);
}

/* What the message at @start lacks, as far as it is known. */
static size_t pd_stream_need(const PdStream *stream)
{
    size_t have = stream->end - stream->start;
    VFIOUserHeader header;

    if (have < sizeof(header)) {
        return sizeof(header) - have;
    }
    memcpy(&header, stream->in + stream->start, sizeof(header));
    return header.size > have ? header.size - have : 0;
}

/* Room for the whole of the message at @start, and some. */
static bool pd_stream_make_room(PdStream *stream)
{
    size_t have = stream->end - stream->start;
    size_t need = pd_stream_need(stream);
    size_t capacity;
    uint8_t *in;

    if (have == 0 && !stream->lent) {
        stream->start = stream->end = 0;
    }
    if (need < PD_MIN_ROOM) {
        need = PD_MIN_ROOM;
    }
    if (stream->capacity - stream->end >= need) {
        return true;
    }
    capacity = have + need > PD_BUFFER ? have + need : PD_BUFFER;
    if (!stream->lent && capacity <= stream->capacity) {
        memmove(stream->in, stream->in + stream->start, have);
    } else {
        in = malloc(capacity);
        if (!in) {
            return false;
        }
        if (have > 0) {
            memcpy(in, stream->in + stream->start, have);
        }
        if (!stream->lent) {
            free(stream->in);
        }
        stream->lent = false;
        stream->in = in;
        stream->capacity = capacity;
    }
    stream->start = 0;
    stream->end = have;
    return true;
}

/* Keeps the descriptors that came with the last byte received. */
static bool pd_stream_keep_fds(PdStream *stream, struct msghdr *msg)
{
    uint64_t at = stream->taken + (stream->end - stream->start) - 1;
    bool ok = !(msg->msg_flags & MSG_CTRUNC);
    unsigned n;
    int fd;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (unsigned i = 0; i < n; i++) {
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
            if (stream->num_fds == PD_MAX_FDS) {
                close(fd);
                ok = false;
                continue;
            }
            stream->fds[stream->num_fds].fd = fd;
            stream->fds[stream->num_fds++].at = at;
        }
    }
    return ok;
}

ssize_t pd_stream_receive(PdStream *stream)
{
    PdControl control;
    struct iovec iov;
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n;

    if (!pd_stream_make_room(stream)) {
        return -ENOMEM;
    }
    iov.iov_base = stream->in + stream->end;
    iov.iov_len = stream->capacity - stream->end;
    do {
        n = recvmsg(stream->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return n < 0 ? -errno : 0;
    }
    stream->end += n;
    /* Where no descriptor could be opened, the flag is all that there is. */
    if (!pd_stream_keep_fds(stream, &msg)) {
        return -EPROTO;
    }
    return n;
}

/* Moves to @message the descriptors that came with its bytes. */
static void pd_stream_take_fds(PdStream *stream, PdMessage *message)
{
    unsigned left = 0;

    for (unsigned i = 0; i < stream->num_fds; i++) {
        if (stream->fds[i].at < stream->taken) {
            message->fds[message->num_fds++] = stream->fds[i].fd;
        } else {
            stream->fds[left++] = stream->fds[i];
        }
    }
    stream->num_fds = left;
}

int pd_stream_take(PdStream *stream, PdMessage *message)
{
    size_t have = stream->end - stream->start;
    uint32_t size;

    message->num_fds = 0;
    if (have < sizeof(message->header)) {
        return 0;
    }
    memcpy(&message->header, stream->in + stream->start,
           sizeof(message->header));
    size = message->header.size;
    if (size < sizeof(message->header) || size > PD_MAX_MESSAGE ||
        (message->header.flags & VFIO_USER_FLAG_TYPE) > VFIO_USER_FLAG_REPLY) {
        return -EPROTO;
    }
    if (have < size) {
        return 0;
    }
    message->payload = stream->in + stream->start + sizeof(message->header);
    message->size = size - sizeof(message->header);
    stream->start += size;
    stream->taken += size;
    pd_stream_take_fds(stream, message);
    return 1;
}

void *pd_stream_lend(PdStream *stream)
{
    stream->lent = true;
    return stream->in;
}

void pd_stream_unlend(PdStream *stream, void *lent)
{
    if (stream->in == lent) {
        stream->lent = false;
    } else {
        free(lent);
    }
}

/* ---- sending ---- */

static void pd_put_fds(struct msghdr *msg, PdControl *control, const int *fds,
                       unsigned num_fds)
{
    struct cmsghdr *c = &control->align;

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
    memcpy(CMSG_DATA(c), fds, num_fds * sizeof(int));
    msg->msg_control = control;
    msg->msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
}

/* The number of bytes that the socket took, perhaps 0, or -errno. */
static ssize_t pd_stream_push(PdStream *stream, struct iovec *iov,
                              unsigned num_iov, const int *fds,
                              unsigned num_fds)
{
    PdControl control;
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = num_iov};
    ssize_t n;

    if (num_fds > 0) {
        pd_put_fds(&msg, &control, fds, num_fds);
    }
    do {
        n = sendmsg(stream->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == EAGAIN ? 0 : -errno;
    }
    return n;
}

static bool pd_out_keep_fds(PdOut *out, const int *fds, unsigned num_fds)
{
    for (; out->num_fds < num_fds; out->num_fds++) {
        out->fds[out->num_fds] = fcntl(fds[out->num_fds], F_DUPFD_CLOEXEC, 0);
        if (out->fds[out->num_fds] < 0) {
            return false;
        }
    }
    return true;
}

/* Queues the bytes behind the first @done ones of @iov. */
static int pd_stream_queue(PdStream *stream, const struct iovec *iov,
                           unsigned num_iov, size_t done, const int *fds,
                           unsigned num_fds)
{
    size_t total = 0;
    PdOut *out;

    for (unsigned i = 0; i < num_iov; i++) {
        total += iov[i].iov_len;
    }
    out = malloc(sizeof(*out) + total);
    if (!out) {
        return -ENOMEM;
    }
    *out = (PdOut){.size = total, .done = done};
    total = 0;
    for (unsigned i = 0; i < num_iov; i++) {
        memcpy(out->data + total, iov[i].iov_base, iov[i].iov_len);
        total += iov[i].iov_len;
    }
    if (done == 0 && !pd_out_keep_fds(out, fds, num_fds)) {
        pd_out_free(out);
        return -EMFILE;
    }
    if (stream->out) {
        stream->last_out->next = out;
    } else {
        stream->out = out;
    }
    stream->last_out = out;
    stream->backlog += total - done;
    return 0;
}

int pd_stream_send(PdStream *stream, const void *head, size_t head_size,
                   const void *data, size_t data_size, const int *fds,
                   unsigned num_fds)
{
    struct iovec iov[2] = {
        {.iov_base = (void *)head, .iov_len = head_size},
        {.iov_base = (void *)data, .iov_len = data_size},
    };
    unsigned num_iov = data_size > 0 ? 2 : 1;
    ssize_t n = 0;

    if (!stream->out) {
        n = pd_stream_push(stream, iov, num_iov, fds, num_fds);
    }
    if (n < 0 || (size_t)n == head_size + data_size) {
        return n < 0 ? n : 0;
    }
    return pd_stream_queue(stream, iov, num_iov, n, fds, num_fds);
}

int pd_stream_flush(PdStream *stream)
{
    PdOut *out;
    struct iovec iov;
    ssize_t n;

    while ((out = stream->out)) {
        iov.iov_base = out->data + out->done;
        iov.iov_len = out->size - out->done;
        n = pd_stream_push(stream, &iov, 1, out->fds,
                           out->done == 0 ? out->num_fds : 0);
        if (n <= 0) {
            return n;
        }
        out->done += n;
        stream->backlog -= n;
        if (out->done == out->size) {
            stream->out = out->next;
            pd_out_free(out);
        }
    }
    return 0;
}
