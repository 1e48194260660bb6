/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-device.c: what a server says of its device, above all when it makes no
 * sense. A lie ends the connection with a line that says which; what is not
 * safe to map is trapped, with a warning.
 */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host-user-fixture.h"

#define PAGE 0x1000
#define MMAP (RW | VFIO_USER_REGION_F_MMAP)
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* ---- lies ---- */

/* One change to the payload of the first reply to a command. */
typedef struct Lie {
    uint16_t command;
    int resize; /* bytes more or less */
    int at;     /* of the 32 bits that change; -1: none */
    uint32_t value;
    unsigned fds; /* that come along */
    const char *message;
} Lie;

static bool tell(void *opaque, unsigned n, GByteArray *bytes, GArray *fds)
{
    static const int any = STDERR_FILENO;
    const Lie *lie = opaque;
    VFIOUserHeader *head = (void *)bytes->data;

    if (head->command != lie->command) {
        return true;
    }
    if (lie->at >= 0) {
        memcpy(bytes->data + sizeof(*head) + lie->at, &lie->value,
               sizeof(lie->value));
    }
    for (unsigned i = 0; i < lie->fds; i++) {
        g_array_append_val(fds, any);
    }
    head->size += lie->resize;
    if (lie->resize > 0) {
        g_autofree uint8_t *zeroes = g_malloc0(lie->resize);

        g_byte_array_append(bytes, zeroes, lie->resize);
    } else {
        g_byte_array_set_size(bytes, bytes->len + lie->resize);
    }
    return true;
}

