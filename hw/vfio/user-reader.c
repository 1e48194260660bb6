/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reader of a connection does with the messages that come: an answer
 * goes to the thread that waits for it, a command is carried out. Whatever
 * does not fit breaks the connection: after it nothing can be trusted.
 *
 * A server may send many commands before it reads an answer, and the socket is
 * full then. One answer is kept, and no command is handled while there is one.
 * A thread waits for room, as long as it would for its own answer; the main
 * loop comes back when there is room.
 */

#include <errno.h>
#include <string.h>

#include "trace.h"
#include "user-caps.h"
#include "user-reader.h"
#include "util/fd.h"

#define MAX_ERRNO 4095

static int reply_errno(const VFIOUserHeader *header)
{
    /* Our own for a connection that is broken, which this one is not. */
    if (header->error == 0 || header->error > MAX_ERRNO ||
        header->error == ENOTCONN) {
        return -EIO;
    }
    return -(int)header->error;
}

static void take_reply(UserWaiter *w, UserMessage *message)
{
    UserRequest *req = w->req;

    if (message->header.flags & VFIO_USER_FLAG_ERROR) {
        w->result = reply_errno(&message->header);
        req->reply_size = 0;
        req->num_reply_fds = 0;
    } else {
        if (message->size > 0) {
            memcpy(req->reply, message->payload, message->size);
        }
        req->reply_size = message->size;
        for (unsigned i = 0; i < message->num_fds; i++) {
            req->reply_fds[i] = fd_steal(&message->fds[i]);
        }
        req->num_reply_fds = message->num_fds;
    }
    w->done = true;
    if (w->asleep) {
        cond_signal(&w->cond);
    }
}

static bool check_reply(const UserWaiter *w, const UserMessage *message,
                        Error **errp)
{
    const char *name;

    if (!w) {
        error_setg(errp, "the server answered request %u, which was not made",
                   message->header.id);
        return false;
    }
    name = user_command_name(w->req->command);
    if (message->header.command != w->req->command) {
        error_setg(errp, "the server answered %s as command %u", name,
                   message->header.command);
        return false;
    }
    if (message->header.flags & VFIO_USER_FLAG_ERROR) {
        return true;
    }
    if (message->size > w->req->reply_size) {
        error_setg(errp,
                   "the server answered %s with %zu bytes, and at most %zu "
                   "make sense",
                   name, message->size, w->req->reply_size);
        return false;
    }
    if (message->num_fds > w->req->num_reply_fds) {
        error_setg(errp,
                   "the server answered %s with %u descriptors, and at most "
                   "%u make sense",
                   name, message->num_fds, w->req->num_reply_fds);
        return false;
    }
    return true;
}

static void handle_reply(UserConn *conn, UserMessage *message)
{
    UserWaiter **link = &conn->waiters;
    Error *err = NULL;
    UserWaiter *w;

    trace_vfio_user_reply(conn->main.fd, message->header.id,
                          user_command_name(message->header.command),
                          message->header.size, message->header.flags,
                          message->header.error);
    mutex_lock(&conn->lock);
    while (*link && (*link)->id != message->header.id) {
        link = &(*link)->next;
    }
    w = *link;
    if (check_reply(w, message, &err)) {
        *link = w->next;
        take_reply(w, message);
    }
    mutex_unlock(&conn->lock);
    if (err) {
        user_conn_break_error(conn, err);
    }
}

/* -- Answers to commands -- */

/* The answer may not be sent, because somebody's message is partly out. */
static bool must_queue_locked(const UserConn *conn)
{
    return conn->stuck == &conn->main && conn->sending && !conn->answering;
}

/* Once, now: what user_stream_send() returns. */
static int try_answer_locked(UserConn *conn, Error **errp)
{
    bool main = conn->stuck == &conn->main;
    int sent = user_stream_send(conn->stuck, &conn->rest, errp);

    if (main) {
        conn->answering = sent == 0;
        conn->sending = sent == 0;
    }
    if (sent != 0) {
        conn->stuck = NULL;
        cond_broadcast(&conn->sent);
    }
    return sent;
}

/* Until the next try makes sense; false when the reader may not wait. */
static bool wait_to_answer_locked(UserConn *conn)
{
    struct pollfd fd = {.fd = conn->stuck->fd, .events = POLLOUT};
    int left = conn->deadline ? user_remaining_ms(conn->deadline) : 0;

    if (left == 0) {
        return false;
    }
    conn->blocked = true;
    if (must_queue_locked(conn)) {
        cond_wait_ms(&conn->sent, &conn->lock, left);
    } else {
        mutex_unlock(&conn->lock);
        user_poll(&fd, 1, conn->deadline);
        mutex_lock(&conn->lock);
    }
    conn->blocked = false;
    return true;
}

