/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-dma.c and the DMA part of host-user.c: what the server is told of the
 * guest's memory and what it may reach, also while that changes.
 */

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host-user-fixture.h"
#include "../../hw/vfio/host-user.h"

#define PAGE 0x1000

/* ---- the table alone ---- */

static char ram[4 * PAGE];

static int add(UserDma *dma, uint64_t iova, uint64_t size, uint64_t at,
               bool readonly)
{
    const VFIODmaMap map = {
        .iova = iova,
        .size = size,
        .vaddr = ram + at,
        .fd = -1,
        .readonly = readonly,
    };

    return user_dma_add(dma, &map, 4);
}

static void test_table(void)
{
    UserDma dma;

    user_dma_init(&dma);
    g_assert_cmpint(add(&dma, 0x3000, PAGE, 0, false), ==, 0);
    g_assert_cmpint(add(&dma, 0x1000, PAGE, 0, false), ==, 0);
    g_assert_cmpint(add(&dma, 0x3000, PAGE, 0, false), ==, -EEXIST);
    g_assert_cmpint(add(&dma, 0x3fff, 1, 0, false), ==, -EEXIST);
    g_assert_cmpint(add(&dma, 0x2000, PAGE + 1, 0, false), ==, -EEXIST);
    g_assert_cmpint(add(&dma, 0, 0x10000, 0, false), ==, -EEXIST);
    g_assert_cmpint(add(&dma, 0x2000, 0, 0, false), ==, -EINVAL);
    g_assert_cmpint(add(&dma, UINT64_MAX, 2, 0, false), ==, -EINVAL);
    /* Neighbours, and the end of all addresses. */
    g_assert_cmpint(add(&dma, 0x2000, PAGE, 0, false), ==, 0);
    g_assert_cmpint(add(&dma, UINT64_MAX - PAGE + 1, PAGE, 0, false), ==, 0);
    g_assert_cmpint(add(&dma, 0x4000, PAGE, 0, false), ==, -ENOSPC);
    g_assert_false(user_dma_remove(&dma, 0x1000, 2 * PAGE));
    g_assert_false(user_dma_remove(&dma, 0x1800, PAGE));
    g_assert_false(user_dma_remove(&dma, 0x5000, PAGE));
    g_assert_true(user_dma_remove(&dma, 0x1000, PAGE));
    g_assert_false(user_dma_remove(&dma, 0x1000, PAGE));
    g_assert_cmpint(add(&dma, 0x1000, PAGE, 0, false), ==, 0);
    user_dma_clear(&dma);
    g_assert_false(user_dma_remove(&dma, 0x1000, PAGE));
    user_dma_finish(&dma);
}

static int access_at(UserDma *dma, bool write, uint64_t iova, uint64_t size)
{
    static char buf[2 * PAGE];

    return user_dma_access(dma, write, iova, buf, size);
}

static void test_bounds(void)
{
    UserDma dma;

    user_dma_init(&dma);
    g_assert_cmpint(access_at(&dma, false, 0, 1), ==, -EFAULT);
    g_assert_cmpint(access_at(&dma, false, 0, 0), ==, 0);
    g_assert_cmpint(add(&dma, 0x1000, PAGE, 0, false), ==, 0);
    g_assert_cmpint(add(&dma, 0x3000, PAGE, 2 * PAGE, true), ==, 0);
    g_assert_cmpint(add(&dma, UINT64_MAX - PAGE + 1, PAGE, 0, false), ==, 0);
    g_assert_cmpint(access_at(&dma, false, 0x1000, PAGE), ==, 0);
    g_assert_cmpint(access_at(&dma, false, 0x1fff, 1), ==, 0);
    g_assert_cmpint(access_at(&dma, false, 0xfff, 1), ==, -EFAULT);
    g_assert_cmpint(access_at(&dma, false, 0xfff, 2), ==, -EFAULT);
    g_assert_cmpint(access_at(&dma, false, 0x1fff, 2), ==, -EFAULT);
    g_assert_cmpint(access_at(&dma, false, 0x2000, 1), ==, -EFAULT);
    g_assert_cmpint(access_at(&dma, false, 0x3000, PAGE), ==, 0);
    g_assert_cmpint(access_at(&dma, true, 0x3000, 1), ==, -EFAULT);
    g_assert_cmpint(access_at(&dma, true, UINT64_MAX, 1), ==, 0);
    g_assert_cmpint(access_at(&dma, true, UINT64_MAX, 2), ==, -EFAULT);
    user_dma_finish(&dma);
}

