/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controllers between threads: one that drives lines and moves interrupts
 * from CPU to CPU, two that are CPUs, and the main loop, which raises levels
 * again as soon as it hears of their end. Every event is seen, and a level
 * exactly as often as it was raised; a lost one leaves the test waiting.
 */
#include <stdatomic.h>

#include "gic-fixture.h"
#include "util/lock.h"

#define CPUS 2
#define FIRST 32
#define LEVELS 4 /* SPIs from FIRST on whose end is told */
#define EDGES 4  /* those after them */
#define LINES (LEVELS + EDGES)
#define ROUNDS 2000
#define TIMER 27
#define SGI 3

typedef struct Test Test;

typedef struct Cpu {
    Test *test;
    unsigned index;
    pthread_t thread;
    Mutex lock; /* of irq and stop */
    Cond cond;
    bool irq;
    bool stop;
    atomic_bool timer; /* its level */
    atomic_uint ticks;
    atomic_uint mail, mail_read; /* from the other one, by SGI */
} Cpu;

struct Test {
    GicFixture f;
    bool v3;
    Cpu cpus[CPUS];
    atomic_uint handled[LINES]; /* levels */
    unsigned ended[LINES];      /* machine lock */
    atomic_uint events[LINES];  /* edges: not seen yet */
    atomic_uint seen, sent, raised_timers;
    atomic_bool driven;
};

static void on_irq(void *opaque, unsigned index, bool level)
{
    Cpu *cpu = &((Test *)opaque)->cpus[index];

    MUTEX_GUARD(&cpu->lock);
    cpu->irq = level;
    cond_signal(&cpu->cond);
}

static void on_fiq(void *opaque, unsigned index, bool level)
{
    g_assert_not_reached();
}

static const SoftGicCpuOps ops = {.set_irq = on_irq, .set_fiq = on_fiq};

/* -- a CPU ----------------------------------------------------------------- */

static void send_mail(Cpu *cpu)
{
    Test *t = cpu->test;
    unsigned to = 1 - cpu->index;

    atomic_fetch_add(&t->sent, 1);
    atomic_fetch_add(&t->cpus[to].mail, 1);
    if (t->v3) {
        msr(&t->f, cpu->index, SGI1R, SGI << 24 | 1u << to);
    } else {
        gicd_write_n(&t->f, cpu->index, GICD_SGIR, 1u << to << 16 | SGI, 4);
    }
}

static void handle(Cpu *cpu, unsigned intid)
{
    Test *t = cpu->test;

    if (intid == SGI) {
        atomic_fetch_add(&cpu->mail_read, atomic_exchange(&cpu->mail, 0));
    } else if (intid == TIMER) {
        set_ppi(&t->f, cpu->index, TIMER, false);
        atomic_fetch_add(&cpu->ticks, 1);
        atomic_store(&cpu->timer, false);
    } else if (intid < FIRST + LEVELS) {
        atomic_fetch_add(&t->handled[intid - FIRST], 1);
        send_mail(cpu);
    } else {
        g_assert_cmpuint(intid, <, FIRST + LINES);
        atomic_fetch_add(&t->seen,
                         atomic_exchange(&t->events[intid - FIRST], 0));
    }
}

static bool wait_for_irq(Cpu *cpu)
{
    MUTEX_GUARD(&cpu->lock);

    while (!cpu->irq && !cpu->stop) {
        cond_wait(&cpu->cond, &cpu->lock);
    }
    return cpu->irq;
}

static void *cpu_thread(void *opaque)
{
    Cpu *cpu = opaque;
    Test *t = cpu->test;

    while (wait_for_irq(cpu)) {
        unsigned iar = t->v3 ? mrs(&t->f, cpu->index, IAR1)
                             : gicc_read(&t->f, cpu->index, GICC_IAR);

        if ((iar & 0x3ff) >= 1020) {
            continue; /* it went to the other one meanwhile */
        }
        handle(cpu, iar & 0x3ff);
        if (t->v3) {
            msr(&t->f, cpu->index, EOIR1, iar);
        } else {
            gicc_write(&t->f, cpu->index, GICC_EOIR, iar);
        }
        main_loop_wake();
    }
    return NULL;
}

static void cpu_start(Test *t, unsigned index)
{
    Cpu *cpu = &t->cpus[index];
    GicFixture *f = &t->f;

    cpu->test = t;
    cpu->index = index;
    mutex_init(&cpu->lock);
    cond_init(&cpu->cond);
    if (t->v3) {
        gicr_write(f, index, GICR_SGI + GICD_IGROUPR, ~0u);
        gicr_write(f, index, GICR_SGI + GICD_ISENABLER, ~0u);
        msr(f, index, PMR, 0xff);
        msr(f, index, IGRPEN1, 1);
    } else {
        gicd_write_n(f, index, GICD_ISENABLER, ~0u, 4);
        gicc_write(f, index, GICC_PMR, 0xff);
        gicc_write(f, index, GICC_CTLR, 1);
    }
    pthread_create(&cpu->thread, NULL, cpu_thread, cpu);
}

