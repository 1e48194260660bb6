/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * loader.c and loader-kernel.c: each format made here, loaded into real guest
 * RAM by a reset; files that lie about themselves, do not fit or change after
 * the start.
 */

#include <elf.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "hw/core/loader.h"
#include "hw/core/reset.h"
#include "hw/core/run-state.h"
#include "util/main-loop.h"

#define RAM_BASE 0x40000000ull
#define RAM_SIZE (8ull << 20)

typedef struct Fixture {
    MemoryRegion root;
    MemoryRegion ram;
    AddressSpace as;
    Loader *loader;
    char *dir;
    char *path; /* of the one file a test makes */
} Fixture;

static int failures;

static void note_request(RunRequest request)
{
    failures += request == RUN_FAILURE;
}

static void set_up(Fixture *f, gconstpointer unused)
{
    memory_region_init(&f->root, NULL, "root", 1ull << 40);
    g_assert_true(memory_region_init_ram(&f->ram, NULL, "ram", RAM_SIZE, NULL));
    memory_region_add_subregion(&f->root, RAM_BASE, &f->ram);
    address_space_init(&f->as, &f->root, "memory");
    f->loader = loader_new(&f->as, RAM_BASE, RAM_SIZE);
    f->dir = g_dir_make_tmp("loader-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "file", NULL);
    failures = 0;
    run_state_set_handler(note_request);
}

static void tear_down(Fixture *f, gconstpointer unused)
{
    run_state_set_handler(NULL);
    loader_free(f->loader);
    address_space_finish(&f->as);
    memory_region_del_subregion(&f->root, &f->ram);
    memory_region_finish(&f->ram);
    memory_region_finish(&f->root);
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->path);
    g_free(f->dir);
}

static uint8_t *ram(Fixture *f, hwaddr addr)
{
    return address_space_ram(&f->as, addr, 1);
}

static void write_file(Fixture *f, const void *data, size_t size)
{
    g_assert_true(g_file_set_contents(f->path, data, size, NULL));
}

static void write_gzip(Fixture *f, const void *data, size_t size)
{
    gzFile gz = gzopen(f->path, "wb1");

    g_assert_cmpint(gzwrite(gz, data, size), ==, size);
    g_assert_cmpint(gzclose(gz), ==, Z_OK);
}

static void put64(uint8_t *p, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    memcpy(p, &value, 8);
}

/* An arm64 Image of @size bytes with a body that can be recognised. */
static uint8_t *make_image(size_t size, uint64_t text_offset,
                           uint64_t image_size, uint64_t flags)
{
    uint8_t *image = g_malloc(size);

    for (size_t i = 0; i < size; i++) {
        image[i] = i * 7 + (i >> 8);
    }
    memset(image, 0, 64);
    put64(image + 8, text_offset);
    put64(image + 16, image_size);
    put64(image + 24, flags);
    memcpy(image + 56, "ARM\x64", 4);
    return image;
}

static LoadedImage add_ok(Fixture *f)
{
    LoadedImage image;
    g_autoptr(Error) err = NULL;
    bool ok = loader_add_kernel(f->loader, f->path, &image, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    g_assert_true(ok);
    return image;
}

static void assert_refused(Fixture *f, const char *pattern)
{
    LoadedImage image;
    g_autoptr(Error) err = NULL;
    g_autofree char *prefix = g_strdup_printf("kernel '%s': ", f->path);

    g_assert_false(loader_add_kernel(f->loader, f->path, &image, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err), prefix));
    g_assert_true(g_pattern_match_simple(pattern, error_get_pretty(err) +
                                                      strlen(prefix)));
}

