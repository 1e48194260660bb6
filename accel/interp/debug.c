/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debugging of a vCPU, by its guest and from outside. Nothing of it is on the
 * fast paths: a breakpoint is an operation that is decoded into the block, a
 * watchpoint keeps its pages out of the software TLB, and a step runs blocks
 * of one instruction while EVENT_STEP is posted.
 *
 * Of the guest's breakpoints those for addresses are there, linked to a
 * context or not; a breakpoint for a context alone is not.
 */
#include "debug.h"

#include "block.h"
#include "id.h"
#include "tlb.h"

#define NUM_BREAKS 6
#define NUM_WATCHES 4
#define FIRST_CONTEXT_BREAK 4

#define CR_E (1u << 0)
#define CR_PMC 1 /* PAC of watchpoints */
#define CR_SSC 14
#define SSC_SECURE 2
#define CR_LBN 16
#define BCR_BT 20
#define BT_LINKED 1
#define BT_CONTEXT 2
#define BT_LINKED_CONTEXT 3
#define WCR_LSC 3
#define WCR_BAS 5
#define WCR_WT (1u << 20)
#define WCR_MASK 24

#define MDSCR_MDE (1u << 15)

#define ISS_DEBUG 0x22
#define ISS_STEP_EX (1u << 6)
#define ISS_STEP_ISV (1u << 24)

#define INSN_ERET 0xd69f03e0
#define INSN_SVC 0xd4000001
#define INSN_SVC_MASK 0xffe0001f
/* LDXR, LDAXR, LDXP, LDAXP */
#define INSN_LDX 0x08400000
#define INSN_LDX_MASK 0x3fc00000

CpuDebug *cpu_debug_new(void)
{
    CpuDebug *debug = g_new0(CpuDebug, 1);

    debug->points = g_array_new(FALSE, FALSE, sizeof(DebugPoint));
    return debug;
}

void cpu_debug_free(CpuDebug *debug)
{
    if (debug) {
        g_array_unref(debug->points);
        g_free(debug);
    }
}

static const DebugPoint *point_at(const InterpCpu *cpu, unsigned i)
{
    return &g_array_index(cpu->debug->points, DebugPoint, i);
}

/* ---- the guest's points ---- */

static bool enabled(const InterpCpu *cpu)
{
    return cpu->sys.mdscr_el1 & MDSCR_MDE &&
           cpu_debug_enabled(cpu, cpu->el, cpu->daif >> 3);
}

/* The exception levels and the security state that a control register names. */
static bool control_fits(uint64_t control, unsigned el)
{
    return control & CR_E && control >> CR_PMC & (el == 0 ? 2 : 1) &&
           (control >> CR_SSC & 3) != SSC_SECURE;
}

/* Of a point that is linked to context breakpoint @n. */
static bool context_fits(const InterpCpu *cpu, unsigned n)
{
    uint64_t control = n < NUM_BREAKS ? cpu->sys.dbgbcr[n] : 0;

    return n >= FIRST_CONTEXT_BREAK && control & CR_E &&
           (control >> BCR_BT & 15) == BT_LINKED_CONTEXT &&
           (uint32_t)cpu->sys.dbgbvr[n] == (uint32_t)cpu->sys.contextidr_el1;
}

/* Bits 48 to 2 are compared. */
static bool is_break_at(const InterpCpu *cpu, unsigned n, uint64_t pc)
{
    uint64_t control = cpu->sys.dbgbcr[n];

    return control & CR_E && (control >> BCR_BT & 15) <= BT_LINKED &&
           !((cpu->sys.dbgbvr[n] ^ pc) << 15 >> 17);
}

static bool guest_breaks(const InterpCpu *cpu, uint64_t pc)
{
    for (unsigned n = 0; enabled(cpu) && n < NUM_BREAKS; n++) {
        uint64_t control = cpu->sys.dbgbcr[n];
        bool linked = (control >> BCR_BT & 15) == BT_LINKED;

        if (is_break_at(cpu, n, pc) && control_fits(control, cpu->el) &&
            (!linked || context_fits(cpu, control >> CR_LBN & 15))) {
            return true;
        }
    }
    return false;
}

/* Without its tag; watchpoints know none. */
static uint64_t untagged(uint64_t va)
{
    return (int64_t)(va << 8) >> 8;
}

/* Do @size bytes at @a and @other_size at @b have one in common? */
static bool overlap(uint64_t a, uint64_t size, uint64_t b, uint64_t other_size)
{
    return a - b < other_size || b - a < size;
}

/*
 * Does watchpoint @n look at any of @size bytes at @va? *@hit is the first of
 * those that it does look at.
 */
