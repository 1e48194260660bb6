/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include "accel/accel.h"
#include "util/chardev.h"

/*
 * The qtest protocol: a test drives the machine's devices by lines of text,
 * without a CPU. docs/testing.md lists the commands; they are QEMU's, and
 * `irq_eoi N` plays the guest's end of interrupt N. Thread: machine lock.
 */

/**
 * QtestSession: the protocol itself, for one peer. It takes any bytes and
 * hands each answer, a whole line, to @write.
 */
typedef struct QtestSession QtestSession;
typedef void (*QtestWriteFn)(void *opaque, const char *data, size_t size);

/** @log_fd (stays the caller's) gets every line; -1 for none. */
QtestSession *qtest_session_new(QtestWriteFn write, void *opaque, int log_fd);
void qtest_session_feed(QtestSession *session, const uint8_t *data,
                        size_t size);
/** Takes its interceptors out of the lines. NULL is fine. */
void qtest_session_free(QtestSession *session);

/** What one line may hold, and one block of data. */
#define QTEST_LINE_MAX (48u << 20)
#define QTEST_BLOCK_MAX (16u << 20)

/** QtestServer: a session for each peer that @chr (not owned) meets. */
typedef struct QtestServer QtestServer;
/** @log_path: NULL or "none" for no log. */
QtestServer *qtest_server_new(Chardev *chr, const char *log_path, Error **errp);
/** Before the machine's devices go. NULL is fine. */
void qtest_server_free(QtestServer *server);
