/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdlib.h>

#include "interp-world.h"

/*
 * What the tests of memory accesses share: a device, mapped registers and a
 * ROM beside the RAM, and translation tables of 4 KiB granules and 39 bits for
 * both halves. A test maps what it needs.
 */

#define LOW UINT64_C(0x10000000)
#define HIGH UINT64_C(0xffffffc010000000)
#define PA(n) (RAM_BASE + 0x100000 + (n)*0x1000)

#define IO_BASE UINT64_C(0x09000000)
#define REGS_BASE UINT64_C(0x0a000000)
#define ROM_BASE UINT64_C(0x0b000000)

#define L1_LOW TABLES
#define L1_HIGH (TABLES + 0x1000)

#define PAGE 0x403u
#define BLOCK 0x401u
#define USER (1u << 6)
#define RO (1u << 7)
#define NG (1u << 11)
#define DEVICE (1u << 2) /* MAIR_EL1's second byte */
#define UXN (UINT64_C(1) << 54)

#define TCR (25 | 25 << 16 | UINT64_C(2) << 30 | UINT64_C(2) << 32)

#define EL0 0u
#define EL1 5u
#define EL1_PAN (5u | 1u << 22)

/* ISS of data aborts */
#define WNR 0x40u
#define FAULT_ALIGN 0x21u
#define FAULT_TRANSLATION3 0x07u
#define FAULT_PERMISSION3 0x0fu
#define FAULT_UNSUPPORTED 0x35u

typedef struct Io {
    hwaddr addr;
    uint64_t value;
    unsigned size;
    unsigned count;
    bool fails;
} Io;

static World world;
static Io io;
static MemoryRegion io_region;
static MemoryRegion regs_region;
static MemoryRegion rom_region;
static uint8_t *regs;
static uint64_t next_table;

static inline MemTxResult io_read(void *opaque, hwaddr addr, uint64_t *value,
                                  unsigned size)
{
    io.addr = addr;
    io.size = size;
    io.count++;
    *value = io.value;
    return io.fails ? MEMTX_ERROR : MEMTX_OK;
}

static inline MemTxResult io_write(void *opaque, hwaddr addr, uint64_t value,
                                   unsigned size)
{
    io.addr = addr;
    io.size = size;
    io.value = value;
    io.count++;
    return io.fails ? MEMTX_ERROR : MEMTX_OK;
}

static const MemoryRegionOps io_ops = {.read = io_read, .write = io_write};

static inline void add(MemoryRegion *mr, hwaddr at)
{
    memory_region_add_subregion(get_system_memory(), at, mr);
}

static inline InterpCpu *begin(void)
{
    world_init(&world);
    io = (Io){0};
    memory_region_init_io(&io_region, NULL, &io_ops, NULL, "io", 0x1000);
    add(&io_region, IO_BASE);
    regs = aligned_alloc(0x1000, 0x2000);
    memset(regs, 0, 0x2000);
    memory_region_init_ram_device(&regs_region, NULL, "regs", 0x1000, regs);
    add(&regs_region, REGS_BASE);
    g_assert_true(
        memory_region_init_ram(&rom_region, NULL, "rom", 0x1000, NULL));
    memory_region_set_readonly(&rom_region, true);
    add(&rom_region, ROM_BASE);
    next_table = TABLES + 0x2000;
    work_run(world.cpus[0]);
    work_run(world.cpus[1]);
    return world.cpu;
}

static inline void end(void)
{
    work_leave_guest(world.cpus[0]);
    memory_region_del_subregion(get_system_memory(), &io_region);
    memory_region_del_subregion(get_system_memory(), &regs_region);
    memory_region_del_subregion(get_system_memory(), &rom_region);
    memory_region_finish(&io_region);
    memory_region_finish(&regs_region);
    memory_region_finish(&rom_region);
    free(regs);
    world_finish(&world);
}

static inline uint64_t *table_word(uint64_t pa)
{
    return (uint64_t *)world_ram(&world, pa);
}

/* The descriptor of @va at @level. */
static inline uint64_t *slot(uint64_t va, unsigned level)
{
    uint64_t table = va >> 63 ? L1_HIGH : L1_LOW;

    for (unsigned l = 1;; l++) {
        uint64_t *desc = table_word(table + (va >> (39 - 9 * l) & 511) * 8);

        if (l == level) {
            return desc;
        }
        if (!(*desc & 1)) {
            *desc = next_table | 3;
            next_table += 0x1000;
        }
        table = *desc & UINT64_C(0xfffffffff000);
    }
}

static inline void map(uint64_t va, uint64_t pa, uint64_t flags)
{
    *slot(va, 3) = pa | flags | PAGE;
}

static inline void mmu_on(InterpCpu *cpu)
{
    cpu->sys.ttbr0_el1 = L1_LOW;
    cpu->sys.ttbr1_el1 = L1_HIGH;
    cpu->sys.tcr_el1 = TCR;
    cpu->sys.mair_el1 = 0x00ff;
    cpu->sys.sctlr_el1 |= SCTLR_M;
    tlb_flush_all(cpu);
}

static inline InterpCpu *begin_mmu(void)
{
    InterpCpu *cpu = begin();

    mmu_on(cpu);
    return cpu;
}

static inline uint64_t load(InterpCpu *cpu, uint64_t va, unsigned size)
{
    uint64_t value = 0x5555;

    g_assert_true(mem_load(cpu, world.op, va, size, &value));
    return value;
}

static inline void store(InterpCpu *cpu, uint64_t va, unsigned size,
                         uint64_t value)
{
    g_assert_true(mem_store(cpu, world.op, va, size, value));
}

/* A data abort was taken from @pstate; goes back there. */
static inline void assert_abort(InterpCpu *cpu, uint32_t pstate, uint64_t far,
                                uint32_t iss)
{
    uint32_t ec = pstate == EL0 ? EC_DABT_LOWER : EC_DABT;

    g_assert_cmphex(cpu->sys.esr_el1, ==, ec << 26 | 1u << 25 | iss);
    g_assert_cmphex(cpu->sys.far_el1, ==, far);
    g_assert_cmphex(cpu->sys.elr_el1, ==, OP_PC);
    g_assert_cmphex(cpu->pc & 0x7ff, ==, pstate == EL0 ? 0x400 : 0x200);
    cpu_set_pstate(cpu, pstate);
}

static inline void load_faults(InterpCpu *cpu, uint32_t pstate, uint64_t va,
                               unsigned size, uint32_t iss)
{
    uint64_t value = 0x5555;

    cpu_set_pstate(cpu, pstate);
    g_assert_false(mem_load(cpu, world.op, va, size, &value));
    g_assert_cmphex(value, ==, 0x5555);
    assert_abort(cpu, pstate, va, iss);
}

static inline void store_faults(InterpCpu *cpu, uint32_t pstate, uint64_t va,
                                unsigned size, uint32_t iss)
{
    cpu_set_pstate(cpu, pstate);
    g_assert_false(mem_store(cpu, world.op, va, size, 0x77));
    assert_abort(cpu, pstate, va, WNR | iss);
}
