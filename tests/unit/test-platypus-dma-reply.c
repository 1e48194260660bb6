/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libplatypus-device: DMA by message that the client answers with an error,
 * wrongly, too late, not at all, or with a flood of something else. It costs
 * the client its connection, and the model an -errno.
 */

#include "device-fixture.h"

#define RW (VFIO_USER_DMA_F_READ | VFIO_USER_DMA_F_WRITE)
#define TWIN "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}"

/* ---- wrong answers ---- */

static void test_error_replies(void)
{
    static const struct {
        uint32_t error;
        int result;
    } cases[] = {{EFAULT, -EFAULT},
                 {EPERM, -EPERM},
                 {0, -EIO},
                 {4096, -EIO},
                 {UINT32_MAX, -EIO}};
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    set_dma(&toy, 16);
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        bool read = i % 2;
        uint16_t id = start_dma(&toy, read ? TOY_DMA_READ : TOY_DMA_WRITE, 0);
        g_autoptr(UserMsg) msg = user_peer_expect_command(
            toy.peer, read ? VFIO_USER_DMA_READ : VFIO_USER_DMA_WRITE);

        /* libvfio-user adds a payload to some. */
        user_peer_reply_error(toy.peer, msg, cases[i / 2].error, "junk",
                              i % 3 ? 0 : 4);
        end_dma(&toy, id, cases[i / 2].result);
    }
    toy_leave(&toy);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&toy);
}

/* The specification's own table ends a DMA_WRITE reply in the count. */
static void test_short_write_reply(void)
{
    g_autoptr(UserMsg) msg = NULL;
    uint16_t id;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    set_dma(&toy, 16);
    id = start_dma(&toy, TOY_DMA_WRITE, 0x10);
    msg = user_peer_expect_command(toy.peer, VFIO_USER_DMA_WRITE);
    user_peer_reply(toy.peer, msg, msg->payload, 12, NULL, 0);
    end_dma(&toy, id, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

typedef struct Wrong {
    uint64_t reg;
    int id, command; /* added to those of the reply */
    int iova, count; /* added to what is echoed */
    size_t size;     /* of the payload */
} Wrong;

static void test_wrong_replies(void)
{
    static const Wrong wrong[] = {
        {TOY_DMA_READ, 1, 0, 0, 0, 32},  {TOY_DMA_READ, 0, 1, 0, 0, 32},
        {TOY_DMA_READ, 0, 0, 1, 0, 32},  {TOY_DMA_READ, 0, 0, 0, 1, 32},
        {TOY_DMA_READ, 0, 0, 0, 0, 31},  {TOY_DMA_READ, 0, 0, 0, 0, 33},
        {TOY_DMA_READ, 0, 0, 0, 0, 16},  {TOY_DMA_READ, 0, 0, 0, 0, 0},
        {TOY_DMA_WRITE, 0, 0, 0, 0, 0},  {TOY_DMA_WRITE, 0, 0, 0, 0, 11},
        {TOY_DMA_WRITE, 0, 0, 0, 0, 20}, {TOY_DMA_WRITE, 0, 0, 0, -1, 16},
        {TOY_DMA_WRITE, 0, 0, 0, 1, 12}, {TOY_DMA_WRITE, 0, 0, -1, 0, 16},
    };
    uint8_t payload[64] = {0};

    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(wrong); i++) {
        const Wrong *w = &wrong[i / 2];
        bool twice = i % 2; /* by the twin */
        g_autoptr(UserMsg) hello = NULL;
        g_autoptr(UserMsg) msg = NULL;
        g_autoptr(UserPeer) twin = NULL;
        UserPeer *peer;
        Toy toy;

        toy_init(&toy, NULL);
        toy_attach(&toy);
        hello = user_peer_hello(toy.peer, twice ? TWIN : NULL);
        twin = twice ? twin_of(hello) : NULL;
        peer = twin ? twin : toy.peer;
        toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
        set_dma(&toy, 16);
        start_dma(&toy, w->reg, 0x20);
        msg = user_peer_receive(peer);
        memcpy(payload, &(VFIOUserDmaAccess){0x20 + w->iova, 16 + w->count},
               16);
        msg->head.id += w->id;
        msg->head.command += w->command;
        user_peer_reply(peer, msg, payload, w->size, NULL, 0);
        user_peer_expect_end(toy.peer);
        toy_leave(&toy);
        g_assert_cmpint(toy.dma_result, ==, -ENOTCONN);
        g_assert_cmpstr(toy.log->str, ==,
                        "the client is dropped: a wrong reply to a DMA "
                        "command\n");
        g_assert_cmpuint(toy.disconnects, ==, 1);
        toy_finish(&toy);
    }
}

/* A command has no business on the twin. */
static void test_command_on_twin(void)
{
    g_autoptr(UserMsg) hello = NULL;
    g_autoptr(UserPeer) twin = NULL;
    VFIOUserRegionAccess access = {0, 0, 4};
    Toy toy;

    toy_init(&toy, NULL);
    toy_attach(&toy);
    hello = user_peer_hello(toy.peer, TWIN);
    twin = twin_of(hello);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    set_dma(&toy, 16);
    start_dma(&toy, TOY_DMA_READ, 0);
    user_msg_free(user_peer_expect_command(twin, VFIO_USER_DMA_READ));
    user_peer_command(twin, VFIO_USER_REGION_READ, 0, &access, sizeof(access),
                      NULL, 0);
    user_peer_expect_end(toy.peer);
    toy_leave(&toy);
    g_assert_cmpint(toy.dma_result, ==, -ENOTCONN);
    toy_finish(&toy);
}

/* ---- no answer ---- */

static void test_timeout(void)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(UserMsg) hello = NULL;
        Toy toy;

        toy_init(&toy, NULL);
        g_assert_cmpint(platypus_device_set_dma_timeout(toy.dev, 0), ==,
                        -EINVAL);
        g_assert_cmpint(platypus_device_set_dma_timeout(toy.dev, 20), ==, 0);
        toy_attach(&toy);
        hello = user_peer_hello(toy.peer, i == 0 ? NULL : TWIN);
        toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
        set_dma(&toy, 16);
        start_dma(&toy, TOY_DMA_READ, 0);
        if (i == 0) {
            user_msg_free(
                user_peer_expect_command(toy.peer, VFIO_USER_DMA_READ));
        }
        user_peer_expect_end(toy.peer);
        toy_leave(&toy);
        g_assert_cmpint(toy.dma_result, ==, -ETIMEDOUT);
        g_assert_cmpstr(toy.log->str, ==,
                        "the client is dropped: no reply to a DMA command "
                        "within 20 ms\n");
        toy_finish(&toy);
    }
}

