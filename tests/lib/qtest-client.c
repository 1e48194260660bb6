/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test's end of qtest and QMP. Like QEMU's libqtest it listens on both
 * sockets and lets the emulator connect, so that there is no race at the
 * start. Answers are read byte by byte: slow, simple, and nothing is read
 * ahead of the line that a test asked for. A test that waits for what never
 * comes is ended by the test runner's timeout.
 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qtest-client.h"

#define LINES_MAX 1024

struct QtestClient {
    GPid pid;
    char *dir;
    int qtest_fd;
    int qmp_fd;
    int levels[LINES_MAX];
    unsigned raised[LINES_MAX];
    GPtrArray *events; /* of struct json_object, not taken yet */
};

static const char *emulator;

void qtest_client_init(int *argc, char ***argv)
{
    g_test_init(argc, argv, NULL);
    g_assert_cmpint(*argc, >=, 2);
    emulator = (*argv)[1];
    signal(SIGPIPE, SIG_IGN);
}

const char *qtest_client_emulator(void)
{
    return emulator;
}

/* argv of the emulator with the words of @args. */
static char **make_argv(const char *program, const char *args)
{
    g_autofree char *line = g_strdup_printf("%s %s", program, args);
    g_autoptr(GError) error = NULL;
    char **argv = NULL;

    g_shell_parse_argv(line, NULL, &argv, &error);
    g_assert_no_error(error);
    return argv;
}

static int exit_status(int wait_status)
{
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                  : -WTERMSIG(wait_status);
}

G_GNUC_PRINTF(1, 0)
static EmulatorResult *run(const char *args, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(args, ap);
    g_auto(GStrv) argv = make_argv(emulator, text);
    g_autoptr(GError) error = NULL;
    EmulatorResult *result = g_new0(EmulatorResult, 1);
    int wait_status;

    g_spawn_sync(NULL, argv, NULL, 0, NULL, NULL, &result->out, &result->err,
                 &wait_status, &error);
    g_assert_no_error(error);
    result->status = exit_status(wait_status);
    return result;
}

EmulatorResult *emulator_run(const char *args, ...)
{
    EmulatorResult *result;
    va_list ap;

    va_start(ap, args);
    result = run(args, ap);
    va_end(ap);
    return result;
}

void emulator_result_free(EmulatorResult *result)
{
    if (result) {
        g_free(result->out);
        g_free(result->err);
        g_free(result);
    }
}

void emulator_expect_error(const char *message, const char *args, ...)
{
    g_autoptr(EmulatorResult) result = NULL;
    const char *newline;
    va_list ap;

    va_start(ap, args);
    result = run(args, ap);
    va_end(ap);
    newline = strchr(result->err, '\n');
    if (!strstr(result->err, message) || !newline || newline[1] ||
        result->status != 1 || result->out[0]) {
        g_test_message("status %d\nstdout: %s\nstderr: %s\nexpected: %s",
                       result->status, result->out, result->err, message);
        g_test_fail();
    }
}

int unix_listen(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpuint(g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)), <,
                     sizeof(addr.sun_path));
    g_assert_no_errno(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
    g_assert_no_errno(listen(fd, 1));
    return fd;
}

int unix_connect(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_assert_cmpint(fd, >=, 0);
    g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path));
    g_assert_no_errno(connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
    return fd;
}

int unix_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    g_assert_no_errno(fd);
    close(listener);
    return fd;
}

void write_all(int fd, const void *data, size_t size)
{
    const char *p = data;

    while (size) {
        ssize_t n = write(fd, p, size);

        if (n < 0) {
            g_error("write: %s", g_strerror(errno));
        }
        p += n;
        size -= n;
    }
}

char *read_line(int fd)
{
    g_autoptr(GString) line = g_string_new(NULL);
    char c;

    for (;;) {
        ssize_t n = read(fd, &c, 1);

        if (n <= 0) {
            return NULL;
        }
        if (c == '\n') {
            if (line->len && line->str[line->len - 1] == '\r') {
                g_string_truncate(line, line->len - 1);
            }
            return g_strdup(line->str);
        }
        g_string_append_c(line, c);
    }
}

