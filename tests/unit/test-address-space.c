/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses: sizes, alignment, holes, failures, nesting, the machine lock.
 */
#include "hw/core/memory.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/main-loop.h"

typedef struct Dev {
    MemoryRegion mr;
    MemoryRegionOps ops;
    GString *log;
    MemTxResult result;
    AddressSpace *as; /* for the nested accesses */
    bool saw_lock;
} Dev;

typedef struct Fixture {
    MemoryRegion root;
    MemoryRegion ram;
    AddressSpace as;
    Dev dev;
} Fixture;

#define DEV_BASE 0x2000
#define RAM_BASE 0x1000

static MemTxResult dev_read(void *opaque, hwaddr addr, uint64_t *value,
                            unsigned size)
{
    Dev *dev = opaque;

    dev->saw_lock = machine_locked();
    g_string_append_printf(dev->log, "r%u@%" PRIx64 " ", size, addr);
    *value = 0x8877665544332211 >> (8 * (addr & 7));
    if (size < 8) {
        *value &= (1ULL << (8 * size)) - 1;
    }
    return dev->result;
}

static MemTxResult dev_write(void *opaque, hwaddr addr, uint64_t value,
                             unsigned size)
{
    Dev *dev = opaque;

    g_string_append_printf(dev->log, "w%u@%" PRIx64 "=%" PRIx64 " ", size, addr,
                           value);
    return dev->result;
}

static void set_up(Fixture *f, gconstpointer data)
{
    memory_region_init(&f->root, NULL, "root", 0x10000);
    g_assert_true(memory_region_init_ram(&f->ram, NULL, "ram", 0x1000, NULL));
    f->dev = (Dev){.ops = {.read = dev_read, .write = dev_write},
                   .log = g_string_new(NULL),
                   .as = &f->as};
    memory_region_init_io(&f->dev.mr, NULL, &f->dev.ops, &f->dev, "dev", 0x20);
    memory_region_add_subregion(&f->root, RAM_BASE, &f->ram);
    memory_region_add_subregion(&f->root, DEV_BASE, &f->dev.mr);
    address_space_init(&f->as, &f->root, "test");
}

static void tear_down(Fixture *f, gconstpointer data)
{
    memory_region_del_subregion(&f->root, &f->ram);
    memory_region_del_subregion(&f->root, &f->dev.mr);
    address_space_finish(&f->as);
    memory_region_finish(&f->dev.mr);
    memory_region_finish(&f->ram);
    memory_region_finish(&f->root);
    g_string_free(f->dev.log, true);
}

static void expect_calls(Fixture *f, const char *calls)
{
    g_assert_cmpstr(f->dev.log->str, ==, calls);
    g_string_truncate(f->dev.log, 0);
}

static void test_sizes(Fixture *f, gconstpointer data)
{
    uint8_t buf[64];
    uint64_t value = 0;

    for (unsigned size = 1; size <= 8; size *= 2) {
        g_assert_cmpint(address_space_read(&f->as, DEV_BASE + 8, &value, size),
                        ==, MEMTX_OK);
    }
    g_assert_cmphex(value, ==, 0x8877665544332211);
    expect_calls(f, "r1@8 r2@8 r4@8 r8@8 ");

    /* A block: aligned pieces, as large as may be. */
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE + 3, buf, 15), ==,
                    MEMTX_OK);
    expect_calls(f, "r1@3 r4@4 r8@8 r2@10 ");
    g_assert_cmphex(buf[0], ==, 0x44);

    f->dev.ops.max_access_size = 4;
    value = 0x1122334455667788;
    g_assert_cmpint(address_space_write(&f->as, DEV_BASE, &value, 8), ==,
                    MEMTX_OK);
    expect_calls(f, "w4@0=55667788 w4@4=11223344 ");

    f->dev.ops.unaligned = true;
    address_space_read(&f->as, DEV_BASE + 3, buf, 4);
    expect_calls(f, "r4@3 ");
}

static void test_refused(Fixture *f, gconstpointer data)
{
    uint64_t value = 0;

    f->dev.ops.min_access_size = 4;
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE, &value, 2), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(value, ==, 0xffff);
    value = 0;
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE + 2, &value, 4), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(value, ==, 0xffffffff);
    g_assert_cmpint(address_space_write(&f->as, DEV_BASE, &value, 1), ==,
                    MEMTX_DECODE_ERROR);
    expect_calls(f, "");

    f->dev.ops.write = NULL;
    g_assert_cmpint(address_space_write(&f->as, DEV_BASE, &value, 4), ==,
                    MEMTX_DECODE_ERROR);
    f->dev.ops.read = NULL;
    value = 0;
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE, &value, 8), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(value, ==, UINT64_MAX);
    expect_calls(f, "");
}

