/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP on the emulator: what commands do, in which order answers and events
 * come, how it ends, and clients that come and go. The protocol's details are
 * in tests/unit/test-monitor.c.
 */

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/qtest-client.h"

static void expect_status(QtestClient *c, const char *status, bool running)
{
    struct json_object *reply = qtest_qmp(c, "{\"execute\": \"query-status\"}");

    g_assert_cmpstr(json_text_at(reply, "return.status"), ==, status);
    g_assert_cmpint(json_object_get_boolean(json_at(reply, "return.running")),
                    ==, running);
    json_object_put(reply);
}

static void execute(QtestClient *c, const char *command)
{
    g_autofree char *request =
        g_strdup_printf("{\"execute\": \"%s\"}", command);
    struct json_object *reply = qtest_qmp(c, request);

    g_assert_nonnull(json_at(reply, "return"));
    json_object_put(reply);
}

static void expect_event(QtestClient *c, const char *name, bool guest,
                         const char *reason)
{
    struct json_object *event = qtest_qmp_event(c, name);

    g_assert_nonnull(json_at(event, "timestamp.seconds"));
    g_assert_nonnull(json_at(event, "timestamp.microseconds"));
    if (reason) {
        g_assert_cmpint(json_object_get_boolean(json_at(event, "data.guest")),
                        ==, guest);
        g_assert_cmpstr(json_text_at(event, "data.reason"), ==, reason);
    }
    json_object_put(event);
}

static void test_stop_cont(void)
{
    QtestClient *c = qtest_client_new("-M none");

    expect_status(c, "running", true);
    execute(c, "stop");
    expect_event(c, "STOP", false, NULL);
    expect_status(c, "paused", false);
    execute(c, "stop");
    g_assert_false(qtest_qmp_has_event(c, "STOP"));
    execute(c, "cont");
    expect_event(c, "RESUME", false, NULL);
    expect_status(c, "running", true);
    qtest_client_quit(c);
}

static void test_prelaunch(void)
{
    QtestClient *c = qtest_client_new("-M none -S");

    expect_status(c, "prelaunch", false);
    execute(c, "system_reset");
    expect_event(c, "RESET", false, "host-qmp-system-reset");
    expect_status(c, "prelaunch", false);
    execute(c, "cont");
    expect_status(c, "running", true);
    qtest_client_quit(c);
}

static void test_reset(void)
{
    QtestClient *c = qtest_client_new("-M none");

    execute(c, "system_reset");
    expect_event(c, "RESET", false, "host-qmp-system-reset");
    expect_status(c, "running", true);
    g_assert_false(qtest_qmp_has_event(c, "STOP"));
    qtest_client_quit(c);
}

static void test_no_reboot(void)
{
    QtestClient *c = qtest_client_new("-M none -no-reboot");

    execute(c, "system_reset");
    expect_event(c, "SHUTDOWN", false, "host-qmp-system-reset");
    g_assert_cmpint(qtest_client_wait(c), ==, 0);
}

static void test_quit(void)
{
    QtestClient *c = qtest_client_new("-M none");

    execute(c, "quit");
    expect_event(c, "SHUTDOWN", false, "host-qmp-quit");
    g_assert_cmpint(qtest_client_wait(c), ==, 0);
}

static void check_signal(int signal)
{
    QtestClient *c = qtest_client_new("-M none");

    kill(qtest_client_pid(c), signal);
    expect_event(c, "SHUTDOWN", false, "host-signal");
    g_assert_cmpint(qtest_client_wait(c), ==, 0);
}

static void test_signals(void)
{
    check_signal(SIGTERM);
    check_signal(SIGINT);
    check_signal(SIGHUP);
}

static void test_names(void)
{
    QtestClient *c = qtest_client_new("-M none -name guest=duck");
    struct json_object *reply = qtest_qmp(c, "{\"execute\": \"query-name\"}");

    g_assert_cmpstr(json_text_at(reply, "return.name"), ==, "duck");
    json_object_put(reply);
    reply = qtest_qmp(c, "{\"execute\": \"query-version\"}");
    g_assert_nonnull(json_at(reply, "return.qemu.major"));
    g_assert_true(
        g_str_has_prefix(json_text_at(reply, "return.package"), "platypus-"));
    json_object_put(reply);
    reply = qtest_qmp(c, "{\"execute\": \"system_powerdown\"}");
    g_assert_cmpstr(json_text_at(reply, "error.class"), ==, "CommandNotFound");
    json_object_put(reply);
    qtest_client_quit(c);
}

static struct json_object *qom(QtestClient *c, const char *command,
                               const char *arguments)
{
    g_autofree char *request = g_strdup_printf(
        "{\"execute\": \"%s\", \"arguments\": {%s}}", command, arguments);

    return qtest_qmp(c, request);
}

static void expect_property(QtestClient *c, const char *path,
                            const char *property, json_type type,
                            const char *text)
{
    g_autofree char *arguments = g_strdup_printf(
        "\"path\": \"%s\", \"property\": \"%s\"", path, property);
    struct json_object *reply = qom(c, "qom-get", arguments);
    struct json_object *value = json_at(reply, "return");

    g_assert_cmpint(json_object_get_type(value), ==, type);
    g_assert_cmpstr(json_object_get_string(value), ==, text);
    json_object_put(reply);
}

