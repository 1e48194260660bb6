/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of a client: one handler each, which checks the payload, does
 * it, and fills the reply. A handler's -errno becomes an error reply. Before
 * VERSION nothing else is answered, and whoever fails at that is dropped.
 *
 * Structures may be longer than what we know (argsz is for that), so only the
 * least size of a payload is required, except where data follow.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"

typedef int PdHandler(PlatypusDevice *dev, PdMessage *message, PdReply *reply);

void *pd_reply_alloc(PlatypusDevice *dev, PdReply *reply, size_t size)
{
    size_t total = sizeof(VFIOUserHeader) + size;
    uint8_t *grown;

    if (total > dev->reply_capacity) {
        grown = realloc(dev->reply, total);
        if (!grown) {
            return NULL;
        }
        dev->reply = grown;
        dev->reply_capacity = total;
    }
    reply->payload = dev->reply + sizeof(VFIOUserHeader);
    reply->size = size;
    return memset(reply->payload, 0, size);
}

static int pd_reply_copy(PlatypusDevice *dev, PdReply *reply, const void *data,
                         size_t size)
{
    void *payload = pd_reply_alloc(dev, reply, size);

    if (!payload) {
        return -ENOMEM;
    }
    memcpy(payload, data, size);
    return 0;
}

/* ---- VERSION ---- */

/* Our end becomes the twin, the client's goes with the reply. */
static int pd_make_twin(PdClient *client, PdReply *reply)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        return -errno;
    }
    pd_stream_init(&client->twin, ends[0]);
    reply->fds[reply->num_fds++] = reply->owned_fd = ends[1];
    return 0;
}

static int pd_handle_version(PlatypusDevice *dev, PdMessage *message,
                             PdReply *reply)
{
    PdClient *client = &dev->client;
    size_t json = message->size - sizeof(VFIOUserVersion);
    const char *text = (const char *)message->payload + sizeof(VFIOUserVersion);
    VFIOUserVersion version;
    struct {
        VFIOUserVersion version;
        char caps[PD_CAPS_TEXT];
    } out;
    bool twin;

    memcpy(&version, message->payload, sizeof(version));
    if (client->negotiated || version.major != VFIO_USER_MAJOR ||
        !pd_message_wants_reply(message) ||
        (json > 0 && text[json - 1] != '\0') || json == 1 ||
        !pd_caps_parse(&client->caps, text, json > 0 ? json - 1 : 0)) {
        return -EINVAL;
    }
    out.version.major = VFIO_USER_MAJOR;
    out.version.minor =
        version.minor < VFIO_USER_MINOR ? version.minor : VFIO_USER_MINOR;
    /* Without one the main socket does. */
    twin = client->caps.twin_socket && client->caps.max_msg_fds > 0 &&
           pd_make_twin(client, reply) == 0;
    client->negotiated = true;
    client->patience = 0;
    return pd_reply_copy(dev, reply, &out,
                         sizeof(out.version) + pd_caps_print(out.caps, twin));
}

/* ---- what there is ---- */

static int pd_handle_info(PlatypusDevice *dev, PdMessage *message,
                          PdReply *reply)
{
    VFIOUserDeviceInfo info;

    memcpy(&info, message->payload, sizeof(info));
    if (info.argsz < sizeof(info)) {
        return -EINVAL;
    }
    info = (VFIOUserDeviceInfo){
        .argsz = sizeof(info),
        .flags = VFIO_USER_DEVICE_PLATFORM |
                 (dev->desc.reset ? VFIO_USER_DEVICE_RESETTABLE : 0),
        .num_regions = dev->num_regions,
        .num_irqs = dev->num_lines,
    };
    return pd_reply_copy(dev, reply, &info, sizeof(info));
}

static int pd_handle_region_info(PlatypusDevice *dev, PdMessage *message,
                                 PdReply *reply)
{
    return pd_region_info(dev, message, reply);
}

static int pd_handle_io_fds(PlatypusDevice *dev, PdMessage *message,
                            PdReply *reply)
{
    return pd_region_io_fds(dev, message, reply);
}

