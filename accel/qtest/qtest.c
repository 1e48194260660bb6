/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator for tests: everything of a machine but its CPUs. It takes
 * whatever number of CPUs and GIC version a machine asks for, since neither
 * will ever run; reset, start and stop have nothing to do, and the virtual
 * clock stands still unless the qtest protocol moves it.
 */

#include "accel/qtest.h"
#include "util/timer.h"

#define MAX_VCPUS 512

static bool qtest_init(Accel *accel, uint64_t guest_phys_end, Error **errp)
{
    clock_virtual_set_manual();
    return true;
}

static void qtest_finish(Accel *accel)
{
}

static bool qtest_create_vcpus(Accel *accel, unsigned n, const char *cpu_model,
                               Error **errp)
{
    return true;
}

static void qtest_destroy_vcpus(Accel *accel)
{
}

static DeviceState *qtest_create_gic(Accel *accel, GicConfig *config,
                                     Error **errp)
{
    g_autoptr(DeviceState) dev = qdev_new(TYPE_QTEST_GIC);

    if (config->version != GIC_VERSION_2) {
        config->version = GIC_VERSION_3;
    }
    QTEST_GIC(dev)->num_inputs = config->num_spis;
    if (!object_add_child(object_resolve_path("/machine"), "gic", OBJECT(dev),
                          errp)) {
        return NULL;
    }
    if (!qdev_realize(dev, errp)) {
        object_unparent(OBJECT(dev));
        return NULL;
    }
    return g_steal_pointer(&dev);
}

static void qtest_start(Accel *accel)
{
}

static void qtest_stop(Accel *accel)
{
}

static bool qtest_reset_vcpus(Accel *accel, const VcpuEntry *entry,
                              Error **errp)
{
    return true;
}

static unsigned qtest_max_vcpus(Accel *accel)
{
    return MAX_VCPUS;
}

static void qtest_class_init(ObjectClass *klass)
{
    AccelClass *ac = ACCEL_CLASS(klass);

    klass->desc = "no CPUs, driven by a test";
    ac->init = qtest_init;
    ac->finish = qtest_finish;
    ac->create_vcpus = qtest_create_vcpus;
    ac->destroy_vcpus = qtest_destroy_vcpus;
    ac->create_gic = qtest_create_gic;
    ac->start = qtest_start;
    ac->stop = qtest_stop;
    ac->reset_vcpus = qtest_reset_vcpus;
    ac->max_vcpus = qtest_max_vcpus;
    ac->is_qtest = true;
}

static const TypeInfo qtest_accel_type = {
    .name = TYPE_QTEST_ACCEL,
    .parent = TYPE_ACCEL,
    .class_init = qtest_class_init,
};
TYPE_REGISTER(qtest_accel_type)
