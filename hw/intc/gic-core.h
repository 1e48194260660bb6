/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "accel/soft-gic.h"
#include "hw/core/reset.h"
#include "util/lock.h"

/*
 * What GICv2 and GICv3 have in common: the state of the interrupts, which of
 * them a CPU is told of, acknowledging and ending it, the input lines and the
 * registers that look the same in both. The versions add their registers.
 *
 * Thread: all of it under GicCore's lock, which is taken after the machine lock
 * if both are.
 */
#define TYPE_GIC_CORE "gic-core"
OBJECT_DECLARE_TYPE(GicCore, GicCoreClass, GIC_CORE)

#define GIC_SGIS 16        /* INTIDs 0 to 15: sent by CPUs */
#define GIC_PRIVATE 32     /* INTIDs below are each CPU's own */
#define GIC_MAX_INTIDS 992 /* 32 a word */
#define GIC_INTID_GROUP1 1022
#define GIC_INTID_NONE 1023

/*
 * Five bits of priority, the upper ones of a byte; all of them can preempt, so
 * that one word has all active priorities.
 */
#define GIC_PRIORITY_BITS 5
#define GIC_PRIORITY_SHIFT (8 - GIC_PRIORITY_BITS)
#define GIC_PRIORITY_MASK 0xf8
#define GIC_PRIORITY_IDLE 0xff
#define GIC_BPR0_MIN 2
#define GIC_BPR1_MIN 3 /* counts one bit further up than that of group 0 */

/* Sets of groups: bit g is group g, as in GICD_CTLR and GICC_CTLR. */
#define GIC_GROUP0 1
#define GIC_GROUP1 2
#define GIC_GROUPS 3

/** GicWord: 32 interrupts of successive INTIDs, bit i being one of them. */
typedef struct GicWord {
    uint32_t line;  /* the input's level */
    uint32_t latch; /* pending by an edge or by a register, until taken */
    uint32_t enabled;
    uint32_t active;
    uint32_t edge;        /* else level-sensitive */
    uint32_t group1;      /* else group 0 */
    uint32_t one_of_n;    /* any one CPU may take it; SPIs of GICv3 */
    uint32_t edge_source; /* irq_set_trigger(): edge after a reset */
    uint32_t notify;      /* has an EOI listener */
    uint32_t ended;       /* which is to be told */
    uint8_t priority[32];
    uint8_t targets[32]; /* sets of CPUs; SPIs */
} GicWord;

/** GicPick: the most urgent pending interrupt of a CPU, GIC_INTID_NONE none. */
typedef struct GicPick {
    unsigned intid;
    uint8_t priority;
    unsigned group;
} GicPick;

/** GicCpu: a CPU's own interrupts and its CPU interface. */
typedef struct GicCpu {
    GicWord priv;
    uint8_t sgi_sources[GIC_SGIS]; /* GICv2: the CPUs that sent a pending one */
    unsigned groups;               /* that are signalled to the CPU */
    bool group0_fiq;               /* group 0 is FIQ; group 1 always is IRQ */
    bool split_eoi;                /* EOImode: EOIR drops, DIR deactivates */
    bool cbpr;                     /* bpr[0] is for group 1, too */
    bool ack_any;                  /* GICv2, AckCtl */
    bool asleep;                   /* GICv3, GICR_WAKER */
    uint8_t pmr;
    uint8_t bpr[2];  /* by group */
    uint32_t apr[2]; /* active priorities by group, the most urgent in bit 0 */
    GicPick pick;
    bool irq, fiq; /* what the CPU was told */
} GicCpu;

typedef struct GicListener {
    IrqEoiFn fn;
    void *opaque;
} GicListener;

struct GicCoreClass {
    SoftGicClass parent_class;
    /* The version's own part of a reset, after the common one; locked. */
    void (*reset)(GicCore *gic);
};

struct GicCore {
    SoftGic parent_obj;
    Mutex lock;
    unsigned num_words; /* 32 INTIDs each, with the private ones */
    unsigned groups;    /* that the distributor hands on */
    uint32_t sgis_v2; /* GICv2's: always enabled, pending by sender; constant */
    GicCpu cpus[SOFT_GIC_MAX_CPUS];
    GicWord *spis;          /* words 1 and up */
    GicListener *listeners; /* by SPI; machine lock */
    bool telling;           /* gic_tell_ends() is scheduled */
    ResetHandler reset_controller;
    ResetHandler reset_lines;
};

