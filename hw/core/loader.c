/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images in guest RAM. Adding one decides where its parts go (for kernels,
 * loader-kernel.c does) and checks that they fit; a reset copies them. Files
 * stay open and are read straight into guest RAM, a gzip file through zlib
 * without a buffer for its output, so an image is never in memory twice.
 *
 * A file that changed after the start is not loaded again half old and half
 * new: the machine stops with a message.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "loader-image.h"
#include "hw/core/run-state.h"
#include "util/container-of.h"
#include "util/fd.h"

#define GZIP_CHUNK 65536

void image_free(void *opaque)
{
    Image *image = opaque;

    if (image) {
        fd_close(&image->fd);
        g_array_unref(image->parts);
        g_free(image->data);
        g_free(image->name);
        g_free(image);
    }
}

static Image *image_new(const char *name)
{
    Image *image = g_new0(Image, 1);

    image->name = g_strdup_printf("'%s'", name);
    image->fd = -1;
    image->parts = g_array_new(FALSE, FALSE, sizeof(Part));
    return image;
}

static Image *image_open(const char *path, Error **errp)
{
    g_autoptr(Image) image = image_new(path);

    image->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (image->fd < 0 || fstat(image->fd, &image->stat)) {
        error_setg_errno(errp, errno, "%s: cannot open", image->name);
        return NULL;
    }
    if (!S_ISREG(image->stat.st_mode)) {
        error_setg(errp, "%s: not a regular file", image->name);
        return NULL;
    }
    if (!image->stat.st_size) {
        error_setg(errp, "%s: the file is empty", image->name);
        return NULL;
    }
    return g_steal_pointer(&image);
}

bool image_read(const Image *image, void *buf, uint64_t size, uint64_t offset,
                Error **errp)
{
    uint64_t done = 0;

    while (done < size) {
        ssize_t n = pread(image->fd, (char *)buf + done,
                          MIN(size - done, 1 << 30), offset + done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            error_setg_errno(errp, errno, "%s: cannot read", image->name);
            return false;
        }
        if (n == 0) {
            error_setg(errp, "%s: the file ends at %" PRIu64 " bytes",
                       image->name, offset + done);
            return false;
        }
        done += n;
    }
    return true;
}

static char *size_text(uint64_t size)
{
    if (size >= 1 << 20) {
        return g_strdup_printf("%" PRIu64 " MiB", (size + 0xfffff) >> 20);
    }
    return g_strdup_printf("%" PRIu64 " KiB", (size + 0x3ff) >> 10);
}

static bool does_not_fit(const Loader *loader, const Image *image,
                         uint64_t size, hwaddr addr, Error **errp)
{
    g_autofree char *need = size_text(size);
    g_autofree char *have = size_text(loader->ram_size);
    uint64_t mib = 1;

    if (addr < loader->ram_base || addr + size < addr ||
        addr + size - loader->ram_base > 1ull << 40) {
        error_setg(errp,
                   "%s: %s at 0x%" PRIx64 " are not in RAM, which has %s at "
                   "0x%" PRIx64 "; link the image for these addresses",
                   image->name, need, addr, have, loader->ram_base);
        return false;
    }
    while (mib << 20 < addr + size - loader->ram_base) {
        mib *= 2;
    }
    error_setg(errp,
               "%s: %s at RAM + 0x%" PRIx64 " do not fit in %s of RAM; try "
               "-m %" PRIu64 "M",
               image->name, need, addr - loader->ram_base, have, mib);
    return false;
}

bool loader_place(const Loader *loader, Image *image, const Part *part,
                  Error **errp)
{
    hwaddr offset = part->addr - loader->ram_base;

    if (part->addr < loader->ram_base || offset > loader->ram_size ||
        part->mem_size > loader->ram_size - offset) {
        return does_not_fit(loader, image, part->mem_size, part->addr, errp);
    }
    g_array_append_val(image->parts, *part);
    return true;
}

bool image_inflate_failed(const Image *image, const z_stream *z, int rc,
                          Error **errp)
{
    const char *why = rc == Z_STREAM_END  ? "not the size that its end tells"
                      : rc == Z_OK        ? "more data than its end tells"
                      : rc == Z_BUF_ERROR ? "it ends too early"
                                          : zError(rc);

    error_setg(errp, "%s: damaged gzip file: %s", image->name,
               z->msg ? z->msg : why);
    return false;
}

/* Gives zlib the file's next bytes when it has none. */
static bool inflate_refill(const Image *image, z_stream *z, uint8_t *in,
                           uint64_t *offset, Error **errp)
{
    uint64_t n = MIN(GZIP_CHUNK, image_file_size(image) - *offset);

    if (z->avail_in || !n) {
        return true;
    }
    if (!image_read(image, in, n, *offset, errp)) {
        return false;
    }
    *offset += n;
    z->next_in = in;
    z->avail_in = n;
    return true;
}

