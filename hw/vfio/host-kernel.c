/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VFIOHost on the kernel: the ioctls of <linux/vfio.h> on a device of the
 * platform or AMBA bus. Only here, in group.c and in container.c is that
 * header known.
 *
 * What would surprise: a live mapping keeps the device open behind close(), so
 * regions are unmapped first; and the kernel counts a read that ends at the
 * region's end short, which is -EIO here.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/vfio.h>

#include "hw/vfio/kernel.h"
#include "trace.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/option.h"

typedef struct VFIOHostKernel {
    VFIOHost parent;
    int fd;
    VFIOGroup *group;
    VFIODeviceInfo info;
    uint64_t *offsets; /* of the regions in the descriptor */
    VFIOHostNode *node;
    bool node_read;
    char *of_node;
    char *tree_root;
    GList link; /* among the open ones */
} VFIOHostKernel;

/* The kernel would open a device twice for us, but its lines serve one only. */
static GQueue open_hosts = G_QUEUE_INIT;

const VFIOKernelPaths vfio_kernel_paths = {.sysfs = "/sys", .dev = "/dev"};

static VFIOHostKernel *to_kernel(VFIOHost *host)
{
    return (VFIOHostKernel *)host;
}

static int host_kernel_get_info(VFIOHost *host, VFIODeviceInfo *info)
{
    *info = to_kernel(host)->info;
    return 0;
}

/* ---- regions ---- */

/* The parts that a sparse-mmap capability lists; foreign input. */
static void host_kernel_read_sparse(const char *info, size_t size,
                                    size_t offset, VFIORegionInfo *out)
{
    struct vfio_region_info_cap_sparse_mmap cap;
    struct vfio_region_sparse_mmap_area area;

    if (offset > size || size - offset < sizeof(cap)) {
        return;
    }
    memcpy(&cap, info + offset, sizeof(cap));
    offset += sizeof(cap);
    if (cap.nr_areas > (size - offset) / sizeof(area)) {
        return;
    }
    out->maps = g_new(VFIORange, cap.nr_areas);
    for (unsigned i = 0; i < cap.nr_areas; i++) {
        memcpy(&area, info + offset + i * sizeof(area), sizeof(area));
        if (area.size > 0) {
            out->maps[out->num_maps++] = (VFIORange){area.offset, area.size};
        }
    }
}

/* True if the chain of capabilities at @offset has one of sparse mmap. */
static bool host_kernel_find_sparse(const char *info, size_t size,
                                    size_t offset, VFIORegionInfo *out)
{
    struct vfio_info_cap_header header;
    size_t from = sizeof(struct vfio_region_info);

    /* The kernel writes chains forwards; whatever goes back would not end. */
    while (offset >= from && offset <= size &&
           size - offset >= sizeof(header)) {
        memcpy(&header, info + offset, sizeof(header));
        if (header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP) {
            host_kernel_read_sparse(info, size, offset, out);
            return true;
        }
        from = offset + sizeof(header);
        offset = header.next;
    }
    return false;
}

static void host_kernel_read_maps(const struct vfio_region_info *info,
                                  size_t size, VFIORegionInfo *out)
{
    if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP)) {
        return;
    }
    if (info->flags & VFIO_REGION_INFO_FLAG_CAPS &&
        host_kernel_find_sparse((const char *)info, size, info->cap_offset,
                                out)) {
        return;
    }
    out->maps = g_new(VFIORange, 1);
    out->maps[0] = (VFIORange){.offset = 0, .size = info->size};
    out->num_maps = 1;
}

static int host_kernel_get_region(VFIOHost *host, unsigned index,
                                  VFIORegionInfo *out)
{
    VFIOHostKernel *kernel = to_kernel(host);
    size_t size = sizeof(struct vfio_region_info);
    g_autofree struct vfio_region_info *info = NULL;

    do {
        if (info) {
            size = info->argsz;
        }
        info = g_realloc(info, size);
        memset(info, 0, size);
        info->argsz = size;
        info->index = index;
        if (ioctl(kernel->fd, VFIO_DEVICE_GET_REGION_INFO, info) < 0) {
            return -errno;
        }
        /* More than a page of capabilities is nothing that we know. */
    } while (info->argsz > size && info->argsz <= 4096);
    *out = (VFIORegionInfo){
        .size = info->size,
        .readable = info->flags & VFIO_REGION_INFO_FLAG_READ,
        .writable = info->flags & VFIO_REGION_INFO_FLAG_WRITE,
    };
    host_kernel_read_maps(info, size, out);
    kernel->offsets[index] = info->offset;
    return 0;
}

