/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flat views: rendering a tree of regions into a sorted array, and freeing the
 * array only when no thread looks at it.
 *
 * Rendering walks the tree from the highest priority down and lets each region
 * have what is still free, so no range is ever split or merged afterwards.
 * Readers use hazard pointers: a reader stores the view in its slot and then
 * checks that it is still current; a writer replaces the view first and looks
 * at the slots afterwards. Both sides are sequentially consistent, so one of
 * them sees the other.
 */
#include "flat-view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef struct Clip {
    hwaddr start;
    hwaddr last;
} Clip;

static void insert_range(GArray *ranges, guint at, MemoryRegion *mr,
                         hwaddr base, Clip gap, bool readonly)
{
    FlatRange range = {
        .start = gap.start,
        .last = gap.last,
        .offset = gap.start - base,
        .mr = mr,
        .readonly = readonly,
    };

    g_array_insert_val(ranges, at, range);
    mr->published = true;
}

/* Gives @mr, at @base, what is still free of @clip. */
static void render_leaf(GArray *ranges, MemoryRegion *mr, hwaddr base,
                        Clip clip, bool readonly)
{
    for (guint i = 0; i < ranges->len; i++) {
        FlatRange taken = g_array_index(ranges, FlatRange, i);

        if (taken.last < clip.start) {
            continue;
        }
        if (taken.start > clip.last) {
            insert_range(ranges, i, mr, base, clip, readonly);
            return;
        }
        if (taken.start > clip.start) {
            Clip gap = {clip.start, taken.start - 1};

            insert_range(ranges, i++, mr, base, gap, readonly);
        }
        if (taken.last >= clip.last) {
            return;
        }
        clip.start = taken.last + 1;
    }
    insert_range(ranges, ranges->len, mr, base, clip, readonly);
}

static void render(GArray *ranges, MemoryRegion *mr, hwaddr base, Clip clip,
                   bool readonly)
{
    hwaddr last;

    if (!mr->enabled || !mr->size) {
        return;
    }
    last = base + MIN(mr->size - 1, UINT64_MAX - base);
    if (base > clip.last || last < clip.start) {
        return;
    }
    clip.start = MAX(clip.start, base);
    clip.last = MIN(clip.last, last);
    readonly |= mr->readonly;
    for (MemoryRegion *sub = mr->subregions; sub; sub = sub->next) {
        /* An offset past the end of the address space shows nothing. */
        if (sub->addr <= UINT64_MAX - base) {
            render(ranges, sub, base + sub->addr, clip, readonly);
        }
    }
    if (mr->kind != MEMORY_REGION_CONTAINER) {
        render_leaf(ranges, mr, base, clip, readonly);
    }
}

FlatView *flat_view_new(MemoryRegion *root)
{
    g_autoptr(GArray) ranges = g_array_new(false, false, sizeof(FlatRange));
    FlatView *view;

    render(ranges, root, 0, (Clip){0, UINT64_MAX}, false);
    view = g_malloc(sizeof(*view) + ranges->len * sizeof(FlatRange));
    view->next = NULL;
    view->n = ranges->len;
    if (ranges->len) {
        memcpy(view->ranges, ranges->data, ranges->len * sizeof(FlatRange));
    }
    return view;
}

bool flat_range_equal(const FlatRange *a, const FlatRange *b)
{
    return a->start == b->start && a->last == b->last &&
           a->offset == b->offset && a->mr == b->mr &&
           a->readonly == b->readonly;
}

const FlatRange *flat_view_find(const FlatView *view, hwaddr addr,
                                hwaddr *hole_last)
{
    unsigned low = 0;
    unsigned high = view->n;

    while (low < high) {
        unsigned mid = (low + high) / 2;

        if (view->ranges[mid].last < addr) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low == view->n) {
        *hole_last = UINT64_MAX;
        return NULL;
    }
    if (view->ranges[low].start > addr) {
        *hole_last = view->ranges[low].start - 1;
        return NULL;
    }
    return &view->ranges[low];
}

/* ---- readers ---- */

struct FlatViewReader {
    _Atomic(FlatView *) slots[ADDRESS_SPACE_MAX_NESTING];
    unsigned depth; /* the owning thread's own */
    atomic_bool taken;
    FlatViewReader *next;
};

/*
 * Grows by a node for each thread that lives at the same time; nodes are used
 * again and never freed, so that a writer can walk the list without a lock.
 */
static _Atomic(FlatViewReader *) readers;
static __thread FlatViewReader *this_reader;
static pthread_key_t reader_key;
static pthread_once_t reader_once = PTHREAD_ONCE_INIT;
static FlatView *retired;

static void reader_release(void *opaque)
{
    FlatViewReader *reader = opaque;

    atomic_store(&reader->taken, false);
}

static void reader_key_init(void)
{
    int err = pthread_key_create(&reader_key, reader_release);

    g_assert(err == 0);
}

static FlatViewReader *reader_claim(void)
{
    FlatViewReader *r;

    for (r = atomic_load(&readers); r; r = r->next) {
        bool expected = false;

        if (atomic_compare_exchange_strong(&r->taken, &expected, true)) {
            return r;
        }
    }
    r = g_new0(FlatViewReader, 1);
    r->taken = true;
    r->next = atomic_load(&readers);
    while (!atomic_compare_exchange_weak(&readers, &r->next, r)) {
        /* r->next was brought up to date */
    }
    return r;
}

static G_GNUC_NO_INLINE FlatViewReader *reader_new(void)
{
    pthread_once(&reader_once, reader_key_init);
    this_reader = reader_claim();
    pthread_setspecific(reader_key, this_reader);
    return this_reader;
}

FlatView *flat_view_enter(AddressSpace *as)
{
    FlatViewReader *reader = this_reader ? this_reader : reader_new();
    FlatView *view = atomic_load_explicit(&as->view, memory_order_relaxed);
    FlatView *seen;

    if (reader->depth == ADDRESS_SPACE_MAX_NESTING) {
        return NULL;
    }
    for (;;) {
        atomic_store(&reader->slots[reader->depth], view);
        seen = atomic_load(&as->view);
        if (seen == view) {
            break;
        }
        view = seen;
    }
    reader->depth++;
    return view;
}

void flat_view_leave(void)
{
    FlatViewReader *reader = this_reader;

    reader->depth--;
    atomic_store_explicit(&reader->slots[reader->depth], NULL,
                          memory_order_release);
}

bool flat_view_entered(void)
{
    return this_reader && this_reader->depth;
}

static bool flat_view_in_use(const FlatView *view)
{
    for (FlatViewReader *r = atomic_load(&readers); r; r = r->next) {
        for (unsigned i = 0; i < ADDRESS_SPACE_MAX_NESTING; i++) {
            if (atomic_load(&r->slots[i]) == view) {
                return true;
            }
        }
    }
    return false;
}

void flat_view_retire(FlatView *view)
{
    view->next = retired;
    retired = view;
}

bool flat_view_reclaim(void)
{
    FlatView **link = &retired;

    while (*link) {
        FlatView *view = *link;

        if (flat_view_in_use(view)) {
            link = &view->next;
        } else {
            *link = view->next;
            g_free(view);
        }
    }
    return !retired;
}
