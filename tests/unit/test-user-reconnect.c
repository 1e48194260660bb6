/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-reconnect.c and user-connect.c: a server that goes, in every way that
 * there is, what its device hears of that, and how it comes back; and that the
 * main loop never waits for one.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host-user-fixture.h"

#define CLOSED "vfio dev: the server closed the connection"

static int read_register(HostUserFixture *f)
{
    uint32_t value;

    return f->host->ops->region_read(f->host, 0, 0, &value, 4);
}

/* Every call fails, at once. */
static void expect_all_fail(HostUserFixture *f)
{
    const VFIOHostOps *ops = f->host->ops;
    VFIODmaMap map = {.iova = 0x1000, .size = 0x1000, .fd = -1};
    VFIOIoEventFd *fds = NULL;
    uint32_t value = 0;
    unsigned n;

    g_assert_true(atomic_load(&f->host->lost));
    g_assert_cmpint(ops->region_read(f->host, 0, 0, &value, 4), ==, -ENOTCONN);
    g_assert_cmpint(ops->region_write(f->host, 0, 0, &value, 4), ==, -ENOTCONN);
    g_assert_cmpint(ops->set_irq(f->host, 0, VFIO_IRQ_PROBE, -1), ==,
                    -ENOTCONN);
    g_assert_cmpint(ops->set_irq(f->host, 0, VFIO_IRQ_UNMASK_NOW, -1), ==,
                    -ENOTCONN);
    g_assert_cmpint(ops->reset(f->host), ==, -ENOTCONN);
    g_assert_cmpint(ops->dma_map(f->host, &map), ==, -ENOTCONN);
    g_assert_cmpint(ops->dma_unmap(f->host, map.iova, map.size), ==, -ENOTCONN);
    g_assert_cmpint(ops->get_ioeventfds(f->host, 0, &fds, &n), ==, -ENOTCONN);
    g_assert_null(fds);
}

/* ---- lost for good ---- */

static void lose(bool posted)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.posted_writes = posted;
    fixture_open(&f);
    user_server_stop(f.server);
    fixture_wait(&f, &f.losses, 0);
    g_assert_cmpstr(f.reason, ==, CLOSED);
    g_assert_cmpint(f.state, ==, VFIO_USER_LOST);
    expect_all_fail(&f);
    /* It stays so, also when a server is there again. */
    user_server_listen(f.server, NULL);
    for (unsigned i = 0; i < 10; i++) {
        main_loop_iterate(false);
    }
    g_assert_cmpuint(f.losses, ==, 1);
    g_assert_cmpuint(f.backs, ==, 0);
    g_assert_cmpuint(user_server_count(f.server, VFIO_USER_VERSION), ==, 1);
    fixture_finish(&f);
}

static void test_lost(void)
{
    lose(false);
    lose(true);
}

/* A call notices first; the device hears of it in the main loop. */
static void test_lost_in_call(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    fixture_open(&f);
    user_server_stop(f.server);
    g_assert_cmpint(read_register(&f), ==, -ENOTCONN);
    g_assert_true(atomic_load(&f.host->lost));
    g_assert_cmpuint(f.losses, ==, 0);
    fixture_wait(&f, &f.losses, 0);
    expect_all_fail(&f);
    fixture_finish(&f);
}

/* There is nobody to tell yet, so it is told to everybody. */
static void test_lost_without_client(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    fixture_open(&f);
    f.host->client = NULL;
    user_server_stop(f.server);
    while (f.state == VFIO_USER_CONNECTED) {
        main_loop_iterate(true);
    }
    fixture_logged(&f, "platypus: " CLOSED FOR_GOOD "\n");
    fixture_finish(&f);
}

static void test_hangs(void)
{
    uint16_t command = VFIO_USER_REGION_READ;
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.server->hook = fixture_ignore;
    f.server->hook_opaque = &command;
    f.config.timeout_ms = 20;
    fixture_open(&f);
    g_assert_cmpint(read_register(&f), ==, -ENOTCONN);
    fixture_wait(&f, &f.losses, 0);
    g_assert_cmpstr(f.reason, ==,
                    "vfio dev: no answer to REGION_READ within 20 ms");
    fixture_finish(&f);
}

/* What it answers is about something else, or too little. */
static bool tell_another(void *opaque, unsigned n, GByteArray *bytes,
                         GArray *fds)
{
    VFIOUserHeader *head = (void *)bytes->data;
    VFIOUserRegionAccess *access = (void *)(head + 1);

    switch (head->command == VFIO_USER_REGION_READ ||
                    head->command == VFIO_USER_REGION_WRITE
                ? *(int *)opaque
                : -1) {
    case 0:
        access->offset++;
        break;
    case 1:
        access->region++;
        break;
    case 2:
        access->count++;
        break;
    case 3:
        head->size--;
        g_byte_array_set_size(bytes, bytes->len - 1);
        break;
    default:
        break;
    }
    return true;
}

