/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system registers of EL0 and EL1, a line each. Numbers and fields are
 * those of the Arm ARM, D19; the ID registers say what this CPU is: Armv8.0-A
 * with FP, Advanced SIMD, FEAT_CRC32, FEAT_LSE and FEAT_PAN, no AArch32, no
 * EL2 and EL3, no PMU. A write that may change what instructions mean (how
 * they are translated, trapped, masked) ends its block, see translate-system.c.
 */
#include "sysreg.h"

#include <stddef.h>

#include "block.h"
#include "debug.h"
#include "id.h"
#include "interp.h"
#include "sctlr.h"
#include "timer.h"
#include "tlb.h"
#include "work.h"

#define R REG_READ
#define RW (REG_READ | REG_WRITE)
#define EL0_R REG_EL0_READ
#define EL0_RW (REG_EL0_READ | REG_EL0_WRITE)

/* ---- PSTATE and the stack pointers ---- */

static uint64_t read_nzcv(InterpCpu *cpu, const SysReg *reg)
{
    return (uint64_t)cpu_nzcv(cpu) << 28;
}

static void write_nzcv(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu_set_nzcv(cpu, value >> 28 & 15);
}

static uint64_t read_daif(InterpCpu *cpu, const SysReg *reg)
{
    return (uint64_t)cpu->daif << 6;
}

static void write_daif(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu->daif = value >> 6 & 15;
    cpu_unmasked(cpu);
}

static uint64_t read_current_el(InterpCpu *cpu, const SysReg *reg)
{
    return (uint64_t)cpu->el << 2;
}

static uint64_t read_spsel(InterpCpu *cpu, const SysReg *reg)
{
    return cpu->spsel;
}

static void write_spsel(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu_set_pstate(cpu, (cpu_get_pstate(cpu) & ~(uint64_t)1) | (value & 1));
}

static uint64_t read_pan(InterpCpu *cpu, const SysReg *reg)
{
    return (uint64_t)cpu->pan << 22;
}

static void write_pan(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu->pan = value >> 22 & 1;
    cpu_mode_changed(cpu);
}

/* ---- FP ---- */

static uint64_t read_fpcr(InterpCpu *cpu, const SysReg *reg)
{
    return cpu->fp.fpcr;
}

static void write_fpcr(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu->fp.fpcr = value & FPCR_MASK;
}

static uint64_t read_fpsr(InterpCpu *cpu, const SysReg *reg)
{
    return cpu->fp.fpsr;
}

static void write_fpsr(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu->fp.fpsr = value & FPSR_MASK;
}

static void write_cpacr(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu->sys.cpacr_el1 = value & CPACR_FPEN;
    cpu_mode_changed(cpu);
}

/* ---- translation ---- */

static void write_sctlr(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    value = (value & SCTLR_MASK) | SCTLR_RES1;
    if (value != cpu->sys.sctlr_el1) {
        cpu->sys.sctlr_el1 = value;
        tlb_flush_all(cpu);
    }
}

/* TCR_EL1 and MAIR_EL1: what is in the TLB was made by the old value. */
static void write_regime(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    uint64_t *field = (uint64_t *)((char *)cpu + reg->offset);

    if (*field != value) {
        *field = value;
        tlb_flush_all(cpu);
    }
}

/* TTBR0_EL1 and TTBR1_EL1: other tables alone flush nothing. */
static void write_ttbr(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    uint64_t *field = (uint64_t *)((char *)cpu + reg->offset);

    *field = value;
    tlb_asid_changed(cpu);
}

/* ---- ID registers that depend on the machine ---- */

static uint64_t read_mpidr(InterpCpu *cpu, const SysReg *reg)
{
    return 1u << 31 | soft_gic_affinity(cpu->index);
}

static bool has_gicv3(const InterpCpu *cpu)
{
    return cpu->accel->gic && SOFT_GIC_GET_CLASS(cpu->accel->gic)->sysreg;
}

static uint64_t read_pfr0(InterpCpu *cpu, const SysReg *reg)
{
    return reg->value | (has_gicv3(cpu) ? PFR0_GIC : 0);
}

static uint64_t read_mmfr0(InterpCpu *cpu, const SysReg *reg)
{
    return reg->value | cpu->accel->phys_range;
}

static uint64_t read_dczid(InterpCpu *cpu, const SysReg *reg)
{
    bool prohibited = cpu->el == 0 && !(cpu->sys.sctlr_el1 & SCTLR_DZE);

    return reg->value | prohibited << 4;
}

