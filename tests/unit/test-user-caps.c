/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * user-caps.c: what we offer, what a server may answer, and what it may not.
 * Every answer lies in a block of exactly its size, for ASan.
 */

#include <json-c/json.h>

#include "../../hw/vfio/user-caps.h"
#include "user-fixture.h"

#define CAPS(text) "{\"capabilities\":{" text "}}"

static bool parse(const void *bytes, size_t size, unsigned num_fds,
                  UserCaps *caps, unsigned *twin, Error **errp)
{
    g_autofree uint8_t *exact = g_malloc(size);

    if (size) {
        memcpy(exact, bytes, size);
    }
    return user_caps_parse(exact, size, num_fds, caps, twin, errp);
}

/* @json may be NULL. */
static bool parse_json(const char *json, unsigned num_fds, UserCaps *caps,
                       unsigned *twin, Error **errp)
{
    g_autoptr(GByteArray) payload = version_payload(2, json);

    return parse(payload->data, payload->len, num_fds, caps, twin, errp);
}

static UserCaps must_parse(const char *json)
{
    Error *err = NULL;
    unsigned twin = 99;
    UserCaps caps;

    g_assert_true(parse_json(json, 0, &caps, &twin, &err));
    g_assert_null(err);
    g_assert_cmpuint(twin, ==, 99);
    return caps;
}

/* The error contains @expected. */
static void must_fail(const char *json, unsigned num_fds, const char *expected)
{
    g_autoptr(Error) err = NULL;
    unsigned twin;
    UserCaps caps;

    g_assert_false(parse_json(json, num_fds, &caps, &twin, &err));
    if (!strstr(error_get_pretty(err), expected)) {
        g_test_message("%s: %s", json, error_get_pretty(err));
        g_test_fail();
    }
}

static int64_t number_in(struct json_object *caps, const char *key)
{
    struct json_object *number;

    g_assert_true(json_object_object_get_ex(caps, key, &number));
    g_assert_true(json_object_is_type(number, json_type_int));
    return json_object_get_int64(number);
}

static void test_offer(void)
{
    struct json_object *root, *caps, *twin, *value;
    const VFIOUserVersion *version;
    size_t size;
    g_autofree char *offer = user_caps_offer(&size);

    version = (const VFIOUserVersion *)offer;
    g_assert_cmpuint(version->major, ==, 0);
    g_assert_cmpuint(version->minor, ==, 2);
    g_assert_cmpuint(strlen(offer + sizeof(*version)), ==,
                     size - sizeof(*version) - 1);
    root = json_tokener_parse(offer + sizeof(*version));
    g_assert_true(json_object_object_get_ex(root, "capabilities", &caps));
    g_assert_cmpint(number_in(caps, "max_msg_fds"), ==, 64);
    g_assert_cmpint(number_in(caps, "max_data_xfer_size"), ==, 32768);
    g_assert_cmpint(number_in(caps, "max_dma_maps"), ==, 65535);
    g_assert_cmpint(number_in(caps, "pgsizes"), ==, 0x7ffff000);
    g_assert_true(json_object_object_get_ex(caps, "twin_socket", &twin));
    g_assert_true(json_object_object_get_ex(twin, "supported", &value));
    g_assert_true(json_object_get_boolean(value));
    g_assert_false(json_object_object_get_ex(twin, "fd_index", NULL));
    g_assert_true(json_object_object_get_ex(caps, "write_multiple", &value));
    g_assert_true(json_object_get_boolean(value));
    json_object_put(root);
}

/* A server that says nothing has the specification's defaults. */
static void test_defaults(void)
{
    static const char *const texts[] = {NULL, "{}", "{\"x\":[1,{}]}", CAPS(""),
                                        " {\"capabilities\" : { } } \n"};

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        UserCaps caps = must_parse(texts[i]);

        g_assert_cmpuint(caps.minor, ==, 2);
        g_assert_cmpuint(caps.max_msg_fds, ==, 1);
        g_assert_cmpuint(caps.max_data_xfer_size, ==, 32768);
        g_assert_cmpuint(caps.max_dma_maps, ==, 65535);
        g_assert_cmpuint(caps.pgsizes, ==, 4096);
        g_assert_false(caps.write_multiple);
        g_assert_false(caps.twin_socket);
    }
}

