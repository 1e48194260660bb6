/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * property.c: each kind takes and prints its text, errors say what is wrong
 * with which property, and defaults follow the class.
 */
#include "hw/core/property.h"

#define TYPE_THING "test-thing"
OBJECT_DECLARE_SIMPLE_TYPE(Thing, THING)

struct Thing {
    Object parent_obj;
    bool flag;
    uint32_t small;
    uint32_t any32;
    uint64_t big;
    uint64_t size;
    char *text;
    char *empty;
    int route;
    int mode;
    int state;
    bool fixed;
    int seen_route; /* at instance_init */
};

static const char *const routes[] = {"auto", "irqfd", "trap", NULL};
static const char *const states[] = {"there", "gone", NULL};

static const Property thing_properties[] = {
    PROP_BOOL("x-no-mmap", Thing, flag, false, "a flag"),
    PROP_UINT32("timeout-ms", Thing, small, "20", 1000, "a number"),
    PROP_UINT32("any32", Thing, any32, NULL, 0, "a number"),
    PROP_UINT64("big", Thing, big, NULL, "a large number"),
    PROP_SIZE("size", Thing, size, "4k", "a size"),
    PROP_STRING("text", Thing, text, "hello", "a text"),
    PROP_STRING("empty", Thing, empty, NULL, "a text without default"),
    PROP_ENUM("route", Thing, route, "irqfd", routes, "a choice"),
    PROP_ON_OFF_AUTO("mode", Thing, mode, NULL, "on, off or auto"),
    PROP_ENUM_RO("state", Thing, state, states, "what it is doing"),
    {},
};

static bool thing_may_set(const Object *obj, const Property *prop, Error **errp)
{
    if (THING(obj)->fixed) {
        error_setg(errp, "'%s' is fixed", prop->name);
    }
    return !THING(obj)->fixed;
}

static void thing_init(Object *obj)
{
    THING(obj)->seen_route = THING(obj)->route;
}

static void thing_class_init(ObjectClass *klass)
{
    klass->properties = thing_properties;
    klass->may_set = thing_may_set;
}

static const TypeInfo thing_type = {
    .name = TYPE_THING,
    .instance_size = sizeof(Thing),
    .class_init = thing_class_init,
    .instance_init = thing_init,
};
TYPE_REGISTER(thing_type)

typedef struct SubThing {
    Thing parent_obj;
    bool more;
} SubThing;

static const Property sub_properties[] = {
    PROP_BOOL("more", SubThing, more, true, "one more"),
    {},
};

static void sub_class_init(ObjectClass *klass)
{
    klass->properties = sub_properties;
    object_class_set_default(klass, "route", "trap");
    object_class_set_default(klass, "more", "off");
    object_class_set_default(klass, "text", NULL);
}

static const TypeInfo sub_type = {
    .name = "test-sub-thing",
    .parent = TYPE_THING,
    .instance_size = sizeof(SubThing),
    .class_init = sub_class_init,
};
TYPE_REGISTER(sub_type)

static void sub_sub_class_init(ObjectClass *klass)
{
    object_class_set_default(klass, "timeout-ms", "30");
}

static const TypeInfo sub_sub_type = {
    .name = "test-sub-sub-thing",
    .parent = "test-sub-thing",
    .class_init = sub_sub_class_init,
};
TYPE_REGISTER(sub_sub_type)

static void expect_value(Object *obj, const char *name, const char *expected)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *text = object_get_property(obj, name, &err);

    g_assert_null(err);
    g_assert_cmpstr(text, ==, expected);
}

/* Sets @text and reads @printed, which is taken back. */
static void expect_set(Object *obj, const char *name, const char *text,
                       const char *printed)
{
    Error *err = NULL;

    g_assert_true(object_set_property(obj, name, text, &err));
    g_assert_null(err);
    expect_value(obj, name, printed);
    g_assert_true(object_set_property(obj, name, printed, &err));
    g_assert_null(err);
    expect_value(obj, name, printed);
}

