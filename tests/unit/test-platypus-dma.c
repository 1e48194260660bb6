/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libplatypus-device: the guest's memory. What the client shares is reached
 * without it, the rest by messages that it answers, on the twin socket or in
 * the middle of its own requests.
 */

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "device-fixture.h"

#define R VFIO_USER_DMA_F_READ
#define W VFIO_USER_DMA_F_WRITE
#define RW (R | W)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define TWIN "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}"
#define SMALL "{\"capabilities\":{\"max_data_xfer_size\":1000}}"

static int memory(size_t size, int seals)
{
    int fd = memfd_create("ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    g_assert_cmpint(fcntl(fd, F_ADD_SEALS, seals), ==, 0);
    return fd;
}

static void *map_all(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    g_assert_true(p != MAP_FAILED);
    return p;
}

/* ---- shared ---- */

static void test_shared(void)
{
    int fd = memory(8 * TOY_PAGE, SEALS);
    uint8_t *ram = map_all(fd, 8 * TOY_PAGE);
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    /* Two maps side by side, the second of another part, then a gap. */
    toy_map(&toy, 0x80000000, 2 * TOY_PAGE, RW, fd, TOY_PAGE);
    toy_map(&toy, 0x80002000, TOY_PAGE, RW, fd, 5 * TOY_PAGE);
    toy_map(&toy, 0x90000000, TOY_PAGE, R, fd, 7 * TOY_PAGE);
    set_dma(&toy, 2 * TOY_PAGE);
    toy_write_reg(&toy, 0, TOY_DMA_WRITE, 0x80001000, 8);
    g_assert_cmpint(toy.dma_result, ==, 0);
    g_assert_cmpmem(ram + 2 * TOY_PAGE, TOY_PAGE, toy.dma, TOY_PAGE);
    g_assert_cmpmem(ram + 5 * TOY_PAGE, TOY_PAGE, toy.dma + TOY_PAGE, TOY_PAGE);
    ram[2 * TOY_PAGE - 1] = 77;
    toy.dma_size = 2;
    toy_write_reg(&toy, 0, TOY_DMA_READ, 0x80000fff, 8);
    g_assert_cmpint(toy.dma_result, ==, 0);
    g_assert_cmpuint(toy.dma[0], ==, 77);
    /* A pointer is into one piece. */
    toy.dma_size = 2 * TOY_PAGE;
    toy_write_reg(&toy, 0, TOY_DMA_POINTER, 0x80000000, 8);
    g_assert_nonnull(toy.dma_pointer);
    ram[TOY_PAGE + 5] = 99;
    g_assert_cmpuint(((uint8_t *)toy.dma_pointer)[5], ==, 99);
    toy_write_reg(&toy, 0, TOY_DMA_POINTER, 0x80001000, 8);
    g_assert_null(toy.dma_pointer);
    toy.dma_size = 4;
    toy_write_reg(&toy, 0, TOY_DMA_POINTER, 0x90000000, 8);
    g_assert_null(toy.dma_pointer);
    toy_write_reg(&toy, 0, TOY_DMA_POINTER, 0x91000000, 8);
    g_assert_null(toy.dma_pointer);
    toy.dma_size = 0;
    toy_write_reg(&toy, 0, TOY_DMA_POINTER, 0x80000000, 8);
    g_assert_null(toy.dma_pointer);
    toy_leave(&toy);
    g_assert_cmpstr(toy.log->str, ==, "");
    munmap(ram, 8 * TOY_PAGE);
    close(fd);
    toy_finish(&toy);
}

static void check_fault(Toy *toy, uint64_t reg, uint64_t iova, size_t size)
{
    toy->dma_size = size;
    toy_write_reg(toy, 0, reg, iova, 8);
    g_assert_cmpint(toy->dma_result, ==, -EFAULT);
}

static void test_faults(void)
{
    int fd = memory(4 * TOY_PAGE, SEALS);
    uint8_t *ram = map_all(fd, 4 * TOY_PAGE);
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    set_dma(&toy, 4 * TOY_PAGE);
    check_fault(&toy, TOY_DMA_READ, 0, 1);
    toy_map(&toy, 0x10000, TOY_PAGE, RW, fd, 0);
    toy_map(&toy, 0x11000, TOY_PAGE, R, fd, 0);
    toy_map(&toy, 0x13000, TOY_PAGE, W, fd, 0);
    toy_map(&toy, 0 - (uint64_t)TOY_PAGE, TOY_PAGE, RW, fd, 0);
    check_fault(&toy, TOY_DMA_READ, 0xffff, 2);
    check_fault(&toy, TOY_DMA_READ, 0x11fff, 2);
    check_fault(&toy, TOY_DMA_READ, 0x13000, 1);
    check_fault(&toy, TOY_DMA_WRITE, 0x11000, 1);
    check_fault(&toy, TOY_DMA_READ, UINT64_MAX, 2);
    check_fault(&toy, TOY_DMA_READ, 0 - (uint64_t)TOY_PAGE, 2 * TOY_PAGE);
    /* Part of it may not be written: none of it was. */
    check_fault(&toy, TOY_DMA_WRITE, 0x10ff0, 0x20);
    g_assert_cmpuint(ram[0xff1], ==, 0);
    toy.dma_size = 1;
    toy_write_reg(&toy, 0, TOY_DMA_WRITE, UINT64_MAX, 8);
    g_assert_cmpint(toy.dma_result, ==, 0);
    toy_leave(&toy);
    munmap(ram, 4 * TOY_PAGE);
    close(fd);
    toy_finish(&toy);
}

static void refuse_map(Toy *toy, uint32_t error, VFIOUserDmaMap map,
                       const int *fds, unsigned num_fds)
{
    user_peer_refused(toy->peer, error, VFIO_USER_DMA_MAP, &map, sizeof(map),
                      fds, num_fds);
}

static void test_bad_maps(void)
{
    int fds[2] = {memory(TOY_PAGE, SEALS), memory(TOY_PAGE, SEALS)};
    const uint64_t top = 0 - (uint64_t)TOY_PAGE;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0x10000, 4 * TOY_PAGE, RW, -1, 0);
#define REFUSE_AS(error, flags, iova, size) \
    refuse_map(&toy, error, (VFIOUserDmaMap){32, flags, 0, iova, size}, NULL, 0)
#define REFUSE(flags, iova, size) REFUSE_AS(EINVAL, flags, iova, size)
#define OVERLAPS(flags, iova, size) REFUSE_AS(EEXIST, flags, iova, size)
    OVERLAPS(RW, 0x10000, 4 * TOY_PAGE);
    OVERLAPS(RW, 0x13000, TOY_PAGE);
    OVERLAPS(RW, 0xf000, 2 * TOY_PAGE);
    OVERLAPS(RW, 0, 0x100000);
    OVERLAPS(RW, 0, top);
    REFUSE(RW, 0x20000, 0);
    REFUSE(RW, 0x20000, 0 - (uint64_t)0x1f000);
    REFUSE(RW, top, 2 * TOY_PAGE);
    REFUSE(RW, 0x20001, TOY_PAGE);
    REFUSE(RW, 0x20000, TOY_PAGE + 1);
    REFUSE(0, 0x20000, TOY_PAGE);
    REFUSE(4, 0x20000, TOY_PAGE);
    REFUSE(RW | 4, 0x20000, TOY_PAGE);
    refuse_map(&toy, EINVAL, (VFIOUserDmaMap){31, RW, 0, 0x20000, TOY_PAGE},
               NULL, 0);
    refuse_map(&toy, EINVAL, (VFIOUserDmaMap){32, RW, 0, 0x20000, TOY_PAGE},
               fds, 2);
    toy_leave(&toy);
    close(fds[0]);
    close(fds[1]);
    toy_finish(&toy);
}

