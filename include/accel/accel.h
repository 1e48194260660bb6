/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include "hw/core/object.h"
#include "hw/core/qdev.h"
#include "hw/core/memory.h"

/*
 * Accelerators: what runs the guest's CPUs. The type of `-accel NAME` is
 * "NAME-accel". One instance per machine. Thread: machine lock unless said.
 */
#define TYPE_ACCEL "accel"
#define ACCEL_TYPE_NAME(name) name "-" TYPE_ACCEL
OBJECT_DECLARE_TYPE(Accel, AccelClass, ACCEL)

typedef enum GicVersion {
    GIC_VERSION_MAX,  /* the newest that the accelerator has */
    GIC_VERSION_HOST, /* the host's; the same as MAX for KVM */
    GIC_VERSION_2,
    GIC_VERSION_3,
} GicVersion;

/** GicConfig: what a machine wants of its interrupt controller. */
typedef struct GicConfig {
    GicVersion version; /* in: wish; out: GIC_VERSION_2 or _3 */
    unsigned num_cpus;
    unsigned num_spis; /* a multiple of 32 */
    hwaddr dist_base;
    hwaddr cpu_base;    /* GICv2 */
    hwaddr redist_base; /* GICv3; num_cpus * 128 KiB */
} GicConfig;

/* accel/debug.h */
typedef struct AccelDebugOps AccelDebugOps;

/** VcpuEntry: the registers that differ from a vCPU's architectural reset. */
typedef struct VcpuEntry {
    uint64_t pc;
    uint64_t x0;
} VcpuEntry;

struct AccelClass {
    ObjectClass parent_class;
    /*
     * First call, before the machine is built. Opens what is needed; an error,
     * which names the accelerator, makes the caller try the next one, if any.
     * @guest_phys_end: the address after the last byte of guest RAM or MMIO,
     * for accelerators with a choice of address sizes.
     */
    bool (*init)(Accel *accel, uint64_t guest_phys_end, Error **errp);
    /* Last call; all vCPUs have ended. Copes with half of an init. */
    void (*finish)(Accel *accel);

    /*
     * Creates @n stopped vCPUs. Only vCPU 0 starts running; the guest starts
     * the others through PSCI. @cpu_model is the name given with -cpu.
     */
    bool (*create_vcpus)(Accel *accel, unsigned n, const char *cpu_model,
                         Error **errp);
    /* Stops all vCPUs for good and joins their threads. */
    void (*destroy_vcpus)(Accel *accel);

    /*
     * Creates and realizes the interrupt controller after the vCPUs; returns
     * a device whose GPIO input i is SPI i (INTID 32 + i). The accelerator
     * owns its interface to the CPUs. Caller owns the reference.
     */
    DeviceState *(*create_gic)(Accel *accel, GicConfig *config, Error **errp);

    /*
     * Starts all vCPUs; and stops them: every vCPU is out of the guest with
     * no MMIO pending on return. stop() releases the machine lock meanwhile,
     * since a vCPU may need it to finish what it is at.
     */
    void (*start)(Accel *accel);
    void (*stop)(Accel *accel);
    /* While stopped: all vCPUs to their reset state, vCPU 0 at @entry. */
    bool (*reset_vcpus)(Accel *accel, const VcpuEntry *entry, Error **errp);

    /*
     * Optional: tells the hypervisor of a VFIO group or device (KVM_DEV_VFIO).
     * The descriptor stays the caller's.
     */
    bool (*vfio_file_add)(Accel *accel, int fd, Error **errp);
    void (*vfio_file_del)(Accel *accel, int fd);

    unsigned (*max_vcpus)(Accel *accel); /* after init */
    const AccelDebugOps *debug;          /* NULL: guests cannot be debugged */
    bool is_qtest; /* no CPUs; the virtual clock is stepped by the test */
};

struct Accel {
    Object parent_obj;
};

/**
 * The first of @names ("kvm:qtest", separated by colons) whose init works.
 * The error tells why each of them failed. Caller owns the reference.
 */
Accel *accel_create(const char *names, uint64_t guest_phys_end, Error **errp);

/** The accelerator in use, or NULL; for devices (vfio_file_add). */
Accel *accel_current(void);

/** Finishes and unreferences what accel_create() returned; NULL is fine. */
void accel_destroy(Accel *accel);
