/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Just enough of a flattened device tree's reader (Devicetree Specification,
 * chapter 5) to find a device by its compatible string, with its address
 * translated through the ranges of the buses above it, and a boot argument.
 * A node counts as complete when its first child or its own end comes: the
 * format puts properties first.
 */
#include "internal.h"

#define FDT_MAGIC 0xd00dfeed
#define TOKEN_BEGIN 1
#define TOKEN_END 2
#define TOKEN_PROP 3
#define TOKEN_NOP 4
#define MAX_DEPTH 8
#define RAM_BASE 0x40000000UL

typedef struct Prop {
    const uint8_t *data;
    uint32_t len;
} Prop;

typedef struct Node {
    const char *name;
    Prop compatible, reg, ranges, interrupts, bootargs;
    uint32_t address_cells, size_cells; /* of its children */
    bool seen;
} Node;

/* Called per complete node, path[depth]; true ends the walk. */
typedef bool Visit(const Node *path, unsigned depth, void *opaque);

static const uint8_t *fdt;

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static uint64_t cells(const uint8_t *p, uint32_t n)
{
    uint64_t v = 0;

    while (n--) {
        v = v << 32 | be32(p);
        p += 4;
    }
    return v;
}

static bool equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static uint32_t length(const char *s)
{
    uint32_t n = 0;

    while (s[n]) {
        n++;
    }
    return n;
}

void fdt_init(const void *dtb)
{
    uint64_t given = (uint64_t)dtb;

    fdt = given && !(given & 7) && be32(dtb) == FDT_MAGIC
              ? dtb
              : (const uint8_t *)RAM_BASE;
    if (be32(fdt) != FDT_MAGIC) {
        print("start: no device tree\n");
        power_off();
    }
}

static void take_prop(Node *node, const char *name, Prop prop)
{
    if (equal(name, "compatible")) {
        node->compatible = prop;
    } else if (equal(name, "reg")) {
        node->reg = prop;
    } else if (equal(name, "ranges")) {
        node->ranges = prop;
    } else if (equal(name, "interrupts")) {
        node->interrupts = prop;
    } else if (equal(name, "bootargs")) {
        node->bootargs = prop;
    } else if (equal(name, "#address-cells")) {
        node->address_cells = be32(prop.data);
    } else if (equal(name, "#size-cells")) {
        node->size_cells = be32(prop.data);
    }
}

static bool visit_once(Node *path, unsigned depth, Visit *visit, void *opaque)
{
    if (path[depth].seen) {
        return false;
    }
    path[depth].seen = true;
    return visit(path, depth, opaque);
}

static bool walk(Visit *visit, void *opaque)
{
    const uint8_t *p = fdt + be32(fdt + 8);
    const char *strings = (const char *)fdt + be32(fdt + 12);
    Node path[MAX_DEPTH];
    int depth = -1;

    for (;; p = (const uint8_t *)(((uint64_t)p + 3) & ~3UL)) {
        uint32_t token = be32(p);

        p += 4;
        if (token == TOKEN_BEGIN) {
            if (depth >= 0 && visit_once(path, depth, visit, opaque)) {
                return true;
            }
            if (++depth == MAX_DEPTH) {
                return false;
            }
            path[depth] = (Node){
                .name = (const char *)p, .address_cells = 2, .size_cells = 1};
            p += length((const char *)p) + 1;
        } else if (token == TOKEN_PROP) {
            Prop prop = {p + 8, be32(p)};

            take_prop(&path[depth], strings + be32(p + 4), prop);
            p += 8 + prop.len;
        } else if (token == TOKEN_END) {
            if (visit_once(path, depth, visit, opaque)) {
                return true;
            }
            depth--;
        } else if (token != TOKEN_NOP) {
            return false;
        }
    }
}

