/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-stream.c: messages out of any pieces that a peer sends, whose the
 * descriptors are, and what is refused. The peer is the test itself, on the
 * other end of a socket pair.
 */

#include <fcntl.h>

#include "../../hw/vfio/user-stream.h"
#include "fd-limit.h"
#include "user-fixture.h"

#define LARGEST 256
#define HEADER sizeof(VFIOUserHeader)
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

typedef struct Ends {
    UserStream stream;
    int peer;
    unsigned open; /* descriptors, before */
} Ends;

static void ends_init(Ends *e)
{
    int fds[2];

    e->open = count_open_fds();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
    user_stream_init(&e->stream, fds[0], LARGEST);
    e->peer = fds[1];
}

static void ends_finish(Ends *e)
{
    user_stream_finish(&e->stream);
    fd_close(&e->peer);
    g_assert_cmpuint(count_open_fds(), ==, e->open);
}

/* A message of @size bytes with the pattern of @id. */
static void fill_message(uint8_t *bytes, uint16_t id, uint32_t size)
{
    const VFIOUserHeader header = {.id = id, .command = 9, .size = size};

    memcpy(bytes, &header, sizeof(header));
    for (uint32_t i = HEADER; i < size; i++) {
        bytes[i] = id + i;
    }
}

static void send_sized(Ends *e, uint16_t id, uint32_t size, const int *fds,
                       unsigned num_fds)
{
    uint8_t bytes[LARGEST];

    fill_message(bytes, id, size);
    send_bytes(e->peer, bytes, size, fds, num_fds);
}

static void expect_message(UserStream *stream, uint16_t id, uint32_t size,
                           unsigned num_fds)
{
    uint8_t bytes[LARGEST];
    UserMessage message;
    Error *err = NULL;

    fill_message(bytes, id, size);
    g_assert_true(user_stream_pending(stream));
    g_assert_cmpint(user_stream_next(stream, &message, &err), ==, 1);
    g_assert_null(err);
    g_assert_cmpuint(message.header.id, ==, id);
    g_assert_cmpmem(message.payload, message.size, bytes + HEADER,
                    size - HEADER);
    g_assert_cmpuint(message.num_fds, ==, num_fds);
    for (unsigned i = 0; i < num_fds; i++) {
        g_assert_cmpint(fcntl(message.fds[i], F_GETFD), ==, FD_CLOEXEC);
    }
}

static void expect_none(UserStream *stream)
{
    UserMessage message;
    Error *err = NULL;

    g_assert_false(user_stream_pending(stream));
    g_assert_cmpint(user_stream_next(stream, &message, &err), ==, 0);
    g_assert_null(err);
}

static void must_receive(Ends *e)
{
    Error *err = NULL;

    g_assert_cmpint(user_stream_receive(&e->stream, &err), ==, 1);
    g_assert_null(err);
}

static void expect_end(Ends *e, int os_errno, const char *pattern)
{
    g_autoptr(Error) err = NULL;

    g_assert_cmpint(user_stream_receive(&e->stream, &err), ==, -1);
    g_assert_cmpint(errno, ==, os_errno);
    g_assert_true(g_pattern_match_simple(pattern, error_get_pretty(err)));
}

static void test_burst(void)
{
    Error *err = NULL;
    Ends e;

    ends_init(&e);
    g_assert_cmpint(user_stream_receive(&e.stream, &err), ==, 0);
    g_assert_null(err);
    expect_none(&e.stream);
    send_sized(&e, 1, HEADER, NULL, 0);
    send_sized(&e, 2, 100, NULL, 0);
    send_sized(&e, 3, 17, NULL, 0);
    must_receive(&e);
    expect_message(&e.stream, 1, HEADER, 0);
    expect_message(&e.stream, 2, 100, 0);
    expect_message(&e.stream, 3, 17, 0);
    expect_none(&e.stream);
    g_assert_cmpint(user_stream_receive(&e.stream, &err), ==, 0);
    ends_finish(&e);
}

/* Two messages, cut in two at every byte. */
static void test_cuts(void)
{
    uint8_t bytes[140];

    fill_message(bytes, 5, 60);
    fill_message(bytes + 60, 6, 80);
    for (size_t cut = 1; cut < sizeof(bytes); cut++) {
        Ends e;

        ends_init(&e);
        send_bytes(e.peer, bytes, cut, NULL, 0);
        must_receive(&e);
        if (cut < 60) {
            expect_none(&e.stream);
        } else {
            expect_message(&e.stream, 5, 60, 0);
            expect_none(&e.stream);
        }
        send_bytes(e.peer, bytes + cut, sizeof(bytes) - cut, NULL, 0);
        must_receive(&e);
        if (cut < 60) {
            expect_message(&e.stream, 5, 60, 0);
        }
        expect_message(&e.stream, 6, 80, 0);
        expect_none(&e.stream);
        ends_finish(&e);
    }
}

