/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * object.c: types are made once and inherit, casts refuse what they must, and
 * the tree holds and drops references. A journal records what is called when.
 */
#include "hw/core/object.h"

#include <string.h>

#include "hw/core/property.h"

#define TYPE_SHAPE "test-shape"
OBJECT_DECLARE_TYPE(Shape, ShapeClass, SHAPE)

struct Shape {
    Object parent_obj;
    int corners;
};

struct ShapeClass {
    ObjectClass parent_class;
    int (*area)(Shape *shape);
    int inherited;
};

#define TYPE_SQUARE "test-square"
OBJECT_DECLARE_SIMPLE_TYPE(Square, SQUARE)

struct Square {
    Shape parent_obj;
    int side;
};

static GString *journal;

static void note(const char *what)
{
    g_string_append_printf(journal, "%s ", what);
}

static void expect_journal(const char *expected)
{
    g_assert_cmpstr(journal->str, ==, expected);
    g_string_truncate(journal, 0);
}

static int no_area(Shape *shape)
{
    return -1;
}

static const Property shape_properties[] = {{}};

static void shape_class_init(ObjectClass *klass)
{
    note("class-shape");
    klass->desc = "a shape";
    klass->properties = shape_properties;
    SHAPE_CLASS(klass)->area = no_area;
    SHAPE_CLASS(klass)->inherited = 7;
}

static void shape_init(Object *obj)
{
    note("init-shape");
}

static void shape_finalize(Object *obj)
{
    note("finalize-shape");
}

static const TypeInfo shape_type = {
    .name = TYPE_SHAPE,
    .instance_size = sizeof(Shape),
    .class_size = sizeof(ShapeClass),
    .abstract = true,
    .class_init = shape_class_init,
    .instance_init = shape_init,
    .instance_finalize = shape_finalize,
};
TYPE_REGISTER(shape_type)

static int square_area(Shape *shape)
{
    return SQUARE(shape)->side * SQUARE(shape)->side;
}

static void square_class_init(ObjectClass *klass)
{
    note("class-square");
    g_assert_null(klass->desc);
    g_assert_null(klass->properties);
    g_assert_true(SHAPE_CLASS(klass)->area == no_area);
    SHAPE_CLASS(klass)->area = square_area;
}

static void square_init(Object *obj)
{
    note("init-square");
    SHAPE(obj)->corners = 4;
    SQUARE(obj)->side = 3;
}

static void square_finalize(Object *obj)
{
    note("finalize-square");
}

static const TypeInfo square_type = {
    .name = TYPE_SQUARE,
    .parent = TYPE_SHAPE,
    .instance_size = sizeof(Square),
    .class_init = square_class_init,
    .instance_init = square_init,
    .instance_finalize = square_finalize,
};
TYPE_REGISTER(square_type)

/* Inherits even its sizes. */
static const TypeInfo tile_type = {
    .name = "test-a-tile",
    .parent = TYPE_SQUARE,
};
TYPE_REGISTER(tile_type)

/* Runs first: says when classes are made. */
static void test_class(void)
{
    ObjectClass *klass;

    expect_journal("");
    g_assert_null(object_class_by_name("test-no-such-type"));
    klass = object_class_by_name(TYPE_SQUARE);
    expect_journal("class-shape class-square ");
    g_assert_true(object_class_by_name(TYPE_SQUARE) == klass);
    expect_journal("");
    g_assert_cmpint(SHAPE_CLASS(klass)->inherited, ==, 7);
    g_assert_true(klass->parent == object_class_by_name(TYPE_SHAPE));
    g_assert_true(klass->parent->parent == object_class_by_name(TYPE_OBJECT));
    g_assert_null(klass->parent->parent->parent);
    g_assert_cmpstr(klass->parent->desc, ==, "a shape");
    g_assert_true(object_class_is(klass, TYPE_SHAPE));
    g_assert_false(object_class_is(klass->parent, TYPE_SQUARE));
}

static void collect(ObjectClass *klass, void *opaque)
{
    note(klass->type->name);
    g_assert_true(opaque == journal);
}

static void test_class_foreach(void)
{
    object_class_foreach(TYPE_SHAPE, collect, journal);
    expect_journal("test-a-tile test-square ");
    object_class_foreach("test-no-such-type", collect, journal);
    expect_journal("");
}

