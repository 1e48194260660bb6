/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdClient: the connection, from accept to the end. Requests are served in the
 * order in which they came, one at a time.
 *
 * What would surprise: a client is only marked lost where that is found out,
 * deep in a callback perhaps, and freed when the loop's turn ends. A client
 * that does not read its replies is not read from either, which bounds what we
 * keep for it.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "device.h"

/* So many times at once, at most, lest a client that floods is all we see. */
#define PD_CATCH_UP 16

void pd_client_init(PdClient *client)
{
    *client = (PdClient){0};
    pd_stream_init(&client->stream, -1);
    pd_stream_init(&client->twin, -1);
}

bool pd_client_is_present(const PdClient *client)
{
    return client->stream.fd >= 0;
}

/* ---- coming and going ---- */

void pd_client_lose(PlatypusDevice *dev, const char *fmt, ...)
{
    PdClient *client = &dev->client;
    char text[128];
    va_list args;

    if (client->lost || !pd_client_is_present(client)) {
        return;
    }
    client->lost = true;
    if (fmt) {
        va_start(args, fmt);
        vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
        pd_log_client(dev, "the client is dropped: %s", text);
    }
    /* This the loop hears of, whoever turns it. */
    shutdown(client->stream.fd, SHUT_RDWR);
}

void pd_client_drop(PlatypusDevice *dev, bool tell)
{
    PdClient *client = &dev->client;
    bool negotiated = client->negotiated;
    PdQueued *next;

    for (PdQueued *q = client->queue; q; q = next) {
        next = q->next;
        pd_message_finish(&q->message);
        free(q);
    }
    pd_maps_finish(&client->maps);
    for (unsigned i = 0; i < dev->num_lines; i++) {
        pd_line_forget_client(&dev->lines[i]);
    }
    pd_loop_remove(&dev->loop, client->stream.fd);
    pd_stream_finish(&client->stream);
    pd_stream_finish(&client->twin);
    pd_client_init(client);
    if (tell && negotiated && dev->desc.connected) {
        dev->desc.connected(dev->model, false);
    }
}

/* ---- receiving ---- */

/* What pd_stream_receive() said; true if there may be more. */
static bool pd_client_received(PlatypusDevice *dev, ssize_t n)
{
    if (n == 0) {
        pd_client_lose(dev, NULL);
    } else if (n == -EPROTO) {
        pd_client_lose(dev, "more than %d descriptors at once", PD_MAX_FDS);
    } else if (n < 0 && n != -EAGAIN) {
        pd_client_lose(dev, "%s", strerror(-n));
    }
    return n > 0;
}

/* A message whose header cannot be; what follows it makes no sense. */
static void pd_client_refuse(PlatypusDevice *dev, const PdMessage *message)
{
    VFIOUserHeader header = message->header;

    if (pd_message_is_command(message) && pd_message_wants_reply(message)) {
        header.size = sizeof(header);
        header.flags = VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR;
        header.error = EINVAL;
        pd_client_send(dev, &header, sizeof(header), NULL, 0);
    }
    pd_client_lose(dev, "a message of type %u and %u bytes",
                   message->header.flags & VFIO_USER_FLAG_TYPE,
                   message->header.size);
}

static bool pd_client_serve_queued(PlatypusDevice *dev)
{
    PdClient *client = &dev->client;
    PdQueued *q = client->queue;

    if (!q) {
        return false;
    }
    client->queue = q->next;
    client->num_queued--;
    client->queued_fds -= q->message.num_fds;
    client->queued_bytes -= q->message.header.size;
    pd_request(dev, &q->message);
    pd_message_finish(&q->message);
    free(q);
    return true;
}

static bool pd_client_serve_received(PlatypusDevice *dev)
{
    PdStream *stream = &dev->client.stream;
    PdMessage message;
    int ret = pd_stream_take(stream, &message);
    void *lent;

    if (ret < 0) {
        pd_client_refuse(dev, &message);
    }
    if (ret <= 0) {
        return false;
    }
    lent = pd_stream_lend(stream);
    if (pd_message_is_command(&message)) {
        pd_request(dev, &message);
    } else {
        pd_client_lose(dev, "a reply to nothing");
    }
    pd_message_finish(&message);
    pd_stream_unlend(stream, lent);
    return true;
}

static void pd_client_update_events(PlatypusDevice *dev)
{
    PdClient *client = &dev->client;
    uint32_t events = client->stream.out ? EPOLLOUT : 0;

    if (client->stream.backlog <= PD_MAX_BACKLOG) {
        events |= EPOLLIN;
    }
    if (events != client->events && !client->lost) {
        client->events = events;
        pd_loop_change(&dev->loop, client->stream.fd, events);
    }
}

void pd_client_serve(PlatypusDevice *dev)
{
    PdClient *client = &dev->client;

    while (pd_client_is_present(client) && !client->lost &&
           client->stream.backlog <= PD_MAX_BACKLOG &&
           (pd_client_serve_queued(dev) || pd_client_serve_received(dev))) {
    }
    if (pd_client_is_present(client)) {
        pd_client_update_events(dev);
    }
}

/* All that is whole has been taken, so that more may be received. */
static bool pd_client_may_receive(const PdClient *client)
{
    return pd_client_is_present(client) && !client->lost &&
           client->stream.backlog <= PD_MAX_BACKLOG;
}

void pd_client_catch_up(PlatypusDevice *dev)
{
    PdClient *client = &dev->client;
    bool more = true;

    pd_client_serve(dev);
    for (int i = 0; i < PD_CATCH_UP && more && pd_client_may_receive(client);
         i++) {
        more = pd_client_received(dev, pd_stream_receive(&client->stream));
        pd_client_serve(dev);
    }
}

static void pd_client_ready(PlatypusDevice *dev, const PdSource *source,
                            uint32_t events)
{
    PdClient *client = &dev->client;
    int ret = client->stream.out ? pd_stream_flush(&client->stream) : 0;

    if (ret < 0) {
        pd_client_lose(dev, "%s", strerror(-ret));
    }
    pd_client_serve(dev);
    if (events & ~(uint32_t)EPOLLOUT && pd_client_may_receive(client)) {
        pd_client_received(dev, pd_stream_receive(&client->stream));
        pd_client_serve(dev);
    }
}

int pd_client_accept(PlatypusDevice *dev, int fd)
{
    PdClient *client = &dev->client;
    int ret = pd_loop_add(&dev->loop, fd, EPOLLIN, pd_client_ready);

    if (ret < 0) {
        return ret;
    }
    pd_stream_init(&client->stream, fd);
    client->events = EPOLLIN;
    dev->had_client = true;
    return 0;
}

void pd_client_send(PlatypusDevice *dev, const void *data, size_t size,
                    const int *fds, unsigned num_fds)
{
    PdClient *client = &dev->client;
    int ret;

    if (client->lost) {
        return;
    }
    ret = pd_stream_send(&client->stream, data, size, NULL, 0, fds, num_fds);
    if (ret == -EPIPE || ret == -ECONNRESET) {
        pd_client_lose(dev, NULL);
    } else if (ret < 0) {
        pd_client_lose(dev, "%s", strerror(-ret));
    }
}
