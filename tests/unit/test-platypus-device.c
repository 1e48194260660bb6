/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libplatypus-device: what a client may ask of a device, and what it is told;
 * the description that a device is made of. What a client does wrong is in
 * test-platypus-client.c, DMA in test-platypus-dma.c.
 */

#include <fcntl.h>
#include <sys/mman.h>

#include "device-fixture.h"

/* ---- VERSION ---- */

static void check_version(const char *json, uint16_t minor, uint16_t expect,
                          const char *caps)
{
    VFIOUserVersion version = {0, minor};
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(UserMsg) reply = NULL;
    Toy toy;

    g_byte_array_append(payload, (void *)&version, sizeof(version));
    if (json) {
        g_byte_array_append(payload, (const void *)json, strlen(json) + 1);
    }
    toy_init(&toy, NULL);
    toy_attach(&toy);
    reply = user_peer_call(toy.peer, VFIO_USER_VERSION, payload->data,
                           payload->len, NULL, 0);
    memcpy(&version, reply->payload, sizeof(version));
    g_assert_cmpuint(version.major, ==, 0);
    g_assert_cmpuint(version.minor, ==, expect);
    g_assert_cmpuint(reply->payload[reply->size - 1], ==, 0);
    g_assert_cmpstr((char *)reply->payload + sizeof(version), ==, caps);
    g_assert_cmpuint(reply->num_fds, ==, strstr(caps, "twin") ? 1 : 0);
    toy_leave(&toy);
    g_assert_cmpuint(toy.connects, ==, 1);
    g_assert_cmpuint(toy.disconnects, ==, 1);
    g_assert_cmpstr(toy.log->str, ==, "");
    toy_finish(&toy);
}

#define CAPS                                                               \
    "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576," \
    "\"pgsizes\":4096,\"max_dma_maps\":4096,"
#define PLAIN CAPS "\"write_multiple\":true}}"
#define TWIN                                                    \
    CAPS "\"twin_socket\":{\"supported\":true,\"fd_index\":0}," \
         "\"write_multiple\":true}}"

static void test_version(void)
{
    check_version(NULL, 2, 2, PLAIN);
    check_version("{}", 1, 1, PLAIN);
    check_version("{\"capabilities\":{}}", 0, 0, PLAIN);
    check_version(" {\"capabilities\" : {\"twin_socket\":{\"supported\":true}}"
                  "}\n",
                  7, 2, TWIN);
    check_version("{\"capabilities\":{\"twin_socket\":{\"supported\":false}}}",
                  2, 2, PLAIN);
    /* It could not take the descriptor. */
    check_version("{\"capabilities\":{\"max_msg_fds\":0,"
                  "\"twin_socket\":{\"supported\":true}}}",
                  2, 2, PLAIN);
    check_version("{\"x\":[1,{\"y\":[]},-2.5e+3,\"\\u00e4\\\"\",null,true],"
                  "\"capabilities\":{\"max_msg_fds\":1000000,"
                  "\"max_data_xfer_size\":18446744073709551615,\"new\":{},"
                  "\"twin_socket\":{\"fd_index\":[3],\"supported\":true}}}",
                  2, 2, TWIN);
}

static void test_bad_version(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "x",
        "[]",
        "{",
        "{}}",
        "{} x",
        "{\"capabilities\":1}",
        "{\"capabilities\":{}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":tru}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":[1",
        "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}",
        "{\"capabilities\":{\"max_msg_fds\":-1}}",
        "{\"capabilities\":{\"max_msg_fds\":1.5}}",
        "{\"capabilities\":{\"max_msg_fds\":18446744073709551616}}",
        "{\"capabilities\":{\"max_msg_fds\":\"1\"}}",
        "{\"capabilities\":{\"max_msg_fds\":}}",
        "{\"capabilities\":{\"max_data_xfer_size\":0}}",
        "{\"capabilities\":{\"twin_socket\":true}}",
        "{\"capabilities\":{\"twin_socket\":{\"supported\":1}}}",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *payload = g_strdup_printf("0123%s", bad[i]);
        VFIOUserVersion version = {0, 2};
        Toy toy;

        g_test_message("%s", bad[i]);
        memcpy(payload, &version, sizeof(version));
        toy_init(&toy, NULL);
        toy_attach(&toy);
        user_peer_refused(toy.peer, EINVAL, VFIO_USER_VERSION, payload,
                          sizeof(version) + strlen(bad[i]) + 1, NULL, 0);
        user_peer_expect_end(toy.peer);
        toy_leave(&toy);
        g_assert_cmpuint(toy.connects, ==, 0);
        g_assert_cmpuint(toy.disconnects, ==, 0);
        g_assert_nonnull(strstr(toy.log->str, "is no good VERSION"));
        toy_finish(&toy);
    }
}

