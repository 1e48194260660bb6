/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "util/error.h"

/*
 * Command-line option values: "head,key=value,flag,nokey". ",," stands for a
 * comma inside a value. A key without "=" is "on"; "nofoo" stays a key of its
 * own (there is no negation by prefix). A key is a letter and then letters,
 * digits, '-', '_' and '.'. Thread: any; a list belongs to one at a time.
 */
typedef struct Option {
    char *key;
    char *value; /* never NULL; "on" for a bare key */
    bool bare;   /* a key written without "=" */
} Option;

/** OptionList: the parsed pairs in order; later duplicates override. */
typedef struct OptionList {
    GPtrArray *options; /* of Option */
} OptionList;

/**
 * Parses @text. A first word without "=" becomes the value of @implied_key
 * when that is not NULL. Errors name the malformed word; an empty word, hence
 * an empty @text too, is one. The caller frees the list.
 */
OptionList *option_list_parse(const char *text, const char *implied_key,
                              Error **errp);
void option_list_free(OptionList *list);

/** The last value of @key, or NULL; valid as long as @list. */
const char *option_list_get(const OptionList *list, const char *key);

/** Removes @key and returns its last value (caller frees), or NULL. */
char *option_list_take(OptionList *list, const char *key);

/**
 * Text to number. Numbers are decimal or 0x...; a size takes one suffix of
 * b, k, M, G, T (powers of 1024, either case; behind 0x a b is a digit). No
 * sign, no blanks, nothing behind it; values above @max are an error. *@value
 * is set only on success. @what names it in the message.
 */
bool parse_uint(const char *text, uint64_t max, uint64_t *value,
                const char *what, Error **errp);
bool parse_size(const char *text, uint64_t max, uint64_t *value,
                const char *what, Error **errp);
/** on/off, yes/no, true/false. */
bool parse_bool(const char *text, bool *value, const char *what, Error **errp);

/**
 * The candidate nearest to @word by edit distance if it is near enough to be
 * meant (the first of equals), else NULL. @candidates ends with NULL.
 */
const char *nearest_name(const char *word, const char *const *candidates);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OptionList, option_list_free)
