/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client against the wire document: what a server may say of the protocol
 * and of itself, which of it is refused and in which words, capabilities that
 * do not end, and the commands that a server sends.
 */

#include "abi-host.h"

static const UserRegionDesc page = {.size = 4096, .flags = ABI_RW};
static const UserDeviceDesc plain = {
    .minor = 2,
    .flags = VFIO_USER_DEVICE_PLATFORM,
    .regions = &page,
    .num_regions = 1,
};

/* ---- VERSION ---- */

/* Opens a device that says @json; NULL or why not. */
static char *try_version(uint16_t minor, const char *json, bool twin)
{
    UserDeviceDesc desc = plain;
    uint32_t value = 0x11223344, got = 0;
    AbiHost h;
    char *why;

    desc.minor = minor;
    desc.json = json;
    desc.twin = twin;
    abi_host_init(&h, &desc);
    why = abi_host_try_open(&h);
    if (!why) {
        const VFIOHostOps *ops = h.host->ops;

        g_assert_cmpint(ops->region_write(h.host, 0, 4, &value, 4), ==, 0);
        g_assert_cmpint(ops->region_read(h.host, 0, 4, &got, 4), ==, 0);
        g_assert_cmphex(got, ==, value);
    } else {
        g_autofree char *prefix =
            g_strdup_printf("vfio-user: %s: ", h.config.socket);

        g_assert_true(g_str_has_prefix(why, prefix));
    }
    abi_host_finish(&h);
    return why;
}

#define CAPS(text) "{\"capabilities\":{" text "}}"

static void test_version_good(void)
{
    static const char *const good[] = {
        "",
        "{}",
        "{\"capabilities\":{}}",
        "{\"more\":[1,2,{\"a\":null}],\"capabilities\":{}}",
        CAPS("\"unknown\":17"),
        CAPS("\"max_msg_fds\":8"),
        CAPS("\"max_msg_fds\":1024"),
        CAPS("\"max_data_xfer_size\":4096"),
        CAPS("\"max_data_xfer_size\":1099511627776"),
        CAPS("\"max_dma_maps\":1"),
        CAPS("\"pgsizes\":65536"),
        CAPS("\"twin_socket\":{\"supported\":false}"),
        CAPS("\"write_multiple\":false"),
        CAPS("\"migration\":{\"pgsize\":4096}"),
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(good); i++) {
        for (uint16_t minor = 0; minor <= 2; minor++) {
            g_autofree char *why = try_version(minor, good[i], false);

            g_assert_cmpstr(why, ==, NULL);
        }
    }
    g_free(try_version(2, NULL, true));
}

/* A minor that we did not offer, JSON that is none, a twin that is missing. */
static void test_version_bad(void)
{
    static const char *const bad[] = {
        "{",
        "}",
        "nonsense",
        "{\"capabilities\":}",
        "{} {}",
        "{\"a\":\"",
        CAPS("\"max_msg_fds\":"),
        CAPS("\"max_msg_fds\":\"x\""),
        CAPS("\"max_data_xfer_size\":-1"),
        CAPS("\"twin_socket\":{\"supported\":true,\"fd_index\":0}"),
    };
    g_autofree char *minor = try_version(3, "{}", false);
    g_autofree char *last = try_version(65535, "{}", false);

    g_assert_nonnull(minor);
    g_assert_nonnull(last);
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *why = try_version(2, bad[i], false);

        if (!why) {
            g_test_message("not refused: %s", bad[i]);
            g_test_fail();
        }
    }
    for (int index = -1; index < 3; index++) {
        g_autofree char *json = g_strdup_printf(
            CAPS("\"twin_socket\":{\"supported\":true,\"fd_index\":%d}"),
            index);
        g_autofree char *why = try_version(2, json, true);

        g_assert_true(!why == (index == 0));
    }
}

