/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dma-edu: a DMA engine to learn and to test with. It copies, fills and
 * checksums the guest's memory; beside its registers it has a page that the
 * guest maps, and a region of which one page is trapped.
 *
 * Region 0, registers: 64 bits each, read and written whole or by halves.
 *
 *     0x00 ID        "DMA-EDU1" in memory order
 *     0x08 COMMAND   1 copy, 2 fill, 3 checksum
 *     0x10 SOURCE    address, of copy and checksum
 *     0x18 DEST      address, of copy and fill
 *     0x20 LENGTH    bytes
 *     0x28 PATTERN   32 bits; fill writes them again and again
 *     0x30 STATUS    1 busy, 2 done, 4 error; ones written clear 2 and 4
 *     0x38 ENABLE    1: the completion line follows "done"
 *     0x40 CHECKSUM  CRC-32, the result of checksum
 *     0x48 FAULT     with "error": the first address that cannot be accessed
 *     0x50 MOVED     how many bytes are done
 *     0x58 DOORBELL  a write of 4 bytes, of anything, starts the command
 *
 * COMMAND to PATTERN keep their values while it is busy, and the doorbell is
 * not heard then. A write to it may take effect after a read of STATUS that
 * the same CPU makes next: clear "done", ring, wait for "done" or "error".
 * Copies between ranges that overlap have no defined result.
 *
 * Line 0, level: done. Line 1, edge: an address cannot be accessed, or the
 * command is none; such a transfer ends without "done".
 *
 * Region 1 is one page of memory. Region 2 has four pages: 0, 1 and 3 are
 * memory, page 2 is trapped; its 32-bit words 0, 1 and 3 are the CRC-32 of
 * these pages, word 2 counts the writes to it. A reset keeps the memory.
 *
 * A transfer is made in slices, each from the loop, so that accesses, a reset
 * and other devices of the same thread come in between.
 */

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "crc32.h"
#include "model.h"

#define ID 0x315544452d414d44ULL
#define REGISTERS_SIZE 0x1000
#define SLICE (1024 * 1024)

enum {
    REG_ID = 0x00,
    REG_COMMAND = 0x08,
    REG_SOURCE = 0x10,
    REG_DEST = 0x18,
    REG_LENGTH = 0x20,
    REG_PATTERN = 0x28,
    REG_STATUS = 0x30,
    REG_ENABLE = 0x38,
    REG_CHECKSUM = 0x40,
    REG_FAULT = 0x48,
    REG_MOVED = 0x50,
    REG_DOORBELL = 0x58,
    REG_END = 0x60,
};

enum {
    COPY = 1,
    FILL = 2,
    CHECKSUM = 3,
};

#define BUSY 1
#define DONE 2
#define ERROR 4

enum {
    LINE_DONE,
    LINE_ERROR,
};

enum {
    REGION_REGISTERS,
    REGION_SCRATCH,
    REGION_SPARSE,
};

#define TRAPPED_PAGE 2
#define COUNT_WORD 2

typedef struct DmaEdu {
    PlatypusDevice *dev;
    int work_fd; /* readable while there is a transfer to go on with */
    uint64_t page_size;
    uint64_t regs[REG_END / 8];
    uint32_t trapped_writes;
    uint8_t bounce[SLICE];
} DmaEdu;

static uint64_t *reg(DmaEdu *s, unsigned offset)
{
    return &s->regs[offset / 8];
}

static void update_line(DmaEdu *s)
{
    if (*reg(s, REG_STATUS) & DONE && *reg(s, REG_ENABLE) & 1) {
        platypus_device_raise(s->dev, LINE_DONE);
    } else {
        platypus_device_lower(s->dev, LINE_DONE);
    }
}

/* ---- a transfer ---- */

static void set_work(DmaEdu *s, bool work)
{
    uint64_t n = 1;

    /* The counter is 0 or 1; to read a 0 fails, and that is as well. */
    if (work) {
        (void)!write(s->work_fd, &n, sizeof(n));
    } else {
        (void)!read(s->work_fd, &n, sizeof(n));
    }
}

static void finish(DmaEdu *s, uint64_t result)
{
    set_work(s, false);
    *reg(s, REG_STATUS) &= ~(uint64_t)BUSY;
    *reg(s, REG_STATUS) |= result;
    update_line(s);
    if (result == ERROR) {
        platypus_device_raise(s->dev, LINE_ERROR);
    }
}

