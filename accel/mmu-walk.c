/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 1 of the EL1&0 translation regime; see the header for what is in it.
 *
 * The steps and the order of the checks are those of the Arm ARM's pseudocode
 * for AArch64 table walks. Where that leaves a choice: a T0SZ or T1SZ out of
 * range (16 to 39) faults at level 0, a reserved granule is 4 KiB.
 */
#include "accel/mmu-walk.h"

#define SCTLR_M (1u << 0)
#define SCTLR_WXN (1u << 19)

#define TCR_EPD0 7
#define TCR_EPD1 23
#define TCR_TG0 14
#define TCR_TG1 30
#define TCR_T1SZ 16
#define TCR_IPS 32

#define DESC_VALID (1u << 0)
#define DESC_TABLE (1u << 1)
#define DESC_AP_EL0 (1u << 6)
#define DESC_AP_RO (1u << 7)
#define DESC_AF (1u << 10)
#define DESC_NG (1u << 11)
#define DESC_PXN (UINT64_C(1) << 53)
#define DESC_UXN (UINT64_C(1) << 54)
#define DESC_PXN_TABLE (UINT64_C(1) << 59)
#define DESC_UXN_TABLE (UINT64_C(1) << 60)
#define DESC_AP_TABLE_NO_EL0 (UINT64_C(1) << 61)
#define DESC_AP_TABLE_RO (UINT64_C(1) << 62)
#define DESC_ADDRESS (((UINT64_C(1) << 48) - 1) & ~UINT64_C(0xfff))

#define SH_OUTER 2
#define ATTR_NORMAL_NC 0x44

static uint64_t low_mask(unsigned bits)
{
    return (UINT64_C(1) << bits) - 1;
}

uint64_t mmu_untag(const MmuRegs *regs, uint64_t va)
{
    return mmu_is_tagged(regs->tcr, va) ? (uint64_t)((int64_t)(va << 8) >> 8)
                                        : va;
}

static bool fault(MmuPage *page, unsigned code)
{
    page->fault = code;
    return false;
}

static bool walk_off(const MmuRegs *regs, uint64_t va, MmuPage *page)
{
    uint64_t pa = mmu_is_tagged(regs->tcr, va) ? va & low_mask(56) : va;

    if (pa >> regs->phys_bits) {
        return fault(page, MMU_FAULT_ADDRESS_SIZE);
    }
    *page = (MmuPage){
        .pa = pa,
        .page_size = 4096,
        .el0 = MMU_PERM_READ | MMU_PERM_WRITE | MMU_PERM_EXEC,
        .el1 = MMU_PERM_READ | MMU_PERM_WRITE | MMU_PERM_EXEC,
        .el1_pan = MMU_PERM_READ | MMU_PERM_WRITE | MMU_PERM_EXEC,
        .sh = SH_OUTER,
        .device = true,
    };
    return true;
}

static unsigned granule_bits(uint64_t tcr, bool upper)
{
    static const uint8_t tg0[] = {12, 16, 14, 12};
    static const uint8_t tg1[] = {12, 14, 12, 16};

    return upper ? tg1[tcr >> TCR_TG1 & 3] : tg0[tcr >> TCR_TG0 & 3];
}

static unsigned output_bits(const MmuRegs *regs)
{
    static const uint8_t ips[] = {32, 36, 40, 42, 44, 48, 48, 48};

    return MIN(ips[regs->tcr >> TCR_IPS & 7], regs->phys_bits);
}

static void set_permissions(const MmuRegs *regs, uint64_t desc, MmuPage *page)
{
    bool wxn = regs->sctlr & SCTLR_WXN;
    unsigned rw =
        desc & DESC_AP_RO ? MMU_PERM_READ : MMU_PERM_READ | MMU_PERM_WRITE;
    unsigned user = desc & DESC_AP_EL0 ? rw : 0;

    page->el0 = user;
    page->el1 = rw;
    if (!(desc & DESC_UXN) && !(wxn && user & MMU_PERM_WRITE)) {
        page->el0 |= MMU_PERM_EXEC;
    }
    /* What EL0 may write, EL1 never executes. */
    if (!(desc & DESC_PXN) && !(wxn && rw & MMU_PERM_WRITE) &&
        !(user & MMU_PERM_WRITE)) {
        page->el1 |= MMU_PERM_EXEC;
    }
    page->el1_pan = user ? page->el1 & MMU_PERM_EXEC : page->el1;
}

