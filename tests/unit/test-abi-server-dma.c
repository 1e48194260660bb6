/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server library's DMA against the wire document: windows that the client
 * shares, windows that are only reached by messages, and what may be wrong
 * with either.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi-model.h"

#define DMA_RW (VFIO_USER_DMA_F_READ | VFIO_USER_DMA_F_WRITE)

/* ---- DMA windows ---- */

/* The model's own DMA: 0 or the errno it got. */
static int dma(UserPeer *client, bool write, uint64_t iova, uint32_t size)
{
    uint64_t reg = write ? ABI_WRITE : ABI_READ;

    abi_write(client, ABI_REGS, ABI_IOVA, 8, iova);
    abi_write(client, ABI_REGS, ABI_SIZE, 4, size);
    abi_write(client, ABI_REGS, reg, 4, 0);
    return abi_read(client, ABI_REGS, reg, 4);
}

/* Starts the model's DMA; the reply to that comes when the DMA has ended. */
static uint16_t start_dma(UserPeer *client, bool write, uint64_t iova,
                          uint32_t size)
{
    struct {
        VFIOUserRegionAccess access;
        uint32_t value;
        uint32_t unused;
    } request = {{write ? ABI_WRITE : ABI_READ, ABI_REGS, 4}, 0, 0};

    abi_write(client, ABI_REGS, ABI_IOVA, 8, iova);
    abi_write(client, ABI_REGS, ABI_SIZE, 4, size);
    return user_peer_command(client, VFIO_USER_REGION_WRITE, 0, &request, 20,
                             NULL, 0);
}

/* Serves DMA commands at @commands until all of @size went over. */
static void serve_dma(UserPeer *commands, bool write, uint64_t iova,
                      uint32_t size, uint32_t limit)
{
    uint16_t command = write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ;

    while (size) {
        g_autoptr(UserMsg) msg = user_peer_expect_command(commands, command);
        const VFIOUserDmaAccess *access = (void *)msg->payload;
        g_autofree uint8_t *reply = NULL;

        g_assert_cmpuint(msg->size, >=, sizeof(*access));
        g_assert_cmphex(access->iova, ==, iova);
        g_assert_cmpuint(access->count, >, 0);
        g_assert_cmpuint(access->count, <=, MIN(limit, size));
        g_assert_cmpuint(msg->size, ==,
                         sizeof(*access) + (write ? access->count : 0));
        g_assert_cmphex(msg->head.flags, ==, 0);
        reply = g_malloc(sizeof(*access) + access->count);
        memcpy(reply, access, sizeof(*access));
        for (unsigned i = 0; i < access->count; i++) {
            uint8_t byte = (iova + i) * 31;

            if (write) {
                g_assert_cmphex(msg->payload[sizeof(*access) + i], ==, byte);
            } else {
                reply[sizeof(*access) + i] = byte;
            }
        }
        user_peer_reply(commands, msg, reply,
                        sizeof(*access) + (write ? 0 : access->count), NULL, 0);
        iova += access->count;
        size -= access->count;
    }
}

static void test_dma_shared(void)
{
    AbiModel *model;
    int fd = abi_memfd(65536);
    UserPeer *client = abi_model_start(&model, NULL);
    uint8_t page[4096];

    memset(page, 0xab, sizeof(page));
    g_assert_cmpint(pwrite(fd, page, sizeof(page), 8192), ==, sizeof(page));
    g_assert_cmpint(abi_dma_map(client, 0x10000, 16384, DMA_RW, fd, 8192), ==,
                    0);
    g_assert_cmpint(dma(client, false, 0x10000, 4096), ==, 0);
    g_assert_cmpint(dma(client, true, 0x13000, 4096), ==, 0);
    g_assert_cmpint(pread(fd, page, sizeof(page), 8192 + 0x3000), ==,
                    sizeof(page));
    for (unsigned i = 0; i < sizeof(page); i++) {
        g_assert_cmphex(page[i], ==, 0xab);
    }
    /* Not all of it is there. */
    g_assert_cmpint(dma(client, false, 0xf000, 4096), ==, EFAULT);
    g_assert_cmpint(dma(client, false, 0x13001, 4096), ==, EFAULT);
    g_assert_cmpint(dma(client, false, 0x14000, 1), ==, EFAULT);
    g_assert_cmpint(dma(client, true, UINT64_MAX - 4, 16), ==, EFAULT);
    /* A neighbour: one access over both. */
    g_assert_cmpint(abi_dma_map(client, 0x14000, 4096, DMA_RW, fd, 0), ==, 0);
    g_assert_cmpint(dma(client, false, 0x13800, 4096), ==, 0);
    /* Gone, wholly. */
    g_assert_cmpint(abi_dma_unmap(client, 0x10000, 16384), ==, 0);
    g_assert_cmpint(dma(client, false, 0x10000, 4096), ==, EFAULT);
    g_assert_cmpint(dma(client, false, 0x14000, 4096), ==, 0);
    abi_model_stop(&model, &client);
    close(fd);
}

