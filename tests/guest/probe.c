/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe: accesses that a guest should not make, one line each with what came
 * of it: the value read, or the abort's syndrome. The run goes on after each
 * of them; a harness compares the lines with what the host's configuration
 * promises. On the RTC the accesses are trapped only without its mapping, on
 * the PL011 always.
 */
#include "guest.h"

#define BUS_HOLE 0x0df00000UL /* in the platform bus window, no device */
#define MAP_HOLE 0x0b000000UL /* in nothing at all */

static unsigned probes;

static void report(const char *what, uint64_t addr, uint64_t value)
{
    probes++;
    expect_fault = false;
    if (fault_esr) {
        print("probe: %s addr=%lx abort ec=%lx fsc=%lx\n", what, addr,
              fault_esr >> 26, fault_esr & 0x3f);
    } else {
        print("probe: %s addr=%lx value=%lx\n", what, addr, value);
    }
}

static void expect(void)
{
    fault_esr = 0;
    expect_fault = true;
}

/* One instruction on [x1]; what it loads it leaves in x0. */
#define PROBE(what, address, instruction)            \
    do {                                             \
        uint64_t addr_ = (address);                  \
        register uint64_t x0_ __asm__("x0") = 0;     \
        register uint64_t x1_ __asm__("x1") = addr_; \
        uint64_t value_;                             \
                                                     \
        expect();                                    \
        __asm__ volatile(instruction                 \
                         : "+r"(x0_), "+r"(x1_)      \
                         :                           \
                         : "x2", "v0", "memory");    \
        value_ = x0_;                                \
        report(what, addr_, value_);                 \
    } while (0)

static void probe_hole(uint64_t addr)
{
    PROBE("hole-read1", addr, "ldrb w0, [x1]");
    PROBE("hole-read2", addr, "ldrh w0, [x1]");
    PROBE("hole-read4", addr, "ldr w0, [x1]");
    PROBE("hole-read8", addr, "ldr x0, [x1]");
    PROBE("hole-write4", addr, "str w0, [x1]");
}

static void probe_sizes(uint64_t addr)
{
    PROBE("size-read1", addr, "ldrb w0, [x1]");
    PROBE("size-read2", addr, "ldrh w0, [x1]");
    PROBE("size-read4", addr, "ldr w0, [x1]");
    PROBE("size-read8", addr, "ldr x0, [x1]");
    PROBE("unaligned-read4", addr + 2, "ldr w0, [x1]");
}

static void probe_no_syndrome(uint64_t addr)
{
    PROBE("writeback-read4", addr, "ldr w0, [x1], #4");
    PROBE("pair-read4", addr, "ldp w0, w2, [x1]");
    PROBE("simd-read8", addr, "ldr d0, [x1]");
    PROBE("exclusive-read4", addr, "ldxr w0, [x1]");
}

void payload_main(void)
{
    rtc_find();
    probe_hole(BUS_HOLE);
    probe_hole(MAP_HOLE);
    probe_sizes(rtc.base + RTC_PERIPHID0);
    probe_no_syndrome(rtc.base + RTC_PERIPHID0);
    probe_no_syndrome(UART_FR);
    PROBE("writeback-write4", UART_BASE + 0x38, "str w0, [x1], #4");
    PROBE("last-read4", rtc.base + RTC_PERIPHID0, "ldr w0, [x1]");
    print("probe: done probes=%u aborts=%lu\n", probes, fault_count);
}
