/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * irqs: raises n interrupts of the RTC one by one and accounts for each.
 * cpu=1 has another CPU take them than the one that raises them.
 */
#include "guest.h"

static void take_interrupts(void)
{
    gic_cpu_init();
    irqs_on();
    for (;;) {
        __asm__ volatile("wfi");
    }
}

void payload_main(void)
{
    uint64_t n = arg("n", 10000), cpu = arg("cpu", 0);

    rtc_find();
    rtc_setup();
    gic_init();
    gic_cpu_init();
    if (cpu && !cpu_start(cpu, take_interrupts)) {
        print("irqs: cannot start cpu %lu\n", cpu);
        return;
    }
    irq_enable(rtc.intid, false, cpu, 0xa0, rtc_handler);
    irqs_on();
    for (uint64_t i = 0; i < n; i++) {
        rtc_interrupt();
    }
    delay_us(20000); /* what comes late is spurious and counts */
    print("irqs: raised=%lu handled=%lu lost=%lu double=%lu spurious=%lu "
          "missed=%lu none=%lu unclaimed=%lu\n",
          rtc_stats.raised, rtc_stats.handled, rtc_stats.lost,
          rtc_stats.doubled, rtc_stats.spurious, rtc_stats.missed, irq_none,
          irq_unclaimed);
}
