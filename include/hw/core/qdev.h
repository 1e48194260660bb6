/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/core/irq.h"
#include "hw/core/object.h"
#include "hw/core/property.h"

/*
 * Devices: objects that come to life by realize and go by unrealize. Both are
 * mandatory in every concrete class. Order of a device's life: object_new,
 * properties, qdev_realize, (resets,) qdev_unrealize, last object_unref.
 * A device is realized at most once, successfully or not. Unparenting it
 * unrealizes it; its lines live as long as the object.
 * Thread: the machine lock.
 */
#define TYPE_DEVICE "device"
OBJECT_DECLARE_TYPE(DeviceState, DeviceClass, DEVICE)

typedef struct GpioInputs GpioInputs;

struct DeviceClass {
    ObjectClass parent_class;
    /*
     * Acquires all that the device needs, or fails with an error that names
     * the device and leaves what unrealize can take: after a failed realize
     * qdev_realize() itself calls unrealize, so it must cope with half of it.
     */
    bool (*realize)(DeviceState *dev, Error **errp);
    /* Gives all back and asserts that nothing is left. */
    void (*unrealize)(DeviceState *dev);
    /* A person may create it with -device. */
    bool user_creatable;
    /* Another process serves it, which is to map the guest's RAM. */
    bool shares_ram;
};

struct DeviceState {
    Object parent_obj;
    char *id; /* of -device; owned; NULL for the machine's own */
    bool realized;
    bool tried;          /* qdev_realize() was called */
    char *pretty_name;   /* qdev_name()'s */
    GpioInputs *gpio_in; /* private to qdev.c */
    GPtrArray *gpio_out; /* of IrqLine **, slots of its unnamed outputs */
};

/** The new device; properties still can be set. Caller owns the reference. */
DeviceState *qdev_new(const char *type_name);
/**
 * Realizes @dev, which must have been put in the tree (as "/machine/..." or
 * under "/machine/peripheral/ID").
 */
bool qdev_realize(DeviceState *dev, Error **errp);
/** No-op unless realized. */
void qdev_unrealize(DeviceState *dev);
/**
 * How messages call it: the id, else the type and the path's last word. Valid
 * as long as @dev.
 */
const char *qdev_name(const DeviceState *dev);

/** @n more inputs which call @handler(@opaque = dev, n, level). */
void qdev_init_gpio_in(DeviceState *dev,
                       void (*handler)(void *opaque, int n, int level),
                       unsigned n);
/** @n more inputs with ops of their own; opaque of each is @dev. */
void qdev_init_gpio_in_ops(DeviceState *dev, const IrqLineOps *ops, unsigned n);
/** NULL if there is no such input. */
IrqLine *qdev_get_gpio_in(DeviceState *dev, unsigned n);
/** @n more outputs; @slots stays the device's, each NULL until connected. */
void qdev_init_gpio_out(DeviceState *dev, IrqLine **slots, unsigned n);
/** Output @n must exist; @line NULL disconnects. */
void qdev_connect_gpio_out(DeviceState *dev, unsigned n, IrqLine *line);
