/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-irq: the time from the write that raises the RTC's interrupt to the
 * first instructions of the guest's vector, n times after 20 that are left
 * out. With the device trapped the write's own trap counts too.
 */
#include "guest.h"

#define MAX_N 2000
#define WARM_UP 20

static uint64_t times[MAX_N];
static volatile uint64_t raised_at;

static void insert(uint64_t count, uint64_t t)
{
    for (; count > 0 && times[count - 1] > t; count--) {
        times[count] = times[count - 1];
    }
    times[count] = t;
}

void payload_main(void)
{
    uint64_t n = arg("n", 200);

    n = n > MAX_N ? MAX_N : n ? n : 1;
    rtc_find();
    rtc_setup();
    gic_init();
    gic_cpu_init();
    irq_enable(rtc.intid, false, 0, 0xa0, rtc_handler);
    irqs_on();
    for (uint64_t i = 0; i < n + WARM_UP; i++) {
        raised_at = ticks();
        if (!rtc_interrupt()) {
            break;
        }
        if (i >= WARM_UP) {
            insert(i - WARM_UP, rtc_entry - raised_at);
        }
        delay_us(200);
    }
    print("bench-irq: n=%lu min_ns=%lu median_ns=%lu max_ns=%lu lost=%lu "
          "missed=%lu spurious=%lu\n",
          n, ticks_to_ns(times[0]), ticks_to_ns(times[n / 2]),
          ticks_to_ns(times[n - 1]), rtc_stats.lost, rtc_stats.missed,
          rtc_stats.spurious);
}
