/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VERSION: what we can do, as JSON, and what the server makes of it. A key
 * that is absent has the specification's default; one that we do not know is
 * skipped (libvfio-user sends "migration"). A server that repeats our own
 * limits, or larger ones, is fine: the lesser counts. A value that means
 * nothing is an error, because whoever wrote it meant something else.
 */

#include <json-c/json.h>
#include <string.h>

#include "user-caps.h"
#include "user-stream.h"

typedef struct json_object Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_object_put)

#define MAX_DEPTH 16
/* Guest RAM comes in multiples of 4 KiB, whatever the host's pages. */
#define OUR_PGSIZES 0x7ffff000ULL
#define OUR_DMA_MAPS VFIO_USER_DEFAULT_DMA_MAPS
/* The widest access of a guest. */
#define LEAST_DATA_XFER_SIZE 8

void *user_caps_offer(size_t *size)
{
    const VFIOUserVersion version = {VFIO_USER_MAJOR, VFIO_USER_MINOR};
    g_autoptr(Json) root = json_object_new_object();
    Json *caps = json_object_new_object();
    Json *twin = json_object_new_object();
    const char *text;
    size_t length;
    char *payload;

    json_object_object_add(caps, "max_msg_fds",
                           json_object_new_int64(USER_STREAM_FDS));
    json_object_object_add(caps, "max_data_xfer_size",
                           json_object_new_int64(USER_DATA_XFER_SIZE));
    json_object_object_add(caps, "max_dma_maps",
                           json_object_new_int64(OUR_DMA_MAPS));
    json_object_object_add(caps, "pgsizes", json_object_new_int64(OUR_PGSIZES));
    json_object_object_add(twin, "supported", json_object_new_boolean(true));
    json_object_object_add(caps, "twin_socket", twin);
    json_object_object_add(caps, "write_multiple",
                           json_object_new_boolean(true));
    json_object_object_add(root, "capabilities", caps);
    text = json_object_to_json_string_length(root, JSON_C_TO_STRING_PLAIN,
                                             &length);
    *size = sizeof(version) + length + 1;
    payload = g_malloc(*size);
    memcpy(payload, &version, sizeof(version));
    memcpy(payload + sizeof(version), text, length + 1);
    return payload;
}

/* *@value stays what it is, the default, where @key is absent. */
static bool get_number(Json *caps, const char *key, uint64_t *value,
                       Error **errp)
{
    Json *number;

    if (!json_object_object_get_ex(caps, key, &number)) {
        return true;
    }
    if (!json_object_is_type(number, json_type_int) ||
        json_object_get_int64(number) < 0) {
        error_setg(errp, "the server's %s is no number that counts something",
                   key);
        return false;
    }
    *value = json_object_get_uint64(number);
    return true;
}

static bool get_truth(Json *caps, const char *key, bool *value, Error **errp)
{
    Json *truth;

    if (!json_object_object_get_ex(caps, key, &truth)) {
        return true;
    }
    if (!json_object_is_type(truth, json_type_boolean)) {
        error_setg(errp, "the server's %s is neither true nor false", key);
        return false;
    }
    *value = json_object_get_boolean(truth);
    return true;
}

/* An object or nothing: *@object is NULL then. */
static bool get_object(Json *from, const char *key, Json **object, Error **errp)
{
    *object = NULL;
    if (!json_object_object_get_ex(from, key, object) ||
        json_object_is_type(*object, json_type_object)) {
        return true;
    }
    error_setg(errp, "the server's %s is no JSON object", key);
    return false;
}

static bool get_twin(Json *caps, unsigned num_fds, bool *twin_socket,
                     unsigned *twin_index, Error **errp)
{
    uint64_t index = UINT64_MAX;
    Json *twin;

    *twin_socket = false;
    if (!get_object(caps, "twin_socket", &twin, errp)) {
        return false;
    }
    if (!twin) {
        return true;
    }
    if (!get_truth(twin, "supported", twin_socket, errp) ||
        !get_number(twin, "fd_index", &index, errp)) {
        return false;
    }
    if (*twin_socket && index >= num_fds) {
        error_setg(errp,
                   "the server promises a twin socket, but of its %u "
                   "descriptors none is that",
                   num_fds);
        return false;
    }
    if (*twin_socket) {
        *twin_index = index;
    }
    return true;
}

