/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSTATE, exceptions and returns of the software CPU, on a vCPU that runs no
 * instruction.
 */
#include "interp-world.h"

#define VECTORS UINT64_C(0x40900000)
#define MODE_EL0 0u
#define MODE_EL1T 4u
#define MODE_EL1H 5u
#define PAN (1u << 22)
#define SS (1u << 21)
#define IL (1u << 20)
#define D (1u << 9)
#define A (1u << 8)
#define I (1u << 7)
#define F (1u << 6)

static World world;

static InterpCpu *begin(uint32_t pstate)
{
    world_init(&world);
    cpu_set_pstate(world.cpu, pstate);
    return world.cpu;
}

static void end(void)
{
    world_finish(&world);
}

static void test_pstate(void)
{
    static const uint32_t states[] = {
        MODE_EL1H | D | A | I | F, MODE_EL0 | 5u << 28,   MODE_EL1T | PAN | I,
        MODE_EL0 | SS | F,         MODE_EL1H | 10u << 28, MODE_EL1T | IL | D,
    };
    InterpCpu *cpu = begin(MODE_EL1H);

    for (unsigned i = 0; i < G_N_ELEMENTS(states); i++) {
        cpu_set_pstate(cpu, states[i]);
        g_assert_cmphex(cpu_get_pstate(cpu), ==, states[i]);
        g_assert_cmpuint(cpu->el, ==, states[i] >> 2 & 1);
    }
    end();
}

static void test_stacks(void)
{
    InterpCpu *cpu = begin(MODE_EL1H);

    cpu->x[X_SP] = 0x1111;
    cpu_set_pstate(cpu, MODE_EL1T);
    cpu->x[X_SP] = 0x2222;
    cpu_set_pstate(cpu, MODE_EL1H);
    g_assert_cmphex(cpu->x[X_SP], ==, 0x1111);
    cpu_set_pstate(cpu, MODE_EL0);
    g_assert_cmphex(cpu->x[X_SP], ==, 0x2222);
    cpu->x[X_SP] = 0x3333;
    cpu_set_pstate(cpu, MODE_EL1T);
    g_assert_cmphex(cpu->x[X_SP], ==, 0x3333);
    cpu_take_exception(cpu, 0, EC_SVC64, 0);
    g_assert_cmphex(cpu->x[X_SP], ==, 0x1111);
    g_assert_cmphex(cpu->sys.sp_el0, ==, 0x3333);
    end();
}

static void test_mode_changed(void)
{
    InterpCpu *cpu = begin(MODE_EL1H);

    for (unsigned fpen = 0; fpen < 4; fpen++) {
        cpu->sys.cpacr_el1 = fpen << 20;
        cpu_set_pstate(cpu, MODE_EL0);
        g_assert_cmpint(cpu->mmu_idx, ==, MMU_EL0);
        g_assert_true(cpu->tlb == cpu->tlbs[MMU_EL0]);
        g_assert_cmpint(cpu->fp_trapped, ==, fpen != 3);
        cpu_set_pstate(cpu, MODE_EL1H);
        g_assert_cmpint(cpu->mmu_idx, ==, MMU_EL1);
        g_assert_cmpint(cpu->fp_trapped, ==, !(fpen & 1));
        cpu_set_pstate(cpu, MODE_EL1H | PAN);
        g_assert_cmpint(cpu->mmu_idx, ==, MMU_EL1_PAN);
        g_assert_true(cpu->tlb == cpu->tlbs[MMU_EL1_PAN]);
    }
    end();
}

typedef struct From {
    uint32_t mode;
    unsigned offset;
} From;

static const From froms[] = {
    {MODE_EL1T, 0}, {MODE_EL1H, 0x200}, {MODE_EL0, 0x400}};

static void test_synchronous(void)
{
    InterpCpu *cpu = begin(MODE_EL1H);

    for (unsigned i = 0; i < G_N_ELEMENTS(froms); i++) {
        uint32_t pstate = froms[i].mode | 9u << 28 | SS | IL | F;

        cpu->sys.vbar_el1 = VECTORS | 0x7ff;
        cpu_set_pstate(cpu, pstate);
        cpu_take_exception(cpu, 0x1234, EC_SVC64, 0xabcd);
        g_assert_cmphex(cpu->pc, ==, VECTORS + froms[i].offset);
        g_assert_cmphex(cpu->sys.elr_el1, ==, 0x1234);
        g_assert_cmphex(cpu->sys.spsr_el1, ==, pstate);
        g_assert_cmphex(cpu->sys.esr_el1, ==, 0x5600abcd);
        g_assert_cmphex(cpu_get_pstate(cpu), ==,
                        MODE_EL1H | 9u << 28 | D | A | I | F);
    }
    end();
}

