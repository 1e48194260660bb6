/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the jobs' clients share: the way to a machine that may still start.
 */
#include "connect-soon.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int try_connect(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int connect_soon(const char *path)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    int fd = -1;

    for (int i = 0; i < 200 && fd < 0; i++) {
        fd = try_connect(path);
        if (fd < 0) {
            nanosleep(&pause, NULL);
        }
    }
    return fd;
}
