/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest server: a session for each peer of a chardev, one after the other,
 * and the log that all of them share. Interceptors go with the session, so a
 * test that comes next starts with lines as they were.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "system/channel.h"
#include "system/qtest.h"
#include "util/fd.h"

struct QtestServer {
    Channel channel;
    int log_fd;
    QtestSession *session;
};

static void write_reply(void *opaque, const char *data, size_t size)
{
    QtestServer *server = opaque;

    channel_write(&server->channel, data, size);
}

static void opened(void *opaque)
{
    QtestServer *server = opaque;

    qtest_session_free(server->session);
    server->session = qtest_session_new(write_reply, server, server->log_fd);
}

static void closed(void *opaque)
{
    QtestServer *server = opaque;

    g_clear_pointer(&server->session, qtest_session_free);
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
    QtestServer *server = opaque;

    qtest_session_feed(server->session, data, size);
}

static const ChannelHandlers handlers = {
    .opened = opened,
    .closed = closed,
    .receive = receive,
};

QtestServer *qtest_server_new(Chardev *chr, const char *log_path, Error **errp)
{
    autofd int log_fd = -1;
    QtestServer *server;

    if (log_path && strcmp(log_path, "none") != 0) {
        log_fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (log_fd < 0) {
            error_setg_errno(errp, errno, "-qtest-log: %s", log_path);
            return NULL;
        }
    }
    server = g_new0(QtestServer, 1);
    server->log_fd = fd_steal(&log_fd);
    channel_init(&server->channel, chr, &handlers, server);
    return server;
}

void qtest_server_free(QtestServer *server)
{
    if (server) {
        channel_finish(&server->channel);
        qtest_session_free(server->session);
        fd_close(&server->log_fd);
        g_free(server);
    }
}