/* An emulator must not outlive a test that failed. */
static void child_setup(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void negotiate(QtestClient *c)
{
    struct json_object *greeting = qtest_qmp_receive(c);
    struct json_object *reply;

    g_assert_nonnull(json_at(greeting, "QMP.version.qemu.major"));
    json_object_put(greeting);
    reply = qtest_qmp(c, "{\"execute\": \"qmp_capabilities\"}");
    g_assert_nonnull(json_at(reply, "return"));
    json_object_put(reply);
}

static void put_event(gpointer event)
{
    json_object_put(event);
}

QtestClient *qtest_client_new(const char *args, ...)
{
    QtestClient *c = g_new0(QtestClient, 1);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    g_autofree char *qtest_path = NULL;
    g_autofree char *qmp_path = NULL;
    g_auto(GStrv) argv = NULL;
    int qtest_listener, qmp_listener;
    va_list ap;

    va_start(ap, args);
    text = g_strdup_vprintf(args, ap);
    va_end(ap);
    c->dir = g_dir_make_tmp("platypus-XXXXXX", &error);
    g_assert_no_error(error);
    c->events = g_ptr_array_new_with_free_func(put_event);
    qtest_path = g_build_filename(c->dir, "qtest", NULL);
    qmp_path = g_build_filename(c->dir, "qmp", NULL);
    line = g_strdup_printf("-qtest unix:%s -chardev socket,path=%s,id=char0 "
                           "-mon chardev=char0,mode=control -display none "
                           "-audio none %s -accel qtest",
                           qtest_path, qmp_path, text);
    argv = make_argv(emulator, line);
    qtest_listener = unix_listen(qtest_path);
    qmp_listener = unix_listen(qmp_path);
    g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, child_setup,
                  NULL, &c->pid, &error);
    g_assert_no_error(error);
    c->qmp_fd = unix_accept(qmp_listener);
    c->qtest_fd = unix_accept(qtest_listener);
    negotiate(c);
    return c;
}

static void remove_dir(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        unlink(file);
    }
    if (dir) {
        g_dir_close(dir);
    }
    rmdir(path);
}

int qtest_client_wait(QtestClient *c)
{
    int wait_status;

    g_assert_cmpint(waitpid(c->pid, &wait_status, 0), ==, c->pid);
    g_spawn_close_pid(c->pid);
    close(c->qtest_fd);
    close(c->qmp_fd);
    remove_dir(c->dir);
    g_free(c->dir);
    g_ptr_array_unref(c->events);
    g_free(c);
    return exit_status(wait_status);
}

void qtest_client_quit(QtestClient *c)
{
    kill(c->pid, SIGTERM);
    g_assert_cmpint(qtest_client_wait(c), ==, 0);
}

const char *qtest_client_dir(const QtestClient *c)
{
    return c->dir;
}

GPid qtest_client_pid(const QtestClient *c)
{
    return c->pid;
}

static void note_irq(QtestClient *c, const char *line)
{
    bool raise = g_str_has_prefix(line, "IRQ raise ");
    guint64 n;

    g_assert_true(raise || g_str_has_prefix(line, "IRQ lower "));
    g_assert_true(g_ascii_string_to_unsigned(line + strlen("IRQ raise "), 10, 0,
                                             LINES_MAX - 1, &n, NULL));
    /* Only changes are told. */
    g_assert_cmpint(c->levels[n], !=, raise);
    c->levels[n] = raise;
    c->raised[n] += raise;
}

G_GNUC_PRINTF(2, 0)
static char *command(QtestClient *c, const char *fmt, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    char *answer;

    write_all(c->qtest_fd, line, strlen(line));
    while ((answer = read_line(c->qtest_fd)) &&
           g_str_has_prefix(answer, "IRQ ")) {
        note_irq(c, answer);
        g_free(answer);
    }
    g_assert_nonnull(answer);
    return answer;
}