/* It goes instead, with the twin or without. */
static void test_hang_up(void)
{
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(UserMsg) hello = NULL;
        g_autoptr(UserPeer) twin = NULL;
        Toy toy;

        toy_init(&toy, NULL);
        toy_attach(&toy);
        hello = user_peer_hello(toy.peer, i == 0 ? NULL : TWIN);
        twin = i == 0 ? NULL : twin_of(hello);
        toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
        set_dma(&toy, 16);
        start_dma(&toy, TOY_DMA_WRITE, 0);
        user_msg_free(user_peer_expect_command(twin ? twin : toy.peer,
                                               VFIO_USER_DMA_WRITE));
        toy_leave(&toy);
        g_assert_cmpint(toy.dma_result, ==, -ENOTCONN);
        g_assert_cmpuint(toy.disconnects, ==, 1);
        toy_finish(&toy);
    }
}

/* Or what no client may send at any time. */
static void test_bad_message(void)
{
    int fds[9];
    Toy toy;

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = STDERR_FILENO;
    }
    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    set_dma(&toy, 16);
    start_dma(&toy, TOY_DMA_WRITE, 0);
    user_msg_free(user_peer_expect_command(toy.peer, VFIO_USER_DMA_WRITE));
    user_peer_command(toy.peer, VFIO_USER_DEVICE_RESET, 0, NULL, 0, fds, 9);
    user_peer_expect_end(toy.peer);
    toy_leave(&toy);
    g_assert_cmpint(toy.dma_result, ==, -ENOTCONN);
    g_assert_nonnull(strstr(toy.log->str, "dropped: DMA"));
    toy_finish(&toy);
}

/* What CPUs post meanwhile is a lot, and is served all the same. */
static void test_posted_meanwhile(void)
{
    struct {
        VFIOUserRegionAccess access;
        uint32_t value;
    } write = {{0x40, 0, 4}, 0};
    uint8_t ram[16] = {1, 2, 3};
    g_autoptr(UserMsg) msg = NULL;
    uint16_t id;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    set_dma(&toy, 16);
    id = start_dma(&toy, TOY_DMA_READ, 0);
    msg = user_peer_expect_command(toy.peer, VFIO_USER_DMA_READ);
    for (write.value = 1; write.value <= 4096; write.value++) {
        user_peer_command(toy.peer, VFIO_USER_REGION_WRITE,
                          VFIO_USER_FLAG_NO_REPLY, &write, 20, NULL, 0);
    }
    answer(toy.peer, msg, ram);
    end_dma(&toy, id, 0);
    g_assert_cmpuint(toy_read_reg(&toy, 0, 0x40, 4), ==, 4096);
    toy_leave(&toy);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&toy);
}

