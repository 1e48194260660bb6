/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses to the regions of a device behind a socket, and their mappings.
 * Accesses come from any thread and hold no lock; a mapping lives on when the
 * server, or the connection, has gone.
 */

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "host-user.h"

int user_region_read(VFIOHost *host, unsigned index, uint64_t offset, void *buf,
                     unsigned size)
{
    VFIOUserRegionAccess head = {
        .offset = offset,
        .region = index,
        .count = size,
    };
    struct {
        VFIOUserRegionAccess head;
        uint8_t data[8];
    } reply;
    UserRequest req = {
        .command = VFIO_USER_REGION_READ,
        .head = &head,
        .head_size = sizeof(head),
        .reply = &reply,
        .reply_size = sizeof(head) + size,
    };
    int ret = host_user_call(to_user(host), &req, sizeof(head) + size);

    if (ret < 0) {
        return ret;
    }
    if (memcmp(&reply.head, &head, sizeof(head)) != 0) {
        host_user_break(to_user(host),
                        "the reply to REGION_READ is about another access");
        return -ENOTCONN;
    }
    memcpy(buf, reply.data, size);
    return 0;
}

static int user_region_post(VFIOHostUser *user, const VFIOUserWrite *write)
{
    UserConn *conn = host_user_enter(user);
    int ret;

    if (!conn) {
        return -ENOTCONN;
    }
    ret = host_user_result(user, user_post_write(&user->post, conn, write));
    host_user_leave(user);
    return ret;
}

int user_region_write(VFIOHost *host, unsigned index, uint64_t offset,
                      const void *buf, unsigned size)
{
    VFIOHostUser *user = to_user(host);
    VFIOUserRegionAccess head = {
        .offset = offset,
        .region = index,
        .count = size,
    };
    VFIOUserRegionAccess reply;
    UserRequest req = {
        .command = VFIO_USER_REGION_WRITE,
        .head = &head,
        .head_size = sizeof(head),
        .data = buf,
        .data_size = size,
        .reply = &reply,
        .reply_size = sizeof(reply),
    };
    int ret;

    if (user->posted_writes) {
        VFIOUserWrite write = {offset, index, size, {0}};

        memcpy(write.data, buf, size);
        return user_region_post(user, &write);
    }
    ret = host_user_call(user, &req, sizeof(reply));
    if (ret == 0 && memcmp(&reply, &head, sizeof(head)) != 0) {
        host_user_break(user,
                        "the reply to REGION_WRITE is about another access");
        ret = -ENOTCONN;
    }
    return ret;
}

void *user_region_map(VFIOHost *host, unsigned index, const VFIORange *part,
                      bool writable, int *err)
{
    const UserRegion *region = &to_user(host)->device->regions[index];
    void *addr = mmap(NULL, part->size, PROT_READ | (writable ? PROT_WRITE : 0),
                      MAP_SHARED, region->fd, region->fd_offset + part->offset);

    if (addr == MAP_FAILED) {
        *err = -errno;
        return NULL;
    }
    return addr;
}

void user_region_unmap(VFIOHost *host, void *addr, uint64_t size)
{
    munmap(addr, size);
}
