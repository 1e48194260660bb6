/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VFIOHost of the tests. What it promises is what the kernel does (level
 * lines mask themselves, unmasking an asking device signals again, edges are
 * latched), so that a mistake of ours shows here as it would there.
 *
 * What would surprise: it keeps duplicates of the eventfds that it is given,
 * as the kernel keeps references, and it hears the unmask eventfd in the main
 * loop.
 */

#include "scripted-host.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/main-loop.h"

static ScriptedHost *to_scripted(VFIOHost *host)
{
    return (ScriptedHost *)host;
}

ScriptedLine *scripted_host_line(ScriptedHost *host, unsigned n)
{
    g_assert(n < host->lines->len);
    return &g_array_index(host->lines, ScriptedLine, n);
}

ScriptedRegion *scripted_host_region(ScriptedHost *host, unsigned n)
{
    g_assert(n < host->regions->len);
    return &g_array_index(host->regions, ScriptedRegion, n);
}

/* Logs a call and decides its fate. */
static int call(ScriptedHost *host, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static int call(ScriptedHost *host, const char *fmt, ...)
{
    MUTEX_GUARD(&host->lock);
    g_autofree char *text = NULL;
    bool fails;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    if (atomic_load(&host->parent.lost)) {
        g_string_append_printf(host->log, "%s LOST\n", text);
        return -ENOTCONN;
    }
    fails = (int)host->calls++ == host->fail_at ||
            (host->fail && strcmp(host->fail, text) == 0);
    g_string_append_printf(host->log, "%s%s\n", text, fails ? " FAILS" : "");
    return fails ? -host->fail_errno : 0;
}

char *scripted_host_take_log(ScriptedHost *host)
{
    MUTEX_GUARD(&host->lock);
    char *text = g_strdup(host->log->str);

    g_string_truncate(host->log, 0);
    return text;
}

/* ---- lines ---- */

static void signal_locked(ScriptedLine *line)
{
    const uint64_t one = 1;

    line->signals++;
    line->masked = line->level;
    line->latched = false;
    g_assert(write(line->trigger_fd, &one, sizeof(one)) == sizeof(one));
}

/* What is asked for and may be said is said. */
static void update_locked(ScriptedLine *line)
{
    bool wants = line->level ? line->asserted && !line->masked : line->latched;

    if (wants && line->trigger_fd >= 0) {
        signal_locked(line);
    }
}

void scripted_host_raise(ScriptedHost *host, unsigned n)
{
    MUTEX_GUARD(&host->lock);
    ScriptedLine *line = scripted_host_line(host, n);

    line->asserted = line->level;
    line->latched = !line->level;
    update_locked(line);
}

void scripted_host_lower(ScriptedHost *host, unsigned n)
{
    MUTEX_GUARD(&host->lock);

    scripted_host_line(host, n)->asserted = false;
}

static void unmask(ScriptedHost *host, ScriptedLine *line)
{
    MUTEX_GUARD(&host->lock);

    line->masked = false;
    update_locked(line);
}

static void on_unmask(void *opaque)
{
    ScriptedHost *host = opaque;

    for (guint i = 0; i < host->lines->len; i++) {
        ScriptedLine *line = scripted_host_line(host, i);
        uint64_t count;

        if (line->unmask_fd >= 0 &&
            read(line->unmask_fd, &count, sizeof(count)) == sizeof(count)) {
            unmask(host, line);
        }
    }
}

static void drop_unmask_fd(ScriptedLine *line)
{
    if (line->unmask_fd >= 0) {
        main_loop_set_fd(line->unmask_fd, NULL, NULL, NULL);
        fd_close(&line->unmask_fd);
    }
}

static int set_unmask_fd(ScriptedHost *host, ScriptedLine *line, int fd)
{
    if (!line->level) {
        return -EINVAL;
    }
    if (line->unmask_fd >= 0) {
        return -EBUSY;
    }
    line->unmask_fd = dup(fd);
    main_loop_set_fd(line->unmask_fd, on_unmask, NULL, host);
    return 0;
}

static void set_trigger_fd(ScriptedHost *host, ScriptedLine *line, int fd)
{
    MUTEX_GUARD(&host->lock);

    fd_close(&line->trigger_fd);
    line->trigger_fd = fd < 0 ? -1 : dup(fd);
    update_locked(line);
}

static int scripted_set_irq(VFIOHost *vfio_host, unsigned index,
                            VFIOIrqAction action, int fd)
{
    ScriptedHost *host = to_scripted(vfio_host);
    ScriptedLine *line = scripted_host_line(host, index);
    int ret = call(host, "set-irq %u %s", index, vfio_irq_action_name(action));

    if (ret < 0) {
        return ret;
    }
    switch (action) {
    case VFIO_IRQ_PROBE:
        break;
    case VFIO_IRQ_TRIGGER_FD:
        set_trigger_fd(host, line, fd);
        break;
    case VFIO_IRQ_TRIGGER_OFF:
        set_trigger_fd(host, line, -1);
        break;
    case VFIO_IRQ_UNMASK_NOW:
        if (!line->level) {
            return -EINVAL;
        }
        unmask(host, line);
        break;
    case VFIO_IRQ_UNMASK_FD:
        return set_unmask_fd(host, line, fd);
    case VFIO_IRQ_UNMASK_OFF:
        drop_unmask_fd(line);
        break;
    }
    return 0;
}

static int scripted_get_irq(VFIOHost *vfio_host, unsigned index,
                            VFIOIrqInfo *info)
{
    ScriptedHost *host = to_scripted(vfio_host);
    bool level = scripted_host_line(host, index)->level;

    *info = (VFIOIrqInfo){
        .count = 1,
        .eventfd = true,
        .maskable = level,
        .automasked = level,
    };
    return call(host, "get-irq %u", index);
}

/* ---- regions ---- */

static int scripted_get_info(VFIOHost *vfio_host, VFIODeviceInfo *info)
{
    ScriptedHost *host = to_scripted(vfio_host);

    *info = (VFIODeviceInfo){
        .can_reset = host->can_reset,
        .num_regions = host->regions->len,
        .num_irqs = host->lines->len,
    };
    return call(host, "get-info");
}

static int scripted_get_region(VFIOHost *vfio_host, unsigned index,
                               VFIORegionInfo *info)
{
    ScriptedHost *host = to_scripted(vfio_host);
    ScriptedRegion *region = scripted_host_region(host, index);
    int ret = call(host, "get-region %u", index);

    if (ret < 0) {
        return ret;
    }
    *info = (VFIORegionInfo){
        .size = region->size,
        .readable = region->readable,
        .writable = region->writable,
        .maps =
            g_memdup2(region->maps, region->num_maps * sizeof(*region->maps)),
        .num_maps = region->num_maps,
    };
    return 0;
}

static int scripted_get_ioeventfds(VFIOHost *vfio_host, unsigned index,
                                   VFIOIoEventFd **fds, unsigned *n)
{
    ScriptedHost *host = to_scripted(vfio_host);
    ScriptedRegion *region = scripted_host_region(host, index);
    int ret = call(host, "get-ioeventfds %u", index);

    if (ret == 0) {
        *n = region->num_signals;
        *fds = g_memdup2(region->signals, *n * sizeof(**fds));
    }
    return ret;
}

void scripted_host_add_signal(ScriptedHost *host, unsigned index,
                              const VFIOIoEventFd *e)
{
    scripted_region_add_signal(scripted_host_region(host, index), e);
    host->ops.get_ioeventfds = scripted_get_ioeventfds;
}

uint64_t scripted_host_signalled(ScriptedHost *host, unsigned index, unsigned n)
{
    ScriptedRegion *region = scripted_host_region(host, index);
    uint64_t count = 0;

    g_assert(n < region->num_signals);
    return read(region->signals[n].fd, &count, sizeof(count)) > 0 ? count : 0;
}

static int check_access(ScriptedHost *host, ScriptedRegion *region,
                        uint64_t offset, unsigned size, bool allowed)
{
    MUTEX_GUARD(&host->lock);

    host->access_calls++;
    host->last_size = size;
    if (atomic_load(&host->parent.lost)) {
        return -ENOTCONN;
    }
    if (host->access_errno) {
        return -host->access_errno;
    }
    return allowed && size <= region->size && offset <= region->size - size
               ? 0
               : -EINVAL;
}

static int scripted_read(VFIOHost *vfio_host, unsigned index, uint64_t offset,
                         void *buf, unsigned size)
{
    ScriptedHost *host = to_scripted(vfio_host);
    ScriptedRegion *region = scripted_host_region(host, index);
    int ret = check_access(host, region, offset, size, region->readable);

    if (ret == 0) {
        MUTEX_GUARD(&host->lock);
        memcpy(buf, region->mem + offset, size);
    }
    return ret;
}

static void on_lose(void *opaque)
{
    ScriptedHost *host = opaque;

    scripted_host_lose(host);
    timer_mod_ns(&host->timer,
                 clock_get_ns(CLOCK_VIRTUAL) + host->away_ms * NS_PER_MS);
}

static void on_return(void *opaque)
{
    Error *err = NULL;

    if (!scripted_host_return(opaque, &err)) {
        warn_report_err(err);
    }
}

static void ring(ScriptedHost *host, const void *buf)
{
    uint8_t bytes[2];
    unsigned n;

    memcpy(bytes, buf, sizeof(bytes));
    n = bytes[0];
    if (bytes[1] == 2) {
        host->away_ms = n;
        main_loop_schedule(on_lose, host);
    } else if (n < host->lines->len && bytes[1] == 1) {
        scripted_host_lower(host, n);
    } else if (n < host->lines->len) {
        scripted_host_raise(host, n);
    }
}

static int scripted_write(VFIOHost *vfio_host, unsigned index, uint64_t offset,
                          const void *buf, unsigned size)
{
    ScriptedHost *host = to_scripted(vfio_host);
    ScriptedRegion *region = scripted_host_region(host, index);
    int ret = check_access(host, region, offset, size, region->writable);

    if (ret < 0) {
        return ret;
    }
    if (index == 0 && (int64_t)offset == host->doorbell && size >= 2) {
        ring(host, buf);
    } else {
        MUTEX_GUARD(&host->lock);
        memcpy(region->mem + offset, buf, size);
    }
    return 0;
}

static void *scripted_map(VFIOHost *vfio_host, unsigned index,
                          const VFIORange *part, bool writable, int *err)
{
    ScriptedHost *host = to_scripted(vfio_host);
    ScriptedRegion *region = scripted_host_region(host, index);
    void *addr;

    *err = call(host, "map %u 0x%" PRIx64 "+0x%" PRIx64, index, part->offset,
                part->size);
    if (*err < 0) {
        return NULL;
    }
    addr = mmap(NULL, part->size, PROT_READ | (writable ? PROT_WRITE : 0),
                MAP_SHARED, region->fd, part->offset);
    g_assert(addr != MAP_FAILED);
    return addr;
}

static void scripted_unmap(VFIOHost *host, void *addr, uint64_t size)
{
    call(to_scripted(host), "unmap 0x%" PRIx64, size);
    munmap(addr, size);
}

/* ---- the rest ---- */

static int scripted_reset(VFIOHost *vfio_host)
{
    ScriptedHost *host = to_scripted(vfio_host);
    int ret = call(host, "reset");

    if (ret == 0) {
        host->resets++;
        for (guint i = 0; i < host->lines->len; i++) {
            scripted_host_lower(host, i);
        }
    }
    return ret;
}

static int scripted_dma_map(VFIOHost *vfio_host, const VFIODmaMap *map)
{
    ScriptedHost *host = to_scripted(vfio_host);
    int ret = call(host, "dma-map 0x%" PRIx64 "+0x%" PRIx64 "%s", map->iova,
                   map->size, map->readonly ? " ro" : "");

    if (ret == 0) {
        host->dma_bytes += map->size;
    }
    return ret;
}

static int scripted_dma_unmap(VFIOHost *vfio_host, uint64_t iova, uint64_t size)
{
    ScriptedHost *host = to_scripted(vfio_host);

    host->dma_bytes -= size;
    return call(host, "dma-unmap 0x%" PRIx64 "+0x%" PRIx64, iova, size);
}

static const VFIOHostNode *scripted_get_node(VFIOHost *host)
{
    return to_scripted(host)->node;
}

static void line_finish(void *opaque)
{
    ScriptedLine *line = opaque;

    fd_close(&line->trigger_fd);
    drop_unmask_fd(line);
}

static void scripted_close(VFIOHost *vfio_host)
{
    ScriptedHost *host = to_scripted(vfio_host);

    g_assert(host->dma_bytes == 0);
    main_loop_cancel(host);
    timer_finish(&host->timer);
    if (host->closed) {
        *host->closed = true;
    }
    g_array_unref(host->regions);
    g_array_unref(host->lines);
    vfio_host_node_free(host->node);
    g_string_free(host->log, TRUE);
    mutex_finish(&host->lock);
    g_free(host->parent.name);
    g_free(host);
}

static const VFIOHostOps scripted_ops = {
    .get_info = scripted_get_info,
    .get_region = scripted_get_region,
    .get_irq = scripted_get_irq,
    .set_irq = scripted_set_irq,
    .region_read = scripted_read,
    .region_write = scripted_write,
    .region_map = scripted_map,
    .region_unmap = scripted_unmap,
    .reset = scripted_reset,
    .dma_map = scripted_dma_map,
    .dma_unmap = scripted_dma_unmap,
    .get_node = scripted_get_node,
    .close = scripted_close,
    .unmask_by_fd = true,
};

/* ---- the script ---- */

static void region_finish(void *region)
{
    scripted_region_finish(region);
}

static bool parse_region(ScriptedHost *host, const char *text, Error **errp)
{
    ScriptedRegion region;

    if (!scripted_region_parse(&region, text, errp)) {
        return false;
    }
    g_array_append_val(host->regions, region);
    if (region.num_signals > 0) {
        host->ops.get_ioeventfds = scripted_get_ioeventfds;
    }
    return true;
}

static bool parse_line(ScriptedHost *host, const char *text, Error **errp)
{
    ScriptedLine line = {.trigger_fd = -1, .unmask_fd = -1};

    if (strcmp(text, "level") != 0 && strcmp(text, "edge") != 0) {
        error_setg(errp, "lines: '%s' is none of level, edge", text);
        return false;
    }
    line.level = strcmp(text, "level") == 0;
    g_array_append_val(host->lines, line);
    return true;
}

static bool parse_list(ScriptedHost *host, const char *text,
                       bool (*parse)(ScriptedHost *, const char *, Error **),
                       Error **errp)
{
    g_auto(GStrv) items = g_strsplit(text ? text : "", ";", -1);

    for (unsigned i = 0; items[i]; i++) {
        if (!parse(host, items[i], errp)) {
            return false;
        }
    }
    return true;
}

ScriptedHost *scripted_host_new(const char *name, const char *regions,
                                const char *lines, int64_t doorbell,
                                Error **errp)
{
    ScriptedHost *host = g_new0(ScriptedHost, 1);

    host->ops = scripted_ops;
    host->parent.ops = &host->ops;
    host->parent.name = g_strdup(name);
    mutex_init(&host->lock);
    timer_init(&host->timer, CLOCK_VIRTUAL, on_return, host);
    host->can_reset = true;
    host->regions = g_array_new(false, true, sizeof(ScriptedRegion));
    host->lines = g_array_new(false, true, sizeof(ScriptedLine));
    g_array_set_clear_func(host->regions, region_finish);
    g_array_set_clear_func(host->lines, line_finish);
    host->log = g_string_new(NULL);
    host->fail_at = -1;
    host->fail_errno = EIO;
    host->doorbell = doorbell;
    if (!parse_list(host, regions, parse_region, errp) ||
        !parse_list(host, lines, parse_line, errp)) {
        scripted_close(&host->parent);
        return NULL;
    }
    return host;
}

/* ---- lost and back ---- */

void scripted_host_break(ScriptedHost *host)
{
    atomic_store(&host->parent.lost, true);
    for (guint i = 0; i < host->lines->len; i++) {
        ScriptedLine *line = scripted_host_line(host, i);
        MUTEX_GUARD(&host->lock);

        fd_close(&line->trigger_fd);
        drop_unmask_fd(line);
        line->masked = false;
        line->latched = false;
    }
}

void scripted_host_lose(ScriptedHost *host)
{
    const VFIOHostClient *client = host->parent.client;
    Error *err = NULL;

    scripted_host_break(host);
    if (client) {
        error_setg(&err, "vfio %s: its process has gone", host->parent.name);
        client->lost(host->parent.client_opaque, err);
    }
    /* Whoever still uses them finds out. */
    for (guint i = 0; i < host->regions->len; i++) {
        scripted_region_close_signals(scripted_host_region(host, i));
    }
}

void scripted_host_reshape(ScriptedHost *host, const char *regions,
                           const char *lines)
{
    g_assert(atomic_load(&host->parent.lost));
    g_array_set_size(host->regions, 0);
    g_array_set_size(host->lines, 0);
    g_assert(parse_list(host, regions, parse_region, NULL));
    g_assert(parse_list(host, lines, parse_line, NULL));
}

bool scripted_host_return(ScriptedHost *host, Error **errp)
{
    g_assert(atomic_load(&host->parent.lost));
    for (guint i = 0; i < host->regions->len; i++) {
        scripted_region_renew(scripted_host_region(host, i));
    }
    atomic_store(&host->parent.lost, false);
    return host->parent.client->back(host->parent.client_opaque, errp);
}
