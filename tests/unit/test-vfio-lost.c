/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c: a host that is lost, with everything in every state, and that
 * comes back: as it was, as another one, in the middle of a reset, and with
 * call n of coming back failing, for every n.
 */

#include <glib.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hw/core/reset.h"
#include "scripted-device.h"
#include "util/container-of.h"
#include "util/fd.h"
#include "util/main-loop.h"

#define REGIONS "0x1000:map;0;0x2000:map=0+0x1000:map=0x1000+0x1000"

static const Offer eoi = {false, true};

static void come_back(Fixture *f)
{
    g_autoptr(Error) err = NULL;
    bool ok = scripted_host_return(f->host, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_true(ok);
}

static void expect_log(Fixture *f, const char *expect)
{
    g_autofree char *log = scripted_host_take_log(f->host);

    g_assert_cmpstr(log, ==, expect);
}

static void check_lost(Fixture *f)
{
    g_assert_true(atomic_load(&f->vdev.access.failed));
    g_assert_cmpuint(f->host->dma_bytes, ==, 0);
    for (unsigned i = 0; i < f->vdev.info.num_regions; i++) {
        g_assert_cmpuint(f->vdev.regions[i].num_maps, ==, 0);
    }
    g_free(scripted_host_take_log(f->host));
    g_assert_false(is_fast(0));
    g_assert_cmphex(access_region(0), ==, 0xffffffff);
    for (unsigned i = 0; i < f->vdev.info.num_irqs; i++) {
        g_assert_cmpint(f->input[i].level, ==, 0);
        g_assert_null(f->input[i].fd);
        g_assert_null(f->input[i].eoi);
    }
    /* The machine goes on, and the host is left alone. */
    run_state_set(false);
    reset_all();
    run_state_set(true);
    advance_ms(100);
    settle();
    g_assert_false(is_fast(0));
    expect_log(f, "");
}

/* One interrupt of line 0, a level, all the way. */
static void check_interrupt(Fixture *f)
{
    unsigned rises = f->input[0].rises;

    scripted_host_raise(f->host, 0);
    settle();
    if (f->input[0].fd) {
        scripted_input_deliver(&f->input[0]);
    }
    g_assert_cmpuint(f->input[0].rises, ==, rises + 1);
    g_assert_cmpint(f->input[0].level, ==, 1);
    scripted_host_lower(f->host, 0);
    access_region(0);
    scripted_input_eoi(&f->input[0]);
    settle();
    g_assert_cmpint(f->input[0].level, ==, 0);
    g_assert_false(scripted_host_line(f->host, 0)->masked);
    advance_ms(5);
    settle();
}

static void check_works(Fixture *f)
{
    uint32_t value = 0xcafe;

    g_assert_false(atomic_load(&f->vdev.access.failed));
    g_assert_cmpuint(f->host->dma_bytes, ==, 0x4000);
    g_assert_true(is_fast(0));
    address_space_write(address_space_memory(), SCRIPTED_DEVICE_BASE + 8,
                        &value, 4);
    g_assert_cmpint(
        memcmp(scripted_host_region(f->host, 0)->mem + 8, &value, 4), ==, 0);
    check_interrupt(f);
    g_assert_true(is_fast(0));
}

static void test_all_routes(void)
{
    const Offer offers[] = {irqfd, eoi, trap};
    unsigned before = open_fds();

    for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
        Fixture f;

        setup(&f, REGIONS, "level;edge", offers[i]);
        for (unsigned n = 0; n < 3; n++) {
            check_works(&f);
            scripted_host_lose(f.host);
            check_lost(&f);
            come_back(&f);
        }
        check_works(&f);
        unrealize(&f);
        g_assert_cmpuint(open_fds(), ==, before);
    }
}

/* What is asked of the host, and in which order. */
static void test_calls(void)
{
    Fixture f;

    setup(&f, "0x2000:map=0x1000+0x1000", "level;edge", irqfd);
    scripted_host_lose(f.host);
    expect_log(&f, "set-irq 0 trigger-off LOST\n"
                   "set-irq 0 unmask-off LOST\n"
                   "set-irq 1 trigger-off LOST\n"
                   "unmap 0x1000 LOST\n"
                   "dma-unmap 0x40000000+0x4000 LOST\n");
    come_back(&f);
    expect_log(&f, "get-info\n"
                   "get-region 0\n"
                   "map 0 0x1000+0x1000\n"
                   "get-irq 0\n"
                   "set-irq 0 probe\n"
                   "get-irq 1\n"
                   "set-irq 1 probe\n"
                   "dma-map 0x40000000+0x4000\n"
                   "set-irq 0 unmask-fd\n"
                   "set-irq 0 trigger-fd\n"
                   "set-irq 0 unmask-now\n"
                   "set-irq 1 trigger-fd\n");
    unrealize(&f);
}

