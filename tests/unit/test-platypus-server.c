/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libplatypus-device: doorbells and the loop. Who may connect and when is in
 * test-platypus-listen.c, what a client may not do once it is connected in
 * test-platypus-client.c.
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "device-fixture.h"
#include "fd-limit.h"

/* No twin, then. */
static void test_no_twin(void)
{
    VFIOUserVersion version = {0, 2};
    static const char json[] =
        "{\"capabilities\":{\"twin_socket\":{\"supported\":true}}}";
    uint8_t payload[sizeof(version) + sizeof(json)];
    g_autoptr(UserMsg) reply = NULL;
    struct rlimit old;
    int other;
    Toy toy;

    memcpy(payload, &version, sizeof(version));
    memcpy(payload + sizeof(version), json, sizeof(json));
    toy_init(&toy, NULL);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    user_peer_command(toy.peer, VFIO_USER_VERSION, 0, payload, sizeof(payload),
                      NULL, 0);
    old = fd_limit_set(1);
    platypus_device_dispatch(toy.dev);
    fd_limit_restore(&old);
    reply = user_peer_receive(toy.peer);
    g_assert_cmpuint(reply->num_fds, ==, 0);
    g_assert_null(strstr((char *)reply->payload + sizeof(version), "twin"));
    toy_finish(&toy);
}

/* ---- doorbells ---- */

static UserMsg *get_bells(Toy *toy, uint32_t region, uint32_t argsz,
                          VFIOUserIoFds *head)
{
    UserMsg *reply;

    *head = (VFIOUserIoFds){.argsz = argsz, .index = region};
    reply = user_peer_call(toy->peer, VFIO_USER_DEVICE_GET_REGION_IO_FDS, head,
                           sizeof(*head), NULL, 0);
    memcpy(head, reply->payload, sizeof(*head));
    return reply;
}

static void add_bells(Toy *toy)
{
    g_assert_cmpint(
        platypus_device_add_doorbell(toy->dev, 0, TOY_BELL, 4, toy_ring), ==,
        0);
    g_assert_cmpint(
        platypus_device_add_doorbell(toy->dev, 0, TOY_ANY_BELL, 0, toy_ring),
        ==, 0);
}

static void test_doorbells(void)
{
    const VFIOUserIoFd expect[2] = {
        {TOY_BELL, 4, 0, VFIO_USER_IO_FD_IOEVENTFD, 0, 0, 0},
        {TOY_ANY_BELL, 0, 1, VFIO_USER_IO_FD_IOEVENTFD, 0, 0, 0},
    };
    const uint64_t one = 1;
    VFIOUserIoFds head;
    g_autoptr(UserMsg) none = NULL;
    g_autoptr(UserMsg) less = NULL;
    g_autoptr(UserMsg) all = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    add_bells(&toy);
    toy_start(&toy, "{\"capabilities\":{\"max_msg_fds\":8}}");
    none = get_bells(&toy, 1, 1000, &head);
    g_assert_cmpuint(head.count, ==, 0);
    g_assert_cmpuint(head.argsz, ==, 16);
    less = get_bells(&toy, 0, 95, &head);
    g_assert_cmpuint(head.count, ==, 2);
    g_assert_cmpuint(head.argsz, ==, 96);
    g_assert_cmpuint(less->size, ==, 16);
    g_assert_cmpuint(less->num_fds, ==, 0);
    all = get_bells(&toy, 0, 96, &head);
    g_assert_cmpuint(all->num_fds, ==, 2);
    g_assert_cmpmem(all->payload + 16, all->size - 16, expect, sizeof(expect));
    /* By descriptor; a write by message before it comes first. */
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(write(all->fds[i], &one, 8), ==, 8);
        toy_read_reg(&toy, 0, 0, 4);
    }
    while (g_atomic_int_get(&toy.rings) < 2) {
        toy_read_reg(&toy, 0, 0, 4);
    }
    /* By message, if the size is right; else it is a register. */
    toy_write_reg(&toy, 0, TOY_BELL, 1, 4);
    g_assert_cmpuint(toy.rings, ==, 3);
    toy_write_reg(&toy, 0, TOY_BELL, 1, 2);
    g_assert_cmpuint(toy.rings, ==, 3);
    toy_write_reg(&toy, 0, TOY_ANY_BELL, 1, 1);
    toy_write_reg(&toy, 0, TOY_ANY_BELL, 1, 8);
    g_assert_cmpuint(toy.rings, ==, 5);
    head = (VFIOUserIoFds){.argsz = 15};
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_REGION_IO_FDS,
                      &head, sizeof(head), NULL, 0);
    head = (VFIOUserIoFds){.argsz = 16, .index = 5};
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_REGION_IO_FDS,
                      &head, sizeof(head), NULL, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* A client that takes one descriptor gets one; the other bell is by message. */