static void test_unmap(void)
{
    VFIOUserDmaUnmap unmap = {24, 0, 0x11000, TOY_PAGE};
    int fd = memory(4 * TOY_PAGE, SEALS);
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    set_dma(&toy, 16);
    for (unsigned i = 0; i < 4; i++) {
        toy_map(&toy, 0x13000 - i * TOY_PAGE, TOY_PAGE, RW, fd, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        VFIOUserDmaUnmap bad[] = {
            {23, 0, 0x11000, TOY_PAGE},     {24, 1, 0x11000, TOY_PAGE},
            {24, 2, 0x11000, TOY_PAGE},     {24, 0, 0x11000, 2 * TOY_PAGE},
            {24, 0, 0x10000, 2 * TOY_PAGE}, {24, 0, 0x11001, TOY_PAGE},
            {24, 0, 0x14000, TOY_PAGE},     {24, 0, 0, 0},
        };

        for (unsigned j = 0; j < G_N_ELEMENTS(bad); j++) {
            user_peer_refused(toy.peer, j < 3 ? EINVAL : ENOENT,
                              VFIO_USER_DMA_UNMAP, &bad[j], sizeof(bad[j]),
                              NULL, 0);
        }
        if (i == 0) {
            g_autoptr(UserMsg) reply = user_peer_call(
                toy.peer, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), NULL, 0);

            g_assert_cmpmem(reply->payload, reply->size, &unmap, sizeof(unmap));
        }
    }
    user_peer_refused(toy.peer, ENOENT, VFIO_USER_DMA_UNMAP, &unmap,
                      sizeof(unmap), NULL, 0);
    check_fault(&toy, TOY_DMA_WRITE, 0x11000, 16);
    toy_write_reg(&toy, 0, TOY_DMA_WRITE, 0x12000, 8);
    g_assert_cmpint(toy.dma_result, ==, 0);
    toy_map(&toy, 0x11000, TOY_PAGE, RW, fd, 0);
    toy_leave(&toy);
    close(fd);
    toy_finish(&toy);
}

