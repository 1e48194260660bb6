/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chardev-backend.c: each kind of character device with a peer made by the
 * test (servers, pseudo terminals, pipes), and every way to ask for one
 * wrongly.
 */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <sys/un.h>
#include <termios.h>

#include "chardev-fixture.h"
#include "fd-limit.h"

static void test_null(Fixture *f, gconstpointer unused)
{
    g_autoptr(Chardev) chr = new_ok("null");

    chardev_set_handlers(chr, &user_handlers, &f->user);
    g_assert_cmpint(f->user.opened, ==, 0);
    g_assert_false(chardev_is_open(chr));
    g_assert_cmpuint(chardev_write(chr, "abc", 3), ==, 3);
    g_assert_true(chardev_put(chr, 'x'));
    g_assert_true(chardev_has_room(chr));
    g_assert_cmpstr(chardev_label(chr), ==, "serial0");
    g_assert_null(chardev_pty_name(chr));
    chardev_free(NULL);
}

static void assert_file_is(const char *path, const char *expected)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

static void test_file(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "a,b=c", NULL);
    g_autofree char *spec = g_strdup_printf("file:%s/a,,b=c", f->dir);
    g_autofree char *more =
        g_strdup_printf("file,path=%s/a,,b=c,append=on,id=x", f->dir);
    Chardev *chr;

    g_file_set_contents(path, "old and long", -1, NULL);
    chr = new_ok(spec);
    g_assert_true(chardev_is_open(chr));
    chardev_put(chr, '1');
    chardev_write(chr, "2", 1);
    chardev_put(chr, '3');
    chardev_free(chr);
    assert_file_is(path, "123");
    chr = new_options_ok(more);
    chardev_write(chr, "4", 1);
    chardev_free(chr);
    assert_file_is(path, "1234");
    g_unlink(path);
}

static int peer_connect(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void test_server(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "s", NULL);
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    Chardev *chr = new_ok(spec);

    chardev_set_handlers(chr, &user_handlers, &f->user);
    g_assert_cmpint(f->user.opened, ==, 0);
    for (int i = 1; i <= 2; i++) {
        autofd int peer = peer_connect(path);

        ITERATE_UNTIL(f->user.opened == i);
        chardev_write(chr, "hello", 5);
        assert_peer_reads(peer, "hello");
        g_assert_cmpint(write(peer, "x", 1), ==, 1);
        ITERATE_UNTIL(f->user.got->len == (gsize)i);
        fd_close(&peer);
        ITERATE_UNTIL(f->user.closed == i);
    }
    g_assert_null(chardev_new("serial1", spec, NULL));
    chardev_free(chr);
    g_assert_cmpint(access(path, F_OK), ==, -1);
}

static void test_no_descriptors(Fixture *f, gconstpointer unused)
{
    static const struct {
        const char *spec;
        unsigned spare;
        const char *message;
    } cases[] = {
        {"pty", 0, "serial0: cannot get a pseudo terminal: *"},
        {"pty", 1, "serial0: cannot open the pseudo terminal: *"},
        {"unix:/s", 0, "serial0: cannot make a socket: *"},
        {"unix:/s,server=on", 0, "serial0: cannot make a socket: *"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        struct rlimit old = fd_limit_set(cases[i].spare);
        Chardev *chr = chardev_new("serial0", cases[i].spec, &err);

        fd_limit_restore(&old);
        g_assert_null(chr);
        g_assert_true(
            g_pattern_match_simple(cases[i].message, error_get_pretty(err)));
    }
}

/* A peer that cannot be taken now is taken later, without a busy loop. */
static void test_accept_later(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "s", NULL);
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);

    if (g_test_subprocess()) {
        g_autoptr(Chardev) chr = new_ok(spec);
        autofd int peer = peer_connect(path);
        int64_t start_ns = clock_get_ns(CLOCK_REAL);
        struct rlimit old = fd_limit_set(0);

        chardev_set_handlers(chr, &user_handlers, &f->user);
        main_loop_iterate(false);
        main_loop_iterate(true);
        fd_limit_restore(&old);
        g_assert_cmpint(f->user.opened, ==, 0);
        ITERATE_UNTIL(f->user.opened);
        g_assert_cmpint(clock_get_ns(CLOCK_REAL) - start_ns, >=,
                        250 * NS_PER_MS);
        chardev_write(chr, "hello", 5);
        assert_peer_reads(peer, "hello");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("platypus: warning: serial0: cannot accept a "
                              "connection: Too many open files; trying again"
                              "\n");
}

