/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions, rendering and transactions. The random test compares the flat view
 * of many trees with the plainest model there is: ask the tree for each byte.
 */
#include "hw/core/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/main-loop.h"

#define SPACE 64 /* bytes of the random trees */

typedef struct Recorder {
    MemoryListener listener;
    GString *log;
} Recorder;

static void record(Recorder *r, char sign, const MemoryRegionSection *s)
{
    g_string_append_printf(r->log,
                           "%c%s@%" PRIx64 "+%" PRIx64 "/%" PRIx64 "%s ", sign,
                           s->mr->name, s->offset_within_address_space, s->size,
                           s->offset_within_region, s->readonly ? "r" : "");
}

static void on_add(MemoryListener *l, const MemoryRegionSection *s)
{
    record((Recorder *)l, '+', s);
}

static void on_del(MemoryListener *l, const MemoryRegionSection *s)
{
    record((Recorder *)l, '-', s);
}

static void on_begin(MemoryListener *l)
{
    g_string_append(((Recorder *)l)->log, "[ ");
}

static void on_commit(MemoryListener *l)
{
    g_string_append(((Recorder *)l)->log, "]");
}

static void recorder_init(Recorder *r, AddressSpace *as)
{
    *r = (Recorder){
        .listener = {.name = "recorder",
                     .begin = on_begin,
                     .region_add = on_add,
                     .region_del = on_del,
                     .commit = on_commit},
        .log = g_string_new(NULL),
    };
    memory_listener_register(&r->listener, as);
}

static void expect_log(Recorder *r, const char *expected)
{
    g_assert_cmpstr(r->log->str, ==, expected);
    g_string_truncate(r->log, 0);
}

static void recorder_finish(Recorder *r)
{
    memory_listener_unregister(&r->listener);
    g_string_free(r->log, true);
}

static const MemoryRegionOps no_ops;

static void test_listener(void)
{
    MemoryRegion root, low, top;
    AddressSpace as;
    Recorder r;

    memory_region_init(&root, NULL, "root", 0x1000);
    memory_region_init_io(&low, NULL, &no_ops, NULL, "low", 0x100);
    memory_region_init_io(&top, NULL, &no_ops, NULL, "top", 0x40);
    address_space_init(&as, &root, "test");
    memory_region_add_subregion(&root, 0x200, &low);

    recorder_init(&r, &as);
    expect_log(&r, "[ +low@200+100/0 ]");

    memory_region_add_subregion_overlap(&root, 0x220, &top, 1);
    expect_log(&r, "[ -low@200+100/0 +low@200+20/0 +top@220+40/0 "
                   "+low@260+a0/60 ]");

    memory_region_set_enabled(&top, false);
    expect_log(&r, "[ -low@200+20/0 -top@220+40/0 -low@260+a0/60 "
                   "+low@200+100/0 ]");
    memory_region_set_enabled(&top, false);
    expect_log(&r, "");

    memory_region_set_readonly(&root, true);
    expect_log(&r, "[ -low@200+100/0 +low@200+100/0r ]");
    memory_region_set_address(&low, 0xf80);
    expect_log(&r, "[ -low@200+100/0r +low@f80+80/0r ]");

    memory_region_del_subregion(&root, &low);
    expect_log(&r, "[ -low@f80+80/0r ]");
    memory_region_del_subregion(&root, &top);
    expect_log(&r, "");
    recorder_finish(&r);
    address_space_finish(&as);
    memory_region_finish(&top);
    memory_region_finish(&low);
    memory_region_finish(&root);
}

static void test_transaction(void)
{
    MemoryRegion root, a, b;
    AddressSpace as;
    Recorder r;

    memory_region_init(&root, NULL, "root", 0x1000);
    memory_region_init_io(&a, NULL, &no_ops, NULL, "a", 0x10);
    memory_region_init_io(&b, NULL, &no_ops, NULL, "b", 0x10);
    address_space_init(&as, &root, "test");
    recorder_init(&r, &as);
    expect_log(&r, "[ ]");

    memory_region_transaction_begin();
    memory_region_add_subregion(&root, 0, &a);
    memory_region_transaction_begin();
    memory_region_add_subregion(&root, 0x10, &b);
    memory_region_transaction_commit();
    expect_log(&r, "");
    memory_region_transaction_commit();
    expect_log(&r, "[ +a@0+10/0 +b@10+10/0 ]");

    /* There and back again is nothing. */
    memory_region_transaction_begin();
    memory_region_set_enabled(&a, false);
    memory_region_set_enabled(&a, true);
    memory_region_transaction_commit();
    expect_log(&r, "");

    recorder_finish(&r);
    memory_region_del_subregion(&root, &a);
    memory_region_del_subregion(&root, &b);
    address_space_finish(&as);
    memory_region_finish(&a);
    memory_region_finish(&b);
    memory_region_finish(&root);
}

