/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a device's node from the host's device tree as sysfs shows it: a
 * folder for a node, a file for a property. A tree has thousands of nodes, so
 * phandles are only collected if needed.
 *
 * What would surprise: some properties are for root alone to read (the
 * kernel's way with what security-* are called). The device can do without one
 * of them, so that is a warning.
 */

#include <string.h>

#include "host-node.h"
#include "util/log.h"

typedef struct SysfsTree {
    HostTree tree;
    const char *root;
    GHashTable *phandles; /* phandle to path below root; NULL: not read */
} SysfsTree;

static void sysfs_tree_finish(SysfsTree *tree)
{
    g_clear_pointer(&tree->phandles, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SysfsTree, sysfs_tree_finish)

/* ---- the tree ---- */

static void sysfs_tree_add(SysfsTree *tree, const char *path)
{
    g_autofree char *file = g_build_filename(path, "phandle", NULL);
    g_autofree char *data = NULL;
    uint32_t phandle;
    gsize size;

    if (g_file_get_contents(file, &data, &size, NULL) &&
        size == sizeof(phandle)) {
        memcpy(&phandle, data, sizeof(phandle));
        phandle = GUINT32_FROM_BE(phandle);
        g_hash_table_replace(tree->phandles, GUINT_TO_POINTER(phandle),
                             g_strdup(path));
    }
}

static void sysfs_tree_collect(SysfsTree *tree, const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    if (!dir) {
        return;
    }
    sysfs_tree_add(tree, path);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) &&
            !g_file_test(child, G_FILE_TEST_IS_SYMLINK)) {
            sysfs_tree_collect(tree, child);
        }
    }
}

/* The folder of the node with @phandle, or NULL. */
static const char *sysfs_tree_find(HostTree *host_tree, uint32_t phandle)
{
    SysfsTree *tree = (SysfsTree *)host_tree;

    if (!tree->phandles) {
        tree->phandles = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        sysfs_tree_collect(tree, tree->root);
    }
    return g_hash_table_lookup(tree->phandles, GUINT_TO_POINTER(phandle));
}

static bool sysfs_tree_has(HostTree *tree, uint32_t phandle)
{
    return sysfs_tree_find(tree, phandle) != NULL;
}

static char *sysfs_tree_path(HostTree *tree, uint32_t phandle)
{
    const char *folder = sysfs_tree_find(tree, phandle);

    return g_strdup(folder + strlen(((SysfsTree *)tree)->root));
}

static char *sysfs_tree_get(HostTree *tree, uint32_t phandle, const char *name,
                            size_t *size)
{
    const char *folder = sysfs_tree_find(tree, phandle);
    g_autofree char *file = g_build_filename(folder, name, NULL);
    char *data = NULL;

    /* GLib puts a zero behind the data. */
    return g_file_get_contents(file, &data, size, NULL) ? data : NULL;
}

static const HostTreeOps sysfs_tree_ops = {
    .has = sysfs_tree_has,
    .path = sysfs_tree_path,
    .get = sysfs_tree_get,
};

/* ---- the node ---- */

static void read_property(VFIOHostNode *node, HostTree *tree,
                          const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *data = NULL;
    g_autoptr(GError) gerr = NULL;
    gsize size;

    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        return;
    }
    if (!g_file_get_contents(path, &data, &size, &gerr)) {
        warn_report("vfio: property %s of %s is left out of the guest's device "
                    "tree: %s",
                    name, folder, gerr->message);
        return;
    }
    host_node_take(node, tree, name, data, size);
}

VFIOHostNode *vfio_host_node_read(const char *of_node, const char *tree_root,
                                  Error **errp)
{
    g_auto(SysfsTree) tree = {.tree.ops = &sysfs_tree_ops, .root = tree_root};
    g_autoptr(GError) gerr = NULL;
    g_autoptr(GDir) dir = g_dir_open(of_node, 0, &gerr);
    VFIOHostNode *node;
    const VFIOHostProperty *prop;
    const char *name;

    if (!dir) {
        error_setg(errp, "%s", gerr->message);
        return NULL;
    }
    node = vfio_host_node_new(NULL);
    while ((name = g_dir_read_name(dir))) {
        read_property(node, &tree.tree, of_node, name);
    }
    prop = vfio_host_node_find(node, "name");
    node->name = g_strdup(prop ? vfio_host_property_string(prop, 0) : NULL);
    host_node_complete(node, &tree.tree);
    return node;
}