/* Commands without an end: by number, by size and by descriptors. */
static void test_flood(void)
{
    static const unsigned numbers[] = {4097, 4, 65};

    for (unsigned i = 0; i < G_N_ELEMENTS(numbers); i++) {
        size_t size = i == 1 ? 16 + (1 << 20) : 20;
        g_autofree uint8_t *payload = g_malloc0(size);
        unsigned before = toy_count_fds();
        int fd = STDERR_FILENO;
        Toy toy;

        memcpy(payload, &(VFIOUserRegionAccess){0, 0, size - 16}, 16);
        toy_init(&toy, NULL);
        toy_start(&toy, NULL);
        toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
        set_dma(&toy, 16);
        start_dma(&toy, TOY_DMA_READ, 0);
        user_msg_free(user_peer_expect_command(toy.peer, VFIO_USER_DMA_READ));
        for (unsigned sent = 0; sent < numbers[i]; sent++) {
            user_peer_command(toy.peer, VFIO_USER_REGION_WRITE,
                              VFIO_USER_FLAG_NO_REPLY, payload, size, &fd,
                              i == 2 ? 1 : 0);
        }
        user_peer_expect_end(toy.peer);
        toy_leave(&toy);
        g_assert_cmpint(toy.dma_result, ==, -ENOTCONN);
        g_assert_nonnull(strstr(toy.log->str, "sends and sends"));
        toy_finish(&toy);
        g_assert_cmpuint(toy_count_fds(), ==, before);
    }
}

static void test_nobody(void)
{
    uint32_t value = 0;
    int other;
    Toy toy;

    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_dma_read(toy.dev, 0, &value, 4), ==,
                    -ENOTCONN);
    g_assert_cmpint(platypus_device_dma_write(toy.dev, 0, &value, 4), ==,
                    -ENOTCONN);
    g_assert_null(platypus_device_dma_pointer(toy.dev, 0, 4, false));
    /* Connected, but not known. */
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    g_assert_cmpint(platypus_device_dma_read(toy.dev, 0, &value, 4), ==,
                    -ENOTCONN);
    toy_finish(&toy);
}

/* DMA outside of the loop: requests that came meanwhile wake it. */
static void *answer_one(void *opaque)
{
    Toy *toy = opaque;
    VFIOUserRegionAccess access = {0x40, 0, 8};
    g_autoptr(UserMsg) msg =
        user_peer_expect_command(toy->peer, VFIO_USER_DMA_READ);

    user_peer_command(toy->peer, VFIO_USER_REGION_READ, 0, &access,
                      sizeof(access), NULL, 0);
    answer(toy->peer, msg, (uint8_t *)"abcd");
    return NULL;
}

static void test_outside(void)
{
    char text[5] = {0};
    pthread_t thread;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    platypus_device_stop(toy.dev);
    pthread_join(toy.thread, NULL);
    pthread_create(&thread, NULL, answer_one, &toy);
    g_assert_cmpint(platypus_device_dma_read(toy.dev, 0, text, 4), ==, 0);
    g_assert_cmpstr(text, ==, "abcd");
    pthread_join(thread, NULL);
    g_assert_cmpint(platypus_device_dispatch(toy.dev), ==, 0);
    user_msg_free(user_peer_receive(toy.peer));
    /* Lost outside of the loop: the loop notices. */
    platypus_device_set_dma_timeout(toy.dev, 1);
    g_assert_cmpint(platypus_device_dma_read(toy.dev, 0, text, 4), ==,
                    -ETIMEDOUT);
    g_assert_cmpint(platypus_device_dma_read(toy.dev, 0, text, 4), ==,
                    -ENOTCONN);
    g_assert_cmpuint(toy.disconnects, ==, 0);
    g_assert_cmpint(platypus_device_run(toy.dev), ==, 0);
    g_assert_cmpuint(toy.disconnects, ==, 1);
    toy_finish(&toy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(path, func) g_test_add_func("/platypus-dma-reply/" path, func)
    TEST("error-replies", test_error_replies);
    TEST("short-write-reply", test_short_write_reply);
    TEST("wrong-replies", test_wrong_replies);
    TEST("command-on-twin", test_command_on_twin);
    TEST("timeout", test_timeout);
    TEST("hang-up", test_hang_up);
    TEST("bad-message", test_bad_message);
    TEST("posted-meanwhile", test_posted_meanwhile);
    TEST("flood", test_flood);
    TEST("nobody", test_nobody);
    TEST("outside", test_outside);
    return g_test_run();
}