/* Listeners and spaces leave in another order than they came. */
static void test_several(void)
{
    MemoryRegion root[2], mr;
    AddressSpace as[2];
    MemoryListener never = {.name = "never registered"};
    Recorder first, second;

    for (int i = 0; i < 2; i++) {
        memory_region_init(&root[i], NULL, "root", 0x1000);
        address_space_init(&as[i], &root[i], "test");
    }
    memory_region_init_io(&mr, NULL, &no_ops, NULL, "mr", 0x10);
    recorder_init(&first, &as[0]);
    recorder_init(&second, &as[0]);
    expect_log(&first, "[ ]");
    expect_log(&second, "[ ]");
    memory_region_add_subregion(&root[1], 0, &mr);
    expect_log(&first, "");
    memory_region_del_subregion(&root[1], &mr);
    memory_region_add_subregion(&root[0], 0, &mr);
    expect_log(&first, "[ +mr@0+10/0 ]");
    expect_log(&second, "[ +mr@0+10/0 ]");

    memory_listener_unregister(&never);
    memory_listener_unregister(&second.listener);
    expect_log(&second, "[ -mr@0+10/0 ]");
    recorder_finish(&second);
    memory_region_del_subregion(&root[0], &mr);
    expect_log(&first, "[ -mr@0+10/0 ]");
    recorder_finish(&first);
    for (int i = 0; i < 2; i++) {
        address_space_finish(&as[i]);
        memory_region_finish(&root[i]);
    }
    memory_region_finish(&mr);
}

/* Which region answers at @addr, by the definition of priorities. */
static MemoryRegion *model_find(MemoryRegion *mr, uint64_t addr,
                                uint64_t *offset)
{
    if (!mr->enabled || addr >= mr->size) {
        return NULL;
    }
    for (MemoryRegion *s = mr->subregions; s; s = s->next) {
        MemoryRegion *found = NULL;

        if (addr >= s->addr) {
            found = model_find(s, addr - s->addr, offset);
        }
        if (found) {
            return found;
        }
    }
    *offset = addr;
    return mr->kind == MEMORY_REGION_CONTAINER ? NULL : mr;
}

static void check_against_model(AddressSpace *as)
{
    for (uint64_t addr = 0; addr < SPACE + 8; addr++) {
        uint64_t offset = 0;
        MemoryRegion *want = model_find(as->root, addr, &offset);
        MemoryRegionSection s = address_space_find(as, addr);

        g_assert_true(s.mr == want);
        if (want) {
            g_assert_cmpuint(s.offset_within_region + addr -
                                 s.offset_within_address_space,
                             ==, offset);
        }
    }
}

static void test_random_trees(void)
{
    for (int round = 0; round < 2000; round++) {
        enum { N = 8 };
        MemoryRegion mr[N + 1];
        AddressSpace as;

        memory_region_init(&mr[0], NULL, "root", SPACE);
        address_space_init(&as, &mr[0], "random");
        memory_region_transaction_begin();
        for (int i = 1; i <= N; i++) {
            uint64_t size = g_test_rand_int_range(0, SPACE);
            MemoryRegion *parent = &mr[g_test_rand_int_range(0, i)];

            if (g_test_rand_bit()) {
                memory_region_init(&mr[i], NULL, "c", size);
            } else {
                memory_region_init_io(&mr[i], NULL, &no_ops, NULL, "io", size);
            }
            memory_region_add_subregion_overlap(
                parent, g_test_rand_int_range(0, SPACE), &mr[i],
                g_test_rand_int_range(-2, 3));
            memory_region_set_enabled(&mr[i], g_test_rand_int_range(0, 8));
        }
        memory_region_transaction_commit();
        check_against_model(&as);
        address_space_finish(&as);
        memory_region_transaction_begin();
        for (int i = N; i > 0; i--) {
            memory_region_del_subregion(mr[i].container, &mr[i]);
        }
        memory_region_transaction_commit();
        for (int i = N; i >= 0; i--) {
            memory_region_finish(&mr[i]);
        }
    }
}

