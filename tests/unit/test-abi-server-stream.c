/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server library below the commands: headers that are none, replies that
 * nobody asked for, NO_REPLY, the order of replies, messages in pieces, clients
 * that leave at any byte, that never read, and that come second. Those that
 * leave are served in the test's own thread, by dispatch().
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi-model.h"
#include "fd-limit.h"

/* ---- one of each message that a client sends ---- */

typedef struct Sample {
    VFIOUserHeader head;
    uint8_t payload[128];
    unsigned num_fds;
    size_t size; /* of it all */
} Sample;

typedef struct Fds {
    int memory;
    int event;
} Fds;

static Fds fds_new(void)
{
    return (Fds){abi_memfd(4096), eventfd(0, EFD_CLOEXEC)};
}

static void fds_finish(Fds *fds)
{
    close(fds->memory);
    close(fds->event);
}

/* What goes with the command. */
static const int *fd_of(const Fds *fds, uint16_t command)
{
    return command == VFIO_USER_DMA_MAP ? &fds->memory : &fds->event;
}

static void add_sample(GArray *samples, uint16_t command, const void *payload,
                       size_t size, unsigned num_fds)
{
    Sample sample = {
        .head = {samples->len + 7, command, sizeof(VFIOUserHeader) + size},
        .num_fds = num_fds,
        .size = sizeof(VFIOUserHeader) + size,
    };

    if (size) {
        memcpy(sample.payload, payload, size);
    }
    g_array_append_val(samples, sample);
}

/* In an order in which all of them succeed. */
static GArray *make_samples(void)
{
    static const struct {
        VFIOUserVersion version;
        char json[60];
    } hello = {{0, 2}, "{\"capabilities\":{\"max_msg_fds\":8}}"};
    static const VFIOUserDeviceInfo device = {.argsz = 16};
    static const VFIOUserRegionInfo region = {.argsz = 80, .index = ABI_SPARSE};
    static const VFIOUserIoFds io_fds = {.argsz = 96, .index = ABI_REGS};
    static const VFIOUserIrqInfo irq = {.argsz = 16};
    static const VFIOUserIrqSet trigger = {20, 36, ABI_LEVEL, 0, 1};
    static const VFIOUserIrqSet unmask = {20, 17, ABI_LEVEL, 0, 1};
    static const VFIOUserDmaMap map = {32, 3, 0, 0x10000, 4096};
    static const VFIOUserDmaUnmap unmap = {24, 0, 0x10000, 4096};
    static const VFIOUserRegionAccess read = {0x20, ABI_REGS, 4};
    static const struct {
        VFIOUserRegionAccess access;
        uint32_t value;
    } write = {{0x20, ABI_REGS, 4}, 5};
    static const struct {
        VFIOUserWriteMulti multi;
        VFIOUserWrite writes[2];
    } multi = {{2}, {{0, ABI_REGS, 4, {1}}, {4, ABI_REGS, 4, {2}}}};
    GArray *samples = g_array_new(false, false, sizeof(Sample));

    add_sample(samples, VFIO_USER_VERSION, &hello,
               sizeof(hello.version) + strlen(hello.json) + 1, 0);
    add_sample(samples, VFIO_USER_DEVICE_GET_INFO, &device, sizeof(device), 0);
    add_sample(samples, VFIO_USER_DEVICE_GET_REGION_INFO, &region,
               sizeof(region), 0);
    add_sample(samples, VFIO_USER_DEVICE_GET_REGION_IO_FDS, &io_fds,
               sizeof(io_fds), 0);
    add_sample(samples, VFIO_USER_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq), 0);
    add_sample(samples, VFIO_USER_DEVICE_SET_IRQS, &trigger, sizeof(trigger),
               1);
    add_sample(samples, VFIO_USER_DEVICE_SET_IRQS, &unmask, sizeof(unmask), 0);
    add_sample(samples, VFIO_USER_DMA_MAP, &map, sizeof(map), 1);
    add_sample(samples, VFIO_USER_REGION_READ, &read, sizeof(read), 0);
    add_sample(samples, VFIO_USER_REGION_WRITE, &write,
               sizeof(write.access) + sizeof(write.value), 0);
    add_sample(samples, VFIO_USER_REGION_WRITE_MULTI, &multi, sizeof(multi), 0);
    add_sample(samples, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), 0);
    add_sample(samples, VFIO_USER_DEVICE_RESET, NULL, 0, 0);
    return samples;
}