static void test_linux(Fixture *f, gconstpointer compressed)
{
    const size_t size = 300000;
    g_autofree uint8_t *data = make_image(size, 0x1000, 0x100000, 2);
    LoadedImage image;

    if (compressed) {
        write_gzip(f, data, size);
    } else {
        write_file(f, data, size);
    }
    image = add_ok(f);
    g_assert_cmphex(image.addr, ==, RAM_BASE + 0x1000);
    g_assert_cmphex(image.entry, ==, RAM_BASE + 0x1000);
    g_assert_cmphex(image.size, ==, 0x100000);
    g_assert_true(image.is_linux);
    g_assert_cmpint(ram(f, image.addr)[56], ==, 0);
    for (int i = 0; i < 2; i++) {
        reset_all();
        g_assert_cmpmem(ram(f, image.addr), size, data, size);
        memset(ram(f, image.addr), 0xff, 0x100000);
    }
    reset_all();
    g_assert_cmpint(ram(f, image.addr)[size], ==, 0);
    g_assert_cmpint(ram(f, image.addr)[0x100000 - 1], ==, 0);
    g_assert_cmpint(failures, ==, 0);
}

/* A header without a size is one from before Linux 3.17. */
static void test_linux_old(Fixture *f, gconstpointer unused)
{
    g_autofree uint8_t *data = make_image(1000, 0x1234, 0, 0);
    LoadedImage image;

    write_file(f, data, 1000);
    image = add_ok(f);
    g_assert_cmphex(image.addr, ==, RAM_BASE + 0x80000);
    g_assert_cmphex(image.size, ==, RAM_SIZE / 2);
}

/* More bytes than the header says are loaded and counted all the same. */
static void test_linux_long(Fixture *f, gconstpointer unused)
{
    g_autofree uint8_t *data = make_image(5000, 0, 4096, 0);

    write_file(f, data, 5000);
    g_assert_cmpuint(add_ok(f).size, ==, 5000);
}

static void test_linux_refused(Fixture *f, gconstpointer unused)
{
    g_autofree uint8_t *big_endian = make_image(1000, 0, 4096, 1);
    g_autofree uint8_t *large = make_image(1000, 0, 12ull << 20, 0);
    g_autofree uint8_t *far = make_image(1000, UINT64_MAX, 4096, 0);
    g_autofree uint8_t *high = make_image(1000, RAM_SIZE, 4096, 0);

    write_file(f, big_endian, 1000);
    assert_refused(f, "a big-endian kernel; give one*");
    write_file(f, large, 1000);
    assert_refused(f, "12 MiB at RAM + 0x0 do not fit in 8 MiB of RAM; try "
                      "-m 16M");
    write_gzip(f, large, 1000);
    assert_refused(f, "12 MiB*8 MiB*");
    write_file(f, far, 1000);
    assert_refused(f, "4 KiB at 0x3fffffff are not in RAM*");
    write_file(f, high, 1000);
    assert_refused(f, "4 KiB at RAM + 0x800000 do not fit*-m 16M");
}

static void test_raw(Fixture *f, gconstpointer unused)
{
    g_autofree uint8_t *large = g_malloc0(RAM_SIZE);
    LoadedImage image;

    write_file(f, "\1\2\3\4\5", 5);
    image = add_ok(f);
    g_assert_cmphex(image.addr, ==, RAM_BASE + 0x80000);
    g_assert_cmphex(image.entry, ==, RAM_BASE + 0x80000);
    g_assert_cmpuint(image.size, ==, 5);
    g_assert_false(image.is_linux);
    reset_all();
    g_assert_cmpmem(ram(f, image.addr), 6, "\1\2\3\4\5\0", 6);
    write_file(f, large, RAM_SIZE - 0x80000 + 1);
    assert_refused(f, "8 MiB at RAM + 0x80000 do not fit in 8 MiB*-m 16M");
}

