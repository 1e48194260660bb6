/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a vfio-user server says of its device: asked for once, as soon as it is
 * connected, and checked as what it is, foreign input. Nothing here is used by
 * two threads.
 *
 * A server that contradicts itself loses its connection. One that offers to
 * map what is not safe to map does not: the region is trapped, and says why.
 * Safe is what cannot be cut off under us (F_SEAL_SHRINK), or the next access
 * of the guest would be our SIGBUS; so no huge pages, which have it too when
 * the pool is empty.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

#include "host-user.h"
#include "user-caps.h"
#include "util/fd.h"

/* What the first try has room for, and the last. */
#define REGION_INFO_ROOM 1024
#define REGION_INFO_ROOM_MAX USER_DATA_XFER_SIZE
#define REGION_INFO_TRIES 4
/* Parts that are mapped of one device: mappings, and the descriptors that go
 * with them, are the process's, which has other uses for them. */
#define MAPS_MAX 256

void user_close_fds(const int *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        close(fds[i]);
    }
}

int user_ask(UserConn *conn, UserRequest *req, size_t least)
{
    int ret = user_conn_call(conn, req);

    if (ret == 0 && req->reply_size < least) {
        user_conn_break(conn, "the reply to %s has %zu bytes, not %zu",
                        user_command_name(req->command), req->reply_size,
                        least);
        user_close_fds(req->reply_fds, req->num_reply_fds);
        ret = -ENOTCONN;
    }
    return ret;
}

void user_ask_error(UserConn *conn, uint16_t command, int ret, Error **errp)
{
    if (user_conn_broken(conn)) {
        error_setg(errp, "%s", user_conn_reason(conn));
    } else {
        error_setg_errno(errp, -ret, "the server refuses %s",
                         user_command_name(command));
    }
}

static bool user_ask_or_fail(UserConn *conn, UserRequest *req, size_t least,
                             Error **errp)
{
    int ret = user_ask(conn, req, least);

    if (ret < 0) {
        user_ask_error(conn, req->command, ret, errp);
        return false;
    }
    return true;
}

/* ---- device and lines ---- */

static bool user_device_read_info(UserConn *conn, VFIODeviceInfo *out,
                                  Error **errp)
{
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    UserRequest req = {
        .command = VFIO_USER_DEVICE_GET_INFO,
        .head = &info,
        .head_size = sizeof(info),
        .reply = &info,
        .reply_size = sizeof(info),
    };

    if (!user_ask_or_fail(conn, &req, sizeof(info), errp)) {
        return false;
    }
    if (info.flags & VFIO_USER_DEVICE_PCI) {
        error_setg(errp, "a PCI device; this machine has a system bus only");
        return false;
    }
    if (!(info.flags & VFIO_USER_DEVICE_PLATFORM)) {
        error_setg(errp,
                   "no platform device (its flags are 0x%" PRIx32
                   "); the server must set 0x%x",
                   info.flags, VFIO_USER_DEVICE_PLATFORM);
        return false;
    }
    *out = (VFIODeviceInfo){
        .can_reset = info.flags & VFIO_USER_DEVICE_RESETTABLE,
        .num_regions = info.num_regions,
        .num_irqs = info.num_irqs,
    };
    return vfio_device_info_check(out, errp);
}

static bool user_device_read_irq(UserConn *conn, unsigned index,
                                 VFIOIrqInfo *out, Error **errp)
{
    VFIOUserIrqInfo info = {.argsz = sizeof(info), .index = index};
    UserRequest req = {
        .command = VFIO_USER_DEVICE_GET_IRQ_INFO,
        .head = &info,
        .head_size = sizeof(info),
        .reply = &info,
        .reply_size = sizeof(info),
    };

    if (!user_ask_or_fail(conn, &req, sizeof(info), errp)) {
        error_prepend(errp, "line %u: ", index);
        return false;
    }
    if (info.index != index) {
        user_conn_break(conn, "asked for line %u, it describes line %" PRIu32,
                        index, info.index);
        user_ask_error(conn, req.command, -ENOTCONN, errp);
        return false;
    }
    *out = (VFIOIrqInfo){
        .count = info.count,
        .eventfd = info.flags & VFIO_USER_IRQ_F_EVENTFD,
        .maskable = info.flags & VFIO_USER_IRQ_F_MASKABLE,
        .automasked = info.flags & VFIO_USER_IRQ_F_AUTOMASKED,
    };
    return true;
}

