/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device trees. Our own are written front to back with libfdt's sequential
 * functions and without sharing property names: libfdt looks a name up by
 * comparing it at every byte of its string block, which would cost more than
 * all the rest. libfdt checks neither that properties come before children
 * nor what a `reg` can hold, so the writer does.
 *
 * A tree that somebody else made is checked whole before anything is looked
 * up in it; only then is it opened for changes.
 */

#include <libfdt.h>
#include <string.h>

#include "hw/core/fdt.h"

#define WRITER_FIRST_SIZE 8192
#define WRITER_MAX_SIZE (16 * 1024 * 1024)
#define WRITER_MAX_DEPTH 16

/* What is known of a node that has begun and not ended. */
typedef struct FdtLevel {
    unsigned address_cells; /* for the node's children */
    unsigned size_cells;
    bool has_child;
} FdtLevel;

struct FdtWriter {
    void *buf;
    int size;
    unsigned depth; /* nodes open; levels[depth] is the innermost one */
    FdtLevel levels[WRITER_MAX_DEPTH + 1];
    uint32_t last_phandle;
    Error *failure; /* the first one; sticks */
};

static bool writer_fail(FdtWriter *w, const char *what, const char *why)
{
    if (!w->failure) {
        error_setg(&w->failure, "device tree: %s: %s", what, why);
    }
    return false;
}

static bool writer_grow(FdtWriter *w)
{
    int size = w->size * 2;
    void *buf;
    int rc;

    if (size > WRITER_MAX_SIZE) {
        return writer_fail(w, "tree", "too large");
    }
    buf = g_malloc(size);
    rc = fdt_resize(w->buf, buf, size);
    if (rc) {
        g_free(buf);
        return writer_fail(w, "tree", fdt_strerror(rc));
    }
    g_free(w->buf);
    w->buf = buf;
    w->size = size;
    return true;
}

/* True: the call whose result is @rc is to be made again, with more room. */
static bool writer_again(FdtWriter *w, int rc, const char *what)
{
    if (rc == -FDT_ERR_NOSPACE) {
        return writer_grow(w);
    }
    if (rc) {
        writer_fail(w, what, fdt_strerror(rc));
    }
    return false;
}

FdtWriter *fdt_writer_new(void)
{
    FdtWriter *w = g_new0(FdtWriter, 1);
    int rc;

    w->size = WRITER_FIRST_SIZE;
    w->buf = g_malloc(w->size);
    w->levels[0].address_cells = 2;
    w->levels[0].size_cells = 1;
    rc = fdt_create_with_flags(w->buf, w->size, FDT_CREATE_FLAG_NO_NAME_DEDUP);
    rc = rc ? rc : fdt_finish_reservemap(w->buf);
    if (rc) {
        writer_fail(w, "tree", fdt_strerror(rc));
    }
    return w;
}

void fdt_writer_free(FdtWriter *w)
{
    if (w) {
        error_free(w->failure);
        g_free(w->buf);
        g_free(w);
    }
}

void fdt_writer_begin_node(FdtWriter *w, const char *name)
{
    if (w->failure) {
        return;
    }
    if (w->depth == WRITER_MAX_DEPTH) {
        writer_fail(w, name, "nested too deep");
        return;
    }
    if (w->depth == 0 && w->levels[0].has_child) {
        writer_fail(w, name, "a second root node");
        return;
    }
    while (writer_again(w, fdt_begin_node(w->buf, name), name)) {
    }
    w->levels[w->depth].has_child = true;
    w->levels[++w->depth] = (FdtLevel){.address_cells = 2, .size_cells = 1};
}

void fdt_writer_begin_node_at(FdtWriter *w, const char *name, uint64_t addr)
{
    g_autofree char *full = g_strdup_printf("%s@%" PRIx64, name, addr);

    fdt_writer_begin_node(w, full);
}

void fdt_writer_end_node(FdtWriter *w)
{
    if (w->failure) {
        return;
    }
    if (!w->depth) {
        writer_fail(w, "tree", "a node ends that never began");
        return;
    }
    while (writer_again(w, fdt_end_node(w->buf), "end of a node")) {
    }
    w->depth--;
}

/* Where the value of @size bytes goes, or NULL after a failure. */
static void *writer_property(FdtWriter *w, const char *name, size_t size)
{
    void *value = NULL;

    if (w->failure) {
        return NULL;
    }
    if (!w->depth || w->levels[w->depth].has_child) {
        writer_fail(w, name, "a property after a child node");
        return NULL;
    }
    if (size > WRITER_MAX_SIZE) {
        writer_fail(w, name, "too large");
        return NULL;
    }
    while (writer_again(w, fdt_property_placeholder(w->buf, name, size, &value),
                        name)) {
    }
    return w->failure ? NULL : value;
}

void fdt_writer_bytes(FdtWriter *w, const char *name, const void *data,
                      size_t size)
{
    void *value = writer_property(w, name, size);

    if (value && size) {
        memcpy(value, data, size);
    }
}