static uint64_t read_isr(InterpCpu *cpu, const SysReg *reg)
{
    return atomic_load(&cpu->irq) << 7 | atomic_load(&cpu->fiq) << 6;
}

/* ---- timers ---- */

static InterpTimer *timer_of(InterpCpu *cpu, const SysReg *reg)
{
    return &cpu->timers[reg->value];
}

static uint64_t read_count(InterpCpu *cpu, const SysReg *reg)
{
    return timer_count();
}

static uint64_t read_tval(InterpCpu *cpu, const SysReg *reg)
{
    return (uint32_t)(timer_of(cpu, reg)->cval - timer_count());
}

static void write_tval(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    timer_write_cval(timer_of(cpu, reg),
                     timer_count() + (int64_t)(int32_t)value);
}

static uint64_t read_ctl(InterpCpu *cpu, const SysReg *reg)
{
    return timer_read_ctl(timer_of(cpu, reg));
}

static void write_ctl(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    timer_write_ctl(timer_of(cpu, reg), value);
}

static uint64_t read_cval(InterpCpu *cpu, const SysReg *reg)
{
    return timer_of(cpu, reg)->cval;
}

static void write_cval(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    timer_write_cval(timer_of(cpu, reg), value);
}

/* ---- debug ---- */

static void write_oslar(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu->sys.oslsr_el1 =
        (cpu->sys.oslsr_el1 & ~(uint64_t)OSLSR_OSLK) | (value & 1) << 1;
}

/* Breakpoints and watchpoints. */
static void write_debug(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    *(uint64_t *)((char *)cpu + reg->offset) = value;
    debug_points_changed(cpu);
}

static void write_mdscr(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
    cpu->sys.mdscr_el1 = value;
    debug_step_changed(cpu);
}

static void write_ignored(InterpCpu *cpu, const SysReg *reg, uint64_t value)
{
}

/* ---- the table ---- */

#define FIELD(name) offsetof(InterpCpu, sys.name)
#define STORE(text, op1, crn, crm, op2, field, flags)                      \
    {                                                                      \
        text, SYSREG(3, op1, crn, crm, op2), FIELD(field), flags, 0, NULL, \
            NULL                                                           \
    }
#define HOOK(text, op1, crn, crm, op2, field, hook)                          \
    {                                                                        \
        text, SYSREG(3, op1, crn, crm, op2), FIELD(field), RW, 0, NULL, hook \
    }
#define FN(text, op1, crn, crm, op2, flags, read, write)              \
    {                                                                 \
        text, SYSREG(3, op1, crn, crm, op2), 0, flags, 0, read, write \
    }
#define CONST(text, op1, crn, crm, op2, value)                              \
    {                                                                       \
        text, SYSREG(3, op1, crn, crm, op2), 0, R | REG_CONST, value, NULL, \
            NULL                                                            \
    }
#define TIMER(text, crm, op2, n, gate, read, write)                           \
    {                                                                         \
        text, SYSREG(3, 3, 14, crm, op2), 0, RW | EL0_RW | REG_KEEP | (gate), \
            n, read, write                                                    \
    }
#define DEBUG(text, crm, op2, field)                                \
    {                                                               \
        text, SYSREG(2, 0, 0, crm, op2), FIELD(field), RW, 0, NULL, \
            write_debug                                             \
    }
