/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peculiarities of libvfio-user, p01 to p17 in the order of section 5.7 of
 * the wire document, as its client meets them: a scripted server behaves as
 * that library does (but says PLATFORM, which it never would), and refuses
 * what the library would refuse, so that a client which sends it fails here.
 *
 * What would surprise: the client's calls that send are wrapped, since a
 * message in two pieces may still be received as one.
 */

#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "abi-host.h"

#define CAPS_PLAIN                                                    \
    "\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\"migration\":" \
    "{\"pgsize\":4096}"
#define JSON_PLAIN "{\"capabilities\":{" CAPS_PLAIN "}}"
#define JSON_TWIN                    \
    "{\"capabilities\":{" CAPS_PLAIN \
    ",\"twin_socket\":{\"supported\":true,\"fd_index\":0}}}"
#define MESSAGE_MAX ((1u << 20) + 32)

static const UserRegionDesc page = {.size = 4096, .flags = ABI_RW};
/* It knows no level: neither MASKABLE nor AUTOMASKED. */
static const UserIrqDesc irqs[] = {{VFIO_USER_IRQ_F_EVENTFD, 1},
                                   {VFIO_USER_IRQ_F_EVENTFD, 1}};
static const UserDeviceDesc device = {
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
static unsigned sends;     /* messages of the client */
static unsigned bad_sends; /* not exactly one message each */
static size_t longest;     /* of all of them */

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
static void note_send(const struct iovec *iov, size_t num, ssize_t sent)
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
    sends++;
    bad_sends += head.size != total || sent != (ssize_t)total;
    longest = MAX(longest, total);
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

/* ---- the library's manners ---- */

typedef struct Library {
    UserServerHook special; /* before the rest */
    int value;              /* of the special hook */
    unsigned refused;       /* commands that the library would refuse */
} Library;

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
    Library *lib = opaque;

    if (!is_good(server, msg)) {
        __atomic_add_fetch(&lib->refused, 1, __ATOMIC_RELAXED);
        user_peer_reply_error(server->peer, msg, EINVAL, NULL, 0);
        return true;
    }
    return lib->special && lib->special(server, msg, lib);
}

typedef struct Session {
    AbiHost h;
    Library lib;
} Session;

static void session_init(Session *s, const UserDeviceDesc *desc,
                         UserServerHook special)
{
    abi_host_init(&s->h, desc);
    s->lib = (Library){.special = special};
    s->h.server->hook = library;
    s->h.server->hook_opaque = &s->lib;
}

static VFIOHost *session_open(Session *s, const UserDeviceDesc *desc,
                              UserServerHook special)
{
    session_init(s, desc, special);
    abi_host_open(&s->h);
    return s->h.host;
}

/* Nothing was sent that the library refuses, and the device is alive. */
static void session_finish(Session *s)
{
    uint32_t value;

    if (s->h.host && !s->h.lost) {
        g_assert_cmpint(s->h.host->ops->region_read(s->h.host, 0, 0, &value, 4),
                        ==, 0);
    }
    abi_host_finish(&s->h);
    g_assert_cmpuint(s->lib.refused, ==, 0);
    g_assert_cmpuint(bad_sends, ==, 0);
}

static int read4(VFIOHost *host, uint64_t offset, uint32_t *value)
{
    return host->ops->region_read(host, 0, offset, value, 4);
}

static int write4(VFIOHost *host, uint64_t offset, uint32_t value)
{
    return host->ops->region_write(host, 0, offset, &value, 4);
}

/* ---- the seventeen ---- */

static bool refuse_version(UserServer *server, UserMsg *msg, void *opaque)
{
    user_peer_reply_error(server->peer, msg, EINVAL, NULL, 0);
    user_peer_hang_up(server->peer);
    return true;
}

/* 0.2 is proposed, its JSON ends with a zero; a refusal is told, then closed.
 */
