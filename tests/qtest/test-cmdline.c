/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line on the emulator: what -help and the like print, and every
 * wrong value that needs files or type names to be seen as wrong. Each is one
 * line that names the object and the way out, and status 1.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/qtest-client.h"

static void expect_output(const char *args, const char *const *texts)
{
    g_autoptr(EmulatorResult) result = emulator_run("%s", args);

    g_assert_cmpint(result->status, ==, 0);
    g_assert_cmpstr(result->err, ==, "");
    for (; *texts; texts++) {
        if (!strstr(result->out, *texts)) {
            g_error("%s: no '%s' in: %s", args, *texts, result->out);
        }
    }
}

#define EXPECT_OUTPUT(args, ...) \
    expect_output(args, (const char *const[]){__VA_ARGS__, NULL})

static void test_help(void)
{
    EXPECT_OUTPUT("-help", "usage: ", "-kernel FILE", "-device TYPE",
                  "-qtest CHARDEV", "-no-reboot");
    EXPECT_OUTPUT("--help", "usage: ");
    EXPECT_OUTPUT("-version", "platypus ");
    EXPECT_OUTPUT("-M help", "machines:\n", "  none ");
    EXPECT_OUTPUT("-M none,help", "-M none", "dumpdtb=<string>");
    EXPECT_OUTPUT("-accel help", "accelerators:\n", "  qtest ", "  kvm ");
    EXPECT_OUTPUT("-cpu help", "  host ", "  max ");
    EXPECT_OUTPUT("-device help", "devices:\n", "  testdev ");
    EXPECT_OUTPUT("-device unimplemented-device,help",
                  "-device unimplemented-device: ", "name=<string>");
}

/* Whatever is printed fits a terminal. */
static void test_help_width(void)
{
    static const char *const words[] = {
        "-help",
        "-M help",
        "-M virt,help",
        "-accel help",
        "-device help",
        "-device vfio-platform,help",
        "-device testdev,help",
        "-trace help",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autoptr(EmulatorResult) result = emulator_run("%s", words[i]);
        g_auto(GStrv) lines = g_strsplit(result->out, "\n", -1);

        g_assert_cmpint(result->status, ==, 0);
        for (char **line = lines; *line; line++) {
            g_assert_cmpuint(strlen(*line), <=, 80);
        }
    }
}

/* What no person may create is not offered either. */
static void test_help_hides(void)
{
    g_autoptr(EmulatorResult) result = emulator_run("-device help");

    g_assert_null(strstr(result->out, "qtest-gic"));
    g_assert_null(strstr(result->out, "platform-bus"));
}

static void test_full_output(void)
{
    g_autofree char *command = g_strdup_printf(
        "sh -c '\"%s\" -help >/dev/full'", qtest_client_emulator());
    g_autofree char *err = NULL;
    int status;

    g_assert_true(
        g_spawn_command_line_sync(command, NULL, &err, &status, NULL));
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    g_assert_cmpstr(err, ==,
                    "platypus: standard output: No space left on device\n");
}

static const char *man_page;

/* The manual page describes every option of -help. */
static void test_man_page(void)
{
    g_autoptr(EmulatorResult) result = emulator_run("-help");
    g_auto(GStrv) lines = g_strsplit(result->out, "\n", -1);
    g_autoptr(GString) text = NULL;
    g_autofree char *page = NULL;
    unsigned options = 0;

    g_assert_true(g_file_get_contents(man_page, &page, NULL, NULL));
    text = g_string_new(page);
    g_string_replace(text, "\\-", "-", 0);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 2);
        g_autofree char *bold = NULL;

        if (!g_str_has_prefix(*line, "-")) {
            continue;
        }
        options++;
        bold = g_strdup_printf("\\fB%s\\fR", words[0]);
        if (!strstr(text->str, bold)) {
            g_error("%s: no %s", man_page, words[0]);
        }
    }
    g_assert_cmpuint(options, >, 20);
}