static void test_ends_of_the_space(void)
{
    MemoryRegion root, last, beyond;
    AddressSpace as;

    memory_region_init(&root, NULL, "root", UINT64_MAX);
    memory_region_init_io(&last, NULL, &no_ops, NULL, "last", 0x1000);
    memory_region_init_io(&beyond, NULL, &no_ops, NULL, "beyond", 0x1000);
    address_space_init(&as, &root, "test");
    memory_region_add_subregion(&root, UINT64_MAX - 0x7ff, &last);
    /* Offsets add up to more than 64 bits: not to be seen at address 0. */
    memory_region_add_subregion(&last, 0x800, &beyond);
    g_assert_null(address_space_find(&as, 0).mr);
    g_assert_true(address_space_find(&as, UINT64_MAX - 1).mr == &last);
    memory_region_del_subregion(&last, &beyond);
    memory_region_del_subregion(&root, &last);
    address_space_finish(&as);
    memory_region_finish(&beyond);
    memory_region_finish(&last);
    memory_region_finish(&root);
}

static void test_ram(void)
{
    MemoryRegion mr;

    g_assert_true(memory_region_init_ram(&mr, NULL, "ram", 5000, NULL));
    g_assert_cmpuint((uintptr_t)mr.ram & 0x1fffff, ==, 0);
    g_assert_cmpint(mr.ram_fd, ==, -1);
    mr.ram[0] = 1;
    mr.ram[8191] = 1; /* whole pages */
    memory_region_finish(&mr);
    memory_region_finish(&mr); /* zeroed */
}

static unsigned count_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned n = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}

static void set_limit(int resource, rlim_t value, rlim_t *old)
{
    struct rlimit limit;

    g_assert_no_errno(getrlimit(resource, &limit));
    *old = limit.rlim_cur;
    limit.rlim_cur = value;
    g_assert_no_errno(setrlimit(resource, &limit));
}

static void expect_sealed(int fd)
{
    struct stat st;

    g_assert_no_errno(fstat(fd, &st));
    g_assert_cmpint(st.st_size, ==, 8192);
    g_assert_cmpint(fcntl(fd, F_GET_SEALS), ==,
                    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, FD_CLOEXEC);
    for (off_t size = 4096; size <= 12288; size += 8192) {
        g_assert_cmpint(ftruncate(fd, size), ==, -1);
        g_assert_cmpint(errno, ==, EPERM);
    }
}

static void test_shared_ram(void)
{
    unsigned fds = count_fds();
    MemoryRegion mr, private;
    uint8_t *other;
    int fd;

    memory_ram_set_shared(true);
    g_assert_true(memory_region_init_ram(&mr, NULL, "ram", 5000, NULL));
    memory_ram_set_shared(false);
    g_assert_true(memory_region_init_ram(&private, NULL, "ram", 5000, NULL));
    g_assert_cmpint(private.ram_fd, ==, -1);
    memory_region_finish(&private);

    fd = mr.ram_fd;
    g_assert_cmpuint((uintptr_t)mr.ram & 0x1fffff, ==, 0);
    expect_sealed(fd);
    other = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert_true(other != MAP_FAILED);
    g_assert_cmpint(mr.ram[8191], ==, 0);
    mr.ram[8191] = 1;
    g_assert_cmpint(other[8191], ==, 1);
    other[0] = 2;
    g_assert_cmpint(mr.ram[0], ==, 2);
    memory_region_finish(&mr);
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
    memory_region_finish(&mr); /* zeroed */
    g_assert_cmpint(other[0], ==, 2);
    munmap(other, 8192);
    g_assert_cmpuint(count_fds(), ==, fds);
}

