/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs: a thread each, which runs the guest until it is told to park. A vCPU
 * parks only after a KVM_RUN that returned EINTR: such a call has completed
 * the access that the exit before it was about, and without that a reset would
 * start the guest one instruction late. kvm_run's immediate_exit serves as the
 * stop flag, since KVM looks at it anyway; the kick signal is for a vCPU that
 * is in the guest. An exit for MMIO costs the system call, this loop and the
 * access, and no lock. An exit for the debugger has nothing pending either.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/core/run-state.h"
#include "kvm-internal.h"
#include "trace.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/main-loop.h"

#define KICK_SIGNAL SIGUSR1
#define STACK_SIZE (128 * 1024)

int kvm_vcpu_get_reg(const KvmVcpu *vcpu, uint64_t id, void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};

    return kvm_ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg);
}

int kvm_vcpu_set_reg(const KvmVcpu *vcpu, uint64_t id, const void *value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};

    return kvm_ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

static uint64_t vcpu_pc(KvmVcpu *vcpu)
{
    uint64_t pc = 0;

    kvm_vcpu_get_reg(vcpu, KVM_CORE_REG(regs.pc, U64), &pc);
    return pc;
}

static void vcpu_fail(KvmVcpu *vcpu, const char *what, const char *reason)
{
    error_report("kvm: CPU %u at pc 0x%" PRIx64 ": %s%s", vcpu->index,
                 vcpu_pc(vcpu), what, reason);
    run_state_request_failure();
}

/* After KVM_RUN failed: true to go on. */
static bool vcpu_interrupted(KvmVcpu *vcpu)
{
    if (errno != EINTR && errno != EAGAIN) {
        vcpu_fail(vcpu, "KVM_RUN: ", g_strerror(errno));
        return false;
    }
    return !__atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_ACQUIRE);
}

/* An access whose instruction KVM cannot take apart: pairs, write-back. */
static bool vcpu_no_syndrome(KvmVcpu *vcpu)
{
    static LogLimit limit;
    struct kvm_vcpu_events events = {.exception.ext_dabt_pending = 1};
    int ret;

    warn_report_limited(&limit,
                        "kvm: CPU %u at pc 0x%" PRIx64 ": access to 0x%llx by "
                        "an instruction that cannot be emulated; the guest "
                        "gets an external abort",
                        vcpu->index, vcpu_pc(vcpu),
                        (unsigned long long)vcpu->run->arm_nisv.fault_ipa);
    ret = kvm_ioctl(vcpu->fd, KVM_SET_VCPU_EVENTS, &events);
    if (ret < 0) {
        vcpu_fail(vcpu, "no abort for the guest: ", g_strerror(-ret));
    }
    return ret >= 0;
}

/* KVM has put all vCPUs to sleep; the next KVM_RUN waits to be stopped. */
static bool vcpu_system_event(KvmVcpu *vcpu)
{
    uint32_t type = vcpu->run->system_event.type;
    g_autofree char *reason = NULL;

    trace_kvm_system_event(vcpu->index, type);
    switch (type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        run_state_request_shutdown();
        return true;
    case KVM_SYSTEM_EVENT_RESET:
        run_state_request_reset();
        return true;
    default:
        reason = g_strdup_printf("%u", type);
        vcpu_fail(vcpu, "unknown system event ", reason);
        return false;
    }
}

static bool vcpu_other_exit(KvmVcpu *vcpu)
{
    g_autofree char *reason = NULL;

    switch (vcpu->run->exit_reason) {
    case KVM_EXIT_SYSTEM_EVENT:
        return vcpu_system_event(vcpu);
    case KVM_EXIT_ARM_NISV:
        return vcpu_no_syndrome(vcpu);
    case KVM_EXIT_DEBUG:
        kvm_debug_exit(vcpu);
        return false;
    default:
        reason = g_strdup_printf("%u", vcpu->run->exit_reason);
        vcpu_fail(vcpu, "unknown exit reason ", reason);
        return false;
    }
}