static void test_dma_rights(void)
{
    AbiModel *model;
    int fd = abi_memfd(8192);
    UserPeer *client = abi_model_start(&model, NULL);

    g_assert_cmpint(abi_dma_map(client, 0, 4096, VFIO_USER_DMA_F_READ, fd, 0),
                    ==, 0);
    g_assert_cmpint(
        abi_dma_map(client, 4096, 4096, VFIO_USER_DMA_F_WRITE, fd, 4096), ==,
        0);
    g_assert_cmpint(dma(client, false, 0, 4096), ==, 0);
    g_assert_cmpint(dma(client, true, 0, 4096), ==, EFAULT);
    g_assert_cmpint(dma(client, true, 4096, 4096), ==, 0);
    g_assert_cmpint(dma(client, false, 4096, 4096), ==, EFAULT);
    abi_model_stop(&model, &client);
    close(fd);
}

/* Memory that the client may only read is still memory for the device. */
static void test_dma_read_only_fd(void)
{
    AbiModel *model;
    int fd = abi_memfd(4096);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    int ro = open(path, O_RDONLY | O_CLOEXEC);
    UserPeer *client = abi_model_start(&model, NULL);

    g_assert_no_errno(ro);
    g_assert_cmpint(abi_dma_map(client, 0, 4096, VFIO_USER_DMA_F_READ, ro, 0),
                    ==, 0);
    g_assert_cmpint(dma(client, false, 0, 4096), ==, 0);
    abi_model_stop(&model, &client);
    close(ro);
    close(fd);
}

static void test_dma_map_bad(void)
{
    AbiModel *model;
    int fd = abi_memfd(65536);
    int two[2] = {fd, fd};
    UserPeer *client;
    VFIOUserDmaMap map = {sizeof(map), DMA_RW, 0, 0x100000, 4096};

    client = abi_model_start(&model, "{\"capabilities\":{\"max_msg_fds\":8}}");
    for (size_t size = 0; size < sizeof(map); size++) {
        abi_refused(client, VFIO_USER_DMA_MAP, &map, size, &fd, 1);
    }
    map.argsz = sizeof(map) - 1;
    abi_refused(client, VFIO_USER_DMA_MAP, &map, sizeof(map), &fd, 1);
    map.argsz = sizeof(map);
    abi_refused(client, VFIO_USER_DMA_MAP, &map, sizeof(map), two, 2);
    map.flags = 0x80000003;
    abi_refused(client, VFIO_USER_DMA_MAP, &map, sizeof(map), &fd, 1);

    g_assert_cmpint(abi_dma_map(client, 0x100000, 0, DMA_RW, fd, 0), ==,
                    ABI_REFUSED);
    g_assert_cmpint(abi_dma_map(client, -4096ull, 8192, DMA_RW, fd, 0), ==,
                    ABI_REFUSED);
    g_assert_cmpint(abi_dma_map(client, -4096ull, 8192, DMA_RW, -1, 0), ==,
                    ABI_REFUSED);
    g_assert_cmpint(abi_dma_map(client, 4096, -4096ull + 1, DMA_RW, -1, 0), ==,
                    ABI_REFUSED);
    g_assert_cmpint(dma(client, false, 0x100000, 16), ==, EFAULT);
    g_assert_cmpint(dma(client, false, 0, 16), ==, EFAULT);
    abi_model_stop(&model, &client);
    close(fd);
}

