/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qmp-send: a QMP client of the size that a lab job needs.
 *
 *     qmp-send SOCKET WORD...
 *
 * Each word is a command without arguments, or "+EVENT" to wait until that
 * event has come. Greets first, prints all that the machine says, and ends
 * with 1 on an error reply, a closed connection or ten silent seconds.
 * It looks for keys in the text rather than parsing it: busybox has no tool
 * for local sockets, and this one should not need a JSON library.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect-soon.h"

#define SILENCE_MS 10000
#define MAX_EVENTS 64

typedef struct Client {
    int fd;
    char buf[16384];
    size_t len;
    char events[MAX_EVENTS][32]; /* come, and not yet waited for */
    int nevents;
} Client;

/* Leaves the next line, without its end, in line; false when none comes. */
static bool next_line(Client *c, char *line, size_t size)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    char *end;
    size_t n;
    ssize_t got;

    while (!(end = memchr(c->buf, '\n', c->len))) {
        if (c->len == sizeof(c->buf) || poll(&p, 1, SILENCE_MS) <= 0) {
            return false;
        }
        got = read(c->fd, c->buf + c->len, sizeof(c->buf) - c->len);
        if (got <= 0) {
            return false;
        }
        c->len += got;
    }
    n = end - c->buf;
    snprintf(line, size, "%.*s", (int)n, c->buf);
    c->len -= n + 1;
    memmove(c->buf, end + 1, c->len);
    puts(line);
    return true;
}

/* Remembers the name of the event in this line, if it is one. */
static bool take_event(Client *c, const char *line)
{
    const char *p = strstr(line, "\"event\"");

    if (!p) {
        return false;
    }
    if (c->nevents < MAX_EVENTS &&
        sscanf(p + strlen("\"event\""), " : \"%31[A-Z_]",
               c->events[c->nevents]) == 1) {
        c->nevents++;
    }
    return true;
}

static bool send_command(Client *c, const char *name)
{
    char text[256], line[4096];
    int n = snprintf(text, sizeof(text), "{\"execute\": \"%s\"}\n", name);

    if (send(c->fd, text, n, MSG_NOSIGNAL) != n) {
        return false;
    }
    do {
        if (!next_line(c, line, sizeof(line))) {
            return false;
        }
    } while (take_event(c, line));
    return !strstr(line, "\"error\"");
}

static bool wait_event(Client *c, const char *name)
{
    char line[4096];

    for (;;) {
        for (int i = 0; i < c->nevents; i++) {
            if (strcmp(c->events[i], name) == 0) {
                c->nevents--;
                memmove(c->events[i], c->events[i + 1],
                        (c->nevents - i) * sizeof(c->events[0]));
                return true;
            }
        }
        if (!next_line(c, line, sizeof(line))) {
            return false;
        }
        take_event(c, line);
    }
}

int main(int argc, char **argv)
{
    static Client c;
    char greeting[4096];
    bool ok;

    if (argc < 3) {
        fprintf(stderr, "usage: qmp-send SOCKET COMMAND|+EVENT...\n");
        return 1;
    }
    c.fd = connect_soon(argv[1]);
    if (c.fd < 0) {
        fprintf(stderr, "qmp-send: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    if (!next_line(&c, greeting, sizeof(greeting)) ||
        !send_command(&c, "qmp_capabilities")) {
        fprintf(stderr, "qmp-send: %s does not greet\n", argv[1]);
        return 1;
    }
    for (int i = 2; i < argc; i++) {
        ok = argv[i][0] == '+' ? wait_event(&c, argv[i] + 1)
                               : send_command(&c, argv[i]);
        if (!ok) {
            fprintf(stderr, "qmp-send: %s failed\n", argv[i]);
            return 1;
        }
    }
    close(c.fd);
    return 0;
}
