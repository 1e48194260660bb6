/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/accel.h"
#include "hw/core/memory.h"
#include "hw/core/platform-bus.h"
#include "util/chardev.h"

/*
 * Machines: `-M NAME,property=value,...`. The type of machine NAME is
 * "NAME-machine". system/ fills MachineConfig from the command line; the
 * machine's init builds the board.
 */
#define TYPE_MACHINE "machine"
#define MACHINE_TYPE_NAME(name) name "-" TYPE_MACHINE
OBJECT_DECLARE_TYPE(MachineState, MachineClass, MACHINE)

typedef struct MachineConfig {
    uint64_t ram_size;
    const char *cpu_model; /* NULL: what the accelerator has */
    unsigned smp;
    const char *kernel; /* file names and texts; NULL when not given */
    const char *initrd;
    const char *append;
    const char *dtb;
    Chardev *serial; /* the first UART's; system/'s own; NULL: nobody */
    bool no_reboot;
} MachineConfig;

struct MachineClass {
    ObjectClass parent_class;
    const char *alias; /* another NAME, or NULL */
    bool is_default;
    bool no_cpus;      /* -M none */
    unsigned max_cpus; /* before the accelerator's and GIC's limits */
    /*
     * Optional: the address after the last byte of RAM or MMIO, given the
     * configuration and the properties, before init; without it 1 << 40.
     */
    uint64_t (*phys_end)(const MachineState *machine);
    /* Builds the board, up to but not including user-created devices. */
    bool (*init)(MachineState *machine, Error **errp);
    /*
     * After the user-created devices: device tree, images, CPUs' entry. The
     * machine is reset after it.
     */
    bool (*done)(MachineState *machine, Error **errp);
    /* Takes everything down again; copes with half of an init. */
    void (*finish)(MachineState *machine);
};

struct MachineState {
    Object parent_obj;
    MachineConfig config; /* set before init */
    Accel *accel;         /* set before init */
    PlatformBus *bus;     /* set by init; NULL: no -device of sysbus type */
    char *dumpdtb;        /* property of every machine with a tree */
    bool finished;        /* by done: all is written, exit with status 0 */
};

/** The class of machine NAME or its alias, or NULL. */
MachineClass *machine_class_find(const char *name);

/**
 * Puts a new device in the tree: as /machine/peripheral/@id, or without an id
 * (NULL) as /machine/peripheral-anon/device[N]. False with an error if the id
 * is taken or malformed: it is a letter and then letters, digits, '-', '.'
 * and '_'.
 */
bool machine_place_device(MachineState *machine, DeviceState *dev,
                          const char *id, Error **errp);

/**
 * Realizes a user-created device and puts it on the machine's platform bus;
 * an error for devices that cannot go there. @dev is at its place in the tree.
 */
bool machine_add_device(MachineState *machine, DeviceState *dev, Error **errp);
