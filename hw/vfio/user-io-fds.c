/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Eventfds that stand for writes to registers, as a vfio-user server offers
 * them. What we cannot use is trapped, as it would be without: other types
 * than ioeventfd, unknown flags, what is no eventfd.
 *
 * What would surprise: an entry has 40 bytes by the specification and 48 from
 * libvfio-user, which puts a second descriptor and an offset before the datum;
 * only the reply's argsz and count tell which. And when there is too little
 * room no descriptors come at all, while the count is right.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host-user.h"
#include "user-caps.h"
#include "util/log.h"

#define IO_FDS_ROOM 4096
#define IO_FDS_ROOM_MAX USER_DATA_XFER_SIZE
#define IO_FDS_TRIES 4
/* Descriptors of one device; the process has other uses for them. */
#define IO_FDS_MAX 256

/* libvfio-user's entry. */
typedef struct UserShadowIoFd {
    uint64_t offset;
    uint64_t size;
    uint32_t fd_index;
    uint32_t type;
    uint32_t flags;
    uint32_t shadow_fd_index;
    uint64_t shadow_offset;
    uint64_t datamatch;
} UserShadowIoFd;

_Static_assert(sizeof(UserShadowIoFd) == 48, "wire");

typedef struct UserIoFdsReply {
    const char *name;
    uint64_t region_size;
    VFIOUserIoFds info;
    uint8_t *bytes;
    size_t size;
    int fds[VFIO_USER_MAX_FDS];
    unsigned num_fds;
    bool warned; /* once is enough, whatever else is wrong */
} UserIoFdsReply;

static int user_io_fds_lie(UserConn *conn, unsigned index, const char *what)
{
    user_conn_break(conn, "region %u: %s", index, what);
    return -ENOTCONN;
}

static int user_io_fds_ask(UserConn *conn, unsigned index, size_t room,
                           UserIoFdsReply *reply)
{
    VFIOUserIoFds head = {.argsz = room, .index = index};
    UserRequest req = {
        .command = VFIO_USER_DEVICE_GET_REGION_IO_FDS,
        .head = &head,
        .head_size = sizeof(head),
        .reply_size = room,
        .reply_fds = reply->fds,
        .num_reply_fds = G_N_ELEMENTS(reply->fds),
    };
    int ret;

    reply->bytes = g_realloc(reply->bytes, room);
    req.reply = reply->bytes;
    ret = user_ask(conn, &req, sizeof(head));
    if (ret < 0) {
        return ret;
    }
    reply->num_fds = req.num_reply_fds;
    reply->size = req.reply_size;
    memcpy(&reply->info, reply->bytes, sizeof(reply->info));
    return 0;
}

static void user_io_fds_close(UserIoFdsReply *reply)
{
    user_close_fds(reply->fds, reply->num_fds);
    reply->num_fds = 0;
}

static int user_io_fds_ask_all(UserConn *conn, unsigned index,
                               UserIoFdsReply *reply)
{
    size_t room = IO_FDS_ROOM;

    for (unsigned i = 0; i < IO_FDS_TRIES; i++) {
        int ret;

        user_io_fds_close(reply);
        ret = user_io_fds_ask(conn, index, room, reply);
        if (ret < 0 || reply->info.argsz <= room) {
            return ret;
        }
        room = MIN(reply->info.argsz, IO_FDS_ROOM_MAX);
    }
    return user_io_fds_lie(conn, index, "its list of eventfds has no end");
}

/* Entry @n in the form of the specification. */
static VFIOUserIoFd user_io_fds_nth(const UserIoFdsReply *reply, uint32_t n,
                                    size_t entry_size)
{
    const uint8_t *at = reply->bytes + sizeof(reply->info) + n * entry_size;
    UserShadowIoFd shadow;
    VFIOUserIoFd entry;

    if (entry_size == sizeof(entry)) {
        memcpy(&entry, at, sizeof(entry));
        return entry;
    }
    memcpy(&shadow, at, sizeof(shadow));
    return (VFIOUserIoFd){
        .offset = shadow.offset,
        .size = shadow.size,
        .fd_index = shadow.fd_index,
        .type = shadow.type,
        .flags = shadow.flags,
        .datamatch = shadow.datamatch,
    };
}

/* An eventfd and nothing else: a pipe would block whoever signals it. */
static bool is_eventfd(int fd)
{
    char path[32];
    char target[32];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    n = readlink(path, target, sizeof(target) - 1);
    if (n < 0) {
        return false;
    }
    target[n] = '\0';
    return strcmp(target, "anon_inode:[eventfd]") == 0;
}

