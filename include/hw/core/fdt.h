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

/**
 * Declares how many cells (1 or 2) an address has below this node, and how
 * many (0 to 2) a size.
 */
void fdt_writer_address_cells(FdtWriter *w, unsigned address_cells,
                              unsigned size_cells);
/**
 * `reg` of @n (address, size) pairs, in the cells that the parent declared
 * (2 and 1 if it did not). A number that they cannot hold is a failure.
 */
typedef struct FdtReg {
    uint64_t addr;
    uint64_t size;
} FdtReg;
void fdt_writer_reg(FdtWriter *w, const FdtReg *regs, size_t n);
#define FDT_REG(w, ...)                              \
    fdt_writer_reg(w, (const FdtReg[]){__VA_ARGS__}, \
                   sizeof((const FdtReg[]){__VA_ARGS__}) / sizeof(FdtReg))
/** The cells of an address here, i.e. as the parent declared them. */
unsigned fdt_writer_reg_address_cells(const FdtWriter *w);
unsigned fdt_writer_reg_size_cells(const FdtWriter *w);

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

/** More than a guest's kernel takes. */
#define FDT_SIZE_MAX (2 * 1024 * 1024)

/**
 * True if libfdt's reading functions are safe with @blob (foreign input of
 * @size bytes, aligned to 8). Errors do not name the file.
 */
bool fdt_check_foreign(const void *blob, size_t size, Error **errp);

/**
 * Checks @blob (foreign input of @size bytes, aligned to 8) and returns a
 * copy, completed with /chosen (initrd properties of the blob's own go) and
 * with one /memory node that says where RAM is; everything else stays as
 * given. @what names the file in errors. Caller frees with g_free.
 */
void *fdt_complete(const void *blob, size_t size, const FdtBootInfo *info,
                   const char *what, size_t *out_size, Error **errp);
