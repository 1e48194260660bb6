/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server library, command by command, against the wire document: what each
 * reply says, every length that is one off, every flag, index and offset that
 * is not served. Where the document leaves a choice both answers are taken;
 * never is a wrong command served, and the client that sent it is served on.
 */

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi-model.h"

/* ---- VERSION ---- */

/* The number at "capabilities.@key" of a reply to VERSION; @otherwise. */
static int64_t capability(const UserMsg *msg, const char *key,
                          int64_t otherwise)
{
    const char *text = (char *)msg->payload + sizeof(VFIOUserVersion);
    struct json_object *root, *caps, *value;
    int64_t number = otherwise;

    g_assert_cmpuint(msg->size, >, sizeof(VFIOUserVersion));
    g_assert_cmpuint(sizeof(VFIOUserVersion) + strlen(text) + 1, ==, msg->size);
    root = json_tokener_parse(text);
    g_assert_nonnull(root);
    if (json_object_object_get_ex(root, "capabilities", &caps) &&
        json_object_object_get_ex(caps, key, &value)) {
        number = json_object_get_int64(value);
    }
    json_object_put(root);
    return number;
}

static void test_version(void)
{
    g_autoptr(AbiModel) model = NULL;
    g_autoptr(UserPeer) client = NULL;
    g_autoptr(UserMsg) msg = NULL;
    const VFIOUserVersion *version;

    model = abi_model_new(true);
    client = abi_model_attach(model);
    abi_model_run(model);
    msg = user_peer_hello(client, "{\"capabilities\":{}}");
    version = (void *)msg->payload;
    g_assert_cmpuint(version->major, ==, 0);
    g_assert_cmpuint(version->minor, ==, 2);
    g_assert_cmpuint(msg->num_fds, ==, 0);
    g_assert_cmpint(capability(msg, "max_data_xfer_size", 0), ==, 1 << 20);
    g_assert_cmpint(capability(msg, "max_msg_fds", 1), >=, 1);
    g_assert_cmpint(capability(msg, "max_dma_maps", 65535), >, 0);
    g_assert_cmpint(capability(msg, "pgsizes", 4096), >, 0);
    abi_model_stop(&model, &client);
}

/* What a client may say in its VERSION: all of these are served. */
static void test_version_good(void)
{
    static const char *const good[] = {
        NULL,
        "{}",
        " { } ",
        "{\"capabilities\":{}}",
        "{\"capabilities\":{\"max_msg_fds\":8}}",
        "{\"capabilities\":{\"max_msg_fds\":0}}",
        "{\"capabilities\":{\"max_msg_fds\":1024,\"unknown\":[1,{\"a\":null}]}"
        "}",
        "{\"capabilities\":{\"max_data_xfer_size\":4096}}",
        "{\"capabilities\":{\"max_data_xfer_size\":1048576,"
        "\"pgsizes\":4096,\"max_dma_maps\":65535,\"write_multiple\":true,"
        "\"migration\":{\"pgsize\":4096}}}",
        "{\"capabilities\":{\"twin_socket\":{\"supported\":false}}}",
        "{\"other\":\"\\u00e4\\\"\\\\\",\"capabilities\":{}}",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        AbiModel *model;
        UserPeer *client = abi_model_start(&model, good[i]);

        abi_write(client, ABI_REGS, 0, 4, i);
        g_assert_cmpuint(abi_read(client, ABI_REGS, 0, 4), ==, i);
        abi_model_stop(&model, &client);
    }
}

static UserMsg *propose(UserPeer *client, uint16_t major, uint16_t minor)
{
    VFIOUserVersion version = {major, minor};
    uint16_t id = user_peer_command(client, VFIO_USER_VERSION, 0, &version,
                                    sizeof(version), NULL, 0);
    UserMsg *msg = user_peer_receive(client);

    if (msg) {
        g_assert_cmpuint(msg->head.id, ==, id);
    }
    return msg;
}

