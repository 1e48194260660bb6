/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator "kvm" on an arm64 host: the VM itself and KVM_DEV_VFIO; its
 * memory, CPUs and interrupt controller have files of their own. A start of
 * the process is counted in system calls here, so nothing is asked of KVM that
 * the next call would tell anyway.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include "kvm-internal.h"
#include "hw/core/run-state.h"
#include "trace.h"
#include "util/fd.h"
#include "util/log.h"

/* What a guest may address without reason: an access is then seen by us. */
#define USUAL_ADDRESS_BITS 40

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
    int ret = ioctl(fd, request, arg);

    return ret < 0 ? -errno : ret;
}

int kvm_device_attr(int fd, unsigned long request, uint32_t group,
                    uint64_t attr, const void *value)
{
    struct kvm_device_attr a = {
        .group = group,
        .attr = attr,
        .addr = (uintptr_t)value,
    };

    return kvm_ioctl(fd, request, &a);
}

void kvm_fail(int error, const char *what)
{
    error_report("kvm: %s: %s", what, g_strerror(error));
    run_state_request_failure();
}

static bool kvm_open(KvmAccel *kvm, Error **errp)
{
    kvm->dev_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm->dev_fd >= 0) {
        return true;
    }
    error_setg_errno(errp, errno, "kvm: cannot open /dev/kvm");
    if (errno == EACCES || errno == EPERM) {
        error_append(errp, "; try: usermod -aG kvm USER, and a new login");
    } else {
        error_append(errp, "; the host must be booted at EL2, with a kernel "
                           "that has CONFIG_KVM");
    }
    return false;
}

/* The size of guest addresses is the VM's type; 0 is the only old one. */
static bool kvm_create_vm(KvmAccel *kvm, uint64_t guest_phys_end, Error **errp)
{
    int limit = kvm_ioctl(kvm->dev_fd, KVM_CHECK_EXTENSION,
                          (void *)KVM_CAP_ARM_VM_IPA_SIZE);
    int most = limit > 0 ? limit : USUAL_ADDRESS_BITS;
    int need = kvm_address_bits(guest_phys_end);
    int bits = MAX(need, MIN(most, USUAL_ADDRESS_BITS));

    if (need > most) {
        error_setg(errp,
                   "kvm: the machine needs guest addresses of %d bits; this "
                   "host's KVM has %d; try less -m, or a lower "
                   "-M virt,platform-bus-base=",
                   need, most);
        return false;
    }
    do { /* a signal, be it a Ctrl-Z, makes the kernel give up */
        kvm->vm_fd = kvm_ioctl(kvm->dev_fd, KVM_CREATE_VM,
                               (void *)(limit > 0 ? (uintptr_t)bits : 0));
    } while (kvm->vm_fd == -EINTR);
    if (kvm->vm_fd < 0) {
        error_setg_errno(errp, -kvm->vm_fd, "kvm: cannot create a VM");
        kvm->vm_fd = -1;
        return false;
    }
    return true;
}

static int kvm_set_ioeventfd(void *opaque, const KvmIoEventFd *entry, bool on)
{
    KvmAccel *kvm = opaque;
    struct kvm_ioeventfd args = {
        .addr = entry->gpa,
        .len = entry->size,
        .datamatch = entry->data,
        .fd = entry->fd,
        .flags = (entry->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) |
                 (on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN),
    };
    int ret;

    /* The VM's end is the end of its eventfds, too. */
    if (kvm->ended) {
        return 0;
    }
    ret = kvm_ioctl(kvm->vm_fd, KVM_IOEVENTFD, &args);
    trace_kvm_ioeventfd(entry->gpa, entry->size, on, ret);
    return ret;
}

static bool kvm_init(Accel *accel, uint64_t guest_phys_end, Error **errp)
{
    KvmAccel *kvm = KVM_ACCEL(accel);
    struct kvm_enable_cap nisv = {.cap = KVM_CAP_ARM_NISV_TO_USER};

    if (!kvm_open(kvm, errp) || !kvm_create_vm(kvm, guest_phys_end, errp)) {
        return false;
    }
    /* A kernel older than that ends KVM_RUN instead, which names the pc. */
    kvm_ioctl(kvm->vm_fd, KVM_ENABLE_CAP, &nisv);
    kvm_slots_init(kvm);
    kvm_ioeventfds_init(&kvm->ioeventfds, address_space_memory(),
                        kvm_set_ioeventfd, kvm);
    return true;
}

