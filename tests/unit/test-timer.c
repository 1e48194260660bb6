/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timer.c: the three clocks and their timers. What is checked about real time
 * is only that nothing runs early; the manual clock checks the rest exactly. A
 * clock cannot be made automatic again, so each manual case has a process of
 * its own, and so has whatever needs the clock as it is at the start.
 */

#include <pthread.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/main-loop.h"
#include "util/timer.h"

typedef struct Probe {
    Timer timer;
    ClockType type;
    unsigned runs;
    int64_t ran_ns;
    int64_t period_ns; /* re-arms itself so much later when not 0 */
    GString *log;
    char letter;
    Timer *victim; /* deleted when this one runs */
} Probe;

static void setup(void)
{
    Error *err = NULL;

    main_loop_init(&err);
    g_assert_null(err);
}

static void probe_run(void *opaque)
{
    Probe *probe = opaque;

    g_assert_true(machine_locked());
    g_assert_false(timer_pending(&probe->timer));
    probe->runs++;
    probe->ran_ns = clock_get_ns(probe->type);
    if (probe->log) {
        g_string_append_c(probe->log, probe->letter);
    }
    if (probe->period_ns) {
        timer_mod_ns(&probe->timer, probe->ran_ns + probe->period_ns);
    }
    if (probe->victim) {
        timer_del(probe->victim);
    }
}

static void probe_init(Probe *probe, ClockType type)
{
    *probe = (Probe){.type = type};
    timer_init(&probe->timer, type, probe_run, probe);
}

static void wait_for_runs(const Probe *probe, unsigned runs)
{
    while (probe->runs < runs) {
        main_loop_iterate(true);
    }
}

static void check_not_early(ClockType type)
{
    int64_t expire_ns = clock_get_ns(type) + 2 * NS_PER_MS;
    Probe probe;

    probe_init(&probe, type);
    timer_mod_ns(&probe.timer, expire_ns);
    g_assert_true(timer_pending(&probe.timer));
    wait_for_runs(&probe, 1);
    g_assert_cmpint(probe.ran_ns, >=, expire_ns);
    g_assert_false(timer_pending(&probe.timer));
    main_loop_iterate(false);
    g_assert_cmpuint(probe.runs, ==, 1);
    timer_finish(&probe.timer);
}

static void test_real(void)
{
    setup();
    check_not_early(CLOCK_REAL);
    main_loop_finish();
}

static void test_host(void)
{
    setup();
    check_not_early(CLOCK_HOST);
    main_loop_finish();
}

static void test_virtual(void)
{
    setup();
    clock_virtual_start();
    check_not_early(CLOCK_VIRTUAL);
    clock_virtual_stop();
    main_loop_finish();
}

/* True when /proc says that a timerfd of CLOCK_REALTIME is armed absolutely. */
static bool host_timer_is_absolute(void)
{
    for (int fd = 0; fd < 64; fd++) {
        g_autofree char *path = g_strdup_printf("/proc/self/fdinfo/%d", fd);
        g_autofree char *text = NULL;

        if (g_file_get_contents(path, &text, NULL, NULL) &&
            strstr(text, "clockid: 0\n") && !strstr(text, "it_value: (0, 0)")) {
            return strstr(text, "settime flags: 01\n") != NULL;
        }
    }
    return false;
}

/*
 * The kernel fires an absolute timer by the clock's new reading after a jump.
 * Setting the clock needs a privilege and disturbs the host, so the test looks
 * at how the timer is armed.
 */
static void test_host_jump(void)
{
    Probe probe;

    setup();
    probe_init(&probe, CLOCK_HOST);
    g_assert_false(host_timer_is_absolute());
    timer_mod_ns(&probe.timer, clock_get_ns(CLOCK_HOST) + 1000 * NS_PER_S);
    g_assert_true(host_timer_is_absolute());
    timer_finish(&probe.timer);
    main_loop_finish();
}

static void test_order(void)
{
    g_autoptr(GString) log = g_string_new(NULL);
    static const int64_t expiry[] = {30, 10, 20, 10, -5};
    Probe probes[G_N_ELEMENTS(expiry)];

    setup();
    for (size_t i = 0; i < G_N_ELEMENTS(probes); i++) {
        probe_init(&probes[i], CLOCK_REAL);
        probes[i].log = log;
        probes[i].letter = 'a' + i;
        timer_mod_ns(&probes[i].timer, expiry[i]);
    }
    wait_for_runs(&probes[0], 1);
    g_assert_cmpstr(log->str, ==, "ebdca");
    main_loop_finish();
}

static void test_push_out(void)
{
    int64_t now_ns = clock_get_ns(CLOCK_REAL);
    Probe probe;

    setup();
    probe_init(&probe, CLOCK_REAL);
    timer_mod_ns(&probe.timer, now_ns + NS_PER_MS);
    timer_mod_ns(&probe.timer, now_ns + 4 * NS_PER_MS);
    wait_for_runs(&probe, 1);
    g_assert_cmpint(probe.ran_ns, >=, now_ns + 4 * NS_PER_MS);

    /* And back: an hour must not hide the earlier time. */
    timer_mod_ns(&probe.timer, now_ns + 3600 * NS_PER_S);
    timer_mod_ns(&probe.timer, now_ns);
    wait_for_runs(&probe, 2);
    timer_finish(&probe.timer);
    main_loop_finish();
}

