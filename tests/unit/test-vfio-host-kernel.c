/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host-kernel.c, group.c and container.c on a machine without VFIO: sysfs and
 * /dev are folders of ours, and ioctl() is replaced at link time by a kernel
 * that answers as Linux does, or fails call n. Everything else is real: the
 * device is a memfd, so that pread() and mmap() work on it.
 */

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/vfio.h>

#include "accel/accel.h"
#include "hw/vfio/kernel.h"
#include "temp-tree.h"

#define NAME "9010000.pl031"
#define FOLDER "sys/bus/platform/devices/" NAME
#define GUEST_RAM ((void *)0x7000000)

/* ---- the kernel ---- */

typedef struct FakeKernel {
    unsigned calls;
    int fail_at; /* -1: none */
    int fail_errno;
    unsigned long fail_request; /* or: each of these */
    int api_version;
    uint32_t group_flags;
    uint32_t device_flags;
    uint32_t num_regions;
    uint32_t region_flags;
    uint64_t region_size;
    const VFIORange *sparse; /* areas; NULL: no capability */
    unsigned num_sparse;
    uint16_t cap_next; /* of an unknown capability put before it */
    bool bad_areas;
    bool no_type1;
    bool iommu_set;
    unsigned groups;
    unsigned mappings;
    unsigned resets;
    struct {
        uint32_t argsz, flags, index, start, count;
        int32_t fd;
    } set_irqs;
} FakeKernel;

static FakeKernel fake;

static void fake_reset(void)
{
    fake = (FakeKernel){
        .fail_at = -1,
        .fail_errno = EIO,
        .api_version = VFIO_API_VERSION,
        .group_flags = VFIO_GROUP_FLAGS_VIABLE,
        .device_flags = VFIO_DEVICE_FLAGS_PLATFORM | VFIO_DEVICE_FLAGS_RESET,
        .num_regions = 1,
        .region_flags = VFIO_REGION_INFO_FLAG_READ |
                        VFIO_REGION_INFO_FLAG_WRITE |
                        VFIO_REGION_INFO_FLAG_MMAP,
        .region_size = 0x1000,
    };
}

static int fake_device_fd(void)
{
    int fd = memfd_create("device", MFD_CLOEXEC);

    g_assert_cmpint(ftruncate(fd, 0x2000), ==, 0);
    return fd;
}

/* The areas behind a capability that nobody knows, if cap_next says so. */
static void fake_sparse(struct vfio_region_info *info, uint32_t argsz)
{
    struct vfio_info_cap_header other = {.id = 0x7777, .version = 1};
    struct vfio_region_info_cap_sparse_mmap cap = {
        .header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP,
        .nr_areas = fake.bad_areas ? 0x10000000 : fake.num_sparse,
    };
    size_t areas =
        fake.num_sparse * sizeof(struct vfio_region_sparse_mmap_area);
    size_t at = sizeof(*info) + sizeof(other);
    char *bytes = (char *)info;

    info->argsz = at + sizeof(cap) + areas;
    info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
    if (argsz < info->argsz) {
        info->cap_offset = 0;
        return;
    }
    info->cap_offset = sizeof(*info);
    other.next = fake.cap_next ? fake.cap_next : at;
    memcpy(bytes + sizeof(*info), &other, sizeof(other));
    memcpy(bytes + at, &cap, sizeof(cap));
    memcpy(bytes + at + sizeof(cap), fake.sparse, areas);
}

static int fake_region_info(struct vfio_region_info *info)
{
    uint32_t argsz = info->argsz;

    g_assert_cmpuint(info->index, ==, 0);
    info->argsz = sizeof(*info);
    info->flags = fake.region_flags;
    info->size = fake.region_size;
    info->offset = 0x1000;
    if (fake.sparse) {
        fake_sparse(info, argsz);
    }
    return 0;
}

