/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "util/error.h"
#include "util/option.h"

/**
 * Chardev: a byte stream to somebody outside (a terminal, a file, a socket),
 * with one user inside (a UART, a monitor, the qtest server).
 *
 * Nothing here blocks once the chardev exists, and a peer that goes away or
 * never reads is no failure: while nobody is there output is dropped; while
 * somebody is slow it is kept up to CHARDEV_OUTPUT_MAX bytes, and then writes
 * come up short until the `writable` handler runs.
 *
 * Thread: all calls and handlers with the machine lock; handlers run in the
 * main thread, but for CHARDEV_OPENED, which chardev_set_handlers() may report
 * itself. SIGPIPE is ignored in the whole process from the first chardev on.
 */
typedef struct Chardev Chardev;

#define CHARDEV_OUTPUT_MAX 65536

typedef enum ChardevEvent {
    CHARDEV_OPENED, /* a peer is there: on registration, or newly connected */
    CHARDEV_CLOSED, /* it has gone; a server waits for the next one */
} ChardevEvent;

/** What the user wants to hear; all optional. */
typedef struct ChardevHandlers {
    /*
     * How many bytes receive() would take now; NULL means any number. After
     * an answer of 0 nothing is read until chardev_accept_input().
     */
    size_t (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const uint8_t *data, size_t size);
    /* There is room again after a write that came up short. */
    void (*writable)(void *opaque);
    void (*event)(void *opaque, ChardevEvent event);
} ChardevHandlers;

/**
 * Opens what @spec says, the argument of -serial, -qtest and the like:
 *
 *   null                    nobody, ever
 *   stdio                   standard input and output; Ctrl-C ends the process
 *   mon:stdio               the same, but all keys go to the user; the escape
 *                           keys are Ctrl-A x (quit, see
 *                           chardev_set_quit_handler), Ctrl-A h (help) and
 *                           Ctrl-A Ctrl-A (a Ctrl-A)
 *   file:PATH               output only; truncated
 *   pty                     a new pseudo terminal; its name is logged
 *   unix:PATH[,server=on|off][,wait=on|off]
 *                           a socket; connects, unless server=on, which
 *                           listens, and with wait=on (the default) blocks
 *                           here until the first peer has come or a signal
 *
 * A comma in PATH is written twice. A terminal is in raw mode from now on to
 * chardev_free() or exit(). @label (copied) names the chardev in messages.
 */
Chardev *chardev_new(const char *label, const char *spec, Error **errp);

/**
 * The same from the options of -chardev, parsed with the implied key
 * "backend": null; stdio[,signal=on|off]; file,path=[,append=on]; pty;
 * socket,path=[,server=][,wait=] or socket,fd= (a connected socket, taken
 * over). Takes the keys that it knows out of @options; `id` may remain, any
 * other that remains is an error.
 */
Chardev *chardev_new_options(const char *label, OptionList *options,
                             Error **errp);

/**
 * Writes what is still buffered (gives up on a peer that takes nothing for
 * two seconds) and closes. A terminal gets its mode back, a listening socket
 * loses its name. The handlers are not called. NULL is fine. Not from within
 * one of its own handlers.
 */
void chardev_free(Chardev *chr);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Chardev, chardev_free)

const char *chardev_label(const Chardev *chr);

/** The file name of a pty's terminal side; NULL for the other kinds. */
const char *chardev_pty_name(const Chardev *chr);

/** True while a peer is there (always, for files and stdio). */
bool chardev_is_open(const Chardev *chr);

/**
 * Registers the one user; NULL unregisters it. @handlers stays the caller's
 * and must live until then. Reports CHARDEV_OPENED before it returns when the
 * chardev is open already. Without a user input is left unread.
 */
void chardev_set_handlers(Chardev *chr, const ChardevHandlers *handlers,
                          void *opaque);

/** can_receive() may say more than 0 again. */
void chardev_accept_input(Chardev *chr);

/**
 * Sends @size bytes as soon as the peer takes them; returns how many were
 * taken, which is less than @size only when the buffer is full. Bytes for a
 * chardev that is not open are dropped and count as taken.
 */
size_t chardev_write(Chardev *chr, const void *data, size_t size);

/**
 * One byte of a stream that comes byte by byte (a UART's): goes out with the
 * next newline, chardev_write(), chardev_free() or a few milliseconds later,
 * whichever is first, so that a line costs one system call. False when there
 * is no room: the byte was not taken.
 */
bool chardev_put(Chardev *chr, uint8_t byte);

/** False: the next chardev_put() would not be taken. */
bool chardev_has_room(const Chardev *chr);

/** What Ctrl-A x does; for system/. Called in the main thread. */
void chardev_set_quit_handler(void (*quit)(void));
