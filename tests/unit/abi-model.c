/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model that the ABI tests serve with the library, and the client's side
 * of single commands. It counts descriptors from before the device to after
 * it: whatever the test did, none may be left.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi-model.h"

unsigned abi_count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    g_assert_nonnull(dir);
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

/* ---- the model ---- */

static uint64_t get(const uint8_t *mem, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    memcpy(&value, mem + offset, size);
    return value;
}

static void note_call(AbiModel *model, uint64_t offset, unsigned size)
{
    model->last_size = size;
    model->misaligned |=
        offset % size || (size != 1 && size != 2 && size != 4 && size != 8);
}

static bool regs_read(void *opaque, uint64_t offset, unsigned size,
                      uint64_t *value)
{
    AbiModel *model = opaque;

    note_call(model, offset, size);
    model->reads++;
    if (offset == ABI_NOTHING) {
        return false;
    }
    if (offset == ABI_READ || offset == ABI_WRITE) {
        *value = -model->dma_result;
        return true;
    }
    *value = get(model->regs, offset, size);
    return true;
}

static void ring(void *opaque, uint64_t offset)
{
    ((AbiModel *)opaque)->bells++;
}

static bool regs_write(void *opaque, uint64_t offset, unsigned size,
                       uint64_t value)
{
    AbiModel *model = opaque;

    note_call(model, offset, size);
    switch (offset) {
    case ABI_RAISE:
        platypus_device_raise(model->dev, value);
        break;
    case ABI_LOWER:
        platypus_device_lower(model->dev, value);
        break;
    case ABI_IOVA:
        model->iova = value;
        break;
    case ABI_SIZE:
        model->size = value;
        break;
    case ABI_READ:
        model->dma_result = platypus_device_dma_read(
            model->dev, model->iova, model->buffer, model->size);
        break;
    case ABI_WRITE:
        model->dma_result = platypus_device_dma_write(
            model->dev, model->iova, model->buffer, model->size);
        break;
    case ABI_NOTHING:
        return false;
    default:
        memcpy(model->regs + offset, &value, size);
    }
    return true;
}

static bool sparse_read(void *opaque, uint64_t offset, unsigned size,
                        uint64_t *value)
{
    AbiModel *model = opaque;

    note_call(model, offset, size);
    *value = get(model->sparse, offset, size);
    return true;
}

static bool sparse_write(void *opaque, uint64_t offset, unsigned size,
                         uint64_t value)
{
    AbiModel *model = opaque;

    note_call(model, offset, size);
    memcpy(model->sparse + offset, &value, size);
    return true;
}

static bool ro_read(void *opaque, uint64_t offset, unsigned size,
                    uint64_t *value)
{
    *value = 0x5a;
    return true;
}

static bool wo_write(void *opaque, uint64_t offset, unsigned size,
                     uint64_t value)
{
    ((AbiModel *)opaque)->regs[0] = value;
    return true;
}

static void reset(void *opaque)
{
    ((AbiModel *)opaque)->resets++;
}

static void connected(void *opaque, bool is)
{
    AbiModel *model = opaque;

    model->connects += is;
    model->disconnects += !is;
}

static void take_log(void *opaque, const char *text)
{
    AbiModel *model = opaque;

    g_assert_null(strchr(text, '\n'));
    g_string_append_printf(model->log, "%s\n", text);
}

