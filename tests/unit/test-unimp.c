/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unimp.c: reads as zero, ignores writes, and says so without flooding the log.
 */
#include <string.h>

#include "hw/core/sysbus.h"
#include "util/main-loop.h"

#define TYPE "unimplemented-device"
#define BASE 0x9000000

static DeviceState *new_unimp(const char *name, const char *size)
{
    DeviceState *dev = qdev_new(TYPE);

    g_assert_true(object_add_child(object_root(), "dev", OBJECT(dev), NULL));
    object_unref(OBJECT(dev));
    if (name) {
        g_assert_true(object_set_property(OBJECT(dev), "name", name, NULL));
    }
    if (size) {
        g_assert_true(object_set_property(OBJECT(dev), "size", size, NULL));
    }
    return dev;
}

/* Reads @len bytes at @offset into all-ones; true if they are zero then. */
static bool reads_zero(hwaddr offset, size_t len)
{
    uint8_t buf[16];

    memset(buf, 0xff, sizeof(buf));
    g_assert_cmpint(
        address_space_read(address_space_memory(), BASE + offset, buf, len), ==,
        MEMTX_OK);
    for (size_t i = 0; i < len; i++) {
        if (buf[i]) {
            return false;
        }
    }
    return true;
}

static void access_all(void)
{
    uint32_t word = 0xdeadbeef;

    for (size_t len = 1; len <= 16; len++) {
        g_assert_true(reads_zero(3, len));
    }
    g_assert_cmpint(
        address_space_write(address_space_memory(), BASE + 0xffc, &word, 4), ==,
        MEMTX_OK);
    g_assert_true(reads_zero(0xffc, 4));
}

static void access_in_subprocess(void)
{
    DeviceState *dev = new_unimp("the-gpu", "4k");

    g_assert_true(sysbus_realize_at(SYS_BUS_DEVICE(dev), BASE, NULL, NULL));
    access_all();
    object_root_free();
    g_assert_null(address_space_find(address_space_memory(), BASE).mr);
}

static void write_in_subprocess(void)
{
    DeviceState *dev = new_unimp("the-gpu", "4k");
    uint16_t half = 0xbe;

    g_assert_true(sysbus_realize_at(SYS_BUS_DEVICE(dev), BASE, NULL, NULL));
    address_space_write(address_space_memory(), BASE + 0x10, &half, 2);
    object_root_free();
}

static void test_access(void)
{
    if (g_test_subprocess()) {
        access_in_subprocess();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr(
        "platypus: warning: the-gpu: unimplemented read of 1 bytes at 0x3\n*");
}

static void test_write(void)
{
    if (g_test_subprocess()) {
        write_in_subprocess();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("platypus: warning: the-gpu: unimplemented write "
                              "of 0x00be (2 bytes) at 0x10\n");
}

static void expect_no_realize(const char *name, const char *size,
                              const char *message)
{
    DeviceState *dev = new_unimp(name, size);
    g_autoptr(Error) err = NULL;

    g_assert_false(qdev_realize(dev, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, message);
    object_root_free();
}

static void test_missing_properties(void)
{
    expect_no_realize(NULL, "4k", TYPE " dev: property 'name' must be set");
    expect_no_realize("gpu", NULL, TYPE " dev: property 'size' must be set");
    expect_no_realize("gpu", "0", TYPE " dev: property 'size' must be set");
}

static void test_class(void)
{
    ObjectClass *klass = object_class_by_name(TYPE);

    g_assert_true(DEVICE_CLASS(klass)->user_creatable);
    g_assert_null(SYS_BUS_DEVICE_CLASS(klass)->write_fdt);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/unimp/access", test_access);
    g_test_add_func("/unimp/write", test_write);
    g_test_add_func("/unimp/missing-properties", test_missing_properties);
    g_test_add_func("/unimp/class", test_class);
    status = g_test_run();
    machine_unlock();
    return status;
}
