/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of vfio_host_node_from_fdt(): the input is a tree that a person
 * wrote for a device. Beyond not crashing it checks what its users rely on:
 * properties are sorted and each is there once, strings end within them, and
 * only a fixed clock has a frequency.
 */

#include <string.h>

#include "fuzz.h"
#include "hw/vfio/host.h"

static void check_properties(const VFIOHostNode *node)
{
    for (guint i = 0; i < node->properties->len; i++) {
        const VFIOHostProperty *prop = node->properties->pdata[i];
        const char *text;

        for (unsigned n = 0; (text = vfio_host_property_string(prop, n)); n++) {
            g_assert_cmpuint(strlen(text), <, prop->size);
        }
        if (i > 0) {
            const VFIOHostProperty *before = node->properties->pdata[i - 1];

            g_assert_cmpint(strcmp(before->name, prop->name), <, 0);
        }
    }
}

static void check_clocks(const VFIOHostNode *node)
{
    const VFIOHostProperty *prop = vfio_host_node_find(node, "clocks");

    g_assert_cmpuint(node->clocks->len, <=, prop ? prop->size / 4 : 0);
    for (guint i = 0; i < node->clocks->len; i++) {
        const VFIOHostClock *clock = node->clocks->pdata[i];

        g_assert_true(clock->fixed || clock->frequency_hz == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(VFIOHostNode) node =
        vfio_host_node_from_fdt(data, size, "fuzz", &err);

    g_assert_true(!node == !!err);
    if (node) {
        g_assert_true(!node->name || !strchr(node->name, '@'));
        check_properties(node);
        check_clocks(node);
    }
    return 0;
}
