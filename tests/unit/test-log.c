/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.c: what lines look like, where they go, that threads do not tear them,
 * and the places where writing goes wrong: a path that cannot be opened, a
 * full device, a slow reader behind a non-blocking standard error.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"

#define LINES 500

static char *temporary_path(void)
{
    char *path = g_strdup_printf("%s/test-log-XXXXXX", g_get_tmp_dir());
    autofd int fd = g_mkstemp(path);

    g_assert_cmpint(fd, >=, 0);
    return path;
}

static void open_log(const char *path)
{
    Error *err = NULL;

    log_open(path, &err);
    g_assert_null(err);
}

static void check_file(const char *path, const char *expected)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

static void test_file(void)
{
    g_autofree char *path = temporary_path();

    open_log(path);
    errno = EPIPE;
    error_report("e%d", 1);
    warn_report("w%s", "2");
    info_report("i3");
    log_line("as it is");
    g_assert_cmpint(errno, ==, EPIPE);
    check_file(path, "platypus: e1\nplatypus: warning: w2\n"
                     "platypus: info: i3\nas it is\n");
    log_close();
    open_log(path);
    check_file(path, "");
    log_close();
    log_close();
    unlink(path);
}

static void test_reopen(void)
{
    g_autofree char *first = temporary_path();
    g_autofree char *second = temporary_path();

    open_log(first);
    error_report("1");
    open_log(second);
    error_report("2");
    g_assert_false(log_open("/nonexistent/log", NULL));
    error_report("3");
    log_close();
    check_file(first, "platypus: 1\n");
    check_file(second, "platypus: 2\nplatypus: 3\n");
    unlink(first);
    unlink(second);
}

static void test_unwritable(void)
{
    g_autoptr(Error) missing = NULL;
    g_autoptr(Error) directory = NULL;

    g_assert_false(log_open("/nonexistent/log", &missing));
    g_assert_cmpstr(error_get_pretty(missing), ==,
                    "/nonexistent/log: cannot open the log: "
                    "No such file or directory");
    g_assert_false(log_open("/", &directory));
    g_assert_cmpstr(error_get_pretty(directory), ==,
                    "/: cannot open the log: Is a directory");
}

static void test_full_device(void)
{
    open_log("/dev/full");
    error_report("into the void");
    log_close();
}

static void test_control_characters(void)
{
    g_autofree char *path = temporary_path();

    open_log(path);
    error_report("a%sb", "\n\033[1m\x7f\xc3\xa4");
    log_close();
    check_file(path, "platypus: a??[1m?\xc3\xa4"
                     "b\n");
    unlink(path);
}

static void test_long_line(void)
{
    g_autofree char *path = temporary_path();
    g_autofree char *text = g_strnfill(100000, 'x');
    g_autofree char *expected = g_strdup_printf("platypus: info: %s\n", text);

    open_log(path);
    info_report("%s", text);
    log_close();
    check_file(path, expected);
    unlink(path);
}

/* Errors alone stand in the file and on standard error. */
static void test_stderr(void)
{
    if (g_test_subprocess()) {
        g_autofree char *path = temporary_path();

        error_report("before");
        open_log(path);
        warn_report("hidden");
        info_report("hidden");
        log_line("hidden");
        error_report("%d", 1);
        check_file(path, "platypus: warning: hidden\n"
                         "platypus: info: hidden\nhidden\nplatypus: 1\n");
        log_close();
        error_report("after");
        unlink(path);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("platypus: before\nplatypus: 1\n"
                              "platypus: after\n");
}

static void *log_lines(void *letter)
{
    char word[100];

    memset(word, *(char *)letter, sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    for (int i = 0; i < LINES; i++) {
        info_report("%s", word);
    }
    return NULL;
}

/* Every line of @text is one letter, all through; there are @lines. */
static void check_untorn(const char *text, unsigned lines)
{
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);

    g_assert_cmpuint(g_strv_length(all), ==, lines + 1);
    for (unsigned i = 0; i < lines; i++) {
        const char *word = all[i] + strlen("platypus: info: ");

        g_assert_cmpuint(strlen(all[i]), ==, 99 + strlen("platypus: info: "));
        g_assert_cmpuint(strspn(word, (char[]){*word, '\0'}), ==, 99);
    }
}

static void test_threads(void)
{
    g_autofree char *path = temporary_path();
    g_autofree char *text = NULL;
    pthread_t threads[2];

    open_log(path);
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, log_lines, (char *)&"ab"[i]);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    log_close();
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    check_untorn(text, 2 * LINES);
    unlink(path);
}

static void *read_all(void *opaque)
{
    GString *text = g_string_new(NULL);
    char buffer[256];
    ssize_t n;

    while ((n = read(*(int *)opaque, buffer, sizeof(buffer))) > 0) {
        g_string_append_len(text, buffer, n);
    }
    return text;
}

static void test_slow_stderr(void)
{
    autofd int saved = dup(STDERR_FILENO);
    pthread_t reader;
    void *result;
    int ends[2];

    g_assert_cmpint(pipe2(ends, O_NONBLOCK), ==, 0);
    fcntl(ends[0], F_SETFL, 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    dup2(ends[1], STDERR_FILENO);
    fd_close(&ends[1]);
    pthread_create(&reader, NULL, read_all, &ends[0]);
    log_lines((char *)"a");
    dup2(saved, STDERR_FILENO);
    pthread_join(reader, &result);
    check_untorn(((GString *)result)->str, LINES);
    g_string_free(result, TRUE);
    fd_close(&ends[0]);
}

static void test_limit(void)
{
    LogLimit limit = {0};
    unsigned held_back;

    for (int i = 0; i < LOG_LIMIT_PER_SECOND; i++) {
        g_assert_true(log_limit_admit(&limit, 7, &held_back));
        g_assert_cmpuint(held_back, ==, 0);
    }
    g_assert_false(log_limit_admit(&limit, 7, &held_back));
    g_assert_false(log_limit_admit(&limit, 7, &held_back));
    g_assert_true(log_limit_admit(&limit, 9, &held_back));
    g_assert_cmpuint(held_back, ==, 2);
    g_assert_true(log_limit_admit(&limit, 9, &held_back));
    g_assert_cmpuint(held_back, ==, 0);
}

static void test_warn_limited(void)
{
    g_autofree char *path = temporary_path();
    g_autofree char *text = NULL;
    LogLimit limit = {.count = 99, .held_back = 3, .second = -1};

    open_log(path);
    warn_report_limited(&limit, "read at 0x%x", 16);
    limit = (LogLimit){0};
    warn_report_limited(&limit, "again");
    log_close();
    check_file(path,
               "platypus: warning: read at 0x10 (3 more held back before)\n"
               "platypus: warning: again\n");

    /* So many in a row cannot fit into the few seconds that they take. */
    open_log(path);
    for (int i = 0; i < 10000; i++) {
        warn_report_limited(&limit, "flood");
    }
    log_close();
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpuint(strlen(text), <, 10000);
    unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/file", test_file);
    g_test_add_func("/log/reopen", test_reopen);
    g_test_add_func("/log/unwritable", test_unwritable);
    g_test_add_func("/log/full-device", test_full_device);
    g_test_add_func("/log/control-characters", test_control_characters);
    g_test_add_func("/log/long-line", test_long_line);
    g_test_add_func("/log/stderr", test_stderr);
    g_test_add_func("/log/threads", test_threads);
    g_test_add_func("/log/slow-stderr", test_slow_stderr);
    g_test_add_func("/log/limit", test_limit);
    g_test_add_func("/log/warn-limited", test_warn_limited);
    return g_test_run();
}
