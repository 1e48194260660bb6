/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvm-ioeventfds.c against a kernel that logs what it is asked for, and
 * refuses what KVM refuses. Descriptors are numbers here, nobody writes to one.
 */

#include <errno.h>

#include "accel/kvm-ioeventfds.h"
#include "util/main-loop.h"

#define BASE 0x2000

typedef struct Fixture {
    MemoryRegion root, dev, cover;
    AddressSpace as;
    KvmIoEventFds fds;
    GString *log;
    GArray *kernel; /* of KvmIoEventFd */
    bool no_any_length;
    bool lose; /* takes nothing back */
} Fixture;

static bool collide(const KvmIoEventFd *a, const KvmIoEventFd *b)
{
    return a->gpa == b->gpa && (!a->size || !b->size || a->size == b->size) &&
           (!a->match || !b->match || a->data == b->data);
}

static int kernel_add(Fixture *f, const KvmIoEventFd *e)
{
    if (!e->size && (f->no_any_length || e->match)) {
        return -EINVAL;
    }
    for (guint i = 0; i < f->kernel->len; i++) {
        if (collide(&g_array_index(f->kernel, KvmIoEventFd, i), e)) {
            return -EEXIST;
        }
    }
    g_array_append_vals(f->kernel, e, 1);
    return 0;
}

static int kernel_del(Fixture *f, const KvmIoEventFd *e)
{
    for (guint i = 0; i < f->kernel->len; i++) {
        const KvmIoEventFd *k = &g_array_index(f->kernel, KvmIoEventFd, i);

        if (k->gpa == e->gpa && k->size == e->size && k->fd == e->fd &&
            k->match == e->match && k->data == e->data) {
            g_array_remove_index(f->kernel, i);
            return 0;
        }
    }
    return -ENOENT;
}

static int set(void *opaque, const KvmIoEventFd *e, bool on)
{
    Fixture *f = opaque;
    int ret = on ? kernel_add(f, e) : f->lose ? -ENOENT : kernel_del(f, e);

    g_string_append_printf(f->log, "%c%d@%" PRIx64 "/%u", on ? '+' : '-', e->fd,
                           e->gpa, e->size);
    if (e->match) {
        g_string_append_printf(f->log, "=%" PRIx64, e->data);
    }
    g_string_append(f->log, ret == -EEXIST ? "! " : ret ? "? " : " ");
    return ret;
}

static void expect(Fixture *f, const char *calls)
{
    g_assert_cmpstr(f->log->str, ==, calls);
    g_string_truncate(f->log, 0);
}

static const MemoryRegionOps no_ops;

static void set_up(Fixture *f, gconstpointer data)
{
    memory_region_init(&f->root, NULL, "root", 0x10000);
    memory_region_init_io(&f->dev, NULL, &no_ops, NULL, "dev", 0x3000);
    memory_region_init_io(&f->cover, NULL, &no_ops, NULL, "cover", 0x1000);
    address_space_init(&f->as, &f->root, "test");
    f->log = g_string_new(NULL);
    f->kernel = g_array_new(FALSE, FALSE, sizeof(KvmIoEventFd));
    kvm_ioeventfds_init(&f->fds, &f->as, set, f);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    if (f->dev.container) {
        memory_region_del_subregion(&f->root, &f->dev);
    }
    g_assert_cmpuint(f->kernel->len, ==, 0);
    kvm_ioeventfds_finish(&f->fds);
    kvm_ioeventfds_finish(&f->fds); /* zeroed */
    address_space_finish(&f->as);
    memory_region_finish(&f->cover);
    memory_region_finish(&f->dev);
    memory_region_finish(&f->root);
    g_string_free(f->log, TRUE);
    g_array_unref(f->kernel);
}

static void show(Fixture *f, const MemoryRegionIoEventFd *fds, unsigned n)
{
    memory_region_set_ioeventfds(&f->dev, fds, n);
    memory_region_add_subregion(&f->root, BASE, &f->dev);
}

/* One in each of the region's three pages. */
static const MemoryRegionIoEventFd pages[] = {
    {.offset = 0x10, .size = 4, .fd = 100},
    {.offset = 0x1010, .size = 0, .fd = 101},
    {.offset = 0x2010, .size = 8, .match = true, .data = 7, .fd = 102},
};

static void test_comes_and_goes(Fixture *f, gconstpointer data)
{
    expect(f, "");
    show(f, pages, G_N_ELEMENTS(pages));
    expect(f, "+100@2010/4 +101@3010/0 +102@4010/8=7 ");
    memory_region_set_address(&f->dev, 0x8000);
    expect(f, "-102@4010/8=7 -101@3010/0 -100@2010/4 "
              "+100@8010/4 +101@9010/0 +102@a010/8=7 ");
    memory_region_set_enabled(&f->dev, false);
    expect(f, "-102@a010/8=7 -101@9010/0 -100@8010/4 ");
    memory_region_set_ioeventfds(&f->dev, pages, 1);
    memory_region_set_enabled(&f->dev, true);
    expect(f, "+100@8010/4 ");
    memory_region_del_subregion(&f->root, &f->dev);
    expect(f, "-100@8010/4 ");
}

/* A listener that comes late and goes early hears of all there is. */
static void test_late(Fixture *f, gconstpointer data)
{
    KvmIoEventFds late;

    kvm_ioeventfds_finish(&f->fds);
    show(f, pages, G_N_ELEMENTS(pages));
    expect(f, "");
    kvm_ioeventfds_init(&late, &f->as, set, f);
    expect(f, "+100@2010/4 +101@3010/0 +102@4010/8=7 ");
    kvm_ioeventfds_finish(&late);
    expect(f, "-102@4010/8=7 -101@3010/0 -100@2010/4 ");
}

