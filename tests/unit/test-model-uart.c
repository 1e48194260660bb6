/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model uart16550 of platypus-device: the guest's side by its socket, the
 * other by its pty or by its standard input and output.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "model-client.h"

enum {
    RBR = 0,
    THR = 0,
    DLL = 0,
    IER = 1,
    DLM = 1,
    IIR = 2,
    FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    MSR = 6,
    SCR = 7,
};

#define DR 0x01
#define OE 0x02
#define THRE 0x20
#define TEMT 0x40
#define PRESENT 0xb0 /* CTS, DSR, DCD */

typedef struct Fixture {
    char *dir;
    char *link;
    ModelClient *c;
    int irq;
    int tty; /* -1: not open */
} Fixture;

static uint8_t get(Fixture *f, unsigned reg)
{
    return model_read(f->c, 0, reg, 1);
}

static void set(Fixture *f, unsigned reg, uint8_t value)
{
    model_write(f->c, 0, reg, 1, value);
}

static void start(Fixture *f)
{
    f->dir = g_dir_make_tmp("uart-XXXXXX", NULL);
    f->link = g_build_filename(f->dir, "tty", NULL);
    f->c = model_client_new(
        true, (const char *const[]){"uart16550", "--link", f->link, NULL});
    f->irq = model_arm(f->c, 0);
    f->tty = -1;
}

/* Opens the pty, and waits until the model has seen that. */
static void open_tty(Fixture *f)
{
    f->tty = open(f->link, O_RDWR | O_NOCTTY | O_CLOEXEC);
    g_assert_no_errno(f->tty);
    while ((get(f, MSR) & 0xf0) != PRESENT) {
        g_usleep(1000);
    }
}

static void close_tty(Fixture *f)
{
    close(f->tty);
    f->tty = -1;
    while (get(f, MSR) & 0xf0) {
        g_usleep(1000);
    }
}

static void finish(Fixture *f)
{
    model_client_quit(f->c, SIGTERM);
    if (f->tty >= 0) {
        close(f->tty);
    }
    close(f->irq);
    /* The link is gone, too. */
    g_assert_cmpint(rmdir(f->dir), ==, 0);
    g_free(f->dir);
    g_free(f->link);
}

static void expect_bytes(int fd, const char *text, size_t size)
{
    g_autofree char *got = g_malloc(size);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    for (size_t n = 0; n < size;) {
        ssize_t more;

        g_assert_cmpint(poll(&p, 1, USER_PEER_DEADLINE_S * 1000), ==, 1);
        more = read(fd, got + n, size - n);
        g_assert_cmpint(more, >, 0);
        n += more;
    }
    g_assert_cmpmem(got, size, text, size);
}

static void put_bytes(int fd, const char *text, size_t size)
{
    g_assert_cmpint(write(fd, text, size), ==, size);
}

static void send_text(Fixture *f, const char *text)
{
    for (; *text; text++) {
        while (!(get(f, LSR) & THRE)) {
            g_usleep(1000);
        }
        set(f, THR, *text);
    }
}

/* Reads as a driver does that only looks at LSR. */
static void receive_text(Fixture *f, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        while (!(get(f, LSR) & DR)) {
            g_usleep(1000);
        }
        g_assert_cmphex(get(f, RBR), ==, (uint8_t)text[i]);
    }
}

static void test_registers(void)
{
    Fixture f;

    start(&f);
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    g_assert_cmphex(get(&f, IIR), ==, 0x01);
    g_assert_cmphex(get(&f, MSR), ==, 0);
    set(&f, SCR, 0x5a);
    g_assert_cmphex(get(&f, SCR), ==, 0x5a);
    set(&f, LCR, 0x83);
    set(&f, DLL, 0x34);
    set(&f, DLM, 0x12);
    g_assert_cmphex(get(&f, DLL), ==, 0x34);
    g_assert_cmphex(get(&f, DLM), ==, 0x12);
    set(&f, LCR, 0x03);
    g_assert_cmphex(get(&f, LCR), ==, 0x03);
    g_assert_cmphex(get(&f, IER), ==, 0);
    set(&f, IER, 0xff);
    g_assert_cmphex(get(&f, IER), ==, 0x0f);
    set(&f, LSR, 0xff);
    set(&f, MSR, 0xff);
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    g_assert_cmphex(get(&f, RBR), ==, 0);
    set(&f, FCR, 0x07);
    g_assert_cmphex(get(&f, IIR) & 0xc0, ==, 0xc0);
    set(&f, FCR, 0);
    g_assert_cmphex(get(&f, IIR) & 0xc0, ==, 0);
    model_no_register(f.c, 0, 8, 1);
    model_no_register(f.c, 0, 0, 2);
    finish(&f);
}

