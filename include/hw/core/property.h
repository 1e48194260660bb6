/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include "hw/core/object.h"

/*
 * Properties: fields of an object that are set and read as text.
 *
 *     static const Property vfio_platform_properties[] = {
 *         PROP_STRING("host", VFIOPlatformDevice, host, NULL,
 *                     "name of the device on the host's platform bus"),
 *         PROP_BOOL("x-no-mmap", VFIOPlatformDevice, no_mmap, false,
 *                   "trap every access"),
 *         {}
 *     };
 *
 * and in class_init: `klass->properties = vfio_platform_properties;`. A class
 * also has its parents' properties; a subclass changes a default with
 * object_class_set_default(). Devices refuse changes after realize. A read-only
 * property is what the object tells of itself, by storing into the field.
 */
typedef struct PropertyKind {
    const char *name; /* "bool", "size", ...; for help */
    /* Sets @field or fails with an error that names @what and the text. */
    bool (*parse)(void *field, const Property *prop, const char *text,
                  const char *what, Error **errp);
    char *(*print)(const void *field, const Property *prop);
    void (*release)(void *field); /* NULL: nothing to free */
} PropertyKind;

struct Property {
    const char *name;
    const PropertyKind *kind;
    size_t offset;
    const char *default_text; /* parsed at object_new(); NULL: zero */
    uint64_t max;             /* for numbers and sizes; 0: the type's */
    const char *const *names; /* for enums: value i is names[i], ends NULL */
    bool readonly;            /* object_set_property() refuses it */
    const char *help;         /* one line */
};

extern const PropertyKind property_bool;   /* bool */
extern const PropertyKind property_uint32; /* uint32_t */
extern const PropertyKind property_uint64; /* uint64_t */
extern const PropertyKind property_size;   /* uint64_t, text with a suffix */
extern const PropertyKind property_string; /* char *, owned */
extern const PropertyKind property_enum;   /* int, by names */
extern const PropertyKind property_on_off_auto; /* int, an OnOffAuto */

typedef enum OnOffAuto {
    ON_OFF_AUTO_AUTO,
    ON_OFF_AUTO_ON,
    ON_OFF_AUTO_OFF
} OnOffAuto;

#define PROP(_name, _kind, _type, _field, _default, _help, ...)           \
    {                                                                     \
        .name = _name, .kind = &_kind, .offset = offsetof(_type, _field), \
        .default_text = _default, .help = _help, ##__VA_ARGS__            \
    }
#define PROP_BOOL(_name, _type, _field, _default, _help) \
    PROP(_name, property_bool, _type, _field, (_default) ? "on" : "off", _help)
#define PROP_UINT32(_name, _type, _field, _default, _max, _help) \
    PROP(_name, property_uint32, _type, _field, _default, _help, .max = _max)
#define PROP_UINT64(_name, _type, _field, _default, _help) \
    PROP(_name, property_uint64, _type, _field, _default, _help)
#define PROP_SIZE(_name, _type, _field, _default, _help) \
    PROP(_name, property_size, _type, _field, _default, _help)
#define PROP_STRING(_name, _type, _field, _default, _help) \
    PROP(_name, property_string, _type, _field, _default, _help)
#define PROP_ENUM(_name, _type, _field, _default, _names, _help) \
    PROP(_name, property_enum, _type, _field, _default, _help, .names = _names)
#define PROP_ENUM_RO(_name, _type, _field, _names, _help)                   \
    PROP(_name, property_enum, _type, _field, NULL, _help, .names = _names, \
         .readonly = true)
#define PROP_ON_OFF_AUTO(_name, _type, _field, _default, _help) \
    PROP(_name, property_on_off_auto, _type, _field, _default, _help)

/** The property of @klass or its parents, or NULL. */
const Property *object_class_find_property(const ObjectClass *klass,
                                           const char *name);
/** Calls @fn for each, parents' last. */
void object_class_foreach_property(const ObjectClass *klass,
                                   void (*fn)(const ObjectClass *klass,
                                              const Property *prop,
                                              void *opaque),
                                   void *opaque);

/**
 * Another default for objects of @klass and its subclasses; from class_init,
 * after the class's own properties are set.
 * @text must stay valid.
 */
void object_class_set_default(ObjectClass *klass, const char *name,
                              const char *text);
/** What object_new() would set; NULL for none. */
const char *object_class_get_default(const ObjectClass *klass,
                                     const char *name);

/**
 * Sets a property from text. Errors name the type, the property (with the
 * nearest name when it is unknown) or what is wrong with the text. A read-only
 * property is refused.
 */
bool object_set_property(Object *obj, const char *name, const char *text,
                         Error **errp);
/** The value as text (no string is ""), which object_set_property() takes back
 * unless the property is read only; caller frees. */
char *object_get_property(const Object *obj, const char *name, Error **errp);

/** For object.c: sets each property's default; frees what properties own. */
void object_init_properties(Object *obj);
void object_release_properties(Object *obj);
