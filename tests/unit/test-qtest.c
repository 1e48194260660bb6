/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtest.c: each command and each way to get it wrong, in one session without a
 * chardev, on a machine of a little RAM, a test device and the qtest
 * accelerator's interrupt controller.
 */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel/qtest.h"
#include "hw/core/sysbus.h"
#include "system/qtest.h"
#include "util/main-loop.h"
#include "util/timer.h"

#define RAM_SIZE 0x10000
#define TESTDEV_BASE 0x10000000
#define TESTDEV_SPI 5
#define NUM_SPIS 32

typedef struct Fixture {
    MemoryRegion ram;
    Accel *accel;
    DeviceState *gic;
    DeviceState *testdev;
    GString *output;
    QtestSession *session;
    int log_fd;
} Fixture;

static void collect(void *opaque, const char *data, size_t size)
{
    g_string_append_len(opaque, data, size);
}

static void add_devices(Fixture *f)
{
    GicConfig config = {.num_spis = NUM_SPIS};
    Object *machine = object_new(TYPE_OBJECT);

    object_add_child(object_root(), "machine", machine, NULL);
    f->gic = ACCEL_GET_CLASS(f->accel)->create_gic(f->accel, &config, NULL);
    f->testdev = qdev_new("testdev");
    object_add_child(machine, "testdev", OBJECT(f->testdev), NULL);
    g_assert_true(sysbus_realize_at(SYS_BUS_DEVICE(f->testdev), TESTDEV_BASE,
                                    qdev_get_gpio_in(f->gic, TESTDEV_SPI),
                                    NULL));
    object_unref(machine);
}

static void setup(Fixture *f, const void *data)
{
    g_assert_true(main_loop_init(NULL));
    g_assert_true(memory_region_init_ram(&f->ram, NULL, "ram", RAM_SIZE, NULL));
    memory_region_add_subregion(get_system_memory(), 0, &f->ram);
    f->accel = accel_create("qtest", 0, NULL);
    add_devices(f);
    f->output = g_string_new(NULL);
    f->log_fd = memfd_create("log", MFD_CLOEXEC);
    f->session = qtest_session_new(collect, f->output, f->log_fd);
}

static void teardown(Fixture *f, const void *data)
{
    qtest_session_free(f->session);
    g_string_free(f->output, TRUE);
    close(f->log_fd);
    object_unparent(OBJECT(f->testdev));
    object_unref(OBJECT(f->testdev));
    object_unparent(OBJECT(f->gic));
    object_unref(OBJECT(f->gic));
    object_root_free();
    accel_destroy(f->accel);
    memory_region_del_subregion(get_system_memory(), &f->ram);
    memory_region_finish(&f->ram);
    main_loop_finish();
}

static void feed(Fixture *f, const char *text)
{
    qtest_session_feed(f->session, (const uint8_t *)text, strlen(text));
}

/* All that was answered since the last call. */
static void expect(Fixture *f, const char *output)
{
    g_assert_cmpstr(f->output->str, ==, output);
    g_string_truncate(f->output, 0);
}

static void run(Fixture *f, const char *line, const char *answer)
{
    g_autofree char *input = g_strconcat(line, "\n", NULL);
    g_autofree char *output = g_strconcat(answer, "\n", NULL);

    feed(f, input);
    expect(f, output);
}

static void test_numbers(Fixture *f, const void *data)
{
    run(f, "writeq 0x100 0x8877665544332211", "OK");
    run(f, "readb 0x101", "OK 0x0000000000000022");
    run(f, "readw 0x102", "OK 0x0000000000004433");
    run(f, "readl 0x104", "OK 0x0000000088776655");
    run(f, "readq 256", "OK 0x8877665544332211");
    run(f, "writeb 0x100 0x1ff", "OK");
    run(f, "writew 0x102 0xabcd", "OK");
    run(f, "writel 0x104 0", "OK");
    run(f, "readq 0x100", "OK 0x00000000abcd22ff");
}

static void test_blocks(Fixture *f, const void *data)
{
    run(f, "write 0x200 0x4 0x0aB1c2d3", "OK");
    run(f, "read 0x200 5", "OK 0x0ab1c2d300");
    run(f, "b64read 0x200 4", "OK CrHC0w==");
    run(f, "b64write 0x204 4 CrHC0w==", "OK");
    run(f, "b64write 0x204 0x0 ", "OK");
    run(f, "read 0x203 5", "OK 0xd30ab1c2d3");
    run(f, "memset 0x201 3 0xee", "OK");
    run(f, "read 0x200 5", "OK 0x0aeeeeee0a");
    run(f, "memset 0x200 0 0xff", "OK");
    run(f, "read 0x200 1", "OK 0x0a");
    run(f, "memset 0x1000 0x1801 0x5a", "OK");
    run(f, "read 0x1fff 2", "OK 0x5a5a");
    run(f, "read 0x27ff 3", "OK 0x5a5a00");
    /* What the data lacks is zero. */
    run(f, "write 0x200 3 0x11", "OK");
    run(f, "read 0x200 4", "OK 0x110000ee");
}

