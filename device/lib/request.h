/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "message.h"
#include "platypus-device.h"

/** PdReply: what a request is answered with. */
typedef struct PdReply {
    uint8_t *payload;
    size_t size;                /* of @payload */
    int fds[VFIO_USER_MAX_FDS]; /* not ours to close */
    unsigned num_fds;
    int owned_fd; /* closed once it is sent; -1 */
} PdReply;

/** Makes it @size bytes of zeroes, once for each request; NULL: no memory. */
void *pd_reply_alloc(PlatypusDevice *dev, PdReply *reply, size_t size);

/** Does what @message asks for, and answers. */
void pd_request(PlatypusDevice *dev, PdMessage *message);