static int fake_set_irqs(const struct vfio_irq_set *set)
{
    memcpy(&fake.set_irqs, set, MIN(set->argsz, sizeof(fake.set_irqs)));
    return 0;
}

static int fake_ioctl(unsigned long request, void *arg)
{
    switch (request) {
    case VFIO_GET_API_VERSION:
        return fake.api_version;
    case VFIO_CHECK_EXTENSION:
        return !fake.no_type1;
    case VFIO_SET_IOMMU:
        g_assert_false(fake.iommu_set);
        g_assert_cmpuint(fake.groups, ==, 1);
        fake.iommu_set = true;
        return 0;
    case VFIO_GROUP_GET_STATUS:
        ((struct vfio_group_status *)arg)->flags = fake.group_flags;
        return 0;
    case VFIO_GROUP_SET_CONTAINER:
        fake.groups++;
        return 0;
    case VFIO_GROUP_UNSET_CONTAINER:
        fake.iommu_set = --fake.groups > 0;
        return 0;
    case VFIO_GROUP_GET_DEVICE_FD:
        g_assert_true(fake.iommu_set);
        return fake_device_fd();
    case VFIO_DEVICE_GET_INFO:
        ((struct vfio_device_info *)arg)->flags = fake.device_flags;
        ((struct vfio_device_info *)arg)->num_regions = fake.num_regions;
        ((struct vfio_device_info *)arg)->num_irqs = 2;
        return 0;
    case VFIO_DEVICE_GET_REGION_INFO:
        return fake_region_info(arg);
    case VFIO_DEVICE_GET_IRQ_INFO:
        ((struct vfio_irq_info *)arg)->count = 1;
        ((struct vfio_irq_info *)arg)->flags =
            ((struct vfio_irq_info *)arg)->index == 0
                ? VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
                      VFIO_IRQ_INFO_AUTOMASKED
                : VFIO_IRQ_INFO_EVENTFD;
        return 0;
    case VFIO_DEVICE_SET_IRQS:
        return fake_set_irqs(arg);
    case VFIO_DEVICE_RESET:
        fake.resets++;
        return 0;
    case VFIO_IOMMU_MAP_DMA:
        fake.mappings++;
        return 0;
    case VFIO_IOMMU_UNMAP_DMA:
        fake.mappings--;
        return 0;
    }
    g_assert_not_reached();
}

int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    void *arg;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    g_assert_cmpint(fd, >=, 0);
    if ((int)fake.calls++ == fake.fail_at || request == fake.fail_request) {
        errno = fake.fail_errno;
        return -1;
    }
    return fake_ioctl(request, arg);
}

/* ---- the accelerator ---- */

static unsigned accel_files;
static bool accel_refuses;

static bool fake_accel_init(Accel *accel, uint64_t guest_phys_end, Error **errp)
{
    return true;
}

static void fake_accel_finish(Accel *accel)
{
}

static bool fake_accel_add(Accel *accel, int fd, Error **errp)
{
    if (accel_refuses) {
        error_setg(errp, "no room");
        return false;
    }
    accel_files++;
    return true;
}

static void fake_accel_del(Accel *accel, int fd)
{
    accel_files--;
}

static void fake_accel_class_init(ObjectClass *klass)
{
    ACCEL_CLASS(klass)->init = fake_accel_init;
    ACCEL_CLASS(klass)->finish = fake_accel_finish;
    ACCEL_CLASS(klass)->vfio_file_add = fake_accel_add;
    ACCEL_CLASS(klass)->vfio_file_del = fake_accel_del;
}

static const TypeInfo fake_accel_type = {
    .name = ACCEL_TYPE_NAME("fake"),
    .parent = TYPE_ACCEL,
    .class_init = fake_accel_class_init,
};
TYPE_REGISTER(fake_accel_type)

/* ---- the machine ---- */

typedef struct Fixture {
    TempTree *tree;
    char *sysfs, *dev;
    VFIOKernelPaths paths;
} Fixture;

