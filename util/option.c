/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Option values and the numbers in them. The text comes from a command line
 * and may hold any bytes: nothing here trusts it, and libc's strtoull() is not
 * used because it takes signs, blanks, octal and a locale's digits. Words end
 * at a single comma; a doubled one is a comma inside the word, left to right,
 * so that "a=x,,,b=y" is "x," and then b.
 */

#include <string.h>

#include "util/option.h"

#define NEAREST_MAX_LENGTH 64

static void option_free(gpointer data)
{
    Option *option = data;

    g_free(option->key);
    g_free(option->value);
    g_free(option);
}

static void add_option(OptionList *list, const char *key, const char *value,
                       bool bare)
{
    Option *option = g_new(Option, 1);

    option->key = g_strdup(key);
    option->value = g_strdup(value);
    option->bare = bare;
    g_ptr_array_add(list->options, option);
}

/* Takes the next word off *@text, without its end and its escapes. */
static char *next_word(const char **text)
{
    GString *word = g_string_new(NULL);
    const char *p = *text;

    while (*p) {
        if (p[0] == ',' && p[1] != ',') {
            break;
        }
        p += p[0] == ',';
        g_string_append_c(word, *p++);
    }
    *text = p;
    return g_string_free(word, FALSE);
}

static bool is_key(const char *key)
{
    if (!g_ascii_isalpha(*key)) {
        return false;
    }
    while (g_ascii_isalnum(*key) || (*key && strchr("-_.", *key))) {
        key++;
    }
    return *key == '\0';
}

static bool add_word(OptionList *list, char *word, const char *implied_key,
                     Error **errp)
{
    char *equals = strchr(word, '=');

    if (*word == '\0') {
        error_setg(errp, "empty word between commas");
        return false;
    }
    if (!equals && implied_key) {
        add_option(list, implied_key, word, false);
        return true;
    }
    if (equals) {
        *equals = '\0';
    }
    if (!is_key(word)) {
        if (equals) {
            *equals = '=';
        }
        error_setg(errp, "'%s' does not begin with an option name", word);
        return false;
    }
    add_option(list, word, equals ? equals + 1 : "on", !equals);
    return true;
}

OptionList *option_list_parse(const char *text, const char *implied_key,
                              Error **errp)
{
    g_autoptr(OptionList) list = g_new(OptionList, 1);
    const char *p = text;

    list->options = g_ptr_array_new_with_free_func(option_free);
    for (;;) {
        g_autofree char *word = next_word(&p);

        if (!add_word(list, word, implied_key, errp)) {
            error_prepend(errp, "'%s': ", text);
            return NULL;
        }
        implied_key = NULL;
        if (*p == '\0') {
            return g_steal_pointer(&list);
        }
        p++;
    }
}

void option_list_free(OptionList *list)
{
    if (list) {
        g_ptr_array_unref(list->options);
        g_free(list);
    }
}

const char *option_list_get(const OptionList *list, const char *key)
{
    for (guint i = list->options->len; i > 0; i--) {
        const Option *option = g_ptr_array_index(list->options, i - 1);

        if (strcmp(option->key, key) == 0) {
            return option->value;
        }
    }
    return NULL;
}

char *option_list_take(OptionList *list, const char *key)
{
    char *value = NULL;

    for (guint i = list->options->len; i > 0; i--) {
        Option *option = g_ptr_array_index(list->options, i - 1);

        if (strcmp(option->key, key) == 0) {
            if (!value) {
                value = g_steal_pointer(&option->value);
            }
            g_ptr_array_remove_index(list->options, i - 1);
        }
    }
    return value;
}

/*
 * Reads the digits at *@text and moves it behind them. False when there are
 * none; a number that does not fit is read to its end and *@fits is false.
 */
