/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reset: n resets of the machine, each at a bad moment for the RTC's line.
 *   mode=early     raised at boot, before the GIC is enabled; must arrive
 *   mode=inflight  raised with interrupts off, then the reset
 *   mode=active    the reset comes from the handler, before it ends anything
 *   mode=all       the three in turn (default)
 * Just before it, the guest leaves a GICv2's interrupts in the wrong group.
 * After each boot a status that is still set must be delivered (a device
 * without a reset of its own), and an interrupt on demand must work: a line
 * left masked shows as stuck.
 */
#include "guest.h"

enum { EARLY, INFLIGHT, ACTIVE, MODES };

static volatile bool reset_in_handler;

static void spoil_and_reset(void)
{
    gic_spoil_groups();
    system_reset();
}

static bool handler(unsigned intid, uint64_t entry)
{
    if (reset_in_handler) {
        spoil_and_reset();
    }
    return rtc_handler(intid, entry);
}

static unsigned mode_of(uint64_t boot)
{
    if (arg_is("mode", "early")) {
        return EARLY;
    }
    if (arg_is("mode", "inflight")) {
        return INFLIGHT;
    }
    return arg_is("mode", "active") ? ACTIVE : boot % MODES;
}

/* Raises and does not return before the device says so. */
static void raise_surely(void)
{
    do {
        rtc_raise();
    } while (!(read32(rtc.base + RTC_RIS) & 1));
    delay_us(500);
}

static void listen(void)
{
    gic_init();
    gic_cpu_init();
    irq_enable(rtc.intid, false, 0, 0xa0, handler);
    irqs_on();
}

/* What was asserted before the guest listened: NULL, or what went wrong. */
static const char *take_earlier(unsigned mode, volatile Survivor *s)
{
    bool leftover = read32(rtc.base + RTC_MIS) & 1;

    if (!leftover && mode == EARLY) {
        rtc_setup();
        raise_surely();
    }
    listen();
    if (leftover || mode == EARLY) {
        s->leftover += leftover;
        return rtc_wait() ? NULL : leftover ? "leftover" : "early";
    }
    delay_us(1000);
    return NULL;
}

static const char *check_boot(unsigned mode, volatile Survivor *s)
{
    const char *failed = take_earlier(mode, s);

    rtc_setup();
    return !rtc_interrupt() ? "on demand" : failed;
}

static void reset_now(unsigned mode)
{
    if (mode == INFLIGHT) {
        irqs_off();
        raise_surely();
    }
    if (mode == ACTIVE) {
        reset_in_handler = true;
        rtc_raise();
        delay_us(10000);
        raise_surely(); /* the first was missed by the device */
        delay_us(10000);
        print("reset: the handler never ran\n");
    }
    spoil_and_reset();
}

void payload_main(void)
{
    volatile Survivor *s = survivor(0x7265736574);
    uint64_t n = arg("n", 50), boot = s->boots - 1;
    unsigned mode = mode_of(boot);
    const char *failed;

    rtc_find();
    failed = check_boot(mode, s);
    s->ok += !failed;
    s->stuck += failed != NULL;
    s->spurious += rtc_stats.spurious;
    if (failed) {
        print("reset: boot=%lu mode=%u failed: %s\n", boot, mode, failed);
    }
    if (boot < n) {
        reset_now(mode);
    }
    print("reset: boots=%lu ok=%lu stuck=%lu leftover=%lu spurious=%lu\n",
          s->boots, s->ok, s->stuck, s->leftover, s->spurious);
}
