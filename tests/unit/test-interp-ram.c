/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code on pages of RAM, who hears of writes to it, and the map of RAM.
 */
#include "interp-tables.h"

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
    g_test_add_func("/interp/ram/code", test_code);
    g_test_add_func("/interp/ram/dma", test_dma);
    g_test_add_func("/interp/ram/map", test_map);
    g_test_add_func("/interp/ram/map-parts", test_map_parts);
    g_test_add_func("/interp/ram/map-lost", test_map_lost);
    g_test_add_func("/interp/ram/code-outlives", test_code_outlives);
    return g_test_run();
}
