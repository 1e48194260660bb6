/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peculiarities of libvfio-user, by their numbers in section 5.7 of the
 * wire document, that are of DMA and of how a client sends.
 */

#include <pthread.h>

#include "abi-library.h"

static const UserDeviceDesc *const device = &abi_library_device;

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
    AbiSession s;

    g_assert_no_errno(ftruncate(fd, ABI_RAM_SIZE));
    abi_session_open(&s, device, map_like_library);
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x100000, fd, false), ==, 0);
    /* The server, not the client, has the last word on both of these. */
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x108000, fd, false), <, 0);
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x200000, fd, true), ==, 0);
    g_assert_cmpuint(s.h.lost, ==, 0);
    abi_session_finish(&s);
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
    AbiSession s;
    VFIOHost *host = abi_session_open(&s, device, unmap_empty);

    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(abi_host_map_dma(&s.h, 0x100000, -1, false), ==, 0);
        g_assert_cmpint(host->ops->dma_unmap(host, 0x100000, ABI_RAM_SIZE), ==,
                        0);
    }
    g_assert_cmpuint(s.h.lost, ==, 0);
    abi_session_finish(&s);
}

/* The replies to DMA have the address and the count, 16 bytes, both ways. */
static bool dma_on_read(UserServer *server, UserMsg *msg, void *opaque)
{
    AbiLibrary *lib = opaque;
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
        UserDeviceDesc desc = *device;
        uint32_t value = 0;
        VFIOHost *host;
        AbiSession s;

        desc.twin = twin;
        desc.json = twin ? JSON_TWIN : JSON_PLAIN;
        abi_session_init(&s, &desc, dma_on_read);
        s.lib.value = 1;
        abi_host_open(&s.h);
        host = s.h.host;
        g_assert_cmpint(abi_host_map_dma(&s.h, 0x10000, -1, false), ==, 0);
        g_assert_cmpint(read4(host, 0, &value), ==, 0);
        g_assert_cmpint(s.lib.value, ==, 0);
        abi_session_finish(&s);
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

    abi_library_is_client(true);
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
        UserDeviceDesc desc = *device;
        pthread_t threads[3];
        AbiSession s;

        desc.twin = twin;
        desc.json = twin ? JSON_TWIN : JSON_PLAIN;
        abi_session_open(&s, &desc, dma_at_once);
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
        abi_session_finish(&s);
    }
}

/* One sendmsg() for each message, far below a socket's buffer. */
static void test_p14_one_piece(void)
{
    int fd = memfd_create("abi", MFD_CLOEXEC);
    int event = eventfd(0, EFD_CLOEXEC);
    g_autoptr(UserMsg) msg = NULL;
    const char *text;
    AbiSent sent;
    uint32_t value;
    VFIOHost *host;
    AbiSession s;

    abi_library_sent();
    g_assert_no_errno(ftruncate(fd, ABI_RAM_SIZE));
    abi_session_init(&s, device, dma_on_read);
    s.lib.value = 1;
    abi_host_open(&s.h);
    host = s.h.host;
    g_assert_cmpint(abi_host_map_dma(&s.h, 0x10000, fd, false), ==, 0);
    g_assert_cmpint(host->ops->set_irq(host, 0, VFIO_IRQ_TRIGGER_FD, event), ==,
                    0);
    g_assert_cmpint(read4(host, 0, &value), ==, 0);
    g_assert_cmpint(host->ops->reset(host), ==, 0);
    sent = abi_library_sent();
    g_assert_cmpuint(sent.messages, >, 30);
    g_assert_cmpuint(sent.bad, ==, 0);
    /* The longest is the reply to a DMA_READ, as long as we allowed it. */
    msg = user_server_seen(s.h.server, VFIO_USER_VERSION);
    text = strstr((char *)msg->payload + 4, "\"max_data_xfer_size\"");
    g_assert_nonnull(text);
    g_assert_cmpint(g_ascii_strtoll(strpbrk(text, "0123456789"), NULL, 10), ==,
                    32768);
    g_assert_cmpuint(sent.longest, >, 32768 / 2);
    g_assert_cmpuint(sent.longest, <=, 32768 + 32);
    abi_session_finish(&s);
    close(event);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    abi_library_is_client(true);
    g_test_add_func("/abi-libvfio-user-dma/p06-dma-map", test_p06_dma_map);
    g_test_add_func("/abi-libvfio-user-dma/p07-dma-unmap", test_p07_dma_unmap);
    g_test_add_func("/abi-libvfio-user-dma/p12-dma-replies",
                    test_p12_dma_replies);
    g_test_add_func("/abi-libvfio-user-dma/p13-twin", test_p13_twin);
    g_test_add_func("/abi-libvfio-user-dma/p14-one-piece", test_p14_one_piece);
    return abi_main(g_test_run);
}