/* The VM goes first, so that its slots need not be taken away one by one. */
static void kvm_finish(Accel *accel)
{
    KvmAccel *kvm = KVM_ACCEL(accel);

    kvm_destroy_vcpus(accel);
    fd_close(&kvm->vfio_fd);
    fd_close(&kvm->vm_fd);
    kvm_ioeventfds_finish(&kvm->ioeventfds);
    kvm_slots_finish(kvm);
    fd_close(&kvm->dev_fd);
    g_clear_pointer(&kvm->points, g_array_unref);
}

unsigned kvm_max_vcpus(Accel *accel)
{
    int n = kvm_ioctl(KVM_ACCEL(accel)->vm_fd, KVM_CHECK_EXTENSION,
                      (void *)KVM_CAP_MAX_VCPUS);

    return n > 0 ? n : 1;
}

static bool kvm_create_vfio(KvmAccel *kvm, Error **errp)
{
    struct kvm_create_device create = {.type = KVM_DEV_TYPE_VFIO};
    int ret;

    if (kvm->vfio_fd >= 0) {
        return true;
    }
    ret = kvm_ioctl(kvm->vm_fd, KVM_CREATE_DEVICE, &create);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: cannot create the VFIO device");
        return false;
    }
    kvm->vfio_fd = create.fd;
    return true;
}

/* Since Linux 6.6 these take a device's descriptor too, by the same number. */
static bool kvm_vfio_file_add(Accel *accel, int fd, Error **errp)
{
    KvmAccel *kvm = KVM_ACCEL(accel);
    int32_t file = fd;
    int ret;

    if (!kvm_create_vfio(kvm, errp)) {
        return false;
    }
    ret = kvm_device_attr(kvm->vfio_fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
                          KVM_DEV_VFIO_GROUP_ADD, &file);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "kvm: KVM_DEV_VFIO takes no such file");
    }
    return ret >= 0;
}

static void kvm_vfio_file_del(Accel *accel, int fd)
{
    KvmAccel *kvm = KVM_ACCEL(accel);
    int32_t file = fd;
    int ret =
        kvm_device_attr(kvm->vfio_fd, KVM_SET_DEVICE_ATTR, KVM_DEV_VFIO_GROUP,
                        KVM_DEV_VFIO_GROUP_DEL, &file);

    if (ret < 0) {
        warn_report("kvm: KVM_DEV_VFIO cannot forget a file: %s",
                    g_strerror(-ret));
    }
}

static void kvm_instance_init(Object *obj)
{
    KvmAccel *kvm = KVM_ACCEL(obj);

    kvm->dev_fd = -1;
    kvm->vm_fd = -1;
    kvm->vfio_fd = -1;
    mutex_init(&kvm->lock);
    cond_init(&kvm->resume);
    cond_init(&kvm->parked);
}

static void kvm_instance_finalize(Object *obj)
{
    KvmAccel *kvm = KVM_ACCEL(obj);

    g_assert(kvm->dev_fd < 0 && !kvm->vcpus && !kvm->slots &&
             !kvm->ioeventfds.entries);
    cond_finish(&kvm->parked);
    cond_finish(&kvm->resume);
    mutex_finish(&kvm->lock);
}

static void kvm_class_init(ObjectClass *klass)
{
    AccelClass *ac = ACCEL_CLASS(klass);

    klass->desc = "the host's CPUs, by the kernel's KVM";
    ac->init = kvm_init;
    ac->finish = kvm_finish;
    ac->create_vcpus = kvm_create_vcpus;
    ac->destroy_vcpus = kvm_destroy_vcpus;
    ac->create_gic = kvm_create_gic;
    ac->start = kvm_start_vcpus;
    ac->stop = kvm_stop_vcpus;
    ac->reset_vcpus = kvm_reset_vcpus;
    ac->vfio_file_add = kvm_vfio_file_add;
    ac->vfio_file_del = kvm_vfio_file_del;
    ac->max_vcpus = kvm_max_vcpus;
    ac->debug = &kvm_debug_ops;
}

static const TypeInfo kvm_type = {
    .name = TYPE_KVM_ACCEL,
    .parent = TYPE_ACCEL,
    .instance_size = sizeof(KvmAccel),
    .class_init = kvm_class_init,
    .instance_init = kvm_instance_init,
    .instance_finalize = kvm_instance_finalize,
};
TYPE_REGISTER(kvm_type)