static void test_failed(Fixture *f, gconstpointer data)
{
    uint64_t value = 0;

    f->dev.result = MEMTX_ERROR;
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE, &value, 4), ==,
                    MEMTX_ERROR);
    g_assert_cmphex(value, ==, 0xffffffff);
    g_assert_cmpint(address_space_write(&f->as, DEV_BASE, &value, 4), ==,
                    MEMTX_ERROR);
    f->dev.result = MEMTX_GONE;
    value = 0;
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE, &value, 4), ==,
                    MEMTX_GONE);
    g_assert_cmphex(value, ==, 0xffffffff);
}

static void test_holes(Fixture *f, gconstpointer data)
{
    uint8_t buf[0x40];

    memset(buf, 0, sizeof(buf));
    f->ram.ram[0xfff] = 0x5a;
    /* From the last byte of RAM over a page of nothing? It is adjacent. */
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE - 1, buf, 0x40), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmphex(buf[0], ==, 0x5a);
    g_assert_cmphex(buf[1], ==, 0x11);
    g_assert_cmphex(buf[0x20], ==, 0x88);
    g_assert_cmphex(buf[0x21], ==, 0xff);
    g_assert_cmphex(buf[0x3f], ==, 0xff);
    g_assert_cmpint(address_space_read(&f->as, UINT64_MAX - 3, buf, 4), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmpint(address_space_write(&f->as, 0, buf, 1), ==,
                    MEMTX_DECODE_ERROR);
    g_assert_cmpint(address_space_read(&f->as, 0, buf, 0), ==, MEMTX_OK);
}

static void test_ram(Fixture *f, gconstpointer data)
{
    char text[] = "across";

    g_assert_cmpint(address_space_write(&f->as, RAM_BASE + 1, text, 7), ==,
                    MEMTX_OK);
    g_assert_cmpstr((char *)f->ram.ram + 1, ==, "across");
    g_assert_true(address_space_ram(&f->as, RAM_BASE + 1, 7) == f->ram.ram + 1);
    g_assert_null(address_space_ram(&f->as, RAM_BASE, 0x1001));
    g_assert_null(address_space_ram(&f->as, DEV_BASE, 1));
    g_assert_null(address_space_ram(&f->as, 0, 1));

    memory_region_set_readonly(&f->ram, true);
    g_assert_cmpint(address_space_write(&f->as, RAM_BASE + 1, "new", 3), ==,
                    MEMTX_ERROR);
    g_assert_cmpstr((char *)f->ram.ram + 1, ==, "across");
}

typedef struct Watch {
    MemoryWriteWatch watch;
    const uint8_t *ram;
    uint64_t offset;
    uint64_t size;
    uint8_t seen; /* what is there already when it hears of it */
    unsigned written;
    unsigned freed;
} Watch;

static void watch_written(MemoryWriteWatch *watch, uint64_t offset,
                          uint64_t size)
{
    Watch *w = (Watch *)watch;

    w->offset = offset;
    w->size = size;
    w->seen = w->ram[offset];
    w->written++;
}

static void watch_free(MemoryWriteWatch *watch)
{
    ((Watch *)watch)->freed++;
}

static void test_write_watch(Fixture *f, gconstpointer data)
{
    Watch w = {.watch = {watch_written, watch_free}};
    uint8_t bytes[0x20];
    MemoryRegion mr;

    g_assert_true(memory_region_init_ram(&mr, NULL, "watched", 0x100, NULL));
    w.ram = mr.ram;
    g_assert_null(memory_region_write_watch(&mr));
    memory_region_set_write_watch(&mr, &w.watch);
    g_assert_true(memory_region_write_watch(&mr) == &w.watch);
    memory_region_add_subregion(&f->root, 0x8000, &mr);
    memset(bytes, 0x5a, sizeof(bytes));
    address_space_write(&f->as, 0x8010, bytes, 0x20);
    g_assert_cmpuint(w.written, ==, 1);
    g_assert_cmphex(w.offset, ==, 0x10);
    g_assert_cmphex(w.size, ==, 0x20);
    g_assert_cmphex(w.seen, ==, 0x5a);
    /* Of a write that reaches further, its own part. */
    address_space_write(&f->as, 0x80f8, bytes, 0x20);
    g_assert_cmphex(w.offset, ==, 0xf8);
    g_assert_cmphex(w.size, ==, 8);
    /* Not of reads, other regions, or what is refused. */
    address_space_read(&f->as, 0x8000, bytes, 0x10);
    address_space_write(&f->as, RAM_BASE, bytes, 0x10);
    memory_region_set_readonly(&mr, true);
    address_space_write(&f->as, 0x8000, bytes, 0x10);
    g_assert_cmpuint(w.written, ==, 2);
    memory_region_del_subregion(&f->root, &mr);
    g_assert_cmpuint(w.freed, ==, 0);
    memory_region_finish(&mr);
    g_assert_cmpuint(w.freed, ==, 1);
}

