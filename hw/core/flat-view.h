/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/memory.h"

/*
 * Flat views, private to the memory core: the sorted, gap-free rendering of an
 * address space's tree, and who is looking at one.
 */
typedef struct FlatRange {
    hwaddr start;
    hwaddr last;   /* inclusive, so that a range may end at 2^64 - 1 */
    hwaddr offset; /* of start within mr */
    MemoryRegion *mr;
    bool readonly;
} FlatRange;

struct FlatView {
    FlatView *next; /* among the retired */
    unsigned n;
    FlatRange ranges[];
};

/** Renders the tree below @root; caller owns the view. */
FlatView *flat_view_new(MemoryRegion *root);
bool flat_range_equal(const FlatRange *a, const FlatRange *b);

/** The range that contains @addr, or NULL with *@hole_last = its end. */
const FlatRange *flat_view_find(const FlatView *view, hwaddr addr,
                                hwaddr *hole_last);

/*
 * Readers. A thread publishes the view that it uses in a slot of its own
 * (a hazard pointer): flat_view_enter() ... flat_view_leave().
 */
typedef struct FlatViewReader FlatViewReader;

/** The current view of @as, published; NULL when nested too deep. */
FlatView *flat_view_enter(AddressSpace *as);
void flat_view_leave(void);
/** True between the two, in this thread. */
bool flat_view_entered(void);

/** Takes over @view, which no address space shows any more. Machine lock. */
void flat_view_retire(FlatView *view);
/** Frees the retired views that nobody publishes; true if none is left. */
bool flat_view_reclaim(void);
