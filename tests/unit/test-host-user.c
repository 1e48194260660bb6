/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host-user.c with what it is made of: how it is opened, every call as the
 * server sees it, and what becomes of a call that the server refuses.
 * Servers that lie are in test-user-device.c and test-user-io-fds.c, lost ones
 * in test-user-reconnect.c.
 */

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fd-limit.h"
#include "host-user-fixture.h"
#include "util/event-notifier.h"

/* ---- opening ---- */

static void test_open(void)
{
    HostUserFixture f;
    VFIODeviceInfo info;
    VFIORegionInfo region;
    VFIOIrqInfo irq;

    fixture_init(&f, NULL);
    fixture_open(&f);
    g_assert_cmpstr(f.host->name, ==, "dev");
    g_assert_true(f.host->ops->access8);
    g_assert_false(f.host->ops->unmask_by_fd);
    g_assert_cmpint(f.host->ops->get_info(f.host, &info), ==, 0);
    g_assert_true(info.can_reset);
    g_assert_cmpuint(info.num_regions, ==, 1);
    g_assert_cmpuint(info.num_irqs, ==, 2);
    g_assert_cmpint(f.host->ops->get_region(f.host, 0, &region), ==, 0);
    g_assert_cmphex(region.size, ==, 0x1000);
    g_assert_true(region.readable && region.writable);
    g_assert_cmpuint(region.num_maps, ==, 0);
    vfio_region_info_finish(&region);
    g_assert_cmpint(f.host->ops->get_irq(f.host, 0, &irq), ==, 0);
    g_assert_true(irq.eventfd && irq.maskable && irq.automasked);
    g_assert_cmpint(f.host->ops->get_irq(f.host, 1, &irq), ==, 0);
    g_assert_true(irq.eventfd && !irq.maskable && !irq.automasked);
    g_assert_cmpuint(irq.count, ==, 1);
    g_assert_null(f.host->ops->get_node(f.host));
    fixture_finish(&f);
}

static void test_node(void)
{
    g_autoptr(VFIOHostNode) node = vfio_host_node_new("rtc");
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.node = node;
    fixture_open(&f);
    g_assert_true(f.host->ops->get_node(f.host) == node);
    fixture_finish(&f);
}

static void test_not_ours(void)
{
    UserDeviceDesc desc = plain_device;
    HostUserFixture f;

    desc.flags = VFIO_USER_DEVICE_PCI | VFIO_USER_DEVICE_RESETTABLE;
    fixture_init(&f, &desc);
    fixture_refused(&f, "a PCI device; this machine has a system bus only");
    fixture_finish(&f);
    desc.flags = VFIO_USER_DEVICE_RESETTABLE;
    fixture_init(&f, &desc);
    fixture_refused(&f, "no platform device (its flags are 0x1); the server "
                        "must set 0x4");
    fixture_finish(&f);
    desc = plain_device;
    desc.num_regions = 4097;
    fixture_init(&f, NULL);
    f.server->desc.num_regions = 4097;
    fixture_refused(&f, "4097 regions and 2 lines; at most 1024 make sense");
    f.server->desc.num_regions = 1;
    fixture_finish(&f);
}

