/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

/*
 * TempTree: a folder of a test that looks like a part of sysfs; it goes with
 * all that is in it. Paths are relative to it; folders are made as needed.
 */
typedef struct TempTree {
    char *root;
} TempTree;

TempTree *temp_tree_new(void);
void temp_tree_free(TempTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TempTree, temp_tree_free)

/** Caller frees. */
char *temp_tree_path(TempTree *tree, const char *path);
void temp_tree_folder(TempTree *tree, const char *path);
void temp_tree_bytes(TempTree *tree, const char *path, const void *data,
                     size_t size);
/** With its final zero, as a device tree has them. */
void temp_tree_string(TempTree *tree, const char *path, const char *text);
/** Big endian, as a device tree has them. */
void temp_tree_cells(TempTree *tree, const char *path, const uint32_t *cells,
                     size_t n);
void temp_tree_link(TempTree *tree, const char *path, const char *target);
void temp_tree_remove(TempTree *tree, const char *path);