/* A descriptor that VERSION does not explain is closed, at the least. */
static void test_version_stray_fd(void)
{
    g_free(try_version(2, "{}", true));
    g_free(try_version(
        2, CAPS("\"twin_socket\":{\"supported\":false,\"fd_index\":0}"), true));
}

/* What the server sends instead of an answer to VERSION. */
typedef struct Instead {
    VFIOUserHeader head;
    const char *payload;
    size_t size;
} Instead;

static const Instead *instead;

static bool answer_instead(UserServer *server, UserMsg *msg, void *opaque)
{
    VFIOUserHeader head = instead->head;

    if (msg->head.command != VFIO_USER_VERSION) {
        return false;
    }
    head.id = msg->head.id;
    user_peer_send(server->peer, &head, instead->payload, instead->size, NULL,
                   0);
    return true;
}

static void test_version_instead(void)
{
    enum { V = VFIO_USER_VERSION };
    static const Instead bad[] = {
        {{0, V, 16, 0x21, EINVAL}, "", 0},
        {{0, V, 16, 0x21, 0}, "", 0},
        {{0, V, 16, 1}, "", 0},
        {{0, V, 18, 1}, "\0", 2},
        {{0, V, 19, 1}, "\0\0\2", 3},
        {{0, V, 20, 1}, "\1\0\0", 4},
        {{0, V, 20, 1}, "\1\0\2", 4},
        {{0, V, 20, 1}, "\377\377\2", 4},
        {{0, V, 22, 1}, "\0\0\2\0{}", 6}, /* no zero at its end */
        {{0, V, 26, 1}, "\0\0\2\0{}\0{}\0", 10},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *why = NULL;
        AbiHost h;

        instead = &bad[i];
        abi_host_init(&h, &plain);
        h.server->hook = answer_instead;
        why = abi_host_try_open(&h);
        if (!why) {
            g_test_message("case %u was taken", i);
            g_test_fail();
        }
        abi_host_finish(&h);
    }
}

/* ---- the device ---- */

static char *try_device(UserDeviceDesc desc)
{
    AbiHost h;
    char *why;

    abi_host_init(&h, &desc);
    why = abi_host_try_open(&h);
    if (why) {
        g_autofree char *text = g_strdup(strstr(why, h.config.socket));

        g_free(why);
        g_assert_nonnull(text);
        why = g_strdup(text + strlen(h.config.socket));
    }
    abi_host_finish(&h);
    return why;
}

static void test_pci(void)
{
    UserDeviceDesc desc = plain;

    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *why = NULL;

        desc.flags =
            VFIO_USER_DEVICE_PCI | (i ? VFIO_USER_DEVICE_RESETTABLE : 0);
        why = try_device(desc);
        g_assert_cmpstr(why, ==,
                        ": a PCI device; this machine has a system bus only");
    }
}

/* Neither, both, of another bus, or with numbers that no device has. */
static void test_no_platform(void)
{
    static const struct {
        uint32_t flags, regions, irqs;
    } odd[] = {{0, 1, 0}, {1, 1, 0}, {6, 1, 0}, {8, 1, 0}, {0x10, 1, 0}};

    for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
        UserDeviceDesc desc = plain;
        g_autofree char *why = NULL;

        desc.flags = odd[i].flags;
        why = try_device(desc);
        g_assert_nonnull(why);
    }
}

/* ---- capabilities ---- */

typedef struct Caps {
    uint32_t words[16];
    unsigned num;
    bool good; /* a region of whole memory or of areas; else no areas */
} Caps;

static int caps_fd;

#define HEAD(id, version, next) ((id) | (uint32_t)(version) << 16), (next)