/* Byte by byte, with messages of the largest size that wrap around. */
static void test_bytes(void)
{
    static const uint32_t sizes[] = {LARGEST, 16, LARGEST, LARGEST, 33, 255};
    Ends e;

    ends_init(&e);
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        uint8_t bytes[LARGEST];

        fill_message(bytes, i, sizes[i]);
        for (uint32_t at = 0; at < sizes[i]; at++) {
            expect_none(&e.stream);
            send_bytes(e.peer, bytes + at, 1, NULL, 0);
            must_receive(&e);
        }
        expect_message(&e.stream, i, sizes[i], 0);
    }
    ends_finish(&e);
}

/* More than the buffer holds waits in the socket; nothing is overwritten. */
static void test_flood(void)
{
    unsigned next = 0;
    Ends e;

    ends_init(&e);
    for (unsigned i = 0; i < 100; i++) {
        send_sized(&e, i, 16 + i, NULL, 0);
    }
    while (next < 100) {
        must_receive(&e);
        /* A full buffer takes nothing more, and that is no end. */
        g_assert_cmpint(user_stream_receive(&e.stream, NULL), >=, 0);
        while (user_stream_pending(&e.stream)) {
            expect_message(&e.stream, next, 16 + next, 0);
            next++;
        }
    }
    expect_none(&e.stream);
    ends_finish(&e);
}

static void test_bad_size(void)
{
    static const uint32_t sizes[] = {0, 15, LARGEST + 1, UINT32_MAX};

    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(Error) err = NULL;
        VFIOUserHeader header = {.size = sizes[i]};
        UserMessage message;
        Ends e;

        ends_init(&e);
        send_sized(&e, 1, 20, NULL, 0);
        send_bytes(e.peer, &header, sizeof(header), NULL, 0);
        must_receive(&e);
        expect_message(&e.stream, 1, 20, 0);
        g_assert_true(user_stream_pending(&e.stream));
        g_assert_cmpint(user_stream_next(&e.stream, &message, &err), ==, -1);
        g_assert_nonnull(strstr(error_get_pretty(err), " and we take 16 to "));
        ends_finish(&e);
    }
}

static void test_close(void)
{
    Ends e;

    ends_init(&e);
    send_sized(&e, 1, 30, NULL, 0);
    send_bytes(e.peer, "half", 4, NULL, 0);
    fd_close(&e.peer);
    must_receive(&e);
    expect_message(&e.stream, 1, 30, 0);
    expect_end(&e, 0, "* in the middle of a message");
    ends_finish(&e);

    ends_init(&e);
    fd_close(&e.peer);
    expect_end(&e, 0, "* closed the connection");
    ends_finish(&e);

    /* It closes with something unread. */
    ends_init(&e);
    send_bytes(e.stream.fd, "x", 1, NULL, 0);
    fd_close(&e.peer);
    expect_end(&e, ECONNRESET, "*: Connection reset by peer");
    ends_finish(&e);
}

static void test_fds(void)
{
    int fds[3] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
    UserMessage message;
    Ends e;

    ends_init(&e);
    send_sized(&e, 1, 40, NULL, 0);
    send_sized(&e, 2, 40, fds, 3);
    send_sized(&e, 3, 40, NULL, 0);
    send_sized(&e, 4, 40, fds, 1);
    /* The kernel ends a receive behind those of 2. */
    must_receive(&e);
    expect_message(&e.stream, 1, 40, 0);
    expect_message(&e.stream, 2, 40, 3);
    expect_none(&e.stream);
    must_receive(&e);
    expect_message(&e.stream, 3, 40, 0);
    g_assert_cmpint(user_stream_next(&e.stream, &message, NULL), ==, 1);
    g_assert_cmpuint(message.num_fds, ==, 1);
    fds[0] = fd_steal(&message.fds[0]);
    expect_none(&e.stream);
    /* Taken, so still open. */
    g_assert_cmpint(fcntl(fds[0], F_GETFD), ==, FD_CLOEXEC);
    fd_close(&fds[0]);
    ends_finish(&e);
}

/*
 * One message cut at every byte, descriptors with both halves, and others
 * before and behind it; then the stream goes with all of it untaken.
 */
