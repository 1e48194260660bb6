/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-io-fds.c: the eventfds that a server offers for its registers, in both
 * sizes that an entry may have, and all that is none of them.
 */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host-user-fixture.h"

#define SIZE 0x1000

typedef struct ShadowIoFd {
    uint64_t offset;
    uint64_t size;
    uint32_t fd_index;
    uint32_t type;
    uint32_t flags;
    uint32_t shadow_fd_index;
    uint64_t shadow_offset;
    uint64_t datamatch;
} ShadowIoFd;

typedef struct Fixture {
    HostUserFixture base;
    UserRegionDesc region;
    VFIOIoEventFd *fds;
    unsigned n;
} Fixture;

static void init(Fixture *f, const void *entries, size_t size, unsigned n,
                 const int *fds, unsigned num_fds)
{
    UserDeviceDesc desc = plain_device;

    *f = (Fixture){
        .region = {.size = SIZE,
                   .flags = RW,
                   .io_fds = entries,
                   .io_fds_size = size * n,
                   .num_io_fds = n,
                   .io_fd_fds = fds,
                   .num_io_fd_fds = num_fds},
    };
    desc.regions = &f->region;
    fixture_init(&f->base, &desc);
    fixture_open(&f->base);
}

static int ask(Fixture *f)
{
    return f->base.host->ops->get_ioeventfds(f->base.host, 0, &f->fds, &f->n);
}

static void finish(Fixture *f)
{
    g_free(f->fds);
    fixture_finish(&f->base);
}

static bool same_eventfd(int a, int b)
{
    uint64_t value = 5;

    g_assert_cmpint(write(a, &value, sizeof(value)), ==, sizeof(value));
    return read(b, &value, sizeof(value)) == sizeof(value) && value == 5;
}

static void test_entries(void)
{
    static const VFIOUserIoFd entries[] = {
        {.offset = 0x10, .size = 4, .fd_index = 1},
        {.offset = 0x20,
         .size = 8,
         .flags = VFIO_USER_IO_FD_F_DATAMATCH,
         .datamatch = 0x1122334455667788},
        {.offset = SIZE - 1, .size = 0, .fd_index = 1},
    };
    int fds[2] = {eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK)};
    Fixture f;

    init(&f, entries, sizeof(entries[0]), 3, fds, 2);
    g_assert_cmpint(ask(&f), ==, 0);
    g_assert_cmpuint(f.n, ==, 3);
    g_assert_cmphex(f.fds[0].offset, ==, 0x10);
    g_assert_cmpuint(f.fds[0].size, ==, 4);
    g_assert_false(f.fds[0].match);
    g_assert_true(same_eventfd(f.fds[0].fd, fds[1]));
    g_assert_cmphex(f.fds[1].offset, ==, 0x20);
    g_assert_cmpuint(f.fds[1].size, ==, 8);
    g_assert_true(f.fds[1].match);
    g_assert_cmphex(f.fds[1].data, ==, 0x1122334455667788);
    g_assert_true(same_eventfd(f.fds[1].fd, fds[0]));
    g_assert_cmphex(f.fds[2].offset, ==, SIZE - 1);
    g_assert_cmpuint(f.fds[2].size, ==, 0);
    g_assert_cmpint(f.fds[2].fd, ==, f.fds[0].fd);
    close(fds[0]);
    close(fds[1]);
    f.base.fds_before -= 2;
    finish(&f);
}

/* libvfio-user's, in more than the first try has room for. */
static void test_shadow_entries(void)
{
    ShadowIoFd entries[100];
    int fd = eventfd(0, 0);
    Fixture f;

    for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++) {
        entries[i] = (ShadowIoFd){
            .offset = 8 * i,
            .size = 2,
            .type = i == 7 ? 2 : 0,
            .flags = VFIO_USER_IO_FD_F_DATAMATCH,
            .shadow_fd_index = 77,
            .shadow_offset = 78,
            .datamatch = i,
        };
    }
    init(&f, entries, sizeof(entries[0]), G_N_ELEMENTS(entries), &fd, 1);
    g_assert_cmpint(ask(&f), ==, 0);
    g_assert_cmpuint(f.n, ==, G_N_ELEMENTS(entries) - 1);
    /* Whatever it counts, no write of the guest's waits for it. */
    g_assert_true(fcntl(f.fds[0].fd, F_GETFL) & O_NONBLOCK);
    g_assert_cmphex(f.fds[6].data, ==, 6);
    g_assert_cmphex(f.fds[7].data, ==, 8);
    g_assert_cmphex(f.fds[98].offset, ==, 8 * 99);
    g_assert_cmpuint(f.fds[98].size, ==, 2);
    g_assert_cmpuint(
        user_server_count(f.base.server, VFIO_USER_DEVICE_GET_REGION_IO_FDS),
        ==, 2);
    close(fd);
    f.base.fds_before--;
    finish(&f);
}