static void test_lesser(void)
{
    UserCaps caps = must_parse(
        CAPS("\"max_msg_fds\":8,\"max_data_xfer_size\":8,\"max_dma_maps\":0,"
             "\"pgsizes\":69632,\"write_multiple\":true,"
             "\"migration\":{\"pgsize\":4096},"
             "\"twin_socket\":{\"supported\":false,\"fd_index\":7}"));

    g_assert_cmpuint(caps.max_msg_fds, ==, 8);
    g_assert_cmpuint(caps.max_data_xfer_size, ==, 8);
    g_assert_cmpuint(caps.max_dma_maps, ==, 0);
    g_assert_cmpuint(caps.pgsizes, ==, 0x11000);
    g_assert_true(caps.write_multiple);
    g_assert_false(caps.twin_socket);
}

/* As far as 64 bits go. */
static void test_greater(void)
{
    UserCaps caps = must_parse(CAPS("\"max_msg_fds\":18446744073709551615,"
                                    "\"max_data_xfer_size\":4294967296,"
                                    "\"max_dma_maps\":9223372036854775808,"
                                    "\"pgsizes\":18446744073709551615"));

    g_assert_cmpuint(caps.max_msg_fds, ==, VFIO_USER_MAX_FDS);
    g_assert_cmpuint(caps.max_data_xfer_size, ==, 32768);
    g_assert_cmpuint(caps.max_dma_maps, ==, 65535);
    g_assert_cmpuint(caps.pgsizes, ==, 0x7ffff000);
}

static void test_no_numbers(void)
{
    static const char *const keys[] = {"max_msg_fds", "max_data_xfer_size",
                                       "max_dma_maps", "pgsizes"};
    static const char *const values[] = {
        "-1",    "-9223372036854775808",
        "\"8\"", "8.0",
        "1e3",   "true",
        "null",  "[8]",
        "{}",    "-99999999999999999999999999999999999999",
    };

    for (unsigned k = 0; k < G_N_ELEMENTS(keys); k++) {
        for (unsigned v = 0; v < G_N_ELEMENTS(values); v++) {
            g_autofree char *json =
                g_strdup_printf(CAPS("\"%s\":%s"), keys[k], values[v]);

            must_fail(json, 0, "the server's ");
        }
    }
}

/* Beyond 64 bits it depends on json-c's version: the largest, or an error. */
static void test_beyond(void)
{
    static const char *const values[] = {
        "18446744073709551616", "99999999999999999999999999999999999999"};

    for (unsigned v = 0; v < G_N_ELEMENTS(values); v++) {
        g_autofree char *json =
            g_strdup_printf(CAPS("\"max_msg_fds\":%s"), values[v]);
        g_autoptr(Error) err = NULL;
        unsigned twin;
        UserCaps caps;

        if (parse_json(json, 0, &caps, &twin, &err)) {
            g_assert_cmpuint(caps.max_msg_fds, ==, VFIO_USER_MAX_FDS);
        } else {
            g_assert_nonnull(err);
        }
    }
}

static void test_cannot_serve(void)
{
    must_fail(CAPS("\"max_data_xfer_size\":7"), 0, "takes 7 bytes");
    must_fail(CAPS("\"max_data_xfer_size\":0"), 0, "takes 0 bytes");
    must_fail(CAPS("\"pgsizes\":0"), 0, "pages of 0x0 only");
    must_fail(CAPS("\"pgsizes\":2048"), 0, "pages of 0x800 only");
    must_fail(CAPS("\"write_multiple\":1"), 0, "neither true nor false");
    must_fail(CAPS("\"write_multiple\":null"), 0, "neither true nor false");
}

