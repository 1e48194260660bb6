/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * platypus-device as a program: its command line, its ways to end, and what
 * it leaves in the file system, which is nothing.
 */

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model-client.h"

static const char *man_page;

typedef struct Result {
    int status;
    char *out;
    char *err;
} Result;

static void run(Result *result, const char *args)
{
    g_autofree char *line =
        g_strdup_printf("'%s' %s", model_client_program(), args);
    int status;
    GError *err = NULL;

    g_spawn_command_line_sync(line, &result->out, &result->err, &status, &err);
    g_assert_no_error(err);
    g_assert_true(WIFEXITED(status));
    result->status = WEXITSTATUS(status);
}

static void result_finish(Result *result)
{
    g_free(result->out);
    g_free(result->err);
}

static void expect_text(const char *args, const char *const *words)
{
    Result result;

    run(&result, args);
    g_assert_cmpint(result.status, ==, 0);
    g_assert_cmpstr(result.err, ==, "");
    for (; *words; words++) {
        g_assert_nonnull(strstr(result.out, *words));
    }
    result_finish(&result);
}

/* Status 1, and one line that has @text; before it, who says so. */
static void expect_error(const char *args, const char *text)
{
    Result result;

    g_test_message("%s", args);
    run(&result, args);
    g_assert_cmpint(result.status, ==, 1);
    g_assert_cmpstr(result.out, ==, "");
    g_assert_nonnull(strstr(result.err, text));
    g_assert_true(strchr(result.err, '\n') ==
                  result.err + strlen(result.err) - 1);
    result_finish(&result);
}

static void test_texts(void)
{
    static const char *const help[] = {
        "usage:",    "--socket",    "--fd",         "pl031", "dma-edu",
        "uart16550", "--reg-shift", "--no-battery", NULL};
    static const char *const list[] = {"pl031", "dma-edu", "uart16550", NULL};

    expect_text("--help", help);
    expect_text("--list", list);
    expect_text(
        "--version",
        (const char *const[]){"platypus-device " PLATYPUS_VERSION "\n", NULL});
}

/* The manual page has every option and model of --help. */
static void test_man_page(void)
{
    g_autofree char *text = NULL;
    g_autoptr(GRegex) option = g_regex_new("--[a-z][a-z-]*|^[a-z0-9-]+(?=: )",
                                           G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GString) page = NULL;
    unsigned found = 0;
    Result help;

    g_assert_true(g_file_get_contents(man_page, &text, NULL, NULL));
    page = g_string_new(text);
    g_string_replace(page, "\\-", "-", 0);
    run(&help, "--help");
    g_regex_match(option, strchr(help.out, '\n'), 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *word = g_match_info_fetch(match, 0);

        g_test_message("%s", word);
        g_assert_nonnull(strstr(page->str, word));
        found++;
    }
    g_assert_cmpuint(found, >=, 12);
    result_finish(&help);
}

static void test_bad_arguments(void)
{
    expect_error("", "--help");
    expect_error("--nosuch", "--nosuch");
    expect_error("--help pl031", "--help");
    expect_error("nosuch --socket x", "nosuch");
    expect_error("pl031", "--socket");
    expect_error("pl031 --socket", "--socket needs a value");
    expect_error("pl031 --socket -- dma-edu --socket x",
                 "--socket needs a value");
    expect_error("pl031 --socket x --fd 3", "one of");
    expect_error("pl031 --socket x --socket y", "twice");
    expect_error("pl031 --nosuch 1", "--nosuch");
    expect_error("pl031 socket x", "'socket'");
    expect_error("pl031 -socket x", "'-socket'");
    expect_error("pl031 --socke x", "--socke");
    expect_error("pl031 --no-battery=1 --socket x", "no value");
    expect_error("pl031 --reg-shift 2 --socket x", "--reg-shift");
    expect_error("pl031 --socket x --", "--");
    expect_error("pl031 --socket x -- nosuch", "nosuch");
    expect_error("uart16550 --fd 0 --reg-shift 4", "--reg-shift");
    expect_error("uart16550 --fd 0 --reg-shift -1", "--reg-shift");
    expect_error("uart16550 --fd 0 --reg-shift 1x", "--reg-shift");
    expect_error("uart16550 --fd 0 --reg-shift ''", "--reg-shift");
    expect_error("uart16550 --fd 0 --stdio --link x", "--link");
    expect_error("uart16550 --fd 0 --link /nowhere/x", "/nowhere/x");
    expect_error("uart16550 --fd 0 --link /", "/");
}

static void test_bad_connections(void)
{
    g_autofree char *name = g_strnfill(200, 'x');
    g_autofree char *too_long = g_strdup_printf("pl031 --socket %s", name);

    expect_error("pl031 --socket /nowhere/x", "/nowhere/x");
    expect_error("pl031 --socket ''", "pl031");
    expect_error(too_long, "pl031");
    expect_error("pl031 --fd 77", "--fd 77");
    expect_error("pl031 --fd 0", "--fd 0"); /* /dev/null, or so */
    expect_error("pl031 --fd x", "--fd x");
    expect_error("pl031 --fd -1", "--fd -1");
    expect_error("pl031 --fd 99999999999", "--fd 99999999999");
}

