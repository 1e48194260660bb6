/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPU threads: start and stop, sleep and wake, PSCI, and work that vCPUs leave
 * for each other. The guests here share no memory that they write.
 */
#include <string.h>

#include "../../accel/interp/psci.h"
#include "hw/core/run-state.h"
#include "interp-machine.h"

#define WFI 0xd503207fu
#define HVC 0xd4000002u
#define B_SELF 0x14000000u
#define B_BACK(words) (0x14000000u | (-(words)&0x3ffffff))
#define ADD_X1_1 0x91000421u
#define DSB 0xd5033f9fu
#define TLBI_ALL_IS 0xd508831fu

enum {
    PSCI_VERSION = 0x84000000,
    PSCI_OFF = 0x84000002,
    PSCI_ON = 0xc4000003,
    PSCI_AFFINITY = 0xc4000004,
    PSCI_FEATURES = 0x8400000a,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
};

static InterpMachine machine;

static InterpCpu *cpu_at(unsigned n)
{
    return machine.interp->cpus[n];
}

static void start(void)
{
    machine_class(&machine)->start(machine.accel);
}

static void stop(void)
{
    machine_class(&machine)->stop(machine.accel);
}

/* Lets the vCPUs run until @done says so. */
static void run_until(bool (*done)(void))
{
    bool is_done = false;

    while (!is_done) {
        start();
        machine_unlock();
        g_usleep(1000);
        machine_lock();
        stop();
        is_done = done();
    }
}

static bool counted(void)
{
    return cpu_at(0)->x[1] > 1000;
}

static void test_start_stop(void)
{
    uint64_t count;

    machine_begin(&machine);
    MACHINE_LOAD(&machine, ADD_X1_1, B_BACK(1));
    run_until(counted);
    count = cpu_at(0)->x[1];
    g_assert_cmphex(cpu_at(0)->pc & ~(uint64_t)7, ==, MACHINE_RAM_BASE);
    g_usleep(2000);
    g_assert_cmpuint(cpu_at(0)->x[1], ==, count);
    /* The others have never been on. */
    g_assert_cmpuint(cpu_at(1)->insns, ==, 0);
    g_assert_cmpint(cpu_power(cpu_at(0)), ==, CPU_ON);
    g_assert_cmpint(cpu_power(cpu_at(1)), ==, CPU_OFF);
    machine_end(&machine);
}

static bool woke_up(void)
{
    return cpu_at(0)->x[1] == 1;
}

static void test_sleep(void)
{
    machine_begin(&machine);
    MACHINE_LOAD(&machine, WFI, ADD_X1_1, WFI, B_BACK(1));
    start();
    machine_unlock();
    g_usleep(2000);
    cpu_irq_ops.set_irq(machine.interp, 0, true);
    g_usleep(2000);
    cpu_irq_ops.set_irq(machine.interp, 0, false);
    machine_lock();
    stop();
    run_until(woke_up);
    machine_end(&machine);
}

static uint64_t call(unsigned n, uint64_t function, uint64_t arg1,
                     uint64_t arg2)
{
    InterpCpu *cpu = cpu_at(n);

    cpu->x[0] = function;
    cpu->x[1] = arg1;
    cpu->x[2] = arg2;
    cpu->x[3] = 0x77;
    psci_call(cpu);
    return cpu->x[0];
}

static bool second_runs(void)
{
    return cpu_at(1)->x[1] > 100;
}

static void test_psci(void)
{
    machine_begin(&machine);
    g_assert_cmphex(call(0, PSCI_VERSION, 0, 0), ==, 0x10001);
    g_assert_cmpint(call(0, PSCI_FEATURES, PSCI_ON, 0), ==, 0);
    g_assert_cmpint(call(0, PSCI_FEATURES, 0x8400000b, 0), ==, -1);
    g_assert_cmpint(call(0, 0x84001234, 0, 0), ==, -1);
    g_assert_cmpint(call(0, PSCI_AFFINITY, 1, 0), ==, 1);
    g_assert_cmpint(call(0, PSCI_AFFINITY, 7, 0), ==, -2);
    g_assert_cmpint(call(0, PSCI_AFFINITY, 1, 1), ==, -2);
    g_assert_cmpint(call(0, PSCI_ON, 7, 0), ==, -2);
    g_assert_cmpint(call(0, PSCI_ON, 0, 0), ==, -4);
    g_assert_cmpint(call(0, PSCI_ON, 1, MACHINE_RAM_BASE + 8), ==, 0);
    g_assert_cmpint(call(0, PSCI_ON, 1, MACHINE_RAM_BASE + 8), ==, -5);
    g_assert_cmpint(call(0, PSCI_AFFINITY, 1, 0), ==, 2);
    MACHINE_LOAD(&machine, B_SELF, B_SELF, ADD_X1_1, B_BACK(1));
    run_until(second_runs);
    g_assert_cmphex(cpu_at(1)->x[0], ==, 0x77);
    g_assert_cmpint(call(0, PSCI_AFFINITY, 1, 0), ==, 0);
    machine_end(&machine);
}

