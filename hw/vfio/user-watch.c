/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main loop as the reader of a connection, while no thread waits. Its turn
 * is bounded: a server that floods us does not keep others from theirs. It
 * never waits, and it lets go of the sockets of a connection that is broken,
 * which would wake it for ever. An answer that the server does not take is sent
 * when it does, and until then nothing is read; in vain for the timeout, it is
 * given up.
 */

#include "user-reader.h"
#include "util/main-loop.h"

/* Messages that the main loop handles before it looks at anything else. */
#define BURST 64

static void on_left(void *opaque);
static void on_main(void *opaque);
static void on_twin(void *opaque);

/*
 * What the main loop is to hear of: data, or room for the answer that is stuck;
 * or nothing, when somebody will call it back.
 */
static void watch_sockets(UserConn *conn, bool pause, UserStream *stuck)
{
    bool read = !pause && !stuck;

    if (conn->twin.fd >= 0) {
        main_loop_set_hang_up(conn->main.fd, read ? on_main : NULL, conn);
        main_loop_set_fd(conn->twin.fd, read ? on_twin : NULL, NULL, conn);
    } else {
        main_loop_set_fd(conn->main.fd, read ? on_main : NULL, NULL, conn);
    }
    if (stuck && !pause) {
        main_loop_set_fd(stuck->fd, NULL, on_left, conn);
    }
}

/*
 * Somebody's message is partly out, without a twin or with an answer behind
 * it; or the reader waits until it can send one. The main loop must not wait
 * likewise, and data that nobody reads would wake it for ever.
 */
static bool must_pause_locked(const UserConn *conn)
{
    bool behind = conn->twin.fd < 0 || conn->stuck == &conn->main;

    return !user_conn_broken(conn) &&
           (conn->blocked || (conn->sending && !conn->answering && behind));
}

/*
 * The main loop becomes the reader, if there is none and it need not stay away.
 * Whoever made it do so calls it back.
 */
static bool begin_turn(UserConn *conn)
{
    bool pause;
    bool begin;

    mutex_lock(&conn->lock);
    pause = must_pause_locked(conn);
    begin = !conn->reading && !pause;
    conn->reading |= begin;
    conn->paused = pause;
    mutex_unlock(&conn->lock);
    if (!begin) {
        /* An answer that was stuck is the other reader's. */
        timer_del(&conn->unread);
        watch_sockets(conn, pause, NULL);
    }
    return begin;
}

static void end_turn(UserConn *conn)
{
    bool more =
        user_stream_pending(&conn->main) || user_stream_pending(&conn->twin);
    UserStream *stuck;
    bool pause;

    mutex_lock(&conn->lock);
    stuck = conn->stuck;
    pause = must_pause_locked(conn);
    conn->paused = pause;
    user_conn_leave_locked(conn);
    mutex_unlock(&conn->lock);
    if (user_conn_broken(conn)) {
        user_conn_watch(conn, false);
        return;
    }
    watch_sockets(conn, pause, stuck);
    if (stuck && !pause && !timer_pending(&conn->unread)) {
        timer_mod_ns(&conn->unread,
                     clock_get_ns(CLOCK_REAL) + conn->timeout_ms * NS_PER_MS);
    }
    if (more && !stuck) {
        main_loop_schedule(on_left, conn);
    }
}

/* Nobody waits: handles what came, as @readable says if not NULL. */
static void take_turn(UserConn *conn, UserStream *readable)
{
    unsigned budget = BURST;
    size_t left;

    if (!begin_turn(conn)) {
        return;
    }
    left = conn->rest.iov[0].iov_len;
    conn->deadline = 0;
    if (user_reader_answer(conn)) {
        timer_del(&conn->unread);
        user_reader_drain(conn, &conn->main, &budget);
        user_reader_drain(conn, &conn->twin, &budget);
        if (readable && budget > 0 && !conn->stuck) {
            user_reader_receive(conn, readable, &budget);
        }
    } else if (conn->rest.iov[0].iov_len != left) {
        timer_del(&conn->unread);
    }
    end_turn(conn);
}

static void on_left(void *opaque)
{
    take_turn(opaque, NULL);
}

static void on_main(void *opaque)
{
    UserConn *conn = opaque;

    take_turn(conn, &conn->main);
}

static void on_twin(void *opaque)
{
    UserConn *conn = opaque;

    take_turn(conn, &conn->twin);
}

static void on_unread(void *opaque)
{
    UserConn *conn = opaque;
    bool unread;

    mutex_lock(&conn->lock);
    unread = conn->stuck && !conn->reading;
    mutex_unlock(&conn->lock);
    if (unread) {
        user_conn_break(conn, USER_UNREAD);
    }
}

static void on_resume(void *opaque)
{
    UserConn *conn = opaque;

    watch_sockets(conn, false, NULL);
    take_turn(conn, NULL);
}

void user_watch_resume_locked(UserConn *conn)
{
    if (conn->paused) {
        conn->paused = false;
        main_loop_schedule(on_resume, conn);
    }
}

void user_conn_watch(UserConn *conn, bool watch)
{
    if (watch == conn->watched) {
        return;
    }
    conn->watched = watch;
    if (watch) {
        timer_init(&conn->unread, CLOCK_REAL, on_unread, conn);
        watch_sockets(conn, false, NULL);
        /* A command may have come together with the answer to VERSION. */
        main_loop_schedule(on_left, conn);
        return;
    }
    mutex_lock(&conn->lock);
    conn->paused = false;
    mutex_unlock(&conn->lock);
    main_loop_set_fd(conn->main.fd, NULL, NULL, NULL);
    main_loop_set_fd(conn->twin.fd, NULL, NULL, NULL);
    timer_finish(&conn->unread);
    main_loop_cancel(conn);
}
