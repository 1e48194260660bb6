/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * irq.c: a line reaches its listener, an interceptor takes its place, and the
 * optional routes are offered exactly when the listener has them.
 */
#include "hw/core/irq.h"

static GString *journal;

static void note(const char *what, int n, int level)
{
    g_string_append_printf(journal, "%s%d=%d ", what, n, level);
}

static void expect_journal(const char *expected)
{
    g_assert_cmpstr(journal->str, ==, expected);
    g_string_truncate(journal, 0);
}

static void on_set(IrqLine *line, int level)
{
    g_assert_true(line->opaque == journal);
    note("set", line->n, level);
}

static void on_trigger(IrqLine *line, IrqTrigger trigger)
{
    note("trigger", line->n, trigger);
}

static bool on_attach_fd(IrqLine *line, const IrqFd *fd, Error **errp)
{
    note("attach-fd", line->n, fd->resample != NULL);
    if (!fd->resample) {
        error_setg(errp, "no resample");
        return false;
    }
    return true;
}

static void on_detach_fd(IrqLine *line)
{
    note("detach-fd", line->n, 0);
}

static bool on_attach_eoi(IrqLine *line, IrqEoiFn fn, void *opaque,
                          Error **errp)
{
    note("attach-eoi", line->n, 0);
    if (!fn) {
        error_setg(errp, "no function");
        return false;
    }
    fn(opaque);
    return true;
}

static void on_detach_eoi(IrqLine *line)
{
    note("detach-eoi", line->n, 0);
}

static const IrqLineOps plain_ops = {.set = on_set};

static const IrqLineOps full_ops = {
    .set = on_set,
    .set_trigger = on_trigger,
    .attach_fd = on_attach_fd,
    .detach_fd = on_detach_fd,
    .attach_eoi = on_attach_eoi,
    .detach_eoi = on_detach_eoi,
};

static void on_handler(void *opaque, int n, int level)
{
    g_assert_true(opaque == journal);
    note("handler", n, level);
}

static void on_intercept(void *opaque, int n, int level)
{
    g_assert_true(opaque == &journal);
    note("intercept", n, level);
}

static void on_eoi(void *opaque)
{
    g_assert_true(opaque == &journal);
    note("eoi", 0, 0);
}

static void test_set(void)
{
    IrqLine line;

    irq_init(&line, &plain_ops, journal, 5);
    irq_raise(&line);
    irq_lower(&line);
    expect_journal("set5=1 set5=0 ");
    irq_pulse(&line);
    expect_journal("set5=1 set5=0 ");
    irq_set(&line, 0x100);
    expect_journal("set5=1 ");
    irq_finish(&line);
    irq_finish(&line);
    irq_pulse(NULL);
    expect_journal("");
}

static void test_handler(void)
{
    IrqLine line;

    irq_init_handler(&line, on_handler, journal, 3);
    irq_pulse(&line);
    expect_journal("handler3=1 handler3=0 ");
    irq_finish(&line);
}

static void test_intercept(void)
{
    IrqLine line;

    irq_init(&line, &plain_ops, journal, 5);
    line.intercept = on_intercept;
    line.intercept_opaque = &journal;
    line.intercept_n = 9;
    irq_set(&line, 2);
    irq_lower(&line);
    expect_journal("intercept9=1 intercept9=0 ");
    line.intercept = NULL;
    irq_raise(&line);
    expect_journal("set5=1 ");
    irq_finish(&line);
}

static void expect_no_routes(IrqLine *line, const char *fd_message,
                             const char *eoi_message)
{
    g_autoptr(Error) fd_err = NULL;
    g_autoptr(Error) eoi_err = NULL;
    IrqFd fd = {0};

    g_assert_false(irq_can_attach_fd(line));
    g_assert_false(irq_attach_fd(line, &fd, &fd_err));
    g_assert_cmpstr(error_get_pretty(fd_err), ==, fd_message);
    g_assert_false(irq_can_attach_eoi(line));
    g_assert_false(irq_attach_eoi(line, on_eoi, &journal, &eoi_err));
    g_assert_cmpstr(error_get_pretty(eoi_err), ==, eoi_message);
    irq_detach_fd(line);
    irq_detach_eoi(line);
    irq_set_trigger(line, IRQ_TRIGGER_EDGE);
    expect_journal("");
}

static void test_no_routes(void)
{
    IrqLine line;

    irq_init(&line, &plain_ops, journal, 0);
    expect_no_routes(&line, "the interrupt controller takes no eventfds",
                     "the interrupt controller reports no EOI");
    expect_no_routes(NULL, "the line is not connected",
                     "the line is not connected");
    irq_finish(&line);
}

static void test_routes(void)
{
    g_autoptr(Error) fd_err = NULL;
    g_autoptr(Error) eoi_err = NULL;
    EventNotifier notifier = {0};
    IrqFd both = {&notifier, &notifier};
    IrqFd one = {&notifier, NULL};
    IrqLine line;

    irq_init(&line, &full_ops, journal, 2);
    g_assert_true(irq_can_attach_fd(&line));
    g_assert_true(irq_can_attach_eoi(&line));
    irq_set_trigger(&line, IRQ_TRIGGER_EDGE);
    g_assert_true(irq_attach_fd(&line, &both, &fd_err));
    irq_detach_fd(&line);
    expect_journal("trigger2=1 attach-fd2=1 detach-fd2=0 ");
    g_assert_true(irq_attach_eoi(&line, on_eoi, &journal, &eoi_err));
    irq_detach_eoi(&line);
    expect_journal("attach-eoi2=0 eoi0=0 detach-eoi2=0 ");

    g_assert_false(irq_attach_fd(&line, &one, &fd_err));
    g_assert_cmpstr(error_get_pretty(fd_err), ==, "no resample");
    g_assert_false(irq_attach_eoi(&line, NULL, NULL, &eoi_err));
    g_assert_cmpstr(error_get_pretty(eoi_err), ==, "no function");
    expect_journal("attach-fd2=0 attach-eoi2=0 ");
    irq_finish(&line);
}

static void init_half(void)
{
    static const IrqLineOps half_ops = {
        .set = on_set,
        .attach_fd = on_attach_fd,
    };
    IrqLine line;

    irq_init(&line, &half_ops, NULL, 0);
}

/* An operation that could be begun but not ended is a bug of the listener. */
static void test_half(void)
{
    if (g_test_subprocess()) {
        init_half();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*detach_fd*");
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    journal = g_string_new(NULL);
    g_test_add_func("/irq/set", test_set);
    g_test_add_func("/irq/handler", test_handler);
    g_test_add_func("/irq/intercept", test_intercept);
    g_test_add_func("/irq/no-routes", test_no_routes);
    g_test_add_func("/irq/routes", test_routes);
    g_test_add_func("/irq/half", test_half);
    status = g_test_run();
    g_string_free(journal, TRUE);
    return status;
}