static void add_device(Fixture *f, const char *bus, const char *name,
                       const char *driver, const char *group)
{
    g_autofree char *folder =
        g_strdup_printf("sys/bus/%s/devices/%s", bus, name);
    g_autofree char *drv = g_strdup_printf("%s/driver", folder);
    g_autofree char *sub = g_strdup_printf("%s/subsystem", folder);
    g_autofree char *link = g_strdup_printf("%s/iommu_group", folder);
    g_autofree char *sub_to = g_strdup_printf("../../../../bus/%s", bus);

    temp_tree_folder(f->tree, folder);
    temp_tree_link(f->tree, sub, sub_to);
    if (driver) {
        g_autofree char *to = g_strdup_printf("../../drivers/%s", driver);

        temp_tree_link(f->tree, drv, to);
    }
    if (group) {
        g_autofree char *to =
            g_strdup_printf("../../kernel/iommu_groups/%s", group);

        temp_tree_link(f->tree, link, to);
    }
}

static void setup(Fixture *f)
{
    *f = (Fixture){.tree = temp_tree_new()};
    f->sysfs = temp_tree_path(f->tree, "sys");
    f->dev = temp_tree_path(f->tree, "dev");
    f->paths = (VFIOKernelPaths){.sysfs = f->sysfs, .dev = f->dev};
    add_device(f, "platform", NAME, "vfio-platform", "3");
    add_device(f, "amba", "9030000.pl061", "vfio-amba", "4");
    temp_tree_bytes(f->tree, "dev/vfio/vfio", "", 0);
    temp_tree_bytes(f->tree, "dev/vfio/3", "", 0);
    temp_tree_bytes(f->tree, "dev/vfio/4", "", 0);
    fake_reset();
}

static unsigned open_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}

static void teardown(Fixture *f)
{
    g_assert_cmpuint(fake.groups, ==, 0);
    g_assert_cmpuint(fake.mappings, ==, 0);
    g_assert_cmpuint(accel_files, ==, 0);
    temp_tree_free(f->tree);
    g_free(f->sysfs);
    g_free(f->dev);
}

static VFIOHost *open_by_name(Fixture *f, const char *name, Error **errp)
{
    g_autofree char *path = vfio_host_kernel_find(&f->paths, name, errp);

    return path ? vfio_host_kernel_open(&f->paths, path, errp) : NULL;
}

static VFIOHost *must_open(Fixture *f, const char *name)
{
    g_autoptr(Error) err = NULL;
    VFIOHost *host = open_by_name(f, name, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return host;
}

/* The one line for a person: what it is about, why, and the way out. */
static void must_fail(Fixture *f, const char *name, const char *start,
                      const char *way)
{
    g_autoptr(Error) err = NULL;
    unsigned before = open_fds();

    g_assert_null(open_by_name(f, name, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err), start));
    g_assert_nonnull(strstr(error_get_pretty(err), way));
    g_assert_null(strchr(error_get_pretty(err), '\n'));
    g_assert_cmpuint(open_fds(), ==, before);
}

/* ---- what works ---- */

static void test_open(void)
{
    VFIODeviceInfo info;
    VFIOIrqInfo irq;
    Fixture f;
    unsigned before;
    VFIOHost *host;

    setup(&f);
    before = open_fds();
    host = must_open(&f, NAME);
    g_assert_cmpstr(host->name, ==, NAME);
    g_assert_true(host->ops->unmask_by_fd);
    g_assert_cmpint(host->ops->get_info(host, &info), ==, 0);
    g_assert_true(info.can_reset);
    g_assert_cmpuint(info.num_regions, ==, 1);
    g_assert_cmpint(host->ops->get_irq(host, 0, &irq), ==, 0);
    g_assert_true(irq.eventfd && irq.maskable && irq.automasked);
    g_assert_cmpint(host->ops->get_irq(host, 1, &irq), ==, 0);
    g_assert_false(irq.maskable || irq.automasked);
    g_assert_cmpint(host->ops->reset(host), ==, 0);
    g_assert_cmpuint(fake.resets, ==, 1);
    g_assert_null(host->ops->get_node(host));
    host->ops->close(host);
    g_assert_cmpuint(open_fds(), ==, before);
    teardown(&f);
}

