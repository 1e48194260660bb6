/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libplatypus-device: what a client may not do. Those here are the worst that
 * there can be; a device has to outlive all of them, with no descriptor more
 * than before.
 */

#include <fcntl.h>
#include <sys/socket.h>

#include "device-fixture.h"
#include "fd-limit.h"

static void test_version_first(void)
{
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    Toy toy;

    toy_init(&toy, NULL);
    toy_attach(&toy);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_INFO, &info,
                      sizeof(info), NULL, 0);
    user_peer_expect_end(toy.peer);
    toy_leave(&toy);
    g_assert_cmpuint(toy.connects, ==, 0);

    toy_attach(&toy);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_VERSION,
                      &(VFIOUserVersion){1, 0}, 4, NULL, 0);
    user_peer_expect_end(toy.peer);
    toy_leave(&toy);

    toy_attach(&toy);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_VERSION, "\0\0\2", 3, NULL,
                      0);
    user_peer_expect_end(toy.peer);
    toy_leave(&toy);

    /* Text without its zero. */
    toy_attach(&toy);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_VERSION, "\0\0\2\0{}", 6,
                      NULL, 0);
    user_peer_expect_end(toy.peer);
    toy_leave(&toy);

    /* Twice is wrong, but does no harm. */
    toy_start(&toy, NULL);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_VERSION,
                      &(VFIOUserVersion){0, 2}, 4, NULL, 0);
    toy_read_reg(&toy, 0, 0, 4);
    toy_leave(&toy);
    g_assert_cmpuint(toy.connects, ==, 1);
    toy_finish(&toy);
}

static void test_unknown_commands(void)
{
    static const uint16_t commands[] = {0,  11, 12, 14,    16,
                                        17, 18, 19, 0x100, UINT16_MAX};
    static const uint16_t known[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15};
    uint8_t payload[64] = {0};
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        user_peer_refused(toy.peer, ENOTSUP, commands[i], payload,
                          sizeof(payload), NULL, 0);
        user_peer_refused(toy.peer, ENOTSUP, commands[i], NULL, 0, NULL, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(known); i++) {
        user_peer_refused(toy.peer, EINVAL, known[i], NULL, 0, NULL, 0);
        user_peer_refused(toy.peer, EINVAL, known[i], payload, 3, NULL, 0);
    }
    toy_leave(&toy);
    toy_finish(&toy);
}

