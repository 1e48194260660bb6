/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdatomic.h>

#include "user-conn.h"
#include "user-stream.h"
#include "util/event-notifier.h"
#include "util/lock.h"

/*
 * What user-conn.c, where threads wait, user-watch.c, where the main loop does,
 * and user-reader.c, what either does with the messages that come, share of a
 * connection.
 */

/* A request whose answer is awaited; lives on its thread's stack. */
typedef struct UserWaiter {
    UserRequest *req;
    uint16_t id;
    bool done;
    int result;
    bool asleep; /* on its cond */
    bool has_cond;
    Cond cond;
    struct UserWaiter *next;
} UserWaiter;

struct UserConn {
    const UserConnClient *client;
    void *opaque;
    uint32_t timeout_ms;
    UserCaps caps;
    bool negotiated; /* the reader's until user_conn_new() returns */
    bool watched;    /* machine lock */
    UserStream main;
    UserStream twin;     /* its fd is -1 where there is none */
    uint8_t *answer;     /* room for one, to a command */
    unsigned spin_skip;  /* the reader's: so often it does not look first, */
    unsigned spin_pause; /* ... after the last time that it did in vain */
    EventNotifier kick;  /* for the sender that waits */

    Mutex lock; /* of the rest */
    Cond sent;
    bool reading; /* there is a reader */
    bool sending; /* a message is partly out */
    bool paused;  /* ... and the main loop waits for the rest */
    uint16_t next_id;
    UserWaiter *waiters;
    char *reason; /* set once, before `broken` */
    atomic_bool broken;
};

/** Breaks the connection as user_conn_break() does; takes @err. */
void user_conn_break_error(UserConn *conn, Error *err);
/** The same when the server has gone. */
void user_conn_break_gone(UserConn *conn, Error *err);

/** The reader leaves; if there is work for one, somebody else is to be it. */
void user_conn_leave_locked(UserConn *conn);
/** What was partly out is out, or will never be: the main loop may read. */
void user_watch_resume_locked(UserConn *conn);

/**
 * The reader handles what is in @stream's buffer, *@budget messages at most,
 * which is counted down; or just one, the answer to VERSION: what follows that
 * is for later. Without the lock, here and below.
 */
void user_reader_drain(UserConn *conn, UserStream *stream, unsigned *budget);
/** The reader takes what the socket has, and handles it like that. */
void user_reader_receive(UserConn *conn, UserStream *stream, unsigned *budget);
