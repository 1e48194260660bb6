/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * option.c: tables of texts and what becomes of them, the malformed ones with
 * the whole message.
 */

#include "util/option.h"

typedef struct ListCase {
    const char *text;
    const char *implied;
    const char *result; /* "key=value" with ";" between; "!..." an error */
} ListCase;

static const ListCase list_cases[] = {
    {"virt", "type", "type=virt"},
    {"virt,gic-version=3", "type", "type=virt;gic-version=3"},
    {"type=virt,rtc=off", "type", "type=virt;rtc=off"},
    {"virt,virt", "type", "type=virt;virt=on(bare)"},
    {"a=1,b,nob,a=2", NULL, "a=1;b=on(bare);nob=on(bare);a=2"},
    {"b=on", NULL, "b=on"},
    {"a=", NULL, "a="},
    {"a==b=c", NULL, "a==b=c"},
    {"a=x,,y", NULL, "a=x,y"},
    {"a=x,,,b=y", NULL, "a=x,;b=y"},
    {"a=,,,,", NULL, "a=,,"},
    {"x,,y", "path", "path=x,y"},
    {",,", "path", "path=,"},
    {"x-no-mmap=on,a.b_c-9", NULL, "x-no-mmap=on;a.b_c-9=on(bare)"},
    {"a=\xff\x01", NULL, "a=\xff\x01"},
    {"", "type", "!'': empty word between commas"},
    {",", "type", "!',': empty word between commas"},
    {"a,", "type", "!'a,': empty word between commas"},
    {",a", "type", "!',a': empty word between commas"},
    {"a=x,,,,,", NULL, "!'a=x,,,,,': empty word between commas"},
    {"=x", NULL, "!'=x': '=x' does not begin with an option name"},
    {"a,9=x", "type", "!'a,9=x': '9=x' does not begin with an option name"},
    {"x,,y", NULL, "!'x,,y': 'x,y' does not begin with an option name"},
    {"a b=1", NULL, "!'a b=1': 'a b=1' does not begin with an option name"},
    {"\xff=1", NULL, "!'\xff=1': '\xff=1' does not begin with an option name"},
};

static char *list_to_text(const OptionList *list)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < list->options->len; i++) {
        const Option *option = g_ptr_array_index(list->options, i);

        g_string_append_printf(text, "%s%s=%s%s", i ? ";" : "", option->key,
                               option->value, option->bare ? "(bare)" : "");
    }
    return g_string_free(text, FALSE);
}

static void test_list(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(list_cases); i++) {
        const ListCase *one = &list_cases[i];
        g_autoptr(Error) err = NULL;
        g_autoptr(OptionList) list =
            option_list_parse(one->text, one->implied, &err);
        g_autofree char *text = NULL;

        g_assert_true((list == NULL) == (err != NULL));
        text = list ? list_to_text(list)
                    : g_strconcat("!", error_get_pretty(err), NULL);
        g_assert_cmpstr(text, ==, one->result);
        g_assert_true(list ||
                      !option_list_parse(one->text, one->implied, NULL));
    }
}

static void test_get(void)
{
    g_autoptr(OptionList) list = option_list_parse("a=1,b=2,a=3", NULL, NULL);

    g_assert_cmpstr(option_list_get(list, "a"), ==, "3");
    g_assert_cmpstr(option_list_get(list, "b"), ==, "2");
    g_assert_null(option_list_get(list, "c"));
}

static void test_take(void)
{
    g_autoptr(OptionList) list = option_list_parse("a=1,b=2,a=3", NULL, NULL);
    g_autofree char *a = option_list_take(list, "a");
    g_autofree char *rest = list_to_text(list);

    g_assert_cmpstr(a, ==, "3");
    g_assert_cmpstr(rest, ==, "b=2");
    g_assert_null(option_list_take(list, "a"));
    option_list_free(NULL);
}

typedef struct NumberCase {
    const char *text;
    uint64_t max;
    uint64_t value;
    const char *error;
} NumberCase;

static const NumberCase uint_cases[] = {
    {"0", 0, 0},
    {"8", 8, 8},
    {"010", 99, 10},
    {"0x1f", 99, 31},
    {"0X1F", 99, 31},
    {"18446744073709551615", UINT64_MAX, UINT64_MAX},
    {"0xffffffffffffffff", UINT64_MAX, UINT64_MAX},
    {"00000000000000000000000000001", 1, 1},
    {"9", 8, 0, "n: '9' is more than 8 (0x8)"},
    {"18446744073709551616", UINT64_MAX, 0,
     "n: '18446744073709551616' is more than 18446744073709551615 "
     "(0xffffffffffffffff)"},
    {"0x10000000000000000", 255, 0,
     "n: '0x10000000000000000' is more than 255 (0xff)"},
    {"", 8, 0, "n: '' is not a number"},
    {"0x", 8, 0, "n: '0x' is not a number"},
    {"-1", 8, 0, "n: '-1' is not a number"},
    {"+1", 8, 0, "n: '+1' is not a number"},
    {" 1", 8, 0, "n: ' 1' is not a number"},
    {"1 ", 8, 0, "n: '1 ' is not a number"},
    {"1k", 8, 0, "n: '1k' is not a number"},
    {"1a", 8, 0, "n: '1a' is not a number"},
    {"0xg", 8, 0, "n: '0xg' is not a number"},
    {"x", 8, 0, "n: 'x' is not a number"},
};

