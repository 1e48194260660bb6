/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdJson: as much of RFC 8259 as reading a foreign VERSION takes: objects that
 * are walked, three kinds of values, and skipping the rest, nested ones to a
 * depth. Strict, since what is read loosely is read differently elsewhere; only
 * the characters in strings are not checked to be UTF-8.
 */

#include <string.h>

#include "json.h"

#define PD_JSON_DEPTH 16

void pd_json_init(PdJson *json, const char *text, size_t size)
{
    *json = (PdJson){.p = text, .end = text + size};
}

/* The next character that is no space, unless at the end: then 0. */
static char pd_json_peek(PdJson *json)
{
    while (json->p < json->end && *json->p && strchr(" \t\r\n", *json->p)) {
        json->p++;
    }
    return json->p < json->end ? *json->p : 0;
}

static bool pd_json_accept(PdJson *json, char c)
{
    if (json->bad || pd_json_peek(json) != c || json->p == json->end) {
        return false;
    }
    json->p++;
    return true;
}

static void pd_json_expect(PdJson *json, char c)
{
    if (!pd_json_accept(json, c)) {
        json->bad = true;
    }
}

static bool pd_json_hex(char c)
{
    return c && strchr("0123456789abcdefABCDEF", c);
}

/* Behind a backslash. Escapes are as good as any other character to us. */
static bool pd_json_escape(PdJson *json)
{
    if (json->p == json->end || !*json->p || !strchr("\"\\/bfnrtu", *json->p)) {
        return false;
    }
    if (*json->p++ != 'u') {
        return true;
    }
    if (json->end - json->p < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (!pd_json_hex(*json->p++)) {
            return false;
        }
    }
    return true;
}

/* A string; its raw text goes to @text as far as it fits, if there is one. */
static void pd_json_string(PdJson *json, char *text, size_t size)
{
    const char *from;
    size_t n;

    pd_json_expect(json, '"');
    from = json->p;
    while (!json->bad && json->p < json->end && *json->p != '"') {
        if ((unsigned char)*json->p < 0x20 ||
            (*json->p++ == '\\' && !pd_json_escape(json))) {
            json->bad = true;
        }
    }
    if (json->bad || json->p == json->end) {
        json->bad = true;
        return;
    }
    n = json->p++ - from;
    if (text) {
        n = n < size ? n : size - 1;
        memcpy(text, from, n);
        text[n] = '\0';
    }
}

void pd_json_enter(PdJson *json)
{
    pd_json_expect(json, '{');
    json->fresh = true;
}

bool pd_json_member(PdJson *json, char key[PD_JSON_KEY])
{
    bool fresh = json->fresh;

    json->fresh = false;
    if (json->bad || pd_json_accept(json, '}')) {
        return false;
    }
    if (!fresh) {
        pd_json_expect(json, ',');
    }
    pd_json_string(json, key, PD_JSON_KEY);
    pd_json_expect(json, ':');
    return !json->bad;
}

static bool pd_json_digit(const PdJson *json)
{
    return json->p < json->end && *json->p >= '0' && *json->p <= '9';
}

uint64_t pd_json_uint(PdJson *json)
{
    uint64_t value = 0;
    char first = pd_json_peek(json);
    const char *from = json->p;

    while (!json->bad && pd_json_digit(json)) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *json->p - '0', &value)) {
            json->bad = true;
        }
        json->p++;
    }
    if (json->p == from || (first == '0' && json->p - from > 1) ||
        (json->p < json->end && *json->p && strchr(".eE", *json->p))) {
        json->bad = true;
    }
    return json->bad ? 0 : value;
}

static void pd_json_word(PdJson *json, const char *word)
{
    size_t n = strlen(word);

    if (json->bad || (size_t)(json->end - json->p) < n ||
        memcmp(json->p, word, n) != 0) {
        json->bad = true;
        return;
    }
    json->p += n;
}

bool pd_json_bool(PdJson *json)
{
    bool yes = pd_json_peek(json) == 't';

    pd_json_word(json, yes ? "true" : "false");
    return yes && !json->bad;
}

/* One digit or more. */
static void pd_json_digits(PdJson *json)
{
    if (!pd_json_digit(json)) {
        json->bad = true;
    }
    while (pd_json_digit(json)) {
        json->p++;
    }
}

/* Of any kind, with sign, fraction and exponent. */
static void pd_json_number(PdJson *json)
{
    if (json->p < json->end && *json->p == '-') {
        json->p++;
    }
    if (json->p < json->end && *json->p == '0') {
        json->p++;
    } else {
        pd_json_digits(json);
    }
    if (json->p < json->end && *json->p == '.') {
        json->p++;
        pd_json_digits(json);
    }
    if (json->p < json->end && (*json->p == 'e' || *json->p == 'E')) {
        json->p++;
        if (json->p < json->end && (*json->p == '+' || *json->p == '-')) {
            json->p++;
        }
        pd_json_digits(json);
    }
}

static void pd_json_skip_value(PdJson *json, unsigned depth);

static void pd_json_skip_object(PdJson *json, unsigned depth)
{
    char key[PD_JSON_KEY];

    pd_json_enter(json);
    while (pd_json_member(json, key)) {
        pd_json_skip_value(json, depth);
    }
}

static void pd_json_skip_array(PdJson *json, unsigned depth)
{
    pd_json_expect(json, '[');
    if (pd_json_accept(json, ']')) {
        return;
    }
    do {
        pd_json_skip_value(json, depth);
    } while (pd_json_accept(json, ','));
    pd_json_expect(json, ']');
}

static void pd_json_skip_value(PdJson *json, unsigned depth)
{
    char c = pd_json_peek(json);

    if (json->bad || depth == PD_JSON_DEPTH) {
        json->bad = true;
    } else if (c == '{') {
        pd_json_skip_object(json, depth + 1);
    } else if (c == '[') {
        pd_json_skip_array(json, depth + 1);
    } else if (c == '"') {
        pd_json_string(json, NULL, 0);
    } else if (c == 't' || c == 'f') {
        pd_json_bool(json);
    } else if (c == 'n') {
        pd_json_word(json, "null");
    } else {
        pd_json_number(json);
    }
}

void pd_json_skip(PdJson *json)
{
    pd_json_skip_value(json, 0);
}

bool pd_json_done(PdJson *json)
{
    return !json->bad && pd_json_peek(json) == 0 && json->p == json->end;
}
