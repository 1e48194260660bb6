/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest RAM that the server of a device may reach: what it is allowed to
 * read and write by message, whether or not it can map it, too.
 *
 * What would surprise: bytes are copied with the lock held. A window that is
 * taken away is unmapped as soon as user_dma_remove() returns, so that has to
 * wait for the copy, and nothing else ever waits for this lock.
 */

#include <errno.h>
#include <string.h>

#include "host-user.h"

void user_dma_init(UserDma *dma)
{
    mutex_init(&dma->lock);
    dma->maps = g_array_new(false, false, sizeof(VFIODmaMap));
}

void user_dma_finish(UserDma *dma)
{
    if (dma->maps) {
        g_clear_pointer(&dma->maps, g_array_unref);
        mutex_finish(&dma->lock);
    }
}

static VFIODmaMap *user_dma_nth(const UserDma *dma, guint n)
{
    return &g_array_index(dma->maps, VFIODmaMap, n);
}

/* The first window that does not end before @iova, or the number of them. */
static guint user_dma_find(const UserDma *dma, uint64_t iova)
{
    guint from = 0;
    guint to = dma->maps->len;

    while (from < to) {
        guint mid = from + (to - from) / 2;
        const VFIODmaMap *map = user_dma_nth(dma, mid);

        if (map->iova + (map->size - 1) < iova) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    return from;
}

int user_dma_add(UserDma *dma, const VFIODmaMap *map, uint64_t max)
{
    uint64_t last = map->iova + (map->size - 1);
    guint n;

    if (map->size == 0 || last < map->iova) {
        return -EINVAL;
    }
    MUTEX_GUARD(&dma->lock);
    if (dma->maps->len >= max) {
        return -ENOSPC;
    }
    n = user_dma_find(dma, map->iova);
    if (n < dma->maps->len && user_dma_nth(dma, n)->iova <= last) {
        return -EEXIST;
    }
    g_array_insert_val(dma->maps, n, *map);
    return 0;
}

bool user_dma_remove(UserDma *dma, uint64_t iova, uint64_t size)
{
    MUTEX_GUARD(&dma->lock);
    guint n = user_dma_find(dma, iova);

    if (n == dma->maps->len || user_dma_nth(dma, n)->iova != iova ||
        user_dma_nth(dma, n)->size != size) {
        return false;
    }
    g_array_remove_index(dma->maps, n);
    return true;
}

void user_dma_clear(UserDma *dma)
{
    MUTEX_GUARD(&dma->lock);
    g_array_set_size(dma->maps, 0);
}

/* Is every byte of it in some window that allows it? */
static bool user_dma_allowed(const UserDma *dma, bool write, uint64_t iova,
                             uint64_t size)
{
    for (guint n = user_dma_find(dma, iova); n < dma->maps->len; n++) {
        const VFIODmaMap *map = user_dma_nth(dma, n);
        uint64_t left;

        if (iova < map->iova || (write && map->readonly)) {
            return false;
        }
        left = map->size - (iova - map->iova);
        if (size <= left) {
            return true;
        }
        iova += left;
        size -= left;
    }
    return false;
}

int user_dma_access(UserDma *dma, bool write, uint64_t iova, void *buf,
                    uint64_t size)
{
    char *bytes = buf;

    if (size == 0) {
        return 0;
    }
    MUTEX_GUARD(&dma->lock);
    if (iova + (size - 1) < iova || !user_dma_allowed(dma, write, iova, size)) {
        return -EFAULT;
    }
    for (guint n = user_dma_find(dma, iova); size > 0; n++) {
        const VFIODmaMap *map = user_dma_nth(dma, n);
        char *ram = (char *)map->vaddr + (iova - map->iova);
        uint64_t part = MIN(size, map->size - (iova - map->iova));

        if (write) {
            memcpy(ram, bytes, part);
        } else {
            memcpy(bytes, ram, part);
        }
        bytes += part;
        iova += part;
        size -= part;
    }
    return 0;
}
