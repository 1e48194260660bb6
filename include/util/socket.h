/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <sys/un.h>
#include "util/error.h"

/*
 * Stream sockets by what a person calls them. Descriptors are non-blocking and
 * closed on exec. Thread: any.
 */

/** A socket of @family, or -1. */
int socket_new(int family, Error **errp);

/** False when @path is too long for a socket's name. */
bool socket_unix_address(const char *path, struct sockaddr_un *addr,
                         Error **errp);

/**
 * Listens at @path and returns the descriptor, or -1. A socket there that
 * nobody listens at any more is replaced. The caller unlinks.
 */
int socket_listen_unix(const char *path, Error **errp);

/**
 * Listens at @host, a numeric IPv4 or IPv6 address, "localhost" or "" (which
 * are 127.0.0.1), and TCP port @port; 0 is any that is free. Returns the
 * descriptor, or -1. Connections made at it delay nothing (TCP_NODELAY).
 */
int socket_listen_tcp(const char *host, uint16_t port, Error **errp);