static void test_fewer_doorbells(void)
{
    VFIOUserIoFds head;
    g_autoptr(UserMsg) reply = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    add_bells(&toy);
    toy_start(&toy, NULL);
    reply = get_bells(&toy, 0, 56, &head);
    g_assert_cmpuint(head.count, ==, 1);
    g_assert_cmpuint(reply->num_fds, ==, 1);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* What was written before a bell rang is served before it. */
static void write_then_ring(void *model, uint64_t offset)
{
    Toy *toy = model;

    toy->rings = toy->regs[0x30];
}

static void test_doorbell_order(void)
{
    struct {
        VFIOUserRegionAccess access;
        uint32_t value;
    } write_5 = {{0x30, 0, 4}, 5};
    const uint64_t one = 1;
    VFIOUserIoFds head;
    g_autoptr(UserMsg) reply = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    platypus_device_add_doorbell(toy.dev, 0, TOY_BELL, 4, write_then_ring);
    toy_start(&toy, NULL);
    reply = get_bells(&toy, 0, 56, &head);
    platypus_device_stop(toy.dev);
    pthread_join(toy.thread, NULL);
    /* The order in which the loop sees them does not count. */
    for (unsigned i = 0; i < 10; i++) {
        write_5.value = i;
        user_peer_command(toy.peer, VFIO_USER_REGION_WRITE,
                          VFIO_USER_FLAG_NO_REPLY, &write_5, 20, NULL, 0);
        g_assert_cmpint(write(reply->fds[0], &one, 8), ==, 8);
        platypus_device_dispatch(toy.dev);
        platypus_device_dispatch(toy.dev);
        g_assert_cmpuint(toy.rings, ==, i);
    }
    toy_finish(&toy);
}

static void test_bad_doorbells(void)
{
    PlatypusDevice *dev;
    int other;
    Toy toy;

    toy_init(&toy, NULL);
    dev = toy.dev;
#define ADD(region, offset, size) \
    platypus_device_add_doorbell(dev, region, offset, size, toy_ring)
    g_assert_cmpint(ADD(5, 0, 4), ==, -EINVAL);
    g_assert_cmpint(ADD(0, 0, 3), ==, -EINVAL);
    g_assert_cmpint(ADD(0, 0, 16), ==, -EINVAL);
    g_assert_cmpint(ADD(0, 2, 4), ==, -EINVAL);
    g_assert_cmpint(ADD(0, TOY_PAGE, 0), ==, -EINVAL);
    g_assert_cmpint(ADD(0, UINT64_MAX - 3, 4), ==, -EINVAL);
    /* In memory nobody would hear it; nor where nothing may be written. */
    g_assert_cmpint(ADD(1, 0, 4), ==, -EINVAL);
    g_assert_cmpint(ADD(3, 0, 4), ==, -EINVAL);
    g_assert_cmpint(platypus_device_add_doorbell(dev, 0, 0, 4, NULL), ==,
                    -EINVAL);
    g_assert_cmpint(ADD(1, TOY_PAGE, 4), ==, 0);
    g_assert_cmpint(ADD(1, TOY_PAGE, 4), ==, -EEXIST);
    g_assert_cmpint(ADD(1, TOY_PAGE, 0), ==, -EEXIST);
    g_assert_cmpint(ADD(1, TOY_PAGE, 2), ==, 0);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(dev, other), ==, 0);
    g_assert_cmpint(ADD(0, 0, 4), ==, -EBUSY);
    toy_finish(&toy);
}

