/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dma.c: what of the guest's memory is mapped for the device, and what a
 * person reads when the host refuses.
 */

#include <glib.h>
#include <errno.h>
#include <string.h>

#include "hw/vfio/dma.h"
#include "hw/vfio/kernel.h"
#include "scripted-host.h"
#include "util/main-loop.h"

#define RAM_BASE 0x40000000ULL

typedef struct Fixture {
    ScriptedHost *host;
    MemoryRegion ram;
    VFIODma dma;
    Error *failure;
} Fixture;

static void on_failed(void *opaque, Error *err)
{
    Fixture *f = opaque;

    g_assert_null(f->failure);
    f->failure = err;
}

static void setup(Fixture *f)
{
    *f = (Fixture){0};
    f->host = scripted_host_new("dev", NULL, NULL, -1, NULL);
    g_assert_true(memory_region_init_ram(&f->ram, NULL, "ram", 0x10000, NULL));
    memory_region_add_subregion(get_system_memory(), RAM_BASE, &f->ram);
}

static bool start(Fixture *f, Error **errp)
{
    return vfio_dma_start(&f->dma, &f->host->parent, address_space_memory(),
                          on_failed, f, errp);
}

static void teardown(Fixture *f)
{
    vfio_dma_stop(&f->dma);
    vfio_dma_stop(&f->dma);
    memory_region_del_subregion(get_system_memory(), &f->ram);
    memory_region_finish(&f->ram);
    error_free(f->failure);
    f->host->ops.close(&f->host->parent);
}

static void expect_log(Fixture *f, const char *expect)
{
    g_autofree char *log = scripted_host_take_log(f->host);

    g_assert_cmpstr(log, ==, expect);
}

static void test_ram(void)
{
    Fixture f;

    setup(&f);
    g_assert_true(start(&f, NULL));
    expect_log(&f, "dma-map 0x40000000+0x10000\n");
    vfio_dma_stop(&f.dma);
    expect_log(&f, "dma-unmap 0x40000000+0x10000\n");
    memory_region_set_readonly(&f.ram, true);
    g_assert_true(start(&f, NULL));
    expect_log(&f, "dma-map 0x40000000+0x10000 ro\n");
    memory_region_set_readonly(&f.ram, false);
    expect_log(&f, "dma-unmap 0x40000000+0x10000\n"
                   "dma-map 0x40000000+0x10000\n");
    teardown(&f);
}

/* Registers come and go without the IOMMU hearing of it. */
static void test_ram_device(void)
{
    static _Alignas(4096) uint8_t page[4096];
    MemoryRegion regs;
    Fixture f;

    setup(&f);
    memory_region_init_ram_device(&regs, NULL, "regs", 4096, page);
    memory_region_add_subregion(get_system_memory(), 0x10000000, &regs);
    g_assert_true(start(&f, NULL));
    expect_log(&f, "dma-map 0x40000000+0x10000\n");
    for (unsigned i = 0; i < 4; i++) {
        memory_region_set_enabled(&regs, i & 1);
    }
    expect_log(&f, "");
    memory_region_del_subregion(get_system_memory(), &regs);
    memory_region_finish(&regs);
    teardown(&f);
}

/* A hole in RAM that is no whole page: only whole pages are mapped. */
static void test_partial_pages(void)
{
    MemoryRegion hole;
    Fixture f;

    setup(&f);
    memory_region_init_io(&hole, NULL, &(MemoryRegionOps){0}, NULL, "hole",
                          0x200);
    g_assert_true(start(&f, NULL));
    g_free(scripted_host_take_log(f.host));
    memory_region_add_subregion_overlap(get_system_memory(), RAM_BASE + 0x2100,
                                        &hole, 1);
    expect_log(&f, "dma-unmap 0x40000000+0x10000\n"
                   "dma-map 0x40000000+0x2000\n"
                   "dma-map 0x40003000+0xd000\n");
    memory_region_del_subregion(get_system_memory(), &hole);
    expect_log(&f, "dma-unmap 0x40000000+0x2000\n"
                   "dma-unmap 0x40003000+0xd000\n"
                   "dma-map 0x40000000+0x10000\n");
    memory_region_finish(&hole);
    teardown(&f);
}

static void check_error(const Error *err, const char *reason, const char *way)
{
    const char *text = error_get_pretty(err);

    g_assert_true(g_str_has_prefix(text, "vfio dev: cannot map 0x10000 bytes "
                                         "of guest RAM at 0x40000000 for its "
                                         "DMA: "));
    g_assert_nonnull(strstr(text, reason));
    g_assert_nonnull(strstr(text, way));
}

static void test_refused(void)
{
    static const struct {
        int err;
        const char *reason;
        const char *way;
    } cases[] = {
        {ENOMEM, "RLIMIT_MEMLOCK is ", "ulimit -l"},
        {ENOSPC, "too many mappings", "dma_entry_limit"},
        {EINVAL, "outside of what", "less RAM with -m"},
        {EPERM, "Operation not permitted", ""},
    };
    Fixture f;

    setup(&f);
    f.host->ops.dma_explain = vfio_container_explain_map;
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        f.host->fail = "dma-map 0x40000000+0x10000";
        f.host->fail_errno = cases[i].err;
        g_assert_false(start(&f, &err));
        check_error(err, cases[i].reason, cases[i].way);
    }
    f.host->fail = NULL;
    g_assert_true(start(&f, NULL));
    teardown(&f);
}

/* A host that has no advice. */
static void test_unexplained(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f;

    setup(&f);
    f.host->fail = "dma-map 0x40000000+0x10000";
    f.host->fail_errno = ENOSPC;
    g_assert_false(start(&f, &err));
    check_error(err, "No space left on device", "");
    g_assert_null(strchr(error_get_pretty(err), ';'));
    teardown(&f);
}

/* One failure is reported; what was mapped before it is unmapped. */
static void test_refused_halfway(void)
{
    g_autoptr(Error) err = NULL;
    MemoryRegion more;
    Fixture f;

    setup(&f);
    g_assert_true(memory_region_init_ram(&more, NULL, "more", 0x1000, NULL));
    memory_region_add_subregion(get_system_memory(), RAM_BASE + 0x100000,
                                &more);
    f.host->fail = "dma-map 0x40100000+0x1000";
    g_assert_false(start(&f, &err));
    g_assert_cmpuint(f.host->dma_bytes, ==, 0);
    memory_region_del_subregion(get_system_memory(), &more);
    memory_region_finish(&more);
    teardown(&f);
}

static void test_fails_later(void)
{
    MemoryRegion more;
    Fixture f;

    setup(&f);
    g_assert_true(start(&f, NULL));
    g_assert_true(memory_region_init_ram(&more, NULL, "more", 0x1000, NULL));
    f.host->fail = "dma-map 0x40100000+0x1000";
    memory_region_add_subregion(get_system_memory(), RAM_BASE + 0x100000,
                                &more);
    g_assert_nonnull(f.failure);
    memory_region_del_subregion(get_system_memory(), &more);
    memory_region_finish(&more);
    teardown(&f);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/vfio-dma/ram", test_ram);
    g_test_add_func("/vfio-dma/ram-device", test_ram_device);
    g_test_add_func("/vfio-dma/partial-pages", test_partial_pages);
    g_test_add_func("/vfio-dma/refused", test_refused);
    g_test_add_func("/vfio-dma/unexplained", test_unexplained);
    g_test_add_func("/vfio-dma/refused-halfway", test_refused_halfway);
    g_test_add_func("/vfio-dma/fails-later", test_fails_later);
    status = g_test_run();
    main_loop_finish();
    return status;
}