static void test_mistakes(Fixture *f, gconstpointer unused)
{
    static const struct {
        unsigned offset;
        const char *magic;
        const char *message;
    } cases[] = {
        {0, "MZ\1\1zimg", "this is a kernel compressed for EFI*"},
        {0x202, "HdrS", "this is an x86 kernel*"},
        {0, "MZ", "this is an EFI program for another machine*"},
        {0x24, "\x18\x28\x6f\x01", "this is a 32-bit Arm kernel*"},
        {0, "\x27\x05\x19\x56", "this is a U-Boot image*"},
        {0, "\xd0\x0d\xfe\xed", "this is a device tree or FIT*"},
        {0,
         "\xfd"
         "7zXZ",
         "this is compressed with xz*"},
        {0, "\x28\xb5\x2f\xfd", "this is compressed with zstd*"},
        {0, "\x02\x21\x4c\x18", "this is compressed with lz4*"},
        {0, "\x04\x22\x4d\x18", "this is compressed with lz4*"},
        {0, "BZh9", "this is compressed with bzip2*"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint8_t data[0x300] = {0};

        memcpy(data + cases[i].offset, cases[i].magic, strlen(cases[i].magic));
        write_file(f, data, sizeof(data));
        assert_refused(f, cases[i].message);
    }
}

static void test_gzip_refused(Fixture *f, gconstpointer unused)
{
    g_autofree uint8_t *data = make_image(3000, 0, 4096, 0);
    g_autofree char *gz = NULL;
    gsize size;

    write_gzip(f, "just some text", 14);
    assert_refused(f, "a gzip file with no arm64 Image in it*");
    write_gzip(f, data, 3000);
    g_assert_true(g_file_get_contents(f->path, &gz, &size, NULL));
    write_file(f, gz, 18);
    assert_refused(f, "damaged gzip file: it ends too early");
    gz[2] = 99;
    write_file(f, gz, size);
    assert_refused(f, "damaged gzip file: unknown compression method");
}

/* What is wrong behind the header is found when it is loaded. */
static void gzip_damaged(Fixture *f, gsize from_end, int delta)
{
    g_autofree uint8_t *data = make_image(3000, 0, 4096, 0);
    g_autofree char *gz = NULL;
    gsize size;

    write_gzip(f, data, 3000);
    g_assert_true(g_file_get_contents(f->path, &gz, &size, NULL));
    gz[size - from_end] += delta;
    write_file(f, gz, size);
    add_ok(f);
    reset_all();
    g_assert_cmpint(failures, ==, 1);
}

static void in_subprocess(Fixture *f, void (*test)(Fixture *f),
                          const char *message)
{
    if (g_test_subprocess()) {
        test(f);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr(message);
}

static void larger_than_told(Fixture *f)
{
    gzip_damaged(f, 4, -100);
}

static void smaller_than_told(Fixture *f)
{
    gzip_damaged(f, 4, 1);
}

static void wrong_checksum(Fixture *f)
{
    gzip_damaged(f, 8, 1);
}

static void test_gzip_larger(Fixture *f, gconstpointer unused)
{
    in_subprocess(f, larger_than_told, "*more data than its end tells*");
}

static void test_gzip_smaller(Fixture *f, gconstpointer unused)
{
    in_subprocess(f, smaller_than_told, "*incorrect length check*");
}

static void test_gzip_checksum(Fixture *f, gconstpointer unused)
{
    in_subprocess(f, wrong_checksum, "*incorrect data check*");
}

typedef struct TestElf {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
    uint8_t text[16];
    uint8_t data[8];
} TestElf;

static TestElf make_elf(void)
{
    TestElf elf = {
        .eh =
            {
                .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
                            EV_CURRENT},
                .e_type = ET_EXEC,
                .e_machine = EM_AARCH64,
                .e_entry = 0xffff000000000004,
                .e_phoff = offsetof(TestElf, ph),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = 3,
            },
        .ph =
            {
                {.p_type = PT_LOAD,
                 .p_offset = offsetof(TestElf, text),
                 .p_vaddr = 0xffff000000000000,
                 .p_paddr = RAM_BASE + 0x200000,
                 .p_filesz = 16,
                 .p_memsz = 16},
                {.p_type = PT_NOTE, .p_offset = UINT64_MAX},
                {.p_type = PT_LOAD,
                 .p_offset = offsetof(TestElf, data),
                 .p_vaddr = 0xffff000000001000,
                 .p_paddr = RAM_BASE + 0x100000,
                 .p_filesz = 8,
                 .p_memsz = 4096},
            },
        .text = "0123456789abcde",
        .data = "datadat",
    };

    return elf;
}

static void test_elf(Fixture *f, gconstpointer unused)
{
    TestElf elf = make_elf();
    LoadedImage image;

    write_file(f, &elf, sizeof(elf));
    image = add_ok(f);
    g_assert_cmphex(image.addr, ==, RAM_BASE + 0x100000);
    g_assert_cmphex(image.size, ==, 0x100010);
    g_assert_cmphex(image.entry, ==, RAM_BASE + 0x200004);
    g_assert_false(image.is_linux);
    reset_all();
    memset(ram(f, RAM_BASE + 0x100000), 0xff, 4096);
    reset_all();
    g_assert_cmpmem(ram(f, RAM_BASE + 0x200000), 16, elf.text, 16);
    g_assert_cmpmem(ram(f, RAM_BASE + 0x100000), 8, elf.data, 8);
    g_assert_cmpint(ram(f, RAM_BASE + 0x100008)[0], ==, 0);
    g_assert_cmpint(ram(f, RAM_BASE + 0x100fff)[0], ==, 0);
}

static void test_elf_physical_entry(Fixture *f, gconstpointer unused)
{
    TestElf elf = make_elf();

    elf.eh.e_entry = RAM_BASE + 0x200008;
    write_file(f, &elf, sizeof(elf));
    g_assert_cmphex(add_ok(f).entry, ==, RAM_BASE + 0x200008);
}

static void test_elf_refused(Fixture *f, gconstpointer unused)
{
    TestElf elf = make_elf();

    write_file(f, &elf, 30);
    assert_refused(f, "not a whole ELF header; give an ELF file of a 64-bit*");
    write_file(f, &elf, offsetof(TestElf, ph) + 10);
    assert_refused(f, "the program headers reach beyond the file*");
    write_file(f, &elf, sizeof(elf) - 1);
    assert_refused(f, "a segment reaches beyond the file*");
    elf.eh.e_machine = EM_X86_64;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "for another machine*");
    elf = make_elf();
    elf.eh.e_phnum = 65;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "odd program headers*");
    elf = make_elf();
    elf.eh.e_phnum = 0;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "nothing to load*");
    elf = make_elf();
    elf.eh.e_phoff = UINT64_MAX - 8;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "the program headers reach beyond the file*");
    elf.eh.e_phoff = sizeof(elf) - 8;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "the program headers reach beyond the file*");
    elf = make_elf();
    elf.ph[0].p_filesz = 17;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "a segment reaches beyond the file*");
    elf = make_elf();
    elf.ph[0].p_offset = UINT64_MAX - 4;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "a segment reaches beyond the file*");
    elf = make_elf();
    elf.ph[0].p_paddr = 0xffff000000000000;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "1 KiB at 0xffff000000000000 are not in RAM, which*");
    elf = make_elf();
    elf.ph[2].p_memsz = UINT64_MAX;
    write_file(f, &elf, sizeof(elf));
    assert_refused(f, "*are not in RAM*");
}