/* The server may fill the counter, and a guest's write must not wait then. */
static bool never_blocks(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool fits_region(const VFIOUserIoFd *entry, uint64_t region_size)
{
    /* Of any size, it still is at a place. */
    uint64_t size = MAX(entry->size, 1);

    return entry->size <= 8 && (entry->size & (entry->size - 1)) == 0 &&
           entry->offset < region_size && size <= region_size - entry->offset;
}

/* Why the entry cannot be used, or NULL. */
static const char *user_io_fds_bad(const UserIoFdsReply *reply,
                                   const VFIOUserIoFd *entry)
{
    if (entry->flags & ~(uint32_t)VFIO_USER_IO_FD_F_DATAMATCH) {
        return "its flags are none that this machine knows";
    }
    if (!fits_region(entry, reply->region_size)) {
        return "its place or size is none of the region's";
    }
    if (!is_eventfd(reply->fds[entry->fd_index]) ||
        !never_blocks(reply->fds[entry->fd_index])) {
        return "its descriptor is no eventfd";
    }
    return NULL;
}

static int user_io_fds_add(UserConn *conn, UserIoFdsReply *reply,
                           const VFIOUserIoFd *entry, GArray *found)
{
    uint32_t index = reply->info.index;
    VFIOIoEventFd out;
    const char *bad;

    if (entry->type != VFIO_USER_IO_FD_IOEVENTFD) {
        return 0;
    }
    if (entry->fd_index >= reply->num_fds) {
        return user_io_fds_lie(conn, index,
                               "an eventfd is none of those that came");
    }
    bad = user_io_fds_bad(reply, entry);
    if (bad && reply->warned) {
        return 0;
    }
    if (bad) {
        reply->warned = true;
        warn_report("vfio %s: region %u: trapping what the server offers an "
                    "eventfd for, at 0x%" PRIx64 ": %s",
                    reply->name, index, entry->offset, bad);
        return 0;
    }
    out = (VFIOIoEventFd){
        .offset = entry->offset,
        .size = entry->size,
        .match = entry->flags & VFIO_USER_IO_FD_F_DATAMATCH,
        .data = entry->datamatch,
        .fd = reply->fds[entry->fd_index],
    };
    g_array_append_val(found, out);
    return 0;
}

static int user_io_fds_parse(UserConn *conn, UserIoFdsReply *reply,
                             unsigned index, GArray *found)
{
    const VFIOUserIoFds *info = &reply->info;
    size_t entry_size;
    int ret = 0;

    if (info->index != index) {
        return user_io_fds_lie(conn, index,
                               "asked for its eventfds, it lists those of "
                               "another");
    }
    if (info->count == 0) {
        return 0;
    }
    if (info->argsz != reply->size) {
        return user_io_fds_lie(conn, index, "its list of eventfds is cut off");
    }
    entry_size = (info->argsz - sizeof(*info)) / info->count;
    if ((entry_size != sizeof(VFIOUserIoFd) &&
         entry_size != sizeof(UserShadowIoFd)) ||
        entry_size * info->count != info->argsz - sizeof(*info)) {
        return user_io_fds_lie(conn, index,
                               "the eventfds in its list have no known size");
    }
    for (uint32_t i = 0; i < info->count && ret == 0; i++) {
        VFIOUserIoFd entry = user_io_fds_nth(reply, i, entry_size);

        ret = user_io_fds_add(conn, reply, &entry, found);
    }
    return ret;
}

int user_io_fds_read(UserConn *conn, const char *name, unsigned index,
                     uint64_t size, GArray *found, GArray *fds)
{
    UserIoFdsReply reply = {.name = name, .region_size = size};
    int ret = user_io_fds_ask_all(conn, index, &reply);

    if (ret == 0) {
        ret = user_io_fds_parse(conn, &reply, index, found);
    }
    if (ret == 0 && found->len > 0 && fds->len + reply.num_fds > IO_FDS_MAX) {
        warn_report("vfio %s: region %u: trapping what the server offers "
                    "eventfds for: at most %d of a device are used",
                    name, index, IO_FDS_MAX);
        g_array_set_size(found, 0);
    }
    if (ret < 0 || found->len == 0) {
        g_array_set_size(found, 0);
        user_io_fds_close(&reply);
    } else {
        g_array_append_vals(fds, reply.fds, reply.num_fds);
    }
    g_free(reply.bytes);
    /* It does not know the command, or has none. */
    return ret == -EINVAL || ret == -EOPNOTSUPP || ret == -ENOSYS ? 0 : ret;
}