static void test_round_trip(void)
{
    static const char all[] = "\x00\x03\x04\x11\x13\x1a\x7f\xff\r\n\r\n";
    Fixture f;

    start(&f);
    open_tty(&f);
    send_text(&f, "login: ");
    expect_bytes(f.tty, "login: ", 7);
    put_bytes(f.tty, all, sizeof(all));
    receive_text(&f, all, sizeof(all));
    finish(&f);
}

/* What the guest has not read stays where it is, and nothing is lost. */
static void test_input_waits(void)
{
    char text[1000];
    Fixture f;

    start(&f);
    open_tty(&f);
    set(&f, FCR, 0x01);
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = i;
    }
    put_bytes(f.tty, text, sizeof(text));
    receive_text(&f, text, sizeof(text));
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    finish(&f);
}

static void test_transmit_interrupt(void)
{
    Fixture f;

    start(&f);
    open_tty(&f);
    set(&f, IER, 0x02);
    g_assert_true(model_signalled(f.irq));
    g_assert_cmphex(get(&f, IIR), ==, 0x02);
    g_assert_cmphex(get(&f, IIR), ==, 0x01);
    model_unmask(f.c, 0);
    g_assert_false(model_signalled(f.irq));
    set(&f, THR, 'x');
    expect_bytes(f.tty, "x", 1);
    g_assert_true(model_signalled(f.irq));
    g_assert_cmphex(get(&f, IIR), ==, 0x02);
    model_unmask(f.c, 0);
    /* Off and on again. */
    set(&f, IER, 0);
    set(&f, IER, 0x02);
    g_assert_true(model_signalled(f.irq));
    finish(&f);
}

static void test_receive_interrupt(void)
{
    Fixture f;

    start(&f);
    open_tty(&f);
    set(&f, IER, 0x01);
    put_bytes(f.tty, "ab", 2);
    model_wait_signal(f.irq);
    g_assert_cmphex(get(&f, IIR), ==, 0x04);
    g_assert_cmphex(get(&f, RBR), ==, 'a');
    g_assert_cmphex(get(&f, RBR), ==, 'b');
    g_assert_cmphex(get(&f, IIR), ==, 0x01);
    model_unmask(f.c, 0);
    g_assert_false(model_signalled(f.irq));
    finish(&f);
}

/* A few bytes wait for more; when none come, they interrupt all the same. */
static void test_timeout(void)
{
    Fixture f;

    start(&f);
    open_tty(&f);
    set(&f, FCR, 0xc1);
    set(&f, IER, 0x01);
    put_bytes(f.tty, "abc", 3);
    model_wait_signal(f.irq);
    g_assert_cmphex(get(&f, IIR), ==, 0xcc);
    g_assert_cmphex(get(&f, RBR), ==, 'a');
    g_assert_cmphex(get(&f, IIR), ==, 0xc1);
    model_unmask(f.c, 0);
    model_wait_signal(f.irq);
    g_assert_cmphex(get(&f, IIR), ==, 0xcc);
    receive_text(&f, "bc", 2);
    g_assert_cmphex(get(&f, IIR), ==, 0xc1);
    finish(&f);
}