/* The first peer cannot be taken: that is for the caller to hear. */
static void test_wait_without_descriptors(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "s", NULL);
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on", path);
    struct rlimit old = fd_limit_set(1);
    g_autoptr(Error) err = NULL;
    Chardev *chr = chardev_new("serial0", spec, &err);

    fd_limit_restore(&old);
    g_assert_null(chr);
    g_assert_true(g_pattern_match_simple(
        "serial0: socket '*': cannot accept a connection: Too many open files",
        error_get_pretty(err)));
    g_assert_cmpint(access(path, F_OK), ==, -1);
}

/* A wrong option costs nothing: the file is not touched. */
static void test_refused_first(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "a", NULL);
    g_autofree char *spec = g_strdup_printf("file:%s,bad=1", path);
    g_autoptr(Error) err = NULL;

    g_assert_true(g_file_set_contents(path, "kept", -1, NULL));
    g_assert_null(chardev_new("serial0", spec, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "serial0: 'bad' is no option of file; try: path, append");
    assert_file_is(path, "kept");
    g_unlink(path);
}

static void test_stale_socket(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "s", NULL);
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    g_assert_cmpint(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), ==, 0);
    close(fd);
    chardev_free(new_ok(spec));
}

static void *connect_soon(void *opaque)
{
    int fd;

    while ((fd = peer_connect(opaque)) < 0) {
        g_usleep(1000);
    }
    return GINT_TO_POINTER(fd);
}

static void test_wait_and_client(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "s", NULL);
    g_autofree char *server = g_strdup_printf("unix:%s,server=on", path);
    g_autofree char *client = g_strdup_printf("unix:%s", path);
    g_autofree char *listen =
        g_strdup_printf("unix:%s,server=on,wait=off", path);
    g_autoptr(Chardev) chr = NULL;
    g_autoptr(Chardev) other = NULL;
    pthread_t thread;
    void *peer;

    pthread_create(&thread, NULL, connect_soon, path);
    chr = new_ok(server);
    g_assert_true(chardev_is_open(chr));
    pthread_join(thread, &peer);
    chardev_write(chr, "hi", 2);
    assert_peer_reads(GPOINTER_TO_INT(peer), "hi");
    close(GPOINTER_TO_INT(peer));
    chardev_free(g_steal_pointer(&chr));

    chr = new_ok(listen);
    other = new_ok(client);
    g_assert_true(chardev_is_open(other));
    chardev_set_handlers(chr, &user_handlers, &f->user);
    chardev_write(other, "via", 3);
    ITERATE_UNTIL(f->user.got->len == 3);
}

static void note_signal(int signal)
{
}

