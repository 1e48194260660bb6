/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of device/lib: the input is a client. It sends bytes as they are
 * or framed as messages, with descriptors of several kinds, and hangs up; the
 * device has registers, memory, lines, a doorbell, and a register that starts
 * DMA, whose reply is whatever comes next. Nothing may be left behind, not even
 * a descriptor.
 *
 * A step is a byte of flags, one of a length, and that many bytes; the first
 * byte of all says how the client says VERSION, if it does.
 */

#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "hw/vfio/user-wire.h"
#include "platypus-device.h"

enum {
    STEP_FDS = 0x03,   /* their number */
    STEP_KIND = 0x0c,  /* of the first: see open_fd() */
    STEP_RAW = 0x10,   /* else the length in the header is made right */
    STEP_LATER = 0x20, /* the device does not look yet */
    STEP_LONG = 0x40,  /* 4 KiB more of zeroes follow the bytes */
    STEP_DEAF = 0x80,  /* nothing is read from the device any more */
};

#define PAGE 4096u
#define KINDS 4

typedef struct Model {
    PlatypusDevice *dev;
    uint64_t regs[8];
    char buf[2 * PAGE];
} Model;

static bool model_read(void *opaque, uint64_t offset, unsigned size,
                       uint64_t *value)
{
    Model *model = opaque;

    assert(offset % size == 0);
    *value = model->regs[offset / 8 % 8];
    return offset % PAGE < sizeof(model->regs);
}

static bool model_write(void *opaque, uint64_t offset, unsigned size,
                        uint64_t value)
{
    Model *model = opaque;
    size_t count = value >> 56 << 5;

    assert(offset % size == 0);
    model->regs[offset / 8 % 8] = value;
    value &= UINT64_MAX >> 8;
    switch (offset) {
    case 0x00:
        platypus_device_raise(model->dev, value);
        break;
    case 0x08:
        platypus_device_lower(model->dev, value);
        break;
    case 0x10:
        platypus_device_dma_read(model->dev, value, model->buf, count);
        break;
    case 0x18:
        platypus_device_dma_write(model->dev, value, model->buf, count);
        break;
    case 0x20: {
        char *p = platypus_device_dma_pointer(model->dev, value, count, true);

        if (p) {
            memset(p, 1, count);
        }
        break;
    }
    }
    return true;
}

static void model_reset(void *opaque)
{
    Model *model = opaque;

    memset(model->regs, 0, sizeof(model->regs));
    platypus_device_lower(model->dev, 0);
}

static void model_ring(void *opaque, uint64_t offset)
{
    Model *model = opaque;

    model->regs[7]++;
}

static void model_log(void *opaque, const char *text)
{
    assert(strlen(text) > 0 && !strchr(text, '\n'));
}

static PlatypusDevice *model_open(Model *model)
{
    static const PlatypusArea sparse[] = {{0, PAGE}, {2 * PAGE, PAGE}};
    static const PlatypusArea whole = {0, PAGE};
    static const PlatypusRegion regions[] = {
        {.size = PAGE, .read = model_read, .write = model_write},
        {3 * PAGE, 0, model_read, model_write, sparse, 2},
        {.size = PAGE,
         .flags = PLATYPUS_READ_ONLY,
         .areas = &whole,
         .num_areas = 1},
    };
    static const PlatypusLine lines[] = {{false}, {true}};
    static const PlatypusDeviceDesc desc = {
        .name = "fuzz",
        .regions = regions,
        .num_regions = 3,
        .lines = lines,
        .num_lines = 2,
        .reset = model_reset,
        .log = model_log,
    };

    *model = (Model){.dev = platypus_device_new(&desc, model)};
    assert(model->dev);
    platypus_device_set_dma_timeout(model->dev, 1);
    platypus_device_add_doorbell(model->dev, 0, 0x40, 4, model_ring);
    return model->dev;
}

/* ---- the client ---- */

