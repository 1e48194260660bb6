/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator "interp": arm64 guests on any host, by interpretation. This
 * file is what the machine sees of it; a vCPU's state is cpu.c, its thread
 * thread.c, its instructions decode.c, block.c and execute.c.
 */
#include "interp.h"

#include <string.h>

#include "debug.h"
#include "thread.h"

/* What ID_AA64MMFR0_EL1.PARange can say, from the least. */
static const unsigned phys_ranges[] = {32, 36, 40, 42, 44, 48};

static bool interp_init(Accel *accel, uint64_t guest_phys_end, Error **errp)
{
    InterpAccel *interp = INTERP_ACCEL(accel);
    unsigned i = 2;

    while (i < G_N_ELEMENTS(phys_ranges) &&
           guest_phys_end > 1ull << phys_ranges[i]) {
        i++;
    }
    if (i == G_N_ELEMENTS(phys_ranges)) {
        error_setg(errp,
                   "interp: the machine needs addresses beyond 48 bits; this "
                   "CPU has no more");
        return false;
    }
    interp->phys_range = i;
    interp->phys_bits = phys_ranges[i];
    interp_ram_init(interp);
    interp->inited = true;
    return true;
}

static void interp_finish(Accel *accel)
{
    InterpAccel *interp = INTERP_ACCEL(accel);

    if (interp->inited) {
        interp_ram_finish(interp);
        interp->inited = false;
    }
}

static bool check_model(const char *cpu_model, Error **errp)
{
    if (cpu_model && strcmp(cpu_model, "interp") && strcmp(cpu_model, "max")) {
        error_setg(errp,
                   "interp: CPU model '%s' cannot be had; try -cpu interp",
                   cpu_model);
        return false;
    }
    return true;
}

static void interp_destroy_vcpus(Accel *accel)
{
    InterpAccel *interp = INTERP_ACCEL(accel);

    if (!interp->cpus) {
        return;
    }
    cpu_threads_stop(interp);
    cpu_threads_destroy(interp);
    while (interp->num_cpus) {
        cpu_free(interp->cpus[--interp->num_cpus]);
    }
    g_clear_pointer(&interp->cpus, g_free);
    interp->gic = NULL; /* the machine's; it has nobody to interrupt now */
}

static bool interp_create_vcpus(Accel *accel, unsigned n, const char *cpu_model,
                                Error **errp)
{
    InterpAccel *interp = INTERP_ACCEL(accel);

    g_assert(!interp->cpus && n > 0);
    if (!check_model(cpu_model, errp)) {
        return false;
    }
    interp->cpus = g_new0(InterpCpu *, n);
    for (unsigned i = 0; i < n; i++) {
        interp->cpus[i] = cpu_new(interp, i);
    }
    interp->num_cpus = n;
    if (!cpu_threads_create(interp, errp)) {
        interp_destroy_vcpus(accel);
        return false;
    }
    return true;
}

static const char *gic_type(GicConfig *config)
{
    if (config->version == GIC_VERSION_2) {
        return TYPE_SOFT_GICV2;
    }
    config->version = GIC_VERSION_3;
    return TYPE_SOFT_GICV3;
}

static void map_gic(SoftGic *gic, const GicConfig *config)
{
    bool v3 = config->version == GIC_VERSION_3;
    SysBusDevice *sbd = SYS_BUS_DEVICE(gic);

    sysbus_mmio_map(sbd, 0, config->dist_base);
    sysbus_mmio_map(sbd, 1, v3 ? config->redist_base : config->cpu_base);
}

static DeviceState *interp_create_gic(Accel *accel, GicConfig *config,
                                      Error **errp)
{
    InterpAccel *interp = INTERP_ACCEL(accel);
    g_autoptr(DeviceState) dev = qdev_new(gic_type(config));
    SoftGic *gic = SOFT_GIC(dev);

    gic->num_cpus = config->num_cpus;
    gic->num_spis = config->num_spis;
    gic->cpu_ops = &cpu_irq_ops;
    gic->cpu_opaque = interp;
    if (!object_add_child(object_resolve_path("/machine"), "gic", OBJECT(dev),
                          errp)) {
        return NULL;
    }
    if (!qdev_realize(dev, errp)) {
        object_unparent(OBJECT(dev));
        return NULL;
    }
    map_gic(gic, config);
    interp->gic = gic;
    return g_steal_pointer(&dev);
}

static void interp_start(Accel *accel)
{
    cpu_threads_start(INTERP_ACCEL(accel));
}

static void interp_stop(Accel *accel)
{
    cpu_threads_stop(INTERP_ACCEL(accel));
}

static bool interp_reset_vcpus(Accel *accel, const VcpuEntry *entry,
                               Error **errp)
{
    InterpAccel *interp = INTERP_ACCEL(accel);

    cpu_threads_reset(interp);
    interp->cpus[0]->pc = entry->pc;
    interp->cpus[0]->x[0] = entry->x0;
    return true;
}

static unsigned interp_max_vcpus(Accel *accel)
{
    return SOFT_GIC_MAX_CPUS;
}

static void interp_instance_init(Object *obj)
{
    InterpAccel *interp = INTERP_ACCEL(obj);

    mutex_init(&interp->lock);
    cond_init(&interp->changed);
}

static void interp_finalize(Object *obj)
{
    InterpAccel *interp = INTERP_ACCEL(obj);

    cond_finish(&interp->changed);
    mutex_finish(&interp->lock);
}

static void interp_class_init(ObjectClass *klass)
{
    AccelClass *ac = ACCEL_CLASS(klass);

    klass->desc = "arm64 guests on any host, by interpretation";
    ac->init = interp_init;
    ac->finish = interp_finish;
    ac->create_vcpus = interp_create_vcpus;
    ac->destroy_vcpus = interp_destroy_vcpus;
    ac->create_gic = interp_create_gic;
    ac->start = interp_start;
    ac->stop = interp_stop;
    ac->reset_vcpus = interp_reset_vcpus;
    ac->max_vcpus = interp_max_vcpus;
    ac->debug = &interp_debug_ops;
}

static const TypeInfo interp_type = {
    .name = TYPE_INTERP_ACCEL,
    .parent = TYPE_ACCEL,
    .instance_size = sizeof(InterpAccel),
    .instance_init = interp_instance_init,
    .instance_finalize = interp_finalize,
    .class_init = interp_class_init,
};
TYPE_REGISTER(interp_type)
