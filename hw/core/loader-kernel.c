/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel file is, by its first bytes, and where its parts go. The file
 * is foreign input: every number in it is checked against the file's size and
 * RAM before it is used. Of a gzip file just enough is inflated to see the
 * Image's header; how much there is in all stands in its last four bytes, and
 * loading insists on it.
 *
 * Sources: Documentation/arch/arm64/booting.rst for the Image's header,
 * RFC 1952 for gzip, the ELF-64 object file format.
 */

#include <elf.h>
#include <string.h>

#include "loader-image.h"

#define RAW_OFFSET 0x80000
#define PEEK_SIZE 1024
#define GZIP_MIN_SIZE 18 /* header and trailer of an empty one */
#define ELF_MAX_SEGMENTS 64

#define IMAGE_HEADER_SIZE 64
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE 16
#define IMAGE_FLAGS 24
#define IMAGE_FLAG_BIG_ENDIAN 1
#define IMAGE_MAGIC 56

static uint32_t get_le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get_le64(const uint8_t *p)
{
    return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

/* What people give by mistake, and what to give instead. */
static const struct {
    unsigned offset;
    unsigned size;
    const char *magic;
    const char *advice;
} mistakes[] = {
    {4, 4, "zimg",
     "a kernel compressed for EFI (zboot); give Image or Image.gz from "
     "arch/arm64/boot of the same build"},
    {0x202, 4, "HdrS",
     "an x86 kernel (bzImage); give an arm64 Image or Image.gz"},
    {0x24, 4, "\x18\x28\x6f\x01",
     "a 32-bit Arm kernel (zImage); give an arm64 Image or Image.gz"},
    {0, 4, "\x27\x05\x19\x56",
     "a U-Boot image (uImage); give the Image that it was made of"},
    {0, 4, "\xd0\x0d\xfe\xed",
     "a device tree or FIT image; give an arm64 Image or Image.gz"},
    {0, 6,
     "\xfd"
     "7zXZ\0",
     "compressed with xz; give what unxz makes of it"},
    {0, 4, "\x28\xb5\x2f\xfd",
     "compressed with zstd; give what unzstd makes of it"},
    {0, 4, "\x02\x21\x4c\x18",
     "compressed with lz4; give what unlz4 makes of it"},
    {0, 4, "\x04\x22\x4d\x18",
     "compressed with lz4; give what unlz4 makes of it"},
    {0, 3, "BZh", "compressed with bzip2; give what bunzip2 makes of it"},
    {0, 2, "MZ",
     "an EFI program for another machine; give an arm64 Image or Image.gz"},
};

static bool is_no_mistake(const Image *image, const uint8_t *head, size_t size,
                          Error **errp)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        if (size >= mistakes[i].offset + mistakes[i].size &&
            !memcmp(head + mistakes[i].offset, mistakes[i].magic,
                    mistakes[i].size)) {
            error_setg(errp, "%s: this is %s", image->name, mistakes[i].advice);
            return false;
        }
    }
    return true;
}

static bool is_linux_image(const uint8_t *head, size_t size)
{
    return size >= IMAGE_HEADER_SIZE &&
           !memcmp(head + IMAGE_MAGIC, "ARM\x64", 4);
}

/* An arm64 Image of @size bytes with the header @head. */
static bool place_linux(const Loader *loader, Image *image, const uint8_t *head,
                        uint64_t size, LoadedImage *loaded, Error **errp)
{
    uint64_t text_offset = get_le64(head + IMAGE_TEXT_OFFSET);
    uint64_t image_size = get_le64(head + IMAGE_SIZE);
    Part part = {.file_size = size};

    if (get_le64(head + IMAGE_FLAGS) & IMAGE_FLAG_BIG_ENDIAN) {
        error_setg(errp,
                   "%s: a big-endian kernel; give one that is built without "
                   "CONFIG_CPU_BIG_ENDIAN",
                   image->name);
        return false;
    }
    if (!image_size) {
        /* Before Linux 3.17: what it needs is unknown, so leave it half. */
        text_offset = RAW_OFFSET;
        image_size = loader->ram_size / 2;
    }
    part.addr = loader->ram_base + text_offset;
    part.mem_size = MAX(size, image_size);
    if (!loader_place(loader, image, &part, errp)) {
        return false;
    }
    *loaded = (LoadedImage){.addr = part.addr,
                            .size = part.mem_size,
                            .entry = part.addr,
                            .is_linux = true};
    return true;
}

static bool place_raw(const Loader *loader, Image *image, LoadedImage *loaded,
                      Error **errp)
{
    Part part = {
        .addr = loader->ram_base + RAW_OFFSET,
        .mem_size = image_file_size(image),
        .file_size = image_file_size(image),
    };

    *loaded = (LoadedImage){
        .addr = part.addr, .size = part.mem_size, .entry = part.addr};
    return loader_place(loader, image, &part, errp);
}

static bool is_gzip(const uint8_t *head, size_t size)
{
    return size >= GZIP_MIN_SIZE && head[0] == 0x1f && head[1] == 0x8b;
}

