/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <termios.h>
#include "util/chardev.h"
#include "util/timer.h"

/*
 * Between chardev.c, which moves bytes, and chardev-backend.c, which opens and
 * closes what they move through.
 */
struct Chardev {
    char *label;
    int in_fd;         /* -1: none; may be the same as out_fd */
    int out_fd;        /* -1: none */
    bool out_socket;   /* wants MSG_NOSIGNAL */
    int listen_fd;     /* a server's; -1: none */
    char *unlink_path; /* the listening socket's name, ours to remove */
    char *pty_name;
    bool escapes; /* mon:stdio */
    bool stdio;
    bool null;

    bool open;
    bool closing;     /* a write failed: closed soon, in the main thread */
    bool in_ended;    /* end of input; output goes on */
    bool out_failed;  /* output is dropped; input goes on */
    bool in_paused;   /* can_receive() said 0 */
    bool out_blocked; /* the peer takes nothing now */
    bool starved;     /* a write came up short */
    bool escape_seen;
    bool polls_in; /* what the main loop has been told */
    bool polls_out;

    const ChardevHandlers *handlers;
    void *opaque;

    uint8_t *out; /* CHARDEV_OUTPUT_MAX bytes, used from out_start on */
    size_t out_start;
    size_t out_size;
    Timer flush_timer;  /* of chardev_put() */
    Timer peer_timer;   /* looks for somebody at a pty's terminal side */
    bool accept_failed; /* reported; peer_timer tries again */
};

/* chardev-backend.c; @options loses what was understood. */
bool chardev_backend_open(Chardev *chr, const char *backend,
                          OptionList *options, Error **errp);
/* Takes a peer from the listening socket; false without an error if there was
 * none, with one if it stays there because it cannot be taken now. */
bool chardev_backend_accept(Chardev *chr, Error **errp);
/* True while somebody has the terminal side of a pty open. */
bool chardev_backend_pty_in_use(const Chardev *chr);
/* Closes every descriptor, gives the terminal its mode back. */
void chardev_backend_close(Chardev *chr);
/* The present peer's descriptors alone. */
void chardev_backend_disconnect(Chardev *chr);