/*
 * A descriptor that cannot be mapped, or that would kill whoever maps it:
 * refused, or the window is one that is reached by messages.
 */
static void test_dma_map_unsafe(void)
{
    int plain = memfd_create("abi", MFD_CLOEXEC), sealed = abi_memfd(65536);
    struct {
        uint64_t size, offset;
        int fd;
    } odd[] = {
        {4096, 0, plain},           {4096, -4096ull, sealed},
        {4096, 1ull << 63, sealed}, {4096, 65536, sealed},
        {8192, 61440, sealed},      {1ull << 47, 0, sealed},
        {4096, 100, sealed},        {4096, 0, STDERR_FILENO},
    };
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    uint16_t id;

    g_assert_no_errno(ftruncate(plain, 4096));
    for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
        if (abi_dma_map(client, 0, odd[i].size, DMA_RW, odd[i].fd,
                        odd[i].offset) == 0) {
            id = start_dma(client, false, 0x10, 64);
            serve_dma(client, false, 0x10, 64, 64);
            user_msg_free(
                user_peer_expect_reply(client, VFIO_USER_REGION_WRITE, id, 0));
            g_assert_cmpint(abi_dma_unmap(client, 0, odd[i].size), ==, 0);
        }
    }
    abi_model_stop(&model, &client);
    close(plain);
    close(sealed);
}

/* The last page of the address space is a window like any other. */
static void test_dma_map_end(void)
{
    AbiModel *model;
    int fd = abi_memfd(4096);
    UserPeer *client = abi_model_start(&model, NULL);

    g_assert_cmpint(abi_dma_map(client, -4096ull, 4096, DMA_RW, fd, 0), ==, 0);
    g_assert_cmpint(dma(client, true, -4096ull, 4096), ==, 0);
    g_assert_cmpint(dma(client, true, -4095ull, 4096), ==, EFAULT);
    g_assert_cmpint(abi_dma_unmap(client, -4096ull, 4096), ==, 0);
    abi_model_stop(&model, &client);
    close(fd);
}

static void test_dma_overlap(void)
{
    static const struct {
        uint64_t iova, size;
    } bad[] = {{0x10000, 0x4000}, {0x10000, 0x1000}, {0x13000, 0x1000},
               {0xf000, 0x2000},  {0x13000, 0x2000}, {0xf000, 0x8000},
               {0x11000, 0x1000}, {0, -0x1000ull}};
    AbiModel *model;
    int fd = abi_memfd(0x10000);
    UserPeer *client = abi_model_start(&model, NULL);

    g_assert_cmpint(abi_dma_map(client, 0x10000, 0x4000, DMA_RW, fd, 0), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpint(abi_dma_map(client, bad[i].iova, bad[i].size, DMA_RW,
                                    i & 1 ? fd : -1, 0),
                        ==, ABI_REFUSED);
    }
    g_assert_cmpint(abi_dma_map(client, 0xf000, 0x1000, DMA_RW, fd, 0), ==, 0);
    g_assert_cmpint(abi_dma_map(client, 0x14000, 0x1000, DMA_RW, fd, 0), ==, 0);
    abi_model_stop(&model, &client);
    close(fd);
}

