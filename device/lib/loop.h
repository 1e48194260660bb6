/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "platypus-device.h"

typedef struct PdSource PdSource;

/** @source is a copy: the handler may remove it, or add others. */
typedef void PdReady(PlatypusDevice *dev, const PdSource *source,
                     uint32_t events);

struct PdSource {
    int fd; /* -1: a free slot */
    uint32_t serial;
    PdReady *ready;
    void (*watch)(void *model, int fd, short events); /* of a model's */
};

/** PdLoop: an epoll instance and what it watches; descriptors stay theirs. */
typedef struct PdLoop {
    int epoll;
    PdSource *sources;
    unsigned num_sources;
    uint32_t serial;
} PdLoop;

int pd_loop_init(PdLoop *loop);
void pd_loop_finish(PdLoop *loop);

/** A descriptor that is watched already is changed. @events are epoll's. */
int pd_loop_add(PdLoop *loop, int fd, uint32_t events, PdReady *ready);
int pd_loop_add_watch(PdLoop *loop, int fd, uint32_t events, PdReady *ready,
                      void (*watch)(void *model, int fd, short events));
/** Of one that is watched. */
void pd_loop_change(PdLoop *loop, int fd, uint32_t events);
/** Nothing if it is not watched. Before @fd is closed. */
void pd_loop_remove(PdLoop *loop, int fd);

/**
 * Waits (-1: for ever, 0: not at all) and calls the handlers of what is ready.
 * A source that is removed meanwhile is not called any more. 0 or -errno.
 */
int pd_loop_turn(PlatypusDevice *dev, PdLoop *loop, int timeout_ms);
