/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

/**
 * Clocks, all in nanoseconds.
 *  VIRTUAL   counts while the machine runs; stands still when it is stopped.
 *            Under qtest it moves only by clock_step and clock_set.
 *  REAL      CLOCK_MONOTONIC; always counts.
 *  HOST      CLOCK_REALTIME; may jump.
 */
typedef enum ClockType {
    CLOCK_VIRTUAL,
    CLOCK_REAL,
    CLOCK_HOST,
    CLOCK_TYPES,
} ClockType;

#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

/** Any thread. */
int64_t clock_get_ns(ClockType type);

/* What the virtual clock does; for system/ and accel/qtest, with the lock. */
void clock_virtual_start(void);
void clock_virtual_stop(void);
/** From now on the virtual clock moves only by clock_virtual_advance_to(). */
void clock_virtual_set_manual(void);
/**
 * Moves the manual virtual clock to @ns, running each timer that expires on
 * the way at its own time, whether or not the clock was started. Never moves
 * backwards. A manual clock that was started also runs, in the main loop, a
 * timer that was armed for the past.
 */
void clock_virtual_advance_to(int64_t ns);
/** Expiry of the next virtual timer, or -1. */
int64_t clock_virtual_deadline_ns(void);

/**
 * Timer: embedded in its owner; its callback runs once per timer_mod_ns(), in
 * the main thread with the machine lock held, never before its time. All calls
 * need the machine lock. timer_finish() removes it; zeroed memory is fine.
 */
typedef struct Timer {
    ClockType type;
    int64_t expire_ns; /* -1: not pending */
    void (*fn)(void *opaque);
    void *opaque;
    struct Timer *next;
} Timer;

void timer_init(Timer *timer, ClockType type, void (*fn)(void *opaque),
                void *opaque);
void timer_finish(Timer *timer);
/** (Re)arms at @expire_ns of the timer's clock. */
void timer_mod_ns(Timer *timer, int64_t expire_ns);
void timer_del(Timer *timer);
bool timer_pending(const Timer *timer);

/* The timers' descriptors; for main_loop_init() and main_loop_finish() only. */
bool timers_init(Error **errp);
/** Asserts that no timer is pending. */
void timers_finish(void);