/* Asserted while it was lost, or all the time: delivered once it is back. */
static void test_asserted(void)
{
    const Offer offers[] = {irqfd, eoi, trap};

    for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
        Fixture f;

        setup(&f, REGIONS, "level;level", offers[i]);
        scripted_host_raise(f.host, 0);
        settle();
        scripted_host_lose(f.host);
        g_assert_cmpint(f.input[0].level, ==, 0);
        scripted_host_raise(f.host, 1);
        settle();
        come_back(&f);
        settle();
        for (unsigned n = 0; n < 2; n++) {
            if (f.input[n].fd) {
                g_assert_true(scripted_input_deliver(&f.input[n]));
            }
            g_assert_cmpint(f.input[n].level, ==, 1);
        }
        unrealize(&f);
    }
}

/* An edge that the old host left behind is not the new one's. */
static void test_old_edge(void)
{
    Fixture f;

    setup(&f, REGIONS, "level;edge", trap);
    /* As a trigger in the middle of a reset leaves it. */
    f.vdev.irqs[1].state = VFIO_IRQ_MASKED_AGAIN;
    scripted_host_lose(f.host);
    come_back(&f);
    settle();
    g_assert_cmpuint(f.input[1].rises, ==, 0);
    unrealize(&f);
}

/* Lost with a line up, the fast path off, the timer running. */
static void test_busy(void)
{
    Fixture f;

    setup(&f, REGIONS, "level", trap);
    scripted_host_raise(f.host, 0);
    settle();
    g_assert_false(is_fast(0));
    scripted_host_lower(f.host, 0);
    scripted_host_lose(f.host);
    g_assert_cmpuint(atomic_load(&f.vdev.access.active), ==, 0);
    check_lost(&f);
    come_back(&f);
    check_works(&f);
    scripted_host_raise(f.host, 0);
    settle();
    scripted_host_lower(f.host, 0);
    access_region(0);
    g_assert_true(timer_pending(&f.vdev.timer));
    scripted_host_lose(f.host);
    come_back(&f);
    g_assert_false(timer_pending(&f.vdev.timer));
    check_works(&f);
    unrealize(&f);
}

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
    static const char *const regions[] = {"0x4000:map", "0x4000",
                                          "0x4000:map=0x1000+0x1000",
                                          "0x4000:map=0+0x2000:map=0x3000+"
                                          "0x1000"};
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

/*
 * A call notices before anybody is told: nothing is said of the call, and when
 * the host is back so is the device.
 */
static void test_noticed_first(void)
{
    Fixture f;

    setup(&f, REGIONS, "level;edge", trap);
    scripted_host_raise(f.host, 0);
    settle();
    scripted_host_break(f.host);
    access_region(0);
    g_assert_true(atomic_load(&f.vdev.access.failed));
    g_assert_cmpint(f.input[0].level, ==, 0);
    run_state_set(false);
    reset_all();
    run_state_set(true);
    scripted_host_lower(f.host, 0);
    scripted_host_lose(f.host);
    check_lost(&f);
    come_back(&f);
    check_works(&f);
    unrealize(&f);
}

/* What failed for a reason of its own is tried again, too. */
static void test_failed_before(void)
{
    MemoryRegion more;
    Fixture f;

    setup(&f, REGIONS, "level;edge", trap);
    f.host->fail = "dma-map 0x50000000+0x1000";
    g_assert_true(memory_region_init_ram(&more, NULL, "more", 0x1000, NULL));
    memory_region_add_subregion(get_system_memory(), 0x50000000, &more);
    settle();
    f.host->fail = NULL;
    g_assert_true(atomic_load(&f.vdev.access.failed));
    memory_region_del_subregion(get_system_memory(), &more);
    scripted_host_lose(f.host);
    check_lost(&f);
    come_back(&f);
    check_works(&f);
    memory_region_finish(&more);
    unrealize(&f);
}

