/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fp.h"
#include "hw/core/memory.h"
#include "op.h"
#include "util/lock.h"
#include "util/timer.h"

/*
 * One vCPU of the accelerator "interp": an Armv8.0-A PE in AArch64 state with
 * EL0 and EL1, FP and Advanced SIMD, FEAT_CRC32, FEAT_LSE and FEAT_PAN.
 * Threads: what is not said otherwise belongs to the vCPU's own thread, or to
 * whoever holds the machine lock while the vCPU is parked.
 */
typedef struct Block Block;
typedef struct BlockCache BlockCache;
typedef struct CpuDebug CpuDebug;
typedef struct InterpAccel InterpAccel;

typedef union VReg {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
    int8_t sb[16];
    int16_t sh[8];
    int32_t ss[4];
    int64_t sd[2];
} __attribute__((aligned(16))) VReg;

/* ---- software TLB ---- */

#define TLB_PAGE_BITS 12
#define TLB_PAGE_SIZE (1u << TLB_PAGE_BITS)
#define TLB_PAGE_MASK ((uint64_t)TLB_PAGE_SIZE - 1)
#define TLB_BITS 9
#define TLB_SIZE (1u << TLB_BITS)
/*
 * The tag that no address looked up in entry @index matches: it is of another
 * entry. One number for all of them would be some address's page.
 */
static inline uint64_t tlb_never(unsigned index)
{
    return (uint64_t)(index ^ 1) << TLB_PAGE_BITS;
}

/*
 * TlbEntry: a page of RAM that may be accessed at once. Each tag is the page's
 * virtual address, or tlb_never() where that kind of access has to take the
 * slow path: no permission, not RAM, code on the page (writes), a watchpoint,
 * an access that has to be aligned.
 */
typedef struct TlbEntry {
    uint64_t read;
    uint64_t write;
    uint64_t exec;
    uintptr_t host; /* add it to a virtual address of the page */
} TlbEntry;

/* By whose permissions an access goes. */
typedef enum MmuIdx {
    MMU_EL0,
    MMU_EL1_PAN, /* EL1 with PSTATE.PAN set */
    MMU_EL1,
    NUM_MMU_IDX,
} MmuIdx;

/* TlbPage: any translation, as the slow path wants it. */
typedef struct TlbPage {
    uint64_t va;                /* the page's, the context and the MmuIdx */
    uint64_t stamp;             /* stale unless it is TlbState's */
    hwaddr pa;                  /* of the page */
    const struct RamBlock *ram; /* what is there; NULL: not RAM */
    uint8_t perms;              /* MMU_PERM_* */
    uint8_t level;
    bool device; /* accesses have to be aligned */
    bool fast;   /* may be in TlbEntry for reads and writes */
} TlbPage;

#define TLB_PAGES 64
#define TLB_LARGE 4
#define TLB_CONTEXTS 8
#define TLB_NO_ASID UINT32_MAX

/* TlbLarge: where pages larger than the TLB's are. */
typedef struct TlbLarge {
    uint64_t start;
    uint64_t last;
    uint64_t page_size; /* of the largest */
} TlbLarge;

/* TlbHalf: what the TLB has of one half of the address space. */
typedef struct TlbHalf {
    uint64_t filled[NUM_MMU_IDX][TLB_SIZE / 64];
    uint64_t exec[TLB_SIZE / 64]; /* indices of pages that may be in blocks */
    TlbLarge large[TLB_LARGE];
    unsigned num_large;
    bool ng; /* some pages are of this ASID only */
} TlbHalf;

/* TlbContext: what there is of one ASID. */
typedef struct TlbContext {
    TlbEntry tables[NUM_MMU_IDX][TLB_SIZE];
    TlbHalf half[2];
    uint64_t epoch[2];
    uint32_t asid; /* or TLB_NO_ASID */
    uint64_t used; /* when it was begun to use, by TlbState.clock */
} TlbContext;

typedef struct TlbState {
    uint64_t stamp;
    uint64_t clock;
    uint64_t epoch;   /* the last one that was begun; never again 0 */
    unsigned current; /* index of the context in use */
    TlbPage pages[TLB_PAGES];
    TlbContext contexts[TLB_CONTEXTS];
} TlbState;

/* ---- system registers ---- */

/*
 * SysRegs: the registers with storage, named as in the manual. EL2 and EL3 are
 * not there, so neither are theirs.
 */