static const Sample *nth(const GArray *samples, unsigned n)
{
    return &g_array_index(samples, Sample, n);
}

static void send_sample(UserPeer *client, const Sample *sample, size_t size,
                        const Fds *fds)
{
    uint8_t bytes[sizeof(VFIOUserHeader) + sizeof(sample->payload)];

    memcpy(bytes, &sample->head, sizeof(sample->head));
    memcpy(bytes + sizeof(sample->head), sample->payload,
           sizeof(sample->payload));
    user_peer_send_bytes(client, bytes, size, fd_of(fds, sample->head.command),
                         size ? sample->num_fds : 0);
}

/* ---- leaving ---- */

/* At every byte of every message: the next client finds all in order. */
static void test_leave_anywhere(void)
{
    g_autoptr(GArray) samples = make_samples();
    Fds fds = fds_new();
    AbiModel *model;

    model = abi_model_new(true);
    for (unsigned n = 0; n < samples->len; n++) {
        for (size_t cut = 0; cut <= nth(samples, n)->size; cut++) {
            UserPeer *client = abi_model_attach(model);

            for (unsigned i = 0; i < n; i++) {
                send_sample(client, nth(samples, i), nth(samples, i)->size,
                            &fds);
            }
            send_sample(client, nth(samples, n), cut, &fds);
            if (cut & 1 || cut == nth(samples, n)->size) {
                abi_model_dispatch(model);
            }
            user_peer_free(client);
            abi_model_dispatch(model);
            g_assert_cmpuint(model->connects, ==, model->disconnects);
        }
    }
    g_assert_cmpuint(model->connects, >, 100);
    g_assert_cmpuint(model->resets, ==, 1);
    abi_model_free(model);
    fds_finish(&fds);
}

/* What the samples are for: as they are, each has its reply. */
static void expect_replies(UserPeer *client, const GArray *samples)
{
    for (unsigned i = 0; i < samples->len; i++) {
        const Sample *sample = nth(samples, i);

        user_msg_free(user_peer_expect_reply(client, sample->head.command,
                                             sample->head.id, 0));
    }
}

