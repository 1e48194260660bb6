/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "platypus-device.h"
#include "user-peer.h"

/*
 * Toy: a model whose registers make the library do what a test wants, served
 * by a thread of its own, and the client of it. A reply tells the test's thread
 * that whatever the thread did for it is done.
 *
 * Region 0, a page of registers, is 64 words that keep what is written; of its
 * upper part:
 */
enum {
    TOY_RAISE = 0x800, /* writes: the line's number */
    TOY_LOWER = 0x808,
    TOY_DMA_READ = 0x810,  /* @toy->dma_size at the address written */
    TOY_DMA_WRITE = 0x818, /* of @toy->dma */
    TOY_DMA_POINTER = 0x820,
    TOY_NOTHING = 0x900, /* no register */
    TOY_BELL = 0xa00,    /* of four bytes */
    TOY_ANY_BELL = 0xa08,
};
/* Region 1: four pages, of which 0 and 2 are memory; 2: memory; 3: read-only
 * memory; 4: write-only. Lines: 0 a level, 1 an edge. */
#define TOY_PAGE 4096u

typedef struct ToyAccess {
    bool write;
    uint64_t offset;
    unsigned size;
} ToyAccess;

typedef struct Toy {
    PlatypusDevice *dev;
    UserPeer *peer;
    pthread_t thread;
    int ran; /* what platypus_device_run() said */
    uint8_t regs[TOY_PAGE];
    GArray *accesses; /* of ToyAccess */
    GString *log;
    unsigned resets, rings, connects, disconnects;
    uint8_t *dma;
    size_t dma_size;
    int dma_result;
    void *dma_pointer;
} Toy;

static inline bool toy_read(void *model, uint64_t offset, unsigned size,
                            uint64_t *value)
{
    Toy *toy = model;
    ToyAccess access = {false, offset, size};

    g_assert_cmpuint(offset % size, ==, 0);
    g_array_append_val(toy->accesses, access);
    if (offset % TOY_PAGE == TOY_NOTHING) {
        return false;
    }
    memcpy(value, toy->regs + offset % TOY_PAGE, size);
    return true;
}

static inline bool toy_write(void *model, uint64_t offset, unsigned size,
                             uint64_t value)
{
    Toy *toy = model;
    ToyAccess access = {true, offset, size};

    g_assert_cmpuint(offset % size, ==, 0);
    g_array_append_val(toy->accesses, access);
    switch (offset) {
    case TOY_RAISE:
        platypus_device_raise(toy->dev, value);
        return true;
    case TOY_LOWER:
        platypus_device_lower(toy->dev, value);
        return true;
    case TOY_DMA_READ:
        toy->dma_result =
            platypus_device_dma_read(toy->dev, value, toy->dma, toy->dma_size);
        return true;
    case TOY_DMA_WRITE:
        toy->dma_result =
            platypus_device_dma_write(toy->dev, value, toy->dma, toy->dma_size);
        return true;
    case TOY_DMA_POINTER:
        toy->dma_pointer =
            platypus_device_dma_pointer(toy->dev, value, toy->dma_size, true);
        return true;
    case TOY_NOTHING:
        return false;
    default:
        memcpy(toy->regs + offset % TOY_PAGE, &value, size);
        return true;
    }
}

static inline void toy_reset(void *model)
{
    Toy *toy = model;

    toy->resets++;
    memset(toy->regs, 0, sizeof(toy->regs));
}

static inline void toy_connected(void *model, bool connected)
{
    Toy *toy = model;

    if (connected) {
        toy->connects++;
    } else {
        toy->disconnects++;
    }
}

static inline void toy_log(void *model, const char *text)
{
    Toy *toy = model;

    g_string_append_printf(toy->log, "%s\n", text);
}

static inline void toy_ring(void *model, uint64_t offset)
{
    Toy *toy = model;

    toy->rings++;
}

static const PlatypusArea toy_sparse[] = {{0, TOY_PAGE},
                                          {2 * TOY_PAGE, TOY_PAGE}};
