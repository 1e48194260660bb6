/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main loop as the reader of a connection, while no thread waits. Its turn
 * is bounded: a server that floods us does not keep others from theirs. It
 * never waits, and it lets go of the sockets of a connection that is broken,
 * which would wake it for ever.
 */

#include "user-reader.h"
#include "util/main-loop.h"

/* Messages that the main loop handles before it looks at anything else. */
#define BURST 64

static void on_left(void *opaque);

/*
 * The main loop becomes the reader, if there is none. Without a twin it stays
 * away while somebody's message is partly out: it could not answer a command,
 * and it must not wait until it can. The sender calls it back.
 */
static bool begin_turn(UserConn *conn)
{
    bool pause;
    bool begin;

    mutex_lock(&conn->lock);
    pause = conn->sending && conn->twin.fd < 0 && !user_conn_broken(conn);
    begin = !conn->reading && !pause;
    conn->reading |= begin;
    conn->paused |= pause;
    mutex_unlock(&conn->lock);
    if (pause) {
        main_loop_set_fd(conn->main.fd, NULL, NULL, NULL);
    }
    return begin;
}

/* Nobody waits: handles what came, as @readable says if not NULL. */
static void take_turn(UserConn *conn, UserStream *readable)
{
    unsigned budget = BURST;
    bool more;

    if (!begin_turn(conn)) {
        return;
    }
    user_reader_drain(conn, &conn->main, &budget);
    user_reader_drain(conn, &conn->twin, &budget);
    if (readable && budget > 0) {
        user_reader_receive(conn, readable, &budget);
    }
    more = user_stream_pending(&conn->main) || user_stream_pending(&conn->twin);
    mutex_lock(&conn->lock);
    user_conn_leave_locked(conn);
    mutex_unlock(&conn->lock);
    if (user_conn_broken(conn)) {
        user_conn_watch(conn, false);
    } else if (more) {
        main_loop_schedule(on_left, conn);
    }
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

static void watch_sockets(UserConn *conn)
{
    if (conn->twin.fd >= 0) {
        main_loop_set_hang_up(conn->main.fd, on_main, conn);
        main_loop_set_fd(conn->twin.fd, on_twin, NULL, conn);
    } else {
        main_loop_set_fd(conn->main.fd, on_main, NULL, conn);
    }
}

static void on_resume(void *opaque)
{
    UserConn *conn = opaque;

    watch_sockets(conn);
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
        watch_sockets(conn);
        /* A command may have come together with the answer to VERSION. */
        main_loop_schedule(on_left, conn);
        return;
    }
    mutex_lock(&conn->lock);
    conn->paused = false;
    mutex_unlock(&conn->lock);
    main_loop_set_fd(conn->main.fd, NULL, NULL, NULL);
    main_loop_set_fd(conn->twin.fd, NULL, NULL, NULL);
    main_loop_cancel(conn);
}
