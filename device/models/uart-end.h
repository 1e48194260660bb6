/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include "platypus-device.h"

/*
 * UartEnd: who is at the other end of the serial line. Nothing here blocks.
 * The model is called (@ready, as by platypus_device_watch) when it may go on,
 * and calls uart_end_update() first.
 */
typedef struct UartEnd UartEnd;

typedef void UartEndReady(void *model, int fd, short events);

/**
 * A new pty, raw, whose name is printed; @link, if not NULL, becomes a
 * symbolic link to it, in place of another one. NULL after a model_error().
 */
UartEnd *uart_end_pty(PlatypusDevice *dev, const char *link,
                      UartEndReady *ready);
/** Standard input and output; a terminal is raw but for its signals. */
UartEnd *uart_end_stdio(PlatypusDevice *dev, UartEndReady *ready);
/** Before the device goes. Takes NULL. */
void uart_end_free(UartEnd *end);

/** Looks whether somebody has come or gone. */
void uart_end_update(UartEnd *end);
/** Somebody has the pty open; standard input and output always are. */
bool uart_end_present(const UartEnd *end);

/** Up to @room bytes; 0 when there are none now. */
unsigned uart_end_read(UartEnd *end, uint8_t *bytes, unsigned room);
/** False when it has to wait. What nobody would get is lost, and is true. */
bool uart_end_write(UartEnd *end, uint8_t byte);

/** Whether @ready is called for bytes that can be read, or written. */
void uart_end_want(UartEnd *end, bool input, bool output);
