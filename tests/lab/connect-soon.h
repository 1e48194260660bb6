/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_LAB_CONNECT_SOON_H
#define TESTS_LAB_CONNECT_SOON_H

/*
 * A stream connected to the local socket at @path, for which it waits up to
 * ten seconds: the machine may not have come as far. The caller closes it.
 * Negative, with errno set, when nobody came to listen.
 */
int connect_soon(const char *path);

#endif
