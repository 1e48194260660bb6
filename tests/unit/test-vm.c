/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm.c: what each request does to a machine whose accelerator, clock and
 * devices only write down that they were called, in which order the events
 * come, and what the process ends with.
 */

#include <pthread.h>

#include "hw/core/reset.h"
#include "hw/core/run-state.h"
#include "system/vm.h"
#include "util/main-loop.h"
#include "util/timer.h"

typedef struct Fixture {
    Accel *accel;
    VmListener listener;
    RunStateListener run_listener;
    ResetHandler reset;
} Fixture;

static GString *story; /* what was called, one word each */

static void tell(const char *word)
{
    g_string_append_printf(story, "%s%s", story->len ? " " : "", word);
}

static void accel_start(Accel *accel)
{
    g_assert_true(run_state_is_running());
    tell("start");
}

static void accel_stop(Accel *accel)
{
    /* Devices learn of it only when all vCPUs have stopped. */
    g_assert_true(run_state_is_running());
    tell("stop");
}

static void accel_class_init(ObjectClass *klass)
{
    ACCEL_CLASS(klass)->start = accel_start;
    ACCEL_CLASS(klass)->stop = accel_stop;
}

static const TypeInfo story_accel_type = {
    .name = ACCEL_TYPE_NAME("story"),
    .parent = TYPE_ACCEL,
    .class_init = accel_class_init,
};
TYPE_REGISTER(story_accel_type)

static void on_event(VmListener *listener, VmEvent event, VmCause cause)
{
    static const char *const names[] = {
        [VM_EVENT_STOP] = "STOP",
        [VM_EVENT_RESUME] = "RESUME",
        [VM_EVENT_RESET] = "RESET",
        [VM_EVENT_SHUTDOWN] = "SHUTDOWN",
    };

    tell(names[event]);
    if (event == VM_EVENT_RESET || event == VM_EVENT_SHUTDOWN) {
        tell(vm_cause_name(cause));
    }
}

static void on_run_state(RunStateListener *listener, bool running)
{
    tell(running ? "running" : "stopped");
}

static void on_reset(ResetHandler *handler)
{
    g_assert_false(run_state_is_running());
    tell("reset");
}

static void setup(Fixture *f, const void *no_reboot)
{
    g_assert_true(main_loop_init(NULL));
    story = g_string_new(NULL);
    f->accel = ACCEL(object_new(ACCEL_TYPE_NAME("story")));
    vm_init(f->accel, no_reboot);
    f->listener.event = on_event;
    vm_listen(&f->listener);
    f->run_listener.changed = on_run_state;
    run_state_listen(&f->run_listener);
    reset_register(&f->reset, RESET_DEVICE, on_reset);
}

static void teardown(Fixture *f, const void *no_reboot)
{
    reset_unregister(&f->reset);
    run_state_unlisten(&f->run_listener);
    vm_unlisten(&f->listener);
    vm_finish();
    object_unref(OBJECT(f->accel));
    g_string_free(story, TRUE);
    main_loop_finish();
}

static void expect(const char *words)
{
    g_assert_cmpstr(story->str, ==, words);
    g_string_truncate(story, 0);
}

static void test_start_stop(Fixture *f, const void *data)
{
    int64_t ns;

    g_assert_cmpstr(vm_status(), ==, "prelaunch");
    vm_stop();
    expect("");
    vm_start();
    expect("RESUME running start");
    g_assert_cmpstr(vm_status(), ==, "running");
    vm_start();
    expect("");
    vm_stop();
    expect("stop stopped STOP");
    g_assert_cmpstr(vm_status(), ==, "paused");
    ns = clock_get_ns(CLOCK_VIRTUAL);
    g_usleep(1000);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, ns);
}

static void test_debug(Fixture *f, const void *data)
{
    vm_stop_debug();
    expect("");
    g_assert_cmpstr(vm_status(), ==, "prelaunch");
    vm_start();
    expect("RESUME running start");
    vm_stop_debug();
    expect("stop stopped STOP");
    g_assert_cmpstr(vm_status(), ==, "debug");
    /* It is stopped; who asks for that again changes nothing. */
    vm_stop();
    expect("");
    g_assert_cmpstr(vm_status(), ==, "debug");
    vm_start();
    expect("RESUME running start");
    vm_stop();
    expect("stop stopped STOP");
    g_assert_cmpstr(vm_status(), ==, "paused");
}