static void test_many_maps(void)
{
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    for (uint64_t i = 0; i < 4096; i++) {
        /* From the middle to both ends. */
        uint64_t at = i % 2 ? 5000 + i : 5000 - i;

        toy_map(&toy, at * TOY_PAGE, TOY_PAGE, RW, -1, 0);
    }
    refuse_map(&toy, ENOSPC, (VFIOUserDmaMap){32, RW, 0, 0, TOY_PAGE}, NULL, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* ---- by message ---- */

/* One transfer each way, in pieces of @piece. */
static void check_messages(const char *json, size_t size, size_t piece,
                           int not_shared, const char *log)
{
    g_autofree uint8_t *ram = g_malloc0(size);
    g_autofree uint8_t *sent = NULL;
    g_autoptr(UserMsg) hello = NULL;
    g_autoptr(UserPeer) twin = NULL;
    UserPeer *peer;
    Toy toy;

    toy_init(&toy, NULL);
    toy_attach(&toy);
    hello = user_peer_hello(toy.peer, json);
    twin = hello->num_fds ? twin_of(hello) : NULL;
    peer = twin ? twin : toy.peer;
    toy_map(&toy, 0, 4 << 20, RW, not_shared, 0);
    set_dma(&toy, size);
    sent = g_memdup2(toy.dma, size);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t iova = 0x123;
        uint16_t id =
            start_dma(&toy, i == 0 ? TOY_DMA_WRITE : TOY_DMA_READ, iova);

        for (size_t at = 0; at < size; at += piece) {
            g_autoptr(UserMsg) msg = user_peer_expect_command(
                peer, i == 0 ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ);
            VFIOUserDmaAccess access;

            memcpy(&access, msg->payload, sizeof(access));
            g_assert_cmpuint(access.iova, ==, iova + at);
            g_assert_cmpuint(access.count, ==, MIN(piece, size - at));
            answer(peer, msg, ram + at);
        }
        end_dma(&toy, id, 0);
        if (i == 0) {
            g_assert_cmpmem(ram, size, sent, size);
            memset(toy.dma, 0, size);
        }
    }
    g_assert_cmpmem(toy.dma, size, sent, size);
    toy.dma_size = 16;
    toy_write_reg(&toy, 0, TOY_DMA_POINTER, 0, 8);
    g_assert_null(toy.dma_pointer);
    toy_leave(&toy);
    g_assert_cmpstr(toy.log->str, ==, log);
    toy_finish(&toy);
}

static void test_messages(void)
{
    check_messages(NULL, 16, 1 << 20, -1, "");
    check_messages(TWIN, 16, 1 << 20, -1, "");
    check_messages(SMALL, 3500, 1000, -1, "");
    check_messages(NULL, 3 << 20, 1 << 20, -1, "");
    check_messages(TWIN, 3 << 20, 1 << 20, -1, "");
}

/* Memory that could be cut, or is too small, is not mapped. */
static void test_unsafe_memory(void)
{
    static const char *const line = "the client's memory is not mapped: %s; "
                                    "DMA is by message\n";
    g_autofree char *open_end =
        g_strdup_printf(line, "it is not sealed against shrinking");
    g_autofree char *small = g_strdup_printf(line, "it is too small");
    int fds[] = {
        memory(4 << 20, 0),
        memory(4 << 20, F_SEAL_GROW),
        open("/dev/zero", O_RDWR | O_CLOEXEC),
        memory((4 << 20) - TOY_PAGE, SEALS),
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        check_messages(NULL, 16, 1 << 20, fds[i], i < 3 ? open_end : small);
        close(fds[i]);
    }
}

/* An offset that overflows, or is no page's, and a file that is read only. */
static void test_unmappable(void)
{
    int fd = memory(TOY_PAGE, SEALS | F_SEAL_WRITE);
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0x10000, TOY_PAGE, RW, fd, UINT64_MAX - 0xfff);
    toy_map(&toy, 0x11000, TOY_PAGE, RW, fd, 0);
    toy_map(&toy, 0x12000, TOY_PAGE, R, fd, 1);
    toy_map(&toy, 0x13000, TOY_PAGE, R, fd, 0);
    for (unsigned i = 0; i < 4; i++) {
        toy.dma_size = 4;
        toy_write_reg(&toy, 0, TOY_DMA_POINTER, 0x10000 + i * TOY_PAGE, 8);
        g_assert_null(toy.dma_pointer);
    }
    toy_leave(&toy);
    /* One line for all. */
    g_assert_cmpstr(strchr(toy.log->str, '\n'), ==, "\n");
    close(fd);
    toy_finish(&toy);
}

