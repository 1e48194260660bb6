/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-user-platform in the whole emulator, with the DMA engine and the RTC
 * that ship as models: registers, mappings, lines, DMA, resets, and a server
 * that is killed, stopped and comes back. What cannot even start is in
 * test-vfio-user-start.c.
 */

#include <glib/gstdio.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "../lib/qtest-client.h"

#define RAM UINT64_C(0x40000000)
#define RAM_END (RAM + 0x10000000)
#define BASE UINT64_C(0x0c000000)
#define SCRATCH (BASE + 0x1000)
#define SPARSE (BASE + 0x4000)
#define TRAPPED (SPARSE + 0x2000)
#define PAGE 0x1000

/* Its registers; device/models/dma-edu.c describes them. */
#define ID BASE
#define COMMAND (BASE + 0x08)
#define SOURCE (BASE + 0x10)
#define DEST (BASE + 0x18)
#define LENGTH (BASE + 0x20)
#define PATTERN (BASE + 0x28)
#define STATUS (BASE + 0x30)
#define ENABLE (BASE + 0x38)
#define CHECKSUM (BASE + 0x40)
#define FAULT (BASE + 0x48)
#define DOORBELL (BASE + 0x58)
#define MIB 0x100000
#define LARGE (64 * MIB)
enum { COPY = 1, FILL = 2, CRC = 3 };
enum { DONE = 2, ERROR = 4 };
#define SPI_DONE 112
#define SPI_ERROR 113

/* Of a server, in all. */
#define KILLS 200

static const char *program;

typedef struct Fixture {
    char *dir;
    char *socket;
    const char *model;
    GPid pid;
    QtestClient *c;
} Fixture;

/* Without connecting, which a server would notice. */
static bool somebody_listens(const char *path)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents("/proc/net/unix", &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        if (g_str_has_suffix(lines[i], path) &&
            strstr(lines[i], " 00010000 ")) {
            return true;
        }
    }
    return false;
}

static void start_model(Fixture *f)
{
    const char *argv[] = {program, f->model, "--socket", f->socket, NULL};
    g_autoptr(GError) error = NULL;

    g_spawn_async(NULL, (char **)argv, NULL,
                  G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                  NULL, &f->pid, &error);
    g_assert_no_error(error);
    while (!somebody_listens(f->socket)) {
        g_usleep(1000);
    }
}

static void kill_model(Fixture *f)
{
    g_assert_cmpint(kill(f->pid, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(f->pid, NULL, 0), ==, f->pid);
}

static void setup(Fixture *f, const char *model, const char *more)
{
    *f = (Fixture){.model = model, .dir = g_dir_make_tmp("user-XXXXXX", NULL)};
    f->socket = g_build_filename(f->dir, "model.sock", NULL);
    start_model(f);
    f->c = qtest_client_new("-M virt -m 256M -D %s/log -device "
                            "vfio-user-platform,id=dev,socket=%s,"
                            "compatible=x,x-irq-route=trap%s",
                            f->dir, f->socket, more);
    qtest_expect(f->c, "OK", "irq_intercept_in /machine/gic");
}

static void teardown(Fixture *f)
{
    g_autofree char *log = g_build_filename(f->dir, "log", NULL);

    qtest_client_quit(f->c);
    kill_model(f);
    g_unlink(f->socket);
    g_assert_cmpint(g_unlink(log), ==, 0);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->socket);
    g_free(f->dir);
}

static void expect_log(Fixture *f, const char *expect)
{
    g_autofree char *path = g_build_filename(f->dir, "log", NULL);
    g_autoptr(GString) ours = g_string_new(NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        if (*lines[i]) {
            g_string_append_printf(ours, "%s\n", lines[i]);
        }
    }
    g_assert_cmpstr(ours->str, ==, expect);
}

static uint64_t readq(Fixture *f, uint64_t addr)
{
    g_autofree char *answer = qtest_command(f->c, "readq 0x%" PRIx64, addr);

    g_assert_true(g_str_has_prefix(answer, "OK 0x"));
    return g_ascii_strtoull(answer + 3, NULL, 16);
}

static void writeq(Fixture *f, uint64_t addr, uint64_t value)
{
    qtest_expect(f->c, "OK", "writeq 0x%" PRIx64 " 0x%" PRIx64, addr, value);
}

