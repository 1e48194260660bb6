/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uart16550: the serial port of the PC (National Semiconductor PC16550D), as
 * "ns16550a" in device trees. Its other end is a pty, or standard input and
 * output.
 *
 * Register n is at n << reg-shift, and an access may be as wide as the gap
 * between two. The speed is stored and sets nothing but the time after which
 * a few bytes interrupt; bytes go as fast as the other end takes them. OUT2
 * does not gate the interrupt line, as it does not where the line goes
 * straight to an interrupt controller.
 *
 * What the guest has not yet read stays at the other end once the receive
 * FIFO is full, so nothing overruns but in loopback. Bytes to a slow other end
 * wait in the transmit FIFO, which is then not empty; to none they are lost.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "model.h"
#include "uart-end.h"

#define UART_SIZE 0x1000
#define FIFO_SIZE 16
#define LINE 0
#define CLOCK_HZ 1843200

enum {
    RBR_THR = 0, /* or DLL */
    IER = 1,     /* or DLM */
    IIR_FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    MSR = 6,
    SCR = 7,
    NUM_REGS = 8,
};

#define IER_RDA 0x01
#define IER_THRE 0x02
#define IER_LINE 0x04
#define IER_MODEM 0x08

/* In the order of their priority, the highest first */
#define IIR_LINE 0x06
#define IIR_RDA 0x04
#define IIR_TIMEOUT 0x0c
#define IIR_THRE 0x02
#define IIR_MODEM 0x00
#define IIR_NONE 0x01
#define IIR_FIFOS 0xc0

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04

#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10

#define LSR_DR 0x01
#define LSR_OE 0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

typedef struct Fifo {
    uint8_t data[FIFO_SIZE];
    unsigned start;
    unsigned count;
} Fifo;

typedef struct Uart16550 {
    PlatypusDevice *dev;
    UartEnd *end;
    unsigned reg_shift;
    int timer_fd; /* of the character timeout */
    Fifo rx;
    Fifo tx;
    bool timeout;      /* bytes below the trigger level have waited */
    bool thre_pending; /* the transmitter has emptied, and no one looked */
    bool overrun;
    uint16_t divisor;
    uint8_t ier;
    uint8_t fcr;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t modem; /* the lines of MSR as they were last */
    uint8_t delta; /* its low four bits */
    uint8_t scr;
} Uart16550;

/* ---- FIFOs ---- */

/* Without FIFOs there is one byte each way. */
static unsigned capacity(const Uart16550 *s)
{
    return s->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
}

static void fifo_push(Fifo *fifo, uint8_t byte)
{
    fifo->data[(fifo->start + fifo->count++) % FIFO_SIZE] = byte;
}

static uint8_t fifo_pop(Fifo *fifo)
{
    uint8_t byte = fifo->data[fifo->start];

    fifo->start = (fifo->start + 1) % FIFO_SIZE;
    fifo->count--;
    return byte;
}

/* ---- interrupts ---- */

static unsigned trigger_level(const Uart16550 *s)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return s->fcr & FCR_ENABLE ? levels[s->fcr >> 6] : 1;
}

static uint8_t interrupt_id(const Uart16550 *s)
{
    if (s->ier & IER_LINE && s->overrun) {
        return IIR_LINE;
    }
    if (s->ier & IER_RDA && s->rx.count >= trigger_level(s)) {
        return IIR_RDA;
    }
    if (s->ier & IER_RDA && s->timeout) {
        return IIR_TIMEOUT;
    }
    if (s->ier & IER_THRE && s->thre_pending) {
        return IIR_THRE;
    }
    if (s->ier & IER_MODEM && s->delta) {
        return IIR_MODEM;
    }
    return IIR_NONE;
}

static void update_line(Uart16550 *s)
{
    if (interrupt_id(s) != IIR_NONE) {
        platypus_device_raise(s->dev, LINE);
    } else {
        platypus_device_lower(s->dev, LINE);
    }
}

/*
 * Four characters of ten bits after the last byte came or was read. A divisor
 * of 0 counts as 65536, as in a counter.
 */
static void restart_timeout(Uart16550 *s)
{
    const uint64_t bits = 4 * 10 * 16;
    uint64_t divisor = s->divisor ? s->divisor : 65536;
    uint64_t ns = bits * divisor * 1000000000 / CLOCK_HZ;
    struct itimerspec when = {0};

    s->timeout = false;
    if (s->rx.count && s->fcr & FCR_ENABLE) {
        when.it_value.tv_sec = ns / 1000000000;
        when.it_value.tv_nsec = ns % 1000000000;
    }
    timerfd_settime(s->timer_fd, 0, &when, NULL);
}

static void timeout_reached(void *model, int fd, short events)
{
    Uart16550 *s = model;
    uint64_t expired;

    if (read(fd, &expired, sizeof(expired)) == sizeof(expired)) {
        s->timeout = s->rx.count > 0;
        update_line(s);
    }
}

/* ---- modem lines ---- */

