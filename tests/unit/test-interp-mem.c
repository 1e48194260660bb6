/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software CPU's memory accesses: the slow path, the TLB, faults, the map
 * of RAM. The tables are of 4 KiB granules and 39 bits, for both halves; a test
 * maps what it needs.
 */
#include "interp-world.h"

#include <stdlib.h>

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

static MemTxResult io_read(void *opaque, hwaddr addr, uint64_t *value,
                           unsigned size)
{
    io.addr = addr;
    io.size = size;
    io.count++;
    *value = io.value;
    return io.fails ? MEMTX_ERROR : MEMTX_OK;
}

static MemTxResult io_write(void *opaque, hwaddr addr, uint64_t value,
                            unsigned size)
{
    io.addr = addr;
    io.size = size;
    io.value = value;
    io.count++;
    return io.fails ? MEMTX_ERROR : MEMTX_OK;
}

static const MemoryRegionOps io_ops = {.read = io_read, .write = io_write};

static void add(MemoryRegion *mr, hwaddr at)
{
    memory_region_add_subregion(get_system_memory(), at, mr);
}

static InterpCpu *begin(void)
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

static void end(void)
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

static uint64_t *table_word(uint64_t pa)
{
    return (uint64_t *)world_ram(&world, pa);
}

/* The descriptor of @va at @level. */
static uint64_t *slot(uint64_t va, unsigned level)
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

static void map(uint64_t va, uint64_t pa, uint64_t flags)
{
    *slot(va, 3) = pa | flags | PAGE;
}

static void mmu_on(InterpCpu *cpu)
{
    cpu->sys.ttbr0_el1 = L1_LOW;
    cpu->sys.ttbr1_el1 = L1_HIGH;
    cpu->sys.tcr_el1 = TCR;
    cpu->sys.mair_el1 = 0x00ff;
    cpu->sys.sctlr_el1 |= SCTLR_M;
    tlb_flush_all(cpu);
}

static InterpCpu *begin_mmu(void)
{
    InterpCpu *cpu = begin();

    mmu_on(cpu);
    return cpu;
}

static uint64_t load(InterpCpu *cpu, uint64_t va, unsigned size)
{
    uint64_t value = 0x5555;

    g_assert_true(mem_load(cpu, world.op, va, size, &value));
    return value;
}

static void store(InterpCpu *cpu, uint64_t va, unsigned size, uint64_t value)
{
    g_assert_true(mem_store(cpu, world.op, va, size, value));
}

/* A data abort was taken from @pstate; goes back there. */
static void assert_abort(InterpCpu *cpu, uint32_t pstate, uint64_t far,
                         uint32_t iss)
{
    uint32_t ec = pstate == EL0 ? EC_DABT_LOWER : EC_DABT;

    g_assert_cmphex(cpu->sys.esr_el1, ==, ec << 26 | 1u << 25 | iss);
    g_assert_cmphex(cpu->sys.far_el1, ==, far);
    g_assert_cmphex(cpu->sys.elr_el1, ==, OP_PC);
    g_assert_cmphex(cpu->pc & 0x7ff, ==, pstate == EL0 ? 0x400 : 0x200);
    cpu_set_pstate(cpu, pstate);
}

static void load_faults(InterpCpu *cpu, uint32_t pstate, uint64_t va,
                        unsigned size, uint32_t iss)
{
    uint64_t value = 0x5555;

    cpu_set_pstate(cpu, pstate);
    g_assert_false(mem_load(cpu, world.op, va, size, &value));
    g_assert_cmphex(value, ==, 0x5555);
    assert_abort(cpu, pstate, va, iss);
}

static void store_faults(InterpCpu *cpu, uint32_t pstate, uint64_t va,
                         unsigned size, uint32_t iss)
{
    cpu_set_pstate(cpu, pstate);
    g_assert_false(mem_store(cpu, world.op, va, size, 0x77));
    assert_abort(cpu, pstate, va, WNR | iss);
}

/* ---- off ---- */

static void test_off(void)
{
    InterpCpu *cpu = begin();

    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t va = PA(0) + 8 * size;

        store(cpu, va, size, UINT64_C(0x8877665544332211));
        g_assert_cmphex(load(cpu, va, size), ==,
                        UINT64_C(0x8877665544332211) &
                            UINT64_MAX >> (64 - 8 * size));
        g_assert_cmphex(load(cpu, va + size, 1), ==, 0);
    }
    /* All memory is Device memory, for data. */
    load_faults(cpu, EL1, PA(0) + 1, 2, FAULT_ALIGN);
    load_faults(cpu, EL1, PA(0) + 4, 8, FAULT_ALIGN);
    store_faults(cpu, EL0, PA(0) + 2, 4, FAULT_ALIGN);
    store_faults(cpu, EL1, PA(0) + 0xffe, 4, FAULT_ALIGN);
    g_assert_nonnull(mem_exec(cpu, PA(0) + 4));
    /* An address the CPU has not got. */
    load_faults(cpu, EL1, UINT64_C(1) << 40, 8, 0);
    end();
}

/* ---- devices ---- */

static void test_io(void)
{
    InterpCpu *cpu = begin();

    io.value = UINT64_C(0x8070605040302010);
    g_assert_cmphex(load(cpu, IO_BASE + 0x14, 4), ==, 0x40302010);
    g_assert_cmphex(io.addr, ==, 0x14);
    g_assert_cmpuint(io.size, ==, 4);
    store(cpu, IO_BASE + 0x20, 8, 0x1234);
    g_assert_cmphex(io.value, ==, 0x1234);
    g_assert_cmpuint(io.size, ==, 8);
    store(cpu, IO_BASE + 0x21, 1, 0x1ff);
    g_assert_cmphex(io.value, ==, 0xff);
    /* What fails reads as ones, and nothing is raised. */
    io.fails = true;
    g_assert_cmphex(load(cpu, IO_BASE, 2), ==, 0xffff);
    store(cpu, IO_BASE, 2, 1);
    g_assert_cmphex(load(cpu, 0x0f000000, 4), ==, 0xffffffff);
    g_assert_cmpuint(io.count, ==, 5);
    load_faults(cpu, EL1, IO_BASE + 2, 4, FAULT_ALIGN);
    g_assert_cmpuint(io.count, ==, 5);
    end();
}