static void run_lie(int lie, bool write, const char *expect)
{
    uint32_t value = 0;
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.server->filter = tell_another;
    f.server->filter_opaque = &lie;
    fixture_open(&f);
    g_assert_cmpint(write ? f.host->ops->region_write(f.host, 0, 0, &value, 4)
                          : read_register(&f),
                    ==, -ENOTCONN);
    fixture_wait(&f, &f.losses, 0);
    g_assert_cmpstr(f.reason, ==, expect);
    fixture_finish(&f);
}

static void test_lies(void)
{
    for (int i = 0; i < 3; i++) {
        run_lie(i, false,
                "vfio dev: the reply to REGION_READ is about another access");
        run_lie(i, true,
                "vfio dev: the reply to REGION_WRITE is about another access");
    }
    run_lie(3, false,
            "vfio dev: the reply to REGION_READ has 19 bytes, not 20");
    run_lie(3, true,
            "vfio dev: the reply to REGION_WRITE has 15 bytes, not 16");
}

/* Accesses of other threads, which never stop, must not keep it from going. */
typedef struct Vcpus {
    HostUserFixture f;
    atomic_bool stop;
    atomic_uint good;
    atomic_uint bad;
} Vcpus;

static void *vcpu(void *opaque)
{
    Vcpus *v = opaque;
    uint32_t value = 7;

    while (!atomic_load(&v->stop)) {
        int ret = v->f.host->ops->region_write(v->f.host, 0, 0, &value, 4);

        if (ret == 0) {
            ret = v->f.host->ops->region_read(v->f.host, 0, 0, &value, 4);
        }
        g_assert_true(ret == 0 || ret == -ENOTCONN);
        g_assert_cmpuint(value, ==, 7);
        atomic_fetch_add(ret ? &v->bad : &v->good, 1);
    }
    return NULL;
}

static void iterate_until(atomic_uint *n, unsigned more)
{
    while (atomic_load(n) <= more) {
        main_loop_iterate(false);
    }
}

static void churn(bool posted)
{
    GThread *threads[2];
    Vcpus v = {0};

    fixture_init(&v.f, NULL);
    v.f.config.reconnect_ms = 1;
    v.f.config.posted_writes = posted;
    fixture_open(&v.f);
    for (unsigned i = 0; i < 2; i++) {
        threads[i] = g_thread_new("vcpu", vcpu, &v);
    }
    for (unsigned i = 0; i < 20; i++) {
        iterate_until(&v.good, atomic_load(&v.good) + 20);
        user_server_hang_up(v.f.server);
        fixture_wait(&v.f, &v.f.backs, i);
    }
    atomic_store(&v.stop, true);
    for (unsigned i = 0; i < 2; i++) {
        g_thread_join(threads[i]);
    }
    g_assert_cmpuint(v.f.losses, ==, 20);
    log_close();
    g_assert_true(log_open(v.f.log, NULL));
    fixture_finish(&v.f);
}

static void test_churn(void)
{
    churn(false);
    churn(true);
}

/* ---- back ---- */

static void lose_and_wait(HostUserFixture *f)
{
    fixture_lose(f);
    expect_all_fail(f);
}

static void use_in_back(HostUserFixture *f)
{
    VFIODmaMap map = {.iova = 0x1000, .size = 0x1000, .fd = -1};
    VFIODeviceInfo info;

    g_assert_false(atomic_load(&f->host->lost));
    g_assert_cmpint(f->host->ops->get_info(f->host, &info), ==, 0);
    g_assert_cmpuint(info.num_irqs, ==, 2);
    g_assert_cmpint(read_register(f), ==, 0);
    g_assert_cmpint(f->host->ops->dma_map(f->host, &map), ==, 0);
}

static void test_back(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    f.on_back = use_in_back;
    fixture_open(&f);
    for (unsigned i = 0; i < 5; i++) {
        lose_and_wait(&f);
        fixture_wait(&f, &f.backs, i);
        g_assert_cmpint(f.state, ==, VFIO_USER_CONNECTED);
        g_assert_cmpint(read_register(&f), ==, 0);
        fixture_logged(&f, BACK_LINE);
    }
    g_assert_cmpuint(f.losses, ==, 5);
    g_assert_cmpuint(user_server_count(f.server, VFIO_USER_VERSION), ==, 6);
    fixture_finish(&f);
}

/* The first tries find nobody, which nobody is told of. */
static void test_back_late(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    fixture_open(&f);
    user_server_stop(f.server);
    fixture_wait(&f, &f.losses, 0);
    for (unsigned i = 0; i < 10; i++) {
        main_loop_iterate(true);
    }
    g_assert_cmpuint(f.backs, ==, 0);
    fixture_logged(&f, "");
    user_server_listen(f.server, NULL);
    fixture_wait(&f, &f.backs, 0);
    g_assert_cmpint(read_register(&f), ==, 0);
    fixture_logged(&f, BACK_LINE);
    fixture_finish(&f);
}