static void test_trigger(void)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    Fixture f;

    start(&f);
    /* The slowest speed there is: the timeout is out of reach. */
    set(&f, LCR, 0x80);
    set(&f, DLL, 0);
    set(&f, DLM, 0);
    set(&f, LCR, 0x03);
    set(&f, IER, 0x01);
    set(&f, MCR, 0x10); /* loopback: bytes come when they are written */
    for (unsigned i = 0; i < 4; i++) {
        set(&f, FCR, i << 6 | 0x07);
        for (unsigned n = 1; n < levels[i]; n++) {
            set(&f, THR, n);
            g_assert_cmphex(get(&f, IIR), ==, 0xc1);
        }
        g_assert_false(model_signalled(f.irq));
        set(&f, THR, 0xee);
        g_assert_true(model_signalled(f.irq));
        g_assert_cmphex(get(&f, IIR), ==, 0xc4);
        get(&f, RBR);
        g_assert_cmphex(get(&f, IIR), ==, 0xc1);
        model_unmask(f.c, 0);
        g_assert_false(model_signalled(f.irq));
    }
    finish(&f);
}

static void test_loopback(void)
{
    Fixture f;

    start(&f);
    open_tty(&f);
    set(&f, MCR, 0x10);
    g_assert_cmphex(get(&f, MSR), ==, 0x0b);
    set(&f, MCR, 0x1a); /* RTS, OUT2 */
    g_assert_cmphex(get(&f, MSR), ==, 0x99);
    set(&f, MCR, 0x15); /* DTR, OUT1 */
    g_assert_cmphex(get(&f, MSR), ==, 0x6b);
    set(&f, MCR, 0x10); /* the ring ends */
    g_assert_cmphex(get(&f, MSR), ==, 0x06);
    set(&f, THR, 'q');
    receive_text(&f, "q", 1);
    set(&f, MCR, 0);
    send_text(&f, "out");
    expect_bytes(f.tty, "out", 3);
    finish(&f);
}

static void test_overrun(void)
{
    Fixture f;

    start(&f);
    set(&f, FCR, 0x01);
    set(&f, IER, 0x04);
    set(&f, MCR, 0x10);
    for (unsigned i = 0; i < 16; i++) {
        set(&f, THR, 'a' + i);
    }
    g_assert_cmphex(get(&f, IIR), ==, 0xc1);
    set(&f, THR, 'z');
    g_assert_true(model_signalled(f.irq));
    g_assert_cmphex(get(&f, IIR), ==, 0xc6);
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT | OE | DR);
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT | DR);
    receive_text(&f, "abcdefghijklmnop", 16);
    g_assert_cmphex(get(&f, LSR) & DR, ==, 0);
    finish(&f);
}

static void test_modem(void)
{
    Fixture f;

    start(&f);
    set(&f, IER, 0x08);
    f.tty = open(f.link, O_RDWR | O_NOCTTY | O_CLOEXEC);
    model_wait_signal(f.irq);
    g_assert_cmphex(get(&f, IIR), ==, 0x00);
    g_assert_cmphex(get(&f, MSR), ==, PRESENT | 0x0b);
    g_assert_cmphex(get(&f, MSR), ==, PRESENT);
    g_assert_cmphex(get(&f, IIR), ==, 0x01);
    model_unmask(f.c, 0);
    close(f.tty);
    f.tty = -1;
    model_wait_signal(f.irq);
    g_assert_cmphex(get(&f, MSR), ==, 0x0b);
    finish(&f);
}

/* To a slow reader bytes wait in the FIFO, and none is lost. */
static void test_slow_reader(void)
{
    unsigned sent = 0;
    Fixture f;

    start(&f);
    open_tty(&f);
    set(&f, FCR, 0x01);
    while (get(&f, LSR) & THRE) {
        g_assert_cmpuint(sent, <, 1 << 20);
        set(&f, THR, sent++);
    }
    set(&f, THR, sent++);
    g_assert_cmphex(get(&f, LSR), ==, 0);
    set(&f, IER, 0x02);
    g_assert_cmphex(get(&f, IIR), ==, 0xc1);
    g_assert_false(model_signalled(f.irq));
    for (unsigned i = 0; i < sent; i++) {
        expect_bytes(f.tty, (char[]){i}, 1);
    }
    model_wait_signal(f.irq);
    g_assert_cmphex(get(&f, IIR), ==, 0xc2);
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    finish(&f);
}

