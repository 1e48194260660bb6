/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * region.c: accesses through the guest's address space to regions of every
 * kind, trapped and mapped, and what the host may offer or refuse.
 */

#include <glib.h>
#include <errno.h>
#include <string.h>

#include "hw/vfio/region.h"
#include "scripted-host.h"
#include "util/main-loop.h"

#define BASE 0x10000000ULL

typedef struct Fixture {
    ScriptedHost *host;
    VFIOAccess access;
    VFIORegion region;
    unsigned trapped;
} Fixture;

static void on_trapped(void *opaque)
{
    Fixture *f = opaque;

    g_assert_true(machine_locked());
    f->trapped++;
}

static bool try_setup(Fixture *f, const char *text, bool no_mmap, Error **errp)
{
    *f = (Fixture){0};
    f->host = scripted_host_new("dev", text, NULL, -1, NULL);
    f->access.trapped = on_trapped;
    f->access.opaque = f;
    return vfio_region_init(&f->region, &f->host->parent, 0, NULL, &f->access,
                            no_mmap, errp);
}

static void setup(Fixture *f, const char *text, bool no_mmap)
{
    g_assert_true(try_setup(f, text, no_mmap, NULL));
    memory_region_add_subregion(get_system_memory(), BASE, &f->region.mr);
}

static void teardown(Fixture *f)
{
    if (f->region.mr.container) {
        memory_region_del_subregion(get_system_memory(), &f->region.mr);
    }
    vfio_region_finish(&f->region);
    f->host->ops.close(&f->host->parent);
}

static MemTxResult read_at(uint64_t offset, unsigned size, uint64_t *value)
{
    *value = 0;
    return address_space_read(address_space_memory(), BASE + offset, value,
                              size);
}

static MemTxResult write_at(uint64_t offset, unsigned size, uint64_t value)
{
    return address_space_write(address_space_memory(), BASE + offset, &value,
                               size);
}

static bool is_mapped(uint64_t offset)
{
    MemoryRegionSection s =
        address_space_find(address_space_memory(), BASE + offset);

    return s.mr && memory_region_is_ram_device(s.mr);
}

static void test_sizes(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x1000", false);
    g_assert_cmpuint(f.region.num_maps, ==, 0);
    for (unsigned size = 1; size <= 4; size *= 2) {
        g_assert_cmpint(write_at(16 * size, size, 0x0807060504030201), ==,
                        MEMTX_OK);
        g_assert_cmpuint(f.host->last_size, ==, size);
        g_assert_cmpint(read_at(16 * size, size, &value), ==, MEMTX_OK);
        g_assert_cmphex(value, ==,
                        0x0807060504030201 & (UINT64_MAX >> (64 - 8 * size)));
    }
    g_assert_cmpuint(f.host->access_calls, ==, 6);
    teardown(&f);
}

/* No mapping: two accesses of 4 bytes, the lower one first. */
static void test_eight_bytes_trapped(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x1000:map", true);
    g_assert_false(is_mapped(0));
    g_assert_cmpint(write_at(8, 8, 0x1122334455667788), ==, MEMTX_OK);
    g_assert_cmpuint(f.host->access_calls, ==, 2);
    g_assert_cmpuint(f.host->last_size, ==, 4);
    g_assert_cmpint(read_at(8, 8, &value), ==, MEMTX_OK);
    g_assert_cmphex(value, ==, 0x1122334455667788);
    g_assert_cmpuint(f.host->access_calls, ==, 4);
    teardown(&f);
}

/* Granted, but the fast path is off: one access through the mapping. */
static void test_eight_bytes_mapped(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x2000:map=0x1000+0x1000", false);
    vfio_region_set_mapped(&f.region, false);
    g_assert_cmpint(write_at(0x1008, 8, 0x1122334455667788), ==, MEMTX_OK);
    g_assert_cmpint(read_at(0x1008, 8, &value), ==, MEMTX_OK);
    g_assert_cmphex(value, ==, 0x1122334455667788);
    g_assert_cmpuint(f.host->access_calls, ==, 0);
    g_assert_cmpint(read_at(0xff8, 8, &value), ==, MEMTX_OK);
    g_assert_cmpuint(f.host->access_calls, ==, 2);
    teardown(&f);
}