/* Neither a reply nor an error is sent, whatever the command. */
static void test_no_reply(void)
{
    struct {
        VFIOUserRegionAccess access;
        uint32_t value;
    } write = {{0, 0, 4}, 0};
    uint8_t payload[64] = {0};
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    for (unsigned command = 1; command < 20; command++) {
        user_peer_command(toy.peer, command, VFIO_USER_FLAG_NO_REPLY, NULL, 0,
                          NULL, 0);
        user_peer_command(toy.peer, command, VFIO_USER_FLAG_NO_REPLY, payload,
                          sizeof(payload), NULL, 0);
    }
    for (unsigned i = 1; i <= 5000; i++) {
        write.value = i;
        user_peer_command(toy.peer, VFIO_USER_REGION_WRITE,
                          VFIO_USER_FLAG_NO_REPLY, &write, 20, NULL, 0);
    }
    /* The next that comes is the reply to this. */
    g_assert_cmpuint(toy_read_reg(&toy, 0, 0, 4), ==, 5000);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* A message whose end nobody knows: an error if that makes sense, the end. */
static void test_bad_header(void)
{
    static const struct {
        VFIOUserHeader head;
        bool answered;
    } bad[] = {
        {{7, VFIO_USER_REGION_READ, 15, 0, 0}, true},
        {{7, VFIO_USER_REGION_READ, 0, 0, 0}, true},
        {{7, VFIO_USER_REGION_READ, (1 << 20) + 33, 0, 0}, true},
        {{7, VFIO_USER_REGION_READ, UINT32_MAX, 0, 0}, true},
        {{7, VFIO_USER_REGION_READ, 0, VFIO_USER_FLAG_NO_REPLY, 0}, false},
        {{7, VFIO_USER_REGION_READ, 16, 2, 0}, false},
        {{7, VFIO_USER_REGION_READ, 16, 15, 0}, false},
        {{7, VFIO_USER_DMA_READ, 16, VFIO_USER_FLAG_REPLY, 0}, false},
        {{7, VFIO_USER_DMA_READ, 0, VFIO_USER_FLAG_REPLY, 0}, false},
    };
    Toy toy;

    toy_init(&toy, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        toy_start(&toy, NULL);
        user_peer_send(toy.peer, &bad[i].head, NULL, 0, NULL, 0);
        if (bad[i].answered) {
            user_msg_free(user_peer_expect_reply(toy.peer, bad[i].head.command,
                                                 bad[i].head.id, EINVAL));
        }
        user_peer_expect_end(toy.peer);
        toy_leave(&toy);
        g_assert_nonnull(strstr(toy.log->str, "the client is dropped"));
        g_string_set_size(toy.log, 0);
    }
    g_assert_cmpuint(toy.disconnects, ==, G_N_ELEMENTS(bad));
    toy_finish(&toy);
}

/* A connection that ends at any byte, and messages that come byte by byte. */
static void test_pieces(void)
{
    struct {
        VFIOUserHeader head;
        VFIOUserRegionAccess access;
    } read = {{3, VFIO_USER_REGION_READ, sizeof(read), 0, 0}, {0, 0, 8}};
    unsigned before;
    Toy toy;

    toy_init(&toy, NULL);
    before = toy_count_fds();
    for (size_t size = 0; size < sizeof(read); size++) {
        toy_start(&toy, NULL);
        user_peer_send_bytes(toy.peer, &read, size, NULL, 0);
        toy_leave(&toy);
        user_peer_free(toy.peer);
        toy.peer = NULL;
    }
    g_assert_cmpuint(toy_count_fds(), ==, before);
    toy_start(&toy, NULL);
    for (size_t at = 1; at < sizeof(read); at++) {
        user_peer_split(toy.peer, at);
        toy_write_reg(&toy, 0, 0x20, at, 8);
        g_assert_cmpuint(toy_read_reg(&toy, 0, 0x20, 8), ==, at);
    }
    toy_leave(&toy);
    toy_finish(&toy);
}

static void test_many_fds(void)
{
    int fds[16];
    uint8_t payload[16] = {0};
    Toy toy;

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = STDERR_FILENO;
    }
    toy_init(&toy, NULL);
    /* As many as we take are closed if nobody wants them. */
    toy_start(&toy, NULL);
    for (unsigned i = 0; i < 100; i++) {
        user_peer_refused(toy.peer, EINVAL, VFIO_USER_REGION_READ, payload, 1,
                          fds, 8);
    }
    g_assert_cmpuint(toy_count_fds(), <, 50);
    user_peer_command(toy.peer, VFIO_USER_REGION_READ, 0, payload, 16, fds, 9);
    user_peer_expect_end(toy.peer);
    toy_leave(&toy);
    g_assert_nonnull(strstr(toy.log->str, "more than 8 descriptors"));
    toy_finish(&toy);
}

/* Descriptors belong to the message they came with, whatever surrounds it. */
static void test_fds_in_a_row(void)
{
    struct {
        VFIOUserHeader head;
        VFIOUserIrqSet set;
    } set[2] = {
        {{1, VFIO_USER_DEVICE_SET_IRQS, 36, VFIO_USER_FLAG_NO_REPLY, 0},
         {20, 4 | 32, 0, 0, 1}},
        {{2, VFIO_USER_DEVICE_SET_IRQS, 36, VFIO_USER_FLAG_NO_REPLY, 0},
         {20, 4 | 32, 1, 0, 1}},
    };
    int fds[2] = {eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                  eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    user_peer_send_bytes(toy.peer, &set[0], 36, &fds[0], 1);
    user_peer_send_bytes(toy.peer, &set[1], 36, &fds[1], 1);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmpuint(toy_events(fds[0]), ==, 0);
    g_assert_cmpuint(toy_events(fds[1]), ==, 1);
    toy_write_reg(&toy, 0, TOY_RAISE, 0, 4);
    g_assert_cmpuint(toy_events(fds[0]), ==, 1);
    toy_leave(&toy);
    close(fds[0]);
    close(fds[1]);
    toy_finish(&toy);
}

/*
 * One that asks and never listens: what is kept for it is bounded, others are
 * served, and when it listens at last all is there.
 */
static void test_deaf_client(void)
{
    const uint32_t count = 1 << 20;
    PlatypusArea area = {0, count};
    PlatypusRegion region = {.size = count, .areas = &area, .num_areas = 1};
    PlatypusDeviceDesc desc = {
        .regions = &region, .num_regions = 1, .log = toy_log};
    VFIOUserRegionAccess access = {0, 0, count};
    unsigned asked = 0, answered = 0, late = 0;
    uint32_t *memory;
    int other;
    Toy toy;

    toy_init(&toy, &desc);
    memory = platypus_device_memory(toy.dev, 0);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    user_peer_command(toy.peer, VFIO_USER_VERSION, 0, &(VFIOUserVersion){0, 2},
                      4, NULL, 0);
    platypus_device_dispatch(toy.dev);
    user_msg_free(user_peer_receive(toy.peer));
    for (; asked < 100; asked++) {
        user_peer_command(toy.peer, VFIO_USER_REGION_READ, 0, &access,
                          sizeof(access), NULL, 0);
        memory[0] = asked;
        platypus_device_dispatch(toy.dev);
    }
    memory[0] = 1000;
    pthread_create(&toy.thread, NULL, toy_run, &toy);
    for (; answered < asked; answered++) {
        g_autoptr(UserMsg) reply = user_peer_receive(toy.peer);
        uint32_t value;

        g_assert_cmpuint(reply->size, ==, sizeof(access) + count);
        memcpy(&value, reply->payload + sizeof(access), sizeof(value));
        late += value == 1000;
    }
    g_assert_cmpuint(late, >=, 90);
    toy_leave(&toy);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&toy);
}

