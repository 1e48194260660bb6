/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instructions SYS: AT, TLBI, DC and IC (Arm ARM, C5.3 to C5.5).
 *
 * There are no caches, so DC only checks its address; but decoded blocks are
 * one that a guest has to keep coherent, and IC forgets them. What a TLBI or IC
 * of the Inner Shareable domain asks of other vCPUs is posted, and DSB waits
 * for it. IC IVAU asks it always: to a program, its address means the same
 * instruction everywhere.
 */
#include "maintenance.h"

#include "accel/soft-gic.h"
#include "block.h"
#include "id.h"
#include "interp.h"
#include "sctlr.h"
#include "sysreg.h"
#include "tlb.h"
#include "work.h"

#define ISS_CM (1u << 8)

#define PAR_F (1u << 0)
#define PAR_NS (1u << 9)
#define PAR_RES1 (1u << 11)
#define PAR_FST 1
#define PAR_SH 7
#define PAR_ATTR 56

/* ---- who may ---- */

static bool only_el1(InterpCpu *cpu, const Op *op)
{
    return cpu->el || cpu_undefined(cpu, op);
}

/* At EL0 only with a bit of SCTLR_EL1. */
static bool by_sctlr(InterpCpu *cpu, const Op *op, uint64_t bit)
{
    return cpu->el || cpu->sys.sctlr_el1 & bit ||
           sysreg_trap(cpu, op, op->sub, op->rd, false);
}

static bool maintenance_abort(InterpCpu *cpu, const Op *op, unsigned fault)
{
    cpu->sys.far_el1 = cpu->x[op->rd];
    return cpu_raise(cpu, op, EC_DABT_LOWER + cpu->el,
                     ISS_CM | ISS_WNR | fault);
}

/* ---- AT ---- */

static bool translate(InterpCpu *cpu, const Op *op, MmuIdx idx,
                      MemAccess access)
{
    MmuRegs regs = tlb_regs(cpu);
    MmuPage page;
    unsigned wanted = access == MEM_WRITE ? MMU_PERM_WRITE : MMU_PERM_READ;
    uint64_t par = PAR_RES1;

    if (!only_el1(cpu, op)) {
        return false;
    }
    if (mmu_walk(&regs, cpu->x[op->rd], tlb_read_descriptor,
                 atomic_load(&cpu->accel->ram), &page)) {
        page.fault = MMU_FAULT_PERMISSION + page.level;
        if ((idx == MMU_EL0 ? page.el0 : page.el1) & wanted) {
            cpu->sys.par_el1 = par | PAR_NS | (uint64_t)page.sh << PAR_SH |
                               (page.pa & ~UINT64_C(0xfff)) |
                               (uint64_t)page.attr << PAR_ATTR;
            return true;
        }
    } else if ((page.fault & ~3u) == MMU_FAULT_WALK_ABORT) {
        return maintenance_abort(cpu, op, page.fault);
    }
    cpu->sys.par_el1 = par | PAR_F | (uint64_t)page.fault << PAR_FST;
    return true;
}

static bool at_s1e1r(InterpCpu *cpu, const Op *op)
{
    return translate(cpu, op, MMU_EL1, MEM_READ);
}

static bool at_s1e1w(InterpCpu *cpu, const Op *op)
{
    return translate(cpu, op, MMU_EL1, MEM_WRITE);
}

static bool at_s1e0r(InterpCpu *cpu, const Op *op)
{
    return translate(cpu, op, MMU_EL0, MEM_READ);
}

static bool at_s1e0w(InterpCpu *cpu, const Op *op)
{
    return translate(cpu, op, MMU_EL0, MEM_WRITE);
}

/* ---- TLBI ---- */

/* CRm says which: those of the Inner Shareable domain are in c3. */
static bool is_broadcast(const Op *op)
{
    return (op->sub >> 3 & 15) == 3;
}

static bool tlbi_vmalle1(InterpCpu *cpu, const Op *op)
{
    if (!only_el1(cpu, op)) {
        return false;
    }
    tlb_flush_all(cpu);
    if (is_broadcast(op)) {
        work_post(cpu->accel, cpu, WORK_TLB_ALL, 0);
    }
    return true;
}

/* Of any ASID, and of any level: more than what may be asked for. */
static bool tlbi_va(InterpCpu *cpu, const Op *op)
{
    uint64_t va = (int64_t)(cpu->x[op->rd] << 20) >> 8;

    if (!only_el1(cpu, op)) {
        return false;
    }
    tlb_flush_va(cpu, va);
    if (is_broadcast(op)) {
        work_post(cpu->accel, cpu, WORK_TLB_VA, va);
    }
    return true;
}

static bool tlbi_aside1(InterpCpu *cpu, const Op *op)
{
    unsigned asid = cpu->x[op->rd] >> 48;

    if (!only_el1(cpu, op)) {
        return false;
    }
    tlb_flush_asid(cpu, asid);
    if (is_broadcast(op)) {
        work_post(cpu->accel, cpu, WORK_TLB_ASID, asid);
    }
    return true;
}

