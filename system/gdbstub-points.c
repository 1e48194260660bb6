/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoints and watchpoints as gdb sets them, which is idempotent and by
 * type. The accelerator makes no difference between a soft and a hard one, so
 * of two at the same address it hears of one.
 */

#include "gdbstub-internal.h"

#define INSN_SIZE 4

static DebugPoint make_point(unsigned type, uint64_t addr, uint64_t size)
{
    static const DebugPointKind kinds[] = {
        [GDB_Z_SOFT] = DEBUG_BREAK,          [GDB_Z_HARD] = DEBUG_BREAK,
        [GDB_Z_WRITE] = DEBUG_WATCH_WRITE,   [GDB_Z_READ] = DEBUG_WATCH_READ,
        [GDB_Z_ACCESS] = DEBUG_WATCH_ACCESS,
    };

    return (DebugPoint){
        .kind = kinds[type],
        .addr = addr,
        .size = kinds[type] == DEBUG_BREAK ? INSN_SIZE : size,
    };
}

static bool same_point(const DebugPoint *a, const DebugPoint *b)
{
    return a->kind == b->kind && a->addr == b->addr && a->size == b->size;
}

/* The index of the first such point of @type, or of any type (-1); or -1. */
static int find(const GdbSession *s, int type, const DebugPoint *point)
{
    for (guint i = 0; i < s->points->len; i++) {
        const GdbPoint *p = &g_array_index(s->points, GdbPoint, i);

        if ((type < 0 || p->type == (unsigned)type) &&
            same_point(&p->point, point)) {
            return i;
        }
    }
    return -1;
}

bool gdb_insert_point(GdbSession *s, unsigned type, uint64_t addr,
                      uint64_t size, Error **errp)
{
    GdbPoint p = {.type = type, .point = make_point(type, addr, size)};

    if (find(s, type, &p.point) >= 0) {
        return true;
    }
    if (s->points->len == GDB_POINTS_MAX) {
        error_setg(errp, "gdb: there are %u breakpoints already",
                   GDB_POINTS_MAX);
        return false;
    }
    if (find(s, -1, &p.point) < 0 &&
        !s->ops->insert(s->accel, &p.point, errp)) {
        return false;
    }
    g_array_append_val(s->points, p);
    return true;
}

static void remove_at(GdbSession *s, guint i)
{
    DebugPoint point = g_array_index(s->points, GdbPoint, i).point;

    g_array_remove_index_fast(s->points, i);
    if (find(s, -1, &point) < 0) {
        s->ops->remove(s->accel, &point);
    }
}

void gdb_remove_point(GdbSession *s, unsigned type, uint64_t addr,
                      uint64_t size)
{
    DebugPoint point = make_point(type, addr, size);
    int i = find(s, type, &point);

    if (i >= 0) {
        remove_at(s, i);
    }
}

void gdb_remove_all_points(GdbSession *s)
{
    while (s->points->len) {
        remove_at(s, s->points->len - 1);
    }
}

bool gdb_has_point(const GdbSession *s, unsigned type, uint64_t addr)
{
    DebugPoint point = make_point(type, addr, INSN_SIZE);

    return find(s, type, &point) >= 0;
}
