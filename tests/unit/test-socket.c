/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * socket.c: who can connect to what is listened at, and what is answered to an
 * address that cannot be listened at.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "util/fd.h"
#include "util/socket.h"

static void check_refused(const char *host, uint16_t port, const char *text)
{
    g_autoptr(Error) err = NULL;

    g_assert_cmpint(socket_listen_tcp(host, port, &err), ==, -1);
    if (!strstr(error_get_pretty(err), text)) {
        g_error("'%s' is not in: %s", text, error_get_pretty(err));
    }
}

/* The port that @fd listens at; only this machine can reach it. */
static uint16_t check_loopback(int fd)
{
    struct sockaddr_in addr;
    socklen_t size = sizeof(addr);

    g_assert_no_errno(getsockname(fd, (struct sockaddr *)&addr, &size));
    g_assert_cmphex(ntohl(addr.sin_addr.s_addr), ==, INADDR_LOOPBACK);
    return ntohs(addr.sin_port);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_no_errno(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
    return fd;
}

static void test_tcp(void)
{
    static const char *const hosts[] = {"", "localhost", "127.0.0.1"};

    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        autofd int fd = socket_listen_tcp(hosts[i], 0, NULL);
        autofd int peer = connect_to(check_loopback(fd));
        autofd int taken = accept(fd, NULL, NULL);
        int no_delay = 0;
        socklen_t size = sizeof(no_delay);

        g_assert_cmpint(taken, >=, 0);
        g_assert_no_errno(
            getsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size));
        g_assert_cmpint(no_delay, !=, 0);
    }
}

static void test_tcp_again(void)
{
    autofd int fd = socket_listen_tcp("", 0, NULL);
    uint16_t port = check_loopback(fd);
    autofd int peer = connect_to(port);
    autofd int taken = accept(fd, NULL, NULL);

    check_refused("", port, "Address already in use");
    /* What is left of that connection is at this side. */
    fd_close(&taken);
    fd_close(&fd);
    fd = socket_listen_tcp("", port, NULL);
    g_assert_cmpint(fd, >=, 0);
}

static void test_tcp_bad(void)
{
    check_refused("nowhere", 1, "'nowhere' is not a numeric address; try: ");
    check_refused("127.0.0.1.", 1, "is not a numeric address");
    check_refused("::g", 1, "is not a numeric address");
    /* TEST-NET-1 is nobody's. */
    check_refused("192.0.2.1", 0, "cannot listen at TCP port 0: ");
}

static void test_tcp6(void)
{
    g_autoptr(Error) err = NULL;
    autofd int fd = socket_listen_tcp("::1", 0, &err);
    struct sockaddr_in6 addr;
    socklen_t size = sizeof(addr);

    if (fd < 0) {
        /* A machine without IPv6 says so. */
        g_assert_true(strstr(error_get_pretty(err), "cannot "));
        return;
    }
    g_assert_no_errno(getsockname(fd, (struct sockaddr *)&addr, &size));
    g_assert_cmpint(addr.sin6_family, ==, AF_INET6);
}

static void test_unix(void)
{
    g_autofree char *dir = g_dir_make_tmp("socket-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "socket", NULL);
    g_autoptr(Error) err = NULL;
    autofd int fd = socket_listen_unix(path, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(socket_listen_unix(path, &err), ==, -1);
    g_assert_true(strstr(error_get_pretty(err), "is in use"));
    /* A server that died leaves its socket behind. */
    fd_close(&fd);
    fd = socket_listen_unix(path, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_assert_no_errno(unlink(path));
    g_assert_no_errno(rmdir(dir));
}

static void test_unix_bad(void)
{
    g_autofree char *path = g_strnfill(108, 'x');
    g_autoptr(Error) err = NULL;

    g_assert_cmpint(socket_listen_unix(path, &err), ==, -1);
    g_assert_true(strstr(error_get_pretty(err), "is too long; at most 107"));
    g_clear_pointer(&err, error_free);
    g_assert_cmpint(socket_listen_unix("/nowhere/socket", &err), ==, -1);
    g_assert_true(strstr(error_get_pretty(err), "cannot listen at socket"));
}

static void test_new(void)
{
    g_autoptr(Error) err = NULL;

    g_assert_cmpint(socket_new(-1, &err), ==, -1);
    g_assert_true(strstr(error_get_pretty(err), "cannot make a socket: "));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/socket/tcp", test_tcp);
    g_test_add_func("/socket/tcp-again", test_tcp_again);
    g_test_add_func("/socket/tcp-bad", test_tcp_bad);
    g_test_add_func("/socket/tcp6", test_tcp6);
    g_test_add_func("/socket/unix", test_unix);
    g_test_add_func("/socket/unix-bad", test_unix_bad);
    g_test_add_func("/socket/new", test_new);
    return g_test_run();
}
