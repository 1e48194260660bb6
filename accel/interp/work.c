/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that vCPUs leave for each other. Who posts and who enters the guest
 * both write first and look then (the queue and in_guest, one the mirror of
 * the other), so either the poster sees a vCPU that is in the guest and waits
 * for it, or that vCPU sees the work before it runs anything.
 */
#include "work.h"

#include "block.h"
#include "interp.h"
#include "tlb.h"
#include "trace.h"

#define QUEUE_SIZE 32
#define SPINS 200 /* a block is over sooner than a thread sleeps */

typedef struct WorkItem {
    WorkKind kind;
    uint64_t arg;
} WorkItem;

struct CpuWork {
    Mutex lock; /* guards the queue */
    WorkItem items[QUEUE_SIZE];
    unsigned n;
    bool overflow; /* there was more: flush and forget all */
    _Atomic uint32_t posted;
    _Atomic uint32_t done;
    _Atomic bool in_guest;
    _Atomic unsigned waiters; /* that sleep until this is done */
    Cond finished;
    bool owes; /* this vCPU posted something that it has not waited for */
};

struct CpuWork *cpu_work_new(void)
{
    struct CpuWork *work = g_new0(struct CpuWork, 1);

    mutex_init(&work->lock);
    cond_init(&work->finished);
    return work;
}

void cpu_work_free(struct CpuWork *work)
{
    if (work) {
        cond_finish(&work->finished);
        mutex_finish(&work->lock);
        g_free(work);
    }
}

static void post_to(InterpCpu *cpu, WorkKind kind, uint64_t arg)
{
    struct CpuWork *work = cpu->work;
    MUTEX_GUARD(&work->lock);

    if (work->n < QUEUE_SIZE) {
        work->items[work->n++] = (WorkItem){kind, arg};
    } else {
        work->overflow = true;
    }
    atomic_fetch_add(&work->posted, 1);
    cpu_post(cpu, EVENT_WORK);
}

void work_post(InterpAccel *accel, InterpCpu *self, WorkKind kind, uint64_t arg)
{
    for (unsigned i = 0; i < accel->num_cpus; i++) {
        if (accel->cpus[i] != self) {
            post_to(accel->cpus[i], kind, arg);
        }
    }
    if (self) {
        self->work->owes = accel->num_cpus > 1;
    }
}

static void do_item(InterpCpu *cpu, const WorkItem *item)
{
    trace_interp_work(cpu->index, item->kind, item->arg);
    switch (item->kind) {
    case WORK_TLB_ALL:
        tlb_flush_all(cpu);
        break;
    case WORK_TLB_VA:
        tlb_flush_va(cpu, item->arg);
        break;
    case WORK_TLB_ASID:
        tlb_flush_asid(cpu, item->arg);
        break;
    case WORK_PROTECT:
        tlb_protect_code(cpu, (void *)(uintptr_t)item->arg);
        break;
    case WORK_FORGET:
        block_forget_page(cpu, (void *)(uintptr_t)item->arg);
        break;
    case WORK_FORGET_ALL:
        block_forget_all(cpu);
        break;
    }
}

static unsigned take_items(struct CpuWork *work, WorkItem *items,
                           bool *overflow, uint32_t *posted)
{
    MUTEX_GUARD(&work->lock);
    unsigned n = work->n;

    for (unsigned i = 0; i < n; i++) {
        items[i] = work->items[i];
    }
    *overflow = work->overflow;
    *posted = atomic_load(&work->posted);
    work->n = 0;
    work->overflow = false;
    return n;
}

static void wake_waiter(struct CpuWork *work)
{
    if (atomic_load(&work->waiters)) {
        MUTEX_GUARD(&work->lock);

        cond_broadcast(&work->finished);
    }
}

void work_run(InterpCpu *cpu)
{
    struct CpuWork *work = cpu->work;
    WorkItem items[QUEUE_SIZE];
    uint32_t posted;
    bool overflow;
    unsigned n;

    atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_WORK);
    n = take_items(work, items, &overflow, &posted);
    for (unsigned i = 0; i < n; i++) {
        do_item(cpu, &items[i]);
    }
    if (overflow) {
        tlb_flush_all(cpu);
        block_forget_all(cpu);
    }
    atomic_store(&work->done, posted);
    wake_waiter(work);
}

void work_leave_guest(InterpCpu *cpu)
{
    atomic_store(&cpu->work->in_guest, false);
    wake_waiter(cpu->work);
}

void work_enter_guest(InterpCpu *cpu)
{
    atomic_store(&cpu->work->in_guest, true);
    if (atomic_load(&cpu->event) & EVENT_WORK) {
        work_run(cpu);
    }
}

static bool is_done(struct CpuWork *work, uint32_t posted)
{
    return !atomic_load(&work->in_guest) ||
           (int32_t)(atomic_load(&work->done) - posted) >= 0;
}

static void wait_for(struct CpuWork *work)
{
    uint32_t posted = atomic_load(&work->posted);

    for (unsigned i = 0; i < SPINS; i++) {
        if (is_done(work, posted)) {
            return;
        }
    }
    MUTEX_GUARD(&work->lock);
    atomic_fetch_add(&work->waiters, 1);
    while (!is_done(work, posted)) {
        cond_wait(&work->finished, &work->lock);
    }
    atomic_fetch_sub(&work->waiters, 1);
}

static void wait_for_all(InterpAccel *accel, const InterpCpu *self)
{
    for (unsigned i = 0; i < accel->num_cpus; i++) {
        if (accel->cpus[i] != self) {
            wait_for(accel->cpus[i]->work);
        }
    }
}

void work_wait(InterpCpu *self)
{
    if (self->work->owes) {
        self->work->owes = false;
        work_leave_guest(self);
        wait_for_all(self->accel, self);
        work_enter_guest(self);
    }
}

void work_wait_all(InterpAccel *accel)
{
    wait_for_all(accel, NULL);
}