/* Descriptors are not without end: what is too much is trapped. */
static void test_too_many(void)
{
    static const VFIOUserIoFd entry = {.offset = 0x10, .size = 4};
    unsigned got = 0;
    int fds[50];
    Fixture f;

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = eventfd(0, EFD_NONBLOCK);
    }
    init(&f, &entry, sizeof(entry), 1, fds, G_N_ELEMENTS(fds));
    for (unsigned i = 0; i < 6; i++) {
        g_assert_cmpint(ask(&f), ==, 0);
        got += f.n;
        g_clear_pointer(&f.fds, g_free);
    }
    g_assert_cmpuint(got, ==, 5);
    fixture_logged(&f.base, "platypus: warning: vfio dev: region 0: trapping "
                            "what the server offers eventfds for: at most 256 "
                            "of a device are used\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        close(fds[i]);
    }
    f.base.fds_before -= G_N_ELEMENTS(fds);
    finish(&f);
}

/* It has none, or does not know what that is. */
static void test_none(void)
{
    Fixture f;

    init(&f, NULL, 0, 0, NULL, 0);
    g_assert_cmpint(ask(&f), ==, 0);
    g_assert_cmpuint(f.n, ==, 0);
    finish(&f);
}

static bool refuse(UserServer *server, UserMsg *msg, void *opaque)
{
    if (msg->head.command != VFIO_USER_DEVICE_GET_REGION_IO_FDS) {
        return false;
    }
    user_peer_reply_error(server->peer, msg, *(int *)opaque, NULL, 0);
    return true;
}

static void test_unknown(void)
{
    static const struct {
        int error;
        int ret;
    } cases[] = {
        {EINVAL, 0},
        {ENOTSUP, 0},
        {ENOSYS, 0},
        {EPERM, -EPERM},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        Fixture f;

        init(&f, NULL, 0, 0, NULL, 0);
        f.base.server->hook_opaque = (void *)&cases[i].error;
        f.base.server->hook = refuse;
        g_assert_cmpint(ask(&f), ==, cases[i].ret);
        g_assert_cmpuint(f.n, ==, 0);
        finish(&f);
    }
}

/* A write that does not wait would be overtaken. */
static void test_posted(void)
{
    static const VFIOUserIoFd entry = {.offset = 0x10, .size = 4};
    int fd = eventfd(0, EFD_NONBLOCK);
    Fixture f;

    init(&f, &entry, sizeof(entry), 1, &fd, 1);
    fixture_close(&f.base);
    f.base.config.posted_writes = true;
    fixture_open(&f.base);
    g_assert_cmpint(ask(&f), ==, 0);
    g_assert_cmpuint(f.n, ==, 0);
    close(fd);
    f.base.fds_before--;
    finish(&f);
}

/* ---- what is trapped instead ---- */

static void expect_trapped(const VFIOUserIoFd *entry, int fd, const char *why)
{
    VFIOUserIoFd entries[] = {*entry, *entry};
    Fixture f;

    init(&f, entries, sizeof(*entry), 2, &fd, 1);
    g_assert_cmpint(ask(&f), ==, 0);
    g_assert_cmpuint(f.n, ==, 0);
    /* Once, however many there are. */
    if (why) {
        g_autofree char *line = g_strdup_printf(
            "platypus: warning: vfio dev: region 0: trapping what the server "
            "offers an eventfd for, at 0x%" PRIx64 ": %s\n",
            entry->offset, why);

        fixture_logged(&f.base, line);
    }
    finish(&f);
}

