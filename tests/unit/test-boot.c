/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * boot.c: where kernel, initrd and tree end up, and what the CPUs are reset
 * to; with an accelerator of the test's own that only notes it.
 */

#include <glib/gstdio.h>
#include <libfdt.h>
#include <string.h>

#include "hw/arm/boot.h"
#include "hw/core/run-state.h"
#include "util/main-loop.h"

#define RAM_BASE 0x40000000ull
#define MIB (1ull << 20)
#define RAM_SIZE (16 * MIB)
#define TREE_PIECE (2 * MIB)

static VcpuEntry entry; /* of the last reset */
static unsigned resets;
static bool reset_fails;
static int failures;
static size_t tree_size; /* what write_tree() makes, at least */

static bool fake_reset_vcpus(Accel *accel, const VcpuEntry *e, Error **errp)
{
    if (reset_fails) {
        error_setg(errp, "CPU 0: no");
        return false;
    }
    entry = *e;
    resets++;
    return true;
}

static void fake_class_init(ObjectClass *klass)
{
    ACCEL_CLASS(klass)->reset_vcpus = fake_reset_vcpus;
}

static const TypeInfo fake_accel_type = {
    .name = ACCEL_TYPE_NAME("fake"),
    .parent = TYPE_ACCEL,
    .class_init = fake_class_init,
};
TYPE_REGISTER(fake_accel_type)

static const TypeInfo accel_type = {
    .name = TYPE_ACCEL,
    .instance_size = sizeof(Accel),
    .class_size = sizeof(AccelClass),
    .abstract = true,
};
TYPE_REGISTER(accel_type)

static void note_request(RunRequest request)
{
    failures += request == RUN_FAILURE;
}

typedef struct Fixture {
    MachineState machine;
    MemoryRegion ram;
    ArmBoot boot;
    char *dir;
    GPtrArray *files;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused)
{
    *f = (Fixture){.files = g_ptr_array_new_with_free_func(g_free)};
    f->dir = g_dir_make_tmp("boot-XXXXXX", NULL);
    f->machine.accel = ACCEL(object_new(ACCEL_TYPE_NAME("fake")));
    f->machine.config.ram_size = RAM_SIZE;
    g_assert_true(memory_region_init_ram(&f->ram, NULL, "ram", RAM_SIZE, NULL));
    memory_region_add_subregion(get_system_memory(), RAM_BASE, &f->ram);
    entry = (VcpuEntry){0};
    resets = 0;
    failures = 0;
    reset_fails = false;
    tree_size = 0;
    run_state_set_handler(note_request);
}

static void tear_down(Fixture *f, gconstpointer unused)
{
    run_state_set_handler(NULL);
    arm_boot_finish(&f->boot);
    arm_boot_finish(&f->boot);
    memory_region_del_subregion(get_system_memory(), &f->ram);
    memory_region_finish(&f->ram);
    object_unref(OBJECT(f->machine.accel));
    for (guint i = 0; i < f->files->len; i++) {
        g_unlink(g_ptr_array_index(f->files, i));
    }
    g_ptr_array_unref(f->files);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
}

static const char *make_file(Fixture *f, const char *name, const void *data,
                             size_t size)
{
    char *path = g_build_filename(f->dir, name, NULL);

    g_ptr_array_add(f->files, path);
    g_assert_true(g_file_set_contents(path, data, size, NULL));
    return path;
}

static const char *make_raw(Fixture *f, const char *name, size_t size)
{
    g_autofree char *data = g_malloc(size);

    memset(data, name[0], size);
    return make_file(f, name, data, size);
}

static const char *make_image(Fixture *f, uint64_t image_size)
{
    uint64_t header[128] = {0};

    header[2] = GUINT64_TO_LE(image_size);
    memcpy(&header[7], "ARM\x64", 4);
    return make_file(f, "Image", header, sizeof(header));
}

static void *write_tree(MachineState *machine, const FdtBootInfo *info,
                        size_t *size, Error **errp)
{
    g_autoptr(FdtWriter) w = fdt_writer_new();
    g_autofree char *padding = g_malloc0(tree_size + 1);

    fdt_writer_begin_node(w, "");
    fdt_writer_bytes(w, "padding", padding, tree_size);
    fdt_writer_begin_node(w, "chosen");
    if (info->bootargs) {
        fdt_writer_string(w, "bootargs", info->bootargs);
    }
    fdt_writer_u64(w, "start", info->initrd_start);
    fdt_writer_u64(w, "end", info->initrd_end);
    fdt_writer_u64(w, "ram", info->ram_base);
    fdt_writer_u64(w, "ram-size", info->ram_size);
    fdt_writer_end_node(w);
    fdt_writer_end_node(w);
    return fdt_writer_finish(w, size, errp);
}

static void *no_tree(MachineState *machine, const FdtBootInfo *info,
                     size_t *size, Error **errp)
{
    error_setg(errp, "no tree today");
    return NULL;
}

