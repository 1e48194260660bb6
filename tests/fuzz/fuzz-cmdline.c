/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of cmdline.c: the input is a command line, one word a line. An
 * error is one line and excludes a result; the same words give the same
 * result; and whatever the result is, its ids are unique and its numbers are
 * within the limits that system/ relies on.
 */

#include <string.h>

#include "fuzz.h"
#include "system/cmdline.h"

#define WORDS_MAX 256

static void check_items(const GPtrArray *items)
{
    for (guint i = 0; i < items->len; i++) {
        const CmdlineItem *item = g_ptr_array_index(items, i);

        g_assert_true(item->type && *item->type && item->options);
        for (guint j = 0; item->id && j < i; j++) {
            const CmdlineItem *other = g_ptr_array_index(items, j);

            g_assert_cmpstr(item->id, !=, other->id);
        }
    }
}

static void check_result(const Cmdline *c)
{
    g_assert_true(c->ram_size > 0 && c->ram_size % 0x10000 == 0);
    g_assert_cmpuint(c->ram_size, <=, 1ULL << 46);
    g_assert_true(c->smp >= 1 && c->smp <= 4096);
    check_items(c->devices);
    check_items(c->chardevs);
}

static void check_same(const Cmdline *a, const Cmdline *b)
{
    g_assert_cmpint(a->action, ==, b->action);
    g_assert_cmpstr(a->help_subject, ==, b->help_subject);
    g_assert_cmpstr(a->machine, ==, b->machine);
    g_assert_cmpstr(a->accels, ==, b->accels);
    g_assert_cmpuint(a->ram_size, ==, b->ram_size);
    g_assert_cmpuint(a->smp, ==, b->smp);
    g_assert_true(a->kernel == b->kernel && a->append == b->append);
    g_assert_cmpuint(a->devices->len, ==, b->devices->len);
}

static void check_error(const Error *err)
{
    g_assert_nonnull(err);
    g_assert_null(strchr(error_get_pretty(err), '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *line = g_strconcat("platypus\n", text, NULL);
    g_auto(GStrv) argv = g_strsplit(line, "\n", WORDS_MAX);
    int argc = g_strv_length(argv);
    g_autoptr(Error) err = NULL;
    g_autoptr(Cmdline) c = NULL;
    g_autoptr(Cmdline) again = NULL;

    /* The last one has all the rest in it. */
    g_strdelimit(argv[argc - 1], "\n", ' ');
    c = cmdline_parse(argc, argv, &err);
    again = cmdline_parse(argc, argv, NULL);
    g_assert_true(!c == !again);
    if (c) {
        g_assert_null(err);
        check_result(c);
        check_same(c, again);
    } else {
        check_error(err);
    }
    return 0;
}
