/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error.c: what the messages look like, who owns them, and that errno and a
 * NULL errp come through every call.
 */

#include <errno.h>

#include "util/error.h"
#include "util/log.h"

static void test_setg(void)
{
    g_autoptr(Error) err = NULL;

    errno = EPIPE;
    error_setg(&err, "device '%s': %d lines", "x", 3);
    g_assert_cmpint(errno, ==, EPIPE);
    g_assert_cmpstr(error_get_pretty(err), ==, "device 'x': 3 lines");
}

static void test_setg_errno(void)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(Error) odd = NULL;

    errno = EPIPE;
    error_setg_errno(&err, ENOENT, "cannot open '%s'", "f");
    g_assert_cmpint(errno, ==, EPIPE);
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "cannot open 'f': No such file or directory");
    error_setg_errno(&odd, 12345, "odd");
    g_assert_cmpstr(error_get_pretty(odd), ==, "odd: Unknown error 12345");
}

static void test_prepend_append(void)
{
    g_autoptr(Error) err = NULL;

    error_setg(&err, "middle");
    errno = EPIPE;
    error_prepend(&err, "%s: ", "first");
    error_append(&err, "; try: %d", 7);
    g_assert_cmpint(errno, ==, EPIPE);
    g_assert_cmpstr(error_get_pretty(err), ==, "first: middle; try: 7");
}

static void test_null(void)
{
    Error *none = NULL;

    error_setg(NULL, "dropped");
    error_setg_errno(NULL, EIO, "dropped");
    error_prepend(NULL, "x");
    error_append(NULL, "x");
    error_prepend(&none, "x");
    error_append(&none, "x");
    g_assert_null(none);
    error_free(NULL);
}

static void test_propagate(void)
{
    Error *err = NULL;
    Error *to = NULL;

    error_propagate(&to, NULL);
    g_assert_null(to);
    error_setg(&err, "one");
    error_propagate(&to, err);
    g_assert_true(to == err);
    error_propagate(NULL, to);
}

static void set_twice(void)
{
    Error *err = NULL;

    error_setg(&err, "one");
    error_setg(&err, "two");
}

static void propagate_twice(void)
{
    Error *to = NULL;
    Error *err = NULL;

    error_setg(&to, "one");
    error_setg(&err, "two");
    error_propagate(&to, err);
}

static void test_overwrite(void)
{
    if (g_test_subprocess()) {
        set_twice();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*errp == NULL*");
}

static void test_overwrite_propagate(void)
{
    if (g_test_subprocess()) {
        propagate_twice();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*errp == NULL*");
}

static void test_report(void)
{
    Error *err = NULL;

    if (g_test_subprocess()) {
        error_setg(&err, "bad thing");
        error_report_err(g_steal_pointer(&err));
        error_setg(&err, "odd thing");
        warn_report_err(err);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr(
        "platypus: bad thing\nplatypus: warning: odd thing\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/setg", test_setg);
    g_test_add_func("/error/setg-errno", test_setg_errno);
    g_test_add_func("/error/prepend-append", test_prepend_append);
    g_test_add_func("/error/null", test_null);
    g_test_add_func("/error/propagate", test_propagate);
    g_test_add_func("/error/overwrite", test_overwrite);
    g_test_add_func("/error/overwrite-propagate", test_overwrite_propagate);
    g_test_add_func("/error/report", test_report);
    return g_test_run();
}
