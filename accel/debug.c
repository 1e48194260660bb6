/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a hit from a vCPU's thread to the debugger. The handler is called
 * with the lock held, so that whoever takes it away knows that it is not at
 * work any more; hence it may only write down what it hears.
 */

#include "accel/debug.h"
#include "util/lock.h"

static struct {
    Mutex lock;
    AccelDebugFn fn;
    void *opaque;
} handler = {.lock = MUTEX_INITIALIZER};

void accel_debug_set_handler(AccelDebugFn fn, void *opaque)
{
    MUTEX_GUARD(&handler.lock);

    handler.fn = fn;
    handler.opaque = opaque;
}

void accel_debug_report(const DebugHit *hit)
{
    MUTEX_GUARD(&handler.lock);

    if (handler.fn) {
        handler.fn(handler.opaque, hit);
    }
}
