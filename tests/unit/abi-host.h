/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/vfio/user.h"
#include "user-peer.h"
#include "util/log.h"
#include "util/main-loop.h"

/*
 * The client as its device uses it, on a scripted server: what the ABI tests
 * of the client have in common. What it logs is not looked at.
 */
typedef struct AbiHost {
    unsigned fds;
    UserServer *server;
    VFIOUserConfig config;
    int state;
    VFIOHost *host;
    unsigned lost;
    char *reason;
    void *ram; /* 64 KiB */
} AbiHost;

#define ABI_RAM_SIZE 65536
#define ABI_RW (VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE)
#define ABI_LEVEL_FLAGS                                   \
    (VFIO_USER_IRQ_F_EVENTFD | VFIO_USER_IRQ_F_MASKABLE | \
     VFIO_USER_IRQ_F_AUTOMASKED)

static inline unsigned abi_host_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    g_assert_nonnull(dir);
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

static inline void abi_host_lost(void *opaque, Error *err)
{
    AbiHost *h = opaque;

    h->lost++;
    g_free(h->reason);
    h->reason = g_strdup(error_get_pretty(err));
    error_free(err);
}

static inline bool abi_host_back(void *opaque, Error **errp)
{
    g_assert_not_reached();
}

static const VFIOHostClient abi_host_client = {abi_host_lost, abi_host_back};

/* A server that does not listen yet. */
static inline void abi_host_init(AbiHost *h, const UserDeviceDesc *desc)
{
    *h = (AbiHost){.fds = abi_host_fds()};
    h->server = user_server_new(desc);
    h->ram = mmap(NULL, ABI_RAM_SIZE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(h->ram != MAP_FAILED);
    h->config = (VFIOUserConfig){
        .name = "abi",
        .timeout_ms = USER_PEER_DEADLINE_S * 1000,
        .share_dma = true,
    };
}

/* NULL, or why not; caller frees. */
static inline char *abi_host_try_open(AbiHost *h)
{
    Error *err = NULL;
    char *text;

    if (!h->server->path) {
        user_server_listen(h->server, NULL);
        h->config.socket = h->server->path;
    }
    h->host = vfio_host_user_open(&h->config, &h->state, &err);
    if (h->host) {
        g_assert_null(err);
        g_assert_cmpint(h->state, ==, VFIO_USER_CONNECTED);
        h->host->client = &abi_host_client;
        h->host->client_opaque = h;
        return NULL;
    }
    g_assert_nonnull(err);
    text = g_strdup(error_get_pretty(err));
    error_free(err);
    return text;
}

static inline void abi_host_open(AbiHost *h)
{
    g_autofree char *why = abi_host_try_open(h);

    g_assert_cmpstr(why, ==, NULL);
}

/* What is ready in the main loop. */
static inline void abi_host_iterate(void)
{
    for (unsigned i = 0; i < 20; i++) {
        main_loop_iterate(false);
    }
}

/* Runs the main loop until the host is lost. */
static inline void abi_host_wait_lost(AbiHost *h)
{
    while (!h->lost) {
        main_loop_iterate(true);
    }
    g_assert_cmpint(h->state, ==, VFIO_USER_LOST);
}

static inline void abi_host_finish(AbiHost *h)
{
    if (h->host) {
        abi_host_iterate();
        h->host->ops->close(h->host);
        abi_host_iterate();
    }
    user_server_free(h->server);
    g_free(h->reason);
    munmap(h->ram, ABI_RAM_SIZE);
    g_assert_cmpuint(abi_host_fds(), ==, h->fds);
}

static inline int abi_host_map_dma(AbiHost *h, uint64_t iova, int fd,
                                   bool readonly)
{
    VFIODmaMap map = {.iova = iova,
                      .size = ABI_RAM_SIZE,
                      .vaddr = h->ram,
                      .fd = fd,
                      .readonly = readonly};

    return h->host->ops->dma_map(h->host, &map);
}

/* What get_region says is fit to be used, whatever the server said. */
static inline void abi_check_region(const VFIORegionInfo *info)
{
    uint64_t end = 0;

    for (unsigned i = 0; i < info->num_maps; i++) {
        const VFIORange *map = &info->maps[i];

        g_assert_cmpuint(map->size, >, 0);
        g_assert_cmpuint(map->offset % 4096, ==, 0);
        g_assert_cmpuint(map->size % 4096, ==, 0);
        g_assert_cmpuint(map->offset, >=, end);
        g_assert_cmpuint(map->size, <=, info->size);
        g_assert_cmpuint(map->offset, <=, info->size - map->size);
        end = map->offset + map->size;
    }
}

static inline int abi_main(int (*run)(void))
{
    int result;

    g_assert_true(main_loop_init(NULL));
    g_assert_true(log_open("/dev/null", NULL));
    result = run();
    log_close();
    main_loop_finish();
    return result;
}