static void test_p01_version(void)
{
    g_autofree char *why = NULL, *prefix = NULL;
    g_autoptr(UserMsg) msg = NULL;
    Session s;

    session_init(&s, &device, refuse_version);
    why = abi_host_try_open(&s.h);
    prefix = g_strdup_printf("vfio-user: %s: ", s.h.config.socket);
    g_assert_nonnull(why);
    g_assert_true(g_str_has_prefix(why, prefix));
    msg = user_server_seen(s.h.server, VFIO_USER_VERSION);
    g_assert_cmpmem(msg->payload, 4, "\0\0\2\0", 4);
    g_assert_cmpuint(msg->size, >, 5);
    g_assert_cmpuint(strlen((char *)msg->payload + 4) + 5, ==, msg->size);
    session_finish(&s);
}

/* What it does not advertise has its default; it takes 0 to 1024 fds. */
static void test_p02_capabilities(void)
{
    Session s;
    VFIOHost *host = session_open(&s, &device, NULL);
    g_autoptr(UserMsg) msg = user_server_seen(s.h.server, VFIO_USER_VERSION);
    const char *text = strstr((char *)msg->payload + 4, "\"max_msg_fds\"");
    const char *number;

    g_assert_nonnull(text);
    number = strpbrk(text, "0123456789");
    g_assert_nonnull(number);
    g_assert_cmpint(g_ascii_strtoll(number, NULL, 10), >=, 0);
    g_assert_cmpint(g_ascii_strtoll(number, NULL, 10), <=, 1024);
    /* More than one window, of more than one page, although nothing is said. */
    for (unsigned i = 0; i < 16; i++) {
        g_assert_cmpint(abi_host_map_dma(&s.h, i * ABI_RAM_SIZE, -1, false), ==,
                        0);
    }
    g_assert_cmpint(host->ops->dma_unmap(host, 0, ABI_RAM_SIZE), ==, 0);
    session_finish(&s);
}

/* WRITE_MULTI is not there: posted writes go one by one, and in order. */
static void test_p03_write_multi(void)
{
    Session s;
    VFIOHost *host;
    uint32_t value = 0;

    session_init(&s, &device, NULL);
    s.h.config.posted_writes = true;
    abi_host_open(&s.h);
    host = s.h.host;
    for (unsigned i = 0; i < 100; i++) {
        g_assert_cmpint(write4(host, i % 16 * 4, i), ==, 0);
    }
    for (unsigned i = 0; i < 16; i++) {
        g_assert_cmpint(read4(host, i * 4, &value), ==, 0);
        g_assert_cmpuint(value, ==, i < 4 ? 96 + i : 80 + i);
    }
    g_assert_cmpuint(user_server_count(s.h.server, VFIO_USER_REGION_WRITE), ==,
                     100);
    g_assert_cmpuint(
        user_server_count(s.h.server, VFIO_USER_REGION_WRITE_MULTI), ==, 0);
    session_finish(&s);
}

/* PCI and five interrupts: refused in one line. EVENTFD only: an edge. */
static void test_p04_always_pci(void)
{
    static const UserIrqDesc five[] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    UserDeviceDesc desc = device;
    g_autofree char *why = NULL, *want = NULL;
    VFIOIrqInfo irq = {0};
    Session s;

    desc.flags = VFIO_USER_DEVICE_PCI | VFIO_USER_DEVICE_RESETTABLE;
    desc.irqs = five;
    desc.num_irqs = 5;
    session_init(&s, &desc, NULL);
    why = abi_host_try_open(&s.h);
    want = g_strdup_printf("vfio-user: %s: a PCI device; this machine has a "
                           "system bus only",
                           s.h.config.socket);
    g_assert_cmpstr(why, ==, want);
    session_finish(&s);

    session_open(&s, &device, NULL);
    g_assert_cmpint(s.h.host->ops->get_irq(s.h.host, 1, &irq), ==, 0);
    g_assert_cmpuint(irq.count, ==, 1);
    g_assert_true(irq.eventfd);
    g_assert_false(irq.maskable);
    g_assert_false(irq.automasked);
    session_finish(&s);
}

