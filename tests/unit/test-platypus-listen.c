/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libplatypus-device: who may connect and when, and what becomes of the socket.
 *
 * What would surprise: some calls that the library makes are ours. They fail
 * when a test says so, and its timer ticks when a test says so.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "device-fixture.h"
#include "fd-limit.h"

/* ---- calls of the library's ---- */

static int accept_errno, listen_errno, lstat_errno;
static unsigned num_accepts;

/* True, with errno, if the call is to fail. */
static bool fails(int err)
{
    errno = err;
    return err != 0;
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
    int (*real)(int, struct sockaddr *, socklen_t *, int) =
        dlsym(RTLD_NEXT, __func__);

    num_accepts++;
    return fails(accept_errno) ? -1 : real(fd, address, size, flags);
}

int listen(int fd, int backlog)
{
    int (*real)(int, int) = dlsym(RTLD_NEXT, __func__);

    return fails(listen_errno) ? -1 : real(fd, backlog);
}

int lstat(const char *path, struct stat *info)
{
    return fails(lstat_errno)
               ? -1
               : fstatat(AT_FDCWD, path, info, AT_SYMLINK_NOFOLLOW);
}

/* The library's timer, which does nothing unless tick() is called. */
static int timer = -1;

static int set_timer(int fd, const struct itimerspec *period)
{
    int (*real)(int, int, const struct itimerspec *, struct itimerspec *) =
        dlsym(RTLD_NEXT, "timerfd_settime");

    return real(fd, 0, period, NULL);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *period,
                    struct itimerspec *old)
{
    bool on = period->it_value.tv_sec > 0;
    const struct itimerspec hours = {.it_value = {.tv_sec = on ? 3600 : 0}};

    timer = on ? fd : -1;
    return set_timer(fd, &hours);
}

/* Turns the loop until nothing is left to do. */
static void turn(PlatypusDevice *dev)
{
    struct pollfd ready = {platypus_device_get_fd(dev), POLLIN, 0};

    while (poll(&ready, 1, 0) == 1) {
        g_assert_cmpint(platypus_device_dispatch(dev), ==, 0);
    }
}

static void tick(PlatypusDevice *dev)
{
    const struct itimerspec now = {.it_value = {.tv_nsec = 1}};
    struct pollfd ready = {platypus_device_get_fd(dev), POLLIN, 0};

    g_assert_cmpint(timer, >=, 0);
    set_timer(timer, &now);
    g_assert_cmpint(poll(&ready, 1, -1), ==, 1);
    turn(dev);
}

static void say_version(Toy *toy)
{
    user_peer_command(toy->peer, VFIO_USER_VERSION, 0, &(VFIOUserVersion){0, 2},
                      4, NULL, 0);
    turn(toy->dev);
    user_msg_free(user_peer_receive(toy->peer));
}

/* ---- listening ---- */

static void toy_listen(Toy *toy, const char *path)
{
    g_assert_cmpint(platypus_device_listen(toy->dev, path), ==, 0);
    pthread_create(&toy->thread, NULL, toy_run, toy);
}

static void toy_stop(Toy *toy)
{
    platypus_device_stop(toy->dev);
    pthread_join(toy->thread, NULL);
    g_assert_cmpint(toy->ran, ==, 0);
}

/* The server takes note of a client's end when it gets to it. */
static UserPeer *connect_when_free(const char *path)
{
    for (;;) {
        UserPeer *peer = user_peer_connect(path);
        VFIOUserVersion version = {0, 2};
        g_autoptr(UserMsg) reply = NULL;

        user_peer_command(peer, VFIO_USER_VERSION, 0, &version, sizeof(version),
                          NULL, 0);
        reply = user_peer_receive(peer);
        if (reply) {
            return peer;
        }
        user_peer_free(peer);
        g_usleep(1000);
    }
}

static void test_listen(void)
{
    mode_t mask = umask(0);
    unsigned before = toy_count_fds();
    struct stat info;
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    toy_listen(&toy, place.path);
    g_assert_cmpint(lstat(place.path, &info), ==, 0);
    g_assert_cmphex(info.st_mode, ==, S_IFSOCK | 0600);
    umask(mask);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, -EBUSY);
    for (unsigned i = 0; i < 3; i++) {
        toy.peer = connect_when_free(place.path);
        /* The registers keep their state. */
        g_assert_cmpuint(toy_read_reg(&toy, 0, 0, 4), ==, i);
        toy_write_reg(&toy, 0, 0, i + 1, 4);
        user_peer_free(toy.peer);
        toy.peer = NULL;
    }
    toy_stop(&toy);
    toy_finish(&toy);
    g_assert_cmpint(lstat(place.path, &info), ==, -1);
    g_assert_cmpuint(toy_count_fds(), ==, before);
    place_finish(&place);
}

