/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pl011.c: the registers by memory dispatch, the line by a handler of the
 * test, and the wires by a socket pair. Each test begins with a reset UART.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/char/pl011.h"
#include "hw/core/reset.h"
#include "util/fd.h"
#include "util/main-loop.h"

enum {
    DR = 0x00,
    RSR = 0x04,
    FR = 0x18,
    ILPR = 0x20,
    IBRD = 0x24,
    FBRD = 0x28,
    LCR_H = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c,
    MIS = 0x40,
    ICR = 0x44,
    DMACR = 0x48,
};

#define FEN 0x10
#define RXFE 0x10
#define TXFF 0x20
#define RXFF 0x40
#define TXFE 0x80
#define BUSY 0x08
#define INT_RX 0x10
#define INT_TX 0x20
#define INT_RT 0x40

typedef struct Fixture {
    Chardev *chr;
    int peer;
    PL011State *uart;
    MemoryRegion *mr;
    IrqLine line;
    int level;
    int changes;
} Fixture;

static void on_line(void *opaque, int n, int level)
{
    Fixture *f = opaque;

    f->changes += level != f->level;
    f->level = level;
}

static Chardev *socket_chardev(int *peer)
{
    int fds[2];
    g_autofree char *text = NULL;
    g_autoptr(OptionList) list = NULL;
    Chardev *chr;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==,
                    0);
    fcntl(fds[1], F_SETFL, O_NONBLOCK);
    *peer = fds[1];
    text = g_strdup_printf("socket,fd=%d", fds[0]);
    list = option_list_parse(text, "backend", NULL);
    chr = chardev_new_options("serial0", list, NULL);
    g_assert_nonnull(chr);
    return chr;
}

static void set_up(Fixture *f, gconstpointer no_chardev)
{
    *f = (Fixture){.peer = -1};
    g_assert_true(main_loop_init(NULL));
    if (!no_chardev) {
        f->chr = socket_chardev(&f->peer);
    }
    f->uart = PL011(object_new(TYPE_PL011));
    g_assert_true(
        object_add_child(object_root(), "uart", OBJECT(f->uart), NULL));
    pl011_set_chardev(f->uart, f->chr);
    g_assert_true(qdev_realize(DEVICE(f->uart), NULL));
    irq_init_handler(&f->line, on_line, f, 0);
    sysbus_connect_irq(SYS_BUS_DEVICE(f->uart), 0, &f->line);
    f->mr = sysbus_mmio_region(SYS_BUS_DEVICE(f->uart), 0);
}

static void tear_down(Fixture *f, gconstpointer no_chardev)
{
    object_unparent(OBJECT(f->uart));
    object_unref(OBJECT(f->uart));
    irq_finish(&f->line);
    chardev_free(f->chr);
    fd_close(&f->peer);
    object_root_free();
    main_loop_finish();
}

static uint32_t rd(Fixture *f, hwaddr addr)
{
    uint64_t value;

    g_assert_cmpint(memory_region_dispatch(f->mr, addr, &value, 4, false), ==,
                    MEMTX_OK);
    return value;
}

static void wr(Fixture *f, hwaddr addr, uint32_t value)
{
    uint64_t wide = value;

    g_assert_cmpint(memory_region_dispatch(f->mr, addr, &wide, 4, true), ==,
                    MEMTX_OK);
}

/* Gives the UART @text and lets it take what it takes. */
static void feed(Fixture *f, const char *text)
{
    g_assert_cmpint(write(f->peer, text, strlen(text)), ==, strlen(text));
    main_loop_iterate(false);
    main_loop_iterate(false);
}

static void assert_sent(Fixture *f, const char *expected)
{
    char data[64];
    ssize_t n = read(f->peer, data, sizeof(data));

    g_assert_cmpmem(data, n, expected, strlen(expected));
}

