/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * edge: counts the interrupts of a virtio-mmio slot's edge line without ever
 * touching the device. It ends when n came and 50 ms more have passed, or
 * when none came for timeout_ms. With dots=1 it prints one character for each,
 * so that whoever raises them can wait for it.
 */
#include "guest.h"

static volatile uint64_t got, last_at;

static bool handler(unsigned intid, uint64_t entry)
{
    got++;
    last_at = entry;
    return true;
}

void payload_main(void)
{
    uint64_t n = arg("n", 1000);
    uint64_t dots = arg("dots", 0) ? 0 : UINT64_MAX;
    uint64_t timeout = us_to_ticks(arg("timeout_ms", 10000) * 1000);
    Device dev;

    find_device(&dev, "virtio,mmio", NULL);
    gic_init();
    gic_cpu_init();
    irq_enable(dev.intid, dev.edge, 0, 0xa0, handler);
    last_at = ticks();
    irqs_on();
    print("edge: ready\n");
    while (got < n && (int64_t)(ticks() - last_at) < (int64_t)timeout) {
        if (dots < got) {
            dots++;
            print(".");
        }
    }
    delay_us(50000);
    print("\nedge: got=%lu\n", got);
}