static const NumberCase size_cases[] = {
    {"128", 999, 128},
    {"5b", 999, 5},
    {"2k", UINT64_MAX, 2048},
    {"2K", UINT64_MAX, 2048},
    {"3M", UINT64_MAX, 3ULL << 20},
    {"3m", UINT64_MAX, 3ULL << 20},
    {"1G", UINT64_MAX, 1ULL << 30},
    {"1t", UINT64_MAX, 1ULL << 40},
    {"0x10M", UINT64_MAX, 16ULL << 20},
    {"0x10b", UINT64_MAX, 0x10b},
    {"16777215T", UINT64_MAX, 16777215ULL << 40},
    {"16777216T", UINT64_MAX, 0,
     "n: '16777216T' is more than 18446744073709551615 "
     "(0xffffffffffffffff)"},
    {"1G", 1ULL << 29, 0, "n: '1G' is more than 536870912 (0x20000000)"},
    {"99999999999999999999", 8, 0,
     "n: '99999999999999999999' is more than 8 (0x8)"},
    {"", 8, 0, "n: '' is not a size; try: 512M, 2G or 0x1000"},
    {"M", 8, 0, "n: 'M' is not a size; try: 512M, 2G or 0x1000"},
    {"1Q", 8, 0, "n: '1Q' is not a size; try: 512M, 2G or 0x1000"},
    {"1MB", 8, 0, "n: '1MB' is not a size; try: 512M, 2G or 0x1000"},
    {"1.5G", 8, 0, "n: '1.5G' is not a size; try: 512M, 2G or 0x1000"},
    {"-1", 8, 0, "n: '-1' is not a size; try: 512M, 2G or 0x1000"},
};

typedef bool (*ParseFn)(const char *text, uint64_t max, uint64_t *value,
                        const char *what, Error **errp);

static void check_numbers(const NumberCase *cases, size_t count, ParseFn parse)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 4711;
        g_autoptr(Error) err = NULL;

        if (parse(cases[i].text, cases[i].max, &value, "n", &err)) {
            g_assert_null(cases[i].error);
            g_assert_cmpuint(value, ==, cases[i].value);
        } else {
            g_assert_cmpstr(error_get_pretty(err), ==, cases[i].error);
            g_assert_cmpuint(value, ==, 4711);
        }
    }
}

static void test_uint(void)
{
    check_numbers(uint_cases, G_N_ELEMENTS(uint_cases), parse_uint);
}

static void test_size(void)
{
    check_numbers(size_cases, G_N_ELEMENTS(size_cases), parse_size);
}

static void test_bool(void)
{
    static const char *const truths[] = {"on", "yes", "true"};
    static const char *const lies[] = {"off", "no", "false"};
    static const char *const neither[] = {"", "o", "onn", "On", "1", "maybe"};
    bool value;

    for (size_t i = 0; i < G_N_ELEMENTS(truths); i++) {
        value = false;
        g_assert_true(parse_bool(truths[i], &value, "b", NULL));
        g_assert_true(value);
        g_assert_true(parse_bool(lies[i], &value, "b", NULL));
        g_assert_false(value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(neither); i++) {
        g_autoptr(Error) err = NULL;
        g_autofree char *expected =
            g_strdup_printf("b: '%s' is neither on nor off", neither[i]);

        g_assert_false(parse_bool(neither[i], &value, "b", &err));
        g_assert_cmpstr(error_get_pretty(err), ==, expected);
    }
}

static void test_nearest(void)
{
    static const char long_name[] =
        "a-name-that-is-longer-than-any-that-a-device-or-a-property-will-have";
    static const char *const names[] = {"vfio-platform", "vfio-amba", "virt",
                                        "none",          "pl011",     "pl031",
                                        long_name,       NULL};
    static const char *const nothing[] = {NULL};
    static const struct {
        const char *word;
        const char *nearest;
    } cases[] = {
        {"vfio-platfrom", "vfio-platform"},
        {"vfio_platform", "vfio-platform"},
        {"vfioamba", "vfio-amba"},
        {"Virt", "virt"},
        {"vrit", "virt"},
        {"virtt", "virt"},
        {"nome", "none"},
        {"PL031", "pl031"},
        {"pl061", "pl011"}, /* the first of equals */
        {"e1000", NULL},
        {"x", NULL},
        {"", NULL},
        {"something-else-entirely", NULL},
        {long_name, NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpstr(nearest_name(cases[i].word, names), ==,
                        cases[i].nearest);
        g_assert_null(nearest_name(cases[i].word, nothing));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/option/list", test_list);
    g_test_add_func("/option/get", test_get);
    g_test_add_func("/option/take", test_take);
    g_test_add_func("/option/uint", test_uint);
    g_test_add_func("/option/size", test_size);
    g_test_add_func("/option/bool", test_bool);
    g_test_add_func("/option/nearest", test_nearest);
    return g_test_run();
}
