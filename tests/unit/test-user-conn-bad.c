/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vfio-user server that closes at any byte, lies, hangs or floods: the
 * connection breaks once, with a reason, every call fails from then on, and
 * nothing is left behind. Timeouts are waited for, never measured.
 */

#include <fcntl.h>

#include "../../hw/vfio/user-caps.h"
#include "fd-limit.h"
#include "user-fixture.h"

/* For answers that do not come. */
#define SHORT_MS 50

static const UserRequest plain = {.command = VFIO_USER_DEVICE_RESET};

/* -- VERSION -- */

/* user_conn_new() fails with an error that contains @expected. */
static void session_must_fail(Session *s, const char *expected)
{
    session_join(s);
    g_assert_null(s->conn);
    if (!strstr(error_get_pretty(s->err), expected)) {
        g_test_message("%s: %s", expected, error_get_pretty(s->err));
        g_test_fail();
    }
    /* There is nobody yet who could hear of it. */
    g_assert_cmpuint(atomic_load(&s->user.broken), ==, 0);
    session_finish(s);
}

/* The answer to VERSION as bytes. */
static GByteArray *version_bytes(const Message *request, const char *json)
{
    g_autoptr(GByteArray) payload = version_payload(2, json);
    GByteArray *bytes = g_byte_array_new();
    VFIOUserHeader header = {.id = request->header.id,
                             .command = VFIO_USER_VERSION,
                             .size = sizeof(header) + payload->len,
                             .flags = VFIO_USER_FLAG_REPLY};

    g_byte_array_append(bytes, (guint8 *)&header, sizeof(header));
    g_byte_array_append(bytes, payload->data, payload->len);
    return bytes;
}

/* Closed behind every byte of the answer but the last. */
static void test_version_cut(void)
{
    g_autofree Message *request = g_new(Message, 1);
    size_t size = SIZE_MAX;

    for (size_t cut = 0; cut < size; cut++) {
        g_autoptr(GByteArray) bytes = NULL;
        Session s;

        session_start(&s, PATIENCE_MS);
        receive_request(s.main, VFIO_USER_VERSION, request);
        bytes = version_bytes(request, CAPS_TWIN);
        size = bytes->len;
        if (cut > 0) {
            send_bytes(s.main, bytes->data, cut, NULL, 0);
        }
        fd_close(&s.main);
        session_must_fail(&s, "has it another client?");
    }
}

/* Gone before a word was said, as the one who serves somebody else. */
static void test_version_close(void)
{
    int ends[2];
    Session s;

    session_start(&s, PATIENCE_MS);
    fd_close(&s.main);
    session_must_fail(&s, "has it another client?");

    memset(&s, 0, sizeof(s));
    s.open = count_open_fds();
    s.twin = s.main = -1;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
    close(ends[1]);
    s.conn = user_conn_new(ends[0], PATIENCE_MS, &user_client, &s.user, &s.err);
    g_assert_null(s.conn);
    g_assert_cmpstr(error_get_pretty(s.err), ==,
                    "cannot send to the server: Broken pipe; has it another "
                    "client?");
    session_finish(&s);
}

static void check_version_answer(VFIOUserHeader header, const void *payload,
                                 size_t size, const char *expected)
{
    g_autofree Message *request = g_new(Message, 1);
    Session s;

    session_start(&s, PATIENCE_MS);
    receive_request(s.main, VFIO_USER_VERSION, request);
    header.id += request->header.id;
    send_message(s.main, header, payload, size, NULL, 0);
    session_must_fail(&s, expected);
}

static void test_version_answers(void)
{
    static const VFIOUserVersion other = {1, 0};
    VFIOUserHeader header = {.command = VFIO_USER_VERSION,
                             .flags = VFIO_USER_FLAG_REPLY};

    check_version_answer(header, &other, sizeof(other), "speaks version 1.0");
    check_version_answer(header, NULL, 0, "VERSION has 0 bytes");
    header.flags |= VFIO_USER_FLAG_ERROR;
    header.error = EINVAL;
    check_version_answer(header, NULL, 0,
                         "the server refused our VERSION: Invalid argument");
    header.flags = VFIO_USER_FLAG_REPLY;
    header.command = VFIO_USER_DMA_MAP;
    check_version_answer(header, &other, 4, "answered VERSION as command 2");
    header.command = VFIO_USER_VERSION;
    header.id = 1;
    check_version_answer(header, &other, 4, "which was not made");
    header.flags = 0;
    header.command = VFIO_USER_DMA_READ;
    check_version_answer(header, &other, 4,
                         "sent a command instead of its VERSION");
}