static uint8_t modem_lines(const Uart16550 *s)
{
    uint8_t mcr = s->mcr;

    if (mcr & MCR_LOOP) {
        return (mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
               (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0);
    }
    return uart_end_present(s->end) ? MSR_CTS | MSR_DSR | MSR_DCD : 0;
}

static void update_modem(Uart16550 *s)
{
    uint8_t now = modem_lines(s), changed = now ^ s->modem;

    /* The ring indicator counts when it ends. */
    if (now & MSR_RI) {
        changed &= ~MSR_RI;
    }
    s->modem = now;
    s->delta |= changed >> 4;
    update_line(s);
}

/* ---- bytes ---- */

static void receive_byte(Uart16550 *s, uint8_t byte)
{
    if (s->rx.count < capacity(s)) {
        fifo_push(&s->rx, byte);
    } else {
        s->overrun = true;
    }
}

static void watch_end(Uart16550 *s)
{
    bool room = !(s->mcr & MCR_LOOP) && s->rx.count < capacity(s);

    uart_end_want(s->end, room, s->tx.count > 0);
}

static void receive(Uart16550 *s)
{
    unsigned room = capacity(s) - s->rx.count;
    uint8_t bytes[FIFO_SIZE];
    unsigned n = 0;

    if (!(s->mcr & MCR_LOOP)) {
        n = uart_end_read(s->end, bytes, room);
    }
    for (unsigned i = 0; i < n; i++) {
        receive_byte(s, bytes[i]);
    }
    if (n) {
        restart_timeout(s);
    }
    watch_end(s);
}

static void transmit(Uart16550 *s)
{
    bool had = s->tx.count;

    while (s->tx.count) {
        uint8_t byte = s->tx.data[s->tx.start];

        if (s->mcr & MCR_LOOP) {
            receive_byte(s, byte);
            restart_timeout(s);
        } else if (!uart_end_write(s->end, byte)) {
            break;
        }
        fifo_pop(&s->tx);
    }
    if (had && !s->tx.count) {
        s->thre_pending = true;
    }
    watch_end(s);
}

static void look_at_end(Uart16550 *s)
{
    uart_end_update(s->end);
    transmit(s);
    receive(s);
    update_modem(s);
}

/* The other end has or takes bytes, or has come or gone. */
static void end_ready(void *model, int fd, short events)
{
    look_at_end(model);
}

/* ---- registers ---- */

static uint8_t read_rbr(Uart16550 *s)
{
    uint8_t byte = s->rx.count ? fifo_pop(&s->rx) : 0;

    restart_timeout(s);
    receive(s);
    return byte;
}

static uint8_t read_iir(Uart16550 *s)
{
    uint8_t id = interrupt_id(s);

    if (id == IIR_THRE) {
        s->thre_pending = false;
    }
    return id | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(Uart16550 *s)
{
    uint8_t lsr = (s->rx.count ? LSR_DR : 0) | (s->overrun ? LSR_OE : 0) |
                  (s->tx.count ? 0 : LSR_THRE | LSR_TEMT);

    s->overrun = false;
    return lsr;
}

static uint8_t read_msr(Uart16550 *s)
{
    uint8_t msr = s->modem | s->delta;

    s->delta = 0;
    return msr;
}

static uint8_t read_register(Uart16550 *s, unsigned n)
{
    bool dlab = s->lcr & LCR_DLAB;

    switch (n) {
    case RBR_THR:
        return dlab ? s->divisor & 0xff : read_rbr(s);
    case IER:
        return dlab ? s->divisor >> 8 : s->ier;
    case IIR_FCR:
        return read_iir(s);
    case LCR:
        return s->lcr;
    case MCR:
        return s->mcr;
    case LSR:
        return read_lsr(s);
    case MSR:
        return read_msr(s);
    default:
        return s->scr;
    }
}

/* One byte too many takes the place of the last. */
static void write_thr(Uart16550 *s, uint8_t value)
{
    s->thre_pending = false;
    if (s->tx.count == capacity(s)) {
        s->tx.count--;
    }
    fifo_push(&s->tx, value);
    transmit(s);
}

static void write_ier(Uart16550 *s, uint8_t value)
{
    if (value & ~s->ier & IER_THRE && !s->tx.count) {
        s->thre_pending = true;
    }
    s->ier = value & 0x0f;
}

static void write_fcr(Uart16550 *s, uint8_t value)
{
    bool both = (value ^ s->fcr) & FCR_ENABLE;

    if (both || value & FCR_CLEAR_RX) {
        s->rx.count = 0;
    }
    if ((both || value & FCR_CLEAR_TX) && s->tx.count) {
        s->tx.count = 0;
        s->thre_pending = true;
    }
    s->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
    restart_timeout(s);
    receive(s);
}

static void write_mcr(Uart16550 *s, uint8_t value)
{
    s->mcr = value & 0x1f;
    look_at_end(s);
}

static void write_register(Uart16550 *s, unsigned n, uint8_t value)
{
    bool dlab = s->lcr & LCR_DLAB;

    switch (n) {
    case RBR_THR:
        if (dlab) {
            s->divisor = (s->divisor & 0xff00) | value;
        } else {
            write_thr(s, value);
        }
        break;
    case IER:
        if (dlab) {
            s->divisor = (s->divisor & 0xff) | value << 8;
        } else {
            write_ier(s, value);
        }
        break;
    case IIR_FCR:
        write_fcr(s, value);
        break;
    case LCR:
        s->lcr = value;
        break;
    case MCR:
        write_mcr(s, value);
        break;
    case SCR:
        s->scr = value;
        break;
    default:
        break; /* LSR and MSR are read-only */
    }
}

/* The register that an access means; false if it means none. */
static bool decode(const Uart16550 *s, uint64_t offset, unsigned size,
                   unsigned *n)
{
    *n = offset >> s->reg_shift;
    return size <= 1u << s->reg_shift && *n < NUM_REGS &&
           offset == (uint64_t)*n << s->reg_shift;
}

static bool uart_read(void *model, uint64_t offset, unsigned size,
                      uint64_t *value)
{
    Uart16550 *s = model;
    unsigned n;

    if (!decode(s, offset, size, &n)) {
        return false;
    }
    *value = read_register(s, n);
    update_line(s);
    return true;
}

static bool uart_write(void *model, uint64_t offset, unsigned size,
                       uint64_t value)
{
    Uart16550 *s = model;
    unsigned n;

    if (!decode(s, offset, size, &n)) {
        return false;
    }
    write_register(s, n, value);
    update_line(s);
    return true;
}

/* The master reset leaves divisor and scratch register alone. */
static void uart_reset(void *model)
{
    Uart16550 *s = model;

    s->ier = 0;
    s->fcr = 0;
    s->lcr = 0;
    s->mcr = 0;
    s->rx.count = 0;
    s->tx.count = 0;
    s->overrun = false;
    s->thre_pending = false;
    restart_timeout(s);
    look_at_end(s);
    s->delta = 0;
    update_line(s);
}

/* ---- the model ---- */

static const PlatypusRegion uart_region = {
    .size = UART_SIZE,
    .read = uart_read,
    .write = uart_write,
};

static const PlatypusLine uart_line;

static const PlatypusDeviceDesc uart_desc = {
    .name = "uart16550",
    .regions = &uart_region,
    .num_regions = 1,
    .lines = &uart_line,
    .num_lines = 1,
    .reset = uart_reset,
};

enum {
    REG_SHIFT,
    STDIO,
    LINK,
};

static void uart_close(void *model)
{
    Uart16550 *s = model;

    uart_end_free(s->end);
    platypus_device_free(s->dev);
    if (s->timer_fd >= 0) {
        close(s->timer_fd);
    }
    free(s);
}

static bool parse_values(Uart16550 *s, const char *const *values)
{
    unsigned long shift = 0;

    if (values[REG_SHIFT] &&
        !model_parse_number(values[REG_SHIFT], 3, &shift)) {
        model_error("uart16550: --reg-shift is a number from 0 to 3, not '%s'",
                    values[REG_SHIFT]);
        return false;
    }
    if (values[STDIO] && values[LINK]) {
        model_error("uart16550: --link is for a pty, not for --stdio");
        return false;
    }
    s->reg_shift = shift;
    return true;
}

static bool connect_parts(Uart16550 *s, const char *const *values)
{
    s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    s->dev = model_new_device(&uart_desc, s);
    if (!s->dev) {
        return false;
    }
    if (s->timer_fd < 0 ||
        platypus_device_watch(s->dev, s->timer_fd, POLLIN, timeout_reached)) {
        model_error("uart16550: no timer");
        return false;
    }
    s->end = values[STDIO] ? uart_end_stdio(s->dev, end_ready)
                           : uart_end_pty(s->dev, values[LINK], end_ready);
    return s->end;
}

static void *uart_open(const char *const *values, PlatypusDevice **dev)
{
    Uart16550 *s = calloc(1, sizeof(*s));

    if (!s) {
        model_error("uart16550: no memory");
        return NULL;
    }
    s->timer_fd = -1;
    if (!parse_values(s, values) || !connect_parts(s, values)) {
        uart_close(s);
        return NULL;
    }
    s->divisor = 1;
    uart_reset(s);
    *dev = s->dev;
    return s;
}

static const ModelOption uart_options[] = {
    [REG_SHIFT] = {"reg-shift", "N",
                   "registers are 1 << N bytes apart (0), as the node says"},
    [STDIO] = {"stdio", NULL, "standard input and output instead of a pty"},
    [LINK] = {"link", "PATH", "make PATH a symbolic link to the pty"},
    {0},
};

const ModelClass uart16550_model = {
    .name = "uart16550",
    .summary = "serial port on a pty or on standard input and output",
    .options = uart_options,
    .open = uart_open,
    .close = uart_close,
};
