/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IOMMU groups: the kernel lets a group be opened once, so its devices share
 * what is here. The order is the kernel's: status, container, IOMMU, the
 * hypervisor, and only then a device.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/vfio.h>

#include "accel/accel.h"
#include "hw/vfio/kernel.h"
#include "trace.h"
#include "util/fd.h"

static GPtrArray *groups; /* of VFIOGroup *; NULL while there is none */

static void vfio_group_explain_open(const VFIOKernelPaths *paths,
                                    const char *id, const char *path,
                                    Error **errp)
{
    int err = errno;
    g_autofree char *raw = g_strdup_printf("noiommu-%s", id);
    g_autofree char *raw_path = g_build_filename(paths->dev, "vfio", raw, NULL);

    if (err == ENOENT && g_file_test(raw_path, G_FILE_TEST_EXISTS)) {
        error_setg(errp,
                   "group %s: no IOMMU stands between the device and "
                   "memory (%s); a guest could write anywhere, so this is "
                   "refused",
                   id, raw_path);
        return;
    }
    error_setg_errno(errp, err, "group %s: cannot open %s", id, path);
    switch (err) {
    case EACCES:
    case EPERM:
        error_append(errp, "; try: chown $USER %s (as root)", path);
        break;
    case EBUSY:
        error_append(errp, "; another process uses it, see: fuser %s", path);
        break;
    case ENOENT:
        error_append(errp, "; try: modprobe -a vfio vfio_iommu_type1");
        break;
    default:
        break;
    }
}

static char *link_name(const char *folder, const char *name, const char *link)
{
    g_autofree char *path = g_build_filename(folder, name, link, NULL);
    g_autofree char *target = g_file_read_link(path, NULL);

    return target ? g_path_get_basename(target) : NULL;
}

/* "DEVICE (DRIVER), ..." of the group's devices that VFIO has not got. */
static char *vfio_group_blockers(const VFIOKernelPaths *paths, const char *id)
{
    g_autofree char *folder = g_build_filename(
        paths->sysfs, "kernel", "iommu_groups", id, "devices", NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *driver = link_name(folder, name, "driver");

        if (driver && !g_str_has_prefix(driver, "vfio")) {
            g_string_append_printf(text, "%s%s (%s)", text->len ? ", " : "",
                                   name, driver);
        }
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool vfio_group_check(const VFIOKernelPaths *paths, int fd,
                             const char *id, Error **errp)
{
    struct vfio_group_status status = {.argsz = sizeof(status)};
    g_autofree char *blockers = NULL;

    if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0) {
        error_setg_errno(errp, errno, "group %s: cannot get its status", id);
        return false;
    }
    if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
        blockers = vfio_group_blockers(paths, id);
        error_setg(errp,
                   "group %s: not viable: all its devices must be bound "
                   "to VFIO or to no driver%s%s; try: echo DEVICE > "
                   "/sys/kernel/iommu_groups/%s/devices/DEVICE/driver/unbind",
                   id, *blockers ? ", unlike " : "", blockers, id);
        return false;
    }
    if (status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET) {
        error_setg(errp,
                   "group %s: another process uses it, see: fuser "
                   "/dev/vfio/%s",
                   id, id);
        return false;
    }
    return true;
}

/* Without an accelerator that cares (qtest) there is nobody to tell. */
static bool vfio_group_tell_accel(VFIOGroup *group, Error **errp)
{
    Accel *accel = accel_current();

    if (!accel || !ACCEL_GET_CLASS(accel)->vfio_file_add) {
        return true;
    }
    group->known_to_accel =
        ACCEL_GET_CLASS(accel)->vfio_file_add(accel, group->fd, errp);
    if (!group->known_to_accel) {
        error_prepend(errp, "group %s: ", group->id);
    }
    return group->known_to_accel;
}

static bool vfio_group_open(VFIOGroup *group, const VFIOKernelPaths *paths,
                            Error **errp)
{
    g_autofree char *path =
        g_build_filename(paths->dev, "vfio", group->id, NULL);

    group->container = vfio_container_get(paths, errp);
    if (!group->container) {
        return false;
    }
    group->fd = open(path, O_RDWR | O_CLOEXEC);
    if (group->fd < 0) {
        vfio_group_explain_open(paths, group->id, path, errp);
        return false;
    }
    if (!vfio_group_check(paths, group->fd, group->id, errp)) {
        return false;
    }
    group->attached =
        vfio_container_attach(group->container, group->fd, group->id, errp);
    return group->attached && vfio_group_tell_accel(group, errp);
}

/* Copes with half of an open. */
static void vfio_group_free(VFIOGroup *group)
{
    if (group->known_to_accel) {
        Accel *accel = accel_current();

        ACCEL_GET_CLASS(accel)->vfio_file_del(accel, group->fd);
    }
    if (group->attached) {
        vfio_container_detach(group->container, group->fd);
    }
    fd_close(&group->fd);
    vfio_container_put(group->container);
    g_free(group->id);
    g_free(group);
}

VFIOGroup *vfio_group_get(const VFIOKernelPaths *paths, const char *id,
                          Error **errp)
{
    VFIOGroup *group;

    for (guint i = 0; groups && i < groups->len; i++) {
        group = groups->pdata[i];
        if (strcmp(group->id, id) == 0) {
            group->refs++;
            return group;
        }
    }
    group = g_new0(VFIOGroup, 1);
    group->id = g_strdup(id);
    group->fd = -1;
    group->refs = 1;
    if (!vfio_group_open(group, paths, errp)) {
        vfio_group_free(group);
        return NULL;
    }
    if (!groups) {
        groups = g_ptr_array_new();
    }
    g_ptr_array_add(groups, group);
    trace_vfio_group_open(id, group->fd);
    return group;
}

void vfio_group_put(VFIOGroup *group)
{
    if (!group || --group->refs > 0) {
        return;
    }
    trace_vfio_group_close(group->id);
    g_ptr_array_remove_fast(groups, group);
    if (groups->len == 0) {
        g_clear_pointer(&groups, g_ptr_array_unref);
    }
    vfio_group_free(group);
}