/* RAM could not be mapped, and before that is acted on the host has gone. */
static void test_dma_err_forgotten(void)
{
    MemoryRegion more;
    Fixture f;

    setup(&f, REGIONS, "level;edge", trap);
    f.host->fail = "dma-map 0x50000000+0x1000";
    g_assert_true(memory_region_init_ram(&more, NULL, "more", 0x1000, NULL));
    memory_region_add_subregion(get_system_memory(), 0x50000000, &more);
    f.host->fail = NULL;
    memory_region_del_subregion(get_system_memory(), &more);
    scripted_host_lose(f.host);
    come_back(&f);
    settle();
    check_works(&f);
    memory_region_finish(&more);
    unrealize(&f);
}

/* RAM that comes and goes while it is lost is what it gets when it is back. */
static void test_ram_meanwhile(void)
{
    MemoryRegion more;
    Fixture f;

    setup(&f, REGIONS, "level;edge", irqfd);
    scripted_host_lose(f.host);
    g_free(scripted_host_take_log(f.host));
    g_assert_true(memory_region_init_ram(&more, NULL, "more", 0x1000, NULL));
    memory_region_add_subregion(get_system_memory(), 0x50000000, &more);
    expect_log(&f, "");
    come_back(&f);
    g_assert_cmpuint(f.host->dma_bytes, ==, 0x5000);
    memory_region_del_subregion(get_system_memory(), &more);
    memory_region_finish(&more);
    check_works(&f);
    unrealize(&f);
}

/* Before the machine ever ran: lines wait for that, as they do anyway. */
static void test_before_running(void)
{
    Fixture f;

    for (unsigned back_first = 0; back_first <= 1; back_first++) {
        prepare(&f, REGIONS, "level;edge");
        g_assert_true(realize(&f, irqfd, NULL));
        scripted_host_lose(f.host);
        reset_all();
        if (back_first) {
            come_back(&f);
            g_assert_null(f.input[0].fd);
        }
        run_state_set(true);
        if (!back_first) {
            g_assert_null(f.input[0].fd);
            come_back(&f);
        }
        g_assert_nonnull(f.input[0].fd);
        check_works(&f);
        unrealize(&f);
    }
}

static void test_while_stopped(void)
{
    Fixture f;

    setup(&f, REGIONS, "level;edge", irqfd);
    run_state_set(false);
    scripted_host_lose(f.host);
    come_back(&f);
    run_state_set(true);
    check_works(&f);
    unrealize(&f);
}

/* The guest's reset is made up for, and only then. */
static void test_missed_reset(void)
{
    Fixture f;

    setup(&f, REGIONS, "level;edge", irqfd);
    g_assert_cmpuint(f.host->resets, ==, 1);
    scripted_host_lose(f.host);
    come_back(&f);
    g_assert_cmpuint(f.host->resets, ==, 1);
    scripted_host_lose(f.host);
    reset_all();
    come_back(&f);
    g_assert_cmpuint(f.host->resets, ==, 2);
    /* Not forgotten when coming back fails. */
    scripted_host_lose(f.host);
    reset_all();
    f.host->fail = "set-irq 1 trigger-fd";
    g_assert_false(scripted_host_return(f.host, NULL));
    f.host->fail = NULL;
    scripted_host_break(f.host);
    come_back(&f);
    g_assert_cmpuint(f.host->resets, ==, 4);
    unrealize(&f);
}

/* ---- in the middle of a reset ---- */

typedef struct InPhase {
    ResetHandler handler;
    Fixture *f;
    void (*act)(Fixture *f);
} InPhase;

static void act_in_phase(ResetHandler *handler)
{
    InPhase *in = container_of(handler, InPhase, handler);

    in->act(in->f);
}

static void reset_with(Fixture *f, ResetPhase phase, void (*act)(Fixture *f))
{
    InPhase in = {.f = f, .act = act};

    reset_register(&in.handler, phase, act_in_phase);
    run_state_set(false);
    reset_all();
    reset_unregister(&in.handler);
    run_state_set(true);
}

static void lose(Fixture *f)
{
    scripted_host_lose(f->host);
}

static void lose_and_return(Fixture *f)
{
    lose(f);
    come_back(f);
}

/* Every line waits for its phase, and edges stay latched until then. */
static void return_raised(Fixture *f)
{
    come_back(f);
    scripted_host_raise(f->host, 1);
    settle();
    g_assert_cmpuint(f->input[1].rises, ==, 0);
    g_assert_null(f->input[0].fd);
}

