/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QEMU's libqtest does, step by step and byte by byte: how it starts the
 * emulator, what it sends on which socket in which order, and what it expects
 * of the end. Written from the protocol, without the test client of the other
 * tests, so that a habit shared by client and emulator is not taken for it.
 */

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/qtest-client.h"

typedef struct Replay {
    char *dir;
    char *program; /* a link whose name ends in -system-aarch64 */
    char *qtest_path;
    char *qmp_path;
    char *log_path;
    int qtest_fd;
    int qmp_fd;
    pid_t pid;
} Replay;

static void setup(Replay *r, const void *data)
{
    g_autofree char *target =
        g_canonicalize_filename(qtest_client_emulator(), NULL);

    r->dir = g_dir_make_tmp("replay-XXXXXX", NULL);
    r->program = g_build_filename(r->dir, "platypus-system-aarch64", NULL);
    r->qtest_path = g_build_filename(r->dir, "qtest-1.sock", NULL);
    r->qmp_path = g_build_filename(r->dir, "qtest-1.qmp", NULL);
    r->log_path = g_build_filename(r->dir, "log", NULL);
    g_assert_no_errno(symlink(target, r->program));
}

static void teardown(Replay *r, const void *data)
{
    unlink(r->program);
    unlink(r->qtest_path);
    unlink(r->qmp_path);
    unlink(r->log_path);
    g_assert_no_errno(rmdir(r->dir));
    g_free(r->dir);
    g_free(r->program);
    g_free(r->qtest_path);
    g_free(r->qmp_path);
    g_free(r->log_path);
}

static void start(Replay *r, const char *log, const char *args)
{
    g_autofree char *command = g_strdup_printf(
        "exec %s -qtest unix:%s -qtest-log %s "
        "-chardev socket,path=%s,id=char0 -mon chardev=char0,mode=control "
        "-display none -audio none %s -accel qtest",
        r->program, r->qtest_path, log, r->qmp_path, args);
    int qtest_listener = unix_listen(r->qtest_path);
    int qmp_listener = unix_listen(r->qmp_path);

    r->pid = fork();
    g_assert_no_errno(r->pid);
    if (r->pid == 0) {
        execlp("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    r->qtest_fd = unix_accept(qtest_listener);
    r->qmp_fd = unix_accept(qmp_listener);
}

static void qmp_negotiate(Replay *r)
{
    g_autofree char *greeting = read_line(r->qmp_fd);
    g_autofree char *reply = NULL;
    struct json_object *parsed = json_tokener_parse(greeting);

    g_assert_nonnull(json_at(parsed, "QMP.version"));
    json_object_put(parsed);
    /* The newline comes in a packet of its own. */
    write_all(r->qmp_fd, "{\"execute\": \"qmp_capabilities\"}", 31);
    write_all(r->qmp_fd, "\n", 1);
    reply = read_line(r->qmp_fd);
    parsed = json_tokener_parse(reply);
    g_assert_nonnull(json_at(parsed, "return"));
    json_object_put(parsed);
}

static void exchange(Replay *r, const char *line, const char *expected)
{
    g_autofree char *answer = NULL;

    write_all(r->qtest_fd, line, strlen(line));
    answer = read_line(r->qtest_fd);
    g_assert_cmpstr(answer, ==, expected);
}

static void finish(Replay *r)
{
    int status;

    g_assert_no_errno(kill(r->pid, SIGTERM));
    g_assert_cmpint(waitpid(r->pid, &status, 0), ==, r->pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    /* Both ends of file have come. */
    g_assert_null(read_line(r->qtest_fd));
    close(r->qtest_fd);
    close(r->qmp_fd);
}

static void replay(Replay *r, const char *log, const char *args)
{
    start(r, log, args);
    qmp_negotiate(r);
    exchange(r, "endianness\n", "OK little");
    exchange(r, "writel 0x1000 0x12345678\n", "OK");
    exchange(r, "readl 0x1000\n", "OK 0x0000000012345678");
    exchange(r, "b64write 0x2000 0x4 AQIDBA==\n", "OK");
    exchange(r, "b64read 0x2000 0x4\n", "OK AQIDBA==");
    exchange(r, "read 0x2000 0x4\n", "OK 0x01020304");
    exchange(r, "memset 0x2000 0x4 0x55\n", "OK");
    exchange(r, "readl 0x2000\n", "OK 0x0000000055555555");
    exchange(r, "clock_step 1000\n", "OK 1000");
    exchange(r, "clock_step\n", "OK 1000");
    exchange(r, "clock_set 5000\n", "OK 5000");
    exchange(r, "inb 0x3f8\n", "OK 0x00ff");
    exchange(r, "outb 0x3f8 0x1\n", "OK");
    finish(r);
}

static void test_none(Replay *r, const void *data)
{
    replay(r, "/dev/null", "-machine none");
}

static void test_accels(Replay *r, const void *data)
{
    replay(r, "/dev/null", "-machine none -accel nonesuch -accel qtest");
}

/* As with QTEST_LOG=1, but into a file. */
static void test_log(Replay *r, const void *data)
{
    g_autofree char *text = NULL;

    replay(r, r->log_path, "-machine none");
    g_assert_true(g_file_get_contents(r->log_path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "] endianness\n"));
    g_assert_nonnull(strstr(text, "] OK little\n"));
}

static void test_log_stderr(Replay *r, const void *data)
{
    replay(r, "/dev/fd/2", "-machine none 2>/dev/null");
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_test_add("/libqtest-replay/none", Replay, NULL, setup, test_none,
               teardown);
    g_test_add("/libqtest-replay/accels", Replay, NULL, setup, test_accels,
               teardown);
    g_test_add("/libqtest-replay/log", Replay, NULL, setup, test_log, teardown);
    g_test_add("/libqtest-replay/log-stderr", Replay, NULL, setup,
               test_log_stderr, teardown);
    return g_test_run();
}