/* start is in range even to switch off, as many fds as interrupts or none. */
static void test_p05_set_irqs(void)
{
    static const VFIOIrqAction actions[] = {
        VFIO_IRQ_PROBE,       VFIO_IRQ_TRIGGER_FD,  VFIO_IRQ_UNMASK_NOW,
        VFIO_IRQ_TRIGGER_OFF, VFIO_IRQ_TRIGGER_FD,  VFIO_IRQ_TRIGGER_FD,
        VFIO_IRQ_UNMASK_OFF,  VFIO_IRQ_TRIGGER_OFF, VFIO_IRQ_TRIGGER_OFF};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Session s;
    VFIOHost *host = session_open(&s, &device, NULL);
    uint64_t n;

    g_assert_false(host->ops->unmask_by_fd);
    for (unsigned line = 0; line < 2; line++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(actions); i++) {
            bool with_fd = actions[i] == VFIO_IRQ_TRIGGER_FD;

            host->ops->set_irq(host, line, actions[i], with_fd ? fd : -1);
            if (with_fd) {
                user_server_signal(s.h.server, line);
                g_assert_cmpint(read(fd, &n, 8), ==, 8);
            }
        }
        g_assert_false(user_server_armed(s.h.server, line));
    }
    user_server_stop(s.h.server);
    for (GList *at = s.h.server->seen.head; at; at = at->next) {
        const UserMsg *msg = at->data;
        const VFIOUserIrqSet *set = (void *)msg->payload;

        /* It would close the fd of an UNMASK without a word. */
        g_assert_true(msg->head.command != VFIO_USER_DEVICE_SET_IRQS ||
                      !(set->flags & VFIO_USER_IRQ_DATA_EVENTFD) ||
                      (set->flags & VFIO_USER_IRQ_ACTION_TRIGGER));
    }
    abi_host_iterate();
    g_assert_cmpuint(s.h.lost, ==, 1);
    session_finish(&s);
    close(fd);
}

/* Overlap is EINVAL, the same once more is fine; only two flags are ours. */
static bool map_like_library(UserServer *server, UserMsg *msg, void *opaque)
{
    const VFIOUserDmaMap *want = (void *)msg->payload;
    UserDmaMap have;

    if (msg->head.command != VFIO_USER_DMA_MAP) {
        return false;
    }
    g_assert_cmphex(want->flags & ~3u, ==, 0);
    g_assert_cmpuint(want->argsz, ==, sizeof(*want));
    if (!user_server_dma_map(server, want->iova, &have)) {
        return false;
    }
    if (have.map.iova == want->iova && have.map.size == want->size) {
        user_peer_reply(server->peer, msg, NULL, 0, NULL, 0);
    } else {
        user_peer_reply_error(server->peer, msg, EINVAL, NULL, 0);
    }
    return true;
}

static void test_p06_dma_map(void)
{
    int fd = memfd_create("abi", MFD_CLOEXEC);
    Session s;

    g_assert_no_errno(ftruncate(fd, ABI_RAM_SIZE));
    session_open(&s, &device, map_like_library);
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x100000, fd, false), ==, 0);
    /* The server, not the client, has the last word on both of these. */
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x108000, fd, false), <, 0);
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x200000, fd, true), ==, 0);
    g_assert_cmpuint(s.h.lost, ==, 0);
    session_finish(&s);
    close(fd);
}

static bool unmap_empty(UserServer *server, UserMsg *msg, void *opaque)
{
    const VFIOUserDmaUnmap *unmap = (void *)msg->payload;

    if (msg->head.command != VFIO_USER_DMA_UNMAP) {
        return false;
    }
    g_assert_cmpuint(msg->size, ==, sizeof(*unmap));
    g_assert_cmpuint(unmap->argsz, >=, sizeof(*unmap));
    g_assert_cmpuint(unmap->argsz, <=, 1 << 20);
    g_assert_cmpuint(unmap->flags, ==, 0);
    user_peer_reply(server->peer, msg, NULL, 0, NULL, 0);
    return true;
}

