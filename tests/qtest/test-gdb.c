/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gdb stub on a guest that runs: a few instructions for two CPUs, under
 * the software CPU, looked at with packets as gdb sends them. Every stop is
 * compared with what the instructions must have done by then, and with what
 * QMP says.
 *
 *     0x40080000  switches CPU 1 on
 *     loop        x19++; store it at data; call func
 *     func        x20 += x19
 *     secondary   CPU 1: x21++; load data, for ever
 */

#include <glib/gstdio.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/qtest-client.h"

#define ENTRY 0x40080000ull
#define STORE (ENTRY + 0x28)
#define FUNC (ENTRY + 0x34)
#define AGAIN (ENTRY + 0x44)
#define LOAD (ENTRY + 0x48)
#define DATA (ENTRY + 0x50)

static const uint32_t code[] = {
    0xd2800060, /*            mov     x0, #3           */
    0xf2b88000, /*            movk    x0, #0xc400, lsl #16 */
    0xd2800021, /*            mov     x1, #1           */
    0x10000182, /*            adr     x2, secondary    */
    0xd2800023, /*            mov     x3, #1           */
    0xd4000002, /*            hvc     #0               */
    0x100001c4, /*            adr     x4, data         */
    0xd2800013, /*            mov     x19, #0          */
    0xd2800014, /*            mov     x20, #0          */
    0x91000673, /* loop:      add     x19, x19, #1     */
    0xf9000093, /*            str     x19, [x4]        */
    0x94000002, /*            bl      func             */
    0x17fffffd, /*            b       loop             */
    0x8b130294, /* func:      add     x20, x20, x19    */
    0xd65f03c0, /*            ret                      */
    0x100000a4, /* secondary: adr     x4, data         */
    0xd2800015, /*            mov     x21, #0          */
    0x910006b5, /* again:     add     x21, x21, #1     */
    0xf9400085, /*            ldr     x5, [x4]         */
    0x17fffffe, /*            b       again            */
    0,          /* data:                               */
    0,
};

typedef struct Fixture {
    GPid pid;
    char *dir;
    char *kernel;
    char *qmp_path;
    char *gdb_path;
    int qmp;
    int gdb;
} Fixture;

/* ---- QMP ---- */

static char *qmp_line(Fixture *f)
{
    char *line = read_line(f->qmp);

    g_assert_nonnull(line);
    return line;
}

/* The answer, behind any events. */
static char *qmp(Fixture *f, const char *command)
{
    g_autofree char *text = g_strdup_printf("{\"execute\": \"%s\"}\n", command);
    char *line;

    write_all(f->qmp, text, strlen(text));
    while (strstr((line = qmp_line(f)), "\"event\"")) {
        g_free(line);
    }
    return line;
}

static void expect_status(Fixture *f, const char *status)
{
    g_autofree char *line = qmp(f, "query-status");
    g_autofree char *wanted = g_strdup_printf("\"%s\"", status);

    if (!strstr(line, wanted)) {
        g_error("no %s in: %s", wanted, line);
    }
}

static void qmp_event(Fixture *f, const char *name)
{
    g_autofree char *wanted = g_strdup_printf("\"event\": \"%s\"", name);
    g_autofree char *line = qmp_line(f);

    if (!strstr(line, wanted)) {
        g_error("no %s in: %s", wanted, line);
    }
}

/* ---- gdb ---- */

static void send_packet(Fixture *f, const char *payload)
{
    g_autofree char *packet = NULL;
    uint8_t sum = 0;

    for (const char *p = payload; *p; p++) {
        sum += *p;
    }
    packet = g_strdup_printf("$%s#%02x", payload, sum);
    write_all(f->gdb, packet, strlen(packet));
}

static char read_char(Fixture *f)
{
    char c;

    g_assert_cmpint(read(f->gdb, &c, 1), ==, 1);
    return c;
}

/* The next packet's payload; acknowledgements are no packets. */
static char *read_packet(Fixture *f)
{
    GString *payload = g_string_new(NULL);
    char c;

    while ((c = read_char(f)) != '$') {
        g_assert_cmpint(c, ==, '+');
    }
    while ((c = read_char(f)) != '#') {
        g_string_append_c(payload, c);
    }
    read_char(f);
    read_char(f);
    return g_string_free(payload, FALSE);
}

static char *ask(Fixture *f, const char *payload)
{
    send_packet(f, payload);
    return read_packet(f);
}

G_GNUC_PRINTF(2, 3)
static void check_ok(Fixture *f, const char *format, ...)
{
    g_autofree char *payload = NULL;
    g_autofree char *got = NULL;
    va_list ap;

    va_start(ap, format);
    payload = g_strdup_vprintf(format, ap);
    va_end(ap);
    got = ask(f, payload);
    if (strcmp(got, "OK")) {
        g_error("%s: %s", payload, got);
    }
}