typedef struct SysRegs {
    uint64_t sctlr_el1;
    uint64_t ttbr0_el1;
    uint64_t ttbr1_el1;
    uint64_t tcr_el1;
    uint64_t mair_el1;
    uint64_t amair_el1;
    uint64_t vbar_el1;
    uint64_t esr_el1;
    uint64_t far_el1;
    uint64_t elr_el1;
    uint64_t spsr_el1;
    uint64_t afsr0_el1;
    uint64_t afsr1_el1;
    uint64_t par_el1;
    uint64_t cpacr_el1;
    uint64_t contextidr_el1;
    uint64_t tpidr_el0;
    uint64_t tpidrro_el0;
    uint64_t tpidr_el1;
    uint64_t csselr_el1;
    uint64_t actlr_el1;
    uint64_t cntkctl_el1;
    uint64_t mdscr_el1;
    uint64_t osdlr_el1;
    uint64_t oslsr_el1; /* OSLK is bit 1 */
    uint64_t mdccint_el1;
    uint64_t dbgbvr[16];
    uint64_t dbgbcr[16];
    uint64_t dbgwvr[16];
    uint64_t dbgwcr[16];
    uint64_t sp_el0; /* of the two stack pointers, the one not in x[X_SP] */
    uint64_t sp_el1;
} SysRegs;

enum { TIMER_PHYS, TIMER_VIRT, NUM_TIMERS };

/* InterpTimer: CNTP_ or CNTV_ of timer.c; guarded by the machine lock. */
typedef struct InterpTimer {
    InterpCpu *cpu;
    unsigned intid; /* of its private interrupt */
    uint64_t cval;
    uint32_t ctl; /* ENABLE, IMASK */
    Timer timer;  /* for the moment at which the count reaches cval */
} InterpTimer;

/* The recorded address of LDXR and what was there; see op-exclusive.c. */
typedef struct Monitor {
    bool valid;
    uint8_t size; /* bytes: 1 to 16 */
    uint64_t va;
    uint64_t value[2];
} Monitor;

/* Bits of InterpCpu.event: why the vCPU is to leave its blocks. */
enum {
    EVENT_IRQ = 1 << 0,   /* an interrupt line has risen: look at them */
    EVENT_STOP = 1 << 1,  /* park */
    EVENT_WORK = 1 << 2,  /* another vCPU has left work (work.c) */
    EVENT_STEP = 1 << 3,  /* one instruction at a time */
    EVENT_POWER = 1 << 4, /* the vCPU is off, or about to be on */
};

struct InterpCpu {
    uint64_t x[NUM_X];
    uint64_t pc; /* while a block is run: cpu_pc() instead */

    /* NZCV: N is the sign of nf, Z is zf == 0, C and V are 0 or 1. */
    int64_t nf;
    uint64_t zf;
    uint32_t cf;
    uint32_t vf;

    TlbEntry *tlb;              /* that of mmu_idx */
    TlbEntry (*tlbs)[TLB_SIZE]; /* of the ASID in use, by MmuIdx */
    const Block *block;         /* being run */
    _Atomic uint32_t event;
    bool fp_trapped; /* CPACR_EL1.FPEN and the exception level say so */
    /*
     * What blocks are valid for, of the lower and of the upper half of the
     * address space: changed whenever a virtual address may mean other code.
     */
    uint64_t epoch[2];
    BlockCache *cache;

    FpEnv fp;
    VReg v[32];

    /* The rest of PSTATE. */
    uint8_t el;    /* 0 or 1 */
    uint8_t spsel; /* SP_EL1 at EL1 */
    uint8_t daif;  /* DAIF_* */
    bool pan;
    bool ss;
    bool il;
    MmuIdx mmu_idx;

    SysRegs sys;
    InterpTimer timers[NUM_TIMERS];
    Monitor monitor;

    InterpAccel *accel;
    unsigned index;
    uint64_t insns; /* executed, for statistics and -d; counted by blocks */

    _Atomic bool irq; /* the inputs' levels */
    _Atomic bool fiq;
    struct CpuThread *thread; /* interp.c */
    struct CpuWork *work;     /* work.c */
    CpuDebug *debug;          /* debug.h */

    TlbState tlb_state;
};