/* Chains that loop, leave the reply, overlap, or say nothing. */
static void test_caps(void)
{
    static const Caps all[] = {
        {{HEAD(1, 1, 0), 1, 0, 4096, 0, 4096, 0}, 8, true},
        {{HEAD(2, 1, 40), 0, 0, HEAD(1, 1, 0), 1, 0, 0, 0, 4096, 0}, 12},
        {{HEAD(77, 1, 0)}, 2},
        {{HEAD(1, 2, 0), 1, 0, 4096, 0, 4096, 0}, 8},
        /* loops */
        {{HEAD(77, 1, 32)}, 2},
        {{HEAD(77, 1, 40), HEAD(78, 1, 32)}, 4},
        {{HEAD(1, 1, 32), 1, 0, 0, 0, 4096, 0}, 8},
        /* out of bounds, into the header, not aligned */
        {{HEAD(77, 1, 4096)}, 2},
        {{HEAD(77, 1, UINT32_MAX)}, 2},
        {{HEAD(77, 1, 1)}, 2},
        {{HEAD(77, 1, 8)}, 2},
        {{HEAD(77, 1, 36)}, 3},
        {{HEAD(77, 1, 33), 0, 0, 0}, 5},
        {{HEAD(77, 1, 39), 0}, 3},
        {{HEAD(77, 1, 40)}, 2},
        {{77}, 1},
        /* areas: none, more than there are, of nothing, beyond, wrapping */
        {{HEAD(1, 1, 0), 0, 0}, 4},
        {{HEAD(1, 1, 0)}, 2},
        {{HEAD(1, 1, 0), 1}, 3},
        {{HEAD(1, 1, 0), 2, 0, 0, 0, 4096, 0}, 8},
        {{HEAD(1, 1, 0), UINT32_MAX, 0, 0, 0, 4096, 0}, 8},
        {{HEAD(1, 1, 0), 0x10000001, 0, 0, 0, 4096, 0}, 8},
        {{HEAD(1, 1, 0), 1, 0, 4096, 0, 0, 0}, 8},
        {{HEAD(1, 1, 0), 1, 0, 65536, 0, 4096, 0}, 8},
        {{HEAD(1, 1, 0), 1, 0, 61440, 0, 8192, 0}, 8},
        {{HEAD(1, 1, 0), 1, 0, 0xfffff000, 0xffffffff, 8192, 0}, 8},
        {{HEAD(1, 1, 0), 1, 0, 4096, 0, 0xfffff000, 0xffffffff}, 8},
        {{HEAD(1, 1, 0), 1, 0, 100, 0, 4096, 0}, 8},
        {{HEAD(1, 1, 0), 1, 0, 4096, 0, 100, 0}, 8},
        {{HEAD(1, 1, 0), 2, 0, 4096, 0, 8192, 0, 8192, 0, 4096, 0}, 12},
        {{HEAD(1, 1, 0), 2, 0, 4096, 0, 4096, 0, 4096, 0, 4096, 0}, 12},
        {{HEAD(1, 1, 0), 2, 0, 8192, 0, 4096, 0, 0, 0, 4096, 0}, 12},
        {{HEAD(1, 1, 64), 1, 0, 0, 0, 4096, 0, HEAD(1, 1, 0), 1, 0, 0, 0, 4096,
          0},
         16},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        UserRegionDesc region = {.size = 65536,
                                 .flags = ABI_RW | VFIO_USER_REGION_F_MMAP,
                                 .fd = caps_fd,
                                 .caps = all[i].words,
                                 .caps_size = all[i].num * 4};
        UserDeviceDesc desc = plain;
        VFIORegionInfo info = {0};
        g_autofree char *why = NULL;
        uint32_t value = 0;
        AbiHost h;

        desc.regions = &region;
        abi_host_init(&h, &desc);
        why = abi_host_try_open(&h);
        if (!why && h.host->ops->get_region(h.host, 0, &info) == 0) {
            abi_check_region(&info);
            g_assert_cmpuint(info.size, ==, 65536);
            if (all[i].good) {
                g_assert_cmpuint(info.num_maps, ==, 1);
                g_assert_cmphex(info.maps[0].offset, ==, 4096);
                g_assert_cmphex(info.maps[0].size, ==, 4096);
            }
            /* It may be trapped, but it can be used. */
            g_assert_cmpint(h.host->ops->region_read(h.host, 0, 0, &value, 4),
                            ==, 0);
            vfio_region_info_finish(&info);
        } else {
            g_assert_false(all[i].good);
        }
        abi_host_finish(&h);
    }
}