/* Shared, by message, shared: one transfer. */
static void test_mixed(void)
{
    int fd = memory(2 * TOY_PAGE, SEALS);
    uint8_t *ram = map_all(fd, 2 * TOY_PAGE);
    g_autofree uint8_t *middle = g_malloc(TOY_PAGE);
    uint16_t id;
    g_autoptr(UserMsg) msg = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0x1000, TOY_PAGE, RW, fd, 0);
    toy_map(&toy, 0x2000, TOY_PAGE, RW, -1, 0);
    toy_map(&toy, 0x3000, TOY_PAGE, RW, fd, TOY_PAGE);
    set_dma(&toy, 3 * TOY_PAGE);
    id = start_dma(&toy, TOY_DMA_WRITE, 0x1000);
    msg = user_peer_expect_command(toy.peer, VFIO_USER_DMA_WRITE);
    answer(toy.peer, msg, middle);
    end_dma(&toy, id, 0);
    g_assert_cmpmem(ram, TOY_PAGE, toy.dma, TOY_PAGE);
    g_assert_cmpmem(middle, TOY_PAGE, toy.dma + TOY_PAGE, TOY_PAGE);
    g_assert_cmpmem(ram + TOY_PAGE, TOY_PAGE, toy.dma + 2 * TOY_PAGE, TOY_PAGE);
    toy_leave(&toy);
    munmap(ram, 2 * TOY_PAGE);
    close(fd);
    toy_finish(&toy);
}

/*
 * Commands that come before the reply, longer ones than the buffer among them:
 * served afterwards, in order, also those that want DMA themselves.
 */
