/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache: how blocks are cut, found, linked and forgotten.
 */
#include "../../accel/interp/cache.h"
#include "interp-program.h"

#define NOP 0xd503201fu
#define ADD_X0_1 0x91000400u /* add x0, x0, #1 */
#define ADD_X0_2 0x91000800u
#define B(words) (0x14000000u | ((words)&0x3ffffff))
#define STR_W1_X2 0xb9000041u /* str w1, [x2] */

static World world;

static void put_word(uint64_t pa, uint32_t word)
{
    memcpy(world_ram(&world, pa), &word, 4);
}

static Block *find_at(uint64_t pc)
{
    world.cpu->pc = pc;
    return block_find(world.cpu);
}

static void begin(void)
{
    world_init(&world);
    work_enter_guest(world.cpu);
}

static void end(void)
{
    world_finish(&world);
}

static void test_cut(void)
{
    Block *block;

    begin();
    for (unsigned i = 0; i < 200; i++) {
        put_word(PROGRAM + i * 4, NOP);
        put_word(PROGRAM + 4096 - 40 + i * 4, NOP);
    }
    put_word(PROGRAM + 4 * 4, B(8));
    block = find_at(PROGRAM);
    g_assert_cmpuint(block->num_insns, ==, 5);
    g_assert_cmphex(block->end_pc, ==, PROGRAM + 20);
    g_assert_cmpuint(find_at(PROGRAM + 20)->num_insns, ==, 64);
    /* A block ends where its page does. */
    block = find_at(PROGRAM + 4096 - 40);
    g_assert_cmpuint(block->num_insns, ==, 10);
    g_assert_cmphex(block->end_pc, ==, PROGRAM + 4096);
    end();
}

static void test_found_again(void)
{
    Block *first;
    uint64_t epoch;

    begin();
    put_word(PROGRAM, B(0));
    first = find_at(PROGRAM);
    g_assert_true(find_at(PROGRAM) == first);
    /* Not by the jump table, which the new epoch has made useless. */
    epoch = world.cpu->epoch[0];
    tlb_flush_all(world.cpu);
    g_assert_cmpuint(world.cpu->epoch[0], !=, epoch);
    g_assert_true(find_at(PROGRAM) == first);
    /* Other permissions, another block. */
    cpu_set_pstate(world.cpu, 0);
    g_assert_true(find_at(PROGRAM) != first);
    cpu_set_pstate(world.cpu, 5);
    g_assert_true(find_at(PROGRAM) == first);
    end();
}

static void test_linked(void)
{
    Block *from;
    Block *to;

    begin();
    put_word(PROGRAM, B(16));
    put_word(PROGRAM + 64, B(0));
    from = find_at(PROGRAM);
    g_assert_null(from->links[1].to);
    world.cpu->pc = PROGRAM + 64;
    to = block_find_linked(world.cpu, from, 1);
    g_assert_true(to == find_at(PROGRAM + 64));
    g_assert_true(from->links[1].to == to);
    g_assert_cmpuint(from->links[1].epoch, ==, world.cpu->epoch[0]);
    block_forget_page(world.cpu, world_ram(&world, PROGRAM));
    g_assert_cmpuint(from->links[1].epoch, !=, world.cpu->epoch[0]);
    end();
}

/* A guest can begin more epochs than fit 32 bits. No link is of one of them. */
static void test_epochs_last(void)
{
    begin();
    put_word(PROGRAM, B(0));
    for (unsigned i = 0; i < 20; i++) {
        const Block *block;

        world.cpu->tlb_state.epoch = UINT32_MAX - i;
        block_forget_all(world.cpu);
        block = find_at(PROGRAM);
        g_assert_cmpuint(block->links[1].epoch, !=, world.cpu->epoch[0]);
        g_assert_cmpuint(block_stamp(world.cpu, 0), !=, 0);
        g_assert_cmpuint(block_stamp(world.cpu, UINT64_MAX), !=, 0);
    }
    end();
}

static void test_forgotten(void)
{
    Block *here;
    Block *there;

    begin();
    put_word(PROGRAM, B(0));
    put_word(PROGRAM + 4092, B(0));
    put_word(PROGRAM + 4096, B(0));
    here = find_at(PROGRAM);
    there = find_at(PROGRAM + 4096);
    find_at(PROGRAM + 4092);
    block_forget_page(world.cpu, world_ram(&world, PROGRAM));
    g_assert_true(find_at(PROGRAM + 4096) == there);
    g_assert_true(find_at(PROGRAM) != here);
    block_forget_all(world.cpu);
    g_assert_true(find_at(PROGRAM + 4096) != there);
    end();
}