/* The reply's minor is at most the client's; a major is met or refused. */
static void test_version_numbers(void)
{
    for (unsigned i = 0; i < 8; i++) {
        static const uint16_t minors[] = {0, 1, 2, 3, 65535};
        uint16_t major = i < 5 ? 0 : i == 7 ? 65535 : i - 4;
        uint16_t minor = i < 5 ? minors[i] : 2;
        AbiModel *model = abi_model_new(true);
        UserPeer *client = abi_model_attach(model);
        UserMsg *msg;

        abi_model_run(model);
        msg = propose(client, major, minor);
        g_assert_nonnull(msg);
        if (major) {
            g_assert_cmphex(msg->head.flags, ==,
                            VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR);
            g_assert_cmpuint(msg->size, ==, 0);
            user_peer_expect_end(client);
        } else {
            VFIOUserVersion *version = (void *)msg->payload;

            g_assert_cmphex(msg->head.flags, ==, VFIO_USER_FLAG_REPLY);
            g_assert_cmpuint(msg->size, >=, sizeof(*version));
            g_assert_cmpuint(version->major, ==, 0);
            g_assert_cmpuint(version->minor, ==, MIN(minor, 2));
        }
        user_msg_free(msg);
        abi_model_stop(&model, &client);
    }
}

/* Refused, and never served afterwards as if it had been agreed upon. */
static void expect_bad_version(const void *payload, size_t size)
{
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    AbiModel *model = abi_model_new(true);
    UserPeer *client = abi_model_attach(model);

    abi_model_run(model);
    g_assert_cmpint(abi_try(client, VFIO_USER_VERSION, payload, size, NULL, 0),
                    !=, 0);
    g_assert_cmpint(abi_try(client, VFIO_USER_DEVICE_GET_INFO, &info,
                            sizeof(info), NULL, 0),
                    !=, 0);
    abi_model_stop(&model, &client);
}

static void test_version_bad(void)
{
    static const char *const bad[] = {
        "{\"capabilities\":{}",
        "{\"capabilities\":}",
        "{\"capabilities\":{\"max_msg_fds\":}}",
        "{\"capabilities\":{\"max_msg_fds\":1,}}}",
        "{]",
        "nonsense",
        "\"",
        "{\"a\":\"\\",
        "{\"a\":\"\\u12",
        "{} {}",
    };
    uint8_t payload[4096] = {0, 0, 2, 0};

    for (unsigned size = 0; size < 4; size++) {
        expect_bad_version(payload, size);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        strcpy((char *)payload + 4, bad[i]);
        expect_bad_version(payload, 4 + strlen(bad[i]) + 1);
    }
    /* No zero at the end. */
    memcpy(payload + 4, "{}", 3);
    expect_bad_version(payload, 4 + 2);
    memcpy(payload + 4, "{} ", 3);
    expect_bad_version(payload, 4 + 3);
    /* Too deep for anybody. */
    memset(payload + 4, '[', sizeof(payload) - 5);
    payload[sizeof(payload) - 1] = 0;
    expect_bad_version(payload, sizeof(payload));
}

/* Values that make no sense: refused or ignored, and then all is well. */
static void test_version_odd(void)
{
    static const char *const odd[] = {
        "",
        "[]",
        "1",
        "null",
        "\"text\"",
        "{\"capabilities\":[]}",
        "{\"capabilities\":null}",
        "{\"capabilities\":{\"max_msg_fds\":\"x\"}}",
        "{\"capabilities\":{\"max_msg_fds\":-1}}",
        "{\"capabilities\":{\"max_msg_fds\":1e9}}",
        "{\"capabilities\":{\"max_data_xfer_size\":0}}",
        "{\"capabilities\":{\"max_data_xfer_size\":-5}}",
        "{\"capabilities\":{\"max_data_xfer_size\":99999999999999999999999}}",
        "{\"capabilities\":{\"pgsizes\":0}}",
        "{\"capabilities\":{\"twin_socket\":true}}",
        "{\"capabilities\":{\"twin_socket\":{\"supported\":3}}}",
        "{\"capabilities\":{\"write_multiple\":{}}}",
        "{\"capabilities\":{\"max_msg_fds\":1,\"max_msg_fds\":2}}",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
        AbiModel *model = abi_model_new(true);
        UserPeer *client = abi_model_attach(model);
        g_autofree uint8_t *payload = g_malloc0(4 + strlen(odd[i]) + 1);
        int result;

        payload[2] = 2;
        strcpy((char *)payload + 4, odd[i]);
        abi_model_run(model);
        result = abi_try(client, VFIO_USER_VERSION, payload,
                         4 + strlen(odd[i]) + 1, NULL, 0);
        if (result == 0) {
            abi_write(client, ABI_REGS, 8, 8, i);
            g_assert_cmpuint(abi_read(client, ABI_REGS, 8, 8), ==, i);
        }
        abi_model_stop(&model, &client);
    }
}

