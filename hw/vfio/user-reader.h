/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <poll.h>
#include <stdatomic.h>

#include "user-conn.h"
#include "user-stream.h"
#include "util/event-notifier.h"
#include "util/lock.h"
#include "util/timer.h"

/*
 * What user-conn.c, where threads wait, user-watch.c, where the main loop does,
 * and user-reader.c, what either does with the messages that come, share of a
 * connection.
 */

#define USER_UNREAD "the server does not read the answers to its commands"

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
    UserOutput rest;     /* ... and what of it is not out yet */
    int64_t deadline;    /* the reader may wait until then; 0: not at all */
    Timer unread;        /* machine lock: the answer is not taken */
    unsigned spin_skip;  /* the reader's: so often it does not look first, */
    unsigned spin_pause; /* ... after the last time that it did in vain */
    EventNotifier kick;  /* for the sender that waits */

    Mutex lock; /* of the rest */
    Cond sent;
    bool reading;      /* there is a reader */
    bool sending;      /* a message is partly out on the main socket */
    bool answering;    /* ... and it is the reader's answer to a command */
    bool blocked;      /* the reader waits until it can send that */
    UserStream *stuck; /* where it is to be sent; NULL: there is none */
    bool paused;       /* the main loop waits for somebody who sends */
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

int user_remaining_ms(int64_t deadline);
/** poll() until @deadline, whatever signals come. */
int user_poll(struct pollfd *fds, unsigned count, int64_t deadline);

/**
 * The reader sends what is left of the answer to a command, in the main loop
 * as far as there is room and elsewhere all of it, or the connection breaks at
 * the reader's deadline. False: some is left, and no command can be handled.
 */
bool user_reader_answer(UserConn *conn);

/**
 * The reader handles what is in @stream's buffer, *@budget messages at most,
 * which is counted down; or just one, the answer to VERSION: what follows that
 * is for later. Nothing while an answer is stuck. Without the lock, here and
 * below.
 */
void user_reader_drain(UserConn *conn, UserStream *stream, unsigned *budget);
/** The reader takes what the socket has, and handles it like that. */
void user_reader_receive(UserConn *conn, UserStream *stream, unsigned *budget);
