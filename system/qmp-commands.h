/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-c/json.h>
#include "util/error.h"

/* QMP's commands, whoever asks for them. Thread: machine lock. */

typedef struct QmpCommand QmpCommand;

/** The command that a session must begin with; it has no other effect. */
#define QMP_NEGOTIATION "qmp_capabilities"

/** NULL: there is none of that name. */
const QmpCommand *qmp_find_command(const char *name);

/**
 * Does it. @arguments is an object or NULL. What "return" is to hold, the
 * caller's; or NULL with an error, which is a GenericError unless *@error_class
 * is set.
 */
struct json_object *qmp_execute(const QmpCommand *command,
                                struct json_object *arguments,
                                const char **error_class, Error **errp);

/** What query-version answers; the caller's. */
struct json_object *qmp_version_info(void);

/* qmp-qom.c: the tree of objects. An object's properties, as these have it,
 * are those of its class, its "type", and its children, whose value is their
 * path. Results and errors as of qmp_execute(). */
struct json_object *qmp_qom_get(const char *path, const char *property,
                                const char **error_class, Error **errp);
struct json_object *qmp_qom_list(const char *path, const char **error_class,
                                 Error **errp);
