/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pd_client_call(): a command of ours and the wait for its reply, on the twin
 * socket if the client has one. Without, the client's own commands may come
 * first: they are copied to the queue of what is to be served, which is
 * bounded, because a client that does not know our command sends for ever.
 *
 * What would surprise: this runs in the middle of a request, whose payload is
 * still in use; nothing is served here.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

static void pd_client_queue(PlatypusDevice *dev, PdMessage *message)
{
    PdClient *client = &dev->client;
    PdQueued *q = NULL;

    if (client->num_queued < PD_MAX_QUEUED &&
        client->queued_fds + message->num_fds <= PD_MAX_QUEUED_FDS &&
        client->queued_bytes + message->header.size <= PD_MAX_QUEUED_BYTES) {
        q = malloc(sizeof(*q) + message->size);
    }
    if (!q) {
        pd_client_lose(dev, "it sends and sends instead of a reply");
        pd_message_finish(message);
        return;
    }
    q->next = NULL;
    q->message = *message;
    q->message.payload = q->payload;
    memcpy(q->payload, message->payload, message->size);
    if (client->queue) {
        client->last_queued->next = q;
    } else {
        client->queue = q;
    }
    client->last_queued = q;
    client->num_queued++;
    client->queued_fds += message->num_fds;
    client->queued_bytes += message->header.size;
}

/*
 * Whether @reply is as it should be. The specification's reply to DMA_WRITE
 * ends in the lower half of the count; others send all of it.
 */
static bool pd_call_is_answered(const PdCall *call, uint16_t id,
                                const PdMessage *reply)
{
    VFIOUserDmaAccess access = {0};
    bool write = call->command == VFIO_USER_DMA_WRITE;
    size_t size = sizeof(access) + (write ? 0 : call->access.count);

    if (reply->header.id != id || reply->header.command != call->command) {
        return false;
    }
    if (reply->header.flags & VFIO_USER_FLAG_ERROR) {
        return true;
    }
    if (reply->size != size &&
        !(write && reply->size == size - sizeof(uint32_t))) {
        return false;
    }
    memcpy(&access, reply->payload,
           reply->size < sizeof(access) ? reply->size : sizeof(access));
    return access.iova == call->access.iova &&
           access.count == call->access.count;
}

static int pd_call_finish(const PdCall *call, const PdMessage *reply)
{
    uint32_t error = reply->header.error;

    if (reply->header.flags & VFIO_USER_FLAG_ERROR) {
        return error > 0 && error < 4096 ? -(int)error : -EIO;
    }
    if (call->in) {
        memcpy(call->in, reply->payload + sizeof(call->access),
               call->access.count);
    }
    return 0;
}

/* Looks for the reply among what was received; 1: not there yet. */
static int pd_call_look(PlatypusDevice *dev, PdStream *stream,
                        const PdCall *call, uint16_t id)
{
    bool is_twin = stream == &dev->client.twin;
    PdMessage message;
    int ret = 1;

    while (!dev->client.lost && ret == 1) {
        ret = pd_stream_take(stream, &message);
        if (ret == 0) {
            return 1;
        }
        if (ret == 1 && pd_message_is_command(&message) && !is_twin) {
            pd_client_queue(dev, &message);
        } else if (ret == 1 && !pd_message_is_command(&message) &&
                   pd_call_is_answered(call, id, &message)) {
            ret = pd_call_finish(call, &message);
            pd_message_finish(&message);
        } else {
            pd_client_lose(dev, "a wrong reply to a DMA command");
            pd_message_finish(&message);
        }
    }
    return dev->client.lost ? -ENOTCONN : ret;
}

/* Waits until something can be sent or received, and does that. 0 or -errno. */
static int pd_call_wait(PlatypusDevice *dev, PdStream *stream, int64_t deadline)
{
    PdClient *client = &dev->client;
    int64_t left = deadline - pd_now_ms();
    struct pollfd fds[2] = {
        {.fd = stream->fd, .events = POLLIN | (stream->out ? POLLOUT : 0)},
        /* For no event: then it tells of a hang-up only. */
        {.fd = client->stream.fd, .events = 0},
    };
    int ret = poll(fds, stream == &client->twin ? 2 : 1, left > 0 ? left : 0);
    ssize_t n;

    if (ret <= 0) {
        return ret < 0 && errno != EINTR ? -errno : left > 0 ? 0 : -ETIMEDOUT;
    }
    if (fds[1].revents != 0) {
        return -ENOTCONN;
    }
    if (fds[0].revents & POLLOUT) {
        ret = pd_stream_flush(stream);
        if (ret < 0) {
            return ret;
        }
    }
    if (!(fds[0].revents & ~POLLOUT)) {
        return 0;
    }
    n = pd_stream_receive(stream);
    return n > 0 || n == -EAGAIN ? 0 : n == 0 ? -ENOTCONN : n;
}

static int pd_call_send(PlatypusDevice *dev, PdStream *stream,
                        const PdCall *call, uint16_t id)
{
    struct {
        VFIOUserHeader header;
        VFIOUserDmaAccess access;
    } head = {
        .header = {.id = id, .command = call->command, .size = sizeof(head)},
        .access = call->access,
    };
    size_t out_size = call->out ? call->access.count : 0;

    head.header.size += out_size;
    return pd_stream_send(stream, &head, sizeof(head), call->out, out_size,
                          NULL, 0);
}

static int pd_call_run(PlatypusDevice *dev, PdStream *stream,
                       const PdCall *call)
{
    int64_t deadline = pd_now_ms() + dev->dma_timeout_ms;
    uint16_t id = dev->client.next_id++;
    int ret = pd_call_send(dev, stream, call, id);

    while (ret == 0) {
        ret = pd_call_look(dev, stream, call, id);
        if (ret <= 0) {
            return ret;
        }
        ret = pd_call_wait(dev, stream, deadline);
    }
    if (ret == -ENOTCONN) {
        pd_client_lose(dev, NULL);
    } else if (ret == -ETIMEDOUT) {
        pd_client_lose(dev, "no reply to a DMA command within %u ms",
                       dev->dma_timeout_ms);
    } else {
        pd_client_lose(dev, "DMA: %s", strerror(-ret));
        ret = -ENOTCONN;
    }
    return ret;
}

int pd_client_call(PlatypusDevice *dev, const PdCall *call)
{
    PdClient *client = &dev->client;
    bool twin = client->twin.fd >= 0;
    int ret;

    if (!client->negotiated || client->lost) {
        return -ENOTCONN;
    }
    ret = pd_call_run(dev, twin ? &client->twin : &client->stream, call);
    /* What has been received meanwhile makes nothing readable. */
    if (!dev->busy && !twin) {
        pd_wake(dev);
    }
    return ret;
}