/* The pattern goes on from slice to slice, whatever their length is. */
static void fill_bytes(const DmaEdu *s, uint8_t *to, size_t size)
{
    uint32_t pattern = s->regs[REG_PATTERN / 8];
    unsigned shift = s->regs[REG_MOVED / 8] % 4 * 8;
    uint32_t word = pattern;
    size_t i = 0;

    if (shift) {
        word = pattern >> shift | pattern << (32 - shift);
    }
    word = htole32(word);
    for (; i + 4 <= size; i += 4) {
        memcpy(to + i, &word, 4);
    }
    memcpy(to + i, &word, size - i);
}

/* Bytes of the guest's memory, as they are or in the bounce buffer. */
static const uint8_t *source(DmaEdu *s, uint64_t addr, size_t size, int *err)
{
    const uint8_t *data =
        platypus_device_dma_pointer(s->dev, addr, size, false);

    if (data) {
        return data;
    }
    *err = platypus_device_dma_read(s->dev, addr, s->bounce, size);
    return *err == 0 ? s->bounce : NULL;
}

static int put(DmaEdu *s, uint64_t addr, const uint8_t *data, size_t size)
{
    uint8_t *to = platypus_device_dma_pointer(s->dev, addr, size, true);

    if (to) {
        memmove(to, data, size);
        return 0;
    }
    return platypus_device_dma_write(s->dev, addr, data, size);
}

/* The next @size bytes. 0, or -errno with the address in *@fault. */
static int move_bytes(DmaEdu *s, size_t size, uint64_t *fault)
{
    uint64_t command = *reg(s, REG_COMMAND);
    const uint8_t *data = s->bounce;
    int err = 0;

    if (command == FILL) {
        fill_bytes(s, s->bounce, size);
    } else {
        *fault = *reg(s, REG_SOURCE) + *reg(s, REG_MOVED);
        data = source(s, *fault, size, &err);
    }
    if (err) {
        return err;
    }
    if (command == CHECKSUM) {
        *reg(s, REG_CHECKSUM) = crc32(*reg(s, REG_CHECKSUM), data, size);
    } else {
        *fault = *reg(s, REG_DEST) + *reg(s, REG_MOVED);
        err = put(s, *fault, data, size);
    }
    if (!err) {
        *reg(s, REG_MOVED) += size;
    }
    return err;
}

/*
 * A slice that cannot be accessed is tried by halves, down to the byte that
 * is the first one.
 */
static void work(void *model, int fd, short events)
{
    DmaEdu *s = model;
    uint64_t left = *reg(s, REG_LENGTH) - *reg(s, REG_MOVED);
    size_t size = left < SLICE ? left : SLICE;
    uint64_t fault = 0;
    int err = 0;

    if (size) {
        err = move_bytes(s, size, &fault);
        while (err == -EFAULT && size > 1) {
            size /= 2;
            err = move_bytes(s, size, &fault);
        }
    }
    if (err) {
        *reg(s, REG_FAULT) = fault;
        finish(s, ERROR);
    } else if (*reg(s, REG_MOVED) == *reg(s, REG_LENGTH)) {
        finish(s, DONE);
    }
}

static void doorbell(void *model, uint64_t offset)
{
    DmaEdu *s = model;
    uint64_t command = *reg(s, REG_COMMAND);

    if (*reg(s, REG_STATUS) & BUSY) {
        return;
    }
    *reg(s, REG_STATUS) |= BUSY;
    *reg(s, REG_CHECKSUM) = 0;
    *reg(s, REG_FAULT) = 0;
    *reg(s, REG_MOVED) = 0;
    if (command < COPY || command > CHECKSUM) {
        finish(s, ERROR);
    } else {
        set_work(s, true);
    }
}

/* ---- registers ---- */

static bool registers_read(void *model, uint64_t offset, unsigned size,
                           uint64_t *value)
{
    DmaEdu *s = model;

    if (offset >= REG_END || size < 4) {
        return false;
    }
    *value = *reg(s, offset) >> offset % 8 * 8;
    return true;
}

static void write_status(DmaEdu *s, uint64_t value)
{
    *reg(s, REG_STATUS) &= ~(value & (DONE | ERROR));
    update_line(s);
}

/* The other half of a register stays as it is. */
static void write_part(DmaEdu *s, uint64_t offset, unsigned size,
                       uint64_t value)
{
    uint64_t mask = size == 8 ? ~0ULL : 0xffffffffULL << offset % 8 * 8;

    *reg(s, offset) &= ~mask;
    *reg(s, offset) |= value << offset % 8 * 8 & mask;
}

