/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUs of el1-smp and el1-smp-tlb: the first one says what is done, the
 * others wait for it, and all begin and end at once.
 */
#include "el1-cpus.h"

unsigned rounds;
Word counter, wrong, data[CPUS], flag[CPUS], answer[CPUS];

static Space *cpus_space;
static Word arrived, phase;
static Task *volatile task;

void meet(void)
{
    uint64_t now = load_acquire(&phase);

    if (add_exclusive(&arrived.v, 1) == CPUS) {
        arrived.v = 0;
        store_release(&phase, now + 1);
        return;
    }
    while (load_acquire(&phase) == now) {
        relax();
    }
}

void all(Task *t)
{
    task = t;
    meet();
    t(0);
    meet();
}

void cpus_enter(void)
{
    mmu_use(cpus_space, NULL, 0);
    gic_cpu_init();
    for (unsigned i = 0; i < 16; i++) {
        gic_set(GIC_ISENABLER, i);
    }
}

void cpus_follow(void)
{
    cpus_enter();
    for (;;) {
        meet();
        task(this_cpu());
        meet();
    }
}

void cpus_init(Space *space)
{
    rounds = arg("n", 2000);
    space_init(space, 12, 25);
    map_machine(space);
    cpus_space = space;
    gic_init();
}

void counted(const char *name, Task *t)
{
    counter.v = 0;
    all(t);
    show_number(name, counter.v);
}

void ordered(const char *name, Task *t)
{
    for (unsigned i = 0; i < CPUS; i++) {
        data[i].v = flag[i].v = answer[i].v = 0;
    }
    wrong.v = 0;
    all(t);
    print("%s: %s: wrong=%lu\n", el1_name, name, wrong.v);
}