static void test_registers(Fixture *f, gconstpointer unused)
{
    static const struct {
        hwaddr addr;
        uint32_t reset;
        uint32_t writable;
    } regs[] = {
        {RSR, 0, 0},         {FR, RXFE | TXFE, 0}, {ILPR, 0, 0xff},
        {IBRD, 0, 0xffff},   {FBRD, 0, 0x3f},      {LCR_H, 0, 0xff},
        {CR, 0x300, 0xff87}, {IFLS, 0x12, 0x3f},   {IMSC, 0, 0x7ff},
        {RIS, 0, 0},         {MIS, 0, 0},          {ICR, 0, 0},
        {DMACR, 0, 7},       {0x08, 0, 0},         {0x80, 0, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(regs); i++) {
        g_assert_cmphex(rd(f, regs[i].addr), ==, regs[i].reset);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(regs); i++) {
        if (regs[i].addr != CR) {
            wr(f, regs[i].addr, 0xffffffff);
        }
        if (regs[i].writable && regs[i].addr != CR) {
            g_assert_cmphex(rd(f, regs[i].addr), ==, regs[i].writable);
        }
    }
    wr(f, CR, 0xffffffff);
    g_assert_cmphex(rd(f, CR), ==, 0xff87);
    reset_all();
    for (size_t i = 0; i < G_N_ELEMENTS(regs); i++) {
        g_assert_cmphex(rd(f, regs[i].addr), ==, regs[i].reset);
    }
}

static void test_ids(Fixture *f, gconstpointer unused)
{
    static const uint8_t ids[] = {0x11, 0x10, 0x14, 0x00,
                                  0x0d, 0xf0, 0x05, 0xb1};
    uint64_t value = 1;

    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmphex(rd(f, 0xfe0 + 4 * i), ==, ids[i]);
    }
    g_assert_cmpint(memory_region_dispatch(f->mr, 0xfe1, &value, 1, false), ==,
                    MEMTX_OK);
    g_assert_cmphex(value, ==, 0);
    g_assert_cmpint(memory_region_dispatch(f->mr, CR, &value, 1, false), ==,
                    MEMTX_OK);
    g_assert_cmphex(value, ==, 0);
    g_assert_cmpint(memory_region_dispatch(f->mr, CR, &value, 2, false), ==,
                    MEMTX_OK);
    g_assert_cmphex(value, ==, 0x300);
}

/* Sends without having been enabled, and says that it has. */
static void test_transmit(Fixture *f, gconstpointer unused)
{
    wr(f, IMSC, INT_TX);
    g_assert_cmpint(f->level, ==, 0);
    wr(f, DR, 'h');
    g_assert_cmpint(f->level, ==, 1);
    g_assert_cmphex(rd(f, MIS), ==, INT_TX);
    wr(f, ICR, INT_TX);
    g_assert_cmpint(f->level, ==, 0);
    wr(f, DR, 'i');
    wr(f, DR, '\n');
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
    assert_sent(f, "hi\n");
    wr(f, IMSC, 0);
    g_assert_cmpint(f->level, ==, 0);
    g_assert_cmphex(rd(f, RIS), ==, INT_TX);
}

/* A peer that takes nothing fills the FIFO; then it goes on, in order. */
static void stop_the_peer(Fixture *f)
{
    while (chardev_has_room(f->chr)) {
        static char block[4096];

        chardev_write(f->chr, block, sizeof(block));
    }
}

static void drain_the_peer(Fixture *f, GString *seen)
{
    char data[4096];
    ssize_t n;

    while ((n = read(f->peer, data, sizeof(data))) > 0 ||
           !chardev_has_room(f->chr)) {
        g_string_append_len(seen, data, MAX(n, 0));
        main_loop_iterate(false);
    }
}

static void test_full(Fixture *f, gconstpointer unused)
{
    g_autoptr(GString) seen = g_string_new(NULL);

    wr(f, LCR_H, FEN);
    wr(f, IMSC, INT_TX);
    stop_the_peer(f);
    for (int i = 0; i < 16; i++) {
        g_assert_cmphex(rd(f, FR) & TXFF, ==, 0);
        wr(f, DR, 'a' + i);
    }
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFF | BUSY);
    wr(f, DR, 'X'); /* lost */
    g_assert_cmpint(f->level, ==, 0);
    drain_the_peer(f, seen);
    g_assert_cmpint(f->level, ==, 1);
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
    wr(f, DR, '\n');
    drain_the_peer(f, seen);
    g_assert_true(
        g_str_has_suffix(seen->str + seen->len - 17, "abcdefghijklmnop\n"));
}

static void test_full_without_fifo(Fixture *f, gconstpointer unused)
{
    stop_the_peer(f);
    wr(f, DR, 'a');
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFF | BUSY);
    g_assert_cmphex(rd(f, RIS) & INT_TX, ==, 0);
    reset_all();
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
}

static void test_receive(Fixture *f, gconstpointer unused)
{
    wr(f, IMSC, INT_RX);
    feed(f, "ab");
    g_assert_cmpint(f->level, ==, 1);
    g_assert_cmphex(rd(f, FR), ==, RXFF | TXFE);
    g_assert_cmpint(rd(f, DR), ==, 'a');
    g_assert_cmpint(f->level, ==, 0);
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
    main_loop_iterate(false);
    main_loop_iterate(false);
    g_assert_cmpint(rd(f, DR), ==, 'b');
    g_assert_cmpint(rd(f, DR), ==, 0);
}

