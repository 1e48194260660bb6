/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/vfio/host.h"
#include "scripted-input.h"
#include "scripted-region.h"
#include "util/lock.h"
#include "util/timer.h"

/*
 * ScriptedHost: a VFIOHost of the tests. Its regions are shared memory, so
 * that a trapped and a mapped access see the same bytes; its lines behave like
 * the kernel's (a level line is masked when it signals, an edge is latched
 * while nobody listens); every call but the accesses is logged, and the n-th
 * one can fail. It can be lost and come back, as a process can. Thread: machine
 * lock, but for the accesses and raising.
 */
typedef struct ScriptedLine {
    bool level;
    int trigger_fd; /* our own duplicates; -1: none */
    int unmask_fd;
    bool masked;   /* level: signalled, and not unmasked since */
    bool asserted; /* level: the device asks */
    bool latched;  /* edge: came while nobody listened */
    unsigned signals;
} ScriptedLine;

typedef struct ScriptedHost {
    VFIOHost parent;
    VFIOHostOps ops; /* this host's own, for tests to change */
    Mutex lock;      /* log, lines */
    bool can_reset;
    GArray *regions; /* of ScriptedRegion */
    GArray *lines;   /* of ScriptedLine */
    GString *log;    /* "get-info\nget-region 0\n..." */
    unsigned calls;
    int fail_at;      /* the call that fails, from 0; -1: none */
    const char *fail; /* or: every call that is logged as this */
    int fail_errno;
    int access_errno; /* accesses fail so, unless 0 */
    unsigned access_calls;
    unsigned last_size; /* of an access */
    unsigned resets;
    uint64_t dma_bytes; /* mapped now */
    int64_t doorbell;   /* offset in region 0: see scripted_host_new */
    Timer timer;        /* until it is back */
    unsigned away_ms;
    VFIOHostNode *node; /* owned; what get_node returns */
    bool *closed;       /* set by close, if not NULL */
} ScriptedHost;

/**
 * @regions is "SIZE[:ro|:wo][:map|:map=OFFSET+SIZE...][:signal=OFFSET+SIZE...]
 * ;...", @lines is "level|edge;..."; either may be NULL or "". A signal is an
 * ioeventfd of any data; SIZE 0 is any size. A write of n to @doorbell
 * (negative: none) of region 0 raises line n, of 0x100 + n lowers it, of 0x200
 * + n loses the host, which is back n ms later by the virtual clock. The
 * caller closes it through ops, or gives it to a device.
 */
ScriptedHost *scripted_host_new(const char *name, const char *regions,
                                const char *lines, int64_t doorbell,
                                Error **errp);

ScriptedLine *scripted_host_line(ScriptedHost *host, unsigned n);
ScriptedRegion *scripted_host_region(ScriptedHost *host, unsigned n);

/** What the device does with its line. Any thread. */
void scripted_host_raise(ScriptedHost *host, unsigned n);
void scripted_host_lower(ScriptedHost *host, unsigned n);

/**
 * From now on every call fails with ENOTCONN, and is logged as LOST; nobody
 * has been told yet.
 */
void scripted_host_break(ScriptedHost *host);
/** That, and whoever uses the host is told. Not within an access. */
void scripted_host_lose(ScriptedHost *host);
/** A lost host gets other regions and lines, for when it is back. */
void scripted_host_reshape(ScriptedHost *host, const char *regions,
                           const char *lines);
/**
 * It is there again, with zeroes in its regions; a line that asked still does.
 * False: whoever uses it did not want it.
 */
bool scripted_host_return(ScriptedHost *host, Error **errp);

/**
 * Another ioeventfd of a region, for whoever asks from now on. Only @e's fd is
 * not taken.
 */
void scripted_host_add_signal(ScriptedHost *host, unsigned region,
                              const VFIOIoEventFd *e);
/** How often ioeventfd @n of the region was signalled since the last call. */
uint64_t scripted_host_signalled(ScriptedHost *host, unsigned region,
                                 unsigned n);

/** The log so far, which starts over; caller frees. */
char *scripted_host_take_log(ScriptedHost *host);