static void set_attributes(const MmuRegs *regs, uint64_t desc, MmuPage *page)
{
    page->attr = regs->mair >> (desc >> 2 & 7) * 8;
    page->device = !(page->attr & 0xf0);
    page->sh = desc >> 8 & 3;
    if (page->device || page->attr == ATTR_NORMAL_NC) {
        page->sh = SH_OUTER;
    }
    page->ng = desc & DESC_NG;
}

/* What the table descriptors on the way take from a page or block. */
static uint64_t apply_tables(uint64_t desc, uint64_t tables)
{
    if (tables & DESC_AP_TABLE_NO_EL0) {
        desc &= ~(uint64_t)DESC_AP_EL0;
    }
    if (tables & DESC_AP_TABLE_RO) {
        desc |= DESC_AP_RO;
    }
    if (tables & DESC_UXN_TABLE) {
        desc |= DESC_UXN;
    }
    if (tables & DESC_PXN_TABLE) {
        desc |= DESC_PXN;
    }
    return desc;
}

static bool use_leaf(const MmuRegs *regs, uint64_t va, uint64_t desc,
                     unsigned shift, MmuPage *page)
{
    if ((desc & DESC_ADDRESS) >> output_bits(regs)) {
        return fault(page, MMU_FAULT_ADDRESS_SIZE + page->level);
    }
    if (!(desc & DESC_AF)) {
        return fault(page, MMU_FAULT_ACCESS_FLAG + page->level);
    }
    page->pa =
        (desc & DESC_ADDRESS & ~low_mask(shift)) | (va & low_mask(shift));
    page->page_size = UINT64_C(1) << shift;
    page->fault = 0;
    set_attributes(regs, desc, page);
    set_permissions(regs, desc, page);
    return true;
}

/* A block descriptor's level: 4 KiB has those of 1 GiB, too. */
static bool block_allowed(unsigned granule, unsigned level)
{
    return level == 2 || (level == 1 && granule == 12);
}

static bool walk_tables(const MmuRegs *regs, uint64_t va, uint64_t table,
                        unsigned input_bits, unsigned granule, MmuReadFn *read,
                        void *opaque, MmuPage *page)
{
    unsigned stride = granule - 3;
    unsigned level = 4 - (input_bits - granule + stride - 1) / stride;
    unsigned shift = granule + (3 - level) * stride;
    unsigned top = input_bits; /* bits of the address not used so far */
    unsigned out = output_bits(regs);
    uint64_t tables = 0;
    uint64_t desc;

    /* A first table is as large as its part of the address needs. */
    table &= low_mask(48) & ~low_mask(top - shift + 3);
    for (;; level++, shift -= stride) {
        uint64_t index = (va & low_mask(top)) >> shift;

        if (!read(opaque, table + index * 8, &desc)) {
            return fault(page, MMU_FAULT_WALK_ABORT + level);
        }
        page->level = level;
        if (!(desc & DESC_VALID)) {
            return fault(page, MMU_FAULT_TRANSLATION + level);
        }
        if (level == 3 || !(desc & DESC_TABLE)) {
            break;
        }
        table = desc & DESC_ADDRESS & ~low_mask(granule);
        if ((desc & DESC_ADDRESS) >> out) {
            return fault(page, MMU_FAULT_ADDRESS_SIZE + level);
        }
        tables |= desc;
        top = shift;
    }
    if (desc & DESC_TABLE ? level != 3 : !block_allowed(granule, level)) {
        return fault(page, MMU_FAULT_TRANSLATION + level);
    }
    return use_leaf(regs, va, apply_tables(desc, tables), shift, page);
}

bool mmu_walk(const MmuRegs *regs, uint64_t va, MmuReadFn *read, void *opaque,
              MmuPage *page)
{
    uint64_t tcr = regs->tcr;
    bool upper = va >> 55 & 1;
    unsigned tsz = tcr >> (upper ? TCR_T1SZ : 0) & 0x3f;
    uint64_t ttbr = upper ? regs->ttbr1 : regs->ttbr0;
    unsigned input_bits = 64 - tsz;
    int64_t rest = (int64_t)mmu_untag(regs, va);

    if (!(regs->sctlr & SCTLR_M)) {
        return walk_off(regs, va, page);
    }
    if (tsz < 16 || tsz > 39 || tcr >> (upper ? TCR_EPD1 : TCR_EPD0) & 1 ||
        rest >> input_bits != -(int64_t)upper) {
        return fault(page, MMU_FAULT_TRANSLATION);
    }
    if ((ttbr & low_mask(48)) >> output_bits(regs)) {
        return fault(page, MMU_FAULT_ADDRESS_SIZE);
    }
    return walk_tables(regs, va, ttbr, input_bits, granule_bits(tcr, upper),
                       read, opaque, page);
}
