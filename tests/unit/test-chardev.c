/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chardev.c: the flow of bytes, with a peer at the other end of a socket pair:
 * buffered output, held-back input, slow peers and peers that go away.
 */

#include "chardev-fixture.h"

static void test_full_file(Fixture *f, gconstpointer unused)
{
    if (g_test_subprocess()) {
        Chardev *chr = new_ok("file:/dev/full");

        g_assert_cmpuint(chardev_write(chr, "x", 1), ==, 1);
        g_assert_cmpuint(chardev_write(chr, "x", 1), ==, 1);
        chardev_free(chr);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr(
        "platypus: warning: serial0: output is lost from now on: No space*");
}

static void test_receive(Fixture *f, gconstpointer unused)
{
    autofd int peer = -1;
    g_autoptr(Chardev) chr = new_pair(&peer);

    g_assert_cmpint(write(peer, "early", 5), ==, 5);
    main_loop_iterate(false);
    chardev_set_handlers(chr, &user_handlers, &f->user);
    g_assert_cmpint(f->user.opened, ==, 1);
    f->user.room = 2;
    ITERATE_UNTIL(f->user.got->len >= 2);
    f->user.room = 0;
    main_loop_iterate(false);
    main_loop_iterate(false);
    g_assert_cmpstr(f->user.got->str, ==, "ea");
    f->user.room = 100;
    chardev_accept_input(chr);
    ITERATE_UNTIL(f->user.got->len >= 5);
    g_assert_cmpstr(f->user.got->str, ==, "early");
    chardev_set_handlers(chr, NULL, NULL);
    g_assert_cmpint(write(peer, "late", 4), ==, 4);
    main_loop_iterate(false);
    g_assert_cmpuint(f->user.got->len, ==, 5);
}

static void test_hangup(Fixture *f, gconstpointer unused)
{
    int peer;
    g_autoptr(Chardev) chr = new_pair(&peer);

    chardev_set_handlers(chr, &user_handlers, &f->user);
    close(peer);
    ITERATE_UNTIL(f->user.closed);
    g_assert_false(chardev_is_open(chr));
    g_assert_cmpuint(chardev_write(chr, "gone", 4), ==, 4);
    main_loop_iterate(false);
    g_assert_cmpint(f->user.closed, ==, 1);
}

/* The writer finds it first, and hears of it later, once. */
static void test_hangup_on_write(Fixture *f, gconstpointer unused)
{
    int peer;
    g_autoptr(Chardev) chr = new_pair(&peer);

    chardev_set_handlers(chr, &user_handlers, &f->user);
    close(peer);
    g_assert_cmpuint(chardev_write(chr, "gone", 4), ==, 4);
    g_assert_cmpint(f->user.closed, ==, 0);
    g_assert_false(chardev_is_open(chr));
    g_assert_true(chardev_put(chr, 'x'));
    ITERATE_UNTIL(f->user.closed);
    main_loop_iterate(false);
    g_assert_cmpint(f->user.closed, ==, 1);
}

static void test_free_while_closing(Fixture *f, gconstpointer unused)
{
    int peer;
    Chardev *chr = new_pair(&peer);

    chardev_set_handlers(chr, &user_handlers, &f->user);
    close(peer);
    chardev_write(chr, "gone", 4);
    chardev_free(chr);
    main_loop_iterate(false);
    g_assert_cmpint(f->user.closed, ==, 0);
}

static void test_put(Fixture *f, gconstpointer unused)
{
    autofd int peer = -1;
    g_autoptr(Chardev) chr = new_pair(&peer);
    char c;

    chardev_put(chr, 'a');
    chardev_put(chr, 'b');
    assert_peer_reads_nothing(peer);
    chardev_put(chr, '\n');
    assert_peer_reads(peer, "ab\n");
    chardev_put(chr, 'c');
    chardev_write(chr, "d", 1);
    chardev_put(chr, 'e');
    assert_peer_reads(peer, "cd");
    ITERATE_UNTIL(read(peer, &c, 1) == 1);
    g_assert_cmpint(c, ==, 'e');
    chardev_put(chr, 'f');
    ITERATE_UNTIL(read(peer, &c, 1) == 1);
    g_assert_cmpint(c, ==, 'f');
}

/* Byte i of the stream. */
static uint8_t pattern(size_t i)
{
    return i % 251;
}

static size_t check_stream(int peer, size_t from)
{
    uint8_t data[4096];
    ssize_t n = read(peer, data, sizeof(data));

    for (ssize_t i = 0; i < n; i++) {
        g_assert_cmpint(data[i], ==, pattern(from + i));
    }
    return n > 0 ? from + n : from;
}

/* Writes more of the stream until a write comes up short. */
static size_t fill(Chardev *chr, size_t sent)
{
    uint8_t block[1000];
    size_t n;

    do {
        for (size_t i = 0; i < sizeof(block); i++) {
            block[i] = pattern(sent + i);
        }
        n = chardev_write(chr, block, sizeof(block));
        sent += n;
    } while (n == sizeof(block));
    return sent;
}

static void test_slow_peer(Fixture *f, gconstpointer unused)
{
    autofd int peer = -1;
    Chardev *chr = new_pair(&peer);
    size_t sent, seen = 0;

    chardev_set_handlers(chr, &user_handlers, &f->user);
    sent = fill(chr, 0);
    g_assert_cmpuint(sent, >, CHARDEV_OUTPUT_MAX);
    g_assert_false(chardev_has_room(chr));
    g_assert_false(chardev_put(chr, 0));
    g_assert_cmpuint(chardev_write(chr, "", 1), ==, 0);
    main_loop_iterate(false);
    g_assert_cmpint(f->user.writable, ==, 0);
    while (!f->user.writable) {
        seen = check_stream(peer, seen);
        main_loop_iterate(false);
    }
    g_assert_true(chardev_has_room(chr));
    g_assert_true(chardev_put(chr, pattern(sent++)));
    /* The buffer's end is reached with room at its beginning. */
    sent = fill(chr, sent);
    while (seen < sent - 10000) {
        seen = check_stream(peer, seen);
        main_loop_iterate(false);
    }
    chardev_free(chr);
    while (seen < sent) {
        seen = check_stream(peer, seen);
    }
    g_assert_cmpint(f->user.writable, ==, 2);
}

/* A peer that goes with the buffer full sets the writer free. */
static void test_slow_peer_gone(Fixture *f, gconstpointer unused)
{
    int peer;
    g_autoptr(Chardev) chr = new_pair(&peer);
    static uint8_t block[CHARDEV_OUTPUT_MAX];

    chardev_set_handlers(chr, &user_handlers, &f->user);
    while (chardev_write(chr, block, sizeof(block)) == sizeof(block)) {
    }
    close(peer);
    ITERATE_UNTIL(f->user.closed);
    g_assert_cmpint(f->user.writable, ==, 1);
    g_assert_true(chardev_put(chr, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/chardev/full-file", test_full_file);
    add("/chardev/receive", test_receive);
    add("/chardev/hangup", test_hangup);
    add("/chardev/hangup-on-write", test_hangup_on_write);
    add("/chardev/free-while-closing", test_free_while_closing);
    add("/chardev/put", test_put);
    add("/chardev/slow-peer", test_slow_peer);
    add("/chardev/slow-peer-gone", test_slow_peer_gone);
    return g_test_run();
}