static bool second_is_off(void)
{
    return cpu_power(cpu_at(1)) == CPU_OFF;
}

static bool second_counted_once(void)
{
    return cpu_at(1)->x[1] == 1;
}

static void test_off(void)
{
    machine_begin(&machine);
    MACHINE_LOAD(&machine, B_SELF, B_SELF, 0x52800040 /* mov w0, #2 */,
                 0x72b08000 /* movk w0, #0x8400, lsl #16 */, HVC, ADD_X1_1,
                 B_SELF);
    call(0, PSCI_ON, 1, MACHINE_RAM_BASE + 8);
    run_until(second_is_off);
    g_assert_cmpuint(cpu_at(1)->x[1], ==, 0);
    /* And on again, from the start. */
    g_assert_cmpint(call(0, PSCI_ON, 1, MACHINE_RAM_BASE + 20), ==, 0);
    run_until(second_counted_once);
    machine_end(&machine);
}

static unsigned requests[RUN_FAILURE + 1];

static void count_request(RunRequest request)
{
    requests[request]++;
}

static void test_system(void)
{
    machine_begin(&machine);
    run_state_set_handler(count_request);
    call(0, PSCI_SYSTEM_OFF, 0, 0);
    g_assert_cmpuint(requests[RUN_SHUTDOWN], ==, 1);
    call(0, PSCI_SYSTEM_RESET, 0, 0);
    g_assert_cmpuint(requests[RUN_RESET], ==, 1);
    g_assert_cmpint(cpu_power(cpu_at(0)), ==, CPU_OFF);
    run_state_set_handler(NULL);
    machine_end(&machine);
}

/* Two vCPUs wait for each other's TLB flushes all the time. */
static bool both_flushed(void)
{
    return cpu_at(0)->x[1] > 300 && cpu_at(1)->x[1] > 300;
}

static void test_work(void)
{
    machine_begin(&machine);
    MACHINE_LOAD(&machine, TLBI_ALL_IS, DSB, ADD_X1_1, B_BACK(3));
    call(0, PSCI_ON, 1, MACHINE_RAM_BASE);
    cpu_at(0)->x[1] = 0;
    run_until(both_flushed);
    machine_end(&machine);
}

/* What this thread asks for is done when it has waited. */
static void test_wait_all(void)
{
    machine_begin(&machine);
    MACHINE_LOAD(&machine, ADD_X1_1, B_BACK(1));
    do {
        start();
        for (unsigned i = 0; i < 200; i++) {
            work_post(machine.interp, NULL,
                      i % 2 ? WORK_TLB_ALL : WORK_FORGET_ALL, 0);
            work_wait_all(machine.interp);
        }
        stop();
    } while (!counted());
    machine_end(&machine);
}

/* A device that lowers its line as it goes does so when the vCPUs are gone. */
static void test_lines_outlive_cpus(void)
{
    machine_begin(&machine);
    machine_class(&machine)->destroy_vcpus(machine.accel);
    cpu_irq_ops.set_irq(machine.interp, 0, true);
    cpu_irq_ops.set_irq(machine.interp, 0, false);
    cpu_irq_ops.set_fiq(machine.interp, MACHINE_CPUS - 1, true);
    /* New ones run as the old ones did. */
    g_assert_true(machine_class(&machine)->create_vcpus(
        machine.accel, MACHINE_CPUS, NULL, NULL));
    g_assert_true(machine_class(&machine)->reset_vcpus(
        machine.accel, &(VcpuEntry){.pc = MACHINE_RAM_BASE}, NULL));
    MACHINE_LOAD(&machine, ADD_X1_1, B_BACK(1));
    run_until(counted);
    machine_end(&machine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp/threads/start-stop", test_start_stop);
    g_test_add_func("/interp/threads/sleep", test_sleep);
    g_test_add_func("/interp/threads/psci", test_psci);
    g_test_add_func("/interp/threads/off", test_off);
    g_test_add_func("/interp/threads/system", test_system);
    g_test_add_func("/interp/threads/lines", test_lines_outlive_cpus);
    g_test_add_func("/interp/threads/work", test_work);
    g_test_add_func("/interp/threads/wait-all", test_wait_all);
    return g_test_run();
}
