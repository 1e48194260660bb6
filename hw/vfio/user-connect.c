/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the path of a socket to a connection and all that the server says of
 * its device. At the start that is done at once; later, when a server has to
 * come back, in a thread that lives as long as one attempt: a server that
 * accepts and then says nothing must not keep the main loop waiting.
 *
 * What would surprise: connect() on a socket file never waits but for a place
 * in the listener's queue, and not even that without blocking: EAGAIN then.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "host-user.h"
#include "util/fd.h"
#include "util/main-loop.h"

void user_link_finish(UserLink *link)
{
    g_clear_pointer(&link->conn, user_conn_free);
    g_clear_pointer(&link->device, user_device_free);
}

static int user_socket_new(Error **errp)
{
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (sock < 0) {
        error_setg_errno(errp, errno, "cannot make a socket");
    }
    return sock;
}

/* What connect() says of a file that exists is little; @err is errno. */
static void user_socket_error(const char *path, int err, Error **errp)
{
    struct stat st;

    if (err == EACCES || err == EPERM) {
        error_setg(errp, "no permission to connect; try: ls -l on it and its "
                         "folder, or run as the user of the server");
    } else if (stat(path, &st) < 0) {
        error_setg_errno(errp, errno, "no socket to connect to");
        error_append(errp, "; start the server first");
    } else if (!S_ISSOCK(st.st_mode)) {
        error_setg(errp, "not a socket; try: the path that the server was "
                         "started with");
    } else if (err == ECONNREFUSED) {
        error_setg(errp, "nobody listens there; the server has ended, start "
                         "it again");
    } else if (err == EAGAIN) {
        error_setg(errp, "the server does not accept anybody and its queue is "
                         "full; does it hang?");
    } else {
        error_setg_errno(errp, err, "cannot connect");
    }
}

static bool user_socket_connect(int sock, const char *path, Error **errp)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(addr.sun_path)) {
        error_setg(errp,
                   "the path is longer than a socket's can be, %zu bytes; "
                   "try: a shorter one",
                   sizeof(addr.sun_path) - 1);
        return false;
    }
    strcpy(addr.sun_path, path);
    if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        user_socket_error(path, errno, errp);
        return false;
    }
    return true;
}

/* @sock is connected, and taken in any case. */
static bool user_link_make(const UserTarget *target, int sock, UserLink *link,
                           Error **errp)
{
    link->conn = user_conn_new(sock, target->timeout_ms, target->client,
                               target->opaque, errp);
    if (!link->conn) {
        return false;
    }
    link->device = user_device_read(link->conn, target->no_mmap, errp);
    return link->device;
}

bool user_connect(const UserTarget *target, UserLink *link, Error **errp)
{
    autofd int sock = user_socket_new(errp);

    *link = (UserLink){0};
    if (sock < 0 || !user_socket_connect(sock, target->socket, errp)) {
        return false;
    }
    if (!user_link_make(target, fd_steal(&sock), link, errp)) {
        user_link_finish(link);
        return false;
    }
    return true;
}

/* ---- in a thread ---- */

static void user_attempt_run(UserAttempt *attempt)
{
    autofd int sock = fd_steal(&attempt->sock);

    if (!user_socket_connect(sock, attempt->target->socket, &attempt->err)) {
        return;
    }
    /* From here on a hang-up ends every wait; before it there is none. */
    if (atomic_load(&attempt->cancelled)) {
        error_setg(&attempt->err, "cancelled");
        return;
    }
    if (!user_link_make(attempt->target, fd_steal(&sock), &attempt->link,
                        &attempt->err)) {
        user_link_finish(&attempt->link);
    }
}

static void *user_attempt_thread(void *opaque)
{
    UserAttempt *attempt = opaque;

    user_attempt_run(attempt);
    main_loop_schedule(attempt->done, attempt->target->opaque);
    return NULL;
}

bool user_attempt_start(UserAttempt *attempt, const UserTarget *target,
                        void (*done)(void *opaque), Error **errp)
{
    sigset_t all, old;
    int err;

    g_assert(!attempt->running);
    *attempt = (UserAttempt){
        .target = target,
        .done = done,
        .sock = user_socket_new(errp),
        .hang_up = -1,
    };
    if (attempt->sock < 0) {
        return false;
    }
    attempt->hang_up = fcntl(attempt->sock, F_DUPFD_CLOEXEC, 0);
    if (attempt->hang_up < 0) {
        error_setg_errno(errp, errno, "cannot copy a descriptor");
        fd_close(&attempt->sock);
        return false;
    }
    /* The process's signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&attempt->thread, NULL, user_attempt_thread, attempt);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        error_setg_errno(errp, err, "cannot start a thread");
        fd_close(&attempt->sock);
        fd_close(&attempt->hang_up);
        return false;
    }
    attempt->running = true;
    return true;
}

bool user_attempt_take(UserAttempt *attempt, UserLink *link, Error **errp)
{
    pthread_join(attempt->thread, NULL);
    attempt->running = false;
    fd_close(&attempt->hang_up);
    *link = attempt->link;
    attempt->link = (UserLink){0};
    if (!link->conn) {
        error_propagate(errp, g_steal_pointer(&attempt->err));
        return false;
    }
    return true;
}

void user_attempt_cancel(UserAttempt *attempt)
{
    UserLink link;

    if (attempt->running) {
        atomic_store(&attempt->cancelled, true);
        shutdown(attempt->hang_up, SHUT_RDWR);
        if (user_attempt_take(attempt, &link, NULL)) {
            user_link_finish(&link);
        }
    }
}
