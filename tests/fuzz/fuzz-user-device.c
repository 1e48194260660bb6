/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of what a vfio-user server says of its device. The input is its
 * replies, one behind the other: a byte that says what comes along (1: sealed
 * memory, 2: an eventfd, 4: it is an error), two of the payload's length, the
 * payload. Where it ends the server hangs up.
 *
 * Beyond not crashing it checks what the callers rely on: that parts lie in
 * order in their region and can be mapped and read to their last byte, and
 * that eventfds are open and in their region.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../hw/vfio/host-user.h"
#include "fuzz.h"
#include "util/log.h"
#include "util/main-loop.h"

#define MEMORY 0x4000
#define TIMEOUT_MS 10000

/* The server's side. */
typedef struct Input {
    const uint8_t *data;
    size_t size;
    int sock;
} Input;

static int memory_fd;
static int event_fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    main_loop_init(NULL);
    log_open("/dev/null", NULL);
    memory_fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_assert_cmpint(ftruncate(memory_fd, MEMORY), ==, 0);
    g_assert_cmpint(fcntl(memory_fd, F_ADD_SEALS, F_SEAL_SHRINK), ==, 0);
    return 0;
}

/* One reply; false when the client has gone. */
static bool send_reply(int sock, VFIOUserHeader *head, const void *payload,
                       size_t size, const int *fds, unsigned num_fds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct iovec iov[] = {{head, sizeof(*head)}, {(void *)payload, size}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

    if (num_fds > 0) {
        struct cmsghdr *cmsg;

        msg.msg_control = control.bytes;
        msg.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
        cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, num_fds * sizeof(int));
    }
    head->size = sizeof(*head) + size;
    return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)head->size;
}

/* What the input says to the next request; false when it says no more. */
static bool reply_from(Input *input, VFIOUserHeader *head)
{
    int fds[2];
    unsigned num_fds = 0;
    size_t length;
    uint8_t what;
    bool ok;

    if (input->size < 3) {
        return false;
    }
    what = input->data[0];
    length = input->data[1] | (size_t)input->data[2] << 8;
    length = MIN(length, input->size - 3);
    if (what & 1) {
        fds[num_fds++] = memory_fd;
    }
    if (what & 2) {
        fds[num_fds++] = event_fd;
    }
    if (what & 4) {
        head->flags |= VFIO_USER_FLAG_ERROR;
        head->error = what;
    }
    ok = send_reply(input->sock, head, input->data + 3, length, fds, num_fds);
    input->data += 3 + length;
    input->size -= 3 + length;
    return ok;
}

static bool receive(int sock, void *bytes, size_t size)
{
    return recv(sock, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

static void *serve(void *opaque)
{
    static const VFIOUserVersion version = {VFIO_USER_MAJOR, VFIO_USER_MINOR};
    Input *input = opaque;
    VFIOUserHeader head;
    uint8_t payload[1024];
    bool go_on = true;

    while (go_on && receive(input->sock, &head, sizeof(head)) &&
           receive(input->sock, payload, head.size - sizeof(head))) {
        head.flags = VFIO_USER_FLAG_REPLY;
        head.error = 0;
        go_on = head.command == VFIO_USER_VERSION
                    ? send_reply(input->sock, &head, &version, sizeof(version),
                                 NULL, 0)
                    : reply_from(input, &head);
    }
    close(input->sock);
    return NULL;
}

/* ---- the client's side ---- */

static int no_dma(void *opaque, bool write, uint64_t iova, void *buf,
                  uint64_t size)
{
    return -EFAULT;
}

static void on_broken(void *opaque)
{
}

static const UserConnClient client = {.dma = no_dma, .broken = on_broken};

static void check_part(const UserRegion *region, const VFIORange *part)
{
    volatile uint8_t *mapped =
        mmap(NULL, part->size, PROT_READ, MAP_SHARED, region->fd,
             region->fd_offset + part->offset);

    g_assert_true(mapped != MAP_FAILED);
    g_assert_cmpuint(mapped[part->size - 1], ==, 0);
    munmap((void *)mapped, part->size);
}

static void check_region(const UserRegion *region)
{
    const VFIORegionInfo *info = &region->info;
    uint64_t end = 0;

    g_assert_true((info->num_maps > 0) == (region->fd >= 0));
    g_assert_true(!region->unmapped || info->num_maps == 0);
    for (unsigned i = 0; i < info->num_maps; i++) {
        const VFIORange *part = &info->maps[i];

        g_assert_cmpuint(part->size, >, 0);
        g_assert_cmpuint(part->offset, >=, end);
        end = part->offset + part->size;
        g_assert_cmpuint(end, >, part->offset);
        g_assert_cmpuint(end, <=, info->size);
        check_part(region, part);
    }
}

static void check_io_fds(UserConn *conn, unsigned index, uint64_t size)
{
    g_autoptr(GArray) found = g_array_new(false, false, sizeof(VFIOIoEventFd));
    g_autoptr(GArray) fds = g_array_new(false, false, sizeof(int));
    int ret = user_io_fds_read(conn, "fuzz", index, size, found, fds);

    g_assert_true(ret == 0 || found->len == 0);
    for (guint i = 0; i < found->len; i++) {
        const VFIOIoEventFd *e = &g_array_index(found, VFIOIoEventFd, i);

        g_assert_cmpuint(e->offset, <, size);
        g_assert_cmpuint(MAX(e->size, 1), <=, size - e->offset);
        g_assert_cmpint(fcntl(e->fd, F_GETFD), >=, 0);
    }
    user_close_fds((const int *)fds->data, fds->len);
}

static void read_device(int sock)
{
    g_autoptr(Error) err = NULL;
    UserConn *conn = user_conn_new(sock, TIMEOUT_MS, &client, NULL, &err);
    UserDevice *device;

    g_assert_nonnull(conn);
    device = user_device_read(conn, false, &err);
    g_assert_true(!device == !!err);
    for (unsigned i = 0; device && i < device->info.num_regions; i++) {
        check_region(&device->regions[i]);
        check_io_fds(conn, i, device->regions[i].info.size);
    }
    user_device_free(device);
    user_conn_free(conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Input input = {.data = data, .size = size};
    pthread_t thread;
    int socks[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks),
                    ==, 0);
    input.sock = socks[1];
    g_assert_cmpint(pthread_create(&thread, NULL, serve, &input), ==, 0);
    read_device(socks[0]);
    pthread_join(thread, NULL);
    return 0;
}