static void test_guest_shutdown(Fixture *f, const void *data)
{
    vm_start();
    expect("RESUME running start");
    run_state_request_shutdown();
    expect("");
    g_assert_cmpint(vm_run(false), ==, 0);
    expect("SHUTDOWN guest-shutdown stop stopped");
    g_assert_true(vm_cause_is_guest(VM_GUEST_SHUTDOWN));
    g_assert_cmpstr(vm_status(), ==, "shutdown");
    vm_start();
    expect("");
}

static void test_failure(Fixture *f, const void *data)
{
    vm_start();
    expect("RESUME running start");
    run_state_request_reset();
    run_state_request_shutdown();
    run_state_request_failure();
    g_assert_cmpint(vm_run(false), ==, 1);
    expect("SHUTDOWN host-error stop stopped");
}

static void request_quit(void *opaque)
{
    vm_request(VM_QMP_QUIT);
}

static void test_reset(Fixture *f, const void *data)
{
    vm_start();
    expect("RESUME running start");
    run_state_request_reset();
    main_loop_schedule(request_quit, NULL);
    g_assert_cmpint(vm_run(false), ==, 0);
    expect("stop stopped reset RESET guest-reset running start "
           "SHUTDOWN host-qmp-quit stop stopped");
}

static void test_reset_paused(Fixture *f, const void *data)
{
    vm_request(VM_QMP_RESET);
    main_loop_schedule(request_quit, NULL);
    g_assert_cmpint(vm_run(false), ==, 0);
    expect("reset RESET host-qmp-system-reset SHUTDOWN host-qmp-quit");
}

static void test_end_before_reset(Fixture *f, const void *data)
{
    vm_request(VM_HOST_SIGNAL);
    vm_request(VM_GUEST_RESET);
    g_assert_cmpint(vm_run(false), ==, 0);
    expect("SHUTDOWN host-signal");
}

static void test_no_reboot(Fixture *f, const void *data)
{
    vm_start();
    expect("RESUME running start");
    run_state_request_reset();
    g_assert_cmpint(vm_run(false), ==, 0);
    expect("SHUTDOWN guest-reset stop stopped");
}

static void *request_from_thread(void *opaque)
{
    run_state_request_shutdown();
    return NULL;
}

static void test_run_starts(Fixture *f, const void *data)
{
    vm_request(VM_QMP_RESET);
    main_loop_schedule(request_quit, NULL);
    g_assert_cmpint(vm_run(true), ==, 0);
    expect("reset RESET host-qmp-system-reset RESUME running start "
           "SHUTDOWN host-qmp-quit stop stopped");
}

/* As after the first reset found that a kernel file had changed. */
static void test_failed_before_start(Fixture *f, const void *data)
{
    run_state_request_failure();
    g_assert_cmpint(vm_run(true), ==, 1);
    expect("SHUTDOWN host-error");
}

static void fail_reset(ResetHandler *handler)
{
    run_state_request_failure();
}

/* No CPU runs on what a failed reset left. */
static void test_failed_reset(Fixture *f, const void *data)
{
    ResetHandler failing = {0};

    reset_register(&failing, RESET_MEMORY, fail_reset);
    vm_start();
    expect("RESUME running start");
    run_state_request_reset();
    g_assert_cmpint(vm_run(false), ==, 1);
    expect("stop stopped reset RESET guest-reset SHUTDOWN host-error");
    reset_unregister(&failing);
}

/* A request of a vCPU thread wakes the main loop that waits. */
static void test_thread(Fixture *f, const void *data)
{
    pthread_t thread;

    g_assert_cmpint(pthread_create(&thread, NULL, request_from_thread, NULL),
                    ==, 0);
    g_assert_cmpint(vm_run(false), ==, 0);
    pthread_join(thread, NULL);
    expect("SHUTDOWN guest-shutdown");
}

static void add(const char *path, void (*test)(Fixture *f, const void *data),
                const void *no_reboot)
{
    g_test_add(path, Fixture, no_reboot, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/vm/start-stop", test_start_stop, NULL);
    add("/vm/debug", test_debug, NULL);
    add("/vm/guest-shutdown", test_guest_shutdown, NULL);
    add("/vm/failure", test_failure, NULL);
    add("/vm/reset", test_reset, NULL);
    add("/vm/reset-paused", test_reset_paused, NULL);
    add("/vm/end-before-reset", test_end_before_reset, NULL);
    add("/vm/no-reboot", test_no_reboot, "no reboot");
    add("/vm/run-starts", test_run_starts, NULL);
    add("/vm/failed-before-start", test_failed_before_start, NULL);
    add("/vm/failed-reset", test_failed_reset, NULL);
    add("/vm/thread", test_thread, NULL);
    return g_test_run();
}
