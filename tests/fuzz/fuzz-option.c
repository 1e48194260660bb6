/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of option.c: the input is one option's text. Beyond not crashing
 * it checks that a parsed list, written out again, parses to itself, and that
 * a number read is the number written.
 */

#include <inttypes.h>
#include <string.h>

#include "fuzz.h"
#include "util/option.h"

static void append_escaped(GString *text, const char *value)
{
    for (; *value; value++) {
        g_string_append(text, *value == ',' ? "," : "");
        g_string_append_c(text, *value);
    }
}

static char *write_out(const OptionList *list)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < list->options->len; i++) {
        const Option *option = g_ptr_array_index(list->options, i);

        g_string_append_printf(text, "%s%s", i ? "," : "", option->key);
        if (!option->bare) {
            g_string_append_c(text, '=');
            append_escaped(text, option->value);
        }
    }
    return g_string_free(text, FALSE);
}

static void check_number(const char *text)
{
    uint64_t number = 0, again = 1, size = 0;
    bool truth;

    if (parse_uint(text, 1ULL << 40, &number, "number", NULL)) {
        g_autofree char *hex = g_strdup_printf("0x%" PRIx64, number);

        g_assert_cmpuint(number, <=, 1ULL << 40);
        g_assert_true(parse_uint(hex, number, &again, "again", NULL));
        g_assert_cmpuint(again, ==, number);
        g_assert_true(parse_size(text, UINT64_MAX, &size, "size", NULL));
        g_assert_cmpuint(size, ==, number);
    }
    if (parse_size(text, 1ULL << 50, &size, "size", NULL)) {
        g_assert_cmpuint(size, <=, 1ULL << 50);
    }
    parse_bool(text, &truth, "truth", NULL);
}

static void check_list(OptionList *list)
{
    static const char *const names[] = {"virt", "gic-version", "rtc", NULL};
    g_autofree char *text = write_out(list);
    g_autoptr(OptionList) again = option_list_parse(text, NULL, NULL);
    g_autofree char *text_again = NULL;

    g_assert_nonnull(again);
    text_again = write_out(again);
    g_assert_cmpstr(text, ==, text_again);
    for (guint i = 0; i < list->options->len; i++) {
        const Option *option = g_ptr_array_index(list->options, i);

        g_assert_nonnull(option_list_get(list, option->key));
        check_number(option->value);
        nearest_name(option->key, names);
    }
    while (list->options->len > 0) {
        const Option *option = g_ptr_array_index(list->options, 0);
        g_autofree char *key = g_strdup(option->key);
        g_autofree char *value = option_list_take(list, key);

        g_assert_nonnull(value);
        g_assert_null(option_list_get(list, key));
    }
}

static void check_text(const char *text, const char *implied_key)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(OptionList) list = option_list_parse(text, implied_key, &err);

    g_assert_true((list == NULL) == (err != NULL));
    if (list) {
        check_list(list);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    check_text(text, NULL);
    check_text(text, "type");
    check_number(text);
    return 0;
}
