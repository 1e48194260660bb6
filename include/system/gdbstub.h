/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/debug.h"

/*
 * The gdb stub: gdb's remote serial protocol, by which a debugger stops and
 * looks at the guest's CPUs. CPU n is thread n + 1; all stop when one does.
 * Thread: machine lock, main thread.
 */

/** GdbSession: the protocol for one peer. */
typedef struct GdbSession GdbSession;
typedef void (*GdbWriteFn)(void *opaque, const char *data, size_t size);

/**
 * Stops the machine if it runs: to the peer it is stopped from the beginning.
 * @accel, whose class must have debug, stays the caller's; it has @num_cpus
 * CPUs. One session at a time.
 */
GdbSession *gdb_session_new(Accel *accel, unsigned num_cpus, GdbWriteFn write,
                            void *opaque);
/** Takes any bytes, in any pieces. */
void gdb_session_feed(GdbSession *session, const uint8_t *data, size_t size);
/**
 * The peer has gone: takes all of its breakpoints away, and starts the machine
 * if it was the debugger who stopped it. NULL is fine.
 */
void gdb_session_free(GdbSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GdbSession, gdb_session_free)

/** Breakpoints and watchpoints of one session at most. */
#define GDB_POINTS_MAX 1024

/** GdbServer: listens, and has a session with one peer at a time. */
typedef struct GdbServer GdbServer;

/**
 * Listens at @spec, the argument of -gdb: tcp:HOST:PORT, where HOST is a
 * numeric address, an IPv6 one in brackets, or localhost, which it also is
 * when it is empty; or unix:PATH. Behind either ",server=on" and ",wait=off"
 * may stand. The rest is as for gdb_session_new(), but that @accel may turn
 * out to have no debug, which is an error.
 */
GdbServer *gdb_server_new(const char *spec, Accel *accel, unsigned num_cpus,
                          Error **errp);
/** The port that a TCP socket listens at; 0: it is no TCP socket. */
unsigned gdb_server_port(const GdbServer *server);
/** NULL is fine. */
void gdb_server_free(GdbServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GdbServer, gdb_server_free)
