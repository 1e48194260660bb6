/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/chardev.h"
#include "util/fd.h"
#include "util/main-loop.h"
#include "util/timer.h"

/*
 * What the tests of chardev.c and chardev-backend.c have in common: a user that
 * counts what it is told, a directory and a main loop for each test.
 */
typedef struct User {
    GString *got;
    size_t room; /* of can_receive() */
    int opened;
    int closed;
    int writable;
} User;

static inline size_t user_can_receive(void *opaque)
{
    User *user = opaque;

    return user->room;
}

static inline void user_receive(void *opaque, const uint8_t *data, size_t size)
{
    User *user = opaque;

    g_assert_cmpuint(size, <=, user->room);
    g_string_append_len(user->got, (const char *)data, size);
}

static inline void user_writable(void *opaque)
{
    ((User *)opaque)->writable++;
}

static inline void user_event(void *opaque, ChardevEvent event)
{
    User *user = opaque;

    user->opened += event == CHARDEV_OPENED;
    user->closed += event == CHARDEV_CLOSED;
}

G_GNUC_UNUSED static const ChardevHandlers user_handlers = {
    .can_receive = user_can_receive,
    .receive = user_receive,
    .writable = user_writable,
    .event = user_event,
};

typedef struct Fixture {
    char *dir;
    User user;
} Fixture;

static inline void set_up(Fixture *f, gconstpointer unused)
{
    f->dir = g_dir_make_tmp("chardev-XXXXXX", NULL);
    f->user = (User){.got = g_string_new(NULL), .room = 100000};
    g_assert_true(main_loop_init(NULL));
}

static inline void tear_down(Fixture *f, gconstpointer unused)
{
    main_loop_finish();
    g_string_free(f->user.got, TRUE);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
}

static inline Chardev *new_ok(const char *spec)
{
    g_autoptr(Error) err = NULL;
    Chardev *chr = chardev_new("serial0", spec, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return chr;
}

static inline Chardev *new_options_ok(const char *text)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(OptionList) list = option_list_parse(text, "backend", &err);
    Chardev *chr = chardev_new_options("char0", list, &err);

    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
    return chr;
}

/* A chardev on one end of a socket pair; *@peer is the other. */
static inline Chardev *new_pair(int *peer)
{
    g_autofree char *text = NULL;
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==,
                    0);
    *peer = fds[1];
    fcntl(*peer, F_SETFL, O_NONBLOCK);
    text = g_strdup_printf("socket,fd=%d,id=char0", fds[0]);
    return new_options_ok(text);
}

#define ITERATE_UNTIL(condition) \
    while (!(condition)) {       \
        main_loop_iterate(true); \
    }

static inline void assert_peer_reads(int fd, const char *expected)
{
    char data[256];
    ssize_t n = read(fd, data, sizeof(data));

    g_assert_cmpmem(data, n, expected, strlen(expected));
}

static inline void assert_peer_reads_nothing(int fd)
{
    char data[8];

    g_assert_cmpint(read(fd, data, sizeof(data)), ==, -1);
    g_assert_cmpint(errno, ==, EAGAIN);
}

static inline void add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, test, tear_down);
}
