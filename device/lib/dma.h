/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

/** A part of the guest's memory. */
typedef struct PdMap {
    uint64_t iova;
    uint64_t size; /* iova + size - 1 does not overflow */
    uint32_t flags;
    uint8_t *host; /* NULL: only by message */
} PdMap;

/** PdMaps: what a client gave us for DMA, by address. */
typedef struct PdMaps {
    PdMap *maps; /* sorted, not overlapping */
    unsigned num_maps;
    unsigned capacity;
} PdMaps;

/** Drops all. */
void pd_maps_finish(PdMaps *maps);

/**
 * The payloads of DMA_MAP and DMA_UNMAP. 0 or -errno. *@why_not_shared is set
 * when there was a descriptor that could not be mapped, which is no error.
 */
int pd_maps_map(PdMaps *maps, PdMessage *message, const char **why_not_shared);
int pd_maps_unmap(PdMaps *maps, const PdMessage *message);

/**
 * The map that allows the access @flags at @iova, and in *@size how much of
 * *@size it covers; or NULL.
 */
const PdMap *pd_maps_find(const PdMaps *maps, uint64_t iova, size_t *size,
                          uint32_t flags);