/* What the device says to it is told once; then it may be right after all. */
static void test_back_refused(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    fixture_open(&f);
    f.refuse = true;
    lose_and_wait(&f);
    fixture_wait(&f, &f.backs, 2);
    g_assert_cmpint(f.state, ==, VFIO_USER_RECONNECTING);
    expect_all_fail(&f);
    fixture_logged(&f, "platypus: warning: vfio dev: not the device that it "
                       "was; the server is back and cannot be used, so it "
                       "will be tried again\n");
    f.refuse = false;
    fixture_wait(&f, &f.backs, f.backs);
    g_assert_cmpint(f.state, ==, VFIO_USER_CONNECTED);
    g_assert_cmpuint(f.losses, ==, 1);
    fixture_logged(&f, BACK_LINE);
    fixture_finish(&f);
}

/* It goes again while the device uses it for the first time. */
static void lose_in_back(HostUserFixture *f)
{
    user_server_hang_up(f->server);
    while (read_register(f) == 0) {
    }
    f->refuse = f->backs < 4;
}

static void test_lost_in_back(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    f.on_back = lose_in_back;
    fixture_open(&f);
    lose_and_wait(&f);
    /* Not noticed by the device in the end: lost once more, then. */
    fixture_wait(&f, &f.losses, 1);
    g_assert_cmpuint(f.backs, ==, 4);
    fixture_logged(&f, BACK_LINE);
    f.on_back = NULL;
    fixture_wait(&f, &f.backs, 4);
    fixture_logged(&f, BACK_LINE);
    fixture_finish(&f);
}

/* What was asked for at the start is asked for again. */
static void test_back_mapped(void)
{
    UserRegionDesc region = plain_region;
    UserDeviceDesc desc = plain_device;
    HostUserFixture f;

    desc.regions = &region;
    fixture_init(&f, &desc);
    f.config.posted_writes = true;
    f.config.reconnect_ms = 1;
    fixture_open(&f);
    user_server_stop(f.server);
    fixture_wait(&f, &f.losses, 0);
    region.flags |= VFIO_USER_REGION_F_MMAP;
    region.fd = memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_cmpint(ftruncate(region.fd, 0x1000), ==, 0);
    g_assert_cmpint(fcntl(region.fd, F_ADD_SEALS, F_SEAL_SHRINK), ==, 0);
    user_server_listen(f.server, NULL);
    while (user_server_count(f.server, VFIO_USER_VERSION) < 3) {
        main_loop_iterate(true);
    }
    g_assert_cmpuint(f.backs, ==, 0);
    fixture_close(&f);
    fixture_logged(&f,
                   "platypus: warning: vfio dev: x-posted-writes=on: region "
                   "0 can be mapped, and a mapped access would overtake a "
                   "posted write; try: x-no-mmap=on; the server is back "
                   "and cannot be used, so it will be tried again\n");
    close(region.fd);
    fixture_finish(&f);
}

/* What was posted to one server does not go to the next. */
static void test_posted_dropped(void)
{
    UserDeviceDesc desc = plain_device;
    uint32_t value = 1;
    HostUserFixture f;

    desc.json = "{\"capabilities\":{\"write_multiple\":true}}";
    fixture_init(&f, &desc);
    f.config.posted_writes = true;
    f.config.reconnect_ms = 1;
    fixture_open(&f);
    user_server_stop(f.server);
    g_assert_cmpint(f.host->ops->region_write(f.host, 0, 0, &value, 4), ==, 0);
    user_server_listen(f.server, NULL);
    fixture_wait(&f, &f.backs, 0);
    g_assert_cmpint(read_register(&f), ==, 0);
    g_assert_cmpuint(user_server_count(f.server, VFIO_USER_REGION_WRITE_MULTI),
                     ==, 0);
    fixture_logged(&f, BACK_LINE);
    fixture_finish(&f);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/user-reconnect/lost", test_lost);
    g_test_add_func("/user-reconnect/lost-in-call", test_lost_in_call);
    g_test_add_func("/user-reconnect/lost-without-client",
                    test_lost_without_client);
    g_test_add_func("/user-reconnect/hangs", test_hangs);
    g_test_add_func("/user-reconnect/lies", test_lies);
    g_test_add_func("/user-reconnect/churn", test_churn);
    g_test_add_func("/user-reconnect/back", test_back);
    g_test_add_func("/user-reconnect/back-late", test_back_late);
    g_test_add_func("/user-reconnect/back-refused", test_back_refused);
    g_test_add_func("/user-reconnect/lost-in-back", test_lost_in_back);
    g_test_add_func("/user-reconnect/back-mapped", test_back_mapped);
    g_test_add_func("/user-reconnect/posted-dropped", test_posted_dropped);
    ret = g_test_run();
    main_loop_finish();
    return ret;
}
