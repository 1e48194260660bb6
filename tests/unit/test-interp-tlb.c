/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software TLB: what a flush drops and what it leaves, ASIDs, epochs.
 */
#include "interp-tables.h"

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

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
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
    return g_test_run();
}
