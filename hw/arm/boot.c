/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot loader's part of an arm64 machine. Everything is placed upwards
 * from the kernel, so that the only thing that can go wrong is the end of RAM,
 * and what does not fit says how much RAM would do.
 *
 * An Image may not be followed too closely: what its header counts (image_size)
 * includes memory that it clears and uses before it reads the tree.
 */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "hw/arm/boot.h"
#include "hw/core/run-state.h"
#include "util/container-of.h"
#include "util/fd.h"
#include "util/log.h"

#define RAW_OFFSET 0x80000
#define INITRD_ALIGN 0x10000 /* the largest page that a guest may use */
#define TREE_ALIGN 8
#define TREE_PIECE (2 * 1024 * 1024) /* may not cross a multiple of it */

static hwaddr align_up(hwaddr addr, uint64_t align)
{
    return (addr + align - 1) & -align;
}

static void arm_boot_reset(ResetHandler *handler)
{
    ArmBoot *boot = container_of(handler, ArmBoot, reset);
    AccelClass *ac = ACCEL_GET_CLASS(boot->accel);
    Error *err = NULL;

    if (!ac->reset_vcpus(boot->accel, &boot->entry, &err)) {
        error_report_err(err);
        run_state_request_failure();
    }
}

static bool load_kernel(ArmBoot *boot, const MachineConfig *config,
                        hwaddr ram_base, LoadedImage *image, Error **errp)
{
    if (config->kernel) {
        return loader_add_kernel(boot->loader, config->kernel, image, errp);
    }
    *image = (LoadedImage){.addr = ram_base + RAW_OFFSET,
                           .entry = ram_base + RAW_OFFSET};
    return true;
}

/* At @addr or behind; *@end is where the next thing may begin. */
static bool load_initrd(ArmBoot *boot, const char *path, hwaddr *end,
                        FdtBootInfo *info, Error **errp)
{
    uint64_t size;

    if (!path) {
        return true;
    }
    info->initrd_start = align_up(*end, INITRD_ALIGN);
    if (!loader_add_file(boot->loader, path, info->initrd_start, &size, errp)) {
        error_prepend(errp, "initrd ");
        return false;
    }
    info->initrd_end = info->initrd_start + size;
    *end = info->initrd_end;
    return true;
}

static void *read_tree(const char *path, size_t *size, Error **errp)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    g_autofree char *blob = g_malloc(FDT_SIZE_MAX + 1);
    ssize_t n = 0;

    *size = 0;
    while (fd >= 0 && *size <= FDT_SIZE_MAX &&
           (n = read(fd, blob + *size, FDT_SIZE_MAX + 1 - *size)) > 0) {
        *size += n;
    }
    if (fd < 0 || n < 0) {
        error_setg_errno(errp, errno, "dtb '%s': cannot read", path);
        return NULL;
    }
    return g_steal_pointer(&blob);
}

static void *make_tree(MachineState *machine, const FdtBootInfo *info,
                       ArmBootTreeFn write_tree, size_t *size, Error **errp)
{
    const char *path = machine->config.dtb;
    g_autofree void *blob = NULL;

    if (!path) {
        return write_tree(machine, info, size, errp);
    }
    blob = read_tree(path, size, errp);
    return blob ? fdt_complete(blob, *size, info, path, size, errp) : NULL;
}

static bool dump_tree(const char *path, const uint8_t *blob, size_t size,
                      Error **errp)
{
    autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t n = 0;

    while (fd >= 0 && size && (n = write(fd, blob, size)) > 0) {
        blob += n;
        size -= n;
    }
    if (fd < 0 || n < 0) {
        error_setg_errno(errp, errno, "dumpdtb '%s': cannot write", path);
        return false;
    }
    return true;
}

static hwaddr tree_address(hwaddr ram_base, const LoadedImage *image,
                           hwaddr end, size_t size)
{
    hwaddr addr = align_up(end, TREE_ALIGN);

    if (!image->is_linux && size <= image->addr - ram_base) {
        return ram_base;
    }
    if (addr / TREE_PIECE != (addr + size - 1) / TREE_PIECE) {
        addr = align_up(addr, TREE_PIECE);
    }
    return addr;
}

static bool load_all(ArmBoot *boot, MachineState *machine, hwaddr ram_base,
                     ArmBootTreeFn write_tree, Error **errp)
{
    const MachineConfig *config = &machine->config;
    FdtBootInfo info = {
        .ram_base = ram_base,
        .ram_size = config->ram_size,
        .bootargs = config->append,
    };
    g_autofree void *tree = NULL;
    LoadedImage image;
    size_t size;
    hwaddr end;

    if (!load_kernel(boot, config, ram_base, &image, errp)) {
        return false;
    }
    end = image.addr + image.size;
    if (!load_initrd(boot, config->initrd, &end, &info, errp)) {
        return false;
    }
    tree = make_tree(machine, &info, write_tree, &size, errp);
    if (!tree) {
        return false;
    }
    if (machine->dumpdtb) {
        machine->finished = true;
        return dump_tree(machine->dumpdtb, tree, size, errp);
    }
    boot->entry.pc = image.entry;
    boot->entry.x0 = tree_address(ram_base, &image, end, size);
    return loader_add_blob(boot->loader, "device tree", g_steal_pointer(&tree),
                           size, boot->entry.x0, errp);
}

bool arm_boot_init(ArmBoot *boot, MachineState *machine, hwaddr ram_base,
                   ArmBootTreeFn write_tree, Error **errp)
{
    boot->accel = machine->accel;
    boot->loader =
        loader_new(address_space_memory(), ram_base, machine->config.ram_size);
    reset_register(&boot->reset, RESET_CPU, arm_boot_reset);
    return load_all(boot, machine, ram_base, write_tree, errp);
}

void arm_boot_finish(ArmBoot *boot)
{
    reset_unregister(&boot->reset);
    loader_free(boot->loader);
    boot->loader = NULL;
}