/* ---- the loop ---- */

/* A model's descriptors: what they do is told by two bytes in a pipe. */
typedef struct Watcher {
    PlatypusDevice *dev;
    int ends[2][2];
    unsigned calls[2];
    bool remove_other;
} Watcher;

static void watcher_ready(void *model, int fd, short events)
{
    Watcher *w = model;
    unsigned i = fd == w->ends[1][0];
    char c;

    g_assert_cmpint(events & POLLIN, ==, POLLIN);
    g_assert_cmpint(read(fd, &c, 1), ==, 1);
    w->calls[i]++;
    g_assert_cmpint(platypus_device_dispatch(w->dev), ==, -EBUSY);
    if (w->remove_other) {
        platypus_device_watch(w->dev, w->ends[!i][0], 0, NULL);
    }
    if (c == 'q') {
        platypus_device_stop(w->dev);
    }
}

static void test_watch(void)
{
    static const PlatypusDeviceDesc desc = {0};
    Watcher w = {0};
    struct pollfd poll_fd = {.events = POLLIN};

    w.dev = platypus_device_new(&desc, &w);
    poll_fd.fd = platypus_device_get_fd(w.dev);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(pipe2(w.ends[i], O_CLOEXEC), ==, 0);
        g_assert_cmpint(
            platypus_device_watch(w.dev, w.ends[i][0], POLLIN, watcher_ready),
            ==, 0);
    }
    g_assert_cmpint(poll(&poll_fd, 1, 0), ==, 0);
    g_assert_cmpint(platypus_device_dispatch(w.dev), ==, 0);
    g_assert_cmpint(write(w.ends[0][1], "a", 1), ==, 1);
    g_assert_cmpint(poll(&poll_fd, 1, 0), ==, 1);
    g_assert_cmpint(platypus_device_dispatch(w.dev), ==, 0);
    g_assert_cmpuint(w.calls[0], ==, 1);
    /* Whichever comes first removes the other, which is not called then. */
    w.remove_other = true;
    g_assert_cmpint(write(w.ends[0][1], "a", 1), ==, 1);
    g_assert_cmpint(write(w.ends[1][1], "a", 1), ==, 1);
    g_assert_cmpint(platypus_device_dispatch(w.dev), ==, 0);
    g_assert_cmpuint(w.calls[0] + w.calls[1], ==, 2);
    /* Other events of the same descriptor. */
    g_assert_cmpint(
        platypus_device_watch(w.dev, w.ends[0][0], POLLPRI, watcher_ready), ==,
        0);
    g_assert_cmpint(platypus_device_watch(w.dev, w.ends[0][0], 0, NULL), ==, 0);
    g_assert_cmpint(platypus_device_watch(w.dev, 1000, 0, NULL), ==, 0);
    g_assert_cmpint(platypus_device_watch(w.dev, 1000, POLLIN, watcher_ready),
                    ==, -EBADF);
    g_assert_cmpint(platypus_device_watch(w.dev, -1, POLLIN, watcher_ready), ==,
                    -EBADF);
    g_assert_cmpint(platypus_device_watch(w.dev, w.ends[0][0], POLLIN, NULL),
                    ==, -EINVAL);
    /* Closed without a word, and its number comes again. */
    g_assert_cmpint(
        platypus_device_watch(w.dev, w.ends[0][0], POLLIN, watcher_ready), ==,
        0);
    close(w.ends[0][0]);
    close(w.ends[0][1]);
    g_assert_cmpint(pipe2(w.ends[0], O_CLOEXEC), ==, 0);
    g_assert_cmpint(
        platypus_device_watch(w.dev, w.ends[0][0], POLLIN, watcher_ready), ==,
        0);
    w.remove_other = false;
    w.calls[0] = 0;
    g_assert_cmpint(write(w.ends[0][1], "a", 1), ==, 1);
    g_assert_cmpint(platypus_device_dispatch(w.dev), ==, 0);
    g_assert_cmpuint(w.calls[0], ==, 1);
    platypus_device_free(w.dev);
    for (unsigned i = 0; i < 4; i++) {
        close(w.ends[i / 2][i % 2]);
    }
}

