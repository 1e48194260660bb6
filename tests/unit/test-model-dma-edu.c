/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model dma-edu of platypus-device, by its socket: with memory that the
 * client shares, with memory that it does not (so the test answers DMA_READ
 * and DMA_WRITE), and with addresses that are none. zlib knows the CRC-32s.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "model-client.h"

enum {
    ID = 0x00,
    COMMAND = 0x08,
    SOURCE = 0x10,
    DEST = 0x18,
    LENGTH = 0x20,
    PATTERN = 0x28,
    STATUS = 0x30,
    ENABLE = 0x38,
    CHECKSUM = 0x40,
    FAULT = 0x48,
    MOVED = 0x50,
    DOORBELL = 0x58,
};

enum {
    COPY = 1,
    FILL = 2,
    SUM = 3,
};

#define BUSY 1
#define DONE 2
#define ERROR 4

#define BASE 0x40000000ULL
#define BOTH (VFIO_USER_DMA_F_READ | VFIO_USER_DMA_F_WRITE)

typedef struct Fixture {
    ModelClient *c;
    int done; /* eventfds */
    int error;
    int fd; /* memory at BASE; -1: the client answers for it */
    uint8_t *mem;
    size_t size;
    unsigned served; /* DMA commands */
} Fixture;

static uint64_t get(Fixture *f, unsigned reg)
{
    return model_read(f->c, 0, reg, 8);
}

static void set(Fixture *f, unsigned reg, uint64_t value)
{
    model_write(f->c, 0, reg, 8, value);
}

static void fill_random(uint8_t *mem, size_t size)
{
    uint32_t x = 12345;

    for (size_t i = 0; i + 4 <= size; i += 4) {
        x = x * 1664525 + 1013904223;
        memcpy(mem + i, &x, 4);
    }
}

