/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/vfio/host.h"

/*
 * Devices of another process, reached through a socket (vfio-user): a host
 * like the kernel's, but one that may die, hang or lie at any moment. Then it
 * is lost: every call fails from then on, at once, until it is back.
 */
typedef struct VFIOUserConfig {
    const char *name;         /* what messages call the device */
    const char *socket;       /* path */
    uint32_t timeout_ms;      /* for the answer to a request; > 0 */
    uint32_t reconnect_ms;    /* between two tries; 0: lost for good */
    bool share_dma;           /* hand out the descriptors of guest RAM */
    bool no_mmap;             /* offer nothing to be mapped */
    bool posted_writes;       /* do not wait for the answer to a write */
    const VFIOHostNode *node; /* what get_node returns; stays the caller's */
} VFIOUserConfig;

typedef enum VFIOUserState {
    VFIO_USER_CONNECTED,
    VFIO_USER_RECONNECTING, /* lost; tries go on */
    VFIO_USER_LOST,         /* for good */
} VFIOUserState;

extern const char *const vfio_user_state_names[]; /* ends with NULL */

/**
 * Connects, negotiates and asks what the device is; waits for at most
 * timeout_ms for each answer. @config may go afterwards, but for its node.
 * *@state (the caller's, int for a property) follows the host's state, until
 * close. Machine lock, main thread.
 */
VFIOHost *vfio_host_user_open(const VFIOUserConfig *config, int *state,
                              Error **errp);