static bool read_caps(Json *json, unsigned num_fds, UserCaps *caps,
                      unsigned *twin_index, Error **errp)
{
    uint64_t fds = VFIO_USER_DEFAULT_MSG_FDS;
    uint64_t xfer = VFIO_USER_DEFAULT_DATA_XFER_SIZE;
    uint64_t maps = VFIO_USER_DEFAULT_DMA_MAPS;
    uint64_t pgsizes = VFIO_USER_DEFAULT_PGSIZES;

    if (!get_number(json, "max_msg_fds", &fds, errp) ||
        !get_number(json, "max_data_xfer_size", &xfer, errp) ||
        !get_number(json, "max_dma_maps", &maps, errp) ||
        !get_number(json, "pgsizes", &pgsizes, errp) ||
        !get_truth(json, "write_multiple", &caps->write_multiple, errp) ||
        !get_twin(json, num_fds, &caps->twin_socket, twin_index, errp)) {
        return false;
    }
    caps->max_msg_fds = MIN(fds, VFIO_USER_MAX_FDS);
    caps->max_data_xfer_size = MIN(xfer, USER_DATA_XFER_SIZE);
    caps->max_dma_maps = MIN(maps, OUR_DMA_MAPS);
    caps->pgsizes = pgsizes & OUR_PGSIZES;
    if (xfer < LEAST_DATA_XFER_SIZE) {
        error_setg(errp,
                   "the server takes %u bytes in a message, and an access may "
                   "have %d",
                   (unsigned)xfer, LEAST_DATA_XFER_SIZE);
        return false;
    }
    if (caps->pgsizes == 0) {
        error_setg(errp,
                   "the server maps pages of 0x%" PRIx64 " only, and our RAM "
                   "has none of that size",
                   pgsizes);
        return false;
    }
    return true;
}

/* @size bytes that should be text with a zero at the end, and only there. */
static Json *parse_text(const char *text, size_t size, Error **errp)
{
    struct json_tokener *tokener;
    Json *json;

    if (text[size - 1] || strlen(text) != size - 1) {
        error_setg(errp, "the server's VERSION ends without a zero, or behind "
                         "one");
        return NULL;
    }
    tokener = json_tokener_new_ex(MAX_DEPTH);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    /* With its zero, so that it cannot be the start of something longer. */
    json = json_tokener_parse_ex(tokener, text, size);
    if (!json_object_is_type(json, json_type_object)) {
        error_setg(errp, "the server's VERSION is no JSON object: %s",
                   json_tokener_error_desc(json_tokener_get_error(tokener)));
        json_object_put(json);
        json = NULL;
    }
    json_tokener_free(tokener);
    return json;
}

bool user_caps_parse(const void *payload, size_t size, unsigned num_fds,
                     UserCaps *caps, unsigned *twin_index, Error **errp)
{
    g_autoptr(Json) json = NULL;
    VFIOUserVersion version;
    Json *found;

    *caps = (UserCaps){0};
    if (size < sizeof(version)) {
        error_setg(errp, "the server's VERSION has %zu bytes", size);
        return false;
    }
    memcpy(&version, payload, sizeof(version));
    if (version.major != VFIO_USER_MAJOR || version.minor > VFIO_USER_MINOR) {
        error_setg(errp, "the server speaks version %u.%u, and we %u.%u",
                   version.major, version.minor, VFIO_USER_MAJOR,
                   VFIO_USER_MINOR);
        return false;
    }
    caps->minor = version.minor;
    if (size > sizeof(version)) {
        json = parse_text((const char *)payload + sizeof(version),
                          size - sizeof(version), errp);
    } else {
        json = json_object_new_object();
    }
    if (!json || !get_object(json, "capabilities", &found, errp)) {
        return false;
    }
    return read_caps(found, num_fds, caps, twin_index, errp);
}
