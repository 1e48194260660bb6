/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model's DMA: a copy where the client shares its memory, messages where it
 * does not, and any mixture when an access spans several maps. All of it is
 * looked up before anything moves, so an access that fails for its address has
 * done nothing.
 */

#include <errno.h>
#include <string.h>

#include "device.h"

/* Whether all of it may be accessed so. */
static int pd_dma_check(PlatypusDevice *dev, uint64_t iova, size_t size,
                        uint32_t flags)
{
    size_t n;

    if (!dev->client.negotiated || dev->client.lost) {
        return -ENOTCONN;
    }
    while (size > 0) {
        n = size;
        if (!pd_maps_find(&dev->client.maps, iova, &n, flags)) {
            return -EFAULT;
        }
        size -= n;
        iova += n;
        /* Behind the last address comes none. */
        if (iova == 0 && size > 0) {
            return -EFAULT;
        }
    }
    return 0;
}

static int pd_dma_call(PlatypusDevice *dev, PdCall *call, size_t size)
{
    size_t most = dev->client.caps.max_data_xfer_size;
    size_t n;
    int ret = 0;

    for (; size > 0 && ret == 0; size -= n) {
        n = size < most ? size : most;
        call->access.count = n;
        ret = pd_client_call(dev, call);
        call->access.iova += n;
        if (call->out) {
            call->out = (const uint8_t *)call->out + n;
        } else {
            call->in = (uint8_t *)call->in + n;
        }
    }
    return ret;
}

int platypus_device_dma_read(PlatypusDevice *dev, uint64_t iova, void *buf,
                             size_t size)
{
    PdCall call = {.command = VFIO_USER_DMA_READ};
    int ret = pd_dma_check(dev, iova, size, VFIO_USER_DMA_F_READ);
    uint8_t *p = buf;
    const PdMap *map;
    size_t n;

    for (; size > 0 && ret == 0; size -= n, iova += n, p += n) {
        n = size;
        map = pd_maps_find(&dev->client.maps, iova, &n, VFIO_USER_DMA_F_READ);
        if (map->host) {
            memcpy(p, map->host + (iova - map->iova), n);
        } else {
            call.access.iova = iova;
            call.in = p;
            ret = pd_dma_call(dev, &call, n);
        }
    }
    return ret;
}

int platypus_device_dma_write(PlatypusDevice *dev, uint64_t iova,
                              const void *buf, size_t size)
{
    PdCall call = {.command = VFIO_USER_DMA_WRITE};
    int ret = pd_dma_check(dev, iova, size, VFIO_USER_DMA_F_WRITE);
    const uint8_t *p = buf;
    const PdMap *map;
    size_t n;

    for (; size > 0 && ret == 0; size -= n, iova += n, p += n) {
        n = size;
        map = pd_maps_find(&dev->client.maps, iova, &n, VFIO_USER_DMA_F_WRITE);
        if (map->host) {
            memcpy(map->host + (iova - map->iova), p, n);
        } else {
            call.access.iova = iova;
            call.out = p;
            ret = pd_dma_call(dev, &call, n);
        }
    }
    return ret;
}

void *platypus_device_dma_pointer(PlatypusDevice *dev, uint64_t iova,
                                  size_t size, bool writable)
{
    uint32_t flags =
        VFIO_USER_DMA_F_READ | (writable ? VFIO_USER_DMA_F_WRITE : 0);
    size_t n = size;
    const PdMap *map;

    if (pd_dma_check(dev, iova, size, flags) < 0 || size == 0) {
        return NULL;
    }
    map = pd_maps_find(&dev->client.maps, iova, &n, flags);
    return map->host && n == size ? map->host + (iova - map->iova) : NULL;
}

int platypus_device_set_dma_timeout(PlatypusDevice *dev, unsigned timeout_ms)
{
    if (timeout_ms == 0) {
        return -EINVAL;
    }
    dev->dma_timeout_ms = timeout_ms;
    return 0;
}