/* A device that never enabled DMA answers DMA_UNMAP with nothing. */
static void test_p07_dma_unmap(void)
{
    Session s;
    VFIOHost *host = session_open(&s, &device, unmap_empty);

    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(abi_host_map_dma(&s.h, 0x100000, -1, false), ==, 0);
        g_assert_cmpint(host->ops->dma_unmap(host, 0x100000, ABI_RAM_SIZE), ==,
                        0);
    }
    g_assert_cmpuint(s.h.lost, ==, 0);
    session_finish(&s);
}

/* The descriptor only comes when argsz has room for the capability. */
static bool info_like_library(UserServer *server, UserMsg *msg, void *opaque)
{
    const UserRegionDesc *region = &server->desc.regions[0];
    struct {
        VFIOUserRegionInfo info;
        VFIOUserCapSparse cap;
        VFIOUserArea area;
    } reply = {
        .info = {.argsz = sizeof(reply),
                 .flags = region->flags | VFIO_USER_REGION_F_CAPS,
                 .size = region->size},
        .cap = {.cap = {VFIO_USER_CAP_SPARSE_MMAP, 1, 0}, .nr_areas = 1},
        .area = {0, region->size},
    };
    const VFIOUserRegionInfo *asked = (void *)msg->payload;
    bool fits;

    if (msg->head.command != VFIO_USER_DEVICE_GET_REGION_INFO) {
        return false;
    }
    fits = asked->argsz >= sizeof(reply);
    reply.info.cap_offset = fits ? sizeof(reply.info) : 0;
    user_peer_reply(server->peer, msg, &reply,
                    fits ? sizeof(reply) : sizeof(reply.info), &region->fd,
                    fits);
    return true;
}