static void test_amba(void)
{
    VFIODeviceInfo info;
    Fixture f;
    VFIOHost *host;

    setup(&f);
    fake.device_flags = VFIO_DEVICE_FLAGS_AMBA;
    host = must_open(&f, "9030000.pl061");
    host->ops->get_info(host, &info);
    g_assert_false(info.can_reset);
    host->ops->close(host);
    teardown(&f);
}

static void test_region(void)
{
    VFIORegionInfo info = {0};
    uint32_t value = 0x12345678, back = 0;
    VFIORange part = {0, 0x1000};
    Fixture f;
    VFIOHost *host;
    uint32_t *map;
    int err = 0;

    setup(&f);
    host = must_open(&f, NAME);
    g_assert_cmpint(host->ops->get_region(host, 0, &info), ==, 0);
    g_assert_cmpuint(info.num_maps, ==, 1);
    g_assert_cmpuint(info.maps[0].size, ==, 0x1000);
    vfio_region_info_finish(&info);
    g_assert_cmpint(host->ops->region_write(host, 0, 8, &value, 4), ==, 0);
    g_assert_cmpint(host->ops->region_read(host, 0, 8, &back, 4), ==, 0);
    g_assert_cmphex(back, ==, value);
    map = host->ops->region_map(host, 0, &part, true, &err);
    g_assert_cmphex(map[2], ==, value);
    host->ops->region_unmap(host, map, 0x1000);
    part.offset = 1;
    g_assert_null(host->ops->region_map(host, 0, &part, true, &err));
    g_assert_cmpint(err, ==, -EINVAL);
    /* At the end of what there is: short, hence an error. */
    g_assert_cmpint(host->ops->region_read(host, 0, 0xffe, &back, 4), ==, -EIO);
    host->ops->close(host);
    teardown(&f);
}

static void expect_maps(Fixture *f, unsigned num, uint64_t first)
{
    VFIORegionInfo info = {0};
    VFIOHost *host = must_open(f, NAME);

    g_assert_cmpint(host->ops->get_region(host, 0, &info), ==, 0);
    g_assert_cmpuint(info.num_maps, ==, num);
    if (num > 0) {
        g_assert_cmphex(info.maps[0].offset, ==, first);
    }
    vfio_region_info_finish(&info);
    host->ops->close(host);
}

static void test_sparse(void)
{
    static const VFIORange areas[] = {
        {0x1000, 0x1000}, {0x3000, 0}, {0x4000, 0x2000}};
    Fixture f;

    setup(&f);
    fake.sparse = areas;
    fake.num_sparse = 3;
    expect_maps(&f, 2, 0x1000);
    /* A chain that goes back, beyond the end, or into the middle. */
    fake.cap_next = 4;
    expect_maps(&f, 1, 0);
    fake.cap_next = 0xfff0;
    expect_maps(&f, 1, 0);
    fake.cap_next = 0;
    fake.bad_areas = true;
    expect_maps(&f, 0, 0);
    fake.region_flags = VFIO_REGION_INFO_FLAG_READ;
    expect_maps(&f, 0, 0);
    teardown(&f);
}