static void test_twin(void)
{
    unsigned twin = 99;
    UserCaps caps;

    g_assert_true(parse_json(CAPS("\"twin_socket\":{\"supported\":true,"
                                  "\"fd_index\":2}"),
                             3, &caps, &twin, NULL));
    g_assert_true(caps.twin_socket);
    g_assert_cmpuint(twin, ==, 2);
    must_fail(CAPS_TWIN, 0, "promises a twin socket");
    must_fail(CAPS("\"twin_socket\":{\"supported\":true,\"fd_index\":1}"), 1,
              "promises a twin socket");
    must_fail(CAPS("\"twin_socket\":{\"supported\":true}"), 1,
              "promises a twin socket");
    must_fail(CAPS("\"twin_socket\":{\"supported\":true,"
                   "\"fd_index\":4294967296}"),
              1, "promises a twin socket");
    must_fail(CAPS("\"twin_socket\":{\"supported\":true,\"fd_index\":-1}"), 1,
              "the server's fd_index");
    must_fail(CAPS("\"twin_socket\":{\"supported\":1,\"fd_index\":0}"), 1,
              "the server's supported");
    must_fail(CAPS("\"twin_socket\":true"), 1, "twin_socket is no JSON object");
    must_fail(CAPS("\"twin_socket\":null"), 1, "twin_socket is no JSON object");
}

static void test_garbage(void)
{
    static const char *const texts[] = {
        "",           " ",        "{",           "}",
        "[]",         "1",        "nul",         "null",
        "\"x\"",      "{\"a\":1", "{}x",         "{}{}",
        "{,}",        "{a:1}",    "{\"a\":nan}", "\xff\xfe\x80",
        "{\"a\":01}",
    };
    g_autofree char *deep = g_strnfill(4000, '[');

    for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
        must_fail(texts[i], 0, "the server's VERSION is no JSON object");
    }
    must_fail(deep, 0, "the server's VERSION is no JSON object");
    must_fail("{\"capabilities\":[]}", 0, "capabilities is no JSON object");
    must_fail("{\"capabilities\":null}", 0, "capabilities is no JSON object");
}

static void must_fail_bytes(const void *bytes, size_t size,
                            const char *expected)
{
    g_autoptr(Error) err = NULL;
    unsigned twin;
    UserCaps caps;

    g_assert_false(parse(bytes, size, 0, &caps, &twin, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), expected));
}

/* The answer's every beginning, and zeroes where none should be. */
static void test_cut(void)
{
    static const char json[] = CAPS("\"max_msg_fds\":8");
    g_autoptr(GByteArray) payload = version_payload(2, json);

    for (size_t size = 0; size < 4; size++) {
        must_fail_bytes(payload->data, size, "VERSION has ");
    }
    for (size_t size = 5; size < payload->len; size++) {
        must_fail_bytes(payload->data, size, "VERSION ends without a zero");
    }
    g_byte_array_append(payload, (const guint8 *)"", 1);
    must_fail_bytes(payload->data, payload->len, "VERSION ends without a zero");
    payload->data[7] = 0;
    must_fail_bytes(payload->data, payload->len - 1,
                    "VERSION ends without a zero");
}

static void test_versions(void)
{
    static const struct {
        VFIOUserVersion version;
        bool served;
    } cases[] = {
        {{0, 0}, true},  {{0, 1}, true},  {{0, 2}, true},
        {{0, 3}, false}, {{1, 2}, false}, {{0xffff, 0xffff}, false},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        unsigned twin;
        UserCaps caps;

        g_assert_cmpint(parse(&cases[i].version, sizeof(VFIOUserVersion), 0,
                              &caps, &twin, &err),
                        ==, cases[i].served);
        if (cases[i].served) {
            g_assert_cmpuint(caps.minor, ==, cases[i].version.minor);
        } else {
            g_assert_nonnull(strstr(error_get_pretty(err), "and we 0.2"));
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-caps/offer", test_offer);
    g_test_add_func("/user-caps/defaults", test_defaults);
    g_test_add_func("/user-caps/lesser", test_lesser);
    g_test_add_func("/user-caps/greater", test_greater);
    g_test_add_func("/user-caps/no-numbers", test_no_numbers);
    g_test_add_func("/user-caps/beyond", test_beyond);
    g_test_add_func("/user-caps/cannot-serve", test_cannot_serve);
    g_test_add_func("/user-caps/twin", test_twin);
    g_test_add_func("/user-caps/garbage", test_garbage);
    g_test_add_func("/user-caps/cut", test_cut);
    g_test_add_func("/user-caps/versions", test_versions);
    return g_test_run();
}
