/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c: a host that comes back, with other memory and other parts to map,
 * as another device, with call n of coming back failing for every n, and lost
 * once more meanwhile.
 */

#include <glib.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "scripted-device.h"
#include "util/fd.h"
#include "util/main-loop.h"

#define REGIONS SCRIPTED_DEVICE_REGIONS

/* The old mapping and the new one are not the same memory. */
static void test_new_memory(void)
{
    Fixture f;
    uint32_t value = 0x1234;

    setup(&f, REGIONS, "level", irqfd);
    address_space_write(address_space_memory(), SCRIPTED_DEVICE_BASE, &value,
                        4);
    g_assert_cmphex(access_region(0), ==, 0x1234);
    scripted_host_lose(f.host);
    come_back(&f);
    g_assert_cmphex(access_region(0), ==, 0);
    unrealize(&f);
}

/* Parts that may be mapped come, go and move; no more than that may. */
static void test_other_maps(void)
{
    static const char *const regions[] = {
        "0x4000:map",
        "0x4000",
        "0x4000:map=0x1000+0x1000",
        "0x4000:map=0+0x2000:map=0x3000+0x1000",
    };
    Fixture f;

    setup(&f, "0x4000", "level", irqfd);
    for (unsigned i = 0; i < G_N_ELEMENTS(regions); i++) {
        scripted_host_lose(f.host);
        scripted_host_reshape(f.host, regions[i], "level");
        come_back(&f);
        g_assert_cmpuint(f.vdev.regions[0].num_maps, ==,
                         f.vdev.regions[0].info.num_maps);
        g_assert_cmpuint(is_fast(0), ==, i % 3 == 0);
        check_interrupt(&f);
    }
    unrealize(&f);
}

static void write_signal(void)
{
    uint32_t value = 1;

    address_space_write(address_space_memory(), SCRIPTED_DEVICE_BASE + 0x10,
                        &value, 4);
}

/* The old ones are not written any more, and are no one's by then. */
static void test_ioeventfds(void)
{
    autofd int old = -1;
    Fixture f;

    setup(&f, "0x1000:signal=0x10+4;0", "level", trap);
    for (unsigned n = 0; n < 3; n++) {
        write_signal();
        g_assert_cmpuint(scripted_host_signalled(f.host, 0, 0), ==, 1);
        old = dup(scripted_host_region(f.host, 0)->signals[0].fd);
        scripted_host_lose(f.host);
        write_signal();
        g_assert_cmpint(eventfd_read(old, &(eventfd_t){0}), <, 0);
        fd_close(&old);
        come_back(&f);
    }
    g_assert_cmpuint(f.host->access_calls, ==, 0);
    check_interrupt(&f);
    /* While a line is up such a write is its EOI as any other access is. */
    scripted_host_raise(f.host, 0);
    settle();
    f.host->access_calls = 0;
    scripted_host_lower(f.host, 0);
    write_signal();
    g_assert_cmpuint(f.host->access_calls, ==, 1);
    g_assert_cmpint(f.input[0].level, ==, 0);
    advance_ms(5);
    write_signal();
    g_assert_cmpuint(f.host->access_calls, ==, 1);
    /* Back without any, and with another. */
    scripted_host_lose(f.host);
    scripted_host_reshape(f.host, "0x1000;0", "level");
    come_back(&f);
    write_signal();
    g_assert_cmpuint(f.host->access_calls, ==, 2);
    scripted_host_lose(f.host);
    scripted_host_reshape(f.host, "0x1000:signal=0x20+4:signal=0x10+0;0",
                          "level");
    come_back(&f);
    write_signal();
    g_assert_cmpuint(scripted_host_signalled(f.host, 0, 1), ==, 1);
    unrealize(&f);
}