static const PlatypusArea toy_whole[] = {{0, 4 * TOY_PAGE}};
static const PlatypusRegion toy_regions[] = {
    {.size = TOY_PAGE, .read = toy_read, .write = toy_write},
    {.size = 4 * TOY_PAGE,
     .read = toy_read,
     .write = toy_write,
     .areas = toy_sparse,
     .num_areas = G_N_ELEMENTS(toy_sparse)},
    {.size = 4 * TOY_PAGE, .areas = toy_whole, .num_areas = 1},
    {.size = 4 * TOY_PAGE,
     .flags = PLATYPUS_READ_ONLY,
     .areas = toy_whole,
     .num_areas = 1},
    {.size = 8, .flags = PLATYPUS_WRITE_ONLY, .write = toy_write},
};
static const PlatypusLine toy_lines[] = {{.edge = false}, {.edge = true}};
static const PlatypusDeviceDesc toy_desc = {
    .name = "toy",
    .regions = toy_regions,
    .num_regions = G_N_ELEMENTS(toy_regions),
    .lines = toy_lines,
    .num_lines = G_N_ELEMENTS(toy_lines),
    .reset = toy_reset,
    .connected = toy_connected,
    .log = toy_log,
};

/* The device alone. */
static inline void toy_init(Toy *toy, const PlatypusDeviceDesc *desc)
{
    *toy = (Toy){.accesses = g_array_new(false, false, sizeof(ToyAccess)),
                 .log = g_string_new(NULL)};
    toy->dev = platypus_device_new(desc ? desc : &toy_desc, toy);
    g_assert_nonnull(toy->dev);
}

static inline void toy_finish(Toy *toy)
{
    platypus_device_free(toy->dev);
    user_peer_free(toy->peer);
    g_array_free(toy->accesses, true);
    g_string_free(toy->log, true);
    g_free(toy->dma);
}

static inline void *toy_run(void *opaque)
{
    Toy *toy = opaque;

    toy->ran = platypus_device_run(toy->dev);
    return NULL;
}

/* A client of the attached device, and the thread that serves it. */
static inline void toy_attach(Toy *toy)
{
    int other;

    user_peer_free(toy->peer);
    toy->peer = user_peer_pair(&other);
    g_assert_cmpint(platypus_device_attach(toy->dev, other), ==, 0);
    pthread_create(&toy->thread, NULL, toy_run, toy);
}

/* Hangs up, after which the thread ends. */
static inline void toy_leave(Toy *toy)
{
    user_peer_hang_up(toy->peer);
    pthread_join(toy->thread, NULL);
    g_assert_cmpint(toy->ran, ==, 0);
}

/* ... with VERSION said. */
static inline void toy_start(Toy *toy, const char *json)
{
    g_autoptr(UserMsg) hello = NULL;

    toy_attach(toy);
    hello = user_peer_hello(toy->peer, json);
}

/* ---- requests ---- */

static inline void toy_write_reg(Toy *toy, unsigned region, uint64_t offset,
                                 uint64_t value, uint32_t size)
{
    struct {
        VFIOUserRegionAccess access;
        uint64_t value;
    } payload = {{offset, region, size}, value};
    g_autoptr(UserMsg) reply =
        user_peer_call(toy->peer, VFIO_USER_REGION_WRITE, &payload,
                       sizeof(payload.access) + size, NULL, 0);

    g_assert_cmpmem(reply->payload, reply->size, &payload.access,
                    sizeof(payload.access));
}

static inline uint64_t toy_read_reg(Toy *toy, unsigned region, uint64_t offset,
                                    uint32_t size)
{
    VFIOUserRegionAccess access = {offset, region, size};
    g_autoptr(UserMsg) reply = user_peer_call(toy->peer, VFIO_USER_REGION_READ,
                                              &access, sizeof(access), NULL, 0);
    uint64_t value = 0;

    g_assert_cmpuint(reply->size, ==, sizeof(access) + size);
    g_assert_cmpmem(reply->payload, sizeof(access), &access, sizeof(access));
    memcpy(&value, reply->payload + sizeof(access), size);
    return value;
}