static void test_registers(void)
{
    InterpCpu *cpu = begin_mmu();
    void *host;

    map(LOW, REGS_BASE, DEVICE);
    store(cpu, LOW + 8, 4, 0xabcdef01);
    g_assert_cmphex(*(uint32_t *)(regs + 8), ==, 0xabcdef01);
    *(uint64_t *)(regs + 16) = 0x1122334455667788;
    g_assert_cmphex(load(cpu, LOW + 16, 8), ==, 0x1122334455667788);
    load_faults(cpu, EL1, LOW + 9, 2, FAULT_ALIGN);
    /* No instructions, no atomics. */
    g_assert_null(mem_exec(cpu, LOW));
    g_assert_cmphex(cpu->sys.esr_el1, ==, 0x86000010);
    g_assert_false(mem_host(cpu, world.op, LOW, 8, MEM_READ, &host));
    assert_abort(cpu, EL1, LOW, FAULT_UNSUPPORTED);
    end();
}

static void test_rom(void)
{
    InterpCpu *cpu = begin_mmu();
    void *host;

    map(LOW, ROM_BASE, 0);
    rom_region.ram[5] = 0x99;
    g_assert_cmphex(load(cpu, LOW + 5, 1), ==, 0x99);
    g_assert_nonnull(mem_fast_read(cpu->tlb, LOW, 8));
    store(cpu, LOW + 5, 1, 0x11);
    store(cpu, LOW + 0xffe, 2, 0x1111);
    g_assert_cmphex(rom_region.ram[5], ==, 0x99);
    g_assert_null(mem_fast_write(cpu->tlb, LOW, 8));
    g_assert_true(mem_host(cpu, world.op, LOW, 8, MEM_READ, &host));
    g_assert_false(mem_host(cpu, world.op, LOW, 8, MEM_WRITE, &host));
    assert_abort(cpu, EL1, LOW, WNR | FAULT_UNSUPPORTED);
    end();
}

/* ---- alignment ---- */

static void test_alignment(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), 0);
    map(LOW + 0x1000, PA(1), DEVICE);
    store(cpu, LOW + 3, 4, 0x44332211);
    g_assert_cmphex(load(cpu, LOW + 4, 2), ==, 0x3322);
    g_assert_nonnull(mem_fast_read(cpu->tlb, LOW + 3, 8));
    /* A fast path to what has to be aligned would not look. */
    store(cpu, LOW + 0x1008, 8, 1);
    g_assert_null(mem_fast_write(cpu->tlb, LOW + 0x1008, 8));
    store_faults(cpu, EL1, LOW + 0x1004, 8, FAULT_ALIGN);
    g_assert_true(mem_check_align(cpu, world.op, LOW + 8, 16, MEM_READ));
    g_assert_true(mem_check_align(cpu, world.op, LOW + 0x1010, 16, MEM_READ));
    g_assert_false(mem_check_align(cpu, world.op, LOW + 0x1008, 16, MEM_READ));
    assert_abort(cpu, EL1, LOW + 0x1008, FAULT_ALIGN);

    cpu->sys.sctlr_el1 |= SCTLR_A;
    tlb_flush_all(cpu);
    g_assert_cmphex(load(cpu, LOW + 4, 2), ==, 0x3322);
    load_faults(cpu, EL1, LOW + 5, 2, FAULT_ALIGN);
    /* That is looked at before the tables. */
    load_faults(cpu, EL1, LOW + 0x2001, 2, FAULT_ALIGN);
    load_faults(cpu, EL1, LOW + 0x2002, 2, FAULT_TRANSLATION3);
    g_assert_false(mem_unaligned(cpu, world.op, LOW + 1, MEM_WRITE));
    assert_abort(cpu, EL1, LOW + 1, WNR | FAULT_ALIGN);
    end();
}

/* ---- across two pages ---- */

static void test_split(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(5), 0);
    map(LOW + 0x1000, PA(2), 0);
    for (unsigned size = 2; size <= 8; size *= 2) {
        for (unsigned first = 1; first < size; first++) {
            uint64_t va = LOW + 0x1000 - first;
            uint64_t value =
                UINT64_C(0xf8e7d6c5b4a39281) & UINT64_MAX >> (64 - 8 * size);

            store(cpu, va, size, value);
            g_assert_cmphex(load(cpu, va, size), ==, value);
            g_assert_cmpint(memcmp(world_ram(&world, PA(5) + 0x1000 - first),
                                   &value, first),
                            ==, 0);
            g_assert_cmpint(memcmp(world_ram(&world, PA(2)),
                                   (uint8_t *)&value + first, size - first),
                            ==, 0);
        }
    }
    end();
}

/* Nothing is written before both pages were looked at. */
static void test_split_faults(void)
{
    InterpCpu *cpu = begin_mmu();
    uint8_t *last;

    map(LOW, PA(5), 0);
    map(LOW + 0x2000, PA(6), RO);
    map(LOW + 0x3000, PA(7), 0);
    last = world_ram(&world, PA(5) + 0xfff);
    *last = 0xee;
    g_assert_false(mem_store(cpu, world.op, LOW + 0xfff, 8, 0));
    assert_abort(cpu, EL1, LOW + 0x1000, WNR | FAULT_TRANSLATION3);
    g_assert_cmphex(*last, ==, 0xee);
    map(LOW + 0x1000, PA(8), RO);
    g_assert_false(mem_store(cpu, world.op, LOW + 0xfff, 8, 0));
    assert_abort(cpu, EL1, LOW + 0x1000, WNR | FAULT_PERMISSION3);
    g_assert_cmphex(*last, ==, 0xee);
    /* The first of two faults is the one. */
    g_assert_false(mem_store(cpu, world.op, LOW + 0x1ffc, 8, 0));
    assert_abort(cpu, EL1, LOW + 0x1ffc, WNR | FAULT_PERMISSION3);
    store_faults(cpu, EL1, LOW + 0x2ffc, 8, FAULT_PERMISSION3);
    end();
}