/* Runs the guest until the vCPU may park. */
static void kvm_vcpu_run(KvmVcpu *vcpu)
{
    AddressSpace *as = address_space_memory();
    struct kvm_run *run = vcpu->run;
    bool go_on = true;

    while (go_on) {
        if (G_UNLIKELY(ioctl(vcpu->fd, KVM_RUN, 0) < 0)) {
            go_on = vcpu_interrupted(vcpu);
        } else if (G_LIKELY(run->exit_reason == KVM_EXIT_MMIO)) {
            trace_kvm_mmio(vcpu->index, run->mmio.phys_addr, run->mmio.len,
                           run->mmio.is_write);
            address_space_rw(as, run->mmio.phys_addr, run->mmio.data,
                             run->mmio.len, run->mmio.is_write);
        } else {
            go_on = vcpu_other_exit(vcpu);
        }
    }
}

static void vcpu_parked(KvmVcpu *vcpu)
{
    KvmAccel *kvm = vcpu->kvm;
    MUTEX_GUARD(&kvm->lock);

    trace_kvm_vcpu_parked(vcpu->index);
    vcpu->running = false;
    if (--kvm->num_running == 0) {
        cond_signal(&kvm->parked);
    }
}

/* False when the thread is to end. */
static bool vcpu_wait(KvmVcpu *vcpu)
{
    KvmAccel *kvm = vcpu->kvm;
    MUTEX_GUARD(&kvm->lock);

    while (!vcpu->running && !kvm->quit) {
        cond_wait(&kvm->resume, &kvm->lock);
    }
    return !kvm->quit;
}

static void *vcpu_thread(void *opaque)
{
    KvmVcpu *vcpu = opaque;
    char name[16];

    snprintf(name, sizeof(name), "CPU %u/KVM", vcpu->index);
    pthread_setname_np(pthread_self(), name);
    while (vcpu_wait(vcpu)) {
        kvm_vcpu_run(vcpu);
        vcpu_parked(vcpu);
    }
    return NULL;
}

/*
 * The guest's virtual counter stands still while the machine does: a guest
 * that was stopped for an hour must not think that its CPUs were stuck. The
 * offset that KVM computes from a write is one for all vCPUs.
 */
static void hold_counter(KvmAccel *kvm)
{
    kvm->counter_held = kvm->num_vcpus &&
                        kvm_vcpu_get_reg(&kvm->vcpus[0], KVM_REG_ARM_TIMER_CNT,
                                         &kvm->counter) >= 0;
}

static void release_counter(KvmAccel *kvm)
{
    if (kvm->counter_held) {
        kvm_vcpu_set_reg(&kvm->vcpus[0], KVM_REG_ARM_TIMER_CNT, &kvm->counter);
        kvm->counter_held = false;
    }
}

void kvm_start_vcpus(Accel *accel)
{
    KvmAccel *kvm = KVM_ACCEL(accel);

    if (kvm->gic) {
        kvm_gic_settle(kvm->gic);
    }
    release_counter(kvm);
    kvm->has_run = true;
    trace_kvm_start(kvm->num_vcpus);

    MUTEX_GUARD(&kvm->lock);
    g_assert(!kvm->num_running);
    for (unsigned i = 0; i < kvm->num_vcpus; i++) {
        KvmVcpu *vcpu = &kvm->vcpus[i];

        vcpu->run->immediate_exit = 0;
        vcpu->running = vcpu->resume != DEBUG_HOLD;
        kvm->num_running += vcpu->running;
    }
    cond_broadcast(&kvm->resume);
}

static void kick_running(KvmAccel *kvm)
{
    for (unsigned i = 0; i < kvm->num_vcpus; i++) {
        KvmVcpu *vcpu = &kvm->vcpus[i];

        if (vcpu->running) {
            __atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELEASE);
            pthread_kill(vcpu->thread, KICK_SIGNAL);
        }
    }
}

