/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/accel.h"
#include "accel/soft-gic.h"
#include "cpu.h"
#include "ram.h"

/*
 * The accelerator "interp": its vCPUs, a thread each, their RAM and the
 * software interrupt controller.
 */
#define TYPE_INTERP_ACCEL ACCEL_TYPE_NAME("interp")
OBJECT_DECLARE_SIMPLE_TYPE(InterpAccel, INTERP_ACCEL)

struct InterpAccel {
    Accel parent_obj;
    InterpCpu **cpus;
    unsigned num_cpus;
    SoftGic *gic; /* the machine's; NULL before create_gic */
    bool inited;
    unsigned phys_bits;
    unsigned phys_range; /* the same as ID_AA64MMFR0_EL1.PARange */
    _Atomic(RamMap *) ram;
    MemoryListener ram_listener;
    GArray *ram_next; /* RamBlock; the map being made */
    bool ram_changed; /* since the listener's begin */
    bool ram_lost;
    GPtrArray *ram_code; /* RamCode of each region */
    Mutex code_lock;     /* whoever takes a code flag away; before CpuWork's */

    Mutex lock; /* guards what follows, and each CpuThread's state */
    Cond changed;
    unsigned num_running;
    bool quit;
};

/* ram.c; machine lock. */
void interp_ram_init(InterpAccel *accel);
void interp_ram_finish(InterpAccel *accel);
/**
 * RAM at [@offset, @offset + @size) of @mr was written: forget its code. Any
 * thread.
 */
void interp_ram_written(InterpAccel *accel, MemoryRegion *mr, uint64_t offset,
                        uint64_t size);
/**
 * The page with @flag, at @page of the host, was written: if it has code, all
 * vCPUs but @self (may be NULL) have word to forget it when this returns,
 * whoever of those who ask at the same time was the first. @self has forgotten
 * it or has word, too. Any thread.
 */
void interp_ram_forget(InterpAccel *accel, InterpCpu *self,
                       _Atomic uint8_t *flag, void *page);
