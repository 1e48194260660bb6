/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * irq.c: a line on each route, against a host and a controller that log what
 * is asked of them: order of arming, EOIs, resets, and each failure.
 */

#include <glib.h>
#include <errno.h>
#include <string.h>

#include "hw/vfio/irq.h"
#include "scripted-host.h"
#include "util/main-loop.h"

typedef struct Fixture {
    ScriptedHost *host;
    ScriptedInput input;
    VFIOIrq irq;
    unsigned activated, ended;
    Error *failure;
} Fixture;

static void on_activated(void *opaque)
{
    Fixture *f = opaque;

    g_string_append(f->host->log, "activated\n");
    f->activated++;
}

static void on_ended(void *opaque)
{
    ((Fixture *)opaque)->ended++;
}

static void on_failed(void *opaque, Error *err)
{
    Fixture *f = opaque;

    g_assert_null(f->failure);
    f->failure = err;
    vfio_irq_finish(&f->irq);
}

static const VFIOIrqClient client = {
    .activated = on_activated,
    .ended = on_ended,
    .failed = on_failed,
};

static void setup(Fixture *f, const char *lines, bool irqfd, bool eoi)
{
    *f = (Fixture){0};
    f->host = scripted_host_new("dev", NULL, lines, -1, NULL);
    g_assert_true(
        vfio_irq_init(&f->irq, &f->host->parent, 0, &client, f, NULL));
    scripted_input_init(&f->input, irqfd, eoi, f->host->log);
    f->irq.line = &f->input.line;
    vfio_irq_set_trigger(&f->irq);
    g_free(scripted_host_take_log(f->host));
}

static void teardown(Fixture *f)
{
    vfio_irq_finish(&f->irq);
    vfio_irq_finish(&f->irq);
    g_assert_null(f->input.fd);
    g_assert_null(f->input.eoi);
    g_assert_cmpint(f->input.level, ==, 0);
    g_assert_cmpuint(f->activated, ==, f->ended);
    for (guint i = 0; i < f->host->lines->len; i++) {
        g_assert_cmpint(scripted_host_line(f->host, i)->trigger_fd, ==, -1);
        g_assert_cmpint(scripted_host_line(f->host, i)->unmask_fd, ==, -1);
    }
    error_free(f->failure);
    f->host->ops.close(&f->host->parent);
}

