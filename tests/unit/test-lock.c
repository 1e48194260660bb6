/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lock.c: that the wrappers exclude, wake and time out, and that misuse ends
 * the process. Under ThreadSanitizer the counters below are also the proof
 * that it sees through the wrappers.
 */

#include "util/lock.h"

#define THREADS 4
#define ROUNDS 10000

typedef struct Shared {
    Mutex lock;
    Cond cond;
    unsigned count;
    unsigned waiting;
    unsigned go;
} Shared;

static void shared_init(Shared *shared)
{
    *shared = (Shared){0};
    mutex_init(&shared->lock);
    cond_init(&shared->cond);
}

static void shared_finish(Shared *shared)
{
    cond_finish(&shared->cond);
    mutex_finish(&shared->lock);
}

static void run_threads(void *(*fn)(void *), Shared *shared,
                        pthread_t threads[THREADS])
{
    for (int i = 0; i < THREADS; i++) {
        g_assert_cmpint(pthread_create(&threads[i], NULL, fn, shared), ==, 0);
    }
}

static void join_threads(pthread_t threads[THREADS])
{
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void *count_up(void *opaque)
{
    Shared *shared = opaque;

    for (int i = 0; i < ROUNDS; i++) {
        MUTEX_GUARD(&shared->lock);
        shared->count++;
    }
    return NULL;
}

static void test_mutex(void)
{
    pthread_t threads[THREADS];
    Shared shared;

    shared_init(&shared);
    run_threads(count_up, &shared, threads);
    join_threads(threads);
    g_assert_cmpuint(shared.count, ==, THREADS * ROUNDS);
    shared_finish(&shared);
}

static void test_guard(void)
{
    static Mutex lock = MUTEX_INITIALIZER;

    {
        MUTEX_GUARD(&lock);
        g_assert_cmpint(pthread_mutex_trylock(&lock.m), !=, 0);
    }
    g_assert_cmpint(pthread_mutex_trylock(&lock.m), ==, 0);
    mutex_unlock(&lock);
}

static void *wait_for_go(void *opaque)
{
    Shared *shared = opaque;
    MUTEX_GUARD(&shared->lock);

    shared->waiting++;
    while (!shared->go) {
        cond_wait(&shared->cond, &shared->lock);
    }
    shared->go--;
    shared->count++;
    return NULL;
}

/* Ends when all of them wait: each gives the lock away by waiting only. */
static void run_waiters(Shared *shared, pthread_t threads[THREADS])
{
    bool all = false;

    run_threads(wait_for_go, shared, threads);
    while (!all) {
        MUTEX_GUARD(&shared->lock);

        all = shared->waiting == THREADS;
    }
}

static void test_broadcast(void)
{
    pthread_t threads[THREADS];
    Shared shared;

    shared_init(&shared);
    run_waiters(&shared, threads);
    mutex_lock(&shared.lock);
    shared.go = THREADS;
    cond_broadcast(&shared.cond);
    mutex_unlock(&shared.lock);
    join_threads(threads);
    g_assert_cmpuint(shared.count, ==, THREADS);
    shared_finish(&shared);
}

static void test_signal(void)
{
    pthread_t threads[THREADS];
    Shared shared;

    shared_init(&shared);
    run_waiters(&shared, threads);
    for (int i = 0; i < THREADS; i++) {
        mutex_lock(&shared.lock);
        shared.go++;
        cond_signal(&shared.cond);
        mutex_unlock(&shared.lock);
    }
    join_threads(threads);
    g_assert_cmpuint(shared.count, ==, THREADS);
    shared_finish(&shared);
}

static void *set_go(void *opaque)
{
    Shared *shared = opaque;
    MUTEX_GUARD(&shared->lock);

    shared->go = 1;
    cond_signal(&shared->cond);
    return NULL;
}

static void test_timed_wait(void)
{
    pthread_t thread;
    Shared shared;

    shared_init(&shared);
    mutex_lock(&shared.lock);
    /* Nobody signals: only the time-out can end these. */
    while (cond_wait_ms(&shared.cond, &shared.lock, 1)) {
    }
    while (cond_wait_ms(&shared.cond, &shared.lock, 999)) {
    }
    g_assert_cmpint(pthread_mutex_trylock(&shared.lock.m), !=, 0);

    pthread_create(&thread, NULL, set_go, &shared);
    while (!shared.go) {
        /* The last chance is ten minutes away: a signal ends it. */
        g_assert_true(cond_wait_ms(&shared.cond, &shared.lock, 600000));
    }
    mutex_unlock(&shared.lock);
    pthread_join(thread, NULL);
    shared_finish(&shared);
}

static void test_misuse(void)
{
    static Mutex lock = MUTEX_INITIALIZER;

    if (g_test_subprocess()) {
        mutex_lock(&lock);
        mutex_finish(&lock);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*mutex_finish*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lock/mutex", test_mutex);
    g_test_add_func("/lock/guard", test_guard);
    g_test_add_func("/lock/broadcast", test_broadcast);
    g_test_add_func("/lock/signal", test_signal);
    g_test_add_func("/lock/timed-wait", test_timed_wait);
    g_test_add_func("/lock/misuse", test_misuse);
    return g_test_run();
}
