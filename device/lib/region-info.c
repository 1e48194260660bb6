/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client is told of a region: its size and the parts that it may map,
 * and its doorbells. A request's argsz says how much of an answer there is room
 * for; where that is too little the answer says how much it takes, and holds
 * neither capabilities or entries nor descriptors.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"

/* A region that is one area from end to end needs no capability. */
static bool pd_region_is_whole(const PlatypusRegion *desc)
{
    return desc->num_areas == 1 && desc->areas[0].size == desc->size;
}

static void pd_put_sparse(const PlatypusRegion *desc, uint8_t *to)
{
    VFIOUserCapSparse cap = {
        .cap = {.id = VFIO_USER_CAP_SPARSE_MMAP, .version = 1},
        .nr_areas = desc->num_areas,
    };

    memcpy(to, &cap, sizeof(cap));
    for (unsigned i = 0; i < desc->num_areas; i++) {
        VFIOUserArea area = {desc->areas[i].offset, desc->areas[i].size};

        memcpy(to + sizeof(cap) + i * sizeof(area), &area, sizeof(area));
    }
}

static uint32_t pd_region_flags(const PdRegion *region)
{
    uint32_t flags = 0;

    if (!(region->desc.flags & PLATYPUS_WRITE_ONLY)) {
        flags |= VFIO_USER_REGION_F_READ;
    }
    if (!(region->desc.flags & PLATYPUS_READ_ONLY)) {
        flags |= VFIO_USER_REGION_F_WRITE;
    }
    return flags;
}

int pd_region_info(PlatypusDevice *dev, const PdMessage *message,
                   PdReply *reply)
{
    VFIOUserRegionInfo info;
    const PdRegion *region;
    uint32_t room, needed = sizeof(info);

    memcpy(&info, message->payload, sizeof(info));
    room = info.argsz;
    if (room < sizeof(info) || info.index >= dev->num_regions) {
        return -EINVAL;
    }
    region = &dev->regions[info.index];
    info = (VFIOUserRegionInfo){
        .flags = pd_region_flags(region),
        .index = info.index,
        .size = region->desc.size,
    };
    if (region->memory.fd >= 0 && dev->client.caps.max_msg_fds > 0) {
        info.flags |= VFIO_USER_REGION_F_MMAP;
        if (!pd_region_is_whole(&region->desc)) {
            info.flags |= VFIO_USER_REGION_F_CAPS;
            needed += sizeof(VFIOUserCapSparse) +
                      region->desc.num_areas * sizeof(VFIOUserArea);
        }
    }
    info.argsz = needed;
    if (!pd_reply_alloc(dev, reply, room < needed ? sizeof(info) : needed)) {
        return -ENOMEM;
    }
    if (reply->size > sizeof(info)) {
        info.cap_offset = sizeof(info);
        pd_put_sparse(&region->desc, reply->payload + sizeof(info));
    }
    if (room >= needed && info.flags & VFIO_USER_REGION_F_MMAP) {
        reply->fds[reply->num_fds++] = region->memory.fd;
    }
    memcpy(reply->payload, &info, sizeof(info));
    return 0;
}

/* ---- doorbells ---- */

int pd_region_io_fds(PlatypusDevice *dev, const PdMessage *message,
                     PdReply *reply)
{
    uint64_t most = dev->client.caps.max_msg_fds;
    VFIOUserIoFds head;
    VFIOUserIoFd entry = {.type = VFIO_USER_IO_FD_IOEVENTFD};
    const PdRegion *region;
    uint32_t room;

    memcpy(&head, message->payload, sizeof(head));
    room = head.argsz;
    if (room < sizeof(head) || head.flags != 0 ||
        head.index >= dev->num_regions) {
        return -EINVAL;
    }
    region = &dev->regions[head.index];
    /* The writes of those that do not fit come by message. */
    head.count = region->num_doorbells < most ? region->num_doorbells : most;
    head.argsz = sizeof(head) + head.count * sizeof(entry);
    if (!pd_reply_alloc(dev, reply,
                        room < head.argsz ? sizeof(head) : head.argsz)) {
        return -ENOMEM;
    }
    memcpy(reply->payload, &head, sizeof(head));
    for (unsigned i = 0; room >= head.argsz && i < head.count; i++) {
        entry.offset = region->doorbells[i].offset;
        entry.size = region->doorbells[i].size;
        entry.fd_index = i;
        memcpy(reply->payload + sizeof(head) + i * sizeof(entry), &entry,
               sizeof(entry));
        reply->fds[reply->num_fds++] = region->doorbells[i].fd;
    }
    return 0;
}

/* ---- the rest of a doorbell ---- */

static const PdDoorbell *pd_find_bell(const PlatypusDevice *dev, int fd)
{
    for (unsigned i = 0; i < dev->num_regions; i++) {
        for (unsigned j = 0; j < dev->regions[i].num_doorbells; j++) {
            if (dev->regions[i].doorbells[j].fd == fd) {
                return &dev->regions[i].doorbells[j];
            }
        }
    }
    return NULL;
}

/* What the guest wrote to other registers first has been served first. */
static void pd_bell_ready(PlatypusDevice *dev, const PdSource *source,
                          uint32_t events)
{
    const PdDoorbell *bell = pd_find_bell(dev, source->fd);
    uint64_t count;

    pd_client_catch_up(dev);
    if (read(source->fd, &count, sizeof(count)) == sizeof(count)) {
        bell->ring(dev->model, bell->offset);
    }
}

/* What is wrong with such a doorbell: 0 or -errno. */
static int pd_bell_check(const PdRegion *region, const PdDoorbell *bell)
{
    unsigned size = bell->size ? bell->size : 1;
    uint32_t n = size;

    if (size > 8 || (size & (size - 1)) || bell->offset % size != 0 ||
        bell->offset >= region->desc.size ||
        size > region->desc.size - bell->offset || !bell->ring ||
        region->desc.flags & PLATYPUS_READ_ONLY) {
        return -EINVAL;
    }
    if (pd_region_memory(region, bell->offset, &n)) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < region->num_doorbells; i++) {
        const PdDoorbell *other = &region->doorbells[i];

        if (other->offset == bell->offset &&
            (!other->size || !bell->size || other->size == bell->size)) {
            return -EEXIST;
        }
    }
    return region->num_doorbells == VFIO_USER_MAX_FDS ? -ENOSPC : 0;
}

static int pd_region_add_bell(PlatypusDevice *dev, PdRegion *region,
                              PdDoorbell bell)
{
    PdDoorbell *grown = realloc(region->doorbells,
                                (region->num_doorbells + 1) * sizeof(*grown));
    int ret;

    if (!grown) {
        return -ENOMEM;
    }
    region->doorbells = grown;
    bell.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell.fd < 0) {
        return -errno;
    }
    ret = pd_loop_add(&dev->loop, bell.fd, EPOLLIN, pd_bell_ready);
    if (ret < 0) {
        close(bell.fd);
        return ret;
    }
    region->doorbells[region->num_doorbells++] = bell;
    return 0;
}

int platypus_device_add_doorbell(PlatypusDevice *dev, unsigned region,
                                 uint64_t offset, unsigned size,
                                 void (*ring)(void *model, uint64_t offset))
{
    PdDoorbell bell = {.offset = offset, .size = size, .fd = -1, .ring = ring};
    int ret;

    if (dev->had_client) {
        return -EBUSY;
    }
    if (region >= dev->num_regions) {
        return -EINVAL;
    }
    ret = pd_bell_check(&dev->regions[region], &bell);
    return ret < 0 ? ret : pd_region_add_bell(dev, &dev->regions[region], bell);
}