static void test_set_irq(void)
{
    static const struct {
        VFIOIrqAction action;
        int fd;
        uint32_t argsz, flags, count;
    } cases[] = {
        {VFIO_IRQ_PROBE, -1, 20,
         VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0},
        {VFIO_IRQ_TRIGGER_FD, 5, 24,
         VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 1},
        {VFIO_IRQ_TRIGGER_OFF, -1, 24,
         VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, 1},
        {VFIO_IRQ_UNMASK_NOW, -1, 20,
         VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 1},
        {VFIO_IRQ_UNMASK_FD, 6, 24,
         VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 1},
        {VFIO_IRQ_UNMASK_OFF, -1, 24,
         VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK, 1},
    };
    Fixture f;
    VFIOHost *host;

    setup(&f);
    host = must_open(&f, NAME);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        memset(&fake.set_irqs, 0, sizeof(fake.set_irqs));
        g_assert_cmpint(
            host->ops->set_irq(host, 1, cases[i].action, cases[i].fd), ==, 0);
        g_assert_cmpuint(fake.set_irqs.argsz, ==, cases[i].argsz);
        g_assert_cmphex(fake.set_irqs.flags, ==, cases[i].flags);
        g_assert_cmpuint(fake.set_irqs.index, ==, 1);
        g_assert_cmpuint(fake.set_irqs.start, ==, 0);
        g_assert_cmpuint(fake.set_irqs.count, ==, cases[i].count);
        if (cases[i].argsz == 24) {
            g_assert_cmpint(fake.set_irqs.fd, ==, cases[i].fd);
        }
    }
    fake.fail_request = VFIO_DEVICE_SET_IRQS;
    fake.fail_errno = EBUSY;
    g_assert_cmpint(host->ops->set_irq(host, 0, VFIO_IRQ_PROBE, -1), ==,
                    -EBUSY);
    host->ops->close(host);
    teardown(&f);
}

/* Two devices map the same RAM: once in the kernel, until both are gone. */
static void test_shared_mappings(void)
{
    Fixture f;
    VFIODmaMap map = {
        .iova = 0x40000000, .size = 0x1000, .vaddr = GUEST_RAM, .fd = -1};
    VFIOHost *a, *b;

    setup(&f);
    add_device(&f, "platform", "1.b", "vfio-platform", "3");
    a = must_open(&f, NAME);
    b = must_open(&f, "1.b");
    g_assert_cmpuint(fake.groups, ==, 1);
    for (unsigned i = 0; i < 2; i++) {
        VFIOHost *host = i ? b : a;

        g_assert_cmpint(host->ops->dma_map(host, &map), ==, 0);
    }
    g_assert_cmpuint(fake.mappings, ==, 1);
    g_assert_cmpint(a->ops->dma_unmap(a, 0x40000000, 0x1000), ==, 0);
    g_assert_cmpuint(fake.mappings, ==, 1);
    g_assert_cmpint(b->ops->dma_unmap(b, 0x40000000, 0x1000), ==, 0);
    g_assert_cmpuint(fake.mappings, ==, 0);
    g_assert_cmpint(b->ops->dma_unmap(b, 0x40000000, 0x1000), ==, -ENOENT);
    fake.fail_request = VFIO_IOMMU_MAP_DMA;
    fake.fail_errno = ENOMEM;
    map.readonly = true;
    g_assert_cmpint(a->ops->dma_map(a, &map), ==, -ENOMEM);
    a->ops->close(a);
    g_assert_cmpuint(fake.groups, ==, 1);
    b->ops->close(b);
    teardown(&f);
}

static void test_two_groups(void)
{
    Fixture f;
    VFIOHost *a, *b;

    setup(&f);
    a = must_open(&f, NAME);
    b = must_open(&f, "9030000.pl061");
    g_assert_cmpuint(fake.groups, ==, 2);
    a->ops->close(a);
    a = must_open(&f, NAME);
    a->ops->close(a);
    b->ops->close(b);
    g_assert_false(fake.iommu_set);
    teardown(&f);
}

static void test_twice(void)
{
    Fixture f;
    VFIOHost *host;

    setup(&f);
    host = must_open(&f, NAME);
    must_fail(&f, NAME, "vfio " NAME ": assigned twice", "leave out");
    host->ops->close(host);
    host = must_open(&f, NAME);
    host->ops->close(host);
    teardown(&f);
}

