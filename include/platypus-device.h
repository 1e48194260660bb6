/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLATYPUS_DEVICE_H
#define PLATYPUS_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * libplatypus-device: a model of a platform device, in a process of its own.
 * The guest's emulator is the client of a socket (the vfio-user protocol) that
 * this library serves: `-device vfio-user-platform,socket=PATH`. A model says
 * what its registers and lines are and is called when the guest uses them.
 *
 * Needs the C library and nothing else. A device belongs to one thread: its
 * calls and its callbacks. Several devices may share a thread (see
 * platypus_device_get_fd) or have one each. Functions that return int return
 * 0 or -errno; what a person should read of it goes to the log.
 *
 * Numbers that the guest reads and writes are little endian on the bus and
 * plain integers here.
 */
typedef struct PlatypusDevice PlatypusDevice;

/** A part of a region: whole pages (4 KiB, and of the host's). */
typedef struct PlatypusArea {
    uint64_t offset;
    uint64_t size;
} PlatypusArea;

#define PLATYPUS_READ_ONLY (1u << 0)  /* the guest's writes are errors */
#define PLATYPUS_WRITE_ONLY (1u << 1) /* the guest's reads are errors */

/**
 * A range of registers or memory. The callbacks get @size 1, 2, 4 or 8 and an
 * @offset that is a multiple of it; whatever else the client asks for comes in
 * several such pieces. They return false for what is no register: the guest
 * reads ones, its write is lost. @model is what platypus_device_new() got.
 *
 * Memory: the @areas are backed by memory of the library's, which the guest
 * uses without a call of yours (platypus_device_memory() is your view of it).
 * With no callbacks at all the whole region must be areas.
 */
typedef struct PlatypusRegion {
    uint64_t size;
    unsigned flags;
    bool (*read)(void *model, uint64_t offset, unsigned size, uint64_t *value);
    bool (*write)(void *model, uint64_t offset, unsigned size, uint64_t value);
    const PlatypusArea *areas; /* sorted, not overlapping */
    unsigned num_areas;
} PlatypusRegion;

/** An interrupt line. */
typedef struct PlatypusLine {
    bool edge; /* each raise is one event; otherwise it is a level */
} PlatypusLine;

/** What a device is. */
typedef struct PlatypusDeviceDesc {
    const char *name; /* for the log */
    const PlatypusRegion *regions;
    unsigned num_regions;
    const PlatypusLine *lines;
    unsigned num_lines;
    /* All below are optional. */
    void (*reset)(void *model); /* NULL: the device has no reset */
    /* A client came or went. Lines and registers keep their state. */
    void (*connected)(void *model, bool connected);
    /* One line without a newline; NULL: to standard error. */
    void (*log)(void *model, const char *text);
} PlatypusDeviceDesc;

/**
 * A device that nobody is connected to yet. NULL with errno: EINVAL (the log
 * says why), or no memory. @desc may go afterwards.
 */
PlatypusDevice *platypus_device_new(const PlatypusDeviceDesc *desc,
                                    void *model);

/** Disconnects and removes the socket. NULL is fine. Not from a callback. */
void platypus_device_free(PlatypusDevice *dev);

/**
 * Listens on a new socket @path. One that nobody listens on any more is
 * replaced; -EADDRINUSE if somebody does. One client at a time: another is
 * turned away; when it leaves, the next may come.
 */
int platypus_device_listen(PlatypusDevice *dev, const char *path);

/** Takes over @fd, a connected socket (as of socketpair()). */
int platypus_device_attach(PlatypusDevice *dev, int fd);

/* ---- the loop ---- */

/**
 * Serves @dev until platypus_device_stop(), or, without a listening socket,
 * until the client leaves. 0, or -errno when nothing can be served any more.
 */
int platypus_device_run(PlatypusDevice *dev);

/** Ends platypus_device_run(); async-signal-safe, any thread. */
void platypus_device_stop(PlatypusDevice *dev);

/** Or with a loop of your own: call dispatch when this is readable (POLLIN). */
int platypus_device_get_fd(const PlatypusDevice *dev);

/** Does what there is to do; never blocks but in your callbacks' DMA. */
int platypus_device_dispatch(PlatypusDevice *dev);

/**
 * @ready is called from the loop while @fd has any of @events (POLLIN,
 * POLLOUT); timerfds, ptys, sockets of the model. @fd stays yours; events 0
 * removes it, which must come before it is closed.
 */
int platypus_device_watch(PlatypusDevice *dev, int fd, short events,
                          void (*ready)(void *model, int fd, short events));

/* ---- what a model does ---- */

/**
 * Level: asserts the line until it is lowered. Edge: one event. Kept while
 * nobody listens: a level for as long as it is up, one event of an edge.
 */
void platypus_device_raise(PlatypusDevice *dev, unsigned line);
/** Level lines; nothing for an edge. */
void platypus_device_lower(PlatypusDevice *dev, unsigned line);

/** Your view of a region with areas, @size bytes from its start; or NULL. */
void *platypus_device_memory(PlatypusDevice *dev, unsigned region);

/**
 * Guest memory, by the addresses that the guest's driver gives its device.
 * Where the client shares it, this is a copy; else it asks the client and
 * waits, while other requests wait in turn. -EFAULT: not (or not all) mapped
 * for that; -ENOTCONN; -ETIMEDOUT.
 */
int platypus_device_dma_read(PlatypusDevice *dev, uint64_t iova, void *buf,
                             size_t size);
int platypus_device_dma_write(PlatypusDevice *dev, uint64_t iova,
                              const void *buf, size_t size);

/**
 * The memory itself, if all of it is shared by the client in one piece; else
 * NULL, and you copy. Good until your callback returns.
 */
void *platypus_device_dma_pointer(PlatypusDevice *dev, uint64_t iova,
                                  size_t size, bool writable);

/**
 * A guest write of @size bytes (0: of any size) at @offset of @region does not
 * come by the socket but signals an eventfd: @ring is called from the loop,
 * once for several writes that came together, and where the client cannot do
 * that, for each write. Before the first client.
 */
int platypus_device_add_doorbell(PlatypusDevice *dev, unsigned region,
                                 uint64_t offset, unsigned size,
                                 void (*ring)(void *model, uint64_t offset));

/**
 * How long DMA waits for the client, which is dropped then; 5000 unless told.
 * -EINVAL: 0.
 */
int platypus_device_set_dma_timeout(PlatypusDevice *dev, unsigned timeout_ms);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