static void arm(Fixture *f, VFIOIrqRoute want, VFIOIrqRoute expect)
{
    g_autoptr(Error) err = NULL;

    vfio_irq_arm(&f->irq, want, true, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_cmpint(f->irq.route, ==, expect);
}

static void expect_log(Fixture *f, const char *expect)
{
    g_autofree char *log = scripted_host_take_log(f->host);

    g_assert_cmpstr(log, ==, expect);
}

static void settle(void)
{
    for (unsigned i = 0; i < 8; i++) {
        main_loop_iterate(false);
    }
}

/* ---- route irqfd ---- */

static void test_irqfd_level(void)
{
    Fixture f;
    ScriptedLine *line;

    setup(&f, "level", true, true);
    g_assert_cmpint(f.input.trigger, ==, IRQ_TRIGGER_LEVEL);
    arm(&f, VFIO_IRQ_ROUTE_AUTO, VFIO_IRQ_ROUTE_IRQFD);
    expect_log(&f, "input attach-fd\nset-irq 0 unmask-fd\n"
                   "set-irq 0 trigger-fd\nset-irq 0 unmask-now\n");
    line = scripted_host_line(f.host, 0);
    scripted_host_raise(f.host, 0);
    g_assert_true(scripted_input_deliver(&f.input));
    g_assert_true(line->masked);
    scripted_host_lower(f.host, 0);
    scripted_input_eoi(&f.input);
    settle();
    g_assert_false(line->masked);
    g_assert_cmpuint(f.activated, ==, 0);
    expect_log(&f, "");
    teardown(&f);
}

/* The host cannot take an unmask eventfd: the main loop answers each EOI. */
static void test_irqfd_unmask_by_call(void)
{
    Fixture f;

    setup(&f, "level", true, false);
    f.host->ops.unmask_by_fd = false;
    arm(&f, VFIO_IRQ_ROUTE_IRQFD, VFIO_IRQ_ROUTE_IRQFD);
    expect_log(&f, "input attach-fd\nset-irq 0 trigger-fd\n"
                   "set-irq 0 unmask-now\n");
    scripted_host_raise(f.host, 0);
    g_assert_true(scripted_input_deliver(&f.input));
    scripted_input_eoi(&f.input);
    settle();
    expect_log(&f, "set-irq 0 unmask-now\n");
    /* It still asked, so it signalled again. */
    g_assert_true(scripted_input_deliver(&f.input));
    f.host->fail = "set-irq 0 unmask-now";
    scripted_input_eoi(&f.input);
    settle();
    g_assert_cmpstr(error_get_pretty(f.failure), ==,
                    "vfio dev: line 0: cannot unmask it, so it stays silent: "
                    "Input/output error");
    f.host->fail = NULL;
    teardown(&f);
}

/* An edge's resample eventfd is drained, nothing else. */
static void test_irqfd_edge(void)
{
    Fixture f;

    setup(&f, "edge", true, true);
    g_assert_cmpint(f.input.trigger, ==, IRQ_TRIGGER_EDGE);
    arm(&f, VFIO_IRQ_ROUTE_AUTO, VFIO_IRQ_ROUTE_IRQFD);
    expect_log(&f, "input attach-fd\nset-irq 0 trigger-fd\n");
    for (unsigned i = 1; i <= 3; i++) {
        scripted_host_raise(f.host, 0);
        g_assert_true(scripted_input_deliver(&f.input));
        g_assert_false(scripted_input_deliver(&f.input));
        g_assert_cmpuint(f.input.rises, ==, i);
    }
    scripted_input_eoi(&f.input);
    settle();
    g_assert_false(event_notifier_test_and_clear(&f.irq.resample));
    expect_log(&f, "");
    teardown(&f);
}

/* ---- route eoi ---- */

static void test_eoi_level(void)
{
    Fixture f;

    setup(&f, "level", false, true);
    scripted_host_raise(f.host, 0);
    arm(&f, VFIO_IRQ_ROUTE_AUTO, VFIO_IRQ_ROUTE_EOI);
    settle();
    expect_log(&f, "input attach-eoi\nset-irq 0 trigger-fd\n"
                   "set-irq 0 unmask-now\ninput up\n");
    /* An EOI while the device still asks: at once again. */
    scripted_input_eoi(&f.input);
    settle();
    expect_log(&f, "set-irq 0 unmask-now\ninput up\n");
    scripted_host_lower(f.host, 0);
    scripted_input_eoi(&f.input);
    settle();
    expect_log(&f, "set-irq 0 unmask-now\n");
    g_assert_cmpint(f.irq.state, ==, VFIO_IRQ_INACTIVE);
    /* A trapped access says nothing here. */
    vfio_irq_trapped(&f.irq);
    g_assert_cmpuint(f.activated, ==, 0);
    teardown(&f);
}

static void test_eoi_edge(void)
{
    Fixture f;

    setup(&f, "edge", true, true);
    g_assert_true(vfio_irq_arm(&f.irq, VFIO_IRQ_ROUTE_EOI, true, NULL));
    g_free(scripted_host_take_log(f.host));
    scripted_host_raise(f.host, 0);
    settle();
    /* No EOI in between: each event reaches the controller. */
    scripted_host_raise(f.host, 0);
    settle();
    scripted_input_eoi(&f.input);
    settle();
    expect_log(&f, "input up\ninput down\ninput up\ninput down\n");
    teardown(&f);
}

/* ---- route trap ---- */

static void test_trap_level(void)
{
    Fixture f;

    setup(&f, "level", false, false);
    arm(&f, VFIO_IRQ_ROUTE_AUTO, VFIO_IRQ_ROUTE_TRAP);
    expect_log(&f, "set-irq 0 trigger-fd\nset-irq 0 unmask-now\n");
    vfio_irq_trapped(&f.irq);
    expect_log(&f, "");
    scripted_host_raise(f.host, 0);
    settle();
    expect_log(&f, "activated\ninput up\n");
    scripted_host_lower(f.host, 0);
    vfio_irq_trapped(&f.irq);
    expect_log(&f, "input down\nset-irq 0 unmask-now\n");
    g_assert_cmpuint(f.ended, ==, 1);
    teardown(&f);
}

static void test_trap_edge(void)
{
    Fixture f;

    setup(&f, "edge", false, false);
    arm(&f, VFIO_IRQ_ROUTE_TRAP, VFIO_IRQ_ROUTE_TRAP);
    g_free(scripted_host_take_log(f.host));
    scripted_host_raise(f.host, 0);
    settle();
    expect_log(&f, "input up\ninput down\n");
    g_assert_cmpuint(f.activated, ==, 0);
    teardown(&f);
}

/* The device is unplugged, or fails, with the line up. */
static void test_finish_while_active(void)
{
    Fixture f;

    setup(&f, "level", false, false);
    arm(&f, VFIO_IRQ_ROUTE_TRAP, VFIO_IRQ_ROUTE_TRAP);
    scripted_host_raise(f.host, 0);
    settle();
    g_assert_cmpint(f.input.level, ==, 1);
    teardown(&f);
}

/* ---- resets ---- */

static void reset(Fixture *f)
{
    g_assert_true(vfio_irq_reset_disarm(&f->irq, NULL));
    vfio_irq_reset(&f->irq);
    g_assert_true(vfio_irq_reset_arm(&f->irq, NULL));
}

static void test_reset_level(void)
{
    static const bool offers[][2] = {
        {true, true}, {false, true}, {false, false}};

    for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
        Fixture f;
        ScriptedLine *line;

        setup(&f, "level", offers[i][0], offers[i][1]);
        arm(&f, VFIO_IRQ_ROUTE_AUTO, VFIO_IRQ_ROUTE_IRQFD + i);
        line = scripted_host_line(f.host, 0);
        scripted_host_raise(f.host, 0);
        settle();
        if (f.input.fd) {
            scripted_input_deliver(&f.input);
        }
        /* In flight when the guest resets; the controller forgets it. */
        g_free(scripted_host_take_log(f.host));
        scripted_host_lower(f.host, 0);
        f.input.level = 0;
        reset(&f);
        g_assert_false(line->masked);
        g_assert_cmpint(f.irq.state, ==, VFIO_IRQ_INACTIVE);
        /* A device that still asks is heard again. */
        scripted_host_raise(f.host, 0);
        settle();
        if (f.input.fd) {
            g_assert_true(scripted_input_deliver(&f.input));
        } else {
            g_assert_cmpint(f.input.level, ==, 1);
        }
        teardown(&f);
    }
}