static void test_words(void)
{
    emulator_expect_error("-zzzzzzzzz: unknown option; try: -help",
                          "-zzzzzzzzz");
    emulator_expect_error("-kernal: unknown option; try: -kernel", "-kernal x");
    emulator_expect_error("-kernel: no argument", "-kernel");
    emulator_expect_error("'x' is not an option", "x");
    emulator_expect_error("-m: '12Q' is not a size", "-m 12Q");
    emulator_expect_error("-smp: 'two' is not a number", "-smp two");
    emulator_expect_error("the id 'a' is given twice",
                          "-device testdev,id=a -device testdev,id=a");
}

static void test_names(void)
{
    emulator_expect_error("-M: there is no 'nine'; try: -M none", "-M nine");
    emulator_expect_error("-M: there is no 'zzzzzzzz'; try: -M help",
                          "-M zzzzzzzz");
    emulator_expect_error("-M: there is no 'nine'; try: -M none",
                          "-M nine,help");
    emulator_expect_error("-M: none-machine: no property 'dumpdtc'; did you "
                          "mean 'dumpdtb'?",
                          "-M none,dumpdtc=x -accel qtest");
    emulator_expect_error("accelerator 'qtesr': there is none of that name; "
                          "try: -accel qtest",
                          "-M none -accel qtesr");
    emulator_expect_error("-device: there is no 'testdef'; try: -device "
                          "testdev",
                          "-M none -accel qtest -device testdef");
    emulator_expect_error("-device: there is no 'testdef'; try: -device "
                          "testdev",
                          "-device testdef,help");
    emulator_expect_error("-device: a 'pl011' is only a part of machines that "
                          "have one; try: -device help",
                          "-M virt -accel qtest -device pl011");
    emulator_expect_error("-device: a 'platform-bus' is only a part",
                          "-M none -accel qtest -device platform-bus");
    emulator_expect_error("-device: there is no 'device'",
                          "-M none -accel qtest -device device");
    emulator_expect_error("testdev: no property 'colour'",
                          "-M none -accel qtest -device testdev,colour=red");
    emulator_expect_error("no trace event matches 'zzz*'; try: -trace help",
                          "-M none -accel qtest -trace zzz*");
}

static void test_config(void)
{
    emulator_expect_error("-smp 2: the machine has at most 1 CPU",
                          "-M none -accel qtest -smp 2");
    emulator_expect_error("-append: only with a kernel; try: -kernel FILE",
                          "-M none -accel qtest -append x");
    emulator_expect_error("-initrd: only with a kernel",
                          "-M none -accel qtest -initrd x");
    emulator_expect_error("-dtb: only with a kernel",
                          "-M none -accel qtest -dtb x");
    emulator_expect_error("-qtest-log: only with qtest; try: -qtest CHARDEV",
                          "-M none -accel qtest -qtest-log x");
    emulator_expect_error("-gdb tcp::1234: the machine has no CPU to debug",
                          "-M none -accel qtest -s");
    emulator_expect_error("-gdb tcp::0: guests of the accelerator 'qtest' "
                          "cannot be debugged",
                          "-M virt -accel qtest -gdb tcp::0");
    emulator_expect_error("-gdb tcp:1234: no port; try: tcp:1234:1234",
                          "-M virt -accel interp -gdb tcp:1234");
    emulator_expect_error("-gdb unix:/nonesuch/gdb: cannot listen at socket",
                          "-M virt -accel interp -gdb unix:/nonesuch/gdb");
    emulator_expect_error("nothing to boot", "-M none -accel qtest -kernel x");
    emulator_expect_error("-serial stdio: the machine has no serial port; "
                          "try: -serial none",
                          "-M none -accel qtest -serial stdio");
    emulator_expect_error("no platform bus; try: -M virt",
                          "-M none -accel qtest -device testdev,id=t");
}