/* Refused with @message, and the value stays. */
static void expect_refused(Object *obj, const char *name, const char *text,
                           const char *message)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *before = object_get_property(obj, name, NULL);
    g_autofree char *after = NULL;

    g_assert_false(object_set_property(obj, name, text, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    after = object_get_property(obj, name, NULL);
    g_assert_cmpstr(before, ==, after);
    g_assert_false(object_set_property(obj, name, text, NULL));
}

static void test_defaults(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);

    expect_value(obj, "x-no-mmap", "off");
    expect_value(obj, "timeout-ms", "20");
    expect_value(obj, "any32", "0");
    expect_value(obj, "big", "0");
    expect_value(obj, "size", "4096");
    expect_value(obj, "text", "hello");
    expect_value(obj, "empty", "");
    g_assert_null(THING(obj)->empty);
    expect_value(obj, "route", "irqfd");
    expect_value(obj, "mode", "auto");
    g_assert_cmpint(THING(obj)->seen_route, ==, 1);
}

static void test_set(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);

    expect_set(obj, "x-no-mmap", "on", "on");
    g_assert_true(THING(obj)->flag);
    expect_set(obj, "x-no-mmap", "no", "off");
    expect_set(obj, "timeout-ms", "1000", "1000");
    expect_set(obj, "any32", "0xffffffff", "4294967295");
    expect_set(obj, "big", "0xffffffffffffffff", "18446744073709551615");
    expect_set(obj, "size", "2M", "2097152");
    expect_set(obj, "text", "one", "one");
    expect_set(obj, "text", "", "");
    expect_set(obj, "empty", "two", "two");
    expect_set(obj, "route", "trap", "trap");
    g_assert_cmpint(THING(obj)->route, ==, 2);
    expect_set(obj, "mode", "off", "off");
    g_assert_cmpint(THING(obj)->mode, ==, ON_OFF_AUTO_OFF);
    expect_set(obj, "mode", "on", "on");
}

static void test_bad_text(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);

    expect_refused(
        obj, "x-no-mmap", "maybe",
        "test-thing: property 'x-no-mmap': 'maybe' is neither on nor off");
    expect_refused(obj, "timeout-ms", "abc",
                   "test-thing: property 'timeout-ms': 'abc' is not a number");
    expect_refused(obj, "timeout-ms", "1001",
                   "test-thing: property 'timeout-ms': '1001' is more than "
                   "1000 (0x3e8)");
    expect_refused(obj, "any32", "0x100000000",
                   "test-thing: property 'any32': '0x100000000' is more than "
                   "4294967295 (0xffffffff)");
    expect_refused(obj, "big", "-1",
                   "test-thing: property 'big': '-1' is not a number");
    expect_refused(obj, "size", "4x",
                   "test-thing: property 'size': '4x' is not a size; try: "
                   "512M, 2G or 0x1000");
    expect_refused(obj, "route", "irq",
                   "test-thing: property 'route': 'irq' is none of auto, "
                   "irqfd, trap");
    expect_refused(obj, "mode", "yes",
                   "test-thing: property 'mode': 'yes' is none of auto, on, "
                   "off");
}

