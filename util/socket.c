/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets. Names of hosts are not looked up: a static program cannot do that
 * everywhere, and to listen, an address of this machine is what is wanted.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/socket.h"

bool socket_unix_address(const char *path, struct sockaddr_un *addr,
                         Error **errp)
{
    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(addr->sun_path)) {
        error_setg(errp,
                   "socket '%s': a name of %zu bytes is too long; at most %zu",
                   path, strlen(path), sizeof(addr->sun_path) - 1);
        return false;
    }
    strcpy(addr->sun_path, path);
    return true;
}

int socket_new(int family, Error **errp)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot make a socket");
    }
    return fd;
}

/* Removes a socket that a server left behind; false if one listens there. */
static bool remove_stale(const struct sockaddr_un *addr)
{
    autofd int fd = socket_new(AF_UNIX, NULL);
    struct stat st;

    return fd >= 0 && !stat(addr->sun_path, &st) && S_ISSOCK(st.st_mode) &&
           connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) &&
           errno == ECONNREFUSED && !unlink(addr->sun_path);
}

int socket_listen_unix(const char *path, Error **errp)
{
    struct sockaddr_un addr;
    autofd int fd = -1;
    int rc;

    if (!socket_unix_address(path, &addr, errp)) {
        return -1;
    }
    fd = socket_new(AF_UNIX, errp);
    if (fd < 0) {
        return -1;
    }
    rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
    if (rc && errno == EADDRINUSE) {
        if (!remove_stale(&addr)) {
            error_setg(errp, "socket '%s' is in use; give another name", path);
            return -1;
        }
        rc = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
    }
    if (rc || listen(fd, 1)) {
        error_setg_errno(errp, errno, "cannot listen at socket '%s'", path);
        if (!rc) {
            unlink(path);
        }
        return -1;
    }
    return fd_steal(&fd);
}

typedef union AnyAddress {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} AnyAddress;

/* The address's size, or 0. */
static socklen_t parse_address(const char *host, uint16_t port,
                               AnyAddress *addr)
{
    if (!*host || strcmp(host, "localhost") == 0) {
        host = "127.0.0.1";
    }
    memset(addr, 0, sizeof(*addr));
    if (inet_pton(AF_INET, host, &addr->v4.sin_addr) == 1) {
        addr->v4.sin_family = AF_INET;
        addr->v4.sin_port = htons(port);
        return sizeof(addr->v4);
    }
    if (inet_pton(AF_INET6, host, &addr->v6.sin6_addr) == 1) {
        addr->v6.sin6_family = AF_INET6;
        addr->v6.sin6_port = htons(port);
        return sizeof(addr->v6);
    }
    return 0;
}

int socket_listen_tcp(const char *host, uint16_t port, Error **errp)
{
    AnyAddress addr;
    socklen_t size = parse_address(host, port, &addr);
    autofd int fd = -1;
    int on = 1;

    if (!size) {
        error_setg(errp,
                   "'%s' is not a numeric address; try: 127.0.0.1, or none",
                   host);
        return -1;
    }
    fd = socket_new(addr.any.sa_family, errp);
    if (fd < 0) {
        return -1;
    }
    /* What was connected to this port a minute ago is no hindrance. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(fd, &addr.any, size) || listen(fd, 1)) {
        error_setg_errno(errp, errno, "cannot listen at TCP port %u", port);
        return -1;
    }
    return fd_steal(&fd);
}
