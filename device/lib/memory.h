/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** PdMemory: memory of ours that a client may map, too. */
typedef struct PdMemory {
    int fd;     /* -1: none */
    void *host; /* all of it, writable */
    size_t size;
} PdMemory;

/** At least @size bytes. @read_only: a client cannot map it for writing. */
int pd_memory_init(PdMemory *memory, uint64_t size, bool read_only);
/** Again, and after a failed init, is fine. */
void pd_memory_finish(PdMemory *memory);