static void test_unknown(void)
{
    g_autoptr(Object) obj = object_new("test-sub-thing");
    g_autoptr(Error) err = NULL;

    expect_refused(obj, "x-nommap", "on",
                   "test-sub-thing: no property 'x-nommap'; did you mean "
                   "'x-no-mmap'?");
    expect_refused(obj, "mor", "on",
                   "test-sub-thing: no property 'mor'; did you mean 'more'?");
    expect_refused(obj, "zzzzzzzzz", "1",
                   "test-sub-thing: no property 'zzzzzzzzz'");
    g_assert_null(object_get_property(obj, "siz", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "test-sub-thing: no property 'siz'; did you mean 'size'?");
}

static void test_may_set(void)
{
    g_autoptr(Object) obj = object_new("test-sub-thing");

    THING(obj)->fixed = true;
    expect_refused(obj, "size", "1", "'size' is fixed");
    expect_refused(obj, "nosize", "1",
                   "test-sub-thing: no property 'nosize'; did you mean "
                   "'size'?");
}

static void test_readonly(void)
{
    g_autoptr(Object) obj = object_new(TYPE_THING);

    expect_value(obj, "state", "there");
    expect_refused(obj, "state", "gone",
                   "test-thing: property 'state' can only be read");
    expect_refused(obj, "state", "nonesuch",
                   "test-thing: property 'state' can only be read");
    THING(obj)->state = 1;
    expect_value(obj, "state", "gone");
    /* It stays so however an object refuses changes. */
    THING(obj)->fixed = true;
    expect_refused(obj, "state", "there",
                   "test-thing: property 'state' can only be read");
}

static void test_inherited_defaults(void)
{
    g_autoptr(Object) sub = object_new("test-sub-thing");
    g_autoptr(Object) sub_sub = object_new("test-sub-sub-thing");
    const ObjectClass *klass = sub_sub->klass;

    expect_value(sub, "route", "trap");
    expect_value(sub, "more", "off");
    expect_value(sub, "timeout-ms", "20");
    expect_value(sub, "text", "");
    expect_value(sub_sub, "route", "trap");
    expect_value(sub_sub, "timeout-ms", "30");
    g_assert_cmpint(THING(sub)->seen_route, ==, 2);
    g_assert_cmpstr(object_class_get_default(klass, "timeout-ms"), ==, "30");
    g_assert_cmpstr(object_class_get_default(klass, "route"), ==, "trap");
    g_assert_cmpstr(object_class_get_default(klass, "size"), ==, "4k");
    g_assert_null(object_class_get_default(klass, "text"));
    g_assert_null(object_class_get_default(klass, "no-such"));
    g_assert_cmpstr(
        object_class_get_default(object_class_by_name(TYPE_THING), "route"), ==,
        "irqfd");
}

static void note(const ObjectClass *klass, const Property *prop, void *opaque)
{
    g_assert_cmpstr(klass->type->name, ==, "test-sub-thing");
    g_string_append_printf(opaque, "%s:%s ", prop->name, prop->kind->name);
}

static void test_foreach(void)
{
    g_autoptr(GString) all = g_string_new(NULL);

    object_class_foreach_property(object_class_by_name("test-sub-thing"), note,
                                  all);
    g_assert_cmpstr(all->str, ==,
                    "more:bool x-no-mmap:bool timeout-ms:uint32 any32:uint32 "
                    "big:uint64 size:size text:string empty:string route:enum "
                    "mode:on|off|auto state:enum ");
    g_assert_null(
        object_class_find_property(object_class_by_name(TYPE_THING), "more"));
}

static void bad_default_class_init(ObjectClass *klass)
{
    object_class_set_default(klass, "big", "lots");
}

static void abort_bad_default(void)
{
    static TypeInfo type = {
        .name = "test-bad-default",
        .parent = TYPE_THING,
        .class_init = bad_default_class_init,
    };

    type_register(&type);
    object_new("test-bad-default");
}

static void shadow_class_init(ObjectClass *klass)
{
    klass->properties = thing_properties;
}

static void abort_shadow(void)
{
    static TypeInfo type = {
        .name = "test-shadow",
        .parent = TYPE_THING,
        .class_init = shadow_class_init,
    };

    type_register(&type);
    object_class_by_name("test-shadow");
}

static void abort_unknown_default(void)
{
    object_class_set_default(object_class_by_name(TYPE_THING), "nope", "1");
}

static const struct {
    const char *path;
    void (*fn)(void);
    const char *message;
} aborts[] = {
    {"/property/abort/bad-default", abort_bad_default,
     "*test-bad-default: bad default: big: 'lots' is not a number*"},
    {"/property/abort/shadow", abort_shadow, "*object_class_find_property*"},
    {"/property/abort/unknown-default", abort_unknown_default,
     "*object_class_find_property*"},
};

static void test_abort(const void *data)
{
    unsigned i = GPOINTER_TO_UINT(data);

    if (g_test_subprocess()) {
        aborts[i].fn();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(aborts[i].message);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/property/defaults", test_defaults);
    g_test_add_func("/property/set", test_set);
    g_test_add_func("/property/bad-text", test_bad_text);
    g_test_add_func("/property/unknown", test_unknown);
    g_test_add_func("/property/may-set", test_may_set);
    g_test_add_func("/property/readonly", test_readonly);
    g_test_add_func("/property/inherited-defaults", test_inherited_defaults);
    g_test_add_func("/property/foreach", test_foreach);
    for (unsigned i = 0; i < G_N_ELEMENTS(aborts); i++) {
        g_test_add_data_func(aborts[i].path, GUINT_TO_POINTER(i), test_abort);
    }
    return g_test_run();
}