static void test_commands_meanwhile(void)
{
    const uint32_t count = 8 * TOY_PAGE;
    g_autofree uint8_t *big = g_malloc0(sizeof(VFIOUserRegionAccess) + count);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    VFIOUserIrqSet set = {20, 4 | 32, 1, 0, 1};
    uint8_t ram[16] = {1, 2, 3};
    uint16_t first, second, ids[4];
    g_autoptr(UserMsg) msg = NULL;
    g_autoptr(UserMsg) again = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    set_dma(&toy, 16);
    memcpy(big, &(VFIOUserRegionAccess){0, 0, count}, 16);
    first = start_dma(&toy, TOY_DMA_READ, 0);
    msg = user_peer_expect_command(toy.peer, VFIO_USER_DMA_READ);
    for (unsigned i = 0; i < 4; i++) {
        /* Beyond the region: refused, in its turn. */
        ids[i] = user_peer_command(toy.peer, VFIO_USER_REGION_WRITE, 0, big,
                                   16 + count, NULL, 0);
    }
    second = start_dma(&toy, TOY_DMA_READ, 8);
    user_peer_command(toy.peer, VFIO_USER_DEVICE_SET_IRQS,
                      VFIO_USER_FLAG_NO_REPLY, &set, sizeof(set), &fd, 1);
    answer(toy.peer, msg, ram);
    end_dma(&toy, first, 0);
    for (unsigned i = 0; i < 4; i++) {
        user_msg_free(user_peer_expect_reply(toy.peer, VFIO_USER_REGION_WRITE,
                                             ids[i], EINVAL));
    }
    again = user_peer_expect_command(toy.peer, VFIO_USER_DMA_READ);
    answer(toy.peer, again, ram);
    end_dma(&toy, second, 0);
    g_assert_cmpmem(toy.dma, 16, ram, 16);
    toy_write_reg(&toy, 0, TOY_RAISE, 1, 4);
    g_assert_cmpuint(toy_events(fd), ==, 1);
    toy_leave(&toy);
    close(fd);
    toy_finish(&toy);
}

/* With a twin they stay in the socket, and its own reply comes by the twin. */
static void test_twin_meanwhile(void)
{
    g_autoptr(UserMsg) hello = NULL;
    g_autoptr(UserMsg) msg = NULL;
    g_autoptr(UserPeer) twin = NULL;
    uint8_t ram[16] = {1, 2, 3};
    uint16_t first, ids[200];
    VFIOUserRegionAccess access = {0x40, 0, 8};
    Toy toy;

    toy_init(&toy, NULL);
    toy_attach(&toy);
    hello = user_peer_hello(toy.peer, TWIN);
    twin = twin_of(hello);
    toy_map(&toy, 0, TOY_PAGE, RW, -1, 0);
    set_dma(&toy, 16);
    first = start_dma(&toy, TOY_DMA_READ, 0);
    msg = user_peer_expect_command(twin, VFIO_USER_DMA_READ);
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        ids[i] = user_peer_command(toy.peer, VFIO_USER_REGION_READ, 0, &access,
                                   sizeof(access), NULL, 0);
    }
    answer(twin, msg, ram);
    end_dma(&toy, first, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(ids); i++) {
        user_msg_free(
            user_peer_expect_reply(toy.peer, VFIO_USER_REGION_READ, ids[i], 0));
    }
    toy_leave(&toy);
    toy_finish(&toy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(path, func) g_test_add_func("/platypus-dma/" path, func)
    TEST("shared", test_shared);
    TEST("faults", test_faults);
    TEST("bad-maps", test_bad_maps);
    TEST("unmap", test_unmap);
    TEST("many-maps", test_many_maps);
    TEST("messages", test_messages);
    TEST("unsafe-memory", test_unsafe_memory);
    TEST("unmappable", test_unmappable);
    TEST("mixed", test_mixed);
    TEST("commands-meanwhile", test_commands_meanwhile);
    TEST("twin-meanwhile", test_twin_meanwhile);
    return g_test_run();
}
