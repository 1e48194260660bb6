/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's firmware: PSCI 1.1. Function numbers and results are those of
 * Arm DEN 0022; the bit for the 64-bit calling convention is left out of the
 * numbers here, as both conventions mean the same.
 */
#include "psci.h"

#include "hw/core/run-state.h"
#include "interp.h"
#include "thread.h"
#include "trace.h"

#define PSCI_BASE 0x84000000u
#define SMC64_BIT 0x40000000u
#define SMCCC_VERSION 0x80000000u

enum {
    PSCI_VERSION = PSCI_BASE + 0,
    PSCI_CPU_SUSPEND = PSCI_BASE + 1,
    PSCI_CPU_OFF = PSCI_BASE + 2,
    PSCI_CPU_ON = PSCI_BASE + 3,
    PSCI_AFFINITY_INFO = PSCI_BASE + 4,
    PSCI_MIGRATE_INFO_TYPE = PSCI_BASE + 6,
    PSCI_SYSTEM_OFF = PSCI_BASE + 8,
    PSCI_SYSTEM_RESET = PSCI_BASE + 9,
    PSCI_FEATURES = PSCI_BASE + 10,
};

enum {
    SUCCESS = 0,
    NOT_SUPPORTED = -1,
    INVALID_PARAMETERS = -2,
    ALREADY_ON = -4,
    ON_PENDING = -5,
};

#define PSCI_1_1 0x10001
#define SMCCC_1_0 0x10000
#define NO_TRUSTED_OS 2

#define AFFINITY_MASK 0xff00ffffffull

static InterpCpu *find_cpu(InterpAccel *accel, uint64_t affinity)
{
    for (unsigned i = 0; i < accel->num_cpus; i++) {
        if (soft_gic_affinity(i) == (affinity & AFFINITY_MASK)) {
            return accel->cpus[i];
        }
    }
    return NULL;
}

static int64_t cpu_on(InterpCpu *cpu, uint64_t affinity, uint64_t pc,
                      uint64_t context)
{
    InterpCpu *target = find_cpu(cpu->accel, affinity);
    VcpuEntry entry = {.pc = pc, .x0 = context};

    if (!target || affinity & ~AFFINITY_MASK) {
        return INVALID_PARAMETERS;
    }
    if (cpu_switch_on(target, &entry)) {
        return SUCCESS;
    }
    return cpu_power(target) == CPU_ON ? ALREADY_ON : ON_PENDING;
}

/* 0: on, 1: off, 2: on pending. */
static int64_t affinity_info(InterpCpu *cpu, uint64_t affinity, uint64_t level)
{
    InterpCpu *target = find_cpu(cpu->accel, affinity);

    if (!target || level) {
        return INVALID_PARAMETERS;
    }
    switch (cpu_power(target)) {
    case CPU_ON:
        return 0;
    case CPU_ON_PENDING:
        return 2;
    default:
        return 1;
    }
}

static int64_t features(uint32_t function)
{
    switch (function & ~SMC64_BIT) {
    case PSCI_VERSION:
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_OFF:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
    case SMCCC_VERSION:
        return SUCCESS;
    default:
        return NOT_SUPPORTED;
    }
}

/* Nothing after the call is executed. */
static bool end_here(InterpCpu *cpu)
{
    cpu_switch_off(cpu);
    return false;
}

bool psci_call(InterpCpu *cpu)
{
    uint64_t *x = cpu->x;
    uint32_t function = x[0];

    trace_interp_psci(cpu->index, function, x[1], x[2]);
    switch (function & ~SMC64_BIT) {
    case PSCI_VERSION:
        x[0] = PSCI_1_1;
        return true;
    case SMCCC_VERSION:
        x[0] = SMCCC_1_0;
        return true;
    case PSCI_CPU_SUSPEND:
        /* Every state is a standby from which an interrupt wakes. */
        x[0] = SUCCESS;
        cpu_wait_for_interrupt(cpu);
        return true;
    case PSCI_CPU_OFF:
        return end_here(cpu);
    case PSCI_CPU_ON:
        x[0] = cpu_on(cpu, x[1], x[2], x[3]);
        return true;
    case PSCI_AFFINITY_INFO:
        x[0] = affinity_info(cpu, x[1], x[2]);
        return true;
    case PSCI_MIGRATE_INFO_TYPE:
        x[0] = NO_TRUSTED_OS;
        return true;
    case PSCI_SYSTEM_OFF:
        run_state_request_shutdown();
        return end_here(cpu);
    case PSCI_SYSTEM_RESET:
        run_state_request_reset();
        return end_here(cpu);
    case PSCI_FEATURES:
        x[0] = features(x[1]);
        return true;
    default:
        x[0] = NOT_SUPPORTED;
        return true;
    }
}
