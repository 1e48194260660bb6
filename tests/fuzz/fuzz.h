/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What a target defines, for libFuzzer as for replay.c. It must leave nothing
 * behind: the next input comes in the same process.
 */

/** Feeds one input; always 0. A finding is a crash or a failed assertion. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Optional: runs once before the first input; always 0. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
