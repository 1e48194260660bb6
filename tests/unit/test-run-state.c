/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run-state.c: listeners hear each change once, and requests arrive from any
 * thread.
 */
#include <glib.h>

#include "hw/core/run-state.h"

typedef struct Ear {
    RunStateListener listener;
    char name;
    bool once;
} Ear;

static GString *journal;

static void on_changed(RunStateListener *listener, bool running)
{
    Ear *ear = (Ear *)listener;

    g_assert_true(run_state_is_running() == running);
    g_string_append_printf(journal, "%c%d ", ear->name, running);
    if (ear->once) {
        run_state_unlisten(listener);
    }
}

static void expect_set(bool running, const char *expected)
{
    run_state_set(running);
    g_assert_true(run_state_is_running() == running);
    g_assert_cmpstr(journal->str, ==, expected);
    g_string_truncate(journal, 0);
}

static void test_listeners(void)
{
    Ear a = {.listener.changed = on_changed, .name = 'a'};
    Ear b = {.listener.changed = on_changed, .name = 'b', .once = true};
    Ear c = {.listener.changed = on_changed, .name = 'c'};

    g_assert_false(run_state_is_running());
    run_state_listen(&a.listener);
    run_state_listen(&b.listener);
    run_state_listen(&c.listener);
    expect_set(false, "");
    expect_set(true, "a1 b1 c1 ");
    expect_set(true, "");
    expect_set(false, "a0 c0 ");
    run_state_unlisten(&b.listener);
    run_state_unlisten(&a.listener);
    expect_set(true, "c1 ");
    run_state_listen(&a.listener);
    expect_set(false, "c0 a0 ");
    run_state_unlisten(&a.listener);
    run_state_unlisten(&c.listener);
    expect_set(true, "");
    expect_set(false, "");
}

static void on_request(RunRequest request)
{
    static const char *const names[] = {
        [RUN_RESET] = "reset",
        [RUN_SHUTDOWN] = "shutdown",
        [RUN_FAILURE] = "failure",
    };

    g_string_append_printf(journal, "%s ", names[request]);
}

static void *request_all(void *opaque)
{
    run_state_request_reset();
    run_state_request_shutdown();
    run_state_request_failure();
    return NULL;
}

static void test_requests(void)
{
    request_all(NULL);
    g_assert_cmpstr(journal->str, ==, "");
    run_state_set_handler(on_request);
    g_thread_join(g_thread_new("vcpu", request_all, NULL));
    run_state_set_handler(NULL);
    request_all(NULL);
    g_assert_cmpstr(journal->str, ==, "reset shutdown failure ");
    g_string_truncate(journal, 0);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    journal = g_string_new(NULL);
    g_test_add_func("/run-state/listeners", test_listeners);
    g_test_add_func("/run-state/requests", test_requests);
    status = g_test_run();
    g_string_free(journal, TRUE);
    return status;
}
