/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor.c: the protocol of one session, without a chardev. What commands do
 * to a machine is in tests/qtest/test-qmp.c.
 */

#include <string.h>

#include "hw/core/object.h"
#include "hw/core/property.h"
#include "system/monitor.h"

typedef struct Fixture {
    GString *output;
    MonitorSession *session;
} Fixture;

static void collect(void *opaque, const char *data, size_t size)
{
    g_string_append_len(opaque, data, size);
}

static void setup(Fixture *f, const void *data)
{
    f->output = g_string_new(NULL);
    f->session = monitor_session_new(collect, f->output);
    g_assert_true(g_str_has_prefix(f->output->str, "{ \"QMP\": "));
    g_string_truncate(f->output, 0);
}

static void teardown(Fixture *f, const void *data)
{
    monitor_session_free(f->session);
    g_string_free(f->output, TRUE);
}

static void feed(Fixture *f, const char *text)
{
    monitor_session_feed(f->session, (const uint8_t *)text, strlen(text));
}

/* All that was written since the last call. */
static void expect(Fixture *f, const char *output)
{
    g_assert_cmpstr(f->output->str, ==, output);
    g_string_truncate(f->output, 0);
}

#define OK "{ \"return\": { } }\r\n"
#define FAILED(class, desc) \
    "{ \"error\": { \"class\": \"" class "\", \"desc\": \"" desc "\" } }\r\n"

static void negotiate(Fixture *f)
{
    feed(f, "{\"execute\": \"qmp_capabilities\"}");
    expect(f, OK);
}

static void test_negotiation(Fixture *f, const void *data)
{
    feed(f, "{\"execute\": \"query-status\"}\n");
    expect(f, FAILED("CommandNotFound", "qmp_capabilities must come first"));
    feed(f, "{\"execute\": \"nonesuch\"}\n");
    expect(f, FAILED("CommandNotFound", "qmp_capabilities must come first"));
    feed(f, "{\"execute\": \"qmp_capabilities\", "
            "\"arguments\": {\"enable\": [\"oob\"]}}");
    expect(f,
           FAILED("GenericError", "qmp_capabilities does not take 'enable'"));
    feed(f, "{\"execute\": \"qmp_capabilities\", "
            "\"arguments\": {\"enable\": []}}");
    expect(f, OK);
    feed(f, "{\"execute\": \"qmp_capabilities\"}");
    expect(f, FAILED("CommandNotFound", "qmp_capabilities comes only once"));
}

static void test_requests(Fixture *f, const void *data)
{
    negotiate(f);
    feed(f, "{\"execute\": \"device_add\", \"id\": {\"x\": [1, null]}}");
    expect(f, "{ \"error\": { \"class\": \"CommandNotFound\", \"desc\": "
              "\"there is no command 'device_add'\" }, "
              "\"id\": { \"x\": [ 1, null ] } }\r\n");
    feed(f, "{\"execute\": \"query-name\", \"id\": \"a/b\"}");
    expect(f, "{ \"return\": { }, \"id\": \"a/b\" }\r\n");
    monitor_set_guest_name("n");
    feed(f, "{\"execute\": \"query-name\"}");
    monitor_set_guest_name(NULL);
    expect(f, "{ \"return\": { \"name\": \"n\" } }\r\n");
    feed(f, "{\"execute\": \"query-name\", \"arguments\": {\"a\": 1}}");
    expect(f, FAILED("GenericError", "query-name does not take 'a'"));
    feed(f, "{\"execute\": \"query-name\", \"arguments\": {}}");
    expect(f, "{ \"return\": { } }\r\n");
}