static void test_hole(Fixture *f, const void *data)
{
    run(f, "readl 0x20000", "OK 0x00000000ffffffff");
    run(f, "read 0xfffe 4", "OK 0x0000ffff");
    run(f, "writel 0x20000 1", "OK");
}

static void test_bad_blocks(Fixture *f, const void *data)
{
    static const char *const lines[] = {
        "read 0 0",
        "read 0 0x1000001",
        "read 0xffffffffffffffff 1",
        "b64read 0 0xffffffffffffffff",
        "write 0 0 0x",
        "b64write 0 0x1000001 AA==",
        "memset 0 0x10000000 0",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 2);
        g_autofree char *answer = g_strdup_printf(
            "FAIL %s: a block of 1 to 16777216 bytes", words[0]);

        run(f, lines[i], answer);
    }
}

static void test_bad_data(Fixture *f, const void *data)
{
    static const char answer[] =
        "FAIL write: 0x and two digits a byte, at most SIZE bytes";

    run(f, "write 0 2 1234", answer);
    run(f, "write 0 2 0x123", answer);
    run(f, "write 0 2 0x12g4", answer);
    run(f, "write 0 2 0x123456", answer);
    run(f, "b64write 0 2 AAAA",
        "FAIL b64write: 3 bytes of data for a size of 2");
    run(f, "b64write 0 2 ", "FAIL b64write: 0 bytes of data for a size of 2");
    run(f, "b64write 0 0 AAAA",
        "FAIL b64write: 3 bytes of data for a size of 0");
    run(f, "b64write 0 2 ====", "FAIL b64write: not base64");
    run(f, "b64write 0 2 AAA", "FAIL b64write: not base64");
    run(f, "b64write 0 2 A-A=", "FAIL b64write: not base64");
    run(f, "b64write 0 2 AA==AAA=", "FAIL b64write: not base64");
    run(f, "memset 0 1 x", "FAIL memset: 'x' is not a number");
}

static void test_bad_numbers(Fixture *f, const void *data)
{
    run(f, "readl x", "FAIL readl: 'x' is not a number");
    run(f, "readl -1", "FAIL readl: '-1' is not a number");
    run(f, "writel 0 0x1ffffffffffffffff",
        "FAIL writel: '0x1ffffffffffffffff' is more than "
        "18446744073709551615 (0xffffffffffffffff)");
    run(f, "inb x", "FAIL inb: 'x' is not a number");
    run(f, "outb 1 x", "FAIL outb: 'x' is not a number");
    run(f, "irq_eoi x", "FAIL irq_eoi: 'x' is not a number");
    run(f, "clock_step x", "FAIL clock_step: 'x' is not a number");
    run(f, "clock_set x", "FAIL clock_set: 'x' is not a number");
}

static void test_ports(Fixture *f, const void *data)
{
    run(f, "inb 0x3f8", "OK 0x00ff");
    run(f, "inw 0x3f8", "OK 0xffff");
    run(f, "inl 0x3f8", "OK 0xffffffff");
    run(f, "outb 0x3f8 1", "OK");
    run(f, "outw 0x3f8 1", "OK");
    run(f, "outl 0x3f8 1", "OK");
}

static void test_lines(Fixture *f, const void *data)
{
    run(f, "endianness", "OK little");
    run(f, " endianness \t\r", "OK little");
    run(f, "", "FAIL Empty command");
    run(f, "  ", "FAIL Empty command");
    run(f, "bogus 1 2", "FAIL Unknown command 'bogus'");
    run(f, "Endianness", "FAIL Unknown command 'Endianness'");
    run(f, "endianness 1", "FAIL endianness: wrong number of arguments");
    run(f, "readl", "FAIL readl: wrong number of arguments");
    run(f, "readl 1 2", "FAIL readl: wrong number of arguments");
    run(f, "set_irq_in a b c d e f g h",
        "FAIL set_irq_in: wrong number of arguments");
}

static void test_pieces(Fixture *f, const void *data)
{
    feed(f, "endian");
    expect(f, "");
    feed(f, "ness\nread");
    expect(f, "OK little\n");
    feed(f, "b 0\nreadb 0\n");
    expect(f, "OK 0x0000000000000000\nOK 0x0000000000000000\n");
}

static void test_zero_byte(Fixture *f, const void *data)
{
    qtest_session_feed(f->session, (const uint8_t *)"readb\0 0\n", 9);
    expect(f, "FAIL Line with a zero byte\n");
}