/* The registers outlive the client; its eventfds and its windows do not. */
static void test_what_stays(void)
{
    AbiModel *model = abi_model_new(true);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int mem = abi_memfd(4096);
    uint64_t n;
    g_autofree char *dir = g_dir_make_tmp("abi-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "socket", NULL);
    UserPeer *client;

    g_assert_cmpint(platypus_device_listen(model->dev, path), ==, 0);
    abi_model_run(model);
    client = user_peer_connect(path);
    user_msg_free(user_peer_hello(client, NULL));
    abi_write(client, ABI_REGS, 0x40, 4, 0x1234);
    g_assert_cmpint(abi_set_irq(client, 36, ABI_LEVEL, 1, fd), ==, 0);
    g_assert_cmpint(abi_dma_map(client, 0, 4096, 3, mem, 0), ==, 0);
    user_peer_free(client);

    client = user_peer_connect(path);
    user_msg_free(user_peer_hello(client, NULL));
    g_assert_cmphex(abi_read(client, ABI_REGS, 0x40, 4), ==, 0x1234);
    abi_write(client, ABI_REGS, ABI_RAISE, 4, ABI_LEVEL);
    g_assert_cmpint(read(fd, &n, 8), ==, -1);
    g_assert_cmpint(abi_dma_unmap(client, 0, 4096), ==, ABI_REFUSED);
    g_assert_cmpint(abi_dma_map(client, 0, 4096, 3, mem, 0), ==, 0);
    user_peer_free(client);
    close(fd);
    close(mem);
    abi_model_free(model);
    g_assert_cmpint(g_access(path, F_OK), ==, -1);
    g_rmdir(dir);
}

/* The second client is turned away at once, the first one does not notice. */
static void test_second_client(void)
{
    AbiModel *model = abi_model_new(true);
    g_autofree char *dir = g_dir_make_tmp("abi-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "socket", NULL);
    g_autoptr(UserPeer) first = NULL;

    g_assert_cmpint(platypus_device_listen(model->dev, path), ==, 0);
    g_assert_cmpint(platypus_device_listen(model->dev, path), <, 0);
    abi_model_run(model);
    first = user_peer_connect(path);
    user_msg_free(user_peer_hello(first, NULL));
    for (unsigned i = 0; i < 20; i++) {
        g_autoptr(UserPeer) other = user_peer_connect(path);

        if (i & 1) {
            user_peer_command(other, VFIO_USER_VERSION, 0, "\0\0\2\0", 4, NULL,
                              0);
        }
        user_peer_expect_end(other);
        abi_write(first, ABI_REGS, 0x40, 4, i);
        g_assert_cmphex(abi_read(first, ABI_REGS, 0x40, 4), ==, i);
    }
    g_clear_pointer(&first, user_peer_free);
    /* Who comes after it has left is never turned away. */
    for (unsigned i = 0; i < 200; i++) {
        g_autoptr(UserPeer) next = user_peer_connect(path);

        user_msg_free(user_peer_hello(next, NULL));
    }
    abi_model_free(model);
    g_rmdir(dir);
}

/* ---- framing ---- */

/* However a message is cut in two, it is served as one. */
static void test_split(void)
{
    g_autoptr(GArray) samples = make_samples();
    Fds fds = fds_new();
    unsigned longest = 0;

    for (unsigned i = 0; i < samples->len; i++) {
        longest = MAX(longest, nth(samples, i)->size);
    }
    for (size_t at = 1; at < longest; at++) {
        AbiModel *model = abi_model_new(true);
        UserPeer *client = abi_model_attach(model);

        abi_model_run(model);
        user_peer_split(client, at);
        for (unsigned i = 0; i < samples->len; i++) {
            const Sample *sample = nth(samples, i);

            user_peer_send(client, &sample->head, sample->payload,
                           sample->size - sizeof(sample->head),
                           fd_of(&fds, sample->head.command), sample->num_fds);
            user_msg_free(user_peer_expect_reply(client, sample->head.command,
                                                 sample->head.id, 0));
        }
        abi_model_stop(&model, &client);
    }
    fds_finish(&fds);
}

/* All messages in one go: each has its reply, in order, with its own id. */
static void test_pipelined(void)
{
    g_autoptr(GArray) samples = make_samples();
    Fds fds = fds_new();
    AbiModel *model = abi_model_new(true);
    UserPeer *client = abi_model_attach(model);

    for (unsigned i = 0; i < samples->len; i++) {
        send_sample(client, nth(samples, i), nth(samples, i)->size, &fds);
    }
    abi_model_run(model);
    expect_replies(client, samples);
    abi_model_stop(&model, &client);
    fds_finish(&fds);
}

/* One sendmsg() with many messages in it, and half of the last. */
static void test_many_in_one(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    enum { N = 300, SIZE = 32 };

    for (unsigned i = 0; i < N; i++) {
        struct {
            VFIOUserHeader head;
            VFIOUserRegionAccess access;
        } msg = {{i, VFIO_USER_REGION_READ, sizeof(msg)}, {i * 4, ABI_REGS, 4}};

        g_byte_array_append(bytes, (uint8_t *)&msg, sizeof(msg));
    }
    user_peer_send_bytes(client, bytes->data, N * SIZE - 5, NULL, 0);
    for (unsigned i = 0; i < N - 1; i++) {
        g_autoptr(UserMsg) msg =
            user_peer_expect_reply(client, VFIO_USER_REGION_READ, i, 0);

        g_assert_cmphex(((VFIOUserRegionAccess *)msg->payload)->offset, ==,
                        i * 4);
    }
    user_peer_send_bytes(client, bytes->data + N * SIZE - 5, 5, NULL, 0);
    user_msg_free(
        user_peer_expect_reply(client, VFIO_USER_REGION_READ, N - 1, 0));
    abi_model_stop(&model, &client);
}

/* No reply, whether it went well or not; the next command has its own. */
static void test_no_reply(void)
{
    g_autoptr(GArray) samples = make_samples();
    Fds fds = fds_new();
    AbiModel *model;
    UserPeer *client =
        abi_model_start(&model, "{\"capabilities\":{\"max_msg_fds\":8}}");

    for (unsigned i = 1; i < samples->len; i++) {
        const Sample *sample = nth(samples, i);
        bool cut = sample->size > sizeof(sample->head);

        user_peer_command(client, sample->head.command, VFIO_USER_FLAG_NO_REPLY,
                          sample->payload, sample->size - sizeof(sample->head),
                          fd_of(&fds, sample->head.command), sample->num_fds);
        /* And one that goes wrong: too short, or of no number. */
        user_peer_command(client, cut ? sample->head.command : 99,
                          VFIO_USER_FLAG_NO_REPLY, sample->payload,
                          cut ? sample->size - sizeof(sample->head) - 1 : 0,
                          NULL, 0);
        g_assert_cmphex(abi_read(client, ABI_RO, 0, 1), ==, 0x5a);
    }
    /* They were done: the window is gone again, the register is written. */
    g_assert_cmpint(abi_dma_unmap(client, 0x10000, 4096), ==, ABI_REFUSED);
    g_assert_cmphex(abi_read(client, ABI_REGS, 0x20, 4), ==, 5);
    g_clear_pointer(&client, user_peer_free);
    abi_model_join(model);
    g_assert_cmpuint(model->resets, ==, 1);
    abi_model_stop(&model, &client);
    fds_finish(&fds);
}

/* A header that is none ends the connection. */
static void test_bad_size(void)
{
    static const uint32_t sizes[] = {
        0, 1, 15, 0x200000, 0x80000000, UINT32_MAX - 15, UINT32_MAX};

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        VFIOUserHeader head = {1, VFIO_USER_DEVICE_RESET, sizes[i]};
        AbiModel *model;
        UserPeer *client = abi_model_start(&model, NULL);
        g_autoptr(UserMsg) msg = NULL;

        user_peer_send(client, &head, NULL, 0, NULL, 0);
        /* It may say so before it closes. */
        msg = user_peer_receive(client);
        if (msg) {
            g_assert_cmphex(msg->head.flags, ==,
                            VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR);
            user_peer_expect_end(client);
        }
        abi_model_join(model);
        g_assert_cmpuint(model->resets, ==, 0);
        abi_model_stop(&model, &client);
    }
}

/* A type that is none, and replies that nobody waits for. */
static void test_bad_type(void)
{
    for (unsigned type = 1; type < 16; type++) {
        VFIOUserHeader head = {1, VFIO_USER_DEVICE_RESET, 16, type};
        AbiModel *model;
        UserPeer *client = abi_model_start(&model, NULL);

        user_peer_send(client, &head, NULL, 0, NULL, 0);
        user_peer_command(client, VFIO_USER_DEVICE_GET_INFO, 0,
                          &(VFIOUserDeviceInfo){16}, 16, NULL, 0);
        user_msg_free(user_peer_receive(client));
        g_clear_pointer(&client, user_peer_free);
        abi_model_join(model);
        g_assert_cmpuint(model->resets, ==, 0);
        abi_model_stop(&model, &client);
    }
}

/* Bits that mean nothing in a command change nothing in its reply. */
static void test_reserved(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    VFIOUserRegionAccess access = {0, ABI_RO, 1};
    VFIOUserHeader head = {0xffff, VFIO_USER_REGION_READ, 32, 0, 0x12345678};
    g_autoptr(UserMsg) msg = NULL;

    user_peer_send(client, &head, &access, sizeof(access), NULL, 0);
    msg = user_peer_expect_reply(client, VFIO_USER_REGION_READ, 0xffff, 0);
    g_assert_cmpuint(msg->head.error, ==, 0);
    /* The same id again: it need not be unique. */
    user_peer_send(client, &head, &access, sizeof(access), NULL, 0);
    user_peer_send(client, &head, &access, sizeof(access), NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        user_msg_free(
            user_peer_expect_reply(client, VFIO_USER_REGION_READ, 0xffff, 0));
    }
    abi_model_stop(&model, &client);
}

/* More descriptors than anybody takes: none of them is left. */
static void test_many_fds(void)
{
    for (unsigned n = 2; n <= VFIO_USER_MAX_FDS; n = n < 250 ? n * 5 : n + 1) {
        VFIOUserIrqSet set = {20, 36, ABI_LEVEL, 0, n};
        AbiModel *model;
        UserPeer *client = abi_model_start(&model, NULL);
        int fds[VFIO_USER_MAX_FDS];

        for (unsigned i = 0; i < n; i++) {
            fds[i] = user_peer_fd(client);
        }
        g_assert_cmpint(abi_try(client, VFIO_USER_DEVICE_SET_IRQS, &set,
                                sizeof(set), fds, n),
                        !=, 0);
        abi_model_stop(&model, &client);
    }
}

/* The server has no room for what the client hands over: never in silence. */
static void test_no_descriptors(void)
{
    g_autoptr(GArray) samples = make_samples();
    Fds fds = fds_new();
    AbiModel *model = abi_model_new(true);

    for (unsigned n = 1; n < samples->len; n++) {
        const Sample *sample = nth(samples, n);
        UserPeer *client = abi_model_attach(model);
        g_autoptr(UserMsg) msg = NULL;
        struct rlimit limit;

        send_sample(client, nth(samples, 0), nth(samples, 0)->size, &fds);
        abi_model_dispatch(model);
        user_msg_free(user_peer_expect_reply(client, VFIO_USER_VERSION,
                                             nth(samples, 0)->head.id, 0));
        send_sample(client, sample, sample->size, &fds);
        limit = fd_limit_set(0);
        abi_model_dispatch(model);
        fd_limit_restore(&limit);
        if (sample->num_fds) {
            msg = user_peer_receive(client);
            g_assert_true(!msg || msg->head.flags & VFIO_USER_FLAG_ERROR);
        }
        user_peer_free(client);
        abi_model_dispatch(model);
    }
    abi_model_free(model);
    fds_finish(&fds);
}

/* A client that asks and never reads is not remembered without bounds. */
static void test_never_reads(void)
{
    struct {
        VFIOUserHeader head;
        VFIOUserRegionAccess access;
    } ask = {{1, VFIO_USER_REGION_READ, sizeof(ask)}, {0, ABI_SPARSE, 16384}};
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    struct pollfd pollfd = {user_peer_fd(client), POLLOUT, 0};
    unsigned sent = 0;

    /* 1.6 GB of replies, if all of them were kept. */
    while (sent < 100000 && poll(&pollfd, 1, 500) == 1 &&
           !(pollfd.revents & POLLHUP) &&
           send(pollfd.fd, &ask, sizeof(ask), MSG_DONTWAIT | MSG_NOSIGNAL) ==
               sizeof(ask)) {
        sent++;
    }
    g_assert_cmpuint(sent, <, 20000);
    abi_model_stop(&model, &client);
}

/* Garbage, from a fixed seed: only the connection ends. */
static void test_garbage(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x5eed);
    g_autoptr(GArray) samples = make_samples();
    Fds fds = fds_new();
    AbiModel *model = abi_model_new(true);

    for (unsigned round = 0; round < 3000; round++) {
        UserPeer *client = abi_model_attach(model);
        unsigned changes = g_rand_int_range(rand, 1, 4);

        for (unsigned i = 0; i < samples->len; i++) {
            Sample sample = *nth(samples, i);

            if (i && g_rand_int_range(rand, 0, 3) == 0) {
                for (unsigned c = 0; c < changes; c++) {
                    size_t at = g_rand_int_range(rand, 0, sample.size);
                    uint8_t *byte = at < 16 ? (uint8_t *)&sample.head + at
                                            : &sample.payload[at - 16];

                    *byte = g_rand_int(rand) >> g_rand_int_range(rand, 0, 8);
                }
            }
            send_sample(client, &sample, sample.size, &fds);
        }
        shutdown(user_peer_fd(client), SHUT_WR);
        abi_model_dispatch(model);
        user_peer_free(client);
        abi_model_dispatch(model);
    }
    abi_model_free(model);
    fds_finish(&fds);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi-server-stream/leave-anywhere", test_leave_anywhere);
    g_test_add_func("/abi-server-stream/what-stays", test_what_stays);
    g_test_add_func("/abi-server-stream/second-client", test_second_client);
    g_test_add_func("/abi-server-stream/split", test_split);
    g_test_add_func("/abi-server-stream/pipelined", test_pipelined);
    g_test_add_func("/abi-server-stream/many-in-one", test_many_in_one);
    g_test_add_func("/abi-server-stream/no-reply", test_no_reply);
    g_test_add_func("/abi-server-stream/bad-size", test_bad_size);
    g_test_add_func("/abi-server-stream/bad-type", test_bad_type);
    g_test_add_func("/abi-server-stream/reserved", test_reserved);
    g_test_add_func("/abi-server-stream/many-fds", test_many_fds);
    g_test_add_func("/abi-server-stream/no-descriptors", test_no_descriptors);
    g_test_add_func("/abi-server-stream/never-reads", test_never_reads);
    g_test_add_func("/abi-server-stream/garbage", test_garbage);
    return g_test_run();
}