static void test_malformed(Fixture *f, const void *data)
{
    static const struct {
        const char *request, *desc;
    } cases[] = {
        {"[]", "a request must be an object"},
        {"null ", "a request must be an object"},
        {"12 ", "a request must be an object"},
        {"{}", "a request needs 'execute'"},
        {"{\"execute\": 1}", "'execute' must be of type string"},
        {"{\"execute\": null}", "'execute' must be of type string"},
        {"{\"execute\": \"stop\", \"arguments\": []}",
         "'arguments' must be of type object"},
        {"{\"exec-oob\": \"stop\"}", "a request has no member 'exec-oob'"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *error = g_strdup_printf(
            "{ \"error\": { \"class\": \"GenericError\", \"desc\": \"%s\" } }"
            "\r\n",
            cases[i].desc);

        feed(f, cases[i].request);
        expect(f, error);
    }
}

static unsigned count_lines(Fixture *f, const char *prefix)
{
    g_auto(GStrv) lines = g_strsplit(f->output->str, "\r\n", -1);
    unsigned n = 0;

    for (char **line = lines; **line; line++) {
        g_assert_true(g_str_has_prefix(*line, prefix));
        n++;
    }
    g_string_truncate(f->output, 0);
    return n;
}

#define SYNTAX_ERROR \
    "{ \"error\": { \"class\": \"GenericError\", \"desc\": \"JSON parse error"

static void expect_recovered(Fixture *f)
{
    feed(f, "{\"execute\": \"query-name\"}");
    expect(f, "{ \"return\": { } }\r\n");
}

/* One answer for all of the bad object or list; the next line counts again. */
static void test_resync_line(Fixture *f, const void *data)
{
    static const char *const bad[] = {
        "{]",
        "{\"a\" 1}",
        "{'execute': 'stop'}",
        "{'execute': 'nonexistent', 'id':'",
        "{\"execute\": \"st",
        "{\"execute\": \"stop\", }",
        "[/* */ {}]",
        "[1 2]",
    };

    negotiate(f);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        feed(f, bad[i]);
        feed(f, " } { \"x\" ]: {\"execute\": \"quit\"} \t more\n");
        g_assert_cmpuint(count_lines(f, SYNTAX_ERROR), ==, 1);
        expect_recovered(f);
    }
}

/* Behind a byte that no text has, a request begins without a newline. */
static void test_resync_byte(Fixture *f, const void *data)
{
    static const char *const bad[] = {
        "{\xff",
        "{\x01",
        "{\"execute\": \"stop\"\xfe",
        "\xc0",
        "\x1f",
        "{'bad \xff",
        "{\"bad \xff",
        "{\"bad \\\xf5",
        "{\"bad \x7f\x02",
        "[{\"execute\": \"stop\"}, nul \xc1",
        "{\"execute\": \"nonexistent\", \"id\":\"\n",
        "{\"execute\": \"nonexistent\", \"id\":\"\\\"\r",
    };

    negotiate(f);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        feed(f, bad[i]);
        g_assert_cmpuint(count_lines(f, SYNTAX_ERROR), ==, 1);
        expect_recovered(f);
    }
}

/* What was no object anyway ends where one begins. */
static void test_resync_object(Fixture *f, const void *data)
{
    static const char *const bad[] = {"%p", "}", "nul!", "/* */", "x \"y"};

    negotiate(f);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        feed(f, bad[i]);
        feed(f, " and more");
        g_assert_cmpuint(count_lines(f, SYNTAX_ERROR), ==, 1);
        expect_recovered(f);
    }
}

/* A tab is as little part of a string as a newline, but ends no line. */
static void test_tab(Fixture *f, const void *data)
{
    negotiate(f);
    feed(f, "{\"execute\": \"a\tb\"} {\"execute\": \"quit\"}\n");
    g_assert_cmpuint(count_lines(f, SYNTAX_ERROR), ==, 1);
    feed(f, "\t{\t\"execute\":\r\n\"query-name\"\t}");
    expect(f, "{ \"return\": { } }\r\n");
}

static void test_zero_byte(Fixture *f, const void *data)
{
    static const uint8_t bytes[] = "{\"execute\"\0: \"stop\"}\n";

    negotiate(f);
    monitor_session_feed(f->session, bytes, sizeof("{\"execute\"\0") - 1);
    expect(f, FAILED("GenericError", "JSON parse error: a control character "
                                     "or a byte outside UTF-8"));
    expect_recovered(f);
    monitor_session_feed(f->session, bytes, sizeof(bytes) - 1);
    g_assert_cmpuint(count_lines(f, SYNTAX_ERROR), ==, 2);
    expect_recovered(f);
}

static void test_pieces(Fixture *f, const void *data)
{
    const char *p = "{\"execute\": \"qmp_capabilities\", \"id\": \"\xc3\xa4\"}"
                    "\r\n \t{\"execute\": \"query-name\", \"id\": -1.5}";

    for (; *p; p++) {
        monitor_session_feed(f->session, (const uint8_t *)p, 1);
    }
    expect(f, "{ \"return\": { }, \"id\": \"\xc3\xa4\" }\r\n"
              "{ \"return\": { }, \"id\": -1.5 }\r\n");
}

