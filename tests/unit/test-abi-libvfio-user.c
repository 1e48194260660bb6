/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peculiarities of libvfio-user, by their numbers in section 5.7 of the
 * wire document, as its client meets them. Those of DMA and of sending are in
 * test-abi-libvfio-user-dma.c.
 */

#include "abi-library.h"

static const UserDeviceDesc *const device = &abi_library_device;

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
    AbiSession s;

    abi_session_init(&s, device, refuse_version);
    why = abi_host_try_open(&s.h);
    prefix = g_strdup_printf("vfio-user: %s: ", s.h.config.socket);
    g_assert_nonnull(why);
    g_assert_true(g_str_has_prefix(why, prefix));
    msg = user_server_seen(s.h.server, VFIO_USER_VERSION);
    g_assert_cmpmem(msg->payload, 4, "\0\0\2\0", 4);
    g_assert_cmpuint(msg->size, >, 5);
    g_assert_cmpuint(strlen((char *)msg->payload + 4) + 5, ==, msg->size);
    abi_session_finish(&s);
}

/* What it does not advertise has its default; it takes 0 to 1024 fds. */
static void test_p02_capabilities(void)
{
    AbiSession s;
    VFIOHost *host = abi_session_open(&s, device, NULL);
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
    abi_session_finish(&s);
}

/* WRITE_MULTI is not there: posted writes go one by one, and in order. */
static void test_p03_write_multi(void)
{
    AbiSession s;
    VFIOHost *host;
    uint32_t value = 0;

    abi_session_init(&s, device, NULL);
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
    abi_session_finish(&s);
}

/* PCI and five interrupts: refused in one line. EVENTFD only: an edge. */
static void test_p04_always_pci(void)
{
    static const UserIrqDesc five[] = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    UserDeviceDesc desc = *device;
    g_autofree char *why = NULL, *want = NULL;
    VFIOIrqInfo irq = {0};
    AbiSession s;

    desc.flags = VFIO_USER_DEVICE_PCI | VFIO_USER_DEVICE_RESETTABLE;
    desc.irqs = five;
    desc.num_irqs = 5;
    abi_session_init(&s, &desc, NULL);
    why = abi_host_try_open(&s.h);
    want = g_strdup_printf("vfio-user: %s: a PCI device; this machine has a "
                           "system bus only",
                           s.h.config.socket);
    g_assert_cmpstr(why, ==, want);
    abi_session_finish(&s);

    abi_session_open(&s, device, NULL);
    g_assert_cmpint(s.h.host->ops->get_irq(s.h.host, 1, &irq), ==, 0);
    g_assert_cmpuint(irq.count, ==, 1);
    g_assert_true(irq.eventfd);
    g_assert_false(irq.maskable);
    g_assert_false(irq.automasked);
    abi_session_finish(&s);
}

/* start is in range even to switch off, as many fds as interrupts or none. */
static void test_p05_set_irqs(void)
{
    static const VFIOIrqAction actions[] = {
        VFIO_IRQ_PROBE,       VFIO_IRQ_TRIGGER_FD,  VFIO_IRQ_UNMASK_NOW,
        VFIO_IRQ_TRIGGER_OFF, VFIO_IRQ_TRIGGER_FD,  VFIO_IRQ_TRIGGER_FD,
        VFIO_IRQ_UNMASK_OFF,  VFIO_IRQ_TRIGGER_OFF, VFIO_IRQ_TRIGGER_OFF};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    AbiSession s;
    VFIOHost *host = abi_session_open(&s, device, NULL);
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
    abi_session_finish(&s);
    close(fd);
}

/* The descriptor only comes when argsz has room for the capability. */
static bool info_like_library(UserServer *server, UserMsg *msg, void *opaque)
{
    const UserRegionDesc *region = &server->desc.regions[0];
    struct {
        VFIOUserRegionInfo info;
        VFIOUserCap cap;
        uint32_t nr_areas, reserved;
        VFIOUserArea area;
    } reply = {
        .info = {.argsz = sizeof(reply),
                 .flags = region->flags | VFIO_USER_REGION_F_CAPS,
                 .size = region->size},
        .cap = {VFIO_USER_CAP_SPARSE_MMAP, 1, 0},
        .nr_areas = 1,
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
    UserDeviceDesc desc = *device;
    VFIORegionInfo info = {0};
    uint32_t *mem, value = 0;
    VFIOHost *host;
    AbiSession s;
    int err;

    g_assert_no_errno(ftruncate(fd, 8192));
    g_assert_no_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    desc.regions = &region;
    host = abi_session_open(&s, &desc, info_like_library);
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
    abi_session_finish(&s);
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
    UserDeviceDesc desc = *device;
    g_autofree VFIOIoEventFd *got = NULL;
    unsigned n = 0;
    uint64_t one = 1;
    VFIOHost *host;
    AbiSession s;

    g_assert_cmpuint(sizeof(entries[0]), ==, 48);
    desc.regions = &region;
    host = abi_session_open(&s, &desc, NULL);
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
    abi_session_finish(&s);
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
    AbiSession s;
    VFIOHost *host = abi_session_open(&s, device, error_with_payload);
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
    abi_session_finish(&s);
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
    AbiSession s;
    VFIOHost *host = abi_session_open(&s, device, short_access);
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
    abi_session_finish(&s);
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
    AbiSession s;

    abi_session_init(&s, device, refuse_writes);
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
    abi_session_finish(&s);
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
    AbiSession s;

    abi_session_init(&s, device, NULL);
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
    abi_session_finish(&s);
    close(fd);
}

/* A whole handshake with it, twin and all, ends politely and in one line. */
static void test_p17_pci_only(void)
{
    UserDeviceDesc desc = *device;
    g_autofree char *why = NULL, *want = NULL;
    AbiSession s;

    desc.flags = VFIO_USER_DEVICE_PCI | VFIO_USER_DEVICE_RESETTABLE;
    desc.twin = true;
    desc.json = JSON_TWIN;
    abi_session_init(&s, &desc, NULL);
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
    abi_session_finish(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    abi_library_is_client(true);
    g_test_add_func("/abi-libvfio-user/p01-version", test_p01_version);
    g_test_add_func("/abi-libvfio-user/p02-capabilities",
                    test_p02_capabilities);
    g_test_add_func("/abi-libvfio-user/p03-write-multi", test_p03_write_multi);
    g_test_add_func("/abi-libvfio-user/p04-always-pci", test_p04_always_pci);
    g_test_add_func("/abi-libvfio-user/p05-set-irqs", test_p05_set_irqs);
    g_test_add_func("/abi-libvfio-user/p08-region-info", test_p08_region_info);
    g_test_add_func("/abi-libvfio-user/p09-io-fds", test_p09_io_fds);
    g_test_add_func("/abi-libvfio-user/p10-error-payload",
                    test_p10_error_payload);
    g_test_add_func("/abi-libvfio-user/p11-nothing", test_p11_nothing);
    g_test_add_func("/abi-libvfio-user/p15-no-payload", test_p15_no_payload);
    g_test_add_func("/abi-libvfio-user/p16-reset-on-loss",
                    test_p16_reset_on_loss);
    g_test_add_func("/abi-libvfio-user/p17-pci-only", test_p17_pci_only);
    return abi_main(g_test_run);
}
