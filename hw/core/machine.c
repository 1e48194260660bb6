/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all machines share: how they are found by name, where user-created
 * devices stand in the tree and how they come to life. The machine itself is
 * at /machine; system/ puts it there and calls its class in order.
 */

#include "hw/core/machine.h"

typedef struct AliasSearch {
    const char *name;
    MachineClass *found;
} AliasSearch;

static void match_alias(ObjectClass *klass, void *opaque)
{
    MachineClass *mc = MACHINE_CLASS(klass);
    AliasSearch *search = opaque;

    if (g_strcmp0(mc->alias, search->name) == 0) {
        search->found = mc;
    }
}

MachineClass *machine_class_find(const char *name)
{
    g_autofree char *type_name = g_strconcat(name, "-" TYPE_MACHINE, NULL);
    ObjectClass *klass = object_class_by_name(type_name);
    AliasSearch search = {.name = name};

    if (klass && !klass->type->abstract &&
        object_class_is(klass, TYPE_MACHINE)) {
        return MACHINE_CLASS(klass);
    }
    object_class_foreach(TYPE_MACHINE, match_alias, &search);
    return search.found;
}

static bool is_id(const char *id)
{
    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    while (g_ascii_isalnum(*id) || *id == '-' || *id == '.' || *id == '_') {
        id++;
    }
    return *id == '\0';
}

/* The machine's child @name, made on first use. */
static Object *container(MachineState *machine, const char *name)
{
    Object *obj = object_child(OBJECT(machine), name);

    if (!obj) {
        obj = object_new(TYPE_OBJECT);
        object_add_child(OBJECT(machine), name, obj, NULL);
        object_unref(obj);
    }
    return obj;
}

static bool place_anonymous(MachineState *machine, DeviceState *dev,
                            Error **errp)
{
    Object *parent = container(machine, "peripheral-anon");
    g_autofree char *name = NULL;
    unsigned n = 0;

    do {
        g_free(name);
        name = g_strdup_printf("device[%u]", n++);
    } while (object_child(parent, name));
    return object_add_child(parent, name, OBJECT(dev), errp);
}

bool machine_place_device(MachineState *machine, DeviceState *dev,
                          const char *id, Error **errp)
{
    if (!id) {
        return place_anonymous(machine, dev, errp);
    }
    if (!is_id(id)) {
        error_setg(errp,
                   "%s: '%s' is not an id: a letter, then letters, digits, "
                   "'-', '.' or '_'",
                   object_get_typename(OBJECT(dev)), id);
        return false;
    }
    if (!object_add_child(container(machine, "peripheral"), id, OBJECT(dev),
                          errp)) {
        return false;
    }
    dev->id = g_strdup(id);
    return true;
}

bool machine_add_device(MachineState *machine, DeviceState *dev, Error **errp)
{
    Object *sbd = object_dynamic_cast(OBJECT(dev), TYPE_SYS_BUS_DEVICE);

    if (!DEVICE_GET_CLASS(dev)->user_creatable || !sbd) {
        error_setg(errp, "%s: a '%s' cannot be created with -device",
                   qdev_name(dev), object_get_typename(OBJECT(dev)));
        return false;
    }
    if (!machine->bus) {
        error_setg(errp, "%s: the machine has no platform bus; try: -M virt",
                   qdev_name(dev));
        return false;
    }
    if (!qdev_realize(dev, errp)) {
        return false;
    }
    if (!platform_bus_link(machine->bus, SYS_BUS_DEVICE(sbd), errp)) {
        qdev_unrealize(dev);
        return false;
    }
    return true;
}

static const Property machine_properties[] = {
    PROP_STRING("dumpdtb", MachineState, dumpdtb, NULL,
                "write the device tree to this file and exit"),
    {},
};

static void machine_class_init(ObjectClass *klass)
{
    klass->properties = machine_properties;
}

static const TypeInfo machine_type = {
    .name = TYPE_MACHINE,
    .instance_size = sizeof(MachineState),
    .class_size = sizeof(MachineClass),
    .abstract = true,
    .class_init = machine_class_init,
};
TYPE_REGISTER(machine_type)
