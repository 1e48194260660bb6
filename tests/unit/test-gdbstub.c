/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gdb stub's session, on CPUs that are a few structs: what each packet is
 * answered with, what it does to the machine, and what everybody else learns
 * of it.
 */

#include <string.h>

#include "../../system/gdbstub-packet.h"
#include "../../system/gdbstub-regs.h"
#include "../lib/scripted-accel.h"
#include "hw/core/run-state.h"
#include "system/gdbstub.h"
#include "system/vm.h"
#include "util/main-loop.h"

#define RAM_SIZE 0x6000

typedef struct Fixture {
    ScriptedAccel *accel;
    MemoryRegion ram;
    MemoryRegion io;
    VmListener listener;
    GString *events;
    GdbSession *s;
    GString *out; /* of the stub */
} Fixture;

static void on_write(void *opaque, const char *data, size_t size)
{
    Fixture *f = opaque;

    g_string_append_len(f->out, data, size);
}

static void on_event(VmListener *listener, VmEvent event, VmCause cause)
{
    Fixture *f = (Fixture *)((char *)listener - offsetof(Fixture, listener));
    static const char letters[] = {
        [VM_EVENT_STOP] = 's',
        [VM_EVENT_RESUME] = 'r',
        [VM_EVENT_RESET] = '0',
        [VM_EVENT_SHUTDOWN] = 'x',
    };

    g_string_append_c(f->events, letters[event]);
}

static MemTxResult io_read(void *opaque, hwaddr addr, uint64_t *value,
                           unsigned size)
{
    *value = 0x12345678;
    return MEMTX_OK;
}

static const MemoryRegionOps io_ops = {
    .read = io_read,
    .min_access_size = 4,
    .max_access_size = 4,
};

static void setup_machine(Fixture *f, const void *data)
{
    g_assert_true(main_loop_init(NULL));
    f->accel = SCRIPTED_ACCEL(object_new(TYPE_SCRIPTED_ACCEL));
    vm_init(ACCEL(f->accel), false);
    f->events = g_string_new(NULL);
    f->out = g_string_new(NULL);
    f->listener.event = on_event;
    vm_listen(&f->listener);
    memory_region_init_ram(&f->ram, NULL, "ram", RAM_SIZE, NULL);
    memory_region_init_io(&f->io, NULL, &io_ops, f, "io", 0x1000);
    memory_region_add_subregion(get_system_memory(), SCRIPTED_OFFSET, &f->ram);
    memory_region_add_subregion(get_system_memory(), SCRIPTED_OFFSET + RAM_SIZE,
                                &f->io);
}

static void connect_gdb(Fixture *f)
{
    f->s = gdb_session_new(ACCEL(f->accel), SCRIPTED_CPUS, on_write, f);
}

static void setup(Fixture *f, const void *data)
{
    setup_machine(f, data);
    connect_gdb(f);
    g_assert_cmpuint(f->out->len, ==, 0);
}

static void teardown(Fixture *f, const void *data)
{
    gdb_session_free(f->s);
    g_assert_cmpuint(f->accel->num_points, ==, 0);
    for (int i = 0; i < SCRIPTED_CPUS; i++) {
        g_assert_cmpint(f->accel->resume[i], ==, DEBUG_RUN);
    }
    vm_stop();
    vm_unlisten(&f->listener);
    vm_finish();
    memory_region_del_subregion(get_system_memory(), &f->ram);
    memory_region_del_subregion(get_system_memory(), &f->io);
    memory_region_finish(&f->ram);
    memory_region_finish(&f->io);
    object_unref(OBJECT(f->accel));
    g_string_free(f->events, TRUE);
    g_string_free(f->out, TRUE);
    main_loop_finish();
}

static void send_bytes(Fixture *f, const char *bytes)
{
    gdb_session_feed(f->s, (const uint8_t *)bytes, strlen(bytes));
}

static void send_payload(Fixture *f, const char *payload, size_t size)
{
    g_autoptr(GString) packet = g_string_new(NULL);

    gdb_append_packet(packet, payload, size);
    gdb_session_feed(f->s, (const uint8_t *)packet->str, packet->len);
}