static void test_split_io(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(5), 0);
    map(LOW + 0x1000, IO_BASE, 0);
    store(cpu, LOW + 0xffc, 8, UINT64_C(0x1122334455667788));
    g_assert_cmphex(io.value, ==, 0x11223344);
    g_assert_cmpuint(io.size, ==, 4);
    io.value = 0xaabbccdd;
    g_assert_cmphex(load(cpu, LOW + 0xffc, 8), ==,
                    UINT64_C(0xaabbccdd55667788));
    g_assert_cmphex(io.addr, ==, 0);
    end();
}

/* ---- permissions ---- */

static void test_permissions(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), 0);
    map(LOW + 0x1000, PA(1), USER);
    map(LOW + 0x2000, PA(2), RO);
    map(LOW + 0x3000, PA(3), USER | RO);
    load_faults(cpu, EL0, LOW, 8, FAULT_PERMISSION3);
    store_faults(cpu, EL0, LOW, 8, FAULT_PERMISSION3);
    load_faults(cpu, EL1_PAN, LOW + 0x1000, 8, FAULT_PERMISSION3);
    store_faults(cpu, EL1_PAN, LOW + 0x1000, 8, FAULT_PERMISSION3);
    store_faults(cpu, EL1, LOW + 0x2000, 1, FAULT_PERMISSION3);
    store_faults(cpu, EL0, LOW + 0x3000, 1, FAULT_PERMISSION3);
    store_faults(cpu, EL1, LOW + 0x3000, 1, FAULT_PERMISSION3);
    load_faults(cpu, EL1, LOW + 0x4000, 1, FAULT_TRANSLATION3);
    store_faults(cpu, EL0, LOW + 0x4000, 1, FAULT_TRANSLATION3);

    cpu_set_pstate(cpu, EL1_PAN);
    store(cpu, LOW, 8, 0x11);
    cpu_set_pstate(cpu, EL0);
    store(cpu, LOW + 0x1000, 8, 0x22);
    g_assert_cmphex(load(cpu, LOW + 0x3000, 8), ==, 0);
    cpu_set_pstate(cpu, EL1);
    g_assert_cmphex(load(cpu, LOW, 8), ==, 0x11);
    g_assert_cmphex(load(cpu, LOW + 0x1000, 8), ==, 0x22);
    end();
}

/* LDTR and STTR go by EL0's permissions; the exception is EL1's. */
static void test_unprivileged(void)
{
    InterpCpu *cpu = begin_mmu();
    uint64_t value;

    map(LOW, PA(0), 0);
    map(LOW + 0x1000, PA(1), USER);
    cpu_set_pstate(cpu, EL1_PAN);
    g_assert_true(
        mem_store_as(cpu, world.op, MMU_EL0, LOW + 0x1000, 4, 0x1234));
    g_assert_true(mem_load_as(cpu, world.op, MMU_EL0, LOW + 0x1000, 4, &value));
    g_assert_cmphex(value, ==, 0x1234);
    g_assert_false(mem_load_as(cpu, world.op, MMU_EL0, LOW, 4, &value));
    assert_abort(cpu, EL1_PAN, LOW, FAULT_PERMISSION3);
    end();
}

/* A fault is from the tables as they are, not as they were. */
static void test_spurious(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), RO);
    g_assert_cmphex(load(cpu, LOW, 8), ==, 0);
    map(LOW, PA(0), 0);
    store(cpu, LOW, 8, 0x33);
    g_assert_cmphex(load(cpu, LOW, 8), ==, 0x33);
    end();
}

/* ---- blocks of bytes ---- */

static void test_blocks(void)
{
    InterpCpu *cpu = begin_mmu();
    uint8_t out[64], in[64];

    map(LOW, PA(5), 0);
    map(LOW + 0x1000, PA(2), 0);
    for (unsigned size = 1; size <= 64; size++) {
        for (unsigned before = 0; before < 66; before += 13) {
            uint64_t va = LOW + 0x1000 - before;

            tlb_flush_all(cpu);
            for (unsigned i = 0; i < 64; i++) {
                out[i] = size * 3 + before + i;
            }
            g_assert_true(mem_store_block(cpu, world.op, va, out, size));
            memset(in, 0, sizeof(in));
            g_assert_true(mem_load_block(cpu, world.op, va, in, size));
            g_assert_cmpmem(in, size, out, size);
            memset(in, 0, sizeof(in));
            g_assert_true(mem_load_block(cpu, world.op, va, in, size));
            g_assert_cmpmem(in, size, out, size);
            g_assert_true(mem_store_block(cpu, world.op, va, out, size));
            g_assert_cmphex(load(cpu, va + size - 1, 1), ==, out[size - 1]);
        }
    }
    end();
}

static void test_block_faults(void)
{
    InterpCpu *cpu = begin_mmu();
    uint8_t buf[64];
    uint8_t *end_of_page;

    map(LOW, PA(5), 0);
    end_of_page = world_ram(&world, PA(5) + 0xfe0);
    memset(end_of_page, 0x66, 32);
    memset(buf, 0x77, sizeof(buf));
    g_assert_false(mem_load_block(cpu, world.op, LOW + 0xfe0, buf, 64));
    assert_abort(cpu, EL1, LOW + 0x1000, FAULT_TRANSLATION3);
    for (unsigned i = 0; i < 64; i++) {
        g_assert_cmphex(buf[i], ==, 0x77);
    }
    g_assert_false(mem_store_block(cpu, world.op, LOW + 0xfe0, buf, 64));
    assert_abort(cpu, EL1, LOW + 0x1000, WNR | FAULT_TRANSLATION3);
    for (unsigned i = 0; i < 32; i++) {
        g_assert_cmphex(end_of_page[i], ==, 0x66);
    }
    end();
}