static void test_span(void)
{
    InterpCpu *cpu = begin(MODE_EL0);

    g_assert_true(cpu->sys.sctlr_el1 & SCTLR_SPAN);
    cpu_take_exception(cpu, 0, EC_SVC64, 0);
    g_assert_cmpint(cpu->mmu_idx, ==, MMU_EL1);
    cpu->sys.sctlr_el1 &= ~(uint64_t)SCTLR_SPAN;
    cpu_take_exception(cpu, 0, EC_SVC64, 0);
    g_assert_true(cpu->pan);
    g_assert_cmpint(cpu->mmu_idx, ==, MMU_EL1_PAN);
    /* It is not taken away where it is left alone. */
    cpu->sys.sctlr_el1 |= SCTLR_SPAN;
    cpu_take_exception(cpu, 0, EC_SVC64, 0);
    g_assert_true(cpu->pan);
    end();
}

/* The block's third instruction is at hand. */
static void test_raise(void)
{
    InterpCpu *cpu = begin(MODE_EL0);

    g_assert_cmphex(cpu_pc(cpu, world.op), ==, OP_PC);
    g_assert_cmphex(cpu_pc(cpu, &world.block->ops[0]), ==, OP_BLOCK);
    g_assert_cmphex(cpu_pc(cpu, &world.block->ops[5]), ==, OP_BLOCK + 12);
    g_assert_false(cpu_raise(cpu, world.op, EC_BRK, 7));
    g_assert_cmphex(cpu->sys.elr_el1, ==, OP_PC);
    g_assert_cmphex(cpu->sys.esr_el1, ==, 0xf2000007);
    g_assert_cmphex(cpu->pc, ==, VECTORS + 0x400);
    g_assert_false(cpu_undefined(cpu, world.op));
    g_assert_cmphex(cpu->sys.esr_el1, ==, 0x02000000);
    g_assert_cmphex(cpu->pc, ==, VECTORS + 0x200);
    end();
}

static void test_interrupts(void)
{
    InterpCpu *cpu = begin(MODE_EL0);

    cpu->pc = 0x4444;
    g_assert_false(cpu_has_interrupt(cpu));
    g_assert_false(cpu_take_interrupt(cpu));
    atomic_store(&cpu->irq, true);
    g_assert_true(cpu_has_interrupt(cpu));
    cpu_set_pstate(cpu, MODE_EL0 | I);
    g_assert_true(cpu_has_interrupt(cpu));
    g_assert_false(cpu_take_interrupt(cpu));
    cpu_set_pstate(cpu, MODE_EL0 | F | A | D);
    cpu->sys.esr_el1 = 0x77;
    g_assert_true(cpu_take_interrupt(cpu));
    g_assert_cmphex(cpu->pc, ==, VECTORS + 0x480);
    g_assert_cmphex(cpu->sys.elr_el1, ==, 0x4444);
    g_assert_cmphex(cpu->sys.esr_el1, ==, 0x77);
    /* Now masked; and an FIQ goes first. */
    g_assert_false(cpu_take_interrupt(cpu));
    atomic_store(&cpu->fiq, true);
    g_assert_false(cpu_take_interrupt(cpu));
    cpu_set_pstate(cpu, MODE_EL1H);
    g_assert_true(cpu_take_interrupt(cpu));
    g_assert_cmphex(cpu->pc, ==, VECTORS + 0x300);
    atomic_store(&cpu->irq, false);
    cpu_set_pstate(cpu, MODE_EL1T | F);
    g_assert_false(cpu_take_interrupt(cpu));
    end();
}

/* Who lifts a mask is to look at the lines. */
static void test_unmask(void)
{
    InterpCpu *cpu = begin(MODE_EL1H | I);

    atomic_store(&cpu->event, 0);
    cpu_set_pstate(cpu, MODE_EL1H);
    g_assert_cmphex(atomic_load(&cpu->event), ==, 0);
    atomic_store(&cpu->irq, true);
    cpu_set_pstate(cpu, MODE_EL1H);
    g_assert_cmphex(atomic_load(&cpu->event), ==, EVENT_IRQ);
    end();
}

static void eret(InterpCpu *cpu, uint32_t spsr, uint64_t elr)
{
    cpu->sys.spsr_el1 = spsr;
    cpu->sys.elr_el1 = elr;
    cpu_exception_return(cpu);
}