static void expect_stop(Fixture *f, const char *reply)
{
    g_autofree char *got = read_packet(f);

    g_assert_cmpstr(got, ==, reply);
}

static void resume(Fixture *f, const char *payload, const char *reply)
{
    send_packet(f, payload);
    expect_stop(f, reply);
}

static uint64_t get_reg(Fixture *f, unsigned n)
{
    g_autofree char *payload = g_strdup_printf("p%x", n);
    g_autofree char *got = ask(f, payload);

    g_assert_cmpuint(strlen(got), ==, 16);
    return GUINT64_SWAP_LE_BE(g_ascii_strtoull(got, NULL, 16));
}

static uint64_t get_pc(Fixture *f)
{
    return get_reg(f, 32);
}

static uint64_t get_data(Fixture *f)
{
    g_autofree char *payload = g_strdup_printf("m%llx,8", DATA);
    g_autofree char *got = ask(f, payload);

    g_assert_cmpuint(strlen(got), ==, 16);
    return GUINT64_SWAP_LE_BE(g_ascii_strtoull(got, NULL, 16));
}

static void supported(Fixture *f)
{
    g_autofree char *got = ask(f, "qSupported:swbreak+;hwbreak+");

    g_assert_nonnull(strstr(got, "vContSupported+"));
}

/* From the very start to CPU 1's first round. */
static void run_to_loops(Fixture *f)
{
    supported(f);
    check_ok(f, "Z0,%llx,4", AGAIN);
    resume(f, "vCont;c", "T05thread:02;swbreak:;");
    g_assert_cmphex(get_pc(f), ==, AGAIN);
    g_assert_cmpuint(get_reg(f, 21), ==, 0);
    check_ok(f, "z0,%llx,4", AGAIN);
}

/* ---- the emulator ---- */

/* A test that fails leaves none behind. */
static void die_with_parent(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static char **make_argv(Fixture *f)
{
    g_autofree char *args = g_strdup_printf(
        "-M virt,rtc=off -accel interp -smp 2 -m 64M -S -kernel %s "
        "-qmp unix:%s -gdb unix:%s",
        f->kernel, f->qmp_path, f->gdb_path);
    g_autofree char *line =
        g_strdup_printf("%s %s", qtest_client_emulator(), args);
    char **argv = NULL;

    g_assert_true(g_shell_parse_argv(line, NULL, &argv, NULL));
    return argv;
}

/* It connects to our QMP socket, and listens at its own when it answers. */
static void setup(Fixture *f, const void *data)
{
    g_auto(GStrv) argv = NULL;
    g_autofree char *greeting = NULL;
    g_autofree char *negotiated = NULL;

    f->dir = g_dir_make_tmp("gdb-XXXXXX", NULL);
    f->kernel = g_build_filename(f->dir, "kernel", NULL);
    f->qmp_path = g_build_filename(f->dir, "qmp", NULL);
    f->gdb_path = g_build_filename(f->dir, "gdb", NULL);
    g_assert_true(
        g_file_set_contents(f->kernel, (const char *)code, sizeof(code), NULL));
    f->qmp = unix_listen(f->qmp_path);
    argv = make_argv(f);
    g_assert_true(g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
                                die_with_parent, NULL, &f->pid, NULL));
    f->qmp = unix_accept(f->qmp);
    greeting = qmp_line(f);
    negotiated = qmp(f, "qmp_capabilities");
    f->gdb = unix_connect(f->gdb_path);
}

static void teardown(Fixture *f, const void *data)
{
    int status;

    g_free(qmp(f, "quit"));
    g_assert_cmpint(waitpid(f->pid, &status, 0), ==, f->pid);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(f->qmp);
    close(f->gdb);
    g_unlink(f->kernel);
    g_unlink(f->qmp_path);
    g_assert_no_errno(g_rmdir(f->dir));
    g_free(f->dir);
    g_free(f->kernel);
    g_free(f->qmp_path);
    g_free(f->gdb_path);
}

/* ---- tests ---- */

static void test_break(Fixture *f, const void *data)
{
    expect_status(f, "prelaunch");
    supported(f);
    check_ok(f, "Z1,%llx,4", FUNC);
    for (uint64_t i = 1; i < 5; i++) {
        resume(f, "vCont;c", "T05thread:01;hwbreak:;");
        expect_status(f, "debug");
        g_assert_cmphex(get_pc(f), ==, FUNC);
        g_assert_cmpuint(get_reg(f, 19), ==, i);
        g_assert_cmpuint(get_reg(f, 20), ==, i * (i - 1) / 2);
        g_assert_cmpuint(get_data(f), ==, i);
        g_assert_cmphex(get_reg(f, 30), ==, FUNC - 4);
        /* Over it, as gdb does. */
        resume(f, "vCont;s:1", "T05thread:01;");
        g_assert_cmphex(get_pc(f), ==, FUNC + 4);
        g_assert_cmpuint(get_reg(f, 20), ==, i * (i + 1) / 2);
    }
}

