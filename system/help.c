/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the build has to offer, printed and guessed at: types by their base
 * ("NAME-machine" is machine NAME), and their properties. Of devices only
 * those count that a person may create.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hw/core/machine.h"
#include "system/system.h"
#include "util/trace.h"

/* NamedTypes: what a person calls the types of a base, sorted. */
typedef struct NamedTypes {
    const char *suffix;
    GPtrArray *names;   /* of char *, ends with NULL */
    GPtrArray *classes; /* of ObjectClass *, in the same order */
} NamedTypes;

static void collect(ObjectClass *klass, void *opaque)
{
    NamedTypes *types = opaque;
    const char *name = klass->type->name;
    size_t length = strlen(name) - strlen(types->suffix);

    if (object_class_is(klass, TYPE_DEVICE) &&
        !DEVICE_CLASS(klass)->user_creatable) {
        return;
    }
    g_assert(g_str_has_suffix(name, types->suffix));
    g_ptr_array_add(types->names, g_strndup(name, length));
    g_ptr_array_add(types->classes, klass);
}

static void named_types_init(NamedTypes *types, const char *base,
                             const char *suffix)
{
    types->suffix = suffix;
    types->names = g_ptr_array_new_with_free_func(g_free);
    types->classes = g_ptr_array_new();
    object_class_foreach(base, collect, types);
    g_ptr_array_add(types->names, NULL);
}

static void named_types_finish(NamedTypes *types)
{
    g_ptr_array_unref(types->names);
    g_ptr_array_unref(types->classes);
}

void system_set_unknown(Error **errp, const char *option, const char *name,
                        const char *base, const char *suffix)
{
    NamedTypes types;
    const char *nearest;

    named_types_init(&types, base, suffix);
    nearest = nearest_name(name, (const char *const *)types.names->pdata);
    error_setg(errp, "%s: there is no '%s'; try: %s %s", option, name, option,
               nearest ? nearest : "help");
    named_types_finish(&types);
}

static void print_types(const char *title, const char *base, const char *suffix)
{
    NamedTypes types;

    printf("%s:\n", title);
    named_types_init(&types, base, suffix);
    for (guint i = 0; i < types.classes->len; i++) {
        const ObjectClass *klass = g_ptr_array_index(types.classes, i);
        const char *name = g_ptr_array_index(types.names, i);
        bool is_default =
            strcmp(base, TYPE_MACHINE) == 0 && MACHINE_CLASS(klass)->is_default;

        printf("  %-20s %s%s\n", name, klass->desc ? klass->desc : "",
               is_default ? " (default)" : "");
    }
    named_types_finish(&types);
}

static void print_property(const ObjectClass *klass, const Property *prop,
                           void *opaque)
{
    const char *value = object_class_get_default(klass, prop->name);
    g_autofree char *kind = NULL;
    g_autofree char *left = NULL;
    g_autofree char *right = NULL;

    if (prop->readonly) {
        return;
    }
    kind = prop->names ? g_strjoinv("|", (char **)prop->names) : NULL;
    left =
        g_strdup_printf("%s=<%s>", prop->name, kind ? kind : prop->kind->name);
    right = g_strconcat(prop->help ? prop->help : "", value ? " (" : NULL,
                        value, ")", NULL);
    if (strlen(left) > 28 || strlen(right) > 49) {
        printf("  %s\n      %s\n", left, right);
    } else {
        printf("  %-28s %s\n", left, right);
    }
}

static void print_properties(const char *option, const char *name,
                             const ObjectClass *klass)
{
    printf("%s %s%s%s\n", option, name, klass->desc ? ": " : "",
           klass->desc ? klass->desc : "");
    object_class_foreach_property(klass, print_property, NULL);
}

static bool help_machine(const char *name, Error **errp)
{
    MachineClass *mc = machine_class_find(name ? name : "");

    if (!mc) {
        system_set_unknown(errp, "-M", name ? name : "", TYPE_MACHINE,
                           MACHINE_TYPE_NAME(""));
        return false;
    }
    print_properties("-M", name, OBJECT_CLASS(mc));
    return true;
}

static bool help_device(const char *name, Error **errp)
{
    const ObjectClass *klass = object_class_by_name(name ? name : "");

    if (!klass || !object_class_is(klass, TYPE_DEVICE)) {
        system_set_unknown(errp, "-device", name ? name : "", TYPE_DEVICE, "");
        return false;
    }
    print_properties("-device", name, klass);
    return true;
}

static bool print_help(const Cmdline *c, const char *program, Error **errp)
{
    switch (c->action) {
    case CMDLINE_HELP:
        cmdline_print_help(program);
        return true;
    case CMDLINE_VERSION:
        printf("platypus " PLATYPUS_VERSION "\n");
        return true;
    case CMDLINE_HELP_MACHINES:
        print_types("machines", TYPE_MACHINE, MACHINE_TYPE_NAME(""));
        return true;
    case CMDLINE_HELP_ACCELS:
        print_types("accelerators", TYPE_ACCEL, ACCEL_TYPE_NAME(""));
        return true;
    case CMDLINE_HELP_CPUS:
        printf("CPU models:\n"
               "  host                 the host's CPU (with kvm)\n"
               "  interp               Armv8.0-A and what guests gain from "
               "(with interp)\n"
               "  max                  the one that the accelerator has\n");
        return true;
    case CMDLINE_HELP_DEVICES:
        print_types("devices", TYPE_DEVICE, "");
        return true;
    case CMDLINE_HELP_TRACE:
        trace_print_help();
        return true;
    case CMDLINE_HELP_MACHINE:
        return help_machine(c->help_subject, errp);
    case CMDLINE_HELP_DEVICE:
        return help_device(c->help_subject, errp);
    case CMDLINE_RUN:
        break;
    }
    g_assert_not_reached();
}

bool system_help(const Cmdline *c, const char *program, Error **errp)
{
    if (!print_help(c, program, errp)) {
        return false;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        error_setg_errno(errp, errno, "standard output");
        return false;
    }
    return true;
}