/* A host that takes all 8 at once gets them, mapped or not. */
static void test_eight_bytes_at_once(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x2000:map=0x1000+0x1000", false);
    f.host->ops.access8 = true;
    vfio_region_set_mapped(&f.region, false);
    for (uint64_t offset = 8; offset < 0x2000; offset += 0x1000) {
        f.host->access_calls = 0;
        g_assert_cmpint(write_at(offset, 8, 0x1122334455667788), ==, MEMTX_OK);
        g_assert_cmpuint(f.host->access_calls, ==, 1);
        g_assert_cmpuint(f.host->last_size, ==, 8);
        g_assert_cmpint(read_at(offset, 8, &value), ==, MEMTX_OK);
        g_assert_cmphex(value, ==, 0x1122334455667788);
        g_assert_cmpuint(f.host->access_calls, ==, 2);
        g_assert_cmpuint(f.host->last_size, ==, 8);
    }
    teardown(&f);
}

static void test_fast_path(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x3000:map=0x1000+0x1000", false);
    g_assert_false(is_mapped(0));
    g_assert_true(is_mapped(0x1000));
    g_assert_false(is_mapped(0x2000));
    write_at(0x1010, 4, 0xcafe);
    g_assert_cmpuint(f.host->access_calls, ==, 0);
    vfio_region_set_mapped(&f.region, false);
    g_assert_false(is_mapped(0x1000));
    /* The same bytes by the other way. */
    g_assert_cmpint(read_at(0x1010, 4, &value), ==, MEMTX_OK);
    g_assert_cmphex(value, ==, 0xcafe);
    g_assert_cmpuint(f.host->access_calls, ==, 1);
    vfio_region_set_mapped(&f.region, true);
    g_assert_true(is_mapped(0x1000));
    teardown(&f);
}

static void test_sparse(void)
{
    Fixture f;

    setup(&f, "0x5000:map=0x1000+0x1000:map=0x3000+0x2000", false);
    g_assert_cmpuint(f.region.num_maps, ==, 2);
    g_assert_true(is_mapped(0x1000));
    g_assert_false(is_mapped(0x2000));
    g_assert_true(is_mapped(0x4fff));
    teardown(&f);
}

/* Parts that make no sense are trapped, whatever a peer offers. */
static void test_bad_parts(void)
{
    static const char *const texts[] = {
        "0x2000:map=0x800+0x1000",  "0x2000:map=0+0x800",
        "0x2000:map=0x1000+0x2000", "0x2000:map=0+0",
        "0x2000:map=0x3000+0x1000",
    };
    Fixture f;

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        setup(&f, texts[i], false);
        g_assert_cmpuint(f.region.num_maps, ==, 0);
        teardown(&f);
    }
    setup(&f, "0x3000:map=0x1000+0x1000:map=0+0x2000", false);
    g_assert_cmpuint(f.region.num_maps, ==, 1);
    teardown(&f);
}

static void test_read_only(void)
{
    Fixture f;
    uint64_t value;

    for (unsigned no_mmap = 0; no_mmap <= 1; no_mmap++) {
        setup(&f, "0x1000:ro:map", no_mmap);
        f.host->access_errno = 0;
        scripted_host_region(f.host, 0)->mem[4] = 0x5a;
        g_assert_cmpint(read_at(4, 1, &value), ==, MEMTX_OK);
        g_assert_cmphex(value, ==, 0x5a);
        g_assert_cmpint(write_at(4, 1, 0xff), !=, MEMTX_OK);
        g_assert_cmpint(write_at(8, 8, 0xff), !=, MEMTX_OK);
        g_assert_cmphex(scripted_host_region(f.host, 0)->mem[4], ==, 0x5a);
        g_assert_cmpuint(is_mapped(0), ==, !no_mmap);
        teardown(&f);
    }
}

static void test_write_only(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x1000:wo:map", false);
    g_assert_false(is_mapped(0));
    g_assert_cmpint(write_at(4, 4, 7), ==, MEMTX_OK);
    g_assert_cmpint(read_at(4, 4, &value), !=, MEMTX_OK);
    g_assert_cmphex(value, ==, 0xffffffff);
    teardown(&f);
}