/* Everything that the stub has sent; caller frees. */
static char *take_out(Fixture *f)
{
    char *text = g_strdup(f->out->str);

    g_string_truncate(f->out, 0);
    return text;
}

/* The payload of the one packet that the stub has sent; caller frees. */
static char *take_packet(Fixture *f)
{
    g_autofree GdbReader *r = g_new0(GdbReader, 1);
    unsigned packets = 0;

    for (gsize i = 0; i < f->out->len; i++) {
        GdbInput input = gdb_reader_feed(r, f->out->str[i]);

        g_assert_true(input == GDB_INPUT_NONE || input == GDB_INPUT_ACK ||
                      input == GDB_INPUT_PACKET);
        packets += input == GDB_INPUT_PACKET;
    }
    g_assert_cmpuint(packets, ==, 1);
    g_string_truncate(f->out, 0);
    return g_strndup(r->payload, r->size);
}

static void expect_packet(Fixture *f, const char *payload)
{
    g_autofree char *got = take_packet(f);

    g_assert_cmpstr(got, ==, payload);
}

static void expect_silence(Fixture *f)
{
    g_autofree char *out = take_out(f);

    g_assert_cmpstr(out, ==, "+");
}

static void check(Fixture *f, const char *payload, const char *answer)
{
    g_autofree char *got = NULL;

    send_payload(f, payload, strlen(payload));
    g_assert_cmpint(f->out->str[0], ==, '+');
    got = take_packet(f);
    if (strcmp(got, answer)) {
        g_error("%s: '%s' instead of '%s'", payload, got, answer);
    }
}

/* A request that the stub does not answer at once. */
static void go(Fixture *f, const char *payload)
{
    send_payload(f, payload, strlen(payload));
    expect_silence(f);
    g_assert_true(f->accel->running);
}

static void expect_events(Fixture *f, const char *letters)
{
    g_assert_cmpstr(f->events->str, ==, letters);
    g_string_truncate(f->events, 0);
}

static void expect_resume(Fixture *f, DebugResume cpu0, DebugResume cpu1,
                          DebugResume cpu2)
{
    g_assert_cmpint(f->accel->resume[0], ==, cpu0);
    g_assert_cmpint(f->accel->resume[1], ==, cpu1);
    g_assert_cmpint(f->accel->resume[2], ==, cpu2);
}

static void report(unsigned cpu, DebugReason reason, DebugPointKind kind,
                   uint64_t addr)
{
    DebugHit hit = {cpu, reason, {kind, addr, 4}};

    accel_debug_report(&hit);
}

static void run_loop(void)
{
    for (int i = 0; i < 3; i++) {
        main_loop_iterate(false);
    }
}

static void interrupt(Fixture *f)
{
    send_bytes(f, "\x03");
}

static void test_unknown(Fixture *f, const void *data)
{
    static const char *const payloads[] = {
        "",
        "!",
        "A",
        "vAttach;1",
        "vMustReplyEmpty",
        "vContx",
        "qOffsets",
        "qSymbol::",
        "qCRC:0,4",
        "QNonStop:1",
        "qfThread",
        "qXfer:memory-map:read::0,10",
        "bs",
        "R00",
        "\x01\x02",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(payloads); i++) {
        check(f, payloads[i], "");
    }
}

static void test_supported(Fixture *f, const void *data)
{
    check(f, "qSupported:multiprocess+;swbreak+;xmlRegisters=i386",
          "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;"
          "vContSupported+;swbreak+;hwbreak+");
    check(f, "vCont?", "vCont;c;C;s;S");
    check(f, "qAttached", "1");
}

static void test_no_acks(Fixture *f, const void *data)
{
    g_autofree char *out = NULL;

    check(f, "QStartNoAckMode", "OK");
    send_bytes(f, "+-$qC#b4$qC#00");
    out = take_out(f);
    g_assert_cmpstr(out, ==, "$QC01#f5");
}

static void expect_out(Fixture *f, const char *text)
{
    g_autofree char *out = take_out(f);

    g_assert_cmpstr(out, ==, text);
}

