/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `-M none`: no CPU, no controller, no bus; RAM at address 0, if any. It is
 * for asking the program things (QMP, -device help) and for tests of what
 * needs no board.
 */

#include "hw/core/machine.h"

#define TYPE_NULL_MACHINE MACHINE_TYPE_NAME("none")

typedef struct NullMachine {
    MachineState parent_obj;
    MemoryRegion ram;
} NullMachine;

static bool null_machine_init(MachineState *machine, Error **errp)
{
    NullMachine *nm = (NullMachine *)machine;
    const MachineConfig *config = &machine->config;

    if (machine->dumpdtb || config->kernel || config->dtb) {
        error_setg(errp, "machine none: it has nothing to boot and no device "
                         "tree; try: -M virt");
        return false;
    }
    if (!config->ram_size) {
        return true;
    }
    if (!memory_region_init_ram(&nm->ram, OBJECT(machine), "ram",
                                config->ram_size, errp)) {
        return false;
    }
    memory_region_add_subregion(get_system_memory(), 0, &nm->ram);
    return true;
}

static bool null_machine_done(MachineState *machine, Error **errp)
{
    return true;
}

static void null_machine_finish(MachineState *machine)
{
    NullMachine *nm = (NullMachine *)machine;

    if (nm->ram.container) {
        memory_region_del_subregion(nm->ram.container, &nm->ram);
    }
    memory_region_finish(&nm->ram);
}

static void null_machine_class_init(ObjectClass *klass)
{
    MachineClass *mc = MACHINE_CLASS(klass);

    klass->desc = "empty machine";
    mc->no_cpus = true;
    mc->init = null_machine_init;
    mc->done = null_machine_done;
    mc->finish = null_machine_finish;
}

static const TypeInfo null_machine_type = {
    .name = TYPE_NULL_MACHINE,
    .parent = TYPE_MACHINE,
    .instance_size = sizeof(NullMachine),
    .class_init = null_machine_class_init,
};
TYPE_REGISTER(null_machine_type)