/* ... and goes while there is a lot for it. */
static void test_deaf_client_leaves(void)
{
    VFIOUserRegionAccess access = {0, 2, 4 * TOY_PAGE};
    int other;
    Toy toy;

    toy_init(&toy, NULL);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    user_peer_command(toy.peer, VFIO_USER_VERSION, 0, &(VFIOUserVersion){0, 2},
                      4, NULL, 0);
    for (unsigned i = 0; i < 200; i++) {
        user_peer_command(toy.peer, VFIO_USER_REGION_READ, 0, &access,
                          sizeof(access), NULL, 0);
        platypus_device_dispatch(toy.dev);
    }
    user_peer_free(toy.peer);
    toy.peer = NULL;
    /* Ends, since the client is gone. */
    g_assert_cmpint(platypus_device_run(toy.dev), ==, 0);
    g_assert_cmpuint(toy.disconnects, ==, 1);
    toy_finish(&toy);
}

/* Descriptors wait with the replies that they belong to. */
static void test_deaf_descriptors(void)
{
    VFIOUserRegionInfo info = {.argsz = sizeof(info), .index = 2};
    VFIOUserRegionAccess access = {0, 2, 4 * TOY_PAGE};
    unsigned before, asked = 100;
    int other;
    Toy toy;

    toy_init(&toy, NULL);
    before = toy_count_fds();
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    user_peer_command(toy.peer, VFIO_USER_VERSION, 0, &(VFIOUserVersion){0, 2},
                      4, NULL, 0);
    for (unsigned i = 0; i < asked; i++) {
        user_peer_command(toy.peer, VFIO_USER_REGION_READ, 0, &access,
                          sizeof(access), NULL, 0);
        user_peer_command(toy.peer, VFIO_USER_DEVICE_GET_REGION_INFO, 0, &info,
                          sizeof(info), NULL, 0);
        platypus_device_dispatch(toy.dev);
    }
    g_assert_cmpuint(toy_count_fds(), >, before + 10);
    pthread_create(&toy.thread, NULL, toy_run, &toy);
    user_msg_free(user_peer_receive(toy.peer));
    for (unsigned i = 0; i < 2 * asked; i++) {
        g_autoptr(UserMsg) reply = user_peer_receive(toy.peer);

        g_assert_cmpuint(reply->num_fds, ==, i % 2);
    }
    toy_leave(&toy);
    user_peer_free(toy.peer);
    toy.peer = NULL;
    g_assert_cmpuint(toy_count_fds(), ==, before);
    toy_finish(&toy);
}

/* ... and when there is none for them to wait in, that is the end. */
static void test_no_room_for_descriptors(void)
{
    VFIOUserRegionInfo info = {.argsz = sizeof(info), .index = 2};
    VFIOUserRegionAccess access = {0, 2, 4 * TOY_PAGE};
    struct rlimit old;
    int other;
    Toy toy;

    toy_init(&toy, NULL);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    user_peer_command(toy.peer, VFIO_USER_VERSION, 0, &(VFIOUserVersion){0, 2},
                      4, NULL, 0);
    for (unsigned i = 0; i < 20; i++) {
        user_peer_command(toy.peer, VFIO_USER_REGION_READ, 0, &access,
                          sizeof(access), NULL, 0);
        platypus_device_dispatch(toy.dev);
    }
    user_peer_command(toy.peer, VFIO_USER_DEVICE_GET_REGION_INFO, 0, &info,
                      sizeof(info), NULL, 0);
    old = fd_limit_set(0);
    platypus_device_dispatch(toy.dev);
    fd_limit_restore(&old);
    g_assert_nonnull(strstr(toy.log->str, "Too many open files"));
    g_assert_cmpuint(toy.disconnects, ==, 1);
    toy_finish(&toy);
}

