/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of qtest.c: the input is what a peer sends. The machine is a
 * little RAM, a test device and the qtest interrupt controller. Every line is
 * answered by exactly one OK or FAIL line, however the bytes were cut, and no
 * interceptor outlives its session.
 *
 * Long inputs and such with large blocks are left out: they take a thousand
 * times as long and reach nothing else. Blocks at the limit are test-qtest's.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "accel/qtest.h"
#include "fuzz.h"
#include "hw/core/sysbus.h"
#include "system/qtest.h"
#include "util/main-loop.h"

#define RAM_SIZE 0x10000
#define TESTDEV_BASE 0x10000000
#define NUM_SPIS 32
#define INPUT_MAX 1024
#define BLOCK_MAX 8192 /* two of the pieces that memset writes */

static MemoryRegion ram;
static DeviceState *gic;

static void build_machine(void)
{
    GicConfig config = {.num_spis = NUM_SPIS};
    Object *machine = object_new(TYPE_OBJECT);
    DeviceState *testdev = qdev_new("testdev");
    Accel *accel = accel_create("qtest", 0, NULL);

    memory_region_init_ram(&ram, NULL, "ram", RAM_SIZE, NULL);
    memory_region_add_subregion(get_system_memory(), 0, &ram);
    object_add_child(object_root(), "machine", machine, NULL);
    gic = ACCEL_GET_CLASS(accel)->create_gic(accel, &config, NULL);
    object_add_child(machine, "testdev", OBJECT(testdev), NULL);
    sysbus_realize_at(SYS_BUS_DEVICE(testdev), TESTDEV_BASE,
                      qdev_get_gpio_in(gic, 0), NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    g_assert_true(main_loop_init(NULL));
    build_machine();
    return 0;
}

static void check_answer(void *opaque, const char *data, size_t size)
{
    unsigned *answers = opaque;

    g_assert_true(size >= 3 && data[size - 1] == '\n');
    g_assert_null(memchr(data, '\n', size - 1));
    if (memcmp(data, "OK", 2) == 0 || memcmp(data, "FAIL", 4) == 0) {
        ++*answers;
    } else {
        g_assert_true(memcmp(data, "IRQ ", 4) == 0);
    }
}

static unsigned count_lines(const uint8_t *data, size_t size)
{
    unsigned n = 0;

    for (size_t i = 0; i < size; i++) {
        n += data[i] == '\n';
    }
    return n;
}

/* Feeds the input in pieces of @piece bytes. */
static void run(const uint8_t *data, size_t size, size_t piece)
{
    unsigned answers = 0;
    QtestSession *s = qtest_session_new(check_answer, &answers, -1);

    for (size_t done = 0; done < size; done += piece) {
        qtest_session_feed(s, data + done, MIN(piece, size - done));
    }
    g_assert_cmpuint(answers, ==, count_lines(data, size));
    qtest_session_free(s);
    for (unsigned n = 0; n < NUM_SPIS; n++) {
        g_assert_null(qdev_get_gpio_in(gic, n)->intercept);
    }
}

/* Its third word would be the size of a block of more than BLOCK_MAX bytes. */
static bool is_slow_line(const char *line)
{
    int64_t n = 0;

    return sscanf(line, "%*s%*s%" SCNi64, &n) == 1 && n > BLOCK_MAX &&
           n <= QTEST_BLOCK_MAX;
}

static bool is_slow(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = NULL;
    bool slow = size > INPUT_MAX;

    for (size_t i = 0; i < size; i++) {
        text[i] = data[i] ? data[i] : ' ';
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && !slow; line++) {
        slow = is_slow_line(*line);
    }
    return slow;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (is_slow(data, size)) {
        return 0;
    }
    run(data, size, MAX(size, 1));
    run(data, size, 7);
    return 0;
}
