/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object model: a registry of types, class structs and the tree.
 *
 * Registering is one store in a list, because every program start pays for
 * every type; a class is made when somebody first asks for it and then stays.
 * Casts are checked in every build: the common ones succeed by comparing
 * pointers, since a type's name is one literal of its header, and only names
 * which the linker did not merge are compared by character.
 */

#include <stdlib.h>
#include <string.h>

#include "hw/core/object.h"
#include "hw/core/property.h"
#include "util/log.h"

static TypeInfo *types;
static Object *root;

void type_register(TypeInfo *info)
{
    info->next = types;
    types = info;
}

static TypeInfo *find_type(const char *name, TypeInfo *first)
{
    for (TypeInfo *info = first; info; info = info->next) {
        if (info->name == name || strcmp(info->name, name) == 0) {
            return info;
        }
    }
    return NULL;
}

static TypeInfo *parent_type(const TypeInfo *info)
{
    if (info->parent) {
        return find_type(info->parent, types);
    }
    return strcmp(info->name, TYPE_OBJECT) == 0 ? NULL
                                                : find_type(TYPE_OBJECT, types);
}

static void inherit(ObjectClass *klass, TypeInfo *info, ObjectClass *parent)
{
    if (parent) {
        memcpy(klass, parent, parent->type->class_size);
    }
    klass->type = info;
    klass->parent = parent;
    klass->properties = NULL;
    klass->defaults = NULL;
    klass->desc = NULL;
}

/* Two properties of one name would hide one another. */
static void check_properties(const ObjectClass *klass)
{
    const Property *prop = klass->properties;

    for (; klass->parent && prop && prop->name; prop++) {
        g_assert(!object_class_find_property(klass->parent, prop->name));
    }
}

static ObjectClass *class_of(TypeInfo *info)
{
    ObjectClass *parent_class = NULL;
    TypeInfo *parent;

    if (info->klass) {
        return info->klass;
    }
    g_assert(!find_type(info->name, info->next));
    parent = parent_type(info);
    if (parent) {
        parent_class = class_of(parent);
        info->instance_size = MAX(info->instance_size, parent->instance_size);
        info->class_size = MAX(info->class_size, parent->class_size);
    } else {
        g_assert(!info->parent);
    }
    info->klass = g_malloc0(info->class_size);
    inherit(info->klass, info, parent_class);
    if (info->class_init) {
        info->class_init(info->klass);
    }
    check_properties(info->klass);
    return info->klass;
}

ObjectClass *object_class_by_name(const char *type_name)
{
    TypeInfo *info = find_type(type_name, types);

    return info ? class_of(info) : NULL;
}

static bool type_is(const TypeInfo *info, const char *type_name)
{
    while (info && strcmp(info->name, type_name) != 0) {
        info = parent_type(info);
    }
    return info;
}

static int compare_types(const void *a, const void *b)
{
    return strcmp((*(TypeInfo *const *)a)->name, (*(TypeInfo *const *)b)->name);
}

void object_class_foreach(const char *type_name,
                          void (*fn)(ObjectClass *klass, void *opaque),
                          void *opaque)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    for (TypeInfo *info = types; info; info = info->next) {
        if (!info->abstract && type_is(info, type_name)) {
            g_ptr_array_add(found, info);
        }
    }
    g_ptr_array_sort(found, compare_types);
    for (guint i = 0; i < found->len; i++) {
        fn(class_of(g_ptr_array_index(found, i)), opaque);
    }
}

bool object_class_is(const ObjectClass *klass, const char *type_name)
{
    for (const ObjectClass *k = klass; k; k = k->parent) {
        if (k->type->name == type_name) {
            return true;
        }
    }
    for (const ObjectClass *k = klass; k; k = k->parent) {
        if (strcmp(k->type->name, type_name) == 0) {
            return true;
        }
    }
    return false;
}

static void init_instance(Object *obj, const ObjectClass *klass)
{
    if (klass->parent) {
        init_instance(obj, klass->parent);
    }
    if (klass->type->instance_init) {
        klass->type->instance_init(obj);
    }
}

Object *object_new(const char *type_name)
{
    ObjectClass *klass = object_class_by_name(type_name);
    Object *obj;

    if (!klass || klass->type->abstract) {
        error_report("type '%s' %s", type_name,
                     klass ? "is abstract" : "does not exist");
        abort();
    }
    obj = g_malloc0(klass->type->instance_size);
    obj->klass = klass;
    atomic_init(&obj->refs, 1);
    object_init_properties(obj);
    init_instance(obj, klass);
    return obj;
}

Object *object_ref(Object *obj)
{
    unsigned before = atomic_fetch_add(&obj->refs, 1);

    g_assert(before > 0);
    return obj;
}

