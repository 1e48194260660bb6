/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdServer: the listening socket. A socket file that nobody listens on is what
 * a server that was killed leaves behind; only that is replaced, and only what
 * we put there is removed. It is ours alone (0600), whatever the umask.
 *
 * What would surprise: when the process has no descriptor left, accept() fails
 * and leaves the caller in the queue, which would turn the loop for ever; one
 * descriptor is kept to turn such callers away with. Whatever else accept()
 * says, it is asked again after a tick only. And who comes holds the place of
 * the one client, so it has a few ticks to say who it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "device.h"

#define PD_BACKLOG 8
#define PD_TICK_S 1
#define PD_PATIENCE 5 /* ticks until VERSION */

void pd_server_init(PdServer *server)
{
    *server = (PdServer){.fd = -1, .spare = -1, .timer = -1};
}

/* Not if somebody else put another one there. */
static void pd_server_unlink(PdServer *server)
{
    struct stat info;

    if (lstat(server->path, &info) == 0 && info.st_dev == server->dev &&
        info.st_ino == server->ino) {
        unlink(server->path);
    }
}

void pd_server_finish(PdServer *server)
{
    if (server->path) {
        pd_server_unlink(server);
    }
    if (server->fd >= 0) {
        close(server->fd);
    }
    if (server->spare >= 0) {
        close(server->spare);
    }
    if (server->timer >= 0) {
        close(server->timer);
    }
    free(server->path);
    pd_server_init(server);
}

/* ---- time ---- */

static void pd_server_set_timer(PdServer *server, time_t seconds)
{
    const struct timespec tick = {.tv_sec = seconds};
    const struct itimerspec period = {tick, tick};

    timerfd_settime(server->timer, 0, &period, NULL);
}

static void pd_server_pause(PlatypusDevice *dev)
{
    dev->server.paused = true;
    pd_loop_change(&dev->loop, dev->server.fd, 0);
    pd_server_set_timer(&dev->server, PD_TICK_S);
}

static int pd_server_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pd_server_resume(PlatypusDevice *dev)
{
    PdServer *server = &dev->server;

    server->paused = false;
    if (server->spare < 0) {
        server->spare = pd_server_spare();
    }
    pd_loop_change(&dev->loop, server->fd, EPOLLIN);
}

static void pd_server_tick(PlatypusDevice *dev, const PdSource *source,
                           uint32_t events)
{
    PdClient *client = &dev->client;
    uint64_t count;

    (void)!read(source->fd, &count, sizeof(count));
    if (dev->server.paused) {
        pd_server_resume(dev);
    }
    if (client->patience > 0 && --client->patience == 0) {
        pd_client_lose(dev, "it does not say its VERSION");
    }
    if (client->patience == 0) {
        pd_server_set_timer(&dev->server, 0);
    }
}

/* ---- accepting ---- */

static void pd_server_turn_away(PlatypusDevice *dev, int fd)
{
    close(fd);
    if (!dev->client.turned_away) {
        dev->client.turned_away = true;
        pd_log_client(dev, "somebody else is turned away: there is a client");
    }
}

static bool pd_server_use_spare(PdServer *server)
{
    int fd;

    if (server->spare < 0) {
        return false;
    }
    close(server->spare);
    fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) {
        close(fd);
    }
    server->spare = pd_server_spare();
    return fd >= 0;
}

static void pd_server_no_accept(PlatypusDevice *dev, int err)
{
    PdServer *server = &dev->server;
    bool full = err == EMFILE || err == ENFILE;

    if (!server->told_full) {
        server->told_full = true;
        pd_log_client(dev, "no client can come: %s",
                      full ? "no descriptor is left" : strerror(err));
    }
    if (!full || !pd_server_use_spare(server)) {
        pd_server_pause(dev);
    }
}

/* The client has hung up, and the loop is about to hear of it. */
static bool pd_client_is_leaving(const PdClient *client)
{
    struct pollfd hangup = {.fd = client->stream.fd};

    return pd_client_is_present(client) && poll(&hangup, 1, 0) == 1;
}