/* ---- regions: what is to be mapped ---- */

/* A region as it came: the fixed part, and all that was received. */
typedef struct UserRegionReply {
    VFIOUserRegionInfo info;
    uint8_t *bytes;
    size_t size;
    int fd;
} UserRegionReply;

static bool user_region_lie(UserConn *conn, const UserRegionReply *reply,
                            const char *what)
{
    user_conn_break(conn, "region %" PRIu32 ": %s", reply->info.index, what);
    return false;
}

/* The areas of the capability at @offset, as they are; false: a lie. */
static bool user_region_read_areas(UserConn *conn, const UserRegionReply *reply,
                                   size_t offset, UserRegion *region)
{
    VFIOUserCapSparse sparse;
    VFIOUserArea area;

    if (reply->size - offset < sizeof(sparse)) {
        return user_region_lie(conn, reply, "a capability is cut off");
    }
    memcpy(&sparse, reply->bytes + offset, sizeof(sparse));
    offset += sizeof(sparse);
    if (sparse.cap.version != 1) {
        region->unmapped = g_strdup_printf(
            "its list of areas has version %u, we know 1", sparse.cap.version);
        return true;
    }
    if (sparse.nr_areas > (reply->size - offset) / sizeof(area)) {
        return user_region_lie(conn, reply, "a list of areas is cut off");
    }
    region->info.maps = g_new(VFIORange, sparse.nr_areas);
    for (uint32_t i = 0; i < sparse.nr_areas; i++) {
        memcpy(&area, reply->bytes + offset + i * sizeof(area), sizeof(area));
        if (area.size > 0) {
            region->info.maps[region->info.num_maps++] =
                (VFIORange){area.offset, area.size};
        }
    }
    return true;
}

/*
 * Looks for the list of areas among the capabilities; without one all of the
 * region may be mapped. False: a lie.
 */
static bool user_region_read_caps(UserConn *conn, const UserRegionReply *reply,
                                  UserRegion *region)
{
    bool caps = reply->info.flags & VFIO_USER_REGION_F_CAPS;
    size_t offset = caps ? reply->info.cap_offset : 0;
    size_t steps = reply->size / sizeof(VFIOUserCap);
    VFIOUserCap cap;

    for (; offset != 0; offset = cap.next) {
        if (offset < sizeof(reply->info) || offset > reply->size ||
            reply->size - offset < sizeof(cap)) {
            return user_region_lie(conn, reply,
                                   "a capability is outside of the reply");
        }
        if (steps-- == 0) {
            return user_region_lie(conn, reply, "its capabilities have no end");
        }
        memcpy(&cap, reply->bytes + offset, sizeof(cap));
        if (cap.id == VFIO_USER_CAP_SPARSE_MMAP) {
            return user_region_read_areas(conn, reply, offset, region);
        }
    }
    region->info.maps = g_new(VFIORange, 1);
    region->info.maps[0] = (VFIORange){0, region->info.size};
    region->info.num_maps = 1;
    return true;
}

