/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "platypus-device.h"

/*
 * What the program platypus-device has in common with each of its models, one
 * file each. A new model is a file that defines `const ModelClass NAME_model`,
 * its line in meson.build and its NAME in this list.
 */
#define MODEL_LIST(X) X(pl031) X(dma_edu) X(uart16550)

#define MODEL_MAX_OPTIONS 8

/** An option of a model's own: --NAME ARG, or --NAME where @arg is NULL. */
typedef struct ModelOption {
    const char *name;
    const char *arg; /* what the help calls it */
    const char *help;
} ModelOption;

/** ModelClass: a kind of model. */
typedef struct ModelClass {
    const char *name;
    const char *summary;
    const ModelOption *options; /* ends with one without a name; may be NULL */
    /*
     * A model with its device. @values has for each option what it was given
     * ("" for one without ARG), or NULL. NULL when that cannot be, which it
     * has said by model_error().
     */
    void *(*open)(const char *const *values, PlatypusDevice **dev);
    /* Frees the model with its device; takes what a failed open has left. */
    void (*close)(void *model);
} ModelClass;

#define MODEL_DECLARE(name) extern const ModelClass name##_model;
MODEL_LIST(MODEL_DECLARE)

/** One line on standard error: "platypus-device: " and the text. */
void model_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** The platypus_device_new() of a model, which says why it failed. */
PlatypusDevice *model_new_device(const PlatypusDeviceDesc *desc, void *model);

/** A decimal number up to @max; false for any other text. */
bool model_parse_number(const char *text, unsigned long max,
                        unsigned long *value);