static void test_second_client(void)
{
    UserPeer *second;
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    toy_listen(&toy, place.path);
    toy.peer = connect_when_free(place.path);
    for (unsigned i = 0; i < 3; i++) {
        second = user_peer_connect(place.path);
        user_peer_expect_end(second);
        user_peer_free(second);
    }
    toy_write_reg(&toy, 0, 0, 1, 4);
    user_peer_free(toy.peer);
    toy.peer = connect_when_free(place.path);
    g_assert_cmpuint(toy_read_reg(&toy, 0, 0, 4), ==, 1);
    toy_stop(&toy);
    g_assert_cmpuint(toy.connects, ==, 2);
    /* One line for them all. */
    g_assert_cmpstr(toy.log->str, ==,
                    "somebody else is turned away: there is a client\n");
    toy_finish(&toy);
    place_finish(&place);
}

static void test_stale(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat info;
    Place place;
    Toy toy, other;

    place_init(&place);
    toy_init(&toy, NULL);
    toy_init(&other, NULL);
    strcpy(address.sun_path, place.path);
    g_assert_cmpint(bind(dead, (void *)&address, sizeof(address)), ==, 0);
    close(dead);
    /* A dead one is replaced, a live one is not. */
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    g_assert_cmpint(platypus_device_listen(other.dev, place.path), ==,
                    -EADDRINUSE);
    g_assert_nonnull(strstr(other.log->str, "somebody listens"));
    /* What somebody else put there is not ours to remove. */
    g_assert_cmpint(g_unlink(place.path), ==, 0);
    g_assert_cmpint(platypus_device_listen(other.dev, place.path), ==, 0);
    toy_finish(&toy);
    g_assert_cmpint(lstat(place.path, &info), ==, 0);
    toy_finish(&other);
    g_assert_cmpint(lstat(place.path, &info), ==, -1);
    place_finish(&place);
}

static void check_listen(const char *path, int error, const char *why)
{
    unsigned before = toy_count_fds();
    Toy toy;

    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_listen(toy.dev, path), ==, error);
    g_assert_nonnull(strstr(toy.log->str, path));
    g_assert_nonnull(strstr(toy.log->str, why));
    toy_finish(&toy);
    g_assert_cmpuint(toy_count_fds(), ==, before);
}

static void test_bad_path(void)
{
    g_autofree char *longest = NULL;
    g_autofree char *text = NULL;
    g_autofree char *absent = NULL;
    Place place;

    place_init(&place);
    longest = g_strdup_printf("%s/%0100d", place.dir, 0);
    absent = g_strdup_printf("%s/none/sock", place.dir);
    check_listen(longest, -ENAMETOOLONG, "107 bytes");
    check_listen(absent, -ENOENT, "No such file");
    check_listen("", -EINVAL, "Invalid");
    g_assert_true(g_file_set_contents(place.path, "text", -1, NULL));
    check_listen(place.path, -EEXIST, "not a socket");
    g_assert_true(g_file_get_contents(place.path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "text");
    g_unlink(place.path);
    g_assert_cmpint(symlink("/dev/null", place.path), ==, 0);
    check_listen(place.path, -EEXIST, "not a socket");
    g_unlink(place.path);
    place_finish(&place);
}

static void test_attach_errors(void)
{
    int pair[2];
    Toy toy;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_attach(toy.dev, -1), ==, -EBADF);
    g_assert_cmpint(platypus_device_attach(toy.dev, pair[0]), ==, 0);
    g_assert_cmpint(fcntl(pair[0], F_GETFD), ==, FD_CLOEXEC);
    g_assert_cmpint(platypus_device_attach(toy.dev, pair[1]), ==, -EBUSY);
    toy_finish(&toy);
    g_assert_cmpint(fcntl(pair[0], F_GETFD), ==, -1);
    close(pair[1]);
}

