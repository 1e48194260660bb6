/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scripted vfio-user peer itself, played against itself: what other tests
 * rest on is that it sends what it was told, byte for byte, and that a cut, a
 * split and a changed message arrive as such.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "user-peer.h"

static const UserIrqDesc irqs[] = {{VFIO_USER_IRQ_F_EVENTFD, 1}};
static const UserRegionDesc regions[] = {
    {.size = 64, .flags = VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE}};
static const UserDeviceDesc device = {
    .flags = VFIO_USER_DEVICE_PLATFORM,
    .regions = regions,
    .num_regions = 1,
    .irqs = irqs,
    .num_irqs = 1,
    .twin = true,
};

static void test_message(void)
{
    static const char text[] = "a message";
    int other, fd = memfd_create("test", MFD_CLOEXEC);
    g_autoptr(UserPeer) a = user_peer_pair(&other);
    g_autoptr(UserPeer) b = user_peer_new(other);
    g_autoptr(UserMsg) msg = NULL;
    int fds[] = {fd, fd, fd};

    user_peer_command(a, 77, 0x1200, text, sizeof(text), fds, 3);
    msg = user_peer_expect(b, 77, text, sizeof(text));
    g_assert_cmphex(msg->head.flags, ==, 0x1200);
    g_assert_cmpuint(msg->num_fds, ==, 3);
    g_assert_true(msg->whole);
    user_peer_split(a, 20);
    user_peer_reply_error(b, msg, ENXIO, NULL, 0);
    user_msg_free(user_peer_expect_reply(a, 77, msg->head.id, ENXIO));
    user_peer_hang_up(b);
    user_peer_expect_end(a);
    close(fd);
}

static void *receive(void *peer)
{
    return user_peer_receive(peer);
}

/* However a message is cut in two, it is the same message. */
static void test_split(void)
{
    static const char text[] = "in two";
    int other;
    g_autoptr(UserPeer) a = user_peer_pair(&other);
    g_autoptr(UserPeer) b = user_peer_new(other);

    for (size_t at = 1; at < sizeof(VFIOUserHeader) + sizeof(text); at++) {
        g_autoptr(UserMsg) msg = NULL;
        pthread_t thread;
        void *got;

        g_assert_cmpint(pthread_create(&thread, NULL, receive, b), ==, 0);
        user_peer_split(a, at);
        user_peer_command(a, 5, 0, text, sizeof(text), &other, 1);
        g_assert_cmpint(pthread_join(thread, &got), ==, 0);
        msg = got;
        g_assert_nonnull(msg);
        g_assert_cmpmem(msg->payload, msg->size, text, sizeof(text));
        g_assert_cmpuint(msg->num_fds, ==, 1);
        g_assert_cmpint(msg->whole, ==, at == sizeof(VFIOUserHeader));
    }
}

static bool cut(void *opaque, unsigned n, GByteArray *bytes, GArray *fds)
{
    const size_t *size = opaque;

    bytes->data[0] ^= 0xff;
    g_byte_array_set_size(bytes, *size);
    return n == 0;
}

static void test_filter(void)
{
    int other;
    g_autoptr(UserPeer) a = user_peer_pair(&other);
    g_autoptr(UserPeer) b = user_peer_new(other);
    g_autoptr(UserMsg) msg = NULL;
    size_t size = 16;
    uint16_t id;

    user_peer_set_filter(a, cut, &size);
    id = user_peer_command(a, 3, 0, NULL, 0, NULL, 0);
    msg = user_peer_expect_command(b, 3);
    g_assert_cmphex(msg->head.id, ==, id ^ 0xff);
    size = 9;
    user_peer_command(a, 3, 0, NULL, 0, NULL, 0);
    user_peer_expect_end(b);
}

static bool stand_still(UserServer *server, UserMsg *msg, void *opaque)
{
    char bytes[] = "dma";

    if (msg->head.command == VFIO_USER_DEVICE_RESET) {
        *(int *)opaque = user_server_dma(server, true, 0x1000, bytes, 4);
    }
    return false;
}

/* A client by hand against the server: each answer is the protocol's. */
static void test_server(void)
{
    g_autoptr(UserServer) server = user_server_new(&device);
    g_autoptr(UserPeer) client = NULL, twin = NULL;
    g_autoptr(UserMsg) version = NULL, got = NULL, dma = NULL, seen = NULL;
    VFIOUserRegionAccess access = {8, 0, 8};
    VFIOUserIrqSet set = {
        20, VFIO_USER_IRQ_DATA_EVENTFD | VFIO_USER_IRQ_ACTION_TRIGGER, 0, 0, 1};
    struct {
        VFIOUserRegionAccess access;
        char bytes[8];
    } write = {{8, 0, 8}, "abcdefg"};
    int dma_result = -1;
    uint64_t n = 0;
    int fds[2];
    uint16_t id;

    server->hook = stand_still;
    server->hook_opaque = &dma_result;
    user_server_listen(server, NULL);
    client = user_peer_connect(server->path);
    version = user_peer_hello(client, NULL);
    g_assert_cmpuint(version->num_fds, ==, 1);
    twin = user_peer_new(user_msg_take_fd(version, 0));
    user_msg_free(user_peer_call(client, VFIO_USER_REGION_WRITE, &write,
                                 sizeof(write), NULL, 0));
    got = user_peer_call(client, VFIO_USER_REGION_READ, &access, sizeof(access),
                         NULL, 0);
    g_assert_cmpmem(got->payload, got->size, &write, sizeof(write));
    access.offset = 57;
    user_peer_refused(client, EINVAL, VFIO_USER_REGION_READ, &access,
                      sizeof(access), NULL, 0);
    g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
    user_msg_free(user_peer_call(client, VFIO_USER_DEVICE_SET_IRQS, &set,
                                 sizeof(set), &fds[1], 1));
    user_server_signal(server, 0);
    g_assert_cmpint(read(fds[0], &n, sizeof(n)), ==, 8);
    g_assert_cmpuint(n, ==, 1);
    id = user_peer_command(client, VFIO_USER_DEVICE_RESET, 0, NULL, 0, NULL, 0);
    dma = user_peer_expect_command(twin, VFIO_USER_DMA_WRITE);
    user_peer_reply_error(twin, dma, EFAULT, NULL, 0);
    user_msg_free(
        user_peer_expect_reply(client, VFIO_USER_DEVICE_RESET, id, 0));
    seen = user_server_seen(server, VFIO_USER_REGION_WRITE);
    g_assert_cmpmem(seen->payload, seen->size, &write, sizeof(write));
    g_assert_cmpuint(user_server_count(server, VFIO_USER_REGION_READ), ==, 2);
    user_peer_hang_up(client);
    user_server_wait_gone(server);
    g_assert_cmpint(dma_result, ==, EFAULT);
    close(fds[0]);
    close(fds[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-peer/message", test_message);
    g_test_add_func("/user-peer/split", test_split);
    g_test_add_func("/user-peer/filter", test_filter);
    g_test_add_func("/user-peer/server", test_server);
    return g_test_run();
}
