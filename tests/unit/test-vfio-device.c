/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c: the fast path and its timer, resets in their phases, arming, and
 * the fault sweep: call n of realize, arming and reset fails, for every n.
 */

#include <glib.h>
#include <errno.h>
#include <string.h>

#include "hw/vfio/device.h"
#include "scripted-device.h"
#include "util/container-of.h"
#include "util/main-loop.h"

#define MS 1000000LL

/* ---- the fast path ---- */

static void test_toggle(void)
{
    Fixture f;

    setup(&f, "0x1000:map;0x2000:map", "level", trap);
    g_assert_true(is_fast(0) && is_fast(1));
    scripted_host_raise(f.host, 0);
    settle();
    g_assert_cmpint(f.input[0].level, ==, 1);
    g_assert_false(is_fast(0) || is_fast(1));
    /* However long the guest takes. */
    advance_ms(1000);
    g_assert_false(is_fast(0));
    scripted_host_lower(f.host, 0);
    access_region(1);
    g_assert_cmpint(f.input[0].level, ==, 0);
    advance_ms(4);
    g_assert_false(is_fast(0));
    advance_ms(1);
    g_assert_true(is_fast(0) && is_fast(1));
    unrealize(&f);
}

/* Interrupts every 10 ms, served in 1: the fast path is back for 4 of 10. */
static void test_fast_between_interrupts(void)
{
    Fixture f;
    unsigned fast_ms = 0;

    setup(&f, "0x1000:map", "level", trap);
    for (unsigned ms = 0; ms < 1000; ms++) {
        if (ms % 10 == 0) {
            scripted_host_raise(f.host, 0);
            settle();
        } else if (ms % 10 == 1) {
            scripted_host_lower(f.host, 0);
            access_region(0);
        }
        fast_ms += is_fast(0);
        advance_ms(1);
    }
    g_assert_cmpuint(fast_ms, ==, 400);
    unrealize(&f);
}

typedef struct Counter {
    MemoryListener listener;
    unsigned commits;
    Fixture *f;
    int level_at_commit;
} Counter;

static void on_commit(MemoryListener *listener)
{
    Counter *counter = (Counter *)listener;

    counter->commits++;
    counter->level_at_commit = counter->f->input[0].level;
}

/* All regions at once, before the line is up, without the IOMMU. */
static void test_one_transaction(void)
{
    Fixture f;
    Counter counter = {.listener = {.commit = on_commit}, .f = &f};

    setup(&f, "0x1000:map;0x2000:map;0x3000:map=0+0x1000:map=0x2000+0x1000",
          "level", trap);
    memory_listener_register(&counter.listener, address_space_memory());
    counter.commits = 0;
    scripted_host_raise(f.host, 0);
    settle();
    g_assert_cmpuint(counter.commits, ==, 1);
    g_assert_cmpint(counter.level_at_commit, ==, 0);
    scripted_host_lower(f.host, 0);
    g_free(scripted_host_take_log(f.host));
    access_region(0);
    advance_ms(5);
    g_assert_cmpuint(counter.commits, ==, 2);
    {
        g_autofree char *log = scripted_host_take_log(f.host);

        g_assert_cmpstr(log, ==, "set-irq 0 unmask-now\n");
    }
    memory_listener_unregister(&counter.listener);
    unrealize(&f);
}

/* A line that nobody serves neither holds up the others nor loses them. */
static void test_no_line_waits(void)
{
    Fixture f;

    setup(&f, "0x1000:map", "level;level;edge", trap);
    scripted_host_raise(f.host, 0);
    settle();
    scripted_host_raise(f.host, 1);
    scripted_host_raise(f.host, 2);
    settle();
    g_assert_cmpint(f.input[0].level, ==, 1);
    g_assert_cmpint(f.input[1].level, ==, 1);
    g_assert_cmpuint(f.input[2].rises, ==, 1);
    g_assert_cmpuint(atomic_load(&f.vdev.access.active), ==, 2);
    /* The guest serves line 1; line 0 still asks, and so is up again. */
    scripted_host_lower(f.host, 1);
    access_region(0);
    settle();
    g_assert_cmpint(f.input[0].level, ==, 1);
    g_assert_cmpint(f.input[1].level, ==, 0);
    scripted_host_raise(f.host, 1);
    settle();
    g_assert_cmpint(f.input[1].level, ==, 1);
    unrealize(&f);
}

