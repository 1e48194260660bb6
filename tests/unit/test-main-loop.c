/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main-loop.c: descriptors, scheduled calls, the wake-up and who holds the
 * machine lock when. Blocking iterations are meant to block: a test that hangs
 * has found a lost wake-up.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd-limit.h"
#include "util/event-notifier.h"
#include "util/fd.h"
#include "util/main-loop.h"
#include "util/timer.h"

typedef struct Peer {
    int fds[2];
    GString *log;
    bool remove_on_read;
} Peer;

static void setup(void)
{
    Error *err = NULL;

    main_loop_init(&err);
    g_assert_null(err);
    g_assert_true(machine_locked());
}

static void peer_init(Peer *peer)
{
    *peer = (Peer){.log = g_string_new(NULL)};
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, peer->fds), ==, 0);
}

static void peer_finish(Peer *peer)
{
    g_string_free(peer->log, TRUE);
    fd_close(&peer->fds[0]);
    fd_close(&peer->fds[1]);
}

static void on_read(void *opaque)
{
    Peer *peer = opaque;
    char c;
    ssize_t n = read(peer->fds[0], &c, 1);

    g_assert_true(machine_locked());
    g_string_append_c(peer->log, n == 1 ? c : '.');
    if (peer->remove_on_read) {
        main_loop_set_fd(peer->fds[0], NULL, NULL, NULL);
    }
}

static void on_write(void *opaque)
{
    Peer *peer = opaque;

    g_string_append_c(peer->log, 'W');
}

static void send_text(Peer *peer, const char *text)
{
    g_assert_cmpint(write(peer->fds[1], text, strlen(text)), ==, strlen(text));
}

static void test_read(void)
{
    Peer peer;

    setup();
    peer_init(&peer);
    main_loop_set_fd(peer.fds[0], on_read, NULL, &peer);
    main_loop_iterate(false);
    g_assert_cmpstr(peer.log->str, ==, "");
    send_text(&peer, "ab");
    main_loop_iterate(true);
    main_loop_iterate(true);
    main_loop_iterate(false);
    g_assert_cmpstr(peer.log->str, ==, "ab");
    send_text(&peer, "c");
    main_loop_set_fd(peer.fds[0], NULL, NULL, NULL);
    main_loop_iterate(false);
    g_assert_cmpstr(peer.log->str, ==, "ab");
    main_loop_set_fd(peer.fds[0], NULL, NULL, NULL);
    main_loop_finish();
    peer_finish(&peer);
}

static void test_write(void)
{
    Peer peer;

    setup();
    peer_init(&peer);
    main_loop_set_fd(peer.fds[0], NULL, on_write, &peer);
    send_text(&peer, "a");
    main_loop_iterate(true);
    g_assert_cmpstr(peer.log->str, ==, "W");
    main_loop_set_fd(peer.fds[0], on_read, on_write, &peer);
    main_loop_iterate(true);
    g_assert_cmpstr(peer.log->str, ==, "WaW");
    main_loop_set_fd(peer.fds[0], on_read, NULL, &peer);
    main_loop_iterate(false);
    g_assert_cmpstr(peer.log->str, ==, "WaW");
    main_loop_set_fd(peer.fds[0], NULL, NULL, NULL);
    main_loop_finish();
    peer_finish(&peer);
}

static void test_remove_in_handler(void)
{
    Peer peer;

    setup();
    peer_init(&peer);
    peer.remove_on_read = true;
    main_loop_set_fd(peer.fds[0], on_read, on_write, &peer);
    send_text(&peer, "ab");
    /* One iteration that finds both ready, and one that finds nothing. */
    main_loop_iterate(true);
    main_loop_iterate(false);
    g_assert_cmpstr(peer.log->str, ==, "a");
    main_loop_finish();
    peer_finish(&peer);
}

static void test_hang_up(void)
{
    Peer peer;

    setup();
    peer_init(&peer);
    fd_close(&peer.fds[1]);
    main_loop_set_fd(peer.fds[0], on_read, NULL, &peer);
    main_loop_iterate(true);
    g_assert_cmpstr(peer.log->str, ==, ".");
    main_loop_set_fd(peer.fds[0], NULL, on_write, &peer);
    main_loop_iterate(true);
    g_assert_cmpstr(peer.log->str, ==, ".W");
    main_loop_set_fd(peer.fds[0], NULL, NULL, NULL);
    main_loop_finish();
    peer_finish(&peer);
}

