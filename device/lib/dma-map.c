/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdMaps: the guest memory that a client gives us, sorted by address. Of a
 * descriptor we keep the mapping only.
 *
 * What would surprise: a client that cuts a file which we have mapped would
 * kill us by SIGBUS. So we map only what is sealed against it, and reach the
 * rest by message.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "dma.h"
#include "version.h"

#define HUGETLBFS_MAGIC 0x958458f6 /* linux/magic.h */
#define PD_DMA_FLAGS (VFIO_USER_DMA_F_READ | VFIO_USER_DMA_F_WRITE)

static void pd_map_finish(PdMap *map)
{
    if (map->host) {
        munmap(map->host, map->size);
    }
}

void pd_maps_finish(PdMaps *maps)
{
    for (unsigned i = 0; i < maps->num_maps; i++) {
        pd_map_finish(&maps->maps[i]);
    }
    free(maps->maps);
    *maps = (PdMaps){0};
}

/* The index of the first map that ends behind @iova. */
static unsigned pd_maps_search(const PdMaps *maps, uint64_t iova)
{
    unsigned low = 0, high = maps->num_maps, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (maps->maps[middle].iova + (maps->maps[middle].size - 1) < iova) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const PdMap *pd_maps_find(const PdMaps *maps, uint64_t iova, size_t *size,
                          uint32_t flags)
{
    unsigned i = pd_maps_search(maps, iova);
    const PdMap *map;
    uint64_t rest;

    if (i == maps->num_maps) {
        return NULL;
    }
    map = &maps->maps[i];
    if (map->iova > iova || (map->flags & flags) != flags) {
        return NULL;
    }
    rest = map->size - (iova - map->iova);
    if (*size > rest) {
        *size = rest;
    }
    return map;
}

/* Why @fd is not to be mapped, or NULL. */
static const char *pd_map_danger(const VFIOUserDmaMap *want, int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat info;
    struct statfs fs;
    uint64_t end;

    if (seals < 0 || !(seals & F_SEAL_SHRINK)) {
        return "it is not sealed against shrinking";
    }
    if (fstatfs(fd, &fs) < 0 || fs.f_type == HUGETLBFS_MAGIC) {
        return "it is made of huge pages, which may run out";
    }
    if (__builtin_add_overflow(want->fd_offset, want->size, &end) ||
        fstat(fd, &info) < 0 || end > (uint64_t)info.st_size ||
        (size_t)want->size != want->size) {
        return "it is too small";
    }
    return NULL;
}

/* Maps @fd; NULL with *@why if that cannot be or would not be safe. */
static uint8_t *pd_map_fd(const VFIOUserDmaMap *want, int fd, const char **why)
{
    int prot = (want->flags & VFIO_USER_DMA_F_READ ? PROT_READ : 0) |
               (want->flags & VFIO_USER_DMA_F_WRITE ? PROT_WRITE : 0);
    void *host;

    *why = pd_map_danger(want, fd);
    if (*why) {
        return NULL;
    }
    host = mmap(NULL, want->size, prot, MAP_SHARED, fd, want->fd_offset);
    if (host == MAP_FAILED) {
        *why = strerror(errno);
        return NULL;
    }
    return host;
}

/* A free place at index @i. */
static PdMap *pd_maps_insert(PdMaps *maps, unsigned i)
{
    unsigned capacity = maps->capacity ? 2 * maps->capacity : 16;
    PdMap *grown;

    if (maps->num_maps == maps->capacity) {
        grown = realloc(maps->maps, capacity * sizeof(*grown));
        if (!grown) {
            return NULL;
        }
        maps->maps = grown;
        maps->capacity = capacity;
    }
    memmove(&maps->maps[i + 1], &maps->maps[i],
            (maps->num_maps - i) * sizeof(*maps->maps));
    maps->num_maps++;
    return &maps->maps[i];
}

static bool pd_dma_is_valid(const VFIOUserDmaMap *want)
{
    return want->size > 0 && want->iova + (want->size - 1) >= want->iova &&
           (want->iova | want->size) % PD_PAGE_SIZE == 0 &&
           want->flags & PD_DMA_FLAGS && !(want->flags & ~PD_DMA_FLAGS);
}

int pd_maps_map(PdMaps *maps, PdMessage *message, const char **why_not_shared)
{
    VFIOUserDmaMap want;
    PdMap *map;
    unsigned i;

    memcpy(&want, message->payload, sizeof(want));
    i = pd_maps_search(maps, want.iova);
    if (want.argsz < sizeof(want) || !pd_dma_is_valid(&want) ||
        message->num_fds > 1) {
        return -EINVAL;
    }
    if (i < maps->num_maps &&
        maps->maps[i].iova <= want.iova + (want.size - 1)) {
        return -EEXIST;
    }
    if (maps->num_maps == PD_MAX_DMA_MAPS) {
        return -ENOSPC;
    }
    map = pd_maps_insert(maps, i);
    if (!map) {
        return -ENOMEM;
    }
    *map = (PdMap){.iova = want.iova, .size = want.size, .flags = want.flags};
    if (message->num_fds == 1) {
        map->host = pd_map_fd(&want, message->fds[0], why_not_shared);
    }
    return 0;
}

int pd_maps_unmap(PdMaps *maps, const PdMessage *message)
{
    VFIOUserDmaUnmap want;
    PdMap *map;
    unsigned i;

    memcpy(&want, message->payload, sizeof(want));
    if (want.argsz < sizeof(want) || want.flags != 0) {
        return -EINVAL;
    }
    i = pd_maps_search(maps, want.iova);
    if (i == maps->num_maps || maps->maps[i].iova != want.iova ||
        maps->maps[i].size != want.size) {
        return -ENOENT;
    }
    map = &maps->maps[i];
    pd_map_finish(map);
    maps->num_maps--;
    memmove(map, map + 1, (maps->num_maps - i) * sizeof(*map));
    return 0;
}
