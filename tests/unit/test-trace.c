/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace.c together with what scripts/tracetool makes of the trace-events file
 * beside this test, and tracetool's own errors. Linked without the library of
 * util, which has the tree's own events in it.
 */

#include <string.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "trace.h"

static void disable_all(void)
{
    for (TraceEvent *const *event = trace_events; *event; event++) {
        (*event)->enabled = false;
    }
}

static unsigned count_enabled(void)
{
    unsigned count = 0;

    for (TraceEvent *const *event = trace_events; *event; event++) {
        count += (*event)->enabled;
    }
    return count;
}

static void test_enable(void)
{
    g_autoptr(Error) err = NULL;

    disable_all();
    g_assert_true(trace_enable("test_mixed", &err));
    g_assert_cmpuint(count_enabled(), ==, 1);
    g_assert_true(trace_event_test_mixed.enabled);
    g_assert_true(trace_enable("test_[en]*", &err));
    g_assert_cmpuint(count_enabled(), ==, 3);
    g_assert_true(trace_enable("*", &err));
    g_assert_cmpuint(count_enabled(), ==, 6);
    g_assert_null(err);
    disable_all();
    g_assert_false(trace_enable("vfio_*", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "no trace event matches 'vfio_*'; try: -trace help");
    g_assert_cmpuint(count_enabled(), ==, 0);
}

/* What the log holds after every event was called once. */
static char *trace_everything(void)
{
    g_autofree char *path =
        g_strdup_printf("%s/test-trace-XXXXXX", g_get_tmp_dir());
    autofd int fd = g_mkstemp(path);
    char *text;

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(log_open(path, NULL));
    trace_test_none();
    trace_test_void();
    trace_test_mixed("dev", 0x9010000, 3);
    trace_test_end(7);
    trace_test_quote("q\n");
    trace_test_pointer(NULL, 5);
    log_close();
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    unlink(path);
    return text;
}

static void test_disabled(void)
{
    g_autofree char *text = NULL;

    disable_all();
    text = trace_everything();
    g_assert_cmpstr(text, ==, "");
}

static void test_text(void)
{
    static const char *const expected[] = {
        "test_none nothing to say",
        "test_void nothing either",
        "test_mixed dev: a 0x9010000 line 3",
        "test_end x 7",
        "test_quote a \"q?\" b",
        "test_pointer (nil) 5",
    };
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(trace_enable("*", NULL));
    text = trace_everything();
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(expected) + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_assert_true(
            g_regex_match_simple("^[0-9]+\\.[0-9]{6} ", lines[i], 0, 0));
        g_assert_cmpstr(strchr(lines[i], ' ') + 1, ==, expected[i]);
    }
}

static void test_help(void)
{
    if (g_test_subprocess()) {
        trace_print_help();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stdout("*test_none\ntest_void\ntest_mixed\ntest_end\n"
                              "test_quote\ntest_pointer\n*");
}

/* Runs tracetool on @events; true if it liked them. */
static bool run_tracetool(const char *kind, const char *events, char **output,
                          char **complaint)
{
    g_autofree char *dir = g_dir_make_tmp("tracetool-XXXXXX", NULL);
    g_autofree char *in = g_build_filename(dir, "in", NULL);
    g_autofree char *out = g_build_filename(dir, "out", NULL);
    char *argv[] = {(char *)g_getenv("TRACETOOL"), (char *)kind, in, out, NULL};
    bool ok;
    int status;

    g_assert_true(g_file_set_contents(in, events, -1, NULL));
    g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                               NULL, complaint, &status, NULL));
    ok = g_file_get_contents(out, output, NULL, NULL);
    g_assert_true(ok == (status == 0));
    unlink(in);
    unlink(out);
    rmdir(dir);
    return ok;
}

static void test_tool_empty(void)
{
    g_autofree char *header = NULL;
    g_autofree char *table = NULL;

    g_assert_true(run_tracetool("h", "# nothing\n\n", &header, NULL));
    g_assert_null(strstr(header, "static inline"));
    g_assert_true(run_tracetool("c", "", &table, NULL));
    g_assert_nonnull(strstr(table, "trace_events[] = {\n    NULL,\n};\n"));
}

static void test_tool_errors(void)
{
    static const struct {
        const char *events;
        const char *complaint; /* behind the name of the file */
    } cases[] = {
        {"good() \"x\"\nbad\n", ":2: expected NAME(ARGUMENTS)"},
        {"bad(int a \"x\"\n", ":1: expected NAME(ARGUMENTS)"},
        {"9bad() \"x\"\n", ":1: expected NAME(ARGUMENTS)"},
        {"bad(int) \"x\"\n", ":1: bad argument 'int'"},
        {"bad(int a,) \"x\"\n", ":1: bad argument ''"},
        {"bad(int a, char *a) \"x\"\n", ":1: argument 'a' appears twice"},
        {"bad()\n", ":1: the format must begin with a string"},
        {"bad(int a) PRIx64\n", ":1: the format must begin with a string"},
        {"bad() \"open\n", ":1: bad format at '\"open'"},
        {"bad() \"x\" + 1\n", ":1: bad format at '+ 1'"},
        {"bad() \"x\\n\"\n", ":1: a format has no newline"},
        {"a() \"x\"\n#\na() \"y\"\n", ":3: event 'a' appears twice"},
        {"a() \"\xff\"\n", "can't decode"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *output = NULL;
        g_autofree char *complaint = NULL;

        g_assert_false(
            run_tracetool("h", cases[i].events, &output, &complaint));
        if (!strstr(complaint, cases[i].complaint)) {
            g_error("case %zu: %s", i, complaint);
        }
    }
}

static void test_tool_usage(void)
{
    g_autofree char *output = NULL;
    g_autofree char *complaint = NULL;

    g_assert_false(run_tracetool("x", "", &output, &complaint));
    g_assert_cmpstr(complaint, ==, "usage: tracetool h|c INPUT OUTPUT\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trace/enable", test_enable);
    g_test_add_func("/trace/disabled", test_disabled);
    g_test_add_func("/trace/text", test_text);
    g_test_add_func("/trace/help", test_help);
    g_test_add_func("/trace/tool/empty", test_tool_empty);
    g_test_add_func("/trace/tool/errors", test_tool_errors);
    g_test_add_func("/trace/tool/usage", test_tool_usage);
    return g_test_run();
}
