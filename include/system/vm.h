/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include "accel/accel.h"

/*
 * The machine's life between its completion and its end: running or stopped,
 * resets, and why it ends. One per process. Thread: machine lock, main thread,
 * unless said.
 */
typedef enum VmCause {
    VM_GUEST_RESET,
    VM_GUEST_SHUTDOWN,
    VM_HOST_SIGNAL,
    VM_QMP_RESET,
    VM_QMP_QUIT,
    VM_HOST_UI, /* Ctrl-A x on the console */
    VM_FAILURE, /* the accelerator cannot go on */
} VmCause;

typedef enum VmEvent {
    VM_EVENT_STOP,
    VM_EVENT_RESUME,
    VM_EVENT_RESET,    /* with a cause */
    VM_EVENT_SHUTDOWN, /* with a cause */
} VmEvent;

/** What QMP calls the cause: "guest-reset"; and whether the guest did it. */
const char *vm_cause_name(VmCause cause);
bool vm_cause_is_guest(VmCause cause);

/**
 * Takes requests of devices (run-state.h) and signals from now on. The vm_
 * calls drive @accel, which stays the caller's.
 */
void vm_init(Accel *accel, bool no_reboot);
/** Forgets the accelerator and all requests; vm_run() has come to its end. */
void vm_finish(void);

/** Does nothing when that is so already. */
void vm_start(void);
void vm_stop(void);
/** The same for the debugger: the status is "debug" from then on. */
void vm_stop_debug(void);

/** "prelaunch", "running", "paused", "debug" or "shutdown". */
const char *vm_status(void);

/**
 * Asks for what @cause says (a reset or the end); vm_run() does it, an end
 * before a reset. Any thread, signal handlers too.
 */
void vm_request(VmCause cause);

/**
 * Runs the main loop to the end; returns the exit status. With @start it
 * starts the machine first, unless the end is asked for already.
 */
int vm_run(bool start);

/** VmListener: hears events, embedded in its owner. */
typedef struct VmListener {
    void (*event)(struct VmListener *listener, VmEvent event, VmCause cause);
    struct VmListener *next;
} VmListener;

void vm_listen(VmListener *listener);
/** A listener that is not registered is fine. */
void vm_unlisten(VmListener *listener);