/* ---- what there is ---- */

static void test_info(void)
{
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    const VFIOUserDeviceInfo expect = {
        sizeof(info), VFIO_USER_DEVICE_PLATFORM | VFIO_USER_DEVICE_RESETTABLE,
        5, 2};
    g_autoptr(UserMsg) reply = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    reply = user_peer_call(toy.peer, VFIO_USER_DEVICE_GET_INFO, &info,
                           sizeof(info), NULL, 0);
    g_assert_cmpmem(reply->payload, reply->size, &expect, sizeof(expect));
    info.argsz--;
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_INFO, &info,
                      sizeof(info), NULL, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

static UserMsg *get_region(Toy *toy, uint32_t index, uint32_t argsz,
                           VFIOUserRegionInfo *info)
{
    UserMsg *reply;

    *info = (VFIOUserRegionInfo){.argsz = argsz, .index = index};
    reply = user_peer_call(toy->peer, VFIO_USER_DEVICE_GET_REGION_INFO, info,
                           sizeof(*info), NULL, 0);
    g_assert_cmpuint(reply->size, >=, sizeof(*info));
    memcpy(info, reply->payload, sizeof(*info));
    g_assert_cmpuint(info->index, ==, index);
    g_assert_cmpuint(info->offset, ==, 0);
    return reply;
}

static void test_region_info(void)
{
    static const uint32_t flags[] = {3, 15, 7, 5, 2};
    static const uint64_t sizes[] = {TOY_PAGE, 4 * TOY_PAGE, 4 * TOY_PAGE,
                                     4 * TOY_PAGE, 8};
    VFIOUserRegionInfo info;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    for (unsigned i = 0; i < 5; i++) {
        g_autoptr(UserMsg) reply = get_region(&toy, i, sizeof(info), &info);

        g_assert_cmpuint(reply->size, ==, sizeof(info));
        g_assert_cmpuint(info.flags, ==, flags[i]);
        g_assert_cmpuint(info.size, ==, sizes[i]);
        g_assert_cmpuint(info.cap_offset, ==, 0);
        g_assert_cmpuint(info.argsz, ==, i == 1 ? 80 : 32);
        g_assert_cmpuint(reply->num_fds, ==, i == 2 || i == 3 ? 1 : 0);
    }
    info = (VFIOUserRegionInfo){.argsz = sizeof(info), .index = 5};
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_REGION_INFO, &info,
                      sizeof(info), NULL, 0);
    info = (VFIOUserRegionInfo){.argsz = 31};
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_REGION_INFO, &info,
                      sizeof(info), NULL, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

static void test_sparse(void)
{
    static const uint32_t enough[] = {80, 81, UINT32_MAX};
    VFIOUserRegionInfo info;
    VFIOUserCapSparse cap;
    VFIOUserArea areas[2];
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    user_msg_free(get_region(&toy, 1, 79, &info));
    g_assert_cmpuint(info.cap_offset, ==, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(enough); i++) {
        g_autoptr(UserMsg) reply = get_region(&toy, 1, enough[i], &info);

        g_assert_cmpuint(reply->size, ==, 80);
        g_assert_cmpuint(reply->num_fds, ==, 1);
        g_assert_cmpuint(info.cap_offset, ==, 32);
        memcpy(&cap, reply->payload + 32, sizeof(cap));
        memcpy(areas, reply->payload + 48, sizeof(areas));
        g_assert_cmpuint(cap.cap.id, ==, VFIO_USER_CAP_SPARSE_MMAP);
        g_assert_cmpuint(cap.cap.version, ==, 1);
        g_assert_cmpuint(cap.cap.next, ==, 0);
        g_assert_cmpuint(cap.nr_areas, ==, 2);
        g_assert_cmpmem(areas, sizeof(areas), toy_sparse, sizeof(toy_sparse));
    }
    toy_leave(&toy);
    toy_finish(&toy);
}

/*
 * A client maps the memory that we see; neither of us can cut or stretch it,
 * and what is read-only to the guest cannot be mapped otherwise.
 */
static void test_region_fd(void)
{
    static const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    const size_t size = 4 * TOY_PAGE;
    VFIOUserRegionInfo info;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        g_autoptr(UserMsg) reply = get_region(&toy, i, 80, &info);
        uint8_t *memory = platypus_device_memory(toy.dev, i);
        int fd = reply->fds[0];
        uint8_t *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, info.offset);
        uint8_t *w = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                          info.offset);

        g_assert_cmphex(fcntl(fd, F_GET_SEALS) & seals, ==, seals);
        g_assert_cmpint(ftruncate(fd, size - 1), ==, -1);
        g_assert_cmpint(ftruncate(fd, 2 * size), ==, -1);
        g_assert_true(p != MAP_FAILED);
        memory[5] = 55;
        g_assert_cmpuint(p[5], ==, 55);
        g_assert_true((w == MAP_FAILED) == (i == 3));
        if (w != MAP_FAILED) {
            w[6] = 66;
            g_assert_cmpuint(memory[6], ==, 66);
            munmap(w, size);
        }
        munmap(p, size);
    }
    toy_leave(&toy);
    toy_finish(&toy);
}

