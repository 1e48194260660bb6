/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a device's node from a flattened device tree, such as a person writes
 * for a device that no host's tree describes. Nothing of the blob is believed
 * before it was checked as a whole; then it is walked once more for phandles.
 *
 * Relies on: libfdt, which wants the tree aligned, so it gets a copy.
 */

#include <libfdt.h>
#include <string.h>

#include "hw/core/fdt.h"
#include "host-node.h"

typedef struct FdtTree {
    HostTree tree;
    void *fdt;
    GHashTable *phandles; /* phandle to its node's offset */
} FdtTree;

static void fdt_tree_finish(FdtTree *tree)
{
    g_clear_pointer(&tree->fdt, g_free);
    g_clear_pointer(&tree->phandles, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FdtTree, fdt_tree_finish)

/* ---- the tree ---- */

static void fdt_tree_collect(FdtTree *tree)
{
    tree->phandles = g_hash_table_new(NULL, NULL);
    for (int node = 0; node >= 0; node = fdt_next_node(tree->fdt, node, NULL)) {
        uint32_t phandle = fdt_get_phandle(tree->fdt, node);

        if (phandle != 0) {
            g_hash_table_insert(tree->phandles, GUINT_TO_POINTER(phandle),
                                GINT_TO_POINTER(node));
        }
    }
}

static bool fdt_tree_has(HostTree *host_tree, uint32_t phandle)
{
    FdtTree *tree = (FdtTree *)host_tree;

    return g_hash_table_contains(tree->phandles, GUINT_TO_POINTER(phandle));
}

static int fdt_tree_find(FdtTree *tree, uint32_t phandle)
{
    return GPOINTER_TO_INT(
        g_hash_table_lookup(tree->phandles, GUINT_TO_POINTER(phandle)));
}

static char *fdt_tree_path(HostTree *host_tree, uint32_t phandle)
{
    FdtTree *tree = (FdtTree *)host_tree;
    int node = fdt_tree_find(tree, phandle);
    /* No path is longer than the blob that it is made of. */
    int room = fdt_totalsize(tree->fdt);
    g_autofree char *path = g_malloc(room);

    return fdt_get_path(tree->fdt, node, path, room) == 0 ? g_strdup(path)
                                                          : NULL;
}

static char *fdt_tree_get(HostTree *host_tree, uint32_t phandle,
                          const char *name, size_t *size)
{
    FdtTree *tree = (FdtTree *)host_tree;
    int node = fdt_tree_find(tree, phandle);
    int len;
    const void *data = fdt_getprop(tree->fdt, node, name, &len);
    char *copy;

    if (!data) {
        return NULL;
    }
    copy = g_malloc(len + 1);
    memcpy(copy, data, len);
    copy[len] = 0;
    *size = len;
    return copy;
}

static const HostTreeOps fdt_tree_ops = {
    .has = fdt_tree_has,
    .path = fdt_tree_path,
    .get = fdt_tree_get,
};

static bool fdt_tree_init(FdtTree *tree, const void *blob, size_t size,
                          const char *what, Error **errp)
{
    tree->tree.ops = &fdt_tree_ops;
    tree->fdt = g_memdup2(blob, size);
    if (!fdt_check_foreign(tree->fdt, size, errp)) {
        error_prepend(errp, "%s: ", what);
        return false;
    }
    fdt_tree_collect(tree);
    return true;
}

/* ---- the node ---- */

/* Which node of the tree is meant. */
static int find_node(const FdtTree *tree, const char *what, Error **errp)
{
    int node = 0;

    if (!fdt_getprop(tree->fdt, 0, "compatible", NULL)) {
        node = fdt_first_subnode(tree->fdt, 0);
    }
    if (node < 0) {
        error_setg(errp,
                   "%s: no node for the device: there is none in "
                   "its root, and the root has no compatible",
                   what);
    }
    return node;
}

/* The name without the address; NULL for the root, which has none. */
static char *node_name(const FdtTree *tree, int node)
{
    const char *name = fdt_get_name(tree->fdt, node, NULL);

    return name && *name ? g_strndup(name, strcspn(name, "@")) : NULL;
}

VFIOHostNode *vfio_host_node_from_fdt(const void *blob, size_t size,
                                      const char *what, Error **errp)
{
    g_auto(FdtTree) tree = {0};
    VFIOHostNode *node;
    int offset, at;

    if (!fdt_tree_init(&tree, blob, size, what, errp)) {
        return NULL;
    }
    offset = find_node(&tree, what, errp);
    if (offset < 0) {
        return NULL;
    }
    node = vfio_host_node_new(NULL);
    node->name = node_name(&tree, offset);
    fdt_for_each_property_offset(at, tree.fdt, offset)
    {
        const char *name;
        int len;
        const void *data = fdt_getprop_by_offset(tree.fdt, at, &name, &len);

        host_node_take(node, &tree.tree, name, data, len);
    }
    host_node_complete(node, &tree.tree);
    return node;
}
