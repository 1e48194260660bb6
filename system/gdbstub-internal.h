/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "gdbstub-packet.h"
#include "system/gdbstub.h"
#include "system/vm.h"
#include "util/lock.h"

/* What the files of the gdb stub share; for no one else. */

#define GDB_SIGINT 2
#define GDB_SIGTRAP 5

/* gdb's numbers in Z and z packets. */
enum { GDB_Z_SOFT, GDB_Z_HARD, GDB_Z_WRITE, GDB_Z_READ, GDB_Z_ACCESS };

typedef struct GdbPoint {
    unsigned type;
    DebugPoint point;
} GdbPoint;

/** GdbStop: what a stop reply tells. */
typedef struct GdbStop {
    unsigned cpu;
    unsigned signal;
    bool hit; /* else nothing is known but the signal */
    DebugReason reason;
    DebugPoint point;
} GdbStop;

/** A thread-id of the peer's. */
enum { GDB_ALL_CPUS = -1 };

struct GdbSession {
    Accel *accel;
    const AccelDebugOps *ops;
    unsigned num_cpus;
    GdbWriteFn write;
    void *write_opaque;
    VmListener listener;

    GdbReader reader;
    GString *reply; /* to the packet at hand */
    GString *sent;  /* the last packet, in case that it gets lost */
    unsigned resent;
    bool no_ack;
    bool swbreak; /* the peer wants to know that it was one */
    bool hwbreak;

    bool waiting;       /* the peer waits for a stop reply */
    unsigned cpu;       /* that registers and memory are looked at through */
    int resume_cpu;     /* of c and s; or GDB_ALL_CPUS */
    GdbStop stop;       /* the last one; while running, the default */
    DebugResume *modes; /* of each CPU, as the accelerator has them */
    GArray *points;     /* of GdbPoint */

    Mutex lock;
    bool has_hit; /* one is on its way to the main thread */
    DebugHit hit;
};

/* gdbstub.c */
/** Stops the machine, if it runs, for @stop. */
void gdb_stop_machine(GdbSession *s, const GdbStop *stop);
/** Sends @payload of its own accord. */
void gdb_send(GdbSession *s, const char *payload, size_t size);

/* gdbstub-commands.c */
/** Answers the packet in s->reader, into s->reply; false: with nothing. */
bool gdb_execute(GdbSession *s);

/* gdbstub-points.c */
bool gdb_insert_point(GdbSession *s, unsigned type, uint64_t addr,
                      uint64_t size, Error **errp);
/** One that is not set is fine. */
void gdb_remove_point(GdbSession *s, unsigned type, uint64_t addr,
                      uint64_t size);
void gdb_remove_all_points(GdbSession *s);
bool gdb_has_point(const GdbSession *s, unsigned type, uint64_t addr);

/* gdbstub-resume.c */
/** Lets every CPU run as without a debugger. */
void gdb_reset_modes(GdbSession *s);
/** Appends what tells of s->stop. */
void gdb_append_stop(GdbSession *s, GString *out);
/** vCont, behind its name: ";s:1;c". False: an answer is in s->reply. */
bool gdb_vcont(GdbSession *s, GdbText args);
/** c, C, s and S, behind their letter. */
bool gdb_resume(GdbSession *s, GdbText args, bool step, bool has_signal);
/** A thread-id: *@cpu is its CPU, or GDB_ALL_CPUS; "0" is @any. */
bool gdb_take_thread(const GdbSession *s, GdbText *text, int any, int *cpu);
