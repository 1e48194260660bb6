/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties: the kinds of field there are and how a class's table is found.
 *
 * A class's table holds only its own properties; whoever looks for one walks
 * up the parents. Another default of a subclass is kept beside the table,
 * which is constant. A default that does not parse is a bug of the type and
 * aborts at the first object.
 */

#include <stdlib.h>
#include <string.h>

#include "hw/core/property.h"
#include "util/log.h"
#include "util/option.h"

struct PropertyDefault {
    const char *name;
    const char *text;
    struct PropertyDefault *next;
};

static bool parse_bool_field(void *field, const Property *prop,
                             const char *text, const char *what, Error **errp)
{
    return parse_bool(text, field, what, errp);
}

static char *print_bool(const void *field, const Property *prop)
{
    return g_strdup(*(const bool *)field ? "on" : "off");
}

const PropertyKind property_bool = {
    .name = "bool",
    .parse = parse_bool_field,
    .print = print_bool,
};

static bool parse_uint32_field(void *field, const Property *prop,
                               const char *text, const char *what, Error **errp)
{
    uint64_t value;

    if (!parse_uint(text, prop->max ? prop->max : UINT32_MAX, &value, what,
                    errp)) {
        return false;
    }
    *(uint32_t *)field = value;
    return true;
}

static char *print_uint32(const void *field, const Property *prop)
{
    return g_strdup_printf("%u", *(const uint32_t *)field);
}

const PropertyKind property_uint32 = {
    .name = "uint32",
    .parse = parse_uint32_field,
    .print = print_uint32,
};

static bool parse_uint64_field(void *field, const Property *prop,
                               const char *text, const char *what, Error **errp)
{
    return parse_uint(text, prop->max ? prop->max : UINT64_MAX, field, what,
                      errp);
}

static char *print_uint64(const void *field, const Property *prop)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT, *(const uint64_t *)field);
}

const PropertyKind property_uint64 = {
    .name = "uint64",
    .parse = parse_uint64_field,
    .print = print_uint64,
};

static bool parse_size_field(void *field, const Property *prop,
                             const char *text, const char *what, Error **errp)
{
    return parse_size(text, prop->max ? prop->max : UINT64_MAX, field, what,
                      errp);
}

const PropertyKind property_size = {
    .name = "size",
    .parse = parse_size_field,
    .print = print_uint64,
};

static void release_string(void *field)
{
    g_clear_pointer((char **)field, g_free);
}

static bool parse_string(void *field, const Property *prop, const char *text,
                         const char *what, Error **errp)
{
    release_string(field);
    *(char **)field = g_strdup(text);
    return true;
}

static char *print_string(const void *field, const Property *prop)
{
    const char *text = *(char *const *)field;

    return g_strdup(text ? text : "");
}

const PropertyKind property_string = {
    .name = "string",
    .parse = parse_string,
    .print = print_string,
    .release = release_string,
};

static bool parse_name(int *field, const char *const *names, const char *text,
                       const char *what, Error **errp)
{
    g_autofree char *all = NULL;

    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], text) == 0) {
            *field = i;
            return true;
        }
    }
    all = g_strjoinv(", ", (char **)names);
    error_setg(errp, "%s: '%s' is none of %s", what, text, all);
    return false;
}

static bool parse_enum(void *field, const Property *prop, const char *text,
                       const char *what, Error **errp)
{
    return parse_name(field, prop->names, text, what, errp);
}

static char *print_enum(const void *field, const Property *prop)
{
    return g_strdup(prop->names[*(const int *)field]);
}

const PropertyKind property_enum = {
    .name = "enum",
    .parse = parse_enum,
    .print = print_enum,
};

static const char *const on_off_auto_names[] = {
    [ON_OFF_AUTO_AUTO] = "auto",
    [ON_OFF_AUTO_ON] = "on",
    [ON_OFF_AUTO_OFF] = "off",
    NULL,
};

static bool parse_on_off_auto(void *field, const Property *prop,
                              const char *text, const char *what, Error **errp)
{
    return parse_name(field, on_off_auto_names, text, what, errp);
}

static char *print_on_off_auto(const void *field, const Property *prop)
{
    return g_strdup(on_off_auto_names[*(const int *)field]);
}

const PropertyKind property_on_off_auto = {
    .name = "on|off|auto",
    .parse = parse_on_off_auto,
    .print = print_on_off_auto,
};

