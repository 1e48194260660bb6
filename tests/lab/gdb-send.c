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
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SILENCE_MS 10000
#define ANSWER_MAX 0x8000

static int try_connect(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The machine may not have come as far as its socket. */
static int connect_soon(const char *path)
{
    const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    int fd = -1;

    for (int i = 0; i < 200 && fd < 0; i++) {
        fd = try_connect(path);
        if (fd < 0) {
            nanosleep(&pause, NULL);
        }
    }
    return fd;
}

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
