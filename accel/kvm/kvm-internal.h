/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <linux/kvm.h>
#include <pthread.h>

#include "accel/debug.h"
#include "accel/kvm-bits.h"
#include "accel/kvm-ioeventfds.h"
#include "hw/core/reset.h"
#include "util/container-of.h"
#include "util/lock.h"

/* What the files of the KVM accelerator share; for no one else. */

#define TYPE_KVM_ACCEL ACCEL_TYPE_NAME("kvm")
OBJECT_DECLARE_SIMPLE_TYPE(KvmAccel, KVM_ACCEL)

#define TYPE_KVM_GIC "kvm-gic"
OBJECT_DECLARE_SIMPLE_TYPE(KvmGic, KVM_GIC)

/** KvmVcpu: one virtual CPU and its thread. */
typedef struct KvmVcpu {
    KvmAccel *kvm;
    struct kvm_run *run; /* NULL until mapped */
    int fd;
    unsigned index;
    pthread_t thread;
    bool has_thread;
    bool running; /* by kvm->lock: told to run and not parked yet */
    DebugResume resume;
} KvmVcpu;

/** KvmSlot: an entry of the slot table; its index is the slot's number. */
typedef struct KvmSlot {
    uint64_t gpa;
    uint64_t size; /* 0: free */
} KvmSlot;

struct KvmAccel {
    Accel parent_obj;
    int dev_fd; /* /dev/kvm; -1 when closed, as the next two */
    int vm_fd;
    int vfio_fd; /* the KVM_DEV_VFIO device, made on first use */

    MemoryListener listener;
    GArray *slots; /* of KvmSlot */
    KvmIoEventFds ioeventfds;

    KvmVcpu *vcpus;
    unsigned num_vcpus;
    size_t run_size;                /* bytes of each vCPU's kvm_run mapping */
    struct kvm_vcpu_init vcpu_init; /* of a vCPU that is powered on */
    bool has_run;     /* else vCPUs and controller are as they were created */
    bool ended;       /* the vCPUs are gone, the VM will not run again */
    uint64_t counter; /* the guest's virtual counter, held since the stop */
    bool counter_held;
    KvmGic *gic;    /* while realized */
    GArray *points; /* of DebugPoint; NULL until the first */

    Mutex lock;  /* the two at the end, and each vCPU's running */
    Cond resume; /* vCPUs wait here, parked */
    Cond parked; /* whoever stops the vCPUs waits here */
    unsigned num_running;
    bool quit;
};

/* A register that KVM_GET_ONE_REG and KVM_SET_ONE_REG know. */
#define KVM_CORE_REG(name, size)                              \
    (KVM_REG_ARM64 | KVM_REG_SIZE_##size | KVM_REG_ARM_CORE | \
     KVM_REG_ARM_CORE_REG(name))

/* kvm.c: 0 or more, else -errno. @fd is of the device KVM, a VM or a vCPU. */
int kvm_ioctl(int fd, unsigned long request, void *arg);
int kvm_device_attr(int fd, unsigned long request, uint32_t group,
                    uint64_t attr, const void *value);
unsigned kvm_max_vcpus(Accel *accel);
/** Logs "kvm: WHAT: REASON" and asks for the end of the machine. */
void kvm_fail(int error, const char *what);

/* kvm-slots.c: the guest's memory as KVM slots */
void kvm_slots_init(KvmAccel *kvm);
void kvm_slots_finish(KvmAccel *kvm);

/* kvm-vcpu.c: the accelerator's operations of these names (accel.h) */
bool kvm_create_vcpus(Accel *accel, unsigned n, const char *cpu_model,
                      Error **errp);
void kvm_destroy_vcpus(Accel *accel);
void kvm_start_vcpus(Accel *accel);
void kvm_stop_vcpus(Accel *accel);
bool kvm_reset_vcpus(Accel *accel, const VcpuEntry *entry, Error **errp);

/* 0, or -errno. */
int kvm_vcpu_get_reg(const KvmVcpu *vcpu, uint64_t id, void *value);
int kvm_vcpu_set_reg(const KvmVcpu *vcpu, uint64_t id, const void *value);

/* kvm-debug.c */
extern const AccelDebugOps kvm_debug_ops;
/** KVM_EXIT_DEBUG: tells the debugger. The vCPU is to park. */
void kvm_debug_exit(KvmVcpu *vcpu);

/* kvm-gic.c */
DeviceState *kvm_create_gic(Accel *accel, GicConfig *config, Error **errp);
/** Before vCPUs start: writes the trigger types that could not be before. */
void kvm_gic_settle(KvmGic *gic);