static void test_files_refused(Fixture *f, gconstpointer unused)
{
    assert_refused(f, "cannot open: No such file or directory");
    write_file(f, "", 0);
    assert_refused(f, "the file is empty");
    g_unlink(f->path);
    g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
    assert_refused(f, "not a regular file");
}

static void test_file_and_blob(Fixture *f, gconstpointer unused)
{
    g_autoptr(Error) err = NULL;
    uint64_t size;

    write_file(f, "initrd", 6);
    g_assert_true(
        loader_add_file(f->loader, f->path, RAM_BASE + 0x1000, &size, NULL));
    g_assert_cmpuint(size, ==, 6);
    g_assert_true(loader_add_blob(f->loader, "tree", g_strdup("blob"), 4,
                                  RAM_BASE + RAM_SIZE - 4, NULL));
    reset_all();
    g_assert_cmpmem(ram(f, RAM_BASE + 0x1000), 7, "initrd", 7);
    g_assert_cmpmem(ram(f, RAM_BASE + RAM_SIZE - 4), 4, "blob", 4);
    g_assert_false(
        loader_add_file(f->loader, f->path, RAM_BASE - 1, &size, NULL));
    g_assert_false(loader_add_file(f->loader, f->path, RAM_BASE + RAM_SIZE - 5,
                                   &size, NULL));
    g_assert_false(loader_add_file(f->loader, f->dir, RAM_BASE, &size, NULL));
    g_assert_false(loader_add_blob(f->loader, "tree", g_strdup("blob"), 4,
                                   RAM_BASE + RAM_SIZE - 3, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "'tree': 1 KiB at RAM + 0x7ffffd do not fit in 8 MiB of "
                    "RAM; try -m 16M");
    loader_free(NULL);
}

static void truncate_it(Fixture *f)
{
    write_file(f, "contents", 8);
    add_ok(f);
    g_assert_cmpint(truncate(f->path, 3), ==, 0);
    reset_all();
    g_assert_cmpint(failures, ==, 1);
}

static void overwrite_it(Fixture *f)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    write_file(f, "contents", 8);
    add_ok(f);
    reset_all();
    g_assert_cmpint(failures, ==, 0);
    g_assert_cmpint(utimensat(AT_FDCWD, f->path, times, 0), ==, 0);
    reset_all();
    g_assert_cmpint(failures, ==, 1);
}

