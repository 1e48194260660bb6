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
 * its accesses read ones and its lines are down until the process ends, or
 * until its host, lost meanwhile, is back. Whatever makes a device fail, only
 * then is it tried again.
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

/* No access reaches the host any more and no line is up; any thread. */
static void vfio_device_cut_off(VFIODevice *vdev)
{
    atomic_store(&vdev->access.failed, true);
    vdev->came_back = false;
    vfio_device_set_mapped(vdev, false);
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        vfio_irq_finish(&vdev->irqs[i]);
    }
}

static void vfio_device_failed(void *opaque, Error *err)
{
    VFIODevice *vdev = opaque;

    if (atomic_load(&vdev->access.failed)) {
        error_free(err);
        return;
    }
    if (atomic_load(&vdev->host->lost)) {
        error_free(err); /* lost() has a better one */
    } else {
        error_append(&err, "; from now on the device reads as ones");
        error_report_err(err);
    }
    trace_vfio_device_failed(vdev->host->name);
    vfio_device_cut_off(vdev);
}

static void vfio_device_on_dma_failed(void *opaque)
{
    VFIODevice *vdev = opaque;

    vfio_device_failed(vdev, g_steal_pointer(&vdev->dma_err));
}

static void vfio_device_forget_dma_err(VFIODevice *vdev)
{
    main_loop_cancel(vdev);
    g_clear_pointer(&vdev->dma_err, error_free);
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

    vdev->resetting = true;
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
        if (vdev->ran && !vdev->told_no_reset) {
            warn_report("vfio %s: the host has no reset for it, so it keeps "
                        "its state while the guest resets",
                        host->name);
            vdev->told_no_reset = true;
        }
        return;
    }
    ret = host->ops->reset(host);
    trace_vfio_device_reset(host->name, ret);
    /* If it is lost, lost() tells. */
    if (ret < 0 && !atomic_load(&host->lost)) {
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

    if (vdev->lost || atomic_load(&vdev->host->lost)) {
        vdev->missed_reset = true;
    } else {
        vfio_device_host_reset(vdev);
    }
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        vfio_irq_reset(&vdev->irqs[i]);
    }
    vfio_device_path_event(vdev, VFIO_PATH_EV_RESET);
}

static bool vfio_device_arm(VFIODevice *vdev, Error **errp)
{
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        if (!vfio_irq_arm(&vdev->irqs[i], vdev->config.route,
                          vdev->config.allow_irqfd, errp)) {
            return false;
        }
    }
    return true;
}

static bool vfio_device_reset_arm(VFIODevice *vdev, Error **errp)
{
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        if (!vfio_irq_reset_arm(&vdev->irqs[i], errp)) {
            return false;
        }
    }
    return true;
}