void fdt_writer_empty(FdtWriter *w, const char *name)
{
    fdt_writer_bytes(w, name, NULL, 0);
}

void fdt_writer_string(FdtWriter *w, const char *name, const char *text)
{
    fdt_writer_bytes(w, name, text, strlen(text) + 1);
}

void fdt_writer_strings(FdtWriter *w, const char *name, ...)
{
    g_autoptr(GString) list = g_string_new(NULL);
    const char *text;
    va_list ap;

    va_start(ap, name);
    while ((text = va_arg(ap, const char *))) {
        g_string_append_len(list, text, strlen(text) + 1);
    }
    va_end(ap);
    fdt_writer_bytes(w, name, list->str, list->len);
}

void fdt_writer_cells(FdtWriter *w, const char *name, const uint32_t *cells,
                      size_t n)
{
    uint8_t *value = writer_property(w, name, n * sizeof(*cells));

    for (size_t i = 0; value && i < n; i++) {
        fdt32_st(value + i * sizeof(*cells), cells[i]);
    }
}

void fdt_writer_cell(FdtWriter *w, const char *name, uint32_t cell)
{
    fdt_writer_cells(w, name, &cell, 1);
}

void fdt_writer_u64(FdtWriter *w, const char *name, uint64_t value)
{
    FDT_CELLS(w, name, value >> 32, (uint32_t)value);
}

void fdt_writer_address_cells(FdtWriter *w, unsigned address_cells,
                              unsigned size_cells)
{
    if (address_cells < 1 || address_cells > 2) {
        writer_fail(w, "#address-cells", "neither 1 nor 2");
        return;
    }
    if (size_cells > 2) {
        writer_fail(w, "#size-cells", "neither 0, 1 nor 2");
        return;
    }
    fdt_writer_cell(w, "#address-cells", address_cells);
    fdt_writer_cell(w, "#size-cells", size_cells);
    w->levels[w->depth].address_cells = address_cells;
    w->levels[w->depth].size_cells = size_cells;
}

static const FdtLevel *writer_parent(const FdtWriter *w)
{
    return &w->levels[w->depth ? w->depth - 1 : 0];
}

unsigned fdt_writer_reg_address_cells(const FdtWriter *w)
{
    return writer_parent(w)->address_cells;
}

unsigned fdt_writer_reg_size_cells(const FdtWriter *w)
{
    return writer_parent(w)->size_cells;
}

/* Appends @number as @n cells; false if it does not fit. */
static bool put_number(GArray *cells, uint64_t number, unsigned n)
{
    for (unsigned i = n; i-- > 0;) {
        uint32_t cell = number >> (32 * i);

        g_array_append_val(cells, cell);
    }
    return n >= 2 || !(number >> (32 * n));
}

void fdt_writer_reg(FdtWriter *w, const FdtReg *regs, size_t n)
{
    const FdtLevel *parent = writer_parent(w);
    g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(uint32_t));

    for (size_t i = 0; i < n; i++) {
        if (!put_number(cells, regs[i].addr, parent->address_cells) ||
            !put_number(cells, regs[i].size, parent->size_cells)) {
            writer_fail(w, "reg", "a number too large for the parent's cells");
            return;
        }
    }
    fdt_writer_cells(w, "reg", (const uint32_t *)cells->data, cells->len);
}

uint32_t fdt_writer_new_phandle(FdtWriter *w)
{
    return ++w->last_phandle;
}

void fdt_writer_phandle(FdtWriter *w, uint32_t phandle)
{
    fdt_writer_cell(w, "phandle", phandle);
}

void *fdt_writer_finish(FdtWriter *w, size_t *size, Error **errp)
{
    if (!w->failure && (w->depth || !w->levels[0].has_child)) {
        writer_fail(w, "tree", "finished inside a node");
    }
    while (!w->failure && writer_again(w, fdt_finish(w->buf), "tree")) {
    }
    if (w->failure) {
        error_setg(errp, "%s", error_get_pretty(w->failure));
        return NULL;
    }
    *size = fdt_totalsize(w->buf);
    return g_steal_pointer(&w->buf);
}

/* Room for what fdt_complete() adds beside the texts. */
#define COMPLETE_ROOM 1024
/* Of the format: what dtc has written since 2005. */
#define MIN_VERSION 17

static int node_at_root(void *fdt, const char *name)
{
    int node = fdt_subnode_offset(fdt, 0, name);

    return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(fdt, 0, name) : node;
}

static int drop_property(void *fdt, int node, const char *name)
{
    int rc = fdt_delprop(fdt, node, name);

    return rc == -FDT_ERR_NOTFOUND ? 0 : rc;
}

