/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdLoop: descriptors and their handlers on one epoll instance, whose own
 * descriptor is what platypus_device_get_fd() gives away. Relies on level
 * triggering: who leaves something unread is called again.
 *
 * What would surprise: an event names its slot and the slot's serial number,
 * because a handler may remove a source whose event was reported already. And
 * the kernel forgets a descriptor that is closed while we watch it; whoever
 * adds its number again is right all the same.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"

#define PD_EVENTS 16

int pd_loop_init(PdLoop *loop)
{
    *loop = (PdLoop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return loop->epoll < 0 ? -errno : 0;
}

void pd_loop_finish(PdLoop *loop)
{
    if (loop->epoll >= 0) {
        close(loop->epoll);
    }
    free(loop->sources);
    *loop = (PdLoop){.epoll = -1};
}

/* The slot of @fd, or a free one (fd -1), or NULL. */
static PdSource *pd_loop_find(PdLoop *loop, int fd)
{
    for (unsigned i = 0; i < loop->num_sources; i++) {
        if (loop->sources[i].fd == fd) {
            return &loop->sources[i];
        }
    }
    return NULL;
}

static PdSource *pd_loop_free_slot(PdLoop *loop)
{
    PdSource *source = pd_loop_find(loop, -1);
    PdSource *sources;

    if (source) {
        return source;
    }
    sources =
        realloc(loop->sources, (loop->num_sources + 1) * sizeof(*sources));
    if (!sources) {
        return NULL;
    }
    loop->sources = sources;
    source = &sources[loop->num_sources++];
    source->fd = -1;
    return source;
}

int pd_loop_add_watch(PdLoop *loop, int fd, uint32_t events, PdReady *ready,
                      void (*watch)(void *model, int fd, short events))
{
    PdSource *source = fd >= 0 ? pd_loop_find(loop, fd) : NULL;
    uint32_t serial = source ? source->serial : ++loop->serial;
    struct epoll_event event = {.events = events};

    if (fd < 0) {
        return -EBADF;
    }
    if (!source) {
        source = pd_loop_free_slot(loop);
    }
    if (!source) {
        return -ENOMEM;
    }
    event.data.u64 = (uint64_t)serial << 32 | (source - loop->sources);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 &&
        (errno != EEXIST ||
         epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) < 0)) {
        return -errno;
    }
    *source = (PdSource){fd, serial, ready, watch};
    return 0;
}

int pd_loop_add(PdLoop *loop, int fd, uint32_t events, PdReady *ready)
{
    return pd_loop_add_watch(loop, fd, events, ready, NULL);
}

void pd_loop_change(PdLoop *loop, int fd, uint32_t events)
{
    PdSource *source = pd_loop_find(loop, fd);

    if (source) {
        pd_loop_add_watch(loop, fd, events, source->ready, source->watch);
    }
}

void pd_loop_remove(PdLoop *loop, int fd)
{
    PdSource *source = fd >= 0 ? pd_loop_find(loop, fd) : NULL;

    if (source) {
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
        source->fd = -1;
    }
}

int pd_loop_turn(PlatypusDevice *dev, PdLoop *loop, int timeout_ms)
{
    struct epoll_event events[PD_EVENTS];
    PdSource source;
    uint32_t slot;
    int n = epoll_wait(loop->epoll, events, PD_EVENTS, timeout_ms);

    if (n < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    for (int i = 0; i < n; i++) {
        slot = (uint32_t)events[i].data.u64;
        source = loop->sources[slot];
        if (source.fd >= 0 && source.serial == events[i].data.u64 >> 32) {
            source.ready(dev, &source, events[i].events);
        }
    }
    return 0;
}
