/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/accel.h"

/*
 * What a debugger of the guest asks of an accelerator. An accelerator without
 * it leaves AccelClass.debug NULL.
 */

/** GuestRegs: one CPU, as its present exception level sees it. */
typedef struct GuestRegs {
    uint64_t x[31];
    uint64_t sp; /* the stack pointer in use */
    uint64_t pc;
    uint32_t cpsr; /* PSTATE, in SPSR's layout */
    uint32_t fpsr;
    uint32_t fpcr;
    uint8_t v[32][16]; /* little endian */
} GuestRegs;

/** What a CPU does from the next start on. */
typedef enum DebugResume {
    DEBUG_RUN,  /* as without a debugger */
    DEBUG_STEP, /* one instruction, and reports */
    DEBUG_HOLD, /* nothing */
} DebugResume;

typedef enum DebugPointKind {
    DEBUG_BREAK, /* an instruction is about to be executed */
    DEBUG_WATCH_WRITE,
    DEBUG_WATCH_READ,
    DEBUG_WATCH_ACCESS, /* either */
} DebugPointKind;

/** DebugPoint: virtual addresses, of any exception level and address space. */
typedef struct DebugPoint {
    DebugPointKind kind;
    uint64_t addr;
    uint64_t size; /* bytes; of breaks 4 */
} DebugPoint;

typedef enum DebugReason {
    DEBUG_HIT_BREAK, /* pc is the point's address */
    DEBUG_HIT_WATCH, /* pc is the instruction, which has not been executed */
    DEBUG_HIT_STEP,  /* pc is the next instruction, be it an exception's */
} DebugReason;

/** DebugHit: why a CPU has stopped. */
typedef struct DebugHit {
    unsigned cpu;
    DebugReason reason;
    DebugPoint point; /* that of breaks and watches */
} DebugHit;

/**
 * AccelDebugOps: all are mandatory, and called with the machine lock held
 * while the machine is stopped. Breaks, watches and steps outlive a reset.
 */
struct AccelDebugOps {
    /* Registers of CPU @cpu. Errors: the host refuses. */
    bool (*read_regs)(Accel *accel, unsigned cpu, GuestRegs *regs,
                      Error **errp);
    bool (*write_regs)(Accel *accel, unsigned cpu, const GuestRegs *regs,
                       Error **errp);
    /*
     * The physical address that CPU @cpu sees at @va, by its translation
     * tables and whatever its permissions. False: nothing is mapped there.
     */
    bool (*translate)(Accel *accel, unsigned cpu, uint64_t va, hwaddr *pa);
    /*
     * Sets a point on all CPUs; each is set once at most. Errors: no room, or
     * a size that cannot be watched.
     */
    bool (*insert)(Accel *accel, const DebugPoint *point, Error **errp);
    /* A point that is set. */
    void (*remove)(Accel *accel, const DebugPoint *point);
    /* Until it is called again. */
    bool (*set_resume)(Accel *accel, unsigned cpu, DebugResume resume,
                       Error **errp);
};

/**
 * Where hits go; NULL for nowhere, and no call is under way on return. One
 * debugger at a time. Machine lock; @fn is called in any thread, with a lock
 * held that is a leaf but for main_loop_schedule().
 */
typedef void (*AccelDebugFn)(void *opaque, const DebugHit *hit);
void accel_debug_set_handler(AccelDebugFn fn, void *opaque);

/**
 * For accelerators: a CPU has met a point or has done its step, is out of the
 * guest and runs no further until the machine was stopped and started. Any
 * thread, with no lock that accel_debug_set_handler()'s caller may wait for.
 */
void accel_debug_report(const DebugHit *hit);