static void take_ram_away(Fixture *f)
{
    write_file(f, "contents", 8);
    add_ok(f);
    memory_region_set_enabled(&f->ram, false);
    reset_all();
    g_assert_cmpint(failures, ==, 1);
}

static void test_truncated(Fixture *f, gconstpointer unused)
{
    in_subprocess(f, truncate_it, "*the file changed since the start*");
}

static void test_overwritten(Fixture *f, gconstpointer unused)
{
    in_subprocess(f, overwrite_it, "*the file changed since the start*");
}

static void test_no_ram(Fixture *f, gconstpointer unused)
{
    in_subprocess(f, take_ram_away, "*no RAM at 0x40080000*");
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer),
                gconstpointer data)
{
    g_test_add(path, Fixture, data, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    int rc;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    add("/loader/linux", test_linux, NULL);
    add("/loader/linux-gzip", test_linux, "gzip");
    add("/loader/linux-old", test_linux_old, NULL);
    add("/loader/linux-long", test_linux_long, NULL);
    add("/loader/linux-refused", test_linux_refused, NULL);
    add("/loader/raw", test_raw, NULL);
    add("/loader/mistakes", test_mistakes, NULL);
    add("/loader/gzip-refused", test_gzip_refused, NULL);
    add("/loader/gzip-larger", test_gzip_larger, NULL);
    add("/loader/gzip-smaller", test_gzip_smaller, NULL);
    add("/loader/gzip-checksum", test_gzip_checksum, NULL);
    add("/loader/elf", test_elf, NULL);
    add("/loader/elf-physical-entry", test_elf_physical_entry, NULL);
    add("/loader/elf-refused", test_elf_refused, NULL);
    add("/loader/files-refused", test_files_refused, NULL);
    add("/loader/file-and-blob", test_file_and_blob, NULL);
    add("/loader/truncated", test_truncated, NULL);
    add("/loader/overwritten", test_overwritten, NULL);
    add("/loader/no-ram", test_no_ram, NULL);
    rc = g_test_run();
    machine_unlock();
    return rc;
}