static void test_lies(void)
{
    static const Lie lies[] = {
        {VFIO_USER_DEVICE_GET_INFO, -1, -1, 0, 0,
         "the reply to DEVICE_GET_INFO has 15 bytes, not 16"},
        {VFIO_USER_DEVICE_GET_INFO, -16, -1, 0, 0,
         "the reply to DEVICE_GET_INFO has 0 bytes, not 16"},
        {VFIO_USER_DEVICE_GET_INFO, 1, -1, 0, 0,
         "the server answered DEVICE_GET_INFO with 17 bytes, and at most 16 "
         "make sense"},
        {VFIO_USER_DEVICE_GET_INFO, 0, -1, 0, 1,
         "the server answered DEVICE_GET_INFO with 1 descriptors, and at most "
         "0 make sense"},
        {VFIO_USER_DEVICE_GET_IRQ_INFO, -4, -1, 0, 0,
         "line 0: the reply to DEVICE_GET_IRQ_INFO has 12 bytes, not 16"},
        {VFIO_USER_DEVICE_GET_IRQ_INFO, 0, offsetof(VFIOUserIrqInfo, index), 7,
         0, "asked for line 0, it describes line 7"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, -8, -1, 0, 0,
         "region 0: the reply to DEVICE_GET_REGION_INFO has 24 bytes, not 32"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 0,
         offsetof(VFIOUserRegionInfo, index), 3, 0,
         "asked for region 0, it describes region 3"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 0,
         offsetof(VFIOUserRegionInfo, argsz), 31, 0,
         "region 0: its argsz is too small"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 0,
         offsetof(VFIOUserRegionInfo, flags), MMAP, 0,
         "region 0: it can be mapped, but no descriptor came"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 0, -1, 0, 1,
         "region 0: it cannot be mapped, but a descriptor came"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 0, -1, 0, 2,
         "region 0: the server answered DEVICE_GET_REGION_INFO with 2 "
         "descriptors, and at most 1 make sense"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 2000, -1, 0, 0,
         "region 0: the server answered DEVICE_GET_REGION_INFO with 2032 "
         "bytes, and at most 1024 make sense"},
        {VFIO_USER_DEVICE_GET_REGION_INFO, 0,
         offsetof(VFIOUserRegionInfo, argsz), UINT32_MAX, 0,
         "region 0: what there is to say of it has no end"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(lies); i++) {
        HostUserFixture f;

        g_test_message("%s", lies[i].message);
        fixture_init(&f, NULL);
        f.server->filter = tell;
        f.server->filter_opaque = (void *)&lies[i];
        fixture_refused(&f, lies[i].message);
        fixture_finish(&f);
    }
}

/* ---- capabilities ---- */

static int memory(size_t size, unsigned seals)
{
    int fd = memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    g_assert_cmpint(fcntl(fd, F_ADD_SEALS, seals), ==, 0);
    return fd;
}

static VFIORegionInfo region_info(HostUserFixture *f)
{
    VFIORegionInfo info;

    g_assert_cmpint(f->host->ops->get_region(f->host, 0, &info), ==, 0);
    return info;
}

static void init_with_region(HostUserFixture *f, const UserRegionDesc *region)
{
    UserDeviceDesc desc = plain_device;

    desc.regions = region;
    desc.num_regions = 1;
    fixture_init(f, &desc);
}

/* The region is trapped, which is logged as @why; NULL: silently. */
static void expect_trapped(const UserRegionDesc *region, const char *why)
{
    HostUserFixture f;
    VFIORegionInfo info;

    init_with_region(&f, region);
    fixture_open(&f);
    info = region_info(&f);
    g_assert_cmphex(info.size, ==, region->size);
    g_assert_cmpuint(info.num_maps, ==, 0);
    g_assert_null(info.maps);
    if (why) {
        g_autofree char *line = g_strdup_printf(
            "platypus: warning: vfio dev: region 0: trapped, though the "
            "server offers to map it: %s\n",
            why);

        fixture_logged(&f, line);
    }
    fixture_finish(&f);
}

static void expect_areas(const UserRegionDesc *region, const VFIORange *maps,
                         unsigned n)
{
    HostUserFixture f;
    VFIORegionInfo info;

    init_with_region(&f, region);
    fixture_open(&f);
    info = region_info(&f);
    g_assert_cmpmem(info.maps, info.num_maps * sizeof(*maps), maps,
                    n * sizeof(*maps));
    vfio_region_info_finish(&info);
    fixture_finish(&f);
}

static void expect_lie(const UserRegionDesc *region, const char *message)
{
    HostUserFixture f;

    init_with_region(&f, region);
    fixture_refused(&f, message);
    fixture_finish(&f);
}

/* A capability of an id, and where the next one is. */
#define CAP(id, next) (id) | 1 << 16, (next)

/* Everything but a list of areas is passed over, in whatever order it is. */
static void test_chains(void)
{
    static const uint32_t chain[] = {
        /* 32: */ CAP(2, 64),
        1,
        2,
        /* 48: */ CAP(VFIO_USER_CAP_SPARSE_MMAP, 0),
        0,
        0,
        /* 64: */ CAP(99, 48),
    };
    static const uint32_t no_areas_at_all[] = {CAP(2, 40), CAP(3, 0)};
    static const uint32_t itself[] = {CAP(2, 32)};
    static const uint32_t circle[] = {CAP(2, 40), CAP(2, 32)};
    static const uint32_t into_head[] = {CAP(2, 31)};
    static const uint32_t beyond[] = {CAP(2, 33)};
    static const uint32_t cut_off[] = {CAP(VFIO_USER_CAP_SPARSE_MMAP, 0), 0};
    static const uint32_t too_many[] = {
        CAP(VFIO_USER_CAP_SPARSE_MMAP, 0), 2, 0, 0, 0, PAGE, 0};
    static const VFIORange all = {0, 4 * PAGE};
    UserRegionDesc region = {.size = 4 * PAGE, .flags = MMAP};

#define CAPS(array) region.caps = array, region.caps_size = sizeof(array)
    region.fd = memory(4 * PAGE, SEALS);
    CAPS(chain);
    expect_trapped(&region, NULL);
    CAPS(no_areas_at_all);
    expect_areas(&region, &all, 1);
    CAPS(itself);
    expect_lie(&region, "region 0: its capabilities have no end");
    CAPS(circle);
    expect_lie(&region, "region 0: its capabilities have no end");
    CAPS(into_head);
    expect_lie(&region, "region 0: a capability is outside of the reply");
    CAPS(beyond);
    expect_lie(&region, "region 0: a capability is outside of the reply");
    CAPS(cut_off);
    expect_lie(&region, "region 0: a capability is cut off");
    CAPS(too_many);
    expect_lie(&region, "region 0: a list of areas is cut off");
#undef CAPS
    close(region.fd);
}

static void test_version(void)
{
    static const uint32_t newer[] = {VFIO_USER_CAP_SPARSE_MMAP | 2 << 16, 0, 0,
                                     0};
    UserRegionDesc region = {
        .size = PAGE,
        .flags = MMAP,
        .fd = memory(PAGE, SEALS),
        .caps = newer,
        .caps_size = sizeof(newer),
    };

    expect_trapped(&region, "its list of areas has version 2, we know 1");
    close(region.fd);
}

static void test_areas(void)
{
    static const VFIOUserArea sparse[] = {{2 * PAGE, PAGE}, {0, PAGE}, {0, 0}};
    static const VFIORange sorted[] = {{0, PAGE}, {2 * PAGE, PAGE}};
    static const VFIOUserArea overlapping[] = {{0, 2 * PAGE}, {PAGE, PAGE}};
    static const VFIOUserArea odd[] = {{0x800, PAGE}};
    static const VFIOUserArea short_one[] = {{0, 0x800}};
    static const VFIOUserArea outside[] = {{3 * PAGE, 2 * PAGE}};
    static const VFIOUserArea huge[] = {{PAGE, -(uint64_t)PAGE}};
    UserRegionDesc region = {.size = 4 * PAGE, .flags = MMAP};

#define AREAS(array) \
    region.areas = array, region.num_areas = G_N_ELEMENTS(array)
    region.fd = memory(4 * PAGE, SEALS);
    AREAS(sparse);
    expect_areas(&region, sorted, 2);
    AREAS(overlapping);
    expect_trapped(&region, "it offers 0x1000+0x1000, which overlaps another "
                            "area");
    AREAS(odd);
    expect_trapped(&region, "it offers 0x800+0x1000, which is not of whole "
                            "pages");
    AREAS(short_one);
    expect_trapped(&region, "it offers 0x0+0x800, which is not of whole pages");
    AREAS(outside);
    expect_trapped(&region, "it offers 0x3000+0x2000, which is not in the "
                            "region");
    AREAS(huge);
    expect_trapped(&region, "it offers 0x1000+0xfffffffffffff000, which is not "
                            "in the region");
#undef AREAS
    /* A whole region that does not end with a page. */
    region.areas = NULL;
    region.size = 0x1800;
    expect_trapped(&region, "it offers 0x0+0x1800, which is not of whole "
                            "pages");
    close(region.fd);
}

/* More areas than the first try has room for: the descriptor comes later. */
static void test_many_areas(void)
{
    VFIOUserArea areas[200];
    VFIORange ranges[200];
    UserRegionDesc region = {
        .size = 400 * PAGE,
        .flags = MMAP,
        .fd = memory(400 * PAGE, SEALS),
        .areas = areas,
        .num_areas = G_N_ELEMENTS(areas),
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(areas); i++) {
        areas[i] = (VFIOUserArea){2 * i * PAGE, PAGE};
        ranges[i] = (VFIORange){2 * i * PAGE, PAGE};
    }
    expect_areas(&region, ranges, G_N_ELEMENTS(ranges));
    close(region.fd);
}

/* Mappings and descriptors are not without end: the rest is trapped. */
static void test_too_many_areas(void)
{
    VFIOUserArea areas[200];
    UserRegionDesc region = {
        .size = 400 * PAGE,
        .flags = MMAP,
        .fd = memory(400 * PAGE, SEALS),
        .areas = areas,
        .num_areas = G_N_ELEMENTS(areas),
    };
    UserRegionDesc regions[4] = {region, region, plain_region, region};
    UserDeviceDesc desc = plain_device;
    HostUserFixture f;

    for (unsigned i = 0; i < G_N_ELEMENTS(areas); i++) {
        areas[i] = (VFIOUserArea){2 * i * PAGE, PAGE};
    }
    desc.regions = regions;
    desc.num_regions = G_N_ELEMENTS(regions);
    fixture_init(&f, &desc);
    fixture_open(&f);
    for (unsigned i = 0; i < G_N_ELEMENTS(regions); i++) {
        VFIORegionInfo info;

        g_assert_cmpint(f.host->ops->get_region(f.host, i, &info), ==, 0);
        g_assert_cmpuint(info.num_maps, ==, i == 0 ? 200 : 0);
        vfio_region_info_finish(&info);
    }
    fixture_logged(&f, "platypus: warning: vfio dev: region 1: trapped, though "
                       "the server offers to map it: at most 256 parts of a "
                       "device are mapped; 1 more regions are trapped\n");
    fixture_finish(&f);
    close(region.fd);
}

/* ---- descriptors ---- */

static const char not_sealed[] =
    "its memory is not sealed against shrinking (F_SEAL_SHRINK), so the server "
    "could take it away under us";
static const char too_small[] =
    "its memory is smaller than what is to be mapped, or does not begin with a "
    "page";
static const char read_only[] =
    "its memory is read-only for us, the region is not";

static void expect_bad_fd(int fd, uint64_t offset, const char *why)
{
    UserRegionDesc region = {
        .size = 2 * PAGE,
        .flags = MMAP,
        .fd = fd,
        .offset = offset,
    };

    expect_trapped(&region, why);
}

static int reopen(int fd, int mode)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    int again = open(path, mode | O_CLOEXEC);

    g_assert_cmpint(again, >=, 0);
    return again;
}

