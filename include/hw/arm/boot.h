/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/fdt.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"
#include "hw/core/reset.h"

/*
 * What a boot loader does for an arm64 guest: puts kernel, initrd and device
 * tree into RAM, and the CPU at the kernel's entry with the tree's address in
 * x0, at every reset. Source: Documentation/arch/arm64/booting.rst.
 */

/** Writes the board's own tree; a blob (g_free) and its size, or NULL. */
typedef void *(*ArmBootTreeFn)(MachineState *machine, const FdtBootInfo *info,
                               size_t *size, Error **errp);

/** Embedded; zeroed memory is fine for arm_boot_finish(). */
typedef struct ArmBoot {
    ResetHandler reset;
    Accel *accel;
    Loader *loader;
    VcpuEntry entry;
} ArmBoot;

/**
 * Lays out what @machine's configuration names, in RAM at @ram_base:
 *
 *  - an Image as its header says, an ELF file by its program headers, a raw
 *    binary at RAM + 0x80000, where the CPU also starts without a kernel;
 *  - the initrd behind the kernel, at the next multiple of 64 KiB;
 *  - the tree (@write_tree's, or -dtb's completed) behind these, within one
 *    2 MiB piece; at the start of RAM, for anything but an Image, if there is
 *    room before it.
 *
 * With dumpdtb= the tree is written to the file instead and the machine is
 * finished. From now on each reset loads it all and resets the CPUs. Errors
 * name the file and the option that makes room.
 */
bool arm_boot_init(ArmBoot *boot, MachineState *machine, hwaddr ram_base,
                   ArmBootTreeFn write_tree, Error **errp);
void arm_boot_finish(ArmBoot *boot);
