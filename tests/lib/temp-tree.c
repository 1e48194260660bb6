/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A temporary folder with files, links and folders in it. Whatever fails here
 * is the test machine's trouble and ends the test.
 */

#include "temp-tree.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

TempTree *temp_tree_new(void)
{
    TempTree *tree = g_new0(TempTree, 1);

    tree->root = g_dir_make_tmp("platypus-XXXXXX", NULL);
    g_assert_nonnull(tree->root);
    return tree;
}

static void remove_all(const char *path)
{
    g_autoptr(GDir) dir = NULL;
    const char *name;

    if (g_file_test(path, G_FILE_TEST_IS_DIR) &&
        !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
        dir = g_dir_open(path, 0, NULL);
    }
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        remove_all(child);
    }
    g_remove(path);
}

void temp_tree_free(TempTree *tree)
{
    if (tree) {
        remove_all(tree->root);
        g_free(tree->root);
        g_free(tree);
    }
}

char *temp_tree_path(TempTree *tree, const char *path)
{
    return g_build_filename(tree->root, path, NULL);
}

void temp_tree_folder(TempTree *tree, const char *path)
{
    g_autofree char *full = temp_tree_path(tree, path);

    g_assert_cmpint(g_mkdir_with_parents(full, 0700), ==, 0);
}

static char *prepare(TempTree *tree, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);

    temp_tree_folder(tree, folder);
    return temp_tree_path(tree, path);
}

void temp_tree_bytes(TempTree *tree, const char *path, const void *data,
                     size_t size)
{
    g_autofree char *full = prepare(tree, path);

    g_assert_true(g_file_set_contents(full, data, size, NULL));
}

void temp_tree_string(TempTree *tree, const char *path, const char *text)
{
    temp_tree_bytes(tree, path, text, strlen(text) + 1);
}

void temp_tree_cells(TempTree *tree, const char *path, const uint32_t *cells,
                     size_t n)
{
    g_autofree uint32_t *swapped = g_new(uint32_t, n);

    for (size_t i = 0; i < n; i++) {
        swapped[i] = GUINT32_TO_BE(cells[i]);
    }
    temp_tree_bytes(tree, path, swapped, 4 * n);
}

void temp_tree_link(TempTree *tree, const char *path, const char *target)
{
    g_autofree char *full = prepare(tree, path);

    g_assert_cmpint(symlink(target, full), ==, 0);
}

void temp_tree_remove(TempTree *tree, const char *path)
{
    g_autofree char *full = temp_tree_path(tree, path);

    remove_all(full);
}