static void pd_server_ready(PlatypusDevice *dev, const PdSource *source,
                            uint32_t events)
{
    PdServer *server = &dev->server;
    int fd, ret;

    /* Who comes when the client has just left waits for the next turn. */
    if (pd_client_is_leaving(&dev->client)) {
        return;
    }
    fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            pd_server_no_accept(dev, errno);
        }
        return;
    }
    if (pd_client_is_present(&dev->client)) {
        pd_server_turn_away(dev, fd);
        return;
    }
    ret = pd_client_accept(dev, fd);
    if (ret < 0) {
        close(fd);
        pd_server_no_accept(dev, -ret);
        return;
    }
    server->told_full = false;
    dev->client.patience = PD_PATIENCE;
    pd_server_set_timer(server, PD_TICK_S);
}

/* ---- listening ---- */

/*
 * 0 if @address is a socket that nobody has any more. Asked by a socket of
 * another type, which cannot connect (EPROTOTYPE), so that who listens there
 * does not hear of it.
 */
static int pd_check_stale(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct stat info;
    int ret;

    if (fd < 0) {
        return -errno;
    }
    ret = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0
              ? -errno
              : 0;
    close(fd);
    if (lstat(address->sun_path, &info) == 0 && !S_ISSOCK(info.st_mode)) {
        return -EEXIST;
    }
    return ret == 0 || ret == -EPROTOTYPE ? -EADDRINUSE
           : ret == -ECONNREFUSED         ? 0
                                          : ret;
}

static int pd_bind(int fd, const struct sockaddr_un *address)
{
    return bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0
               ? -errno
               : 0;
}

/* Binds @fd, in the place of a stale socket if need be. */
static int pd_server_bind(int fd, const struct sockaddr_un *address)
{
    int ret;

    /* The mode of the file to be, since bind() is too late for a chmod(). */
    if (fchmod(fd, 0600) < 0) {
        return -errno;
    }
    ret = pd_bind(fd, address);
    if (ret != -EADDRINUSE) {
        return ret;
    }
    ret = pd_check_stale(address);
    if (ret < 0) {
        return ret;
    }
    unlink(address->sun_path);
    return pd_bind(fd, address);
}

static int pd_server_open(PdServer *server, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat info;
    int ret;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return -ENAMETOOLONG;
    }
    if (path[0] == '\0') {
        return -EINVAL;
    }
    strcpy(address.sun_path, path);
    server->path = strdup(path);
    server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (!server->path || server->fd < 0 || server->timer < 0) {
        return -errno;
    }
    ret = pd_server_bind(server->fd, &address);
    if (ret < 0) {
        return ret;
    }
    /* From here on finish() knows what is ours to remove. */
    if (lstat(path, &info) < 0) {
        ret = -errno;
        unlink(path);
        return ret;
    }
    server->dev = info.st_dev;
    server->ino = info.st_ino;
    server->spare = pd_server_spare();
    return listen(server->fd, PD_BACKLOG) < 0 ? -errno : 0;
}

static const char *pd_listen_error(int err)
{
    switch (err) {
    case EADDRINUSE:
        return "somebody listens there already";
    case EEXIST:
        return "there is a file, which is not a socket";
    case ENAMETOOLONG:
        return "the path of a socket has at most 107 bytes";
    default:
        return strerror(err);
    }
}

int platypus_device_listen(PlatypusDevice *dev, const char *path)
{
    int ret = dev->server.fd < 0 ? 0 : -EBUSY;

    if (ret < 0) {
        return ret;
    }
    ret = pd_server_open(&dev->server, path);
    if (ret == 0) {
        ret = pd_loop_add(&dev->loop, dev->server.fd, EPOLLIN, pd_server_ready);
    }
    if (ret == 0) {
        ret =
            pd_loop_add(&dev->loop, dev->server.timer, EPOLLIN, pd_server_tick);
    }
    if (ret < 0) {
        pd_log(dev, "cannot listen on '%s': %s", path, pd_listen_error(-ret));
        pd_loop_remove(&dev->loop, dev->server.fd);
        pd_server_finish(&dev->server);
    }
    return ret;
}

int platypus_device_attach(PlatypusDevice *dev, int fd)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0) {
        return -errno;
    }
    if (pd_client_is_present(&dev->client)) {
        return -EBUSY;
    }
    fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
    return pd_client_accept(dev, fd);
}