static void test_p08_region_info(void)
{
    int fd = memfd_create("abi", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    UserRegionDesc region = {
        .size = 8192, .flags = ABI_RW | VFIO_USER_REGION_F_MMAP, .fd = fd};
    UserDeviceDesc desc = device;
    VFIORegionInfo info = {0};
    uint32_t *mem, value = 0;
    VFIOHost *host;
    Session s;
    int err;

    g_assert_no_errno(ftruncate(fd, 8192));
    g_assert_no_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    desc.regions = &region;
    host = session_open(&s, &desc, info_like_library);
    g_assert_cmpint(host->ops->get_region(host, 0, &info), ==, 0);
    g_assert_cmpuint(info.num_maps, ==, 1);
    g_assert_cmpuint(info.maps[0].offset, ==, 0);
    g_assert_cmpuint(info.maps[0].size, ==, 8192);
    mem = host->ops->region_map(host, 0, &info.maps[0], true, &err);
    g_assert_nonnull(mem);
    mem[3] = 0xcafe;
    g_assert_cmpint(read4(host, 12, &value), ==, 0);
    g_assert_cmphex(value, ==, 0xcafe);
    host->ops->region_unmap(host, mem, 8192);
    vfio_region_info_finish(&info);
    session_finish(&s);
    close(fd);
}

/* Entries of 48 bytes and a third type; a count although nothing fitted. */
static void test_p09_io_fds(void)
{
    struct {
        uint64_t offset, size;
        uint32_t fd_index, type, flags, shadow_fd_index;
        uint64_t shadow_offset, datamatch;
    } entries[] = {
        {0x10, 4, 0, VFIO_USER_IO_FD_IOEVENTFD, 1, 0, 0, 0x77},
        {0x20, 4, 1, 2, 0, 0, 0x40, 0},
        {0x30, 2, 1, VFIO_USER_IO_FD_IOEVENTFD, 0, 0, 0, 0},
    };
    int fds[2] = {eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
    UserRegionDesc region = {.size = 4096,
                             .flags = ABI_RW,
                             .io_fds = entries,
                             .io_fds_size = sizeof(entries),
                             .num_io_fds = 3,
                             .io_fd_fds = fds,
                             .num_io_fd_fds = 2};
    UserDeviceDesc desc = device;
    g_autofree VFIOIoEventFd *got = NULL;
    unsigned n = 0;
    uint64_t one = 1;
    VFIOHost *host;
    Session s;

    g_assert_cmpuint(sizeof(entries[0]), ==, 48);
    desc.regions = &region;
    host = session_open(&s, &desc, NULL);
    g_assert_cmpint(host->ops->get_ioeventfds(host, 0, &got, &n), ==, 0);
    /* The shadow cannot be served: those writes are trapped. */
    g_assert_cmpuint(n, ==, 2);
    g_assert_cmphex(got[0].offset, ==, 0x10);
    g_assert_cmpuint(got[0].size, ==, 4);
    g_assert_true(got[0].match);
    g_assert_cmphex(got[0].data, ==, 0x77);
    g_assert_cmphex(got[1].offset, ==, 0x30);
    g_assert_cmpuint(got[1].size, ==, 2);
    g_assert_false(got[1].match);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(write(got[i].fd, &one, 8), ==, 8);
        g_assert_cmpint(read(fds[i], &one, 8), ==, 8);
    }
    session_finish(&s);
    close(fds[0]);
    close(fds[1]);
}

static bool error_with_payload(UserServer *server, UserMsg *msg, void *opaque)
{
    const VFIOUserRegionAccess *access = (void *)msg->payload;
    uint8_t junk[sizeof(*access) + 8];

    if ((msg->head.command != VFIO_USER_REGION_READ &&
         msg->head.command != VFIO_USER_REGION_WRITE) ||
        access->offset < 0x800) {
        return false;
    }
    memset(junk, 0xee, sizeof(junk));
    memcpy(junk, access, sizeof(*access));
    user_peer_reply_error(server->peer, msg, ENXIO, junk,
                          sizeof(*access) + access->offset % 16);
    return true;
}

/* An error reply may have a payload, which is not the next message. */
static void test_p10_error_payload(void)
{
    Session s;
    VFIOHost *host = session_open(&s, &device, error_with_payload);
    uint32_t value = 0;

    for (unsigned i = 0; i <= 8; i += 4) {
        g_assert_cmpint(read4(host, 0x800 + i, &value), ==, -ENXIO);
        g_assert_cmpint(write4(host, 0x800 + i, 1), ==, -ENXIO);
        g_assert_cmpint(write4(host, 4, i), ==, 0);
        g_assert_cmpint(read4(host, 4, &value), ==, 0);
        g_assert_cmpuint(value, ==, i);
    }
    abi_host_iterate();
    g_assert_cmpuint(s.h.lost, ==, 0);
    session_finish(&s);
}

/* An access of nothing succeeds there; a device that falls short is EINVAL. */
static bool short_access(UserServer *server, UserMsg *msg, void *opaque)
{
    const VFIOUserRegionAccess *access = (void *)msg->payload;
    VFIOUserRegionAccess empty = {0};

    if (msg->head.command != VFIO_USER_REGION_READ &&
        msg->head.command != VFIO_USER_REGION_WRITE) {
        return false;
    }
    g_assert_cmpuint(access->count, >, 0);
    if (access->offset == 0x100) {
        user_peer_reply_error(server->peer, msg, EINVAL, NULL, 0);
        return true;
    }
    if (access->offset == 0x200) {
        empty = *access;
        empty.count = 0;
        user_peer_reply(server->peer, msg, &empty, sizeof(empty), NULL, 0);
        return true;
    }
    return false;
}

static void test_p11_nothing(void)
{
    Session s;
    VFIOHost *host = session_open(&s, &device, short_access);
    uint64_t value = 0;

    for (unsigned size = 1; size <= 4; size *= 2) {
        g_assert_cmpint(host->ops->region_write(host, 0, 8, &value, size), ==,
                        0);
        g_assert_cmpint(host->ops->region_read(host, 0, 8, &value, size), ==,
                        0);
    }
    g_assert_cmpint(host->ops->region_read(host, 0, 0x100, &value, 4), ==,
                    -EINVAL);
    g_assert_cmpint(host->ops->region_write(host, 0, 0x100, &value, 4), ==,
                    -EINVAL);
    abi_host_iterate();
    g_assert_cmpuint(s.h.lost, ==, 0);
    /* Nothing, where four bytes were asked for, is a lie. */
    g_assert_cmpint(host->ops->region_read(host, 0, 0x200, &value, 4), <, 0);
    abi_host_wait_lost(&s.h);
    session_finish(&s);
}

/* The replies to DMA have the address and the count, 16 bytes, both ways. */
static bool dma_on_read(UserServer *server, UserMsg *msg, void *opaque)
{
    Library *lib = opaque;
    g_autofree uint8_t *buf = NULL;

    if (msg->head.command != VFIO_USER_REGION_READ || !lib->value) {
        return false;
    }
    for (uint64_t size = 1; size <= 32768; size = size * 2 + 1) {
        buf = g_realloc(buf, size);
        memset(buf, size, size);
        /* This expects the exact size and echo of the reply. */
        g_assert_cmpint(
            user_server_dma(server, true, 0x10000 + size, buf, size), ==, 0);
        memset(buf, 0, size);
        g_assert_cmpint(
            user_server_dma(server, false, 0x10000 + size, buf, size), ==, 0);
        g_assert_cmphex(buf[0], ==, size & 0xff);
        g_assert_cmphex(buf[size - 1], ==, size & 0xff);
    }
    g_assert_cmpint(user_server_dma(server, false, 0, buf, 4), !=, 0);
    lib->value--;
    return false;
}

static void test_p12_dma_replies(void)
{
    for (unsigned twin = 0; twin < 2; twin++) {
        UserDeviceDesc desc = device;
        uint32_t value = 0;
        VFIOHost *host;
        Session s;

        desc.twin = twin;
        desc.json = twin ? JSON_TWIN : JSON_PLAIN;
        session_init(&s, &desc, dma_on_read);
        s.lib.value = 1;
        abi_host_open(&s.h);
        host = s.h.host;
        g_assert_cmpint(abi_host_map_dma(&s.h, 0x10000, -1, false), ==, 0);
        g_assert_cmpint(read4(host, 0, &value), ==, 0);
        g_assert_cmpint(s.lib.value, ==, 0);
        session_finish(&s);
    }
}

/* Without a twin, what comes next must be the reply, or all is lost. */
static bool dma_at_once(UserServer *server, UserMsg *msg, void *opaque)
{
    VFIOUserDmaAccess access = {0x10000, 64};
    UserPeer *peer = server->twin ? server->twin : server->peer;
    g_autoptr(UserMsg) reply = NULL;
    uint16_t id;

    if (msg->head.command != VFIO_USER_REGION_READ) {
        return false;
    }
    id = user_peer_command(peer, VFIO_USER_DMA_READ, 0, &access, sizeof(access),
                           NULL, 0);
    reply = user_peer_expect_reply(peer, VFIO_USER_DMA_READ, id, 0);
    g_assert_cmpuint(reply->size, ==, sizeof(access) + access.count);
    return false;
}

static void *read_often(void *opaque)
{
    VFIOHost *host = opaque;
    uint32_t value;

    is_client = true;
    for (unsigned i = 0; i < 200; i++) {
        g_assert_cmpint(read4(host, i % 1024 * 4, &value), ==, 0);
    }
    return NULL;
}

/*
 * A client that offers a twin gets one, at index 0; then its commands may be
 * under way while it serves DMA. Without, one thread asks after another.
 */
static void test_p13_twin(void)
{
    for (unsigned twin = 0; twin < 2; twin++) {
        unsigned num = twin ? 3 : 1;
        g_autoptr(UserMsg) msg = NULL;
        UserDeviceDesc desc = device;
        pthread_t threads[3];
        Session s;

        desc.twin = twin;
        desc.json = twin ? JSON_TWIN : JSON_PLAIN;
        session_open(&s, &desc, dma_at_once);
        msg = user_server_seen(s.h.server, VFIO_USER_VERSION);
        g_assert_nonnull(strstr((char *)msg->payload + 4, "twin_socket"));
        g_assert_cmpint(abi_host_map_dma(&s.h, 0x10000, -1, false), ==, 0);
        for (unsigned i = 0; i < num; i++) {
            g_assert_cmpint(
                pthread_create(&threads[i], NULL, read_often, s.h.host), ==, 0);
        }
        for (unsigned i = 0; i < num; i++) {
            g_assert_cmpint(pthread_join(threads[i], NULL), ==, 0);
        }
        session_finish(&s);
    }
}

/* One sendmsg() for each message, far below a socket's buffer. */
static void test_p14_one_piece(void)
{
    int fd = memfd_create("abi", MFD_CLOEXEC);
    int event = eventfd(0, EFD_CLOEXEC);
    g_autoptr(UserMsg) msg = NULL;
    const char *text;
    uint32_t value;
    VFIOHost *host;
    Session s;

    sends = 0;
    longest = 0;
    g_assert_no_errno(ftruncate(fd, ABI_RAM_SIZE));
    session_init(&s, &device, dma_on_read);
    s.lib.value = 1;
    abi_host_open(&s.h);
    host = s.h.host;
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x10000, fd, false), ==, 0);
    g_assert_cmpint(host->ops->set_irq(host, 0, VFIO_IRQ_TRIGGER_FD, event), ==,
                    0);
    g_assert_cmpint(read4(host, 0, &value), ==, 0);
    g_assert_cmpint(host->ops->reset(host), ==, 0);
    g_assert_cmpuint(sends, >, 30);
    g_assert_cmpuint(bad_sends, ==, 0);
    /* The longest is the reply to a DMA_READ, as long as we allowed it. */
    msg = user_server_seen(s.h.server, VFIO_USER_VERSION);
    text = strstr((char *)msg->payload + 4, "\"max_data_xfer_size\"");
    g_assert_nonnull(text);
    g_assert_cmpint(g_ascii_strtoll(strpbrk(text, "0123456789"), NULL, 10), ==,
                    32768);
    g_assert_cmpuint(longest, >, 32768 / 2);
    g_assert_cmpuint(longest, <=, 32768 + 32);
    session_finish(&s);
    close(event);
    close(fd);
}

