/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "hw/vfio/user-wire.h"

/*
 * UserConn: a connection to a vfio-user server, from the first byte to the
 * last. Any number of threads may have a request each under way. There is no
 * thread of its own: whoever waits for an answer reads the socket (one at a
 * time), hands other threads their answers, and serves the server's commands
 * (DMA) meanwhile, so that a server which needs DMA before it can answer is
 * never waited for in vain. When nobody waits the main loop reads.
 *
 * A server that closes, takes longer than the timeout (to answer, or to read
 * what we answer), or sends what the protocol does not allow breaks the
 * connection, once and for good: every call fails with -ENOTCONN then and at
 * once. What a server says politely, an ERROR reply, is the call's -errno and
 * breaks nothing.
 */
typedef struct UserConn UserConn;

/** The least of what both sides can do; what VERSION settled. */
typedef struct UserCaps {
    uint16_t minor;
    unsigned max_msg_fds;        /* that we may send in one message */
    uint64_t max_data_xfer_size; /* that we may ask for or send in one */
    uint64_t max_dma_maps;
    uint64_t pgsizes;
    bool write_multiple;
    bool twin_socket; /* the server's commands have a socket of their own */
} UserCaps;

/** What the connection asks of its user. Both are mandatory. */
typedef struct UserConnClient {
    /*
     * The server's DMA: fills @buf (its write = false), or takes it. 0 or
     * -errno, which is answered. Any thread, possibly one that waits in
     * user_conn_call() with any lock held: so it takes no lock that is held
     * over such a call, the machine lock least of all.
     */
    int (*dma)(void *opaque, bool write, uint64_t iova, void *buf,
               uint64_t size);
    /* The connection broke. Once, any thread, in the middle of anything: it
     * may only set an atomic and main_loop_schedule(). Not for one that
     * user_conn_new() never returned. */
    void (*broken)(void *opaque);
} UserConnClient;

/** UserRequest: one command and what came back. Unused members are zero. */
typedef struct UserRequest {
    uint16_t command;
    const void *head; /* the payload: this, */
    size_t head_size;
    const void *data; /* and this behind it */
    size_t data_size;
    const int *fds; /* stay the caller's */
    unsigned num_fds;
    /* In: room for the answer's payload; out: how much of it came. An answer
     * that is longer than the room breaks the connection. */
    void *reply;
    size_t reply_size;
    /* In: room for descriptors; out: how many came, owned by the caller, all
     * of them FD_CLOEXEC. More than the room breaks the connection. */
    int *reply_fds;
    unsigned num_reply_fds;
} UserRequest;

/**
 * Takes @sock, a connected stream socket, also on failure; NULL on failure.
 * Exchanges VERSION, so it waits for at most @timeout_ms; any thread. Errors
 * say what was wrong; the caller puts the device's name before.
 */
UserConn *user_conn_new(int sock, uint32_t timeout_ms,
                        const UserConnClient *client, void *opaque,
                        Error **errp);
/** No call is under way and the main loop does not watch it. NULL is fine. */
void user_conn_free(UserConn *conn);

const UserCaps *user_conn_caps(const UserConn *conn);

/**
 * Lets the main loop read while nobody waits, and hear of a hang-up; or not.
 * Main thread, machine lock. While it does not (before the user is ready, say)
 * only a call notices that the server has gone.
 */
void user_conn_watch(UserConn *conn, bool watch);

/**
 * Sends @req and waits for its answer: 0, the server's -errno (-EIO when it
 * does not say which, or says ENOTCONN), -ENOTCONN when the connection is
 * broken or breaks meanwhile. Any thread, with or without the machine lock.
 */
int user_conn_call(UserConn *conn, UserRequest *req);
/**
 * Sends @req with NO_REPLY: 0 or -ENOTCONN. It blocks, for the timeout at
 * most, only while the socket is full.
 */
int user_conn_post(UserConn *conn, const UserRequest *req);

/**
 * Breaks the connection for a reason of the caller's, as "the reply to ..."
 * that makes no sense. The first reason counts.
 */
void user_conn_break(UserConn *conn, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool user_conn_broken(const UserConn *conn);
/** Why; valid once it is broken, as long as @conn. */
const char *user_conn_reason(const UserConn *conn);

const char *user_command_name(uint16_t command);
