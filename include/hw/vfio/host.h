/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "hw/core/memory.h"
#include "util/error.h"

/*
 * VFIOHost: how a VFIO device is reached. Everything in hw/vfio above this
 * seam (regions, lines, routes, resets, the guest's tree node) is the same for
 * a device of the host kernel (host-kernel), a process at the other end of a
 * socket (host-user), and the scripted device of the tests.
 *
 * The terms are those of <linux/vfio.h>, but nothing here needs that header.
 */
typedef struct VFIOHost VFIOHost;

typedef struct VFIODeviceInfo {
    bool can_reset;
    unsigned num_regions;
    unsigned num_irqs;
} VFIODeviceInfo;

/** False for numbers that no device has, and that nothing is allocated for. */
bool vfio_device_info_check(const VFIODeviceInfo *info, Error **errp);

typedef struct VFIORange {
    uint64_t offset; /* in the region */
    uint64_t size;
} VFIORange;

typedef struct VFIORegionInfo {
    uint64_t size; /* may be 0: the index exists, nothing is there */
    bool readable;
    bool writable;
    /* What may be mapped: none, the whole, or parts; freed by the caller. */
    VFIORange *maps; /* sorted, page aligned, not overlapping */
    unsigned num_maps;
} VFIORegionInfo;

void vfio_region_info_finish(VFIORegionInfo *info);

typedef struct VFIOIrqInfo {
    unsigned count; /* interrupts of this index; a platform line has 1 */
    bool eventfd;
    bool maskable;
    bool automasked; /* a level line: the host masks it when it signals */
} VFIOIrqInfo;

/** What SET_IRQS may be asked for; one call each. */
typedef enum VFIOIrqAction {
    VFIO_IRQ_PROBE,       /* is the line usable? (TRIGGER, NONE, count 0) */
    VFIO_IRQ_TRIGGER_FD,  /* signal this eventfd; from now on armed */
    VFIO_IRQ_TRIGGER_OFF, /* signal nothing; an edge line latches */
    VFIO_IRQ_UNMASK_NOW,
    VFIO_IRQ_UNMASK_FD, /* unmask whenever this eventfd is written */
    VFIO_IRQ_UNMASK_OFF,
} VFIOIrqAction;

const char *vfio_irq_action_name(VFIOIrqAction action);

/** Guest RAM for the device's DMA. */
typedef struct VFIODmaMap {
    uint64_t iova;
    uint64_t size;
    void *vaddr;        /* stays mapped until dma_unmap */
    int fd;             /* what @vaddr maps, if it can be shared; else -1 */
    uint64_t fd_offset; /* of @vaddr in it */
    bool readonly;      /* for the device */
} VFIODmaMap;

/** A write that need not be trapped: whoever makes it signals @fd instead. */
typedef struct VFIOIoEventFd {
    uint64_t offset; /* in the region */
    unsigned size;   /* of the access; 0: any */
    bool match;      /* only a write of @data */
    uint64_t data;
    int fd; /* the host's; valid until close, or until lost() returned */
} VFIOIoEventFd;

/** What the host's description of the device says; below. */
typedef struct VFIOHostNode VFIOHostNode;

/**
 * VFIOHostOps: the role. Every member is mandatory unless it says otherwise.
 * Calls return 0 (or a count, or an fd) or -errno; they do not log why. All but
 * region_read and region_write are made with the machine lock held; those two
 * by any vCPU thread at any time between open and close.
 */
typedef struct VFIOHostOps {
    int (*get_info)(VFIOHost *host, VFIODeviceInfo *info);
    int (*get_region)(VFIOHost *host, unsigned index, VFIORegionInfo *info);
    int (*get_irq)(VFIOHost *host, unsigned index, VFIOIrqInfo *info);
    /* @fd belongs to the caller; -1 where the action takes none. */
    int (*set_irq)(VFIOHost *host, unsigned index, VFIOIrqAction action,
                   int fd);
    /*
     * 1, 2, 4 or (with access8) 8 bytes in guest (little-endian) order. 0 or
     * -errno; a short transfer is -EIO.
     */
    int (*region_read)(VFIOHost *host, unsigned index, uint64_t offset,
                       void *buf, unsigned size);
    int (*region_write)(VFIOHost *host, unsigned index, uint64_t offset,
                        const void *buf, unsigned size);
    /* Maps a part that get_region offered; NULL with *@err = -errno. */
    void *(*region_map)(VFIOHost *host, unsigned index, const VFIORange *part,
                        bool writable, int *err);
    void (*region_unmap)(VFIOHost *host, void *addr, uint64_t size);
    /* Only called when info.can_reset. */
    int (*reset)(VFIOHost *host);
    int (*dma_map)(VFIOHost *host, const VFIODmaMap *map);
    /* Optional: adds to @errp what a person can do about its failure. */
    void (*dma_explain)(int err, Error **errp);
    int (*dma_unmap)(VFIOHost *host, uint64_t iova, uint64_t size);
    /* Optional: the host's node for the device; NULL: none (ACPI, a model). */
    const VFIOHostNode *(*get_node)(VFIOHost *host);
    /*
     * Optional: what of a region need not be trapped; *@fds (freed by the
     * caller with g_free) has *@n entries.
     */
    int (*get_ioeventfds)(VFIOHost *host, unsigned index, VFIOIoEventFd **fds,
                          unsigned *n);
    /* Everything goes, the host itself too; lines were switched off. */
    void (*close)(VFIOHost *host);
    /*
     * The host takes UNMASK_FD with the kernel's meaning (a write unmasks), so
     * that a resamplefd may be given to it.
     */
    bool unmask_by_fd;
    /* An access of 8 bytes is one access; otherwise it is made as two. */
    bool access8;
} VFIOHostOps;