/* @reason is what errno says. */
static void expect_no_ram(uint64_t size, const char *what, int reason)
{
    g_autoptr(Error) err = NULL;
    g_autofree char *message =
        g_strdup_printf("ram: cannot get %" PRIu64 " MiB of host memory%s: %s",
                        size >> 20, what, g_strerror(reason));
    MemoryRegion mr;

    g_assert_false(memory_region_init_ram(&mr, NULL, "ram", size, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    memory_region_finish(&mr);
}

/* Refused by the host; too large to be aligned; to be rounded up to pages. */
static const uint64_t impossible[] = {1ULL << 62, UINT64_MAX - 0xfffff,
                                      UINT64_MAX - 1};

static void test_no_ram(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(impossible); i++) {
        expect_no_ram(impossible[i], "", ENOMEM);
    }
}

static void test_no_shared_ram(void)
{
    unsigned fds = count_fds();
    rlim_t old;

    memory_ram_set_shared(true);
    for (size_t i = 0; i < G_N_ELEMENTS(impossible); i++) {
        expect_no_ram(impossible[i], " to share", ENOMEM);
    }
    set_limit(RLIMIT_NOFILE, 0, &old);
    expect_no_ram(2 << 20, " to share", EMFILE);
    set_limit(RLIMIT_NOFILE, old, &old);
    set_limit(RLIMIT_FSIZE, 1 << 20, &old);
    expect_no_ram(2 << 20, " to share", EFBIG);
    set_limit(RLIMIT_FSIZE, old, &old);
    memory_ram_set_shared(false);
    g_assert_cmpuint(count_fds(), ==, fds);
}

static void shown_init(MemoryRegion *root, MemoryRegion *mr, AddressSpace *as)
{
    memory_region_init(root, NULL, "root", 0x1000);
    memory_region_init_io(mr, NULL, &no_ops, NULL, "mr", 0x10);
    address_space_init(as, root, "test");
    memory_region_add_subregion(root, 0, mr);
}

/* The view that the region is in is still the current one. */
static void finish_in_transaction(void)
{
    MemoryRegion root, mr;
    AddressSpace as;

    shown_init(&root, &mr, &as);
    memory_region_transaction_begin();
    memory_region_del_subregion(&root, &mr);
    memory_region_finish(&mr);
}

static MemoryRegion *to_disable;

static void disable(MemoryListener *listener)
{
    if (to_disable) {
        memory_region_set_enabled(to_disable, false);
    }
}

static void change_in_listener(void)
{
    MemoryListener listener = {.name = "bad", .commit = disable};
    MemoryRegion root, mr, other;
    AddressSpace as;

    shown_init(&root, &mr, &as);
    memory_region_init_io(&other, NULL, &no_ops, NULL, "other", 0x10);
    memory_listener_register(&listener, &as);
    to_disable = &other;
    memory_region_add_subregion(&root, 0x10, &other);
}

static void finish_in_container(void)
{
    MemoryRegion root, mr;
    AddressSpace as;

    shown_init(&root, &mr, &as);
    memory_region_finish(&mr);
}

static void set_ioeventfds_in_view(void)
{
    MemoryRegion root, mr;
    AddressSpace as;

    shown_init(&root, &mr, &as);
    memory_region_set_ioeventfds(&mr, NULL, 0);
}

/* The current view still shows what is disabled. */
static void set_ioeventfds_in_transaction(void)
{
    MemoryRegion root, mr;
    AddressSpace as;

    shown_init(&root, &mr, &as);
    memory_region_transaction_begin();
    memory_region_set_enabled(&mr, false);
    memory_region_set_ioeventfds(&mr, NULL, 0);
}

typedef struct Misuse {
    const char *name;
    void (*fn)(void);
    const char *message;
} Misuse;

static const Misuse misuses[] = {
    {"finish-in-transaction", finish_in_transaction, "*!transaction_depth*"},
    {"finish-in-container", finish_in_container, "*!mr->container*"},
    {"set-ioeventfds-in-view", set_ioeventfds_in_view, "*!mr->enabled*"},
    {"set-ioeventfds-in-transaction", set_ioeventfds_in_transaction,
     "*!transaction_depth*"},
    {"change-in-listener", change_in_listener, "*!changed*"},
};

static void test_misuse(gconstpointer data)
{
    const Misuse *misuse = data;

    if (g_test_subprocess()) {
        misuse->fn();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr(misuse->message);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/memory/listener", test_listener);
    g_test_add_func("/memory/transaction", test_transaction);
    g_test_add_func("/memory/several", test_several);
    g_test_add_func("/memory/random-trees", test_random_trees);
    g_test_add_func("/memory/ends-of-the-space", test_ends_of_the_space);
    g_test_add_func("/memory/ram", test_ram);
    g_test_add_func("/memory/shared-ram", test_shared_ram);
    g_test_add_func("/memory/no-ram", test_no_ram);
    g_test_add_func("/memory/no-shared-ram", test_no_shared_ram);
    for (size_t i = 0; i < G_N_ELEMENTS(misuses); i++) {
        g_autofree char *path =
            g_strconcat("/memory/misuse/", misuses[i].name, NULL);

        g_test_add_data_func(path, &misuses[i], test_misuse);
    }
    status = g_test_run();
    machine_unlock();
    return status;
}