/* What came before the reset is forgotten, what comes during it latched. */
static void test_reset_edge(void)
{
    Fixture f;

    setup(&f, "edge", false, false);
    arm(&f, VFIO_IRQ_ROUTE_TRAP, VFIO_IRQ_ROUTE_TRAP);
    scripted_host_raise(f.host, 0);
    g_assert_true(vfio_irq_reset_disarm(&f.irq, NULL));
    vfio_irq_reset(&f.irq);
    settle();
    g_assert_cmpuint(f.input.rises, ==, 0);
    scripted_host_raise(f.host, 0);
    settle();
    g_assert_cmpuint(f.input.rises, ==, 0);
    g_assert_true(vfio_irq_reset_arm(&f.irq, NULL));
    settle();
    g_assert_cmpuint(f.input.rises, ==, 1);
    teardown(&f);
}

/* An EOI from before the reset is not answered after it. */
static void test_reset_drains_eoi(void)
{
    Fixture f;

    setup(&f, "level", true, false);
    f.host->ops.unmask_by_fd = false;
    arm(&f, VFIO_IRQ_ROUTE_IRQFD, VFIO_IRQ_ROUTE_IRQFD);
    g_free(scripted_host_take_log(f.host));
    scripted_input_eoi(&f.input);
    reset(&f);
    settle();
    expect_log(&f, "set-irq 0 unmask-now\n");
    teardown(&f);
}

/* An event read while masked waits for the unmask. */
static void test_edge_while_masked(void)
{
    Fixture f;

    setup(&f, "edge", false, false);
    arm(&f, VFIO_IRQ_ROUTE_TRAP, VFIO_IRQ_ROUTE_TRAP);
    scripted_host_raise(f.host, 0);
    g_assert_true(vfio_irq_reset_disarm(&f.irq, NULL));
    settle();
    g_assert_cmpuint(f.input.rises, ==, 0);
    g_assert_true(vfio_irq_reset_arm(&f.irq, NULL));
    g_assert_cmpuint(f.input.rises, ==, 1);
    teardown(&f);
}

/* ---- failures ---- */