/* A client without room for descriptors does all by message. */
static void test_no_fds(void)
{
    VFIOUserRegionInfo info;
    VFIOUserIoFds head = {.argsz = 1000};
    g_autoptr(UserMsg) bells = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    platypus_device_add_doorbell(toy.dev, 0, TOY_BELL, 4, toy_ring);
    toy_start(&toy, "{\"capabilities\":{\"max_msg_fds\":0}}");
    for (unsigned i = 0; i < 5; i++) {
        g_autoptr(UserMsg) reply = get_region(&toy, i, 1000, &info);

        g_assert_cmpuint(info.flags & ~3u, ==, 0);
        g_assert_cmpuint(reply->num_fds, ==, 0);
    }
    bells = user_peer_call(toy.peer, VFIO_USER_DEVICE_GET_REGION_IO_FDS, &head,
                           sizeof(head), NULL, 0);
    memcpy(&head, bells->payload, sizeof(head));
    g_assert_cmpuint(head.count, ==, 0);
    g_assert_cmpuint(bells->num_fds, ==, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

static void test_irq_info(void)
{
    VFIOUserIrqInfo info = {.argsz = sizeof(info)};
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    for (unsigned i = 0; i < 2; i++) {
        VFIOUserIrqInfo expect = {sizeof(info), i == 0 ? 7 : 1, i, 1};
        g_autoptr(UserMsg) reply = NULL;

        info.index = i;
        reply = user_peer_call(toy.peer, VFIO_USER_DEVICE_GET_IRQ_INFO, &info,
                               sizeof(info), NULL, 0);
        g_assert_cmpmem(reply->payload, reply->size, &expect, sizeof(expect));
    }
    info.index = 2;
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_IRQ_INFO, &info,
                      sizeof(info), NULL, 0);
    info = (VFIOUserIrqInfo){.argsz = 15};
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_DEVICE_GET_IRQ_INFO, &info,
                      sizeof(info), NULL, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* ---- accesses ---- */

static void test_registers(void)
{
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t value = 0x8877665544332211 >> (64 - 8 * size);

        toy_write_reg(&toy, 0, 0x40, value, size);
        g_assert_cmphex(toy_read_reg(&toy, 0, 0x40, size), ==, value);
        g_assert_cmpuint(toy.accesses->len, ==, 2);
        for (unsigned i = 0; i < 2; i++) {
            ToyAccess *access = &g_array_index(toy.accesses, ToyAccess, i);

            g_assert_true(access->write == (i == 0));
            g_assert_cmpuint(access->offset, ==, 0x40);
            g_assert_cmpuint(access->size, ==, size);
        }
        g_array_set_size(toy.accesses, 0);
    }
    toy_write_reg(&toy, 0, TOY_NOTHING, 7, 4);
    g_assert_cmphex(toy_read_reg(&toy, 0, TOY_NOTHING, 4), ==, UINT32_MAX);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* Any offset, any count: naturally aligned pieces, in order. */
static void test_pieces(void)
{
    const unsigned offset = 3, count = 27;
    static const unsigned sizes[] = {1, 4, 8, 8, 4, 2};
    uint8_t payload[16 + 27];
    VFIOUserRegionAccess access = {offset, 0, count};
    g_autoptr(UserMsg) reply = NULL;
    uint64_t at = offset;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    memcpy(payload, &access, sizeof(access));
    for (unsigned i = 0; i < count; i++) {
        payload[16 + i] = 100 + i;
    }
    user_msg_free(user_peer_call(toy.peer, VFIO_USER_REGION_WRITE, payload,
                                 sizeof(payload), NULL, 0));
    g_assert_cmpuint(toy.accesses->len, ==, G_N_ELEMENTS(sizes));
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        ToyAccess *piece = &g_array_index(toy.accesses, ToyAccess, i);

        g_assert_cmpuint(piece->offset, ==, at);
        g_assert_cmpuint(piece->size, ==, sizes[i]);
        at += sizes[i];
    }
    reply = user_peer_call(toy.peer, VFIO_USER_REGION_READ, &access,
                           sizeof(access), NULL, 0);
    g_assert_cmpmem(reply->payload, reply->size, payload, sizeof(payload));
    toy_leave(&toy);
    toy_finish(&toy);
}

/* Through areas and what lies between them, which the callbacks get. */
static void test_memory(void)
{
    VFIOUserRegionAccess access = {0, 1, 4 * TOY_PAGE};
    size_t size = sizeof(access) + access.count;
    g_autofree uint8_t *payload = g_malloc(size);
    g_autoptr(UserMsg) reply = NULL;
    uint8_t *memory;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    memcpy(payload, &access, sizeof(access));
    for (unsigned i = 0; i < access.count; i++) {
        payload[16 + i] = i * 7 + i / 251;
    }
    user_msg_free(user_peer_call(toy.peer, VFIO_USER_REGION_WRITE, payload,
                                 size, NULL, 0));
    g_assert_cmpuint(toy.accesses->len, ==, 2 * TOY_PAGE / 8);
    memory = platypus_device_memory(toy.dev, 1);
    g_assert_cmpmem(memory, TOY_PAGE, payload + 16, TOY_PAGE);
    g_assert_cmpmem(memory + 2 * TOY_PAGE, TOY_PAGE,
                    payload + 16 + 2 * TOY_PAGE, TOY_PAGE);
    /* Both trapped pages are the same registers to the toy: the later wins. */
    memset(payload + 16 + 3 * TOY_PAGE + TOY_NOTHING, 0xff, 8);
    memcpy(payload + 16 + TOY_PAGE, payload + 16 + 3 * TOY_PAGE, TOY_PAGE);
    reply = user_peer_call(toy.peer, VFIO_USER_REGION_READ, &access,
                           sizeof(access), NULL, 0);
    g_assert_cmpmem(reply->payload, reply->size, payload, size);
    for (unsigned n = 1; n <= 8; n++) {
        toy_write_reg(&toy, 2, 0x100, 0xf1e2d3c4b5a69788 >> (64 - 8 * n), n);
        g_assert_cmphex(toy_read_reg(&toy, 2, 0x100, n), ==,
                        0xf1e2d3c4b5a69788 >> (64 - 8 * n));
    }
    g_assert_null(platypus_device_memory(toy.dev, 0));
    g_assert_null(platypus_device_memory(toy.dev, 5));
    toy_leave(&toy);
    toy_finish(&toy);
}

static void check_access(Toy *toy, uint32_t error, uint64_t offset,
                         uint32_t region, uint32_t count)
{
    VFIOUserRegionAccess access = {offset, region, count};

    user_peer_refused(toy->peer, error, VFIO_USER_REGION_READ, &access,
                      sizeof(access), NULL, 0);
}

static void test_bad_accesses(void)
{
    VFIOUserRegionAccess write = {0, 3, 0};
    uint8_t longer[24] = {0};
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    g_assert_cmphex(toy_read_reg(&toy, 0, TOY_PAGE, 0), ==, 0);
    toy_write_reg(&toy, 0, 0, 0, 0);
    check_access(&toy, EINVAL, 0, 5, 4);
    check_access(&toy, EINVAL, 0, UINT32_MAX, 4);
    check_access(&toy, EINVAL, TOY_PAGE - 3, 0, 4);
    check_access(&toy, EINVAL, TOY_PAGE, 0, 1);
    check_access(&toy, EINVAL, UINT64_MAX, 0, 4);
    check_access(&toy, EINVAL, UINT64_MAX - 3, 0, 4);
    check_access(&toy, EINVAL, 0, 0, TOY_PAGE + 1);
    check_access(&toy, EINVAL, 0, 0, (1 << 20) + 1);
    check_access(&toy, EINVAL, 0, 0, UINT32_MAX);
    check_access(&toy, EACCES, 0, 4, 4);
    user_peer_refused(toy.peer, EACCES, VFIO_USER_REGION_WRITE, &write,
                      sizeof(write), NULL, 0);
    /* What is said and what comes must agree. */
    memcpy(longer, &(VFIOUserRegionAccess){0, 0, 4}, 16);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_REGION_WRITE, longer, 19,
                      NULL, 0);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_REGION_WRITE, longer, 21,
                      NULL, 0);
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_REGION_WRITE, longer, 15,
                      NULL, 0);
    g_assert_cmpuint(toy.accesses->len, ==, 0);
    toy_leave(&toy);
    toy_finish(&toy);
}

