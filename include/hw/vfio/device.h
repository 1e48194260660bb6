/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/reset.h"
#include "hw/core/run-state.h"
#include "hw/vfio/dma.h"
#include "hw/vfio/irq.h"
#include "hw/vfio/region.h"
#include "util/timer.h"

/*
 * VFIODevice: the device as a whole, however it is reached and whatever bus
 * shows it to the guest: its regions, lines and DMA, the fast path, resets,
 * and what happens when it fails, or when its host is lost and comes back.
 * Thread: the machine lock.
 *
 * A device that failed stays failed, as one of the host's kernel does; what
 * mends it is a host that was lost and is back.
 */
typedef struct VFIODeviceConfig {
    bool no_mmap;
    uint32_t mmap_timeout_ms; /* from the last EOI to the fast path */
    VFIOIrqRoute route;
    bool allow_irqfd;
} VFIODeviceConfig;

typedef struct VFIODevice {
    VFIOHost *host; /* owned; NULL: not initialised, or half */
    VFIODeviceConfig config;
    VFIODeviceInfo info;
    VFIORegion *regions;
    VFIOIrq *irqs;
    VFIODma dma;
    Error *dma_err; /* RAM could not be mapped; acted on soon */
    VFIOAccess access;
    VFIOPathState path;
    Timer timer;
    ResetHandler on_disarm, on_reset, on_arm;
    RunStateListener on_run;
    bool ran;          /* the machine, so the lines are armed */
    bool lost;         /* the host is; implies access.failed */
    bool resetting;    /* between the phases DISARM and ARM */
    bool came_back;    /* meanwhile: the phase ARM arms all lines */
    bool missed_reset; /* the guest's, while the host was lost */
    bool told_no_reset;
} VFIODevice;

/**
 * Takes @host, also on failure; then vfio_device_finish() ends what there is.
 * @owner is whose memory regions they are.
 */
bool vfio_device_init(VFIODevice *vdev, VFIOHost *host, Object *owner,
                      const VFIODeviceConfig *config, Error **errp);
/** All lines are connected: fails if the route that was asked for is not had.
 */
bool vfio_device_connected(const VFIODevice *vdev, Error **errp);
/** Lines off and no more events; before the bus lets the regions go. */
void vfio_device_quiesce(VFIODevice *vdev);
/** The rest, once no region is in a container. Zeroed memory is fine. */
void vfio_device_finish(VFIODevice *vdev);
