/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run state: the flag, who listens to it and where requests go. Devices and
 * accelerators may not call system/, so system/ leaves its handler here; a
 * vCPU thread asks without the machine lock, hence the atomic pointer.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "hw/core/run-state.h"

typedef void (*RequestHandler)(RunRequest request);

static _Atomic(RequestHandler) request_handler;
static bool running;
static RunStateListener *listeners;

static void request(RunRequest what)
{
    RequestHandler handler = atomic_load(&request_handler);

    if (handler) {
        handler(what);
    }
}

void run_state_request_reset(void)
{
    request(RUN_RESET);
}

void run_state_request_shutdown(void)
{
    request(RUN_SHUTDOWN);
}

void run_state_request_failure(void)
{
    request(RUN_FAILURE);
}

void run_state_set_handler(RequestHandler handler)
{
    atomic_store(&request_handler, handler);
}

bool run_state_is_running(void)
{
    return running;
}

void run_state_listen(RunStateListener *listener)
{
    RunStateListener **end = &listeners;

    while (*end) {
        end = &(*end)->next;
    }
    listener->next = NULL;
    *end = listener;
}

void run_state_unlisten(RunStateListener *listener)
{
    RunStateListener **p = &listeners;

    while (*p && *p != listener) {
        p = &(*p)->next;
    }
    if (*p) {
        *p = listener->next;
        listener->next = NULL;
    }
}

void run_state_set(bool now_running)
{
    RunStateListener *next;

    if (running == now_running) {
        return;
    }
    running = now_running;
    for (RunStateListener *l = listeners; l; l = next) {
        next = l->next;
        l->changed(l, running);
    }
}
