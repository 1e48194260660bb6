/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests and their answers. One thread at a time is the reader: it polls the
 * sockets until its own answer has come, gives others theirs and serves the
 * server's commands. Leaving, it wakes another one that waits. The streams'
 * buffers, the twin's output and the answers to commands are the reader's.
 *
 * What is sent on the main socket is sent with the lock held, which is short,
 * because it never waits there. Only when the socket is full its sender waits,
 * without the lock, as `sending`; if nobody reads it serves the twin socket
 * meanwhile, because the server may want DMA before it goes on reading. It
 * must not read the main socket: the answer to a command that came there
 * could not be sent in the middle of its own message.
 *
 * A reader looks for its answer for a moment before it sleeps: between two CPUs
 * most of an access is falling asleep and being woken. Where the server cannot
 * be that fast (it shares the reader's CPU, say) this is soon given up, and
 * tried again only now and then.
 *
 * A reader leaves nothing in the buffers that poll() would not report, and no
 * answer that is not out, but for the main loop's turn, which is bounded, does
 * not wait, and comes again by itself; or another reader comes before it.
 */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "trace.h"
#include "user-caps.h"
#include "user-reader.h"
#include "util/fd.h"
#include "util/timer.h"

/* As long as the kernel does when a CPU has nothing to do but wait. */
#define SPIN_NS 50000
/* Answers that are slept for after looking was in vain many times over. */
#define SPIN_MAX_PAUSE 1023

static const char *const command_names[] = {
    [VFIO_USER_VERSION] = "VERSION",
    [VFIO_USER_DMA_MAP] = "DMA_MAP",
    [VFIO_USER_DMA_UNMAP] = "DMA_UNMAP",
    [VFIO_USER_DEVICE_GET_INFO] = "DEVICE_GET_INFO",
    [VFIO_USER_DEVICE_GET_REGION_INFO] = "DEVICE_GET_REGION_INFO",
    [VFIO_USER_DEVICE_GET_REGION_IO_FDS] = "DEVICE_GET_REGION_IO_FDS",
    [VFIO_USER_DEVICE_GET_IRQ_INFO] = "DEVICE_GET_IRQ_INFO",
    [VFIO_USER_DEVICE_SET_IRQS] = "DEVICE_SET_IRQS",
    [VFIO_USER_REGION_READ] = "REGION_READ",
    [VFIO_USER_REGION_WRITE] = "REGION_WRITE",
    [VFIO_USER_DMA_READ] = "DMA_READ",
    [VFIO_USER_DMA_WRITE] = "DMA_WRITE",
    [VFIO_USER_DEVICE_RESET] = "DEVICE_RESET",
    [VFIO_USER_REGION_WRITE_MULTI] = "REGION_WRITE_MULTI",
    [VFIO_USER_DEVICE_FEATURE] = "DEVICE_FEATURE",
    [VFIO_USER_MIG_DATA_READ] = "MIG_DATA_READ",
    [VFIO_USER_MIG_DATA_WRITE] = "MIG_DATA_WRITE",
};

const char *user_command_name(uint16_t command)
{
    const char *name = NULL;

    if (command < G_N_ELEMENTS(command_names)) {
        name = command_names[command];
    }
    return name ? name : "an unknown command";
}

const UserCaps *user_conn_caps(const UserConn *conn)
{
    return &conn->caps;
}

bool user_conn_broken(const UserConn *conn)
{
    return atomic_load(&conn->broken);
}

const char *user_conn_reason(const UserConn *conn)
{
    return user_conn_broken(conn) ? conn->reason : NULL;
}

static void shut_down(UserStream *stream)
{
    if (stream->fd >= 0) {
        shutdown(stream->fd, SHUT_RDWR);
    }
}

/* Takes @reason. Who polls is woken by the shutdown. */
static void break_for(UserConn *conn, char *reason)
{
    mutex_lock(&conn->lock);
    if (user_conn_broken(conn)) {
        mutex_unlock(&conn->lock);
        g_free(reason);
        return;
    }
    conn->reason = reason;
    atomic_store(&conn->broken, true);
    shut_down(&conn->main);
    shut_down(&conn->twin);
    for (UserWaiter *w = conn->waiters; w; w = w->next) {
        if (w->asleep) {
            cond_signal(&w->cond);
        }
    }
    cond_broadcast(&conn->sent);
    mutex_unlock(&conn->lock);
    trace_vfio_user_broken(conn->main.fd, reason);
    if (conn->negotiated) {
        conn->client->broken(conn->opaque);
    }
}

void user_conn_break(UserConn *conn, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    break_for(conn, g_strdup_vprintf(fmt, ap));
    va_end(ap);
}

void user_conn_break_error(UserConn *conn, Error *err)
{
    break_for(conn, g_strdup(error_get_pretty(err)));
    error_free(err);
}

/* At the first word it may have sent us away. */
void user_conn_break_gone(UserConn *conn, Error *err)
{
    if (!conn->negotiated) {
        error_append(&err, "; has it another client?");
    }
    user_conn_break_error(conn, err);
}

static int64_t deadline_ns(const UserConn *conn)
{
    return clock_get_ns(CLOCK_REAL) + conn->timeout_ms * NS_PER_MS;
}

/* Rounded up, so that it is over when nothing remains. */
int user_remaining_ms(int64_t deadline)
{
    int64_t ns = deadline - clock_get_ns(CLOCK_REAL);

    return ns <= 0 ? 0 : MIN((ns + NS_PER_MS - 1) / NS_PER_MS, INT_MAX);
}

void user_conn_leave_locked(UserConn *conn)
{
    UserWaiter *w = conn->waiters;

    conn->reading = false;
    while (w && !w->asleep) {
        w = w->next;
    }
    if (w) {
        cond_signal(&w->cond);
    } else if (conn->answering) {
        cond_broadcast(&conn->sent);
    } else if (conn->sending) {
        event_notifier_set(&conn->kick);
    }
}

/* -- Threads that wait -- */

int user_poll(struct pollfd *fds, unsigned count, int64_t deadline)
{
    int n;

    do {
        n = poll(fds, count, user_remaining_ms(deadline));
    } while (n < 0 && errno == EINTR);
    return n;
}

static void break_for_silence(UserConn *conn, const UserWaiter *w)
{
    user_conn_break(conn, "no answer to %s within %u ms",
                    user_command_name(w->req->command), conn->timeout_ms);
}

static void spin_for(UserConn *conn, UserWaiter *w)
{
    unsigned budget = UINT_MAX;
    int64_t end;

    if (conn->spin_skip > 0) {
        conn->spin_skip--;
        return;
    }
    end = clock_get_ns(CLOCK_REAL) + SPIN_NS;
    do {
        user_reader_receive(conn, &conn->main, &budget);
    } while (!w->done && !user_conn_broken(conn) &&
             clock_get_ns(CLOCK_REAL) < end);
    conn->spin_pause =
        w->done ? 0 : MIN(2 * conn->spin_pause + 1, SPIN_MAX_PAUSE);
    conn->spin_skip = conn->spin_pause;
}

/* Reads until @w has its answer. With the lock, but not meanwhile. */
static void read_for_locked(UserConn *conn, UserWaiter *w, int64_t deadline)
{
    struct pollfd fds[] = {
        {.fd = conn->main.fd, .events = POLLIN},
        {.fd = conn->twin.fd, .events = POLLIN},
    };
    unsigned budget = UINT_MAX;

    conn->reading = true;
    conn->deadline = deadline;
    mutex_unlock(&conn->lock);
    /* The main loop's turn may have left something. */
    user_reader_answer(conn);
    user_reader_drain(conn, &conn->main, &budget);
    user_reader_drain(conn, &conn->twin, &budget);
    if (!w->done && !user_conn_broken(conn)) {
        spin_for(conn, w);
    }
    while (!w->done && !user_conn_broken(conn)) {
        user_poll(fds, G_N_ELEMENTS(fds), deadline);
        budget = UINT_MAX;
        if (fds[0].revents) {
            user_reader_receive(conn, &conn->main, &budget);
        }
        if (fds[1].revents) {
            user_reader_receive(conn, &conn->twin, &budget);
        }
        if (!w->done && user_remaining_ms(deadline) == 0) {
            break_for_silence(conn, w);
        }
    }
    mutex_lock(&conn->lock);
    user_conn_leave_locked(conn);
}

/* Until somebody has read the answer, or has left the reading to us. */
static void sleep_locked(UserConn *conn, UserWaiter *w, int64_t deadline)
{
    bool woken;

    if (!w->has_cond) {
        cond_init(&w->cond);
        w->has_cond = true;
    }
    w->asleep = true;
    woken = cond_wait_ms(&w->cond, &conn->lock, user_remaining_ms(deadline));
    w->asleep = false;
    if (!woken && !w->done) {
        mutex_unlock(&conn->lock);
        break_for_silence(conn, w);
        mutex_lock(&conn->lock);
    }
}

/* Somebody who has sent something waits for the answer; not @w. */
static bool others_wait(const UserConn *conn, const UserWaiter *w)
{
    return conn->waiters && (conn->waiters != w || conn->waiters->next);
}

/*
 * The sender waits until it may try again; false when it has waited for too
 * long. Where nobody reads, and nobody is about to, it serves the twin.
 */
static bool wait_for_room_locked(UserConn *conn, const UserWaiter *w,
                                 int64_t deadline)
{
    bool serve = conn->twin.fd >= 0 && !conn->reading &&
                 conn->stuck != &conn->main && !others_wait(conn, w);
    struct pollfd fds[] = {
        {.fd = conn->main.fd, .events = POLLOUT},
        {.fd = event_notifier_get_fd(&conn->kick), .events = POLLIN},
        {.fd = serve ? conn->twin.fd : -1, .events = POLLIN},
    };
    unsigned budget = UINT_MAX;

    conn->reading |= serve;
    if (serve) {
        conn->deadline = deadline;
    }
    mutex_unlock(&conn->lock);
    if (serve) {
        user_reader_answer(conn);
        user_reader_drain(conn, &conn->twin, &budget);
    }
    user_poll(fds, G_N_ELEMENTS(fds), deadline);
    if (fds[1].revents) {
        event_notifier_test_and_clear(&conn->kick);
    }
    if (fds[2].revents) {
        user_reader_receive(conn, &conn->twin, &budget);
    }
    mutex_lock(&conn->lock);
    if (serve) {
        /* To nobody: whoever would wait has not been able to send. */
        conn->reading = false;
    }
    return fds[0].revents || user_remaining_ms(deadline) > 0;
}

/* What user_stream_send() returns, and 0 when the connection is broken. */
static int send_rest_locked(UserConn *conn, const UserWaiter *w,
                            UserOutput *output, Error **errp)
{
    int64_t deadline = deadline_ns(conn);
    int sent = 0;

    conn->sending = true;
    while (sent == 0 && !user_conn_broken(conn)) {
        if (wait_for_room_locked(conn, w, deadline)) {
            sent = user_stream_send(&conn->main, output, errp);
        } else {
            error_setg(errp, "the server has read nothing for %u ms",
                       conn->timeout_ms);
            sent = -1;
        }
    }
    conn->sending = false;
    cond_broadcast(&conn->sent);
    user_watch_resume_locked(conn);
    return sent;
}

/* Sends @req, or breaks the connection. @w, if any, waits for the answer. */
static void send_locked(UserConn *conn, const UserWaiter *w,
                        const UserRequest *req, uint16_t id, uint32_t flags)
{
    VFIOUserHeader header = {
        .id = id,
        .command = req->command,
        .size = sizeof(header) + req->head_size + req->data_size,
        .flags = flags,
    };
    UserOutput output = {
        .iov = {{&header, sizeof(header)},
                {(void *)req->head, req->head_size},
                {(void *)req->data, req->data_size}},
        .num_iov = 3,
        .fds = req->fds,
        .num_fds = req->num_fds,
    };
    Error *err = NULL;
    int sent = user_stream_send(&conn->main, &output, &err);

    trace_vfio_user_request(conn->main.fd, id, user_command_name(req->command),
                            header.size, flags);
    if (sent == 0) {
        sent = send_rest_locked(conn, w, &output, &err);
    }
    if (sent < 0) {
        mutex_unlock(&conn->lock);
        user_conn_break_gone(conn, err);
        mutex_lock(&conn->lock);
    }
}

/* Sends the rest of an answer that the main loop could not. */
static void finish_answer_locked(UserConn *conn)
{
    conn->reading = true;
    conn->deadline = deadline_ns(conn);
    mutex_unlock(&conn->lock);
    user_reader_answer(conn);
    mutex_lock(&conn->lock);
    user_conn_leave_locked(conn);
}

/* Waits while somebody's message is partly out; false: broken. */
static bool may_send_locked(UserConn *conn)
{
    while (conn->sending && !user_conn_broken(conn)) {
        if (conn->answering && !conn->reading) {
            finish_answer_locked(conn);
        } else {
            cond_wait(&conn->sent, &conn->lock);
        }
    }
    return !user_conn_broken(conn);
}

static uint16_t new_id_locked(UserConn *conn)
{
    const UserWaiter *w;

    do {
        conn->next_id++;
        w = conn->waiters;
        while (w && w->id != conn->next_id) {
            w = w->next;
        }
    } while (w);
    return conn->next_id;
}

static void forget_locked(UserConn *conn, UserWaiter *w)
{
    UserWaiter **link = &conn->waiters;

    while (*link != w) {
        link = &(*link)->next;
    }
    *link = w->next;
}

/* With the lock: 0 or -errno in w->result. */
static void exchange_locked(UserConn *conn, UserWaiter *w)
{
    int64_t deadline;

    w->id = new_id_locked(conn);
    w->next = conn->waiters;
    conn->waiters = w;
    send_locked(conn, w, w->req, w->id, 0);
    deadline = deadline_ns(conn);
    while (!w->done && !user_conn_broken(conn)) {
        if (conn->reading) {
            sleep_locked(conn, w, deadline);
        } else {
            read_for_locked(conn, w, deadline);
        }
    }
    if (!w->done) {
        forget_locked(conn, w);
    }
}

int user_conn_call(UserConn *conn, UserRequest *req)
{
    UserWaiter w = {.req = req, .result = 0};

    mutex_lock(&conn->lock);
    if (may_send_locked(conn)) {
        exchange_locked(conn, &w);
    }
    mutex_unlock(&conn->lock);
    if (w.has_cond) {
        cond_finish(&w.cond);
    }
    if (!w.done) {
        req->reply_size = 0;
        req->num_reply_fds = 0;
        return -ENOTCONN;
    }
    return w.result;
}

int user_conn_post(UserConn *conn, const UserRequest *req)
{
    MUTEX_GUARD(&conn->lock);

    if (may_send_locked(conn)) {
        send_locked(conn, NULL, req, new_id_locked(conn),
                    VFIO_USER_FLAG_NO_REPLY);
    }
    return user_conn_broken(conn) ? -ENOTCONN : 0;
}

/* -- Making one -- */

static bool take_twin(UserConn *conn, int *fd, Error **errp)
{
    socklen_t size = sizeof(int);
    int type = 0;

    if (getsockopt(*fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        type != SOCK_STREAM) {
        error_setg(errp, "the server's twin socket is no stream socket");
        return false;
    }
    user_stream_init(&conn->twin, fd_steal(fd), USER_MESSAGE_SIZE);
    return true;
}

static bool read_version(UserConn *conn, const UserRequest *req, Error **errp)
{
    unsigned twin = 0;

    if (!user_caps_parse(req->reply, req->reply_size, req->num_reply_fds,
                         &conn->caps, &twin, errp)) {
        return false;
    }
    return !conn->caps.twin_socket ||
           take_twin(conn, &req->reply_fds[twin], errp);
}

static bool negotiate(UserConn *conn, Error **errp)
{
    g_autofree void *reply = g_malloc(USER_MESSAGE_SIZE);
    int fds[USER_STREAM_FDS];
    UserRequest req = {
        .command = VFIO_USER_VERSION,
        .reply = reply,
        .reply_size = USER_MESSAGE_SIZE,
        .reply_fds = fds,
        .num_reply_fds = G_N_ELEMENTS(fds),
    };
    g_autofree void *offer = user_caps_offer(&req.head_size);
    int ret;

    req.head = offer;
    ret = user_conn_call(conn, &req);
    if (ret == -ENOTCONN) {
        error_setg(errp, "%s", user_conn_reason(conn));
    } else if (ret < 0) {
        error_setg_errno(errp, -ret, "the server refused our VERSION");
    } else {
        conn->negotiated = read_version(conn, &req, errp);
    }
    for (unsigned i = 0; i < req.num_reply_fds; i++) {
        fd_close(&fds[i]);
    }
    return conn->negotiated;
}

UserConn *user_conn_new(int sock, uint32_t timeout_ms,
                        const UserConnClient *client, void *opaque,
                        Error **errp)
{
    UserConn *conn = g_new0(UserConn, 1);

    conn->client = client;
    conn->opaque = opaque;
    conn->timeout_ms = timeout_ms;
    conn->twin.fd = -1;
    conn->answer = g_malloc(USER_MESSAGE_SIZE);
    user_stream_init(&conn->main, sock, USER_MESSAGE_SIZE);
    mutex_init(&conn->lock);
    cond_init(&conn->sent);
    if (!event_notifier_init(&conn->kick, errp) || !negotiate(conn, errp)) {
        user_conn_free(conn);
        return NULL;
    }
    return conn;
}

void user_conn_free(UserConn *conn)
{
    if (!conn) {
        return;
    }
    g_assert(!conn->watched && !conn->waiters);
    user_stream_finish(&conn->main);
    user_stream_finish(&conn->twin);
    event_notifier_finish(&conn->kick);
    cond_finish(&conn->sent);
    mutex_finish(&conn->lock);
    g_free(conn->answer);
    g_free(conn->reason);
    g_free(conn);
}
