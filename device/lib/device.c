/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PlatypusDevice: its life, its loop, and its lines. The device copies its
 * description; the callbacks run in the loop's turns only.
 *
 * What would surprise: a client that is lost in the middle of a callback is
 * freed when the turn ends. And requests may be left over that were received
 * while a callback waited for DMA, which no descriptor tells of, so each turn
 * ends with those.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "device.h"

#define PD_DMA_TIMEOUT_MS 5000
#define PD_MAX_COUNT 1024 /* regions, lines */
/* Lines in the log because of clients: so many, and then one a minute. */
#define PD_LOG_BURST 20
#define PD_LOG_INTERVAL_MS 60000

static void pd_log_to(const PlatypusDeviceDesc *desc, void *model,
                      const char *text)
{
    if (desc->log) {
        desc->log(model, text);
    } else {
        fprintf(stderr, "%s: %s\n", desc->name ? desc->name : "device", text);
    }
}

int64_t pd_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pd_log(PlatypusDevice *dev, const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    pd_log_to(&dev->desc, dev->model, text);
}

static void pd_log_refill(PlatypusDevice *dev)
{
    int64_t now = pd_now_ms();
    int64_t more = (now - dev->log_filled_ms) / PD_LOG_INTERVAL_MS;

    if (more >= PD_LOG_BURST - (int64_t)dev->log_left) {
        dev->log_left = PD_LOG_BURST;
        dev->log_filled_ms = now;
        dev->log_told = false;
    } else {
        dev->log_left += more;
        dev->log_filled_ms += more * PD_LOG_INTERVAL_MS;
    }
}

void pd_log_client(PlatypusDevice *dev, const char *fmt, ...)
{
    char text[256];
    va_list args;

    pd_log_refill(dev);
    if (dev->log_left == 0) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    pd_log_to(&dev->desc, dev->model, text);
    if (--dev->log_left == 0 && !dev->log_told) {
        dev->log_told = true;
        pd_log(dev, "of clients only one line a minute comes from here on");
    }
}

void pd_wake(PlatypusDevice *dev)
{
    const uint64_t one = 1;
    int err = errno;

    /* It fails when the counter is full, which wakes as well. */
    (void)!write(dev->wake, &one, sizeof(one));
    errno = err;
}

/* ---- life ---- */

static bool pd_check_desc(const PlatypusDeviceDesc *desc, void *model)
{
    const char *wrong;
    char text[128];

    if (desc->num_regions > PD_MAX_COUNT || desc->num_lines > PD_MAX_COUNT ||
        (desc->num_regions && !desc->regions) ||
        (desc->num_lines && !desc->lines)) {
        pd_log_to(desc, model, "bad tables of regions or lines");
        return false;
    }
    for (unsigned i = 0; i < desc->num_regions; i++) {
        wrong = pd_region_check(&desc->regions[i]);
        if (wrong) {
            snprintf(text, sizeof(text), "region %u: %s", i, wrong);
            pd_log_to(desc, model, text);
            return false;
        }
    }
    return true;
}

static int pd_device_init_tables(PlatypusDevice *dev,
                                 const PlatypusDeviceDesc *desc)
{
    int ret = 0;

    dev->name = strdup(desc->name ? desc->name : "device");
    dev->regions = calloc(desc->num_regions + 1, sizeof(*dev->regions));
    dev->lines = calloc(desc->num_lines + 1, sizeof(*dev->lines));
    if (!dev->name || !dev->regions || !dev->lines) {
        return -ENOMEM;
    }
    dev->desc.name = dev->name;
    for (; ret == 0 && dev->num_regions < desc->num_regions;
         dev->num_regions++) {
        ret = pd_region_init(&dev->regions[dev->num_regions],
                             &desc->regions[dev->num_regions]);
    }
    for (; dev->num_lines < desc->num_lines; dev->num_lines++) {
        pd_line_init(&dev->lines[dev->num_lines],
                     desc->lines[dev->num_lines].edge);
    }
    return ret;
}

static void pd_wake_ready(PlatypusDevice *dev, const PdSource *source,
                          uint32_t events)
{
    uint64_t count;

    (void)!read(source->fd, &count, sizeof(count));
}

