/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server library against the wire document: accesses to regions, reset, and
 * the commands that it does not know.
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi-model.h"

/* ---- accesses ---- */

static int try_read(UserPeer *client, uint32_t region, uint64_t offset,
                    uint32_t count)
{
    VFIOUserRegionAccess access = {offset, region, count};

    return abi_try(client, VFIO_USER_REGION_READ, &access, sizeof(access), NULL,
                   0);
}

/* REGION_WRITE that says @count and has @size bytes of data. */
static int try_write(UserPeer *client, uint32_t region, uint64_t offset,
                     uint32_t count, size_t size)
{
    g_autofree uint8_t *payload =
        g_malloc0(sizeof(VFIOUserRegionAccess) + size);
    VFIOUserRegionAccess access = {offset, region, count};

    memcpy(payload, &access, sizeof(access));
    return abi_try(client, VFIO_USER_REGION_WRITE, payload,
                   sizeof(access) + size, NULL, 0);
}

/* Every size at every alignment: the bytes are as if written one by one. */
static void test_access(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    uint8_t mirror[64] = {0};

    for (unsigned offset = 0; offset < 8; offset++) {
        for (unsigned size = 1; size <= 8; size++) {
            uint64_t value = 0x8877665544332211ull * (offset + size), want = 0;

            abi_write(client, ABI_REGS, 0x100 + offset, size, value);
            memcpy(mirror + offset, &value, size);
            memcpy(&want, mirror + offset, size);
            g_assert_cmphex(abi_read(client, ABI_REGS, 0x100 + offset, size),
                            ==, want);
            memcpy(&want, mirror, 8);
            g_assert_cmphex(abi_read(client, ABI_REGS, 0x100, 8), ==, want);
        }
    }
    /* No register: ones, or refused. */
    g_assert_cmpint(try_write(client, ABI_REGS, ABI_NOTHING, 4, 4), <=, 0);
    if (try_read(client, ABI_REGS, ABI_NOTHING, 4) == 0) {
        g_assert_cmphex(abi_read(client, ABI_REGS, ABI_NOTHING, 4), ==,
                        UINT32_MAX);
    }
    abi_model_stop(&model, &client);
}

/* An aligned access of 1, 2, 4 or 8 is one call of the model. */
static void test_access_is_one(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned size = 1; size <= 8; size *= 2) {
        abi_read(client, ABI_REGS, 0x200, size);
    }
    g_clear_pointer(&client, user_peer_free);
    abi_model_join(model);
    g_assert_cmpuint(model->reads, ==, 4);
    g_assert_cmpuint(model->last_size, ==, 8);
    abi_model_stop(&model, &client);
}

static void test_access_large(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    g_autofree uint8_t *payload = g_malloc(16 + 16384);
    g_autoptr(UserMsg) written = NULL, got = NULL;
    VFIOUserRegionAccess access = {0, ABI_SPARSE, 16384};

    memcpy(payload, &access, sizeof(access));
    for (unsigned i = 0; i < access.count; i++) {
        payload[16 + i] = i * 7 + (i >> 8);
    }
    written = user_peer_call(client, VFIO_USER_REGION_WRITE, payload,
                             16 + access.count, NULL, 0);
    g_assert_cmpmem(written->payload, written->size, &access, sizeof(access));
    got = user_peer_call(client, VFIO_USER_REGION_READ, &access, sizeof(access),
                         NULL, 0);
    g_assert_cmpmem(got->payload, got->size, payload, 16 + access.count);
    abi_model_stop(&model, &client);
}

static void test_access_bounds(void)
{
    static const struct {
        uint32_t region;
        uint64_t offset;
        uint32_t count;
    } bad[] = {
        {ABI_REGS, 4096, 1},
        {ABI_REGS, 4095, 2},
        {ABI_REGS, 4092, 8},
        {ABI_REGS, 0, 4097},
        {ABI_REGS, 1, 4096},
        {ABI_REGS, UINT64_MAX, 1},
        {ABI_REGS, UINT64_MAX, 2},
        {ABI_REGS, UINT64_MAX - 3, 8},
        {ABI_REGS, 1ull << 32, 4},
        {ABI_REGS, 1ull << 63, 4},
        {ABI_MEMORY, 8192, 1},
        {ABI_MEMORY, 8190, 4},
        {ABI_MEMORY, UINT64_MAX - 4095, 4096},
        {ABI_SPARSE, 16384, 1},
        {ABI_RO, 256, 1},
        {ABI_REGIONS, 0, 4},
        {UINT32_MAX, 0, 4},
    };
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpint(
            try_read(client, bad[i].region, bad[i].offset, bad[i].count), ==,
            ABI_REFUSED);
        g_assert_cmpint(try_write(client, bad[i].region, bad[i].offset,
                                  bad[i].count, bad[i].count),
                        ==, ABI_REFUSED);
    }
    g_assert_cmpint(try_read(client, ABI_REGS, 0, UINT32_MAX), ==, ABI_REFUSED);
    g_assert_cmpint(try_read(client, ABI_REGS, 0, (1 << 20) + 1), ==,
                    ABI_REFUSED);
    g_assert_cmpint(try_read(client, ABI_WO, 0, 4), ==, ABI_REFUSED);
    g_assert_cmpint(try_write(client, ABI_RO, 0, 4, 4), ==, ABI_REFUSED);
    g_assert_cmphex(abi_read(client, ABI_RO, 0, 1), ==, 0x5a);
    abi_write(client, ABI_WO, 0, 1, 0x77);
    g_assert_cmphex(abi_read(client, ABI_REGS, 0, 1), ==, 0x77);
    abi_model_stop(&model, &client);
}

