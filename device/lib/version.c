/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PdCaps: the capabilities in VERSION, both ways. Of the client's only what
 * limits us counts; keys that we do not know are skipped, as the specification
 * wants it, but what we know must be of its type.
 */

#include <stdio.h>
#include <string.h>

#include "json.h"
#include "message.h"
#include "version.h"

static bool pd_caps_parse_twin(PdJson *json)
{
    char key[PD_JSON_KEY];
    bool supported = false;

    pd_json_enter(json);
    while (pd_json_member(json, key)) {
        if (strcmp(key, "supported") == 0) {
            supported = pd_json_bool(json);
        } else {
            pd_json_skip(json);
        }
    }
    return supported;
}

static void pd_caps_parse_members(PdCaps *caps, PdJson *json)
{
    char key[PD_JSON_KEY];

    pd_json_enter(json);
    while (pd_json_member(json, key)) {
        if (strcmp(key, "max_msg_fds") == 0) {
            caps->max_msg_fds = pd_json_uint(json);
        } else if (strcmp(key, "max_data_xfer_size") == 0) {
            caps->max_data_xfer_size = pd_json_uint(json);
        } else if (strcmp(key, "twin_socket") == 0) {
            caps->twin_socket = pd_caps_parse_twin(json);
        } else {
            pd_json_skip(json);
        }
    }
}

bool pd_caps_parse(PdCaps *caps, const char *text, size_t size)
{
    PdJson json;
    char key[PD_JSON_KEY];

    *caps = (PdCaps){
        .max_msg_fds = VFIO_USER_DEFAULT_MSG_FDS,
        .max_data_xfer_size = VFIO_USER_DEFAULT_DATA_XFER_SIZE,
    };
    if (size == 0) {
        return true;
    }
    pd_json_init(&json, text, size);
    pd_json_enter(&json);
    while (pd_json_member(&json, key)) {
        if (strcmp(key, "capabilities") == 0) {
            pd_caps_parse_members(caps, &json);
        } else {
            pd_json_skip(&json);
        }
    }
    if (caps->max_msg_fds > VFIO_USER_MAX_FDS) {
        caps->max_msg_fds = VFIO_USER_MAX_FDS;
    }
    if (caps->max_data_xfer_size > PD_MAX_DATA_XFER_SIZE) {
        caps->max_data_xfer_size = PD_MAX_DATA_XFER_SIZE;
    }
    return pd_json_done(&json) && caps->max_data_xfer_size > 0;
}

size_t pd_caps_print(char text[PD_CAPS_TEXT], bool twin_socket)
{
    return 1 + snprintf(text, PD_CAPS_TEXT,
                        "{\"capabilities\":{\"max_msg_fds\":%d,"
                        "\"max_data_xfer_size\":%d,\"pgsizes\":%d,"
                        "\"max_dma_maps\":%d,%s\"write_multiple\":true}}",
                        PD_MAX_FDS, PD_MAX_DATA_XFER_SIZE, PD_PAGE_SIZE,
                        PD_MAX_DMA_MAPS,
                        twin_socket ? "\"twin_socket\":{\"supported\":true,"
                                      "\"fd_index\":0},"
                                    : "");
}