/* A page with one is covered; its section's begin anew, in their order. */
static void test_split(Fixture *f, gconstpointer data)
{
    show(f, pages, G_N_ELEMENTS(pages));
    expect(f, "+100@2010/4 +101@3010/0 +102@4010/8=7 ");
    memory_region_add_subregion_overlap(&f->root, BASE + 0x1000, &f->cover, 1);
    expect(f, "-101@3010/0 ");
    memory_region_set_address(&f->cover, BASE);
    expect(f, "-102@4010/8=7 -100@2010/4 +101@3010/0 +102@4010/8=7 ");
    memory_region_del_subregion(&f->root, &f->cover);
    expect(f, "-102@4010/8=7 -101@3010/0 "
              "+100@2010/4 +101@3010/0 +102@4010/8=7 ");
}

/* As each interrupt of the route trap does: the kernel does not hear of it. */
static void test_toggle(Fixture *f, gconstpointer data)
{
    static const MemoryRegionIoEventFd around[] = {
        {.offset = 0x10, .size = 4, .fd = 100},
        {.offset = 0x2010, .size = 4, .fd = 101},
    };

    show(f, around, G_N_ELEMENTS(around));
    expect(f, "+100@2010/4 +101@4010/4 ");
    memory_region_add_subregion_overlap(&f->root, BASE + 0x1000, &f->cover, 1);
    memory_region_set_enabled(&f->cover, false);
    memory_region_set_enabled(&f->cover, true);
    memory_region_del_subregion(&f->root, &f->cover);
    expect(f, "");
}

/* What a section shows in part is not one write there. */
static void test_edges(Fixture *f, gconstpointer data)
{
    static const MemoryRegionIoEventFd edges[] = {
        {.offset = 0xffe, .size = 4, .fd = 100},
        {.offset = 0xffc, .size = 4, .fd = 101},
        {.offset = 0xffe, .size = 0, .fd = 102},
        {.offset = 0x2000, .size = 1, .fd = 103},
        {.offset = 0x3000, .size = 1, .fd = 104},
        {.offset = 0x2fff, .size = 2, .fd = 105},
        {.offset = UINT64_MAX, .size = 1, .fd = 106},
    };

    memory_region_add_subregion_overlap(&f->root, BASE + 0x1000, &f->cover, 1);
    show(f, edges, G_N_ELEMENTS(edges));
    expect(f, "+101@2ffc/4 +102@2ffe/0 +103@4000/1 ");
    memory_region_del_subregion(&f->root, &f->cover);
}

/* The first for a write gets it, wherever each of them is answered. */
static void test_order(Fixture *f, gconstpointer data)
{
    static const MemoryRegionIoEventFd fds[] = {
        {.offset = 0, .size = 4, .match = true, .data = 1, .fd = 100},
        {.offset = 0, .size = 4, .match = true, .data = 2, .fd = 101},
        {.offset = 0, .size = 4, .fd = 102},
        {.offset = 0, .size = 8, .fd = 103},
        {.offset = 8, .size = 4, .fd = 104},
    };

    show(f, fds, G_N_ELEMENTS(fds));
    /* KVM cannot have the third; what comes behind it must not overtake. */
    expect(f, "+100@2000/4=1 +101@2000/4=2 +102@2000/4! +104@2008/4 ");
    memory_region_set_enabled(&f->dev, false);
    expect(f, "-104@2008/4 -101@2000/4=2 -100@2000/4=1 ");
}

static void test_refused(Fixture *f, gconstpointer data)
{
    static const MemoryRegionIoEventFd fds[] = {
        {.offset = 0, .size = 0, .match = true, .data = 1, .fd = 100},
        {.offset = 8, .size = 0, .fd = 101},
        {.offset = 0, .size = 4, .fd = 102},
        {.offset = 16, .size = 4, .fd = 103},
    };

    f->no_any_length = true;
    show(f, fds, G_N_ELEMENTS(fds));
    expect(f, "+100@2000/0=1? +101@2008/0? +103@2010/4 ");
    /* It is not asked again because something else changes. */
    memory_region_add_subregion(&f->root, 0x8000, &f->cover);
    expect(f, "");
    memory_region_del_subregion(&f->root, &f->cover);
    memory_region_set_enabled(&f->dev, false);
    expect(f, "-103@2010/4 ");
}

/* It is forgotten however the kernel answers. */
static void test_not_taken_back(Fixture *f, gconstpointer data)
{
    show(f, pages, 1);
    expect(f, "+100@2010/4 ");
    f->lose = true;
    memory_region_set_enabled(&f->dev, false);
    expect(f, "-100@2010/4? ");
    f->lose = false;
    g_array_set_size(f->kernel, 0);
    memory_region_set_enabled(&f->dev, true);
    expect(f, "+100@2010/4 ");
}

#define ADD(name, fn) \
    g_test_add("/kvm-ioeventfds/" name, Fixture, NULL, set_up, fn, tear_down)

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    ADD("comes-and-goes", test_comes_and_goes);
    ADD("late", test_late);
    ADD("split", test_split);
    ADD("toggle", test_toggle);
    ADD("edges", test_edges);
    ADD("order", test_order);
    ADD("refused", test_refused);
    ADD("not-taken-back", test_not_taken_back);
    status = g_test_run();
    machine_unlock();
    return status;
}