/* count 0: nothing happens, politely; beyond the region it may be refused. */
static void test_access_nothing(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    g_assert_cmpint(try_read(client, ABI_REGS, 0, 0), !=, ABI_GONE);
    g_assert_cmpint(try_write(client, ABI_REGS, 0, 0, 0), !=, ABI_GONE);
    g_assert_cmpint(try_read(client, ABI_REGS, 4096, 0), !=, ABI_GONE);
    g_assert_cmpint(try_read(client, ABI_REGS, UINT64_MAX, 0), !=, ABI_GONE);
    g_assert_cmpint(try_read(client, ABI_REGIONS, 0, 0), ==, ABI_REFUSED);
    g_clear_pointer(&client, user_peer_free);
    abi_model_join(model);
    g_assert_cmpuint(model->reads, ==, 0);
    abi_model_stop(&model, &client);
}

static void test_access_lengths(void)
{
    VFIOUserRegionAccess access = {0, ABI_REGS, 4};
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    uint8_t longer[sizeof(access) + 1] = {0};

    for (size_t size = 0; size < sizeof(access); size++) {
        abi_refused(client, VFIO_USER_REGION_READ, &access, size, NULL, 0);
        abi_refused(client, VFIO_USER_REGION_WRITE, &access, size, NULL, 0);
    }
    memcpy(longer, &access, sizeof(access));
    g_assert_cmpint(
        abi_try(client, VFIO_USER_REGION_READ, longer, sizeof(longer), NULL, 0),
        !=, ABI_GONE);
    for (size_t size = 0; size < 9; size++) {
        g_assert_cmpint(try_write(client, ABI_REGS, 0, 4, size), ==,
                        size == 4 ? 0 : ABI_REFUSED);
    }
    g_assert_cmpint(try_write(client, ABI_REGS, 0, UINT32_MAX, 8), ==,
                    ABI_REFUSED);
    abi_model_stop(&model, &client);
}

static void test_write_multi(void)
{
    struct {
        VFIOUserWriteMulti head;
        VFIOUserWrite writes[4];
    } multi = {{4},
               {{0x10, ABI_REGS, 4, {1, 2, 3, 4}},
                {0x14, ABI_REGS, 8, {5, 6, 7, 8, 9, 10, 11, 12}},
                {0x1c, ABI_REGS, 1, {13}},
                {0x100, ABI_MEMORY, 2, {14, 15}}}};
    AbiModel *model;
    UserPeer *client =
        abi_model_start(&model, "{\"capabilities\":{\"write_multiple\":true}}");
    g_autoptr(UserMsg) msg = user_peer_call(
        client, VFIO_USER_REGION_WRITE_MULTI, &multi, sizeof(multi), NULL, 0);
    uint64_t four = 4;

    g_assert_cmpmem(msg->payload, msg->size, &four, 8);
    g_assert_cmphex(abi_read(client, ABI_REGS, 0x10, 4), ==, 0x04030201);
    g_assert_cmphex(abi_read(client, ABI_REGS, 0x14, 8), ==,
                    0x0c0b0a0908070605);
    g_assert_cmphex(abi_read(client, ABI_REGS, 0x1c, 1), ==, 13);
    g_assert_cmphex(abi_read(client, ABI_MEMORY, 0x100, 2), ==, 0x0f0e);
    /* Lengths that do not fit the count, and counts that wrap around. */
    for (size_t size = 0; size < sizeof(multi); size++) {
        abi_refused(client, VFIO_USER_REGION_WRITE_MULTI, &multi, size, NULL,
                    0);
    }
    for (unsigned i = 0; i < 7; i++) {
        static const uint64_t bad[] = {3,
                                       5,
                                       UINT64_MAX,
                                       1ull << 61,
                                       UINT64_MAX / 24 + 1,
                                       UINT64_MAX / 24 + 5,
                                       4 + (1ull << 61)};

        multi.head.count = bad[i];
        abi_refused(client, VFIO_USER_REGION_WRITE_MULTI, &multi, sizeof(multi),
                    NULL, 0);
    }
    abi_model_stop(&model, &client);
}