static void unparent_children(Object *obj)
{
    while (obj->children && obj->children->len) {
        object_unparent(
            g_ptr_array_index(obj->children, obj->children->len - 1));
    }
}

static void finalize(Object *obj)
{
    g_assert(!obj->parent);
    unparent_children(obj);
    for (const ObjectClass *k = obj->klass; k; k = k->parent) {
        if (k->type->instance_finalize) {
            k->type->instance_finalize(obj);
        }
    }
    object_release_properties(obj);
    if (obj->children) {
        g_ptr_array_unref(obj->children);
    }
    g_free(obj);
}

void object_unref(Object *obj)
{
    unsigned before = obj ? atomic_fetch_sub(&obj->refs, 1) : 2;

    g_assert(before > 0);
    if (before == 1) {
        finalize(obj);
    }
}

Object *object_root(void)
{
    if (!root) {
        root = object_new(TYPE_OBJECT);
    }
    return root;
}

/* The children go while there still is a root, so that they have paths. */
void object_root_free(void)
{
    if (root) {
        unparent_children(root);
        object_unref(root);
        root = NULL;
    }
}

bool object_add_child(Object *parent, const char *name, Object *child,
                      Error **errp)
{
    g_assert(!child->parent);
    if (*name == '\0' || strchr(name, '/')) {
        error_setg(errp, "'%s' cannot be the name of an object", name);
        return false;
    }
    if (object_child(parent, name)) {
        g_autofree char *path = object_get_path(parent);

        error_setg(errp, "%s: the name '%s' is taken",
                   path ? path : object_get_typename(parent), name);
        return false;
    }
    if (!parent->children) {
        parent->children = g_ptr_array_new();
    }
    g_ptr_array_add(parent->children, object_ref(child));
    child->parent = parent;
    child->name = g_strdup(name);
    return true;
}

void object_unparent(Object *child)
{
    if (!child->parent) {
        return;
    }
    if (child->klass->before_unparent) {
        child->klass->before_unparent(child);
    }
    g_ptr_array_remove(child->parent->children, child);
    child->parent = NULL;
    g_clear_pointer(&child->name, g_free);
    object_unref(child);
}

static Object *child_of_length(Object *parent, const char *name, size_t length)
{
    for (guint i = 0; parent->children && i < parent->children->len; i++) {
        Object *child = g_ptr_array_index(parent->children, i);

        if (strncmp(child->name, name, length) == 0 && !child->name[length]) {
            return child;
        }
    }
    return NULL;
}

Object *object_child(Object *parent, const char *name)
{
    return child_of_length(parent, name, strlen(name));
}

static bool append_path(const Object *obj, GString *path)
{
    if (!obj->parent) {
        return obj == root;
    }
    if (!append_path(obj->parent, path)) {
        return false;
    }
    g_string_append_printf(path, "/%s", obj->name);
    return true;
}

char *object_get_path(const Object *obj)
{
    GString *path = g_string_new(NULL);
    bool in_tree = append_path(obj, path);

    if (in_tree && path->len == 0) {
        g_string_append_c(path, '/');
    }
    return g_string_free(path, !in_tree);
}

Object *object_resolve_path(const char *path)
{
    Object *obj = object_root();

    if (*path != '/') {
        return NULL;
    }
    while (obj && path[0] == '/' && path[1]) {
        size_t length = strcspn(path + 1, "/");

        obj = child_of_length(obj, path + 1, length);
        path += 1 + length;
    }
    return obj;
}

void object_foreach_descendant(Object *obj,
                               void (*fn)(Object *obj, void *opaque),
                               void *opaque)
{
    for (guint i = 0; obj->children && i < obj->children->len; i++) {
        Object *child = g_ptr_array_index(obj->children, i);

        fn(child, opaque);
        object_foreach_descendant(child, fn, opaque);
    }
}

const char *object_get_typename(const Object *obj)
{
    return obj->klass->type->name;
}

Object *object_dynamic_cast(Object *obj, const char *type_name)
{
    return obj && object_class_is(obj->klass, type_name) ? obj : NULL;
}

static void check(const ObjectClass *klass, const char *type_name,
                  const char *where)
{
    if (!object_class_is(klass, type_name)) {
        error_report("%s(): a '%s' is not a '%s'", where, klass->type->name,
                     type_name);
        abort();
    }
}

void *object_check_cast(void *obj, const char *type_name, const char *where)
{
    if (obj) {
        check(((Object *)obj)->klass, type_name, where);
    }
    return obj;
}

void *object_class_check_cast(void *klass, const char *type_name,
                              const char *where)
{
    if (klass) {
        check(klass, type_name, where);
    }
    return klass;
}

static const TypeInfo object_type = {
    .name = TYPE_OBJECT,
    .instance_size = sizeof(Object),
    .class_size = sizeof(ObjectClass),
};
TYPE_REGISTER(object_type)
