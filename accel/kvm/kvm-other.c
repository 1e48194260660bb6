/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator "kvm" on a host whose CPUs are no arm64 ones: it is known by
 * name, so that a list of accelerators means the same everywhere, and its init
 * says why it cannot be had. Nothing else of it is ever called but finish.
 */

#include <sys/utsname.h>

#include "accel/accel.h"

static bool kvm_other_init(Accel *accel, uint64_t guest_phys_end, Error **errp)
{
    struct utsname host;

    uname(&host);
    error_setg(errp, "kvm: needs an arm64 host; this is %s; try: -accel interp",
               host.machine);
    return false;
}

static void kvm_other_finish(Accel *accel)
{
}

static void kvm_other_class_init(ObjectClass *klass)
{
    AccelClass *ac = ACCEL_CLASS(klass);

    klass->desc = "the host's CPUs, by the kernel's KVM (arm64 hosts only)";
    ac->init = kvm_other_init;
    ac->finish = kvm_other_finish;
}

static const TypeInfo kvm_other_type = {
    .name = ACCEL_TYPE_NAME("kvm"),
    .parent = TYPE_ACCEL,
    .instance_size = sizeof(Accel),
    .class_init = kvm_other_class_init,
};
TYPE_REGISTER(kvm_other_type)