char *qtest_command(QtestClient *c, const char *fmt, ...)
{
    char *answer;
    va_list ap;

    va_start(ap, fmt);
    answer = command(c, fmt, ap);
    va_end(ap);
    return answer;
}

void qtest_expect(QtestClient *c, const char *expected, const char *fmt, ...)
{
    g_autofree char *answer = NULL;
    va_list ap;

    va_start(ap, fmt);
    answer = command(c, fmt, ap);
    va_end(ap);
    g_assert_cmpstr(answer, ==, expected);
}

uint32_t qtest_readl(QtestClient *c, uint64_t addr)
{
    g_autofree char *answer = qtest_command(c, "readl 0x%" PRIx64, addr);
    guint64 value;

    g_assert_true(g_str_has_prefix(answer, "OK 0x"));
    g_assert_true(g_ascii_string_to_unsigned(answer + 5, 16, 0, UINT32_MAX,
                                             &value, NULL));
    return value;
}

void qtest_writel(QtestClient *c, uint64_t addr, uint32_t value)
{
    qtest_expect(c, "OK", "writel 0x%" PRIx64 " 0x%x", addr, value);
}

void qtest_clock_step(QtestClient *c, int64_t ns)
{
    g_autofree char *answer = qtest_command(c, "clock_step %" PRId64, ns);

    g_assert_true(g_str_has_prefix(answer, "OK "));
}

int qtest_irq_level(QtestClient *c, unsigned n)
{
    return c->levels[n];
}

unsigned qtest_irq_count(QtestClient *c, unsigned n)
{
    return c->raised[n];
}

void qtest_qmp_send(QtestClient *c, const char *bytes, gssize size)
{
    write_all(c->qmp_fd, bytes, size < 0 ? strlen(bytes) : (size_t)size);
}

struct json_object *qtest_qmp_receive(QtestClient *c)
{
    g_autofree char *line = read_line(c->qmp_fd);
    struct json_object *message;

    g_assert_nonnull(line);
    message = json_tokener_parse(line);
    g_assert_nonnull(message);
    return message;
}

struct json_object *qtest_qmp(QtestClient *c, const char *request)
{
    g_autofree char *line = g_strconcat(request, "\n", NULL);
    struct json_object *message;

    /* At once: after a "quit" nobody reads the newline. */
    qtest_qmp_send(c, line, -1);
    while (message = qtest_qmp_receive(c),
           json_object_object_get_ex(message, "event", NULL)) {
        g_ptr_array_add(c->events, message);
    }
    return message;
}

static struct json_object *take_event(QtestClient *c, const char *name)
{
    for (guint i = 0; i < c->events->len; i++) {
        struct json_object *event = g_ptr_array_index(c->events, i);

        if (strcmp(json_text_at(event, "event"), name) == 0) {
            return g_ptr_array_steal_index(c->events, i);
        }
    }
    return NULL;
}

struct json_object *qtest_qmp_event(QtestClient *c, const char *name)
{
    struct json_object *event;

    while (!(event = take_event(c, name))) {
        g_ptr_array_add(c->events, qtest_qmp_receive(c));
    }
    return event;
}

bool qtest_qmp_has_event(QtestClient *c, const char *name)
{
    struct json_object *event = take_event(c, name);

    json_object_put(event);
    return event;
}

struct json_object *json_at(struct json_object *obj, const char *path)
{
    g_auto(GStrv) keys = g_strsplit(path, ".", -1);

    for (char **key = keys; *key; key++) {
        if (!json_object_object_get_ex(obj, *key, &obj)) {
            g_error("no '%s' in '%s'", *key, path);
        }
    }
    return obj;
}

const char *json_text_at(struct json_object *obj, const char *path)
{
    return json_object_get_string(json_at(obj, path));
}