static void test_ram_device(Fixture *f, gconstpointer data)
{
    uint8_t regs[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint8_t buf[16] = {0};
    MemoryRegion mr;

    memory_region_init_ram_device(&mr, NULL, "map", sizeof(regs), regs);
    memory_region_add_subregion_overlap(&f->root, DEV_BASE, &mr, 1);
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE + 1, buf, 15), ==,
                    MEMTX_OK);
    g_assert_cmpint(memcmp(buf, regs + 1, 15), ==, 0);
    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t value = 0x0101010101010101 * size;

        address_space_write(&f->as, DEV_BASE + 8, &value, size);
        g_assert_cmphex(regs[8 + size - 1], ==, size);
    }
    expect_calls(f, "");
    memory_region_del_subregion(&f->root, &mr);
    memory_region_finish(&mr);
}

static void test_lock(Fixture *f, gconstpointer data)
{
    uint32_t value;

    address_space_read(&f->as, DEV_BASE, &value, 4);
    g_assert_true(f->dev.saw_lock);
    machine_unlock();
    address_space_read(&f->as, DEV_BASE, &value, 4);
    g_assert_true(f->dev.saw_lock);
    g_assert_false(machine_locked());
    f->dev.ops.lockless = true;
    address_space_read(&f->as, DEV_BASE, &value, 4);
    g_assert_false(f->dev.saw_lock);
    machine_lock();
}

/* A region whose read reads itself again: ends at the nesting limit. */
static MemTxResult nested_read(void *opaque, hwaddr addr, uint64_t *value,
                               unsigned size)
{
    Dev *dev = opaque;

    g_string_append(dev->log, "n ");
    *value = 0;
    return address_space_read(dev->as, DEV_BASE, value, size);
}

static void test_nesting(Fixture *f, gconstpointer data)
{
    uint32_t value = 0;

    f->dev.ops.read = nested_read;
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE, &value, 4), ==,
                    MEMTX_ERROR);
    expect_calls(f, "n n n n ");
    g_assert_cmphex(value, ==, 0xffffffff);
    f->dev.ops.read = dev_read;
    g_assert_cmpint(address_space_read(&f->as, DEV_BASE, &value, 4), ==,
                    MEMTX_OK);
}

static void write_value(Fixture *f, hwaddr addr, uint64_t value, unsigned size)
{
    g_assert_cmpint(address_space_write(&f->as, addr, &value, size), ==,
                    MEMTX_OK);
}

/* Signals since the last call. */
static unsigned take_signals(int fd)
{
    uint64_t count = 0;

    g_assert_true(read(fd, &count, sizeof(count)) == sizeof(count) ||
                  count == 0);
    return count;
}

static int new_eventfd(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    g_assert_no_errno(fd);
    return fd;
}

static void set_ioeventfds(Fixture *f, const MemoryRegionIoEventFd *fds,
                           unsigned n)
{
    memory_region_set_enabled(&f->dev.mr, false);
    memory_region_set_ioeventfds(&f->dev.mr, fds, n);
    memory_region_set_enabled(&f->dev.mr, true);
}

