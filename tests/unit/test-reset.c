/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reset.c: phases in their order, handlers in that of their registration.
 */
#include <glib.h>

#include "hw/core/reset.h"

typedef struct Part {
    ResetHandler handler;
    char name;
} Part;

static GString *journal;

static void on_reset(ResetHandler *handler)
{
    g_string_append_c(journal, ((Part *)handler)->name);
}

static void expect_reset(const char *expected)
{
    reset_all();
    g_assert_cmpstr(journal->str, ==, expected);
    g_string_truncate(journal, 0);
}

static void test_order(void)
{
    static const char names[RESET_PHASES + 1] = "dDclmCa";
    Part part[RESET_PHASES] = {0};
    Part late = {.name = '!'};

    for (int phase = RESET_PHASES - 1; phase >= 0; phase--) {
        part[phase].name = names[phase];
        reset_register(&part[phase].handler, phase, on_reset);
    }
    expect_reset("dDclmCa");
    reset_register(&late.handler, RESET_LINES, on_reset);
    expect_reset("dDcl!mCa");
    reset_unregister(&part[RESET_LINES].handler);
    reset_unregister(&part[RESET_DISARM].handler);
    expect_reset("Dc!mCa");
    reset_register(&part[RESET_LINES].handler, RESET_LINES, on_reset);
    expect_reset("Dc!lmCa");
    reset_unregister(&late.handler);
    for (int phase = 0; phase < RESET_PHASES; phase++) {
        reset_unregister(&part[phase].handler);
    }
    expect_reset("");
}

static void test_not_registered(void)
{
    Part zeroed = {0};
    Part other = {.name = 'o'};

    reset_unregister(&zeroed.handler);
    reset_register(&other.handler, RESET_DISARM, on_reset);
    reset_unregister(&zeroed.handler);
    expect_reset("o");
    reset_unregister(&other.handler);
    reset_unregister(&other.handler);
    expect_reset("");
}

static void register_twice(void)
{
    Part part = {0};

    reset_register(&part.handler, RESET_CPU, on_reset);
    reset_register(&part.handler, RESET_ARM, on_reset);
}

static void test_twice(void)
{
    if (g_test_subprocess()) {
        register_twice();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*!handler->reset*");
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    journal = g_string_new(NULL);
    g_test_add_func("/reset/order", test_order);
    g_test_add_func("/reset/not-registered", test_not_registered);
    g_test_add_func("/reset/twice", test_twice);
    status = g_test_run();
    g_string_free(journal, TRUE);
    return status;
}
