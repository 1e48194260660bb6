/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm PrimeCell UART PL011, revision r1p3: FIFOs of 16. Characters take no
 * time, so the transmit FIFO fills only while the other side of the chardev
 * takes nothing, and a receive timeout is due at once.
 *
 * As in QEMU, and unlike the real one, it sends and receives whether or not
 * UARTCR enables it: bare-metal programs made for the virt board never do.
 * There is no modem (its inputs are low, but in loopback) and no DMA.
 */

#include <string.h>

#include "hw/char/pl011.h"
#include "hw/core/reset.h"
#include "trace.h"
#include "util/container-of.h"

#define PL011_SIZE 0x1000
#define FIFO_DEPTH 16

enum {
    UARTDR = 0x00,
    UARTRSR = 0x04, /* UARTECR on write */
    UARTFR = 0x18,
    UARTILPR = 0x20,
    UARTIBRD = 0x24,
    UARTFBRD = 0x28,
    UARTLCR_H = 0x2c,
    UARTCR = 0x30,
    UARTIFLS = 0x34,
    UARTIMSC = 0x38,
    UARTRIS = 0x3c,
    UARTMIS = 0x40,
    UARTICR = 0x44,
    UARTDMACR = 0x48,
    UARTPERIPHID0 = 0xfe0,
};

enum {
    DR_BE = 1 << 10, /* break */
    DR_OE = 1 << 11, /* overrun */
    DR_ERRORS_SHIFT = 8,

    FR_CTS = 1 << 0,
    FR_DSR = 1 << 1,
    FR_DCD = 1 << 2,
    FR_BUSY = 1 << 3,
    FR_RXFE = 1 << 4,
    FR_TXFF = 1 << 5,
    FR_RXFF = 1 << 6,
    FR_TXFE = 1 << 7,
    FR_RI = 1 << 8,

    LCR_H_BRK = 1 << 0,
    LCR_H_FEN = 1 << 4,

    CR_LBE = 1 << 7,
    CR_DTR = 1 << 10,
    CR_RTS = 1 << 11,
    CR_OUT1 = 1 << 12,
    CR_OUT2 = 1 << 13,
    CR_RESET = 0x300,

    IFLS_RESET = 0x12,

    INT_RI = 1 << 0,
    INT_CTS = 1 << 1,
    INT_DCD = 1 << 2,
    INT_DSR = 1 << 3,
    INT_RX = 1 << 4,
    INT_TX = 1 << 5,
    INT_RT = 1 << 6,
    INT_BE = 1 << 9,
    INT_OE = 1 << 10,
    INT_ALL = 0x7ff,
};

/* The output that comes back as an input in loopback, and its interrupt. */
static const struct {
    unsigned output;
    unsigned input;
    unsigned interrupt;
} modem[] = {
    {CR_RTS, FR_CTS, INT_CTS},
    {CR_DTR, FR_DSR, INT_DSR},
    {CR_OUT1, FR_DCD, INT_DCD},
    {CR_OUT2, FR_RI, INT_RI},
};

typedef struct Fifo {
    uint16_t data[FIFO_DEPTH]; /* with error bits */
    unsigned first;
    unsigned count;
} Fifo;

struct PL011State {
    SysBusDevice parent_obj;
    MemoryRegion iomem;
    IrqLine *irq;
    ResetHandler reset;
    Chardev *chr;
    Fifo rx;
    Fifo tx;
    bool overrun; /* to be told with the next character */
    uint32_t rsr;
    uint32_t ilpr;
    uint32_t ibrd;
    uint32_t fbrd;
    uint32_t lcr_h;
    uint32_t cr;
    uint32_t ifls;
    uint32_t imsc;
    uint32_t ris;
    uint32_t dmacr;
    int level; /* of the line */
};

/* UARTPeriphID0-3, UARTPCellID0-3 */
static const uint8_t pl011_id[] = {0x11, 0x10, 0x14, 0x00,
                                   0x0d, 0xf0, 0x05, 0xb1};

void pl011_set_chardev(PL011State *s, Chardev *chr)
{
    g_assert(!DEVICE(s)->realized);
    s->chr = chr;
}

static void fifo_push(Fifo *f, uint16_t value)
{
    f->data[(f->first + f->count++) % FIFO_DEPTH] = value;
}

static uint16_t fifo_pop(Fifo *f)
{
    uint16_t value = f->data[f->first];

    f->first = (f->first + 1) % FIFO_DEPTH;
    f->count--;
    return value;
}

static void update_line(PL011State *s)
{
    int level = (s->ris & s->imsc) != 0;

    if (level != s->level) {
        s->level = level;
        trace_pl011_irq(level, s->ris, s->imsc);
        irq_set(s->irq, level);
    }
}

