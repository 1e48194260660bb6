/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest protocol. One const table of commands; a line is split into words
 * at blanks and checked against the command's number of words before its
 * handler runs. The peer is not trusted: numbers, lengths and encodings are
 * checked, and what is wrong is answered with one FAIL line. Memory accesses
 * that fail read as ones and are answered OK, as a guest would see them.
 */

#include <stdio.h>
#include <string.h>

#include "accel/accel.h"
#include "hw/core/memory.h"
#include "qtest-session.h"
#include "util/option.h"
#include "util/timer.h"

#define WORDS_MAX 5

static void log_message(QtestSession *s, char direction, const char *text,
                        size_t size)
{
    if (s->log_fd >= 0) {
        int64_t us = clock_get_ns(CLOCK_REAL) / 1000;

        dprintf(s->log_fd, "[%c %" PRId64 ".%06" PRId64 "] %.*s\n", direction,
                us / 1000000, us % 1000000, (int)size, text);
    }
}

void qtest_reply(QtestSession *s, const char *fmt, ...)
{
    g_autoptr(GString) text = g_string_new(NULL);
    va_list ap;

    va_start(ap, fmt);
    g_string_vprintf(text, fmt, ap);
    va_end(ap);
    log_message(s, 'S', text->str, text->len);
    g_string_append_c(text, '\n');
    s->write(s->write_opaque, text->str, text->len);
}

bool qtest_get_numbers(QtestSession *s, char **words, uint64_t *values,
                       unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_autoptr(Error) err = NULL;

        if (!parse_uint(words[i + 1], UINT64_MAX, &values[i], words[0], &err)) {
            qtest_reply(s, "FAIL %s", error_get_pretty(err));
            return false;
        }
    }
    return true;
}

/* The size that the last letter of "readb", "writel" or "inw" stands for. */
static unsigned access_size(const char *command)
{
    static const char letters[] = "bwlq";

    return 1u << (strchr(letters, command[strlen(command) - 1]) - letters);
}

static void cmd_read_number(QtestSession *s, char **words)
{
    uint64_t addr, value = 0;

    if (qtest_get_numbers(s, words, &addr, 1)) {
        address_space_read(address_space_memory(), addr, &value,
                           access_size(words[0]));
        qtest_reply(s, "OK 0x%016" PRIx64, GUINT64_FROM_LE(value));
    }
}

static void cmd_write_number(QtestSession *s, char **words)
{
    uint64_t numbers[2], value;

    if (qtest_get_numbers(s, words, numbers, 2)) {
        value = GUINT64_TO_LE(numbers[1]);
        address_space_write(address_space_memory(), numbers[0], &value,
                            access_size(words[0]));
        qtest_reply(s, "OK");
    }
}

/* Address and size of a block: not empty, not huge, not around the end. */
static bool check_block(QtestSession *s, char **words, const uint64_t block[2])
{
    if (block[1] == 0 || block[1] > QTEST_BLOCK_MAX ||
        block[0] > UINT64_MAX - block[1]) {
        qtest_reply(s, "FAIL %s: a block of 1 to %u bytes", words[0],
                    QTEST_BLOCK_MAX);
        return false;
    }
    return true;
}

static bool get_block(QtestSession *s, char **words, uint64_t block[2])
{
    return qtest_get_numbers(s, words, block, 2) &&
           check_block(s, words, block);
}

static void cmd_read(QtestSession *s, char **words)
{
    static const char digits[] = "0123456789abcdef";
    g_autofree uint8_t *data = NULL;
    g_autofree char *hex = NULL;
    uint64_t block[2];

    if (!get_block(s, words, block)) {
        return;
    }
    data = g_malloc(block[1]);
    address_space_read(address_space_memory(), block[0], data, block[1]);
    hex = g_malloc(2 * block[1] + 1);
    for (uint64_t i = 0; i < block[1]; i++) {
        hex[2 * i] = digits[data[i] >> 4];
        hex[2 * i + 1] = digits[data[i] & 15];
    }
    hex[2 * block[1]] = '\0';
    qtest_reply(s, "OK 0x%s", hex);
}

static void cmd_b64read(QtestSession *s, char **words)
{
    g_autofree uint8_t *data = NULL;
    g_autofree char *text = NULL;
    uint64_t block[2];

    if (!get_block(s, words, block)) {
        return;
    }
    data = g_malloc(block[1]);
    address_space_read(address_space_memory(), block[0], data, block[1]);
    text = g_base64_encode(data, block[1]);
    qtest_reply(s, "OK %s", text);
}