int image_inflate(const Image *image, z_stream *z, uint8_t *out, uint64_t size,
                  bool to_the_end, uint64_t *done, Error **errp)
{
    g_autofree uint8_t *in = g_malloc(GZIP_CHUNK);
    uint64_t offset = 0;
    uint8_t beyond;
    int rc = Z_OK;

    *done = 0;
    while (rc == Z_OK && *done < size + to_the_end) {
        /* Behind the last byte zlib still has to see and check the end. */
        bool all_there = *done == size;
        uInt room = all_there ? 1 : MIN(size - *done, 1 << 30);

        if (!inflate_refill(image, z, in, &offset, errp)) {
            return Z_ERRNO;
        }
        z->next_out = all_there ? &beyond : out + *done;
        z->avail_out = room;
        rc = inflate(z, Z_NO_FLUSH);
        *done += room - z->avail_out;
    }
    return rc;
}

/* All of a gzip file into RAM; exactly @part's file_size must come of it. */
static bool load_gzip(const Image *image, const Part *part, uint8_t *ram,
                      Error **errp)
{
    z_stream z = {0};
    uint64_t done = 0;
    int rc = inflateInit2(&z, GZIP_WINDOW_BITS);

    if (rc == Z_OK) {
        rc = image_inflate(image, &z, ram, part->file_size, true, &done, errp);
    }
    if (rc != Z_ERRNO && (rc != Z_STREAM_END || done != part->file_size)) {
        image_inflate_failed(image, &z, rc, errp);
        rc = Z_ERRNO;
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END;
}

static bool load_part(const Loader *loader, const Image *image,
                      const Part *part, Error **errp)
{
    uint8_t *ram = address_space_ram(loader->as, part->addr, part->mem_size);

    if (!ram) {
        error_setg(errp, "%s: no RAM at 0x%" PRIx64, image->name, part->addr);
        return false;
    }
    if (image->fd < 0) {
        memcpy(ram, image->data, part->file_size);
    } else if (image->gzip) {
        if (!load_gzip(image, part, ram, errp)) {
            return false;
        }
    } else if (!image_read(image, ram, part->file_size, part->offset, errp)) {
        return false;
    }
    if (loader->loaded) {
        memset(ram + part->file_size, 0, part->mem_size - part->file_size);
    }
    return true;
}

static bool image_is_unchanged(const Image *image, Error **errp)
{
    struct stat now;

    if (image->fd < 0) {
        return true;
    }
    if (fstat(image->fd, &now)) {
        error_setg_errno(errp, errno, "%s: cannot read", image->name);
        return false;
    }
    if (now.st_size != image->stat.st_size ||
        now.st_mtim.tv_sec != image->stat.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != image->stat.st_mtim.tv_nsec) {
        error_setg(errp,
                   "%s: the file changed since the start, so it cannot be "
                   "loaded again; start anew",
                   image->name);
        return false;
    }
    return true;
}

static bool load_image(const Loader *loader, const Image *image, Error **errp)
{
    if (!image_is_unchanged(image, errp)) {
        return false;
    }
    for (guint i = 0; i < image->parts->len; i++) {
        if (!load_part(loader, image, &g_array_index(image->parts, Part, i),
                       errp)) {
            return false;
        }
    }
    return true;
}

static void loader_reset(ResetHandler *handler)
{
    Loader *loader = container_of(handler, Loader, reset);

    for (guint i = 0; i < loader->images->len; i++) {
        Error *err = NULL;

        if (!load_image(loader, g_ptr_array_index(loader->images, i), &err)) {
            error_report_err(err);
            run_state_request_failure();
            return;
        }
    }
    loader->loaded = true;
}

Loader *loader_new(AddressSpace *as, hwaddr ram_base, uint64_t ram_size)
{
    Loader *loader = g_new0(Loader, 1);

    loader->as = as;
    loader->ram_base = ram_base;
    loader->ram_size = ram_size;
    loader->images = g_ptr_array_new_with_free_func(image_free);
    reset_register(&loader->reset, RESET_MEMORY, loader_reset);
    return loader;
}

void loader_free(Loader *loader)
{
    if (loader) {
        reset_unregister(&loader->reset);
        g_ptr_array_unref(loader->images);
        g_free(loader);
    }
}

bool loader_add_blob(Loader *loader, const char *name, void *data,
                     uint64_t size, hwaddr addr, Error **errp)
{
    g_autoptr(Image) image = image_new(name);
    Part part = {.addr = addr, .mem_size = size, .file_size = size};

    image->data = data;
    if (!loader_place(loader, image, &part, errp)) {
        return false;
    }
    g_ptr_array_add(loader->images, g_steal_pointer(&image));
    return true;
}

bool loader_add_file(Loader *loader, const char *path, hwaddr addr,
                     uint64_t *size, Error **errp)
{
    g_autoptr(Image) image = image_open(path, errp);
    Part part = {.addr = addr};

    if (!image) {
        return false;
    }
    part.mem_size = part.file_size = image_file_size(image);
    if (!loader_place(loader, image, &part, errp)) {
        return false;
    }
    *size = part.file_size;
    g_ptr_array_add(loader->images, g_steal_pointer(&image));
    return true;
}

bool loader_add_kernel(Loader *loader, const char *path, LoadedImage *loaded,
                       Error **errp)
{
    g_autoptr(Image) image = image_open(path, errp);

    if (!image || !loader_place_kernel(loader, image, loaded, errp)) {
        error_prepend(errp, "kernel ");
        return false;
    }
    g_ptr_array_add(loader->images, g_steal_pointer(&image));
    return true;
}