static bool refuse_writes(UserServer *server, UserMsg *msg, void *opaque)
{
    if (msg->head.command != VFIO_USER_REGION_WRITE) {
        return false;
    }
    /* Not sent, when the client asked for none. */
    user_peer_reply_error(server->peer, msg, EINVAL, NULL, 0);
    return true;
}

/* Only RESET has no payload; NO_REPLY keeps errors back, too. */
static void test_p15_no_payload(void)
{
    uint32_t value = 1;
    VFIOHost *host;
    Session s;

    session_init(&s, &device, refuse_writes);
    s.h.config.posted_writes = true;
    abi_host_open(&s.h);
    host = s.h.host;
    for (unsigned i = 0; i < 50; i++) {
        g_assert_cmpint(write4(host, 16, 99), ==, 0);
        g_assert_cmpint(read4(host, 16, &value), ==, 0);
        g_assert_cmpuint(value, ==, 0);
    }
    g_assert_cmpint(host->ops->reset(host), ==, 0);
    g_assert_cmpuint(user_server_count(s.h.server, VFIO_USER_REGION_WRITE), ==,
                     50);
    abi_host_iterate();
    g_assert_cmpuint(s.h.lost, ==, 0);
    session_finish(&s);
}

static unsigned backs;

static bool count_back(void *opaque, Error **errp)
{
    backs++;
    return true;
}