static void test_acks(Fixture *f, const void *data)
{
    send_bytes(f, "-"); /* of nothing */
    send_bytes(f, "$qC#00");
    expect_out(f, "-");
    send_bytes(f, "$qC#b4");
    expect_out(f, "+$QC01#f5");
    send_bytes(f, "-");
    expect_out(f, "$QC01#f5");
    /* Not for ever. */
    send_bytes(f, "------");
    expect_out(f, "$QC01#f5$QC01#f5");
    send_bytes(f, "$qC#b4-");
    expect_out(f, "+$QC01#f5$QC01#f5");
}

static void test_long_packet(Fixture *f, const void *data)
{
    g_autofree char *payload = g_malloc(2 * GDB_PACKET_MAX);

    memset(payload, 'm', 2 * GDB_PACKET_MAX);
    send_payload(f, payload, 2 * GDB_PACKET_MAX);
    expect_out(f, "+$E01#a6");
    check(f, "qC", "QC01");
}

static char *read_xml(Fixture *f, unsigned piece)
{
    GString *xml = g_string_new(NULL);
    bool more;

    do {
        g_autofree char *ask = g_strdup_printf(
            "qXfer:features:read:target.xml:%zx,%x", (size_t)xml->len, piece);
        g_autofree char *got = NULL;

        send_payload(f, ask, strlen(ask));
        got = take_packet(f);
        more = got[0] == 'm';
        g_assert_true(more || got[0] == 'l');
        g_assert_cmpuint(strlen(got), <=, piece + 1);
        g_string_append(xml, got + 1);
    } while (more);
    return g_string_free(xml, FALSE);
}

static void test_features(Fixture *f, const void *data)
{
    g_autofree char *small = read_xml(f, 100);
    g_autofree char *whole = read_xml(f, 0x3fff);
    unsigned regs = 0;

    g_assert_cmpstr(small, ==, gdb_target_xml);
    g_assert_cmpstr(whole, ==, gdb_target_xml);
    for (const char *p = whole; (p = strstr(p, "<reg ")); p++) {
        regs++;
    }
    g_assert_cmpuint(regs, ==, GDB_NUM_REGS);
    check(f, "qXfer:features:read:other.xml:0,10", "E00");
    check(f, "qXfer:features:write:target.xml:0:", "E00");
    check(f, "qXfer:features:read:target.xml:0", "E01");
    check(f, "qXfer:features:read:target.xml:ffffff,10", "E01");
    check(f, "qXfer:features:read:target.xml:0,10,", "E01");
    check(f, "qXfer:features", "E00");
}

static void test_threads(Fixture *f, const void *data)
{
    check(f, "qfThreadInfo", "m01,02,03");
    check(f, "qsThreadInfo", "l");
    check(f, "qThreadExtraInfo,2", "4350552031"); /* CPU 1 */
    check(f, "qThreadExtraInfo,4", "E01");
    check(f, "qThreadExtraInfo,-1", "E01");
    check(f, "qThreadExtraInfo", "E01");
    check(f, "T3", "OK");
    check(f, "T4", "E01");
    check(f, "T", "E01");
    check(f, "Tp1.1", "E01");
    check(f, "qC", "QC01");
    check(f, "Hg3", "OK");
    check(f, "qC", "QC03");
    check(f, "Hg0", "OK");
    check(f, "Hg-1", "OK");
    check(f, "qC", "QC03");
    check(f, "Hc2", "OK");
    check(f, "Hg4", "E01");
    check(f, "Hg-2", "E01");
    check(f, "Hg", "E01");
    check(f, "Hg1x", "E01");
    check(f, "Hx1", "E01");
    check(f, "H", "E01");
}

static void fill_regs(GuestRegs *regs)
{
    for (int i = 0; i < 31; i++) {
        regs->x[i] = 0x1100000000000000u + i;
    }
    regs->sp = 0xaabb;
    regs->pc = 0x1234;
    regs->cpsr = 0x3c5;
    memset(regs->v, 0x77, sizeof(regs->v));
    regs->v[31][15] = 0x99;
    regs->fpsr = 1;
    regs->fpcr = 2;
}