static void test_dma_unmap(void)
{
    static const struct {
        uint64_t iova, size;
    } bad[] = {{0x10000, 0x1000},
               {0x11000, 0x3000},
               {0x10000, 0x5000},
               {0xf000, 0x4000},
               {0, 0},
               {0, UINT64_MAX},
               {0x20000, 0x4000},
               {0x10000, 0}};
    VFIOUserDmaUnmap unmap = {sizeof(unmap), 0, 0x10000, 0x4000};
    AbiModel *model;
    int fd = abi_memfd(0x10000);
    UserPeer *client = abi_model_start(&model, NULL);
    g_autoptr(UserMsg) msg = NULL;

    g_assert_cmpint(abi_dma_map(client, 0x10000, 0x4000, DMA_RW, fd, 0), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpint(abi_dma_unmap(client, bad[i].iova, bad[i].size), ==,
                        ABI_REFUSED);
    }
    for (size_t size = 0; size < sizeof(unmap); size++) {
        abi_refused(client, VFIO_USER_DMA_UNMAP, &unmap, size, NULL, 0);
    }
    unmap.argsz = sizeof(unmap) - 1;
    abi_refused(client, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), NULL, 0);
    unmap.argsz = sizeof(unmap);
    unmap.flags = 1u << 31;
    abi_refused(client, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), NULL, 0);
    unmap.flags = 0;
    g_assert_cmpint(dma(client, false, 0x10000, 0x4000), ==, 0);
    msg = user_peer_call(client, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap),
                         NULL, 0);
    g_assert_cmpmem(msg->payload, msg->size, &unmap, sizeof(unmap));
    abi_refused(client, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), NULL, 0);
    g_assert_cmpint(abi_dma_map(client, 0x10000, 0x4000, DMA_RW, fd, 0), ==, 0);
    abi_model_stop(&model, &client);
    close(fd);
}

/* ---- DMA by message ---- */

static void move_both_ways(UserPeer *client, UserPeer *commands, uint32_t limit)
{
    uint32_t size = 100003;
    uint16_t id;

    g_assert_cmpint(abi_dma_map(client, 0x40000, 0x40000, DMA_RW, -1, 0), ==,
                    0);
    id = start_dma(client, false, 0x40005, size);
    serve_dma(commands, false, 0x40005, size, limit);
    user_msg_free(
        user_peer_expect_reply(client, VFIO_USER_REGION_WRITE, id, 0));
    g_assert_cmpint(abi_read(client, ABI_REGS, ABI_READ, 4), ==, 0);
    id = start_dma(client, true, 0x40005, size);
    serve_dma(commands, true, 0x40005, size, limit);
    user_msg_free(
        user_peer_expect_reply(client, VFIO_USER_REGION_WRITE, id, 0));
    g_assert_cmpint(abi_read(client, ABI_REGS, ABI_WRITE, 4), ==, 0);
}

static void test_dma_message(void)
{
    static const uint32_t limits[] = {1 << 20, 4096, 4095};

    for (unsigned i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_autofree char *json = g_strdup_printf(
            "{\"capabilities\":{\"max_data_xfer_size\":%u}}", limits[i]);
        AbiModel *model;
        UserPeer *client = abi_model_start(&model, json);

        move_both_ways(client, client, limits[i]);
        abi_model_stop(&model, &client);
    }
}

/* With a twin the commands come by that, and by nothing else. */
static void test_dma_twin(void)
{
    AbiModel *model = abi_model_new(true);
    UserPeer *client = abi_model_attach(model);
    g_autoptr(UserMsg) msg = NULL;
    UserPeer *twin;

    abi_model_run(model);
    msg = user_peer_hello(client, "{\"capabilities\":{\"max_msg_fds\":8,"
                                  "\"max_data_xfer_size\":32768,"
                                  "\"twin_socket\":{\"supported\":true}}}");
    g_assert_cmpuint(msg->num_fds, ==, 1);
    g_assert_nonnull(strstr((char *)msg->payload + 4, "twin_socket"));
    twin = user_peer_new(user_msg_take_fd(msg, 0));
    move_both_ways(client, twin, 32768);
    user_peer_free(twin);
    abi_model_stop(&model, &client);
}

