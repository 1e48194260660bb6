/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdbstub-packet.c: what bytes become packets, whichever way they are broken,
 * and that what is sent can be read again.
 */

#include <string.h>

#include "../../system/gdbstub-packet.h"

/* The inputs that @bytes make, a letter each; NONE is none. */
static char *feed(GdbReader *r, const char *bytes, size_t size)
{
    static const char letters[] = {
        [GDB_INPUT_PACKET] = 'p', [GDB_INPUT_BAD] = 'b',
        [GDB_INPUT_LONG] = 'l',   [GDB_INPUT_ACK] = '+',
        [GDB_INPUT_NACK] = '-',   [GDB_INPUT_INTERRUPT] = '!',
    };
    GString *seen = g_string_new(NULL);

    for (size_t i = 0; i < size; i++) {
        GdbInput input = gdb_reader_feed(r, bytes[i]);

        if (input != GDB_INPUT_NONE) {
            g_string_append_c(seen, letters[input]);
        }
    }
    return g_string_free(seen, FALSE);
}

static void check(const char *bytes, const char *inputs, const char *payload)
{
    g_autofree GdbReader *r = g_new0(GdbReader, 1);
    g_autofree char *seen = feed(r, bytes, strlen(bytes));

    g_assert_cmpstr(seen, ==, inputs);
    if (payload) {
        g_assert_cmpstr(r->payload, ==, payload);
        g_assert_cmpuint(r->size, ==, strlen(payload));
    }
}

static void test_read(void)
{
    check("$g#67", "p", "g");
    check("+$qSupported#37", "+p", "qSupported");
    check("$#00", "p", "");
    check("$m0,4#FD", "p", "m0,4");
    check("-\x03+", "-!+", NULL);
    check("noise $g#67", "p", "g");
    /* Not an interrupt within a packet. */
    check("$\x03#03", "p", "\x03");
    check("$+-#58", "p", "+-");
}

static void test_escapes(void)
{
    check("$}\x03#80", "p", "#");
    check("$a}]b#9d", "p", "a}b");
    /* A checksum in the middle of one: the escape was the last byte. */
    check("$a}#de", "p", "a");
}

static void test_bad(void)
{
    check("$g#68", "b", NULL);
    check("$g#6x", "b", NULL);
    check("$g#x7", "b", NULL);
    check("$g#-+", "b", NULL);
    /* A packet begins anew, wherever the one before broke off. */
    check("$qSup$g#67", "p", "g");
    check("$q#$g#67", "p", "g");
    check("$q#1$g#67", "p", "g");
    check("$q}$g#67", "p", "g");
    check("$g#00$g#67", "bp", "g");
}

static void test_long(void)
{
    g_autofree GdbReader *r = g_new0(GdbReader, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *payload = g_malloc(GDB_PACKET_MAX + 1);
    g_autofree char *seen = NULL;

    memset(payload, 'x', GDB_PACKET_MAX + 1);
    gdb_append_packet(text, payload, GDB_PACKET_MAX + 1);
    gdb_append_packet(text, payload, GDB_PACKET_MAX);
    seen = feed(r, text->str, text->len);
    g_assert_cmpstr(seen, ==, "lp");
    g_assert_cmpuint(r->size, ==, GDB_PACKET_MAX);
    g_assert_cmpmem(r->payload, r->size, payload, GDB_PACKET_MAX);
}

static void test_write(void)
{
    g_autoptr(GString) text = g_string_new("+");

    gdb_append_packet(text, "OK", 2);
    gdb_append_packet(text, "", 0);
    g_assert_cmpstr(text->str, ==, "+$OK#9a$#00");
    g_string_truncate(text, 0);
    gdb_append_packet(text, "$#*}", 4);
    g_assert_cmpstr(text->str, ==, "$}\x04}\x03}\n}]#62");
}

static void test_all_bytes(void)
{
    g_autofree GdbReader *r = g_new0(GdbReader, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *seen = NULL;
    char payload[256];

    for (int i = 0; i < 256; i++) {
        payload[i] = i;
    }
    gdb_append_packet(text, payload, sizeof(payload));
    seen = feed(r, text->str, text->len);
    g_assert_cmpstr(seen, ==, "p");
    g_assert_cmpmem(r->payload, r->size, payload, sizeof(payload));
}

static GdbText text_of(const char *string)
{
    return (GdbText){string, string + strlen(string)};
}

static void test_numbers(void)
{
    GdbText text = text_of("1F,ffffffffffffffff;");
    uint64_t n;

    g_assert_true(gdb_take_number(&text, &n));
    g_assert_cmphex(n, ==, 0x1f);
    g_assert_false(gdb_take_number(&text, &n));
    g_assert_false(gdb_take_char(&text, ';'));
    g_assert_true(gdb_take_char(&text, ','));
    g_assert_true(gdb_take_number(&text, &n));
    g_assert_cmphex(n, ==, UINT64_MAX);
    g_assert_true(gdb_take_char(&text, ';'));
    g_assert_false(gdb_take_char(&text, ';'));
    g_assert_false(gdb_take_number(&text, &n));
    text = text_of("10000000000000000");
    g_assert_false(gdb_take_number(&text, &n));
    text = text_of("0000000000000000001");
    g_assert_true(gdb_take_number(&text, &n));
    g_assert_cmphex(n, ==, 1);
}

static void test_hex(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    GdbText text = text_of("00fFa5");
    uint8_t bytes[4];

    g_assert_true(gdb_take_hex(&text, bytes, 3));
    g_assert_true(bytes[0] == 0 && bytes[1] == 0xff && bytes[2] == 0xa5);
    g_assert_true(text.p == text.end);
    text = text_of("00fFa");
    g_assert_false(gdb_take_hex(&text, bytes, 3));
    text = text_of("0g");
    g_assert_false(gdb_take_hex(&text, bytes, 1));
    text = text_of("g0");
    g_assert_false(gdb_take_hex(&text, bytes, 1));
    gdb_append_hex(out, (uint8_t[]){0x0f, 0xf0}, 2);
    g_assert_cmpstr(out->str, ==, "0ff0");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gdbstub-packet/read", test_read);
    g_test_add_func("/gdbstub-packet/escapes", test_escapes);
    g_test_add_func("/gdbstub-packet/bad", test_bad);
    g_test_add_func("/gdbstub-packet/long", test_long);
    g_test_add_func("/gdbstub-packet/write", test_write);
    g_test_add_func("/gdbstub-packet/all-bytes", test_all_bytes);
    g_test_add_func("/gdbstub-packet/numbers", test_numbers);
    g_test_add_func("/gdbstub-packet/hex", test_hex);
    return g_test_run();
}
