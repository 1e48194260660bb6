/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * chardev.c and chardev-backend.c: each kind of character device with a peer
 * made by the test (socket pairs, servers, pseudo terminals, pipes), slow
 * peers, peers that go away, and every way to ask for one wrongly.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "fd-limit.h"
#include "util/chardev.h"
#include "util/fd.h"
#include "util/main-loop.h"

typedef struct User {
    GString *got;
    size_t room; /* of can_receive() */
    int opened;
    int closed;
    int writable;
} User;

static size_t user_can_receive(void *opaque)
{
    User *user = opaque;

    return user->room;
}

static void user_receive(void *opaque, const uint8_t *data, size_t size)
{
    User *user = opaque;

    g_assert_cmpuint(size, <=, user->room);
    g_string_append_len(user->got, (const char *)data, size);
}

static void user_writable(void *opaque)
{
    ((User *)opaque)->writable++;
}

static void user_event(void *opaque, ChardevEvent event)
{
    User *user = opaque;

    user->opened += event == CHARDEV_OPENED;
    user->closed += event == CHARDEV_CLOSED;
}

static const ChardevHandlers user_handlers = {
    .can_receive = user_can_receive,
    .receive = user_receive,
    .writable = user_writable,
    .event = user_event,
};

typedef struct Fixture {
    char *dir;
    User user;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused)
{
    f->dir = g_dir_make_tmp("chardev-XXXXXX", NULL);
    f->user = (User){.got = g_string_new(NULL), .room = 100000};
    g_assert_true(main_loop_init(NULL));
}

static void tear_down(Fixture *f, gconstpointer unused)
{
    main_loop_finish();
    g_string_free(f->user.got, TRUE);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
}

static Chardev *new_ok(const char *spec)
{
    g_autoptr(Error) err = NULL;
    Chardev *chr = chardev_new("serial0", spec, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return chr;
}

static Chardev *new_options_ok(const char *text)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(OptionList) list = option_list_parse(text, "backend", &err);
    Chardev *chr = chardev_new_options("char0", list, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return chr;
}

/* A chardev on one end of a socket pair; *@peer is the other. */
static Chardev *new_pair(int *peer)
{
    g_autofree char *text = NULL;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==,
                    0);
    *peer = fds[1];
    fcntl(*peer, F_SETFL, O_NONBLOCK);
    text = g_strdup_printf("socket,fd=%d,id=char0", fds[0]);
    return new_options_ok(text);
}

#define ITERATE_UNTIL(condition) \
    while (!(condition)) {       \
        main_loop_iterate(true); \
    }

static void assert_peer_reads(int fd, const char *expected)
{
    char data[256];
    ssize_t n = read(fd, data, sizeof(data));

    g_assert_cmpmem(data, n, expected, strlen(expected));
}

static void assert_peer_reads_nothing(int fd)
{
    char data[8];

    g_assert_cmpint(read(fd, data, sizeof(data)), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
}

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

static void add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/chardev/null", test_null);
    add("/chardev/file", test_file);
    add("/chardev/full-file", test_full_file);
    add("/chardev/receive", test_receive);
    add("/chardev/hangup", test_hangup);
    add("/chardev/hangup-on-write", test_hangup_on_write);
    add("/chardev/free-while-closing", test_free_while_closing);
    add("/chardev/put", test_put);
    add("/chardev/slow-peer", test_slow_peer);
    add("/chardev/slow-peer-gone", test_slow_peer_gone);
    add("/chardev/server", test_server);
    add("/chardev/no-descriptors", test_no_descriptors);
    add("/chardev/stale-socket", test_stale_socket);
    add("/chardev/wait-and-client", test_wait_and_client);
    add("/chardev/wait-interrupted", test_wait_interrupted);
    add("/chardev/pty", test_pty);
    add("/chardev/stdio", test_stdio);
    add("/chardev/escapes", test_escapes);
    add("/chardev/restore-at-exit", test_restore_at_exit);
    add("/chardev/stdio-pipes", test_stdio_pipes);
    add("/chardev/stdio-shared", test_stdio_shared);
    add("/chardev/stdio-closed", test_stdio_closed);
    add("/chardev/refused", test_refused);
    add("/chardev/options-refused", test_options_refused);
    return g_test_run();
}
