/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutex and Cond over pthreads. A primitive that fails means memory that is
 * not a lock, or a lock that its owner destroyed: nothing can be trusted after
 * that. The message bypasses the log, which itself takes a lock.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/lock.h"

static void check(int err, const char *what)
{
    if (err) {
        fprintf(stderr, "platypus: bug: %s: %s\n", what, strerror(err));
        abort();
    }
}

void mutex_init(Mutex *mutex)
{
    check(pthread_mutex_init(&mutex->m, NULL), "mutex_init");
}

void mutex_finish(Mutex *mutex)
{
    check(pthread_mutex_destroy(&mutex->m), "mutex_finish");
}

void mutex_lock(Mutex *mutex)
{
    check(pthread_mutex_lock(&mutex->m), "mutex_lock");
}

void mutex_unlock(Mutex *mutex)
{
    check(pthread_mutex_unlock(&mutex->m), "mutex_unlock");
}

void cond_init(Cond *cond)
{
    pthread_condattr_t attr;

    check(pthread_condattr_init(&attr), "cond_init");
    check(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "cond_init");
    check(pthread_cond_init(&cond->c, &attr), "cond_init");
    check(pthread_condattr_destroy(&attr), "cond_init");
}

void cond_finish(Cond *cond)
{
    check(pthread_cond_destroy(&cond->c), "cond_finish");
}

void cond_wait(Cond *cond, Mutex *mutex)
{
    check(pthread_cond_wait(&cond->c, &mutex->m), "cond_wait");
}

bool cond_wait_ms(Cond *cond, Mutex *mutex, unsigned timeout_ms)
{
    struct timespec end;
    int err;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout_ms / 1000;
    end.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000L;
    }
    err = pthread_cond_timedwait(&cond->c, &mutex->m, &end);
    if (err == ETIMEDOUT) {
        return false;
    }
    check(err, "cond_wait_ms");
    return true;
}

void cond_signal(Cond *cond)
{
    check(pthread_cond_signal(&cond->c), "cond_signal");
}

void cond_broadcast(Cond *cond)
{
    check(pthread_cond_broadcast(&cond->c), "cond_broadcast");
}