/* The other routes never leave the fast path. */
static void test_fast_always(void)
{
    static const Offer offers[] = {{true, true}, {false, true}};

    for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
        Fixture f;

        setup(&f, "0x1000:map", "level", offers[i]);
        scripted_host_raise(f.host, 0);
        settle();
        if (f.input[0].fd) {
            scripted_input_deliver(&f.input[0]);
        }
        g_assert_true(is_fast(0));
        unrealize(&f);
    }
}

/* ---- resets ---- */

/* Notes what the rest of the machine does meanwhile. */
typedef struct PhaseLog {
    ResetHandler handler;
    Fixture *f;
    const char *text;
} PhaseLog;

static void log_phase(ResetHandler *handler)
{
    PhaseLog *phase = container_of(handler, PhaseLog, handler);

    g_string_append_printf(phase->f->host->log, "%s %u\n", phase->text,
                           phase->f->input[0].triggers_set);
}

/*
 * The controller is reset between the host's reset and the unmask, and knows
 * by then what its lines are. No eventfd of a level line is registered twice.
 */
static void test_reset(void)
{
    static const Offer offers[] = {{true, true}, {false, true}, {false, false}};

    for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
        Fixture f;
        PhaseLog controller = {.f = &f, .text = "controller"};
        PhaseLog memory = {.f = &f, .text = "memory"};
        g_autofree char *log = NULL;

        setup(&f, "0x1000:map", "level;edge", offers[i]);
        g_assert_cmpuint(f.input[0].triggers_set, ==, 1);
        reset_register(&controller.handler, RESET_CONTROLLER, log_phase);
        reset_register(&memory.handler, RESET_MEMORY, log_phase);
        scripted_host_raise(f.host, 0);
        settle();
        run_state_set(false);
        g_free(scripted_host_take_log(f.host));
        reset_all();
        log = scripted_host_take_log(f.host);
        g_assert_cmpstr(log, ==,
                        "set-irq 1 trigger-off\nreset\n"
                        "controller 2\nmemory 2\n"
                        "set-irq 0 unmask-now\n"
                        "set-irq 1 trigger-fd\n");
        g_assert_true(is_fast(0));
        g_assert_false(timer_pending(&f.vdev.timer));
        g_assert_cmpuint(atomic_load(&f.vdev.access.active), ==, 0);
        g_assert_false(scripted_host_line(f.host, 0)->masked);
        g_assert_cmpint(f.input[0].trigger, ==, IRQ_TRIGGER_LEVEL);
        g_assert_cmpint(f.input[1].trigger, ==, IRQ_TRIGGER_EDGE);
        reset_unregister(&controller.handler);
        reset_unregister(&memory.handler);
        run_state_set(true);
        unrealize(&f);
    }
}

/* Asserted before the guest is there: delivered when it runs. */
static void test_early_assert(void)
{
    Fixture f;

    prepare(&f, "0x1000:map", "level");
    g_assert_true(realize(&f, irqfd, NULL));
    f.host->can_reset = false;
    f.vdev.info.can_reset = false;
    scripted_host_raise(f.host, 0);
    reset_all();
    settle();
    g_assert_null(f.input[0].fd);
    run_state_set(true);
    g_assert_true(scripted_input_deliver(&f.input[0]));
    /* In flight at a reset, with the device still asking afterwards. */
    run_state_set(false);
    f.input[0].level = 0;
    reset_all();
    run_state_set(true);
    g_assert_true(scripted_input_deliver(&f.input[0]));
    unrealize(&f);
}

static void test_no_reset(void)
{
    Fixture f;

    prepare(&f, "0x1000", NULL);
    f.host->can_reset = false;
    g_assert_true(realize(&f, irqfd, NULL));
    reset_all();
    g_assert_false(f.vdev.told_no_reset);
    run_state_set(true);
    reset_all();
    g_assert_true(f.vdev.told_no_reset);
    g_assert_cmpuint(f.host->resets, ==, 0);
    unrealize(&f);
}

/* The host's reset fails: the guest goes on, lines and all. */
static void test_reset_fails(void)
{
    Fixture f;

    setup(&f, "0x1000", "level", trap);
    f.host->fail = "reset";
    reset_all();
    g_assert_false(atomic_load(&f.vdev.access.failed));
    scripted_host_raise(f.host, 0);
    settle();
    g_assert_cmpint(f.input[0].level, ==, 1);
    unrealize(&f);
}

/* ---- failures ---- */

#define SWEEP_REGIONS "0x1000:map;0;0x2000:map=0+0x1000:map=0x1000+0x1000"

