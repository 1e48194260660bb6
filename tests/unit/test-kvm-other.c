/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm-other.c: on a host that is no arm64 one, "kvm" is known, says in one
 * line why it cannot be had, and the next accelerator of a list is tried.
 */

#include <sys/utsname.h>

#include "accel/accel.h"
#include "util/main-loop.h"

static void test_refuses(void)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *message = NULL;
    struct utsname host;

    g_assert_cmpint(uname(&host), ==, 0);
    message = g_strdup_printf("kvm: needs an arm64 host; this is "
                              "%s; try: -accel interp",
                              host.machine);
    g_assert_null(accel_create("kvm", 1ull << 32, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    g_assert_null(accel_current());
}

static void test_next(void)
{
    g_autoptr(Error) err = NULL;
    Accel *accel = accel_create("kvm:qtest", 1ull << 32, &err);

    g_assert_null(err);
    g_assert_true(ACCEL_GET_CLASS(accel)->is_qtest);
    accel_destroy(accel);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    g_assert_true(main_loop_init(NULL));
    g_test_add_func("/kvm-other/refuses", test_refuses);
    g_test_add_func("/kvm-other/next", test_next);
    status = g_test_run();
    main_loop_finish();
    return status;
}