/* The emulator answers in between, so whatever is to come comes. */
static void wait_status(Fixture *f, uint64_t bit)
{
    for (unsigned i = 0; i < 100000 && !(readq(f, STATUS) & (DONE | ERROR));
         i++) {
    }
    g_assert_cmphex(readq(f, STATUS), ==, bit);
}

static void wait_raised(Fixture *f, unsigned spi, unsigned count)
{
    for (unsigned i = 0; i < 100000 && qtest_irq_count(f->c, spi) < count;
         i++) {
        qtest_readl(f->c, RAM);
    }
    g_assert_cmpuint(qtest_irq_count(f->c, spi), ==, count);
}

static void wait_state(Fixture *f, const char *state)
{
    for (unsigned i = 0;; i++) {
        json_object *answer = qtest_qmp(
            f->c, "{\"execute\": \"qom-get\", \"arguments\": {\"path\": "
                  "\"/machine/peripheral/dev\", \"property\": \"state\"}}");
        bool there = strcmp(json_text_at(answer, "return"), state) == 0;

        json_object_put(answer);
        if (there) {
            return;
        }
        g_assert_cmpuint(i, <, 10000);
        g_usleep(1000);
    }
}

static void start_transfer(Fixture *f, uint64_t command, uint64_t from,
                           uint64_t to, uint64_t size)
{
    writeq(f, STATUS, DONE | ERROR);
    writeq(f, COMMAND, command);
    writeq(f, SOURCE, from);
    writeq(f, DEST, to);
    writeq(f, LENGTH, size);
    qtest_writel(f->c, DOORBELL, 1);
}

/* ---- registers and mappings ---- */

static void check_registers(Fixture *f)
{
    g_assert_cmphex(readq(f, ID), ==, 0x315544452d414d44);
    g_assert_cmphex(qtest_readl(f->c, ID + 4), ==, 0x31554445);
    writeq(f, SOURCE, 0x1122334455667788);
    g_assert_cmphex(readq(f, SOURCE), ==, 0x1122334455667788);
    qtest_writel(f->c, SOURCE + 4, 0xaabbccdd);
    g_assert_cmphex(readq(f, SOURCE), ==, 0xaabbccdd55667788);
    /* What the model refuses reads as ones. */
    g_assert_cmphex(qtest_readl(f->c, BASE + 0x60), ==, UINT32_MAX);
}

/* The model sees what was written, mapped or not. */
static void check_memory(Fixture *f)
{
    uint32_t before = qtest_readl(f->c, TRAPPED);

    qtest_writel(f->c, SCRATCH + 0x10, 0xcafe);
    g_assert_cmphex(qtest_readl(f->c, SCRATCH + 0x10), ==, 0xcafe);
    qtest_writel(f->c, SPARSE + 0x20, 0xbeef);
    qtest_writel(f->c, SPARSE + 3 * PAGE + 0x20, 0xbeef);
    g_assert_cmphex(qtest_readl(f->c, SPARSE + 0x20), ==, 0xbeef);
    g_assert_cmphex(qtest_readl(f->c, TRAPPED), !=, before);
    g_assert_cmphex(qtest_readl(f->c, TRAPPED), ==,
                    qtest_readl(f->c, TRAPPED + 12));
    g_assert_cmphex(qtest_readl(f->c, TRAPPED + 8), ==, 0);
    qtest_writel(f->c, TRAPPED, 1);
    g_assert_cmphex(qtest_readl(f->c, TRAPPED + 8), ==, 1);
}

static void test_registers(void)
{
    static const char *const ways[] = {
        "",
        ",x-no-mmap=on",
        ",x-no-mmap=on,x-posted-writes=on",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
        Fixture f;

        setup(&f, "dma-edu", ways[i]);
        check_registers(&f);
        check_memory(&f);
        expect_log(&f, "");
        teardown(&f);
    }
}

/* Another model, and the options that have nothing to do with DMA. */
static void test_rtc(void)
{
    Fixture f;

    setup(&f, "pl031", "");
    g_assert_cmphex(qtest_readl(f.c, BASE + 0xfe0), ==, 0x31);
    qtest_writel(f.c, BASE + 0x08, 1000);
    qtest_writel(f.c, BASE + 0x10, 1);
    /* The match is now. */
    qtest_writel(f.c, BASE + 0x04, qtest_readl(f.c, BASE));
    wait_raised(&f, SPI_DONE, 1);
    g_assert_cmphex(qtest_readl(f.c, BASE + 0x18), ==, 1);
    qtest_writel(f.c, BASE + 0x1c, 1);
    g_assert_cmphex(qtest_readl(f.c, BASE + 0x18), ==, 0);
    g_assert_cmpint(qtest_irq_level(f.c, SPI_DONE), ==, 0);
    teardown(&f);
}

