/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PD_JSON_KEY 32

/**
 * PdJson: reads a JSON text from its start to its end, strictly. The first
 * thing that is not as asked for sets @bad; whatever is read then is false, and
 * there are no more members. Nothing is allocated.
 */
typedef struct PdJson {
    const char *p;
    const char *end;
    bool fresh; /* in an object without a member yet */
    bool bad;
} PdJson;

void pd_json_init(PdJson *json, const char *text, size_t size);

/** The start of an object. */
void pd_json_enter(PdJson *json);
/**
 * The next member's key, cut to what fits, with its value to be read next; or
 * false at the end of the object.
 */
bool pd_json_member(PdJson *json, char key[PD_JSON_KEY]);

/** A value: a plain unsigned number, true or false, or anything at all. */
uint64_t pd_json_uint(PdJson *json);
bool pd_json_bool(PdJson *json);
void pd_json_skip(PdJson *json);

/** True if nothing was wrong and nothing is left. */
bool pd_json_done(PdJson *json);