static void test_too_long(Fixture *f, const void *data)
{
    const size_t chunk = 1 << 20;
    g_autofree char *text = g_strnfill(chunk, ' ');

    for (size_t fed = 0; fed < QTEST_LINE_MAX; fed += chunk) {
        feed(f, text);
    }
    feed(f, "x");
    expect(f, "");
    feed(f, "endianness\n");
    expect(f, "FAIL Line too long\n");
    run(f, "endianness", "OK little");
}

static void test_intercept_in(Fixture *f, const void *data)
{
    run(f, "irq_intercept_in /nonesuch", "FAIL Unknown device");
    run(f, "irq_intercept_in /machine", "FAIL Unknown device");
    run(f, "irq_intercept_in /machine/gic", "OK");
    run(f, "irq_intercept_in /machine/gic", "OK");
    run(f, "irq_intercept_in /machine/testdev", "FAIL IRQ intercept is in use");
    run(f, "writel 0x10000008 1", "IRQ raise 5\nOK");
    run(f, "writel 0x10000008 1", "OK");
    run(f, "writel 0x10000008 2", "IRQ lower 5\nOK");
    run(f, "writel 0x10000008 2", "IRQ raise 5\nIRQ lower 5\nOK");
    run(f, "set_irq_in /machine/gic unnamed-gpio-in 7 1", "IRQ raise 7\nOK");
    /* Who is watched still gets to hear it. */
    g_assert_cmpint(QTEST_GIC(f->gic)->inputs[7].level, ==, 1);
}

static void test_intercept_out(Fixture *f, const void *data)
{
    run(f, "irq_intercept_out /machine/testdev", "FAIL No such outputs");
    run(f, "irq_intercept_out /machine/testdev x", "FAIL No such outputs");
    run(f, "irq_intercept_out /machine/gic sysbus-irq", "FAIL No such outputs");
    run(f, "irq_intercept_out /machine/testdev sysbus-irq", "OK");
    run(f, "writel 0x10000008 1", "IRQ raise 0\nOK");
    g_assert_cmpint(QTEST_GIC(f->gic)->inputs[TESTDEV_SPI].level, ==, 1);
}

/* A session's end puts the lines back as they were. */
static void test_intercept_end(Fixture *f, const void *data)
{
    const IrqLine *line = qdev_get_gpio_in(f->gic, TESTDEV_SPI);

    run(f, "irq_intercept_in /machine/gic", "OK");
    g_assert_nonnull(line->intercept);
    qtest_session_free(f->session);
    g_assert_null(line->intercept);
    f->session = qtest_session_new(collect, f->output, -1);
    run(f, "writel 0x10000008 1", "OK");
    g_assert_cmpint(QTEST_GIC(f->gic)->inputs[TESTDEV_SPI].level, ==, 1);
}

/* An output that leads nowhere can be watched as well. */
static void test_intercept_unconnected(Fixture *f, const void *data)
{
    IrqLine **slot = g_ptr_array_index(SYS_BUS_DEVICE(f->testdev)->irqs, 0);
    IrqLine *line = *slot;

    *slot = NULL;
    run(f, "irq_intercept_out /machine/testdev sysbus-irq", "OK");
    run(f, "writel 0x10000008 2", "IRQ raise 0\nIRQ lower 0\nOK");
    qtest_session_free(g_steal_pointer(&f->session));
    g_assert_null(*slot);
    *slot = line;
}

static void test_set_irq_in(Fixture *f, const void *data)
{
    static const char *const bad[] = {
        "set_irq_in /machine/gic unnamed-gpio-in 32 1",
        "set_irq_in /machine/gic unnamed-gpio-in 0xffffffffffff 1",
        "set_irq_in /machine/gic other 0 1",
        "set_irq_in /machine/testdev unnamed-gpio-in 0 1",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        run(f, bad[i], "FAIL Unknown input");
    }
    run(f, "set_irq_in /machine unnamed-gpio-in 0 1", "FAIL Unknown device");
    run(f, "set_irq_in /machine/gic unnamed-gpio-in x 1",
        "FAIL set_irq_in: 'x' is not a number");
    run(f, "set_irq_in /machine/gic unnamed-gpio-in 31 2", "OK");
    g_assert_cmpint(QTEST_GIC(f->gic)->inputs[31].level, ==, 1);
    run(f, "set_irq_in /machine/gic unnamed-gpio-in 31 0", "OK");
    g_assert_cmpint(QTEST_GIC(f->gic)->inputs[31].level, ==, 0);
}

static void count(void *opaque)
{
    ++*(unsigned *)opaque;
}

