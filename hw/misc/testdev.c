/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device for tests of everything around devices: one region of 4 KiB and one
 * interrupt line, all registers of 32 bits.
 *
 *     0x00  ID       read only: 0x54534554 ("TEST")
 *     0x04  SCRATCH  what was written last; 0 after reset
 *     0x08  LINE     reads the line's level; writing 0 lowers the line,
 *                    1 raises it, 2 pulses it and leaves it low
 *     0x0c  RESETS   read only: resets since realize
 *
 * Every other offset and value is refused, so that a test can see a failed
 * access too.
 */

#include "hw/core/reset.h"
#include "hw/core/sysbus.h"
#include "util/container-of.h"

#define TYPE_TESTDEV "testdev"
OBJECT_DECLARE_SIMPLE_TYPE(TestDev, TESTDEV)

#define TESTDEV_SIZE 0x1000
#define TESTDEV_ID_VALUE 0x54534554

enum {
    TESTDEV_ID = 0x00,
    TESTDEV_SCRATCH = 0x04,
    TESTDEV_LINE = 0x08,
    TESTDEV_RESETS = 0x0c,
};

/* The GIC's device-tree binding: kind of interrupt, flags. */
#define FDT_GIC_SPI 0
#define FDT_IRQ_LEVEL_HIGH 4

enum {
    TESTDEV_LINE_LOWER,
    TESTDEV_LINE_RAISE,
    TESTDEV_LINE_PULSE,
};

struct TestDev {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    IrqLine *irq;
    ResetHandler reset;
    uint32_t scratch;
    uint32_t level;
    uint32_t resets;
};

static MemTxResult testdev_read(void *opaque, hwaddr addr, uint64_t *value,
                                unsigned size)
{
    TestDev *s = opaque;

    switch (addr) {
    case TESTDEV_ID:
        *value = TESTDEV_ID_VALUE;
        return MEMTX_OK;
    case TESTDEV_SCRATCH:
        *value = s->scratch;
        return MEMTX_OK;
    case TESTDEV_LINE:
        *value = s->level;
        return MEMTX_OK;
    case TESTDEV_RESETS:
        *value = s->resets;
        return MEMTX_OK;
    default:
        return MEMTX_ERROR;
    }
}

static void set_level(TestDev *s, uint32_t level)
{
    s->level = level;
    irq_set(s->irq, level);
}

static MemTxResult write_line(TestDev *s, uint64_t value)
{
    if (value > TESTDEV_LINE_PULSE) {
        return MEMTX_ERROR;
    }
    if (value != TESTDEV_LINE_LOWER) {
        set_level(s, 1);
    }
    if (value != TESTDEV_LINE_RAISE) {
        set_level(s, 0);
    }
    return MEMTX_OK;
}

static MemTxResult testdev_write(void *opaque, hwaddr addr, uint64_t value,
                                 unsigned size)
{
    TestDev *s = opaque;

    switch (addr) {
    case TESTDEV_SCRATCH:
        s->scratch = value;
        return MEMTX_OK;
    case TESTDEV_LINE:
        return write_line(s, value);
    default:
        return MEMTX_ERROR;
    }
}

static const MemoryRegionOps testdev_ops = {
    .read = testdev_read,
    .write = testdev_write,
    .min_access_size = 4,
    .max_access_size = 4,
};

static void testdev_reset(ResetHandler *handler)
{
    TestDev *s = container_of(handler, TestDev, reset);

    s->scratch = 0;
    s->resets++;
    set_level(s, 0);
}

static bool testdev_write_fdt(SysBusDevice *sbd, FdtWriter *fdt,
                              const SysBusPlace *place, Error **errp)
{
    hwaddr offset = place->mmio[0] - place->bus_base;

    fdt_writer_begin_node_at(fdt, "testdev", offset);
    fdt_writer_string(fdt, "compatible", "platypus,testdev");
    FDT_REG(fdt, {offset, TESTDEV_SIZE});
    FDT_CELLS(fdt, "interrupts", FDT_GIC_SPI, place->irqs[0],
              FDT_IRQ_LEVEL_HIGH);
    fdt_writer_end_node(fdt);
    return true;
}

static bool testdev_realize(DeviceState *dev, Error **errp)
{
    TestDev *s = TESTDEV(dev);

    memory_region_init_io(&s->iomem, OBJECT(dev), &testdev_ops, s, "testdev",
                          TESTDEV_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(dev), &s->irq);
    reset_register(&s->reset, RESET_DEVICE, testdev_reset);
    return true;
}

static void testdev_unrealize(DeviceState *dev)
{
    TestDev *s = TESTDEV(dev);

    reset_unregister(&s->reset);
    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&s->iomem);
}

static void testdev_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "a few registers and a line, for tests";
    dc->realize = testdev_realize;
    dc->unrealize = testdev_unrealize;
    dc->user_creatable = true;
    SYS_BUS_DEVICE_CLASS(klass)->write_fdt = testdev_write_fdt;
}

static const TypeInfo testdev_type = {
    .name = TYPE_TESTDEV,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(TestDev),
    .class_init = testdev_class_init,
};
TYPE_REGISTER(testdev_type)