/* What the client's side says of an access is what the model gets. */
static void test_dma_refused(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    g_assert_cmpint(abi_dma_map(client, 0, 0x10000, DMA_RW, -1, 0), ==, 0);
    for (unsigned i = 0; i < 4; i++) {
        bool write = i & 1;
        uint16_t id = start_dma(client, write, 0x1000, 64);
        g_autoptr(UserMsg) msg = user_peer_expect_command(
            client, write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ);

        /* errno 0 means that the client does not say which. */
        user_peer_reply_error(client, msg, i < 2 ? EFAULT : 0, NULL, 0);
        user_msg_free(
            user_peer_expect_reply(client, VFIO_USER_REGION_WRITE, id, 0));
        g_assert_cmpint(
            abi_read(client, ABI_REGS, write ? ABI_WRITE : ABI_READ, 4), !=, 0);
    }
    abi_model_stop(&model, &client);
}

/* A reply to DMA that is not one: the client is sent away, nothing else. */
static void test_dma_bad_reply(void)
{
    for (unsigned i = 0; i < 12; i++) {
        bool write = i & 1;
        uint16_t command = write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ;
        uint8_t reply[16 + 65] = {0};
        AbiModel *model;
        UserPeer *client = abi_model_start(&model, NULL);
        g_autoptr(UserMsg) msg = NULL;
        size_t size = write ? 16 : 16 + 64;

        g_assert_cmpint(abi_dma_map(client, 0, 0x10000, DMA_RW, -1, 0), ==, 0);
        start_dma(client, write, 0x1000, 64);
        msg = user_peer_expect_command(client, command);
        memcpy(reply, msg->payload, 16);
        switch (i / 2) {
        case 0: /* short by one */
            size--;
            break;
        case 1: /* long by one */
            size++;
            break;
        case 2: /* another address */
            reply[1] ^= 1;
            break;
        case 3: /* another count */
            reply[8] ^= 1;
            break;
        case 4: /* another command's */
            msg->head.command ^= 1;
            break;
        case 5: /* no such request */
            msg->head.id ^= 0x8000;
            break;
        }
        user_peer_reply(client, msg, reply, size, NULL, 0);
        user_peer_expect_end(client);
        g_clear_pointer(&client, user_peer_free);
        abi_model_join(model);
        g_assert_cmpint(model->dma_result, ==, -ENOTCONN);
        abi_model_stop(&model, &client);
    }
}

/* The table of the specification has 12 bytes in the reply to DMA_WRITE. */
static void test_dma_short_reply(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    g_autoptr(UserMsg) msg = NULL;
    uint16_t id;

    g_assert_cmpint(abi_dma_map(client, 0, 0x10000, DMA_RW, -1, 0), ==, 0);
    id = start_dma(client, true, 0x1000, 64);
    msg = user_peer_expect_command(client, VFIO_USER_DMA_WRITE);
    user_peer_reply(client, msg, msg->payload, 12, NULL, 0);
    user_msg_free(
        user_peer_expect_reply(client, VFIO_USER_REGION_WRITE, id, 0));
    g_assert_cmpint(abi_read(client, ABI_REGS, ABI_WRITE, 4), ==, 0);
    abi_model_stop(&model, &client);
}

/* The client leaves while the model waits for its DMA. */
static void test_dma_leave(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    g_assert_cmpint(abi_dma_map(client, 0, 0x10000, DMA_RW, -1, 0), ==, 0);
    start_dma(client, false, 0, 4096);
    user_msg_free(user_peer_expect_command(client, VFIO_USER_DMA_READ));
    g_clear_pointer(&client, user_peer_free);
    abi_model_join(model);
    g_assert_cmpint(model->dma_result, ==, -ENOTCONN);
    abi_model_stop(&model, &client);
}

/* Commands that come while the model waits are answered then, in order. */
static void test_dma_meanwhile(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    VFIOUserRegionAccess access = {0, ABI_REGS, 4};
    uint16_t first, ids[20];

    g_assert_cmpint(abi_dma_map(client, 0, 0x10000, DMA_RW, -1, 0), ==, 0);
    first = start_dma(client, false, 0x100, 64);
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        access.offset = i * 4;
        ids[i] = user_peer_command(client, VFIO_USER_REGION_READ, 0, &access,
                                   sizeof(access), NULL, 0);
    }
    serve_dma(client, false, 0x100, 64, 64);
    user_msg_free(
        user_peer_expect_reply(client, VFIO_USER_REGION_WRITE, first, 0));
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        user_msg_free(
            user_peer_expect_reply(client, VFIO_USER_REGION_READ, ids[i], 0));
    }
    abi_model_stop(&model, &client);
}