static void boot_ok(Fixture *f)
{
    g_autoptr(Error) err = NULL;
    bool ok = arm_boot_init(&f->boot, &f->machine, RAM_BASE, write_tree, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_true(ok);
    reset_all();
}

static void assert_refused(Fixture *f, const char *pattern)
{
    g_autoptr(Error) err = NULL;

    g_assert_false(
        arm_boot_init(&f->boot, &f->machine, RAM_BASE, write_tree, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_pattern_match_simple(pattern, error_get_pretty(err)));
}

static const uint8_t *ram(hwaddr addr)
{
    const uint8_t *p = address_space_ram(address_space_memory(), addr, 1);

    g_assert_nonnull(p);
    return p;
}

/* The tree where x0 says; what a kernel asks of its place. */
static const void *tree(void)
{
    const void *fdt = ram(entry.x0);
    uint64_t size;

    g_assert_cmpint(fdt_check_header(fdt), ==, 0);
    size = fdt_totalsize(fdt);
    g_assert_cmpuint(entry.x0 % 8, ==, 0);
    g_assert_cmpuint(entry.x0 / TREE_PIECE, ==,
                     (entry.x0 + size - 1) / TREE_PIECE);
    g_assert_cmpuint(entry.x0 + size, <=, RAM_BASE + RAM_SIZE);
    return fdt;
}

static uint64_t chosen(const char *name)
{
    int len;
    const void *fdt = tree();
    const void *value =
        fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), name, &len);

    g_assert_nonnull(value);
    g_assert_cmpint(len, ==, 8);
    return fdt64_ld(value);
}

static void test_linux(Fixture *f, gconstpointer unused)
{
    uint64_t start;

    f->machine.config.kernel = make_image(f, 3 * MIB + 0x123);
    f->machine.config.initrd = make_raw(f, "initrd", 100001);
    f->machine.config.append = "quiet";
    boot_ok(f);
    g_assert_cmphex(entry.pc, ==, RAM_BASE);
    start = chosen("start");
    g_assert_cmphex(start, ==, RAM_BASE + 3 * MIB + 0x10000);
    g_assert_cmphex(chosen("end"), ==, start + 100001);
    g_assert_cmphex(chosen("ram"), ==, RAM_BASE);
    g_assert_cmphex(chosen("ram-size"), ==, RAM_SIZE);
    g_assert_cmpint(*ram(start), ==, 'i');
    g_assert_cmpint(*ram(start + 100000), ==, 'i');
    g_assert_cmphex(entry.x0, >=, start + 100001);
    g_assert_cmpmem(ram(RAM_BASE + 56), 4, "ARM\x64", 4);
    g_assert_cmpuint(resets, ==, 1);
}

/* The tree moves up rather than lie across two pieces. */
static void test_linux_piece(Fixture *f, gconstpointer unused)
{
    f->machine.config.kernel = make_image(f, 4 * MIB - 100);
    tree_size = 1000;
    boot_ok(f);
    tree();
    g_assert_cmphex(entry.x0, ==, RAM_BASE + 4 * MIB);
    g_assert_cmphex(chosen("start"), ==, chosen("end"));
}

/* The very end of RAM is good enough; a byte less is not. */
static void test_linux_tight(Fixture *f, gconstpointer unused)
{
    f->machine.config.kernel = make_image(f, RAM_SIZE - 1024);
    boot_ok(f);
    tree();
    arm_boot_finish(&f->boot);
    f->machine.config.kernel = make_image(f, RAM_SIZE - 64);
    assert_refused(f, "'device tree': 1 KiB at RAM + 0x1000000 do not fit in "
                      "16 MiB of RAM; try -m 32M");
}

static void test_raw(Fixture *f, gconstpointer unused)
{
    f->machine.config.kernel = make_raw(f, "kernel", 5000);
    f->machine.config.initrd = make_raw(f, "initrd", 5);
    boot_ok(f);
    g_assert_cmphex(entry.pc, ==, RAM_BASE + 0x80000);
    g_assert_cmphex(entry.x0, ==, RAM_BASE);
    tree();
    g_assert_cmpint(*ram(RAM_BASE + 0x80000), ==, 'k');
    g_assert_cmphex(chosen("start"), ==, RAM_BASE + 0x90000);
}

/* A tree that would reach into a raw binary goes behind it. */
static void test_raw_large_tree(Fixture *f, gconstpointer unused)
{
    f->machine.config.kernel = make_raw(f, "kernel", 5000);
    tree_size = 0x80000;
    boot_ok(f);
    tree();
    g_assert_cmphex(entry.x0, >=, RAM_BASE + 0x80000 + 5000);
    g_assert_cmpint(*ram(RAM_BASE + 0x80000 + 4999), ==, 'k');
}

static void test_no_kernel(Fixture *f, gconstpointer unused)
{
    boot_ok(f);
    g_assert_cmphex(entry.pc, ==, RAM_BASE + 0x80000);
    g_assert_cmphex(entry.x0, ==, RAM_BASE);
    tree();
}

