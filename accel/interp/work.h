/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/*
 * What vCPUs have to do for each other. Work is left in the other's queue and
 * done between two of its blocks, or before it enters the guest again. A vCPU
 * that is not in the guest (parked, asleep, at a device, waiting here) has
 * nothing stale in use, so nobody waits for it.
 */
typedef enum WorkKind {
    WORK_TLB_ALL,
    WORK_TLB_VA,     /* arg: virtual address */
    WORK_TLB_ASID,   /* arg: ASID */
    WORK_PROTECT,    /* arg: host address of a page that has code now */
    WORK_FORGET,     /* arg: host address of a page with code, now written */
    WORK_FORGET_ALL, /* instruction cache invalidate all */
} WorkKind;

/** For every vCPU but @self (NULL: for all). Any thread; does not wait. */
void work_post(InterpAccel *accel, InterpCpu *self, WorkKind kind,
               uint64_t arg);
/**
 * Until no other vCPU has work from before this call to do: the end of DSB.
 * vCPU thread, in the guest; @self's own work is done meanwhile.
 */
void work_wait(InterpCpu *self);
/** The same for a thread that is no vCPU's, with the machine lock held. */
void work_wait_all(InterpAccel *accel);

/**
 * Around whatever may block, or may wait for a lock that is held by someone
 * who waits for vCPUs. Work may be done on the way back in: TLB entries and
 * host addresses taken before are stale.
 */
void work_leave_guest(InterpCpu *cpu);
void work_enter_guest(InterpCpu *cpu);
/** Does what is in the queue. In the guest. */
void work_run(InterpCpu *cpu);

/** For cpu_new() and cpu_free(). */
struct CpuWork *cpu_work_new(void);
void cpu_work_free(struct CpuWork *work);
