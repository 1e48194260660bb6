/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event-notifier.c: states of the counter, the descriptor's flags, and the
 * error when there are no descriptors left.
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include "fd-limit.h"
#include "util/event-notifier.h"

static void test_set_and_clear(void)
{
    EventNotifier e;
    g_autoptr(Error) err = NULL;

    g_assert_true(event_notifier_init(&e, &err));
    g_assert_null(err);
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_set(&e);
    event_notifier_set(&e);
    g_assert_true(event_notifier_test_and_clear(&e));
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_finish(&e);
}

static void test_flags(void)
{
    EventNotifier e;
    int fd;

    g_assert_true(event_notifier_init(&e, NULL));
    fd = event_notifier_get_fd(&e);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
    event_notifier_finish(&e);
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
}

static void test_full(void)
{
    const uint64_t most = UINT64_MAX - 1;
    EventNotifier e;

    g_assert_true(event_notifier_init(&e, NULL));
    g_assert_cmpint(write(event_notifier_get_fd(&e), &most, sizeof(most)), ==,
                    sizeof(most));
    event_notifier_set(&e);
    g_assert_true(event_notifier_test_and_clear(&e));
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_finish(&e);
}

/* As whoever else has the descriptor may do; it hangs here if it matters. */
static void test_made_to_block(void)
{
    EventNotifier e;
    int fd;

    g_assert_true(event_notifier_init(&e, NULL));
    fd = dup(event_notifier_get_fd(&e));
    g_assert_cmpint(fcntl(fd, F_SETFL, 0), ==, 0);
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_set(&e);
    g_assert_true(event_notifier_test_and_clear(&e));
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_finish(&e);
    close(fd);
}

static void test_zeroed(void)
{
    EventNotifier e = {0};

    g_assert_cmpint(event_notifier_get_fd(&e), ==, -1);
    event_notifier_finish(&e);
    g_assert_true(event_notifier_init(&e, NULL));
    event_notifier_finish(&e);
    event_notifier_finish(&e);
    g_assert_cmpint(event_notifier_get_fd(&e), ==, -1);
}

static void test_no_descriptors(void)
{
    /* What a failed init leaves must be fit for finish. */
    EventNotifier e = {.fd_plus_one = 1234};
    g_autoptr(Error) err = NULL;
    struct rlimit old = fd_limit_set(0);
    bool ok = event_notifier_init(&e, &err);

    fd_limit_restore(&old);
    g_assert_false(ok);
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "cannot create an eventfd: Too many open files");
    g_assert_cmpint(event_notifier_get_fd(&e), ==, -1);
    event_notifier_finish(&e);
}

static void *set_thousand(void *opaque)
{
    for (int i = 0; i < 1000; i++) {
        event_notifier_set(opaque);
    }
    return NULL;
}

static void test_threads(void)
{
    pthread_t threads[2];
    EventNotifier e;

    g_assert_true(event_notifier_init(&e, NULL));
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, set_thousand, &e);
    }
    while (!event_notifier_test_and_clear(&e)) {
        g_usleep(100);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    event_notifier_set(&e);
    g_assert_true(event_notifier_test_and_clear(&e));
    g_assert_false(event_notifier_test_and_clear(&e));
    event_notifier_finish(&e);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/event-notifier/set-and-clear", test_set_and_clear);
    g_test_add_func("/event-notifier/flags", test_flags);
    g_test_add_func("/event-notifier/full", test_full);
    g_test_add_func("/event-notifier/made-to-block", test_made_to_block);
    g_test_add_func("/event-notifier/zeroed", test_zeroed);
    g_test_add_func("/event-notifier/no-descriptors", test_no_descriptors);
    g_test_add_func("/event-notifier/threads", test_threads);
    return g_test_run();
}
