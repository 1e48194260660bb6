/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's RAM as another process sees it: there for one exactly when a
 * device wants it, and what a reset loads into it is there as well. The other
 * process is this one, by the emulator's descriptor in /proc.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/qtest-client.h"

#define RAM 0x40000000
#define RAM_SIZE (64 << 20)
#define PATTERN "an image that is in RAM again after a reset"

/* The emulator's guest RAM, opened; -1: it has none that can be. */
static int open_ram(QtestClient *c)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/fd", (int)qtest_client_pid(c));
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    int found = -1;

    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *link = g_build_filename(path, name, NULL);
        g_autofree char *target = g_file_read_link(link, NULL);

        if (target && g_str_has_prefix(target, "/memfd:guest-ram")) {
            g_assert_cmpint(found, ==, -1);
            found = open(link, O_RDWR | O_CLOEXEC);
            g_assert_no_errno(found);
        }
    }
    return found;
}

static uint8_t *map_ram(QtestClient *c)
{
    int fd = open_ram(c);
    uint8_t *ram;

    g_assert_cmpint(fcntl(fd, F_GET_SEALS), ==,
                    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert_true(ram != MAP_FAILED);
    close(fd);
    return ram;
}

static void test_shared(void)
{
    QtestClient *c = qtest_client_new("-M virt -m 64M -device ram-sharer");
    uint8_t *ram = map_ram(c);
    uint32_t value;

    qtest_writel(c, RAM + RAM_SIZE - 4, 0x12345678);
    memcpy(&value, ram + RAM_SIZE - 4, 4);
    g_assert_cmphex(value, ==, 0x12345678);
    value = 0x9abcdef0;
    memcpy(ram, &value, 4);
    g_assert_cmphex(qtest_readl(c, RAM), ==, 0x9abcdef0);
    munmap(ram, RAM_SIZE);
    qtest_client_quit(c);
}

/* The device says so too; a monitor sees what cannot be set. */
static void test_state(void)
{
    QtestClient *c = qtest_client_new("-M virt -device ram-sharer,id=r");
    struct json_object *reply =
        qtest_qmp(c, "{\"execute\": \"qom-get\", \"arguments\": {\"path\": "
                     "\"/machine/peripheral/r\", \"property\": \"ram\"}}");

    g_assert_cmpstr(json_text_at(reply, "return"), ==, "shared");
    json_object_put(reply);
    qtest_client_quit(c);
}

static void test_private(void)
{
    QtestClient *c = qtest_client_new("-M virt -m 64M -device testdev");

    g_assert_cmpint(open_ram(c), ==, -1);
    qtest_client_quit(c);
}

static void reset(QtestClient *c)
{
    json_object_put(qtest_qmp(c, "{\"execute\": \"system_reset\"}"));
    json_object_put(qtest_qmp_event(c, "RESET"));
}

static void test_reset(void)
{
    g_autofree char *dir = g_dir_make_tmp("ram-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "kernel", NULL);
    QtestClient *c;
    uint8_t *ram, *image;

    g_assert_true(g_file_set_contents(path, PATTERN, -1, NULL));
    c = qtest_client_new("-M virt -m 64M -device ram-sharer -kernel %s", path);
    ram = map_ram(c);
    image = memmem(ram, RAM_SIZE, PATTERN, strlen(PATTERN));
    g_assert_nonnull(image);
    memset(image, 0, strlen(PATTERN));
    reset(c);
    g_assert_true(memcmp(image, PATTERN, strlen(PATTERN)) == 0);
    munmap(ram, RAM_SIZE);
    qtest_client_quit(c);
    unlink(path);
    g_assert_no_errno(rmdir(dir));
}

/* What a device tells of itself is no option. */
static void test_readonly_property(void)
{
    g_autoptr(EmulatorResult) result = emulator_run("-device ram-sharer,help");

    g_assert_cmpint(result->status, ==, 0);
    g_assert_nonnull(strstr(result->out, "shares the guest's RAM"));
    g_assert_null(strstr(result->out, "ram="));
    emulator_expect_error(
        "-device: ram-sharer: property 'ram' can only be read",
        "-M virt -accel qtest -device ram-sharer,ram=shared");
}

/* Looking for what shares RAM says nothing of types that there are not. */
static void test_unknown_type(void)
{
    emulator_expect_error("-device: there is no 'ram-shares'; try: -device "
                          "ram-sharer",
                          "-M virt -accel qtest -device ram-sharer "
                          "-device ram-shares");
    emulator_expect_error("-device: there is no 'none-machine'",
                          "-M virt -accel qtest -device none-machine");
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_test_add_func("/shared-ram/shared", test_shared);
    g_test_add_func("/shared-ram/state", test_state);
    g_test_add_func("/shared-ram/private", test_private);
    g_test_add_func("/shared-ram/reset", test_reset);
    g_test_add_func("/shared-ram/readonly-property", test_readonly_property);
    g_test_add_func("/shared-ram/unknown-type", test_unknown_type);
    return g_test_run();
}
