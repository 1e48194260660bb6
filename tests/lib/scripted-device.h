/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/vfio/device.h"
#include "scripted-host.h"

/*
 * A VFIODevice on a ScriptedHost, with a little RAM beside it, as the tests
 * want it: no bus and no object, its regions are 1 MiB apart at
 * SCRIPTED_DEVICE_BASE and its lines end in ScriptedInputs.
 */
#define SCRIPTED_DEVICE_BASE 0x10000000ULL
#define SCRIPTED_DEVICE_LINES 3
/** Some with everything: mapped, none, mapped in two parts. */
#define SCRIPTED_DEVICE_REGIONS \
    "0x1000:map;0;0x2000:map=0+0x1000:map=0x1000+0x1000"

typedef struct Fixture {
    ScriptedHost *host;
    VFIODevice vdev;
    ScriptedInput input[SCRIPTED_DEVICE_LINES];
    MemoryRegion ram; /* 16 KiB at 0x40000000 */
    bool closed;
} Fixture;

typedef struct Offer {
    bool irqfd;
    bool eoi;
} Offer;

extern const VFIODeviceConfig default_config; /* mmap_timeout_ms is 5 */
extern const Offer trap;
extern const Offer eoi;
extern const Offer irqfd;

/** All but the device; see scripted_host_new() for the texts. */
void prepare(Fixture *f, const char *regions, const char *lines);
/** The device, its lines with the routes of @offer. */
bool realize(Fixture *f, Offer offer, Error **errp);
/** Everything goes, whatever became of it. */
void unrealize(Fixture *f);
/** All of it, after a reset and running; the log is empty. */
void setup(Fixture *f, const char *regions, const char *lines, Offer offer);

/** Gives the main loop its turns. */
void settle(void);
void advance_ms(int64_t ms);
bool is_fast(unsigned region);
uint32_t access_region(unsigned region);
/** How many descriptors the process has, and one more. */
unsigned open_fds(void);

/** The log since it was last looked at. */
void expect_log(Fixture *f, const char *expect);
/** The lost host returns, and is wanted. */
void come_back(Fixture *f);
/** The guest finds nothing, and the host is asked for nothing. */
void check_lost(Fixture *f);
/** One interrupt of line 0, a level, all the way. */
void check_interrupt(Fixture *f);
/** Accesses, DMA, the fast path, an interrupt; region 0 is mapped. */
void check_works(Fixture *f);
