/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hw/vfio/user-wire.h"

/* What we say in VERSION, and hold a client to. */
#define PD_MAX_FDS 8
#define PD_MAX_DATA_XFER_SIZE 1048576
#define PD_MAX_MESSAGE \
    (sizeof(VFIOUserHeader) + VFIO_USER_DATA_HEAD + PD_MAX_DATA_XFER_SIZE)

/** A message that came whole. Its descriptors are the receiver's to close. */
typedef struct PdMessage {
    VFIOUserHeader header;
    const uint8_t *payload; /* header.size less a header; of any alignment */
    size_t size;
    int fds[PD_MAX_FDS];
    unsigned num_fds;
} PdMessage;

/** Closes the descriptors that are left. */
void pd_message_finish(PdMessage *message);
/** The first descriptor, which is the caller's now; -1 without one. */
int pd_message_steal_fd(PdMessage *message);

/** Of the command type, and wants a reply. */
bool pd_message_is_command(const PdMessage *message);
bool pd_message_wants_reply(const PdMessage *message);

/** What the socket did not take yet. */
typedef struct PdOut PdOut;

/**
 * PdStream: messages on a connected stream socket; never blocks, never raises
 * a signal, and holds one message and a buffer's worth at most.
 */
typedef struct PdStream {
    int fd; /* -1: none */
    uint8_t *in;
    size_t start; /* of what is left in @in */
    size_t end;
    size_t capacity;
    bool lent; /* somebody reads a payload in @in: it may not move */
    /* Descriptors that came; @at counts as @taken does. */
    struct {
        int fd;
        uint64_t at; /* the last byte that came with it */
    } fds[PD_MAX_FDS];
    unsigned num_fds;
    uint64_t taken; /* bytes of all messages so far */
    PdOut *out;
    PdOut *last_out;
    size_t backlog; /* bytes in @out */
} PdStream;

/** Takes over @fd. */
void pd_stream_init(PdStream *stream, int fd);
/** Closes everything; again is fine. */
void pd_stream_finish(PdStream *stream);

/**
 * Reads what is there, once: the number of bytes, 0 at the end, -EAGAIN, or
 * another -errno after which the stream is of no use. -EPROTO: too many
 * descriptors. Take all messages before the next call.
 */
ssize_t pd_stream_receive(PdStream *stream);

/**
 * 1 with the next message, 0 if none is whole yet, -EPROTO if its header is
 * impossible (@message has just that header).
 */
int pd_stream_take(PdStream *stream, PdMessage *message);

/**
 * Between these the payload that take() gave stays where it is, even though
 * more is received.
 */
void *pd_stream_lend(PdStream *stream);
void pd_stream_unlend(PdStream *stream, void *lent);

/**
 * Sends @head and @data behind it, with @fds, or keeps a copy of what does not
 * fit yet (the backlog). 0 or -errno: the stream is of no use then.
 */
int pd_stream_send(PdStream *stream, const void *head, size_t head_size,
                   const void *data, size_t data_size, const int *fds,
                   unsigned num_fds);
/** Sends of the backlog what fits. 0 or -errno, as above. */
int pd_stream_flush(PdStream *stream);
