/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC-32, reflected polynomial 0xedb88320, eight bytes at a time: table[k][b]
 * is what a byte b contributes that has k more bytes after it in the same
 * eight. The tables are made once, at the start of the program.
 */

#include <endian.h>
#include <string.h>
#include "crc32.h"

#define POLYNOMIAL 0xedb88320u

static uint32_t table[8][256];

__attribute__((constructor)) static void make_tables(void)
{
    for (unsigned b = 0; b < 256; b++) {
        uint32_t crc = b;

        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        }
        table[0][b] = crc;
    }
    for (unsigned k = 1; k < 8; k++) {
        for (unsigned b = 0; b < 256; b++) {
            uint32_t before = table[k - 1][b];

            table[k][b] = before >> 8 ^ table[0][before & 0xff];
        }
    }
}

static uint32_t eight_bytes(uint32_t crc, const uint8_t *p)
{
    uint32_t low, high;

    memcpy(&low, p, 4);
    memcpy(&high, p + 4, 4);
    low = le32toh(low) ^ crc;
    high = le32toh(high);
    return table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
           table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
           table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
           table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
}

uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        crc = eight_bytes(crc, p);
    }
    for (; size; size--) {
        crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
    }
    return ~crc;
}