static void test_node(void)
{
    const VFIOHostNode *node;
    Fixture f;
    VFIOHost *host;

    setup(&f);
    temp_tree_string(f.tree, "sys/firmware/devicetree/base/rtc/name", "rtc");
    temp_tree_link(f.tree, FOLDER "/of_node",
                   "../../../../firmware/devicetree/base/rtc");
    host = must_open(&f, NAME);
    node = host->ops->get_node(host);
    g_assert_cmpstr(node->name, ==, "rtc");
    g_assert_true(host->ops->get_node(host) == node);
    host->ops->close(host);
    teardown(&f);
}

/* ---- what does not ---- */

static void test_find(void)
{
    Fixture f;

    setup(&f);
    must_fail(&f, "9010000.pl032", "vfio 9010000.pl032: no such device",
              "did you mean 9010000.pl031?");
    must_fail(&f, "zzzzzzzzzzzzzzz", "vfio zzzzzzzzzzzzzzz: no such device",
              "ls /sys/bus/platform/devices");
    must_fail(&f, "", "vfio : no such device", "ls");
    must_fail(&f, "../devices/" NAME, "vfio ../devices/" NAME ": no such",
              "on the host's platform or AMBA bus");
    teardown(&f);
}

static void test_no_path(void)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *path = NULL;
    Fixture f;

    setup(&f);
    g_assert_null(vfio_host_kernel_open(&f.paths, "/nowhere/x", &err));
    g_assert_true(
        g_str_has_prefix(error_get_pretty(err), "vfio: no device /nowhere/x"));
    g_assert_true(
        g_str_has_suffix(error_get_pretty(err), "/sys/bus/amba/devices"));
    g_clear_pointer(&err, error_free);
    path = temp_tree_path(f.tree, "sys/bus");
    g_assert_null(vfio_host_kernel_open(&f.paths, path, &err));
    g_assert_nonnull(strstr(error_get_pretty(err),
                            "is no device of the platform or AMBA bus"));
    teardown(&f);
}

static void test_not_bound(void)
{
    Fixture f;

    setup(&f);
    add_device(&f, "platform", "1.a", NULL, NULL);
    add_device(&f, "amba", "2.b", "rtc-pl031", NULL);
    must_fail(&f, "1.a",
              "vfio 1.a: not bound to vfio-platform (driver: none); try: echo "
              "vfio-platform > /sys/bus/platform/devices/1.a/driver_override; "
              "echo 1.a > /sys/bus/platform/drivers/vfio-platform/bind",
              "");
    must_fail(&f, "2.b",
              "vfio 2.b: not bound to vfio-amba (driver: rtc-pl031); try: "
              "echo 2.b > /sys/bus/amba/devices/2.b/driver/unbind; echo "
              "vfio-amba > ",
              "/sys/bus/amba/drivers/vfio-amba/bind");
    add_device(&f, "platform", "3.c", "vfio-platform", NULL);
    must_fail(&f, "3.c", "vfio 3.c: no IOMMU group", "iommus");
    teardown(&f);
}

static void test_group_files(void)
{
    Fixture f;

    setup(&f);
    temp_tree_remove(f.tree, "dev/vfio/3");
    must_fail(&f, NAME, "vfio " NAME ": group 3: cannot open ",
              "No such file or directory; try: modprobe -a vfio vfio_iommu");
    temp_tree_bytes(f.tree, "dev/vfio/noiommu-3", "", 0);
    must_fail(&f, NAME, "vfio " NAME ": group 3: no IOMMU stands between",
              "noiommu-3");
    temp_tree_folder(f.tree, "dev/vfio/3");
    must_fail(&f, NAME, "vfio " NAME ": group 3: cannot open ",
              "Is a directory");
    temp_tree_remove(f.tree, "dev/vfio/vfio");
    must_fail(&f, NAME, "vfio " NAME ": cannot open ",
              "modprobe -a vfio_iommu_type1 vfio-platform ");
    temp_tree_folder(f.tree, "dev/vfio/vfio");
    must_fail(&f, NAME, "vfio " NAME ": cannot open ", "chmod a+rw");
    teardown(&f);
}