/* How many calls a realize makes: the first n that does not fail. */
static void test_sweep_realize(void)
{
    unsigned before = open_fds();

    for (int n = 0;; n++) {
        g_autoptr(Error) err = NULL;
        Fixture f;
        bool ok;

        prepare(&f, SWEEP_REGIONS, "level;edge");
        f.host->fail_at = n;
        ok = vfio_device_init(&f.vdev, &f.host->parent, NULL, &default_config,
                              &err);
        f.host->fail_at = -1;
        unrealize(&f);
        g_assert_cmpuint(open_fds(), ==, before);
        if (ok) {
            /* info, 3 regions with 3 maps, 2 lines probed, RAM */
            g_assert_cmpint(n, ==, 12);
            g_assert_null(err);
            return;
        }
        g_assert_true(g_str_has_prefix(error_get_pretty(err), "vfio dev: "));
        g_assert_nonnull(strstr(error_get_pretty(err), "Input/output error"));
    }
}

static void check_failed(Fixture *f)
{
    g_assert_true(atomic_load(&f->vdev.access.failed));
    g_assert_false(is_fast(0));
    g_assert_cmphex(access_region(0), ==, 0xffffffff);
    for (unsigned i = 0; i < f->vdev.info.num_irqs; i++) {
        g_assert_cmpint(f->input[i].level, ==, 0);
        g_assert_null(f->input[i].fd);
        scripted_host_raise(f->host, i);
    }
    settle();
    /* The machine goes on: stops, resets, starts. */
    run_state_set(false);
    reset_all();
    run_state_set(true);
    settle();
    for (unsigned i = 0; i < f->vdev.info.num_irqs; i++) {
        g_assert_cmpuint(f->input[i].level, ==, 0);
    }
    g_assert_false(is_fast(0));
}

static void sweep_arming(Offer offer, int calls)
{
    unsigned before = open_fds();

    for (int n = 0;; n++) {
        Fixture f;
        bool failed;

        prepare(&f, "0x1000:map", "level;edge");
        g_assert_true(realize(&f, offer, NULL));
        reset_all();
        f.host->fail_at = f.host->calls + n;
        run_state_set(true);
        failed = atomic_load(&f.vdev.access.failed);
        f.host->fail_at = -1;
        if (failed) {
            check_failed(&f);
        }
        unrealize(&f);
        g_assert_cmpuint(open_fds(), ==, before);
        if (!failed) {
            g_assert_cmpint(n, ==, calls);
            return;
        }
    }
}

static void test_sweep_arming(void)
{
    sweep_arming(irqfd, 4);
    sweep_arming(trap, 3);
}

/* Call 1 is the host's reset, which the device survives. */
static void test_sweep_reset(void)
{
    unsigned before = open_fds();

    for (int n = 0; n < 4; n++) {
        Fixture f;

        setup(&f, "0x1000:map", "level;edge", trap);
        scripted_host_raise(f.host, 0);
        settle();
        run_state_set(false);
        f.host->fail_at = f.host->calls + n;
        reset_all();
        f.host->fail_at = -1;
        run_state_set(true);
        g_assert_cmpuint(atomic_load(&f.vdev.access.failed), ==, n != 1);
        if (n != 1) {
            check_failed(&f);
        }
        unrealize(&f);
        g_assert_cmpuint(open_fds(), ==, before);
    }
}

/* Unmasking fails at an EOI, in the middle of a guest's access. */
static void test_eoi_fails(void)
{
    Fixture f;

    setup(&f, "0x1000:map", "level;level", trap);
    scripted_host_raise(f.host, 0);
    scripted_host_raise(f.host, 1);
    settle();
    f.host->fail = "set-irq 0 unmask-now";
    access_region(0);
    f.host->fail = NULL;
    check_failed(&f);
    unrealize(&f);
}

typedef struct RamCounter {
    MemoryListener listener;
    int ram; /* sections, less those that went */
} RamCounter;

static void count_add(MemoryListener *listener, const MemoryRegionSection *s)
{
    ((RamCounter *)listener)->ram += s->mr->kind == MEMORY_REGION_RAM;
}

static void count_del(MemoryListener *listener, const MemoryRegionSection *s)
{
    ((RamCounter *)listener)->ram -= s->mr->kind == MEMORY_REGION_RAM;
}

/*
 * RAM that comes while the machine runs cannot be mapped: the device is lost,
 * but not in the middle of the commit, whose other listeners go on hearing.
 */