/* An empty ranges maps one to one; an address in no range stays as it is. */
static uint64_t translate_up(const Node *bus, const Node *above, uint64_t addr)
{
    uint32_t ac = bus->address_cells, pc = above->address_cells;
    uint32_t step = 4 * (ac + pc + bus->size_cells);

    for (uint32_t at = 0; at + step <= bus->ranges.len; at += step) {
        const uint8_t *p = bus->ranges.data + at;
        uint64_t child = cells(p, ac);

        if (addr - child < cells(p + 4 * (ac + pc), bus->size_cells)) {
            return addr - child + cells(p + 4 * ac, pc);
        }
    }
    return addr;
}

typedef struct Search {
    const char *compat[2];
    unsigned min_depth;
    unsigned part; /* which region and interrupt */
    Device *dev;
} Search;

static bool compatible_with(const Node *node, const Search *search)
{
    const char *s = (const char *)node->compatible.data;

    for (uint32_t at = 0; at < node->compatible.len; at += length(s + at) + 1) {
        for (unsigned i = 0; i < 2; i++) {
            if (search->compat[i] && equal(s + at, search->compat[i])) {
                return true;
            }
        }
    }
    return false;
}

static bool match_device(const Node *path, unsigned depth, void *opaque)
{
    const Search *search = opaque;
    const Node *node = &path[depth], *parent = node - 1;
    uint32_t ac = parent->address_cells, sc = parent->size_cells;
    uint32_t at = search->part * 4 * (ac + sc), irq_at = search->part * 12;
    Device *dev = search->dev;

    if (depth < search->min_depth || node->reg.len < at + 4 * (ac + sc) ||
        !compatible_with(node, search)) {
        return false;
    }
    dev->base = cells(node->reg.data + at, ac);
    dev->size = cells(node->reg.data + at + 4 * ac, sc);
    for (unsigned d = depth - 1; d > 0; d--) {
        dev->base = translate_up(&path[d], &path[d - 1], dev->base);
    }
    if (node->interrupts.len >= irq_at + 12) {
        const uint8_t *p = node->interrupts.data + irq_at;

        dev->intid = be32(p + 4) + (be32(p) ? 16 : 32);
        dev->edge = be32(p + 8) & 3;
    }
    return true;
}

void find_device(Device *dev, const char *compat1, const char *compat2)
{
    find_device_part(dev, compat1, compat2, 0);
}

void find_device_part(Device *dev, const char *compat1, const char *compat2,
                      unsigned part)
{
    Search search = {{compat1, compat2}, arg("root", 0) ? 1 : 2, part, dev};

    *dev = (Device){0};
    if (!walk(match_device, &search)) {
        print("start: no %s in the device tree\n", compat1);
        power_off();
    }
    print("start: %s base=%lx size=%lx intid=%u edge=%d gic=%u\n", compat1,
          dev->base, dev->size, dev->intid, dev->edge, gic_version);
}

static bool match_bootargs(const Node *path, unsigned depth, void *opaque)
{
    if (depth != 1 || !path[depth].bootargs.len) {
        return false;
    }
    *(const char **)opaque = (const char *)path[depth].bootargs.data;
    return true;
}

/* The text after "name=", or NULL; it ends at a space or at the end. */
static const char *find_arg(const char *name)
{
    const char *s = NULL;
    uint32_t n = length(name);

    walk(match_bootargs, &s);
    while (s && *s) {
        uint32_t i = 0;

        while (i < n && s[i] == name[i]) {
            i++;
        }
        if (i == n && s[n] == '=') {
            return s + n + 1;
        }
        while (*s && *s != ' ') {
            s++;
        }
        while (*s == ' ') {
            s++;
        }
    }
    return NULL;
}

uint64_t arg(const char *name, uint64_t fallback)
{
    const char *s = find_arg(name);
    uint64_t v = 0;

    if (!s) {
        return fallback;
    }
    for (; *s >= '0' && *s <= '9'; s++) {
        v = v * 10 + (uint64_t)(*s - '0');
    }
    return v;
}

bool arg_is(const char *name, const char *value)
{
    const char *s = find_arg(name);

    while (s && *value && *s == *value) {
        s++;
        value++;
    }
    return s && !*value && (!*s || *s == ' ');
}
