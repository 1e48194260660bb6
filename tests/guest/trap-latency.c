/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap-latency: how long the trap route keeps the fast path away. For 5 s an
 * interrupt every 10 ms, and reads of RTCDR all the while; each read is fast
 * or trapped by the time it takes. The limit between the two is half of what
 * a read of the PL011 takes, which always goes to the emulator. The share is
 * of the reads after the first second; a read that an interrupt cut into is
 * not counted. The time to the fast path is from the handler's first access,
 * which ends the interrupt on the trap route, to the first fast read.
 */
#include "guest.h"

#define SAMPLES 101

typedef struct Counts {
    uint64_t fast, trapped, cut;
    uint64_t restore_n, restore_min, restore_max, restore_last;
    uint64_t late, service_max;
} Counts;

static Counts counts;
static volatile uint64_t raised_at, late_after;
static bool waiting_for_fast;
static uint64_t limit;

static bool handler(unsigned intid, uint64_t entry)
{
    bool end = rtc_handler(intid, entry);
    uint64_t service = ticks() - raised_at;

    if (service > counts.service_max) {
        counts.service_max = service;
    }
    counts.late += service > late_after;
    waiting_for_fast = true;
    return end;
}

static uint64_t timed_read(uint64_t addr)
{
    uint64_t start = ticks();

    read32(addr);
    return ticks() - start;
}

static uint64_t median_read(uint64_t addr)
{
    uint64_t v[SAMPLES];

    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t t = timed_read(addr);
        unsigned at = i;

        for (; at > 0 && v[at - 1] > t; at--) {
            v[at] = v[at - 1];
        }
        v[at] = t;
    }
    return v[SAMPLES / 2];
}

static void note_restored(uint64_t now)
{
    uint64_t t = now - rtc_looked;

    waiting_for_fast = false;
    counts.restore_last = t;
    if (!counts.restore_n++ || t < counts.restore_min) {
        counts.restore_min = t;
    }
    if (t > counts.restore_max) {
        counts.restore_max = t;
    }
}

static void sample(bool counted)
{
    uint64_t before = rtc_stats.handled;
    uint64_t t = timed_read(rtc.base + RTC_DR);

    if (rtc_stats.handled != before) {
        counts.cut++;
        return;
    }
    if (t < limit && waiting_for_fast) {
        note_restored(ticks());
    }
    if (counted) {
        counts.fast += t < limit;
        counts.trapped += t >= limit;
    }
}

/* The interrupt of the period before must have come by now. */
static void raise_next(void)
{
    if (rtc_stats.handled < rtc_stats.raised) {
        if (read32(rtc.base + RTC_RIS) & 1) {
            rtc_stats.lost++;
        } else {
            rtc_stats.missed++;
        }
        rtc_stats.raised--;
    }
    rtc_stats.raised++;
    raised_at = ticks();
    rtc_raise();
}

static void run(void)
{
    uint64_t period = us_to_ticks(arg("period_us", 10000));
    uint64_t gap = arg("gap_us", 0), start = ticks();
    uint64_t settle = start + us_to_ticks(1000000), next = start;
    uint64_t end = start + us_to_ticks(arg("ms", 5000) * 1000);

    for (uint64_t now = start; now < end; now = ticks()) {
        if (now >= next) {
            raise_next();
            next += period;
        }
        sample(now >= settle);
        if (gap) {
            delay_us(gap);
        }
    }
    end = ticks() + us_to_ticks(3000000);
    do {
        sample(false);
    } while (waiting_for_fast && ticks() < end);
}

static uint64_t us(uint64_t t)
{
    return ticks_to_ns(t) / 1000;
}

static void report(uint64_t mapped, uint64_t uart)
{
    uint64_t total = counts.fast + counts.trapped;

    print("trap-latency: raised=%lu handled=%lu lost=%lu spurious=%lu "
          "missed=%lu late=%lu service_max_us=%lu\n",
          rtc_stats.raised, rtc_stats.handled, rtc_stats.lost,
          rtc_stats.spurious, rtc_stats.missed, counts.late,
          us(counts.service_max));
    print("trap-latency: accesses=%lu fast=%lu trapped=%lu cut=%lu "
          "fast_percent=%lu\n",
          total, counts.fast, counts.trapped, counts.cut,
          total ? counts.fast * 100 / total : 0);
    print("trap-latency: restores=%lu restore_min_us=%lu restore_max_us=%lu "
          "last_restore_us=%d\n",
          counts.restore_n, us(counts.restore_min), us(counts.restore_max),
          waiting_for_fast ? -1 : (int)us(counts.restore_last));
    print("trap-latency: first_read_ns=%lu uart_read_ns=%lu limit_ns=%lu\n",
          ticks_to_ns(mapped), ticks_to_ns(uart), ticks_to_ns(limit));
}

void payload_main(void)
{
    uint64_t mapped, uart;

    late_after = us_to_ticks(1000);
    rtc_find();
    rtc_setup();
    mapped = median_read(rtc.base + RTC_DR);
    uart = median_read(UART_FR);
    limit = uart / 2;
    gic_init();
    gic_cpu_init();
    irq_enable(rtc.intid, false, 0, 0xa0, handler);
    irqs_on();
    run();
    irqs_off();
    report(mapped, uart);
}
