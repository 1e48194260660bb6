/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lost: an RTC that comes and goes, since the process that is it is killed
 * and started again. It is accessed all the time. While it is gone every read
 * must be ones; when it is there it gets its registers set and must interrupt.
 * Ends after having seen it come back n times, at least once with an
 * interrupt each.
 */
#include "guest.h"

static volatile uint64_t handled, spurious;

static bool handler(unsigned intid, uint64_t entry)
{
    uint32_t status = read32(rtc.base + RTC_MIS);

    if (status == 1) {
        write32(rtc.base + RTC_ICR, 1);
        handled++;
    } else {
        spurious++;
    }
    return true;
}

static bool present(uint64_t *bad)
{
    uint32_t id = read32(rtc.base + RTC_PERIPHID0);

    *bad += id != 0x31 && id != 0xffffffff;
    return id == 0x31;
}

/* One interrupt; false if there was none, as when the device is gone. */
static bool interrupt(uint64_t *bad)
{
    uint64_t before = handled;
    uint64_t end = ticks() + us_to_ticks(arg("wait_ms", 1000) * 1000);

    rtc_setup();
    rtc_raise();
    while (handled == before && present(bad) && ticks() < end) {
    }
    return handled != before;
}

void payload_main(void)
{
    uint64_t n = arg("n", 20), back = 0, bad = 0, silent = 0;
    bool was_gone = true, ready = false;

    rtc_find();
    gic_init();
    gic_cpu_init();
    irq_enable(rtc.intid, false, 0, 0xa0, handler);
    irqs_on();
    while (back <= n) {
        if (!present(&bad)) {
            was_gone = true;
            ready = false;
            continue;
        }
        if (interrupt(&bad)) {
            /* The first time it is there, not back. */
            if (was_gone) {
                print("lost: back=%lu\n", back++);
            }
            was_gone = false;
            ready = true;
        } else {
            /* Gone in between, or a line that does not work. */
            silent += ready && present(&bad);
        }
    }
    print("lost: handled=%lu bad=%lu silent=%lu spurious=%lu\n", handled, bad,
          silent, spurious);
}
