/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic timers on a virtual clock that the test moves: conditions, lines
 * and what a reset does. A count is 16 ns.
 */
#include <string.h>

#include "../../accel/interp/timer.h"
#include "interp-machine.h"

#define ENABLE 1u
#define IMASK 2u
#define ISTATUS 4u
#define NS_PER_COUNT 16

static InterpMachine machine;
static InterpTimer *timer;

static void begin(unsigned which)
{
    machine_begin(&machine);
    clock_virtual_set_manual();
    clock_virtual_start();
    timer = &machine.interp->cpus[1]->timers[which];
}

static void end(void)
{
    machine_end(&machine);
}

/* As the vCPU does it, which has not got the machine lock. */
static void write_ctl(uint64_t value)
{
    work_enter_guest(timer->cpu);
    machine_unlock();
    timer_write_ctl(timer, value);
    machine_lock();
    work_leave_guest(timer->cpu);
}

static void write_cval(uint64_t value)
{
    work_enter_guest(timer->cpu);
    machine_unlock();
    timer_write_cval(timer, value);
    machine_lock();
    work_leave_guest(timer->cpu);
}

static bool level(unsigned intid)
{
    return recorded_ppi[1][intid];
}

static void advance_counts(uint64_t counts)
{
    clock_virtual_advance_to(clock_get_ns(CLOCK_VIRTUAL) +
                             (int64_t)counts * NS_PER_COUNT);
}

static void check_fires(unsigned which, unsigned intid)
{
    uint64_t start;

    begin(which);
    start = timer_count();
    write_cval(start + 1000);
    write_ctl(ENABLE);
    g_assert_cmpuint(timer_read_ctl(timer), ==, ENABLE);
    advance_counts(999);
    g_assert_false(level(intid));
    advance_counts(1);
    g_assert_cmpuint(timer_count(), ==, start + 1000);
    g_assert_true(level(intid));
    g_assert_cmpuint(timer_read_ctl(timer), ==, ENABLE | ISTATUS);
    /* It stays until the condition is gone; only this line has moved. */
    advance_counts(50);
    g_assert_true(level(intid));
    g_assert_cmpuint(recorded_changes, ==, 1);
    write_cval(timer_count() + 10);
    g_assert_false(level(intid));
    advance_counts(10);
    g_assert_true(level(intid));
    write_ctl(0);
    g_assert_false(level(intid));
    g_assert_cmpuint(timer_read_ctl(timer), ==, 0);
    end();
}

static void test_phys(void)
{
    check_fires(TIMER_PHYS, 30);
}

static void test_virt(void)
{
    check_fires(TIMER_VIRT, 27);
}

static void test_mask(void)
{
    begin(TIMER_VIRT);
    write_cval(timer_count() + 5);
    write_ctl(ENABLE | IMASK);
    advance_counts(10);
    g_assert_false(level(27));
    g_assert_cmpuint(timer_read_ctl(timer), ==, ENABLE | IMASK | ISTATUS);
    write_ctl(ENABLE);
    g_assert_true(level(27));
    write_ctl(ENABLE | IMASK);
    g_assert_false(level(27));
    end();
}

static void test_never(void)
{
    begin(TIMER_VIRT);
    write_cval(UINT64_MAX);
    write_ctl(ENABLE);
    g_assert_cmpint(clock_virtual_deadline_ns(), ==, -1);
    advance_counts(1u << 30);
    g_assert_false(level(27));
    /* Bits that are not there stay zero. */
    write_ctl(UINT64_MAX & ~(uint64_t)ENABLE);
    g_assert_cmpuint(timer_read_ctl(timer), ==, IMASK);
    end();
}

static void test_reset(void)
{
    begin(TIMER_PHYS);
    write_cval(timer_count());
    write_ctl(ENABLE);
    g_assert_true(level(30));
    machine_class(&machine)->reset_vcpus(machine.accel, &(VcpuEntry){0}, NULL);
    g_assert_false(level(30));
    g_assert_cmpuint(timer_read_ctl(timer), ==, 0);
    g_assert_cmpint(clock_virtual_deadline_ns(), ==, -1);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp/timer/phys", test_phys);
    g_test_add_func("/interp/timer/virt", test_virt);
    g_test_add_func("/interp/timer/mask", test_mask);
    g_test_add_func("/interp/timer/never", test_never);
    g_test_add_func("/interp/timer/reset", test_reset);
    return g_test_run();
}
