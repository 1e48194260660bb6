/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../hw/vfio/user-conn.h"
#include "util/fd.h"

/*
 * A UserConn whose server is the test itself: the calls that wait are made in
 * threads of their own, and the test plays the server on blocking sockets.
 */

/* For answers that come; nothing waits that long unless it is broken. */
#define PATIENCE_MS 60000
#define CAPS_TWIN                                             \
    "{\"capabilities\":{\"twin_socket\":{\"supported\":true," \
    "\"fd_index\":0}}}"
#define PAYLOAD_ROOM 65536

typedef struct Message {
    VFIOUserHeader header;
    uint8_t payload[PAYLOAD_ROOM];
    size_t size; /* of the payload */
    int fds[256];
    unsigned num_fds;
} Message;

/* What the client's user sees: a memory, and how often it broke. */
typedef struct User {
    uint8_t ram[65536]; /* from guest address 0 */
    atomic_uint reads;
    atomic_uint writes;
    atomic_uint broken;
} User;

typedef struct Session {
    User user;
    UserConn *conn;
    Error *err;
    int main; /* the server's ends */
    int twin;
    int client; /* handed over to user_conn_new() */
    uint32_t timeout_ms;
    unsigned open; /* descriptors, before it */
    pthread_t thread;
} Session;

typedef struct Call {
    UserConn *conn;
    UserRequest req;
    uint8_t reply[PAYLOAD_ROOM];
    int fds[8];
    int ret;
    pthread_t thread;
} Call;

static inline unsigned count_open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

static inline int user_dma(void *opaque, bool write, uint64_t iova, void *buf,
                           uint64_t size)
{
    User *user = opaque;

    if (iova >= sizeof(user->ram) || size > sizeof(user->ram) - iova) {
        return -EFAULT;
    }
    if (write) {
        memcpy(user->ram + iova, buf, size);
        atomic_fetch_add(&user->writes, 1);
    } else {
        memcpy(buf, user->ram + iova, size);
        atomic_fetch_add(&user->reads, 1);
    }
    return 0;
}

static inline void user_broken(void *opaque)
{
    User *user = opaque;

    atomic_fetch_add(&user->broken, 1);
}

static const UserConnClient user_client = {
    .dma = user_dma,
    .broken = user_broken,
};

/* -- The server's side -- */

static inline void send_bytes(int fd, const void *data, size_t size,
                              const int *fds, unsigned num_fds)
{
    char control[CMSG_SPACE(sizeof(int) * 256)]
        __attribute__((aligned(sizeof(size_t)))) = {0};
    struct iovec iov = {(void *)data, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    size_t fds_size = num_fds * sizeof(int);

    if (num_fds) {
        struct cmsghdr *c = (struct cmsghdr *)control;

        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(fds_size),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(c), fds, fds_size);
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(fds_size);
    }
    g_assert_cmpint(sendmsg(fd, &msg, MSG_NOSIGNAL), ==, size);
}

static inline void send_message(int fd, VFIOUserHeader header,
                                const void *payload, size_t size,
                                const int *fds, unsigned num_fds)
{
    g_autofree uint8_t *bytes = g_malloc(sizeof(header) + size);

    header.size = sizeof(header) + size;
    memcpy(bytes, &header, sizeof(header));
    if (size) {
        memcpy(bytes + sizeof(header), payload, size);
    }
    send_bytes(fd, bytes, header.size, fds, num_fds);
}

static inline void send_reply(int fd, const Message *request,
                              const void *payload, size_t size)
{
    VFIOUserHeader header = {.id = request->header.id,
                             .command = request->header.command,
                             .flags = VFIO_USER_FLAG_REPLY};

    send_message(fd, header, payload, size, NULL, 0);
}

/* False at the end. */
static inline bool receive_bytes(int fd, void *data, size_t size,
                                 Message *message)
{
    char control[CMSG_SPACE(sizeof(int) * 256)]
        __attribute__((aligned(sizeof(size_t))));
    char *at = data;

    while (size > 0) {
        struct iovec iov = {at, size};
        struct msghdr msg = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

        if (n <= 0) {
            return false;
        }
        if (c) {
            message->num_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(message->fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
        }
        at += n;
        size -= n;
    }
    return true;
}

static inline bool try_receive_message(int fd, Message *message)
{
    message->num_fds = 0;
    if (!receive_bytes(fd, &message->header, sizeof(message->header),
                       message)) {
        return false;
    }
    message->size = message->header.size - sizeof(message->header);
    g_assert_cmpuint(message->size, <=, sizeof(message->payload));
    return receive_bytes(fd, message->payload, message->size, message);
}

static inline void receive_message(int fd, Message *message)
{
    g_assert_true(try_receive_message(fd, message));
}

/* The next message is the client's request, @command. */
static inline void receive_request(int fd, uint16_t command, Message *message)
{
    receive_message(fd, message);
    g_assert_cmpuint(message->header.command, ==, command);
    g_assert_cmpuint(message->header.flags & VFIO_USER_FLAG_TYPE, ==, 0);
}

static inline void send_dma(int fd, uint16_t id, bool write, uint64_t iova,
                            uint64_t count, const void *data, uint32_t flags)
{
    VFIOUserDmaAccess access = {iova, count};
    size_t size = sizeof(access) + (write ? count : 0);
    g_autofree uint8_t *payload = g_malloc(size);
    VFIOUserHeader header = {
        .id = id,
        .command = write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ,
        .flags = flags,
    };

    memcpy(payload, &access, sizeof(access));
    if (write && count) {
        memcpy(payload + sizeof(access), data, count);
    }
    send_message(fd, header, payload, size, NULL, 0);
}

/* -- The client's -- */

static inline void *session_thread(void *opaque)
{
    Session *s = opaque;

    s->conn = user_conn_new(s->client, s->timeout_ms, &user_client, &s->user,
                            &s->err);
    return NULL;
}

static inline void session_init(Session *s, uint32_t timeout_ms)
{
    int ends[2];

    memset(s, 0, sizeof(*s));
    s->open = count_open_fds();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                    ==, 0);
    s->client = ends[0];
    s->main = ends[1];
    s->twin = -1;
    s->timeout_ms = timeout_ms;
}