static void test_together(Fixture *f, const void *data)
{
    feed(f, "{\"execute\": \"qmp_capabilities\"}{\"execute\": \"query-name\"}"
            "{\"execute\": \"nonesuch\"}");
    expect(f,
           OK OK FAILED("CommandNotFound", "there is no command 'nonesuch'"));
}

static void test_too_long(Fixture *f, const void *data)
{
    g_autofree char *text = g_malloc(MONITOR_REQUEST_MAX + 1);

    memset(text, 'x', MONITOR_REQUEST_MAX);
    text[0] = '"';
    text[MONITOR_REQUEST_MAX] = '\0';
    feed(f, text);
    expect(f, "");
    feed(f, "x");
    expect(f, FAILED("GenericError", "JSON parse error: too long"));
    feed(f, "\"\n{\"execute\": \"qmp_capabilities\"}");
    expect(f, OK);
}

static void test_too_deep(Fixture *f, const void *data)
{
    g_autofree char *text = g_strnfill(100000, '[');

    feed(f, text);
    g_assert_cmpuint(count_lines(f, SYNTAX_ERROR), ==, 1);
}

/* What is quoted in an answer does not make it invalid. */
static void test_quoting(Fixture *f, const void *data)
{
    negotiate(f);
    feed(f, "{\"execute\": \"a\xe4\\\"\"}");
    expect(f, FAILED("CommandNotFound",
                     "there is no command 'a\xef\xbf\xbd\\\"'"));
}

static void test_commands(Fixture *f, const void *data)
{
    static const char *const names[] = {
        "qmp_capabilities",
        "query-version",
        "query-status",
        "query-name",
        "query-commands",
        "stop",
        "cont",
        "system_reset",
        "quit",
        "qom-get",
        "qom-list",
    };

    negotiate(f);
    feed(f, "{\"execute\": \"query-commands\"}");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *entry =
            g_strdup_printf("{ \"name\": \"%s\" }", names[i]);

        g_assert_nonnull(strstr(f->output->str, entry));
    }
    g_string_truncate(f->output, 0);
    feed(f, "{\"execute\": \"query-status\"}");
    expect(f, "{ \"return\": { \"status\": \"prelaunch\", "
              "\"running\": false } }\r\n");
}

typedef struct Thing {
    Object parent_obj;
    bool flag;
    uint32_t small;
    uint64_t big;
    uint64_t size;
    char *text;
    int mode;
    int state;
} Thing;

static const char *const states[] = {"there", "gone", NULL};

static const Property thing_properties[] = {
    PROP_BOOL("flag", Thing, flag, true, ""),
    PROP_UINT32("small", Thing, small, "7", 0, ""),
    PROP_UINT64("big", Thing, big, "0xffffffffffffffff", ""),
    PROP_SIZE("size", Thing, size, "4k", ""),
    PROP_STRING("text", Thing, text, "a \"b\"", ""),
    PROP_ON_OFF_AUTO("mode", Thing, mode, "off", ""),
    PROP_ENUM_RO("state", Thing, state, states, ""),
    {},
};

static void thing_class_init(ObjectClass *klass)
{
    klass->properties = thing_properties;
}

static const TypeInfo thing_type = {
    .name = "test-thing",
    .instance_size = sizeof(Thing),
    .class_init = thing_class_init,
};
TYPE_REGISTER(thing_type)

/* "/thing", and "/thing/child" */
static Thing *make_tree(void)
{
    Object *thing = object_new("test-thing");
    g_autoptr(Object) child = object_new(TYPE_OBJECT);

    g_assert_true(object_add_child(object_root(), "thing", thing, NULL));
    g_assert_true(object_add_child(thing, "child", child, NULL));
    object_unref(thing);
    return (Thing *)thing;
}

static void get(Fixture *f, const char *property, const char *value)
{
    g_autofree char *request =
        g_strdup_printf("{\"execute\": \"qom-get\", \"arguments\": "
                        "{\"path\": \"/thing\", \"property\": \"%s\"}}",
                        property);
    g_autofree char *reply = g_strdup_printf("{ \"return\": %s }\r\n", value);

    feed(f, request);
    expect(f, reply);
}

static void test_qom_get(Fixture *f, const void *data)
{
    Thing *thing = make_tree();

    negotiate(f);
    get(f, "flag", "true");
    get(f, "small", "7");
    get(f, "big", "18446744073709551615");
    get(f, "size", "4096");
    get(f, "text", "\"a \\\"b\\\"\"");
    get(f, "mode", "\"off\"");
    get(f, "state", "\"there\"");
    get(f, "type", "\"test-thing\"");
    get(f, "child", "\"/thing/child\"");
    thing->flag = false;
    thing->state = 1;
    get(f, "flag", "false");
    get(f, "state", "\"gone\"");
    g_free(thing->text);
    thing->text = NULL;
    get(f, "text", "\"\"");
    thing->text = g_strdup("\xe4");
    get(f, "text", "\"\xef\xbf\xbd\"");
    object_root_free();
}