/* Without FIFOs each direction has a holding register of one character. */
static unsigned depth(const PL011State *s)
{
    return s->lcr_h & LCR_H_FEN ? FIFO_DEPTH : 1;
}

/* The fill level that @select (three bits of UARTIFLS) stands for. */
static unsigned trigger_level(const PL011State *s, unsigned select)
{
    static const uint8_t eighths[] = {1, 2, 4, 6, 7, 4, 4, 4};

    return MAX(depth(s) * eighths[select & 7] / 8, 1);
}

static bool rx_triggered(const PL011State *s)
{
    return s->rx.count >= trigger_level(s, s->ifls >> 3);
}

/* Anything at all is as old as a receive timeout. */
static void rx_changed(PL011State *s)
{
    s->ris &= ~(INT_RX | INT_RT);
    s->ris |= rx_triggered(s) ? INT_RX : 0;
    s->ris |= s->rx.count ? INT_RT : 0;
}

static void rx_push(PL011State *s, uint16_t value)
{
    if (s->rx.count >= depth(s)) {
        s->overrun = true;
        s->ris |= INT_OE;
        return;
    }
    if (s->overrun) {
        s->overrun = false;
        value |= DR_OE;
    }
    s->ris |= value & DR_BE ? INT_BE : 0;
    fifo_push(&s->rx, value);
    rx_changed(s);
}

static uint32_t rx_pop(PL011State *s)
{
    uint16_t value;

    if (!s->rx.count) {
        return 0;
    }
    value = fifo_pop(&s->rx);
    s->rsr = value >> DR_ERRORS_SHIFT;
    rx_changed(s);
    update_line(s);
    if (s->chr) {
        chardev_accept_input(s->chr);
    }
    return value;
}

static bool send(PL011State *s, uint8_t byte)
{
    if (s->cr & CR_LBE) {
        rx_push(s, byte);
        return true;
    }
    return !s->chr || chardev_put(s->chr, byte);
}

/* Sends what goes; the interrupt tells of the level gone down. */
static void tx_drain(PL011State *s)
{
    unsigned trigger = s->lcr_h & LCR_H_FEN ? trigger_level(s, s->ifls) : 0;

    while (s->tx.count && send(s, s->tx.data[s->tx.first])) {
        fifo_pop(&s->tx);
        if (s->tx.count <= trigger) {
            s->ris |= INT_TX;
        }
    }
    update_line(s);
}

static void tx_push(PL011State *s, uint8_t byte)
{
    if (s->tx.count >= depth(s)) {
        return; /* lost, as the guest could have seen in UARTFR */
    }
    s->ris &= ~INT_TX;
    fifo_push(&s->tx, byte);
    tx_drain(s);
}

static uint32_t modem_inputs(const PL011State *s)
{
    uint32_t inputs = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(modem); i++) {
        if ((s->cr & CR_LBE) && (s->cr & modem[i].output)) {
            inputs |= modem[i].input;
        }
    }
    return inputs;
}

static uint32_t flags(const PL011State *s)
{
    uint32_t fr = modem_inputs(s);

    fr |= s->rx.count ? 0 : FR_RXFE;
    fr |= s->rx.count >= depth(s) ? FR_RXFF : 0;
    fr |= s->tx.count ? FR_BUSY : FR_TXFE;
    fr |= s->tx.count >= depth(s) ? FR_TXFF : 0;
    return fr;
}

static void write_cr(PL011State *s, uint32_t value)
{
    uint32_t before = modem_inputs(s);
    uint32_t changed;

    s->cr = value;
    changed = before ^ modem_inputs(s);
    for (size_t i = 0; i < G_N_ELEMENTS(modem); i++) {
        s->ris |= changed & modem[i].input ? modem[i].interrupt : 0;
    }
    tx_drain(s);
}

static void write_lcr_h(PL011State *s, uint32_t value)
{
    uint32_t changed = s->lcr_h ^ value;

    s->lcr_h = value;
    if (changed & LCR_H_FEN) {
        /* What the holding registers or FIFOs had is gone. */
        s->rx.count = 0;
        s->tx.count = 0;
        rx_changed(s);
        if (s->chr) {
            chardev_accept_input(s->chr);
        }
    }
    if ((changed & value & LCR_H_BRK) && (s->cr & CR_LBE)) {
        rx_push(s, DR_BE);
    }
    update_line(s);
}

