/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfile.c: whose the file is, and that nothing but our own is removed.
 */

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/pidfile.h"

typedef struct Fixture {
    char *dir;
    char *path;
} Fixture;

static void setup(Fixture *f, const void *data)
{
    f->dir = g_dir_make_tmp("pidfile-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "pid", NULL);
}

static void teardown(Fixture *f, const void *data)
{
    g_assert_no_errno(rmdir(f->dir));
    g_free(f->dir);
    g_free(f->path);
}

static void expect_error(const char *path, const char *what)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *message = g_strdup_printf("-pidfile: %s", what);

    g_assert_null(pidfile_new(path, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
}

static void expect_content(const Fixture *f)
{
    g_autofree char *pid = g_strdup_printf("%d\n", (int)getpid());
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(f->path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, pid);
}

static void test_life(Fixture *f, const void *data)
{
    PidFile *pidfile = pidfile_new(f->path, NULL);

    g_assert_nonnull(pidfile);
    expect_content(f);
    pidfile_free(pidfile);
    g_assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
    pidfile_free(NULL);
}

static void test_stale(Fixture *f, const void *data)
{
    g_autoptr(PidFile) pidfile = NULL;

    g_assert_true(g_file_set_contents(f->path, "1234567890\n", -1, NULL));
    pidfile = pidfile_new(f->path, NULL);
    g_assert_nonnull(pidfile);
    expect_content(f);
}

static void test_taken(Fixture *f, const void *data)
{
    g_autoptr(PidFile) pidfile G_GNUC_UNUSED = pidfile_new(f->path, NULL);
    g_autofree char *what = g_strdup_printf(
        "%s belongs to another process: Resource temporarily unavailable",
        f->path);

    expect_error(f->path, what);
    expect_content(f);
}

static void test_not_a_file(Fixture *f, const void *data)
{
    g_autofree char *what =
        g_strdup_printf("%s is not a regular file", f->path);

    g_assert_no_errno(mkfifo(f->path, 0600));
    expect_error(f->path, what);
    g_assert_true(g_file_test(f->path, G_FILE_TEST_EXISTS));
    g_assert_no_errno(unlink(f->path));
    expect_error("/nonesuch/pid",
                 "cannot open /nonesuch/pid: No such file or directory");
}

static void add(const char *path, void (*test)(Fixture *f, const void *data))
{
    g_test_add(path, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/pidfile/life", test_life);
    add("/pidfile/stale", test_stale);
    add("/pidfile/taken", test_taken);
    add("/pidfile/not-a-file", test_not_a_file);
    return g_test_run();
}