static void test_trapped(void)
{
    static const char place[] = "its place or size is none of the region's";
    static const VFIOUserIoFd places[] = {
        {.offset = SIZE, .size = 4},       {.offset = SIZE - 2, .size = 4},
        {.offset = UINT64_MAX, .size = 1}, {.offset = 0, .size = 3},
        {.offset = 0, .size = 16},         {.offset = SIZE, .size = 0},
    };
    VFIOUserIoFd entry = {.offset = 0x10, .size = 4};
    int fd = eventfd(0, EFD_NONBLOCK);
    int pipes[2];

    for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
        expect_trapped(&places[i], fd, place);
    }
    g_assert_cmpint(pipe(pipes), ==, 0);
    expect_trapped(&entry, pipes[1], "its descriptor is no eventfd");
    entry.flags = VFIO_USER_IO_FD_F_PIO;
    expect_trapped(&entry, fd, "its flags are none that this machine knows");
    entry.flags = 0;
    entry.type = VFIO_USER_IO_FD_IOREGIONFD;
    expect_trapped(&entry, fd, NULL);
    close(pipes[0]);
    close(pipes[1]);
    close(fd);
}

/* ---- lies ---- */

static bool change(void *opaque, unsigned n, GByteArray *bytes, GArray *fds)
{
    VFIOUserHeader *head = (void *)bytes->data;
    VFIOUserIoFds *info = (void *)(bytes->data + sizeof(*head));

    if (head->command == VFIO_USER_DEVICE_GET_REGION_IO_FDS) {
        ((void (*)(VFIOUserIoFds * info)) opaque)(info);
    }
    return true;
}

static void other_region(VFIOUserIoFds *info)
{
    info->index = 5;
}

static void more_bytes(VFIOUserIoFds *info)
{
    info->argsz += sizeof(VFIOUserIoFd);
}

static void no_bytes(VFIOUserIoFds *info)
{
    info->argsz = 0;
}

static void endless(VFIOUserIoFds *info)
{
    info->argsz = UINT32_MAX;
}

static void three(VFIOUserIoFds *info)
{
    info->count = 3;
}

static void very_many(VFIOUserIoFds *info)
{
    info->count = UINT32_MAX;
}

static void bad_index(VFIOUserIoFds *info)
{
    ((VFIOUserIoFd *)(info + 1))->fd_index = 1;
}

static void test_lies(void)
{
    static const struct {
        void (*change)(VFIOUserIoFds *info);
        const char *reason;
    } cases[] = {
        {other_region, "asked for its eventfds, it lists those of another"},
        {more_bytes, "its list of eventfds is cut off"},
        {no_bytes, "its list of eventfds is cut off"},
        {endless, "its list of eventfds has no end"},
        {three, "the eventfds in its list have no known size"},
        {very_many, "the eventfds in its list have no known size"},
        {bad_index, "an eventfd is none of those that came"},
    };
    static const VFIOUserIoFd entries[] = {
        {.offset = 0x10, .size = 4},
        {.offset = 0x20, .size = 4},
    };
    int fd = eventfd(0, EFD_NONBLOCK);

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *reason =
            g_strdup_printf("vfio dev: region 0: %s", cases[i].reason);
        Fixture f;

        g_test_message("%s", cases[i].reason);
        init(&f, entries, sizeof(entries[0]), 2, &fd, 1);
        fixture_close(&f.base);
        f.base.server->filter = change;
        f.base.server->filter_opaque = (void *)cases[i].change;
        fixture_open(&f.base);
        g_assert_cmpint(ask(&f), ==, -ENOTCONN);
        g_assert_true(atomic_load(&f.base.host->lost));
        g_assert_cmpuint(f.n, ==, 0);
        fixture_wait(&f.base, &f.base.losses, 0);
        g_assert_cmpstr(f.base.reason, ==, reason);
        finish(&f);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/user-io-fds/entries", test_entries);
    g_test_add_func("/user-io-fds/shadow-entries", test_shadow_entries);
    g_test_add_func("/user-io-fds/too-many", test_too_many);
    g_test_add_func("/user-io-fds/none", test_none);
    g_test_add_func("/user-io-fds/unknown", test_unknown);
    g_test_add_func("/user-io-fds/posted", test_posted);
    g_test_add_func("/user-io-fds/trapped", test_trapped);
    g_test_add_func("/user-io-fds/lies", test_lies);
    ret = g_test_run();
    main_loop_finish();
    return ret;
}
