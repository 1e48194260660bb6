/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdRegion: accesses by message, and what a client is told of a region. An
 * access is cut into naturally aligned pieces, which a callback or a doorbell
 * gets; what lies in an area is a copy from or to its memory.
 *
 * What would surprise: the bytes of a register are little endian on every
 * host, those of an area are as they are.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

#define PD_FLAGS (PLATYPUS_READ_ONLY | PLATYPUS_WRITE_ONLY)
#define PD_MAX_AREAS 32

/* ---- setting up ---- */

static const char *pd_areas_check(const PlatypusRegion *desc)
{
    uint64_t page = sysconf(_SC_PAGESIZE);
    uint64_t end = 0, covered = 0;

    if (desc->num_areas > PD_MAX_AREAS) {
        return "too many areas";
    }
    for (unsigned i = 0; i < desc->num_areas; i++) {
        const PlatypusArea *area = &desc->areas[i];

        if (area->size == 0 || (area->offset | area->size) % page != 0) {
            return "an area is not of whole pages";
        }
        if (area->offset < end) {
            return "the areas are not sorted, or overlap";
        }
        if (area->offset > desc->size ||
            area->size > desc->size - area->offset) {
            return "an area is not in the region";
        }
        end = area->offset + area->size;
        covered += area->size;
    }
    if (!desc->read && !desc->write && covered != desc->size) {
        return "no callback, and it is not all areas";
    }
    return NULL;
}

const char *pd_region_check(const PlatypusRegion *desc)
{
    if (desc->size == 0 || desc->size > INT64_MAX) {
        return "a bad size";
    }
    if (desc->flags & ~PD_FLAGS || desc->flags == PD_FLAGS) {
        return "bad flags";
    }
    if (desc->num_areas > 0 && !desc->areas) {
        return "areas without a table";
    }
    return pd_areas_check(desc);
}

int pd_region_init(PdRegion *region, const PlatypusRegion *desc)
{
    size_t size = desc->num_areas * sizeof(*desc->areas);
    PlatypusArea *areas;

    *region = (PdRegion){.desc = *desc, .memory.fd = -1};
    region->desc.areas = NULL;
    if (desc->num_areas == 0) {
        return 0;
    }
    areas = malloc(size);
    if (!areas) {
        return -ENOMEM;
    }
    memcpy(areas, desc->areas, size);
    region->desc.areas = areas;
    return pd_memory_init(&region->memory, desc->size,
                          desc->flags & PLATYPUS_READ_ONLY);
}

void pd_region_finish(PdRegion *region)
{
    for (unsigned i = 0; i < region->num_doorbells; i++) {
        close(region->doorbells[i].fd);
    }
    free(region->doorbells);
    free((void *)region->desc.areas);
    pd_memory_finish(&region->memory);
}

/* ---- accesses ---- */

static int pd_region_allows(PlatypusDevice *dev, unsigned index,
                            uint64_t offset, uint32_t count, unsigned forbidden)
{
    const PlatypusRegion *desc;

    if (index >= dev->num_regions) {
        return -EINVAL;
    }
    desc = &dev->regions[index].desc;
    if (offset > desc->size || count > desc->size - offset) {
        return -EINVAL;
    }
    return desc->flags & forbidden ? -EACCES : 0;
}

uint8_t *pd_region_memory(const PdRegion *region, uint64_t offset,
                          uint32_t *count)
{
    const PlatypusArea *area;
    uint64_t rest;

    for (unsigned i = 0; i < region->desc.num_areas; i++) {
        area = &region->desc.areas[i];
        if (offset >= area->offset && offset - area->offset < area->size) {
            rest = area->size - (offset - area->offset);
            *count = *count < rest ? *count : rest;
            return (uint8_t *)region->memory.host + offset;
        }
    }
    return NULL;
}

/*
 * The guest uses the memory at the same time, so what is one access of its own
 * is one of ours: no byte of a number is older than the others.
 */
