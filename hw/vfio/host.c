/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every implementation of the VFIOHost seam shares: the structs that
 * cross it, and names for traces.
 */

#include <string.h>

#include "hw/vfio/host.h"

/* More than any device has; a number from a peer is not to be trusted. */
#define VFIO_DEVICE_MAX_INDEX 1024

bool vfio_device_info_check(const VFIODeviceInfo *info, Error **errp)
{
    if (info->num_regions > VFIO_DEVICE_MAX_INDEX ||
        info->num_irqs > VFIO_DEVICE_MAX_INDEX) {
        error_setg(errp, "%u regions and %u lines; at most %u make sense",
                   info->num_regions, info->num_irqs, VFIO_DEVICE_MAX_INDEX);
        return false;
    }
    return true;
}

void vfio_region_info_finish(VFIORegionInfo *info)
{
    g_clear_pointer(&info->maps, g_free);
    info->num_maps = 0;
}

const char *vfio_irq_action_name(VFIOIrqAction action)
{
    switch (action) {
    case VFIO_IRQ_PROBE:
        return "probe";
    case VFIO_IRQ_TRIGGER_FD:
        return "trigger-fd";
    case VFIO_IRQ_TRIGGER_OFF:
        return "trigger-off";
    case VFIO_IRQ_UNMASK_NOW:
        return "unmask-now";
    case VFIO_IRQ_UNMASK_FD:
        return "unmask-fd";
    case VFIO_IRQ_UNMASK_OFF:
        return "unmask-off";
    }
    g_assert_not_reached();
}

static void vfio_host_property_free(void *opaque)
{
    VFIOHostProperty *prop = opaque;

    g_free(prop->name);
    g_free(prop->data);
    g_free(prop);
}

static void vfio_host_clock_free(void *opaque)
{
    VFIOHostClock *clock = opaque;

    g_free(clock->provider);
    g_free(clock);
}

VFIOHostNode *vfio_host_node_new(const char *name)
{
    VFIOHostNode *node = g_new0(VFIOHostNode, 1);

    node->name = g_strdup(name);
    node->properties = g_ptr_array_new_with_free_func(vfio_host_property_free);
    node->clocks = g_ptr_array_new_with_free_func(vfio_host_clock_free);
    return node;
}

void vfio_host_node_free(VFIOHostNode *node)
{
    if (node) {
        g_free(node->name);
        g_ptr_array_unref(node->properties);
        g_ptr_array_unref(node->clocks);
        g_free(node);
    }
}

VFIOHostProperty *vfio_host_node_add(VFIOHostNode *node, const char *name,
                                     const void *data, size_t size, bool refers)
{
    VFIOHostProperty *prop = g_new0(VFIOHostProperty, 1);

    prop->name = g_strdup(name);
    prop->data = g_memdup2(data, size);
    prop->size = size;
    prop->refers = refers;
    g_ptr_array_add(node->properties, prop);
    return prop;
}

void vfio_host_node_add_clock(VFIOHostNode *node, const VFIOHostClock *clock)
{
    VFIOHostClock *copy = g_memdup2(clock, sizeof(*clock));

    copy->provider = g_strdup(clock->provider);
    g_ptr_array_add(node->clocks, copy);
}

const VFIOHostProperty *vfio_host_node_find(const VFIOHostNode *node,
                                            const char *name)
{
    for (guint i = 0; i < node->properties->len; i++) {
        const VFIOHostProperty *prop = node->properties->pdata[i];

        if (strcmp(prop->name, name) == 0) {
            return prop;
        }
    }
    return NULL;
}

const char *vfio_host_property_string(const VFIOHostProperty *prop, unsigned n)
{
    const char *text = (const char *)prop->data;
    const char *end;

    if (prop->size == 0 || text[prop->size - 1] != '\0') {
        return NULL;
    }
    end = text + prop->size;
    for (; text < end && n > 0; n--) {
        text += strlen(text) + 1;
    }
    return text < end ? text : NULL;
}