static void test_no_server(void)
{
    g_autofree char *dir = g_dir_make_tmp("host-user-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    g_autofree char *below = g_build_filename(dir, "s", "t", NULL);
    g_autofree char *name = g_strnfill(108, 'x');
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.socket = path;
    fixture_refused(&f, "no socket to connect to: No such file or directory; "
                        "start the server first");
    f.config.socket = name;
    fixture_refused(&f, "the path is longer than a socket's can be, 107 bytes; "
                        "try: a shorter one");
    g_assert_true(g_file_set_contents(path, "x", 1, NULL));
    f.config.socket = path;
    fixture_refused(&f, "not a socket; try: the path that the server was "
                        "started with");
    f.config.socket = below;
    fixture_refused(&f, "no socket to connect to: Not a directory; start the "
                        "server first");
    f.config.socket = dir;
    fixture_refused(&f, "not a socket; try: the path that the server was "
                        "started with");
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    fixture_finish(&f);
}

static void test_nobody_listens(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    user_server_stop(f.server);
    fixture_refused(&f, "nobody listens there; the server has ended, start it "
                        "again");
    fixture_finish(&f);
}

/* Root may do everything, so the test is nobody for a moment. */
static void test_no_permission(void)
{
    bool root = geteuid() == 0;
    HostUserFixture f;

    fixture_init(&f, NULL);
    g_assert_cmpint(g_chmod(f.server->path, 0), ==, 0);
    g_assert_true(!root || seteuid(65534) == 0);
    fixture_refused(&f, "no permission to connect; try: ls -l on it and its "
                        "folder, or run as the user of the server");
    g_assert_true(!root || seteuid(0) == 0);
    fixture_finish(&f);
}

static void test_queue_full(void)
{
    g_autofree char *dir = g_dir_make_tmp("host-user-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    HostUserFixture f;
    int listener, first;

    fixture_init(&f, NULL);
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    g_assert_cmpint(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), ==,
                    0);
    g_assert_cmpint(listen(listener, 0), ==, 0);
    first = socket(AF_UNIX, SOCK_STREAM, 0);
    g_assert_cmpint(connect(first, (struct sockaddr *)&addr, sizeof(addr)), ==,
                    0);
    f.config.socket = path;
    fixture_refused(&f, "the server does not accept anybody and its queue is "
                        "full; does it hang?");
    close(first);
    close(listener);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    fixture_finish(&f);
}

/* A socket of another kind. */
static void test_datagrams(void)
{
    g_autofree char *dir = g_dir_make_tmp("host-user-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    HostUserFixture f;
    int sock;

    fixture_init(&f, NULL);
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    sock = socket(AF_UNIX, SOCK_DGRAM, 0);
    g_assert_cmpint(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
    f.config.socket = path;
    fixture_refused(&f, "cannot connect: Protocol wrong type for socket");
    close(sock);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    fixture_finish(&f);
}

static void test_no_descriptors(void)
{
    struct rlimit old;
    HostUserFixture f;
    Error *err = NULL;

    fixture_init(&f, NULL);
    old = fd_limit_set(0);
    g_assert_null(vfio_host_user_open(&f.config, &f.state, &err));
    fd_limit_restore(&old);
    g_assert_nonnull(strstr(error_get_pretty(err), ": cannot make a socket: "));
    error_free(err);
    fixture_finish(&f);
}

/* It accepts, and that is all. */
static void test_silent(void)
{
    g_autofree char *dir = g_dir_make_tmp("host-user-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "s", NULL);
    HostUserFixture f;
    int listener;

    fixture_init(&f, NULL);
    listener = user_peer_listen(path);
    f.config.socket = path;
    f.config.timeout_ms = 20;
    fixture_refused(&f, "no answer to VERSION within 20 ms");
    close(listener);
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(dir), ==, 0);
    fixture_finish(&f);
}

static bool refuse(UserServer *server, UserMsg *msg, void *opaque)
{
    if (msg->head.command != *(uint16_t *)opaque) {
        return false;
    }
    user_peer_reply_error(server->peer, msg, EPERM, NULL, 0);
    return true;
}

/* Polite refusals while it is opened. */
static void test_refused_info(void)
{
    static const struct {
        uint16_t command;
        const char *message;
    } cases[] = {
        {VFIO_USER_DEVICE_GET_INFO,
         "the server refuses DEVICE_GET_INFO: Operation not permitted"},
        {VFIO_USER_DEVICE_GET_REGION_INFO,
         "region 0: the server refuses DEVICE_GET_REGION_INFO: Operation not "
         "permitted"},
        {VFIO_USER_DEVICE_GET_IRQ_INFO,
         "line 0: the server refuses DEVICE_GET_IRQ_INFO: Operation not "
         "permitted"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        HostUserFixture f;

        fixture_init(&f, NULL);
        f.server->hook = refuse;
        f.server->hook_opaque = (void *)&cases[i].command;
        fixture_refused(&f, cases[i].message);
        fixture_finish(&f);
    }
}

/* ---- accesses ---- */

static void test_access(void)
{
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    HostUserFixture f;

    fixture_init(&f, NULL);
    fixture_open(&f);
    for (unsigned size = 1; size <= 8; size *= 2) {
        VFIOUserRegionAccess head = {0x10 * size, 0, size};
        g_autoptr(UserMsg) write = NULL;
        g_autoptr(UserMsg) read = NULL;
        uint8_t got[8] = {0};

        g_assert_cmpint(
            f.host->ops->region_write(f.host, 0, head.offset, bytes, size), ==,
            0);
        g_assert_cmpint(
            f.host->ops->region_read(f.host, 0, head.offset, got, size), ==, 0);
        g_assert_cmpmem(got, size, bytes, size);
        write = user_server_seen(f.server, VFIO_USER_REGION_WRITE);
        g_assert_cmpuint(write->head.flags, ==, 0);
        g_assert_cmpuint(write->size, ==, sizeof(head) + size);
        g_assert_cmpmem(write->payload, sizeof(head), &head, sizeof(head));
        read = user_server_seen(f.server, VFIO_USER_REGION_READ);
        g_assert_cmpmem(read->payload, read->size, &head, sizeof(head));
    }
    fixture_finish(&f);
}

/* The server refuses: the call fails, the connection stays. */
static void test_access_refused(void)
{
    static uint16_t command;
    uint32_t value = 0;
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.server->hook = refuse;
    f.server->hook_opaque = &command;
    fixture_open(&f);
    g_assert_cmpint(f.host->ops->region_read(f.host, 0, 0x1000, &value, 4), ==,
                    -EINVAL);
    command = VFIO_USER_REGION_READ;
    g_assert_cmpint(f.host->ops->region_read(f.host, 0, 0, &value, 4), ==,
                    -EPERM);
    command = VFIO_USER_REGION_WRITE;
    g_assert_cmpint(f.host->ops->region_write(f.host, 0, 0, &value, 4), ==,
                    -EPERM);
    g_assert_cmpint(f.host->ops->region_read(f.host, 0, 0, &value, 4), ==, 0);
    g_assert_false(atomic_load(&f.host->lost));
    fixture_finish(&f);
}

/* ---- lines and reset ---- */

static void expect_set_irqs(HostUserFixture *f, unsigned index, uint32_t flags,
                            uint32_t count, uint32_t message_flags)
{
    g_autoptr(UserMsg) msg =
        user_server_seen(f->server, VFIO_USER_DEVICE_SET_IRQS);
    VFIOUserIrqSet set = {sizeof(set), flags, index, 0, count};

    g_assert_cmpmem(msg->payload, msg->size, &set, sizeof(set));
    g_assert_cmphex(msg->head.flags, ==, message_flags);
}

static int set_irq(HostUserFixture *f, unsigned index, VFIOIrqAction action,
                   int fd)
{
    return f->host->ops->set_irq(f->host, index, action, fd);
}

static void test_irqs(void)
{
    EventNotifier trigger = {0};
    HostUserFixture f;

    fixture_init(&f, NULL);
    fixture_open(&f);
    g_assert_true(event_notifier_init(&trigger, NULL));
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(set_irq(&f, i, VFIO_IRQ_PROBE, -1), ==, 0);
        expect_set_irqs(&f, i, 0x21, 0, 0);
        g_assert_cmpint(set_irq(&f, i, VFIO_IRQ_TRIGGER_FD,
                                event_notifier_get_fd(&trigger)),
                        ==, 0);
        expect_set_irqs(&f, i, 0x24, 1, 0);
        user_server_signal(f.server, i);
        g_assert_true(event_notifier_test_and_clear(&trigger));
        g_assert_cmpint(set_irq(&f, i, VFIO_IRQ_UNMASK_NOW, -1), ==, 0);
        expect_set_irqs(&f, i, 0x11, 1, VFIO_USER_FLAG_NO_REPLY);
        g_assert_cmpint(set_irq(&f, i, VFIO_IRQ_TRIGGER_OFF, -1), ==, 0);
        expect_set_irqs(&f, i, 0x24, 1, 0);
        g_assert_false(user_server_armed(f.server, i));
    }
    g_assert_cmpint(
        set_irq(&f, 0, VFIO_IRQ_UNMASK_FD, event_notifier_get_fd(&trigger)), ==,
        -EOPNOTSUPP);
    g_assert_cmpint(set_irq(&f, 0, VFIO_IRQ_UNMASK_OFF, -1), ==, -EOPNOTSUPP);
    g_assert_cmpuint(user_server_count(f.server, VFIO_USER_DEVICE_SET_IRQS), ==,
                     0);
    event_notifier_finish(&trigger);
    fixture_finish(&f);
}

static void test_irq_refused(void)
{
    uint16_t command = VFIO_USER_DEVICE_SET_IRQS;
    UserDeviceDesc desc = plain_device;
    EventNotifier trigger = {0};
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.server->hook = refuse;
    f.server->hook_opaque = &command;
    fixture_open(&f);
    g_assert_cmpint(set_irq(&f, 0, VFIO_IRQ_PROBE, -1), ==, -EPERM);
    /* Nobody waits to hear of it. */
    g_assert_cmpint(set_irq(&f, 0, VFIO_IRQ_UNMASK_NOW, -1), ==, 0);
    fixture_finish(&f);
    /* A server that takes no descriptors has no interrupts. */
    desc.json = "{\"capabilities\":{\"max_msg_fds\":0}}";
    fixture_init(&f, &desc);
    fixture_open(&f);
    g_assert_true(event_notifier_init(&trigger, NULL));
    g_assert_cmpint(
        set_irq(&f, 0, VFIO_IRQ_TRIGGER_FD, event_notifier_get_fd(&trigger)),
        ==, -EMFILE);
    g_assert_cmpuint(user_server_count(f.server, VFIO_USER_DEVICE_SET_IRQS), ==,
                     0);
    event_notifier_finish(&trigger);
    fixture_finish(&f);
}

static void test_reset(void)
{
    static uint16_t command;
    g_autoptr(UserMsg) msg = NULL;
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.server->hook = refuse;
    f.server->hook_opaque = &command;
    fixture_open(&f);
    g_assert_cmpint(f.host->ops->reset(f.host), ==, 0);
    msg = user_server_seen(f.server, VFIO_USER_DEVICE_RESET);
    g_assert_cmpuint(msg->size, ==, 0);
    command = VFIO_USER_DEVICE_RESET;
    g_assert_cmpint(f.host->ops->reset(f.host), ==, -EPERM);
    fixture_finish(&f);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/host-user/open", test_open);
    g_test_add_func("/host-user/node", test_node);
    g_test_add_func("/host-user/not-ours", test_not_ours);
    g_test_add_func("/host-user/no-server", test_no_server);
    g_test_add_func("/host-user/nobody-listens", test_nobody_listens);
    g_test_add_func("/host-user/no-permission", test_no_permission);
    g_test_add_func("/host-user/queue-full", test_queue_full);
    g_test_add_func("/host-user/datagrams", test_datagrams);
    g_test_add_func("/host-user/no-descriptors", test_no_descriptors);
    g_test_add_func("/host-user/silent", test_silent);
    g_test_add_func("/host-user/refused-info", test_refused_info);
    g_test_add_func("/host-user/access", test_access);
    g_test_add_func("/host-user/access-refused", test_access_refused);
    g_test_add_func("/host-user/irqs", test_irqs);
    g_test_add_func("/host-user/irq-refused", test_irq_refused);
    g_test_add_func("/host-user/reset", test_reset);
    ret = g_test_run();
    main_loop_finish();
    return ret;
}
