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
 * what its registers and lines are and is called when the guest uses them:
 *
 *     static bool x_read(void *model, uint64_t offset, unsigned size,
 *                        uint64_t *value) { ... }
 *     static bool x_write(void *model, uint64_t offset, unsigned size,
 *                         uint64_t value) { ... platypus_device_raise() ... }
 *
 *     PlatypusRegion region = {.size = 0x1000, .read = x_read,
 *                              .write = x_write};
 *     PlatypusLine line = {.edge = false};
 *     PlatypusDeviceDesc desc = {.name = "x",
 *                                .regions = &region, .num_regions = 1,
 *                                .lines = &line, .num_lines = 1};
 *     PlatypusDevice *dev = platypus_device_new(&desc, &my_state);
 *
 *     platypus_device_listen(dev, "/run/x.sock");
 *     platypus_device_run(dev);
 *     platypus_device_free(dev);
 *
 * docs/vfio-user.md has a complete model. To build one:
 * `cc x.c $(pkg-config --cflags --libs platypus-device)`.
 *
 * Needs the C library and Linux, and nothing else. A device belongs to one
 * thread: its calls (but for platypus_device_stop()) and its callbacks, which
 * come from platypus_device_run() or platypus_device_dispatch() only, never
 * from any other function. Several devices may share a thread (see
 * platypus_device_get_fd()) or have one each. A callback may call everything
 * but platypus_device_free(); run and dispatch say -EBUSY there.
 *
 * Functions that return int return 0 or -errno; what a person should read of
 * it goes to the log. No function raises a signal or ends the process, whatever
 * the client does. All descriptors are close-on-exec.
 *
 * Numbers that the guest reads and writes are little endian on the bus and
 * plain integers here. Region i is MMIO range i of the device in the guest's
 * tree (`reg`), and line i is its interrupt i.
 */
typedef struct PlatypusDevice PlatypusDevice;

/** A part of a region: whole pages of the host's; 64 KiB suit every host. */
typedef struct PlatypusArea {
    uint64_t offset; /* in the region */
    uint64_t size;
} PlatypusArea;

#define PLATYPUS_READ_ONLY (1u << 0)  /* the guest's writes are errors */
#define PLATYPUS_WRITE_ONLY (1u << 1) /* the guest's reads are errors */

/**
 * A range of registers or memory.
 *
 * The callbacks get @size 1, 2, 4 or 8 and an @offset (in the region) that is a
 * multiple of it; whatever else the client asks for comes in several such
 * pieces, in the order of their offsets. *@value is 0 before a read, and of
 * what is put there the lower @size bytes count. They return false for what is
 * no register: the guest reads ones, its write is lost; so does a callback that
 * is NULL. @model is what platypus_device_new() got.
 *
 * Memory: the @areas (32 at most) are backed by zeroed memory of the library's,
 * which the guest uses without a call of yours (platypus_device_memory() is
 * your view of it); what lies between them goes to the callbacks. With no
 * callbacks at all the whole region must be areas. What is READ_ONLY for the
 * guest you may write.
 */
