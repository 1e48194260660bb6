/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "user-conn.h"

/* The most data that we take in one message. libvfio-user receives a body at
 * one go, so that messages stay far below a socket's buffer. */
#define USER_DATA_XFER_SIZE 32768
/* The largest message that we take, hence the largest reply of any kind. */
#define USER_MESSAGE_SIZE \
    (sizeof(VFIOUserHeader) + VFIO_USER_DATA_HEAD + USER_DATA_XFER_SIZE)

/** The payload of our VERSION; *@size bytes, the caller frees it. */
void *user_caps_offer(size_t *size);

/**
 * Reads the payload of the answer, which came with @num_fds descriptors; what
 * both can do goes to *@caps, and the index of the twin socket's descriptor to
 * *@twin_index if there is one. Everything in it is foreign.
 */
bool user_caps_parse(const void *payload, size_t size, unsigned num_fds,
                     UserCaps *caps, unsigned *twin_index, Error **errp);