static void test_new(void)
{
    Object *obj = object_new(TYPE_SQUARE);

    expect_journal("init-shape init-square ");
    g_assert_cmpstr(object_get_typename(obj), ==, TYPE_SQUARE);
    g_assert_cmpint(SHAPE(obj)->corners, ==, 4);
    g_assert_cmpint(SHAPE_GET_CLASS(obj)->area(SHAPE(obj)), ==, 9);
    g_assert_true(object_ref(obj) == obj);
    object_unref(obj);
    expect_journal("");
    object_unref(obj);
    expect_journal("finalize-square finalize-shape ");
    object_unref(NULL);
}

static void test_inherited_size(void)
{
    {
        g_autoptr(Square) tile = SQUARE(object_new("test-a-tile"));

        g_assert_cmpint(tile->side, ==, 3);
    }
    expect_journal("init-shape init-square finalize-square finalize-shape ");
}

static void test_cast(void)
{
    g_autoptr(Object) obj = object_new(TYPE_SQUARE);
    g_autofree char *copy = g_strdup(TYPE_SHAPE);

    g_assert_true((Object *)SQUARE(obj) == obj);
    g_assert_true((Object *)SHAPE(obj) == obj);
    g_assert_null(SHAPE(NULL));
    g_assert_null(SHAPE_CLASS(NULL));
    /* A name that is equal, but not the same literal. */
    g_assert_true(object_dynamic_cast(obj, copy) == obj);
    g_assert_null(object_dynamic_cast(obj, "test-a-tile"));
    g_assert_null(object_dynamic_cast(NULL, TYPE_SHAPE));
    g_string_truncate(journal, 0);
}

static void abort_cast(void)
{
    SQUARE(object_root());
}

static void abort_class_cast(void)
{
    SHAPE_CLASS(object_class_by_name(TYPE_OBJECT));
}

static void abort_no_type(void)
{
    object_new("test-no-such-type");
}

static void abort_abstract(void)
{
    object_new(TYPE_SHAPE);
}

static void abort_duplicate(void)
{
    static TypeInfo twin = {.name = "test-a-tile", .parent = TYPE_SHAPE};

    type_register(&twin);
    object_class_by_name("test-a-tile");
}

static void abort_no_parent(void)
{
    static TypeInfo orphan = {.name = "test-orphan", .parent = "test-nobody"};

    type_register(&orphan);
    object_class_by_name("test-orphan");
}

static void abort_second_parent(void)
{
    Object *obj = object_new(TYPE_OBJECT);

    object_add_child(object_root(), "a", obj, NULL);
    object_add_child(object_root(), "b", obj, NULL);
}