static int host_kernel_region_read(VFIOHost *host, unsigned index,
                                   uint64_t offset, void *buf, unsigned size)
{
    VFIOHostKernel *kernel = to_kernel(host);
    ssize_t n = pread(kernel->fd, buf, size, kernel->offsets[index] + offset);

    return n < 0 ? -errno : n == size ? 0 : -EIO;
}

static int host_kernel_region_write(VFIOHost *host, unsigned index,
                                    uint64_t offset, const void *buf,
                                    unsigned size)
{
    VFIOHostKernel *kernel = to_kernel(host);
    ssize_t n = pwrite(kernel->fd, buf, size, kernel->offsets[index] + offset);

    return n < 0 ? -errno : n == size ? 0 : -EIO;
}

static void *host_kernel_region_map(VFIOHost *host, unsigned index,
                                    const VFIORange *part, bool writable,
                                    int *err)
{
    VFIOHostKernel *kernel = to_kernel(host);
    void *addr =
        mmap(NULL, part->size, PROT_READ | (writable ? PROT_WRITE : 0),
             MAP_SHARED, kernel->fd, kernel->offsets[index] + part->offset);

    if (addr == MAP_FAILED) {
        *err = -errno;
        return NULL;
    }
    return addr;
}

static void host_kernel_region_unmap(VFIOHost *host, void *addr, uint64_t size)
{
    munmap(addr, size);
}

/* ---- lines, reset, DMA ---- */

static int host_kernel_get_irq(VFIOHost *host, unsigned index, VFIOIrqInfo *out)
{
    struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};

    if (ioctl(to_kernel(host)->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0) {
        return -errno;
    }
    *out = (VFIOIrqInfo){
        .count = info.count,
        .eventfd = info.flags & VFIO_IRQ_INFO_EVENTFD,
        .maskable = info.flags & VFIO_IRQ_INFO_MASKABLE,
        .automasked = info.flags & VFIO_IRQ_INFO_AUTOMASKED,
    };
    return 0;
}

typedef struct VFIOIrqEncoding {
    uint32_t flags;
    uint32_t count;
} VFIOIrqEncoding;

static const VFIOIrqEncoding irq_encodings[] = {
    [VFIO_IRQ_PROBE] = {VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
                        0},
    [VFIO_IRQ_TRIGGER_FD] = {VFIO_IRQ_SET_DATA_EVENTFD |
                                 VFIO_IRQ_SET_ACTION_TRIGGER,
                             1},
    [VFIO_IRQ_TRIGGER_OFF] = {VFIO_IRQ_SET_DATA_EVENTFD |
                                  VFIO_IRQ_SET_ACTION_TRIGGER,
                              1},
    [VFIO_IRQ_UNMASK_NOW] = {VFIO_IRQ_SET_DATA_NONE |
                                 VFIO_IRQ_SET_ACTION_UNMASK,
                             1},
    [VFIO_IRQ_UNMASK_FD] = {VFIO_IRQ_SET_DATA_EVENTFD |
                                VFIO_IRQ_SET_ACTION_UNMASK,
                            1},
    [VFIO_IRQ_UNMASK_OFF] = {VFIO_IRQ_SET_DATA_EVENTFD |
                                 VFIO_IRQ_SET_ACTION_UNMASK,
                             1},
};

static int host_kernel_set_irq(VFIOHost *host, unsigned index,
                               VFIOIrqAction action, int fd)
{
    const VFIOIrqEncoding *encoding = &irq_encodings[action];
    bool has_fd = encoding->flags & VFIO_IRQ_SET_DATA_EVENTFD;
    union {
        struct vfio_irq_set set;
        char bytes[sizeof(struct vfio_irq_set) + sizeof(int32_t)];
    } arg = {0};

    arg.set.argsz = sizeof(arg.set) + (has_fd ? sizeof(int32_t) : 0);
    arg.set.flags = encoding->flags;
    arg.set.index = index;
    arg.set.count = encoding->count;
    if (has_fd) {
        memcpy(arg.bytes + sizeof(arg.set), &fd, sizeof(int32_t));
    }
    return ioctl(to_kernel(host)->fd, VFIO_DEVICE_SET_IRQS, &arg) < 0 ? -errno
                                                                      : 0;
}

static int host_kernel_reset(VFIOHost *host)
{
    return ioctl(to_kernel(host)->fd, VFIO_DEVICE_RESET) < 0 ? -errno : 0;
}