/* A signal ends the waiting for a first peer; the name goes. */
static void test_wait_interrupted(Fixture *f, gconstpointer unused)
{
    g_autofree char *path = g_build_filename(f->dir, "s", NULL);
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on", path);
    const struct itimerval often = {{0, 10000}, {0, 10000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    g_autoptr(Error) err = NULL;

    signal(SIGALRM, note_signal);
    setitimer(ITIMER_REAL, &often, NULL);
    g_assert_null(chardev_new("serial0", spec, &err));
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_DFL);
    g_assert_true(g_pattern_match_simple("serial0: socket*stopped waiting*",
                                         error_get_pretty(err)));
    g_assert_cmpint(access(path, F_OK), ==, -1);
}

static void test_pty(Fixture *f, gconstpointer unused)
{
    g_autoptr(Chardev) chr = new_ok("pty");
    struct termios mode;

    chardev_set_handlers(chr, &user_handlers, &f->user);
    g_assert_false(chardev_is_open(chr));
    g_assert_cmpuint(chardev_write(chr, "nobody", 6), ==, 6);
    for (int i = 1; i <= 2; i++) {
        autofd int terminal =
            open(chardev_pty_name(chr), O_RDWR | O_NOCTTY | O_NONBLOCK);

        g_assert_cmpint(terminal, >=, 0);
        g_assert_cmpint(tcgetattr(terminal, &mode), ==, 0);
        g_assert_cmpuint(mode.c_lflag & (ECHO | ICANON), ==, 0);
        ITERATE_UNTIL(f->user.opened == i);
        chardev_write(chr, "a\n", 2);
        assert_peer_reads(terminal, "a\n");
        g_assert_cmpint(write(terminal, "\r", 1), ==, 1);
        ITERATE_UNTIL(f->user.got->len == (gsize)i);
        g_assert_cmpint(f->user.got->str[i - 1], ==, '\r');
        fd_close(&terminal);
        ITERATE_UNTIL(f->user.closed == i);
    }
}

/* Standard input and output, replaced while a test runs. */
typedef struct Stdio {
    int saved[2];
} Stdio;

static void stdio_replace(Stdio *s, int in, int out)
{
    int fds[2] = {in, out};

    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        s->saved[i] = dup(i);
        dup2(fds[i], i);
    }
}

static void stdio_put_back(Stdio *s)
{
    for (int i = 0; i < 2; i++) {
        dup2(s->saved[i], i);
        close(s->saved[i]);
    }
}