static void test_ioeventfd(Fixture *f, gconstpointer data)
{
    int sized = new_eventfd(), any = new_eventfd(), matching = new_eventfd();
    const MemoryRegionIoEventFd fds[] = {
        {.offset = 0x10, .size = 4, .fd = sized},
        {.offset = 0x18, .size = 0, .fd = any},
        {.offset = 0, .size = 4, .match = true, .data = 7, .fd = matching},
        {.offset = 0, .size = 0, .match = true, .data = 8, .fd = any},
        {.offset = 0x18, .size = 8, .fd = matching}, /* the second for it */
    };

    set_ioeventfds(f, fds, G_N_ELEMENTS(fds));
    write_value(f, DEV_BASE + 0x10, 1, 4);
    write_value(f, DEV_BASE + 0x10, 2, 4);
    g_assert_cmpuint(take_signals(sized), ==, 2);
    for (unsigned size = 1; size <= 8; size *= 2) {
        write_value(f, DEV_BASE + 0x18, 0, size);
        g_assert_cmpuint(take_signals(any), ==, 1);
    }
    write_value(f, DEV_BASE, 7, 4);
    g_assert_cmpuint(take_signals(matching), ==, 1);
    write_value(f, DEV_BASE, 8, 2);
    g_assert_cmpuint(take_signals(any), ==, 1);
    expect_calls(f, "");

    /* Another size, offset or value, and what is read. */
    write_value(f, DEV_BASE + 0x10, 1, 2);
    write_value(f, DEV_BASE + 0x10, 1, 8);
    write_value(f, DEV_BASE + 0x11, 1, 1);
    write_value(f, DEV_BASE + 0x1a, 1, 2);
    write_value(f, DEV_BASE, 6, 4);
    write_value(f, DEV_BASE, 7, 2);
    write_value(f, DEV_BASE, 7ULL << 32 | 7, 8);
    expect_calls(f, "w2@10=1 w8@10=1 w1@11=1 w2@1a=1 w4@0=6 w2@0=7 "
                    "w8@0=700000007 ");
    g_assert_cmpint(
        address_space_read(&f->as, DEV_BASE + 0x10, &(uint32_t){0}, 4), ==,
        MEMTX_OK);
    expect_calls(f, "r4@10 ");
    g_assert_cmpuint(take_signals(sized), ==, 0);
    g_assert_cmpuint(take_signals(any), ==, 0);
    g_assert_cmpuint(take_signals(matching), ==, 0);

    set_ioeventfds(f, NULL, 0);
    write_value(f, DEV_BASE + 0x10, 1, 4);
    expect_calls(f, "w4@10=1 ");
    close(sized);
    close(any);
    close(matching);
}

/* A full counter is not waited for, and the write went well. */
static void test_ioeventfd_full(Fixture *f, gconstpointer data)
{
    const uint64_t full = UINT64_MAX - 1;
    int fd = new_eventfd();
    const MemoryRegionIoEventFd ioeventfd = {.offset = 0, .size = 4, .fd = fd};

    set_ioeventfds(f, &ioeventfd, 1);
    g_assert_cmpint(write(fd, &full, sizeof(full)), ==, sizeof(full));
    write_value(f, DEV_BASE, 1, 4);
    expect_calls(f, "");
    set_ioeventfds(f, NULL, 0);
    close(fd);
}

static void *write_from_thread(void *opaque)
{
    write_value(opaque, DEV_BASE, 1, 4);
    return NULL;
}

/* The region's ops want the machine lock, which another thread keeps. */
static void test_ioeventfd_no_lock(Fixture *f, gconstpointer data)
{
    int fd = new_eventfd();
    const MemoryRegionIoEventFd ioeventfd = {.offset = 0, .size = 4, .fd = fd};
    pthread_t thread;

    set_ioeventfds(f, &ioeventfd, 1);
    g_assert_true(machine_locked());
    g_assert_cmpint(pthread_create(&thread, NULL, write_from_thread, f), ==, 0);
    g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
    g_assert_cmpuint(take_signals(fd), ==, 1);
    set_ioeventfds(f, NULL, 0);
    close(fd);
}

/* Part of the region is shown, from its middle on. */
static void test_ioeventfd_section(Fixture *f, gconstpointer data)
{
    int fd = new_eventfd();
    const MemoryRegionIoEventFd ioeventfd = {
        .offset = 0x10, .size = 4, .fd = fd};
    MemoryRegion cover;

    set_ioeventfds(f, &ioeventfd, 1);
    g_assert_true(memory_region_init_ram(&cover, NULL, "cover", 8, NULL));
    memory_region_add_subregion_overlap(&f->root, DEV_BASE, &cover, 1);
    write_value(f, DEV_BASE + 0x10, 1, 4);
    g_assert_cmpuint(take_signals(fd), ==, 1);
    memory_region_set_address(&cover, DEV_BASE + 0x10);
    write_value(f, DEV_BASE + 0x10, 1, 4);
    g_assert_cmpuint(take_signals(fd), ==, 0);
    expect_calls(f, "");
    memory_region_del_subregion(&f->root, &cover);
    memory_region_finish(&cover);
    set_ioeventfds(f, NULL, 0);
    close(fd);
}

#define ADD(name, fn) \
    g_test_add("/address-space/" name, Fixture, NULL, set_up, fn, tear_down)

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    machine_lock();
    ADD("sizes", test_sizes);
    ADD("refused", test_refused);
    ADD("failed", test_failed);
    ADD("holes", test_holes);
    ADD("ram", test_ram);
    ADD("write-watch", test_write_watch);
    ADD("ram-device", test_ram_device);
    ADD("lock", test_lock);
    ADD("nesting", test_nesting);
    ADD("ioeventfd", test_ioeventfd);
    ADD("ioeventfd-full", test_ioeventfd_full);
    ADD("ioeventfd-no-lock", test_ioeventfd_no_lock);
    ADD("ioeventfd-section", test_ioeventfd_section);
    status = g_test_run();
    machine_unlock();
    return status;
}