static bool registers_write(void *model, uint64_t offset, unsigned size,
                            uint64_t value)
{
    DmaEdu *s = model;

    if (offset >= REG_END || size < 4) {
        return false;
    }
    switch (offset & ~7ULL) {
    case REG_COMMAND:
    case REG_SOURCE:
    case REG_DEST:
    case REG_LENGTH:
    case REG_PATTERN:
        if (!(*reg(s, REG_STATUS) & BUSY)) {
            write_part(s, offset, size, value);
        }
        return true;
    case REG_STATUS:
        write_status(s, offset == REG_STATUS ? value : 0);
        return true;
    case REG_ENABLE:
        write_part(s, offset, size, value);
        update_line(s);
        return true;
    default:
        return false; /* read-only, or the doorbell in a size it has not */
    }
}

static void dma_edu_reset(void *model)
{
    DmaEdu *s = model;

    if (*reg(s, REG_STATUS) & BUSY) {
        set_work(s, false);
    }
    memset(s->regs, 0, sizeof(s->regs));
    *reg(s, REG_ID) = ID;
    s->trapped_writes = 0;
    update_line(s);
}

/* ---- the trapped page ---- */

static bool trapped_word(const DmaEdu *s, uint64_t offset, unsigned size)
{
    return size == 4 && offset - TRAPPED_PAGE * s->page_size < 4 * 4;
}

static bool sparse_read(void *model, uint64_t offset, unsigned size,
                        uint64_t *value)
{
    const DmaEdu *s = model;
    const uint8_t *memory = platypus_device_memory(s->dev, REGION_SPARSE);
    unsigned word = offset % s->page_size / 4;

    if (!trapped_word(s, offset, size)) {
        return false;
    }
    *value = word == COUNT_WORD
                 ? s->trapped_writes
                 : crc32(0, memory + word * s->page_size, s->page_size);
    return true;
}

static bool sparse_write(void *model, uint64_t offset, unsigned size,
                         uint64_t value)
{
    DmaEdu *s = model;

    if (!trapped_word(s, offset, size)) {
        return false;
    }
    s->trapped_writes++;
    return true;
}

/* ---- the model ---- */

static PlatypusDevice *new_device(DmaEdu *s)
{
    const uint64_t page = s->page_size;
    const PlatypusArea scratch = {0, page};
    const PlatypusArea sparse[] = {{0, 2 * page}, {3 * page, page}};
    const PlatypusRegion regions[] = {
        [REGION_REGISTERS] = {.size = REGISTERS_SIZE,
                              .read = registers_read,
                              .write = registers_write},
        [REGION_SCRATCH] = {.size = page, .areas = &scratch, .num_areas = 1},
        [REGION_SPARSE] = {.size = 4 * page,
                           .read = sparse_read,
                           .write = sparse_write,
                           .areas = sparse,
                           .num_areas = 2},
    };
    const PlatypusLine lines[] = {
        [LINE_DONE] = {.edge = false},
        [LINE_ERROR] = {.edge = true},
    };
    const PlatypusDeviceDesc desc = {
        .name = "dma-edu",
        .regions = regions,
        .num_regions = sizeof(regions) / sizeof(regions[0]),
        .lines = lines,
        .num_lines = sizeof(lines) / sizeof(lines[0]),
        .reset = dma_edu_reset,
    };

    return model_new_device(&desc, s);
}

static void dma_edu_close(void *model)
{
    DmaEdu *s = model;

    platypus_device_free(s->dev);
    if (s->work_fd >= 0) {
        close(s->work_fd);
    }
    free(s);
}

static bool connect_parts(DmaEdu *s)
{
    if (s->work_fd >= 0 &&
        platypus_device_watch(s->dev, s->work_fd, POLLIN, work) == 0 &&
        platypus_device_add_doorbell(s->dev, REGION_REGISTERS, REG_DOORBELL, 4,
                                     doorbell) == 0) {
        return true;
    }
    model_error("dma-edu: no eventfd");
    return false;
}

static void *dma_edu_open(const char *const *values, PlatypusDevice **dev)
{
    DmaEdu *s = calloc(1, sizeof(*s));

    if (!s) {
        model_error("dma-edu: no memory");
        return NULL;
    }
    s->page_size = sysconf(_SC_PAGESIZE);
    s->work_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->dev = new_device(s);
    if (!s->dev || !connect_parts(s)) {
        dma_edu_close(s);
        return NULL;
    }
    dma_edu_reset(s);
    *dev = s->dev;
    return s;
}

const ModelClass dma_edu_model = {
    .name = "dma-edu",
    .summary = "DMA engine with mapped memory, a level and an edge line",
    .open = dma_edu_open,
    .close = dma_edu_close,
};