static void test_dma_fails(void)
{
    RamCounter counter = {
        .listener = {.region_add = count_add, .region_del = count_del}};
    MemoryRegion more;
    Fixture f;

    setup(&f, "0x1000:map", "level", trap);
    memory_listener_register(&counter.listener, address_space_memory());
    g_assert_true(memory_region_init_ram(&more, NULL, "more", 0x1000, NULL));
    f.host->fail = "dma-map 0x50000000+0x1000";
    memory_region_add_subregion(get_system_memory(), 0x50000000, &more);
    g_assert_cmpint(counter.ram, ==, 2);
    settle();
    f.host->fail = NULL;
    check_failed(&f);
    memory_region_del_subregion(get_system_memory(), &more);
    g_assert_cmpint(counter.ram, ==, 1);
    memory_region_finish(&more);
    memory_listener_unregister(&counter.listener);
    unrealize(&f);
}

/* The same, and the device goes before the main loop hears of it. */
static void test_dma_fails_last(void)
{
    MemoryRegion more;
    Fixture f;

    setup(&f, "0x1000:map", "level", trap);
    g_assert_true(memory_region_init_ram(&more, NULL, "more", 0x2000, NULL));
    f.host->fail = "dma-map 0x50000000+0x2000";
    memory_region_add_subregion(get_system_memory(), 0x50000000, &more);
    memory_region_set_address(&more, 0x60000000);
    memory_region_set_address(&more, 0x50000000);
    memory_region_del_subregion(get_system_memory(), &more);
    memory_region_finish(&more);
    unrealize(&f);
    settle();
}

static int get_many(VFIOHost *host, VFIODeviceInfo *info)
{
    *info = (VFIODeviceInfo){.num_irqs = 1U << 31};
    return 0;
}

static void test_too_many(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f;

    prepare(&f, NULL, NULL);
    f.host->ops.get_info = get_many;
    g_assert_false(realize(&f, irqfd, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: 0 regions and 2147483648 lines; at most 1024 "
                    "make sense");
    unrealize(&f);
}

/* More regions than the reference can have. */
static void test_forty_regions(void)
{
    g_autoptr(GString) text = g_string_new("0x1000");
    Fixture f;

    for (unsigned i = 1; i < 40; i++) {
        g_string_append(text, ";0x1000:map");
    }
    setup(&f, text->str, "level", trap);
    g_assert_true(is_fast(39));
    unrealize(&f);
}

static void test_finish_nothing(void)
{
    VFIODevice vdev = {0};

    vfio_device_quiesce(&vdev);
    vfio_device_finish(&vdev);
}

/* Gone with a line ACTIVE and the timer running. */
static void test_unrealize_busy(void)
{
    Fixture f;

    setup(&f, "0x1000:map", "level;level", trap);
    scripted_host_raise(f.host, 0);
    settle();
    access_region(0);
    settle();
    scripted_host_raise(f.host, 1);
    settle();
    unrealize(&f);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    clock_virtual_set_manual();
    g_test_add_func("/vfio-device/path/toggle", test_toggle);
    g_test_add_func("/vfio-device/path/between", test_fast_between_interrupts);
    g_test_add_func("/vfio-device/path/transaction", test_one_transaction);
    g_test_add_func("/vfio-device/path/lines", test_no_line_waits);
    g_test_add_func("/vfio-device/path/always", test_fast_always);
    g_test_add_func("/vfio-device/reset/all-routes", test_reset);
    g_test_add_func("/vfio-device/reset/early-assert", test_early_assert);
    g_test_add_func("/vfio-device/reset/none", test_no_reset);
    g_test_add_func("/vfio-device/reset/fails", test_reset_fails);
    g_test_add_func("/vfio-device/sweep/realize", test_sweep_realize);
    g_test_add_func("/vfio-device/sweep/arming", test_sweep_arming);
    g_test_add_func("/vfio-device/sweep/reset", test_sweep_reset);
    g_test_add_func("/vfio-device/fail/eoi", test_eoi_fails);
    g_test_add_func("/vfio-device/fail/dma", test_dma_fails);
    g_test_add_func("/vfio-device/fail/dma-last", test_dma_fails_last);
    g_test_add_func("/vfio-device/fail/too-many", test_too_many);
    g_test_add_func("/vfio-device/forty-regions", test_forty_regions);
    g_test_add_func("/vfio-device/finish/nothing", test_finish_nothing);
    g_test_add_func("/vfio-device/finish/busy", test_unrealize_busy);
    status = g_test_run();
    main_loop_finish();
    return status;
}