static void test_bad_fds(void)
{
    int open_end = memory(2 * PAGE, F_SEAL_GROW);
    int sealed = memory(2 * PAGE, SEALS);
    int frozen = memory(2 * PAGE, SEALS | F_SEAL_FUTURE_WRITE);
    int reading = reopen(sealed, O_RDONLY);
    int writing = reopen(sealed, O_WRONLY);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    expect_bad_fd(open_end, 0, not_sealed);
    expect_bad_fd(null, 0, not_sealed);
    expect_bad_fd(sealed, PAGE, too_small);
    expect_bad_fd(sealed, 0x800, too_small);
    expect_bad_fd(sealed, UINT64_MAX & -PAGE, too_small);
    expect_bad_fd(frozen, 0, read_only);
    expect_bad_fd(reading, 0, read_only);
    expect_bad_fd(writing, 0, read_only);
    close(open_end);
    close(sealed);
    close(frozen);
    close(reading);
    close(writing);
    close(null);
}

/* Areas that reach as far as the memory does are enough. */
static void test_short_memory(void)
{
    static const VFIOUserArea first = {0, PAGE};
    static const VFIORange mapped = {0, PAGE};
    UserRegionDesc region = {
        .size = 2 * PAGE,
        .flags = MMAP,
        .fd = memory(PAGE, SEALS),
        .areas = &first,
        .num_areas = 1,
    };

    expect_areas(&region, &mapped, 1);
    close(region.fd);
}

