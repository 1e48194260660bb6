/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target of hw/vfio/user-conn.c and what is below it: the input is what a
 * vfio-user server does, step by step. Each step is an operation, its argument
 * and, where it sends, that many bytes. Beyond not crashing it checks that the
 * connection breaks at most once and with a reason, that what the client sends
 * are messages, and that no descriptor is left.
 */

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../hw/vfio/user-conn.h"
#include "fuzz.h"
#include "util/fd.h"
#include "util/main-loop.h"

/* Waited out at most once an input, because it breaks the connection. */
#define TIMEOUT_MS 1
#define MAX_STEPS 256
#define MAX_FDS 70

/* The low bits of an operation; the others say how many descriptors to add. */
typedef enum Operation {
    SEND_MAIN,
    SEND_TWIN,
    TURN,  /* of the main loop */
    CALL,  /* with room for as many bytes as the argument says */
    POST,  /* of as many bytes */
    WATCH, /* or not */
    READ,  /* what the client has sent */
    CLOSE, /* the main socket, or the twin */
} Operation;

#define OPERATION_BITS 3

typedef struct Server {
    const uint8_t *data; /* what is left of the input */
    size_t size;
    int client; /* until it is connected */
    int main;
    int twin;
    int twin_client; /* the descriptor that goes with each message */
    UserConn *conn;
    unsigned broken;
    GByteArray *seen[2];
} Server;

static uint8_t ram[4096];

static int dma(void *opaque, bool write, uint64_t iova, void *buf,
               uint64_t size)
{
    g_assert_cmpuint(size, >, 0);
    if (iova >= sizeof(ram) || size > sizeof(ram) - iova) {
        /* All of it is ours to fill or to read, whatever we answer. */
        memset(buf, 0, size);
        return -EFAULT;
    }
    if (write) {
        memcpy(ram + iova, buf, size);
    } else {
        memcpy(buf, ram + iova, size);
    }
    return 0;
}

static void broken(void *opaque)
{
    Server *server = opaque;

    server->broken++;
}

static const UserConnClient client = {.dma = dma, .broken = broken};

static unsigned count_open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

static void connect_once(Server *server)
{
    g_autoptr(Error) err = NULL;

    if (server->client < 0) {
        return;
    }
    server->conn = user_conn_new(fd_steal(&server->client), TIMEOUT_MS, &client,
                                 server, &err);
    g_assert_true(!server->conn == !!err);
    g_assert_cmpuint(server->broken, ==, 0);
}