static void test_run(void)
{
    static const PlatypusDeviceDesc desc = {0};
    Watcher w = {0};
    Place place;

    place_init(&place);
    w.dev = platypus_device_new(&desc, &w);
    /* Nobody there and nobody to come. */
    g_assert_cmpint(platypus_device_run(w.dev), ==, 0);
    g_assert_cmpint(platypus_device_listen(w.dev, place.path), ==, 0);
    /* A stop from before counts, once. */
    platypus_device_stop(w.dev);
    g_assert_cmpint(platypus_device_run(w.dev), ==, 0);
    g_assert_cmpint(pipe2(w.ends[0], O_CLOEXEC), ==, 0);
    g_assert_cmpint(
        platypus_device_watch(w.dev, w.ends[0][0], POLLIN, watcher_ready), ==,
        0);
    g_assert_cmpint(write(w.ends[0][1], "abq", 3), ==, 3);
    g_assert_cmpint(platypus_device_run(w.dev), ==, 0);
    g_assert_cmpuint(w.calls[0], ==, 3);
    platypus_device_free(w.dev);
    close(w.ends[0][0]);
    close(w.ends[0][1]);
    place_finish(&place);
}

static PlatypusDevice *signalled;

static void on_alarm(int number)
{
    platypus_device_stop(signalled);
}

static void test_stop_by_signal(void)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    struct sigaction old;
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    signalled = toy.dev;
    g_assert_cmpint(sigaction(SIGALRM, &action, &old), ==, 0);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    for (unsigned i = 0; i < 10; i++) {
        g_assert_cmpint(setitimer(ITIMER_REAL, &soon, NULL), ==, 0);
        g_assert_cmpint(platypus_device_run(toy.dev), ==, 0);
    }
    sigaction(SIGALRM, &old, NULL);
    toy_finish(&toy);
    place_finish(&place);
}

/* Two devices in one thread, by their descriptors. */
static void test_two_devices(void)
{
    struct pollfd fds[2];
    Toy toys[2];

    for (unsigned i = 0; i < 2; i++) {
        int other;

        toy_init(&toys[i], NULL);
        toys[i].peer = user_peer_pair(&other);
        g_assert_cmpint(platypus_device_attach(toys[i].dev, other), ==, 0);
        fds[i] = (struct pollfd){platypus_device_get_fd(toys[i].dev), POLLIN};
        user_peer_command(toys[i].peer, VFIO_USER_VERSION, 0,
                          &(VFIOUserVersion){0, 2}, 4, NULL, 0);
    }
    /* One has half a message more, which holds nobody up. */
    user_peer_send_bytes(toys[0].peer, "1234567", 7, NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(poll(fds, 2, 0), ==, 2 - i);
        g_assert_cmpint(platypus_device_dispatch(toys[i].dev), ==, 0);
        user_msg_free(user_peer_receive(toys[i].peer));
        g_assert_cmpuint(toys[i].connects, ==, 1);
    }
    g_assert_cmpint(poll(fds, 2, 0), ==, 0);
    for (unsigned i = 0; i < 2; i++) {
        toy_finish(&toys[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(path, func) g_test_add_func("/platypus-server/" path, func)
    TEST("no-twin", test_no_twin);
    TEST("doorbells", test_doorbells);
    TEST("fewer-doorbells", test_fewer_doorbells);
    TEST("doorbell-order", test_doorbell_order);
    TEST("bad-doorbells", test_bad_doorbells);
    TEST("watch", test_watch);
    TEST("run", test_run);
    TEST("stop-by-signal", test_stop_by_signal);
    TEST("two-devices", test_two_devices);
    return g_test_run();
}