/* Memory that could be taken away again is not mapped; it is trapped. */
static void test_unsealed(void)
{
    for (unsigned i = 0; i < 3; i++) {
        int fd = memfd_create("abi", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        UserRegionDesc region = {
            .size = 8192, .flags = ABI_RW | VFIO_USER_REGION_F_MMAP, .fd = fd};
        UserDeviceDesc desc = plain;
        VFIORegionInfo info = {0};
        uint32_t value = 77, got = 0;
        const VFIOHostOps *ops;
        AbiHost h;

        /* As it should be; not sealed; smaller than the region. */
        g_assert_no_errno(ftruncate(fd, i == 2 ? 4096 : 8192));
        if (i != 1) {
            g_assert_no_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
        }
        desc.regions = &region;
        abi_host_init(&h, &desc);
        abi_host_open(&h);
        ops = h.host->ops;
        g_assert_cmpint(ops->get_region(h.host, 0, &info), ==, 0);
        g_assert_cmpuint(info.num_maps, ==, i == 0);
        g_assert_cmpint(ops->region_write(h.host, 0, 8, &value, 4), ==, 0);
        g_assert_cmpint(ops->region_read(h.host, 0, 8, &got, 4), ==, 0);
        g_assert_cmpuint(got, ==, 77);
        vfio_region_info_finish(&info);
        abi_host_finish(&h);
        close(fd);
    }
}

/* ---- the server's commands ---- */

typedef struct Command {
    uint16_t command;
    VFIOUserDmaAccess access;
    size_t size; /* of the payload */
    uint32_t flags;
    int error; /* of the reply; -1: the client may also hang up, or (count 0)
                  serve it */
} Command;

static const Command *to_send;

/* Sent while the client waits for what it read. */
static bool send_command(UserServer *server, UserMsg *msg, void *opaque)
{
    UserPeer *peer = server->twin ? server->twin : server->peer;
    g_autofree uint8_t *payload = NULL;
    g_autoptr(UserMsg) reply = NULL;
    uint16_t id;

    if (msg->head.command != VFIO_USER_REGION_READ) {
        return false;
    }
    payload = g_malloc0(to_send->size + sizeof(to_send->access));
    memcpy(payload, &to_send->access, sizeof(to_send->access));
    id = user_peer_command(peer, to_send->command, to_send->flags, payload,
                           to_send->size, NULL, 0);
    if (to_send->flags & VFIO_USER_FLAG_NO_REPLY) {
        return false;
    }
    reply = user_peer_receive(peer);
    if (!reply) {
        g_assert_cmpint(to_send->error, ==, -1);
        return true;
    }
    g_assert_cmpuint(reply->head.id, ==, id);
    g_assert_cmpuint(reply->head.command, ==, to_send->command);
    if (to_send->error && (to_send->access.count || to_send->error > 0)) {
        g_assert_cmphex(reply->head.flags, ==,
                        VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR);
        g_assert_cmpuint(reply->size, ==, 0);
    } else if (!to_send->error) {
        g_assert_cmphex(reply->head.flags, ==, VFIO_USER_FLAG_REPLY);
        g_assert_cmpmem(reply->payload, 16, &to_send->access, 16);
        g_assert_cmpuint(reply->size, ==,
                         to_send->command == VFIO_USER_DMA_READ
                             ? 16 + to_send->access.count
                             : 16);
    }
    return false;
}

static void test_commands(void)
{
    enum { R = VFIO_USER_DMA_READ, W = VFIO_USER_DMA_WRITE, QUIET = 0x10 };
    static const uint64_t base = 0x10000, end = 0x20000;
    static const Command commands[] = {
        {R, {0x10000, 4}, 16},
        {R, {0x10000, 32768}, 16},
        {R, {0x1fffc, 4}, 16},
        {W, {0x10000, 4}, 20},
        {W, {0x10001, 1}, 17},
        {W, {0x10004, 32768}, 16 + 32768},
        {W, {0x10000, 8}, 24, QUIET},
        {R, {0x0fffc, 8}, 16, 0, EFAULT},
        {R, {0x1fffd, 4}, 16, 0, EFAULT},
        {W, {0x1fffd, 4}, 20, 0, EFAULT},
        {R, {0, 4}, 16, 0, EFAULT},
        {R, {UINT64_MAX, 2}, 16, 0, EFAULT},
        {R, {UINT64_MAX, 1}, 16, 0, EFAULT},
        {W, {UINT64_MAX - 3, 8}, 24, 0, EFAULT},
        {R, {0x10000, 32769}, 16, 0, EINVAL},
        {W, {0x10000, 32769}, 16 + 32769, 0, -1},
        {R, {0x10000, UINT64_MAX}, 16, 0, -1},
        {R, {0x10000, 1ull << 32}, 16, 0, -1},
        {R, {0x10000, 0}, 16, 0, -1},
        {W, {0x10000, 0}, 16, 0, -1},
        {W, {0x10000, 8}, 16, 0, -1},
        {W, {0x10000, 8}, 23, 0, -1},
        {W, {0x10000, 8}, 25, 0, -1},
        {W, {0x10000, UINT64_MAX}, 24, 0, -1},
        {R, {0x10000, 4}, 15, 0, -1},
        {R, {0x10000, 4}, 17, 0, -1},
        {R, {0x10000, 4}, 0, 0, -1},
        {W, {0x10000, 4}, 8, 0, -1},
        {0, {0}, 0, 0, -1},
        {VFIO_USER_VERSION, {0}, 16, 0, -1},
        {VFIO_USER_REGION_READ, {0}, 16, 0, -1},
        {VFIO_USER_DEVICE_RESET, {0}, 0, 0, -1},
        {14, {0}, 16, 0, -1},
        {65535, {0}, 16, 0, -1},
    };

    g_assert_cmphex(end - base, ==, ABI_RAM_SIZE);
    for (unsigned i = 0; i < 2 * G_N_ELEMENTS(commands); i++) {
        UserDeviceDesc desc = plain;
        uint32_t value = 1;
        AbiHost h;
        int ret;

        to_send = &commands[i / 2];
        desc.twin = i & 1;
        abi_host_init(&h, &desc);
        h.server->hook = send_command;
        abi_host_open(&h);
        g_assert_cmpint(abi_host_map_dma(&h, base, -1, false), ==, 0);
        ret = h.host->ops->region_read(h.host, 0, 0, &value, 4);
        if (to_send->error != -1) {
            g_assert_cmpint(ret, ==, 0);
            g_assert_cmphex(value, ==, 0);
        }
        abi_host_finish(&h);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    caps_fd = memfd_create("abi", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_no_errno(ftruncate(caps_fd, 65536));
    g_assert_no_errno(fcntl(caps_fd, F_ADD_SEALS, F_SEAL_SHRINK));
    g_test_add_func("/abi-client-talk/version-good", test_version_good);
    g_test_add_func("/abi-client-talk/version-bad", test_version_bad);
    g_test_add_func("/abi-client-talk/version-stray-fd", test_version_stray_fd);
    g_test_add_func("/abi-client-talk/version-instead", test_version_instead);
    g_test_add_func("/abi-client-talk/pci", test_pci);
    g_test_add_func("/abi-client-talk/no-platform", test_no_platform);
    g_test_add_func("/abi-client-talk/caps", test_caps);
    g_test_add_func("/abi-client-talk/unsealed", test_unsealed);
    g_test_add_func("/abi-client-talk/commands", test_commands);
    return abi_main(g_test_run);
}