static int pd_handle_irq_info(PlatypusDevice *dev, PdMessage *message,
                              PdReply *reply)
{
    VFIOUserIrqInfo info;

    memcpy(&info, message->payload, sizeof(info));
    if (info.argsz < sizeof(info) || info.index >= dev->num_lines) {
        return -EINVAL;
    }
    info.argsz = sizeof(info);
    info.count = 1;
    info.flags = VFIO_USER_IRQ_F_EVENTFD;
    if (!dev->lines[info.index].edge) {
        info.flags |= VFIO_USER_IRQ_F_MASKABLE | VFIO_USER_IRQ_F_AUTOMASKED;
    }
    return pd_reply_copy(dev, reply, &info, sizeof(info));
}

/* ---- what to do ---- */

static int pd_handle_set_irqs(PlatypusDevice *dev, PdMessage *message,
                              PdReply *reply)
{
    return pd_lines_set(dev->lines, dev->num_lines, message);
}

static int pd_handle_dma_map(PlatypusDevice *dev, PdMessage *message,
                             PdReply *reply)
{
    const char *why = NULL;
    int ret = pd_maps_map(&dev->client.maps, message, &why);

    if (why && !dev->client.told_unshared) {
        dev->client.told_unshared = true;
        pd_log_client(
            dev, "the client's memory is not mapped: %s; DMA is by message",
            why);
    }
    return ret;
}

static int pd_handle_dma_unmap(PlatypusDevice *dev, PdMessage *message,
                               PdReply *reply)
{
    int ret = pd_maps_unmap(&dev->client.maps, message);

    return ret < 0 ? ret
                   : pd_reply_copy(dev, reply, message->payload,
                                   sizeof(VFIOUserDmaUnmap));
}

static int pd_handle_read(PlatypusDevice *dev, PdMessage *message,
                          PdReply *reply)
{
    VFIOUserRegionAccess access;
    uint8_t *payload;

    memcpy(&access, message->payload, sizeof(access));
    if (access.count > PD_MAX_DATA_XFER_SIZE) {
        return -EINVAL;
    }
    payload = pd_reply_alloc(dev, reply, sizeof(access) + access.count);
    if (!payload) {
        return -ENOMEM;
    }
    memcpy(payload, &access, sizeof(access));
    return pd_region_read(dev, access.region, access.offset,
                          payload + sizeof(access), access.count);
}

static int pd_handle_write(PlatypusDevice *dev, PdMessage *message,
                           PdReply *reply)
{
    VFIOUserRegionAccess access;
    int ret;

    memcpy(&access, message->payload, sizeof(access));
    if (message->size - sizeof(access) != access.count) {
        return -EINVAL;
    }
    ret = pd_region_write(dev, access.region, access.offset,
                          message->payload + sizeof(access), access.count);
    return ret < 0 ? ret : pd_reply_copy(dev, reply, &access, sizeof(access));
}

/*
 * In order; one that is refused is lost, as it would be alone, and the others
 * are made. The reply says how many were.
 */
static int pd_handle_write_multi(PlatypusDevice *dev, PdMessage *message,
                                 PdReply *reply)
{
    VFIOUserWriteMulti multi;
    VFIOUserWrite write;
    uint64_t done = 0;

    memcpy(&multi, message->payload, sizeof(multi));
    if (multi.count != (message->size - sizeof(multi)) / sizeof(write) ||
        (message->size - sizeof(multi)) % sizeof(write) != 0) {
        return -EINVAL;
    }
    for (uint64_t i = 0; i < multi.count; i++) {
        memcpy(&write, message->payload + sizeof(multi) + i * sizeof(write),
               sizeof(write));
        if (write.count <= sizeof(write.data) &&
            pd_region_write(dev, write.region, write.offset, write.data,
                            write.count) == 0) {
            done++;
        }
    }
    multi.count = done;
    return pd_reply_copy(dev, reply, &multi, sizeof(multi));
}

