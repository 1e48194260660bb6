/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.c: a host that is lost, with everything in every state, in the middle
 * of a reset too, and that comes back as it was.
 */

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hw/core/reset.h"
#include "scripted-device.h"
#include "util/container-of.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/main-loop.h"

#define REGIONS SCRIPTED_DEVICE_REGIONS

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

static char *start_log(void)
{
    char *path = NULL;
    autofd int fd = g_file_open_tmp("vfio-lost-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(log_open(path, NULL));
    return path;
}

static void check_one_message(const char *path, const char *expect)
{
    g_autofree char *text = NULL;

    log_close();
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expect);
    g_assert_cmpint(remove(path), ==, 0);
}

/*
 * A call notices before anybody is told: nothing is said of the call, and when
 * the host is back so is the device.
 */
static void test_noticed_first(void)
{
    g_autofree char *log_path = NULL;
    Fixture f;

    setup(&f, REGIONS, "level;edge", trap);
    scripted_host_raise(f.host, 0);
    settle();
    log_path = start_log();
    scripted_host_break(f.host);
    access_region(0);
    g_assert_true(atomic_load(&f.vdev.access.failed));
    g_assert_cmpint(f.input[0].level, ==, 0);
    run_state_set(false);
    reset_all();
    run_state_set(true);
    scripted_host_lower(f.host, 0);
    scripted_host_lose(f.host);
    check_one_message(log_path, "platypus: vfio dev: its process has gone\n");
    come_back(&f);
    /* That reset was missed, like one after it was told. */
    g_assert_cmpuint(f.host->resets, ==, 2);
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