/* What nobody is there to read is lost, and does not come later. */
static void test_nobody(void)
{
    Fixture f;

    start(&f);
    for (unsigned i = 0; i < 20000; i++) {
        set(&f, THR, 'n');
    }
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    open_tty(&f);
    send_text(&f, "now");
    expect_bytes(f.tty, "now", 3);
    put_bytes(f.tty, "last", 4);
    receive_text(&f, "last", 4);
    close_tty(&f);
    set(&f, THR, 'n');
    open_tty(&f);
    send_text(&f, "again");
    expect_bytes(f.tty, "again", 5);
    finish(&f);
}

static void test_reset(void)
{
    Fixture f;

    start(&f);
    set(&f, SCR, 0x77);
    set(&f, FCR, 0x01);
    set(&f, MCR, 0x10);
    set(&f, THR, 'x');
    set(&f, IER, 0x0f);
    g_assert_true(model_signalled(f.irq));
    model_reset(f.c);
    model_unmask(f.c, 0);
    g_assert_false(model_signalled(f.irq));
    g_assert_cmphex(get(&f, IER), ==, 0);
    g_assert_cmphex(get(&f, IIR), ==, 0x01);
    g_assert_cmphex(get(&f, MCR), ==, 0);
    g_assert_cmphex(get(&f, LCR), ==, 0);
    g_assert_cmphex(get(&f, MSR), ==, 0);
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    g_assert_cmphex(get(&f, SCR), ==, 0x77);
    finish(&f);
}

static void test_reg_shift(void)
{
    static const char *const args[] = {"uart16550", "--reg-shift=2", NULL};
    ModelClient *c = model_client_new(true, args);

    g_assert_cmphex(model_read(c, 0, LSR << 2, 4), ==, THRE | TEMT);
    g_assert_cmphex(model_read(c, 0, LSR << 2, 2), ==, THRE | TEMT);
    model_write(c, 0, SCR << 2, 1, 0x12);
    g_assert_cmphex(model_read(c, 0, SCR << 2, 1), ==, 0x12);
    model_no_register(c, 0, (SCR << 2) + 1, 1);
    model_no_register(c, 0, 0, 8);
    model_no_register(c, 0, 8 << 2, 4);
    model_client_quit(c, SIGTERM);
}

static void test_stdio(void)
{
    static const char *const args[] = {"uart16550", "--stdio", NULL};
    Fixture f = {.c = model_client_new(true, args)};

    g_assert_cmphex(get(&f, MSR) & 0xf0, ==, PRESENT);
    send_text(&f, "hello\n");
    expect_bytes(f.c->out, "hello\n", 6);
    put_bytes(f.c->in, "there\n", 6);
    receive_text(&f, "there\n", 6);
    /* It ends; the other direction goes on. */
    close(f.c->in);
    f.c->in = -1;
    send_text(&f, "still\n");
    expect_bytes(f.c->out, "still\n", 6);
    /* The reader goes; what is written is lost. */
    close(f.c->out);
    f.c->out = -1;
    send_text(&f, "gone\n");
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    model_client_quit(f.c, SIGTERM);
}

static int open_terminal(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    g_assert_no_errno(master);
    g_assert_no_errno(grantpt(master));
    g_assert_no_errno(unlockpt(master));
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    g_assert_no_errno(*slave);
    return master;
}