/**
 * VFIOHostClient: who wants to hear that a host has gone and come again, as a
 * process at the other end of a socket may. Main thread, machine lock, from
 * the main loop itself: not within a call of the host, an access of the guest
 * or a memory commit.
 */
typedef struct VFIOHostClient {
    /*
     * Every call fails at once from now on. Takes @err, which names the device
     * and says what happened. When it returns the host is asked for nothing
     * more (regions unmapped, DMA unmapped, ioeventfds dropped, no access under
     * way in any thread) until back() or close(). Said twice is fine.
     */
    void (*lost)(void *opaque, Error *err);
    /*
     * After lost(): it is there again and knows nothing of lines, mappings and
     * DMA. Everything is asked for anew. False: it cannot be used, because it
     * is another device now or a call failed (it may be lost once more). Then
     * it is as after lost(), and may be back another time. Whoever calls
     * reports what came of it.
     */
    bool (*back)(void *opaque, Error **errp);
} VFIOHostClient;

/** Embedded at the start of each implementation's struct. */
struct VFIOHost {
    const VFIOHostOps *ops;
    char *name; /* "9010000.pl031": what messages call the device */
    const VFIOHostClient *client; /* of vfio_device_init(); NULL: nobody */
    void *client_opaque;
    /*
     * Set by an implementation before the first call fails because the host is
     * gone, and cleared before back(). What fails meanwhile is not worth a
     * message of its own: lost() will bring the reason.
     */
    atomic_bool lost;
};

/*
 * The node: what the host's device tree says of the device. A property is
 * bytes as in the tree, big endian.
 */
typedef struct VFIOHostProperty {
    char *name;
    uint8_t *data;
    size_t size;
    bool refers; /* names another node (has a phandle), so it means nothing
                    in another tree */
} VFIOHostProperty;

/** One entry of `clocks`, as far as the host's tree tells. */
typedef struct VFIOHostClock {
    bool fixed;            /* the provider is a "fixed-clock" */
    uint32_t frequency_hz; /* of a fixed one */
    char *provider;        /* path of its node in the tree, for warnings */
} VFIOHostClock;

struct VFIOHostNode {
    char *name;            /* unit name without the address: "pl031" */
    GPtrArray *properties; /* of VFIOHostProperty *, sorted by name */
    GPtrArray *clocks;     /* of VFIOHostClock *, as `clocks` lists them */
};

/** An empty node; the caller owns it. */
VFIOHostNode *vfio_host_node_new(const char *name);
void vfio_host_node_free(VFIOHostNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VFIOHostNode, vfio_host_node_free)

/** Copies @data; the property stays the node's. */
VFIOHostProperty *vfio_host_node_add(VFIOHostNode *node, const char *name,
                                     const void *data, size_t size,
                                     bool refers);
void vfio_host_node_add_clock(VFIOHostNode *node, const VFIOHostClock *clock);
const VFIOHostProperty *vfio_host_node_find(const VFIOHostNode *node,
                                            const char *name);
/** String @n of a list of strings, or NULL. */
const char *vfio_host_property_string(const VFIOHostProperty *prop, unsigned n);

/**
 * Reads a flattened device tree of @size bytes: the node is the root's first
 * child, or the root itself when that has a `compatible`. What its phandles
 * mean is looked up in the same tree. @what names it in errors. The caller
 * owns the node.
 */
VFIOHostNode *vfio_host_node_from_fdt(const void *blob, size_t size,
                                      const char *what, Error **errp);

/**
 * Reads the folder @of_node (as <device>/of_node in sysfs); what its phandles
 * mean is looked up below @tree_root (/sys/firmware/devicetree/base). A
 * property that cannot be read is left out, with a warning. The caller owns the
 * node.
 */
VFIOHostNode *vfio_host_node_read(const char *of_node, const char *tree_root,
                                  Error **errp);
