/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hw/vfio/host.h"

/*
 * HostTree: the device tree that a node is from, as far as it takes to tell
 * what the node's phandles mean; private to host-node*.c. Each back end begins
 * with it.
 */
typedef struct HostTree HostTree;

typedef struct HostTreeOps {
    bool (*has)(HostTree *tree, uint32_t phandle);
    /* Of the node with @phandle, which is there, or NULL; the caller frees. */
    char *(*path)(HostTree *tree, uint32_t phandle);
    /* A property of it, with a zero byte behind, or NULL; the caller frees. */
    char *(*get)(HostTree *tree, uint32_t phandle, const char *name,
                 size_t *size);
} HostTreeOps;

struct HostTree {
    const HostTreeOps *ops;
};

/** Adds a property as it stands in @tree; copies @data. */
void host_node_take(VFIOHostNode *node, HostTree *tree, const char *name,
                    const void *data, size_t size);
/**
 * All properties were taken: sorts them, drops what came again, and finds out
 * about the clocks.
 */
void host_node_complete(VFIOHostNode *node, HostTree *tree);
