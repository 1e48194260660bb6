/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>

/*
 * Locks for state that threads share. They are pthread primitives, not GLib's:
 * ThreadSanitizer sees through these and misjudges Debian's GMutex. Failure of
 * a primitive is a bug of ours and aborts.
 */
typedef struct Mutex {
    pthread_mutex_t m;
} Mutex;

typedef struct Cond {
    pthread_cond_t c;
} Cond;

#define MUTEX_INITIALIZER         \
    {                             \
        PTHREAD_MUTEX_INITIALIZER \
    }

void mutex_init(Mutex *mutex);
void mutex_finish(Mutex *mutex);
void mutex_lock(Mutex *mutex);
void mutex_unlock(Mutex *mutex);

/** Condition variables count on CLOCK_MONOTONIC. */
void cond_init(Cond *cond);
void cond_finish(Cond *cond);
void cond_wait(Cond *cond, Mutex *mutex);
/** False when @timeout_ms went by without a signal. */
bool cond_wait_ms(Cond *cond, Mutex *mutex, unsigned timeout_ms);
void cond_signal(Cond *cond);
void cond_broadcast(Cond *cond);

/** `MUTEX_GUARD(&x->lock);` holds the lock to the end of the scope. */
typedef Mutex MutexGuard;
static inline MutexGuard *mutex_guard_take(Mutex *mutex)
{
    mutex_lock(mutex);
    return mutex;
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MutexGuard, mutex_unlock)
#define MUTEX_GUARD(mutex)                                          \
    g_autoptr(MutexGuard) G_PASTE(guard_, __LINE__) G_GNUC_UNUSED = \
        mutex_guard_take(mutex)