/* One kick is enough: immediate_exit covers the way to the next KVM_RUN. */
void kvm_stop_vcpus(Accel *accel)
{
    KvmAccel *kvm = KVM_ACCEL(accel);

    machine_unlock();
    mutex_lock(&kvm->lock);
    kick_running(kvm);
    while (kvm->num_running) {
        cond_wait(&kvm->parked, &kvm->lock);
    }
    mutex_unlock(&kvm->lock);
    machine_lock();
    hold_counter(kvm);
    trace_kvm_stop(kvm->num_vcpus);
}

static bool vcpu_init(KvmVcpu *vcpu, Error **errp)
{
    struct kvm_vcpu_init init = vcpu->kvm->vcpu_init;
    int ret;

    if (vcpu->index > 0) {
        init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
    }
    ret = kvm_ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: CPU %u: cannot initialise",
                         vcpu->index);
    }
    return ret >= 0;
}

bool kvm_reset_vcpus(Accel *accel, const VcpuEntry *entry, Error **errp)
{
    KvmAccel *kvm = KVM_ACCEL(accel);
    int ret;

    for (unsigned i = 0; kvm->has_run && i < kvm->num_vcpus; i++) {
        if (!vcpu_init(&kvm->vcpus[i], errp)) {
            return false;
        }
    }
    ret = kvm_vcpu_set_reg(&kvm->vcpus[0], KVM_CORE_REG(regs.pc, U64),
                           &entry->pc);
    if (ret >= 0) {
        ret = kvm_vcpu_set_reg(&kvm->vcpus[0], KVM_CORE_REG(regs.regs[0], U64),
                               &entry->x0);
    }
    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: CPU 0: cannot set registers");
    }
    return ret >= 0;
}

static bool has_extension(const KvmAccel *kvm, uintptr_t extension)
{
    return kvm_ioctl(kvm->vm_fd, KVM_CHECK_EXTENSION, (void *)extension) > 0;
}

/* The target, and the optional features of the host that a guest may have. */
static bool choose_features(KvmAccel *kvm, Error **errp)
{
    uint32_t features = 1u << KVM_ARM_VCPU_PSCI_0_2;
    int ret = kvm_ioctl(kvm->vm_fd, KVM_ARM_PREFERRED_TARGET, &kvm->vcpu_init);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: no CPU type to offer");
        return false;
    }
    if (has_extension(kvm, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
        has_extension(kvm, KVM_CAP_ARM_PTRAUTH_GENERIC)) {
        features |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS |
                    1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
    }
    if (has_extension(kvm, KVM_CAP_ARM_SVE)) {
        features |= 1u << KVM_ARM_VCPU_SVE;
    }
    kvm->vcpu_init.features[0] = features;
    return true;
}

/* SVE's vector lengths are the host's from here on. */
static bool vcpu_finalize(KvmVcpu *vcpu, Error **errp)
{
    int feature = KVM_ARM_VCPU_SVE;
    int ret;

    if (!(vcpu->kvm->vcpu_init.features[0] & 1u << KVM_ARM_VCPU_SVE)) {
        return true;
    }
    ret = kvm_ioctl(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: CPU %u: no SVE", vcpu->index);
    }
    return ret >= 0;
}

static void set_create_error(KvmVcpu *vcpu, int error, Error **errp)
{
    unsigned most = kvm_max_vcpus(ACCEL(vcpu->kvm));

    if (vcpu->index >= most) {
        error_setg(errp,
                   "kvm: this host's KVM has %u CPUs for a guest; try "
                   "-smp %u",
                   most, most);
    } else {
        error_setg_errno(errp, error, "kvm: cannot create CPU %u", vcpu->index);
    }
}

static bool vcpu_open(KvmVcpu *vcpu, Error **errp)
{
    KvmAccel *kvm = vcpu->kvm;
    void *run;

    vcpu->fd =
        kvm_ioctl(kvm->vm_fd, KVM_CREATE_VCPU, (void *)(uintptr_t)vcpu->index);
    if (vcpu->fd < 0) {
        set_create_error(vcpu, -vcpu->fd, errp);
        return false;
    }
    run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
               vcpu->fd, 0);
    if (run == MAP_FAILED) {
        error_setg_errno(errp, errno, "kvm: cannot map CPU %u", vcpu->index);
        return false;
    }
    vcpu->run = run;
    return vcpu_init(vcpu, errp) && vcpu_finalize(vcpu, errp);
}

