/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include "util/chardev.h"

/**
 * Channel: a request and answer protocol on a chardev. It keeps what the peer
 * does not read yet and takes no requests meanwhile, so that a slow peer slows
 * down itself and nobody else. Embedded in its owner. Thread: machine lock.
 */
typedef struct ChannelHandlers {
    void (*opened)(void *opaque); /* a peer is there */
    void (*closed)(void *opaque); /* it has gone; what was kept is dropped */
    void (*receive)(void *opaque, const uint8_t *data, size_t size);
} ChannelHandlers;

typedef struct Channel {
    Chardev *chr;
    const ChannelHandlers *handlers;
    void *opaque;
    GString *kept; /* empty when nothing waits */
    size_t sent;   /* of it, from its start */
    bool broken;   /* kept too much: the rest of the output is dropped */
} Channel;

/** What is kept at most; a peer that lets more pile up is cut off. */
#define CHANNEL_KEPT_MAX (128u << 20)

/** @chr and @handlers stay the caller's. May call @handlers->opened. */
void channel_init(Channel *ch, Chardev *chr, const ChannelHandlers *handlers,
                  void *opaque);
/** Sends what the peer takes at once. Zeroed memory is fine. */
void channel_finish(Channel *ch);

void channel_write(Channel *ch, const void *data, size_t size);
