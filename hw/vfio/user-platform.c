/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device type vfio-user-platform: a device that another process models,
 * reached through its socket. It only finds the device; all else is the base
 * type's.
 */

#include "hw/vfio/sysbus-device.h"
#include "host-user.h"

#define TYPE_VFIO_USER_PLATFORM "vfio-user-platform"
OBJECT_DECLARE_SIMPLE_TYPE(VFIOUserPlatform, VFIO_USER_PLATFORM)

struct VFIOUserPlatform {
    VFIOSysBusDevice parent_obj;
    /* properties */
    char *socket;
    uint32_t timeout_ms;
    uint32_t reconnect_ms;
    bool share_dma;
    bool posted_writes;
    char *dtb_node;
    int state; /* VFIOUserState */
    /* its own */
    VFIOHostNode *node;
};

static bool vfio_user_platform_check(const VFIOUserPlatform *vup, Error **errp)
{
    if (!vup->socket || !*vup->socket) {
        error_setg(errp, "vfio-user-platform: which server? try: socket=PATH, "
                         "with the path that it was started with");
        return false;
    }
    if (vup->timeout_ms == 0) {
        error_setg(errp, "vfio-user-platform: timeout-ms=0 gives the server no "
                         "time to answer; try: timeout-ms=5000");
        return false;
    }
    return true;
}

static VFIOHost *vfio_user_platform_open_host(VFIOSysBusDevice *vsd,
                                              Error **errp)
{
    VFIOUserPlatform *vup = VFIO_USER_PLATFORM(vsd);
    VFIOUserConfig config = {
        .name = DEVICE(vsd)->id,
        .socket = vup->socket,
        .timeout_ms = vup->timeout_ms,
        .reconnect_ms = vup->reconnect_ms,
        .no_mmap = vsd->no_mmap,
        .share_dma = vup->share_dma,
        .posted_writes = vup->posted_writes,
    };

    if (!vfio_user_platform_check(vup, errp)) {
        return NULL;
    }
    if (vup->dtb_node && *vup->dtb_node) {
        vup->node = user_node_load(vup->dtb_node, errp);
    } else {
        vup->node = user_node_of_socket(vup->socket);
    }
    if (!vup->node) {
        error_prepend(errp, "vfio-user-platform: ");
        return NULL;
    }
    config.name = config.name ? config.name : vup->socket;
    config.node = vup->node;
    return vfio_host_user_open(&config, &vup->state, errp);
}

static void vfio_user_platform_finalize(Object *obj)
{
    g_clear_pointer(&VFIO_USER_PLATFORM(obj)->node, vfio_host_node_free);
}

static const Property vfio_user_platform_properties[] = {
    PROP_STRING("socket", VFIOUserPlatform, socket, NULL,
                "path of the socket that the device's server listens on"),
    PROP_UINT32("timeout-ms", VFIOUserPlatform, timeout_ms, "5000", INT32_MAX,
                "how long the server may take for an answer"),
    PROP_UINT32("reconnect-ms", VFIOUserPlatform, reconnect_ms, "0", INT32_MAX,
                "between two tries to find a lost server; 0: none"),
    PROP_BOOL("x-dma-share", VFIOUserPlatform, share_dma, true,
              "off: the server reaches the guest's RAM by messages only"),
    PROP_BOOL("x-posted-writes", VFIOUserPlatform, posted_writes, false,
              "do not wait for the server's answer to a write"),
    PROP_STRING("dtb-node", VFIOUserPlatform, dtb_node, NULL,
                "a .dtb, or .dts if there is dtc, with the node of the device"),
    PROP_ENUM_RO("state", VFIOUserPlatform, state, vfio_user_state_names,
                 "whether its server is there"),
    {}};

static void vfio_user_platform_class_init(ObjectClass *klass)
{
    klass->desc = "a device that another process models, by vfio-user";
    klass->properties = vfio_user_platform_properties;
    DEVICE_CLASS(klass)->shares_ram = true;
    VFIO_SYSBUS_DEVICE_CLASS(klass)->open_host = vfio_user_platform_open_host;
}

static const TypeInfo vfio_user_platform_type = {
    .name = TYPE_VFIO_USER_PLATFORM,
    .parent = TYPE_VFIO_SYSBUS_DEVICE,
    .instance_size = sizeof(VFIOUserPlatform),
    .class_init = vfio_user_platform_class_init,
    .instance_finalize = vfio_user_platform_finalize,
};
TYPE_REGISTER(vfio_user_platform_type)
