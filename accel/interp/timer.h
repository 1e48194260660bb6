/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "cpu.h"

/*
 * The generic timer of each vCPU: the counter is the machine's virtual clock,
 * so it stands still while the machine does; the physical and the virtual
 * timer each have a private interrupt. Without EL2 the two counts are equal.
 */
#define TIMER_HZ 62500000

/* The machine lock, or a vCPU that is parked. */
void cpu_timers_init(InterpCpu *cpu);
void cpu_timers_finish(InterpCpu *cpu);
void cpu_timers_reset(InterpCpu *cpu);

/** CNTVCT_EL0 and CNTPCT_EL0. Any thread. */
uint64_t timer_count(void);
/** CNTx_CTL_EL0, with ISTATUS. */
uint64_t timer_read_ctl(const InterpTimer *timer);
/** The vCPU's own thread, in the guest and without the machine lock. */
void timer_write_ctl(InterpTimer *timer, uint64_t value);
void timer_write_cval(InterpTimer *timer, uint64_t value);
