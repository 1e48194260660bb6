/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include "util/error.h"

/**
 * FdtWriter: writes a flattened device tree front to back (libfdt's sequential
 * mode, in a buffer that grows), which costs a fraction of editing one.
 * Properties of a node come before its children. A failure (memory, misuse)
 * sticks: later calls do nothing and fdt_writer_finish() reports it.
 */
typedef struct FdtWriter FdtWriter;

FdtWriter *fdt_writer_new(void);
void fdt_writer_free(FdtWriter *w);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FdtWriter, fdt_writer_free)

void fdt_writer_begin_node(FdtWriter *w, const char *name);
/** "name@addr" with the address in hexadecimal. */
void fdt_writer_begin_node_at(FdtWriter *w, const char *name, uint64_t addr);
void fdt_writer_end_node(FdtWriter *w);

void fdt_writer_empty(FdtWriter *w, const char *name);
void fdt_writer_bytes(FdtWriter *w, const char *name, const void *data,
                      size_t size);
void fdt_writer_string(FdtWriter *w, const char *name, const char *text);
/** A list of strings; ends with NULL. */
void fdt_writer_strings(FdtWriter *w, const char *name,
                        ...) G_GNUC_NULL_TERMINATED;
void fdt_writer_cell(FdtWriter *w, const char *name, uint32_t cell);
void fdt_writer_u64(FdtWriter *w, const char *name, uint64_t value);
void fdt_writer_cells(FdtWriter *w, const char *name, const uint32_t *cells,
                      size_t n);
#define FDT_CELLS(w, name, ...)                                \
    fdt_writer_cells(w, name, (const uint32_t[]){__VA_ARGS__}, \
                     sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

/** Declares how many cells an address and a size have below this node. */
void fdt_writer_address_cells(FdtWriter *w, unsigned address_cells,
                              unsigned size_cells);

/** A fresh phandle, never 0; give it to a node with fdt_writer_phandle(). */
uint32_t fdt_writer_new_phandle(FdtWriter *w);
void fdt_writer_phandle(FdtWriter *w, uint32_t phandle);

/** The finished blob (caller frees with g_free) and its size, or NULL. */
void *fdt_writer_finish(FdtWriter *w, size_t *size, Error **errp);

/** What a boot loader adds to a tree that somebody else made. */
typedef struct FdtBootInfo {
    uint64_t ram_base;
    uint64_t ram_size;
    uint64_t initrd_start; /* start == end: none */
    uint64_t initrd_end;
    const char *bootargs;    /* NULL: leave what is there */
    const char *stdout_path; /* NULL: leave what is there */
} FdtBootInfo;

/**
 * Checks @blob (foreign input of @size bytes) and returns a larger copy,
 * completed with /chosen and /memory; everything else stays as given. @what
 * names the file in errors. Caller frees with g_free.
 */
void *fdt_complete(const void *blob, size_t size, const FdtBootInfo *info,
                   const char *what, size_t *out_size, Error **errp);