static bool is_watch_at(const InterpCpu *cpu, unsigned n, uint64_t va,
                        uint64_t size, uint64_t *hit)
{
    uint64_t start = (int64_t)(cpu->sys.dbgwvr[n] << 15) >> 15 & ~3ull;
    uint64_t control = cpu->sys.dbgwcr[n];
    unsigned mask = control >> WCR_MASK & 31;

    if (mask >= 3) {
        start &= -(1ull << mask);
        *hit = va - start < 1ull << mask ? va : start;
        return overlap(start, 1ull << mask, va, size);
    }
    for (unsigned i = 0; i < 8; i++) {
        *hit = start + i;
        if (control >> (WCR_BAS + i) & 1 && *hit - va < size) {
            return true;
        }
    }
    return false;
}

static bool guest_watches(const InterpCpu *cpu, unsigned el, uint64_t va,
                          unsigned size, MemAccess access, uint64_t *hit)
{
    for (unsigned n = 0; enabled(cpu) && n < NUM_WATCHES; n++) {
        uint64_t control = cpu->sys.dbgwcr[n];

        if (control_fits(control, el) &&
            control >> WCR_LSC & (access == MEM_WRITE ? 2 : 1) &&
            is_watch_at(cpu, n, va, size, hit) &&
            (!(control & WCR_WT) ||
             context_fits(cpu, control >> CR_LBN & 15))) {
            return true;
        }
    }
    return false;
}

/* ---- the debugger's points ---- */

static const DebugPoint *find_break(const InterpCpu *cpu, uint64_t pc)
{
    for (guint i = 0; i < cpu->debug->points->len; i++) {
        const DebugPoint *point = point_at(cpu, i);

        if (point->kind == DEBUG_BREAK && point->addr == pc) {
            return point;
        }
    }
    return NULL;
}

static const DebugPoint *find_watch(const InterpCpu *cpu, uint64_t va,
                                    unsigned size, MemAccess access)
{
    DebugPointKind other =
        access == MEM_WRITE ? DEBUG_WATCH_READ : DEBUG_WATCH_WRITE;

    for (guint i = 0; i < cpu->debug->points->len; i++) {
        const DebugPoint *point = point_at(cpu, i);

        if (point->kind != DEBUG_BREAK && point->kind != other &&
            overlap(untagged(point->addr), point->size, va, size)) {
            return point;
        }
    }
    return NULL;
}

/* The machine stops soon; this vCPU goes no further. Returns false. */
static bool stop_at(InterpCpu *cpu, uint64_t pc, DebugReason reason,
                    const DebugPoint *point)
{
    DebugHit hit = {.cpu = cpu->index, .reason = reason};

    if (point) {
        hit.point = *point;
    }
    cpu->pc = pc;
    cpu_post(cpu, EVENT_STOP);
    accel_debug_report(&hit);
    return false;
}

void debug_add_point(InterpCpu *cpu, const DebugPoint *point)
{
    g_array_append_val(cpu->debug->points, *point);
    debug_points_changed(cpu);
}

void debug_remove_point(InterpCpu *cpu, const DebugPoint *point)
{
    for (guint i = 0; i < cpu->debug->points->len; i++) {
        const DebugPoint *p = point_at(cpu, i);

        if (p->kind == point->kind && p->addr == point->addr &&
            p->size == point->size) {
            g_array_remove_index_fast(cpu->debug->points, i);
            break;
        }
    }
    debug_points_changed(cpu);
}

/* ---- both ---- */

void debug_points_changed(InterpCpu *cpu)
{
    CpuDebug *debug = cpu->debug;

    debug->breaks = false;
    debug->watches = false;
    for (unsigned n = 0; n < NUM_BREAKS; n++) {
        debug->breaks |= cpu->sys.dbgbcr[n] & CR_E;
    }
    for (unsigned n = 0; n < NUM_WATCHES; n++) {
        debug->watches |= cpu->sys.dbgwcr[n] & CR_E;
    }
    for (guint i = 0; i < debug->points->len; i++) {
        if (point_at(cpu, i)->kind == DEBUG_BREAK) {
            debug->breaks = true;
        } else {
            debug->watches = true;
        }
    }
    tlb_flush_all(cpu);
    block_forget_all(cpu);
}

bool debug_breaks_at(const InterpCpu *cpu, uint64_t pc)
{
    if (G_LIKELY(!cpu->debug->breaks)) {
        return false;
    }
    for (unsigned n = 0; n < NUM_BREAKS; n++) {
        if (is_break_at(cpu, n, pc)) {
            return true;
        }
    }
    return find_break(cpu, pc);
}

unsigned debug_insns_to_break(const InterpCpu *cpu, unsigned n)
{
    if (G_UNLIKELY(cpu->debug->breaks)) {
        for (unsigned i = 1; i < n; i++) {
            if (debug_breaks_at(cpu, cpu->pc + i * 4)) {
                return i;
            }
        }
    }
    return n;
}