static int compare_ranges(const void *a, const void *b)
{
    const VFIORange *x = a;
    const VFIORange *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Sorts the parts. Why they cannot be mapped, or NULL; caller frees. */
static char *user_region_bad_parts(VFIORegionInfo *info)
{
    uint64_t page = getpagesize();
    uint64_t end = 0;

    qsort(info->maps, info->num_maps, sizeof(*info->maps), compare_ranges);
    for (unsigned i = 0; i < info->num_maps; i++) {
        const VFIORange *part = &info->maps[i];
        const char *bad = NULL;

        if (part->offset % page || part->size % page) {
            bad = "which is not of whole pages";
        } else if (part->offset > info->size ||
                   part->size > info->size - part->offset) {
            bad = "which is not in the region";
        } else if (part->offset < end) {
            bad = "which overlaps another area";
        }
        if (bad) {
            return g_strdup_printf("it offers 0x%" PRIx64 "+0x%" PRIx64 ", %s",
                                   part->offset, part->size, bad);
        }
        end = part->offset + part->size;
    }
    return NULL;
}

/* Why the descriptor cannot be mapped up to @end, or NULL. */
static const char *user_region_bad_fd(int fd, uint64_t offset, uint64_t end,
                                      bool writable)
{
    int seals = fcntl(fd, F_GET_SEALS);
    int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
    struct statfs fs;
    struct stat st;

    if (seals < 0 || !(seals & F_SEAL_SHRINK)) {
        return "its memory is not sealed against shrinking (F_SEAL_SHRINK), "
               "so the server could take it away under us";
    }
    if (fstatfs(fd, &fs) < 0 || fs.f_type == HUGETLBFS_MAGIC) {
        return "its memory is of huge pages, which may run out";
    }
    if (offset % getpagesize() || __builtin_add_overflow(offset, end, &end) ||
        fstat(fd, &st) < 0 || end > (uint64_t)st.st_size) {
        return "its memory is smaller than what is to be mapped, or does not "
               "begin with a page";
    }
    if (mode == O_WRONLY || (writable && mode != O_RDWR) ||
        (writable && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
        return "its memory is read-only for us, the region is not";
    }
    return NULL;
}

/*
 * Keeps what can be mapped of what is offered, at most *@room parts, or says
 * why nothing can.
 */
static void user_region_check_maps(UserRegionReply *reply, UserRegion *region,
                                   unsigned *room)
{
    VFIORegionInfo *info = &region->info;
    const VFIORange *last;

    if (info->num_maps > *room) {
        region->unmapped = g_strdup_printf(
            "at most %u parts of a device are mapped", MAPS_MAX);
    } else if (info->num_maps > 0) {
        region->unmapped = user_region_bad_parts(info);
    }
    if (info->num_maps > 0 && !region->unmapped) {
        last = &info->maps[info->num_maps - 1];
        region->unmapped = g_strdup(
            user_region_bad_fd(reply->fd, reply->info.offset,
                               last->offset + last->size, info->writable));
    }
    if (region->unmapped) {
        vfio_region_info_finish(info);
    }
    if (info->num_maps > 0) {
        region->fd = fd_steal(&reply->fd);
        region->fd_offset = reply->info.offset;
        *room -= info->num_maps;
    }
}

/* ---- regions: asking ---- */

/*
 * One try with room for @room bytes. The descriptor comes only when all
 * capabilities have room.
 */
static bool user_region_ask(UserConn *conn, unsigned index, size_t room,
                            UserRegionReply *reply, Error **errp)
{
    VFIOUserRegionInfo head = {.argsz = room, .index = index};
    UserRequest req = {
        .command = VFIO_USER_DEVICE_GET_REGION_INFO,
        .head = &head,
        .head_size = sizeof(head),
        .reply_size = room,
        .reply_fds = &reply->fd,
        .num_reply_fds = 1,
    };

    reply->bytes = g_realloc(reply->bytes, room);
    req.reply = reply->bytes;
    if (!user_ask_or_fail(conn, &req, sizeof(head), errp)) {
        error_prepend(errp, "region %u: ", index);
        reply->fd = -1;
        return false;
    }
    if (req.num_reply_fds == 0) {
        reply->fd = -1;
    }
    reply->size = req.reply_size;
    memcpy(&reply->info, reply->bytes, sizeof(reply->info));
    return true;
}

/* Tries until all of the answer has room. */
static bool user_region_ask_all(UserConn *conn, unsigned index,
                                UserRegionReply *reply, Error **errp)
{
    size_t room = REGION_INFO_ROOM;

    for (unsigned i = 0; i < REGION_INFO_TRIES; i++) {
        fd_close(&reply->fd);
        if (!user_region_ask(conn, index, room, reply, errp)) {
            return false;
        }
        if (reply->info.argsz <= room) {
            return true;
        }
        room = MIN(reply->info.argsz, REGION_INFO_ROOM_MAX);
    }
    reply->info.index = index;
    user_region_lie(conn, reply, "what there is to say of it has no end");
    user_ask_error(conn, VFIO_USER_DEVICE_GET_REGION_INFO, -ENOTCONN, errp);
    return false;
}

/* @room NULL: nothing is to be mapped. False: a lie. */
static bool user_region_fill(UserConn *conn, unsigned index, unsigned *room,
                             UserRegionReply *reply, UserRegion *region)
{
    VFIORegionInfo *info = &region->info;
    bool mmap = reply->info.flags & VFIO_USER_REGION_F_MMAP;

    if (reply->info.index != index) {
        user_conn_break(conn,
                        "asked for region %u, it describes region %" PRIu32,
                        index, reply->info.index);
        return false;
    }
    if (reply->info.argsz < sizeof(reply->info)) {
        return user_region_lie(conn, reply, "its argsz is too small");
    }
    if (mmap != (reply->fd >= 0)) {
        return user_region_lie(conn, reply,
                               mmap ? "it can be mapped, but no descriptor "
                                      "came"
                                    : "it cannot be mapped, but a descriptor "
                                      "came");
    }
    *info = (VFIORegionInfo){
        .size = reply->info.size,
        .readable = reply->info.flags & VFIO_USER_REGION_F_READ,
        .writable = reply->info.flags & VFIO_USER_REGION_F_WRITE,
    };
    /* A mapping can be read always, hence none of a write-only region. */
    if (!mmap || !room || info->size == 0 || !info->readable) {
        return true;
    }
    if (!user_region_read_caps(conn, reply, region)) {
        return false;
    }
    user_region_check_maps(reply, region, room);
    return true;
}

static bool user_device_read_region(UserConn *conn, unsigned index,
                                    unsigned *room, UserRegion *region,
                                    Error **errp)
{
    UserRegionReply reply = {.fd = -1};
    bool ok = user_region_ask_all(conn, index, &reply, errp);

    if (ok && !user_region_fill(conn, index, room, &reply, region)) {
        user_ask_error(conn, VFIO_USER_DEVICE_GET_REGION_INFO, -ENOTCONN, errp);
        ok = false;
    }
    fd_close(&reply.fd);
    g_free(reply.bytes);
    return ok;
}

/* ---- the device ---- */

UserDevice *user_device_read(UserConn *conn, bool no_mmap, Error **errp)
{
    UserDevice *device = g_new0(UserDevice, 1);
    VFIODeviceInfo info = {0};
    unsigned room = MAPS_MAX;
    bool ok = user_device_read_info(conn, &info, errp);

    if (ok) {
        device->info = info;
        device->regions = g_new0(UserRegion, info.num_regions);
        device->irqs = g_new0(VFIOIrqInfo, info.num_irqs);
    }
    for (unsigned i = 0; i < device->info.num_regions; i++) {
        device->regions[i].fd = -1;
    }
    for (unsigned i = 0; ok && i < info.num_regions; i++) {
        ok = user_device_read_region(conn, i, no_mmap ? NULL : &room,
                                     &device->regions[i], errp);
    }
    for (unsigned i = 0; ok && i < info.num_irqs; i++) {
        ok = user_device_read_irq(conn, i, &device->irqs[i], errp);
    }
    if (!ok) {
        user_device_free(device);
        return NULL;
    }
    return device;
}

void user_device_free(UserDevice *device)
{
    if (!device) {
        return;
    }
    for (unsigned i = 0; i < device->info.num_regions; i++) {
        UserRegion *region = &device->regions[i];

        vfio_region_info_finish(&region->info);
        fd_close(&region->fd);
        g_free(region->unmapped);
    }
    g_free(device->regions);
    g_free(device->irqs);
    g_free(device);
}