static int pd_device_init(PlatypusDevice *dev, const PlatypusDeviceDesc *desc)
{
    int ret = pd_device_init_tables(dev, desc);

    if (ret < 0) {
        return ret;
    }
    dev->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (dev->wake < 0) {
        return -errno;
    }
    ret = pd_loop_init(&dev->loop);
    return ret < 0 ? ret
                   : pd_loop_add(&dev->loop, dev->wake, EPOLLIN, pd_wake_ready);
}

PlatypusDevice *platypus_device_new(const PlatypusDeviceDesc *desc, void *model)
{
    PlatypusDevice *dev;
    int ret;

    if (!pd_check_desc(desc, model)) {
        errno = EINVAL;
        return NULL;
    }
    dev = calloc(1, sizeof(*dev));
    if (!dev) {
        return NULL;
    }
    dev->desc = *desc;
    dev->desc.regions = NULL;
    dev->desc.lines = NULL;
    dev->model = model;
    dev->wake = -1;
    dev->loop.epoll = -1;
    dev->dma_timeout_ms = PD_DMA_TIMEOUT_MS;
    dev->log_left = PD_LOG_BURST;
    dev->log_filled_ms = pd_now_ms();
    pd_server_init(&dev->server);
    pd_client_init(&dev->client);
    ret = pd_device_init(dev, desc);
    if (ret < 0) {
        platypus_device_free(dev);
        errno = -ret;
        return NULL;
    }
    return dev;
}

void platypus_device_free(PlatypusDevice *dev)
{
    if (!dev) {
        return;
    }
    pd_server_finish(&dev->server);
    pd_client_drop(dev, false);
    for (unsigned i = 0; i < dev->num_regions; i++) {
        pd_region_finish(&dev->regions[i]);
    }
    if (dev->wake >= 0) {
        close(dev->wake);
    }
    pd_loop_finish(&dev->loop);
    free(dev->regions);
    free(dev->lines);
    free(dev->reply);
    free(dev->name);
    free(dev);
}

/* ---- the loop ---- */

static int pd_device_turn(PlatypusDevice *dev, int timeout_ms)
{
    int ret;

    if (dev->busy) {
        return -EBUSY;
    }
    dev->busy = true;
    ret = pd_loop_turn(dev, &dev->loop, timeout_ms);
    pd_client_serve(dev);
    if (dev->client.lost) {
        pd_client_drop(dev, true);
    }
    dev->busy = false;
    return ret;
}

int platypus_device_dispatch(PlatypusDevice *dev)
{
    return pd_device_turn(dev, 0);
}

int platypus_device_run(PlatypusDevice *dev)
{
    int ret = 0;

    while (ret == 0 && !atomic_load(&dev->stop) &&
           (dev->server.fd >= 0 || pd_client_is_present(&dev->client))) {
        ret = pd_device_turn(dev, -1);
    }
    atomic_store(&dev->stop, false);
    return ret;
}

void platypus_device_stop(PlatypusDevice *dev)
{
    atomic_store(&dev->stop, true);
    pd_wake(dev);
}

int platypus_device_get_fd(const PlatypusDevice *dev)
{
    return dev->loop.epoll;
}

static void pd_watch_ready(PlatypusDevice *dev, const PdSource *source,
                           uint32_t events)
{
    source->watch(dev->model, source->fd, (short)events);
}

int platypus_device_watch(PlatypusDevice *dev, int fd, short events,
                          void (*ready)(void *model, int fd, short events))
{
    if (events == 0) {
        pd_loop_remove(&dev->loop, fd);
        return 0;
    }
    if (!ready) {
        return -EINVAL;
    }
    /* poll()'s and epoll's events are the same bits. */
    return pd_loop_add_watch(&dev->loop, fd, (uint16_t)events, pd_watch_ready,
                             ready);
}

/* ---- lines and memory ---- */

void platypus_device_raise(PlatypusDevice *dev, unsigned line)
{
    if (line < dev->num_lines) {
        pd_line_raise(&dev->lines[line]);
    }
}

void platypus_device_lower(PlatypusDevice *dev, unsigned line)
{
    if (line < dev->num_lines) {
        pd_line_lower(&dev->lines[line]);
    }
}

void *platypus_device_memory(PlatypusDevice *dev, unsigned region)
{
    return region < dev->num_regions ? dev->regions[region].memory.host : NULL;
}
