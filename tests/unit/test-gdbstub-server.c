/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gdb stub's server, by its sockets: who gets in, who does not, and what
 * is said to an address that is none.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/scripted-accel.h"
#include "fd-limit.h"
#include "system/gdbstub.h"
#include "system/vm.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/main-loop.h"
#include "util/socket.h"

typedef struct Fixture {
    Accel *accel;
    GdbServer *server;
    char *dir;
    char *path;
} Fixture;

static void setup(Fixture *f, const void *data)
{
    g_autofree char *spec = NULL;

    g_assert_true(main_loop_init(NULL));
    f->accel = ACCEL(object_new(TYPE_SCRIPTED_ACCEL));
    vm_init(f->accel, false);
    f->dir = g_dir_make_tmp("gdbstub-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "gdb", NULL);
    spec = g_strdup_printf("unix:%s,server=on,wait=off", f->path);
    f->server = gdb_server_new(spec, f->accel, SCRIPTED_CPUS, NULL);
    g_assert_nonnull(f->server);
    g_assert_cmpuint(gdb_server_port(f->server), ==, 0);
}

static void teardown(Fixture *f, const void *data)
{
    gdb_server_free(f->server);
    g_assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
    vm_stop();
    vm_finish();
    object_unref(OBJECT(f->accel));
    g_assert_no_errno(rmdir(f->dir));
    g_free(f->dir);
    g_free(f->path);
    main_loop_finish();
}

static void run_loop(void)
{
    for (int i = 0; i < 6; i++) {
        main_loop_iterate(false);
    }
}

static int connect_unix(Fixture *f)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un addr;

    g_assert_true(socket_unix_address(f->path, &addr, NULL));
    g_assert_no_errno(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
    g_assert_no_errno(fcntl(fd, F_SETFL, O_NONBLOCK));
    return fd;
}

static void check(int fd, const char *packet, const char *answer)
{
    char got[256] = "";
    size_t size = 0;

    g_assert_cmpint(write(fd, packet, strlen(packet)), ==, strlen(packet));
    for (int i = 0; i < 100 && size < strlen(answer); i++) {
        ssize_t n = read(fd, got + size, sizeof(got) - 1 - size);

        size += MAX(n, 0);
        main_loop_iterate(false);
    }
    g_assert_cmpstr(got, ==, answer);
}

static bool is_closed(int fd)
{
    char byte;

    return read(fd, &byte, 1) == 0;
}

static void test_session(Fixture *f, const void *data)
{
    autofd int fd = connect_unix(f);

    check(fd, "$qC#b4", "+$QC01#f5");
    check(fd, "$vCont;c#a8\x03", "+$T02thread:01;#04");
    g_assert_cmpstr(vm_status(), ==, "debug");
}

static void test_second(Fixture *f, const void *data)
{
    autofd int fd = connect_unix(f);
    autofd int second = -1;

    check(fd, "$qC#b4", "+$QC01#f5");
    second = connect_unix(f);
    run_loop();
    g_assert_true(is_closed(second));
    check(fd, "$qC#b4", "+$QC01#f5");
}

/* One after the other, and the machine runs in between. */
static void test_again(Fixture *f, const void *data)
{
    vm_start();
    for (int i = 0; i < 3; i++) {
        autofd int fd = connect_unix(f);

        check(fd, "$qC#b4", "+$QC01#f5");
        g_assert_cmpstr(vm_status(), ==, "debug");
        fd_close(&fd);
        run_loop();
        g_assert_cmpstr(vm_status(), ==, "running");
    }
}

/* The next one is there before it is seen that the last has gone. */
static void test_at_once(Fixture *f, const void *data)
{
    autofd int fd = connect_unix(f);

    check(fd, "$qC#b4", "+$QC01#f5");
    for (int i = 0; i < 5; i++) {
        char byte;

        fd_close(&fd);
        fd = connect_unix(f);
        g_assert_cmpint(write(fd, "$qC#b4", 6), ==, 6);
        while (read(fd, &byte, 1) < 0) {
            main_loop_iterate(true);
        }
        g_assert_cmpint(byte, ==, '+');
        check(fd, "", "$QC01#f5");
    }
}

static void test_free_connected(Fixture *f, const void *data)
{
    autofd int fd = connect_unix(f);

    check(fd, "$Z0,1000,4#d7", "+$OK#9a");
    g_clear_pointer(&f->server, gdb_server_free);
    g_assert_true(is_closed(fd));
    g_assert_cmpuint(SCRIPTED_ACCEL(f->accel)->num_points, ==, 0);
}

/* It asks, and never reads: the machine goes on. */
static void test_deaf(Fixture *f, const void *data)
{
    static const char packet[] = "$qXfer:features:read:target.xml:0,3000#0e";
    autofd int fd = connect_unix(f);
    ssize_t n;

    do {
        n = write(fd, packet, strlen(packet));
        main_loop_iterate(false);
    } while (n > 0);
    g_assert_cmpint(errno, ==, EAGAIN);
    run_loop();
    vm_start();
    g_assert_cmpstr(vm_status(), ==, "running");
}

/* The server tries again by itself. */
static void test_no_descriptor(Fixture *f, const void *data)
{
    autofd int fd = connect_unix(f);
    struct rlimit limit = fd_limit_set(0);
    char byte;

    run_loop();
    fd_limit_restore(&limit);
    run_loop();
    g_assert_cmpint(write(fd, "$qC#b4", 6), ==, 6);
    run_loop();
    g_assert_cmpint(read(fd, &byte, 1), ==, -1);
    while (read(fd, &byte, 1) < 0) {
        main_loop_iterate(true);
    }
    g_assert_cmpint(byte, ==, '+');
    check(fd, "", "$QC01#f5");
}

static void test_tcp(Fixture *f, const void *data)
{
    g_autoptr(GdbServer) server =
        gdb_server_new("tcp::0", f->accel, SCRIPTED_CPUS, NULL);
    struct sockaddr_in addr = {
        .sin_family = AF_INET,
        .sin_port = htons(gdb_server_port(server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    autofd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_no_errno(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
    g_assert_no_errno(fcntl(fd, F_SETFL, O_NONBLOCK));
    check(fd, "$qC#b4", "+$QC01#f5");
}

static void check_refused(Accel *accel, const char *spec, const char *message)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(gdb_server_new(spec, accel, SCRIPTED_CPUS, &err));
    if (!strstr(error_get_pretty(err), message)) {
        g_error("%s: '%s' is not in: %s", spec, message, error_get_pretty(err));
    }
}

static void test_bad(Fixture *f, const void *data)
{
    static const struct {
        const char *spec, *message;
    } cases[] = {
        {"", "neither tcp:HOST:PORT nor unix:PATH; try: tcp::1234"},
        {"1234", "neither tcp:HOST:PORT nor unix:PATH"},
        {"stdio", "neither tcp:HOST:PORT nor unix:PATH"},
        {"tcp", "neither tcp:HOST:PORT nor unix:PATH"},
        {"tcp:", "no address; try: tcp::1234"},
        {"unix:", "no address; try: tcp::1234"},
        {"tcp:1234", "no port; try: tcp:1234:1234"},
        {"tcp::", "port: '' is not a number"},
        {"tcp::x", "port: 'x' is not a number"},
        {"tcp::65536", "port: '65536' is more than 65535"},
        {"tcp:x:1234", "'x' is not a numeric address"},
        {"tcp:[:1234", "'[' is not a numeric address"},
        {"tcp:[::g]:1234", "'::g' is not a numeric address"},
        {"tcp::0,wait=on", "wait=on is not what a gdb stub does; try: -S"},
        {"tcp::0,server=off", "server=off is not what a gdb stub does; "},
        {"tcp::0,server=perhaps", "server: 'perhaps' is neither on nor off"},
        {"tcp::0,nodelay=on", "'nodelay' is no option of a gdb stub"},
        {"tcp::0,", "empty word"},
        {"unix:/nowhere/gdb", "cannot listen at socket '/nowhere/gdb'"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        check_refused(f->accel, cases[i].spec, cases[i].message);
    }
}

static void test_in_use(Fixture *f, const void *data)
{
    g_autoptr(GdbServer) server =
        gdb_server_new("tcp::0", f->accel, SCRIPTED_CPUS, NULL);
    g_autofree char *tcp = g_strdup_printf("tcp::%u", gdb_server_port(server));
    g_autofree char *path = g_strdup_printf("unix:%s", f->path);

    check_refused(f->accel, tcp, "Address already in use");
    check_refused(f->accel, path, "is in use; give another name");
}

static void test_no_debug(Fixture *f, const void *data)
{
    Accel *accel = ACCEL(object_new(ACCEL_TYPE_NAME("qtest")));

    check_refused(accel, "tcp::0",
                  "guests of the accelerator 'qtest' cannot be debugged");
    object_unref(OBJECT(accel));
}

static void test_free(void)
{
    gdb_server_free(NULL);
}

static void add(const char *name, void (*test)(Fixture *f, const void *data))
{
    g_autofree char *path = g_strconcat("/gdbstub-server/", name, NULL);

    g_test_add(path, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("session", test_session);
    add("second", test_second);
    add("again", test_again);
    add("at-once", test_at_once);
    add("free-connected", test_free_connected);
    add("deaf", test_deaf);
    add("no-descriptor", test_no_descriptor);
    add("tcp", test_tcp);
    add("bad", test_bad);
    add("in-use", test_in_use);
    add("no-debug", test_no_debug);
    g_test_add_func("/gdbstub-server/free", test_free);
    return g_test_run();
}
