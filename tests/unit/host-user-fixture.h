/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <dirent.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "hw/vfio/user.h"
#include "user-peer.h"
#include "util/log.h"
#include "util/main-loop.h"

/*
 * A VFIOHost on a scripted server, and what it tells its client. What it logs
 * goes to a file; finish looks that nothing was logged which the test did not
 * expect, and that as many descriptors are open as before.
 */
typedef struct HostUserFixture {
    unsigned fds_before;
    char *log;
    UserServer *server;
    VFIOUserConfig config;
    int state;
    VFIOHost *host;
    /* of its client */
    unsigned losses;
    unsigned backs;
    char *reason; /* of the last loss, without what comes of it */
    bool refuse;  /* back() fails */
    /* During back(), if set. */
    void (*on_back)(struct HostUserFixture *f);
} HostUserFixture;

#define FOR_GOOD "; from now on the device reads as ones"
#define FOR_NOW "; trying to reconnect, and until then the device reads as ones"
#define RW (VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_WRITE)
#define LEVEL                                             \
    (VFIO_USER_IRQ_F_EVENTFD | VFIO_USER_IRQ_F_MASKABLE | \
     VFIO_USER_IRQ_F_AUTOMASKED)

/* A region that traps, one line of each kind, a reset. */
static const UserRegionDesc plain_region = {.size = 0x1000, .flags = RW};
static const UserIrqDesc plain_irqs[] = {
    {LEVEL, 1},
    {VFIO_USER_IRQ_F_EVENTFD, 1},
};
static const UserDeviceDesc plain_device = {
    .minor = VFIO_USER_MINOR,
    .flags = VFIO_USER_DEVICE_PLATFORM | VFIO_USER_DEVICE_RESETTABLE,
    .regions = &plain_region,
    .num_regions = 1,
    .irqs = plain_irqs,
    .num_irqs = 2,
};

static inline unsigned count_fds(void)
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

static void fixture_lost(void *opaque, Error *err)
{
    HostUserFixture *f = opaque;
    const char *text = error_get_pretty(err);
    const char *then = f->config.reconnect_ms > 0 ? FOR_NOW : FOR_GOOD;

    g_assert_true(machine_locked());
    f->losses++;
    g_assert_true(g_str_has_suffix(text, then));
    g_free(f->reason);
    f->reason = g_strndup(text, strlen(text) - strlen(then));
    error_free(err);
}

static bool fixture_back(void *opaque, Error **errp)
{
    HostUserFixture *f = opaque;

    g_assert_true(machine_locked());
    f->backs++;
    if (f->on_back) {
        f->on_back(f);
    }
    if (f->refuse) {
        error_setg(errp, "vfio dev: not the device that it was");
        return false;
    }
    return true;
}

static const VFIOHostClient fixture_client = {
    .lost = fixture_lost,
    .back = fixture_back,
};

/* A server that listens, and how to reach it; not yet connected. */
static inline void fixture_init(HostUserFixture *f, const UserDeviceDesc *desc)
{
    unsigned fds = count_fds();
    int log;

    *f = (HostUserFixture){.fds_before = fds};
    log = g_file_open_tmp("host-user-XXXXXX.log", &f->log, NULL);
    g_assert_cmpint(log, >=, 0);
    close(log);
    g_assert_true(log_open(f->log, NULL));
    f->server = user_server_new(desc ? desc : &plain_device);
    user_server_listen(f->server, NULL);
    f->config = (VFIOUserConfig){
        .name = "dev",
        .socket = f->server->path,
        .timeout_ms = USER_PEER_DEADLINE_S * 1000,
        .share_dma = true,
    };
}

static inline void fixture_open(HostUserFixture *f)
{
    Error *err = NULL;

    f->host = vfio_host_user_open(&f->config, &f->state, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_cmpint(f->state, ==, VFIO_USER_CONNECTED);
    f->host->client = &fixture_client;
    f->host->client_opaque = f;
}

/* It cannot be opened, and @message says why, after "vfio-user: PATH: ". */
static inline void fixture_refused(HostUserFixture *f, const char *message)
{
    g_autofree char *expect =
        g_strdup_printf("vfio-user: %s: %s", f->config.socket, message);
    Error *err = NULL;

    g_assert_null(vfio_host_user_open(&f->config, &f->state, &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, expect);
    error_free(err);
}

/* The log's lines since the last time are these. */
static inline void fixture_logged(HostUserFixture *f, const char *lines)
{
    g_autofree char *text = NULL;

    log_close();
    g_assert_true(g_file_get_contents(f->log, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, lines);
    g_assert_true(log_open(f->log, NULL));
}

static inline void fixture_close(HostUserFixture *f)
{
    if (f->host) {
        f->host->ops->close(f->host);
        f->host = NULL;
    }
}

static inline void fixture_finish(HostUserFixture *f)
{
    fixture_close(f);
    user_server_free(f->server);
    fixture_logged(f, "");
    log_close();
    g_assert_cmpint(g_unlink(f->log), ==, 0);
    g_free(f->log);
    g_free(f->reason);
    g_assert_cmpuint(count_fds(), ==, f->fds_before);
}

/* Until @n is more than @more; the test's own time limit is the only one. */
static inline void fixture_wait(HostUserFixture *f, const unsigned *n,
                                unsigned more)
{
    while (*n <= more) {
        main_loop_iterate(true);
    }
}

/* The server hangs up on a host that will look for it again. */
static inline void fixture_lose(HostUserFixture *f)
{
    unsigned losses = f->losses;

    user_server_hang_up(f->server);
    fixture_wait(f, &f->losses, losses);
    g_assert_cmpint(f->state, ==, VFIO_USER_RECONNECTING);
    /* Its own descriptor goes, too. */
    user_server_wait_gone(f->server);
}

#define BACK_LINE "platypus: info: vfio dev: the server is back\n"

/* A hook: the command that @opaque points to is never answered. */
static inline bool fixture_ignore(UserServer *server, UserMsg *msg,
                                  void *opaque)
{
    return msg->head.command == *(uint16_t *)opaque;
}
