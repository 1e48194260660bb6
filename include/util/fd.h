/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <unistd.h>

/*
 * File descriptors with an owner: `autofd int fd = open(...)` is closed at the
 * end of the scope unless fd_steal() took it. -1 means "none".
 */
static inline void fd_close(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static inline int fd_steal(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

#define autofd __attribute__((cleanup(fd_close), unused))
