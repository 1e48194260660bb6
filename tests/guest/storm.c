/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm: reads the RTC's identification registers without end, so that a
 * system_reset or a stop from outside comes in the middle of a trapped
 * access. Every value is compared with the first reading: one that a reset
 * or a pause mixed up shows as bad. Each boot first proves the interrupt.
 */
#include "guest.h"

static uint32_t expected[8];

static bool read_back(unsigned i)
{
    return read32(rtc.base + RTC_PERIPHID0 + i % 8 * 4) == expected[i % 8];
}

static void prove_interrupt(uint64_t boot)
{
    rtc_setup();
    gic_init();
    gic_cpu_init();
    irq_enable(rtc.intid, false, 0, 0xa0, rtc_handler);
    irqs_on();
    print("storm: boot=%lu irq=%s\n", boot, rtc_interrupt() ? "ok" : "lost");
}

void payload_main(void)
{
    volatile Survivor *s = survivor(0x73746f726d);
    uint64_t mark = arg("mark", 20000), every = arg("irq_every", 0);
    uint64_t boots = arg("boots", 0), bad = 0;

    rtc_find();
    prove_interrupt(s->boots);
    for (unsigned i = 0; i < 8; i++) {
        expected[i] = read32(rtc.base + RTC_PERIPHID0 + i * 4);
    }
    for (uint64_t reads = 1;; reads++) {
        bad += !read_back(reads);
        if (every && reads % every == 0) {
            rtc_interrupt();
        }
        if (reads % mark == 0) {
            print("storm: boot=%lu reads=%lu bad=%lu lost=%lu\n", s->boots,
                  reads, bad, rtc_stats.lost);
            if (boots && s->boots >= boots) {
                return;
            }
        }
    }
}
