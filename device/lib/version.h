/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PD_MAX_DMA_MAPS 4096
#define PD_PAGE_SIZE 4096 /* the least that we map; see pgsizes */

/** What a client says of itself in VERSION. */
typedef struct PdCaps {
    uint64_t max_msg_fds;
    uint64_t max_data_xfer_size;
    bool twin_socket;
} PdCaps;

/** @text has no terminating zero; size 0 means the defaults. */
bool pd_caps_parse(PdCaps *caps, const char *text, size_t size);

#define PD_CAPS_TEXT 256
/** What we say; the length with the terminating zero. */
size_t pd_caps_print(char text[PD_CAPS_TEXT], bool twin_socket);
