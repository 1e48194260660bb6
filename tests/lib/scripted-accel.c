/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator of the gdb stub's tests. It keeps to the contract of
 * accel/debug.h itself, and asserts that its caller does.
 */

#include "scripted-accel.h"
#include "util/main-loop.h"

static ScriptedAccel *stopped(Accel *accel)
{
    ScriptedAccel *a = SCRIPTED_ACCEL(accel);

    g_assert_true(machine_locked());
    g_assert_false(a->running);
    return a;
}

static void scripted_start(Accel *accel)
{
    ScriptedAccel *a = stopped(accel);

    a->running = true;
    a->starts++;
}

static void scripted_stop(Accel *accel)
{
    ScriptedAccel *a = SCRIPTED_ACCEL(accel);

    g_assert_true(a->running);
    a->running = false;
}

static bool scripted_read_regs(Accel *accel, unsigned cpu, GuestRegs *regs,
                               Error **errp)
{
    ScriptedAccel *a = stopped(accel);

    g_assert_cmpuint(cpu, <, SCRIPTED_CPUS);
    if (a->no_regs) {
        error_setg(errp, "scripted: no registers");
        return false;
    }
    *regs = a->regs[cpu];
    return true;
}

static bool scripted_write_regs(Accel *accel, unsigned cpu,
                                const GuestRegs *regs, Error **errp)
{
    ScriptedAccel *a = stopped(accel);

    g_assert_cmpuint(cpu, <, SCRIPTED_CPUS);
    if (a->no_regs) {
        error_setg(errp, "scripted: no registers");
        return false;
    }
    a->regs[cpu] = *regs;
    return true;
}

static bool scripted_translate(Accel *accel, unsigned cpu, uint64_t va,
                               hwaddr *pa)
{
    stopped(accel);
    g_assert_cmpuint(cpu, <, SCRIPTED_CPUS);
    *pa = va + SCRIPTED_OFFSET;
    return va < SCRIPTED_MAPPED;
}

static int find_point(const ScriptedAccel *a, const DebugPoint *point)
{
    for (unsigned i = 0; i < a->num_points; i++) {
        const DebugPoint *p = &a->points[i];

        if (p->kind == point->kind && p->addr == point->addr &&
            p->size == point->size) {
            return i;
        }
    }
    return -1;
}

static bool scripted_insert(Accel *accel, const DebugPoint *point, Error **errp)
{
    ScriptedAccel *a = stopped(accel);

    g_assert_cmpint(find_point(a, point), <, 0);
    if (a->num_points == SCRIPTED_POINTS) {
        error_setg(errp, "scripted: no room for a breakpoint");
        return false;
    }
    a->points[a->num_points++] = *point;
    return true;
}

static void scripted_remove(Accel *accel, const DebugPoint *point)
{
    ScriptedAccel *a = stopped(accel);
    int i = find_point(a, point);

    g_assert_cmpint(i, >=, 0);
    a->points[i] = a->points[--a->num_points];
}

static bool scripted_set_resume(Accel *accel, unsigned cpu, DebugResume resume,
                                Error **errp)
{
    ScriptedAccel *a = stopped(accel);

    g_assert_cmpuint(cpu, <, SCRIPTED_CPUS);
    if (a->no_resume) {
        error_setg(errp, "scripted: no way to step");
        return false;
    }
    a->resume[cpu] = resume;
    return true;
}

static const AccelDebugOps scripted_debug = {
    .read_regs = scripted_read_regs,
    .write_regs = scripted_write_regs,
    .translate = scripted_translate,
    .insert = scripted_insert,
    .remove = scripted_remove,
    .set_resume = scripted_set_resume,
};

static void scripted_class_init(ObjectClass *klass)
{
    AccelClass *ac = ACCEL_CLASS(klass);

    ac->start = scripted_start;
    ac->stop = scripted_stop;
    ac->debug = &scripted_debug;
}

static const TypeInfo scripted_type = {
    .name = TYPE_SCRIPTED_ACCEL,
    .parent = TYPE_ACCEL,
    .instance_size = sizeof(ScriptedAccel),
    .class_init = scripted_class_init,
};
TYPE_REGISTER(scripted_type)