/* What -M and -device set is there to read, typed. */
static void test_qom_get(void)
{
    QtestClient *c = qtest_client_new(
        "-M virt,rtc=off -device unimplemented-device,id=u,name=none,size=1M");

    expect_property(c, "/machine", "type", json_type_string, "virt-machine");
    expect_property(c, "/machine", "rtc", json_type_boolean, "false");
    expect_property(c, "/machine/peripheral/u", "size", json_type_int,
                    "1048576");
    expect_property(c, "/machine/peripheral/u", "name", json_type_string,
                    "none");
    qtest_client_quit(c);
}

static void test_qom_list(void)
{
    QtestClient *c = qtest_client_new("-M virt -device testdev,id=t");
    struct json_object *reply =
        qom(c, "qom-list", "\"path\": \"/machine/peripheral\"");
    struct json_object *list = json_at(reply, "return");
    struct json_object *last =
        json_object_array_get_idx(list, json_object_array_length(list) - 1);

    g_assert_cmpstr(json_text_at(last, "name"), ==, "t");
    g_assert_cmpstr(json_text_at(last, "type"), ==, "child<testdev>");
    json_object_put(reply);
    reply = qom(c, "qom-list", "\"path\": \"/machine/peripheral/v\"");
    g_assert_cmpstr(json_text_at(reply, "error.class"), ==, "DeviceNotFound");
    json_object_put(reply);
    qtest_client_quit(c);
}

static int connect_and_negotiate(const char *path)
{
    int fd = unix_connect(path);
    g_autofree char *greeting = read_line(fd);
    g_autofree char *reply = NULL;

    g_assert_nonnull(strstr(greeting, "\"QMP\""));
    write_all(fd, "{\"execute\":\"qmp_capabilities\"}", 30);
    reply = read_line(fd);
    g_assert_nonnull(strstr(reply, "\"return\""));
    return fd;
}

/* One client after the other on a server, even one that left in mid-request. */
static void test_reconnect(void)
{
    g_autofree char *dir = g_dir_make_tmp("qmp-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "server", NULL);
    QtestClient *c =
        qtest_client_new("-M none -qmp unix:%s,server=on,wait=off", path);

    for (int i = 0; i < 3; i++) {
        int fd = connect_and_negotiate(path);

        write_all(fd, "{\"execute\": \"qu", 15);
        close(fd);
    }
    qtest_client_quit(c);
    /* The socket's name goes with the server. */
    g_assert_no_errno(rmdir(dir));
}

/* Both monitors hear of what one of them did. */
static void test_two_monitors(void)
{
    g_autofree char *dir = g_dir_make_tmp("qmp-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "server", NULL);
    QtestClient *c =
        qtest_client_new("-M none -qmp unix:%s,server=on,wait=off", path);
    int fd = connect_and_negotiate(path);
    g_autofree char *event = NULL;

    execute(c, "stop");
    expect_event(c, "STOP", false, NULL);
    event = read_line(fd);
    g_assert_nonnull(strstr(event, "\"STOP\""));
    close(fd);
    qtest_client_quit(c);
    g_assert_no_errno(rmdir(dir));
}

/* A client that asks a lot and reads nothing at first loses no answer. */
static void test_slow_reader(void)
{
    enum { REQUESTS = 1500 };
    static const char request[] = "{\"execute\": \"query-commands\"}";
    QtestClient *c = qtest_client_new("-M none");
    pid_t writer = fork();

    g_assert_no_errno(writer);
    if (writer == 0) {
        for (int i = 0; i < REQUESTS; i++) {
            qtest_qmp_send(c, request, -1);
        }
        _exit(0);
    }
    g_usleep(100000);
    for (int i = 0; i < REQUESTS; i++) {
        struct json_object *reply = qtest_qmp_receive(c);

        g_assert_nonnull(json_at(reply, "return"));
        json_object_put(reply);
    }
    g_assert_cmpint(waitpid(writer, NULL, 0), ==, writer);
    qtest_client_quit(c);
}

int main(int argc, char **argv)
{
    qtest_client_init(&argc, &argv);
    g_test_add_func("/qmp/stop-cont", test_stop_cont);
    g_test_add_func("/qmp/prelaunch", test_prelaunch);
    g_test_add_func("/qmp/reset", test_reset);
    g_test_add_func("/qmp/no-reboot", test_no_reboot);
    g_test_add_func("/qmp/quit", test_quit);
    g_test_add_func("/qmp/signals", test_signals);
    g_test_add_func("/qmp/names", test_names);
    g_test_add_func("/qmp/qom-get", test_qom_get);
    g_test_add_func("/qmp/qom-list", test_qom_list);
    g_test_add_func("/qmp/reconnect", test_reconnect);
    g_test_add_func("/qmp/two-monitors", test_two_monitors);
    g_test_add_func("/qmp/slow-reader", test_slow_reader);
    return g_test_run();
}
