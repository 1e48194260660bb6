/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "interp.h"

/*
 * The host thread of each vCPU: when it runs, sleeps and parks.
 */
bool cpu_threads_create(InterpAccel *accel, Error **errp);
/** All vCPUs are parked. */
void cpu_threads_destroy(InterpAccel *accel);

/* Machine lock; as the accelerator's methods of these names. */
void cpu_threads_start(InterpAccel *accel);
void cpu_threads_stop(InterpAccel *accel);
/** Asks one vCPU to park, whatever it waits for. Any thread. */
void cpu_park(InterpCpu *cpu);
/** While parked: vCPU 0 on, the others off. */
void cpu_threads_reset(InterpAccel *accel);

/** What the interrupt controller calls. Any thread. */
extern const SoftGicCpuOps cpu_irq_ops;

/* vCPU threads, in the guest. */

/** WFI: returns when there is an interrupt or the vCPU is to park. */
void cpu_wait_for_interrupt(InterpCpu *cpu);
/** WFE and YIELD: lets others have the host's CPU. */
void cpu_yield(InterpCpu *cpu);
/** No more of the guest's instructions until it is switched on or reset. */
void cpu_switch_off(InterpCpu *cpu);

typedef enum CpuPower { CPU_OFF, CPU_ON_PENDING, CPU_ON } CpuPower;
CpuPower cpu_power(InterpCpu *cpu);
/** False unless @cpu was off. */
bool cpu_switch_on(InterpCpu *cpu, const VcpuEntry *entry);