static inline void toy_set_irqs(Toy *toy, unsigned line, uint32_t flags,
                                uint32_t count, const int *fds,
                                unsigned num_fds)
{
    VFIOUserIrqSet set = {sizeof(set), flags, line, 0, count};

    user_msg_free(user_peer_call(toy->peer, VFIO_USER_DEVICE_SET_IRQS, &set,
                                 sizeof(set), fds, num_fds));
}

static inline void toy_listen_to(Toy *toy, unsigned line, int fd)
{
    toy_set_irqs(toy, line,
                 VFIO_USER_IRQ_DATA_EVENTFD | VFIO_USER_IRQ_ACTION_TRIGGER, 1,
                 &fd, fd >= 0 ? 1 : 0);
}

static inline void toy_unmask(Toy *toy, unsigned line)
{
    toy_set_irqs(toy, line,
                 VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_ACTION_UNMASK, 1, NULL,
                 0);
}

/* How often @fd was signalled since. */
static inline uint64_t toy_events(int fd)
{
    uint64_t count;

    return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static inline void toy_map(Toy *toy, uint64_t iova, uint64_t size,
                           uint32_t flags, int fd, uint64_t fd_offset)
{
    VFIOUserDmaMap map = {sizeof(map), flags, fd_offset, iova, size};

    user_msg_free(user_peer_call(toy->peer, VFIO_USER_DMA_MAP, &map,
                                 sizeof(map), &fd, fd >= 0 ? 1 : 0));
}

/* ---- DMA ---- */

static inline void set_dma(Toy *toy, size_t size)
{
    g_free(toy->dma);
    toy->dma = g_malloc(size);
    toy->dma_size = size;
    for (size_t i = 0; i < size; i++) {
        toy->dma[i] = i * 5 + i / 253;
    }
}

/* The client's memory, wherever that is. */
static inline void answer(UserPeer *peer, UserMsg *msg, uint8_t *ram)
{
    VFIOUserDmaAccess access;
    g_autofree uint8_t *payload = NULL;

    g_assert_cmpuint(msg->size, >=, sizeof(access));
    memcpy(&access, msg->payload, sizeof(access));
    if (msg->head.command == VFIO_USER_DMA_WRITE) {
        g_assert_cmpuint(msg->size, ==, sizeof(access) + access.count);
        memcpy(ram, msg->payload + sizeof(access), access.count);
        user_peer_reply(peer, msg, &access, sizeof(access), NULL, 0);
        return;
    }
    g_assert_cmpuint(msg->head.command, ==, VFIO_USER_DMA_READ);
    g_assert_cmpuint(msg->size, ==, sizeof(access));
    payload = g_malloc(sizeof(access) + access.count);
    memcpy(payload, &access, sizeof(access));
    memcpy(payload + sizeof(access), ram, access.count);
    user_peer_reply(peer, msg, payload, sizeof(access) + access.count, NULL, 0);
}

/* Makes the device do DMA, without waiting for it. */
static inline uint16_t start_dma(Toy *toy, uint64_t reg, uint64_t iova)
{
    struct {
        VFIOUserRegionAccess access;
        uint64_t value;
    } write = {{reg, 0, 8}, iova};

    return user_peer_command(toy->peer, VFIO_USER_REGION_WRITE, 0, &write,
                             sizeof(write), NULL, 0);
}

static inline void end_dma(Toy *toy, uint16_t id, int result)
{
    user_msg_free(
        user_peer_expect_reply(toy->peer, VFIO_USER_REGION_WRITE, id, 0));
    g_assert_cmpint(toy->dma_result, ==, result);
}

static inline UserPeer *twin_of(UserMsg *hello)
{
    return user_peer_new(user_msg_take_fd(hello, 0));
}

/* ---- places to listen ---- */

typedef struct Place {
    char *dir;
    char *path;
} Place;

static inline void place_init(Place *place)
{
    place->dir = g_dir_make_tmp("platypus-XXXXXX", NULL);
    place->path = g_build_filename(place->dir, "sock", NULL);
}

static inline void place_finish(Place *place)
{
    g_assert_cmpint(rmdir(place->dir), ==, 0);
    g_free(place->dir);
    g_free(place->path);
}

static inline unsigned toy_count_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}