static int open_terminal(int *master)
{
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    g_assert_cmpint(*master, >=, 0);
    grantpt(*master);
    unlockpt(*master);
    return open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static tcflag_t terminal_lflag(int fd)
{
    struct termios mode;

    g_assert_cmpint(tcgetattr(fd, &mode), ==, 0);
    return mode.c_lflag & (ECHO | ICANON | ISIG);
}

static bool quitted;

static void note_quit(void)
{
    quitted = true;
}

static void test_stdio(Fixture *f, gconstpointer unused)
{
    autofd int master = -1;
    autofd int terminal = open_terminal(&master);
    g_autoptr(Error) err = NULL;
    tcflag_t before = terminal_lflag(terminal);
    Stdio saved;
    Chardev *chr;

    stdio_replace(&saved, terminal, terminal);
    chr = chardev_new("serial0", "stdio", &err);
    stdio_put_back(&saved);
    g_assert_nonnull(chr);
    g_assert_cmpuint(terminal_lflag(terminal), ==, ISIG);
    g_assert_null(chardev_new("serial1", "mon:stdio", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "serial1: standard input and output are in use by "
                    "'serial0'");
    chardev_set_handlers(chr, &user_handlers, &f->user);
    chardev_write(chr, "out", 3);
    assert_peer_reads(master, "out");
    /* without mon: Ctrl-A is a key like any other */
    g_assert_cmpint(write(master, "\1x", 2), ==, 2);
    ITERATE_UNTIL(f->user.got->len == 2);
    g_assert_cmpstr(f->user.got->str, ==, "\1x");
    stdio_replace(&saved, terminal, terminal);
    chardev_free(chr);
    stdio_put_back(&saved);
    g_assert_cmpuint(terminal_lflag(terminal), ==, before);
}

static void test_escapes(Fixture *f, gconstpointer unused)
{
    autofd int master = -1;
    autofd int terminal = open_terminal(&master);
    tcflag_t before = terminal_lflag(terminal);
    char help[256];
    Stdio saved;
    Chardev *chr;

    stdio_replace(&saved, terminal, terminal);
    chr = new_ok("mon:stdio");
    g_assert_cmpuint(terminal_lflag(terminal), ==, 0);
    chardev_set_handlers(chr, &user_handlers, &f->user);
    g_assert_cmpint(write(master, "a\1\1b\1qc\3\1", 9), ==, 9);
    ITERATE_UNTIL(f->user.got->len >= 5);
    g_assert_false(quitted);
    /* the escape is not lost between two reads; no handler, no harm */
    g_assert_cmpint(write(master, "xd", 2), ==, 2);
    ITERATE_UNTIL(f->user.got->len >= 6);
    chardev_set_quit_handler(note_quit);
    g_assert_cmpint(write(master, "\1x", 2), ==, 2);
    ITERATE_UNTIL(quitted);
    chardev_set_quit_handler(NULL);
    g_assert_cmpint(write(master, "\1h", 2), ==, 2);
    ITERATE_UNTIL(read(master, help, sizeof(help)) > 10);
    chardev_free(chr);
    stdio_put_back(&saved);
    g_assert_nonnull(strstr(help, "Ctrl-A x"));
    g_assert_cmpstr(f->user.got->str, ==, "a\1bc\3d");
    g_assert_cmpuint(terminal_lflag(terminal), ==, before);
}

static void test_restore_at_exit(Fixture *f, gconstpointer unused)
{
    autofd int master = -1;
    autofd int terminal = -1;
    tcflag_t before;

    if (g_test_subprocess()) {
        int fd = open(g_getenv("TEST_TERMINAL"), O_RDWR | O_NOCTTY);

        dup2(fd, STDIN_FILENO);
        new_ok("stdio");
        g_assert_cmpuint(terminal_lflag(fd), ==, ISIG);
        exit(0);
    }
    terminal = open_terminal(&master);
    before = terminal_lflag(terminal);
    g_setenv("TEST_TERMINAL", ptsname(master), TRUE);
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_assert_cmpuint(terminal_lflag(terminal), ==, before);
}

/* Pipes: no terminal; input ends while output goes on, then breaks. */
static void test_stdio_pipes(Fixture *f, gconstpointer unused)
{
    int in[2], out[2];
    Stdio saved;
    Chardev *chr;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, 0);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("*serial0: output is lost*Broken pipe*");
        return;
    }
    g_assert_cmpint(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), ==, 0);
    stdio_replace(&saved, in[0], out[1]);
    chr = new_ok("stdio");
    chardev_set_handlers(chr, &user_handlers, &f->user);
    /* the shared description is left as it was */
    g_assert_cmpint(fcntl(in[0], F_GETFL) & O_NONBLOCK, ==, 0);
    g_assert_cmpint(fcntl(out[1], F_GETFL) & O_NONBLOCK, ==, 0);
    g_assert_cmpint(write(in[1], "in", 2), ==, 2);
    close(in[1]);
    ITERATE_UNTIL(f->user.got->len == 2);
    main_loop_iterate(false);
    chardev_write(chr, "out", 3);
    assert_peer_reads(out[0], "out");
    g_assert_cmpint(f->user.closed, ==, 0);
    close(out[0]);
    g_assert_cmpuint(chardev_write(chr, "x", 1), ==, 1);
    g_assert_cmpuint(chardev_write(chr, "x", 1), ==, 1);
    chardev_free(chr);
    stdio_put_back(&saved);
    close(in[0]);
    close(out[1]);
}

/* What cannot be opened anew has its flag set, and set back. */
static void test_stdio_shared(Fixture *f, gconstpointer unused)
{
    autofd int fd = eventfd(0, EFD_CLOEXEC);
    Stdio saved;
    Chardev *chr;

    stdio_replace(&saved, fd, fd);
    chr = new_ok("stdio");
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, !=, 0);
    chardev_free(chr);
    stdio_put_back(&saved);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
}

static void test_stdio_closed(Fixture *f, gconstpointer unused)
{
    g_autoptr(Error) err = NULL;
    int saved;

    fflush(stdout);
    saved = dup(1);
    close(1);
    g_assert_null(chardev_new("serial0", "stdio", &err));
    dup2(saved, 1);
    close(saved);
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "serial0: cannot use standard output: Bad file "
                    "descriptor");
}

