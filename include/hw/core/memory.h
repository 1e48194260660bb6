/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "util/error.h"

/*
 * Guest memory: regions form a tree by offset, priority and an enable flag;
 * an address space renders its tree into a flat view, which never changes once
 * it is published. Listeners hear the difference between two views.
 *
 * Threads: the tree is changed with the machine lock held. Accesses take no
 * lock (address_space_rw); they publish the view that they use, and a view is
 * freed only when nobody publishes it.
 */
typedef uint64_t hwaddr;
#define HWADDR_PRIx PRIx64

typedef struct Object Object;
typedef struct MemoryRegion MemoryRegion;
typedef struct MemoryListener MemoryListener;
typedef struct AddressSpace AddressSpace;
typedef struct FlatView FlatView;

typedef enum MemTxResult {
    MEMTX_OK,
    MEMTX_GONE,         /* no device there any more, which was said before */
    MEMTX_ERROR,        /* the device said no */
    MEMTX_DECODE_ERROR, /* nothing there, or not of that size */
} MemTxResult;

/**
 * MemoryRegionOps: an I/O region's callbacks. @addr is relative to the region;
 * a value's bits above @size bytes are zero.
 */
typedef struct MemoryRegionOps {
    /* A region without one of them fails such accesses. */
    MemTxResult (*read)(void *opaque, hwaddr addr, uint64_t *value,
                        unsigned size);
    MemTxResult (*write)(void *opaque, hwaddr addr, uint64_t value,
                         unsigned size);
    /* What the guest may do: sizes in bytes; 0 means 1 and 8. */
    unsigned min_access_size;
    unsigned max_access_size;
    bool unaligned; /* accesses need not be aligned to their size */
    /*
     * The callbacks do their own locking. Otherwise they are called with the
     * machine lock held, which the access takes when its thread has it not.
     */
    bool lockless;
} MemoryRegionOps;

typedef enum MemoryRegionKind {
    MEMORY_REGION_CONTAINER,
    MEMORY_REGION_RAM,        /* the guest's memory; DMA may reach it */
    MEMORY_REGION_RAM_DEVICE, /* a host mapping of device registers */
    MEMORY_REGION_IO,
} MemoryRegionKind;

/**
 * MemoryRegionIoEventFd: a write of an I/O region that only signals @fd; the
 * callback is not called, so no lock is taken either. An accelerator may do it
 * without leaving the guest.
 */
typedef struct MemoryRegionIoEventFd {
    hwaddr offset;
    unsigned size; /* 0: of any size */
    bool match;    /* only when @data is written */
    uint64_t data;
    int fd; /* an eventfd, O_NONBLOCK; not owned */
} MemoryRegionIoEventFd;

/**
 * MemoryWriteWatch: hears what address_space_rw() writes to a region of RAM,
 * after it is written. Embedded in whatever its owner allocates.
 */
typedef struct MemoryWriteWatch MemoryWriteWatch;
struct MemoryWriteWatch {
    /* [@offset, @offset + @size) of the region. Any thread. */
    void (*written)(MemoryWriteWatch *watch, uint64_t offset, uint64_t size);
    /* The region is being finished; nobody calls any more. Machine lock. */
    void (*free)(MemoryWriteWatch *watch);
};

struct MemoryRegion {
    MemoryRegionKind kind;
    char *name;
    Object *owner; /* not a reference */
    uint64_t size; /* at most 2^63 */
    bool enabled;
    bool readonly;
    bool owns_ram;
    uint8_t *ram; /* kinds RAM and RAM_DEVICE */
    int ram_fd;   /* what @ram maps from its start, shared; -1: nothing */
    const MemoryRegionOps *ops;
    void *opaque;
    const MemoryRegionIoEventFd *ioeventfds; /* the owner's */
    unsigned num_ioeventfds;
    MemoryRegion *container;
    hwaddr addr; /* within the container */
    int priority;
    MemoryRegion *subregions; /* highest priority first, then latest added */
    MemoryRegion *next;
    bool published;                    /* was in a flat view some time */
    _Atomic(MemoryWriteWatch *) watch; /* of RAM; NULL: nobody watches */
};

/* Embedded; finish before the owner's memory goes. */
void memory_region_init(MemoryRegion *mr, Object *owner, const char *name,
                        uint64_t size);
void memory_region_init_io(MemoryRegion *mr, Object *owner,
                           const MemoryRegionOps *ops, void *opaque,
                           const char *name, uint64_t size);
/**
 * From now on memory_region_init_ram() gives memory that another process can
 * map too: of a memfd that can neither shrink nor grow (ram_fd).
 */
void memory_ram_set_shared(bool shared);
/**
 * Fresh zeroed memory, freed by finish; anonymous unless it is to be shared.
 * It starts at a multiple of 2 MiB, and the host is asked to back it with huge
 * pages.
 */
bool memory_region_init_ram(MemoryRegion *mr, Object *owner, const char *name,
                            uint64_t size, Error **errp);
/** Device registers at @ram, which stays the caller's. */
void memory_region_init_ram_device(MemoryRegion *mr, Object *owner,
                                   const char *name, uint64_t size, void *ram);
/**
 * @fds stays the caller's, and it and its descriptors valid until another call
 * or memory_region_finish() has returned. @mr must be in no container or
 * disabled, and no transaction may be open; waits as memory_region_finish()
 * does. Where two fit a write, the first of @fds gets it.
 */
void memory_region_set_ioeventfds(MemoryRegion *mr,
                                  const MemoryRegionIoEventFd *fds, unsigned n);