/* Data shorter than the block is padded with zeroes, as in QEMU. */
static void cmd_write(QtestSession *s, char **words)
{
    g_autofree uint8_t *data = NULL;
    const char *hex = words[3];
    uint64_t block[2];
    size_t length;

    if (!get_block(s, words, block)) {
        return;
    }
    length = strlen(hex);
    if (!g_str_has_prefix(hex, "0x") || length % 2 ||
        (length - 2) / 2 > block[1] ||
        strspn(hex + 2, "0123456789abcdefABCDEF") != length - 2) {
        qtest_reply(s,
                    "FAIL write: 0x and two digits a byte, at most SIZE bytes");
        return;
    }
    data = g_malloc0(block[1]);
    for (size_t i = 0; i < (length - 2) / 2; i++) {
        data[i] = g_ascii_xdigit_value(hex[2 + 2 * i]) << 4 |
                  g_ascii_xdigit_value(hex[3 + 2 * i]);
    }
    address_space_write(address_space_memory(), block[0], data, block[1]);
    qtest_reply(s, "OK");
}

/* GLib's decoder skips over whatever it does not know. */
static bool is_base64(const char *text)
{
    size_t length = strlen(text);
    size_t digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/");

    return length % 4 == 0 && length - digits <= 2 &&
           strspn(text + digits, "=") == length - digits;
}

/* Of nothing it is fine, as for memset; libqtest then sends no data. */
static void cmd_b64write(QtestSession *s, char **words)
{
    const char *text = words[3] ? words[3] : "";
    g_autofree uint8_t *data = NULL;
    uint64_t block[2];
    gsize size;

    if (!qtest_get_numbers(s, words, block, 2) ||
        (block[1] && !check_block(s, words, block))) {
        return;
    }
    if (!is_base64(text)) {
        qtest_reply(s, "FAIL b64write: not base64");
        return;
    }
    data = g_base64_decode(text, &size);
    if (size != block[1]) {
        qtest_reply(s,
                    "FAIL b64write: %zu bytes of data for a size of %" PRIu64,
                    (size_t)size, block[1]);
        return;
    }
    address_space_write(address_space_memory(), block[0], data, size);
    qtest_reply(s, "OK");
}

/* Of nothing it is fine: QEMU's libqtest asks for it. */
static void cmd_memset(QtestSession *s, char **words)
{
    uint8_t data[4096];
    uint64_t numbers[3];

    if (!qtest_get_numbers(s, words, numbers, 3) ||
        (numbers[1] && !check_block(s, words, numbers))) {
        return;
    }
    memset(data, (uint8_t)numbers[2], sizeof(data));
    for (uint64_t done = 0; done < numbers[1]; done += sizeof(data)) {
        address_space_write(address_space_memory(), numbers[0] + done, data,
                            MIN(sizeof(data), numbers[1] - done));
    }
    qtest_reply(s, "OK");
}

/* There are no I/O ports: nobody answers, so the bus reads as ones. */
static void cmd_in(QtestSession *s, char **words)
{
    uint64_t port;

    if (qtest_get_numbers(s, words, &port, 1)) {
        unsigned size = access_size(words[0]);

        qtest_reply(s, "OK 0x%04" PRIx64, UINT64_MAX >> (64 - 8 * size));
    }
}

static void cmd_out(QtestSession *s, char **words)
{
    uint64_t numbers[2];

    if (qtest_get_numbers(s, words, numbers, 2)) {
        qtest_reply(s, "OK");
    }
}

static bool clock_is_ours(QtestSession *s)
{
    Accel *accel = accel_current();

    if (!accel || !ACCEL_GET_CLASS(accel)->is_qtest) {
        qtest_reply(s, "FAIL the clock runs by itself; try: -accel qtest");
        return false;
    }
    return true;
}

static void move_clock(QtestSession *s, uint64_t to_ns)
{
    if (to_ns > INT64_MAX) {
        qtest_reply(s, "FAIL beyond the end of time");
        return;
    }
    clock_virtual_advance_to(to_ns);
    qtest_reply(s, "OK %" PRId64, clock_get_ns(CLOCK_VIRTUAL));
}

/* Without a number: to the next timer, if there is one. */
static void cmd_clock_step(QtestSession *s, char **words)
{
    int64_t now_ns = clock_get_ns(CLOCK_VIRTUAL);
    int64_t deadline_ns = clock_virtual_deadline_ns();
    uint64_t step_ns;

    if (!clock_is_ours(s)) {
        return;
    }
    if (!words[1]) {
        move_clock(s, MAX(deadline_ns, now_ns));
    } else if (qtest_get_numbers(s, words, &step_ns, 1)) {
        move_clock(s, step_ns > INT64_MAX ? step_ns : now_ns + step_ns);
    }
}