static void test_write_multi(void)
{
    struct {
        VFIOUserWriteMulti head;
        VFIOUserWrite writes[3];
    } multi = {{3}, {{0x10, 0, 4, {1}}, {0x18, 0, 8, {2}}, {0x20, 0, 0, {3}}}};
    uint64_t done;
    g_autoptr(UserMsg) reply = NULL;
    g_autoptr(UserMsg) part = NULL;
    g_autoptr(UserMsg) none = NULL;
    g_autoptr(UserMsg) empty = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    reply = user_peer_call(toy.peer, VFIO_USER_REGION_WRITE_MULTI, &multi,
                           sizeof(multi), NULL, 0);
    g_assert_cmpmem(reply->payload, reply->size, &multi.head.count, 8);
    g_assert_cmpuint(toy.accesses->len, ==, 2);
    g_assert_cmpuint(toy.regs[0x10], ==, 1);
    g_assert_cmpuint(toy.regs[0x18], ==, 2);
    /* The second is too long, the others are made as they would be alone. */
    multi.writes[1].count = 9;
    multi.writes[2] = (VFIOUserWrite){0x20, 0, 4, {3}};
    part = user_peer_call(toy.peer, VFIO_USER_REGION_WRITE_MULTI, &multi,
                          sizeof(multi), NULL, 0);
    memcpy(&done, part->payload, sizeof(done));
    g_assert_cmpuint(done, ==, 2);
    g_assert_cmpuint(toy.accesses->len, ==, 4);
    g_assert_cmpuint(toy.regs[0x20], ==, 3);
    multi.writes[0].region = 7;
    multi.writes[2].offset = TOY_PAGE;
    none = user_peer_call(toy.peer, VFIO_USER_REGION_WRITE_MULTI, &multi,
                          sizeof(multi), NULL, 0);
    memcpy(&done, none->payload, sizeof(done));
    g_assert_cmpuint(done, ==, 0);
    g_assert_cmpuint(toy.accesses->len, ==, 4);
    multi.head.count = 2;
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_REGION_WRITE_MULTI, &multi,
                      sizeof(multi), NULL, 0);
    multi.head.count = UINT64_MAX;
    user_peer_refused(toy.peer, EINVAL, VFIO_USER_REGION_WRITE_MULTI, &multi,
                      sizeof(multi), NULL, 0);
    multi.head.count = 0;
    empty = user_peer_call(toy.peer, VFIO_USER_REGION_WRITE_MULTI, &multi,
                           sizeof(multi.head), NULL, 0);
    g_assert_cmpuint(empty->size, ==, 8);
    toy_leave(&toy);
    toy_finish(&toy);
}