/* Windows side by side are one memory, and all of an access is allowed or
 * nothing of it is done. */
static void test_neighbours(void)
{
    char buf[6] = "ABCDEF";
    UserDma dma;

    memset(ram, '.', sizeof(ram));
    user_dma_init(&dma);
    g_assert_cmpint(add(&dma, 0x1000, PAGE, 3 * PAGE, false), ==, 0);
    g_assert_cmpint(add(&dma, 0x2000, 2, 0, false), ==, 0);
    g_assert_cmpint(add(&dma, 0x2002, PAGE, PAGE, true), ==, 0);
    g_assert_cmpint(user_dma_access(&dma, true, 0x1ffe, buf, 5), ==, -EFAULT);
    g_assert_cmpint(ram[4 * PAGE - 2], ==, '.');
    g_assert_cmpint(user_dma_access(&dma, true, 0x1ffe, buf, 4), ==, 0);
    g_assert_cmpmem(ram + 4 * PAGE - 2, 2, "AB", 2);
    g_assert_cmpmem(ram, 3, "CD.", 3);
    memset(buf, 0, sizeof(buf));
    g_assert_cmpint(user_dma_access(&dma, false, 0x1ffe, buf, 6), ==, 0);
    g_assert_cmpmem(buf, 6, "ABCD..", 6);
    user_dma_finish(&dma);
}

/* A window that goes takes no access with it: what it was is overwritten at
 * once, and nobody ever reads that. */
typedef struct Race {
    UserDma dma;
    atomic_bool stop;
    atomic_uint reads;
} Race;

static void *race_reader(void *opaque)
{
    Race *race = opaque;
    uint64_t word = 0;

    while (!atomic_load(&race->stop)) {
        int ret = user_dma_access(&race->dma, false, 0x1000, &word, 8);

        if (ret == 0) {
            g_assert_cmphex(word, ==, 0);
            atomic_fetch_add(&race->reads, 1);
        } else {
            g_assert_cmpint(ret, ==, -EFAULT);
        }
        ret = user_dma_access(&race->dma, true, 0x1008, &word, 8);
        g_assert_true(ret == 0 || ret == -EFAULT);
    }
    return NULL;
}

static void test_race(void)
{
    Race race = {0};
    GThread *threads[2];

    user_dma_init(&race.dma);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++) {
        threads[i] = g_thread_new("reader", race_reader, &race);
    }
    for (unsigned i = 0; i < 200 || atomic_load(&race.reads) < 100; i++) {
        memset(ram, 0, 16);
        g_assert_cmpint(add(&race.dma, 0x1000, PAGE, 0, false), ==, 0);
        g_thread_yield();
        g_assert_true(user_dma_remove(&race.dma, 0x1000, PAGE));
        memset(ram, 0xee, 16);
    }
    atomic_store(&race.stop, true);
    for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++) {
        g_thread_join(threads[i]);
    }
    user_dma_finish(&race.dma);
}

/* ---- messages ---- */

static VFIODmaMap guest_ram(void)
{
    int fd = memfd_create("ram", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, 2 * PAGE), ==, 0);
    return (VFIODmaMap){
        .iova = 0x40000000,
        .size = PAGE,
        .vaddr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE),
        .fd = fd,
        .fd_offset = PAGE,
    };
}

static void guest_ram_free(VFIODmaMap *map)
{
    munmap(map->vaddr, PAGE);
    close(map->fd);
}

static int dma_map(HostUserFixture *f, const VFIODmaMap *map)
{
    return f->host->ops->dma_map(f->host, map);
}

static int dma_unmap(HostUserFixture *f, const VFIODmaMap *map)
{
    return f->host->ops->dma_unmap(f->host, map->iova, map->size);
}

static void expect_map(HostUserFixture *f, const VFIODmaMap *map,
                       uint32_t flags, uint64_t fd_offset, bool shared)
{
    const VFIOUserDmaMap expect = {sizeof(expect), flags, fd_offset, map->iova,
                                   map->size};
    g_autoptr(UserMsg) msg = user_server_seen(f->server, VFIO_USER_DMA_MAP);
    UserDmaMap there;

    g_assert_cmpmem(msg->payload, msg->size, &expect, sizeof(expect));
    g_assert_true(user_server_dma_map(f->server, map->iova, &there));
    g_assert_true((there.fd >= 0) == shared);
}