static void vfio_device_on_arm(ResetHandler *handler)
{
    VFIODevice *vdev = container_of(handler, VFIODevice, on_arm);
    Error *err = NULL;
    bool came_back = vdev->came_back;

    vdev->resetting = false;
    vdev->came_back = false;
    if (came_back ? !vfio_device_arm(vdev, &err)
                  : !vfio_device_reset_arm(vdev, &err)) {
        vfio_device_failed(vdev, err);
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

    if (!running || vdev->ran) {
        return;
    }
    vdev->ran = true;
    if (!atomic_load(&vdev->access.failed) && !vfio_device_arm(vdev, &err)) {
        vfio_device_failed(vdev, err);
    }
}

/* ---- a host that is lost, and back ---- */

/* Nothing of the old host's is used any more; not within an access. */
static void vfio_device_let_go(VFIODevice *vdev)
{
    vfio_device_cut_off(vdev);
    vdev->lost = true;
    for (unsigned i = 0; i < vdev->info.num_regions; i++) {
        vfio_region_lost(&vdev->regions[i]);
    }
    vfio_dma_stop(&vdev->dma);
    vfio_device_forget_dma_err(vdev);
}

static void vfio_device_lost(void *opaque, Error *err)
{
    VFIODevice *vdev = opaque;

    if (vdev->lost) {
        error_free(err);
        return;
    }
    error_report_err(err);
    trace_vfio_device_lost(vdev->host->name);
    vfio_device_let_go(vdev);
}

static bool vfio_device_ask_info(VFIODevice *vdev, VFIODeviceInfo *info,
                                 Error **errp)
{
    VFIOHost *host = vdev->host;
    int ret = host->ops->get_info(host, info);

    if (ret < 0) {
        error_setg_errno(errp, -ret, "vfio %s: cannot get info", host->name);
        return false;
    }
    trace_vfio_device_info(host->name, info->num_regions, info->num_irqs,
                           info->can_reset);
    return true;
}

static bool vfio_device_same(VFIODevice *vdev, Error **errp)
{
    VFIODeviceInfo *was = &vdev->info;
    VFIODeviceInfo now = {0};

    if (!vfio_device_ask_info(vdev, &now, errp)) {
        return false;
    }
    if (now.num_regions != was->num_regions || now.num_irqs != was->num_irqs) {
        error_setg(errp,
                   "vfio %s: not the device that it was: %u regions and %u "
                   "lines, where there were %u and %u",
                   vdev->host->name, now.num_regions, now.num_irqs,
                   was->num_regions, was->num_irqs);
        return false;
    }
    *was = now;
    return true;
}

/* All that must be there before the guest may reach it. */
static bool vfio_device_take(VFIODevice *vdev, Error **errp)
{
    if (!vfio_device_same(vdev, errp)) {
        return false;
    }
    for (unsigned i = 0; i < vdev->info.num_regions; i++) {
        if (!vfio_region_back(&vdev->regions[i], errp)) {
            return false;
        }
    }
    for (unsigned i = 0; i < vdev->info.num_irqs; i++) {
        if (!vfio_irq_back(&vdev->irqs[i], errp)) {
            return false;
        }
    }
    return vfio_dma_start(&vdev->dma, vdev->host, address_space_memory(),
                          vfio_device_dma_failed, vdev, errp);
}

/*
 * The guest's handler finds a device that answers: so accesses go on before
 * the lines are armed. In the middle of a reset they wait for its phase.
 */
static bool vfio_device_go_on(VFIODevice *vdev, Error **errp)
{
    if (vdev->missed_reset) {
        vfio_device_host_reset(vdev);
    }
    vdev->missed_reset = false;
    vdev->lost = false;
    /* No line is ACTIVE, and it is the same to the guest. */
    vfio_device_path_event(vdev, VFIO_PATH_EV_RESET);
    atomic_store(&vdev->access.failed, false);
    vfio_device_set_mapped(vdev, true);
    if (vdev->resetting) {
        vdev->came_back = vdev->ran;
        return true;
    }
    return !vdev->ran || vfio_device_arm(vdev, errp);
}

static bool vfio_device_back(void *opaque, Error **errp)
{
    VFIODevice *vdev = opaque;
    bool missed_reset = vdev->missed_reset;
    bool ok;

    g_assert(vdev->lost);
    ok = vfio_device_take(vdev, errp) && vfio_device_go_on(vdev, errp);
    if (!ok) {
        vfio_device_let_go(vdev);
        vdev->missed_reset = missed_reset;
    }
    trace_vfio_device_back(vdev->host->name, ok);
    return ok;
}

static const VFIOHostClient vfio_device_host_client = {
    .lost = vfio_device_lost,
    .back = vfio_device_back,
};

/* ---- its life ---- */

static bool vfio_device_get_info(VFIODevice *vdev, Error **errp)
{
    VFIODeviceInfo info = {0};

    if (!vfio_device_ask_info(vdev, &info, errp)) {
        return false;
    }
    if (!vfio_device_info_check(&info, errp)) {
        error_prepend(errp, "vfio %s: ", vdev->host->name);
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
    host->client = &vfio_device_host_client;
    host->client_opaque = vdev;
    return true;
}

void vfio_device_quiesce(VFIODevice *vdev)
{
    if (vdev->host) {
        vdev->host->client = NULL;
    }
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
    vfio_device_forget_dma_err(vdev);
    g_clear_pointer(&vdev->regions, g_free);
    g_clear_pointer(&vdev->irqs, g_free);
    vdev->host->ops->close(vdev->host);
    *vdev = (VFIODevice){0};
}
