/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPU threads. Each runs its vCPU from start to stop; in between it sleeps
 * when the guest waits for an interrupt or has switched the vCPU off. Whoever
 * wakes one posts an event first and then looks whether it sleeps; who goes to
 * sleep says so first and looks for events then.
 */
#include "thread.h"

#include <sched.h>
#include <stdio.h>

#include "block.h"
#include "debug.h"
#include "hw/core/run-state.h"
#include "trace.h"
#include "util/main-loop.h"
#include "work.h"

#define STACK_SIZE (256 * 1024)

struct CpuThread {
    InterpCpu *cpu;
    pthread_t thread;
    bool exists;
    bool running; /* guarded by InterpAccel.lock */

    Mutex lock; /* guards what follows; a leaf */
    Cond wake;
    CpuPower power;
    VcpuEntry entry; /* of CPU_ON_PENDING */
    _Atomic bool sleeping;
};

/* ---- sleeping and waking ---- */

static void wake(InterpCpu *cpu)
{
    struct CpuThread *t = cpu->thread;

    if (t && atomic_load(&t->sleeping)) {
        MUTEX_GUARD(&t->lock);

        cond_signal(&t->wake);
    }
}

static void post_and_wake(InterpCpu *cpu, uint32_t event)
{
    cpu_post(cpu, event);
    wake(cpu);
}

/* The controller outlives the vCPUs, and devices lower their lines last. */
static InterpCpu *cpu_of(InterpAccel *accel, unsigned n)
{
    return n < accel->num_cpus ? accel->cpus[n] : NULL;
}

static void set_input(InterpCpu *cpu, _Atomic bool *input, bool level)
{
    atomic_store(input, level);
    if (level) {
        post_and_wake(cpu, EVENT_IRQ);
    }
}

static void set_irq(void *opaque, unsigned n, bool level)
{
    InterpCpu *cpu = cpu_of(opaque, n);

    if (cpu) {
        set_input(cpu, &cpu->irq, level);
    }
}

static void set_fiq(void *opaque, unsigned n, bool level)
{
    InterpCpu *cpu = cpu_of(opaque, n);

    if (cpu) {
        set_input(cpu, &cpu->fiq, level);
    }
}

const SoftGicCpuOps cpu_irq_ops = {
    .set_irq = set_irq,
    .set_fiq = set_fiq,
};

static bool is_stopping(const InterpCpu *cpu)
{
    return atomic_load(&cpu->event) & EVENT_STOP;
}

typedef bool WakeFn(const InterpCpu *cpu);

/* Until @awake or the vCPU is to park. Not in the guest; lock held. */
static void sleep_locked(InterpCpu *cpu, WakeFn *awake)
{
    struct CpuThread *t = cpu->thread;

    atomic_store(&t->sleeping, true);
    while (!is_stopping(cpu) && !awake(cpu)) {
        cond_wait(&t->wake, &t->lock);
    }
    atomic_store(&t->sleeping, false);
}

void cpu_wait_for_interrupt(InterpCpu *cpu)
{
    if (!cpu->thread || cpu_has_interrupt(cpu)) {
        return;
    }
    trace_interp_sleep(cpu->index);
    work_leave_guest(cpu);
    mutex_lock(&cpu->thread->lock);
    sleep_locked(cpu, cpu_has_interrupt);
    mutex_unlock(&cpu->thread->lock);
    work_enter_guest(cpu);
}

void cpu_yield(InterpCpu *cpu)
{
    if (cpu->accel->num_cpus > 1) {
        work_leave_guest(cpu);
        sched_yield();
        work_enter_guest(cpu);
    }
}

/* ---- power ---- */

static bool is_on(const InterpCpu *cpu)
{
    return cpu->thread->power != CPU_OFF;
}

CpuPower cpu_power(InterpCpu *cpu)
{
    MUTEX_GUARD(&cpu->thread->lock);

    return cpu->thread->power;
}

bool cpu_switch_on(InterpCpu *cpu, const VcpuEntry *entry)
{
    struct CpuThread *t = cpu->thread;
    MUTEX_GUARD(&t->lock);

    if (t->power != CPU_OFF) {
        return false;
    }
    t->power = CPU_ON_PENDING;
    t->entry = *entry;
    cond_signal(&t->wake);
    return true;
}

void cpu_switch_off(InterpCpu *cpu)
{
    MUTEX_GUARD(&cpu->thread->lock);

    cpu->thread->power = CPU_OFF;
    cpu_post(cpu, EVENT_POWER);
}

static void enter_at(InterpCpu *cpu, const VcpuEntry *entry)
{
    cpu_reset(cpu);
    cpu->pc = entry->pc;
    cpu->x[0] = entry->x0;
}

/* Sleeps while the vCPU is off; then starts it. */
static void follow_power(InterpCpu *cpu)
{
    struct CpuThread *t = cpu->thread;
    VcpuEntry entry;
    bool starts;

    atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_POWER);
    work_leave_guest(cpu);
    mutex_lock(&t->lock);
    sleep_locked(cpu, is_on);
    starts = t->power == CPU_ON_PENDING && !is_stopping(cpu);
    if (starts) {
        t->power = CPU_ON;
        entry = t->entry;
    } else if (t->power != CPU_ON) {
        cpu_post(cpu, EVENT_POWER); /* after the stop, again */
    }
    mutex_unlock(&t->lock);
    if (starts) {
        machine_lock();
        enter_at(cpu, &entry);
        machine_unlock();
        trace_interp_cpu_on(cpu->index, entry.pc);
    }
    work_enter_guest(cpu);
}

