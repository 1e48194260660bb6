/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic timers. A timer's line is level: ENABLE, not IMASK, and the
 * count at or past CVAL. Only time and the two registers change that, so the
 * line is told at each write and once when the time has come. The count of
 * 62.5 MHz is the virtual clock's nanoseconds by 16.
 */
#include "timer.h"

#include "interp.h"
#include "trace.h"
#include "util/main-loop.h"
#include "work.h"

#define NS_PER_TICK (NS_PER_S / TIMER_HZ)
G_STATIC_ASSERT(NS_PER_TICK *TIMER_HZ == NS_PER_S);

#define CTL_ENABLE 1u
#define CTL_IMASK 2u
#define CTL_ISTATUS 4u

static const unsigned timer_intids[NUM_TIMERS] = {
    [TIMER_PHYS] = 30,
    [TIMER_VIRT] = 27,
};

uint64_t timer_count(void)
{
    return clock_get_ns(CLOCK_VIRTUAL) / NS_PER_TICK;
}

static bool has_come(const InterpTimer *timer)
{
    return timer_count() >= timer->cval;
}

uint64_t timer_read_ctl(const InterpTimer *timer)
{
    return timer->ctl |
           (timer->ctl & CTL_ENABLE && has_come(timer) ? CTL_ISTATUS : 0);
}

/* Tells the line, and asks to be called when it is to change by itself. */
static void timer_update(InterpTimer *timer)
{
    SoftGic *gic = timer->cpu->accel->gic;
    bool on = timer->ctl & CTL_ENABLE;
    bool level = on && !(timer->ctl & CTL_IMASK) && has_come(timer);

    trace_interp_timer(timer->cpu->index, timer->intid, timer->ctl, timer->cval,
                       level);
    if (on && !(timer->ctl & CTL_IMASK) && !level &&
        timer->cval < INT64_MAX / NS_PER_TICK) {
        timer_mod_ns(&timer->timer, timer->cval * NS_PER_TICK);
    } else {
        timer_del(&timer->timer);
    }
    if (gic) {
        SOFT_GIC_GET_CLASS(gic)->set_ppi(gic, timer->cpu->index, timer->intid,
                                         level);
    }
}

static void timer_expired(void *opaque)
{
    timer_update(opaque);
}

/* Whoever has the machine lock may be waiting for this vCPU's work. */
static void timer_write(InterpTimer *timer, uint32_t ctl, uint64_t cval)
{
    work_leave_guest(timer->cpu);
    machine_lock();
    timer->ctl = ctl;
    timer->cval = cval;
    timer_update(timer);
    machine_unlock();
    work_enter_guest(timer->cpu);
}

void timer_write_ctl(InterpTimer *timer, uint64_t value)
{
    timer_write(timer, value & (CTL_ENABLE | CTL_IMASK), timer->cval);
}

void timer_write_cval(InterpTimer *timer, uint64_t value)
{
    timer_write(timer, timer->ctl, value);
}

void cpu_timers_init(InterpCpu *cpu)
{
    for (unsigned i = 0; i < NUM_TIMERS; i++) {
        InterpTimer *timer = &cpu->timers[i];

        timer->cpu = cpu;
        timer->intid = timer_intids[i];
        timer_init(&timer->timer, CLOCK_VIRTUAL, timer_expired, timer);
    }
}

void cpu_timers_finish(InterpCpu *cpu)
{
    for (unsigned i = 0; i < NUM_TIMERS; i++) {
        timer_finish(&cpu->timers[i].timer);
    }
}

void cpu_timers_reset(InterpCpu *cpu)
{
    for (unsigned i = 0; i < NUM_TIMERS; i++) {
        cpu->timers[i].ctl = 0;
        cpu->timers[i].cval = 0;
        timer_update(&cpu->timers[i]);
    }
}
