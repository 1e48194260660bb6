/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/*
 * Whether the machine runs, and what may be asked of it. system/ carries the
 * requests out in the main loop; devices and accelerators only ask and listen.
 */

/** Any thread; carried out soon, in the main thread. */
void run_state_request_reset(void);    /* the guest asked for it */
void run_state_request_shutdown(void); /* the guest powered off: status 0 */
/**
 * The machine cannot go on (a vCPU that the host refuses to run): stops it
 * and ends the process with status 1. The reason was logged by the caller.
 */
void run_state_request_failure(void);

/** With the machine lock. */
bool run_state_is_running(void);

/** RunStateListener: hears each start and stop, embedded in its owner. */
typedef struct RunStateListener {
    /*
     * @running: just before vCPUs start, after the reset that preceded.
     * !@running: all vCPUs have stopped. Machine lock held.
     */
    void (*changed)(struct RunStateListener *listener, bool running);
    struct RunStateListener *next;
} RunStateListener;

/** Heard in the order of registration. Machine lock, all three. */
void run_state_listen(RunStateListener *listener);
/** A listener that is not registered is fine; one may end itself. */
void run_state_unlisten(RunStateListener *listener);

/** For system/: sets the state and, if it changed, tells the listeners. */
void run_state_set(bool running);

/**
 * What system/ registers to hear requests; called in any thread. Requests
 * without a handler (NULL) are dropped.
 */
typedef enum RunRequest { RUN_RESET, RUN_SHUTDOWN, RUN_FAILURE } RunRequest;
void run_state_set_handler(void (*handler)(RunRequest request));