/* ---- mapping ---- */

static void test_map(void)
{
    static const VFIORange second = {PAGE, PAGE};
    UserRegionDesc region = {
        .size = 2 * PAGE,
        .flags = MMAP,
        .fd = memory(3 * PAGE, SEALS),
        .offset = PAGE,
    };
    HostUserFixture f;
    volatile uint32_t *mapped;
    uint32_t value = 0;
    int err = 0;

    init_with_region(&f, &region);
    fixture_open(&f);
    mapped = f.host->ops->region_map(f.host, 0, &second, true, &err);
    g_assert_nonnull(mapped);
    mapped[4] = 0xcafe;
    g_assert_cmpint(f.host->ops->region_read(f.host, 0, PAGE + 16, &value, 4),
                    ==, 0);
    g_assert_cmphex(value, ==, 0xcafe);
    /* It outlives the server. */
    user_server_stop(f.server);
    g_assert_cmphex(mapped[4], ==, 0xcafe);
    f.host->ops->region_unmap(f.host, (void *)mapped, PAGE);
    fixture_finish(&f);
    close(region.fd);
}

/* A descriptor that only can be read is enough for a region like that. */
static void test_map_read_only(void)
{
    static const VFIORange all = {0, PAGE};
    int memfd = memory(PAGE, SEALS);
    UserRegionDesc region = {
        .size = PAGE,
        .flags = VFIO_USER_REGION_F_READ | VFIO_USER_REGION_F_MMAP,
        .fd = reopen(memfd, O_RDONLY),
    };
    HostUserFixture f;
    void *mapped;
    int err = 0;

    init_with_region(&f, &region);
    fixture_open(&f);
    g_assert_null(f.host->ops->region_map(f.host, 0, &all, true, &err));
    g_assert_cmpint(err, ==, -EACCES);
    mapped = f.host->ops->region_map(f.host, 0, &all, false, &err);
    g_assert_nonnull(mapped);
    f.host->ops->region_unmap(f.host, mapped, PAGE);
    fixture_finish(&f);
    close(region.fd);
    close(memfd);
}

/* Nothing of it may be mapped, or is worth it: silently. */
static void test_not_mapped(void)
{
    UserRegionDesc region = {
        .size = PAGE,
        .flags = VFIO_USER_REGION_F_WRITE | VFIO_USER_REGION_F_MMAP,
        .fd = memory(PAGE, 0),
    };
    HostUserFixture f;
    VFIORegionInfo info;

    expect_trapped(&region, NULL);
    region.flags = MMAP;
    region.size = 0;
    expect_trapped(&region, NULL);
    region.size = PAGE;
    init_with_region(&f, &region);
    f.config.no_mmap = true;
    fixture_open(&f);
    info = region_info(&f);
    g_assert_cmpuint(info.num_maps, ==, 0);
    fixture_finish(&f);
    close(region.fd);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/user-device/lies", test_lies);
    g_test_add_func("/user-device/chains", test_chains);
    g_test_add_func("/user-device/version", test_version);
    g_test_add_func("/user-device/areas", test_areas);
    g_test_add_func("/user-device/many-areas", test_many_areas);
    g_test_add_func("/user-device/too-many-areas", test_too_many_areas);
    g_test_add_func("/user-device/bad-fds", test_bad_fds);
    g_test_add_func("/user-device/short-memory", test_short_memory);
    g_test_add_func("/user-device/map", test_map);
    g_test_add_func("/user-device/map-read-only", test_map_read_only);
    g_test_add_func("/user-device/not-mapped", test_not_mapped);
    ret = g_test_run();
    main_loop_finish();
    return ret;
}
