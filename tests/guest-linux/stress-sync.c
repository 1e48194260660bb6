/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Futexes, locks, atomics and memory order. The exclusives are written out:
 * the compiler may take the single instructions of Armv8.1 for its atomics.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

/* -- futexes -------------------------------------------------------------- */

static _Atomic uint32_t turn[2];

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

/* Two pairs of threads, each pair hands a number to and fro. */
static void *futex_player(void *arg)
{
    uintptr_t n = (uintptr_t)arg, me = n & 1;
    _Atomic uint32_t *word = &turn[n / 2];
    uint32_t v, last = 0;

    for (;;) {
        while ((v = *word) % 2 != me && v != UINT32_MAX) {
            futex_wait(word, v);
        }
        if (v == UINT32_MAX) {
            return NULL;
        }
        CHECK(last == 0 || v == last + 2, "%u came after %u", v, last);
        last = v;
        *word = stop ? UINT32_MAX : v + 1;
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        done++;
    }
}

void test_futex(void)
{
    run_threads(futex_player, 4);
}

/* -- locks ---------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static struct {
    uint64_t a, b, queued;
} locked;
static _Thread_local uint64_t entered;

static void *mutex_user(void *arg)
{
    uintptr_t n = (uintptr_t)arg;

    while (!stop) {
        pthread_mutex_lock(&mutex);
        CHECK(locked.b == scramble(locked.a), "two in the locked section");
        locked.a++;
        locked.b = scramble(locked.a);
        entered++;
        if (n % 2) {
            locked.queued++;
            pthread_cond_signal(&cond);
        } else {
            while (!locked.queued && !stop) {
                pthread_cond_wait(&cond, &mutex);
            }
            locked.queued -= !!locked.queued;
        }
        pthread_mutex_unlock(&mutex);
    }
    pthread_mutex_lock(&mutex);
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    done += entered;
    return NULL;
}

void test_mutex(void)
{
    run_threads(mutex_user, THREADS);
    CHECK(locked.a == done, "%lu sections counted, %lu entered",
          (unsigned long)locked.a, (unsigned long)done);
}

/* -- atomics and memory order ---------------------------------------------- */

static struct {
    _Atomic uint64_t sum, data __attribute__((aligned(64)));
    _Atomic uint64_t flag __attribute__((aligned(64)));
    uint64_t raw __attribute__((aligned(64)));
    uint64_t pair[2] __attribute__((aligned(64)));
} order;

#define SLOTS 512

static struct {
    _Atomic uint32_t x[2][SLOTS];
    uint32_t seen[2][SLOTS];
    pthread_barrier_t barrier;
    bool last;
} buffered;

static void add_exclusive(uint64_t *p, uint64_t v)
{
    uint64_t old;
    uint32_t failed;

    do {
        __asm__ volatile("ldaxr %0, [%2]\n\t"
                         "add %0, %0, %3\n\t"
                         "stlxr %w1, %0, [%2]"
                         : "=&r"(old), "=&r"(failed)
                         : "r"(p), "r"(v)
                         : "memory");
    } while (failed);
}

static void add_pair(uint64_t *p)
{
    uint64_t a, b;
    uint32_t failed;

    do {
        __asm__ volatile("ldxp %0, %1, [%3]\n\t"
                         "add %0, %0, #1\n\t"
                         "sub %1, %1, #1\n\t"
                         "stxp %w2, %0, %1, [%3]"
                         : "=&r"(a), "=&r"(b), "=&r"(failed)
                         : "r"(p)
                         : "memory");
    } while (failed);
    CHECK(a + b == 0, "a pair was torn");
}

static void *atomic_user(void *arg)
{
    uint64_t n = 0;

    for (; !stop; n++) {
        atomic_fetch_add(&order.sum, 3);
        add_exclusive(&order.raw, 5);
        add_pair(order.pair);
    }
    done += n;
    return arg;
}

void test_atomic(void)
{
    run_threads(atomic_user, THREADS);
    CHECK(order.sum == done * 3, "an atomic add was lost");
    CHECK(order.raw == done * 5, "an exclusive store was lost");
    CHECK(order.pair[0] == done, "a pair of exclusive stores was lost");
}

/* Message passing: who sees the flag sees the data. */
static void *message_passer(void *arg)
{
    bool writer = !arg;

    for (uint64_t n = 1; !stop; n++) {
        if (writer) {
            atomic_store_explicit(&order.data, n, memory_order_relaxed);
            atomic_store_explicit(&order.flag, n, memory_order_release);
        } else {
            uint64_t f =
                atomic_load_explicit(&order.flag, memory_order_acquire);
            uint64_t d =
                atomic_load_explicit(&order.data, memory_order_relaxed);

            CHECK(d >= f, "flag %lu came before data %lu", (unsigned long)f,
                  (unsigned long)d);
            done++;
        }
    }
    return NULL;
}

/* Store buffering: STLR, then LDAR, on both sides; one sees the other's. */
static void *store_bufferer(void *arg)
{
    uintptr_t me = (uintptr_t)arg;
    _Atomic uint32_t *mine = buffered.x[me], *others = buffered.x[1 - me];

    while (!buffered.last) {
        pthread_barrier_wait(&buffered.barrier);
        for (int i = 0; i < SLOTS; i++) {
            atomic_store(&mine[i], 1);
            buffered.seen[me][i] = atomic_load(&others[i]);
        }
        pthread_barrier_wait(&buffered.barrier);
        if (me == 0) {
            for (int i = 0; i < SLOTS; i++) {
                CHECK(buffered.seen[0][i] | buffered.seen[1][i],
                      "a STLR went after the LDAR");
            }
            memset(buffered.x, 0, sizeof(buffered.x));
            buffered.last = stop;
            done++;
        }
        pthread_barrier_wait(&buffered.barrier);
    }
    return NULL;
}

void test_order(void)
{
    run_threads(message_passer, 3);
}

void test_stores(void)
{
    pthread_barrier_init(&buffered.barrier, NULL, 2);
    run_threads(store_bufferer, 2);
}
