/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb-send: a client of a gdb stub, of the size that a lab job needs; the board
 * has no gdb.
 *
 *     gdb-send SOCKET [PACKET PATTERN]...
 *
 * Sends each packet and expects an answer that the pattern (of the shell's)
 * fits; "^C" stands for the interrupt, and "" for no packet at all. Prints all
 * of it, and ends with 1 on another answer, a closed connection or ten silent
 * seconds.
 */
#include <errno.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect-soon.h"

#define SILENCE_MS 10000
#define ANSWER_MAX 0x8000

static bool send_packet(int fd, const char *payload)
{
    char text[1024];
    uint8_t sum = 0;
    int n;

    if (strcmp(payload, "^C") == 0) {
        return send(fd, "\x03", 1, MSG_NOSIGNAL) == 1;
    }
    for (const char *p = payload; *p; p++) {
        sum += *p;
    }
    n = snprintf(text, sizeof(text), "$%s#%02x", payload, sum);
    return !*payload ||
           (n < (int)sizeof(text) && send(fd, text, n, MSG_NOSIGNAL) == n);
}

static bool read_byte(int fd, char *byte)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, SILENCE_MS) > 0 && read(fd, byte, 1) == 1;
}

/* The next packet's payload; acknowledgements are passed over. */
static bool read_packet(int fd, char *payload)
{
    size_t n = 0;
    char c;

    do {
        if (!read_byte(fd, &c)) {
            return false;
        }
    } while (c != '$');
    while (read_byte(fd, &c)) {
        if (c == '#') {
            payload[n] = '\0';
            return read_byte(fd, &c) && read_byte(fd, &c);
        }
        if (n == ANSWER_MAX - 1) {
            return false;
        }
        payload[n++] = c;
    }
    return false;
}

int main(int argc, char **argv)
{
    static char answer[ANSWER_MAX];
    int fd;

    if (argc < 2 || argc % 2) {
        fprintf(stderr, "usage: gdb-send SOCKET [PACKET PATTERN]...\n");
        return 1;
    }
    fd = connect_soon(argv[1]);
    if (fd < 0) {
        fprintf(stderr, "gdb-send: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    for (int i = 2; i < argc; i += 2) {
        if (!send_packet(fd, argv[i]) || !read_packet(fd, answer)) {
            fprintf(stderr, "gdb-send: %s: no answer\n", argv[i]);
            return 1;
        }
        printf("%s: %s\n", argv[i], answer);
        if (fnmatch(argv[i + 1], answer, 0) != 0) {
            fprintf(stderr, "gdb-send: %s: %s, not %s\n", argv[i], answer,
                    argv[i + 1]);
            return 1;
        }
    }
    close(fd);
    return 0;
}