/* Nothing is served before VERSION, and VERSION only once. */
static void test_version_first(void)
{
    uint8_t zeros[32] = {0, 0, 2};

    for (uint16_t command = 0; command < 20; command++) {
        AbiModel *model = abi_model_new(true);
        UserPeer *client = abi_model_attach(model);

        abi_model_run(model);
        if (command == VFIO_USER_VERSION) {
            user_msg_free(user_peer_hello(client, NULL));
        }
        g_assert_cmpint(abi_try(client, command, zeros,
                                command == VFIO_USER_VERSION ? 4 : 16, NULL, 0),
                        !=, 0);
        g_clear_pointer(&client, user_peer_free);
        abi_model_join(model);
        g_assert_cmpuint(model->resets, ==, 0);
        abi_model_stop(&model, &client);
    }
}

/* ---- what the device is ---- */

static void test_device_info(void)
{
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    AbiModel *model;
    g_autoptr(UserPeer) client = abi_model_start(&model, NULL);
    g_autoptr(UserMsg) msg = user_peer_call(client, VFIO_USER_DEVICE_GET_INFO,
                                            &info, sizeof(info), NULL, 0);

    info = (VFIOUserDeviceInfo){
        .argsz = sizeof(info),
        .flags = VFIO_USER_DEVICE_PLATFORM | VFIO_USER_DEVICE_RESETTABLE,
        .num_regions = ABI_REGIONS,
        .num_irqs = ABI_LINES,
    };
    g_assert_cmpmem(msg->payload, msg->size, &info, sizeof(info));
    abi_check_lengths(client, VFIO_USER_DEVICE_GET_INFO, &info, sizeof(info));
    abi_model_stop(&model, &client);
}

static UserMsg *region_info(UserPeer *client, uint32_t index, uint32_t argsz)
{
    VFIOUserRegionInfo info = {.argsz = argsz, .index = index};

    return user_peer_call(client, VFIO_USER_DEVICE_GET_REGION_INFO, &info,
                          sizeof(info), NULL, 0);
}

static void test_region_info(void)
{
    static const struct {
        uint32_t flags;
        uint64_t size;
    } want[] = {
        [ABI_REGS] = {3, 4096},     [ABI_MEMORY] = {7, 8192},
        [ABI_SPARSE] = {15, 16384}, [ABI_RO] = {1, 256},
        [ABI_WO] = {2, 256},
    };
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned i = 0; i < ABI_REGIONS; i++) {
        g_autoptr(UserMsg) msg = region_info(client, i, 4096);
        const VFIOUserRegionInfo *info = (void *)msg->payload;

        g_assert_cmpuint(msg->size, >=, sizeof(*info));
        g_assert_cmpuint(info->argsz, ==, msg->size);
        g_assert_cmpuint(info->index, ==, i);
        g_assert_cmpuint(info->size, ==, want[i].size);
        /* A region that is mapped as a whole may say so in a capability. */
        g_assert_cmphex(info->flags & ~(want[i].flags & 4 ? 8 : 0), ==,
                        want[i].flags & ~(want[i].flags & 4 ? 8 : 0));
        g_assert_cmpuint(msg->num_fds, ==, want[i].flags & 4 ? 1 : 0);
        g_assert_true(!(info->flags & 8) == !info->cap_offset);
        abi_check_lengths(client, VFIO_USER_DEVICE_GET_REGION_INFO, info,
                          sizeof(*info));
    }
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t bad[] = {ABI_REGIONS, 0x80000000, UINT32_MAX};
        VFIOUserRegionInfo info = {.argsz = sizeof(info), .index = bad[i]};

        abi_refused(client, VFIO_USER_DEVICE_GET_REGION_INFO, &info,
                    sizeof(info), NULL, 0);
    }
    abi_model_stop(&model, &client);
}

