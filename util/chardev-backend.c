/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: what they are opened on. Standard input and output are
 * shared with other processes (the shell, a pager), so they are not switched
 * to non-blocking mode, which would switch it for all of them: they are opened
 * anew through /proc, and only where that cannot be done is the flag set, for
 * the life of the chardev.
 *
 * A pty's master side cannot wait for somebody to open the terminal side; it
 * reports a hang-up until then. chardev.c looks for that four times a second.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "chardev-backend.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/socket.h"

typedef bool (*BackendOpen)(Chardev *chr, OptionList *options, Error **errp);

/* Standard input and output have one user at a time. */
static struct {
    Chardev *user;
    bool mode_saved; /* of the terminal at standard input */
    struct termios mode;
    int flags_saved[2]; /* of descriptors 0 and 1; -1: left alone */
} stdio = {.flags_saved = {-1, -1}};

static bool take_bool(OptionList *options, const char *key, bool *value,
                      Error **errp)
{
    g_autofree char *text = option_list_take(options, key);

    return !text || parse_bool(text, value, key, errp);
}

static char *take_path(OptionList *options, Error **errp)
{
    g_autofree char *path = option_list_take(options, "path");

    if (!path || !*path) {
        error_setg(errp, "no path given; try: path=PATH, or PATH behind "
                         "the colon");
        return NULL;
    }
    return g_steal_pointer(&path);
}

static bool is_key(const char *const *keys, const char *key)
{
    while (*keys && strcmp(*keys, key)) {
        keys++;
    }
    return *keys;
}

/* Fails when @options has a key that is neither "id" nor in @keys. */
static bool check_keys(const OptionList *options, const char *const *keys,
                       const char *what, Error **errp)
{
    for (guint i = 0; i < options->options->len; i++) {
        const Option *option = g_ptr_array_index(options->options, i);

        if (strcmp(option->key, "id") && !is_key(keys, option->key)) {
            error_setg(errp, "'%s' is no option of %s; %s%s", option->key, what,
                       *keys ? "try: " : "leave it out", *keys ? *keys : "");
            for (keys += *keys != NULL; *keys; keys++) {
                error_append(errp, ", %s", *keys);
            }
            return false;
        }
    }
    return true;
}

static bool check_all_taken(const OptionList *options, const char *what,
                            Error **errp)
{
    static const char *const none[] = {NULL};

    return check_keys(options, none, what, errp);
}

static bool open_null(Chardev *chr, OptionList *options, Error **errp)
{
    chr->null = true;
    return true;
}

static bool open_file(Chardev *chr, OptionList *options, Error **errp)
{
    g_autofree char *path = take_path(options, errp);
    bool append = false;

    if (!path || !take_bool(options, "append", &append, errp)) {
        return false;
    }
    chr->out_fd = open(path,
                       O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC |
                           (append ? O_APPEND : O_TRUNC),
                       0666);
    if (chr->out_fd < 0) {
        error_setg_errno(errp, errno, "cannot open '%s'", path);
        return false;
    }
    chr->open = true;
    return true;
}

static void terminal_raw(struct termios *mode, bool signals)
{
    mode->c_iflag &=
        ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    mode->c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        mode->c_lflag &= ~ISIG;
    }
    mode->c_cflag = (mode->c_cflag & ~(CSIZE | PARENB)) | CS8;
    mode->c_cc[VMIN] = 1;
    mode->c_cc[VTIME] = 0;
}

static void stdio_restore(void)
{
    if (stdio.mode_saved) {
        tcsetattr(STDIN_FILENO, TCSANOW, &stdio.mode);
        stdio.mode_saved = false;
    }
    for (int fd = 0; fd < 2; fd++) {
        if (stdio.flags_saved[fd] >= 0) {
            fcntl(fd, F_SETFL, stdio.flags_saved[fd]);
            stdio.flags_saved[fd] = -1;
        }
    }
}

static void stdio_set_raw(bool signals)
{
    static bool at_exit;
    struct termios mode;

    if (tcgetattr(STDIN_FILENO, &mode)) {
        return; /* no terminal */
    }
    stdio.mode = mode;
    stdio.mode_saved = true;
    terminal_raw(&mode, signals);
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
    if (!at_exit) {
        at_exit = true;
        atexit(stdio_restore);
    }
}

