/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/**
 * CRC-32 as of zlib, gzip and Ethernet: of @data after what @crc is of, which
 * is 0 for nothing.
 */
uint32_t crc32(uint32_t crc, const void *data, size_t size);