/* ---- DC and IC ---- */

/* By address: where there is a page, and with the permissions needed. */
static const TlbPage *maintained(InterpCpu *cpu, const Op *op, unsigned need)
{
    const TlbPage *page;
    unsigned fault;

    if (!by_sctlr(cpu, op, SCTLR_UCI)) {
        return NULL;
    }
    page = tlb_lookup(cpu, cpu->mmu_idx, cpu->x[op->rd], MEM_READ, &fault);
    if (!page) {
        maintenance_abort(cpu, op, fault);
    } else if (need & ~page->perms) {
        maintenance_abort(cpu, op, MMU_FAULT_PERMISSION + page->level);
        page = NULL;
    }
    return page;
}

/* EL0 must be able to read there; EL1 may wherever there is a page. */
static const TlbPage *maintained_by_any(InterpCpu *cpu, const Op *op)
{
    return maintained(cpu, op, cpu->el ? 0 : MMU_PERM_READ);
}

static bool dc_va(InterpCpu *cpu, const Op *op)
{
    return maintained_by_any(cpu, op);
}

/* It may lose what was written. */
static bool dc_ivac(InterpCpu *cpu, const Op *op)
{
    return only_el1(cpu, op) && maintained(cpu, op, MMU_PERM_WRITE);
}

static bool dc_set_way(InterpCpu *cpu, const Op *op)
{
    return only_el1(cpu, op);
}

static bool dc_zva(InterpCpu *cpu, const Op *op)
{
    return by_sctlr(cpu, op, SCTLR_DZE) &&
           mem_zero(cpu, op, cpu->x[op->rd], DCZ_SIZE);
}

static bool ic_ialluis(InterpCpu *cpu, const Op *op)
{
    if (!only_el1(cpu, op)) {
        return false;
    }
    block_forget_all(cpu);
    work_post(cpu->accel, cpu, WORK_FORGET_ALL, 0);
    return true;
}

static bool ic_iallu(InterpCpu *cpu, const Op *op)
{
    if (!only_el1(cpu, op)) {
        return false;
    }
    block_forget_all(cpu);
    return true;
}

static bool ic_ivau(InterpCpu *cpu, const Op *op)
{
    const TlbPage *page = maintained_by_any(cpu, op);
    const RamBlock *ram;

    if (!page) {
        return false;
    }
    ram = page->ram;
    if (ram && ram->code) {
        interp_ram_forget(cpu->accel, cpu, ram_code_flag(ram, page->pa),
                          ram->host + (page->pa - ram->start));
    }
    return true;
}

#define SYS(op1, crm, op2) SYSREG(1, op1, 7, crm, op2)
#define TLBI(crm, op2) SYSREG(1, 0, 8, crm, op2)

static const SysInsn insns[] = {
    {"IC IALLUIS", SYS(0, 1, 0), ic_ialluis},
    {"IC IALLU", SYS(0, 5, 0), ic_iallu},
    {"IC IVAU", SYS(3, 5, 1), ic_ivau},
    {"DC ZVA", SYS(3, 4, 1), dc_zva},
    {"DC IVAC", SYS(0, 6, 1), dc_ivac},
    {"DC ISW", SYS(0, 6, 2), dc_set_way},
    {"DC CVAC", SYS(3, 10, 1), dc_va},
    {"DC CSW", SYS(0, 10, 2), dc_set_way},
    {"DC CVAU", SYS(3, 11, 1), dc_va},
    {"DC CIVAC", SYS(3, 14, 1), dc_va},
    {"DC CISW", SYS(0, 14, 2), dc_set_way},
    {"AT S1E1R", SYS(0, 8, 0), at_s1e1r},
    {"AT S1E1W", SYS(0, 8, 1), at_s1e1w},
    {"AT S1E0R", SYS(0, 8, 2), at_s1e0r},
    {"AT S1E0W", SYS(0, 8, 3), at_s1e0w},
    {"TLBI VMALLE1IS", TLBI(3, 0), tlbi_vmalle1},
    {"TLBI VAE1IS", TLBI(3, 1), tlbi_va},
    {"TLBI ASIDE1IS", TLBI(3, 2), tlbi_aside1},
    {"TLBI VAAE1IS", TLBI(3, 3), tlbi_va},
    {"TLBI VALE1IS", TLBI(3, 5), tlbi_va},
    {"TLBI VAALE1IS", TLBI(3, 7), tlbi_va},
    {"TLBI VMALLE1", TLBI(7, 0), tlbi_vmalle1},
    {"TLBI VAE1", TLBI(7, 1), tlbi_va},
    {"TLBI ASIDE1", TLBI(7, 2), tlbi_aside1},
    {"TLBI VAAE1", TLBI(7, 3), tlbi_va},
    {"TLBI VALE1", TLBI(7, 5), tlbi_va},
    {"TLBI VAALE1", TLBI(7, 7), tlbi_va},
};

const SysInsn *sys_find(uint32_t encoding)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(insns); i++) {
        if (insns[i].encoding == encoding) {
            return &insns[i];
        }
    }
    return NULL;
}