/* The capability comes when argsz has room for it, whole or not at all. */
static void test_region_sparse(void)
{
    static const VFIOUserArea areas[] = {{4096, 4096}, {12288, 4096}};
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);
    size_t full =
        sizeof(VFIOUserRegionInfo) + sizeof(VFIOUserCapSparse) + sizeof(areas);

    for (uint32_t argsz = sizeof(VFIOUserRegionInfo); argsz <= full + 1;
         argsz++) {
        g_autoptr(UserMsg) msg = region_info(client, ABI_SPARSE, argsz);
        const VFIOUserRegionInfo *info = (void *)msg->payload;
        const VFIOUserCapSparse *cap;

        g_assert_cmpuint(info->argsz, ==, full);
        g_assert_cmphex(info->flags, ==, 15);
        if (argsz < full) {
            g_assert_cmpuint(msg->size, ==, sizeof(*info));
            g_assert_cmpuint(info->cap_offset, ==, 0);
            continue;
        }
        g_assert_cmpuint(msg->size, ==, full);
        g_assert_cmpuint(info->cap_offset, ==, sizeof(*info));
        cap = (void *)(msg->payload + info->cap_offset);
        g_assert_cmpuint(cap->cap.id, ==, VFIO_USER_CAP_SPARSE_MMAP);
        g_assert_cmpuint(cap->cap.version, ==, 1);
        g_assert_cmpuint(cap->cap.next, ==, 0);
        g_assert_cmpuint(cap->nr_areas, ==, 2);
        g_assert_cmpmem(cap->areas, sizeof(areas), areas, sizeof(areas));
        g_assert_cmpuint(msg->num_fds, ==, 1);
    }
    abi_model_stop(&model, &client);
}

/* What is mapped and what is asked for are the same bytes. */
static void test_region_fd(void)
{
    AbiModel *model;
    UserPeer *client = abi_model_start(&model, NULL);

    for (unsigned i = ABI_MEMORY; i <= ABI_SPARSE; i++) {
        g_autoptr(UserMsg) msg = region_info(client, i, 4096);
        const VFIOUserRegionInfo *info = (void *)msg->payload;
        uint64_t at = i == ABI_SPARSE ? 4096 : 0;
        uint32_t *mem;

        g_assert_cmphex(fcntl(msg->fds[0], F_GET_SEALS) &
                            (F_SEAL_SHRINK | F_SEAL_WRITE),
                        ==, F_SEAL_SHRINK);
        g_assert_cmpint(lseek(msg->fds[0], 0, SEEK_END), >=,
                        info->offset + info->size);
        mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, msg->fds[0],
                   info->offset + at);
        g_assert_true(mem != MAP_FAILED);
        abi_write(client, i, at + 8, 4, 0x11223344);
        g_assert_cmphex(mem[2], ==, 0x11223344);
        mem[3] = 0x55667788;
        g_assert_cmphex(abi_read(client, i, at + 12, 4), ==, 0x55667788);
        munmap(mem, 4096);
    }
    abi_model_stop(&model, &client);
}

/* ---- doorbells ---- */