/* A non-blocking descriptor for what @fd (0 or 1) stands for, or -1. */
static int stdio_open_anew(int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    int flags = fcntl(fd, F_GETFL);
    struct stat st;
    int anew;

    if (flags < 0) {
        return -1;
    }
    /* A regular file has a position to share; a socket has MSG_DONTWAIT. */
    if (fstat(fd, &st) || S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode)) {
        return fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    anew = open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (anew >= 0) {
        return anew;
    }
    stdio.flags_saved[fd] = flags;
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool fd_is_socket(int fd)
{
    struct stat st;

    return !fstat(fd, &st) && S_ISSOCK(st.st_mode);
}

static bool open_stdio_mode(Chardev *chr, bool signals, Error **errp)
{
    if (stdio.user) {
        error_setg(errp, "standard input and output are in use by '%s'",
                   stdio.user->label);
        return false;
    }
    chr->out_socket = fd_is_socket(STDOUT_FILENO);
    chr->out_fd = stdio_open_anew(STDOUT_FILENO);
    if (chr->out_fd < 0) {
        error_setg_errno(errp, errno, "cannot use standard output");
        return false;
    }
    /* Without a standard input there is just none. */
    chr->in_fd = stdio_open_anew(STDIN_FILENO);
    chr->stdio = true;
    chr->open = true;
    stdio.user = chr;
    stdio_set_raw(signals);
    return true;
}

static bool open_stdio(Chardev *chr, OptionList *options, Error **errp)
{
    bool signals = true;

    return take_bool(options, "signal", &signals, errp) &&
           open_stdio_mode(chr, signals, errp);
}

static bool open_mon_stdio(Chardev *chr, OptionList *options, Error **errp)
{
    chr->escapes = true;
    return open_stdio_mode(chr, false, errp);
}

static bool open_pty(Chardev *chr, OptionList *options, Error **errp)
{
    autofd int master =
        posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    autofd int terminal = -1;
    struct termios mode;
    char name[64];
    int rc;

    if (master < 0 || grantpt(master) || unlockpt(master)) {
        error_setg_errno(errp, errno, "cannot get a pseudo terminal");
        return false;
    }
    rc = ptsname_r(master, name, sizeof(name));
    if (!rc) {
        terminal = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        rc = terminal < 0 ? errno : 0;
    }
    if (rc) {
        error_setg_errno(errp, rc, "cannot open the pseudo terminal");
        return false;
    }
    if (!tcgetattr(terminal, &mode)) {
        terminal_raw(&mode, false);
        mode.c_oflag &= ~OPOST;
        tcsetattr(terminal, TCSANOW, &mode);
    }
    chr->pty_name = g_strdup(name);
    chr->in_fd = chr->out_fd = fd_steal(&master);
    info_report("char device redirected to %s (label %s)", name, chr->label);
    return true;
}

bool chardev_backend_pty_in_use(const Chardev *chr)
{
    struct pollfd pfd = {.fd = chr->out_fd, .events = POLLOUT};

    return poll(&pfd, 1, 0) > 0 && !(pfd.revents & POLLHUP);
}

static void use_socket(Chardev *chr, int fd)
{
    chr->in_fd = chr->out_fd = fd;
    chr->out_socket = true;
}

static bool socket_connect(Chardev *chr, const char *path, Error **errp)
{
    struct sockaddr_un addr;
    autofd int fd = -1;

    if (!socket_unix_address(path, &addr, errp)) {
        return false;
    }
    fd = socket_new(AF_UNIX, errp);
    if (fd < 0) {
        return false;
    }
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
        error_setg_errno(errp, errno,
                         "cannot connect to socket '%s'; is its server there? "
                         "(server=on to be it)",
                         path);
        return false;
    }
    use_socket(chr, fd_steal(&fd));
    chr->open = true;
    return true;
}

