/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole program as a function, so that a test program with device types of
 * its own is the same emulator. Signals become requests like any other; they
 * are caught only once there is a machine to end in order, so that Ctrl-C also
 * ends one that still waits for its first peer.
 */

#include <signal.h>

#include "hw/core/object.h"
#include "system/pidfile.h"
#include "system/system.h"
#include "system/vm.h"
#include "util/chardev.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "util/trace.h"

static void on_signal(int signal)
{
    vm_request(VM_HOST_SIGNAL);
}

static void catch_signals(void (*handler)(int signal))
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &action, NULL);
    }
}

static void quit_from_console(void)
{
    vm_request(VM_HOST_UI);
}

static bool prepare_log(const Cmdline *c, Error **errp)
{
    if (c->log && !log_open(c->log, errp)) {
        return false;
    }
    for (guint i = 0; i < c->traces->len; i++) {
        if (!trace_enable(g_ptr_array_index(c->traces, i), errp)) {
            return false;
        }
    }
    return true;
}

/* The exit status; a negative one for an error. */
static int run(const Cmdline *c, Error **errp)
{
    g_autoptr(System) sys = NULL;

    chardev_set_quit_handler(quit_from_console);
    sys = system_new(c, errp);
    if (!sys) {
        return -1;
    }
    catch_signals(on_signal);
    return system_run(sys);
}

static int run_with_loop(const Cmdline *c, Error **errp)
{
    g_autoptr(PidFile) pidfile = NULL;
    int status;

    if (c->pidfile) {
        pidfile = pidfile_new(c->pidfile, errp);
        if (!pidfile) {
            return -1;
        }
    }
    if (!main_loop_init(errp)) {
        return -1;
    }
    status = run(c, errp);
    object_root_free();
    main_loop_finish();
    return status;
}

static int act(int argc, char **argv, Error **errp)
{
    g_autoptr(Cmdline) c = cmdline_parse(argc, argv, errp);

    if (!c) {
        return -1;
    }
    if (c->action != CMDLINE_RUN) {
        return system_help(c, argv[0], errp) ? 0 : -1;
    }
    if (!prepare_log(c, errp)) {
        return -1;
    }
    return run_with_loop(c, errp);
}

int system_main(int argc, char **argv)
{
    Error *err = NULL;
    int status = act(argc, argv, &err);

    if (status < 0) {
        error_report_err(err);
        status = 1;
    }
    log_close();
    return status;
}