static void start(Fixture *f, size_t size, bool shared)
{
    f->c = model_client_new(true, (const char *const[]){"dma-edu", NULL});
    f->done = model_arm(f->c, 0);
    f->error = model_arm(f->c, 1);
    f->size = size;
    f->served = 0;
    f->fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_no_errno(f->fd);
    g_assert_no_errno(ftruncate(f->fd, size));
    g_assert_no_errno(
        fcntl(f->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    f->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
    g_assert_true(f->mem != MAP_FAILED);
    model_dma_map(f->c, BASE, size, shared ? f->fd : -1, BOTH);
    set(f, ENABLE, 1);
}

static void finish(Fixture *f)
{
    model_client_quit(f->c, SIGTERM);
    munmap(f->mem, f->size);
    close(f->fd);
    close(f->done);
    close(f->error);
}

static void prepare(Fixture *f, uint64_t command, uint64_t source,
                    uint64_t dest, uint64_t length)
{
    set(f, COMMAND, command);
    set(f, SOURCE, source);
    set(f, DEST, dest);
    set(f, LENGTH, length);
}

static void ring(Fixture *f)
{
    model_write(f->c, 0, DOORBELL, 4, 1);
}

/* Answers one command of the server's for the memory at BASE. */
static void serve_dma(Fixture *f)
{
    g_autoptr(UserMsg) msg = user_peer_receive(f->c->peer);
    VFIOUserDmaAccess access;
    g_autofree uint8_t *reply = NULL;
    uint8_t *at;

    g_assert_nonnull(msg);
    g_assert_cmpuint(msg->size, >=, sizeof(access));
    memcpy(&access, msg->payload, sizeof(access));
    g_assert_cmphex(access.iova, >=, BASE);
    g_assert_cmphex(access.iova - BASE + access.count, <=, f->size);
    at = f->mem + (access.iova - BASE);
    f->served++;
    if (msg->head.command == VFIO_USER_DMA_READ) {
        reply = g_malloc(sizeof(access) + access.count);
        memcpy(reply, &access, sizeof(access));
        memcpy(reply + sizeof(access), at, access.count);
        user_peer_reply(f->c->peer, msg, reply, sizeof(access) + access.count,
                        NULL, 0);
    } else {
        g_assert_cmpuint(msg->head.command, ==, VFIO_USER_DMA_WRITE);
        memcpy(at, msg->payload + sizeof(access), access.count);
        user_peer_reply(f->c->peer, msg, &access, sizeof(access), NULL, 0);
    }
}

/* Serves DMA until @line is signalled. */
static void wait_line(Fixture *f, int line)
{
    struct pollfd p[] = {
        {.fd = line, .events = POLLIN},
        {.fd = user_peer_fd(f->c->peer), .events = POLLIN},
    };

    for (;;) {
        g_assert_cmpint(poll(p, 2, USER_PEER_DEADLINE_S * 1000), >, 0);
        if (p[1].revents) {
            serve_dma(f);
        } else if (model_signalled(line)) {
            return;
        }
    }
}

static void expect_done(Fixture *f)
{
    wait_line(f, f->done);
    g_assert_cmphex(get(f, STATUS), ==, DONE);
    g_assert_cmphex(get(f, MOVED), ==, get(f, LENGTH));
    g_assert_cmphex(get(f, FAULT), ==, 0);
    g_assert_false(model_signalled(f->error));
    set(f, STATUS, DONE);
    model_unmask(f->c, 0);
    g_assert_false(model_signalled(f->done));
    g_assert_cmphex(get(f, STATUS), ==, 0);
}

static void expect_fault(Fixture *f, uint64_t fault, uint64_t moved)
{
    wait_line(f, f->error);
    g_assert_cmphex(get(f, STATUS), ==, ERROR);
    g_assert_cmphex(get(f, FAULT), ==, fault);
    g_assert_cmphex(get(f, MOVED), ==, moved);
    g_assert_false(model_signalled(f->done));
    set(f, STATUS, ERROR);
}

static void test_registers(void)
{
    Fixture f;

    start(&f, 4096, true);
    g_assert_cmphex(get(&f, ID), ==, 0x315544452d414d44);
    g_assert_cmphex(model_read(f.c, 0, ID + 4, 4), ==, 0x31554445);
    set(&f, SOURCE, 0x1122334455667788);
    g_assert_cmphex(model_read(f.c, 0, SOURCE, 4), ==, 0x55667788);
    g_assert_cmphex(model_read(f.c, 0, SOURCE + 4, 4), ==, 0x11223344);
    model_write(f.c, 0, SOURCE + 4, 4, 0xaabbccdd);
    g_assert_cmphex(get(&f, SOURCE), ==, 0xaabbccdd55667788);
    model_write(f.c, 0, SOURCE, 4, 1);
    g_assert_cmphex(get(&f, SOURCE), ==, 0xaabbccdd00000001);
    g_assert_cmphex(get(&f, DOORBELL), ==, 0);
    model_no_register(f.c, 0, SOURCE, 2);
    model_no_register(f.c, 0, 0x60, 4);
    finish(&f);
}

static void test_copy_64m(void)
{
    const size_t half = 64 << 20;
    Fixture f;

    start(&f, 2 * half, true);
    fill_random(f.mem, half);
    prepare(&f, COPY, BASE, BASE + half, half);
    ring(&f);
    expect_done(&f);
    g_assert_cmpint(memcmp(f.mem, f.mem + half, half), ==, 0);
    prepare(&f, SUM, BASE + half, 0, half);
    ring(&f);
    expect_done(&f);
    g_assert_cmphex(get(&f, CHECKSUM), ==, crc32(0, f.mem, half));
    g_assert_cmpuint(f.served, ==, 0);
    finish(&f);
}

/* Lengths and places that divide nothing. */
static void check_odd(bool shared)
{
    const size_t half = 3 << 20, n = (2 << 20) + 12345;
    Fixture f;

    start(&f, 2 * half, shared);
    fill_random(f.mem, half);
    prepare(&f, COPY, BASE + 3, BASE + half + 5, n);
    ring(&f);
    expect_done(&f);
    g_assert_cmpint(memcmp(f.mem + 3, f.mem + half + 5, n), ==, 0);
    g_assert_cmphex(f.mem[half + 4], ==, 0);
    g_assert_cmphex(f.mem[half + 5 + n], ==, 0);
    prepare(&f, SUM, BASE + 3, 0, n);
    ring(&f);
    expect_done(&f);
    g_assert_cmphex(get(&f, CHECKSUM), ==, crc32(0, f.mem + 3, n));
    g_assert_cmpint(f.served > 0, ==, !shared);
    finish(&f);
}

static void test_odd_shared(void)
{
    check_odd(true);
}

static void test_odd_by_messages(void)
{
    check_odd(false);
}

static void test_fill(void)
{
    static const uint8_t pattern[] = {0x44, 0x33, 0x22, 0x11};
    const size_t n = (1 << 20) + 7;
    Fixture f;

    start(&f, 2 << 20, true);
    prepare(&f, FILL, 0, BASE + 1, n);
    set(&f, PATTERN, 0x11223344);
    ring(&f);
    expect_done(&f);
    g_assert_cmphex(f.mem[0], ==, 0);
    for (size_t i = 0; i < n; i++) {
        g_assert_cmphex(f.mem[1 + i], ==, pattern[i % 4]);
    }
    g_assert_cmphex(f.mem[1 + n], ==, 0);
    finish(&f);
}

static void test_nothing(void)
{
    Fixture f;

    start(&f, 4096, true);
    prepare(&f, COPY, 0, 0, 0);
    ring(&f);
    expect_done(&f);
    prepare(&f, SUM, 0, 0, 0);
    ring(&f);
    expect_done(&f);
    g_assert_cmphex(get(&f, CHECKSUM), ==, 0);
    finish(&f);
}

/* All that can be moved is, and the fault is the byte behind it. */
static void check_fault(bool shared)
{
    const size_t half = 2 << 20;
    Fixture f;

    start(&f, 2 * half, shared);
    fill_random(f.mem, half);
    prepare(&f, COPY, BASE, BASE + half + 4096 - 16, half);
    ring(&f);
    expect_fault(&f, BASE + 2 * half, half - 4096 + 16);
    g_assert_cmpint(memcmp(f.mem, f.mem + half + 4096 - 16, half - 4096 + 16),
                    ==, 0);
    prepare(&f, SUM, BASE - 1, 0, 10);
    ring(&f);
    expect_fault(&f, BASE - 1, 0);
    prepare(&f, COPY, BASE, 0xffffffffffffff00, 0x1000);
    ring(&f);
    expect_fault(&f, 0xffffffffffffff00, 0);
    /* It works after that. */
    prepare(&f, COPY, BASE, BASE + half, half);
    ring(&f);
    expect_done(&f);
    finish(&f);
}

static void test_fault_shared(void)
{
    check_fault(true);
}

static void test_fault_by_messages(void)
{
    check_fault(false);
}

static void test_readonly(void)
{
    const uint64_t other = 0x80000000;
    Fixture f;

    start(&f, 1 << 20, true);
    model_dma_map(f.c, other, 1 << 20, f.fd, VFIO_USER_DMA_F_READ);
    prepare(&f, FILL, 0, other, 64);
    ring(&f);
    expect_fault(&f, other, 0);
    prepare(&f, COPY, other, BASE, 64);
    ring(&f);
    expect_done(&f);
    finish(&f);
}

static void test_bad_command(void)
{
    Fixture f;

    start(&f, 4096, true);
    prepare(&f, 0, BASE, BASE, 64);
    ring(&f);
    expect_fault(&f, 0, 0);
    prepare(&f, 4, BASE, BASE, 64);
    ring(&f);
    expect_fault(&f, 0, 0);
    finish(&f);
}

/* The completion line is a level that has a switch. */
static void test_enable(void)
{
    Fixture f;

    start(&f, 4096, true);
    set(&f, ENABLE, 0);
    prepare(&f, SUM, BASE, 0, 64);
    ring(&f);
    while (get(&f, STATUS) != DONE) {
        g_usleep(1000);
    }
    g_assert_false(model_signalled(f.done));
    set(&f, ENABLE, 1);
    g_assert_true(model_signalled(f.done));
    model_unmask(f.c, 0);
    g_assert_true(model_signalled(f.done));
    set(&f, STATUS, ERROR); /* another bit */
    model_unmask(f.c, 0);
    g_assert_true(model_signalled(f.done));
    set(&f, STATUS, DONE);
    model_unmask(f.c, 0);
    g_assert_false(model_signalled(f.done));
    finish(&f);
}

static void test_doorbell(void)
{
    struct {
        VFIOUserIoFds head;
        VFIOUserIoFd entry;
    } got;
    VFIOUserIoFds ask = {.argsz = sizeof(got)};
    const uint64_t one = 1;
    Fixture f;

    start(&f, 4096, true);
    g_autoptr(UserMsg) reply =
        user_peer_call(f.c->peer, VFIO_USER_DEVICE_GET_REGION_IO_FDS, &ask,
                       sizeof(ask), NULL, 0);

    g_assert_cmpuint(reply->size, ==, sizeof(got));
    g_assert_cmpuint(reply->num_fds, ==, 1);
    memcpy(&got, reply->payload, sizeof(got));
    g_assert_cmpuint(got.head.count, ==, 1);
    g_assert_cmphex(got.entry.offset, ==, DOORBELL);
    g_assert_cmphex(got.entry.size, ==, 4);
    prepare(&f, SUM, BASE, 0, 4096);
    g_assert_cmpint(write(reply->fds[0], &one, sizeof(one)), ==, sizeof(one));
    expect_done(&f);
    g_assert_cmphex(get(&f, CHECKSUM), ==, crc32(0, f.mem, 4096));
    finish(&f);
}

/* The reply to @id, once the DMA that comes before it is served. */
static UserMsg *wait_reply(Fixture *f, uint16_t command, uint16_t id)
{
    VFIOUserHeader head;

    for (;;) {
        g_assert_cmpint(recv(user_peer_fd(f->c->peer), &head, sizeof(head),
                             MSG_PEEK | MSG_WAITALL),
                        ==, sizeof(head));
        if (head.command == command) {
            return user_peer_expect_reply(f->c->peer, command, id, 0);
        }
        serve_dma(f);
    }
}

static UserMsg *call_while_busy(Fixture *f, uint16_t command,
                                const void *payload, size_t size)
{
    uint16_t id =
        user_peer_command(f->c->peer, command, 0, payload, size, NULL, 0);

    return wait_reply(f, command, id);
}

static uint64_t get_while_busy(Fixture *f, unsigned reg)
{
    VFIOUserRegionAccess access = {.offset = reg, .count = 8};
    g_autoptr(UserMsg) reply =
        call_while_busy(f, VFIO_USER_REGION_READ, &access, sizeof(access));
    uint64_t value;

    memcpy(&value, reply->payload + sizeof(access), sizeof(value));
    return value;
}

static void set_while_busy(Fixture *f, unsigned reg, unsigned size,
                           uint64_t value)
{
    VFIOUserRegionAccess access = {.offset = reg, .count = size};
    uint8_t payload[sizeof(access) + 8];

    memcpy(payload, &access, sizeof(access));
    memcpy(payload + sizeof(access), &value, sizeof(value));
    user_msg_free(call_while_busy(f, VFIO_USER_REGION_WRITE, payload,
                                  sizeof(access) + size));
}

/*
 * While it is busy it keeps its registers and hears no doorbell, but is there;
 * and a reset stops it.
 */
static void test_reset(void)
{
    const uint64_t length = 16 << 20;
    Fixture f;

    start(&f, 2 * length, false);
    prepare(&f, COPY, BASE, BASE + length, length);
    ring(&f);
    serve_dma(&f);
    set_while_busy(&f, LENGTH, 8, 1);
    set_while_busy(&f, DOORBELL, 4, 1);
    g_assert_cmphex(get_while_busy(&f, LENGTH), ==, length);
    g_assert_cmphex(get_while_busy(&f, STATUS), ==, BUSY);
    g_assert_cmphex(get_while_busy(&f, MOVED), >, 0);
    user_msg_free(call_while_busy(&f, VFIO_USER_DEVICE_RESET, NULL, 0));
    for (unsigned reg = COMMAND; reg <= DOORBELL; reg += 8) {
        g_assert_cmphex(get(&f, reg), ==, 0);
    }
    g_assert_false(model_signalled(f.done));
    g_assert_false(model_signalled(f.error));
    set(&f, ENABLE, 1);
    prepare(&f, SUM, BASE, 0, 4096);
    ring(&f);
    expect_done(&f);
    finish(&f);
}

/* A client that leaves in the middle: the next one sees an error. */
static void test_client_leaves(void)
{
    g_autofree char *dir = g_dir_make_tmp("model-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "socket", NULL);
    const char *const args[] = {"dma-edu", "--socket", path, NULL};
    Fixture f = {.c = model_client_new(false, args), .size = 1 << 20};

    model_client_connect(f.c, path);
    model_dma_map(f.c, BASE, f.size, -1, BOTH);
    prepare(&f, COPY, BASE, BASE, 4096);
    ring(&f);
    user_msg_free(user_peer_expect_command(f.c->peer, VFIO_USER_DMA_READ));
    model_client_hang_up(f.c);
    model_client_connect(f.c, path);
    g_assert_cmphex(get(&f, STATUS), ==, ERROR);
    f.error = model_arm(f.c, 1);
    g_assert_true(model_signalled(f.error));
    close(f.error);
    model_client_quit(f.c, SIGTERM);
    g_assert_cmpint(rmdir(dir), ==, 0);
}

/* ---- memory ---- */

static int region_fd(ModelClient *c, unsigned region, VFIOUserArea *areas,
                     unsigned *num_areas, VFIOUserRegionInfo *info)
{
    VFIOUserRegionInfo ask = {.argsz = 4096, .index = region};
    g_autoptr(UserMsg) reply = user_peer_call(
        c->peer, VFIO_USER_DEVICE_GET_REGION_INFO, &ask, sizeof(ask), NULL, 0);
    VFIOUserCapSparse sparse;

    memcpy(info, reply->payload, sizeof(*info));
    g_assert_cmpuint(info->flags & VFIO_USER_REGION_F_MMAP, !=, 0);
    g_assert_cmpuint(reply->num_fds, ==, 1);
    *num_areas = 0;
    if (info->cap_offset) {
        memcpy(&sparse, reply->payload + info->cap_offset, sizeof(sparse));
        g_assert_cmpuint(sparse.cap.id, ==, VFIO_USER_CAP_SPARSE_MMAP);
        g_assert_cmpuint(sparse.nr_areas, <=, 2);
        memcpy(areas, reply->payload + info->cap_offset + sizeof(sparse),
               sparse.nr_areas * sizeof(*areas));
        *num_areas = sparse.nr_areas;
    }
    return user_msg_take_fd(reply, 0);
}

static void test_scratch(void)
{
    ModelClient *c =
        model_client_new(true, (const char *const[]){"dma-edu", NULL});
    VFIOUserRegionInfo info;
    VFIOUserArea areas[2];
    unsigned num_areas;
    int fd = region_fd(c, 1, areas, &num_areas, &info);
    uint32_t *mem = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED,
                         fd, info.offset);

    g_assert_true(mem != MAP_FAILED);
    mem[1] = 0x12345678;
    g_assert_cmphex(model_read(c, 1, 4, 4), ==, 0x12345678);
    model_write(c, 1, 8, 4, 0x9abcdef0);
    g_assert_cmphex(mem[2], ==, 0x9abcdef0);
    model_reset(c);
    g_assert_cmphex(mem[1], ==, 0x12345678);
    munmap(mem, info.size);
    close(fd);
    model_client_quit(c, SIGTERM);
}

static void test_sparse(void)
{
    const size_t page = sysconf(_SC_PAGESIZE);
    ModelClient *c =
        model_client_new(true, (const char *const[]){"dma-edu", NULL});
    VFIOUserRegionInfo info;
    VFIOUserArea areas[2];
    unsigned num_areas;
    int fd = region_fd(c, 2, areas, &num_areas, &info);
    uint8_t *mem = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                        info.offset + 3 * page);

    g_assert_true(mem != MAP_FAILED);
    g_assert_cmpuint(info.size, ==, 4 * page);
    g_assert_cmpuint(num_areas, ==, 2);
    g_assert_cmpuint(areas[0].offset, ==, 0);
    g_assert_cmpuint(areas[0].size, ==, 2 * page);
    g_assert_cmpuint(areas[1].offset, ==, 3 * page);
    g_assert_cmpuint(areas[1].size, ==, page);
    fill_random(mem, page);
    g_assert_cmphex(model_read(c, 2, 2 * page + 12, 4), ==,
                    crc32(0, mem, page));
    g_assert_cmphex(model_read(c, 2, 3 * page + 4, 1), ==, mem[4]);
    g_assert_cmphex(model_read(c, 2, 2 * page + 8, 4), ==, 0);
    model_write(c, 2, 2 * page, 4, 0);
    model_write(c, 2, 2 * page + 12, 4, 0);
    g_assert_cmphex(model_read(c, 2, 2 * page + 8, 4), ==, 2);
    model_no_register(c, 2, 2 * page + 16, 4);
    model_no_register(c, 2, 2 * page, 8);
    munmap(mem, page);
    close(fd);
    model_client_quit(c, SIGTERM);
}

int main(int argc, char **argv)
{
    model_client_init(&argc, &argv);
    g_test_add_func("/model-dma-edu/registers", test_registers);
    g_test_add_func("/model-dma-edu/copy-64m", test_copy_64m);
    g_test_add_func("/model-dma-edu/odd/shared", test_odd_shared);
    g_test_add_func("/model-dma-edu/odd/by-messages", test_odd_by_messages);
    g_test_add_func("/model-dma-edu/fill", test_fill);
    g_test_add_func("/model-dma-edu/nothing", test_nothing);
    g_test_add_func("/model-dma-edu/fault/shared", test_fault_shared);
    g_test_add_func("/model-dma-edu/fault/by-messages", test_fault_by_messages);
    g_test_add_func("/model-dma-edu/readonly", test_readonly);
    g_test_add_func("/model-dma-edu/bad-command", test_bad_command);
    g_test_add_func("/model-dma-edu/enable", test_enable);
    g_test_add_func("/model-dma-edu/doorbell", test_doorbell);
    g_test_add_func("/model-dma-edu/reset", test_reset);
    g_test_add_func("/model-dma-edu/client-leaves", test_client_leaves);
    g_test_add_func("/model-dma-edu/scratch", test_scratch);
    g_test_add_func("/model-dma-edu/sparse", test_sparse);
    return g_test_run();
}