AbiModel *abi_model_new(bool all)
{
    static const PlatypusArea whole = {0, 8192};
    static const PlatypusArea pages[] = {{4096, 4096}, {12288, 4096}};
    static const PlatypusRegion regions[] = {
        [ABI_REGS] = {.size = 4096, .read = regs_read, .write = regs_write},
        [ABI_MEMORY] = {.size = 8192, .areas = &whole, .num_areas = 1},
        [ABI_SPARSE] = {.size = 16384,
                        .read = sparse_read,
                        .write = sparse_write,
                        .areas = pages,
                        .num_areas = 2},
        [ABI_RO] = {.size = 256, .flags = PLATYPUS_READ_ONLY, .read = ro_read},
        [ABI_WO] = {.size = 256,
                    .flags = PLATYPUS_WRITE_ONLY,
                    .write = wo_write},
    };
    static const PlatypusLine lines[] = {
        [ABI_LEVEL] = {false}, [ABI_EDGE] = {true}};
    PlatypusDeviceDesc desc = {
        .name = "abi",
        .regions = regions,
        .num_regions = ABI_REGIONS,
        .lines = lines,
        .num_lines = ABI_LINES,
        .reset = all ? reset : NULL,
        .connected = connected,
        .log = take_log,
    };
    AbiModel *model = g_new0(AbiModel, 1);

    model->fds = abi_count_fds();
    model->log = g_string_new(NULL);
    model->dev = platypus_device_new(&desc, model);
    g_assert_nonnull(model->dev);
    if (all) {
        g_assert_cmpint(platypus_device_add_doorbell(model->dev, ABI_REGS,
                                                     ABI_BELL, 4, ring),
                        ==, 0);
        g_assert_cmpint(platypus_device_add_doorbell(model->dev, ABI_REGS,
                                                     ABI_BELL_ANY, 0, ring),
                        ==, 0);
    }
    return model;
}

static void *run(void *opaque)
{
    AbiModel *model = opaque;

    model->run_result = platypus_device_run(model->dev);
    return NULL;
}

void abi_model_run(AbiModel *model)
{
    g_assert_false(model->running);
    model->running = true;
    g_assert_cmpint(pthread_create(&model->thread, NULL, run, model), ==, 0);
}

void abi_model_join(AbiModel *model)
{
    g_assert_true(model->running);
    g_assert_cmpint(pthread_join(model->thread, NULL), ==, 0);
    model->running = false;
}

void abi_model_free(AbiModel *model)
{
    if (!model) {
        return;
    }
    if (model->running) {
        platypus_device_stop(model->dev);
        abi_model_join(model);
    }
    platypus_device_free(model->dev);
    g_assert_cmpuint(abi_count_fds(), ==, model->fds);
    g_assert_false(model->misaligned);
    g_string_free(model->log, true);
    g_free(model);
}

UserPeer *abi_model_attach(AbiModel *model)
{
    int other;
    UserPeer *client = user_peer_pair(&other);

    g_assert_cmpint(platypus_device_attach(model->dev, other), ==, 0);
    return client;
}

UserPeer *abi_model_start(AbiModel **model, const char *json)
{
    UserPeer *client;

    *model = abi_model_new(true);
    client = abi_model_attach(*model);
    abi_model_run(*model);
    user_msg_free(user_peer_hello(client, json));
    return client;
}

void abi_model_stop(AbiModel **model, UserPeer **client)
{
    g_clear_pointer(client, user_peer_free);
    if ((*model)->running) {
        abi_model_join(*model);
    }
    g_clear_pointer(model, abi_model_free);
}

void abi_model_dispatch(AbiModel *model)
{
    struct pollfd pollfd = {platypus_device_get_fd(model->dev), POLLIN, 0};

    for (unsigned i = 0; poll(&pollfd, 1, 0) == 1; i++) {
        g_assert_cmpuint(i, <, 100000);
        platypus_device_dispatch(model->dev);
    }
}

/* ---- the client ---- */

int abi_try(UserPeer *client, uint16_t command, const void *payload,
            size_t size, const int *fds, unsigned num_fds)
{
    uint16_t id =
        user_peer_command(client, command, 0, payload, size, fds, num_fds);
    g_autoptr(UserMsg) msg = user_peer_receive(client);
    bool error;

    if (!msg) {
        return ABI_GONE;
    }
    error = msg->head.flags & VFIO_USER_FLAG_ERROR;
    if (msg->head.id != id || msg->head.command != command ||
        (msg->head.flags & ~VFIO_USER_FLAG_ERROR) != VFIO_USER_FLAG_REPLY) {
        user_peer_fail(client, "the last one should be the reply to %u",
                       command);
    }
    if (error && (msg->size || msg->num_fds)) {
        user_peer_fail(client, "the error reply should be a header only");
    }
    g_assert_true(!error || msg->head.error);
    g_assert_true(error || !msg->head.error);
    return error ? ABI_REFUSED : 0;
}