/* -- gic-core.c: interrupts and CPU interfaces ------------------------------
 */

/** Word @w, 0 being @cpu's private one. */
static inline GicWord *gic_word(GicCore *gic, unsigned cpu, unsigned w)
{
    return w ? &gic->spis[w - 1] : &gic->cpus[cpu].priv;
}

static inline uint32_t gic_pending(const GicWord *word)
{
    return word->latch | (word->line & ~word->edge);
}

/** True if there is such an interrupt. */
static inline bool gic_intid_valid(const GicCore *gic, unsigned intid)
{
    return intid / 32 < gic->num_words;
}

/** Chooses anew what @cpu is told, after something of its own changed. */
void gic_update_cpu(GicCore *gic, unsigned cpu);
/** The same after word @w changed, of @cpu if that is 0. */
void gic_update(GicCore *gic, unsigned cpu, unsigned w);
void gic_update_all(GicCore *gic);

/** Drives the input of @intid (of @cpu, if private). */
void gic_set_line(GicCore *gic, unsigned cpu, unsigned intid, bool level);
/** Makes SGI @intid pending for a set of CPUs. */
void gic_send_sgi(GicCore *gic, unsigned cpu, unsigned intid, unsigned targets);

/** Priority of the most urgent active interrupt, by its group priority. */
uint8_t gic_running_priority(const GicCore *gic, unsigned cpu);
/** True when @cpu->pick is urgent enough to interrupt what @cpu is at. */
bool gic_can_signal(const GicCore *gic, unsigned cpu);
/**
 * Takes what gic_can_signal(): it is active from now on. *@source, unless NULL,
 * is the CPU that sent it, if a CPU did. Returns its INTID.
 */
unsigned gic_acknowledge(GicCore *gic, unsigned cpu, unsigned *source);
/**
 * EOIR for interrupts of @groups: priority drop and, unless split, the
 * deactivation. Nothing happens when the running priority is another group's.
 */
void gic_end(GicCore *gic, unsigned cpu, unsigned groups, unsigned intid);
/** DIR: deactivates. Not for a CPU whose EOIR does that. */
void gic_deactivate(GicCore *gic, unsigned cpu, unsigned intid);

/** What BPR of @group reads as, and how it takes a value. */
unsigned gic_read_bpr(const GicCpu *c, unsigned group);
void gic_write_bpr(GicCpu *c, unsigned group, unsigned value);

/** All registers and latches; lines stay. */
void gic_reset(GicCore *gic);

/* -- gic-lines.c: the device ------------------------------------------------
 */

/** Realize and unrealize of the versions begin and end with these. */
bool gic_core_realize(GicCore *gic, Error **errp);
void gic_core_unrealize(GicCore *gic);
/** @intid, an SPI with a listener, was deactivated: lowers and tells. */
void gic_tell_later(GicCore *gic, unsigned intid);

/* -- gic-regs.c: registers ---------------------------------------------------
 */

/** GicAccess: one access of @size bytes at @addr of a distributor. */
typedef struct GicAccess {
    unsigned cpu;
    unsigned first_word, end_word; /* that are seen there; others read as 0 */
    bool is_write;
    hwaddr addr;
    unsigned size;
    uint64_t value; /* in or out */
} GicAccess;

/** GicRegion: a region of registers; embedded in the version's device. */
typedef struct GicRegion {
    MemoryRegion mr;
    GicCore *gic;
    MemTxResult (*access)(GicCore *gic, GicAccess *a); /* locked */
} GicRegion;

/** In realize: the next region of @gic. The caller finishes its mr. */
void gic_region_init(GicRegion *region, GicCore *gic, const char *name,
                     uint64_t size,
                     MemTxResult (*access)(GicCore *gic, GicAccess *a));

/**
 * IGROUPR to ICFGR (0x080 to 0xcff), but not ITARGETSR. Reserved ones read as
 * zero and ignore writes; MEMTX_DECODE_ERROR is a size that there is not.
 */
MemTxResult gic_access_common(GicCore *gic, GicAccess *a);
/** A register of 32 bits that only reads as @value. */
MemTxResult gic_access_constant(GicAccess *a, uint32_t value);
