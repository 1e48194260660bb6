/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages in a stream. A receive takes as much as fits, so a burst of small
 * messages costs one system call.
 *
 * Descriptors: the kernel ends a recvmsg() behind the data that brought some,
 * hence they belong to the message with the last byte of it. They come with
 * the first byte of what their sender sent in one call, maybe long before the
 * message is whole, and wait here. The control buffer's length is exact:
 * rounded up as CMSG_SPACE() does, it would let one more descriptor in.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "user-stream.h"
#include "util/fd.h"

/* Since Linux 6.5; <linux/socket.h> */
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif

void user_stream_init(UserStream *stream, int fd, size_t max_size)
{
    *stream = (UserStream){
        .fd = fd,
        .buffer = g_malloc(max_size),
        .capacity = max_size,
    };
}

/* Closes the first @count descriptors that nobody has taken. */
static void drop_fds(UserStream *stream, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fd_close(&stream->fds[i]);
    }
    stream->num_fds -= count;
    memmove(stream->fds, stream->fds + count,
            stream->num_fds * sizeof(stream->fds[0]));
    memmove(stream->fd_at, stream->fd_at + count,
            stream->num_fds * sizeof(stream->fd_at[0]));
}

static void finish_message(UserStream *stream)
{
    drop_fds(stream, stream->handed_out);
    stream->handed_out = 0;
}

void user_stream_finish(UserStream *stream)
{
    drop_fds(stream, stream->num_fds);
    fd_close(&stream->fd);
    g_free(stream->buffer);
    stream->buffer = NULL;
}

/* Moves what is left to the buffer's start, where a whole message fits. */
static void make_room(UserStream *stream)
{
    size_t taken = stream->start;

    if (stream->start == stream->end || stream->end == stream->capacity) {
        memmove(stream->buffer, stream->buffer + taken, stream->end - taken);
        stream->start = 0;
        stream->end -= taken;
        for (unsigned i = 0; i < stream->num_fds; i++) {
            stream->fd_at[i] -= taken;
        }
    }
}

/*
 * The server may hold the other copy of its twin socket's end, and with that
 * SO_PASSPIDFD: then each receive brings a descriptor that nobody sent.
 */
static void drop_pidfd(const struct cmsghdr *c)
{
    int fd = -1;

    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_PIDFD &&
        c->cmsg_len == CMSG_LEN(sizeof(fd))) {
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
        fd_close(&fd);
    }
}

static void keep_fds(UserStream *stream, struct msghdr *msg)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        size_t size = c->cmsg_len - CMSG_LEN(0);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            drop_pidfd(c);
            continue;
        }
        memcpy(stream->fds + stream->num_fds, CMSG_DATA(c), size);
        for (size_t i = 0; i < size / sizeof(int); i++) {
            stream->fd_at[stream->num_fds++] = stream->end - 1;
        }
    }
}

static void set_gone(Error **errp, int os_errno, size_t left)
{
    if (os_errno == 0) {
        error_setg(errp, "the server closed the connection%s",
                   left ? " in the middle of a message" : "");
    } else {
        error_setg_errno(errp, os_errno, "the connection to the server ended");
    }
    errno = os_errno;
}

int user_stream_receive(UserStream *stream, Error **errp)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * USER_STREAM_FDS)];
    } control;
    struct iovec iov;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    finish_message(stream);
    make_room(stream);
    iov.iov_base = stream->buffer + stream->end;
    iov.iov_len = stream->capacity - stream->end;
    msg.msg_control = &control;
    msg.msg_controllen =
        CMSG_LEN(sizeof(int) * (USER_STREAM_FDS - stream->num_fds));
    if (iov.iov_len == 0) {
        return 1;
    }
    do {
        n = recvmsg(stream->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        return 0;
    }
    if (n <= 0) {
        set_gone(errp, n < 0 ? errno : 0, stream->end - stream->start);
        return -1;
    }
    stream->end += n;
    keep_fds(stream, &msg);
    if (msg.msg_flags & MSG_CTRUNC) {
        error_setg(errp,
                   "the server sent more descriptors than we take (%u), or we "
                   "may open no more",
                   USER_STREAM_FDS);
        errno = EMFILE;
        return -1;
    }
    return 1;
}

/* The next header, when all of it is there. */
static bool peek_header(const UserStream *stream, VFIOUserHeader *header)
{
    if (stream->end - stream->start < sizeof(*header)) {
        return false;
    }
    memcpy(header, stream->buffer + stream->start, sizeof(*header));
    return true;
}

static bool size_is_sane(const UserStream *stream, const VFIOUserHeader *header)
{
    return header->size >= sizeof(*header) && header->size <= stream->capacity;
}

bool user_stream_pending(const UserStream *stream)
{
    VFIOUserHeader header;

    return peek_header(stream, &header) &&
           (!size_is_sane(stream, &header) ||
            header.size <= stream->end - stream->start);
}

int user_stream_next(UserStream *stream, UserMessage *message, Error **errp)
{
    VFIOUserHeader header;

    finish_message(stream);
    if (!peek_header(stream, &header)) {
        return 0;
    }
    if (!size_is_sane(stream, &header)) {
        error_setg(errp,
                   "the server sent a message of %u bytes, and we take %zu to "
                   "%zu",
                   header.size, sizeof(header), stream->capacity);
        return -1;
    }
    if (header.size > stream->end - stream->start) {
        return 0;
    }
    message->header = header;
    message->payload = stream->buffer + stream->start + sizeof(header);
    message->size = header.size - sizeof(header);
    stream->start += header.size;
    while (stream->handed_out < stream->num_fds &&
           stream->fd_at[stream->handed_out] < stream->start) {
        stream->handed_out++;
    }
    message->fds = stream->fds;
    message->num_fds = stream->handed_out;
    return 1;
}

/* Of what was sent, the first @size bytes need not be again. */
static void use_up(UserOutput *output, size_t size)
{
    unsigned done = 0;

    while (done < output->num_iov && size >= output->iov[done].iov_len) {
        size -= output->iov[done++].iov_len;
    }
    output->num_iov -= done;
    memmove(output->iov, output->iov + done,
            output->num_iov * sizeof(output->iov[0]));
    if (output->num_iov > 0) {
        output->iov[0].iov_base = (char *)output->iov[0].iov_base + size;
        output->iov[0].iov_len -= size;
    }
    output->num_fds = 0;
}

int user_stream_send(UserStream *stream, UserOutput *output, Error **errp)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * VFIO_USER_MAX_FDS)];
    } control;
    size_t fds_size = sizeof(int) * output->num_fds;
    struct msghdr msg = {.msg_iov = output->iov};
    ssize_t n;

    if (output->num_fds > 0) {
        g_assert(output->num_fds <= VFIO_USER_MAX_FDS);
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(fds_size);
        control.align = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(fds_size),
            .cmsg_level = SOL_SOCKET,
            .cmsg_type = SCM_RIGHTS,
        };
        memcpy(CMSG_DATA(&control.align), output->fds, fds_size);
    }
    msg.msg_iovlen = output->num_iov;
    do {
        n = sendmsg(stream->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        return 0;
    }
    if (n < 0) {
        error_setg_errno(errp, errno, "cannot send to the server");
        return -1;
    }
    use_up(output, n);
    return output->num_iov == 0;
}