/* A client that sends more and more instead of the reply is sent away. */
static void test_dma_instead(void)
{
    for (unsigned with_fd = 0; with_fd < 2; with_fd++) {
        AbiModel *model;
        UserPeer *client = abi_model_start(&model, NULL);
        VFIOUserDmaMap map = {sizeof(map), DMA_RW, 0, 0x100000, 4096};
        int fd = user_peer_fd(client);
        VFIOUserHeader head = {1, VFIO_USER_DMA_MAP,
                               sizeof(head) + sizeof(map)};
        unsigned sent = 0;

        g_assert_cmpint(abi_dma_map(client, 0, 0x10000, DMA_RW, -1, 0), ==, 0);
        start_dma(client, false, 0, 4096);
        while (sent < 200000 &&
               user_peer_send(client, &head, &map, sizeof(map), &fd, with_fd)) {
            sent++;
        }
        g_assert_cmpuint(sent, <, 200000);
        g_clear_pointer(&client, user_peer_free);
        abi_model_join(model);
        g_assert_cmpint(model->dma_result, ==, -ENOTCONN);
        abi_model_stop(&model, &client);
    }
}

/* As many windows as VERSION says, and not one more. */
static void test_dma_map_limit(void)
{
    AbiModel *model = abi_model_new(true);
    UserPeer *client = abi_model_attach(model);
    g_autoptr(UserMsg) msg = NULL;
    uint64_t limit;
    const char *text;

    abi_model_run(model);
    msg = user_peer_hello(client, NULL);
    text = strstr((char *)msg->payload + 4, "\"max_dma_maps\"");
    limit = text ? g_ascii_strtoull(strpbrk(text, "0123456789"), NULL, 10)
                 : VFIO_USER_DEFAULT_DMA_MAPS;
    g_assert_cmpuint(limit, >, 0);
    for (uint64_t i = 0; i < limit; i++) {
        g_assert_cmpint(abi_dma_map(client, i * 8192, 4096, DMA_RW, -1, 0), ==,
                        0);
    }
    g_assert_cmpint(abi_dma_map(client, limit * 8192, 4096, DMA_RW, -1, 0), ==,
                    ABI_REFUSED);
    g_assert_cmpint(abi_dma_unmap(client, 8192, 4096), ==, 0);
    g_assert_cmpint(abi_dma_map(client, limit * 8192, 4096, DMA_RW, -1, 0), ==,
                    0);
    abi_model_stop(&model, &client);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi-server-dma/shared", test_dma_shared);
    g_test_add_func("/abi-server-dma/rights", test_dma_rights);
    g_test_add_func("/abi-server-dma/read-only-fd", test_dma_read_only_fd);
    g_test_add_func("/abi-server-dma/map-bad", test_dma_map_bad);
    g_test_add_func("/abi-server-dma/map-unsafe", test_dma_map_unsafe);
    g_test_add_func("/abi-server-dma/map-end", test_dma_map_end);
    g_test_add_func("/abi-server-dma/overlap", test_dma_overlap);
    g_test_add_func("/abi-server-dma/unmap", test_dma_unmap);
    g_test_add_func("/abi-server-dma/message", test_dma_message);
    g_test_add_func("/abi-server-dma/twin", test_dma_twin);
    g_test_add_func("/abi-server-dma/refused", test_dma_refused);
    g_test_add_func("/abi-server-dma/bad-reply", test_dma_bad_reply);
    g_test_add_func("/abi-server-dma/short-reply", test_dma_short_reply);
    g_test_add_func("/abi-server-dma/leave", test_dma_leave);
    g_test_add_func("/abi-server-dma/meanwhile", test_dma_meanwhile);
    g_test_add_func("/abi-server-dma/instead", test_dma_instead);
    g_test_add_func("/abi-server-dma/map-limit", test_dma_map_limit);
    return g_test_run();
}