static void send_step(Server *server, int fd, size_t size, unsigned num_fds)
{
    char control[CMSG_SPACE(MAX_FDS * sizeof(int))]
        __attribute__((aligned(sizeof(size_t)))) = {0};
    struct cmsghdr *c = (struct cmsghdr *)control;
    struct iovec iov = {(void *)server->data, MIN(size, server->size)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    server->data += iov.iov_len;
    server->size -= iov.iov_len;
    /* Up to 28, or more than the client takes. */
    num_fds = num_fds > 28 ? MAX_FDS : num_fds;
    if (num_fds > 0) {
        c->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        for (unsigned i = 0; i < num_fds; i++) {
            memcpy(CMSG_DATA(c) + i * sizeof(int), &server->twin_client,
                   sizeof(int));
        }
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
    }
    if (iov.iov_len > 0) {
        sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void read_step(Server *server)
{
    uint8_t bytes[4096];
    ssize_t n;

    for (unsigned i = 0; i < 2; i++) {
        while ((n = recv(i ? server->twin : server->main, bytes, sizeof(bytes),
                         MSG_DONTWAIT)) > 0) {
            g_byte_array_append(server->seen[i], bytes, n);
        }
    }
}

static void call_step(Server *server, size_t room)
{
    g_autofree uint8_t *reply = g_malloc(room);
    int fds[2];
    UserRequest req = {
        .command = VFIO_USER_REGION_READ,
        .head = ram,
        .head_size = 16,
        .reply = reply,
        .reply_size = room,
        .reply_fds = fds,
        .num_reply_fds = G_N_ELEMENTS(fds),
    };
    int ret = user_conn_call(server->conn, &req);

    g_assert_cmpint(ret, <=, 0);
    g_assert_cmpuint(req.reply_size, <=, ret ? 0 : room);
    g_assert_cmpuint(req.num_reply_fds, <=, ret ? 0 : 2);
    /* Not the other way round: it may break behind the answer. */
    g_assert_true(ret != -ENOTCONN || user_conn_broken(server->conn));
    for (unsigned i = 0; i < req.num_reply_fds; i++) {
        fd_close(&fds[i]);
    }
}

static void post_step(Server *server, size_t size)
{
    g_autofree uint8_t *data = g_malloc0(size);
    UserRequest req = {
        .command = VFIO_USER_REGION_WRITE, .data = data, .data_size = size};
    int ret = user_conn_post(server->conn, &req);

    g_assert_cmpint(ret, ==, user_conn_broken(server->conn) ? -ENOTCONN : 0);
}

/* What needs a connection. */
static void client_step(Server *server, Operation operation, size_t argument)
{
    connect_once(server);
    if (!server->conn) {
        return;
    }
    switch (operation) {
    case CALL:
        call_step(server, argument);
        break;
    case POST:
        post_step(server, argument);
        break;
    case WATCH:
        if (!user_conn_broken(server->conn)) {
            user_conn_watch(server->conn, argument & 1);
        }
        break;
    default:
        main_loop_iterate(false);
        break;
    }
}

static void step(Server *server)
{
    uint8_t first = server->data[0];
    Operation operation = first & ((1 << OPERATION_BITS) - 1);
    size_t argument = server->data[1] | server->data[2] << 8;

    server->data += 3;
    server->size -= 3;
    switch (operation) {
    case SEND_MAIN:
        send_step(server, server->main, argument, first >> OPERATION_BITS);
        break;
    case SEND_TWIN:
        send_step(server, server->twin, argument, first >> OPERATION_BITS);
        break;
    case READ:
        read_step(server);
        break;
    case CLOSE:
        read_step(server);
        shutdown(argument & 1 ? server->twin : server->main, SHUT_RDWR);
        break;
    default:
        client_step(server, operation, argument);
        break;
    }
}

/* Messages, the last one possibly cut where the socket was full. */
static void check_seen(const GByteArray *seen)
{
    size_t at = 0;

    while (seen->len - at >= sizeof(VFIOUserHeader)) {
        VFIOUserHeader header;

        memcpy(&header, seen->data + at, sizeof(header));
        g_assert_cmpuint(header.size, >=, sizeof(header));
        g_assert_cmpuint(header.size, <=, 16 + 65536);
        g_assert_cmphex(header.flags & ~0x31u, ==, 0);
        at += MIN(header.size, seen->len - at);
    }
}

static void server_init(Server *server)
{
    int ends[2], twins[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, twins), ==, 0);
    server->client = ends[0];
    server->main = ends[1];
    server->twin_client = twins[0];
    server->twin = twins[1];
    server->seen[0] = g_byte_array_new();
    server->seen[1] = g_byte_array_new();
}

static void server_finish(Server *server)
{
    read_step(server);
    check_seen(server->seen[0]);
    check_seen(server->seen[1]);
    if (server->conn) {
        g_assert_cmpuint(server->broken, ==, user_conn_broken(server->conn));
        g_assert_true(!server->broken == !user_conn_reason(server->conn));
        user_conn_watch(server->conn, false);
    }
    user_conn_free(server->conn);
    fd_close(&server->client);
    fd_close(&server->main);
    fd_close(&server->twin_client);
    fd_close(&server->twin);
    g_byte_array_unref(server->seen[0]);
    g_byte_array_unref(server->seen[1]);
}

/* GLib keeps a descriptor of its own from the first loop on. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    main_loop_init(NULL);
    main_loop_iterate(false);
    main_loop_finish();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Server server = {.data = data, .size = size};
    unsigned open = count_open_fds();

    main_loop_init(NULL);
    server_init(&server);
    for (unsigned i = 0; i < MAX_STEPS && server.size >= 3; i++) {
        step(&server);
    }
    server_finish(&server);
    main_loop_finish();
    g_assert_cmpuint(count_open_fds(), ==, open);
    return 0;
}
