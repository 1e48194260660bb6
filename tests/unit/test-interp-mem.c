/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow path of the software CPU's memory accesses, and what faults there.
 */
#include "interp-tables.h"

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
    return g_test_run();
}
