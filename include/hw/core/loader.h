/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include "hw/core/memory.h"

/*
 * Images in guest RAM. A loader keeps the image's file open and reads it
 * straight into guest RAM, again at every reset (RESET_MEMORY), so an image
 * costs no memory beside the guest's. Blobs made by ourselves are kept.
 */

/** What the image wants to know of the machine; and what it says of itself. */
typedef struct LoadedImage {
    hwaddr addr;   /* first guest address */
    uint64_t size; /* bytes of guest RAM it needs, its BSS included */
    hwaddr entry;
    bool is_linux; /* an arm64 Image: wants the tree's address in x0 */
} LoadedImage;

typedef struct Loader Loader;
Loader *loader_new(AddressSpace *as, hwaddr ram_base, uint64_t ram_size);
void loader_free(Loader *loader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Loader, loader_free)

/**
 * A kernel: an arm64 Image (plain or gzip), an ELF file (AArch64 or, loaded
 * by its program headers), else a raw binary for RAM + 0x80000. Nothing is
 * read into RAM before the first reset, but the file is checked to fit.
 */
bool loader_add_kernel(Loader *loader, const char *path, LoadedImage *image,
                       Error **errp);
/** A file as it is, at @addr. */
bool loader_add_file(Loader *loader, const char *path, hwaddr addr,
                     uint64_t *size, Error **errp);
/** Bytes that the loader takes over (g_free), at @addr. @name for errors. */
bool loader_add_blob(Loader *loader, const char *name, void *data,
                     uint64_t size, hwaddr addr, Error **errp);