static void test_version_silence(void)
{
    Session s;

    session_start(&s, SHORT_MS);
    session_must_fail(&s, "no answer to VERSION within 50 ms");
}

static void check_twin(int fd, unsigned num_fds, const char *expected)
{
    g_autofree Message *request = g_new(Message, 1);
    Session s;

    session_start(&s, PATIENCE_MS);
    receive_request(s.main, VFIO_USER_VERSION, request);
    send_version(s.main, request, CAPS_TWIN, &fd, num_fds);
    session_must_fail(&s, expected);
}

static void test_version_twin(void)
{
    autofd int null = open("/dev/null", O_RDWR);
    autofd int datagram = socket(AF_UNIX, SOCK_DGRAM, 0);

    check_twin(-1, 0, "promises a twin socket");
    check_twin(null, 1, "the server's twin socket is no stream socket");
    check_twin(datagram, 1, "the server's twin socket is no stream socket");
}

/* Descriptors that are none of a twin's are closed. */
static void test_version_fds(void)
{
    const int fds[3] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
    g_autofree Message *request = g_new(Message, 1);
    Session s;

    session_start(&s, PATIENCE_MS);
    receive_request(s.main, VFIO_USER_VERSION, request);
    send_version(s.main, request, NULL, fds, 3);
    session_join(&s);
    g_assert_nonnull(s.conn);
    session_finish(&s);
}

static void test_no_descriptors(void)
{
    struct rlimit old;
    int ends[2];
    Session s = {.main = -1, .twin = -1};

    s.open = count_open_fds();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
    old = fd_limit_set(0);
    s.conn = user_conn_new(ends[0], PATIENCE_MS, &user_client, &s.user, &s.err);
    fd_limit_restore(&old);
    g_assert_null(s.conn);
    g_assert_nonnull(strstr(error_get_pretty(s.err), "eventfd"));
    close(ends[1]);
    session_finish(&s);
}

/* What was handed over as a socket is none. */
static void test_no_socket(void)
{
    Session s = {.main = -1, .twin = -1};

    s.open = count_open_fds();
    s.conn = user_conn_new(open("/dev/null", O_RDWR | O_CLOEXEC), PATIENCE_MS,
                           &user_client, &s.user, &s.err);
    g_assert_null(s.conn);
    g_assert_nonnull(strstr(error_get_pretty(s.err),
                            "cannot send to the server: Socket operation on "
                            "non-socket"));
    session_finish(&s);
}

/* -- Answers -- */

/* Closed behind every byte of an answer. */
static void test_reply_cut(void)
{
    static const uint8_t payload[24];
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);

    for (size_t cut = 0; cut < sizeof(VFIOUserHeader) + 24; cut++) {
        uint8_t bytes[sizeof(VFIOUserHeader) + sizeof(payload)] = {0};
        VFIOUserHeader header = {.flags = VFIO_USER_FLAG_REPLY,
                                 .size = sizeof(bytes)};
        Session s;

        session_open(&s, cut % 2, PATIENCE_MS);
        call_start(call, &s, VFIO_USER_REGION_READ, 24);
        receive_request(s.main, VFIO_USER_REGION_READ, m);
        header.id = m->header.id;
        header.command = m->header.command;
        memcpy(bytes, &header, sizeof(header));
        if (cut > 0) {
            send_bytes(s.main, bytes, cut, NULL, 0);
        }
        fd_close(&s.main);
        expect_call_broken(call);
        expect_broken(&s, cut ? "the server closed the connection in the "
                                "middle of a message"
                              : "the server closed the connection");
        session_finish(&s);
    }
}

/* One answer that is wrong as @flags, ..., say. */
static void check_reply(int id_offset, int command_offset, uint32_t flags,
                        size_t size, unsigned num_fds, const char *pattern)
{
    static const uint8_t payload[USER_MESSAGE_SIZE];
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    VFIOUserHeader header = {.flags = flags};
    int fds[100];
    Session s;

    for (unsigned i = 0; i < num_fds; i++) {
        fds[i] = STDIN_FILENO;
    }
    session_open(&s, true, PATIENCE_MS);
    call_init(call, &s, VFIO_USER_REGION_READ, 24, 1);
    call_begin(call);
    receive_request(s.main, VFIO_USER_REGION_READ, m);
    header.id = m->header.id + id_offset;
    header.command = m->header.command + command_offset;
    send_message(s.main, header, payload, size, fds, num_fds);
    expect_call_broken(call);
    expect_broken(&s, pattern);
    session_finish(&s);
}

