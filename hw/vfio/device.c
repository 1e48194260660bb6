/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device as a whole: what happens to all of its regions and lines at once.
 *
 * The fast path: only the trap route ever leaves it. All regions change in one
 * memory transaction, before the line goes up: were it after, the guest's
 * handler could clear the device through the mapped page, and no EOI would be
 * seen. The timer counts from the last EOI, so that interrupts which are
 * served quickly let the fast path in between them.
 *
 * What would surprise: a device that fails stays, so that the guest goes on:
 * its accesses read ones and its lines are down until the process ends.
 */

#include "hw/vfio/device.h"
#include "trace.h"
#include "util/container-of.h"
#include "util/log.h"
#include "util/main-loop.h"

static void vfio_device_set_mapped(VFIODevice *vdev, bool mapped)
{
    memory_region_transaction_begin();
    for (unsigned i = 0; i < vdev->info.num_regions; i++) {
        vfio_region_set_mapped(&vdev->regions[i], mapped);
    }
    memory_region_transaction_commit();
}

static void vfio_device_path_event(VFIODevice *vdev, VFIOPathEvent event)
{
    VFIOPathStep step = vfio_path_fsm_step(vdev->path, event);

    if (step.next != vdev->path) {
        trace_vfio_device_path(vdev->host->name,
                               vfio_path_state_name(vdev->path),
                               vfio_path_state_name(step.next));
    }
    vdev->path = step.next;
    if (step.actions & VFIO_PATH_DO_UNMAP) {
        vfio_device_set_mapped(vdev, false);
    }
    if (step.actions & VFIO_PATH_DO_MAP && !atomic_load(&vdev->access.failed)) {
        vfio_device_set_mapped(vdev, true);
    }
    if (step.actions & VFIO_PATH_DO_START_TIMER) {
        timer_mod_ns(&vdev->timer,
                     clock_get_ns(CLOCK_VIRTUAL) +
                         vdev->config.mmap_timeout_ms * NS_PER_MS);
    }
    if (step.actions & VFIO_PATH_DO_STOP_TIMER) {
        timer_del(&vdev->timer);
    }
}

static void vfio_device_on_timer(void *opaque)
{
    vfio_device_path_event(opaque, VFIO_PATH_EV_TIMER);
}

static void vfio_device_line_activated(void *opaque)
{
    VFIODevice *vdev = opaque;

    atomic_fetch_add(&vdev->access.active, 1);
    vfio_device_path_event(vdev, VFIO_PATH_EV_ACTIVE);
}

static void vfio_device_line_ended(void *opaque)
{
    VFIODevice *vdev = opaque;

    if (atomic_fetch_sub(&vdev->access.active, 1) == 1) {
        vfio_device_path_event(vdev, VFIO_PATH_EV_EOI);
    }
}

/* The device is lost, the machine is not. Takes @err. */
static void vfio_device_failed(void *opaque, Error *err)
{
    VFIODevice *vdev = opaque;

    if (atomic_exchange(&vdev->access.failed, true)) {
        error_free(err);
        return;
    }
    error_append(&err, "; from now on the device reads as ones");
    error_report_err(err);
    trace_vfio_device_failed(vdev->host->name);
    vfio_device_set_mapped(vdev, false);
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        vfio_irq_finish(&vdev->irqs[i]);
    }
}

static void vfio_device_on_dma_failed(void *opaque)
{
    VFIODevice *vdev = opaque;

    vfio_device_failed(vdev, g_steal_pointer(&vdev->dma_err));
}

/* In the middle of a commit, where the memory tree must not change. */
static void vfio_device_dma_failed(void *opaque, Error *err)
{
    VFIODevice *vdev = opaque;

    if (vdev->dma_err) {
        error_free(err);
        return;
    }
    vdev->dma_err = err;
    main_loop_schedule(vfio_device_on_dma_failed, vdev);
}

static const VFIOIrqClient vfio_device_irq_client = {
    .activated = vfio_device_line_activated,
    .ended = vfio_device_line_ended,
    .failed = vfio_device_failed,
};

/* A trapped access while some line is ACTIVE: it ends them all. */
static void vfio_device_trapped(void *opaque)
{
    VFIODevice *vdev = opaque;

    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        vfio_irq_trapped(&vdev->irqs[i]);
    }
}

static void vfio_device_on_disarm(ResetHandler *handler)
{
    VFIODevice *vdev = container_of(handler, VFIODevice, on_disarm);
    Error *err = NULL;

    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        VFIOIrq *irq = &vdev->irqs[i];

        /* Before the controller is reset, the first time above all. */
        vfio_irq_set_trigger(irq);
        if (!vfio_irq_reset_disarm(irq, &err)) {
            vfio_device_failed(vdev, err);
            return;
        }
    }
}

static void vfio_device_host_reset(VFIODevice *vdev)
{
    VFIOHost *host = vdev->host;
    g_autoptr(Error) err = NULL;
    int ret;

    if (!vdev->info.can_reset) {
        if (vdev->armed && !vdev->told_no_reset) {
            warn_report("vfio %s: the host has no reset for it, so it keeps "
                        "its state while the guest resets",
                        host->name);
            vdev->told_no_reset = true;
        }
        return;
    }
    ret = host->ops->reset(host);
    trace_vfio_device_reset(host->name, ret);
    if (ret < 0) {
        error_setg_errno(&err, -ret,
                         "vfio %s: cannot reset it, so it keeps "
                         "its state while the guest resets",
                         host->name);
        warn_report("%s", error_get_pretty(err));
    }
}