static void test_receive_fifo(Fixture *f, gconstpointer unused)
{
    wr(f, LCR_H, FEN);
    wr(f, IMSC, INT_RX);
    feed(f, "1234567");
    g_assert_cmphex(rd(f, RIS), ==, INT_RT);
    g_assert_cmpint(f->level, ==, 0);
    feed(f, "8");
    g_assert_cmphex(rd(f, RIS), ==, INT_RT | INT_RX);
    g_assert_cmpint(f->level, ==, 1);
    g_assert_cmpint(rd(f, DR), ==, '1');
    g_assert_cmpint(f->level, ==, 0);
    wr(f, ICR, INT_RT);
    g_assert_cmphex(rd(f, RIS), ==, 0);
    feed(f, "9abcdefghijkl");
    g_assert_cmphex(rd(f, FR), ==, RXFF | TXFE);
    for (const char *c = "23456789abcdefgh"; *c; c++) {
        g_assert_cmpint(rd(f, DR), ==, *c);
    }
    main_loop_iterate(false);
    main_loop_iterate(false);
    for (const char *c = "ijkl"; *c; c++) {
        g_assert_cmpint(rd(f, DR), ==, *c);
    }
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
    g_assert_cmphex(rd(f, RIS), ==, 0);
    wr(f, IFLS, 0); /* one eighth */
    feed(f, "xy");
    g_assert_cmphex(rd(f, RIS) & INT_RX, ==, INT_RX);
    wr(f, LCR_H, 0); /* empties it */
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
    g_assert_cmphex(rd(f, RIS), ==, 0);
    g_assert_cmpint(f->level, ==, 0);
}

static void test_loopback(Fixture *f, gconstpointer unused)
{
    char none;

    wr(f, LCR_H, FEN);
    wr(f, CR, 0x381);
    wr(f, DR, 'l');
    g_assert_cmpint(rd(f, DR), ==, 'l');
    g_assert_cmpint(read(f->peer, &none, 1), ==, -1);
    /* RTS, DTR, OUT1, OUT2 come back as CTS, DSR, DCD, RI */
    wr(f, ICR, 0x7ff);
    wr(f, CR, 0x381 | 0x3c00);
    g_assert_cmphex(rd(f, FR) & 0x107, ==, 0x107);
    g_assert_cmphex(rd(f, RIS) & 0xf, ==, 0xf);
    wr(f, CR, 0x381 | 0x0800);
    g_assert_cmphex(rd(f, FR) & 0x107, ==, 1);
    /* overrun: the 17th is lost and the next one tells */
    wr(f, ICR, 0x7ff);
    for (int i = 0; i < 17; i++) {
        wr(f, DR, 'a' + i);
    }
    g_assert_cmphex(rd(f, RIS) & 0x400, ==, 0x400);
    g_assert_cmphex(rd(f, DR), ==, 'a');
    g_assert_cmphex(rd(f, RSR), ==, 0);
    wr(f, DR, 'z');
    for (int i = 1; i < 16; i++) {
        g_assert_cmphex(rd(f, DR), ==, 'a' + i);
    }
    g_assert_cmphex(rd(f, DR), ==, 'z' | 0x800);
    g_assert_cmphex(rd(f, RSR), ==, 8);
    wr(f, RSR, 0);
    g_assert_cmphex(rd(f, RSR), ==, 0);
    /* a break */
    wr(f, LCR_H, FEN | 1);
    g_assert_cmphex(rd(f, RIS) & 0x200, ==, 0x200);
    g_assert_cmphex(rd(f, DR), ==, 0x400);
    g_assert_cmphex(rd(f, RSR), ==, 4);
    wr(f, CR, 0x300);
    g_assert_cmphex(rd(f, FR) & 0x107, ==, 0);
}

static void test_reset(Fixture *f, gconstpointer unused)
{
    wr(f, LCR_H, FEN);
    wr(f, IMSC, INT_RT);
    feed(f, "abc");
    g_assert_cmpint(f->level, ==, 1);
    reset_all();
    g_assert_cmpint(f->level, ==, 0);
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
    g_assert_cmpint(rd(f, DR), ==, 0);
    feed(f, "d");
    g_assert_cmpint(rd(f, DR), ==, 'd');
}

static void test_unconnected(Fixture *f, gconstpointer unused)
{
    wr(f, DR, 'x');
    g_assert_cmphex(rd(f, FR), ==, RXFE | TXFE);
    g_assert_cmphex(rd(f, RIS), ==, INT_TX);
    g_assert_cmphex(rd(f, DR), ==, 0);
    wr(f, LCR_H, FEN);
    reset_all();
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer),
                bool unconnected)
{
    g_test_add(path, Fixture, GINT_TO_POINTER(unconnected), set_up, test,
               tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/pl011/registers", test_registers, false);
    add("/pl011/ids", test_ids, false);
    add("/pl011/transmit", test_transmit, false);
    add("/pl011/full", test_full, false);
    add("/pl011/full-without-fifo", test_full_without_fifo, false);
    add("/pl011/receive", test_receive, false);
    add("/pl011/receive-fifo", test_receive_fifo, false);
    add("/pl011/loopback", test_loopback, false);
    add("/pl011/reset", test_reset, false);
    add("/pl011/unconnected", test_unconnected, true);
    return g_test_run();
}