static void test_map(void)
{
    VFIODmaMap map = guest_ram();
    HostUserFixture f;

    fixture_init(&f, NULL);
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    expect_map(&f, &map, 3, PAGE, true);
    g_assert_cmpint(dma_map(&f, &map), ==, -EEXIST);
    g_assert_cmpint(dma_unmap(&f, &map), ==, 0);
    map.readonly = true;
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    expect_map(&f, &map, 1, PAGE, true);
    g_assert_cmpint(dma_unmap(&f, &map), ==, 0);
    map.readonly = false;
    fixture_close(&f);
    f.config.share_dma = false;
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    expect_map(&f, &map, 3, 0, false);
    fixture_finish(&f);
    guest_ram_free(&map);
}

/* Memory that has no descriptor, and a server that takes none. */
static void test_not_shared(void)
{
    UserDeviceDesc desc = plain_device;
    VFIODmaMap map = guest_ram();
    VFIODmaMap anonymous = map;
    HostUserFixture f;

    anonymous.fd = -1;
    desc.json = "{\"capabilities\":{\"max_msg_fds\":0}}";
    fixture_init(&f, NULL);
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &anonymous), ==, 0);
    expect_map(&f, &anonymous, 3, 0, false);
    fixture_finish(&f);
    fixture_init(&f, &desc);
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    expect_map(&f, &map, 3, 0, false);
    fixture_finish(&f);
    guest_ram_free(&map);
}

static void test_limits(void)
{
    UserDeviceDesc desc = plain_device;
    VFIODmaMap map = guest_ram();
    HostUserFixture f;

    desc.json = "{\"capabilities\":{\"max_dma_maps\":1}}";
    fixture_init(&f, &desc);
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    map.iova += PAGE;
    g_assert_cmpint(dma_map(&f, &map), ==, -ENOSPC);
    fixture_finish(&f);
    map.iova += 0x800;
    fixture_init(&f, NULL);
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, -EINVAL);
    g_assert_cmpuint(user_server_count(f.server, VFIO_USER_DMA_MAP), ==, 0);
    fixture_finish(&f);
    guest_ram_free(&map);
}

typedef struct Hook {
    uint16_t command;
    int error;         /* 0: an empty reply */
    const void *reply; /* or this one */
    size_t size;
} Hook;

static bool answer(UserServer *server, UserMsg *msg, void *opaque)
{
    const Hook *hook = opaque;

    if (msg->head.command != hook->command) {
        return false;
    }
    if (hook->error) {
        user_peer_reply_error(server->peer, msg, hook->error, NULL, 0);
    } else {
        user_peer_reply(server->peer, msg, hook->reply, hook->size, NULL, 0);
    }
    return true;
}

/* A map that the server refuses is none. */
static void test_refused(void)
{
    Hook hook = {.command = VFIO_USER_DMA_MAP, .error = ENOMEM};
    VFIODmaMap map = guest_ram();
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.server->hook = answer;
    f.server->hook_opaque = &hook;
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, -ENOMEM);
    g_assert_cmpint(dma_map(&f, &map), ==, -ENOMEM);
    fixture_finish(&f);
    hook = (Hook){.command = VFIO_USER_DMA_UNMAP, .error = EBUSY};
    fixture_init(&f, NULL);
    f.server->hook = answer;
    f.server->hook_opaque = &hook;
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    g_assert_cmpint(dma_unmap(&f, &map), ==, -EBUSY);
    /* It is none of ours any more, whatever the server says. */
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    fixture_finish(&f);
    guest_ram_free(&map);
}

static void test_unmap_replies(void)
{
    static const VFIOUserDmaUnmap other = {24, 0, 0x50000000, PAGE};
    static const struct {
        Hook hook;
        int ret;
    } cases[] = {
        {{VFIO_USER_DMA_UNMAP, 0, NULL, 0}, 0},
        {{VFIO_USER_DMA_UNMAP, 0, &other, 24}, -ENOTCONN},
        {{VFIO_USER_DMA_UNMAP, 0, &other, 8}, -ENOTCONN},
    };
    VFIODmaMap map = guest_ram();

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        HostUserFixture f;

        fixture_init(&f, NULL);
        f.server->hook = answer;
        f.server->hook_opaque = (void *)&cases[i].hook;
        fixture_open(&f);
        g_assert_cmpint(dma_map(&f, &map), ==, 0);
        g_assert_cmpint(dma_unmap(&f, &map), ==, cases[i].ret);
        if (cases[i].ret < 0) {
            fixture_wait(&f, &f.losses, 0);
            g_assert_cmpstr(f.reason, ==,
                            "vfio dev: the reply to DMA_UNMAP is about other "
                            "memory");
        }
        fixture_finish(&f);
    }
    guest_ram_free(&map);
}