#define DEBUG_PAIRS(n)                          \
    DEBUG("DBGBVR" #n "_EL1", n, 4, dbgbvr[n]), \
        DEBUG("DBGBCR" #n "_EL1", n, 5, dbgbcr[n])
#define WATCH_PAIRS(n)                          \
    DEBUG("DBGWVR" #n "_EL1", n, 6, dbgwvr[n]), \
        DEBUG("DBGWCR" #n "_EL1", n, 7, dbgwcr[n])

static const SysReg sysregs[] = {
    /* Special-purpose. */
    FN("NZCV", 3, 4, 2, 0, RW | EL0_RW | REG_KEEP, read_nzcv, write_nzcv),
    FN("DAIF", 3, 4, 2, 1, RW | EL0_RW | REG_UMA, read_daif, write_daif),
    FN("FPCR", 3, 4, 4, 0, RW | EL0_RW | REG_FP | REG_KEEP, read_fpcr,
       write_fpcr),
    FN("FPSR", 3, 4, 4, 1, RW | EL0_RW | REG_FP | REG_KEEP, read_fpsr,
       write_fpsr),
    FN("CurrentEL", 0, 4, 2, 2, R, read_current_el, NULL),
    FN("SPSel", 0, 4, 2, 0, RW, read_spsel, write_spsel),
    FN("PAN", 0, 4, 2, 3, RW, read_pan, write_pan),
    STORE("SP_EL0", 0, 4, 1, 0, sp_el0, RW | REG_KEEP),
    STORE("SPSR_EL1", 0, 4, 0, 0, spsr_el1, RW | REG_KEEP),
    STORE("ELR_EL1", 0, 4, 0, 1, elr_el1, RW | REG_KEEP),

    /* Translation and exceptions. */
    HOOK("SCTLR_EL1", 0, 1, 0, 0, sctlr_el1, write_sctlr),
    STORE("ACTLR_EL1", 0, 1, 0, 1, actlr_el1, RW),
    HOOK("CPACR_EL1", 0, 1, 0, 2, cpacr_el1, write_cpacr),
    HOOK("TTBR0_EL1", 0, 2, 0, 0, ttbr0_el1, write_ttbr),
    HOOK("TTBR1_EL1", 0, 2, 0, 1, ttbr1_el1, write_ttbr),
    HOOK("TCR_EL1", 0, 2, 0, 2, tcr_el1, write_regime),
    STORE("AFSR0_EL1", 0, 5, 1, 0, afsr0_el1, RW | REG_KEEP),
    STORE("AFSR1_EL1", 0, 5, 1, 1, afsr1_el1, RW | REG_KEEP),
    STORE("ESR_EL1", 0, 5, 2, 0, esr_el1, RW | REG_KEEP),
    STORE("FAR_EL1", 0, 6, 0, 0, far_el1, RW | REG_KEEP),
    STORE("PAR_EL1", 0, 7, 4, 0, par_el1, RW | REG_KEEP),
    HOOK("MAIR_EL1", 0, 10, 2, 0, mair_el1, write_regime),
    STORE("AMAIR_EL1", 0, 10, 3, 0, amair_el1, RW),
    STORE("VBAR_EL1", 0, 12, 0, 0, vbar_el1, RW),
    FN("ISR_EL1", 0, 12, 1, 0, R, read_isr, NULL),
    STORE("CONTEXTIDR_EL1", 0, 13, 0, 1, contextidr_el1, RW),
    STORE("TPIDR_EL1", 0, 13, 0, 4, tpidr_el1, RW | REG_KEEP),
    STORE("TPIDR_EL0", 3, 13, 0, 2, tpidr_el0, RW | EL0_RW | REG_KEEP),
    STORE("TPIDRRO_EL0", 3, 13, 0, 3, tpidrro_el0, RW | EL0_R | REG_KEEP),

    /* Identification. */
    CONST("MIDR_EL1", 0, 0, 0, 0, MIDR),
    FN("MPIDR_EL1", 0, 0, 0, 5, R, read_mpidr, NULL),
    CONST("REVIDR_EL1", 0, 0, 0, 6, 0),
    {"ID_AA64PFR0_EL1", SYSREG(3, 0, 0, 4, 0), 0, R, PFR0, read_pfr0, NULL},
    CONST("ID_AA64DFR0_EL1", 0, 0, 5, 0, DFR0),
    CONST("ID_AA64ISAR0_EL1", 0, 0, 6, 0, ISAR0),
    {"ID_AA64MMFR0_EL1", SYSREG(3, 0, 0, 7, 0), 0, R, MMFR0, read_mmfr0, NULL},
    CONST("ID_AA64MMFR1_EL1", 0, 0, 7, 1, MMFR1),
    CONST("CCSIDR_EL1", 1, 0, 0, 0, 0),
    CONST("CLIDR_EL1", 1, 0, 0, 1, 0),
    CONST("AIDR_EL1", 1, 0, 0, 7, 0),
    STORE("CSSELR_EL1", 2, 0, 0, 0, csselr_el1, RW | REG_KEEP),
    {"CTR_EL0", SYSREG(3, 3, 0, 0, 1), 0, R | EL0_R | REG_CONST | REG_UCT, CTR,
     NULL, NULL},
    {"DCZID_EL0", SYSREG(3, 3, 0, 0, 7), 0, R | EL0_R, DCZID, read_dczid, NULL},

    /* The generic timer. */
    {"CNTFRQ_EL0", SYSREG(3, 3, 14, 0, 0), 0,
     R | EL0_R | REG_CONST | REG_EL0PCTEN | REG_EL0VCTEN, TIMER_HZ, NULL, NULL},
    FN("CNTPCT_EL0", 3, 14, 0, 1, R | EL0_R | REG_EL0PCTEN, read_count, NULL),
    FN("CNTVCT_EL0", 3, 14, 0, 2, R | EL0_R | REG_EL0VCTEN, read_count, NULL),
    STORE("CNTKCTL_EL1", 0, 14, 1, 0, cntkctl_el1, RW),
    TIMER("CNTP_TVAL_EL0", 2, 0, TIMER_PHYS, REG_EL0PTEN, read_tval,
          write_tval),
    TIMER("CNTP_CTL_EL0", 2, 1, TIMER_PHYS, REG_EL0PTEN, read_ctl, write_ctl),
    TIMER("CNTP_CVAL_EL0", 2, 2, TIMER_PHYS, REG_EL0PTEN, read_cval,
          write_cval),
    TIMER("CNTV_TVAL_EL0", 3, 0, TIMER_VIRT, REG_EL0VTEN, read_tval,
          write_tval),
    TIMER("CNTV_CTL_EL0", 3, 1, TIMER_VIRT, REG_EL0VTEN, read_ctl, write_ctl),
    TIMER("CNTV_CVAL_EL0", 3, 2, TIMER_VIRT, REG_EL0VTEN, read_cval,
          write_cval),

    /* Debug: op0 is 2. */
    {"MDSCR_EL1", SYSREG(2, 0, 0, 2, 2), FIELD(mdscr_el1), RW, 0, NULL,
     write_mdscr},
    {"MDCCINT_EL1", SYSREG(2, 0, 0, 2, 0), FIELD(mdccint_el1), RW, 0, NULL,
     NULL},
    {"MDRAR_EL1", SYSREG(2, 0, 1, 0, 0), 0, R | REG_CONST, 0, NULL, NULL},
    {"OSLAR_EL1", SYSREG(2, 0, 1, 0, 4), 0, REG_WRITE, 0, NULL, write_oslar},
    {"OSLSR_EL1", SYSREG(2, 0, 1, 1, 4), FIELD(oslsr_el1), R, 0, NULL, NULL},
    {"OSDLR_EL1", SYSREG(2, 0, 1, 3, 4), FIELD(osdlr_el1), RW, 0, NULL, NULL},
    {"DBGPRCR_EL1", SYSREG(2, 0, 1, 4, 4), 0, RW | REG_CONST, 0, NULL,
     write_ignored},
    {"DBGCLAIMSET_EL1", SYSREG(2, 0, 7, 8, 6), 0, RW | REG_CONST, 0xff, NULL,
     write_ignored},
    {"DBGCLAIMCLR_EL1", SYSREG(2, 0, 7, 9, 6), 0, RW | REG_CONST, 0, NULL,
     write_ignored},
    {"DBGAUTHSTATUS_EL1", SYSREG(2, 0, 7, 14, 6), 0, R | REG_CONST, 0, NULL,
     NULL},
    {"MDCCSR_EL0", SYSREG(2, 3, 0, 1, 0), 0, R | EL0_R | REG_CONST, 0, NULL,
     NULL},
    DEBUG_PAIRS(0),
    DEBUG_PAIRS(1),
    DEBUG_PAIRS(2),
    DEBUG_PAIRS(3),
    DEBUG_PAIRS(4),
    DEBUG_PAIRS(5),
    WATCH_PAIRS(0),
    WATCH_PAIRS(1),
    WATCH_PAIRS(2),
    WATCH_PAIRS(3),
};

/* The interrupt controller's, of whatever number: it knows which there are. */
static const SysReg icc_register = {
    .name = "ICC_*_EL1",
    .flags = RW | REG_GIC | REG_KEEP,
};

/* The rest of the room for identification reads as zero. */
static const SysReg id_register = {
    .name = "ID_*_EL1",
    .flags = R | REG_CONST,
};

static bool is_icc(uint32_t encoding)
{
    return encoding == SYSREG(3, 0, 4, 6, 0) ||
           ((encoding & ~0x3f) == SYSREG(3, 0, 12, 8, 0));
}

static bool is_id(uint32_t encoding)
{
    return encoding >= SYSREG(3, 0, 0, 1, 0) &&
           encoding <= SYSREG(3, 0, 0, 7, 7);
}

const SysReg *sysreg_find(uint32_t encoding)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sysregs); i++) {
        if (sysregs[i].encoding == encoding) {
            return &sysregs[i];
        }
    }
    if (is_icc(encoding)) {
        return &icc_register;
    }
    return is_id(encoding) ? &id_register : NULL;
}

/* ---- accesses ---- */

typedef enum Access { ACCESS_OK, ACCESS_UNDEFINED, ACCESS_TRAPPED } Access;

static bool el0_gate(const InterpCpu *cpu, unsigned flags)
{
    static const struct {
        unsigned flag;
        bool timer; /* a bit of CNTKCTL_EL1, else of SCTLR_EL1 */
        uint64_t bit;
    } gates[] = {
        {REG_EL0PCTEN, true, 1 << 0}, {REG_EL0VCTEN, true, 1 << 1},
        {REG_EL0VTEN, true, 1 << 8},  {REG_EL0PTEN, true, 1 << 9},
        {REG_UCT, false, SCTLR_UCT},  {REG_UMA, false, SCTLR_UMA},
    };
    bool gated = false;

    for (size_t i = 0; i < G_N_ELEMENTS(gates); i++) {
        uint64_t by =
            gates[i].timer ? cpu->sys.cntkctl_el1 : cpu->sys.sctlr_el1;

        if (flags & gates[i].flag) {
            if (by & gates[i].bit) {
                return true;
            }
            gated = true;
        }
    }
    return !gated;
}

static Access check_access(const InterpCpu *cpu, const SysReg *reg,
                           bool is_read)
{
    if (!(reg->flags & (is_read ? REG_READ : REG_WRITE))) {
        return ACCESS_UNDEFINED;
    }
    if (cpu->el == 0) {
        if (!(reg->flags & (is_read ? REG_EL0_READ : REG_EL0_WRITE))) {
            return ACCESS_UNDEFINED;
        }
        return el0_gate(cpu, reg->flags) ? ACCESS_OK : ACCESS_TRAPPED;
    }
    /* The stack pointer in use is not to be had by its name. */
    if (reg->offset == FIELD(sp_el0) && !cpu->spsel) {
        return ACCESS_UNDEFINED;
    }
    return ACCESS_OK;
}

bool sysreg_trap(InterpCpu *cpu, const Op *op, uint32_t encoding, unsigned rt,
                 bool is_read)
{
    uint32_t op0 = encoding >> 14 & 3;
    uint32_t op1 = encoding >> 11 & 7;
    uint32_t crn = encoding >> 7 & 15;
    uint32_t crm = encoding >> 3 & 15;
    uint32_t op2 = encoding & 7;

    rt = rt >= X_SP ? 31 : rt;
    return cpu_raise(cpu, op, EC_SYSREG,
                     op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 |
                         crm << 1 | is_read);
}

/* False if the instruction was refused, by an exception. */
static bool may_access(InterpCpu *cpu, const Op *op, const SysReg *reg,
                       bool is_read)
{
    Access access = check_access(cpu, reg, is_read);

    if (access == ACCESS_TRAPPED) {
        return sysreg_trap(cpu, op, op->sub, op->rd, is_read);
    }
    if (access == ACCESS_UNDEFINED) {
        return cpu_undefined(cpu, op);
    }
    if (reg->flags & REG_FP && cpu->fp_trapped) {
        return cpu_raise(cpu, op, EC_FP, FP_TRAP_ISS);
    }
    return true;
}

static bool gic_access(InterpCpu *cpu, const Op *op, uint64_t *value,
                       bool is_write)
{
    SoftGic *gic = cpu->accel->gic;

    return (has_gicv3(cpu) && SOFT_GIC_GET_CLASS(gic)->sysreg(
                                  gic, cpu->index, op->sub, value, is_write)) ||
           cpu_undefined(cpu, op);
}

bool sysreg_op_read(InterpCpu *cpu, const Op *op)
{
    const SysReg *reg = (const SysReg *)(uintptr_t)op[1].imm;

    if (!may_access(cpu, op, reg, true)) {
        return false;
    }
    if (reg->flags & REG_GIC) {
        return gic_access(cpu, op, &cpu->x[op->rd], false);
    }
    if (reg->read) {
        cpu->x[op->rd] = reg->read(cpu, reg);
    } else if (reg->flags & REG_CONST) {
        cpu->x[op->rd] = reg->value;
    } else {
        cpu->x[op->rd] = *(const uint64_t *)((const char *)cpu + reg->offset);
    }
    return true;
}

bool sysreg_op_write(InterpCpu *cpu, const Op *op)
{
    const SysReg *reg = (const SysReg *)(uintptr_t)op[1].imm;
    uint64_t value = cpu->x[op->rd];

    if (!may_access(cpu, op, reg, false)) {
        return false;
    }
    if (reg->flags & REG_GIC) {
        return gic_access(cpu, op, &value, true);
    }
    if (reg->write) {
        reg->write(cpu, reg, value);
    } else {
        *(uint64_t *)((char *)cpu + reg->offset) = value;
    }
    return true;
}
