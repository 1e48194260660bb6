/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-connect.c: attempts to find a server again, which may be cancelled at
 * any moment and never keep the main loop waiting. What a person reads when
 * there is no server at the start is in test-host-user.c.
 */

#include <pthread.h>

#include "../../hw/vfio/host-user.h"
#include "fd-limit.h"
#include "host-user-fixture.h"

/* ---- close, at any moment ---- */

static void test_close_while_waiting(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1000 * 1000;
    fixture_open(&f);
    fixture_lose(&f);
    fixture_finish(&f);
}

/*
 * A server that accepts, and then says nothing, in the middle of anything. The
 * timeout is weeks.
 */
static void close_in_attempt(uint16_t command)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    f.config.timeout_ms = INT32_MAX;
    fixture_open(&f);
    user_server_stop(f.server);
    fixture_wait(&f, &f.losses, 0);
    f.server->hook = fixture_ignore;
    f.server->hook_opaque = &command;
    user_server_forget(f.server);
    user_server_listen(f.server, NULL);
    while (user_server_count(f.server, command) == 0) {
        main_loop_iterate(false);
    }
    fixture_close(&f);
    g_assert_cmpuint(f.backs, ==, 0);
    fixture_finish(&f);
}

static void test_close_in_attempt(void)
{
    close_in_attempt(VFIO_USER_VERSION);
    close_in_attempt(VFIO_USER_DEVICE_GET_INFO);
    close_in_attempt(VFIO_USER_DEVICE_GET_IRQ_INFO);
}

/* The attempt has ended, and the main loop does not know it yet; or nearly. */
static void test_close_after_attempt(void)
{
    for (unsigned i = 0; i < 20; i++) {
        HostUserFixture f;

        fixture_init(&f, NULL);
        f.config.reconnect_ms = 1;
        fixture_open(&f);
        user_server_stop(f.server);
        fixture_wait(&f, &f.losses, 0);
        user_server_forget(f.server);
        user_server_listen(f.server, NULL);
        while (user_server_count(f.server, VFIO_USER_VERSION) == 0) {
            main_loop_iterate(false);
        }
        g_usleep(i * 50);
        fixture_close(&f);
        if (f.backs) {
            fixture_logged(&f, BACK_LINE);
        }
        fixture_finish(&f);
    }
}

/* Cancelled before it has a connection to hang up, or nearly. */
static void test_cancel_at_once(void)
{
    for (unsigned i = 0; i < 50; i++) {
        HostUserFixture f;

        fixture_init(&f, NULL);
        f.config.reconnect_ms = 1;
        f.config.timeout_ms = INT32_MAX;
        fixture_open(&f);
        fixture_lose(&f);
        while (!((VFIOHostUser *)f.host)->attempt.running && f.backs == 0) {
            main_loop_iterate(true);
        }
        fixture_close(&f);
        if (f.backs) {
            fixture_logged(&f, BACK_LINE);
        }
        fixture_finish(&f);
    }
}

/* What an attempt needs of our own system is not there: it is made later. */
static void test_no_means(void)
{
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    fixture_open(&f);
    for (unsigned spare = 0; spare < 2; spare++) {
        struct rlimit old;

        fixture_lose(&f);
        old = fd_limit_set(spare);
        for (unsigned i = 0; i < 5; i++) {
            main_loop_iterate(true);
        }
        fd_limit_restore(&old);
        g_assert_cmpuint(f.backs, ==, spare);
        fixture_wait(&f, &f.backs, spare);
        fixture_logged(&f, BACK_LINE);
    }
    fixture_finish(&f);
}

/* A stack that is larger than any memory. */
static void test_no_thread(void)
{
    pthread_attr_t attr, old;
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    fixture_open(&f);
    fixture_lose(&f);
    g_assert_cmpint(pthread_getattr_default_np(&old), ==, 0);
    g_assert_cmpint(pthread_attr_init(&attr), ==, 0);
    g_assert_cmpint(pthread_attr_setstacksize(&attr, (size_t)1 << 46), ==, 0);
    g_assert_cmpint(pthread_setattr_default_np(&attr), ==, 0);
    for (unsigned i = 0; i < 5; i++) {
        main_loop_iterate(true);
    }
    g_assert_cmpuint(f.backs, ==, 0);
    g_assert_cmpint(pthread_setattr_default_np(&old), ==, 0);
    pthread_attr_destroy(&attr);
    pthread_attr_destroy(&old);
    fixture_wait(&f, &f.backs, 0);
    fixture_logged(&f, BACK_LINE);
    fixture_finish(&f);
}

/* While a server keeps an attempt waiting the main loop goes on. */
static void test_main_loop_goes_on(void)
{
    uint16_t command = VFIO_USER_VERSION;
    HostUserFixture f;

    fixture_init(&f, NULL);
    f.config.reconnect_ms = 1;
    fixture_open(&f);
    user_server_stop(f.server);
    fixture_wait(&f, &f.losses, 0);
    f.server->hook = fixture_ignore;
    f.server->hook_opaque = &command;
    user_server_forget(f.server);
    user_server_listen(f.server, NULL);
    while (user_server_count(f.server, command) == 0) {
        main_loop_iterate(false);
    }
    for (unsigned i = 0; i < 100; i++) {
        main_loop_wake();
        main_loop_iterate(true);
    }
    g_assert_cmpuint(user_server_count(f.server, command), ==, 1);
    /* It thinks better of it, or another server takes its place. */
    user_server_stop(f.server);
    f.server->hook = NULL;
    user_server_listen(f.server, NULL);
    fixture_wait(&f, &f.backs, 0);
    fixture_logged(&f, BACK_LINE);
    fixture_finish(&f);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/user-connect/close-while-waiting",
                    test_close_while_waiting);
    g_test_add_func("/user-connect/close-in-attempt", test_close_in_attempt);
    g_test_add_func("/user-connect/close-after-attempt",
                    test_close_after_attempt);
    g_test_add_func("/user-connect/cancel-at-once", test_cancel_at_once);
    g_test_add_func("/user-connect/no-means", test_no_means);
    g_test_add_func("/user-connect/no-thread", test_no_thread);
    g_test_add_func("/user-connect/main-loop-goes-on", test_main_loop_goes_on);
    ret = g_test_run();
    main_loop_finish();
    return ret;
}
