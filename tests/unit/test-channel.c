/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel.c on one end of a socket pair: nothing is lost on a peer that reads
 * late, it is asked nothing meanwhile, and too much is too much.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/channel.h"
#include "util/main-loop.h"

#define LARGE (4u << 20) /* more than sockets and chardevs keep */

typedef struct Fixture {
    Chardev *chr;
    Channel channel;
    int peer;
    unsigned opened;
    unsigned closed;
    GString *received;
} Fixture;

static void opened(void *opaque)
{
    ((Fixture *)opaque)->opened++;
}

static void closed(void *opaque)
{
    ((Fixture *)opaque)->closed++;
}

static void receive(void *opaque, const uint8_t *data, size_t size)
{
    Fixture *f = opaque;

    g_string_append_len(f->received, (const char *)data, size);
}

static const ChannelHandlers handlers = {
    .opened = opened,
    .closed = closed,
    .receive = receive,
};

static void setup(Fixture *f, const void *data)
{
    g_autofree char *text = NULL;
    g_autoptr(OptionList) options = NULL;
    int fds[2];

    g_assert_true(main_loop_init(NULL));
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    f->peer = fds[1];
    g_assert_no_errno(fcntl(f->peer, F_SETFL, O_NONBLOCK));
    text = g_strdup_printf("socket,fd=%d", fds[0]);
    options = option_list_parse(text, "backend", NULL);
    f->chr = chardev_new_options("test", options, NULL);
    g_assert_nonnull(f->chr);
    f->received = g_string_new(NULL);
    channel_init(&f->channel, f->chr, &handlers, f);
    g_assert_cmpuint(f->opened, ==, 1);
}

static void teardown(Fixture *f, const void *data)
{
    if (f->peer >= 0) {
        close(f->peer);
    }
    channel_finish(&f->channel);
    channel_finish(&f->channel);
    chardev_free(f->chr);
    g_string_free(f->received, TRUE);
    main_loop_finish();
}

/* Reads what is there; returns how much it was, checking that it is @c. */
static size_t peer_read(Fixture *f, char c)
{
    char buffer[65536];
    size_t total = 0;
    ssize_t n;

    while ((n = read(f->peer, buffer, sizeof(buffer))) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            g_assert_cmpint(buffer[i], ==, c);
        }
        total += n;
    }
    return total;
}

static void test_requests(Fixture *f, const void *data)
{
    g_assert_cmpint(write(f->peer, "ab", 2), ==, 2);
    while (f->received->len < 2) {
        main_loop_iterate(true);
    }
    g_assert_cmpstr(f->received->str, ==, "ab");
    channel_write(&f->channel, "xx", 2);
    g_assert_cmpuint(peer_read(f, 'x'), ==, 2);
}

static void test_slow_peer(Fixture *f, const void *data)
{
    g_autofree char *text = g_strnfill(LARGE, 'x');
    size_t total = 0;

    channel_write(&f->channel, text, LARGE / 2);
    channel_write(&f->channel, text, LARGE / 2);
    g_assert_cmpint(write(f->peer, "request", 7), ==, 7);
    main_loop_iterate(false);
    main_loop_iterate(false);
    /* Not before the peer has read. */
    g_assert_cmpuint(f->received->len, ==, 0);
    while (total < LARGE || f->received->len < 7) {
        total += peer_read(f, 'x');
        main_loop_iterate(false);
    }
    g_assert_cmpuint(total, ==, LARGE);
}

static void test_too_much(Fixture *f, const void *data)
{
    g_autofree char *text = NULL;
    size_t total = 0, before;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, 0);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr(
            "platypus: warning: test: the peer does not read; it gets no more "
            "answers\n");
        return;
    }
    text = g_strnfill(LARGE, 'x');
    for (size_t size = 0; size <= CHANNEL_KEPT_MAX; size += LARGE) {
        channel_write(&f->channel, text, LARGE);
    }
    g_assert_true(f->channel.broken);
    channel_write(&f->channel, "y", 1);
    do {
        before = total;
        total += peer_read(f, 'x');
        main_loop_iterate(false);
    } while (total > before || f->channel.kept->len);
    /* No answer is cut in the middle without the rest being dropped, too. */
    g_assert_cmpuint(total, <=, CHANNEL_KEPT_MAX + LARGE);
}

/* What was kept for one peer is not for the next. */
static void test_peer_leaves(Fixture *f, const void *data)
{
    g_autofree char *text = g_strnfill(LARGE, 'x');

    channel_write(&f->channel, text, LARGE);
    g_assert_cmpuint(f->channel.kept->len, >, 0);
    close(f->peer);
    f->peer = -1;
    while (!f->closed) {
        main_loop_iterate(true);
    }
    g_assert_cmpuint(f->channel.kept->len, ==, 0);
    channel_write(&f->channel, "x", 1);
    g_assert_cmpuint(f->channel.kept->len, ==, 0);
}

static void add(const char *path, void (*test)(Fixture *f, const void *data))
{
    g_test_add(path, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/channel/requests", test_requests);
    add("/channel/slow-peer", test_slow_peer);
    add("/channel/too-much", test_too_much);
    add("/channel/peer-leaves", test_peer_leaves);
    return g_test_run();
}