static void cpu_stop(Cpu *cpu)
{
    mutex_lock(&cpu->lock);
    cpu->stop = true;
    cond_signal(&cpu->cond);
    mutex_unlock(&cpu->lock);
    pthread_join(cpu->thread, NULL);
    cond_finish(&cpu->cond);
    mutex_finish(&cpu->lock);
}

/* -- who drives the lines -------------------------------------------------- */

static void route(Test *t, unsigned intid, unsigned cpu)
{
    if (t->v3) {
        gicd_write_n(&t->f, 0, GICD_IROUTER + 8 * intid, cpu, 8);
    } else {
        gicd_write_n(&t->f, 0, GICD_ITARGETSR + intid, 1u << cpu, 1);
    }
}

static void *driver_thread(void *opaque)
{
    Test *t = opaque;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned edge = LEVELS + round % EDGES;
        Cpu *cpu = &t->cpus[round % CPUS];

        atomic_fetch_add(&t->events[edge], 1);
        machine_lock();
        irq_pulse(gic_spi(&t->f, FIRST + edge));
        machine_unlock();
        if (!atomic_exchange(&cpu->timer, true)) {
            atomic_fetch_add(&t->raised_timers, 1);
            set_ppi(&t->f, cpu->index, TIMER, true);
        }
        route(t, FIRST + round % LINES, round / LINES % CPUS);
    }
    atomic_store(&t->driven, true);
    main_loop_wake();
    return NULL;
}

static Test *now;

static void on_end(void *opaque)
{
    unsigned line = GPOINTER_TO_UINT(opaque);

    now->ended[line]++;
    g_assert_cmpuint(now->ended[line], ==, atomic_load(&now->handled[line]));
    if (now->ended[line] < ROUNDS) {
        irq_raise(gic_spi(&now->f, FIRST + line));
    }
}

static bool is_done(Test *t)
{
    unsigned ended = 0, ticks = 0, mail = 0;

    for (unsigned i = 0; i < LEVELS; i++) {
        ended += t->ended[i];
    }
    for (unsigned i = 0; i < CPUS; i++) {
        ticks += atomic_load(&t->cpus[i].ticks);
        mail += atomic_load(&t->cpus[i].mail_read);
    }
    return atomic_load(&t->driven) && ended == LEVELS * ROUNDS &&
           atomic_load(&t->seen) == ROUNDS && mail == atomic_load(&t->sent) &&
           ticks == atomic_load(&t->raised_timers);
}

static void test_threads(gconstpointer v3)
{
    g_autofree Test *t = g_new0(Test, 1);
    GicFixture *f = &t->f;
    pthread_t driver;

    now = t;
    t->v3 = v3 != NULL;
    gic_fixture_start(f, t->v3, CPUS, 32, &ops);
    f->gic->cpu_opaque = t;
    gicd_write(f, GICD_CTLR, 3);
    gicd_write(f, GICD_IGROUPR + 4, v3 ? ~0u : 0);
    gicd_write(f, GICD_ISENABLER + 4, (1u << LINES) - 1);
    for (unsigned i = 0; i < LINES; i++) {
        IrqLine *line = gic_spi(f, FIRST + i);

        route(t, FIRST + i, i % CPUS);
        if (i < LEVELS) {
            g_assert_true(
                irq_attach_eoi(line, on_end, GUINT_TO_POINTER(i), NULL));
            irq_raise(line);
        } else {
            irq_set_trigger(line, IRQ_TRIGGER_EDGE);
        }
    }
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_start(t, i);
    }
    soft_gic_set_current_cpu(0);
    pthread_create(&driver, NULL, driver_thread, t);
    while (!is_done(t)) {
        main_loop_iterate(true);
    }
    pthread_join(driver, NULL);
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_stop(&t->cpus[i]);
    }
    for (unsigned i = 0; i < LEVELS; i++) {
        g_assert_cmpuint(atomic_load(&t->handled[i]), ==, ROUNDS);
        irq_detach_eoi(gic_spi(f, FIRST + i));
    }
    gic_fixture_stop(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/gic-threads/v2", NULL, test_threads);
    g_test_add_data_func("/gic-threads/v3", "", test_threads);
    return g_test_run();
}