/* Registers see eight bytes at a time. */
static void test_block_io(void)
{
    InterpCpu *cpu = begin_mmu();
    uint64_t buf[2] = {0x1111, 0x2222};

    map(LOW, IO_BASE, DEVICE);
    g_assert_true(mem_store_block(cpu, world.op, LOW + 0x10, buf, 16));
    g_assert_cmpuint(io.count, ==, 2);
    g_assert_cmphex(io.addr, ==, 0x18);
    g_assert_cmphex(io.value, ==, 0x2222);
    g_assert_cmpuint(io.size, ==, 8);
    g_assert_true(mem_load_block(cpu, world.op, LOW + 0x10, buf, 16));
    g_assert_cmphex(buf[0], ==, 0x2222);
    g_assert_cmpuint(io.count, ==, 4);
    end();
}

static void test_zero(void)
{
    InterpCpu *cpu = begin_mmu();
    uint8_t *host;

    map(LOW, PA(0), 0);
    map(LOW + 0x1000, PA(1), RO);
    map(LOW + 0x2000, PA(2), DEVICE);
    map(LOW + 0x3000, IO_BASE, 0);
    host = world_ram(&world, PA(0));
    for (unsigned i = 0; i < 2; i++) {
        memset(host, 0xff, 0x1000);
        g_assert_true(mem_zero(cpu, world.op, LOW + 0x7f, 64));
        g_assert_cmphex(host[0x3f], ==, 0xff);
        g_assert_cmphex(host[0x40], ==, 0);
        g_assert_cmphex(host[0x7f], ==, 0);
        g_assert_cmphex(host[0x80], ==, 0xff);
    }
    g_assert_false(mem_zero(cpu, world.op, LOW + 0x1011, 64));
    assert_abort(cpu, EL1, LOW + 0x1011, WNR | FAULT_PERMISSION3);
    g_assert_false(mem_zero(cpu, world.op, LOW + 0x2000, 64));
    assert_abort(cpu, EL1, LOW + 0x2000, WNR | FAULT_ALIGN);
    g_assert_true(mem_zero(cpu, world.op, LOW + 0x3044, 64));
    g_assert_cmpuint(io.count, ==, 8);
    g_assert_cmphex(io.addr, ==, 0x78);
    end();
}

static void test_probe(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), 0);
    map(LOW + 0x1000, PA(1), RO);
    g_assert_true(mem_probe(cpu, world.op, MMU_EL1, LOW + 0xffc, 8, MEM_READ));
    g_assert_false(
        mem_probe(cpu, world.op, MMU_EL1, LOW + 0xffc, 8, MEM_WRITE));
    assert_abort(cpu, EL1, LOW + 0x1000, WNR | FAULT_PERMISSION3);
    g_assert_false(mem_probe(cpu, world.op, MMU_EL0, LOW, 8, MEM_READ));
    assert_abort(cpu, EL1, LOW, FAULT_PERMISSION3);
    end();
}

/* ---- instructions ---- */

static void assert_fetch_abort(InterpCpu *cpu, uint64_t va, uint32_t esr)
{
    uint32_t pstate = cpu_get_pstate(cpu);

    g_assert_null(mem_exec(cpu, va));
    g_assert_cmphex(cpu->sys.esr_el1, ==, esr);
    g_assert_cmphex(cpu->sys.far_el1, ==, va);
    g_assert_cmphex(cpu->sys.elr_el1, ==, va);
    cpu_set_pstate(cpu, pstate);
}

static void test_exec(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), UXN);
    map(LOW + 0x1000, PA(1), USER | RO);
    map(LOW + 0x2000, PA(2), USER);
    map(LOW + 0x3000, IO_BASE, RO);
    for (unsigned i = 0; i < 2; i++) {
        g_assert_true((const uint8_t *)mem_exec(cpu, LOW + 0xffc) ==
                      world_ram(&world, PA(0) + 0xffc));
    }
    assert_fetch_abort(cpu, LOW + 2, 0x8a000000);
    assert_fetch_abort(cpu, LOW + 0x2000, 0x8600000f);
    assert_fetch_abort(cpu, LOW + 0x3000, 0x86000010);
    assert_fetch_abort(cpu, LOW + 0x4000, 0x86000007);
    cpu_set_pstate(cpu, EL0);
    assert_fetch_abort(cpu, LOW, 0x8200000f);
    g_assert_nonnull(mem_exec(cpu, LOW + 0x1000));
    g_assert_nonnull(mem_exec(cpu, LOW + 0x2000));
    assert_fetch_abort(cpu, LOW + 0x1002, 0x8a000000);
    end();
}

static void test_tagged_pc(void)
{
    InterpCpu *cpu = begin_mmu();
    uint64_t tag = UINT64_C(0x3c) << 56;

    map(LOW, PA(0), 0);
    cpu->sys.tcr_el1 |= UINT64_C(1) << 37;
    cpu->pc = tag | LOW;
    g_assert_true((const uint8_t *)mem_exec(cpu, cpu->pc) ==
                  world_ram(&world, PA(0)));
    g_assert_cmphex(cpu->pc, ==, LOW);
    /* Data accesses keep it, also in FAR. */
    store(cpu, tag | LOW, 8, 0x99);
    g_assert_cmphex(load(cpu, LOW, 8), ==, 0x99);
    g_assert_cmphex(load(cpu, tag | LOW, 8), ==, 0x99);
    load_faults(cpu, EL1, tag | (LOW + 0x1000), 8, FAULT_TRANSLATION3);
    /* Nor is it put where a fetch with the tag would find it. */
    cpu->pc = tag | LOW;
    g_assert_nonnull(mem_exec(cpu, cpu->pc));
    g_assert_cmphex(cpu->pc, ==, LOW);
    load(cpu, tag | LOW, 8);
    /* A flush finds it by its page. */
    tlb_flush_va(cpu, LOW);
    g_assert_null(mem_fast_read(cpu->tlb, tag | LOW, 8));
    end();
}

/* ---- the TLB ---- */

static bool is_cached(InterpCpu *cpu, uint64_t va)
{
    return mem_fast_read(cpu->tlb, va, 8) != NULL;
}