typedef struct PlatypusRegion {
    uint64_t size; /* a multiple of 4 KiB unless you know that less will do */
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

/** What a device is. Start from {0}: what is not named is not there. */
typedef struct PlatypusDeviceDesc {
    const char *name; /* for the log; NULL: "device" */
    const PlatypusRegion *regions;
    unsigned num_regions;
    const PlatypusLine *lines;
    unsigned num_lines;
    /* All below are optional. */
    /*
     * The guest's machine starts anew. Sets the registers to what they are
     * after power-on, and lowers the lines that these no longer assert: the
     * library leaves the lines, and the memory of areas, as they are. NULL: the
     * device has no reset.
     */
    void (*reset)(void *model);
    /*
     * A client came (and is known: DMA is possible once it maps memory) or
     * went. Lines and registers keep their state, and the next client finds
     * them so; DMA stops. Not called by platypus_device_free().
     */
    void (*connected)(void *model, bool connected);
    /*
     * One line without a newline, @text until it returns; also from
     * platypus_device_new(). NULL: to standard error, with the name. Because of
     * clients there are 20 lines at a time, and one a minute from then on.
     */
    void (*log)(void *model, const char *text);
} PlatypusDeviceDesc;

/**
 * A device that nobody is connected to yet. NULL with errno: EINVAL (the log
 * says why), or no memory or descriptor. @desc and all that it points to may go
 * afterwards. @model is handed to the callbacks and not looked at; it stays
 * yours.
 */
PlatypusDevice *platypus_device_new(const PlatypusDeviceDesc *desc,
                                    void *model);

/**
 * Disconnects, silently, and removes the socket. NULL is fine. Not from a
 * callback. What it gave away (memory, descriptors) is gone.
 */
void platypus_device_free(PlatypusDevice *dev);

/**
 * Listens on a new socket @path, which only the user may use (mode 0600). A
 * socket that nobody listens on any more is replaced; -EADDRINUSE if somebody
 * does, -EEXIST if it is something else, -ENAMETOOLONG (107 bytes), -EBUSY if
 * the device listens already. One client at a time: another is turned away;
 * when it leaves, the next may come. Who comes has 5 seconds to say VERSION.
 */
int platypus_device_listen(PlatypusDevice *dev, const char *path);

/**
 * Takes over @fd, a connected stream socket (as of socketpair()), as the
 * client, which may say VERSION whenever it likes. On failure @fd stays yours:
 * -EBUSY if there is a client.
 */
int platypus_device_attach(PlatypusDevice *dev, int fd);

/* ---- the loop ---- */

/**
 * Serves @dev until platypus_device_stop(), or, without a listening socket,
 * until the client leaves. 0, or -errno when nothing can be served any more.
 * May be called again. Signals are yours: SIGTERM's handler may call
 * platypus_device_stop().
 */
int platypus_device_run(PlatypusDevice *dev);

/**
 * Ends platypus_device_run(), or the next one if none is under way;
 * async-signal-safe, any thread.
 */
void platypus_device_stop(PlatypusDevice *dev);

/**
 * Or with a loop of your own: call dispatch when this is readable (POLLIN). It
 * is the same for the whole life of the device.
 */
int platypus_device_get_fd(const PlatypusDevice *dev);

/** Does what there is to do; never blocks but in your callbacks' DMA. */
int platypus_device_dispatch(PlatypusDevice *dev);

/**
 * @ready is called from the loop while @fd has any of @events (poll()'s POLLIN,
 * POLLOUT), or POLLHUP or POLLERR; for timerfds, ptys, sockets of the model.
 * @fd stays yours. Again with other @events or another @ready changes them;
 * @events 0 removes it (@ready is not used), which must come before it is
 * closed. -EBADF; -EPERM: it cannot be polled (a plain file).
 */
int platypus_device_watch(PlatypusDevice *dev, int fd, short events,
                          void (*ready)(void *model, int fd, short events));

/* ---- what a model does ---- */

/**
 * Level: asserts the line until it is lowered; again is fine. Edge: one event.
 * Kept while nobody listens: a level for as long as it is up, one event of an
 * edge. Nothing for a line that there is not.
 */
void platypus_device_raise(PlatypusDevice *dev, unsigned line);
/** Level lines; nothing for an edge. */
void platypus_device_lower(PlatypusDevice *dev, unsigned line);

/**
 * Your view of a region with areas, its @size bytes from its start, until the
 * device is freed; else NULL. Only the areas are the guest's, too. It uses them
 * at any time: use atomics where the order counts.
 */
void *platypus_device_memory(PlatypusDevice *dev, unsigned region);

/**
 * Guest memory, by the addresses that the guest's driver gives its device.
 * Where the client shares it, this is a copy; else it asks the client and
 * waits, while other requests wait in turn. Any alignment, any @size (0: fine).
 * -EFAULT: not (or not all) mapped for that, and nothing was moved; -ENOTCONN:
 * no client, or it left meanwhile; -ETIMEDOUT: it did not answer and is
 * dropped; any other: its reason to refuse. After these three some may have
 * been moved. In a region's callback the guest's CPU waits meanwhile, and gives
 * the device up after the emulator's timeout-ms.
 */
int platypus_device_dma_read(PlatypusDevice *dev, uint64_t iova, void *buf,
                             size_t size);
int platypus_device_dma_write(PlatypusDevice *dev, uint64_t iova,
                              const void *buf, size_t size);

/**
 * The memory itself, if all of it is shared by the client in one piece and may
 * be read (and written, if @writable); else NULL, and you copy. NULL for @size
 * 0, too. Good until your callback returns or makes another DMA call.
 */
void *platypus_device_dma_pointer(PlatypusDevice *dev, uint64_t iova,
                                  size_t size, bool writable);

/**
 * How long DMA waits for each answer of the client (to 1 MiB at most, or to
 * what the client takes at once) before it drops the client; 5000 ms unless
 * told. -EINVAL: 0.
 */
int platypus_device_set_dma_timeout(PlatypusDevice *dev, unsigned timeout_ms);

/**
 * A guest write of @size bytes (0: of any size) at @offset of @region does not
 * come by the socket but signals an eventfd: @ring is called from the loop,
 * once for several writes that came together, and where the client cannot do
 * that, for each write. The value is not told. Writes to other registers that
 * the guest made before have been served by then; a read that it makes right
 * after may be served first. Before the first client (-EBUSY), outside of
 * areas; -EEXIST: there is one.
 */
int platypus_device_add_doorbell(PlatypusDevice *dev, unsigned region,
                                 uint64_t offset, unsigned size,
                                 void (*ring)(void *model, uint64_t offset));

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
