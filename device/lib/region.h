/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "platypus-device.h"
#include "request.h"

/** A place whose writes ring instead. */
typedef struct PdDoorbell {
    uint64_t offset;
    unsigned size; /* 0: any */
    int fd;
    void (*ring)(void *model, uint64_t offset);
} PdDoorbell;

typedef struct PdRegion {
    PlatypusRegion desc; /* the areas are a copy of ours */
    PdMemory memory;     /* with areas: all of the region's size */
    PdDoorbell *doorbells;
    unsigned num_doorbells;
} PdRegion;

/** Copies @desc, which pd_region_check() liked. 0 or -errno. */
int pd_region_init(PdRegion *region, const PlatypusRegion *desc);
void pd_region_finish(PdRegion *region);
/** What is wrong with @desc, or NULL. */
const char *pd_region_check(const PlatypusRegion *desc);

/** An access of any size by message; 0, or -errno if nothing was done. */
int pd_region_read(PlatypusDevice *dev, unsigned index, uint64_t offset,
                   uint8_t *data, uint32_t count);
int pd_region_write(PlatypusDevice *dev, unsigned index, uint64_t offset,
                    const uint8_t *data, uint32_t count);

/** The memory at @offset, and how much of *@count it is; or NULL. */
uint8_t *pd_region_memory(const PdRegion *region, uint64_t offset,
                          uint32_t *count);

/** Answers DEVICE_GET_REGION_INFO and ..._IO_FDS. 0 or -errno. */
int pd_region_info(PlatypusDevice *dev, const PdMessage *message,
                   PdReply *reply);
int pd_region_io_fds(PlatypusDevice *dev, const PdMessage *message,
                     PdReply *reply);
