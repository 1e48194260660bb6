/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/debug.h"

/**
 * ScriptedAccel: an accelerator whose CPUs are a few structs that a debugger
 * may look at. Virtual addresses below SCRIPTED_MAPPED are physical ones plus
 * SCRIPTED_OFFSET; the rest is not mapped.
 */
#define TYPE_SCRIPTED_ACCEL ACCEL_TYPE_NAME("scripted")
OBJECT_DECLARE_SIMPLE_TYPE(ScriptedAccel, SCRIPTED_ACCEL)

#define SCRIPTED_CPUS 3
#define SCRIPTED_OFFSET 0x10000u
#define SCRIPTED_MAPPED 0x8000u
#define SCRIPTED_POINTS 4

struct ScriptedAccel {
    Accel parent_obj;
    GuestRegs regs[SCRIPTED_CPUS];
    DebugResume resume[SCRIPTED_CPUS];
    DebugPoint points[SCRIPTED_POINTS];
    unsigned num_points;
    bool running;
    unsigned starts;
    /* What is to fail. */
    bool no_regs;
    bool no_resume;
};