/* A debugger's step goes on from a breakpoint. */
bool debug_op_break(InterpCpu *cpu, const Op *op)
{
    uint64_t pc = cpu_pc(cpu, op);
    const DebugPoint *point = find_break(cpu, pc);

    if (point && cpu->debug->resume != DEBUG_STEP) {
        return stop_at(cpu, pc, DEBUG_HIT_BREAK, point);
    }
    return !guest_breaks(cpu, pc) ||
           cpu_raise(cpu, op, EC_BREAKPOINT_LOWER + cpu->el, ISS_DEBUG);
}

static bool any_watch_at(const InterpCpu *cpu, uint64_t va, uint64_t size)
{
    uint64_t hit;

    for (unsigned n = 0; n < NUM_WATCHES; n++) {
        if (cpu->sys.dbgwcr[n] & CR_E && is_watch_at(cpu, n, va, size, &hit)) {
            return true;
        }
    }
    for (guint i = 0; i < cpu->debug->points->len; i++) {
        const DebugPoint *point = point_at(cpu, i);

        if (point->kind != DEBUG_BREAK &&
            overlap(untagged(point->addr), point->size, va, size)) {
            return true;
        }
    }
    return false;
}

bool debug_watches_page(const InterpCpu *cpu, uint64_t va)
{
    return G_UNLIKELY(cpu->debug->watches) &&
           any_watch_at(cpu, untagged(va) & -(uint64_t)TLB_PAGE_SIZE,
                        TLB_PAGE_SIZE);
}

bool debug_check_watch(InterpCpu *cpu, const Op *op, MmuIdx idx, uint64_t va,
                       unsigned size, MemAccess access)
{
    unsigned el = idx == MMU_EL0 ? 0 : 1;
    const DebugPoint *point;
    uint64_t hit;

    if (G_LIKELY(!cpu->debug->watches)) {
        return true;
    }
    point = find_watch(cpu, untagged(va), size, access);
    if (point && cpu->debug->resume != DEBUG_STEP) {
        return stop_at(cpu, cpu_pc(cpu, op), DEBUG_HIT_WATCH, point);
    }
    if (!guest_watches(cpu, el, untagged(va), size, access, &hit)) {
        return true;
    }
    /* With va's tag; an access across pages may begin far from the point. */
    cpu->sys.far_el1 = va + (hit - untagged(va));
    return cpu_raise(cpu, op, EC_WATCHPOINT_LOWER + cpu->el,
                     ISS_DEBUG | (access == MEM_WRITE ? ISS_WNR : 0));
}

/* ---- steps ---- */

void debug_step_changed(InterpCpu *cpu)
{
    if (cpu->debug->resume == DEBUG_STEP || cpu->sys.mdscr_el1 & MDSCR_SS) {
        cpu_post(cpu, EVENT_STEP);
    } else {
        atomic_fetch_and(&cpu->event, ~(uint32_t)EVENT_STEP);
    }
}

/* Software step is active; PSTATE.SS tells which of the two states it is. */
static bool guest_steps(const InterpCpu *cpu)
{
    return cpu->sys.mdscr_el1 & MDSCR_SS &&
           cpu_debug_enabled(cpu, cpu->el, cpu->daif >> 3);
}

/* What the instruction that was run under software step means for it. */
static void advance(InterpCpu *cpu, uint32_t insn)
{
    bool exclusive = (insn & INSN_LDX_MASK) == INSN_LDX;

    if (insn == INSN_ERET) {
        return; /* it has set PSTATE.SS */
    }
    if ((insn & INSN_SVC_MASK) == INSN_SVC &&
        cpu->sys.esr_el1 >> ESR_EC == EC_SVC64) {
        cpu->sys.spsr_el1 &= ~(uint64_t)PSTATE_SS;
    }
    cpu->ss = false;
    cpu->debug->step_iss = ISS_STEP_ISV | (exclusive ? ISS_STEP_EX : 0);
}

static void step_one(InterpCpu *cpu)
{
    Block *block = block_single(cpu);
    bool steps = guest_steps(cpu);

    cpu->debug->step_iss = 0;
    if (block) {
        uint32_t insn = *block->code;

        cpu_execute(cpu, block);
        if (steps) {
            advance(cpu, insn);
        }
    }
}

static bool is_leaving(const InterpCpu *cpu)
{
    return atomic_load(&cpu->event) & (EVENT_STOP | EVENT_POWER);
}

void debug_step(InterpCpu *cpu)
{
    if (is_leaving(cpu)) {
        return;
    }
    if (guest_steps(cpu) && !cpu->ss) {
        cpu_take_exception(cpu, cpu->pc, EC_STEP_LOWER + cpu->el,
                           ISS_DEBUG | cpu->debug->step_iss);
        cpu->debug->step_iss = 0;
    } else {
        step_one(cpu);
    }
    if (cpu->debug->resume == DEBUG_STEP &&
        !(atomic_load(&cpu->event) & EVENT_STOP)) {
        stop_at(cpu, cpu->pc, DEBUG_HIT_STEP, NULL);
    }
}
