/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "platypus-device.h"

/** PdServer: the listening socket, if there is one. */
typedef struct PdServer {
    int fd; /* -1 */
    char *path;
    dev_t dev; /* which socket we put there */
    ino_t ino;
    bool told_full; /* that there are no more; until somebody comes in */
    int spare;      /* given up to turn somebody away when there are no more */
    int timer;   /* ticks while @paused, or while a client is to say VERSION */
    bool paused; /* nobody can be accepted just now */
} PdServer;

void pd_server_init(PdServer *server);
void pd_server_finish(PdServer *server);