static int open_memory(int seals)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert(ftruncate(fd, 4 * PAGE) == 0);
    fcntl(fd, F_ADD_SEALS, seals);
    return fd;
}

static int open_fd(unsigned kind)
{
    switch (kind % KINDS) {
    case 0:
        return eventfd(0, EFD_CLOEXEC);
    case 1:
        return open_memory(F_SEAL_SHRINK);
    case 2:
        return open_memory(0);
    default:
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    }
}

static void send_all(int sock, void *bytes, size_t size, const int *fds,
                     unsigned num_fds)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(STEP_FDS * sizeof(int))];
    } control = {0};
    struct iovec iov = {bytes, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    if (num_fds > 0) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(num_fds * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, num_fds * sizeof(int));
    }
    /* What does not fit any more is not sent; that is a client, too. */
    (void)!sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_step(int sock, uint8_t flags, const uint8_t *data, size_t size)
{
    static uint8_t bytes[256 + PAGE];
    unsigned num_fds = flags & STEP_FDS;
    uint32_t total = size + (flags & STEP_LONG ? PAGE : 0);
    int fds[STEP_FDS];

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, data, size);
    if (!(flags & STEP_RAW) && size >= sizeof(VFIOUserHeader)) {
        memcpy(bytes + offsetof(VFIOUserHeader, size), &total, sizeof(total));
    }
    for (unsigned i = 0; i < num_fds; i++) {
        fds[i] = open_fd((flags & STEP_KIND) / 4 + i);
    }
    if (total > 0) {
        send_all(sock, bytes, total, fds, num_fds);
    }
    for (unsigned i = 0; i < num_fds; i++) {
        close(fds[i]);
    }
}

/* Descriptors that come are closed unseen: no room is given for any. */
static void read_all(int sock)
{
    static char bytes[65536];

    while (recv(sock, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
    }
}

static void say_version(int sock, unsigned how)
{
    static const char json[] =
        "{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":512,"
        "\"twin_socket\":{\"supported\":true}}}";
    struct {
        VFIOUserHeader head;
        VFIOUserVersion version;
        char json[sizeof(json)];
    } msg = {{1, VFIO_USER_VERSION, 20, 0, 0}, {0, 2}, {0}};

    if (how % 4 > 1) {
        memcpy(msg.json, json, sizeof(json));
        msg.head.size += sizeof(json);
    }
    /* Cut before the twin, it is the defaults without one. */
    if (how % 4 == 2) {
        strcpy(strstr(msg.json, ",\"twin"), "}}");
        msg.head.size = 20 + strlen(msg.json) + 1;
    }
    if (how % 4 > 0) {
        send_all(sock, &msg, msg.head.size, NULL, 0);
    }
}

static void run_steps(PlatypusDevice *dev, int sock, const uint8_t *data,
                      size_t size)
{
    bool deaf = false;
    size_t at = 1;

    say_version(sock, size > 0 ? data[0] : 0);
    while (at + 2 <= size) {
        uint8_t flags = data[at];
        size_t n = data[at + 1];

        at += 2;
        n = n < size - at ? n : size - at;
        send_step(sock, flags, data + at, n);
        at += n;
        deaf = deaf || flags & STEP_DEAF;
        if (!(flags & STEP_LATER)) {
            platypus_device_dispatch(dev);
        }
        if (!deaf) {
            read_all(sock);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int lowest = dup(0);
    Model model;
    int ends[2];

    close(lowest);
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    model_open(&model);
    assert(platypus_device_attach(model.dev, ends[1]) == 0);
    run_steps(model.dev, ends[0], data, size);
    close(ends[0]);
    /* Ends as soon as it has seen that. */
    assert(platypus_device_run(model.dev) == 0);
    platypus_device_free(model.dev);
    ends[0] = dup(0);
    assert(ends[0] == lowest);
    close(ends[0]);
    return 0;
}