/* The first bytes of what is in a gzip file. */
static bool peek_gzip(const Image *image, uint8_t *head, uint64_t *size,
                      Error **errp)
{
    z_stream z = {0};
    int rc = inflateInit2(&z, GZIP_WINDOW_BITS);

    if (rc == Z_OK) {
        rc = image_inflate(image, &z, head, PEEK_SIZE, false, size, errp);
    }
    if (rc != Z_ERRNO && rc != Z_OK && rc != Z_STREAM_END) {
        image_inflate_failed(image, &z, rc, errp);
        rc = Z_ERRNO;
    }
    inflateEnd(&z);
    return rc != Z_ERRNO;
}

static bool place_gzip(const Loader *loader, Image *image, LoadedImage *loaded,
                       Error **errp)
{
    uint8_t head[PEEK_SIZE] = {0};
    uint8_t trailer[4];
    uint64_t head_size;

    if (!image_read(image, trailer, sizeof(trailer),
                    image_file_size(image) - sizeof(trailer), errp) ||
        !peek_gzip(image, head, &head_size, errp)) {
        return false;
    }
    if (!is_linux_image(head, head_size)) {
        error_setg(errp,
                   "%s: a gzip file with no arm64 Image in it; give what "
                   "gunzip makes of it",
                   image->name);
        return false;
    }
    image->gzip = true;
    return place_linux(loader, image, head, get_le32(trailer), loaded, errp);
}

static bool elf_error(const Image *image, const char *why, Error **errp)
{
    error_setg(errp, "%s: %s; give an ELF file of a 64-bit Arm program",
               image->name, why);
    return false;
}

/* PT_LOAD segment @ph: its part, and what it says of the whole. */
static bool place_segment(const Loader *loader, Image *image,
                          const Elf64_Phdr *ph, uint64_t virtual_entry,
                          LoadedImage *loaded, Error **errp)
{
    Part part = {
        .addr = ph->p_paddr,
        .mem_size = ph->p_memsz,
        .offset = ph->p_offset,
        .file_size = ph->p_filesz,
    };
    hwaddr end = MAX(loaded->addr + loaded->size, part.addr + part.mem_size);

    if (part.file_size > part.mem_size ||
        part.file_size > image_file_size(image) ||
        part.offset > image_file_size(image) - part.file_size) {
        return elf_error(image, "a segment reaches beyond the file", errp);
    }
    if (!loader_place(loader, image, &part, errp)) {
        return false;
    }
    if (image->parts->len == 1) {
        end = part.addr + part.mem_size;
        loaded->addr = part.addr;
    }
    loaded->addr = MIN(loaded->addr, part.addr);
    loaded->size = end - loaded->addr;
    if (virtual_entry - ph->p_vaddr < ph->p_memsz) {
        loaded->entry = virtual_entry - ph->p_vaddr + ph->p_paddr;
    }
    return true;
}

static bool place_elf(const Loader *loader, Image *image, const uint8_t *head,
                      size_t size, LoadedImage *loaded, Error **errp)
{
    Elf64_Phdr segments[ELF_MAX_SEGMENTS];
    Elf64_Ehdr eh;

    if (size < sizeof(eh)) {
        return elf_error(image, "not a whole ELF header", errp);
    }
    memcpy(&eh, head, sizeof(eh));
    if (eh.e_ident[EI_CLASS] != ELFCLASS64 ||
        eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_machine != EM_AARCH64) {
        return elf_error(image, "for another machine", errp);
    }
    if (eh.e_phentsize != sizeof(Elf64_Phdr) || eh.e_phnum > ELF_MAX_SEGMENTS) {
        return elf_error(image, "odd program headers", errp);
    }
    if (eh.e_phoff > image_file_size(image) ||
        eh.e_phnum * sizeof(Elf64_Phdr) > image_file_size(image) - eh.e_phoff) {
        return elf_error(image, "the program headers reach beyond the file",
                         errp);
    }
    if (!image_read(image, segments, eh.e_phnum * sizeof(Elf64_Phdr),
                    eh.e_phoff, errp)) {
        return false;
    }
    *loaded = (LoadedImage){.entry = eh.e_entry};
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD && segments[i].p_memsz &&
            !place_segment(loader, image, &segments[i], eh.e_entry, loaded,
                           errp)) {
            return false;
        }
    }
    return image->parts->len || elf_error(image, "nothing to load", errp);
}

bool loader_place_kernel(const Loader *loader, Image *image,
                         LoadedImage *loaded, Error **errp)
{
    uint8_t head[PEEK_SIZE] = {0};
    size_t size = MIN(image_file_size(image), sizeof(head));

    if (!image_read(image, head, size, 0, errp)) {
        return false;
    }
    if (is_linux_image(head, size)) {
        return place_linux(loader, image, head, image_file_size(image), loaded,
                           errp);
    }
    if (is_gzip(head, size)) {
        return place_gzip(loader, image, loaded, errp);
    }
    if (size >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG)) {
        return place_elf(loader, image, head, size, loaded, errp);
    }
    return is_no_mistake(image, head, size, errp) &&
           place_raw(loader, image, loaded, errp);
}