static void test_reset(void)
{
    PlatypusDeviceDesc desc = toy_desc;
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    g_autoptr(UserMsg) reply = NULL;
    Toy toy;

    toy_init(&toy, NULL);
    toy_start(&toy, NULL);
    toy_write_reg(&toy, 0, 0, 5, 4);
    user_msg_free(
        user_peer_call(toy.peer, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0));
    g_assert_cmpuint(toy.resets, ==, 1);
    g_assert_cmpuint(toy_read_reg(&toy, 0, 0, 4), ==, 0);
    toy_leave(&toy);
    toy_finish(&toy);

    desc.reset = NULL;
    toy_init(&toy, &desc);
    toy_start(&toy, NULL);
    user_peer_refused(toy.peer, ENOTSUP, VFIO_USER_DEVICE_RESET, NULL, 0, NULL,
                      0);
    reply = user_peer_call(toy.peer, VFIO_USER_DEVICE_GET_INFO, &info,
                           sizeof(info), NULL, 0);
    memcpy(&info, reply->payload, sizeof(info));
    g_assert_cmpuint(info.flags, ==, VFIO_USER_DEVICE_PLATFORM);
    toy_leave(&toy);
    toy_finish(&toy);
}

/* ---- descriptions ---- */

static void refuse_region(PlatypusRegion region, const char *why)
{
    PlatypusDeviceDesc desc = {
        .regions = &region, .num_regions = 1, .log = toy_log};
    Toy toy = {.log = g_string_new(NULL)};

    errno = 0;
    g_assert_null(platypus_device_new(&desc, &toy));
    g_assert_cmpint(errno, ==, EINVAL);
    g_assert_nonnull(strstr(toy.log->str, why));
    g_string_free(toy.log, true);
}

