/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of objects as QMP shows it. A number or a bool is JSON's; what else
 * a property may be is the text that -device takes. Paths are absolute: the
 * partial ones that QEMU takes as well depend on what else is in the tree.
 */

#include "qmp-commands.h"

#include <string.h>

#include "hw/core/object.h"
#include "hw/core/property.h"

typedef struct json_object Json;

#define TYPE_PROPERTY "type"
#define TEXT_TYPE (property_string.name)

static Object *find_object(const char *path, const char **error_class,
                           Error **errp)
{
    Object *obj = object_resolve_path(path);

    if (!obj) {
        *error_class = "DeviceNotFound";
        error_setg(errp, "there is no object '%s'", path);
    }
    return obj;
}

/* Somebody may have given bytes that are no text, and json-c passes them on. */
static Json *new_text(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);

    return json_object_new_string(valid);
}

static Json *new_value(const Property *prop, const char *text)
{
    if (prop->kind == &property_bool) {
        return json_object_new_boolean(strcmp(text, "on") == 0);
    }
    if (prop->kind == &property_uint32 || prop->kind == &property_uint64 ||
        prop->kind == &property_size) {
        return json_object_new_uint64(g_ascii_strtoull(text, NULL, 10));
    }
    return new_text(text);
}

static Json *get_property(Object *obj, const char *name, Error **errp)
{
    g_autofree char *text = object_get_property(obj, name, errp);

    return text ? new_value(object_class_find_property(obj->klass, name), text)
                : NULL;
}

Json *qmp_qom_get(const char *path, const char *property,
                  const char **error_class, Error **errp)
{
    Object *obj = find_object(path, error_class, errp);
    g_autofree char *child = NULL;

    if (!obj) {
        return NULL;
    }
    if (strcmp(property, TYPE_PROPERTY) == 0) {
        return new_text(object_get_typename(obj));
    }
    if (object_child(obj, property)) {
        child = object_get_path(object_child(obj, property));
        return new_text(child);
    }
    return get_property(obj, property, errp);
}

static void add_entry(Json *list, const char *name, const char *type)
{
    Json *entry = json_object_new_object();

    json_object_object_add(entry, "name", json_object_new_string(name));
    json_object_object_add(entry, "type", json_object_new_string(type));
    json_object_array_add(list, entry);
}

static void add_property(const ObjectClass *klass, const Property *prop,
                         void *opaque)
{
    add_entry(opaque, prop->name, prop->kind->name);
}

static void add_child(Json *list, const Object *child)
{
    g_autofree char *type =
        g_strdup_printf("child<%s>", object_get_typename(child));

    add_entry(list, child->name, type);
}

Json *qmp_qom_list(const char *path, const char **error_class, Error **errp)
{
    Object *obj = find_object(path, error_class, errp);
    Json *list;

    if (!obj) {
        return NULL;
    }
    list = json_object_new_array();
    add_entry(list, TYPE_PROPERTY, TEXT_TYPE);
    object_class_foreach_property(obj->klass, add_property, list);
    for (guint i = 0; obj->children && i < obj->children->len; i++) {
        add_child(list, g_ptr_array_index(obj->children, i));
    }
    return list;
}
