/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/stat.h>
#include <zlib.h>
#include "hw/core/loader.h"
#include "hw/core/reset.h"

/*
 * Between loader.c, which copies images, and loader-kernel.c, which knows the
 * formats of kernels.
 */

#define GZIP_WINDOW_BITS (16 + MAX_WBITS) /* gzip's format, not zlib's */

/* A piece of a file and the RAM that it fills; the rest becomes zeroes. */
typedef struct Part {
    hwaddr addr;
    uint64_t mem_size;
    uint64_t offset;
    uint64_t file_size;
} Part;

typedef struct Image {
    char *name; /* quoted, for messages */
    int fd;     /* -1: a blob */
    struct stat stat;
    bool gzip; /* the one part is the whole file, inflated */
    GArray *parts;
    void *data; /* a blob's */
} Image;

struct Loader {
    ResetHandler reset;
    AddressSpace *as;
    hwaddr ram_base;
    uint64_t ram_size;
    bool loaded; /* RAM is no longer all zeroes */
    GPtrArray *images;
};

void image_free(void *opaque);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)

static inline uint64_t image_file_size(const Image *image)
{
    return image->stat.st_size;
}

/* Reads all of @size bytes, or fails. */
bool image_read(const Image *image, void *buf, uint64_t size, uint64_t offset,
                Error **errp);

/*
 * Inflates a gzip file to @out, to its end or until @size bytes are there.
 * With @to_the_end a byte more is looked for, so that zlib checks the end.
 * *@done tells how many came. zlib's result, or Z_ERRNO with @errp set.
 */
int image_inflate(const Image *image, z_stream *z, uint8_t *out, uint64_t size,
                  bool to_the_end, uint64_t *done, Error **errp);
/* Sets @errp to what zlib found wrong; false. */
bool image_inflate_failed(const Image *image, const z_stream *z, int rc,
                          Error **errp);

/* Appends @part to @image if it is within RAM. */
bool loader_place(const Loader *loader, Image *image, const Part *part,
                  Error **errp);
/* All parts of a kernel. */
bool loader_place_kernel(const Loader *loader, Image *image,
                         LoadedImage *loaded, Error **errp);