static void test_step(Fixture *f, const void *data)
{
    static const uint64_t path[] = {FUNC + 4, ENTRY + 0x30, ENTRY + 0x24,
                                    STORE,    ENTRY + 0x2c, FUNC};

    run_to_loops(f);
    check_ok(f, "Z0,%llx,4", FUNC);
    resume(f, "vCont;c", "T05thread:01;swbreak:;");
    check_ok(f, "z0,%llx,4", FUNC);
    for (unsigned i = 0; i < 3 * G_N_ELEMENTS(path); i++) {
        resume(f, "vCont;s:1", "T05thread:01;");
        g_assert_cmphex(get_pc(f), ==, path[i % G_N_ELEMENTS(path)]);
    }
}

/* CPU 1 stands still while CPU 0 is stepped alone, and runs with it else. */
static void test_others(Fixture *f, const void *data)
{
    uint64_t before;

    run_to_loops(f);
    check_ok(f, "Hg2");
    before = get_reg(f, 21);
    for (int i = 0; i < 5; i++) {
        resume(f, "vCont;s:1", "T05thread:01;");
    }
    check_ok(f, "Hg2");
    g_assert_cmpuint(get_reg(f, 21), ==, before);
    g_assert_cmphex(get_pc(f), ==, AGAIN);
    do {
        resume(f, "vCont;s:1;c", "T05thread:01;");
        check_ok(f, "Hg2");
    } while (get_reg(f, 21) == before);
    resume(f, "vCont;s:2", "T05thread:02;");
}

static void test_watch(Fixture *f, const void *data)
{
    g_autofree char *stop = g_strdup_printf("T05thread:01;watch:%llx;", DATA);

    check_ok(f, "Z2,%llx,8", DATA);
    for (uint64_t i = 1; i < 4; i++) {
        resume(f, "vCont;c", stop);
        g_assert_cmphex(get_pc(f), ==, STORE);
        g_assert_cmpuint(get_reg(f, 19), ==, i);
        g_assert_cmpuint(get_data(f), ==, i - 1);
        /* A step goes over it. */
        resume(f, "vCont;s:1", "T05thread:01;");
        g_assert_cmphex(get_pc(f), ==, STORE + 4);
        g_assert_cmpuint(get_data(f), ==, i);
    }
}

static void test_watch_reads(Fixture *f, const void *data)
{
    g_autofree char *reads =
        g_strdup_printf("T05thread:02;rwatch:%llx;", DATA + 7);
    g_autofree char *either = g_strdup_printf("awatch:%llx;", DATA);

    run_to_loops(f);
    /* One byte of the eight that are loaded. */
    check_ok(f, "Z3,%llx,1", DATA + 7);
    resume(f, "vCont;c", reads);
    g_assert_cmphex(get_pc(f), ==, LOAD);
    check_ok(f, "z3,%llx,1", DATA + 7);
    check_ok(f, "Z4,%llx,4", DATA);
    for (int i = 0; i < 4; i++) {
        g_autofree char *got = ask(f, "vCont;c");
        bool second = g_str_has_prefix(got, "T05thread:02;");

        g_assert_true(g_str_has_suffix(got, either));
        g_assert_cmphex(get_pc(f), ==, second ? LOAD : STORE);
        g_clear_pointer(&got, g_free);
        got = ask(f, second ? "vCont;s:2" : "vCont;s:1");
    }
    /* What lies beside it is not watched. */
    check_ok(f, "z4,%llx,4", DATA);
    check_ok(f, "Z4,%llx,4", DATA + 8);
    check_ok(f, "Z0,%llx,4", AGAIN);
    resume(f, "vCont;c", "T05thread:02;swbreak:;");
}

/* The guest's code and registers are the debugger's to change. */
static void test_write(Fixture *f, const void *data)
{
    uint64_t sum;

    run_to_loops(f);
    check_ok(f, "Z0,%llx,4", FUNC);
    resume(f, "vCont;c", "T05thread:01;swbreak:;");
    check_ok(f, "P13=0010000000000000");
    g_assert_cmphex(get_reg(f, 19), ==, 0x1000);
    sum = get_reg(f, 20);
    /* nop, in place of the sum */
    check_ok(f, "M%llx,4:1f2003d5", FUNC);
    check_ok(f, "z0,%llx,4", FUNC);
    resume(f, "vCont;s:1", "T05thread:01;");
    check_ok(f, "Z0,%llx,4", FUNC);
    resume(f, "vCont;c", "T05thread:01;swbreak:;");
    g_assert_cmphex(get_reg(f, 19), ==, 0x1001);
    g_assert_cmphex(get_reg(f, 20), ==, sum);
    /* pc, and all of them at once */
    check_ok(f, "P20=%02x00084000000000", 0x24);
    g_assert_cmphex(get_pc(f), ==, ENTRY + 0x24);
}

