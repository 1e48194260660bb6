/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of the remote serial protocol, byte by byte. A '$' always begins a
 * packet anew: inside of one it would have been escaped, so the rest of the
 * one before was lost. Run-length encoding is for the stub's replies alone,
 * and this one makes no use of it.
 */

#include "gdbstub-packet.h"

#define ESCAPE '}'
#define ESCAPE_XOR 0x20

static void begin(GdbReader *r)
{
    r->state = GDB_PAYLOAD;
    r->sum = 0;
    r->expected = 0;
    r->bad_digit = false;
    r->too_long = false;
    r->size = 0;
}

static void keep(GdbReader *r, uint8_t byte)
{
    if (r->size < GDB_PACKET_MAX) {
        r->payload[r->size++] = byte;
    } else {
        r->too_long = true;
    }
}

static GdbInput feed_idle(GdbReader *r, uint8_t byte)
{
    switch (byte) {
    case '+':
        return GDB_INPUT_ACK;
    case '-':
        return GDB_INPUT_NACK;
    case 3:
        return GDB_INPUT_INTERRUPT;
    default:
        return GDB_INPUT_NONE;
    }
}

static void feed_payload(GdbReader *r, uint8_t byte)
{
    if (byte == '#') {
        r->state = GDB_SUM_1;
        return;
    }
    r->sum += byte;
    if (r->state == GDB_ESCAPED) {
        keep(r, byte ^ ESCAPE_XOR);
        r->state = GDB_PAYLOAD;
    } else if (byte == ESCAPE) {
        r->state = GDB_ESCAPED;
    } else {
        keep(r, byte);
    }
}

static void feed_digit(GdbReader *r, uint8_t byte)
{
    int digit = g_ascii_xdigit_value(byte);

    r->bad_digit |= digit < 0;
    r->expected = r->expected << 4 | (digit & 0xf);
}

static GdbInput finish(GdbReader *r)
{
    r->state = GDB_IDLE;
    r->payload[r->size] = '\0';
    if (r->bad_digit || r->sum != r->expected) {
        return GDB_INPUT_BAD;
    }
    return r->too_long ? GDB_INPUT_LONG : GDB_INPUT_PACKET;
}

GdbInput gdb_reader_feed(GdbReader *r, uint8_t byte)
{
    if (byte == '$') {
        begin(r);
        return GDB_INPUT_NONE;
    }
    switch (r->state) {
    case GDB_IDLE:
        return feed_idle(r, byte);
    case GDB_SUM_1:
        feed_digit(r, byte);
        r->state = GDB_SUM_2;
        return GDB_INPUT_NONE;
    case GDB_SUM_2:
        feed_digit(r, byte);
        return finish(r);
    default:
        feed_payload(r, byte);
        return GDB_INPUT_NONE;
    }
}

static bool must_escape(char c)
{
    return c == '#' || c == '$' || c == '*' || c == ESCAPE;
}

void gdb_append_packet(GString *out, const char *payload, size_t size)
{
    uint8_t sum = 0;
    gsize start;

    g_string_append_c(out, '$');
    start = out->len;
    for (size_t i = 0; i < size; i++) {
        if (must_escape(payload[i])) {
            g_string_append_c(out, ESCAPE);
            g_string_append_c(out, payload[i] ^ ESCAPE_XOR);
        } else {
            g_string_append_c(out, payload[i]);
        }
    }
    for (gsize i = start; i < out->len; i++) {
        sum += (uint8_t)out->str[i];
    }
    g_string_append_printf(out, "#%02x", sum);
}

void gdb_append_hex(GString *out, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        g_string_append_c(out, digits[bytes[i] >> 4]);
        g_string_append_c(out, digits[bytes[i] & 0xf]);
    }
}

bool gdb_take_char(GdbText *text, char c)
{
    if (text->p == text->end || *text->p != c) {
        return false;
    }
    text->p++;
    return true;
}

static int peek_digit(const GdbText *text)
{
    return text->p < text->end ? g_ascii_xdigit_value(*text->p) : -1;
}

bool gdb_take_number(GdbText *text, uint64_t *value)
{
    const char *start = text->p;
    uint64_t number = 0;
    int digit;

    while ((digit = peek_digit(text)) >= 0) {
        if (number >> 60) {
            return false;
        }
        number = number << 4 | digit;
        text->p++;
    }
    *value = number;
    return text->p > start;
}

bool gdb_take_hex(GdbText *text, void *data, size_t size)
{
    uint8_t *bytes = data;

    if ((size_t)(text->end - text->p) / 2 < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = g_ascii_xdigit_value(*text->p++);
        int low = g_ascii_xdigit_value(*text->p++);

        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = high << 4 | low;
    }
    return true;
}