static void test_del_due(void)
{
    Probe killer, victim;

    setup();
    probe_init(&killer, CLOCK_REAL);
    probe_init(&victim, CLOCK_REAL);
    killer.victim = &victim.timer;
    timer_mod_ns(&killer.timer, 1);
    timer_mod_ns(&victim.timer, 2);
    wait_for_runs(&killer, 1);
    g_assert_false(timer_pending(&victim.timer));
    main_loop_iterate(false);
    g_assert_cmpuint(victim.runs, ==, 0);
    timer_finish(&victim.timer);
    main_loop_finish();
}

static bool freed;

static void finish_and_free(void *opaque)
{
    Timer *timer = opaque;

    timer_finish(timer);
    g_free(timer);
    freed = true;
}

static void test_finish_in_callback(void)
{
    Timer *timer = g_new(Timer, 1);

    setup();
    timer_init(timer, CLOCK_REAL, finish_and_free, timer);
    timer_mod_ns(timer, 1);
    while (!freed) {
        main_loop_iterate(true);
    }
    main_loop_finish();
}

static void test_rearm_for_the_past(void)
{
    Probe probe;

    setup();
    probe_init(&probe, CLOCK_REAL);
    probe.period_ns = -1;
    timer_mod_ns(&probe.timer, 0);
    wait_for_runs(&probe, 3);
    /* Each round ran it once: the loop came back every time. */
    g_assert_cmpuint(probe.runs, ==, 3);
    timer_finish(&probe.timer);
    main_loop_finish();
}

static void test_never(void)
{
    Probe probe;

    setup();
    clock_virtual_start();
    for (int type = 0; type < CLOCK_TYPES; type++) {
        probe_init(&probe, type);
        timer_mod_ns(&probe.timer, INT64_MAX);
        main_loop_wake();
        main_loop_iterate(true);
        g_assert_cmpuint(probe.runs, ==, 0);
        g_assert_true(timer_pending(&probe.timer));
        timer_finish(&probe.timer);
    }
    clock_virtual_stop();
    main_loop_finish();
}

static void test_zeroed(void)
{
    Timer timer = {0};

    g_assert_false(timer_pending(&timer));
    timer_del(&timer);
    timer_finish(&timer);
    timer_finish(&timer);
}

static void *mod_from_thread(void *opaque)
{
    Probe *probe = opaque;

    machine_lock();
    timer_mod_ns(&probe->timer, clock_get_ns(CLOCK_REAL));
    machine_unlock();
    return NULL;
}

static void test_mod_from_thread(void)
{
    pthread_t thread;
    Probe probe;

    setup();
    probe_init(&probe, CLOCK_REAL);
    timer_mod_ns(&probe.timer, clock_get_ns(CLOCK_REAL) + 3600 * NS_PER_S);
    pthread_create(&thread, NULL, mod_from_thread, &probe);
    wait_for_runs(&probe, 1);
    pthread_join(thread, NULL);
    main_loop_finish();
}

static void *read_clock(void *opaque)
{
    int64_t last_ns = 0;

    for (int i = 0; i < 10000; i++) {
        int64_t now_ns = clock_get_ns(CLOCK_VIRTUAL);

        g_assert_cmpint(now_ns, >=, last_ns);
        last_ns = now_ns;
    }
    return NULL;
}

static void test_monotonic_over_stops(void)
{
    pthread_t thread;

    setup();
    pthread_create(&thread, NULL, read_clock, NULL);
    for (int i = 0; i < 1000; i++) {
        clock_virtual_start();
        clock_virtual_stop();
    }
    pthread_join(thread, NULL);
    main_loop_finish();
}

static void virtual_stops(void)
{
    Probe probe, real;
    int64_t stopped_ns;

    setup();
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, 0);
    probe_init(&probe, CLOCK_VIRTUAL);
    probe_init(&real, CLOCK_REAL);
    timer_mod_ns(&probe.timer, 0);
    timer_mod_ns(&real.timer, clock_get_ns(CLOCK_REAL) + NS_PER_MS);
    g_assert_cmpint(clock_virtual_deadline_ns(), ==, 0);
    wait_for_runs(&real, 1);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, 0);
    g_assert_cmpuint(probe.runs, ==, 0);

    clock_virtual_start();
    clock_virtual_start();
    wait_for_runs(&probe, 1);
    clock_virtual_stop();
    clock_virtual_stop();
    stopped_ns = clock_get_ns(CLOCK_VIRTUAL);
    g_assert_cmpint(stopped_ns, >, 0);
    timer_mod_ns(&real.timer, clock_get_ns(CLOCK_REAL) + NS_PER_MS);
    wait_for_runs(&real, 2);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, stopped_ns);

    /* The next timer counts from there, not from the start. */
    clock_virtual_start();
    timer_mod_ns(&probe.timer, stopped_ns + NS_PER_MS);
    wait_for_runs(&probe, 2);
    g_assert_cmpint(probe.ran_ns, >=, stopped_ns + NS_PER_MS);
    clock_virtual_stop();
    g_assert_cmpint(clock_virtual_deadline_ns(), ==, -1);
    main_loop_finish();
}

