/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "util/error.h"

/*
 * The object model: types by name with single inheritance, class structs,
 * checked casts, references, one tree of paths, and properties that are set
 * and read as text. No interfaces, no dynamic properties.
 *
 * A type registers itself in its own file:
 *
 *     static const TypeInfo pl031_type = {
 *         .name = TYPE_PL031,
 *         .parent = TYPE_SYS_BUS_DEVICE,
 *         .instance_size = sizeof(PL031State),
 *         .class_init = pl031_class_init,
 *     };
 *     TYPE_REGISTER(pl031_type)
 *
 * Thread: the machine lock, but for object_ref() and object_unref(); the
 * object_unref() that drops the last reference needs it too.
 */
typedef struct Object Object;
typedef struct ObjectClass ObjectClass;
typedef struct Property Property;
typedef struct TypeInfo TypeInfo;

struct TypeInfo {
    const char *name;
    const char *parent;   /* NULL: TYPE_OBJECT */
    size_t instance_size; /* 0: the parent's */
    size_t class_size;    /* 0: the parent's */
    bool abstract;
    /* Fills the class struct, which starts as a copy of the parent's. */
    void (*class_init)(ObjectClass *klass);
    /* Parent's first; properties have their defaults before any of these. */
    void (*instance_init)(Object *obj);
    /* Child's first; must cope with an object that never was realized. */
    void (*instance_finalize)(Object *obj);
    /* The registry's; leave both out. */
    TypeInfo *next;
    ObjectClass *klass;
};

struct ObjectClass {
    const TypeInfo *type;
    ObjectClass *parent;
    const Property *properties;       /* this class's own; ends with { 0 } */
    const char *desc;                 /* one line for -device help */
    struct PropertyDefault *defaults; /* of object_class_set_default() */
    /* Inherited, optional: false with an error refuses object_set_property. */
    bool (*may_set)(const Object *obj, const Property *prop, Error **errp);
    /* Inherited, optional: called while @obj still hangs in its parent. */
    void (*before_unparent)(Object *obj);
};

struct Object {
    ObjectClass *klass;
    Object *parent;      /* not a reference */
    char *name;          /* in its parent; NULL while it has none */
    GPtrArray *children; /* each holds a reference; NULL until the first */
    atomic_uint refs;
};

#define TYPE_OBJECT "object"

/** Adds @info to the registry; call it through TYPE_REGISTER only. */
void type_register(TypeInfo *info);

#define TYPE_REGISTER(info)                                             \
    static void __attribute__((constructor)) type_register_##info(void) \
    {                                                                   \
        static TypeInfo node;                                           \
        node = info;                                                    \
        type_register(&node);                                           \
    }

/**
 * The class of the named type, initialised on first use; NULL if there is no
 * such type. Lives as long as the process.
 */
ObjectClass *object_class_by_name(const char *type_name);

/** Calls @fn for each concrete type that is a @type_name, sorted by name. */
void object_class_foreach(const char *type_name,
                          void (*fn)(ObjectClass *klass, void *opaque),
                          void *opaque);

/** True if @klass is @type_name or inherits from it. */
bool object_class_is(const ObjectClass *klass, const char *type_name);

/** A new object with one reference, the caller's. The type must exist. */
Object *object_new(const char *type_name);
Object *object_ref(Object *obj);
/**
 * NULL is fine. The last one unparents the children, latest first, finalizes
 * and frees what the properties own.
 */
void object_unref(Object *obj);

/** The tree's top; "/". */
Object *object_root(void);
/** Drops the whole tree (at exit; in tests). */
void object_root_free(void);

/**
 * Hangs @child (no parent yet) under @parent as @name and takes a reference.
 * False with an error if the name is taken, empty or has a slash.
 */
bool object_add_child(Object *parent, const char *name, Object *child,
                      Error **errp);
/**
 * Takes @child out of its parent, which drops its reference; a device is
 * unrealized before. Nothing happens without a parent.
 */
void object_unparent(Object *child);
Object *object_child(Object *parent, const char *name);

/** "/machine/gic"; caller frees. NULL for an object outside of the tree. */
char *object_get_path(const Object *obj);
/** The object at an absolute path, or NULL. */
Object *object_resolve_path(const char *path);
/**
 * Calls @fn for @obj's children, depth first, each before its children. @fn
 * must not change the tree.
 */
void object_foreach_descendant(Object *obj,
                               void (*fn)(Object *obj, void *opaque),
                               void *opaque);

const char *object_get_typename(const Object *obj);
/** NULL if @obj is not a @type_name. */
Object *object_dynamic_cast(Object *obj, const char *type_name);

/**
 * For the macros below: aborts with a message when the cast is wrong. NULL
 * stays NULL.
 */
void *object_check_cast(void *obj, const char *type_name, const char *where);
void *object_class_check_cast(void *klass, const char *type_name,
                              const char *where);

/*
 * OBJECT_DECLARE_TYPE(PL031State, PL031Class, PL031) declares both structs'
 * names, PL031(obj), PL031_CLASS(klass) and PL031_GET_CLASS(obj), given
 * TYPE_PL031; the SIMPLE form is for types without a class struct.
 */
#define OBJECT_DECLARE_SIMPLE_TYPE(Instance, PREFIX)                   \
    typedef struct Instance Instance;                                  \
    G_DEFINE_AUTOPTR_CLEANUP_FUNC(Instance, object_unref_void)         \
    static inline Instance *G_GNUC_UNUSED PREFIX(const void *obj)      \
    {                                                                  \
        return object_check_cast((void *)obj, TYPE_##PREFIX, #PREFIX); \
    }

#define OBJECT_DECLARE_TYPE(Instance, Class, PREFIX)                       \
    typedef struct Class Class;                                            \
    OBJECT_DECLARE_SIMPLE_TYPE(Instance, PREFIX)                           \
    static inline Class *G_GNUC_UNUSED PREFIX##_CLASS(const void *klass)   \
    {                                                                      \
        return object_class_check_cast((void *)klass, TYPE_##PREFIX,       \
                                       #PREFIX "_CLASS");                  \
    }                                                                      \
    static inline Class *G_GNUC_UNUSED PREFIX##_GET_CLASS(const void *obj) \
    {                                                                      \
        return PREFIX##_CLASS(OBJECT(obj)->klass);                         \
    }

static inline void object_unref_void(void *obj)
{
    object_unref(obj);
}

static inline Object *OBJECT(const void *obj)
{
    return (Object *)obj;
}

static inline ObjectClass *OBJECT_CLASS(const void *klass)
{
    return (ObjectClass *)klass;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Object, object_unref)