static void test_all_registers(Fixture *f, const void *data)
{
    g_autofree char *all = NULL;
    g_autofree char *write = NULL;
    g_autofree char *again = NULL;

    run_to_loops(f);
    all = ask(f, "g");
    g_assert_cmpuint(strlen(all), ==, 2 * 788);
    /* x7, v3 */
    memset(all + 7 * 16, 'a', 16);
    memset(all + 2 * (33 * 8 + 4 + 3 * 16), 'b', 32);
    write = g_strconcat("G", all, NULL);
    check_ok(f, "%s", write);
    again = ask(f, "g");
    g_assert_cmpstr(again, ==, all);
    g_assert_cmphex(get_reg(f, 7), ==, 0xaaaaaaaaaaaaaaaa);
}

static void test_qmp(Fixture *f, const void *data)
{
    g_autofree char *line = NULL;

    send_packet(f, "vCont;c");
    qmp_event(f, "RESUME");
    expect_status(f, "running");
    write_all(f->gdb, "\x03", 1);
    qmp_event(f, "STOP");
    expect_stop(f, "T02thread:01;");
    expect_status(f, "debug");
    send_packet(f, "vCont;c");
    qmp_event(f, "RESUME");
    line = qmp(f, "stop");
    expect_stop(f, "T02thread:01;");
    expect_status(f, "paused");
}

static void test_reset(Fixture *f, const void *data)
{
    g_autofree char *line = NULL;

    check_ok(f, "Z0,%llx,4", ENTRY);
    resume(f, "vCont;c", "T05thread:01;");
    g_assert_cmphex(get_pc(f), ==, ENTRY);
    check_ok(f, "z0,%llx,4", ENTRY);
    check_ok(f, "Z0,%llx,4", LOAD);
    resume(f, "vCont;c", "T05thread:02;");
    check_ok(f, "z0,%llx,4", LOAD);
    check_ok(f, "Z0,%llx,4", ENTRY);
    send_packet(f, "vCont;c");
    qmp_event(f, "RESUME");
    qmp_event(f, "STOP");
    qmp_event(f, "RESUME");
    qmp_event(f, "STOP");
    qmp_event(f, "RESUME");
    line = qmp(f, "system_reset");
    expect_stop(f, "T05thread:01;");
    g_assert_cmphex(get_pc(f), ==, ENTRY);
    g_assert_cmphex(get_data(f), ==, 0);
}

/* Once the stub has seen that nobody is there, and has let the guest go on. */
static void reconnect(Fixture *f)
{
    close(f->gdb);
    expect_status(f, "running");
    f->gdb = unix_connect(f->gdb_path);
}

static void detach_and_return(Fixture *f)
{
    check_ok(f, "D");
    reconnect(f);
    resume(f, "?", "T05thread:01;");
}

static void test_detach(Fixture *f, const void *data)
{
    run_to_loops(f);
    check_ok(f, "Z0,%llx,4", FUNC);
    detach_and_return(f);
    expect_status(f, "debug");
    /* A machine that may run has not run yet, when this one is busy. */
    for (unsigned n = 0; n < 1000 && !get_reg(f, 19); n++) {
        detach_and_return(f);
    }
    g_assert_cmpuint(get_reg(f, 19), >, 0);
    /* One that just goes leaves a machine that runs. */
    check_ok(f, "Z0,%llx,4", FUNC);
    reconnect(f);
    resume(f, "?", "T05thread:01;");
    resume(f, "vCont;s:1", "T05thread:01;");
}

static void test_bad_memory(Fixture *f, const void *data)
{
    resume(f, "m3f000000,4", "E01");
    resume(f, "M3f000000,4:00000000", "E01");
    resume(f, "mffff000000000000,4", "E01");
    /* The serial port's identification, by words. */
    resume(f, "m9000fe0,8", "1100000010000000");
}

static void add(const char *name, void (*test)(Fixture *f, const void *data))
{
    g_autofree char *path = g_strconcat("/gdb/", name, NULL);

    g_test_add(path, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    add("break", test_break);
    add("step", test_step);
    add("others", test_others);
    add("watch", test_watch);
    add("watch-reads", test_watch_reads);
    add("write", test_write);
    add("all-registers", test_all_registers);
    add("qmp", test_qmp);
    add("reset", test_reset);
    add("detach", test_detach);
    add("bad-memory", test_bad_memory);
    return g_test_run();
}