/* Writes that are but a signal; all else goes to the host. */
static void test_ioeventfds(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x1000:signal=0x10+4:signal=0x20+0", false);
    g_assert_cmpuint(f.region.num_ioeventfds, ==, 2);
    write_at(0x10, 4, 7);
    write_at(0x10, 4, 8);
    write_at(0x20, 2, 9);
    write_at(0x20, 8, 9);
    g_assert_cmpuint(f.host->access_calls, ==, 0);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 0), ==, 2);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 1), ==, 2);
    write_at(0x10, 2, 7);
    write_at(0x12, 2, 7);
    read_at(0x10, 4, &value);
    read_at(0x20, 4, &value);
    g_assert_cmpuint(f.host->access_calls, ==, 4);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 0), ==, 0);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 1), ==, 0);
    /* They are the fast path, too. */
    vfio_region_set_mapped(&f.region, false);
    write_at(0x10, 4, 7);
    g_assert_cmpuint(f.host->access_calls, ==, 5);
    vfio_region_set_mapped(&f.region, true);
    write_at(0x10, 4, 7);
    g_assert_cmpuint(f.host->access_calls, ==, 5);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 0), ==, 1);
    teardown(&f);
    setup(&f, "0x1000:signal=0x10+4", true);
    g_assert_cmpuint(f.region.num_ioeventfds, ==, 0);
    write_at(0x10, 4, 7);
    g_assert_cmpuint(f.host->access_calls, ==, 1);
    teardown(&f);
}

/* A mapped page does not trap. */
static void test_ioeventfds_mapped(void)
{
    Fixture f;

    setup(&f,
          "0x3000:map=0x1000+0x1000:signal=0xffc+4:signal=0x1000+4:"
          "signal=0x1ffc+4:signal=0x2000+4",
          false);
    g_assert_cmpuint(f.region.num_ioeventfds, ==, 2);
    g_assert_true(is_mapped(0x1000));
    write_at(0xffc, 4, 1);
    write_at(0x1000, 4, 1);
    write_at(0x2000, 4, 1);
    g_assert_cmpuint(f.host->access_calls, ==, 0);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 0), ==, 1);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 1), ==, 0);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 3), ==, 1);
    vfio_region_set_mapped(&f.region, false);
    write_at(0x1000, 4, 1);
    g_assert_cmpuint(f.host->access_calls, ==, 1);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 1), ==, 0);
    teardown(&f);
}

static bool init_with_signal(Fixture *f, const char *text,
                             const VFIOIoEventFd *e)
{
    *f = (Fixture){0};
    f->host = scripted_host_new("dev", text, NULL, -1, NULL);
    scripted_host_add_signal(f->host, 0, e);
    return vfio_region_init(&f->region, &f->host->parent, 0, NULL, &f->access,
                            false, NULL);
}

static void test_ioeventfds_match(void)
{
    const VFIOIoEventFd e = {.offset = 8, .size = 4, .match = true, .data = 5};
    Fixture f;

    g_assert_true(init_with_signal(&f, "0x1000", &e));
    memory_region_add_subregion(get_system_memory(), BASE, &f.region.mr);
    write_at(8, 4, 4);
    g_assert_cmpuint(f.host->access_calls, ==, 1);
    write_at(8, 4, 5);
    g_assert_cmpuint(f.host->access_calls, ==, 1);
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 0), ==, 1);
    teardown(&f);
}

/* What the guest cannot do needs no eventfd. */
static void test_ioeventfds_bad(void)
{
    static const struct {
        const char *region;
        VFIOIoEventFd e;
        bool good;
    } cases[] = {
        {"0x1000", {.offset = 0xffc, .size = 4}, true},
        {"0x1000", {.offset = 0xfff, .size = 0}, true},
        {"0x1000", {.offset = 0xff8, .size = 8}, true},
        {"0x1000", {.size = 1, .match = true, .data = 0xff}, true},
        {"0x1000", {.size = 8, .match = true, .data = UINT64_MAX}, true},
        {"0x1000", {.size = 0, .match = true, .data = UINT64_MAX}, true},
        {"0x1000", {.offset = 0x1000, .size = 4}, false},
        {"0x1000", {.offset = 0x1000, .size = 0}, false},
        {"0x1000", {.offset = UINT64_MAX, .size = 1}, false},
        {"0x1000", {.offset = UINT64_MAX - 3, .size = 4}, false},
        {"0x1002", {.offset = 0x1000, .size = 4}, false},
        {"0x1000", {.offset = 2, .size = 4}, false},
        {"0x1000", {.size = 3}, false},
        {"0x1000", {.size = 16}, false},
        {"0x1000", {.size = UINT32_MAX}, false},
        {"0x1000", {.size = 1, .match = true, .data = 0x100}, false},
        {"0x1000", {.size = 4, .match = true, .data = 1ULL << 32}, false},
        {"0x1000:ro", {.size = 4}, false},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        Fixture f;

        g_assert_true(init_with_signal(&f, cases[i].region, &cases[i].e));
        g_assert_cmpuint(f.region.num_ioeventfds, ==, cases[i].good);
        teardown(&f);
    }
}