static void vfio_device_on_reset(ResetHandler *handler)
{
    VFIODevice *vdev = container_of(handler, VFIODevice, on_reset);

    vfio_device_host_reset(vdev);
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        vfio_irq_reset(&vdev->irqs[i]);
    }
    vfio_device_path_event(vdev, VFIO_PATH_EV_RESET);
}

static void vfio_device_on_arm(ResetHandler *handler)
{
    VFIODevice *vdev = container_of(handler, VFIODevice, on_arm);
    Error *err = NULL;

    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        if (!vfio_irq_reset_arm(&vdev->irqs[i], &err)) {
            vfio_device_failed(vdev, err);
            return;
        }
    }
}

/*
 * Lines are armed when the machine first runs: the controller was reset by
 * then, and nothing that the device has to say is lost on a guest that is not
 * there.
 */
static void vfio_device_on_run(RunStateListener *listener, bool running)
{
    VFIODevice *vdev = container_of(listener, VFIODevice, on_run);
    Error *err = NULL;

    if (!running || vdev->armed) {
        return;
    }
    vdev->armed = true;
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        if (!vfio_irq_arm(&vdev->irqs[i], vdev->config.route,
                          vdev->config.allow_irqfd, &err)) {
            vfio_device_failed(vdev, err);
            return;
        }
    }
}

static bool vfio_device_get_info(VFIODevice *vdev, Error **errp)
{
    VFIOHost *host = vdev->host;
    VFIODeviceInfo info = {0};
    int ret = host->ops->get_info(host, &info);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "vfio %s: cannot get info", host->name);
        return false;
    }
    trace_vfio_device_info(host->name, info.num_regions, info.num_irqs,
                           info.can_reset);
    if (!vfio_device_info_check(&info, errp)) {
        error_prepend(errp, "vfio %s: ", host->name);
        return false;
    }
    vdev->info = info;
    vdev->regions = g_new0(VFIORegion, info.num_regions);
    vdev->irqs = g_new0(VFIOIrq, info.num_irqs);
    return true;
}

bool vfio_device_connected(const VFIODevice *vdev, Error **errp)
{
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        if (!vfio_irq_check_route(&vdev->irqs[i], vdev->config.route, errp)) {
            return false;
        }
    }
    return true;
}

static void vfio_device_listen(VFIODevice *vdev)
{
    reset_register(&vdev->on_disarm, RESET_DISARM, vfio_device_on_disarm);
    reset_register(&vdev->on_reset, RESET_DEVICE, vfio_device_on_reset);
    reset_register(&vdev->on_arm, RESET_ARM, vfio_device_on_arm);
    vdev->on_run.changed = vfio_device_on_run;
    run_state_listen(&vdev->on_run);
}

bool vfio_device_init(VFIODevice *vdev, VFIOHost *host, Object *owner,
                      const VFIODeviceConfig *config, Error **errp)
{
    vdev->host = host;
    vdev->config = *config;
    vdev->access.trapped = vfio_device_trapped;
    vdev->access.opaque = vdev;
    vdev->path = VFIO_PATH_FAST;
    timer_init(&vdev->timer, CLOCK_VIRTUAL, vfio_device_on_timer, vdev);
    if (!vfio_device_get_info(vdev, errp)) {
        return false;
    }
    for (unsigned i = 0; i < vdev->info.num_regions; i++) {
        if (!vfio_region_init(&vdev->regions[i], host, i, owner, &vdev->access,
                              config->no_mmap, errp)) {
            return false;
        }
    }
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        if (!vfio_irq_init(&vdev->irqs[i], host, i, &vfio_device_irq_client,
                           vdev, errp)) {
            return false;
        }
    }
    if (!vfio_dma_start(&vdev->dma, host, address_space_memory(),
                        vfio_device_dma_failed, vdev, errp)) {
        return false;
    }
    vfio_device_listen(vdev);
    return true;
}

void vfio_device_quiesce(VFIODevice *vdev)
{
    run_state_unlisten(&vdev->on_run);
    reset_unregister(&vdev->on_disarm);
    reset_unregister(&vdev->on_reset);
    reset_unregister(&vdev->on_arm);
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        vfio_irq_finish(&vdev->irqs[i]);
    }
    timer_finish(&vdev->timer);
    g_assert(atomic_load(&vdev->access.active) == 0);
}

void vfio_device_finish(VFIODevice *vdev)
{
    if (!vdev->host) {
        return;
    }
    for (unsigned i = 0; i < vdev->info.num_regions; i++) {
        vfio_region_finish(&vdev->regions[i]);
    }
    vfio_dma_stop(&vdev->dma);
    main_loop_cancel(vdev);
    error_free(vdev->dma_err);
    g_clear_pointer(&vdev->regions, g_free);
    g_clear_pointer(&vdev->irqs, g_free);
    vdev->host->ops->close(vdev->host);
    *vdev = (VFIODevice){0};
}
