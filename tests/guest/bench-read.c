/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-read: the mean time of n reads of one register of the RTC, in a loop
 * of three instructions. Under -icount on the board a nanosecond is one
 * instruction.
 */
#include "guest.h"

static uint64_t time_reads(uint64_t addr, uint64_t n)
{
    uint64_t start = ticks();

    __asm__ volatile("1: ldr w9, [%1]\n\t"
                     "subs %0, %0, #1\n\t"
                     "b.ne 1b"
                     : "+r"(n)
                     : "r"(addr)
                     : "x9", "cc", "memory");
    return ticks_to_ns(ticks() - start);
}

void payload_main(void)
{
    uint64_t n = arg("n", 10000), total;

    rtc_find();
    time_reads(rtc.base + RTC_DR, 100); /* the first ones fault pages in */
    total = time_reads(rtc.base + RTC_DR, n);
    print("bench-read: n=%lu ns=%lu total_ns=%lu\n", n, total / n, total);
}
