/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accelerators by name: "NAME" is the type "NAME-accel", and the first of a
 * list whose init works is the one. Nothing here knows which there are: a
 * build for another architecture has fewer files, not other code.
 */

#include <string.h>

#include "accel/accel.h"
#include "util/option.h"

static Accel *current;

static void collect_name(ObjectClass *klass, void *opaque)
{
    g_autofree char *name = g_strdup(klass->type->name);

    g_assert(g_str_has_suffix(name, ACCEL_TYPE_NAME("")));
    name[strlen(name) - strlen(ACCEL_TYPE_NAME(""))] = '\0';
    g_ptr_array_add(opaque, g_steal_pointer(&name));
}

static void set_unknown(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *nearest;

    object_class_foreach(TYPE_ACCEL, collect_name, names);
    g_ptr_array_add(names, NULL);
    nearest = nearest_name(name, (const char *const *)names->pdata);
    error_setg(errp,
               "accelerator '%s': there is none of that name; try: ", name);
    if (nearest) {
        error_append(errp, "-accel %s", nearest);
    } else {
        error_append(errp, "-accel help");
    }
}

static Accel *create_one(const char *name, uint64_t guest_phys_end,
                         Error **errp)
{
    g_autofree char *type = g_strconcat(name, ACCEL_TYPE_NAME(""), NULL);
    const ObjectClass *klass = object_class_by_name(type);
    Accel *accel;

    if (!klass || !object_class_is(klass, TYPE_ACCEL)) {
        set_unknown(name, errp);
        return NULL;
    }
    accel = ACCEL(object_new(type));
    if (!ACCEL_GET_CLASS(accel)->init(accel, guest_phys_end, errp)) {
        accel_destroy(accel);
        return NULL;
    }
    return accel;
}

Accel *accel_create(const char *names, uint64_t guest_phys_end, Error **errp)
{
    g_auto(GStrv) list = g_strsplit(names, ":", -1);
    g_autoptr(Error) reasons = NULL;

    g_assert(!current);
    for (char **name = list; *name && !current; name++) {
        g_autoptr(Error) err = NULL;

        current = create_one(*name, guest_phys_end, &err);
        if (current) {
            break;
        }
        if (reasons) {
            error_append(&reasons, "; %s", error_get_pretty(err));
        } else {
            reasons = g_steal_pointer(&err);
        }
    }
    if (!current && !reasons) {
        error_setg(&reasons, "no accelerator is named; try: -accel help");
    }
    if (!current) {
        error_propagate(errp, g_steal_pointer(&reasons));
    }
    return current;
}

Accel *accel_current(void)
{
    return current;
}

void accel_destroy(Accel *accel)
{
    if (accel) {
        if (accel == current) {
            current = NULL;
        }
        ACCEL_GET_CLASS(accel)->finish(accel);
        object_unref(OBJECT(accel));
    }
}

static const TypeInfo accel_type = {
    .name = TYPE_ACCEL,
    .instance_size = sizeof(Accel),
    .class_size = sizeof(AccelClass),
    .abstract = true,
};
TYPE_REGISTER(accel_type)