static void test_init_fails(void)
{
    static const struct {
        const char *call;
        const char *text;
    } cases[] = {
        {"get-irq 0", "vfio dev: line 0: cannot get info: "
                      "Device or resource busy"},
        {"set-irq 0 probe",
         "vfio dev: line 0: cannot be had (another driver of the host may "
         "hold it, see /proc/interrupts): Device or resource busy"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        VFIOIrq irq = {0};
        ScriptedHost *host = scripted_host_new("dev", NULL, "level", -1, NULL);

        host->fail = cases[i].call;
        host->fail_errno = EBUSY;
        g_assert_false(
            vfio_irq_init(&irq, &host->parent, 0, &client, NULL, &err));
        g_assert_cmpstr(error_get_pretty(err), ==, cases[i].text);
        vfio_irq_finish(&irq);
        host->ops.close(&host->parent);
    }
    vfio_irq_finish(NULL);
}

static int get_odd_irq(VFIOHost *host, unsigned index, VFIOIrqInfo *info)
{
    *info = (VFIOIrqInfo){.count = 3};
    return 0;
}

static void test_odd_line(void)
{
    g_autoptr(Error) err = NULL;
    VFIOIrq irq = {0};
    ScriptedHost *host = scripted_host_new("dev", NULL, "level", -1, NULL);

    host->ops.get_irq = get_odd_irq;
    g_assert_false(vfio_irq_init(&irq, &host->parent, 0, &client, NULL, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: line 0: 3 interrupts without an eventfd, which "
                    "is no line");
    host->ops.close(&host->parent);
}

static void test_arm_fails(void)
{
    static const char *const calls[] = {
        "set-irq 0 unmask-fd",
        "set-irq 0 trigger-fd",
        "set-irq 0 unmask-now",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_autoptr(Error) err = NULL;
        Fixture f;

        setup(&f, "level", true, true);
        f.host->fail = calls[i];
        g_assert_false(vfio_irq_arm(&f.irq, VFIO_IRQ_ROUTE_AUTO, true, &err));
        g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                       "vfio dev: line 0: cannot "));
        teardown(&f);
    }
}

static void test_route_missing(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f;

    setup(&f, "level", false, false);
    g_assert_false(vfio_irq_arm(&f.irq, VFIO_IRQ_ROUTE_IRQFD, true, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: line 0: x-irq-route=irqfd: the interrupt "
                    "controller takes no eventfds; x-irq-route=auto takes "
                    "what there is");
    teardown(&f);
    g_clear_pointer(&err, error_free);
    setup(&f, "level", true, false);
    g_assert_false(vfio_irq_arm(&f.irq, VFIO_IRQ_ROUTE_EOI, true, &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "vfio dev: line 0: x-irq-route=eoi: "));
    teardown(&f);
}

/* The same question before anything is attached, as the machine starts. */
static void test_check_route(void)
{
    static const struct {
        bool irqfd, eoi;
        VFIOIrqRoute want;
        const char *text; /* NULL: can be had */
    } cases[] = {
        {false, false, VFIO_IRQ_ROUTE_AUTO, NULL},
        {false, false, VFIO_IRQ_ROUTE_TRAP, NULL},
        {true, false, VFIO_IRQ_ROUTE_IRQFD, NULL},
        {false, true, VFIO_IRQ_ROUTE_EOI, NULL},
        {false, true, VFIO_IRQ_ROUTE_IRQFD,
         "x-irq-route=irqfd cannot be had: with this interrupt controller "
         "there is eoi, trap; "},
        {true, false, VFIO_IRQ_ROUTE_EOI,
         "x-irq-route=eoi cannot be had: with this interrupt controller there "
         "is irqfd, trap; "},
        {false, false, VFIO_IRQ_ROUTE_EOI, "there is trap; "},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        Fixture f;

        setup(&f, "level", cases[i].irqfd, cases[i].eoi);
        g_assert_cmpint(vfio_irq_check_route(&f.irq, cases[i].want, &err), ==,
                        cases[i].text == NULL);
        if (cases[i].text) {
            g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                           "vfio dev: line 0: x-irq-route="));
            g_assert_nonnull(strstr(error_get_pretty(err), cases[i].text));
        }
        /* Nobody attaches a line that is not connected. */
        f.irq.line = NULL;
        g_assert_true(vfio_irq_check_route(&f.irq, cases[i].want, NULL));
        expect_log(&f, "");
        teardown(&f);
    }
}

