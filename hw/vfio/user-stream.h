/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "hw/vfio/user-wire.h"
#include "util/error.h"

/* Descriptors that wait for the rest of their message, and of one message. */
#define USER_STREAM_FDS 64

/**
 * UserStream: one end of a stream socket, cut into messages. Receives into a
 * buffer of the largest message's size, as much as there is at a time; nothing
 * here ever waits. One thread receives, one sends; they need not be the same.
 */
typedef struct UserStream {
    int fd;
    uint8_t *buffer;
    size_t capacity;
    size_t start; /* of what was received and not yet taken */
    size_t end;
    int fds[USER_STREAM_FDS];
    /* Where in the buffer the last byte is that came with fds[i]. */
    size_t fd_at[USER_STREAM_FDS];
    unsigned num_fds;
    unsigned handed_out; /* of them, with the last message */
} UserStream;

/** A message; its parts are valid until the next call for its stream. */
typedef struct UserMessage {
    VFIOUserHeader header;
    uint8_t *payload; /* of any alignment */
    size_t size;      /* of the payload */
    int *fds;         /* who takes one leaves -1; the others will be closed */
    unsigned num_fds;
} UserMessage;

/** What is to be sent; the calls use it up. */
typedef struct UserOutput {
    struct iovec iov[3];
    unsigned num_iov;
    const int *fds; /* stay the caller's; go with the first byte */
    unsigned num_fds;
} UserOutput;

/** Takes @fd. No message may be larger than @max_size, header included. */
void user_stream_init(UserStream *stream, int fd, size_t max_size);
/** Closes. A zeroed one is fine whose fd was set to -1. */
void user_stream_finish(UserStream *stream);

/**
 * Receives once, if there is room: 1 when something came, 0 when nothing is
 * there now, -1 when nothing will come any more (errno is 0 when the peer
 * closed, ECONNRESET when it did so without reading all) or when there were
 * more descriptors than we take.
 */
int user_stream_receive(UserStream *stream, Error **errp);

/**
 * Takes the next message out of the buffer: 1, 0 when there is none that is
 * complete, -1 when its header is nonsense.
 */
int user_stream_next(UserStream *stream, UserMessage *message, Error **errp);
/** The next user_stream_next() would not return 0. */
bool user_stream_pending(const UserStream *stream);

/**
 * Sends what fits now: 1 when that was all of it, 0 when the socket is full
 * (call again), -1 when the peer has gone (errno says how).
 */
int user_stream_send(UserStream *stream, UserOutput *output, Error **errp);
