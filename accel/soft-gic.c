/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all software interrupt controllers have in common for those who create
 * them: the abstract type with its properties, and which CPU a thread is. The
 * controllers themselves are devices, in hw/intc/.
 */

#include "accel/soft-gic.h"

#define SOFT_GIC_MAX_SPIS 960 /* INTIDs 32 to 991; 1020 and up are special */

static __thread unsigned current_cpu;

unsigned soft_gic_current_cpu(void)
{
    return current_cpu;
}

void soft_gic_set_current_cpu(unsigned cpu)
{
    current_cpu = cpu;
}

static const Property soft_gic_properties[] = {
    PROP_UINT32("num-cpus", SoftGic, num_cpus, "1", SOFT_GIC_MAX_CPUS,
                "CPUs that it interrupts"),
    PROP_UINT32("num-spis", SoftGic, num_spis, "32", SOFT_GIC_MAX_SPIS,
                "shared peripheral interrupts, a multiple of 32"),
    {0},
};

static void soft_gic_class_init(ObjectClass *klass)
{
    klass->properties = soft_gic_properties;
}

static const TypeInfo soft_gic_type = {
    .name = TYPE_SOFT_GIC,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(SoftGic),
    .class_size = sizeof(SoftGicClass),
    .abstract = true,
    .class_init = soft_gic_class_init,
};
TYPE_REGISTER(soft_gic_type)