static int get_closed(VFIOHost *host, unsigned index, VFIOIoEventFd **fds,
                      unsigned *n)
{
    *fds = g_new0(VFIOIoEventFd, 1);
    **fds = (VFIOIoEventFd){.size = 4, .fd = -1};
    *n = 1;
    return 0;
}

/* Without them it only is slower. */
static void test_ioeventfds_refused(void)
{
    Fixture f;

    for (unsigned way = 0; way < 2; way++) {
        f = (Fixture){0};
        f.host = scripted_host_new("dev", "0x1000:signal=0+4", NULL, -1, NULL);
        if (way == 0) {
            f.host->fail = "get-ioeventfds 0";
        } else {
            f.host->ops.get_ioeventfds = get_closed;
        }
        g_assert_true(vfio_region_init(&f.region, &f.host->parent, 0, NULL,
                                       &f.access, false, NULL));
        memory_region_add_subregion(get_system_memory(), BASE, &f.region.mr);
        write_at(0, 4, 1);
        g_assert_cmpuint(f.host->access_calls, ==, 1);
        teardown(&f);
    }
}

static void test_empty(void)
{
    Fixture f;

    g_assert_true(try_setup(&f, "0", false, NULL));
    g_assert_false(f.region.present);
    vfio_region_set_mapped(&f.region, true);
    teardown(&f);
}

static void test_sub_page(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x200", false);
    g_assert_cmpint(write_at(0x1fc, 4, 3), ==, MEMTX_OK);
    g_assert_cmpint(read_at(0x200, 4, &value), ==, MEMTX_DECODE_ERROR);
    teardown(&f);
}

static void test_access_fails(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x1000", false);
    f.host->access_errno = EIO;
    for (unsigned way = 0; way <= 1; way++) {
        f.host->ops.access8 = way;
        for (unsigned size = 1; size <= 8; size *= 2) {
            g_assert_cmpint(read_at(8, size, &value), ==, MEMTX_ERROR);
            g_assert_cmphex(value, ==, UINT64_MAX >> (64 - 8 * size));
            g_assert_cmpint(write_at(8, size, 0), ==, MEMTX_ERROR);
        }
    }
    /* Not its own failure: the host went under it. */
    atomic_store(&f.host->parent.lost, true);
    g_assert_cmpint(read_at(8, 4, &value), ==, MEMTX_GONE);
    g_assert_cmphex(value, ==, 0xffffffff);
    g_assert_cmpint(write_at(8, 4, 0), ==, MEMTX_GONE);
    teardown(&f);
}

static void test_device_failed(void)
{
    Fixture f;
    uint64_t value;

    setup(&f, "0x1000", false);
    atomic_store(&f.access.failed, true);
    g_assert_cmpint(read_at(8, 4, &value), ==, MEMTX_GONE);
    g_assert_cmphex(value, ==, 0xffffffff);
    g_assert_cmpint(write_at(8, 4, 0), ==, MEMTX_GONE);
    g_assert_cmpuint(f.host->access_calls, ==, 0);
    teardown(&f);
}

static void *access_thread(void *opaque)
{
    uint64_t value;

    g_assert_false(machine_locked());
    read_at(0, 4, &value);
    write_at(0, 4, 1);
    return NULL;
}

/* This thread has the machine lock all the while, and nobody asks for it. */
static void test_lockless(void)
{
    Fixture f;
    GThread *thread;

    setup(&f, "0x1000", false);
    thread = g_thread_new("vcpu", access_thread, NULL);
    g_thread_join(thread);
    g_assert_cmpuint(f.host->access_calls, ==, 2);
    g_assert_cmpuint(f.trapped, ==, 0);
    teardown(&f);
}

