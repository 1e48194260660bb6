/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device type vfio-scripted: a VFIO device on a ScriptedHost, so that the
 * whole emulator can be driven without VFIO (platypus-test). Its properties
 * say what the host has; see scripted-host.h for their syntax.
 */

#include "hw/vfio/sysbus-device.h"
#include "scripted-host.h"

#define TYPE_VFIO_SCRIPTED "vfio-scripted"
OBJECT_DECLARE_SIMPLE_TYPE(VFIOScriptedDevice, VFIO_SCRIPTED)

struct VFIOScriptedDevice {
    VFIOSysBusDevice parent_obj;
    char *name;
    char *regions;
    char *lines;
    char *of_node;
    char *tree;
    char *fail;
    uint32_t fail_at;
    uint32_t doorbell;
    bool reset;
    bool unmask_fd;
};

static VFIOHost *vfio_scripted_open(VFIOSysBusDevice *base, Error **errp)
{
    VFIOScriptedDevice *vsd = VFIO_SCRIPTED(base);
    ScriptedHost *host = scripted_host_new(vsd->name, vsd->regions, vsd->lines,
                                           vsd->doorbell, errp);

    if (!host) {
        return NULL;
    }
    host->can_reset = vsd->reset;
    host->ops.unmask_by_fd = vsd->unmask_fd;
    host->fail = vsd->fail;
    host->fail_at = vsd->fail_at;
    if (vsd->of_node) {
        host->node = vfio_host_node_read(vsd->of_node, vsd->tree, errp);
        if (!host->node) {
            host->ops.close(&host->parent);
            return NULL;
        }
    }
    return &host->parent;
}

static const Property vfio_scripted_properties[] = {
    PROP_STRING("name", VFIOScriptedDevice, name, "1000000.scripted",
                "what messages call it"),
    PROP_STRING(
        "regions", VFIOScriptedDevice, regions, NULL,
        "SIZE[:ro|:wo][:map|:map=OFFSET+SIZE][:signal=OFFSET+SIZE];..."),
    PROP_STRING("lines", VFIOScriptedDevice, lines, NULL, "level|edge;..."),
    PROP_STRING("of-node", VFIOScriptedDevice, of_node, NULL,
                "folder of its node"),
    PROP_STRING("tree", VFIOScriptedDevice, tree, "/nowhere",
                "folder of the tree that the node is in"),
    PROP_STRING("fail", VFIOScriptedDevice, fail, NULL,
                "the call that fails, as the log has it"),
    PROP_UINT32("fail-at", VFIOScriptedDevice, fail_at, "0xffffffff", 0,
                "the number of the call that fails"),
    PROP_UINT32("doorbell", VFIOScriptedDevice, doorbell, "0xffffffff", 0,
                "where to write n to raise line n, 0x100 + n to lower it, "
                "0x200 + n to lose the host for n ms"),
    PROP_BOOL("reset", VFIOScriptedDevice, reset, true, "it has a reset"),
    PROP_BOOL("unmask-fd", VFIOScriptedDevice, unmask_fd, true,
              "it takes an unmask eventfd"),
    {}};

static void vfio_scripted_class_init(ObjectClass *klass)
{
    klass->desc = "a VFIO device for tests";
    klass->properties = vfio_scripted_properties;
    VFIO_SYSBUS_DEVICE_CLASS(klass)->open_host = vfio_scripted_open;
    /* As any subclass may: another default. */
    object_class_set_default(klass, "compatible", "test,scripted");
}

static const TypeInfo vfio_scripted_type = {
    .name = TYPE_VFIO_SCRIPTED,
    .parent = TYPE_VFIO_SYSBUS_DEVICE,
    .instance_size = sizeof(VFIOScriptedDevice),
    .class_init = vfio_scripted_class_init,
};
TYPE_REGISTER(vfio_scripted_type)