/* No empty entry is some address's. */
static void test_never(void)
{
    InterpCpu *cpu = begin_mmu();

    for (unsigned i = 0; i < 1024; i++) {
        uint64_t va = (uint64_t)i << 12;

        for (MmuIdx idx = 0; idx < NUM_MMU_IDX; idx++) {
            for (unsigned offset = 0; offset < 4096; offset += 8) {
                g_assert_null(mem_fast_read(cpu->tlbs[idx], va + offset, 8));
                g_assert_null(mem_fast_write(cpu->tlbs[idx], ~va - offset, 1));
            }
        }
    }
    load_faults(cpu, EL1, UINT64_MAX - 7, 8, 5);
    load_faults(cpu, EL1, UINT64_C(0), 8, 5);
    end();
}

static void test_flush_va(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), 0);
    map(LOW + 0x1000, PA(1), 0);
    load(cpu, LOW, 8);
    load(cpu, LOW + 0x1000, 8);
    g_assert_true(is_cached(cpu, LOW) && is_cached(cpu, LOW + 0x1000));
    tlb_flush_va(cpu, LOW + 0x234);
    g_assert_false(is_cached(cpu, LOW));
    g_assert_true(is_cached(cpu, LOW + 0x1000));
    map(LOW, PA(3), 0);
    *world_ram(&world, PA(3)) = 0x42;
    g_assert_cmphex(load(cpu, LOW, 1), ==, 0x42);
    end();
}

/* What the fast path has not got is forgotten, too. */
static void test_flush_slow(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, IO_BASE, 0);
    io.value = 0x17;
    g_assert_cmphex(load(cpu, LOW, 4), ==, 0x17);
    map(LOW, PA(0), 0);
    g_assert_cmphex(load(cpu, LOW, 4), ==, 0x17);
    tlb_flush_va(cpu, LOW);
    g_assert_cmphex(load(cpu, LOW, 4), ==, 0);
    end();
}

/* A block's TLBI is of the whole block, whichever address it names. */
static void test_flush_block(void)
{
    InterpCpu *cpu = begin_mmu();

    *slot(LOW, 2) = RAM_BASE | BLOCK;
    map(LOW + 0x40000000, PA(0), 0);
    load(cpu, LOW + 0x3000, 8);
    load(cpu, LOW + 0x40000000, 8);
    tlb_flush_va(cpu, LOW + 0x1ff000);
    g_assert_false(is_cached(cpu, LOW + 0x3000));

    /* 64 KiB pages are several of the TLB's. */
    load(cpu, LOW + 0x40000000, 8);
    cpu->sys.tcr_el1 = (TCR & ~UINT64_C(0x3f)) | 1u << 14 | 39;
    cpu->sys.ttbr0_el1 = TABLES + 0x80000;
    tlb_flush_all(cpu);
    *table_word(TABLES + 0x80000) = (RAM_BASE + 0x200000) | PAGE;
    *table_word(TABLES + 0x80008) = (RAM_BASE + 0x210000) | PAGE;
    load(cpu, 0x3000, 8);
    load(cpu, 0xf000, 8);
    load(cpu, 0x10000, 8);
    tlb_flush_va(cpu, 0x8000);
    g_assert_false(is_cached(cpu, 0x3000) || is_cached(cpu, 0xf000));
    g_assert_true(is_cached(cpu, 0x10000));
    end();
}

/* More blocks far from each other than there are ranges for. */
static void test_flush_blocks(void)
{
    InterpCpu *cpu = begin_mmu();

    for (uint64_t i = 0; i < 20; i++) {
        *slot(i << 33, 2) = RAM_BASE | BLOCK;
    }
    for (uint64_t i = 0; i < 20; i++) {
        for (uint64_t j = 0; j < 20; j++) {
            load(cpu, (j << 33) + j * 0x1000, 8);
        }
        g_assert_true(is_cached(cpu, (i << 33) + i * 0x1000));
        tlb_flush_va(cpu, (i << 33) + 0x100000);
        g_assert_false(is_cached(cpu, (i << 33) + i * 0x1000));
    }
    end();
}

static void set_asid(InterpCpu *cpu, uint64_t asid)
{
    cpu->sys.ttbr0_el1 = L1_LOW | asid << 48;
    tlb_asid_changed(cpu);
}

/* What is of an ASID waits for it; what is global is there for all. */
static void test_asid(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), NG);
    map(HIGH + 0x1000, PA(1), 0);
    map(HIGH + 0x2000, IO_BASE, 0);
    *world_ram(&world, PA(0)) = 0x10;
    *world_ram(&world, PA(3)) = 0x20;
    g_assert_cmphex(load(cpu, LOW, 1), ==, 0x10);
    load(cpu, HIGH + 0x1000, 8);
    set_asid(cpu, 1);
    g_assert_false(is_cached(cpu, LOW));
    g_assert_true(is_cached(cpu, HIGH + 0x1000));
    map(LOW, PA(3), NG);
    g_assert_cmphex(load(cpu, LOW, 1), ==, 0x20);
    set_asid(cpu, 0);
    g_assert_cmphex(load(cpu, LOW, 1), ==, 0x10);
    /* One's flush is not the other's; nor is that of the next. */
    tlb_flush_asid(cpu, 1);
    g_assert_true(is_cached(cpu, LOW));
    set_asid(cpu, 1);
    g_assert_false(is_cached(cpu, LOW));
    g_assert_cmphex(load(cpu, LOW, 1), ==, 0x20);
    tlb_flush_asid(cpu, 1);
    g_assert_false(is_cached(cpu, LOW));
    /* A page, or all there is, goes in each of them. */
    load(cpu, LOW, 1);
    tlb_flush_va(cpu, LOW);
    g_assert_false(is_cached(cpu, LOW));
    set_asid(cpu, 0);
    g_assert_cmphex(load(cpu, LOW, 1), ==, 0x20);
    set_asid(cpu, 1);
    tlb_flush_all(cpu);
    set_asid(cpu, 0);
    g_assert_false(is_cached(cpu, LOW));
    end();
}

/* What is not for the fast path is of an ASID, too. */
static void test_asid_slow(void)
{
    InterpCpu *cpu = begin_mmu();

    set_asid(cpu, 1);
    set_asid(cpu, 0);
    map(LOW, PA(4), DEVICE | NG);
    store(cpu, LOW, 8, 0x40);
    set_asid(cpu, 1);
    map(LOW, PA(5), DEVICE | NG);
    store(cpu, LOW, 8, 0x50);
    set_asid(cpu, 0);
    map(LOW, PA(4), DEVICE | NG);
    g_assert_cmphex(load(cpu, LOW, 8), ==, 0x40);
    end();
}