static void test_hang_up_unwritable(void)
{
    Peer peer;
    int ends[2];

    /* The write end of a full pipe without a reader: an error, no room. */
    g_assert_cmpint(pipe2(ends, O_NONBLOCK), ==, 0);
    while (write(ends[1], "x", 1) == 1) {
    }
    fd_close(&ends[0]);
    setup();
    peer_init(&peer);
    main_loop_set_fd(ends[1], NULL, on_write, &peer);
    main_loop_iterate(true);
    g_assert_cmpstr(peer.log->str, ==, "W");
    main_loop_set_fd(ends[1], NULL, NULL, NULL);
    main_loop_finish();
    peer_finish(&peer);
    fd_close(&ends[1]);
}

static void on_hang_up(void *opaque)
{
    Peer *peer = opaque;

    g_assert_true(machine_locked());
    g_string_append_c(peer->log, 'H');
}

static void test_hang_up_only(void)
{
    Peer peer;

    setup();
    peer_init(&peer);
    main_loop_set_fd(peer.fds[0], on_read, NULL, &peer);
    send_text(&peer, "ab");
    main_loop_iterate(true);
    main_loop_set_hang_up(peer.fds[0], on_hang_up, &peer);
    main_loop_iterate(false);
    g_assert_cmpstr(peer.log->str, ==, "a");
    fd_close(&peer.fds[1]);
    main_loop_iterate(true);
    main_loop_iterate(true);
    g_assert_cmpstr(peer.log->str, ==, "aHH");
    main_loop_set_fd(peer.fds[0], on_read, NULL, &peer);
    main_loop_iterate(true);
    g_assert_cmpstr(peer.log->str, ==, "aHHb");
    main_loop_set_hang_up(peer.fds[0], NULL, NULL);
    main_loop_iterate(false);
    g_assert_cmpstr(peer.log->str, ==, "aHHb");
    main_loop_finish();
    peer_finish(&peer);
}

static void append_a(void *opaque)
{
    g_assert_true(machine_locked());
    g_string_append_c(opaque, 'a');
}

static void append_b(void *opaque)
{
    g_string_append_c(opaque, 'b');
    main_loop_schedule(append_a, opaque);
}

static void test_schedule(void)
{
    g_autoptr(GString) log = g_string_new(NULL);

    setup();
    main_loop_schedule(append_b, log);
    main_loop_schedule(append_a, log);
    g_assert_cmpstr(log->str, ==, "");
    main_loop_iterate(true);
    g_assert_cmpstr(log->str, ==, "ba");
    main_loop_iterate(true);
    g_assert_cmpstr(log->str, ==, "baa");
    main_loop_finish();
}

static void cancel_other(void *opaque)
{
    main_loop_cancel(opaque);
}

static void test_cancel(void)
{
    g_autoptr(GString) log = g_string_new(NULL);
    g_autoptr(GString) other = g_string_new(NULL);

    setup();
    main_loop_schedule(append_a, log);
    main_loop_schedule(append_a, other);
    main_loop_schedule(append_a, log);
    main_loop_cancel(log);
    main_loop_iterate(true);
    g_assert_cmpstr(log->str, ==, "");
    g_assert_cmpstr(other->str, ==, "a");

    /* Also one of the round that is being run. */
    main_loop_schedule(cancel_other, log);
    main_loop_schedule(append_a, log);
    main_loop_iterate(true);
    g_assert_cmpstr(log->str, ==, "");
    main_loop_finish();
}

static unsigned calls_seen;

static void count_call(void *opaque)
{
    calls_seen++;
}

static void *schedule_many(void *opaque)
{
    for (int i = 0; i < 1000; i++) {
        main_loop_schedule(count_call, opaque);
    }
    return NULL;
}

static void test_schedule_threads(void)
{
    pthread_t threads[2];

    setup();
    calls_seen = 0;
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, schedule_many, NULL);
    }
    while (calls_seen < 2000) {
        main_loop_iterate(true);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    main_loop_iterate(false);
    g_assert_cmpuint(calls_seen, ==, 2000);
    main_loop_finish();
}

static unsigned shared; /* guarded by the machine lock */

static void *take_lock_and_wake(void *opaque)
{
    g_assert_false(machine_locked());
    machine_lock();
    g_assert_true(machine_locked());
    shared++;
    machine_unlock();
    main_loop_wake();
    return NULL;
}

static void test_lock_free_while_polling(void)
{
    pthread_t thread;

    setup();
    shared = 0;
    pthread_create(&thread, NULL, take_lock_and_wake, NULL);
    while (shared == 0) {
        main_loop_iterate(true);
        g_assert_true(machine_locked());
    }
    pthread_join(thread, NULL);
    main_loop_finish();
    g_assert_false(machine_locked());
}

static void *add_handler(void *opaque)
{
    Peer *peer = opaque;

    machine_lock();
    main_loop_set_fd(peer->fds[0], on_read, NULL, peer);
    machine_unlock();
    return NULL;
}

