/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device of tests/bench/vfio-user.c, as any model is written: a page of
 * registers that keep what is written, a level line and an edge line. What it
 * is to do beside that comes by the descriptor CONTROL (vfio-user.h).
 *
 *     vfio-user-model SOCKET CONTROL
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platypus-device.h"
#include "vfio-user.h"

#define REGISTERS 1024

static PlatypusDevice *dev;
static uint32_t registers[REGISTERS];
static uint8_t buffer[BENCH_MAX_PIECE] __attribute__((aligned(4096)));
static int64_t raised;

static bool read_register(void *model, uint64_t offset, unsigned size,
                          uint64_t *value)
{
    *value = registers[offset / 4];
    return size == 4;
}

static bool write_register(void *model, uint64_t offset, unsigned size,
                           uint64_t value)
{
    registers[offset / 4] = value;
    return size == 4;
}

static void die(const char *text)
{
    fprintf(stderr, "vfio-user-model: %s\n", text);
    exit(1);
}

static void dma(const BenchCommand *c, uint64_t at)
{
    int ret =
        c->write
            ? platypus_device_dma_write(dev, BENCH_RAM + at, buffer, c->piece)
            : platypus_device_dma_read(dev, BENCH_RAM + at, buffer, c->piece);

    if (ret < 0) {
        die(strerror(-ret));
    }
}

/* The same memory, so that it is no better or worse placed. */
static void copy(const BenchCommand *c, uint64_t at)
{
    uint8_t *memory =
        platypus_device_dma_pointer(dev, BENCH_RAM, BENCH_RAM_SIZE, true);

    if (!memory) {
        die("the RAM is not shared in one piece");
    }
    memcpy(c->write ? memory + at : buffer, c->write ? buffer : memory + at,
           c->piece);
    /* The compiler must not leave out what nobody reads. */
    __asm__ volatile("" : : "r"(buffer), "r"(memory) : "memory");
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The median of all of it, piece by piece. */
static int64_t time_pieces(const BenchCommand *c,
                           void (*move)(const BenchCommand *c, uint64_t at))
{
    static int64_t ns[BENCH_RAM_SIZE / BENCH_MIN_PIECE];
    unsigned n = BENCH_RAM_SIZE / c->piece;

    for (unsigned i = 0; i < n; i++) {
        int64_t start = bench_ns();

        move(c, (uint64_t)i * c->piece);
        ns[i] = bench_ns() - start;
    }
    qsort(ns, n, sizeof(ns[0]), compare);
    return ns[n / 2];
}

static void do_command(void *model, int fd, short events)
{
    BenchCommand c;
    int64_t answer;

    if (read(fd, &c, sizeof(c)) != sizeof(c)) {
        platypus_device_stop(dev);
        return;
    }
    switch (c.action) {
    case BENCH_RAISE:
        usleep(BENCH_SETTLE_US);
        raised = bench_ns();
        platypus_device_raise(dev, c.line);
        return;
    case BENCH_LOWER:
        platypus_device_lower(dev, c.line);
        answer = raised;
        break;
    case BENCH_DMA:
        answer = time_pieces(&c, dma);
        break;
    default:
        answer = time_pieces(&c, copy);
        break;
    }
    if (write(fd, &answer, sizeof(answer)) != sizeof(answer)) {
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static const PlatypusRegion regions[] = {
        {.size = sizeof(registers),
         .read = read_register,
         .write = write_register},
    };
    static const PlatypusLine lines[BENCH_LINES] = {
        [BENCH_EDGE] = {.edge = true},
    };
    static const PlatypusDeviceDesc desc = {
        .name = "vfio-user-model",
        .regions = regions,
        .num_regions = 1,
        .lines = lines,
        .num_lines = BENCH_LINES,
    };
    int ret;

    if (argc != 3) {
        return 1;
    }
    memset(buffer, 1, sizeof(buffer));
    dev = platypus_device_new(&desc, NULL);
    if (!dev) {
        return 1;
    }
    ret = platypus_device_listen(dev, argv[1]);
    if (ret == 0) {
        ret = platypus_device_watch(dev, atoi(argv[2]), POLLIN, do_command);
    }
    if (ret == 0) {
        ret = platypus_device_run(dev);
    }
    platypus_device_free(dev);
    return ret < 0;
}