/* A store of the guest's own into code that has been run. */
static void test_own_write(void)
{
    static const uint32_t code[] = {STR_W1_X2, B(1), ADD_X0_1};

    world_init(&world);
    for (unsigned i = 0; i < 2; i++) {
        world.cpu->x[0] = 0;
        world.cpu->x[1] = ADD_X0_1;
        world.cpu->x[2] = PROGRAM + 8;
        program_run(&world, code, G_N_ELEMENTS(code));
        g_assert_cmpuint(world.cpu->x[0], ==, 1);
        world.cpu->x[0] = 0;
        world.cpu->x[1] = ADD_X0_2;
        program_run(&world, code, G_N_ELEMENTS(code));
        g_assert_cmpuint(world.cpu->x[0], ==, 2);
    }
    end();
}

/* The other vCPU hears of code and of writes to it by its queue. */
static void test_other_cpu(void)
{
    InterpCpu *other;

    begin();
    other = world.cpus[1];
    work_enter_guest(other);
    put_word(PROGRAM, ADD_X0_1);
    put_word(PROGRAM + 4, B(0));
    find_at(PROGRAM);
    g_assert_true(atomic_load(&other->event) & EVENT_WORK);
    work_run(other);
    /* Its write is made, and forgets this vCPU's block. */
    g_assert_true(mem_store(other, world.op, PROGRAM, 4, ADD_X0_2));
    g_assert_true(atomic_load(&world.cpu->event) & EVENT_WORK);
    work_run(world.cpu);
    g_assert_cmphex(find_at(PROGRAM)->ops[0].imm, ==, 2);
    end();
}

static void test_device_write(void)
{
    uint32_t word = ADD_X0_2;
    Block *block;

    begin();
    put_word(PROGRAM, ADD_X0_1);
    put_word(PROGRAM + 4, B(0));
    block = find_at(PROGRAM);
    g_assert_cmphex(block->ops[0].imm, ==, 1);
    g_assert_cmpint(
        address_space_write(address_space_memory(), PROGRAM, &word, 4), ==,
        MEMTX_OK);
    work_run(world.cpu);
    g_assert_cmphex(find_at(PROGRAM)->ops[0].imm, ==, 2);
    end();
}

/* A branch an instruction, until the arena starts anew. */
static void test_full(void)
{
    BlockCache *cache;
    uint64_t pc = PROGRAM;

    begin();
    cache = world.cpu->cache;
    while (!cache->resets) {
        put_word(pc, B(1));
        g_assert_cmpuint(find_at(pc)->num_insns, ==, 1);
        pc = pc + 4 < RAM_BASE + RAM_SIZE ? pc + 4 : PROGRAM;
        if (pc == PROGRAM) {
            block_forget_all(world.cpu);
        }
    }
    g_assert_cmpuint(find_at(PROGRAM)->num_insns, ==, 1);
    g_assert_cmpuint(cache->resets, ==, 1);
    end();
}

static void test_single(void)
{
    Block *block;

    begin();
    put_word(PROGRAM, ADD_X0_1);
    put_word(PROGRAM + 4, ADD_X0_1);
    world.cpu->pc = PROGRAM;
    block = block_single(world.cpu);
    g_assert_cmpuint(block->num_insns, ==, 1);
    cpu_post(world.cpu, EVENT_STEP);
    cpu_execute(world.cpu, block);
    g_assert_cmpuint(world.cpu->x[0], ==, 1);
    g_assert_cmphex(world.cpu->pc, ==, PROGRAM + 4);
    end();
}

static void test_abort(void)
{
    begin();
    g_assert_null(find_at(0x1000));
    g_assert_cmphex(world.cpu->sys.esr_el1 >> 26, ==, EC_IABT);
    g_assert_cmphex(world.cpu->sys.elr_el1, ==, 0x1000);
    g_assert_cmphex(world.cpu->pc, ==, 0x40900200);
    g_assert_null(find_at(PROGRAM + 2));
    g_assert_cmphex(world.cpu->sys.esr_el1 >> 26, ==, EC_PC_ALIGN);
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp/block/cut", test_cut);
    g_test_add_func("/interp/block/found-again", test_found_again);
    g_test_add_func("/interp/block/linked", test_linked);
    g_test_add_func("/interp/block/epochs", test_epochs_last);
    g_test_add_func("/interp/block/forgotten", test_forgotten);
    g_test_add_func("/interp/block/own-write", test_own_write);
    g_test_add_func("/interp/block/other-cpu", test_other_cpu);
    g_test_add_func("/interp/block/device-write", test_device_write);
    g_test_add_func("/interp/block/full", test_full);
    g_test_add_func("/interp/block/single", test_single);
    g_test_add_func("/interp/block/abort", test_abort);
    return g_test_run();
}
