/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm PrimeCell real time clock PL031. It counts seconds: those of a clock of
 * ours plus an offset, which the guest sets when it loads the counter. So the
 * guest sees the host's time, jumps included, until it sets its own.
 *
 * The clock runs from the start and cannot be stopped; a system reset leaves
 * the time alone, as on a board whose RTC has a battery. On the clocks other
 * than the host's it starts at the host's time too.
 */

#include "hw/core/reset.h"
#include "hw/rtc/pl031.h"
#include "trace.h"
#include "util/container-of.h"
#include "util/timer.h"

#define PL031_SIZE 0x1000

enum {
    RTCDR = 0x00,
    RTCMR = 0x04,
    RTCLR = 0x08,
    RTCCR = 0x0c,
    RTCIMSC = 0x10,
    RTCRIS = 0x14,
    RTCMIS = 0x18,
    RTCICR = 0x1c,
    RTCPERIPHID0 = 0xfe0,
};

struct PL031State {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    IrqLine *irq;
    ResetHandler reset;
    Timer timer;
    int clock;       /* a ClockType */
    uint32_t offset; /* counter minus the clock's seconds */
    uint32_t match;
    uint32_t load;
    uint32_t imsc;
    uint32_t ris;
    int level;
};

/* RTCPeriphID0-3, RTCPCellID0-3 */
static const uint8_t pl031_id[] = {0x31, 0x10, 0x04, 0x00,
                                   0x0d, 0xf0, 0x05, 0xb1};

static int64_t clock_seconds(const PL031State *s)
{
    return clock_get_ns(s->clock) / NS_PER_S;
}

static uint32_t counter(const PL031State *s)
{
    return clock_seconds(s) + s->offset;
}

static void update_line(PL031State *s)
{
    int level = s->ris & s->imsc;

    if (level != s->level) {
        s->level = level;
        trace_pl031_irq(level);
        irq_set(s->irq, level);
    }
}

static void match_reached(void *opaque)
{
    PL031State *s = opaque;

    s->ris = 1;
    trace_pl031_alarm(s->match);
    update_line(s);
}

/* The counter is 32 bits wide: a match in its past is one after it wraps. */
static void schedule_match(PL031State *s)
{
    int64_t now = clock_seconds(s);
    uint32_t left = s->match - (uint32_t)(now + s->offset);

    if (left) {
        timer_mod_ns(&s->timer, (now + left) * NS_PER_S);
    } else {
        timer_del(&s->timer);
        match_reached(s);
    }
}

static MemTxResult pl031_read(void *opaque, hwaddr addr, uint64_t *value,
                              unsigned size)
{
    const PL031State *s = opaque;

    switch (addr) {
    case RTCDR:
        *value = counter(s);
        break;
    case RTCMR:
        *value = s->match;
        break;
    case RTCLR:
        *value = s->load;
        break;
    case RTCCR:
        *value = 1; /* it runs */
        break;
    case RTCIMSC:
        *value = s->imsc;
        break;
    case RTCRIS:
        *value = s->ris;
        break;
    case RTCMIS:
        *value = s->ris & s->imsc;
        break;
    default:
        *value = 0; /* reserved, or write-only */
        if (addr >= RTCPERIPHID0) {
            *value = pl031_id[(addr - RTCPERIPHID0) / 4];
        }
        break;
    }
    trace_pl031_read(addr, *value);
    return MEMTX_OK;
}

static MemTxResult pl031_write(void *opaque, hwaddr addr, uint64_t value,
                               unsigned size)
{
    PL031State *s = opaque;

    trace_pl031_write(addr, value);
    switch (addr) {
    case RTCMR:
        s->match = value;
        schedule_match(s);
        break;
    case RTCLR:
        s->load = value;
        s->offset = value - clock_seconds(s);
        schedule_match(s);
        break;
    case RTCIMSC:
        s->imsc = value & 1;
        update_line(s);
        break;
    case RTCICR:
        s->ris &= ~value;
        update_line(s);
        break;
    default:
        break; /* reserved, read-only, or RTCCR, which runs anyway */
    }
    return MEMTX_OK;
}

static const MemoryRegionOps pl031_ops = {
    .read = pl031_read,
    .write = pl031_write,
    .min_access_size = 4,
    .max_access_size = 4,
};

static void pl031_reset(ResetHandler *handler)
{
    PL031State *s = container_of(handler, PL031State, reset);

    timer_del(&s->timer);
    s->match = 0;
    s->load = 0;
    s->imsc = 0;
    s->ris = 0;
    s->level = 0;
    irq_set(s->irq, 0);
}

static bool pl031_realize(DeviceState *dev, Error **errp)
{
    PL031State *s = PL031(dev);

    memory_region_init_io(&s->iomem, OBJECT(dev), &pl031_ops, s, "pl031",
                          PL031_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(dev), &s->irq);
    timer_init(&s->timer, s->clock, match_reached, s);
    s->offset = clock_get_ns(CLOCK_HOST) / NS_PER_S - clock_seconds(s);
    reset_register(&s->reset, RESET_DEVICE, pl031_reset);
    return true;
}

static void pl031_unrealize(DeviceState *dev)
{
    PL031State *s = PL031(dev);

    reset_unregister(&s->reset);
    timer_finish(&s->timer);
    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&s->iomem);
}

static const char *const clock_names[] = {
    [CLOCK_VIRTUAL] = "virtual",
    [CLOCK_REAL] = "real",
    [CLOCK_HOST] = "host",
    NULL,
};

static const Property pl031_properties[] = {
    PROP_ENUM("clock", PL031State, clock, "host", clock_names,
              "what it counts the seconds of"),
    {0},
};

static void pl031_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "Arm PrimeCell real time clock (PL031)";
    klass->properties = pl031_properties;
    dc->realize = pl031_realize;
    dc->unrealize = pl031_unrealize;
}

static const TypeInfo pl031_type = {
    .name = TYPE_PL031,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(PL031State),
    .class_init = pl031_class_init,
};
TYPE_REGISTER(pl031_type)