static void test_in_a_reset(void)
{
    static const ResetPhase phases[] = {RESET_DISARM, RESET_DEVICE,
                                        RESET_CONTROLLER, RESET_CPU};
    const Offer offers[] = {irqfd, trap};

    for (unsigned i = 0; i < G_N_ELEMENTS(phases) * 2; i++) {
        ResetPhase phase = phases[i / 2];
        Fixture f;

        setup(&f, REGIONS, "level;edge", offers[i % 2]);
        reset_with(&f, phase, lose);
        check_lost(&f);
        come_back(&f);
        check_works(&f);
        reset_with(&f, phase, lose_and_return);
        check_works(&f);
        scripted_host_lose(f.host);
        reset_with(&f, phase, return_raised);
        settle();
        if (f.input[1].fd) {
            scripted_input_deliver(&f.input[1]);
        }
        g_assert_cmpuint(f.input[1].rises, ==, 1);
        check_works(&f);
        unrealize(&f);
    }
}

static void fail_arming(Fixture *f)
{
    come_back(f);
    f->host->fail = "set-irq 1 trigger-fd";
}

/* Back in a reset, and the arming at its end fails. */
static void test_in_a_reset_fails(void)
{
    Fixture f;

    setup(&f, REGIONS, "level;edge", irqfd);
    scripted_host_lose(f.host);
    reset_with(&f, RESET_MEMORY, fail_arming);
    f.host->fail = NULL;
    g_assert_true(atomic_load(&f.vdev.access.failed));
    scripted_host_lose(f.host);
    check_lost(&f);
    come_back(&f);
    check_works(&f);
    unrealize(&f);
}

/* ---- ends ---- */

static void test_finish_lost(void)
{
    unsigned before = open_fds();
    Fixture f;

    setup(&f, REGIONS, "level;edge", trap);
    scripted_host_raise(f.host, 0);
    settle();
    scripted_host_lose(f.host);
    unrealize(&f);
    /* Nobody was told yet. */
    setup(&f, REGIONS, "level;edge", irqfd);
    scripted_host_break(f.host);
    unrealize(&f);
    g_assert_cmpuint(open_fds(), ==, before);
}

/* Nobody listens to the host after that, nor before the device is whole. */
static void test_client(void)
{
    Fixture f;

    prepare(&f, REGIONS, "level");
    g_assert_null(f.host->parent.client);
    f.host->fail = "get-irq 0";
    g_assert_false(realize(&f, irqfd, NULL));
    g_assert_null(f.host->parent.client);
    unrealize(&f);
    setup(&f, REGIONS, "level", irqfd);
    g_assert_nonnull(f.host->parent.client);
    vfio_device_quiesce(&f.vdev);
    g_assert_null(f.host->parent.client);
    scripted_host_lose(f.host);
    unrealize(&f);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    clock_virtual_set_manual();
    g_test_add_func("/vfio-lost/all-routes", test_all_routes);
    g_test_add_func("/vfio-lost/calls", test_calls);
    g_test_add_func("/vfio-lost/asserted", test_asserted);
    g_test_add_func("/vfio-lost/old-edge", test_old_edge);
    g_test_add_func("/vfio-lost/busy", test_busy);
    g_test_add_func("/vfio-lost/new-memory", test_new_memory);
    g_test_add_func("/vfio-lost/other-maps", test_other_maps);
    g_test_add_func("/vfio-lost/ioeventfds", test_ioeventfds);
    g_test_add_func("/vfio-lost/another-device", test_another_device);
    g_test_add_func("/vfio-lost/no-line-any-more", test_no_line_any_more);
    g_test_add_func("/vfio-lost/sweep", test_sweep);
    g_test_add_func("/vfio-lost/again", test_lost_again);
    g_test_add_func("/vfio-lost/noticed-first", test_noticed_first);
    g_test_add_func("/vfio-lost/failed-before", test_failed_before);
    g_test_add_func("/vfio-lost/dma-err-forgotten", test_dma_err_forgotten);
    g_test_add_func("/vfio-lost/ram-meanwhile", test_ram_meanwhile);
    g_test_add_func("/vfio-lost/before-running", test_before_running);
    g_test_add_func("/vfio-lost/while-stopped", test_while_stopped);
    g_test_add_func("/vfio-lost/missed-reset", test_missed_reset);
    g_test_add_func("/vfio-lost/in-a-reset", test_in_a_reset);
    g_test_add_func("/vfio-lost/in-a-reset/fails", test_in_a_reset_fails);
    g_test_add_func("/vfio-lost/finish", test_finish_lost);
    g_test_add_func("/vfio-lost/client", test_client);
    status = g_test_run();
    main_loop_finish();
    return status;
}
