/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * two: the GPIO asserts its line and is not serviced while n interrupts of
 * the RTC are raised and handled; then the GPIO's turn comes.
 *   gpio=masked  its interrupt is not enabled at the GIC meanwhile (default)
 *   gpio=active  taken once and not ended meanwhile; the RTC has the higher
 *                priority
 * Pin 0 is an input that reads 0: sensed as level low it asserts the line as
 * long as its interrupt is enabled in the device.
 */
#include "guest.h"

static Device gpio;
static volatile bool hold;
static volatile uint64_t held, served, spurious;

static bool gpio_handler(unsigned intid, uint64_t entry)
{
    if (hold) {
        held++;
        return false;
    }
    if (read32(gpio.base + GPIO_MIS) & 1) {
        write32(gpio.base + GPIO_IE, 0);
        served++;
    } else {
        spurious++;
    }
    return true;
}

static bool wait_for(volatile uint64_t *counter, uint64_t value)
{
    uint64_t end = ticks() + us_to_ticks(arg("wait_ms", 1000) * 1000);

    while (*counter < value && ticks() < end) {
    }
    return *counter >= value;
}

static bool gpio_asserted(void)
{
    return read32(gpio.base + GPIO_MIS) & 1;
}

static void gpio_setup(void)
{
    find_device(&gpio, "lab,pl061", "arm,pl061");
    write32(gpio.base + GPIO_IE, 0);
    write32(gpio.base + GPIO_DIR, 0);
    write32(gpio.base + GPIO_IS, 1);
    write32(gpio.base + GPIO_IBE, 0);
    write32(gpio.base + GPIO_IEV, 0);
}

static uint64_t gpio_rounds(uint64_t n)
{
    uint64_t lost = 0;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t before = served;

        write32(gpio.base + GPIO_IE, 1);
        if (!wait_for(&served, before + 1)) {
            write32(gpio.base + GPIO_IE, 0);
            lost++;
        }
    }
    return lost;
}

/* The held interrupt is let go; it must then be served just once more. */
static bool release(bool active)
{
    hold = false;
    if (active) {
        irq_end(gpio.intid); /* still asserted: comes again at once */
    } else {
        irq_enable(gpio.intid, false, 0, 0xc0, gpio_handler);
    }
    return wait_for(&served, 1);
}

void payload_main(void)
{
    uint64_t n = arg("n", 1000), gpio_n = arg("gpio_n", 100), lost;
    bool active = arg_is("gpio", "active"), asserted, taken;

    rtc_find();
    gpio_setup();
    rtc_setup();
    gic_init();
    gic_cpu_init();
    irqs_on();
    hold = true;
    if (active) {
        irq_enable(gpio.intid, false, 0, 0xc0, gpio_handler);
    }
    write32(gpio.base + GPIO_IE, 1);
    taken = !active || wait_for(&held, 1);
    asserted = gpio_asserted();
    irq_enable(rtc.intid, false, 0, 0x80, rtc_handler);
    for (uint64_t i = 0; i < n; i++) {
        rtc_interrupt();
    }
    asserted = asserted && gpio_asserted();
    taken = release(active) && taken;
    lost = gpio_rounds(gpio_n);
    print("two: raised=%lu handled=%lu lost=%lu double=%lu spurious=%lu "
          "held=%d released=%d gpio_handled=%lu gpio_lost=%lu "
          "gpio_spurious=%lu\n",
          rtc_stats.raised, rtc_stats.handled, rtc_stats.lost,
          rtc_stats.doubled, rtc_stats.spurious, asserted, taken, served - 1,
          lost, spurious);
}
