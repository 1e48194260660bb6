/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "../../accel/interp/interp.h"
#include "../../accel/interp/thread.h"
#include "../../accel/interp/work.h"
#include "util/main-loop.h"

/*
 * The accelerator "interp" as a machine has it: vCPUs with their threads, some
 * RAM, and in the place of the interrupt controller one that remembers what
 * the timers' lines were told.
 */
#define MACHINE_RAM_BASE UINT64_C(0x40000000)
#define MACHINE_RAM_SIZE (1u << 20)
#define MACHINE_CPUS 3

#define TYPE_RECORDING_GIC "recording-gic"

static bool recorded_ppi[MACHINE_CPUS][32];
static unsigned recorded_changes;

static void recording_set_ppi(SoftGic *gic, unsigned cpu, unsigned intid,
                              bool level)
{
    recorded_changes += recorded_ppi[cpu][intid] != level;
    recorded_ppi[cpu][intid] = level;
}

static bool recording_realize(DeviceState *dev, Error **errp)
{
    return true;
}

static void recording_unrealize(DeviceState *dev)
{
}

static void recording_class_init(ObjectClass *klass)
{
    DEVICE_CLASS(klass)->realize = recording_realize;
    DEVICE_CLASS(klass)->unrealize = recording_unrealize;
    SOFT_GIC_CLASS(klass)->set_ppi = recording_set_ppi;
}

static const TypeInfo recording_type = {
    .name = TYPE_RECORDING_GIC,
    .parent = TYPE_SOFT_GIC,
    .instance_size = sizeof(SoftGic),
    .class_init = recording_class_init,
};
TYPE_REGISTER(recording_type)

typedef struct InterpMachine {
    Accel *accel;
    InterpAccel *interp;
    DeviceState *gic;
    MemoryRegion ram;
} InterpMachine;

static inline AccelClass *machine_class(InterpMachine *m)
{
    return ACCEL_GET_CLASS(m->accel);
}

static inline void machine_begin(InterpMachine *m)
{
    memset(m, 0, sizeof(*m));
    memset(recorded_ppi, 0, sizeof(recorded_ppi));
    recorded_changes = 0;
    g_assert_true(main_loop_init(NULL));
    g_assert_true(
        memory_region_init_ram(&m->ram, NULL, "ram", MACHINE_RAM_SIZE, NULL));
    memory_region_add_subregion(get_system_memory(), MACHINE_RAM_BASE, &m->ram);
    m->accel = accel_create("interp", UINT64_C(1) << 32, NULL);
    m->interp = INTERP_ACCEL(m->accel);
    g_assert_true(
        machine_class(m)->create_vcpus(m->accel, MACHINE_CPUS, NULL, NULL));
    m->gic = qdev_new(TYPE_RECORDING_GIC);
    m->interp->gic = SOFT_GIC(m->gic);
    g_assert_true(machine_class(m)->reset_vcpus(
        m->accel, &(VcpuEntry){.pc = MACHINE_RAM_BASE}, NULL));
}

static inline void machine_end(InterpMachine *m)
{
    machine_class(m)->destroy_vcpus(m->accel);
    object_unref(OBJECT(m->gic));
    accel_destroy(m->accel);
    memory_region_del_subregion(get_system_memory(), &m->ram);
    memory_region_finish(&m->ram);
    main_loop_finish();
}

/** The guest's instructions from the start of RAM on. */
static inline void machine_load(InterpMachine *m, const uint32_t *code,
                                unsigned n)
{
    memcpy(m->ram.ram, code, n * 4);
}

#define MACHINE_LOAD(m, ...)                           \
    machine_load((m), (const uint32_t[]){__VA_ARGS__}, \
                 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))