bool user_reader_answer(UserConn *conn)
{
    Error *err = NULL;
    int sent = 0;
    bool stuck;

    /* Only the reader changes it, with the lock for those who look. */
    if (!conn->stuck) {
        return true;
    }
    mutex_lock(&conn->lock);
    while (conn->stuck && sent == 0 && !user_conn_broken(conn)) {
        sent = must_queue_locked(conn) ? 0 : try_answer_locked(conn, &err);
        if (sent == 0 && !wait_to_answer_locked(conn)) {
            break;
        }
    }
    stuck = conn->stuck;
    user_watch_resume_locked(conn);
    mutex_unlock(&conn->lock);
    if (sent < 0) {
        user_conn_break_gone(conn, err);
    } else if (stuck && conn->deadline) {
        user_conn_break(conn, USER_UNREAD);
    }
    return !stuck;
}

/* conn->answer, of @size bytes, on the socket of the command. */
static void send_answer(UserConn *conn, UserStream *stream, size_t size)
{
    conn->rest = (UserOutput){.iov = {{conn->answer, size}}, .num_iov = 1};
    mutex_lock(&conn->lock);
    conn->stuck = stream;
    mutex_unlock(&conn->lock);
    user_reader_answer(conn);
}

static VFIOUserDmaAccess *answer_access(UserConn *conn)
{
    return (VFIOUserDmaAccess *)(conn->answer + sizeof(VFIOUserHeader));
}

/*
 * Carries out DMA_READ or DMA_WRITE: 0, and *@size is that of the answer's
 * payload, which repeats all of the head (libvfio-user checks it); or -errno.
 */
static int do_dma(UserConn *conn, UserMessage *message, size_t *size)
{
    bool write = message->header.command == VFIO_USER_DMA_WRITE;
    VFIOUserDmaAccess *access = answer_access(conn);
    uint8_t *data =
        write ? message->payload + sizeof(*access) : (uint8_t *)(access + 1);

    if (message->size < sizeof(*access)) {
        return -EINVAL;
    }
    memcpy(access, message->payload, sizeof(*access));
    if (access->count > USER_DATA_XFER_SIZE ||
        access->iova + access->count < access->iova ||
        message->size != sizeof(*access) + (write ? access->count : 0)) {
        return -EINVAL;
    }
    *size = sizeof(*access) + (write ? 0 : access->count);
    if (access->count == 0) {
        return 0;
    }
    return conn->client->dma(conn->opaque, write, access->iova, data,
                             access->count);
}

static void handle_command(UserConn *conn, UserStream *stream,
                           UserMessage *message)
{
    VFIOUserHeader *header = (VFIOUserHeader *)conn->answer;
    size_t size = 0;
    int ret = -ENOTSUP;

    if (message->header.command == VFIO_USER_DMA_READ ||
        message->header.command == VFIO_USER_DMA_WRITE) {
        ret = do_dma(conn, message, &size);
    }
    trace_vfio_user_command(stream->fd, message->header.id,
                            user_command_name(message->header.command),
                            message->header.size, ret);
    if (message->header.flags & VFIO_USER_FLAG_NO_REPLY) {
        return;
    }
    *header = (VFIOUserHeader){
        .id = message->header.id,
        .command = message->header.command,
        .size = sizeof(*header) + (ret < 0 ? 0 : size),
        .flags = VFIO_USER_FLAG_REPLY | (ret < 0 ? VFIO_USER_FLAG_ERROR : 0),
        .error = ret < 0 ? -ret : 0,
    };
    send_answer(conn, stream, header->size);
}

static void handle(UserConn *conn, UserStream *stream, UserMessage *message)
{
    uint32_t type = message->header.flags & VFIO_USER_FLAG_TYPE;

    if (type == VFIO_USER_FLAG_REPLY && stream == &conn->main) {
        handle_reply(conn, message);
    } else if (type == VFIO_USER_FLAG_REPLY) {
        user_conn_break(conn, "the server sent a reply where its commands go");
    } else if (type != 0) {
        user_conn_break(conn, "the server sent a message of type %u", type);
    } else if (!conn->negotiated) {
        user_conn_break(conn,
                        "the server sent a command instead of its VERSION");
    } else {
        handle_command(conn, stream, message);
    }
}

void user_reader_drain(UserConn *conn, UserStream *stream, unsigned *budget)
{
    bool all = conn->negotiated;
    UserMessage message;
    Error *err = NULL;
    int got = 1;

    while (got > 0 && *budget > 0 && !conn->stuck && !user_conn_broken(conn)) {
        got = user_stream_next(stream, &message, &err);
        if (got > 0) {
            handle(conn, stream, &message);
            *budget = all ? *budget - 1 : 0;
        }
    }
    if (got < 0) {
        user_conn_break_error(conn, err);
    }
}

void user_reader_receive(UserConn *conn, UserStream *stream, unsigned *budget)
{
    Error *err = NULL;
    int got = user_stream_receive(stream, &err);

    if (got < 0 && errno == EMFILE) {
        user_conn_break_error(conn, err);
    } else if (got < 0) {
        user_conn_break_gone(conn, err);
    } else if (got > 0) {
        user_reader_drain(conn, stream, budget);
    }
}