static void test_eoi(Fixture *f, const void *data)
{
    IrqLine *line = qdev_get_gpio_in(f->gic, 3);
    unsigned eois = 0;

    g_assert_true(irq_attach_eoi(line, count, &eois, NULL));
    run(f, "irq_intercept_in /machine/gic", "OK");
    run(f, "set_irq_in /machine/gic unnamed-gpio-in 3 1", "IRQ raise 3\nOK");
    run(f, "irq_eoi 3", "IRQ lower 3\nOK");
    run(f, "irq_eoi 3", "OK");
    g_assert_cmpuint(eois, ==, 2);
    irq_detach_eoi(line);
    run(f, "irq_eoi 32", "FAIL Unknown input");
    run(f, "irq_eoi 0x100000003", "FAIL Unknown input");
}

static void test_clock(Fixture *f, const void *data)
{
    int64_t now_ns = clock_get_ns(CLOCK_VIRTUAL);
    g_autofree char *stepped = g_strdup_printf("OK %" PRId64, now_ns + 100);
    g_autofree char *expired = g_strdup_printf("OK %" PRId64, now_ns + 700);
    g_autofree char *set = g_strdup_printf("OK %" PRId64, now_ns + 1000);
    g_autofree char *set_line =
        g_strdup_printf("clock_set %" PRId64, now_ns + 1000);
    unsigned fired = 0;
    Timer timer;

    timer_init(&timer, CLOCK_VIRTUAL, count, &fired);
    timer_mod_ns(&timer, now_ns + 700);
    run(f, "clock_step 100", stepped);
    g_assert_cmpuint(fired, ==, 0);
    run(f, "clock_step", expired);
    g_assert_cmpuint(fired, ==, 1);
    /* No timer, no step. */
    run(f, "clock_step", expired);
    run(f, set_line, set);
    run(f, "clock_set 0", set);
    run(f, "clock_step 0x8000000000000000", "FAIL beyond the end of time");
    run(f, "clock_step 0x7fffffffffffffff", "FAIL beyond the end of time");
    run(f, "clock_set 0x8000000000000000", "FAIL beyond the end of time");
    timer_finish(&timer);
}

static void test_log(Fixture *f, const void *data)
{
    g_auto(GStrv) lines = NULL;
    char text[256] = "";

    run(f, "endianness", "OK little");
    g_assert_cmpint(pread(f->log_fd, text, sizeof(text) - 1, 0), >, 0);
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 3);
    g_assert_true(g_str_has_prefix(lines[0], "[R "));
    g_assert_true(g_str_has_suffix(lines[0], "] endianness"));
    g_assert_true(g_str_has_prefix(lines[1], "[S "));
    g_assert_true(g_str_has_suffix(lines[1], "] OK little"));
}

/* With an accelerator that has a clock of its own. */
static void test_foreign_clock(void)
{
    g_autoptr(GString) output = g_string_new(NULL);
    QtestSession *s;

    g_assert_true(main_loop_init(NULL));
    s = qtest_session_new(collect, output, -1);
    qtest_session_feed(s, (const uint8_t *)"clock_step 1\nclock_set 1\n", 25);
    g_assert_cmpstr(output->str, ==,
                    "FAIL the clock runs by itself; try: -accel qtest\n"
                    "FAIL the clock runs by itself; try: -accel qtest\n");
    g_string_truncate(output, 0);
    qtest_session_feed(s, (const uint8_t *)"irq_eoi 1\n", 10);
    g_assert_cmpstr(output->str, ==, "FAIL Unknown input\n");
    qtest_session_free(s);
    qtest_session_free(NULL);
    object_root_free();
    main_loop_finish();
}

static void add(const char *path, void (*test)(Fixture *f, const void *data))
{
    g_test_add(path, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/qtest/numbers", test_numbers);
    add("/qtest/blocks", test_blocks);
    add("/qtest/hole", test_hole);
    add("/qtest/bad-blocks", test_bad_blocks);
    add("/qtest/bad-data", test_bad_data);
    add("/qtest/bad-numbers", test_bad_numbers);
    add("/qtest/ports", test_ports);
    add("/qtest/lines", test_lines);
    add("/qtest/pieces", test_pieces);
    add("/qtest/zero-byte", test_zero_byte);
    add("/qtest/too-long", test_too_long);
    add("/qtest/intercept-in", test_intercept_in);
    add("/qtest/intercept-out", test_intercept_out);
    add("/qtest/intercept-end", test_intercept_end);
    add("/qtest/intercept-unconnected", test_intercept_unconnected);
    add("/qtest/set-irq-in", test_set_irq_in);
    add("/qtest/eoi", test_eoi);
    add("/qtest/clock", test_clock);
    add("/qtest/log", test_log);
    g_test_add_func("/qtest/foreign-clock", test_foreign_clock);
    return g_test_run();
}