/* Of TTBR0 or, with A1, TTBR1; of 8 bits or, with AS, 16. */
static void test_asid_size(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), NG);
    set_asid(cpu, 0x1205);
    load(cpu, LOW, 8);
    tlb_flush_asid(cpu, 6);
    g_assert_true(is_cached(cpu, LOW));
    tlb_flush_asid(cpu, 5);
    g_assert_false(is_cached(cpu, LOW));
    cpu->sys.ttbr1_el1 = L1_HIGH | UINT64_C(0x1306) << 48;
    cpu->sys.tcr_el1 |= UINT64_C(1) << 36 | 1u << 22;
    tlb_flush_all(cpu);
    load(cpu, LOW, 8);
    set_asid(cpu, 0x77);
    tlb_flush_asid(cpu, 6);
    tlb_flush_asid(cpu, 0x77);
    g_assert_true(is_cached(cpu, LOW));
    tlb_flush_asid(cpu, 0x1306);
    g_assert_false(is_cached(cpu, LOW));
    end();
}

/* More of them than there is room for: the one used longest ago is gone. */
static void test_asids(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), NG);
    for (unsigned i = 0; i < 40; i++) {
        uint32_t epoch;

        set_asid(cpu, i);
        g_assert_false(is_cached(cpu, LOW));
        map(LOW, PA(i), NG);
        *world_ram(&world, PA(i)) = i;
        g_assert_cmphex(load(cpu, LOW, 1), ==, i);
        epoch = cpu->epoch[0];
        set_asid(cpu, i / 8 * 8);
        g_assert_cmphex(load(cpu, LOW, 1), ==, i / 8 * 8);
        g_assert_true(i % 8 == 0 || cpu->epoch[0] != epoch);
        set_asid(cpu, i);
        g_assert_cmphex(load(cpu, LOW, 1), ==, i);
        g_assert_cmpuint(cpu->epoch[0], ==, epoch);
    }
    end();
}

/* A kernel that is of an ASID, too: its own epochs, and no share in others. */
static void test_asid_upper(void)
{
    InterpCpu *cpu = begin_mmu();
    uint32_t epoch;

    map(HIGH, PA(1), 0);
    map(HIGH + 0x1000, PA(2), NG);
    load(cpu, HIGH, 8);
    epoch = cpu->epoch[1];
    set_asid(cpu, 1);
    g_assert_cmpuint(cpu->epoch[1], ==, epoch);
    load(cpu, HIGH + 0x1000, 8);
    g_assert_cmpuint(cpu->epoch[1], !=, epoch);
    set_asid(cpu, 0);
    g_assert_cmpuint(cpu->epoch[1], ==, epoch);
    g_assert_false(is_cached(cpu, HIGH + 0x1000));
    set_asid(cpu, 1);
    g_assert_true(is_cached(cpu, HIGH) && is_cached(cpu, HIGH + 0x1000));
    set_asid(cpu, 2);
    g_assert_false(is_cached(cpu, HIGH) || is_cached(cpu, HIGH + 0x1000));
    g_assert_cmpuint(cpu->epoch[1], !=, epoch);
    set_asid(cpu, 1);
    tlb_flush_asid(cpu, 1);
    g_assert_false(is_cached(cpu, HIGH) || is_cached(cpu, HIGH + 0x1000));
    /* What is left is global again, and handed on with its epoch. */
    load(cpu, HIGH, 8);
    epoch = cpu->epoch[1];
    set_asid(cpu, 9);
    g_assert_true(is_cached(cpu, HIGH));
    g_assert_cmpuint(cpu->epoch[1], ==, epoch);
    end();
}

/* Blocks that change are looked up again with every ASID; pages with code are
 * protected with every one. */
static void test_asid_code(void)
{
    InterpCpu *cpu = begin_mmu();
    uint32_t low, high;

    map(LOW, PA(0), 0);
    store(cpu, LOW, 8, 0);
    low = cpu->epoch[0];
    high = cpu->epoch[1];
    set_asid(cpu, 1);
    store(cpu, LOW, 8, 0);
    tlb_begin_epochs(cpu);
    tlb_protect_code(cpu, world_ram(&world, PA(0)));
    g_assert_null(mem_fast_write(cpu->tlb, LOW, 8));
    set_asid(cpu, 0);
    g_assert_null(mem_fast_write(cpu->tlb, LOW, 8));
    g_assert_cmpuint(cpu->epoch[0], !=, low);
    g_assert_cmpuint(cpu->epoch[1], !=, high);
    end();
}

/* Blocks are looked up again where what they were found by is gone. */
static void test_epochs(void)
{
    InterpCpu *cpu = begin_mmu();
    uint32_t low, high;

    map(LOW, PA(0), UXN | 1ull << 53);
    map(LOW + 0x1000, PA(1), 0);
    map(HIGH, PA(2), 0);
    g_assert_nonnull(mem_exec(cpu, LOW + 0x1000));
    g_assert_nonnull(mem_exec(cpu, HIGH));
    load(cpu, LOW, 8);
    low = cpu->epoch[0];
    high = cpu->epoch[1];
    tlb_flush_va(cpu, LOW);
    g_assert_cmpuint(cpu->epoch[0], ==, low);
    tlb_flush_va(cpu, LOW + 0x1000);
    g_assert_cmpuint(cpu->epoch[0], !=, low);
    g_assert_cmpuint(cpu->epoch[1], ==, high);
    low = cpu->epoch[0];
    tlb_flush_asid(cpu, 0);
    g_assert_cmpuint(cpu->epoch[0], !=, low);
    g_assert_cmpuint(cpu->epoch[1], ==, high);
    g_assert_nonnull(mem_exec(cpu, HIGH));
    g_assert_cmpuint(cpu->epoch[1], ==, high);
    tlb_flush_va(cpu, HIGH);
    g_assert_cmpuint(cpu->epoch[1], !=, high);
    low = cpu->epoch[0];
    high = cpu->epoch[1];
    tlb_flush_all(cpu);
    g_assert_cmpuint(cpu->epoch[0], !=, low);
    g_assert_cmpuint(cpu->epoch[1], !=, high);
    end();
}