static void test_another_device(void)
{
    static const struct {
        const char *regions;
        const char *lines;
        const char *text;
    } cases[] = {
        {"0x1000", "level;edge",
         "vfio dev: not the device that it was: 1 regions and 2 lines, where "
         "there were 2 and 2"},
        {"0x1000;0x2000", "level",
         "vfio dev: not the device that it was: 2 regions and 1 lines, where "
         "there were 2 and 2"},
        {"0x1000;0x3000", "level;edge",
         "vfio dev: region 1: not the device that it was: 0x3000 bytes, "
         "readable, writable, where there were 0x2000, readable, writable"},
        {"0;0x2000", "level;edge",
         "vfio dev: region 0: not the device that it was: 0x0 bytes, "
         "readable, writable, where there were 0x1000, readable, writable"},
        {"0x1000:ro;0x2000", "level;edge",
         "vfio dev: region 0: not the device that it was: 0x1000 bytes, "
         "readable, where there were 0x1000, readable, writable"},
        {"0x1000:wo;0x2000", "level;edge",
         "vfio dev: region 0: not the device that it was: 0x1000 bytes, "
         "writable, where there were 0x1000, readable, writable"},
        {"0x1000;0x2000", "edge;edge",
         "vfio dev: line 0: not the device that it was: 1 edge interrupts, "
         "where there was one level interrupt"},
        {"0x1000;0x2000", "level;level",
         "vfio dev: line 1: not the device that it was: 1 level interrupts, "
         "where there was one edge interrupt"},
    };
    Fixture f;

    setup(&f, "0x1000:map;0x2000", "level;edge", irqfd);
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        scripted_host_lose(f.host);
        scripted_host_reshape(f.host, cases[i].regions, cases[i].lines);
        g_assert_false(scripted_host_return(f.host, &err));
        g_assert_cmpstr(error_get_pretty(err), ==, cases[i].text);
        scripted_host_break(f.host);
        check_lost(&f);
    }
    /* The right one at last. */
    scripted_host_reshape(f.host, "0x1000:map;0x2000", "level;edge");
    come_back(&f);
    check_works(&f);
    unrealize(&f);
}

static int get_irq_without_eventfd(VFIOHost *host, unsigned index,
                                   VFIOIrqInfo *info)
{
    *info = (VFIOIrqInfo){.count = 2, .automasked = true};
    return 0;
}

static void test_no_line_any_more(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f;

    setup(&f, "0x1000:map", "level", irqfd);
    scripted_host_lose(f.host);
    f.host->ops.get_irq = get_irq_without_eventfd;
    g_assert_false(scripted_host_return(f.host, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: line 0: not the device that it was: 2 level "
                    "interrupts without an eventfd, where there was one level "
                    "interrupt");
    unrealize(&f);
}

/* Call n of coming back fails; then, or the next time, it is there. */
static void sweep_back(Offer offer, int calls)
{
    unsigned before = open_fds();

    for (int n = 0;; n++) {
        g_autoptr(Error) err = NULL;
        Fixture f;
        bool ok;

        setup(&f, REGIONS, "level;edge", offer);
        scripted_host_lose(f.host);
        f.host->fail_at = f.host->calls + n;
        ok = scripted_host_return(f.host, &err);
        f.host->fail_at = -1;
        if (!ok) {
            g_assert_true(
                g_str_has_prefix(error_get_pretty(err), "vfio dev: "));
            g_assert_nonnull(
                strstr(error_get_pretty(err), "Input/output error"));
            scripted_host_break(f.host);
            check_lost(&f);
            come_back(&f);
        }
        check_works(&f);
        unrealize(&f);
        g_assert_cmpuint(open_fds(), ==, before);
        if (ok) {
            g_assert_cmpint(n, ==, calls);
            return;
        }
    }
}

/* info, 3 regions with 3 maps, 2 lines asked for and probed, RAM, arming */
static void test_sweep(void)
{
    sweep_back(irqfd, 12 + 4);
    sweep_back(eoi, 12 + 3);
    sweep_back(trap, 12 + 3);
}

/* It goes again in call n of coming back: that and all later ones fail. */
static int breaking_get_irq(VFIOHost *host, unsigned index, VFIOIrqInfo *info)
{
    scripted_host_break((ScriptedHost *)host);
    return -ENOTCONN;
}

static void test_lost_again(void)
{
    int (*get_irq)(VFIOHost *, unsigned, VFIOIrqInfo *);
    g_autoptr(Error) err = NULL;
    Fixture f;

    setup(&f, REGIONS, "level;edge", irqfd);
    get_irq = f.host->ops.get_irq;
    scripted_host_lose(f.host);
    f.host->ops.get_irq = breaking_get_irq;
    g_assert_false(scripted_host_return(f.host, &err));
    /* Told, as it happened twice. */
    scripted_host_lose(f.host);
    scripted_host_lose(f.host);
    check_lost(&f);
    f.host->ops.get_irq = get_irq;
    come_back(&f);
    check_works(&f);
    unrealize(&f);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    clock_virtual_set_manual();
    g_test_add_func("/vfio-back/new-memory", test_new_memory);
    g_test_add_func("/vfio-back/other-maps", test_other_maps);
    g_test_add_func("/vfio-back/ioeventfds", test_ioeventfds);
    g_test_add_func("/vfio-back/another-device", test_another_device);
    g_test_add_func("/vfio-back/no-line-any-more", test_no_line_any_more);
    g_test_add_func("/vfio-back/sweep", test_sweep);
    g_test_add_func("/vfio-back/lost-again", test_lost_again);
    status = g_test_run();
    main_loop_finish();
    return status;
}