static int complete_chosen(void *fdt, const FdtBootInfo *info)
{
    int node = node_at_root(fdt, "chosen");
    int rc = node < 0 ? node : 0;

    if (!rc && info->bootargs) {
        rc = fdt_setprop_string(fdt, node, "bootargs", info->bootargs);
    }
    if (!rc && info->stdout_path) {
        rc = fdt_setprop_string(fdt, node, "stdout-path", info->stdout_path);
    }
    if (!rc) {
        rc = drop_property(fdt, node, "linux,initrd-start");
    }
    if (!rc) {
        rc = drop_property(fdt, node, "linux,initrd-end");
    }
    if (!rc && info->initrd_start != info->initrd_end) {
        rc = fdt_setprop_u64(fdt, node, "linux,initrd-start",
                             info->initrd_start);
        rc = rc ? rc
                : fdt_setprop_u64(fdt, node, "linux,initrd-end",
                                  info->initrd_end);
    }
    return rc;
}

static bool is_memory(const void *fdt, int node)
{
    int len;
    const char *type = fdt_getprop(fdt, node, "device_type", &len);

    return type && len == sizeof("memory") && !memcmp(type, "memory", len);
}

/* The first memory node, or -FDT_ERR_NOTFOUND; all others are blanked out. */
static int single_memory(void *fdt)
{
    int found = -FDT_ERR_NOTFOUND;
    int node = fdt_first_subnode(fdt, 0);

    while (node >= 0) {
        int next = fdt_next_subnode(fdt, node);

        if (is_memory(fdt, node)) {
            if (found >= 0) {
                int rc = fdt_nop_node(fdt, node);

                if (rc) {
                    return rc;
                }
            } else {
                found = node;
            }
        }
        node = next;
    }
    return found;
}

static int new_memory(void *fdt, uint64_t ram_base)
{
    g_autofree char *name = g_strdup_printf("memory@%" PRIx64, ram_base);
    int node = node_at_root(fdt, name);
    int rc = node < 0 ? node
                      : fdt_setprop_string(fdt, node, "device_type", "memory");

    return rc ? rc : node;
}

static int complete_memory(void *fdt, const FdtBootInfo *info)
{
    g_autoptr(GArray) cells = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    int address_cells = fdt_address_cells(fdt, 0);
    int size_cells = fdt_size_cells(fdt, 0);
    int node;

    if (address_cells < 1 || address_cells > 2 || size_cells < 1 ||
        size_cells > 2 || !put_number(cells, info->ram_base, address_cells) ||
        !put_number(cells, info->ram_size, size_cells)) {
        return -FDT_ERR_BADNCELLS;
    }
    for (guint i = 0; i < cells->len; i++) {
        uint32_t *cell = &g_array_index(cells, uint32_t, i);

        *cell = cpu_to_fdt32(*cell);
    }
    node = single_memory(fdt);
    if (node == -FDT_ERR_NOTFOUND) {
        node = new_memory(fdt, info->ram_base);
    }
    if (node < 0) {
        return node;
    }
    return fdt_setprop(fdt, node, "reg", cells->data, cells->len * 4);
}

/* libfdt stumbles over old versions and short headers, so these go first. */
bool fdt_check_foreign(const void *blob, size_t size, Error **errp)
{
    int rc;

    if (size < FDT_V17_SIZE || size > FDT_SIZE_MAX) {
        error_setg(errp,
                   "%zu bytes are not the size of a device tree; give a .dtb "
                   "of at most %d MiB",
                   size, FDT_SIZE_MAX >> 20);
        return false;
    }
    if (fdt_magic(blob) == FDT_MAGIC && fdt_version(blob) < MIN_VERSION) {
        error_setg(errp,
                   "a device tree of version %u; give one of version %d "
                   "(dtc -V %d)",
                   fdt_version(blob), MIN_VERSION, MIN_VERSION);
        return false;
    }
    rc = fdt_check_full(blob, size);
    if (rc) {
        error_setg(errp,
                   "not a valid device tree (%s); give what dtc made of a "
                   ".dts",
                   fdt_strerror(rc));
        return false;
    }
    return true;
}

void *fdt_complete(const void *blob, size_t size, const FdtBootInfo *info,
                   const char *what, size_t *out_size, Error **errp)
{
    g_autofree void *fdt = NULL;
    size_t room = COMPLETE_ROOM;
    int rc;

    if (!fdt_check_foreign(blob, size, errp)) {
        error_prepend(errp, "dtb '%s': ", what);
        return NULL;
    }
    room += info->bootargs ? strlen(info->bootargs) : 0;
    room += info->stdout_path ? strlen(info->stdout_path) : 0;
    room += fdt_totalsize(blob);
    fdt = g_malloc0(room);
    rc = fdt_open_into(blob, fdt, room);
    /* Memory first: whatever claims to be memory goes, be it named /chosen. */
    rc = rc ? rc : complete_memory(fdt, info);
    rc = rc ? rc : complete_chosen(fdt, info);
    rc = rc ? rc : fdt_pack(fdt);
    if (rc) {
        error_setg(errp, "dtb '%s': cannot add /chosen and /memory: %s", what,
                   fdt_strerror(rc));
        return NULL;
    }
    *out_size = fdt_totalsize(fdt);
    return g_steal_pointer(&fdt);
}
