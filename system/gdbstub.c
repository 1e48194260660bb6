/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the gdb stub: packets in and out, acknowledgements, and stops.
 * A CPU's hit comes from its own thread and is only written down there; the
 * main thread stops the machine by system/vm.c, as QMP does, and hears of it
 * like everybody else. So a stop reply has one origin, whoever stopped the
 * machine: the STOP event.
 *
 * If the machine was reset or let go on between a hit and its delivery, the
 * hit is dropped: what has not gone away is met again.
 */

#include "gdbstub-internal.h"
#include "hw/core/run-state.h"
#include "trace.h"
#include "util/container-of.h"
#include "util/main-loop.h"

#define MAX_RESENT 3

void gdb_send(GdbSession *s, const char *payload, size_t size)
{
    g_string_truncate(s->sent, 0);
    gdb_append_packet(s->sent, payload, size);
    s->resent = 0;
    s->write(s->write_opaque, s->sent->str, s->sent->len);
}

static void send_ack(GdbSession *s, char ack)
{
    if (!s->no_ack) {
        s->write(s->write_opaque, &ack, 1);
    }
}

/* Only so often: the peer may think nothing of any packet. */
static void send_again(GdbSession *s)
{
    if (!s->no_ack && s->sent->len && s->resent < MAX_RESENT) {
        s->resent++;
        s->write(s->write_opaque, s->sent->str, s->sent->len);
    }
}

void gdb_stop_machine(GdbSession *s, const GdbStop *stop)
{
    if (run_state_is_running()) {
        s->stop = *stop;
        vm_stop_debug();
    }
}

static void drop_hit(GdbSession *s)
{
    MUTEX_GUARD(&s->lock);

    s->has_hit = false;
}

/* The vCPU's thread. */
static void on_hit(void *opaque, const DebugHit *hit);

static bool take_hit(GdbSession *s, DebugHit *hit)
{
    MUTEX_GUARD(&s->lock);
    bool taken = s->has_hit;

    *hit = s->hit;
    s->has_hit = false;
    return taken;
}

static void deliver_hit(void *opaque)
{
    GdbSession *s = opaque;
    DebugHit hit;

    if (take_hit(s, &hit)) {
        trace_gdb_hit(hit.cpu, hit.reason, hit.point.addr);
        gdb_stop_machine(s, &(GdbStop){
                                .cpu = hit.cpu,
                                .signal = GDB_SIGTRAP,
                                .hit = true,
                                .reason = hit.reason,
                                .point = hit.point,
                            });
    }
}

static void on_hit(void *opaque, const DebugHit *hit)
{
    GdbSession *s = opaque;
    MUTEX_GUARD(&s->lock);

    if (!s->has_hit) {
        s->has_hit = true;
        s->hit = *hit;
        main_loop_schedule(deliver_hit, s);
    }
}

static void on_stop(GdbSession *s)
{
    g_autoptr(GString) text = g_string_new(NULL);

    gdb_reset_modes(s);
    s->cpu = s->stop.cpu;
    if (s->waiting) {
        s->waiting = false;
        gdb_append_stop(s, text);
        trace_gdb_stop(text->str);
        gdb_send(s, text->str, text->len);
    }
}

static void on_end(GdbSession *s, VmCause cause)
{
    if (s->waiting) {
        s->waiting = false;
        gdb_send(s, cause == VM_FAILURE ? "W01" : "W00", 3);
    }
}

static void on_vm_event(VmListener *listener, VmEvent event, VmCause cause)
{
    GdbSession *s = container_of(listener, GdbSession, listener);

    switch (event) {
    case VM_EVENT_STOP:
        on_stop(s);
        break;
    case VM_EVENT_SHUTDOWN:
        on_end(s, cause);
        break;
    default:
        drop_hit(s);
    }
}

static void on_packet(GdbSession *s)
{
    send_ack(s, '+');
    g_string_truncate(s->reply, 0);
    if (gdb_execute(s)) {
        gdb_send(s, s->reply->str, s->reply->len);
    }
}

static void on_input(GdbSession *s, GdbInput input)
{
    switch (input) {
    case GDB_INPUT_PACKET:
        on_packet(s);
        break;
    case GDB_INPUT_LONG:
        /* To ask for it again would bring it again. */
        send_ack(s, '+');
        gdb_send(s, "E01", 3);
        break;
    case GDB_INPUT_BAD:
        send_ack(s, '-');
        break;
    case GDB_INPUT_NACK:
        send_again(s);
        break;
    case GDB_INPUT_INTERRUPT:
        gdb_stop_machine(s, &(GdbStop){.cpu = s->cpu, .signal = GDB_SIGINT});
        break;
    default:
        break;
    }
}

void gdb_session_feed(GdbSession *s, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        on_input(s, gdb_reader_feed(&s->reader, data[i]));
    }
}

GdbSession *gdb_session_new(Accel *accel, unsigned num_cpus, GdbWriteFn write,
                            void *opaque)
{
    GdbSession *s = g_new0(GdbSession, 1);

    s->accel = accel;
    s->ops = ACCEL_GET_CLASS(accel)->debug;
    s->num_cpus = num_cpus;
    s->write = write;
    s->write_opaque = opaque;
    s->reply = g_string_new(NULL);
    s->sent = g_string_new(NULL);
    s->resume_cpu = GDB_ALL_CPUS;
    s->modes = g_new0(DebugResume, num_cpus); /* DEBUG_RUN */
    s->points = g_array_new(FALSE, FALSE, sizeof(GdbPoint));
    s->stop = (GdbStop){.signal = GDB_SIGTRAP};
    mutex_init(&s->lock);
    s->listener.event = on_vm_event;
    vm_listen(&s->listener);
    accel_debug_set_handler(on_hit, s);
    vm_stop_debug();
    return s;
}

/* Has the accelerator been told anything that a CPU can still stop for? */
static bool is_armed(const GdbSession *s)
{
    bool armed = s->points->len;

    for (unsigned cpu = 0; cpu < s->num_cpus; cpu++) {
        armed |= s->modes[cpu] != DEBUG_RUN;
    }
    return armed;
}

/* To take it back needs a stop, which also frees a CPU that has just hit. */
static void let_go(GdbSession *s)
{
    s->waiting = false;
    if (run_state_is_running() && is_armed(s)) {
        vm_stop_debug();
    }
    gdb_remove_all_points(s);
    if (g_strcmp0(vm_status(), "debug") == 0) {
        vm_start();
    }
}

void gdb_session_free(GdbSession *s)
{
    if (!s) {
        return;
    }
    accel_debug_set_handler(NULL, NULL);
    main_loop_cancel(s);
    let_go(s);
    vm_unlisten(&s->listener);
    mutex_finish(&s->lock);
    g_array_unref(s->points);
    g_free(s->modes);
    g_string_free(s->sent, TRUE);
    g_string_free(s->reply, TRUE);
    g_free(s);
}