/** Embedded nowhere: a CPU at its reset state; caller owns it. */
InterpCpu *cpu_new(InterpAccel *accel, unsigned index);
void cpu_free(InterpCpu *cpu);
/** All architectural state as after a warm reset, at EL1h, MMU off. */
void cpu_reset(InterpCpu *cpu);

/* ---- PSTATE ---- */

#define PSTATE_SS (1u << 21)

enum { DAIF_F = 1, DAIF_I = 2, DAIF_ALL = 15 };

enum {
    COND_EQ,
    COND_NE,
    COND_CS,
    COND_CC,
    COND_MI,
    COND_PL,
    COND_VS,
    COND_VC,
    COND_HI,
    COND_LS,
    COND_GE,
    COND_LT,
    COND_GT,
    COND_LE,
    COND_AL
};

/** NZCV as 4 bits, N the highest. */
static inline unsigned cpu_nzcv(const InterpCpu *cpu)
{
    return (cpu->nf < 0) << 3 | (cpu->zf == 0) << 2 | cpu->cf << 1 | cpu->vf;
}

static inline void cpu_set_nzcv(InterpCpu *cpu, unsigned nzcv)
{
    cpu->nf = (nzcv & 8) ? -1 : 0;
    cpu->zf = !(nzcv & 4);
    cpu->cf = nzcv >> 1 & 1;
    cpu->vf = nzcv & 1;
}

/** Bit n is set when the condition holds for flags n. */
extern const uint16_t cond_table[16];

static inline bool cpu_cond(const InterpCpu *cpu, unsigned cond)
{
    return cond_table[cond & 15] >> cpu_nzcv(cpu) & 1;
}

/** The whole of PSTATE in SPSR's layout; and back, which may change EL. */
uint64_t cpu_get_pstate(const InterpCpu *cpu);
void cpu_set_pstate(InterpCpu *cpu, uint64_t spsr);
/** Follows a change of el, pan or CPACR_EL1: mmu_idx, tlb, fp_trapped. */
void cpu_mode_changed(InterpCpu *cpu);

/* ---- exceptions (exception.c) ---- */

/** Address of the instruction that @op belongs to; in the present block. */
uint64_t cpu_pc(const InterpCpu *cpu, const Op *op);

#define ESR_EC 26
#define ISS_WNR (1u << 6) /* of data aborts and watchpoints: a write */

/* Exception classes, ESR_ELx.EC. */
enum {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP = 0x07,
    EC_ILLEGAL = 0x0e,
    EC_SVC64 = 0x15,
    EC_SYSREG = 0x18,
    EC_IABT_LOWER = 0x20,
    EC_IABT = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOWER = 0x24,
    EC_DABT = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_BREAKPOINT_LOWER = 0x30,
    EC_STEP_LOWER = 0x32,
    EC_WATCHPOINT_LOWER = 0x34,
    EC_BRK = 0x3c,
};

/**
 * Takes a synchronous exception to EL1: ELR_EL1 = @elr, ESR_EL1 from @ec and
 * @iss (IL set), pc = the vector. Leaves FAR_EL1 alone.
 */
void cpu_take_exception(InterpCpu *cpu, uint64_t elr, unsigned ec,
                        uint32_t iss);
/** As an OpFn's last words: the instruction is UNDEFINED. Returns false. */
bool cpu_undefined(InterpCpu *cpu, const Op *op);
/** The same for any exception whose ELR is the instruction itself. */
bool cpu_raise(InterpCpu *cpu, const Op *op, unsigned ec, uint32_t iss);
/** Takes an IRQ or FIQ if one is asserted and not masked; true if so. */
bool cpu_take_interrupt(InterpCpu *cpu);
/** After DAIF or the exception level changed: what was masked is due now. */
void cpu_unmasked(InterpCpu *cpu);
/** True when an interrupt line is asserted, masked or not (WFI ends). */
bool cpu_has_interrupt(const InterpCpu *cpu);
/** Are breakpoint, watchpoint and step exceptions taken from EL @el, with
 * PSTATE.D as @masked? */
bool cpu_debug_enabled(const InterpCpu *cpu, unsigned el, bool masked);
/** ERET: PSTATE and pc from SPSR_EL1 and ELR_EL1. */
void cpu_exception_return(InterpCpu *cpu);

/** Other code's word that @bits are to be looked at. Any thread. */
static inline void cpu_post(InterpCpu *cpu, uint32_t bits)
{
    atomic_fetch_or(&cpu->event, bits);
}
