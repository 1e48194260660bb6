/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-post.c: writes that nobody waits for, one by one and many in a message;
 * that they reach the server in their order, before whatever is asked next,
 * and soon.
 */

#include <errno.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>

#include "host-user-fixture.h"

#define MULTI "{\"capabilities\":{\"write_multiple\":true}}"

static UserDeviceDesc with_json(const char *json)
{
    UserDeviceDesc desc = plain_device;

    desc.json = json;
    return desc;
}

static void open_posted(HostUserFixture *f, const char *json)
{
    UserDeviceDesc desc = with_json(json);

    fixture_init(f, &desc);
    f->config.posted_writes = true;
    fixture_open(f);
}

static void write_at(HostUserFixture *f, uint64_t offset, uint64_t value,
                     unsigned size)
{
    g_assert_cmpint(
        f->host->ops->region_write(f->host, 0, offset, &value, size), ==, 0);
}

static uint32_t read_at(HostUserFixture *f, uint64_t offset)
{
    uint32_t value = 0;

    g_assert_cmpint(f->host->ops->region_read(f->host, 0, offset, &value, 4),
                    ==, 0);
    return value;
}

static unsigned writes(HostUserFixture *f)
{
    return user_server_count(f->server, VFIO_USER_REGION_WRITE);
}

static unsigned multis(HostUserFixture *f)
{
    return user_server_count(f->server, VFIO_USER_REGION_WRITE_MULTI);
}

static void test_single(void)
{
    HostUserFixture f;
    g_autoptr(UserMsg) msg = NULL;

    open_posted(&f, NULL);
    write_at(&f, 0x10, 0x1234, 2);
    msg = user_server_seen(f.server, VFIO_USER_REGION_WRITE);
    g_assert_cmphex(msg->head.flags, ==, VFIO_USER_FLAG_NO_REPLY);
    g_assert_cmpuint(msg->size, ==, sizeof(VFIOUserRegionAccess) + 2);
    g_assert_cmphex(read_at(&f, 0x10), ==, 0x1234);
    fixture_finish(&f);
}

/* Without posted-writes= each write is answered, whatever the server knows. */
static void test_not_asked_for(void)
{
    UserDeviceDesc desc = with_json(MULTI);
    HostUserFixture f;

    fixture_init(&f, &desc);
    fixture_open(&f);
    write_at(&f, 0x10, 1, 4);
    g_assert_cmpuint(writes(&f), ==, 1);
    g_assert_cmpuint(multis(&f), ==, 0);
    fixture_finish(&f);
}

static void test_batch(void)
{
    HostUserFixture f;
    g_autoptr(UserMsg) msg = NULL;
    const VFIOUserWriteMulti *head;
    const VFIOUserWrite *list;

    open_posted(&f, MULTI);
    write_at(&f, 0x10, 0x11, 1);
    write_at(&f, 0x18, 0x8877665544332211, 8);
    write_at(&f, 0x10, 0x12, 4);
    g_assert_cmpuint(multis(&f), ==, 0);
    /* The read sees them. */
    g_assert_cmphex(read_at(&f, 0x10), ==, 0x12);
    g_assert_cmphex(read_at(&f, 0x1c), ==, 0x88776655);
    msg = user_server_seen(f.server, VFIO_USER_REGION_WRITE_MULTI);
    g_assert_cmphex(msg->head.flags, ==, VFIO_USER_FLAG_NO_REPLY);
    g_assert_cmpuint(msg->size, ==, sizeof(*head) + 3 * sizeof(*list));
    head = (void *)msg->payload;
    list = (void *)(head + 1);
    g_assert_cmpuint(head->count, ==, 3);
    g_assert_cmphex(list[1].offset, ==, 0x18);
    g_assert_cmpuint(list[1].region, ==, 0);
    g_assert_cmpuint(list[1].count, ==, 8);
    g_assert_cmphex(list[2].data[0], ==, 0x12);
    g_assert_cmpuint(multis(&f), ==, 0);
    g_assert_cmpuint(writes(&f), ==, 0);
    fixture_finish(&f);
}

static void test_full(void)
{
    HostUserFixture f;

    open_posted(&f, MULTI);
    for (unsigned i = 0; i < 130; i++) {
        write_at(&f, 4 * i, i, 4);
    }
    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(UserMsg) msg =
            user_server_seen(f.server, VFIO_USER_REGION_WRITE_MULTI);

        g_assert_cmpuint(((VFIOUserWriteMulti *)msg->payload)->count, ==, 64);
    }
    g_assert_cmpuint(multis(&f), ==, 0);
    g_assert_cmpuint(read_at(&f, 4 * 129), ==, 129);
    fixture_finish(&f);
}

/* A server that takes little at a time. */
static void test_small_transfers(void)
{
    HostUserFixture f;

    open_posted(&f, "{\"capabilities\":{\"write_multiple\":true,"
                    "\"max_data_xfer_size\":60}}");
    write_at(&f, 0, 1, 4);
    write_at(&f, 4, 2, 4);
    user_msg_free(user_server_seen(f.server, VFIO_USER_REGION_WRITE_MULTI));
    g_assert_cmphex(read_at(&f, 4), ==, 2);
    g_assert_cmpuint(multis(&f), ==, 0);
    fixture_finish(&f);
    open_posted(&f, "{\"capabilities\":{\"write_multiple\":true,"
                    "\"max_data_xfer_size\":8}}");
    write_at(&f, 0, 1, 4);
    user_msg_free(user_server_seen(f.server, VFIO_USER_REGION_WRITE));
    fixture_finish(&f);
}

