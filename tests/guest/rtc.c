/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lab's PL031: with RTCMR = n, writing n to RTCLR raises its interrupt at
 * once, unless the second ticks between the device's two looks at its
 * counter: then RTCRIS stays 0, which is a missed raise and no lost
 * interrupt. The status is looked at only after the wait, since on the trap
 * route the first access after an interrupt counts as its end.
 */
#include "guest.h"

Device rtc;
volatile RtcStats rtc_stats;
volatile uint64_t rtc_entry, rtc_looked;
static volatile unsigned handled_now;

void rtc_find(void)
{
    find_device(&rtc, "lab,pl031", "arm,pl031");
}

void rtc_setup(void)
{
    write32(rtc.base + RTC_IMSC, 0);
    write32(rtc.base + RTC_MR, 1000);
    write32(rtc.base + RTC_LR, 2000);
    write32(rtc.base + RTC_ICR, 1);
    write32(rtc.base + RTC_IMSC, 1);
}

bool rtc_handler(unsigned intid, uint64_t entry)
{
    bool asserted = read32(rtc.base + RTC_MIS) & 1;

    rtc_looked = ticks();
    if (!asserted) {
        rtc_stats.spurious++;
        return true;
    }
    write32(rtc.base + RTC_ICR, 1);
    rtc_entry = entry;
    rtc_stats.handled++;
    rtc_stats.doubled += handled_now != 0;
    handled_now++;
    return true;
}

/* In WFI with interrupts off: one that is pending ends it all the same. */
static void wait_in_wfi(uint64_t deadline)
{
    timer_start_us(arg("wait_ms", 1000) * 1000);
    irqs_off();
    while (!handled_now && ticks() < deadline) {
        __asm__ volatile("wfi");
        irqs_on();
        irqs_off();
    }
    irqs_on();
    timer_stop();
}

bool rtc_wait(void)
{
    static uint64_t limit;
    static bool wfi;
    uint64_t deadline;

    if (!limit) {
        limit = us_to_ticks(arg("wait_ms", 1000) * 1000);
        wfi = arg("wfi", 0);
    }
    deadline = ticks() + limit;
    if (wfi) {
        wait_in_wfi(deadline);
    }
    while (!handled_now && ticks() < deadline) {
    }
    return handled_now;
}

bool rtc_interrupt(void)
{
    for (;;) {
        handled_now = 0;
        rtc_raise();
        if (rtc_wait()) {
            rtc_stats.raised++;
            return true;
        }
        if (read32(rtc.base + RTC_RIS) & 1) {
            rtc_stats.raised++;
            rtc_stats.lost++;
            write32(rtc.base + RTC_ICR, 1);
            return false;
        }
        rtc_stats.missed++;
    }
}