/* A controller that refuses costs speed, not the device. */
static void test_route_refused(void)
{
    Fixture f;

    setup(&f, "level", true, true);
    f.input.refuse = true;
    arm(&f, VFIO_IRQ_ROUTE_AUTO, VFIO_IRQ_ROUTE_TRAP);
    teardown(&f);
}

static void test_no_irqfd_wanted(void)
{
    Fixture f;

    setup(&f, "level", true, true);
    g_assert_true(vfio_irq_arm(&f.irq, VFIO_IRQ_ROUTE_AUTO, false, NULL));
    g_assert_cmpint(f.irq.route, ==, VFIO_IRQ_ROUTE_EOI);
    teardown(&f);
}

static void test_not_connected(void)
{
    Fixture f;

    setup(&f, "level", true, true);
    f.irq.line = NULL;
    arm(&f, VFIO_IRQ_ROUTE_IRQFD, VFIO_IRQ_ROUTE_AUTO);
    reset(&f);
    expect_log(&f, "");
    teardown(&f);
}

static void test_reset_fails(void)
{
    g_autoptr(Error) err = NULL;
    Fixture f;

    setup(&f, "edge", false, false);
    arm(&f, VFIO_IRQ_ROUTE_TRAP, VFIO_IRQ_ROUTE_TRAP);
    f.host->fail = "set-irq 0 trigger-off";
    g_assert_false(vfio_irq_reset_disarm(&f.irq, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "vfio dev: line 0: cannot be silenced for a reset: "
                    "Input/output error");
    f.host->fail = NULL;
    g_clear_pointer(&err, error_free);
    g_assert_true(vfio_irq_reset_disarm(&f.irq, NULL));
    f.host->fail = "set-irq 0 trigger-fd";
    g_assert_false(vfio_irq_reset_arm(&f.irq, &err));
    teardown(&f);
}

/* Unmasking at an EOI fails: the client hears it once, and may finish. */
static void test_eoi_fails(void)
{
    Fixture f;

    setup(&f, "level", false, false);
    arm(&f, VFIO_IRQ_ROUTE_TRAP, VFIO_IRQ_ROUTE_TRAP);
    scripted_host_raise(f.host, 0);
    settle();
    f.host->fail = "set-irq 0 unmask-now";
    vfio_irq_trapped(&f.irq);
    g_assert_nonnull(f.failure);
    teardown(&f);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    main_loop_init(NULL);
    g_test_add_func("/vfio-irq/irqfd/level", test_irqfd_level);
    g_test_add_func("/vfio-irq/irqfd/unmask-by-call",
                    test_irqfd_unmask_by_call);
    g_test_add_func("/vfio-irq/irqfd/edge", test_irqfd_edge);
    g_test_add_func("/vfio-irq/eoi/level", test_eoi_level);
    g_test_add_func("/vfio-irq/eoi/edge", test_eoi_edge);
    g_test_add_func("/vfio-irq/trap/level", test_trap_level);
    g_test_add_func("/vfio-irq/trap/edge", test_trap_edge);
    g_test_add_func("/vfio-irq/trap/finish", test_finish_while_active);
    g_test_add_func("/vfio-irq/reset/level", test_reset_level);
    g_test_add_func("/vfio-irq/reset/edge", test_reset_edge);
    g_test_add_func("/vfio-irq/reset/eoi", test_reset_drains_eoi);
    g_test_add_func("/vfio-irq/reset/edge-masked", test_edge_while_masked);
    g_test_add_func("/vfio-irq/fail/init", test_init_fails);
    g_test_add_func("/vfio-irq/fail/odd-line", test_odd_line);
    g_test_add_func("/vfio-irq/fail/arm", test_arm_fails);
    g_test_add_func("/vfio-irq/fail/route-missing", test_route_missing);
    g_test_add_func("/vfio-irq/check-route", test_check_route);
    g_test_add_func("/vfio-irq/fail/route-refused", test_route_refused);
    g_test_add_func("/vfio-irq/no-irqfd", test_no_irqfd_wanted);
    g_test_add_func("/vfio-irq/not-connected", test_not_connected);
    g_test_add_func("/vfio-irq/fail/reset", test_reset_fails);
    g_test_add_func("/vfio-irq/fail/eoi", test_eoi_fails);
    status = g_test_run();
    main_loop_finish();
    return status;
}