#define ENTRY(name, type) "{ \"name\": \"" name "\", \"type\": \"" type "\" }"
#define QOM(command, arguments) \
    "{\"execute\": \"" command "\", \"arguments\": {" arguments "}}"

static void test_qom_list(Fixture *f, const void *data)
{
    make_tree();
    negotiate(f);
    feed(f, QOM("qom-list", "\"path\": \"/\""));
    expect(f, "{ \"return\": [ " ENTRY("type", "string") ", " ENTRY(
                  "thing", "child<test-thing>") " ] }\r\n");
    feed(f, QOM("qom-list", "\"path\": \"/thing\""));
    expect(
        f,
        "{ \"return\": [ " ENTRY("type", "string") ", " ENTRY("flag", "bool") ", " ENTRY("small", "uint32") ", " ENTRY(
            "big",
            "uint64") ", " ENTRY("size",
                                 "size") ", " ENTRY("text",
                                                    "string") ", " ENTRY("mode",
                                                                         "on|"
                                                                         "off|"
                                                                         "auto") ", " ENTRY("state",
                                                                                            "enum") ", " ENTRY("child",
                                                                                                               "child<object>") " ] }\r\n");
    object_root_free();
}

static void test_qom_errors(Fixture *f, const void *data)
{
    static const struct {
        const char *request, *reply;
    } cases[] = {
        {QOM("qom-get", "\"path\": \"/nowhere\", \"property\": \"type\""),
         FAILED("DeviceNotFound", "there is no object '/nowhere'")},
        {QOM("qom-get", "\"path\": \"thing\", \"property\": \"type\""),
         FAILED("DeviceNotFound", "there is no object 'thing'")},
        {QOM("qom-list", "\"path\": \"/thing/flag\""),
         FAILED("DeviceNotFound", "there is no object '/thing/flag'")},
        {QOM("qom-get", "\"path\": \"/thing\", \"property\": \"flog\""),
         FAILED("GenericError",
                "test-thing: no property 'flog'; did you mean 'flag'?")},
        {QOM("qom-get", "\"path\": \"/thing\""),
         FAILED("GenericError", "qom-get needs 'property'")},
        {QOM("qom-get", "\"property\": \"flag\""),
         FAILED("GenericError", "qom-get needs 'path'")},
        {"{\"execute\": \"qom-list\"}",
         FAILED("GenericError", "qom-list needs 'path'")},
        {QOM("qom-list", "\"path\": \"/\", \"property\": \"type\""),
         FAILED("GenericError", "qom-list does not take 'property'")},
        {QOM("qom-list", "\"path\": 1"),
         FAILED("GenericError", "qom-list: 'path' must be of type string")},
        {QOM("qom-list", "\"path\": null"),
         FAILED("GenericError", "qom-list: 'path' must be of type string")},
        {QOM("qom-list", "\"enable\": []"),
         FAILED("GenericError", "qom-list does not take 'enable'")},
    };

    make_tree();
    negotiate(f);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        feed(f, cases[i].request);
        expect(f, cases[i].reply);
    }
    object_root_free();
}

static void add(const char *path, void (*test)(Fixture *f, const void *data))
{
    g_test_add(path, Fixture, NULL, setup, test, teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/monitor/negotiation", test_negotiation);
    add("/monitor/requests", test_requests);
    add("/monitor/malformed", test_malformed);
    add("/monitor/resync-line", test_resync_line);
    add("/monitor/resync-byte", test_resync_byte);
    add("/monitor/resync-object", test_resync_object);
    add("/monitor/tab", test_tab);
    add("/monitor/zero-byte", test_zero_byte);
    add("/monitor/pieces", test_pieces);
    add("/monitor/together", test_together);
    add("/monitor/too-long", test_too_long);
    add("/monitor/too-deep", test_too_deep);
    add("/monitor/quoting", test_quoting);
    add("/monitor/commands", test_commands);
    add("/monitor/qom-get", test_qom_get);
    add("/monitor/qom-list", test_qom_list);
    add("/monitor/qom-errors", test_qom_errors);
    return g_test_run();
}