static void test_fds_cut(void)
{
    const int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    uint8_t bytes[100];

    fill_message(bytes, 7, sizeof(bytes));
    for (size_t cut = 1; cut < sizeof(bytes); cut++) {
        Ends e;

        ends_init(&e);
        send_sized(&e, 6, 24, fds, 1);
        send_bytes(e.peer, bytes, cut, fds, 2);
        send_bytes(e.peer, bytes + cut, sizeof(bytes) - cut, fds, 1);
        send_sized(&e, 8, 24, fds, 2);
        must_receive(&e);
        must_receive(&e);
        must_receive(&e);
        expect_message(&e.stream, 6, 24, 1);
        expect_message(&e.stream, 7, sizeof(bytes), 3);
        expect_none(&e.stream);
        must_receive(&e);
        if (cut % 2) {
            expect_message(&e.stream, 8, 24, 2);
        }
        ends_finish(&e);
    }
}

/* They wait while the buffer is moved beneath them. */
static void test_fds_moved(void)
{
    const int fds[1] = {STDIN_FILENO};
    uint8_t bytes[LARGEST];
    Ends e;

    ends_init(&e);
    fill_message(bytes, 2, LARGEST);
    send_sized(&e, 1, 100, NULL, 0);
    send_bytes(e.peer, bytes, 156, fds, 1);
    must_receive(&e);
    expect_message(&e.stream, 1, 100, 0);
    expect_none(&e.stream);
    send_bytes(e.peer, bytes + 156, 100, NULL, 0);
    send_sized(&e, 3, 20, NULL, 0);
    must_receive(&e);
    expect_message(&e.stream, 2, LARGEST, 1);
    must_receive(&e);
    expect_message(&e.stream, 3, 20, 0);
    ends_finish(&e);
}

static void test_too_many_fds(void)
{
    int fds[USER_STREAM_FDS + 1];
    Ends e;

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        fds[i] = STDIN_FILENO;
    }
    ends_init(&e);
    send_sized(&e, 1, 40, fds, USER_STREAM_FDS);
    must_receive(&e);
    expect_message(&e.stream, 1, 40, USER_STREAM_FDS);
    send_sized(&e, 2, 40, fds, USER_STREAM_FDS + 1);
    expect_end(&e, EMFILE, "*more descriptors than we take (64)*");
    ends_finish(&e);

    /* With any number of them there already, odd or even; and all of them. */
    for (unsigned have = 1; have <= USER_STREAM_FDS; have++) {
        ends_init(&e);
        send_bytes(e.peer, "a", 1, fds, have);
        must_receive(&e);
        send_bytes(e.peer, "b", 1, fds, USER_STREAM_FDS + 1 - have);
        expect_end(&e, EMFILE, "*more descriptors than we take (64)*");
        ends_finish(&e);
    }
}

/* A socket that the server made may tell us things that we did not ask for. */
static void test_credentials(void)
{
    const int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    const int on = 1;
    Ends e;

    ends_init(&e);
    g_assert_cmpint(
        setsockopt(e.stream.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), ==,
        0);
    send_sized(&e, 1, 40, NULL, 0);
    must_receive(&e);
    expect_message(&e.stream, 1, 40, 0);
    send_sized(&e, 2, 40, fds, 2);
    must_receive(&e);
    expect_message(&e.stream, 2, 40, 2);
    ends_finish(&e);
}

/* ... or for a descriptor of each sender; a kernel before 6.5 has none. */
static void test_pidfds(void)
{
    const int on = 1;
    const int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    Ends e;

    ends_init(&e);
    if (setsockopt(e.stream.fd, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) <
        0) {
        g_assert_cmpint(errno, ==, ENOPROTOOPT);
    }
    for (unsigned i = 0; i < 8; i++) {
        send_sized(&e, i, 40, fds, i % 3);
        must_receive(&e);
        expect_message(&e.stream, i, 40, i % 3);
    }
    ends_finish(&e);
}

/* We are the ones who have no room. */
static void test_no_descriptors(void)
{
    const int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    struct rlimit old;
    Ends e;

    ends_init(&e);
    send_sized(&e, 1, 40, fds, 2);
    old = fd_limit_set(1);
    expect_end(&e, EMFILE, "*, or we may open no more");
    fd_limit_restore(&old);
    ends_finish(&e);
}

/* -- Sending -- */

/* Of three parts, one of them empty. */
static UserOutput three_parts(uint8_t *bytes, size_t first, size_t third)
{
    return (UserOutput){
        .iov = {{bytes, first}, {NULL, 0}, {bytes + first, third}},
        .num_iov = 3,
    };
}