static bool wait_for_first(Chardev *chr, const char *path, Error **errp)
{
    struct pollfd pfd = {.fd = chr->listen_fd, .events = POLLIN};
    g_autoptr(Error) err = NULL;

    info_report("%s: waiting for a connection to %s", chr->label, path);
    while (!chardev_backend_accept(chr, &err)) {
        if (err) {
            error_propagate(errp, g_steal_pointer(&err));
            error_prepend(errp, "socket '%s': ", path);
            return false;
        }
        if (poll(&pfd, 1, -1) < 0) {
            error_setg_errno(errp, errno,
                             "socket '%s': stopped waiting for a connection",
                             path);
            return false;
        }
    }
    chr->open = true;
    return true;
}

static bool socket_listen(Chardev *chr, const char *path, bool wait,
                          Error **errp)
{
    chr->listen_fd = socket_listen_unix(path, errp);
    if (chr->listen_fd < 0) {
        return false;
    }
    chr->unlink_path = g_strdup(path);
    return !wait || wait_for_first(chr, path, errp);
}

/* A connected socket by its number, from whoever started the process. */
static bool socket_inherit(Chardev *chr, const char *number, Error **errp)
{
    uint64_t fd;

    if (!parse_uint(number, INT_MAX, &fd, "fd", errp)) {
        return false;
    }
    if (!fd_is_socket(fd)) {
        error_setg(errp, "fd %" PRIu64 " is not a socket", fd);
        return false;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    use_socket(chr, fd);
    chr->open = true;
    return true;
}

static bool open_socket(Chardev *chr, OptionList *options, Error **errp)
{
    g_autofree char *number = option_list_take(options, "fd");
    g_autofree char *path = NULL;
    bool server = false, wait = true;

    if (number) {
        return check_all_taken(options, "a socket given by fd=", errp) &&
               socket_inherit(chr, number, errp);
    }
    path = take_path(options, errp);
    if (!path || !take_bool(options, "server", &server, errp)) {
        return false;
    }
    if (!server) {
        return check_all_taken(options, "a socket without server=on", errp) &&
               socket_connect(chr, path, errp);
    }
    return take_bool(options, "wait", &wait, errp) &&
           socket_listen(chr, path, wait, errp);
}

bool chardev_backend_accept(Chardev *chr, Error **errp)
{
    int fd = accept4(chr->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            error_setg_errno(errp, errno, "cannot accept a connection");
        }
        return false;
    }
    use_socket(chr, fd);
    return true;
}

static const struct {
    const char *name;
    BackendOpen open;
    const char *keys[5];
} backends[] = {
    {"null", open_null, {NULL}},
    {"file", open_file, {"path", "append"}},
    {"stdio", open_stdio, {"signal"}},
    {"pty", open_pty, {NULL}},
    {"mon:stdio", open_mon_stdio, {NULL}},
    {"socket", open_socket, {"path", "server", "wait", "fd"}},
};

bool chardev_backend_open(Chardev *chr, const char *backend,
                          OptionList *options, Error **errp)
{
    static const char *const names[] = {"null", "file",   "stdio",
                                        "pty",  "socket", NULL};
    const char *near;

    /* A pipe at standard output breaks like a socket does. */
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (!strcmp(backend, backends[i].name)) {
            /* Before anything is opened: opening a file empties it. */
            return check_keys(options, backends[i].keys, backend, errp) &&
                   backends[i].open(chr, options, errp);
        }
    }
    near = nearest_name(backend, names);
    error_setg(errp, "unknown character device '%s'; %s%s", backend,
               near ? "did you mean: " : "try: ",
               near ? near : "stdio, file, pty, socket or null");
    return false;
}

void chardev_backend_disconnect(Chardev *chr)
{
    /* A pty keeps its master side for the next one. */
    if (chr->out_socket && !chr->stdio) {
        fd_close(&chr->out_fd);
        chr->in_fd = -1;
    }
}

void chardev_backend_close(Chardev *chr)
{
    if (stdio.user == chr) {
        stdio_restore();
        stdio.user = NULL;
    }
    if (chr->in_fd != chr->out_fd) {
        fd_close(&chr->in_fd);
    }
    fd_close(&chr->out_fd);
    fd_close(&chr->listen_fd);
    if (chr->unlink_path) {
        unlink(chr->unlink_path);
    }
}