static int pd_handle_reset(PlatypusDevice *dev, PdMessage *message,
                           PdReply *reply)
{
    if (!dev->desc.reset) {
        return -ENOTSUP;
    }
    dev->desc.reset(dev->model);
    return 0;
}

static const struct {
    PdHandler *handle;
    size_t min_size;
} pd_handlers[] = {
    [VFIO_USER_VERSION] = {pd_handle_version, sizeof(VFIOUserVersion)},
    [VFIO_USER_DMA_MAP] = {pd_handle_dma_map, sizeof(VFIOUserDmaMap)},
    [VFIO_USER_DMA_UNMAP] = {pd_handle_dma_unmap, sizeof(VFIOUserDmaUnmap)},
    [VFIO_USER_DEVICE_GET_INFO] = {pd_handle_info, sizeof(VFIOUserDeviceInfo)},
    [VFIO_USER_DEVICE_GET_REGION_INFO] = {pd_handle_region_info,
                                          sizeof(VFIOUserRegionInfo)},
    [VFIO_USER_DEVICE_GET_REGION_IO_FDS] = {pd_handle_io_fds,
                                            sizeof(VFIOUserIoFds)},
    [VFIO_USER_DEVICE_GET_IRQ_INFO] = {pd_handle_irq_info,
                                       sizeof(VFIOUserIrqInfo)},
    [VFIO_USER_DEVICE_SET_IRQS] = {pd_handle_set_irqs, sizeof(VFIOUserIrqSet)},
    [VFIO_USER_REGION_READ] = {pd_handle_read, sizeof(VFIOUserRegionAccess)},
    [VFIO_USER_REGION_WRITE] = {pd_handle_write, sizeof(VFIOUserRegionAccess)},
    [VFIO_USER_DEVICE_RESET] = {pd_handle_reset, 0},
    [VFIO_USER_REGION_WRITE_MULTI] = {pd_handle_write_multi,
                                      sizeof(VFIOUserWriteMulti)},
};

/* ---- the frame around them ---- */

static int pd_handle(PlatypusDevice *dev, PdMessage *message, PdReply *reply)
{
    unsigned command = message->header.command;

    if (!dev->client.negotiated && command != VFIO_USER_VERSION) {
        return -EINVAL;
    }
    if (command >= sizeof(pd_handlers) / sizeof(pd_handlers[0]) ||
        !pd_handlers[command].handle) {
        return -ENOTSUP;
    }
    if (message->size < pd_handlers[command].min_size) {
        return -EINVAL;
    }
    return pd_handlers[command].handle(dev, message, reply);
}

/* An error reply is the header alone. */
static void pd_answer(PlatypusDevice *dev, const PdMessage *message,
                      PdReply *reply, int ret)
{
    VFIOUserHeader header = {
        .id = message->header.id,
        .command = message->header.command,
        .size = sizeof(header),
        .flags = VFIO_USER_FLAG_REPLY,
    };

    if (ret < 0) {
        header.flags |= VFIO_USER_FLAG_ERROR;
        header.error = -ret;
    }
    if (ret < 0 || reply->size == 0) {
        pd_client_send(dev, &header, sizeof(header), NULL, 0);
        return;
    }
    header.size += reply->size;
    memcpy(dev->reply, &header, sizeof(header));
    pd_client_send(dev, dev->reply, header.size, reply->fds, reply->num_fds);
}

void pd_request(PlatypusDevice *dev, PdMessage *message)
{
    bool was_negotiated = dev->client.negotiated;
    PdReply reply;
    int ret;

    reply.size = 0;
    reply.num_fds = 0;
    reply.owned_fd = -1;
    ret = pd_handle(dev, message, &reply);
    if (pd_message_wants_reply(message)) {
        pd_answer(dev, message, &reply, ret);
    }
    if (reply.owned_fd >= 0) {
        close(reply.owned_fd);
    }
    if (!dev->client.negotiated) {
        pd_client_lose(dev, "its first message, command %u, is no good VERSION",
                       message->header.command);
    } else if (!was_negotiated && dev->desc.connected) {
        dev->desc.connected(dev->model, true);
    }
}