static void cmd_clock_set(QtestSession *s, char **words)
{
    uint64_t to_ns;

    if (clock_is_ours(s) && qtest_get_numbers(s, words, &to_ns, 1)) {
        move_clock(s, to_ns);
    }
}

static void cmd_endianness(QtestSession *s, char **words)
{
    qtest_reply(s, "OK little");
}

static const struct {
    const char *name;
    unsigned min_args, max_args;
    void (*run)(QtestSession *s, char **words);
} commands[] = {
    {"readb", 1, 1, cmd_read_number},
    {"readw", 1, 1, cmd_read_number},
    {"readl", 1, 1, cmd_read_number},
    {"readq", 1, 1, cmd_read_number},
    {"writeb", 2, 2, cmd_write_number},
    {"writew", 2, 2, cmd_write_number},
    {"writel", 2, 2, cmd_write_number},
    {"writeq", 2, 2, cmd_write_number},
    {"read", 2, 2, cmd_read},
    {"write", 3, 3, cmd_write},
    {"b64read", 2, 2, cmd_b64read},
    {"b64write", 2, 3, cmd_b64write},
    {"memset", 3, 3, cmd_memset},
    {"inb", 1, 1, cmd_in},
    {"inw", 1, 1, cmd_in},
    {"inl", 1, 1, cmd_in},
    {"outb", 2, 2, cmd_out},
    {"outw", 2, 2, cmd_out},
    {"outl", 2, 2, cmd_out},
    {"irq_intercept_in", 1, 1, qtest_cmd_irq_intercept_in},
    {"irq_intercept_out", 1, 2, qtest_cmd_irq_intercept_out},
    {"set_irq_in", 4, 4, qtest_cmd_set_irq_in},
    {"irq_eoi", 1, 1, qtest_cmd_irq_eoi},
    {"clock_step", 0, 1, cmd_clock_step},
    {"clock_set", 1, 1, cmd_clock_set},
    {"endianness", 0, 0, cmd_endianness},
};

/* Cuts @line at its blanks; returns the number of words, at most one more
 * than any command has. */
static unsigned split(char *line, char *words[WORDS_MAX + 1])
{
    unsigned n = 0;
    char *saved;

    for (char *word = strtok_r(line, " \t\r", &saved); word && n <= WORDS_MAX;
         word = strtok_r(NULL, " \t\r", &saved)) {
        words[n++] = word;
    }
    return n;
}

static void run_line(QtestSession *s, char *line)
{
    char *words[WORDS_MAX + 1] = {NULL};
    unsigned n = split(line, words);

    if (n == 0) {
        qtest_reply(s, "FAIL Empty command");
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(words[0], commands[i].name) == 0) {
            if (n - 1 < commands[i].min_args || n - 1 > commands[i].max_args) {
                qtest_reply(s, "FAIL %s: wrong number of arguments", words[0]);
            } else {
                commands[i].run(s, words);
            }
            return;
        }
    }
    qtest_reply(s, "FAIL Unknown command '%.64s'", words[0]);
}

static void end_line(QtestSession *s)
{
    if (s->too_long) {
        qtest_reply(s, "FAIL Line too long");
    } else if (memchr(s->line->str, '\0', s->line->len)) {
        qtest_reply(s, "FAIL Line with a zero byte");
    } else {
        log_message(s, 'R', s->line->str, s->line->len);
        run_line(s, s->line->str);
    }
    s->too_long = false;
    /* A long line's buffer is not kept for the short ones. */
    g_string_free(s->line, TRUE);
    s->line = g_string_new(NULL);
}

void qtest_session_feed(QtestSession *s, const uint8_t *data, size_t size)
{
    while (size) {
        const uint8_t *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t)(newline - data) : size;

        if (length > QTEST_LINE_MAX - s->line->len) {
            s->too_long = true;
            g_string_truncate(s->line, 0);
        }
        if (!s->too_long) {
            g_string_append_len(s->line, (const char *)data, length);
        }
        if (newline) {
            end_line(s);
            length++;
        }
        data += length;
        size -= length;
    }
}

QtestSession *qtest_session_new(QtestWriteFn write, void *opaque, int log_fd)
{
    QtestSession *s = g_new0(QtestSession, 1);

    s->write = write;
    s->write_opaque = opaque;
    s->log_fd = log_fd;
    s->line = g_string_new(NULL);
    s->watches = g_ptr_array_new_with_free_func(qtest_watch_free);
    return s;
}

void qtest_session_free(QtestSession *s)
{
    if (s) {
        g_ptr_array_unref(s->watches);
        g_string_free(s->line, TRUE);
        g_free(s);
    }
}