static void test_replies(void)
{
    check_reply(1, 0, VFIO_USER_FLAG_REPLY, 24, 0,
                "the server answered request *, which was not made");
    check_reply(0, 1, VFIO_USER_FLAG_REPLY, 24, 0,
                "the server answered REGION_READ as command 10");
    check_reply(0, 1, VFIO_USER_FLAG_REPLY | VFIO_USER_FLAG_ERROR, 0, 0,
                "the server answered REGION_READ as command 10");
    check_reply(0, 0, 2, 24, 0, "the server sent a message of type 2");
    check_reply(0, 0, 0xf, 0, 0, "the server sent a message of type 15");
    check_reply(0, 0, VFIO_USER_FLAG_REPLY, 25, 0,
                "the server answered REGION_READ with 25 bytes, and at most "
                "24 make sense");
    check_reply(0, 0, VFIO_USER_FLAG_REPLY, 24, 2,
                "the server answered REGION_READ with 2 descriptors, and at "
                "most 1 make sense");
    check_reply(0, 0, VFIO_USER_FLAG_REPLY, 24, 65,
                "the server sent more descriptors than we take (64)*");
    check_reply(0, 0, VFIO_USER_FLAG_REPLY,
                USER_MESSAGE_SIZE - sizeof(VFIOUserHeader), 0,
                "the server answered REGION_READ with 32784 bytes*");
    check_reply(0, 0, VFIO_USER_FLAG_REPLY,
                USER_MESSAGE_SIZE - sizeof(VFIOUserHeader) + 1, 0,
                "the server sent a message of 32801 bytes, and we take 16 to "
                "32800");
}

/* A header that cannot be, on either socket. */
static void check_size(bool on_twin, uint32_t size)
{
    const VFIOUserHeader header = {.size = size};
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, true, PATIENCE_MS);
    call_start(call, &s, VFIO_USER_REGION_READ, 24);
    receive_request(s.main, VFIO_USER_REGION_READ, m);
    send_bytes(on_twin ? s.twin : s.main, &header, sizeof(header), NULL, 0);
    expect_call_broken(call);
    expect_broken(&s, "the server sent a message of *");
    session_finish(&s);
}

static void test_sizes(void)
{
    for (int twin = 0; twin < 2; twin++) {
        check_size(twin, 0);
        check_size(twin, 15);
        check_size(twin, USER_MESSAGE_SIZE + 1);
        check_size(twin, UINT32_MAX);
    }
}

/* The same answer twice, and one that nobody wants. */
static void test_twice(void)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, false, PATIENCE_MS);
    call_start(call, &s, VFIO_USER_REGION_READ, 24);
    receive_request(s.main, VFIO_USER_REGION_READ, m);
    send_reply(s.main, m, NULL, 0);
    g_assert_cmpint(call_join(call), ==, 0);
    send_reply(s.main, m, NULL, 0);
    call_start(call, &s, VFIO_USER_REGION_READ, 24);
    expect_call_broken(call);
    expect_broken(&s, "the server answered request *, which was not made");
    session_finish(&s);

    /* NO_REPLY was said. */
    session_open(&s, false, PATIENCE_MS);
    g_assert_cmpint(user_conn_post(s.conn, &plain), ==, 0);
    receive_request(s.main, VFIO_USER_DEVICE_RESET, m);
    send_reply(s.main, m, NULL, 0);
    call_start(call, &s, VFIO_USER_REGION_READ, 24);
    expect_call_broken(call);
    expect_broken(&s, "the server answered request *, which was not made");
    session_finish(&s);
}

static void test_twin_reply(void)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, true, PATIENCE_MS);
    call_start(call, &s, VFIO_USER_REGION_READ, 24);
    receive_request(s.main, VFIO_USER_REGION_READ, m);
    send_reply(s.twin, m, NULL, 0);
    expect_call_broken(call);
    expect_broken(&s, "the server sent a reply where its commands go");
    session_finish(&s);
}

static void test_twin_close(void)
{
    g_autofree Call *call = g_new(Call, 1);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, true, PATIENCE_MS);
    call_start(call, &s, VFIO_USER_REGION_READ, 24);
    receive_request(s.main, VFIO_USER_REGION_READ, m);
    fd_close(&s.twin);
    expect_call_broken(call);
    expect_broken(&s, "the server closed the connection");
    session_finish(&s);
}