static void pd_memory_read(uint8_t *data, const uint8_t *memory, uint32_t count)
{
    uintptr_t address = (uintptr_t)memory;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;

    if (count == 8 && address % 8 == 0) {
        u64 = *(const volatile uint64_t *)address;
        memcpy(data, &u64, sizeof(u64));
    } else if (count == 4 && address % 4 == 0) {
        u32 = *(const volatile uint32_t *)address;
        memcpy(data, &u32, sizeof(u32));
    } else if (count == 2 && address % 2 == 0) {
        u16 = *(const volatile uint16_t *)address;
        memcpy(data, &u16, sizeof(u16));
    } else {
        memcpy(data, memory, count);
    }
}

static void pd_memory_write(uint8_t *memory, const uint8_t *data,
                            uint32_t count)
{
    uintptr_t address = (uintptr_t)memory;
    uint64_t u64;
    uint32_t u32;
    uint16_t u16;

    if (count == 8 && address % 8 == 0) {
        memcpy(&u64, data, sizeof(u64));
        *(volatile uint64_t *)address = u64;
    } else if (count == 4 && address % 4 == 0) {
        memcpy(&u32, data, sizeof(u32));
        *(volatile uint32_t *)address = u32;
    } else if (count == 2 && address % 2 == 0) {
        memcpy(&u16, data, sizeof(u16));
        *(volatile uint16_t *)address = u16;
    } else {
        memcpy(memory, data, count);
    }
}

/* How much of an access at @offset is one piece. */
static uint32_t pd_piece(uint64_t offset, uint32_t count)
{
    uint32_t size = 8;

    while (size > count || offset % size != 0) {
        size /= 2;
    }
    return size;
}

static void pd_read_piece(PlatypusDevice *dev, PdRegion *region,
                          uint64_t offset, uint8_t *data, unsigned size)
{
    uint64_t value = 0;

    if (!region->desc.read ||
        !region->desc.read(dev->model, offset, size, &value)) {
        value = UINT64_MAX;
    }
    for (unsigned i = 0; i < size; i++) {
        data[i] = value >> (8 * i);
    }
}

int pd_region_read(PlatypusDevice *dev, unsigned index, uint64_t offset,
                   uint8_t *data, uint32_t count)
{
    int ret = pd_region_allows(dev, index, offset, count, PLATYPUS_WRITE_ONLY);
    PdRegion *region = ret == 0 ? &dev->regions[index] : NULL;
    const uint8_t *memory;
    uint32_t n;

    for (; ret == 0 && count > 0; count -= n, offset += n, data += n) {
        n = count;
        memory = pd_region_memory(region, offset, &n);
        if (memory) {
            pd_memory_read(data, memory, n);
        } else {
            n = pd_piece(offset, count);
            pd_read_piece(dev, region, offset, data, n);
        }
    }
    return ret;
}

static const PdDoorbell *pd_region_doorbell(const PdRegion *region,
                                            uint64_t offset, unsigned size)
{
    for (unsigned i = 0; i < region->num_doorbells; i++) {
        const PdDoorbell *bell = &region->doorbells[i];

        if (bell->offset == offset && (bell->size == 0 || bell->size == size)) {
            return bell;
        }
    }
    return NULL;
}

static void pd_write_piece(PlatypusDevice *dev, PdRegion *region,
                           uint64_t offset, const uint8_t *data, unsigned size)
{
    const PdDoorbell *bell = pd_region_doorbell(region, offset, size);
    uint64_t value = 0;

    if (bell) {
        bell->ring(dev->model, offset);
        return;
    }
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)data[i] << (8 * i);
    }
    if (region->desc.write) {
        /* Its false is for a write that is lost, which needs no more. */
        region->desc.write(dev->model, offset, size, value);
    }
}

int pd_region_write(PlatypusDevice *dev, unsigned index, uint64_t offset,
                    const uint8_t *data, uint32_t count)
{
    int ret = pd_region_allows(dev, index, offset, count, PLATYPUS_READ_ONLY);
    PdRegion *region = ret == 0 ? &dev->regions[index] : NULL;
    uint8_t *memory;
    uint32_t n;

    for (; ret == 0 && count > 0; count -= n, offset += n, data += n) {
        n = count;
        memory = pd_region_memory(region, offset, &n);
        if (memory) {
            pd_memory_write(memory, data, n);
        } else {
            n = pd_piece(offset, count);
            pd_write_piece(dev, region, offset, data, n);
        }
    }
    return ret;
}