static const char *make_dtb(Fixture *f)
{
    g_autoptr(FdtWriter) w = fdt_writer_new();
    g_autofree void *blob = NULL;
    size_t size;

    fdt_writer_begin_node(w, "");
    fdt_writer_string(w, "model", "theirs");
    fdt_writer_address_cells(w, 2, 2);
    fdt_writer_end_node(w);
    blob = fdt_writer_finish(w, &size, NULL);
    return make_file(f, "dtb", blob, size);
}

static void test_dtb(Fixture *f, gconstpointer unused)
{
    const void *fdt;

    f->machine.config.kernel = make_image(f, MIB);
    f->machine.config.initrd = make_raw(f, "initrd", 7);
    f->machine.config.append = "quiet";
    f->machine.config.dtb = make_dtb(f);
    boot_ok(f);
    fdt = tree();
    g_assert_cmpstr(fdt_getprop(fdt, 0, "model", NULL), ==, "theirs");
    g_assert_cmpstr(
        fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", NULL), ==,
        "quiet");
    g_assert_cmphex(chosen("linux,initrd-end") - chosen("linux,initrd-start"),
                    ==, 7);
    g_assert_cmpint(fdt_path_offset(fdt, "/memory@40000000"), >, 0);
}

static void test_dtb_refused(Fixture *f, gconstpointer unused)
{
    f->machine.config.dtb = "/nonexistent/dtb";
    assert_refused(f, "dtb '/nonexistent/dtb': cannot read: No such file*");
    arm_boot_finish(&f->boot);
    f->machine.config.dtb = f->dir;
    assert_refused(f, "dtb '*': cannot read: Is a directory");
    arm_boot_finish(&f->boot);
    f->machine.config.dtb = make_raw(f, "dtb", 5000);
    assert_refused(f, "dtb '*': not a valid device tree*");
    arm_boot_finish(&f->boot);
    f->machine.config.dtb = make_raw(f, "dtb", 3 * MIB);
    assert_refused(f, "dtb '*': 2097153 bytes are not*");
}

static void test_refused(Fixture *f, gconstpointer unused)
{
    f->machine.config.kernel = "/nonexistent/kernel";
    assert_refused(f, "kernel '/nonexistent/kernel': cannot open: No such*");
    arm_boot_finish(&f->boot);
    f->machine.config.kernel = make_image(f, MIB);
    f->machine.config.initrd = "/nonexistent/initrd";
    assert_refused(f, "initrd '/nonexistent/initrd': cannot open: No such*");
    arm_boot_finish(&f->boot);
    f->machine.config.initrd = make_raw(f, "initrd", RAM_SIZE - MIB + 1);
    assert_refused(f, "initrd '*': 16 MiB at RAM + 0x100000 do not fit in "
                      "16 MiB of RAM; try -m 32M");
    arm_boot_finish(&f->boot);
    f->machine.config.initrd = NULL;
    g_assert_false(
        arm_boot_init(&f->boot, &f->machine, RAM_BASE, no_tree, NULL));
}

static void test_dumpdtb(Fixture *f, gconstpointer unused)
{
    g_autofree char *text = NULL;
    gsize size;

    f->machine.dumpdtb = (char *)make_file(f, "out", "", 0);
    g_assert_true(
        arm_boot_init(&f->boot, &f->machine, RAM_BASE, write_tree, NULL));
    g_assert_true(f->machine.finished);
    g_assert_true(g_file_get_contents(f->machine.dumpdtb, &text, &size, NULL));
    g_assert_cmpint(fdt_check_full(text, size), ==, 0);
    arm_boot_finish(&f->boot);
    f->machine.dumpdtb = f->dir;
    assert_refused(f, "dumpdtb '*': cannot write: Is a directory");
    arm_boot_finish(&f->boot);
    f->machine.dumpdtb = (char *)"/dev/full";
    assert_refused(f, "dumpdtb '/dev/full': cannot write: No space*");
}

static void test_reset_fails(Fixture *f, gconstpointer unused)
{
    if (g_test_subprocess()) {
        reset_fails = true;
        boot_ok(f);
        g_assert_cmpint(failures, ==, 1);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("platypus: CPU 0: no\n");
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    int rc;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    add("/boot/linux", test_linux);
    add("/boot/linux-piece", test_linux_piece);
    add("/boot/linux-tight", test_linux_tight);
    add("/boot/raw", test_raw);
    add("/boot/raw-large-tree", test_raw_large_tree);
    add("/boot/no-kernel", test_no_kernel);
    add("/boot/dtb", test_dtb);
    add("/boot/dtb-refused", test_dtb_refused);
    add("/boot/refused", test_refused);
    add("/boot/dumpdtb", test_dumpdtb);
    add("/boot/reset-fails", test_reset_fails);
    rc = g_test_run();
    machine_unlock();
    return rc;
}