/* A bad one is not done, and the others are, as they would be alone. */
static void test_write_multi_bad(void)
{
    static const VFIOUserWrite bad[] = {
        {0, ABI_REGS, 9, {0}},    {0, ABI_REGS, UINT32_MAX, {0}},
        {4096, ABI_REGS, 1, {0}}, {UINT64_MAX, ABI_REGS, 8, {0}},
        {0, ABI_REGIONS, 4, {0}}, {0, ABI_RO, 4, {0}},
    };
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct {
            VFIOUserWriteMulti head;
            VFIOUserWrite writes[3];
        } multi = {{3},
                   {{0x10, ABI_REGS, 1, {0x55 + i}},
                    bad[i],
                    {0x20, ABI_REGS, 1, {0x66 + i}}}};
        uint64_t done;
        uint16_t id = user_peer_command(client, VFIO_USER_REGION_WRITE_MULTI, 0,
                                        &multi, sizeof(multi), NULL, 0);
        g_autoptr(UserMsg) msg =
            user_peer_expect_reply(client, VFIO_USER_REGION_WRITE_MULTI, id, 0);

        g_assert_cmpuint(msg->size, ==, sizeof(done));
        memcpy(&done, msg->payload, sizeof(done));
        g_assert_cmpuint(done, ==, 2);
        g_assert_cmphex(abi_read(client, ABI_REGS, 0x10, 1), ==, 0x55 + i);
        g_assert_cmphex(abi_read(client, ABI_REGS, 0x20, 1), ==, 0x66 + i);
    }
    abi_model_stop(&model, &client);
}

/* ---- the rest ---- */

static void test_reset(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    user_msg_free(
        user_peer_call(client, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0));
    g_clear_pointer(&client, user_peer_free);
    abi_model_join(model);
    g_assert_cmpuint(model->resets, ==, 1);
    abi_model_stop(&model, &client);
}

static void test_no_reset(void)
{
    AbiModel *model = abi_model_new(false);
    UserPeer *client = abi_model_attach(model);
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    g_autoptr(UserMsg) msg = NULL;

    abi_model_run(model);
    user_msg_free(user_peer_hello(client, NULL));
    msg = user_peer_call(client, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info),
                         NULL, 0);
    memcpy(&info, msg->payload, sizeof(info));
    g_assert_cmphex(info.flags, ==, VFIO_USER_DEVICE_PLATFORM);
    abi_refused(client, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0);
    abi_model_stop(&model, &client);
}

/* Commands of no number, of the server's, of migration: refused, with or
 * without payload and descriptors, and nothing is left of them. */
static void test_unknown(void)
{
    static const uint16_t commands[] = {0,  11, 12, 14,     16,
                                        17, 18, 19, 0x8000, 65535};
    static const uint64_t zeros[16];
    AbiModel *model;
    int fd = abi_memfd(4096);
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        for (size_t size = 0; size <= sizeof(zeros); size += 8) {
            abi_refused(client, commands[i], zeros, size, &fd, size == 8);
        }
    }
    abi_model_stop(&model, &client);
    close(fd);
}

/* Descriptors that no command asked for: closed, whatever the answer. */
static void test_stray_fds(void)
{
    VFIOUserRegionAccess access = {0, ABI_REGS, 4};
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    VFIOUserIrqSet unmask = {20, 17, ABI_LEVEL, 0, 1};
    AbiModel *model;
    int fd = abi_memfd(4096);
    int fds[8] = {fd, fd, fd, fd, fd, fd, fd, fd};
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned n = 1; n <= 2; n++) {
        abi_try(client, VFIO_USER_REGION_READ, &access, sizeof(access), fds, n);
        abi_try(client, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info), fds, n);
        abi_try(client, VFIO_USER_DEVICE_RESET, NULL, 0, fds, n);
        abi_try(client, VFIO_USER_DEVICE_SET_IRQS, &unmask, sizeof(unmask), fds,
                n);
    }
    abi_model_stop(&model, &client);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi-server-data/access", test_access);
    g_test_add_func("/abi-server-data/access-is-one", test_access_is_one);
    g_test_add_func("/abi-server-data/access-large", test_access_large);
    g_test_add_func("/abi-server-data/access-bounds", test_access_bounds);
    g_test_add_func("/abi-server-data/access-nothing", test_access_nothing);
    g_test_add_func("/abi-server-data/access-lengths", test_access_lengths);
    g_test_add_func("/abi-server-data/write-multi", test_write_multi);
    g_test_add_func("/abi-server-data/write-multi-bad", test_write_multi_bad);
    g_test_add_func("/abi-server-data/reset", test_reset);
    g_test_add_func("/abi-server-data/no-reset", test_no_reset);
    g_test_add_func("/abi-server-data/unknown", test_unknown);
    g_test_add_func("/abi-server-data/stray-fds", test_stray_fds);
    return g_test_run();
}