/* The device was reset by the loss: what comes back knows nothing. */
static void test_p16_reset_on_loss(void)
{
    static const VFIOHostClient client = {abi_host_lost, count_back};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    uint32_t value = 1;
    uint64_t n;
    VFIOHost *host;
    UserDmaMap map;
    Session s;

    session_init(&s, &device, NULL);
    s.h.config.reconnect_ms = 5;
    abi_host_open(&s.h);
    host = s.h.host;
    host->client = &client;
    backs = 0;
    for (unsigned round = 1; round <= 5; round++) {
        g_assert_cmpint(write4(host, 8, 0x5555), ==, 0);
        g_assert_cmpint(host->ops->set_irq(host, 0, VFIO_IRQ_TRIGGER_FD, fd),
                        ==, 0);
        g_assert_cmpint(abi_host_map_dma(&s.h, 0x10000, -1, false), ==, 0);
        user_server_stop(s.h.server);
        memset(s.h.server->mem[0], 0, 4096);
        while (s.h.lost < round) {
            main_loop_iterate(true);
        }
        g_assert_cmpint(s.h.state, ==, VFIO_USER_RECONNECTING);
        g_assert_cmpint(read4(host, 8, &value), <, 0);
        user_server_listen(s.h.server, NULL);
        while (backs < round) {
            main_loop_iterate(true);
        }
        g_assert_cmpint(s.h.state, ==, VFIO_USER_CONNECTED);
        g_assert_cmpint(read4(host, 8, &value), ==, 0);
        g_assert_cmphex(value, ==, 0);
        /* Whoever uses the host says again what it wants. */
        g_assert_false(user_server_armed(s.h.server, 0));
        g_assert_false(user_server_dma_map(s.h.server, 0x10000, &map));
    }
    g_assert_cmpint(host->ops->set_irq(host, 0, VFIO_IRQ_TRIGGER_FD, fd), ==,
                    0);
    user_server_signal(s.h.server, 0);
    g_assert_cmpint(read(fd, &n, 8), ==, 8);
    s.h.lost = 0;
    session_finish(&s);
    close(fd);
}

