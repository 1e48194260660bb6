/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/vfio/host.h"

/* A region of a ScriptedHost: memory that can be shared, and eventfds. */
typedef struct ScriptedRegion {
    uint64_t size;
    bool readable;
    bool writable;
    VFIORange *maps;
    unsigned num_maps;
    VFIOIoEventFd *signals;
    unsigned num_signals;
    int fd; /* memfd */
    uint8_t *mem;
} ScriptedRegion;

/** "SIZE[:ro|:wo][:map|:map=OFFSET+SIZE...][:signal=OFFSET+SIZE...]" */
bool scripted_region_parse(ScriptedRegion *region, const char *text,
                           Error **errp);
void scripted_region_finish(ScriptedRegion *region);
/** Another ioeventfd; only @e's fd is not taken. */
void scripted_region_add_signal(ScriptedRegion *region, const VFIOIoEventFd *e);
/** The eventfds go, and the memory is zeroes again, but elsewhere. */
void scripted_region_close_signals(ScriptedRegion *region);
void scripted_region_renew(ScriptedRegion *region);