static int host_kernel_dma_map(VFIOHost *host, const VFIODmaMap *map)
{
    return vfio_container_map(to_kernel(host)->group->container, map->iova,
                              map->size, map->vaddr, map->readonly);
}

static int host_kernel_dma_unmap(VFIOHost *host, uint64_t iova, uint64_t size)
{
    return vfio_container_unmap(to_kernel(host)->group->container, iova, size);
}

/* Read when first asked for: with -dtb nobody asks. */
static const VFIOHostNode *host_kernel_get_node(VFIOHost *host)
{
    VFIOHostKernel *kernel = to_kernel(host);
    g_autoptr(Error) err = NULL;

    if (!kernel->node_read &&
        g_file_test(kernel->of_node, G_FILE_TEST_IS_DIR)) {
        kernel->node =
            vfio_host_node_read(kernel->of_node, kernel->tree_root, &err);
        if (!kernel->node) {
            warn_report("vfio %s: cannot read what the host's device tree "
                        "says of it: %s",
                        host->name, error_get_pretty(err));
        }
    }
    kernel->node_read = true;
    return kernel->node;
}

/* Copes with half of an open. */
static void host_kernel_close(VFIOHost *host)
{
    VFIOHostKernel *kernel = to_kernel(host);

    g_queue_unlink(&open_hosts, &kernel->link);
    fd_close(&kernel->fd);
    vfio_group_put(kernel->group);
    vfio_host_node_free(kernel->node);
    g_free(kernel->offsets);
    g_free(kernel->of_node);
    g_free(kernel->tree_root);
    g_free(host->name);
    g_free(kernel);
}

static const VFIOHostOps host_kernel_ops = {
    .get_info = host_kernel_get_info,
    .get_region = host_kernel_get_region,
    .get_irq = host_kernel_get_irq,
    .set_irq = host_kernel_set_irq,
    .region_read = host_kernel_region_read,
    .region_write = host_kernel_region_write,
    .region_map = host_kernel_region_map,
    .region_unmap = host_kernel_region_unmap,
    .reset = host_kernel_reset,
    .dma_map = host_kernel_dma_map,
    .dma_explain = vfio_container_explain_map,
    .dma_unmap = host_kernel_dma_unmap,
    .get_node = host_kernel_get_node,
    .close = host_kernel_close,
    .unmask_by_fd = true,
};

/* ---- finding and opening ---- */

static const char *const buses[] = {"platform", "amba"};

static void add_names(GPtrArray *names, const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_ptr_array_add(names, g_strdup(name));
    }
}

char *vfio_host_kernel_find(const VFIOKernelPaths *paths, const char *name,
                            Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *nearest;

    for (unsigned i = 0; i < G_N_ELEMENTS(buses); i++) {
        g_autofree char *folder =
            g_build_filename(paths->sysfs, "bus", buses[i], "devices", NULL);
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (*name && !strchr(name, '/') &&
            g_file_test(path, G_FILE_TEST_IS_DIR)) {
            return g_steal_pointer(&path);
        }
        add_names(names, folder);
    }
    g_ptr_array_add(names, NULL);
    nearest = nearest_name(name, (const char *const *)names->pdata);
    error_setg(errp,
               "vfio %s: no such device on the host's platform or AMBA "
               "bus; ",
               name);
    if (nearest) {
        error_append(errp, "did you mean %s?", nearest);
    } else {
        error_append(errp, "try: ls /sys/bus/platform/devices "
                           "/sys/bus/amba/devices");
    }
    return NULL;
}

static char *link_base(const char *path, const char *link)
{
    g_autofree char *file = g_build_filename(path, link, NULL);
    g_autofree char *target = g_file_read_link(file, NULL);

    return target ? g_path_get_basename(target) : NULL;
}

/* A line of shell that binds device @name, from driver @driver or none. */
static char *bind_command(const char *bus, const char *name, const char *driver)
{
    g_autofree char *unbind =
        driver ? g_strdup_printf("echo %s > /sys/bus/%s/devices/%s/driver/"
                                 "unbind; ",
                                 name, bus, name)
               : g_strdup("");

    return g_strdup_printf("%secho vfio-%s > /sys/bus/%s/devices/%s/"
                           "driver_override; echo %s > /sys/bus/%s/drivers/"
                           "vfio-%s/bind",
                           unbind, bus, bus, name, name, bus, bus);
}