/* Root may open anything, so root is somebody else for a moment. */
static void test_no_permission(void)
{
    static const char *const folders[] = {"", "dev", "dev/vfio"};
    g_autoptr(Error) err = NULL;
    uid_t me = geteuid();
    g_autofree char *file = NULL;
    Fixture f;

    setup(&f);
    for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = temp_tree_path(f.tree, folders[i]);

        g_assert_cmpint(chmod(path, 0755), ==, 0);
    }
    file = temp_tree_path(f.tree, "dev/vfio/vfio");
    g_assert_cmpint(chmod(file, 0666), ==, 0);
    g_free(file);
    file = temp_tree_path(f.tree, "dev/vfio/3");
    g_assert_cmpint(chmod(file, 0), ==, 0);
    g_assert_true(me != 0 || seteuid(65534) == 0);
    g_assert_null(vfio_group_get(&f.paths, "3", &err));
    g_assert_true(me != 0 || seteuid(me) == 0);
    g_assert_true(
        g_str_has_prefix(error_get_pretty(err), "group 3: cannot open "));
    g_assert_nonnull(
        strstr(error_get_pretty(err), "Permission denied; try: chown $USER "));
    teardown(&f);
}

static void test_group_status(void)
{
    Fixture f;

    setup(&f);
    fake.group_flags = 0;
    temp_tree_link(f.tree, "sys/kernel/iommu_groups/3/devices/8.dma/driver",
                   "/x/drivers/pl330");
    temp_tree_link(f.tree, "sys/kernel/iommu_groups/3/devices/9.v/driver",
                   "/x/drivers/vfio-platform");
    must_fail(&f, NAME,
              "vfio " NAME ": group 3: not viable: all its devices must be "
              "bound to VFIO or to no driver, unlike 8.dma (pl330); try: ",
              "driver/unbind");
    fake.group_flags = VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET;
    must_fail(&f, NAME, "vfio " NAME ": group 3: another process uses it",
              "fuser");
    teardown(&f);
}

static void test_refusals(void)
{
    static const struct {
        unsigned long request;
        int err;
        const char *start;
        const char *way;
    } cases[] = {
        {VFIO_SET_IOMMU, EPERM,
         "vfio " NAME ": group 3: cannot set up its IOMMU: Operation not "
         "permitted",
         "allow_unsafe_interrupts"},
        {VFIO_SET_IOMMU, ENODEV, "vfio " NAME ": group 3: cannot set up",
         "modprobe vfio_iommu_type1"},
        {VFIO_GROUP_SET_CONTAINER, EBUSY,
         "vfio " NAME ": group 3: cannot join the container", "fuser"},
        {VFIO_GROUP_GET_STATUS, ENOTTY,
         "vfio " NAME ": group 3: cannot get its status", ""},
        {VFIO_GROUP_GET_DEVICE_FD, EBUSY,
         "vfio " NAME ": group 3: cannot open the device", "in use already"},
        {VFIO_GROUP_GET_DEVICE_FD, ENODEV,
         "vfio " NAME ": group 3: cannot open the device", "see dmesg"},
        {VFIO_DEVICE_GET_INFO, EIO,
         "vfio " NAME ": cannot get info: Input/output error", ""},
        {VFIO_CHECK_EXTENSION, EINVAL,
         "vfio " NAME ": group 3: the host has no type1v2 IOMMU", "modprobe"},
    };
    Fixture f;

    setup(&f);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        fake.fail_request = cases[i].request;
        fake.fail_errno = cases[i].err;
        must_fail(&f, NAME, cases[i].start, cases[i].way);
    }
    fake.fail_request = 0;
    fake.no_type1 = true;
    must_fail(&f, NAME, "vfio " NAME ": group 3: the host has no type1v2",
              "modprobe");
    fake.no_type1 = false;
    fake.num_regions = UINT32_MAX;
    must_fail(&f, NAME, "vfio " NAME ": 4294967295 regions and 2 lines;",
              "at most 1024 make sense");
    fake.num_regions = 1;
    fake.device_flags = VFIO_DEVICE_FLAGS_PCI;
    must_fail(&f, NAME, "vfio " NAME ": not a platform or AMBA device", "0x2");
    fake.api_version = 7;
    must_fail(&f, NAME, "vfio " NAME ": ", "speaks version 7 of VFIO, not 0");
    teardown(&f);
}