static MemTxResult pl011_read(void *opaque, hwaddr addr, uint64_t *value,
                              unsigned size)
{
    PL011State *s = opaque;

    switch (addr) {
    case UARTDR:
        *value = rx_pop(s);
        break;
    case UARTRSR:
        *value = s->rsr;
        break;
    case UARTFR:
        *value = flags(s);
        break;
    case UARTILPR:
        *value = s->ilpr;
        break;
    case UARTIBRD:
        *value = s->ibrd;
        break;
    case UARTFBRD:
        *value = s->fbrd;
        break;
    case UARTLCR_H:
        *value = s->lcr_h;
        break;
    case UARTCR:
        *value = s->cr;
        break;
    case UARTIFLS:
        *value = s->ifls;
        break;
    case UARTIMSC:
        *value = s->imsc;
        break;
    case UARTRIS:
        *value = s->ris;
        break;
    case UARTMIS:
        *value = s->ris & s->imsc;
        break;
    case UARTDMACR:
        *value = s->dmacr;
        break;
    default:
        *value = 0; /* reserved, or write-only */
        if (addr >= UARTPERIPHID0 && !(addr & 3)) {
            *value = pl011_id[(addr - UARTPERIPHID0) / 4];
        }
        break;
    }
    *value &= UINT64_MAX >> (64 - 8 * size);
    trace_pl011_read(addr, *value);
    return MEMTX_OK;
}

static MemTxResult pl011_write(void *opaque, hwaddr addr, uint64_t value,
                               unsigned size)
{
    PL011State *s = opaque;

    trace_pl011_write(addr, value);
    switch (addr) {
    case UARTDR:
        tx_push(s, value);
        break;
    case UARTRSR:
        s->rsr = 0;
        break;
    case UARTILPR:
        s->ilpr = value & 0xff;
        break;
    case UARTIBRD:
        s->ibrd = value & 0xffff;
        break;
    case UARTFBRD:
        s->fbrd = value & 0x3f;
        break;
    case UARTLCR_H:
        write_lcr_h(s, value & 0xff);
        break;
    case UARTCR:
        write_cr(s, value & 0xff87);
        break;
    case UARTIFLS:
        s->ifls = value & 0x3f;
        break;
    case UARTIMSC:
        s->imsc = value & INT_ALL;
        update_line(s);
        break;
    case UARTICR:
        s->ris &= ~value;
        update_line(s);
        break;
    case UARTDMACR:
        s->dmacr = value & 7;
        break;
    default:
        break; /* reserved, or read-only */
    }
    return MEMTX_OK;
}

static const MemoryRegionOps pl011_ops = {
    .read = pl011_read,
    .write = pl011_write,
    .max_access_size = 4,
};

static size_t can_receive(void *opaque)
{
    const PL011State *s = opaque;

    return depth(s) - MIN(s->rx.count, depth(s));
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
    PL011State *s = opaque;

    for (size_t i = 0; i < size; i++) {
        rx_push(s, data[i]);
    }
    update_line(s);
}

static void writable(void *opaque)
{
    tx_drain(opaque);
}

static const ChardevHandlers pl011_handlers = {
    .can_receive = can_receive,
    .receive = receive,
    .writable = writable,
};

static void pl011_reset(ResetHandler *handler)
{
    PL011State *s = container_of(handler, PL011State, reset);

    s->rx = s->tx = (Fifo){0};
    s->overrun = false;
    s->rsr = s->ilpr = s->ibrd = s->fbrd = 0;
    s->lcr_h = s->imsc = s->ris = s->dmacr = 0;
    s->cr = CR_RESET;
    s->ifls = IFLS_RESET;
    s->level = 0;
    irq_set(s->irq, 0);
    if (s->chr) {
        chardev_accept_input(s->chr);
    }
}

static bool pl011_realize(DeviceState *dev, Error **errp)
{
    PL011State *s = PL011(dev);

    memory_region_init_io(&s->iomem, OBJECT(dev), &pl011_ops, s, "pl011",
                          PL011_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(dev), &s->iomem);
    sysbus_init_irq(SYS_BUS_DEVICE(dev), &s->irq);
    reset_register(&s->reset, RESET_DEVICE, pl011_reset);
    if (s->chr) {
        chardev_set_handlers(s->chr, &pl011_handlers, s);
    }
    pl011_reset(&s->reset);
    return true;
}

static void pl011_unrealize(DeviceState *dev)
{
    PL011State *s = PL011(dev);

    if (s->chr) {
        chardev_set_handlers(s->chr, NULL, NULL);
    }
    reset_unregister(&s->reset);
    sysbus_release(SYS_BUS_DEVICE(dev));
    memory_region_finish(&s->iomem);
}

static void pl011_class_init(ObjectClass *klass)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    klass->desc = "Arm PrimeCell UART (PL011)";
    dc->realize = pl011_realize;
    dc->unrealize = pl011_unrealize;
}

static const TypeInfo pl011_type = {
    .name = TYPE_PL011,
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(PL011State),
    .class_init = pl011_class_init,
};
TYPE_REGISTER(pl011_type)