/* Without a descriptor left, callers are turned away, not left waiting. */
static void test_no_descriptors(void)
{
    struct rlimit old;
    UserPeer *peers[3];
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++) {
        peers[i] = user_peer_connect(place.path);
    }
    old = fd_limit_set(0);
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++) {
        g_assert_cmpint(platypus_device_dispatch(toy.dev), ==, 0);
    }
    fd_limit_restore(&old);
    g_assert_cmpstr(toy.log->str, ==,
                    "no client can come: no descriptor is left\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++) {
        user_peer_expect_end(peers[i]);
        user_peer_free(peers[i]);
    }
    /* Nothing of it is left, and the next may come. */
    toy.peer = user_peer_connect(place.path);
    platypus_device_dispatch(toy.dev);
    user_peer_command(toy.peer, VFIO_USER_VERSION, 0, &(VFIOUserVersion){0, 2},
                      4, NULL, 0);
    platypus_device_dispatch(toy.dev);
    user_msg_free(user_peer_receive(toy.peer));
    g_assert_cmpuint(toy.connects, ==, 1);
    toy_finish(&toy);
    place_finish(&place);
}

/* Each descriptor that a device needs may be the one too many. */
static void test_descriptor_sweep(void)
{
    unsigned before = toy_count_fds();
    unsigned n = 0;
    int ret = -EMFILE;
    Place place;

    place_init(&place);
    for (; ret < 0; n++) {
        Toy toy = {.log = g_string_new(NULL)};
        struct rlimit old = fd_limit_set(n);

        g_assert_cmpuint(n, <, 10);
        toy.dev = platypus_device_new(&toy_desc, &toy);
        ret = toy.dev ? 0 : -errno;
        if (ret == 0) {
            ret = platypus_device_add_doorbell(toy.dev, 0, 0, 4, toy_ring);
        }
        if (ret == 0) {
            ret = platypus_device_listen(toy.dev, place.path);
        }
        fd_limit_restore(&old);
        g_assert_true(ret == 0 || ret == -EMFILE);
        platypus_device_free(toy.dev);
        g_string_free(toy.log, true);
        g_assert_cmpuint(toy_count_fds(), ==, before);
    }
    /* Three memories, the loop and its wake, a bell, a socket, its timer. */
    g_assert_cmpuint(n, ==, 9);
    place_finish(&place);
}

/* What cannot be accepted does not keep the loop busy, and comes later. */
static void test_no_accept(void)
{
    static const int errors[] = {ENOMEM, ENOBUFS, ECONNABORTED, EPROTO, EMFILE};
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(errors); i++) {
        toy.peer = user_peer_connect(place.path);
        accept_errno = errors[i];
        num_accepts = 0;
        turn(toy.dev);
        tick(toy.dev);
        /* With the spare it asks twice. */
        g_assert_cmpuint(num_accepts, ==, errors[i] == EMFILE ? 4 : 2);
        accept_errno = 0;
        tick(toy.dev);
        say_version(&toy);
        g_assert_cmpuint(toy.connects, ==, i + 1);
        g_clear_pointer(&toy.peer, user_peer_free);
        turn(toy.dev);
        g_assert_cmpuint(toy.disconnects, ==, i + 1);
        g_assert_true(g_str_has_prefix(toy.log->str, "no client can come: "));
        g_assert_true(strchr(toy.log->str, '\n') ==
                      toy.log->str + toy.log->len - 1);
        g_string_set_size(toy.log, 0);
    }
    toy_finish(&toy);
    place_finish(&place);
}

/* Not even one to turn them away with: they wait until there is. */
static void test_no_spare(void)
{
    struct rlimit old;
    int fd;
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    /* The socket and its timer, nothing else. */
    old = fd_limit_set(2);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    fd_limit_restore(&old);
    toy.peer = user_peer_connect(place.path);
    old = fd_limit_set(0);
    num_accepts = 0;
    turn(toy.dev);
    g_assert_cmpuint(num_accepts, ==, 1);
    tick(toy.dev);
    g_assert_cmpuint(num_accepts, ==, 2);
    fd_limit_restore(&old);
    /* The spare comes first now. */
    old = fd_limit_set(2);
    tick(toy.dev);
    say_version(&toy);
    fd = dup(STDIN_FILENO);
    fd_limit_restore(&old);
    g_assert_cmpint(fd, ==, -1);
    g_assert_cmpstr(toy.log->str, ==,
                    "no client can come: no descriptor is left\n");
    toy_finish(&toy);
    place_finish(&place);
}

/* The socket does not stay when it is of no use. */
static void test_not_listening(void)
{
    int *const errors[] = {&listen_errno, &lstat_errno};
    unsigned before = toy_count_fds();
    Place place;
    Toy toy;

    place_init(&place);
    for (unsigned i = 0; i < G_N_ELEMENTS(errors); i++) {
        toy_init(&toy, NULL);
        *errors[i] = ENOMEM;
        g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==,
                        -ENOMEM);
        *errors[i] = 0;
        g_assert_false(g_file_test(place.path, G_FILE_TEST_EXISTS));
        /* And may be tried again. */
        g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
        toy_finish(&toy);
        g_assert_cmpuint(toy_count_fds(), ==, before);
    }
    place_finish(&place);
}