static void test_return(void)
{
    InterpCpu *cpu = begin(MODE_EL1H | D | A | I | F);

    cpu->monitor.valid = true;
    cpu->sys.sp_el0 = 0x8000;
    eret(cpu, MODE_EL0 | 6u << 28 | PAN, 0x40001000);
    g_assert_cmphex(cpu->pc, ==, 0x40001000);
    g_assert_cmphex(cpu_get_pstate(cpu), ==, MODE_EL0 | 6u << 28 | PAN);
    g_assert_cmphex(cpu->x[X_SP], ==, 0x8000);
    g_assert_false(cpu->monitor.valid);
    end();
}

/* Of the modes of SPSR only three are there; the others are illegal. */
static void test_illegal_return(void)
{
    for (uint32_t mode = 0; mode < 32; mode++) {
        InterpCpu *cpu = begin(MODE_EL1T | D);
        bool legal = mode == MODE_EL0 || mode == MODE_EL1T || mode == MODE_EL1H;

        eret(cpu, mode | 3u << 28 | A, 0x40001000);
        if (legal) {
            g_assert_cmphex(cpu->pc, ==, 0x40001000);
        } else {
            g_assert_cmphex(cpu->pc, ==, VECTORS);
            g_assert_cmphex(cpu->sys.esr_el1, ==, 0x3a000000);
            g_assert_cmphex(cpu->sys.elr_el1, ==, 0x40001000);
            g_assert_cmphex(cpu->sys.spsr_el1, ==,
                            MODE_EL1T | 3u << 28 | A | IL);
            g_assert_false(cpu->il);
        }
        end();
    }
}

/* SPSR.IL comes back, and is an exception of the next instruction. */
static void test_return_il(void)
{
    InterpCpu *cpu = begin(MODE_EL1H);

    eret(cpu, MODE_EL0 | IL, 0x40001000);
    g_assert_cmphex(cpu->sys.esr_el1, ==, 0x3a000000);
    g_assert_cmphex(cpu->sys.spsr_el1, ==, MODE_EL0 | IL);
    /* If there is one: where it cannot be fetched, that is said first. */
    eret(cpu, MODE_EL0 | IL, 0x40001002);
    g_assert_cmphex(cpu->sys.esr_el1, ==, 0x8a000000);
    g_assert_cmphex(cpu->sys.far_el1, ==, 0x40001002);
    g_assert_cmphex(cpu->sys.spsr_el1, ==, MODE_EL0 | IL);
    end();
}

/* PSTATE.SS is taken over where stepping begins with this return. */
static void test_return_step(void)
{
    InterpCpu *cpu = begin(MODE_EL1H);

    eret(cpu, MODE_EL0 | SS, 0x40001000);
    g_assert_false(cpu->ss); /* MDSCR_EL1.SS is clear */
    cpu->sys.mdscr_el1 = 1;
    cpu->sys.oslsr_el1 = 0;
    cpu_set_pstate(cpu, MODE_EL1H);
    eret(cpu, MODE_EL0 | SS, 0x40001000);
    g_assert_true(cpu->ss);
    cpu_set_pstate(cpu, MODE_EL1H);
    eret(cpu, MODE_EL1H | SS, 0x40001000);
    g_assert_false(cpu->ss); /* EL1 does not debug itself */
    cpu->sys.mdscr_el1 |= 1u << 13;
    cpu_set_pstate(cpu, MODE_EL1H | D);
    eret(cpu, MODE_EL1H | SS, 0x40001000);
    g_assert_true(cpu->ss);
    cpu_set_pstate(cpu, MODE_EL1H | D);
    eret(cpu, MODE_EL1H | SS | D, 0x40001000);
    g_assert_false(cpu->ss);
    cpu_set_pstate(cpu, MODE_EL1H);
    eret(cpu, MODE_EL0 | SS, 0x40001000);
    g_assert_false(cpu->ss); /* it was stepping already */
    cpu_set_pstate(cpu, MODE_EL1H | D);
    cpu->sys.oslsr_el1 = 2;
    eret(cpu, MODE_EL0 | SS, 0x40001000);
    g_assert_false(cpu->ss); /* the OS lock is set */
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/interp/exception/pstate", test_pstate);
    g_test_add_func("/interp/exception/stacks", test_stacks);
    g_test_add_func("/interp/exception/mode-changed", test_mode_changed);
    g_test_add_func("/interp/exception/synchronous", test_synchronous);
    g_test_add_func("/interp/exception/span", test_span);
    g_test_add_func("/interp/exception/raise", test_raise);
    g_test_add_func("/interp/exception/interrupts", test_interrupts);
    g_test_add_func("/interp/exception/unmask", test_unmask);
    g_test_add_func("/interp/exception/return", test_return);
    g_test_add_func("/interp/exception/illegal-return", test_illegal_return);
    g_test_add_func("/interp/exception/return-il", test_return_il);
    g_test_add_func("/interp/exception/return-step", test_return_step);
    return g_test_run();
}
