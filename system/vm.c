/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running, stopped, reset, ended. Requests come from vCPU threads, signal
 * handlers and the monitor as bits in one atomic word, and only the main loop
 * below acts on them, between two rounds: so nothing is torn down under the
 * feet of the device or the monitor that asked. Stopping may release the
 * machine lock; requests that arrive meanwhile wait for the next round.
 */

#include <stdatomic.h>

#include "hw/core/reset.h"
#include "hw/core/run-state.h"
#include "system/vm.h"
#include "util/main-loop.h"
#include "util/timer.h"

static const struct {
    const char *name;
    bool guest;
    bool reset;
    int status;
} causes[] = {
    [VM_GUEST_RESET] = {"guest-reset", .guest = true, .reset = true},
    [VM_GUEST_SHUTDOWN] = {"guest-shutdown", .guest = true},
    [VM_HOST_SIGNAL] = {"host-signal"},
    [VM_QMP_RESET] = {"host-qmp-system-reset", .reset = true},
    [VM_QMP_QUIT] = {"host-qmp-quit"},
    [VM_HOST_UI] = {"host-ui"},
    [VM_FAILURE] = {"host-error", .status = 1},
};

static struct {
    AccelClass *accel_class;
    Accel *accel;
    bool no_reboot;
    bool launched;
    bool debugged; /* stopped by the debugger */
    bool halted;   /* by a reset, to go on behind it */
    bool ended;
    VmListener *listeners;
} vm;

static atomic_uint requests; /* bit N: cause N */

const char *vm_cause_name(VmCause cause)
{
    return causes[cause].name;
}

bool vm_cause_is_guest(VmCause cause)
{
    return causes[cause].guest;
}

void vm_request(VmCause cause)
{
    atomic_fetch_or(&requests, 1u << cause);
    main_loop_wake();
}

static void device_request(RunRequest request)
{
    static const VmCause cause_of[] = {
        [RUN_RESET] = VM_GUEST_RESET,
        [RUN_SHUTDOWN] = VM_GUEST_SHUTDOWN,
        [RUN_FAILURE] = VM_FAILURE,
    };

    vm_request(cause_of[request]);
}

void vm_init(Accel *accel, bool no_reboot)
{
    vm.accel = accel;
    vm.accel_class = ACCEL_GET_CLASS(accel);
    vm.no_reboot = no_reboot;
    vm.launched = false;
    vm.debugged = false;
    vm.halted = false;
    vm.ended = false;
    run_state_set_handler(device_request);
}

void vm_finish(void)
{
    run_state_set_handler(NULL);
    g_assert(!run_state_is_running() && !vm.listeners);
    vm.accel = NULL;
    vm.accel_class = NULL;
    atomic_store(&requests, 0);
}

static void notify(VmEvent event, VmCause cause)
{
    VmListener *next;

    for (VmListener *l = vm.listeners; l; l = next) {
        next = l->next;
        l->event(l, event, cause);
    }
}

void vm_listen(VmListener *listener)
{
    listener->next = vm.listeners;
    vm.listeners = listener;
}

void vm_unlisten(VmListener *listener)
{
    VmListener **p = &vm.listeners;

    while (*p && *p != listener) {
        p = &(*p)->next;
    }
    if (*p) {
        *p = listener->next;
    }
}

/* The clock runs whenever a vCPU does, and not only the other way round. */
static void go(void)
{
    clock_virtual_start();
    run_state_set(true);
    vm.accel_class->start(vm.accel);
}

static void halt(void)
{
    vm.accel_class->stop(vm.accel);
    clock_virtual_stop();
    run_state_set(false);
}

void vm_start(void)
{
    if (!run_state_is_running() && !vm.ended) {
        vm.launched = true;
        vm.debugged = false;
        notify(VM_EVENT_RESUME, 0);
        go();
    }
}

static void stop(bool debugged)
{
    if (run_state_is_running()) {
        halt();
        vm.debugged = debugged;
        notify(VM_EVENT_STOP, 0);
    }
}

void vm_stop(void)
{
    stop(false);
}

void vm_stop_debug(void)
{
    stop(true);
}

const char *vm_status(void)
{
    if (vm.ended) {
        return "shutdown";
    }
    if (run_state_is_running()) {
        return "running";
    }
    if (vm.debugged) {
        return "debug";
    }
    return vm.launched ? "paused" : "prelaunch";
}

static void end(VmCause cause)
{
    vm.ended = true;
    notify(VM_EVENT_SHUTDOWN, cause);
    if (run_state_is_running()) {
        halt();
    }
}

static void reset(VmCause cause)
{
    if (run_state_is_running()) {
        halt();
        vm.halted = true;
    }
    reset_all();
    notify(VM_EVENT_RESET, cause);
}

/* What to do first among @pending: ends, failures above all, before resets. */
static VmCause most_urgent(unsigned pending)
{
    VmCause urgent = G_N_ELEMENTS(causes);

    for (VmCause cause = 0; cause < G_N_ELEMENTS(causes); cause++) {
        if (!(pending & (1u << cause))) {
            continue;
        }
        if (urgent == G_N_ELEMENTS(causes) || causes[cause].status ||
            causes[urgent].reset) {
            urgent = cause;
        }
    }
    return urgent;
}

/* Nothing is asked for; so no reset failed either, and the CPUs may run. */
static void proceed(bool *start)
{
    if (*start) {
        *start = false;
        vm_start();
    } else if (vm.halted) {
        vm.halted = false;
        go();
    } else {
        main_loop_iterate(true);
    }
}

int vm_run(bool start)
{
    for (;;) {
        unsigned pending = atomic_exchange(&requests, 0);
        VmCause cause;

        if (!pending) {
            proceed(&start);
            continue;
        }
        cause = most_urgent(pending);
        if (!causes[cause].reset || vm.no_reboot) {
            end(cause);
            return causes[cause].status;
        }
        reset(cause);
    }
}