/* Two pages of one entry, of different halves: each flush finds its own. */
static void test_halves(void)
{
    InterpCpu *cpu = begin_mmu();

    map(LOW, PA(0), 0);
    map(HIGH, PA(1), 0);
    load(cpu, LOW, 8);
    load(cpu, HIGH, 8);
    tlb_flush_asid(cpu, 0);
    g_assert_true(is_cached(cpu, HIGH));
    load(cpu, LOW, 8);
    tlb_flush_asid(cpu, 0);
    g_assert_false(is_cached(cpu, LOW));
    end();
}

/* ---- code ---- */

static _Atomic uint8_t *code_flag(uint64_t pa)
{
    return ram_code_flag(ram_find(atomic_load(&world.accel.ram), pa), pa);
}

/* As block.c does when it has decoded something of the page. */
static void make_code(uint64_t pa)
{
    atomic_store(code_flag(pa), 1);
    for (unsigned i = 0; i < 2; i++) {
        tlb_protect_code(world.cpus[i], world_ram(&world, pa));
        atomic_store(&world.cpus[i]->event, 0);
    }
}

static void assert_forgotten(uint64_t pa)
{
    g_assert_cmpuint(atomic_load(code_flag(pa)), ==, 0);
    g_assert_true(atomic_load(&world.cpus[1]->event) & EVENT_WORK);
    make_code(pa);
}

static void test_code(void)
{
    InterpCpu *cpu = begin_mmu();
    void *host;

    map(LOW, PA(0), 0);
    map(LOW + 0x1000, PA(1), 0);
    store(cpu, LOW, 8, 0);
    store(cpu, LOW + 0x1000, 8, 0);
    make_code(PA(0));
    g_assert_null(mem_fast_write(cpu->tlb, LOW, 8));
    g_assert_nonnull(mem_fast_read(cpu->tlb, LOW, 8));
    g_assert_nonnull(mem_fast_write(cpu->tlb, LOW + 0x1000, 8));
    load(cpu, LOW + 0xff8, 8);
    g_assert_cmpuint(atomic_load(code_flag(PA(0))), ==, 1);
    store(cpu, LOW + 0xff8, 8, 0x1122);
    g_assert_cmphex(load(cpu, LOW + 0xff8, 8), ==, 0x1122);
    assert_forgotten(PA(0));
    /* A walk does not open the way again, as long as there is code. */
    tlb_flush_all(cpu);
    load(cpu, LOW, 8);
    g_assert_null(mem_fast_write(cpu->tlb, LOW, 8));
    /* By two pages, by bytes, by an atomic. */
    store(cpu, LOW + 0xffc, 8, 0x7777777777777777);
    assert_forgotten(PA(0));
    g_assert_true(mem_store_block(cpu, world.op, LOW, "0123456789abcdef", 16));
    assert_forgotten(PA(0));
    g_assert_true(mem_host(cpu, world.op, LOW, 8, MEM_READ, &host));
    g_assert_cmpuint(atomic_load(code_flag(PA(0))), ==, 1);
    g_assert_true(mem_host(cpu, world.op, LOW, 8, MEM_WRITE, &host));
    assert_forgotten(PA(0));
    end();
}

/* By a device: from any thread, and for as long as the region is there. */
static void test_dma(void)
{
    static const uint8_t bytes[0x2000];
    InterpCpu *cpu = begin();

    make_code(PA(0));
    make_code(PA(2));
    address_space_write(address_space_memory(), PA(1), bytes, 0x1000);
    g_assert_cmpuint(atomic_load(code_flag(PA(0))), ==, 1);
    g_assert_cmpuint(atomic_load(code_flag(PA(2))), ==, 1);
    g_assert_cmphex(atomic_load(&cpu->event), ==, 0);
    address_space_write(address_space_memory(), PA(1) - 1, bytes, 0x1002);
    g_assert_cmpuint(atomic_load(code_flag(PA(2))), ==, 0);
    g_assert_true(atomic_load(&cpu->event) & EVENT_WORK);
    assert_forgotten(PA(0));
    address_space_read(address_space_memory(), PA(0), (void *)regs, 8);
    g_assert_cmpuint(atomic_load(code_flag(PA(0))), ==, 1);
    end();
}

/* ---- the map ---- */

static void test_map(void)
{
    InterpCpu *cpu = begin();
    RamMap *ram = atomic_load(&world.accel.ram);
    const RamBlock *block;

    g_assert_cmpuint(ram->n, ==, 3);
    g_assert_null(ram_find(ram, 0));
    g_assert_null(ram_find(ram, IO_BASE));
    g_assert_null(ram_find(ram, RAM_BASE - 1));
    g_assert_null(ram_find(ram, RAM_BASE + RAM_SIZE));
    block = ram_find(ram, RAM_BASE + RAM_SIZE - 1);
    g_assert_true(block && block->host == world.ram.ram);
    g_assert_true(block->code && !block->is_device && !block->readonly);
    g_assert_true(ram_find_host(ram, world.ram.ram + 5) == block);
    g_assert_null(ram_find_host(ram, &world));
    block = ram_find(ram, REGS_BASE);
    g_assert_true(block && block->is_device && !block->code);
    block = ram_find(ram, ROM_BASE + 0xfff);
    g_assert_true(block && block->readonly);

    /* A region over part of RAM: two blocks are left of it, with one region. */
    store(cpu, PA(0), 8, 0x12);
    memory_region_del_subregion(get_system_memory(), &io_region);
    memory_region_add_subregion_overlap(get_system_memory(), PA(0), &io_region,
                                        1);
    io.value = 0x34;
    work_run(cpu);
    g_assert_cmphex(load(cpu, PA(0), 8), ==, 0x34);
    work_leave_guest(cpu);
    ram = atomic_load(&world.accel.ram);
    g_assert_cmpuint(ram->n, ==, 4);
    block = ram_find(ram, PA(1));
    g_assert_true(ram_code_flag(block, PA(1)) ==
                  ram_code_flag(ram_find(ram, RAM_BASE), RAM_BASE) +
                      (PA(1) - RAM_BASE) / 0x1000);
    end();
}