static void test_registers(Fixture *f, const void *data)
{
    g_autofree char *all = NULL;
    g_autofree char *write = NULL;

    fill_regs(&f->accel->regs[1]);
    check(f, "Hg2", "OK");
    check(f, "p0", "0000000000000011");
    check(f, "p1e", "1e00000000000011");
    check(f, "p1f", "bbaa000000000000");
    check(f, "p20", "3412000000000000");
    check(f, "p21", "c5030000");
    check(f, "p22", "77777777777777777777777777777777");
    check(f, "p41", "77777777777777777777777777777799");
    check(f, "p42", "01000000");
    check(f, "p43", "02000000");
    check(f, "p44", "E01");
    check(f, "p", "E01");
    check(f, "p1,", "E01");
    send_bytes(f, "$g#67");
    all = take_packet(f);
    g_assert_cmpuint(strlen(all), ==, 2 * (33 * 8 + 4 + 32 * 16 + 8));
    check(f, "P1f=1122334455667788", "OK");
    g_assert_cmphex(f->accel->regs[1].sp, ==, 0x8877665544332211);
    check(f, "P21=c5030060", "OK");
    g_assert_cmphex(f->accel->regs[1].cpsr, ==, 0x600003c5);
    check(f, "P21=c50300", "E01");
    check(f, "P21=c50300600", "E01");
    check(f, "P44=00", "E01");
    check(f, "P21", "E01");
    write = g_strconcat("G", all, NULL);
    check(f, write, "OK");
    g_assert_cmphex(f->accel->regs[1].sp, ==, 0xaabb);
    g_assert_cmphex(f->accel->regs[1].v[31][15], ==, 0x99);
    g_assert_cmphex(f->accel->regs[1].fpcr, ==, 2);
    write[strlen(write) - 1] = '\0';
    check(f, write, "E01");
    g_assert_cmphex(f->accel->regs[0].pc, ==, 0);
}

static void test_registers_fail(Fixture *f, const void *data)
{
    g_autofree char *write = g_strnfill(1 + 2 * 788, '0');

    write[0] = 'G';
    f->accel->no_regs = true;
    check(f, "g", "E01");
    check(f, "p1", "E01");
    check(f, "P1=0000000000000000", "E01");
    check(f, write, "E01");
    check(f, "c1000", "E01");
    g_assert_false(f->accel->running);
}

static void test_memory(Fixture *f, const void *data)
{
    static const char binary[] = "X20,4:\x00#}\xff";

    f->ram.ram[0xffe] = 0xab;
    f->ram.ram[0x1001] = 0xcd;
    check(f, "mffe,4", "ab0000cd");
    check(f, "m0,0", "");
    check(f, "M10,3:0102ff", "OK");
    g_assert_cmpmem(f->ram.ram + 0x10, 4, "\x01\x02\xff\x00", 4);
    send_payload(f, binary, sizeof(binary) - 1);
    expect_packet(f, "OK");
    g_assert_cmpmem(f->ram.ram + 0x20, 4, "\x00#}\xff", 4);
    check(f, "X0,0:", "OK");
    /* Device registers take what they take. */
    check(f, "m6000,8", "7856341278563412");
    check(f, "m6000,1", "E01");
    check(f, "M6000,4:01020304", "E01");
}

static void test_memory_bad(Fixture *f, const void *data)
{
    /* Behind the last region, behind what is mapped. */
    check(f, "m7000,4", "E01");
    check(f, "m8000,4", "E01");
    check(f, "mffffffffffffffff,4", "E01");
    check(f, "M7000,1:00", "E01");
    check(f, "X7000,1:0", "E01");
    check(f, "m", "E01");
    check(f, "m0", "E01");
    check(f, "m0,", "E01");
    check(f, "m0,1:", "E01");
    check(f, "m10000000000000000,1", "E01");
    check(f, "M0,1", "E01");
    check(f, "M0,2:00", "E01");
    check(f, "M0,1:0000", "E01");
    check(f, "M0,ffffffff:00", "E01");
    check(f, "X0,2:0", "E01");
    check(f, "X0,1:00", "E01");
    check(f, "X0,ffffffffffffffff:", "E01");
}