static bool check_driver(const char *path, const char *name, Error **errp)
{
    g_autofree char *driver = link_base(path, "driver");
    g_autofree char *bus = link_base(path, "subsystem");
    g_autofree char *command = NULL;

    if (driver && g_str_has_prefix(driver, "vfio-")) {
        return true;
    }
    if (!bus || !g_strv_contains(
                    (const char *const[]){"platform", "amba", NULL}, bus)) {
        error_setg(errp,
                   "vfio %s: %s is no device of the platform or AMBA "
                   "bus",
                   name, path);
        return false;
    }
    command = bind_command(bus, name, driver);
    error_setg(errp, "vfio %s: not bound to vfio-%s (driver: %s); try: %s",
               name, bus, driver ? driver : "none", command);
    return false;
}

static bool check_free(const char *name, Error **errp)
{
    for (GList *link = open_hosts.head; link; link = link->next) {
        VFIOHostKernel *other = link->data;

        if (strcmp(other->parent.name, name) == 0) {
            error_setg(errp,
                       "vfio %s: assigned twice; leave out one of the two",
                       name);
            return false;
        }
    }
    return true;
}

static int get_device_fd(VFIOGroup *group, const char *name, Error **errp)
{
    int fd = ioctl(group->fd, VFIO_GROUP_GET_DEVICE_FD, name);

    if (fd < 0) {
        error_setg_errno(errp, errno, "group %s: cannot open the device",
                         group->id);
        error_append(errp, errno == EBUSY
                               ? "; it is in use already"
                               : "; is it bound to VFIO, and does its reset "
                                 "work? see dmesg");
        return -1;
    }
    return fd;
}

static bool read_info(VFIOHostKernel *kernel, Error **errp)
{
    struct vfio_device_info info = {.argsz = sizeof(info)};

    if (ioctl(kernel->fd, VFIO_DEVICE_GET_INFO, &info) < 0) {
        error_setg_errno(errp, errno, "cannot get info");
        return false;
    }
    if (!(info.flags & (VFIO_DEVICE_FLAGS_PLATFORM | VFIO_DEVICE_FLAGS_AMBA))) {
        error_setg(errp,
                   "not a platform or AMBA device (VFIO's flags are "
                   "0x%x)",
                   info.flags);
        return false;
    }
    kernel->info = (VFIODeviceInfo){
        .can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET,
        .num_regions = info.num_regions,
        .num_irqs = info.num_irqs,
    };
    if (!vfio_device_info_check(&kernel->info, errp)) {
        return false;
    }
    kernel->offsets = g_new0(uint64_t, info.num_regions);
    return true;
}

static bool host_kernel_open(VFIOHostKernel *kernel,
                             const VFIOKernelPaths *paths, const char *path,
                             Error **errp)
{
    g_autofree char *group = link_base(path, "iommu_group");

    if (!group) {
        error_setg(errp,
                   "no IOMMU group, hence no IOMMU that keeps it to the "
                   "guest's memory; see its iommus property in the host's "
                   "device tree and dmesg");
        return false;
    }
    kernel->group = vfio_group_get(paths, group, errp);
    if (!kernel->group) {
        return false;
    }
    kernel->fd = get_device_fd(kernel->group, kernel->parent.name, errp);
    return kernel->fd >= 0 && read_info(kernel, errp);
}

VFIOHost *vfio_host_kernel_open(const VFIOKernelPaths *paths, const char *path,
                                Error **errp)
{
    g_autofree char *real = realpath(path, NULL);
    g_autofree char *name = NULL;
    VFIOHostKernel *kernel;

    if (!real) {
        error_setg_errno(errp, errno, "vfio: no device %s", path);
        error_append(errp, "; try: ls /sys/bus/platform/devices "
                           "/sys/bus/amba/devices");
        return NULL;
    }
    name = g_path_get_basename(real);
    if (!check_driver(real, name, errp) || !check_free(name, errp)) {
        return NULL;
    }
    kernel = g_new0(VFIOHostKernel, 1);
    kernel->parent.ops = &host_kernel_ops;
    kernel->parent.name = g_steal_pointer(&name);
    kernel->fd = -1;
    kernel->link.data = kernel;
    g_queue_push_tail_link(&open_hosts, &kernel->link);
    kernel->of_node = g_build_filename(real, "of_node", NULL);
    kernel->tree_root =
        g_build_filename(paths->sysfs, "firmware", "devicetree", "base", NULL);
    if (!host_kernel_open(kernel, paths, real, errp)) {
        error_prepend(errp, "vfio %s: ", kernel->parent.name);
        host_kernel_close(&kernel->parent);
        return NULL;
    }
    trace_vfio_host_open(kernel->parent.name, real, kernel->group->id);
    return &kernel->parent;
}