static void test_files(void)
{
    emulator_expect_error("/nonesuch/log: cannot open the log: No such file",
                          "-M none -accel qtest -D /nonesuch/log");
    emulator_expect_error("-qtest-log: /nonesuch/log: No such file",
                          "-M none -qtest null -qtest-log /nonesuch/log");
    emulator_expect_error("-pidfile: cannot open /nonesuch/pid: No such file",
                          "-M none -accel qtest -pidfile /nonesuch/pid");
    emulator_expect_error("/nonesuch/socket",
                          "-M none -qtest unix:/nonesuch/socket");
    emulator_expect_error("/nonesuch/socket",
                          "-M none -accel qtest -qmp unix:/nonesuch/socket");
    emulator_expect_error("-chardev socket,path=/nonesuch/socket,id=c: ",
                          "-M none -accel qtest "
                          "-chardev socket,path=/nonesuch/socket,id=c");
    emulator_expect_error("-chardev bogus,id=c: ",
                          "-M none -accel qtest -chardev bogus,id=c");
}

static void test_chardev_users(void)
{
    emulator_expect_error("-mon: chardev 'c' has a user already",
                          "-M none -accel qtest -chardev null,id=c "
                          "-mon c,mode=control -mon c,mode=control");
    emulator_expect_error("-qtest: no chardev 'd'; try: -chardev "
                          "BACKEND,id=d",
                          "-M none -accel qtest -qtest chardev:d");
    emulator_expect_error("-mon: no chardev 'd'",
                          "-M none -accel qtest -mon d,mode=control");
}

/* On another architecture KVM is no choice, and says so. */
static void test_kvm(void)
{
#ifndef __aarch64__
    emulator_expect_error("needs an arm64 host", "-M none -accel kvm");
#else
    g_test_skip("this host may have KVM");
#endif
}

/* The log has the error, and so has whoever looks at standard error. */
static void test_log(void)
{
    g_autofree char *dir = g_dir_make_tmp("cmdline-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "log", NULL);
    g_autofree char *text = NULL;
    g_autoptr(EmulatorResult) result =
        emulator_run("-D %s -M none -accel qtest -smp 2", path);

    g_assert_cmpint(result->status, ==, 1);
    g_assert_cmpstr(result->err, ==,
                    "platypus: -smp 2: the machine has at most 1 CPU\n");
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, result->err);
    unlink(path);
    g_assert_no_errno(rmdir(dir));
}

static void test_pidfile(void)
{
    g_autofree char *dir = g_dir_make_tmp("cmdline-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "pid", NULL);
    g_autofree char *text = NULL;
    g_autofree char *pid = NULL;
    QtestClient *c;

    /* One that a crash left behind is taken over. */
    g_assert_true(g_file_set_contents(path, "123456789\n", -1, NULL));
    c = qtest_client_new("-M none -pidfile %s", path);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    pid = g_strdup_printf("%d\n", (int)qtest_client_pid(c));
    g_assert_cmpstr(text, ==, pid);
    emulator_expect_error("belongs to another process",
                          "-M none -accel qtest -pidfile %s", path);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));
    qtest_client_quit(c);
    g_assert_no_errno(rmdir(dir));
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_test_add_func("/cmdline/help", test_help);

    man_page = argv[2];
    g_test_add_func("/cmdline/full-output", test_full_output);
    g_test_add_func("/cmdline/man-page", test_man_page);
    g_test_add_func("/cmdline/help-width", test_help_width);
    g_test_add_func("/cmdline/help-hides", test_help_hides);
    g_test_add_func("/cmdline/words", test_words);
    g_test_add_func("/cmdline/names", test_names);
    g_test_add_func("/cmdline/config", test_config);
    g_test_add_func("/cmdline/files", test_files);
    g_test_add_func("/cmdline/chardev-users", test_chardev_users);
    g_test_add_func("/cmdline/kvm", test_kvm);
    g_test_add_func("/cmdline/log", test_log);
    g_test_add_func("/cmdline/pidfile", test_pidfile);
    return g_test_run();
}