static void test_refused(Fixture *f, gconstpointer unused)
{
    static const struct {
        const char *spec;
        const char *message;
    } cases[] = {
        {"", "serial0: unknown character device ''; try: stdio,*"},
        {"tcp:localhost", "serial0: unknown character device 'tcp:*"},
        {"stdio2", "serial0: unknown character device 'stdio2'*"},
        {"file:", "serial0: no path given*"},
        {"file:/nonexistent/x", "serial0: cannot open '/nonexistent/x': No *"},
        {"file:/dev/null,server=on", "serial0: 'server' is no option*"},
        {"file:/dev/null,append=2", "serial0: *append*"},
        {"unix:", "serial0: no path given*"},
        {"unix:/nonexistent/s", "serial0: cannot connect*'/nonexistent/s'*"},
        {"unix:/nonexistent/s,server=on", "serial0: cannot listen*"},
        {"unix:/x,wait=off",
         "serial0: 'wait' is no option of a socket without server=on; leave "
         "it out"},
        {"unix:/x,server=maybe", "serial0: *server*maybe*"},
        {"unix:/x,server=on,wait=maybe", "serial0: *wait*maybe*"},
        {"unix:/dev/null,server=on,wait=off", "serial0: socket*in use*"},
    };
    g_autofree char *name = g_strnfill(108, 'x');
    g_autofree char *client = g_strdup_printf("unix:%s", name);
    g_autofree char *server = g_strdup_printf("unix:%s,server=on", name);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;

        g_assert_null(chardev_new("serial0", cases[i].spec, &err));
        g_test_message("%s", error_get_pretty(err));
        g_assert_true(
            g_pattern_match_simple(cases[i].message, error_get_pretty(err)));
    }
    g_assert_null(chardev_new("serial0", client, NULL));
    g_assert_null(chardev_new("serial0", server, NULL));
}

static void test_options_refused(Fixture *f, gconstpointer unused)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"id=x", "char0: unknown character device ''*"},
        {"socke,path=x", "char0: unknown*'socke'; did you mean: socket"},
        {"socket,id=x", "char0: no path given*"},
        {"socket,fd=x", "char0: *fd*"},
        {"socket,fd=0,path=x",
         "char0: 'path' is no option of a socket given by fd=*"},
        {"socket,fd=0", "char0: fd 0 is not a socket"},
        {"socket,fd=99999", "char0: fd 99999 is not a socket"},
        {"null,path=x", "char0: 'path' is no option*"},
        {"stdio,signal=x", "char0: *signal*"},
    };
    autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    Stdio saved;

    stdio_replace(&saved, null, STDOUT_FILENO);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        g_autoptr(OptionList) list =
            option_list_parse(cases[i].text, "backend", NULL);

        g_assert_null(chardev_new_options("char0", list, &err));
        g_assert_true(
            g_pattern_match_simple(cases[i].message, error_get_pretty(err)));
    }
    stdio_put_back(&saved);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/chardev-backend/null", test_null);
    add("/chardev-backend/file", test_file);
    add("/chardev-backend/server", test_server);
    add("/chardev-backend/no-descriptors", test_no_descriptors);
    add("/chardev-backend/accept-later", test_accept_later);
    add("/chardev-backend/wait-without-descriptors",
        test_wait_without_descriptors);
    add("/chardev-backend/stale-socket", test_stale_socket);
    add("/chardev-backend/wait-and-client", test_wait_and_client);
    add("/chardev-backend/wait-interrupted", test_wait_interrupted);
    add("/chardev-backend/pty", test_pty);
    add("/chardev-backend/stdio", test_stdio);
    add("/chardev-backend/escapes", test_escapes);
    add("/chardev-backend/restore-at-exit", test_restore_at_exit);
    add("/chardev-backend/stdio-pipes", test_stdio_pipes);
    add("/chardev-backend/stdio-shared", test_stdio_shared);
    add("/chardev-backend/stdio-closed", test_stdio_closed);
    add("/chardev-backend/refused", test_refused);
    add("/chardev-backend/options-refused", test_options_refused);
    add("/chardev-backend/refused-first", test_refused_first);
    return g_test_run();
}