static bool read_digits(const char **text, uint64_t *value, bool *fits)
{
    const char *p = *text;
    unsigned base = 10;
    const char *first;
    int digit;

    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        base = 16;
        p += 2;
    }
    first = p;
    *value = 0;
    *fits = true;
    while ((digit = g_ascii_xdigit_value(*p)) >= 0 && digit < (int)base) {
        *fits = *fits && !__builtin_mul_overflow(*value, base, value) &&
                !__builtin_add_overflow(*value, (uint64_t)digit, value);
        p++;
    }
    *text = p;
    return p > first;
}

static bool check_max(const char *text, uint64_t value, bool fits, uint64_t max,
                      const char *what, Error **errp)
{
    if (!fits || value > max) {
        error_setg(errp,
                   "%s: '%s' is more than %" G_GUINT64_FORMAT
                   " (0x%" G_GINT64_MODIFIER "x)",
                   what, text, max, max);
        return false;
    }
    return true;
}

bool parse_uint(const char *text, uint64_t max, uint64_t *value,
                const char *what, Error **errp)
{
    const char *p = text;
    uint64_t number;
    bool fits;

    if (!read_digits(&p, &number, &fits) || *p) {
        error_setg(errp, "%s: '%s' is not a number", what, text);
        return false;
    }
    if (!check_max(text, number, fits, max, what, errp)) {
        return false;
    }
    *value = number;
    return true;
}

/* The power of two of the suffix @c, or -1. */
static int suffix_shift(char c)
{
    switch (g_ascii_tolower(c)) {
    case '\0':
    case 'b':
        return 0;
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    case 't':
        return 40;
    default:
        return -1;
    }
}

bool parse_size(const char *text, uint64_t max, uint64_t *value,
                const char *what, Error **errp)
{
    const char *p = text;
    uint64_t number;
    int shift = -1;
    bool fits;

    if (read_digits(&p, &number, &fits) && (p[0] == '\0' || p[1] == '\0')) {
        shift = suffix_shift(*p);
    }
    if (shift < 0) {
        error_setg(errp, "%s: '%s' is not a size; try: 512M, 2G or 0x1000",
                   what, text);
        return false;
    }
    fits = fits && number <= UINT64_MAX >> shift;
    if (!check_max(text, fits ? number << shift : 0, fits, max, what, errp)) {
        return false;
    }
    *value = number << shift;
    return true;
}

bool parse_bool(const char *text, bool *value, const char *what, Error **errp)
{
    static const char words[][2][6] = {
        {"off", "on"},
        {"no", "yes"},
        {"false", "true"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        for (int truth = 0; truth < 2; truth++) {
            if (strcmp(text, words[i][truth]) == 0) {
                *value = truth;
                return true;
            }
        }
    }
    error_setg(errp, "%s: '%s' is neither on nor off", what, text);
    return false;
}

/* Levenshtein's distance without regard to case, row by row. */
static unsigned edit_distance(const char *a, const char *b, size_t b_length)
{
    unsigned row[NEAREST_MAX_LENGTH + 1];

    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i]; i++) {
        unsigned diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b_length; j++) {
            unsigned change =
                diagonal + (g_ascii_tolower(a[i]) != g_ascii_tolower(b[j]));

            diagonal = row[j + 1];
            row[j + 1] = MIN(change, MIN(diagonal, row[j]) + 1);
        }
    }
    return row[b_length];
}

const char *nearest_name(const char *word, const char *const *candidates)
{
    size_t word_length = strlen(word);
    /* One slip in any word, and one more for every four characters. */
    unsigned best = 2 + word_length / 4;
    const char *nearest = NULL;

    best = MIN(best, word_length);
    if (word_length > NEAREST_MAX_LENGTH) {
        return NULL;
    }
    for (; *candidates; candidates++) {
        size_t length = strlen(*candidates);

        if (length <= NEAREST_MAX_LENGTH) {
            unsigned distance = edit_distance(word, *candidates, length);

            if (distance < best) {
                best = distance;
                nearest = *candidates;
            }
        }
    }
    return nearest;
}
