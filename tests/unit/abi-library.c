/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of libvfio-user's peculiarities have in common. The server
 * refuses what the library would refuse and counts it, so that a client which
 * sends it fails its test.
 */

#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "abi-library.h"

#define MESSAGE_MAX ((1u << 20) + 32)

static const UserRegionDesc page = {.size = 4096, .flags = ABI_RW};
/* It knows no level: neither MASKABLE nor AUTOMASKED. */
static const UserIrqDesc irqs[] = {{VFIO_USER_IRQ_F_EVENTFD, 1},
                                   {VFIO_USER_IRQ_F_EVENTFD, 1}};
const UserDeviceDesc abi_library_device = {
    .json = JSON_PLAIN,
    .minor = 2,
    .flags = VFIO_USER_DEVICE_PLATFORM | VFIO_USER_DEVICE_RESETTABLE,
    .regions = &page,
    .num_regions = 1,
    .irqs = irqs,
    .num_irqs = 2,
};

/* ---- what the client's threads send ---- */

static _Thread_local bool is_client;
static pthread_mutex_t sends_lock = PTHREAD_MUTEX_INITIALIZER;
static AbiSent sent;

ssize_t __real_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __real_send(int fd, const void *buf, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags);
ssize_t __real_write(int fd, const void *buf, size_t size);
ssize_t __wrap_write(int fd, const void *buf, size_t size);
ssize_t __real_writev(int fd, const struct iovec *iov, int num);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int num);

static bool is_socket(int fd)
{
    int type;
    socklen_t size = sizeof(type);

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/* @iov must be one message, and go out at once. */
static void note_send(const struct iovec *iov, size_t num, ssize_t n)
{
    VFIOUserHeader head = {0};
    size_t total = 0;

    for (size_t i = 0; i < num; i++) {
        if (total < sizeof(head)) {
            memcpy((char *)&head + total, iov[i].iov_base,
                   MIN(iov[i].iov_len, sizeof(head) - total));
        }
        total += iov[i].iov_len;
    }
    pthread_mutex_lock(&sends_lock);
    sent.messages++;
    sent.bad += head.size != total || n != (ssize_t)total;
    sent.longest = MAX(sent.longest, total);
    pthread_mutex_unlock(&sends_lock);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    ssize_t n = __real_sendmsg(fd, msg, flags);

    if (is_client) {
        note_send(msg->msg_iov, msg->msg_iovlen, n);
    }
    return n;
}

ssize_t __wrap_send(int fd, const void *buf, size_t size, int flags)
{
    ssize_t n = __real_send(fd, buf, size, flags);

    if (is_client) {
        note_send(&(struct iovec){(void *)buf, size}, 1, n);
    }
    return n;
}

ssize_t __wrap_write(int fd, const void *buf, size_t size)
{
    ssize_t n = __real_write(fd, buf, size);

    if (is_client && is_socket(fd)) {
        note_send(&(struct iovec){(void *)buf, size}, 1, n);
    }
    return n;
}

ssize_t __wrap_writev(int fd, const struct iovec *iov, int num)
{
    ssize_t n = __real_writev(fd, iov, num);

    if (is_client && is_socket(fd)) {
        note_send(iov, num, n);
    }
    return n;
}

void abi_library_is_client(bool is)
{
    is_client = is;
}

AbiSent abi_library_sent(void)
{
    AbiSent all;

    pthread_mutex_lock(&sends_lock);
    all = sent;
    sent = (AbiSent){0};
    pthread_mutex_unlock(&sends_lock);
    return all;
}

/* ---- the library's manners ---- */

static bool set_irqs_is_good(const UserServer *server, const UserMsg *msg)
{
    const VFIOUserIrqSet *set = (void *)msg->payload;
    bool eventfd;

    if (msg->size < sizeof(*set) || set->index >= server->desc.num_irqs) {
        return false;
    }
    eventfd = set->flags & VFIO_USER_IRQ_DATA_EVENTFD;
    return set->argsz >= sizeof(*set) && set->argsz <= msg->size &&
           set->start < server->desc.irqs[set->index].count &&
           set->count <= server->desc.irqs[set->index].count - set->start &&
           (msg->num_fds == 0 || (eventfd && msg->num_fds == set->count));
}

/* What every message must be, and no command may be without a payload. */
static bool is_good(const UserServer *server, const UserMsg *msg)
{
    g_assert_true(msg->whole);
    g_assert_cmpuint(msg->head.size, <=, MESSAGE_MAX);
    switch (msg->head.command) {
    case VFIO_USER_DEVICE_RESET:
        return true;
    case VFIO_USER_DEVICE_SET_IRQS:
        return set_irqs_is_good(server, msg);
    case VFIO_USER_REGION_WRITE_MULTI:
        return false;
    default:
        return msg->size > 0;
    }
}

static bool library(UserServer *server, UserMsg *msg, void *opaque)
{
    AbiLibrary *lib = opaque;

    if (!is_good(server, msg)) {
        __atomic_add_fetch(&lib->refused, 1, __ATOMIC_RELAXED);
        user_peer_reply_error(server->peer, msg, EINVAL, NULL, 0);
        return true;
    }
    return lib->special && lib->special(server, msg, lib);
}

void abi_session_init(AbiSession *s, const UserDeviceDesc *desc,
                      UserServerHook special)
{
    abi_host_init(&s->h, desc);
    s->lib = (AbiLibrary){.special = special};
    s->h.server->hook = library;
    s->h.server->hook_opaque = &s->lib;
}

VFIOHost *abi_session_open(AbiSession *s, const UserDeviceDesc *desc,
                           UserServerHook special)
{
    abi_session_init(s, desc, special);
    abi_host_open(&s->h);
    return s->h.host;
}

/* Nothing was sent that the library refuses, and the device is alive. */
void abi_session_finish(AbiSession *s)
{
    uint32_t value;

    if (s->h.host && !s->h.lost) {
        g_assert_cmpint(s->h.host->ops->region_read(s->h.host, 0, 0, &value, 4),
                        ==, 0);
    }
    abi_host_finish(&s->h);
    g_assert_cmpuint(s->lib.refused, ==, 0);
    g_assert_cmpuint(abi_library_sent().bad, ==, 0);
}