/* A terminal is raw, but for its signals, and afterwards as it was. */
static void test_terminal(void)
{
    static const char *const args[] = {"uart16550", "--stdio", NULL};
    struct termios before, now;
    int slave, master = open_terminal(&slave);
    Fixture f;

    g_assert_no_errno(tcgetattr(slave, &before));
    g_assert_cmpuint(before.c_lflag & ICANON, !=, 0);
    f.c = model_client_new_on(slave, slave, args);
    send_text(&f, "a\n");
    expect_bytes(master, "a\n", 2);
    put_bytes(master, "b\r", 2);
    receive_text(&f, "b\r", 2);
    g_assert_no_errno(tcgetattr(slave, &now));
    g_assert_cmpuint(now.c_lflag & (ICANON | ECHO | ISIG), ==, ISIG);
    model_client_quit(f.c, SIGTERM);
    g_assert_no_errno(tcgetattr(slave, &now));
    g_assert_cmpuint(now.c_lflag, ==, before.c_lflag);
    g_assert_cmpuint(now.c_iflag, ==, before.c_iflag);
    close(slave);
    close(master);
}

/* Files, which cannot be waited for. */
static void test_files(void)
{
    static const char *const args[] = {"uart16550", "--stdio", NULL};
    const char text[] = "more than sixteen bytes of input";
    g_autofree char *in = NULL, *out = NULL, *got = NULL;
    int in_fd = g_file_open_tmp("uart-in-XXXXXX", &in, NULL);
    int out_fd = g_file_open_tmp("uart-out-XXXXXX", &out, NULL);
    Fixture f;

    put_bytes(in_fd, text, strlen(text));
    g_assert_cmpint(lseek(in_fd, 0, SEEK_SET), ==, 0);
    f.c = model_client_new_on(in_fd, out_fd, args);
    receive_text(&f, text, strlen(text));
    g_assert_cmphex(get(&f, LSR), ==, THRE | TEMT);
    send_text(&f, "output");
    model_client_quit(f.c, SIGTERM);
    g_assert_true(g_file_get_contents(out, &got, NULL, NULL));
    g_assert_cmpstr(got, ==, "output");
    close(in_fd);
    close(out_fd);
    unlink(in);
    unlink(out);
}

/* The client goes, and another takes over where it was. */
static void test_next_client(void)
{
    Fixture f = {.dir = g_dir_make_tmp("uart-XXXXXX", NULL), .tty = -1};
    g_autofree char *path = g_build_filename(f.dir, "socket", NULL);

    f.link = g_build_filename(f.dir, "tty", NULL);
    /* A link that an earlier one has left is replaced. */
    g_assert_no_errno(symlink("/nowhere", f.link));
    f.c = model_client_new(false,
                           (const char *const[]){"uart16550", "--socket", path,
                                                 "--link", f.link, NULL});
    model_client_connect(f.c, path);
    f.irq = model_arm(f.c, 0);
    open_tty(&f);
    set(&f, SCR, 0x42);
    model_client_hang_up(f.c);
    put_bytes(f.tty, "kept", 4);
    model_client_connect(f.c, path);
    g_assert_cmphex(get(&f, SCR), ==, 0x42);
    receive_text(&f, "kept", 4);
    finish(&f);
}

int main(int argc, char **argv)
{
    model_client_init(&argc, &argv);
    g_test_add_func("/model-uart/registers", test_registers);
    g_test_add_func("/model-uart/round-trip", test_round_trip);
    g_test_add_func("/model-uart/input-waits", test_input_waits);
    g_test_add_func("/model-uart/transmit-interrupt", test_transmit_interrupt);
    g_test_add_func("/model-uart/receive-interrupt", test_receive_interrupt);
    g_test_add_func("/model-uart/timeout", test_timeout);
    g_test_add_func("/model-uart/trigger", test_trigger);
    g_test_add_func("/model-uart/loopback", test_loopback);
    g_test_add_func("/model-uart/overrun", test_overrun);
    g_test_add_func("/model-uart/modem", test_modem);
    g_test_add_func("/model-uart/slow-reader", test_slow_reader);
    g_test_add_func("/model-uart/nobody", test_nobody);
    g_test_add_func("/model-uart/reset", test_reset);
    g_test_add_func("/model-uart/reg-shift", test_reg_shift);
    g_test_add_func("/model-uart/stdio", test_stdio);
    g_test_add_func("/model-uart/terminal", test_terminal);
    g_test_add_func("/model-uart/files", test_files);
    g_test_add_func("/model-uart/next-client", test_next_client);
    return g_test_run();
}