/* A whole handshake with it, twin and all, ends politely and in one line. */
static void test_p17_pci_only(void)
{
    UserDeviceDesc desc = device;
    g_autofree char *why = NULL, *want = NULL;
    Session s;

    desc.flags = VFIO_USER_DEVICE_PCI | VFIO_USER_DEVICE_RESETTABLE;
    desc.twin = true;
    desc.json = JSON_TWIN;
    session_init(&s, &desc, NULL);
    s.h.config.reconnect_ms = 5; /* does not help */
    why = abi_host_try_open(&s.h);
    want = g_strdup_printf("vfio-user: %s: a PCI device; this machine has a "
                           "system bus only",
                           s.h.config.socket);
    g_assert_cmpstr(why, ==, want);
    user_server_wait_gone(s.h.server);
    g_assert_cmpuint(g_queue_get_length(&s.h.server->seen), ==, 2);
    g_assert_cmpuint(user_server_count(s.h.server, VFIO_USER_DEVICE_GET_INFO),
                     ==, 1);
    session_finish(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    is_client = true;
    g_test_add_func("/abi-libvfio-user/p01-version", test_p01_version);
    g_test_add_func("/abi-libvfio-user/p02-capabilities",
                    test_p02_capabilities);
    g_test_add_func("/abi-libvfio-user/p03-write-multi", test_p03_write_multi);
    g_test_add_func("/abi-libvfio-user/p04-always-pci", test_p04_always_pci);
    g_test_add_func("/abi-libvfio-user/p05-set-irqs", test_p05_set_irqs);
    g_test_add_func("/abi-libvfio-user/p06-dma-map", test_p06_dma_map);
    g_test_add_func("/abi-libvfio-user/p07-dma-unmap", test_p07_dma_unmap);
    g_test_add_func("/abi-libvfio-user/p08-region-info", test_p08_region_info);
    g_test_add_func("/abi-libvfio-user/p09-io-fds", test_p09_io_fds);
    g_test_add_func("/abi-libvfio-user/p10-error-payload",
                    test_p10_error_payload);
    g_test_add_func("/abi-libvfio-user/p11-nothing", test_p11_nothing);
    g_test_add_func("/abi-libvfio-user/p12-dma-replies", test_p12_dma_replies);
    g_test_add_func("/abi-libvfio-user/p13-twin", test_p13_twin);
    g_test_add_func("/abi-libvfio-user/p14-one-piece", test_p14_one_piece);
    g_test_add_func("/abi-libvfio-user/p15-no-payload", test_p15_no_payload);
    g_test_add_func("/abi-libvfio-user/p16-reset-on-loss",
                    test_p16_reset_on_loss);
    g_test_add_func("/abi-libvfio-user/p17-pci-only", test_p17_pci_only);
    return abi_main(g_test_run);
}