static void test_bad_desc(void)
{
    static const PlatypusArea odd = {0x10, TOY_PAGE}, small = {0, 0x10},
                              outside = {4 * TOY_PAGE, TOY_PAGE},
                              wraps = {TOY_PAGE, 0 - TOY_PAGE}, none = {0, 0},
                              twice[] = {{0, 2 * TOY_PAGE},
                                         {TOY_PAGE, TOY_PAGE}};
    const uint64_t size = 4 * TOY_PAGE;
    Toy toy = {.log = g_string_new(NULL)};
    PlatypusDeviceDesc desc = {.num_lines = 1, .log = toy_log};

#define AREA(a)       \
    (PlatypusRegion){ \
        .size = size, .read = toy_read, .areas = &(a), .num_areas = 1}
    refuse_region(AREA(odd), "whole pages");
    refuse_region(AREA(small), "whole pages");
    refuse_region(AREA(none), "whole pages");
    refuse_region(AREA(outside), "not in the region");
    refuse_region(AREA(wraps), "not in the region");
    refuse_region(
        (PlatypusRegion){
            .size = size, .read = toy_read, .areas = twice, .num_areas = 2},
        "sorted");
    refuse_region(
        (PlatypusRegion){.size = size, .areas = toy_sparse, .num_areas = 2},
        "not all areas");
    refuse_region((PlatypusRegion){.size = size, .num_areas = 1},
                  "without a table");
    refuse_region((PlatypusRegion){.size = size}, "no callback");
    refuse_region((PlatypusRegion){.read = toy_read}, "size");
    refuse_region((PlatypusRegion){.size = UINT64_MAX, .read = toy_read},
                  "size");
    refuse_region((PlatypusRegion){.size = size, .flags = 3, .read = toy_read},
                  "flags");
    refuse_region((PlatypusRegion){.size = size, .flags = 4, .read = toy_read},
                  "flags");
    g_assert_null(platypus_device_new(&desc, &toy));
    g_assert_nonnull(strstr(toy.log->str, "tables"));
    g_string_free(toy.log, true);
}