/**
 * Waits, if a view with @mr was ever published, until no thread publishes it
 * (the machine lock is released meanwhile), then frees what @mr owns. @mr must
 * be out of its container and have no subregions, and no transaction may be
 * open; zeroed memory is fine.
 */
void memory_region_finish(MemoryRegion *mr);

void memory_region_add_subregion(MemoryRegion *container, hwaddr offset,
                                 MemoryRegion *mr);
/** Where ranges overlap, the higher @priority is seen (default 0). */
void memory_region_add_subregion_overlap(MemoryRegion *container, hwaddr offset,
                                         MemoryRegion *mr, int priority);
void memory_region_del_subregion(MemoryRegion *container, MemoryRegion *mr);
void memory_region_set_enabled(MemoryRegion *mr, bool enabled);
/** Guest writes to RAM or a RAM device are ignored and logged. */
void memory_region_set_readonly(MemoryRegion *mr, bool readonly);
void memory_region_set_address(MemoryRegion *mr, hwaddr addr);

/**
 * From now on @watch hears of writes to @mr, of kind RAM, which has none yet;
 * it lives as long as the region does, which calls its free().
 */
void memory_region_set_write_watch(MemoryRegion *mr, MemoryWriteWatch *watch);

static inline MemoryWriteWatch *memory_region_write_watch(
    const MemoryRegion *mr)
{
    return atomic_load_explicit(&mr->watch, memory_order_acquire);
}

static inline bool memory_region_is_ram(const MemoryRegion *mr)
{
    return mr->kind == MEMORY_REGION_RAM ||
           mr->kind == MEMORY_REGION_RAM_DEVICE;
}

static inline bool memory_region_is_ram_device(const MemoryRegion *mr)
{
    return mr->kind == MEMORY_REGION_RAM_DEVICE;
}

/** Changes between the two (they nest) reach listeners as one. */
void memory_region_transaction_begin(void);
void memory_region_transaction_commit(void);

/** MemoryRegionSection: a part of @mr as the address space shows it. */
typedef struct MemoryRegionSection {
    MemoryRegion *mr;
    hwaddr offset_within_region;
    hwaddr offset_within_address_space;
    uint64_t size;
    bool readonly;
} MemoryRegionSection;

/** The section's first host byte; RAM kinds only. */
static inline void *memory_region_section_ram(const MemoryRegionSection *s)
{
    return s->mr->ram + s->offset_within_region;
}

/**
 * MemoryListener: hears each commit that changed something: begin, every
 * region_del, every region_add, commit. On registration it hears the present
 * view as additions, on removal as deletions. Called with the machine lock,
 * after the new view was published; they must not change the tree. All
 * callbacks are optional.
 */
struct MemoryListener {
    const char *name;
    void (*begin)(MemoryListener *listener);
    void (*region_add)(MemoryListener *listener,
                       const MemoryRegionSection *section);
    void (*region_del)(MemoryListener *listener,
                       const MemoryRegionSection *section);
    void (*commit)(MemoryListener *listener);
    AddressSpace *as;     /* the address space's */
    MemoryListener *next; /* the address space's */
};

void memory_listener_register(MemoryListener *listener, AddressSpace *as);
void memory_listener_unregister(MemoryListener *listener);

struct AddressSpace {
    char *name;
    MemoryRegion *root;
    _Atomic(FlatView *) view;
    MemoryListener *listeners;
    AddressSpace *next;
};

/** @root stays the caller's. */
void address_space_init(AddressSpace *as, MemoryRegion *root, const char *name);
void address_space_finish(AddressSpace *as);

/** What the CPUs and the system bus's devices see. Exists from first use. */
AddressSpace *address_space_memory(void);
/** Its root, a container of 2^63 bytes. */
MemoryRegion *get_system_memory(void);

/**
 * Reads or writes @len bytes at @addr in pieces: each ends where its range
 * does, is no larger than the region's accesses may be and, on I/O regions, is
 * aligned to its size. A piece smaller than what the region takes fails. What
 * fails reads as ones; the worst result of all pieces is returned, and a
 * failure is logged (rate limited), unless the device is gone.
 * Thread: any; no lock is taken, but for regions that want the machine lock.
 * An I/O region's callback may make accesses of its own, nested up to
 * ADDRESS_SPACE_MAX_NESTING deep; deeper ones fail.
 */
#define ADDRESS_SPACE_MAX_NESTING 4

MemTxResult address_space_rw(AddressSpace *as, hwaddr addr, void *buf,
                             uint64_t len, bool is_write);
MemTxResult address_space_read(AddressSpace *as, hwaddr addr, void *buf,
                               uint64_t len);
MemTxResult address_space_write(AddressSpace *as, hwaddr addr, const void *buf,
                                uint64_t len);

/**
 * One access of @size (1, 2, 4, 8) bytes to the I/O region @mr, as
 * address_space_rw() makes for each piece: refuses a size or an alignment that
 * the region does not take, and takes the machine lock where the ops want it.
 * *@value is all ones (of @size bytes) after a failed read. A write that one of
 * the region's ioeventfds waits for only signals that. Logs nothing.
 */
MemTxResult memory_region_dispatch(MemoryRegion *mr, hwaddr addr,
                                   uint64_t *value, unsigned size,
                                   bool is_write);

/** The section that contains @addr; mr is NULL in a hole. Machine lock. */
MemoryRegionSection address_space_find(AddressSpace *as, hwaddr addr);

/** RAM of the guest at [@addr, @addr + @len), or NULL unless all of it is one
 * RAM region's. Machine lock; for loaders. */
void *address_space_ram(AddressSpace *as, hwaddr addr, uint64_t len);