/* As much as there is, and as fits into a packet. */
static void test_memory_short(Fixture *f, const void *data)
{
    g_autofree char *got = NULL;

    f->ram.ram[0] = 0x5a;
    send_payload(f, "m5ffc,ffff", strlen("m5ffc,ffff"));
    got = take_packet(f);
    g_assert_true(g_str_has_prefix(got, "0000000078563412"));
    g_assert_cmpuint(strlen(got), ==, 2 * (4 + 0x1000));
    g_clear_pointer(&got, g_free);
    send_payload(f, "m0,ffffffff", strlen("m0,ffffffff"));
    got = take_packet(f);
    g_assert_true(g_str_has_prefix(got, "5a00"));
    g_assert_cmpuint(strlen(got), <, GDB_PACKET_MAX);
    g_assert_cmpuint(strlen(got), >, GDB_PACKET_MAX / 2);
}

static void test_points(Fixture *f, const void *data)
{
    const DebugPoint *points = f->accel->points;

    check(f, "Z0,1000,4", "OK");
    check(f, "Z0,1000,4", "OK");
    check(f, "Z1,1000,4", "OK");
    g_assert_cmpuint(f->accel->num_points, ==, 1);
    g_assert_cmpint(points[0].kind, ==, DEBUG_BREAK);
    g_assert_cmphex(points[0].addr, ==, 0x1000);
    g_assert_cmpuint(points[0].size, ==, 4);
    check(f, "Z2,2000,8", "OK");
    check(f, "Z3,2000,2", "OK");
    check(f, "Z4,2000,1", "OK");
    g_assert_cmpint(points[1].kind, ==, DEBUG_WATCH_WRITE);
    g_assert_cmpuint(points[1].size, ==, 8);
    g_assert_cmpint(points[2].kind, ==, DEBUG_WATCH_READ);
    g_assert_cmpint(points[3].kind, ==, DEBUG_WATCH_ACCESS);
    check(f, "Z0,3000,4", "E01");
    check(f, "z0,1000,4", "OK");
    g_assert_cmpuint(f->accel->num_points, ==, 4);
    check(f, "z1,1000,4", "OK");
    g_assert_cmpuint(f->accel->num_points, ==, 3);
    check(f, "z1,1000,4", "OK");
    check(f, "z2,2000,4", "OK");
    g_assert_cmpuint(f->accel->num_points, ==, 3);
    check(f, "z2,2000,8", "OK");
    g_assert_cmpuint(f->accel->num_points, ==, 2);
    check(f, "Z5,0,4", "E01");
    check(f, "Z2,0,0", "E01");
    check(f, "Z0", "E01");
    check(f, "Z0,1", "E01");
    check(f, "Z0,1,4;cond", "E01");
    check(f, "z9,0,4", "E01");
}

static void test_first_stop(Fixture *f, const void *data)
{
    check(f, "?", "T05thread:01;");
    g_assert_cmpstr(vm_status(), ==, "prelaunch");
    expect_events(f, "");
}

static void test_connect_running(Fixture *f, const void *data)
{
    vm_start();
    connect_gdb(f);
    g_assert_cmpstr(vm_status(), ==, "debug");
    expect_events(f, "rs");
    expect_out(f, "");
    check(f, "?", "T05thread:01;");
}

static void test_interrupt(Fixture *f, const void *data)
{
    interrupt(f);
    expect_out(f, "");
    go(f, "vCont;c");
    g_assert_cmpstr(vm_status(), ==, "running");
    interrupt(f);
    expect_packet(f, "T02thread:01;");
    g_assert_cmpstr(vm_status(), ==, "debug");
    expect_events(f, "rs");
    check(f, "?", "T02thread:01;");
    interrupt(f);
    expect_out(f, "");
}