/* It may go, all of it, as soon as the device is there. */
static void test_desc_is_copied(void)
{
    PlatypusArea area = {0, TOY_PAGE};
    PlatypusRegion region = {
        .size = 2 * TOY_PAGE, .read = toy_read, .areas = &area, .num_areas = 1};
    PlatypusLine line = {.edge = true};
    char name[] = "toy";
    PlatypusDeviceDesc desc = {
        name, &region, 1, &line, 1, .log = toy_log,
    };
    VFIOUserRegionInfo info;
    g_autoptr(UserMsg) reply = NULL;
    Toy toy;

    toy_init(&toy, &desc);
    memset(&area, 0xff, sizeof(area));
    memset(&region, 0xff, sizeof(region));
    memset(&line, 0, sizeof(line));
    memset(name, 0xff, sizeof(name));
    memset(&desc, 0xff, sizeof(desc));
    toy_start(&toy, NULL);
    reply = get_region(&toy, 0, 64, &info);
    g_assert_cmpuint(reply->size, ==, 64);
    g_assert_cmpuint(info.size, ==, 2 * TOY_PAGE);
    toy_leave(&toy);
    toy_finish(&toy);
    platypus_device_free(NULL);
}

/* Memory that nobody has. */
static void test_no_memory(void)
{
    PlatypusArea area = {0, UINT64_C(1) << 62};
    PlatypusRegion region = {.size = area.size, .areas = &area, .num_areas = 1};
    PlatypusDeviceDesc desc = {.regions = &region, .num_regions = 1};
    unsigned before = toy_count_fds();

    g_assert_null(platypus_device_new(&desc, NULL));
    g_assert_cmpint(errno, ==, ENOMEM);
    area.size = region.size = INT64_MAX & ~UINT64_C(0xfff);
    g_assert_null(platypus_device_new(&desc, NULL));
    g_assert_cmpint(errno, ==, EFBIG);
    g_assert_cmpuint(toy_count_fds(), ==, before);
}

/* Without a log of the model's it is standard error, with the name. */
static void test_stderr(void)
{
    PlatypusRegion region = {.size = 0};
    PlatypusDeviceDesc desc = {
        .name = "toy", .regions = &region, .num_regions = 1};

    if (g_test_subprocess()) {
        g_assert_null(platypus_device_new(&desc, NULL));
        desc.name = NULL;
        g_assert_null(platypus_device_new(&desc, NULL));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("toy: region 0: a bad size\n"
                              "device: region 0: a bad size\n");
}

/* Nothing at all is a device, too. */
static void test_empty(void)
{
    static const PlatypusDeviceDesc desc = {0};
    VFIOUserDeviceInfo info = {.argsz = sizeof(info)};
    const VFIOUserDeviceInfo expect = {16, VFIO_USER_DEVICE_PLATFORM, 0, 0};
    g_autoptr(UserMsg) reply = NULL;
    Toy toy;

    toy_init(&toy, &desc);
    toy_start(&toy, NULL);
    reply = user_peer_call(toy.peer, VFIO_USER_DEVICE_GET_INFO, &info,
                           sizeof(info), NULL, 0);
    g_assert_cmpmem(reply->payload, reply->size, &expect, sizeof(expect));
    check_access(&toy, EINVAL, 0, 0, 4);
    toy_leave(&toy);
    toy_finish(&toy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/platypus-device/version", test_version);
    g_test_add_func("/platypus-device/bad-version", test_bad_version);
    g_test_add_func("/platypus-device/info", test_info);
    g_test_add_func("/platypus-device/region-info", test_region_info);
    g_test_add_func("/platypus-device/sparse", test_sparse);
    g_test_add_func("/platypus-device/region-fd", test_region_fd);
    g_test_add_func("/platypus-device/no-fds", test_no_fds);
    g_test_add_func("/platypus-device/irq-info", test_irq_info);
    g_test_add_func("/platypus-device/registers", test_registers);
    g_test_add_func("/platypus-device/pieces", test_pieces);
    g_test_add_func("/platypus-device/memory", test_memory);
    g_test_add_func("/platypus-device/bad-accesses", test_bad_accesses);
    g_test_add_func("/platypus-device/write-multi", test_write_multi);
    g_test_add_func("/platypus-device/reset", test_reset);
    g_test_add_func("/platypus-device/bad-desc", test_bad_desc);
    g_test_add_func("/platypus-device/desc-is-copied", test_desc_is_copied);
    g_test_add_func("/platypus-device/no-memory", test_no_memory);
    g_test_add_func("/platypus-device/stderr", test_stderr);
    g_test_add_func("/platypus-device/empty", test_empty);
    return g_test_run();
}
