/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of the gdb stub: the input is what a peer sends, taken once as
 * it is, and once line by line, each of which becomes the payload of a packet
 * with a good checksum: a fuzzer does not guess those. In between, the lines
 * "!hit", "!stop" and "!cont" are what CPUs and others do. Whatever comes, the
 * answer is packets that can be parsed, one at most to each and of bounded
 * size; and when the peer goes nothing of it stays behind.
 */

#include <string.h>

#include "../../system/gdbstub-packet.h"
#include "../lib/scripted-accel.h"
#include "fuzz.h"
#include "hw/core/run-state.h"
#include "system/gdbstub.h"
#include "system/vm.h"
#include "util/main-loop.h"

#define RAM_SIZE 0x4000
/* Each byte of a payload may have to be escaped. */
#define REPLY_MAX (2 * GDB_PACKET_MAX + 8)

static MemoryRegion ram;
static ScriptedAccel *accel;

/* Output: what the stub has said, and whether it made sense. */
typedef struct Output {
    GdbReader reader;
    size_t size; /* of the packet at hand */
    unsigned packets;
} Output;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    g_assert_true(main_loop_init(NULL));
    memory_region_init_ram(&ram, NULL, "ram", RAM_SIZE, NULL);
    memory_region_add_subregion(get_system_memory(), SCRIPTED_OFFSET, &ram);
    accel = SCRIPTED_ACCEL(object_new(TYPE_SCRIPTED_ACCEL));
    return 0;
}

static void on_write(void *opaque, const char *data, size_t size)
{
    Output *out = opaque;

    for (size_t i = 0; i < size; i++) {
        GdbInput input = gdb_reader_feed(&out->reader, data[i]);

        g_assert_cmpuint(++out->size, <=, REPLY_MAX);
        g_assert_true(input == GDB_INPUT_NONE || input == GDB_INPUT_PACKET ||
                      input == GDB_INPUT_ACK || input == GDB_INPUT_NACK);
        if (input != GDB_INPUT_NONE) {
            out->packets += input == GDB_INPUT_PACKET;
            out->size = 0;
        }
    }
}

static void check_gone(void)
{
    g_assert_cmpuint(accel->num_points, ==, 0);
    for (unsigned i = 0; i < SCRIPTED_CPUS; i++) {
        g_assert_cmpint(accel->resume[i], ==, DEBUG_RUN);
    }
}

static void hit(void)
{
    DebugHit hit = {.cpu = accel->starts % SCRIPTED_CPUS,
                    .reason = accel->starts % 3,
                    .point = {DEBUG_WATCH_ACCESS, 0x10, 4}};

    if (accel->running) {
        accel_debug_report(&hit);
        main_loop_iterate(false);
    }
}

static void feed_line(GdbSession *s, Output *out, const char *line, size_t size)
{
    g_autoptr(GString) packet = g_string_new(NULL);
    unsigned before = out->packets;

    if (size == 4 && !memcmp(line, "!hit", 4)) {
        hit();
    } else if (size == 5 && !memcmp(line, "!stop", 5)) {
        vm_stop();
    } else if (size == 5 && !memcmp(line, "!cont", 5)) {
        vm_start();
    } else {
        gdb_append_packet(packet, line, size);
        gdb_session_feed(s, (const uint8_t *)packet->str, packet->len);
    }
    g_assert_cmpuint(out->packets - before, <=, 1);
}

static void feed_lines(GdbSession *s, Output *out, const char *data,
                       size_t size)
{
    while (size) {
        const char *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;

        feed_line(s, out, data, length);
        length += end != NULL;
        data += length;
        size -= length;
    }
}

static void run(const uint8_t *data, size_t size, bool lines)
{
    g_autofree Output *out = g_new0(Output, 1);
    GdbSession *s;

    vm_init(ACCEL(accel), false);
    s = gdb_session_new(ACCEL(accel), SCRIPTED_CPUS, on_write, out);
    if (lines) {
        feed_lines(s, out, (const char *)data, size);
    } else {
        gdb_session_feed(s, data, size);
    }
    gdb_session_free(s);
    check_gone();
    vm_stop();
    vm_finish();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    accel->starts = 0;
    run(data, size, false);
    run(data, size, true);
    return 0;
}