static void test_add_from_thread(void)
{
    pthread_t thread;
    Peer peer;

    setup();
    peer_init(&peer);
    send_text(&peer, "a");
    pthread_create(&thread, NULL, add_handler, &peer);
    while (peer.log->len == 0) {
        main_loop_iterate(true);
    }
    pthread_join(thread, NULL);
    g_assert_cmpstr(peer.log->str, ==, "a");
    main_loop_set_fd(peer.fds[0], NULL, NULL, NULL);
    main_loop_finish();
    peer_finish(&peer);
}

static void on_signal(int signal)
{
    errno = EPIPE;
    main_loop_wake();
    g_assert_cmpint(errno, ==, EPIPE);
}

static void test_wake(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction old;

    sigaction(SIGUSR1, &action, &old);
    raise(SIGUSR1);
    setup();
    raise(SIGUSR1);
    main_loop_iterate(true);
    /* Any number of wake-ups before an iteration count as one. */
    main_loop_wake();
    main_loop_wake();
    main_loop_iterate(true);
    main_loop_finish();
    raise(SIGUSR1);
    sigaction(SIGUSR1, &old, NULL);
}

static void test_no_descriptors(void)
{
    static const char *const messages[] = {"*eventfd*", "*timerfd*",
                                           "*timerfd*"};

    /* The context lives to the end of the process, like its descriptor. */
    g_main_context_default();
    for (unsigned i = 0; i < G_N_ELEMENTS(messages); i++) {
        g_autoptr(Error) err = NULL;
        struct rlimit old = fd_limit_set(i);
        bool ok = main_loop_init(&err);

        fd_limit_restore(&old);
        g_assert_false(ok);
        g_assert_true(
            g_pattern_match_simple(messages[i], error_get_pretty(err)));
        g_assert_false(machine_locked());
    }
    setup();
    main_loop_finish();
}

static void leave_handler(void)
{
    Peer peer;

    setup();
    peer_init(&peer);
    main_loop_set_fd(peer.fds[0], on_read, NULL, &peer);
    main_loop_finish();
}

static void leave_call(void)
{
    setup();
    main_loop_schedule(append_a, NULL);
    main_loop_finish();
}

static void leave_timer(void)
{
    static Timer timer;

    setup();
    timer_init(&timer, CLOCK_VIRTUAL, append_a, NULL);
    timer_mod_ns(&timer, 1);
    main_loop_finish();
}

static void lock_twice(void)
{
    machine_lock();
    machine_lock();
}

static void unlock_unlocked(void)
{
    machine_unlock();
}

static void close_before_remove(void)
{
    Peer peer;

    setup();
    peer_init(&peer);
    main_loop_set_fd(peer.fds[0], on_read, NULL, &peer);
    fd_close(&peer.fds[0]);
    main_loop_iterate(true);
}

typedef struct Misuse {
    const char *name;
    void (*fn)(void);
    const char *message;
} Misuse;

static const Misuse misuses[] = {
    {"leave-handler", leave_handler, "*!handlers*"},
    {"leave-call", leave_call, "*count_calls() == 0*"},
    {"leave-timer", leave_timer, "*!pending*"},
    {"lock-twice", lock_twice, "*!holds_machine_lock*"},
    {"unlock-unlocked", unlock_unlocked, "*holds_machine_lock*"},
    {"close-before-remove", close_before_remove, "*G_IO_NVAL*"},
};

static void test_misuse(gconstpointer data)
{
    const Misuse *misuse = data;

    if (g_test_subprocess()) {
        misuse->fn();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(misuse->message);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/main-loop/read", test_read);
    g_test_add_func("/main-loop/write", test_write);
    g_test_add_func("/main-loop/remove-in-handler", test_remove_in_handler);
    g_test_add_func("/main-loop/hang-up-only", test_hang_up_only);
    g_test_add_func("/main-loop/hang-up", test_hang_up);
    g_test_add_func("/main-loop/hang-up-unwritable", test_hang_up_unwritable);
    g_test_add_func("/main-loop/schedule", test_schedule);
    g_test_add_func("/main-loop/cancel", test_cancel);
    g_test_add_func("/main-loop/schedule-threads", test_schedule_threads);
    g_test_add_func("/main-loop/lock-free-while-polling",
                    test_lock_free_while_polling);
    g_test_add_func("/main-loop/add-from-thread", test_add_from_thread);
    g_test_add_func("/main-loop/wake", test_wake);
    g_test_add_func("/main-loop/no-descriptors", test_no_descriptors);
    for (size_t i = 0; i < G_N_ELEMENTS(misuses); i++) {
        g_autofree char *path =
            g_strconcat("/main-loop/misuse/", misuses[i].name, NULL);

        g_test_add_data_func(path, &misuses[i], test_misuse);
    }
    return g_test_run();
}