static UserMsg *io_fds(UserPeer *client, uint32_t index, uint32_t argsz)
{
    VFIOUserIoFds request = {.argsz = argsz, .index = index};

    return user_peer_call(client, VFIO_USER_DEVICE_GET_REGION_IO_FDS, &request,
                          sizeof(request), NULL, 0);
}

static void test_io_fds(void)
{
    AbiModel *model;
    UserPeer *client =
        abi_model_start(&model, "{\"capabilities\":{\"max_msg_fds\":8}}");
    size_t full = sizeof(VFIOUserIoFds) + 2 * sizeof(VFIOUserIoFd);
    VFIOUserIoFds bad = {.argsz = 16, .index = ABI_REGIONS};
    uint64_t one = 1;

    for (uint32_t argsz = 16; argsz <= full; argsz++) {
        g_autoptr(UserMsg) msg = io_fds(client, ABI_REGS, argsz);
        const VFIOUserIoFds *reply = (void *)msg->payload;

        g_assert_cmpuint(msg->size, >=, sizeof(*reply));
        g_assert_cmpuint(msg->size, <=, argsz);
        g_assert_cmpuint(reply->argsz, ==, full);
        g_assert_cmpuint(reply->index, ==, ABI_REGS);
        if (argsz == full) {
            const VFIOUserIoFd *fds = (void *)(reply + 1);

            g_assert_cmpuint(msg->size, ==, full);
            g_assert_cmpuint(reply->count, ==, 2);
            for (unsigned i = 0; i < 2; i++) {
                g_assert_cmphex(fds[i].offset, ==, i ? ABI_BELL_ANY : ABI_BELL);
                g_assert_cmpuint(fds[i].size, ==, i ? 0 : 4);
                g_assert_cmpuint(fds[i].type, ==, VFIO_USER_IO_FD_IOEVENTFD);
                g_assert_cmphex(fds[i].flags, ==, 0);
                g_assert_cmpuint(fds[i].fd_index, <, msg->num_fds);
                g_assert_cmpint(write(msg->fds[fds[i].fd_index], &one, 8), ==,
                                8);
            }
        }
    }
    abi_check_lengths(client, VFIO_USER_DEVICE_GET_REGION_IO_FDS,
                      &(VFIOUserIoFds){.argsz = 16}, sizeof(VFIOUserIoFds));
    abi_refused(client, VFIO_USER_DEVICE_GET_REGION_IO_FDS, &bad, sizeof(bad),
                NULL, 0);
    for (unsigned i = ABI_MEMORY; i < ABI_REGIONS; i++) {
        g_autoptr(UserMsg) msg = io_fds(client, i, 4096);
        VFIOUserIoFds none = {.argsz = 16, .index = i};

        g_assert_cmpmem(msg->payload, msg->size, &none, sizeof(none));
        g_assert_cmpuint(msg->num_fds, ==, 0);
    }
    /* A client that cannot do it writes, and each write rings. */
    abi_write(client, ABI_REGS, ABI_BELL, 4, 0);
    abi_write(client, ABI_REGS, ABI_BELL_ANY, 1, 0);
    abi_write(client, ABI_REGS, ABI_BELL_ANY, 8, 0);
    g_clear_pointer(&client, user_peer_free);
    abi_model_join(model);
    g_assert_cmpuint(model->bells, >=, 4);
    abi_model_stop(&model, &client);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/abi-server/version", test_version);
    g_test_add_func("/abi-server/version-good", test_version_good);
    g_test_add_func("/abi-server/version-numbers", test_version_numbers);
    g_test_add_func("/abi-server/version-bad", test_version_bad);
    g_test_add_func("/abi-server/version-odd", test_version_odd);
    g_test_add_func("/abi-server/version-first", test_version_first);
    g_test_add_func("/abi-server/device-info", test_device_info);
    g_test_add_func("/abi-server/region-info", test_region_info);
    g_test_add_func("/abi-server/region-sparse", test_region_sparse);
    g_test_add_func("/abi-server/region-fd", test_region_fd);
    g_test_add_func("/abi-server/io-fds", test_io_fds);
    return g_test_run();
}