static const struct {
    const char *path;
    void (*fn)(void);
    const char *message;
} aborts[] = {
    {"/object/abort/cast", abort_cast,
     "*SQUARE(): a 'object' is not a 'test-square'*"},
    {"/object/abort/class-cast", abort_class_cast,
     "*SHAPE_CLASS(): a 'object' is not a 'test-shape'*"},
    {"/object/abort/no-type", abort_no_type,
     "*type 'test-no-such-type' does not exist*"},
    {"/object/abort/abstract", abort_abstract,
     "*type 'test-shape' is abstract*"},
    {"/object/abort/duplicate", abort_duplicate, "*find_type*"},
    {"/object/abort/no-parent", abort_no_parent, "*!info->parent*"},
    {"/object/abort/second-parent", abort_second_parent, "*!child->parent*"},
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

static Object *add(Object *parent, const char *name)
{
    Error *err = NULL;
    Object *child = object_new(TYPE_OBJECT);

    g_assert_true(object_add_child(parent, name, child, &err));
    g_assert_null(err);
    object_unref(child);
    return child;
}

static void expect_path(const Object *obj, const char *expected)
{
    g_autofree char *path = object_get_path(obj);

    g_assert_cmpstr(path, ==, expected);
}

static void test_tree(void)
{
    Object *machine = add(object_root(), "machine");
    Object *gic = add(machine, "gic");
    Object *gi = add(machine, "gi");

    expect_path(object_root(), "/");
    expect_path(machine, "/machine");
    expect_path(gic, "/machine/gic");
    g_assert_true(object_resolve_path("/") == object_root());
    g_assert_true(object_resolve_path("/machine") == machine);
    g_assert_true(object_resolve_path("/machine/") == machine);
    g_assert_true(object_resolve_path("/machine/gic") == gic);
    g_assert_true(object_resolve_path("/machine/gi") == gi);
    g_assert_null(object_resolve_path("/machine/g"));
    g_assert_null(object_resolve_path("/machine/gic/x"));
    g_assert_null(object_resolve_path("/machine//gic"));
    g_assert_null(object_resolve_path("machine"));
    g_assert_null(object_resolve_path(""));
    g_assert_true(object_child(machine, "gi") == gi);
    g_assert_null(object_child(gic, "gi"));
    object_root_free();
    g_assert_null(object_resolve_path("/machine"));
    object_root_free();
}

static void expect_refused(Object *parent, const char *name,
                           const char *message)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(Object) child = object_new(TYPE_OBJECT);

    g_assert_false(object_add_child(parent, name, child, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    g_assert_null(child->parent);
    g_assert_false(object_add_child(parent, name, child, NULL));
}

static void test_names(void)
{
    g_autoptr(Object) loose = object_new(TYPE_OBJECT);

    add(add(object_root(), "machine"), "gic");
    add(loose, "a");
    expect_refused(object_resolve_path("/machine"), "gic",
                   "/machine: the name 'gic' is taken");
    expect_refused(loose, "a", "object: the name 'a' is taken");
    expect_refused(loose, "", "'' cannot be the name of an object");
    expect_refused(loose, "b/c", "'b/c' cannot be the name of an object");
    expect_path(loose, NULL);
    expect_path(object_child(loose, "a"), NULL);
    object_root_free();
}

static void test_unparent(void)
{
    Object *parent = add(object_root(), "parent");
    g_autoptr(Object) kept = object_ref(add(parent, "kept"));
    g_autoptr(Object) square = object_new(TYPE_SQUARE);

    g_assert_true(object_add_child(parent, "square", square, NULL));
    g_string_truncate(journal, 0);
    object_unref(g_steal_pointer(&square));
    expect_journal("");
    object_unparent(object_child(parent, "square"));
    expect_journal("finalize-square finalize-shape ");
    g_assert_null(object_child(parent, "square"));

    object_unparent(kept);
    g_assert_null(kept->parent);
    g_assert_null(kept->name);
    object_unparent(kept);
    g_assert_true(object_add_child(parent, "again", kept, NULL));
    object_root_free();
    g_assert_null(kept->parent);
}

static void note_before_unparent(Object *obj)
{
    g_assert_nonnull(obj->parent);
    note(obj->name);
}

/* The latest child goes first; a parent before its children. */
static void test_order(void)
{
    ObjectClass *klass = object_class_by_name(TYPE_OBJECT);
    Object *a = add(object_root(), "a");

    add(a, "b");
    add(a, "c");
    add(object_root(), "d");
    klass->before_unparent = note_before_unparent;
    object_root_free();
    klass->before_unparent = NULL;
    expect_journal("d a c b ");
}

static void note_name(Object *obj, void *opaque)
{
    g_assert_true(opaque == journal);
    note(obj->name);
}

static void test_foreach_descendant(void)
{
    Object *a = add(object_root(), "a");

    add(add(a, "b"), "c");
    add(a, "d");
    add(object_root(), "e");
    object_foreach_descendant(object_root(), note_name, journal);
    expect_journal("a b c d e ");
    object_foreach_descendant(a, note_name, journal);
    expect_journal("b c d ");
    object_root_free();
}

static void *ref_and_unref(void *opaque)
{
    for (int i = 0; i < 10000; i++) {
        object_ref(opaque);
        object_unref(opaque);
    }
    return NULL;
}

static void test_threads(void)
{
    g_autoptr(Object) obj = object_new(TYPE_OBJECT);
    GThread *thread = g_thread_new("ref", ref_and_unref, obj);

    ref_and_unref(obj);
    g_thread_join(thread);
    g_assert_cmpuint(atomic_load(&obj->refs), ==, 1);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    journal = g_string_new(NULL);
    g_test_add_func("/object/class", test_class);
    g_test_add_func("/object/class-foreach", test_class_foreach);
    g_test_add_func("/object/new", test_new);
    g_test_add_func("/object/inherited-size", test_inherited_size);
    g_test_add_func("/object/cast", test_cast);
    g_test_add_func("/object/tree", test_tree);
    g_test_add_func("/object/names", test_names);
    g_test_add_func("/object/unparent", test_unparent);
    g_test_add_func("/object/order", test_order);
    g_test_add_func("/object/foreach-descendant", test_foreach_descendant);
    g_test_add_func("/object/threads", test_threads);
    for (unsigned i = 0; i < G_N_ELEMENTS(aborts); i++) {
        g_test_add_data_func(aborts[i].path, GUINT_TO_POINTER(i), test_abort);
    }
    status = g_test_run();
    g_string_free(journal, TRUE);
    return status;
}