/* ---- lines ---- */

static void test_level(void)
{
    Fixture f;

    setup(&f, "dma-edu", "");
    writeq(&f, ENABLE, 1);
    start_transfer(&f, FILL, 0, RAM, 16);
    wait_raised(&f, SPI_DONE, 1);
    g_assert_cmpint(qtest_irq_level(f.c, SPI_DONE), ==, 1);
    /* The access ends it; it still asks. */
    g_assert_cmphex(readq(&f, ID), !=, 0);
    wait_raised(&f, SPI_DONE, 2);
    writeq(&f, STATUS, DONE);
    readq(&f, STATUS);
    g_assert_cmpint(qtest_irq_level(f.c, SPI_DONE), ==, 0);
    g_assert_cmpuint(qtest_irq_count(f.c, SPI_ERROR), ==, 0);
    teardown(&f);
}

static void test_edge(void)
{
    Fixture f;

    setup(&f, "dma-edu", "");
    for (unsigned i = 1; i <= 3; i++) {
        start_transfer(&f, 77, 0, RAM, 16);
        wait_raised(&f, SPI_ERROR, i);
        g_assert_cmpint(qtest_irq_level(f.c, SPI_ERROR), ==, 0);
    }
    g_assert_cmpuint(qtest_irq_count(f.c, SPI_DONE), ==, 0);
    teardown(&f);
}

/* ---- DMA ---- */

/* Different bytes in each MiB, and what their CRC must be. */
static uint32_t fill_source(Fixture *f)
{
    g_autofree uint8_t *bytes = g_malloc(LARGE);

    for (unsigned i = 0; i < LARGE / MIB; i++) {
        memset(bytes + i * MIB, i + 1, MIB);
        qtest_expect(f->c, "OK", "memset 0x%" PRIx64 " 0x%x %u", RAM + i * MIB,
                     MIB, i + 1);
    }
    return crc32(0, bytes, LARGE);
}

static void expect_crc(Fixture *f, uint64_t from, uint32_t expected)
{
    start_transfer(f, CRC, from, 0, LARGE);
    wait_status(f, DONE);
    g_assert_cmphex(readq(f, CHECKSUM), ==, expected);
}

static void check_dma(Fixture *f)
{
    const uint64_t far = RAM_END - 0x1000, to = RAM + 2 * LARGE + 3;
    uint32_t crc = fill_source(f);

    start_transfer(f, COPY, RAM, to, LARGE);
    wait_status(f, DONE);
    g_assert_cmphex(readq(f, to), ==, 0x0101010101010101);
    g_assert_cmphex(readq(f, to + LARGE - 8), ==, 0x4040404040404040);
    g_assert_cmphex(readq(f, to + LARGE), ==, 0);
    expect_crc(f, RAM, crc);
    expect_crc(f, to, crc);
    writeq(f, PATTERN, 0xdeadbeef);
    start_transfer(f, FILL, 0, far, 0x1000);
    wait_status(f, DONE);
    g_assert_cmphex(qtest_readl(f->c, RAM_END - 4), ==, 0xdeadbeef);
    /* Where there is no memory, the first byte of which is named. */
    start_transfer(f, FILL, 0, far, 0x1001);
    wait_status(f, ERROR);
    g_assert_cmphex(readq(f, FAULT), ==, RAM_END);
    start_transfer(f, CRC, BASE, 0, 4);
    wait_status(f, ERROR);
}

static void test_dma(void)
{
    static const char *const ways[] = {
        "",
        ",x-dma-share=off",
        ",x-no-mmap=on,x-posted-writes=on",
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
        Fixture f;

        setup(&f, "dma-edu", ways[i]);
        check_dma(&f);
        expect_log(&f, "");
        teardown(&f);
    }
}

/* ---- reset ---- */

static void reset_machine(Fixture *f)
{
    json_object_put(qtest_qmp(f->c, "{\"execute\": \"system_reset\"}"));
    json_object_put(qtest_qmp_event(f->c, "RESET"));
}