/* ---- the server's own accesses ---- */

/* A doorbell: while the write of it waits, the server turns a word around. */
static bool turn_around(UserServer *server, UserMsg *msg, void *opaque)
{
    atomic_int *ret = opaque;
    uint32_t word = 0;

    if (msg->head.command == VFIO_USER_REGION_WRITE) {
        ret[0] = user_server_dma(server, false, 0x40000010, &word, 4);
        word = ~word;
        ret[1] = user_server_dma(server, true, 0x40000014, &word, 4);
        ret[2] = user_server_dma(server, true, 0x40001000, &word, 4);
    }
    return false;
}

static int ring(HostUserFixture *f)
{
    static const uint32_t one = 1;

    return f->host->ops->region_write(f->host, 0, 0, &one, sizeof(one));
}

static void run_messages(bool twin)
{
    UserDeviceDesc desc = plain_device;
    VFIODmaMap map = guest_ram();
    uint32_t *words = map.vaddr;
    atomic_int ret[3] = {-1, -1, -1};
    HostUserFixture f;

    desc.twin = twin;
    fixture_init(&f, &desc);
    f.server->hook = turn_around;
    f.server->hook_opaque = ret;
    fixture_open(&f);
    g_assert_cmpint(dma_map(&f, &map), ==, 0);
    words[4] = 0x12345678;
    g_assert_cmpint(ring(&f), ==, 0);
    g_assert_cmpint(ret[0], ==, 0);
    g_assert_cmpint(ret[1], ==, 0);
    g_assert_cmpint(ret[2], ==, EFAULT);
    g_assert_cmphex(words[5], ==, ~0x12345678U);
    g_assert_cmpint(dma_unmap(&f, &map), ==, 0);
    g_assert_cmpint(ring(&f), ==, 0);
    g_assert_cmpint(ret[0], ==, EFAULT);
    fixture_finish(&f);
    guest_ram_free(&map);
}

static void test_messages(void)
{
    run_messages(false);
    run_messages(true);
}

/* Of windows while they are made and taken away, and of others meanwhile. */
static void test_unmap_race(void)
{
    UserDeviceDesc desc = plain_device;
    VFIODmaMap map = guest_ram();
    atomic_int ret[3] = {-1, -1, -1};
    HostUserFixture f;

    desc.twin = true;
    fixture_init(&f, &desc);
    f.server->hook = turn_around;
    f.server->hook_opaque = ret;
    fixture_open(&f);
    for (unsigned i = 0; i < 50; i++) {
        g_assert_cmpint(dma_map(&f, &map), ==, 0);
        g_assert_cmpint(ring(&f), ==, 0);
        g_assert_cmpint(dma_unmap(&f, &map), ==, 0);
        /* An access now would be a fault of ours. */
        g_assert_cmpint(mprotect(map.vaddr, PAGE, PROT_NONE), ==, 0);
        g_assert_cmpint(ring(&f), ==, 0);
        g_assert_cmpint(ret[0], ==, EFAULT);
        g_assert_cmpint(mprotect(map.vaddr, PAGE, PROT_READ | PROT_WRITE), ==,
                        0);
    }
    fixture_finish(&f);
    guest_ram_free(&map);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/user-dma/table", test_table);
    g_test_add_func("/user-dma/bounds", test_bounds);
    g_test_add_func("/user-dma/neighbours", test_neighbours);
    g_test_add_func("/user-dma/race", test_race);
    g_test_add_func("/user-dma/map", test_map);
    g_test_add_func("/user-dma/not-shared", test_not_shared);
    g_test_add_func("/user-dma/limits", test_limits);
    g_test_add_func("/user-dma/refused", test_refused);
    g_test_add_func("/user-dma/unmap-replies", test_unmap_replies);
    g_test_add_func("/user-dma/messages", test_messages);
    g_test_add_func("/user-dma/unmap-race", test_unmap_race);
    ret = g_test_run();
    main_loop_finish();
    return ret;
}
