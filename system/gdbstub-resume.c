/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the machine goes on after a stop, and what is said when it stops again.
 * Signals that gdb wants to hand on are taken and dropped: a CPU has none.
 */

#include <inttypes.h>
#include <string.h>

#include "gdbstub-internal.h"
#include "hw/core/run-state.h"
#include "trace.h"
#include "util/log.h"

static bool set_mode(GdbSession *s, unsigned cpu, DebugResume mode,
                     Error **errp)
{
    if (s->modes[cpu] != mode) {
        if (!s->ops->set_resume(s->accel, cpu, mode, errp)) {
            return false;
        }
        s->modes[cpu] = mode;
    }
    return true;
}

void gdb_reset_modes(GdbSession *s)
{
    for (unsigned cpu = 0; cpu < s->num_cpus; cpu++) {
        g_autoptr(Error) err = NULL;

        if (!set_mode(s, cpu, DEBUG_RUN, &err)) {
            error_report("gdb: %s", error_get_pretty(err));
        }
    }
}

static bool set_modes(GdbSession *s, const DebugResume *modes)
{
    for (unsigned cpu = 0; cpu < s->num_cpus; cpu++) {
        g_autoptr(Error) err = NULL;

        if (!set_mode(s, cpu, modes[cpu], &err)) {
            warn_report("gdb: %s", error_get_pretty(err));
            return false;
        }
    }
    return true;
}

static bool refuse(GdbSession *s)
{
    g_string_assign(s->reply, "E01");
    return false;
}

/* The stop reply is the answer, and comes later. */
static bool go(GdbSession *s, const DebugResume *modes)
{
    if (!set_modes(s, modes)) {
        gdb_reset_modes(s);
        return refuse(s);
    }
    s->stop = (GdbStop){.cpu = s->cpu, .signal = GDB_SIGINT};
    s->waiting = true;
    vm_start();
    if (s->waiting && !run_state_is_running()) {
        s->waiting = false;
        g_string_assign(s->reply, "W00");
        return false;
    }
    return true;
}

bool gdb_take_thread(const GdbSession *s, GdbText *text, int any, int *cpu)
{
    uint64_t number;

    if (gdb_take_char(text, '-')) {
        *cpu = GDB_ALL_CPUS;
        return gdb_take_number(text, &number) && number == 1;
    }
    if (!gdb_take_number(text, &number) || number > s->num_cpus) {
        return false;
    }
    *cpu = number ? (int)number - 1 : any;
    return true;
}

/* The CPUs from @first to before *@end that thread-id @cpu means. */
static unsigned cpus_of(const GdbSession *s, int cpu, unsigned *end)
{
    *end = cpu == GDB_ALL_CPUS ? s->num_cpus : (unsigned)cpu + 1;
    return cpu == GDB_ALL_CPUS ? 0 : cpu;
}

/* "c", "C05", "s" or "S05", and ":THREAD" or nothing. */
static bool take_action(const GdbSession *s, GdbText *text, DebugResume *mode,
                        int *cpu)
{
    uint64_t signal;
    bool has_signal = false;

    *cpu = GDB_ALL_CPUS;
    if (gdb_take_char(text, 'C')) {
        has_signal = true;
        *mode = DEBUG_RUN;
    } else if (gdb_take_char(text, 'S')) {
        has_signal = true;
        *mode = DEBUG_STEP;
    } else if (gdb_take_char(text, 'c')) {
        *mode = DEBUG_RUN;
    } else if (gdb_take_char(text, 's')) {
        *mode = DEBUG_STEP;
    } else {
        return false;
    }
    return (!has_signal || gdb_take_number(text, &signal)) &&
           (!gdb_take_char(text, ':') || gdb_take_thread(s, text, s->cpu, cpu));
}

/* The leftmost action for a CPU counts; one without any stays where it is. */
bool gdb_vcont(GdbSession *s, GdbText args)
{
    g_autofree DebugResume *modes = g_new(DebugResume, s->num_cpus);
    bool any = false;
    DebugResume mode;
    int cpu;

    for (unsigned i = 0; i < s->num_cpus; i++) {
        modes[i] = DEBUG_HOLD;
    }
    while (gdb_take_char(&args, ';')) {
        unsigned end, i;

        if (!take_action(s, &args, &mode, &cpu)) {
            return refuse(s);
        }
        for (i = cpus_of(s, cpu, &end); i < end; i++) {
            if (modes[i] == DEBUG_HOLD) {
                modes[i] = mode;
                any = true;
            }
        }
    }
    return any && args.p == args.end ? go(s, modes) : refuse(s);
}

static bool jump(GdbSession *s, unsigned cpu, uint64_t pc)
{
    GuestRegs regs;

    if (!s->ops->read_regs(s->accel, cpu, &regs, NULL)) {
        return false;
    }
    regs.pc = pc;
    return s->ops->write_regs(s->accel, cpu, &regs, NULL);
}

/* Hc chose whether the others run along. */
bool gdb_resume(GdbSession *s, GdbText args, bool step, bool has_signal)
{
    g_autofree DebugResume *modes = g_new(DebugResume, s->num_cpus);
    bool all = s->resume_cpu == GDB_ALL_CPUS;
    unsigned cpu = all ? s->cpu : (unsigned)s->resume_cpu;
    uint64_t signal, pc;

    if (has_signal && (!gdb_take_number(&args, &signal) ||
                       (!gdb_take_char(&args, ';') && args.p < args.end))) {
        return refuse(s);
    }
    if (args.p < args.end && (!gdb_take_number(&args, &pc) ||
                              args.p < args.end || !jump(s, cpu, pc))) {
        return refuse(s);
    }
    for (unsigned i = 0; i < s->num_cpus; i++) {
        modes[i] = all ? DEBUG_RUN : DEBUG_HOLD;
    }
    modes[cpu] = step ? DEBUG_STEP : DEBUG_RUN;
    return go(s, modes);
}

static void append_point(GdbSession *s, GString *out)
{
    static const char *const names[] = {
        [DEBUG_WATCH_WRITE] = "watch",
        [DEBUG_WATCH_READ] = "rwatch",
        [DEBUG_WATCH_ACCESS] = "awatch",
    };
    const DebugPoint *point = &s->stop.point;

    if (s->stop.reason == DEBUG_HIT_WATCH) {
        g_string_append_printf(out, "%s:%" PRIx64 ";", names[point->kind],
                               point->addr);
    } else if (s->stop.reason == DEBUG_HIT_BREAK) {
        if (s->swbreak && gdb_has_point(s, GDB_Z_SOFT, point->addr)) {
            g_string_append(out, "swbreak:;");
        } else if (s->hwbreak && gdb_has_point(s, GDB_Z_HARD, point->addr)) {
            g_string_append(out, "hwbreak:;");
        }
    }
}

void gdb_append_stop(GdbSession *s, GString *out)
{
    g_string_append_printf(out, "T%02xthread:%02x;", s->stop.signal,
                           s->stop.cpu + 1);
    if (s->stop.hit) {
        append_point(s, out);
    }
}