/* Only whole pages of the guest that are whole pages here. */
static void test_map_parts(void)
{
    MemoryRegion mr;
    RamMap *ram;

    begin();
    g_assert_true(memory_region_init_ram(&mr, NULL, "part", 0x3000, NULL));
    add(&mr, 0x1000800);
    ram = atomic_load(&world.accel.ram);
    g_assert_null(ram_find(ram, 0x1001000));
    store(world.cpu, 0x1001000, 8, 0x55);
    g_assert_cmphex(mr.ram[0x800], ==, 0x55);
    g_assert_cmphex(load(world.cpu, 0x1001000, 8), ==, 0x55);
    work_leave_guest(world.cpu);
    memory_region_del_subregion(get_system_memory(), &mr);
    memory_region_finish(&mr);

    memory_region_init_ram_device(&mr, NULL, "part", 0x1000 - 8, regs + 8);
    add(&mr, 0x1000000);
    g_assert_null(ram_find(atomic_load(&world.accel.ram), 0x1000000));
    store(world.cpu, 0x1000000, 4, 0x66);
    g_assert_cmphex(regs[8], ==, 0x66);
    work_leave_guest(world.cpu);
    memory_region_del_subregion(get_system_memory(), &mr);
    memory_region_finish(&mr);
    memory_region_init_ram_device(&mr, NULL, "half", 0x1000, regs + 0x800);
    add(&mr, 0x1000000);
    g_assert_null(ram_find(atomic_load(&world.accel.ram), 0x1000000));
    memory_region_del_subregion(get_system_memory(), &mr);
    memory_region_finish(&mr);
    end();
}

/* Blocks of a region that is gone are, too; those of a mapping never were. */
static void test_map_lost(void)
{
    InterpCpu *cpu = begin();
    const Block *block;

    cpu->pc = PA(0);
    block = block_find(cpu);
    memory_region_set_enabled(&regs_region, false);
    g_assert_true(atomic_load(&cpu->event) & EVENT_WORK);
    memory_region_set_enabled(&regs_region, true);
    work_run(cpu);
    g_assert_false(atomic_load(&cpu->event) & EVENT_WORK);
    g_assert_true(block_find(cpu) == block);
    memory_region_set_enabled(&world.ram, false);
    memory_region_set_enabled(&world.ram, true);
    work_run(cpu);
    g_assert_true(block_find(cpu) != block);
    /* What is no RAM is nothing to the vCPUs. */
    memory_region_set_enabled(&io_region, false);
    g_assert_false(atomic_load(&cpu->event) & EVENT_WORK);
    memory_region_set_enabled(&io_region, true);
    end();
}

/* Flags belong to the region: another accelerator finds and uses them. */
static void test_code_outlives(void)
{
    begin();
    interp_ram_finish(&world.accel);
    /* Nobody is told any more. */
    atomic_store(&world.cpu->event, 0);
    address_space_write(address_space_memory(), PA(0), "x", 1);
    g_assert_cmphex(atomic_load(&world.cpu->event), ==, 0);
    interp_ram_init(&world.accel);
    g_assert_true(code_flag(PA(0)) != NULL);
    make_code(PA(0));
    address_space_write(address_space_memory(), PA(0), "x", 1);
    assert_forgotten(PA(0));
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp/mem/off", test_off);
    g_test_add_func("/interp/mem/io", test_io);
    g_test_add_func("/interp/mem/registers", test_registers);
    g_test_add_func("/interp/mem/rom", test_rom);
    g_test_add_func("/interp/mem/alignment", test_alignment);
    g_test_add_func("/interp/mem/split", test_split);
    g_test_add_func("/interp/mem/split-faults", test_split_faults);
    g_test_add_func("/interp/mem/split-io", test_split_io);
    g_test_add_func("/interp/mem/permissions", test_permissions);
    g_test_add_func("/interp/mem/unprivileged", test_unprivileged);
    g_test_add_func("/interp/mem/spurious", test_spurious);
    g_test_add_func("/interp/mem/blocks", test_blocks);
    g_test_add_func("/interp/mem/block-faults", test_block_faults);
    g_test_add_func("/interp/mem/block-io", test_block_io);
    g_test_add_func("/interp/mem/zero", test_zero);
    g_test_add_func("/interp/mem/probe", test_probe);
    g_test_add_func("/interp/mem/exec", test_exec);
    g_test_add_func("/interp/mem/tagged-pc", test_tagged_pc);
    g_test_add_func("/interp/tlb/never", test_never);
    g_test_add_func("/interp/tlb/flush-va", test_flush_va);
    g_test_add_func("/interp/tlb/flush-slow", test_flush_slow);
    g_test_add_func("/interp/tlb/flush-block", test_flush_block);
    g_test_add_func("/interp/tlb/flush-blocks", test_flush_blocks);
    g_test_add_func("/interp/tlb/asid", test_asid);
    g_test_add_func("/interp/tlb/asid-slow", test_asid_slow);
    g_test_add_func("/interp/tlb/asid-size", test_asid_size);
    g_test_add_func("/interp/tlb/asids", test_asids);
    g_test_add_func("/interp/tlb/asid-upper", test_asid_upper);
    g_test_add_func("/interp/tlb/asid-code", test_asid_code);
    g_test_add_func("/interp/tlb/epochs", test_epochs);
    g_test_add_func("/interp/tlb/halves", test_halves);
    g_test_add_func("/interp/ram/code", test_code);
    g_test_add_func("/interp/ram/dma", test_dma);
    g_test_add_func("/interp/ram/map", test_map);
    g_test_add_func("/interp/ram/map-parts", test_map_parts);
    g_test_add_func("/interp/ram/map-lost", test_map_lost);
    g_test_add_func("/interp/ram/code-outlives", test_code_outlives);
    return g_test_run();
}