/* Nobody asks for anything: the main loop sends them, once. */
static void test_soon(void)
{
    HostUserFixture f;

    open_posted(&f, MULTI);
    for (unsigned round = 0; round < 3; round++) {
        write_at(&f, 0, round, 4);
        write_at(&f, 4, round, 4);
        main_loop_iterate(true);
        user_msg_free(user_server_seen(f.server, VFIO_USER_REGION_WRITE_MULTI));
        g_assert_cmpuint(multis(&f), ==, 0);
    }
    /* Sent already by the time that the main loop looks. */
    write_at(&f, 0, 1, 4);
    read_at(&f, 0);
    user_msg_free(user_server_seen(f.server, VFIO_USER_REGION_WRITE_MULTI));
    main_loop_iterate(true);
    read_at(&f, 0);
    g_assert_cmpuint(multis(&f), ==, 0);
    fixture_finish(&f);
}

/* Whatever is asked next comes behind them. */
static void expect_flushed(HostUserFixture *f)
{
    user_msg_free(user_server_seen(f->server, VFIO_USER_REGION_WRITE_MULTI));
}

static void test_flushed(void)
{
    VFIODmaMap map = {.iova = 0x1000, .size = 0x1000, .fd = -1};
    HostUserFixture f;

    open_posted(&f, MULTI);
    write_at(&f, 0, 1, 4);
    f.host->ops->set_irq(f.host, 0, VFIO_IRQ_UNMASK_NOW, -1);
    expect_flushed(&f);
    write_at(&f, 0, 1, 4);
    f.host->ops->set_irq(f.host, 0, VFIO_IRQ_TRIGGER_OFF, -1);
    expect_flushed(&f);
    write_at(&f, 0, 1, 4);
    f.host->ops->dma_map(f.host, &map);
    expect_flushed(&f);
    write_at(&f, 0, 1, 4);
    f.host->ops->dma_unmap(f.host, map.iova, map.size);
    expect_flushed(&f);
    write_at(&f, 0, 1, 4);
    f.host->ops->reset(f.host);
    expect_flushed(&f);
    write_at(&f, 0, 1, 4);
    fixture_close(&f);
    expect_flushed(&f);
    fixture_finish(&f);
}

/* Each thread has a counter in a register, which only ever goes up. */
typedef struct Counter {
    HostUserFixture *f;
    unsigned n;
} Counter;

#define COUNTS 2000

static void *count_up(void *opaque)
{
    Counter *counter = opaque;

    for (uint32_t i = 1; i <= COUNTS; i++) {
        write_at(counter->f, 4 * counter->n, i, 4);
        if (i % 37 == 0) {
            g_assert_cmpuint(read_at(counter->f, 4 * counter->n), ==, i);
        }
    }
    return NULL;
}

static void count_with_threads(const char *json)
{
    GThread *threads[3];
    Counter counters[3];
    HostUserFixture f;

    open_posted(&f, json);
    for (unsigned i = 0; i < 3; i++) {
        counters[i] = (Counter){&f, i};
        threads[i] = g_thread_new("vcpu", count_up, &counters[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        main_loop_iterate(false);
    }
    for (unsigned i = 0; i < 3; i++) {
        g_thread_join(threads[i]);
        g_assert_cmpuint(read_at(&f, 4 * i), ==, COUNTS);
    }
    fixture_finish(&f);
}

static void test_threads(void)
{
    count_with_threads(MULTI);
    count_with_threads(NULL);
}

/* What is mapped would overtake what is posted. */
static void test_mapped(void)
{
    UserRegionDesc regions[2] = {plain_region, plain_region};
    UserDeviceDesc desc = plain_device;
    int fd = memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    HostUserFixture f;

    g_assert_cmpint(ftruncate(fd, 0x1000), ==, 0);
    g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), ==, 0);
    regions[1].flags |= VFIO_USER_REGION_F_MMAP;
    regions[1].fd = fd;
    desc.regions = regions;
    desc.num_regions = 2;
    fixture_init(&f, &desc);
    f.config.posted_writes = true;
    fixture_refused(&f, "x-posted-writes=on: region 1 can be mapped, and a "
                        "mapped access would overtake a posted write; try: "
                        "x-no-mmap=on");
    f.config.no_mmap = true;
    fixture_open(&f);
    fixture_finish(&f);
    close(fd);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/user-post/single", test_single);
    g_test_add_func("/user-post/not-asked-for", test_not_asked_for);
    g_test_add_func("/user-post/batch", test_batch);
    g_test_add_func("/user-post/full", test_full);
    g_test_add_func("/user-post/small-transfers", test_small_transfers);
    g_test_add_func("/user-post/soon", test_soon);
    g_test_add_func("/user-post/flushed", test_flushed);
    g_test_add_func("/user-post/threads", test_threads);
    g_test_add_func("/user-post/mapped", test_mapped);
    ret = g_test_run();
    main_loop_finish();
    return ret;
}
