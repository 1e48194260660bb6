/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What QMP can be asked for: a table of commands, each a function that has all
 * of its arguments. Those are strings without exception so far, and none is
 * optional, so that one place can check them; only the empty list that the
 * negotiation may come with is neither.
 */

#include "qmp-commands.h"

#include <stdio.h>
#include <string.h>

#include "hw/core/run-state.h"
#include "system/monitor.h"
#include "system/vm.h"

typedef struct json_object Json;

#define MAX_ARGUMENTS 2

struct QmpCommand {
    const char *name;
    /* @args are in the order of their names here. */
    Json *(*run)(const char *const *args, const char **error_class,
                 Error **errp);
    const char *arguments[MAX_ARGUMENTS];
};

static const char *guest_name;

void monitor_set_guest_name(const char *name)
{
    guest_name = name;
}

Json *qmp_version_info(void)
{
    Json *info = json_object_new_object();
    Json *numbers = json_object_new_object();
    int major = 0, minor = 0, micro = 0;

    sscanf(PLATYPUS_VERSION, "%d.%d.%d", &major, &minor, &micro);
    json_object_object_add(numbers, "major", json_object_new_int(major));
    json_object_object_add(numbers, "minor", json_object_new_int(minor));
    json_object_object_add(numbers, "micro", json_object_new_int(micro));
    json_object_object_add(info, "qemu", numbers);
    json_object_object_add(
        info, "package", json_object_new_string("platypus-" PLATYPUS_VERSION));
    return info;
}

static Json *capabilities(const char *const *args, const char **error_class,
                          Error **errp)
{
    return json_object_new_object();
}

static Json *query_version(const char *const *args, const char **error_class,
                           Error **errp)
{
    return qmp_version_info();
}

static Json *query_status(const char *const *args, const char **error_class,
                          Error **errp)
{
    Json *info = json_object_new_object();

    json_object_object_add(info, "status", json_object_new_string(vm_status()));
    json_object_object_add(info, "running",
                           json_object_new_boolean(run_state_is_running()));
    return info;
}

static Json *query_name(const char *const *args, const char **error_class,
                        Error **errp)
{
    Json *info = json_object_new_object();

    if (guest_name) {
        json_object_object_add(info, "name",
                               json_object_new_string(guest_name));
    }
    return info;
}

static Json *stop(const char *const *args, const char **error_class,
                  Error **errp)
{
    vm_stop();
    return json_object_new_object();
}

static Json *cont(const char *const *args, const char **error_class,
                  Error **errp)
{
    vm_start();
    return json_object_new_object();
}

static Json *system_reset(const char *const *args, const char **error_class,
                          Error **errp)
{
    vm_request(VM_QMP_RESET);
    return json_object_new_object();
}

static Json *quit(const char *const *args, const char **error_class,
                  Error **errp)
{
    vm_request(VM_QMP_QUIT);
    return json_object_new_object();
}

static Json *qom_get(const char *const *args, const char **error_class,
                     Error **errp)
{
    return qmp_qom_get(args[0], args[1], error_class, errp);
}

static Json *qom_list(const char *const *args, const char **error_class,
                      Error **errp)
{
    return qmp_qom_list(args[0], error_class, errp);
}

static Json *query_commands(const char *const *args, const char **error_class,
                            Error **errp);

static const QmpCommand commands[] = {
    {QMP_NEGOTIATION, capabilities},
    {"query-version", query_version},
    {"query-status", query_status},
    {"query-name", query_name},
    {"query-commands", query_commands},
    {"stop", stop},
    {"cont", cont},
    {"system_reset", system_reset},
    {"quit", quit},
    {"qom-get", qom_get, {"path", "property"}},
    {"qom-list", qom_list, {"path"}},
};

static Json *query_commands(const char *const *args, const char **error_class,
                            Error **errp)
{
    Json *list = json_object_new_array();

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        Json *info = json_object_new_object();

        json_object_object_add(info, "name",
                               json_object_new_string(commands[i].name));
        json_object_array_add(list, info);
    }
    return list;
}

const QmpCommand *qmp_find_command(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* The greeting offers nothing, so nothing can be enabled. */
static bool is_empty_enable(const QmpCommand *command, const char *key,
                            Json *value)
{
    return command->run == capabilities && strcmp(key, "enable") == 0 &&
           json_object_is_type(value, json_type_array) &&
           json_object_array_length(value) == 0;
}

static bool take_argument(const QmpCommand *command, const char *key,
                          Json *value, const char **args, Error **errp)
{
    unsigned n = 0;

    while (n < MAX_ARGUMENTS && g_strcmp0(command->arguments[n], key) != 0) {
        n++;
    }
    if (n == MAX_ARGUMENTS) {
        error_setg(errp, "%s does not take '%s'", command->name, key);
        return false;
    }
    if (!json_object_is_type(value, json_type_string)) {
        error_setg(errp, "%s: '%s' must be of type string", command->name, key);
        return false;
    }
    args[n] = json_object_get_string(value);
    return true;
}

static bool take_arguments(const QmpCommand *command, Json *arguments,
                           const char **args, Error **errp)
{
    if (arguments) {
        json_object_object_foreach(arguments, key, value)
        {
            if (!is_empty_enable(command, key, value) &&
                !take_argument(command, key, value, args, errp)) {
                return false;
            }
        }
    }
    for (unsigned n = 0; n < MAX_ARGUMENTS; n++) {
        if (command->arguments[n] && !args[n]) {
            error_setg(errp, "%s needs '%s'", command->name,
                       command->arguments[n]);
            return false;
        }
    }
    return true;
}

Json *qmp_execute(const QmpCommand *command, Json *arguments,
                  const char **error_class, Error **errp)
{
    const char *args[MAX_ARGUMENTS] = {NULL};

    return take_arguments(command, arguments, args, errp)
               ? command->run(args, error_class, errp)
               : NULL;
}