/* It asks and goes: the reply finds nobody. */
static void test_reply_to_nobody(void)
{
    int other;
    Toy toy;

    toy_init(&toy, NULL);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    user_peer_command(toy.peer, VFIO_USER_VERSION, 0, &(VFIOUserVersion){0, 2},
                      4, NULL, 0);
    user_peer_free(toy.peer);
    toy.peer = NULL;
    g_assert_cmpint(platypus_device_run(toy.dev), ==, 0);
    g_assert_cmpuint(toy.connects, ==, 1);
    g_assert_cmpuint(toy.disconnects, ==, 1);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&toy);
}

/* What is no socket is found out when it is read. */
static void test_attach_pipe(void)
{
    int ends[2];
    Toy toy;

    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_attach(toy.dev, ends[0]), ==, 0);
    g_assert_cmpint(write(ends[1], "x", 1), ==, 1);
    g_assert_cmpint(platypus_device_run(toy.dev), ==, 0);
    g_assert_nonnull(strstr(toy.log->str, "Socket operation on non-socket"));
    close(ends[1]);
    toy_finish(&toy);
}

/* Other things than descriptors that a socket may be told to bring along. */
static void test_credentials(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int on = 1;
    int other;
    Toy toy;

    toy_init(&toy, NULL);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(setsockopt(other, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)),
                    ==, 0);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    pthread_create(&toy.thread, NULL, toy_run, &toy);
    user_msg_free(user_peer_hello(toy.peer, NULL));
    toy_listen_to(&toy, 1, fd);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    toy_leave(&toy);
    close(fd);
    toy_finish(&toy);
}

/* A flood of requests: each is answered, however they come. */
static void test_pipeline(void)
{
    struct {
        VFIOUserHeader head;
        VFIOUserRegionAccess access;
        uint64_t value;
    } writes[500];
    Toy toy;

    for (unsigned i = 0; i < G_N_ELEMENTS(writes); i++) {
        writes[i].head = (VFIOUserHeader){i, VFIO_USER_REGION_WRITE, 40, 0, 0};
        writes[i].access = (VFIOUserRegionAccess){8, 0, 8};
        writes[i].value = i;
    }
    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    user_peer_send_bytes(toy.peer, writes, sizeof(writes), NULL, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(writes); i++) {
        user_msg_free(
            user_peer_expect_reply(toy.peer, VFIO_USER_REGION_WRITE, i, 0));
    }
    g_assert_cmpuint(toy_read_reg(&toy, 0, 8, 8), ==, 499);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* What was the client's goes with it; what is the device's stays. */
static void test_disconnect(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    unsigned before;
    Toy toy;

    toy_init(&toy, NULL);
    before = toy_count_fds();
    for (unsigned i = 0; i < 10; i++) {
        toy_start(&toy, "{\"capabilities\":{\"twin_socket\":"
                        "{\"supported\":true}}}");
        toy_listen_to(&toy, 0, fd);
        toy_listen_to(&toy, 1, fd);
        /* Raised once, by the first: heard by all, and masked by none. */
        toy_write_reg(&toy, 0, TOY_RAISE, 0, 4);
        g_assert_cmpuint(toy_events(fd), ==, 1);
        toy_map(&toy, 0x10000, 0x1000, VFIO_USER_DMA_F_READ, -1, 0);
        toy_leave(&toy);
        user_peer_free(toy.peer);
        toy.peer = NULL;
        g_assert_cmpuint(toy_count_fds(), ==, before);
        g_assert_cmpint(platypus_device_dma_read(toy.dev, 0x10000, &before, 4),
                        ==, -ENOTCONN);
    }
    g_assert_cmpuint(toy.connects, ==, 10);
    g_assert_cmpuint(toy.disconnects, ==, 10);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&toy);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(path, func) g_test_add_func("/platypus-client/" path, func)
    TEST("version-first", test_version_first);
    TEST("unknown-commands", test_unknown_commands);
    TEST("no-reply", test_no_reply);
    TEST("bad-header", test_bad_header);
    TEST("pieces", test_pieces);
    TEST("many-fds", test_many_fds);
    TEST("fds-in-a-row", test_fds_in_a_row);
    TEST("deaf-client", test_deaf_client);
    TEST("deaf-client-leaves", test_deaf_client_leaves);
    TEST("deaf-descriptors", test_deaf_descriptors);
    TEST("no-room-for-descriptors", test_no_room_for_descriptors);
    TEST("reply-to-nobody", test_reply_to_nobody);
    TEST("attach-pipe", test_attach_pipe);
    TEST("credentials", test_credentials);
    TEST("pipeline", test_pipeline);
    TEST("disconnect", test_disconnect);
    return g_test_run();
}
