/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/accel.h"

/*
 * The accelerator `qtest`: no CPUs, a virtual clock that only the test moves,
 * and an interrupt controller that remembers what its inputs were told and
 * leaves the rest to the test.
 */
#define TYPE_QTEST_ACCEL ACCEL_TYPE_NAME("qtest")

#define TYPE_QTEST_GIC "qtest-gic"
OBJECT_DECLARE_SIMPLE_TYPE(QtestGic, QTEST_GIC)

/** QtestGicInput: what one input knows. */
typedef struct QtestGicInput {
    int level;
    IrqTrigger trigger;
    IrqEoiFn eoi; /* NULL: nobody wants to hear */
    void *eoi_opaque;
} QtestGicInput;

struct QtestGic {
    DeviceState parent_obj;
    uint32_t num_inputs; /* property, before realize */
    QtestGicInput *inputs;
};

/**
 * Plays the guest's end of interrupt on input @n: lowers the level, then calls
 * who attached. False if there is no such input.
 */
bool qtest_gic_eoi(QtestGic *gic, unsigned n);