/* Who comes and says nothing does not keep the others out. */
static void test_silent_client(void)
{
    static const char half[] = {1, 0, 1, 0};
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    for (unsigned i = 0; i < 2; i++) {
        UserPeer *silent = user_peer_connect(place.path);

        turn(toy.dev);
        /* Half a word is none. */
        user_peer_send_bytes(silent, half, i == 0 ? 0 : sizeof(half), NULL, 0);
        for (unsigned j = 0; j < 4; j++) {
            tick(toy.dev);
            g_assert_cmpstr(toy.log->str, ==, "");
        }
        tick(toy.dev);
        g_assert_cmpint(timer, ==, -1);
        user_peer_expect_end(silent);
        user_peer_free(silent);
        g_assert_cmpstr(toy.log->str, ==,
                        "the client is dropped: "
                        "it does not say its VERSION\n");
        g_string_set_size(toy.log, 0);
        toy.peer = user_peer_connect(place.path);
        say_version(&toy);
        g_clear_pointer(&toy.peer, user_peer_free);
        turn(toy.dev);
    }
    g_assert_cmpuint(toy.disconnects, ==, 2);
    toy_finish(&toy);
    place_finish(&place);
}

/* One that has said it may be silent; so may one that was attached. */
static void test_quiet_client(void)
{
    int other;
    Place place;
    Toy toy;

    place_init(&place);
    toy_init(&toy, NULL);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    toy.peer = user_peer_connect(place.path);
    turn(toy.dev);
    for (unsigned i = 0; i < 4; i++) {
        tick(toy.dev);
    }
    say_version(&toy);
    tick(toy.dev);
    g_assert_cmpint(timer, ==, -1);
    g_assert_cmpuint(toy.disconnects, ==, 0);
    g_clear_pointer(&toy.peer, user_peer_free);
    turn(toy.dev);
    toy.peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy.dev, other), ==, 0);
    turn(toy.dev);
    g_assert_cmpint(timer, ==, -1);
    say_version(&toy);
    g_assert_cmpuint(toy.connects, ==, 2);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&toy);
    place_finish(&place);
}

/* Who wants to listen there, too, is not heard of. */
static void test_quiet_probe(void)
{
    Place place;
    Toy toy, other;

    place_init(&place);
    toy_init(&toy, NULL);
    toy_init(&other, NULL);
    g_assert_cmpint(platypus_device_listen(toy.dev, place.path), ==, 0);
    toy.peer = user_peer_connect(place.path);
    say_version(&toy);
    num_accepts = 0;
    g_assert_cmpint(platypus_device_listen(other.dev, place.path), ==,
                    -EADDRINUSE);
    turn(toy.dev);
    g_assert_cmpuint(num_accepts, ==, 0);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&other);
    toy_finish(&toy);
    place_finish(&place);
}

/* Clients cannot fill the log, one after the other. */
static void test_bounded_log(void)
{
    unsigned lines = 0;
    Toy toy;

    toy_init(&toy, NULL);
    for (unsigned i = 0; i < 100; i++) {
        toy_start(&toy, NULL);
        user_peer_send_bytes(toy.peer, "0123456789abcdef", 16, NULL, 0);
        user_peer_expect_end(toy.peer);
        toy_leave(&toy);
    }
    for (const char *p = toy.log->str; *p; p++) {
        lines += *p == '\n';
    }
    /* A minute may have gone by, on a slow day. */
    g_assert_cmpuint(lines, >=, 21);
    g_assert_cmpuint(lines, <, 40);
    g_assert_nonnull(strstr(toy.log->str, "one line a minute"));
    toy_finish(&toy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(path, func) g_test_add_func("/platypus-listen/" path, func)
    TEST("listen", test_listen);
    TEST("second-client", test_second_client);
    TEST("stale", test_stale);
    TEST("bad-path", test_bad_path);
    TEST("attach-errors", test_attach_errors);
    TEST("no-descriptors", test_no_descriptors);
    TEST("descriptor-sweep", test_descriptor_sweep);
    TEST("no-accept", test_no_accept);
    TEST("no-spare", test_no_spare);
    TEST("not-listening", test_not_listening);
    TEST("silent-client", test_silent_client);
    TEST("quiet-client", test_quiet_client);
    TEST("quiet-probe", test_quiet_probe);
    TEST("bounded-log", test_bounded_log);
    return g_test_run();
}