static void test_reset(void)
{
    Fixture f;

    setup(&f, "dma-edu", "");
    writeq(&f, ENABLE, 1);
    start_transfer(&f, FILL, 0, RAM, 16);
    wait_raised(&f, SPI_DONE, 1);
    reset_machine(&f);
    g_assert_cmphex(readq(&f, STATUS), ==, 0);
    g_assert_cmphex(readq(&f, LENGTH), ==, 0);
    g_assert_cmpint(qtest_irq_level(f.c, SPI_DONE), ==, 0);
    writeq(&f, ENABLE, 1);
    start_transfer(&f, FILL, 0, RAM, 16);
    wait_raised(&f, SPI_DONE, 2);
    teardown(&f);
}

/* The second one is turned away, and the first notices nothing. */
static void test_second_client(void)
{
    Fixture f;

    setup(&f, "dma-edu", "");
    emulator_expect_error("has it another client?\n",
                          "-accel qtest -M virt -device "
                          "vfio-user-platform,socket=%s",
                          f.socket);
    check_registers(&f);
    check_dma(&f);
    expect_log(&f, "");
    teardown(&f);
}

/* ---- a server that goes ---- */

#define LOST                                                                 \
    "platypus: vfio dev: the server closed the connection; from now on the " \
    "device reads as ones\n"
#define LOST_FOR_NOW                                                   \
    "platypus: vfio dev: the server closed the connection; trying to " \
    "reconnect, and until then the device reads as ones\n"
#define BACK "platypus: info: vfio dev: the server is back\n"

static void expect_ones(Fixture *f)
{
    g_assert_cmphex(readq(f, ID), ==, UINT64_MAX);
    g_assert_cmphex(qtest_readl(f->c, SCRATCH + 0x10), ==, UINT32_MAX);
    g_assert_cmphex(qtest_readl(f->c, TRAPPED), ==, UINT32_MAX);
    qtest_writel(f->c, SCRATCH + 0x10, 1);
    writeq(f, SOURCE, 1);
    g_assert_cmpint(qtest_irq_level(f->c, SPI_DONE), ==, 0);
    g_assert_cmpint(qtest_irq_level(f->c, SPI_ERROR), ==, 0);
    /* The machine is as it was. */
    qtest_writel(f->c, RAM, 7);
    g_assert_cmphex(qtest_readl(f->c, RAM), ==, 7);
}

static void test_killed(void)
{
    Fixture f;

    setup(&f, "dma-edu", "");
    writeq(&f, ENABLE, 1);
    start_transfer(&f, FILL, 0, RAM, 16);
    wait_raised(&f, SPI_DONE, 1);
    g_assert_cmpint(qtest_irq_level(f.c, SPI_DONE), ==, 1);
    wait_state(&f, "connected");
    kill_model(&f);
    wait_state(&f, "lost");
    expect_ones(&f);
    expect_log(&f, LOST);
    reset_machine(&f);
    expect_ones(&f);
    /* Nobody looks for it. */
    start_model(&f);
    expect_ones(&f);
    wait_state(&f, "lost");
    expect_log(&f, LOST);
    teardown(&f);
}

static void come_back(const char *more)
{
    Fixture f;

    setup(&f, "dma-edu", more);
    for (unsigned i = 0; i < 3; i++) {
        unsigned raised = qtest_irq_count(f.c, SPI_DONE);

        writeq(&f, ENABLE, 1);
        start_transfer(&f, FILL, 0, RAM, 16);
        wait_raised(&f, SPI_DONE, raised + 1);
        kill_model(&f);
        wait_state(&f, "reconnecting");
        expect_ones(&f);
        start_model(&f);
        wait_state(&f, "connected");
        /* It forgot everything, and can do everything. */
        g_assert_cmphex(readq(&f, SOURCE), ==, 0);
        g_assert_cmphex(readq(&f, ENABLE), ==, 0);
        check_registers(&f);
        check_memory(&f);
        check_dma(&f);
        raised = qtest_irq_count(f.c, SPI_DONE);
        writeq(&f, ENABLE, 1);
        start_transfer(&f, FILL, 0, RAM, 16);
        wait_raised(&f, SPI_DONE, raised + 1);
        writeq(&f, STATUS, DONE);
    }
    expect_log(&f, LOST_FOR_NOW BACK LOST_FOR_NOW BACK LOST_FOR_NOW BACK);
    teardown(&f);
}

static void test_comes_back(void)
{
    come_back(",reconnect-ms=2");
    come_back(",reconnect-ms=2,x-dma-share=off");
    come_back(",reconnect-ms=2,x-no-mmap=on,x-posted-writes=on");
}