static void test_send(void)
{
    const int fds[3] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
    g_autofree Message *m = g_new(Message, 1);
    uint8_t bytes[100];
    UserOutput output;
    Error *err = NULL;
    Ends e;

    ends_init(&e);
    fill_message(bytes, 9, sizeof(bytes));
    output = three_parts(bytes, HEADER, sizeof(bytes) - HEADER);
    output.fds = fds;
    output.num_fds = 3;
    g_assert_cmpint(user_stream_send(&e.stream, &output, &err), ==, 1);
    g_assert_null(err);
    receive_message(e.peer, m);
    g_assert_cmpuint(m->num_fds, ==, 3);
    g_assert_cmpmem(m->payload, m->size, bytes + HEADER,
                    sizeof(bytes) - HEADER);
    for (unsigned i = 0; i < 3; i++) {
        fd_close(&m->fds[i]);
    }
    ends_finish(&e);
}

/* More than the socket holds goes out in pieces, the descriptors once. */
static void test_send_pieces(void)
{
    const size_t size = 4 << 20;
    const int fds[1] = {STDIN_FILENO};
    g_autofree uint8_t *bytes = g_malloc(size);
    g_autofree uint8_t *got = g_malloc(size);
    g_autofree Message *m = g_new0(Message, 1);
    UserOutput output;
    unsigned pieces = 0;
    unsigned seen = 0;
    size_t have = 0;
    Ends e;

    ends_init(&e);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = i * 7 + (i >> 8);
    }
    output = three_parts(bytes, 100000, size - 100000);
    output.fds = fds;
    output.num_fds = 1;
    while (have < size) {
        int sent = user_stream_send(&e.stream, &output, NULL);
        int left = sent ? 0 : 1;

        g_assert_cmpint(sent, >=, 0);
        g_assert_cmpint(sent, ==, output.num_iov == 0);
        pieces += left;
        /* Some of it, so that the next piece is cut anywhere. */
        for (unsigned i = 0; i < 5 && have < size; i++) {
            size_t part = MIN(33333, size - have);

            m->num_fds = 0;
            g_assert_true(receive_bytes(e.peer, got + have, part, m));
            have += part;
            seen += m->num_fds;
            if (m->num_fds) {
                fd_close(&m->fds[0]);
            }
            if (sent == 0) {
                break;
            }
        }
    }
    g_assert_cmpuint(pieces, >, 1);
    g_assert_cmpuint(seen, ==, 1);
    g_assert_cmpmem(got, size, bytes, size);
    ends_finish(&e);
}

static void test_send_full(void)
{
    static uint8_t bytes[1 << 20];
    UserOutput output = {.iov = {{bytes, sizeof(bytes)}}, .num_iov = 1};
    Error *err = NULL;
    size_t left;
    Ends e;

    ends_init(&e);
    while (user_stream_send(&e.stream, &output, &err) != 0 ||
           output.iov[0].iov_len == sizeof(bytes)) {
        output = (UserOutput){.iov = {{bytes, sizeof(bytes)}}, .num_iov = 1};
    }
    do {
        left = output.iov[0].iov_len;
        g_assert_cmpint(user_stream_send(&e.stream, &output, &err), ==, 0);
    } while (output.iov[0].iov_len < left);
    g_assert_null(err);
    ends_finish(&e);
}

/* It is an error, not a signal. */
static void test_send_closed(void)
{
    g_autoptr(Error) err = NULL;
    uint8_t byte = 0;
    UserOutput output = {.iov = {{&byte, 1}}, .num_iov = 1};
    Ends e;

    ends_init(&e);
    fd_close(&e.peer);
    g_assert_cmpint(user_stream_send(&e.stream, &output, &err), ==, -1);
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "cannot send to the server: Broken pipe");
    ends_finish(&e);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-stream/burst", test_burst);
    g_test_add_func("/user-stream/cuts", test_cuts);
    g_test_add_func("/user-stream/bytes", test_bytes);
    g_test_add_func("/user-stream/flood", test_flood);
    g_test_add_func("/user-stream/bad-size", test_bad_size);
    g_test_add_func("/user-stream/close", test_close);
    g_test_add_func("/user-stream/fds", test_fds);
    g_test_add_func("/user-stream/fds-cut", test_fds_cut);
    g_test_add_func("/user-stream/fds-moved", test_fds_moved);
    g_test_add_func("/user-stream/too-many-fds", test_too_many_fds);
    g_test_add_func("/user-stream/credentials", test_credentials);
    g_test_add_func("/user-stream/pidfds", test_pidfds);
    g_test_add_func("/user-stream/no-descriptors", test_no_descriptors);
    g_test_add_func("/user-stream/send", test_send);
    g_test_add_func("/user-stream/send-pieces", test_send_pieces);
    g_test_add_func("/user-stream/send-full", test_send_full);
    g_test_add_func("/user-stream/send-closed", test_send_closed);
    return g_test_run();
}
