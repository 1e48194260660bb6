/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <glib.h>
#include "util/error.h"

/*
 * The main loop: one GMainContext (the default one) run by the main thread,
 * and the machine lock, which guards all device state that is not documented
 * otherwise. The main thread holds the lock except while it polls; a vCPU
 * thread takes it for what it may not do without.
 *
 * Handlers run in the main thread with the lock held. Registering and removing
 * is for whoever holds the lock; main_loop_schedule() is for any thread.
 */

/** Creates the context's hooks; the caller holds the machine lock after it. */
bool main_loop_init(Error **errp);

/** Asserts that no handler, timer or scheduled call is left; drops the lock. */
void main_loop_finish(void);

/** Runs what is ready; waits for something when @may_block. */
void main_loop_iterate(bool may_block);

typedef void (*MainLoopFdFn)(void *opaque);

/**
 * Calls @on_read while @fd is readable and @on_write while it is writable
 * (either may be NULL; both NULL removes). @on_read is also called for hang-up
 * and error conditions, @on_write only where there is no @on_read. @fd stays
 * the caller's and must be removed before it is closed.
 */
void main_loop_set_fd(int fd, MainLoopFdFn on_read, MainLoopFdFn on_write,
                      void *opaque);

/**
 * Calls @on_hang_up while @fd is hung up or in error, whatever there is to
 * read: data wake nobody. The rest as above, also that NULL removes; a
 * descriptor has handlers of one kind.
 */
void main_loop_set_hang_up(int fd, MainLoopFdFn on_hang_up, void *opaque);

/** Calls @fn(@opaque) soon in the main thread. Any thread; never blocks. */
void main_loop_schedule(void (*fn)(void *opaque), void *opaque);

/** Forgets every scheduled call of @opaque. With the machine lock. */
void main_loop_cancel(void *opaque);

/**
 * Makes a blocked main_loop_iterate() return, or the next one not block.
 * Async-signal-safe; does nothing outside main_loop_init() and _finish().
 */
void main_loop_wake(void);

/* The machine lock. Not recursive. */
void machine_lock(void);
void machine_unlock(void);
/** True in the thread that holds the lock. */
bool machine_locked(void);