void abi_check_lengths(UserPeer *client, uint16_t command, const void *good,
                       size_t size)
{
    g_autofree uint8_t *bytes = g_malloc0(size + 1);
    uint32_t argsz;

    memcpy(bytes, good, size);
    for (size_t cut = 0; cut < size; cut++) {
        abi_refused(client, command, bytes, cut, NULL, 0);
    }
    g_assert_cmpint(abi_try(client, command, bytes, size + 1, NULL, 0), !=,
                    ABI_GONE);
    for (argsz = 0; argsz < size; argsz++) {
        memcpy(bytes, &argsz, sizeof(argsz));
        abi_refused(client, command, bytes, size, NULL, 0);
    }
    for (argsz = size; argsz < size + 3; argsz++) {
        memcpy(bytes, &argsz, sizeof(argsz));
        g_assert_cmpint(abi_try(client, command, bytes, size, NULL, 0), ==, 0);
    }
    argsz = UINT32_MAX;
    memcpy(bytes, &argsz, sizeof(argsz));
    g_assert_cmpint(abi_try(client, command, bytes, size, NULL, 0), ==, 0);
}

uint64_t abi_read(UserPeer *client, unsigned region, uint64_t offset,
                  unsigned size)
{
    VFIOUserRegionAccess access = {offset, region, size};
    g_autoptr(UserMsg) msg = user_peer_call(client, VFIO_USER_REGION_READ,
                                            &access, sizeof(access), NULL, 0);
    uint64_t value = 0;

    g_assert_cmpuint(msg->size, ==, sizeof(access) + size);
    g_assert_cmpmem(msg->payload, sizeof(access), &access, sizeof(access));
    memcpy(&value, msg->payload + sizeof(access), size);
    return value;
}

void abi_write(UserPeer *client, unsigned region, uint64_t offset,
               unsigned size, uint64_t value)
{
    struct {
        VFIOUserRegionAccess access;
        uint64_t value;
    } request = {{offset, region, size}, value};
    g_autoptr(UserMsg) msg =
        user_peer_call(client, VFIO_USER_REGION_WRITE, &request,
                       sizeof(request.access) + size, NULL, 0);

    g_assert_cmpmem(msg->payload, msg->size, &request.access,
                    sizeof(request.access));
}

int abi_dma_map(UserPeer *client, uint64_t iova, uint64_t size, uint32_t flags,
                int fd, uint64_t fd_offset)
{
    VFIOUserDmaMap map = {sizeof(map), flags, fd_offset, iova, size};

    return abi_try(client, VFIO_USER_DMA_MAP, &map, sizeof(map), &fd, fd >= 0);
}

int abi_dma_unmap(UserPeer *client, uint64_t iova, uint64_t size)
{
    VFIOUserDmaUnmap unmap = {sizeof(unmap), 0, iova, size};

    return abi_try(client, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), NULL, 0);
}

int abi_set_irq(UserPeer *client, uint32_t flags, uint32_t index,
                uint32_t count, int fd)
{
    VFIOUserIrqSet set = {sizeof(set), flags, index, 0, count};

    return abi_try(client, VFIO_USER_DEVICE_SET_IRQS, &set, sizeof(set), &fd,
                   fd >= 0);
}

int abi_memfd(uint64_t size)
{
    int fd = memfd_create("abi", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    g_assert_no_errno(fd);
    g_assert_no_errno(ftruncate(fd, size));
    g_assert_no_errno(
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    return fd;
}
