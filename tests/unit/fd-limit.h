/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <sys/resource.h>
#include <unistd.h>

/**
 * Lets the process open @spare more descriptors and no more. Returns the old
 * limit for fd_limit_restore(), which must come before anything else that
 * needs a descriptor.
 */
static inline struct rlimit fd_limit_set(unsigned spare)
{
    struct rlimit old, limit;
    int fds[16];
    int next;

    g_assert_cmpuint(spare, <, G_N_ELEMENTS(fds));
    for (unsigned i = 0; i <= spare; i++) {
        fds[i] = dup(STDIN_FILENO);
        g_assert_cmpint(fds[i], >=, 0);
    }
    next = fds[spare];
    for (unsigned i = 0; i <= spare; i++) {
        close(fds[i]);
    }
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
    limit = old;
    limit.rlim_cur = next;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    return old;
}

static inline void fd_limit_restore(const struct rlimit *old)
{
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, old), ==, 0);
}
