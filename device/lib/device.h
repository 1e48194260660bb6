/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "irq.h"
#include "loop.h"
#include "platypus-device.h"
#include "region.h"
#include "server.h"

struct PlatypusDevice {
    PlatypusDeviceDesc desc; /* callbacks; no pointer to what is not ours */
    char *name;
    void *model;
    PdRegion *regions;
    unsigned num_regions;
    PdLine *lines;
    unsigned num_lines;
    PdLoop loop;
    PdServer server;
    PdClient client;
    bool had_client;
    bool busy;      /* in a turn of the loop */
    uint8_t *reply; /* header and payload of the reply being written */
    size_t reply_capacity;
    int wake; /* an eventfd: there is something to do */
    atomic_bool stop;
    unsigned dma_timeout_ms;
    unsigned log_left;     /* lines that clients may cause */
    int64_t log_filled_ms; /* when that was last known to be right */
    bool log_told;         /* that there were too many */
};

void pd_log(PlatypusDevice *dev, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** What clients can have us say again and again: not more than so much. */
void pd_log_client(PlatypusDevice *dev, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/** CLOCK_MONOTONIC. */
int64_t pd_now_ms(void);
/** Makes the loop turn once more. Async-signal-safe, any thread. */
void pd_wake(PlatypusDevice *dev);