static void test_break(Fixture *f, const void *data)
{
    check(f, "qSupported:swbreak+;hwbreak+",
          "PacketSize=4000;QStartNoAckMode+;qXfer:features:read+;"
          "vContSupported+;swbreak+;hwbreak+");
    check(f, "Z0,1000,4", "OK");
    check(f, "Z1,2000,4", "OK");
    go(f, "c");
    expect_resume(f, DEBUG_RUN, DEBUG_RUN, DEBUG_RUN);
    report(1, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    report(2, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x2000); /* too late */
    g_assert_true(f->accel->running);
    run_loop();
    expect_packet(f, "T05thread:02;swbreak:;");
    g_assert_cmpstr(vm_status(), ==, "debug");
    check(f, "qC", "QC02");
    check(f, "?", "T05thread:02;swbreak:;");
    go(f, "c");
    report(2, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x2000);
    run_loop();
    expect_packet(f, "T05thread:03;hwbreak:;");
    expect_events(f, "rsrs");
}

/* gdb did not say that it would understand more. */
static void test_break_plain(Fixture *f, const void *data)
{
    check(f, "Z0,1000,4", "OK");
    go(f, "c");
    report(1, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    run_loop();
    expect_packet(f, "T05thread:02;");
}

static void test_watch(Fixture *f, const void *data)
{
    go(f, "vCont;c");
    report(0, DEBUG_HIT_WATCH, DEBUG_WATCH_WRITE, 0xffff000012345678);
    run_loop();
    expect_packet(f, "T05thread:01;watch:ffff000012345678;");
    go(f, "vCont;c");
    report(0, DEBUG_HIT_WATCH, DEBUG_WATCH_READ, 0x10);
    run_loop();
    expect_packet(f, "T05thread:01;rwatch:10;");
    go(f, "vCont;c");
    report(0, DEBUG_HIT_WATCH, DEBUG_WATCH_ACCESS, 0x10);
    run_loop();
    expect_packet(f, "T05thread:01;awatch:10;");
}

static void stepped(Fixture *f, unsigned cpu)
{
    g_autofree char *text = g_strdup_printf("T05thread:%02x;", cpu + 1);

    report(cpu, DEBUG_HIT_STEP, DEBUG_BREAK, 0);
    run_loop();
    expect_packet(f, text);
    /* Whoever lets it run now gets a machine that runs. */
    expect_resume(f, DEBUG_RUN, DEBUG_RUN, DEBUG_RUN);
}

static void test_vcont(Fixture *f, const void *data)
{
    go(f, "vCont;s:2");
    expect_resume(f, DEBUG_HOLD, DEBUG_STEP, DEBUG_HOLD);
    stepped(f, 1);
    go(f, "vCont;s:1;c");
    expect_resume(f, DEBUG_STEP, DEBUG_RUN, DEBUG_RUN);
    stepped(f, 0);
    go(f, "vCont;S05:3;C0b:1");
    expect_resume(f, DEBUG_RUN, DEBUG_HOLD, DEBUG_STEP);
    stepped(f, 2);
    go(f, "vCont;c;s:1");
    expect_resume(f, DEBUG_RUN, DEBUG_RUN, DEBUG_RUN);
    stepped(f, 2);
    go(f, "vCont;s:0");
    expect_resume(f, DEBUG_HOLD, DEBUG_HOLD, DEBUG_STEP);
    stepped(f, 2);
    go(f, "vCont;s:-1");
    expect_resume(f, DEBUG_STEP, DEBUG_STEP, DEBUG_STEP);
    stepped(f, 0);
}

static void test_vcont_bad(Fixture *f, const void *data)
{
    static const char *const payloads[] = {
        "vCont",    "vCont;",     "vCont;x",  "vCont;s:4",  "vCont;s:",
        "vCont;C",  "vCont;Cxx",  "vCont;cc", "vCont;c:1:", "vCont;s:p1.1",
        "vCont;c;", "vCont;r1,2", "vCont:c",  "vCont;s:-2",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(payloads); i++) {
        check(f, payloads[i], "E01");
    }
    g_assert_cmpuint(f->accel->starts, ==, 0);
    f->accel->no_resume = true;
    check(f, "vCont;s:1", "E01");
    g_assert_cmpuint(f->accel->starts, ==, 0);
    f->accel->no_resume = false;
}

static void test_step(Fixture *f, const void *data)
{
    check(f, "Hg2", "OK");
    go(f, "s");
    expect_resume(f, DEBUG_RUN, DEBUG_STEP, DEBUG_RUN);
    stepped(f, 1);
    check(f, "Hc3", "OK");
    go(f, "S05;4000");
    g_assert_cmphex(f->accel->regs[2].pc, ==, 0x4000);
    expect_resume(f, DEBUG_HOLD, DEBUG_HOLD, DEBUG_STEP);
    stepped(f, 2);
    go(f, "C05");
    expect_resume(f, DEBUG_HOLD, DEBUG_HOLD, DEBUG_RUN);
    stepped(f, 2);
    check(f, "Hc0", "OK");
    go(f, "c8");
    g_assert_cmphex(f->accel->regs[2].pc, ==, 8);
    expect_resume(f, DEBUG_RUN, DEBUG_RUN, DEBUG_RUN);
    stepped(f, 2);
    check(f, "sx", "E01");
    check(f, "c8,", "E01");
    check(f, "C", "E01");
    check(f, "C05,8", "E01");
}

/* The peer waits for a stop and asks all the same. */
static void test_while_running(Fixture *f, const void *data)
{
    go(f, "c");
    check(f, "g", "E01");
    check(f, "m0,4", "E01");
    check(f, "Z0,0,4", "E01");
    check(f, "c", "E01");
    check(f, "?", "E01");
    check(f, "D", "E01");
    check(f, "qC", "QC01");
    g_assert_true(f->accel->running);
    interrupt(f);
    expect_packet(f, "T02thread:01;");
}

/* QMP's stop and cont, beside the debugger. */
static void test_others(Fixture *f, const void *data)
{
    go(f, "vCont;s:1");
    vm_stop();
    expect_packet(f, "T02thread:01;");
    g_assert_cmpstr(vm_status(), ==, "paused");
    expect_resume(f, DEBUG_RUN, DEBUG_RUN, DEBUG_RUN);
    vm_start();
    expect_out(f, "");
    g_assert_true(f->accel->running);
    /* To the debugger it is stopped, so it will be. */
    check(f, "p20", "0000000000000000");
    g_assert_cmpstr(vm_status(), ==, "debug");
    vm_start();
    report(2, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    run_loop();
    expect_out(f, "");
    g_assert_cmpstr(vm_status(), ==, "debug");
    go(f, "c");
    interrupt(f);
    expect_packet(f, "T02thread:03;");
}

/* A hit of a machine that was stopped and let go on before it is heard of. */
static void test_stale_hit(Fixture *f, const void *data)
{
    go(f, "c");
    report(1, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    vm_stop();
    expect_packet(f, "T02thread:01;");
    go(f, "c");
    run_loop();
    expect_out(f, "");
    g_assert_true(f->accel->running);
    report(1, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    vm_stop();
    expect_packet(f, "T02thread:01;");
    run_loop();
    expect_out(f, "");
}

static void request_quit(void *opaque)
{
    vm_request(VM_QMP_QUIT);
}

static void test_reset(Fixture *f, const void *data)
{
    go(f, "c");
    report(1, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    vm_request(VM_QMP_RESET);
    main_loop_schedule(request_quit, f);
    g_assert_cmpint(vm_run(false), ==, 0);
    expect_events(f, "r0x");
    expect_packet(f, "W00");
}

static void test_end(Fixture *f, const void *cause)
{
    go(f, "c");
    vm_request(GPOINTER_TO_INT(cause));
    g_assert_cmpint(vm_run(false), ==,
                    GPOINTER_TO_INT(cause) == VM_FAILURE ? 1 : 0);
    expect_packet(f, GPOINTER_TO_INT(cause) == VM_FAILURE ? "W01" : "W00");
    check(f, "p20", "0000000000000000");
    check(f, "c", "W00");
}

static void test_kill(Fixture *f, const void *payload)
{
    send_payload(f, payload, strlen(payload));
    if (strcmp(payload, "k") == 0) {
        expect_silence(f);
    } else {
        expect_packet(f, "OK");
    }
    g_assert_cmpint(vm_run(false), ==, 0);
    expect_events(f, "x");
}

static void test_detach(Fixture *f, const void *data)
{
    check(f, "Z0,1000,4", "OK");
    check(f, "D", "OK");
    g_assert_true(f->accel->running);
    g_assert_cmpuint(f->accel->num_points, ==, 0);
    expect_events(f, "r");
    g_clear_pointer(&f->s, gdb_session_free);
    g_assert_true(f->accel->running);
    expect_events(f, "");
}

/* It was the debugger who stopped it. */
static void test_gone_stopped(Fixture *f, const void *data)
{
    go(f, "c");
    interrupt(f);
    expect_packet(f, "T02thread:01;");
    g_clear_pointer(&f->s, gdb_session_free);
    g_assert_true(f->accel->running);
    expect_events(f, "rsr");
}

/* It was somebody else. */
static void test_gone_paused(Fixture *f, const void *data)
{
    check(f, "Z0,1000,4", "OK");
    g_clear_pointer(&f->s, gdb_session_free);
    g_assert_cmpstr(vm_status(), ==, "prelaunch");
    g_assert_cmpuint(f->accel->num_points, ==, 0);
    connect_gdb(f);
    go(f, "c");
    vm_stop();
    expect_packet(f, "T02thread:01;");
    g_clear_pointer(&f->s, gdb_session_free);
    g_assert_cmpstr(vm_status(), ==, "paused");
}

/* What it left behind in the accelerator goes with it. */
static void test_gone_running(Fixture *f, const void *data)
{
    go(f, "c");
    g_clear_pointer(&f->s, gdb_session_free);
    expect_events(f, "r");
    vm_stop();
    connect_gdb(f);
    check(f, "Z0,1000,4", "OK");
    go(f, "c");
    report(1, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    g_clear_pointer(&f->s, gdb_session_free);
    g_assert_true(f->accel->running);
    g_assert_cmpuint(f->accel->num_points, ==, 0);
    vm_stop();
    connect_gdb(f);
    go(f, "vCont;s:1");
    g_clear_pointer(&f->s, gdb_session_free);
    expect_resume(f, DEBUG_RUN, DEBUG_RUN, DEBUG_RUN);
    g_assert_true(f->accel->running);
    /* Nobody hears of it. */
    report(1, DEBUG_HIT_BREAK, DEBUG_BREAK, 0x1000);
    run_loop();
    g_assert_true(f->accel->running);
}

static void test_free(void)
{
    gdb_session_free(NULL);
}

static void add(const char *name, void (*test)(Fixture *f, const void *data),
                const void *data)
{
    g_autofree char *path = g_strconcat("/gdbstub/", name, NULL);

    g_test_add(path, Fixture, data, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("unknown", test_unknown, NULL);
    add("supported", test_supported, NULL);
    add("no-acks", test_no_acks, NULL);
    add("acks", test_acks, NULL);
    add("long-packet", test_long_packet, NULL);
    add("features", test_features, NULL);
    add("threads", test_threads, NULL);
    add("registers", test_registers, NULL);
    add("registers-fail", test_registers_fail, NULL);
    add("memory", test_memory, NULL);
    add("memory-bad", test_memory_bad, NULL);
    add("memory-short", test_memory_short, NULL);
    add("points", test_points, NULL);
    add("first-stop", test_first_stop, NULL);
    add("interrupt", test_interrupt, NULL);
    add("break", test_break, NULL);
    add("break-plain", test_break_plain, NULL);
    add("watch", test_watch, NULL);
    add("vcont", test_vcont, NULL);
    add("vcont-bad", test_vcont_bad, NULL);
    add("step", test_step, NULL);
    add("while-running", test_while_running, NULL);
    add("others", test_others, NULL);
    add("stale-hit", test_stale_hit, NULL);
    add("reset", test_reset, NULL);
    add("end/shutdown", test_end, GINT_TO_POINTER(VM_GUEST_SHUTDOWN));
    add("end/failure", test_end, GINT_TO_POINTER(VM_FAILURE));
    add("kill/k", test_kill, "k");
    add("kill/vKill", test_kill, "vKill;1");
    add("detach", test_detach, NULL);
    add("gone/stopped", test_gone_stopped, NULL);
    add("gone/paused", test_gone_paused, NULL);
    add("gone/running", test_gone_running, NULL);
    g_test_add("/gdbstub/connect-running", Fixture, NULL, setup_machine,
               test_connect_running, teardown);
    g_test_add_func("/gdbstub/free", test_free);
    return g_test_run();
}