/* Each thread that waits hears of it. */
static void test_all_hear(void)
{
    g_autofree Call *calls = g_new(Call, 3);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, false, PATIENCE_MS);
    for (unsigned i = 0; i < 3; i++) {
        call_start(&calls[i], &s, VFIO_USER_REGION_READ, 24);
        receive_request(s.main, VFIO_USER_REGION_READ, m);
    }
    fd_close(&s.main);
    for (unsigned i = 0; i < 3; i++) {
        expect_call_broken(&calls[i]);
    }
    expect_broken(&s, "the server closed the connection");
    session_finish(&s);

    session_open(&s, true, PATIENCE_MS);
    for (unsigned i = 0; i < 3; i++) {
        call_start(&calls[i], &s, VFIO_USER_REGION_READ, 24);
        receive_request(s.main, VFIO_USER_REGION_READ, m);
    }
    user_conn_break(s.conn, "the answer to %s makes no sense", "X");
    for (unsigned i = 0; i < 3; i++) {
        expect_call_broken(&calls[i]);
    }
    expect_broken(&s, "the answer to X makes no sense");
    session_finish(&s);
}

/* -- Time -- */

static void test_silence(void)
{
    g_autofree Call *calls = g_new(Call, 2);
    g_autofree Message *m = g_new(Message, 1);
    Session s;

    session_open(&s, false, SHORT_MS);
    call_start(&calls[0], &s, VFIO_USER_REGION_READ, 24);
    call_start(&calls[1], &s, VFIO_USER_REGION_READ, 24);
    expect_call_broken(&calls[0]);
    expect_call_broken(&calls[1]);
    expect_broken(&s, "no answer to REGION_READ within 50 ms");
    /* The server sees what was asked, and the end. */
    receive_request(s.main, VFIO_USER_REGION_READ, m);
    while (try_receive_message(s.main, m)) {
    }
    session_finish(&s);
}

typedef struct Flood {
    int fd;
    bool broken_pipe;
} Flood;

/* Commands without an end, as fast as they are taken. */
static void *flood_thread(void *opaque)
{
    static const struct {
        VFIOUserHeader header;
        VFIOUserDmaAccess access;
    } command = {
        .header = {.command = VFIO_USER_DMA_READ,
                   .size = sizeof(command),
                   .flags = VFIO_USER_FLAG_NO_REPLY},
        .access = {0, 8},
    };
    Flood *flood = opaque;

    while (send(flood->fd, &command, sizeof(command), MSG_NOSIGNAL) ==
           sizeof(command)) {
    }
    flood->broken_pipe = errno == EPIPE;
    return NULL;
}

/* A server that is busy but does not answer is no better. */
static void test_flood_silence(void)
{
    for (int twin = 0; twin < 2; twin++) {
        g_autofree Call *call = g_new(Call, 1);
        g_autofree Message *m = g_new(Message, 1);
        pthread_t thread;
        Flood flood;
        Session s;

        session_open(&s, twin, SHORT_MS);
        flood = (Flood){.fd = twin ? s.twin : s.main};
        pthread_create(&thread, NULL, flood_thread, &flood);
        call_start(call, &s, VFIO_USER_REGION_READ, 24);
        receive_request(s.main, VFIO_USER_REGION_READ, m);
        expect_call_broken(call);
        pthread_join(thread, NULL);
        g_assert_true(flood.broken_pipe);
        expect_broken(&s, "no answer to REGION_READ within 50 ms");
        session_finish(&s);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-conn-bad/version-cut", test_version_cut);
    g_test_add_func("/user-conn-bad/version-close", test_version_close);
    g_test_add_func("/user-conn-bad/version-answers", test_version_answers);
    g_test_add_func("/user-conn-bad/version-silence", test_version_silence);
    g_test_add_func("/user-conn-bad/version-twin", test_version_twin);
    g_test_add_func("/user-conn-bad/version-fds", test_version_fds);
    g_test_add_func("/user-conn-bad/no-descriptors", test_no_descriptors);
    g_test_add_func("/user-conn-bad/no-socket", test_no_socket);
    g_test_add_func("/user-conn-bad/reply-cut", test_reply_cut);
    g_test_add_func("/user-conn-bad/replies", test_replies);
    g_test_add_func("/user-conn-bad/sizes", test_sizes);
    g_test_add_func("/user-conn-bad/twice", test_twice);
    g_test_add_func("/user-conn-bad/twin-reply", test_twin_reply);
    g_test_add_func("/user-conn-bad/twin-close", test_twin_close);
    g_test_add_func("/user-conn-bad/all-hear", test_all_hear);
    g_test_add_func("/user-conn-bad/silence", test_silence);
    g_test_add_func("/user-conn-bad/flood-silence", test_flood_silence);
    return g_test_run();
}