/* Starts user_conn_new(); the test answers VERSION and calls _join(). */
static inline void session_start(Session *s, uint32_t timeout_ms)
{
    session_init(s, timeout_ms);
    pthread_create(&s->thread, NULL, session_thread, s);
}

static inline void session_join(Session *s)
{
    pthread_join(s->thread, NULL);
    g_assert_true(!s->conn == !!s->err);
}

/* The VERSION payload with @json behind it, or without when that is NULL. */
static inline GByteArray *version_payload(uint16_t minor, const char *json)
{
    const VFIOUserVersion version = {0, minor};
    GByteArray *payload = g_byte_array_new();

    g_byte_array_append(payload, (const guint8 *)&version, sizeof(version));
    if (json) {
        g_byte_array_append(payload, (const guint8 *)json, strlen(json) + 1);
    }
    return payload;
}

static inline void send_version(int fd, const Message *request,
                                const char *json, const int *fds,
                                unsigned num_fds)
{
    g_autoptr(GByteArray) payload = version_payload(2, json);
    VFIOUserHeader header = {.id = request->header.id,
                             .command = VFIO_USER_VERSION,
                             .flags = VFIO_USER_FLAG_REPLY};

    send_message(fd, header, payload->data, payload->len, fds, num_fds);
}

/* The answer is there before the question, whose id is 1, so that no timeout,
 * however short, strikes here. */
static inline void session_open(Session *s, bool twin, uint32_t timeout_ms)
{
    g_autofree Message *request = g_new0(Message, 1);
    int ends[2] = {-1, -1};

    session_init(s, timeout_ms);
    request->header.id = 1;
    if (twin) {
        g_assert_cmpint(
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    }
    send_version(s->main, request, twin ? CAPS_TWIN : NULL, ends, twin);
    fd_close(&ends[0]);
    s->twin = ends[1];
    session_thread(s);
    g_assert_nonnull(s->conn);
    receive_request(s->main, VFIO_USER_VERSION, request);
    g_assert_cmpuint(request->header.id, ==, 1);
}

static inline void session_finish(Session *s)
{
    user_conn_free(s->conn);
    error_free(s->err);
    fd_close(&s->main);
    fd_close(&s->twin);
    g_assert_cmpuint(count_open_fds(), ==, s->open);
}

static inline void *call_thread(void *opaque)
{
    Call *call = opaque;

    call->ret = user_conn_call(call->conn, &call->req);
    return NULL;
}

/* One with room for @room bytes of reply and @fd_room descriptors. */
static inline void call_init(Call *call, Session *s, uint16_t command,
                             size_t room, unsigned fd_room)
{
    g_assert_cmpuint(fd_room, <=, G_N_ELEMENTS(call->fds));
    call->conn = s->conn;
    call->req = (UserRequest){
        .command = command,
        .reply = call->reply,
        .reply_size = room,
        .reply_fds = call->fds,
        .num_reply_fds = fd_room,
    };
}

static inline void call_begin(Call *call)
{
    pthread_create(&call->thread, NULL, call_thread, call);
}

/* No payload, no descriptors. */
static inline void call_start(Call *call, Session *s, uint16_t command,
                              size_t room)
{
    call_init(call, s, command, room, 0);
    call_begin(call);
}

static inline int call_join(Call *call)
{
    pthread_join(call->thread, NULL);
    return call->ret;
}

/* -- Broken ones -- */

/* It is broken, for a reason that matches, and says so to everybody. */
static inline void expect_broken(Session *s, const char *pattern)
{
    UserRequest req = {.command = VFIO_USER_DEVICE_RESET};

    g_assert_true(user_conn_broken(s->conn));
    if (!g_pattern_match_simple(pattern, user_conn_reason(s->conn))) {
        g_test_message("%s: %s", pattern, user_conn_reason(s->conn));
        g_test_fail();
    }
    g_assert_cmpint(user_conn_call(s->conn, &req), ==, -ENOTCONN);
    g_assert_cmpint(user_conn_post(s->conn, &req), ==, -ENOTCONN);
    user_conn_break(s->conn, "a second reason");
    g_assert_true(g_pattern_match_simple(pattern, user_conn_reason(s->conn)));
    g_assert_cmpuint(atomic_load(&s->user.broken), ==, 1);
}

static inline void expect_call_broken(Call *call)
{
    g_assert_cmpint(call_join(call), ==, -ENOTCONN);
    g_assert_cmpuint(call->req.reply_size, ==, 0);
    g_assert_cmpuint(call->req.num_reply_fds, ==, 0);
}