/* Each call in its turn: an error that names the device, nothing left open. */
static void test_sweep(void)
{
    Fixture f;
    unsigned before;

    setup(&f);
    before = open_fds();
    for (int n = 0;; n++) {
        g_autoptr(Error) err = NULL;
        VFIOHost *host;

        fake.calls = 0;
        fake.fail_at = n;
        host = open_by_name(&f, NAME, &err);
        fake.fail_at = -1;
        if (host) {
            host->ops->close(host);
            g_assert_cmpint(n, ==, 7);
            break;
        }
        g_assert_true(
            g_str_has_prefix(error_get_pretty(err), "vfio " NAME ": "));
        g_assert_cmpuint(open_fds(), ==, before);
        g_assert_cmpuint(fake.groups, ==, 0);
    }
    g_assert_cmpuint(open_fds(), ==, before);
    teardown(&f);
}

/* The hypervisor hears of a group once, before its first device is opened. */
static void test_accel(void)
{
    Accel *accel = accel_create("fake", 0, NULL);
    Fixture f;
    VFIOHost *a, *b;

    g_assert_nonnull(accel);
    setup(&f);
    add_device(&f, "platform", "1.b", "vfio-platform", "3");
    a = must_open(&f, NAME);
    b = must_open(&f, "1.b");
    g_assert_cmpuint(accel_files, ==, 1);
    a->ops->close(a);
    g_assert_cmpuint(accel_files, ==, 1);
    b->ops->close(b);
    g_assert_cmpuint(accel_files, ==, 0);
    accel_refuses = true;
    must_fail(&f, NAME, "vfio " NAME ": group 3: no room", "");
    accel_refuses = false;
    teardown(&f);
    accel_destroy(accel);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfio-host-kernel/open", test_open);
    g_test_add_func("/vfio-host-kernel/amba", test_amba);
    g_test_add_func("/vfio-host-kernel/region", test_region);
    g_test_add_func("/vfio-host-kernel/sparse", test_sparse);
    g_test_add_func("/vfio-host-kernel/set-irq", test_set_irq);
    g_test_add_func("/vfio-host-kernel/shared", test_shared_mappings);
    g_test_add_func("/vfio-host-kernel/two-groups", test_two_groups);
    g_test_add_func("/vfio-host-kernel/node", test_node);
    g_test_add_func("/vfio-host-kernel/fail/find", test_find);
    g_test_add_func("/vfio-host-kernel/fail/no-path", test_no_path);
    g_test_add_func("/vfio-host-kernel/fail/not-bound", test_not_bound);
    g_test_add_func("/vfio-host-kernel/fail/group-files", test_group_files);
    g_test_add_func("/vfio-host-kernel/fail/permission", test_no_permission);
    g_test_add_func("/vfio-host-kernel/fail/group-status", test_group_status);
    g_test_add_func("/vfio-host-kernel/fail/refusals", test_refusals);
    g_test_add_func("/vfio-host-kernel/fail/twice", test_twice);
    g_test_add_func("/vfio-host-kernel/fail/sweep", test_sweep);
    g_test_add_func("/vfio-host-kernel/accel", test_accel);
    return g_test_run();
}