/* While a line is ACTIVE each access is told, from any thread, after it. */
static void test_trapped(void)
{
    Fixture f;
    uint64_t value;
    GThread *thread;

    setup(&f, "0x1000", false);
    read_at(0, 4, &value);
    g_assert_cmpuint(f.trapped, ==, 0);
    atomic_store(&f.access.active, 1);
    read_at(0, 4, &value);
    write_at(0, 8, 0);
    g_assert_cmpuint(f.trapped, ==, 2);
    machine_unlock();
    thread = g_thread_new("vcpu", access_thread, NULL);
    g_thread_join(thread);
    machine_lock();
    g_assert_cmpuint(f.trapped, ==, 4);
    f.host->access_errno = EIO;
    read_at(0, 4, &value);
    g_assert_cmpuint(f.trapped, ==, 5);
    teardown(&f);
}

static void test_init_fails(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f = {0};

    f.host = scripted_host_new("dev", "0x3000:map=0+0x1000:map=0x2000+0x1000",
                               NULL, -1, NULL);
    f.host->fail = "map 0 0x2000+0x1000";
    f.host->fail_errno = ENOMEM;
    g_assert_false(vfio_region_init(&f.region, &f.host->parent, 0, NULL,
                                    &f.access, false, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: region 0: cannot map 0x1000 bytes at 0x2000 "
                    "(x-no-mmap=on does without): Cannot allocate memory");
    vfio_region_finish(&f.region);
    g_clear_pointer(&err, error_free);
    f.host->fail = "get-region 0";
    g_assert_false(vfio_region_init(&f.region, &f.host->parent, 0, NULL,
                                    &f.access, false, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: region 0: cannot get info: Cannot allocate "
                    "memory");
    teardown(&f);
}

static int get_huge(VFIOHost *host, unsigned index, VFIORegionInfo *info)
{
    *info = (VFIORegionInfo){.size = UINT64_MAX, .readable = true};
    return 0;
}

static void test_huge(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f = {0};

    f.host = scripted_host_new("dev", "0", NULL, -1, NULL);
    f.host->ops.get_region = get_huge;
    g_assert_false(vfio_region_init(&f.region, &f.host->parent, 0, NULL,
                                    &f.access, false, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: region 0: impossible size 0xffffffffffffffff");
    teardown(&f);
}

/* Names go into traces and messages: nothing but the name (no newline). */
static void test_name(void)
{
    Fixture f;

    setup(&f, "0x1000:map", false);
    g_assert_cmpstr(f.region.mr.name, ==, "vfio dev region 0");
    g_assert_cmpstr(f.region.maps[0].mr.name, ==, "vfio dev region 0 map 0");
    teardown(&f);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/vfio-region/sizes", test_sizes);
    g_test_add_func("/vfio-region/8-trapped", test_eight_bytes_trapped);
    g_test_add_func("/vfio-region/8-mapped", test_eight_bytes_mapped);
    g_test_add_func("/vfio-region/8-at-once", test_eight_bytes_at_once);
    g_test_add_func("/vfio-region/fast-path", test_fast_path);
    g_test_add_func("/vfio-region/sparse", test_sparse);
    g_test_add_func("/vfio-region/bad-parts", test_bad_parts);
    g_test_add_func("/vfio-region/read-only", test_read_only);
    g_test_add_func("/vfio-region/write-only", test_write_only);
    g_test_add_func("/vfio-region/ioeventfds", test_ioeventfds);
    g_test_add_func("/vfio-region/ioeventfds/mapped", test_ioeventfds_mapped);
    g_test_add_func("/vfio-region/ioeventfds/match", test_ioeventfds_match);
    g_test_add_func("/vfio-region/ioeventfds/bad", test_ioeventfds_bad);
    g_test_add_func("/vfio-region/ioeventfds/refused", test_ioeventfds_refused);
    g_test_add_func("/vfio-region/empty", test_empty);
    g_test_add_func("/vfio-region/sub-page", test_sub_page);
    g_test_add_func("/vfio-region/access-fails", test_access_fails);
    g_test_add_func("/vfio-region/device-failed", test_device_failed);
    g_test_add_func("/vfio-region/lockless", test_lockless);
    g_test_add_func("/vfio-region/trapped", test_trapped);
    g_test_add_func("/vfio-region/init-fails", test_init_fails);
    g_test_add_func("/vfio-region/huge", test_huge);
    g_test_add_func("/vfio-region/name", test_name);
    status = g_test_run();
    main_loop_finish();
    return status;
}
