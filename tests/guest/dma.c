/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dma: the model dma-edu, as device/models/dma-edu.c describes it. It moves
 * mib MiB by DMA and compares the CRC-32 of both sides, its own and the
 * device's; makes n small copies with an interrupt each; and has one fail.
 * With stopped=1 the device's process is stopped at "dma: hold", before a line
 * is sent: the doorbell and the pages that are mapped must do without it.
 */
#include "guest.h"

#define ID 0x00
#define COMMAND 0x08
#define SOURCE 0x10
#define DEST 0x18
#define LENGTH 0x20
#define PATTERN 0x28
#define STATUS 0x30
#define ENABLE 0x38
#define CHECKSUM 0x40
#define FAULT 0x48
#define MOVED 0x50
#define DOORBELL 0x58

#define COPY 1
#define FILL 2
#define SUM 3

#define DONE 2
#define ERROR 4

/* Far from the kernel, the initrd and the device tree */
#define FROM 0x50000000UL
#define TO 0x58000000UL
#define NOWHERE 0x20000000000UL
#define PAGE 4096

static Device regs, scratch, sparse;
static volatile uint64_t done, errors, spurious;

static bool done_handler(unsigned intid, uint64_t entry)
{
    if (read64(regs.base + STATUS) & DONE) {
        write64(regs.base + STATUS, DONE);
        done++;
    } else {
        spurious++;
    }
    return true;
}

static bool error_handler(unsigned intid, uint64_t entry)
{
    errors++;
    return true;
}

static uint32_t crc32(uint64_t addr, uint64_t size)
{
    uint32_t crc = ~0u;

    for (uint64_t end = addr + size; addr < end; addr += 8) {
        __asm__(".arch_extension crc\n\tcrc32x %w0, %w0, %1"
                : "+r"(crc)
                : "r"(read64(addr)));
    }
    return ~crc;
}

static void fill_random(uint64_t addr, uint64_t size)
{
    uint64_t x = 88172645463325252UL;

    for (uint64_t end = addr + size; addr < end; addr += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        write64(addr, x);
    }
}

static void start(uint64_t command, uint64_t from, uint64_t to, uint64_t size)
{
    write64(regs.base + COMMAND, command);
    write64(regs.base + SOURCE, from);
    write64(regs.base + DEST, to);
    write64(regs.base + LENGTH, size);
    write32(regs.base + DOORBELL, 1);
}

/* Waits until one of the two has changed; false after wait_ms. */
static bool finished(uint64_t done_before, uint64_t errors_before)
{
    uint64_t end = ticks() + us_to_ticks(arg("wait_ms", 1000) * 1000);

    while (done == done_before && errors == errors_before) {
        if (ticks() > end) {
            print("dma: nothing came: status=%lu moved=%lu\n",
                  read64(regs.base + STATUS), read64(regs.base + MOVED));
            return false;
        }
    }
    return done != done_before;
}

static bool transfer(uint64_t command, uint64_t from, uint64_t to,
                     uint64_t size)
{
    uint64_t d = done, e = errors;

    start(command, from, to, size);
    return finished(d, e);
}

static void large(void)
{
    uint64_t size = arg("mib", 64) << 20;
    uint32_t crc, t_crc, device_from = 0, device_to = 0;
    bool ok;

    fill_random(FROM, size);
    crc = crc32(FROM, size);
    ok = transfer(SUM, FROM, 0, size);
    device_from = read32(regs.base + CHECKSUM);
    ok = ok && transfer(COPY, FROM, TO, size);
    print("dma: moved=%lu\n", read64(regs.base + MOVED));
    ok = ok && transfer(SUM, TO, 0, size);
    device_to = read32(regs.base + CHECKSUM);
    t_crc = crc32(TO, size);
    print("dma: crc=%x copied=%x device=%x,%x\n", crc, t_crc, device_from,
          device_to);
    print("dma: large_ok=%u\n",
          ok && t_crc == crc && device_from == crc && device_to == crc);
}

static void small(void)
{
    uint64_t n = arg("n", 200), before = done;
    uint64_t bad = 0;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = i % 64 * PAGE;

        write64(TO + at, 0);
        if (!transfer(COPY, FROM + at, TO + at, PAGE)) {
            break;
        }
        bad += read64(TO + at) != read64(FROM + at);
    }
    print("dma: small=%lu bad=%lu\n", done - before, bad);
}

static void failing(void)
{
    uint64_t d = done, e = errors;
    bool ok = !transfer(COPY, FROM, NOWHERE, 64);

    ok = ok && read64(regs.base + STATUS) == ERROR &&
         read64(regs.base + FAULT) == NOWHERE;
    write64(regs.base + STATUS, ERROR);
    delay_us(20000);
    print("dma: errors=%lu error_done=%lu error_ok=%u\n", errors - e, done - d,
          ok);
}

static void memory(void)
{
    uint64_t trapped = sparse.base + 2 * PAGE;
    uint64_t writes = read32(trapped + 8);
    bool ok;

    fill_random(scratch.base, PAGE);
    fill_random(FROM, PAGE);
    ok = crc32(scratch.base, PAGE) == crc32(FROM, PAGE);
    for (unsigned page = 0; page < 4; page++) {
        if (page != 2) {
            fill_random(sparse.base + page * PAGE, PAGE - 64 * page);
        }
    }
    for (unsigned page = 0; page < 4; page++) {
        if (page != 2) {
            ok = ok && read32(trapped + 4 * page) ==
                           crc32(sparse.base + page * PAGE, PAGE);
        }
    }
    write32(trapped, 0);
    ok = ok && read32(trapped + 8) == writes + 1;
    print("dma: memory_ok=%u\n", ok);
}

static void without_process(void)
{
    uint64_t d = done, e = errors;
    bool stopped = arg("stopped", 0), ok = true;

    write64(regs.base + COMMAND, FILL);
    write64(regs.base + DEST, TO);
    write64(regs.base + PATTERN, 0x11223344);
    write64(regs.base + LENGTH, 8);
    print("dma: hold\n");
    wait_for_line();
    if (stopped) {
        write32(scratch.base, 0x600d);
        write32(sparse.base + 3 * PAGE, 0x600e);
        ok = read32(scratch.base) == 0x600d &&
             read32(sparse.base + 3 * PAGE) == 0x600e;
    }
    write32(regs.base + DOORBELL, 1);
    ok = ok && (!stopped || (done == d && errors == e));
    print("dma: rung=%u\n", ok);
    ok = finished(d, e) && read64(TO) == 0x1122334411223344;
    print("dma: filled=%u\n", ok);
}

void payload_main(void)
{
    find_device_part(&regs, "platypus,dma-edu", NULL, 0);
    find_device_part(&scratch, "platypus,dma-edu", NULL, 1);
    find_device_part(&sparse, "platypus,dma-edu", NULL, 2);
    if (read64(regs.base + ID) != 0x315544452d414d44) {
        print("dma: id=%lx\n", read64(regs.base + ID));
        return;
    }
    gic_init();
    gic_cpu_init();
    irq_enable(regs.intid, regs.edge, 0, 0xa0, done_handler);
    irq_enable(scratch.intid, scratch.edge, 0, 0xa0, error_handler);
    irqs_on();
    write64(regs.base + ENABLE, 1);
    memory();
    large();
    small();
    failing();
    without_process();
    print("dma: spurious=%lu unclaimed=%lu\n", spurious, irq_unclaimed);
}