/* Another device at the same place is none for this machine. */
static void test_another_comes(void)
{
    Fixture f;

    setup(&f, "dma-edu", ",reconnect-ms=2");
    /* Nothing is on its way to it, or it would end otherwise. */
    readq(&f, ID);
    kill_model(&f);
    wait_state(&f, "reconnecting");
    f.model = "pl031";
    start_model(&f);
    /* It is told once, however often it is tried. */
    for (unsigned i = 0; i < 50; i++) {
        wait_state(&f, "reconnecting");
        g_usleep(1000);
    }
    expect_ones(&f);
    expect_log(&f, LOST_FOR_NOW
               "platypus: warning: vfio dev: not the device that it was: 1 "
               "regions and 1 lines, where there were 3 and 2; the server is "
               "back and cannot be used, so it will be tried again\n");
    kill_model(&f);
    f.model = "dma-edu";
    start_model(&f);
    wait_state(&f, "connected");
    check_registers(&f);
    teardown(&f);
}

/* It says nothing any more: the access that waits ends, and the rest goes on.
 */
static void test_hangs(void)
{
    Fixture f;

    setup(&f, "dma-edu", ",timeout-ms=500,reconnect-ms=2");
    g_assert_cmpint(kill(f.pid, SIGSTOP), ==, 0);
    g_assert_cmphex(readq(&f, ID), ==, UINT64_MAX);
    wait_state(&f, "reconnecting");
    expect_ones(&f);
    expect_log(&f,
               "platypus: vfio dev: no answer to REGION_READ within 500 ms; "
               "trying to reconnect, and until then the device reads as "
               "ones\n");
    g_assert_cmpint(kill(f.pid, SIGCONT), ==, 0);
    wait_state(&f, "connected");
    check_registers(&f);
    teardown(&f);
}

/* The same at a reset, which goes on; the loss is all that is told of it. */
static void test_hangs_at_reset(void)
{
    Fixture f;

    setup(&f, "pl031", ",timeout-ms=500");
    g_assert_cmpint(kill(f.pid, SIGSTOP), ==, 0);
    reset_machine(&f);
    wait_state(&f, "lost");
    expect_log(&f, "platypus: vfio dev: no answer to DEVICE_RESET within 500 "
                   "ms; from now on the device reads as ones\n");
    teardown(&f);
}

static unsigned emulator_fds(Fixture *f)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%d/fd", (int)qtest_client_pid(f->c));
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    unsigned n = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir)) {
        n++;
    }
    return n;
}

/* At any moment, under load; nothing is left behind but lines in the log. */
static void test_killed_often(void)
{
    unsigned fds;
    Fixture f;

    setup(&f, "dma-edu", ",reconnect-ms=1");
    wait_state(&f, "connected");
    fds = emulator_fds(&f);
    for (unsigned i = 0; i < KILLS; i++) {
        int accesses = g_test_rand_int_range(0, 30);

        writeq(&f, ENABLE, 1);
        start_transfer(&f, COPY, RAM, RAM + 0x2000000, 0x800000);
        for (int j = 0; j < accesses; j++) {
            readq(&f, STATUS);
        }
        kill_model(&f);
        readq(&f, STATUS);
        start_model(&f);
        /* For a moment it may look as if nothing had happened. */
        while (readq(&f, ID) == UINT64_MAX) {
            wait_state(&f, "connected");
        }
    }
    check_registers(&f);
    check_dma(&f);
    g_assert_cmpuint(emulator_fds(&f), ==, fds);
    teardown(&f);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_assert_cmpint(argc, >=, 3);
    program = argv[2];
    g_test_add_func("/vfio-user/registers", test_registers);
    g_test_add_func("/vfio-user/rtc", test_rtc);
    g_test_add_func("/vfio-user/level", test_level);
    g_test_add_func("/vfio-user/edge", test_edge);
    g_test_add_func("/vfio-user/dma", test_dma);
    g_test_add_func("/vfio-user/reset", test_reset);
    g_test_add_func("/vfio-user/second-client", test_second_client);
    g_test_add_func("/vfio-user/killed", test_killed);
    g_test_add_func("/vfio-user/comes-back", test_comes_back);
    g_test_add_func("/vfio-user/another-comes", test_another_comes);
    g_test_add_func("/vfio-user/hangs", test_hangs);
    g_test_add_func("/vfio-user/hangs-at-reset", test_hangs_at_reset);
    g_test_add_func("/vfio-user/killed-often", test_killed_often);
    return g_test_run();
}