/* Of @klass's own table. */
static const Property *own_property(const ObjectClass *klass, const char *name)
{
    const Property *prop = klass->properties;

    for (; prop && prop->name; prop++) {
        if (strcmp(prop->name, name) == 0) {
            return prop;
        }
    }
    return NULL;
}

const Property *object_class_find_property(const ObjectClass *klass,
                                           const char *name)
{
    const Property *prop = NULL;

    for (; klass && !prop; klass = klass->parent) {
        prop = own_property(klass, name);
    }
    return prop;
}

void object_class_foreach_property(const ObjectClass *klass,
                                   void (*fn)(const ObjectClass *klass,
                                              const Property *prop,
                                              void *opaque),
                                   void *opaque)
{
    for (const ObjectClass *k = klass; k; k = k->parent) {
        const Property *prop = k->properties;

        for (; prop && prop->name; prop++) {
            fn(klass, prop, opaque);
        }
    }
}

void object_class_set_default(ObjectClass *klass, const char *name,
                              const char *text)
{
    struct PropertyDefault *other = g_new(struct PropertyDefault, 1);

    g_assert(object_class_find_property(klass, name));
    other->name = name;
    other->text = text;
    other->next = klass->defaults;
    klass->defaults = other;
}

/* Another default of @klass or of a parent nearer than the property's own. */
static const char *default_text(const ObjectClass *klass, const Property *prop)
{
    for (; klass; klass = klass->parent) {
        const struct PropertyDefault *other = klass->defaults;

        for (; other; other = other->next) {
            if (strcmp(other->name, prop->name) == 0) {
                return other->text;
            }
        }
    }
    return prop->default_text;
}

const char *object_class_get_default(const ObjectClass *klass, const char *name)
{
    const Property *prop = object_class_find_property(klass, name);

    return prop ? default_text(klass, prop) : NULL;
}

static void *field_of(const Object *obj, const Property *prop)
{
    return (char *)obj + prop->offset;
}

static void set_default(const ObjectClass *klass, const Property *prop,
                        void *opaque)
{
    const char *text = default_text(klass, prop);
    Error *err = NULL;

    if (text && !prop->kind->parse(field_of(opaque, prop), prop, text,
                                   prop->name, &err)) {
        error_prepend(&err, "%s: bad default: ", klass->type->name);
        error_report_err(err);
        abort();
    }
}

void object_init_properties(Object *obj)
{
    object_class_foreach_property(obj->klass, set_default, obj);
}

static void release(const ObjectClass *klass, const Property *prop,
                    void *opaque)
{
    if (prop->kind->release) {
        prop->kind->release(field_of(opaque, prop));
    }
}

void object_release_properties(Object *obj)
{
    object_class_foreach_property(obj->klass, release, obj);
}

static void collect_name(const ObjectClass *klass, const Property *prop,
                         void *opaque)
{
    g_ptr_array_add(opaque, (char *)prop->name);
}

/* The property, or NULL with an error that tells what was meant. */
static const Property *get_property(const Object *obj, const char *name,
                                    Error **errp)
{
    const Property *prop = object_class_find_property(obj->klass, name);
    g_autoptr(GPtrArray) names = NULL;
    const char *nearest;

    if (prop) {
        return prop;
    }
    names = g_ptr_array_new();
    object_class_foreach_property(obj->klass, collect_name, names);
    g_ptr_array_add(names, NULL);
    nearest = nearest_name(name, (const char *const *)names->pdata);
    error_setg(errp, "%s: no property '%s'", object_get_typename(obj), name);
    if (nearest) {
        error_append(errp, "; did you mean '%s'?", nearest);
    }
    return NULL;
}

bool object_set_property(Object *obj, const char *name, const char *text,
                         Error **errp)
{
    const Property *prop = get_property(obj, name, errp);
    g_autofree char *what = NULL;

    if (!prop) {
        return false;
    }
    if (prop->readonly) {
        error_setg(errp, "%s: property '%s' can only be read",
                   object_get_typename(obj), name);
        return false;
    }
    if (obj->klass->may_set && !obj->klass->may_set(obj, prop, errp)) {
        return false;
    }
    what = g_strdup_printf("%s: property '%s'", object_get_typename(obj), name);
    return prop->kind->parse(field_of(obj, prop), prop, text, what, errp);
}

char *object_get_property(const Object *obj, const char *name, Error **errp)
{
    const Property *prop = get_property(obj, name, errp);

    return prop ? prop->kind->print(field_of(obj, prop), prop) : NULL;
}