/* ---- running ---- */

static void follow_events(InterpCpu *cpu)
{
    uint32_t event = atomic_load(&cpu->event);

    if (event & EVENT_WORK) {
        work_run(cpu);
    }
    if (event & EVENT_POWER) {
        follow_power(cpu);
    }
    if (event & EVENT_IRQ && !debug_holds_interrupts(cpu)) {
        /* Posted again when the mask is lifted. */
        atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_IRQ);
        cpu_take_interrupt(cpu);
    }
}

static void run(InterpCpu *cpu)
{
    work_enter_guest(cpu);
    while (!is_stopping(cpu)) {
        follow_events(cpu);
        if (atomic_load(&cpu->event) & EVENT_STEP) {
            debug_step(cpu);
        } else {
            cpu_execute(cpu, NULL);
        }
    }
    work_leave_guest(cpu);
}

/* False when the thread is to end. */
static bool wait_for_start(struct CpuThread *t)
{
    InterpAccel *accel = t->cpu->accel;
    MUTEX_GUARD(&accel->lock);

    while (!t->running && !accel->quit) {
        cond_wait(&accel->changed, &accel->lock);
    }
    return !accel->quit;
}

static void parked(struct CpuThread *t)
{
    InterpAccel *accel = t->cpu->accel;
    MUTEX_GUARD(&accel->lock);

    trace_interp_parked(t->cpu->index, t->cpu->pc, t->cpu->insns);
    t->running = false;
    if (--accel->num_running == 0) {
        cond_broadcast(&accel->changed);
    }
}

static void *thread_main(void *opaque)
{
    struct CpuThread *t = opaque;
    char name[16];

    snprintf(name, sizeof(name), "CPU %u/interp", t->cpu->index);
    pthread_setname_np(pthread_self(), name);
    soft_gic_set_current_cpu(t->cpu->index);
    while (wait_for_start(t)) {
        run(t->cpu);
        parked(t);
    }
    return NULL;
}

void cpu_threads_start(InterpAccel *accel)
{
    MUTEX_GUARD(&accel->lock);

    g_assert(!accel->num_running);
    for (unsigned i = 0; i < accel->num_cpus; i++) {
        InterpCpu *cpu = accel->cpus[i];

        atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_STOP);
        cpu_post(cpu, EVENT_IRQ);
        cpu->thread->running = cpu->debug->resume != DEBUG_HOLD;
        accel->num_running += cpu->thread->running;
    }
    cond_broadcast(&accel->changed);
}

void cpu_park(InterpCpu *cpu)
{
    post_and_wake(cpu, EVENT_STOP);
}

void cpu_threads_stop(InterpAccel *accel)
{
    machine_unlock();
    for (unsigned i = 0; i < accel->num_cpus; i++) {
        cpu_park(accel->cpus[i]);
    }
    mutex_lock(&accel->lock);
    while (accel->num_running) {
        cond_wait(&accel->changed, &accel->lock);
    }
    mutex_unlock(&accel->lock);
    machine_lock();
}

void cpu_threads_reset(InterpAccel *accel)
{
    for (unsigned i = 0; i < accel->num_cpus; i++) {
        InterpCpu *cpu = accel->cpus[i];

        cpu_reset(cpu);
        cpu->thread->power = i == 0 ? CPU_ON : CPU_OFF;
        if (i == 0) {
            atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_POWER);
        } else {
            cpu_post(cpu, EVENT_POWER);
        }
    }
}

/* ---- coming and going ---- */

static void cpu_thread_free(struct CpuThread *t)
{
    if (t) {
        if (t->exists) {
            pthread_join(t->thread, NULL);
        }
        cond_finish(&t->wake);
        mutex_finish(&t->lock);
        g_free(t);
    }
}

static bool cpu_thread_new(InterpCpu *cpu, const pthread_attr_t *attr,
                           Error **errp)
{
    struct CpuThread *t = g_new0(struct CpuThread, 1);
    int err;

    t->cpu = cpu;
    mutex_init(&t->lock);
    cond_init(&t->wake);
    cpu->thread = t;
    err = pthread_create(&t->thread, attr, thread_main, t);
    if (err) {
        error_setg_errno(errp, err, "interp: no thread for CPU %u", cpu->index);
        return false;
    }
    t->exists = true;
    return true;
}

bool cpu_threads_create(InterpAccel *accel, Error **errp)
{
    pthread_attr_t attr;
    sigset_t mask;
    sigset_t old;
    bool ok = true;

    accel->quit = false;
    sigfillset(&mask);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &mask, &old);
    for (unsigned i = 0; ok && i < accel->num_cpus; i++) {
        ok = cpu_thread_new(accel->cpus[i], &attr, errp);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return ok;
}

void cpu_threads_destroy(InterpAccel *accel)
{
    mutex_lock(&accel->lock);
    accel->quit = true;
    cond_broadcast(&accel->changed);
    mutex_unlock(&accel->lock);
    for (unsigned i = 0; i < accel->num_cpus; i++) {
        g_clear_pointer(&accel->cpus[i]->thread, cpu_thread_free);
    }
}