static void manual_steps(void)
{
    Probe a, b;

    setup();
    clock_virtual_set_manual();
    clock_virtual_start();
    probe_init(&a, CLOCK_VIRTUAL);
    probe_init(&b, CLOCK_VIRTUAL);
    timer_mod_ns(&a.timer, 100);
    timer_mod_ns(&b.timer, 250);
    a.period_ns = 70;
    main_loop_iterate(false);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, 0);
    g_assert_cmpint(clock_virtual_deadline_ns(), ==, 100);

    clock_virtual_advance_to(99);
    g_assert_cmpuint(a.runs, ==, 0);
    clock_virtual_advance_to(100);
    g_assert_cmpint(a.ran_ns, ==, 100);
    clock_virtual_advance_to(300);
    g_assert_cmpuint(a.runs, ==, 3);
    g_assert_cmpint(a.ran_ns, ==, 240);
    g_assert_cmpint(b.ran_ns, ==, 250);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, 300);
    g_assert_cmpint(clock_virtual_deadline_ns(), ==, 310);

    clock_virtual_advance_to(200);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, 300);
    timer_finish(&a.timer);
    timer_finish(&b.timer);
    main_loop_finish();
}

static void manual_past(void)
{
    Probe probe;

    setup();
    clock_virtual_set_manual();
    clock_virtual_advance_to(500);
    probe_init(&probe, CLOCK_VIRTUAL);
    timer_mod_ns(&probe.timer, 400);
    main_loop_iterate(false);
    g_assert_cmpuint(probe.runs, ==, 0);
    clock_virtual_start();
    wait_for_runs(&probe, 1);
    g_assert_cmpint(probe.ran_ns, ==, 500);

    /* A stopped one runs timers when it is moved, and not backwards. */
    clock_virtual_stop();
    timer_mod_ns(&probe.timer, 400);
    clock_virtual_advance_to(501);
    g_assert_cmpint(probe.ran_ns, ==, 500);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, 501);
    main_loop_finish();
}

static void manual_keeps_the_reading(void)
{
    int64_t before_ns;

    setup();
    clock_virtual_start();
    before_ns = clock_get_ns(CLOCK_VIRTUAL);
    clock_virtual_set_manual();
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), >=, before_ns);
    before_ns = clock_get_ns(CLOCK_VIRTUAL);
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, before_ns);
    clock_virtual_stop();
    clock_virtual_start();
    g_assert_cmpint(clock_get_ns(CLOCK_VIRTUAL), ==, before_ns);
    main_loop_finish();
}

static void without_lock(void)
{
    Probe probe;

    setup();
    machine_unlock();
    probe_init(&probe, CLOCK_REAL);
    timer_mod_ns(&probe.timer, 1);
}

static void advance_automatic(void)
{
    setup();
    clock_virtual_advance_to(1);
}

typedef struct Case {
    const char *name;
    void (*fn)(void);
    const char *assertion; /* that must fail, or NULL */
} Case;

static const Case cases[] = {
    {"virtual-stops", virtual_stops, NULL},
    {"manual/steps", manual_steps, NULL},
    {"manual/past", manual_past, NULL},
    {"manual/keeps-the-reading", manual_keeps_the_reading, NULL},
    {"misuse/without-lock", without_lock, "*machine_locked()*"},
    {"misuse/advance-automatic", advance_automatic, "*virtual.manual*"},
};

static void test_case(gconstpointer data)
{
    const Case *one = data;

    if (g_test_subprocess()) {
        one->fn();
        return;
    }
    g_test_trap_subprocess(
        NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR * (one->assertion == NULL));
    if (one->assertion) {
        g_test_trap_assert_failed();
        g_test_trap_assert_stderr(one->assertion);
    } else {
        g_test_trap_assert_passed();
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/timer/real", test_real);
    g_test_add_func("/timer/host", test_host);
    g_test_add_func("/timer/host-jump", test_host_jump);
    g_test_add_func("/timer/virtual", test_virtual);
    g_test_add_func("/timer/order", test_order);
    g_test_add_func("/timer/push-out", test_push_out);
    g_test_add_func("/timer/del-due", test_del_due);
    g_test_add_func("/timer/finish-in-callback", test_finish_in_callback);
    g_test_add_func("/timer/rearm-for-the-past", test_rearm_for_the_past);
    g_test_add_func("/timer/never", test_never);
    g_test_add_func("/timer/zeroed", test_zeroed);
    g_test_add_func("/timer/mod-from-thread", test_mod_from_thread);
    g_test_add_func("/timer/monotonic-over-stops", test_monotonic_over_stops);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/timer/", cases[i].name, NULL);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    return g_test_run();
}
