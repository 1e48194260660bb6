/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The framing of gdb's remote serial protocol ("$payload#checksum"), as the
 * gdb manual's appendix has it. Pure: no machine, no descriptor.
 */

/** The largest packet, frame included, that is told to gdb and taken. */
#define GDB_PACKET_MAX 0x4000

/** What a byte of the stream has completed. */
typedef enum GdbInput {
    GDB_INPUT_NONE,
    GDB_INPUT_PACKET,
    GDB_INPUT_BAD,  /* a packet whose checksum is wrong */
    GDB_INPUT_LONG, /* a packet of more than GDB_PACKET_MAX bytes */
    GDB_INPUT_ACK,
    GDB_INPUT_NACK,
    GDB_INPUT_INTERRUPT, /* a Ctrl-C between packets */
} GdbInput;

/** GdbReader: zeroed, it waits for the first packet. */
typedef struct GdbReader {
    enum { GDB_IDLE, GDB_PAYLOAD, GDB_ESCAPED, GDB_SUM_1, GDB_SUM_2 } state;
    uint8_t sum;      /* of the payload, as it came */
    uint8_t expected; /* what the sender says that it is */
    bool bad_digit;
    bool too_long;
    size_t size;
    char payload[GDB_PACKET_MAX + 1]; /* unescaped; ends with a NUL */
} GdbReader;

/**
 * Takes one byte. After GDB_INPUT_PACKET @reader->payload has @reader->size
 * bytes, until the next call.
 */
GdbInput gdb_reader_feed(GdbReader *reader, uint8_t byte);

/** Appends the packet that carries @payload, escaped where need be. */
void gdb_append_packet(GString *out, const char *payload, size_t size);

/** Appends bytes as pairs of hex digits, in the order of memory. */
void gdb_append_hex(GString *out, const void *data, size_t size);

/** GdbText: what is left to parse of a packet. */
typedef struct GdbText {
    const char *p;
    const char *end;
} GdbText;

/** Takes @c, if it is next. */
bool gdb_take_char(GdbText *text, char c);
/** A number in hex digits, at least one and none beyond 64 bits. */
bool gdb_take_number(GdbText *text, uint64_t *value);
/** @size bytes in pairs of hex digits. */
bool gdb_take_hex(GdbText *text, void *data, size_t size);
