/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include "accel/accel.h"
#include "util/chardev.h"

/*
 * The qtest protocol: a test drives the machine's devices by lines of text,
 * without a CPU. One line, one answer, OK or FAIL; numbers are decimal or
 * 0x..., values little-endian. The commands are QEMU's and one of our own:
 *
 *     readb|w|l|q ADDR               OK 0x... (16 digits)
 *     writeb|w|l|q ADDR VALUE        OK
 *     read|b64read ADDR SIZE         OK 0x... | OK base64
 *     write|b64write ADDR SIZE DATA  OK
 *     memset ADDR SIZE BYTE          OK; a SIZE of 0 too
 *     inb|w|l PORT, outb|w|l PORT V  OK 0x..., all ones; OK
 *     irq_intercept_in DEVICE        OK; from now on its inputs' changes come
 *                                    as "IRQ raise N" and "IRQ lower N"
 *     irq_intercept_out DEVICE [NAME]  the same of its outputs; NAME is
 *                                    sysbus-irq for those of the system bus
 *     set_irq_in DEVICE unnamed-gpio-in N LEVEL  OK
 *     irq_eoi N                      OK; the guest's end of interrupt N
 *     clock_step [NS]                OK and the virtual time
 *     clock_set NS                   OK and the virtual time
 *     endianness                     OK little
 *
 * DEVICE is a path: /machine/gic, /machine/peripheral/ID. Thread: machine lock.
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