static void kick_handler(int number)
{
}

static bool vcpu_create_thread(KvmVcpu *vcpu, const pthread_attr_t *attr,
                               Error **errp)
{
    int err = pthread_create(&vcpu->thread, attr, vcpu_thread, vcpu);

    if (err) {
        error_setg_errno(errp, err, "kvm: no thread for CPU %u", vcpu->index);
        return false;
    }
    vcpu->has_thread = true;
    return true;
}

/* They inherit a mask with nothing but the kick open. */
static bool create_threads(KvmAccel *kvm, Error **errp)
{
    struct sigaction action = {
        .sa_handler = kick_handler,
        .sa_flags = SA_RESTART,
    };
    pthread_attr_t attr;
    sigset_t mask;
    sigset_t old;
    bool ok = true;

    sigaction(KICK_SIGNAL, &action, NULL);
    sigfillset(&mask);
    sigdelset(&mask, KICK_SIGNAL);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_sigmask(SIG_SETMASK, &mask, &old);
    for (unsigned i = 0; ok && i < kvm->num_vcpus; i++) {
        ok = vcpu_create_thread(&kvm->vcpus[i], &attr, errp);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return ok;
}

static bool check_model(const char *cpu_model, Error **errp)
{
    if (cpu_model && strcmp(cpu_model, "host") && strcmp(cpu_model, "max")) {
        error_setg(errp,
                   "kvm: CPU model '%s' cannot be had, only the host's own; "
                   "try -cpu host",
                   cpu_model);
        return false;
    }
    return true;
}

static bool create_vcpus(KvmAccel *kvm, unsigned n, Error **errp)
{
    int size = kvm_ioctl(kvm->dev_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);

    if (size < (int)sizeof(struct kvm_run)) {
        error_setg(errp, "kvm: /dev/kvm does not say how large a CPU is");
        return false;
    }
    kvm->run_size = size;
    kvm->vcpus = g_new0(KvmVcpu, n);
    for (unsigned i = 0; i < n; i++) {
        kvm->vcpus[i] = (KvmVcpu){.kvm = kvm, .fd = -1, .index = i};
    }
    kvm->num_vcpus = n;
    for (unsigned i = 0; i < n; i++) {
        if (!vcpu_open(&kvm->vcpus[i], errp)) {
            return false;
        }
    }
    return create_threads(kvm, errp);
}

bool kvm_create_vcpus(Accel *accel, unsigned n, const char *cpu_model,
                      Error **errp)
{
    KvmAccel *kvm = KVM_ACCEL(accel);

    g_assert(!kvm->vcpus && n > 0);
    if (!check_model(cpu_model, errp) || !choose_features(kvm, errp)) {
        return false;
    }
    if (!create_vcpus(kvm, n, errp)) {
        kvm_destroy_vcpus(accel);
        return false;
    }
    return true;
}

static void vcpu_destroy(KvmVcpu *vcpu)
{
    if (vcpu->has_thread) {
        pthread_join(vcpu->thread, NULL);
    }
    if (vcpu->run) {
        munmap(vcpu->run, vcpu->kvm->run_size);
    }
    fd_close(&vcpu->fd);
}

void kvm_destroy_vcpus(Accel *accel)
{
    KvmAccel *kvm = KVM_ACCEL(accel);

    if (!kvm->vcpus) {
        return;
    }
    kvm_stop_vcpus(accel);
    mutex_lock(&kvm->lock);
    kvm->quit = true;
    cond_broadcast(&kvm->resume);
    mutex_unlock(&kvm->lock);
    for (unsigned i = 0; i < kvm->num_vcpus; i++) {
        vcpu_destroy(&kvm->vcpus[i]);
    }
    g_clear_pointer(&kvm->vcpus, g_free);
    kvm->num_vcpus = 0;
    kvm->ended = true;
}
