/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "message.h"

/** PdLine: an interrupt line, and the client that listens to it. */
typedef struct PdLine {
    bool edge;
    bool level;  /* of a level line: asserted */
    bool masked; /* of a level line: by the client, or since it was signalled */
    bool latched; /* of an edge: one event that nobody heard yet */
    int fd;       /* the client's eventfd, or -1 */
} PdLine;

void pd_line_init(PdLine *line, bool edge);
/** The client has gone: its descriptor and mask, not the line's state. */
void pd_line_forget_client(PdLine *line);

void pd_line_raise(PdLine *line);
void pd_line_lower(PdLine *line);

/**
 * The payload of DEVICE_SET_IRQS; a descriptor may be taken from @message. 0
 * or -errno.
 */
int pd_lines_set(PdLine *lines, unsigned num_lines, PdMessage *message);
