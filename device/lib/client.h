/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dma.h"
#include "message.h"
#include "platypus-device.h"
#include "version.h"

/* A client that has this much to read first gets nothing more served. */
#define PD_MAX_BACKLOG PD_MAX_MESSAGE
/*
 * What a client may send while its reply to a DMA command is waited for: posted
 * writes of several CPUs, which need no answer.
 */
#define PD_MAX_QUEUED 4096
#define PD_MAX_QUEUED_FDS 64
#define PD_MAX_QUEUED_BYTES (4u << 20)

/** A command that came while something else was waited for. */
typedef struct PdQueued {
    struct PdQueued *next;
    PdMessage message;
    uint8_t payload[];
} PdQueued;

/** PdClient: who is connected, if anybody is. */
typedef struct PdClient {
    PdStream stream;
    PdStream twin;   /* for our commands, if it has one */
    uint32_t events; /* what the loop watches @stream for */
    bool negotiated;
    bool lost;          /* of no use any more; dropped as soon as it is safe */
    unsigned patience;  /* ticks of the server's that are left for VERSION */
    bool turned_away;   /* somebody else, in its time */
    bool told_unshared; /* that its memory is not mapped */
    PdCaps caps;
    PdMaps maps;
    PdQueued *queue; /* come before what is in @stream */
    PdQueued *last_queued;
    unsigned num_queued;
    unsigned queued_fds;
    size_t queued_bytes;
    uint16_t next_id;
} PdClient;

void pd_client_init(PdClient *client);
bool pd_client_is_present(const PdClient *client);

/** Takes @fd. 0 or -errno, @fd stays the caller's then. */
int pd_client_accept(PlatypusDevice *dev, int fd);
/** Ends it, with a line in the log. Nothing of it is freed yet. */
void pd_client_lose(PlatypusDevice *dev, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** Frees what is left of a client; the model hears of it if @tell. */
void pd_client_drop(PlatypusDevice *dev, bool tell);

/**
 * Serves what has come; what comes meanwhile is not waited for. Not while a
 * request is served.
 */
void pd_client_serve(PlatypusDevice *dev);
/** Reads what is there, and serves it. */
void pd_client_catch_up(PlatypusDevice *dev);

/** Sends on the main socket; a failure loses the client. */
void pd_client_send(PlatypusDevice *dev, const void *data, size_t size,
                    const int *fds, unsigned num_fds);

/** PdCall: a DMA command of ours. */
typedef struct PdCall {
    uint16_t command;
    VFIOUserDmaAccess access;
    const void *out; /* DMA_WRITE's data, access.count bytes */
    void *in;        /* room for DMA_READ's */
} PdCall;

/**
 * Sends it and waits for the reply; what the client asks for meanwhile is
 * served later. 0, the client's -errno, or the client is lost: -ENOTCONN,
 * -ETIMEDOUT.
 */
int pd_client_call(PlatypusDevice *dev, const PdCall *call);