static void check_descriptors(const char *model, unsigned limit)
{
    g_autofree char *script =
        g_strdup_printf("ulimit -n %u; exec '%s' %s --socket /nowhere/x", limit,
                        model_client_program(), model);
    const char *const argv[] = {"sh", "-c", script, NULL};
    g_autofree char *err = NULL;
    int status;

    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                               G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
                               NULL, NULL, NULL, &err, &status, NULL));
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 1);
    g_assert_nonnull(strstr(err, ": "));
    g_assert_true(strchr(err, '\n') == err + strlen(err) - 1);
}

/* Whatever it is that no descriptor is left for. */
static void test_no_descriptors(void)
{
    static const char *const models[] = {"pl031", "dma-edu", "uart16550",
                                         "uart16550 --stdio"};

    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        /* With fewer the sanitizers' libraries are not found. */
        for (unsigned limit = 4; limit <= 12; limit++) {
            check_descriptors(models[i], limit);
        }
    }
}

typedef struct Folder {
    char *dir;
    char *a;
    char *b;
} Folder;

static Folder folder_new(void)
{
    Folder f = {.dir = g_dir_make_tmp("device-XXXXXX", NULL)};

    f.a = g_build_filename(f.dir, "a", NULL);
    f.b = g_build_filename(f.dir, "b", NULL);
    return f;
}

/* It must be empty again. */
static void folder_finish(Folder *f)
{
    g_assert_cmpint(rmdir(f->dir), ==, 0);
    g_free(f->dir);
    g_free(f->a);
    g_free(f->b);
}

static void check_signal(int sig, bool connected)
{
    Folder f = folder_new();
    ModelClient *c = model_client_new(
        false, (const char *const[]){"pl031", "--socket", f.a, NULL});

    model_client_connect(c, f.a);
    if (!connected) {
        model_client_hang_up(c);
    }
    model_client_quit(c, sig);
    folder_finish(&f);
}

static void test_signals(void)
{
    check_signal(SIGTERM, true);
    check_signal(SIGTERM, false);
    check_signal(SIGINT, true);
    check_signal(SIGHUP, false);
}

/* With a connection that is given, the client's end is the program's. */
static void test_fd_ends(void)
{
    ModelClient *c =
        model_client_new(true, (const char *const[]){"pl031", NULL});

    g_assert_cmphex(model_read(c, 0, 0xfe0, 4), ==, 0x31);
    model_client_hang_up(c);
    model_client_quit(c, 0);
}

static void test_several(void)
{
    Folder f = folder_new();
    ModelClient *c = model_client_new(
        false, (const char *const[]){"pl031", "--socket", f.a, "--", "dma-edu",
                                     "--socket", f.b, NULL});

    model_client_connect(c, f.a);
    g_assert_cmphex(model_read(c, 0, 0xfe0, 4), ==, 0x31);
    model_client_hang_up(c);
    model_client_connect(c, f.b);
    g_assert_cmphex(model_read(c, 0, 0, 4), ==, 0x2d414d44);
    model_client_quit(c, SIGTERM);
    folder_finish(&f);
}

/* A socket that is in use is left alone, and so are those before it. */
static void test_in_use(void)
{
    Folder f = folder_new();
    ModelClient *c = model_client_new(
        false, (const char *const[]){"pl031", "--socket", f.a, NULL});
    g_autofree char *again = g_strdup_printf("pl031 --socket '%s'", f.a);
    g_autofree char *second = g_strdup_printf(
        "dma-edu --socket '%s' -- pl031 --socket '%s'", f.b, f.a);

    model_client_connect(c, f.a);
    expect_error(again, f.a);
    expect_error(second, f.a);
    g_assert_cmphex(model_read(c, 0, 0xfe0, 4), ==, 0x31);
    model_client_quit(c, SIGTERM);
    folder_finish(&f);
}

/* One that a killed server has left is not in its way. */
static void test_after_kill(void)
{
    Folder f = folder_new();
    const char *const args[] = {"pl031", "--socket", f.a, NULL};
    ModelClient *first = model_client_new(false, args), *second;

    model_client_connect(first, f.a);
    g_assert_no_errno(kill(first->pid, SIGKILL));
    g_assert_cmpint(waitpid(first->pid, NULL, 0), ==, first->pid);
    second = model_client_new(false, args);
    model_client_connect(second, f.a);
    g_assert_cmphex(model_read(second, 0, 0xfe0, 4), ==, 0x31);
    model_client_quit(second, SIGTERM);
    user_peer_free(first->peer);
    close(first->in);
    close(first->out);
    g_free(first);
    folder_finish(&f);
}

int main(int argc, char **argv)
{
    model_client_init(&argc, &argv);
    g_assert_cmpint(argc, ==, 3);
    man_page = argv[2];
    g_test_add_func("/device-program/texts", test_texts);
    g_test_add_func("/device-program/man-page", test_man_page);
    g_test_add_func("/device-program/bad-arguments", test_bad_arguments);
    g_test_add_func("/device-program/bad-connections", test_bad_connections);
    g_test_add_func("/device-program/no-descriptors", test_no_descriptors);
    g_test_add_func("/device-program/signals", test_signals);
    g_test_add_func("/device-program/fd-ends", test_fd_ends);
    g_test_add_func("/device-program/several", test_several);
    g_test_add_func("/device-program/in-use", test_in_use);
    g_test_add_func("/device-program/after-kill", test_after_kill);
    return g_test_run();
}
