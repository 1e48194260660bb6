/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process's container: one type1v2 IOMMU address space that all groups
 * share, since all devices see the same guest RAM. Each device maps RAM for
 * itself (VFIODma); what two of them map alike is mapped once and counted.
 *
 * Relies on: an IOMMU is set once, after the first group is in; it is gone
 * again when the last group leaves.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <linux/vfio.h>

#include "hw/vfio/kernel.h"
#include "trace.h"
#include "util/fd.h"

typedef struct VFIOMapping {
    uint64_t iova;
    uint64_t size;
    void *vaddr;
    bool readonly;
    unsigned refs;
} VFIOMapping;

struct VFIOContainer {
    int fd;
    unsigned refs;    /* groups that hold it */
    unsigned groups;  /* that are in it */
    GArray *mappings; /* of VFIOMapping */
};

static VFIOContainer *the_container;

static int vfio_container_open(const char *path, Error **errp)
{
    autofd int fd = open(path, O_RDWR | O_CLOEXEC);
    int version;

    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot open %s", path);
        error_append(errp,
                     errno == ENOENT ? "; try: modprobe -a vfio_iommu_type1 "
                                       "vfio-platform (the host's kernel needs "
                                       "CONFIG_VFIO_PLATFORM)"
                                     : "; try: chmod a+rw %s",
                     path);
        return -1;
    }
    version = ioctl(fd, VFIO_GET_API_VERSION);
    if (version != VFIO_API_VERSION) {
        error_setg(errp, "%s speaks version %d of VFIO, not %d", path, version,
                   VFIO_API_VERSION);
        return -1;
    }
    return fd_steal(&fd);
}

VFIOContainer *vfio_container_get(const VFIOKernelPaths *paths, Error **errp)
{
    if (!the_container) {
        g_autofree char *path =
            g_build_filename(paths->dev, "vfio", "vfio", NULL);
        int fd = vfio_container_open(path, errp);

        if (fd < 0) {
            return NULL;
        }
        the_container = g_new0(VFIOContainer, 1);
        the_container->fd = fd;
        the_container->mappings =
            g_array_new(false, false, sizeof(VFIOMapping));
    }
    the_container->refs++;
    return the_container;
}

void vfio_container_put(VFIOContainer *container)
{
    if (!container || --container->refs > 0) {
        return;
    }
    g_assert(container == the_container && container->groups == 0);
    g_assert(container->mappings->len == 0);
    g_array_unref(container->mappings);
    fd_close(&container->fd);
    g_free(container);
    the_container = NULL;
}

static void vfio_container_explain(const char *group, const char *what,
                                   Error **errp)
{
    error_setg_errno(errp, errno, "group %s: cannot %s", group, what);
    switch (errno) {
    case EPERM:
        error_append(errp,
                     "; the host cannot isolate its MSIs; if that is "
                     "acceptable, try: echo Y > /sys/module/vfio_iommu_type1/"
                     "parameters/allow_unsafe_interrupts");
        break;
    case EBUSY:
        error_append(errp,
                     "; another process may use it, see: fuser "
                     "/dev/vfio/%s",
                     group);
        break;
    case ENODEV:
        error_append(errp, "; try: modprobe vfio_iommu_type1");
        break;
    default:
        break;
    }
}

static bool vfio_container_set_iommu(VFIOContainer *container,
                                     const char *group, Error **errp)
{
    if (ioctl(container->fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0) {
        error_setg(errp,
                   "group %s: the host has no type1v2 IOMMU; try: "
                   "modprobe vfio_iommu_type1",
                   group);
        return false;
    }
    if (ioctl(container->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0) {
        vfio_container_explain(group, "set up its IOMMU", errp);
        return false;
    }
    return true;
}

bool vfio_container_attach(VFIOContainer *container, int group_fd,
                           const char *group, Error **errp)
{
    if (ioctl(group_fd, VFIO_GROUP_SET_CONTAINER, &container->fd) < 0) {
        vfio_container_explain(group, "join the container", errp);
        return false;
    }
    if (container->groups == 0 &&
        !vfio_container_set_iommu(container, group, errp)) {
        ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER);
        return false;
    }
    container->groups++;
    trace_vfio_container_attach(group, container->groups);
    return true;
}

void vfio_container_detach(VFIOContainer *container, int group_fd)
{
    ioctl(group_fd, VFIO_GROUP_UNSET_CONTAINER);
    container->groups--;
}

static VFIOMapping *vfio_container_find(VFIOContainer *container, uint64_t iova,
                                        uint64_t size, guint *index)
{
    for (guint i = 0; i < container->mappings->len; i++) {
        VFIOMapping *m = &g_array_index(container->mappings, VFIOMapping, i);

        if (m->iova == iova && m->size == size) {
            *index = i;
            return m;
        }
    }
    return NULL;
}

int vfio_container_map(VFIOContainer *container, uint64_t iova, uint64_t size,
                       void *vaddr, bool readonly)
{
    struct vfio_iommu_type1_dma_map map = {
        .argsz = sizeof(map),
        .flags =
            VFIO_DMA_MAP_FLAG_READ | (readonly ? 0 : VFIO_DMA_MAP_FLAG_WRITE),
        .vaddr = (uintptr_t)vaddr,
        .iova = iova,
        .size = size,
    };
    VFIOMapping new = {iova, size, vaddr, readonly, 1};
    guint index;
    VFIOMapping *old = vfio_container_find(container, iova, size, &index);

    if (old && old->vaddr == vaddr && old->readonly == readonly) {
        old->refs++;
        return 0;
    }
    if (ioctl(container->fd, VFIO_IOMMU_MAP_DMA, &map) < 0) {
        return -errno;
    }
    g_array_append_val(container->mappings, new);
    return 0;
}

int vfio_container_unmap(VFIOContainer *container, uint64_t iova, uint64_t size)
{
    struct vfio_iommu_type1_dma_unmap unmap = {
        .argsz = sizeof(unmap),
        .iova = iova,
        .size = size,
    };
    guint index;
    VFIOMapping *old = vfio_container_find(container, iova, size, &index);

    if (!old) {
        return -ENOENT;
    }
    if (--old->refs > 0) {
        return 0;
    }
    g_array_remove_index_fast(container->mappings, index);
    return ioctl(container->fd, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0 ? -errno : 0;
}

void vfio_container_explain_map(int err, Error **errp)
{
    struct rlimit limit = {0};

    switch (err) {
    case ENOMEM:
        getrlimit(RLIMIT_MEMLOCK, &limit);
        error_append(errp,
                     "; the device pins the guest's RAM and RLIMIT_MEMLOCK is "
                     "%" PRIu64 " KiB; try: ulimit -l unlimited (as root), or "
                     "less RAM with -m",
                     (uint64_t)limit.rlim_cur / 1024);
        break;
    case ENOSPC:
        error_append(errp,
                     "; too many mappings; try: echo 1000000 > /sys/module/"
                     "vfio_iommu_type1/parameters/dma_entry_limit");
        break;
    case EINVAL:
        error_append(errp,
                     "; the address may be outside of what the host's IOMMU "
                     "translates, see /sys/kernel/iommu_groups/*/"
                     "reserved_regions; try less RAM with -m");
        break;
    default:
        break;
    }
}
